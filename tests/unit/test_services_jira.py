"""The reads of Jira: tolerant where Jira may be closed, exact where a wrong field would be written."""

from __future__ import annotations

import json

import pytest
from wire_server import Signing, WireServer, answer, says

from xray_ci import errors
from xray_ci.secret import Redactor, Secret
from xray_ci.services.auth import Bearer
from xray_ci.services.jira import Jira, JiraField, ServerInfo, XrayFields, xray_fields
from xray_ci.services.wire import ConnectionOptions

PLAN = "com.xpandit.plugins.xray:test-plan-custom-field"
ENVIRONMENTS = "com.xpandit.plugins.xray:test-environments-custom-field"
DATETIME = "com.atlassian.jira.plugin.system.customfieldtypes:datetime"


def asked(question, *answers: bytes):
    """Ask a Jira that answers so; return what it says and what was sent."""
    with WireServer(says(*answers)) as server, Signing(ConnectionOptions(timeout=5), Redactor()) as transport:
        found = question(Jira(caller=transport, base_url=server.url + "/jira/", auth=Bearer(token=Secret("pat"))))
    return found, server.requests


def body(value) -> bytes:
    """Return a JSON answer."""
    return answer(body=json.dumps(value).encode())


@pytest.mark.parametrize(
    ("told", "deployment"), [("Cloud", "cloud"), ("Server", "server"), (None, "server"), ("Data Center", "server")]
)
def test_server_info_says_which_product_it_is(told, deployment):
    """`Cloud` is Cloud; everything else, also an old Jira that does not say, is Server/DC."""
    found, (request,) = asked(
        Jira.server_info, body({"deploymentType": told, "version": "9.12.0", "baseUrl": "https://j"})
    )

    assert ServerInfo(deployment=deployment, version="9.12.0", base_url="https://j") == found
    assert request.line == "GET /jira/rest/api/2/serverInfo HTTP/1.1"
    assert "authorization" not in request.headers


def test_server_info_is_asked_again_with_credentials():
    """A site that blocks anonymous callers may answer with credentials."""
    found, requests = asked(Jira.server_info, answer("401 No"), body({"version": "9"}))

    assert ServerInfo(deployment="server", version="9", base_url=None) == found
    assert requests[1].headers["authorization"] == "Bearer pat"


@pytest.mark.parametrize(
    "wire", [answer("401 No"), answer("302 Found", Location="/login"), answer(body=b"<html></html>"), answer("503 No")]
)
def test_a_blocked_server_info_is_none(wire):
    """What cannot be asked is not known, and that is no failure."""
    found, _ = asked(Jira.server_info, wire, wire)

    assert found is None


def test_fields_are_found_by_type_and_by_exact_name():
    """Xray's own types win over names; Jira's own `End date` is not Xray's `End Date`."""
    listed = [
        {"id": "summary", "name": "Summary"},
        {"id": "customfield_1", "name": "Plan de test", "schema": {"type": "array", "custom": PLAN}},
        {"id": "customfield_2", "name": "Test Environments", "schema": {"type": "array", "custom": ENVIRONMENTS}},
        {"id": "customfield_3", "name": "Revision", "schema": {"type": "string"}},
        {"id": "customfield_4", "name": "Begin Date", "schema": {"type": "datetime", "custom": DATETIME}},
        {"id": "customfield_5", "name": "End date", "schema": {"type": "date"}},
        {"id": "customfield_6", "name": "End Date", "schema": {"type": "datetime", "custom": DATETIME}},
        {"id": "customfield_7", "name": "Test Plan", "schema": {"type": "string", "custom": "other:text"}},
    ]
    found, _ = asked(Jira.fields, body(listed))

    assert XrayFields(
        test_plan="customfield_1",
        test_environments="customfield_2",
        revision="customfield_3",
        begin_date="customfield_4",
        end_date="customfield_6",
    ) == xray_fields(found)


def test_two_fields_that_fit_are_none():
    """Where two fields fit nobody can say which one is Xray's, save by its default name."""

    def plan(number: int, name: str) -> JiraField:
        return JiraField(id=f"c{number}", name=name, type="array", custom=PLAN)

    assert xray_fields((plan(1, "A"), plan(2, "B"))).test_plan is None
    assert xray_fields((plan(1, "A"), plan(2, "Test Plan"))).test_plan == "c2"


def test_fields_that_cannot_be_read_are_a_failure():
    """A refusal names Jira and its setting."""
    with pytest.raises(errors.WrongCredentials) as raised:
        asked(Jira.fields, answer("401 No", b'{"message":"Client must be authenticated","status-code":401}'))

    assert raised.value.where.startswith("jira-url ")
    assert raised.value.answer == "401: Client must be authenticated"


def test_an_issue_id_becomes_a_key():
    """A numeric id is looked up by reading the issue."""
    found, (request,) = asked(lambda jira: jira.key_of_issue("10141"), body({"id": "10141", "key": "SHOP-41"}))

    assert found == "SHOP-41"
    assert request.line == "GET /jira/rest/api/latest/issue/10141?fields=summary HTTP/1.1"


@pytest.mark.parametrize("issue_id", ["../myself", "SHOP-1", "", "1" * 30, "١"])
def test_what_is_no_id_is_never_asked_for(issue_id):
    """A report cannot make the client ask for another path."""
    found, requests = asked(lambda jira: jira.key_of_issue(issue_id), answer())

    assert found is None
    assert requests == []


def test_an_issue_that_nobody_sees_has_no_key():
    """404 is an answer, not a failure."""
    found, _ = asked(
        lambda jira: jira.key_of_issue("1"), answer("404 No", b'{"errorMessages":["Issue does not exist"],"errors":{}}')
    )

    assert found is None
