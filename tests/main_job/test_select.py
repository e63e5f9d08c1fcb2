"""`select`: what QA chose in Xray, as a runner is told; and the way back into the same Test Execution."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys

import pytest
import yaml
from conftest import SEALED
from emulator_client import CLIENT_ID, CLIENT_SECRET, Emulated
from job_runs import case, keyed, suite

from xray_ci.emulator.server import Emulator, Serving

CREDENTIALS = (CLIENT_ID, CLIENT_SECRET, "emulator-pat")


@pytest.fixture
def select(side, inside):
    """Run `select` on a product; nothing secret is shown, and a failure prints nothing that a runner would read."""

    def run(*args, **changes):
        result = inside("select", *args, on=side, **changes)
        assert not [secret for secret in CREDENTIALS if secret in result.text]
        assert result.code == 0 or result.out == ""
        return result

    return run


@pytest.fixture
def world(workspace, select, inside):
    """Serve a world of one's own: return how to select from it, how to import into it, and the emulator."""
    held = []

    def serve(issues):
        (workspace / "world.yaml").write_text(
            yaml.safe_dump({"projects": {"SHOP": {}}, "issues": issues}, sort_keys=False)
        )
        serving = Emulator(port=0, serving=Serving(world=str(workspace / "world.yaml")))
        held.append(serving)
        emulated = Emulated(serving.__enter__().url)
        inside.cloud["XRAY_CI_XRAY_URL"] = emulated.url
        inside.server["XRAY_CI_JIRA_URL"] = emulated.jira_url
        return emulated

    yield serve
    for each in held:
        each.__exit__(None, None, None)


def generic(definition):
    return {"type": "Test", "summary": definition[-200:], "test": {"type": "Generic", "definition": definition}}


