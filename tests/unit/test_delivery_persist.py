"""The caller that repeats and paces.

Waits as decided, asks no faster than a host allows, keeps within the time budget.
"""

from __future__ import annotations

from random import Random

import pytest

from xray_ci.delivery.retry import Persistent
from xray_ci.deployments import Rate
from xray_ci.errors import Unreachable
from xray_ci.secret import Secret
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Call, CallKind, Failed, Lost, NotSent, RefusedAnswer, Throttled, Unsent


def status(kind, number, body=b"", **more):
    """Return an outcome with a status."""
    return kind(status=number, headers={}, body=body, json=None, **more)


ANSWERED, UNAUTHORISED = status(Answered, 200), status(RefusedAnswer, 401)
READ, IMPORT, LOGIN = (
    Call(kind=kind, method="POST", url="http://x/y") for kind in (CallKind.READ, CallKind.IMPORT, CallKind.AUTHENTICATE)
)


class Scripted:
    """A caller that has its outcomes ready."""

    def __init__(self, *outcomes) -> None:
        self.outcomes = list(outcomes)

    def call(self, _call):
        """Return the next outcome."""
        return self.outcomes.pop(0)


class Renewable:
    """An authorization that counts its renewals."""

    def __init__(self, *, can: bool) -> None:
        self.can, self.renewed = can, 0

    def header(self, call: Call) -> Secret:  # noqa: ARG002
        """Return a header."""
        return Secret("Bearer x")

    def renew(self) -> bool:
        """Count."""
        self.renewed += 1
        return self.can


def persistent(clock, *outcomes, **given):
    """Return a persistent caller over scripted outcomes, and the script."""
    script = Scripted(*outcomes)
    return Persistent(script, sleep=clock.sleep, clock=clock.monotonic, random=Random(1), **given), script


def test_the_caller_sleeps_what_was_decided(clock):
    """Two throttled answers are waited out, then the success is returned."""
    caller, _ = persistent(clock, status(Throttled, 429, after=10.0), status(Throttled, 429, after=20.0), ANSWERED)

    assert ANSWERED is caller.call(IMPORT)
    assert [int(seconds) for seconds in clock.slept] == [10, 20]


def test_the_time_budget_is_of_all_calls_together(clock):
    """What one call waited is gone for the next."""
    caller, script = persistent(
        clock,
        status(Throttled, 429, after=50.0),
        ANSWERED,
        status(Throttled, 429, after=50.0),
        ANSWERED,
        time_budget=80.0,
    )

    assert ANSWERED is caller.call(IMPORT)
    assert isinstance(caller.call(IMPORT), Throttled)
    assert len(script.outcomes) == 1


@pytest.mark.parametrize(("can", "left"), [(True, 0), (False, 1)])
def test_the_caller_renews_once_where_that_can_help(clock, can, left):
    """A 401 twice stops; credentials that are given are not tried twice."""
    caller, script = persistent(clock, UNAUTHORISED, UNAUTHORISED)
    auth = Renewable(can=can)

    assert UNAUTHORISED is caller.call(Call(kind=CallKind.IMPORT, method="POST", url="http://x", auth=auth))
    assert auth.renewed == 1
    assert left == len(script.outcomes)
    assert clock.slept == []


def test_a_call_is_signed_before_each_try(clock):
    """What travels has the header of that moment, and nobody below has to sign; a refusal to sign sends nothing."""
    sent = []

    class Noting(Scripted):
        def call(self, call):
            sent.append(call)
            return super().call(call)

    class Numbered(Renewable):
        def header(self, call):  # noqa: ARG002
            return Secret(f"Bearer {self.renewed}")

    caller = Persistent(Noting(UNAUTHORISED, ANSWERED), sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
    caller.call(Call(kind=CallKind.IMPORT, method="POST", url="http://x", auth=Numbered(can=True)))

    assert [call.headers for call in sent] == [(("Authorization", Secret(f"Bearer {number}")),) for number in (0, 1)]
    assert [call.auth for call in sent] == [None, None]


@pytest.mark.parametrize("outcome", [Lost(cause="reset"), status(Failed, 503, after=1.0), status(Failed, 500)])
def test_an_import_that_may_have_been_done_is_handed_back(clock, outcome):
    """What is to be looked up is the caller's business: the outcome comes back at once, and nothing is sent again."""
    caller, script = persistent(clock, outcome, ANSWERED)

    assert outcome is caller.call(IMPORT)
    assert clock.slept == []
    assert len(script.outcomes) == 1


def test_the_published_plan_paces_the_calls(clock):
    """Beyond what a plan allows at once each call waits for its token; logins do not count, other hosts are free."""
    caller, _ = persistent(clock, *[ANSWERED] * 7, rates={"http://x": Rate(calls=2, seconds=10.0)})
    for call in (READ, LOGIN, READ, Call(kind=CallKind.READ, method="GET", url="http://elsewhere/"), LOGIN):
        caller.call(call)
    free = list(clock.slept)
    caller.call(READ)
    caller.call(READ)

    assert free == []
    assert pytest.approx([5.0, 5.0], rel=0.01) == clock.slept


def test_one_throttled_call_holds_back_all_calls_to_its_host(clock):
    """While a window is shut nothing goes there, a login neither, and other hosts are not held back."""
    caller, _ = persistent(
        clock, status(Throttled, 429, after=1790.0), status(Throttled, 429, after=50.0), ANSWERED, ANSWERED
    )
    caller.call(IMPORT)
    assert isinstance(caller.call(READ), NotSent)  # 50 s are more than what is left
    before = clock.passed

    assert ANSWERED is caller.call(Call(kind=CallKind.READ, method="GET", url="http://elsewhere/"))
    assert before == clock.passed
    assert Unsent.TIME is caller.call(LOGIN).reason


def test_a_503_that_says_when_shuts_the_window_too(clock):
    """An import is not repeated, and the look that follows waits until the host wants to hear of us."""
    caller, _ = persistent(clock, status(Failed, 503, after=20.0), ANSWERED)
    caller.call(IMPORT)

    assert ANSWERED is caller.call(READ)
    assert [int(seconds) for seconds in clock.slept] == [20]


def test_a_wait_for_the_rate_limit_is_said(clock):
    """A run that stands still says why, a short wait is not worth a line."""
    said: list[str] = []
    caller, _ = persistent(clock, *[ANSWERED] * 3, rates={"http://x": Rate(calls=1, seconds=60.0)}, tell=said.append)
    for _ in range(3):
        caller.call(READ)

    assert len(said) == 2
    assert said[0].startswith("read: waiting 60.0 s")


def test_a_wait_beyond_the_time_budget_is_told_by_its_setting(clock):
    """A call that the rate limit leaves no time for is not sent, and the failure leads to `time-budget`."""
    caller, script = persistent(
        clock, ANSWERED, ANSWERED, rates={"http://x": Rate(calls=1, seconds=60.0)}, time_budget=30.0
    )
    caller.call(READ)
    found = failure(
        caller.call(IMPORT), Asked(kind=CallKind.IMPORT, service="Xray Cloud", setting="xray-url", url="http://x/y")
    )

    assert Unreachable is type(found)
    assert "`time-budget`" in found.next
    assert len(script.outcomes) == 1
    assert clock.slept == []
