"""Slow proof.

A delivery is killed at any instant, `resume` is killed as well, and in the end everything is stored once.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
from emulator_client import Emulated
from proof.delivered import Delivery, harm, stored, tell_no_secret, write_reports
from proof.forked import Done, Runs, runs

from xray_ci.delivery.journal import pending
from xray_ci.emulator.server import Emulator

KILLS = 18
"""For each product, way and scene: 252 in all."""
LAG = 8.0
WRITING = ("import", "write", "snapshot")
pytestmark = [pytest.mark.proof, pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")]


class Stage:
    """One product and scene, set anew for each kill."""

    def __init__(self, emulator: Emulated, run: Runs, folder: Path, side: str, way: str, scene: str) -> None:
        self.emulator, self._run, self._folder = emulator, run, folder
        self._delivery = Delivery(
            emulator=emulator,
            folder=folder,
            side=side,
            scene=scene,
            way=way,
            sleep=time.sleep,
            clock=time.monotonic,
            more={"XRAY_CI_DEPLOYMENT": side},
        )

    def anew(self) -> None:
        """Go back to before anything was sent."""
        self.emulator.reset()
        self.emulator.settings(index_lag_s=LAG)
        shutil.rmtree(self._folder, ignore_errors=True)
        write_reports(self._folder)

    def __call__(self, command: str, kill_after: float | None = None, *, sending: bool = True) -> Done:
        """Run one command, killed after so many seconds (of `sending`).

        What it set off has come to rest when this returns.
        """
        done = self._run(
            command,
            env=self._delivery.env(),
            folder=self._folder,
            emulator=self.emulator.url,
            kill_after=kill_after,
            once=self._delivery.state if sending else None,
        )
        tell_no_secret(done.text)
        self._rest()
        return done

    def _rest(self) -> None:
        """Wait until the emulator has done what a killed run sent.

        Connections are taken in their order, each by a thread.
        """
        self.emulator.settings()
        while working := [each for each in threading.enumerate() if "process_request_thread" in each.name]:
            for each in working:
                if each.ident is not None:
                    each.join()

    @property
    def left(self) -> bool:
        """Whether something is left to deliver."""
        return bool(pending(self._delivery.state))

    def found(self) -> dict[str, Any]:
        """Return what is stored."""
        return stored(self.emulator.state())


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("way", "scene"),
    [
        *(("converted", scene) for scene in ("first", "heavy", "race")),
        *((way, scene) for way in ("junit", "cucumber") for scene in ("first", "race")),
    ],
)
@pytest.mark.parametrize("side", ["cloud", "server"])
def test_a_killed_delivery_is_completed_by_resume(tmp_path, side, way, scene):
    """Whatever was under way.

    After the last resume the stored state is that of an undisturbed run, and nothing is pending.
    """
    random = Random(f"{side} {scene}" if way == "converted" else f"{side} {way} {scene}")
    with Emulator(port=0) as server, runs() as run:
        stage = Stage(Emulated(server.url), run, tmp_path / "workspace", side, way, scene)
        lengths = []
        for _ in range(5):
            stage.anew()
            done = stage("import")
            assert done.code == 0, done.text
            lengths.append(done.seconds)
        whole = stage.found()

        early = resumes = 0
        for number in range(KILLS):
            stage.anew()
            length = median(lengths[-5:])
            # The others at any instant of the whole run: before anything is kept nothing may be written.
            sending = number % 10 > 0
            done = stage("import", kill_after=random.uniform(0, length), sending=sending)
            text = f"number {number}: {done.code}\n{done.text}"
            if sending and done.code == 0:
                lengths.append(done.seconds)  # the machine has other work than it had before
            if not stage.left and not stage.found()["executions"]:
                early += 1
                written = [each for each in stage.emulator.requests() if each["kind"] in WRITING]
                assert not written, f"something was written before it was kept: {text}"
                text += stage("import").text
            while stage.left:
                assert not harm(stage.found(), whole, follows=scene == "heavy"), text
                done = stage("resume", kill_after=random.uniform(0, length) if random.random() < 0.4 else None)
                text, resumes = text + done.text, resumes + 1
                assert done.code in (-9, 0), text
            stage.emulator.clock(advance=120)
            assert whole == stage.found(), text

        assert early < KILLS / 4
        assert resumes > KILLS / 2