def keys(result):
    return [each["key"] for each in json.loads(result.out)]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("args", "changes", "expected"),
    [
        ((), {"test_plan": "SHOP-2"}, ["SHOP-1", "SHOP-3", "SHOP-4"]),
        (("--test-plan", "SHOP-2"), {}, ["SHOP-1", "SHOP-3", "SHOP-4"]),
        ((), {"test_execution": "SHOP-40"}, ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7"]),
        (("--keys", "SHOP-7, SHOP-3,SHOP-7"), {"test_plan": "SHOP-2"}, ["SHOP-7", "SHOP-3"]),
        (("--jql", "project = SHOP AND summary ~ adds_item"), {}, ["SHOP-3"]),
        ((), {"triggered_from": "SHOP-2"}, ["SHOP-1", "SHOP-3", "SHOP-4"]),
        ((), {"triggered_from": "SHOP-40", "test_plan": "SHOP-2"}, ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7"]),
    ],
)
def test_the_tests_of_what_was_chosen(select, args, changes, expected):
    """Each once, in the order of Xray, from a setting or a flag; an option outvotes settings."""
    result = select("--for", "json", *args, **changes)

    assert (result.code, keys(result)) == (0, expected), result.err


def test_json_is_for_programs(select):
    """A list of key, name and definition, None where a Test has none; nothing else on standard output."""
    result = select("--for", "json", "--keys", "SHOP-3,SHOP-1")

    assert json.loads(result.out) == [
        {"key": "SHOP-3", "name": "adds_item", "definition": "shop.cart.CartTest.adds_item"},
        {"key": "SHOP-1", "name": "Check out as a guest", "definition": None},
    ]


@pytest.mark.parametrize(
    ("args", "changes", "code", "words"),
    [
        (("--keys", "SHOP-3,SHOP-999"), {}, 6, "SHOP-999 is no Test"),
        (("--keys", "SHOP-2"), {}, 6, "SHOP-2 is no Test"),
        (("--test-plan", "SHOP-999"), {}, 6, "SHOP-999 is no Test Plan"),
        (("--test-plan", "SHOP-9"), {}, 6, "SHOP-9 is no Test Plan"),
        (("--test-execution", "SHOP-2"), {}, 6, "SHOP-2 is no Test Execution"),
        (("--test-set", "SHOP-2"), {}, 6, "SHOP-2 is no Test Set"),
        (("--jql", "project = ("), {}, 6, "JQL"),
        ((), {"triggered_from": "SHOP-5"}, 6, "SHOP-5 is no Test Plan and no Test Execution"),
        ((), {"triggered_from": "SHOP-999"}, 6, "triggered-from, from XRAY_CI_TRIGGERED_FROM"),
        (("--test-set", "SHOP-13"), {}, 3, "no Test in Test Set SHOP-13"),
        (("--keys", ""), {}, 3, "no Test in `--keys`"),
        (("--jql", "project = SHOP AND issuetype = Bug"), {}, 3, "no Test in what `--jql` finds"),
        (("--keys", "${TESTS_KEY}"), {}, 2, "is not an issue key"),
        (("--keys", "SHOP-1", "--jql", "x"), {}, 2, "cannot be used together"),
        ((), {}, 2, "Nothing says which Tests are meant"),
    ],
)
def test_a_selection_that_cannot_be_read(select, args, changes, code, words):
    """An unknown key or another type is 6, an empty selection 3, wrong usage 2; nothing is printed."""
    result = select("--for", "json", *args, **changes)

    assert result.code == code
    assert words in result.err


@pytest.mark.parametrize(
    ("args", "words"), [((), "`--for` is not set"), (("--for", "pytset"), "Did you mean `pytest`?")]
)
def test_an_unknown_runner(select, args, words):
    """The nearest one is named; no request is made."""
    result = select("--keys", "SHOP-3", *args)

    assert result.code == 2
    assert words in result.err


def test_wrong_credentials(side, select):
    """Exit 5."""
    wrong = {"client_secret": "no"} if side == "cloud" else {"jira_token": "no"}

    assert select("--for", "json", "--test-plan", "SHOP-2", **wrong).code == 5


def test_a_key_that_is_none_reaches_no_filter(side, select, emulator):
    """What a site answers is no more trusted than a name: a key stands in patterns as it is, so it has to be one."""
    test = {"key": "SHOP-1)|(.*", "summary": "x", "issuetype": {"name": "Test"}}
    if side == "cloud":
        answer = {"data": {"getTests": {"total": 1, "results": [{"jira": test}]}}}
        emulator.fault("POST", "*/graphql", status=200, body=json.dumps(answer))
    else:
        answer = {"issues": [{"key": test["key"], "fields": test}], "total": 1}
        emulator.fault("POST", "*/search", status=200, body=json.dumps(answer))

    assert select("--for", "jest", "--jql", "project = SHOP").code == 7


def test_nobody_answers(side, select):
    """Exit 7."""
    nowhere = {"xray_url" if side == "cloud" else "jira_url": f"http://127.0.0.1:{closed_port()}"}

    assert select("--for", "json", "--test-plan", "SHOP-2", **nowhere).code == 7


def test_a_filter_that_is_cut_off_is_no_success(run, emulator):
    """Half of it would run too little, and nobody would know."""
    env = {"XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_CLIENT_ID": CLIENT_ID, "XRAY_CI_CLIENT_SECRET": CLIENT_SECRET}
    command = shlex.join(run.command("select", "--test-plan", "SHOP-2", "--for", "names"))
    done = subprocess.run(
        f"{command} > /dev/full", shell=True, env={**run.env, **env}, capture_output=True, check=False
    )

    assert done.returncode == 2
    assert b"the filter cannot be written" in done.stderr


def test_what_a_runner_cannot_be_told_is_named(select):
    """A Test without definition, on standard error; when nothing is left the runner must not start."""
    result = select("--for", "maven", "--test-plan", "SHOP-2")

    assert (result.code, result.out) == (0, "shop.cart.CartTest#adds_item\n")
    assert "maven cannot be told to run SHOP-1: a Manual Test without definition" in result.err
    assert "SHOP-4" in result.err
    assert "1 of 3 Tests in Test Plan SHOP-2" in result.err

    result = select("--for", "maven", "--keys", "SHOP-1")

    assert result.code == 3
    assert "errors.md#nothing-selected" in result.err


@pytest.mark.proof
def test_large_plans_are_read_in_pages(world, select, side):
    """250 Tests of two plans, each once: 100 at a time, and less where a site has a smaller page."""
    tests = {f"SHOP-{n}": generic(f"shop.Cart.test{n}") for n in range(1, 251)}
    plans = {
        "SHOP-901": {"type": "Test Plan", "summary": "all", "plan": {"tests": [*tests]}},
        "SHOP-902": {"type": "Test Plan", "summary": "some", "plan": {"tests": [*tests][-10:]}},
        "SHOP-903": {"type": "Test Execution", "summary": "all", "execution": {"runs": dict.fromkeys(tests, "TODO")}},
    }
    emulated = world({**tests, **plans})
    emulated.settings(server_page=40)

    assert [*tests] == keys(select("--for", "json", test_plan="SHOP-902\nSHOP-901"))[10:] + [*tests][-10:]
    assert [*tests] == keys(select("--for", "json", test_execution="SHOP-903"))
    assert len(emulated.requests()) < (20 if side == "cloud" else 40)


def test_the_pace_of_a_site_is_kept(select, emulator, side, clock):
    """A rate limit is waited for, as long as the site says."""
    emulator.fault("POST", "*/graphql" if side == "cloud" else "*/search", status=429, headers={"Retry-After": "7"})

    assert select("--for", "json", "--test-plan", "SHOP-2").code == 0
    assert max(clock.slept) >= 7


def test_names_cannot_command_the_log(world, select):
    """Whatever stands in a Test's name: one line a Test, and no command of a runner."""
    world({"SHOP-1": generic("::set-env name=A::b"), "SHOP-2": generic("a\n##vso[task.setvariable variable=b]c")})

    result = select("--for", "names", "--keys", "SHOP-1,SHOP-2")

    assert (result.code, len(result.out.splitlines())) == (0, 2)
    assert not [each for each in ("\n::", "##vso[") if each in "\n" + result.out]


# The way back


PYTESTS = """
import pytest

class TestCart:
    @pytest.mark.parametrize("price", [1.5, 2], ids=["$(touch pwned); 1.5", "two]"])
    def test_adds(self, price): ...
    def test_removes(self): assert False

def test_adds(): ...
def test_not_chosen(): assert False
"""


def test_pytest_runs_what_was_planned_and_fills_it(world, select, inside, side, workspace):
    """QA plans a Test Execution, CI runs these tests and no others, and the same Test Execution fills."""
    (workspace / "unit").mkdir()
    (workspace / "unit" / "test_shop.py").write_text(PYTESTS)
    rows = ("TestCart.test_adds[$(touch pwned); 1.5]", "TestCart.test_removes", "test_adds", "test_not_chosen")
    tests = {f"SHOP-{n}": generic(f"unit.test_shop.{row}") for n, row in enumerate(rows, start=1)}
    chosen = dict.fromkeys(("SHOP-1", "SHOP-2", "SHOP-3"), "TODO")
    emulated = world({**tests, "SHOP-9": {"type": "Test Execution", "summary": "x", "execution": {"runs": chosen}}})

    result = select("--for", "pytest", test_execution="SHOP-9")
    (workspace / "tests.txt").write_text(result.out)
    pytest_here = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "@tests.txt", "--junit-xml", "r.xml"]
    done = subprocess.run(
        pytest_here, cwd=workspace, env={**SEALED, "PATH": os.defpath}, capture_output=True, check=False
    )

    assert (result.code, done.returncode) == (0, 1), done.stdout
    assert not (workspace / "pwned").exists()
    assert inside("import", on=side, test_execution="SHOP-9", reports="r.xml").code == 0
    runs = {key: run["status"] for key, run in emulated.runs("SHOP-9").items()}
    passed, failed = ("PASSED", "FAILED") if side == "cloud" else ("PASS", "FAIL")
    assert runs == {"SHOP-1": passed, "SHOP-2": failed, "SHOP-3": passed}
    assert emulated.created_tests() == []


