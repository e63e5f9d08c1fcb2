"""Which tests failed in the last runs: read from an earlier result file, noted while reports are read, written again.

Tests lie in an unnamed file of SQLite, so that memory grows neither with the report nor with the earlier file. An
earlier file is a stranger's input: read as a stream, every value checked. Knows no services and no formats of reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.ci.result import SCHEMA, ChangedTest
from xray_ci.ci.text import one_line
from xray_ci.errors import BaselineUnusable
from xray_ci.model import Case, Outcome
from xray_ci.patterns import lazy
from xray_ci.reports.json_stream import Window
from xray_ci.reports.notices import Fault
from xray_ci.xray.mapping import is_key, native_identity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from xray_ci.model import Place

RUNS: Final = 10
"""Runs that are remembered of a test, this one included."""
TESTS_LIMIT: Final = 1_000_000
"""Tests that an earlier result file may name."""
_NAME: Final = 500
_HELD: Final = 10_000
"""Names that are held in memory, so that a test that passed and is none of them costs next to nothing."""
_SIGNS: Final = lazy(rf"[FP-]{{1,{RUNS}}}")
_CACHE: Final = 4_096
"""KiB of memory for the tests; what is more lies in an unnamed file in the folder for temporary files."""
_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})
_ADD: Final = "INSERT INTO tests (name, key, runs) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
_FAILED: Final = """INSERT INTO tests (name, key, now) VALUES (?, ?, 'F')
ON CONFLICT (name) DO UPDATE SET now = 'F', key = coalesce(excluded.key, key)"""
_PASSED: Final = "UPDATE tests SET now = 'P' WHERE name = ? AND now IS NULL"
_ALL: Final = "SELECT name, key, runs || coalesce(now, '-') FROM tests ORDER BY rowid"


class History:
    """The tests that failed in one of the last runs, and how they fared; takes the cases of a run as they are read.

    A test is what has one name: class name, or innermost suite, and name, as Xray's own import tells Tests apart. Its
    worst result counts. Where the folder for temporary files takes no more, all is forgotten and `lost` says why: no
    import fails for it.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._base: sqlite3.Connection | None = None
        self._earlier: set[str] | None = set()
        """Names that an earlier file has; None for more than are held in memory."""
        self._within = False
        self.lost: str | None = None
        self._from: tuple[str, tuple[str, ...]] = ("", ())
        self.key: Callable[[Case, str, tuple[str, ...]], str | None] = lambda *_: None
        """Says of a case, the report it is from and the names of that format which Test it is, where anybody knows."""

    def read(self, file: BinaryIO, shown: str) -> None:
        """Begin with the tests that an earlier result file names; raises BaselineUnusable."""
        try:
            for entry in _entries(file):
                name, key, runs = _checked(entry)
                name = self._name(name)
                self._do(_ADD, name, key, runs[1 - RUNS :])
                if self._earlier is not None:
                    self._earlier.add(name)
                    self._earlier = self._earlier if len(self._earlier) <= _HELD else None
        except (Fault, ValueError) as fault:
            self.forget()
            broken = f"its JSON is broken or cut off, line {fault.line or '?'}" if isinstance(fault, Fault) else fault
            raise BaselineUnusable(str(broken), where=shown) from None

    def begin(self, place: Place, names: tuple[str, ...] = (), /) -> None:
        """Start a report; what it brings is kept or dropped whole."""
        self._from, self._within = (place.shown, names), True
        if self._base is not None:
            self._do("SAVEPOINT report")

    def origin(self, shown: str, names: tuple[str, ...], /) -> None:
        """Take what comes now as of another report: the current one holds results of several."""
        self._from = (shown, names)

    def restart(self) -> None:
        """Forget what came of the current report: it comes again from its start."""
        if self._base is not None:
            self._do("ROLLBACK TO report")

    def add(self, *cases: Case) -> None:
        """Take some cases in their order."""
        for case in cases:
            if case.outcome in _BAD:
                self._do(_FAILED, self._name(native_identity(case)), self.key(case, *self._from))
            elif (self._earlier is None or self._earlier) and case.outcome is Outcome.PASSED:
                name = self._name(native_identity(case))
                if self._earlier is None or name in self._earlier:
                    self._do(_PASSED, name)

    def commit(self) -> None:
        """Keep what the current report brought."""
        self._within = False
        if self._base is not None:
            self._do("RELEASE report")

    def drop(self) -> None:
        """Leave the current report out: it turned out broken."""
        self.restart()
        self.commit()

    def tests(self) -> Iterator[ChangedTest]:
        """Yield every test that failed in this or one of the last runs."""
        if self._base is not None:
            for name, key, runs in self._base.execute(_ALL):
                if "F" in (kept := runs[-RUNS:]):
                    yield ChangedTest(name=name, key=key, runs=kept)

    def lines(self) -> Iterator[bytes] | None:
        """Return the same as JSON objects, for the result file of this run; None where they were lost."""
        encode = msgspec.json.Encoder().encode
        return None if self.lost else map(encode, self.tests())

    def forget(self) -> None:
        """Forget everything, and close the file."""
        base, self._base, self._earlier = self._base, None, set()
        if base is not None:
            base.close()

    close = forget

    def _name(self, text: str) -> str:
        """Return a name as it is written and looked up: one harmless line without secrets."""
        return one_line(self._redact(text), _NAME)

    def _do(self, order: str, *values: str | None) -> None:
        import sqlite3  # noqa: PLC0415 - only a run with a failed test or a baseline pays

        if self.lost:
            return
        try:
            if self._base is None:
                self._base = _opened()
                if self._within:
                    self._base.execute("SAVEPOINT report")
            self._base.execute(order, values)
        except (sqlite3.Error, OSError) as error:
            self.lost = str(error)
            self.forget()


def _opened() -> sqlite3.Connection:
    import sqlite3  # noqa: PLC0415

    base = sqlite3.connect("", isolation_level=None)
    for order in (
        "PRAGMA synchronous=OFF",
        f"PRAGMA cache_size=-{_CACHE}",
        "CREATE TABLE tests (name TEXT UNIQUE NOT NULL, key TEXT, runs TEXT NOT NULL DEFAULT '', now TEXT)",
        "BEGIN",
    ):
        base.execute(order)
    return base


def _entries(file: BinaryIO) -> Iterator[object]:
    """Yield what stands in the list `history`; raises Fault, ValueError for what is no result file of this schema."""
    window = Window(file)
    seen, count = False, 0
    for name in window.members():
        if name == "schema" and window.value() != SCHEMA:
            raise ValueError(f"it is no result file of schema {SCHEMA}")
        if name == "history" and window.peek() == "[":
            seen = True
            for _ in window.elements():
                if (count := count + 1) > TESTS_LIMIT:
                    raise ValueError(f"it names more than {TESTS_LIMIT:,} tests")
                yield window.value()
        elif name != "schema":
            window.value()
    window.finish()
    if not seen:
        raise ValueError("it is no result file, or one of an older xray-ci: it has no list `history`")


def _checked(entry: object) -> tuple[str, str | None, str]:
    match entry:
        case {"name": str(name), "runs": str(runs), "key": str() | None as key} if (
            0 < len(name.strip()) <= _NAME and _SIGNS.fullmatch(runs) and (key is None or is_key(key))
        ):
            return name, key, runs
        case _:
            raise ValueError("an entry of `history` is none that xray-ci writes")
