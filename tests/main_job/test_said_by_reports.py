"""What reports say beside their results: where these go, fields of Test Runs, what Tests cover; on both products."""

import gzip
import json
from pathlib import Path

import pytest
from job_runs import case, results, runs, suite

from xray_ci.formats import FORMATS, TAGGED

DATA = Path(__file__).resolve().parents[1] / "data"

PASSED = {"cloud": "PASSED", "server": "PASS"}


def xray_json(*keys, **outside):
    return {"tests": [{"testKey": key, "status": "PASS"} for key in keys], **outside}


OWN = {"testPlanKey": "SHOP-2", "testEnvironments": ["chrome", "firefox"]}


def test_xray_json_goes_where_it_says(job, side, emulator, report):
    """No setting says otherwise: its Test Execution, Test Plan and environments are taken, and it is told."""
    report("x.json", xray_json("SHOP-3", testExecutionKey="SHOP-40", info={**OWN, "summary": "mine now"}))
    before = emulator.state()["issues"]["SHOP-40"]

    result = job("import", "--reports", "x.json")

    assert result.code == 0, result.out + result.err
    assert "x.json names `test-execution: SHOP-40`, which is followed" in result.out
    assert "x.json names `test-environments: chrome; firefox`, which is followed" in result.out
    assert "where its results go is not taken" not in result.out
    assert emulator.executions() == []
    after = emulator.state()["issues"]["SHOP-40"]
    assert after["execution"]["runs"]["SHOP-3"]["status"] == PASSED[side]
    assert {"chrome", "firefox"} <= set(after["execution"]["environments"])
    assert "SHOP-2" in after["execution"]["plans"]
    for name in ("summary", "description", "labels", "fix_versions"):
        assert before[name] == after[name]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"test_plan": "SHOP-2", "test_environments": "linux"}, "`test-plan` is set"),
        ({"execution_scope": "run"}, "`execution-scope` is set"),
        ({"summary": "Nightly"}, "`summary` is set"),
    ],
    ids=["all", "scope", "summary"],
)
def test_settings_decide_against_a_report(settings, said, job, emulator, report):
    """What is set holds, and a Test Execution that settings describe is a new one; what was named is untouched."""
    report("x.json", xray_json("SHOP-3", testExecutionKey="SHOP-40", info=OWN))
    before = emulator.state()["issues"]["SHOP-40"]

    result = job("plan", "--reports", "x.json", **settings)

    assert result.code == 0, result.out + result.err
    assert f"which is not followed: {said}" in result.out
    assert "SHOP-40: " not in result.out
    assert before == emulator.state()["issues"]["SHOP-40"]


@pytest.mark.parametrize("settings", [{}, {"project": None, "key_projects": "SHOP"}], ids=["project", "key-projects"])
def test_a_report_names_no_issue_of_another_project(settings, job, emulator, report):
    """A report is a stranger's: it leads into no project that settings do not list, nor to what is no key."""
    report("x.json", xray_json("SHOP-3", testExecutionKey="OTHER-1", info={"testPlanKey": "SHOP-2 OR key = X-1"}))

    result = job("import", "--reports", "x.json", **settings)

    assert result.code == 0, result.out + result.err
    assert "`test-execution: OTHER-1`, which is not followed: its project is none of" in result.out
    assert "which is not followed: it is no issue key" in result.out
    (execution,) = emulator.executions()
    assert execution["execution"]["plans"] == []


def test_reports_that_do_not_agree_are_not_followed(job, emulator, report):
    """One report does not lead the results of another into its Test Execution."""
    report("x.json", xray_json("SHOP-3", testExecutionKey="SHOP-40"))
    report("junit.xml", suite("s", case("c1")))

    result = job("import", reports="x.json\njunit.xml")

    assert result.code == 0, result.out + result.err
    assert "x.json names where its results go; not all reports say it" in result.out
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 2


def test_what_nobody_can_follow_is_told(job, emulator, report, workspace):
    """Inside of a packed file, and where results are collected for another job."""
    said = xray_json("SHOP-3", testExecutionKey="SHOP-40")
    (workspace / "x.json.gz").write_bytes(gzip.compress(json.dumps(said).encode()))
    report("x.json", said)

    packed = job("import", "--reports", "x.json.gz")
    collected = job("collect", "--reports", "x.json", "--output", "held.xrayci")

    for result in (packed, collected):
        assert result.code == 0, result.out + result.err
        assert "where its results go is not taken from a report here: testExecutionKey" in result.out
    assert len(emulator.executions()) == 1


@pytest.mark.parametrize("name", ["cf1", "no such field"])
def test_a_custom_field_of_a_test_run_is_stored_by_its_name(name, job, side, emulator, report):
    """Server/DC takes ids, which its project says; a name that it does not have is left out with a notice."""
    field = f'<property name="testrun_customfields"><item name="{name}">x</item></property>'
    key = '<property name="test_key" value="SHOP-3"/>'
    report("junit.xml", suite("s", *(case("c1", f"<properties>{key}{field}</properties>") for _ in range(2))))

    result = job("import", "--reports", "junit.xml")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    (run,) = runs(execution)
    stored = {"cloud": [{"name": name, "value": "x"}], "server": [{"id": "1", "value": "x"}] * (name == "cf1")}[side]
    assert run["custom_fields"] == stored
    assert ("by id only" in result.out) == (side == "server" and name != "cf1")
    asked = [call for call in emulator.requests() if "customfields/testruns" in call["path"]]
    assert len(asked) == (side == "server")


