"""Slow proof: a process that begins, fills and finishes journals is killed at any instant, and what it said holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from journaled import STEPS, read

from xray_ci.delivery.journal import NAME, pending, sweep

CHECKOUT = Path(__file__).resolve().parents[2]
KILLS = 60
pytestmark = [pytest.mark.proof, pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")]


def killed_after(state: Path, lines: int) -> list[str]:
    """Return what the process said before it was killed, whole lines only."""
    with subprocess.Popen(
        [sys.executable, "-m", "journaled", "deliver", str(state)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}"},
    ) as process:
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return [line for line in said if line.endswith("\n")]


@pytest.mark.timeout(300)
def test_what_was_said_before_a_kill_holds_after_it(tmp_path):
    """What was recorded is there, what was finished is not pending, and what is pending can be read; every time."""
    random = Random(4)
    for kill in range(KILLS):
        state = tmp_path / str(kill)
        said = [line.split() for line in killed_after(state, 1 + random.randrange(40))]
        finished = {name for what, name in said if what == "finished"}
        recorded = {name: int(what) for what, name in said if what.isdigit()}
        left = pending(state)

        assert len(left) <= 1
        assert not finished & {folder.name for folder in left}
        for folder in left:
            found = read(folder)
            assert recorded.get(folder.name, 0) <= len(found) <= recorded.get(folder.name, 0) + 1
            assert STEPS[: len(found)] == found
        sweep(state)
        assert sorted(left) == sorted(path.parent for path in state.glob(f"*/{NAME}") if path.read_bytes().count(b"\n"))
