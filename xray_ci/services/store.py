"""JQL, made of values that came from anywhere. Pure: knows quoting and words of JQL, no service.

A value always travels inside quotes with what could end them escaped; names of fields and types come from here only.

What Xray holds, in the words both products share: Tests, Test Executions, Test Runs, and who can be asked for them.

Values and one protocol; asks nobody.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

from msgspec import Struct

from xray_ci.errors import Refused, UnknownIssue
from xray_ci.model import Discreet
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from xray_ci.model import IssueKind
    from xray_ci.services.body import Slice


_Found = TypeVar("_Found")
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def quoted(value: str) -> str:
    """Return a text as one JQL string; control characters become blanks, as JQL has no sign for them all."""
    plain = "".join(" " if unicodedata.category(sign) in _CONTROLS else sign for sign in value)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tests_of(project: str) -> str:
    """Find every Test of a project, oldest first."""
    return f"project = {quoted(project)} AND issuetype = Test ORDER BY id ASC"


def keyed(keys: Sequence[str]) -> str:
    """Find issues by their keys; raises ValueError for what is no key."""
    if not keys or not all(KEY.fullmatch(key) for key in keys):
        raise ValueError("not keys only")
    return f"key in ({', '.join(keys)})"


def known(keys: Sequence[str], ask: Callable[[str], Iterable[_Found]]) -> tuple[_Found, ...]:
    """Return what `ask` finds for those of the keys that exist; see `existing`."""
    return existing(keys, ask)[0]


def existing(keys: Sequence[str], ask: Callable[[str], Iterable[_Found]]) -> tuple[tuple[_Found, ...], tuple[str, ...]]:
    """Return what `ask` finds for those of the keys that exist, and these keys.

    Jira refuses JQL with keys that do not exist and names them, in whatever language (R): those are left out and the
    rest is asked for again, so often at most. Raises the refusal when it names none of the keys, or too often.
    """
    left = [key for key in dict.fromkeys(keys) if KEY.fullmatch(key)]
    for number in range(_ROUNDS):
        if not left:
            break
        try:
            return tuple(ask(keyed(left))), tuple(left)
        except Refused as refusal:
            named = set(KEY.findall(refusal.answer or ""))
            rest = [key for key in left if key not in named]
            if len(rest) == len(left) or (rest and number == _ROUNDS - 1):
                raise
            left = rest
    return (), ()


_ROUNDS: Final = 10
"""How often the same keys are asked for, each time without those that do not exist."""
PAGE: Final = 100
"""Items asked for at a time: the most that GraphQL gives (D)."""
KEY: Final = lazy(r"(?<![A-Za-z0-9_-])[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}(?![A-Za-z0-9_-])")
"""The only keys that enter a path or JQL."""
NUMBER: Final = lazy(r"[0-9]{1,19}", re.ASCII)
"""An issue id."""


class ExistingTest(Struct, frozen=True, kw_only=True):
    """One Test of a project."""

    key: str
    test_type: str
    """Its name on this site, for example `Generic`; empty where Jira says none."""
    definition: str | None
    """Of a Generic Test; None for others, and where it is empty."""
    summary: str


class TypedIssue(Struct, frozen=True, kw_only=True):
    """One issue, and what it is."""

    key: str
    type: str
    """The name of its issue type."""
    done: bool
    """Whether its workflow ended: the category of its status is `done`."""


PLAN: Final = "Test Plan"
EXECUTION: Final = "Test Execution"
TEST_SET: Final = "Test Set"
"""Types of issues that hold Tests."""


class StoredExecution(Struct, frozen=True, kw_only=True):
    """One Test Execution. Cloud's GraphQL takes the id, everything else the key."""

    id: str
    key: str

    @property
    def age(self) -> int:
        """A number that grows with each issue made: the lowest is the oldest."""
        return int(self.id)


class StoredRun(Struct, frozen=True, kw_only=True):
    """One Test Run."""

    test: str
    """Key of the Test."""
    status: str
    """In the words of the product."""
    id: str | None = None
    """None where the list does not say it: Server/DC."""


class TestAge(Struct, frozen=True, kw_only=True):
    """When a Test of a Test Execution was made, and who else has results of it."""

    after: float
    """Seconds after the Test Execution; negative for an older one."""
    shared: bool
    """Whether the import into another Test Execution may have made it."""


class RunDetails(Struct, frozen=True, kw_only=True):
    """One Test Run with what people read of it."""

    execution: str
    test: str
    """Key of the Test."""
    summary: str
    """Of the Test."""
    type: str
    status: str
    """In the words of the product."""
    comment: str
    started: str | None
    """As the product writes it, like `finished`."""
    finished: str | None
    executed_by: str | None
    """Account id on Cloud, user name on Server/DC."""
    defects: tuple[str, ...]
    """Keys; on Cloud ids of issues (O)."""
    evidence: tuple[str, ...]
    """Names of files."""


class RunTotals(Struct, frozen=True, kw_only=True):
    """How many Test Runs a Test Execution holds."""

    runs: int
    by_status: Mapping[str, int]
    """Of those statuses that were asked for, in their words."""
    made: float | None = None
    """When the Test Execution was made, in seconds since the epoch, where it was asked how old it is."""
    ages: tuple[TestAge, ...] = ()
    """Of the Tests of the first page, likewise."""


class EvidenceFile(Discreet, frozen=True, kw_only=True):
    """One file for a Test Run."""

    unshown: ClassVar[tuple[str, ...]] = ("data",)

    filename: str
    content_type: str
    data: tuple[bytes | Slice, ...]
    """Base64 text, in pieces that may lie on disk."""

    @property
    def size(self) -> int:
        """Bytes of the file, three more at most."""
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self.data) // 4 * 3


