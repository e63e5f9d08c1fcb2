"""The main job against the emulator.

Fixtures `cloud`, `server`, `inside` and `reports`, and small JUnit reports to run it on.
"""

import io

import pytest
from conftest import SEALED, Result

from xray_ci.cli import execute
from xray_ci.model import Process

CLOUD = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}


def runs(execution):
    return list(execution["execution"]["runs"].values())


def results(execution):
    return {(run["test"], run["status"]) for run in runs(execution)}


def suite(name, *cases):
    return f'<testsuite name="{name}">' + "".join(cases) + "</testsuite>"


def case(name, inner="", classname="shop.Cart"):
    return f'<testcase classname="{classname}" name="{name}" time="0.5">{inner}</testcase>'


def keyed(name, key, inner=""):
    return case(name, f'<properties><property name="test_key" value="{key}"/></properties>{inner}')


class Inside:
    """Runs commands in this process, where waiting takes no time: who sleeps moves the emulator's clock, too."""

    def __init__(self, emulator, folder, clock):
        self._emulator = emulator
        self._folder = folder
        self._clock = clock
        base = {**SEALED, "XRAY_CI_PROJECT": "SHOP"}
        self.cloud = {**base, **CLOUD, "XRAY_CI_XRAY_URL": emulator.url}
        self.server = {**base, "XRAY_CI_JIRA_URL": emulator.jira_url, "XRAY_CI_JIRA_TOKEN": "emulator-pat"}

    def __call__(self, *args, on="cloud", **changes):
        """Run on `cloud` or `server`.

        `test_plan="SHOP-2"` is `XRAY_CI_TEST_PLAN`, in capitals the variable of that name, None takes one away.
        """
        env = getattr(self, on) | {
            name if name.isupper() else f"XRAY_CI_{name.upper()}": value for name, value in changes.items()
        }
        out, err = io.StringIO(), io.StringIO()
        process = Process(
            args,
            {name: value for name, value in env.items() if value is not None},
            str(self._folder),
            out,
            err,
            sleep=self._sleep,
            clock=self._clock.monotonic,
        )
        return Result(code=execute(process), out=out.getvalue(), err=err.getvalue())

    def left(self):
        """Return the folders of what is left to deliver."""
        return sorted((self._folder / ".xray-ci").glob("*"))

    def _sleep(self, seconds):
        self._clock.sleep(seconds)
        self._emulator.clock(advance=seconds)


@pytest.fixture
def inside(emulator, workspace, clock):
    """Run a command in this process, with time that passes at once.

    `inside("import", on="server", time_budget="1")`.
    """
    return Inside(emulator, workspace, clock)


@pytest.fixture
def cloud(inside):
    """Run a command against the emulated Cloud, in this process; variables are added by `env`."""
    return lambda *args, env=None: inside(*args, **(env or {}))


@pytest.fixture
def server(inside):
    """Run a command against the emulated Server/Data Center, in this process; variables are added by `env`."""
    return lambda *args, env=None: inside(*args, on="server", **(env or {}))


@pytest.fixture
def reports(workspace):
    """Three reports: one failure, one skipped, five results."""
    (workspace / "a.xml").write_text(
        suite("a", case("adds"), case("removes", '<failure message="boom">trace</failure>'))
    )
    (workspace / "b.xml").write_text(suite("b", case("sorts", "<skipped/>"), case("shows", classname="shop.List")))
    (workspace / "c.xml").write_text(suite("c", case("pays", classname="shop.Pay")))
    return workspace
