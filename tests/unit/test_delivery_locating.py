"""Find or create: one Test Execution a mark, whatever the index knows yet and whoever else makes one."""

from __future__ import annotations

import pytest
from memory_xray import TOKEN, Kept, MemoryXray, context, keyed, planned

from xray_ci.delivery.prepare import located
from xray_ci.delivery.progress import Begun, ExecutionFound, Making, Progress
from xray_ci.delivery.send import send
from xray_ci.errors import Refused, UnknownDelivery, Unreachable

OTHER = f"xrayci{'b' * 24}"


@pytest.fixture
def execution(tmp_path):
    """Return a function that plans one Test Execution."""
    return lambda **given: planned(tmp_path, keyed(1), **given).executions[0]


def made(xray, token=TOKEN):
    """Make a marked Test Execution as somebody else would, and return its key."""
    return xray.create_execution({"labels": [token]}).key


def test_a_first_run_asks_nobody(execution, clock):
    """Where nobody can have made one there is nothing to look for."""
    xray = MemoryXray(clock)

    assert located(execution(), context(xray)) is None
    assert xray.calls == []


def test_an_unmarked_one_cannot_be_found(execution, clock):
    """Without a mark nothing is asked, even if a request may have been done."""
    xray = MemoryXray(clock)

    assert located(execution(token=None), context(xray, progress=Progress([Begun(call="import-1")])), ask=True) is None
    assert xray.calls == []


def test_a_second_attempt_finds_the_first_ones(execution, clock):
    """By its mark alone, and what was found is recorded with its id."""
    xray, log = MemoryXray(clock), Kept()
    made(xray, OTHER)
    key = made(xray)

    assert key == located(execution(look=True), context(xray, log=log))
    assert [ExecutionFound(execution="import-1", key=key, number=str(xray.issues[key].id))] == log


def test_a_second_attempt_of_a_run_that_made_none_looks_once(execution, clock):
    """An empty answer is enough where nothing says that there must be one."""
    xray = MemoryXray(clock)

    assert located(execution(look=True), context(xray)) is None
    assert xray.count("lookup") == 1
    assert clock.slept == []


def test_what_may_have_been_made_is_looked_for_as_long_as_the_index_may_lag(execution, clock):
    """An answer that nothing is there counts only after a minute of them."""
    xray = MemoryXray(clock)

    assert located(execution(), context(xray, progress=Progress([Begun(call="import-1")]))) is None
    assert 60 <= clock.passed < 70


@pytest.mark.parametrize("lag", [0, 1, 20, 59])
def test_what_was_made_is_found_however_late_the_index_is(execution, clock, lag):
    """As soon as the index knows it, and no later than a pause after."""
    xray = MemoryXray(clock, lag=lag)
    key = made(xray)

    assert key == located(execution(), context(xray, progress=Progress([Begun(call="import-1")])))
    assert lag <= clock.passed < lag + 5.1


def test_without_time_to_wait_it_is_not_known(execution, clock):
    """A budget that ends before the index can know is never "not found"."""
    xray = MemoryXray(clock)

    with pytest.raises(Unreachable, match="before it is known"):
        located(execution(), context(xray, budget=30, progress=Progress([Begun(call="import-1")])))
    assert clock.passed <= 30


def test_a_lookup_that_fails_raises(execution, clock):
    """Whatever it is that fails, it is not an empty answer."""

    class Broken(MemoryXray):
        def executions(self, jql):
            raise Unreachable(f"no answer to {jql}")

    for given in ({"look": True}, {"race": True}):
        with pytest.raises(Unreachable, match=TOKEN):
            located(execution(**given), context(Broken(clock)))


def test_of_several_the_oldest_is_used(execution, clock):
    """However they came to be, every run agrees on one."""
    xray = MemoryXray(clock)
    keys = [made(xray) for _ in range(3)]
    xray.issues = dict(reversed(xray.issues.items()))

    assert keys[0] == located(execution(look=True), context(xray))
    assert set(keys) == set(xray.issues)


def test_the_first_of_runs_that_race_makes_an_empty_one(execution, clock):
    """It waits until the index shows it, and keeps it."""
    xray, log = MemoryXray(clock, lag=12), Kept()
    key = located(execution(race=True), context(xray, log=log))

    assert [key] == list(xray.issues)
    assert xray.issues[key].runs == {}
    assert 12 <= clock.passed < 18
    assert Making(execution="import-1") == log[0]
    assert ExecutionFound(execution="import-1", key=key, number=str(xray.issues[key].id)) == log[-1]


