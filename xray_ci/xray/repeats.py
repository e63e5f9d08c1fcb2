"""Several results for one Test become one: which wins, and what is said of the others. Pure.

Knows records of fixed size: a digest of what identifies the Test, the number of the result, and its outcome. Two
results belong together when their digests are equal; of 16 bytes that happens by chance in no run.

Which results stand for the others of their Test, and what their text says of that.

Folds partition by partition, marks what is not sent, and changes the text of those that stand for several: a line in
the comment, or a list of iterations.

What is known of a run so far, on disk: lines in order, and fixed-size records by partition.

Knows bytes only. Memory is bounded by `memory` whatever the size of the run; the caller owns the folder and removes it.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.model import Outcome
from xray_ci.xray import comments

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.xray.notices import CaseCounts, Notices
    from xray_ci.xray.render import RenderOptions
    from xray_ci.xray.validate import Checker


RECORD: Final = struct.Struct("<16sIB")
"""Digest of the identity, number of the result in the run, code."""
IDENTITY: Final = 0x08
"""Bit of a code: found or created by identity, not named by key."""
OUTCOMES: Final = (Outcome.PASSED, Outcome.SKIPPED, Outcome.OTHER, Outcome.FAILED, Outcome.ERROR)
"""Outcome of a code's low bits, from good to bad; the last two are equally bad."""
STEPPED: Final = 0x10
"""Bit of a code: the Test is step-based and found by identity, so its results can become iterations."""
HAS_EXAMPLES: Final = 0x20
"""Bit of a code: the result is of example rows of a Scenario Outline, which belong together in one Test Run."""
_LOW: Final = 0x07
_WORST: Final = 3
MOST_ITERATIONS: Final = 1_000
"""Results that can become iterations of one result."""


@dataclass(slots=True)
class RepeatedResults:
    """Results of one Test: the winner's number and code, how many of each code, and all numbers where they matter."""

    winner: int
    code: int
    counts: list[int]
    members: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """Outcome of folding one partition."""

    keys: int
    """Distinct Tests named by key."""
    identities: int
    losers: tuple[int, ...]
    """Numbers of results that are not sent on their own."""
    groups: tuple[RepeatedResults, ...]
    """Tests with more than one result."""


def better(policy: str, held: int, new: int) -> bool:
    """Say whether a later result replaces the one held, under `repeats`; the first of equals stays."""
    if policy == "last":
        return True
    rank_held, rank_new = min(held & _LOW, _WORST), min(new & _LOW, _WORST)
    return rank_new < rank_held if policy == "best" else rank_new > rank_held


def fold(records: bytes, policy: str, left_out: bytearray) -> Folded:
    """Fold one partition.

    `left_out` has one byte a result, not zero for one that does not count (its report was dropped, or it is invalid).
    With `iterations` the winner is the worst, as with `worst`. The members are told of a step-based Test with
    `iterations`, and of example rows always (one more than `MOST_ITERATIONS` when there are more).
    """
    keys = identities = 0
    losers: list[int] = []
    first: dict[bytes, tuple[bytes, int, int]] = {}
    groups: dict[bytes, RepeatedResults] = {}
    for record in RECORD.iter_unpack(records):
        number = record[1]
        if left_out[number]:
            continue
        held = first.setdefault(record[0], record)
        if held is record:
            if record[2] & IDENTITY:
                identities += 1
            else:
                keys += 1
            continue
        group = groups.get(record[0])
        if group is None:
            together = held[2] & HAS_EXAMPLES or (policy == "iterations" and held[2] & STEPPED)
            members = [held[1]] if together else None
            group = groups[record[0]] = RepeatedResults(held[1], held[2], [0] * len(OUTCOMES), members)
            group.counts[held[2] & _LOW] = 1
        losers.append(_settle(group, number, record[2], policy))
    return Folded(keys, identities, tuple(losers), tuple(groups.values()))


def _settle(group: RepeatedResults, number: int, new: int, policy: str) -> int:
    """Put one more result into a group; return the number of the one that loses."""
    group.counts[new & _LOW] += 1
    if group.members is not None and len(group.members) <= MOST_ITERATIONS:
        group.members.append(number)
    if not better(policy, group.code, new):
        return number
    loser, group.winner, group.code = group.winner, number, new
    return loser


def counts(group: RepeatedResults) -> dict[Outcome, int]:
    """Return how many results of each outcome a Test had, good ones first."""
    return {OUTCOMES[index]: count for index, count in enumerate(group.counts) if count}


