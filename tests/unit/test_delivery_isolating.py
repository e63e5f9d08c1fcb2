"""A refused request is made smaller until only those tests stay out that are to blame."""

from __future__ import annotations

import json
from random import Random

import pytest
from memory_xray import Kept, MemoryXray, context, keyed, planned, runs_of, spooled

from xray_ci.delivery.plan import ImportTarget
from xray_ci.delivery.planners import NativeFile, convert, native
from xray_ci.delivery.progress import Ended
from xray_ci.delivery.reconcile import listed
from xray_ci.delivery.send import send, upload
from xray_ci.delivery.splitting import isolate, restricted
from xray_ci.deployments import CLOUD
from xray_ci.errors import PartlyImported, Refused, UnknownDelivery, Unreachable

BAD = ("SHOP-17", "SHOP-1200", "SHOP-1201")


@pytest.fixture
def search(tmp_path, clock):
    """Return a function that isolates in a request of so many tests.

    What is sent, and what is said by the service, is in `xray`.
    """

    class Search:
        def __init__(self):
            self.sent = []
            self.log = Kept()

        def __call__(self, count, *, answer="400: no", **given):
            self.xray = MemoryXray(clock, **{"names": False, **given})
            (call,) = planned(tmp_path, keyed(count)).calls
            isolate(call, Refused("refused", answer=answer), self._send, context(self.xray, log=self.log))

        def _send(self, tests):
            self.sent.append([test.head.testKey for test in tests])
            for test in tests:
                if test.head.testKey in self.xray.bad:
                    raise Refused(
                        "refused",
                        answer=f"400: {test.head.testKey} is bad" if self.xray.names else f"400: {self.xray.tell}",
                    )

        @property
        def left_out(self):
            return {entry.test: entry.reason for entry in self.log}

    return Search()


def test_a_test_that_the_answer_names_is_left_out_at_once(search):
    """One more request: all others, in their order."""
    search(5, answer="400: Test issue with key SHOP-2 not found", bad=("SHOP-2",))

    assert search.sent == [["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-5"]]
    assert search.left_out == {"SHOP-2": "400: Test issue with key SHOP-2 not found"}


def test_keys_that_are_no_tests_are_asked_for_where_the_answer_names_none(search):
    """In hundreds, before anything is sent again; what the index does not know is tried once more, as it may be new."""
    search(250, bad=("SHOP-3", "SHOP-200"))

    assert [len(keys) for _, keys in search.xray.calls] == [100, 100, 50]
    assert [len(sent) for sent in search.sent] == [248, 2, 1, 1]
    assert {"SHOP-3", "SHOP-200"} == set(search.left_out)


def test_a_new_test_is_not_left_out_with_a_wrong_key(tmp_path, clock):
    """The index knows neither; the answer names none: tried alone, the new one is taken."""

    class Behind(MemoryXray):
        def tests_named(self, keys):
            return tuple(each for each in super().tests_named(keys) if each.key not in ("SHOP-2", "SHOP-4"))

    xray = Behind(clock, bad=("SHOP-2",), names=False)
    done = send(planned(tmp_path, keyed(5)), context(xray))

    assert sorted(runs_of(xray)[0]) == ["SHOP-1", "SHOP-3", "SHOP-4", "SHOP-5"]
    assert done.failures[0].what == "1 of 5 results was refused and left out: SHOP-2"


def test_what_was_refused_first_is_told_where_nobody_can_look(tmp_path, clock):
    """What a refused request made cannot be looked for: that is said, nothing more is sent, and the refusal stays."""

    class Mute(MemoryXray):
        def executions(self, jql):  # noqa: ARG002
            raise Refused("the search is closed")

    xray, told = Mute(clock, bad=("SHOP-2",)), []
    (failure,) = send(planned(tmp_path, keyed(3)), context(xray, tell=told.append)).failures

    assert isinstance(failure, Refused)
    assert "SHOP-2" in str(failure.answer)
    assert told == ["import-1 was refused, and it cannot be looked for what it made: the search is closed"]
    assert (xray.count("import"), xray.issues) == (1, {})


def test_twenty_of_many_are_named(tmp_path, clock):
    """The sentence counts all that were left out, and names the first twenty."""
    bad = tuple(f"SHOP-{number}" for number in range(1, 25))
    done = send(planned(tmp_path, keyed(30)), context(MemoryXray(clock, bad=bad)))

    told, _, named = done.failures[0].what.partition(": ")
    assert told == "24 of 30 results were refused and left out"
    assert named == ", ".join(bad[:20])


