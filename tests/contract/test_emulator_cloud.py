"""Xray Cloud as the emulator plays it."""

import base64
import json

import pytest
from emulator_client import CLIENT_ID_IN_EU, CLIENT_ID_WITHOUT_PROJECTS, form

JUNIT = b"""<testsuites><testsuite name="shop">
<testcase classname="shop.cart.CartTest" name="adds_item"/>
<testcase classname="shop.cart.CartTest" name="sorts"><failure message="boom"/></testcase>
</testsuite></testsuites>"""
INFO = {"fields": {"project": {"key": "SHOP"}, "summary": "Nightly", "issuetype": {"name": "Test Execution"}}}


def info_and(report, name="results", *, info=None, **more):
    return form(
        **{
            name: ("report.xml", report, "application/xml"),
            "info": ("info.json", json.dumps(info or INFO).encode(), "application/json"),
            **more,
        }
    )


def one(**test):
    return {"info": {"project": "SHOP", "summary": "Run"}, "tests": [{"testKey": "SHOP-3", "status": "PASSED", **test}]}


def test_a_token_is_a_quoted_jwt_with_its_claims(emulator):
    """Authenticate answers one JSON string of three parts that names its end by the emulator's clock."""
    token = emulator.token()

    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert len(token.split(".")) == 3
    assert claims["exp"] - claims["iat"] == 86400
    assert (
        emulator.call("POST", "/api/v1/authenticate", b"{}").headers["x-emulator-basis"]
        == "documented; cloud-authenticate-incomplete"
    )


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b'{"client_id": "x", "client_secret": "y"}', 401, "Authentication failed. Invalid client credentials!"),
        (b'{"client_id": "x"}', 400, "client_id and client_secret are required."),
        (b"nonsense", 400, "client_id and client_secret are required."),
    ],
)
def test_bad_credentials_get_no_token(emulator, body, status, text):
    """Wrong credentials are 401 with JSON, a body of the wrong shape is 400 in plain text."""
    answer = emulator.call("POST", "/api/v2/authenticate", body)

    assert status == answer.status
    assert text in answer.text


def test_junit_makes_one_execution_reuses_by_definition_and_links_the_plan(emulator):
    """The query names project, plan and environments; a known definition is reused, an unknown one becomes a Test."""
    query = {
        "projectKey": "SHOP",
        "testPlanKey": "SHOP-2",
        "testEnvironments": "chrome;linux",
        "fixVersion": "1.1",
        "revision": "abc",
    }

    answer = emulator.cloud("/junit", JUNIT, kind="application/xml", query=query)

    assert {"id": "10141", "key": "SHOP-41", "self": f"{emulator.url}/rest/api/2/issue/10141"} == answer.json()
    made = emulator.issue("SHOP-41")
    assert {key: run["status"] for key, run in emulator.runs("SHOP-41").items()} == {
        "SHOP-3": "PASSED",
        "SHOP-42": "FAILED",
    }
    assert (made["execution"]["environments"], made["execution"]["revision"]) == (["chrome", "linux"], "abc")
    assert made["fix_versions"] == ["1.1"]
    assert emulator.issue("SHOP-42")["test"]["definition"] == "shop.cart.CartTest.sorts"
    plan = emulator.issue("SHOP-2")["plan"]
    assert plan["executions"] == ["SHOP-40", "SHOP-41"]
    assert "SHOP-42" in plan["tests"]


def test_a_second_import_into_the_same_execution_overwrites_the_runs_it_names(emulator):
    """Importing into an existing Test Execution changes the named runs and no others, and makes nothing."""
    emulator.cloud("/junit", JUNIT, kind="application/xml", query={"projectKey": "SHOP"})
    again = b'<testsuite name="shop"><testcase classname="shop.cart.CartTest" name="sorts"/></testsuite>'

    answer = emulator.cloud("/junit", again, kind="text/xml", query={"testExecKey": "SHOP-41"})

    assert answer.json()["key"] == "SHOP-41"
    assert {"PASSED"} == {run["status"] for run in emulator.runs("SHOP-41").values()}
    assert len(emulator.executions()) == 1
    assert len(emulator.created_tests()) == 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            {"projectKey": "SHOP", "testPlanKey": "SHOP-5"},
            "issue with key SHOP-5 does not exist or is not of issue type Test Plan!",
        ),
        ({"testExecKey": "SHOP-2"}, "issue with key SHOP-2 does not exist or is not of issue type Test Execution!"),
        ({"projectKey": "SHOP", "testEnvironments": "dev"}, "not in the context of test execution project: 'dev'!"),
        ({"projectKey": "NOPE"}, "No project could be found with key 'NOPE'."),
        ({"projectKey": '"SHOP"'}, "No project could be found"),
        ({"projectKey": "SHOP", "fixVersion": "9.9"}, "9.9"),
        ({}, "project"),
    ],
)
def test_what_the_query_gets_wrong_is_400_and_leaves_no_trace(emulator, query, text):
    """A refused import stores nothing."""
    before = emulator.state()["issues"]

    answer = emulator.cloud("/junit", JUNIT, kind="application/xml", query=query)

    assert answer.status == 400
    assert text in answer.json()["error"]
    assert before == emulator.state()["issues"]


