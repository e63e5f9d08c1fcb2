"""Open defects of failed tests: found by a label that is made from the failure, linked to their Test Runs, or made.

Knows what was sent and what Jira finds. A failure is a Test and the first line of what it said, without its numbers:
the same failure has the same label in every run, on every machine.
"""

from __future__ import annotations

import hashlib
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from xray_ci.delivery.reconcile import TestHead, listed
from xray_ci.errors import AroundUndone, Failure, Interrupted, UnknownDelivery, many
from xray_ci.model import Outcome
from xray_ci.patterns import lazy
from xray_ci.pipeline.around import Defect
from xray_ci.services.jira_issue import found
from xray_ci.services.store import KEY, PAGE, StoredExecution, quoted
from xray_ci.xray import escaping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.pipeline.around import Around
    from xray_ci.services.store import StoredRun

PREFIX: Final = "xray-ci-failure-"
_FAILED: Final = 100
"""Failed tests of a Test Execution that are looked at: each can be two requests."""
_LISTED: Final = 10
_LARGEST: Final = 16_000_000
"""Bytes of a result that is read for its comment; one with much evidence has its Test alone."""
_FIRST: Final = 200
"""Characters of the first line that count."""
_SUMMARY: Final = 250
_ISSUE_TYPE: Final = "Bug"
_TRIES: Final = 3
_PAUSE: Final = 5.0
"""Jira's index lags behind Tests that were just made (O); seconds between tries."""
_CHANGING: Final = lazy(r"0x[0-9a-f]+|\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b|[0-9]+", re.IGNORECASE)
"""What differs from run to run: addresses, ids, numbers."""
_FENCE: Final = "{noformat}"


class _Result(TestHead):
    comment: str = ""


_RESULT: Final = msgspec.json.Decoder(_Result)


class FailedTest(Struct, frozen=True, kw_only=True):
    """One failed result as it was sent."""

    key: str | None
    """Of its Test, where the result named one."""
    name: str
    text: str
    """Its comment, in the form in which Jira takes it."""

    @property
    def first(self) -> str:
        """The first line of what it said, empty where it said nothing."""
        lines = (line.strip().removeprefix(_FENCE).strip() for line in self.text.splitlines())
        return next(filter(None, lines), "")

    @property
    def label(self) -> str:
        """What an issue is marked with that is the defect of this failure."""
        said = _CHANGING.sub("#", " ".join(self.first.lower().split()))[:_FIRST]
        facts = f"{self.key or self.name}\0{said}".encode("utf-8", "surrogatepass")
        return PREFIX + hashlib.sha256(facts).hexdigest()[:20]


def settle(around: Around, key: str) -> str:
    """Link the open defect of each failed test of a Test Execution to its Test Run, and make those that miss.

    Return what was done. Raises Failure; what was done until then is found the next time.
    """
    failed = _failed(around, key)
    if not failed:
        return ""
    known = _known(around, list(dict.fromkeys(test.label for test in failed)))
    making = around.job.settings.defects == "create"
    made = [test for test in failed if making and test.label not in known and _make(around, key, test, known)]
    made = _agreed(around, made, known)
    linked = _link(around, key, [(test, known[test.label]) for test in failed if test.label in known])
    rest = [test for test in failed if test.label not in known]
    if rest:
        _tell(around, rest, making=making)
    parts = [many(linked, "defect") + " linked"] * bool(linked) + [many(len(made), "defect") + " made"] * bool(made)
    return ", ".join(parts)


def _failed(around: Around, key: str) -> list[FailedTest]:
    """Return the failed results that were sent to a Test Execution, the first of them; tells that there are more."""
    words = _words(around)
    results = (
        test
        for filled in around.tally.filled
        for execution in filled.of(key)
        for call in execution.calls
        if call.stored_at is not None
        for test in listed(call.stored_at, filled.context.progress.left_out.get(call.id, ()))
        if test.head.status in words
    )
    made = [
        FailedTest(key=test.head.testKey, name=test.head.name, text=_comment(test)) for test in islice(results, _FAILED)
    ]
    if more := sum(1 for _ in results):
        around.tally.note(f"{more:,} failed tests of {key} were not looked up among defects: {_FAILED} are in a run")
    return made


def _words(around: Around) -> frozenset[str]:
    settings = around.job.settings
    own = around.deployment.dialect.statuses
    return frozenset(settings.statuses.get(each.value) or own[each] for each in (Outcome.FAILED, Outcome.ERROR))


def _comment(test: Any) -> str:
    if test.at.length > _LARGEST:
        return ""
    return _RESULT.decode(b"".join(test.at.read())).comment


def _known(around: Around, labels: list[str]) -> dict[str, Defect]:
    """Return the oldest open issue by each label that has one; those that this run has made are known already."""
    known = {label: around.made[label] for label in labels if label in around.made}
    return known | _open(around, [label for label in labels if label not in known])


def _open(around: Around, labels: list[str]) -> dict[str, Defect]:
    known: dict[str, Defect] = {}
    for start in range(0, len(labels), PAGE):
        some = ", ".join(map(quoted, labels[start : start + PAGE]))
        jql = f"labels in ({some}) AND statusCategory != Done ORDER BY id ASC"
        for each in found(around.jira, jql, ("labels",), cloud=around.deployment.key == "cloud"):
            fields, number, key = each.get("fields"), str(each.get("id")), str(each.get("key"))
            for label in (fields.get("labels") or ()) if isinstance(fields, dict) and KEY.fullmatch(key) else ():
                known.setdefault(str(label), Defect(id=number, key=key))
    return known


