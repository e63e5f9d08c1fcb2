"""What people added to a Test Execution, and what is left of it when results are imported there again.

Each statement of the table in docs/exactly-once.md, on both products.
"""

import json

import pytest
from emulator_client import basic, form
from job_runs import AGAIN, JIRA, case, failure, keyed, suite

ONE, TWO = (
    suite("s", case("adds"), case("pays", failure("not paid")), case("ships")),
    suite("s", case("adds"), case("pays", failure("not paid"))),
)
"""What the first attempt ran, and the second; `ships` ran in the first alone."""
NOTE, FILE = "known since May", {"filename": "note.txt", "data": "bm90ZQ=="}
_RUN = """mutation($r: String!, $f: [AttachmentDataInput]!, $k: [String]!) {
  addDefectsToTestRun(id: $r, issues: $k) { addedDefects } addEvidenceToTestRun(id: $r, evidence: $f) { addedEvidence }
  updateTestRunComment(id: $r, comment: "known since May") updateTestRunStatus(id: $r, status: "EXECUTING") }"""


@pytest.fixture
def person(emulator, side, path):
    """Change a Test Run, or the Test Execution, as somebody does in the browser."""
    signed = basic(JIRA["jira_username"], JIRA["jira_token"]) if side == "cloud" else "Bearer emulator-pat"

    def call(method, place, given, kind="application/json"):
        body = given if isinstance(given, bytes) else json.dumps(given).encode()
        answer = emulator.call(
            method, place, body, Authorization=signed, content_type=kind, X_Atlassian_Token="no-check"
        )
        assert answer.status < 300, answer.text
        return answer

    def add(run):
        """Add a note, a file and a defect to a run, and set its status."""
        if side == "cloud":
            answer = emulator.graphql(_RUN, r=run["id"], k=["SHOP-9"], f=[{**FILE, "mimeType": "text/plain"}])
            assert "errors" not in answer.json(), answer.text
            return
        place = f"/jira/rest/raven/2.0/api/testrun/{run['id']}"
        call("POST", f"{place}/defect", ["SHOP-9"])
        call("POST", f"{place}/attachment", {**FILE, "contentType": "text/plain"})
        call("PUT", f"{place}/comment", NOTE.encode(), "text/plain")
        call("PUT", f"{place}/status?status=EXECUTING", b"")

    def edit(issue):
        """Change everything of the Test Execution; its description only by what is put behind it."""
        place = path(f"/rest/api/2/issue/{issue['key']}")
        fields = {"summary": "Nightly", "description": f"{issue['description']}\nSee the wiki"}
        call("PUT", place, {"fields": fields, "update": {"labels": [{"add": "checked"}]}})
        call("POST", f"{place}/comment", {"body": "Looked at"})
        call("POST", f"{place}/remotelink", {"object": {"url": "https://wiki.example", "title": "Wiki"}})
        call("POST", f"{place}/attachments", *form(file=("note.txt", b"note", "text/plain")))
        listed = emulator.call("GET", f"{place}/transitions", Authorization=signed).json()["transitions"]
        number = next(each["id"] for each in listed if each["to"]["name"] == "In Progress")
        call("POST", f"{place}/transitions", {"transition": {"id": number}})

    add.edit = edit
    return add


def added(run):
    """Return what a run has of what people add."""
    return run["comment"], len(run["defects"]), len(run["evidence"]), run["status"]


def by_name(emulator):
    """Return the runs of the only Test Execution by the summaries of their Tests."""
    (execution,) = emulator.executions()
    return {emulator.issue(key)["summary"]: run for key, run in execution["execution"]["runs"].items()}


@pytest.mark.parametrize("strategy", ["convert", "native"])
@pytest.mark.parametrize("way", ["second attempt", "test-execution"])
def test_a_test_run_that_is_written_again_is_written_whole(around, emulator, workspace, person, side, strategy, way):
    """Note, evidence, defect and status are gone; a run that is not in the reports keeps all; the issue does, too."""
    (workspace / "r.xml").write_text(ONE)
    assert around(strategy=strategy).code == 0
    before = by_name(emulator)
    for run in before.values():
        person(run)
    (execution,) = emulator.executions()
    person.edit(execution)
    assert {added(run) for run in by_name(emulator).values()} == {(NOTE, 1, 1, "EXECUTING")}
    (workspace / "r.xml").write_text(TWO)

    more = {"env": AGAIN} if way == "second attempt" else {"test_execution": execution["key"]}
    second = around(strategy=strategy, **more)

    assert second.code == 0, second.text
    after = by_name(emulator)
    assert {name: run["id"] for name, run in after.items()} == {name: run["id"] for name, run in before.items()}
    assert [added(after[name])[1:3] for name in ("adds", "pays")] == [(0, 0), (0, 0)]
    assert NOTE not in after["adds"]["comment"] + after["pays"]["comment"]
    words = {"cloud": ["PASSED", "FAILED"], "server": ["PASS", "FAIL"]}[side]
    assert [after[name]["status"] for name in ("adds", "pays")] == words
    assert added(after["ships"]) == (NOTE, 1, 1, "EXECUTING")
    (kept,) = emulator.executions()
    assert kept["summary"] == "Nightly"
    assert "See the wiki" in kept["description"]
    assert "checked" in kept["labels"]
    assert kept["status"] == "In Progress"
    assert "https://wiki.example" in [each["object"]["url"] for each in kept["remote_links"]]
    assert [len(kept[name]) for name in ("comments", "attachments")] == [1, 1]


def test_iterations_are_reset(around, emulator, workspace, side):
    """Those of an earlier import do not stay beside the new result."""
    word = {"cloud": "FAILED", "server": "FAIL"}[side]
    iteration = {"name": "one", "parameters": [{"name": "p", "value": "1"}], "status": word}
    written = {
        "info": {"project": "SHOP", "summary": "By hand"},
        "tests": [{"testKey": "SHOP-3", "status": word, "iterations": [iteration]}],
    }
    assert getattr(emulator, side)("", written).status == 200
    (execution,) = emulator.executions()
    (before,) = execution["execution"]["runs"].values()
    (workspace / "r.xml").write_text(suite("s", keyed("by key", "SHOP-3")))
    again = around(test_execution=execution["key"])
    (after,) = emulator.runs(execution["key"]).values()

    assert again.code == 0, again.text
    assert (len(before["iterations"]), after["iterations"]) == (1, [])


def test_a_defect_that_the_setting_links_is_linked_again(around, emulator):
    """As long as its test fails: the import takes it away, and what follows brings it back."""
    first, second = around(defects="create"), around(defects="create", env=AGAIN)

    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert [len(by_name(emulator)[name]["defects"]) for name in ("adds", "pays")] == [0, 1]


def test_a_test_execution_of_its_own_for_each_attempt_loses_nothing(around, emulator, person):
    """`on-rerun: new` leaves the first one as it is."""
    around()
    person(by_name(emulator)["pays"])

    again = around(on_rerun="new", env=AGAIN)

    assert again.code == 0, again.text
    first, second = emulator.executions()
    assert [sorted(len(run["defects"]) for run in each["execution"]["runs"].values()) for each in (first, second)] == [
        [0, 1],
        [0, 0],
    ]
