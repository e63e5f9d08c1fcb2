"""Xray Server/Data Center as the emulator plays it."""

import io
import json
import zipfile

import pytest
from emulator_client import basic, form

JUNIT = b"""<testsuite name="shop"><testcase classname="shop.cart.CartTest" name="adds_item"/>
<testcase classname="shop.cart.CartTest" name="sorts"><error/></testcase></testsuite>"""
INFO = {"fields": {"project": {"key": "SHOP"}, "summary": "Nightly"}}
LICENCE = "/jira/rest/raven/latest/api/xraylicense"


def one(**test):
    return {"info": {"project": "SHOP", "summary": "Run"}, "tests": [{"testKey": "SHOP-3", "status": "PASS", **test}]}


def junit(name="file", content=JUNIT):
    return form(**{name: ("report.xml", content, "application/xml")})


@pytest.mark.parametrize("version", ["1.0", "2.0", "latest"])
def test_an_import_names_the_execution_and_each_test(emulator, version):
    """The answer lists what was stored; an empty list of errors is not there."""
    body, kind = junit()

    answer = emulator.server("/junit", body, kind=kind, version=version, query={"projectKey": "SHOP"}).json()

    assert {"id": "10141", "key": "SHOP-41", "self": f"{emulator.jira_url}/rest/api/2/issue/10141"} == answer[
        "testExecIssue"
    ]
    assert [each["key"] for each in answer["testIssues"]["success"]] == ["SHOP-3", "SHOP-42"]
    assert "error" not in answer["testIssues"]
    assert {key: run["status"] for key, run in emulator.runs("SHOP-41").items()} == {
        "SHOP-3": "PASS",
        "SHOP-42": "FAIL",
    }


def test_a_wrong_status_is_a_partial_failure_inside_a_200(emulator):
    """A Test with an unknown status is listed and not stored; the others are."""
    document = one()
    document["tests"].append({"testKey": "SHOP-1", "status": "PASSED"})

    answer = emulator.server("", document)

    assert answer.status == 200
    assert [each["testKey"] for each in answer.json()["testIssues"]["error"]] == ["SHOP-1"]
    assert list(emulator.runs("SHOP-41")) == ["SHOP-3"]


def test_an_unknown_test_refuses_all_or_is_listed(emulator):
    """Both observed behaviours can be had; refusing is the default."""
    document = one()
    document["tests"].append({"testKey": "SHOP-99", "status": "PASS"})

    refused = emulator.server("", document)
    emulator.settings(server_unknown_test="error-list")
    listed = emulator.server("", document)

    assert (refused.status, refused.json()["error"]) == (400, "Test issue with key SHOP-99 not found.")
    assert listed.json()["testIssues"]["error"] == [
        {"testKey": "SHOP-99", "messages": ["Test issue with key SHOP-99 not found."]}
    ]
    assert len(emulator.executions()) == 1


@pytest.mark.parametrize(
    "document",
    [
        one(customFields=[{"name": "City", "value": 1}]),
        one(iterations=[{"status": "PASS", "log": "x"}]),
        one(steps=[{"status": "PASS", "evidence": []}]),
        one(examples=["PASSED"]),
        {"tests": [{"status": "PASS", "testInfo": {"projectKey": "SHOP", "summary": "s", "type": "Generic"}}]},
    ],
)
def test_what_only_cloud_takes_is_refused(emulator, document):
    """Names, words and places of Cloud's dialect break Server's schema."""
    assert emulator.server("", document).status == 400


def test_evidence_has_two_names(emulator):
    """`evidence` and `evidences` are both taken, not together."""
    item = [{"data": "YQ==", "filename": "a.txt"}]

    assert emulator.server("", one(evidences=item)).status == 200
    assert emulator.server("", one(evidence=item)).status == 200
    assert emulator.server("", one(evidence=item, evidences=item)).status == 400


def test_more_than_20_parameters_are_an_error_of_that_test(emulator):
    """The parameter limit is told of the Test, not of the import."""
    many = [{"name": f"p{number}", "value": "x"} for number in range(21)]

    answer = emulator.server("", one(iterations=[{"status": "PASS", "parameters": many}]))

    assert [each["testKey"] for each in answer.json()["testIssues"]["error"]] == ["SHOP-3"]


