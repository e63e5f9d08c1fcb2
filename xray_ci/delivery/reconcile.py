"""What a request's tests should be in Xray: status by Test key, and how many of each status for Tests without key.

Reads the tests where they lie on disk, one after the other; knows Xray JSON's outside and nothing of services.

What Xray stores, read back: whether a request that may have been done was, and after the import whether everything
arrived, Test Execution by Test Execution. Xray goes on working after a timeout (O), so a read counts only when a second
one, a little later, agrees. Xray Cloud stores a status that it does not know as TO DO without a word (O); this is where
that is seen. Knows expectations and Test Runs; reads, never writes.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from xray_ci.delivery.progress import FAILED_LIMIT, Checked, FailedRuns, again
from xray_ci.errors import Failure, Interrupted, PartlyImported, UnreadableReport
from xray_ci.patterns import lazy
from xray_ci.services.body import let_go
from xray_ci.services.store import PAGE, StoredExecution

if TYPE_CHECKING:
    import mmap
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.delivery.plan import Plan, PlannedExecution, PlannedImport
    from xray_ci.delivery.progress import Context
    from xray_ci.services.body import Slice
    from xray_ci.services.store import RunTotals

ANY: Final = "ANY"
"""The status of a test whose own one Xray decides (A)."""
_NEXT: Final = lazy(rb'\},\n?(?=\{"test(?:Key|Info)")')
"""Where one test ends and the next begins: no text holds these bytes, since a quote in it is escaped."""
_SIGNS: Final = lazy(rb'[{}"]')
_TEXT_END: Final = lazy(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class _Info(msgspec.Struct):
    summary: str = ""
    definition: str | None = None
    requirementKeys: tuple[str, ...] = ()  # noqa: N815  # Xray's own name
    projectKey: str = ""  # noqa: N815
    type: str = ""
    testType: str = ""  # noqa: N815


class TestHead(msgspec.Struct):
    """What tells a test from others; the rest of it is not read."""

    status: str
    testKey: str | None = None  # noqa: N815  # Xray's own name
    testInfo: _Info | None = None  # noqa: N815

    @property
    def name(self) -> str:
        """The test in words: its key, else its definition or summary."""
        if self.testKey is not None or self.testInfo is None:
            return self.testKey or "?"
        return self.testInfo.definition or self.testInfo.summary

    @property
    def identity(self) -> str:
        """What finds it without a key: type, project, and definition or summary; empty for one with a key."""
        info = self.testInfo
        if self.testKey is not None or info is None:
            return ""
        return f"{info.type or info.testType}\0{info.projectKey}\0{info.definition or info.summary}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the service may find wrong."""
        named = (self.testKey,) if self.testKey is not None else ()
        return named + (self.testInfo.requirementKeys if self.testInfo is not None else ())


_HEAD: Final = msgspec.json.Decoder(TestHead)


class ExpectedTest(Struct, frozen=True):
    """One test of a request: where it lies in it, and what tells it from others."""

    index: int
    at: Slice
    head: TestHead
    parts: tuple[Slice, ...] = ()
    """What is sent of it, where that is not all."""

    @property
    def pieces(self) -> tuple[Slice, ...]:
        """What is sent of it."""
        return self.parts or (self.at,)

    @property
    def size(self) -> int:
        """Bytes that are sent of it."""
        return sum(piece.length for piece in self.pieces)


class Expected(Struct, kw_only=True):
    """What should be stored."""

    keyed: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    @property
    def tests(self) -> int:
        """How many Test Runs."""
        return len(self.keyed) + self.others.total()

    @property
    def statuses(self) -> Counter[str]:
        """How many of each status."""
        return Counter(self.keyed.values()) + self.others

    def add(self, tests: Iterable[ExpectedTest]) -> None:
        """Expect some more."""
        for test in tests:
            if test.head.testKey is not None:
                self.keyed[test.head.testKey] = test.head.status
            else:
                self.others[test.head.status] += 1


