"""The main job by other ways: Server, native, by pattern and version, and with reports of other tools."""

import json
import shutil
from pathlib import Path

import pytest
from job_runs import case, runs, suite


def test_inputs_of_the_action_work_for_server(emulator, run, reports):
    """Server/Data Center needs its address and a token, as inputs alone."""
    inputs = {
        "INPUT_REPORTS": "*.xml",
        "INPUT_JIRA-URL": emulator.url + "/jira",
        "INPUT_PROJECT": "SHOP",
        "INPUT_JIRA-TOKEN": "emulator-pat",
    }

    result = run(env=inputs)

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert f"{emulator.url}/jira/browse/{execution['key']}" in result.out
    assert "5 in reports = 5 sent = 5 stored" in result.out


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_small_junit_files_go_native_as_one_merged_request(deployment, request, emulator, reports):
    """A native run of several small files is one request and one Test Execution."""
    job = request.getfixturevalue(deployment)

    result = job("import", "--reports", "*.xml", "--strategy", "native")

    assert result.code == 0, result.out + result.err
    (call,) = emulator.imports()
    assert call["path"].endswith("/import/execution/junit/multipart")
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 5


def test_what_cannot_be_read_is_not_sent_natively(cloud, emulator, reports):
    """A native import sends files as they are, so one that needs repair is left out and named."""
    (reports / "d.xml").write_text("log line before\n" + suite("d", case("last")))

    result = cloud("import", "--reports", "*.xml", "--strategy", "native")

    assert result.code == 4, result.out + result.err
    assert "d.xml" in result.out
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 5


@pytest.mark.parametrize(("choice", "code"), [("fail", 3), ("warn", 0), ("ignore", 0)])
def test_no_report_is_what_the_user_says_it_is(choice, code, cloud, emulator, workspace):
    """`if-no-reports` decides whether nothing to import is a failure."""
    result = cloud("import", "--reports", "*.xml", "--if-no-reports", choice)

    assert code == result.code, result.out + result.err
    assert emulator.requests() == []


def test_keys_in_names_are_found_by_pattern(cloud, emulator, workspace):
    """`key-pattern` finds the Test in the name; keys of projects that are not listed are no keys."""
    (workspace / "r.xml").write_text(suite("a", case("SHOP-3 adds"), case("PAY-3 pays")))

    result = cloud("import", "--reports", "r.xml", "--key-pattern", r"^([A-Z]+-\d+) ", "--key-projects", "SHOP")

    assert result.code == 0, result.out + result.err
    sent = emulator.document()["tests"]
    assert [test.get("testKey") for test in sent] == ["SHOP-3", None]
    assert sent[1]["testInfo"]["definition"] == "shop.Cart.PAY-3 pays"


def test_statuses_of_the_site_are_sent(cloud, emulator, workspace):
    """A status named in `statuses` is allowed and stored."""
    (workspace / "r.xml").write_text(suite("a", case("adds", "<skipped/>")))

    result = cloud("import", "--reports", "r.xml", env={"XRAY_CI_STATUSES": "skipped: BLOCKED"})

    assert result.code == 0, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert stored["status"] == "BLOCKED"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_both_versions_of_the_cloud_api_work(version, cloud, emulator, reports):
    """`api-version` chooses the paths of authentication and import; GraphQL, which reads back, has one of its own."""
    result = cloud("import", "--reports", "*.xml", "--api-version", version)

    assert result.code == 0, result.out + result.err
    paths = {f"/api/{version}/authenticate", f"/api/{version}/import/execution", "/api/v2/graphql"}
    assert paths == {call["path"] for call in emulator.requests()}


@pytest.mark.parametrize("version", ["1.0", "2.0", "latest"])
def test_every_version_of_the_server_api_works_with_user_and_password(version, emulator, run, reports):
    """Basic authentication and each API version."""
    env = {
        "XRAY_CI_JIRA_URL": emulator.url + "/jira",
        "XRAY_CI_JIRA_USERNAME": "emu",
        "XRAY_CI_JIRA_PASSWORD": "emu",
        "XRAY_CI_PROJECT": "SHOP",
        "XRAY_CI_API_VERSION": version,
    }

    result = run("import", "--reports", "*.xml", env=env)

    assert result.code == 0, result.out + result.err
    assert f"/jira/rest/raven/{version}/import/execution" == emulator.imports()[0]["path"]


def test_a_folder_of_allure_results_is_imported_with_its_evidence(cloud, emulator, workspace):
    """A folder is one report; attachments lie in it."""
    folder = workspace / "allure-results"
    folder.mkdir()
    (folder / "e1-attachment.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    result = {
        "uuid": "814a0427-61c8-4cab-bc93-1afb90dba0d2",
        "name": "adds",
        "fullName": "shop.Cart#adds",
        "status": "failed",
        "stage": "finished",
        "statusDetails": {"message": "boom"},
        "attachments": [{"name": "shot", "source": "e1-attachment.png", "type": "image/png"}],
        "start": 1772438400000,
        "stop": 1772438401000,
        "labels": [{"name": "tag", "value": "smoke"}],
    }
    (folder / f"{result['uuid']}-result.json").write_text(json.dumps(result))

    done = cloud("import", "--reports", "**/*-result.json")

    assert done.code == 0, done.out + done.err
    ((stored,),) = map(runs, emulator.executions())
    assert stored["status"] == "FAILED"
    assert "boom" in stored["comment"]
    assert len(stored["evidence"]) == 1


@pytest.mark.parametrize(
    "name", ["nunit/", "robot/", "testng/", "playwright-json/", "go-json/", "ctrf/", "tap/", "vitest-json/"]
)
def test_samples_of_other_tools_become_one_test_execution(name, cloud, emulator, workspace):
    """Reports of any tool are converted and imported without a setting."""
    samples = Path(__file__).parents[1] / "data" / "reports"
    chosen = [
        path
        for path in sorted(samples.rglob("*"))
        if path.is_file() and path.relative_to(samples).as_posix().startswith(name) and not path.name.startswith("bad-")
    ][:3]
    assert chosen
    for path in chosen:
        shutil.copy(path, workspace / path.name)

    result = cloud("import", "--reports", "*", "--key-projects", "SHOP")

    assert result.code in (0, 4), result.out + result.err
    assert len(emulator.executions()) == 1, result.out + result.err
    assert len(emulator.imports()) == 1


@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_reports_without_a_result_are_not_sent(strategy, cloud, emulator, workspace):
    """An empty report makes no empty Test Execution, whichever way it would go."""
    (workspace / "r.xml").write_text('<testsuites><testsuite name="a"/></testsuites>')

    result = cloud("import", "--reports", "r.xml", "--strategy", strategy)

    assert result.code == 3, result.out + result.err
    assert emulator.requests() == []
