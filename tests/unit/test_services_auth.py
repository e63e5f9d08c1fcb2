"""Who signs: tokens are asked for once, registered before anything can show them, and never invented."""

from __future__ import annotations

import json

import pytest
from wire_server import WireServer, answer, says

from xray_ci import errors
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import ApiKeyLogin, Basic, Bearer, OAuth1
from xray_ci.services.transport import Transport
from xray_ci.services.wire import Call, CallKind, ConnectionOptions

CALL = Call(kind=CallKind.READ, method="GET", url="https://jira.example/rest/api/latest/myself")
TOKEN = "eyJhbGciOi.eyJ0ZW5hbnQi.c2lnbmF0dXJl"


def api_key(transport, server, redactor, version="v2"):
    """Return an API key against a server."""
    return ApiKeyLogin(
        caller=transport,
        base_url=server.url + "/",
        version=version,
        client_id=Secret("the-client-id"),
        client_secret=Secret("the-client-secret"),
        redactor=redactor,
    )


def asked(*answers: bytes, times=1):
    """Ask for headers and return them, what was sent, and the redactor."""
    redactor = Redactor()
    with WireServer(says(*answers)) as server, Transport(ConnectionOptions(timeout=5), redactor) as transport:
        key = api_key(transport, server, redactor)
        headers = [key.header(CALL).reveal() for _ in range(times)]
    return headers, server.requests, redactor


@pytest.mark.parametrize("body", [f'"{TOKEN}"', TOKEN, f' "{TOKEN}"\n'])
def test_a_token_loses_its_quotes_and_is_kept(body):
    """One request serves all headers of a run, and no quote is in them."""
    headers, (request,), redactor = asked(answer(body=body.encode()), times=3)

    assert [f"Bearer {TOKEN}"] * 3 == headers
    assert request.line == "POST /api/v2/authenticate HTTP/1.1"
    assert json.loads(request.body) == {"client_id": "the-client-id", "client_secret": "the-client-secret"}
    assert redactor(TOKEN) == "***"


def test_a_renewed_key_asks_again():
    """After a refusal the next header comes from a new token."""
    redactor = Redactor()
    with (
        WireServer(says(answer(body=f'"{TOKEN}"'.encode()), answer(body=b'"a.b.c"'))) as server,
        Transport(ConnectionOptions(), redactor) as transport,
    ):
        key = api_key(transport, server, redactor)
        first = key.header(CALL)

        assert key.renew()
        assert "Bearer a.b.c" == key.header(CALL).reveal() != first.reveal()


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (answer("401 No", b'{"error":"Authentication failed. Invalid client credentials!"}'), errors.WrongCredentials),
        (answer("400 Bad", b"client_id missing"), errors.WrongCredentials),
        (answer("401 No", b"The Xray license is not valid"), errors.WrongCredentials),
        (answer("404 No", b"<html><title>Nothing</title></html>"), errors.NotTheService),
        (answer(body=b"<html><title>Welcome</title></html>"), errors.NotTheService),
        (answer(body=b'{"token":"the-strange-token"}'), errors.NotTheService),
        (answer(body=b'""'), errors.NotTheService),
        (answer("302 Found", Location="https://sso.example/login"), errors.LoginPage),
        (answer("502 Bad"), errors.Unreachable),
        (b"", errors.Unreachable),
    ],
)
def test_no_token_is_a_failure_that_never_shows_the_answer_of_a_success(wire, kind):
    """Whatever is no token stops with its failure; an unknown shape of a token is not shown."""
    with pytest.raises(errors.Failure) as raised:
        asked(wire)

    assert kind is type(raised.value)
    assert "the-strange-token" not in f"{raised.value.what} {raised.value.answer} {raised.value.raw}"
    assert "the-client-secret" not in f"{raised.value.what} {raised.value.answer} {raised.value.where}"


def test_an_invalid_licence_is_advised():
    """A 401 that speaks of the licence leads to the administrator."""
    with pytest.raises(errors.NotAuthorised) as raised:
        asked(answer("401 No", b"The Xray license is not valid"))

    assert "licence" in raised.value.next


@pytest.mark.parametrize(
    "auth",
    [
        Bearer(token=Secret("t")),
        Basic(user="u", password=Secret("p")),
        OAuth1(consumer_key=Secret("c"), token=Secret("t"), private_key=Secret("k")),
    ],
)
def test_credentials_that_are_given_are_never_renewed(auth):
    """Repeating a refused password or token leads to a CAPTCHA and nowhere else."""
    assert not auth.renew()
