"""The emulator as a program: prints where it is, serves until a signal. Knows signals and streams, no requests."""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

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
    from xray_ci.emulator.clock import Clock  # noqa: PLC0415 - the server library is only loaded by who serves

    try:
        from xray_ci.emulator.server import Emulator  # noqa: PLC0415

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
