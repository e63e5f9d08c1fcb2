"""Which Test Execution of a run a result belongs to: the only one, that of its report, or that of its Test Environments.

Knows reports' names, environments and spans of time. Knows nothing of Tests: the same Test has one Test Run in each.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from xray_ci.errors import ConfigurationError
from xray_ci.model import MarkKind
from xray_ci.xray import hostile

if TYPE_CHECKING:
    from xray_ci.model import Case
    from xray_ci.xray.times import Timestamps

MOST: Final = 500
"""Test Executions of one run: more is a rule that captured too much, or a hostile report."""
_NAME_LIMIT: Final = 255
_ENVIRONMENT: Final = MarkKind.ENVIRONMENT


class Group:
    """One Test Execution to be."""

    __slots__ = ("environments", "report", "span")

    def __init__(self, report: str | None, environments: tuple[str, ...]) -> None:
        self.report = report
        self.environments = environments
        """Besides those of the whole run."""
        self.span: tuple[float, float] | None = None
        """The earliest start and the latest finish, seconds since the epoch."""


class Groups:
    """Numbers the Test Executions of a run in the order of their first result."""

    def __init__(self, policy: str) -> None:
        """`policy` is the setting `executions`."""
        self.many = policy != "single"
        self._by_report = policy == "per-report"
        self.all: list[Group] = [] if self.many else [Group(None, ())]
        self.numbers = array("H")
        """For each result the number of its group; empty when there is only one."""
        self._found: dict[tuple[str, ...], int] = {}
        self.shown = ""
        """The report that results are from."""
        self._environments: dict[int, dict[str, None]] = {}
        self._spans: dict[int, tuple[float, float]] = {}

    def begin(self, shown: str) -> None:
        """Look at another report; forget what was not committed."""
        self.shown = shown
        self._environments.clear()
        self._spans.clear()

    def of(self, case: Case, said: tuple[str, ...], times: Timestamps) -> int:
        """Return the group of a case; `said` are environments that rules give it, `times` hold its span alone when there are many.

        Raises ConfigurationError when there are more than `MOST`.
        """
        if not self.many:
            self._environments.setdefault(0, {}).update(dict.fromkeys(said))
            return 0
        number = self._numbered((self.shown,), said) if self._by_report else self._numbered(said or _own(case), ())
        if times.earliest is not None and times.latest is not None:
            held = self._spans.get(number, (times.earliest, times.latest))
            self._spans[number] = min(held[0], times.earliest), max(held[1], times.latest)
        return number

    def commit(self, times: Timestamps) -> None:
        """Count the current report in."""
        if not self.many and times.earliest is not None and times.latest is not None:
            self._spans[0] = times.earliest, times.latest
        for number, span in self._spans.items():
            group = self.all[number]
            held = group.span or span
            group.span = min(held[0], span[0]), max(held[1], span[1])
        for number, names in self._environments.items():
            group = self.all[number]
            group.environments = tuple(dict.fromkeys((*group.environments, *names)))

    def _numbered(self, key: tuple[str, ...], environments: tuple[str, ...]) -> int:
        number = self._found.get(key)
        if number is None:
            if len(self.all) >= MOST:
                raise ConfigurationError(f"the results would make more than {MOST} Test Executions", where="executions",
                                         slug="too-many-executions",
                                         advice="Choose rules that give fewer environments, or `executions: single`.")
            number = self._found[key] = len(self.all)
            self.all.append(Group(key[0], ()) if self._by_report else Group(None, key))
        if environments:
            self._environments.setdefault(number, {}).update(dict.fromkeys(environments))
        return number


def environment(text: str) -> str:
    """Return a text of a report as the name of a Test Environment, which may be empty; `;` would separate two (D)."""
    return hostile.one_line(text, _NAME_LIMIT).replace(";", ",").strip()


def _own(case: Case) -> tuple[str, ...]:
    """Return what the report itself says that a case ran in."""
    return tuple(dict.fromkeys(name for mark in case.marks if mark.kind is _ENVIRONMENT and (name := environment(mark.value))))
