"""A refused request made smaller: tests go without their evidence, or in parts, until the refused ones are found.

They are found by keys that the answer names, then by asking which keys are Tests, else by halving. A refusal that every
part gets alike is one of the whole request and is not searched further.

Knows ranges of tests on disk, and how our own writer puts evidence into them: in a test that something else wrote none
is found. Knows no service; what sends is handed in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace
from msgspec.structs import replace as changed

from xray_ci.delivery.plan import PlannedBody, PlannedForm
from xray_ci.delivery.progress import LeftOut, Lightened
from xray_ci.delivery.reconcile import listed, unreadable
from xray_ci.errors import Failure, Interrupted, Refused, TooLarge, many
from xray_ci.patterns import lazy
from xray_ci.services.store import KEY, PAGE, EvidenceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from xray_ci.delivery.plan import PlannedImport, PlannedPiece
    from xray_ci.delivery.progress import Context, Progress
    from xray_ci.delivery.reconcile import ExpectedTest
    from xray_ci.services.body import Slice


_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Inside of a JSON text every quote is escaped, so this is always the name of a member.
_BEGINS: Final = b',"evidence'
_OPENING: Final = lazy(rb',"evidences?":\[(?=\{"filename":)')
_ITEM: Final = lazy(
    rb',?\{"filename":(?P<name>'
    + _TEXT
    + rb'),"contentType":(?P<type>'
    + _TEXT
    + rb'),"data":"(?P<data>[A-Za-z0-9+/=]*+)"\}',
    re.DOTALL,
)


def lightened(test: ExpectedTest) -> tuple[ExpectedTest, tuple[EvidenceFile, ...]]:
    """Return a test without its evidence, and the files in their order; itself and () where it has none of ours."""
    start, stop = test.at.offset, test.at.offset + test.at.length
    files: list[EvidenceFile] = []
    parts: list[Slice] = []
    with test.at.mapped() as mapped:
        kept = position = start
        while found := _OPENING.search(mapped, position, stop):
            position = found.end()
            items = []
            while item := _ITEM.match(mapped, position, stop):
                items.append(item)
                position = item.end()
            if mapped[position : position + 1] != b"]":
                continue
            position += 1
            files += [_file(test, item) for item in items]
            parts.append(test.at.part(kept, found.start() - kept))
            kept = position
    if not files:
        return test, ()
    parts.append(test.at.part(kept, stop - kept))
    return replace(test, parts=tuple(parts)), tuple(files)


def heavy(call: PlannedImport, least: int, progress: Progress) -> Iterator[tuple[ExpectedTest, int]]:
    """Yield the tests of a converted request that have a file of `least` bytes, each with how many files it has.

    Costs a plain search where the request has no evidence of ours.
    """
    at = call.tests_at
    if at is None or call.size < least:
        return
    if not _holds_evidence(at):
        return
    for test in listed(at, progress.left_out.get(call.id, ())):
        if test.at.length > least:
            files = lightened(test)[1]
            if any(file.size >= least for file in files):
                yield test, len(files)


def _holds_evidence(at: Slice) -> bool:
    """Say whether evidence begins somewhere, read piece by piece: a mapped file counts as memory of the process."""
    kept = b""
    for piece in at.read():
        if _BEGINS in piece or _BEGINS in kept + piece[: len(_BEGINS)]:
            return True
        kept = piece[-len(_BEGINS) :]
    return False


def to_send(call: PlannedImport, progress: Progress) -> Iterator[ExpectedTest]:
    """Yield the tests of a converted request as they are to be sent.

    Without those left out, and light where that was decided.
    """
    if call.tests_at is None:
        return
    light = progress.light.get(call.id, {})
    for test in listed(call.tests_at, progress.left_out.get(call.id, ())):
        yield lightened(test)[0] if test.index in light else test


def _file(test: ExpectedTest, item: re.Match[bytes]) -> EvidenceFile:
    data = test.at.part(item.start("data"), item.end("data") - item.start("data"))
    try:
        name, kind = (msgspec.json.decode(item[part], type=str) for part in ("name", "type"))
    except (msgspec.MsgspecError, ValueError) as error:  # it may come from a state folder that somebody wrote into
        raise unreadable(test.at.path) from error
    return EvidenceFile(filename=name, content_type=kind, data=(data,))


LIMIT: Final = 64
"""Requests that the search for refused tests may cost."""
FEW: Final = 8
"""Tests with a key that the index does not know which are tried one by one: one of them may be new."""
Send: TypeAlias = "Callable[[Sequence[ExpectedTest]], None]"


class _Search(Struct):
    """One search: how many requests it may still send, and what it knows."""

    call: PlannedImport
    send: Send
    context: Context
    left: int = LIMIT
    asked: set[str] = field(default_factory=set)
    """Keys of which it was asked whether they are Tests."""
    unknown: set[str] = field(default_factory=set)
    """Those among them that the index does not know."""
    mute: bool = False
    """Whether that cannot be asked."""
    sent: bool = False
    """Whether some of the tests were accepted."""
    certain: bool = True
    """Whether each test that is left out has a key that is no Test, or that the answer names."""
    stored: bool = False
    """Whether some of the tests may be stored already, as an earlier request had them."""
    without_evidence: Refused | None = None
    """What was said to tests that were too large before."""
    out: dict[int, LeftOut] = field(default_factory=dict)
    """Tests that go to nobody, by their place."""

    def try_(self, tests: Sequence[ExpectedTest]) -> Refused | None:
        """Send some tests; return the refusal, if they are refused. Raises every other Failure."""
        if not tests:
            return None
        if self.left <= 0:
            return Refused("the search for the refused tests was given up: too many requests were refused")
        self.left -= 1
        try:
            self.send(tests)
        except Refused as refusal:
            return refusal
        self.sent = True
        return None

    def leave_out(self, tests: Iterable[ExpectedTest], refusal: Refused, *, certain: bool = False) -> None:
        """Remember tests that go to nobody."""
        self.certain = self.certain and certain
        for test in tests:
            self.out[test.index] = LeftOut(
                call=self.call.id, index=test.index, test=test.head.name[:200], reason=_words(refusal)
            )

    def sift(self, tests: Sequence[ExpectedTest], refusal: Refused) -> None:
        """Send what can be sent of tests that were refused together, and leave out the others."""
        named = set(KEY.findall(refusal.answer or ""))
        if guilty := [test for test in tests if named & set(test.head.keys)]:
            self.leave_out(guilty, refusal, certain=True)
            self._retry(_without(tests, guilty))
        elif (light := self._lighter(tests, refusal)) is not None:
            again = self.try_(light)
            if again is not None:
                self.without_evidence = again
                self.sift(light, again)
        elif suspects := self._unknown(tests, refusal):
            self._retry(_without(tests, suspects))
            # The index may not know a Test yet that was made a moment ago.
            again = self.try_(suspects) if len(suspects) < len(tests) else refusal
            if again is not None:
                self._each(suspects, again)
        elif len(tests) == 1:
            self.leave_out(tests, refusal)
        else:
            self._halves(tests[: len(tests) // 2], tests[len(tests) // 2 :])

    def _each(self, tests: Sequence[ExpectedTest], refusal: Refused) -> None:
        """Leave out tests whose key the index does not know.

        Where they are few, only those that are refused alone as well.
        """
        for test in tests:
            alone = self.try_([test]) if 1 < len(tests) <= FEW else refusal
            if alone is not None:
                self.leave_out([test], alone, certain=True)

    def _lighter(self, tests: Sequence[ExpectedTest], refusal: Refused) -> list[ExpectedTest] | None:
        """Return the tests without the evidence of the heaviest, where that is most of what is too large.

        None where it is not, and where it may be stored already: there it would be added once more.
        """
        if self.stored and len(tests) > 1:
            return None
        heaviest = max(tests, key=lambda test: test.size)
        if not isinstance(refusal, TooLarge) or 2 * heaviest.size < sum(test.size for test in tests):
            return None
        light, files = lightened(heaviest) if not heaviest.parts else (heaviest, ())
        if not files:
            return None
        self.context.tell(
            f"{heaviest.head.name[:200]}: its evidence, {many(len(files), 'file')}, goes after the results"
        )
        self.context.note(Lightened(call=self.call.id, index=heaviest.index, files=len(files)))
        return [light if test.index == heaviest.index else test for test in tests]

    def _retry(self, tests: Sequence[ExpectedTest]) -> None:
        again = self.try_(tests)
        if again is not None:
            self.sift(tests, again)

    def _halves(self, first: Sequence[ExpectedTest], second: Sequence[ExpectedTest]) -> None:
        one, two = self.try_(first), self.try_(second)
        if one is not None and two is not None and self._general(first, second, one, two):
            self.leave_out((*first, *second), one)
            return
        for half, refusal in ((first, one), (second, two)):
            if refusal is not None:
                self.sift(half, refusal)

    def _general(
        self, first: Sequence[ExpectedTest], second: Sequence[ExpectedTest], one: Refused, two: Refused
    ) -> bool:
        """Say whether single tests of both halves are refused in the same words: then it is not about tests.

        Where the index does not know some of their keys, it is about these.
        """
        if _words(one) != _words(two) or isinstance(one, TooLarge) or self._unknown((*first, *second), one):
            return False
        for half in (first, second):
            alone = self.try_(half[:1]) if len(half) > 1 else one
            if alone is None or _words(alone) != _words(one):
                return False
        return True

    def _unknown(self, tests: Sequence[ExpectedTest], refusal: Refused) -> list[ExpectedTest]:
        """Return the tests whose key the index does not know, each key asked once; none where it cannot be asked."""
        if self.mute or isinstance(refusal, TooLarge):
            return []
        said = dict.fromkeys(test.head.testKey for test in tests if test.head.testKey is not None)
        keys = [key for key in said if key not in self.asked]
        try:
            known = {
                each.key
                for start in range(0, len(keys), PAGE)
                for each in self.context.store.tests_named(keys[start : start + PAGE])
            }
        except Interrupted:
            raise
        except Failure as failure:
            self.context.tell(f"which keys are Tests cannot be asked: {failure.what}")
            self.mute = True
            return []
        self.asked.update(keys)
        self.unknown.update(key for key in keys if key not in known)
        return [test for test in tests if test.head.testKey in self.unknown]


def isolate(call: PlannedImport, refusal: Refused, send: Send, context: Context, *, may_end: bool = False) -> None:
    """Send a refused request without the tests that are to blame, each noted at the end.

    Raises the refusal when nothing can be sent.

    `send` sends some of its tests and raises Failure; what is not a refusal ends the search. `may_end`: a request of
    which nothing is left to send is done as well, when it is certain of each of its tests.
    """
    if call.tests_at is None:
        raise refusal
    tests = list(to_send(call, context.progress))
    if len(tests) == 1 and not may_end and not isinstance(refusal, TooLarge):
        raise refusal
    context.tell(f"{call.id} was refused: looking for the tests that are to blame")
    search = _Search(call, send, context, stored=call.id in context.progress.begun)
    search.sift(tests, refusal)
    if not search.sent and not (search.certain and may_end):
        raise search.without_evidence or refusal
    for entry in search.out.values():
        context.note(entry)


def _without(tests: Sequence[ExpectedTest], others: Iterable[ExpectedTest]) -> list[ExpectedTest]:
    places = {test.index for test in others}
    return [test for test in tests if test.index not in places]


def restricted(call: PlannedImport, tests: Sequence[ExpectedTest]) -> PlannedImport:
    """Return the same request with only some of its tests; stretches that touch stay one."""
    stretches: list[tuple[Slice, ...]] = []
    for test in tests:
        last = stretches[-1][0] if stretches and len(stretches[-1]) == 1 else None
        if last is not None and not test.parts and last.offset + last.length + 1 == test.at.offset:
            stretches[-1] = (last.part(last.offset, test.at.offset + test.at.length - last.offset),)
        else:
            stretches.append(test.pieces)
    inside: list[PlannedPiece] = []
    for number, stretch in enumerate(stretches):
        inside += (b",", *stretch) if number else stretch

    def swapped(pieces: tuple[PlannedPiece, ...]) -> tuple[PlannedPiece, ...]:
        return tuple(new for piece in pieces for new in (inside if piece == call.tests_at else (piece,)))

    match call.body:
        case PlannedBody() as body:
            return changed(call, tests=len(tests), body=changed(body, pieces=swapped(body.pieces)))
        case PlannedForm(parts=parts):
            return changed(
                call,
                tests=len(tests),
                body=PlannedForm(parts=tuple(changed(part, pieces=swapped(part.pieces)) for part in parts)),
            )


def _words(refusal: Refused) -> str:
    return (refusal.answer or refusal.what)[:500]
