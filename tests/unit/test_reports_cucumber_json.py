"""Cucumber JSON: what decides about a scenario, its name and keys, and what hangs on it."""

from __future__ import annotations

import base64
import io
import json

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Problem
from xray_ci.reports import cucumber_json
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, TRUNCATED, Fault


def read(document: object) -> list[Case | Problem]:
    return list(cucumber_json.read(io.BytesIO(json.dumps(document).encode())))


def step(status: str | None = "passed", name: str = "a calculator", **more: object) -> dict[str, object]:
    result = {} if status is None else {"result": {"status": status, "duration": 2_000_000}}
    return {"keyword": "Given ", "name": name, **result, **more}


def scenario(*steps: object, **more: object) -> dict[str, object]:
    return {"keyword": "Scenario", "type": "scenario", "name": "Add", "steps": list(steps), **more}


def only(*elements: object, **feature: object) -> Case:
    found = read([{"uri": "a.feature", "name": "Adding", "tags": [], **feature, "elements": list(elements)}])
    assert len(found) == 1
    assert isinstance(found[0], Case)
    return found[0]


def marks(case: Case, kind: MarkKind) -> list[str]:
    return [mark.value for mark in case.marks if mark.kind is kind]


@pytest.mark.parametrize(
    ("words", "outcome", "status"),
    [
        (["PASS", "passed"], Outcome.PASSED, None),
        (["PASS", "FAIL", "ABORTED"], Outcome.FAILED, None),
        (["PASS", "TODO"], Outcome.SKIPPED, None),
        (["PASS", "ABORTED", "skipped"], Outcome.SKIPPED, "ABORTED"),
        (["EXECUTING", "TO DO"], Outcome.OTHER, "EXECUTING"),
        (["pass"], Outcome.OTHER, None),
        (["BLOCKED"], Outcome.OTHER, None),
    ],
)
def test_names_of_step_statuses_are_results(words: list[str], outcome: Outcome, status: str | None):
    """Xray's own words for a step mean what they mean in Xray; one that no outcome stands for is kept."""
    found = only(scenario(*map(step, words)))

    assert (found.outcome, found.status) == (outcome, status)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["passed", "passed"], Outcome.PASSED),
        (["passed", "failed", "skipped"], Outcome.FAILED),
        (["ambiguous", "skipped"], Outcome.FAILED),
        (["undefined", "skipped"], Outcome.OTHER),
        (["pending"], Outcome.OTHER),
        (["passed", "skipped"], Outcome.SKIPPED),
        (["PASSED"], Outcome.PASSED),
        (["passed", None], Outcome.OTHER),
        ([None, "failed"], Outcome.FAILED),
        ([], Outcome.OTHER),
    ],
)
def test_the_worst_step_decides(words: list[str | None], outcome: Outcome):
    """A scenario is as bad as its worst step; undefined, pending and missing results are neither passed nor failed."""
    assert outcome is only(scenario(*map(step, words))).outcome


@pytest.mark.parametrize(
    "where",
    [
        {"before": [{"result": {"status": "failed", "error_message": "no db"}}]},
        {"after": [{"result": {"status": "failed", "error_message": "no db"}}]},
    ],
)
def test_a_failing_hook_fails_the_scenario(where: dict[str, object]):
    """A hook counts like a step, and is told as one where it failed."""
    case = only(scenario(step(), **where))

    assert (case.outcome, case.message) == (Outcome.FAILED, "no db")
    assert len(case.steps) == 2


def test_hidden_hooks_are_no_steps():
    """Hooks that JavaScript lists among the steps are left out of them while nothing is wrong."""
    case = only(scenario({"keyword": "Before", "hidden": True, "result": {"status": "passed"}}, step()))

    assert [each.action for each in case.steps] == ["Given a calculator"]