def test_halving_finds_what_nobody_names(search):
    """Every other test was sent in a part that was taken, once and in order."""
    search(64, bad=("SHOP-9", "SHOP-40"), names=False)
    taken = [sent for sent in search.sent if not search.xray.bad & set(sent)]

    assert {"SHOP-9", "SHOP-40"} == set(search.left_out)
    assert sorted(f"SHOP-{n}" for n in range(1, 65) if n not in (9, 40)) == sorted(
        {key for sent in taken for key in sent}
    )
    assert all(sent == sorted(sent, key=lambda key: int(key[5:])) for sent in search.sent)


def test_a_refusal_of_the_request_itself_is_not_searched_for(tmp_path, clock):
    """Both halves and one test of each say the same: it is about no test, and six requests are enough to know."""
    xray = MemoryXray(clock)
    asked = []

    def send_(tests):
        asked.append(len(tests))
        raise Refused("refused", answer="400: no project could be found")

    (call,) = planned(tmp_path, keyed(100)).calls
    log = Kept()
    with pytest.raises(Refused, match="refused"):
        isolate(call, Refused("refused", answer="400: no project could be found"), send_, context(xray, log=log))

    assert asked == [50, 50, 1, 1]
    assert log == []


def test_what_is_too_large_is_halved_until_it_fits(tmp_path, clock):
    """413 is never taken for a refusal of everything, nor are keys asked for."""
    xray = MemoryXray(clock, most=1000)
    done = send(planned(tmp_path, keyed(100)), context(xray))

    assert done.failures == []
    assert [{f"SHOP-{n}": "PASSED" for n in range(1, 101)}] == runs_of(xray)
    assert xray.count("tests") == 0


def test_one_test_that_is_too_large_is_left_out_alone(tmp_path, clock):
    """All others arrive; the one is named."""
    tests = keyed(8)
    tests[4]["comment"] = "x" * 2000
    xray = MemoryXray(clock, most=1500)
    done = send(planned(tmp_path, tests), context(xray))

    (failure,) = done.failures
    assert "SHOP-5: 413: too large" in failure.answer
    assert [{f"SHOP-{n}" for n in (1, 2, 3, 4, 6, 7, 8)}] == [set(runs) for runs in runs_of(xray)]


@pytest.mark.parametrize(
    ("names", "lookups", "most"),
    [(True, True, 40), (False, True, 40), (True, False, 40), (False, False, 70)],
    ids=["named", "looked up", "named without lookup", "halved"],
)
def test_three_bad_keys_among_two_thousand_cost_few_requests(tmp_path, clock, names, lookups, most):
    """1,997 are stored, three are named with the vendor's words, and the requests are counted."""
    xray = MemoryXray(clock, bad=BAD, names=names)
    xray.lookups = lookups
    done = send(planned(tmp_path, keyed(2000)), context(xray))

    (failure,) = done.failures
    assert PartlyImported is type(failure)
    assert set(BAD) == {line.partition(":")[0] for line in failure.answer.splitlines()}
    assert all("400: " in line and "no Test" in line for line in failure.answer.splitlines())
    assert [len(runs) for runs in runs_of(xray)] == [1997]
    assert done.sent == 1997
    assert len(xray.calls) <= most


def test_a_search_has_an_end(tmp_path, clock):
    """Where every third test is refused for a reason of its own it is given up: each test was taken, or is named."""
    xray, log, taken, asked = MemoryXray(clock), Kept(), [], []

    def send_(tests):
        asked.append(len(tests))
        if bad := [test.index for test in tests if test.index % 3 == 0]:
            raise Refused("refused", answer=f"400: line {bad[0]} is wrong")
        taken.extend(test.index for test in tests)

    (call,) = planned(tmp_path, keyed(400)).calls
    isolate(call, Refused("refused", answer="400: line 0 is wrong"), send_, context(xray, log=log))

    assert len(asked) == 64
    assert taken
    assert set(range(400)) == set(taken) | {entry.index for entry in log}
    assert not set(taken) & {entry.index for entry in log}
    assert any("given up" in entry.reason for entry in log)


def test_a_lookup_that_fails_leaves_it_to_halving(tmp_path, clock):
    """Which keys are Tests is only a short cut."""

    class Blind(MemoryXray):
        def tests_named(self, keys):
            raise Unreachable(f"{len(keys)} keys cannot be asked for")

    xray = Blind(clock, bad=("SHOP-5",), names=False)
    done = send(planned(tmp_path, keyed(8)), context(xray))

    assert [failure.answer for failure in done.failures] == ["SHOP-5: 400: no Test"]
    assert [len(runs) for runs in runs_of(xray)] == [7]


def test_a_native_report_is_refused_as_a_whole(clock):
    """Its results are not ours to take apart."""
    (call,) = native(
        ImportTarget(deployment=CLOUD, project="SHOP"),
        [NativeFile(format="junit", shown=("a",), pieces=(b"<a/>",), tests=9)],
    ).calls

    with pytest.raises(Refused, match="the first no"):
        isolate(call, Refused("the first no"), lambda _: None, context(MemoryXray(clock)))


