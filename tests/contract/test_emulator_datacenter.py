"""Xray Server's resources as public clients use them: runs, Tests, steps, sets, the repository, by version."""

import base64
import json

import pytest
from emulator_client import form

HEADERS = {"Authorization": "Bearer emulator-pat"}
NAMED = {"fields": {"project": {"key": "SHOP"}, "description": "told later"}}


def send(emulator, method, path, document=None, version="2.0", start="/api"):
    body = None if document is None else json.dumps(document).encode()
    return emulator.call(method, f"/jira/rest/raven/{version}{start}/{path}", body, **HEADERS)


def multipart(**parts):
    return form(
        **{name: (f"{name}.json", json.dumps(value).encode(), "application/json") for name, value in parts.items()}
    )


def run_of(emulator, **test):
    """Import one result and return the id of its run."""
    answer = emulator.server(
        "", {"info": {"project": "SHOP"}, "tests": [{"testKey": "SHOP-1", "status": "TODO", **test}]}
    )
    return next(iter(emulator.runs(answer.json()["testExecIssue"]["key"]).values()))["id"]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("start", ["", "/api"])
def test_multipart_updates_the_execution_that_xray_json_names(emulator, version, start):
    """The key comes back, results and fields of `info` are written, summary and type are not needed."""
    report = {"testExecutionKey": "SHOP-40", "tests": [{"testKey": "SHOP-6", "status": "PASS"}]}
    body, kind = multipart(result=report, info=NAMED)
    answer = emulator.call(
        "POST", f"/jira/rest/raven/{version}{start}/import/execution/multipart", body, Content_Type=kind, **HEADERS
    )

    assert answer.json()["testExecIssue"]["key"] == "SHOP-40"
    assert (emulator.issue("SHOP-40")["description"], emulator.runs("SHOP-40")["SHOP-6"]["status"]) == (
        "told later",
        "PASS",
    )
    assert emulator.executions() == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_cloud_updates_it_too_unless_the_site_is_older(emulator, version):
    """Xray JSON by its key, Cucumber by a tag of the feature; a switch brings back what older material says."""
    report = {"testExecutionKey": "SHOP-40", "tests": [{"testKey": "SHOP-6", "status": "PASSED"}]}
    feature = [
        {
            "tags": [{"name": "@SHOP-40"}],
            "elements": [
                {"type": "scenario", "tags": [{"name": "@SHOP-8"}], "steps": [{"result": {"status": "passed"}}]}
            ],
        }
    ]
    whole = {"fields": {**NAMED["fields"], "summary": "New", "issuetype": {"name": "Test Execution"}}}
    keys = []
    for path, results, info in (("", report, NAMED), ("/cucumber", feature, whole)):
        body, kind = multipart(results=results, info=info)
        keys.append(emulator.cloud(f"{path}/multipart", body, kind=kind, version=version).json()["key"])
    summary = emulator.issue("SHOP-40")["summary"]
    emulator.settings(multipart_updates=False)
    body, kind = multipart(results=report, info=whole)

    assert (keys, summary) == (["SHOP-40", "SHOP-40"], "New")
    assert emulator.cloud("/multipart", body, kind=kind, version=version).json()["key"] == "SHOP-41"


def test_runs_with_evidence_in_steps_are_read(emulator):
    """A file that hangs on a step is shown as a file, in the run and in the list."""
    evidence = [{"data": base64.b64encode(b"x").decode(), "filename": "s.txt"}]
    number = run_of(emulator, status="FAIL", steps=[{"status": "FAIL", "comment": "c", "evidences": evidence}])

    shown = send(emulator, "GET", f"testrun/{number}").json()
    assert [each["fileName"] for each in shown["steps"][0]["evidences"]] == ["s.txt"]
    assert shown["steps"][0]["comment"] == {"raw": "c", "rendered": "<p>c</p>"}
    assert send(emulator, "GET", "testruns?testKey=SHOP-1").json()[-1] == shown
    assert send(emulator, "GET", f"testrun/{number}/step/1/attachment").json()[0]["fileSize"] == "1"


