"""Test Runs of Xray Server: how one is shown, and what can be changed of it. Knows paths, bodies and answers.

A code that differs by version does so as public clients and the vendor's collections have it: 1.0 says 200 where 2.0
says 201 or 204 (O).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xray_ci.emulator.answers import answer, as_json, as_text, refusal
from xray_ci.emulator.datacenter import (
    all_runs,
    apart,
    enter,
    execution_of,
    given_json,
    given_object,
    missing,
    number_of,
    paths,
    rendered,
    run_number,
    shown,
    shown_evidence,
    shown_iterations,
    shown_steps,
    texts,
    word,
)
from xray_ci.emulator.emulation import RouteCall, arguments
from xray_ci.emulator.world import FAILED_WORDS, PASSED_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.routing import Rule
    from werkzeug.wrappers import Response

    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.sides import Server
    from xray_ci.emulator.world import Issue, Run


def rules() -> list[Rule]:
    """Return the routes."""
    run = "testrun/<run>"
    return [
        *paths("GET", "testruns", _runs),
        *paths("GET", "testrun", _of_pair),
        *paths("GET", run, _by_id),
        *paths("PUT", run, _update),
        *paths("GET", f"{run}/status", _status),
        *paths("PUT", f"{run}/status", _set_status),
        *paths("GET", f"{run}/comment", _comment),
        *paths("PUT", f"{run}/comment", _set_comment),
        *paths("GET", f"{run}/assignee", _assignee),
        *paths("PUT", f"{run}/assignee", _set_assignee),
        *paths("GET", f"{run}/attachment", _attachments),
        *paths("POST", f"{run}/attachment", _attach),
        *paths("DELETE", f"{run}/attachment", _detach_by_name),
        *paths("DELETE", f"{run}/attachment/<number>", _detach),
        *paths("GET", f"{run}/defect", _defects),
        *paths("POST", f"{run}/defect", _add_defects),
        *paths("DELETE", f"{run}/defect/<key>", _remove_defect),
        *paths("GET", f"{run}/example", _examples),
        *paths("GET", f"{run}/example/<int:number>", _example),
        *paths("PUT", f"{run}/example/<int:number>", _set_example),
        *paths("GET", f"{run}/iteration", _iterations),
        *paths("GET", f"{run}/customfield", _custom_fields),
        *paths("GET", f"{run}/customfield/<field>", _custom_field),
        *paths("PUT", f"{run}/customfield/<field>", _set_custom_field),
        *paths("GET", f"{run}/step", _steps),
        *paths("GET", f"{run}/step/<step>", _step),
        *paths("PUT", f"{run}/step/<step>", _update_step),
        *paths("GET", f"{run}/step/<step>/status", _step_status),
        *paths("PUT", f"{run}/step/<step>/status", _set_step_status),
        *paths("GET", f"{run}/step/<step>/comment", _step_comment),
        *paths("PUT", f"{run}/step/<step>/comment", _set_step_comment),
        *paths("GET", f"{run}/step/<step>/attachment", _step_attachments),
        *paths("POST", f"{run}/step/<step>/attachment", _attach_to_step),
        *paths("GET", f"{run}/step/<step>/defect", _step_defects),
        *paths("POST", f"{run}/step/<step>/defect", _add_step_defects),
        *paths("DELETE", f"{run}/step/<step>/defect/<key>", _remove_step_defect),
    ]


# Reading


def _runs(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    """List runs of a Test Execution, of a Test, of a Test Plan, or in environments, page by page."""
    enter(call)
    query, world = arguments(call), call.emulation.world
    if not any(query.get(name) for name in ("testExecKey", "testKey", "testPlanKey", "savedFilterId")):
        raise refusal(
            "One of testExecKey, testKey, testPlanKey or savedFilterId is required.", fact="server-runs-wanted"
        )
    executions = world.executions()
    if key := query.get("testExecKey"):
        executions = [execution_of(call, key)]
    if key := query.get("testPlanKey"):
        executions = [each for each in executions if each.execution is not None and key in each.execution.plans]
    wanted = {each.strip() for each in query.get("testEnvironments", "").split(",") if each.strip()}
    found = [
        (execution, run)
        for execution in executions
        for run in all_runs(execution)
        if query.get("testKey") in (None, run.test)
        and (not wanted or (execution.execution is not None and wanted & set(execution.execution.environments)))
    ]
    limit, page = number_of(query, "limit", len(found)), number_of(query, "page", 1)
    found = found[max(0, page - 1) * limit : max(1, page) * limit]
    return as_json([shown(call, *both) for both in found])


def _of_pair(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    enter(call)
    query = arguments(call)
    execution = execution_of(call, query.get("testExecIssueKey", ""))
    for run in all_runs(execution):
        if run.test == query.get("testIssueKey"):
            return as_json(shown(call, execution, run))
    raise missing(f"Test Run of {query.get('testIssueKey', '')} in {execution.key}")


def _by_id(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(shown(call, *_run(call, run)))


def _status(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_text(word(_run(call, run)[1].status))


def _comment(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    text = _run(call, run)[1].comment
    return as_json({"raw": text, "rendered": rendered(text)})


def _assignee(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    held = _run(call, run)[1].assignee
    return as_json({"assigned": held is not None, "assignee": held})


def _attachments(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    execution, held = _run(call, run)
    return as_json([shown_evidence(call, execution, each) for each in held.evidence])


def _defects(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json([_shown_defect(call, key) for key in _run(call, run)[1].defects])


def _shown_defect(call: RouteCall, key: str) -> dict[str, Any]:
    issue = call.emulation.world.find(key)
    if issue is None:
        return {"key": key}
    return {"id": issue.id, "key": issue.key, "summary": issue.summary, "status": issue.status}


def _examples(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(
        [{"id": number, "status": word(each)} for number, each in enumerate(_run(call, run)[1].examples, start=1)]
    )


def _example(call: RouteCall, version: str, run: str, number: int) -> Response:  # noqa: ARG001
    enter(call)
    return as_text(word(_held_example(_run(call, run)[1], number)))


def _iterations(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(shown_iterations(_run(call, run)[1]))


def _custom_fields(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(_run(call, run)[1].custom_fields)


def _custom_field(call: RouteCall, version: str, run: str, field: str) -> Response:  # noqa: ARG001
    enter(call)
    for each in _run(call, run)[1].custom_fields:
        if str(each.get("id")) == field:
            return as_json(each)
    raise missing(f"Custom field with id {field}")


def _steps(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(shown_steps(call, *_run(call, run)))


def _step(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    enter(call)
    execution, held = _run(call, run)
    _held_step(call, held, step)
    return as_json(shown_steps(call, execution, held)[int(step) - 1])


def _step_status(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_text(word(_held_step(call, _run(call, run)[1], step)["status"]))


def _step_comment(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    enter(call)
    text = _held_step(call, _run(call, run)[1], step).get("comment", "")
    return as_json({"raw": text, "rendered": rendered(text)})


def _step_attachments(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    enter(call)
    execution, held = _run(call, run)
    files = _held_step(call, held, step).get("evidence", ())
    return as_json([shown_evidence(call, execution, each) for each in files])


def _step_defects(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json([_shown_defect(call, key) for key in _held_step(call, _run(call, run)[1], step).get("defects", ())])


# Changing


def _update(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    """Change what is given: all of it or, when something is wrong, nothing (O: the answer)."""
    side, (_, held), given = enter(call), _run(call, run), given_object(call)
    _check_status(side, given.get("status"))
    steps = _list(given, "steps")
    for each in steps:
        _held_step(call, held, str(each.get("id", "")), make=False)
        _check_status(side, each.get("status"))
    warnings = [*_apply_defects(call, held.defects, given.get("defects"))]
    files = _apply_evidence(call, held.evidence, given.get("evidences"))
    if isinstance(given.get("status"), str):
        _set(held, given["status"], call)
    held.comment = str(given["comment"] or "") if "comment" in given else held.comment
    if "assignee" in given:
        held.assignee = str(given["assignee"]) if given["assignee"] else None
    for each in _list(given, "customFields"):
        _put_custom_field(held, str(each.get("id", "")), each.get("value"))
    examples = given.get("examples")
    if isinstance(examples, list):
        held.examples = [str(each) for each in examples]
    results = [_apply_step(call, _held_step(call, held, str(each["id"])), each) for each in steps]
    return as_json({"evidenceIds": files, "id": run_number(held), "stepResults": results, "warnings": warnings})


def _apply_step(call: RouteCall, step: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    for name in ("status", "comment", "actualResult"):
        if isinstance(given.get(name), str):
            step[name] = given[name]
    warnings = _apply_defects(call, step.setdefault("defects", []), given.get("defects"))
    files = _apply_evidence(call, step.setdefault("evidence", []), given.get("evidences"))
    return {"id": given["id"], "evidenceIds": files, "warnings": warnings}


def _set_status(call: RouteCall, version: str, run: str) -> Response:
    side, (_, held) = enter(call), _run(call, run)
    status = arguments(call).get("status", "")
    _check_status(side, status, needed=True)
    _set(held, status, call)
    return answer(status=apart(version, new=204))


def _set_comment(call: RouteCall, version: str, run: str) -> Response:
    """Set the comment; the body is plain text (O)."""
    enter(call)
    _run(call, run)[1].comment = call.body.bytes().decode(errors="replace")
    return _comment(call, version, run)


def _set_assignee(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    _run(call, run)[1].assignee = arguments(call).get("user") or call.body.bytes().decode(errors="replace") or None
    return answer()


def _attach(call: RouteCall, version: str, run: str) -> Response:
    """Add a file `{data, filename, contentType}`."""
    enter(call)
    execution, held = _run(call, run)
    kept = _kept(call, given_object(call))
    held.evidence.append(kept)
    return as_json(shown_evidence(call, execution, kept), status=apart(version, new=201))


def _attach_to_step(call: RouteCall, version: str, run: str, step: str) -> Response:
    enter(call)
    execution, held = _run(call, run)
    place, kept = _held_step(call, held, step), _kept(call, given_object(call))
    place.setdefault("evidence", []).append(kept)
    return as_json(shown_evidence(call, execution, kept), status=apart(version, new=201))


def _kept(call: RouteCall, given: dict[str, Any]) -> Evidence:
    if not all(isinstance(given.get(name), str) for name in ("data", "filename")) or not isinstance(
        given.get("contentType"), str | None
    ):
        raise refusal("data and filename are required", fact="server-evidence-shape")
    return call.emulation.shelf.keep(given["data"], given["filename"], given.get("contentType"))


def _detach(call: RouteCall, version: str, run: str, number: str) -> Response:
    enter(call)
    held = _run(call, run)[1]
    return _without(held, [each for each in held.evidence if str(each.id) != number], number, version)


def _detach_by_name(call: RouteCall, version: str, run: str) -> Response:
    """Remove files by their name, which the query or the body holds (O)."""
    enter(call)
    held, name = (
        _run(call, run)[1],
        arguments(call).get("name") or call.body.bytes().decode(errors="replace").strip('"'),
    )
    return _without(held, [each for each in held.evidence if each.filename != name], name, version)


def _without(held: Run, rest: list[Evidence], what: str, version: str) -> Response:
    if len(rest) == len(held.evidence):
        raise missing(f"Attachment {what}")
    held.evidence = rest
    return answer(status=apart(version, new=204))


def _add_defects(call: RouteCall, version: str, run: str) -> Response:
    """Link defects, a list of keys."""
    enter(call)
    return _linked(call, version, _run(call, run)[1].defects)


def _add_step_defects(call: RouteCall, version: str, run: str, step: str) -> Response:
    enter(call)
    return _linked(call, version, _held_step(call, _run(call, run)[1], step).setdefault("defects", []))


def _linked(call: RouteCall, version: str, held: list[str]) -> Response:
    keys = given_json(call)
    if not isinstance(keys, list) or any(call.emulation.world.find(str(key)) is None for key in keys):
        raise refusal("A defect was not found", fact="server-defects")
    held.extend(str(key) for key in keys if key not in held)
    return as_json([], status=apart(version, new=201))


def _remove_defect(call: RouteCall, version: str, run: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    return _unlinked(_run(call, run)[1].defects, key)


def _remove_step_defect(call: RouteCall, version: str, run: str, step: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    return _unlinked(_held_step(call, _run(call, run)[1], step).setdefault("defects", []), key)


def _unlinked(held: list[str], key: str) -> Response:
    if key not in held:
        raise missing(f"Defect {key}")
    held.remove(key)
    return as_json([])


def _set_example(call: RouteCall, version: str, run: str, number: int) -> Response:  # noqa: ARG001
    side, (_, held) = enter(call), _run(call, run)
    status = arguments(call).get("status", "")
    _held_example(held, number)
    _check_status(side, status, needed=True)
    held.examples[number - 1] = status
    return answer()


def _set_custom_field(call: RouteCall, version: str, run: str, field: str) -> Response:  # noqa: ARG001
    enter(call)
    _put_custom_field(_run(call, run)[1], field, given_object(call).get("value"))
    return answer()


def _put_custom_field(run: Run, field: str, value: Any) -> None:
    """Set a value; null or nothing deletes it (D)."""
    run.custom_fields = [each for each in run.custom_fields if str(each.get("id")) != field]
    if value not in (None, "", []):
        run.custom_fields.append({"id": field, "value": value})


def _update_step(call: RouteCall, version: str, run: str, step: str) -> Response:  # noqa: ARG001
    side, (_, held), given = enter(call), _run(call, run), given_object(call)
    _check_status(side, given.get("status"))
    return as_json(_apply_step(call, _held_step(call, held, step), {**given, "id": int(step)}))


def _set_step_status(call: RouteCall, version: str, run: str, step: str) -> Response:
    side, (_, held) = enter(call), _run(call, run)
    status = arguments(call).get("status", "")
    place = _held_step(call, held, step)
    _check_status(side, status, needed=True)
    place["status"] = status
    return answer(status=apart(version, new=204))


def _set_step_comment(call: RouteCall, version: str, run: str, step: str) -> Response:
    enter(call)
    _held_step(call, _run(call, run)[1], step)["comment"] = call.body.bytes().decode(errors="replace")
    return _step_comment(call, version, run, step)


# Looking up


def _run(call: RouteCall, number: str) -> tuple[Issue, Run]:
    found = call.emulation.world.find_run(number)
    if found is None:
        raise missing(f"Test Run with id {number}")
    return found


def _held_example(run: Run, number: int) -> str:
    if not 1 <= number <= len(run.examples):
        raise missing(f"Example {number}")
    return run.examples[number - 1]


def _held_step(call: RouteCall, run: Run, number: str, *, make: bool = True) -> dict[str, Any]:
    """Return the result of a step; one that was not run yet gets its results now, where it may be made."""
    test = call.emulation.world.issues.get(run.test)
    made_of = test.test.steps if test is not None and test.test is not None else []
    held: list[dict[str, Any]] = run.steps or [{"status": "TODO"} for _ in made_of]
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:9]) <= len(held):
        raise missing(f"Step {number}")
    if make:
        run.steps = held
    return held[int(number) - 1]


def _check_status(side: Server, status: Any, *, needed: bool = False) -> None:
    if status is None and not needed:
        return
    if not isinstance(status, str) or not side.knows(status):
        raise refusal(f"The status {status} does not exist.", fact="server-run-status-unknown")


def _set(run: Run, status: str, call: RouteCall) -> None:
    """Set a status; a final one ends the run, any other than TODO begins it (A)."""
    run.status = run.stated = status
    moment = call.now.replace(microsecond=0).isoformat()
    if status != "TODO":
        run.started = run.started or moment
    if status in PASSED_WORDS | FAILED_WORDS:
        run.finished = moment


def _list(given: dict[str, Any], name: str) -> list[dict[str, Any]]:
    held = given.get(name)
    found = held if isinstance(held, list) else []
    if not all(isinstance(each, dict) for each in found):
        raise refusal(f"{name} is a list of objects", fact="server-body-shape")
    return found


def _apply_defects(call: RouteCall, held: list[str], given: Any) -> list[str]:
    """Add and remove keys; return a warning for each that leads nowhere."""
    wanted: Iterable[str] = texts(given.get("add") if isinstance(given, dict) else given)
    warnings = []
    for key in wanted:
        if call.emulation.world.find(key) is None:
            warnings.append(f"Defect {key} was not found.")  # (A)
        elif key not in held:
            held.append(key)
    gone = set(texts(given.get("remove"))) if isinstance(given, dict) else set()
    held[:] = [each for each in held if each not in gone]
    return warnings


def _apply_evidence(call: RouteCall, held: list[Evidence], given: Any) -> list[int]:
    """Add and remove files; return the ids of the added."""
    added = given.get("add") if isinstance(given, dict) else given
    files = [_kept(call, each) for each in added if isinstance(each, dict)] if isinstance(added, list) else []
    gone = given.get("remove") if isinstance(given, dict) else None
    names = {str(each) for each in gone} if isinstance(gone, list) else set()
    held[:] = [each for each in held if str(each.id) not in names and each.filename not in names]
    held.extend(files)
    return [each.id for each in files]
