"""What will be sent, as frozen objects: `plan` prints them and `send` sends the same ones.

Pure: no network, no clock, no random, no look into files. Knows endpoints, bodies on disk and what each path can
carry; knows nothing of settings' names beyond those in its notices, and nothing of cases.

A plan as the first line of a journal holds it, and back: everything `resume` needs, and nothing secret.

What is read back is hostile input: every value is of its type and within its bounds, files are those that were sealed,
and endpoints are rows of our own table. Who it goes to is taken from the present settings; the caller compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, TypeAlias

import msgspec

from xray_ci.delivery.marker import TOKEN, Marker
from xray_ci.safefiles import JournalFault
from xray_ci.services.body import Slice
from xray_ci.services.stored import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

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
class ImportTarget:
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
    """Of a request that creates: the same results for a Test Execution that turned out to be there already, its key a
    hole. None where the path cannot add."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNotice:
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

    def describe(self) -> tuple[str, ...]:
        """Return the lines that `plan` prints."""
        return tuple(f"{number}. {call.describe()}" for number, call in enumerate(self.calls, 1))


def joined(plans: Sequence[Plan]) -> Plan:
    """Return the plans of several Test Executions, each numbered on from the one before, as one.

    Raises ValueError without any.
    """
    if not plans:
        raise ValueError("no plan")
    return Plan(
        deployment=plans[0].deployment,
        executions=tuple(each for plan in plans for each in plan.executions),
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


VERSION: Final = 1
TEXTS: Final = "texts"
_SHORT: Final = 100
"""Bytes of a text that stands in the first line itself."""
_REPORTS: Final = 20
"""Reports of a request that are remembered by name."""
_Name = Annotated[str, msgspec.Meta(max_length=2_000)]
_Plain = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[ -~]*\Z")]
"""What goes into a header."""
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]


class Stretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="file"):
    """Bytes of a file beside the journal."""

    name: _Name
    offset: _Count
    length: _Count


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="text"):
    """Bytes that stand here."""

    data: bytes


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="key"):
    """The key that a request brings."""

    call: _Name


Piece = Stretch | Text | Key


class RecordedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body, or one part of a form."""

    content_type: _Plain
    pieces: tuple[Piece, ...]
    name: _Plain = ""
    filename: _Plain = ""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One import."""

    id: _Name
    format: _Name
    multipart: bool
    bodies: tuple[RecordedBody, ...]
    query: tuple[tuple[_Name, _Name | Key], ...] = ()
    execution: _Name | Key | None = None
    project: _Name | None = None
    tests: _Count | None = None
    reports: tuple[str, ...] = ()
    label: str | None = None
    tests_at: Stretch | None = None
    adding: Request | None = None


class RecordedExecution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Test Execution."""

    id: _Name
    calls: tuple[Request, ...]
    key: _Name | None = None
    token: _Name | None = None
    look: bool = False
    race: bool = False
    project: _Name | None = None
    test_plan: _Name | None = None
    blank: dict[str, Any] | None = None


class RecordedRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole delivery, and where it was meant to go."""

    version: int
    made_by: _Name
    deployment: _Name
    host: _Name
    """Base URL of Xray without credentials."""
    executions: tuple[RecordedExecution, ...]
    failed: _Count = 0
    """Cases that failed, in the reports that it was made from."""


def recorded(plan: Plan, folder: Path, *, host: str, made_by: str, failed: int = 0) -> RecordedRun:
    """Return a plan as data; long texts go into the file `TEXTS` of the folder, so that the first line stays short.

    Raises ValueError when a stretch is not of a file in the folder, OSError when the texts cannot be written.
    """
    with (folder / TEXTS).open("xb") as texts:
        writer = _Writer(folder, texts)
        return RecordedRun(
            version=VERSION,
            made_by=made_by,
            deployment=plan.deployment.key,
            host=host,
            executions=tuple(map(writer.execution, plan.executions)),
            failed=failed,
        )


def restored(run: RecordedRun, deployment: Deployment, folder: Path, sizes: Mapping[str, int]) -> Plan:
    """Return the plan that was recorded; `sizes` are bytes of the sealed files by name.

    Raises JournalFault for what is not ours.
    """
    if run.version != VERSION:
        raise JournalFault(
            f"the journal is of version {run.version}, and this xray-ci reads {VERSION}",
            advice=f"Resume with the release that wrote it ({run.made_by}).",
        )
    return Plan(
        deployment=deployment,
        executions=tuple(_Reader(deployment, folder, sizes).execution(each) for each in run.executions),
    )


