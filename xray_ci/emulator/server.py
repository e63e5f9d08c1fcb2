"""The stand-in as a server: in-process for tests, or for the program. Knows sockets; nothing of what is answered."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from xray_ci.emulator.emulation import Emulation
from xray_ci.emulator.wire import CUT, Application

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed.wsgi import WSGIEnvironment

    from xray_ci.emulator.clock import Clock

_HOST: Final = "127.0.0.1"
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on, 0 s: closing resets the connection instead of ending it in order."""


class _Connection(WSGIRequestHandler):
    """Serves one connection and can cut it."""

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        environ[CUT] = self._cut
        if self.requestline.partition(" ")[2].startswith(
            "//"
        ):  # the library repairs it, the vendor does not always (O)
            environ["PATH_INFO"] = "/" + environ["PATH_INFO"]
        return environ

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: requests are in the log of the control interface."""


class _Server(ThreadedWSGIServer):
    """Closes a cut connection at once, without the orderly end that others get."""

    daemon_threads = True

    def shutdown_request(self, request: Any) -> None:
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)))[0]:
            self.close_request(request)
        else:
            super().shutdown_request(request)


class Emulator:
    """The stand-in on one loopback port, serving from a thread while the context is open.

    Raises OSError on entering when the port is taken.
    """

    def __init__(self, port: int = 0, *, clock: Clock | None = None) -> None:
        self._port = port
        self._clock = clock

    def __enter__(self) -> Self:
        """Bind, then serve."""
        listener = socket.create_server((_HOST, self._port), backlog=128)
        self._port = int(listener.getsockname()[1])
        self._folder = Path(tempfile.mkdtemp(prefix="emulator-"))
        self.emulation = Emulation(self._folder, clock=self._clock)
        with listener:
            self._server = _Server(_HOST, self._port, Application(self.emulation), _Connection, fd=listener.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, free the port, remove what was stored."""
        self.emulation.stopping.set()
        self._server.shutdown()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Return the base URL of everything that is Cloud: Xray, Jira, Snapshots, Confluence; no slash at the end."""
        return f"http://{_HOST}:{self._port}"

    @property
    def jira_url(self) -> str:
        """Return the base URL of Jira Server with Xray Server."""
        return f"{self.url}/jira"
