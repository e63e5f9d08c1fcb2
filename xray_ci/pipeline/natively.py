"""Reports that go to their own endpoints: whether they do, what Xray will store of them, and the plan of requests.

Asks once what the issues are that tags of reports name, for both ways. Knows which settings only a conversion fulfils;
reads reports through their readers and changes nothing in them.
"""

from __future__ import annotations

import shutil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from xray_ci.delivery.plan import joined
from xray_ci.deployments import JSON_FORMATS
from xray_ci.errors import ConfigurationError, Failure, Interrupted, UnmappedResults
from xray_ci.formats import TAGGED
from xray_ci.model import Case, IssueKind, MarkKind
from xray_ci.pipeline import planning, reading
from xray_ci.services.body import Slice
from xray_ci.xray.mapping import ANYWHERE, MappingOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.planners import NativeFile
    from xray_ci.delivery.prepare import NativeReport
    from xray_ci.model import Place
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.pipeline.reading import ReportSource
    from xray_ci.xray.assembly import Assembly

_ONLY_CONVERTED: Final = (
    "key-pattern",
    "key-projects",
    "repeats",
    "statuses",
    "timezone",
    "attachments",
    "comments",
    "test-type",
    "mapping",
    "requirements",
)
_FORCES_CONVERSION: Final = ("scrub", "max-new-tests", "only-in-plan", *_ONLY_CONVERTED)
"""Settings whose purpose a report that is sent as it is would miss."""
_EVERYTHING: Final = 1 << 50
_LISTED: Final = 20


class NamedIssues(Struct, frozen=True, kw_only=True):
    """What the issues are that reports name by tags."""

    kinds: Mapping[str, IssueKind] = field(default_factory=lambda: MappingProxyType({}))
    """Of those keys that Jira knows."""
    asked: bool = True
    """Whether that could be asked."""
    each_has_test: bool = False
    """Whether every result of Cucumber or Behave reports has a Test that is there, as far as anybody can say."""


def look(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource]) -> NamedIssues:
    """Return what the issues are that tags name, asked once, 100 keys a call; says which are no Tests."""
    tagged = [source for source in sources if getattr(source.row, "family", None) in TAGGED]
    if not tagged:
        return NamedIssues()
    candidates = len(tagged) == len(sources) and tagged[0].endpoint in JSON_FORMATS
    sets: dict[frozenset[str], None] = {}
    keys: dict[str, None] = {}
    kind = MarkKind.TEST_KEY
    for case in _cases(job, tagged):
        named = [mark.value for mark in case.marks if mark.kind is kind]
        keys.update(dict.fromkeys(named))
        if candidates:
            sets[frozenset(named)] = None
    kinds, asked = _kinds(job, tally, site, list(keys)) if keys else ({}, True)
    others = [key for key, kind in kinds.items() if kind is not IssueKind.TEST]
    if others:
        listed = ", ".join(others[:_LISTED]) + (f" and {len(others) - _LISTED:,} more" if len(others) > _LISTED else "")
        covered = any(kinds[key] is IssueKind.COVERABLE for key in others)
        tally.note(
            f"{listed}: named by tags, and no Test; no result is stored for such a key"
            + (", and what Tests cover is taken for a requirement" if covered else "")
        )
    known = (lambda key: kinds.get(key) is IssueKind.TEST) if asked else (lambda _: True)
    return NamedIssues(
        kinds=MappingProxyType(kinds),
        asked=asked,
        each_has_test=candidates and all(any(map(known, one)) for one in sets),
    )


def _cases(job: Job, sources: Sequence[ReportSource]) -> Iterator[Case]:
    """Yield the cases of reports; what is wrong with one is told when it is read for its results."""
    for number, source in enumerate(sources):
        for batch in source.keep(job.work.path / f"read-{number}"):
            yield from (item for item in batch if isinstance(item, Case))


