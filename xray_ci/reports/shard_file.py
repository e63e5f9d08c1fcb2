"""How a file of collected results is laid out, for its writer and its reader alike. Knows bytes; knows no case and no file.

A head line with the version, then frames: a letter, two lengths, and zlib-packed bytes. `R` says which report the cases behind
it come from, `E` is a piece of evidence, `C` are cases and `P` problems (a line of JSON each), `Z` ends the file with its counts
and a digest of all bytes before it. Evidence is one long run of bytes that attachments name a stretch of.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.reports.fault import BROKEN, HOSTILE, TRUNCATED, Fault

if TYPE_CHECKING:
    from hashlib import blake2b

    from xray_ci.reports.json_stream import Source

MAGIC: Final = b"\0xray-ci shard "
"""No text and no other format begins like this; the version in digits and a line feed follow."""
VERSION: Final = 1
"""Raised with every change of what a case, problem or origin holds, and of the frames."""
REPORT: Final = b"R"
EVIDENCE: Final = b"E"
CASES: Final = b"C"
PROBLEMS: Final = b"P"
END: Final = b"Z"
FRAME_LIMIT: Final = 16_777_216
"""Bytes that one frame unpacks to, and so of one case."""
TOTAL_LIMIT: Final = 8_589_934_592
"""Bytes that all frames unpack to."""
EVIDENCE_LIMIT: Final = 1_073_741_824
"""Bytes of evidence of all cases, each use of a stretch counted."""
CASE_EVIDENCE_LIMIT: Final = 104_857_600
"""Bytes of evidence of one case, which its reader holds in memory."""
CASE_FILES_LIMIT: Final = 20_000
"""Pieces of evidence of one case."""
CAUSE_LIMIT: Final = 4_000
"""Characters of a problem's cause and advice."""
DIGEST_SIZE: Final = 32
_AGAIN: Final = "Collect these results again, and let the job fail when its artifact is not stored whole."
_FRAME: Final = struct.Struct("<cII")
_VERSION: Final = re.compile(rb"([0-9]{1,9})\n")
_HEAD_LIMIT: Final = 32
_PLACE: Final = re.compile(r"([0-9]{1,12})\+([0-9]{1,12})")
_PACKED_MORE: Final = 65_536
"""Bytes by which packing can make a frame larger, with room to spare."""


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the last frame says of the file before it."""

    reports: int
    cases: int
    problems: int
    evidence: int
    """Bytes."""
    digest: str
    """BLAKE2b of all bytes before this frame, 64 hexadecimal digits."""


def head() -> bytes:
    """Return the first bytes of a file."""
    return MAGIC + b"%d\n" % VERSION


def packed(kind: bytes, raw: bytes | bytearray) -> bytes:
    """Return a frame."""
    body = zlib.compress(raw)
    return _FRAME.pack(kind, len(raw), len(body)) + body


def place(offset: int, size: int) -> str:
    """Return how an attachment names its stretch of the evidence, in place of base64."""
    return f"{offset}+{size}"


def stretch(text: str | None) -> tuple[int, int] | None:
    """Return offset and size of a stretch, None for what names none."""
    found = _PLACE.fullmatch(text) if text is not None and text.isascii() else None
    return None if found is None else (int(found[1]), int(found[2]))


class Frames:
    """The frames of a file in their order; nothing is unpacked beyond its bounds.

    Every method raises Fault where the file is broken, cut off or hostile.
    """

    def __init__(self, source: Source, digest: blake2b) -> None:
        """Read the head; raises Fault for another version."""
        self._source = source
        self._digest = digest
        self._total = 0
        line = b""
        while not line.endswith(b"\n") and len(line) < _HEAD_LIMIT and (one := source.read(1)):
            line += one
        found = _VERSION.fullmatch(line[len(MAGIC):]) if line.startswith(MAGIC) else None
        if found is None:
            if head().startswith(line):
                raise Fault(TRUNCATED, "it ends in its first line", advice=_AGAIN)
            raise Fault(BROKEN, "it does not begin like a file of collected results")
        if int(found[1]) != VERSION:
            raise Fault("shard-version", f"it was collected by another version of xray-ci (layout {int(found[1])}, this one reads {VERSION})",
                        advice="Let the jobs that collect and the one that imports use the same version of xray-ci.")
        digest.update(line)

    def next(self) -> tuple[bytes, bytes]:
        """Return the letter and the content of the next frame; that of the end is in no digest."""
        header = self._exactly(_FRAME.size)
        kind, size, length = _FRAME.unpack(header)
        if size > FRAME_LIMIT or length > FRAME_LIMIT + _PACKED_MORE:
            raise Fault(HOSTILE, f"a part of more than {FRAME_LIMIT >> 20} MiB")
        self._total += size
        if self._total > TOTAL_LIMIT:
            raise Fault(HOSTILE, f"more than {TOTAL_LIMIT >> 30} GiB when unpacked")
        body = self._exactly(length)
        if kind != END:
            self._digest.update(header)
            self._digest.update(body)
        return kind, _unpacked(body, size)

    def finish(self) -> None:
        """Make sure that nothing follows."""
        if self._source.read(1):
            raise Fault(BROKEN, "something follows its end")

    def _exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        while len(data) < size and (more := self._source.read(size - len(data))):
            data += more
        if len(data) < size:
            raise Fault(TRUNCATED, "it ends before its last part", advice=_AGAIN)
        return data


def _unpacked(body: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(body, size + 1)
    except zlib.error as error:
        raise Fault(BROKEN, f"a part of it cannot be unpacked ({error})") from None
    if len(raw) != size or not unpacker.eof or unpacker.unused_data:
        raise Fault(HOSTILE, "a part of it is not of the size that it says")
    return raw
