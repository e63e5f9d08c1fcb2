"""The Test Execution's own fields on each path."""

from __future__ import annotations

import pytest

from xray_ci.deployments import CLOUD, SERVER
from xray_ci.xray.envelope import CUSTOM_FIELDS, ExecutionInfo, form_info, plain_info
from xray_ci.xray.validate import Checker

FULL = ExecutionInfo(
    project="CALC",
    summary="Nightly\nrun",
    description="d",
    fix_version="v1",
    revision="abc",
    test_plan="CALC-9",
    test_environments=("iOS", "Android"),
    labels=("two words", "b"),
    started="2024-03-10T11:47:35+01:00",
    finished="2024-03-10T11:53:00+01:00",
)
IDS = {name: f"customfield_{number}" for number, name in enumerate(CUSTOM_FIELDS, 10100)}


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_plain_info_says_everything(deployment: str):
    """All but labels and fields has a property in Xray JSON."""
    info = plain_info(FULL)

    assert {
        "project": "CALC",
        "summary": "Nightly run",
        "description": "d",
        "version": "v1",
        "revision": "abc",
        "startDate": FULL.started,
        "finishDate": FULL.finished,
        "testPlanKey": "CALC-9",
        "testEnvironments": ["iOS", "Android"],
    } == info
    assert not Checker(deployment).check_info(info)


def test_an_existing_test_execution_is_linked_and_not_rewritten():
    """Summary, description and dates of an existing issue are not ours to change."""
    assert {"version", "revision", "testPlanKey", "testEnvironments"} == set(plain_info(FULL, existing=True))


def test_nothing_said_is_nothing_sent():
    """An empty envelope has no properties."""
    assert plain_info(ExecutionInfo()) == {}


def test_cloud_form():
    """Xray's fields stand beside Jira's, the plan is a string, and the revision has no place."""
    info, notices = form_info(FULL, CLOUD)

    assert info["xrayFields"] == {"testPlanKey": "CALC-9", "environments": ["iOS", "Android"]}
    assert info["fields"] == {
        "project": {"key": "CALC"},
        "summary": "Nightly run",
        "issuetype": {"name": "Test Execution"},
        "description": "d",
        "fixVersions": [{"name": "v1"}],
        "labels": ["two_words", "b"],
    }
    assert [notice.cause[:10].rstrip(" i") for notice in notices] == ["`revision`", "The dates"]
    assert not Checker("cloud").part("info").flaws(info)


def test_server_form():
    """Xray's fields are Jira custom fields with the site's ids; plan and environments are lists."""
    info, notices = form_info(FULL, SERVER, IDS)
    fields = info["fields"]

    assert notices == ()
    assert tuple(fields[IDS[name]] for name in CUSTOM_FIELDS) == (
        ["CALC-9"],
        ["iOS", "Android"],
        "abc",
        "2024-03-10T11:47:35.000+0100",
        "2024-03-10T11:53:00.000+0100",
    )
    assert "xrayFields" not in info
    assert not Checker("server").part("info").flaws(info)


def test_server_form_without_the_fields():
    """What Jira has no field for is told, once each."""
    info, notices = form_info(FULL, SERVER)

    assert len(notices) == 4
    assert not [name for name in info["fields"] if name.startswith("customfield")]


@pytest.mark.parametrize("deployment", [CLOUD, SERVER], ids=lambda row: row.key)
def test_the_users_fields_win(deployment):
    """`fields` may replace anything of ours."""
    run = ExecutionInfo(project="CALC", summary="ours", fields={"summary": "theirs", "customfield_1": {"value": "x"}})

    assert tuple(form_info(run, deployment)[0]["fields"][name] for name in ("summary", "customfield_1")) == (
        "theirs",
        {"value": "x"},
    )
