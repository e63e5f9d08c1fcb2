"""The main job over real sockets against the emulator; first as its users run it, as a process of the entry point."""

import json

import pytest
from job_runs import CLOUD, case, keyed, results, runs, suite


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_reports_become_one_test_execution_in_one_request(deployment, run, inside, emulator, reports):
    """Three files are one import request and one Test Execution holding every result."""
    result = run("import", "--reports", "*.xml", env=getattr(inside, deployment))

    assert result.code == 0, result.out + result.err
    assert len(emulator.imports()) == 1
    (execution,) = emulator.executions()
    assert execution["key"] in result.out
    passed, failed, todo = ("PASSED", "FAILED", "TO DO") if deployment == "cloud" else ("PASS", "FAIL", "TODO")
    assert sorted([passed] * 3 + [failed, todo]) == sorted(run["status"] for run in runs(execution))


def test_a_hundred_files_are_one_test_execution_and_one_import_request(cloud, emulator, workspace):
    """However many files a run has, the emulator's request log shows one import, and one look at what is stored."""
    for number in range(100):
        (workspace / f"TEST-{number}.xml").write_text(suite(f"s{number}", case(f"t{number}")))

    result = cloud("import", "--reports", "TEST-*.xml")

    assert result.code == 0, result.out + result.err
    assert emulator.kinds_of_calls() == ["authenticate", "import", "read"]
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 100
    assert "100 in reports = 100 sent = 100 stored" in result.out


def test_import_is_what_runs_without_a_command(cloud, emulator, reports):
    """No command given is `import`."""
    result = cloud("--reports", "*.xml")

    assert result.code == 0, result.out + result.err
    assert len(emulator.executions()) == 1


def test_inputs_of_the_action_work_under_any_base_url(emulator, run, reports):
    """`INPUT_` names keep hyphens or not; nothing but them is needed."""
    inputs = {
        "INPUT_REPORTS": "*.xml",
        "INPUT_XRAY-URL": emulator.url,
        "INPUT_PROJECT": "SHOP",
        "INPUT_TEST_PLAN": "SHOP-2",
        "INPUT_CLIENT-ID": CLOUD["XRAY_CI_CLIENT_ID"],
        "INPUT_CLIENT-SECRET": CLOUD["XRAY_CI_CLIENT_SECRET"],
        "INPUT_REGION": "",
    }

    result = run(env=inputs)

    assert result.code == 0, result.out + result.err
    assert len(emulator.executions()) == 1


def test_a_result_named_by_key_carries_no_definition(cloud, emulator, workspace):
    """`testInfo` beside `testKey` would rewrite the Test, so it is never sent."""
    (workspace / "r.xml").write_text(suite("a", keyed("adds", "SHOP-3")))

    result = cloud("import", "--reports", "r.xml")

    assert result.code == 0, result.out + result.err
    (sent,) = emulator.document()["tests"]
    assert sent["testKey"] == "SHOP-3"
    assert "testInfo" not in sent


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_converted_results_find_the_tests_a_native_import_made(deployment, request, emulator, reports):
    """A team that used the native endpoint before gets no second set of Tests."""
    job = request.getfixturevalue(deployment)
    assert job("import", "--reports", "*.xml", "--strategy", "native").code == 0
    tests = {issue["key"] for issue in emulator.created_tests()}
    assert len(tests) == 5

    result = job("import", "--reports", "*.xml", "--strategy", "convert")

    assert result.code == 0, result.out + result.err
    assert tests == {issue["key"] for issue in emulator.created_tests()}
    native, converted = emulator.executions()
    assert results(native) == results(converted)


@pytest.mark.parametrize("deployment", ["cloud", "server"])
@pytest.mark.parametrize("extra", [{}, {"XRAY_CI_LABELS": "nightly"}], ids=["plain", "multipart"])
def test_plan_environments_version_and_revision_arrive_on_each_path(deployment, extra, request, emulator, reports):
    """What a path can carry is stored; what it cannot carry is a notice (revision on Cloud's multipart path)."""
    job = request.getfixturevalue(deployment)

    result = job(
        "import",
        "--reports",
        "*.xml",
        "--test-plan",
        "SHOP-2",
        "--test-environments",
        "chrome;linux",
        "--fix-version",
        "1.0",
        "--revision",
        "abc123",
        "--summary",
        "Nightly",
        env=extra,
    )

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert execution["summary"] == "Nightly"
    assert execution["fix_versions"] == ["1.0"]
    assert sorted(execution["execution"]["environments"]) == ["chrome", "linux"]
    assert execution["execution"]["plans"] == ["SHOP-2"]
    if deployment == "cloud" and extra:
        assert "revision" in result.out
    else:
        assert execution["execution"]["revision"] == "abc123"


def test_batches_go_to_the_key_of_the_first(cloud, emulator, reports):
    """When limits ask for it, the first request creates and the rest go to its key; nothing is lost."""
    result = cloud("import", "--reports", "*.xml", "--batch-tests", "2")

    assert result.code == 0, result.out + result.err
    assert len(emulator.imports()) == 3
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 5


def test_an_existing_test_execution_is_updated(cloud, emulator, reports):
    """`test-execution` imports into it and makes no other."""
    first = cloud("import", "--reports", "a.xml")
    (execution,) = emulator.executions()

    result = cloud("import", "--reports", "*.xml", "--test-execution", execution["key"])

    assert (first.code, result.code) == (0, 0), result.out + result.err
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 5


