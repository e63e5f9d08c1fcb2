"""A server made of raw sockets, for answers that no server library gives: halves, resets, silence, drips.

Each connection gets the next script; the last script serves all that follow. Only loopback.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from xray_ci.secret import Redactor
from xray_ci.services.body import Pieces, Upload
from xray_ci.services.transport import Transport
from xray_ci.services.wire import Call, CallKind, ConnectionOptions, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


Script = Callable[["Connection"], None]


class Connection:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, seen: list[Request]) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")
        self._seen = seen

    def head(self) -> Request:
        """Read the head of a request and leave its body on the wire."""
        line = self.file.readline().decode("utf-8", "replace").strip()
        headers = {}
        while text := self.file.readline().decode("utf-8", "replace").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        return Request(line=line, headers=headers, body=b"")

    def request(self) -> Request:
        """Read one whole request and remember it."""
        head = self.head()
        whole = Request(
            line=head.line, headers=head.headers, body=self.file.read(int(head.headers.get("content-length", "0")))
        )
        if whole.line:
            self._seen.append(whole)
        return whole

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def reset(self) -> None:
        """Close so that the other end gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.file.close()
        self.sock.close()


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """Return a whole HTTP/1.1 answer; `_` in header names stands for `-`."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {text}" for name, text in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(*answers: bytes) -> Script:
    """Return a script that reads a request for each answer and then closes."""

    def script(connection: Connection) -> None:
        for each in answers:
            if not connection.request().line:
                return
            connection.send(each)

    return script


class WireServer:
    """Listens on loopback while the `with` block runs."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._tls = tls
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(5)
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError):
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            connection = Connection(sock, self.requests)
            try:
                script(connection)
            finally:
                with contextlib.suppress(OSError):
                    connection.file.close()
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()


class Signing(Transport):
    """A transport that signs what it carries, as who repeats calls does before each try."""

    def call(self, call: Call) -> Outcome:
        """Sign a call and carry it."""
        return super().call(call.signed())


def outcome_of(url, *, kind=CallKind.IMPORT, body=b"{}", auth=None, options=None, redactor=None, **call) -> Outcome:
    """Send one request and return what became of it."""
    upload = Upload(content_type="application/json", body=Pieces(pieces=(body,))) if body is not None else None
    with Signing(options or ConnectionOptions(connect_timeout=5, timeout=5), redactor or Redactor()) as transport:
        return transport.call(Call(kind=kind, method="POST", url=url, upload=upload, auth=auth, **call))