def _make(around: Around, key: str, test: FailedTest, known: dict[str, Defect]) -> bool:
    """Make the defect of a failure, unless there are as many new ones as are allowed or it was made meanwhile.

    Return whether it is surely ours.
    """
    if test.label in known or len(around.made) >= around.job.settings.max_new_defects:
        return False
    settings, run_url = around.job.settings, around.job.surroundings.run_url
    redact = around.job.redactor
    text = test.text if test.text.startswith(_FENCE) else escaping.verbatim(test.text, 20_000)
    lines = [f"{escaping.inline(test.name)} failed in {key}.", text if test.text else ""]
    lines += [f"CI run: {escaping.inline(run_url)}"] if run_url else []
    lines.append(f"The label {test.label} is what xray-ci finds this issue by while it is open.")
    fields = {
        "project": {"key": settings.project or key.rpartition("-")[0]},
        "issuetype": {"name": _ISSUE_TYPE},
        "summary": redact(escaping.one_line(f"{test.name}: {test.first}" if test.first else test.name, _SUMMARY)),
        "description": redact("\n\n".join(filter(None, lines))),
        "labels": [test.label],
    }
    try:
        stored = around.jira.create_issue(fields)
        made = Defect(id=stored.id, key=stored.key)
    except UnknownDelivery:  # the answer is lost, and it may be there
        there = _known(around, [test.label]).get(test.label)
        if there is None:
            raise
        known[test.label] = around.made[test.label] = there
        return False
    known[test.label] = around.made[test.label] = made
    around.job.console.info(f"  {made.key} was made for {escaping.one_line(test.name, _SUMMARY)}")
    return True


def _agreed(around: Around, made: list[FailedTest], known: dict[str, Defect]) -> list[FailedTest]:
    """Where another run made the same defect at the same time, take the oldest and delete ours; return what stays.

    Once Jira's index knows ours, it knows the older ones (A).
    """
    there: dict[str, Defect] = {}
    for number in range(_TRIES if made else 0):
        if number:
            around.job.sleep(_PAUSE)
        there = _open(around, [test.label for test in made])
        if all(test.label in there and there[test.label].age <= known[test.label].age for test in made):
            break
    stay = []
    for test in made:
        own, oldest = known[test.label], there.get(test.label)
        if oldest is None or oldest.age >= own.age:
            stay.append(test)
            continue
        known[test.label] = around.made[test.label] = oldest
        same = f"{oldest.key}, which another run made at the same time"
        try:
            around.jira.delete_issue(own.key)
            around.job.console.info(f"  {own.key} was deleted: it is the same as {same}")
        except Interrupted:
            raise
        except Failure as failure:
            around.tally.note(f"{own.key} is the same as {same}, and was not deleted ({failure.what}): close it")
    return stay


def _link(around: Around, key: str, wanted: list[tuple[FailedTest, Defect]]) -> int:
    """Link defects to the Test Runs of their Tests; return how many were not linked before."""
    if not wanted:
        return 0
    store, execution = around.stored(key)
    count = 0
    runs = _runs(around, execution, wanted)
    for test, defect in wanted:
        run = runs.get(test.key or test.name)
        if run is not None and not {defect.id, defect.key} & set(store.defects(execution, run)):
            store.add_defect(execution, run, defect.key)
            count += 1
    if lost := [test.name for test, _ in wanted if (test.key or test.name) not in runs]:
        raise AroundUndone(
            f"{many(len(lost), 'failed test')} not found among the Test Runs of {key}, so no defect was linked to them",
            where="\n".join(escaping.one_line(name, _SUMMARY) for name in lost[:_LISTED]),
        )
    return count


def _runs(around: Around, execution: StoredExecution, wanted: list[tuple[FailedTest, Defect]]) -> dict[str, StoredRun]:
    """Return the failed Test Runs by the key of their Test, and by its definition or summary."""
    store = next(iter(around.tally.filled)).context.store
    missing = {test.name for test, _ in wanted if test.key is None}
    runs: dict[str, StoredRun] = {}
    for number in range(_TRIES):
        if number:
            around.job.sleep(_PAUSE)
        for word in sorted(_words(around)):
            runs |= {run.test: run for run in islice(store.some_runs(execution, status=word), _FAILED * PAGE)}
        runs |= dict(_by_name(around, runs, missing - runs.keys()))
        if not missing - runs.keys():
            break
    return runs


def _by_name(around: Around, runs: dict[str, StoredRun], names: set[str]) -> Iterator[tuple[str, StoredRun]]:
    store = next(iter(around.tally.filled)).context.store
    keys = [key for key in runs if KEY.fullmatch(key)] if names else []
    for start in range(0, len(keys), PAGE):
        for test in store.tests_named(keys[start : start + PAGE]):
            for name in {test.definition, test.summary} & names:
                if name is not None and test.key in runs:
                    yield name, runs[test.key]


def _tell(around: Around, rest: list[FailedTest], *, making: bool) -> None:
    """Say which failures have no open defect, and how one is made known."""
    why = f"and `max-new-defects` are made ({around.job.settings.max_new_defects:,})" if making else "to link"
    around.tally.note(f"{many(len(rest), 'failure')} without an open defect {why}: give one the label of the failure")
    for test in rest[:_LISTED]:
        around.job.console.info(f"  {test.label}  {escaping.one_line(test.name, _SUMMARY)}")
