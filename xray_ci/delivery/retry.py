"""What to do after one call. Pure: never sleeps, never sends, knows no clock.

Repeats only what is certainly safe: what never left, what was refused for the moment, and calls that do no harm twice.
A call that may have been done and may not be done twice is to be looked up, which is the business of whoever knows what
it makes.

A caller that signs a call and does what `decide` says, no faster than each host allows.

Holds the time budget and one pace a host; knows nothing of what is called.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from msgspec import Struct

from xray_ci.services.verdict import names_other_region, origin
from xray_ci.services.wire import (
    Answered,
    CallKind,
    Failed,
    Lost,
    NotSent,
    Outcome,
    Redirected,
    RefusedAnswer,
    Throttled,
    Unsent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from xray_ci.deployments import Rate
    from xray_ci.services.wire import Call, Caller


MARGIN: Final = 0.1
"""Seconds on top of a wait that was told, which may have been rounded down."""
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
_PERMANENT: Final = frozenset({Unsent.TLS, Unsent.ADDRESS, Unsent.TIME, Unsent.PROXY_LOGIN})
"""A proxy locks out who knocks with a wrong password again and again."""
_SIGNED: Final = frozenset({CallKind.IMPORT, CallKind.READ})
"""Kinds whose authorization can have run out; a login and a trigger carry what they were given."""


class Budget(Struct, frozen=True, kw_only=True):
    """What is left to decide with."""

    left: float
    """Seconds until the time budget is spent."""
    jitter: float = 0.0
    """0 up to 1, drawn anew for each decision: spreads the jobs of a matrix."""
    renewed: bool = False
    """Whether this call has been signed anew already."""


class Succeeded(Struct, frozen=True, kw_only=True):
    """It succeeded."""


class Wait(Struct, frozen=True, kw_only=True):
    """Send the same call again after so many seconds."""

    seconds: float


class LookUp(Struct, frozen=True, kw_only=True):
    """It may have been done and must not be done twice: only a look at what the service holds leads on."""


class Reauthenticate(Struct, frozen=True, kw_only=True):
    """Send the same call again with a fresh authorization.

    Where one can be had (Cloud; on Server/DC it leads to a CAPTCHA).
    """


class Stop(Struct, frozen=True, kw_only=True):
    """Leave it; the outcome is what is reported."""


Decision: TypeAlias = Succeeded | Wait | LookUp | Reauthenticate | Stop


def decide(kind: CallKind, outcome: Outcome, attempt: int, budget: Budget) -> Decision:
    """Say what follows the outcome of the `attempt`-th try (1 is the first)."""
    match outcome:
        case Answered():
            return Succeeded()
        case NotSent(reason=reason):
            return Stop() if reason in _PERMANENT else _again(attempt, budget)
        case Throttled(after=after):
            return _as_told(after, attempt, budget)
        case RefusedAnswer(status=401) if kind in _SIGNED and not budget.renewed:
            return Stop() if names_other_region(outcome) else Reauthenticate()
        case Failed() | Lost():
            return _unknown(kind, outcome, attempt, budget)
        case RefusedAnswer() | Redirected():
            return Stop()
    assert_never(outcome)


def _unknown(kind: CallKind, outcome: Failed | Lost, attempt: int, budget: Budget) -> Decision:
    match kind:
        case CallKind.IMPORT:
            return LookUp()
        case CallKind.TRIGGER:  # a page that was refreshed already gets one version too many
            return Stop()
        case CallKind.READ | CallKind.AUTHENTICATE:
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
    """Return a wait that is a little longer.

    It may have been rounded, and two jobs are not to come back in the same moment.
    """
    return seconds + MARGIN + budget.jitter * (1 - MARGIN)


def _within(seconds: float, budget: Budget) -> Wait | Stop:
    return Wait(seconds=seconds) if seconds <= budget.left else Stop()


_TICK: Final = 1e-6
"""Seconds; less than that is a rounding of what was waited already."""


def _cause(outcome: Outcome) -> str:
    match outcome:
        case NotSent(cause=cause) | Lost(cause=cause):
            return cause
        case Throttled(status=status):
            return f"rate limit (status {status})"
        case Answered(status=status) | Failed(status=status) | RefusedAnswer(status=status) | Redirected(status=status):
            return f"status {status}"
    assert_never(outcome)


def _tries(outcome: Outcome, attempt: int) -> str:
    """Return which try comes next, and of how many."""
    return f"{attempt + 1} of {1 + (MANY if isinstance(outcome, Throttled) else FEW)}"


_SAID: Final = 2.0
"""Seconds of a wait for the rate limit that people are told of."""


class _Pace(Struct, kw_only=True):
    """How fast one host may be asked: its published plan, and what it says itself. Moments are of the run's clock.

    Most runs make three requests: what a plan allows goes at once, what is beyond it goes one by one, and a 429 shuts
    the host until the moment that it names.
    """

    free: float = math.inf
    """Calls that may go at once."""
    every: float = 0.0
    """Seconds between those that follow."""
    shut: float = -math.inf
    """Moment before which nothing goes."""
    turn: float = -math.inf
    """Moment of the next call beyond the plan."""

    def wait(self, now: float, *, counted: bool) -> float:
        """Return the seconds until a call may be made; a login does not count, and waits for a shut host only."""
        seconds = max(self.shut - now, self.turn - now if counted else 0.0)
        return seconds if seconds > _TICK else 0.0

    def spend(self, now: float) -> None:
        """Count a call that is made now."""
        self.free -= 1
        if self.free <= 0:
            self.turn = max(self.turn, now) + self.every

    def close(self, until: float) -> None:
        """Let nothing go before a moment, and one call at a time from then on."""
        self.shut, self.free = max(self.shut, until), 0
        self.turn = max(self.turn, until)


_NO_RATES: Final[Mapping[str, Rate]] = MappingProxyType({})


class Persistent:
    """Carries calls by another caller, again where that is certainly safe."""

    def __init__(
        self,
        inner: Caller,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
        random: Random,
        time_budget: float = 1800.0,
        rates: Mapping[str, Rate] = _NO_RATES,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`rates` are published plans by origin (`https://host`, as `verdict.origin` writes it)."""
        self._inner = inner
        self._sleep = sleep
        self._clock = clock
        self._random = random
        self._time_budget = time_budget
        self._end: float | None = None
        self._tell = tell
        self._rates = rates
        self._paces: dict[str, _Pace] = {}

    def call(self, call: Call) -> Outcome:
        """Return the last outcome of a call; the budget runs from the first call of the run. Raises as signing does.

        An import that may have been done is returned as it is, for the caller to look up.
        """
        if self._end is None:
            self._end = self._clock() + self._time_budget
        attempt, renewed = 1, False
        while True:
            outcome = self._paced(call)
            budget = Budget(left=self._left(), jitter=self._random.random(), renewed=renewed)
            decision = decide(call.kind, outcome, attempt, budget)
            self._heed(call, outcome, decision)
            match decision:
                case Succeeded() | Stop() | LookUp():
                    return outcome
                case Wait(seconds=seconds):
                    tries = _tries(outcome, attempt)
                    self._tell(f"{call.kind.value}: {_cause(outcome)}: next try in {seconds:.1f} s ({tries})")
                    self._sleep(seconds)
                case Reauthenticate():
                    if call.auth is None or not call.auth.renew():
                        return outcome
                    renewed = True
            attempt += 1

    def _paced(self, call: Call) -> Outcome:
        """Return the outcome of one try, made when the host's pace allows it; a login that this takes is its own call.

        Signed last: what is signed is good for minutes (OAuth 1.0a), and a wait may be longer.
        """
        pace, counted = self._pace(call), call.kind is not CallKind.AUTHENTICATE
        seconds = pace.wait(self._clock(), counted=counted)
        if seconds > self._left():
            return NotSent(
                cause="the rate limit asks to wait for longer than `time-budget` has left", reason=Unsent.TIME
            )
        if seconds > 0:
            if seconds >= _SAID:
                self._tell(f"{call.kind.value}: waiting {seconds:.1f} s, as the rate limit asks")
            self._sleep(seconds)
        signed = call.signed()
        if counted:
            pace.spend(self._clock())
        return self._inner.call(signed)

    def _heed(self, call: Call, outcome: Outcome, decision: Decision) -> None:
        """Shut the host until the moment that its answer names; a 503 that says when is as good as a 429 (D)."""
        after = None
        if isinstance(outcome, Throttled):
            told = decision.seconds - MARGIN if isinstance(decision, Wait) else 0.0
            after = told if outcome.after is None else outcome.after
        elif isinstance(outcome, Failed) and call.kind is not CallKind.AUTHENTICATE:
            after = outcome.after
        if after is not None:
            self._pace(call).close(self._clock() + max(0.0, after) + MARGIN)

    def _pace(self, call: Call) -> _Pace:
        host = origin(call.url)
        if host not in self._paces:
            plan = self._rates.get(host)
            self._paces[host] = _Pace(free=plan.calls, every=plan.seconds / plan.calls) if plan else _Pace()
        return self._paces[host]

    def _left(self) -> float:
        return (0.0 if self._end is None else self._end) - self._clock()
