"""JUnit XML as Xray reads it. Identity is `classname.name`, the suite's name stands in for a missing class name (D)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from xray_ci.emulator.native.report import Read, Surroundings, Unreadable, children, generic, local, text, words, xml_root
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterator

    from xray_ci.emulator.arriving import Result


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every testcase at every depth."""
    root = xml_root(source, "testsuites", "testsuite")
    return Read(results=[_result(case, suite, around) for suite, case in _cases(root)])


def _cases(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    stack = [(root.get("name", ""), root)]
    while stack:
        suite, element = stack.pop()
        for case in children(element, "testcase"):
            yield suite, case
        stack.extend((each.get("name", ""), each) for each in reversed(list(children(element, "testsuite"))))


def _result(case: ET.Element, suite: str, around: Surroundings) -> Result:
    properties = _properties(case, around)
    name = case.get("name", "")
    said = {key: _value(each) for key, each in properties.items()}
    failures = [each for each in case if local(each) in ("failure", "error")]
    skipped = any(local(each) == "skipped" for each in case)
    return generic(
        f"{case.get('classname') or suite}.{name}", said.get("test_summary") or name,
        key=said.get("test_id") or said.get("test_key"),  # test_id wins (D)
        status=FAIL if failures else TODO if skipped else PASS,
        requirements=words(said.get("requirements") or case.get("requirement"), ","),
        labels=words(said.get("tags"), ","), description=said.get("test_description", ""),
        comment=said.get("testrun_comment"), start=case.get("started-at"), finish=case.get("finished-at"),
        output="\n".join(each.get("message") or text(each) for each in failures),
        evidence=[{"filename": name, "data": data} for name, data in _items(properties.get("testrun_evidence"))],
        customFields=[{"name": name, "value": value} for name, value in _items(properties.get("testrun_customfields"))],
    )


def _properties(case: ET.Element, around: Surroundings) -> dict[str, ET.Element]:
    found: dict[str, ET.Element] = {}
    for holder in children(case, "properties"):
        if around.cloud and not len(holder):
            raise Unreadable("properties of a testcase are empty")  # breaks Cloud's parser (O)
        found.update({each.get("name", ""): each for each in children(holder, "property")})
    return found


def _value(element: ET.Element) -> str:
    """Return a property's text: its `value`, or its content when it is long (O)."""
    return element.get("value") or text(element)


def _items(element: ET.Element | None) -> list[tuple[str, str]]:
    if element is None:
        return []
    return [(each.get("name", ""), text(each)) for each in children(element, "item")]
