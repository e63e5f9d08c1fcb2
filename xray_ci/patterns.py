"""Patterns that are compiled when they are first used: one run uses a quarter of those that the product has.

Knows regular expressions; knows nothing of what they are for.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_PARTS: Final = ("fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer", "pattern", "groups")


class Lazy:
    """Stands in the place of a pattern, and has its methods as its own once the first of them is asked for."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile; found from then on without coming here. Raises AttributeError for what no pattern has."""
        made = re.compile(self._source, self._flags)
        vars(self).update({part: getattr(made, part) for part in _PARTS})
        return getattr(made, name)


def lazy(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that costs nothing until it is used, and what a pattern costs from then on."""
    return cast("re.Pattern[AnyStr]", Lazy(source, flags))
