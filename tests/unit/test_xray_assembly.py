"""A run on disk: what is counted, merged, left out, and written in which order."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from xray_runs import assembly, case, finish, names, place, run, slugs

from xray_ci.deployments import CLOUD, SERVER
from xray_ci.errors import ConfigurationError, UnmappedResults
from xray_ci.model import Attachment, Iteration, Outcome, Step
from xray_ci.xray.assembly import Assembly
from xray_ci.xray.validate import Checker

PASSED, FAILED, ERROR, SKIPPED, OTHER = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.OTHER


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Assembly]:
    """Give what begins an assembly in the test's own folder."""
    return partial(assembly, tmp_path)


def test_cases_become_tests_in_report_order(begun):
    """Every case is counted by its outcome and sent in the order of the reports."""
    done, tests = run(
        begun(), case("a"), case("b", FAILED, "CALC-2"), case("d", ERROR), case("e", SKIPPED), case("f", OTHER)
    )

    assert names(tests) == ["a", "CALC-2", "d", "e", "f"]
    assert (
        done.counts.tests,
        done.counts.passed,
        done.counts.failed,
        done.counts.errors,
        done.counts.skipped,
        done.counts.other,
    ) == (5, 1, 1, 1, 1, 1)
    assert (done.counts.by_key, done.counts.by_identity, done.counts.tests_by_key, done.counts.tests_by_identity) == (
        1,
        4,
        1,
        4,
    )


def test_no_result_is_no_batch(begun):
    """An empty run is assembled to nothing."""
    done, tests = run(begun())

    assert (done.portions, tests) == ((), [])


def test_a_broken_report_leaves_nothing_behind(begun):
    """What came of a report that turned out broken is neither sent, counted, merged nor noticed."""
    run_so_far = begun(repeats="last")
    run_so_far.begin(place("good.xml"))
    run_so_far.add(case("a", FAILED))
    run_so_far.commit()
    run_so_far.begin(place("broken.xml"))
    for number in range(100):
        run_so_far.add(case(f"x{number}", key="bad key" if number % 2 else None))
    run_so_far.add(case("a", PASSED, attachments=(Attachment(name="x", path="nothing"),)))
    run_so_far.drop()
    done, tests = finish(run_so_far)

    assert (names(tests), [test["status"] for test in tests]) == (["a"], ["FAILED"])
    assert (done.counts.tests, done.counts.rejected, done.counts.merged, done.problems, done.notices) == (
        1,
        0,
        0,
        (),
        (),
    )


def test_a_restart_counts_the_second_reading_only(begun):
    """A report that is read again from its start is there once."""
    run_so_far = begun()
    run_so_far.begin(place("r.xml"))
    run_so_far.add(case("a"))
    run_so_far.restart()
    for name in "ab":
        run_so_far.add(case(name))
    assert run_so_far.commit().tests == 2

    assert names(finish(run_so_far)[1]) == ["a", "b"]


def test_a_report_without_commit_never_counts(begun):
    """Only a report whose end was reached counts, also the last one."""
    run_so_far = begun()
    run_so_far.begin(place("a.xml"))
    run_so_far.add(case("a"))
    run_so_far.begin(place("b.xml"))
    run_so_far.add(case("b"))

    assert finish(run_so_far)[1] == []


@pytest.mark.parametrize(
    ("policy", "shown", "position"), [("worst", FAILED, 1), ("last", SKIPPED, 3), ("best", PASSED, 0)]
)
def test_repeats_merge_over_all_reports(begun, policy: str, shown: Outcome, position: int):
    """One Test gets one result whichever report it came from, and says so."""
    run_so_far = begun(repeats=policy)
    for number, outcome in enumerate((PASSED, FAILED, ERROR, SKIPPED)):
        run_so_far.begin(place(f"{number}.xml"))
        run_so_far.add(case("a", outcome))
        run_so_far.add(case(f"between-{number}"))
        run_so_far.commit()
    done, tests = finish(run_so_far)

    (kept,) = [test for test in tests if test["testInfo"]["summary"] == "a"]
    assert CLOUD.dialect.statuses[shown] == kept["status"]
    assert 2 * position - position == names(tests).index("a")
    assert kept["comment"].endswith(
        f"4 results of this Test: 1 passed, 1 skipped, 1 failed, 1 with errors. Shown: the {policy}."
    )
    assert (done.counts.merged, done.counts.tests_by_identity) == (3, 5)


def test_the_first_of_equally_bad_results_stays(begun):
    """A failure and an error are equally bad."""
    done, tests = run(
        begun(), case("a", ERROR, "CALC-1", message="first"), case("b", FAILED, "CALC-1", message="second")
    )

    assert tests[0]["comment"].startswith("first\n2 results")
    assert done.counts.merged == 1


def test_repeats_stay_silent_without_comments(begun):
    """`comments: none` means none."""
    _, tests = run(begun(comments="none"), case("a", FAILED), case("a"))

    assert "comment" not in tests[0]