def test_multipart_takes_custom_fields_by_id(emulator):
    """Plan, environments, revision and dates are Jira fields; the plan gets the execution and not its Tests."""
    fields = {
        **INFO["fields"],
        "customfield_11807": ["SHOP-2"],
        "customfield_11805": ["brand-new"],
        "customfield_11808": "r7",
        "customfield_11809": "2024-05-02T10:15:30.000+0100",
    }
    body, kind = form(
        file=("r.xml", JUNIT, "application/xml"),
        info=("info.json", json.dumps({"fields": fields}).encode(), "application/json"),
    )

    answer = emulator.server("/junit/multipart", body, kind=kind)

    made = emulator.issue(answer.json()["testExecIssue"]["key"])["execution"]
    assert (made["plans"], made["environments"], made["revision"]) == (["SHOP-2"], ["brand-new"], "r7")
    assert "SHOP-42" not in emulator.issue("SHOP-2")["plan"]["tests"]
    assert "brand-new" in emulator.state()["projects"]["SHOP"]["environments"]


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({**INFO, "xrayFields": {"testPlanKey": "SHOP-2"}}, "Field 'xrayFields' cannot be set."),
        ({"fields": {"summary": "x"}}, "project is required"),
        ({"fields": {**INFO["fields"], "issuetype": {"name": "Bug"}}}, "issuetype: issuetype"),
        ({"fields": {**INFO["fields"], "fixVersions": ["1.0"]}}, "expected Object containing a `name` property"),
        ({"fields": {**INFO["fields"], "customfield_1": "x"}}, "Field 'customfield_1' cannot be set."),
    ],
)
def test_what_info_gets_wrong_is_400(emulator, info, text):
    """Cloud's block, missing project, wrong type, wrong shapes and unknown fields are refused."""
    body, kind = form(
        file=("r.xml", JUNIT, "application/xml"), info=("i.json", json.dumps(info).encode(), "application/json")
    )

    answer = emulator.server("/junit/multipart", body, kind=kind)

    assert answer.status == 400
    assert text in answer.json()["error"]


def test_xml_needs_the_part_file_and_json_the_part_result(emulator):
    """Part names differ by format; a popular action gets Cucumber's wrong."""
    wrong, wrong_kind = junit(name="result")
    info = ("i.json", json.dumps(INFO).encode(), "application/json")
    report = json.dumps(
        [
            {
                "elements": [
                    {"type": "scenario", "tags": [{"name": "@SHOP-4"}], "steps": [{"result": {"status": "passed"}}]}
                ]
            }
        ]
    ).encode()
    bad, bad_kind = form(file=("r.json", report, "application/json"), info=info)
    good, good_kind = form(result=("r.json", report, "application/json"), info=info)

    assert emulator.server("/junit", wrong, kind=wrong_kind, query={"projectKey": "SHOP"}).status == 400
    assert emulator.server("/junit", JUNIT, kind="application/xml", query={"projectKey": "SHOP"}).status == 400
    assert emulator.server("/cucumber/multipart", bad, kind=bad_kind).status == 400
    assert emulator.server("/cucumber/multipart", good, kind=good_kind).status == 200


