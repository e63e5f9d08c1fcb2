"""The bucket of a host: what it starts with, what shuts it, what it learns."""

from __future__ import annotations

import pytest

from xray_ci.delivery import rate
from xray_ci.delivery.rate import MARGIN, Bucket, learned, spent, starting, wait
from xray_ci.deployments import DEPLOYMENTS, Rate
from xray_ci.services.wire import Answered, Failed, Lost, NotSent, RefusedAnswer, Throttled, Unsent


def status(kind, number, headers=None, **more):
    """Return an outcome with a status."""
    return kind(status=number, headers=headers or {}, body=b"", json=None, **more)


ANSWERED, THROTTLED = status(Answered, 200), status(Throttled, 429, after=None)
PLAN = Rate(calls=3, seconds=30.0)


def after_calls(count, *, plan=PLAN, at=0.0):
    """Return the bucket of a host that took calls in one moment."""
    bucket = starting(plan)
    for _ in range(count):
        bucket = learned(spent(bucket, at), at, ANSWERED)
    return bucket


@pytest.mark.parametrize("row", DEPLOYMENTS.values(), ids=lambda row: row.key)
def test_a_host_that_was_not_asked_yet_is_free(row):
    """The first call never waits, whatever the plan; without a plan none does."""
    assert wait(starting(row.rate), 0.0) == 0.0
    assert (row.rate is None) is (wait(after_calls(2000, plan=row.rate), 0.0) == 0.0)


def test_a_plan_is_there_in_full_and_comes_back_at_its_pace():
    """Three calls of 3 in 30 s at once, then one every 10 s; a rest fills the bucket again and no further."""
    bucket = after_calls(3)

    assert wait(after_calls(2), 0.0) == 0.0
    assert pytest.approx(wait(bucket, 0.0)) == 10.0
    assert pytest.approx(wait(bucket, 6.0)) == 4.0
    assert wait(bucket, 10.0) == 0.0
    rested = bucket
    for _ in range(3):
        rested = spent(rested, 1000.0)
    assert pytest.approx(wait(rested, 1000.0)) == 10.0


def test_a_shut_window_opens_when_it_was_told():
    """From the 429 to its end nothing may be sent, then one call at once; a login waits as well."""
    bucket = learned(after_calls(1), 5.0, THROTTLED, after=20.0)

    assert 20 + MARGIN == pytest.approx(wait(bucket, 5.0)) == pytest.approx(wait(bucket, 5.0, counted=False))
    assert pytest.approx(wait(bucket, 25.0)) == MARGIN
    assert wait(bucket, 25.0 + MARGIN) == 0.0
    assert pytest.approx(wait(spent(bucket, 26.0), 26.0), abs=1) == 10.0
    assert wait(spent(bucket, 26.0), 26.0, counted=False) == 0.0


def test_a_second_word_never_opens_a_window_earlier():
    """What shuts for longer counts."""
    bucket = learned(
        learned(starting(None), 0.0, THROTTLED, after=60.0), 1.0, status(Failed, 503, after=5.0), after=None
    )

    assert pytest.approx(wait(bucket, 0.0)) == 60 + MARGIN


@pytest.mark.parametrize("plan", [None, Rate(calls=300, seconds=300.0)])
def test_a_429_shows_what_a_window_takes(plan):
    """60 calls taken and told to come back 60 s after the first of them: one a second from then on."""
    bucket = learned(after_calls(60, plan=plan), 10.0, THROTTLED, after=50.0)
    opened = bucket.at

    assert pytest.approx(opened) == 60 + MARGIN
    assert pytest.approx(wait(spent(bucket, opened), opened), rel=0.01) == 1.0
    assert bucket.capacity == 60


def test_a_window_that_others_used_up_shows_nothing():
    """After a few calls a 429 says when, and nothing about how many."""
    bucket = learned(after_calls(2), 0.0, THROTTLED, after=60.0)

    assert PLAN.calls / PLAN.seconds == bucket.pace
    assert learned(after_calls(9, plan=None), 0.0, THROTTLED, after=60.0).pace is None


def test_only_calls_that_were_held_back_let_the_pace_grow():
    """A success that did not have to wait is no sign of a bigger plan."""
    bucket = after_calls(1)

    assert bucket.pace == learned(bucket, 1.0, ANSWERED).pace
    assert bucket.pace < learned(bucket, 1.0, ANSWERED, held=True).pace < bucket.pace * 1.01


@pytest.mark.parametrize("outcome", [Lost(cause="reset"), NotSent(cause="refused", reason=Unsent.CONNECT)])
def test_no_answer_teaches_nothing(outcome):
    """Only the host's own word counts."""
    bucket = after_calls(1)

    assert bucket is learned(bucket, 1.0, outcome, after=5.0)


@pytest.mark.parametrize("kind", [Answered, RefusedAnswer, Failed])
def test_headers_that_state_the_limit_are_taken_at_their_word(kind):
    """Refill, size and what is left, as Jira Data Center says them with any answer."""
    headers = {
        "x-ratelimit-limit": "50",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-fillrate": "5",
        "x-ratelimit-interval-seconds": "10",
    }
    bucket = learned(spent(starting(None), 0.0), 0.0, status(kind, 200, headers))

    assert (bucket.pace, bucket.capacity, bucket.tokens) == (0.5, 50.0, 1.0)
    assert pytest.approx(wait(spent(bucket, 0.0), 0.0)) == 2.0


def test_a_429_that_states_the_limit_needs_no_evidence():
    """The stated pace counts more than what was counted, and the first call after it opens at once."""
    headers = {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-fillrate": "60",
        "x-ratelimit-interval-seconds": "60",
    }
    bucket = learned(after_calls(30, plan=None), 1.0, status(Throttled, 429, headers, after=4.0), after=4.0)

    assert bucket.pace == 1.0
    assert pytest.approx(wait(bucket, 1.0)) == 4 + MARGIN


@pytest.mark.parametrize("text", ["", "-5", "5.5", "many", "9" * 400, "٣", "0"])
def test_headers_that_make_no_sense_are_passed_over(text):
    """No number, no limit: the bucket stays as it is."""
    headers = {"x-ratelimit-fillrate": text, "x-ratelimit-interval-seconds": "10", "x-ratelimit-limit": "5"}
    bucket = after_calls(1)

    assert bucket.pace == learned(bucket, 0.0, status(Answered, 200, headers)).pace


def test_a_wait_without_end_is_a_number_that_no_budget_holds():
    """A told wait of any size shuts the window and breaks nothing."""
    bucket = learned(after_calls(20), 0.0, THROTTLED, after=float("inf"))

    assert float("inf") == wait(bucket, 1e9)
    assert isinstance(spent(bucket, 1.0), Bucket)
    assert PLAN.calls / PLAN.seconds == bucket.pace
    assert rate.wait(bucket, 1.0, counted=False) == float("inf")
