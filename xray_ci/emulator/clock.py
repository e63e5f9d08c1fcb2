"""The emulator's own time. Knows how to tick, jump and stand still; nothing of who reads it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

START: Final = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
"""Where time begins unless told otherwise: the same answers on every run."""


class Clock:
    """A clock that starts at a given moment, ticks as real time does, and can be moved."""

    def __init__(self, start: datetime = START, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._start = start
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Go back to the start and tick."""
        self._base = self._start
        self._since: float | None = self._monotonic()

    def now(self) -> datetime:
        """Return the moment, with its offset."""
        if self._since is None:
            return self._base
        return self._base + timedelta(seconds=self._monotonic() - self._since)

    def set(self, moment: datetime) -> None:
        """Jump to a moment; a frozen clock stays frozen there."""
        self._base = moment
        if self._since is not None:
            self._since = self._monotonic()

    def advance(self, seconds: float) -> None:
        """Jump by seconds, backwards too."""
        self.set(self.now() + timedelta(seconds=seconds))

    def freeze(self, *, frozen: bool) -> None:
        """Stand still, or tick again from here."""
        self._base = self.now()
        self._since = None if frozen else self._monotonic()


def iso(moment: datetime) -> str:
    """Write a moment as `2024-01-02T03:04:05.000Z`, as Atlassian's newer interfaces do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def jira_time(moment: datetime) -> str:
    """Write a moment as Jira does: `2024-01-02T03:04:05.000+0000`."""
    return iso(moment)[:-1] + "+0000"
