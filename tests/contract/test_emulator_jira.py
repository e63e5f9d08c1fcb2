"""Jira and Xray Server as the emulator plays them where a delivery looks, makes, changes and deletes."""

import json

import pytest
from emulator_client import basic

CLOUD = {"Authorization": basic("dev@example.com", "emulator-jira-token")}
SERVER = {"Authorization": "Bearer emulator-pat"}
SIDES = [("/rest/api/2", CLOUD), ("/jira/rest/api/2", SERVER)]
RAVEN = "/jira/rest/raven/2.0/api"
EMPTY = {"project": {"key": "SHOP"}, "summary": "Empty", "issuetype": {"name": "Test Execution"}}


def send(emulator, method, path, document=None, headers=SERVER):
    body = None if document is None else json.dumps(document).encode()
    return emulator.call(method, path, body, **headers)


def found(emulator, query, **more):
    """Return the keys that Server's search finds, or the status of its refusal."""
    answer = send(emulator, "POST", "/jira/rest/api/2/search", {"jql": query, **more})
    return [each["key"] for each in answer.json()["issues"]] if answer.status == 200 else answer.status


@pytest.mark.parametrize(("start", "headers"), SIDES)
def test_an_issue_is_made_changed_and_deleted(emulator, start, headers):
    """201, 204, 204; what was deleted is gone and stays gone."""
    made = send(emulator, "POST", f"{start}/issue", {"fields": {**EMPTY, "labels": ["a"]}}, headers)
    key = made.json()["key"]
    edited = send(
        emulator,
        "PUT",
        f"{start}/issue/{key}",
        {"fields": {"description": "word"}, "update": {"labels": [{"add": "b"}, {"remove": "a"}]}},
        headers,
    )
    issue = emulator.issue(key)
    deleted, again = (send(emulator, "DELETE", f"{start}/issue/{key}", None, headers) for _ in range(2))

    assert (made.status, key, made.json()["id"]) == (201, "SHOP-41", "10141")
    assert (edited.status, issue["labels"], issue["description"], issue["execution"]["runs"]) == (
        204,
        ["b"],
        "word",
        {},
    )
    assert [deleted.status, again.status] == [204, 404]
    assert emulator.executions() == []


@pytest.mark.parametrize(
    ("fields", "faulty"),
    [
        ({}, {"project", "summary", "issuetype"}),
        ({**EMPTY, "summary": "a\nb"}, {"summary"}),
        ({**EMPTY, "summary": "x" * 256}, {"summary"}),
        ({**EMPTY, "issuetype": {"name": "Nothing"}}, {"issuetype"}),
        ({**EMPTY, "labels": ["a b"]}, {"labels"}),
        ({**EMPTY, "labels": "a"}, {"labels"}),
        ({**EMPTY, "fixVersions": [{"name": "9"}]}, {"fixVersions"}),
        ({**EMPTY, "customfield_1": 1}, {"customfield_1"}),
        ({**EMPTY, "customfield_11807": ["SHOP-5"]}, {"customfield_11807"}),
    ],
)
def test_what_jira_refuses_is_named_by_field(emulator, fields, faulty):
    """Each field has its own text, and nothing is made."""
    answer = send(emulator, "POST", "/jira/rest/api/2/issue", {"fields": fields})

    assert (400, faulty) == (answer.status, set(answer.json()["errors"]))
    assert emulator.executions() == []


def test_server_makes_an_execution_with_xrays_fields(emulator):
    """Plan, environments and revision are custom fields, written and read; the plan gets no Tests."""
    fields = {**EMPTY, "customfield_11807": ["SHOP-2"], "customfield_11805": ["new"], "customfield_11808": "r1"}
    key = send(emulator, "POST", "/jira/rest/api/2/issue", {"fields": fields}).json()["key"]
    shown = send(emulator, "GET", f"/jira/rest/api/2/issue/{key}").json()["fields"]

    assert (shown["customfield_11807"], shown["customfield_11805"], shown["customfield_11808"]) == (
        ["SHOP-2"],
        ["new"],
        "r1",
    )
    assert key in emulator.issue("SHOP-2")["plan"]["executions"]


