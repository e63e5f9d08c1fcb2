"""Robot Framework's output.xml as Xray reads it. Identity is the names of all suites and of the test (D); tags link (D)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from xray_ci.emulator.native.report import KEY, Read, Surroundings, children, generic, text, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from xray_ci.emulator.arriving import Result

_WORDS = {"PASS": PASS, "FAIL": FAIL}


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every test of every suite."""
    root = xml_root(source, "robot")
    results: list[Result] = []
    todo: list[tuple[tuple[str, ...], ET.Element]] = [((), each) for each in reversed(list(children(root, "suite")))]
    while todo:
        above, suite = todo.pop()
        names = (*above, suite.get("name", ""))
        results.extend(_result(test, names, around) for test in children(suite, "test"))
        todo.extend((names, each) for each in reversed(list(children(suite, "suite"))))
    return Read(results=results)


def _result(test: ET.Element, suites: tuple[str, ...], around: Surroundings) -> Result:
    tags = [text(each) for each in test.iter("tag")]
    kinds = {tag: around.kind_of(tag) for tag in tags if KEY.fullmatch(tag)}
    status = next(children(test, "status"), None)
    word = status.get("status", "") if status is not None else ""
    name = test.get("name", "")
    return generic(".".join((*suites, name)), name, key=next((tag for tag, kind in kinds.items() if kind == "Test"), None),
                   status=_WORDS.get(word, TODO), requirements=tuple(tag for tag, kind in kinds.items() if kind == "Story"),
                   labels=tuple(tag.replace(" ", "_") for tag in tags if tag not in kinds), output=text(status))
