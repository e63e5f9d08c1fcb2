"""What the user wants nobody to see: every text of a case with what matches replaced.

Pure; knows no report and no Xray.

The user says it by patterns (`scrub`); the secrets of the run are known anyway. Files of evidence are not texts of a
report, and neither is base64 inside of it: they go as they are or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from xray_ci.model import Case, Problem, Restart
from xray_ci.xray import escaping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STARS: Final = "***"
Item: TypeAlias = Case | Problem | Restart


class Scrubber:
    """Replaces matches of any of the patterns; the same for every text of a run."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Take patterns of RE2 that were checked; they are applied in their order."""
        import re2  # noqa: PLC0415  # a user's pattern must not hang on an unsafe text: RE2 runs in linear time

        compiled = [re2.compile(pattern) for pattern in patterns]
        self._subs: tuple[Callable[[str, str], str], ...] = tuple(one.sub for one in compiled)

    def text(self, text: str) -> str:
        """Return one text.

        What it holds as it is written, and what a colour code or control character inside of it would hide.
        """
        plain = (
            text if text.isascii() else text.encode("utf-8", "replace").decode()
        )  # RE2 takes no halves of surrogate pairs
        scrubbed = hidden_too(plain, self._replaced)
        return text if scrubbed == plain else scrubbed

    def item(self, found: Item) -> Item:
        """Return a case or problem with all of its texts scrubbed."""
        return in_texts(found, self.text)

    def _replaced(self, text: str) -> str:
        for sub in self._subs:
            text = sub(STARS, text)
        return text


def hidden_too(text: str, replace: Callable[[str], str]) -> str:
    """Return a text replaced as it is written, and where colour codes or control characters in it hide something."""
    found = replace(text)
    cleaned = escaping.clean(found)
    again = replace(cleaned)
    return found if again == cleaned else again


def in_texts(found: Item, replace: Callable[[str], str]) -> Item:
    """Return what a reader yields with all its texts replaced.

    Of a case its names, too: a Test is then found by its new name. Of a problem the cause, which may quote the report.
    """
    match found:
        case Case():
            replaced: Case = _all(found, replace)
            return replaced
        case Problem() | Restart():
            return msgspec.structs.replace(found, cause=replace(found.cause))


def _all(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, tuple):
        return tuple(_all(part, replace) for part in value) if value else value
    if isinstance(value, msgspec.Struct):
        found = {
            name: _all(part, replace)
            for name in value.__struct_fields__
            if name not in _AS_IT_IS and (part := getattr(value, name)) is not None
        }
        return msgspec.structs.replace(value, **found)
    return value


_AS_IT_IS: Final = frozenset({"base64", "path"})
"""Of an attachment: a path has to lead to its file, and its name is what is shown."""
