"""What will be sent, as frozen objects: `plan` prints them and `send` sends the same ones.

Pure: no network, no clock, no random, no look into files. Knows endpoints, bodies on disk and what each path can
carry; knows nothing of settings' names beyond those in its notices, and nothing of cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from xray_ci.services.body import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xray_ci.delivery.marker import Marker
    from xray_ci.deployments import Deployment, Endpoint


@dataclass(frozen=True, slots=True)
class Hole:
    """What only an answer brings, the key of a Test Execution; filled while sending."""

    call: str
    """Id of the request that creates it."""

    def __str__(self) -> str:
        """Return it in words, for people."""
        return f"the Test Execution that {self.call} creates"


PlannedPiece: TypeAlias = bytes | Slice | Hole
"""A hole stands for a whole JSON string, quotes included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where results go, from the settings; None and () where nothing is asked for."""

    deployment: Deployment
    project: str | None = None
    test_execution: str | None = None
    test_plan: str | None = None
    environments: tuple[str, ...] = ()
    fix_version: str | None = None
    revision: str | None = None
    summary: str | None = None
    """Only when asked for: what a path cannot carry of it is told in a notice."""
    description: str | None = None
    labels: tuple[str, ...] = ()
    fields: Mapping[str, object] | None = None
    test_fields: Mapping[str, object] | None = None

    @property
    def wants_form(self) -> bool:
        """Whether only the multipart path can carry what is asked for."""
        return bool(self.fields or self.labels) and self.test_execution is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPart:
    """One part of a form."""

    name: str
    filename: str
    content_type: str
    pieces: tuple[PlannedPiece, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBody:
    """A body that is one document."""

    content_type: str
    pieces: tuple[PlannedPiece, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedForm:
    """A body that is a form; its boundary is drawn while sending."""

    parts: tuple[PlannedPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImport:
    """One import request."""

    id: str
    """Stable within a plan: `import-1` and so on."""
    endpoint: Endpoint
    query: tuple[tuple[str, str | Hole], ...] = ()
    body: PlannedBody | PlannedForm
    execution: str | Hole | None
    """The Test Execution it adds to; None creates one."""
    project: str | None = None
    """Of a new Test Execution, as far as it is known."""
    tests: int | None = None
    """Results in it; None when the report was not counted."""
    reports: tuple[str, ...] = ()
    """Native reports in it, as they are shown."""
    label: str | None = None
    """What tells its Test Execution from others of the run, in words."""
    adding: PlannedImport | None = field(default=None, repr=False)
    """Of a request that creates: the same results for a Test Execution that turned out to be there already, its key a hole. None
    where the path cannot add."""
    tests_at: Slice | None = field(default=None, repr=False)
    """Of converted results: where its tests lie, JSON objects joined by commas."""

    @property
    def size(self) -> int:
        """Bytes of what is sent, without the frame of a form."""
        bodies = self.body.parts if isinstance(self.body, PlannedForm) else (self.body,)
        return sum(_size(piece) for body in bodies for piece in body.pieces)

    def describe(self) -> str:
        """Return one line that says what it does."""
        match self.execution:
            case None:
                does = "create a Test Execution" + (f" in {self.project}" if self.project else "") + (
                    f" for {self.label}" if self.label else "")
            case Hole():
                does = f"add to {self.execution}"
            case key:
                does = f"add to {key}"
        what = [] if self.tests is None else [f"{self.tests:,} {'result' if self.tests == 1 else 'results'}"]
        if self.reports:
            what.append(self.reports[0] if len(self.reports) == 1 else f"{len(self.reports):,} reports")
        what.append(f"{self.size:,} bytes")
        return f"{does}: {', '.join(what)}, POST {self.endpoint.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that was asked for and that a path cannot do."""

    text: str
    count: int = 1
    """Requests or reports it concerns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExecution:
    """One Test Execution: what finds it again, and the requests that fill it, in their order."""

    id: str
    """That of its first request."""
    calls: tuple[PlannedImport, ...]
    key: str | None = None
    """Of the existing one that the user named."""
    marker: Marker | None = None
    """What JQL finds it by; None where the user named one, or no request can carry a mark."""
    project: str | None = None
    test_plan: str | None = None
    blank: Mapping[str, object] | None = field(default=None, repr=False)
    """Jira fields of an empty one, for runs that may make it at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every request of a run, in the order in which they are sent."""

    deployment: Deployment
    executions: tuple[PlannedExecution, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def calls(self) -> tuple[PlannedImport, ...]:
        """The requests of all Test Executions."""
        return tuple(call for execution in self.executions for call in execution.calls)

    @property
    def tests(self) -> int:
        """Results in all requests, as far as they were counted."""
        return sum(call.tests or 0 for call in self.calls)

    @property
    def by_form(self) -> bool:
        """Whether a request takes the multipart path, so that its `info` part counts."""
        return any(call.endpoint.multipart for call in self.calls)

    def describe(self) -> tuple[str, ...]:
        """Return the lines that `plan` prints."""
        return tuple(f"{number}. {call.describe()}" for number, call in enumerate(self.calls, 1))


def joined(plans: Sequence[Plan]) -> Plan:
    """Return the plans of several Test Executions, each numbered on from the one before, as one; raises ValueError without any."""
    if not plans:
        raise ValueError("no plan")
    return Plan(deployment=plans[0].deployment, executions=tuple(each for plan in plans for each in plan.executions),
                notices=_summed(notice for plan in plans for notice in plan.notices))


def collected(notices: Iterable[str]) -> tuple[Notice, ...]:
    """Return equal notices as one with their count, in order of appearance."""
    return _summed(Notice(text=text) for text in notices)


def _summed(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    counts: dict[str, int] = {}
    for notice in notices:
        counts[notice.text] = counts.get(notice.text, 0) + notice.count
    return tuple(Notice(text=text, count=count) for text, count in counts.items())


def _size(piece: PlannedPiece) -> int:
    match piece:
        case Slice():
            return piece.length
        case Hole():
            return len('"ABC-12345"')
        case _:
            return len(piece)
