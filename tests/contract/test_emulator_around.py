"""Jira, Snapshots and Confluence as the emulator plays them, and its pages for people."""

import json
import re

import pytest
from emulator_client import basic

CLOUD = {"Authorization": basic("dev@example.com", "emulator-jira-token")}
SERVER = {"Authorization": "Bearer emulator-pat"}
GLOBAL = {"jira_snapshots_api_key": "emulator-global-key"}
MACRO = {"jira_snapshots_api_key": "emulator-macro-key"}
HOOK = "/macro-hooks/7f3c9a52e1d04b86"


def execution(emulator, comment="", **more):
    document = {
        "info": {"project": "SHOP", "summary": "Run <b>bold</b>"},
        "tests": [{"testKey": "SHOP-3", "status": "FAILED", "comment": comment, **more}],
    }
    return emulator.cloud("", document).json()["key"]


def search(emulator, query, path="/rest/api/3/search/jql", headers=CLOUD, **more):
    return emulator.call("POST", path, json.dumps({"jql": query, **more}).encode(), **headers)


def test_server_info_tells_the_deployments_apart(emulator):
    """Anonymous callers learn which Jira it is; Server has no version 3."""
    assert emulator.call("GET", "/rest/api/2/serverInfo").json()["deploymentType"] == "Cloud"
    assert emulator.call("GET", "/jira/rest/api/2/serverInfo").json()["deploymentType"] == "Server"
    assert emulator.call("GET", "/jira/rest/api/3/serverInfo").status == 404
    assert "cloudId" in emulator.call("GET", "/_edge/tenant_info").json()


def test_myself_checks_credentials(emulator):
    """Each Jira takes its own credentials only."""
    assert "accountId" in emulator.call("GET", "/rest/api/3/myself", **CLOUD).json()
    assert emulator.call("GET", "/jira/rest/api/latest/myself", **SERVER).json()["name"] == "emu"
    assert [
        emulator.call("GET", path, **headers).status
        for path, headers in (("/rest/api/3/myself", SERVER), ("/jira/rest/api/2/myself", CLOUD))
    ] == [401, 401]


def test_server_lists_xray_fields_and_jiras_own_end_date(emulator):
    """A careless name match finds two end dates."""
    fields = {each["name"]: each["id"] for each in emulator.call("GET", "/jira/rest/api/2/field", **SERVER).json()}

    assert (fields["Test Plan"], fields["End Date"], fields["End date"]) == (
        "customfield_11807",
        "customfield_11810",
        "customfield_10015",
    )
    assert not any("xpandit" in json.dumps(each) for each in emulator.call("GET", "/rest/api/3/field", **CLOUD).json())


@pytest.mark.parametrize(("start", "headers"), [("/rest/api/2", CLOUD), ("/jira/rest/api/2", SERVER)])
def test_issues_and_projects_are_read_by_key_and_id(emulator, start, headers):
    """An id leads to the key; what is not there is 404."""
    issue = emulator.call("GET", f"{start}/issue/10103?fields=summary", **headers).json()

    assert (issue["key"], issue["fields"]) == ("SHOP-3", {"summary": "adds_item"})
    assert emulator.call("GET", f"{start}/project/SHOP", **headers).json()["id"] == "10000"
    assert [
        emulator.call("GET", f"{start}/{path}", **headers).status for path in ("issue/SHOP-999", "project/NOPE")
    ] == [404, 404]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ('project = SHOP AND issuetype = "Test Plan"', ["SHOP-2"]),
        ("key in (SHOP-1, SHOP-3) ORDER BY created DESC", ["SHOP-3", "SHOP-1"]),
        ('summary ~ "nightly" and type = "Test Execution"', ["SHOP-40"]),
        ("labels = nothing", []),
    ],
)
def test_search_on_both(emulator, query, keys):
    """The little JQL finds the same on both; only Server counts."""
    cloud = search(emulator, query, fields=["summary"]).json()
    server = search(emulator, query, "/jira/rest/api/2/search", SERVER).json()

    assert keys == [each["key"] for each in cloud["issues"]] == [each["key"] for each in server["issues"]]
    assert ("total" in cloud, len(keys)) == (False, server["total"])


