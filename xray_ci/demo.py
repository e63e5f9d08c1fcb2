"""The whole main job for a newcomer: the emulator, sample reports, one import, one refreshed page, and where to look.

The job itself is the real one: the same command line, over real sockets. Only its environment is made here.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xray_ci.errors import Interrupted
from xray_ci.model import Process
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.emulator.server import Emulator

SAMPLES: Final = Path(__file__).parent / "samples"
_PAGE: Final = "131073"
_PATIENCE: Final = 10.0
"""Seconds to wait for the page's new version; the emulated service settles after two."""
_MORE: Final = "To keep the emulator running: make demo ARGS=--keep, or xray-ci demo --keep."


def run(process: Process, execute: Callable[[Process], int], *, keep: bool, watched: bool) -> int:
    """Run the demo and return its exit code; `execute` runs a command line.

    With `keep` the pages stay open until a signal; else where it is `watched`, on a terminal, until Enter is pressed.
    """
    try:
        from xray_ci.emulator.server import Emulator  # noqa: PLC0415  # with its server library, for this command alone
        from xray_ci.emulator.world import Clock  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise problems.problem(
            f"the demo needs the package {missing.name}",
            "command line",
            problems.USAGE,
            "Install it: pip install 'xray-ci[emulator]'.",
        ) from None
    with (
        tempfile.TemporaryDirectory(prefix="xray-ci-demo-") as folder,
        Emulator(0, clock=Clock(datetime.now(UTC))) as emulator,
    ):
        workspace = Path(folder) / "workspace"
        shutil.copytree(SAMPLES, workspace, ignore=shutil.ignore_patterns("__pycache__"))
        return _show(process, execute, emulator, workspace, keep=keep, watched=watched)


def _show(
    process: Process,
    execute: Callable[[Process], int],
    emulator: Emulator,
    workspace: Path,
    *,
    keep: bool,
    watched: bool,
) -> int:
    def say(text: str = "") -> None:
        process.out.write(text + "\n")
        process.out.flush()

    say(f"The emulator stands in for Xray, Jira and Confluence at {emulator.url}")
    say("Importing " + ", ".join(sorted(path.name for path in workspace.iterdir() if path.is_file())))
    say()
    before = _version(emulator.url)
    code = execute(Process(["import"], environment(emulator.url), str(workspace), process.out, process.err))
    after = _risen(emulator.url, before)
    say()
    say(f"Confluence page {_PAGE}: version {before} → {after}")
    if code == 0 and after <= before:
        say("✗ the page was not refreshed")
        code = 9
    key = _execution(emulator.url)
    open_ = keep or watched  # an address that is dead when it is read helps nobody
    say(f"Test Execution {key}" + f": {emulator.url}/browse/{key}" * open_ if key else "no Test Execution was made")
    if open_:
        say(f"Confluence page {_PAGE}: {emulator.url}/wiki/spaces/QA/pages/{_PAGE}")
    if keep:
        say("Both stay open until Ctrl-C.")
        _wait()
    else:
        say(_MORE)
    if watched and not keep:
        say("Both stay open until you press Enter.")
        with contextlib.suppress(Interrupted):
            sys.stdin.readline()
    return code


def environment(url: str) -> dict[str, str]:
    """Return the environment of the job: that of a pipeline which knows nothing but its own settings."""
    settings = {
        "REPORTS": "*.xml\n*.json",
        "XRAY_URL": url,
        "CLIENT_ID": "EMULATORCLIENTID0000000000000001",
        "CLIENT_SECRET": "emulator-secret",
        "PROJECT": "SHOP",
        "TEST_PLAN": "SHOP-2",
        "TEST_ENVIRONMENTS": "chrome",
        "SUMMARY": "Demo run of {date}",
        "SNAPSHOTS_URL": url + "/take-snapshot/{page-id}",
        "SNAPSHOT_PAGE_IDS": _PAGE,
        "SNAPSHOT_API_KEY": "emulator-global-key",
        "SNAPSHOTS_DELAY": "0",
    }
    return {f"XRAY_CI_{name}": value for name, value in settings.items()}


def _get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own emulator on loopback
        found: dict[str, object] = json.load(answer)
    return found


def _version(url: str) -> int:
    page = _get(f"{url}/wiki/api/v2/pages/{_PAGE}")
    version = page["version"]
    assert isinstance(version, dict)  # noqa: S101  # the emulator's own answer
    return int(version["number"])


def _risen(url: str, before: int) -> int:
    end = time.monotonic() + _PATIENCE
    while (now := _version(url)) <= before and time.monotonic() < end:
        time.sleep(0.1)
    return now


def _execution(url: str) -> str | None:
    """Return the Test Execution that the job made: the newest that the seed world does not have."""
    issues = _get(f"{url}/__emulator__/state")["issues"]
    assert isinstance(issues, dict)  # noqa: S101  # the emulator's own answer
    made = [key for key, issue in issues.items() if issue["type"] == "Test Execution" and not issue["seeded"]]
    return made[-1] if made else None


def _wait() -> None:
    """Wait for a signal that ends the process."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.2):
        pass
