"""A site whose data lies elsewhere: the host that gives data is found and named, with two emulators as two hosts."""

from __future__ import annotations

from random import Random

import pytest
from emulator_client import CLIENT_ID_IN_EU, CLIENT_SECRET, Emulated

from xray_ci import errors
from xray_ci.delivery.retry import Persistent
from xray_ci.emulator.server import Emulator
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin
from xray_ci.services.cloud import CloudStore
from xray_ci.services.graphql import GraphQL, locate
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions

ONCE = ["/api/v2/authenticate", "/api/v2/graphql"]


def paths(host):
    """Return what a host was asked."""
    return [each["path"] for each in host.requests()]


@pytest.fixture(scope="module")
def elsewhere_server():
    """Serve a second emulator: another host."""
    with Emulator(port=0) as serving:
        yield serving


@pytest.fixture
def elsewhere(elsewhere_server):
    """Give the second host, in the region eu."""
    emulated = Emulated(elsewhere_server.url)
    emulated.reset()
    emulated.settings(region="eu")
    return emulated


def refused(emulator, clock, hosts):
    """Ask a host for data that it does not hold, look where it is, and return the failure."""
    redactor = Redactor()
    given = {
        "version": "v2",
        "client_id": Secret(CLIENT_ID_IN_EU),
        "client_secret": Secret(CLIENT_SECRET),
        "redactor": redactor,
    }
    with Transport(ConnectionOptions(connect_timeout=5, timeout=5), redactor) as transport:
        caller = Persistent(transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
        key = ApiKeyLogin(caller=caller, base_url=emulator.url, **given)
        with pytest.raises(errors.WrongRegion) as raised:
            CloudStore(GraphQL(caller=caller, base_url=emulator.url, auth=key)).tests_named(("SHOP-3",))
        locate(raised.value, hosts, asked=emulator.url, caller=caller, **given)
    assert CLIENT_SECRET not in raised.value.next
    return raised.value


def test_the_region_that_gives_data_is_named(emulator, elsewhere, clock):
    """The refused host is not asked again and signs nothing anew; the other one is asked for a token and for data."""
    failure = refused(emulator, clock, {"global": emulator.url, "eu": elsewhere.url})

    assert failure.next.startswith("Set `region: eu`")
    assert ONCE == paths(emulator) == paths(elsewhere)


def test_a_token_alone_names_no_region(emulator, elsewhere, clock):
    """A host that gives out tokens and no data is not the one."""
    elsewhere.settings(region="us")
    failure = refused(emulator, clock, {"global": emulator.url, "us": elsewhere.url})

    assert "us were tried" in failure.next
    assert "support" in failure.next
    assert paths(elsewhere) == ONCE


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401, "body": {"error": "Authentication failed. Invalid client credentials!"}},
        {"status": 200, "body": "<html><title>Front door</title></html>"},
    ],
)
def test_a_host_without_token_is_ignored(emulator, elsewhere, clock, fault):
    """One host's refusal does not end the search."""
    elsewhere.fault("POST", "/api/v2/authenticate", **fault)
    failure = refused(emulator, clock, {"us": elsewhere.url, "eu": elsewhere.url})

    assert failure.next.startswith("Set `region: eu`")


def test_a_page_is_no_data(emulator, elsewhere, clock):
    """Status 200 from something in front of a host proves nothing."""
    elsewhere.fault("POST", "/api/v2/graphql", status=200, body="<html><title>Front door</title></html>")
    failure = refused(emulator, clock, {"global": emulator.url, "eu": elsewhere.url})

    assert "support" in failure.next


def test_without_another_host_the_advice_stays(emulator, clock):
    """Where only one address is known nothing is asked and nothing is claimed."""
    failure = refused(emulator, clock, {"global": emulator.url})

    assert errors.WrongRegion.advice == failure.next
    assert paths(emulator) == ONCE
