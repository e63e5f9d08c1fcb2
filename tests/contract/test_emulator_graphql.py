"""Xray Cloud's GraphQL as the emulator plays it: what documents find and change."""

import json

import pytest
from emulator_client import CLIENT_ID_IN_EU, CLIENT_ID_WITHOUT_PROJECTS, Emulated

from xray_ci.emulator.server import Emulator

EXECUTION = """query($id: String) { getTestExecution(issueId: $id) { issueId testEnvironments
  testPlans(limit: 10) { total results { jira(fields: ["key"]) } }
  testRuns(limit: 100) { total results { id status { name } comment evidence { filename size } test { jira(fields: \
["key"]) } } } } }"""
CREATE = """mutation($jira: JSON!, $tests: [String], $environments: [String]) {
  createTestExecution(jira: $jira, testIssueIds: $tests, testEnvironments: $environments) {
    testExecution { issueId jira(fields: ["key", "labels", "description"]) } createdTestEnvironments warnings } }"""
FIND = "query($q: String!) { getTestExecutions(jql: $q, limit: 100) { total results { issueId } } }"


def created(emulator, **fields):
    """Make an empty Test Execution and return its id."""
    answer = emulator.graphql(
        CREATE, jira={"fields": {"project": {"key": "SHOP"}, "summary": "Empty", **fields}}
    ).json()
    return answer["data"]["createTestExecution"]["testExecution"]["issueId"]


def many_tests(emulator, number):
    """Make Generic Tests by an import and return the id of its Test Execution."""
    tests = [
        {
            "status": "PASSED",
            "testInfo": {"projectKey": "SHOP", "summary": f"t{n}", "type": "Generic", "definition": f"d{n}"},
        }
        for n in range(number)
    ]
    return emulator.cloud("", {"info": {"project": "SHOP", "summary": "x"}, "tests": tests}).json()["id"]


def test_requests_are_logged_by_what_they_do(emulator):
    """Reads, lookups by JQL and writes are told apart, with their names."""
    emulator.graphql("{ getStatuses { name } }")
    emulator.graphql(FIND, q="project = SHOP")
    created(emulator)

    assert [each["kind"] for each in emulator.requests() if each["operations"]] == ["read", "lookup", "write"]
    assert emulator.operations() == ["getStatuses", "getTestExecutions", "createTestExecution"]


def test_a_fault_meets_one_operation(emulator):
    """Everything goes to one address: a fault can wait for a text in the body."""
    emulator.fault("POST", "/api/v2/graphql", contains="createTestExecution", status=502)

    assert emulator.graphql(FIND, q="project = SHOP").status == 200
    assert emulator.graphql(CREATE, jira={"fields": {}}).status == 502


def test_an_execution_shows_its_runs_page_by_page(emulator):
    """Runs have ids, words of Cloud and keys of Tests; a page shows what is on it and the total."""
    whole = emulator.graphql(EXECUTION, id="10140").json()["data"]["getTestExecution"]
    page = emulator.graphql(
        '{ getTestExecution(issueId: "10140") { testRuns(limit: 2, start: 4) { total start limit results { id } } } }'
    )

    assert [each["jira"]["key"] for each in whole["testPlans"]["results"]] == ["SHOP-2"]
    assert [each["status"]["name"] for each in whole["testRuns"]["results"]] == [
        "PASSED",
        "PASSED",
        "TO DO",
        "FAILED",
        "PASSED",
    ]
    runs = page.json()["data"]["getTestExecution"]["testRuns"]
    assert (5, 4, 2, [whole["testRuns"]["results"][4]["id"]]) == (
        runs["total"],
        runs["start"],
        runs["limit"],
        [each["id"] for each in runs["results"]],
    )


