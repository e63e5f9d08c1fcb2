"""What is stored, read until it holds still, and compared with what was sent."""

from __future__ import annotations

from collections import Counter

import pytest
from memory_xray import MemoryXray, context, keyed, planned

from xray_ci.delivery.progress import ExecutionFound, LeftOut, Progress
from xray_ci.delivery.reconcile import Expected, Stored, difference, expected_of, issue_of, stable
from xray_ci.services.store import StoredExecution, StoredRun

ISSUE = StoredExecution(id="1", key="SHOP-1")


class Changing(MemoryXray):
    """Shows one more state at each read; the last one stays."""

    def __init__(self, clock, *states):
        super().__init__(clock)
        self.states = list(states)
        self.reads = 0

    def runs(self, execution):  # noqa: ARG002  # the protocol has it
        """Yield what is stored by now."""
        state = self.states[min(self.reads, len(self.states) - 1)]
        self.reads += 1
        yield from (StoredRun(test=test, status=status) for test, status in state.items())


def expected(others=None, **keyed):
    """Return an expectation; `SHOP_1="PASSED"` is the status of SHOP-1."""
    return Expected(
        keyed={name.replace("_", "-"): status for name, status in keyed.items()}, others=Counter(others or {})
    )


def stored(**statuses):
    """Return what is stored."""
    return Stored(statuses={name.replace("_", "-"): status for name, status in statuses.items()})


def test_what_holds_still_is_believed(clock):
    """Two reads, a pause apart, that agree."""
    xray = Changing(clock, {"SHOP-1": "PASSED"})

    assert stable(ISSUE, context(xray)).statuses == {"SHOP-1": "PASSED"}
    assert (xray.reads, clock.slept) == (2, [5.0])


def test_what_still_changes_is_waited_for(clock):
    """As long as each read differs from the one before."""
    states = [{f"SHOP-{n}": "PASSED" for n in range(count)} for count in range(6)]
    xray = Changing(clock, *states)

    assert states[-1] == stable(ISSUE, context(xray)).statuses
    assert xray.reads == 7


def test_what_is_enough_needs_no_second_read(clock):
    """Nothing that is asked for is missing: waiting would tell nothing new."""
    xray = Changing(clock, {"SHOP-1": "PASSED", "SHOP-2": "TO DO"})

    assert stable(ISSUE, context(xray), enough=expected(SHOP_1="PASSED")) is not None
    assert (xray.reads, clock.slept) == (1, [])


@pytest.mark.parametrize("budget", [0, 4, 10**6])
def test_what_never_holds_still_is_not_known(clock, budget):
    """Neither without time nor after the longest wait a read is believed that the next one contradicts."""
    xray = Changing(clock, *({"SHOP-1": str(n)} for n in range(10_000)))

    assert stable(ISSUE, context(xray, budget=budget)) is None
    assert clock.passed <= min(budget, 310)


def test_the_same_words_spelt_otherwise_are_the_same_status():
    """`TO DO` and `TODO` differ between products and between interfaces of one."""
    assert not difference(
        expected(SHOP_1="TODO", others={"to do": 1}), stored(SHOP_1="TO DO", SHOP_2="TODO"), alone=True
    )


def test_missing_and_other_results_are_named_by_key():
    """What was sent with a key is compared one by one."""
    found = difference(
        expected(SHOP_1="PASSED", SHOP_2="FAILED", SHOP_3="PASSED"), stored(SHOP_1="PASSED", SHOP_2="TO DO"), alone=True
    )

    assert (found.missing, found.other) == (("SHOP-3",), (("SHOP-2", "FAILED", "TO DO"),))
    assert found.lines() == ("SHOP-3: sent, and not there", "SHOP-2: sent as FAILED, stored as TO DO")


def test_results_without_key_are_compared_by_number_and_suspects_are_named():
    """One FAILED too few and one TO DO too many: whoever is TO DO is worth a look."""
    found = difference(
        expected(others={"PASSED": 2, "FAILED": 1}), stored(T_1="PASSED", T_2="PASSED", T_3="TO DO"), alone=True
    )

    assert found.fewer == (("FAILED", 1, 0),)
    assert found.suspects == ("T-3",)
    assert found.lines() == ("FAILED: 1 sent, 0 stored", "look at T-3")


def test_one_that_was_sent_with_its_key_is_no_suspect():
    """Its status is known to be right."""
    found = difference(expected(SHOP_1="TO DO", others={"FAILED": 1}), stored(SHOP_1="TO DO", T_2="TO DO"), alone=True)

    assert found.suspects == ("T-2",)


def test_what_others_put_there_is_no_difference_unless_the_execution_is_ours_alone():
    """In a shared Test Execution there may be more of everything; in our own there may not."""
    more = stored(T_1="PASSED", T_2="PASSED", T_3="FAILED")

    assert not difference(expected(others={"PASSED": 1}), more, alone=False)
    assert difference(expected(others={"PASSED": 1}), more, alone=True).fewer == (("PASSED", 1, 2),)
    assert not difference(expected(SHOP_1="PASSED"), stored(SHOP_1="PASSED", SHOP_2="FAILED"), alone=True)


def test_many_differences_are_cut_and_counted():
    """Twenty of a kind are listed, the rest is a number."""
    lines = difference(expected(**{f"SHOP_{n}": "PASSED" for n in range(70)}), stored(), alone=True).lines()

    assert sum("not there" in line for line in lines) == 20
    assert lines[-1].startswith("… and ")


def test_left_out_tests_are_not_expected(tmp_path, clock):
    """What was refused is known not to be there."""
    plan = planned(tmp_path, keyed(3))
    progress = Progress([LeftOut(call="import-1", index=1, test="SHOP-2", reason="no")])

    assert {"SHOP-1", "SHOP-3"} == set(expected_of(plan.calls, context(MemoryXray(clock), progress=progress)).keyed)


def test_what_a_native_report_leaves_behind_is_not_known(clock):
    """Only Xray knows what it makes of it."""
    from native_reports import REPORTS

    from xray_ci.delivery.plan import ImportTarget
    from xray_ci.delivery.planners import NativeFile, native
    from xray_ci.deployments import CLOUD

    plan = native(
        ImportTarget(deployment=CLOUD, project="SHOP"),
        [NativeFile(format="junit", shown=("a",), pieces=(REPORTS["junit"],), tests=1)],
    )

    assert expected_of(plan.calls, context(MemoryXray(clock))) is None


def test_an_issue_that_was_found_is_not_asked_for_again(tmp_path, clock):
    """Its id is in the journal; one that only its key is known of is asked for."""
    xray = MemoryXray(clock)
    (execution,) = planned(tmp_path, keyed(1)).executions
    made = xray.create_execution({})
    known = context(xray, progress=Progress([ExecutionFound(execution="import-1", key=made.key, number=made.id)]))
    named = context(xray, progress=Progress([ExecutionFound(execution="import-1", key=made.key)]))

    assert made == issue_of(execution, made.key, known) == issue_of(execution, made.key, named)
    assert xray.count("read") == 1
    assert issue_of(execution, "SHOP-99", named) is None
