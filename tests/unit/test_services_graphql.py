"""GraphQL's frame: data or a failure, whatever the status; values travel as variables, big ones from pieces."""

from __future__ import annotations

import json

import pytest
from wire_server import Signing, WireServer, answer, says

from xray_ci import errors
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import Bearer
from xray_ci.services.body import HOLE
from xray_ci.services.graphql import GraphQL
from xray_ci.services.wire import ConnectionOptions

DATA = b'{"data":{"a":{"b":1}}}'
ERRORS = b'{"errors":[{"message":"first","path":["a"]},{"message":"second"},"odd"],"data":{"a":null}}'
PARTLY = b'{"errors":[{"message":"late","path":["a","b"]}],"data":{"a":{"b":null}}}'


def called(*answers: bytes, query="query { a }", variables=None, **more):
    """Send one document; return the data or the failure, with what was sent."""
    with (
        WireServer(says(*answers)) as server,
        Signing(ConnectionOptions(connect_timeout=5, timeout=5), Redactor()) as transport,
    ):
        graphql = GraphQL(caller=transport, base_url=server.url + "/", auth=Bearer(token=Secret("the-token")))
        try:
            result = graphql.call(query, variables or {}, **more)
        except errors.Failure as failure:
            result = failure
    return result, server.requests


def test_a_document_travels_with_its_variables():
    """One JSON body, one address, the token of the API key."""
    data, (request,) = called(answer(body=DATA), query="query($x: String) { a }", variables={"x": 'ü"'})

    assert data == {"a": {"b": 1}}
    assert request.line == "POST /api/v2/graphql HTTP/1.1"
    assert (request.headers["authorization"], request.headers["content-type"]) == (
        "Bearer the-token",
        "application/json",
    )
    assert json.loads(request.body) == {"query": "query($x: String) { a }", "variables": {"x": 'ü"'}}


def test_pieces_fill_the_first_hole():
    """What lies on disk takes its place in the variables, and a name with the same sign stays a name."""
    _, (request,) = called(
        answer(body=DATA), variables={"item": {"data": HOLE, "name": "a\x00b"}}, pieces=(b"AAAA", b"BBBB")
    )

    assert json.loads(request.body)["variables"]["item"] == {"data": "AAAABBBB", "name": "a\x00b"}


@pytest.mark.parametrize(
    ("wire", "kind", "said"),
    [
        (answer(body=ERRORS), errors.Refused, "200: first; second; odd"),
        (
            answer("400 Bad", b'{"errors":[{"message":"Cannot query field"}]}'),
            errors.Refused,
            "400: Cannot query field",
        ),
        (answer(body=PARTLY), errors.Refused, "200: late"),
        (
            answer("401 No", b'{"error":"Invalid JWT: jwt malformed"}'),
            errors.WrongCredentials,
            "401: Invalid JWT: jwt malformed",
        ),
        (
            answer("401 No", b'{"error":"Xray data is in another region. Contact support"}'),
            errors.WrongRegion,
            "401: Xray data",
        ),
        (answer("413 Big", b"Request Entity Too Large"), errors.TooLarge, "413: Request Entity"),
        (answer("404 No", b"<html><title>x</title></html>"), errors.NotTheService, "404: a web page: x"),
        (answer("429 Slow", b'{"error":{"text":"Too many requests"}}'), errors.Unreachable, "429: Too many requests"),
        (answer("502 Bad", b"<html></html>"), errors.Unreachable, "502: a web page"),
        (answer(body=b"<html><title>CDN</title></html>"), errors.NotTheService, "200: a web page: CDN"),
        (answer(body=b"{}"), errors.NotTheService, "200: {}"),
        (answer(body=b'{"data":null}'), errors.NotTheService, "200: "),
        (answer(body=b'{"data":[]}'), errors.NotTheService, "200: "),
        (answer(body=b"[]"), errors.NotTheService, "200: []"),
        (answer("302 Found", b"", Location="/login"), errors.LoginPage, "302: redirected"),
    ],
)
def test_everything_but_data_is_a_failure(wire, kind, said):
    """Errors are looked at whatever the status; no answer without data is a success."""
    failure, _ = called(wire)

    assert type(failure) is kind
    assert (failure.answer or "").startswith(said)


@pytest.mark.parametrize(
    "wire",
    [
        answer(body=PARTLY),
        answer(body=b"{}"),
        answer(body=b"OK"),
        answer("502 Bad", b"<html></html>"),
        answer("500 Bad", b'{"error":"x"}'),
        b"",
    ],
)
def test_a_change_without_a_clear_answer_may_have_been_made(wire):
    """Where doing it twice would harm, such an answer is neither yes nor no."""
    failure, _ = called(wire, repeatable=False)

    assert isinstance(failure, errors.UnknownDelivery)


def test_a_change_that_was_refused_was_not_made():
    """Errors beside null data are a clear no."""
    failure, _ = called(answer(body=ERRORS), repeatable=False)

    assert type(failure) is errors.Refused
