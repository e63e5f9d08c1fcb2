"""Connections that are never made: names, ports, certificates, proxies.

Certainly not sent, and said without a secret.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from wire_server import WireServer, answer, outcome_of, says

from xray_ci.errors import ConfigurationError
from xray_ci.secret import Redactor
from xray_ci.services.wire import Answered, ConnectionOptions, Lost, NotSent, Unsent

PEM = Path(__file__).resolve().parent.parent / "data" / "services"


def test_a_refused_connection_was_not_sent():
    """Nobody listens: certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    outcome = outcome_of(f"http://127.0.0.1:{port}")

    assert NotSent(cause="connection refused", reason=Unsent.CONNECT) == outcome


def test_an_unknown_name_was_not_sent():
    """A host without an address: certainly not sent."""
    assert NotSent(cause="the name of the host cannot be resolved", reason=Unsent.NAME) == outcome_of(
        "http://xray-ci.invalid/"
    )


@pytest.mark.parametrize(
    "url", ["http://", "nonsense", "http://[::1/", f"http://{'a' * 70}.invalid/", "ftp://127.0.0.1/"]
)
def test_an_address_that_is_none_was_not_sent(url):
    """What cannot be an address is an outcome, not a traceback."""
    outcome = outcome_of(url)

    assert isinstance(outcome, NotSent)
    assert outcome.reason in {Unsent.ADDRESS, Unsent.NAME}


def _server_tls(*, client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM / "localhost.pem", PEM / "localhost.key")
    if client:
        context.load_verify_locations(PEM / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_an_unknown_authority_was_not_sent():
    """A certificate that nobody vouches for stops the request before anything is sent."""
    with WireServer(says(answer()), tls=_server_tls()) as server:
        outcome = outcome_of(server.url)

    assert isinstance(outcome, NotSent)
    assert Unsent.TLS is outcome.reason
    assert "certificate" in outcome.cause
    assert server.requests == []


def test_the_bundle_is_added_to_the_systems_authorities():
    """With the authority's certificate the same server is trusted."""
    options = ConnectionOptions(ca_bundle=PEM / "ca.pem")
    with WireServer(says(answer(body=b"1")), tls=_server_tls()) as server:
        outcome = outcome_of(server.url, options=options)

    assert isinstance(outcome, Answered)


def test_a_client_certificate_is_shown():
    """A server that wants one gets ours; without it the request was certainly not taken."""
    bundle = PEM / "ca.pem"
    with WireServer(says(answer(body=b"1")), tls=_server_tls(client=True)) as server:
        with_it = outcome_of(
            server.url,
            options=ConnectionOptions(
                ca_bundle=bundle, client_certificate=PEM / "client.pem", client_key=PEM / "client.key"
            ),
        )
        without = outcome_of(server.url, options=ConnectionOptions(ca_bundle=bundle))

    assert isinstance(with_it, Answered)
    assert isinstance(without, (NotSent, Lost))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "options",
    [
        ConnectionOptions(ca_bundle=PEM / "missing.pem"),
        ConnectionOptions(ca_bundle=PEM / "client.key"),
        ConnectionOptions(client_certificate=PEM / "client.pem", client_key=PEM / "client-locked.key"),
        ConnectionOptions(client_certificate=PEM / "client.pem", client_key=PEM / "localhost.key"),
    ],
)
def test_tls_files_that_cannot_be_used_are_configuration(options):
    """A missing bundle, an encrypted or another key name their setting and never ask on a terminal."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        outcome_of("https://127.0.0.1:1/", options=options)


def test_plain_http_behind_https_was_not_sent():
    """An https address whose port speaks http is a TLS failure."""
    with WireServer(lambda connection: connection.send(answer())) as server:
        outcome = outcome_of(server.url.replace("http:", "https:"))

    assert isinstance(outcome, NotSent)


def test_a_proxy_is_used_and_its_password_becomes_a_secret(monkeypatch):
    """The usual variables count, and a password in one is cut out of every text from then on."""
    redactor = Redactor()
    with WireServer(says(answer())) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:open%20sesame@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        outcome = outcome_of("http://xray.example/path", redactor=redactor)

    assert isinstance(outcome, Answered)
    assert proxy.requests[0].line == "POST http://xray.example/path HTTP/1.1"
    assert redactor("open%20sesame open sesame") == "*** ***"


def test_loopback_never_goes_through_a_proxy(monkeypatch):
    """What is sent to this machine stays on it, whatever the variables say."""
    with WireServer(says(answer())) as server, WireServer(says(answer())) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        outcome = outcome_of(server.url)

    assert isinstance(outcome, Answered)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_a_proxy_that_refuses_the_tunnel_was_not_sent(monkeypatch):
    """A tunnel that is not opened carried nothing; the message holds no password."""
    with WireServer(says(answer("407 Proxy Authentication Required"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:open-sesame@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        outcome = outcome_of("https://xray.example/path")

    assert (
        NotSent(cause="the proxy gave no connection: 407 Proxy Authentication Required", reason=Unsent.PROXY_LOGIN)
        == outcome
    )
