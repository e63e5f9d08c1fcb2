"""Where every result went: in reports = sent = stored, with what lies between as terms of the sum.

A value and its sentence; knows nothing of who counted.

What became of a run: the one object that the log, outputs, summary and result file are made from.

Values only; nothing here writes or escapes. Whoever writes takes `redacted` first. `as_json` is what
docs/result.schema.json describes.
"""

from __future__ import annotations

import enum
import operator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct, structs

from xray_ci.ci.systems import Provider
from xray_ci.errors import ConfigurationError, Failure, many
from xray_ci.model import Outcome, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xray_ci.ci.provider import Surroundings


class Balance(Struct, frozen=True, kw_only=True):
    """Results at each station of a run; None where nobody counted."""

    in_reports: int | None = None
    """Cases of the reports that were used; None where an earlier run read them."""
    merged: int = 0
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
                    ("-", self.merged, "merged"),
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
CHANGES_LIMIT: Final = 100
"""Tests of each change that a comparison names."""
_SWINGS: Final = 2
"""Changes between failed and passed that make a test flaky over time: one is a fault that came, or was mended."""


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


class ReportCounts(Struct, frozen=True, kw_only=True):
    """Cases of reports by outcome."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    other: int = 0
    flaky: int = 0
    """Of those that passed: after an attempt that did not."""
    seconds: float = 0.0
    """How long all of them took, one after the other."""

    @property
    def tests(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.errors + self.skipped + self.other

    @property
    def words(self) -> str:
        """Those that are not zero, in words."""
        told = [f"{self.of(outcome):,} {outcome.value}" for outcome in Outcome if self.of(outcome)]
        return ", ".join("1 error" if each == "1 errors" else each for each in told) or "none"

    def __add__(self, more: ReportCounts) -> ReportCounts:
        return ReportCounts(**{name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__})

    def of(self, outcome: Outcome) -> int:
        """Return how many have this outcome."""
        return int(getattr(self, outcome.value))

    def as_json(self) -> dict[str, int]:
        """Return the counts under the names that all outputs use."""
        return {"tests": self.tests} | {outcome.value: self.of(outcome) for outcome in Outcome}


class ExecutionResult(Struct, frozen=True, kw_only=True):
    """A Test Execution that holds results of this run."""

    key: str
    url: str | None = None
    """Where people look at it; None without the address of Jira."""


class Report(Struct, frozen=True, kw_only=True):
    """One report that was found."""

    path: str
    """Relative to the workspace."""
    format: str | None = None
    counts: ReportCounts | None = None
    """None when the report was refused: then none of its results was used."""
    problems: tuple[Problem, ...] = ()

    @property
    def line(self) -> str:
        """What was found in it."""
        if self.counts is None:
            what = "refused"
        else:
            tests = self.counts.tests
            what = f"{many(tests, 'result')}: {self.counts.words}" if tests else "no result counted"
        return f"{self.path}  {self.format or '?'}  {what}"


class FailureRow(Struct, frozen=True, kw_only=True):
    """One case that did not pass, as its report states it."""

    name: str
    message: str | None = None
    report: str | None = None
    line: int | None = None
    """In the report, counted from 1."""
    outcome: Outcome = Outcome.FAILED
    key: str | None = None
    """Of its Test: named by the report or the user's own rules, else read back after the import."""
    identity: bytes | None = None
    """What the import finds its Test by where nothing names it; for whoever reads back, and not written."""
    file: str | None = None
    """Of the workspace, in which the test failed."""
    file_line: int | None = None
    trace: str | None = None
    """The beginning of what was printed where it failed."""


class Change(enum.Enum):
    """How a test of this run stands against the runs before."""

    NEW = "new-failure"
    FIXED = "fixed"
    STILL = "still-failing"
    NONE = "none"
    """Neither: named because it is flaky over time, or has no result in this run."""


