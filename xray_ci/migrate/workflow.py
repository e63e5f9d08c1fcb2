"""Inputs of other GitHub actions that import into Xray → our settings.

Facts about those actions are (O): their public files.

The most used action's inputs are the aliases of the settings; another is known by its inputs too, since its name
differs by fork.

Pipelines written in YAML: GitHub workflows and actions, GitLab CI, Azure Pipelines, CircleCI, Bitbucket Pipelines, and
the scripts of any other. Finds their steps and scripts, with the variables they see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.ci.text import harmless, one_line
from xray_ci.migrate.step import Host, quoted
from xray_ci.settings.config import IGNORED, NAMES, SAME

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
    "assignee": "assignee",
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
        elif name in IGNORED:
            step.leave(was, IGNORED[name])
        elif name in ("testExecutionJson", "testJson"):
            _file(name, value, step, existing=bool(inputs.get("testExecKey", "").strip()))
        elif name not in NAMES:
            step.leave(quoted(name), "the old action does not know this input either")
    step.address(inputs.get("xrayBaseUrl", ""), "`xrayBaseUrl`", cloud=cloud)
    combined = inputs.get("combineInSingleTestExec", "").strip().lower()
    if combined == _FALSE and not inputs.get("testExecKey"):
        step.put("executions", "per-report", "`combineInSingleTestExec`")
    elif combined:
        step.notes.append("`combineInSingleTestExec` is not needed: one Test Execution is what is made.")
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
        elif name == "affected-versions":
            step.leave(f"`{name}`", "put the Jira field into `fields`")
        else:
            step.leave(quoted(name), "there is nothing like it here")
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
    """Find every import of a YAML document, whichever system it belongs to."""
    if (host := _system(root)) is not None:
        found.system = host
        _walk(root, {}, {}, host, found)
        return
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
        if found.steps or found.unknown:
            return
    shared = _variables(entries.get("variables"), found)
    for name, job in entries.items():
        if job.entries is not None:
            _job(name, job, shared | _variables(job.entries.get("variables"), found), found)
    if not found.steps:  # a system that is not known by name
        _walk(root, {}, {}, Host.SHELL, found)


_AZURE: Final = frozenset({"script", "bash", "pwsh", "powershell", "task", "checkout"})
_LINES: Final = frozenset(
    {*_AZURE, "command", "commands", "run", "scripts", "before_script", "after_script", "after-script"}
)
_MACRO: Final = re.compile(r"\$\((?!(?:date|pwd|whoami|hostname|uname)\))([A-Za-z_][\w.]{0,99})\)")
"""`$(Build.BuildId)`, which Azure fills in; a few words are nearly always commands of the shell."""


def _system(root: YamlNode) -> Host | None:
    """Tell Azure Pipelines, CircleCI and Bitbucket Pipelines by what only they have; None for any other."""
    entries = root.entries or {}
    if "pipelines" in entries:
        return Host.BITBUCKET
    if "jobs" in entries and "on" not in entries and {"version", "orbs", "executors"} & {*entries}:
        return Host.CIRCLECI
    if "plan" in entries:  # Bamboo's specs, which have stages, too
        return None
    if any((node := entries.get(name)) is not None and node.items is not None for name in ("jobs", "stages")):
        first = (entries.get("jobs") or entries["stages"]).items or []
        return Host.AZURE if first and first[0].entries is not None else None
    steps = root if root.items is not None else entries.get("steps")
    nodes = steps.items if steps is not None and steps.items is not None else []
    return Host.AZURE if any(_AZURE & {*(node.entries or {})} for node in nodes) else None


def _walk(
    node: YamlNode, known: Mapping[str, str], frame: Mapping[str, str], host: Host, found: FoundSteps, *, key: str = ""
) -> None:
    """Read every script below a node, with the variables that it and what is around it set."""
    for item in node.items or ():
        _walk(item, known, frame, host, found, key=key)
    if node.text and key in _LINES:
        text = found.refs.clean(node.text)
        if host is Host.AZURE:
            text = _MACRO.sub(lambda macro: f"${{{_azure_name(macro[1])}}}", text)
        for step in found.script(text, node.line + ("\n" in node.text), dict(known), host):
            step.frame = dict(frame)
    if node.entries is None:
        return
    own = dict(known)
    for name in ("env", "variables", "environment"):
        own |= _set(node.entries.get(name), host, found)
    title = _text(node.entries.get("displayName")) or _text(node.entries.get("name"))
    around = {
        name: harmless(one_line(text, 200))
        for name, text in (("name", title), ("condition", _text(node.entries.get("condition"))))
        if text
    }
    for name, entry in node.entries.items():
        _walk(entry, own, around or frame, host, found, key=name)


def _azure_name(name: str) -> str:
    """Return the environment variable that a variable of Azure arrives in (D)."""
    return name.upper().replace(".", "_")


def _set(node: YamlNode | None, host: Host, found: FoundSteps) -> dict[str, str]:
    """Return what a block of variables sets; Azure's may be a list, and may name others as `$(NAME)`."""
    values = _texts(node, found)
    for item in node.items if node is not None and node.items is not None else ():
        entry = item.entries or {}
        values |= {_text(entry.get("name")): _text(entry.get("value"))} if "name" in entry else _texts(item, found)
    if host is not Host.AZURE:
        return {name: value for name, value in values.items() if value and "$" not in value}
    read = {}
    for name, value in values.items():
        filled = _MACRO.sub(lambda macro: found.refs.variable(_azure_name(macro[1])), value)
        if filled and "$" not in filled:
            read[_azure_name(name)] = filled
    return read


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
            if line.entries is not None and any("curl" in key for key in line.entries):
                found.unknown.append(
                    f"line {line.line} of `{part}`, which YAML reads as a mapping (put it in quotes, or below `- |`)"
                )
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