def test_a_later_batch_of_which_nothing_can_be_sent_is_done_with(tmp_path, clock):
    """All its keys are no Tests: they are named, the batches after it are sent, and nothing is left for another run."""
    xray, log = MemoryXray(clock, bad=("SHOP-3", "SHOP-4")), Kept()
    done = send(planned(tmp_path, keyed(6), size=2), context(xray, log=log))

    assert [{"SHOP-1", "SHOP-2", "SHOP-5", "SHOP-6"}] == [set(runs) for runs in runs_of(xray)]
    assert {"import-1", "import-2", "import-3"} == {entry.call for entry in log if isinstance(entry, Ended)}
    (failure,) = done.failures
    assert "SHOP-3, SHOP-4" in failure.what
    assert done.sent == 4


def test_what_is_no_refusal_ends_the_search(tmp_path, clock):
    """A lost answer in the middle is not taken for a no."""
    (call,) = planned(tmp_path, keyed(4)).calls

    def send_(tests):
        raise UnknownDelivery(f"lost with {len(tests)}")

    with pytest.raises(UnknownDelivery, match="lost with 2"):
        isolate(call, Refused("refused", answer="400: no"), send_, context(MemoryXray(clock)))


def test_a_test_that_the_index_does_not_know_yet_is_sent_all_the_same(search, tmp_path, clock):
    """Its key was made a moment ago: only the service itself can say that it is none."""

    class Late(MemoryXray):
        def tests_named(self, keys):
            return tuple(each for each in super().tests_named(keys) if each.key not in ("SHOP-2", "SHOP-4"))

    sent = []

    def send_(tests):
        sent.append([test.head.testKey for test in tests])
        if "SHOP-4" in sent[-1]:
            raise Refused("refused", answer="400: no")

    tests, log = [test for test in keyed(6) if test["testKey"] != "SHOP-4"], Kept()
    (call,) = planned(tmp_path, tests).calls
    isolate(call, Refused("refused", answer="400: no"), send_, context(Late(clock), log=log))

    assert sent == [["SHOP-1", "SHOP-3", "SHOP-5", "SHOP-6"], ["SHOP-2"]]
    assert log == []


def test_a_single_test_is_the_request_itself(search):
    """There is nothing to make smaller: the refusal stands, and nothing is sent."""
    with pytest.raises(Refused):
        search(1, bad=("SHOP-1",))

    assert [] == search.sent == search.log


def test_a_requirement_that_is_refused_costs_the_tests_that_name_it(tmp_path, clock):
    """Keys inside of `testInfo` count as the test's own."""
    tests = [
        {
            "status": "PASSED",
            "testInfo": {"summary": str(n), "definition": f"d{n}", "requirementKeys": [f"REQ-{n % 2}"]},
        }
        for n in range(4)
    ]
    (call,) = planned(tmp_path, tests).calls
    sent, log = [], Kept()
    isolate(
        call,
        Refused("refused", answer="400: issue REQ-1 is not a requirement issue"),
        lambda tests: sent.append([test.head.name for test in tests]),
        context(MemoryXray(clock), log=log),
    )

    assert sent == [["d0", "d2"]]
    assert [(entry.index, entry.test) for entry in log] == [(1, "d1"), (3, "d3")]


@pytest.mark.parametrize("form", [False, True], ids=["plain", "form"])
def test_a_restricted_request_holds_the_chosen_tests_and_all_else(tmp_path, form):
    """Tests that touch stay one stretch; envelope and order are those of the whole request."""
    plan = convert(
        ImportTarget(deployment=CLOUD, project="SHOP", labels=("x",) if form else ()),
        spooled(tmp_path / "spool", keyed(6), 6),
        info={"summary": "s"},
        form_info={"fields": {"labels": ["x"]}} if form else None,
    )
    (call,) = plan.calls
    chosen = [test for test in listed(call.tests_at) if test.index in (0, 1, 4)]
    smaller = restricted(call, chosen)
    body = b"".join(upload(smaller, None, Random(1)).body)

    assert smaller.tests == 3
    assert (
        b'"tests":[{"testKey":"SHOP-1","status":"PASSED"},{"testKey":"SHOP-2","status":"PASSED"},{"testKey":"SHOP-5"'
        in body
    )
    assert b"SHOP-3" not in body
    if form:
        assert b'{"fields":{"labels":["x"]}}' in body
    else:
        assert {"info", "tests"} == set(json.loads(body))
        whole = json.loads(b"".join(upload(restricted(call, list(listed(call.tests_at))), None, Random(1)).body))
        assert json.loads(b"".join(upload(call, None, Random(1)).body)) == whole
