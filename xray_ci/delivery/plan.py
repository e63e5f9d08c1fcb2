"""What will be sent, as frozen objects: `plan` prints them, `send` sends them, and a journal keeps them as they are.

Pure: no network, no clock, no random, no look into files. Knows endpoints, bodies on disk and what each path can
carry; knows nothing of settings' names beyond those in its notices, and nothing of cases.

What is read back is unsafe input: every value is of its type and within its bounds, files are those that were sealed,
and endpoints are rows of our own table. Who it goes to is taken from the present settings; the caller compares.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # msgspec reads the types of a plan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xray_ci.delivery.marker import TOKEN, Marker
from xray_ci.deployments import (
    Deployment,  # noqa: TC001
    Endpoint,  # noqa: TC001  # msgspec reads the types of a plan
)
from xray_ci.safefiles import JournalFault
from xray_ci.services.body import Slice
from xray_ci.services.store import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
_Plain = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[ -~]*\Z")]
"""What goes into a header."""


class _Planned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a plan. It never shows what is sent: a body may hold a secret."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Hole(_Planned, frozen=True, kw_only=True, tag="key"):
    """What only an answer brings, the key of a Test Execution; filled while sending."""

    call: str
    """Id of the request that creates it."""
    sign: str = ""
    """What stands before the key in a piece: `@` where it is a tag."""

    def __str__(self) -> str:
        """Return it in words, for people."""
        return f"the Test Execution that {self.call} creates"


PlannedPiece: TypeAlias = bytes | Slice | Hole
"""A hole stands for a whole JSON string, quotes included."""


class ImportTarget(Struct, frozen=True, kw_only=True):
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
        """Whether only the multipart path can carry what is asked for: of one that exists, what is written to it."""
        if self.test_execution is not None:
            return bool(self.fields or self.labels or self.summary or self.description)
        return bool(self.fields or self.labels)


class PlannedPart(_Planned, frozen=True, kw_only=True):
    """One part of a form."""

    name: _Plain
    filename: _Plain
    content_type: _Plain
    pieces: tuple[PlannedPiece, ...]


class PlannedBody(_Planned, frozen=True, kw_only=True, tag="body"):
    """A body that is one document."""

    content_type: _Plain
    pieces: tuple[PlannedPiece, ...]


class PlannedForm(_Planned, frozen=True, kw_only=True, tag="form"):
    """A body that is a form; its boundary is drawn while sending."""

    parts: tuple[PlannedPart, ...]


class PlannedImport(_Planned, frozen=True, kw_only=True):
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
    tests: _Count | None = None
    """Results in it; None when the report was not counted."""
    reports: tuple[str, ...] = ()
    """Native reports in it, as they are shown."""
    label: str | None = None
    """What tells its Test Execution from others of the run, in words."""
    adding: PlannedImport | None = None
    """Of a request that creates: the same results for a Test Execution that turned out to be there already, its key a
    hole. None where the path cannot add."""
    tests_at: Slice | None = None
    """Of converted results: where its tests lie, JSON objects joined by commas."""
    expected_at: Slice | None = None
    """Of native reports: what Xray is to store of them, written as `tests_at` is; None where nobody knows."""

    @property
    def stored_at(self) -> Slice | None:
        """Where it is written what Xray is to store of it."""
        return self.tests_at or self.expected_at

    @property
    def size(self) -> int:
        """Bytes of what is sent, without the frame of a form."""
        bodies = self.body.parts if isinstance(self.body, PlannedForm) else (self.body,)
        return sum(_size(piece) for body in bodies for piece in body.pieces)

    def describe(self) -> str:
        """Return one line that says what it does."""
        match self.execution:
            case None:
                does = (
                    "create a Test Execution"
                    + (f" in {self.project}" if self.project else "")
                    + (f" for {self.label}" if self.label else "")
                )
            case Hole():
                does = f"add to {self.execution}"
            case key:
                does = f"add to {key}"
        what = [] if self.tests is None else [f"{self.tests:,} {'result' if self.tests == 1 else 'results'}"]
        if self.reports:
            what.append(self.reports[0] if len(self.reports) == 1 else f"{len(self.reports):,} reports")
        what.append(f"{self.size:,} bytes")
        return f"{does}: {', '.join(what)}, POST {self.endpoint.path}"


class PlanNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was asked for and that a path cannot do."""

    text: str
    count: int = 1
    """Requests or reports it concerns."""


class PlannedExecution(_Planned, frozen=True, kw_only=True):
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
    blank: Mapping[str, Any] | None = None
    """Jira fields of an empty one, for runs that may make it at the same moment."""


class Plan(_Planned, frozen=True, kw_only=True):
    """Every request of a run, in the order in which they are sent."""

    deployment: Deployment
    executions: tuple[PlannedExecution, ...]
    covered: tuple[tuple[str, str], ...] = ()
    """Keys of Tests, each with that of an issue that it covers: linked after the import, which cannot say it."""
    notices: tuple[PlanNotice, ...] = ()

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


def joined(plans: Sequence[Plan]) -> Plan:
    """Return the plans of several Test Executions, each numbered on from the one before, as one.

    Raises ValueError without any.
    """
    if not plans:
        raise ValueError("no plan")
    return Plan(
        deployment=plans[0].deployment,
        executions=tuple(each for plan in plans for each in plan.executions),
        covered=tuple(pair for plan in plans for pair in plan.covered),
        notices=_summed(notice for plan in plans for notice in plan.notices),
    )


