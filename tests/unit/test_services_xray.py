"""An import succeeded when its answer holds the key; everything else is one failure with a remedy."""

from __future__ import annotations

import json
import socket

import pytest
from wire_server import Signing, WireServer, answer, says

from xray_ci import errors
from xray_ci.deployments import CLOUD, SERVER
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import Basic, Bearer
from xray_ci.services.body import Pieces, Upload
from xray_ci.services.wire import ConnectionOptions
from xray_ci.services.xray import ImportAnswer, Licence, Unstored, Xray

UPLOAD = Upload(content_type="application/json", body=Pieces(pieces=(b'{"tests":[]}',)))
BEARER = Bearer(token=Secret("the-token"))
LOGIN = (
    b'<!DOCTYPE html><html><title>Log in - Jira</title><form><input type="password" name="os_password"></form></html>'
)
PAGE = b"<html><title>ERROR: The request could not be satisfied</title></html>"


def imported(*answers: bytes, deployment=CLOUD, query=(), version=None, auth=BEARER):
    """Import one body and return the answer or the failure, with what was sent."""
    with (
        WireServer(says(*answers)) as server,
        Signing(ConnectionOptions(connect_timeout=5, timeout=5), Redactor()) as transport,
    ):
        xray = Xray(
            caller=transport,
            deployment=deployment,
            base_url=server.url + "/",
            auth=auth,
            version=version or deployment.api_versions[0],
        )
        try:
            result = xray.import_report(deployment.endpoints[0], query=query, upload=UPLOAD)
        except errors.Failure as failure:
            result = failure
    return result, server.requests


def test_the_answer_of_cloud_is_its_key():
    """Cloud says key and id and nothing of the Tests."""
    result, (request,) = imported(answer(body=b'{"id":"10141","key":"SHOP-41","self":"https://x/41"}'))

    assert ImportAnswer(key="SHOP-41", id="10141", url="https://x/41", tests_ok=None) == result
    assert request.line == "POST /api/v2/import/execution HTTP/1.1"
    assert request.headers["authorization"] == "Bearer the-token"


def test_the_answer_of_server_names_tests_that_were_not_stored():
    """Server/DC reports a partial failure inside a 200."""
    body = {
        "testExecIssue": {"id": "1", "key": "SHOP-41", "self": "s"},
        "infoMessages": ["note"],
        "testIssues": {
            "success": [{"id": "2", "key": "SHOP-1"}],
            "error": [{"testKey": "SHOP-8", "messages": ["a", "b"]}, "odd"],
        },
    }
    result, (request,) = imported(answer(body=json.dumps(body).encode()), deployment=SERVER, version="1.0")

    assert result.tests_ok == ("SHOP-1",)
    assert (
        Unstored(test="SHOP-8", messages=("a", "b")),
        Unstored(test="(not named)", messages=("odd",)),
    ) == result.tests_failed
    assert result.messages == ("note",)
    assert request.line == "POST /rest/raven/1.0/import/execution HTTP/1.1"
    assert request.headers["x-atlassian-token"] == "no-check"


def test_a_query_is_encoded():
    """Values of the query are URL-encoded."""
    _, (request,) = imported(answer(body=b'{"key":"A-1"}'), query=(("testEnvironments", "a b;c&d"), ("revision", "ü")))

    assert "/api/v2/import/execution?testEnvironments=a+b%3Bc%26d&revision=%C3%BC" in request.line


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'"SHOP-1"',
        b'{"error":"no"}',
        b'{"key":""}',
        b'{"key":7}',
        b'{"key":"a\\nb"}',
        b'{"testExecIssue":{"key":"SHOP-1"}}',
        b"OK",
    ],
)
def test_a_success_without_key_may_have_been_imported(body):
    """2xx without the key is neither success nor refusal: exit 7, and it is said."""
    result, _ = imported(answer(body=body))

    assert isinstance(result, errors.UnknownDelivery)
    assert result.exit_code == 7
    assert "may have been imported" in result.what


