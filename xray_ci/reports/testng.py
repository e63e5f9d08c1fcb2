"""TestNG results. Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is class and method name, as Xray derives it, so that the rows of a data provider are results of one
Test; what a row was given is kept as an iteration. Each invocation is a case of its own; one that says that it was
`retried` (TestNG 7, O) is an attempt of the next with the same parameters. Older versions only skip it, which cannot be
told from an invocation count. Keys are in the attribute `test`, requirements and labels (blank separated) in
`requirement` and `labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Attempt, Case, Iteration, Mark, MarkKind, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, TypeAlias

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

    _Invocation: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]

RETRY_LIMIT: Final = 1_000
"""Retried invocations of one class that wait for what came of them."""
_SHAPE: Final = elements.Shape(
    roots=("testng-results",),
    scopes=frozenset({"testng-results", "suite", "test", "class"}),
    units=frozenset({"test-method"}),
    dropped=frozenset({"groups", "reporter-output"}),
    outputs=frozenset({"reporter-output"}),
    inside={
        "test-method": frozenset({"params", "exception", "reporter-output", "attributes"}),
        "params": frozenset({"param"}),
        "param": frozenset({"value"}),
        "exception": frozenset({"message", "full-stacktrace", "short-stacktrace"}),
        "reporter-output": frozenset({"line"}),
        "attributes": frozenset({"attribute"}),
    },
    limits={
        "value": 1_024,
        "message": TEXT_LIMIT,
        "full-stacktrace": TEXT_LIMIT,
        "short-stacktrace": TEXT_LIMIT,
        "line": 4_096,
        "attribute": TEXT_LIMIT,
    },
)
_RESULTS: Final = {"PASS": Outcome.PASSED, "FAIL": Outcome.FAILED, "SKIP": Outcome.SKIPPED}
_ONE: Final = {"test": MarkKind.TEST_KEY, "summary": MarkKind.SUMMARY, "description": MarkKind.DESCRIPTION}
_BLANK_LISTS: Final = {"requirement": MarkKind.REQUIREMENT, "labels": MarkKind.TAG}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each invocation of each test method once.

    Configuration methods are no tests, those that failed are notices.

    Durations are milliseconds. Raises Fault where the document is broken, unsafe or no TestNG report.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._retried: dict[_Invocation, list[Case]] = {}
        self._waiting = 0
        self._suite: tuple[str, ...] = ()
        self._owner = ""

    def begin(self, scope: XmlNode, /) -> None:
        match scope.tag:
            case "testng-results":
                self.stated.add(scope.get("failed"))
            case "class":
                self._owner = scope.get("name")
            case "suite" | "test":
                self._suite = (*self._suite, scope.get("name"))
            case _:
                pass

    def end(self, scope: XmlNode, /) -> None:
        if scope.tag in {"suite", "test"}:
            self._suite = self._suite[:-1]
        if scope.tag == "class":
            self._owner = next((around.get("name") for around in reversed(self.scopes) if around.tag == "class"), "")
            for case in (case for waiting in self._retried.values() for case in waiting):
                self.add(case)  # nothing came of it, so it is a result
            self._retried.clear()
            self._waiting = 0

    def quiet(self, unit: XmlNode, /) -> bool:
        return unit.get("status") == "PASS"

    def unit(self, unit: XmlNode, /) -> None:
        if unit.get("is-config") != "true":
            case = _case(unit, self._owner, self._suite)
            if unit.get("retried") == "true" and self._waiting < RETRY_LIMIT:
                self._retried.setdefault(_invocation(case), []).append(case)
                self._waiting += 1
            else:
                self.add(self._with_attempts(case) if self._retried else case)
        elif unit.get("status") == "FAIL":
            self.outside(
                f"the configuration method {self._owner}.{unit.get('name')}",
                unit.said("exception", "message"),
                unit.line,
            )

    def _with_attempts(self, case: Case) -> Case:
        """Return a case with the invocations before it that were retried."""
        earlier = self._retried.pop(_invocation(case), [])
        self._waiting -= len(earlier)
        attempts = tuple(Attempt(outcome=Outcome.FAILED, message=each.message, trace=each.trace) for each in earlier)
        return msgspec.structs.replace(case, attempts=attempts) if attempts else case


def _invocation(case: Case) -> _Invocation:
    return case.name, case.iterations[0].parameters if case.iterations else ()


def _case(method: XmlNode, owner: str, suite: tuple[str, ...]) -> Case:
    get = method.attributes.get
    word = get("status", "")
    outcome = _RESULTS.get(word) or _RESULTS.get(word.upper()) or texts.unknown(word)
    passed = outcome is Outcome.PASSED
    exception = None if passed else method.first("exception")  # of a test that expects it otherwise
    trace = exception.said("full-stacktrace") or exception.said("short-stacktrace") if exception is not None else ""
    name = get("name", "")
    parameters = [
        (str(number), _value(param))
        for held in method.children
        if held.tag == "params"
        for number, param in enumerate(held.children, start=1)
    ]
    iterations: tuple[Iteration, ...] = ()
    if parameters:
        shown = texts.cut(f"{name}({', '.join([value for _, value in parameters])})", 1_024)
        iterations = (Iteration(outcome=outcome, name=shown, parameters=tuple(parameters)),)
    output = None
    if not passed:
        lines = [line.text.strip() for held in method.all("reporter-output") for line in held.children]
        output = texts.tail("\n".join(lines)) or None
    return Case(
        suite=suite,
        name=name,
        classname=owner or None,
        outcome=outcome,
        seconds=_seconds(get("duration-ms", "")),
        started=timestamp(get("started-at", "")),
        finished=timestamp(get("finished-at", "")),
        kind=exception.get("class") or None if exception is not None else None,
        message=(exception.said("message") or None) if exception is not None else None,
        trace=trace or None,
        output=output,
        marks=_marks(method),
        iterations=iterations,
        line=method.line,
    )


def _seconds(milliseconds: str) -> float | None:
    if len(milliseconds) < 10 and milliseconds.isascii() and milliseconds.isdecimal():  # noqa: PLR2004  # eleven days
        return int(milliseconds) * 0.001
    return seconds(f"{milliseconds}ms")


def _value(param: XmlNode) -> str:
    value = param.first("value")
    return "null" if value is not None and value.get("is-null") == "true" else param.said("value")


def _marks(method: XmlNode) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    described = False
    for attribute in [each for held in method.children if held.tag == "attributes" for each in held.children]:
        name, value = attribute.get("name"), attribute.text.strip()
        if value and (kind := _ONE.get(name)):
            marks.append(Mark(kind=kind, value=value))
            described = described or kind is MarkKind.DESCRIPTION
        elif listed := _BLANK_LISTS.get(name):
            marks += [Mark(kind=listed, value=part) for part in value.split()]
    if not described and (description := method.get("description")):
        marks.append(Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(description)))
    return tuple(dict.fromkeys(marks)) if len(marks) > 1 else tuple(marks)