@pytest.mark.parametrize(("version", "codes"), [("1.0", [200] * 5), ("2.0", [204, 201, 201, 204, 204])])
def test_codes_differ_by_version(emulator, version, codes):
    """1.0 answers 200 where 2.0 says 201 or 204; a file is removed by its id, or by its name."""
    place, item = f"testrun/{run_of(emulator)}", {"data": "YQ==", "filename": "a.txt"}
    first = send(emulator, "POST", f"{place}/attachment", item, version)
    send(emulator, "POST", f"{place}/attachment", {**item, "filename": "b.txt"}, version)
    answers = [
        send(emulator, "PUT", f"{place}/status?status=PASS", None, version),
        send(emulator, "POST", f"{place}/defect", ["SHOP-9"], version),
        first,
        send(emulator, "DELETE", f"{place}/attachment/{first.json()['id']}", None, version),
        emulator.call("DELETE", f"/jira/rest/raven/{version}/api/{place}/attachment", b"b.txt", **HEADERS),
    ]

    assert codes == [each.status for each in answers]
    assert send(emulator, "GET", f"{place}/attachment").json() == []


def test_a_run_takes_everything_in_one_call(emulator):
    """What is sent is stored and told; what is wrong changes nothing; a run of Cloud needs no status."""
    number = run_of(emulator)
    given = {
        "status": "FAIL",
        "comment": "bad",
        "assignee": "emu",
        "defects": {"add": ["SHOP-9", "SHOP-99"]},
        "evidences": {"add": [{"data": "YQ==", "filename": "a.txt", "contentType": "text/plain"}]},
        "steps": [
            {"id": 1, "status": "PASS", "actualResult": "fine", "evidences": [{"data": "Yg==", "filename": "b"}]}
        ],
        "customFields": [{"id": 7, "value": ["x"]}],
    }
    answer = send(emulator, "PUT", f"testrun/{number}", given).json()
    shown = send(emulator, "GET", f"testrun/{number}").json()
    refused = send(emulator, "PUT", f"testrun/{number}", {"comment": "new", "steps": [{"id": 9, "status": "PASS"}]})
    cloud = emulator.runs("SHOP-40")["SHOP-3"]["id"]

    assert (answer["id"], len(answer["evidenceIds"]), len(answer["stepResults"]), len(answer["warnings"])) == (
        int(number),
        1,
        1,
        1,
    )
    assert (shown["status"], shown["comment"], shown["assignee"], shown["defects"]) == (
        "FAIL",
        "bad",
        "emu",
        ["SHOP-9"],
    )
    assert [each["status"] for each in shown["steps"]] == ["PASS", "TODO"]
    assert shown["steps"][0]["fields"]["Action"]["value"]["raw"] == "Open the cart"
    assert shown["customFields"] == [{"id": "7", "value": ["x"]}]
    assert (refused.status, send(emulator, "GET", f"testrun/{number}").json()["comment"]) == (404, "bad")
    assert send(emulator, "PUT", f"testrun/{cloud}", {"comment": "only"}).status == 200


