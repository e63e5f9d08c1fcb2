"""A run against the one before: by its result file, or by the previous Test Execution of the same job and branch."""

import json

import pytest
from job_runs import CLOUD, GITHUB, case, keyed, suite

from xray_ci.delivery import previous

FAILED = '<failure message="boom">trace</failure>'
MAIN = {**GITHUB, "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main"}


def names(**outcomes):
    """Return a report of tests by name, True for those that passed."""
    return suite("s", *(case(name, "" if passed else FAILED) for name, passed in outcomes.items()))


@pytest.fixture
def again(job, workspace):
    """Run the job on a report, compared with the result file of the run before; return its result file and log."""

    def ran(report, **more):
        (workspace / "r.xml").write_text(report)
        result = job("import", "--reports", "r.xml", result_file="result.json", baseline="result.json", **more)
        assert result.code == 0, result.out + result.err
        return json.loads((workspace / "result.json").read_text()), result.out

    return ran


def test_newly_failing_fixed_and_flaky_tests_are_told(again, workspace):
    """Run by run: the file that the last one left is read before it is written anew."""
    first, log = again(names(adds=True, pays=False, sorts=False))
    second, _ = again(names(adds=False, pays=True, sorts=False))
    third, told = again(names(adds=True, pays=False, sorts=False), html_report="page.html", comment_file="comment.md")

    assert "result.json is not there: this run is compared with nothing" in log
    assert (first["comparison"], first["outputs"]["new-failures"], first["outputs"]["fixed"]) == (None, "", "")
    assert second["comparison"] == {
        "against": "result.json",
        "new_failures": 1,
        "fixed": 1,
        "still_failing": 1,
        "flaky": 0,
        "tests": [
            {"name": "shop.Cart.pays", "key": None, "runs": "FP", "change": "fixed", "flaky": False},
            {"name": "shop.Cart.sorts", "key": None, "runs": "FF", "change": "still-failing", "flaky": False},
            {"name": "shop.Cart.adds", "key": None, "runs": "F", "change": "new-failure", "flaky": False},
        ],
    }
    assert {each["name"]: each["runs"] for each in third["history"]} == {
        "shop.Cart.pays": "FPF",
        "shop.Cart.sorts": "FFF",
        "shop.Cart.adds": "FP",
    }
    assert (third["outputs"]["new-failures"], third["outputs"]["fixed"]) == ("1", "1")
    assert "compared with result.json: 1 newly failing, 1 fixed, 1 still failing, 1 flaky over time" in told
    assert "  newly failing: shop.Cart.pays (flaky: FPF)" in told
    comment = (workspace / "comment.md").read_text()
    assert "### Compared with result.json" in comment
    assert "| newly failing, flaky | <code>shop.Cart.pays</code> | 🟥🟩🟥 |" in comment
    assert "1 newly failing, 1 fixed, 1 still failing, 1 flaky over time" in (workspace / "page.html").read_text()


def test_a_run_that_read_no_report_loses_no_history(again, workspace):
    """What failed before is still known to have failed after a run that was stopped early."""
    again(names(pays=False))
    (workspace / "r.xml").unlink()
    nothing, _ = again("<testsuite/>", if_no_reports="ignore")
    last, _ = again(names(pays=False))

    assert (nothing["comparison"], nothing["history"][0]["runs"]) == (None, "F-")
    assert last["comparison"]["still_failing"] == 1


@pytest.mark.parametrize("content", ["{", '{"schema": 1}', "\0"])
def test_a_baseline_that_is_no_result_file_fails_no_import(content, cloud, emulator, workspace):
    """It is told with its advice, and the results are in Xray."""
    (workspace / "r.xml").write_text(names(pays=True))
    (workspace / "old.json").write_text(content)

    result = cloud("import", "--reports", "r.xml", "--baseline", "old.json")

    assert result.code == 0, result.out + result.err
    assert "#baseline-unusable" in result.out
    assert len(emulator.executions()) == 1


def test_a_link_is_no_baseline(cloud, workspace, tmp_path):
    """A checkout is a stranger's, and a link in it may lead anywhere."""
    (workspace / "r.xml").write_text(names(pays=True))
    (tmp_path / "elsewhere.json").write_text('{"schema": 1, "history": []}')
    (workspace / "old.json").symlink_to(tmp_path / "elsewhere.json")

    assert "#baseline-unusable" in cloud("import", "--reports", "r.xml", "--baseline", "old.json").out


