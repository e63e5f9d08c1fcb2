"""What can be changed on Xray Server besides imports: runs, their evidence, Tests of an execution or plan, links.

Knows paths and answers; the rules of an import live elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from xray_ci.emulator.answers import Basis, answer, as_json, as_text, refusal
from xray_ci.emulator.datacenter import ROOT, enter, execution_of, missing, shown_evidence, word
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.world import TEST, TEST_EXECUTION, TEST_PLAN, link_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.wrappers import Response

    from xray_ci.emulator.sides import Server
    from xray_ci.emulator.world import Issue, Run

_UNSET = "TODO"


def rules() -> list[Rule]:
    """Return the routes."""
    found = []
    for method, path, handle in (
        ("PUT", "testrun/<run>", _update),
        ("GET", "testrun/<run>/status", _status),
        ("PUT", "testrun/<run>/status", _set_status),
        ("GET", "testrun/<run>/comment", _comment),
        ("PUT", "testrun/<run>/comment", _set_comment),
        ("GET", "testrun/<run>/attachment", _attachments),
        ("POST", "testrun/<run>/attachment", _attach),
        ("DELETE", "testrun/<run>/attachment/<number>", _detach),
        ("POST", "testrun/<run>/defect", _defects),
        ("POST", "testexec/<key>/test", _execution_tests),
        ("POST", "testplan/<key>/test", _plan_tests),
        ("POST", "testplan/<key>/testexecution", _plan_executions),
        ("GET", "test", _tests),
    ):
        route = Route(kind="read" if method == "GET" else "write", handle=handle)
        found.append(Rule(f"{ROOT}/api/{path}", methods=[method], endpoint=route))
    return found


def _update(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001 - all versions answer alike, here and below
    side, (execution, held), given = enter(call), _run(call, run), _object(call)
    _put_status(side, held, given.get("status", held.status))
    held.comment = given.get("comment", held.comment)
    return as_json({"id": held.id, "status": word(held), "testExecKey": execution.key, "testKey": held.test})


def _status(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_text(word(_run(call, run)[1]), basis=Basis.OBSERVED)


def _set_status(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    side, (_, held) = enter(call), _run(call, run)
    _put_status(side, held, arguments(call).get("status", ""))
    return answer(status=204)


def _comment(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    text = _run(call, run)[1].comment
    return as_json({"raw": text, "rendered": text})


def _set_comment(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    """Set the comment; the body is plain text (O)."""
    enter(call)
    _run(call, run)[1].comment = call.body.bytes().decode(errors="replace")
    return answer()


def _attachments(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    execution, held = _run(call, run)
    return as_json([shown_evidence(call, execution, each) for each in held.evidence])


def _attach(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    """Add a file `{data, filename, contentType}`; answers 201 (O)."""
    enter(call)
    (execution, held), given = _run(call, run), _object(call)
    if not all(isinstance(given.get(name), str) for name in ("data", "filename", "contentType")):
        raise refusal("data, filename and contentType are required", basis=Basis.ASSUMED)
    kept = call.emulation.shelf.keep(given["data"], given["filename"], given["contentType"])
    held.evidence.append(kept)
    return as_json(shown_evidence(call, execution, kept), status=201)


def _detach(call: RouteCall, version: str, run: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    held = _run(call, run)[1]
    rest = [each for each in held.evidence if str(each.id) != number]
    if len(rest) == len(held.evidence):
        raise missing(f"Attachment with id {number}")
    held.evidence = rest
    return answer(status=204)


def _defects(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    """Link defects, a list of keys; answers 201 (O)."""
    enter(call)
    held, keys = _run(call, run)[1], _json(call)
    if not isinstance(keys, list) or any(call.emulation.world.find(str(key)) is None for key in keys):
        raise refusal("A defect was not found", basis=Basis.ASSUMED)
    held.defects.extend(key for key in keys if key not in held.defects)
    return as_json([], status=201)


def _execution_tests(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    """Add Tests to a Test Execution, or take them out: an empty list is success (O)."""
    enter(call)
    execution, given = execution_of(call, key), _object(call)
    found, messages = _found(call, given.get("add"), TEST)
    for test in found:
        call.emulation.world.add_test(execution, test, word=_UNSET)
    for gone in given.get("remove") or ():
        if execution.execution is not None:
            execution.execution.runs.pop(gone, None)
    return as_json(messages)


def _plan_tests(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    plan, given = _plan(call, key), _object(call)
    found, messages = _found(call, given.get("add"), TEST)
    if plan.plan is not None:
        plan.plan.tests.extend(each.key for each in found if each.key not in plan.plan.tests)
        plan.plan.tests[:] = [each for each in plan.plan.tests if each not in (given.get("remove") or ())]
    return as_json(messages)


def _plan_executions(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    """Link Test Executions to a Test Plan; their Tests are not added (A)."""
    enter(call)
    plan = _plan(call, key)
    found, messages = _found(call, _object(call).get("add"), TEST_EXECUTION)
    for each in found:
        link_plan(plan, each, ())
    return as_json(messages)


def _tests(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Read Tests by their keys, `;` between them; what is no Test is left out (A)."""
    enter(call)
    found, _ = _found(call, arguments(call).get("keys", "").split(";"), TEST)
    return as_json(
        [
            {
                "key": each.key,
                "id": int(each.id),
                "self": f"{call.base}/jira/rest/api/2/issue/{each.id}",
                "type": each.test.type if each.test is not None else None,
                "definition": each.test.definition if each.test is not None else None,
            }
            for each in found
        ]
    )


def _found(call: RouteCall, keys: Iterable[str] | None, kind: str) -> tuple[list[Issue], list[str]]:
    """Return the issues of a type, and a message for each key that leads to none."""
    found, messages = [], []
    for key in keys or ():
        issue = call.emulation.world.find(str(key), kind)
        if issue is None:
            messages.append(f"Issue with key {key} does not exist or is not of type {kind}.")  # (A)
        else:
            found.append(issue)
    return found, messages


def _plan(call: RouteCall, key: str) -> Issue:
    issue = call.emulation.world.find(key, TEST_PLAN)
    if issue is None:
        raise missing(f"Test Plan with key {key}")
    return issue


def _run(call: RouteCall, number: str) -> tuple[Issue, Run]:
    found = call.emulation.world.find_run(number)
    if found is None:
        raise missing(f"Test Run with id {number}")
    return found


def _put_status(side: Server, run: Run, status: str) -> None:
    if side.status(status) is None:
        raise refusal(f"The status {status} does not exist.", basis=Basis.ASSUMED)
    run.status = run.stated = status


def _json(call: RouteCall) -> Any:
    try:
        return call.body.json()
    except ValueError as error:
        raise refusal("The body is no JSON", basis=Basis.ASSUMED) from error


def _object(call: RouteCall) -> dict[str, Any]:
    given = _json(call)
    if not isinstance(given, dict):
        raise refusal("The body is no object", basis=Basis.ASSUMED)
    return given
