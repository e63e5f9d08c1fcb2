"""Facts of Xray Server/Data Center that are probed by writing: refusals of its imports, Test Runs, plans."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from xray_ci.probe import importing, shapes
from xray_ci.probe.asking import Short, document, listed, member, raw
from xray_ci.probe.importing import UNKNOWN, Declined, cucumber, result, said
from xray_ci.probe.reading import first, status
from xray_ci.probe.sandbox import LABEL, WORD
from xray_ci.services.wire import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.probe.sandbox import Ours, Sandbox
    from xray_ci.services.wire import Answer

Seen = dict[str, Any]
_MOST: Final = 1000
"""Tests of a Test Execution that are listed at a time (D)."""
_PARAMETERS: Final = 21


def stored(outcome: Answer) -> Seen:
    """Look at how many Tests an import stored, and how many it lists as not stored."""
    tests = member(outcome, "testIssues")
    counts = {name: len(listed(tests, name)) for name in ("success", "error")}
    return {**status(outcome), **counts}


def _media_type(box: Sandbox) -> Answer:
    return box.asking.rest("POST", "/import/execution", raw("text/plain", b"{}"))


def _part_missing(box: Sandbox) -> Answer:
    body = box.asking.form(other=("r.xml", "application/xml", b"<testsuite/>"))
    return box.asking.rest("POST", "/import/execution/junit", body)


def _browser(box: Sandbox) -> Answer:
    body = box.asking.form(file=("r.xml", "application/xml", b"<testsuite/>"))
    headers = (("User-Agent", "Mozilla/5.0"),)
    return box.asking.rest("POST", f"/import/execution/junit?testExecKey={UNKNOWN}", body, headers=headers)


def _requirement(box: Sandbox) -> Answer:
    return box.xray({"testInfo": box.test_info("t0", requirementKeys=[UNKNOWN]), "status": "PASS"})


def _into_unknown(box: Sandbox) -> Answer:
    body = {"testExecutionKey": UNKNOWN, "tests": [result(box)]}
    return box.asking.rest("POST", "/import/execution", body)


REFUSED: Final = (
    Declined("server-media-type", _media_type, status),
    Declined("server-part-missing", _part_missing, status),
    Declined("server-xsrf", _browser, status),
    Declined(
        "server-test-unknown",
        lambda box: box.xray({"testKey": UNKNOWN, "status": "PASS"}),
        lambda out: {**stored(out), **said(out)},
    ),
    Declined("server-issue-unknown", _into_unknown),
    Declined("server-requirement", _requirement),
    Declined("server-status-unknown", lambda box: box.xray(result(box, 6, "XRAYCI PROBE"), result(box, 7)), stored),
)


def parameters(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import an iteration with more parameters than a Test may have."""
    box.begin()
    given = [{"name": f"p{number}", "value": "1"} for number in range(_PARAMETERS)]
    outcome = box.xray(result(box, 6, iterations=[{"status": "PASS", "parameters": given}]), result(box, 7))
    yield "server-parameters", stored(outcome)