class ChangedTest(Struct, frozen=True, kw_only=True):
    """One test and its last runs."""

    name: str
    key: str | None = None
    """Of its Test, where it is known."""
    runs: str
    """A sign for each of the last runs, this one last: `F` failed, `P` passed, `-` no such result."""

    @property
    def change(self) -> Change:
        """What this run changed; a run without result of it changed nothing."""
        now, before = self.runs[-1:], self.runs[:-1].replace("-", "")[-1:]
        match now:
            case "F":
                return Change.STILL if before == "F" else Change.NEW
            case "P" if before == "F":
                return Change.FIXED
            case _:
                return Change.NONE

    @property
    def flaky(self) -> bool:
        """Whether it went from failed to passed and back (or the other way) within these runs."""
        known = self.runs.replace("-", "")
        return sum(one != two for one, two in pairwise(known)) >= _SWINGS

    def as_json(self) -> dict[str, Any]:
        """Return it as the result file has it."""
        return {**_plain(self), "change": self.change.value, "flaky": self.flaky}


class Comparison(Struct, frozen=True, kw_only=True):
    """A run against an earlier one."""

    against: str
    """The earlier result file as the user named it, or keys of Test Executions."""
    new: int = 0
    """Tests that fail, and did not in the run before."""
    fixed: int = 0
    """Tests that pass, and failed when they last ran."""
    still: int = 0
    flaky: int = 0
    """Tests that changed there and back within the last runs; they count among the others as well."""
    tests: tuple[ChangedTest, ...] = ()
    """The first of each change, at most `CHANGES_LIMIT` of each."""

    def of(self, change: Change) -> tuple[ChangedTest, ...]:
        """Return those of its tests that changed so."""
        return tuple(one for one in self.tests if one.change is change)

    def line(self) -> str:
        """Return the counts as people read them."""
        counts = ((self.new, "newly failing"), (self.fixed, "fixed"), (self.still, "still failing"))
        flaky = f", {self.flaky:,} flaky over time" if self.flaky else ""
        return ", ".join(f"{count:,} {word}" for count, word in counts) + flaky

    def as_json(self) -> dict[str, Any]:
        """Return it as the result file has it."""
        return {
            "against": self.against,
            "new_failures": self.new,
            "fixed": self.fixed,
            "still_failing": self.still,
            "flaky": self.flaky,
            "tests": [one.as_json() for one in self.tests],
        }


def compared(against: str, tests: Iterable[ChangedTest]) -> Comparison:
    """Return what changed, counting all of the tests and naming the first."""
    counts, flaky, kept = dict.fromkeys(Change, 0), 0, []
    for one in tests:
        if (change := one.change) is Change.NONE and not (one.flaky and one.runs[-1:] == "P"):
            continue
        counts[change] += 1
        flaky += one.flaky
        if counts[change] <= CHANGES_LIMIT:
            kept.append(one)
    return Comparison(
        against=against,
        new=counts[Change.NEW],
        fixed=counts[Change.FIXED],
        still=counts[Change.STILL],
        flaky=flaky,
        tests=tuple(kept),
    )


class Notice(Struct, frozen=True, kw_only=True):
    """A decision worth knowing, and how often it was taken."""

    text: str
    count: int = 1


class SnapshotRow(Struct, frozen=True, kw_only=True):
    """What became of one snapshot."""

    name: str
    """Nothing secret: a page id, or the masked address of a macro."""
    ok: bool
    status: int | None = None
    """HTTP status of the answer; None without one."""
    message: str | None = None


_RAW: Final = 4_000
"""Characters of an answer's body in the result file: secrets are gone by then."""


class PlannedTest(Struct, frozen=True, kw_only=True):
    """One Test that results would go to."""

    key: str | None
    """None where it would be created, or found by what nobody looked up."""
    name: str
    """Of the first result of it."""
    definition: str | None = None
    by: str
    """What decided that it is this Test."""
    new: bool | None = False
    """Whether an import would create it; None where that was not looked up."""
    place: str = ""
    """Where its first result stands."""
    like: str | None = None
    """Key of a Test that a new one looks like, renamed."""


class TestGroup(Struct, frozen=True, kw_only=True):
    """Tests of a plan of one kind."""

    title: str
    count: int
    first: tuple[PlannedTest, ...] = ()


