"""Several results for one Test become one: which wins, and what its text says of the others.

Records of fixed size lie on disk by partition: a digest of what identifies the Test, the number of the result, and its
outcome. Two results belong together when their digests are equal; of 16 bytes that happens by chance in no run.
Partition by partition what is not sent is marked, and what stands for several gets a line in its comment, or a list of
iterations. Memory is bounded by `memory` whatever the size of the run; the caller owns the folder and removes it.

Knows records and texts of results; knows nothing of Tests in Xray.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from xray_ci.model import Outcome
from xray_ci.xray import escaping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.xray.identities import Identities
    from xray_ci.xray.notices import CaseCounts, Notices
    from xray_ci.xray.render import RenderOptions
    from xray_ci.xray.validate import Checker


IDENTITY: Final = 0x08
"""Bit of a code: found or created by identity, not named by key."""
OUTCOMES: Final = (Outcome.PASSED, Outcome.SKIPPED, Outcome.OTHER, Outcome.FAILED, Outcome.ERROR)
"""Outcome of a code's low bits, from good to bad; the last two are equally bad."""
STEPPED: Final = 0x10
"""Bit of a code: the Test is step-based and found by identity, so its results can become iterations."""
HAS_EXAMPLES: Final = 0x20
"""Bit of a code: the result is of example rows of a Scenario Outline, which belong together in one Test Run."""
RETRIED: Final = 0x40
"""Bit of a code: an earlier attempt that its report holds as a result of its own."""
_LOW: Final = 0x07
_WORST: Final = 3
MOST_ITERATIONS: Final = 1_000
"""Results that can become iterations of one result."""


class RepeatedResults(Struct):
    """Results of one Test: the winner's number and code, how many of each code, and all numbers where they matter."""

    winner: int
    code: int
    counts: list[int]
    members: list[int] | None = None
    first: int = 0
    """Number of the first result."""


class Merged(Struct, frozen=True):
    """Outcome of merging."""

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


def merge(  # noqa: PLR0917  # what is known of a run
    numbers: Iterable[int],
    codes: bytearray,
    identity: Callable[[int], object],
    policy: str,
    left_out: bytearray,
    places: Identities,
) -> Merged:
    """Merge the results that may be of one Test with others, in their order.

    `identity` says exactly whose a result is. `left_out` has one byte a result, not zero for one that does not count
    (its report was dropped, or it is invalid). With `iterations` the winner is the worst, as with `worst`. The members
    are told of a step-based Test with `iterations`, and of example rows always (one more than `MOST_ITERATIONS` when
    there are more). `last` is the one that began last, where both say when; else the later one. An earlier attempt
    never stands for others.
    """
    losers: list[int] = []
    first: dict[object, int] = {}
    groups: dict[object, RepeatedResults] = {}
    for number in numbers:
        if left_out[number]:
            continue
        whose = identity(number)
        held = first.setdefault(whose, number)
        if held == number:
            continue
        group = groups.get(whose)
        if group is None:
            code = codes[held]
            together = code & HAS_EXAMPLES or (policy == "iterations" and code & STEPPED)
            members = [held] if together else None
            group = groups[whose] = RepeatedResults(held, code, [0] * len(OUTCOMES), members, held)
            group.counts[code & _LOW] = 1
        if codes[number] & IDENTITY:  # a key is its author's choice
            places.meet(held, number)
        losers.append(_settle(group, number, codes[number], policy, places))
    return Merged(tuple(losers), tuple(groups.values()))


def _settle(group: RepeatedResults, number: int, new: int, policy: str, places: Identities) -> int:
    """Put one more result into a group; return the number of the one that loses."""
    group.counts[new & _LOW] += 1
    if group.members is not None and len(group.members) <= MOST_ITERATIONS:
        group.members.append(number)
    if (group.code ^ new) & RETRIED:
        wins = not new & RETRIED
    else:
        wins = better(policy, group.code, new) and not (policy == "last" and places.earlier(number, group.winner))
    if not wins:
        return number
    loser, group.winner, group.code = group.winner, number, new
    return loser


def counts(group: RepeatedResults) -> dict[Outcome, int]:
    """Return how many results of each outcome a Test had, good ones first."""
    return {OUTCOMES[index]: count for index, count in enumerate(group.counts) if count}


LEFT_OUT: Final = 1
"""State of a result that is not sent: merged into another, invalid, or of a dropped report."""
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


class _Info(msgspec.Struct, rename="camel"):
    project_key: str
    summary: str
    type: str | None = None
    test_type: str | None = None
    definition: str | None = None


class _Whose(msgspec.Struct, rename="camel"):
    test_key: str | None = None
    test_info: _Info | None = None