def test_who_comes_later_makes_none(execution, clock):
    """What the index knows already is used at once."""
    xray = MemoryXray(clock)
    key = made(xray)

    assert key == located(execution(race=True), context(xray))
    assert (len(xray.issues), xray.count("create"), xray.count("delete")) == (1, 1, 0)


def test_who_loses_a_race_removes_its_own_and_uses_the_others(execution, clock):
    """Two that could not see each other converge on the lower id, and one Test Execution is left."""
    xray, progress = MemoryXray(clock, lag=10), Progress()
    first = made(xray)

    assert first == located(execution(race=True), context(xray, progress=progress))
    assert [first] == list(xray.issues)
    assert xray.count("create") == 2
    assert progress.surplus == {}, "nothing is left to be removed"


def test_who_may_not_delete_uses_the_older_one_all_the_same(execution, clock):
    """Results are worth more than tidiness: the empty one stays, and it is said which."""

    class Strict(MemoryXray):
        def delete_execution(self, execution):
            raise Refused(f"no permission to delete {execution.key}")

    xray, told, progress = Strict(clock, lag=10), [], Progress()
    first = made(xray)

    assert first == located(execution(race=True), context(xray, tell=told.append, progress=progress))
    assert any("could not be removed" in text for text in told)
    assert progress.surplus == {}


def test_a_lost_answer_to_making_one_is_looked_for(execution, clock):
    """It was made: it is found and no second one is."""
    xray = MemoryXray(clock, lag=10)
    xray.faults = {1: "lost"}
    key = located(execution(race=True), context(xray))

    assert [key] == list(xray.issues)
    assert xray.count("create") == 1


def test_one_that_was_being_made_when_a_run_ended_is_looked_for_first(execution, clock):
    """The next run waits for the index before it makes another."""
    xray = MemoryXray(clock, lag=10)
    key = made(xray)

    assert key == located(execution(race=True), context(xray, progress=Progress([Making(execution="import-1")])))
    assert 1 == xray.count("create") == len(xray.issues)


def test_an_index_that_never_shows_it_is_said(execution, clock):
    """After the bound the run ends: it may not be known who else made one."""
    xray = MemoryXray(clock, lag=10**6)

    with pytest.raises((Unreachable, UnknownDelivery), match="index"):
        located(execution(race=True), context(xray))
    assert clock.passed < 200


def test_other_marks_are_never_found(execution, clock):
    """The words of another run lead nowhere."""
    xray = MemoryXray(clock)
    made(xray, OTHER)

    assert located(execution(look=True), context(xray)) is None


def test_one_that_was_not_made_is_made_again_once_the_index_had_its_time(execution, clock):
    """A lost connection says nothing; a minute of looks does."""
    xray = MemoryXray(clock)
    xray.faults = {1: "dropped"}
    key = located(execution(race=True), context(xray))

    assert [key] == list(xray.issues)
    assert xray.count("create") == 2
    assert clock.passed >= 60


def test_what_cannot_be_made_is_given_up(execution, clock):
    """Three times, each time looked for: then it is unknown, and recorded as under way."""
    xray, log = MemoryXray(clock), Kept()
    xray.faults = dict.fromkeys(range(1000), "dropped")

    with pytest.raises(UnknownDelivery):
        located(execution(race=True), context(xray, log=log))
    assert xray.count("create") == 3
    assert Making(execution="import-1") == log[-1]


def test_what_could_not_be_removed_for_now_is_removed_at_the_end(tmp_path, clock):
    """Results come first; tidying up is tried again after them."""

    class Shaky(MemoryXray):
        def delete_execution(self, execution):
            if not self.count("import"):
                raise Unreachable(f"no way to {execution.key}")
            return super().delete_execution(execution)

    xray = Shaky(clock, lag=10)
    first = made(xray)
    done = send(planned(tmp_path, keyed(1), race=True), context(xray))

    assert done.failures == []
    assert {first: {"SHOP-1": "PASSED"}} == {key: issue.runs for key, issue in xray.issues.items()}


def test_one_that_is_said_to_be_gone_and_is_there_is_said(tmp_path, clock):
    """Something else than the service may have answered.

    The run ends in code 7, its results stored, and can be resumed.
    """

    class Liar(MemoryXray):
        def delete_execution(self, execution):
            return execution.key not in self.issues

    xray = Liar(clock, lag=10)
    first = made(xray)
    done = send(planned(tmp_path, keyed(1), race=True), context(xray))

    assert [failure.exit_code for failure in done.failures] == [7]
    assert xray.issues[first].runs == {"SHOP-1": "PASSED"}