def test_text_that_looks_like_json_survives_the_extra_line(begun):
    """The line about repeats goes behind a comment that itself holds the property's name."""
    nasty = ',"comment":"x"} \\ " ~name'
    _, tests = run(begun(), case("a", FAILED, message=nasty), case("a"))

    assert tests[0]["comment"].startswith(nasty + "\n2 results")


def test_iterations_of_a_step_based_test(begun):
    """With `repeats: iterations` the results of one Manual Test are its iterations, in order, with their failures."""
    done, tests = run(
        begun(repeats="iterations", test_type="Manual"), case("a"), case("b"), case("a", FAILED, message="why")
    )

    assert names(tests) == ["b", "a"]
    assert tests[1]["status"] == "FAILED"
    assert tests[1]["iterations"] == [
        {"name": "a", "status": "PASSED"},
        {"name": "a", "status": "FAILED", "log": "why"},
    ]
    assert "~name" not in done.portions[0].path.read_text(encoding="utf-8")


def test_iterations_of_a_generic_test_fall_back(begun):
    """A Generic Test has no iterations: the worst result is sent and the fallback counted once a Test."""
    done, tests = run(
        begun(repeats="iterations"),
        case("a"),
        case("a", FAILED),
        case("a"),
        case("b", key="CALC-1"),
        case("c", key="CALC-1"),
    )

    assert [test["status"] for test in tests] == ["FAILED", "PASSED"]
    assert slugs(done) == ["iterations-merged"]
    assert "(2 times" in done.notices[0].cause


def test_every_key_of_a_case_gets_the_result(begun):
    """A case with two keys is two results with the same evidence."""
    one = case("a", FAILED, "CALC-1,CALC-2", attachments=(Attachment(name="a.txt", base64="aGk="),))
    done, tests = run(begun(), one)

    assert names(tests) == ["CALC-1", "CALC-2"]
    assert [test["evidence"][0]["data"] for test in tests] == ["aGk=", "aGk="]
    assert (done.counts.by_key, done.counts.tests, done.evidence_files) == (2, 1, 2)


def test_a_wrong_key_is_named_and_blocks_nothing(begun):
    """The case is left out with report, line and test; the others go."""
    done, tests = run(begun(), case("a", key="not a key"), case("b"))

    assert names(tests) == ["b"]
    (problem,) = done.problems
    assert (problem.slug, problem.path, problem.line) == ("bad-test-key", "build/r.xml", 7)
    assert "test 'a' names the Test 'not a key'" in problem.cause
    assert done.counts.rejected == 1


def test_an_invalid_result_is_named_and_blocks_nothing(begun):
    """What Xray would refuse is left out with its cause, and another result of the same Test stands in."""
    bad = case("a", FAILED, status="FAILED ", message="x")
    many = [case(f"n{number}") for number in range(70)]
    many.insert(35, bad)
    many.append(case("a"))
    run_so_far = begun(deployment=SERVER)
    run_so_far._checker = Checker("server")
    run_so_far._checker._test = type(
        "Fussy",
        (),
        {"valid": staticmethod(lambda test: test["status"] != "FAILED"), "flaws": run_so_far._checker._test.flaws},
    )()
    run_so_far._checker._tests = type(
        "Fussy", (), {"valid": staticmethod(lambda tests: all(test["status"] != "FAILED" for test in tests))}
    )()
    done, tests = run(run_so_far, *many)

    assert len(tests) == 71
    assert names(tests)[-1] == "a"
    assert (done.problems[0].slug, done.counts.invalid, done.counts.merged) == ("invalid-payload", 1, 0)
    assert "test 'a' would be refused by Xray" in done.problems[0].cause


@pytest.mark.parametrize("unmapped", ["skip", "create"])
def test_unmapped_cases(begun, unmapped: str):
    """`skip` leaves cases without key out and counts them."""
    done, tests = run(begun(unmapped=unmapped), case("a"), case("b", key="CALC-1"))

    assert (1 if unmapped == "skip" else 2) == len(tests)
    assert (1 if unmapped == "skip" else 0) == done.counts.unmapped


def test_unmapped_fail_names_the_first_twenty(begun):
    """`fail` stops the run and tells where the tests are."""
    run_so_far = begun(unmapped="fail")
    run_so_far.begin(place("r.xml"))
    for number in range(25):
        run_so_far.add(case(f"n{number}", line=number))
    run_so_far.commit()

    with pytest.raises(UnmappedResults) as stopped:
        run_so_far.finish()
    assert stopped.value.what == "25 results have no Test key"
    assert stopped.value.where is not None
    assert stopped.value.where.startswith("r.xml:0 'n0'\n")
    assert stopped.value.where.endswith("… and 5 more")


def test_a_missing_project_is_a_configuration_error(begun):
    """Tests cannot be created nowhere; a run whose cases all have keys needs no project."""
    run_so_far = begun(project=None)
    run_so_far.begin(place("r.xml"))
    run_so_far.add(case("a"))
    run_so_far.commit()

    with pytest.raises(ConfigurationError, match="`project` is needed") as stopped:
        run_so_far.finish()
    assert stopped.value.where == "r.xml:7 'a'"


