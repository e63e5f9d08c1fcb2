"""Reading a file of collected results. Knows its layout and what a case may hold; knows nothing of Xray, files or settings.

Whoever could write the file is not trusted: all types are checked, texts, counts and sizes have the bounds of every other
report, and a digest only shows that nothing is missing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import msgspec

from xray_ci.model import TEXT_LIMIT, Case, Origin, Problem, Severity, Step
from xray_ci.reports import remarks, shard_file
from xray_ci.reports.fault import BROKEN, HOSTILE, Fault
from xray_ci.reports.times import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xray_ci.model import Attachment

_IN_MEMORY: Final = 4_194_304
"""Bytes of evidence; more go to an unnamed file in the folder for temporary files."""
_PATH_LIMIT: Final = 4_096
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_LIMIT: Final = 60
_EPOCH: Final = 1970
_T = TypeVar("_T")


def read(source: BinaryIO) -> Iterator[Case | Problem | Origin]:
    """Yield for each report where it comes from, then its cases; what was told of the reports comes last.

    Raises Fault where the file is cut off, broken, hostile, or of another version.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as held:
        yield from _Shard(source, held).items()


class _Shard:
    def __init__(self, source: BinaryIO, held: Any) -> None:
        self._digest = hashlib.blake2b(digest_size=shard_file.DIGEST_SIZE)
        self._frames = shard_file.Frames(source, self._digest)
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
            match kind:
                case shard_file.REPORT:
                    yield self._origin(raw)
                case shard_file.EVIDENCE:
                    self._held.seek(self._stored)
                    self._held.write(raw)
                    self._stored += len(raw)
                case shard_file.CASES:
                    yield from self._some(raw)
                case shard_file.PROBLEMS:
                    yield self._problem(raw)
                case shard_file.END:
                    self._end(raw)
                    break
                case _:
                    raise Fault(BROKEN, f"a part of an unknown kind ({kind!r})")
        if not self._cases and not self._problems:
            yield remarks.no_cases()

    def _origin(self, raw: bytes) -> Origin:
        origin = _decoded(msgspec.json.Decoder(Origin), raw, "the origin of cases")
        if not 0 < len(origin.path) <= _PATH_LIMIT or "\0" in origin.path or not all(map(_is_name, (origin.format, origin.family))):
            raise Fault(HOSTILE, "the origin of cases is no path and no format")
        self._reports += 1
        return origin

    def _some(self, raw: bytes) -> Iterator[Case]:
        if not self._reports:
            raise Fault(BROKEN, "cases of no report")
        start = 0
        while start < len(raw):
            end = raw.find(b"\n", start)
            line = raw[start:end if end >= 0 else len(raw)]
            start += len(line) + 1
            case = _decoded(self._case, line, "a case")
            _check(case, long=len(line) > TEXT_LIMIT)
            self._cases += 1
            yield self._filled(case) if case.attachments or case.steps or case.iterations or case.defined_steps else case

    def _problem(self, raw: bytes) -> Problem:
        problem = _decoded(msgspec.json.Decoder(Problem), raw, "a problem")
        numbers = (problem.line, problem.column)
        if (problem.severity is Severity.ERROR or not _is_name(problem.slug) or not 0 < len(problem.cause) <= shard_file.CAUSE_LIMIT
                or len(problem.advice or "") > shard_file.CAUSE_LIMIT or len(problem.path or "") > _PATH_LIMIT
                or any(number is not None and number < 1 for number in numbers)):
            raise Fault(HOSTILE, "a problem that no report has")
        self._problems += 1
        return problem

    def _end(self, raw: bytes) -> None:
        end = _decoded(msgspec.json.Decoder(shard_file.End), raw, "its end")
        self._frames.finish()
        if (end.reports, end.cases, end.problems, end.evidence) != (self._reports, self._cases, self._problems, self._stored):
            raise Fault(BROKEN, "it does not hold what its end counts")
        if end.digest != self._digest.hexdigest():
            raise Fault(BROKEN, "it is not what was written: its digest differs")

    def _filled(self, case: Case) -> Case:
        """Return a case with the bytes of its evidence in it, as every other reader does."""
        self._left, self._files_left = shard_file.CASE_EVIDENCE_LIMIT, shard_file.CASE_FILES_LIMIT
        return msgspec.structs.replace(
            case, attachments=self._files(case.attachments), steps=self._steps(case.steps), defined_steps=self._steps(case.defined_steps),
            iterations=tuple(msgspec.structs.replace(one, steps=self._steps(one.steps)) for one in case.iterations))

    def _steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(msgspec.structs.replace(step, attachments=self._files(step.attachments)) if step.attachments else step
                     for step in steps)

    def _files(self, attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
        return tuple(msgspec.structs.replace(one, base64=self._content(one)) for one in attachments)

    def _content(self, attachment: Attachment) -> str:
        offset, size = shard_file.stretch(attachment.base64) or (0, 0)
        if not size or attachment.path is not None or offset + size > self._stored:
            raise Fault(BROKEN, "a file of evidence that is not there")
        self._spent += size
        self._left -= size
        self._files_left -= 1
        if self._spent > shard_file.EVIDENCE_LIMIT or self._left < 0 or self._files_left < 0:
            raise Fault(HOSTILE, "more evidence than a file of collected results may hold")
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
        raise Fault(HOSTILE, "a duration that is none")
    if not all(map(_is_moment, (case.started, case.finished))) or (case.line is not None and case.line < 1):
        raise Fault(HOSTILE, "a time or a place that is none")
    if long and _longest(case) > TEXT_LIMIT:
        raise Fault(HOSTILE, f"a text of more than {TEXT_LIMIT} characters")


def _is_moment(moment: datetime | None) -> bool:
    return moment is None or moment.year > _EPOCH


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
