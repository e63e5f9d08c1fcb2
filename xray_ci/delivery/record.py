"""A plan as the first line of a journal holds it, and back: everything `resume` needs, and nothing secret.

What is read back is hostile input: every value is of its type and within its bounds, files are those that were sealed, and endpoints
are rows of our own table. Who it goes to is taken from the present settings; the caller compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import msgspec

from xray_ci.delivery.folder import JournalFault
from xray_ci.delivery.marker import TOKEN, Marker
from xray_ci.delivery.plan import Hole, Plan, PlannedBody, PlannedExecution, PlannedForm, PlannedImport, PlannedPart
from xray_ci.services.body import Slice
from xray_ci.services.stored import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.delivery.plan import PlannedPiece
    from xray_ci.deployments import Deployment, Endpoint

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


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    bodies: tuple[Body, ...]
    query: tuple[tuple[_Name, _Name | Key], ...] = ()
    execution: _Name | Key | None = None
    project: _Name | None = None
    tests: _Count | None = None
    reports: tuple[str, ...] = ()
    label: str | None = None
    tests_at: Stretch | None = None
    adding: Request | None = None


class Execution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole delivery, and where it was meant to go."""

    version: int
    made_by: _Name
    deployment: _Name
    host: _Name
    """Base URL of Xray without credentials."""
    executions: tuple[Execution, ...]
    failed: _Count = 0
    """Cases that failed, in the reports that it was made from."""


def recorded(plan: Plan, folder: Path, *, host: str, made_by: str, failed: int = 0) -> Run:
    """Return a plan as data; long texts go into the file `TEXTS` of the folder, so that the first line stays short.

    Raises ValueError when a stretch is not of a file in the folder, OSError when the texts cannot be written.
    """
    with (folder / TEXTS).open("xb") as texts:
        writer = _Writer(folder, texts)
        return Run(version=VERSION, made_by=made_by, deployment=plan.deployment.key, host=host,
                   executions=tuple(map(writer.execution, plan.executions)), failed=failed)


def restored(run: Run, deployment: Deployment, folder: Path, sizes: Mapping[str, int]) -> Plan:
    """Return the plan that was recorded; `sizes` are bytes of the sealed files by name. Raises JournalFault for what is not ours."""
    if run.version != VERSION:
        raise JournalFault(f"the journal is of version {run.version}, and this xray-ci reads {VERSION}",
                           advice=f"Resume with the release that wrote it ({run.made_by}).")
    return Plan(deployment=deployment, executions=tuple(_Reader(deployment, folder, sizes).execution(each) for each in run.executions))


class _Writer:
    """Turns a plan into data."""

    def __init__(self, folder: Path, texts: BinaryIO) -> None:
        self._folder = folder
        self._texts = texts

    def execution(self, execution: PlannedExecution) -> Execution:
        marker = execution.marker
        return Execution(
            id=execution.id, calls=tuple(map(self.request, execution.calls)), key=execution.key, project=execution.project,
            token=marker.token if marker else None, look=bool(marker and marker.look), race=bool(marker and marker.race),
            test_plan=execution.test_plan, blank=dict(execution.blank) if execution.blank is not None else None)

    def request(self, call: PlannedImport) -> Request:
        match call.body:
            case PlannedBody(content_type=content_type, pieces=pieces):
                bodies: tuple[Body, ...] = (Body(content_type=content_type, pieces=self.pieces(pieces)),)
            case PlannedForm(parts=parts):
                bodies = tuple(Body(content_type=part.content_type, name=part.name, filename=part.filename, pieces=self.pieces(part.pieces))
                               for part in parts)
        return Request(
            id=call.id, format=call.endpoint.format, multipart=call.endpoint.multipart, bodies=bodies, project=call.project,
            tests=call.tests, query=tuple((name, _keyed(value)) for name, value in call.query), reports=call.reports[:_REPORTS],
            label=call.label, execution=None if call.execution is None else _keyed(call.execution),
            tests_at=self.stretch(call.tests_at) if call.tests_at else None, adding=self.request(call.adding) if call.adding else None)

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

    def execution(self, held: Execution) -> PlannedExecution:
        if held.token is not None and not TOKEN.fullmatch(held.token):
            raise _foreign("a marker")
        for key in (held.key, held.test_plan):
            if key is not None and not KEY.fullmatch(key):
                raise _foreign("an issue key")
        marker = Marker(token=held.token, look=held.look, race=held.race) if held.token is not None else None
        return PlannedExecution(id=held.id, calls=tuple(map(self.request, held.calls)), key=held.key, marker=marker, project=held.project,
                                test_plan=held.test_plan, blank=held.blank)

    def request(self, held: Request) -> PlannedImport:
        endpoint = self._endpoint(held)
        bodies = tuple(PlannedPart(name=body.name, filename=body.filename, content_type=body.content_type,
                                   pieces=tuple(map(self.piece, body.pieces))) for body in held.bodies)
        if not bodies or (held.adding is not None and held.adding.adding is not None):
            raise _foreign("a request")
        body = PlannedForm(parts=bodies) if bodies[0].name else PlannedBody(content_type=bodies[0].content_type, pieces=bodies[0].pieces)
        return PlannedImport(
            id=held.id, endpoint=endpoint, body=body, project=held.project, tests=held.tests, reports=held.reports, label=held.label,
            query=tuple((name, self.keyed(value)) for name, value in held.query),
            execution=None if held.execution is None else self.keyed(held.execution),
            tests_at=self.stretch(held.tests_at) if held.tests_at else None, adding=self.request(held.adding) if held.adding else None)

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
