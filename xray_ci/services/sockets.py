"""Connections that are bounded in total: sending patiently, answers that cannot drip for ever.

Knows urllib3's and the standard library's connections; knows nothing of requests, calls or what is sent.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket


def pools(seconds: float) -> dict[str, Any]:
    """Return pool classes by scheme, for `pool_classes_by_scheme`.

    Their connections send with `seconds` for each piece (urllib3 sends with the connect timeout), and read an answer, head and
    body and what a proxy says before it, within the read timeout in total (urllib3 allows that for each single read).
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