def test_what_is_not_there_is_null(emulator):
    """An id that leads nowhere, or to another type, is no error; a key is no id."""
    answer = emulator.graphql(
        '{ a: getTestExecution(issueId: "99") { issueId } b: getTestExecution(issueId: "10103") { issueId } '
        'c: getTestExecution(issueId: "SHOP-40") { issueId } d: getTestRunById(id: "1") { id } }'
    )

    assert answer.json()["data"] == {"a": None, "b": None, "c": None, "d": None}


def test_tests_say_type_and_definition(emulator):
    """Generic Tests have an unstructured definition, Cucumber Tests a scenario; the type can be asked for."""
    answer = emulator.graphql(
        '{ getTests(jql: "key in (SHOP-3, SHOP-4, SHOP-5)", limit: 10) { total results { testType { kind } '
        'unstructured gherkin } } g: getTests(projectId: "10000", testType: {name: "Generic"}, limit: 1) { total } }'
    )

    data = answer.json()["data"]
    assert data["getTests"]["total"] == 2
    assert {each["testType"]["kind"]: each["unstructured"] for each in data["getTests"]["results"]} == {
        "Gherkin": None,
        "Unstructured": "shop.cart.CartTest.adds_item",
    }
    assert data["g"]["total"] == 3


def test_more_than_100_are_found_by_project_and_refused_by_jql(emulator):
    """JQL that finds too much is refused, unless the site is of the kinder sort."""
    many_tests(emulator, 120)
    by_jql = (
        '{ getTests(jql: "project = SHOP AND issuetype = Test", limit: 100, start: 100) { total results { issueId } } }'
    )

    by_project = emulator.graphql(
        '{ getTests(projectId: "10000", limit: 100, start: 100) { total results { issueId } } }'
    ).json()
    refused = emulator.graphql(by_jql).json()
    emulator.settings(jql_refuses_many=False)
    paged = emulator.graphql(by_jql).json()

    assert (by_project["data"]["getTests"]["total"], len(by_project["data"]["getTests"]["results"])) == (126, 26)
    assert refused["errors"]
    assert paged["data"]["getTests"]["total"] == 126


def test_an_unknown_key_refuses_the_jql_and_is_named(emulator):
    """Jira names every key that does not exist."""
    answer = emulator.graphql('{ getTests(jql: "key in (SHOP-3, SHOP-998, SHOP-999)", limit: 10) { total } }').json()

    assert answer["data"] == {"getTests": None}
    assert all(key in answer["errors"][0]["message"] for key in ("SHOP-998", "SHOP-999"))


def test_the_index_lags_and_ids_do_not(emulator):
    """A new Test Execution is read by id at once and found by JQL later."""
    emulator.settings(index_lag_s=30)
    number = created(emulator, labels=["marked"])

    found = [
        emulator.graphql(FIND, q="project = SHOP AND labels = marked").json()["data"]["getTestExecutions"]["total"]
    ]
    assert number == emulator.graphql(EXECUTION, id=number).json()["data"]["getTestExecution"]["issueId"]
    emulator.clock(advance=31)
    found.append(
        emulator.graphql(FIND, q="project = SHOP AND labels = marked").json()["data"]["getTestExecutions"]["total"]
    )

    assert found == [0, 1]


def test_a_key_without_projects_sees_nothing(emulator):
    """No project, no issue, no run; a change is refused."""
    for document in (
        '{ getProjectSettings(projectIdOrKey: "SHOP") { projectId } }',
        '{ getTests(jql: "project = SHOP", limit: 1) { total } }',
        'mutation { deleteTestExecution(issueId: "10140") }',
    ):
        assert emulator.graphql(document, client_id=CLIENT_ID_WITHOUT_PROJECTS).json()["errors"], document
    answer = emulator.graphql(
        '{ getTestExecution(issueId: "10140") { issueId } getTestRuns(limit: 1) { total } }',
        client_id=CLIENT_ID_WITHOUT_PROJECTS,
    ).json()

    assert answer["data"] == {"getTestExecution": None, "getTestRuns": {"total": 0}}


