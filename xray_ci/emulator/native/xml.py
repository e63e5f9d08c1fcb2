"""What all native readers share: what they get, what they give, how XML and JSON are opened. Knows no format.

JUnit XML as Xray reads it.

Identity is `classname.name`; the name of the testsuite stands in for a missing class name (D), that of the innermost
one that has a name, and without any the name is all (A). Without an outcome element the attributes `status` and
`result` decide (A).

NUnit XML, version 2 and 3, as Xray reads it.

Identity is the full name of the test case (A), and a property with the key of a Test names it (A), several name several
(A).

Robot Framework's output.xml as Xray reads it.

Identity is the names of all suites and of the test (D); tags link (D).

A tag that is the key of a Test links it, each of several its own (A). A suite teardown that fails, fails the tests
below it as it does for Robot itself, whatever their own status says; rebot has written that down already (A).

TestNG XML as Xray reads it. Identity is class name and method name (D); custom attributes link the Test (O).

xUnit.net XML as Xray reads it.

Identity is type and method (A); a trait links the Test (D), several link several (A).
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from xray_ci.emulator.importing import Result, TestInfo
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


KEY: Final = re.compile(r"[A-Z][A-Z0-9_]+-[1-9][0-9]*")


class Unreadable(ValueError):
    """The report is not what the path is for, or is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What a reader has to know besides the report."""

    kind_of: Callable[[str], str | None]
    """Issue type of a key; None: there is no such issue."""
    cloud: bool
    statuses: frozenset[str] = frozenset()
    """Names of the statuses that a step can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a report says."""

    results: list[Result]
    execution: str | None = None
    """Test Execution that a feature's tag names."""


Reader = Callable[[IO[bytes], ReportContext], Read]


def xml_root(source: IO[bytes], *roots: str) -> ET.Element:
    """Return the root element when it is one of the wanted; raises Unreadable."""
    try:
        root = ET.parse(source).getroot()  # noqa: S314 - on loopback, what the emulator's own user sends
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"XML document is not well-formed: {error}") from error
    if local(root) not in roots:
        raise Unreadable(f"unexpected element {local(root)}")
    return root


def json_list(source: IO[bytes]) -> list[dict[str, Any]]:
    """Return a JSON list of objects; raises Unreadable."""
    try:
        value = json.load(source)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"JSON document cannot be read: {error}") from error
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Unreadable("a list of features is wanted")
    return value


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield direct children by name, whatever their namespace."""
    return (each for each in element if local(each) == name)


def text(element: ET.Element | None) -> str:
    """Return an element's own text without blanks around it."""
    return (element.text or "").strip() if element is not None else ""


def words(value: str | None, separator: str | None = None) -> tuple[str, ...]:
    """Split a list in a text: at commas, or at blanks when no separator is given."""
    return tuple(each.strip() for each in (value or "").split(separator) if each.strip())


def generic(
    identity: str,
    summary: str,
    *,
    key: str | None,
    status: str,
    requirements: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    description: str = "",
    **details: Any,
) -> Result:
    """Make the result of a Generic Test; with a key the Test's own definition stays what it is.

    A label's blanks become underscores, as Jira takes none (A).
    """
    info = TestInfo(
        project="",
        summary=summary or identity,
        type="Generic",
        definition=identity,
        labels=tuple("_".join(label.split()) for label in labels),
        requirements=requirements,
        description=description,
    )
    kept = {name: value for name, value in details.items() if value}
    return Result(status=status, key=key or None, info=None if key else info, native=True, details=kept)


def generics(identity: str, summary: str, *, keys: Iterable[str], **rest: Any) -> Iterator[Result]:
    """Make the result of each Test that is named, or of the Generic Test of an identity when none is."""
    for key in dict.fromkeys(keys) or (None,):
        yield generic(identity, summary, key=key, **rest)


_WORDS: Final = {"failed": FAIL, **dict.fromkeys(("notrun", "disabled", "suppressed", "skipped"), TODO)}
"""Values of `status` and `result` that are no pass."""


def read_junit(source: IO[bytes], around: ReportContext) -> Read:
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


def _result(case: ET.Element, suite: str, around: ReportContext) -> Result:
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


def _properties(case: ET.Element, around: ReportContext) -> dict[str, ET.Element]:
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


_NUNIT_WORDS: Final = {
    "passed": PASS,
    "success": PASS,
    **dict.fromkeys(("failed", "failure", "error", "cancelled"), FAIL),
}
_KEYS: Final = ("test", "testkey", "test_key")


