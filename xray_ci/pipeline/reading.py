"""From patterns to an assembled run: discover, read, and hand every case on.

Nothing here looks into a report itself.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xray_ci.ci.result import FAILURES_LIMIT, Report, ReportCounts
from xray_ci.errors import NoReports, NoResults, many
from xray_ci.model import Case, Origin, Outcome, Problem, Restart, Severity
from xray_ci.patterns import lazy
from xray_ci.pipeline import failures
from xray_ci.secret import Redactor, Spotter
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.ci.result import FailureRow
    from xray_ci.formats import Format
    from xray_ci.model import Place
    from xray_ci.pipeline.failures import FailureRows
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.reports.discover import FoundReport
    from xray_ci.reports.spill import Kept
    from xray_ci.xray.mapping import MappingOptions
    from xray_ci.xray.scrub import Item, Scrubber

_BAD = (Outcome.FAILED, Outcome.ERROR)
_OUTCOME, _SECONDS, _ATTEMPTS = attrgetter("outcome"), attrgetter("seconds"), attrgetter("attempts")
_TICKED: Final = lazy(r"`([^`]+)`")
_COLLECTED: Final = 10_000
"""Objects that come before the collector of garbage looks at them."""
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

    def add(self, *cases: Case) -> None:
        """Take some cases in their order."""

    def commit(self) -> object:
        """Count the current report in."""

    def drop(self) -> None:
        """Leave the current report out: it turned out broken."""


class _Each:
    """Hands everything to an assembly, to the rows of the page and to what names failed tests."""

    def __init__(self, *each: Gathering) -> None:
        self._each = each

    def begin(self, place: Place, names: tuple[str, ...] = ()) -> None:
        for one in self._each:
            one.begin(place, names)

    def origin(self, shown: str, names: tuple[str, ...]) -> None:
        for one in self._each:
            one.origin(shown, names)

    def restart(self) -> None:
        for one in self._each:
            one.restart()

    def add(self, *cases: Case) -> None:
        for one in self._each:
            one.add(*cases)

    def commit(self) -> None:
        for one in self._each:
            one.commit()

    def drop(self) -> None:
        for one in self._each:
            one.drop()


class ReportSource(Struct, frozen=True, kw_only=True, dict=True):
    """A report that was found; what it is is looked up when somebody asks."""

    found: FoundReport

    @cached_property
    def row(self) -> Format | Problem:
        """Its format, or why it has none."""
        from xray_ci.reports.reading import identify  # noqa: PLC0415

        return identify(self.found)

    @property
    def settled(self) -> FoundReport:
        """The report with its format, where somebody has asked for that already."""
        row = vars(self).get("row")
        return self.found if row is None or isinstance(row, Problem) else replace(self.found, format=row.key)

    def tell(self, row: Format) -> None:
        """Know its format from who read it."""
        vars(self)["row"] = row

    def keep(self, path: Path) -> Iterator[list[Item | Origin]]:
        """Yield what it holds, and keep that in a new file for who reads it next."""
        from xray_ci.reports.reading import batches  # noqa: PLC0415
        from xray_ci.reports.spill import Kept  # noqa: PLC0415

        kept = Kept(path)
        yield from kept.fill(batches(self.settled, said=self.tell))
        vars(self)["kept"] = kept

    def batches(self, look: Callable[[bytes], None], said: Callable[[Format], None]) -> Iterator[list[Item | Origin]]:
        """Return what `reports.reading.batches` does; what was kept is not parsed again."""
        from xray_ci.reports import reading  # noqa: PLC0415

        kept: Kept | None = vars(self).pop("kept", None)
        if kept is None:
            return reading.batches(self.settled, look, said)
        if not isinstance(row := self.row, Problem):
            said(row)
            reading.show(self.found, row, look)
        return kept.batches()

    def decide(self) -> None:
        """Know that it was decided, and told, whether it is followed where it says that its results go."""
        vars(self)["decided"] = True

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
    if job.history is not None:
        from xray_ci.pipeline import comparing  # noqa: PLC0415

        comparing.begin(job, tally)
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
    named = _named(found.files, job.redactor.split()[0])
    sources = _reports(tally, tuple(ReportSource(found=each) for each in named))
    tally.places = lambda keys: failures.FailureRows(job).places(_again(sources), keys)
    return sources


def _reports(tally: Tally, sources: tuple[ReportSource, ...]) -> tuple[ReportSource, ...]:
    """Leave out, with a notice, what wildcards found beside reports and is known to be something else (coverage)."""
    from xray_ci.reports.detect import beside  # noqa: PLC0415

    if not any(source.found.wide for source in sources) or all(isinstance(each.row, Problem) for each in sources):
        return sources
    kept = []
    for source in sources:
        row = source.row
        if isinstance(row, Problem) and source.found.wide and row.slug == "not-a-test-report" and beside(row.cause):
            tally.problem(msgspec.structs.replace(row, severity=Severity.NOTICE, cause=f"{row.cause}; it is not read"))
        else:
            kept.append(source)
    return tuple(kept)


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
    job: Job,
    tally: Tally,
    sources: Sequence[ReportSource],
    assembly: Gathering | None,
    *,
    as_it_is: bool = False,
    mapped: MappingOptions | None = None,
) -> bool:
    """Read every report to its end and say whether there may be results.

    One that breaks is named and its results are dropped.

    `as_it_is`: it is sent natively, so what needs repair is refused, and a format without converter is only checked.
    `mapped`: by what the run says which Test a case is, where a site was asked.
    """
    table = job.settings.command == "inspect"  # which prints the same lines, on standard output
    say = job.console.debug if table or len(sources) > _LISTED else job.console.info
    scrubber, rows = _scrubber(job), failures.FailureRows(job, as_it_is=as_it_is, mapped=mapped)
    rows.help(job)
    takers = [each for each in (assembly, job.page, job.history) if each is not None]
    assembly = _Each(*takers) if len(takers) > 1 else next(iter(takers), None)
    with job.console.group(f"reading {many(len(sources), 'report')}"), _uncollected():
        long, short = job.redactor.split()
        pace = job.console.pace("reports read", job.clock)
        for done, source in enumerate(sources, 1):
            reader = _Reader(source, assembly, scrubber, rows, (long, short), as_it_is=as_it_is)
            reader.run(FAILURES_LIMIT - len(tally.failures))
            report = reader.report()
            tally.report(report, reader.failures)
            say(report.line)
            if say != job.console.info:
                pace(done, len(sources))
            if reader.short_at is not None:
                short = Redactor()  # one notice is enough
                tally.problem(reader.short_at)
    for report in tally.reports:
        for problem in report.problems:
            tally.problem(problem)
    counted = tally.counts
    job.console.info(f"{many(len(sources), 'report')}, {many(counted.tests, 'result')}: {counted.words}")
    if counted.tests or (as_it_is and any(source.uncounted for source in sources)):
        return True
    if all(report.counts is not None for report in tally.reports):
        more = len(tally.reports) - 5
        listed = [report.path for report in tally.reports[:5]] + [f"… and {more} more"] * (more > 0)
        nothing(job, tally, NoResults("the reports hold no result", where="\n".join(listed)))
    return False


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the collector of garbage leave alone what is there already, and look less often: readers leave no circles."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECTED, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


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
        self._begun: Gathering | None = None
        """It, once the report was begun."""
        self._most = 0
        self._as_it_is = as_it_is
        self.problems: list[Problem] = []
        self.failures: list[FailureRow] = []
        self._counts = dict.fromkeys(Outcome, 0)
        self._flaky, self._seconds = 0, 0.0
        self._broken = False

    def run(self, failures: int) -> None:
        """Read it; at most so many failed tests are named."""
        self._most = failures
        if not self._as_it_is:
            self._read()
            return
        row = self._source.row
        if isinstance(row, Problem):
            self._other(row)
        elif self._source.uncounted:
            self._check()
        else:
            self._read()

    def _check(self) -> None:
        from xray_ci.reports.reading import check  # noqa: PLC0415

        if problem := check(self._source.found, self._long.look):
            self._other(problem)
        self._tell_secrets()

    def _begin(self, row: Format) -> None:
        """Begin to gather what is read, now that its format is known."""
        self._source.tell(row)
        self._names = (row.key, row.family)
        self._begun = self._assembly
        if self._begun:
            self._begun.begin(self._source.found.place, self._names)

    def _read(self) -> None:
        counts, add = self._counts, self._assembly.add if self._assembly else lambda *_: None
        for batch in self._source.batches(self._look, self._begin):
            items = batch
            if self._scrubber or self._long.seen or self._short.seen:
                items = [self._cleaned(item) for item in batch]
            cases = cast("list[Case]", items)
            if [*map(type, items)].count(Case) < len(items):
                cases = [item for item in items if type(item) is Case]
                for item in items:
                    if type(item) is not Case:
                        self._other(item)
            # Mostly there is nothing to see, and then no line of Python runs for a case.
            passed = [*map(_OUTCOME, cases)].count(Outcome.PASSED)
            counts[Outcome.PASSED] += passed
            self._seconds += sum(filter(None, map(_SECONDS, cases)))
            if any(map(_ATTEMPTS, cases)):
                self._flaky += sum(bool(case.attempts) for case in cases if case.outcome is Outcome.PASSED)
            for case in cases if passed < len(cases) else ():
                if case.outcome is not Outcome.PASSED:
                    counts[case.outcome] += 1
                    if case.outcome in _BAD:
                        self._failed(case)
            add(*cases)
        self._tell_secrets()
        if self._begun:
            if self._broken:
                self._begun.drop()
            else:
                self._begun.commit()

    def _cleaned(self, found: Item | Origin) -> Item | Origin:
        """Return what was read without what nobody may see."""
        item = found
        # Secrets first: a pattern that takes a part of one would hide the rest from being known.
        if self._long.seen:
            item = self._without_secrets(item)
        if isinstance(item, Origin):
            return item
        if self._short.seen and self.short_at is None:
            self._look_for_words(item)
        return self._scrubber.item(item) if self._scrubber else item

    def _look(self, piece: bytes) -> None:
        self._long.look(piece)
        self._short.look(piece)

    def _look_for_words(self, item: Item) -> None:
        from xray_ci.xray.scrub import in_texts  # noqa: PLC0415

        if in_texts(item, self._words) != item:
            self.short_at = _short_secret(self._shown, item.line if isinstance(item, Case) else None)

    def _without_secrets(self, item: Item | Origin) -> Item | Origin:
        if isinstance(item, Origin):
            return msgspec.structs.replace(item, path=self._secrets(item.path))
        from xray_ci.xray.scrub import hidden_too, in_texts  # noqa: PLC0415

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
            None
            if self._broken
            else ReportCounts(
                **{outcome.value: count for outcome, count in self._counts.items()},
                flaky=self._flaky,
                seconds=self._seconds,
            )
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
                self._flaky, self._seconds = 0, 0.0
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
            case Problem(slug="destination-in-report") if "decided" in vars(self._source):
                pass
            case Problem():
                self._broken = self._broken or item.severity is Severity.ERROR
                self.problems.append(item)
            case Case():
                raise AssertionError

    def _failed(self, case: Case) -> None:
        if len(self.failures) < self._most:
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


def _again(sources: Sequence[ReportSource]) -> Iterator[tuple[Case, str, tuple[str, ...]]]:
    """Yield the cases of all reports once more, each with its report and the names of its format."""
    from xray_ci.reports.reading import batches  # noqa: PLC0415

    for source in sources:
        row = source.row
        names = () if isinstance(row, Problem) else (row.key, row.family)
        yield from (
            (item, source.shown, names) for batch in batches(source.settled) for item in batch if type(item) is Case
        )
