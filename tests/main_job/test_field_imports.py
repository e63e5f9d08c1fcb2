"""What users met who imported their reports: each case of the field reports, on both products.

Settings and reports are those of the case; a second run is another attempt of the same job.
"""

import json

import pytest
from job_runs import AGAIN, GITHUB, case, keyed, results, runs, suite

SHARDS = {"GITLAB_CI": "true", "CI_PROJECT_PATH": "acme/shop", "CI_PIPELINE_ID": "815", "CI_JOB_GROUP_NAME": "tests"}
SHARD = {**SHARDS, "CI_JOB_NAME": "tests 1/2", "CI_NODE_TOTAL": "2", "CI_NODE_INDEX": "1"}
OTHER_SHARD = {**SHARD, "CI_JOB_NAME": "tests 2/2", "CI_NODE_INDEX": "2"}
PASSED = {"cloud": "PASSED", "server": "PASS"}
FAILED = {"cloud": "FAILED", "server": "FAIL"}


def feature(*scenarios, tags=()):
    return {"uri": "shop.feature", "name": "Shop", "tags": [{"name": tag} for tag in tags], "elements": list(scenarios)}


def scenario(name, *tags, status="passed"):
    steps = [{"keyword": "Given ", "name": "a shop", "result": {"status": status, "error_message": "declined"}}]
    return {"type": "scenario", "name": name, "tags": [{"name": tag} for tag in tags], "steps": steps}


def robot(*tests):
    held = "".join(
        f'<test name="{name}">{"".join(f"<tag>{tag}</tag>" for tag in tags)}<status status="PASS"/></test>'
        for name, *tags in tests
    )
    return f'<robot generator="Robot 7.0"><suite name="Shop">{held}<status status="PASS"/></suite></robot>'


SHOP = [feature(scenario("Search", "@TEST_SHOP-8"), scenario("Pay by card", "@smoke", status="failed"))]
KEYED = [feature(scenario("Search", "@TEST_SHOP-8"), scenario("Codes", "@SHOP-4", status="failed"))]


def test_a_scenario_without_key_is_not_lost(job, side, emulator, report):
    """By default both results are in Xray, the unkeyed one as a Test of its own; another attempt adds nothing."""
    report("c.json", SHOP)

    first, second = job("import", "--reports", "c.json"), job("import", "--reports", "c.json", env=AGAIN)

    assert (first.code, second.code) == (0, 0), first.out + first.err + second.out + second.err
    assert "2 in reports = 2 sent = 2 stored" in first.out
    (execution,) = emulator.executions()
    assert ("SHOP-8", PASSED[side]) in results(execution)
    assert sorted([PASSED[side], FAILED[side]]) == sorted(run["status"] for run in runs(execution))


@pytest.mark.parametrize("strategy", ["auto", "native"])
def test_unmapped_results_stop_the_run_where_the_user_wants_that(strategy, job, emulator, report):
    """`unmapped: fail` holds for native imports as well: nothing is sent."""
    report("c.json", SHOP)

    result = job("import", "--reports", "c.json", "--unmapped", "fail", "--strategy", strategy)

    assert result.code == 4, result.out + result.err
    assert "c.json" in result.out + result.err
    assert "Pay by card" in result.out + result.err
    assert emulator.executions() == []


def test_what_a_native_import_ignores_is_named_and_counts(job, emulator, report):
    """The sum says where each result went, and `fail-on: unmapped` has its effect."""
    report("c.json", SHOP)

    result = job("import", "--reports", "c.json", "--strategy", "native", "--fail-on", "unmapped")

    assert result.code == 1, result.out + result.err
    assert "Pay by card" in result.out
    assert "2 in reports" in result.out
    assert "1 left out" in result.out
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 1


def test_keyed_scenarios_go_to_their_own_endpoint_and_another_attempt_adds(job, side, emulator, report):
    """The native path carries the mark as a label, and adds by the first tag of each feature."""
    report("c.json", KEYED)

    first = job("import", "--reports", "c.json", "--test-plan", "SHOP-2")
    second = job("import", "--reports", "c.json", "--test-plan", "SHOP-2", env=AGAIN)

    assert (first.code, second.code) == (0, 0), first.out + first.err + second.out + second.err
    assert "2 in reports = 2 sent = 2 stored" in first.out
    assert "2 in reports = 2 sent = 2 stored" in second.out
    assert all("/cucumber" in call["path"] for call in emulator.imports())
    (execution,) = emulator.executions()
    assert {("SHOP-8", PASSED[side]), ("SHOP-4", FAILED[side])} == results(execution)
    assert execution["execution"]["imports"] == 2
    assert execution["execution"]["plans"] == ["SHOP-2"]


