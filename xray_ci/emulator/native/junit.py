"""JUnit XML as Xray reads it.

Identity is `classname.name`; the name of the testsuite stands in for a missing class name (D), that of the innermost
one that has a name, and without any the name is all (A). Without an outcome element the attributes `status` and
`result` decide (A).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from xray_ci.emulator.native.report import (
    Read,
    Surroundings,
    Unreadable,
    children,
    generic,
    local,
    text,
    words,
    xml_root,
)
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterator

    from xray_ci.emulator.arriving import Result

_WORDS: Final = {"failed": FAIL, **dict.fromkeys(("notrun", "disabled", "suppressed", "skipped"), TODO)}
"""Values of `status` and `result` that are no pass."""


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every testcase at every depth; one may be the whole document (A)."""
    root = xml_root(source, "testsuites", "testsuite", "testcase")
    return Read(results=[_result(case, suite, around) for suite, case in _cases(root)])


def _cases(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    if local(root) == "testcase":
        yield "", root
    stack = [(root.get("name", "") if local(root) == "testsuite" else "", root)]
    while stack:
        suite, element = stack.pop()
        for case in children(element, "testcase"):
            yield suite, case
        stack.extend((each.get("name") or suite, each) for each in reversed(list(children(element, "testsuite"))))


def _result(case: ET.Element, suite: str, around: Surroundings) -> Result:
    properties = _properties(case, around)
    name, group = case.get("name", ""), case.get("classname") or suite
    said = {key: _value(each) for key, each in properties.items()}
    failures = [each for each in case if local(each) in ("failure", "error")]
    return generic(
        f"{group}.{name}" if group else name,
        said.get("test_summary") or name or group,
        key=said.get("test_id") or said.get("test_key"),  # test_id wins (D)
        status=FAIL if failures else _calm(case),
        requirements=words(said.get("requirements") or case.get("requirement"), ","),
        labels=words(said.get("tags"), ","),
        description=said.get("test_description", ""),
        comment=said.get("testrun_comment"),
        start=case.get("started-at"),
        finish=case.get("finished-at"),
        output="\n".join(each.get("message") or text(each) for each in failures),
        evidence=[{"filename": name, "data": data} for name, data in _items(properties.get("testrun_evidence"))],
        customFields=[{"name": name, "value": value} for name, value in _items(properties.get("testrun_customfields"))],
    )


def _calm(case: ET.Element) -> str:
    """Return the status of a case without failure."""
    if any(local(each) == "skipped" for each in case):
        return TODO
    return next((_WORDS[word] for name in ("status", "result") if (word := case.get(name, "").lower()) in _WORDS), PASS)


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
