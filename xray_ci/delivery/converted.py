"""The plan of a run that was converted to Xray JSON: the first request creates, the rest goes to its key.

Pure. Knows the envelope of Xray JSON around batches that lie on disk; what is in `info` was made by who knows Xray's words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from xray_ci.delivery.plan import Hole, Plan, PlannedBody, PlannedExecution, PlannedForm, PlannedImport, PlannedPart
from xray_ci.services.body import Slice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xray_ci.delivery.marker import Marker
    from xray_ci.delivery.plan import PlannedPiece, Target
    from xray_ci.deployments import Deployment, Endpoint

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The tests of one request on disk: JSON objects joined by commas, without the brackets of their list."""

    path: Path
    offset: int
    length: int
    tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a Test Execution is found again, and what is asked of one that was found."""

    marker: Marker
    blank: Mapping[str, object]
    """Jira fields of an empty one."""
    adding: Mapping[str, object]
    """`info` of the first request to one that is there already."""


def convert(target: Target, batches: Sequence[Batch], *, info: Mapping[str, object] | None,
            form_info: Mapping[str, object] | None = None, first: int = 1, label: str | None = None,
            mark: Mark | None = None) -> Plan:
    """Return the plan of one Test Execution's converted results; its requests are numbered from `first`.

    `label` tells it from other Test Executions of the run. `info` is the object of that name in Xray JSON, `form_info` the whole
    `info` part of the multipart path; the latter is needed when the target wants fields or labels; what neither could carry was told by
    who made them; both carry the mark already. No batch, no request.
    """
    if not batches:
        return Plan(deployment=target.deployment, executions=())
    calls: list[PlannedImport] = []
    created = Hole(f"import-{first}")
    for number, batch in enumerate(batches, first):
        if number > first:
            calls.append(_plain(target, batch, number, _later_info(target), target.test_execution or created))
        elif target.test_execution is not None:
            calls.append(_plain(target, batch, number, info, target.test_execution))
        else:
            creating = (_form(target, batch, number, form_info) if target.wants_form and form_info is not None
                        else _plain(target, batch, number, info, None))
            calls.append(replace(creating, adding=_plain(target, batch, number, mark.adding if mark else _later_info(target), created)))
    execution = PlannedExecution(
        id=calls[0].id, calls=tuple(replace(call, label=label) for call in calls), key=target.test_execution, project=target.project,
        test_plan=target.test_plan, marker=mark.marker if mark else None, blank=mark.blank if mark else None)
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


def _later_info(target: Target) -> Mapping[str, object] | None:
    """Return the `info` of a later batch: the plan, so that Tests that only this batch brings are added to it as well."""
    return {"testPlanKey": target.test_plan} if target.test_plan else None


def _plain(target: Target, batch: Batch, number: int, info: Mapping[str, object] | None,
           execution: str | Hole | None) -> PlannedImport:
    pieces: list[PlannedPiece] = [b"{"]
    if execution is not None:
        key = execution if isinstance(execution, Hole) else json.dumps(execution).encode()
        pieces += [b'"testExecutionKey":', key, b","]
    if info:
        pieces += [b'"info":', document(info), b","]
    pieces += _tests(batch)
    return PlannedImport(id=f"import-{number}", endpoint=row(target.deployment, "xray-json", multipart=False),
                         body=PlannedBody(content_type=_JSON, pieces=tuple(pieces)), execution=execution,
                         project=target.project, tests=batch.tests, tests_at=_at(batch))


def _form(target: Target, batch: Batch, number: int, form_info: Mapping[str, object]) -> PlannedImport:
    endpoint = row(target.deployment, "xray-json", multipart=True)
    parts = (PlannedPart(name="info", filename="info.json", content_type=_JSON, pieces=(document(form_info),)),
             PlannedPart(name=endpoint.report_part or "results", filename=endpoint.report_name, content_type=_JSON,
                         pieces=(b"{", *_tests(batch))))
    return PlannedImport(id=f"import-{number}", endpoint=endpoint, body=PlannedForm(parts=parts), execution=None,
                         project=target.project, tests=batch.tests, tests_at=_at(batch))


def _tests(batch: Batch) -> tuple[PlannedPiece, ...]:
    return b'"tests":[', _at(batch), b"]}"


def _at(batch: Batch) -> Slice:
    return Slice(path=batch.path, offset=batch.offset, length=batch.length)