CASES = [
    (CLOUD, answer(body=PAGE), errors.NotTheService, "web page", "The request could not be satisfied"),
    (CLOUD, answer("403 Forbidden", PAGE), errors.NotTheService, "web page", "403: a web page"),
    (SERVER, answer(body=LOGIN), errors.LoginPage, "nothing was imported", "Log in - Jira"),
    (
        SERVER,
        answer("302 Found", Location="/login.jsp?os_destination=x"),
        errors.LoginPage,
        "login page",
        "302: redirected to /login.jsp",
    ),
    (
        SERVER,
        answer("301 Moved", Location="https://me:pw@jira.example/jira/x?token=1"),
        errors.NotTheService,
        "another address",
        "301: redirected to https://jira.example/jira/x",
    ),
    (
        CLOUD,
        answer("401 No", b'{"error":"Authentication failed. Invalid client credentials!"}'),
        errors.WrongCredentials,
        "does not accept jira-token",
        "Invalid client credentials",
    ),
    (
        CLOUD,
        answer("401 No", b'{"error":"Xray data is in another region. Contact support."}'),
        errors.WrongRegion,
        "does not hold",
        "another region",
    ),
    (SERVER, answer("401 No", PAGE), errors.WrongCredentials, "jira-token", "401: a web page"),
    (
        SERVER,
        answer("403 No", b"", X_Authentication_Denied_Reason="CAPTCHA_CHALLENGE; login-url=x"),
        errors.WrongCredentials,
        "CAPTCHA",
        "403, nothing more",
    ),
    (SERVER, answer("403 No", b"Basic auth not allowed"), errors.NotAuthorised, "does not allow", "403: Basic auth"),
    (
        SERVER,
        answer("404 No", b'{"message":"null for uri: https://x/rest/raven/2.0/","status-code":404}'),
        errors.NotTheService,
        "Jira Cloud site",
        "null for uri",
    ),
    (SERVER, answer("404 No", PAGE), errors.NotTheService, "not at this address", "404: a web page"),
    (SERVER, answer("405 No"), errors.NotTheService, "not at this address", "405"),
    (CLOUD, answer("407 No"), errors.Unreachable, "proxy", "407"),
    (
        CLOUD,
        answer("413 Large", b"Request Entity Too Large"),
        errors.TooLarge,
        "12 bytes",
        "413: Request Entity Too Large",
    ),
    (
        CLOUD,
        answer("400 Bad", b'{"error":"Result is not valid Xray Format"}'),
        errors.Refused,
        "refused",
        "400: Result is not valid",
    ),
    (
        SERVER,
        answer("400 Bad", b'{"errorMessages":["a"],"errors":{"summary":"b"}}'),
        errors.Refused,
        "refused",
        "400: a; summary: b",
    ),
    (
        CLOUD,
        answer("429 Slow", b'{"error":{"text":"Too many requests","nextValidRequestDate":"2026"}}'),
        errors.Unreachable,
        "takes no more requests",
        "429: Too many requests; 2026",
    ),
    (CLOUD, answer("502 Bad", PAGE), errors.UnknownDelivery, "may have been imported", "502: a web page"),
    (SERVER, answer("500 Bad", b'{"error":"oops"}'), errors.UnknownDelivery, "may have been imported", "500: oops"),
    (CLOUD, b"", errors.UnknownDelivery, "may have been imported", ""),
]


