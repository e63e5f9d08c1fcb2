"""Inputs of other GitHub actions that import into Xray → our settings. Facts about those actions are (O): their public files.

The most used action's inputs are the aliases of the settings; another is known by its inputs too, since its name differs by fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.settings.aliases import NAMES, PASSED_OVER, SAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.migrate.step import Step

_KNOWN_BY: Final = frozenset({"testpaths", "testexeckey", "xraycloud", "testformat"})
_BY_LOWER: Final = {name.lower(): name for name in NAMES}
_REPORTER: Final = {"path": "reports", "test-plan-id": "test-plan", "jira-url": "jira-url", "summary": "summary",
                    "description": "description", "testEnvironments": "test-environments", "labels": "labels"}
"""Inputs of a reporter of Cucumber results to Server/DC (O)."""
_FALSE: Final = "false"


def translate(inputs: Mapping[str, str], step: Step) -> bool:
    """Fill a step with the inputs of an action; False when the action is not known by them."""
    named = {_BY_LOWER.get(name.lower(), name): value for name, value in inputs.items()}  # GitHub ignores case (D)
    if {name.lower() for name in inputs} & _KNOWN_BY:
        _most_used(named, step)
        return True
    if {"path", "test-plan-id"} <= {*inputs}:
        _reporter(inputs, step)
        return True
    return False


def _most_used(inputs: Mapping[str, str], step: Step) -> None:
    cloud = inputs.get("xrayCloud", "true").strip().lower() != _FALSE
    for name, value in inputs.items():
        was = f"`{name}`"
        if name == "testFormat":
            step.put("format", "xray-json" if value.strip() == "xray" else value, was)
        elif name in SAME and name != "xrayToken":
            step.put(SAME[name], value, was)
        elif name == "revision":
            step.put(name, value, was)
        elif name in PASSED_OVER:
            step.leave(was, PASSED_OVER[name])
        elif name in ("testExecutionJson", "testJson"):
            _file(name, value, step, existing=bool(inputs.get("testExecKey", "").strip()))
        elif name not in NAMES:
            step.leave("an input that is not known", "that action does not have it either")
    step.address(inputs.get("xrayBaseUrl", ""), "`xrayBaseUrl`", cloud=cloud)
    if inputs.get("combineInSingleTestExec", "").strip().lower() == _FALSE and not inputs.get("testExecKey"):
        step.put("executions", "per-report", "`combineInSingleTestExec`")
    milliseconds = inputs.get("responseTimeout", "").strip()
    if milliseconds.isascii() and milliseconds.isdigit():
        step.put("timeout", f"{max(int(milliseconds[:12]) / 1000, 1):g}", "`responseTimeout`, in milliseconds,")
    elif milliseconds:
        step.leave("`responseTimeout`", "it is no number; `timeout` is in seconds")
    _credentials(inputs, step, cloud=cloud)
    step.finish(cloud=cloud)


def _file(name: str, value: str, step: Step, *, existing: bool) -> None:
    """Keep a file of Jira fields as it is: the action takes these two by their old names."""
    if existing:
        step.leave(f"`{name}`", "only a new Test Execution takes fields, and `test-execution` names one")
    else:
        step.keep(name, value)


def _credentials(inputs: Mapping[str, str], step: Step, *, cloud: bool) -> None:
    user, password, token = (inputs.get(name, "") for name in ("username", "password", "xrayToken"))
    if cloud:
        step.secret("client-id", user, "`username`")
        step.secret("client-secret", password, "`password`")
    elif token.strip():
        step.secret("jira-token", token, "`xrayToken`")
        if user or password:
            step.leave("`username` and `password`", "`xrayToken` wins there too")
    else:
        step.user(user, "`username`")
        step.secret("jira-password", password, "`password`")


def _reporter(inputs: Mapping[str, str], step: Step) -> None:
    step.put("format", "cucumber", "an action that reads Cucumber JSON alone")
    for name, value in inputs.items():
        if name in _REPORTER:
            step.put(_REPORTER[name], value.replace(",", "\n") if name == "labels" else value, f"`{name}`")
        elif name == "jira-username":
            step.user(value, f"`{name}`")
        elif name == "jira-password":
            step.secret(name, value, f"`{name}`")
        elif name in ("affected-versions", "assignee"):
            step.leave(f"`{name}`", "put the Jira field into `fields`")
        else:
            step.leave("another input", "there is nothing like it here")
    step.finish(cloud=False)
