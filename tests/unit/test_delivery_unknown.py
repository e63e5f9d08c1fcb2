"""Requests that may have been done.

Looked for before anything is sent again, so that nothing is lost and nothing doubled.
"""

from __future__ import annotations

import json

import pytest
from memory_xray import TOKEN, Kept, MemoryXray, context, defined, keyed, planned, runs_of
from msgspec.structs import replace

from xray_ci import errors
from xray_ci.delivery.plan import joined
from xray_ci.delivery.progress import Begun, Ended, ExecutionFound, LeftOut, Progress, Withdrawn
from xray_ci.delivery.send import send

TESTS = keyed(2) + defined(3, "FAILED")
STORED = {
    "SHOP-1": "PASSED",
    "SHOP-2": "PASSED",
    "SHOP-10000": "FAILED",
    "SHOP-10001": "FAILED",
    "SHOP-10002": "FAILED",
}


def kinds(xray):
    """Return what was asked for, repeats left out."""
    return [kind for number, (kind, _) in enumerate(xray.calls) if not number or xray.calls[number - 1][0] != kind]


def existing(xray, key="SHOP-7", **runs):
    """Make a Test Execution that is there before."""
    xray.create_execution({})
    (only,) = xray.issues.values()
    only.key, xray.issues = key, {key: only}
    only.runs.update({name.replace("_", "-"): status for name, status in runs.items()})
    xray.calls.clear()


def test_what_was_done_is_found_and_not_sent_again(tmp_path, clock):
    """Its answer was lost: the mark leads to it, and all of it is there."""
    xray, log = MemoryXray(clock, lag=20), Kept()
    xray.faults = {0: "lost"}
    done = send(planned(tmp_path, TESTS), context(xray, log=log))

    assert done.failures == []
    assert runs_of(xray) == [STORED]
    assert kinds(xray) == ["import", "lookup", "read"]
    assert done.sent == 5
    assert [Begun, ExecutionFound, Ended] == [type(entry) for entry in log]


def test_what_was_not_done_is_sent_again_once_the_index_had_its_time(tmp_path, clock):
    """A minute of empty answers, then once more."""
    xray = MemoryXray(clock)
    xray.faults = {0: "dropped"}
    done = send(planned(tmp_path, TESTS), context(xray))

    assert done.failures == []
    assert runs_of(xray) == [STORED]
    assert kinds(xray) == ["import", "lookup", "import"]
    assert clock.passed >= 60


def test_what_was_done_in_part_is_sent_again_into_the_same(tmp_path, clock):
    """Once Xray has come to rest: results that are there are overwritten."""

    class Half(MemoryXray):
        def import_report(self, endpoint, *, query=(), upload):
            answer = super().import_report(endpoint, query=query, upload=upload)
            if self.count("import") == 1:
                del self.issues[answer.key].runs["SHOP-10002"]
                raise errors.UnknownDelivery("the answer was lost")
            return answer

    xray = Half(clock, lag=3)
    done = send(planned(tmp_path, TESTS), context(xray))

    assert done.failures == []
    assert runs_of(xray) == [STORED]
    assert kinds(xray) == ["import", "lookup", "read", "import"]
    assert clock.passed >= 60


def test_what_is_lost_again_and_again_is_given_up(tmp_path, clock):
    """Three times, and each time it was looked for: then it is unknown."""
    xray = MemoryXray(clock)
    xray.faults = dict.fromkeys(range(1000), "dropped")
    done = send(planned(tmp_path, TESTS), context(xray))

    assert [errors.UnknownDelivery] == [type(failure) for failure in done.failures]
    assert xray.count("import") == 3
    assert {} == xray.issues == done.keys


@pytest.mark.parametrize(("patience", "parts"), [(5, [5]), (3, [5, 3, 2]), (2, [5, 3, 2, 2, 1])])
def test_what_a_gateway_does_not_wait_for_goes_in_parts(tmp_path, clock, patience, parts):
    """Two at first, then four; into one Test Execution, each result once."""

    class Gateway(MemoryXray):
        def import_report(self, endpoint, *, query=(), upload):
            tests = json.loads(b"".join(upload.body))["tests"]
            sent.append(len(tests))
            if len(tests) > patience:
                slow = errors.UnknownDelivery("504")
                slow.slow = True
                raise slow
            return super().import_report(endpoint, query=query, upload=upload)

    sent: list[int] = []
    xray = Gateway(clock)
    done = send(planned(tmp_path, TESTS), context(xray))

    assert done.failures == []
    assert runs_of(xray) == [STORED]
    assert done.sent == 5
    assert parts == sent[: len(parts)]
    assert sent.count(5) <= 1


