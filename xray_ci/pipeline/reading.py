"""From patterns to an assembled run: discover, read, and hand every case on.

Nothing here looks into a report itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from xray_ci.ci.result import FAILURES_LIMIT, Report, ReportCounts
from xray_ci.errors import NoReports, NoResults
from xray_ci.model import Case, Origin, Outcome, Problem, Restart, Severity
from xray_ci.secret import Redactor, Spotter
from xray_ci.settings import problems
from xray_ci.xray.scrub import hidden_too, in_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xray_ci.ci.result import FailureRow
    from xray_ci.model import Place
    from xray_ci.pipeline.failures import FailureRows
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally
    from xray_ci.reports.discover import FoundReport
    from xray_ci.reports.formats import Format
    from xray_ci.xray.scrub import Item, Scrubber

_BAD = (Outcome.FAILED, Outcome.ERROR)
_TICKED: Final = re.compile(r"`([^`]+)`")
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
        searched = _TICKED.sub(
            lambda each: problems.shown(each[1]) if problems.is_token(each[1]) else each[0], "\n".join(found.searched)
        )
        nothing(
            job,
            tally,
            NoReports("no report was found", where=searched or f"reports, from {settings.origin('reports')}"),
        )
    return tuple(ReportSource(found=each) for each in _named(found.files, job.redactor.split()[0]))


def _named(files: Sequence[FoundReport], secrets: Redactor) -> Iterator[FoundReport]:
    """Yield the reports under names without secrets, each still by a name of its own."""
    taken = {each.place.shown for each in files}
    for each in files:
        shown = clean = secrets(each.place.shown)
        if clean == each.place.shown:
            yield each
            continue
        number = 1
        while shown in taken:
            number += 1
            shown = f"{clean} ({number})"
        taken.add(shown)
        yield replace(each, place=msgspec.structs.replace(each.place, shown=shown))


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
        long, short = job.redactor.split()
        for source in sources:
            reader = _Reader(source, assembly, scrubber, rows, (long, short), as_it_is=as_it_is)
            reader.run()
            tally.report(reader.report(), reader.failures)
            say(line_of(reader.report()))
            if reader.short_at is not None:
                short = Redactor()  # one notice is enough
                tally.problem(reader.short_at)
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
        secrets: tuple[Redactor, Redactor],
        *,
        as_it_is: bool,
    ) -> None:
        """`secrets`: those to replace, and those that may be words of the report."""
        self._secrets, self._words = secrets
        self._long, self._short = Spotter(self._secrets, exact=as_it_is), Spotter(self._words)
        self.short_at: Problem | None = None
        """Where the first secret stands that may be a word."""
        self._touched: dict[bool, list[int | None]] = {False: [], True: []}
        """Lines of results in which a secret was replaced: in a text, and in a name or key."""
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

        if problem := check(self._source.found, self._long.look):
            self._other(problem)
        self._tell_secrets()

    def _read(self, row: Format) -> None:
        from xray_ci.reports.reading import read  # noqa: PLC0415

        assembly, counts = self._assembly, self._counts
        self._names = (row.key, row.family)
        add = assembly.add if assembly else _ignore
        if assembly:
            assembly.begin(self._source.found.place, (row.key, row.family))
        scrub = self._scrubber.text if self._scrubber else None
        for found in read(replace(self._source.found, format=row.key), self._look):
            item = found
            # Secrets first: a pattern that takes a part of one would hide the rest from being known.
            if self._long.seen:
                item = self._without_secrets(item)
            if self._short.seen and self.short_at is None and not isinstance(item, Origin):
                self._look_for_words(item)
            if scrub is not None and not isinstance(item, Origin):
                item = in_texts(item, scrub)
            if type(item) is Case:
                counts[item.outcome] += 1
                if item.outcome in _BAD:
                    self._failed(item)
                add(item)
            else:
                self._other(item)
        self._tell_secrets()
        if assembly:
            if self._broken:
                assembly.drop()
            else:
                assembly.commit()

    def _look(self, piece: bytes) -> None:
        self._long.look(piece)
        self._short.look(piece)

    def _look_for_words(self, item: Item) -> None:
        if in_texts(item, self._words) != item:
            self.short_at = _short_secret(self._shown, item.line if isinstance(item, Case) else None)

    def _without_secrets(self, item: Item | Origin) -> Item | Origin:
        if isinstance(item, Origin):
            return msgspec.structs.replace(item, path=self._secrets(item.path))
        clean = in_texts(item, lambda text: hidden_too(text, self._secrets))
        if isinstance(clean, Case) and isinstance(item, Case) and clean != item:
            named = any(getattr(clean, name) != getattr(item, name) for name in ("suite", "name", "classname", "marks"))
            self._touched[named].append(item.line)
        return clean

    def _tell_secrets(self) -> None:
        """Say where a secret was replaced; a file that would be sent as it is is refused instead."""
        if self._as_it_is and self._long.found and not any(self._touched.values()):
            self._touched[False].append(None)  # outside of what is read of it
        for named, found in self._touched.items():
            if not found:
                continue
            where = "the name or a key" if named else "a text"
            many_of = f"{many(len(found), 'result')}" + (" (the first is named here)" if len(found) > 1 else "")
            self.problems.append(
                Problem(
                    severity=Severity.ERROR if self._as_it_is else Severity.NOTICE,
                    slug="secret-in-native-report" if self._as_it_is else "secret-in-report",
                    path=self._shown,
                    line=found[0],
                    cause=f"{where} of {many_of} held a secret of this job; "
                    + (
                        "a native import sends files as they are, so it is left out"
                        if self._as_it_is
                        else "it is replaced"
                    )
                    + (" by ***, and the Test is found by its new name" if named and not self._as_it_is else ""),
                    advice="Take it out of what the tests print, and make a new secret: the report still holds it."
                    + (" Set `strategy: convert`, which replaces it." if self._as_it_is else ""),
                )
            )
            self._broken = self._broken or self._as_it_is

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
                self._touched = {False: [], True: []}
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


def _short_secret(shown: str, line: int | None) -> Problem:
    return Problem(
        severity=Severity.NOTICE,
        slug="short-secret-in-report",
        path=shown,
        line=line,
        cause="it holds the value of a secret of this job that is too short to be told from a word, so it is left as "
        "it is",
        advice="Make that secret longer (12 characters are replaced everywhere), or name it in `scrub`.",
    )


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