@pytest.mark.parametrize("name", ["junit", "testng", "nunit", "xunit", "robot"])
def test_a_form_on_a_standard_xml_path_is_refused(emulator, name):
    """Cloud's standard XML paths take raw XML only."""
    body, kind = info_and(JUNIT)

    answer = emulator.cloud(f"/{name}", body, kind=kind, query={"projectKey": "SHOP"})

    assert (400, f"Missing data in the {name} results import request") == (answer.status, answer.json()["error"])


def test_multipart_always_creates_and_passes_the_query_over(emulator):
    """The multipart path takes everything from `info`, even when the query names an existing Test Execution."""
    xray = {"xrayFields": {"testPlanKey": "SHOP-2", "environments": ["firefox"]}}
    test_info = ("testInfo.json", json.dumps({"fields": {"labels": ["new"]}}).encode(), "application/json")
    body, kind = info_and(JUNIT, info={**INFO, **xray}, testInfo=test_info)

    answer = emulator.cloud("/junit/multipart", body, kind=kind, query={"testExecKey": "SHOP-40", "projectKey": "NOPE"})

    assert answer.json()["key"] == "SHOP-41"
    assert (emulator.issue("SHOP-41")["summary"], emulator.issue("SHOP-41")["execution"]["environments"]) == (
        "Nightly",
        ["firefox"],
    )
    assert emulator.issue("SHOP-42")["labels"] == ["new"]


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({**INFO, "xrayFields": {"testEnvironments": ["chrome"]}}, "invalid fields: testEnvironments!"),
        ({"fields": {**INFO["fields"], "testPlanKey": "SHOP-2"}}, "Field 'testPlanKey' cannot be set."),
        ({"fields": {**INFO["fields"], "issuetype": {"id": "1"}}}, "issuetype: Specify a valid issue type"),
        ({"fields": {**INFO["fields"], "project": {"key": "NOPE"}}}, "No project could be found"),
        ({"fields": {**INFO["fields"], "fixVersions": ["1.0"]}}, "`name` property"),
        ({"fields": {**INFO["fields"], "labels": ["a b"]}}, "contains spaces"),
        ({**INFO, "xrayFields": {"testPlanKey": ["SHOP-2"]}}, "testPlanKey"),
    ],
)
def test_what_info_gets_wrong_is_400(emulator, info, text):
    """Names in `xrayFields`, fields off the screen, shapes and types are checked."""
    body, kind = info_and(JUNIT, info=info)

    answer = emulator.cloud("/junit/multipart", body, kind=kind)

    assert answer.status == 400
    assert text in answer.json()["error"]
    assert emulator.executions() == []


def test_multipart_parts_have_cloud_names_and_are_files(emulator):
    """The report part is `results`, and a part without a file name is not seen."""
    wrong, wrong_kind = info_and(JUNIT, name="file")
    bare, bare_kind = form(
        results=("r.xml", JUNIT, "application/xml"), info=(None, json.dumps(INFO).encode(), "application/json")
    )

    assert emulator.cloud("/junit/multipart", wrong, kind=wrong_kind).status == 400
    assert emulator.cloud("/junit/multipart", bare, kind=bare_kind).status == 400


@pytest.mark.parametrize(
    "document",
    [
        {"tests": []},
        {"info": {"project": "SHOP", "summary": "x"}},
        one(status=None),
        one(unknown=1),
        one(steps=[], iterations=[{"status": "PASSED"}]),
        one(iterations=[]),
        one(examples=["PASS"]),
        one(evidence=[], evidences=[]),
        one(start="2024-05-02T10:15:30"),
        one(testVersion="1"),
        one(testKey=7),
        {"tests": [{"status": "PASSED"}]},
        {"info": {"testExecutionKey": "SHOP-40"}, "tests": [{"testKey": "SHOP-3", "status": "PASSED"}]},
        {"tests": [{"status": "PASSED", "testInfo": {"projectKey": "SHOP", "summary": "s", "testType": "Generic"}}]},
    ],
)
def test_a_document_that_breaks_the_schema_has_one_answer(emulator, document):
    """Cloud has one sentence for every fault of the document."""
    answer = emulator.cloud("", document)

    assert (answer.status, answer.json()["error"]) == (400, "Result is not valid Xray Format")