def test_a_bundle_is_a_zip_of_json_results(emulator):
    """Several JSON results in one archive are one import."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key in ("SHOP-4", "SHOP-8"):
            feature = {
                "elements": [
                    {"type": "scenario", "tags": [{"name": f"@{key}"}], "steps": [{"result": {"status": "failed"}}]}
                ]
            }
            archive.writestr(f"{key}.json", json.dumps([feature]))
    body, kind = form(file=("results.zip", buffer.getvalue(), "application/zip"))
    broken, broken_kind = form(file=("results.zip", b"no zip", "application/zip"))

    key = emulator.server("/bundle", body, kind=kind).json()["testExecIssue"]["key"]

    assert {test: run["status"] for test, run in emulator.runs(key).items()} == {"SHOP-4": "FAIL", "SHOP-8": "FAIL"}
    assert emulator.server("/bundle", broken, kind=broken_kind).status == 400


def test_a_requirement_that_cannot_be_covered_fails_the_import(emulator):
    """One wrong requirement key refuses everything."""
    info = {
        "projectKey": "SHOP",
        "summary": "s",
        "testType": "Generic",
        "definition": "d",
        "requirementKeys": ["SHOP-9"],
    }

    answer = emulator.server(
        "", {"info": {"project": "SHOP", "summary": "x"}, "tests": [{"status": "PASS", "testInfo": info}]}
    )

    assert (answer.status, answer.json()["error"]) == (
        400,
        "SHOP-9 is not a requirement issue or is not a valid issue key.",
    )


def test_the_right_path_with_the_wrong_method_is_405(emulator):
    """A HEAD on an import path proves the URL without credentials."""
    assert [emulator.call(method, "/jira/rest/raven/2.0/import/execution").status for method in ("HEAD", "GET")] == [
        405,
        405,
    ]


def test_server_calls_on_a_cloud_site_are_null_for_uri(emulator):
    """The clearest sign of a wrong deployment, as JSON or XML."""
    answer = emulator.call("POST", "/rest/raven/2.0/import/execution", b"{}")

    assert (404, f"null for uri: {emulator.url}/rest/raven/2.0/import/execution") == (
        answer.status,
        answer.json()["message"],
    )
    assert "<message>" in emulator.call("GET", "/rest/raven/2.0/x", Accept="application/xml").text


def test_tokens_and_passwords_let_in_and_nothing_else_does(emulator):
    """A token or basic authentication works; none, a wrong or an expired token is 401."""
    good = ["Bearer emulator-pat", basic("emu", "emu")]
    bad = ["Bearer emulator-pat-expired", "Bearer x", basic("dev@example.com", "emulator-jira-token")]

    assert [emulator.call("GET", LICENCE, Authorization=each).status for each in good] == [200, 200]
    assert [emulator.call("GET", LICENCE, Authorization=each).status for each in bad] == [401, 401, 401]
    assert emulator.call("GET", LICENCE).status == 401


def test_failed_logins_bring_a_captcha(emulator):
    """After three failed logins even the right password is 403; a token still works."""
    failed = [emulator.call("GET", LICENCE, Authorization=basic("emu", "no")).status for _ in range(3)]
    right = emulator.call("GET", LICENCE, Authorization=basic("emu", "emu"))

    assert failed == [401, 401, 401]
    assert right.status == 403
    assert right.headers["x-authentication-denied-reason"].startswith("CAPTCHA_CHALLENGE; login-url=")
    assert emulator.call("GET", LICENCE, Authorization="Bearer emulator-pat").status == 200


def test_single_sign_on_redirects_to_a_page(emulator):
    """With single sign-on a call without credentials is led to HTML that is 200."""
    emulator.settings(sso_redirect=True)

    answer = emulator.call("GET", LICENCE)

    assert answer.status == 302
    page = emulator.call("GET", answer.headers["location"].removeprefix(emulator.url))
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_licence_and_missing_xray_show(emulator):
    """An inactive licence is told and refuses imports; without Xray the path does not exist."""
    emulator.settings(licence_active=False)
    told = emulator.call("GET", LICENCE, Authorization="Bearer emulator-pat")
    refused = emulator.server("", one())
    emulator.settings(xray_installed=False)

    assert told.json() == {"active": False, "licenseType": "Demo License"}
    assert refused.status == 401
    assert emulator.call("GET", LICENCE, Authorization="Bearer emulator-pat").status == 404


def test_texts_come_in_the_servers_language(emulator):
    """A client cannot rely on English."""
    emulator.settings(language="de")

    assert "SHOP-99 wurde nicht gefunden" in emulator.server("", one(testKey="SHOP-99")).json()["error"]


def test_a_site_can_refuse_the_summary_of_an_existing_execution(emulator):
    """With results for an existing Test Execution some sites refuse the edit."""
    emulator.settings(execution_editable=False)
    document = {**one(), "testExecutionKey": "SHOP-40"}

    assert "Field 'summary' cannot be set." in emulator.server("", document).json()["error"]
    del document["info"]["summary"]
    assert emulator.server("", document).status == 200


def test_runs_can_be_read_back(emulator):
    """Runs are read by execution, by execution and Test, and by id; 1.0 knows the path without `/api`."""
    emulator.server("", one(comment="fine"))
    token = {"Authorization": "Bearer emulator-pat"}

    listed = emulator.call("GET", "/jira/rest/raven/2.0/api/testruns?testExecKey=SHOP-41", **token).json()
    single = emulator.call(
        "GET", "/jira/rest/raven/2.0/api/testrun?testExecIssueKey=SHOP-41&testIssueKey=SHOP-3", **token
    ).json()
    old = emulator.call("GET", "/jira/rest/raven/1.0/testruns?testExecKey=SHOP-41", **token).json()
    by_id = emulator.call("GET", f"/jira/rest/raven/2.0/api/testrun/{single['id']}", **token).json()
    tests = emulator.call("GET", "/jira/rest/raven/2.0/api/testexec/SHOP-40/test?limit=2&page=2", **token).json()

    assert [single] == listed == old
    assert single == by_id
    assert (single["status"], single["comment"], single["testKey"]) == ("PASS", "fine", "SHOP-3")
    assert [(each["key"], each["status"]) for each in tests] == [("SHOP-4", "TODO"), ("SHOP-6", "FAIL")]
    assert emulator.call("GET", "/jira/rest/raven/2.0/testruns?testExecKey=SHOP-41", **token).json() == listed
    assert emulator.call("GET", "/jira/rest/raven/2.0/api/testruns", **token).status == 400


def test_a_form_that_looks_like_a_browsers_is_refused(emulator):
    """A browser's user agent needs the header that says it is none."""
    body, kind = junit()
    path = "/jira/rest/raven/2.0/import/execution/junit?projectKey=SHOP"
    headers = {"Content_Type": kind, "Authorization": "Bearer emulator-pat", "User_Agent": "Mozilla/5.0"}

    assert emulator.call("POST", path, body, **headers).status == 403
    assert emulator.call("POST", path, body, **headers, X_Atlassian_Token="no-check").status == 200