@pytest.mark.parametrize(
    ("deployment", "wire", "kind", "what", "said"), CASES, ids=lambda value: getattr(value, "slug", None)
)
def test_every_other_answer_is_one_failure(deployment, wire, kind, what, said):
    """Status and shape decide the failure; what the service said is shown, and secrets of addresses are not."""
    result, requests = imported(wire, deployment=deployment)

    assert kind is type(result)
    assert what in result.what
    assert said in (result.answer or "")
    assert ("xray-url http" if deployment is CLOUD else "jira-url http") in result.where
    assert "pw" not in (result.answer or "")
    assert len(requests) == 1
    assert result.service in {None, "Xray", "proxy"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            "Error importing results: issue with key SHOP-5 does not exist or is not of issue type Test Plan!",
            "test-plan",
        ),
        (
            "Error importing results: issue with key SHOP-5 does not exist or is not of issue type Test Execution!",
            "test-execution",
        ),
        ("Error importing results: issue with key SHOP-5 does not exist or is not of issue type Test!", "Test key"),
        ("Test issue with key SHOP-99 not found.", "Test key"),
        (
            (
                "Error importing results: the following environments don't exist or are not in the context of test "
                "execution project: 'dev'!"
            ),
            "test-environments",
        ),
        (
            "Error retrieving Project from Jira with key \"NOPE\": No project could be found with key 'NOPE'.",
            "`project`",
        ),
        ("Error assembling issue data: project is required", "`project`"),
        (
            (
                "Error assembling issue data: Field 'xrayFields' cannot be set. It is not on the appropriate screen, "
                "or "
                "unknown."
            ),
            "server",
        ),
        ("Field 'customfield_1' cannot be set. It is not on the appropriate screen, or unknown.", "screen"),
        ("Error creating Test Execution - Issue create failed! - issuetype: Specify a valid issue type", "issuetype"),
        ("Result is not valid Xray Format", "xray-ci plan"),
    ],
)
def test_a_known_sentence_adds_advice(text, word):
    """Sentences seen in the field lead to the setting that cures them."""
    result, _ = imported(answer("400 Bad", json.dumps({"error": text}).encode()))

    assert isinstance(result, errors.Refused)
    assert word in result.next


def test_an_unknown_sentence_keeps_the_general_advice():
    """A sentence nobody has seen, or in another language, is shown with the general advice."""
    result, _ = imported(answer("400 Bad", '{"error":"Der Schlüssel fehlt"}'.encode()))

    assert errors.Refused.advice == result.next
    assert result.answer == "400: Der Schlüssel fehlt"


@pytest.mark.parametrize(("deployment", "setting"), [(CLOUD, "xray-url"), (SERVER, "jira-url")])
def test_nobody_there_names_the_setting(deployment, setting):
    """A server that is away was not sent anything; the message names the setting of its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Signing(ConnectionOptions(), Redactor()) as transport:
        xray = Xray(
            caller=transport, deployment=deployment, base_url=f"http://127.0.0.1:{port}", version="v2", auth=BEARER
        )
        with pytest.raises(errors.Unreachable, match="cannot be reached") as raised:
            xray.import_report(deployment.endpoints[0], upload=UPLOAD)

    assert errors.Unreachable is type(raised.value)
    assert f"{setting} http://127.0.0.1:{port}" == raised.value.where


def test_the_licence_of_server_is_read():
    """One call says whether address, credentials and licence are right."""
    with (
        WireServer(says(answer(body=b'{"active":true,"licenseType":"Demo"}'))) as server,
        Signing(ConnectionOptions(), Redactor()) as transport,
    ):
        xray = Xray(
            caller=transport,
            deployment=SERVER,
            base_url=server.url,
            version="2.0",
            auth=Basic(user="emu", password=Secret("emu-password")),
        )

        assert Licence(active=True, kind="Demo") == xray.licence()


def test_a_licence_that_is_a_login_page_is_a_login_page():
    """HTML with status 200 is no licence."""
    with WireServer(says(answer(body=LOGIN))) as server, Signing(ConnectionOptions(), Redactor()) as transport:
        xray = Xray(caller=transport, deployment=SERVER, base_url=server.url, version="2.0", auth=BEARER)
        with pytest.raises(errors.LoginPage):
            xray.licence()
