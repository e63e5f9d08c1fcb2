"""Slow proof: every fault at every step of a delivery, on both products.

Then the fault is gone and `resume` completes what is left. Where nothing was sent and nothing stays, a second import
does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator_client import Emulated
from proof.delivered import WAYS, Delivery, harm, stored, write_reports
from proof.fault_rules import NATIVE, SIDES, STEPS, Cell, Step, cells
from proof.fault_table import noted

from xray_ci.delivery.journal import pending
from xray_ci.emulator.server import Emulator
from xray_ci.emulator.world import Clock as EmulatorClock

pytestmark = pytest.mark.proof
LAG, RIVAL_LAG = 8.0, 20.0
"""Seconds by which the index of Jira lags; with a rival longer, so that it is there and not seen."""
SETTLED = 120.0


@pytest.fixture
def emulated(clock) -> Iterator[Emulated]:
    """Serve an emulator that lives in the time of the runs."""
    with Emulator(port=0, clock=EmulatorClock(monotonic=clock.monotonic)) as server:
        yield Emulated(server.url)


class Stage:
    """One step of one product, played again for each fault."""

    def __init__(self, emulator: Emulated, clock: Any, folder: Path, step: Step, side: str, way: str) -> None:
        self.emulator, self.clock, self.folder, self.step, self.side, self.way = (
            emulator,
            clock,
            folder,
            step,
            side,
            way,
        )
        self.played = 0
        self.whole = self.undisturbed()

    def delivery(self) -> Delivery:
        """Set the scene anew and return the run that plays in it."""
        self.emulator.reset()
        self.emulator.settings(index_lag_s=LAG)
        self.played += 1
        folder = self.folder / str(self.played)
        write_reports(folder)
        run = Delivery(
            emulator=self.emulator,
            folder=folder,
            side=self.side,
            scene=self.step.scene,
            way=self.way,
            sleep=self.clock.sleep,
            clock=self.clock.monotonic,
            more={"XRAY_CI_DEPLOYMENT": self.side},
        )
        if self.step.rival:
            assert run("import").code == 0
            self.emulator.settings(index_lag_s=RIVAL_LAG)
        return run

    def undisturbed(self) -> dict[str, Any]:
        """Return what a run leaves that nothing happens to."""
        run = self.delivery()
        ended = run("import")
        assert ended.code == 0, ended.text
        return self.found()

    def found(self) -> dict[str, Any]:
        """Return what is stored once everything came to rest."""
        self.clock.sleep(SETTLED)
        return stored(self.emulator.state())

    def play(self, cell: Cell) -> tuple[list[str], list[object]]:
        """Return what is wrong with a cell, and its row of the table."""
        run = self.delivery()
        before = len(self.emulator.requests())
        self.emulator._control("POST", "faults", cell.order)
        if "delay_s" in cell.order:  # only who waits for an answer waits in real time
            run.more["XRAY_CI_TIMEOUT"] = "0.3"
        ended = run("import")
        requests = len(self.emulator.requests()) - before
        wrong = [f"exit code {ended.code} instead of {cell.code}"] if ended.code != cell.code else []
        wrong += harm(
            stored(self.emulator.state()), self.whole, rivals=self.step.rival, follows=self.step.scene == "heavy"
        )
        self.emulator._control("DELETE", "faults")
        run.more.pop("XRAY_CI_TIMEOUT", None)
        # What was refused for good before anything was sent leaves no folder: then the import itself is run again.
        kept = bool(pending(run.state))
        if not kept and ended.code not in (0, 2, 4, 5, 6):
            wrong.append(f"nothing stays after exit code {ended.code}")
        again = run("resume" if kept or ended.code == 0 else "import")
        if again.code != 0:
            wrong.append(f"exit code {again.code} of what completes it: {again.text[-600:]}")
        if ended.code == 0 and "nothing is left" not in again.text:
            wrong.append("something was left after exit code 0")
        wrong += self.incomplete(self.found(), empty=cell.left)
        if wrong:
            wrong.append(ended.text[-1500:])
        return wrong, [
            cell.side,
            f"{cell.step.name} ({cell.way})",
            cell.fault.name,
            "lasting" if cell.lasting else "once",
            ended.code,
            requests,
            again.code,
        ]

    def incomplete(self, left: dict[str, Any], *, empty: bool) -> list[str]:
        """Return where the stored state is not that of an undisturbed run, besides an `empty` Test Execution."""
        if empty:
            left["executions"] = [execution for execution in left["executions"] if execution["runs"]]
        return [
            f"{name}: {left[name]} instead of {self.whole[name]}"[:800]
            for name in self.whole
            if left[name] != self.whole[name]
        ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("step", "side", "way"),
    [
        pytest.param(step, side, way, id=f"{way}-{step.name}-{side}")
        for way in WAYS
        for step in STEPS
        for side in SIDES
        if side in step.at and (way == "converted" or step.name in NATIVE)
    ],
)
def test_a_fault_loses_nothing_and_doubles_nothing(emulated, clock, tmp_path, record_property, step, side, way):
    """The exit code is the promised one, nothing is stored twice or wrongly.

    The run is completed once the fault is gone.
    """
    stage = Stage(emulated, clock, tmp_path, step, side, way)
    failed: list[str] = []
    for cell in cells(step, side, way):
        wrong, row = stage.play(cell)
        record_property(*noted([*row, not wrong]))
        if wrong:
            failed.append(f"{cell}\n    " + "\n    ".join(wrong))

    assert not failed, f"{len(failed)} cells\n" + "\n".join(failed)