def test_batches_by_tests_and_bytes(begun):
    """No request has more tests or bytes than allowed, but for one test that alone is larger."""
    cases = [case(f"n{number}", FAILED, message="x" * (5_000 if number == 5 else 10)) for number in range(20)]
    done, tests = run(begun(), *cases, batch_tests=4, batch_bytes=1_000)

    assert len(tests) == 20
    assert all(batch.tests <= 4 and (batch.length <= 1_000 or batch.tests == 1) for batch in done.portions[0].batches)
    assert slugs(done) == ["over-batch-bytes"]


def test_the_span_of_the_run(begun):
    """Started and finished are the earliest and the latest moment of reports that count."""
    run_so_far = begun()
    for name, hour, counted in (("a", 11, True), ("b", 9, True), ("c", 5, False)):
        run_so_far.begin(place(name))
        run_so_far.add(
            case(
                name,
                started=datetime(2024, 1, 1, hour),  # noqa: DTZ001
                seconds=90.0,
            )
        )
        if counted:
            run_so_far.commit()
        else:
            run_so_far.drop()
    done, _ = finish(run_so_far)

    assert (done.portions[0].started, done.portions[0].finished) == (
        "2024-01-01T09:00:00+00:00",
        "2024-01-01T11:01:30+00:00",
    )


def test_a_whole_document_is_written_in_pieces(begun):
    """`convert` gets one document with envelope, whatever the batches."""
    done, tests = run(begun(), *(case(f"n{number}") for number in range(10)), batch_tests=3)
    out = io.BytesIO()

    done.write_document(out, info={"summary": "s"}, key="CALC-7")

    assert {"testExecutionKey": "CALC-7", "info": {"summary": "s"}, "tests": tests} == json.loads(out.getvalue())


def test_many_results_of_few_tests_are_merged(begun):
    """Each Test is sent once, with its worst result, wherever in the run that is."""
    cases = [case(f"n{number % 300}", FAILED if number == 650 else PASSED) for number in range(900)]
    done, tests = run(begun(), *cases)

    assert (len(tests), done.counts.merged, done.counts.tests_by_identity) == (300, 600, 300)
    assert [name for name, test in zip(names(tests), tests, strict=True) if test["status"] == "FAILED"] == ["n50"]


def test_iterations_inside_a_result_stay_iterations(begun):
    """A result that has iterations of its own brings those; steps of another become steps of its iteration."""
    own = case("a", iterations=(Iteration(outcome=PASSED, name="i1"), Iteration(outcome=FAILED, name="i2")))
    stepped = case("a", FAILED, steps=(Step(action="x", status="FAIL", outcome=FAILED),))
    _, tests = run(begun(repeats="iterations", test_type="Manual"), own, stepped)

    assert len(tests) == 1
    assert [row["name"] for row in tests[0]["iterations"]] == ["i1", "i2", "a"]
    assert tests[0]["iterations"][2]["steps"] == [{"status": "FAILED"}]
    assert "steps" not in tests[0]


def test_too_many_results_for_iterations_fall_back(begun, monkeypatch: pytest.MonkeyPatch):
    """Beyond the most iterations the worst result is sent, and that is noticed."""
    monkeypatch.setattr("xray_ci.xray.repeats.MOST_ITERATIONS", 3)
    done, tests = run(
        begun(repeats="iterations", test_type="Manual"),
        *(case("a", FAILED if number == 3 else PASSED) for number in range(5)),
    )

    assert [(test["status"], "iterations" in test) for test in tests] == [("FAILED", False)]
    assert slugs(done) == ["iterations-too-many"]


def test_a_run_of_wrong_keys_stays_bounded(begun):
    """Only the first thousand wrong results are named; all are counted."""
    done, _ = run(begun(), *(case(str(number), key="wrong") for number in range(1_010)))

    assert (len(done.problems), done.counts.rejected) == (1_000, 1_010)


def test_an_assembly_lets_go_of_its_files(begun):
    """A run that is given up leaves no file open."""
    with begun() as given_up:
        given_up.add(case("a"))
    assert given_up._lines.closed


def test_rows_of_a_scenario_outline_belong_together(begun):
    """Each row is a case of its own in the report; its Test gets one result with the example rows in their order."""
    done, tests = run(
        begun(),
        case("pays", key="CALC-1", examples=("PASSED",)),
        case("other"),
        case("pays", FAILED, "CALC-1", examples=("FAILED",)),
        case("pays", key="CALC-1", examples=("TODO",)),
    )

    outline = next(test for test in tests if test.get("testKey") == "CALC-1")
    assert (outline["examples"], outline["status"]) == (["PASSED", "FAILED", "TODO"], "FAILED")
    assert done.counts.merged == 2
    assert Checker("cloud").valid(outline)
