"""The plan of a run whose reports go to their own endpoints: one Test Execution as far as the paths allow it.

Pure. Knows which path carries what; the reports were made ready by `prepare`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xray_ci.delivery.converted import document, row
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xray_ci.delivery.plan import Target
    from xray_ci.deployments import Deployment, Endpoint
    from xray_ci.services.body import Slice

_MEDIA: Final = {"xml": "application/xml", "json": "application/json", "zip": "application/zip"}
_ONE_AFTER_THE_OTHER: Final = (
    "{} {} reports go one after the other: where they hold results of one Test, the last replaces the earlier "
    "(`strategy: convert` keeps the worst, or what `repeats` says)")
_LOST: Final = "`{}` is left out: {} cannot carry it"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFile:
    """One body for one endpoint: a report, or several merged into one."""

    format: str
    """Name of the endpoint."""
    shown: tuple[str, ...]
    """The reports in it."""
    pieces: tuple[bytes | Slice, ...]
    tests: int | None = None


def native(target: Target, files: Sequence[NativeFile], *, form_info: Mapping[str, object] | None = None, first: int = 1,
           label: str | None = None) -> Plan:
    """Return the plan of native reports; requests are numbered from `first`, `label` tells the Test Execution from others of the run.

    `form_info` is the whole `info` part of the multipart path; what it could not carry was told by who made it, and concerns
    this plan when `Plan.by_form` says so. JSON formats go first: they always create, and what follows can go to their key.
    Raises ConfigurationError for a format that the deployment has no endpoint for, and for combinations that cannot work.
    """
    _check(target, files)
    ordered = sorted(files, key=lambda file: file.format not in JSON_FORMATS)
    planner = _Planner(target, form_info, first, label)
    for file in ordered:
        planner.add(file)
    creators = sum(call.execution is None for call in planner.calls)
    if creators > 1:
        planner.notices.append(f"{creators} Test Executions are created: these formats cannot be added to an existing one")
    planner.notices += [_ONE_AFTER_THE_OTHER.format(count, name) for name, count in Counter(file.format for file in files).items()
                        if count > 1 and name not in JSON_FORMATS]
    return Plan(deployment=target.deployment, executions=planner.executions(), notices=collected(planner.notices))


def _check(target: Target, files: Sequence[NativeFile]) -> None:
    deployment = target.deployment
    for name in dict.fromkeys(file.format for file in files):
        plain = deployment.endpoint(name, multipart=False)
        if plain is None:
            raise ConfigurationError(f"{deployment.title} takes no native {name} reports", where="strategy",
                                     advice="Set `strategy: convert` (or leave it at auto).")
        if target.test_execution and not plain.query:
            raise ConfigurationError(f"native {name} reports cannot be imported into an existing Test Execution",
                                     where="test-execution",
                                     advice="Set `strategy: convert`, or leave `test-execution` out.")
        if plain.query and not (target.project or target.test_execution):
            raise ConfigurationError(f"native {name} reports need to know their project", where="project",
                                     advice="Set `project`, or `test-execution`.")


class _Planner:
    """Adds one request after the other; the first that creates gives its key to those that follow."""

    def __init__(self, target: Target, form_info: Mapping[str, object] | None, first: int, label: str | None) -> None:
        self._first = first
        self._label = label
        self.calls: list[PlannedImport] = []
        self.notices: list[str] = []
        self._target = target
        self._form_info = form_info

    def add(self, file: NativeFile) -> None:
        plain = row(self._target.deployment, file.format, multipart=False)
        form = self._target.deployment.endpoint(file.format, multipart=True)
        execution = self._execution(plain)
        if execution is None and form is not None and self._form_info is not None and self._wants_form(file.format):
            self._add(file, form, self._parts(file, form), None)
            self._tell_lost_by_form(file.format)
        else:
            self._add(file, plain, _plain_body(file, plain), execution)
            self._tell_lost_by_plain(plain, execution)

    def executions(self) -> tuple[PlannedExecution, ...]:
        """Return the requests by the Test Executions that they fill: those that cannot be added make one each."""
        creators = [call for call in self.calls if call.execution is None] or self.calls[:1]
        target = self._target
        return tuple(PlannedExecution(
            id=creator.id, key=target.test_execution, project=target.project, test_plan=target.test_plan,
            calls=tuple(call for call in self.calls if call is creator or _follows(call, creator))) for creator in creators)

    def _execution(self, plain: Endpoint) -> str | Hole | None:
        if not plain.query:
            return None
        return self._target.test_execution or (Hole(self.calls[0].id) if self.calls else None)

    def _wants_form(self, name: str) -> bool:
        """Return whether the multipart path is needed; for JSON it is: their plain path knows not even a project."""
        return name in JSON_FORMATS or self._target.wants_form or bool(self._target.test_fields)

    def _add(self, file: NativeFile, endpoint: Endpoint, body: PlannedBody | PlannedForm,
             execution: str | Hole | None) -> None:
        query = self._query(execution) if endpoint.query else ()
        self.calls.append(PlannedImport(
            id=f"import-{self._first + len(self.calls)}", label=self._label, endpoint=endpoint, query=query, body=body, execution=execution,
            project=self._target.project if endpoint.query or endpoint.multipart else None, tests=file.tests,
            reports=file.shown))

    def _query(self, execution: str | Hole | None) -> tuple[tuple[str, str | Hole], ...]:
        target = self._target
        later = isinstance(execution, Hole)
        pairs: tuple[tuple[str, str | Hole | None], ...] = (
            ("projectKey", target.project if execution is None else None), ("testExecKey", execution),
            # The plan with every request: Tests that only this one brings are added to it as well.
            ("testPlanKey", target.test_plan),
            ("testEnvironments", None if later else ";".join(target.environments)),
            ("revision", None if later else target.revision), ("fixVersion", None if later else target.fix_version))
        return tuple((name, value) for name, value in pairs if value)

    def _parts(self, file: NativeFile, form: Endpoint) -> PlannedForm:
        info = self._form_info or {}
        parts = [PlannedPart(name="info", filename="info.json", content_type="application/json", pieces=(document(info),)),
                 _report_part(file, form)]
        if self._target.test_fields and form.test_info:
            parts.append(PlannedPart(name="testInfo", filename="testInfo.json", content_type="application/json",
                                     pieces=(document(_test_info(self._target)),)))
        return PlannedForm(parts=tuple(parts))

    def _tell_lost_by_form(self, name: str) -> None:
        if self._target.test_fields and name in JSON_FORMATS:
            self.notices.append(_LOST.format("test-fields", f"the import of {name} reports"))

    def _tell_lost_by_plain(self, plain: Endpoint, execution: str | Hole | None) -> None:
        target = self._target
        asked: dict[str, object] = {"test-fields": target.test_fields}
        if execution is None:
            asked |= {"summary": target.summary, "description": target.description, "labels": target.labels,
                      "fields": target.fields}
            if not plain.query:
                asked |= {"project": target.project, "test-plan": target.test_plan, "test-environments": target.environments,
                          "revision": target.revision, "fix-version": target.fix_version}
        path = f"the path for {plain.format} reports" if execution is None else "a request to an existing Test Execution"
        self.notices += [_LOST.format(name, path) for name, value in asked.items() if value]


def _follows(call: PlannedImport, creator: PlannedImport) -> bool:
    return call.execution == Hole(creator.id) or (creator.execution is not None and call.execution == creator.execution)


def _test_info(target: Target) -> Mapping[str, object]:
    """Return the part `testInfo`: fields of new Tests, with the project as clients send it (O)."""
    fields = dict(target.test_fields or {})
    inner = fields.pop("fields", fields)
    known = dict(inner) if isinstance(inner, dict) else {}
    if target.project:
        known.setdefault("project", {"key": target.project})
    rest = fields if inner is not fields else {}
    return {"fields": known, **rest}


def _plain_body(file: NativeFile, endpoint: Endpoint) -> PlannedBody | PlannedForm:
    if endpoint.body is BodyKind.FORM:
        return PlannedForm(parts=(_report_part(file, endpoint),))
    return PlannedBody(content_type=endpoint.body.value, pieces=file.pieces)


def _report_part(file: NativeFile, endpoint: Endpoint) -> PlannedPart:
    suffix = endpoint.report_name.rpartition(".")[2]
    return PlannedPart(name=endpoint.report_part or "file", filename=endpoint.report_name, content_type=_MEDIA[suffix],
                       pieces=file.pieces)


def endpoints_of(deployment: Deployment) -> tuple[str, ...]:
    """Return the formats that a deployment takes natively, Xray's own left out."""
    return tuple(dict.fromkeys(known.format for known in deployment.endpoints if known.format != "xray-json"))