def test_the_previous_execution_of_job_and_branch_is_found(job, emulator, workspace):
    """Both are read from Xray, so keys and names that reports give do not matter."""

    def run(number, report, **more):
        (workspace / "r.xml").write_text(report)
        env = {**MAIN, "GITHUB_RUN_ID": str(number), **more}
        result = job("import", "--reports", "r.xml", env=env, baseline="previous", result_file="result.json")
        assert result.code == 0, result.out + result.err
        return json.loads((workspace / "result.json").read_text()), result.out

    def report(**outcomes):
        tests = [case(name, "" if passed else FAILED) for name, passed in outcomes.items()]
        return suite("s", keyed("logs in", "SHOP-3", FAILED), *tests)

    first, log = run(1, report(adds=True, pays=False))
    run(2, report(adds=True, pays=False), GITHUB_REF="refs/heads/other", GITHUB_REF_NAME="other")
    second, _ = run(3, report(adds=False, pays=True))
    third, _ = run(4, report(adds=True, pays=False))
    keys = [each["key"] for each in emulator.executions()]

    assert "there is no earlier Test Execution of this job and branch with a mark" in log
    assert first["comparison"] is None
    assert second["comparison"]["against"] == keys[0]
    assert third["comparison"]["against"] == keys[2]
    changes = {each["name"].rpartition(".")[2]: (each["change"], each["runs"]) for each in third["comparison"]["tests"]}
    assert {name: told for name, told in changes.items() if name in ("adds", "pays")} == {
        "adds": ("fixed", "PFP"),
        "pays": ("new-failure", "FPF"),
    }
    assert (third["comparison"]["still_failing"], third["comparison"]["flaky"]) == (1, 2)


def test_more_than_is_read_is_not_compared(job, workspace, monkeypatch):
    """Half of the results would make the other half new; the import is done, and what is left out is said."""
    (workspace / "r.xml").write_text(names(pays=False, adds=False))
    monkeypatch.setattr(previous, "RUNS_LIMIT", 1)

    first, second = (
        job("import", "--reports", "r.xml", env={**MAIN, "GITHUB_RUN_ID": number}, baseline="previous")
        for number in "12"
    )

    assert (first.code, second.code) == (0, 0)
    assert "holds more than the 1 Test Runs that are read: this run is compared with nothing" in second.out


def test_what_xray_does_not_answer_is_said_and_the_import_is_green(job, emulator, workspace):
    """A comparison is read after the results have arrived, and decides nothing."""
    (workspace / "r.xml").write_text(names(pays=False))
    for path in ("/api/v2/graphql", "/jira/rest/api/latest/search"):
        emulator.fault("POST", path, contains="ORDER BY id DESC", status=400)

    result = job("import", "--reports", "r.xml", env=MAIN, baseline="previous")

    assert result.code == 0, result.out
    assert "all results were sent; comparing with the previous Test Execution" in result.out


def marks(words):
    return [each for each in words if each.startswith("xrayci")]


def test_the_second_mark_is_written_only_for_who_looks_for_it(job, emulator, workspace):
    """It stands where the first one does: in a label beside it, or in the description."""
    (workspace / "r.xml").write_text(names(pays=True))

    for number, more in enumerate(({}, {"baseline": "previous"}, {"baseline": "previous", "labels": "nightly"})):
        assert job("import", "--reports", "r.xml", env={**MAIN, "GITHUB_RUN_ID": str(number)}, **more).code == 0

    plain, marked, labelled = emulator.executions()
    assert len(marks(plain["description"].split())) == 1
    assert len(marks(marked["description"].split())) == 2
    assert len(marks(labelled["labels"])) == 2
    assert marks(marked["description"].split())[1] in labelled["labels"]


def test_a_run_without_a_branch_is_compared_with_nothing(cloud, workspace):
    """Nothing says which runs belong together, so none is taken; that is said, and the import is green."""
    (workspace / "r.xml").write_text(names(pays=True))

    result = cloud("import", "--reports", "r.xml", "--baseline", "previous")

    assert result.code == 0, result.out + result.err
    assert "the CI system does not say branch and job" in result.out


def test_previous_does_not_go_with_a_named_execution(run, workspace):
    """Nobody marks what the user names, so that the run before could not be found."""
    result = run("import", "--reports", "r.xml", "--baseline", "previous", "--test-execution", "SHOP-30", env=CLOUD)

    assert result.code == 2
    assert "`baseline: previous` cannot be used with `test-execution`" in result.err
