"""Several Test Executions in one run: which result goes where, and what each knows of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from xray_runs import assembly, case, finish, names, place

from xray_ci.errors import ConfigurationError
from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.xray import notices
from xray_ci.xray.assembly import Assembly
from xray_ci.xray.writing import Portion


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Assembly]:
    """Give what begins an assembly with `executions`, in the test's own folder."""

    def begin(executions: str, **given: object) -> Assembly:
        plain = assembly(tmp_path, **given)  # type: ignore[arg-type]
        rules = replace(plain._rules, executions=executions, explained=True)
        plain.close()
        return Assembly(tmp_path / "work", rules)

    return begin


def within(name: str, *environments: str, outcome: Outcome = Outcome.PASSED, hour: int = 9) -> Case:
    marks = tuple(Mark(kind=MarkKind.ENVIRONMENT, value=environment) for environment in environments)
    return case(name, outcome, marks=marks, started=datetime(2024, 1, 1, hour, tzinfo=UTC))


def read(portion: Portion) -> bytes:
    return portion.path.read_bytes()


def test_each_environment_has_its_own_test_runs(begun):
    """The same Test has one result in each; results with several environments go where both are."""
    run = begun("per-environment")
    run.begin(place("a.json"))
    for one in (
        within("a", "chromium"),
        within("a", "firefox", outcome=Outcome.FAILED, hour=10),
        within("b", "chromium"),
        within("c"),
        within("a", "chromium", outcome=Outcome.FAILED, hour=12),
        within("d", "firefox", "linux; x86"),
    ):
        run.add(one)
    run.commit()
    done, tests = finish(run, batch_tests=1)

    assert [portion.environments for portion in done.portions] == [
        ("chromium",),
        ("firefox",),
        (),
        ("firefox", "linux, x86"),
    ]
    assert [batch.tests for portion in done.portions for batch in portion.batches] == [1, 1, 1, 1, 1]
    assert names(tests) == ["b", "a", "a", "c", "d"]
    assert (done.counts.merged, done.counts.sent) == (1, 5)
    assert (done.portions[0].started, done.portions[0].finished) == (
        "2024-01-01T09:00:00+00:00",
        "2024-01-01T12:00:00+00:00",
    )
    assert (done.portions[1].started, done.portions[1].report) == ("2024-01-01T10:00:00+00:00", None)


def test_each_report_has_its_own_test_execution(begun):
    """A Test in two reports is not merged; a broken report leaves nothing, not even a name."""
    run = begun("per-report")
    for number in range(3):
        run.begin(place(f"{number}.xml"))
        run.add(within("a", "ignored", hour=number))
        run.drop() if number == 1 else run.commit()
    done, _ = finish(run)

    assert [(portion.report, portion.environments) for portion in done.portions] == [("0.xml", ()), ("2.xml", ())]
    assert done.portions[1].started == "2024-01-01T02:00:00+00:00"


def test_more_test_executions_than_files_may_be_open(begun):
    """Hundreds of interleaved environments lose nothing."""
    run = begun("per-environment")
    run.begin(place("a.xml"))
    for number in range(300):
        run.add(within(f"t{number}", f"e{number % 150}"))
    run.commit()
    done, tests = finish(run)

    assert len(done.portions) == 150
    assert {f"t{number}" for number in range(300)} == set(names(tests))


def test_too_many_test_executions_are_refused(begun):
    """A rule that captured too much, or an unsafe report, does not fill Jira."""
    with begun("per-environment") as run, pytest.raises(ConfigurationError, match="more than 500"):
        run.begin(place("a.xml"))
        for number in range(501):
            run.add(within(f"t{number}", f"e{number}"))


def test_one_test_execution_ignores_environments_of_the_report(begun):
    """Unless the user's rules say so, a report does not give a Test Execution its environments."""
    run = begun("single")
    run.begin(place("a.xml"))
    run.add(within("a", "chromium"))
    run.commit()
    done, _ = finish(run)

    assert [portion.environments for portion in done.portions] == [()]


def test_decisions_are_kept_of_reports_that_count(begun, tmp_path):
    """`plan` says for each result what decided its Test; a broken report leaves no line."""
    run = begun("single")
    for number, end in enumerate((run.commit, run.drop, run.commit)):
        run.begin(place(f"{number}.xml"))
        run.add(case(f"t{number}", key="CALC-7" if number else None))
        end()
    done, _ = finish(run)

    found = [(one.place, one.keys or one.identity, one.by) for one in notices.read(tmp_path / "work")]
    assert found == [("0.xml:7", "Generic\0CALC\0c.t0", "definition"), ("2.xml:7", ("CALC-7",), "the report")]
    assert done.decided == {"definition": 1, "the report": 1}
    assert read(done.portions[0])
