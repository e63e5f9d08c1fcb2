"""What a run is given.

Settings, surroundings, the log, and everything that is not pure (clock, sleep, randomness, folders).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from xray_ci.ci.console import Console
    from xray_ci.ci.provider import Surroundings
    from xray_ci.secret import Redactor
    from xray_ci.settings.values import Settings


class WorkFolder:
    """An empty folder of ours outside of the workspace, made when it is first asked for and removed after the run.

    Not in the workspace: what lies there can be taken for a report, and stays behind.
    """

    def __init__(self, below: str | None) -> None:
        """`below` is the folder to make it in; None takes the system's own for such things."""
        self._below = below
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def path(self) -> Path:
        """Where it is; raises ConfigurationError when it cannot be made."""
        if self._folder is None:
            try:
                self._folder = tempfile.TemporaryDirectory(prefix="xray-ci-", dir=self._below)
            except OSError as error:
                raise ConfigurationError(
                    f"there is no folder for temporary files: {error.strerror or error}",
                    where="TMPDIR",
                    slug="no-temporary-folder",
                    advice="Mount one (`docker run --tmpfs /tmp`), or name one in TMPDIR.",
                ) from error
        return Path(self._folder.name)

    def close(self) -> None:
        """Remove it with everything in it."""
        if self._folder is not None:
            self._folder.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run. Handed in whole, so that the same job does the same thing."""

    settings: Settings
    surroundings: Surroundings
    console: Console
    redactor: Redactor
    work: WorkFolder
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
