"""Both plans of a run: converted to Xray JSON, and natively, each report to the endpoint of its format.

Converted, the first request creates the Test Execution and the rest goes to its key. Natively it is one Test Execution
as far as the paths allow it; the reports were made ready by `prepare`.

Pure. Knows the envelope around batches that lie on disk, and which path carries what; `info` comes ready made.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from xray_ci.delivery.plan import (
    Hole,
    Plan,
    PlannedBody,
    PlannedExecution,
    PlannedForm,
    PlannedImport,
    PlannedPart,
    collected,
)
from xray_ci.deployments import JSON_FORMATS, BodyKind
from xray_ci.errors import ConfigurationError
from xray_ci.services.body import Slice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xray_ci.delivery.marker import Marker
    from xray_ci.delivery.plan import ImportTarget, PlannedPiece
    from xray_ci.deployments import Deployment, Endpoint


_JSON: Final = "application/json"


class BatchOnDisk(Struct, frozen=True, kw_only=True):
    """The tests of one request on disk: JSON objects joined by commas, without the brackets of their list."""

    path: Path
    offset: int
    length: int
    tests: int


class MarkerLookup(Struct, frozen=True, kw_only=True):
    """How a Test Execution is found again, and what is asked of one that was found."""

    marker: Marker
    blank: Mapping[str, object]
    """Jira fields of an empty one."""
    adding: Mapping[str, object] | None = None
    """`info` of the first request to one that is there already."""
    writing: Mapping[str, object] | None = None
    """The part `info` of that request, where it writes fields of that one; then `adding` does not count."""


def convert(
    target: ImportTarget,
    batches: Sequence[BatchOnDisk],
    *,
    info: Mapping[str, object] | None,
    form_info: Mapping[str, object] | None = None,
    first: int = 1,
    label: str | None = None,
    mark: MarkerLookup | None = None,
) -> Plan:
    """Return the plan of one Test Execution's converted results; its requests are numbered from `first`.

    `label` tells it from other Test Executions of the run. `info` is the object of that name in Xray JSON, `form_info`
    the whole `info` part of the multipart path; the latter is needed when the target wants the form; what neither could
    carry was told by who made them; both carry the mark already. The multipart path writes fields of an existing Test
    Execution, too, whose key the results name (O). No batch, no request.
    """
    if not batches:
        return Plan(deployment=target.deployment, executions=())
    calls: list[PlannedImport] = []
    created = Hole(call=f"import-{first}")
    for number, batch in enumerate(batches, first):
        if number > first:
            calls.append(_plain(target, batch, number, _later_info(target), target.test_execution or created))
            continue
        named = target.test_execution
        call = (
            _form(target, batch, number, form_info, named)
            if target.wants_form and form_info is not None
            else _plain(target, batch, number, info, named)
        )
        if named is None:
            adding = (
                _form(target, batch, number, mark.writing, created)
                if mark and mark.writing is not None
                else _plain(target, batch, number, mark.adding if mark else _later_info(target), created)
            )
            call = replace(call, adding=adding)
        calls.append(call)
    execution = PlannedExecution(
        id=calls[0].id,
        calls=tuple(replace(call, label=label) for call in calls),
        key=target.test_execution,
        project=target.project,
        test_plan=target.test_plan,
        marker=mark.marker if mark else None,
        blank=mark.blank if mark else None,
    )
    return Plan(deployment=target.deployment, executions=(execution,))


def row(deployment: Deployment, name: str, *, multipart: bool) -> Endpoint:
    """Return an endpoint that the table must have; raises KeyError where it has none."""
    found = deployment.endpoint(name, multipart=multipart)
    if found is None:
        raise KeyError(name)
    return found


def document(value: Mapping[str, object]) -> bytes:
    """Return a JSON object as it travels."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _later_info(target: ImportTarget) -> Mapping[str, object] | None:
    """Return the `info` of a later batch.

    The plan, so that Tests that only this batch brings are added to it as well.
    """
    return {"testPlanKey": target.test_plan} if target.test_plan else None


def _plain(
    target: ImportTarget,
    batch: BatchOnDisk,
    number: int,
    info: Mapping[str, object] | None,
    execution: str | Hole | None,
) -> PlannedImport:
    pieces = _opened(execution)
    if info:
        pieces += [b'"info":', document(info), b","]
    pieces += _tests(batch)
    return PlannedImport(
        id=f"import-{number}",
        endpoint=row(target.deployment, "xray-json", multipart=False),
        body=PlannedBody(content_type=_JSON, pieces=tuple(pieces)),
        execution=execution,
        project=target.project,
        tests=batch.tests,
        tests_at=_at(batch),
    )


