"""The Test Execution's own fields: `info` of Xray JSON, and the part `info` of the multipart path. Pure.

Knows where each deployment takes the Test Plan, environments, revision and dates. Knows nothing of results.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from xray_ci.model import Problem, Severity
from xray_ci.xray import escaping
from xray_ci.xray.mapping import SUMMARY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.deployments import Deployment

Json = dict[str, Any]

ISSUE_TYPE: Final = "Test Execution"
TEST_PLAN: Final = "Test Plan"
ENVIRONMENTS: Final = "Test Environments"
REVISION: Final = "Revision"
BEGIN: Final = "Begin Date"
END: Final = "End Date"
CUSTOM_FIELDS: Final = (TEST_PLAN, ENVIRONMENTS, REVISION, BEGIN, END)
"""Names of Xray's own Jira custom fields on Server/Data Center (O); their ids differ per site."""


class ExecutionInfo(Struct, frozen=True, kw_only=True):
    """What a Test Execution is to be called and linked to; None and () where nobody said."""

    project: str | None = None
    summary: str | None = None
    description: str | None = None
    fix_version: str | None = None
    revision: str | None = None
    test_plan: str | None = None
    test_environments: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Jira fields by name or id; they win over ours."""
    started: str | None = None
    """With offset, as `finished`."""
    finished: str | None = None


def plain_info(run: ExecutionInfo, *, existing: bool = False) -> Json:
    """Return `info` of Xray JSON, the same on both deployments.

    For an existing Test Execution only what links and marks it: summary, description and dates are left alone, because
    some sites refuse the edit and others overwrite what people wrote (O).
    """
    info: Json = {}
    if not existing:
        _put(info, "project", run.project)
        _put(info, "summary", _summary(run))
        _put(info, "description", run.description)
    _put(info, "version", run.fix_version)
    _put(info, "revision", run.revision)
    if not existing:
        _put(info, "startDate", run.started)
        _put(info, "finishDate", run.finished)
    _put(info, "testPlanKey", run.test_plan)
    _put(info, "testEnvironments", list(run.test_environments))
    return info


def form_info(
    run: ExecutionInfo,
    deployment: Deployment,
    custom_fields: Mapping[str, str] = MappingProxyType({}),
    *,
    existing: bool = False,
) -> tuple[Json, tuple[Problem, ...]]:
    """Return the part `info` of the multipart path, and a notice for each thing that this path cannot carry.

    `existing`: it is written to a Test Execution that is there, so labels are added, and what makes an issue is left
    out (O). `custom_fields` are the ids that were discovered on Server/Data Center, by the names in `CUSTOM_FIELDS`.
    """
    fields: Json = {}
    if run.project:
        fields["project"] = {"key": run.project}
    _put(fields, "summary", _summary(run))
    labels = [label for text in run.labels if (label := escaping.label(text))]
    info: Json = {"fields": fields}
    if not existing:
        fields["issuetype"] = {"name": ISSUE_TYPE}
        _put(fields, "labels", labels)
    elif labels:
        info["update"] = {"labels": [{"add": label} for label in labels]}
    _put(fields, "description", run.description)
    if run.fix_version:
        fields["fixVersions"] = [{"name": run.fix_version}]
    lost = _cloud(run, info) if deployment.key == "cloud" else _server(run, fields, custom_fields)
    fields.update(run.fields)
    return info, tuple(_notice(deployment, what) for what in lost)


def _cloud(run: ExecutionInfo, info: Json) -> list[str]:
    """Add Xray's own fields, which stand beside Jira's; return what they cannot say."""
    own: Json = {}
    _put(own, "testPlanKey", run.test_plan)
    _put(own, "environments", list(run.test_environments))
    if own:
        info["xrayFields"] = own
    return [what for what, value in (("revision", run.revision), ("dates", run.started or run.finished)) if value]


def _server(run: ExecutionInfo, fields: Json, custom_fields: Mapping[str, str]) -> list[str]:
    """Add Xray's fields as the custom fields they are in Jira; return those whose ids are unknown.

    Test Plan and Test Environments are lists there (O).
    """
    wanted: tuple[tuple[str, str, object], ...] = (
        ("test-plan", TEST_PLAN, [run.test_plan] if run.test_plan else None),
        ("test-environments", ENVIRONMENTS, list(run.test_environments)),
        ("revision", REVISION, run.revision),
        ("dates", BEGIN, _jira_date(run.started) if run.started else None),
        ("dates", END, _jira_date(run.finished) if run.finished else None),
    )
    lost = []
    for what, name, value in wanted:
        if value and name in custom_fields:
            fields[custom_fields[name]] = value
        elif value:
            lost.append(what)
    return list(dict.fromkeys(lost))


def _notice(deployment: Deployment, what: str) -> Problem:
    subject = "The dates of the run are" if what == "dates" else f"`{what}` is"
    why = (
        "the multipart path, which carries fields and labels, cannot carry it on Xray Cloud"
        if deployment.key == "cloud"
        else "Jira has no custom field of that name, and the multipart path, which carries fields and labels, knows no "
        "other way"
    )
    return Problem(severity=Severity.NOTICE, slug="info-left-out", cause=f"{subject} left out: {why}")


def _summary(run: ExecutionInfo) -> str | None:
    return escaping.one_line(run.summary, SUMMARY_LIMIT) if run.summary else None


def _jira_date(timestamp: str) -> str:
    """Return a timestamp as Jira's date-time fields take it: milliseconds, and an offset without colon (A)."""
    moment, sign, offset = timestamp[:19], timestamp[19:20], timestamp[20:]
    return f"{moment}.000{sign}{offset.replace(':', '')}"


def _put(into: Json, name: str, value: object) -> None:
    if value:
        into[name] = value
