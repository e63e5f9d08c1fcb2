"""The emulator as tests see it: two fixtures and a client for its control interface.

`emulator_server` serves once a session (and a worker), `emulator` resets it before every test that asks for it.
Standard library only, so that what is tested is never used to test.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from xray_ci.emulator.server import Emulator, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLIENT_ID = "EMULATORCLIENTID0000000000000001"
CLIENT_ID_WITHOUT_PROJECTS = "EMULATORCLIENTID0000000000000002"
CLIENT_ID_IN_EU = "EMULATORCLIENTID0000000000000003"
CLIENT_SECRET = "emulator-secret"
SERVER_TOKEN = "emulator-pat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


class Emulated:
    """A running emulator: what it was asked, what it holds, how it behaves, and plain HTTP to it."""

    def __init__(self, url: str, kept: http.client.HTTPConnection | None = None) -> None:
        """Take its address, and a connection for the control interface; without one each call has its own."""
        self.url = url
        self._kept = kept
        self.jira_url = f"{url}/jira"
        self._place = urlsplit(url).netloc
        self._tokens: dict[str, str] = {}

    # Control

    def reset(self) -> None:
        """Go back to the seed world."""
        self._control("POST", "reset")

    def state(self) -> dict[str, Any]:
        """Return the whole world."""
        return self._control("GET", "state")

    def requests(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the log of requests, of one kind or all, oldest first."""
        return [each for each in self._control("GET", "requests") if kind in (None, each["kind"])]

    def fault(self, method: str, path: str, *, contains: str = "", **order: Any) -> None:
        """Order a fault for requests whose body contains a text.

        `status`, `headers`, `body`, `delay_s`, `drop`, `times`, `skip`, `work`, `later_s`.
        """
        self._control("POST", "faults", {"match": {"method": method, "path": path, "contains": contains}, **order})

    def clock(self, **order: Any) -> str:
        """Move time (`advance` seconds, `set` moment, `freeze`) and return the moment."""
        return self._control("POST", "clock", order)["now"]

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change how the emulator behaves; return all settings."""
        return self._control("PATCH", "settings", changes)

    # Questions tests ask often

    def issue(self, key: str) -> dict[str, Any]:
        """Return one issue."""
        return self.state()["issues"][key]

    def executions(self) -> list[dict[str, Any]]:
        """Return the Test Executions that were made since the reset, oldest first."""
        return [
            each for each in self.state()["issues"].values() if each["type"] == "Test Execution" and not each["seeded"]
        ]

    def created_tests(self) -> list[dict[str, Any]]:
        """Return the Tests that were made since the reset."""
        return [each for each in self.state()["issues"].values() if each["type"] == "Test" and not each["seeded"]]

    def runs(self, key: str) -> dict[str, dict[str, Any]]:
        """Return the runs of one Test Execution, by key of the Test."""
        return self.issue(key)["execution"]["runs"]

    def kinds_of_calls(self) -> list[str]:
        """Return the kind of every call, in order."""
        return [each["kind"] for each in self.requests()]

    def imports(self) -> list[dict[str, Any]]:
        """Return the import requests."""
        return self.requests("import")

    def body(self, n: int) -> bytes:
        """Return the body of import request number `n` of the log, as received."""
        return self._raw(f"requests/{n}/body")

    def part(self, n: int, name: str) -> bytes:
        """Return one part of import request number `n` of the log."""
        return self._raw(f"requests/{n}/parts/{quote(name)}")

    def document(self) -> Any:
        """Return the JSON body of the last import."""
        return json.loads(self.body(self.imports()[-1]["n"]))

    def page_version(self, page: str = "131073") -> int:
        """Return the version of a Confluence page."""
        return self.state()["pages"][page]["version"]

    # Plain HTTP

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request; `_` in a header's name stands for `-`. Raises what http.client raises."""
        connection = http.client.HTTPConnection(self._place, timeout=30)
        try:
            return _asked(connection, method, path, body, **headers)
        finally:
            connection.close()

    def token(self, client_id: str = CLIENT_ID) -> str:
        """Ask Xray Cloud for a token."""
        body = json.dumps({"client_id": client_id, "client_secret": CLIENT_SECRET}).encode()
        return self.call("POST", "/api/v2/authenticate", body, Content_Type="application/json").json()

    def cloud(
        self,
        path: str,
        body: Any,
        *,
        kind: str = "application/json",
        client_id: str = CLIENT_ID,
        version: str = "v2",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post to Xray Cloud's import root; a dictionary or list travels as JSON."""
        place = f"/api/{version}/import/execution{path}" + (f"?{urlencode(query)}" if query else "")
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", place, data, Content_Type=kind, Authorization=f"Bearer {self.token(client_id)}")

    def server(
        self,
        path: str,
        body: Any,
        *,
        kind: str = "application/json",
        version: str = "2.0",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post to Xray Server's import root."""
        place = f"/jira/rest/raven/{version}/import/execution{path}" + (f"?{urlencode(query)}" if query else "")
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", place, data, Content_Type=kind, Authorization=f"Bearer {SERVER_TOKEN}")

    def graphql(self, query: str, *, client_id: str = CLIENT_ID, **variables: Any) -> Answer:
        """Send one document to Xray Cloud's GraphQL, with a token asked for once."""
        if client_id not in self._tokens:
            self._tokens[client_id] = self.token(client_id)
        body = json.dumps({"query": query, "variables": variables}).encode()
        return self.call(
            "POST",
            "/api/v2/graphql",
            body,
            Content_Type="application/json",
            Authorization=f"Bearer {self._tokens[client_id]}",
        )

    def operations(self) -> list[str]:
        """Return the fields at the top of every GraphQL document, in order."""
        return [name for each in self.requests() for name in each["operations"]]

    def _control(self, method: str, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        if self._kept is None:
            answer = self.call(method, f"/__emulator__/{name}", data, Content_Type="application/json")
        else:
            if self._kept.sock and select.select([self._kept.sock], [], [], 0)[0]:
                self._kept.close()  # it idled for too long and was ended; the next request opens it again
            answer = _asked(self._kept, method, f"/__emulator__/{name}", data, Content_Type="application/json")
        assert answer.status == 200, answer.text
        return answer.json()

    def _raw(self, name: str) -> bytes:
        answer = self.call("GET", f"/__emulator__/{name}")
        assert answer.status == 200, answer.text
        return answer.body


def _asked(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, **headers: str
) -> Answer:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=response.read(),
    )


def form(**parts: tuple[str | None, bytes, str]) -> tuple[bytes, str]:
    """Make a multipart body of (file name, content, type) by part name; return it with its content type."""
    boundary = secrets.token_hex(12)
    lines: list[bytes] = []
    for name, (filename, content, kind) in parts.items():
        shown = "" if filename is None else f'; filename="{filename}"'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\nContent-Type: {kind}\r\n\r\n'
        lines.extend([head.encode(), content, b"\r\n"])
    return b"".join([*lines, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def basic(user: str, password: str) -> str:
    """Make a Basic header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[Emulator]:
    """Serve the emulator from a thread while the session lasts; `make facts` names a report of a site."""
    with Emulator(port=0, serving=Serving(facts=os.environ.get("XRAY_CI_FACTS", ""))) as serving:
        yield serving


@pytest.fixture(scope="session")
def _control_connection(emulator_server: Emulator) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(emulator_server.url).netloc, timeout=30)
    yield connection
    connection.close()


@pytest.fixture
def emulator(emulator_server: Emulator, _control_connection: http.client.HTTPConnection) -> Emulated:
    """Give the emulator in its seed world."""
    emulated = Emulated(emulator_server.url, _control_connection)
    emulated.reset()
    return emulated
