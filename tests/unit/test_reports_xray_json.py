"""Xray JSON as a report, of both deployments."""

import json
from datetime import UTC, datetime
from io import BytesIO

import pytest

from xray_ci.model import Case, MarkKind, Outcome
from xray_ci.reports import json_stream, xray_json
from xray_ci.reports.notices import Fault
from xray_ci.reports.xray_json import Destination, destination


def read(document):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    items = list(xray_json.read(BytesIO(text)))
    return [item for item in items if isinstance(item, Case)], [item for item in items if not isinstance(item, Case)]


def one(**members):
    (case,), _ = read({"tests": [{"testKey": "A-1", "status": "PASSED", **members}]})
    return case


def refused(document):
    with pytest.raises(Fault) as caught:
        read(document)
    return caught.value


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("PASSED", Outcome.PASSED),
        ("PASS", Outcome.PASSED),
        ("FAILED", Outcome.FAILED),
        ("FAIL", Outcome.FAILED),
        ("TODO", Outcome.SKIPPED),
        ("TO DO", Outcome.SKIPPED),
        ("ABORTED", Outcome.SKIPPED),
        ("EXECUTING", Outcome.OTHER),
        ("MY_OWN", Outcome.OTHER),
    ],
)
def test_statuses_of_both_deployments_count(status, outcome):
    """The word itself is kept, because it is an Xray status already."""
    case = one(status=status)

    assert (outcome, status) == (case.outcome, case.status)


def test_all_members_arrive():
    """A test by key with everything that belongs to its run."""
    case = one(
        start="2024-03-10T02:30:00Z",
        finish="2024-03-10T02:31:00+0000",
        comment="ok",
        executedBy="ann",
        assignee="bob",
        defects=["A-9"],
        customFields=[{"id": "f1", "value": "x"}, {"name": "Regions", "value": ["eu", "us"]}],
        testVersion=3,
        examples=["PASSED", "FAILED"],
        evidence=[{"data": "aGVs bG8=", "filename": "a.txt", "contentType": "text/plain"}],
    )

    assert (datetime(2024, 3, 10, 2, 30, tzinfo=UTC), datetime(2024, 3, 10, 2, 31, tzinfo=UTC)) == (
        case.started,
        case.finished,
    )
    assert [(mark.kind, mark.name, mark.value) for mark in case.marks] == [
        (MarkKind.TEST_KEY, None, "A-1"),
        (MarkKind.COMMENT, None, "ok"),
        (MarkKind.EXECUTED_BY, None, "ann"),
        (MarkKind.ASSIGNEE, None, "bob"),
        (MarkKind.TEST_VERSION, None, "3"),
        (MarkKind.DEFECT, None, "A-9"),
        (MarkKind.CUSTOM_FIELD, "f1", "x"),
        (MarkKind.CUSTOM_FIELD, "Regions", "eu"),
        (MarkKind.CUSTOM_FIELD, "Regions", "us"),
    ]
    assert [(file.name, file.media_type, file.base64) for file in case.attachments] == [
        ("a.txt", "text/plain", "aGVsbG8=")
    ]
    assert (case.examples, case.line) == (("PASSED", "FAILED"), 1)


def test_steps_and_iterations_arrive():
    """Both names of evidence, the results of steps, and parameters."""
    step = {
        "status": "FAIL",
        "comment": "c",
        "actualResult": "y",
        "defects": ["A-9"],
        "evidences": [{"data": "QQ==", "filename": "b"}],
    }
    case = one(
        steps=[step],
        iterations=[
            {
                "name": "i",
                "status": "PASS",
                "log": "l",
                "duration": "1s",
                "parameters": [{"name": "a", "value": "1"}],
                "steps": [{"status": "PASS"}],
            }
        ],
    )

    (found,), (iteration,) = case.steps, case.iterations
    assert (found.outcome, found.status, found.comment, found.actual, found.defects, found.attachments[0].name) == (
        Outcome.FAILED,
        "FAIL",
        "c",
        "y",
        ("A-9",),
        "b",
    )
    assert (
        iteration.name,
        iteration.outcome,
        iteration.log,
        iteration.duration,
        iteration.parameters,
        len(iteration.steps),
    ) == ("i", Outcome.PASSED, "l", "1s", (("a", "1"),), 1)


