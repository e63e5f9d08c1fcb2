"""A file of collected results: how it is laid out, written report by report, and read.

A head line with the version, then frames: a letter, two lengths, and zlib-packed bytes. `R` says which report the cases
behind it come from, `E` is a piece of evidence, `C` are cases and `P` problems (a line of JSON each), `Z` ends the file
with its counts and a digest of all bytes before it. Evidence is one long run of bytes that attachments name a stretch
of. Memory is that of one frame; what came of a broken report is taken back.

Whoever could write the file is not trusted: all types are checked, texts, counts and sizes have the bounds of every
other report, and the digest only shows that nothing is missing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import tempfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeVar

import msgspec

from xray_ci.errors import ConfigurationError, spooling
from xray_ci.model import TEXT_LIMIT, Case, Origin, Problem, Severity, Step
from xray_ci.reports import notices
from xray_ci.reports.notices import BROKEN, TRUNCATED, UNSAFE, Fault
from xray_ci.reports.texts import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from hashlib import blake2b

    from xray_ci.model import Attachment
    from xray_ci.reports.json_stream import Source


MAGIC: Final = b"\0xray-ci shard "
"""No text and no other format begins like this; the version in digits and a line feed follow."""
VERSION: Final = 2
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

    Every method raises Fault where the file is broken, cut off or unsafe.
    """

    def __init__(self, source: Source, digest: blake2b) -> None:
        """Read the head; raises Fault for another version."""
        self._source = source
        self._digest = digest
        self._total = 0
        line = b""
        while not line.endswith(b"\n") and len(line) < _HEAD_LIMIT and (one := source.read(1)):
            line += one
        found = _VERSION.fullmatch(line[len(MAGIC) :]) if line.startswith(MAGIC) else None
        if found is None:
            if head().startswith(line):
                raise Fault(TRUNCATED, "it ends in its first line", advice=_AGAIN)
            raise Fault(BROKEN, "it does not begin like a file of collected results")
        if not 1 <= int(found[1]) <= VERSION:  # the first lacks `retried` of cases, which is not said then
            raise Fault(
                "shard-version",
                f"it was collected by another version of xray-ci (layout {int(found[1])}, this one reads {VERSION})",
                advice="Let the jobs that collect and the one that imports use the same version of xray-ci.",
            )
        digest.update(line)

    def next(self) -> tuple[bytes, bytes]:
        """Return the letter and the content of the next frame; that of the end is in no digest."""
        header = self._exactly(_FRAME.size)
        kind, size, length = _FRAME.unpack(header)
        if size > FRAME_LIMIT or length > FRAME_LIMIT + _PACKED_MORE:
            raise Fault(UNSAFE, f"a part of more than {FRAME_LIMIT >> 20} MiB")
        self._total += size
        if self._total > TOTAL_LIMIT:
            raise Fault(UNSAFE, f"more than {TOTAL_LIMIT >> 30} GiB when unpacked")
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
        raise Fault(UNSAFE, "a part of it is not of the size that it says")
    return raw


_FULL: Final = 262_144
"""Bytes of cases, or of evidence, that make a frame: enough to pack well, and little to hold."""


class _Mark(NamedTuple):
    """A state of the file that can be come back to."""

    position: int
    digest: blake2b
    reports: int
    cases: int
    evidence: int
    total: int


