"""Cucumber's and Behave's results: only for Tests that exist and are named by a tag (D, O).

Knows tags and their prefixes, and what the words of results come to; the readers know the two JSON shapes.

Cucumber JSON as Xray reads it. Steps and hooks decide; a hook that did not run says nothing (A).

Behave JSON as Xray reads it: tags are plain text without `@`, every element has a status (O), which decides (A).

The zip bundle of Server: JSON results of Cucumber kind, several in one archive (D). Nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any, Final

from xray_ci.emulator.importing import Result
from xray_ci.emulator.native.xml import KEY, Read, ReportContext, Unreadable, json_list
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


_REQUIREMENT: Final = re.compile(rf"(?:REQ_|Requirement:){KEY.pattern}")
_PREFIXED: Final = re.compile(r"(?:TEST_|TestName:)(?P<rest>.*)")
_BDD_PREFIX: Final = re.compile(r"(?:TEST_|TestName:)?")
_FAILED: Final = frozenset({"failed", "fail", "ambiguous", "error", "hook_error", "cleanup_error"})
_PASSED: Final = frozenset({"passed", "pass", "xpassed"})


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else holds none."""
    return [each for each in _items(value) if isinstance(each, dict)]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def key_of(tag: str) -> str | None:
    """Return the key in `@KEY`, `@TEST_KEY` or `@TestName:KEY`; raises Unreadable when the form promises one and lies.

    `@REQ_KEY` and `@Requirement:KEY` name what is covered (A).
    """
    bare = tag.removeprefix("@")
    if _REQUIREMENT.fullmatch(bare):
        return None
    promised = _PREFIXED.fullmatch(bare)
    if promised is not None and not KEY.fullmatch(promised["rest"]):
        raise Unreadable(f"tag {tag} does not fit the scheme")  # the whole file is refused (O)
    bare = _BDD_PREFIX.sub("", bare, count=1)
    return bare if KEY.fullmatch(bare) else None


def verdict(words: Iterable[str], statuses: Collection[str]) -> str:
    """Return what results come to, by their words in any case.

    A word that is the name of a status decides (O): `statuses` are the names of the product and those an administrator
    made. Of plain words one failed is FAIL, all passed PASS, everything else TODO (A).
    """
    found = [str(word or "").strip() for word in words]
    seen = {word.lower() for word in found}
    if seen & _FAILED:
        return FAIL
    named = next((word for word in found if word in statuses and word.lower() not in _PASSED), None)
    return named or (PASS if seen and seen <= _PASSED else TODO)


def results_of(tags: Iterable[str], status: str, around: ReportContext, **details: Any) -> list[Result]:
    """Make a result for each Test among the tags; an unknown key is left for the import to refuse."""
    keys = [key for key in map(key_of, tags) if key is not None]
    tests = [key for key in dict.fromkeys(keys) if around.kind_of(key) in ("Test", None)]
    kept = {name: value for name, value in details.items() if value}
    return [Result(status=status, key=key, native=True, details=kept) for key in tests]


def reading(results: list[Result], feature_tags: Iterable[str], around: ReportContext) -> Read:
    """Finish a report: it has to name a Test, and a feature may name the Test Execution."""
    if not results:
        raise Unreadable("no scenario carries the key of a Test")
    keys = [key for key in map(key_of, feature_tags) if key is not None]
    return Read(results=results, execution=next((key for key in keys if around.kind_of(key) == "Test Execution"), None))


def read_cucumber(source: IO[bytes], around: ReportContext) -> Read:
    """Read every scenario and example row; a background belongs to the scenario behind it."""
    features = json_list(source)
    results: list[Result] = []
    feature_tags: list[str] = []
    for feature in features:
        above = _tags(feature)
        feature_tags.extend(above)
        before: list[dict[str, Any]] = []
        for element in _objects(feature.get("elements")):
            if element.get("type") == "background":
                before = list(_steps(element))
                continue
            steps = [*before, *_steps(element)]
            before = []
            results.extend(
                results_of(
                    dict.fromkeys([*above, *_tags(element)]),
                    verdict(_words(steps), around.statuses),
                    around,
                    evidence=list(_evidence(steps)),
                    output=_output(steps),
                )
            )
    return reading(results, feature_tags, around)


def _tags(holder: dict[str, Any]) -> list[str]:
    return [str(each.get("name", "")) for each in _items(holder.get("tags")) if isinstance(each, dict)]


def _steps(element: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of a scenario with its hooks and theirs; a hook is a step without a name, or a hidden one."""
    for hook in _objects(element.get("before")):
        yield hook | {"hidden": True}
    for step in _objects(element.get("steps")):
        yield from (hook | {"hidden": True} for hook in _objects(step.get("before")))
        yield step
        yield from (hook | {"hidden": True} for hook in _objects(step.get("after")))
    for hook in _objects(element.get("after")):
        yield hook | {"hidden": True}


def _words(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        word = _object(step.get("result")).get("status") or ""
        if word or (step.get("name") and not step.get("hidden")):
            yield word


def _evidence(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    found = [each for step in steps for each in _objects(step.get("embeddings")) if isinstance(each.get("data"), str)]
    for number, each in enumerate(found, start=1):
        kind = str(each.get("mime_type") or _object(each.get("media")).get("type") or "application/octet-stream")
        ending = kind.rpartition("/")[2].partition(";")[0]
        yield {
            "data": each["data"],
            "filename": each.get("name") or f"embedding-{number}.{ending}",
            "contentType": kind,
        }


def _output(steps: list[dict[str, Any]]) -> str:
    return "\n".join(str(_object(step.get("result")).get("error_message") or "") for step in steps).strip()


def read_behave(source: IO[bytes], around: ReportContext) -> Read:
    """Read every scenario."""
    results: list[Result] = []
    feature_tags: list[str] = []
    for feature in json_list(source):
        above = _behave_tags(feature)
        feature_tags.extend(above)
        for element in _objects(feature.get("elements")):
            if element.get("type") == "background":
                continue
            tags = dict.fromkeys([*above, *_behave_tags(element)])
            results.extend(results_of(tags, _status(element, around), around, output=_behave_output(element)))
    return reading(results, feature_tags, around)


def _behave_tags(holder: dict[str, Any]) -> list[str]:
    return [each for each in _items(holder.get("tags")) if isinstance(each, str)]


def _status(element: dict[str, Any], around: ReportContext) -> str:
    own = element.get("status")
    return verdict(
        [own] if own else [_object(step.get("result")).get("status", "") for step in _objects(element.get("steps"))],
        around.statuses,
    )


def _behave_output(element: dict[str, Any]) -> str:
    lines: list[str] = []
    for step in _objects(element.get("steps")):
        message = _object(step.get("result")).get("error_message")
        lines.append(message if isinstance(message, str) else "\n".join(map(str, _items(message))))
    return "\n".join(lines).strip()


_LARGEST = 100_000_000


def read_bundle(source: IO[bytes], around: ReportContext) -> Read:
    """Read every JSON file of the archive, in its order."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = [each for each in archive.infolist() if each.filename.lower().endswith(".json")]
            if not members or sum(each.file_size for each in members) > _LARGEST:
                raise Unreadable("the archive holds no JSON results, or too large ones")
            parts = [read_cucumber(io.BytesIO(archive.read(each)), around) for each in members]
    except zipfile.BadZipFile as error:
        raise Unreadable("not a zip archive") from error
    return Read(
        results=[result for part in parts for result in part.results],
        execution=next((part.execution for part in parts if part.execution), None),
    )