@pytest.mark.parametrize("strategy", ["convert", "auto", "native"])
def test_tags_of_an_exported_feature_name_more_than_tests(strategy, job, side, emulator, report):
    """Xray's own export writes keys of executions, requirements and sets beside those of Tests."""
    report(
        "c.json",
        [feature(scenario("Search", "@SHOP-8", "@SHOP-11", "@SHOP-13", "@smoke"), tags=("@SHOP-40", "@SHOP-5"))],
    )

    result = job("import", "--reports", "c.json", "--test-execution", "SHOP-40", "--strategy", strategy)

    assert result.code == 0, result.out + result.err
    assert "SHOP-40, SHOP-5, SHOP-11, SHOP-13" in result.out or "no Test" in result.out
    assert emulator.executions() == []
    stored = emulator.state()["issues"]["SHOP-40"]["execution"]["runs"]
    assert PASSED[side] == stored["SHOP-8"]["status"].replace("PASSED", PASSED[side])
    assert len(stored) == 6


def test_a_story_among_tags_is_a_requirement(job, side, emulator, report):
    """With the key of a Test beside it, that Test gets the result; alone, the Test is found by its definition."""
    report(
        "output.xml", robot(("Login", "SHOP-3", "SHOP-5"), ("Buy", "SHOP-5"), ("Mine", "smoke", "SHOP-5", "SHOP-11"))
    )

    result = job("import", "--reports", "output.xml")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    stored = results(execution)
    assert len(stored) == 3
    assert ("SHOP-3", PASSED[side]) in stored
    issues = emulator.state()["issues"]
    made = {issues[key]["summary"]: issues[key]["test"]["requirements"] for key, _ in stored if key != "SHOP-3"}
    assert made == {"Buy": ["SHOP-5"], "Mine": ["SHOP-5", "SHOP-11"]}


def test_keys_are_looked_up_once_for_a_hundred(job, side, emulator, report):
    """One question, whatever the number of tests; a key that is not there is dropped and named by the import."""
    report("output.xml", robot(*((f"t{number}", "SHOP-3" if number else "SHOP-999") for number in range(50))))

    result = job("import", "--reports", "output.xml")

    assert result.code == 8, result.out + result.err
    assert "SHOP-999" in result.out + result.err
    first = next(number for number, call in enumerate(emulator.requests()) if call["kind"] == "import")
    asked = [
        call["path"]
        for call in emulator.requests()[:first]
        if not call["path"].endswith(("authenticate", "serverInfo"))
    ]
    assert asked == {"cloud": ["/api/v2/graphql"] * 2, "server": ["/jira/rest/api/latest/search"] * 2}[side]