def test_a_test_execution_is_made_empty(emulator):
    """It takes Jira's fields, Tests and environments; environments that the project lacks are made."""
    fields = {
        "project": {"id": "10000"},
        "summary": "Empty",
        "labels": ["a"],
        "description": "word",
        "fixVersions": [{"name": "1.0"}],
    }
    made = emulator.graphql(CREATE, jira={"fields": fields}, tests=["10103"], environments=["new"]).json()["data"][
        "createTestExecution"
    ]

    assert made["testExecution"]["jira"] == {"key": "SHOP-41", "labels": ["a"], "description": "word"}
    assert made["createdTestEnvironments"] == ["new"]
    assert {key: run["status"] for key, run in emulator.runs("SHOP-41").items()} == {"SHOP-3": "TO DO"}
    assert emulator.issue("SHOP-41")["fix_versions"] == ["1.0"]


@pytest.mark.parametrize(
    ("jira", "text"),
    [
        ({"summary": "x"}, "should contain field 'fields' inside"),
        ({"fields": {"project": {"key": "NOPE"}, "summary": "x"}}, "project: "),
        (
            {"fields": {"project": {"key": "SHOP"}, "summary": "a\nb", "labels": ["a b"]}},
            (
                "summary: The summary is invalid because it contains newline characters., labels: The label 'a b' "
                "can't "
                "contain spaces."
            ),
        ),
        (
            {"fields": {"project": {"key": "SHOP"}, "summary": "x", "testPlanKey": "SHOP-2"}},
            "testPlanKey: Field 'testPlanKey' cannot be set.",
        ),
        ({"fields": {"project": {"key": "SHOP"}, "summary": "x", "fixVersions": [{"name": "9"}]}}, "fixVersions: "),
        ({"fields": {"project": {"key": "SHOP"}, "summary": "x", "labels": "a"}}, "labels: "),
    ],
)
def test_what_jira_refuses_makes_nothing(emulator, jira, text):
    """Field errors are joined as `field: text`."""
    answer = emulator.graphql(CREATE, jira=jira)

    assert answer.status == 200
    assert text in answer.json()["errors"][0]["message"]
    assert emulator.executions() == []


def test_deleting_an_execution_leaves_no_link_to_it(emulator):
    """The plan forgets it, it is not found again, its key is not given out again."""
    number = created(emulator)
    link = (
        'mutation($e: [String]!) { addTestExecutionsToTestPlan(issueId: "10102", testExecIssueIds: $e) '
        "{ addedTestExecutions warning } }"
    )
    first, second = (emulator.graphql(link, e=[number]).json()["data"]["addTestExecutionsToTestPlan"] for _ in range(2))
    linked = emulator.issue("SHOP-2")["plan"]["executions"]
    delete = f'mutation {{ deleteTestExecution(issueId: "{number}") }}'
    gone, again = emulator.graphql(delete).json(), emulator.graphql(delete).json()

    assert ([number], None, []) == (first["addedTestExecutions"], first["warning"], second["addedTestExecutions"])
    assert second["warning"]
    assert linked == ["SHOP-40", "SHOP-41"]
    assert "errors" not in gone
    assert again["errors"]
    assert emulator.issue("SHOP-2")["plan"]["executions"] == ["SHOP-40"]
    assert str(int(number) + 1) == created(emulator)