@pytest.mark.parametrize("fault", ["lost", "dropped"])
def test_a_later_batch_is_looked_for_where_the_first_one_went(tmp_path, clock, fault):
    """Its key is known: no mark is needed, and what the first one brought is told from what it brings."""
    xray = MemoryXray(clock)
    xray.faults = {1: fault}
    done = send(planned(tmp_path, defined(4), size=2), context(xray))

    assert done.failures == []
    assert xray.count("lookup") == 0
    assert {"lost": 2, "dropped": 3}[fault] == xray.count("import")
    assert [len(runs) for runs in runs_of(xray)] == [4]


@pytest.mark.parametrize("given", [{"test_execution": "SHOP-7"}, {"look": True}], ids=["existing", "rerun"])
def test_in_a_test_execution_with_older_results_a_lost_request_is_never_taken_for_done(tmp_path, clock, given):
    """Five PASSED may be those of yesterday: it goes again, after Xray came to rest."""
    xray = MemoryXray(clock)
    if "look" in given:
        send(planned(tmp_path, keyed(5)), context(xray))
        (key,) = xray.issues
        xray.calls.clear()
    else:
        key = "SHOP-7"
        existing(xray, key, **{f"OLD_{n}": "PASSED" for n in range(5)})
    xray.faults = {len(xray.calls) + (1 if "look" in given else 0): "dropped"}
    done = send(planned(tmp_path, defined(2), **given), context(xray))

    assert done.failures == []
    assert {"SHOP-10000", "SHOP-10001"} <= set(xray.issues[key].runs)
    assert len(xray.issues[key].runs) == 7
    assert len(xray.issues) == 1
    assert xray.count("import") == 2


def test_xray_that_is_still_at_work_is_not_disturbed(tmp_path, clock):
    """What never comes to rest is not sent again: each new Test could be made twice."""

    class Busy(MemoryXray):
        def runs(self, execution):
            self.issues[execution.key].runs[f"SHOP-{len(self.calls)}"] = "PASSED"
            return super().runs(execution)

    xray = Busy(clock)
    existing(xray)
    xray.faults = {0: "lost"}
    done = send(planned(tmp_path, defined(2), test_execution="SHOP-7"), context(xray))

    assert [errors.UnknownDelivery] == [type(failure) for failure in done.failures]
    assert xray.count("import") == 1
    assert "`test-execution: SHOP-7`" in done.failures[0].next


def test_a_failure_that_is_certain_leaves_nothing_under_way(tmp_path, clock):
    """What never left needs no look the next time: a spool of an outage is delivered at once."""

    class Away(MemoryXray):
        away = True

        def import_report(self, endpoint, *, query=(), upload):
            if self.away:
                raise errors.Unreachable("nobody there")
            return super().import_report(endpoint, query=query, upload=upload)

    xray, log = Away(clock), Kept()
    plan = planned(tmp_path, TESTS, token=None)
    done = send(plan, context(xray, log=log))

    assert [errors.Unreachable] == [type(failure) for failure in done.failures]
    assert [Begun(call="import-1"), Withdrawn(call="import-1")] == log
    xray.away = False
    assert send(plan, context(xray, progress=Progress(log))).failures == []
    assert runs_of(xray) == [STORED]
    assert kinds(xray) == ["import"]


def test_what_nothing_marks_is_not_sent_again(tmp_path, clock):
    """A native report that may have been imported: a person has to look."""
    xray = MemoryXray(clock)
    done = send(planned(tmp_path, TESTS, token=None), context(xray, progress=Progress([Begun(call="import-1")])))

    assert [errors.UnknownDelivery] == [type(failure) for failure in done.failures]
    assert xray.calls == []


