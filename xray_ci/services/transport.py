"""The only user of requests: one call in, one outcome out, within bounds of time and size.

Connections are bounded in total: sending is patient, and no answer can drip for ever. All of a run have one TLS
context. What is said about a fault is made of our own words and the system's, never of headers or bodies.

Knows sessions, TLS, proxies and what a broken connection means; knows nothing of Xray, retries or secrets' meaning.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from xray_ci.errors import ConfigurationError, spooling
from xray_ci.secret import Redactor, Secret
from xray_ci.services import faults
from xray_ci.services.wire import Answered, Call, CallKind, Lost, NotSent, Outcome, classify
from xray_ci.settings.texts import loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from xray_ci.services.body import Pieces
    from xray_ci.services.wire import ConnectionOptions


def pools(seconds: float) -> dict[str, Any]:
    """Return pool classes by scheme, for `pool_classes_by_scheme`.

    Their connections send with `seconds` for each piece (urllib3 sends with the connect timeout), and read an answer,
    head and body and what a proxy says before it, within the read timeout in total (urllib3 allows that for each single
    read).
    """

    class Plain(HTTPConnection):
        response_class = _Bounded

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
            self.timeout = seconds
            super().request(*args, **kwargs)

    class Secure(HTTPSConnection):
        response_class = _Bounded

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is None:
                self.connect()
            self.timeout = seconds
            super().request(*args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Bounded(HTTPResponse):
    """An answer whose every read has what is left of the time that the socket allows when the answer begins."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        seconds = sock.gettimeout() or 0.0  # never without: the transport gives every call its limits
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock, time.monotonic() + seconds))


class _Until(io.RawIOBase):
    """The raw stream of a socket up to a moment of the monotonic clock; raises TimeoutError after it."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, end: float) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def context(options: ConnectionOptions) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of `ca-bundle`.

    Shows our certificate if asked.

    Costs 20 to 30 ms, so it is made once and only for https. Raises ConfigurationError for a file that cannot be used.
    """
    made = ssl.create_default_context()
    if not _system_has_authorities():
        import certifi  # noqa: PLC0415  # comes with requests; only where the system brings no authorities of its own

        made.load_verify_locations(cafile=certifi.where())
    if options.ca_bundle is not None:
        _load(made, options.ca_bundle, "ca-bundle")
    if options.client_certificate is not None:
        try:
            made.load_cert_chain(options.client_certificate, options.client_key, password=_no_password)
        except (OSError, ValueError) as fault:
            raise ConfigurationError(
                f"the client certificate or its key cannot be used: {_plain(fault)}",
                where="client-certificate, client-key",
                advice="Give unencrypted PEM files that belong together.",
            ) from fault
    return made


class ShownCertificate(Struct, frozen=True, kw_only=True):
    """What a server shows of itself, believed by nobody."""

    subject: str
    issuer: str
    begins: datetime
    ends: datetime


def certificate_of(url: str, *, seconds: float) -> ShownCertificate | None:
    """Return the certificate that the server at an address shows, for people to look at; nothing is sent to it.

    None where none can be read within `seconds`, or a proxy is in between.
    """
    from cryptography import x509  # noqa: PLC0415  # heavy, and only for who looks at a certificate that was refused

    look = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    look.check_hostname = False
    look.verify_mode = ssl.CERT_NONE  # it was refused already: no request ever goes this way
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        if not loopback(host) and get_environ_proxies(url, no_proxy=None):
            return None
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            look.wrap_socket(plain, server_hostname=host) as shown,
        ):
            found = x509.load_der_x509_certificate(shown.getpeercert(binary_form=True) or b"")
        return ShownCertificate(
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            begins=found.not_valid_before_utc,
            ends=found.not_valid_after_utc,
        )
    except (OSError, ValueError):
        return None


def _load(made: ssl.SSLContext, bundle: Path, setting: str) -> None:
    try:
        if bundle.is_dir():
            made.load_verify_locations(capath=bundle)
        else:
            made.load_verify_locations(cafile=bundle)
    except (OSError, ValueError) as fault:
        raise ConfigurationError(
            f"the certificates in {bundle.name} cannot be used: {_plain(fault)}",
            where=setting,
            advice="Give a readable PEM file, or a folder made by `openssl rehash`.",
        ) from fault


def _system_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return True
    return bool(paths.capath) and any(Path(str(paths.capath)).iterdir())


def _no_password() -> NoReturn:
    # Without this OpenSSL asks on the terminal, and a job waits for ever.
    raise ValueError("the key is encrypted")


