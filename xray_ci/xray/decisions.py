"""Who decided which Test a result is: counted always, written down for each result when somebody will read it (`plan`).

Knows words and a file; a report that turns out broken leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.xray import hostile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xray_ci.model import Case
    from xray_ci.xray.mapping import Target

FILE: Final = "decisions"
_SHOWN: Final = 200


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """One result: its place and name, its Test, and what decided that."""

    place: str
    name: str
    test: str
    """Its key or keys, else type and definition or summary."""
    by: str


class Decisions:
    """Collects over a run."""

    def __init__(self, work: Path, *, written: bool) -> None:
        """`written`: each result is kept on disk, in the file `FILE` of the folder `work`."""
        self._path = work / FILE
        self._out = self._path.open("w+b") if written else None
        self._encoder = msgspec.json.Encoder()
        self._begin = 0
        self.here: Counter[str] = Counter()
        """What decided the results of the current report; counted by who reads it, once a case."""
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """Start a report; forget what was not committed."""
        self.here.clear()
        if self._out is not None:
            self._out.seek(self._begin)
            self._out.truncate()

    def add(self, case: Case, target: Target, by: str, shown: str) -> None:
        """Write down one result of the report that is shown like this."""
        if self._out is not None:
            test = ", ".join(target.keys) or f"{target.test_type} {target.definition or target.summary}"
            where = shown if case.line is None else f"{shown}:{case.line}"
            line = Decided(where, hostile.one_line(case.name, _SHOWN), hostile.one_line(test, _SHOWN), by)
            self._out.write(self._encoder.encode(line) + b"\n")

    def commit(self) -> None:
        """Count the current report in."""
        self.counts += self.here
        self.here.clear()
        if self._out is not None:
            self._begin = self._out.tell()

    def close(self) -> None:
        """Let go of the file."""
        if self._out is not None:
            self.begin()
            self._out.close()
            self._out = None


def read(work: Path) -> Iterator[Decided]:
    """Yield what was written down, in report order; nothing when nothing was."""
    path = work / FILE
    if path.exists():
        decoder = msgspec.json.Decoder(Decided)
        with path.open("rb") as lines:
            yield from map(decoder.decode, lines)
