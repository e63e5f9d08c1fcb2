"""Laws of a delivery.

Whenever it dies, going on with what was recorded stores what an undisturbed run would have stored.
"""

from __future__ import annotations

import json

from conftest import Clock
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_xray import Died, Kept, MemoryXray, context, planned, spooled

from xray_ci.delivery.progress import Progress
from xray_ci.delivery.reconcile import listed, reconcile
from xray_ci.delivery.send import send
from xray_ci.errors import PartlyImported, Unreachable
from xray_ci.services.body import Slice

STATUSES = st.sampled_from(["PASSED", "FAILED", "TO DO"])
FILES = st.lists(st.sampled_from(["a.txt", "a.txt", "b.png", 'c"\\.log']), max_size=3)


def evidence(names):
    """Return files of evidence as a test holds them."""
    files = [{"filename": name, "contentType": "text/plain", "data": "eHh4" * 75} for name in names]
    return {"evidence": files} if files else {}


def written(*kinds):
    """Return tests: whether each names its key, its status, and the names of its files."""
    return [
        {"testKey": f"SHOP-{number}", "status": status, **evidence(names)}
        if has_key
        else {
            "status": status,
            "testInfo": {"summary": f"t{number}", "projectKey": "SHOP", "definition": f"a.t{number}"},
            **evidence(names),
        }
        for number, (has_key, status, names) in enumerate(kinds)
    ]


TESTS = st.lists(st.tuples(st.booleans(), STATUSES, FILES), min_size=1, max_size=8).map(lambda kinds: written(*kinds))
TWO = (False, "PASSED", ["a.txt"] * 2)
"""A test that is found or made, with two files of one name."""
SAME_NAMES = st.tuples(st.booleans(), st.integers(2, 3)).map(
    lambda kind: [
        {"status": "PASSED", **evidence(["a.txt"] * kind[1])}
        | (
            {"testKey": "SHOP-1"}
            if kind[0]
            else {"testInfo": {"summary": "t", "projectKey": "SHOP", "definition": "a.t"}}
        )
    ]
)
"""One test with files of one name, which only their number tells apart."""
MOST = st.sampled_from([10**9, 1_000, 1_300, 2_000])
"""Bytes of a request: with the lesser ones, evidence of a test follows the results."""
MODES = st.sampled_from([{}, {"look": True}, {"race": True}, {"test_execution": "SHOP-7"}])
FAULTS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["killed", "died", "lost", "dropped"])), max_size=3
).map(dict)


class Mortal(Kept):
    """A log whose process dies when it records an entry of some number, before or after that entry is kept."""

    def __init__(self, kept, at, *, before):
        super().__init__(kept)
        self._at = at
        self._before = before

    def record(self, entry):
        """Keep an entry, or die."""
        dies = len(self) == self._at
        if not (dies and self._before):
            self.append(entry)
        if dies:
            raise Died


class World:
    """One Xray, a plan for it, and what was recorded so far."""

    def __init__(self, folder, tests, mode, size, *, bad=(), lag=0.0, names=True, most=10**9):
        self.xray = MemoryXray(Clock(), bad=tuple(bad), lag=lag, names=names, most=most)
        if "test_execution" in mode:
            self.xray.create_execution({})
            (only,) = self.xray.issues.values()
            only.key, self.xray.issues = "SHOP-7", {"SHOP-7": only}
            self.xray.calls.clear()
        self.plan = planned(folder, tests, size=size, **mode)
        self.log = Kept()

    def go(self, log=None):
        """Deliver from what was recorded until it ends or dies; return its failures, None when it died."""
        log = Kept(self.log) if log is None else log
        try:
            return send(self.plan, context(self.xray, log=log, progress=Progress(log))).failures
        except Died:
            return None
        finally:
            self.log = Kept(log)

    @property
    def state(self):
        """What is stored: results and files by what tells their Tests apart, and how many Test Executions there are."""
        names = {key: definition for definition, key in self.xray.created.items()}
        return [
            {names.get(key, key): (status, sorted(issue.evidence.get(key, ()))) for key, status in issue.runs.items()}
            for issue in self.xray.issues.values()
        ]


