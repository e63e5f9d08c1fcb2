"""A refused request made smaller: the tests that are refused for reasons of their own are found, and the others go without them.

First by keys that the answer names, then by asking which keys are Tests, else by halving. A refusal that every part gets alike is
one of the whole request and is not searched further. Knows ranges of tests; what sends them is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from xray_ci.delivery.expected import listed
from xray_ci.delivery.plan import PlannedBody, PlannedForm
from xray_ci.delivery.progress import LeftOut
from xray_ci.errors import Refused, TooLarge
from xray_ci.services.stored import KEY, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xray_ci.delivery.expected import Test
    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import PlannedImport, PlannedPiece
    from xray_ci.services.body import Slice

LIMIT: Final = 64
"""Requests that the search for refused tests may cost."""
Send: TypeAlias = "Callable[[Sequence[Test]], None]"


@dataclass(slots=True)
class _Search:
    """One search: how many requests it may still send, and what it knows."""

    call: PlannedImport
    send: Send
    means: Means
    left: int = LIMIT
    asked: bool = False
    """Whether it was asked already which keys are Tests."""

    def try_(self, tests: Sequence[Test]) -> Refused | None:
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
        return None

    def leave_out(self, tests: Iterable[Test], refusal: Refused) -> None:
        """Remember tests that go to nobody."""
        for test in tests:
            self.means.note(LeftOut(call=self.call.id, index=test.index, test=test.head.name[:200], reason=_words(refusal)))

    def sift(self, tests: Sequence[Test], refusal: Refused) -> Refused | None:
        """Send what can be sent of tests that were refused together; return the refusal when none of them can."""
        if len(tests) == 1:
            self.leave_out(tests, refusal)
            return refusal
        bad = self._suspects(tests, refusal)
        if bad:
            self.leave_out(bad, refusal)
            guilty = {test.index for test in bad}
            rest = [test for test in tests if test.index not in guilty]
            again = self.try_(rest)
            return None if again is None else self.sift(rest, again)
        middle = len(tests) // 2
        return self._halves(tests[:middle], tests[middle:])

    def _halves(self, first: Sequence[Test], second: Sequence[Test]) -> Refused | None:
        one, two = self.try_(first), self.try_(second)
        if one is not None and two is not None and _words(one) == _words(two) and not isinstance(one, TooLarge) and self._general(first, second, one):
            return one
        ends = [self.sift(half, refusal) for half, refusal in ((first, one), (second, two)) if refusal is not None]
        return ends[0] if len(ends) == 2 and all(ends) else None  # noqa: PLR2004  # both halves

    def _general(self, first: Sequence[Test], second: Sequence[Test], refusal: Refused) -> bool:
        """Say whether single tests of both halves are refused in the same words: then it is not about tests."""
        for half in (first, second):
            alone = self.try_(half[:1])
            if alone is None or _words(alone) != _words(refusal):
                return False
        return True

    def _suspects(self, tests: Sequence[Test], refusal: Refused) -> list[Test]:
        """Return tests that the answer names, else those whose key is no Test; all of them would be no suspects."""
        named = set(KEY.findall(refusal.answer or ""))
        bad = [test for test in tests if named & set(test.head.keys)]
        if not bad and not self.asked and not isinstance(refusal, TooLarge):
            self.asked = True
            keys = list(dict.fromkeys(test.head.testKey for test in tests if test.head.testKey is not None))
            known = {each.key for start in range(0, len(keys), PAGE) for each in self.means.store.tests_named(keys[start:start + PAGE])}
            bad = [test for test in tests if test.head.testKey is not None and test.head.testKey not in known]
        return bad if len(bad) < len(tests) else []


def isolate(call: PlannedImport, refusal: Refused, send: Send, means: Means) -> None:
    """Send a refused request without the tests that are to blame, each noted; raises the refusal when nothing can be sent.

    `send` sends some of its tests and raises Failure; what is not a refusal ends the search.
    """
    if call.tests_at is None:
        raise refusal
    tests = list(listed(call.tests_at, means.progress.left_out.get(call.id, ())))
    if len(tests) <= 1:
        raise refusal
    means.tell(f"{call.id} was refused: looking for the tests that are to blame")
    search = _Search(call, send, means)
    if (general := search.sift(tests, refusal)) is not None:
        raise general


def restricted(call: PlannedImport, tests: Sequence[Test]) -> PlannedImport:
    """Return the same request with only some of its tests; stretches that touch stay one."""
    stretches: list[Slice] = []
    for test in tests:
        last = stretches[-1] if stretches else None
        if last is not None and last.offset + last.length + 1 == test.at.offset:
            stretches[-1] = replace(last, length=test.at.offset + test.at.length - last.offset)
        else:
            stretches.append(test.at)
    inside = [piece for number, stretch in enumerate(stretches) for piece in ((b",", stretch) if number else (stretch,))]

    def swapped(pieces: tuple[PlannedPiece, ...]) -> tuple[PlannedPiece, ...]:
        return tuple(new for piece in pieces for new in (inside if piece == call.tests_at else (piece,)))

    match call.body:
        case PlannedBody() as body:
            return replace(call, tests=len(tests), body=replace(body, pieces=swapped(body.pieces)))
        case PlannedForm(parts=parts):
            return replace(call, tests=len(tests), body=PlannedForm(parts=tuple(replace(part, pieces=swapped(part.pieces)) for part in parts)))


def _words(refusal: Refused) -> str:
    return (refusal.answer or refusal.what)[:500]
