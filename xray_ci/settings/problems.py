"""Problems of a configuration as values, and the words they share: nearest names, values cut and escaped for showing.

Knows no setting. Never shows what may be a secret: callers hand in a value only when it may be seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UNKNOWN: Final = "unknown-setting"
LATER_VERSION: Final = "later-version"
UNTRUSTED: Final = "untrusted-setting"
OPEN_SECRET: Final = "secret-in-the-open"  # noqa: S105  # a slug
MISSING: Final = "missing-setting"
WRONG: Final = "wrong-value"
CONFLICT: Final = "conflicting-settings"
CONFIG_FILE: Final = "config-file"
CLOSED: Final = "closed-workspace"
USAGE: Final = "usage"
SLUGS: Final = (UNKNOWN, LATER_VERSION, UNTRUSTED, OPEN_SECRET, MISSING, WRONG, CONFLICT, CONFIG_FILE, CLOSED, USAGE)
"""Every slug a problem of the configuration can have; each has a paragraph in docs/errors.md."""

_SHOWN: Final = 60
_TOKEN: Final = re.compile(
    r"(?=.*[0-9])(?=.*[A-Za-z])[0-9A-Za-z._~+=-]{20,}|(?=.*[0-9])[0-9A-Za-z._~+/=-]{40,}"
    r"|(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z+/=]{20,}"
)
"""20 or more characters without a blank and with a digit in them; with slashes, which paths have, 40, or base64."""


class WrongValueError(Exception):
    """The text of one setting cannot be read; says what is wrong and, where it helps, what to do."""

    def __init__(self, what: str, advice: str = "", at: tuple[int, int] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.at = at
        """Line and column, of the config file or inside the text, where it has several lines."""

    @property
    def each(self) -> tuple[WrongValueError, ...]:
        """Everything that is wrong: this alone."""
        return (self,)


class WrongValuesError(WrongValueError):
    """Several things inside one setting are wrong; is itself the first of them."""

    def __init__(self, found: Sequence[WrongValueError]) -> None:
        self._each = tuple(sorted(found, key=lambda wrong: wrong.at or (0, 0)))
        super().__init__(self._each[0].what, self._each[0].advice, self._each[0].at)

    @property
    def each(self) -> tuple[WrongValueError, ...]:
        """Everything that is wrong, in the order of the text."""
        return self._each


def problem(what: str, where: str, slug: str = WRONG, advice: str | None = None) -> ConfigurationError:
    """Return one problem as a value."""
    return ConfigurationError(what, where=where, advice=advice or None, slug=slug)


def together(problems: Iterable[ConfigurationError]) -> ConfigurationError:
    """Return the one error that carries all problems; there must be at least one."""
    found = tuple(problems)
    what = found[0].what if len(found) == 1 else f"The configuration has {len(found)} problems"
    where = found[0].where if len(found) == 1 else None
    advice = found[0].next if len(found) == 1 else None
    return ConfigurationError(
        what, where=where, advice=advice, slug=found[0].slug if len(found) == 1 else None, problems=found
    )


def is_token(text: str) -> bool:
    """Say whether a text looks like a secret."""
    return _TOKEN.fullmatch(text.strip()) is not None


def shown(text: str) -> str:
    """Return a text of the user quoted, cut, and without anything a terminal or a CI log could act on.

    What looks like a token is never quoted whole: it may be a secret that went into the wrong setting.
    """
    if is_token(text):
        return f"{text.strip()[:4]!r}… ({len(text.strip())} characters, which look like a secret)"
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the known name a misspelt one is most like, or None when none is near."""
    import difflib  # noqa: PLC0415  # 5 ms that only a mistake pays

    known = list(names)
    plain = {name.replace("-", "").replace("_", "").lower(): name for name in known}
    squeezed = word[:_SHOWN].replace("-", "").replace("_", "").lower()
    match = difflib.get_close_matches(squeezed, plain, n=1, cutoff=0.6)
    return plain[match[0]] if match else None


def unknown(
    written: str,
    word: str,
    known: Iterable[str],
    later: Iterable[str],
    *,
    spelt: Callable[[str], str] = "`{}`".format,
    thing: str = "setting",
    where: str | None = None,
) -> ConfigurationError:
    """Return the problem of a name nobody knows, with the nearest known one.

    `written` is the name as the user wrote it, `word` the same in the form of `known`; `spelt` shows a known name in
    the form of its source, for example with dashes.
    """
    if word in later:
        return problem(
            f"The {thing} {shown(written)} comes with a later version of xray-ci",
            where or written,
            LATER_VERSION,
            "Leave it out for now.",
        )
    near = nearest(word, known)
    advice = f"Did you mean {spelt(near)}?" if near else "See docs/settings.md for all names."
    return problem(f"There is no {thing} {shown(written)}", where or written, UNKNOWN, advice)
