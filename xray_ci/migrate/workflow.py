"""Inputs of other GitHub actions that import into Xray → our settings.

Facts about those actions are (O): their public files.

The most used action's inputs are the aliases of the settings; another is known by its inputs too, since its name
differs by fork.

Pipelines written in YAML: GitHub workflows and actions, and GitLab CI. Finds their steps and scripts, with the
variables they see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.ci.text import harmless, one_line
from xray_ci.migrate.step import Host
from xray_ci.settings.sources import NAMES, PASSED_OVER, SAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.migrate.reading import FoundSteps
    from xray_ci.migrate.step import MigratedStep
    from xray_ci.settings.yamltext import YamlNode


_KNOWN_BY: Final = frozenset({"testpaths", "testexeckey", "xraycloud", "testformat"})
_BY_LOWER: Final = {name.lower(): name for name in NAMES}
_REPORTER: Final = {
    "path": "reports",
    "test-plan-id": "test-plan",
    "jira-url": "jira-url",
    "summary": "summary",
    "description": "description",
    "testEnvironments": "test-environments",
    "labels": "labels",
}
"""Inputs of a reporter of Cucumber results to Server/DC (O)."""
_FALSE: Final = "false"


def translate(inputs: Mapping[str, str], step: MigratedStep) -> bool:
    """Fill a step with the inputs of an action; False when the action is not known by them."""
    named = {_BY_LOWER.get(name.lower(), name): value for name, value in inputs.items()}  # GitHub ignores case (D)
    if {name.lower() for name in inputs} & _KNOWN_BY:
        _most_used(named, step)
        return True
    if {"path", "test-plan-id"} <= {*inputs}:
        _reporter(inputs, step)
        return True
    return False


def _most_used(inputs: Mapping[str, str], step: MigratedStep) -> None:
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


def _file(name: str, value: str, step: MigratedStep, *, existing: bool) -> None:
    """Keep a file of Jira fields as it is: the action takes these two by their old names."""
    if existing:
        step.leave(f"`{name}`", "only a new Test Execution takes fields, and `test-execution` names one")
    else:
        step.keep(name, value)


def _credentials(inputs: Mapping[str, str], step: MigratedStep, *, cloud: bool) -> None:
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


def _reporter(inputs: Mapping[str, str], step: MigratedStep) -> None:
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


_KEPT: Final[tuple[str, ...]] = ("name", "id", "if", "continue-on-error", "timeout-minutes")
_SCRIPTS: Final = ("before_script", "script", "after_script")
_CONTEXT: Final = {
    "GITHUB_SHA": "github.sha",
    "GITHUB_REF_NAME": "github.ref_name",
    "GITHUB_RUN_NUMBER": "github.run_number",
    "GITHUB_RUN_ID": "github.run_id",
    "GITHUB_REPOSITORY": "github.repository",
    "GITHUB_ACTOR": "github.actor",
    "GITHUB_WORKSPACE": "github.workspace",
    "GITHUB_HEAD_REF": "github.head_ref",
    "GITHUB_JOB": "github.job",
}
"""Variables of the runner that the `env` context does not have (D)."""


def read(root: YamlNode, found: FoundSteps) -> None:
    """Find every import of a YAML document, whichever of the two it is."""
    if root.items is not None:
        _steps(root, {}, found)
        return
    entries = root.entries or {}
    around = {name: found.refs.expression(code) for name, code in _CONTEXT.items()}
    if (jobs := entries.get("jobs")) is not None and jobs.entries is not None:
        for job in jobs.entries.values():
            found.key = None
            _steps(
                _entry(job, "steps"),
                around | _variables(entries.get("env"), found) | _variables(_entry(job, "env"), found),
                found,
            )
        return
    steps = entries.get("steps") or _entry(entries.get("runs"), "steps")
    if steps is not None:
        _steps(steps, around, found)
        return
    shared = _variables(entries.get("variables"), found)
    for name, job in entries.items():
        if job.entries is not None:
            _job(name, job, shared | _variables(job.entries.get("variables"), found), found)


def _entry(node: YamlNode | None, name: str) -> YamlNode | None:
    return None if node is None or node.entries is None else node.entries.get(name)


def _text(node: YamlNode | None) -> str:
    return "" if node is None or node.text is None else node.text


def _texts(node: YamlNode | None, found: FoundSteps) -> dict[str, str]:
    """Return the scalars of a mapping, with expressions as references."""
    entries = node.entries if node is not None and node.entries is not None else {}
    return {name: found.refs.expressions(value.text) for name, value in entries.items() if value.text is not None}


def _variables(node: YamlNode | None, found: FoundSteps) -> dict[str, str]:
    return {name: value for name, value in _texts(node, found).items() if value and "$" not in value}


def _steps(steps: YamlNode | None, known: Mapping[str, str], found: FoundSteps) -> None:
    for node in steps.items if steps is not None and steps.items is not None else ():
        if node.entries is None:
            continue
        frame: dict[str, str] = {
            name: found.refs.expressions(harmless(one_line(node.entries[name].text or "", 200)))
            for name in _KEPT
            if name in node.entries and node.entries[name].text
        }
        uses, run = _text(node.entries.get("uses")), node.entries.get("run")
        if "xray" in uses.lower() and "xray-ci" not in uses.lower():
            _action(uses, node, frame, found)
        elif run is not None and run.text:
            own = {**known, **_variables(node.entries.get("env"), found)}
            text = found.refs.expressions(run.text)
            for number, step in enumerate(found.script(text, run.line + ("\n" in run.text), own, Host.GITHUB)):
                step.frame = frame if number == 0 else {name: value for name, value in frame.items() if name != "id"}


def _action(uses: str, node: YamlNode, frame: dict[str, str], found: FoundSteps) -> None:
    before = len(found.steps)
    step = found.step(Host.GITHUB, node.line, f"the action {one_line(uses, 100)}")
    step.frame = frame
    assert node.entries is not None  # noqa: S101  # asked by the caller
    if not translate(_texts(node.entries.get("with"), found), step):
        del found.steps[before:]
        found.unknown.append(f"{step.what} on line {node.line}")


def _job(name: str, job: YamlNode, known: dict[str, str], found: FoundSteps) -> None:
    assert job.entries is not None  # noqa: S101  # asked by the caller
    found.key = None
    for part in _SCRIPTS:
        node = job.entries.get(part)
        for line in [] if node is None else [node] if node.items is None else node.items:
            if not line.text:
                continue
            for step in found.script(found.refs.clean(line.text), line.line + ("\n" in line.text), known, Host.GITLAB):
                step.frame = {
                    "name": harmless(one_line(name, 100)),
                    "stage": harmless(one_line(_text(job.entries.get("stage")), 100)),
                }
                step.notes.append(
                    "The reports come to the new job as artifacts of the job that writes them (`artifacts: when: "
                    "always`)."
                )
                if {"rules", "only", "except", "needs", "tags"} & {*job.entries}:
                    step.leave(
                        "`rules`, `only`, `except`, `needs` and `tags`", "copy those of the old job that still apply"
                    )
