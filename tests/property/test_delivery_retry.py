"""Laws of repeating and pacing: never beyond the budget, never backwards, never twice into a shut window."""

from __future__ import annotations

from collections import deque
from random import Random

from conftest import Clock
from hypothesis import example, given
from hypothesis import strategies as st

from xray_ci.delivery.retry import MANY, Budget, LookUp, Persistent, Wait, decide
from xray_ci.deployments import Rate
from xray_ci.services.wire import (
    Answered,
    Call,
    CallKind,
    Failed,
    Lost,
    NotSent,
    Redirected,
    RefusedAnswer,
    Throttled,
    Unsent,
    classify,
)


def made(kind, **parts):
    """Draw structs: `builds` would look for the types of their fields, which are there for type checkers alone."""
    return st.fixed_dictionaries(parts).map(lambda given: kind(**given))


SECONDS = st.none() | st.floats(0, 4000) | st.just(float("inf"))
HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-fillrate", "x-ratelimit-interval-seconds"]
    ),
    st.sampled_from(["", "0", "1", "7", "500", "-1", "1e9", "x"]),
)


def answers(kind, *numbers, headers=HEADERS, **more):
    """Return a strategy for outcomes of one kind."""
    return made(
        kind,
        status=st.sampled_from(numbers),
        headers=headers,
        body=st.just(b""),
        json=st.none(),
        **dict.fromkeys(more, SECONDS),
    )


OUTCOMES = st.one_of(
    answers(Answered, 200),
    answers(RefusedAnswer, 400, 401, 404),
    answers(Failed, 408, 500, 503, 599, after=1),
    answers(Throttled, 429, after=1),
    made(Redirected, status=st.just(302), headers=HEADERS, body=st.just(b""), json=st.none(), location=st.none()),
    made(NotSent, cause=st.just("x"), reason=st.sampled_from(Unsent)),
    made(Lost, cause=st.just("x")),
)


class Host:
    """Answers with what is drawn, and takes its time."""

    def __init__(self, clock, outcomes):
        self.clock, self.outcomes, self.times = clock, list(outcomes), []

    def call(self, call):
        """Return the next outcome; a success when there is none left."""
        self.times.append((call, self.clock.passed))
        return self.outcomes.pop(0) if self.outcomes else Answered(status=200, headers={}, body=b"", json=None)


@given(
    kind=st.sampled_from(CallKind),
    outcome=OUTCOMES,
    attempt=st.integers(1, 10_000),
    left=st.floats(-100, 4000),
    jitter=st.floats(0, 1),
    renewed=st.booleans(),
)
def test_a_decision_never_waits_beyond_the_budget_nor_backwards(kind, outcome, attempt, left, jitter, renewed):
    """A wait is more than nothing and fits.

    Only an import is looked up, and an import that may have been done is never repeated.
    """
    decision = decide(kind, outcome, attempt, Budget(left=left, jitter=jitter, renewed=renewed))

    if isinstance(decision, Wait):
        assert 0 < decision.seconds <= left
        assert attempt <= MANY
    assert isinstance(decision, LookUp) is (kind is CallKind.IMPORT and isinstance(outcome, (Failed, Lost)))


@given(
    outcomes=st.lists(OUTCOMES, max_size=40),
    kinds=st.lists(st.sampled_from(CallKind), min_size=1, max_size=12),
    time_budget=st.floats(0, 2000),
    plan=st.none() | made(Rate, calls=st.integers(1, 20), seconds=st.floats(0.1, 600)),
    seed=st.integers(0, 1000),
)
def test_all_waits_together_fit_the_time_budget(outcomes, kinds, time_budget, plan, seed):
    """Whatever a host answers, no sleep is negative and their sum stays within the budget."""
    clock = Clock()
    caller = Persistent(
        Host(clock, outcomes),
        sleep=clock.sleep,
        clock=clock.monotonic,
        random=Random(seed),
        time_budget=time_budget,
        rates={"http://x": plan} if plan else {},
    )
    for kind in kinds:
        caller.call(Call(kind=kind, method="POST", url="http://x/"))

    assert all(seconds > 0 for seconds in clock.slept)
    assert clock.passed <= time_budget + 1e-6


@given(
    outcomes=st.lists(
        answers(Throttled, 429, headers=st.just({}), after=1) | answers(Answered, 200, headers=st.just({})), max_size=30
    ),
    kinds=st.lists(st.sampled_from(CallKind), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
)
def test_no_request_is_sent_before_the_moment_that_was_told(outcomes, kinds, seed):
    """After a 429 nothing goes to its host until the wait that it told is over, whatever kind of call comes next."""
    clock = Clock()
    host = Host(clock, outcomes)
    caller = Persistent(host, sleep=clock.sleep, clock=clock.monotonic, random=Random(seed))
    for kind in kinds:
        caller.call(Call(kind=kind, method="POST", url="http://x/"))

    opens = 0.0
    for (_, moment), outcome in zip(host.times, outcomes, strict=False):
        assert moment >= opens
        if isinstance(outcome, Throttled):
            opens = moment + (outcome.after or 0.0)


class Window:
    """A host that takes so many calls in a window, and tells the end of it.

    In whole seconds, rounded up as Xray Cloud does (O).
    """

    def __init__(self, clock, *, calls, seconds, sliding):
        self.clock, self.calls, self.seconds, self.sliding = clock, calls, seconds, sliding
        self.taken: deque[float] = deque()
        self.until, self.refused, self.too_early = 0.0, 0, 0

    def call(self, _call):
        """Take the call, or say when the next one is taken."""
        self.clock.passed += 0.03
        now = self.clock.passed
        self.too_early += now < self.until
        while self.taken and now - self.taken[0] >= self.seconds:
            if not self.sliding:
                self.taken.clear()
                break
            self.taken.popleft()
        if len(self.taken) >= self.calls:
            self.until = self.taken[0] + self.seconds
            self.refused += 1
            wait = -int(-(self.until - now) // 1)
            return classify(429, {"retry-after": str(wait)}, b"", self.clock.now())
        self.taken.append(now)
        return Answered(status=200, headers={}, body=b"", json=None)


@given(
    sliding=st.booleans(),
    limit=st.sampled_from([(60, 60.0), (200, 60.0), (20, 1.0), (300, 300.0)]),
    seed=st.integers(0, 1000),
    plan=st.sampled_from([None, Rate(calls=300, seconds=300.0)]),
    work=st.integers(1, 400),
)
@example(sliding=True, limit=(60, 60.0), seed=1, plan=Rate(calls=300, seconds=300.0), work=5000)
def test_a_shut_window_meets_one_request_and_the_work_is_done_in_about_its_time(sliding, limit, seed, plan, work):
    """All work is done, no shut window gets a second request.

    It takes little longer than the limit itself allows; a second a window where only refusals tell of it.
    """
    clock, (calls, seconds) = Clock(), limit
    host = Window(clock, calls=calls, seconds=seconds, sliding=sliding)
    caller = Persistent(
        host,
        sleep=clock.sleep,
        clock=clock.monotonic,
        random=Random(seed),
        time_budget=1e6,
        rates={"http://x": plan} if plan else {},
    )
    for _ in range(work):
        assert isinstance(caller.call(Call(kind=CallKind.IMPORT, method="POST", url="http://x/")), Answered)

    assert host.too_early == 0
    assert (
        clock.passed
        <= 1.1 * max(work * 0.03, work * max(seconds / calls, 1 / plan.calls * plan.seconds if plan else 0))
        + (0 if plan else 1.2 * work / calls)
        + 2 * seconds
        + 10
    )
    assert host.refused <= 2 + work / 20