def read_nunit(source: IO[bytes], around: ReportContext) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test case at every depth; a suite's requirements hold for its cases (O)."""
    root = xml_root(source, "test-run", "test-results", "test-suite")
    results: list[Result] = []
    stack: list[tuple[tuple[str, ...], ET.Element]] = [((), root)]
    while stack:
        requirements, element = stack.pop()
        inherited = (*requirements, *_nunit_properties(element).get("requirement", ()))
        for each in reversed(list(element)):
            if each.tag == "test-case":
                results.extend(_results(each, inherited))
            elif each.tag in ("test-suite", "results"):
                stack.append((inherited, each))
    return Read(results=results)


def _results(case: ET.Element, inherited: tuple[str, ...]) -> Iterable[Result]:
    said = _nunit_properties(case)
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
        return _NUNIT_WORDS.get(word.lower(), TODO)
    if case.get("executed", "").lower() == "false":
        return TODO
    return FAIL if case.get("success", "").lower() == "false" else PASS


def _nunit_properties(element: ET.Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for holder in children(element, "properties"):
        for each in children(holder, "property"):
            name = each.get("name", "").lower()
            found[name] = (*found.get(name, ()), *words(each.get("value"), ","))
    return found


_ROBOT_WORDS: Final = {"PASS": PASS, "FAIL": FAIL}


def read_robot(source: IO[bytes], around: ReportContext) -> Read:
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
            results.extend(_robot_results(test, names, ends, around))
        todo.extend((names, ends, each) for each in reversed(list(children(suite, "suite"))))
    return Read(results=results)


def _teardown(suite: ET.Element) -> str:
    """Return how a suite's teardown ended, nothing where it has none."""
    found = [keyword for keyword in children(suite, "kw") if keyword.get("type", "").upper() == "TEARDOWN"]
    return _word(found[-1]) if found else ""


def _word(holder: ET.Element) -> str:
    return next((each.get("status", "") for each in children(holder, "status")), "")


def _robot_status(word: str, ends: Iterable[str]) -> str:
    """Return the status of a test after the teardowns around it, innermost first; a skipped test stays skipped."""
    for end in ends:
        if end == "SKIP" or (end == "FAIL" and word != "SKIP"):
            word = end
    return _ROBOT_WORDS.get(word, TODO)


def _robot_results(
    test: ET.Element, suites: tuple[str, ...], ends: Iterable[str], around: ReportContext
) -> Iterable[Result]:
    holders = [test, *children(test, "tags")]  # up to version 3 tags had an element around them
    tags = [text(each) for holder in holders for each in children(holder, "tag")]
    kinds = {tag: around.kind_of(tag) for tag in tags if KEY.fullmatch(tag)}
    name, group = test.get("name", ""), ".".join(suites)
    return generics(
        f"{group}.{name}" if group else name,
        name,
        keys=[tag for tag, kind in kinds.items() if kind == "Test"],
        status=_robot_status(_word(test), ends),
        requirements=tuple(tag for tag, kind in kinds.items() if kind == "Story"),
        labels=tuple(tag for tag in tags if kinds.get(tag) is None),
        output=text(next(children(test, "status"), None)),
    )


_TESTNG_WORDS = {"PASS": PASS, "FAIL": FAIL}


def read_testng(source: IO[bytes], around: ReportContext) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test method; configuration methods are no tests."""
    root = xml_root(source, "testng-results")
    results = [
        _testng_result(owner.get("name", ""), method)
        for owner in root.iter("class")
        for method in children(owner, "test-method")
        if method.get("is-config") != "true"
    ]
    return Read(results=results)


def _testng_result(owner: str, method: ET.Element) -> Result:
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
        status=_TESTNG_WORDS.get(method.get("status", ""), TODO),
        requirements=words(said.get("requirement")),
        labels=words(said.get("labels")),
        description=said.get("description", ""),
        start=method.get("started-at"),
        finish=method.get("finished-at"),
        output="\n".join(text(each) for each in method.iter("message")),
    )


_XUNIT_WORDS: Final = {"pass": PASS, "fail": FAIL}


def read_xunit(source: IO[bytes], around: ReportContext) -> Read:  # noqa: ARG001 - one signature for all readers
    """Read every test of every collection."""
    return Read(
        results=[
            result
            for test in xml_root(source, "assemblies", "assembly").iter("test")
            for result in _xunit_results(test)
        ]
    )


def _xunit_results(test: ET.Element) -> Iterable[Result]:
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
        status=_XUNIT_WORDS.get(test.get("result", "").lower(), TODO),
        requirements=words(traits.get("requirement")),
        labels=words(traits.get("labels")),
        output="\n".join(text(each) for each in test.iter("message")),
    )
