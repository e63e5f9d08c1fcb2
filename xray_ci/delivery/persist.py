"""A caller that does what `retry.decide` says. Holds the time budget; knows nothing of what is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.delivery.retry import Budget, Done, Reauthenticate, Stop, Wait, decide

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from xray_ci.services.call import Call, Caller
    from xray_ci.services.outcome import Outcome


class Persistent:
    """Carries calls by another caller, again where that is certainly safe."""

    def __init__(self, inner: Caller, *, sleep: Callable[[float], None], clock: Callable[[], float], random: Random,
                 time_budget: float = 1800.0, tell: Callable[[str], None] = lambda _: None) -> None:
        self._inner = inner
        self._sleep = sleep
        self._clock = clock
        self._random = random
        self._time_budget = time_budget
        self._end: float | None = None
        self._tell = tell

    def call(self, call: Call) -> Outcome:
        """Return the last outcome of a call; the budget runs from the first call of the run."""
        if self._end is None:
            self._end = self._clock() + self._time_budget
        attempt, renewed = 1, False
        while True:
            outcome = self._inner.call(call)
            budget = Budget(left=self._end - self._clock(), jitter=self._random.random(), renewed=renewed)
            match decide(call.kind, outcome, attempt, budget):
                case Done() | Stop():
                    return outcome
                case Wait(seconds=seconds):
                    self._tell(f"{call.kind.value}: again in {seconds:.1f} s")
                    self._sleep(seconds)
                case Reauthenticate():
                    if call.auth is None or not call.auth.renew():
                        return outcome
                    renewed = True
            attempt += 1
