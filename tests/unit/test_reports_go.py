"""`go test -json` and `go test -v`: what events, packages and lines become."""

import json
import time
from datetime import UTC, datetime
from io import BytesIO

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import Case, MarkKind, Outcome
from xray_ci.reports import go
from xray_ci.xray.mapping import native_identity


def events(*rows):
    """Return events of package `p`, unless they say another."""
    return "\n".join(row if isinstance(row, str) else json.dumps({"Package": "p", **row}) for row in rows) + "\n"


def event(action, test="TestA", **rest):
    return {"Action": action, **({"Test": test} if test else {}), **rest}


END = event("pass", None)
BAD_END = event("fail", None)


@pytest.mark.parametrize(
    ("action", "outcome"),
    [("pass", Outcome.PASSED), ("fail", Outcome.FAILED), ("skip", Outcome.SKIPPED), ("bench", Outcome.PASSED)],
)
def test_each_end_event_is_a_result(action, outcome):
    """Times are those of the events, the duration is in seconds."""
    case = case_of(
        go.read_json,
        events(
            event("run", Time="2026-11-21T20:45:10.261509971Z"),
            event(action, Time="2026-11-21T20:45:12.5Z", Elapsed=2.25),
            END,
        ),
    )

    assert outcome is case.outcome
    assert case.seconds == 2.25
    assert datetime(2026, 11, 21, 20, 45, 10, 261509, UTC) == case.started
    assert datetime(2026, 11, 21, 20, 45, 12, 500000, UTC) == case.finished


def test_identity_is_package_and_full_name():
    """Subtests keep the names of their parents, and parents are cases too."""
    cases = cases_of(
        go.read_json, events(event("run"), event("run", "TestA/x/y"), event("pass", "TestA/x/y"), event("pass"), END)
    )

    assert [native_identity(case) for case in cases] == ["p.TestA/x/y", "p.TestA"]


def test_a_panic_without_end_event_is_a_failure():
    """What ran when its package ended was never told to have failed, and has."""
    case = case_of(
        go.read_json,
        events(
            event("run"),
            event("output", Output="=== RUN   TestA\n"),
            event("output", Output="before\n"),
            event("output", Output="panic: boom\n"),
            event("output", Output="goroutine 7\n"),
            BAD_END,
        ),
    )

    assert Outcome.FAILED is case.outcome
    assert (case.kind, case.message, case.trace) == ("panic", "boom", "panic: boom\ngoroutine 7")


def test_a_test_that_just_stops_says_so():
    """Without a panic the message tells that there is no end."""
    assert "no end" in case_of(go.read_json, events(event("run"), BAD_END)).message


def test_interleaved_packages_keep_their_tests_and_outputs_apart():
    """The same name in two packages is two tests."""
    cases = cases_of(
        go.read_json,
        events(
            event("run"),
            event("run", Package="q"),
            event("output", Output="  a_test.go:1: of p\n"),
            event("output", Output="  a_test.go:1: of q\n", Package="q"),
            event("fail"),
            event("fail", Package="q"),
            BAD_END,
            {**BAD_END, "Package": "q"},
        ),
    )

    assert [(case.classname, case.message) for case in cases] == [("p", "of p"), ("q", "of q")]


def test_the_same_test_twice_is_two_results():
    """`-count=2` runs it again; a run that began anew without an end failed."""
    assert [
        case.outcome
        for case in cases_of(
            go.read_json, events(event("run"), event("pass"), event("run"), event("run"), event("pass"), END)
        )
    ] == [Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]


def test_a_result_without_a_begin_counts():
    """Go's own converter makes one of a line that a test prints in that form."""
    assert case_of(go.read_json, events(event("pass", "fake"), END)).name == "fake"


@pytest.mark.parametrize(
    "text",
    [
        events("FAIL\texample.com/broken [build failed]", END),
        events(
            {"ImportPath": "example.com/broken", "Action": "build-output", "Output": "undefined: x\n"},
            event("fail", None, Package="example.com/broken", FailedBuild="example.com/broken"),
        ),
        events(
            event("output", None, Output="TestMain broke\n"), event("output", None, Output="FAIL\tp\t0.1s\n"), BAD_END
        ),
    ],
)
def test_a_failure_outside_of_tests_is_never_lost(text):
    """A package that does not build, or fails in TestMain, is told though it has no test."""
    (problem,) = [problem for problem in problems_of(go.read_json, text) if problem.slug == "outside-case"]

    assert "package" in problem.cause


@pytest.mark.parametrize("filler", ["\n" * 30_000, " " * 30_000, "        \n" * 4_000, "a.go:3: " * 4_000])
def test_long_outputs_cost_linear_time(filler):
    """Whatever a failing test prints is looked through in a moment."""
    begun = time.process_time()
    cases_of(go.read_json, events(event("run"), event("output", Output=filler), event("fail"), BAD_END))

    assert time.process_time() - begun < 30  # a guard against hanging, not a measurement


def test_the_output_of_a_failed_build_is_told():
    """Newer versions of Go write it as events."""
    text = events(
        {"ImportPath": "b", "Action": "build-output", "Output": "undefined: x\n"},
        event("fail", None, Package="b", FailedBuild="b"),
    )

    assert "undefined: x" in problems_of(go.read_json, text)[0].cause


def test_a_package_with_a_failed_test_is_not_told_again():
    """The failed test says it already."""
    assert not problems_of(go.read_json, events(event("run"), event("fail"), BAD_END))


