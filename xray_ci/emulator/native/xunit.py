"""xUnit.net XML as Xray reads it.

Identity is type and method (A); a trait links the Test (D), several link several (A).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from xray_ci.emulator.native.report import Read, Surroundings, children, generics, text, words, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterable

    from xray_ci.emulator.arriving import Result

_WORDS: Final = {"pass": PASS, "fail": FAIL}


def read(source: IO[bytes], around: Surroundings) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test of every collection."""
    return Read(
        results=[
            result for test in xml_root(source, "assemblies", "assembly").iter("test") for result in _results(test)
        ]
    )


def _results(test: ET.Element) -> Iterable[Result]:
    traits: dict[str, str] = {}
    for holder in children(test, "traits"):
        for each in children(holder, "trait"):
            name = each.get("name", "").lower()
            traits[name] = f"{traits.get(name, '')} {each.get('value', '')}".strip()
    name = test.get("name", "")
    whole = ".".join(filter(None, (test.get("type"), test.get("method")))) if test.get("method") else name
    return generics(
        whole,
        name,
        keys=words(traits.get("test")),
        status=_WORDS.get(test.get("result", "").lower(), TODO),
        requirements=words(traits.get("requirement")),
        labels=words(traits.get("labels")),
        output="\n".join(text(each) for each in test.iter("message")),
    )
