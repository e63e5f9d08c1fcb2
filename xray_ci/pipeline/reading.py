"""From patterns to an assembled run: discover, read, and hand every case on.

Nothing here looks into a report itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from xray_ci.ci.result import FAILURES_LIMIT, Report, ReportCounts
from xray_ci.errors import NoReports, NoResults
from xray_ci.model import Case, Origin, Outcome, Problem, Restart, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xray_ci.ci.result import FailureRow
    from xray_ci.model import Place
    from xray_ci.pipeline.failures import FailureRows
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally
    from xray_ci.reports.discover import FoundReport
    from xray_ci.reports.formats import Format
    from xray_ci.xray.scrub import Scrubber

_BAD = (Outcome.FAILED, Outcome.ERROR)
_LISTED = 20
"""Reports that the log lists; more are counted, and listed at debug level."""


class Gathering(Protocol):
    """What takes the cases of a run, report after report: an assembly, or a file of collected results."""

    def begin(self, place: Place, names: tuple[str, ...] = (), /) -> None:
        """Start a report; `names` are those of its format, key first."""

    def origin(self, shown: str, names: tuple[str, ...], /) -> None:
        """Take what comes now as of another report: the current one holds results of several."""

    def restart(self) -> None:
        """Forget what came of the current report: it comes again from its start."""

    def add(self, case: Case, /) -> None:
        """Take one case."""

    def commit(self) -> object:
        """Count the current report in."""

    def drop(self) -> None:
        """Leave the current report out: it turned out broken."""


@dataclass(frozen=True, kw_only=True)
class ReportSource:
    """A report that was found; what it is is looked up when somebody asks."""

    found: FoundReport

    @cached_property
    def row(self) -> Format | Problem:
        """Its format, or why it has none."""
        from xray_ci.reports.reading import identify  # noqa: PLC0415

        return identify(self.found)

    @property
    def shown(self) -> str:
        """Its path, relative to the workspace."""
        return self.found.place.shown

    @property
    def uncounted(self) -> bool:
        """Whether only its format is known: there is no converter that could count its results."""
        return not isinstance(self.row, Problem) and self.row.read is None

    @property
    def endpoint(self) -> str | None:
        """What Xray's endpoint for it would be called; None for formats of lines, which no endpoint takes."""
        row = self.row
        return None if isinstance(row, Problem) or row.medium == "lines" else row.family


def find(job: Job, tally: Tally) -> tuple[ReportSource, ...]:
    """Return the reports that `reports` names; none of them is a failure or not, as `if-no-reports` says."""
    from xray_ci.reports.discover import discover  # noqa: PLC0415

    settings = job.settings
    found = discover(
        settings.reports,
        settings.workspace,
        default_format=settings.format,
        temp=job.surroundings.temp,
        confined="reports" in settings.found,
    )
    for problem in found.problems:
        tally.problem(problem)
    if not found.files:
        searched = "\n".join(found.searched)
        nothing(
            job,
            tally,
            NoReports("no report was found", where=searched or f"reports, from {settings.origin('reports')}"),
        )
    return tuple(ReportSource(found=each) for each in found.files)


def nothing(job: Job, tally: Tally, failure: NoReports) -> None:
    """Deal with a run that has nothing to import."""
    match job.settings.if_no_reports:
        case "fail":
            tally.fail(failure)
        case "warn":
            tally.warn(failure)
        case _:
            job.console.info(failure.what)


def read_all(
    job: Job, tally: Tally, sources: Sequence[ReportSource], assembly: Gathering | None, *, as_it_is: bool = False
) -> bool:
    """Read every report to its end and say whether there may be results.

    One that breaks is named and its results are dropped.

    `as_it_is`: it is sent natively, so what needs repair is refused, and a format without converter is only checked.
    """
    from xray_ci.pipeline import failures  # noqa: PLC0415

    say = job.console.info if len(sources) <= _LISTED else job.console.debug
    scrubber, rows = _scrubber(job), failures.FailureRows(job)
    with job.console.group(f"reading {many(len(sources), 'report')}"):
        for source in sources:
            reader = _Reader(source, assembly, scrubber, rows, as_it_is=as_it_is)
            reader.run()
            tally.report(reader.report(), reader.failures)
            say(line_of(reader.report()))
    for report in tally.reports:
        for problem in report.problems:
            tally.problem(problem)
    counted = tally.counts
    job.console.info(f"{many(len(sources), 'report')}, {many(counted.tests, 'result')}: {words(counted)}")
    if counted.tests or (as_it_is and any(source.uncounted for source in sources)):
        return True
    if all(report.counts is not None for report in tally.reports):
        nothing(
            job, tally, NoResults("the reports hold no result", where=_first([report.path for report in tally.reports]))
        )
    return False


