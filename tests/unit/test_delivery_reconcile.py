"""After the import: every Test Execution that is complete is compared with what was sent."""

from __future__ import annotations

import pytest
from memory_xray import Kept, MemoryXray, context, defined, keyed, planned
from msgspec.structs import replace

from xray_ci.delivery.plan import joined
from xray_ci.delivery.progress import Checked
from xray_ci.delivery.reconcile import PAGES, reconcile
from xray_ci.delivery.send import send
from xray_ci.errors import PartlyImported, Unreachable


@pytest.fixture
def delivered(tmp_path, clock):
    """Return a function that sends results and returns plan, Xray and means."""

    def done(tests, **given):
        xray, log = MemoryXray(clock), Kept()
        plan, there = planned(tmp_path, tests, **given), context(xray, log=log)
        if given.get("test_execution"):
            xray.create_execution({})
            (only,) = xray.issues.values()
            only.key = given["test_execution"]
            xray.issues = {only.key: only}
        assert send(plan, there).failures == []
        return plan, xray, there

    return done


@pytest.mark.parametrize(
    "given",
    [{}, {"size": 2}, {"test_execution": "SHOP-7"}, {"look": True}, {"race": True}],
    ids=["one request", "batches", "existing", "rerun", "shards"],
)
def test_what_is_stored_as_sent_is_right(delivered, given):
    """With and without keys, in one request and in many, wherever it went."""
    plan, xray, there = delivered(keyed(3) + defined(4, "FAILED"), **given)
    (row,) = reconcile(plan, there)

    assert (row.sent, row.stored, row.failure) == (7, 7, None)
    assert [row.key] == list(xray.issues)
    assert Checked(execution="import-1", right=True) == there.log[-1]


def test_a_wrong_status_and_a_missing_run_are_named(delivered):
    """Code 8, with what was sent and what is there."""
    plan, xray, there = delivered(keyed(3))
    (issue,) = xray.issues.values()
    issue.runs["SHOP-2"] = "TO DO"
    del issue.runs["SHOP-3"]
    (row,) = reconcile(plan, there)

    assert PartlyImported is type(row.failure)
    assert (3, 2, issue.key) == (row.sent, row.stored, row.failure.where)
    assert row.failure.answer == "SHOP-3: sent, and not there\nSHOP-2: sent as PASSED, stored as TO DO"
    assert Checked(execution="import-1", right=False) == there.log[-1]


def test_silent_to_dos_among_tests_without_key_are_found(delivered):
    """Only numbers can be compared there; who may be meant is named."""
    plan, xray, there = delivered(defined(3))
    (issue,) = xray.issues.values()
    issue.runs["SHOP-10001"] = "TO DO"
    (row,) = reconcile(plan, there)

    assert row.failure.answer == "PASSED: 3 sent, 2 stored\nlook at SHOP-10001"


def test_what_is_still_being_stored_is_waited_for(delivered, clock):
    """Xray goes on working after its answer; a difference counts when it stays."""
    plan, xray, there = delivered(keyed(3))
    (issue,) = xray.issues.values()
    late = issue.runs.pop("SHOP-3")
    sleep = there.sleep

    def pause(seconds):
        sleep(seconds)
        issue.runs["SHOP-3"] = late

    there.sleep = pause
    (row,) = reconcile(plan, there)

    assert row.failure is None
    assert row.stored == 3


def test_more_than_was_sent_is_a_difference_only_in_our_own(delivered):
    """A Test Execution that others fill as well may hold more of everything."""
    for given, right in (({}, False), ({"look": True}, True), ({"race": True}, True)):
        plan, xray, there = delivered(defined(2), **given)
        (issue,) = xray.issues.values()
        issue.runs["SHOP-9"] = "PASSED"
        (row,) = reconcile(plan, there)

        assert right is (row.failure is None)


def test_what_is_not_complete_is_not_compared(tmp_path, clock):
    """Half a Test Execution is known to be half: that was told already."""
    xray = MemoryXray(clock, bad=("SHOP-2",))
    (tmp_path / "a").mkdir()
    plan, there = planned(tmp_path / "a", keyed(2), size=1), context(xray)
    send(plan, there)
    there.progress.ended.pop("import-2", None)

    assert reconcile(plan, there) == ()


