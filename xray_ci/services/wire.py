"""What is asked of the wire, who signs and carries it, how connections are made, and what became of one call.

That is a closed union, decided by status and shape and never by a text of the service.

Knows HTTP's status codes. Knows nothing of requests, so that services can be imported without it, nor of Xray or what
is done next.
"""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from xray_ci import __version__
from xray_ci.model import Discreet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from xray_ci.deployments import LoginWay
    from xray_ci.secret import Secret
    from xray_ci.services.body import Upload


USER_AGENT: Final = f"xray-ci/{__version__}"
_MORE: Final = 10
"""Seconds of patience that each whole MB of a body adds (A): the service works an import off before it answers, and one
file took 35 s on one network and more than 60 s on another (O). 50 MB, the largest request by default, get 500 s more.
"""


class ConnectionOptions(Discreet, frozen=True, kw_only=True):
    """How connections are made; all of it comes from settings."""

    unshown: ClassVar[tuple[str, ...]] = ("headers",)

    connect_timeout: float = 10.0
    timeout: float = 300.0
    ca_bundle: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    """Gateway headers."""
    user_agent: str = USER_AGENT

    def patience(self, size: int) -> float:
        """Return the seconds that sending a request of so many bytes may take in all.

        Then its answer, head and body.
        """
        return self.timeout + _MORE * (size // 1_000_000)


class CallKind(enum.Enum):
    """What a repeat would do, which is all that decides about repeating."""

    AUTHENTICATE = "authenticate"
    """Harmless."""
    READ = "read"
    """Harmless."""
    IMPORT = "import"
    """May double a Test Execution."""
    TRIGGER = "trigger"
    """Costs one more page version."""


class Authorization(Protocol):
    """Makes the `Authorization` header, and nothing else of a request."""

    @property
    def login(self) -> LoginWay:
        """Which way to be let in this is."""

    def header(self, call: Call) -> Secret:
        """Return the header's value for one try of a call.

        Raises NotAuthorised or Unreachable when it must be asked for and is not given, ConfigurationError for a key
        that cannot sign.
        """

    def renew(self) -> bool:
        """Forget what was refused; True when another try with a fresh header can make a difference."""


class Call(Struct, frozen=True, kw_only=True):
    """One request."""

    kind: CallKind
    method: str
    url: str
    shown: str | None = None
    """What may be printed instead of the URL, where that is a secret."""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    auth: Authorization | None = None
    """Who signs it; what carries it to the wire gets it signed, by a header."""
    upload: Upload | None = None
    into: BinaryIO | None = None
    """What takes the body of a 2xx instead of memory; written from its start at every try."""
    gateway: bool = True
    """Whether the gateway headers go along: they are for Jira and Xray, not for other hosts."""

    def signed(self) -> Call:
        """Return it as it travels, signed by a header; raises what its authorization raises."""
        if self.auth is None:
            return self
        return replace(self, auth=None, headers=(*self.headers, ("Authorization", self.auth.header(self))))


class Caller(Protocol):
    """Carries calls: the transport, or a policy around it."""

    def call(self, call: Call) -> Outcome:
        """Return what became of the call; raises only what signing it raises and UnreadableReport."""


_UNKNOWN_4XX: Final = frozenset({408})
"""A gateway says 408 both for a request it never got and for an answer it did not wait for: counts as unknown."""


class Unsent(enum.Enum):
    """Why a request certainly never reached the service."""

    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    PROXY_LOGIN = "proxy login"
    """The proxy wants to know who asks, or does not know who does."""
    ADDRESS = "address"
    TIME = "time"
    """It was not tried: what the rate limit asks to wait is more than the time budget has left."""


class Answer(Discreet, frozen=True, kw_only=True):
    """What came back. Bodies stay out of representations: the answer of an authentication is a secret."""

    unshown: ClassVar[tuple[str, ...]] = ("headers", "body", "json")

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """At most the bound of the transport."""
    json: object = None
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


class Answered(Answer, frozen=True, kw_only=True):
    """2xx, read to its end."""


class RefusedAnswer(Answer, frozen=True, kw_only=True):
    """4xx: understood and not done."""


class Failed(Answer, frozen=True, kw_only=True):
    """5xx and everything unknown: whether a write was done is not known."""

    after: float | None = None
    """Seconds to wait as the service says them, or None."""


class Throttled(Answer, frozen=True, kw_only=True):
    """429: not done."""

    after: float | None
    """Seconds to wait as the service says them, or None."""


class Redirected(Answer, frozen=True, kw_only=True):
    """3xx: not done, and not followed."""

    location: str | None


class NotSent(Struct, frozen=True, kw_only=True):
    """Certainly not done: no connection, or none of the body was handed over."""

    cause: str
    reason: Unsent


class Lost(Struct, frozen=True, kw_only=True):
    """Sent in part or in whole, and no answer or half of one came."""

    cause: str
    slow: bool = False
    """Whether somebody stopped waiting: we for the answer, or it for the rest of the request."""


Outcome: TypeAlias = Answered | RefusedAnswer | Failed | Throttled | Redirected | NotSent | Lost
Problem: TypeAlias = RefusedAnswer | Failed | Throttled | Redirected | NotSent | Lost


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
        return RefusedAnswer(status=status, headers=headers, body=body, json=document)
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
    """Return the seconds to wait.

    `Retry-After`, else `nextValidRequestDate` (O), else `X-RateLimit-Reset` (D), else None.

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
