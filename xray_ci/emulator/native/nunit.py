"""NUnit XML, version 2 and 3, as Xray reads it.

Identity is the full name of the test case (A), and a property with the key of a Test names it (A), several name several
(A).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from xray_ci.emulator.native.report import Read, Surroundings, children, generics, text, words, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterable

    from xray_ci.emulator.arriving import Result

_WORDS: Final = {"passed": PASS, "success": PASS, **dict.fromkeys(("failed", "failure", "error", "cancelled"), FAIL)}
_KEYS: Final = ("test", "testkey", "test_key")


def read(source: IO[bytes], around: Surroundings) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test case at every depth; a suite's requirements hold for its cases (O)."""
    root = xml_root(source, "test-run", "test-results", "test-suite")
    results: list[Result] = []
    stack: list[tuple[tuple[str, ...], ET.Element]] = [((), root)]
    while stack:
        requirements, element = stack.pop()
        inherited = (*requirements, *_properties(element).get("requirement", ()))
        for each in reversed(list(element)):
            if each.tag == "test-case":
                results.extend(_results(each, inherited))
            elif each.tag in ("test-suite", "results"):
                stack.append((inherited, each))
    return Read(results=results)


def _results(case: ET.Element, inherited: tuple[str, ...]) -> Iterable[Result]:
    said = _properties(case)
    whole = case.get("fullname", "") or case.get("name", "")
    return generics(
        whole,
        case.get("name", ""),
        keys=[key for name in _KEYS for key in said.get(name, ())],
        status=_status(case),
        requirements=(*inherited, *said.get("requirement", ())),
        labels=(*said.get("category", ()), *(each.get("name", "") for each in case.iter("category"))),
        start=case.get("start-time"),
        finish=case.get("end-time"),
        output="\n".join(text(each) for each in case.iter("message")),
    )


def _status(case: ET.Element) -> str:
    """Before 2.5 there was no result, but `executed` and `success`; tools write them in lower case, too (O)."""
    if word := case.get("result"):
        return _WORDS.get(word.lower(), TODO)
    if case.get("executed", "").lower() == "false":
        return TODO
    return FAIL if case.get("success", "").lower() == "false" else PASS


def _properties(element: ET.Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for holder in children(element, "properties"):
        for each in children(holder, "property"):
            name = each.get("name", "").lower()
            found[name] = (*found.get(name, ()), *words(each.get("value"), ","))
    return found
