"""TestNG XML as Xray reads it. Identity is class name and method name (D); custom attributes link the Test (O)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from xray_ci.emulator.native.report import Read, Surroundings, children, generic, text, words, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

    from xray_ci.emulator.arriving import Result

_WORDS = {"PASS": PASS, "FAIL": FAIL}


def read(source: IO[bytes], around: Surroundings) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test method; configuration methods are no tests."""
    root = xml_root(source, "testng-results")
    results = [
        _result(owner.get("name", ""), method)
        for owner in root.iter("class")
        for method in children(owner, "test-method")
        if method.get("is-config") != "true"
    ]
    return Read(results=results)


def _result(owner: str, method: ET.Element) -> Result:
    said = {
        each.get("name", ""): text(each)
        for holder in children(method, "attributes")
        for each in children(holder, "attribute")
    }
    name = method.get("name", "")
    return generic(
        f"{owner}.{name}",
        said.get("summary") or name,
        key=said.get("test"),
        status=_WORDS.get(method.get("status", ""), TODO),
        requirements=words(said.get("requirement")),
        labels=words(said.get("labels")),
        description=said.get("description", ""),
        start=method.get("started-at"),
        finish=method.get("finished-at"),
        output="\n".join(text(each) for each in method.iter("message")),
    )
