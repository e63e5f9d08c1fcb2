"""Laws of what a service echoes.

A registered secret never shows, in whatever form and however the answer was cut on its way.
"""

from __future__ import annotations

import base64
import io
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_server import Connection, WireServer, outcome_of

from xray_ci.ci.console import Console, Level
from xray_ci.ci.provider import surroundings
from xray_ci.secret import SHORTEST, Redactor
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import CallKind

SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST, max_size=40)
FORMS = {
    "raw": str,
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "Basic": lambda secret: base64.b64encode(f"someone:{secret}".encode()).decode(),
}


class Echo:
    """Answers every request with what is to be said, in HTTP chunks of chosen sizes, each a write of its own."""

    def __init__(self) -> None:
        self.status = "400 Bad Request"
        self.body = b""
        self.sizes: list[int] = [1]

    def __call__(self, connection: Connection) -> None:
        """Serve one connection."""
        connection.request()
        connection.send(f"HTTP/1.1 {self.status}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
        position, number = 0, 0
        while position < len(self.body):
            piece = self.body[position : position + self.sizes[number % len(self.sizes)]]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            position, number = position + len(piece), number + 1
        connection.send(b"0\r\n\r\n")


@pytest.fixture(scope="module")
def echo():
    """Return a service that says what it is told."""
    said = Echo()
    with WireServer(said) as server:
        yield server.url, said


@given(
    secret=SECRETS,
    form=st.sampled_from(sorted(FORMS)),
    around=st.tuples(st.text(max_size=9), st.text(max_size=9)),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    status=st.sampled_from(["400 Bad Request", "401 Unauthorized", "503 Busy"]),
    as_json=st.booleans(),
    kind=st.sampled_from([CallKind.AUTHENTICATE, CallKind.IMPORT, CallKind.READ]),
)
def test_a_secret_that_is_echoed_in_pieces_is_not_shown(echo, secret, form, around, sizes, status, as_json, kind):
    """Chunks of one to nine bytes, an error of JSON or of plain text.

    What is printed of it holds no form of the secret.
    """
    url, said = echo
    shown = FORMS[form](secret)
    text = f"{around[0]} {shown} {around[1]}"
    said.status, said.sizes = status, sizes
    said.body = (json.dumps({"error": text}) if as_json else text).encode(errors="replace")
    redactor, out = Redactor(), io.StringIO()
    redactor.register(secret)
    console = Console(out, level=Level.DEBUG, surroundings=surroundings({}), redactor=redactor)

    console.failure(
        failure(outcome_of(url, kind=kind), Asked(kind=kind, service="Xray Cloud", setting="xray-url", url=url))
    )

    assert "Xray Cloud" in out.getvalue()
    assert secret not in out.getvalue()
    # The last letters of a Basic header depend on the secret alone, but for a part of a group at either end.
    assert (
        shown[16 if form == "Basic" else 0 : len(shown) // 4 * 4 - 4 if form in ("Basic", "base64") else None]
        not in out.getvalue()
        or len(shown) < 24
    )
