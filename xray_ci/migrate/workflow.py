"""Pipelines written in YAML: GitHub workflows and actions, and GitLab CI. Finds their steps and scripts, with the variables they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.ci.text import harmless, one_line
from xray_ci.migrate import actions
from xray_ci.migrate.step import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.migrate.reading import Found
    from xray_ci.settings.yamltext import Node

_KEPT: Final[tuple[str, ...]] = ("name", "id", "if", "continue-on-error", "timeout-minutes")
_SCRIPTS: Final = ("before_script", "script", "after_script")
_CONTEXT: Final = {"GITHUB_SHA": "github.sha", "GITHUB_REF_NAME": "github.ref_name", "GITHUB_RUN_NUMBER": "github.run_number",
                   "GITHUB_RUN_ID": "github.run_id", "GITHUB_REPOSITORY": "github.repository", "GITHUB_ACTOR": "github.actor",
                   "GITHUB_WORKSPACE": "github.workspace", "GITHUB_HEAD_REF": "github.head_ref", "GITHUB_JOB": "github.job"}
"""Variables of the runner that the `env` context does not have (D)."""


def read(root: Node, found: Found) -> None:
    """Find every import of a YAML document, whichever of the two it is."""
    if root.items is not None:
        _steps(root, {}, found)
        return
    entries = root.entries or {}
    around = {name: found.refs.expression(code) for name, code in _CONTEXT.items()}
    if (jobs := entries.get("jobs")) is not None and jobs.entries is not None:
        for job in jobs.entries.values():
            found.key = None
            _steps(_entry(job, "steps"), around | _variables(entries.get("env"), found) | _variables(_entry(job, "env"), found), found)
        return
    steps = entries.get("steps") or _entry(entries.get("runs"), "steps")
    if steps is not None:
        _steps(steps, around, found)
        return
    shared = _variables(entries.get("variables"), found)
    for name, job in entries.items():
        if job.entries is not None:
            _job(name, job, shared | _variables(job.entries.get("variables"), found), found)


def _entry(node: Node | None, name: str) -> Node | None:
    return None if node is None or node.entries is None else node.entries.get(name)


def _text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text


def _texts(node: Node | None, found: Found) -> dict[str, str]:
    """Return the scalars of a mapping, with expressions as references."""
    entries = node.entries if node is not None and node.entries is not None else {}
    return {name: found.refs.expressions(value.text) for name, value in entries.items() if value.text is not None}


def _variables(node: Node | None, found: Found) -> dict[str, str]:
    return {name: value for name, value in _texts(node, found).items() if value and "$" not in value}


def _steps(steps: Node | None, known: Mapping[str, str], found: Found) -> None:
    for node in (steps.items if steps is not None and steps.items is not None else ()):
        if node.entries is None:
            continue
        frame: dict[str, str] = {
            name: found.refs.expressions(harmless(one_line(node.entries[name].text or "", 200))) for name in _KEPT
            if name in node.entries and node.entries[name].text}
        uses, run = _text(node.entries.get("uses")), node.entries.get("run")
        if "xray" in uses.lower() and "xray-ci" not in uses.lower():
            _action(uses, node, frame, found)
        elif run is not None and run.text:
            own = {**known, **_variables(node.entries.get("env"), found)}
            text = found.refs.expressions(run.text)
            for number, step in enumerate(found.script(text, run.line + ("\n" in run.text), own, Host.GITHUB)):
                step.frame = frame if number == 0 else {name: value for name, value in frame.items() if name != "id"}


def _action(uses: str, node: Node, frame: dict[str, str], found: Found) -> None:
    before = len(found.steps)
    step = found.step(Host.GITHUB, node.line, f"the action {one_line(uses, 100)}")
    step.frame = frame
    assert node.entries is not None  # noqa: S101  # asked by the caller
    if not actions.translate(_texts(node.entries.get("with"), found), step):
        del found.steps[before:]
        found.unknown.append(f"{step.what} on line {node.line}")


def _job(name: str, job: Node, known: dict[str, str], found: Found) -> None:
    assert job.entries is not None  # noqa: S101  # asked by the caller
    found.key = None
    for part in _SCRIPTS:
        node = job.entries.get(part)
        for line in ([] if node is None else [node] if node.items is None else node.items):
            if not line.text:
                continue
            for step in found.script(found.refs.clean(line.text), line.line + ("\n" in line.text), known, Host.GITLAB):
                step.frame = {"name": harmless(one_line(name, 100)), "stage": harmless(one_line(_text(job.entries.get("stage")), 100))}
                step.notes.append("The reports come to the new job as artifacts of the job that writes them (`artifacts: when: always`).")
                if {"rules", "only", "except", "needs", "tags"} & {*job.entries}:
                    step.leave("`rules`, `only`, `except`, `needs` and `tags`", "copy those of the old job that still apply")