@pytest.mark.parametrize(
    ("text", "names"),
    [(events(event("run"), event("pass")), ["TestA"]), (events(event("start", None)), []), (events(event("run")), [])],
)
def test_a_stream_that_was_cut_off_keeps_what_ended(text, names):
    """A package without end breaks the run off; a test that still ran has no result."""
    assert [case.name for case in go.read_json(BytesIO(text.encode())) if type(case) is Case] == names
    assert problems_of(go.read_json, text)[0].slug == "broken-run"


def test_half_a_line_alone_is_refused():
    """Nothing in it is whole."""
    assert slug_of(go.read_json, events(END)[:-9]) == "truncated-report"


def test_a_broken_line_in_the_middle_is_refused():
    """Half an event cannot be told from a lost result."""
    assert (
        slug_of(go.read_json, events(event("run"), '{"Action":"pass","Pack', event("pass"), END)) == "unreadable-report"
    )


def test_ignored_lines_are_told():
    """Downloads and compilers write into the same stream."""
    (problem,) = problems_of(go.read_json, events("go: downloading x", event("run"), event("pass"), END))

    assert (problem.slug, problem.line) == ("ignored-lines", 1)


def test_attributes_of_a_test_are_marks():
    """`t.Attr` of Go 1.25 names them as JUnit's properties are named."""
    case = case_of(
        go.read_json,
        events(
            event("run"),
            event("attr", Key="test_key", Value="SHOP-1"),
            event("attr", Key="other", Value="x"),
            event("attr", Key="tags", Value="a,b"),
            event("pass"),
            END,
        ),
    )

    assert (values(case.marks, MarkKind.TEST_KEY), values(case.marks, MarkKind.TAG)) == (["SHOP-1"], ["a", "b"])


def test_output_is_kept_only_of_what_did_not_pass():
    """And without the lines that only frame it."""
    said = [
        event("output", Output="=== RUN   TestA\n"),
        event("output", Output="hello\n"),
        event("output", Output="--- FAIL: TestA (0s)\n"),
    ]

    assert case_of(go.read_json, events(event("run"), *said, event("pass"), END)).output is None
    assert case_of(go.read_json, events(event("run"), *said, event("fail"), BAD_END)).output == "hello"


def test_a_long_output_keeps_its_begin_and_end():
    """Whatever a test prints, what is kept is bounded."""
    lines = [event("output", Output=f"line {number}\n") for number in range(20_000)]
    output = case_of(go.read_json, events(event("run"), *lines, event("fail"), BAD_END)).output

    assert output.endswith("line 19999")
    assert len(output) < 5_000


TEXT = """=== RUN   TestA
=== RUN   TestA/x
    a_test.go:6: bad
--- FAIL: TestA (0.50s)
    --- FAIL: TestA/x (0.25s)
=== RUN   TestB
--- SKIP: TestB (0.00s)
FAIL
FAIL\texample.com/p\t0.010s
?   \texample.com/empty\t[no test files]
=== RUN   TestA
--- PASS: TestA (0.00s)
PASS
ok  \texample.com/q\t0.010s
"""


def test_text_gives_the_same_tests_as_json():
    """The package stands behind its tests; result and output belong to the name before them."""
    cases = cases_of(go.read_text, TEXT)

    assert [(native_identity(case), case.seconds) for case in cases] == [
        ("example.com/p.TestA", 0.5),
        ("example.com/p.TestA/x", 0.25),
        ("example.com/p.TestB", 0.0),
        ("example.com/q.TestA", 0.0),
    ]
    assert [case.outcome.value for case in cases] == ["failed", "failed", "skipped", "passed"]
    assert cases[1].message == "bad"


def test_the_trace_of_a_panic_belongs_to_the_test_before_it():
    """In the text it follows the result."""
    case = case_of(
        go.read_text, "=== RUN   TestA\n--- FAIL: TestA (0.00s)\npanic: boom\n\ngoroutine 1\nFAIL\tp\t0.1s\nFAIL\n"
    )

    assert (case.kind, case.message) == ("panic", "boom")
    assert case.trace.endswith("goroutine 1")


def test_a_test_without_result_failed_in_text_too():
    """Its last line was swallowed by what it printed."""
    case = case_of(go.read_text, "=== RUN   TestA\nno newline--- PASS: TestA (0.00s)\nPASS\nok  \tp\t0.1s\n")

    assert Outcome.FAILED is case.outcome


def test_a_test_binary_has_no_package():
    """`./x.test -test.v` ends in a bare verdict; names are all there is then."""
    assert native_identity(case_of(go.read_text, "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n")) == "TestA"


def test_text_that_was_cut_off_is_refused():
    """Neither a verdict nor a package ends it, so nobody knows the name of the package."""
    cut = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n"
    assert slug_of(go.read_text, cut) == "truncated-report"
    whole = f"{cut}PASS\nok  \tshop/cart\t0.1s\n"
    assert [each.slug for each in problems_of(go.read_text, whole + cut)] == ["broken-run"]
    assert [case.classname for case in go.read_text(BytesIO((whole + cut).encode())) if type(case) is Case] == [
        "shop/cart"
    ]


def test_text_without_v_says_that_passes_are_missing():
    """Only failures are printed then."""
    (problem,) = problems_of(go.read_text, "--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tp\t0.1s\n")

    assert problem.slug == "perhaps-incomplete"


def test_other_text_is_no_report():
    """Nothing in it is a line of Go's."""
    assert slug_of(go.read_text, "hello\n") == "not-a-test-report"
    assert slug_of(go.read_json, '{"a": 1}\nhello\n') == "not-a-test-report"


def test_output_redirected_by_powershell_is_read():
    """It comes as UTF-16 with a byte order mark and carriage returns."""
    text = events(event("run"), event("pass"), END).replace("\n", "\r\n")

    assert case_of(go.read_json, b"\xff\xfe" + text.encode("utf-16-le")).name == "TestA"