def test_several_test_executions_are_compared_one_by_one(tmp_path, clock):
    """Each has a row of its own, the wrong one alone its failure."""
    (tmp_path / "a").mkdir()
    plan = planned(tmp_path, keyed(2))
    other = planned(tmp_path / "a", keyed(3))
    (execution,) = other.executions
    marker = replace(execution.marker, token=f"xrayci{'c' * 24}")
    renamed = replace(
        execution, id="import-2", calls=tuple(replace(call, id="import-2") for call in execution.calls), marker=marker
    )
    plan = joined([plan, replace(other, executions=(renamed,))])
    xray = MemoryXray(clock)
    there = context(xray)
    assert send(plan, there).failures == []
    xray.issues[there.progress.found["import-2"].key].runs.clear()
    first, second = reconcile(plan, there)

    assert (None, PartlyImported) == (first.failure, type(second.failure))


def test_a_test_execution_that_is_gone_is_said(delivered):
    """Deleted meanwhile, or not to be seen: nothing is stored as far as anybody can tell."""
    plan, xray, there = delivered(keyed(2), test_execution="SHOP-7")
    there.progress.found.clear()
    xray.issues.clear()
    (row,) = reconcile(plan, there)

    assert (0, PartlyImported) == (row.stored, type(row.failure))
    assert "SHOP-7" in row.failure.what


def test_reading_that_fails_raises(delivered):
    """No answer is not "nothing stored"."""
    for given, name in (({}, "totals"), ({"look": True}, "runs")):
        plan, xray, there = delivered(keyed(2), **given)

        def broken(execution, *_, **__):
            raise Unreachable(f"no runs of {execution.key}")

        setattr(xray, name, broken)
        with pytest.raises(Unreachable):
            reconcile(plan, there)


def reads(xray, plan, there):
    """Reconcile; return the one row and how often Xray was asked."""
    before = xray.count("read")
    (row,) = reconcile(plan, there)
    return row, xray.count("read") - before


def test_totals_prove_what_this_run_alone_has_filled(delivered):
    """One question, however many results there are, with keys or without."""
    for tests in (keyed(3_000), defined(3_000)):
        plan, xray, there = delivered(tests)
        row, asked = reads(xray, plan, there)

        assert (row.sent, row.stored, row.failure, row.unchecked) == (3_000, 3_000, None, 0)
        assert asked == 1


def failing(count, failed):
    """Return results with keys of which the first so many failed."""
    return keyed(failed, "FAILED") + keyed(count)[failed:]


def test_a_lost_result_among_many_is_named(delivered):
    """The lists of few are read whole: a failed Test that is missing, and one that became TO DO."""
    plan, xray, there = delivered(failing(6_000, 30))
    (issue,) = xray.issues.values()
    del issue.runs["SHOP-7"]
    issue.runs["SHOP-9"] = "TO DO"
    row, asked = reads(xray, plan, there)

    assert row.failure.answer.splitlines() == [
        "SHOP-7: sent, and not there",
        "SHOP-9: sent as FAILED, stored as TO DO",
        "FAILED: 30 sent, 28 stored",
    ]
    assert row.stored == 5_999
    assert asked <= 2 + PAGES


def test_a_lost_result_beyond_the_bound_is_counted_and_the_rest_said_to_be_unchecked(delivered):
    """What is too much to be read one by one is compared by its number."""
    plan, xray, there = delivered(keyed(9_000))
    (issue,) = xray.issues.values()
    del issue.runs["SHOP-8999"]
    row, asked = reads(xray, plan, there)

    assert row.failure.answer == "PASSED: 9,000 sent, 8,999 stored"
    assert row.unchecked == 9_000 - PAGES // 2 * 100
    assert asked <= 2 + PAGES


def test_what_others_fill_as_well_is_asked_for_by_key(delivered):
    """There totals prove nothing: what is named is looked at, failed ones first, the rest up to a bound."""
    plan, xray, there = delivered(failing(5_500, 40) + defined(5), look=True)
    (issue,) = xray.issues.values()
    issue.runs |= {f"OTHER-{number}": "PASSED" for number in range(100)}
    issue.runs["SHOP-3"] = "PASSED"
    row, asked = reads(xray, plan, there)

    assert row.failure.answer == "SHOP-3: sent as FAILED, stored as PASSED\nFAILED: 40 sent, 39 stored"
    assert row.unchecked == 5_500 - 39 - (PAGES - 1) // 2 * 100 + 5
    assert asked <= 2 + PAGES


def test_where_nothing_counts_the_first_so_many_are_looked_at(delivered):
    """Server/DC lists and does not count: a wrong one among the first is named, the rest is said to be unchecked."""
    plan, xray, there = delivered(keyed(6_000))
    xray.counts = False
    (issue,) = xray.issues.values()
    issue.runs["SHOP-2"] = "FAILED"
    (row,) = reconcile(plan, there)

    assert row.failure.answer == "SHOP-2: sent as PASSED, stored as FAILED"
    assert row.unchecked == 6_000 - PAGES * 100 - 1