LEFT_OUT: Final = 1
"""State of a result that is not sent: folded away, invalid, or of a dropped report."""
REPEATED: Final = 2
ITERATED: Final = 3
EXAMPLED: Final = 4
NAME: Final = "~name"
"""Property that holds a case's name in the spooled text while it may become the name of an iteration."""
_STRETCH: Final = 14
"""Results are looked at in stretches of 2^14, so that notes about them are never all in memory."""
_COUNTS: Final = struct.Struct(f"<I{len(OUTCOMES)}I")
_MEMBER: Final = struct.Struct("<II")
_SHOWN: Final = {"worst": "the worst", "best": "the best", "last": "the last", "iterations": "the worst"}
_COMMENT: Final = b',"comment":'


class _Comment(msgspec.Struct):
    comment: str | None = None


class Repeats:
    """Knows what became of the results of each Test."""

    def __init__(self, work: Path, rendering: RenderOptions, checker: Checker, notices: Notices, policy: str) -> None:
        self._work = work
        self._rendering = rendering
        self._checker = checker
        self._notices = notices
        self._policy = policy
        self.named = policy == "iterations"
        """Whether spooled texts may hold names that have to be taken out."""
        self._stretch = -1
        self._counts: dict[int, dict[Outcome, int]] = {}
        self._members: dict[int, list[int]] = {}
        self._count_notes = self._member_notes = Partitions(work / "repeats", 1)
        self._lines: mmap.mmap | None = None
        self._offsets: mmap.mmap | None = None

    def settle(self, index: Partitions, states: bytearray, counts: CaseCounts) -> None:
        """Fold all results: set the state of each in `states`, and the numbers of Tests in `counts`."""
        stretches = (len(states) >> _STRETCH) + 1
        self._count_notes = Partitions(self._work / "repeats", stretches)
        self._member_notes = Partitions(self._work / "members", stretches)
        iterated = False
        for number in range(len(index)):
            folded = fold(index.read(number), self._policy, states)
            counts.tests_by_key += folded.keys
            counts.tests_by_identity += folded.identities
            counts.folded += len(folded.losers)
            for loser in folded.losers:
                states[loser] = LEFT_OUT
            for group in folded.groups:
                states[group.winner] = REPEATED
                self._count_notes.add(group.winner >> _STRETCH, _COUNTS.pack(group.winner, *group.counts))
                together = self._together(group)
                if together is not None:
                    iterated = True
                    states[group.winner] = together
                    for member in group.members or ():
                        self._member_notes.add(group.winner >> _STRETCH, _MEMBER.pack(group.winner, member))
        if iterated:
            self._map_lines()

    def text(self, number: int, state: int, text: bytes) -> bytes:
        """Return the text to send for a result that was given its state by `settle`; numbers only rise."""
        if self.named:
            text = _unnamed(text)
        if state not in (REPEATED, ITERATED, EXAMPLED):
            return text
        self._move(number)
        if state == ITERATED:
            text = self._iterated(number, text)
        elif state == EXAMPLED:
            text = self._exampled(number, text)
        if self._rendering.comments == "none":
            return text
        return self._commented(text, self._counts[number])

    def close(self) -> None:
        """Let go of the mapped files."""
        for mapped in (self._lines, self._offsets):
            if mapped is not None:
                mapped.close()

    def _together(self, group: RepeatedResults) -> int | None:
        """Return the state of a winner that takes all results of its group in.

        None, and the reason counted, when it does not.
        """
        exampled = bool(group.code & HAS_EXAMPLES)
        if not exampled and not self.named:
            return None
        if group.members is None:
            if self.named:
                self._notices.add("iterations-folded")
            return None
        if len(group.members) > MOST_ITERATIONS:
            self._notices.add("iterations-too-many")
            return None
        return EXAMPLED if exampled else ITERATED

    def _move(self, number: int) -> None:
        """Load the notes about the stretch of a result."""
        stretch = number >> _STRETCH
        if stretch == self._stretch:
            return
        self._stretch = stretch
        self._counts = {
            row[0]: {OUTCOMES[index]: count for index, count in enumerate(row[1:]) if count}
            for row in _COUNTS.iter_unpack(self._count_notes.read(stretch))
        }
        self._members = {}
        for winner, member in _MEMBER.iter_unpack(self._member_notes.read(stretch)):
            self._members.setdefault(winner, []).append(member)

    def _commented(self, text: bytes, counts: dict[Outcome, int]) -> bytes:
        """Return the text of a test with one more line in its comment, which is its last property."""
        held = msgspec.json.decode(text, type=_Comment).comment
        head = text[:-1] if held is None else text[: text.rindex(_COMMENT)]
        return head + _COMMENT + msgspec.json.encode(comments.with_repeats(held, counts, _SHOWN[self._policy])) + b"}"

    def _iterated(self, number: int, text: bytes) -> bytes:
        """Return the text of a test with one iteration for each of its results.

        Unchanged where Xray would refuse it.
        """
        test: dict[str, Any] = msgspec.json.decode(text)
        iterations: list[dict[str, Any]] = []
        for member in self._members[number]:
            iterations += self._iterations(msgspec.json.decode(self._line(member)))
        for name in ("steps", "examples", "iterations"):
            test.pop(name, None)
        comment = test.pop("comment", None)
        test["iterations"] = iterations
        if comment is not None:
            test["comment"] = comment
        if not self._checker.valid(test):
            self._notices.add("iterations-folded")
            return text
        return msgspec.json.encode(test)

    def _exampled(self, number: int, text: bytes) -> bytes:
        """Return the text of a Scenario Outline's Test with the rows of all its results, in their order."""
        rows: list[str] = []
        for member in self._members[number]:
            rows += msgspec.json.decode(self._line(member)).get("examples", ())
        test: dict[str, Any] = msgspec.json.decode(text)
        return msgspec.json.encode({name: rows if name == "examples" else value for name, value in test.items()})

    def _iterations(self, member: dict[str, Any]) -> list[dict[str, Any]]:
        """Return one result as iterations: its own, or itself as one."""
        own: list[dict[str, Any]] | None = member.get("iterations")
        if own:
            return own
        name = member.get(NAME)
        iteration: dict[str, Any] = {"name": name} if name else {}
        iteration["status"] = member["status"]
        if "steps" in member:
            iteration["steps"] = member["steps"]
        if self._rendering.deployment.dialect.iteration_log and "comment" in member:
            iteration["log"] = member["comment"]
        return [iteration]

    def _map_lines(self) -> None:
        """Make lines of the spool addressable by number, without holding them."""
        position = 0
        with (self._work / "lines").open("rb") as lines, (self._work / "offsets").open("wb") as out:
            batch = array("Q")
            for line in lines:
                batch.append(position)
                position += len(line)
                if len(batch) >= 1 << _STRETCH:
                    batch.tofile(out)
                    batch = array("Q")
            batch.append(position)
            batch.tofile(out)
        with (self._work / "lines").open("rb") as lines, (self._work / "offsets").open("rb") as offsets:
            self._lines = mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
            self._offsets = mmap.mmap(offsets.fileno(), 0, access=mmap.ACCESS_READ)

    def _line(self, number: int) -> bytes:
        assert self._lines is not None and self._offsets is not None  # noqa: S101, PT018  # mapped before the first ITERATED
        first, last = struct.unpack_from("=2Q", self._offsets, number * 8)
        return self._lines[first:last]