def finish(world):
    """Go on without faults; return the failures of the last run."""
    world.xray.faults = {}
    world.xray.calls.clear()
    return world.go()


@settings(max_examples=3 * settings.default.max_examples)
@given(TESTS, MODES, st.integers(1, 4), FAULTS, FAULTS, st.sampled_from([0, 3, 30]), MOST, st.booleans())
# A part that was stored with its evidence, before another part of the same request was lost or refused:
@example(written(TWO, TWO, TWO, TWO), {"look": True}, 4, {7: "died"}, {}, 0, 1_000, False)
@example(written(TWO, TWO, TWO, TWO), {"look": True}, 4, {7: "lost"}, {}, 0, 1_000, False)
@example(
    written(TWO, (True, "FAILED", ["a.txt"]), (True, "PASSED", ["a.txt"] * 3)),
    {"test_execution": "SHOP-7"},
    4,
    {3: "dropped"},
    {},
    0,
    1_000,
    False,
)
def test_killed_and_cut_off_at_any_request_it_ends_as_if_nothing_had_happened(
    tmp_path_factory, tests, mode, size, first, second, lag, most, clears
):
    """Two runs with lost answers and deaths, then one that is left in peace.

    The stored state is that of an undisturbed run.
    """
    folder = tmp_path_factory.mktemp("run")
    calm = World(tmp_path_factory.mktemp("calm"), tests, mode, size, most=most)
    calm.xray.clears = clears
    assert calm.go() == []
    world = World(folder, tests, mode, size, lag=lag, most=most)
    world.xray.clears = clears
    for faults in (first, second):
        world.xray.calls.clear()
        world.xray.faults = faults
        world.go()

    assert finish(world) == []
    assert calm.state == world.state


@settings(max_examples=3 * settings.default.max_examples)
@given(
    TESTS,
    MODES,
    st.integers(1, 5),
    FAULTS,
    st.sampled_from([0, 3, 30]),
    MOST,
    st.sets(st.integers(0, 7), max_size=2),
    st.booleans(),
)
# The first test of each half is to blame, in the same words: the request as a whole is not.
@example(
    written((True, "PASSED", ["a.txt"] * 2), TWO, (True, "PASSED", ["a.txt", "b.png"]), (True, "PASSED", [])),
    {"look": True},
    5,
    {7: "dropped"},
    30,
    1_000,
    {0, 2},
    False,
)
def test_refused_tests_are_the_same_ones_whatever_is_lost_on_the_way(
    tmp_path_factory, tests, mode, size, faults, lag, most, bad, names
):
    """The others are stored once, the refused are named, with lost answers and deaths in between."""
    keys = [f"SHOP-{number}" for number in bad]
    calm = World(tmp_path_factory.mktemp("calm"), tests, mode, size, bad=keys, names=names, most=most)
    told = calm.go()
    world = World(tmp_path_factory.mktemp("run"), tests, mode, size, bad=keys, names=names, lag=lag, most=most)
    world.xray.calls.clear()
    world.xray.faults = faults
    world.go()
    failures = finish(world)

    assert [type(failure) for failure in failures] == [type(failure) for failure in told]
    assert [state for state in world.state if state] == [state for state in calm.state if state]


@settings(max_examples=5 * settings.default.max_examples)
@given(SAME_NAMES, MODES, FAULTS, FAULTS, st.sampled_from([0, 30]))
@example([{"testKey": "SHOP-1", "status": "PASSED", **evidence(["a.txt"] * 3)}], {}, {5: "died"}, {3: "died"}, 0)
@example([{"testKey": "SHOP-1", "status": "PASSED", **evidence(["a.txt"] * 3)}], {}, {5: "lost"}, {3: "lost"}, 0)
def test_files_of_one_name_are_added_each_once(tmp_path_factory, tests, mode, first, second, lag):
    """Two deaths on the way, or lost answers: a file that was found is not counted twice for the one after it."""
    calm = World(tmp_path_factory.mktemp("calm"), tests, mode, 1, most=1_000)
    assert calm.go() == []
    world = World(tmp_path_factory.mktemp("run"), tests, mode, 1, lag=lag, most=1_000)
    for faults in (first, second):
        world.xray.calls.clear()
        world.xray.faults = faults
        world.go()

    assert finish(world) == []
    assert calm.state == world.state