def test_parts_of_a_run_have_paths_of_their_own(emulator):
    """Assignee, defects, steps, examples and fields are read and written one by one."""
    place = f"testrun/{run_of(emulator)}"
    outline = emulator.server(
        "",
        {"info": {"project": "SHOP"}, "tests": [{"testKey": "SHOP-4", "status": "TODO", "examples": ["TODO", "TODO"]}]},
    ).json()["testExecIssue"]["key"]
    examples = f"testrun/{emulator.runs(outline)['SHOP-4']['id']}/example"
    assert send(emulator, "GET", f"{place}/assignee").json() == {"assigned": False, "assignee": None}
    assert send(emulator, "PUT", f"{place}/assignee?user=emu").status == 200
    assert send(emulator, "GET", f"{place}/assignee").json() == {"assigned": True, "assignee": "emu"}
    send(emulator, "POST", f"{place}/defect", ["SHOP-9"])
    assert [each["key"] for each in send(emulator, "GET", f"{place}/defect").json()] == ["SHOP-9"]
    assert [send(emulator, "DELETE", f"{place}/defect/SHOP-9").status for _ in range(2)] == [200, 404]
    assert send(emulator, "PUT", f"{place}/step/2/status?status=FAIL").status == 204
    assert send(emulator, "GET", f"{place}/step/2/status").text == "FAIL"
    assert send(emulator, "PUT", f"{place}/step/1", {"comment": "c", "status": "PASS"}).status == 200
    assert [each["status"] for each in send(emulator, "GET", f"{place}/step").json()] == ["PASS", "FAIL"]
    assert send(emulator, "GET", f"{place}/step/1/comment").json()["raw"] == "c"
    assert send(emulator, "GET", f"{place}/step/3").status == 404
    assert send(emulator, "PUT", f"{examples}/2?status=PASS").status == 200
    assert [send(emulator, "GET", f"{examples}/{number}").text for number in (1, 2)] == ["TODO", "PASS"]
    assert send(emulator, "PUT", f"{place}/customfield/5", {"value": "v"}).status == 200
    assert send(emulator, "GET", f"{place}/customfield/5").json() == {"id": "5", "value": "v"}
    assert send(emulator, "PUT", f"{place}/customfield/5", {"value": None}).status == 200
    assert send(emulator, "GET", f"{place}/customfield").json() == []


def test_what_holds_a_test_is_found_from_both_ends(emulator):
    """Executions, plans, sets and preconditions list their Tests, and a Test lists them."""
    keys = {"testexec": "SHOP-40", "testplan": "SHOP-2", "testset": "SHOP-13", "precondition": "SHOP-12"}
    for path, key in keys.items():
        assert send(emulator, "POST", f"{path}/{key}/test", {"add": ["SHOP-8", "SHOP-5"]}).json() == [
            "Issue with key SHOP-5 does not exist or is not of type Test."
        ]
        assert "SHOP-8" in [each["key"] for each in send(emulator, "GET", f"{path}/{key}/test").json()]
    around = {
        name: [each["key"] for each in send(emulator, "GET", f"test/SHOP-8/{name}").json()]
        for name in ("testexecutions", "testplans", "testsets", "preconditions")
    }
    assert len(send(emulator, "GET", "test/SHOP-8/testruns").json()) == 1
    for path, key in keys.items():
        answers = [send(emulator, "DELETE", f"{path}/{key}/test/SHOP-8") for _ in range(2)]
        assert [each.status for each in answers] == [200, 404], path

    assert around == {
        "testexecutions": ["SHOP-40"],
        "testplans": ["SHOP-2"],
        "testsets": ["SHOP-13"],
        "preconditions": ["SHOP-12"],
    }
    assert [each["key"] for each in send(emulator, "GET", "testplan/SHOP-2/testexecution").json()] == ["SHOP-40"]
    assert send(emulator, "DELETE", "testplan/SHOP-2/testexecution/SHOP-40").status == 200
    assert emulator.issue("SHOP-40")["execution"]["plans"] == []


def test_steps_of_a_test_are_written_in_both_versions(emulator):
    """1.0 has `step` and a list, 2.0 `steps` and an object."""
    made = send(emulator, "POST", "test/SHOP-1/steps", {"fields": {"Action": "Pay", "Data": "card"}})
    older = send(emulator, "PUT", "test/SHOP-1/step", {"step": "Wait", "data": "", "result": "Paid"}, "1.0")
    listed = send(emulator, "GET", "test/SHOP-1/steps").json()["steps"]
    place = f"test/SHOP-1/steps/{made.json()['id']}"

    assert (made.status, older.status, [each["step"]["raw"] for each in listed][2:]) == (201, 200, ["Pay", "Wait"])
    assert send(emulator, "PUT", place, {"fields": {"Expected Result": "Done"}}).json()["result"]["raw"] == "Done"
    assert send(emulator, "GET", place).json()["data"]["raw"] == "card"
    assert send(emulator, "DELETE", place).status == 204
    assert len(send(emulator, "GET", "test/SHOP-1/step", None, "1.0").json()) == 3


