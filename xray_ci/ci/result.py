"""Where every result went: in reports = sent = stored, with what lies between as terms of the sum.

A value and its sentence; knows nothing of who counted.

What became of a run: the one object that the log, outputs, summary and result file are made from.

Values only; nothing here writes or escapes. Whoever writes takes `redacted` first. `as_json` is what
docs/result.schema.json describes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import structs

from xray_ci.ci.systems import Provider
from xray_ci.errors import ConfigurationError, Failure
from xray_ci.model import Outcome, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.ci.provider import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Results at each station of a run; None where nobody counted."""

    in_reports: int | None = None
    """Cases of the reports that were used; None where an earlier run read them."""
    folded: int = 0
    """Results that went into another one's, because they are of the same Test."""
    left_out: int = 0
    """By rules, by `unmapped: skip`, or because they could be no result in Xray."""
    further: int = 0
    """Results of cases that name several Tests."""
    not_sent: int = 0
    """Refused one by one, or in requests that did not get through."""
    sent: int
    stored: int | None = None
    """Test Runs read back that are what was sent; None where nothing was read back."""

    @property
    def holds(self) -> bool:
        """Whether everything that was to arrive has arrived, as far as it was read back."""
        return not self.not_sent and self.stored in (None, self.sent)

    def line(self) -> str:
        """Return the sum as people read it."""
        terms = [] if self.in_reports is None else [f"{self.in_reports:,} in reports"]
        if terms:
            terms += [
                f"{sign} {count:,} {word}"
                for sign, count, word in (
                    ("+", self.further, "of further keys"),
                    ("-", self.folded, "folded"),
                    ("-", self.left_out, "left out"),
                    ("-", self.not_sent, "not sent"),
                )
                if count
            ]
            terms.append("=")
        terms.append(f"{self.sent:,} sent")
        if self.stored is not None:
            terms.append(f"{'=' if self.stored == self.sent else '≠'} {self.stored:,} stored")
        return " ".join(terms)


SCHEMA: Final = 1
"""Version of the result file: raised when a name goes or changes its meaning, not when one is added."""
FAILURES_LIMIT: Final = 200
"""Failed cases that a result names; beyond it they are only counted."""


