"""Why a report cannot be read. Raised by readers, turned into a `Problem` by `reading`; never leaves this room."""

from __future__ import annotations

from xray_ci.model import Problem, Severity

TRUNCATED = "truncated-report"
BROKEN = "unreadable-report"
HOSTILE = "hostile-report"
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
    HOSTILE: "No test tool writes this. Find out where the file came from, or leave it out with `!path`.",
    NOT_A_REPORT: "Leave it out of `reports` with `!path`, or narrow the pattern.",
}
