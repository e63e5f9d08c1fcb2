"""The main job as its users run it: a subprocess of the entry point, over real sockets, against the emulator."""

import json
import shutil
from pathlib import Path

import pytest

CLOUD = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}


def runs(execution):
    return list(execution["execution"]["runs"].values())


def results(execution):
    return {(run["test"], run["status"]) for run in runs(execution)}


def suite(name, *cases):
    return f'<testsuite name="{name}">' + "".join(cases) + "</testsuite>"


def case(name, inner="", classname="shop.Cart"):
    return f'<testcase classname="{classname}" name="{name}" time="0.5">{inner}</testcase>'


def keyed(name, key, inner=""):
    return case(name, f'<properties><property name="test_key" value="{key}"/></properties>{inner}')


@pytest.fixture
def cloud(emulator, run):
    """Run a command against the emulated Cloud."""
    return lambda *args, env=None: run(*args, env={**CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_PROJECT": "SHOP", **(env or {})})


@pytest.fixture
def server(emulator, run):
    """Run a command against the emulated Server/Data Center."""
    base = {"XRAY_CI_JIRA_URL": emulator.url + "/jira", "XRAY_CI_JIRA_TOKEN": "emulator-pat", "XRAY_CI_PROJECT": "SHOP"}
    return lambda *args, env=None: run(*args, env={**base, **(env or {})})


@pytest.fixture
def reports(workspace):
    """Three reports: one failure, one skipped, five results."""
    (workspace / "a.xml").write_text(suite("a", case("adds"), case("removes", '<failure message="boom">trace</failure>')))
    (workspace / "b.xml").write_text(suite("b", case("sorts", "<skipped/>"), case("shows", classname="shop.List")))
    (workspace / "c.xml").write_text(suite("c", case("pays", classname="shop.Pay")))
    return workspace


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_reports_become_one_test_execution_in_one_request(deployment, request, emulator, reports):
    """Three files are one import request and one Test Execution holding every result."""
    job = request.getfixturevalue(deployment)

    result = job("import", "--reports", "*.xml")

    assert 0 == result.code, result.out + result.err
    assert 1 == len(emulator.imports())
    (execution,) = emulator.executions()
    assert execution["key"] in result.out
    passed, failed, todo = ("PASSED", "FAILED", "TO DO") if deployment == "cloud" else ("PASS", "FAIL", "TODO")
    assert sorted([passed] * 3 + [failed, todo]) == sorted(run["status"] for run in runs(execution))


def test_a_hundred_files_are_one_test_execution_and_one_import_request(cloud, emulator, workspace):
    """However many files a run has, the emulator's request log shows one import."""
    for number in range(100):
        (workspace / f"TEST-{number}.xml").write_text(suite(f"s{number}", case(f"t{number}")))

    result = cloud("import", "--reports", "TEST-*.xml")

    assert 0 == result.code, result.out + result.err
    assert ["authenticate", "import"] == emulator.kinds_of_calls()
    (execution,) = emulator.executions()
    assert 100 == len(runs(execution))


def test_import_is_what_runs_without_a_command(cloud, emulator, reports):
    """No command given is `import`."""
    result = cloud("--reports", "*.xml")

    assert 0 == result.code, result.out + result.err
    assert 1 == len(emulator.executions())


def test_inputs_of_the_action_work_under_any_base_url(emulator, run, reports):
    """`INPUT_` names keep hyphens or not; nothing but them is needed."""
    inputs = {"INPUT_REPORTS": "*.xml", "INPUT_XRAY-URL": emulator.url, "INPUT_PROJECT": "SHOP", "INPUT_TEST_PLAN": "SHOP-2",
              "INPUT_CLIENT-ID": CLOUD["XRAY_CI_CLIENT_ID"], "INPUT_CLIENT-SECRET": CLOUD["XRAY_CI_CLIENT_SECRET"],
              "INPUT_REGION": ""}

    result = run(env=inputs)

    assert 0 == result.code, result.out + result.err
    assert 1 == len(emulator.executions())


def test_a_result_named_by_key_carries_no_definition(cloud, emulator, workspace):
    """`testInfo` beside `testKey` would rewrite the Test, so it is never sent."""
    (workspace / "r.xml").write_text(suite("a", keyed("adds", "SHOP-3")))

    result = cloud("import", "--reports", "r.xml")

    assert 0 == result.code, result.out + result.err
    (sent,) = emulator.document()["tests"]
    assert "SHOP-3" == sent["testKey"]
    assert "testInfo" not in sent


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_converted_results_find_the_tests_a_native_import_made(deployment, request, emulator, reports):
    """A team that used the native endpoint before gets no second set of Tests."""
    job = request.getfixturevalue(deployment)
    assert 0 == job("import", "--reports", "*.xml", "--strategy", "native").code
    tests = {issue["key"] for issue in emulator.created_tests()}
    assert 5 == len(tests)

    result = job("import", "--reports", "*.xml", "--strategy", "convert")

    assert 0 == result.code, result.out + result.err
    assert tests == {issue["key"] for issue in emulator.created_tests()}
    native, converted = emulator.executions()
    assert results(native) == results(converted)


@pytest.mark.parametrize("deployment", ["cloud", "server"])
@pytest.mark.parametrize("extra", [{}, {"XRAY_CI_LABELS": "nightly"}], ids=["plain", "multipart"])
def test_plan_environments_version_and_revision_arrive_on_each_path(deployment, extra, request, emulator, reports):
    """What a path can carry is stored; what it cannot carry is a notice (revision on Cloud's multipart path)."""
    job = request.getfixturevalue(deployment)

    result = job("import", "--reports", "*.xml", "--test-plan", "SHOP-2", "--test-environments", "chrome;linux", "--fix-version", "1.0",
                 "--revision", "abc123", "--summary", "Nightly", env=extra)

    assert 0 == result.code, result.out + result.err
    (execution,) = emulator.executions()
    assert "Nightly" == execution["summary"]
    assert ["1.0"] == execution["fix_versions"]
    assert ["chrome", "linux"] == sorted(execution["execution"]["environments"])
    assert ["SHOP-2"] == execution["execution"]["plans"]
    if deployment == "cloud" and extra:
        assert "revision" in result.out
    else:
        assert "abc123" == execution["execution"]["revision"]


def test_batches_go_to_the_key_of_the_first(cloud, emulator, reports):
    """When limits ask for it, the first request creates and the rest go to its key; nothing is lost."""
    result = cloud("import", "--reports", "*.xml", "--batch-tests", "2")

    assert 0 == result.code, result.out + result.err
    assert 3 == len(emulator.imports())
    (execution,) = emulator.executions()
    assert 5 == len(runs(execution))


def test_an_existing_test_execution_is_updated(cloud, emulator, reports):
    """`test-execution` imports into it and makes no other."""
    first = cloud("import", "--reports", "a.xml")
    (execution,) = emulator.executions()

    result = cloud("import", "--reports", "*.xml", "--test-execution", execution["key"])

    assert (0, 0) == (first.code, result.code), result.out + result.err
    (execution,) = emulator.executions()
    assert 5 == len(runs(execution))


def test_evidence_and_comment_of_a_failure_arrive(cloud, emulator, workspace):
    """The failure's text and the file it names are stored with the Test Run."""
    (workspace / "shots").mkdir()
    (workspace / "shots" / "one.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (workspace / "r.xml").write_text(suite("a", case("adds", '<failure message="boom">at Cart:7</failure>'
                                                     "<system-out>[[ATTACHMENT|shots/one.png]]</system-out>")))

    result = cloud("import", "--reports", "r.xml")

    assert 0 == result.code, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert "boom" in stored["comment"]
    assert "at Cart:7" in stored["comment"]
    assert ["one.png"] == [item["filename"] for item in stored["evidence"]]