class RunOutcome(enum.Enum):
    """What became of the run as a whole."""

    IMPORTED = "imported"
    PARTLY = "partly"
    """Some of what was sent is stored and some is not, or a report was left out."""
    UNKNOWN = "unknown"
    """An answer was lost: it may have been imported."""
    PLANNED = "planned"
    NOTHING = "nothing"
    """There was nothing to import, and that was allowed."""
    SKIPPED = "skipped"
    """The CI system gives this run no secrets, so reports were only read."""
    TRIGGERED = "triggered"
    """The command `snapshots`: no import, only pages refreshed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCounts:
    """Cases of reports by outcome."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    other: int = 0

    @property
    def tests(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.errors + self.skipped + self.other

    def __add__(self, more: ReportCounts) -> ReportCounts:
        return ReportCounts(**{fact.name: getattr(self, fact.name) + getattr(more, fact.name) for fact in fields(self)})

    def of(self, outcome: Outcome) -> int:
        """Return how many have this outcome."""
        return int(getattr(self, outcome.value))

    def as_json(self) -> dict[str, int]:
        """Return the counts under the names that all outputs use."""
        return {"tests": self.tests} | {outcome.value: self.of(outcome) for outcome in Outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResult:
    """A Test Execution that holds results of this run."""

    key: str
    url: str | None = None
    """Where people look at it; None without the address of Jira."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report that was found."""

    path: str
    """Relative to the workspace."""
    format: str | None = None
    counts: ReportCounts | None = None
    """None when the report was refused: then none of its results was used."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """One case that did not pass, as its report states it."""

    name: str
    message: str | None = None
    report: str | None = None
    line: int | None = None
    """In the report, counted from 1."""
    outcome: Outcome = Outcome.FAILED
    key: str | None = None
    """Of its Test, as far as the report or the user's own rules name one."""
    file: str | None = None
    """Of the workspace, in which the test failed."""
    file_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A decision worth knowing, and how often it was taken."""

    text: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRow:
    """What became of one snapshot."""

    name: str
    """Nothing secret: a page id, or the masked address of a macro."""
    ok: bool
    status: int | None = None
    """HTTP status of the answer; None without one."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that went wrong, and what to do about it."""

    slug: str
    exit_code: int
    what: str
    where: str | None = None
    service: str | None = None
    """Who answered."""
    answer: str | None = None
    next: str | None = None

    @classmethod
    def of(cls, failure: Failure) -> tuple[Trouble, ...]:
        """Return a failure as values, one for each problem it carries."""
        problems = failure.problems if isinstance(failure, ConfigurationError) else ()
        return tuple(
            cls(
                slug=each.slug,
                exit_code=each.exit_code,
                what=each.what,
                where=each.where,
                service=each.service,
                answer=each.answer,
                next=each.next,
            )
            for each in problems or (failure,)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a run. None means: the service did not say, and nothing was read back."""

    command: str
    outcome: RunOutcome
    exit_code: int
    deployment: str | None = None
    executions: tuple[ExecutionResult, ...] = ()
    counts: ReportCounts = ReportCounts()
    sent: int = 0
    """Results in the requests of this run, after repeats were folded."""
    imported: int | None = None
    """Test Runs stored."""
    created_tests: int | None = None
    folded: int = 0
    """Results that went into another one's, because they are of the same Test."""
    unmapped: int = 0
    """Results without Test key."""
    balance: Balance | None = None
    """None when nothing that was converted was sent."""
    reports: tuple[Report, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    """The first of them, at most `FAILURES_LIMIT`."""
    troubles: tuple[Trouble, ...] = ()
    notices: tuple[Notice, ...] = ()
    snapshots: tuple[SnapshotRow, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    version: str = ""
    """Of xray-ci."""
    python: str = ""
    result_file: str | None = None
    """Where the result file goes, as the user named it."""
    surroundings: Surroundings | None = None

    @property
    def bad(self) -> int:
        """Cases that failed, with errors: what the output `failed` counts."""
        return self.counts.failed + self.counts.errors

    def redacted(self, redact: Callable[[str], str]) -> RunResult:
        """Return the same result with every text redacted: before any view escapes or cuts it."""
        return cast("RunResult", _redacted(self, redact))

    def outputs(self) -> tuple[tuple[str, str], ...]:
        """Return the outputs of INTERFACE as text, in its order; empty when unknown."""
        first = self.executions[0] if self.executions else None
        values: tuple[tuple[str, object], ...] = (
            ("outcome", self.outcome.value),
            ("test-execution-key", first.key if first else None),
            ("test-execution-keys", ",".join(one.key for one in self.executions)),
            ("test-execution-url", first.url if first else None),
            ("tests", self.counts.tests),
            ("passed", self.counts.passed),
            ("failed", self.bad),
            ("skipped", self.counts.skipped),
            ("imported", self.imported),
            ("created-tests", self.created_tests),
            ("snapshots-triggered", sum(one.ok for one in self.snapshots)),
            ("result-file", self.result_file),
        )
        return tuple((name, "" if value is None else str(value)) for name, value in values)

    def as_json(self) -> dict[str, Any]:
        """Return the result file's document, not yet redacted."""
        around = self.surroundings
        return {
            "schema": SCHEMA,
            "command": self.command,
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "deployment": self.deployment,
            "test_executions": [_plain(one) for one in self.executions],
            "counts": self.counts.as_json(),
            "sent": self.sent,
            "imported": self.imported,
            "created_tests": self.created_tests,
            "folded": self.folded,
            "unmapped": self.unmapped,
            "balance": _plain(self.balance) | {"holds": self.balance.holds} if self.balance else None,
            "reports": [
                {
                    "path": one.path,
                    "format": one.format,
                    "counts": one.counts.as_json() if one.counts else None,
                    "problems": [_problem(problem) for problem in one.problems],
                }
                for one in self.reports
            ],
            "failures": [_plain(one) | {"outcome": one.outcome.value} for one in self.failures],
            "problems": [_plain(one) for one in self.troubles],
            "notices": [_plain(one) for one in self.notices],
            "snapshots": [_plain(one) for one in self.snapshots],
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "versions": {"xray_ci": self.version, "python": self.python},
            "ci": {"provider": around.provider.key, **around.facts()} if around else None,
            "outputs": dict(self.outputs()),
        }


def _plain(value: Any) -> dict[str, Any]:
    return {fact.name: getattr(value, fact.name) for fact in fields(value)}


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    match value:
        case str():
            return redact(value)
        case tuple():
            return tuple(_redacted(inner, redact) for inner in value)
        case Problem():
            return structs.replace(
                value, **{name: _redacted(inner, redact) for name, inner in structs.asdict(value).items()}
            )
        case Provider() | Balance() | enum.Enum():  # ours, not text of this run
            return value
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{name: _redacted(inner, redact) for name, inner in _plain(value).items()})
        case _:
            return value


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "slug": problem.slug,
        "severity": problem.severity.value,
        "cause": problem.cause,
        "line": problem.line,
        "column": problem.column,
        "advice": problem.advice,
    }