class Store(Protocol):
    """Xray as it stands, on either product. Every method raises the failure that an outcome is.

    Refused is a clear no. What may have been done all the same is UnknownDelivery. A lookup that fails in any way is
    never an empty answer. What JQL finds may lag behind what is stored; what is asked for by id or key does not (O).
    """

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project, in a stable order."""

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""

    def kinds(self, keys: Sequence[str]) -> dict[str, IssueKind]:
        """Return what the issues of these keys (100 at most) are; those that are not there are left out."""

    def held(self, key: str, kind: str) -> Iterator[ExistingTest]:
        """Yield the Tests of a Test Plan, Test Execution or Test Set in its order; UnknownIssue where it is none."""

    def found(self, jql: str) -> Iterator[ExistingTest]:
        """Yield the Tests among what somebody's JQL finds."""

    def kind_of(self, key: str) -> str | None:
        """Return PLAN or EXECUTION, None for what is neither or cannot be seen."""

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key; None when there is no issue of that key and type."""

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the Test Executions that JQL finds."""

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, each once."""

    def executions_of(self, plan: str) -> Iterator[StoredExecution]:
        """Yield the Test Executions of a Test Plan, by its key; Refused when there is no such plan."""

    def details(self, execution: StoredExecution) -> Iterator[RunDetails]:
        """Yield the runs of a Test Execution with what people read of them, each once, 100 in memory."""

    def totals(self, execution: StoredExecution, statuses: Sequence[str], *, aged: bool = False) -> RunTotals | None:
        """Return how many runs there are, without reading them; None where the product cannot say.

        `aged`: and in the same call how old it and its first Tests are.
        """

    def some_runs(
        self, execution: StoredExecution, *, status: str | None = None, keys: Sequence[str] = ()
    ) -> Iterator[StoredRun]:
        """Yield the runs of one status, or of some Tests by their keys (100 at most)."""

    def failed_tests(
        self, execution: StoredExecution, statuses: Sequence[str], keys: Sequence[str]
    ) -> Iterator[ExistingTest]:
        """Yield the Tests whose runs have one of these statuses: those of `keys`, where a list of runs has no Tests."""

    def ages(
        self, execution: StoredExecution, within: float, *, keys: Sequence[str] = (), totals: RunTotals | None = None
    ) -> Iterator[TestAge]:
        """Yield how old the Tests of a Test Execution are, where Jira says it: of all runs in `totals`, or of `keys`.

        `within`: seconds before it was made in which others may have made them, too.
        """

    def create_execution(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an empty Test Execution of Jira's create-issue fields. Not repeatable."""

    def delete_execution(self, execution: StoredExecution) -> bool:
        """Delete a Test Execution; False when it is not there (any more)."""

    def evidence(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the file names of the Evidence of a run."""

    @property
    def upload_from(self) -> int | None:
        """Bytes of a file from which on it is uploaded by itself; None where the product has no such way."""

    def upload(self, evidence: EvidenceFile) -> str | None:
        """Upload a file by itself and return its id, None where it goes with `add_evidence`.

        Repeatable: a file that nothing names is seen by nobody.
        """

    def add_evidence(
        self, execution: StoredExecution, run: StoredRun, evidence: EvidenceFile, uploaded: str | None = None
    ) -> None:
        """Add one file to a run, or the one that was `uploaded`. Not repeatable: a second time it is there twice."""

    def defects(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the ids (Cloud) or keys (Server/DC) of the defects that are linked to a run."""

    def add_defect(self, execution: StoredExecution, run: StoredRun, key: str) -> None:
        """Link a defect to a run; once linked, nothing changes."""

    def add_environments(self, execution: StoredExecution, names: Sequence[str]) -> None:
        """Give a Test Execution Test Environments, made where they are not there; once given, nothing changes."""

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan, by the plan's key; once linked, nothing changes.

        Its Tests are not added (A).
        """

    def plan_tests(self, plan: str, tests: Sequence[str]) -> None:
        """Add Tests to a Test Plan, all by their keys; once there, nothing changes."""


def empty_execution(
    *,
    project: str,
    summary: str,
    labels: Sequence[str] = (),
    description: str = "",
    fix_version: str | None = None,
    fields: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, object]:
    """Return the create-issue fields of a Test Execution; `fields` are the user's, and win over ours.

    The description is plain text, which REST 2 and GraphQL take.
    """
    made: dict[str, object] = {"project": {"key": project}, "summary": summary, "issuetype": {"name": "Test Execution"}}
    made |= {"labels": list(labels)} if labels else {}
    made |= {"description": description} if description else {}
    made |= {"fixVersions": [{"name": fix_version}]} if fix_version else {}
    return made | dict(fields)


def unknown(key: str, kind: str) -> UnknownIssue:
    """Return the failure of an issue that should be of a type."""
    return UnknownIssue(f"{key} is no {kind}, or these credentials do not see it", service="Xray")


def is_done(fields: Mapping[str, Any]) -> bool:
    """Say whether the fields of an issue have a status of the category `done`, which every workflow has (D)."""
    status = fields.get("status")
    category = status.get("statusCategory") if isinstance(status, dict) else None
    return isinstance(category, dict) and category.get("key") == "done"


def moment(value: object) -> float | None:
    """Return a time as Jira writes it in seconds since the epoch; None for what is none."""
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def text_or_none(value: object) -> str | None:
    """Return a text that is not empty, None for everything else that a service may say."""
    return value if isinstance(value, str) and value else None