class ShardWriter:
    """Writes one file; the bytes are whole only after `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is empty, can be written, truncated and moved in."""
        self._file = file
        self._digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
        self._encode = msgspec.json.Encoder().encode
        self._cases_waiting = bytearray()
        self._evidence_waiting = bytearray()
        self._reports = self._cases = self._problems = self._total = 0
        self.stored = 0
        """Bytes of evidence so far: where the next piece begins."""
        self._put(head())
        self._mark = self._now()

    def mark(self) -> None:
        """Remember this place: all before it is kept."""
        self._flush()
        self._mark = self._now()

    def back(self) -> None:
        """Take everything since the mark back."""
        self._cases_waiting.clear()
        self._evidence_waiting.clear()
        mark = self._mark
        self._file.seek(mark.position)
        self._file.truncate()
        self._digest = mark.digest.copy()
        self._reports, self._cases, self.stored, self._total = mark.reports, mark.cases, mark.evidence, mark.total

    def origin(self, origin: Origin) -> None:
        """Say which report the cases that come now are from."""
        self._flush()
        self._frame(REPORT, self._encode(origin))
        self._reports += 1

    def evidence(self, data: bytes) -> None:
        """Put a piece of evidence behind what is there."""
        self.stored += len(data)
        self._evidence_waiting += data
        if len(self._evidence_waiting) >= _FULL:
            self._flush_evidence()

    def add(self, case: Case) -> bool:
        """Put a case at the end, its attachments as `shard_file.place`.

        False for one that is larger than a file may hold.
        """
        line = self._encode(case)
        if len(line) >= FRAME_LIMIT:
            return False
        if len(self._cases_waiting) + len(line) >= FRAME_LIMIT:
            self._flush()
        self._cases_waiting += line
        self._cases_waiting += b"\n"
        self._cases += 1
        if len(self._cases_waiting) >= _FULL:
            self._flush()
        return True

    def finish(self, problems: Iterable[Problem]) -> None:
        """Write what is to be told of the reports, and the end."""
        self._flush()
        for problem in problems:
            self._frame(PROBLEMS, self._encode(problem))
            self._problems += 1
        end = End(
            reports=self._reports,
            cases=self._cases,
            problems=self._problems,
            evidence=self.stored,
            digest=self._digest.hexdigest(),
        )
        self._file.write(packed(END, self._encode(end)))

    def _flush(self) -> None:
        self._flush_evidence()
        if self._cases_waiting:
            self._frame(CASES, self._cases_waiting)
            self._cases_waiting.clear()

    def _flush_evidence(self) -> None:
        if self._evidence_waiting:
            self._frame(EVIDENCE, self._evidence_waiting)
            self._evidence_waiting.clear()

    def _frame(self, kind: bytes, raw: bytes | bytearray) -> None:
        self._total += len(raw)
        if self._total > TOTAL_LIMIT:
            raise ConfigurationError(
                f"the results are more than the {TOTAL_LIMIT >> 30} GiB that one file may hold",
                slug="shard-too-large",
                where="reports",
                advice="Collect them in several files.",
            )
        self._put(packed(kind, raw))

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)

    def _now(self) -> _Mark:
        return _Mark(self._file.tell(), self._digest.copy(), self._reports, self._cases, self.stored, self._total)


_IN_MEMORY: Final = 4_194_304
"""Bytes of evidence; more go to an unnamed file in the folder for temporary files."""
_PATH_LIMIT: Final = 4_096
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_LIMIT: Final = 60
_EPOCH: Final = 1970
_NUMBER_LIMIT: Final = 2**63 - 1
_T = TypeVar("_T")


