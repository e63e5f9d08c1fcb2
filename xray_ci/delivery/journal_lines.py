"""The lines of a journal: `digest json`, where each digest covers the one before it; the first line has the version in front.

Bytes only: knows nothing of folders, entries or of what a line means, but that the last line of a finished journal says so.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from xray_ci.delivery.folder import JournalFault

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION: Final = 1
DIGEST_BYTES: Final = 16
LINE_LIMIT: Final = 1_000_000
"""Bytes of one line, with its end."""
JOURNAL_LIMIT: Final = 64_000_000
FINISHED: Final = b'"finished"'
"""What the last line of a finished journal says; entries are objects, so none of them is that."""
_SEED: Final = hashlib.blake2b(b"xray-ci-journal 1", digest_size=DIGEST_BYTES).digest()
_FIRST: Final = re.compile(rb"xray-ci-journal ([0-9]{1,9}) (.*)\n", re.DOTALL)
_LINE: Final = re.compile(rb"([0-9a-f]{32}) (.+)", re.DOTALL)
_ZEROS: Final = re.compile(rb"\0+")
_BLOCK: Final = 512
"""Bytes that a disk writes as one, or not at all; larger blocks are multiples of it."""
_LAST: Final = re.compile(rb"\n[0-9a-f]{32} " + FINISHED + rb"\n")
LAST_LENGTH: Final = 1 + 2 * DIGEST_BYTES + 1 + len(FINISHED) + 1
"""Bytes at the end of a finished journal by which it is known."""


class Chain(NamedTuple):
    """Where a journal stands: the digest over all its lines, and their bytes."""

    digest: bytes = _SEED
    length: int = 0


def line_after(chain: Chain, payload: bytes) -> tuple[bytes, Chain]:
    """Return the line that says `payload` (JSON, no line break in it), and where the journal stands after it.

    Raises ValueError for a line over `LINE_LIMIT`.
    """
    digest = _digest(chain.digest, payload)
    line = b"%b%b %b\n" % (b"" if chain.length else b"xray-ci-journal %d " % VERSION, digest.hex().encode(), payload)
    if len(line) > LINE_LIMIT:
        raise ValueError(f"a line of a journal has at most {LINE_LIMIT:,} bytes, this one has {len(line):,}")
    return line, Chain(digest, chain.length + len(line))


def read_lines(file: BinaryIO, size: int, where: str) -> Iterator[tuple[bytes, Chain]]:
    """Yield what each line says, checked, and where the journal stands after it; a torn last line is left out.

    `size` is that of the file in bytes. Raises JournalFault, with `where` and the line, for what was not written like that.
    """
    if size > JOURNAL_LIMIT:
        raise JournalFault(f"the journal is larger than {JOURNAL_LIMIT:,} bytes", where=where)
    chain, number, payload = Chain(), 0, b""
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if not line.endswith(b"\n") and len(line) <= LINE_LIMIT:
            break
        here = f"{where}:{number}"
        if payload == FINISHED or len(line) > LINE_LIMIT:
            raise JournalFault("something else follows the journal" if payload == FINISHED else "this line is too long", where=here)
        found = _LINE.fullmatch(line[:-1] if chain.length else _versioned(line, here))
        digest = _digest(chain.digest, found[2]) if found else b""
        if found is None or digest.hex().encode() != found[1]:
            if chain.length and chain.length + len(line) == size and _never_written(line, chain.length):
                break
            raise JournalFault("this line was changed, or lines before it are missing", where=here)
        chain, payload = Chain(digest, chain.length + len(line)), found[2]
        yield payload, chain
    if not chain.length:
        raise JournalFault("the journal was never begun", where=where)


def is_finished(end: bytes) -> bool:
    """Whether the last `LAST_LENGTH` bytes of a journal say that it is finished; what is before them is not checked."""
    return _LAST.fullmatch(end) is not None


def _never_written(line: bytes, start: int) -> bool:
    """Whether a last line, at this place of the file, has blocks that were never written because the power went.

    They read as zeros, from the line's start or that of a block to the end of one: a changed byte does not look like that.
    """
    runs = [(start + found.start(), start + found.end()) for found in _ZEROS.finditer(line)]
    return bool(runs) and all((first == start or first % _BLOCK == 0) and (end == start + len(line) or end % _BLOCK == 0)
                              for first, end in runs)


def _versioned(line: bytes, where: str) -> bytes:
    """Return the first line without what stands in front of its digest."""
    found = _FIRST.fullmatch(line)
    if found is None:
        raise JournalFault("this is no journal of xray-ci", where=where)
    if found[1] != b"%d" % VERSION:
        raise JournalFault(f"the journal is of version {int(found[1])}, this xray-ci reads version {VERSION}", where=where,
                           advice="Run `xray-ci resume` with the release that wrote it.")
    return found[2]


def _digest(before: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(before + payload, digest_size=DIGEST_BYTES).digest()