def test_a_run_takes_evidence_comment_status_and_defects(emulator):
    """What is added is read again; what is unknown is refused or warned of."""
    run = emulator.runs("SHOP-40")["SHOP-6"]["id"]
    answer = emulator.graphql(
        'mutation($r: String!) { addEvidenceToTestRun(id: $r, evidence: [{filename: "a.txt", mimeType: "text/plain", '
        'data: "YWJj"}]) '
        '{ addedEvidence warnings } updateTestRunComment(id: $r, comment: "seen") updateTestRunStatus(id: $r, status: '
        '"PASSED") '
        'addDefectsToTestRun(id: $r, issues: ["SHOP-9", "SHOP-99"]) { addedDefects warnings } }',
        r=run,
    ).json()["data"]
    shown = emulator.graphql(EXECUTION, id="10140").json()["data"]["getTestExecution"]["testRuns"]["results"][3]
    refused = emulator.graphql('mutation($r: String!) { updateTestRunStatus(id: $r, status: "PASS") }', r=run).json()

    assert (
        answer["updateTestRunStatus"],
        answer["addDefectsToTestRun"]["addedDefects"],
        len(answer["addDefectsToTestRun"]["warnings"]),
    ) == ("Success", ["10109"], 1)
    assert {
        "id": run,
        "status": {"name": "PASSED"},
        "comment": "seen",
        "evidence": [{"filename": "a.txt", "size": 3}],
        "test": {"jira": {"key": "SHOP-6"}},
    } == shown
    assert refused["errors"]


def test_tests_are_added_once_and_removed(emulator):
    """A Test that is there already is warned of."""
    number = created(emulator)
    add = (
        'mutation($e: String!) { addTestsToTestExecution(issueId: $e, testIssueIds: ["10101", "10103"]) '
        "{ addedTests warning } }"
    )
    first, second = (emulator.graphql(add, e=number).json()["data"]["addTestsToTestExecution"] for _ in range(2))
    emulator.graphql(
        'mutation($e: String!) { removeTestsFromTestExecution(issueId: $e, testIssueIds: ["10101"]) }', e=number
    )

    assert (first["addedTests"], first["warning"]) == (["10101", "10103"], None)
    assert second["addedTests"] == []
    assert "SHOP-1" in second["warning"]
    assert list(emulator.runs("SHOP-41")) == ["SHOP-3"]


def test_a_second_emulator_is_another_host():
    """Two instances hold two worlds; a key pinned to a region is at home on one of them only."""
    with Emulator() as first, Emulator() as second:
        here, there = Emulated(first.url), Emulated(second.url)
        there.settings(region="eu")
        document = '{ getProjectSettings(projectIdOrKey: "SHOP") { projectId } }'
        answers = [each.graphql(document, client_id=CLIENT_ID_IN_EU).status for each in (here, there)]
        created(there)

        assert answers == [401, 200]
        assert (len(here.executions()), len(there.executions())) == (0, 1)


def test_evidence_needs_data_and_name(emulator):
    """Half an item is refused and nothing of the call is stored."""
    run = emulator.runs("SHOP-40")["SHOP-6"]["id"]
    add = (
        "mutation($r: String!, $e: [AttachmentDataInput]!) { addEvidenceToTestRun(id: $r, evidence: $e) "
        "{ addedEvidence } }"
    )
    whole = {"filename": "a", "mimeType": "text/plain", "data": "YQ=="}
    answer = emulator.graphql(add, r=run, e=[whole, {"filename": "b"}])

    assert json.loads(answer.body)["errors"]
    assert emulator.runs("SHOP-40")["SHOP-6"]["evidence"] == []
    assert emulator.graphql(add, r=run, e=[{**whole, "contentType": "x"}]).status == 400


def test_plans_and_environments_are_made_and_filled(emulator):
    """A Test Plan takes Tests once; environments that the project lacks are made."""
    made = emulator.graphql(
        'mutation($j: JSON!) { createTestPlan(jira: $j, testIssueIds: ["10101"]) { testPlan { issueId '
        "tests(limit: 1) { total } } warnings } }",
        j={"fields": {"project": {"key": "SHOP"}, "summary": "Plan"}},
    )
    plan = made.json()["data"]["createTestPlan"]["testPlan"]
    added = emulator.graphql(
        'mutation($p: String!) { addTestsToTestPlan(issueId: $p, testIssueIds: ["10101", "10103"]) { addedTests '
        "warning } "
        'addTestEnvironmentsToTestExecution(issueId: "10140", testEnvironments: ["linux", "chrome", "dev"]) '
        "{ associatedTestEnvironments createdTestEnvironments warning } }",
        p=plan["issueId"],
    ).json()["data"]

    assert (plan["issueId"], plan["tests"]["total"]) == ("10141", 1)
    assert added["addTestsToTestPlan"]["addedTests"] == ["10103"]
    assert (added["addTestEnvironmentsToTestExecution"]) == {
        "associatedTestEnvironments": ["chrome", "dev"],
        "createdTestEnvironments": ["dev"],
        "warning": None,
    }
    assert emulator.issue("SHOP-41")["plan"]["tests"] == ["SHOP-1", "SHOP-3"]


