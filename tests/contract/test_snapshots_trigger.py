"""Triggers of Snapshots against the emulator: every way they are answered and refused."""

from __future__ import annotations

from random import Random

import pytest

from xray_ci.delivery.retry import Persistent
from xray_ci.secret import Redactor, Secret
from xray_ci.services.snapshots import trigger_all
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions
from xray_ci.settings.values import SnapshotTarget

KEY, MACRO_KEY = Secret("emulator-global-key"), Secret("emulator-macro-key")
PAGE = SnapshotTarget(page_id="131073", api_key=KEY)


@pytest.fixture
def ask(emulator, clock):
    """Return a function that triggers targets as the pipeline would."""

    def asked(*targets: SnapshotTarget):
        redactor = Redactor()
        with Transport(ConnectionOptions(timeout=5), redactor) as transport:
            caller = Persistent(transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
            return trigger_all(caller, targets, template=emulator.url + "/take-snapshot/{page-id}")

    return asked


def macro(emulator, key=MACRO_KEY) -> SnapshotTarget:
    """Return the automated macro of the seed world."""
    return SnapshotTarget(url=Secret(f"{emulator.url}/macro-hooks/7f3c9a52e1d04b86"), api_key=key)


def version(emulator) -> int:
    """Return the page's version as Confluence says it."""
    return emulator.call("GET", "/wiki/api/v2/pages/131073").json()["version"]["number"]


@pytest.mark.parametrize("shape", ["accepted", "empty", "queued", "no-content", "text"])
def test_a_page_and_a_macro_are_refreshed(emulator, ask, shape):
    """Whatever an accepted trigger looks like, the page gets new versions."""
    emulator.settings(snapshots_answer=shape)
    before = version(emulator)
    results = ask(PAGE, macro(emulator))
    emulator.clock(advance=5)

    assert [result.ok for result in results] == [True, True]
    assert before < version(emulator)
    assert all(
        each["method"] == "POST" and each["size"] == 0 and not each["query"] for each in emulator.requests("snapshot")
    )


@pytest.mark.parametrize(
    ("change", "status"), [({}, 401), ({"snapshots_enabled": False}, 403), ({"snapshots_refusal": 403}, 403)]
)
def test_a_refusal_shows_status_and_causes(emulator, ask, change, status):
    """A wrong key or automation that is off: status, body and what may be the cause; nothing is tried twice."""
    emulator.settings(**change)
    (result,) = ask(SnapshotTarget(page_id="131073", api_key=Secret("wrong-api-key")))

    assert status == result.status
    assert result.problem.answer.startswith(f"{status}: ")
    assert "three months, and can be made anew" in result.problem.next
    assert len(emulator.requests("snapshot")) == 1


def test_one_failure_stops_nobody_else(emulator, ask):
    """A page without macros, a wrong key and a good one: the good one is refreshed."""
    results = ask(SnapshotTarget(page_id="131074", api_key=KEY), macro(emulator, KEY), PAGE)

    assert [result.status for result in results] == [404, 401, 202]
    assert [result.ok for result in results] == [False, False, True]


def test_a_macro_whose_automation_was_unticked(emulator, ask):
    """The macro's address is dead until the page is republished."""
    emulator.settings(macro_automation=False)

    assert ask(macro(emulator))[0].status == 404


def test_data_center_wants_a_bearer_token_besides(emulator, ask):
    """With the token it is accepted, without it refused."""
    emulator.settings(snapshots_bearer=True)
    with_it = SnapshotTarget(page_id="131073", api_key=KEY, bearer_token=Secret("emulator-confluence-pat"))

    assert [result.ok for result in ask(PAGE, with_it)] == [False, True]


@pytest.mark.parametrize("headers", [{"Retry-After": "3"}, {}])
def test_what_was_certainly_not_taken_is_tried_again(emulator, ask, clock, headers):
    """Too many requests for the moment is a no that passes."""
    emulator.fault("POST", "/take-snapshot/*", times=2, status=429, headers=headers)
    (result,) = ask(PAGE)

    assert result.ok
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 502}, {"status": 504, "work": True}, {"drop": "before"}, {"drop": "after"}]
)
def test_what_may_have_been_taken_is_told_and_not_repeated(emulator, ask, clock, fault):
    """The page has one new version at most; whoever looks decides about another."""
    before = version(emulator)
    emulator.fault("POST", "/take-snapshot/*", **fault)
    (result,) = ask(PAGE)
    emulator.clock(advance=10)

    assert not result.ok
    assert "page's history" in result.problem.next
    assert version(emulator) - before <= 1
    assert clock.slept == []


def test_a_wrong_page_is_told_from_a_wrong_key(emulator, ask):
    """Either leads to its own remedy."""
    page, key = ask(SnapshotTarget(page_id="999", api_key=KEY), SnapshotTarget(page_id="131073", api_key=MACRO_KEY))

    assert "nothing to take" in page.problem.what
    assert "snapshot-page-ids" in page.problem.next
    assert "the key was refused" in key.problem.what
    assert "three months" in key.problem.next


def test_an_outage_is_a_failure(emulator, ask, clock):
    """The answer is shown."""
    emulator.fault("POST", "/take-snapshot/*", times=-1, status=503, body="down")
    (result,) = ask(PAGE)

    assert not result.ok
    assert result.problem.answer == "503: down"
    assert clock.slept == []


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_within_the_site_is_followed_as_post(emulator, ask, status):
    """Method and key survive."""
    emulator.fault("POST", "/macro-hooks/old", status=status, headers={"Location": "/take-snapshot/131073"})
    (result,) = ask(SnapshotTarget(url=Secret(emulator.url + "/macro-hooks/old"), api_key=KEY))

    assert result.ok
    assert [each["method"] for each in emulator.requests("snapshot")] == ["POST", "POST"]


def test_a_redirect_to_another_host_gets_no_key(emulator, ask):
    """The key is for one origin."""
    emulator.fault("POST", "/take-snapshot/*", status=302, headers={"Location": "http://127.0.0.2:9/thief"})
    (result,) = ask(PAGE)

    assert not result.ok
    assert "was not sent there" in result.problem.what
