"""What follows an outcome: repeated is only what is certainly safe."""

from __future__ import annotations

import pytest

from xray_ci.delivery.retry import FEW, MANY, MARGIN, Budget, LookUp, Reauthenticate, Stop, Succeeded, Wait, decide
from xray_ci.services.wire import (
    Answered,
    CallKind,
    Failed,
    Lost,
    NotSent,
    Redirected,
    RefusedAnswer,
    Throttled,
    Unsent,
)

PLENTY = Budget(left=1800.0)
LOST = Lost(cause="reset")


def status(kind, number, body=b"", **more):
    """Return an outcome with a status."""
    return kind(status=number, headers={}, body=body, json=None, **more)


ANSWERED, REFUSED, UNAUTHORISED = status(Answered, 200), status(RefusedAnswer, 400), status(RefusedAnswer, 401)
OTHER_REGION = status(RefusedAnswer, 401, b'{"error":"Xray data is in another region. Contact support"}')
GATEWAY, INTERNAL = status(Failed, 502), status(Failed, 500)
REDIRECTED = status(Redirected, 302, location="/login")


@pytest.mark.parametrize("kind", CallKind)
def test_a_success_is_done(kind):
    """Nothing follows a success."""
    assert Succeeded() == decide(kind, ANSWERED, 1, PLENTY)


@pytest.mark.parametrize("left", [0.0, 1800.0])
@pytest.mark.parametrize(
    "outcome",
    [
        LOST,
        GATEWAY,
        INTERNAL,
        *(status(Failed, number) for number in (408, 503, 504, 599)),
        status(Failed, 503, after=5.0),
    ],
)
def test_an_import_that_may_have_been_done_is_looked_up(outcome, left):
    """A lost answer and a failing gateway leave it unknown, also when it is said when to come back.

    Look, do not repeat.
    """
    assert LookUp() == decide(CallKind.IMPORT, outcome, 1, Budget(left=left))


@pytest.mark.parametrize("kind", [kind for kind in CallKind if kind is not CallKind.IMPORT])
@pytest.mark.parametrize("outcome", [LOST, GATEWAY, INTERNAL])
def test_what_does_no_harm_twice_is_never_looked_up(kind, outcome):
    """Only what may not be done twice needs a look."""
    assert LookUp() != decide(kind, outcome, 1, PLENTY)


def test_a_gateway_that_says_when_is_waited_for():
    """503 with a wait counts like 429 for calls that may be repeated; a wait shorter than ours changes nothing."""
    assert Wait(seconds=30 + MARGIN) == decide(CallKind.READ, status(Failed, 503, after=30.0), 1, PLENTY)
    assert Wait(seconds=0.5) == decide(CallKind.READ, status(Failed, 503, after=0.0), 1, PLENTY)
    assert Stop() == decide(CallKind.READ, status(Failed, 503, after=1801.0), 1, PLENTY)


@pytest.mark.parametrize("outcome", [LOST, GATEWAY, status(Failed, 503, after=1.0), status(Failed, 504), INTERNAL])
def test_a_trigger_that_may_have_been_taken_is_not_repeated(outcome):
    """A page would get a version more than was asked for."""
    assert Stop() == decide(CallKind.TRIGGER, outcome, 1, PLENTY)


@pytest.mark.parametrize("kind", [CallKind.READ, CallKind.AUTHENTICATE])
@pytest.mark.parametrize("outcome", [LOST, GATEWAY, status(Failed, 503), status(Failed, 504), status(Failed, 408)])
def test_harmless_calls_are_repeated_a_few_times(kind, outcome):
    """Reads and logins do no harm twice."""
    assert isinstance(decide(kind, outcome, FEW, PLENTY), Wait)
    assert Stop() == decide(kind, outcome, FEW + 1, PLENTY)
    assert Stop() == decide(kind, INTERNAL, 1, PLENTY)


@pytest.mark.parametrize("kind", CallKind)
def test_what_never_left_is_sent_again_with_growing_waits(kind):
    """Certainly not sent: a few repeats, each wait twice the one before."""
    away = NotSent(cause="refused", reason=Unsent.CONNECT)
    waits = [decide(kind, away, attempt, Budget(left=1800.0, jitter=1.0)) for attempt in range(1, FEW + 2)]

    assert [Wait(seconds=1.0), Wait(seconds=2.0), Wait(seconds=4.0), Stop()] == waits


@pytest.mark.parametrize("reason", [Unsent.TLS, Unsent.ADDRESS, Unsent.TIME])
def test_what_cannot_change_is_not_repeated(reason):
    """A certificate and an address are the same a second later, and spent time does not come back."""
    assert Stop() == decide(CallKind.IMPORT, NotSent(cause="x", reason=reason), 1, PLENTY)


@pytest.mark.parametrize("kind", CallKind)
def test_a_throttled_call_waits_as_it_is_told(kind):
    """The service's own wait counts, a little more so that it is over; without one the waits grow up to a minute."""
    assert Wait(seconds=30 + MARGIN) == decide(kind, status(Throttled, 429, after=30.0), 9, PLENTY)
    assert Wait(seconds=5 + MARGIN) == decide(kind, status(Throttled, 429, after=None), 1, PLENTY)
    assert Wait(seconds=60 + MARGIN) == decide(kind, status(Throttled, 429, after=None), 9, PLENTY)


def test_a_service_that_says_no_wait_again_and_again_is_not_hammered():
    """Each 429 without a wait worth the name is waited for longer, and after very many there is an end."""
    waits = [
        decide(CallKind.READ, status(Throttled, 429, after=0.0), attempt, PLENTY)
        for attempt in (1, 2, 9, MANY, MANY + 1)
    ]

    assert [
        Wait(seconds=0.5 + MARGIN),
        Wait(seconds=1 + MARGIN),
        Wait(seconds=5 + MARGIN),
        Wait(seconds=5 + MARGIN),
        Stop(),
    ] == waits


def test_no_wait_goes_beyond_the_time_budget():
    """A wait that the budget does not hold is not begun."""
    assert Stop() == decide(CallKind.IMPORT, status(Throttled, 429, after=31.0), 1, Budget(left=30.0))
    assert Stop() == decide(CallKind.READ, LOST, 1, Budget(left=0.0))


@pytest.mark.parametrize("kind", [CallKind.IMPORT, CallKind.READ])
def test_a_401_is_signed_anew_once(kind):
    """A token may have been revoked: once more with a fresh one, then no more.

    Another region is no matter of tokens.
    """
    assert Reauthenticate() == decide(kind, UNAUTHORISED, 1, PLENTY)
    assert Stop() == decide(kind, UNAUTHORISED, 2, Budget(left=1800.0, renewed=True))
    assert Stop() == decide(kind, OTHER_REGION, 1, PLENTY)


@pytest.mark.parametrize("outcome", [REFUSED, REDIRECTED, status(RefusedAnswer, 403), status(RefusedAnswer, 413)])
@pytest.mark.parametrize("kind", CallKind)
def test_a_refusal_stops(kind, outcome):
    """No repeat changes a no, and repeated logins lead to a CAPTCHA."""
    assert Stop() == decide(kind, outcome, 1, PLENTY)


@pytest.mark.parametrize("kind", [CallKind.AUTHENTICATE, CallKind.TRIGGER])
def test_wrong_credentials_stop(kind):
    """Where nothing can be renewed a 401 is final."""
    assert Stop() == decide(kind, UNAUTHORISED, 1, PLENTY)
