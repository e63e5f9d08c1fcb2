"""Evidence of cases on its way into a file of collected results.

The same rules as when it is sent, for its files stay behind.

Knows which evidence may go along; knows neither how the file is laid out nor how anything is sent.

The command `collect`: read the reports of one shard as an import does, and store their results in one file for a later
import.

No network and no credentials. Evidence goes along, for its files are not there where shards come together.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from xray_ci.errors import Failure, many
from xray_ci.model import Origin, Problem, Severity
from xray_ci.patterns import lazy
from xray_ci.pipeline import reading
from xray_ci.pipeline.job import Tally
from xray_ci.reports import shard
from xray_ci.reports.shard import CAUSE_LIMIT, FRAME_LIMIT, ShardWriter
from xray_ci.safefiles import replacing
from xray_ci.xray import evidence
from xray_ci.xray.evidence import EvidenceOptions, EvidenceRefusal, Workspace
from xray_ci.xray.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.model import Attachment, Case, Outcome, Place, Step
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.reading import ReportSource


_FAILED: Final = ("failed", "errors")


class Embedding:
    """Puts the evidence of cases into the file, each piece once, and makes attachments name it there."""

    def __init__(self, writer: ShardWriter, options: EvidenceOptions, notices: Notices) -> None:
        self._writer = writer
        self._options = options
        self._notices = notices
        self._workspace = Workspace(options.workspace, options.refused)
        self._most = min(options.max_total, shard.EVIDENCE_LIMIT)
        self._folder = ""
        self._held: dict[tuple[str, ...] | bytes, str] = {}
        """What is in the file already: by its path, or by its content for what a report holds."""
        self._new: list[tuple[str, ...] | bytes] = []
        self._spent = self._spent_before = 0
        self._left = self._files = 0
        """Bytes and pieces of evidence that the case at hand may still have."""

    def begin(self, shown: str) -> None:
        """Look at another report; paths in it may be relative to its folder."""
        self._folder = str(PurePosixPath(shown).parent)
        self._new.clear()
        self._spent_before = self._spent

    def back(self) -> None:
        """Forget what came of the current report: it is taken out of the file again."""
        for key in self._new:
            del self._held[key]
        self._new.clear()
        self._spent = self._spent_before

    def case(self, case: Case) -> Case:
        """Return a case whose attachments are in the file, without those that may not go along."""
        if not (case.attachments or case.steps or case.iterations or case.defined_steps):
            return case
        self._left, self._files = shard.CASE_EVIDENCE_LIMIT, shard.CASE_FILES_LIMIT
        wanted = self._wanted(case.outcome)
        attachments = (*self._all(case.attachments), *self._moved(case)) if wanted else ()
        return msgspec.structs.replace(
            case,
            attachments=attachments,
            steps=self._steps(case.steps, wanted=wanted),
            defined_steps=self._steps(case.defined_steps, wanted=wanted),
            iterations=tuple(
                msgspec.structs.replace(one, steps=self._steps(one.steps, wanted=wanted)) for one in case.iterations
            ),
        )

    def _wanted(self, outcome: Outcome) -> bool:
        policy = self._options.attachments
        return policy == "all" or (policy == "failed" and outcome.value in _FAILED)

    def _moved(self, case: Case) -> Iterator[Attachment]:
        """Yield the files that steps name.

        Xray takes them with the Test Run only, so that is where they are from here on.
        """
        for step in (*case.steps, *(step for one in case.iterations for step in one.steps)):
            for attachment in step.attachments:
                if attachment.base64 is None and (held := self._one(attachment)) is not None:
                    self._notices.add("evidence-moved")
                    yield held

    def _steps(self, steps: tuple[Step, ...], *, wanted: bool) -> tuple[Step, ...]:
        return tuple(
            step
            if not step.attachments
            else msgspec.structs.replace(
                step, attachments=self._all(one for one in step.attachments if wanted and one.base64 is not None)
            )
            for step in steps
        )

    def _all(self, attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
        return tuple(held for one in attachments if (held := self._one(one)) is not None)

    def _one(self, attachment: Attachment) -> Attachment | None:
        if attachment.base64 is not None:
            place = self._inside(attachment.base64)
            return msgspec.structs.replace(attachment, base64=place) if place else None
        place = self._file(attachment.path or "")
        if place is None:
            return None
        return msgspec.structs.replace(
            attachment,
            name=evidence.file_name(attachment),
            media_type=evidence.media_type(attachment),
            path=None,
            base64=place,
        )

    def _inside(self, text: str) -> str | None:
        size = evidence.valid_base64(text)
        if size is None:
            self._notices.add("evidence-base64")
        if size is None or not self._fits(size):
            return None
        content = base64.b64decode(text)
        key = hashlib.blake2b(content, digest_size=16).digest()
        if key not in self._held:
            self._hold(key, self._writer.stored, content)
        self._spend(size)
        return self._held[key]

    def _file(self, path: str) -> str | None:
        found = self._workspace.find(path, self._folder)
        if isinstance(found, EvidenceRefusal):
            self._notices.add(found.slug)
            return None
        if not self._fits(found.size):
            return None
        if found.parts not in self._held:
            opened = self._workspace.open(found.parts)
            if isinstance(opened, EvidenceRefusal):
                self._notices.add(opened.slug)
                return None
            with opened:
                self._copy(found.parts, opened, found.size)
        place = self._held.get(found.parts)
        if place is None:
            self._notices.add("evidence-not-a-file")
        else:
            self._spend(found.size)
        return place

    def _copy(self, key: tuple[str, ...], source: BinaryIO, size: int) -> None:
        """Copy a file; one that became shorter or unreadable meanwhile is not held."""
        offset = self._writer.stored
        while (left := size - (self._writer.stored - offset)) > 0:
            try:
                piece = source.read(min(evidence.PIECE, left))
            except OSError:
                return
            if not piece:
                return
            self._writer.evidence(piece)
        self._hold(key, offset, b"")

    def _hold(self, key: tuple[str, ...] | bytes, offset: int, content: bytes) -> None:
        if content:
            self._writer.evidence(content)
        self._held[key] = shard.place(offset, self._writer.stored - offset)
        self._new.append(key)

    def _spend(self, size: int) -> None:
        self._spent += size
        self._left -= size
        self._files -= 1

    def _fits(self, size: int) -> bool:
        """Say whether evidence goes along; each use counts, as when it is sent."""
        if size == 0:
            self._notices.add("evidence-empty")
        elif size > self._options.max_file:
            self._notices.add("evidence-too-large")
        elif self._spent + size > self._most or size > self._left or not self._files:
            self._notices.add("evidence-total")
        else:
            return True
        return False


ENDING: Final = ".xrayci"
_ODD: Final = lazy(r"[^A-Za-z0-9_-]+")
_NAME_LIMIT: Final = 60


def collect(job: Job, folder: Path, output: str | None) -> int:
    """Write the file and return the exit code: that of an import of the same reports, as far as it can be known here.

    `output` is relative to `folder`. A run that fails for want of reports leaves no file.
    """
    tally = Tally(job)
    try:
        sources = reading.find(job, tally)
        if sources or job.settings.if_no_reports != "fail":
            _write(job, tally, sources, folder / (output or name(job)))
    except Failure as failure:
        tally.fail(failure)
    return tally.result().exit_code


def name(job: Job) -> str:
    """Return a name that no other shard's file has, so that all of them can lie in one folder."""
    said = _ODD.sub("-", job.surroundings.job or "").strip("-")[:_NAME_LIMIT]
    return f"{said or 'shard'}-{job.random.getrandbits(32):08x}{ENDING}"