def _opened(execution: str | Hole | None) -> list[PlannedPiece]:
    """Return the beginning of Xray JSON, with the key of the Test Execution it is for."""
    if execution is None:
        return [b"{"]
    key = execution if isinstance(execution, Hole) else json.dumps(execution).encode()
    return [b'{"testExecutionKey":', key, b","]


def _form(
    target: ImportTarget, batch: BatchOnDisk, number: int, form_info: Mapping[str, object], execution: str | Hole | None
) -> PlannedImport:
    endpoint = row(target.deployment, "xray-json", multipart=True)
    parts = (
        PlannedPart(name="info", filename="info.json", content_type=_JSON, pieces=(document(form_info),)),
        PlannedPart(
            name=endpoint.report_part or "results",
            filename=endpoint.report_name,
            content_type=_JSON,
            pieces=(*_opened(execution), *_tests(batch)),
        ),
    )
    return PlannedImport(
        id=f"import-{number}",
        endpoint=endpoint,
        body=PlannedForm(parts=parts),
        execution=execution,
        project=target.project,
        tests=batch.tests,
        tests_at=_at(batch),
    )


def _tests(batch: BatchOnDisk) -> tuple[PlannedPiece, ...]:
    return b'"tests":[', _at(batch), b"]}"


def _at(batch: BatchOnDisk) -> Slice:
    return Slice(path=batch.path, offset=batch.offset, length=batch.length)


_MEDIA: Final = {"xml": "application/xml", "json": "application/json", "zip": "application/zip"}
_ONE_AFTER_THE_OTHER: Final = (
    "{} {} reports go one after the other: where they hold results of one Test, the last replaces the earlier "
    "(`strategy: convert` keeps the worst, or what `repeats` says)"
)
_LOST: Final = "`{}` is left out: {} cannot carry it"
_TAGGED: Final = "cucumber"
"""The format whose features can name the Test Execution they go into, by their first tag (O)."""
_ONLY_CREATES: Final = ("behave", "bundle")
"""Formats that no way is known for into an existing Test Execution."""


class NativeFile(Struct, frozen=True, kw_only=True):
    """One body for one endpoint: a report, or several merged into one."""

    format: str
    """Name of the endpoint."""
    shown: tuple[str, ...]
    """The reports in it."""
    pieces: tuple[bytes | Slice, ...]
    tests: int | None = None
    tags: tuple[tuple[int, bool], ...] = ()
    """Of Cucumber, whose only piece is a stretch of a file: where the tags of each feature begin in it, and whether it
    has any."""
    expected: Slice | None = None
    """What Xray is to store of it, JSON objects as Xray JSON has them; None where nobody knows."""

    @property
    def addable(self) -> bool:
        """Whether it can go into a Test Execution that is there already."""
        return bool(self.tags) if self.format == _TAGGED else self.format not in _ONLY_CREATES


def native(
    target: ImportTarget,
    files: Sequence[NativeFile],
    *,
    form_info: Mapping[str, object] | None = None,
    first: int = 1,
    label: str | None = None,
    mark: MarkerLookup | None = None,
) -> Plan:
    """Return the plan of native reports.

    Requests are numbered from `first`, `label` tells the Test Execution from others of the run.

    `form_info` is the whole `info` part of the multipart path, with the mark in it; what it could not carry was told by
    who made it, and concerns this plan when `Plan.by_form` says so. What can only create goes first, and what follows
    goes to its key. Raises ConfigurationError for a format that the deployment has no endpoint for, and for
    combinations that cannot work.
    """
    _check(target, files)
    ordered = sorted(files, key=lambda file: (file.format == "bundle", file.addable))
    planner = _Planner(target, form_info, first, label, mark)
    for file in ordered:
        planner.add(file)
    creators = sum(call.execution is None for call in planner.calls)
    if creators > 1:
        planner.notices.append(
            f"{creators} Test Executions are created: these formats cannot be added to an existing one"
        )
    planner.notices += [
        _ONE_AFTER_THE_OTHER.format(count, name)
        for name, count in Counter(file.format for file in files).items()
        if count > 1 and name not in JSON_FORMATS
    ]
    return Plan(deployment=target.deployment, executions=planner.executions(), notices=collected(planner.notices))