def test_a_broken_report_is_named_and_the_others_are_imported(cloud, emulator, reports):
    """A report whose end is missing gives exit code 4 and loses nothing of the others."""
    (reports / "d.xml").write_text('<testsuite name="d"><testcase name="half"/>')

    result = cloud("import", "--reports", "*.xml")

    assert 4 == result.code, result.out + result.err
    assert "d.xml" in result.out + result.err
    (execution,) = emulator.executions()
    assert 5 == len(runs(execution))


def test_repeated_results_fold_into_one_run(cloud, emulator, workspace):
    """Two results for one Test are one entry, the worst by default."""
    (workspace / "r.xml").write_text(suite("a", case("adds"), case("adds", "<failure/>"), case("adds")))

    result = cloud("import", "--reports", "r.xml")

    assert 0 == result.code, result.out + result.err
    (sent,) = emulator.document()["tests"]
    assert "FAILED" == sent["status"]


def test_plan_sends_nothing(cloud, emulator, reports):
    """`plan` says what would be done and makes no Test Execution."""
    result = cloud("plan", "--reports", "*.xml")

    assert 0 == result.code, result.out + result.err
    assert [] == emulator.imports()
    assert "5" in result.out


def test_fail_on_test_failures_is_exit_code_1_after_the_import(cloud, emulator, reports):
    """The verdict comes after the import: it is done, and code 1 says that tests failed."""
    result = cloud("import", "--reports", "*.xml", "--fail-on", "test-failures")

    assert 1 == result.code, result.out + result.err
    assert 1 == len(emulator.executions())


