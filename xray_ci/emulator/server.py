"""The emulator as a server: in this process for tests, or as a program that prints where it is and ends on a signal.

Knows sockets, signals and streams; nothing of what is answered.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from xray_ci.emulator.emulation import LOOPBACK, Emulation
from xray_ci.emulator.seed import seed
from xray_ci.emulator.wire import CUT, Application

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import TextIO

    from _typeshed.wsgi import WSGIEnvironment

    from xray_ci.emulator.world import Clock, World


_CANNOT_SERVE: Final = 2

_GUIDE: Final = """
The emulator is running: Xray Cloud, Jira and Snapshots at {url}, Xray Server with its Jira at {url}/jira.
Look at it in a browser: {url}/

  Cloud     export XRAY_CI_XRAY_URL={url} XRAY_CI_PROJECT=SHOP
            export XRAY_CI_CLIENT_ID=EMULATORCLIENTID0000000000000001 XRAY_CI_CLIENT_SECRET=emulator-secret
  Server    export XRAY_CI_DEPLOYMENT=server XRAY_CI_JIRA_URL={url}/jira XRAY_CI_PROJECT=SHOP
            export XRAY_CI_JIRA_TOKEN=emulator-pat
  Snapshots export XRAY_CI_SNAPSHOTS_URL={url}/take-snapshot/{{page-id}}
            export XRAY_CI_SNAPSHOT_PAGE_IDS=131073 XRAY_CI_SNAPSHOT_API_KEY=emulator-global-key

Nothing leaves this machine. Stop it with Ctrl-C.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How the program serves, beyond its port."""

    bind: str = "127.0.0.1"
    """The address to listen on; anything but loopback lets others in."""
    allow_hosts: tuple[str, ...] = ()
    """Names under which it answers besides those of loopback and the address."""
    world: str = ""
    """A YAML file with the world to begin with."""
    state: str = ""
    """A file that keeps the world from one run to the next."""
    record: str = ""
    """A file that gets a line for every request."""
    facts: str = ""
    """A report of `xray-ci probe`: the switches stand as that site does."""

    @classmethod
    def asked(cls, options: Mapping[str, object]) -> Self:
        """Return it as the options of the command line say."""
        given = {name: str(options.get(name) or "") for name in ("world", "state", "record", "facts")}
        names = str(options.get("allow-host") or "").split(",")
        bind = str(options.get("bind") or "127.0.0.1")
        return cls(bind=bind, allow_hosts=tuple(filter(None, map(str.strip, names))), **given)


def run(port: int, out: TextIO, serving: Serving | None = None, *, real_clock: bool = False) -> int:
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
        with Emulator(port, clock=clock, serving=serving) as emulator:
            out.write(f"{emulator.url}\n")
            out.flush()
            sys.stderr.write(_GUIDE.format(url=emulator.url))
            while not stop.wait(0.2):  # a bounded wait lets signals in on every system
                pass
    except ValueError as wrong:
        sys.stderr.write(f"The emulator cannot begin: {wrong}\n")
        return _CANNOT_SERVE
    except OSError as error:
        file = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"The emulator cannot use port {port}: {file}{error.strerror}. Another one: --port 0.\n")
        return _CANNOT_SERVE
    return 0


def _need(module: str, package: str) -> None:
    """Raise ModuleNotFoundError for what only a later request loads: it costs 200 ms."""
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(name=package)


_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on, 0 s: closing resets the connection instead of ending it in order."""


class _Connection(WSGIRequestHandler):
    """Serves the requests of one connection, as the services keep theirs (O), and can cut it.

    The library would close a connection after each request.
    """

    protocol_version = "HTTP/1.1"
    timeout = 65
    """Seconds without a byte after which it ends (A)."""
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        environ[CUT] = self._cut
        if self.requestline.partition(" ")[2].startswith(
            "//"
        ):  # the library repairs it, the vendor does not always (O)
            environ["PATH_INFO"] = "/" + environ["PATH_INFO"]
        return environ

    def run_wsgi(self) -> None:
        """Answer one request; an answer whose length is not known ends the connection."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        try:
            pieces = self.server.app(self.make_environ(), self._begin)
            for piece in pieces:
                self.wfile.write(piece)
            if (close := getattr(pieces, "close", None)) is not None:
                close()
            self.wfile.flush()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _begin(self, status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        code, _, words = status.partition(" ")
        self.send_response(int(code), words)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD" and code != "204" and "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Connection", "close")
        self.end_headers()
        return self.wfile.write

    def finish(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client went away before its answer did
            super().finish()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: requests are in the log of the control interface."""


class _Server(ThreadedWSGIServer):
    """Closes a cut connection at once, without the orderly end that others get, and all when it stops."""

    daemon_threads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)))[0]:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def stop(self) -> None:
        """Take no more connections and end those that are kept."""
        self.shutdown()
        for kept in tuple(self._open):
            with contextlib.suppress(OSError):  # it ended meanwhile
                kept.shutdown(socket.SHUT_RDWR)


def _worlds() -> Any:
    """Return the module that reads and writes worlds; only its flags need it."""
    from xray_ci.emulator import worlds  # noqa: PLC0415

    return worlds


def _begin(path: str) -> Callable[[], World]:
    if not path:
        return seed
    begin: Callable[[], World] = _worlds().load(Path(path))
    return begin


class Emulator:
    """The emulator on one port, of loopback unless told otherwise, serving from a thread while the context is open.

    Raises OSError on entering when the port is taken.
    """

    def __init__(self, port: int = 0, *, clock: Clock | None = None, serving: Serving | None = None) -> None:
        self._port = port
        self._clock = clock
        self._serving = serving or Serving()

    def __enter__(self) -> Self:
        """Read the files, bind, then serve. Raises OSError for the port or a file, ValueError for what a file holds."""
        given = self._serving
        begin = _begin(given.world)
        family = socket.AF_INET6 if ":" in given.bind else socket.AF_INET
        listener = socket.create_server((given.bind, self._port), backlog=128, family=family)
        self._port = int(listener.getsockname()[1])
        self._folder = Path(tempfile.mkdtemp(prefix="emulator-"))
        with listener:
            self._record = Path(given.record).open("a", encoding="utf-8") if given.record else None
            hosts = LOOPBACK | {each.lower() for each in (given.bind, *given.allow_hosts)}
            report = Path(given.facts).read_bytes() if given.facts else None
            self.emulation = Emulation(
                self._folder, clock=self._clock, begin=begin, hosts=hosts, record=self._record, report=report
            )
            if given.state and Path(given.state).exists():
                self.emulation.world = _worlds().restore(Path(given.state), self.emulation.shelf)
            application = Application(self.emulation)
            self._server = _Server(given.bind, self._port, application, _Connection, fd=listener.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving, free the port, remove what was stored."""
        self.emulation.stopping.set()
        self._server.stop()
        self._thread.join()
        if self._serving.state:
            _worlds().keep(self.emulation.world, self.emulation.shelf, Path(self._serving.state))
        if self._record is not None:
            self._record.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Return the base URL of everything that is Cloud: Xray, Jira, Snapshots, Confluence; no slash at the end."""
        host = self._serving.bind
        if host in ("0.0.0.0", "::"):  # noqa: S104 - everywhere, so here too
            host = "127.0.0.1"
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def jira_url(self) -> str:
        """Return the base URL of Jira Server with Xray Server."""
        return f"{self.url}/jira"