def _check(target: ImportTarget, files: Sequence[NativeFile]) -> None:
    deployment = target.deployment
    for file in files:
        name = file.format
        plain = deployment.endpoint(name, multipart=False)
        if plain is None:
            raise ConfigurationError(
                f"{deployment.title} takes no native {name} reports",
                where="strategy",
                advice="Set `strategy: convert` (or leave it at auto).",
            )
        if target.test_execution and not file.addable:
            raise ConfigurationError(
                f"native {name} reports cannot be imported into an existing Test Execution",
                where="test-execution",
                advice="Set `strategy: convert`, or leave `test-execution` out.",
            )
        if plain.query and not (target.project or target.test_execution):
            raise ConfigurationError(
                f"native {name} reports need to know their project",
                where="project",
                advice="Set `project`, or `test-execution`.",
            )


class _Planner:
    """Adds one request after the other; the first that creates gives its key to those that follow."""

    def __init__(
        self,
        target: ImportTarget,
        form_info: Mapping[str, object] | None,
        first: int,
        label: str | None,
        mark: MarkerLookup | None,
    ) -> None:
        self._first = first
        self._label = label
        self.calls: list[PlannedImport] = []
        self.notices: list[str] = []
        self._target = target
        self._form_info = form_info
        self._mark = mark

    def add(self, file: NativeFile) -> None:
        number = self._first + len(self.calls)
        named = self._target.test_execution
        execution = named or (Hole(call=self.calls[0].id) if self.calls else None)
        if execution is not None and file.addable:
            call = self._adding(file, number, execution, self._form_info if named and not self.calls else None)
        else:
            call = self._creating(file, number)
            if file.addable:
                info = self._mark.writing if self._mark and not self.calls else None
                call = replace(call, adding=self._adding(file, number, Hole(call=f"import-{number}"), info))
        self._tell_lost(call, later=isinstance(call.execution, Hole))
        self.calls.append(call)

    def executions(self) -> tuple[PlannedExecution, ...]:
        """Return the requests by the Test Executions that they fill: those that cannot be added make one each."""
        creators = [call for call in self.calls if call.execution is None] or self.calls[:1]
        target = self._target
        found = []
        for creator in creators:
            # The mark is a label, which only a form carries; two Test Executions of one mark could not be told apart.
            mark = self._mark if creator is self.calls[0] and creator.endpoint.multipart else None
            found.append(
                PlannedExecution(
                    id=creator.id,
                    key=target.test_execution,
                    project=target.project,
                    test_plan=target.test_plan,
                    calls=tuple(call for call in self.calls if call is creator or _follows(call, creator)),
                    marker=mark.marker if mark else None,
                    blank=mark.blank if mark else None,
                )
            )
        return tuple(found)

    def _creating(self, file: NativeFile, number: int) -> PlannedImport:
        """Return a request that creates: by the multipart path where there is something only that one carries."""
        plain = row(self._target.deployment, file.format, multipart=False)
        form = self._target.deployment.endpoint(file.format, multipart=True)
        if form is not None and self._form_info is not None:
            return self._call(file, number, form, self._parts(form, self._form_info, file.pieces), None)
        return self._call(file, number, plain, _plain_body(file.pieces, plain), None)

    def _adding(
        self, file: NativeFile, number: int, execution: str | Hole, info: Mapping[str, object] | None
    ) -> PlannedImport:
        """Return a request that adds: XML by the query, Cucumber by the first tag of each feature.

        `info` is written to the Test Execution where a path does that (O).
        """
        plain = row(self._target.deployment, file.format, multipart=False)
        if file.format != _TAGGED:
            return self._call(file, number, plain, _plain_body(file.pieces, plain), execution)
        pieces = _tagged(file, execution)
        form = self._target.deployment.endpoint(file.format, multipart=True)
        if form is None or info is None:
            return self._call(file, number, plain, _plain_body(pieces, plain), execution)
        return self._call(file, number, form, self._parts(form, info, pieces), execution)

    def _call(
        self,
        file: NativeFile,
        number: int,
        endpoint: Endpoint,
        body: PlannedBody | PlannedForm,
        execution: str | Hole | None,
    ) -> PlannedImport:
        query = self._query(execution) if endpoint.query else ()
        return PlannedImport(
            id=f"import-{number}",
            label=self._label,
            endpoint=endpoint,
            query=query,
            body=body,
            execution=execution,
            project=self._target.project if endpoint.query or endpoint.multipart else None,
            tests=file.tests,
            reports=file.shown,
            expected_at=file.expected,
        )

    def _query(self, execution: str | Hole | None) -> tuple[tuple[str, str | Hole], ...]:
        target = self._target
        later = isinstance(execution, Hole) and bool(self.calls)
        pairs: tuple[tuple[str, str | Hole | None], ...] = (
            ("projectKey", target.project if execution is None else None),
            ("testExecKey", execution),
            # The plan with every request: Tests that only this one brings are added to it as well.
            ("testPlanKey", target.test_plan),
            ("testEnvironments", None if later else ";".join(target.environments)),
            ("revision", None if later else target.revision),
            ("fixVersion", None if later else target.fix_version),
        )
        return tuple((name, value) for name, value in pairs if value)

    def _parts(self, form: Endpoint, info: Mapping[str, object], pieces: Sequence[PlannedPiece]) -> PlannedForm:
        parts = [
            PlannedPart(name="info", filename="info.json", content_type=_JSON, pieces=(document(info),)),
            _report_part(pieces, form),
        ]
        if self._target.test_fields and form.test_info:
            parts.append(
                PlannedPart(
                    name="testInfo",
                    filename="testInfo.json",
                    content_type=_JSON,
                    pieces=(document(_test_info(self._target)),),
                )
            )
        return PlannedForm(parts=tuple(parts))

    def _tell_lost(self, call: PlannedImport, *, later: bool) -> None:
        """Tell what was asked for and is in no part of a request; a later one need not carry what the first does."""
        target, name = self._target, call.endpoint.format
        if call.endpoint.multipart:
            if target.test_fields and not call.endpoint.test_info:
                self.notices.append(_LOST.format("test-fields", f"the import of {name} reports"))
            return
        asked: dict[str, object] = {"test-fields": target.test_fields}
        if not later:
            asked |= {
                "summary": target.summary,
                "description": target.description,
                "labels": target.labels,
                "fields": target.fields,
            }
        if not call.endpoint.query and not later:
            asked |= {
                "project": target.project if call.execution is None else None,
                "test-plan": target.test_plan,
                "test-environments": target.environments,
                "revision": target.revision,
                "fix-version": target.fix_version,
            }
        path = f"the path for {name} reports" if call.execution is None else "a request to an existing Test Execution"
        self.notices += [_LOST.format(name, path) for name, value in asked.items() if value]


