"""The emulator as a program: prints where it is, serves until a signal. Knows signals and streams, no requests.

The stand-in as a server: in-process for tests, or for the program. Knows sockets; nothing of what is answered.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from xray_ci.emulator.emulation import Emulation
from xray_ci.emulator.wire import CUT, Application

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from _typeshed.wsgi import WSGIEnvironment

    from xray_ci.emulator.world import Clock


_CANNOT_SERVE: Final = 2

_GUIDE: Final = """
The stand-in is running: Xray Cloud, Jira and Snapshots at {url}, Xray Server with its Jira at {url}/jira.
Look at it in a browser: {url}/

  Cloud     export XRAY_CI_XRAY_URL={url} XRAY_CI_PROJECT=SHOP
            export XRAY_CI_CLIENT_ID=EMULATORCLIENTID0000000000000001 XRAY_CI_CLIENT_SECRET=emulator-secret
  Server    export XRAY_CI_DEPLOYMENT=server XRAY_CI_JIRA_URL={url}/jira XRAY_CI_PROJECT=SHOP
            export XRAY_CI_JIRA_TOKEN=emulator-pat
  Snapshots export XRAY_CI_SNAPSHOTS_URL={url}/take-snapshot/{{page-id}}
            export XRAY_CI_SNAPSHOT_PAGE_IDS=131073 XRAY_CI_SNAPSHOT_API_KEY=emulator-global-key

Nothing leaves this machine. Stop it with Ctrl-C.
"""


def run(port: int, out: TextIO, *, real_clock: bool = False) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code.

    The first line of `out` is the base URL alone; ready-made settings go to standard error. Call it from the main
    thread.
    """
    from xray_ci.emulator.world import Clock  # noqa: PLC0415 - the server library is only loaded by who serves

    try:
        _need("graphql", "graphql-core")
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"The emulator needs the package {missing.name}: pip install 'xray-ci[emulator]'\n")
        return _CANNOT_SERVE
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = Clock(datetime.now(UTC)) if real_clock else Clock()
    try:
        with Emulator(port, clock=clock) as emulator:
            out.write(f"{emulator.url}\n")
            out.flush()
            sys.stderr.write(_GUIDE.format(url=emulator.url))
            while not stop.wait(0.2):  # a bounded wait lets signals in on every system
                pass
    except OSError as error:
        sys.stderr.write(f"The emulator cannot use port {port}: {error.strerror}. Another one: --port 0.\n")
        return _CANNOT_SERVE
    return 0


def _need(module: str, package: str) -> None:
    """Raise ModuleNotFoundError for what only a later request loads: it costs 200 ms."""
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(name=package)


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
