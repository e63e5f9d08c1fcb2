"""What failed in the last runs: noted while reports are read, compared, written, and read by the next run."""

import io
import json

import pytest
from conftest import least_peak

from xray_ci.ci import compare
from xray_ci.ci.compare import History
from xray_ci.ci.outputs import document
from xray_ci.ci.result import Change, ChangedTest, RunOutcome, RunResult, compared
from xray_ci.errors import BaselineUnusable
from xray_ci.model import Case, Outcome, Place
from xray_ci.secret import Redactor

EMPTY = RunResult(command="import", outcome=RunOutcome.IMPORTED, exit_code=0)
PLACE = Place(path=None, shown="a.xml")


@pytest.fixture
def made():
    """Make histories that are closed after the test; the first argument is what an earlier run left."""
    opened = []

    def history(*entries, redact=str):
        opened.append(History(redact))
        if entries:
            opened[-1].read(written(*entries), "old.json")
        return opened[-1]

    yield history
    for each in opened:
        each.close()


def written(*entries):
    return io.BytesIO(json.dumps({"schema": 1, "counts": {}, "history": [entry(*each) for each in entries]}).encode())


def entry(name, runs, key=None):
    return {"name": name, "key": key, "runs": runs}


def case(name, outcome=Outcome.PASSED):
    return Case(name=name, classname="shop", outcome=outcome)


def read(history, *cases):
    history.begin(PLACE, ("junit", "junit"))
    history.add(*cases)
    history.commit()


def told(history):
    return {each.name: each.runs for each in history.tests()}


@pytest.mark.parametrize(
    ("runs", "change", "flaky"),
    [
        ("F", Change.NEW, False),
        ("PF", Change.NEW, False),
        ("-F", Change.NEW, False),
        ("FF", Change.STILL, False),
        ("F--F", Change.STILL, False),
        ("FP", Change.FIXED, False),
        ("F-P", Change.FIXED, False),
        ("FPP", Change.NONE, False),
        ("F-", Change.NONE, False),
        ("FPF", Change.NEW, True),
        ("PFP", Change.FIXED, True),
        ("FPFF", Change.STILL, True),
        ("F-PP-F-P", Change.FIXED, True),
        ("FPFPP", Change.NONE, True),
    ],
)
def test_what_a_run_changed(runs, change, flaky):
    """The last known result decides; there and back within the runs is flaky."""
    found = ChangedTest(name="a", runs=runs)

    assert (found.change, found.flaky) == (change, flaky)


def test_counts_are_of_all_and_the_first_of_each_change_are_named():
    """What a browser cannot hold is counted; a test that only has no result is nothing that changed."""
    tests = [ChangedTest(name=f"a{number}", runs="F") for number in range(150)]
    tests += [ChangedTest(name="b", runs="FP"), ChangedTest(name="c", runs="F-"), ChangedTest(name="d", runs="PFPP")]

    found = compared("old.json", tests)

    assert (found.new, found.fixed, found.still, found.flaky) == (150, 1, 0, 1)
    assert [len(found.of(change)) for change in Change] == [100, 1, 0, 1]
    assert found.line() == "150 newly failing, 1 fixed, 0 still failing, 1 flaky over time"


def test_a_run_goes_on_with_the_history_of_the_one_before(made):
    """Each test gets one more sign; what failed in none of the last ten runs is forgotten."""
    history = made(("shop.a", "F"), ("shop.b", "PF"), ("shop.c", "F--"), ("shop.d", "F" + "P" * 9))

    read(history, case("a"), case("b", Outcome.ERROR), case("d"), case("new", Outcome.FAILED), case("fine"))

    assert told(history) == {"shop.a": "FP", "shop.b": "PFF", "shop.c": "F---", "shop.new": "F"}


def test_the_worst_of_several_results_counts(made):
    """Whatever their order, and in whichever report; skipped is no result."""
    history = made(("shop.a", "F"), ("shop.b", "F"), ("shop.c", "F"))

    read(history, case("a"), case("b", Outcome.FAILED), case("c", Outcome.SKIPPED))
    read(history, case("a", Outcome.FAILED), case("b"))

    assert told(history) == {"shop.a": "FF", "shop.b": "FF", "shop.c": "F-"}