def _scrubber(job: Job) -> Scrubber | None:
    """Return what takes out what nobody may see; here, so that no log, summary or result file gets it either."""
    if not job.settings.scrub:
        return None
    from xray_ci.xray.scrub import Scrubber  # noqa: PLC0415

    return Scrubber(job.settings.scrub)


class _Reader:
    """Reads one report."""

    def __init__(
        self,
        source: ReportSource,
        assembly: Gathering | None,
        scrubber: Scrubber | None,
        rows: FailureRows,
        *,
        as_it_is: bool,
    ) -> None:
        self._source = source
        self._rows = rows
        self._names: tuple[str, ...] = ()
        """Of the format that cases are from, key first."""
        self._shown = source.shown
        """The report that cases are from, which may have been collected elsewhere."""
        self._scrubber = scrubber
        self._assembly = assembly
        self._as_it_is = as_it_is
        self.problems: list[Problem] = []
        self.failures: list[FailureRow] = []
        self._counts = dict.fromkeys(Outcome, 0)
        self._broken = False

    def run(self) -> None:
        row = self._source.row
        if isinstance(row, Problem):
            self._other(row)
        elif self._as_it_is and self._source.uncounted:
            self._check()
        else:
            self._read(row)

    def _check(self) -> None:
        from xray_ci.reports.reading import check  # noqa: PLC0415

        if problem := check(self._source.found):
            self._other(problem)

    def _read(self, row: Format) -> None:
        from xray_ci.reports.reading import read  # noqa: PLC0415

        assembly, counts = self._assembly, self._counts
        self._names = (row.key, row.family)
        add = assembly.add if assembly else _ignore
        if assembly:
            assembly.begin(self._source.found.place, (row.key, row.family))
        for found in read(replace(self._source.found, format=row.key)):
            item = found if self._scrubber is None or isinstance(found, Origin) else self._scrubber.item(found)
            if type(item) is Case:
                counts[item.outcome] += 1
                if item.outcome in _BAD:
                    self._failed(item)
                add(item)
            else:
                self._other(item)
        if assembly:
            if self._broken:
                assembly.drop()
            else:
                assembly.commit()

    def report(self) -> Report:
        row = self._source.row
        counts = (
            None if self._broken else ReportCounts(**{outcome.value: count for outcome, count in self._counts.items()})
        )
        return Report(
            path=self._source.shown,
            format=None if isinstance(row, Problem) else row.key,
            counts=counts,
            problems=tuple(self.problems),
        )

    def _other(self, item: Case | Problem | Origin | Restart) -> None:
        match item:
            case Origin():
                self._shown, self._names = item.path, (item.format, item.family)
                if self._assembly:
                    self._assembly.origin(item.path, (item.format, item.family))
            case Restart():
                self._counts.update(dict.fromkeys(Outcome, 0))
                self.failures.clear()
                self.problems.clear()
                if self._assembly:
                    self._assembly.restart()
                if self._as_it_is:
                    self._broken = True
                    self.problems.append(
                        Problem(
                            severity=Severity.ERROR,
                            slug="unreadable-report",
                            path=self._source.shown,
                            cause=f"{item.cause}; a native import sends reports as they are, so it is left out",
                            advice="Set `strategy: convert`, which repairs what can be repaired.",
                        )
                    )
            case Problem():
                self._broken = self._broken or item.severity is Severity.ERROR
                self.problems.append(item)
            case Case():
                raise AssertionError

    def _failed(self, case: Case) -> None:
        if len(self.failures) < FAILURES_LIMIT:
            self.failures.append(self._rows.row(case, self._shown, self._names))


def line_of(report: Report) -> str:
    """Return what was found in a report as one line."""
    if report.counts is None:
        what = "refused"
    elif report.counts.tests:
        what = f"{many(report.counts.tests, 'result')}: {words(report.counts)}"
    else:
        what = "no result counted"
    return f"{report.path}  {report.format or '?'}  {what}"


def words(counts: ReportCounts) -> str:
    """Return the counts that are not zero, in words."""
    return ", ".join(f"{counts.of(outcome)} {outcome.value}" for outcome in Outcome if counts.of(outcome)) or "none"


def many(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _ignore(_: Case) -> None:
    pass


def _first(paths: Sequence[str]) -> str:
    shown = list(paths[:5])
    return "\n".join(shown + [f"… and {len(paths) - len(shown)} more"] * (len(paths) > len(shown)))
