"""A caller that does what `retry.decide` says, at the pace that `rate` allows each host.

Holds the time budget and one bucket a host; knows nothing of what is called.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xray_ci.delivery import rate
from xray_ci.delivery.retry import Budget, Done, LookUp, Reauthenticate, Stop, Wait, decide
from xray_ci.services.call import CallKind
from xray_ci.services.outcome import NotSent, Throttled, Unsent
from xray_ci.services.verdict import origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from xray_ci.delivery.retry import Decision
    from xray_ci.deployments import Rate
    from xray_ci.services.call import Call, Caller
    from xray_ci.services.outcome import Outcome

_SAID: Final = 5.0
"""Seconds of a wait for the rate limit that people are told of."""
_NO_RATES: Final[Mapping[str, Rate]] = MappingProxyType({})


class Persistent:
    """Carries calls by another caller, again where that is certainly safe."""

    def __init__(self, inner: Caller, *, sleep: Callable[[float], None], clock: Callable[[], float], random: Random,
                 time_budget: float = 1800.0, rates: Mapping[str, Rate] = _NO_RATES,
                 tell: Callable[[str], None] = lambda _: None) -> None:
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
                case Done() | Stop() | LookUp():
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
        """Return the outcome of one try, made when the host's bucket allows it, and whether that had to be waited for."""
        counted = call.kind is not CallKind.AUTHENTICATE
        seconds = rate.wait(self._bucket(call), self._clock(), counted=counted)
        if seconds > self._left():
            return NotSent(cause="the rate limit asks to wait for longer than `time-budget` has left", reason=Unsent.TIME), True
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
        self._buckets[origin(call.url)] = rate.learned(self._bucket(call), self._clock(), outcome, after=after, held=held)

    def _bucket(self, call: Call) -> rate.Bucket:
        """Return the bucket of a call's host; asked for anew each time, as signing a call may make another call on the way."""
        host = origin(call.url)
        return self._buckets[host] if host in self._buckets else rate.starting(self._rates.get(host))

    def _left(self) -> float:
        return (0.0 if self._end is None else self._end) - self._clock()
