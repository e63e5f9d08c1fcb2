"""What Xray Server keeps besides runs: Tests and their steps, executions, plans, sets, preconditions, repository.

Reads, links both ways, and the settings of a site. Knows paths and answers; the rules of an import live elsewhere.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator import jql
from xray_ci.emulator.answers import answer, as_json, refusal
from xray_ci.emulator.datacenter import (
    COLOURS,
    all_runs,
    apart,
    enter,
    execution_of,
    given_object,
    issues_of,
    missing,
    number_of,
    paths,
    project_of,
    rendered,
    run_number,
    shown,
    texts,
    word,
)
from xray_ci.emulator.emulation import RouteCall, arguments
from xray_ci.emulator.world import PRECONDITION, TEST, TEST_EXECUTION, TEST_PLAN, TEST_SET, link_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from werkzeug.routing import Rule
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue, World

_UNSET: Final = "TODO"
_STATUSES: Final = (
    ("PASS", "The test run/iteration has passed", True, "OK"),
    ("TODO", "The test run/iteration has not started", False, "NOTRUN"),
    ("EXECUTING", "The test run/iteration is currently being executed", False, "NOTRUN"),
    ("FAIL", "The test run/iteration has failed", True, "NOK"),
    ("ABORTED", "The test run/iteration was aborted", True, "NOTRUN"),
)
_HELD: Final[dict[str, Callable[[Issue], list[str]]]] = {
    TEST_EXECUTION: lambda issue: list(issue.execution.runs) if issue.execution else [],
    TEST_PLAN: lambda issue: issue.plan.tests if issue.plan else [],
    TEST_SET: lambda issue: issue.test_set.tests if issue.test_set else [],
}
"""The Tests that an issue of each type holds, by key."""


def rules() -> list[Rule]:
    """Return the routes."""
    found = []
    for path, kind in (("testexec", TEST_EXECUTION), ("testplan", TEST_PLAN), ("testset", TEST_SET)):
        listed = _execution_tests if kind == TEST_EXECUTION else functools.partial(_listed_tests, kind=kind)
        found += paths("GET", f"{path}/<key>/test", listed)
        found += paths("POST", f"{path}/<key>/test", functools.partial(_change_tests, kind=kind))
        found += paths("DELETE", f"{path}/<key>/test/<test>", functools.partial(_remove_test, kind=kind))
    for path, handle in (
        ("testruns", _test_runs),
        ("testexecutions", functools.partial(_around, kind=TEST_EXECUTION)),
        ("testplans", functools.partial(_around, kind=TEST_PLAN)),
        ("testsets", functools.partial(_around, kind=TEST_SET)),
        ("preconditions", _preconditions),
    ):
        found += paths("GET", f"test/<key>/{path}", handle)
    for step in ("step", "steps"):  # 1.0 and 2.0 (O)
        found += paths("GET", f"test/<key>/{step}", _steps)
        found += paths("POST", f"test/<key>/{step}", _add_step)
        found += paths("PUT", f"test/<key>/{step}", _add_step)  # 1.0 makes steps so (O)
        found += paths("GET", f"test/<key>/{step}/<number>", _step)
        found += paths("PUT", f"test/<key>/{step}/<number>", _change_step)
        found += paths("POST", f"test/<key>/{step}/<number>", _change_step)
        found += paths("DELETE", f"test/<key>/{step}/<number>", _remove_step)
    return [
        *found,
        *paths("GET", "test", _tests),
        *paths("GET", "testplan/<key>/testexecution", _plan_executions),
        *paths("POST", "testplan/<key>/testexecution", _change_executions),
        *paths("DELETE", "testplan/<key>/testexecution/<execution>", _remove_execution),
        *paths("GET", "precondition/<key>/test", _condition_tests),
        *paths("POST", "precondition/<key>/test", _change_condition),
        *paths("DELETE", "precondition/<key>/test/<test>", _remove_condition),
        *paths("GET", "settings/teststatuses", _statuses),
        *paths("GET", "settings/teststepstatuses", _step_statuses),
        *paths("GET", "project/<project>/settings/customfields/testruns", _run_fields),
        *paths("GET", "project/<project>/settings/customfields/teststeps", _no_fields),
    ]


# Tests


def _tests(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike, here and below
    """Read Tests by their keys, by JQL or by a saved filter; in the order of the index (O)."""
    enter(call)
    query, world = arguments(call), call.emulation.world
    text = query.get("jql") or world.filters.get(query.get("filter", ""), "")
    if text:
        try:
            found = jql.search(call.emulation, jql.Query(text), call.now)
        except jql.InvalidQuery as error:
            raise refusal(f"Error in the JQL Query: {error}", fact="server-jql") from error
    else:
        keys = {each.strip() for each in query.get("keys", "").replace(",", ";").split(";")}
        found = [each for each in world.issues.values() if each.key in keys]
    return as_json([_test(call, each) for each in found if each.type == TEST])


def _test(call: RouteCall, issue: Issue) -> dict[str, Any]:
    details = issue.test
    if details is None:
        raise AssertionError(issue)
    definition: Any = details.scenario if details.kind == "Gherkin" else details.definition
    if details.kind == "Steps":
        definition = {"steps": [_shown_step(number, each) for number, each in enumerate(details.steps, start=1)]}
    return {
        "key": issue.key,
        "id": int(issue.id),
        "reporter": "emu",
        "self": f"{call.base}/jira/rest/api/2/issue/{issue.id}",
        "type": details.type,
        "status": _UNSET,
        "precondition": [{"preconditionKey": key} for key in details.preconditions],
        "definition": definition or None,
        "archived": False,
    }


def _test_runs(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    test = _need(call, key, TEST)
    return as_json([shown(call, *both) for both in call.emulation.world.runs_of(test.key)])


def _around(call: RouteCall, version: str, key: str, *, kind: str) -> Response:  # noqa: ARG001
    """List the issues of a type that hold a Test."""
    enter(call)
    test = _need(call, key, TEST)
    return as_json([_small(call, each) for each in call.emulation.world.of_type(kind) if test.key in _HELD[kind](each)])


def _small(call: RouteCall, issue: Issue) -> dict[str, Any]:
    return {
        "id": int(issue.id),
        "key": issue.key,
        "summary": issue.summary,
        "self": f"{call.base}/jira/rest/api/2/issue/{issue.id}",
        "testEnvironments": issue.execution.environments if issue.execution is not None else [],
    }


def _preconditions(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    test, world = _need(call, key, TEST), call.emulation.world
    found = [world.issues[each] for each in (test.test.preconditions if test.test else ())]
    return as_json(
        [
            {
                **_small(call, each),
                "type": each.precondition.type if each.precondition else None,
                "condition": each.precondition.definition if each.precondition else None,
            }
            for each in found
        ]
    )


# Steps of a Test


def _shown_step(number: int, step: dict[str, Any]) -> dict[str, Any]:
    names = {"step": "action", "data": "data", "result": "result"}
    shown_texts = {
        name: {"raw": step.get(held, ""), "rendered": rendered(step.get(held, ""))} for name, held in names.items()
    }
    fields = {
        name: {"type": "Wiki", "value": shown_texts[held]}
        for name, held in (("Action", "step"), ("Data", "data"), ("Expected Result", "result"))
    }
    return {"id": int(step["id"]), "index": number, **shown_texts, "fields": fields, "attachments": []}


def _made_of(call: RouteCall, key: str) -> list[dict[str, Any]]:
    test = _need(call, key, TEST)
    if test.test is None:
        raise AssertionError(test)
    return test.test.steps


def _steps(call: RouteCall, version: str, key: str) -> Response:
    """List the steps: 1.0 a list, 2.0 an object (O)."""
    enter(call)
    found = [_shown_step(number, each) for number, each in enumerate(_made_of(call, key), start=1)]
    return as_json(found if version == "1.0" else {"steps": found})


def _step(call: RouteCall, version: str, key: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    place, steps = _place(call, key, number)
    return as_json(_shown_step(place + 1, steps[place]))


def _add_step(call: RouteCall, version: str, key: str) -> Response:
    enter(call)
    steps, given = _made_of(call, key), given_object(call)
    steps.append({**_step_texts(given), "id": call.emulation.world.next_id()})
    return as_json(_shown_step(len(steps), steps[-1]), status=apart(version, new=201))


def _change_step(call: RouteCall, version: str, key: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    place, steps = _place(call, key, number)
    steps[place].update(_step_texts(given_object(call), only_given=True))
    return as_json(_shown_step(place + 1, steps[place]))


def _remove_step(call: RouteCall, version: str, key: str, number: str) -> Response:
    enter(call)
    place, steps = _place(call, key, number)
    del steps[place]
    return answer(status=apart(version, new=204))


def _place(call: RouteCall, key: str, number: str) -> tuple[int, list[dict[str, Any]]]:
    steps = _made_of(call, key)
    for place, each in enumerate(steps):
        if each["id"] == number:
            return place, steps
    raise missing(f"Step with id {number}")


def _step_texts(given: dict[str, Any], *, only_given: bool = False) -> dict[str, str]:
    """Read a step: names of 1.0, or `fields` of 2.0 (O)."""
    fields = given.get("fields") if isinstance(given.get("fields"), dict) else {}
    held = {
        "action": given.get("step", (fields or {}).get("Action")),
        "data": given.get("data", (fields or {}).get("Data")),
        "result": given.get("result", (fields or {}).get("Expected Result")),
    }
    return {name: str(value or "") for name, value in held.items() if value is not None or not only_given}


# What an execution, a plan or a set holds


def _execution_tests(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    """List the Tests of a Test Execution page by page, with the ids of their runs (D)."""
    enter(call)
    query, largest = arguments(call), call.emulation.switches.server_page
    execution = execution_of(call, key)
    runs = list(all_runs(execution))
    limit, page = number_of(query, "limit", len(runs)), number_of(query, "page", 1)
    if limit > largest or page < 1:  # without a limit too (O)
        raise refusal("Maximum results per request exceeded.", fact="server-page")
    detailed = query.get("detailed") == "true"
    return as_json(
        [
            {
                **(shown(call, execution, run) if detailed else {}),
                "id": run_number(run),
                "key": run.test,
                "rank": rank,
                "status": word(run.status),
            }
            for rank, run in enumerate(runs[(page - 1) * limit : page * limit], start=(page - 1) * limit + 1)
        ]
    )


def _listed_tests(call: RouteCall, version: str, key: str, *, kind: str) -> Response:  # noqa: ARG001
    enter(call)
    held, world = _HELD[kind](_need(call, key, kind)), call.emulation.world
    query = arguments(call)
    limit, page = number_of(query, "limit", len(held)), max(1, number_of(query, "page", 1))
    return as_json(
        [
            {"id": int(world.issues[each].id), "key": each, "rank": rank, "latestStatus": _latest(world, each)}
            for rank, each in enumerate(held[(page - 1) * limit : page * limit], start=(page - 1) * limit + 1)
        ]
    )


def _latest(world: World, key: str) -> str:
    runs = list(world.runs_of(key))
    return word(runs[-1][1].status) if runs else _UNSET


def _change_tests(call: RouteCall, version: str, key: str, *, kind: str) -> Response:  # noqa: ARG001
    """Add Tests, or take them out: an empty list is success (O)."""
    enter(call)
    issue, given = _need(call, key, kind), given_object(call)
    found, messages = issues_of(call, texts(given.get("add")), TEST)
    for test in found:
        if issue.execution is not None:
            call.emulation.world.add_test(issue, test, word=_UNSET)
        elif test.key not in (held := _HELD[kind](issue)):
            held.append(test.key)
    _take_out(issue, kind, texts(given.get("remove")))
    return as_json(messages)


def _remove_test(call: RouteCall, version: str, key: str, test: str, *, kind: str) -> Response:  # noqa: ARG001
    enter(call)
    issue = _need(call, key, kind)
    if test not in _HELD[kind](issue):
        raise missing(f"Test {test} in {issue.key}")
    _take_out(issue, kind, [test])
    return answer()


def _take_out(issue: Issue, kind: str, keys: Iterable[str]) -> None:
    for key in keys:
        if issue.execution is not None:
            issue.execution.runs.pop(key, None)
        elif key in (held := _HELD[kind](issue)):
            held.remove(key)


def _plan_executions(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    plan, world = _need(call, key, TEST_PLAN), call.emulation.world
    return as_json([_small(call, world.issues[each]) for each in (plan.plan.executions if plan.plan else ())])


def _change_executions(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    """Link Test Executions to a Test Plan, or take them out; their Tests are not added (A)."""
    enter(call)
    plan, given = _need(call, key, TEST_PLAN), given_object(call)
    found, messages = issues_of(call, texts(given.get("add")), TEST_EXECUTION)
    for each in found:
        link_plan(plan, each, ())
    for gone in texts(given.get("remove")):
        _unlink(call, plan, gone)
    return as_json(messages)


def _remove_execution(call: RouteCall, version: str, key: str, execution: str) -> Response:  # noqa: ARG001
    enter(call)
    plan = _need(call, key, TEST_PLAN)
    if plan.plan is None or execution not in plan.plan.executions:
        raise missing(f"Test Execution {execution} in {plan.key}")
    _unlink(call, plan, execution)
    return answer()


def _unlink(call: RouteCall, plan: Issue, key: str) -> None:
    if plan.plan is not None and key in plan.plan.executions:
        plan.plan.executions.remove(key)
        execution = call.emulation.world.issues[key].execution
        if execution is not None and plan.key in execution.plans:
            execution.plans.remove(plan.key)


# Preconditions


def _condition_tests(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    condition = _need(call, key, PRECONDITION)
    held = [
        each for each in call.emulation.world.of_type(TEST) if each.test and condition.key in each.test.preconditions
    ]
    return as_json([{"id": int(each.id), "key": each.key, "rank": rank} for rank, each in enumerate(held, start=1)])


def _change_condition(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
    enter(call)
    condition, given = _need(call, key, PRECONDITION), given_object(call)
    found, messages = issues_of(call, texts(given.get("add")), TEST)
    gone, more = issues_of(call, texts(given.get("remove")), TEST)
    for test in found:
        if test.test is not None and condition.key not in test.test.preconditions:
            test.test.preconditions.append(condition.key)
    for test in gone:
        if test.test is not None and condition.key in test.test.preconditions:
            test.test.preconditions.remove(condition.key)
    return as_json([*messages, *more])


def _remove_condition(call: RouteCall, version: str, key: str, test: str) -> Response:  # noqa: ARG001
    enter(call)
    condition, held = _need(call, key, PRECONDITION), _need(call, test, TEST).test
    if held is None or condition.key not in held.preconditions:
        raise missing(f"Test {test} in {condition.key}")
    held.preconditions.remove(condition.key)
    return answer()


# Settings of the site and its projects


def _statuses(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """List the statuses of runs (O)."""
    enter(call)
    found = [
        {
            "id": number,
            "rank": number,
            "name": name,
            "description": text,
            "color": COLOURS[name],
            "final": final,
            "requirementStatusName": coverage,
        }
        for number, (name, text, final, coverage) in enumerate(_STATUSES)
    ]
    for number, each in enumerate(call.emulation.world.statuses, start=len(found) + 995):
        found.append(
            {
                "id": number,
                "rank": len(found),
                "name": each.name,
                "description": "",
                "color": each.color,
                "final": each.final,
                "requirementStatusName": each.coverage,
            }
        )
    return as_json(found)


def _step_statuses(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(
        [
            {
                "id": number,
                "rank": number,
                "name": name,
                "description": text.replace("test run/iteration", "step"),
                "color": COLOURS[name],
                "testStatusId": number,
            }
            for number, (name, text, _, _) in enumerate(_STATUSES)
        ]
    )


def _run_fields(call: RouteCall, version: str, project: str) -> Response:  # noqa: ARG001
    """List the custom fields of Test Runs, which are the same in each project here (A)."""
    enter(call)
    project_of(call, project)
    return as_json([{"id": number, "name": name} for number, name in enumerate(_RUN_FIELDS, 1)])


_RUN_FIELDS: Final = ("cf1", "Browser")


def _no_fields(call: RouteCall, version: str, project: str) -> Response:  # noqa: ARG001
    enter(call)
    project_of(call, project)
    return as_json([])


# Looking up


def _need(call: RouteCall, key: str, kind: str) -> Issue:
    if kind == TEST_EXECUTION:
        return execution_of(call, key)
    issue = call.emulation.world.find(key, kind)
    if issue is None:
        raise refusal(f"Issue with key {key} not found or is not of type {kind}.", status=404, fact="server-unknown")
    return issue