def test_a_run_is_updated_reset_and_loses_evidence(emulator):
    """What is given is set, what is not stays; a reset run is as if it had not been run."""
    run = emulator.runs("SHOP-40")["SHOP-6"]["id"]
    item = {"filename": "a.txt", "mimeType": "text/plain", "data": "YQ=="}
    emulator.graphql(
        "mutation($r: String!, $e: [AttachmentDataInput]!) { addEvidenceToTestRun(id: $r, evidence: $e) { "
        "addedEvidence } "
        'updateTestRun(id: $r, startedOn: "2024-01-01T00:00:00Z") { warnings } }',
        r=run,
        e=[item, {**item, "filename": "b.txt"}],
    )
    updated = emulator.runs("SHOP-40")["SHOP-6"]
    removed = emulator.graphql(
        'mutation($r: String!) { removeEvidenceFromTestRun(id: $r, evidenceFilenames: ["a.txt"]) { removedEvidence } '
        "resetTestRun(id: $r) }",
        r=run,
    ).json()["data"]
    after = emulator.runs("SHOP-40")["SHOP-6"]

    assert (updated["started"], updated["comment"]) == ("2024-01-01T00:00:00Z", "expected 0 items but was 1")
    assert len(removed["removeEvidenceFromTestRun"]["removedEvidence"]) == 1
    assert ([each["filename"] for each in after["evidence"]], after["status"], after["comment"], after["started"]) == (
        ["b.txt"],
        "TO DO",
        "",
        None,
    )


def test_depth_of_a_run_is_shown(emulator):
    """Steps with evidence, iterations with parameters, and runs found by Test and Test Execution."""
    step = {"status": "FAILED", "comment": "c", "evidence": [{"data": "YQ==", "filename": "s.txt"}]}
    tests = [
        {"testKey": "SHOP-1", "status": "FAILED", "steps": [step]},
        {
            "testKey": "SHOP-3",
            "status": "PASSED",
            "iterations": [{"status": "PASSED", "parameters": [{"name": "n", "value": "1"}]}],
        },
    ]
    number = emulator.cloud("", {"info": {"project": "SHOP", "summary": "x"}, "tests": tests}).json()["id"]
    answer = emulator.graphql(
        'query($e: String) { getTestRun(testIssueId: "10101", testExecIssueId: $e) { steps { status { name } comment '
        "evidence { filename } } } "
        'getTestRuns(testExecIssueIds: [$e], testIssueIds: ["10103"], limit: 5) { total results { iterations(limit: 1) '
        "{ results { rank "
        "parameters { name value } status { name } } } test { testRuns(limit: 1) { total } } testExecution { issueId } "
        "} } }",
        e=number,
    ).json()

    run, runs = answer["data"]["getTestRun"], answer["data"]["getTestRuns"]
    assert run["steps"] == [{"status": {"name": "FAILED"}, "comment": "c", "evidence": [{"filename": "s.txt"}]}]
    assert (1, number, 2) == (
        runs["total"],
        runs["results"][0]["testExecution"]["issueId"],
        runs["results"][0]["test"]["testRuns"]["total"],
    )
    assert (runs["results"][0]["iterations"]["results"]) == [
        {"rank": "1", "parameters": [{"name": "n", "value": "1"}], "status": {"name": "PASSED"}}
    ]
