"""What follows an outcome: repeated is only what is certainly safe."""

from __future__ import annotations

from random import Random

import pytest

from xray_ci.delivery.persist import Persistent
from xray_ci.delivery.retry import FEW, Budget, Done, Reauthenticate, Stop, Wait, decide
from xray_ci.secret import Secret
from xray_ci.services.call import Call, CallKind
from xray_ci.services.outcome import Answered, Failed, Lost, NotSent, Redirected, Refused, Throttled, Unsent

PLENTY = Budget(left=1800.0)
LOST = Lost(cause="reset")


def status(kind, number, body=b"", **more):
    """Return an outcome with a status."""
    return kind(status=number, headers={}, body=body, json=None, **more)


ANSWERED, REFUSED, UNAUTHORISED = status(Answered, 200), status(Refused, 400), status(Refused, 401)
OTHER_REGION = status(Refused, 401, b'{"error":"Xray data is in another region. Contact support"}')
GATEWAY, INTERNAL = status(Failed, 502), status(Failed, 500)
REDIRECTED = status(Redirected, 302, location="/login")


@pytest.mark.parametrize("kind", CallKind)
def test_a_success_is_done(kind):
    """Nothing follows a success."""
    assert Done() == decide(kind, ANSWERED, 1, PLENTY)


@pytest.mark.parametrize("outcome", [LOST, GATEWAY, INTERNAL, status(Failed, 504), status(Failed, 408)])
def test_an_import_that_may_have_been_done_is_never_repeated(outcome):
    """A lost answer and a failing gateway leave it unknown: stop."""
    assert Stop() == decide(CallKind.IMPORT, outcome, 1, PLENTY)


@pytest.mark.parametrize("kind", [CallKind.READ, CallKind.AUTHENTICATE, CallKind.TRIGGER])
@pytest.mark.parametrize("outcome", [LOST, GATEWAY, status(Failed, 503), status(Failed, 504)])
def test_harmless_calls_are_repeated_a_few_times(kind, outcome):
    """Reads, logins and triggers do no harm twice."""
    assert isinstance(decide(kind, outcome, FEW, PLENTY), Wait)
    assert Stop() == decide(kind, outcome, FEW + 1, PLENTY)
    assert Stop() == decide(kind, INTERNAL, 1, PLENTY)


@pytest.mark.parametrize("kind", CallKind)
def test_what_never_left_is_sent_again_with_growing_waits(kind):
    """Certainly not sent: a few repeats, each wait twice the one before."""
    away = NotSent(cause="refused", reason=Unsent.CONNECT)
    waits = [decide(kind, away, attempt, Budget(left=1800.0, jitter=1.0)) for attempt in range(1, FEW + 2)]

    assert [Wait(seconds=1.0), Wait(seconds=2.0), Wait(seconds=4.0), Stop()] == waits


@pytest.mark.parametrize("reason", [Unsent.TLS, Unsent.ADDRESS])
def test_what_cannot_change_is_not_repeated(reason):
    """A certificate and an address are the same a second later."""
    assert Stop() == decide(CallKind.IMPORT, NotSent(cause="x", reason=reason), 1, PLENTY)


@pytest.mark.parametrize("kind", CallKind)
def test_a_throttled_call_waits_as_it_is_told(kind):
    """The service's own wait counts, however often; without one the waits grow up to a minute."""
    assert Wait(seconds=30.0) == decide(kind, status(Throttled, 429, after=30.0), 9, PLENTY)
    assert Wait(seconds=5.0) == decide(kind, status(Throttled, 429, after=None), 1, PLENTY)
    assert Wait(seconds=60.0) == decide(kind, status(Throttled, 429, after=None), 9, PLENTY)
    assert Wait(seconds=0.5) == decide(kind, status(Throttled, 429, after=0.0), 1, PLENTY)


def test_no_wait_goes_beyond_the_time_budget():
    """A wait that the budget does not hold is not begun."""
    assert Stop() == decide(CallKind.IMPORT, status(Throttled, 429, after=31.0), 1, Budget(left=30.0))
    assert Stop() == decide(CallKind.READ, LOST, 1, Budget(left=0.0))


@pytest.mark.parametrize("kind", [CallKind.IMPORT, CallKind.READ])
def test_a_401_is_signed_anew_once(kind):
    """A token may have been revoked: once more with a fresh one, then no more. Another region is no matter of tokens."""
    assert Reauthenticate() == decide(kind, UNAUTHORISED, 1, PLENTY)
    assert Stop() == decide(kind, UNAUTHORISED, 2, Budget(left=1800.0, renewed=True))
    assert Stop() == decide(kind, OTHER_REGION, 1, PLENTY)


@pytest.mark.parametrize("outcome", [REFUSED, REDIRECTED, status(Refused, 403), status(Refused, 413)])
@pytest.mark.parametrize("kind", CallKind)
def test_a_refusal_stops(kind, outcome):
    """No repeat changes a no, and repeated logins lead to a CAPTCHA."""
    assert Stop() == decide(kind, outcome, 1, PLENTY)


@pytest.mark.parametrize("kind", [CallKind.AUTHENTICATE, CallKind.TRIGGER])
def test_wrong_credentials_stop(kind):
    """Where nothing can be renewed a 401 is final."""
    assert Stop() == decide(kind, UNAUTHORISED, 1, PLENTY)


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

    def header(self) -> Secret:
        """Return a header."""
        return Secret("Bearer x")

    def renew(self) -> bool:
        """Count."""
        self.renewed += 1
        return self.can


def persistent(clock, *outcomes, time_budget=1800.0):
    """Return a persistent caller over scripted outcomes, and the script."""
    script = Scripted(*outcomes)
    return Persistent(script, sleep=clock.sleep, clock=clock.monotonic, random=Random(1), time_budget=time_budget), script


def test_the_caller_sleeps_what_was_decided(clock):
    """Two throttled answers are waited out, then the success is returned."""
    caller, _ = persistent(clock, status(Throttled, 429, after=10.0), status(Throttled, 429, after=20.0), ANSWERED)

    assert ANSWERED is caller.call(Call(kind=CallKind.IMPORT, method="POST", url="http://x"))
    assert [10, 20] == [int(seconds) for seconds in clock.slept]


def test_the_time_budget_is_of_all_calls_together(clock):
    """What one call waited is gone for the next."""
    caller, script = persistent(clock, status(Throttled, 429, after=50.0), ANSWERED, status(Throttled, 429, after=50.0), ANSWERED,
                                time_budget=80.0)
    call = Call(kind=CallKind.IMPORT, method="POST", url="http://x")

    assert ANSWERED is caller.call(call)
    assert isinstance(caller.call(call), Throttled)
    assert 1 == len(script.outcomes)


@pytest.mark.parametrize(("can", "left"), [(True, 0), (False, 1)])
def test_the_caller_renews_once_where_that_can_help(clock, can, left):
    """A 401 twice stops; credentials that are given are not tried twice."""
    caller, script = persistent(clock, UNAUTHORISED, UNAUTHORISED)
    auth = Renewable(can=can)

    assert UNAUTHORISED is caller.call(Call(kind=CallKind.IMPORT, method="POST", url="http://x", auth=auth))
    assert 1 == auth.renewed
    assert left == len(script.outcomes)
    assert [] == clock.slept
