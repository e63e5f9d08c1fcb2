"""What became of a plan, and what is to be said of it as a whole.

Values and sentences; sends nothing, and knows nothing of how it came to that.

What a delivery works with: services, a log of what happened, and everything that is not pure.

Knows no request; handed to each step of a delivery, so that the same plan and the same answers always do the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from xray_ci.delivery.progress import Progress
from xray_ci.errors import PartlyImported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from xray_ci.delivery.plan import Plan, PlannedImport
    from xray_ci.delivery.progress import Entry, LeftOut
    from xray_ci.deployments import Endpoint
    from xray_ci.errors import Failure
    from xray_ci.services.body import Upload
    from xray_ci.services.stored import Store
    from xray_ci.services.xray import ImportAnswer, Unstored


_NAMED: Final = 50
"""Results left out that one message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A request and what was answered to it."""

    call: PlannedImport
    answer: ImportAnswer


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What became of a plan."""

    keys: dict[str, str] = field(default_factory=dict)
    """By the id of the Test Execution in the plan: those that hold results now."""
    receipts: list[Receipt] = field(default_factory=list)
    """Answers of this run; what an earlier one brought is in the journal only."""
    failures: list[Failure] = field(default_factory=list)
    """In the order in which they came; the exit code is the worst of them."""
    not_sent: list[PlannedImport] = field(default_factory=list)
    """Requests after one that failed."""
    sent: int = 0
    """Results in requests that are known to be done, of earlier runs too."""
    stored: int | None = 0
    """Test Runs that the answers count; None where the deployment does not say."""

    @property
    def unstored(self) -> tuple[Unstored, ...]:
        """Tests that Server/DC did not store."""
        return tuple(each for receipt in self.receipts for each in receipt.answer.tests_failed)


def summed(done: Delivered, plan: Plan, progress: Progress) -> Delivered:
    """Return what became of a plan, its numbers filled in and what is to be said of it as a whole added."""
    ended = [progress.ended[call.id] for call in plan.calls if call.id in progress.ended]
    done.sent = sum(each.tests for each in ended)
    counts = [each.stored for each in ended]
    done.stored = sum(count or 0 for count in counts) if counts and None not in counts else None
    left_out = [
        each for call in plan.calls for each in progress.left_out.get(call.id, {}).values() if call.id in progress.ended
    ]
    if left_out:
        done.failures.append(_left_out(left_out, sum(call.tests or 0 for call in plan.calls)))
    if done.failures and ended and len(ended) < len(plan.calls):
        done.failures.append(_partly(done, len(ended), len(plan.calls)))
    if done.unstored:
        done.failures.append(_unstored(done.unstored))
    return done


def _left_out(entries: list[LeftOut], total: int) -> PartlyImported:
    noun = "result was" if len(entries) == 1 else "results were"
    return PartlyImported(
        f"{len(entries):,} of {total:,} {noun} refused and left out: {', '.join(each.test for each in entries[:20])}",
        answer=_reasons(entries),
        service="Xray",
    )


def _reasons(entries: list[LeftOut]) -> str:
    listed = "\n".join(f"{each.test}: {each.reason}" for each in entries[:_NAMED])
    return listed + (f"\n… and {len(entries) - _NAMED:,} more" if len(entries) > _NAMED else "")


def _partly(done: Delivered, ended: int, total: int) -> PartlyImported:
    keys, left = list(done.keys.values()), len(done.not_sent)
    what = (
        f"{ended} of {total} requests were imported into {', '.join(keys[:20])}, {total - ended - left} failed and "
        f"{left} were not sent"
    )
    if len(keys) > 1:
        return PartlyImported(
            what,
            advice="Correct what is named above, then run `xray-ci resume`, or import the missing reports again: "
            "what is there stays there.",
        )
    return PartlyImported(
        what,
        advice=f"Correct what is named above, then run `xray-ci resume`, or again with `test-execution: {keys[0]}` "
        "(without `fields` and `labels`): results that are there already are overwritten, the rest is added.",
    )


def _unstored(tests: tuple[Unstored, ...]) -> PartlyImported:
    listed = "\n".join(f"{each.test}: {'; '.join(each.messages) or 'no reason given'}" for each in tests)
    noun = "result was" if len(tests) == 1 else "results were"
    return PartlyImported(
        f"{len(tests)} {noun} not stored: {', '.join(each.test for each in tests[:20])}", answer=listed, service="Xray"
    )


class Importer(Protocol):
    """What `services.xray.Xray` does."""

    def import_report(
        self, endpoint: Endpoint, *, query: Sequence[tuple[str, str]] = (), upload: Upload
    ) -> ImportAnswer:
        """Import one body; raises Failure."""


class Log(Protocol):
    """Where entries go; what was recorded survives the process."""

    def record(self, entry: Entry) -> None:
        """Keep one entry; raises Failure when it cannot be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds; what is not documented by anybody, chosen from what was observed (O) and assumed (A)."""

    lag: float = 60.0
    """Longest wait for JQL to find an issue that was made (O: seconds; A: never more than a minute)."""
    pause: float = 5.0
    """Between two looks at something that may still change: Xray goes on working after a timeout (O)."""
    unseen: float = 60.0
    """How long Xray may be at work on a request before anything of it shows (A: as long as gateways wait)."""
    settle: float = 300.0
    """Longest wait until two reads of the same Test Execution agree."""


@dataclass(kw_only=True)
class Means:
    """Everything a delivery needs besides its plan."""

    xray: Importer
    store: Store
    random: Random
    sleep: Callable[[float], None]
    left: Callable[[], float]
    """Seconds of the time budget that are left."""
    work: Path
    """A folder of ours for parts of requests."""
    most: int | None = None
    """Bytes of one request: a test that is larger alone goes without its evidence, which follows; None: as the service
    answers."""
    tell: Callable[[str], None] = lambda _: None
    log: Log | None = None
    progress: Progress = field(default_factory=Progress)
    patience: Patience = Patience()

    def note(self, entry: Entry) -> None:
        """Record what happens, then count with it."""
        if self.log is not None:
            self.log.record(entry)
        self.progress.note(entry)

    def wait(self, seconds: float) -> bool:
        """Wait, unless the time budget does not allow it; say whether it was waited."""
        if seconds > self.left():
            return False
        self.sleep(seconds)
        return True
