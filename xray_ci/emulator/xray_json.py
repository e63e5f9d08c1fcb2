"""Xray JSON of both products as a Target and Results. Knows the documents; knows nothing of HTTP or the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import Basis, refusal
from xray_ci.emulator.arriving import Result, Target, TestInfo
from xray_ci.emulator.schema import fault, takes_execution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.emulator.sides import Side

_STEP_LIMIT: Final = 8192
"""Characters of a step's action on Cloud (O)."""
_RUN_MEMBERS: Final = (
    "comment",
    "executedBy",
    "assignee",
    "start",
    "finish",
    "steps",
    "examples",
    "iterations",
    "defects",
    "customFields",
    "testVersion",
)


def check(document: Any, side: Side, *, custom_fields: bool = True) -> None:
    """Raise Refusal when the product would not take the document."""
    if not takes_execution(side.name, document, custom_fields=custom_fields):
        refused = side.format()
        refused.response.headers["X-Emulator-Hint"] = fault(side.name, document)
        raise refused
    for entry in document["tests"]:
        if "testKey" not in entry and "testInfo" not in entry:
            raise side.format()
        for step in entry.get("testInfo", {}).get("steps", ()) if side.name == "cloud" else ():
            if len(step["action"]) > _STEP_LIMIT:
                raise refusal(
                    f"Error importing results: step action exceeds {_STEP_LIMIT} characters!", basis=Basis.ASSUMED
                )


def target(document: Mapping[str, Any], side: Side) -> Target:
    """Read what a checked document says of the Test Execution."""
    info = document.get("info", {})
    execution = document.get("testExecutionKey")
    if side.name == "cloud" and not execution and "info" in document and not info.get("summary"):
        raise side.field("summary", "You must specify a summary of the issue.", basis=Basis.ASSUMED)
    return Target(
        execution=execution,
        project=info.get("project"),
        summary=info.get("summary"),
        description=info.get("description"),
        plans=(info["testPlanKey"],) if info.get("testPlanKey") else (),
        environments=tuple(info.get("testEnvironments", ())),
        revision=info.get("revision"),
        fix_versions=(info["version"],) if info.get("version") else (),
        started=info.get("startDate"),
        finished=info.get("finishDate"),
    )


def results(document: Mapping[str, Any], side: Side) -> list[Result]:
    """Read the results of a checked document, in its order."""
    return [_result(entry, side) for entry in document["tests"]]


def _result(entry: Mapping[str, Any], side: Side) -> Result:
    details = {name: entry[name] for name in _RUN_MEMBERS if name in entry}
    details["evidence"] = entry.get("evidence", entry.get("evidences", ()))
    info = entry.get("testInfo")
    return Result(
        status=entry["status"], key=entry.get("testKey"), info=_info(info, side) if info else None, details=details
    )


def _info(info: Mapping[str, Any], side: Side) -> TestInfo:
    return TestInfo(
        project=info["projectKey"],
        summary=info["summary"],
        type=info["type" if side.name == "cloud" else "testType"],
        definition=info.get("definition", ""),
        scenario=info.get("scenario", ""),
        steps=tuple(info.get("steps", ())),
        labels=tuple(info.get("labels", ())),
        requirements=tuple(info.get("requirementKeys", ())),
        description=info.get("description", ""),
    )
