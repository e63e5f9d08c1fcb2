"""Facts of Xray Cloud that are probed by writing: refusals of its imports, GraphQL's changes, files, Tests in bulk."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.probe import importing, shapes
from xray_ci.probe.asking import Short, as_json, listed, member, raw
from xray_ci.probe.importing import UNKNOWN, Declined, extended, informed, named, result, said
from xray_ci.probe.reading import first, status
from xray_ci.probe.sandbox import LABEL, WORD
from xray_ci.services.wire import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.probe.sandbox import Ours, Sandbox
    from xray_ci.services.wire import Answer

Seen = dict[str, Any]
_LIMIT: Final = 8192
"""Characters of a step's action (O)."""
_BULK: Final = 1001
_FEATURE: Final = f"@{LABEL}\nFeature: {WORD}\n\n  @{LABEL}\n  Scenario: {WORD} feature\n    Given a step\n"


def _form_on_plain(box: Sandbox) -> Answer:
    body = box.asking.form(results=("r.xml", "application/xml", b"<testsuite/>"))
    return box.asking.rest("POST", f"/import/execution/junit?testExecKey={box.one.key}", body)


def _text(box: Sandbox) -> Answer:
    return box.asking.rest("POST", "/import/execution/cucumber", raw("text/plain", b"[]"))


def _without_key(box: Sandbox) -> Answer:
    element = {"type": "scenario", "name": WORD, "tags": [], "steps": [{"name": "a", "result": {"status": "passed"}}]}
    feature = [{"name": WORD, "tags": [{"name": f"@{box.one.key}"}], "elements": [element]}]
    return box.asking.rest("POST", "/import/execution/cucumber", as_json(feature))


def _into(key: str) -> Any:
    return lambda box: box.asking.rest("POST", "/import/execution", {"testExecutionKey": key, "tests": [result(box)]})


REFUSED: Final = (
    Declined("cloud-report-missing", _form_on_plain),
    Declined("cloud-report-missing-json", _text, status),
    Declined("cloud-info-names", extended(xrayFields={"testEnvironments": []})),
    Declined("cloud-plan-unknown", extended(xrayFields={"testPlanKey": UNKNOWN})),
    Declined("cloud-execution-unknown", _into(UNKNOWN)),
    Declined("cloud-no-test", lambda box: box.xray({"testKey": box.one.key, "status": "PASSED"})),
    Declined("cloud-environment-unknown", extended(xrayFields={"environments": ["xrayci-probe-nowhere"]})),
    Declined("cloud-project-unknown", informed(project={"key": "XRAYCIPROBE"})),
    Declined("cloud-cucumber-without-key", _without_key, status),
    Declined("cloud-empty-lists", lambda box: box.xray(result(box, 7, examples=[])), status),
)


