"""The fields that `GET …/field` lists. Data only: Server's Xray fields as a real site lists them, Jira's own beside."""

from __future__ import annotations

from typing import Any, Final

_XRAY: Final = "com.xpandit.plugins.xray:"
_JIRA: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"


def _custom(number: int, name: str, kind: str, plugin: str, items: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind, "custom": plugin, "customId": number}
    if items is not None:
        schema["items"] = items
    return {
        "id": f"customfield_{number}",
        "name": name,
        "custom": True,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [f"cf[{number}]", name],
        "schema": schema,
    }


def _system(name: str, label: str, kind: str, items: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind, "system": name}
    if items is not None:
        schema["items"] = items
    return {
        "id": name,
        "name": label,
        "custom": False,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [name],
        "schema": schema,
    }


_SYSTEM: Final = (
    _system("summary", "Summary", "string"),
    _system("issuetype", "Issue Type", "issuetype"),
    _system("project", "Project", "project"),
    _system("description", "Description", "string"),
    _system("labels", "Labels", "array", "string"),
    _system("fixVersions", "Fix Version/s", "array", "version"),
    _system("environment", "Environment", "string"),
)

SERVER_FIELDS: Final = (
    *_SYSTEM,
    _custom(10015, "End date", "date", f"{_JIRA}datepicker"),
    _custom(11800, "Test Type", "option", f"{_XRAY}test-type-custom-field"),
    _custom(11801, "Generic Test Definition", "string", f"{_XRAY}path-editor-custom-field"),
    _custom(11802, "Cucumber Scenario", "string", f"{_XRAY}steps-editor-custom-field"),
    _custom(11803, "Manual Test Steps", "any", f"{_XRAY}manual-test-steps-custom-field"),
    _custom(11804, "Tests association with a Test Execution", "array", f"{_XRAY}testexec-tests-custom-field", "string"),
    _custom(11805, "Test Environments", "array", f"{_XRAY}test-environments-custom-field", "string"),
    _custom(11806, "Test Execution Status", "any", f"{_XRAY}test-execution-status-custom-field"),
    _custom(11807, "Test Plan", "array", f"{_XRAY}test-plan-custom-field", "string"),
    _custom(11808, "Revision", "string", f"{_JIRA}textfield"),
    _custom(11809, "Begin Date", "datetime", f"{_JIRA}datetime"),
    _custom(11810, "End Date", "datetime", f"{_JIRA}datetime"),
)

CLOUD_FIELDS: Final = tuple(
    {"key": each["id"], **each}
    for each in (
        *_SYSTEM,
        _custom(10015, "Start date", "date", f"{_JIRA}datepicker"),
        _custom(10020, "Team", "string", f"{_JIRA}textfield"),
    )
)
