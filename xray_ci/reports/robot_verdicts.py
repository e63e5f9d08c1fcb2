"""What a suite's teardown does to the tests below it, known only when they are long past. Knows Robot's rules, not the document."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Case, Outcome
from xray_ci.reports import texts
from xray_ci.reports.robot_case import plain
from xray_ci.reports.spill import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

_MESSAGE_LIMIT: Final = 4_096
_SUITE_NAME_LIMIT: Final = 1_024


class Verdicts:
    """Tests that wait until all is known of the suites around them. Suites are numbers."""

    def __init__(self) -> None:
        self._waiting = Waiting()
        self._names: dict[int, str] = {}
        self._fallen: dict[int, tuple[Outcome, str]] = {}
        self._suites = 0

    def suite(self) -> int:
        """Begin a suite and return its number."""
        self._suites += 1
        return self._suites

    def name(self, suite: int, name: str) -> None:
        """Say a suite's name, at any time."""
        self._names[suite] = name[:_SUITE_NAME_LIMIT]

    def fall(self, suite: int, status: str, message: str) -> None:
        """Say how a suite's teardown ended."""
        if status in {"FAIL", "SKIP"}:
            outcome = Outcome.FAILED if status == "FAIL" else Outcome.SKIPPED
            self._fallen[suite] = outcome, texts.cut(plain(message), _MESSAGE_LIMIT)

    def wait(self, case: Case, suites: list[int]) -> None:
        """Keep a case without suites; `suites` are those around it, outermost first."""
        self._waiting.add(" ".join(map(str, suites)), case)

    def all(self, *, judge: bool) -> Iterator[Case]:
        """Yield the cases, named and judged; not judged what rebot wrote, which has done it already."""
        with closing(self._waiting):
            for word, case in self._waiting.all():
                suites = [int(number) for number in word.split()]
                names = tuple(self._names.get(number, "") for number in suites)
                named = msgspec.structs.replace(case, suite=names, classname=".".join(names) or None)
                yield self._judged(named, suites) if judge else named

    def close(self) -> None:
        """Forget everything."""
        self._waiting.close()

    def _judged(self, case: Case, suites: list[int]) -> Case:
        for number in reversed(suites):
            if number not in self._fallen:
                continue
            outcome, said = self._fallen[number]
            own = case.message
            if outcome is Outcome.SKIPPED:
                message = f"Skipped in parent suite teardown:\n{said}" + (f"\n\nEarlier message:\n{own}" if own else "")
            else:
                outcome = case.outcome if case.outcome is Outcome.SKIPPED else outcome
                message = f"{own}\n\nAlso parent suite teardown failed:\n{said}" if own else f"Parent suite teardown failed:\n{said}"
            case = msgspec.structs.replace(case, outcome=outcome, message=texts.cut(message))
        return case