def _plain(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or getattr(fault, "reason", None) or str(fault)


ANSWER_LIMIT: Final = 10_000_000
"""Bytes kept of one answer; the longest import answer lists every Test of a batch, about 1.5 MB for 10,000."""
FILE_LIMIT: Final = 1 << 36
"""Bytes of an answer that goes into a file."""
_READ: Final = 65_536


class Transport:
    """A session: connections are reused, nothing else is remembered between calls."""

    def __init__(
        self,
        options: ConnectionOptions,
        redactor: Redactor,
        *,
        observe: Callable[[str], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._redactor = redactor
        self._observe = observe
        self._now = now
        self._clock = clock
        self._adapter = _Adapter(options)
        self._session = _Session()
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def call(self, call: Call) -> Outcome:
        """Return what became of one request, signed by then; raises ConfigurationError for TLS files."""
        patience = self._options.patience(len(call.upload.body) if call.upload else 0)
        upload = _Upload(call.upload.body, self._clock, patience) if call.upload and len(call.upload.body) else None
        if call.kind is CallKind.IMPORT:
            # A connection that idled may be closing at the other end; a fresh one costs a handshake, a lost import a
            # person.
            self._adapter.close()
        begun = self._clock()
        outcome = self._send(call, upload, self._headers(call), patience)
        if self._observe:
            size = len(upload) if upload else 0
            self._observe(
                f"{call.method} {call.shown or call.url} ({size} bytes) → {_short(outcome)} "
                f"after {self._clock() - begun:.2f} s"
            )
        return outcome

    def _send(self, call: Call, upload: _Upload | None, headers: dict[str, str | bytes], patience: float) -> Outcome:
        try:
            proxies = self._proxies(call.url)
            with self._session.request(
                call.method,
                call.url,
                data=upload,
                headers=headers,
                auth=_as_it_is,
                proxies=proxies,
                stream=True,
                allow_redirects=False,
                timeout=(self._options.connect_timeout, patience),
            ) as response:
                return self._read(response, patience, call.into)
        except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as fault:
            return faults.unanswered(
                fault,
                upload.sent if upload else faults.Sent.NO_BODY,
                patience=patience,
                connect_timeout=self._options.connect_timeout,
            )

    def _headers(self, call: Call) -> dict[str, str | bytes]:
        headers: dict[str, str | bytes] = {
            "User-Agent": self._options.user_agent,
            "Accept": "application/json, */*;q=0.5",
        }
        if call.gateway:
            headers |= {name: _value(text) for name, text in self._options.headers}
        for name, text in call.headers:
            _drop(headers, name.lower())
            headers[name] = _value(text)
        if call.upload:
            headers["Content-Type"] = call.upload.content_type
        return headers

    def _proxies(self, url: str) -> dict[str, str]:
        """Return the proxies of the usual variables, none for loopback; a password in one is a secret from now on."""
        if loopback(urlsplit(url).hostname or ""):
            return {}
        proxies = get_environ_proxies(url, no_proxy=None)
        for proxy in proxies.values():
            if password := urlsplit(proxy).password:
                self._redactor.register(password)
                self._redactor.register(unquote(password))
        return proxies

    def _read(self, response: requests.Response, patience: float, into: BinaryIO | None) -> Outcome:
        headers: Mapping[str, str] = MappingProxyType({name.lower(): text for name, text in response.headers.items()})
        held = bytearray()
        if into is not None and 200 <= response.status_code < 300:  # noqa: PLR2004  # plainer as numbers
            with spooling(lambda: into.name):
                into.seek(0)
                into.truncate()
            cause = self._body(response, patience, _filling(into), FILE_LIMIT)
        else:
            cause = self._body(response, patience, held.extend, ANSWER_LIMIT)
        body = bytes(held[:ANSWER_LIMIT])
        outcome = classify(response.status_code, headers, body, self._now())
        if cause and isinstance(outcome, Answered):
            return Lost(cause=f"status {outcome.status} came, and then {cause}")
        return outcome

    def _body(
        self, response: requests.Response, patience: float, take: Callable[[bytes], object], limit: int
    ) -> str | None:
        """Hand over the body in pieces; return why not all of it came, None where it did."""
        size = 0
        late = f"its body was not complete within {patience:g} s"
        end = self._clock() + patience
        try:
            while piece := response.raw.read1(_READ, decode_content=True):
                size += len(piece)
                take(piece)
                if size > limit:
                    return f"an answer of more than {limit:,} bytes"
                if self._clock() > end:
                    return late
        except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
            return late
        except (urllib3.exceptions.HTTPError, HTTPException, OSError) as fault:
            return faults.told(fault)
        return None


def _filling(file: BinaryIO) -> Callable[[bytes], object]:
    """Return what writes a piece into a file; a full disk is told as that, and not as a broken connection."""

    def take(piece: bytes) -> None:
        with spooling(lambda: file.name):
            file.write(piece)

    return take


class _Upload:
    """A body for requests: sized, it knows how much of it the connection took, and it is not sent for ever."""

    def __init__(self, body: Pieces, clock: Callable[[], float], seconds: float) -> None:
        self._body = body
        self._clock = clock
        self._seconds = seconds
        self.sent = faults.Sent.NOTHING

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        self.sent = faults.Sent.PART
        end = self._clock() + self._seconds
        for piece in self._body:
            if self._clock() > end:
                raise TimeoutError
            yield piece
        self.sent = faults.Sent.ALL


class _Session(requests.Session):
    """A session that keeps no cookie, reads no netrc, and never looks where a redirect leads."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.headers["Accept-Encoding"] = "gzip, deflate"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none: even with redirects off the base class prepares the next request and drains the answer."""


class _Adapter(HTTPAdapter):
    """Connections with our TLS context, and with the long timeout while a body is being sent."""

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options
        self._context: ssl.SSLContext | None = None
        self._pools = pools(options.timeout)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            if self._context is None:
                self._context = context(self._options)
            pool["ssl_context"] = self._context
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the connection to its context, which already knows whom to trust."""


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Given so that requests does not make a header of its own out of the URL or a netrc file.
    return request


def _value(text: str | Secret) -> bytes:
    return (text.reveal() if isinstance(text, Secret) else text).encode()


def _drop(headers: dict[str, str | bytes], name: str) -> None:
    for known in [known for known in headers if known.lower() == name]:
        del headers[known]


def _short(outcome: Outcome) -> str:
    return outcome.cause if isinstance(outcome, (NotSent, Lost)) else str(outcome.status)
