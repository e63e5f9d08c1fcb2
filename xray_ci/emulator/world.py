"""The emulator's own time. Knows how to tick, jump and stand still; nothing of who reads it.

What exists: projects, issues, Tests, Test Executions with their runs, Confluence pages. No rules of any interface.

Both products and their Jira look at this one world, so that what one call stores is what another reads.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.evidence import Evidence  # noqa: TC001 - a kept world is read by these types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


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


TEST: Final = "Test"
TEST_SET: Final = "Test Set"
PRECONDITION: Final = "Precondition"
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
    """Status of each native result that was merged into this run."""


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
    folder: str = "/"
    """Where it lies in the Test Repository of its project."""
    preconditions: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return Steps, Gherkin or Unstructured: what the type's definition is made of."""
        return kind_of(self.type)


def kind_of(test_type: str) -> str:
    """Return Steps, Gherkin or Unstructured for a Test type; one that an administrator made is Unstructured (A)."""
    return {"Manual": "Steps", "Cucumber": "Gherkin"}.get(test_type, "Unstructured")


@dataclass(slots=True, kw_only=True)
class PreconditionDetails:
    """What a Precondition has beyond an issue."""

    type: str = "Manual"
    definition: str = ""
    folder: str = "/"


@dataclass(slots=True, kw_only=True)
class SetDetails:
    """What a Test Set has beyond an issue."""

    tests: list[str] = field(default_factory=list)


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
    folders: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """Key of a Test → its folder on the Test Plan Board; what is not here lies at the top."""


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
    test_set: SetDetails | None = None
    precondition: PreconditionDetails | None = None
    status: str = "To Do"
    updated: datetime | None = None
    assignee: str | None = None
    """Name of a user on Server, account id on Cloud, as it was sent."""
    comments: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    """`id`, `type`, `direction` (inward, outward) and the `key` at the other end."""
    attachments: list[Evidence] = field(default_factory=list)
    remote_links: list[dict[str, Any]] = field(default_factory=list)
    """`id`, and what was sent."""
    properties: dict[str, Any] = field(default_factory=dict)
    """What apps and scripts keep with the issue."""

    def touch(self, now: datetime) -> None:
        """Note that it was changed."""
        self.updated = now


@dataclass(slots=True, kw_only=True)
class Project:
    """One Jira project."""

    key: str
    id: str
    name: str
    environments: list[str]
    versions: list[str]
    last_number: int
    folders: list[str] = field(default_factory=list)
    """Paths of the Test Repository, `/` between their parts, each behind its parent."""
    in_use: list[str] = field(default_factory=list)
    """Environments that are there because Test Executions of Server have them: theirs are values of a field (A)."""


@dataclass(slots=True, kw_only=True)
class CustomField:
    """A Jira field that a site's administrator made."""

    id: str
    name: str
    type: str = "string"
    items: str = ""
    """Of an `array`: what is in it."""
    options: list[str] = field(default_factory=list)
    """Of an option: its values; of one with a child as `Europe > Berlin`."""
    required_for: list[str] = field(default_factory=list)
    """Issue types that cannot be made without it."""


@dataclass(slots=True, kw_only=True)
class CustomStatus:
    """A status of Test Runs that an administrator made; both products have it."""

    name: str
    final: bool = True
    coverage: str = "NOK"
    color: str = "#A2A6AE"


@dataclass(slots=True, kw_only=True)
class Login:
    """Somebody who may log in; an empty secret logs nobody in."""

    name: str
    """On Server."""
    account_id: str
    """On Cloud."""
    display: str
    email: str = ""
    password: str = ""
    """On Server, with the name."""
    token: str = ""
    """Personal access token on Server."""
    api_token: str = ""
    """On Jira Cloud, with the e-mail address."""
    scoped_token: str = ""
    """The same with scopes, through the gateway alone."""
    bearer: str = ""
    """OAuth 2 token on Jira Cloud, through the gateway alone."""
    oauth_token: str = ""
    """Access token of OAuth 1.0a on Server."""
    token_ends: datetime | None = None
    """When the personal access token ends; None for never."""
    may_not: list[str] = field(default_factory=list)
    """Permissions that are missing, by Jira's names: CREATE_ISSUES, EDIT_ISSUES …"""


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """One Xray Cloud API key."""

    secret: str
    sees_projects: bool = True
    region: str | None = None
    """Where its data is kept; None: wherever this host is."""


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


