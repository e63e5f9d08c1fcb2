"""Every row of the deployments table does what it says, against the emulator of its product."""

from __future__ import annotations

import json

import pytest
from native_reports import REPORTS, form_info, side

from xray_ci.delivery.plan import ImportTarget
from xray_ci.delivery.planners import BatchOnDisk, NativeFile, convert, native
from xray_ci.delivery.send import send
from xray_ci.deployments import DEPLOYMENTS

ROWS = [
    pytest.param(
        deployment,
        endpoint,
        version,
        id=f"{deployment.key}-{version}-{endpoint.format}{'-form' if endpoint.multipart else ''}",
    )
    for deployment in DEPLOYMENTS.values()
    for version in deployment.api_versions
    for endpoint in deployment.endpoints
]


@pytest.fixture
def spool(tmp_path):
    """Return batches of one test each, in the words of a deployment."""

    def spooled(deployment, *keys: str):
        content = [
            json.dumps(
                {"testKey": key, "status": deployment.dialect.statuses[next(iter(deployment.dialect.statuses))]}
            ).encode()
            for key in keys
        ]
        (tmp_path / "spool").write_bytes(b"".join(content))
        offsets = [sum(map(len, content[:number])) for number in range(len(content))]
        return [
            BatchOnDisk(path=tmp_path / "spool", offset=offset, length=len(each), tests=1)
            for offset, each in zip(offsets, content, strict=True)
        ]

    return spooled


def plan_of(deployment, endpoint, spool):
    """Return a plan whose one request takes the row."""
    target = ImportTarget(
        deployment=deployment,
        project="SHOP",
        test_plan="SHOP-2",
        environments=("chrome",),
        labels=("ci",) if endpoint.multipart else (),
    )
    info = form_info(deployment)
    if endpoint.format == "xray-json":
        return convert(
            target,
            spool(deployment, "SHOP-3"),
            form_info=info,
            info={"project": "SHOP", "summary": "nightly", "testPlanKey": "SHOP-2", "testEnvironments": ["chrome"]},
        )
    file = NativeFile(format=endpoint.format, shown=("r",), pieces=(REPORTS[endpoint.format],), tests=1)
    return native(target, [file], form_info=info if endpoint.multipart else None)


@pytest.mark.parametrize(("deployment", "endpoint", "version"), ROWS)
def test_every_endpoint_takes_what_the_table_says(emulator, clock, spool, deployment, endpoint, version):
    """One request to the row's path makes one Test Execution with its run, or updates the one its report names."""
    plan = plan_of(deployment, endpoint, spool)
    with side(emulator, deployment, clock, version=version) as there:
        done = send(plan, there.context)

    assert done.failures == []
    (request,) = emulator.imports()
    assert request["path"].endswith(deployment.import_root.format(version=version) + endpoint.path)
    assert endpoint.body.value == request["content_type"].partition(";")[0]
    if endpoint.body.value.startswith("multipart"):
        assert {endpoint.report_part, *(("info",) if endpoint.multipart else ())} == {
            part["name"] for part in request["parts"]
        }
        assert all(part["filename"] for part in request["parts"])
    (execution,) = emulator.executions()
    assert {"import-1": execution["key"]} == done.keys
    assert len(execution["execution"]["runs"]) == 1
    if endpoint.query or endpoint.multipart or endpoint.format == "xray-json":
        assert execution["execution"]["plans"] == ["SHOP-2"]
        assert execution["execution"]["environments"] == ["chrome"]
    if endpoint.multipart:
        assert execution["labels"] == ["ci"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
def test_batches_end_in_one_test_execution(emulator, clock, spool, deployment):
    """Three requests, one Test Execution with three runs, all Tests in the plan."""
    plan = convert(
        ImportTarget(deployment=deployment, project="SHOP", test_plan="SHOP-2"),
        spool(deployment, "SHOP-3", "SHOP-6", "SHOP-7"),
        info={"project": "SHOP", "summary": "nightly", "testPlanKey": "SHOP-2"},
    )
    with side(emulator, deployment, clock) as there:
        done = send(plan, there.context)

    (execution,) = emulator.executions()
    assert done.failures == []
    assert {"SHOP-3", "SHOP-6", "SHOP-7"} == set(execution["execution"]["runs"])
    assert {"SHOP-6", "SHOP-7"} <= set(emulator.issue("SHOP-2")["plan"]["tests"])
    assert len(emulator.imports()) == 3


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
def test_a_form_and_plain_followers_end_in_one_test_execution(emulator, clock, deployment):
    """Native files with labels and fields of Tests: the first as a form, the others by the key that it brought."""
    files = [
        NativeFile(format=name, shown=(name,), pieces=(REPORTS[name],), tests=1)
        for name in ("robot", "junit", "cucumber")
    ]
    target = ImportTarget(deployment=deployment, project="SHOP", labels=("ci",), test_fields={"labels": ["auto"]})
    with side(emulator, deployment, clock) as there:
        done = send(native(target, files, form_info=form_info(deployment)), there.context)

    (execution,) = emulator.executions()
    assert done.failures == []
    assert 3 == len(execution["execution"]["runs"]) == done.sent


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
def test_fields_of_new_tests_arrive(emulator, clock, deployment):
    """The part `testInfo` gives its labels to the Tests that the import makes."""
    report = NativeFile(format="robot", shown=("r",), pieces=(REPORTS["robot"],), tests=1)
    target = ImportTarget(deployment=deployment, project="SHOP", test_fields={"labels": ["auto"]})
    with side(emulator, deployment, clock) as there:
        done = send(native(target, [report], form_info=form_info(deployment)), there.context)

    assert done.failures == []
    assert [test["labels"] for test in emulator.created_tests()] == [["auto"]]


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
def test_results_go_into_an_existing_test_execution(emulator, clock, spool, deployment):
    """With a key from the settings nothing is created."""
    plan = convert(
        ImportTarget(deployment=deployment, test_execution="SHOP-40"), spool(deployment, "SHOP-3"), info=None
    )
    with side(emulator, deployment, clock) as there:
        done = send(plan, there.context)

    assert done.keys == {"import-1": "SHOP-40"}
    assert emulator.executions() == []


def test_server_says_which_jira_fields_are_xrays(emulator, clock):
    """The field ids of the site are found by type and exact name."""
    from xray_ci.services.jira import XrayFields, xray_fields

    with side(emulator, DEPLOYMENTS["server"], clock) as there:
        found = xray_fields(there.jira.fields())
        info = there.jira.server_info()

    assert (
        XrayFields(
            test_plan="customfield_11807",
            test_environments="customfield_11805",
            revision="customfield_11808",
            begin_date="customfield_11809",
            end_date="customfield_11810",
        )
        == found
    )
    assert info.deployment == "server"


def test_server_answers_for_licence_and_issue_ids(emulator, clock):
    """Licence and key of an issue id are read."""
    with side(emulator, DEPLOYMENTS["server"], clock) as there:
        assert there.xray.licence().active
        assert there.jira.key_of_issue("10103") == "SHOP-3"
        assert there.jira.key_of_issue("99999") is None
