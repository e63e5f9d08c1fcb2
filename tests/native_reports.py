"""One tiny report of each native format, all about the same thing, and the delivery room pointed at the emulator."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from emulator_client import CLIENT_ID, CLIENT_SECRET, SERVER_TOKEN

from xray_ci.delivery.progress import Context
from xray_ci.delivery.retry import Persistent
from xray_ci.deployments import Deployment
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin, Bearer
from xray_ci.services.cloud import CloudStore
from xray_ci.services.graphql import GraphQL
from xray_ci.services.jira import Jira
from xray_ci.services.server import ServerStore
from xray_ci.services.transport import Transport
from xray_ci.services.wire import ConnectionOptions
from xray_ci.services.xray import Xray

TIME_BUDGET = 1800.0
_CUCUMBER = [
    {
        "keyword": "Feature",
        "name": "Search",
        "uri": "search.feature",
        "id": "search",
        "elements": [
            {
                "type": "scenario",
                "keyword": "Scenario",
                "name": "finds",
                "id": "search;finds",
                "tags": [{"name": "@SHOP-8"}],
                "steps": [{"keyword": "Given ", "name": "a catalogue", "result": {"status": "passed", "duration": 1}}],
            }
        ],
    }
]
_BEHAVE = [
    {
        "keyword": "Feature",
        "name": "Search",
        "status": "passed",
        "location": "search.feature:1",
        "tags": [],
        "elements": [
            {
                "type": "scenario",
                "keyword": "Scenario",
                "name": "finds",
                "status": "passed",
                "tags": ["SHOP-8"],
                "location": "search.feature:2",
                "steps": [],
            }
        ],
    }
]


def _bundle() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("results.json", json.dumps(_CUCUMBER))
    return held.getvalue()


REPORTS: dict[str, bytes] = {
    "junit": b"<testsuite name='s'><testcase classname='shop.cart.CartTest' name='adds_item'/></testsuite>",
    "testng": b"<testng-results><suite name='s'><test name='t'><class name='shop.cart.CartTest'>"
    b"<test-method status='PASS' name='adds_item' signature='x'/></class></test></suite></testng-results>",
    "nunit": b"<test-run><test-suite><test-case name='adds_item' fullname='shop.cart.CartTest.adds_item' "
    b"result='Passed'/>"
    b"</test-suite></test-run>",
    "xunit": b"<assemblies><assembly><collection><test name='adds_item' type='shop.cart.CartTest' method='adds_item' "
    b"result='Pass'/>"
    b"</collection></assembly></assemblies>",
    "robot": b"<robot><suite name='Shop'><test name='adds item'><status status='PASS'/></test></suite></robot>",
    "cucumber": json.dumps(_CUCUMBER).encode(),
    "behave": json.dumps(_BEHAVE).encode(),
    "bundle": _bundle(),
}


def form_info(deployment: Deployment, summary: str = "nightly") -> dict[str, object]:
    """Return the part `info` as the Xray side makes it."""
    fields: dict[str, object] = {
        "project": {"key": "SHOP"},
        "summary": summary,
        "issuetype": {"name": "Test Execution"},
        "labels": ["ci"],
    }
    if deployment.key == "cloud":
        return {"fields": fields, "xrayFields": {"testPlanKey": "SHOP-2", "environments": ["chrome"]}}
    return {"fields": fields | {"customfield_11807": ["SHOP-2"], "customfield_11805": ["chrome"]}}


class Side:
    """All clients of one deployment at the emulator, as the pipeline would make them, and the means to deliver with."""

    def __init__(
        self,
        emulator,
        deployment: Deployment,
        caller: Persistent,
        clock,
        redactor: Redactor,
        version,
        *,
        client_id,
        secret,
        token,
    ) -> None:
        base = emulator.url if deployment.key == "cloud" else emulator.jira_url
        version = version or deployment.api_versions[0]
        self.auth = (
            ApiKeyLogin(
                caller=caller,
                base_url=base,
                version=version,
                client_id=Secret(client_id),
                client_secret=Secret(secret),
                redactor=redactor,
            )
            if deployment.key == "cloud"
            else Bearer(token=Secret(token))
        )
        self.caller = caller
        self.redactor = redactor
        self.xray = Xray(caller=caller, deployment=deployment, base_url=base, version=version, auth=self.auth)
        self.jira = Jira(caller=caller, base_url=emulator.jira_url, auth=Bearer(token=Secret(token)))
        self.store = (
            CloudStore(GraphQL(caller=caller, base_url=base, auth=self.auth))
            if deployment.key == "cloud"
            else ServerStore(self.jira, version=version)
        )
        self.context = Context(
            xray=self.xray,
            store=self.store,
            random=Random(1),
            sleep=clock.sleep,
            work=Path("/nowhere"),
            left=lambda: TIME_BUDGET - clock.monotonic(),
        )


@contextmanager
def side(
    emulator,
    deployment: Deployment,
    clock,
    *,
    version: str | None = None,
    client_id: str = CLIENT_ID,
    secret: str = CLIENT_SECRET,
    token: str = SERVER_TOKEN,
    options: ConnectionOptions | None = None,
) -> Iterator[Side]:
    """Give the clients of a deployment; waits move the clock that is handed in."""
    redactor = Redactor()
    with Transport(options or ConnectionOptions(connect_timeout=5, timeout=5), redactor) as transport:
        caller = Persistent(
            transport, sleep=clock.sleep, clock=clock.monotonic, random=Random(1), time_budget=TIME_BUDGET
        )
        yield Side(
            emulator, deployment, caller, clock, redactor, version, client_id=client_id, secret=secret, token=token
        )