def read(source: BinaryIO) -> Iterator[Case | Problem | Origin]:
    """Yield for each report where it comes from, then its cases; what was told of the reports comes last.

    Raises Fault where the file is cut off, broken, unsafe, or of another version.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as held:
        yield from _Shard(source, held).items()


class _Shard:
    def __init__(self, source: BinaryIO, held: Any) -> None:
        self._digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
        self._frames = Frames(source, self._digest)
        self._held = held
        self._reports = self._cases = self._problems = self._stored = 0
        self._spent = 0
        """Bytes of evidence that were handed on."""
        self._left = self._files_left = 0
        """Bytes and pieces of evidence that the case at hand may still have."""
        self._case = msgspec.json.Decoder(Case)

    def items(self) -> Iterator[Case | Problem | Origin]:
        """Yield everything up to the end, which must be that of this file."""
        while True:
            kind, raw = self._frames.next()
            if kind == REPORT:
                yield self._origin(raw)
            elif kind == EVIDENCE:
                self._held.seek(self._stored)
                with spooling(tempfile.gettempdir):
                    self._held.write(raw)
                self._stored += len(raw)
            elif kind == CASES:
                yield from self._some(raw)
            elif kind == PROBLEMS:
                yield self._problem(raw)
            elif kind == END:
                self._end(raw)
                break
            else:
                raise Fault(BROKEN, f"a part of an unknown kind ({kind!r})")
        if not self._cases and not self._problems:
            yield notices.no_cases()

    def _origin(self, raw: bytes) -> Origin:
        origin = _decoded(msgspec.json.Decoder(Origin), raw, "the origin of cases")
        if (
            not 0 < len(origin.path) <= _PATH_LIMIT
            or "\0" in origin.path
            or not all(map(_is_name, (origin.format, origin.family)))
        ):
            raise Fault(UNSAFE, "the origin of cases is no path and no format")
        self._reports += 1
        return origin

    def _some(self, raw: bytes) -> Iterator[Case]:
        if not self._reports:
            raise Fault(BROKEN, "cases of no report")
        start = 0
        while start < len(raw):
            end = raw.find(b"\n", start)
            line = raw[start : end if end >= 0 else len(raw)]
            start += len(line) + 1
            case = _decoded(self._case, line, "a case")
            _check(case, long=len(line) > TEXT_LIMIT)
            self._cases += 1
            yield (
                self._filled(case) if case.attachments or case.steps or case.iterations or case.defined_steps else case
            )

    def _problem(self, raw: bytes) -> Problem:
        problem = _decoded(msgspec.json.Decoder(Problem), raw, "a problem")
        numbers = (problem.line, problem.column)
        if (
            problem.severity is Severity.ERROR
            or not _is_name(problem.slug)
            or not 0 < len(problem.cause) <= CAUSE_LIMIT
            or len(problem.advice or "") > CAUSE_LIMIT
            or len(problem.path or "") > _PATH_LIMIT
            or not all(map(_is_number, numbers))
        ):
            raise Fault(UNSAFE, "a problem that no report has")
        self._problems += 1
        return problem

    def _end(self, raw: bytes) -> None:
        end = _decoded(msgspec.json.Decoder(End), raw, "its end")
        self._frames.finish()
        if (end.reports, end.cases, end.problems, end.evidence) != (
            self._reports,
            self._cases,
            self._problems,
            self._stored,
        ):
            raise Fault(BROKEN, "it does not hold what its end counts")
        if end.digest != self._digest.hexdigest():
            raise Fault(BROKEN, "it is not what was written: its digest differs")

    def _filled(self, case: Case) -> Case:
        """Return a case with the bytes of its evidence in it, as every other reader does."""
        self._left, self._files_left = CASE_EVIDENCE_LIMIT, CASE_FILES_LIMIT
        return msgspec.structs.replace(
            case,
            attachments=self._files(case.attachments),
            steps=self._steps(case.steps),
            defined_steps=self._steps(case.defined_steps),
            iterations=tuple(msgspec.structs.replace(one, steps=self._steps(one.steps)) for one in case.iterations),
        )

    def _steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(
            msgspec.structs.replace(step, attachments=self._files(step.attachments)) if step.attachments else step
            for step in steps
        )

    def _files(self, attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
        return tuple(msgspec.structs.replace(one, base64=self._content(one)) for one in attachments)

    def _content(self, attachment: Attachment) -> str:
        offset, size = stretch(attachment.base64) or (0, 0)
        if not size or attachment.path is not None or offset + size > self._stored:
            raise Fault(BROKEN, "a file of evidence that is not there")
        self._spent += size
        self._left -= size
        self._files_left -= 1
        if self._spent > EVIDENCE_LIMIT or self._left < 0 or self._files_left < 0:
            raise Fault(UNSAFE, "more evidence than a file of collected results may hold")
        self._held.seek(offset)
        return base64.b64encode(self._held.read(size)).decode("ascii")


def _decoded(decoder: msgspec.json.Decoder[_T], raw: bytes, what: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Fault(BROKEN, f"{what} is not what it should be ({str(error)[:200]})") from None


def _check(case: Case, *, long: bool) -> None:
    """Raise Fault for what no reader of a report yields; a text beyond its bound makes its line `long`."""
    if case.seconds is not None and not 0 <= case.seconds <= LONGEST:
        raise Fault(UNSAFE, "a duration that is none")
    if not all(map(_is_moment, (case.started, case.finished))) or not _is_number(case.line):
        raise Fault(UNSAFE, "a time or a place that is none")
    if long and _longest(case) > TEXT_LIMIT:
        raise Fault(UNSAFE, f"a text of more than {TEXT_LIMIT} characters")


def _is_moment(moment: datetime | None) -> bool:
    return moment is None or moment.year > _EPOCH


def _is_number(number: int | None) -> bool:
    """Say whether it may be that of a line or a column: a number without bounds fits no file that cases wait in."""
    return number is None or 0 < number <= _NUMBER_LIMIT


def _is_name(text: str) -> bool:
    return len(text) <= _NAME_LIMIT and _NAME.fullmatch(text) is not None


def _longest(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, tuple):
        return max(map(_longest, value), default=0)
    if isinstance(value, msgspec.Struct):
        return max(_longest(getattr(value, name)) for name in value.__struct_fields__)
    return 0
