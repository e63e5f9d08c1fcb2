"""Problems that many formats have to tell, in the same words. Knows no format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    class _Stream(Protocol):
        """What a stream of lines says of those that are no part of it."""

        noise: int
        where: list[int]


SHOWN: Final = 50
"""Errors outside of cases that are named one by one; more are only counted."""
BROKEN_RUN: Final = "broken-run"
_TEXT: Final = 300


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


def notice(slug: str, cause: str, *, line: int | None = None, advice: str | None = None) -> Problem:
    """Return a problem that drops nothing."""
    return Problem(severity=Severity.NOTICE, slug=slug, cause=cause, line=line, advice=advice)


def count(text: object) -> int:
    """Return a stated number of results, 0 for what is none."""
    if isinstance(text, int):
        return max(text, 0)
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < _COUNT else 0


def missing_failures(stated: int, read: int) -> Iterator[Problem]:
    """Yield the notice of a report that states more failures than were read in it: some may have been lost."""
    if stated > read:
        yield notice(
            "stated-failures",
            f"it states {stated} failed tests, and {read} were read in it",
            advice="Compare it with the tool's own output. If results are missing, report it with this file.",
        )


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


_COUNT: Final = 10


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
            "foreign-lines",
            f"{documents.noise} lines are no part of the report and were passed over (line {where})",
            line=documents.where[0],
            advice="Write the report to a file of its own, without what else goes to the same output.",
        )