@settings(max_examples=3 * settings.default.max_examples)
@given(
    TESTS,
    MODES,
    st.integers(1, 4),
    st.integers(0, 30),
    st.booleans(),
    st.sets(st.integers(0, 7), max_size=2),
    st.booleans(),
    MOST,
)
def test_from_every_beginning_of_what_is_recorded_it_ends_the_same(
    tmp_path_factory, tests, mode, size, at, before, bad, names, most
):
    """Death before or after any entry, also while refused tests are searched for.

    The others are stored once, the refused are named.
    """
    keys = [f"SHOP-{number}" for number in bad]
    calm = World(tmp_path_factory.mktemp("calm"), tests, mode, size, bad=keys, names=names, most=most)
    told = calm.go()
    world = World(tmp_path_factory.mktemp("run"), tests, mode, size, bad=keys, names=names, most=most)
    world.go(Mortal(world.log, at, before=before))
    failures = finish(world)

    assert [type(failure) for failure in told] == [type(failure) for failure in failures]
    assert [failure.answer for failure in told if isinstance(failure, PartlyImported)] == [
        failure.answer for failure in failures if isinstance(failure, PartlyImported)
    ]
    assert [state for state in calm.state if state] == [state for state in world.state if state]


@given(TESTS, MODES, st.integers(1, 4))
def test_what_was_stored_as_sent_is_found_right(tmp_path_factory, tests, mode, size):
    """Sent and stored are the same number, whatever the batches."""
    world = World(tmp_path_factory.mktemp("run"), tests, mode, size)
    there = context(world.xray)
    assert send(world.plan, there).failures == []

    ((row),) = reconcile(world.plan, there)
    assert (len(tests), len(tests), None) == (row.sent, row.stored, row.failure)


@given(TESTS, st.integers(0, 120))
def test_no_budget_is_exceeded_and_what_it_did_not_allow_is_done_later(tmp_path_factory, tests, budget):
    """A short budget ends in code 7 or 0, never in doubt that a later run cannot end."""
    world = World(tmp_path_factory.mktemp("run"), tests, {}, 3, lag=20)
    world.xray.faults = {0: "lost"}
    log = Kept()
    failures = send(world.plan, context(world.xray, budget=budget, log=log, progress=Progress(log))).failures
    world.log = log

    assert world.xray.clock.passed <= budget
    assert all(isinstance(failure, Unreachable | PartlyImported) for failure in failures)
    assert finish(world) == []
    assert len(world.state) == 1
    assert len(tests) == len(world.state[0])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5).filter(lambda name: not name.startswith("test")), VALUES, max_size=3),
        max_size=6,
    ),
    st.integers(1, 4),
    st.binary(max_size=9),
    st.data(),
)
def test_tests_of_any_content_are_found_where_they_lie(tmp_path_factory, extra, size, before, data):
    """Batches put together are all the tests, each of them a stretch of its batch, some left out or not."""
    tests = [{**each, "status": "PASSED"} for each in extra]
    path = tmp_path_factory.mktemp("spool") / "spool"
    batches = spooled(path, tests, size)
    path.write_bytes(before + path.read_bytes())
    found = []
    for batch in batches:
        at = Slice(path=path, offset=len(before) + batch.offset, length=batch.length)
        without = data.draw(st.sets(st.integers(0, batch.tests - 1)))
        whole = [json.loads(b"".join(test.at.read())) for test in listed(at)]
        assert [whole[n] for n in range(len(whole)) if n not in without] == [
            json.loads(b"".join(t.at.read())) for t in listed(at, without)
        ]
        found += whole

    assert tests == found