def test_a_broken_report_changes_nothing(made):
    """What came of it is dropped, also where it is the first that names a failed test; one read again counts once."""
    fresh, history = made(), made(("shop.a", "F"))

    for each in (fresh, history):
        each.begin(PLACE)
        each.add(case("a"), case("x", Outcome.FAILED))
        each.drop()
    history.begin(PLACE)
    history.add(case("a"), case("y", Outcome.FAILED))
    history.restart()
    history.add(case("z", Outcome.FAILED))
    history.commit()

    assert told(fresh) == {}
    assert told(history) == {"shop.a": "F-", "shop.z": "F"}


def test_every_failed_test_is_in_the_result_file_and_read_again(made):
    """There is no bound on them, and what one run writes the next one reads."""
    history = made()
    history.key = lambda case, *_: f"SHOP-{case.name}"
    read(history, *(case(str(number), Outcome.FAILED) for number in range(1, 1001)))

    content = b"".join(document(EMPTY, history.lines()))
    again = made()
    again.read(io.BytesIO(content), "old.json")

    assert json.loads(content)["history"][-1] == entry("shop.1000", "F", "SHOP-1000")
    assert len(told(again)) == 1000
    assert set(told(again).values()) == {"F-"}


def test_a_result_file_without_history_says_so():
    """It is the document of the result, whose last member is null."""
    assert json.loads(b"".join(document(EMPTY))) == json.loads(json.dumps(EMPTY.as_json()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"not json",
        b'{"schema": 1}',
        b'{"schema": 2, "history": []}',
        b'{"schema": 1, "history": {}}',
        b'{"schema": 1, "history": null}',
        b'{"schema": 1, "history": [{"name": "a", "key": null, "runs": "F"}',
        b'{"schema": 1, "history": [1]}',
        b'{"schema": 1, "history": [{"name": "", "key": null, "runs": "F"}]}',
        b'{"schema": 1, "history": [{"name": "a", "key": "no key", "runs": "F"}]}',
        b'{"schema": 1, "history": [{"name": "a", "key": null, "runs": "X"}]}',
        b'{"schema": 1, "history": [{"name": "a", "key": null, "runs": "FFFFFFFFFFF"}]}',
        b'{"schema": 1, "history": [{"name": ["a"], "key": null, "runs": "F"}]}',
        b'{"schema": 1, "history": ' + b"[" * 5000,
        b'{"schema": 1, "history": [{"name": "' + b"a" * 501 + b'", "key": null, "runs": "F"}]}',
    ],
    ids=range(17),
)
def test_what_is_no_result_file_is_refused_whole(content, made):
    """It is told apart from a result, and nothing of it stays."""
    history = made()

    with pytest.raises(BaselineUnusable):
        history.read(io.BytesIO(content), "old.json")

    assert told(history) == {}


def test_more_tests_than_anybody_has_are_refused(made, monkeypatch):
    """An earlier file is bounded, too."""
    monkeypatch.setattr(compare, "TESTS_LIMIT", 2)

    with pytest.raises(BaselineUnusable, match="more than 2 tests"):
        made(("a", "F"), ("b", "F"), ("c", "F"))


def test_names_are_one_harmless_line_without_secrets(made):
    """Those of reports and those of an earlier file, so that both are found as the same."""
    redactor = Redactor()
    redactor.register("hunter2hunter2")
    history = made(("shop.a\nhunter2hunter2 \\ud800", "F"), redact=redactor)

    read(history, case("a\nhunter2hunter2 \ud800", Outcome.FAILED))

    assert told(history) == {"shop.a *** \\ud800": "FF"}


def test_a_full_disk_fails_no_import(made):
    """The tests are forgotten, and why is said."""
    history = made(("shop.a", "F"))
    history._base.execute("PRAGMA max_page_count=1")

    read(history, *(case("x" * 400 + str(number), Outcome.FAILED) for number in range(100)))

    assert history.lost
    assert (told(history), history.lines()) == ({}, None)


def test_memory_does_not_grow_with_the_tests_that_failed(made):
    """They lie on disk: what Python holds of twenty thousand is no more than of two thousand."""

    def compared(count):
        history = made()
        for start in range(0, count, 500):
            read(history, *(case(f"test {number}", Outcome.FAILED) for number in range(start, start + 500)))
        assert sum(len(each) for each in document(EMPTY, history.lines())) > count * 50

    few = least_peak(lambda: compared(2_000), 0)
    assert least_peak(lambda: compared(20_000), few * 1.5) < few * 1.5
