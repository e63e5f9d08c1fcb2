"""Lines and documents on lines: encodings, bounds, and what is broken."""

from io import BytesIO

import pytest

from xray_ci.reports.lines import LINE_LIMIT, PIECE, Documents, lines
from xray_ci.reports.notices import Fault


def of(content):
    return list(lines(BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\r\nb\n\nc", ["a", "b", "", "c"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("a\nž\n".encode("utf-16"), ["a", "ž"]),
        (b"a\xff\nb", ["a\ufffd", "b"]),
        ("a\u2028b\x0bc\n".encode(), ["a\u2028b\x0bc"]),
    ],
)
def test_lines_end_with_a_line_feed_and_nothing_else(content, expected):
    """In every encoding; wrong bytes are marked."""
    assert expected == of(content)


def test_a_line_may_lie_over_many_pieces():
    """And so may its last character."""
    long = "ž" * PIECE

    assert [long, "end"] == of(f"{long}\nend".encode())


def test_a_line_without_end_is_refused():
    """Memory stays bounded."""
    with pytest.raises(Fault) as refused:
        of(b"x" * (LINE_LIMIT + PIECE))

    assert refused.value.slug == "unsafe-report"


def test_ignored_lines_are_counted_and_named():
    """Blank ones are nothing."""
    documents = Documents(BytesIO(b"a\n\n{}\nb\n"))

    assert list(documents) == [{}]
    assert (documents.noise, documents.where) == (2, [1, 4])


@pytest.mark.parametrize(
    ("content", "slug", "line"),
    [
        (b'{}\n{"a"\n{}\n', "unreadable-report", 2),
        (b'{"a"', "truncated-report", 1),
        (b'{"a": NaN}\n{}', "unreadable-report", 1),
        (b'{"a": ' + b"9" * 5_000 + b"}\n{}", "unreadable-report", 1),
        (b'{"a": ' + b"[" * 100_000 + b"\n", "unsafe-report", 1),
    ],
)
def test_broken_documents_are_refused_with_their_line(content, slug, line):
    """The only one was cut off; one before others is broken."""
    with pytest.raises(Fault) as refused:
        list(Documents(BytesIO(content)))

    assert (slug, line) == (refused.value.slug, refused.value.line)


def test_a_last_document_that_was_cut_off_is_noted():
    """Those before it are whole."""
    documents = Documents(BytesIO(b'{}\n{"a"'))

    assert (list(documents), documents.cut, documents.number) == ([{}], True, 2)


def test_halves_of_surrogate_pairs_become_readable():
    """No UTF-8 can hold them, and nothing after this may fail on them."""
    ((value,),) = [list(Documents(BytesIO(rb'{"a": "x\ud800", "b": "\ud83d\ude00"}')))]

    assert value["b"] == "😀"
    value["a"].encode()