def _kinds(job: Job, tally: Tally, site: Site, keys: list[str]) -> tuple[dict[str, IssueKind], bool]:
    """Return what the issues of keys are, and whether that could be asked.

    A failure is not raised: the import itself meets what stands in the way, and its own words count.
    """
    from xray_ci.services.store import PAGE  # noqa: PLC0415

    kinds: dict[str, IssueKind] = {}
    if job.offline:
        return {}, False
    try:
        for start in range(0, len(keys), PAGE):
            kinds |= site.store.kinds(keys[start : start + PAGE])
    except Interrupted:
        raise
    except Failure as failure:
        job.console.debug(f"which keys are Tests cannot be asked: {failure.what}")
        tally.note(
            "which keys of the reports are Tests cannot be asked, so each bare one is taken for one; write "
            "`REQ_KEY` for a requirement"
        )
        return {}, False
    return kinds, True


def goes(job: Job, site: Site, sources: Sequence[ReportSource], named: NamedIssues) -> bool:
    """Say whether reports go to their own endpoints.

    Asked for, or all Cucumber JSON (or all Behave JSON) for a new execution, where that does all that is asked for:
    each result has a Test, which that endpoint never makes (D).
    """
    settings = job.settings
    if settings.strategy != "auto":
        return settings.strategy == "native"
    if settings.test_execution is not None or settings.executions == "per-environment":
        return False
    if any(settings.origin(name) != "default" for name in _FORCES_CONVERSION):
        return False
    if site.deployment.key == "cloud" and settings.origin("revision") != "default":
        return False  # the multipart path has no place for it
    first = sources[0].endpoint
    if not named.each_has_test or any(source.endpoint != first for source in sources):
        return False
    marked = planning.marker(job, site, planning.NOTHING)
    return first == "cucumber" or marked is None or not marked.look  # no way is known to add Behave's to one


def plan(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource], named: NamedIssues) -> Plan | None:
    """Return the plan of native reports; raises Failure for what must not be sent."""
    settings = job.settings
    for name in _ONLY_CONVERTED:
        if settings.origin(name) != "default":
            tally.note(f"`{name}` has no effect: native reports are mapped by Xray itself")
    if settings.unmapped == "skip" and any(source.endpoint not in JSON_FORMATS for source in sources):
        tally.note("`unmapped: skip` has no effect: Xray makes Tests of what native reports hold")
    watch = _Watch(job, site, named, sources)
    found = reading.read_all(job, tally, watch.ordered, watch, as_it_is=True, mapped=watch.mapped)
    watch.end(tally)
    if not found:
        return None
    counts = {report.path: report.counts for report in tally.reports}
    groups = []
    for group in watch.groups:
        good = tuple(
            replace(each, tests=None if each.place.shown in watch.uncounted else counted.tests)
            for each in group.taken
            if (counted := counts.get(each.place.shown)) is not None
        )
        if good:
            groups.append(replace(group, taken=good))
    if not groups:
        return None
    if settings.executions != "per-report":
        return _execution(job, tally, site, groups)
    plans: list[Plan] = []
    for group in groups:
        own = planning.Own(report=group.taken[0].place.shown, several=True)
        plans.append(_execution(job, tally, site, [group], own=own, first=1 + sum(len(plan.calls) for plan in plans)))
    return joined(plans)


class _Group(Struct, frozen=True, kw_only=True):
    """Reports that are one body."""

    taken: tuple[NativeReport, ...]
    expected: Slice | None = None
    """What Xray is to store of them; None where nobody knows."""
    runs: int | None = None
    """Test Runs in that."""


