"""Words that reports have for what became of a test, and the numbers that they state. Knows no format.

What a report does not say in its format's own words is never passed: an unknown word is `other`, one of a time-out, a
crash or an abort is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import Outcome
from xray_ci.reports import notices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xray_ci.model import Case, Problem


FAILURES: Final = frozenset({Outcome.FAILED, Outcome.ERROR})
_BROKEN: Final = re.compile(r"timed?[ _-]?out|crash|abort|killed|interrupt|terminated", re.IGNORECASE)


def outcome(word: str | None, known: Mapping[str, Outcome]) -> Outcome:
    """Return what a word of a report means; `known` are its format's own words, in lower case."""
    word = (word or "").strip().lower()
    if (found := known.get(word)) is not None:
        return found
    return Outcome.ERROR if _BROKEN.search(word[:100]) else Outcome.OTHER


def against(items: Iterator[Case | Problem], stated: list[float | None]) -> Iterator[Case | Problem]:
    """Yield what a reader yields, and a notice where the report states more failures than were read.

    `stated` may be filled while the items are read.
    """
    held = notices.Stated()
    for item in items:
        held.see(item)
        yield item
    held.add(*stated)
    yield from held.rest()
