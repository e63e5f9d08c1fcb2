"""What the standard paths say of the Test Execution, and small questions both products ask of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.emulator.arriving import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xray_ci.emulator.body import Part
    from xray_ci.emulator.world import World


def from_query(query: Mapping[str, str]) -> Target:
    """Read the six names of the XML formats; other names are passed over, quotes are taken literally (O)."""
    environments = [each.strip() for each in query.get("testEnvironments", "").split(";")]
    plan, version = query.get("testPlanKey"), query.get("fixVersion")
    return Target(
        execution=query.get("testExecKey") or None,
        project=query.get("projectKey") or None,
        plans=(plan,) if plan else (),
        fix_versions=(version,) if version else (),
        environments=tuple(each for each in environments if each),
        revision=query.get("revision") or None,
    )


def kinds(world: World) -> Callable[[str], str | None]:
    """Return a question: the issue type of a key, None when there is no such issue."""

    def kind_of(key: str) -> str | None:
        issue = world.find(key)
        return issue.type if issue is not None else None

    return kind_of


def only(parts: Iterable[Part], name: str) -> Part | None:
    """Return the part of a name."""
    return next((part for part in parts if part.name == name), None)