class _Watch:
    """Takes the cases of native reports as conversion would, to know what Xray is to store of each body."""

    def __init__(self, job: Job, site: Site, named: NamedIssues, sources: Sequence[ReportSource]) -> None:
        """Sort the reports by bodies; raises ConfigurationError for a format that no endpoint takes."""
        from xray_ci.delivery.prepare import NativeReport, grouped  # noqa: PLC0415

        self._job, self._site, self._asked = job, site, named.asked
        own = (job.settings.test_execution or "").rpartition("-")[0]
        self.mapped = MappingOptions(
            project=job.settings.project or own or ANYWHERE, resolve=site.key_of_issue, kinds=named.kinds
        )
        """Which Test a case is, as Xray itself decides it."""
        reports = []
        for source in sources:
            if source.endpoint is not None:
                reports.append(NativeReport(format=source.endpoint, place=source.found.place))
            elif (title := getattr(source.row, "title", None)) is not None:
                raise ConfigurationError(
                    f"{site.deployment.title} takes no native reports of {title}",
                    where=source.shown,
                    advice="Set `strategy: convert` (or leave it at auto).",
                )
        apart = job.settings.executions == "per-report"
        self.groups = [_Group(taken=group) for group in (((each,) for each in reports) if apart else grouped(reports))]
        numbers = {each.place.shown: number for number, group in enumerate(self.groups) for each in group.taken}
        self.ordered = sorted(sources, key=lambda source: numbers.get(source.shown, len(numbers)))
        self.uncounted = {source.shown for source in sources if source.uncounted}
        self._numbers = numbers
        self._number: int | None = None
        self._assembly: Assembly | None = None
        self._refused: list[UnmappedResults] = []
        self._ignored: list[str] = []
        self._merged = self._unmapped = 0

    def begin(self, place: Place, names: tuple[str, ...] = ()) -> None:
        number = self._numbers.get(place.shown)
        if number != self._number or self._assembly is None:
            self._finish()
            self._number, self._assembly = number, self._assembled(self.groups[number or 0].taken[0].format)
        self._assembly.begin(place, names)

    def origin(self, shown: str, names: tuple[str, ...]) -> None:
        assert self._assembly is not None  # noqa: S101  # a report has begun
        self._assembly.origin(shown, names)

    def restart(self) -> None:
        assert self._assembly is not None  # noqa: S101
        self._assembly.restart()

    def add(self, *cases: Case) -> None:
        assert self._assembly is not None  # noqa: S101
        self._assembly.add(*cases)

    def commit(self) -> None:
        assert self._assembly is not None  # noqa: S101
        self._assembly.commit()

    def drop(self) -> None:
        assert self._assembly is not None  # noqa: S101
        self._assembly.drop()

    def end(self, tally: Tally) -> None:
        """Tell what Xray ignores, and raise UnmappedResults where the user wants none."""
        self._finish()
        tally.merged, tally.unmapped, tally.left_out = self._merged, self._unmapped, self._unmapped
        if self._refused:
            raise self._refused[0]
        if self._unmapped:
            more = self._unmapped - len(self._ignored)
            listed = "; ".join(self._ignored) + (f" and {more:,} more" if more else "")
            tally.note(f"Xray ignores results of Cucumber and Behave without Test key: {listed}")

    def _assembled(self, format_: str) -> Assembly:
        from xray_ci.delivery.reconcile import ANY  # noqa: PLC0415
        from xray_ci.xray import render  # noqa: PLC0415
        from xray_ci.xray.assembly import Assembly, AssemblyOptions  # noqa: PLC0415
        from xray_ci.xray.evidence import EvidenceOptions  # noqa: PLC0415

        settings, deployment = self._job.settings, self._site.deployment
        tags = format_ in JSON_FORMATS
        work = self._folder()
        work.mkdir()
        unmapped = "fail" if settings.unmapped == "fail" else "skip" if tags else "create"
        return Assembly(
            work,
            AssemblyOptions(
                mapping=replace(self.mapped, unmapped=unmapped),
                rendering=render.RenderOptions(
                    deployment=deployment,
                    api_version=deployment.api_versions[0],
                    # What a scenario comes to that neither passed nor failed is not documented.
                    statuses={"skipped": ANY, "other": ANY} if tags else {},
                    comments="none",
                ),
                evidence=EvidenceOptions(
                    workspace=settings.workspace, refused=(), attachments="none", max_file=0, max_total=0
                ),
            ),
        )

    def _folder(self) -> Path:
        return self._job.work.path / f"watched-{self._number}"

    def _finish(self) -> None:
        """Keep what Xray is to store of the reports of one body."""
        if self._assembly is None or self._number is None:
            return
        assembly, number, self._assembly = self._assembly, self._number, None
        group = self.groups[number]
        with assembly:
            try:
                done = assembly.finish(batch_tests=_EVERYTHING, batch_bytes=_EVERYTHING)
            except UnmappedResults as failure:
                self._refused.append(failure)
                return
        self._merged += done.counts.merged
        self._unmapped += done.counts.unmapped
        self._ignored += assembly.unmapped[: _LISTED - len(self._ignored)]
        # Xray refuses a file for what conversion leaves out of it, and takes keys that nobody asked for in its own way.
        known = not done.problems and (self._asked or group.taken[0].format not in ("robot", *JSON_FORMATS))
        if known:
            kept = self._job.work.path / f"expected-{number + 1}"
            if done.portions:
                done.portions[0].path.rename(kept)
            else:
                kept.touch()
            self.groups[number] = replace(
                group, expected=Slice(path=kept, offset=0, length=kept.stat().st_size), runs=done.counts.sent
            )
        shutil.rmtree(self._folder(), ignore_errors=True)