def test_search_pages_and_its_refusals(emulator):
    """Cloud pages by token and refuses unbounded queries, unknown keys, and the removed path."""
    first = search(emulator, "project = SHOP", maxResults=5).json()
    second = search(emulator, "project = SHOP", maxResults=50, nextPageToken=first["nextPageToken"]).json()

    assert (len(first["issues"]), first["isLast"], second["isLast"]) == (5, False, True)
    assert not {each["id"] for each in first["issues"]} & {each["id"] for each in second["issues"]}
    assert [search(emulator, query).status for query in ("", "key = SHOP-999", "status was open")] == [400, 400, 400]
    assert emulator.call("GET", "/rest/api/3/search?jql=x", **CLOUD).status == 410
    assert emulator.kinds_of_calls() == ["lookup"] * 6


def test_a_fresh_issue_is_missing_from_search_and_readable_by_key(emulator):
    """The index lags; asking for the issue by id in the search, and time, help."""
    emulator.settings(index_lag_s=30)
    key = execution(emulator)

    assert search(emulator, f"key = {key}").json()["issues"] == []
    assert len(search(emulator, f"key = {key}", reconcileIssues=[10141]).json()["issues"]) == 1
    assert emulator.call("GET", f"/rest/api/2/issue/{key}", **CLOUD).status == 200
    emulator.clock(advance=31)
    assert len(search(emulator, f"key = {key}").json()["issues"]) == 1


@pytest.mark.parametrize(("path", "key"), [("/take-snapshot/131073", GLOBAL), (HOOK, MACRO)])
def test_an_accepted_trigger_raises_the_page_version_after_it_settles(emulator, path, key):
    """The answer comes first, the new version later."""
    emulator.clock(freeze=True)

    answer = emulator.call("POST", path, **key)
    before = emulator.page_version()
    emulator.clock(advance=3)
    emulator.call("GET", "/")

    assert (answer.status, answer.body, answer.headers["x-emulator-basis"]) == (202, b"", "assumed; snapshots-accepted")
    assert (before, emulator.page_version()) == (6, 7)
    assert emulator.call("GET", "/wiki/api/v2/pages/131073").json()["version"]["number"] == 7


@pytest.mark.parametrize(
    ("settings", "path", "key", "status"),
    [
        ({}, "/take-snapshot/131073", {}, 401),
        ({}, "/take-snapshot/131073", MACRO, 401),
        ({"snapshots_refusal": 403}, "/take-snapshot/131073", MACRO, 403),
        ({}, "/take-snapshot/131074", GLOBAL, 404),
        ({"snapshots_unknown_page": 200}, "/take-snapshot/131074", GLOBAL, 200),
        ({"snapshots_enabled": False}, "/take-snapshot/131073", GLOBAL, 403),
        ({"macro_automation": False}, HOOK, MACRO, 404),
        ({}, "/macro-hooks/other", MACRO, 404),
        ({"snapshots_bearer": True}, "/take-snapshot/131073", GLOBAL, 401),
        (
            {"snapshots_bearer": True},
            "/take-snapshot/131073",
            {**GLOBAL, "Authorization": "Bearer emulator-confluence-pat"},
            202,
        ),
        ({"snapshots_answer": "no-content"}, "/take-snapshot/131073", GLOBAL, 204),
        ({"snapshots_answer": "text"}, "/take-snapshot/131073", GLOBAL, 200),
    ],
)
def test_the_failure_matrix_of_snapshots(emulator, settings, path, key, status):
    """Every way a trigger is answered can be had."""
    emulator.settings(**settings)

    assert status == emulator.call("POST", path, **key).status
    assert emulator.call("GET", path, **key).status == 405


def test_a_snapshot_can_fail_after_it_was_accepted(emulator):
    """Accepted is no proof: the page version stays."""
    emulator.settings(snapshots_fail=True)
    accepted = emulator.call("POST", "/take-snapshot/131073", **GLOBAL).status
    emulator.clock(advance=10)
    emulator.call("GET", "/")

    assert (accepted, emulator.page_version()) == (202, 6)


def test_the_confluence_page_shows_the_numbers_of_its_last_snapshot(emulator):
    """A new Test Execution is on the page after the next snapshot and not before."""
    key = execution(emulator)
    before = emulator.call("GET", "/wiki/spaces/QA/pages/131073").text
    emulator.call("POST", "/take-snapshot/131073", **GLOBAL)
    emulator.clock(advance=3)
    after = emulator.call("GET", "/wiki/spaces/QA/pages/131073").text

    assert ["Version 6 of 6" in before, "Version 7 of 7" in after] == [True, True]
    assert key not in before
    assert key in after


