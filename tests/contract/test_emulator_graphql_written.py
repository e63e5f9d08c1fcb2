"""What Xray Cloud's GraphQL makes, links and changes beyond executions: read back by other fields."""

import json


def made(emulator, name, result, more="", **fields):
    """Make an issue by a mutation and return its id."""
    jira = json.dumps({"fields": {"project": {"key": "SHOP"}, "summary": "Made", **fields}})
    query = f"mutation($jira: JSON!) {{ {name}(jira: $jira {more}) {{ {result} {{ issueId }} warnings }} }}"
    return emulator.graphql(query, jira=json.loads(jira)).json()["data"][name][result]["issueId"]


def data(emulator, query, **variables):
    answer = emulator.graphql(query, **variables)
    assert answer.status == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def test_a_test_is_made_with_steps_type_folder_and_precondition(emulator):
    """Everything that was given is read by the Test's own fields and from the other end."""
    steps = 'steps: [{action: "Pay", result: "Paid", attachments: [{filename: "a.txt", mimeType: "t", data: "YQ=="}]}]'
    number = made(
        emulator,
        "createTest",
        "test",
        f', testType: {{name: "Manual"}}, folderPath: "/Cart/Pay", preconditionIssueIds: ["10112"], {steps}',
    )
    shown = data(
        emulator,
        "query($id: String!) { getTest(issueId: $id) { testType { name kind } folder { name path } status { name } "
        "steps { id action result attachments { filename } } preconditions(limit: 5) { results { definition } } } "
        'getPrecondition(issueId: "10112") { preconditionType { name } tests(limit: 5) { results { issueId } } } '
        'getFolder(projectId: "10000", path: "/Cart") { testsCount folders } }',
        id=number,
    )

    test = shown["getTest"]
    assert (test["testType"], test["folder"], test["status"]["name"]) == (
        {"name": "Manual", "kind": "Steps"},
        {"name": "Pay", "path": "/Cart/Pay"},
        "TO DO",
    )
    assert [(each["action"], each["attachments"]) for each in test["steps"]] == [("Pay", [{"filename": "a.txt"}])]
    assert test["preconditions"]["results"] == [{"definition": "Given a catalogue with ten products"}]
    assert shown["getPrecondition"]["tests"]["results"] == [{"issueId": number}]
    assert shown["getFolder"]["folders"][0] == {
        "name": "Pay",
        "path": "/Cart/Pay",
        "issuesCount": 1,
        "testsCount": 1,
        "preconditionsCount": 0,
        "folders": [],
    }
    refused = emulator.graphql(
        'mutation { createTest(jira: {fields: {}}, preconditionIssueIds: ["9"]) { warnings } }'
    ).json()
    assert "preconditions with the following ids not found: 9!" in refused["errors"][0]["message"]


def test_definitions_types_and_steps_are_changed(emulator):
    """Each kind has its own definition; steps are added, changed and removed by their ids."""
    step = data(
        emulator,
        'mutation { addTestStep(issueId: "10101", step: {action: "Wait"}) { id } '
        'updateGherkinTestDefinition(issueId: "10108", gherkin: "Given x") { gherkin } '
        'updateUnstructuredTestDefinition(issueId: "10103", unstructured: "new.id") { unstructured } '
        'updateTestType(issueId: "10106", testType: {id: "10101"}) { testType { name } } }',
    )
    number = step["addTestStep"]["id"]
    changed = data(
        emulator, 'mutation($s: String!) { updateTestStep(stepId: $s, step: {data: "5 s"}) { warnings } }', s=number
    )
    steps = emulator.issue("SHOP-1")["test"]["steps"]
    data(emulator, "mutation($s: String!) { removeTestStep(stepId: $s) }", s=number)

    assert step["updateGherkinTestDefinition"]["gherkin"] == "Given x"
    assert step["updateTestType"]["testType"]["name"] == "Cucumber"
    assert changed["updateTestStep"]["warnings"] == []
    assert (steps[2]["action"], steps[2]["data"]) == ("Wait", "5 s")
    assert len(emulator.issue("SHOP-1")["test"]["steps"]) == 2
    assert emulator.graphql(
        'mutation { updateGherkinTestDefinition(issueId: "10103", gherkin: "x") { gherkin } }'
    ).json()["errors"]
    # A result with the new definition finds the Test by it.
    info = {"projectKey": "SHOP", "summary": "s", "type": "Generic", "definition": "new.id"}
    key = emulator.cloud(
        "", {"info": {"project": "SHOP", "summary": "x"}, "tests": [{"status": "PASSED", "testInfo": info}]}
    ).json()["key"]
    assert list(emulator.runs(key)) == ["SHOP-3"]


