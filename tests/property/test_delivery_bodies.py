"""Laws of bodies: what is planned in pieces arrives whole, and cleaning changes nothing else."""

from __future__ import annotations

import io
import itertools
import re
from email import message_from_bytes
from email.policy import HTTP

from hypothesis import given
from hypothesis import strategies as st

from xray_ci.delivery.prepare import without_empty_properties
from xray_ci.services import body as module
from xray_ci.services.body import FormPart, Pieces, Slice, multipart

PIECES = st.lists(st.binary(max_size=40), max_size=8)


@given(PIECES, st.integers(1, 30))
def test_pieces_are_their_bytes_in_order(tmp_path_factory, contents, size):
    """Length and bytes are those of the pieces, whether in memory or on disk, and a second pass gives the same.

    No chunk is so small that it could go with the next one.
    """
    path = tmp_path_factory.mktemp("spool", numbered=True) / "spool"
    path.write_bytes(b"".join(contents))
    pieces, offset = [], 0
    for number, content in enumerate(contents):
        pieces.append(content if number % 2 else Slice(path=path, offset=offset, length=len(content)))
        offset += len(content)
    body = Pieces(pieces=tuple(pieces))
    before, module.PIECE = module.PIECE, size
    try:
        chunks = list(body)
        again = list(body)
    finally:
        module.PIECE = before

    assert b"".join(contents) == b"".join(chunks)
    assert chunks == again
    assert len(body) == sum(map(len, chunks))
    assert all(chunks)
    assert all(len(one) + len(next_one) >= size for one, next_one in itertools.pairwise(chunks))


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20), st.binary(max_size=60)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_form_holds_its_parts_and_no_name_breaks_out(parts):
    """A parser of MIME finds every part with its name and bytes, and no more."""
    form = multipart(
        tuple(
            FormPart(name=name, filename=name, content_type="application/octet-stream", pieces=(content,))
            for name, content in parts
        ),
        "fence-0123456789",
    )
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    raw = b"".join(form.body)
    found = raw.split(b"--fence-0123456789")

    assert len(form.body) == len(raw)
    assert len(parts) == len(found) - 2
    assert message_from_bytes(head, policy=HTTP).get_boundary() == "fence-0123456789"
    for (name, content), part in zip(parts, found[1:-1], strict=True):
        top, _, inside = part.partition(b"\r\n\r\n")
        assert content + b"\r\n" == inside
        assert top.count(name.replace('"', "%22").encode() + b'"') == 2 or '"' in name or top.count(name.encode()) >= 2


TOKENS = st.lists(
    st.sampled_from(
        [
            b"<properties/>",
            b"<properties >",
            b"</properties>",
            b"<properties",
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"-->",
            b" ",
            b"\n",
            b"/>",
            b"<property/>",
            b"x",
            b"]",
            b"-",
        ]
    ),
    max_size=14,
).map(b"".join)
KEPT = re.compile(
    rb"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))|<properties\s*(?:/>|>\s*</properties\s*>)", re.DOTALL
)


@given(TOKENS, st.integers(1, 16))
def test_cleaning_in_pieces_equals_cleaning_at_once(text, size):
    """However the bytes are cut, the result is that of one expression over the whole text."""

    class Dripping(io.BytesIO):
        def read(self, count=-1, /):
            return super().read(min(size, count) if count >= 0 else size)

    assert KEPT.sub(lambda found: found.group(1) or b"", text) == b"".join(without_empty_properties(Dripping(text)))
