"""What to do after one call. Pure: never sleeps, never sends, knows no clock.

Repeats only what is certainly safe: what never left, what was refused for the moment, and calls that do no harm twice. A call
that may have been done and may not be done twice is to be looked up, which is the business of whoever knows what it makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from xray_ci.delivery.rate import MARGIN
from xray_ci.services.call import CallKind
from xray_ci.services.outcome import Answered, Failed, Lost, NotSent, Outcome, Redirected, Refused, Throttled, Unsent
from xray_ci.services.verdict import names_other_region

FEW: Final = 3
"""Repeats of a call that met a broken connection or gateway."""
MANY: Final = 100
"""Repeats of a call that was throttled; the waits are the service's, and the time budget bounds their sum."""
_FIRST: Final = 1.0
"""Seconds before the first repeat; doubled each time."""
_FIRST_THROTTLED: Final = 5.0
_LONGEST: Final = 60.0
_SHORTEST_TOLD: Final = 0.5
"""Seconds; doubled up to `_FIRST_THROTTLED` for a service that says 0 again and again."""
_PASSING: Final = frozenset({408, 502, 503, 504})
"""Statuses of gateways, gone a little later."""
_PERMANENT: Final = frozenset({Unsent.TLS, Unsent.ADDRESS, Unsent.TIME})
_SIGNED: Final = frozenset({CallKind.IMPORT, CallKind.READ})
"""Kinds whose authorization can have run out; a login and a trigger carry what they were given."""


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
class LookUp:
    """It may have been done and must not be done twice: only a look at what the service holds leads on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reauthenticate:
    """Send the same call again with a fresh authorization, where one can be had (Cloud; on Server/DC it leads to a CAPTCHA)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Leave it; the outcome is what is reported."""


Decision: TypeAlias = Done | Wait | LookUp | Reauthenticate | Stop


def decide(kind: CallKind, outcome: Outcome, attempt: int, budget: Budget) -> Decision:
    """Say what follows the outcome of the `attempt`-th try (1 is the first)."""
    match outcome:
        case Answered():
            return Done()
        case NotSent(reason=reason):
            return Stop() if reason in _PERMANENT else _again(attempt, budget)
        case Throttled(after=after):
            return _as_told(after, attempt, budget)
        case Refused(status=401) if kind in _SIGNED and not budget.renewed:
            return Stop() if names_other_region(outcome) else Reauthenticate()
        case Failed() | Lost():
            return _unknown(kind, outcome, attempt, budget)
        case Refused() | Redirected():
            return Stop()
    assert_never(outcome)


def _unknown(kind: CallKind, outcome: Failed | Lost, attempt: int, budget: Budget) -> Decision:
    match kind:
        case CallKind.IMPORT:
            return LookUp()
        case CallKind.READ | CallKind.AUTHENTICATE | CallKind.TRIGGER:
            if isinstance(outcome, Lost):
                return _again(attempt, budget)
            return _again(attempt, budget, told=outcome.after) if outcome.status in _PASSING else Stop()
    assert_never(kind)


def _again(attempt: int, budget: Budget, told: float | None = None) -> Wait | Stop:
    if attempt > FEW:
        return Stop()
    seconds = _FIRST * 2 ** (attempt - 1) * (0.5 + budget.jitter / 2)
    return _within(seconds if told is None else max(seconds, _later(told, budget)), budget)


def _as_told(after: float | None, attempt: int, budget: Budget) -> Wait | Stop:
    """Wait as the service says, however often; where it does not say, longer each time."""
    if attempt > MANY:
        return Stop()
    doubled = 2 ** min(attempt - 1, 10)
    if after is None:
        after = min(_LONGEST, _FIRST_THROTTLED * doubled)
    return _within(_later(max(after, min(_FIRST_THROTTLED, _SHORTEST_TOLD * doubled)), budget), budget)


def _later(seconds: float, budget: Budget) -> float:
    """Return a wait that is a little longer: it may have been rounded, and two jobs are not to come back in the same moment."""
    return seconds + MARGIN + budget.jitter * (1 - MARGIN)


def _within(seconds: float, budget: Budget) -> Wait | Stop:
    return Wait(seconds=seconds) if seconds <= budget.left else Stop()