def _execution(
    job: Job,
    tally: Tally,
    site: Site,
    groups: Sequence[_Group],
    *,
    own: planning.Own = planning.NOTHING,
    first: int = 1,
) -> Plan:
    """Return the plan of the native reports of one Test Execution."""
    from xray_ci.delivery.planners import native  # noqa: PLC0415
    from xray_ci.delivery.prepare import prepare  # noqa: PLC0415

    files: list[NativeFile] = []
    for number, group in enumerate(groups, first):
        made = prepare(group.taken, site.deployment, job.work.path, f"report-{number}")
        files += [replace(made[0], expected=group.expected, tests=group.runs)] if _whole(made, group) else made
    files = _told_apart(files)
    target = planning.target_of(job, tally, site, own)
    project = job.settings.project or next(filter(None, map(_project, files)), None)
    marked = planning.marker(job, site, own)
    cucumber = any(file.format == "cucumber" for file in files)
    if marked is not None and marked.race and not all(file.addable for file in files):
        raise ConfigurationError(
            "several runs share a Test Execution, and these reports cannot be added to an existing one",
            where="strategy",
            slug="cannot-be-added",
            advice="Set `strategy: convert`.",
        )
    form = lookup = None
    if marked is not None and project is not None:
        form = planning.form_info(job, tally, site, own, marked, project=project, tell=not marked.race)
        lookup = planning.mark(job, tally, site, own, marked, project=project, writes=cucumber)
    elif cucumber and target.test_execution is not None:
        form = planning.form_info(job, tally, site, own, existing=True)
    return native(replace(target, project=project), files, first=first, label=own.label, form_info=form, mark=lookup)


def _whole(made: Sequence[NativeFile], group: _Group) -> bool:
    return len(made) == 1 and group.expected is not None


def _told_apart(files: list[NativeFile]) -> list[NativeFile]:
    """Return the bodies; where two hold results of one Test, the last one replaces the other, and nobody compares."""
    from xray_ci.delivery.reconcile import listed  # noqa: PLC0415

    seen: set[str] = set()
    for file in files if len(files) > 1 else ():
        mine = {test.head.name for test in listed(file.expected)} if file.expected is not None else set()
        if seen & mine:
            return [replace(each, expected=None) for each in files]
        seen |= mine
    return files


def _project(file: NativeFile) -> str | None:
    """Return the project of the first Test that is named by key."""
    from xray_ci.delivery.reconcile import listed  # noqa: PLC0415

    first = next(listed(file.expected), None) if file.expected is not None else None
    return first.head.testKey.rpartition("-")[0] if first is not None and first.head.testKey else None