def test_an_import_that_xray_started(job, emulator, report, side):
    """From a Test Execution it fills that one; from a Test Plan it makes one that the plan has."""
    report("a.xml", suite("a", keyed("adds", "SHOP-3")))

    assert job("import", reports="a.xml", triggered_from="SHOP-40", test_execution="SHOP-41").code == 0
    assert emulator.executions() == []
    assert emulator.runs("SHOP-40")["SHOP-3"]["status"] in ("PASSED", "PASS")

    result = job("import", reports="a.xml", triggered_from="SHOP-2")

    assert result.code == 0, result.text
    (made,) = emulator.executions()
    assert made["key"] in emulator.issue("SHOP-2")["plan"]["executions"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"triggered_from": "SHOP-5"}, 6, "SHOP-5 is no Test Plan and no Test Execution"),
        ({"triggered_from": "SHOP-999"}, 6, "SHOP-999"),
        ({"triggered_from": "SHOP-40", "executions": "per-report"}, 2, "cannot be used with `test-execution`"),
        ({"triggered_from": "${ISSUE_KEY}"}, 2, "triggered-from"),
    ],
)
def test_an_issue_that_no_import_can_go_to(job, emulator, report, changes, code, words):
    """Nothing is imported; what cannot go into one Test Execution is said once it is known to be one."""
    report("a.xml", suite("a", case("adds")))

    result = job("import", reports="a.xml", **changes)

    assert (result.code, emulator.imports()) == (code, [])
    assert words in result.text


def test_no_trigger_is_no_setting(job, report):
    """An empty value is none: the same pipeline runs for a push."""
    report("a.xml", suite("a", case("adds")))

    assert job("import", reports="a.xml", triggered_from="").code == 0