class Announcement(Struct, frozen=True, kw_only=True):
    """What an import would do."""

    asked: bool
    """Whether the site was asked; else nobody knows which Tests would be created."""
    groups: tuple[TestGroup, ...] = ()
    requests: tuple[str, ...] = ()
    """One line each."""
    settings: tuple[tuple[str, str, str], ...] = ()
    """Name, value and origin of each that somebody set; of a secret no value."""
    new: int | None = None
    """Tests that would be created; None where that is not known of all."""


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that went wrong, and what to do about it."""

    slug: str
    exit_code: int
    what: str
    where: str | None = None
    service: str | None = None
    """Who answered."""
    answer: str | None = None
    next: str | None = None
    raw: str | None = None
    """The body of the answer as it came; the result file has the beginning of it."""

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
                raw=each.raw,
            )
            for each in problems or (failure,)
        )


class RunResult(Struct, frozen=True, kw_only=True):
    """What became of a run. None means: the service did not say, and nothing was read back."""

    command: str
    outcome: RunOutcome
    exit_code: int
    deployment: str | None = None
    executions: tuple[ExecutionResult, ...] = ()
    counts: ReportCounts = ReportCounts()
    sent: int = 0
    """Results in the requests of this run, after repeats were merged."""
    imported: int | None = None
    """Test Runs stored."""
    created_tests: int | None = None
    merged: int = 0
    """Results that went into another one's, because they are of the same Test."""
    unmapped: int = 0
    """Results without Test key."""
    balance: Balance | None = None
    """None when nothing that was converted was sent."""
    reports: tuple[Report, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    """The first of them, at most `FAILURES_LIMIT`."""
    comparison: Comparison | None = None
    """None without `baseline`, and where there was nothing to compare with."""
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
    announcement: Announcement | None = None
    """Of a run that only plans."""

    @property
    def bad(self) -> int:
        """Cases that failed, with errors: what the output `failed` counts."""
        return self.counts.failed + self.counts.errors

    @property
    def issues_at(self) -> str | None:
        """The address of issues without their keys; None where nobody knows where people look at them."""
        return next((one.url.removesuffix(one.key) for one in self.executions if one.url and _at(one)), None)

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
            ("new-failures", self.comparison.new if self.comparison else None),
            ("fixed", self.comparison.fixed if self.comparison else None),
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
            "merged": self.merged,
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
            "failures": [_failure(one, self.issues_at) for one in self.failures],
            "comparison": self.comparison.as_json() if self.comparison else None,
            "problems": [_plain(one) | {"raw": one.raw[:_RAW] if one.raw else None} for one in self.troubles],
            "notices": [_plain(one) for one in self.notices],
            "snapshots": [_plain(one) for one in self.snapshots],
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "versions": {"xray_ci": self.version, "python": self.python},
            "ci": {"provider": around.provider.key, **around.facts()} if around else None,
            "outputs": dict(self.outputs()),
            "history": None,  # the last: whoever writes the file puts a list there that may be long
        }


def _at(one: ExecutionResult) -> bool:
    """Say whether people look at an issue where Jira shows issues."""
    url = one.url or ""
    return url.startswith(("https://", "http://")) and url.endswith(f"/browse/{one.key}")


def _failure(one: FailureRow, base: str | None) -> dict[str, Any]:
    """Return a failure as the result file has it."""
    plain = _plain(one) | {"outcome": one.outcome.value, "url": f"{base}{one.key}" if base and one.key else None}
    del plain["identity"]
    return plain


def _plain(value: Any) -> dict[str, Any]:
    return structs.asdict(value)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    match value:
        case str():
            return redact(value)
        case tuple():
            clean = tuple(_redacted(inner, redact) for inner in value)
            return value if all(map(operator.is_, clean, value)) else clean
        case Provider() | Balance() | enum.Enum():  # ours, not text of this run
            return value
        case Struct():
            changed = {
                name: new
                for name in value.__struct_fields__
                if (new := _redacted(old := getattr(value, name), redact)) is not old
            }
            return structs.replace(value, **changed) if changed else value
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
