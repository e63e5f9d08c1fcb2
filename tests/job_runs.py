"""The main job against the emulator.

Fixtures `cloud`, `server`, `inside` and `reports`, and small JUnit reports to run it on.
"""

import io
import json

import pytest
from conftest import SEALED, Result

from xray_ci.cli import execute
from xray_ci.model import Process

CLOUD = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "tests",
    "GITHUB_JOB": "unit",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_SERVER_URL": "https://github.example",
}
AGAIN = {**GITHUB, "GITHUB_RUN_ATTEMPT": "2"}
"""Another attempt of the same job."""


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
        self.folder = folder
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
            str(self.folder),
            out,
            err,
            sleep=self._sleep,
            clock=self._clock.monotonic,
        )
        return Result(code=execute(process), out=out.getvalue(), err=err.getvalue())

    def left(self):
        """Return the folders of what is left to deliver."""
        return sorted((self.folder / ".xray-ci").glob("run-*"))

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


@pytest.fixture(params=["cloud", "server"])
def side(request):
    """Name the product."""
    return request.param


@pytest.fixture
def job(side, inside):
    """Run a command against it, as a job of GitHub unless told."""
    return lambda *args, env=GITHUB, **more: inside(*args, on=side, **{**env, **more})


@pytest.fixture
def report(workspace):
    """Write a report."""

    def written(name, content):
        (workspace / name).write_text(content if isinstance(content, str) else json.dumps(content))

    return written


JIRA = {"jira_username": "dev@example.com", "jira_token": "emulator-jira-token"}
"""Of the emulated Jira Cloud."""


def failure(message):
    """Return what a failed case holds."""
    return f'<failure message="{message}">at shop.py</failure>'


def defects(issue):
    """Return how many defects each Test Run has."""
    return sorted(len(run["defects"]) for run in issue["execution"]["runs"].values())


@pytest.fixture
def around(side, inside, emulator, workspace):
    """Import one report into the emulated product, with credentials of Jira; as a job of GitHub unless told."""
    (workspace / "r.xml").write_text(suite("s", case("adds"), case("pays", failure("not paid after 31 ms"))))
    (workspace / "logs").mkdir()
    (workspace / "logs/a.log").write_text("a log\n")
    base = {"reports": "*.xml", **({**JIRA, "jira_url": emulator.url} if side == "cloud" else {})}
    return lambda *args, env=GITHUB, **changes: inside(*(args or ("import",)), on=side, **{**base, **env, **changes})


@pytest.fixture
def path(side):
    """Give the path of a request to the product's Jira."""
    return lambda rest: rest if side == "cloud" else f"/jira{rest}"
