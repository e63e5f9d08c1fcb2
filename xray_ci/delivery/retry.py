"""What to do after one call. Pure: never sleeps, never sends, knows no clock.

Repeats only what is certainly safe: what never left, what was refused for the moment, and calls that do no harm twice.
A call that may have been done and may not be done twice is to be looked up, which is the business of whoever knows what
it makes.

A caller that does what `retry.decide` says, at the pace that `rate` allows each host.

Holds the time budget and one bucket a host; knows nothing of what is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from xray_ci.delivery import rate
from xray_ci.delivery.rate import MARGIN
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
class Succeeded:
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
    """Send the same call again with a fresh authorization.

    Where one can be had (Cloud; on Server/DC it leads to a CAPTCHA).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
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
    """Return a wait that is a little longer.

    It may have been rounded, and two jobs are not to come back in the same moment.
    """
    return seconds + MARGIN + budget.jitter * (1 - MARGIN)


def _within(seconds: float, budget: Budget) -> Wait | Stop:
    return Wait(seconds=seconds) if seconds <= budget.left else Stop()


_SAID: Final = 5.0
"""Seconds of a wait for the rate limit that people are told of."""
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
        self._buckets: dict[str, rate.Bucket] = {}

    def call(self, call: Call) -> Outcome:
        """Return the last outcome of a call; the budget runs from the first call of the run.

        An import that may have been done is returned as it is, for the caller to look up.
        """
        if self._end is None:
            self._end = self._clock() + self._time_budget
        attempt, renewed = 1, False
        while True:
            outcome, held = self._paced(call)
            budget = Budget(left=self._left(), jitter=self._random.random(), renewed=renewed)
            decision = decide(call.kind, outcome, attempt, budget)
            self._learn(call, outcome, decision, held=held)
            match decision:
                case Succeeded() | Stop() | LookUp():
                    return outcome
                case Wait(seconds=seconds):
                    self._tell(f"{call.kind.value}: again in {seconds:.1f} s")
                    self._sleep(seconds)
                case Reauthenticate():
                    if call.auth is None or not call.auth.renew():
                        return outcome
                    renewed = True
            attempt += 1

    def _paced(self, call: Call) -> tuple[Outcome, bool]:
        """Return the outcome of one try, made when the host's bucket allows it.

        Whether that had to be waited for.
        """
        counted = call.kind is not CallKind.AUTHENTICATE
        seconds = rate.wait(self._bucket(call), self._clock(), counted=counted)
        if seconds > self._left():
            return NotSent(
                cause="the rate limit asks to wait for longer than `time-budget` has left", reason=Unsent.TIME
            ), True
        if seconds > 0:
            if seconds >= _SAID:
                self._tell(f"{call.kind.value}: in {seconds:.1f} s, as the rate limit allows")
            self._sleep(seconds)
        if counted:
            self._buckets[origin(call.url)] = rate.spent(self._bucket(call), self._clock())
        return self._inner.call(call), seconds > 0

    def _learn(self, call: Call, outcome: Outcome, decision: Decision, *, held: bool) -> None:
        after = decision.seconds - rate.MARGIN if isinstance(decision, Wait) else None
        if isinstance(outcome, Throttled):
            after = after if outcome.after is None else outcome.after
        elif call.kind is CallKind.AUTHENTICATE:
            return
        self._buckets[origin(call.url)] = rate.learned(
            self._bucket(call), self._clock(), outcome, after=after, held=held
        )

    def _bucket(self, call: Call) -> rate.Bucket:
        """Return the bucket of a call's host.

        Asked for anew each time, as signing a call may make another call on the way.
        """
        host = origin(call.url)
        return self._buckets[host] if host in self._buckets else rate.starting(self._rates.get(host))

    def _left(self) -> float:
        return (0.0 if self._end is None else self._end) - self._clock()