def words(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import status words: one that is none, those built in, and one that an administrator made."""
    box.begin()
    outcome = box.xray(result(box, 7, "XRAYCI PROBE"))
    stored = named(box, box.run(box.runs(box.one), box.one, box.tests[7]).get("status"))
    yield "cloud-status-unknown", {**status(outcome), "stored": stored if isinstance(outcome, Answered) else "none"}
    held = box.asking.data("{ getStatuses { name } }")
    built = {"TO DO", "EXECUTING", "PASSED", "FAILED", "ABORTED"}
    own = next((name for e in listed(held, "getStatuses") if (name := member(e, "name")) not in built), None)
    box.xray(result(box, 0, "TODO"), result(box, 1, "EXECUTING"), result(box, 2, "ABORTED"), result(box, 3, "TO DO"))
    if own is not None:
        box.xray(result(box, 4, str(own)))
    runs = box.runs(box.one)
    found = [box.run(runs, box.one, test).get("status") for test in box.tests]
    yield (
        "cloud-status-words",
        {
            "one": found[0] == found[3] == "TO DO",
            "executing": found[1] == "EXECUTING",
            "aborted": found[2] == "ABORTED",
        },
    )
    if own is not None:
        yield "cloud-status-custom", {"stored": found[4] == own}
    else:
        raise Short("no administrator made a status")


def step_limit(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import Tests whose step is as long as it may be, and one longer."""
    box.begin()
    seen: Seen = {}
    for name, size in (("longer", _LIMIT + 1), ("longest", _LIMIT)):
        info = {**box.test_info(f"step {name}"), "type": "Manual", "steps": [{"action": "a" * size}]}
        del info["definition"]
        outcome = box.xray({"testInfo": info, "status": "TO DO"})
        seen[name] = isinstance(outcome, Answered)
    yield "cloud-step-limit", seen
    for each in box.labelled():
        box.note(each.key, each.id, each.kind)


def requirement(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import a Test that covers what is not there."""
    box.begin()
    info = box.test_info("requirement", requirementKeys=[UNKNOWN])
    yield "cloud-requirement-unknown", status(box.xray({"testInfo": info, "status": "TO DO"}))


# GraphQL


def made(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make an issue of each kind, and two that Jira refuses."""
    box.begin()
    for name, field, more, kind in (
        ("graphql-create-execution", "createTestExecution", f'testIssueIds: ["{box.tests[0].id}"], ', "testExecution"),
        ("graphql-create-plan", "createTestPlan", "", "testPlan"),
        (
            "graphql-create-test",
            "createTest",
            'testType: {name: "Generic"}, unstructured: "xrayciprobe.made", ',
            "test",
        ),
    ):
        shown = f'{{ {kind} {{ issueId jira(fields: ["key"]) }} warnings }}'
        query = f"mutation($j: JSON!) {{ {field}({more}jira: $j) {shown} }}"
        outcome = box.asking.graphql(query, j=_fields(box, f"{WORD} {kind}"))
        issue = member(outcome, "data", field, kind)
        if issue is not None:
            kinds = {"testExecution": "Test Execution", "testPlan": "Test Plan", "test": "Test"}
            box.note(str(member(issue, "jira", "key")), str(member(issue, "issueId")), kinds[kind])
        yield name, first("data", field)(outcome)
    query = "mutation($j: JSON!) { createTest(jira: $j) { test { issueId } } }"
    yield "graphql-create-refused", _refused(box.asking.graphql(query, j=_fields(box, "")))
    yield "graphql-jira-needed", _refused(box.asking.graphql(query, j={}))


def _fields(box: Sandbox, summary: str) -> dict[str, Any]:
    return {"fields": {"summary": summary, "project": {"key": box.asking.project}, "labels": [LABEL]}}


def _refused(outcome: Answer) -> Seen:
    held = outcome.json
    return {**status(outcome), "path": member(held, "errors", 0, "path") is not None}


def plan(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Add a Test Execution to a Test Plan, twice, and look whether its Tests came along."""
    box.begin()
    if not any(each.kind == "Test Plan" for each in box.made.values()):
        for _ in made(box):
            pass
    holder = next((each for each in box.made.values() if each.kind == "Test Plan"), None)
    if holder is None:
        raise Short("no Test Plan was made")
    query = "mutation($p: String!, $e: [String]!) { addTestExecutionsToTestPlan(issueId: $p, testExecIssueIds: $e) "
    query += "{ addedTestExecutions warning } }"
    for name in ("graphql-plan-link", "graphql-plan-again"):
        outcome = box.asking.graphql(query, p=holder.id, e=[box.one.id])
        held = member(outcome, "data", "addTestExecutionsToTestPlan")
        added = member(held, "addedTestExecutions")
        yield (
            name,
            {
                **status(outcome),
                "added": len(added) if isinstance(added, list) else -1,
                "warned": bool(member(held, "warning")),
            },
        )
    query = "query($p: String) { getTestPlan(issueId: $p) { tests(limit: 1) { total } } }"

    def total() -> Any:
        return member(box.asking.data(query, p=holder.id), "getTestPlan", "tests", "total")

    yield "graphql-plan-tests", {"tests": total()}
    yield "cloud-plan-import", {**importing.planned(box, holder), "tests": total()}


def runs(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Change a Test Run in every way, and look at it."""
    box.begin()
    target = box.execution()
    run = box.run(box.runs(target), target, box.tests[0])
    number = str(run.get("id") or "")
    if not number:
        raise Short("no Test Run was found")
    file = {"filename": "probe.txt", "mimeType": "text/plain", "data": base64.b64encode(b"probe").decode()}
    query = "mutation($r: String!, $e: [AttachmentDataInput]!) { addEvidenceToTestRun(id: $r, evidence: $e) "
    query += "{ addedEvidence warnings } }"
    outcome = box.asking.graphql(query, r=number, e=[file])
    added = member(outcome, "data", "addEvidenceToTestRun", "addedEvidence")
    yield "graphql-evidence", {**status(outcome), "names": added == ["probe.txt"]}
    yield from _stored_file(box, query, number)
    set_status = "mutation($r: String!, $s: String!) { updateTestRunStatus(id: $r, status: $s) }"
    yield (
        "graphql-run-status",
        first("data", "updateTestRunStatus")(box.asking.graphql(set_status, r=number, s="FAILED")),
    )
    yield "graphql-run-status-unknown", _refused(box.asking.graphql(set_status, r=number, s="XRAYCI PROBE"))
    update = "mutation($r: String!, $c: String) { updateTestRun(id: $r, comment: $c) { warnings } }"
    outcome = box.asking.graphql(update, r=number, c=WORD)
    yield ("graphql-run-update", {**status(outcome), "done": not member(outcome, "errors")})
    defects = (
        "mutation($r: String!, $k: [String]!) { addDefectsToTestRun(id: $r, issues: $k) { addedDefects warnings } }"
    )
    outcome = box.asking.graphql(defects, r=number, k=[box.one.key])
    held = member(outcome, "data", "addDefectsToTestRun", "addedDefects")
    yield "graphql-defects", {**status(outcome), "added": len(held) if isinstance(held, list) else -1}
    after = box.run(box.runs(target), target, box.tests[0])
    yield (
        "graphql-run",
        {
            "id": bool(re.fullmatch("[0-9a-f]{24}", number)),
            "status": named(box, after.get("status")),
            "comment": after.get("comment") == WORD,
            "evidence": len(after.get("evidence") or ()),
            "gherkin": shapes.shape(after.get("gherkin")),
        },
    )
    yield "graphql-run-key", {"found": _by_key(box, target)}
    yield "graphql-order", {"kept": _in_order(box)}


def _stored_file(box: Sandbox, query: str, number: str) -> Iterator[tuple[str, Seen]]:
    """Store a file by itself, read it, and give it to a Test Run by its id."""
    sent = box.asking.rest("POST", "/attachments", box.asking.form(attachment=("probe2.txt", "text/plain", b"probe")))
    yield "cloud-attachments", shapes.seen(sent)
    held = member(sent, "id")
    if not isinstance(held, str) or not re.fullmatch("[0-9a-zA-Z-]{1,64}", held):
        return
    box.stays["file"] = box.stays.get("file", 0) + 1
    back = box.asking.rest("GET", f"/attachments/{held}")
    yield "cloud-attachments-read", {**status(back), "same": back.body == b"probe"}
    outcome = box.asking.graphql(query, r=number, e=[{"attachmentId": held}])
    added = member(outcome, "data", "addEvidenceToTestRun", "addedEvidence")
    yield "graphql-evidence-id", {**status(outcome), "added": len(added) if isinstance(added, list) else -1}


def _by_key(box: Sandbox, execution: Ours) -> bool:
    query = "query($e: [String]) { getTestRuns(testExecIssueIds: $e, limit: 1) { total } }"
    return bool(member(box.asking.data(query, e=[execution.key]), "getTestRuns", "total"))


def _in_order(box: Sandbox) -> bool:
    """Import two results, one after the other, and look whether they are listed so."""
    target = box.execution()
    box.xray(result(box, 5), into=target)
    box.xray(result(box, 2), into=target)
    order = [place[1] for place in box.runs(target)]
    return order == [box.tests[number].id for number in (0, 5, 2)]


# Files and Tests in bulk


def bulk(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make a Test in bulk, ask for its job, and send what is refused."""
    box.begin()
    item = {"testtype": "Generic", "unstructured_def": f"{WORD}.bulk", **_fields(box, f"{WORD} bulk")}
    outcome = box.asking.rest("POST", "/import/test/bulk", [item])
    yield "cloud-bulk", shapes.seen(outcome)
    job = member(outcome, "jobId")
    yield "cloud-bulk-shape", status(box.asking.rest("POST", "/import/test/bulk", {"no": "list"}))
    yield "cloud-bulk-limit", status(box.asking.rest("POST", "/import/test/bulk", [{}] * _BULK))
    if isinstance(job, str) and re.fullmatch("[0-9a-zA-Z-]{1,64}", job):
        for pause in (0, 2, 5, 10):
            box.asking.sleep(pause)
            asked = box.asking.rest("GET", f"/import/test/bulk/{job}/status")
            if member(asked, "status") not in ("pending", "working"):
                break
        issue = member(asked, "result", "issues", 0)
        if issue is not None:
            box.note(str(member(issue, "key")), str(member(issue, "id")), "Test")
        yield "cloud-bulk-status", shapes.seen(asked)


def features(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import a feature file, export its Test, and send what is refused."""
    box.begin()
    asking = box.asking
    path = f"/import/feature?projectKey={asking.project}"
    file = ("probe.feature", "text/plain", _FEATURE.encode())
    outcome = asking.rest("POST", path, asking.form(file=file))
    cloud = asking.cloud
    yield "cloud-feature" if cloud else "server-feature", shapes.seen(outcome)
    held = member(outcome, "updatedOrCreatedTests", 0) if cloud else member(outcome, 0)
    key = str(member(held, "key") or "")
    if key:
        box.note(key, str(member(held, "id")), "Test")
    empty = asking.rest("POST", path, asking.form(file=("probe.feature", "text/plain", b"Feature: none\n")))
    yield "xray-feature-empty", status(empty)
    info = ("info.json", "application/json", b"no JSON")
    yield "xray-feature-info", said(asking.rest("POST", path, asking.form(file=file, testInfo=info)))
    if key:
        place = "/export/cucumber?keys=" if cloud else "/export/test?fz=true&keys="
        exported = asking.rest("GET", place + box.made[key].key)
        yield "cloud-export" if cloud else "server-export", shapes.seen(exported)


def forms(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Send a form without the part it is about."""
    box.begin()
    outcome = box.asking.rest("POST", "/attachments", box.asking.form(other=("a.txt", "text/plain", b"a")))
    yield "cloud-attachments-empty", status(outcome)


def deleted(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Delete one Test Execution of ours."""
    box.begin()
    target = box.execution()
    outcome = box.asking.graphql("mutation($i: String!) { deleteTestExecution(issueId: $i) }", i=target.id)
    if member(outcome, "data", "deleteTestExecution") is not None:
        box.forget(target, outcome)
    yield "graphql-delete", first("data", "deleteTestExecution")(outcome)
