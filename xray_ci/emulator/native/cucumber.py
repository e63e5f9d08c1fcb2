"""Cucumber JSON as Xray reads it. Steps and hooks decide; a hook that did not run says nothing (A)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from xray_ci.emulator.native.gherkin import reading, results_of, verdict
from xray_ci.emulator.native.report import Read, Surroundings, json_list

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
            results.extend(
                results_of(
                    dict.fromkeys([*above, *_tags(element)]),
                    verdict(_words(steps)),
                    around,
                    evidence=list(_evidence(steps)),
                    output=_output(steps),
                )
            )
    return reading(results, feature_tags, around)


def _tags(holder: dict[str, Any]) -> list[str]:
    return [str(each.get("name", "")) for each in holder.get("tags") or () if isinstance(each, dict)]


def _steps(element: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of a scenario with its hooks and theirs; a hook is a step without a name, or a hidden one."""
    for hook in element.get("before") or ():
        yield hook | {"hidden": True}
    for step in element.get("steps") or ():
        yield from (hook | {"hidden": True} for hook in step.get("before") or ())
        yield step
        yield from (hook | {"hidden": True} for hook in step.get("after") or ())
    for hook in element.get("after") or ():
        yield hook | {"hidden": True}


def _words(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        word = (step.get("result") or {}).get("status") or ""
        if word or (step.get("name") and not step.get("hidden")):
            yield word


def _evidence(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found = [each for step in steps for each in step.get("embeddings") or () if isinstance(each.get("data"), str)]
    for number, each in enumerate(found, start=1):
        kind = str(each.get("mime_type") or (each.get("media") or {}).get("type") or "application/octet-stream")
        ending = kind.rpartition("/")[2].partition(";")[0]
        yield {
            "data": each["data"],
            "filename": each.get("name") or f"embedding-{number}.{ending}",
            "contentType": kind,
        }


def _output(steps: list[dict[str, Any]]) -> str:
    return "\n".join((step.get("result") or {}).get("error_message") or "" for step in steps).strip()
