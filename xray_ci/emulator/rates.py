"""How often somebody may call: so many calls in any 60 seconds of the emulator's clock.

Knows no routes and no answers.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from xray_ci.emulator.emulation import Call

WINDOW: Final = 60
"""Seconds over which calls are counted (O)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMany:
    """A call that comes too early; it does not count (O)."""

    free: datetime
    """When the next one is taken."""
    seconds: int
    """Until then, at least 1."""


def count(call: Call, who: str, limit: int) -> TooMany | None:
    """Count a call of somebody, or say that there were `limit` in the window; 0 = no limit."""
    now, calls = call.now, call.emulation.calls.setdefault(who, deque())
    while calls and now - calls[0] >= timedelta(seconds=WINDOW):
        calls.popleft()
    if limit and len(calls) >= limit:
        free = calls[-limit] + timedelta(seconds=WINDOW)
        return TooMany(free=free, seconds=max(1, math.ceil((free - now).total_seconds())))
    calls.append(now)
    return None
