"""What became of one call: a closed union, decided by status and shape and never by a text of the service.

Pure. Knows HTTP's status codes; knows nothing of requests, Xray or what is done next.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN_4XX: Final = frozenset({408})
"""A gateway says 408 both for a request it never got and for an answer it did not wait for: counts as unknown."""


class Unsent(enum.Enum):
    """Why a request certainly never reached the service."""

    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    ADDRESS = "address"
    TIME = "time"
    """It was not tried: what the rate limit asks to wait is more than the time budget has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Bodies stay out of representations: the answer of an authentication is a secret."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    """At most the bound of the transport."""
    json: object = field(repr=False, default=None)
    """The document, None when the body is not one JSON document whatever its declared type."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode(errors="replace")

    @property
    def is_page(self) -> bool:
        """Whether the body is a web page, by content."""
        start = self.body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return start.startswith((b"<!doctype html", b"<html")) or (start.startswith(b"<!--") and b"<html" in start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Answer):
    """2xx, read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Answer):
    """4xx: understood and not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Answer):
    """5xx and everything unknown: whether a write was done is not known."""

    after: float | None = None
    """Seconds to wait as the service says them, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Answer):
    """429: not done."""

    after: float | None
    """Seconds to wait as the service says them, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected(Answer):
    """3xx: not done, and not followed."""

    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Certainly not done: no connection, or none of the body was handed over."""

    cause: str
    reason: Unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Sent in part or in whole, and no answer or half of one came."""

    cause: str
    slow: bool = False
    """Whether somebody stopped waiting: we for the answer, or it for the rest of the request."""


Outcome: TypeAlias = Answered | Refused | Failed | Throttled | Redirected | NotSent | Lost
Problem: TypeAlias = Refused | Failed | Throttled | Redirected | NotSent | Lost


def classify(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Outcome:
    """Return what an answer means. `now` is wall clock with offset, for waits given as dates."""
    document = parse(body)
    if 200 <= status < 300:  # noqa: PLR2004  # the classes of status codes are plainer as numbers
        return Answered(status=status, headers=headers, body=body, json=document)
    if 300 <= status < 400:  # noqa: PLR2004
        return Redirected(status=status, headers=headers, body=body, json=document, location=headers.get("location"))
    after = _wait(headers, document, now)
    if status == 429:  # noqa: PLR2004
        return Throttled(status=status, headers=headers, body=body, json=document, after=after)
    if 400 <= status < 500 and status not in _UNKNOWN_4XX:  # noqa: PLR2004
        return Refused(status=status, headers=headers, body=body, json=document)
    return Failed(status=status, headers=headers, body=body, json=document, after=after)


def parse(body: bytes) -> object:
    """Return the one JSON document that the body is, or None; NaN and the like are no JSON."""
    try:
        return json.loads(body.removeprefix(b"\xef\xbb\xbf"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _wait(headers: Mapping[str, str], document: object, now: datetime) -> float | None:
    """Return the seconds to wait: `Retry-After`, else `nextValidRequestDate` (O), else `X-RateLimit-Reset` (D), else None.

    Moments are compared with the answer's own date where it has one: a runner's clock may be wrong.
    """
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    until = _date(told) if told else None
    if until is None and isinstance(document, dict) and isinstance(error := document.get("error"), dict):
        until = _iso(error.get("nextValidRequestDate"))
    if until is None:
        until = _iso(headers.get("x-ratelimit-reset"))
    if until is None:
        return None
    since = (_date(headers["date"]) if "date" in headers else None) or now
    return max(0.0, (until - since).total_seconds())


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # 20 ms, for the rare answer that says a date

    try:
        found = parsedate_to_datetime(text[:100])
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