def listed(at: Slice, without: Collection[int] = ()) -> Iterator[ExpectedTest]:
    """Yield the tests of a stretch of objects joined by commas, those at some places left out.

    Raises UnreadableReport where something else lies there: the file may come from a state folder.
    """
    if not at.length:
        return
    with at.mapped() as mapped:
        position, end, index, behind = at.offset, at.offset + at.length, 0, 0
        while position < end:
            behind = let_go(mapped, behind, position)
            found = _NEXT.search(mapped, position, end)
            length, after = (found.start() + 1 - position, found.end()) if found else (end - position, end)
            try:
                head = _HEAD.decode(mapped[position : position + length])
            except (msgspec.MsgspecError, ValueError, RecursionError):  # it begins with something else: look closely
                length = _object(mapped, position, end)
                head, after = _head(mapped[position : position + length], at.path), position + length + 1
            if index not in without:
                yield ExpectedTest(index, at.part(position, length), head)
            position = after
            index += 1


def _head(content: bytes, path: Path) -> TestHead:
    try:
        return _HEAD.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise unreadable(path) from error


def unreadable(path: Path) -> UnreadableReport:
    """Return the failure that a file is which holds something else than was written there."""
    return UnreadableReport(
        f"{path.name} holds something else than the tests that were written there",
        advice="Let nothing write into the state folder; run the import again.",
    )


def _object(mapped: mmap.mmap, start: int, end: int) -> int:
    """Return the length of the JSON object that starts here; braces inside of texts do not count."""
    depth, position = 0, start
    while position < end:
        found = _SIGNS.search(mapped, position, end)
        if found is None:
            break
        position = found.end()
        match found[0]:
            case b"{":
                depth += 1
            case b"}":
                depth -= 1
                if not depth:
                    return position - start
            case _:
                closed = _TEXT_END.match(mapped, position, end)
                position = closed.end() if closed else end
    return end - start


_NAMED: Final = 20


class Stored(Struct, frozen=True, kw_only=True):
    """Test Runs of a Test Execution."""

    statuses: dict[str, str]
    """By Test key."""

    @property
    def counts(self) -> Counter[str]:
        """How many of each status."""
        return Counter(self.statuses.values())


