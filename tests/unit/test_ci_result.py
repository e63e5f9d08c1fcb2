"""The one object that every view is made from, and its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from xray_ci.ci import outputs
from xray_ci.ci.provider import surroundings
from xray_ci.ci.result import (
    SCHEMA,
    Balance,
    ChangedTest,
    ExecutionResult,
    FailureRow,
    Notice,
    Report,
    ReportCounts,
    RunOutcome,
    RunResult,
    SnapshotRow,
    Trouble,
    compared,
)
from xray_ci.errors import ConfigurationError, Refused
from xray_ci.model import Outcome, Problem, Severity
from xray_ci.secret import Redactor

PUBLISHED = json.loads((Path(__file__).resolve().parents[2] / "docs" / "result.schema.json").read_text())
FULL = RunResult(
    command="import",
    outcome=RunOutcome.PARTLY,
    exit_code=8,
    deployment="cloud",
    executions=(
        ExecutionResult(key="SHOP-41", url="https://jira.example.com/browse/SHOP-41"),
        ExecutionResult(key="SHOP-42"),
    ),
    counts=ReportCounts(passed=5, failed=2, errors=1, skipped=3, other=4),
    sent=14,
    imported=13,
    created_tests=2,
    merged=1,
    unmapped=6,
    balance=Balance(in_reports=15, merged=1, sent=14, stored=13),
    reports=(
        Report(path="a.xml", format="junit", counts=ReportCounts(passed=5)),
        Report(
            path="b.xml",
            problems=(
                Problem(severity=Severity.ERROR, slug="broken-xml", cause="no end", line=3, column=1, advice="x"),
            ),
        ),
    ),
    comparison=compared("old.json", [ChangedTest(name="shop.cart.pay", key="SHOP-12", runs="PF")]),
    failures=(FailureRow(name="shop.cart.pay", message="boom", report="a.xml", line=7, outcome=Outcome.ERROR),),
    troubles=Trouble.of(Refused("No.", where="a.xml:7", answer="400: no", service="Xray", advice="Ask.")),
    notices=(Notice(text="left out", count=3),),
    snapshots=(SnapshotRow(name="page 7", ok=True, status=202), SnapshotRow(name="page 8", ok=False)),
    requests=4,
    seconds=1.23456,
    version="0.1.0",
    python="3.13.1",
    result_file="out/result.json",
    surroundings=surroundings(
        {"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "fix/cart", "GITHUB_WORKSPACE": "/github/workspace"}
    ),
)
EMPTY = RunResult(command="import", outcome=RunOutcome.FAILED, exit_code=2)


@pytest.mark.parametrize(
    "result",
    [FULL, EMPTY, *(replace(EMPTY, outcome=outcome) for outcome in RunOutcome)],
    ids=["full", "empty", *(outcome.value for outcome in RunOutcome)],
)
def test_the_result_file_follows_its_published_schema(result):
    """Whatever became of a run, its document is valid."""
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)
    document = json.loads(b"".join(outputs.document(result, [b'{"name": "a.b", "key": null, "runs": "FP-F"}'])))
    assert [error.message for error in jsonschema.Draft202012Validator(PUBLISHED).iter_errors(document)] == []


def _names(schema, value, path=""):
    """Yield where a document and its schema differ in names."""
    while "$ref" in schema:
        schema = PUBLISHED["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        inner = next((one for one in schema.get("anyOf", ()) if "$ref" in one), schema)
        inner = PUBLISHED["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
        if set(value) != set(inner["properties"]) or set(inner["required"]) != set(inner["properties"]):
            yield path
        for name in set(value) & set(inner["properties"]):
            yield from _names(inner["properties"][name], value[name], f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _names(schema["items"], item, path)


def test_every_name_is_published():
    """The schema describes and requires exactly the names that are written, at every depth."""
    assert list(_names(PUBLISHED, FULL.as_json())) == []
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA
    assert {outcome.value for outcome in RunOutcome} == set(PUBLISHED["properties"]["outcome"]["enum"])


def test_outputs_are_those_of_the_contract():
    """Names and order of the interface; `failed` counts errors too; keys are separated by commas."""
    assert FULL.outputs() == (
        ("outcome", "partly"),
        ("test-execution-key", "SHOP-41"),
        ("test-execution-keys", "SHOP-41,SHOP-42"),
        ("test-execution-url", "https://jira.example.com/browse/SHOP-41"),
        ("tests", "15"),
        ("passed", "5"),
        ("failed", "3"),
        ("skipped", "3"),
        ("imported", "13"),
        ("created-tests", "2"),
        ("new-failures", "1"),
        ("fixed", "0"),
        ("snapshots-triggered", "1"),
        ("result-file", "out/result.json"),
    )


def test_what_is_not_known_is_not_claimed():
    """Without an answer, reading back and comparison, `imported` and its like are empty, never zero."""
    unknown = replace(FULL, imported=None, created_tests=None, comparison=None, executions=())
    keys = ["test-execution-key", "test-execution-keys", "test-execution-url"]
    assert [name for name, value in unknown.outputs() if not value] == [
        *keys,
        "imported",
        "created-tests",
        "new-failures",
        "fixed",
    ]
    assert replace(FULL, imported=None).as_json()["imported"] is None


def test_counts_add_up():
    """Counts of reports sum to those of the run, and `tests` is all of them."""
    total = ReportCounts(passed=1, failed=2) + ReportCounts(passed=3, errors=4, skipped=5, other=6)
    assert ReportCounts(passed=4, failed=2, errors=4, skipped=5, other=6) == total
    assert total.as_json() == {"tests": 21, "passed": 4, "failed": 2, "errors": 4, "skipped": 5, "other": 6}
    assert total.of(Outcome.ERROR) == 4


def test_each_problem_of_a_configuration_is_one_trouble():
    """A configuration with two problems tells both, not their sum."""
    problems = (ConfigurationError("a", where="b", slug="unknown-setting"), ConfigurationError("c"))
    assert [
        (one.slug, one.what, one.where, one.exit_code)
        for one in Trouble.of(ConfigurationError("2 wrong", problems=problems))
    ] == [("unknown-setting", "a", "b", 2), ("configuration", "c", None, 2)]


def test_redacting_a_result_reaches_every_text():
    """A secret anywhere in a result, also in problems of reports and in names of the CI, is gone from all views."""
    redact = Redactor()
    redact.register("hunter22")

    def plant(value):
        return value + "hunter22"

    planted = FULL.redacted(plant)
    assert str(planted).count("hunter22") > 20
    assert "hunter22" not in str(planted.redacted(redact))
    assert planted.redacted(redact).redacted(redact) == planted.redacted(redact)
    assert FULL.redacted(redact) == FULL


def test_no_folder_of_the_machine_is_told():
    """The result file names the CI's facts, not where the runner keeps its files."""
    assert "/github" not in json.dumps(FULL.as_json())
    assert FULL.as_json()["ci"]["branch"] == "fix/cart"
