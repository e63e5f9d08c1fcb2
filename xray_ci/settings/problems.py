"""Settings as they were written, and what can be wrong with them, in the words that all of them share.

Nearest names; values cut and escaped for showing. Knows no setting and no meaning. Never shows what may be a secret:
callers hand in a value only when it may be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.errors import DOCS, ConfigurationError
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from xray_ci.settings.yamltext import YamlNode

UNKNOWN: Final = "unknown-setting"
UNTRUSTED: Final = "untrusted-setting"
OPEN_SECRET: Final = "secret-in-the-open"  # noqa: S105  # a slug
MISSING: Final = "missing-setting"
WRONG: Final = "wrong-value"
CONFLICT: Final = "conflicting-settings"
CONFIG_FILE: Final = "config-file"
CLOSED: Final = "closed-workspace"
USAGE: Final = "usage"
SLUGS: Final = (UNKNOWN, UNTRUSTED, OPEN_SECRET, MISSING, WRONG, CONFLICT, CONFIG_FILE, CLOSED, USAGE)
"""Every slug a problem of the configuration can have; each has a paragraph in docs/errors.md."""

_SHOWN: Final = 60
_MEANT: Final = {
    "debug": "log-level",
    "env": "test-environments",
    "environment": "test-environments",
    "file": "reports",
    "files": "reports",
    "input": "reports",
    "password": "jira-password",
    "path": "reports",
    "plan": "test-plan",
    "token": "jira-token",
    "url": "jira-url",
    "user": "jira-username",
    "username": "jira-username",
    "v": "log-level",
    "verbose": "log-level",
}
"""What people write who know other tools, by what it is called here; no misspelling leads there."""
_TOKEN: Final = lazy(
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
    match = difflib.get_close_matches(squeezed, plain, n=1, cutoff=0.65)
    return plain[match[0]] if match else None


def unknown(
    written: str,
    word: str,
    known: Iterable[str],
    *,
    spelt: Callable[[str], str] = "`{}`".format,
    thing: str = "setting",
    where: str | None = None,
) -> ConfigurationError:
    """Return the problem of a name nobody knows, with the nearest known one.

    `written` is the name as the user wrote it, `word` the same in the form of `known`; `spelt` shows a known name in
    the form of its source, for example with dashes.
    """
    names = list(known)
    near = _MEANT[word] if _MEANT.get(word) in names else nearest(word, names)
    advice = f"Did you mean {spelt(near)}?" if near else f"All names: {DOCS}/settings.md"
    return problem(f"There is no {thing} {shown(written)}", where or written, UNKNOWN, advice)


class Raw(NamedTuple):
    """One value and its origin."""

    value: str | tuple[str, ...] | YamlNode
    """Text of a variable or flag, texts of a repeated flag, or a value of the config file."""
    origin: str
    """`--x`, `INPUT_X`, `XRAY_CI_X`, `.xray-ci.yml:12:3` or `default`."""

    def text(self) -> str:
        """Return the one text it is, without blanks around it; raises WrongValueError for a list or mapping."""
        return self.verbatim().strip()

    def verbatim(self) -> str:
        """Return the one text it is, as written."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, tuple):
            return "\n".join(self.value)
        if self.value.text is None:
            raise WrongValueError("It must be one text, not a list or a mapping")
        return self.value.text

    def where(self, at: tuple[int, int] | None) -> str:
        """Return the origin, made more exact by a line and column of the config file or inside the value.

        `.xray-ci.yml:14:5`, `--mapping:3:1`, `INPUT_MAPPING:3:1`.
        """
        if at is None:
            return self.origin
        source = self.origin if isinstance(self.value, (str, tuple)) else self.origin.rsplit(":", 2)[0]
        return f"{source}:{at[0]}:{at[1]}"

    def lines(self) -> tuple[str, ...]:
        """Return the items of a list.

        Its lines, its YAML items or those of a JSON array, without blanks around and without empty ones.

        An array of texts is what GitLab makes of an input that is a list.
        """
        if isinstance(self.value, str):
            written: list[str] = _array(self.value) or [self.value]
        elif isinstance(self.value, tuple):
            written = list(self.value)
        elif self.value.items is None:
            written = [self.verbatim()]
        else:
            written = []
            for item in self.value.items:
                if item.text is None:
                    raise WrongValueError("Each item must be a text", at=(item.line, item.column))
                written.append(item.text)
        return tuple(line.strip() for text in written for line in text.splitlines() if line.strip())


def _array(text: str) -> list[str] | None:
    """Return the items of a JSON array of texts; None for any other text, as `[ab]*.xml`."""
    if not (text.lstrip().startswith("[") and text.rstrip().endswith("]")):
        return None
    import json  # noqa: PLC0415  # only such a text pays

    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if all(isinstance(item, str) for item in items) else None


DEFAULT: Final = ".xray-ci.yml"
"""The config file that is read where it lies. Most runs have none, and none of what reads it."""


class Config(NamedTuple):
    """What a config file says."""

    path: Path | None
    values: dict[str, Raw]
    touched: dict[str, str]
    """Origins of settings whose value is wrong."""
    problems: list[ConfigurationError]
    broken: bool = False
    """Whether nothing of it could be read."""


NOTHING: Final = Config(None, {}, {}, [])
