"""Base64 on disk, sent as the bytes that it stands for: sized before, whole or a failure."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.errors import UnreadableReport
from xray_ci.services import body
from xray_ci.services.body import Pieces, Slice


def stretch(path, text: bytes) -> Slice:
    """Write text between other bytes and return where it lies."""
    path.write_bytes(b'{"data":"' + text + b'"}')
    return Slice(path=path, offset=9, length=len(text))


@given(data=st.binary(min_size=1, max_size=2_000))
def test_what_is_read_is_what_was_encoded(data, tmp_path_factory):
    """Of the length that is known before, at any padding."""
    found = body.decoded((stretch(tmp_path_factory.mktemp("d") / "f", base64.b64encode(data)),))

    assert found is not None
    assert found.length == len(data)
    assert b"".join(Pieces(pieces=(b"<", found, b">"))) == b"<" + data + b">"


def test_a_large_file_is_read_in_pieces(tmp_path):
    """Never as a whole: no piece is larger than one that is read from disk."""
    data = bytes(range(256)) * 8_000
    found = body.decoded((stretch(tmp_path / "f", base64.b64encode(data)),))

    pieces = list(found.read())
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= body.PIECE


@pytest.mark.parametrize("data", [(), (b"eA==",), (b"eA==", b"eA==")])
def test_what_does_not_lie_in_one_stretch_is_sent_otherwise(data):
    """Small texts in memory are no uploads."""
    assert body.decoded(data) is None


@pytest.mark.parametrize("text", [b"eA=", b"", b"eA"])
def test_what_is_not_whole_is_sent_otherwise(tmp_path, text):
    """Its length would not be known."""
    assert body.decoded((stretch(tmp_path / "f", text),)) is None


@pytest.mark.parametrize("text", [b"eA==eA==", b"e*Bj", b"====", b"eHh4=Hh4"])
def test_what_is_no_base64_ends_the_request(tmp_path, text):
    """A state folder that somebody wrote into: nothing is sent that is not what was meant."""
    found = body.decoded((stretch(tmp_path / "f", text),))

    with pytest.raises(UnreadableReport, match="changed while it was sent"):
        list(found.read())
