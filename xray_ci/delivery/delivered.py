"""What became of a plan, and what is to be said of it as a whole.

Values and sentences; sends nothing, and knows nothing of how it came to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.errors import PartlyImported

if TYPE_CHECKING:
    from xray_ci.delivery.plan import Plan, PlannedImport
    from xray_ci.delivery.progress import LeftOut, Progress
    from xray_ci.errors import Failure
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
    left_out = [each for call in plan.calls for each in progress.left_out.get(call.id, {}).values() if call.id in progress.ended]
    if left_out:
        done.failures.append(_left_out(left_out, sum(call.tests or 0 for call in plan.calls)))
    if done.failures and ended and len(ended) < len(plan.calls):
        done.failures.append(_partly(done, len(ended), len(plan.calls)))
    if done.unstored:
        done.failures.append(_unstored(done.unstored))
    return done


def _left_out(entries: list[LeftOut], total: int) -> PartlyImported:
    noun = "result was" if len(entries) == 1 else "results were"
    return PartlyImported(f"{len(entries):,} of {total:,} {noun} refused and left out: {', '.join(each.test for each in entries[:20])}",
                          answer=_reasons(entries), service="Xray")


def _reasons(entries: list[LeftOut]) -> str:
    listed = "\n".join(f"{each.test}: {each.reason}" for each in entries[:_NAMED])
    return listed + (f"\n… and {len(entries) - _NAMED:,} more" if len(entries) > _NAMED else "")


def _partly(done: Delivered, ended: int, total: int) -> PartlyImported:
    keys, left = list(done.keys.values()), len(done.not_sent)
    what = f"{ended} of {total} requests were imported into {', '.join(keys[:20])}, {total - ended - left} failed and {left} were not sent"
    if len(keys) > 1:
        return PartlyImported(what, advice="Correct what is named above, then run `xray-ci resume`, or import the missing reports again: "
                              "what is there stays there.")
    return PartlyImported(what, advice=f"Correct what is named above, then run `xray-ci resume`, or again with `test-execution: {keys[0]}` "
                          "(without `fields` and `labels`): results that are there already are overwritten, the rest is added.")


def _unstored(tests: tuple[Unstored, ...]) -> PartlyImported:
    listed = "\n".join(f"{each.test}: {'; '.join(each.messages) or 'no reason given'}" for each in tests)
    noun = "result was" if len(tests) == 1 else "results were"
    return PartlyImported(f"{len(tests)} {noun} not stored: {', '.join(each.test for each in tests[:20])}", answer=listed,
                          service="Xray")
