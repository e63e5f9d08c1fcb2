"""What reading a report leaves behind in memory: nothing that waits for the collector of garbage."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_reading import seen

HERE = Path(__file__).resolve().parents[1] / "data" / "reports"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
FIRST = {row["format"]: name for name, row in reversed(EXPECTED.items()) if row["expect"] == "ok"}


@pytest.fixture(scope="module")
def nothing_else() -> Iterator[None]:
    """Keep the collector from what is there already: to look through that each time would take most of the time."""
    for name in FIRST.values():
        seen(HERE / name)  # modules and caches
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize(("name", "format"), [(name, key) for key, name in FIRST.items()], ids=str)
def test_no_reader_leaves_circles(name: str, format: str, nothing_else: None):  # noqa: A002  # as the product calls it
    """A thousand reports take the memory of one, although nobody looks for what holds itself."""
    gc.collect()
    # The least of some readings: an emulator of other tests may answer in a thread of this process meanwhile.
    assert (format, min(_left(HERE / name) for _ in range(3))) == (format, 0)


def _left(path: Path) -> int:
    """Return how many objects one reading leaves that only the collector finds."""
    seen(path)
    return gc.collect()