def test_test_id_is_resolved_where_jira_can_be_read(server, emulator, workspace):
    """A numeric `test_id` is an issue id; Jira says its key."""
    (workspace / "r.xml").write_text(suite("a", case("adds", '<properties><property name="test_id" value="10103"/></properties>')))

    result = server("import", "--reports", "r.xml")

    assert 0 == result.code, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert "SHOP-3" == stored["test"]


def test_cucumber_goes_native_by_itself(cloud, emulator, workspace):
    """`auto` sends the run natively when every report is Cucumber JSON, all files as one array in one request."""
    feature = {"name": "Cart", "keyword": "Feature", "id": "cart", "uri": "cart.feature", "elements": [
        {"type": "scenario", "keyword": "Scenario", "id": "cart;adds", "name": "adds", "tags": [{"name": "@SHOP-4"}],
         "steps": [{"keyword": "Given ", "name": "a cart", "result": {"status": "passed", "duration": 1}}]}]}
    for name in ("one.json", "two.json"):
        (workspace / name).write_text(json.dumps([feature]))

    result = cloud("import", "--reports", "*.json")

    assert 0 == result.code, result.out + result.err
    (call,) = emulator.imports()
    assert "/cucumber" in call["path"]
    ((stored,),) = map(runs, emulator.executions())
    assert "SHOP-4" == stored["test"]


def test_inputs_of_the_action_work_for_server(emulator, run, reports):
    """Server/Data Center needs its address and a token, as inputs alone."""
    inputs = {"INPUT_REPORTS": "*.xml", "INPUT_JIRA-URL": emulator.url + "/jira", "INPUT_PROJECT": "SHOP", "INPUT_JIRA-TOKEN": "emulator-pat"}

    result = run(env=inputs)

    assert 0 == result.code, result.out + result.err
    (execution,) = emulator.executions()
    assert f"{emulator.url}/jira/browse/{execution['key']}" in result.out
    assert "5 Test Runs stored" in result.out


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_small_junit_files_go_native_as_one_merged_request(deployment, request, emulator, reports):
    """A native run of several small files is one request and one Test Execution."""
    job = request.getfixturevalue(deployment)

    result = job("import", "--reports", "*.xml", "--strategy", "native")

    assert 0 == result.code, result.out + result.err
    (call,) = emulator.imports()
    assert call["path"].endswith("/import/execution/junit")
    (execution,) = emulator.executions()
    assert 5 == len(runs(execution))


def test_what_cannot_be_read_is_not_sent_natively(cloud, emulator, reports):
    """A native import sends files as they are, so one that needs repair is left out and named."""
    (reports / "d.xml").write_text("log line before\n" + suite("d", case("last")))

    result = cloud("import", "--reports", "*.xml", "--strategy", "native")

    assert 4 == result.code, result.out + result.err
    assert "d.xml" in result.out
    (execution,) = emulator.executions()
    assert 5 == len(runs(execution))


@pytest.mark.parametrize(("choice", "code"), [("fail", 3), ("warn", 0), ("ignore", 0)])
def test_no_report_is_what_the_user_says_it_is(choice, code, cloud, emulator, workspace):
    """`if-no-reports` decides whether nothing to import is a failure."""
    result = cloud("import", "--reports", "*.xml", "--if-no-reports", choice)

    assert code == result.code, result.out + result.err
    assert [] == emulator.requests()