def test_version_3_wants_a_document_for_rich_text(emulator):
    """Plain text goes through version 2."""
    fields = {"fields": {**EMPTY, "description": "plain"}}

    assert {"description"} == set(send(emulator, "POST", "/rest/api/3/issue", fields, CLOUD).json()["errors"])
    assert send(emulator, "POST", "/rest/api/2/issue", fields, CLOUD).status == 201


@pytest.mark.parametrize("body", [b"", b"[]", b'{"fields": 7}', b'{"a": 1}'])
def test_a_body_without_fields_is_400(emulator, body):
    """What is no create-issue document makes nothing."""
    assert emulator.call("POST", "/jira/rest/api/2/issue", body, **SERVER).status == 400


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (
            "project = SHOP AND issuetype = Test ORDER BY key ASC",
            ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7", "SHOP-8"],
        ),
        ("issuetype = 10007", ["SHOP-2"]),
        ("project = 10000 AND type in (Story, Bug) order by id desc", ["SHOP-11", "SHOP-9", "SHOP-5"]),
        ("key in (SHOP-1, 10103) AND type != Story ORDER BY created", ["SHOP-1", "SHOP-3"]),
        ("key in (SHOP-1, SHOP-5) AND issuetype not in (Test)", ["SHOP-5"]),
        ('summary ~ "january nightly"', ["SHOP-40"]),
        ('summary ~ "night"', []),
        ('summary ~ "order by chance"', []),
        (
            'project = SHOP AND (summary ~ "nightly" OR key = SHOP-2) AND type != Test ORDER BY id ASC',
            ["SHOP-2", "SHOP-40"],
        ),
        ("(labels = a or labels = b)", []),
        ("key = SHOP-1 AND created >= -1w", ["SHOP-1"]),
        ("created<-1w and key = SHOP-1", []),
        ("created ~ -1d", 400),
        ("created >= yesterday", 400),
        ("key >= SHOP-1", 400),
        ("(key = SHOP-1 OR key = SHOP-2", 400),
        ("key = SHOP-1 OR key = SHOP-2 order by key", ["SHOP-1", "SHOP-2"]),
        ("type = Bug or type = 'Test Set' and key != SHOP-13 ORDER BY key", ["SHOP-9"]),
        ("NOT type in (Test, Story, Bug) and not (key = SHOP-2 or key = SHOP-40) order by id", ["SHOP-12", "SHOP-13"]),
        ("fixVersion is not EMPTY", ["SHOP-40"]),
        ("key = SHOP-40 and labels is EMPTY and assignee is null and status = 'To Do'", ["SHOP-40"]),
        ("status in (Done, 3)", []),
        ("created >= '2024-01-01 09:40'", ["SHOP-40"]),
        ("created < 2024/01/01 or created > now() or created > 1d", []),
        ("type = 'Test Plan' and created >= -30d and created > startOfYear()", ["SHOP-2"]),
        ("created >= -1h", []),
        ("key in testPlanTests(SHOP-2) order by key", ["SHOP-1", "SHOP-3", "SHOP-4"]),
        (
            "issue in testExecutionTests('SHOP-40') and type = Test and summary !~ item ORDER BY key DESC",
            ["SHOP-7", "SHOP-6", "SHOP-4", "SHOP-3", "SHOP-1"],
        ),
        ("assignee = currentUser()", []),
        ("status was Done", 400),
        ("key in (SHOP-1, SHOP-999) or key = SHOP-2", 400),
        ("(key = SHOP-1 OR )", 400),
        ("()", 400),
        ("status = open", 400),
        ("key = SHOP-999", 400),
        ("project = NOPE", 400),
        ("issuetype = Nothing", 400),
        ("summary = nightly", 400),
        ("labels ~ nightly", 400),
        ("project = SHOP ORDER BY nothing", 400),
        ("project = SHOP issuetype = Test", 400),
    ],
)
def test_the_jql_that_a_delivery_needs(emulator, query, keys):
    """Words are whole words, orders are kept, what Jira does not know it refuses."""
    assert keys == found(emulator, query)


