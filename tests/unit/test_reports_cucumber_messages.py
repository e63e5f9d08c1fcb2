"""Cucumber messages: attempts, rules, outlines, and the end of the run."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Problem
from xray_ci.reports import cucumber_messages
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, Fault

FEATURE = {
    "gherkinDocument": {
        "uri": "a.feature",
        "feature": {
            "name": "Adding",
            "children": [
                {"background": {"steps": [{"id": "b1", "keyword": "Given ", "text": "a calculator"}]}},
                {
                    "rule": {
                        "name": "Only positives",
                        "children": [
                            {
                                "scenario": {
                                    "id": "s1",
                                    "keyword": "Scenario Outline",
                                    "name": "Sums",
                                    "steps": [{"id": "g1", "keyword": "When ", "text": "I add <a>"}],
                                    "examples": [
                                        {
                                            "keyword": "Examples",
                                            "name": "good",
                                            "tableHeader": {"cells": [{"value": "a"}]},
                                            "tableBody": [{"cells": [{"value": "1"}]}],
                                        }
                                    ],
                                }
                            }
                        ],
                    }
                },
            ],
        },
    }
}
PICKLE = {
    "pickle": {
        "id": "p",
        "name": "Sums",
        "uri": "a.feature",
        "astNodeIds": ["s1", "r1"],
        "tags": [{"name": "@smoke"}],
        "steps": [
            {"id": "ps0", "text": "a calculator", "astNodeIds": ["b1"]},
            {"id": "ps", "text": "I add 1", "astNodeIds": ["g1", "r1"]},
        ],
    }
}
CASE = {
    "testCase": {
        "id": "c",
        "pickleId": "p",
        "testSteps": [
            {"id": "t0", "hookId": "h"},
            {"id": "t1", "pickleStepId": "ps0"},
            {"id": "t2", "pickleStepId": "ps"},
        ],
    }
}
DEFINED = [
    {"meta": {"protocolVersion": "32.0.0"}},
    FEATURE,
    PICKLE,
    {"hook": {"id": "h", "type": "BEFORE_TEST_CASE", "name": "db"}},
    CASE,
]
END = {"testRunFinished": {"success": True}}


def read(*messages: object) -> list[Case | Problem]:
    return list(cucumber_messages.read(io.BytesIO("\n".join(json.dumps(message) for message in messages).encode())))


def attempt(number: int, *words: str, retried: bool | None = False, old: bool = False) -> list[dict[str, object]]:
    started = f"a{number}"
    done = [
        {
            "testStepFinished": {
                "testCaseStartedId": started,
                "testStepId": f"t{index}",
                "testStepResult": {
                    "status": word,
                    "duration": {"seconds": 0, "nanos": 500_000_000},
                    **({"message": f"Error: {number}"} if word == "FAILED" else {}),
                    **({"willBeRetried": retried} if old else {}),
                },
            }
        }
        for index, word in enumerate(words)
    ]
    finished = {"testCaseStartedId": started, "timestamp": {"seconds": 1_795_293_699, "nanos": 0}}
    return [
        {
            "testCaseStarted": {
                "id": started,
                "testCaseId": "c",
                "attempt": number,
                "timestamp": {"seconds": 1_795_293_698, "nanos": 929_000_000},
            }
        },
        *done,
        {"testCaseFinished": finished if old else {**finished, "willBeRetried": retried}},
    ]


def cases(found: list[Case | Problem]) -> list[Case]:
    return [each for each in found if isinstance(each, Case)]


@pytest.mark.parametrize("old", [False, True])
def test_only_the_last_attempt_counts(old: bool):
    """A retried scenario is one case; earlier tries are its attempts, in messages old and new."""
    found = cases(
        read(
            *DEFINED,
            *attempt(0, "PASSED", "FAILED", "SKIPPED", retried=True, old=old),
            *attempt(1, "PASSED", "PASSED", "PASSED", old=old),
            END,
        )
    )

    assert [case.outcome for case in found] == [Outcome.PASSED]
    assert [(one.outcome, one.message) for one in found[0].attempts] == [(Outcome.FAILED, "Error: 0")]


def test_a_case_says_where_it_stands_and_what_it_ran():
    """Feature, rule, steps with their keywords, times and the outline's own text come from the definitions."""
    case = cases(read(*DEFINED, *attempt(0, "PASSED", "PASSED", "PASSED"), END))[0]

    assert (case.suite, case.classname, case.name, case.examples) == (
        ("Adding", "Only positives"),
        "Adding",
        "Sums",
        ("PASSED",),
    )
    assert [step.action for step in case.steps] == ["Given a calculator", "When I add 1"]
    assert (1.5, datetime(2026, 11, 21, 20, 41, 38, 929_000, tzinfo=UTC)) == (case.seconds, case.started)
    assert [mark.value for mark in case.marks if mark.kind is MarkKind.SCENARIO] == [
        "Scenario Outline: Sums\n  Given a calculator\n  When I add <a>\n\n  Examples: good\n    | a |\n    | 1 |"
    ]