def test_links_are_made_and_undone_from_both_ends(emulator):
    """Sets, plans, executions and Preconditions: what one end adds, the other end shows; adding twice is a warning."""
    number = made(emulator, "createTestSet", "testSet", ', testIssueIds: ["10101"]')
    added = data(
        emulator,
        'mutation($s: String!) { addTestsToTestSet(issueId: $s, testIssueIds: ["10101", "10103"]) { '
        "addedTests warning } "
        'addTestSetsToTest(issueId: "10104", testSetIssueIds: [$s]) { addedTestSets warning } '
        'addTestPlansToTest(issueId: "10108", testPlanIssueIds: ["10102"]) { addedTestPlans } '
        'addTestExecutionsToTest(issueId: "10108", testExecIssueIds: ["10140"]) { addedTestExecutions } '
        'addPreconditionsToTest(issueId: "10108", preconditionIssueIds: ["10112"]) { addedPreconditions } }',
        s=number,
    )
    shown = data(
        emulator,
        "query($s: String) { getTestSet(issueId: $s) { tests(limit: 9) { total } } "
        "getTestSets(issueIds: [$s], limit: 1) "
        '{ total } getTest(issueId: "10108") { testPlans(limit: 9) { results { issueId } } testExecutions(limit: 9) '
        "{ results { issueId } } preconditions(limit: 9) { total } } }",
        s=number,
    )
    data(
        emulator,
        'mutation($s: String!) { removeTestsFromTestSet(issueId: $s, testIssueIds: ["10101"]) '
        'removeTestPlansFromTest(issueId: "10108", testPlanIssueIds: ["10102"]) '
        'removeTestsFromPrecondition(issueId: "10112", testIssueIds: ["10108"]) '
        'removeTestExecutionsFromTestPlan(issueId: "10102", testExecIssueIds: ["10140"]) '
        'removeTestEnvironmentsFromTestExecution(issueId: "10140", testEnvironments: ["linux"]) '
        "deleteTestSet(issueId: $s) }",
        s=number,
    )

    assert added["addTestsToTestSet"] == {"addedTests": ["10103"], "warning": "Already there: SHOP-1."}
    assert added["addTestSetsToTest"]["addedTestSets"] == [number]
    assert shown["getTestSet"]["tests"]["total"] == 3
    assert shown["getTest"]["testPlans"]["results"] == [{"issueId": "10102"}]
    assert shown["getTest"]["testExecutions"]["results"] == [{"issueId": "10140"}]
    assert shown["getTest"]["preconditions"]["total"] == 1
    assert emulator.issue("SHOP-2")["plan"]["executions"] == []
    assert emulator.issue("SHOP-40")["execution"]["environments"] == []
    assert emulator.issue("SHOP-8")["test"]["preconditions"] == []


def test_folders_of_a_repository_and_of_a_plan(emulator):
    """Made, filled, renamed, moved and deleted; making one twice is refused in the vendor's words."""
    for place in ('projectId: "10000"', 'testPlanId: "10102"'):
        data(
            emulator,
            f'mutation {{ a: createFolder({place}, path: "/A", testIssueIds: ["10103"]) {{ folder {{ testsCount }} }} '
            f'b: createFolder({place}, path: "/A/B") {{ folder {{ path }} }} '
            f'c: addTestsToFolder({place}, path: "/A/B", testIssueIds: ["10101"]) {{ warnings }} '
            f'd: renameFolder({place}, path: "/A", newName: "C") {{ folder {{ path }} }} '
            f'e: moveFolder({place}, path: "/C/B", destinationPath: "/") {{ folder {{ path testsCount }} }} }}',
        )
        shown = data(
            emulator,
            f'{{ a: getFolder({place}, path: "/C") {{ testsCount }} b: getFolder({place}, path: "B") '
            f"{{ testsCount }} }}",
        )
        assert shown == {"a": {"testsCount": 1}, "b": {"testsCount": 1}}
        again = emulator.graphql(f'mutation {{ createFolder({place}, path: "/B") {{ warnings }} }}').json()
        assert again["errors"][0]["message"] == "Error creating folder: folder with path /B already exists."
        data(emulator, f'mutation {{ deleteFolder({place}, path: "/B") }}')
        lost = emulator.graphql(f'{{ getFolder({place}, path: "/B") {{ path }} }}').json()
        assert lost["errors"][0]["message"] == "Could not find Test Repository folder '/B'."
    found = data(emulator, '{ getTests(projectId: "10000", folder: {path: "/C"}, limit: 9) { results { issueId } } }')
    assert found["getTests"]["results"] == [{"issueId": "10103"}]


