"""Writes one result into its Test Run. Knows the members of a run; knows nothing of how the Test was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xray_ci.emulator.world import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xray_ci.emulator.arriving import Result
    from xray_ci.emulator.evidence import Evidence, Shelf
    from xray_ci.emulator.sides import Side
    from xray_ci.emulator.world import Issue, World


def store_run(world: World, shelf: Shelf, side: Side, *, execution: Issue, test: str, result: Result) -> None:
    """Make or overwrite the run of one Test; what it held before is gone (D for iterations, A for the rest)."""
    if execution.execution is None:
        raise AssertionError(execution)
    present = execution.execution.runs.get(test)
    details = result.details
    execution.execution.runs[test] = Run(
        id=present.id if present is not None else _next_id(world, side),
        test=test,
        status=(side.words[result.status] if result.native else side.status(result.status)) or "",
        stated=result.status,
        comment=details.get("comment", ""),
        started=details.get("start"),
        finished=details.get("finish"),
        executed_by=details.get("executedBy"),
        assignee=details.get("assignee"),
        output=details.get("output", ""),
        defects=[key for key in details.get("defects", ()) if key in world.issues],
        evidence=_kept(shelf, details.get("evidence", ())),
        steps=_steps(shelf, details.get("steps", ())),
        examples=list(details.get("examples", ())),
        iterations=[_iteration(shelf, each) for each in details.get("iterations", ())],
        custom_fields=[dict(each) for each in details.get("customFields", ())],
        results=list(details.get("results", ())),
    )


def _next_id(world: World, side: Side) -> str:
    """24 hexadecimal digits on Cloud, a small number on Server (O)."""
    world.last_run += 1
    return f"65f{world.last_run:021d}" if side.name == "cloud" else str(world.last_run)


def _kept(shelf: Shelf, items: Sequence[Mapping[str, Any]]) -> list[Evidence]:
    return [shelf.keep(item["data"], item["filename"], item.get("contentType")) for item in items]


def _steps(shelf: Shelf, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Keep step results as sent, their evidence on the shelf."""
    kept = []
    for step in steps:
        evidence = _kept(shelf, step.get("evidence", step.get("evidences", ())))
        rest = {name: value for name, value in step.items() if name not in ("evidence", "evidences")}
        kept.append({**rest, "evidence": evidence} if evidence else rest)
    return kept


def _iteration(shelf: Shelf, iteration: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(iteration)
    if "steps" in rest:
        rest["steps"] = _steps(shelf, rest["steps"])
    return rest
