"""Several Test Executions in one run, rules of the user's, and what never leaves or is never made."""

import json
from functools import partial

import pytest
from job_runs import case, keyed, results, runs, suite

PLAYWRIGHT = {
    "config": {"rootDir": "/x"},
    "suites": [
        {
            "title": "a.spec.ts",
            "specs": [
                {
                    "title": "pays",
                    "tests": [
                        {
                            "projectName": project,
                            "status": "expected" if project == "chrome" else "unexpected",
                            "results": [{"status": status, "duration": 5, "startTime": "2026-01-01T10:00:00Z"}],
                        }
                        for project, status in (("chrome", "passed"), ("firefox", "failed"))
                    ],
                }
            ],
        }
    ],
}
CONFIG = """\
reports: ["*.xml"]
mapping:
  tests:
    shop.Cart.sorts: SHOP-6
  rules:
    - when: {name: '^TC(?P<number>[0-9]+) '}
      key: SHOP-{number}
    - when: {class: quarantine}
      skip: true
    - when: {property: {browser: '(?P<browser>.+)'}}
      labels: ["on-{browser}"]
      environment: "{browser}"
"""


@pytest.fixture(params=["cloud", "server"])
def job(request, inside):
    """Run a command against each deployment."""
    return partial(inside, on=request.param)


def environments(execution):
    return execution["execution"]["environments"]


def test_each_environment_of_a_report_gets_its_test_execution(job, emulator, workspace):
    """Projects of Playwright are Test Environments, and the same Test has a Test Run in each Test Execution."""
    (workspace / "r.json").write_text(json.dumps(PLAYWRIGHT))

    result = job(
        "import",
        "--reports",
        "r.json",
        "--executions",
        "per-environment",
        "--test-environments",
        "linux",
        "--dotenv-file",
        "out.env",
    )

    assert result.code == 0, result.out + result.err
    chrome, firefox = emulator.executions()
    assert [environments(chrome), environments(firefox)] == [["linux", "chrome"], ["linux", "firefox"]]
    assert [len(runs(chrome)), len(runs(firefox))] == [1, 1]
    assert {run["test"] for run in runs(chrome)} == {run["test"] for run in runs(firefox)}
    assert f"XRAY_TEST_EXECUTION_KEYS={chrome['key']},{firefox['key']}" in (workspace / "out.env").read_text().replace(
        '"', ""
    )
    assert chrome["summary"].endswith("(chrome)")


@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_each_report_gets_its_test_execution(strategy, job, emulator, reports):
    """Neither way merges what the user wants apart; a summary names its report."""
    result = job(
        "import",
        "--reports",
        "*.xml",
        "--executions",
        "per-report",
        "--strategy",
        strategy,
        "--summary",
        "Run of {report}",
    )

    assert result.code == 0, result.out + result.err
    assert [len(runs(execution)) for execution in emulator.executions()] == [2, 2, 1]
    if strategy == "convert":
        assert [execution["summary"] for execution in emulator.executions()] == [
            "Run of a.xml",
            "Run of b.xml",
            "Run of c.xml",
        ]


def test_what_is_refused_for_one_does_not_hold_the_others_back(inside, emulator, workspace):
    """A Test that does not exist costs its own Test Execution only.

    The exit code says that something is missing.
    """
    for name, key in (("a", "SHOP-7"), ("b", "SHOP-99"), ("c", "SHOP-6")):
        (workspace / f"{name}.xml").write_text(suite(name, keyed("x", key)))

    result = inside("import", "--reports", "*.xml", "--executions", "per-report")

    assert result.code == 6, result.out + result.err
    assert [{("SHOP-7", "PASSED")}, {("SHOP-6", "PASSED")}] == [
        results(execution) for execution in emulator.executions()
    ]
    assert "2 of 3 requests were imported" in result.out + result.err


