"""Sending a plan: in order, with the key of the first answer, and what was won is kept."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from wire_server import WireServer, answer, says

from xray_ci import errors
from xray_ci.delivery.plan import ImportTarget
from xray_ci.delivery.planners import BatchOnDisk, NativeFile, convert, native
from xray_ci.delivery.progress import Context
from xray_ci.delivery.retry import Persistent
from xray_ci.delivery.send import send
from xray_ci.deployments import CLOUD, SERVER
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import Bearer
from xray_ci.services.cloud import CloudStore
from xray_ci.services.graphql import GraphQL
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions
from xray_ci.services.xray import Xray

TEST = b'{"testKey":"SHOP-1","status":"PASSED"}'
KEY = answer(body=b'{"key":"SHOP-41","id":"10141"}')


@pytest.fixture
def plan_of(tmp_path):
    """Return a function that plans so many batches of one test."""
    (tmp_path / "spool").write_bytes(TEST)
    batch = BatchOnDisk(path=tmp_path / "spool", offset=0, length=len(TEST), tests=1)

    def planned(count: int, **target):
        return convert(ImportTarget(**({"deployment": CLOUD, "project": "SHOP"} | target)), (batch,) * count, info=None)

    return planned


def delivered(plan, clock, *answers: bytes):
    """Send a plan to a server that answers so; return what became of it and what was imported."""
    with (
        WireServer(*(says(each) for each in answers)) as server,
        Transport(ConnectionOptions(timeout=5), Redactor()) as transport,
    ):
        caller = Persistent(transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
        auth = Bearer(token=Secret("t"))
        xray = Xray(
            caller=caller,
            deployment=plan.deployment,
            base_url=server.url,
            version=plan.deployment.api_versions[0],
            auth=auth,
        )
        context = Context(
            xray=xray,
            store=CloudStore(GraphQL(caller=caller, base_url=server.url, auth=auth)),
            random=Random(1),
            sleep=clock.sleep,
            left=lambda: 1800 - clock.monotonic(),
            work=Path("/nowhere"),
        )
        return send(plan, context), [request for request in server.requests if "/import/" in request.line]


def test_the_key_of_the_first_answer_fills_the_others(plan_of, clock):
    """Three batches, one Test Execution."""
    done, requests = delivered(plan_of(3), clock, KEY)

    assert done.keys == {"import-1": "SHOP-41"}
    assert done.sent == 3
    assert done.failures + done.not_sent == []
    assert [json.loads(request.body).get("testExecutionKey") for request in requests] == [None, "SHOP-41", "SHOP-41"]


def test_native_files_follow_by_query(clock):
    """The key goes into the query of the second file."""
    files = [NativeFile(format="junit", shown=(name,), pieces=(b"<testsuite/>",), tests=2) for name in "ab"]
    done, requests = delivered(native(ImportTarget(deployment=CLOUD, project="SHOP"), files), clock, KEY)

    assert [request.line for request in requests] == [
        "POST /api/v2/import/execution/junit?projectKey=SHOP HTTP/1.1",
        "POST /api/v2/import/execution/junit?testExecKey=SHOP-41 HTTP/1.1",
    ]
    assert done.sent == 4


def test_a_failure_keeps_what_was_won_and_says_how_to_go_on(plan_of, clock):
    """The second of four is refused: one is imported, two are not sent, and the key to go on with is named."""
    done, requests = delivered(plan_of(4), clock, KEY, answer("400 Bad", b'{"error":"no"}'))

    assert len(requests) == 2
    assert done.keys == {"import-1": "SHOP-41"}
    assert done.sent == 1
    assert [call.id for call in done.not_sent] == ["import-3", "import-4"]
    refused, partly = done.failures
    assert isinstance(refused, errors.Refused)
    assert isinstance(partly, errors.PartlyImported)
    assert "`test-execution: SHOP-41`" in partly.next
    assert errors.worst_exit({failure.exit_code for failure in done.failures}) == 6


def test_a_first_failure_imported_nothing(plan_of, clock):
    """When the first request fails nothing follows and nothing is claimed."""
    done, requests = delivered(plan_of(2), clock, answer("400 Bad", b'{"error":"no"}'))

    assert 1 == len(requests) == len(done.failures) == len(done.not_sent)
    assert done.keys == {}


def test_what_cannot_be_found_out_is_said_beside_why(plan_of, clock):
    """Import and look-ups are lost: it may have been imported.

    Into an existing key a repeat overwrites, into a new one it doubles.
    """
    known, requests = delivered(plan_of(1, test_execution="SHOP-7"), clock, b"")
    new, _ = delivered(plan_of(1), clock, b"")

    assert len(requests) == 1
    assert [errors.UnknownDelivery, errors.Unreachable] == [type(failure) for failure in known.failures]
    assert "`test-execution: SHOP-7`" in known.failures[0].next
    assert [errors.UnknownDelivery] == [type(failure) for failure in new.failures]
    assert "blind repeat" in new.failures[0].next


def test_a_throttled_request_is_sent_again_with_the_same_body(plan_of, clock):
    """429 was not done: after the wait the same bytes go again."""
    done, requests = delivered(plan_of(1), clock, answer("429 Slow", Retry_After="30"), KEY)

    assert done.failures == []
    assert requests[0].body == requests[1].body
    assert [int(seconds) for seconds in clock.slept] == [30]


def test_tests_that_were_not_stored_are_a_partial_failure_and_do_not_stop_the_rest(plan_of, clock):
    """Server/DC answers 200 and names what it did not store."""
    told = {
        "testExecIssue": {"key": "SHOP-41"},
        "testIssues": {"error": [{"testKey": "SHOP-1", "messages": ["no such Test"]}]},
    }
    whole = {"testExecIssue": {"key": "SHOP-41"}, "testIssues": {"success": [{"key": "SHOP-1"}]}}
    done, requests = delivered(
        plan_of(2, deployment=SERVER),
        clock,
        answer(body=json.dumps(told).encode()),
        answer(body=json.dumps(whole).encode()),
    )

    assert len(requests) == 2
    (failure,) = done.failures
    assert isinstance(failure, errors.PartlyImported)
    assert "SHOP-1" in failure.what
    assert failure.answer == "SHOP-1: no such Test"
    assert done.sent == 2


def test_a_report_that_shrinks_while_it_is_sent_is_named(plan_of, clock, tmp_path):
    """A body that cannot be read to its end is a failure of the report, not a traceback."""
    plan = plan_of(1)
    (tmp_path / "spool").write_bytes(b"{")
    done, _ = delivered(plan, clock, KEY)

    assert isinstance(done.failures[0], errors.UnreadableReport)
    assert done.keys == {}
