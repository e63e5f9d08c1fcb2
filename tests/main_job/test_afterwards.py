"""What follows an import in Jira: the ways of its steps that are their own; what all have in common is in a table."""

import json

import pytest
from around_table import DEV, RUN, files
from job_runs import AGAIN, GITHUB, case, suite

NOT_YOU = {"status": 403, "body": json.dumps({"errorMessages": ["Not you."], "errors": {}})}


# The CI run


def test_the_description_says_which_run_it_was(around, emulator):
    """Unless told otherwise; a text of the user's own stands in its place."""
    env = {**GITHUB, "GITHUB_REF_NAME": "main", "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567"}
    around(env={**env, "GITHUB_ACTOR": "octocat"})
    around(env={**env, "GITHUB_RUN_ID": "4712"}, description="Nightly")
    around(env={**env, "GITHUB_RUN_ID": "4713"}, ci_link="false")

    told, own, none = (issue["description"] for issue in emulator.executions())
    assert told.splitlines()[:4] == [
        f"CI run: {RUN}",
        "Branch: main",
        "Commit: 0123456789abcdef0123456789abcdef01234567",
        "By: octocat",
    ]
    assert own.splitlines()[0] == "Nightly"
    assert "CI run" not in own + none


def test_without_credentials_of_jira_the_description_is_all_there_is(inside, emulator, reports):
    """Silently: nobody asked for more."""
    result = inside("import", reports="*.xml", **GITHUB)

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert RUN in issue["description"]
    assert (issue["remote_links"], "ci-link" in result.text) == ([], False)


def test_a_link_that_nobody_asked_for_fails_no_run(around, emulator, path):
    """By default a user who may not link issues gets a warning, and the run is green."""
    emulator.fault("POST", path("/rest/api/2/issue/SHOP-41/remotelink"), **NOT_YOU)

    result = around()

    assert result.code == 0, result.text
    assert "`ci-link` was not done to SHOP-41" in result.text


def test_pages_are_refreshed_whatever_became_of_the_rest(around, emulator, path):
    """All results are stored, so a page shows them; the exit code is that of what failed."""
    emulator.fault("POST", path("/rest/api/2/issue/SHOP-41/attachments"), **NOT_YOU)
    before = emulator.page_version("131073")
    pages = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-global-key", "snapshots_delay": "0"}

    result = around(attach="reports", snapshots_url=emulator.url + "/take-snapshot/{page-id}", **pages)

    emulator.clock(advance=10)
    assert result.code == 6, result.text
    assert emulator.page_version("131073") == before + 1


def test_one_link_a_run_and_none_outside_of_one(around, emulator):
    """Runs that share a Test Execution have a link each; on a laptop there is nothing to link to."""
    around(execution_scope="{workflow}")
    around(env={**GITHUB, "GITHUB_RUN_ID": "4712"}, execution_scope="{workflow}")
    around(env={})

    shared, alone = emulator.executions()
    assert [each["object"]["url"] for each in shared["remote_links"]] == [RUN, RUN.replace("4711", "4712")]
    assert {each["object"]["title"] for each in shared["remote_links"]} == {"GitHub Actions: tests"}
    assert alone["remote_links"] == []


# Files


def test_what_may_be_no_evidence_is_not_attached_either(around, emulator, workspace, tmp_path):
    """Not hidden files, links, the config file or what lies elsewhere; each is told."""
    (tmp_path / "elsewhere.log").write_text("x")
    (workspace / "logs/.env").write_text("x")
    (workspace / "logs/link.log").symlink_to(workspace / "r.xml")
    (workspace / "logs/out.log").symlink_to(tmp_path / "elsewhere.log")
    (workspace / ".xray-ci.yml").write_text("labels: [x]\n")

    result = around(attach=f"logs/**\n.xray-ci.yml\n{tmp_path}/*.log")

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert files(issue) == [("a.log", 6)]
    assert "4 files of `attach` not attached" in result.text
    assert "out.log" in result.text


def test_a_file_with_a_secret_of_the_job_stays_here(around, emulator, workspace):
    """And the log says so without it."""
    (workspace / "logs/c.log").write_text("x")
    (workspace / "logs/d.log").write_text("key=Zq8kd93LmxY7Zq8k")
    pages = {"snapshot_api_key": "Zq8kd93LmxY7Zq8k", "snapshot_page_ids": "1", "snapshots_delay": "0"}

    result = around(attach="logs/[c-d].log", snapshots_url="http://127.0.0.1:9/{page-id}", env={}, **pages)

    (issue,) = emulator.executions()
    assert files(issue) == [("c.log", 1)]
    assert "logs/d.log is not attached: it holds a secret of this job" in result.text
    assert "Zq8kd93LmxY7Zq8k" not in result.text


def test_files_of_one_name_keep_apart(around, emulator, workspace):
    """Their folders tell them; an empty file is one, too; what is excluded stays away."""
    for folder in ("unit", "e2e"):
        (workspace / folder).mkdir()
        (workspace / folder / "run.log").write_text(folder)
    (workspace / "empty.log").touch()

    result = around(attach="**/*.log\n!logs/**")

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert files(issue) == [("e2e-run.log", 3), ("empty.log", 0), ("unit-run.log", 4)]


