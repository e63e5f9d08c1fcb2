"""JQL, made of values that came from anywhere. Pure: knows quoting and words of JQL, no service.

A value always travels inside quotes with what could end them escaped; names of fields and types come from here only.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, TypeVar

from xray_ci.errors import Refused
from xray_ci.services.stored import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_Found = TypeVar("_Found")
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def quoted(value: str) -> str:
    """Return a text as one JQL string; control characters become blanks, as JQL has no sign for them all."""
    plain = "".join(" " if unicodedata.category(sign) in _CONTROLS else sign for sign in value)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tests_of(project: str) -> str:
    """Find every Test of a project, oldest first."""
    return f"project = {quoted(project)} AND issuetype = Test ORDER BY id ASC"


def keyed(keys: Sequence[str]) -> str:
    """Find issues by their keys; raises ValueError for what is no key."""
    if not keys or not all(KEY.fullmatch(key) for key in keys):
        raise ValueError("not keys only")
    return f"key in ({', '.join(keys)})"


def known(keys: Sequence[str], ask: Callable[[str], Iterable[_Found]]) -> tuple[_Found, ...]:
    """Return what `ask` finds for those of the keys that exist.

    Jira refuses JQL with keys that do not exist and names them, in whatever language (R): those are left out and the rest
    is asked for again. Raises the refusal when it names none of the keys.
    """
    left = [key for key in dict.fromkeys(keys) if KEY.fullmatch(key)]
    while left:
        try:
            return tuple(ask(keyed(left)))
        except Refused as refusal:
            named = set(KEY.findall(refusal.answer or ""))
            rest = [key for key in left if key not in named]
            if len(rest) == len(left):
                raise
            left = rest
    return ()
