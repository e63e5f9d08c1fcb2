"""Several results for one Test become one: which wins, and what is said of the others. Pure.

Knows records of fixed size: a digest of what identifies the Test, the number of the result, and its outcome. Two results
belong together when their digests are equal; of 16 bytes that happens by chance in no run.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from xray_ci.model import Outcome

RECORD: Final = struct.Struct("<16sIB")
"""Digest of the identity, number of the result in the run, code."""
IDENTITY: Final = 0x08
"""Bit of a code: found or created by identity, not named by key."""
OUTCOMES: Final = (Outcome.PASSED, Outcome.SKIPPED, Outcome.OTHER, Outcome.FAILED, Outcome.ERROR)
"""Outcome of a code's low bits, from good to bad; the last two are equally bad."""
STEPPED: Final = 0x10
"""Bit of a code: the Test is step-based and found by identity, so its results can become iterations."""
EXAMPLED: Final = 0x20
"""Bit of a code: the result is of example rows of a Scenario Outline, which belong together in one Test Run."""
_LOW: Final = 0x07
_WORST: Final = 3
MOST_ITERATIONS: Final = 1_000
"""Results that can become iterations of one result."""


@dataclass(slots=True)
class Group:
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
    groups: tuple[Group, ...]
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
    With `iterations` the winner is the worst, as with `worst`. The members are told of a step-based Test with `iterations`, and
    of example rows always (one more than `MOST_ITERATIONS` when there are more).
    """
    keys = identities = 0
    losers: list[int] = []
    first: dict[bytes, tuple[bytes, int, int]] = {}
    groups: dict[bytes, Group] = {}
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
            together = held[2] & EXAMPLED or (policy == "iterations" and held[2] & STEPPED)
            members = [held[1]] if together else None
            group = groups[record[0]] = Group(held[1], held[2], [0] * len(OUTCOMES), members)
            group.counts[held[2] & _LOW] = 1
        losers.append(_settle(group, number, record[2], policy))
    return Folded(keys, identities, tuple(losers), tuple(groups.values()))


def _settle(group: Group, number: int, new: int, policy: str) -> int:
    """Put one more result into a group; return the number of the one that loses."""
    group.counts[new & _LOW] += 1
    if group.members is not None and len(group.members) <= MOST_ITERATIONS:
        group.members.append(number)
    if not better(policy, group.code, new):
        return number
    loser, group.winner, group.code = group.winner, number, new
    return loser


def counts(group: Group) -> dict[Outcome, int]:
    """Return how many results of each outcome a Test had, good ones first."""
    return {OUTCOMES[index]: count for index, count in enumerate(group.counts) if count}