JIRA = {"jira_username": "dev@example.com", "jira_token": "emulator-jira-token"}


def test_a_test_named_by_key_is_linked_to_what_it_covers(job, side, emulator, report):
    """Beside the import, which would rewrite the Test; without the setting it is told that nobody links it."""
    said = '<property name="test_key" value="SHOP-3"/><property name="requirements" value="SHOP-11, nonsense"/>'
    report("junit.xml", suite("s", case("c1", f"<properties>{said}</properties>")))
    jira = {} if side == "server" else {**JIRA, "jira_url": emulator.url}

    plain = job("import", "--reports", "junit.xml", env={}, **jira)
    linked = job("import", "--reports", "junit.xml", requirements="link", **jira)

    assert (plain.code, "labels, requirements" in plain.out) == (0, True)
    assert linked.code == 0, linked.text
    assert "labels, requirements" not in linked.out
    assert "A requirement is no Jira issue key" in linked.out
    assert len([call for call in emulator.requests() if call["path"].endswith("/issueLink")]) == 1


def test_without_jira_what_a_keyed_test_covers_is_told(job, side, emulator, report):
    """Xray Cloud's own API cannot link it: the notice says that it was left out."""
    said = '<property name="test_key" value="SHOP-3"/><property name="requirements" value="SHOP-11"/>'
    report("junit.xml", suite("s", case("c1", f"<properties>{said}</properties>")))

    result = job("import", "--reports", "junit.xml", requirements="link")

    assert result.code == 0, result.out + result.err
    assert ("labels, requirements" in result.out) == (side == "cloud")


@pytest.mark.parametrize(
    ("changes", "covered"),
    [({}, ["SHOP-11"]), ({"requirements": "none"}, []), ({"key_projects": "OTHER"}, [])],
    ids=["new", "none", "bounded"],
)
def test_a_new_test_covers_what_its_report_names(job, emulator, report, changes, covered):
    """Unless nothing is to be taken from reports, or the project is none that they may name; that is told."""
    said = '<properties><property name="requirements" value="SHOP-11"/></properties>'
    report("junit.xml", suite("s", case("c1", said)))

    result = job("import", "--reports", "junit.xml", **changes)

    assert result.code == 0, result.out + result.err
    (test,) = emulator.created_tests()
    assert test["test"]["requirements"] == covered
    assert ("`key-projects` does not list" in result.out) == ("key_projects" in changes)


def test_a_requirement_that_is_not_there_is_told_and_not_resumed(job, side, emulator, report):
    """The result is stored; exit 8 names the Test and the service's words."""
    said = '<property name="test_key" value="SHOP-3"/><property name="requirements" value="SHOP-999"/>'
    report("junit.xml", suite("s", case("c1", f"<properties>{said}</properties>")))
    jira = {} if side == "server" else {**JIRA, "jira_url": emulator.url}

    result = job("import", "--reports", "junit.xml", requirements="link", **jira)

    assert result.code == 8, result.out + result.err
    assert "all results of SHOP-3 are imported, and it is not linked to all that it covers" in result.out
    assert "resume" not in result.out + result.err
    (execution,) = emulator.executions()
    assert results(execution) == {("SHOP-3", PASSED[side])}


TAGGED_REPORTS = {
    "cucumber-json": [
        {
            "name": "F",
            "elements": [
                {
                    "type": "scenario",
                    "name": "S",
                    "tags": [{"name": "@SHOP-5"}],
                    "steps": [{"keyword": "Given ", "name": "a shop", "result": {"status": "passed"}}],
                }
            ],
        }
    ],
    "behave-json": [
        {
            "keyword": "Feature",
            "name": "F",
            "elements": [
                {
                    "keyword": "Scenario",
                    "type": "scenario",
                    "name": "S",
                    "tags": ["SHOP-5"],
                    "status": "passed",
                    "steps": [
                        {
                            "keyword": "Given",
                            "name": "a shop",
                            "step_type": "given",
                            "location": "a.feature:3",
                            "result": {"status": "passed", "duration": 0.1},
                        }
                    ],
                }
            ],
        }
    ],
    "robot": '<robot><suite name="S"><test name="T"><tag>SHOP-5</tag><status status="PASS"/></test>'
    '<status status="PASS"/></suite></robot>',
    "karate-json": "demo.cart.karate-json.txt",
    "serenity-json": "0a1b2c.json",
}
"""A report of each family whose bare tags name Tests, or one of the samples; SHOP-5 is a Story."""


def test_the_reports_are_of_every_tagged_family():
    """A family that comes gets a report here."""
    assert {row.family for row in FORMATS if row.key in TAGGED_REPORTS} == TAGGED


@pytest.mark.parametrize("key", TAGGED_REPORTS)
def test_a_tag_of_a_story_is_told_and_is_no_result(key, side, inside, report):
    """What tags name is asked for in every family that has them; a Story gets no result."""
    written = TAGGED_REPORTS[key]
    if isinstance(written, str) and not written.startswith("<"):
        written = (DATA / "reports" / key / written).read_text("utf-8").replace("SHOP-12", "SHOP-5")
    report("r", written)

    said = inside("import", "--reports", f"{key}=r", on=side)

    assert "SHOP-5: named by tags, and no Test; no result is stored for such a key" in said.out
