"""Feature files, Tests in bulk, attachments and the backup, as pipelines use them."""

import io
import json
import zipfile

import pytest
from emulator_client import form

SERVER = {"Authorization": "Bearer emulator-pat"}
FEATURE = b"""@REQ_SHOP-5
Feature: Cart

  Background:
    Given a cart

  @TEST_SHOP-4 @smoke
  Scenario Outline: Codes
    When the code <code> is entered

    Examples:
      | code |
      | A    |

  @slow
  Scenario: Empty the cart
    When it is emptied
"""


def bearer(emulator):
    return {"Authorization": f"Bearer {emulator.token()}"}


def sent(emulator, path, headers, content=FEATURE, name="cart.feature"):
    body, kind = form(
        file=(name, content, "text/plain"), testInfo=("t.json", b'{"fields": {"labels": ["all"]}}', "application/json")
    )
    return emulator.call("POST", path, body, Content_Type=kind, **headers)


def zipped(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.feature", content)
    return made.getvalue()


def test_scenarios_update_the_test_they_name_and_make_others(emulator):
    """A tag or a name finds the Test; the second time nothing is made; the other tags are labels."""
    first, second = (
        sent(emulator, "/api/v2/import/feature?projectKey=SHOP", bearer(emulator)).json() for _ in range(2)
    )
    made = emulator.issue("SHOP-41")

    assert first == second
    assert (first["errors"], [each["key"] for each in first["updatedOrCreatedTests"]]) == ([], ["SHOP-4", "SHOP-41"])
    assert emulator.issue("SHOP-4")["summary"] == "Codes"
    assert emulator.issue("SHOP-4")["test"]["scenario"].startswith("When the code <code> is entered")
    assert (made["labels"], made["test"]["type"], made["test"]["scenario"]) == (
        ["all", "slow"],
        "Cucumber",
        "When it is emptied",
    )


def test_server_takes_a_zip_and_answers_with_a_list(emulator):
    """What is wrong in one scenario is told beside the Tests of the others."""
    path = "/jira/rest/raven/2.0/import/feature?projectKey=SHOP"
    good = sent(
        emulator, path, SERVER, zipped(a=FEATURE, b=b"Feature: x\n Scenario: other\n  Given y\n"), "f.zip"
    ).json()
    bad = sent(emulator, path, SERVER, FEATURE.replace(b"SHOP-4", b"SHOP-99")).json()

    assert [(each["key"], each["issueType"]["name"]) for each in good] == [
        ("SHOP-4", "Test"),
        ("SHOP-41", "Test"),
        ("SHOP-42", "Test"),
        ("SHOP-43", "Precondition"),
    ]
    assert "SHOP-99" in bad["message"]
    assert [each["key"] for each in bad["testIssues"]] == ["SHOP-41"]
    assert sent(emulator, path, SERVER, b"PK\x03\x04broken", "f.zip").status == 400
    assert sent(emulator, path.replace("SHOP", "NOPE"), SERVER).status == 400


@pytest.mark.parametrize("keys", ["SHOP-4;SHOP-8", "SHOP-4,SHOP-8"])
def test_features_come_out_as_they_would_go_in(emulator, keys):
    """A zip with a file for each Test; importing it changes nothing; what holds Tests means them."""
    answer = emulator.call("GET", f"/api/v2/export/cucumber?keys={keys}", **bearer(emulator))
    before = emulator.state()["issues"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        names = archive.namelist()
    sent(emulator, "/api/v2/import/feature?projectKey=SHOP", bearer(emulator), answer.body, "f.zip")
    one = emulator.call("GET", "/jira/rest/raven/1.0/export/test?keys=SHOP-2", **SERVER)
    packed = emulator.call("GET", "/jira/rest/raven/2.0/export/test?keys=SHOP-2&fz=true", **SERVER)

    assert names == ["1_SHOP-4.feature", "2_SHOP-8.feature"]
    assert [emulator.issue(key)["test"] for key in before] == [each["test"] for each in before.values()]
    assert "@TEST_SHOP-4" in one.text
    assert packed.body.startswith(b"PK")
    assert emulator.call("GET", "/api/v2/export/cucumber?keys=SHOP-3", **bearer(emulator)).status == 400


def test_tests_are_made_in_bulk_and_the_job_is_asked(emulator):
    """What fails has its place and Jira's text; the rest is there."""
    items = [
        {"testtype": "Manual", "fields": {"summary": "one"}, "steps": [{"action": "a"}]},
        {"xray_testtype": "Generic", "fields": {"summary": "two"}, "unstructured_def": "x.y"},
        {"testtype": "Manual", "fields": {"summary": ""}},
        {"xray_issue_type": "test set", "fields": {"summary": "set"}},
    ]
    post = lambda body: emulator.call(  # noqa: E731
        "POST", "/api/v2/import/test/bulk?project=SHOP", json.dumps(body).encode(), **bearer(emulator)
    )
    job = post(items).json()["jobId"]
    busy = post(items).status
    works = emulator.call("GET", f"/api/v2/import/test/bulk/{job}/status", **bearer(emulator)).json()
    emulator.clock(advance=3)
    done = emulator.call("GET", f"/api/v2/import/test/bulk/{job}/status", **bearer(emulator)).json()

    assert (busy, works["status"]) == (400, "working")
    assert done["status"] == "partially_successful"
    assert [(each["elementNumber"], each["key"]) for each in done["result"]["issues"]] == [
        (0, "SHOP-41"),
        (1, "SHOP-42"),
        (3, "SHOP-43"),
    ]
    assert [(each["elementNumber"], list(each["errors"])) for each in done["result"]["errors"]] == [(2, ["summary"])]
    assert emulator.issue("SHOP-41")["test"]["steps"][0]["action"] == "a"
    assert [post(body).status for body in ({}, [], [{}] * 1001)] == [400, 400, 400]
    lost = emulator.call("GET", "/api/v2/import/test/bulk/9/status", **bearer(emulator))
    assert (lost.status, lost.json()) == (404, {"error": "job not found."})


def test_a_file_is_sent_once_and_named_as_evidence(emulator):
    """The id of an attachment stands for its data; the link of evidence leads to the bytes."""
    body, kind = form(attachment=("a.bin", b"\x00\x01", "application/octet-stream"))
    kept = emulator.call("POST", "/api/v2/attachments", body, Content_Type=kind, **bearer(emulator)).json()
    run = emulator.runs("SHOP-40")["SHOP-3"]["id"]
    add = (
        "mutation($r: String!, $a: String) { addEvidenceToTestRun(id: $r, evidence: [{attachmentId: $a}]) "
        "{ addedEvidence } }"
    )
    added = emulator.graphql(add, r=run, a=kept["id"]).json()
    content = emulator.call("GET", f"/api/v2/attachments/{kept['id']}", **bearer(emulator))

    assert (kept["filename"], kept["size"], len(kept["id"])) == ("a.bin", 2, 36)
    assert added["data"]["addEvidenceToTestRun"]["addedEvidence"] == ["a.bin"]
    assert content.body == b"\x00\x01"
    assert emulator.graphql(add, r=run, a="x").json()["errors"]
    assert emulator.call("GET", "/api/v2/attachments/x", **bearer(emulator)).status == 404
    assert emulator.call("GET", f"/api/v2/attachments/{kept['id']}").status == 401


def test_a_backup_is_made_every_six_hours(emulator):
    """Started, asked for, downloaded; too early is refused."""
    start = lambda: emulator.call("POST", "/api/v2/backup", b"{}", **bearer(emulator))  # noqa: E731
    job, early = start().json()["jobId"], start()
    works = emulator.call("GET", f"/api/v2/backup/{job}/status", **bearer(emulator)).json()
    emulator.clock(advance=5)
    status = emulator.call("GET", f"/api/v2/backup/{job}/status", **bearer(emulator)).json()
    file = emulator.call("GET", status["fileUrl"].removeprefix(emulator.url), **bearer(emulator))
    emulator.clock(advance=6 * 3600)

    assert works == {"status": "working", "progressValue": "10%"}
    assert (status["status"], file.body[:2], early.status) == ("successful", b"PK", 400)
    assert "once every 6 hours" in early.json()["error"]
    assert start().status == 200
