"""What a request's tests should be in Xray: status by Test key, and how many of each status for Tests without key.

Reads the tests where they lie on disk, one after the other; knows Xray JSON's outside and nothing of services.

What Xray stores, read back: whether a request that may have been done was, and whether everything arrived at the end.

Xray goes on working after a timeout (O), so a read counts only when a second one, a little later, agrees. Knows
expectations and Test Runs; sends nothing.

After the import: what Xray stores against what was sent, Test Execution by Test Execution.

Xray Cloud stores a status that it does not know as TO DO without a word (O); this is where that is seen. Reads, never
writes.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.delivery.progress import Checked
from xray_ci.errors import PartlyImported, UnreadableReport
from xray_ci.services.body import Slice
from xray_ci.services.stored import StoredExecution

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from xray_ci.delivery.context import Means
    from xray_ci.delivery.plan import Plan, PlannedExecution, PlannedImport
    from xray_ci.errors import Failure


_SIGNS: Final = re.compile(rb'[{}"]')
_TEXT_END: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class _Info(msgspec.Struct):
    summary: str = ""
    definition: str | None = None
    requirementKeys: tuple[str, ...] = ()  # noqa: N815  # Xray's own name


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
    def keys(self) -> tuple[str, ...]:
        """Every key that the service may find wrong."""
        named = (self.testKey,) if self.testKey is not None else ()
        return named + (self.testInfo.requirementKeys if self.testInfo is not None else ())


@dataclass(frozen=True, slots=True)
class ExpectedTest:
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


@dataclass(slots=True, kw_only=True)
class Expected:
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
    with at.path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        position, end, index = at.offset, at.offset + at.length, 0
        while position < end:
            length = _object(mapped, position, end)
            if index not in without:
                yield ExpectedTest(
                    index,
                    Slice(path=at.path, offset=position, length=length),
                    _head(mapped[position : position + length], at.path),
                )
            position += length + 1
            index += 1


def _head(content: bytes, path: Path) -> TestHead:
    try:
        return msgspec.json.decode(content, type=TestHead)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise foreign(path) from error


def foreign(path: Path) -> UnreadableReport:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Test Runs of a Test Execution."""

    statuses: dict[str, str]
    """By Test key."""

    @property
    def counts(self) -> Counter[str]:
        """How many of each status."""
        return Counter(self.statuses.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
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


def issue_of(execution: PlannedExecution, key: str, means: Means) -> StoredExecution | None:
    """Return the issue of a key: as it was found, else asked for through the index."""
    known = means.progress.found.get(execution.id)
    if known is not None and known.number is not None and known.key == key:
        return StoredExecution(id=known.number, key=key)
    return means.store.execution(key)


def expected_of(calls: Iterable[PlannedImport], means: Means) -> Expected | None:
    """Return what requests should leave behind, those left out taken off.

    None when one of them was not converted by us.
    """
    found = Expected()
    for call in calls:
        if call.tests_at is None:
            return None
        found.add(listed(call.tests_at, means.progress.left_out.get(call.id, ())))
    return found


def read(execution: StoredExecution, means: Means) -> Stored:
    """Return the Test Runs there are now; raises Failure."""
    return Stored(statuses={run.test: run.status for run in means.store.runs(execution)})


def stable(
    execution: StoredExecution, means: Means, *, enough: Expected | None = None, quiet: float = 0.0
) -> Stored | None:
    """Return what is stored once reads agree for so many `quiet` seconds (two reads at least).

    Or at once what is `enough`.

    None when that never happens in the time there is.
    """
    held, begun, since = read(execution, means), means.left(), means.left()
    waited = still = 0.0
    while not (enough is not None and not difference(enough, held, alone=False)):
        if max(waited, begun - means.left()) >= means.patience.settle or not means.wait(means.patience.pause):
            return None
        waited += means.patience.pause
        again = read(execution, means)
        if again.statuses != held.statuses:
            held, still, since = again, 0.0, means.left()
            continue
        still += means.patience.pause
        if max(still, since - means.left()) >= quiet:  # reading much takes long, too
            return again
    return held


def difference(expected: Expected, stored: Stored, *, alone: bool) -> Difference:
    """Compare.

    `alone`: nothing else ever wrote into this Test Execution, so that numbers must be equal and not just enough.
    """
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
    return _word(one) == _word(two)


def _word(status: str) -> str:
    """Return a status word without its spelling: `TO DO` and `TODO` are one (O)."""
    return "".join(status.split()).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What reading back said of one Test Execution."""

    key: str
    sent: int
    stored: int
    """Test Runs that it holds, whoever put them there."""
    failure: Failure | None = None


def reconcile(plan: Plan, means: Means) -> tuple[Reconciled, ...]:
    """Compare every Test Execution whose requests are all done; raises Failure when Xray cannot be read."""
    found = []
    for execution in plan.executions:
        ended = [means.progress.ended.get(call.id) for call in execution.calls]
        first = ended[0] if ended else None
        if (
            first is not None
            and all(each is not None for each in ended)
            and (row := _compared(execution, first.key, means))
        ):
            found.append(row)
    return tuple(found)


def _compared(execution: PlannedExecution, key: str, means: Means) -> Reconciled | None:
    """Return what is stored; None for reports that were not converted by us, where nobody knows what to expect."""
    expected = expected_of(execution.calls, means)
    issue = issue_of(execution, key, means)
    if expected is None:
        return None
    if issue is None:
        return Reconciled(key=key, sent=expected.tests, stored=0, failure=_lost(key))
    alone = execution.marker is not None and not execution.marker.look
    stored = read(issue, means)
    if difference(expected, stored, alone=alone):
        stored = stable(issue, means, enough=expected) or stored
    found = difference(expected, stored, alone=alone)
    means.note(Checked(execution=execution.id, right=not found))
    failure = None
    if found:
        failure = PartlyImported(
            f"what Xray stores in {key} is not what was sent",
            where=key,
            answer="\n".join(found.lines()),
            service="Xray",
            advice="A status may not exist on this site (`statuses`), or results are missing: correct "
            f"what is named above, then run again with `test-execution: {key}`.",
        )
    return Reconciled(key=key, sent=expected.tests, stored=len(stored.statuses), failure=failure)


def _lost(key: str) -> Failure:
    return PartlyImported(
        f"{key} cannot be read back",
        where=key,
        service="Xray",
        advice="Look whether it is there, and whether the user of the API key may see it.",
    )
