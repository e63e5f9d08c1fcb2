"""What a broken connection means: certainly not sent, or lost. And how that is said without a secret.

Reads exceptions of requests, urllib3 and the system; its words come from here and from the system's error table only,
because the texts of those libraries hold whole URLs.
"""

from __future__ import annotations

import enum
import socket
import ssl
from http.client import IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Final

import urllib3
from urllib3 import exceptions as wire

from xray_ci.services.wire import Lost, NotSent, Unsent

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS_FAULTS: Final = (UnicodeError, urllib3.exceptions.LocationValueError)
_HANDSHAKE: Final = (
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "HTTP_REQUEST",
    "NO_PROTOCOLS_AVAILABLE",
    "HANDSHAKE_FAILURE",
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_REVOKED",
    "UNSUPPORTED_CERTIFICATE",
    "PROTOCOL_VERSION",
    "UNRECOGNIZED_NAME",
    "INSUFFICIENT_SECURITY",
    "TLSV1_ALERT_INTERNAL_ERROR",
    "RECORD_LAYER_FAILURE",
    "DH_KEY_TOO_SMALL",
    "ACCESS_DENIED",
)
"""Reasons of OpenSSL that mean the handshake failed at one of the ends; with TLS 1.3 the refusal of our certificate
arrives only after the request was written, and still nobody has read that."""


_TUNNEL: Final = "Tunnel connection failed: "
_PROXY_LOGIN: Final = "407"


class Sent(enum.Enum):
    """How much of a request's body the connection has taken."""

    NO_BODY = "no body"
    NOTHING = "nothing"
    PART = "part"
    ALL = "all"


def unanswered(fault: Exception, sent: Sent, *, patience: float, connect_timeout: float) -> NotSent | Lost:
    """Return what an exception of a call means; the limits, in seconds, are those that the call was made with."""
    chain = tuple(_chain(fault))
    reason, cause = _never_connected(chain, connect_timeout)
    if reason is None and sent is Sent.NOTHING:
        reason, cause = Unsent.CONNECT, f"{_told(chain)} before anything of the body was sent"
    if reason is not None:
        return NotSent(cause=cause, reason=reason)
    if any(isinstance(link, (TimeoutError, wire.ReadTimeoutError)) for link in chain):
        return Lost(
            cause="the request was not taken in time" if sent is Sent.PART else f"no answer within {patience:g} s",
            slow=True,
        )
    return Lost(cause=_told(chain))


def told(fault: Exception) -> str:
    """Return one clause about a fault that came while an answer was read."""
    return _told(tuple(_chain(fault)))


def _never_connected(chain: tuple[BaseException, ...], connect_timeout: float) -> tuple[Unsent | None, str]:
    found: tuple[Unsent | None, str] = (None, "")
    for place, link in enumerate(chain):
        match link:
            case wire.ProxyError():
                said = _told(chain[place + 1 :])
                reason = Unsent.PROXY_LOGIN if said.startswith(_PROXY_LOGIN) else Unsent.PROXY
                found = reason, f"the proxy gave no connection: {said}"
            case wire.NameResolutionError() | socket.gaierror():
                found = Unsent.NAME, "the name of the host cannot be resolved"
            case wire.NewConnectionError():
                found = Unsent.CONNECT, _told(chain)
            case wire.ConnectTimeoutError():
                found = Unsent.CONNECT, f"no connection within {connect_timeout:g} s"
            case ssl.SSLError() if _is_handshake(link):
                found = Unsent.TLS, _of_tls(link)
            case _ if isinstance(link, _ADDRESS_FAULTS) or (isinstance(link, ValueError) and place == 0):
                found = Unsent.ADDRESS, "the address, or a header that goes with it, cannot be used"
            case _:
                pass
        if found[0] is not None:
            break
    return found


def _is_handshake(fault: ssl.SSLError) -> bool:
    return isinstance(fault, ssl.SSLCertVerificationError) or any(word in (fault.reason or "") for word in _HANDSHAKE)


def _of_tls(fault: ssl.SSLError) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the certificate of the server was not accepted: {fault.verify_message}"
    return f"no TLS connection: {(fault.reason or 'handshake failed').lower().replace('_', ' ')}"


def _told(chain: tuple[BaseException, ...]) -> str:
    known = (words for link in reversed(chain) if (words := _words(link)))
    return next(known, f"the connection failed ({type(chain[-1]).__name__})" if chain else "the connection failed")


def _words(link: BaseException) -> str | None:
    words: str | None = None
    match link:
        case wire.IncompleteRead() | IncompleteRead():
            words = "the answer ended too early"
        case RemoteDisconnected():
            words = "the connection was closed without an answer"
        case ssl.SSLError():
            words = _of_tls(link)
        case TimeoutError() | wire.ReadTimeoutError():
            words = "nothing came within the time"
        case OSError() if link.strerror:
            words = link.strerror.lower()
        case OSError() if str(link).startswith(_TUNNEL):
            words = str(link).removeprefix(_TUNNEL)
        case wire.DecodeError():
            words = "the answer cannot be decompressed"
        case _:
            pass
    return words


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Yield the fault and what it wraps, outermost first; these libraries hide the cause in four different places."""
    seen: set[int] = set()
    waiting: list[BaseException] = [fault]
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = (
            *link.args,
            getattr(link, "reason", None),
            getattr(link, "original_error", None),
            link.__cause__,
            link.__context__,
        )
        waiting += [each for each in inner if isinstance(each, BaseException)]
