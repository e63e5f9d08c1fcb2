"""Facts of imports that both products have: every format, what is refused, what results come to, what stays of before.

Everything is imported for Tests by their keys, so that no Test is made that has no label. Knows both dialects.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from xray_ci.probe import shapes
from xray_ci.probe.asking import as_json, member, raw
from xray_ci.probe.reading import status
from xray_ci.probe.sandbox import LABEL, STEPS, WORD
from xray_ci.services.wire import Answered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.probe.sandbox import Ours, Sandbox
    from xray_ci.services.wire import Answer

Seen = dict[str, Any]
XML: Final = ("junit", "testng", "nunit", "xunit", "robot")
JSON: Final = ("cucumber", "behave")
UNKNOWN: Final = "XRAYCIPROBE-1"
"""A key that no site has."""
_LARGE: Final = 1_048_576
"""Bytes of the largest request that is made."""
_STEP: Final = 65_536


def said(outcome: Answer) -> Seen:
    """Look at a refusal: the status, and the sentence of `error`."""
    held = outcome.json
    return {**status(outcome), "says": shapes.words(str(member(held, "error") or ""))}


# Reports of every format, each with one result of one Test by its key


def report(name: str, key: str, word: str = "PASS", execution: str = "") -> bytes:
    """Return a report of a format: one result for a Test; `execution` is named by a tag where a format has them."""
    if name in JSON:
        return json.dumps(_features(name, key, [word.lower() + "ed"], execution)).encode()
    passed, failed = word == "PASS", word == "FAIL"
    other = "PASS" if passed else "FAIL" if failed else "SKIP"
    case = f"{WORD} {name}"
    texts = {
        "junit": junit((key, word)),
        "testng": f'<testng-results><suite name="{WORD}"><test name="{WORD}"><class name="{WORD}.Case"><test-method '
        f'status="{other}" name="{name}" signature="{name}()"><attributes><attribute name="test"><![CDATA[{key}]]>'
        "</attribute></attributes></test-method></class></test></suite></testng-results>",
        "nunit": f'<test-run><test-suite type="TestFixture" name="Case" fullname="{WORD}.Case"><test-case '
        f'name="{name}" fullname="{WORD}.Case.{name}" result="{other.capitalize()}ed"><properties><property '
        f'name="test_key" value="{key}"/></properties></test-case></test-suite></test-run>',
        "xunit": f'<assemblies><assembly name="{WORD}.dll"><collection><test name="{WORD}.Case.{name}" '
        f'type="{WORD}.Case" method="{name}" result="{other.capitalize()}"><traits><trait name="test" value="{key}"/>'
        "</traits></test></collection></assembly></assemblies>",
        "robot": f'<robot generator="Robot 7.0"><suite name="{WORD}"><test name="{case}"><tag>{key}</tag><status '
        f'status="{other}"/></test></suite></robot>',
    }
    return texts[name].encode()


def junit(*results: tuple[str, str], name: str = "case") -> str:
    """Return JUnit XML of (key, PASS, FAIL or SKIP); without a key the case is found by its definition."""
    inner = {"PASS": "", "FAIL": '<failure message="no">no</failure>', "SKIP": "<skipped/>"}
    cases = "".join(
        f'<testcase classname="{WORD}.Case" name="{name}">'
        + (f'<properties><property name="test_key" value="{key}"/></properties>' if key else "")
        + f"{inner[word]}</testcase>"
        for key, word in results
    )
    return f'<testsuite name="{WORD}">{cases}</testsuite>'


def _features(name: str, key: str, words: list[str], execution: str) -> list[dict[str, Any]]:
    behave = name == "behave"
    tag = (lambda one: one) if behave else (lambda one: {"name": f"@{one}"})
    steps = [
        {"keyword": "Given ", "step_type": "given", "name": "a step", "result": {"status": each}} for each in words
    ]
    element = {"type": "scenario", "keyword": "Scenario", "name": WORD, "id": f"{WORD};{key}", "tags": [tag(key)]}
    element |= {"steps": steps, "location": "f.feature:2", **({"status": words[0]} if behave else {})}
    above = [tag(execution)] if execution else []
    feature = {"keyword": "Feature", "name": WORD, "id": WORD, "uri": "f.feature", "tags": above, "elements": [element]}
    return [{**feature, "location": "f.feature:1", "status": words[0]}]


def cucumber(results: dict[str, list[str]], execution: str) -> list[dict[str, Any]]:
    """Return Cucumber JSON of words of steps by key of the Test; the feature's first tag is the Test Execution."""
    features = [_features("cucumber", key, words, execution)[0] for key, words in results.items()]
    return [{**features[0], "elements": [each["elements"][0] for each in features]}]


