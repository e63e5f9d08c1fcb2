"""Which Tests of a run a site holds: by key, and by what an import finds a Test by. Reads so much and no more.

What was not read is said, so that nobody takes it for what is not there.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.services.store import PAGE
from xray_ci.xray.mapping import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from xray_ci.services.store import ExistingTest, Store

READ: Final = 20_000
"""Tests of one project that are read: 27 calls on Cloud, of which its smallest plan gives 300 in five minutes (D)."""
ASKED: Final = 5_000
"""Keys that are asked for: 50 calls."""
_ALIKE: Final = 0.75
"""How much of two definitions must be the same for one to look like the other, renamed."""
_COMPARED: Final = 200
"""New Tests that are compared with others."""
_CANDIDATES: Final = 100
"""Tests that each of them is compared with."""


class KnownTests(Struct, frozen=True, kw_only=True):
    """What was read of the Tests of some projects."""

    found: dict[str, str]
    """Keys by identity."""
    partly: frozenset[str] = frozenset()
    """Projects that hold more Tests than were read."""
    others: tuple[ExistingTest, ...] = ()
    """Tests that no result of the run is of."""


def project_of(identity: str) -> str:
    """Return the project in what `identity_of` gives, as text."""
    return identity.split("\0", 2)[1]


def named(store: Store, keys: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Return those of the keys that are no Tests these credentials see, and how many keys were not asked for.

    An issue that was moved is found by the key that it had, under the one that it has; raises Failure.
    """
    missing: list[str] = []
    for start in range(0, min(len(keys), ASKED), PAGE):
        asked = keys[start : start + PAGE]
        there = {each.key for each in store.tests_named(asked)}
        left = [key for key in asked if key not in there]
        moved = len(there.difference(asked))
        missing += [key for key in left if not (moved and store.tests_named((key,)))]
    return tuple(missing), max(0, len(keys) - ASKED)


def defined(store: Store, identities: Collection[str], *, most: int | None = READ) -> KnownTests:
    """Read the Tests of the projects that are in question, until each is found or `most` of a project were read.

    Raises Failure. Of Tests with one identity the first is the one, as it is for who reads them in the same order (A).
    """
    found: dict[str, str] = {}
    others: list[ExistingTest] = []
    partly = set()
    for project in sorted(set(map(project_of, identities))):
        left = {identity for identity in identities if project_of(identity) == project}
        read = 0
        for test in islice(store.existing_tests(project), most):
            read += 1
            identity = identity_of(test.test_type, project, test.definition or test.summary).decode(errors="replace")
            if identity in left:
                found[identity] = test.key
                left.discard(identity)
                if not left:
                    break
            elif identity not in found:
                others.append(test)
        if left and read == most:
            partly.add(project)
    return KnownTests(found=found, partly=frozenset(partly), others=tuple(others))


def renamed(new: Sequence[str], others: Sequence[ExistingTest]) -> dict[str, ExistingTest]:
    """Return which of the Tests that no result is of each new one looks like; none is taken twice.

    `new` are identities; only the first of many are compared, and each with some that share its name or its class.
    """
    import difflib  # noqa: PLC0415  # only where something is new and something is left

    by_part: dict[tuple[str, str], list[ExistingTest]] = {}
    for test in others if new else ():
        for part in _parts(test.definition or test.summary):
            by_part.setdefault((test.test_type, part), []).append(test)
    pairs = []
    for identity in new[:_COMPARED]:
        kind, _, text = identity.split("\0", 2)
        near = [test for part in _parts(text) for test in by_part.get((kind, part), ())[:_CANDIDATES]]
        by_text = {test.definition or test.summary: test for test in near}
        pairs += [
            (difflib.SequenceMatcher(None, text, alike).ratio(), identity, by_text[alike])
            for alike in difflib.get_close_matches(text, by_text, n=3, cutoff=_ALIKE)
        ]
    found: dict[str, ExistingTest] = {}
    taken = set()
    for _, identity, test in sorted(pairs, key=lambda each: each[0], reverse=True):
        if identity not in found and test.key not in taken:
            found[identity] = test
            taken.add(test.key)
    return found


def _parts(text: str) -> tuple[str, str]:
    """Return the name of a Test and what stands before it, each marked for what it is."""
    before, _, name = text.rpartition(".")
    return f"name {name}", f"in {before}"