class _Writer:
    """Turns a plan into data."""

    def __init__(self, folder: Path, texts: BinaryIO) -> None:
        self._folder = folder
        self._texts = texts

    def execution(self, execution: PlannedExecution) -> RecordedExecution:
        marker = execution.marker
        return RecordedExecution(
            id=execution.id,
            calls=tuple(map(self.request, execution.calls)),
            key=execution.key,
            project=execution.project,
            token=marker.token if marker else None,
            look=bool(marker and marker.look),
            race=bool(marker and marker.race),
            test_plan=execution.test_plan,
            blank=dict(execution.blank) if execution.blank is not None else None,
        )

    def request(self, call: PlannedImport) -> Request:
        match call.body:
            case PlannedBody(content_type=content_type, pieces=pieces):
                bodies: tuple[RecordedBody, ...] = (
                    RecordedBody(content_type=content_type, pieces=self.pieces(pieces)),
                )
            case PlannedForm(parts=parts):
                bodies = tuple(
                    RecordedBody(
                        content_type=part.content_type,
                        name=part.name,
                        filename=part.filename,
                        pieces=self.pieces(part.pieces),
                    )
                    for part in parts
                )
        return Request(
            id=call.id,
            format=call.endpoint.format,
            multipart=call.endpoint.multipart,
            bodies=bodies,
            project=call.project,
            tests=call.tests,
            query=tuple((name, _keyed(value)) for name, value in call.query),
            reports=call.reports[:_REPORTS],
            label=call.label,
            execution=None if call.execution is None else _keyed(call.execution),
            tests_at=self.stretch(call.tests_at) if call.tests_at else None,
            adding=self.request(call.adding) if call.adding else None,
        )

    def pieces(self, pieces: tuple[PlannedPiece, ...]) -> tuple[Piece, ...]:
        return tuple(map(self.piece, pieces))

    def piece(self, piece: PlannedPiece) -> Piece:
        match piece:
            case Slice():
                return self.stretch(piece)
            case Hole(call=call):
                return Key(call=call)
            case _ if len(piece) <= _SHORT:
                return Text(data=piece)
            case _:
                offset = self._texts.tell()
                self._texts.write(piece)
                return Stretch(name=TEXTS, offset=offset, length=len(piece))

    def stretch(self, piece: Slice) -> Stretch:
        if piece.path.parent != self._folder:
            raise ValueError(f"{piece.path.name} does not lie beside the journal")
        return Stretch(name=piece.path.name, offset=piece.offset, length=piece.length)


def _keyed(value: str | Hole) -> str | Key:
    return Key(call=value.call) if isinstance(value, Hole) else value


class _Reader:
    """Reads a plan back."""

    def __init__(self, deployment: Deployment, folder: Path, sizes: Mapping[str, int]) -> None:
        self._deployment = deployment
        self._folder = folder
        self._sizes = sizes

    def execution(self, held: RecordedExecution) -> PlannedExecution:
        if held.token is not None and not TOKEN.fullmatch(held.token):
            raise _foreign("a marker")
        for key in (held.key, held.test_plan):
            if key is not None and not KEY.fullmatch(key):
                raise _foreign("an issue key")
        marker = Marker(token=held.token, look=held.look, race=held.race) if held.token is not None else None
        return PlannedExecution(
            id=held.id,
            calls=tuple(map(self.request, held.calls)),
            key=held.key,
            marker=marker,
            project=held.project,
            test_plan=held.test_plan,
            blank=held.blank,
        )

    def request(self, held: Request) -> PlannedImport:
        endpoint = self._endpoint(held)
        bodies = tuple(
            PlannedPart(
                name=body.name,
                filename=body.filename,
                content_type=body.content_type,
                pieces=tuple(map(self.piece, body.pieces)),
            )
            for body in held.bodies
        )
        if not bodies or (held.adding is not None and held.adding.adding is not None):
            raise _foreign("a request")
        body = (
            PlannedForm(parts=bodies)
            if bodies[0].name
            else PlannedBody(content_type=bodies[0].content_type, pieces=bodies[0].pieces)
        )
        return PlannedImport(
            id=held.id,
            endpoint=endpoint,
            body=body,
            project=held.project,
            tests=held.tests,
            reports=held.reports,
            label=held.label,
            query=tuple((name, self.keyed(value)) for name, value in held.query),
            execution=None if held.execution is None else self.keyed(held.execution),
            tests_at=self.stretch(held.tests_at) if held.tests_at else None,
            adding=self.request(held.adding) if held.adding else None,
        )

    def _endpoint(self, held: Request) -> Endpoint:
        found = self._deployment.endpoint(held.format, multipart=held.multipart)
        if found is None:
            raise _foreign("an endpoint")
        return found

    def keyed(self, value: str | Key) -> str | Hole:
        return Hole(value.call) if isinstance(value, Key) else value

    def piece(self, held: Piece) -> PlannedPiece:
        match held:
            case Stretch():
                return self.stretch(held)
            case Key(call=call):
                return Hole(call)
            case Text(data=data):
                return data

    def stretch(self, held: Stretch) -> Slice:
        size = self._sizes.get(held.name)
        if size is None or held.offset + held.length > size:
            raise _foreign("a stretch of a file")
        return Slice(path=self._folder / held.name, offset=held.offset, length=held.length)


def _foreign(what: str) -> JournalFault:
    return JournalFault(f"the journal holds {what} that xray-ci never wrote")