def test_runs_take_steps_iterations_examples_and_files(emulator):
    """What is set on a part of a run is read back there; file names come back, ids are UUIDs that lead to the bytes."""
    tests = [
        {"testKey": "SHOP-1", "status": "TO DO"},
        {"testKey": "SHOP-4", "status": "TO DO", "examples": ["TODO", "TODO"]},
        {"testKey": "SHOP-6", "status": "TO DO", "iterations": [{"status": "TO DO"}, {"status": "TO DO"}]},
    ]
    key = emulator.cloud("", {"info": {"project": "SHOP", "summary": "x"}, "tests": tests}).json()["key"]
    runs = {test: run["id"] for test, run in emulator.runs(key).items()}
    step, example = (
        data(
            emulator,
            "query($r: String) { getTestRunById(id: $r) { steps { id action } examples { id } } }",
            r=runs[each],
        )
        for each in ("SHOP-1", "SHOP-4")
    )
    steps = step["getTestRunById"]["steps"]
    written = data(
        emulator,
        "mutation($r: String!, $s: String!, $e: String!, $i: String!) { "
        'updateTestRunStep(testRunId: $r, stepId: $s, updateData: {status: "FAILED", actualResult: '
        '"no", defects: {add: ["SHOP-9"]}, '
        'evidence: {add: [{filename: "a.txt", mimeType: "text/plain", data: "YQ=="}]}}) { addedEvidence addedDefects } '
        'updateTestRunExampleStatus(exampleId: $e, status: "PASSED") { warnings } '
        'updateIterationStatus(testRunId: $i, iterationRank: "2", status: "PASSED") { warnings } }',
        r=runs["SHOP-1"],
        s=steps[0]["id"],
        e=example["getTestRunById"]["examples"][1]["id"],
        i=runs["SHOP-6"],
    )
    shown = data(
        emulator,
        "query($r: String, $e: String) { getTestRunById(id: $r) { gherkin steps { status { name "
        "testStatus { name } } actualResult "
        'defects evidence { id downloadLink } } } getTestRuns(testExecIssueIds: [$e], statuses: ["TO '
        'DO"], limit: 9) { total } }',
        r=runs["SHOP-1"],
        e=key,
    )
    file = shown["getTestRunById"]["steps"][0]["evidence"][0]

    assert [each["action"] for each in steps] == ["Open the cart", "Check out without an account"]
    assert written["updateTestRunStep"] == {"addedEvidence": ["a.txt"], "addedDefects": ["10109"]}
    assert shown["getTestRuns"]["total"] == 3
    assert shown["getTestRunById"]["gherkin"] is None
    assert [each["status"]["name"] for each in shown["getTestRunById"]["steps"]] == ["FAILED", "TO DO"]
    assert emulator.runs(key)["SHOP-4"]["examples"] == ["TODO", "PASSED"]
    assert [each["status"] for each in emulator.runs(key)["SHOP-6"]["iterations"]] == ["TO DO", "PASSED"]
    assert file["downloadLink"] == f"{emulator.url}/api/v2/attachments/{file['id']}"
    assert len(file["id"]) == 36


def test_what_covers_an_issue_and_how_it_stands(emulator):
    """A Story has the worst that its Tests came to; one without Tests is uncovered."""
    shown = data(
        emulator,
        '{ getCoverableIssues(jql: "type = Story order by key", limit: 9) { total results { issueId status { name } '
        'tests(limit: 9) { total } } } getTest(issueId: "10103") { coverableIssues(limit: 1) { '
        "results { issueId } } status { name } } "
        'getStatus(name: "PASSED") { description coverageStatus } getStepStatuses { name testStatus { name } } '
        "getProjectsSettings(limit: 1) { total } getIssueLinkTypes { name } getExpandedTest(issueId: "
        '"10101") { steps { action } } }',
    )

    assert shown["getCoverableIssues"]["results"] == [
        {"issueId": "10105", "status": {"name": "NOTRUN"}, "tests": {"total": 3}},
        {"issueId": "10111", "status": {"name": "UNCOVERED"}, "tests": {"total": 0}},
    ]
    assert shown["getTest"] == {"coverableIssues": {"results": [{"issueId": "10105"}]}, "status": {"name": "PASSED"}}
    assert shown["getStatus"] == {"description": "The test run has passed", "coverageStatus": "OK"}
