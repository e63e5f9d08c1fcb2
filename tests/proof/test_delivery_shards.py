"""Slow proof.

Shards that start at the same moment, and run again, end in one Test Execution that holds what each of them sent.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from emulator_client import Emulated
from job_runs import case, suite
from proof.delivered import GITLAB, settings

from xray_ci.emulator.server import Emulator

SHARDS = 10
LAG = 6.0
"""Real seconds, more than a run waits between two looks."""
pytestmark = pytest.mark.proof


def shard(folder: Path, number: int, *, attempt: int) -> Path:
    """Write the report of one shard.

    Two tests of its own, one that all shards run, and one that passes in the second attempt only.
    """
    place = folder / str(number)
    place.mkdir(parents=True, exist_ok=True)
    flaky = "" if attempt > 1 else "<failure message='boom'/>"
    (place / "r.xml").write_text(
        suite("s", case(f"adds_{number}"), case(f"flaky_{number}", flaky), case("starts", classname="shop.Common"))
    )
    return place


def together(run, emulator: Emulated, folder: Path, side: str, *, attempt: int) -> list[tuple[int, str]]:
    """Start all shards at the same moment; return exit code and log of each."""
    processes: list[subprocess.Popen[str]] = []
    for number in range(1, SHARDS + 1):
        place = shard(folder, number, attempt=attempt)
        env = {
            **run.env,
            **settings(emulator, side),
            **GITLAB,
            "CI_JOB_NAME": f"tests {number}/{SHARDS}",
            "CI_NODE_TOTAL": str(SHARDS),
            "CI_NODE_INDEX": str(number),
            "XRAY_CI_PROJECT": "SHOP",
            "XRAY_CI_REPORTS": "*.xml",
            "XRAY_CI_DEPLOYMENT": side,
            "XRAY_CI_TEST_PLAN": "SHOP-2",
            "XRAY_CI_STATE_DIR": str(place / "state"),
            "XRAY_CI_LOG_LEVEL": "debug",
        }
        processes.append(
            run.start(
                "import",
                env={name: value for name, value in env.items() if not name.startswith("COVERAGE_")},
                cwd=place,
            )
        )
    ended = []
    for process in processes:
        with process:
            out, err = process.communicate(timeout=120)
            ended.append((process.returncode, out + err))
    return ended


@pytest.mark.timeout(300)
@pytest.mark.parametrize("side", ["cloud", "server"])
def test_shards_and_their_re_runs_share_one_test_execution(run, tmp_path, side):
    """Ten shards at once, and twice more.

    One Test Execution, every result once, the last attempt's, and no empty one is left.
    """
    with Emulator(port=0) as server:
        emulator = Emulated(server.url)
        emulator.settings(index_lag_s=LAG)
        wanted = {
            name
            for number in range(1, SHARDS + 1)
            for name in (f"shop.Cart.adds_{number}", f"shop.Cart.flaky_{number}")
        }
        made = []
        for attempt in (1, 2, 3):
            ended = together(run, emulator, tmp_path, side, attempt=attempt)
            assert [code for code, _ in ended] == [0] * SHARDS, "\n".join(text for code, text in ended if code != 0)

            state = emulator.state()
            (execution,) = emulator.executions()
            named = {
                state["issues"][key]["test"]["definition"]: found["status"]
                for key, found in execution["execution"]["runs"].items()
            }
            failed = {name for name, status in named.items() if status in ("FAIL", "FAILED")}
            assert wanted | {"shop.Common.starts"} == set(named)
            assert (SHARDS if attempt == 1 else 0) == len(failed)
            assert len(named) == len(emulator.created_tests())
            assert state["duplicates"] == 0
            assert [execution["key"]] == [
                key for key in state["issues"]["SHOP-2"]["plan"]["executions"] if key == execution["key"]
            ]
            made.append(len([each for each in emulator.requests() if each["kind"] == "write"]))
        assert made[0] == made[-1], "a re-run made or removed something"
