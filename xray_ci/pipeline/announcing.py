"""What `plan` announces: which Tests, Test Executions and requests an import comes to, on what the site knows today.

From the very objects that would be sent, and from questions that change nothing. What nobody answered is said to be
unknown. Writes nothing but the log and the document of `plan --json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from xray_ci.ci.result import Announcement, PlannedTest, TestGroup
from xray_ci.ci.text import one_line
from xray_ci.delivery.marker import jql
from xray_ci.delivery.plan import Hole
from xray_ci.delivery.reconcile import listed
from xray_ci.delivery.send import into
from xray_ci.errors import (
    ConfigurationError,
    Failure,
    Interrupted,
    NotAuthorised,
    PartlyImported,
    Refused,
    Unreachable,
    many,
)
from xray_ci.pipeline import checking
from xray_ci.pipeline.afterwards import described
from xray_ci.pipeline.converting import too_many
from xray_ci.pipeline.offline import json_line
from xray_ci.secret import Secret
from xray_ci.settings.table import ROWS
from xray_ci.site import asked, tests
from xray_ci.site.findings import Standing
from xray_ci.xray.mapping import ANYWHERE, BY_IDENTITY, BY_PATTERN, BY_REPORT
from xray_ci.xray.notices import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from xray_ci.delivery.plan import Plan, PlannedExecution, PlannedImport
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding

NEW: Final = "new"
BY_KEY: Final = "by key"
BY_MAPPING: Final = "by mapping"
BY_DEFINITION: Final = "by definition"
UNKNOWN: Final = "by definition, found or created"
_GROUPS: Final = (NEW, BY_KEY, BY_MAPPING, BY_DEFINITION, UNKNOWN)
_FIRST: Final = 10
"""Tests that are listed of each group."""
_NAME: Final = 60
_FAILURES: Final[dict[int, type[Failure]]] = {2: ConfigurationError, 5: NotAuthorised, 6: Refused, 7: Unreachable}
"""What a finding is as a failure, by its exit code."""


class ForeseenRequest(Struct, frozen=True, kw_only=True):
    """One request that would be sent."""

    does: str
    method: str
    path: str
    execution: str | None = None
    """The Test Execution that is there already and that it adds to."""
    results: int | None = None
    size: int | None = None
    """Bytes of its body, without the frame of a form."""
    reports: tuple[str, ...] = ()


class Foreseen:
    """What is known of the Tests and requests of a plan."""

    def __init__(self, job: Job, tally: Tally, site: Site, plan: Plan) -> None:
        self._job, self._tally, self._site, self._plan = job, tally, site, plan
        self.steps: list[ForeseenRequest] = []
        self.asked = False
        self._silent = job.offline
        """Whether it is of no use to ask."""
        self._known = tests.KnownTests(found={})
        self._like: dict[str, str] = {}
        named: dict[str, None] = {}
        identities: set[str] = set()
        for key, identity in (each for execution in plan.executions for each in _tests(execution)):
            if key:
                named[key] = None
            elif identity:
                identities.add(identity)
        self._keys, self._identities = tuple(named), frozenset(identities)

    def look(self) -> None:
        """Ask the site, as far as somebody may; what is wrong there is a failure of the run."""
        if self._job.offline:
            self._tally.note(
                "no credentials were given, so nobody was asked: which Tests would be created, and whether project, "
                "Test Plan, Test Execution, environments and versions are there, is not known"
            )
            return
        found = tuple(checking.look(self._site, self._settings(), self._job.now))
        for each in found:
            if each.standing is Standing.WARNING:
                self._tally.note(f"{each.name}: {each.text}")
            elif each.standing is Standing.PROBLEM:
                self._tally.fail(_failure(each))
        wrong = {each.code for each in found if each.standing is Standing.PROBLEM}
        self._silent = bool(wrong & {2, 5, 7}) or any(each.name == "project" and each.code for each in found)
        if not self._silent:
            self._look()

    def _settings(self) -> Settings:
        """Return the settings with what reports and rules add to them, to be looked at as `check` does."""
        settings = self._job.settings
        project = asked.project_of(settings) or next((each.rpartition("-")[0] for each in self._keys), None)
        return replace(settings, project=project, test_environments=tuple(self._tally.environments))

    def _look(self) -> None:
        store, tally, most = self._site.store, self._tally, self._job.settings.max_new_tests
        missing, unasked = tests.named(store, self._keys)
        if missing:
            tally.fail(
                Refused(
                    f"{many(len(missing), 'key')} of reports or `mapping` {'is' if len(missing) == 1 else 'are'} of no "
                    "Test that these credentials see",
                    where=_listed(missing),
                    service="Xray",
                    advice="Correct the keys: an import leaves these results out, or is refused.",
                )
            )
        if unasked:
            tally.note(f"{unasked:,} further keys were not looked up: {tests.ASKED:,} are")
        self._known = tests.defined(store, self._identities, most=tests.READ if most is None else None)
        for project in sorted(self._known.partly):
            tally.note(
                f"{project} holds more Tests than the {tests.READ:,} that were read: which of the others are new is "
                "not known"
            )
        self.asked = True
        if twice := sorted({key for execution in self._plan.executions for key in self._twice(execution)}):
            tally.fail(
                PartlyImported(
                    f"{many(len(twice), 'Test')} {'gets' if len(twice) == 1 else 'get'} results by its key and by its "
                    "definition",
                    where=_listed(twice),
                    advice="A Test has one Test Run in a Test Execution, so one of the results would be lost: name the "
                    "Test in one way.",
                )
            )
        new = sorted(each for each in self._identities if self._is_new(each))
        self._like = {identity: test.key for identity, test in tests.renamed(new, self._known.others).items()}
        if most is not None and len(new) > most:
            tally.fail(too_many(new, most))

    def _twice(self, execution: PlannedExecution) -> set[str]:
        """Return the keys of Tests that results of a Test Execution name in two ways."""
        keys: set[str] = set()
        found: set[str] = set()
        for key, identity in _tests(execution):
            if key:
                keys.add(key)
            elif identity in self._known.found:
                found.add(self._known.found[identity])
        return keys & found

    def _is_new(self, identity: str) -> bool | None:
        """Say whether an import would create a Test; None where nobody knows."""
        if identity in self._known.found:
            return False
        return True if self.asked and tests.project_of(identity) not in self._known.partly else None

    def follow(self) -> None:
        """Find out into which Test Executions the requests go; raises Failure for what cannot be added to one."""
        numbered: dict[str, str | None] = {}
        for execution in self._plan.executions:
            key = execution.key or self._marked(execution)
            race = execution.key is None and execution.marker is not None and execution.marker.race
            if race and key is None:
                self.steps.append(self._empty(execution))
            for call in execution.calls:
                sent = into(call, key or "?") if key or race else call
                goes = key or (numbered.get(sent.execution.call) if isinstance(sent.execution, Hole) else None)
                does = f"add to {goes}" if goes else "add to it" if race or sent.execution else _creates(call)
                if goes and goes != execution.key:
                    does += ", which an earlier attempt made"
                numbered[call.id] = key
                self.steps.append(
                    ForeseenRequest(
                        does=does,
                        method="POST",
                        path=sent.endpoint.path,
                        execution=goes,
                        results=sent.tests,
                        size=sent.size,
                        reports=sent.reports,
                    )
                )

    def _marked(self, execution: PlannedExecution) -> str | None:
        """Return the Test Execution that has the mark of this run already."""
        marker = execution.marker
        if self._silent or marker is None or not marker.look:
            return None
        found = sorted(self._site.store.executions(jql(marker, execution.project)), key=lambda each: each.age)
        return found[0].key if found else None

    def _empty(self, execution: PlannedExecution) -> ForeseenRequest:
        cloud = self._plan.deployment.key == "cloud"
        return ForeseenRequest(
            does=f"create an empty Test Execution in {execution.project}, which runs share",
            method="POST",
            path="/graphql createTestExecution" if cloud else "/rest/api/2/issue",
        )

    def rows(self) -> Iterator[PlannedTest]:
        """Yield each Test once, in report order; read from disk each time."""
        left = {*self._keys, *self._identities}
        for decided in read(self._job.work.path):
            for test in decided.keys or (decided.identity,):
                if test in left:
                    left.discard(test)
                    yield self._row(test, decided.name, decided.definition, decided.by, decided.place)
        for execution in self._plan.executions if left else ():  # native reports: Xray itself decides
            for key, identity in _tests(execution):
                test = key or identity
                if test in left:
                    left.discard(test)
                    name = key or identity.split("\0", 2)[2]
                    yield self._row(test, name, None if key else name, BY_REPORT if key else BY_IDENTITY, "")

    def _row(self, test: str, name: str, definition: str | None, by: str, place: str) -> PlannedTest:
        if "\0" not in test:
            return PlannedTest(key=test, name=name, by=by, place=place)
        return PlannedTest(
            key=self._known.found.get(test),
            name=name,
            definition=definition,
            by=by,
            new=self._is_new(test),
            place=place,
            like=self._like.get(test),
        )

    def announced(self) -> Announcement:
        """Return what people are told, with the first Tests of each group."""
        counts = dict.fromkeys(_GROUPS, 0)
        first: dict[str, list[PlannedTest]] = {title: [] for title in _GROUPS}
        for test in self.rows():
            title = _group(test)
            counts[title] += 1
            if counts[title] <= _FIRST:
                first[title].append(test)
        whole = self.asked and not counts[UNKNOWN] and all(each.stored_at is not None for each in self._plan.calls)
        return Announcement(
            asked=self.asked,
            groups=tuple(
                TestGroup(title=title, count=count, first=tuple(first[title]))
                for title, count in counts.items()
                if count
            ),
            requests=tuple(_aligned(self.steps)),
            settings=tuple(_settings(self._job.settings)),
            new=counts[NEW] if whole else None,
        )


def announce(job: Job, tally: Tally, site: Site, plan: Plan) -> Foreseen:
    """Ask, and print what would be done; what would stop an import is a failure of the run."""
    tally.planned = True
    tally.sent = plan.tests
    seen = Foreseen(job, tally, site, plan)
    for step in (seen.look, seen.follow):
        try:
            step()
        except Interrupted:
            raise
        except Failure as failure:
            tally.fail(failure)
    made = seen.announced()
    if made.asked or job.offline:
        tally.announcement = made
        _print_tests(job, seen, made)
    with job.console.group("where each setting came from"):
        widths = [max((len(row[at]) for row in made.settings), default=0) for at in range(2)]
        for name, value, origin in made.settings:
            job.console.info(f"  {name.ljust(widths[0])}  {value.ljust(widths[1])}  {origin}")
    if made.asked or job.offline:
        _print_requests(job, made, plan)
    else:  # whoever has to mend that reads the problem, and no list of what is not known
        job.console.info("Tests and requests are not listed: the site could not be asked, see the problem above")
    return seen


def _print_tests(job: Job, seen: Foreseen, made: Announcement) -> None:
    say = job.console.info
    say("Tests: " + (", ".join(f"{group.count:,} {group.title}" for group in made.groups) or "none that is known"))
    for group in made.groups:
        with job.console.group(f"{group.title}: {many(group.count, 'Test')}"):
            rows = (each for each in seen.rows() if _group(each) == group.title) if job.whole else group.first
            widths = [max(len(cells[at]) for cells in map(_cells, group.first)) for at in range(3)]
            for row in rows:
                say("  " + "  ".join(cell.ljust(width) for cell, width in zip(_cells(row), (*widths, 0), strict=True)))
            if not job.whole and group.count > len(group.first):
                say(f"  … and {group.count - len(group.first):,} more: `xray-ci plan --all` lists them")


def _print_requests(job: Job, made: Announcement, plan: Plan) -> None:
    say = job.console.info
    say(f"would send {many(len(made.requests), 'request')} to {plan.deployment.title}:")
    for line in made.requests:
        say(f"  {line}")
    for line in (*described(job), *(f"then {each}" for each in _after(job, plan))):
        say(f"  {line}")


def _cells(test: PlannedTest) -> tuple[str, str, str, str]:
    """Return a Test as columns: key, what it is found by, place of its first result, and why."""
    text = test.definition or test.name
    like = f"; looks like {test.like}, renamed" if test.like else ""
    return test.key or "-", one_line(text, _NAME), test.place, f"by {test.by}{like}"


def _group(test: PlannedTest) -> str:
    if test.new is not False:
        return UNKNOWN if test.new is None else NEW
    if test.by in (BY_REPORT, BY_PATTERN):
        return BY_KEY
    return BY_DEFINITION if test.by == BY_IDENTITY else BY_MAPPING


def _tests(execution: PlannedExecution) -> Iterator[tuple[str | None, str]]:
    """Yield key and identity of each result of a Test Execution, as far as it is known what is in its requests."""
    for call in execution.calls:
        for test in listed(call.stored_at) if call.stored_at is not None else ():
            kind, _, rest = test.head.identity.partition("\0")
            project, _, text = rest.partition("\0")
            if project == ANYWHERE and execution.project:  # a native report goes into the project of its request
                project = execution.project
            yield test.head.testKey, f"{kind}\0{project}\0{text}" if kind else ""


def _listed(keys: Sequence[str]) -> str:
    return "\n".join([*keys[:_FIRST], *[f"… and {len(keys) - _FIRST:,} more"] * (len(keys) > _FIRST)])


def _creates(call: PlannedImport) -> str:
    where = f" in {call.project}" if call.project else ""
    return f"create a Test Execution{where}" + (f" for {call.label}" if call.label else "")


def _aligned(steps: Sequence[ForeseenRequest]) -> Iterator[str]:
    """Yield one line for each request: what it does, how much is in it, and where it goes."""
    rows = [
        (
            f"{number}.",
            step.does,
            "" if step.results is None else many(step.results, "result"),
            "" if step.size is None else f"{step.size:,} bytes",
            f"{step.method} {step.path}",
            ", ".join(step.reports[:3]) + (f" and {len(step.reports) - 3:,} more" if len(step.reports) > 3 else ""),  # noqa: PLR2004
        )
        for number, step in enumerate(steps, 1)
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(5)] if rows else []
    for row in rows:
        number, does, results, size, path = (
            cell.rjust(width) if at in (0, 2, 3) else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=False))
        )
        yield f"{number} {does}  {results}  {size}  {path}  {row[5]}".rstrip()


def _after(job: Job, plan: Plan) -> Iterator[str]:
    """Yield what an import does besides its requests, in words."""
    most = job.settings.batch_bytes or plan.deployment.limits.batch_bytes
    heavy = sum(call.tests == 1 and call.tests_at is not None and call.size > most for call in plan.calls)
    if files := _large_files(plan):
        yield f"add {many(files, 'file')} of evidence, large ones as they are"
    elif heavy:  # its evidence goes after it, as far as it has some
        yield f"send the evidence of {many(heavy, 'result')} too large for a request"
    if plan.covered:
        yield f"link Tests to the {many(len({issue for _, issue in plan.covered}), 'issue')} that they cover"
    if job.settings.snapshots:
        when = job.settings.snapshots_when
        yield f"trigger {many(len(job.settings.snapshots), 'snapshot')} (`snapshots-when: {when}`)"


def _large_files(plan: Plan) -> int:
    """Return how many files of evidence go after the results on Cloud, as the Test that has them has a large one."""
    from xray_ci.services import cloud  # noqa: PLC0415

    if plan.deployment.key != "cloud" or all(call.size < cloud.UPLOAD_FROM for call in plan.calls):
        return 0
    from xray_ci.delivery.progress import Progress  # noqa: PLC0415
    from xray_ci.delivery.splitting import heavy  # noqa: PLC0415

    return sum(files for call in plan.calls for _, files in heavy(call, cloud.UPLOAD_FROM, Progress()))


def _settings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    for row in ROWS:
        if (origin := settings.origin(row.name)) != "default":
            yield row.name, "***" if row.secret else _value(getattr(settings, row.attribute)), origin


def _value(value: object) -> str:
    match value:
        case Secret():
            return "***"
        case tuple() | frozenset() if all(isinstance(each, str) for each in value):
            return one_line(", ".join(sorted(value) if isinstance(value, frozenset) else value), _NAME)
        case str() | bool() | int() | float():
            return one_line(str(value).lower() if isinstance(value, bool) else str(value), _NAME)
        case _:
            return one_line(str(value), _NAME) if hasattr(value, "__fspath__") else "set"


def _failure(finding: Finding) -> Failure:
    """Return a problem of the site as the failure that an import would meet."""
    return _FAILURES[finding.code](finding.text, where=finding.name, advice=finding.remedy or None)


def write(job: Job, tally: Tally, seen: Foreseen | None, out: TextIO) -> None:
    """Write the one object of `plan --json`: Tests, requests, and every problem of the run; a Test a line."""

    def put(name: str, rows: Iterator[dict[str, Any]], end: str) -> None:
        out.write(f'"{name}": [')
        out.writelines(("," if number else "") + "\n" + job.redactor(json_line(row)) for number, row in enumerate(rows))
        out.write(f"]{end}\n")

    out.write("{")
    put("tests", (_test_json(each) for each in seen.rows()) if seen else iter(()), ",")
    put("requests", map(_step_json, seen.steps) if seen else iter(()), ",")
    put("problems", map(asdict, tally.troubles), "}")
    out.flush()


def _test_json(test: PlannedTest) -> dict[str, Any]:
    return {
        "key": test.key,
        "name": test.name,
        "definition": test.definition,
        "decided-by": test.by,
        "new": test.new,
        "like": test.like,
        "place": test.place,
    }


def _step_json(step: ForeseenRequest) -> dict[str, Any]:
    return {
        "does": step.does,
        "method": step.method,
        "path": step.path,
        "test-execution": step.execution,
        "results": step.results,
        "bytes": step.size,
        "reports": list(step.reports),
    }
