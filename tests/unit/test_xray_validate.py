"""The shipped schemas, and what is said when a document does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xray_ci.errors import InvalidPayload
from xray_ci.xray.validate import Checker, SchemaPart, flaws, schema

SAMPLES = Path(__file__).parent.parent / "data" / "xray"
DEPLOYMENTS = ("cloud", "server")


def samples(kind: str) -> list[Path]:
    found = [path for deployment in DEPLOYMENTS for path in sorted((SAMPLES / deployment / kind).glob("*.json"))]
    assert found
    return found


def part(path: Path) -> SchemaPart:
    """Return the schema that a sample's name and folder stand for."""
    checker = Checker(path.parent.parent.name)
    return checker.part("testInfo" if "-testinfo" in path.name and "info-testinfo" not in path.name else "info")


def response(path: Path) -> SchemaPart:
    deployment = path.parent.parent.name
    name = (
        "error"
        if path.name.startswith("error-")
        else f"{deployment}FeatureImport"
        if path.name.startswith("feature-import")
        else "bulkJobCreated"
        if path.name.startswith("bulk-job-created")
        else "bulkJobStatus"
        if path.name.startswith("bulk-status")
        else f"{deployment}ImportSuccess"
    )
    return SchemaPart(schema("responses") | {"$ref": f"#/$defs/{name}"})


@pytest.mark.parametrize("path", samples("execution"), ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_samples_of_executions_are_what_their_names_say(path: Path):
    """Valid samples pass; invalid ones fail with a path, and jsonschema agrees with jsonschema-rs."""
    document = json.loads(path.read_text(encoding="utf-8"))
    found = Checker(path.parent.parent.name).check_document(document)

    assert path.name.startswith("valid-") is (not found), [str(flaw) for flaw in found]
    assert all(flaw.where and flaw.where.startswith("$") for flaw in found)


@pytest.mark.parametrize("path", samples("multipart"), ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_samples_of_parts_are_what_their_names_say(path: Path):
    """The parts `info` and `testInfo` of the multipart path."""
    found = part(path).flaws(json.loads(path.read_text(encoding="utf-8")))

    assert path.name.startswith("valid-") is (not found), found


@pytest.mark.parametrize("path", samples("responses"), ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_samples_of_answers_fit_their_definitions(path: Path):
    """Answers match the definition that their name stands for; an invalid format has none but the error."""
    document = json.loads(path.read_text(encoding="utf-8"))

    assert not response(path).flaws(document)


@pytest.mark.parametrize(
    ("test", "path", "cause"),
    [
        ({"testKey": "A1-1", "status": "PASS"}, "$.status", "a status of the other Xray product"),
        (
            {"testKey": "A1-1", "status": "PASSED", "start": "2024-01-01T10:00:00"},
            "$.start",
            "not the form of: ISO 8601",
        ),
        ({"testkey": "A1-1", "status": "PASSED"}, "$", "did you mean 'testKey'?"),
        ({"status": "PASSED"}, "$", "needs one of testKey, testInfo"),
        (
            {
                "testKey": "A1-1",
                "status": "PASSED",
                "steps": [{"status": "PASSED"}],
                "iterations": [{"status": "PASSED"}],
            },
            "$",
            "iterations and steps",
        ),
        (
            {
                "testInfo": {"projectKey": "A", "summary": "s", "type": "Generic", "labels": ["ok", "two words"]},
                "status": "PASSED",
            },
            "$.testInfo.labels[1]",
            "'two words'",
        ),
        ({"testKey": 5, "status": None}, "$.testKey", "is a number, not text"),
        (
            {"testKey": "A1-1", "status": "PASSED", "evidence": [{"data": "", "filename": "x"}]},
            "$.evidence[0].data",
            "is empty",
        ),
    ],
)
def test_the_deepest_cause_is_told(test: dict[str, object], path: str, cause: str):
    """The error names report, line, test, JSON path and what is wrong."""
    error = Checker("cloud").explain(test, report="a/b.xml", line=12, name="adds two")

    assert isinstance(error, InvalidPayload)
    assert error.exit_code == 4
    assert error.where == "a/b.xml:12"
    assert "'adds two'" in error.what
    assert cause in error.what
    assert path == "$" or path in error.what


def test_an_error_never_shows_the_document():
    """Evidence and long values stay out of messages."""
    secret = "QUJD" * 10_000
    test = {
        "testKey": "A1-1",
        "status": "PASSED",
        "evidence": [{"data": secret, "filename": "x", "oops": secret}],
        "comment": [secret],
    }

    for failure in Checker("cloud").check_document({"tests": [test]}):
        assert len(failure.what) < 400
        assert "QUJDQUJDQUJD" not in failure.what


def test_unknown_properties_of_a_document_are_all_named():
    """A whole document is told every flaw, once each."""
    found = Checker("cloud").check_document(
        {
            "tests": [{"testkey": "CALC-1", "status": "PASSED"}, {"testKey": 5, "status": None}, "CALC-3"],
            "extra": float("nan"),
        }
    )

    assert len(found) >= 5
    assert len({failure.what for failure in found}) == len(found)


def test_statuses_named_by_the_user_are_allowed_and_no_others():
    """Naming PASS allows PASS only."""
    checker = Checker("cloud", frozenset({"PASS", "MINE"}))

    assert [checker.valid({"testKey": "A1-1", "status": word}) for word in ("PASS", "MINE", "FAIL")] == [
        True,
        True,
        False,
    ]
    assert Checker("cloud", frozenset({"PASS", "FAIL"})).valid({"testKey": "A1-1", "status": "FAIL"})


def test_text_that_is_no_unicode_is_refused():
    """A broken surrogate is an error of the document, not a crash."""
    checker = Checker("cloud")

    assert not checker.valid({"testKey": "A1-1", "status": "\ud800"})
    assert "cannot take" in checker.flaw({"testKey": "A1-1", "status": "\ud800"}).cause


def test_info_is_checked_alone():
    """The envelope of a document is checked without its tests."""
    checker = Checker("server")

    assert not checker.check_info({"project": "CALC", "startDate": "2024-01-01T00:00:00+00:00"})
    assert "info" in checker.check_info({"projekt": "CALC"})[0].what


@pytest.mark.parametrize("text", ["2024-01-01T10:00:00Z\n", "٢٠٢٤-01-01T10:00:00Z", "a\x1c", "\ufeff", "a\n"])
def test_patterns_mean_the_same_to_both_validators(text: str):
    """Digits, blanks and ends of lines are those of JSON Schema, not of Python."""
    for pattern in (schema("cloud-execution")["$defs"]["dateTime"]["pattern"], r"^\S+$"):
        sub = {"type": "string", "pattern": pattern}
        said = flaws(sub, text)
        assert SchemaPart(sub).valid(text) is ("cannot take" in said[0].cause)