def _write(job: Job, tally: Tally, sources: Sequence[ReportSource], target: Path) -> None:
    with replacing(target, folders=True) as file:
        collector = Collector(
            file,
            EvidenceOptions(
                workspace=job.settings.workspace,
                refused=job.private,
                attachments=job.settings.attachments,
                max_file=job.settings.evidence_max_file,
                max_total=job.settings.evidence_max_total,
            ),
        )
        reading.read_all(job, tally, sources, collector)
        said = collector.problems()
        for problem in said:
            tally.problem(problem)
        collector.finish([*(problem for report in tally.reports for problem in report.problems), *said])
        size = file.tell()
    job.console.info(f"{many(collector.cases, 'result')} written to {job.shown(target)} ({size:,} bytes)")


class Collector:
    """Takes the cases of a run; a `reading.Gathering`."""

    def __init__(self, file: BinaryIO, options: EvidenceOptions) -> None:
        self._writer = ShardWriter(file)
        self._total = Notices()
        self._notices = Notices()
        self._embedding = Embedding(self._writer, options, self._notices)
        self._origin = Origin(path="", format="", family="")
        self._too_large: list[Problem] = []
        self._lost: list[Problem] = []
        self.cases = self._here = 0

    def begin(self, place: Place, names: tuple[str, ...] = (), /) -> None:
        """Start a report, whose cases come from itself unless `origin` says otherwise."""
        self._writer.mark()
        self._origin = Origin(path=place.shown, format=names[0], family=names[1])
        self._start()

    def origin(self, shown: str, names: tuple[str, ...], /) -> None:
        """Take what comes now as of a report that was collected before."""
        self._notices.path = shown
        self._writer.origin(Origin(path=shown, format=names[0], family=names[1]))

    def add(self, *cases: Case) -> None:
        """Put some cases into the file, with their evidence."""
        for case in cases:
            self._add(case)

    def _add(self, case: Case) -> None:
        self._notices.line = case.line
        if self._writer.add(self._embedding.case(case)):
            self._here += 1
        else:
            self._lost.append(
                Problem(
                    severity=Severity.RESULT,
                    slug="shard-result-too-large",
                    path=self._notices.path,
                    line=case.line,
                    cause=f"a result is larger than the {FRAME_LIMIT >> 20} MiB that a file of collected results "
                    f"takes; it was left out",
                    advice="Import its report directly.",
                )
            )

    def restart(self) -> None:
        """Take what came of the current report back: it comes again from its start."""
        self.drop()
        self._start()

    def commit(self) -> None:
        """Keep the current report."""
        self._total.merge(self._notices)
        self._too_large += self._lost
        self.cases += self._here

    def drop(self) -> None:
        """Take what came of the current report back: it turned out broken."""
        self._writer.back()
        self._embedding.back()

    def problems(self) -> tuple[Problem, ...]:
        """Return what was left out of the file."""
        return (*self._too_large, *self._total.problems())

    def finish(self, problems: Iterable[Problem]) -> None:
        """End the file with all that is to be told where it is imported."""
        self._writer.finish(_told(problems))

    def _start(self) -> None:
        self._notices.clear()
        self._notices.path = self._origin.path
        self._embedding.begin(self._origin.path)
        self._lost.clear()
        self._here = 0
        self._writer.origin(self._origin)


def _told(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems as the import tells them.

    A report that was refused here is missing there, and its exit code says so.
    """
    from msgspec.structs import replace  # noqa: PLC0415

    for problem in problems:
        severity = Severity.RESULT if problem.severity is Severity.ERROR else problem.severity
        yield replace(
            problem,
            severity=severity,
            cause=problem.cause[:CAUSE_LIMIT],
            advice=problem.advice[:CAUSE_LIMIT] if problem.advice else None,
        )
