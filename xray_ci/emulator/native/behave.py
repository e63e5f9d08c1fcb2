"""Behave JSON as Xray reads it: tags are plain text without `@`, every element has a status (O), which decides (A)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from xray_ci.emulator.native.gherkin import reading, results_of, verdict
from xray_ci.emulator.native.report import Read, Surroundings, json_list

if TYPE_CHECKING:
    from xray_ci.emulator.arriving import Result


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every scenario."""
    results: list[Result] = []
    feature_tags: list[str] = []
    for feature in json_list(source):
        above = _tags(feature)
        feature_tags.extend(above)
        for element in feature.get("elements") or ():
            if element.get("type") == "background":
                continue
            tags = dict.fromkeys([*above, *_tags(element)])
            results.extend(results_of(tags, _status(element), around, output=_output(element)))
    return reading(results, feature_tags, around)


def _tags(holder: dict[str, Any]) -> list[str]:
    return [each for each in holder.get("tags") or () if isinstance(each, str)]


def _status(element: dict[str, Any]) -> str:
    own = element.get("status")
    return verdict(
        [own] if own else [(step.get("result") or {}).get("status", "") for step in element.get("steps") or ()]
    )


def _output(element: dict[str, Any]) -> str:
    lines: list[str] = []
    for step in element.get("steps") or ():
        message = (step.get("result") or {}).get("error_message") or ""
        lines.append(message if isinstance(message, str) else "\n".join(message))
    return "\n".join(lines).strip()