def test_a_hint_says_what_the_vendor_would_not(emulator):
    """A header of the emulator's own names the place in the document."""
    assert emulator.cloud("", one(unknown="é")).headers["x-emulator-hint"].startswith("tests/0: ")


def test_steps_and_iterations_are_kept_with_their_evidence(emulator):
    """What hangs on a step can be downloaded; text that is not base64 is taken and marked."""
    steps = [{"status": "FAILED", "actualResult": "no", "evidence": [{"data": "YWJj", "filename": "s.txt"}]}]
    iterations = [{"status": "FAILED", "name": "one", "parameters": [{"name": "p", "value": "1"}], "steps": steps}]
    document = one(testKey="SHOP-1", iterations=iterations, evidence=[{"data": "a", "filename": "broken"}])
    document["tests"].append({"testKey": "SHOP-3", "status": "FAILED", "steps": steps})

    key = emulator.cloud("", document).json()["key"]

    runs = emulator.runs(key)
    assert tuple(runs["SHOP-1"]["iterations"][0]["steps"][0]["evidence"][0][name] for name in ("filename", "size")) == (
        "s.txt",
        3,
    )
    assert runs["SHOP-3"]["steps"][0]["actualResult"] == "no"
    assert [each["readable"] for each in runs["SHOP-1"]["evidence"]] == [False]
    assert "s.txt" in emulator.call("GET", f"/browse/{key}").text


def test_a_step_over_8192_characters_is_refused(emulator):
    """Cloud takes 8192 characters of a step's action and no more."""

    def step(length):
        info = {"projectKey": "SHOP", "summary": "s", "type": "Manual", "steps": [{"action": "x" * length}]}
        return emulator.cloud(
            "", {"info": {"project": "SHOP", "summary": "x"}, "tests": [{"status": "PASSED", "testInfo": info}]}
        )

    assert [step(8192).status, step(8193).status] == [200, 400]


def test_an_unknown_status_is_stored_as_to_do_or_refused(emulator):
    """Both observed policies can be had; the silent one is the default."""
    silent = emulator.cloud("", one(status="PASS"))
    emulator.settings(status_policy="refuse")
    refused = emulator.cloud("", one(status="PASS"))

    assert tuple(emulator.runs(silent.json()["key"])["SHOP-3"][name] for name in ("status", "stated")) == (
        "TO DO",
        "PASS",
    )
    assert refused.status == 400


def test_xray_json_stores_all_that_it_says(emulator):
    """Comment, times, evidence, defects, environments, plan, version and revision are there to be read."""
    data = base64.b64encode(b"log").decode()
    document = {
        "info": {
            "project": "SHOP",
            "summary": "Run",
            "testPlanKey": "SHOP-2",
            "testEnvironments": ["chrome"],
            "version": "1.0",
            "revision": "r1",
            "startDate": "2024-05-02T10:15:30+0100",
        },
        "tests": [
            {
                "testKey": "SHOP-3",
                "status": "FAILED",
                "comment": "no",
                "start": "2024-05-02T10:15:30Z",
                "defects": ["SHOP-9"],
                "evidence": [{"data": data, "filename": "a.txt"}],
            }
        ],
    }

    key = emulator.cloud("", document).json()["key"]

    run = emulator.runs(key)["SHOP-3"]
    assert (run["status"], run["comment"], run["defects"]) == ("FAILED", "no", ["SHOP-9"])
    assert [(each["filename"], each["size"]) for each in run["evidence"]] == [("a.txt", 3)]
    assert emulator.call("GET", f"/browse/{key}/evidence/{run['evidence'][0]['id']}").body == b"log"
    assert document == emulator.document()


def test_the_last_of_two_entries_for_one_test_wins_and_is_counted(emulator):
    """Two entries for one Test leave one run; the state counts what was written over."""
    document = one()
    document["tests"].append({"testKey": "SHOP-3", "status": "FAILED"})

    key = emulator.cloud("", document).json()["key"]

    assert emulator.runs(key)["SHOP-3"]["status"] == "FAILED"
    assert emulator.state()["duplicates"] == 1


