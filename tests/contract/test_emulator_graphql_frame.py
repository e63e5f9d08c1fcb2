"""The frame of Xray Cloud's GraphQL as the emulator plays it.

What is 400, what is 200, what is refused before any document.
"""

import pytest
from emulator_client import CLIENT_ID_IN_EU

DEEP = "results { test { testPlans(limit: 5) { total } } }"
RUNS = f"testRuns(limit: 50) {{ {DEEP} }}"


@pytest.mark.parametrize(
    "document",
    [
        "{ getTests { total } }",
        "{ getTests(limit: 1) { nothing } }",
        '{ getTests(limit: "1") { total } }',
        "{ getTests(limit: 1) {",
        "query($n: Int!) { getTests(limit: $n) { total } }",
        "",
        "query a { __typename } query b { __typename }",
        'mutation { updateTestRunStatus(id: "1", status: "PASSED") { warnings } }',
        'mutation { addTestsToTestExecution(issueId: "1") { warnings } }',
        "{ getTestEnvironments }",
    ],
)
def test_a_document_that_breaks_the_schema_is_400_without_data(emulator, document):
    """Unknown names, missing limits, wrong types, `warning` for `warnings`, syntax: errors have no path."""
    answer = emulator.graphql(document)

    assert answer.status == 400
    assert list(answer.json()) == ["errors"]
    assert not any("path" in error for error in answer.json()["errors"])


def test_a_resolver_that_fails_is_200_with_a_path(emulator):
    """Refusals of what is asked for come inside a 200 beside null."""
    answer = emulator.graphql('{ getProjectSettings(projectIdOrKey: "NOPE") { projectId } }')

    assert answer.status == 200
    assert answer.json()["data"] == {"getProjectSettings": None}
    assert answer.json()["errors"][0]["path"] == ["getProjectSettings"]
    assert "No project could be found" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_limit_lies_between_1_and_100(emulator, limit):
    """Also where it is a variable, and at any depth."""
    top = emulator.graphql("query($n: Int!) { getTests(limit: $n) { total } }", n=limit)
    below = emulator.graphql(f"{{ getTests(limit: 1) {{ results {{ testRuns(limit: {limit}) {{ total }} }} }} }}")

    assert [top.status, below.status] == [400, 400]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ("{ getTests(limit: 99) { results { testRuns(limit: 100) { total } } } }", 200),
        ("{ getTests(limit: 100) { results { testRuns(limit: 100) { total } } } }", 200),
        (f"{{ getTests(limit: 50) {{ results {{ testRuns(limit: 50) {{ {DEEP} }} }} }} }}", 400),
        (f"{{ getTests(limit: 50) {{ results {{ ...r }} }} }} fragment r on Test {{ {RUNS} }}", 400),
        ("{" + " ".join(f"a{n}: getTests(limit: 1) {{ total }}" for n in range(25)) + "}", 200),
        ("{" + " ".join(f"a{n}: getTests(limit: 1) {{ total }}" for n in range(26)) + "}", 400),
    ],
)
def test_nested_limits_multiply_and_resolvers_are_counted(emulator, document, status):
    """10,000 items and 25 resolvers are the most of one call."""
    assert status == emulator.graphql(document).status


def test_a_stricter_reading_of_the_limit_can_be_had(emulator):
    """As a sum over all lists, 100 times 100 is too much: the vendor's text reads so, a client sends it."""
    emulator.settings(graphql_cost="sum")

    assert emulator.graphql("{ getTests(limit: 100) { results { testRuns(limit: 100) { total } } } }").status == 400
    assert emulator.graphql("{ getTests(limit: 99) { results { testRuns(limit: 100) { total } } } }").status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"query": 7}', b'{"query": "{ __typename }", "variables": 7}'])
def test_what_is_no_request_is_400(emulator, body):
    """A body that holds no document is refused in GraphQL's shape."""
    answer = emulator.call("POST", "/api/v2/graphql", body, Authorization=f"Bearer {emulator.token()}")

    assert answer.status == 400
    assert answer.json()["errors"]


def test_who_may_not_ask_is_answered_as_rest_answers(emulator):
    """Tokens, region and rate come before any document; v1 may be there; the schema can be asked for."""
    emulator.settings(rate_limit=1)

    assert emulator.call("POST", "/api/v2/graphql", b"{}").status == 401
    assert "another region" in emulator.graphql("{ __typename }", client_id=CLIENT_ID_IN_EU).json()["error"]
    assert (
        emulator.graphql("{ __schema { queryType { name } } }").json()["data"]["__schema"]["queryType"]["name"]
        == "Query"
    )
    throttled = emulator.graphql("{ __typename }")
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "60")
    assert "nextValidRequestDate" in throttled.json()["error"]
    assert emulator.call("POST", "/api/v1/graphql", b"{}").status == 401
    emulator.settings(graphql_v1=False)
    assert emulator.call("POST", "/api/v1/graphql", b"{}").status == 404


def test_answers_carry_the_moment_of_the_emulator(emulator):
    """A wait that is given as a date can be measured from the answer's own date."""
    emulator.clock(freeze=True, set="2024-05-01T12:00:00+00:00")
    emulator.settings(rate_limit=1)
    emulator.graphql("{ __typename }")
    throttled = emulator.graphql("{ __typename }")

    assert throttled.headers["date"] == "Wed, 01 May 2024 12:00:00 GMT"
    assert throttled.json()["error"]["nextValidRequestDate"] == "2024-05-01T12:01:00.000Z"