def test_a_background_belongs_to_the_scenario_behind_it():
    """A background is no test; when it fails, the scenario behind it fails, and only that."""
    background = {"type": "background", "keyword": "Background", "name": "", "steps": [step("failed")]}
    found = read(
        [{"name": "Adding", "tags": [], "elements": [background, scenario(step("skipped")), scenario(step())]}]
    )

    assert [case.outcome for case in found if isinstance(case, Case)] == [Outcome.FAILED, Outcome.PASSED]


def test_durations_are_nanoseconds():
    """The durations of all steps and hooks add up, in nanoseconds."""
    assert pytest.approx(0.004) == only(scenario(step(), step())).seconds


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [
        ("@SHOP-12", MarkKind.TEST_KEY, "SHOP-12"),
        ("@TEST_SHOP-12", MarkKind.TEST_KEY, "SHOP-12"),
        ("TEST_SHOP-12", MarkKind.TEST_KEY, "SHOP-12"),
        ("@TestName:SHOP-12", MarkKind.TEST_KEY, "SHOP-12"),
        ("@REQ_SHOP-7", MarkKind.REQUIREMENT, "SHOP-7"),
        ("@smoke", MarkKind.TAG, "smoke"),
        ("@TEST_smoke", MarkKind.TAG, "TEST_smoke"),
        ("@shop-12", MarkKind.TAG, "shop-12"),
    ],
)
def test_tags_name_tests_requirements_and_labels(tag: str, kind: MarkKind, value: str):
    """A tag in one of Xray's forms names the Test, another is a label."""
    assert [value] == marks(only(scenario(step(), tags=[{"name": tag}])), kind)


def test_tags_of_the_feature_count_for_its_scenarios():
    """A feature's tags are those of its scenarios, also where a tool does not repeat them; each once."""
    case = only(
        scenario(step(), tags=[{"name": "@SHOP-2"}, {"name": "@x"}]), tags=[{"name": "@SHOP-1"}, {"name": "@x"}]
    )

    assert marks(case, MarkKind.TEST_KEY) == ["SHOP-1", "SHOP-2"]
    assert marks(case, MarkKind.TAG) == ["x"]


def test_a_feature_that_is_named_behind_its_scenarios_still_names_them():
    """JavaScript and JVM write a feature's name and tags behind its elements."""
    found = read([{"elements": [scenario(step())], "name": "Adding", "tags": [{"name": "@SHOP-1"}]}])

    assert isinstance(found[0], Case)
    assert found[0].classname == "Adding"
    assert marks(found[0], MarkKind.TEST_KEY) == ["SHOP-1"]
    assert marks(found[0], MarkKind.SCENARIO) == []


def test_without_a_key_the_scenario_can_be_created():
    """A scenario without a Test key brings its text, with tables and text blocks, and the type of its Test."""
    table = step(rows=[{"cells": ["name", "qty"]}, {"cells": ["a|b", "2"]}], name="a table")
    text = step(doc_string={"value": "two\nlines"}, name="a text")
    case = only(scenario(table, text))

    assert len(marks(case, MarkKind.SCENARIO)) == 1
    assert (marks(case, MarkKind.SCENARIO)) == [
        (
            'Scenario: Add\n  Given a table\n    | name | qty |\n    | a\\|b | 2 |\n  Given a text\n    """\n    '
            "two\n    "
            'lines\n    """'
        )
    ]


def test_with_a_key_nothing_is_said_of_the_test_itself():
    """The Test of a key exists already: its text is not sent along."""
    case = only(scenario(step(), tags=[{"name": "@SHOP-1"}]))

    assert not marks(case, MarkKind.SCENARIO)


@pytest.mark.parametrize(
    "more", [{"keyword": "Scenario Outline"}, {"keyword": "Szenario", "id": "adding;add;examples;2"}]
)
def test_a_row_of_an_outline_is_an_example(more: dict[str, object]):
    """Each example row is a case of its own under the outline's name, with one example."""
    found = read(
        [{"name": "Adding", "tags": [], "elements": [scenario(step(), **more), scenario(step("failed"), **more)]}]
    )

    assert [(case.name, case.examples) for case in found if isinstance(case, Case)] == [
        ("Add", ("PASSED",)),
        ("Add", ("FAILED",)),
    ]