def test_rules_decide_and_plan_says_which(job, emulator, workspace):
    """The table, a rule's key, a skip and an environment from a suite's property; `plan` names rule and line."""
    (workspace / ".xray-ci.yml").write_text(CONFIG)
    browser = '<properties><property name="browser" value="chrome"/></properties>'
    (workspace / "a.xml").write_text(
        f'<testsuite name="a">{browser}'
        + case("sorts")
        + case("TC3 pays")
        + case("shows")
        + case("flaky", classname="quarantine.Q")
        + "</testsuite>"
    )

    planned, done = job("plan"), job("import")

    assert (planned.code, done.code) == (0, 0), planned.out + done.out + done.err
    for line in (
        "SHOP-6  sorts     a.xml:1  by tests (.xray-ci.yml:4:5)",
        "SHOP-3  TC3 pays  a.xml:1  by rule 1 (.xray-ci.yml:6:7)",
        "-  shop.Cart.shows  a.xml:1  by definition",
    ):
        assert line in planned.out, planned.out
    assert "1 left out by rules" in done.out
    (execution,) = emulator.executions()
    assert {"SHOP-6", "SHOP-3"} < {key for key, _ in results(execution)}
    assert (len(runs(execution)), environments(execution)) == (3, ["chrome"])


def test_scrubbed_texts_reach_nobody(job, emulator, workspace):
    """Neither the service nor the log nor the result file gets what `scrub` finds."""
    (workspace / "a.xml").write_text(
        suite("a", case("adds", '<failure message="token=abc123">at https://u:abc123@db</failure>'))
    )

    result = job(
        "import", "--reports", "a.xml", "--scrub", "abc[0-9]+", "--result-file", "result.json", "--log-level", "debug"
    )

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    (run,) = runs(execution)
    assert "token=***" in run["comment"]
    assert "abc123" not in run["comment"] + result.out + result.err + (workspace / "result.json").read_text()


def test_new_tests_are_bounded_and_existing_ones_are_not_new(job, emulator, workspace):
    """`max-new-tests` stops before the import; Tests that Xray holds already do not count."""
    (workspace / "a.xml").write_text(suite("a", *(case(f"t{number}") for number in range(3))))

    refused = job("import", "--reports", "a.xml", "--max-new-tests", "2")
    assert refused.code == 4, refused.out + refused.err
    assert "would create 3 Tests" in refused.out + refused.err
    assert emulator.executions() == []

    assert job("import", "--reports", "a.xml", "--max-new-tests", "3").code == 0
    again = job("import", "--reports", "a.xml", "--max-new-tests", "0")
    assert again.code == 0, again.out + again.err


def test_an_explicit_test_type_wins_over_what_a_scenario_implies(inside, emulator, workspace):
    """`test-type: Manual` makes Manual Tests with the scenario's steps, whose results are stored."""
    steps = [
        {"keyword": "Given ", "name": "a cart", "result": {"status": "passed"}},
        {"keyword": "When ", "name": "it breaks", "result": {"status": "failed", "error_message": "boom"}},
    ]
    (workspace / "c.json").write_text(
        json.dumps(
            [
                {
                    "uri": "a.feature",
                    "name": "Cart",
                    "elements": [{"name": "pays", "type": "scenario", "keyword": "Scenario", "steps": steps}],
                }
            ]
        )
    )

    result = inside("import", "--reports", "c.json", "--test-type", "Manual", "--strategy", "convert")

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    (run,) = runs(execution)
    assert [step["status"] for step in run["steps"]] == ["PASSED", "FAILED"]


@pytest.mark.parametrize("name", ["[~admin] !x.png! {html}.xml", "[a|mailto:x] [^f] {color:red}.xml"])
def test_names_that_strangers_choose_are_no_markup(job, emulator, workspace, name):
    """In a description they notify nobody and make no macro, picture or link; the user's own markup stays."""
    (workspace / name).write_text(suite("a", case("adds")))

    result = job(
        "import",
        "--reports",
        "*.xml",
        "--executions",
        "per-report",
        "--description",
        "*Report* {report}",
        "--summary",
        "{report}",
    )

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    said = execution["description"]
    assert said.startswith("*Report* ")
    assert [found for found in ("[~", "!x", "{html", "[a", "[^", "{color") if found in said] == []
    assert "[~" not in execution["summary"]


@pytest.mark.proof
def test_three_thousand_results_are_read_back_in_one_request(cloud, emulator, workspace):
    """Totals prove them: a token, an import and a read; four more say which of the Tests are new."""
    (workspace / "r.xml").write_text(suite("s", *(case(f"adds {number}") for number in range(3_000))))

    result = cloud("import", "--reports", "r.xml")

    assert result.code == 0, result.out
    assert "3,000 in reports = 3,000 sent = 3,000 stored" in result.out
    assert "3,000 new Tests" in result.out
    assert len(emulator.requests()) <= 7
