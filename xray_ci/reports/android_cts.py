"""Android's `test_result.xml` of CTS, VTS, GTS and the other suites of Tradefed. Knows elements alone.

A case is a test of a class of a module; its identity is the class and its name, and the ABI of the module is its
environment. A module that did not finish may lack tests: its run broke off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Mark, MarkKind, Outcome
from xray_ci.reports import elements, members, notices, texts, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SHAPE: Final = elements.Shape(
    roots=("Result",),
    scopes=frozenset({"Result", "Module", "TestCase"}),
    units=frozenset({"Test", "Summary"}),
    dropped=frozenset({"Build", "RunHistory"}),
    inside={"Test": frozenset({"Failure"}), "Failure": frozenset({"StackTrace"})},
    limits={"StackTrace": TEXT_LIMIT},
)
_RESULTS: Final = {
    "pass": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "ignored": Outcome.SKIPPED,
    "assumption_failure": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
    "not_executed": Outcome.SKIPPED,
}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once; it has no times.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._unfinished: list[str] = []

    def end(self, scope: XmlNode, /) -> None:
        if scope.tag == "Module" and scope.get("done").lower() == "false":
            self._unfinished.append(f"{scope.get('name')} on {scope.get('abi')}"[:200])

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "Summary":
            self.stated.add(unit.get("failed"))
        else:
            self.add(_case(unit, {scope.tag: scope for scope in self.scopes}))

    def last_words(self) -> Iterator[Case | Problem]:
        yield from super().last_words()
        if self._unfinished:
            shown = ", ".join(self._unfinished[:3]) + (", …" if len(self._unfinished) > 3 else "")  # noqa: PLR2004
            yield notices.broken_run(f"{len(self._unfinished)} modules are not done ({shown})")


def _case(test: XmlNode, scopes: dict[str, XmlNode]) -> Case:
    outcome = words.outcome(test.get("result"), _RESULTS)
    module, owner = scopes.get("Module"), scopes.get("TestCase")
    classname = owner.get("name") if owner is not None else ""
    abi = module.get("abi")[:255] if module is not None else ""
    failure = test.first("Failure") if outcome is not Outcome.PASSED else None
    trace = failure.said("StackTrace") if failure is not None else ""
    message = (texts.cut(failure.get("message")) if failure is not None else "") or trace.partition("\n")[0]
    return Case(
        suite=tuple(filter(None, (module.get("name") if module is not None else "", classname))),
        classname=classname or None,
        name=test.get("name"),
        outcome=outcome,
        kind=members.kind_of(trace),
        message=message or None,
        trace=trace or None,
        marks=(Mark(kind=MarkKind.ENVIRONMENT, value=abi),) if abi.strip() else (),
        line=test.line,
    )
