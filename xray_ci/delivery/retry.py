"""What to do after one call. Pure: never sleeps, never sends, knows no clock.

Repeats only what is certainly safe: what never left, what was refused for the moment, and calls that do no harm twice. An
import that may have been done is never repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from xray_ci.services.call import CallKind
from xray_ci.services.outcome import Answered, Failed, Lost, NotSent, Outcome, Redirected, Refused, Throttled, Unsent
from xray_ci.services.verdict import names_other_region

FEW: Final = 3
"""Repeats of a call that met a broken connection or gateway."""
_FIRST: Final = 1.0
"""Seconds before the first repeat; doubled each time."""
_FIRST_THROTTLED: Final = 5.0
_LONGEST: Final = 60.0
_GATEWAY: Final = frozenset({502, 503, 504})
_PERMANENT: Final = frozenset({Unsent.TLS, Unsent.ADDRESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is left to decide with."""

    left: float
    """Seconds until the time budget is spent."""
    jitter: float = 0.0
    """0 up to 1, drawn anew for each decision: spreads the jobs of a matrix."""
    renewed: bool = False
    """Whether this call has been signed anew already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Send the same call again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reauthenticate:
    """Send the same call again with a fresh authorization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Leave it; the outcome is what is reported."""


Decision: TypeAlias = Done | Wait | Reauthenticate | Stop


def decide(kind: CallKind, outcome: Outcome, attempt: int, budget: Budget) -> Decision:
    """Say what follows the outcome of the `attempt`-th try (1 is the first)."""
    match outcome:
        case Answered():
            return Done()
        case NotSent(reason=reason):
            return Stop() if reason in _PERMANENT else _again(attempt, budget)
        case Throttled(after=after):
            return _as_told(after, attempt, budget)
        case Refused(status=401) if kind in {CallKind.IMPORT, CallKind.READ} and not budget.renewed:
            return Stop() if names_other_region(outcome) else Reauthenticate()
        case Failed() | Lost():
            return _again(attempt, budget) if _harmless(kind, outcome) else Stop()
        case Refused() | Redirected():
            return Stop()
    assert_never(outcome)


def _harmless(kind: CallKind, outcome: Failed | Lost) -> bool:
    if kind is CallKind.IMPORT:
        return False
    return isinstance(outcome, Lost) or outcome.status in _GATEWAY


def _again(attempt: int, budget: Budget) -> Wait | Stop:
    if attempt > FEW:
        return Stop()
    return _within(_FIRST * 2 ** (attempt - 1) * (0.5 + budget.jitter / 2), budget)


def _as_told(after: float | None, attempt: int, budget: Budget) -> Wait | Stop:
    """Wait as the service says, a little longer so that two jobs do not come back in the same moment."""
    if after is None:
        after = min(_LONGEST, _FIRST_THROTTLED * 2 ** min(attempt - 1, 10))
    return _within(max(after, 0.5) + budget.jitter, budget)


def _within(seconds: float, budget: Budget) -> Wait | Stop:
    return Wait(seconds=seconds) if seconds <= budget.left else Stop()
