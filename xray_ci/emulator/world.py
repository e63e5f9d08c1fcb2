"""The emulator's own time. Knows how to tick, jump and stand still; nothing of who reads it.

The log of requests, secrets cut. Tests read here what was sent; it never holds a credential.

What exists: projects, issues, Tests, Test Executions with their runs, Confluence pages. No rules of any interface.

Both products and their Jira look at this one world, so that what one call stores is what another reads.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from werkzeug.wrappers import Request

    from xray_ci.emulator.answers import Body, Part
    from xray_ci.emulator.evidence import Evidence


START: Final = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
"""Where time begins unless told otherwise: the same answers on every run."""


class Clock:
    """A clock that starts at a given moment, ticks as real time does, and can be moved."""

    def __init__(self, start: datetime = START, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._start = start
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Go back to the start and tick."""
        self._base = self._start
        self._since: float | None = self._monotonic()

    def now(self) -> datetime:
        """Return the moment, with its offset."""
        if self._since is None:
            return self._base
        return self._base + timedelta(seconds=self._monotonic() - self._since)

    def set(self, moment: datetime) -> None:
        """Jump to a moment; a frozen clock stays frozen there."""
        self._base = moment
        if self._since is not None:
            self._since = self._monotonic()

    def advance(self, seconds: float) -> None:
        """Jump by seconds, backwards too."""
        self.set(self.now() + timedelta(seconds=seconds))

    def freeze(self, *, frozen: bool) -> None:
        """Stand still, or tick again from here."""
        self._base = self.now()
        self._since = None if frozen else self._monotonic()


def iso(moment: datetime) -> str:
    """Write a moment as `2024-01-02T03:04:05.000Z`, as Atlassian's newer interfaces do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def jira_time(moment: datetime) -> str:
    """Write a moment as Jira does: `2024-01-02T03:04:05.000+0000`."""
    return iso(moment)[:-1] + "+0000"


_SECRET_HEADERS: Final = frozenset({"jira-snapshots-api-key", "cookie", "proxy-authorization"})


@dataclass(slots=True, kw_only=True)
class Record:
    """One request and what became of it."""

    n: int
    time: str
    method: str
    path: str
    query: dict[str, str | list[str]]
    headers: dict[str, str]
    content_type: str
    size: int
    digest: str
    """SHA-256 of the body, hexadecimal."""
    kind: str
    """authenticate, import, lookup, read, write, graphql (not understood), snapshot, page or other."""
    operations: tuple[str, ...] = ()
    """Of GraphQL: the fields at the top of the document."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    dropped: str | None = None
    body: bytes | None = None
    """As received; imports only, and only up to 5 MB."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """Of the parts, by name; under the same rule."""

    def note_body(self, body: Body, parts: Iterable[Part]) -> None:
        """Store what a body looks like, and itself when it is an import of sensible size."""
        kept = self.kind == "import" and body.size <= KEPT
        if kept:
            self.body = body.bytes()
        for part in parts:
            self.parts.append(
                {"name": part.name, "filename": part.filename, "content_type": part.content_type, "size": part.size}
            )
            if kept:
                part.stream.seek(0)
                self.contents[part.name] = part.stream.read()

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the control interface shows it."""
        return {name: value for name, value in asdict(self).items() if name not in ("body", "contents")}


def cut_headers(request: Request) -> dict[str, str]:
    """Return the headers with credentials replaced by `***`; the scheme of an Authorization stays."""
    shown: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() == "authorization":
            scheme, blank, _ = value.partition(" ")
            shown[name] = f"{scheme} ***" if blank else "***"
        else:
            shown[name] = "***" if name.lower() in _SECRET_HEADERS else value
    return shown


def query_of(request: Request) -> dict[str, str | list[str]]:
    """Return the query: one text a name, a list where a name was sent more than once."""
    found: dict[str, str | list[str]] = {}
    for name, values in request.args.lists():
        found[name] = values[0] if len(values) == 1 else values
    return found


TEST: Final = "Test"
TEST_PLAN: Final = "Test Plan"
TEST_EXECUTION: Final = "Test Execution"

PASSED_WORDS: Final = frozenset({"PASS", "PASSED"})
FAILED_WORDS: Final = frozenset({"FAIL", "FAILED", "ABORTED"})
RUNNING_WORDS: Final = frozenset({"EXECUTING"})