def test_each_report_goes_to_its_own_test_execution(around, emulator, workspace):
    """With `executions: per-report`; other files go to all of them."""
    (workspace / "z.xml").write_text(suite("z", case("pays")))

    result = around(executions="per-report", attach="reports\nlogs/*")

    assert result.code == 0, result.text
    assert [[name for name, _ in files(each)] for each in emulator.executions()] == [
        ["a.log", "r.xml"],
        ["a.log", "z.xml"],
    ]


def test_a_report_that_was_refused_is_not_attached(around, emulator, workspace):
    """`reports` are those that were read; the run ends as it would without."""
    (workspace / "broken.xml").write_text("<testsuite><testcase name='a'")

    result = around(attach="reports")

    assert result.code == 4, result.text
    (issue,) = emulator.executions()
    assert [name for name, _ in files(issue)] == ["r.xml"]


def test_a_file_that_jira_finds_too_large_is_told_and_the_others_arrive(around, emulator, path, workspace):
    """Exit code 6 with the name of the file."""
    emulator.fault("POST", path("/rest/api/2/issue/SHOP-41/attachments"), contains="a log", status=413)

    result = around(attach="logs/*\nreports")

    assert result.code == 6, result.text
    (issue,) = emulator.executions()
    assert [name for name, _ in files(issue)] == ["r.xml"]
    assert "logs/a.log" in result.text


def test_raw_reports_do_not_go_with_scrub(around, emulator):
    """What is scrubbed would leave all the same."""
    result = around(attach="reports", scrub="secret-[0-9]+")

    assert result.code == 2, result.text
    assert emulator.executions() == []


def test_a_pattern_that_names_nothing_is_told(around):
    """The run is green."""
    result = around(attach="nothing/*.zip")

    assert (result.code, "`attach` names no file that is there" in result.text) == (0, True), result.text


# The assignee


@pytest.mark.parametrize(("text", "code"), [("Dev", 0), ("DEV@example.com", 0), ("nobody@example.com", 6), ("e", 6)])
def test_an_assignee_is_one_user_by_name_or_address(around, emulator, text, code):
    """Nobody and several are refused, and the Test Execution stays with nobody."""
    result = around(assignee=text)

    assert result.code == code, result.text
    (issue,) = emulator.executions()
    assert (issue["assignee"] in DEV) is (code == 0)


# The workflow


def test_an_unknown_transition_names_those_that_exist(around, emulator):
    """Exit code 6, and the issue stays where it was."""
    result = around(transition="Dnoe")

    assert result.code == 6, result.text
    assert "`To Do` (to To Do), `In Progress` (to In Progress), `Done` (to Done)" in result.text
    (issue,) = emulator.executions()
    assert issue["status"] == "To Do"


def test_a_transition_that_its_target_does_not_list_any_more_is_done_already(around, emulator, path):
    """Many workflows list `Close` only until it was made: the second run finds that it was ours, and does nothing."""
    closing = {"transitions": [{"id": "31", "name": "Close", "to": {"name": "Done"}}]}
    place = path("/rest/api/2/issue/SHOP-41/transitions")
    emulator.fault("GET", place, status=200, body=json.dumps(closing))
    first = around(transition="close")
    emulator.fault("GET", place, status=200, body=json.dumps({"transitions": []}))
    second = around(env=AGAIN, transition="close")

    assert (first.code, second.code) == (0, 0), first.text + second.text
    (issue,) = emulator.executions()
    assert issue["status"] == "Done"


def test_a_red_verdict_moves_and_a_failed_import_does_not(around, emulator, workspace):
    """`fail-on: test-failures` is a verdict on tests, exit code 1; a broken report is none."""
    (workspace / "r.xml").write_text(suite("s", case("adds", '<failure message="boom">x</failure>')))
    red = around(transition="Done", fail_on="test-failures")
    (workspace / "broken.xml").write_text("<testsuite><testcase name='a'")
    broken = around(env={**GITHUB, "GITHUB_RUN_ID": "4712"}, transition="Done")

    assert (red.code, broken.code) == (1, 4), red.text + broken.text
    assert [issue["status"] for issue in emulator.executions()] == ["Done", "To Do"]
    assert "`transition` is not done" in broken.text


def test_a_snapshot_that_is_part_of_the_verdict_comes_first(around, emulator):
    """Exit code 9 leaves the Test Execution where it was; without `fail-on` the page shows it moved."""
    pages = {"snapshot_page_ids": "999", "snapshot_api_key": "emulator-global-key", "snapshots_delay": "0"}
    pages["snapshots_url"] = emulator.url + "/take-snapshot/{page-id}"

    part = around(transition="Done", fail_on="snapshots", **pages)
    beside = around(env={**GITHUB, "GITHUB_RUN_ID": "4712"}, transition="Done", **pages)

    assert (part.code, beside.code) == (9, 0), part.text + beside.text
    assert [issue["status"] for issue in emulator.executions()] == ["To Do", "Done"]


def test_one_of_several_shards_moves_nothing(around, emulator):
    """Others still fill the Test Execution; it is told."""
    result = around(transition="Done", github_matrix='{"shard": 1}', github_strategy='{"job-total": 2}')

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert issue["status"] == "To Do"
    assert "`transition` is not done by one of several shards" in result.text