def test_tests_are_found_by_keys_and_by_jql_in_the_order_of_the_index(emulator):
    """The order that was asked for does not count; what is no Test is left out."""
    assert [each["key"] for each in send(emulator, "GET", "test?keys=SHOP-8;SHOP-3;SHOP-5").json()] == [
        "SHOP-3",
        "SHOP-8",
    ]
    found = send(emulator, "GET", "test?jql=key%20in%20(SHOP-3,SHOP-5)%20order%20by%20key").json()
    assert [(each["key"], each["type"], each["definition"]) for each in found] == [
        ("SHOP-3", "Generic", "shop.cart.CartTest.adds_item")
    ]
    assert send(emulator, "GET", "test?jql=nothing").status == 400


def test_the_site_tells_its_statuses(emulator):
    """Words, colours and what they count for; those of steps name one of runs."""
    statuses = {each["name"]: each for each in send(emulator, "GET", "settings/teststatuses", None, "1.0").json()}
    steps = send(emulator, "GET", "settings/teststepstatuses", None, "1.0").json()

    assert statuses["PASS"] == {
        "id": 0,
        "rank": 0,
        "name": "PASS",
        "description": "The test run/iteration has passed",
        "color": "#95C160",
        "final": True,
        "requirementStatusName": "OK",
    }
    assert {each["testStatusId"] for each in steps} == {each["id"] for each in statuses.values()}
    fields = send(emulator, "GET", "project/SHOP/settings/customfields/testruns").json()
    assert fields == [{"id": 1, "name": "cf1"}, {"id": 2, "name": "Browser"}]


def test_folders_are_made_filled_renamed_and_deleted(emulator):
    """They have numbers, -1 is the top, and Tests move with them."""
    made = send(emulator, "POST", "testrepository/SHOP/folders/-1", {"name": "Cart"})
    inner = send(emulator, "POST", f"testrepository/SHOP/folders/{made.json()['id']}", {"name": "Items"}).json()["id"]
    place = f"testrepository/SHOP/folders/{inner}"
    assert send(emulator, "PUT", f"{place}/tests", {"add": ["SHOP-3"]}).json() == []
    assert send(emulator, "POST", "testrepository/SHOP/folders/-1", {"name": "Cart"}).status == 400
    send(emulator, "PUT", f"testrepository/SHOP/folders/{made.json()['id']}", {"name": "Basket"})
    tree = send(emulator, "GET", "testrepository/SHOP/folders").json()

    assert (made.status, tree["folders"][0]["name"], tree["folders"][0]["folders"][0]["testCount"]) == (
        201,
        "Basket",
        1,
    )
    assert emulator.issue("SHOP-3")["test"]["folder"] == "/Basket/Items"
    assert [each["key"] for each in send(emulator, "GET", f"{place}/tests").json()["tests"]] == ["SHOP-3"]
    assert send(emulator, "DELETE", place).status == 204
    assert emulator.issue("SHOP-3")["test"]["folder"] == "/"
    assert send(emulator, "GET", "testrepository/SHOP/folders/7").status == 404


def test_an_unknown_execution_is_named_in_the_language_of_the_site(emulator):
    """The sentence of the vendor's samples, and its French one."""
    english = send(emulator, "GET", "testexec/CALC-11/test")
    emulator.settings(language="fr")

    assert (english.status, english.json()["error"]) == (
        404,
        "Issue with key CALC-11 not found or is not of type Test Execution.",
    )
    assert "n'a pas été retrouvé" in send(emulator, "GET", "testexec/CALC-11/test").json()["error"]


def test_basic_logins_can_be_off(emulator):
    """Jira 11 says 403 to a user and password, and takes a token."""
    emulator.settings(basic_logins=False)
    basic = emulator.call("GET", "/jira/rest/api/2/myself", Authorization="Basic ZW11OmVtdQ==")

    assert (basic.status, basic.json()["message"]) == (403, "Basic Authentication has been disabled on this instance.")
    assert emulator.call("GET", "/jira/rest/api/2/myself", **HEADERS).status == 200
