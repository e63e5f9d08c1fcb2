"""How fast a host may be asked: a token bucket that learns. Pure; moments are seconds of the caller's clock.

Starts from the published plan, if there is one, and believes what the host says from then on: a 429 shuts the bucket
until the moment that it names and shows how many calls its window really takes; headers that state a limit are taken at
their word. The libraries looked at (limits, pyrate-limiter, aiolimiter) hold a rate that is fixed when they are made
and read a clock of their own, one in a thread of its own; none can be shut until a moment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, assert_never

from xray_ci.services.wire import Answered, Failed, Lost, NotSent, Redirected, RefusedAnswer, Throttled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.deployments import Rate
    from xray_ci.services.wire import Outcome

MARGIN: Final = 0.1
"""Seconds on top of a wait that was told, which may have been rounded down."""
_EVIDENCE: Final = 10
"""Calls that a window must have taken before its 429 says something about the limit; others may have used it up (A)."""
_GROWTH: Final = 1.002
"""What one call that was held back and then taken adds to the pace: a bigger plan is found, and calls of others that
ended (A)."""
_ENOUGH: Final = 1 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What is believed of one host's limit."""

    pace: float | None = None
    """Calls a second; None while no limit is known."""
    capacity: float = math.inf
    tokens: float = math.inf
    """Calls that may be made at once at the moment `at`."""
    at: float = -math.inf
    """Lies ahead while the host has shut its window."""
    since: float | None = None
    """First call of the stretch that `taken` counts."""
    taken: int = 0


def starting(rate: Rate | None) -> Bucket:
    """Return the bucket of a host that was not asked yet; a published plan is there in full."""
    if rate is None:
        return Bucket()
    return Bucket(pace=rate.calls / rate.seconds, capacity=rate.calls, tokens=rate.calls)


def wait(bucket: Bucket, now: float, *, counted: bool = True) -> float:
    """Return the seconds until a call may be made, never below 0.

    One that is not counted waits for a shut window only.
    """
    shut = max(0.0, bucket.at - now)
    tokens = _tokens(bucket, now)
    if not counted or bucket.pace is None or tokens >= _ENOUGH:
        return shut
    return shut + (1 - tokens) / bucket.pace


def spent(bucket: Bucket, now: float) -> Bucket:
    """Return the bucket after a counted call was made."""
    tokens = _tokens(bucket, now)
    if bucket.since is None or (bucket.pace is not None and tokens >= bucket.capacity):
        bucket = replace(bucket, since=now, taken=0)  # after a rest a new stretch begins
    return replace(bucket, tokens=max(0.0, tokens - 1), at=max(bucket.at, now))


def learned(bucket: Bucket, now: float, outcome: Outcome, *, after: float | None = None, held: bool = False) -> Bucket:
    """Return the bucket after a counted call, or after any call that the host throttled.

    `after` is the wait, in seconds, that the host or the decision about a repeat sets; `held` says that the call waited
    for its token: only then its success says that the pace may grow.
    """
    match outcome:
        case NotSent() | Lost():
            return bucket
        case Throttled(headers=headers):
            return _stated(_shut(bucket, now, now + (max(0.0, after or 0.0) + MARGIN)), headers)
        case Failed(after=float(seconds)):  # a 503 that says when to come back is as good as a 429 (D)
            return replace(bucket, at=max(bucket.at, now + (seconds + MARGIN)))
        case (
            Answered(headers=headers)
            | RefusedAnswer(headers=headers)
            | Redirected(headers=headers)
            | Failed(headers=headers)
        ):
            pace = bucket.pace * _GROWTH if bucket.pace and held else bucket.pace
            bucket = _stated(replace(bucket, taken=bucket.taken + 1, pace=pace), headers)
            left = _number(headers, "x-ratelimit-remaining")
            return bucket if left is None or bucket.pace is None else replace(bucket, tokens=min(bucket.tokens, left))
    assert_never(outcome)


def _shut(bucket: Bucket, now: float, until: float) -> Bucket:
    """Return the bucket with one token when its host opens again, at the pace that it has just shown to keep."""
    began = now if bucket.since is None else bucket.since
    span = until - began
    if bucket.taken >= _EVIDENCE and 0 < span < math.inf:
        bucket = replace(bucket, pace=bucket.taken / span, capacity=bucket.taken)
    return replace(bucket, tokens=1.0, at=max(bucket.at, until), since=None, taken=0)


def _stated(bucket: Bucket, headers: Mapping[str, str]) -> Bucket:
    """Return the bucket with pace and size as Jira Data Center states them in its headers (O)."""
    fill, interval = _number(headers, "x-ratelimit-fillrate"), _number(headers, "x-ratelimit-interval-seconds")
    if not fill or not interval:
        return bucket
    capacity = max(1.0, _number(headers, "x-ratelimit-limit") or fill)
    return replace(bucket, pace=fill / interval, capacity=capacity, tokens=min(capacity, bucket.tokens))


def _tokens(bucket: Bucket, now: float) -> float:
    if bucket.pace is None or bucket.at == -math.inf:
        return bucket.tokens
    return min(bucket.capacity, bucket.tokens + max(0.0, now - bucket.at) * bucket.pace)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    """Return a whole number of a header, else None; 9 digits are more than any limit."""
    text = headers.get(name, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None  # noqa: PLR2004
