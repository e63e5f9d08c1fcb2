"""The command `collect`: read the reports of one shard as an import does, and store their results in one file for a later import.

No network and no credentials. Evidence goes along, for its files are not there where shards come together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.errors import Failure
from xray_ci.model import Origin, Problem, Severity
from xray_ci.pipeline import reading
from xray_ci.pipeline.embedding import Embedding
from xray_ci.pipeline.replacing import replacing
from xray_ci.pipeline.tally import Tally
from xray_ci.reports.shard_file import CAUSE_LIMIT, FRAME_LIMIT
from xray_ci.reports.shard_writing import ShardWriter
from xray_ci.xray.attached import EvidenceOptions
from xray_ci.xray.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.model import Case, Place
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.reading import Source

ENDING: Final = ".xrayci"
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")
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


def _write(job: Job, tally: Tally, sources: Sequence[Source], target: Path) -> None:
    with replacing(target, folders=True) as file:
        collector = Collector(file, EvidenceOptions(
            workspace=job.settings.workspace, refused=job.private, attachments=job.settings.attachments,
            max_file=job.settings.evidence_max_file, max_total=job.settings.evidence_max_total))
        reading.read_all(job, tally, sources, collector)
        said = collector.problems()
        for problem in said:
            tally.problem(problem)
        collector.finish([*(problem for report in tally.reports for problem in report.problems), *said])
        size = file.tell()
    job.console.info(f"{reading.many(collector.cases, 'result')} written to {target.name} ({size:,} bytes)")


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

    def add(self, case: Case, /) -> None:
        """Put one case into the file, with its evidence."""
        self._notices.line = case.line
        if self._writer.add(self._embedding.case(case)):
            self._here += 1
        else:
            self._lost.append(Problem(
                severity=Severity.RESULT, slug="shard-result-too-large", path=self._notices.path, line=case.line,
                cause=f"a result is larger than the {FRAME_LIMIT >> 20} MiB that a file of collected results takes; it was left out",
                advice="Import its report directly."))

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
    """Yield problems as the import tells them: a report that was refused here is missing there, and its exit code says so."""
    from msgspec.structs import replace  # noqa: PLC0415

    for problem in problems:
        severity = Severity.RESULT if problem.severity is Severity.ERROR else problem.severity
        yield replace(problem, severity=severity, cause=problem.cause[:CAUSE_LIMIT],
                      advice=problem.advice[:CAUSE_LIMIT] if problem.advice else None)
