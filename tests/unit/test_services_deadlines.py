"""Deadlines of one call.

Sending, the head and the body of an answer, and what a proxy says before it, bounded in total.
"""

from __future__ import annotations

import itertools
import threading

import pytest
from wire_server import Connection, WireServer, answer, outcome_of, says

from xray_ci.secret import Redactor
from xray_ci.services.body import Pieces, Upload
from xray_ci.services.transport import Transport
from xray_ci.services.wire import Call, CallKind, ConnectionOptions, Lost, NotSent


def test_a_dripping_answer_ends_at_the_time_cap(clock):
    """A body that comes piece by piece, each within the read timeout, cannot take for ever."""

    def drips(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(1000):
            connection.send(b"x" * 100)

    def ticking() -> float:
        clock.sleep(400)
        return clock.monotonic()

    with WireServer(drips) as server, Transport(ConnectionOptions(), Redactor(), clock=ticking) as transport:
        outcome = transport.call(Call(kind=CallKind.READ, method="GET", url=server.url))

    assert Lost(cause="status 200 came, and then its body was not complete within 300 s") == outcome


def _drip(connection: Connection, *pieces: bytes) -> None:
    """Send pieces a fiftieth of a second apart, for ever, until nobody listens any more."""
    pace = threading.Event()
    for piece in itertools.cycle(pieces):
        connection.send(piece)
        pace.wait(0.02)


@pytest.mark.parametrize(
    "drips",
    [
        lambda connection: _drip(connection, *(b"HTTP/1.1 100 Continue\r\n\r\n"[n : n + 1] for n in range(25))),
        lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\nX-Long: "), _drip(connection, b"x")),
    ],
    ids=["endless-interim-answers", "endless-line"],
)
def test_a_dripping_head_ends_at_the_time_cap(drips):
    """A head that comes byte by byte, each within the read timeout, cannot take for ever.

    Whether it was done is not known.
    """
    with WireServer(lambda connection: (connection.request(), drips(connection))) as server:
        outcome = outcome_of(server.url, options=ConnectionOptions(connect_timeout=5, timeout=0.2))

    assert Lost(cause="no answer within 0.2 s", slow=True) == outcome


def test_a_dripping_body_ends_at_the_time_cap_of_the_whole_answer():
    """Head and body share one allowance, so that a slow head leaves less for the body."""

    def drips(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        _drip(connection, b"x")

    with WireServer(drips) as server:
        outcome = outcome_of(server.url, body=None, options=ConnectionOptions(connect_timeout=5, timeout=0.2))

    assert Lost(cause="status 200 came, and then its body was not complete within 0.2 s") == outcome


def test_a_proxy_that_drips_gives_no_connection(monkeypatch):
    """What a proxy says before the connection stands is bounded by the connect timeout in total: certainly not sent."""
    with WireServer(
        lambda connection: (connection.head(), connection.send(b"HTTP/1.1 200 "), _drip(connection, b"x"))
    ) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        outcome = outcome_of("https://xray-ci.invalid/", options=ConnectionOptions(connect_timeout=0.2, timeout=5))

    assert isinstance(outcome, NotSent)


def test_a_body_that_nobody_takes_in_time_is_lost(clock):
    """A service that takes piece after piece too slowly is left; what it does with the half is not known."""

    def ticking() -> float:
        clock.sleep(200)
        return clock.monotonic()

    body = Pieces(pieces=(b"x" * 3_000_000,))
    with WireServer(says(answer())) as server, Transport(ConnectionOptions(), Redactor(), clock=ticking) as transport:
        outcome = transport.call(
            Call(kind=CallKind.IMPORT, method="POST", url=server.url, upload=Upload(content_type="a/b", body=body))
        )

    assert Lost(cause="the request was not taken in time", slow=True) == outcome


@pytest.mark.parametrize(("size", "seconds"), [(0, 300), (999_999, 300), (1_000_000, 310), (50_000_000, 800)])
def test_patience_grows_with_the_body(size, seconds):
    """A service works a large import off before it answers: ten seconds more for each MB."""
    assert seconds == ConnectionOptions(timeout=300).patience(size)
