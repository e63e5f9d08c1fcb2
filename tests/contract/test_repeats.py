"""What is repeated against the services as they answer.

Signed anew once, waited for as told, no faster than a limit allows.
"""

from __future__ import annotations

from random import Random

import pytest
from emulator_client import CLIENT_ID, CLIENT_SECRET, SERVER_TOKEN

from xray_ci import errors
from xray_ci.delivery.retry import Persistent
from xray_ci.emulator.server import Emulator
from xray_ci.emulator.world import Clock as EmulatorClock
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin, Bearer
from xray_ci.services.cloud import CloudStore
from xray_ci.services.graphql import GraphQL
from xray_ci.services.jira import Jira
from xray_ci.services.server import ServerStore
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions


@pytest.fixture
def stores(emulator, clock):
    """Give both products' stores, with the policy of repeats in front of the emulator."""
    with Transport(ConnectionOptions(connect_timeout=5, timeout=5), redactor := Redactor()) as transport:
        caller = Persistent(transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
        key = ApiKeyLogin(
            caller=caller,
            base_url=emulator.url,
            version="v2",
            client_id=Secret(CLIENT_ID),
            client_secret=Secret(CLIENT_SECRET),
            redactor=redactor,
        )
        yield {
            "cloud": CloudStore(GraphQL(caller=caller, base_url=emulator.url, auth=key)),
            "server": ServerStore(
                Jira(caller=caller, base_url=emulator.jira_url, auth=Bearer(token=Secret(SERVER_TOKEN)))
            ),
        }


@pytest.mark.parametrize(
    ("side", "path", "logins", "reads"),
    [("cloud", "/api/v2/graphql", 2, 2), ("server", "/jira/rest/api/latest/*", 0, 1)],
)
def test_a_read_that_is_not_authorised_is_signed_anew_once_on_cloud_only(
    emulator, stores, clock, side, path, logins, reads
):
    """Cloud's token is asked for once more and no third time.

    Server/DC answers repeated failures with a CAPTCHA: no repeat.
    """
    emulator.fault("*", path, status=401, times=-1, body={"error": "Invalid JWT: TokenExpiredError: jwt expired"})
    with pytest.raises(errors.WrongCredentials):
        stores[side].tests_named(("SHOP-3",))

    asked = [each["path"] for each in emulator.requests()]
    assert logins == asked.count("/api/v2/authenticate")
    assert logins + reads == len(asked)
    assert clock.slept == []


@pytest.mark.parametrize("side", ["cloud", "server"])
def test_a_narrow_window_is_waited_out(clock, side):
    """Twenty lookups through a window of five a minute, by the emulator's clock.

    Each is answered, no shut window is asked twice.
    """
    with (
        Emulator(port=0, clock=EmulatorClock(monotonic=clock.monotonic)) as server,
        Transport(ConnectionOptions(connect_timeout=5, timeout=5), redactor := Redactor()) as transport,
    ):
        server.emulation.switches.patch({"rate_limit": 5, "server_rate_limit": 5})
        caller = Persistent(transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1))
        key = ApiKeyLogin(
            caller=caller,
            base_url=server.url,
            version="v2",
            client_id=Secret(CLIENT_ID),
            client_secret=Secret(CLIENT_SECRET),
            redactor=redactor,
        )
        cloud = CloudStore(GraphQL(caller=caller, base_url=server.url, auth=key))
        jira = Jira(caller=caller, base_url=f"{server.url}/jira", auth=Bearer(token=Secret(SERVER_TOKEN)))
        for _ in range(20):
            assert cloud.tests_named(("SHOP-3",)) if side == "cloud" else jira.fields()
        statuses = [each.status for each in server.emulation.records if "authenticate" not in each.path]

    assert statuses.count(200) == 20
    assert 0 < statuses.count(429) <= 5
    assert "429 429" not in " ".join(map(str, statuses))
    assert 180 <= clock.passed < 260
