"""xUnit.net v2 XML as Xray reads it. Identity is type and method (A); traits link the Test (D)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from xray_ci.emulator.native.report import Read, Surroundings, children, generic, text, words, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from xray_ci.emulator.arriving import Result

_WORDS = {"Pass": PASS, "Fail": FAIL}


def read(source: IO[bytes], around: Surroundings) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test of every collection."""
    return Read(results=[_result(test) for test in xml_root(source, "assemblies", "assembly").iter("test")])


def _result(test: ET.Element) -> Result:
    traits: dict[str, str] = {}
    for holder in children(test, "traits"):
        for each in children(holder, "trait"):
            name = each.get("name", "").lower()
            traits[name] = f"{traits.get(name, '')} {each.get('value', '')}".strip()
    name = test.get("name", "")
    whole = f"{test.get('type')}.{test.get('method')}" if test.get("method") else name
    return generic(whole, name, key=traits.get("test"), status=_WORDS.get(test.get("result", ""), TODO),
                   requirements=words(traits.get("requirement")), labels=words(traits.get("labels")),
                   output="\n".join(text(each) for each in test.iter("message")))
