"""Triggers of Snapshots: any 2xx will do, the key goes to one origin only, and one failure stops nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from wire_server import Signing, WireServer, answer, says

from xray_ci.errors import SnapshotFailed
from xray_ci.secret import Redactor, Secret
from xray_ci.services.snapshots import trigger, trigger_all
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A snapshot as settings say it."""

    url: Secret | None = None
    page_id: str | None = None
    api_key: Secret = Secret("the-api-key")  # noqa: RUF009  # immutable
    bearer_token: Secret | None = None


def triggered(*answers: bytes, path="/hooks/hidden", **wanted):
    """Trigger one macro and return the result and what was sent."""
    gate = ConnectionOptions(timeout=5, headers=(("X-Gate", Secret("gate")),))
    with WireServer(says(*answers)) as server, Transport(gate, Redactor()) as transport:
        return trigger(transport, Wanted(url=Secret(server.url + path), **wanted)), server.requests


@pytest.mark.parametrize(
    "wire", [answer("202 Accepted"), answer("204 None"), answer(body=b"OK"), answer(body=b'{"status":"queued"}')]
)
def test_any_2xx_is_a_success(wire):
    """Nothing is published about answers, so none is required."""
    result, (request,) = triggered(wire)

    assert result.ok
    assert request.line == "POST /hooks/hidden HTTP/1.1"
    assert request.headers["jira-snapshots-api-key"] == "the-api-key"
    assert request.body == b""
    assert "x-gate" not in request.headers
    assert "authorization" not in request.headers


def test_a_page_goes_to_the_global_address():
    """The page id is the last segment of the path, and a bearer token goes along when there is one."""
    with WireServer(says(answer("202 Accepted"))) as server, Signing(ConnectionOptions(), Redactor()) as transport:
        wanted = Wanted(page_id="131073", bearer_token=Secret("pat"))
        result = trigger(transport, wanted, template=server.url + "/take-snapshot/{page-id}")

    assert result.name == "page 131073"
    assert server.requests[0].line == "POST /take-snapshot/131073 HTTP/1.1"
    assert server.requests[0].headers["authorization"] == "Bearer pat"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_within_the_origin_keeps_method_and_key(status):
    """POST stays POST and the key goes along, whatever the kind of redirect."""
    result, requests = triggered(answer(status, Location="/elsewhere"), answer("202 Accepted"))

    assert result.ok
    assert [request.line for request in requests] == ["POST /hooks/hidden HTTP/1.1", "POST /elsewhere HTTP/1.1"]
    assert requests[1].headers["jira-snapshots-api-key"] == "the-api-key"


def test_the_key_never_goes_to_another_origin():
    """A redirect to another host, port or scheme is refused and explained."""
    with WireServer(says(answer())) as other:
        result, requests = triggered(answer("302 Found", Location=other.url + "/thief"))

    assert not result.ok
    assert other.requests == []
    assert len(requests) == 1
    assert "was not sent there" in result.problem.what


@pytest.mark.parametrize("place", ["http://[::1", "//[", "javascript:alert(1)"])
def test_a_redirect_to_no_address_is_a_failure(place):
    """A location that cannot be an address ends the trigger, not the run."""
    result, requests = triggered(answer("302 Found", Location=place))

    assert not result.ok
    assert len(requests) == 1


def test_redirects_end():
    """A circle of redirects is left after five."""
    result, requests = triggered(*[answer("307 Again", Location="/round")] * 9)

    assert not result.ok
    assert len(requests) == 6


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("401 No", "three months"),
        ("403 No", "three months"),
        ("404 No", "web request URL"),
        ("400 Bad", "web request URL"),
        ("409 No", SnapshotFailed.advice),
    ],
)
def test_a_refusal_shows_status_body_and_causes(status, advice):
    """Status, body and what may be the cause."""
    result, _ = triggered(answer(status, b"because " + b"x" * 500))

    assert int(status[:3]) == result.status
    assert f"{status[:3]}: because " in result.problem.answer
    assert result.problem.service == "Snapshots"
    assert advice in result.problem.next


def test_no_address_of_a_macro_is_shown():
    """Names and messages hold the host at most."""
    result, _ = triggered(answer("401 No"))

    assert result.name == "macro 1 at 127.0.0.1"
    assert "hidden" not in repr(result) + result.problem.what


def test_one_failure_does_not_stop_the_others():
    """Every target is triggered and has a result of its own."""
    with (
        WireServer(says(answer("401 No"))) as bad,
        WireServer(says(answer())) as good,
        Transport(ConnectionOptions(), Redactor()) as transport,
    ):
        targets = (Wanted(url=Secret("http://127.0.0.1:1/")), Wanted(url=Secret(bad.url)), Wanted(url=Secret(good.url)))
        results = trigger_all(transport, targets)

    assert [result.ok for result in results] == [False, False, True]
    assert "cannot be reached" in results[0].problem.what