@pytest.mark.parametrize("more", [(), ("--labels", "nightly"), ("--execution-scope", "branch")])
def test_a_native_re_run_doubles_nothing(more, job, emulator, report):
    """Another attempt finds the Test Execution of the first by its mark and adds to it."""
    report("junit.xml", suite("s", case("c1")))
    branch = {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
    command = ("import", "--reports", "junit.xml", "--strategy", "native", *more)

    first, second = job(*command, env={**GITHUB, **branch}), job(*command, env={**AGAIN, **branch})

    assert (first.code, second.code) == (0, 0), first.out + first.err + second.out + second.err
    assert "1 in reports = 1 sent = 1 stored" in second.out
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 1
    assert [label for label in execution["labels"] if label.startswith("xrayci")]


def test_tests_of_a_native_import_are_in_the_plan(job, side, emulator, report):
    """The form of Server/DC links the Test Execution only, so its Tests are added."""
    report("junit.xml", suite("s", case("c1")))

    result = job("import", "--reports", "junit.xml", "--strategy", "native", "--test-plan", "SHOP-2")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert emulator.state()["issues"]["SHOP-2"]["plan"]["tests"][3:] == [run["test"] for run in runs(execution)]


def test_native_shards_share_one_test_execution(job, emulator, report):
    """The empty one that they make is filled by both, with Test Plan, environments and revision."""
    report("a.xml", suite("s", case("c1")))
    report("b.xml", suite("s", case("c2")))
    command = ("import", "--strategy", "native", "--test-plan", "SHOP-2", "--test-environments", "chrome")

    first = job(*command, "--reports", "a.xml", "--revision", "abc", env=SHARD)
    second = job(*command, "--reports", "b.xml", "--revision", "abc", env=OTHER_SHARD)

    assert (first.code, second.code) == (0, 0), first.out + first.err + second.out + second.err
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 2
    details = execution["execution"]
    assert (details["plans"], details["environments"], details["revision"]) == (["SHOP-2"], ["chrome"], "abc")


@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_shards_keep_the_fields_of_their_test_execution(strategy, job, side, emulator, report):
    """What the user sets is on the empty one already; nothing that was sent is said to be left out."""
    report("junit.xml", suite("s", case("c1")))
    field = "customfield_10020" if side == "cloud" else "customfield_10015"
    fields = {"priority": {"name": "High"}, field: "2026-11-01"}
    command = (
        "import",
        "--reports",
        "junit.xml",
        "--labels",
        "nightly",
        "--fix-version",
        "1.1",
        "--strategy",
        strategy,
    )

    result = job(*command, "--revision", "abc", "--test-plan", "SHOP-2", env=SHARD, fields=json.dumps(fields))

    assert result.code == 0, result.out + result.err
    assert "left out" not in result.out
    (execution,) = emulator.executions()
    assert fields == {name: execution["fields"].get(name) for name in fields}
    assert "nightly" in execution["labels"]
    assert execution["fix_versions"] == ["1.1"]
    assert (execution["execution"]["revision"], execution["execution"]["plans"]) == ("abc", ["SHOP-2"])


def test_the_first_refusal_is_the_one_that_is_told(job, side, report):
    """A misspelt project shows the import's own words and what to do; nothing invites to resume."""
    report("junit.xml", suite("s", case("c1")))

    result = job("import", "--reports", "junit.xml", project="SHPO")

    said = result.out + result.err
    assert result.code == 6, said
    if side == "cloud":
        assert "No project could be found with key 'SHPO'" in said
        assert "Set `project` to a project key that this user can see." in said
    else:
        assert "project is required" in said
    assert "getTestExecutions" not in said
    assert "resume" not in said


@pytest.mark.parametrize("name", ["fields", "labels", "summary", "description"])
def test_what_is_set_is_written_to_the_test_execution_that_is_named(name, job, emulator, report):
    """By the multipart path; labels are added, and what nobody set stays as people wrote it."""
    report("junit.xml", suite("s", keyed("c1", "SHOP-3")))
    before = emulator.state()["issues"]["SHOP-40"]
    values = {
        "fields": '{"priority": {"name": "High"}}',
        "labels": "nightly",
        "summary": "Release 1.1 RC3",
        "description": "see build 7",
    }

    result = job("import", "--reports", "junit.xml", "--test-execution", "SHOP-40", **{name: values[name]})

    assert result.code == 0, result.out + result.err
    after = emulator.state()["issues"]["SHOP-40"]
    assert after[name] == {"fields": {"priority": {"name": "High"}}, "labels": ["nightly"]}.get(name, values[name])
    for other in {"fields", "labels", "summary", "description", "fix_versions"} - {name}:
        assert before[other] == after[other]
    assert before["execution"]["revision"] == after["execution"]["revision"]


def test_a_found_config_writes_nothing_to_a_named_test_execution(job, emulator, report, workspace):
    """A pull request can change that file: what it says of an issue of others is named and left alone."""
    report("junit.xml", suite("s", keyed("c1", "SHOP-3")))
    (workspace / ".xray-ci.yml").write_text("summary: mine now\nlabels: [mine]\n")
    before = emulator.state()["issues"]["SHOP-40"]

    result = job("import", "--reports", "junit.xml", "--test-execution", "SHOP-40")

    assert result.code == 0, result.out + result.err
    assert "`labels`, `summary`" in result.out
    after = emulator.state()["issues"]["SHOP-40"]
    assert {name: before[name] for name in ("summary", "labels")} == {
        name: after[name] for name in ("summary", "labels")
    }


def test_a_refused_read_back_is_no_failed_import(job, side, emulator, report, inside):
    """All results are there and it is said so: a warning, and nothing is kept."""
    report("junit.xml", suite("s", case("c1")))
    path = {"cloud": "/api/v2/graphql", "server": "/jira/rest/raven/2.0/api/testexec/"}[side]
    contains = "estRuns" if side == "cloud" else ""
    refusal = {"status": 403, "body": {"error": "You have no permission"}}
    emulator._control("POST", "faults", {"match": {"path": path, "contains": contains}, "times": -1, **refusal})

    result = job("import", "--reports", "junit.xml")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert f"all results were sent to {execution['key']}" in result.out + result.err
    assert "nothing was imported" not in (result.out + result.err).lower()
    assert inside.left() == []


@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_advice_fits_a_run_of_several_test_executions(strategy, job, side, emulator, report):
    """`test-execution` does not go with `executions`, so nobody is told to set it for all that is missing."""
    report("a.xml", suite("a", case("c1")))
    report("b.xml", suite("b", case("c2")))
    path = {"cloud": "/api/v2/import/execution", "server": "/jira/rest/raven/2.0/import/execution"}[side]
    order = {"match": {"path": path, "method": "POST"}, "skip": 1, "times": -1, "status": 403}
    emulator._control("POST", "faults", order | {"body": {"error": "You have no permission"}})

    result = job("import", "--reports", "*.xml", "--executions", "per-report", "--strategy", strategy)

    said = result.out + result.err
    assert result.code == 5, said
    assert "1 of 2 requests were imported" in said
    assert "import the missing reports again" in said
    assert "again with `test-execution" not in said


def test_native_cucumber_writes_what_is_set_to_the_test_execution_that_is_named(job, emulator, report):
    """Its features name it by their first tag; labels are added and the summary is set."""
    report("c.json", KEYED)
    command = ("import", "--reports", "c.json", "--strategy", "native", "--test-execution", "SHOP-40")

    result = job(*command, "--labels", "nightly", "--summary", "Release 1.1 RC3")

    assert result.code == 0, result.out + result.err
    assert emulator.executions() == []
    after = emulator.state()["issues"]["SHOP-40"]
    assert (after["labels"], after["summary"]) == (["nightly"], "Release 1.1 RC3")
    assert {"SHOP-8", "SHOP-4"} < set(after["execution"]["runs"])


def test_native_behave_cannot_share(job, emulator, report):
    """No way is known to add its results, and that is said before an empty Test Execution is made."""
    steps = [{"keyword": "Given", "name": "a shop", "result": {"status": "passed"}}]
    element = {"type": "scenario", "name": "Search", "status": "passed", "tags": ["SHOP-8"], "steps": steps}
    around = {"keyword": "Feature", "name": "Shop", "status": "passed", "location": "a:1"}
    report("b.json", [{**around, "elements": [element]}])

    natively = job("import", "--reports", "b.json", "--strategy", "native", env=SHARD)
    by_default = job("import", "--reports", "b.json", env=SHARD)

    assert natively.code == 2, natively.out + natively.err
    assert "cannot-be-added" in natively.out + natively.err
    assert by_default.code == 0, by_default.out + by_default.err
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 1


@pytest.mark.parametrize("how", ["setting", "config"])
def test_no_environment_is_made_of_a_comma(how, job, emulator, report, workspace):
    """`QA, DEV` is no name of one environment: exit 2 says how to write two, and written so both are there."""
    report("junit.xml", suite("s", case("c1", classname="a.B")))

    def state():
        return {name: value for name, value in emulator.state().items() if name != "now"}

    def run(environments):
        if how == "setting":
            return job("import", "--reports", "junit.xml", "--test-environments", environments)
        (workspace / ".xray-ci.yml").write_text(f"test-environments: '{environments}'\n")
        return job("import", "--reports", "junit.xml")

    before = state()
    refused = run("QA, DEV")

    assert refused.code == 2, refused.out + refused.err
    assert "Write each by itself, one per line or with `;`." in refused.out + refused.err
    assert before == state()
    taken = run("chrome; firefox")
    assert taken.code == 0, taken.out + taken.err
    (execution,) = emulator.executions()
    assert execution["execution"]["environments"] == ["chrome", "firefox"]


def test_rows_of_a_parameterised_method_are_results_of_its_test(job, side, emulator, report):
    """NUnit writes a method's key on the suite of its rows: one failed row makes that Test failed, no Test is made."""
    report(
        "nunit.xml",
        '<test-run id="0" result="Failed"><test-suite type="TestFixture" name="Cart" fullname="Shop.Cart">'
        '<test-suite type="ParameterizedMethod" id="0-1" name="Total" fullname="Shop.Cart.Total">'
        '<properties><property name="TestKey" value="SHOP-7"/></properties>'
        '<test-case id="0-2" name="Total(1)" fullname="Shop.Cart.Total(1)" classname="Shop.Cart" result="Passed"/>'
        '<test-case id="0-3" name="Total(2)" fullname="Shop.Cart.Total(2)" classname="Shop.Cart" result="Failed">'
        "<failure><message>boom</message></failure></test-case></test-suite></test-suite></test-run>",
    )
    before = len(emulator.state()["issues"])

    result = job("import", "--reports", "nunit.xml")

    assert result.code == 0, result.out + result.err
    assert "2 in reports - 1 merged = 1 sent = 1 stored" in result.out
    (execution,) = emulator.executions()
    assert results(execution) == {("SHOP-7", FAILED[side])}
    assert len(emulator.state()["issues"]) == before + 1


def test_the_last_result_is_the_one_of_the_later_run(job, side, emulator, report):
    """`junit-rerun.xml` sorts before `junit.xml`, and is later all the same, by its timestamp."""
    bad = '<failure message="boom">t</failure>'
    early, late = (f'<testsuite name="s" timestamp="2026-11-01T10:0{minute}:00">' for minute in (0, 5))
    report("junit.xml", f"{early}{case('flaky', bad)}</testsuite>")
    report("junit-rerun.xml", f"{late}{case('flaky')}</testsuite>")

    result = job("import", "--repeats", "last", reports="junit.xml\njunit-rerun.xml")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert [run["status"] for run in runs(execution)] == [PASSED[side]]
