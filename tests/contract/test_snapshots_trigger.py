"""Triggers of Snapshots against the stand-in: every way they are answered and refused."""

from __future__ import annotations

from random import Random

import pytest

from xray_ci.delivery.retry import Persistent
from xray_ci.errors import SnapshotFailed
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
    assert SnapshotFailed.advice == result.problem.next
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


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 502},
        {"status": 504},
        {"status": 429, "headers": {"Retry-After": "3"}},
        {"status": 429},
        {"drop": "before"},
        {"drop": "after"},
    ],
)
def test_outages_are_tried_again(emulator, ask, clock, fault):
    """A second trigger is harmless, so a short outage is waited out."""
    emulator.fault("POST", "/take-snapshot/*", times=2, **fault)
    (result,) = ask(PAGE)

    assert result.ok
    assert len(clock.slept) == 2


def test_an_outage_that_stays_is_a_failure(emulator, ask, clock):
    """A few tries, then the failure is reported."""
    emulator.fault("POST", "/take-snapshot/*", times=-1, status=503, body="down")
    (result,) = ask(PAGE)

    assert not result.ok
    assert result.problem.answer == "503: down"
    assert len(clock.slept) == 3


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