def test_keys_in_names_are_found_by_pattern(cloud, emulator, workspace):
    """`key-pattern` finds the Test in the name; keys of projects that are not listed are no keys."""
    (workspace / "r.xml").write_text(suite("a", case("SHOP-3 adds"), case("PAY-3 pays")))

    result = cloud("import", "--reports", "r.xml", "--key-pattern", r"^([A-Z]+-\d+) ", "--key-projects", "SHOP")

    assert 0 == result.code, result.out + result.err
    sent = emulator.document()["tests"]
    assert ["SHOP-3", None] == [test.get("testKey") for test in sent]
    assert "shop.Cart.PAY-3 pays" == sent[1]["testInfo"]["definition"]


def test_statuses_of_the_site_are_sent(cloud, emulator, workspace):
    """A status named in `statuses` is allowed and stored."""
    (workspace / "r.xml").write_text(suite("a", case("adds", "<skipped/>")))

    result = cloud("import", "--reports", "r.xml", env={"XRAY_CI_STATUSES": "skipped: BLOCKED"})

    assert 0 == result.code, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert "BLOCKED" == stored["status"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_both_versions_of_the_cloud_api_work(version, cloud, emulator, reports):
    """`api-version` chooses the paths of authentication and import."""
    result = cloud("import", "--reports", "*.xml", "--api-version", version)

    assert 0 == result.code, result.out + result.err
    assert {f"/api/{version}/authenticate", f"/api/{version}/import/execution"} == {call["path"] for call in emulator.requests()}


@pytest.mark.parametrize("version", ["1.0", "2.0", "latest"])
def test_every_version_of_the_server_api_works_with_user_and_password(version, emulator, run, reports):
    """Basic authentication and each API version."""
    env = {"XRAY_CI_JIRA_URL": emulator.url + "/jira", "XRAY_CI_JIRA_USERNAME": "emu", "XRAY_CI_JIRA_PASSWORD": "emu",
           "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_API_VERSION": version}

    result = run("import", "--reports", "*.xml", env=env)

    assert 0 == result.code, result.out + result.err
    assert f"/jira/rest/raven/{version}/import/execution" == emulator.imports()[0]["path"]


def test_a_folder_of_allure_results_is_imported_with_its_evidence(cloud, emulator, workspace):
    """A folder is one report; attachments lie in it."""
    folder = workspace / "allure-results"
    folder.mkdir()
    (folder / "e1-attachment.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    result = {"uuid": "814a0427-61c8-4cab-bc93-1afb90dba0d2", "name": "adds", "fullName": "shop.Cart#adds", "status": "failed", "stage": "finished",
              "statusDetails": {"message": "boom"}, "attachments": [{"name": "shot", "source": "e1-attachment.png", "type": "image/png"}],
              "start": 1772438400000, "stop": 1772438401000, "labels": [{"name": "tag", "value": "smoke"}]}
    (folder / f"{result['uuid']}-result.json").write_text(json.dumps(result))

    done = cloud("import", "--reports", "**/*-result.json")

    assert 0 == done.code, done.out + done.err
    ((stored,),) = map(runs, emulator.executions())
    assert "FAILED" == stored["status"]
    assert "boom" in stored["comment"]
    assert 1 == len(stored["evidence"])


@pytest.mark.parametrize("name", ["nunit/", "robot/", "testng/", "playwright-json/", "go-json/", "ctrf/", "tap/", "vitest-json/"])
def test_samples_of_other_tools_become_one_test_execution(name, cloud, emulator, workspace):
    """Reports of any tool are converted and imported without a setting."""
    samples = Path(__file__).parents[1] / "data" / "reports"
    chosen = [path for path in sorted(samples.rglob("*")) if path.is_file() and name in path.relative_to(samples).as_posix()
              and not path.name.startswith("bad-")][:3]
    assert chosen
    for path in chosen:
        shutil.copy(path, workspace / path.name)

    result = cloud("import", "--reports", "*", "--key-projects", "SHOP")

    assert result.code in (0, 4), result.out + result.err
    assert 1 == len(emulator.executions()), result.out + result.err
    assert 1 == len(emulator.imports())


@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_reports_without_a_result_are_not_sent(strategy, cloud, emulator, workspace):
    """An empty report makes no empty Test Execution, whichever way it would go."""
    (workspace / "r.xml").write_text('<testsuites><testsuite name="a"/></testsuites>')

    result = cloud("import", "--reports", "r.xml", "--strategy", strategy)

    assert 3 == result.code, result.out + result.err
    assert [] == emulator.requests()