class Difference(Struct, frozen=True, kw_only=True):
    """Where what is stored is not what was sent."""

    missing: tuple[str, ...] = ()
    """Test keys without a Test Run."""
    other: tuple[tuple[str, str, str], ...] = ()
    """Test key, status sent, status stored."""
    fewer: tuple[tuple[str, int, int], ...] = ()
    """Status, how many were sent, how many are stored."""
    suspects: tuple[str, ...] = ()
    """Keys of Tests whose status may be the wrong one, where results were sent without key."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.other or self.fewer)

    def lines(self) -> tuple[str, ...]:
        """Return it in words, the first of each kind."""
        lines = [f"{key}: sent, and not there" for key in self.missing[:_NAMED]]
        lines += [f"{key}: sent as {sent}, stored as {stored}" for key, sent, stored in self.other[:_NAMED]]
        lines += [f"{status}: {sent:,} sent, {stored:,} stored" for status, sent, stored in self.fewer]
        if self.suspects:
            lines.append("look at " + ", ".join(self.suspects[:_NAMED]))
        left = len(self.missing) + len(self.other) - 2 * _NAMED
        return tuple(lines + [f"… and {left:,} more"] * (left > 0))


def issue_of(execution: PlannedExecution, key: str, context: Context) -> StoredExecution | None:
    """Return the issue of a key: as it was found, else asked for through the index."""
    known = context.progress.found.get(execution.id)
    if known is not None and known.number is not None and known.key == key:
        return StoredExecution(id=known.number, key=key)
    return context.store.execution(key)


def expected_of(calls: Iterable[PlannedImport], context: Context) -> Expected | None:
    """Return what requests should leave behind, those left out taken off; None when nobody knows that of one."""
    found = Expected()
    for call in calls:
        if call.stored_at is None:
            return None
        found.add(listed(call.stored_at, context.progress.left_out.get(call.id, ())))
    return found


def read(execution: StoredExecution, context: Context) -> Stored:
    """Return the Test Runs there are now; raises Failure."""
    return Stored(statuses={run.test: run.status for run in context.store.runs(execution)})


def stable(
    execution: StoredExecution, context: Context, *, enough: Expected | None = None, quiet: float = 0.0
) -> Stored | None:
    """Return what is stored once reads agree for so many `quiet` seconds (two reads at least), or at once are `enough`.

    None when that never happens in the time there is.
    """
    held, begun, since = read(execution, context), context.left(), context.left()
    waited = still = 0.0
    while not (enough is not None and not difference(enough, held, alone=False)):
        passed, most = max(waited, begun - context.left()), context.patience.settle
        reason = "waiting until what Xray stores comes to rest"
        if passed >= most or not context.wait(context.patience.pause, reason, waited=waited, most=most):
            return None
        waited += context.patience.pause
        again = read(execution, context)
        if again.statuses != held.statuses:
            held, still, since = again, 0.0, context.left()
            continue
        still += context.patience.pause
        if max(still, since - context.left()) >= quiet:  # reading much takes long, too
            return again
    return held


def difference(expected: Expected, stored: Stored, *, alone: bool) -> Difference:
    """Compare; `alone`: nothing else ever wrote into this Test Execution, so numbers must be equal, not just enough."""
    missing = tuple(key for key in expected.keyed if key not in stored.statuses)
    other = tuple(
        (key, sent, stored.statuses[key])
        for key, sent in expected.keyed.items()
        if key in stored.statuses and not _same(stored.statuses[key], sent)
    )
    have, want = _canonical(stored.counts), _canonical(expected.statuses)
    fewer = (
        tuple(
            (status, count, have[status])
            for status, count in want.items()
            if have[status] < count or (alone and have[status] != count)
        )
        if expected.others
        else ()
    )
    more = {status for status, count in have.items() if count > want[status]} if fewer else set()
    suspects = tuple(
        key for key, status in stored.statuses.items() if _word(status) in more and key not in expected.keyed
    )
    return Difference(missing=missing, other=other, fewer=fewer, suspects=suspects)


def _canonical(counts: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for status, count in counts.items():
        found[_word(status)] += count
    return found


def _same(one: str, two: str) -> bool:
    """Say whether a stored status is the one that was sent; of some only Xray knows which that is."""
    return two == ANY or _word(one) == _word(two)


def _word(status: str) -> str:
    """Return a status word without its spelling: `TO DO` and `TODO` are one (O)."""
    return "".join(status.split()).upper()


class Reconciled(Struct, frozen=True, kw_only=True):
    """What reading back said of one Test Execution."""

    key: str
    sent: int
    stored: int | None
    """Test Runs that it holds, whoever put them there; None where there are more than anybody counts."""
    failure: Failure | None = None
    unchecked: int = 0
    """Results that were not looked at: there were more than are asked for."""
    created: int | None = None
    """Tests that this run made; None where that cannot be told."""
    failed: FailedRuns | None = None
    """None where none failed."""


PAGES: Final = 50
"""Pages of single results that are read of one Test Execution: of 100 each, and Cloud gives 300 in five minutes (D)."""


def reconcile(plan: Plan, context: Context, bad: Collection[str] = ()) -> tuple[Reconciled, ...]:
    """Compare every Test Execution whose requests are all done; raises Failure when Xray cannot be read.

    Totals by status first, which prove a Test Execution that this run alone has filled. Single results only where
    totals differ, where others fill it as well, and where the product cannot count. `bad` are statuses of failures.
    """
    found = []
    for execution in plan.executions:
        ended = [context.progress.ended.get(call.id) for call in execution.calls]
        first = ended[0] if ended else None
        if (
            first is not None
            and all(each is not None for each in ended)
            and (row := _compared(execution, first.key, context, plan, bad))
        ):
            found.append(row)
    return tuple(found)


def _compared(
    execution: PlannedExecution, key: str, context: Context, plan: Plan, bad: Collection[str]
) -> Reconciled | None:
    """Return what is stored; None where nobody knows what to expect."""
    counted = _counted(execution.calls, context)
    if counted is None:
        return None
    sent, keyless = counted
    issue = issue_of(execution, key, context)
    if issue is None:
        return Reconciled(key=key, sent=sent.total(), stored=0, failure=_lost(key))
    alone = execution.marker is not None and not execution.marker.look
    totals = _totals(issue, sent, context, wait=alone, aged=keyless > 0)
    failed = FailedRuns(issue=issue, sure=alone and keyless == sent.total())
    count = sum(totals.by_status.get(word, 0) for word in bad) if totals is not None else 0
    if totals is not None and alone and _equal(sent, totals):
        context.note(Checked(execution=execution.id, right=True))
        created = _created(execution, issue, context, totals=totals) if keyless else 0
        return Reconciled(key=key, sent=sent.total(), stored=totals.runs, created=created, failed=failed.asked(count))
    expected = expected_of(execution.calls, context) or Expected()
    stored: int | None
    created = None if keyless else 0
    if totals is not None and totals.runs > PAGES * PAGE:
        stored, (found, unchecked) = totals.runs, _bounded(issue, expected, totals, context, alone=alone)
    else:
        held, found, unchecked = _looked(issue, expected, context, alone=alone)
        stored = len(held.statuses) if len(held.statuses) <= PAGES * PAGE else None
        keys = islice((key for key, status in held.statuses.items() if status in bad), FAILED_LIMIT + 1)
        failed = replace(failed, keys=tuple(keys))
        count = count or len(failed.keys)
        if stored is not None and keyless and alone and not found:
            others = [key for key in held.statuses if key not in expected.keyed]
            created = _created(execution, issue, context, keys=others)
    context.note(Checked(execution=execution.id, right=not found))
    failure = None
    if found:
        failure = PartlyImported(
            f"what Xray stores in {key} is not what was sent",
            where=key,
            answer="\n".join(found.lines()),
            service="Xray",
            advice="A status may not exist on this site (`statuses`), or results are missing: correct "
            f"what is named above, then {again([key], plan)}",
        )
    return Reconciled(
        key=key,
        sent=expected.tests,
        stored=stored,
        failure=failure,
        unchecked=unchecked,
        created=created,
        failed=failed.asked(count),
    )


_MARGIN: Final = 10.0
"""Seconds by which clocks of one site may differ (A)."""


def _created(
    execution: PlannedExecution,
    issue: StoredExecution,
    context: Context,
    *,
    keys: Sequence[str] = (),
    totals: RunTotals | None = None,
) -> int | None:
    """Return how many Tests the import made: those as young as its Test Execution, and in no other one.

    None where that cannot be told, as no service says it. All runs in `totals` are looked at, or the Tests of `keys`.
    """
    count = len(keys) if totals is None else totals.runs
    if context.lost or count > PAGES * PAGE or not all(call.id in context.answered for call in execution.calls):
        return None
    within = context.answered[execution.calls[0].id] + _MARGIN
    try:
        ages = list(context.store.ages(issue, within, keys=keys, totals=totals))
    except Interrupted:
        raise
    except Failure as failure:
        context.tell(f"how old the Tests of {issue.key} are cannot be asked: {failure.what}")
        return None
    new = [age for age in ages if age.after >= -within]
    return None if len(ages) != count or any(age.shared for age in new) else len(new)


def _counted(calls: tuple[PlannedImport, ...], context: Context) -> tuple[Counter[str], int] | None:
    """Return how many of each status requests should leave behind, and how many have no key; None as `expected_of`.

    What was converted is only counted, no result is held: each Test stands in it once.
    """
    if any(call.tests_at is None for call in calls):
        expected = expected_of(calls, context)
        return None if expected is None else (expected.statuses, expected.others.total())
    found: Counter[str] = Counter()
    keyless = 0
    for call in calls:
        assert call.tests_at is not None  # noqa: S101  # looked at above
        for test in listed(call.tests_at, context.progress.left_out.get(call.id, ())):
            found[test.head.status] += 1
            keyless += test.head.testKey is None
    return found, keyless


def _equal(sent: Counter[str], totals: RunTotals) -> bool:
    return totals.runs == sent.total() and dict(totals.by_status) == dict(sent)


def _totals(
    issue: StoredExecution, sent: Counter[str], context: Context, *, wait: bool, aged: bool
) -> RunTotals | None:
    """Return the totals there are; with `wait` once they are what was sent, or agree twice and stay different."""
    aged = aged and wait
    begun, words, waited = context.left(), sorted(sent), 0.0
    held = context.store.totals(issue, words, aged=aged)
    while wait and held is not None and not _equal(sent, held):
        passed, most = max(waited, begun - context.left()), context.patience.settle
        reason = "waiting until what Xray stores comes to rest"
        if passed >= most or not context.wait(context.patience.pause, reason, waited=waited, most=most):
            return held
        waited += context.patience.pause
        once_more = context.store.totals(issue, words, aged=aged)
        if once_more == held:
            return held
        held = once_more
    return held


def _looked(
    issue: StoredExecution, expected: Expected, context: Context, *, alone: bool
) -> tuple[Stored, Difference, int]:
    """Compare with every single result, or with the first so many where nobody can say how many there are.

    Return what is stored (one more than those where there is more), where they differ, and how many were not looked at.
    """
    most = PAGES * PAGE
    first = {run.test: run.status for run in islice(context.store.runs(issue), most + 1)}
    if len(first) > most:
        seen = {key: status for key, status in expected.keyed.items() if key in first}
        other = tuple((key, sent, first[key]) for key, sent in seen.items() if not _same(first[key], sent))
        return Stored(statuses=first), Difference(other=other), expected.tests - len(seen)
    stored = Stored(statuses=first)
    if difference(expected, stored, alone=alone):
        stored = stable(issue, context, enough=expected) or stored
    return stored, difference(expected, stored, alone=alone), 0


def _bounded(
    issue: StoredExecution, expected: Expected, totals: RunTotals, context: Context, *, alone: bool
) -> tuple[Difference, int]:
    """Compare totals, and as many single results as `PAGES` calls bring; return how many were not looked at.

    Statuses of few results are listed whole: those of failed Tests. Other Tests that results name are asked for by key,
    100 in two calls, those first that are missing in a list that is whole.
    """
    calls, held, whole = PAGES, dict[str, str](), set[str]()
    for status, count in sorted(totals.by_status.items(), key=lambda each: each[1]):
        if (pages := max(1, -(-count // PAGE))) <= calls:
            calls -= pages
            whole.add(status)
            held |= {run.test: run.status for run in context.store.some_runs(issue, status=status)}
    left = [key for key in expected.keyed if key not in held]
    left.sort(key=lambda key: expected.keyed[key] not in whole)
    asked = left[: calls // 2 * PAGE]
    for start in range(0, len(asked), PAGE):
        held |= {run.test: run.status for run in context.store.some_runs(issue, keys=asked[start : start + PAGE])}
    want, have = expected.statuses, totals.by_status
    found = Difference(
        missing=tuple(key for key in asked if key not in held),
        other=tuple(
            (key, sent, held[key]) for key, sent in expected.keyed.items() if key in held and not _same(held[key], sent)
        ),
        fewer=tuple(
            (status, count, have.get(status, 0))
            for status, count in sorted(want.items())
            if have.get(status, 0) < count or (alone and have.get(status, 0) != count)
        ),
    )
    return found, len(left) - len(asked) + (0 if alone else expected.others.total())


def _lost(key: str) -> Failure:
    return PartlyImported(
        f"{key} cannot be read back",
        where=key,
        service="Xray",
        advice="Look whether it is there, and whether the user of the API key may see it.",
    )
