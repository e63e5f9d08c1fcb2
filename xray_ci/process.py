"""What a run takes from its process, as one value: nothing below `cli` looks at the process itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Process(NamedTuple):
    """What a run takes from its process."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: str
    out: TextIO
    err: TextIO
    alone: bool = False
    """Whether the process is ours: then signals are, too."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""