def _unnamed(text: bytes) -> bytes:
    """Return the text of a test without the name kept in it."""
    if b'"' + NAME.encode() + b'":' not in text:
        return text
    test: dict[str, Any] = msgspec.json.decode(text)
    test.pop(NAME, None)
    return msgspec.json.encode(test)


MEMORY: Final = 1 << 20
"""Bytes of records kept in memory before they go to disk."""


class Partitions:
    """Records grouped by partition number; the order within a partition is the order of adding."""

    def __init__(self, path: Path, count: int, *, memory: int = MEMORY) -> None:
        self._path = path
        self._memory = memory
        self._held = 0
        self._spilled: list[array[int]] = []
        self.parts = [bytearray() for _ in range(count)]
        """Where records are appended; after some, call `grown`. Offered bare because it is done once a result."""

    def add(self, number: int, record: bytes) -> None:
        """Append one record to a partition."""
        self.parts[number] += record
        self.grown(len(record))

    def grown(self, size: int) -> None:
        """Take note of that many bytes appended; spill to disk when it is too much for memory."""
        self._held += size
        if self._held >= self._memory:
            self._spill()

    def read(self, number: int) -> bytes:
        """Return all records of a partition, oldest first."""
        pieces = []
        if self._spilled:
            with self._path.open("rb") as source:
                for offsets in self._spilled:
                    source.seek(offsets[number])
                    pieces.append(source.read(offsets[number + 1] - offsets[number]))
        pieces.append(bytes(self.parts[number]))
        return b"".join(pieces)

    def __len__(self) -> int:
        return len(self.parts)

    def _spill(self) -> None:
        offsets = array("Q")
        with self._path.open("ab") as out:
            position = out.tell()
            for part in self.parts:
                offsets.append(position)
                position += len(part)
            offsets.append(position)
            out.write(b"".join(self.parts))
        self._spilled.append(offsets)
        for part in self.parts:
            part.clear()
        self._held = 0
