"""What a delivery works with: services, a log of what happened, and everything that is not pure.

Knows no request; handed to each step of a delivery, so that the same plan and the same answers always do the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from xray_ci.delivery.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from xray_ci.delivery.progress import Entry
    from xray_ci.deployments import Endpoint
    from xray_ci.services.body import Upload
    from xray_ci.services.stored import Store
    from xray_ci.services.xray import ImportAnswer


class Importer(Protocol):
    """What `services.xray.Xray` does."""

    def import_report(self, endpoint: Endpoint, *, query: Sequence[tuple[str, str]] = (), upload: Upload) -> ImportAnswer:
        """Import one body; raises Failure."""


class Log(Protocol):
    """Where entries go; what was recorded survives the process."""

    def record(self, entry: Entry) -> None:
        """Keep one entry; raises Failure when it cannot be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds; what is not documented by anybody, chosen from what was observed (O) and assumed (A)."""

    lag: float = 60.0
    """Longest wait for JQL to find an issue that was made (O: seconds; A: never more than a minute)."""
    pause: float = 5.0
    """Between two looks at something that may still change: Xray goes on working after a timeout (O)."""
    unseen: float = 60.0
    """How long Xray may be at work on a request before anything of it shows (A: as long as gateways wait)."""
    settle: float = 300.0
    """Longest wait until two reads of the same Test Execution agree."""


@dataclass(kw_only=True)
class Means:
    """Everything a delivery needs besides its plan."""

    xray: Importer
    store: Store
    random: Random
    sleep: Callable[[float], None]
    left: Callable[[], float]
    """Seconds of the time budget that are left."""
    work: Path
    """A folder of ours for parts of requests."""
    most: int | None = None
    """Bytes of one request: a test that is larger alone goes without its evidence, which follows; None: as the service answers."""
    tell: Callable[[str], None] = lambda _: None
    log: Log | None = None
    progress: Progress = field(default_factory=Progress)
    patience: Patience = Patience()

    def note(self, entry: Entry) -> None:
        """Record what happens, then count with it."""
        if self.log is not None:
            self.log.record(entry)
        self.progress.note(entry)

    def wait(self, seconds: float) -> bool:
        """Wait, unless the time budget does not allow it; say whether it was waited."""
        if seconds > self.left():
            return False
        self.sleep(seconds)
        return True
