"""Visual Studio's TRX, of VSTest, MSTest and Microsoft.Testing.Platform.

Knows elements; knows nothing of Xray, files or settings.

A case's identity is its class's name (without the assembly), a point, and the name of its result without that; a result
without a definition has its name only. Keys are in the properties `test_key`, `testkey` and `test` of a definition,
requirements in `requirement` and `requirements`; tags are the test categories. Definitions may come before or after the
results, so these wait on disk.
"""

from __future__ import annotations

import re
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Attachment, Case, Mark, MarkKind, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.spill import SpilledValues, Waiting
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_RESULTS: Final = frozenset(
    {
        "UnitTestResult",
        "TestResultAggregation",
        "TestResult",
        "WebTestResult",
        "LoadTestResult",
        "ManualTestResult",
        "GenericTestResult",
        "OrderedTestResult",
    }
)
_DEFINITIONS: Final = frozenset({"UnitTest", "WebTest", "LoadTest", "ManualTest", "GenericTest", "OrderedTest"})
_SHAPE: Final = elements.Shape(
    roots=("TestRun",),
    scopes=_RESULTS | {"ResultSummary"},
    units=_DEFINITIONS | {"Output", "ResultFiles", "CollectorDataEntries", "RunInfo", "Deployment", "Counters"},
    dropped=frozenset({"TestEntries", "TestLists"}),
    inside={
        "Output": frozenset({"StdOut", "StdErr", "ErrorInfo", "TextMessages"}),
        "ErrorInfo": frozenset({"Message", "StackTrace"}),
        "TextMessages": frozenset({"Message"}),
        "ResultFiles": frozenset({"ResultFile"}),
        "RunInfo": frozenset({"Text"}),
        "CollectorDataEntries": frozenset({"Collector"}),
        "Collector": frozenset({"UriAttachments"}),
        "UriAttachments": frozenset({"UriAttachment"}),
        "UriAttachment": frozenset({"A"}),
        **dict.fromkeys(_DEFINITIONS, frozenset({"TestMethod", "Description", "Properties", "TestCategory"})),
        "Properties": frozenset({"Property"}),
        "Property": frozenset({"Key", "Value"}),
        "TestCategory": frozenset({"TestCategoryItem"}),
    },
    limits={
        "StdOut": elements.TAIL,
        "StdErr": elements.TAIL,
        "Message": TEXT_LIMIT,
        "StackTrace": TEXT_LIMIT,
        "Text": TEXT_LIMIT,
        "Description": TEXT_LIMIT,
        "Key": 1_024,
        "Value": TEXT_LIMIT,
    },
)
_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "passedbutrunaborted": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "error": Outcome.ERROR,
    "timeout": Outcome.ERROR,
    "aborted": Outcome.ERROR,
    "disconnected": Outcome.ERROR,
    "notexecuted": Outcome.SKIPPED,
    "notrunnable": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
}
_PROPERTIES: Final = {
    "test_key": MarkKind.TEST_KEY,
    "testkey": MarkKind.TEST_KEY,
    "test": MarkKind.TEST_KEY,
    "requirement": MarkKind.REQUIREMENT,
    "requirements": MarkKind.REQUIREMENT,
}
_CLASS: Final = "class"
_TOGETHER: Final = 200
"""Results whose definitions are looked up at once."""
_NO_NEWS: Final = re.compile(r"\[FAIL\]\s*$|^\s*Exit code indicates failure: '2'")
"""What adapters say of the run for each test that failed, and the platform when any did."""


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each result without inner results once, in document order, when the whole document was read.

    Errors and warnings of the run are notices. Raises Fault where the document is broken, unsafe or no TRX.
    """
    with closing(Waiting()) as waiting, SpilledValues() as definitions:
        yield from elements.read(source, _SHAPE, _Reader(waiting, definitions))


class _Reader(elements.TreeReader):
    def __init__(self, waiting: Waiting, definitions: SpilledValues) -> None:
        super().__init__()
        self._waiting = waiting
        self._definitions = definitions
        self._root = ""

    def begin(self, scope: XmlNode, /) -> None:
        if scope.tag in _RESULTS and len(self.scopes) > 1:
            for around in self.scopes[:-1]:
                around.tag = ""  # no leaf, so no result of its own

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag in _DEFINITIONS:
            self._definitions.put(unit.get("id").lower(), _said(unit))
        elif unit.tag == "RunInfo":
            if unit.get("outcome").lower() in {"error", "failed", "aborted", "timeout"} and not _NO_NEWS.search(
                unit.said("Text")
            ):
                self.outside("the run", unit.said("Text"), unit.line)
        elif unit.tag == "Counters":
            self.stated.add(*(unit.get(name) for name in ("failed", "error", "timeout", "aborted")))
        elif unit.tag == "Deployment":
            self._root = unit.get("runDeploymentRoot")
        elif self.scopes:
            self.scopes[-1].children = [*(held for held in self.scopes[-1].children if held.tag != unit.tag), unit]

    def end(self, scope: XmlNode, /) -> None:
        if scope.tag in _RESULTS:
            self.cases += 1
            case = _case(scope, self._root)
            self.stated.see(case)
            self._waiting.add(scope.get("testId").lower(), case)

    def last_words(self) -> Iterator[Case | Problem]:
        waiting = self._waiting.all()
        while some := [*islice(waiting, _TOGETHER)]:
            said = self._definitions.many(test for test, _ in some)
            for test, case in some:
                yield _defined(case, said[test]) if test in said else case
        yield from super().last_words()


def _case(result: XmlNode, root: str) -> Case:
    get = result.attributes.get
    word = get("outcome", "").lower()
    outcome = (
        _OUTCOMES.get(word) or texts.unknown(word) if word else Outcome.ERROR
    )  # the enumeration's first word, Error, is left out
    case = Case(
        name=get("testName", ""),
        outcome=outcome,
        seconds=seconds(get("duration")),
        started=timestamp(get("startTime", "")),
        finished=timestamp(get("endTime", "")),
        line=result.line,
    )
    return _detailed(case, result, root) if result.children else case


def _detailed(case: Case, result: XmlNode, root: str) -> Case:
    """Return a case with what stands in its element."""
    passed = case.outcome is Outcome.PASSED
    output = [] if passed else [texts.tail(result.said("Output", name)) for name in ("StdOut", "StdErr")]
    message = result.said("Output", "ErrorInfo", "Message") or None
    if case.outcome is Outcome.SKIPPED and message is None and output[0].strip():
        message, output[0] = output[0].strip(), ""  # where adapters of test frameworks put the reason
    return msgspec.structs.replace(
        case,
        message=message,
        trace=result.said("Output", "ErrorInfo", "StackTrace") or None,
        output="\n".join(filter(None, output)) or None,
        attachments=tuple(_files(result, root)),
    )


def _files(result: XmlNode, root: str) -> Iterator[Attachment]:
    """Yield the files of a result.

    Those that it copied lie below `In/<its folder>` of the run's folder beside the report (A).
    """
    own = result.get("relativeResultsDirectory").rstrip("\\/")
    folder = "/".join(filter(None, (root.rstrip("\\/"), "In", own))) if own else ""
    for held in result.all("ResultFiles"):
        for each in held.all("ResultFile"):
            if path := each.get("path"):
                yield Attachment(name=texts.named_file(path).name, path=f"{folder}/{path}" if folder else path)
    for held in result.all("CollectorDataEntries"):
        for link in (
            link
            for each in held.all("Collector")
            for uris in each.all("UriAttachments")
            for uri in uris.all("UriAttachment")
            for link in uri.all("A")
        ):
            if path := link.get("href"):
                yield texts.named_file(path)


def _said(definition: XmlNode) -> list[tuple[str, str]]:
    """Return the name of the class, which comes first, and what else the definition says: words and values, once."""
    method = definition.first("TestMethod")
    owner = method.get("className").partition(",")[0].strip() if method is not None else ""
    found = [(_CLASS, owner)] if owner else []
    if method is not None and len(definition.children) == 1:
        return found
    return [*found, *dict.fromkeys(_more(definition))]


def _more(definition: XmlNode) -> Iterator[tuple[str, str]]:
    if description := definition.said("Description"):
        yield MarkKind.DESCRIPTION.value, description
    for each in (each for held in definition.all("Properties") for each in held.all("Property")):
        kind = _PROPERTIES.get(each.said("Key").lower())
        if kind and (value := each.said("Value")):
            yield kind.value, value
    for category in (
        item.get("TestCategory").strip()
        for held in definition.all("TestCategory")
        for item in held.all("TestCategoryItem")
    ):
        if category:
            yield MarkKind.TAG.value, category


def _defined(case: Case, said: Sequence[tuple[str, str]]) -> Case:
    """Return a case with what its definition says of it."""
    owner, rest = (said[0][1], said[1:]) if said and said[0][0] == _CLASS else (None, said)
    marks = tuple([Mark(kind=MarkKind(name), value=value) for name, value in rest]) if rest else ()
    name = case.name.removeprefix(f"{owner}.") if owner else case.name
    return msgspec.structs.replace(case, classname=owner, name=name or case.name, marks=marks) if said else case