def editable(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import into a Test Execution with another summary, a time, and a Test Environment that does not exist."""
    box.begin()
    yield "server-editable", status(box.xray(result(box), info={"summary": f"{WORD} another"}))
    target = box.execution()
    times = {"startDate": "2024-01-01T10:00:00+00:00", "finishDate": "2024-01-01T10:01:00+00:00"}
    outcome = box.xray(result(box), into=target, info={"testEnvironments": ["xrayci-probe"], **times})
    run = box.run(box.runs(target), target, box.tests[0])
    yield "server-environment", {**status(outcome), "made": run.get("testEnvironments") == ["xrayci-probe"]}


def plan(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Link a Test Execution to a Test Plan by REST and by the field of `info`; look whether Tests came along."""
    box.begin()
    asking = box.asking
    holder = _plan(box)
    path = f"/api/testplan/{quote(holder.key, safe='')}"
    outcome = asking.rest("POST", f"{path}/testexecution", {"add": [box.one.key]})
    yield ("server-plan-link", {**status(outcome), "said": len(outcome.json) if isinstance(outcome.json, list) else -1})
    wrong = asking.rest("POST", f"{path}/testexecution", {"add": [UNKNOWN]})
    yield ("server-plan-messages", {**status(wrong), "said": len(wrong.json) if isinstance(wrong.json, list) else -1})
    tests = document(asking.rest("GET", f"{path}/test"))
    yield "server-plan-tests", {"tests": len(tests) if isinstance(tests, list) else -1}
    fields = document(asking.issue("GET", "/field"))
    yield from _by_fields(box, holder, path, fields)
    seen = importing.planned(box, holder)
    tests = document(asking.rest("GET", f"{path}/test"))
    yield "server-plan-import", {**seen, "tests": len(tests) if isinstance(tests, list) else -1}


def _by_fields(box: Sandbox, holder: Ours, path: str, fields: Any) -> Iterator[tuple[str, Seen]]:
    asking = box.asking
    number = {
        str(member(e, "schema", "custom")).rpartition(":")[2]: str(member(e, "id"))
        for e in fields
        if isinstance(e, dict)
    }
    named = {str(member(e, "name")): str(member(e, "id")) for e in fields if isinstance(e, dict)}
    held = number.get("test-plan-custom-field")
    if held is not None:
        outcome = box.multipart("", {"tests": [result(box, 1)]}, box.info(**{held: [holder.key]}))
        tests = document(asking.rest("GET", f"{path}/test"))
        yield "server-plan-field", {**status(outcome), "tests": len(tests) if isinstance(tests, list) else -1}
    if "Begin Date" in named:
        begin = {named["Begin Date"]: "2024-01-01T10:00:00.000+0000"}
        yield "server-dates", status(box.multipart("", {"tests": [result(box, 1)]}, box.info(**begin)))


def _plan(box: Sandbox) -> Ours:
    fields = {"summary": f"{WORD} plan", "project": {"key": box.asking.project}, "labels": [LABEL]}
    outcome = box.asking.issue("POST", "/issue", {"fields": {**fields, "issuetype": {"name": "Test Plan"}}})
    held = document(outcome)
    return box.note(str(member(held, "key")), str(member(held, "id")), "Test Plan")


def runs(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Look at a Test Run and change it in every way, by 2.0 and by 1.0 where their codes differ."""
    box.begin()
    asking, target = box.asking, box.execution()
    place = f"testExecIssueKey={quote(target.key, safe='')}&testIssueKey={quote(box.tests[0].key, safe='')}"
    outcome = asking.rest("GET", f"/api/testrun?{place}")
    number = member(document(outcome), "id")
    if not isinstance(number, int):
        raise Short("no Test Run was found")
    path, old = f"/api/testrun/{number}", f"/rest/raven/1.0/api/testrun/{number}"
    yield "server-run", shapes.seen(outcome)
    yield "server-runs", first(0)(asking.rest("GET", f"/api/testruns?testExecKey={quote(target.key, safe='')}"))
    codes = [asking.rest("PUT", f"{each}/status?status=FAIL").status for each in (path, old)]
    read = asking.rest("GET", f"{path}/status")
    plain = read.text == "FAIL"
    yield "server-run-status", {"new": codes[0], "old": codes[1], "plain": plain}
    yield "server-run-status-unknown", status(asking.rest("PUT", f"{path}/status?status=XRAYCI"))
    body = raw("text/plain", WORD.encode())
    asking.rest("PUT", f"{path}/comment", body)
    yield "server-run-comment", shapes.seen(asking.rest("GET", f"{path}/comment"))
    yield "server-run-update", shapes.seen(asking.rest("PUT", path, {"status": "PASS"}))
    yield from _evidence(box, path, old)
    yield (
        "server-defects",
        {
            "added": asking.rest("POST", f"{path}/defect", [box.one.key]).status,
            "unknown": asking.rest("POST", f"{path}/defect", [UNKNOWN]).status,
        },
    )
    yield "server-body-shape", status(asking.rest("PUT", path, raw("application/json", b"no JSON")))


def _evidence(box: Sandbox, path: str, old: str) -> Iterator[tuple[str, Seen]]:
    file = {"data": base64.b64encode(b"probe").decode(), "filename": "probe.txt", "contentType": "text/plain"}
    seen: Seen = {}
    for name, place in (("new", path), ("old", old)):
        seen[f"{name}_added"] = box.asking.rest("POST", f"{place}/attachment", file).status
        held = document(box.asking.rest("GET", f"{place}/attachment"))
        number = member(held, 0, "id")
        gone = box.asking.rest("DELETE", f"{place}/attachment/{number}") if isinstance(number, int) else None
        seen[f"{name}_removed"] = gone.status if gone is not None else 0
    yield "server-evidence", seen
    yield "server-evidence-shape", status(box.asking.rest("POST", f"{path}/attachment", {"filename": "a"}))


def tests(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """List the Tests of a Test Execution; ask for more at a time than may be, and look for the limit by halving."""
    box.begin()
    path = f"/api/testexec/{quote(box.one.key, safe='')}/test"

    def taken(limit: int) -> bool:
        return isinstance(box.asking.rest("GET", f"{path}?limit={limit}&page=1"), Answered)

    yield "server-tests", first(0)(box.asking.rest("GET", f"{path}?limit=50&page=1"))
    yield "server-number", status(box.asking.rest("GET", f"{path}?limit=few"))
    if taken(_MOST):
        yield "server-page", {"most": _MOST if not taken(_MOST + 1) else _MOST + 1}
    else:
        low, high = 0, _MOST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if taken(middle) else (low, middle)
        yield "server-page", {"most": low}
    test = quote(box.tests[0].key, safe="")
    yield "server-test-resources", status(box.asking.rest("GET", f"/api/test/{test}/testruns"))


def bundle(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import a zip of Cucumber JSON."""
    box.begin()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("probe.json", json.dumps(cucumber({box.cucumber[0].key: ["passed"]}, box.one.key)))
    body = box.asking.form(file=("probe.zip", "application/zip", made.getvalue()))
    yield "server-import-bundle", shapes.seen(box.asking.rest("POST", "/import/execution/bundle", body))