# Every format


def first(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make the sandbox: its first import is one beside `info`."""
    box.begin()
    if box.first is not None:
        yield f"{box.asking.deployment}-import-xray-multipart", _imported(box.first)


def _imported(outcome: Answer) -> Seen:
    return shapes.seen(outcome)


def plain(box: Sandbox, name: str) -> Iterator[tuple[str, Seen]]:
    """Import one format on its standard path, into the first Test Execution."""
    box.begin()
    asking, test = box.asking, box.tests[0] if name not in JSON else box.cucumber[0]
    place = f"{asking.deployment}-import-{name}"
    if name == "xray":
        yield place, _imported(box.xray({"testKey": test.key, "status": box.words[0]}))
        return
    content = report(name, test.key, "PASS", execution=box.one.key)
    path = f"/import/execution/{name}"
    if name in JSON:
        yield place, _imported(asking.rest("POST", path, raw("application/json", content)))
        return
    query = urlencode({"testExecKey": box.one.key})
    body = (
        raw("application/xml", content)
        if asking.cloud
        else asking.form(file=("report.xml", "application/xml", content))
    )
    yield place, _imported(asking.rest("POST", f"{path}?{query}", body))


def beside(box: Sandbox, name: str) -> Iterator[tuple[str, Seen]]:
    """Import one format beside `info`: a new Test Execution with the label."""
    box.begin()
    test = box.tests[0] if name not in JSON else box.cucumber[0]
    content = report(name, test.key)
    kind = "json" if name in JSON else "xml"
    tests = {"fields": {"labels": [LABEL]}} if kind == "xml" else None
    yield (
        f"{box.asking.deployment}-import-{name}-multipart",
        _imported(box.multipart(f"/{name}", content, box.info(), kind=kind, tests=tests)),
    )


# What is refused


class Declined(NamedTuple):
    """An import that is refused, and the fact that its answer shows."""

    fact: str
    send: Callable[[Sandbox], Answer]
    look: Callable[[Answer], Seen] = said


def result(box: Sandbox, number: int = 0, word: str | None = None, **more: Any) -> dict[str, Any]:
    """Return one result of Xray JSON for one of the Tests."""
    return {"testKey": box.tests[number].key, "status": word or box.words[0], **more}


def informed(**fields: Any) -> Callable[[Sandbox], Answer]:
    """Import one result beside an `info` with these fields, None for none."""
    return lambda box: box.multipart("", {"tests": [result(box)]}, box.info(**fields))


def extended(**members: Any) -> Callable[[Sandbox], Answer]:
    """Import one result beside an `info` that has more than fields."""
    return lambda box: box.multipart("", {"tests": [result(box)]}, {**box.info(), **members})


def _bad_info(box: Sandbox) -> Answer:
    return box.multipart("", {"tests": [result(box)]}, b"no JSON")


def _bad_xml(box: Sandbox) -> Answer:
    query = urlencode({"testExecKey": box.one.key})
    body = (
        raw("application/xml", b"<open") if box.asking.cloud else box.asking.form(file=("r.xml", "text/xml", b"<open"))
    )
    return box.asking.rest("POST", f"/import/execution/junit?{query}", body)


def _broken(box: Sandbox) -> Answer:
    return box.xray(result(box, xrayciprobe=1))


BOTH: Final = (
    Declined("{on}-info-unreadable", _bad_info),
    Declined("{on}-info-shape", lambda box: box.multipart("", {"tests": [result(box)]}, {"labels": [LABEL]}), status),
    Declined("{on}-report-unreadable", _bad_xml, status),
    Declined("{on}-schema", _broken),
    Declined("{on}-project-missing", informed(project=None)),
    Declined("{on}-issue-type", informed(issuetype={"name": "Xrayci Probe"})),
    Declined("{on}-field-refused", informed(xrayciProbe="1")),
    Declined("{on}-field-required", informed(summary=None), status),
    Declined("{on}-version-unknown", informed(fixVersions=[{"name": "xrayci-probe"}]), status),
    Declined("{on}-label-blank", informed(labels=[LABEL, "xrayci probe"]), status),
)


def refused(box: Sandbox, row: Declined) -> Iterator[tuple[str, Seen]]:
    """Send one import that is refused."""
    box.begin()
    yield row.fact.format(on=box.asking.deployment), row.look(row.send(box))


# What results come to


def outcomes(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import skipped and several results of one Test, natively and as Xray JSON, and look what the Test Runs say."""
    box.begin()
    on, words = box.asking.deployment, box.words
    keys = [each.key for each in box.tests]
    native = junit((keys[1], "SKIP"), (keys[2], "PASS"), (keys[2], "FAIL"), (keys[3], "PASS"), (keys[3], "SKIP"))
    query = urlencode({"testExecKey": box.one.key})
    kind = "application/xml"
    body = raw(kind, native.encode()) if box.asking.cloud else box.asking.form(file=("r.xml", kind, native.encode()))
    box.asking.rest("POST", f"/import/execution/junit?{query}", body)
    box.xray(result(box, 4, words[1]), result(box, 4, words[0]))
    runs = box.runs(box.one)
    held = [named(box, box.run(runs, box.one, each).get("status")) for each in box.tests]
    yield f"{on}-skipped", {"skipped": held[1]}
    yield f"{on}-several-native", {"passed_failed": held[2], "passed_skipped": held[3]}
    yield f"{on}-several-json", {"failed_passed": held[4]}


def named(box: Sandbox, word: Any) -> str:
    """Return a status of a Test Run by what it means: passed, failed, not run, other; `none` where there is no run."""
    held = dict(zip(box.words, ("passed", "failed", "not run"), strict=True))
    return "none" if word is None else held.get(str(word), "other")


def step_words(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import Cucumber steps with each word; the feature's tag sends them to another Test Execution."""
    box.begin()
    on, target = box.asking.deployment, box.execution()
    content = cucumber({test.key: [word] for test, word in zip(box.cucumber, STEPS, strict=True)}, target.key)
    outcome = box.asking.rest("POST", "/import/execution/cucumber", as_json(content))
    same = isinstance(outcome, Answered) and box.taken(outcome).key == target.key
    yield f"{on}-feature-tag", {**status(outcome), "same": same}
    runs = box.runs(target)
    held = {
        word: named(box, box.run(runs, target, test).get("status"))
        for test, word in zip(box.cucumber, STEPS, strict=True)
    }
    yield f"{on}-step-names", {"aborted": held.pop("ABORTED")}
    yield f"{on}-step-words", held


def named_multipart(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import Xray JSON that names a Test Execution, beside `info` without type and summary."""
    box.begin()
    on, target = box.asking.deployment, box.execution()
    body = {"testExecutionKey": target.key, "tests": [result(box)]}
    outcome = box.multipart("", body, box.info(issuetype=None, summary=None, description=f"{WORD} described"))
    same = isinstance(outcome, Answered) and box.taken(outcome).key == target.key
    yield f"{on}-named-multipart", {"same": same}
    if box.asking.cloud:
        query = 'query($i: String) { getTestExecution(issueId: $i) { jira(fields: ["description"]) } }'
        held = member(box.asking.data(query, i=target.id), "getTestExecution", "jira", "description")
        yield "cloud-named-fields", {"written": f"{WORD} described" in json.dumps(held)}


def identity(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import a Generic Test by its definition once more: as Xray JSON and, by classname and name, as JUnit."""
    box.begin()
    on, test = box.asking.deployment, box.tests[5]
    again = {"testInfo": box.test_info("t5"), "status": box.words[0]}
    by_json = box.taken(box.multipart("", {"tests": [again]}, box.info()))
    info = {"fields": {"labels": [LABEL]}}
    native = junit(("", "PASS"), name="t5").encode()
    by_xml = box.taken(box.multipart("/junit", native, box.info(), kind="xml", tests=info))
    runs = box.runs(by_json, by_xml)
    same_json, same_xml = (bool(box.run(runs, each, test)) for each in (by_json, by_xml))
    yield f"{on}-identity", {"same": same_json}
    yield "cloud-identity-junit", {"same": same_xml}


def replaced(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import a result with comment and evidence, link a defect, import another one without; look what is left."""
    box.begin()
    file = {"data": base64.b64encode(b"probe").decode(), "filename": "probe.txt", "contentType": "text/plain"}
    name = "evidence" if box.asking.cloud else "evidences"
    box.xray({**result(box, 6, box.words[1], comment=WORD), name: [file]})
    before = box.run(box.runs(box.one), box.one, box.tests[6])
    _link_defect(box, str(before.get("id") or ""))
    linked = box.run(box.runs(box.one), box.one, box.tests[6])
    box.xray(result(box, 6))
    after = box.run(box.runs(box.one), box.one, box.tests[6])
    yield (
        f"{box.asking.deployment}-replaced",
        {
            "stored": bool(before.get("comment")) and bool(before.get("evidence")),
            "status": named(box, after.get("status")),
            "comment": bool(after.get("comment")),
            "evidence": bool(after.get("evidence")),
        },
    )
    on = box.asking.deployment
    yield f"{on}-replaced-defects", {"linked": bool(linked.get("defects")), "kept": bool(after.get("defects"))}


def _link_defect(box: Sandbox, run: str) -> None:
    if not box.asking.cloud:
        box.asking.rest("POST", f"/api/testrun/{quote(run, safe='')}/defect", [box.one.key])
        return
    query = "mutation($r: String!, $k: [String]!) { addDefectsToTestRun(id: $r, issues: $k) { addedDefects warnings } }"
    box.asking.graphql(query, r=run, k=[box.one.key])


# How large a request may be


def body_limit(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Import evidence up to a megabyte; where that is refused, look for the limit by halving."""
    box.begin()
    outcome = _sized(box, _LARGE)
    if isinstance(outcome, Answered):
        yield f"{box.asking.deployment}-body-limit", {"taken": _LARGE}
        return
    low, high, answer = 0, _LARGE // _STEP, outcome
    while high - low > 1:
        middle = (low + high) // 2
        tried = _sized(box, middle * _STEP)
        if isinstance(tried, Answered):
            low = middle
        else:
            high, answer = middle, tried
    limit = (low + high) * _STEP // 2
    yield f"{box.asking.deployment}-body-limit", {"taken": low * _STEP, "refused": high * _STEP, "limit": limit}
    yield "xray-413", shapes.seen(answer)


def _sized(box: Sandbox, size: int) -> Answer:
    """Import evidence in a request of so many bytes."""
    name = "evidence" if box.asking.cloud else "evidences"

    def body(data: str) -> bytes:
        file = {"data": data, "filename": "probe.bin", "contentType": "application/octet-stream"}
        return json.dumps({"testExecutionKey": box.one.key, "tests": [{**result(box, 7), name: [file]}]}).encode()

    room = (size - len(body(""))) // 4 * 4
    return box.asking.rest("POST", "/import/execution", raw("application/json", body("A" * room)))


def planned(box: Sandbox, plan: Ours) -> Seen:
    """Import a result by JUnit with a Test Plan in the query; return how it was answered."""
    query = urlencode({"testExecKey": box.one.key, "testPlanKey": plan.key})
    kind, content = "application/xml", report("junit", box.tests[0].key)
    body = raw(kind, content) if box.asking.cloud else box.asking.form(file=("r.xml", kind, content))
    return status(box.asking.rest("POST", f"/import/execution/junit?{query}", body))


def index(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make a Test Execution and search for it until it is found, a minute long; then look for an older one."""
    box.begin()
    new, waited = box.execution(), 0
    while not box.finds(new.key):
        if waited >= 63:  # noqa: PLR2004  # seconds, the sum of the pauses
            yield "jira-index-lag", {"found": False, "seconds": waited}
            return
        box.asking.sleep(waited + 1)
        waited += waited + 1
    yield "jira-index-lag", {"found": True, "seconds": waited}
    yield "jira-index-order", {"older": box.finds(box.one.key)}