def collected(notices: Iterable[str]) -> tuple[PlanNotice, ...]:
    """Return equal notices as one with their count, in order of appearance."""
    return _summed(PlanNotice(text=text) for text in notices)


def _summed(notices: Iterable[PlanNotice]) -> tuple[PlanNotice, ...]:
    counts: dict[str, int] = {}
    for notice in notices:
        counts[notice.text] = counts.get(notice.text, 0) + notice.count
    return tuple(PlanNotice(text=text, count=count) for text, count in counts.items())


def _size(piece: PlannedPiece) -> int:
    match piece:
        case Slice():
            return piece.length
        case Hole():
            return len('"ABC-12345"')
        case _:
            return len(piece)


VERSION: Final = 2


class KeptPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as a journal holds it, and where it was meant to go: all that `resume` needs, and nothing secret."""

    version: int
    made_by: str
    deployment: str
    host: str
    """Base URL of Xray without credentials."""
    executions: tuple[PlannedExecution, ...]
    covered: tuple[tuple[str, str], ...] = ()
    failed: _Count = 0
    """Cases that failed, in the reports that it was made from."""
    run: str = ""
    """Digest of what tells a run from others: its reports, where they go, and the CI system's own id."""

    def written(self, folder: Path) -> bytes:
        """Return it as JSON; raises ValueError when a stretch is not of a file in the folder."""

        def name(value: object) -> str:
            if isinstance(value, Path) and value.parent == folder:
                return value.name
            raise ValueError(f"{getattr(value, 'name', value)} does not lie beside the journal")

        return msgspec.json.encode(self, enc_hook=name)

    def plan(self, deployment: Deployment, files: Mapping[str, Slice]) -> Plan:
        """Return the plan, reading from the sealed files of the folder; raises JournalFault for what is not ours."""
        if self.version != VERSION:
            raise JournalFault(
                f"the plan in the journal is of version {self.version}, and this xray-ci reads {VERSION}",
                advice=f"Resume with the release that wrote it ({self.made_by[:100]}).",
            )
        made = Plan(deployment=deployment, executions=self.executions, covered=self.covered)
        for those in (made.executions, made.calls):
            if len({each.id for each in those}) != len(those):
                raise _not_ours("one id twice")
        return bound(made, files)


def kept_plan(folder: Path) -> msgspec.json.Decoder[KeptPlan]:
    """Return what reads a plan of that folder."""
    return msgspec.json.Decoder(KeptPlan, dec_hook=lambda _, name: folder / str(name))


def bound(plan: Plan, files: Mapping[str, Slice]) -> Plan:
    """Return the plan with every stretch in one of the files, each given whole by its name.

    Raises JournalFault for what lies in none of them, and for marks, keys and endpoints that are not ours.
    """
    for each in plan.executions:
        marks = (each.marker.token, each.marker.line) if each.marker is not None else ()
        if not all(mark is None or TOKEN.fullmatch(mark) for mark in marks):
            raise _not_ours("a marker")
        if any(key is not None and not KEY.fullmatch(key) for key in (each.key, each.test_plan)):
            raise _not_ours("an issue key")
        for call in each.calls:
            if call.adding is not None and call.adding.adding is not None:
                raise _not_ours("a request")
            if any(made.endpoint not in plan.deployment.endpoints for made in (call, call.adding) if made is not None):
                raise _not_ours("an endpoint")
    if not all(KEY.fullmatch(key) for pair in plan.covered for key in pair):
        raise _not_ours("an issue key")
    binder = _Binder(files)
    return Plan(
        deployment=plan.deployment,
        executions=tuple(replace(each, calls=tuple(map(binder.request, each.calls))) for each in plan.executions),
        covered=plan.covered,
        notices=plan.notices,
    )


class _Binder:
    """Finds every stretch of a plan in files that are open."""

    def __init__(self, files: Mapping[str, Slice]) -> None:
        self._files = files

    def request(self, call: PlannedImport) -> PlannedImport:
        match call.body:
            case PlannedBody() as whole:
                body: PlannedBody | PlannedForm = replace(whole, pieces=self._pieces(whole.pieces))
            case PlannedForm(parts=parts):
                body = PlannedForm(parts=tuple(replace(part, pieces=self._pieces(part.pieces)) for part in parts))
        return replace(
            call,
            body=body,
            adding=None if call.adding is None else self.request(call.adding),
            tests_at=None if call.tests_at is None else self._stretch(call.tests_at),
            expected_at=None if call.expected_at is None else self._stretch(call.expected_at),
        )

    def _pieces(self, those: tuple[PlannedPiece, ...]) -> tuple[PlannedPiece, ...]:
        return tuple(self._stretch(piece) if isinstance(piece, Slice) else piece for piece in those)

    def _stretch(self, piece: Slice) -> Slice:
        whole = self._files.get(piece.path.name)
        if whole is None or piece.place is not None or piece.offset + piece.length > whole.length:
            raise _not_ours("a stretch of a file")
        return whole.part(piece.offset, piece.length)


def _not_ours(what: str) -> JournalFault:
    return JournalFault(f"the journal holds {what} that xray-ci never wrote")
