"""A process that forks one run of the product after the other, each a process that can be killed at any instant.

Forking spares each run the start of an interpreter: hundreds of kills fit into a minute. Only time is not the
machine's: a run that waits moves the emulator's clock instead. Takes orders as lines of JSON, answers each with one
line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xray_ci.delivery.journal import NAME

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a forked run ended."""

    code: int
    """Negative: the signal that killed it."""
    seconds: float
    """From the moment it began to keep what it sends, else from its start."""
    text: str


class Runs:
    """Orders runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(
        self,
        *argv: str,
        env: Mapping[str, str],
        folder: Path,
        emulator: str,
        kill_after: float | None = None,
        once: Path | None = None,
    ) -> Done:
        """Run one command to its end, or until it is killed after so many real seconds.

        From its start, or once a journal is in a folder.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {
            "argv": argv,
            "env": dict(env),
            "folder": str(folder),
            "emulator": emulator,
            "kill_after": kill_after,
            "once": None if once is None else str(once),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))


@contextmanager
def runs() -> Iterator[Runs]:
    """Start the process and give who orders runs."""
    env = {**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, "-B", "-m", "proof.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        cwd=CHECKOUT,
    ) as process:
        yield Runs(process)
        assert process.stdin is not None
        process.stdin.close()


def _serve() -> None:
    _warm()
    for line in sys.stdin:
        order = json.loads(line)
        log = Path(order["folder"]) / "log.out"
        begun = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os._exit(_run(order, log))
        if order["once"] is not None:
            _wait(pid, Path(order["once"]))
            begun = time.monotonic()
        if order["kill_after"] is not None:
            time.sleep(order["kill_after"])
            os.kill(pid, signal.SIGKILL)  # it is not reaped yet, so its id is nobody else's
        _, status = os.waitpid(pid, 0)
        done = {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - begun,
            "text": log.read_text() if log.exists() else "",
        }
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


def _wait(pid: int, folder: Path) -> None:
    """Wait until a journal is begun, or the process has ended."""
    while not list(folder.glob(f"*/{NAME}")) and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.001)


def _warm() -> None:
    """Import what a run imports late, so that its forks have it."""
    from importlib import import_module
    from pkgutil import walk_packages

    import xray_ci

    for found in walk_packages(xray_ci.__path__, "xray_ci."):
        if not found.name.startswith(("xray_ci.emulator", "xray_ci.demo", "xray_ci.__main__")):
            import_module(found.name)


def _run(order: Mapping[str, Any], log: Path) -> int:
    """Do one run in the emulator's time; return its exit code."""
    from emulator_client import Emulated

    from xray_ci.cli import execute
    from xray_ci.model import Process

    emulator, passed = Emulated(order["emulator"]), [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds
        emulator.clock(advance=seconds)

    with log.open("w") as out:
        return execute(
            Process(order["argv"], order["env"], order["folder"], out, out, sleep=sleep, clock=lambda: passed[0])
        )


if __name__ == "__main__":
    _serve()
