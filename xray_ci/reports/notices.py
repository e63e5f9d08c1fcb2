"""What a reader says of a report: the fault for which it cannot be read, and problems that many formats have to tell.

A `Fault` is raised by readers, turned into a `Problem` by `reading`, and never leaves this room. Knows no format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    class _Stream(Protocol):
        """What a stream of lines says of those that are no part of it."""

        noise: int
        where: list[int]
        number: int
        cut: bool


TRUNCATED = "truncated-report"
BROKEN = "unreadable-report"
UNSAFE = "unsafe-report"
NOT_A_REPORT = "not-a-test-report"


class Fault(Exception):
    """The end of reading one report: all that came of it must be dropped."""

    def __init__(
        self,
        slug: str,
        cause: str,
        *,
        line: int | None = None,
        column: int | None = None,
        advice: str | None = None,
        mendable: bool = False,
    ) -> None:
        super().__init__(cause)
        self.slug = slug
        self.cause = cause
        self.line = line
        self.column = column
        """1-based, like `line`."""
        self.advice = advice
        self.mendable = mendable
        """True where a second try over cleaned bytes can come to the right result."""

    def problem(self, shown: str) -> Problem:
        """Return the value that stands for this fault in lists of problems; `shown` is the report's path."""
        return Problem(
            severity=Severity.ERROR,
            slug=self.slug,
            cause=self.cause,
            path=shown,
            line=self.line,
            column=self.column,
            advice=self.advice or ADVICE.get(self.slug),
        )


ADVICE = {
    TRUNCATED: "The test tool or the job was stopped while it wrote. Run the tests again: half a report is not "
    "imported.",
    BROKEN: "Make the test tool write the report again, or leave the file out with `!path`.",
    UNSAFE: "No test tool writes this. Find out where the file came from, or leave it out with `!path`.",
    NOT_A_REPORT: "Leave it out of `reports` with `!path`, or narrow the pattern.",
}


SHOWN: Final = 50
"""Errors outside of cases that are named one by one; more are only counted."""
BROKEN_RUN: Final = "broken-run"
_TEXT: Final = 300
_DIGITS: Final = 10
_PASSED: Final = Outcome.PASSED  # a member of an enum costs 40 ns more than a name


class Outside:
    """Errors that stand outside of any test: never a result, never lost silently."""

    def __init__(self) -> None:
        self._count = 0

    def say(self, where: str, what: str | None, *, line: int | None = None) -> Iterator[Problem]:
        """Yield the notice of one error, unless too many were told before."""
        self._count += 1
        if self._count <= SHOWN:
            said = " ".join((what or "").split())[:_TEXT] or "no text"
            yield notice(
                "outside-case",
                f"an error stands outside of any test, in {where[:_TEXT]}: {said}",
                line=line,
                advice="Tests may be missing from this report: look at the tool's log.",
            )

    def rest(self) -> Iterator[Problem]:
        """Yield how many were not told."""
        if self._count > SHOWN:
            yield notice("outside-case", f"{self._count - SHOWN} more errors stand outside of any test")


class Stated:
    """Failures that a report states in its totals, held against those that were read.

    Totals are not trusted for counting; as an alarm they tell of failures that were not understood.
    """

    def __init__(self) -> None:
        self._stated = 0
        self.read = 0

    def add(self, *counts: object) -> None:
        """Hear numbers of failures or errors, as texts or numbers; what is no number says nothing."""
        for count in counts:
            if isinstance(count, str):
                self._stated += int(count) if count.strip().isdecimal() and len(count) < _DIGITS else 0
            elif isinstance(count, int | float) and 0 <= count < 10**_DIGITS:
                self._stated += int(count)

    def see(self, item: object) -> None:
        """Count a case that failed, and an error outside of cases."""
        if isinstance(item, Case):
            if item.outcome is _PASSED and not item.attempts:  # most are, and this is asked of all
                return
            tries = (item.outcome, *(attempt.outcome for attempt in item.attempts))
            self.read += sum(outcome in {Outcome.FAILED, Outcome.ERROR} for outcome in tries)
        elif isinstance(item, Problem):
            self.read += item.slug == "outside-case"

    def against(self, items: Iterator[Case | Problem]) -> Iterator[Case | Problem]:
        """Yield all items, then the notice where fewer failures were read than stated."""
        for item in items:
            self.see(item)
            yield item
        yield from self.rest()

    def rest(self) -> Iterator[Problem]:
        """Yield the notice where fewer failures were read than stated."""
        if self._stated > self.read:
            yield notice(
                "stated-failures",
                f"it states {self._stated} failed tests, and {self.read} were read in it",
                advice="A failure may be written in a way that is not known here: compare with the tool's own output.",
            )


def notice(slug: str, cause: str, *, line: int | None = None, advice: str | None = None) -> Problem:
    """Return a problem that drops nothing."""
    return Problem(severity=Severity.NOTICE, slug=slug, cause=cause, line=line, advice=advice)


def unknown_outcomes(words: Mapping[str, int]) -> Iterator[Problem]:
    """Yield the notice of outcomes in words that the format does not have: they are neither passed nor failed."""
    if words:
        said = ", ".join(f"{word[:40]!r}" for word in list(words)[:5]) + (", …" if len(words) > 5 else "")  # noqa: PLR2004
        many = sum(words.values())
        yield notice(
            "unknown-outcome",
            f"{many} {'result has a status' if many == 1 else 'results have a status'} that the format does not know "
            f"({said}), so they count as neither passed nor failed",
            advice="What such a word means in Xray is said by `statuses` for `other`.",
        )


def broken_run(cause: str, *, line: int | None = None) -> Problem:
    """Return the problem of a report that is whole, of a run that is not: its results hold, others are missing."""
    return Problem(
        severity=Severity.RESULT,
        slug=BROKEN_RUN,
        cause=f"the run broke off: {cause}",
        line=line,
        advice="The results in the report are read, others are missing. Look at the tool's log, and run the tests "
        "again.",
    )


def cut_off(documents: _Stream, cause: str | None) -> Iterator[Problem]:
    """Yield the problem of a stream that was cut off, with a cause where an end is missing; complete results hold."""
    if cause is not None:
        yield broken_run(cause, line=documents.number or None)
    elif documents.cut:
        yield broken_run("its last line ends in the middle", line=documents.number or None)


def no_cases() -> Problem:
    """Return the notice of a report without a test."""
    return notice(
        "no-cases",
        "it holds no test",
        advice="Check that the tests really ran: a tool that fails before its first test writes this.",
    )


def noise(documents: _Stream) -> Iterator[Problem]:
    """Yield the notice of lines that are no part of the report, if there are any."""
    if documents.noise:
        where = ", ".join(map(str, documents.where)) + (", …" if documents.noise > len(documents.where) else "")
        yield notice(
            "ignored-lines",
            f"{documents.noise} lines are no part of the report and were ignored (line {where})",
            line=documents.where[0],
            advice="Write the report to a file of its own, without what else goes to the same output.",
        )
