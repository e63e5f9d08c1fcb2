"""What became of cases, report by report: counts, results that are left out and named, and what is missing to send the rest.

A report that turns out broken is forgotten. Knows decisions about Tests and nothing of documents or files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.errors import ConfigurationError, UnmappedResults
from xray_ci.model import Problem, Severity
from xray_ci.xray import flaws
from xray_ci.xray.counts import Counts
from xray_ci.xray.fold import OUTCOMES
from xray_ci.xray.mapping import NoProject, Rejected, Target, Unmapped

if TYPE_CHECKING:
    from xray_ci.model import Case
    from xray_ci.xray.mapping import Decision

_NAMED: Final = 20
_PROBLEMS: Final = 1_000


class Account:
    """Of one report."""

    def __init__(self, shown: str, first: int) -> None:
        self.shown = shown
        self.first = first
        """Number of its first result in the run."""
        self.cases = [0] * len(OUTCOMES)
        """By the code of their outcome."""
        self.counts = Counts()
        self.problems: list[Problem] = []
        self.unmapped: list[str] = []
        self.projectless: list[str] = []
        self.identities: set[bytes] = set()

    def where(self, line: int | None) -> str:
        """Return a place in it."""
        return self.shown if line is None else f"{self.shown}:{line}"

    def leave_out(self, slug: str, cause: str, line: int | None) -> None:
        """Note a result that is left out."""
        if len(self.problems) < _PROBLEMS:
            self.problems.append(Problem(severity=Severity.RESULT, slug=slug, cause=cause, path=self.shown, line=line))

    def refuse(self, case: Case, decision: Decision, by: str | None) -> None:
        """Count a case that is not sent; `by` is the rule that named its Test."""
        match decision:
            case Unmapped():
                self.counts.unmapped += 1
                if len(self.unmapped) < _NAMED:
                    self.unmapped.append(self.where(case.line) + " " + flaws.shown(case.name))
            case Rejected(slug=slug, reason=reason):
                self.counts.rejected += 1
                named = f" (by {by})" if by else ""
                self.leave_out(slug, f"test {flaws.shown(case.name)} {reason}{named}; it was left out", case.line)
            case NoProject():
                self.projectless.append(self.where(case.line) + " " + flaws.shown(case.name))
                del self.projectless[1:]
            case Target():
                raise AssertionError


class Accounts:
    """Of all reports that count."""

    def __init__(self) -> None:
        self.total = Counts()
        self.problems: list[Problem] = []
        self.identities: set[bytes] = set()
        """`mapping.identity_of` Tests that may be created, where somebody wants to know."""
        self._unmapped: list[str] = []
        self._projectless: list[str] = []

    def commit(self, account: Account) -> Counts:
        """Count a report in; return its counts."""
        counts = account.counts
        counts.passed, counts.skipped, counts.other, counts.failed, counts.errors = account.cases
        counts.tests = sum(account.cases)
        self.total += counts
        self.problems += account.problems[: max(0, _PROBLEMS - len(self.problems))]
        self._unmapped += account.unmapped[: max(0, _NAMED - len(self._unmapped))]
        self._projectless += account.projectless[:1]
        self.identities |= account.identities
        return counts

    def check(self, *, unmapped_fail: bool) -> None:
        """Raise ConfigurationError when a project is missing, UnmappedResults when there are such and `unmapped_fail`."""
        if self._projectless:
            raise ConfigurationError("`project` is needed: Tests of results without a Test key are found or created in it",
                                     where=self._projectless[0], slug="project-required",
                                     advice="Set `project`, give the tests a Test key, or set `unmapped: skip`.")
        if self._unmapped and unmapped_fail:
            count = self.total.unmapped
            more = f"\n… and {count - len(self._unmapped)} more" if count > len(self._unmapped) else ""
            raise UnmappedResults(f"{count} result{'s have' if count > 1 else ' has'} no Test key",
                                  where="\n".join(self._unmapped) + more)
