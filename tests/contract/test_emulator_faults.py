"""Faults that a delivery has to survive.

Work done after the answer was given up on, and requests told apart by their text.
"""

import http.client
import json

import pytest

IMPORT = "/api/v2/import/execution"


def document(summary="Run"):
    return {"info": {"project": "SHOP", "summary": summary}, "tests": [{"testKey": "SHOP-3", "status": "PASSED"}]}


@pytest.mark.parametrize("big", [False, True])
def test_xray_goes_on_working_after_a_timeout(emulator, big):
    """The answer is a gateway's, nothing is there, and later everything is."""
    emulator.clock(freeze=True)
    emulator.fault("POST", IMPORT, status=504, body="<html>Gateway Timeout</html>", later_s=20)
    sent = document()
    sent["tests"][0]["comment"] = "x" * (900_000 if big else 1)
    answer = emulator.cloud("", sent)
    before = len(emulator.executions())
    emulator.clock(advance=19)
    still = len(emulator.executions())
    emulator.clock(advance=1)

    assert (answer.status, before, still) == (504, 0, 0)
    assert {key: run["status"] for key, run in emulator.runs("SHOP-41").items()} == {"SHOP-3": "PASSED"}


def test_a_cut_connection_can_be_worked_on_later_too(emulator):
    """The client hears nothing; the order of such work is that of its time."""
    emulator.clock(freeze=True)
    for summary, later in (("second", 10), ("first", 5)):
        emulator.fault("POST", IMPORT, contains=summary, drop="after", later_s=later)
        with pytest.raises((http.client.HTTPException, OSError)):
            emulator.cloud("", document(summary))
    emulator.clock(advance=10)

    assert [each["summary"] for each in emulator.executions()] == ["first", "second"]


def test_a_reset_forgets_work_that_was_left(emulator):
    """Nothing of an earlier test turns up in the next."""
    emulator.fault("POST", IMPORT, status=504, later_s=5)
    emulator.cloud("", document())
    emulator.reset()
    emulator.clock(advance=10)

    assert emulator.executions() == []


def test_what_makes_no_sense_is_no_fault(emulator):
    """Later work without an answer now, and unknown matches, are refused."""
    for order in ({"later_s": 5}, {"delay_s": 1, "later_s": 5}, {"match": {"text": "x"}, "status": 500}):
        answer = emulator.call("POST", "/__emulator__/faults", json.dumps(order).encode())
        assert answer.status == 400, order


def test_every_route_meets_its_fault(emulator):
    """Also those that would have refused the caller."""
    for method, path in (
        ("POST", "/api/v2/graphql"),
        ("POST", "/jira/rest/api/2/search"),
        ("POST", "/jira/rest/api/2/issue"),
        ("DELETE", "/jira/rest/api/2/issue/SHOP-40"),
        ("GET", "/jira/rest/raven/2.0/api/testexec/SHOP-40/test"),
        ("POST", "/jira/rest/raven/2.0/api/testrun/1/attachment"),
        ("POST", "/rest/api/3/search/jql"),
        ("POST", IMPORT),
        ("POST", "/api/v2/authenticate"),
        ("POST", "/take-snapshot/131073"),
    ):
        emulator.fault(method, path, status=429, headers={"Retry-After": "7"}, body={"error": {"text": "Too many"}})
        body = b"{}" if method == "POST" else None
        met, free = (emulator.call(method, path, body) for _ in range(2))

        assert (met.status, met.headers["retry-after"]) == (429, "7"), path
        assert free.status != 429, path
