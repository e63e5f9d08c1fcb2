"""Slow proof: much work against a narrow rate window, over a real socket and by the emulator's clock."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from emulator_client import CLIENT_ID, CLIENT_SECRET, Emulated

from xray_ci.delivery.retry import Persistent
from xray_ci.deployments import CLOUD
from xray_ci.emulator.server import Emulator
from xray_ci.emulator.world import Clock as EmulatorClock
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin
from xray_ci.services.graphql import GraphQL
from xray_ci.services.transport import Transport
from xray_ci.services.verdict import origin
from xray_ci.services.wire import ConnectionOptions

pytestmark = pytest.mark.proof
WORK, LIMIT = 5000, 60


@pytest.mark.timeout(600)
def test_five_thousand_requests_against_sixty_a_minute(clock):
    """All work is done in little more than its time.

    No request but the one that found it shut is sent into a shut window.
    """
    redactor = Redactor()
    with (
        Emulator(port=0, clock=EmulatorClock(monotonic=clock.monotonic)) as server,
        Transport(ConnectionOptions(connect_timeout=5, timeout=5), redactor) as transport,
    ):
        emulated = Emulated(server.url)
        emulated.settings(rate_limit=LIMIT)
        caller = Persistent(
            transport,
            sleep=clock.sleep,
            clock=clock.monotonic,
            random=Random(1),
            time_budget=20_000,
            rates={origin(server.url): CLOUD.rate},
        )
        key = ApiKeyLogin(
            caller=caller,
            base_url=server.url,
            version="v2",
            client_id=Secret(CLIENT_ID),
            client_secret=Secret(CLIENT_SECRET),
            redactor=redactor,
        )
        graphql = GraphQL(caller=caller, base_url=server.url, auth=key)
        for _ in range(WORK):
            graphql.call("{ getStatuses { name } }", {})
        log = [each for each in emulated.requests() if each["path"] == "/api/v2/graphql"]

    statuses = Counter(each["status"] for each in log)
    moments = [(datetime.fromisoformat(each["time"]), each["status"]) for each in log]
    assert statuses[200] == WORK
    assert statuses[429] < WORK / 20
    assert clock.passed < 1.1 * WORK
    accepted = [moment for moment, status in moments if status == 200]
    for before, (moment, status) in pairwise(moments):
        if before[1] == 429:
            assert status == 200, f"a second request was refused at {moment}"
    assert all(
        late - early >= timedelta(seconds=LIMIT) for early, late in zip(accepted, accepted[LIMIT:], strict=False)
    )
