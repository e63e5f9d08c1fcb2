"""What a run is given, and what is known of it so far: the result that it ends in.

A job is settings, surroundings, the log, and everything that is not pure (clock, sleep, randomness, folders). Its tally
prints each failure once, when it is met, and knows which conditions make which exit code.
"""

from __future__ import annotations

import platform
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from xray_ci import __version__
from xray_ci.ci.console import Level
from xray_ci.ci.result import (
    FAILURES_LIMIT,
    Balance,
    Comparison,
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
from xray_ci.errors import (
    AroundRefused,
    AroundUndone,
    AskedToFail,
    ConfigurationError,
    Failure,
    InvalidPayload,
    SnapshotMissing,
    UnknownDelivery,
    UnreadableReport,
    many,
    worst_exit,
)
from xray_ci.model import Problem, Severity
from xray_ci.settings.table import PREVIOUS

if TYPE_CHECKING:
    import tempfile
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from random import Random
    from typing import TextIO

    from xray_ci.ci.compare import History
    from xray_ci.ci.console import Console
    from xray_ci.ci.html import PageRows
    from xray_ci.ci.provider import Surroundings
    from xray_ci.ci.result import Announcement
    from xray_ci.delivery.plan import Plan, PlannedExecution
    from xray_ci.delivery.progress import Context
    from xray_ci.secret import Redactor
    from xray_ci.settings.values import Settings
    from xray_ci.xray.mapping import MappingOptions
    from xray_ci.xray.rules import Rulebook


class WorkFolder:
    """An empty folder of ours outside of the workspace, made when it is first asked for and removed after the run.

    Not in the workspace: what lies there can be taken for a report, and stays behind.
    """

    def __init__(self, below: str | None) -> None:
        """`below` is the folder to make it in; None takes the system's own for such things."""
        self._below = below
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def path(self) -> Path:
        """Where it is; raises ConfigurationError when it cannot be made."""
        if self._folder is None:
            import tempfile  # noqa: PLC0415

            try:
                self._folder = tempfile.TemporaryDirectory(prefix="xray-ci-", dir=self._below)
            except OSError as error:
                raise ConfigurationError(
                    f"there is no folder for temporary files: {error.strerror or error}",
                    where="TMPDIR",
                    slug="no-temporary-folder",
                    advice="Mount one (`docker run --tmpfs /tmp`), or name one in TMPDIR.",
                ) from error
        return Path(self._folder.name)

    @property
    def resumable(self) -> bool:
        """Whether it holds what a later run finds and goes on with."""
        return False

    def close(self) -> None:
        """Remove it with everything in it."""
        if self._folder is not None:
            self._folder.cleanup()


class Job(Struct, frozen=True, kw_only=True):
    """One run. Handed in whole, so that the same job does the same thing."""

    settings: Settings
    surroundings: Surroundings
    console: Console
    redactor: Redactor
    work: WorkFolder
    now: datetime
    """When the run began, with offset."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    sleep: Callable[[float], None]
    random: Random
    page: PageRows | None = None
    """What takes the rows of `html-report`; None without that setting."""
    unknown_environments: frozenset[str] = frozenset()
    """Of `test-environments` those that an import must not name, as they are made after it."""
    history: History | None = None
    """What takes the tests that failed; None without `result-file` and `baseline`."""
    private: tuple[Path, ...] = ()
    """Files that are never evidence: the config file, files of secrets."""
    document: TextIO | None = None
    """Where `plan --json` writes its document."""
    whole: bool = False
    """Whether a plan lists every Test."""

    @property
    def planning(self) -> bool:
        """Whether the run ends before the first write."""
        return self.settings.command == "plan" or self.settings.dry_run

    @property
    def needs_snapshots(self) -> bool:
        """Whether a snapshot that fails makes the run red: `fail-on` says so, else where nothing else is done."""
        mine = self.settings
        return "snapshots" in mine.fail_on or (mine.command == "snapshots" and mine.origin("fail-on") == "default")

    @property
    def offline(self) -> bool:
        """Whether nobody is asked: a plan without credentials."""
        mine = self.settings
        return self.planning and not (
            mine.client_secret or mine.jira_token or mine.jira_password or mine.oauth_private_key
        )

    @contextmanager
    def asking(self, setting: str) -> Iterator[None]:
        """Name the setting in the failure of a question that is asked for it alone, before anything is sent."""
        try:
            yield
        except Failure as failure:
            if not (failure.where or "").startswith(setting):
                told = f"{setting}, from {self.settings.origin(setting)}"
                failure.where = f"{told}\n{failure.where}" if failure.where else told
            raise

    def shown(self, path: Path) -> str:
        """Return a path as people look for it: from the workspace where it lies below."""
        inside = path.is_relative_to(self.settings.workspace)
        return str(path.relative_to(self.settings.workspace) if inside else path)

    def tried(self, token: str) -> bool:
        """Say whether an earlier try in this very job made this mark: something around us may repeat the step.

        No counter tells that (O: retrying actions, loops in scripts). The runner empties its folder after the job.
        """
        if self.surroundings.temp is None:
            return False
        mark = Path(self.surroundings.temp) / f"xray-ci-{token}"
        if self.planning:
            return mark.exists()
        try:
            mark.open("x").close()
        except FileExistsError:
            return True
        except OSError:
            return False
        return False


def spools(command: str, settings: Settings, redactor: Redactor) -> tuple[PageRows | None, History | None]:
    """Return what takes the rows of the page and the names of failed tests, each where it is wanted."""
    page, history = None, None
    if settings.html_report is not None and command in ("import", "plan", "snapshots", "resume", "collect"):
        from xray_ci.ci.html import PageRows  # noqa: PLC0415

        page = PageRows()
    compares = settings.result_file is not None or settings.baseline not in (None, PREVIOUS)
    if compares and command in ("import", "plan"):
        from xray_ci.ci.compare import History  # noqa: PLC0415

        history = History(redactor)
    return page, history


class Filled(NamedTuple):
    """A plan of which something arrived, for what follows the import."""

    plan: Plan
    context: Context
    keys: Mapping[str, str]
    """Of Test Executions, by their ids in the plan."""

    def of(self, key: str) -> Iterator[PlannedExecution]:
        """Yield what was planned of the Test Execution of a key."""
        return (each for each in self.plan.executions if self.keys.get(each.id) == key)


_AGAIN: Final = "The snapshot's own line says why it failed. `xray-ci snapshots` triggers it again."
_TOLD: Final = 20
"""Problems of a kind that the log prints."""


class Tally:
    """Collects; made once a run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._begun = job.clock()
        self._codes: set[int] = set()
        self._after: set[int] = set()
        """Codes of steps that were to follow an import that is done."""
        self._unknown = False
        self._met: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        self.notices: list[Notice] = []
        self.reports: list[Report] = []
        self.counts = ReportCounts()
        self.failures: list[FailureRow] = []
        self.places: Callable[[set[str]], str] = lambda _: ""
        """Where reports name Tests, by their keys; a line each."""
        self.comparison: Comparison | None = None
        self.against: str | None = None
        """The earlier result file that was read."""
        self.deployment: str | None = None
        self.executions: list[ExecutionResult] = []
        self.filled: list[Filled] = []
        """Plans of which something arrived."""
        self.planned = False
        self.announcement: Announcement | None = None
        self.created: int | None = None
        self.environments: dict[str, None] = {}
        """Test Environments of all Test Executions of a plan."""
        self._weighable = False
        """Whether something was sent."""
        self.to_send = 0
        """Converted results of all plans."""
        self.sent = 0
        self.imported: int | None = None
        self.merged = 0
        self.unmapped = 0
        self.left_out = 0
        self.balance: Balance | None = None
        self.failed_before = 0
        """Cases that failed in reports which an earlier run read."""
        self.snapshots: list[SnapshotRow] = []
        self.refreshed = False
        """Whether snapshots had their turn."""
        self.requests = 0
        for text in job.settings.notices:
            self.note(text)

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
        return self._job.needs_snapshots and not all(row.ok for row in self.snapshots)

    @property
    def clean(self) -> bool:
        """Whether nothing failed so far; conditions of `fail-on` do not count."""
        return not self._codes | self._after

    def fail(self, failure: Failure) -> None:
        """Print a failure and let it count."""
        after = isinstance(failure, (AroundRefused, AroundUndone))
        (self._after if after else self._codes).add(failure.exit_code)
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
        self._job.console.notice(text if count == 1 else f"{text} ({count:,} times)")

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
            stored = "" if self.imported is None else f", {many(self.imported, 'Test Run')} stored"
            self._job.console.info(f"  reports sent{stored}")
            return
        read = self.counts.tests or None
        between = self.to_send - (read - self.merged - self.left_out) if read is not None else 0
        self.balance = Balance(
            in_reports=read,
            merged=self.merged,
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
        outcome = self._outcome()
        for failure in self._asked_to_fail():
            self.fail(failure)
        result_file = settings.result_file
        return RunResult(
            command=settings.command,
            outcome=outcome,
            exit_code=worst_exit(self._codes | self._after),
            deployment=self.deployment,
            executions=tuple(self.executions),
            counts=self.counts,
            sent=self.sent,
            imported=self.imported,
            created_tests=self.created,
            merged=self.merged,
            unmapped=self.unmapped,
            balance=self.balance,
            reports=tuple(self.reports),
            failures=tuple(self.failures),
            comparison=self.comparison,
            troubles=tuple(self.troubles),
            notices=tuple(self.notices),
            snapshots=tuple(self.snapshots),
            requests=self.requests,
            seconds=self._job.clock() - self._begun,
            version=__version__,
            python=platform.python_version(),
            result_file=str(result_file) if result_file else None,
            surroundings=self._job.surroundings,
            announcement=self.announcement,
        )

    def _asked_to_fail(self) -> Iterator[Failure]:
        """Yield each condition of `fail-on` that holds."""
        fail_on = self._job.settings.fail_on
        if "test-failures" in fail_on and (bad := self.counts.failed + self.counts.errors):
            yield AskedToFail(f"{many(bad, 'test')} failed, and `fail-on` has `test-failures`")
        if "unmapped" in fail_on and self.unmapped:
            yield AskedToFail(f"{many(self.unmapped, 'result')} without a Test key, and `fail-on` has `unmapped`")
        if self.snapshots_left:
            bad = sum(not row.ok for row in self.snapshots)
            asked = "snapshots" in fail_on
            yield SnapshotMissing(
                f"{many(bad, 'snapshot')} not triggered{', and `fail-on` has `snapshots`' if asked else ''}",
                advice=None if self._resumable else _AGAIN,
            )

    @property
    def _resumable(self) -> bool:
        """Whether `resume` finds what is left of the run."""
        return self._job.settings.command == "resume" or self._job.work.resumable

    def _outcome(self) -> RunOutcome:
        if self.executions:
            return RunOutcome.IMPORTED if self.clean else RunOutcome.PARTLY
        if self._unknown:
            return RunOutcome.UNKNOWN
        if self._codes:
            return RunOutcome.FAILED
        if self.planned:
            return RunOutcome.PLANNED
        refreshed = any(row.ok for row in self.snapshots) or not self.snapshots
        alone = self._job.settings.command == "snapshots"
        return RunOutcome.TRIGGERED if alone and refreshed else RunOutcome.NOTHING


def place(problem: Problem) -> str:
    """Return file, line and column as far as they are known."""
    parts = (problem.path, problem.line, problem.column if problem.line else None)
    return ":".join(str(part) for part in parts if part is not None)


def as_failure(problem: Problem) -> Failure:
    """Return a problem of a report as the failure that it is."""
    kind: type[Failure] = UnreadableReport if problem.severity is Severity.ERROR else InvalidPayload
    cause = f"the report {problem.cause[3:]}" if problem.cause.startswith("it ") else problem.cause
    failure = kind(cause, where=place(problem) or None, advice=problem.advice)
    failure.slug = problem.slug  # type: ignore[misc]  # the finer name of the same class of failure
    return failure


def mapping_of(settings: Settings) -> MappingOptions:
    """Return by what the settings alone say which Test a case is; who asks a site adds what it says of keys."""
    from xray_ci.xray.mapping import MappingOptions  # noqa: PLC0415

    pattern = None
    if settings.key_pattern is not None:
        import re2  # noqa: PLC0415  # a user's pattern must not hang on an unsafe name: RE2 runs in linear time

        pattern = re2.compile(settings.key_pattern)
    return MappingOptions(
        project=settings.project,
        key_pattern=pattern,
        key_projects=frozenset(settings.key_projects),
        test_type=settings.test_type if settings.origin("test-type") != "default" else None,
        unmapped=settings.unmapped,
    )


def rulebook_of(settings: Settings) -> Rulebook | None:
    """Return the user's rules ready for cases, None without any."""
    from xray_ci.settings.values import MappingRules  # noqa: PLC0415

    if settings.mapping == MappingRules():
        return None
    from xray_ci.reports import globs  # noqa: PLC0415
    from xray_ci.xray.rules import Rulebook  # noqa: PLC0415

    return Rulebook(settings.mapping, fits=globs.fits)