@dataclass(slots=True, kw_only=True)
class Run:
    """One Test in one Test Execution."""

    id: str
    test: str
    status: str
    stated: str
    """The word that was sent; Cloud stores another one when it does not know it."""
    comment: str = ""
    started: str | None = None
    finished: str | None = None
    executed_by: str | None = None
    assignee: str | None = None
    output: str = ""
    """What a native report says about a failure."""
    defects: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    iterations: list[dict[str, Any]] = field(default_factory=list)
    custom_fields: list[dict[str, Any]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    """Status of each native result that was folded into this run."""


@dataclass(slots=True, kw_only=True)
class TestDetails:
    """What a Test has beyond an issue."""

    type: str
    definition: str = ""
    scenario: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    rewritten: list[dict[str, Any]] = field(default_factory=list)
    """What the Test was before each import that changed it."""

    @property
    def kind(self) -> str:
        """Return Steps, Gherkin or Unstructured: what the type's definition is made of."""
        return {"Manual": "Steps", "Cucumber": "Gherkin"}.get(self.type, "Unstructured")


@dataclass(slots=True, kw_only=True)
class ExecutionDetails:
    """What a Test Execution has beyond an issue."""

    side: str
    """`cloud` or `server`: whose import made it."""
    plans: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    revision: str = ""
    started: str | None = None
    finished: str | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    imports: int = 0
    duplicates: int = 0
    """Entries of Xray JSON that a later entry for the same Test wrote over."""


@dataclass(slots=True, kw_only=True)
class PlanDetails:
    """What a Test Plan has beyond an issue."""

    tests: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Issue:
    """One Jira issue."""

    key: str
    id: str
    project: str
    type: str
    summary: str
    created: datetime
    description: Any = ""
    labels: list[str] = field(default_factory=list)
    fix_versions: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    """Other fields, as they were sent."""
    seeded: bool = False
    test: TestDetails | None = None
    execution: ExecutionDetails | None = None
    plan: PlanDetails | None = None


@dataclass(slots=True, kw_only=True)
class Project:
    """One Jira project."""

    key: str
    id: str
    name: str
    environments: list[str]
    versions: list[str]
    last_number: int


@dataclass(slots=True, kw_only=True)
class Totals:
    """Numbers of one Test Execution, as a snapshot freezes them."""

    key: str
    summary: str
    passed: int
    failed: int
    running: int
    other: int

    @property
    def all(self) -> int:
        """Return the number of runs."""
        return self.passed + self.failed + self.running + self.other


@dataclass(slots=True, kw_only=True)
class Macro:
    """One Snapshots macro on a page."""

    title: str
    opaque: str | None
    """Last part of its web request URL when automation is ticked."""
    captured: list[Totals] = field(default_factory=list)
    captured_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Page:
    """One Confluence page."""

    id: str
    title: str
    version: int
    changed: datetime
    macros: list[Macro] = field(default_factory=list)
    pending: list[tuple[datetime, Macro | None]] = field(default_factory=list)
    """Accepted triggers: when each takes effect, and for which macro (None: all)."""


@dataclass(slots=True, kw_only=True)
class World:
    """Everything there is."""

    projects: dict[str, Project] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    definitions: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """(project, kind, identity) → key of the Test that is found by it."""
    ids: dict[str, str] = field(default_factory=dict)
    """Numeric id → key."""
    last_run: int = 0

    def add(self, issue: Issue) -> Issue:
        """Store an issue and make it findable."""
        self.issues[issue.key] = issue
        self.ids[issue.id] = issue.key
        self.index(issue)
        return issue

    def index(self, issue: Issue) -> None:
        """Make a Test findable by what identifies it; the first Test of an identity keeps it."""
        if issue.test is not None:
            self.definitions.setdefault((issue.project, issue.test.kind, identity(issue)), issue.key)

    def unindex(self, issue: Issue) -> None:
        """Take a Test out before its identity changes."""
        if issue.test is not None:
            place = (issue.project, issue.test.kind, identity(issue))
            if self.definitions.get(place) == issue.key:
                del self.definitions[place]

    def new_issue(self, project: str, kind: str, summary: str, now: datetime) -> Issue:
        """Make an issue with the project's next number."""
        owner = self.projects[project]
        owner.last_number += 1
        return Issue(
            key=f"{project}-{owner.last_number}",
            id=str(10100 + owner.last_number),
            project=project,
            type=kind,
            summary=summary,
            created=now,
        )

    def find(self, key: str, kind: str | None = None) -> Issue | None:
        """Return an issue by key or numeric id, when it is of the wanted type."""
        issue = self.issues.get(self.ids.get(key, key))
        return issue if issue is not None and kind in (None, issue.type) else None

    def remove(self, issue: Issue) -> None:
        """Delete an issue with its runs and its links; its number is not given out again."""
        self.unindex(issue)
        del self.issues[issue.key], self.ids[issue.id]
        for other in self.issues.values():
            self.index(other)  # another Test of the same identity is found from now on
            if other.execution is not None:
                other.execution.runs.pop(issue.key, None)
            lists = (
                [other.plan.tests, other.plan.executions]
                if other.plan
                else [other.execution.plans]
                if other.execution
                else []
            )
            for keys in lists:
                if issue.key in keys:
                    keys.remove(issue.key)

    def executions(self) -> list[Issue]:
        """Return the Test Executions, oldest first."""
        return [issue for issue in self.issues.values() if issue.execution is not None]

    def next_run_id(self, side: str) -> str:
        """Count a run: 24 hexadecimal digits on Cloud, a small number on Server (O)."""
        self.last_run += 1
        return f"65f{self.last_run:021d}" if side == "cloud" else str(self.last_run)

    def find_run(self, number: str) -> tuple[Issue, Run] | None:
        """Return a run by its id, with its Test Execution."""
        return next(
            (
                (issue, run)
                for issue in self.executions()
                if issue.execution is not None
                for run in issue.execution.runs.values()
                if run.id == number
            ),
            None,
        )

    def add_test(self, execution: Issue, test: Issue, *, word: str) -> bool:
        """Add a Test to a Test Execution, not run yet; False when it is there."""
        details = execution.execution
        if details is None or test.key in details.runs:
            return False
        details.runs[test.key] = Run(id=self.next_run_id(details.side), test=test.key, status=word, stated=word)
        return True

    def runs_of(self, test: str) -> Iterator[tuple[Issue, Run]]:
        """Yield the runs of one Test with their Test Execution."""
        for issue in self.executions():
            if issue.execution is not None and test in issue.execution.runs:
                yield issue, issue.execution.runs[test]

    def settle(self, now: datetime) -> None:
        """Let every snapshot be taken whose time has come."""
        for page in self.pages.values():
            for due, macro in [each for each in page.pending if each[0] <= now]:
                page.pending.remove((due, macro))
                self.take_snapshot(page, macro, due)

    def take_snapshot(self, page: Page, macro: Macro | None, now: datetime) -> None:
        """Freeze the numbers of today in one macro or in all, as a new page version."""
        for each in page.macros if macro is None else [macro]:
            each.captured = [totals(issue) for issue in self.executions()][-5:]
            each.captured_at = now
        page.version += 1
        page.changed = now


def identity(issue: Issue) -> str:
    """Return what a Test is found by without its key: definition of a Generic Test, else its summary (D)."""
    if issue.test is not None and issue.test.kind == "Unstructured" and issue.test.definition:
        return issue.test.definition
    return issue.summary


def totals(issue: Issue) -> Totals:
    """Count the runs of a Test Execution."""
    runs: Iterable[Run] = issue.execution.runs.values() if issue.execution is not None else ()
    counted = Counter(shade(run.status) for run in runs)
    return Totals(
        key=issue.key,
        summary=issue.summary,
        passed=counted["passed"],
        failed=counted["failed"],
        running=counted["running"],
        other=counted["other"],
    )


def shade(status: str) -> str:
    """Return which colour a status has: passed, failed, running or other."""
    for name, words in (("passed", PASSED_WORDS), ("failed", FAILED_WORDS), ("running", RUNNING_WORDS)):
        if status in words:
            return name
    return "other"


def link_plan(plan: Issue, execution: Issue, tests: Iterable[str]) -> None:
    """Link a Test Execution and Tests to a Test Plan, each once."""
    if plan.plan is None or execution.execution is None:
        return
    if execution.key not in plan.plan.executions:
        plan.plan.executions.append(execution.key)
    if plan.key not in execution.execution.plans:
        execution.execution.plans.append(plan.key)
    known = set(plan.plan.tests)
    plan.plan.tests.extend(key for key in dict.fromkeys(tests) if key not in known)
