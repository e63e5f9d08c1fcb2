"""What a run is given: settings, surroundings, the log, and everything that is not pure (clock, sleep, randomness, folders)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from xray_ci.ci.console import Console
    from xray_ci.ci.provider import Surroundings
    from xray_ci.secret import Redactor
    from xray_ci.settings.values import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run. Handed in whole, so that the same job does the same thing."""

    settings: Settings
    surroundings: Surroundings
    console: Console
    redactor: Redactor
    work: Path
    """An empty folder of ours, outside of the workspace; removed after the run."""
    now: datetime
    """When the run began, with offset."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    sleep: Callable[[float], None]
    random: Random
    private: tuple[Path, ...] = ()
    """Files that are never evidence: the config file, files of secrets."""

    @property
    def planning(self) -> bool:
        """Whether the run ends before the first write."""
        return self.settings.command == "plan" or self.settings.dry_run
