"""Behave JSON as Xray reads it: tags are plain text without `@`, every element has a status (O)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from xray_ci.emulator.native.gherkin import reading, results_of
from xray_ci.emulator.native.report import Read, Surroundings, json_list
from xray_ci.emulator.sides import FAIL, PASS, TODO

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
    steps = {(step.get("result") or {}).get("status", "") for step in element.get("steps") or ()}
    word = element.get("status") or ("failed" if "failed" in steps else "passed" if steps == {"passed"} else "")
    return {"passed": PASS, "failed": FAIL, "error": FAIL}.get(word, TODO)


def _output(element: dict[str, Any]) -> str:
    lines: list[str] = []
    for step in element.get("steps") or ():
        message = (step.get("result") or {}).get("error_message") or ""
        lines.append(message if isinstance(message, str) else "\n".join(message))
    return "\n".join(lines).strip()
