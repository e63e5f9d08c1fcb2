"""Slow proof: a few tests that Xray refuses cost themselves and few requests, not the two thousand others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_client import Emulated
from job_runs import keyed, suite
from proof.delivered import Delivery, stored

from xray_ci.emulator.server import Emulator
from xray_ci.emulator.world import Clock as EmulatorClock

TESTS, BAD = 2000, ("SHOP-99901", "SHOP-99902", "SHOP-99903")
WITH_LOOKUP, WITHOUT = 40, 70
"""Requests until all is imported; reading two thousand Test Runs back afterwards takes twenty more."""
pytestmark = pytest.mark.proof
_LOOKUPS = {
    "cloud": ("POST", "/api/v2/graphql", "getTests("),
    "server": ("POST", "/jira/rest/api/latest/search", "issuetype = Test"),
}


def known(emulator: Emulated, count: int) -> list[str]:
    """Make so many Tests and return their keys."""
    tests = [
        {
            "testInfo": {"projectKey": "SHOP", "summary": f"t{number}", "type": "Generic", "definition": f"d{number}"},
            "status": "PASSED",
        }
        for number in range(count)
    ]
    assert emulator.cloud("", {"info": {"project": "SHOP", "summary": "seed"}, "tests": tests}).status == 200
    return [each["key"] for each in emulator.created_tests()]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("told", ["named", "looked up", "halved"])
@pytest.mark.parametrize("side", ["cloud", "server"])
def test_three_bad_keys_among_two_thousand(clock, tmp_path, side, told):
    """1,997 are stored, three are named with the vendor's words, exit code 8.

    Whether the answer names them, a lookup does or nobody.
    """
    with Emulator(port=0, clock=EmulatorClock(monotonic=clock.monotonic)) as server:
        emulator = Emulated(server.url)
        keys = known(emulator, TESTS - len(BAD))
        keys[5:5], keys[90:90], keys[101:101] = BAD[:1], BAD[1:2], BAD[2:]
        before = {each["key"] for each in emulator.executions()}
        clock.sleep(100)
        (tmp_path / "r.xml").write_text(suite("s", *(keyed(f"t{number}", key) for number, key in enumerate(keys))))
        run = Delivery(
            emulator=emulator,
            folder=tmp_path,
            side=side,
            sleep=clock.sleep,
            clock=clock.monotonic,
            more={"XRAY_CI_DEPLOYMENT": side, "XRAY_CI_BATCH_TESTS": str(TESTS), "XRAY_CI_RESULT_FILE": "result.json"},
        )
        if told != "named":
            for key in BAD:  # in another language, and without a key
                emulator.fault(
                    "POST",
                    "*/import/execution",
                    contains=f'"{key}"',
                    status=400,
                    times=-1,
                    body={"error": "Das geht so nicht."},
                )
        if told == "halved":
            method, path, contains = _LOOKUPS[side]
            emulator.fault(method, path, contains=contains, status=403, times=-1, body={"error": "no"})
        first = len(emulator.requests())
        ended = run("import")

        requests = emulator.requests()[first:]
        assert ended.code == 8, ended.text[-3000:]
        (execution,) = [each for each in emulator.executions() if each["key"] not in before]
        assert set(keys) - set(BAD) == set(execution["execution"]["runs"])
        result: dict[str, Any] = json.loads((tmp_path / "result.json").read_text())
        assert all(key in json.dumps(result) for key in BAD)
        assert ("Das geht so nicht." if told != "named" else BAD[0]) in ended.text
        last = max(number for number, each in enumerate(requests, 1) if each["kind"] == "import")
        assert last <= (WITHOUT if told == "halved" else WITH_LOOKUP), [each["kind"] for each in requests]
        assert len(requests) - last <= 25
        assert stored(emulator.state())["duplicates"] == 0
        assert "nothing is left" in run("resume").text
