"""What became of the cases of a report or a run, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self


@dataclass(slots=True, kw_only=True)
class Counts:
    """The first six count cases of reports; the others what they became on the way to Xray."""

    tests: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    other: int = 0
    by_key: int = 0
    """Results whose Test is named by key; a case with two keys gives two."""
    by_identity: int = 0
    """Results whose Test is found or created."""
    unmapped: int = 0
    """Cases left out because of `unmapped: skip`."""
    ruled_out: int = 0
    """Cases that a rule of the user's leaves out."""
    rejected: int = 0
    """Cases left out because they name a Test wrongly."""
    invalid: int = 0
    """Results left out because Xray would refuse them."""
    folded: int = 0
    """Results that another result of the same Test stands for."""
    tests_by_key: int = 0
    """Distinct Tests named by key."""
    tests_by_identity: int = 0
    """Distinct Tests that Xray finds, or creates where it does not: the most that can be created."""
    sent: int = 0
    """Test Runs in the finished file."""

    def __iadd__(self, other: Counts) -> Self:
        for row in fields(self):
            setattr(self, row.name, getattr(self, row.name) + getattr(other, row.name))
        return self
