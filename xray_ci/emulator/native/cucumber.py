"""Cucumber JSON as Xray reads it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from xray_ci.emulator.native.gherkin import reading, results_of
from xray_ci.emulator.native.report import Read, Surroundings, json_list
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.emulator.arriving import Result


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every scenario and example row; a background belongs to the scenario behind it."""
    features = json_list(source)
    results: list[Result] = []
    feature_tags: list[str] = []
    for feature in features:
        above = _tags(feature)
        feature_tags.extend(above)
        before: list[dict[str, Any]] = []
        for element in feature.get("elements") or ():
            if element.get("type") == "background":
                before = list(_steps(element))
                continue
            steps = [*before, *_steps(element)]
            before = []
            results.extend(results_of(dict.fromkeys([*above, *_tags(element)]), _status(steps), around,
                                      evidence=list(_evidence(steps)), output=_output(steps)))
    return reading(results, feature_tags, around)


def _tags(holder: dict[str, Any]) -> list[str]:
    return [str(each.get("name", "")) for each in holder.get("tags") or () if isinstance(each, dict)]


def _steps(element: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("before", "steps", "after"):
        yield from element.get(name) or ()


def _status(steps: list[dict[str, Any]]) -> str:
    words = {(step.get("result") or {}).get("status", "") for step in steps}
    return FAIL if "failed" in words else PASS if words == {"passed"} else TODO


def _evidence(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found = [each for step in steps for each in step.get("embeddings") or () if isinstance(each.get("data"), str)]
    for number, each in enumerate(found, start=1):
        kind = str(each.get("mime_type") or (each.get("media") or {}).get("type") or "application/octet-stream")
        ending = kind.rpartition("/")[2].partition(";")[0]
        yield {"data": each["data"], "filename": each.get("name") or f"embedding-{number}.{ending}", "contentType": kind}


def _output(steps: list[dict[str, Any]]) -> str:
    return "\n".join((step.get("result") or {}).get("error_message") or "" for step in steps).strip()