def test_every_unknown_key_is_named_in_the_language_of_the_server(emulator):
    """A client that reads English finds nothing here; one that looks for the keys does."""
    emulator.settings(language="de")
    answer = send(emulator, "POST", "/jira/rest/api/2/search", {"jql": "key in (SHOP-998, SHOP-1, SHOP-999)"}).json()

    assert [text.split("'")[3] for text in answer["errorMessages"]] == ["SHOP-998", "SHOP-999"]
    assert not any("does not exist" in text for text in answer["errorMessages"])
    assert "nicht" in send(emulator, "DELETE", "/jira/rest/api/2/issue/SHOP-999").json()["errorMessages"][0]
    assert "does not" in send(emulator, "GET", "/rest/api/2/issue/SHOP-999", None, CLOUD).json()["errorMessages"][0]


def test_tests_show_type_and_definition_on_server_only(emulator):
    """Xray's custom fields are an option and a text."""
    server = send(emulator, "GET", "/jira/rest/api/2/issue/SHOP-3").json()["fields"]
    cloud = send(emulator, "GET", "/rest/api/2/issue/SHOP-3", None, CLOUD).json()["fields"]

    assert (server["customfield_11800"]["value"], server["customfield_11801"]) == (
        "Generic",
        "shop.cart.CartTest.adds_item",
    )
    assert not any(name.startswith("customfield_118") for name in cloud)


