"""Which results stand for the others of their Test, and what their text says of that.

Folds partition by partition, marks what is not sent, and changes the text of those that stand for several: a line in the
comment, or a list of iterations.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.xray import comments, fold
from xray_ci.xray.spool import Partitions

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.model import Outcome
    from xray_ci.xray.counts import Counts
    from xray_ci.xray.notices import Notices
    from xray_ci.xray.render import Options
    from xray_ci.xray.validate import Checker

LEFT_OUT: Final = 1
"""State of a result that is not sent: folded away, invalid, or of a dropped report."""
REPEATED: Final = 2
ITERATED: Final = 3
EXAMPLED: Final = 4
NAME: Final = "~name"
"""Property that holds a case's name in the spooled text while it may become the name of an iteration."""
_STRETCH: Final = 14
"""Results are looked at in stretches of 2^14, so that notes about them are never all in memory."""
_COUNTS: Final = struct.Struct(f"<I{len(fold.OUTCOMES)}I")
_MEMBER: Final = struct.Struct("<II")
_SHOWN: Final = {"worst": "the worst", "best": "the best", "last": "the last", "iterations": "the worst"}
_COMMENT: Final = b',"comment":'


class _Comment(msgspec.Struct):
    comment: str | None = None


class Repeats:
    """Knows what became of the results of each Test."""

    def __init__(self, work: Path, rendering: Options, checker: Checker, notices: Notices, policy: str) -> None:
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

    def settle(self, index: Partitions, states: bytearray, counts: Counts) -> None:
        """Fold all results: set the state of each in `states`, and the numbers of Tests in `counts`."""
        stretches = (len(states) >> _STRETCH) + 1
        self._count_notes = Partitions(self._work / "repeats", stretches)
        self._member_notes = Partitions(self._work / "members", stretches)
        iterated = False
        for number in range(len(index)):
            folded = fold.fold(index.read(number), self._policy, states)
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

    def _together(self, group: fold.Group) -> int | None:
        """Return the state of a winner that takes all results of its group in; None, and the reason counted, when it does not."""
        exampled = bool(group.code & fold.EXAMPLED)
        if not exampled and not self.named:
            return None
        if group.members is None:
            if self.named:
                self._notices.add("iterations-folded")
            return None
        if len(group.members) > fold.MOST_ITERATIONS:
            self._notices.add("iterations-too-many")
            return None
        return EXAMPLED if exampled else ITERATED

    def _move(self, number: int) -> None:
        """Load the notes about the stretch of a result."""
        stretch = number >> _STRETCH
        if stretch == self._stretch:
            return
        self._stretch = stretch
        self._counts = {row[0]: {fold.OUTCOMES[index]: count for index, count in enumerate(row[1:]) if count}
                        for row in _COUNTS.iter_unpack(self._count_notes.read(stretch))}
        self._members = {}
        for winner, member in _MEMBER.iter_unpack(self._member_notes.read(stretch)):
            self._members.setdefault(winner, []).append(member)

    def _commented(self, text: bytes, counts: dict[Outcome, int]) -> bytes:
        """Return the text of a test with one more line in its comment, which is its last property."""
        held = msgspec.json.decode(text, type=_Comment).comment
        head = text[:-1] if held is None else text[:text.rindex(_COMMENT)]
        return head + _COMMENT + msgspec.json.encode(comments.with_repeats(held, counts, _SHOWN[self._policy])) + b"}"

    def _iterated(self, number: int, text: bytes) -> bytes:
        """Return the text of a test with one iteration for each of its results; unchanged where Xray would refuse it."""
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
