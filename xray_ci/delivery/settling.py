"""What Xray stores, read back: whether a request that may have been done was, and whether everything arrived at the end.

Xray goes on working after a timeout (O), so a read counts only when a second one, a little later, agrees. Knows expectations and
Test Runs; sends nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xray_ci.delivery.expected import Expected, listed
from xray_ci.services.stored import StoredExecution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import PlannedExecution, PlannedImport

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
    """Return what requests should leave behind, those left out taken off; None when one of them was not converted by us."""
    found = Expected()
    for call in calls:
        if call.tests_at is None:
            return None
        found.add(listed(call.tests_at, means.progress.left_out.get(call.id, ())))
    return found


def read(execution: StoredExecution, means: Means) -> Stored:
    """Return the Test Runs there are now; raises Failure."""
    return Stored(statuses={run.test: run.status for run in means.store.runs(execution)})


def stable(execution: StoredExecution, means: Means, *, enough: Expected | None = None, quiet: float = 0.0) -> Stored | None:
    """Return what is stored once reads agree for so many `quiet` seconds (two reads at least), or at once what is `enough`.

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
    """Compare; `alone`: nothing else ever wrote into this Test Execution, so that numbers must be equal and not just enough."""
    missing = tuple(key for key in expected.keyed if key not in stored.statuses)
    other = tuple((key, sent, stored.statuses[key]) for key, sent in expected.keyed.items()
                  if key in stored.statuses and not _same(stored.statuses[key], sent))
    have, want = _canonical(stored.counts), _canonical(expected.statuses)
    fewer = tuple((status, count, have[status]) for status, count in want.items()
                  if have[status] < count or (alone and have[status] != count)) if expected.others else ()
    more = {status for status, count in have.items() if count > want[status]} if fewer else set()
    suspects = tuple(key for key, status in stored.statuses.items() if _word(status) in more and key not in expected.keyed)
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