class Repeats:
    """Knows what became of the results of each Test."""

    def __init__(
        self,
        work: Path,
        rendering: RenderOptions,
        checker: Checker,
        notices: Notices,
        policy: str,
        *,
        groups: Sequence[int],
        identities: Identities,
    ) -> None:
        """Take for each result the number of its Test Execution as `groups`; empty where there is only one."""
        self._work = work
        self._groups = groups
        self._identities = identities
        self._whose = msgspec.json.Decoder(_Whose).decode
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

    def settle(self, results: Results, counts: CaseCounts) -> None:
        """Merge all results: set the state of each, and the numbers of Tests in `counts`."""
        states, codes = results.states, results.codes
        stretches = (len(states) >> _STRETCH) + 1
        self._count_notes = Partitions(self._work / "repeats", stretches)
        self._member_notes = Partitions(self._work / "members", stretches)
        counts.tests_by_identity = results.by_identity()
        counts.tests_by_key = len(states) - states.count(LEFT_OUT) - counts.tests_by_identity
        for meeting in results.meeting():
            if self._lines is None:
                self._map_lines()
            merged = merge(meeting, codes, self._identity, self._policy, states, self._identities)
            counts.merged += len(merged.losers)
            for loser in merged.losers:
                states[loser] = LEFT_OUT
                if codes[loser] & IDENTITY:
                    counts.tests_by_identity -= 1
                else:
                    counts.tests_by_key -= 1
            for group in merged.groups:
                states[group.winner] = REPEATED
                self._identities.won(group.first, group.winner)
                self._count_notes.add(group.winner >> _STRETCH, _COUNTS.pack(group.winner, *group.counts))
                together = self._together(group)
                if together is not None:
                    states[group.winner] = together
                    for member in group.members or ():
                        self._member_notes.add(group.winner >> _STRETCH, _MEMBER.pack(group.winner, member))

    def text(self, number: int, state: int, text: bytes) -> bytes:
        """Return the text to send for a result that was given its state by `settle`; numbers only rise."""
        if self.named:
            text = _unnamed(text)
        if state not in (REPEATED, ITERATED, EXAMPLED):
            return text
        self._move(number)
        if number in self._identities.examples:
            self._identities.named(number, text)
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
                self._notices.add("iterations-merged")
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
        return head + _COMMENT + msgspec.json.encode(escaping.with_repeats(held, counts, _SHOWN[self._policy])) + b"}"

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
            self._notices.add("iterations-merged")
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
        with (self._work / LINES).open("rb") as lines, (self._work / "offsets").open("wb") as out:
            batch = array("Q")
            for line in lines:
                batch.append(position)
                position += len(line)
                if len(batch) >= 1 << _STRETCH:
                    batch.tofile(out)
                    batch = array("Q")
            batch.append(position)
            batch.tofile(out)
        with (self._work / LINES).open("rb") as lines, (self._work / "offsets").open("rb") as offsets:
            self._lines = mmap.mmap(lines.fileno(), 0, access=mmap.ACCESS_READ)
            self._offsets = mmap.mmap(offsets.fileno(), 0, access=mmap.ACCESS_READ)

    def _line(self, number: int) -> bytes:
        assert self._lines is not None and self._offsets is not None  # noqa: S101, PT018  # mapped before results meet
        first, last = struct.unpack_from("=2Q", self._offsets, number * 8)
        return self._lines[first:last].removesuffix(BETWEEN)

    def _identity(self, number: int) -> object:
        """Return whose a result is: its Test Execution, and the Test's key or what finds it."""
        test = self._whose(self._line(number))
        group = self._groups[number] if self._groups else None
        if (info := test.test_info) is None:
            return group, test.test_key
        return group, info.type or info.test_type, info.project_key, info.definition or info.summary


def _unnamed(text: bytes) -> bytes:
    """Return the text of a test without the name kept in it."""
    if b'"' + NAME.encode() + b'":' not in text:
        return text
    test: dict[str, Any] = msgspec.json.decode(text)
    test.pop(NAME, None)
    return msgspec.json.encode(test)


LINES: Final = "lines"
"""File of the tests as they come, a line each."""
BETWEEN: Final = b",\n"
"""Between two tests of a file: each is a line, and the lines are the list of a request."""
_PARTS: Final = 256
_FEW: Final = 1 << 17
"""Results that are looked at together."""


class Results:
    """Of each result of a run, by its number: its state, its code, and eight bytes by which those of one Test meet."""

    def __init__(self) -> None:
        self.states = bytearray()
        """One byte a result; not zero for one that is not sent as it is."""
        self.codes = bytearray()
        self.hashes = array("q")

    def by_identity(self) -> int:
        """Return how many results count whose Test is found or created."""
        codes, states = self.codes, self.states
        every = sum(codes.count(code) for code in range(256) if code & IDENTITY)
        if not states.count(LEFT_OUT):
            return every
        return every - sum(
            state == LEFT_OUT and bool(code & IDENTITY) for state, code in zip(states, codes, strict=True)
        )

    def meeting(self) -> Iterator[list[int]]:
        """Yield numbers of results with equal hashes, in their order: all of a Test that has more than one.

        Different Tests may meet by chance; a part of the run at a time, so that memory is four bytes a result.
        """
        hashes = self.hashes
        if len(hashes) <= _FEW and len(set(hashes)) == len(hashes):
            return
        parts = [array("I") for _ in range(_PARTS)]
        adders = [part.append for part in parts]
        for number, value in enumerate(hashes):
            adders[value & 255](number)
        for part in parts:
            values = [hashes[number] for number in part]
            if len(set(values)) < len(values):
                many = Counter(values)
                yield [number for number, value in zip(part, values, strict=True) if many[value] > 1]


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