def _follows(call: PlannedImport, creator: PlannedImport) -> bool:
    return call.execution == Hole(call=creator.id) or (
        creator.execution is not None and call.execution == creator.execution
    )


def _tagged(file: NativeFile, execution: str | Hole) -> tuple[PlannedPiece, ...]:
    """Return Cucumber JSON whose features have the key of a Test Execution as their first tag."""
    (whole,) = file.pieces
    assert isinstance(whole, Slice)  # noqa: S101  # a file with tags is one stretch
    tag = Hole(call=execution.call, sign="@") if isinstance(execution, Hole) else json.dumps(f"@{execution}").encode()
    pieces: list[PlannedPiece] = []
    start = 0
    for at, more in file.tags:
        stretch = replace(whole, offset=whole.offset + start, length=at - start)
        pieces += [stretch, b'{"name":', tag, b',"line":1}' + b"," * more]
        start = at
    return (*pieces, replace(whole, offset=whole.offset + start, length=whole.length - start))


def _test_info(target: ImportTarget) -> Mapping[str, object]:
    """Return the part `testInfo`: fields of new Tests, with the project as clients send it (O)."""
    fields = dict(target.test_fields or {})
    inner = fields.pop("fields", fields)
    known = dict(inner) if isinstance(inner, dict) else {}
    if target.project:
        known.setdefault("project", {"key": target.project})
    rest = fields if inner is not fields else {}
    return {"fields": known, **rest}


def _plain_body(pieces: Sequence[PlannedPiece], endpoint: Endpoint) -> PlannedBody | PlannedForm:
    if endpoint.body is BodyKind.FORM:
        return PlannedForm(parts=(_report_part(pieces, endpoint),))
    return PlannedBody(content_type=endpoint.body.value, pieces=tuple(pieces))


def _report_part(pieces: Sequence[PlannedPiece], endpoint: Endpoint) -> PlannedPart:
    suffix = endpoint.report_name.rpartition(".")[2]
    return PlannedPart(
        name=endpoint.report_part or "file",
        filename=endpoint.report_name,
        content_type=_MEDIA[suffix],
        pieces=tuple(pieces),
    )


def endpoints_of(deployment: Deployment) -> tuple[str, ...]:
    """Return the formats that a deployment takes natively, Xray's own left out."""
    return tuple(dict.fromkeys(known.format for known in deployment.endpoints if known.format != "xray-json"))
