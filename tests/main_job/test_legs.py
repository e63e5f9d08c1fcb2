"""Jobs of one matrix: which of them share a Test Execution, and what a re-run of one of them finds."""

import json

import pytest
from job_runs import case, results, runs, suite

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "Tests",
    "GITHUB_JOB": "test",
    "GITHUB_ACTION": "__acme_xray-ci",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_NUMBER": "41",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
}


@pytest.fixture
def leg(inside, workspace):
    """Import the results of one job of a matrix, as the action's own inputs tell it: `leg(case(…), browser="a")`."""

    def run(cases, on="cloud", changes=(), attempt="1", total=4, **values):
        (workspace / "r.xml").write_text(suite("s", *cases))
        strategy = {"fail-fast": True, "job-index": 0, "job-total": total, "max-parallel": total}
        env = GITHUB | {
            "GITHUB_RUN_ATTEMPT": attempt,
            "INPUT_GITHUB-MATRIX": json.dumps(values, indent=2),
            "INPUT_GITHUB-STRATEGY": json.dumps(strategy),
        }
        done = inside("import", "--reports", "r.xml", on=on, **(env | dict(changes)))
        assert done.code == 0, done.out + done.err
        return done

    return run


@pytest.mark.parametrize("on", ["cloud", "server"])
def test_browsers_by_shards_make_one_for_each_browser(on, leg, emulator):
    """With no setting; a job that runs again adds to its own, and not to the oldest."""
    for browser in ("chrome", "firefox"):
        for shard in (1, 2):
            leg([case(f"{shard} of {browser}")], on, browser=browser, shard=shard)

    chrome, firefox = emulator.executions()
    assert [len(runs(each)) for each in (chrome, firefox)] == [2, 2]
    assert {each["summary"] for each in (chrome, firefox)} == {
        "Tests #41 on main (chrome)",
        "Tests #41 on main (firefox)",
    }

    leg([case("2 of firefox", "<failure/>")], on, attempt="2", browser="firefox", shard=2)

    chrome_now, firefox_now = emulator.executions()
    assert results(chrome_now) == results(chrome)
    assert len(runs(firefox_now)) == 2
    assert len(results(firefox_now) - results(firefox)) == 1


def test_legs_that_run_the_same_tests_stay_apart(leg, emulator):
    """Two browsers have two Test Executions, in a branch's scope as well; a third run of one finds its own."""
    scope = {"XRAY_CI_EXECUTION_SCOPE": "branch"}
    for changes, browser in ((), "chrome"), ((), "firefox"), (scope, "chrome"), (scope, "firefox"), (scope, "chrome"):
        leg([case("pays")], changes=changes, browser=browser)

    assert [len(runs(each)) for each in emulator.executions()] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "made"), [({"XRAY_CI_SHARDS": "none"}, 2), ({"XRAY_CI_SHARDS": "part"}, 1), ({}, 2)]
)
def test_the_setting_says_what_is_a_shard(settings, made, leg, emulator):
    """Names of keys replace the usual ones, and `none` has every leg make its own."""
    for part in ("a", "b"):
        leg([case(part)], changes=settings, part=part, total=2)

    assert len(emulator.executions()) == made


def test_a_part_tells_jobs_apart_that_the_system_cannot(inside, reports, emulator):
    """Cells of a Jenkins matrix have one stage name; each finds its own again."""
    jenkins = {"JENKINS_URL": "https://ci.example.com", "BUILD_TAG": "jenkins-shop-7", "STAGE_NAME": "Test"}
    for part in ("linux", "windows", "linux"):
        assert inside("import", "--reports", "*.xml", "--execution-part", part, **jenkins).code == 0

    assert [len(runs(each)) for each in emulator.executions()] == [5, 5]


@pytest.mark.parametrize("on", ["cloud", "server"])
@pytest.mark.parametrize(("days", "made"), [(29, 1), (31, 2)])
def test_a_number_that_comes_again_is_another_run(on, days, made, inside, reports, emulator):
    """A job of Jenkins that is made anew counts from 1: its first build leaves last month's results alone."""
    jenkins = {"JENKINS_URL": "https://ci.example.com", "BUILD_TAG": "jenkins-shop-1", "STAGE_NAME": "Test"}
    assert inside("import", "--reports", "*.xml", on=on, **jenkins).code == 0
    emulator.clock(advance=days * 86_400)

    assert inside("import", "--reports", "*.xml", on=on, **jenkins).code == 0

    assert len(emulator.executions()) == made


@pytest.mark.parametrize("attempt", ["1", "2"])
def test_a_step_that_is_tried_again_finds_its_own(attempt, inside, reports, emulator, tmp_path):
    """What repeats a step within its job counts nothing; the runner's temporary folder remembers."""
    (tmp_path / "temp").mkdir()
    env = GITHUB | {"RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_RUN_ATTEMPT": attempt}
    for _ in range(3):
        assert inside("import", "--reports", "*.xml", "--fail-on", "test-failures", **env).code == 1

    assert len(emulator.executions()) == 1


def test_planning_leaves_nothing_behind(inside, reports, tmp_path):
    """Only an import makes something that a later try has to look for."""
    (tmp_path / "temp").mkdir()

    assert inside("plan", "--reports", "*.xml", **GITHUB, RUNNER_TEMP=str(tmp_path / "temp")).code == 0

    assert list((tmp_path / "temp").iterdir()) == []


def test_placeholders_name_the_leg_the_run_and_the_month(leg, emulator):
    """What strangers chose is no markup, and one value has its own name."""
    changes = {
        "XRAY_CI_SUMMARY": "{matrix.browser} {matrix.nothing}of {date} {month}",
        "XRAY_CI_DESCRIPTION": "{matrix} by {run_url}",
    }
    leg([case("pays")], changes=changes, browser="chrome [~admin]", node=20)

    (execution,) = emulator.executions()
    assert execution["summary"].startswith("chrome [")
    assert "[~" not in execution["summary"] + execution["description"]
    date, month = execution["summary"].split()[-2:]
    assert date.startswith(f"{month}-")
    assert "https://github.com/acme/shop/actions/runs/17" in execution["description"]


@pytest.mark.parametrize("text", ["Object", "[1]", '{"a": "secret-looking', "[" * 60_000])
def test_what_is_no_matrix_is_ignored_and_not_shown(text, inside, reports, emulator):
    """A step that passes the context without `toJSON` is told so, in words of ours."""
    done = inside("import", "--reports", "*.xml", XRAY_CI_GITHUB_MATRIX=text, **GITHUB)

    assert done.code == 0, done.out + done.err
    assert "XRAY_CI_GITHUB_MATRIX is ignored: it is no JSON object" in done.out
    assert text not in done.out + done.err
    assert len(emulator.executions()) == 1


def test_a_key_that_the_matrix_does_not_have_is_told(leg):
    """A misspelt name would have each shard make its own."""
    done = leg([case("pays")], changes={"XRAY_CI_SHARDS": "shrad"}, shard=1)

    assert "XRAY_CI_SHARDS names 'shrad', which the matrix of this job does not have" in done.out


@pytest.mark.parametrize("text", ["auto\nshard", "a, b", "none\nauto"])
def test_shards_are_names_or_one_word(text, inside, reports):
    """A comma is part of no name."""
    done = inside("import", "--reports", "*.xml", XRAY_CI_SHARDS=text)

    assert done.code == 2
    assert "`shards`" in done.out + done.err