def test_test_info_finds_makes_and_rewrites(emulator):
    """Generic Tests are found by definition, others by summary; with a key the Test itself is rewritten."""

    def info(**more):
        return {"projectKey": "SHOP", "summary": "s", "type": "Generic", **more}

    tests = [
        {"status": "PASSED", "testInfo": info(definition="shop.cart.CartTest.adds_item")},
        {"status": "PASSED", "testInfo": info(type="Manual", summary="Check out as a guest")},
        {"status": "PASSED", "testInfo": info(definition="new.one")},
        {"status": "PASSED", "testInfo": info(definition="new.one")},
        {"status": "PASSED", "testKey": "SHOP-7", "testInfo": info(definition="other")},
    ]

    key = emulator.cloud("", {"info": {"project": "SHOP", "summary": "x"}, "tests": tests}).json()["key"]

    assert {"SHOP-3", "SHOP-1", "SHOP-42", "SHOP-7"} == set(emulator.runs(key))
    changed = emulator.issue("SHOP-7")["test"]
    assert (changed["definition"], changed["rewritten"][0]["identity"]) == (
        "other",
        "shop.price.PriceTest.price_with_tax",
    )
    assert emulator.issue("SHOP-3")["test"]["rewritten"] == []


def test_custom_fields_need_v2(emulator):
    """Test Run custom fields are taken by v2 and refused by v1."""
    document = one(customFields=[{"name": "City", "value": "Porto"}])

    assert emulator.cloud("", document).status == 200
    assert emulator.cloud("", document, version="v1").status == 400


def test_an_unknown_test_key_refuses_the_whole_import(emulator):
    """No Test is stored when one key is wrong; a Story is not a Test."""
    for key, text in (
        ("SHOP-99", "issue with key SHOP-99 does not exist or is not of issue type Test!"),
        ("SHOP-5", "Issues with keys SHOP-5 are not of type Test."),
    ):
        answer = emulator.cloud("", one(testKey=key))
        assert answer.status == 400
        assert text in answer.json()["error"]


def test_tokens_expire_and_malformed_ones_are_refused(emulator):
    """A token lives 24 hours of the emulator's clock."""
    token = emulator.token()
    emulator.clock(advance=86401)

    old = emulator.call("POST", "/api/v2/import/execution", b"{}", Authorization=f"Bearer {token}")
    none = emulator.call("POST", "/api/v2/import/execution", b"{}")

    assert (old.status, old.json()["error"]) == (401, "Invalid JWT: TokenExpiredError: jwt expired")
    assert (none.status, none.json()["error"]) == (401, "Invalid JWT: JsonWebTokenError: jwt malformed")


def test_a_key_of_another_region_gets_a_token_and_no_data(emulator):
    """Authenticate proves nothing: the first data call tells that the data is elsewhere."""
    wrong = emulator.cloud("", one(), client_id=CLIENT_ID_IN_EU)
    emulator.settings(region="eu")
    right = emulator.cloud("", one(), client_id=CLIENT_ID_IN_EU)

    assert wrong.status == 401
    assert "another region" in wrong.json()["error"]
    assert right.status == 200


def test_a_key_that_sees_nothing_finds_no_project(emulator):
    """What a user may not see does not exist."""
    answer = emulator.cloud("", one(), client_id=CLIENT_ID_WITHOUT_PROJECTS)

    assert (answer.status, "No project could be found with key 'SHOP'" in answer.json()["error"]) == (400, True)


def test_the_rate_limit_tells_when_to_come_back(emulator):
    """Over the limit: 429, Retry-After, and an error that is an object; authenticate does not count."""
    emulator.settings(rate_limit=2)
    emulator.clock(freeze=True)

    statuses = [emulator.cloud("", one()).status for _ in range(3)]
    refused = emulator.cloud("", one())
    emulator.clock(advance=60)

    assert statuses == [200, 200, 429]
    assert (refused.headers["retry-after"], refused.json()["error"]["text"]) == (
        "60",
        "Too many requests in this time frame.",
    )
    assert emulator.cloud("", one()).status == 200


@pytest.mark.parametrize(
    ("shape", "kind"), [("text", "text/plain"), ("json", "application/json"), ("html", "text/html")]
)
def test_a_body_over_the_limit_is_413(emulator, shape, kind):
    """The 413 comes in three shapes."""
    emulator.settings(max_body=10_000, max_body_answer=shape)

    answer = emulator.cloud("", one(comment="x" * 100_000))

    assert (answer.status, answer.headers["content-type"].startswith(kind)) == (413, True)
    assert "Request Entity Too Large" in answer.text


def test_json_paths_want_json(emulator):
    """Another content type on a JSON path is refused."""
    assert emulator.cloud("", one(), kind="text/plain").status == 400
    assert emulator.cloud("/cucumber", [], kind="text/plain").status == 400


def test_a_wrong_method_or_path_is_html(emulator):
    """Cloud answers a GET on an import path, and an unknown path, with a 404 page."""
    assert emulator.call("GET", "/api/v2/import/execution").status == 404
    assert emulator.call("POST", "//api/v2/authenticate", b"{}").status == 404
    assert "text/html" in emulator.call("POST", "/api/v3/authenticate").headers["content-type"]
