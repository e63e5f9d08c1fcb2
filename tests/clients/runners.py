"""Runners that are told by `select` what to run, for real: QA plans a Test Execution, they run it, an import fills it.

Each has tests of which some were chosen; one that was not chosen fails where it runs, and an import of it would show.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from typing import NamedTuple

from node import CUCUMBER, FOLDER, PLAYWRIGHT

TOKEN = "emulator-pat"
CLOUD = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}
FEATURE = """Feature: Shop
  @SHOP-1
  Scenario: chosen
    Given a lamp
  @TEST_SHOP-3
  Scenario: chosen, too
    Given a lamp
  @SHOP-12
  Scenario: of a longer key
    Given nothing
"""


class Trip(NamedTuple):
    """One runner: its tests, how it is told and how it runs, and which of its Tests are chosen."""

    runner: str
    files: dict[str, str]
    command: list[str]
    """`FILTER` stands for what `select` printed, which is also in the file `filter.txt`."""
    report: str
    chosen: tuple[str, ...] = ()
    """Keys, of those that features name; else all definitions that an import of everything makes but the last."""
    everything: tuple[str, ...] = ()
    """What in `command` is left out to run everything."""


TRIPS = (
    Trip(
        runner="robot",
        files={
            "shop.robot": "*** Test Cases ***\nAdds [1] *\n    No Operation\n"
            "Removes\n    No Operation\nAdds\n    Fail    not chosen\n"
        },
        command=[sys.executable, "-m", "robot", "-A", "filter.txt", "--report", "NONE", "--log", "NONE", "shop.robot"],
        everything=("-A", "filter.txt"),
        report="output.xml",
    ),
    Trip(
        runner="robot",
        files={
            "shop.robot": "*** Test Cases ***\nChosen\n    [Tags]    SHOP-1\n    No Operation\n"
            "Chosen, too\n    [Tags]    TEST_SHOP-4\n    No Operation\n"
            "Not chosen\n    [Tags]    SHOP-12\n    Fail    not chosen\n"
        },
        command=[sys.executable, "-m", "robot", "-A", "filter.txt", "--report", "NONE", "--log", "NONE", "shop.robot"],
        report="output.xml",
        chosen=("SHOP-1", "SHOP-4"),
    ),
    Trip(
        runner="behave",
        files={
            "features/shop.feature": FEATURE,
            "features/steps/shop.py": "from behave import given\n\n\n@given('a lamp')\ndef lamp(context): ...\n",
        },
        command=[sys.executable, "-m", "behave", "--no-skipped", "-f", "json", "-o", "r.json", "--tags=FILTER"],
        report="r.json",
        chosen=("SHOP-1", "SHOP-3"),
    ),
    Trip(
        runner="cucumber",
        files={
            "features/shop.feature": FEATURE,
            "features/steps.js": "require('@cucumber/cucumber').Given('a lamp', () => {});\n",
        },
        command=[*CUCUMBER, "--format", "json:r.json", "--tags", "FILTER"],
        report="r.json",
        chosen=("SHOP-1", "SHOP-3"),
    ),
    Trip(
        runner="playwright",
        files={
            "shop.spec.js": "const { test } = require('@playwright/test');\n"
            "test.describe('Cart', () => {\n"
            "  test(\"it's $(touch pwned) `x` | 1.5\", { tag: '@smoke' }, () => {});\n"
            "  test('adds', () => {});\n"
            "  test('adds two', () => { throw new Error('not chosen'); });\n"
            "});\n",
            "playwright.config.js": "module.exports = { reporter: [['junit', { outputFile: 'r.xml' }]] };\n",
        },
        command=[*PLAYWRIGHT, "--grep", "FILTER"],
        everything=("--grep", "FILTER"),
        report="r.xml",
    ),
)


def take(url: str, product: list[str], check) -> None:
    """Take every trip on both products; `check` notes what became of one."""
    for trip in TRIPS:
        for side in ("Cloud", "Server"):
            name = f"{trip.runner}{' by tag' if trip.chosen else ''}, {side}"
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:  # where scripts find the packages of npm
                check("xray-ci select", name, lambda: _trip(trip, side, url, product, pathlib.Path(folder)))


def _trip(trip: Trip, side: str, url: str, product: list[str], folder: pathlib.Path) -> bool:
    _ask(url, "POST", "/__emulator__/reset")
    for name, text in trip.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    def xray_ci(*words: str) -> str:
        env = CLOUD if side == "Cloud" else {"XRAY_CI_JIRA_TOKEN": TOKEN}
        env = {**env, "XRAY_CI_XRAY_URL": url} if side == "Cloud" else {**env, "XRAY_CI_JIRA_URL": f"{url}/jira"}
        env["XRAY_CI_PROJECT"] = "SHOP"
        done = subprocess.run([*product, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    chosen = list(trip.chosen)
    if not chosen:
        _run([word for word in trip.command if word not in trip.everything], folder)
        xray_ci("import", "--reports", trip.report)
        tests = {key: each for key, each in _issues(url).items() if each["type"] == "Test" and not each["seeded"]}
        chosen = [key for key, each in tests.items() if not each["test"]["definition"].endswith(("Adds", "two"))]
        assert len(chosen) == 2, tests
    fields = {"project": {"key": "SHOP"}, "summary": "planned", "issuetype": {"name": "Test Execution"}}
    planned = _ask(url, "POST", "/jira/rest/api/2/issue", {"fields": fields})["key"]
    _ask(url, "POST", f"/jira/rest/raven/2.0/api/testexec/{planned}/test", {"add": chosen})

    told = xray_ci("select", "--test-execution", planned, "--for", trip.runner)
    (folder / "filter.txt").write_text(told, encoding="utf-8")
    code = _run([word.replace("FILTER", told.rstrip("\n")) for word in trip.command], folder)
    xray_ci("import", "--test-execution", planned, "--reports", trip.report)

    runs = {key: run["status"] for key, run in _issues(url)[planned]["execution"]["runs"].items()}
    passed = "PASSED" if side == "Cloud" else "PASS"
    assert (code, runs) == (0, dict.fromkeys(chosen, passed)), (code, runs, told)
    return not (folder / "pwned").exists()


def _run(command: list[str], folder: pathlib.Path) -> int:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def _issues(url: str) -> dict:
    return _ask(url, "GET", "/__emulator__/state")["issues"]


def _ask(url: str, method: str, path: str, body: object = None) -> dict:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers, method=method)) as answer:
        return json.loads(answer.read() or "{}")
