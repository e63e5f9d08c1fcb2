"""What is worked out once: patterns when they are first used, and answers about texts that come again and again.

One run uses a quarter of the patterns that the product has. Knows nothing of what they are for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = TypeVar("Answer")

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


REMEMBERED: Final = 4_096
"""Answers that are kept."""
SHORT: Final = 256
"""Characters of a text up to which its answer is kept: a report of huge texts must not fill the memory."""


class _Answers(dict[str, Any]):
    """Answers to short texts, worked out when they are first asked for."""

    def __init__(self, function: Callable[[str], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> Any:
        answer = self._function(text)
        if len(text) <= SHORT:
            if len(self) >= REMEMBERED:
                self.clear()
            self[text] = answer
        return answer


def remembered(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """Make a function of one text remember its answers to short ones; one that is known costs no call of Python."""
    return _Answers(function).__getitem__