def test_the_page_of_an_execution_shows_everything_and_runs_nothing(emulator):
    """Statuses, comment and evidence are there; unsafe text stays text, and no script may run."""
    evidence = [{"data": "PHNjcmlwdD4=", "filename": "../x<y>.html", "contentType": "text/html"}]
    key = execution(emulator, "<script>alert(1)</script>", evidence=evidence)

    page = emulator.call("GET", f"/browse/{key}")
    file = emulator.call("GET", f"/jira/browse/{key}/evidence/1")

    assert ("<script>" in page.text, "&lt;script&gt;alert(1)" in page.text, "<b>bold" in page.text) == (
        False,
        True,
        False,
    )
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (file.headers["content-type"], file.headers["x-content-type-options"]) == (
        "application/octet-stream",
        "nosniff",
    )
    assert file.headers["content-disposition"].startswith("attachment;")
    assert emulator.call("GET", f"/browse/{key}/evidence/2").status == 404


def test_every_issue_has_a_page_and_what_is_missing_says_so(emulator):
    """All seeded issues and runs, the start page, the log and both Confluence pages can be looked at."""
    pages = [f"/browse/{key}" for key in emulator.state()["issues"]]
    runs = [f"/browse/SHOP-40/runs/{key}" for key in emulator.runs("SHOP-40")]

    for path in [*pages, *runs, "/", "/requests", "/switches", "/wiki/spaces/QA/pages/131074"]:
        answer = emulator.call("GET", path)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    missing = (
        "/browse/SHOP-999",
        "/browse/SHOP-40/runs/SHOP-8",
        "/browse/SHOP-1/runs/SHOP-1",
        "/wiki/spaces/QA/pages/1",
    )
    missing = (*missing, "/wiki/spaces/QA/pages/131073?version=5")
    assert [emulator.call("GET", path).status for path in missing] == [404] * 5


def test_many_runs_are_shown_page_by_page(emulator):
    """A big Test Execution has several pages."""
    tests = [
        {
            "status": "PASSED",
            "testInfo": {"projectKey": "SHOP", "summary": f"t{n}", "type": "Generic", "definition": f"d{n}"},
        }
        for n in range(600)
    ]
    key = emulator.cloud("", {"info": {"project": "SHOP", "summary": "x"}, "tests": tests}).json()["key"]

    assert "Page 2 of 2" in emulator.call("GET", f"/browse/{key}?page=2").text
    assert "600" in emulator.call("GET", f"/browse/{key}").text


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("/browse/SHOP-40", "", "SHOP-6 SHOP-4 SHOP-1 SHOP-3 SHOP-7"),
        ("/browse/SHOP-40", "?order=as+imported", "SHOP-1 SHOP-3 SHOP-4 SHOP-6 SHOP-7"),
        ("/browse/SHOP-40", "?group=PASSED&query=CART", "SHOP-3"),
        ("/browse/SHOP-40", "?query=%3Ci%3E", ""),
        ("/browse/SHOP-40", "?group=nothing&order=none&page=99", ""),
        ("/browse/SHOP-2", "?group=TO+DO", "SHOP-4"),
        ("/", "?group=Test+Plan", "SHOP-2"),
    ],
)
def test_lists_are_searched_filtered_and_ordered(emulator, path, query, found):
    """By the query of the address, failures first unless told otherwise; what was searched for is text."""
    page = emulator.call("GET", path + query).text
    rows = page[page.rindex('<ul class="list">') :].replace("SHOP-40", "")

    assert found.split() == list(dict.fromkeys(re.findall(r'<a href="/browse/(SHOP-[0-9]+)">\1', rows)))
    assert "<i>" not in page


def test_the_log_for_people_holds_no_credential(emulator):
    """It shows what was asked, the body of an import too, without the key that was sent for it."""
    execution(emulator, "expected 3")

    page = emulator.call("GET", "/requests").text
    assert ("Bearer ***" in page, "expected 3" in page, "emulator-secret" in page) == (True, True, False)
    assert "0 of 2 requests" in emulator.call("GET", "/requests?query=GET+/requests").text
