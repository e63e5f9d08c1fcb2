"""Behave JSON: own statuses, outline rows, and steps that were not run."""

from __future__ import annotations

import io
import json

import pytest

from xray_ci.model import Case, MarkKind, Outcome
from xray_ci.reports import behave_json


def only(status: str | None, *words: str | None, **more: object) -> Case:
    steps = [
        {"keyword": "Given", "name": "x", **({"result": {"status": word, "duration": 0.5}} if word else {})}
        for word in words
    ]
    element = {
        "type": "scenario",
        "keyword": "Scenario",
        "name": "Add",
        "tags": ["TEST_SHOP-1", "smoke"],
        "steps": steps,
        **({"status": status} if status else {}),
        **more,
    }
    found = list(
        behave_json.read(io.BytesIO(json.dumps([{"name": "Adding", "tags": [], "elements": [element]}]).encode()))
    )
    assert isinstance(found[0], Case)
    return found[0]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("error", Outcome.ERROR),
        ("hook_error", Outcome.ERROR),
        ("cleanup_error", Outcome.ERROR),
        ("skipped", Outcome.SKIPPED),
        ("untested", Outcome.OTHER),
        ("undefined", Outcome.OTHER),
    ],
)
def test_the_status_of_the_scenario_decides(status: str, outcome: Outcome):
    """The status of the scenario counts, whatever its steps say: hooks and cleanups have none of their own."""
    assert outcome is only(status, "passed").outcome


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("passed", "passed"), Outcome.PASSED),
        (("passed", "failed", None), Outcome.FAILED),
        (("error",), Outcome.ERROR),
        (("passed", None), Outcome.OTHER),
    ],
)
def test_without_a_status_the_steps_decide(words: tuple[str | None, ...], outcome: Outcome):
    """Behave leaves the status of some scenarios empty."""
    assert outcome is only(None, *words).outcome


def test_a_failed_hook_is_told():
    """When every step passed and the scenario did not, the message says where to look."""
    assert only("hook_error", "passed").message == "hook_error: a hook or a cleanup"


def test_the_message_names_the_undefined_step():
    """A scenario that behave calls an error because of an undefined step names that step."""
    assert only("error", "passed", "undefined").message == "undefined: Given x"


def test_rows_of_an_outline_have_its_name():
    """`-- @1.1 good` is the row, not the Test: rows are results of one Test, one example each."""
    case = only("failed", "failed", name="Many sums -- @1.1 good", keyword="Scenario Outline")

    assert (case.name, case.examples) == ("Many sums", ("FAILED",))


def test_tags_are_plain_texts():
    """Tags have no at sign and name Tests all the same."""
    case = only("passed", "passed")

    assert [(mark.kind, mark.value) for mark in case.marks] == [(MarkKind.TEST_KEY, "SHOP-1"), (MarkKind.TAG, "smoke")]


def test_durations_are_seconds_and_errors_may_be_lists_of_lines():
    """Unlike in Cucumber's own format."""
    case = only(
        "failed",
        "passed",
        steps=[
            {
                "keyword": "Given",
                "name": "x",
                "result": {
                    "status": "failed",
                    "duration": 0.5,
                    "error_message": ["Traceback (most recent call last):", "  x", "KeyError: 'a'"],
                },
            }
        ],
    )

    assert (case.seconds, case.message) == (0.5, "KeyError: 'a'")


def test_text_and_table_of_a_step_are_data():
    """A table's headings are its first row."""
    case = only(
        "passed",
        steps=[
            {"keyword": "Given", "name": "x", "table": {"headings": ["a", "b"], "rows": [["1", "2"]]}},
            {"keyword": "And", "name": "y", "text": ["one", "two"]},
        ],
    )

    assert [step.data for step in case.steps] == ["| a | b |\n| 1 | 2 |", "one\ntwo"]


def test_embedded_files_are_attachments():
    """Files embedded in a step hang on the case."""
    case = only(
        "passed",
        steps=[{"keyword": "Given", "name": "x", "embeddings": [{"mime_type": "image/png", "data": "iVBORw0KGgo="}]}],
    )

    assert [each.name for each in case.attachments] == ["embedding-1.png"]