def test_a_test_without_key_has_its_definition():
    """`testInfo` of either deployment becomes marks and defined steps."""
    (case,), _ = read(
        {
            "tests": [
                {
                    "status": "TODO",
                    "testInfo": {
                        "projectKey": "A",
                        "summary": "Strong password",
                        "testType": "Manual",
                        "requirementKeys": ["A-1"],
                        "labels": ["core"],
                        "steps": [{"action": "open", "data": "url", "result": "page"}],
                    },
                }
            ]
        }
    )

    assert case.name == "Strong password"
    assert {mark.kind: mark.value for mark in case.marks} == {
        MarkKind.PROJECT: "A",
        MarkKind.SUMMARY: "Strong password",
        MarkKind.TEST_TYPE: "Manual",
        MarkKind.REQUIREMENT: "A-1",
        MarkKind.TAG: "core",
    }
    assert [(step.action, step.data, step.expected) for step in case.defined_steps] == [("open", "url", "page")]


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ({"tests": [{"testKey": "A-1"}]}, "tests[0] has no `status`"),
        ({"tests": [{"testkey": "A-1", "status": "PASS"}]}, "but `testkey`"),
        (
            {"tests": [{"testKey": "A-1", "status": "PASS"}, {"testKey": 5, "status": "PASS"}]},
            "tests[1].testKey is a number, not text",
        ),
        ({"tests": ["A-3"]}, "tests[0] is text, not an object"),
        ({"tests": {}}, "`tests` is no list"),
        ([], "one object"),
        ({"tests": [], "info": 1}, "`info`"),
        (
            {"tests": [{"testKey": "A-1", "status": "PASS", "steps": [{"status": True}]}]},
            "tests[0].steps[0].status is true or false, not text",
        ),
        (
            {"tests": [{"testKey": "A-1", "status": "PASS", "evidence": [{"data": "x"}]}]},
            "tests[0].evidence[0] needs `data` and `filename`",
        ),
        ({"tests": [{"testKey": "A-1", "status": "PASS", "defects": "A-2"}]}, "tests[0].defects is text, not a list"),
        (
            {"tests": [{"testKey": "A-1", "status": "PASS", "customFields": [{"value": "x"}]}]},
            "tests[0].customFields[0] needs `id` or `name`",
        ),
    ],
)
def test_a_wrong_member_is_refused_with_its_path(document, cause):
    """The first one ends the report."""
    assert cause in refused(document).cause


@pytest.mark.parametrize(
    ("document", "slug", "line"),
    [
        (b'{"tests": [\n{"testKey": "A-1", "status": "PASS"}', "truncated-report", 2),
        (b'{"tests": [], "x": NaN}', "unreadable-report", 1),
        (b'{"tests": [\n\n{"testKey" "A-1"}]}', "unreadable-report", 3),
        (b'{"tests": []}\n{}', "unreadable-report", 2),
        (b'{"tests": [,]}', "unreadable-report", 1),
        (b'{"tests": [{"testKey": "A-1', "truncated-report", 1),
        (b'{"tests": [' + b"[" * 100_000, "unsafe-report", None),
        (b'{"x": ' + b"1" * 5000 + b"}", "unreadable-report", 1),
    ],
)
def test_broken_json_is_refused_with_its_place(document, slug, line):
    """Cut off, broken and unsafe are three things."""
    fault = refused(document)

    assert (slug, line) == (fault.slug, fault.line)


def test_what_is_not_taken_is_told():
    """What a Test Execution is like is for settings to say; unknown members and empty files are left out, and told."""
    (case,), notices = read(
        {
            "testExecutionKey": "A-7",
            "info": {"testPlanKey": "A-9", "summary": "", "version": "1.1", "user": "ann"},
            "more": 1,
            "tests": [
                {
                    "testKey": "A-1",
                    "status": "PASS",
                    "duration": 1,
                    "start": "yesterday",
                    "evidence": [{"data": "", "filename": "x"}],
                }
            ],
        }
    )

    assert [(notice.slug, notice.advice) for notice in notices] == [
        ("destination-in-report", "Set `test-execution`, `test-plan` to have them."),
        ("settings-in-report", "Set `fix-version` to have them."),
        ("members-left-out", None),
        ("evidence-left-out", None),
    ]
    assert {"tests[].duration", "$.more", "tests[].start that is no timestamp"} <= set(
        notices[2].cause.partition(": ")[2].split(", ")
    )
    assert (case.started, case.attachments) == (None, ())


def test_half_a_surrogate_pair_becomes_a_mark():
    """What no UTF-8 can hold does not get on."""
    (case,), _ = read(b'{"tests": [{"testKey": "A-1", "status": "PASS", "comment": "a\\ud800b \\ud83d\\ude00"}]}')

    assert case.marks[1].value == "a\ufffdb \U0001f600"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_any_encoding_is_read(encoding):
    """A byte order mark, or zero bytes, tell."""
    (case,), _ = read('{"tests": [{"testKey": "Ž-1", "status": "PASS"}]}'.encode(encoding))

    assert case.name == "Ž-1"


def test_elements_larger_than_the_window_are_read(monkeypatch):
    """The window grows with an element, up to a bound."""
    monkeypatch.setattr(json_stream, "PIECE", 64)
    document = {
        "tests": [{"testKey": f"A-{number}", "status": "PASS", "comment": "č" * number} for number in range(300)]
    }

    cases, _ = read(document)

    assert [f"A-{number}" for number in range(300)] == [case.name for case in cases]
    monkeypatch.setattr(json_stream, "ELEMENT_LIMIT", 1000)
    assert refused({"tests": [{"testKey": "A-1", "comment": "x" * 5000, "status": "PASS"}]}).slug == "unsafe-report"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {
                "tests": [{"deep": [1]}],
                "info": {"testPlanKey": "A-9", "testEnvironments": ["qa"], "summary": "s"},
                "testExecutionKey": "A-7",
            },
            Destination(execution="A-7", plan="A-9", environments=("qa",)),
        ),
        ({"tests": [], "info": {"testPlanKey": "", "testEnvironments": None}}, Destination()),
        ({"tests": [], "testExecutionKey": 7}, Destination()),
        ([], Destination()),
    ],
    ids=["all", "nothing", "another type", "a list"],
)
def test_where_results_go_is_read_without_the_tests(document, expected):
    """Wherever it stands in the document; what is of another shape names nothing."""
    assert destination(json.dumps(document).encode()) == expected


@pytest.mark.parametrize("document", [b"", b'{"testExecutionKey": "A-7"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_broken_goes_nowhere(document):
    """Who reads the tests says what is wrong."""
    assert destination(document) == Destination()