def test_what_is_done_is_not_done_again(tmp_path, clock):
    """Ended requests and left out tests of an earlier run count, and only the rest is sent."""
    xray = MemoryXray(clock)
    existing(xray, "SHOP-9")
    entries = [
        Begun(call="import-1"),
        LeftOut(call="import-1", index=1, test="SHOP-2", reason="400: no"),
        ExecutionFound(execution="import-1", key="SHOP-9", number="100000"),
        Ended(call="import-1", key="SHOP-9", tests=1),
    ]
    done = send(planned(tmp_path, keyed(4), size=2), context(xray, progress=Progress(entries)))

    assert xray.calls == [("import", ["SHOP-3", "SHOP-4"])]
    assert done.sent == 3
    (failure,) = done.failures
    assert errors.PartlyImported is type(failure)
    assert failure.answer == "SHOP-2: 400: no"


def test_a_refused_request_that_made_something_is_continued_there(tmp_path, clock):
    """A 400 is not assumed to have done nothing: its mark is looked for before the next part is sent."""

    class Makes(MemoryXray):
        def import_report(self, endpoint, *, query=(), upload):
            if self.count("import") == 0:
                self.create_execution({"labels": [TOKEN]})
            return super().import_report(endpoint, query=query, upload=upload)

    xray = Makes(clock, bad=("SHOP-2",))
    done = send(planned(tmp_path, keyed(3)), context(xray))

    assert runs_of(xray) == [{"SHOP-1": "PASSED", "SHOP-3": "PASSED"}]
    assert len(done.failures) == 1


def test_a_refused_test_execution_does_not_stop_the_others(tmp_path, clock):
    """The service is there and said no to one alone; one that is away stops them all."""
    for folder, kind, sent in (("a", errors.Refused, ["SHOP-1"]), ("b", errors.Unreachable, [])):

        class Says(MemoryXray):
            failure = kind

            def import_report(self, endpoint, *, query=(), upload):
                if "SHOP-9" in b"".join(upload.body).decode():
                    raise self.failure("no", answer="400: no")
                return super().import_report(endpoint, query=query, upload=upload)

        for name in ("x", "y"):
            (tmp_path / folder / name).mkdir(parents=True)
        first = planned(tmp_path / folder / "x", [{"testKey": "SHOP-9", "status": "PASSED"}])
        second = planned(tmp_path / folder / "y", keyed(1), token=None)
        xray = Says(clock)
        done = send(joined([first, _renamed(second)]), context(xray))

        assert kind is type(done.failures[0])
        assert sent == [key for runs in runs_of(xray) for key in runs]
        assert bool(sent) is not bool(done.not_sent)


def _renamed(plan):
    (execution,) = plan.executions
    calls = tuple(replace(call, id="import-2") for call in execution.calls)
    return replace(plan, executions=(replace(execution, id="import-2", calls=calls),))


def test_a_log_that_cannot_be_written_stops_before_the_request(tmp_path, clock):
    """What is not recorded is not sent."""

    class Full(Kept):
        def record(self, entry):
            raise errors.Failure(f"the disk is full: {entry}")

    xray = MemoryXray(clock)
    done = send(planned(tmp_path, TESTS), context(xray, log=Full()))

    assert len(done.failures) == 1
    assert xray.calls == []


def test_a_signal_says_what_was_under_way(tmp_path, clock):
    """It is not withdrawn: the next run looks for it."""

    class Stopped(MemoryXray):
        def import_report(self, endpoint, *, query=(), upload):  # noqa: ARG002  # the protocol has them
            raise errors.Interrupted("stopped by SIGTERM", signal=15)

    log = Kept()
    done = send(planned(tmp_path, keyed(4), size=2), context(Stopped(clock), log=log))

    assert [failure.exit_code for failure in done.failures] == [143]
    assert "import-1 was under way and may have been imported" in done.failures[0].where
    assert [Begun(call="import-1")] == log
    assert [call.id for call in done.not_sent] == ["import-2"]


def test_what_can_only_create_is_not_added_to_what_an_earlier_attempt_made(tmp_path, clock):
    """Configuration: nothing is sent, and the settings that cure it are named."""
    plan = planned(tmp_path, keyed(1), look=True)
    (execution,) = plan.executions
    xray = MemoryXray(clock)
    xray.create_execution({"labels": [TOKEN]})
    xray.calls.clear()
    done = send(
        replace(plan, executions=(replace(execution, calls=(replace(execution.calls[0], adding=None),)),)),
        context(xray),
    )

    assert [(failure.exit_code, failure.slug) for failure in done.failures] == [(2, "cannot-be-added")]
    assert "on-rerun: new" in done.failures[0].next
    assert xray.count("import") == 0