def test_a_failing_hook_fails_the_scenario_and_is_named():
    """A hook that failed is a step of its own."""
    case = cases(read(*DEFINED, *attempt(0, "FAILED", "SKIPPED", "SKIPPED"), END))[0]

    assert (case.outcome, case.steps[0].action) == (Outcome.FAILED, "Before db")


def test_attachments_are_files_and_logs_are_output():
    """Plain text is encoded, base64 is taken as it is, logged lines are output."""
    run = attempt(0, "PASSED", "FAILED", "SKIPPED")
    run[1:1] = [
        {
            "attachment": {
                "testCaseStartedId": "a0",
                "body": "hi",
                "contentEncoding": "IDENTITY",
                "mediaType": "text/plain",
                "fileName": "n.txt",
            }
        },
        {
            "attachment": {
                "testCaseStartedId": "a0",
                "body": "aGk=",
                "contentEncoding": "BASE64",
                "mediaType": "image/png",
            }
        },
        {
            "attachment": {
                "testCaseStartedId": "a0",
                "body": "log",
                "contentEncoding": "IDENTITY",
                "mediaType": "text/x.cucumber.log+plain",
            }
        },
    ]
    case = cases(read(*DEFINED, *run, END))[0]

    assert [(each.name, each.base64) for each in case.attachments] == [("n.txt", "aGk="), ("embedding-2.png", "aGk=")]
    assert case.output == "log"


def test_scenarios_may_run_at_the_same_time():
    """Messages of parallel workers are interleaved; a case comes when it ends."""
    first, second = attempt(0, "PASSED", "PASSED", "PASSED"), attempt(1, "PASSED", "FAILED", "SKIPPED")
    mixed = [message for pair in zip(first, second, strict=True) for message in pair]

    assert [case.outcome for case in cases(read(*DEFINED, *mixed, END))] == [Outcome.PASSED, Outcome.FAILED]


def test_a_scenario_that_never_ended_is_an_error():
    """A worker that died leaves a scenario open; the run ended all the same."""
    found = cases(read(*DEFINED, *attempt(0, "PASSED")[:-1], END))

    assert [case.outcome for case in found] == [Outcome.ERROR]


def test_errors_outside_of_scenarios_are_notices():
    """Features that cannot be parsed, hooks around the run and the run's own error are told."""
    found = read(
        *DEFINED,
        {"parseError": {"source": {"uri": "b.feature"}, "message": "(1:1): x"}},
        {"testRunHookFinished": {"result": {"status": "FAILED", "message": "no db"}}},
        {"testRunFinished": {"success": False, "message": "died"}},
    )

    assert [each.slug for each in found if isinstance(each, Problem)][:3] == ["outside-case"] * 3


@pytest.mark.parametrize(
    ("messages", "slug"),
    [
        ([{"a": 1}], NOT_A_REPORT),
        ([*DEFINED, {"pickle": 1}, END], BROKEN),
        ([*DEFINED, {"pickle": {"steps": 1}}, END], BROKEN),
    ],
)
def test_a_stream_that_is_not_whole_is_refused(messages: list[object], slug: str):
    """A message of another shape, or none at all, is no run that was cut off."""
    with pytest.raises(Fault) as caught:
        read(*messages)

    assert slug == caught.value.slug


def test_a_broken_message_is_refused_with_its_line():
    """The fault says which line, and which member of it."""
    with pytest.raises(Fault) as caught:
        read(*DEFINED, {"testCase": {"testSteps": [1]}}, END)

    assert (caught.value.line, caught.value.cause) == (6, "testCase.testSteps[0] is a number, not an object")


def test_a_result_of_an_unknown_scenario_is_not_lost():
    """A case whose definition is missing still counts."""
    found = cases(read(DEFINED[0], *attempt(0, "PASSED"), END))

    assert len(found) == 1
    assert Outcome.OTHER is found[0].outcome