def test_evidence_and_comment_of_a_failure_arrive(cloud, emulator, workspace):
    """The failure's text and the file it names are stored with the Test Run."""
    (workspace / "shots").mkdir()
    (workspace / "shots" / "one.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (workspace / "r.xml").write_text(
        suite(
            "a",
            case(
                "adds",
                '<failure message="boom">at Cart:7</failure><system-out>[[ATTACHMENT|shots/one.png]]</system-out>',
            ),
        )
    )

    result = cloud("import", "--reports", "r.xml")

    assert result.code == 0, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert "boom" in stored["comment"]
    assert "at Cart:7" in stored["comment"]
    assert [item["filename"] for item in stored["evidence"]] == ["one.png"]


def test_a_broken_report_is_named_and_the_others_are_imported(cloud, emulator, reports):
    """A report whose end is missing gives exit code 4 and loses nothing of the others."""
    (reports / "d.xml").write_text('<testsuite name="d"><testcase name="half"/>')

    result = cloud("import", "--reports", "*.xml")

    assert result.code == 4, result.out + result.err
    assert "d.xml" in result.out + result.err
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 5


def test_repeated_results_merge_into_one_run(cloud, emulator, workspace):
    """Two results for one Test are one entry, the worst by default."""
    (workspace / "r.xml").write_text(suite("a", case("adds"), case("adds", "<failure/>"), case("adds")))

    result = cloud("import", "--reports", "r.xml")

    assert result.code == 0, result.out + result.err
    (sent,) = emulator.document()["tests"]
    assert sent["status"] == "FAILED"


def test_plan_sends_nothing(cloud, emulator, reports):
    """`plan` says what would be done and makes no Test Execution."""
    result = cloud("plan", "--reports", "*.xml")

    assert result.code == 0, result.out + result.err
    assert emulator.imports() == []
    assert "5" in result.out


def test_fail_on_test_failures_is_exit_code_1_after_the_import(cloud, emulator, reports):
    """The verdict comes after the import: it is done, and code 1 says that tests failed."""
    result = cloud("import", "--reports", "*.xml", "--fail-on", "test-failures")

    assert result.code == 1, result.out + result.err
    assert len(emulator.executions()) == 1


def test_test_id_is_resolved_where_jira_can_be_read(server, emulator, workspace):
    """A numeric `test_id` is an issue id; Jira says its key."""
    (workspace / "r.xml").write_text(
        suite("a", case("adds", '<properties><property name="test_id" value="10103"/></properties>'))
    )

    result = server("import", "--reports", "r.xml")

    assert result.code == 0, result.out + result.err
    ((stored,),) = map(runs, emulator.executions())
    assert stored["test"] == "SHOP-3"


def test_cucumber_goes_native_by_itself(cloud, emulator, workspace):
    """`auto` sends the run natively when every report is Cucumber JSON, all files as one array in one request."""
    feature = {
        "name": "Cart",
        "keyword": "Feature",
        "id": "cart",
        "uri": "cart.feature",
        "elements": [
            {
                "type": "scenario",
                "keyword": "Scenario",
                "id": "cart;adds",
                "name": "adds",
                "tags": [{"name": "@SHOP-4"}],
                "steps": [{"keyword": "Given ", "name": "a cart", "result": {"status": "passed", "duration": 1}}],
            }
        ],
    }
    for name in ("one.json", "two.json"):
        (workspace / name).write_text(json.dumps([feature]))

    result = cloud("import", "--reports", "*.json")

    assert result.code == 0, result.out + result.err
    (call,) = emulator.imports()
    assert "/cucumber" in call["path"]
    ((stored,),) = map(runs, emulator.executions())
    assert stored["test"] == "SHOP-4"


@pytest.mark.parametrize("on", ["cloud", "server"])
def test_several_plans_and_versions(on, inside, emulator, reports):
    """One import: the first plan takes the results, the others are linked, and all versions are there."""
    plan = emulator.call(
        "POST",
        "/jira/rest/api/latest/issue",
        json.dumps(
            {"fields": {"project": {"key": "SHOP"}, "issuetype": {"name": "Test Plan"}, "summary": "p"}}
        ).encode(),
        Authorization="Bearer emulator-pat",
        content_type="application/json",
    ).json()["key"]

    result = inside(
        "import", "--reports", "*.xml", on=on, test_plan=f"SHOP-2\n{plan}", fix_version="1.0\n1.1", project="SHOP"
    )

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert execution["fix_versions"] == ["1.0", "1.1"]
    assert f"{execution['key']}: linked to {plan}" in result.out
    assert len(emulator.imports()) == 1


@pytest.mark.parametrize("name", ["chrome, firefox", "QA,DEV"])
def test_environments_with_a_comma_are_refused(name, inside, emulator, reports):
    """Server/DC would make one of that name."""
    result = inside("import", "--reports", "*.xml", on="server", test_environments=name)

    assert result.code == 2
    assert "has a comma in it" in result.out + result.err
    assert "one per line or with `;`" in result.out + result.err


def test_a_plan_that_cannot_be_linked_is_named(inside, emulator, reports):
    """The results are there, and the exit code says that something is missing."""
    result = inside("import", "--reports", "*.xml", test_plan="SHOP-2\nSHOP-5")

    assert result.code == 6, result.out + result.err
    assert "SHOP-5 is no Test Plan" in result.out + result.err
    assert len(emulator.executions()) == 1
