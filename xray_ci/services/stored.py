"""JQL, made of values that came from anywhere. Pure: knows quoting and words of JQL, no service.

A value always travels inside quotes with what could end them escaped; names of fields and types come from here only.

What Xray holds, in the words both products share: Tests, Test Executions, Test Runs, and who can be asked for them.

Values and one protocol; asks nobody.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from xray_ci.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
    """Return what `ask` finds for those of the keys that exist.

    Jira refuses JQL with keys that do not exist and names them, in whatever language (R): those are left out and the
    rest is asked for again. Raises the refusal when it names none of the keys.
    """
    left = [key for key in dict.fromkeys(keys) if KEY.fullmatch(key)]
    while left:
        try:
            return tuple(ask(keyed(left)))
        except Refused as refusal:
            named = set(KEY.findall(refusal.answer or ""))
            rest = [key for key in left if key not in named]
            if len(rest) == len(left):
                raise
            left = rest
    return ()


PAGE: Final = 100
"""Items asked for at a time: the most that GraphQL gives (D)."""
KEY: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}(?![A-Za-z0-9_-])")
"""The only keys that enter a path or JQL."""
NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
"""An issue id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingTest:
    """One Test of a project."""

    key: str
    test_type: str
    """Its name on this site, for example `Generic`; empty where Jira says none."""
    definition: str | None
    """Of a Generic Test; None for others, and where it is empty."""
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExecution:
    """One Test Execution. Cloud's GraphQL takes the id, everything else the key."""

    id: str
    key: str

    @property
    def age(self) -> int:
        """A number that grows with each issue made: the lowest is the oldest."""
        return int(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One Test Run."""

    test: str
    """Key of the Test."""
    status: str
    """In the words of the product."""
    id: str | None = None
    """None where the list does not say it: Server/DC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """One file for a Test Run."""

    filename: str
    content_type: str
    data: tuple[bytes | Slice, ...] = field(repr=False)
    """Base64 text, in pieces that may lie on disk."""


class Store(Protocol):
    """Xray as it stands, on either product. Every method raises the failure that an outcome is.

    Refused is a clear no. What may have been done all the same is UnknownDelivery. A lookup that fails in any way is
    never an empty answer. What JQL finds may lag behind what is stored; what is asked for by id or key does not (O).
    """

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project, in a stable order."""

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key; None when there is no issue of that key and type."""

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the Test Executions that JQL finds."""

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, each once."""

    def create_execution(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an empty Test Execution of Jira's create-issue fields. Not repeatable."""

    def delete_execution(self, execution: StoredExecution) -> bool:
        """Delete a Test Execution; False when it is not there (any more)."""

    def evidence(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the file names of the Evidence of a run."""

    def add_evidence(self, execution: StoredExecution, run: StoredRun, evidence: EvidenceFile) -> None:
        """Add one file to a run. Not repeatable: a second time it is there twice."""

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan, by the plan's key; once linked, nothing changes.

        Its Tests are not added (A).
        """


def empty_execution(
    *, project: str, summary: str, labels: Sequence[str] = (), description: str = "", issue_type: str = "Test Execution"
) -> dict[str, object]:
    """Return the create-issue fields of a Test Execution.

    The description is plain text, which REST 2 and GraphQL take.
    """
    fields: dict[str, object] = {"project": {"key": project}, "summary": summary, "issuetype": {"name": issue_type}}
    return fields | ({"labels": list(labels)} if labels else {}) | ({"description": description} if description else {})


def text_or_none(value: object) -> str | None:
    """Return a text that is not empty, None for everything else that a service may say."""
    return value if isinstance(value, str) and value else None
