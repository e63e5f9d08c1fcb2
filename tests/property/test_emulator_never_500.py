"""The law of the emulator: no request, however odd, is answered with 500.

Every route of every table is asked with every method that it has, with bodies that nobody should send; GraphQL gets
documents made from its own schema with values of every kind.
"""

import json
import string

import pytest
from emulator_client import basic, form
from graphql import is_enum_type, is_input_object_type, is_list_type, is_non_null_type, is_object_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xray_ci.emulator.graphql.engine import schema
from xray_ci.emulator.wire import TABLES

CLOUD = {"Authorization": basic("dev@example.com", "emulator-jira-token")}
SERVER = {"Authorization": "Bearer emulator-pat"}
ROUTES = sorted(
    {
        (method, rule.rule)
        for table in TABLES
        for rule in table.rules()
        for method in (rule.methods or {"GET"}) - {"HEAD", "OPTIONS"}
    }
)
NAMES = st.sampled_from(
    [
        "fields",
        "update",
        "project",
        "key",
        "id",
        "summary",
        "labels",
        "description",
        "issuetype",
        "name",
        "fixVersions",
        "add",
        "remove",
        "set",
        "comment",
        "body",
        "tests",
        "testKey",
        "status",
        "steps",
        "iterations",
        "examples",
        "evidence",
        "data",
        "filename",
        "contentType",
        "info",
        "testInfo",
        "jql",
        "maxResults",
        "startAt",
        "nextPageToken",
        "reconcileIssues",
        "transition",
        "type",
        "inwardIssue",
        "outwardIssue",
        "query",
        "variables",
        "client_id",
        "client_secret",
        "defects",
        "evidences",
        "assignee",
        "customFields",
        "value",
        "action",
        "result",
        "parameters",
        "testExecutionKey",
        "issueUpdates",
        "versionId",
        "projectId",
        "elements",
        "tags",
        "xrayFields",
        "testPlanKey",
        "environments",
        "customfield_11807",
        "customfield_11800",
    ]
)
WORDS = st.sampled_from(
    [
        "",
        "SHOP",
        "SHOP-1",
        "SHOP-3",
        "SHOP-40",
        "10103",
        "Test",
        "Test Execution",
        "PASS",
        "PASSED",
        "x",
        "-1",
        "é\n\x00",
        "@SHOP-4",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
PATHS = {
    "version": None,
    "key": "SHOP-40",
    "project": "SHOP",
    "issue": "SHOP-1",
    "test": "SHOP-1",
    "execution": "SHOP-40",
    "run": f"65f{1:021d}",
    "number": "1",
    "step": "1",
    "field": "7",
    "page": "131073",
    "space": "QA",
    "opaque": "7f3c9a52e1d04b86",
    "name": "file",
    "job": "1",
}
LAW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def filled(rule, choice):
    """Fill the variables of a route: with what is there, or with something odd."""
    import re

    def value(found):
        kinds = re.findall(r"'([\w.]+)'|any\(([\w,]+)\)", found[1])
        if "any(" in found[1]:
            words = [each[0] for each in kinds if each[0]] or kinds[0][1].split(",")
            return words[-1]
        name = found[1].rpartition(":")[2]
        odd = {"a": PATHS[name], "b": "0", "c": "SHOP-1" if name != "number" else "99999999999999999999"}[choice]
        return str(odd)

    return re.sub(r"<([^>]+)>", value, rule)


def headers(path, kind="application/json"):
    return {**(SERVER if path.startswith("/jira") else CLOUD), "Content_Type": kind}


@pytest.mark.parametrize(("method", "rule"), ROUTES)
def test_no_body_is_a_defect(emulator, method, rule):
    """Documents of every shape, under names that mean something, and texts that are no documents."""
    token = f"Bearer {emulator.token()}"

    @LAW
    @given(VALUES, st.sampled_from("aaabc"), st.sampled_from(["json", "form", "raw"]))
    def law(value, choice, way):
        path = filled(rule, choice)
        document = json.dumps(value).encode()
        body, kind = document, "application/json"
        if way == "form":
            names = ("file", "result", "results", "info", "testInfo", "attachment", "precondInfo")
            body, kind = form(**{name: (f"{name}.json", document, "application/json") for name in names})
        elif way == "raw":
            body, kind = document[1:] + b"\xff<", "application/xml"
        sent = headers(path, kind) | ({"Authorization": token} if path.startswith("/api/") else {})
        answer = emulator.call(method, path, None if method == "GET" else body, X_Atlassian_Token="no-check", **sent)
        assert answer.status != 500, answer.text

    law()


@pytest.mark.parametrize(("method", "rule"), [each for each in ROUTES if each[0] == "GET"])
def test_no_query_is_a_defect(emulator, method, rule):
    """Names that mean something, with values that do not fit."""
    token = f"Bearer {emulator.token()}"
    asked = st.sampled_from(
        [
            "jql",
            "maxResults",
            "startAt",
            "nextPageToken",
            "fields",
            "expand",
            "limit",
            "page",
            "keys",
            "filter",
            "testExecKey",
            "testKey",
            "testPlanKey",
            "testExecIssueKey",
            "testIssueKey",
            "permissions",
            "query",
            "projectKeys",
            "detailed",
            "accountId",
            "status",
            "name",
            "fz",
        ]
    )

    @LAW
    @given(st.dictionaries(asked, WORDS | st.text(string.printable, max_size=12), max_size=4), st.sampled_from("abc"))
    def law(query, choice):
        from urllib.parse import urlencode

        path = filled(rule, choice)
        sent = headers(path) | ({"Authorization": token} if path.startswith("/api/") else {})
        assert emulator.call("GET", f"{path}?{urlencode(query)}", **sent).status != 500

    law()


def value_of(kind, depth=0):  # noqa: PLR0911 - a kind a line
    """Return a strategy of literals of an input type; ids and words of the world among them."""
    if is_non_null_type(kind):
        return value_of(kind.of_type, depth)
    if is_list_type(kind):
        return st.lists(value_of(kind.of_type, depth + 1), max_size=2).map(lambda each: f"[{', '.join(each)}]")
    if is_input_object_type(kind):
        if depth > 3:
            return st.just("{}")
        members = {name: value_of(field.type, depth + 1) for name, field in kind.fields.items()}
        return st.fixed_dictionaries({}, optional=members).map(
            lambda held: "{" + ", ".join(f"{name}: {text}" for name, text in held.items()) + "}"
        )
    assert not is_enum_type(kind)
    if kind.name == "Int":
        return st.sampled_from(["1", "2", "100"])
    if kind.name == "Boolean":
        return st.sampled_from(["true", "false"])
    if kind.name == "JSON":
        whole = '{fields: {project: {key: "SHOP"}, summary: "x"}}'
        return st.sampled_from([whole, "{}", "[1]", '"x"', "null", "{fields: {labels: null, summary: 7}}"])
    texts = [
        "10101",
        "10103",
        "10140",
        "10102",
        "10112",
        "10113",
        "SHOP",
        "10000",
        "/",
        "/A",
        "PASSED",
        "65f" + "1".rjust(21, "0"),
    ]
    return st.sampled_from([*texts, "x", "", "-1"]).map(json.dumps) | st.just("null")


def selection(kind, depth):
    """Return every member of a type, a few levels deep."""
    while is_non_null_type(kind) or is_list_type(kind):
        kind = kind.of_type
    if not is_object_type(kind):
        return ""
    parts = []
    for name, field in kind.fields.items():
        inner = field.type
        while is_non_null_type(inner) or is_list_type(inner):
            inner = inner.of_type
        if is_object_type(inner) and (depth == 0 or "limit" in field.args):
            continue
        parts.append(f"{name} {selection(inner, depth - 1)}")
    return "{ " + (" ".join(parts) or "__typename") + " }"


FIELDS = [
    (kind, name)
    for kind, root in (("query", schema().query_type), ("mutation", schema().mutation_type))
    for name in root.fields
]


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_no_document_is_a_defect(emulator, kind, name):
    """Every field at the top, with arguments of the right types and any value, asked for all that it shows."""
    root = schema().query_type if kind == "query" else schema().mutation_type
    field = root.fields[name]
    needed = {each: value_of(one.type) for each, one in field.args.items() if is_non_null_type(one.type)}
    more = {each: value_of(one.type) for each, one in field.args.items() if not is_non_null_type(one.type)}

    @LAW
    @given(st.fixed_dictionaries(needed, optional=more))
    def law(held):
        given_text = ", ".join(f"{each}: {text}" for each, text in held.items())
        document = f"{kind} {{ {name}{f'({given_text})' if given_text else ''} {selection(field.type, 2)} }}"
        assert emulator.graphql(document).status in (200, 400)

    law()


@pytest.mark.parametrize(
    "document",
    [
        "{ a" * 3000,
        "{ getTests(limit: 1) " + "{ results " * 500 + "}" * 501,
        "query($a: [[[[Int]]]]) { __typename }",
        "[" * 5000,
    ],
)
def test_deep_documents_are_refused(emulator, document):
    """Nesting costs nothing."""
    assert emulator.graphql(document).status in (200, 400)
    body = b'{"fields": ' + b"[" * 100_000
    assert emulator.call("POST", "/jira/rest/api/2/issue", body, **SERVER).status == 400
