"""Whoever looks at the log of a run that stands still reads what it waits for, and for how long at most."""

import io
import re

import pytest
from conftest import SEALED
from job_runs import CLOUD, case, suite

from xray_ci.cli import execute
from xray_ci.model import Process

IMPORT, SEARCH = "/api/v2/import/execution", "/api/v2/graphql"
SHARD = {"INPUT_GITHUB-MATRIX": '{"shard": 1}', "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7", "GITHUB_JOB": "test"}
AGAIN = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7", "GITHUB_JOB": "test", "GITHUB_RUN_ATTEMPT": "2"}


class Watched:
    """Runs commands and notes what the log says while they wait."""

    def __init__(self, emulator, folder, clock):
        self._emulator, self._folder, self._clock = emulator, folder, clock
        self.slept, self.silent = [], 0.0

    def __call__(self, *args, **env):
        self._out, self._read = io.StringIO(), 0
        base = {**SEALED, **CLOUD, "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_XRAY_URL": self._emulator.url, **env}
        code = execute(
            Process(args, base, str(self._folder), self._out, self._out, sleep=self._sleep, clock=self._clock.monotonic)
        )
        return code, self._out.getvalue()

    def _sleep(self, seconds):
        said = self._out.getvalue()[self._read :].strip()
        self._read = len(self._out.getvalue())
        self.silent = 0.0 if said else self.silent
        if seconds > 2 and not self.silent:
            bound = re.search(r"(up to|of|in|waiting) \d+(\.\d+)? s", said.splitlines()[-1] if said else "")
            assert bound, f"{seconds:g} s without a reason and a bound: {said!r}"
        self.silent += seconds
        assert self.silent <= max(20, seconds) + 2, f"{self.silent:g} s without a word"
        self.slept.append(seconds)
        self._clock.sleep(seconds)
        self._emulator.clock(advance=seconds)


@pytest.fixture
def watched(emulator, workspace, clock):
    """Run a command that is not let wait for more than 2 s without a word."""
    (workspace / "a.xml").write_text(suite("a", case("adds"), case("pays")))
    return Watched(emulator, workspace, clock)


def test_two_busy_answers_in_a_row(watched, emulator, clock):
    """503 with `Retry-After`: looked for, not found, sent again. One Test Execution, in less than 90 s."""
    emulator.fault("POST", IMPORT, status=503, headers={"Retry-After": "1"}, times=2)

    code, log = watched("import", "--reports", "a.xml")

    assert code == 0, log
    assert len(emulator.executions()) == 1
    assert clock.passed < 90
    assert len(re.findall(r"failed with status 503.*looking whether it arrived, up to 30 s", log)) == 2
    assert len(re.findall(r"waiting for Jira's search, up to 30 s", log)) == 2


def test_a_busy_answer_whose_work_was_done_makes_nothing_twice(watched, emulator):
    """What is found after it is not sent again."""
    emulator.fault("POST", IMPORT, status=503, headers={"Retry-After": "1"}, work=True)
    emulator.settings(index_lag_s=20)

    code, log = watched("import", "--reports", "a.xml")

    assert code == 0, log
    assert len(emulator.executions()) == 1
    assert len(emulator.imports()) == 1


def test_many_requests_say_how_far_they_are(watched, emulator):
    """A line now and then, and none for what is done at once."""
    _, quick = watched("import", "--reports", "a.xml", "--batch-tests", "1")
    emulator.fault("POST", IMPORT, status=429, headers={"Retry-After": "25"})

    _, slow = watched("import", "--reports", "a.xml", "--batch-tests", "1")

    assert "requests sent" not in quick
    assert "  1 of 2 requests sent\n" in slow


@pytest.mark.parametrize(
    ("faults", "settings", "env", "words"),
    [
        (
            [("POST", IMPORT, {"status": 429, "headers": {"Retry-After": "12"}})],
            {},
            {},
            "rate limit (status 429): next",
        ),
        ([("POST", IMPORT, {"status": 504})], {}, {}, "waiting for Jira's search, 20 of 60 s"),
        ([("POST", IMPORT, {"drop": "after"})], {}, {}, "looking whether it arrived, up to 60 s"),
        ([("POST", SEARCH, {"status": 502, "times": 3})], {}, AGAIN, "status 502: next try in"),
        ([], {"index_lag_s": 40}, SHARD, "waiting for Jira's search, 20 of 60 s"),
        ([], {}, {"XRAY_CI_SNAPSHOT_PAGE_IDS": "1", "XRAY_CI_SNAPSHOT_API_KEY": "x" * 20}, "before the snapshots"),
    ],
    ids=["throttled", "gateway", "lost", "lookup", "race", "snapshots"],
)
def test_no_wait_is_silent(faults, settings, env, words, watched, emulator):
    """Each has a reason and a bound at `info`, and a long one is told again."""
    emulator.settings(**settings)
    for method, path, order in faults:
        emulator.fault(method, path, **order)
    if "XRAY_CI_SNAPSHOT_PAGE_IDS" in env:
        env = env | {"XRAY_CI_SNAPSHOTS_URL": f"{emulator.url}/take-snapshot/{{page-id}}"}

    code, log = watched("import", "--reports", "a.xml", **env)

    assert code == 0, log
    assert words in log