@pytest.mark.parametrize(
    ("setting", "path", "headers"),
    [("server_rate_limit", "/jira/rest/api/2/myself", SERVER), ("jira_rate_limit", "/rest/api/2/myself", CLOUD)],
)
def test_rates_of_jira_can_be_limited(emulator, setting, path, headers):
    """So many calls in a minute of the emulator's clock, then 429 with the seconds to wait."""
    emulator.clock(freeze=True)
    emulator.settings(**{setting: 2})
    answers = [send(emulator, "GET", path, None, headers) for _ in range(3)]
    emulator.clock(advance=60)

    assert [each.status for each in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "60"
    assert send(emulator, "GET", path, None, headers).status == 200


def test_server_runs_take_evidence_status_and_comment(emulator):
    """201 for what is added, 204 for what is set or removed."""
    run = emulator.server("", {"info": {"project": "SHOP"}, "tests": [{"testKey": "SHOP-3", "status": "PASS"}]}).json()
    key = run["testExecIssue"]["key"]
    number = emulator.runs(key)["SHOP-3"]["id"]
    place = f"{RAVEN}/testrun/{number}"
    added = send(
        emulator, "POST", f"{place}/attachment", {"data": "YWJj", "filename": "a.txt", "contentType": "text/plain"}
    )
    listed = send(emulator, "GET", f"{place}/attachment").json()
    statuses = [
        send(emulator, "PUT", f"{place}/status?status=FAIL").status,
        send(emulator, "PUT", f"{place}/status?status=FAILED").status,
    ]
    emulator.call("PUT", f"{place}/comment", b"plain", **SERVER)

    assert (added.status, [(each["fileName"], each["fileSize"]) for each in listed]) == (201, [("a.txt", "3")])
    assert (statuses, send(emulator, "GET", f"{place}/status").text) == ([204, 400], "FAIL")
    assert send(emulator, "GET", f"{place}/comment").json()["raw"] == "plain"
    assert [send(emulator, "DELETE", f"{place}/attachment/{listed[0]['id']}").status for _ in range(2)] == [204, 404]
    assert send(emulator, "POST", f"{place}/defect", ["SHOP-9"]).status == 201
    assert send(emulator, "GET", f"{place}/comment").json()["rendered"] == "<p>plain</p>"
    assert send(emulator, "POST", f"{place}/attachment", {"data": "YWJj"}).status == 400
    assert send(emulator, "GET", f"{RAVEN}/testrun/999/attachment").status == 404
    assert send(emulator, "PUT", place, {"status": "PASS", "comment": "again"}).json() == {
        "evidenceIds": [],
        "id": int(number),
        "stepResults": [],
        "warnings": [],
    }
    assert emulator.runs(key)["SHOP-3"]["comment"] == "again"


def test_server_links_by_lists_that_hold_messages(emulator):
    """An empty list is success; otherwise each key that failed has a message."""
    key = send(emulator, "POST", "/jira/rest/api/2/issue", {"fields": EMPTY}).json()["key"]
    linked = send(emulator, "POST", f"{RAVEN}/testplan/SHOP-2/testexecution", {"add": [key]}).json()
    refused = send(emulator, "POST", f"{RAVEN}/testplan/SHOP-2/testexecution", {"add": ["SHOP-3"]}).json()
    added = send(emulator, "POST", f"{RAVEN}/testexec/{key}/test", {"add": ["SHOP-3", "SHOP-1"]}).json()
    send(emulator, "POST", f"{RAVEN}/testexec/{key}/test", {"remove": ["SHOP-1"]})

    assert (linked, len(refused), added) == ([], 1, [])
    assert {key: run["status"] for key, run in emulator.runs(key).items()} == {"SHOP-3": "TODO"}
    assert [each["key"] for each in send(emulator, "GET", f"{RAVEN}/test?keys=SHOP-3;SHOP-5").json()] == ["SHOP-3"]
    assert (
        send(emulator, "POST", f"{RAVEN}/testplan/SHOP-2/test", {"add": ["SHOP-6"], "remove": ["SHOP-1"]}).json() == []
    )
    assert emulator.issue("SHOP-2")["plan"]["tests"] == ["SHOP-3", "SHOP-4", "SHOP-6"]
    assert send(emulator, "POST", f"{RAVEN}/testplan/SHOP-3/test", {"add": []}).status == 404
    assert emulator.call("POST", f"{RAVEN}/testplan/SHOP-2/test", b"[]", **SERVER).status == 400


@pytest.mark.parametrize(("start", "headers"), SIDES)
def test_a_link_elsewhere_is_replaced_by_its_global_id(emulator, start, headers):
    """201, then 200 with the same id; a link without title is refused."""
    path = f"{start}/issue/SHOP-5/remotelink"
    link = {"globalId": "run=1", "object": {"url": "https://ci.example/1", "title": "one"}}

    first = send(emulator, "POST", path, link, headers)
    second = send(emulator, "POST", path, {**link, "object": {**link["object"], "title": "two"}}, headers)
    bad = send(emulator, "POST", path, {"object": {"url": "https://ci.example/1"}}, headers)

    assert (first.status, second.status, bad.status) == (201, 200, 400)
    assert first.json()["id"] == second.json()["id"]
    (kept,) = send(emulator, "GET", path, None, headers).json()
    assert kept["object"]["title"] == "two"


@pytest.mark.parametrize(("start", "headers"), SIDES)
def test_an_issue_keeps_properties(emulator, start, headers):
    """404 before, 201 and 200 when it is set, then what was set last."""
    path = f"{start}/issue/SHOP-5/properties/a.b"

    answers = [send(emulator, method, path, body, headers) for method, body in _PROPERTY]

    assert [each.status for each in answers] == [404, 201, 200, 200]
    assert answers[-1].json() == {"key": "a.b", "value": {"x": 2}}


_PROPERTY = (("GET", None), ("PUT", {"x": 1}), ("PUT", {"x": 2}), ("GET", None))
