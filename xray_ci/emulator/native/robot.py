"""Robot Framework's output.xml as Xray reads it.

Identity is the names of all suites and of the test (D); tags link (D).

A tag that is the key of a Test links it, each of several its own (A). A suite teardown that fails, fails the tests
below it as it does for Robot itself, whatever their own status says; rebot has written that down already (A).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from xray_ci.emulator.native.report import KEY, Read, Surroundings, children, generics, text, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterable

    from xray_ci.emulator.arriving import Result

_WORDS: Final = {"PASS": PASS, "FAIL": FAIL}


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every test of every suite."""
    root = xml_root(source, "robot")
    judged = root.get("generator", "").upper().startswith("REBOT")
    results: list[Result] = []
    todo: list[tuple[tuple[str, ...], tuple[str, ...], ET.Element]] = [
        ((), (), each) for each in reversed(list(children(root, "suite")))
    ]
    while todo:
        above, teardowns, suite = todo.pop()
        names = (*above, suite.get("name", ""))
        ends = () if judged else (_teardown(suite), *teardowns)
        for test in children(suite, "test"):
            results.extend(_results(test, names, ends, around))
        todo.extend((names, ends, each) for each in reversed(list(children(suite, "suite"))))
    return Read(results=results)


def _teardown(suite: ET.Element) -> str:
    """Return how a suite's teardown ended, nothing where it has none."""
    found = [keyword for keyword in children(suite, "kw") if keyword.get("type", "").upper() == "TEARDOWN"]
    return _word(found[-1]) if found else ""


def _word(holder: ET.Element) -> str:
    return next((each.get("status", "") for each in children(holder, "status")), "")


def _status(word: str, ends: Iterable[str]) -> str:
    """Return the status of a test after the teardowns around it, innermost first; a skipped test stays skipped."""
    for end in ends:
        if end == "SKIP" or (end == "FAIL" and word != "SKIP"):
            word = end
    return _WORDS.get(word, TODO)


def _results(test: ET.Element, suites: tuple[str, ...], ends: Iterable[str], around: Surroundings) -> Iterable[Result]:
    holders = [test, *children(test, "tags")]  # up to version 3 tags had an element around them
    tags = [text(each) for holder in holders for each in children(holder, "tag")]
    kinds = {tag: around.kind_of(tag) for tag in tags if KEY.fullmatch(tag)}
    name, group = test.get("name", ""), ".".join(suites)
    return generics(
        f"{group}.{name}" if group else name,
        name,
        keys=[tag for tag, kind in kinds.items() if kind == "Test"],
        status=_status(_word(test), ends),
        requirements=tuple(tag for tag, kind in kinds.items() if kind == "Story"),
        labels=tuple(tag for tag in tags if kinds.get(tag) is None),
        output=text(next(children(test, "status"), None)),
    )