_VERSIONS: Final = 20
"""Earlier versions of a page that are kept."""


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
    history: list[Page] = field(default_factory=list)
    """The page as it was before each of its last versions, oldest first."""


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
    issue_types: dict[str, str] = field(default_factory=dict)
    """Name → id."""
    custom_fields: list[CustomField] = field(default_factory=list)
    statuses: list[CustomStatus] = field(default_factory=list)
    accounts: list[Login] = field(default_factory=list)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    consumers: dict[str, str] = field(default_factory=dict)
    """Public keys (PEM) of Server's application links by their consumer keys."""
    spent: dict[str, int] = field(default_factory=dict)
    """Nonces of OAuth 1.0a that were seen, each with the number of its request."""
    """By client id."""
    filters: dict[str, str] = field(default_factory=dict)
    """Id of a saved filter → its JQL."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Bulk imports and backups, by the id of the job."""
    last_run: int = 0
    last_other: int = 10000
    """Number of the last comment, link or step."""

    def add(self, issue: Issue) -> Issue:
        """Store an issue and make it findable."""
        self.issues[issue.key] = issue
        self.ids[issue.id] = issue.key
        self.index(issue)
        return issue

    def index(self, issue: Issue) -> None:
        """Make a Test findable by what identifies it; the first Test of an identity keeps it. Its steps get ids."""
        if issue.test is not None:
            for step in issue.test.steps:
                step.setdefault("id", self.next_id())
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
            id=str(int(owner.id) + 100 + owner.last_number),
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
            other.links = [each for each in other.links if each["key"] != issue.key]
            for keys in _mentions(other):
                if issue.key in keys:
                    keys.remove(issue.key)
        self._forget_environments(self.projects[issue.project])

    def _forget_environments(self, owner: Project) -> None:
        held = {
            name for each in self.executions() if each.execution is not None for name in each.execution.environments
        }
        gone = [name for name in owner.in_use if name not in held]
        owner.in_use = [name for name in owner.in_use if name in held]
        owner.environments = [name for name in owner.environments if name not in gone]

    def executions(self) -> list[Issue]:
        """Return the Test Executions, oldest first."""
        return [issue for issue in self.issues.values() if issue.execution is not None]

    def next_run_id(self, side: str) -> str:
        """Count a run: 24 hexadecimal digits on Cloud, a small number on Server (O)."""
        self.last_run += 1
        return f"65f{self.last_run:021d}" if side == "cloud" else str(self.last_run)

    def next_id(self) -> str:
        """Count a comment, a link or a step."""
        self.last_other += 1
        return str(self.last_other)

    def of_type(self, kind: str) -> list[Issue]:
        """Return the issues of a type, oldest first."""
        return [issue for issue in self.issues.values() if issue.type == kind]

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
        macros = [replace(each) for each in page.macros]
        page.history = [*page.history, replace(page, macros=macros, pending=[], history=[])][-_VERSIONS:]
        for each in page.macros if macro is None else [macro]:
            each.captured = [totals(issue) for issue in self.executions()][-5:]
            each.captured_at = now
        page.version += 1
        page.changed = now


def _mentions(issue: Issue) -> Iterator[list[str]]:
    """Yield every list of keys that an issue holds."""
    if issue.plan is not None:
        yield from (issue.plan.tests, issue.plan.executions)
    if issue.execution is not None:
        yield issue.execution.plans
    if issue.test_set is not None:
        yield issue.test_set.tests
    if issue.test is not None:
        yield from (issue.test.preconditions, issue.test.requirements)


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
