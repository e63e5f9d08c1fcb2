"""What is known of a run so far, and the result it ends in. Prints each failure once, when it is met.

Knows which conditions make which exit code (INTERFACE: exit codes, fail-on).
"""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING, Final

from xray_ci import __version__
from xray_ci.ci.console import Level
from xray_ci.ci.result import (
    FAILURES_LIMIT,
    Balance,
    ExecutionResult,
    FailureRow,
    Notice,
    Report,
    ReportCounts,
    RunOutcome,
    RunResult,
    SnapshotRow,
    Trouble,
)
from xray_ci.errors import Failure, InvalidPayload, UnknownDelivery, UnreadableReport, worst_exit
from xray_ci.model import Problem, Severity

if TYPE_CHECKING:
    from xray_ci.pipeline.job import Job

_TOLD: Final = 20
"""Problems of a kind that the log prints."""


class Tally:
    """Collects; made once a run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._begun = job.clock()
        self._codes: set[int] = set()
        self._unknown = False
        self._met: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        self.notices: list[Notice] = [Notice(text=text) for text in job.settings.notices]
        self.reports: list[Report] = []
        self.counts = ReportCounts()
        self.failures: list[FailureRow] = []
        self.deployment: str | None = None
        self.executions: list[ExecutionResult] = []
        self.planned = False
        self._weighable = False
        """Whether something was sent."""
        self.to_send = 0
        """Converted results of all plans."""
        self.sent = 0
        self.imported: int | None = None
        self.folded = 0
        self.unmapped = 0
        self.left_out = 0
        self.balance: Balance | None = None
        self.failed_before = 0
        """Cases that failed in reports which an earlier run read."""
        self.snapshots: list[SnapshotRow] = []
        self.refreshed = False
        """Whether snapshots had their turn."""
        self.requests = 0

    @property
    def arrived(self) -> bool:
        """Whether results were imported and no request failed."""
        return bool(self.executions) and not self._codes & {2, 5, 6, 7}

    @property
    def stopped(self) -> bool:
        """Whether a signal ended the run: then nothing more is begun."""
        return bool(self._codes & {130, 143})

    @property
    def failed(self) -> int:
        """Cases that failed, errors included."""
        return self.counts.failed + self.counts.errors + self.failed_before

    @property
    def snapshots_left(self) -> bool:
        """Whether a snapshot failed that the run should not be without."""
        return "snapshots" in self._job.settings.fail_on and not all(row.ok for row in self.snapshots)

    def fail(self, failure: Failure) -> None:
        """Print a failure and let it count."""
        self._codes.add(failure.exit_code)
        self._unknown = self._unknown or isinstance(failure, UnknownDelivery)
        self.troubles += Trouble.of(failure)
        self._job.console.failure(failure)

    def warn(self, failure: Failure) -> None:
        """Print a failure that does not decide the verdict."""
        self.troubles += Trouble.of(failure)
        self._job.console.failure(failure, level=Level.WARNING)

    def note(self, text: str, count: int = 1) -> None:
        """Print and keep a decision worth knowing."""
        self.notices.append(Notice(text=text, count=count))
        self._job.console.notice(text if count == 1 else f"{text} ({count} times)")

    def report(self, report: Report, failures: list[FailureRow]) -> None:
        """Keep what was found in one report; its counts are None when it was refused."""
        self.reports.append(report)
        if report.counts is not None:
            self.counts += report.counts
            self.failures += failures[: FAILURES_LIMIT - len(self.failures)]

    def problem(self, problem: Problem) -> None:
        """Print a problem of a report; what drops a report or a result is a failure with exit code 4."""
        self._met[problem.slug] += 1
        shown = self._met[problem.slug] <= _TOLD
        if problem.severity is Severity.NOTICE:
            if shown:
                self._job.console.notice(f"{place(problem)}: {problem.cause}")
        elif shown:
            self.fail(as_failure(problem))
        else:
            failure = as_failure(problem)
            self._codes.add(failure.exit_code)
            self.troubles += Trouble.of(failure)

    def delivered(self, *, planned: int, sent: int, stored: int | None) -> None:
        """Add what became of one plan; `planned` are converted results, `stored` is None where nobody counted them."""
        self.to_send += planned
        self.sent += sent
        known = stored is not None and not (self._weighable and self.imported is None)
        self.imported = (self.imported or 0) + (stored or 0) if known else None
        self._weighable = True

    def weigh(self) -> None:
        """Print and keep where every result went; of native reports only what was counted."""
        if not self._weighable:
            return
        if not self.to_send:
            stored = "" if self.imported is None else f", {self.imported:,} Test Run{'s' * (self.imported != 1)} stored"
            self._job.console.info(f"  reports sent{stored}")
            return
        read = self.counts.tests or None
        between = self.to_send - (read - self.folded - self.left_out) if read is not None else 0
        self.balance = Balance(
            in_reports=read,
            folded=self.folded,
            left_out=self.left_out + max(0, -between),
            further=max(0, between),
            not_sent=self.to_send - self.sent,
            sent=self.sent,
            stored=self.imported,
        )
        self._job.console.info(f"  {self.balance.line()}")

    def _rest(self) -> None:
        """Say how many problems were not printed because there were so many of their kind."""
        for slug, count in self._met.items():
            if count > _TOLD:
                self._job.console.warning(f"{count - _TOLD:,} more of {slug} are not printed; `result-file` has them")

    def result(self) -> RunResult:
        """Return the one object that every view is made from; the run is over then."""
        self._rest()
        settings = self._job.settings
        codes = self._codes | self._asked_to_fail()
        result_file = settings.result_file
        return RunResult(
            command=settings.command,
            outcome=self._outcome(),
            exit_code=worst_exit(codes),
            deployment=self.deployment,
            executions=tuple(self.executions),
            counts=self.counts,
            sent=self.sent,
            imported=self.imported,
            folded=self.folded,
            unmapped=self.unmapped,
            balance=self.balance,
            reports=tuple(self.reports),
            failures=tuple(self.failures),
            troubles=tuple(self.troubles),
            notices=tuple(self.notices),
            snapshots=tuple(self.snapshots),
            requests=self.requests,
            seconds=self._job.clock() - self._begun,
            version=__version__,
            python=platform.python_version(),
            result_file=str(result_file) if result_file else None,
            surroundings=self._job.surroundings,
        )

    def _asked_to_fail(self) -> set[int]:
        fail_on = self._job.settings.fail_on
        codes = set()
        if "test-failures" in fail_on and self.counts.failed + self.counts.errors:
            codes.add(1)
        if "unmapped" in fail_on and self.unmapped:
            codes.add(1)
        if self.snapshots_left:
            codes.add(9)
        return codes

    def _outcome(self) -> RunOutcome:
        if self.executions:
            return RunOutcome.PARTLY if self._codes else RunOutcome.IMPORTED
        if self._unknown:
            return RunOutcome.UNKNOWN
        if self._codes:
            return RunOutcome.FAILED
        if self.planned:
            return RunOutcome.PLANNED
        return RunOutcome.TRIGGERED if self._job.settings.command == "snapshots" else RunOutcome.NOTHING


def place(problem: Problem) -> str:
    """Return file, line and column as far as they are known."""
    parts = (problem.path, problem.line, problem.column if problem.line else None)
    return ":".join(str(part) for part in parts if part is not None)


def as_failure(problem: Problem) -> Failure:
    """Return a problem of a report as the failure that it is."""
    kind: type[Failure] = UnreadableReport if problem.severity is Severity.ERROR else InvalidPayload
    failure = kind(problem.cause, where=place(problem) or None, advice=problem.advice)
    failure.slug = problem.slug  # type: ignore[misc]  # the finer name of the same class of failure
    return failure