def test_embeddings_are_attachments_with_names():
    """An embedded file keeps its name, or gets one with the ending of its media type."""
    shot = base64.b64encode(b"\x89PNG").decode()
    case = only(
        scenario(
            step(
                embeddings=[
                    {"data": shot, "mime_type": "image/png", "name": "shot"},
                    {"data": shot, "media": {"type": "image/png", "encoding": "base64"}},
                    {"data": "plain words", "mime_type": "text/plain"},
                ]
            )
        )
    )

    assert [each.name for each in case.attachments] == ["shot.png", "embedding-2.png", "embedding-3.txt"]
    assert base64.b64decode(case.attachments[2].base64 or "") == b"plain words"


def test_logged_lines_are_output_and_no_files():
    """What a step logged is output, kept where the scenario did not pass."""
    log = {"data": base64.b64encode(b"adding 1").decode(), "mime_type": "text/x.cucumber.log+plain"}
    failed, passed = (only(scenario(step(word, embeddings=[log], output=["said"]))) for word in ("failed", "passed"))

    assert (failed.output, failed.attachments) == ("adding 1\nsaid", ())
    assert passed.output is None


def test_a_failure_tells_its_line_and_its_trace():
    """The message is the line that says what happened, the trace is the whole text; a step without text is named."""
    python = "Traceback (most recent call last):\n  File x\nKeyError: 'crash'"
    case = only(scenario({"keyword": "When", "name": "x", "result": {"status": "failed", "error_message": python}}))

    assert ("KeyError", "KeyError: 'crash'", python) == (case.kind, case.message, case.trace)
    assert only(scenario(step("undefined"))).message == "undefined: Given a calculator"


def test_a_report_without_scenarios_is_whole_and_says_so():
    """An empty list, and features without elements, are no error."""
    assert [each.slug for each in read([]) if isinstance(each, Problem)] == ["no-cases"]
    assert [each.slug for each in read([{"uri": "a"}]) if isinstance(each, Problem)] == ["no-cases"]


@pytest.mark.parametrize(
    ("document", "slug", "where"),
    [
        ({"message": "Not Found"}, NOT_A_REPORT, "list of features"),
        ([1], BROKEN, "[0]"),
        ([{"elements": 1}], BROKEN, "[0].elements"),
        ([{"elements": [[]]}], BROKEN, "[0].elements[0]"),
        ([{"elements": [{"steps": {}}]}], BROKEN, "[0].elements[0].steps"),
        ([{"elements": [{"steps": [{"name": "x", "result": 1}]}]}], BROKEN, "[0].elements[0].steps[0].result"),
    ],
)
def test_a_wrong_structure_is_refused_with_its_path(document: object, slug: str, where: str):
    """Where results may hide behind a wrong type the report is refused, and the fault says where."""
    with pytest.raises(Fault) as caught:
        read(document)

    assert slug == caught.value.slug
    assert where in caught.value.cause


def test_a_cut_off_report_is_refused():
    """Half a report is no report."""
    with pytest.raises(Fault) as caught:
        list(cucumber_json.read(io.BytesIO(b'[{"name": "A", "tags": [], "elements": [{"name": "x"}')))

    assert caught.value.slug == TRUNCATED


def test_the_project_of_playwright_bdd_is_an_environment():
    """Its features say which project they ran in."""
    step = {"keyword": "Given ", "name": "a cart", "result": {"status": "passed"}}
    element = {"type": "scenario", "keyword": "Scenario", "name": "Adds", "steps": [step]}
    feature = {"uri": "a.feature", "name": "Cart", "metadata": {"Project": "firefox"}, "elements": [element]}
    (case,) = (each for each in read([feature]) if isinstance(each, Case))

    assert [mark.value for mark in case.marks if mark.kind is MarkKind.ENVIRONMENT] == ["firefox"]
