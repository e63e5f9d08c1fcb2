"""How one fact is read out of environment variables that strangers can fill: a branch name may hold anything.

Pure: a mapping comes in. Knows ways to read and what a fact may look like; no CI system and no variable by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

from xray_ci.ci.text import one_line
from xray_ci.patterns import lazy

Environment: TypeAlias = Mapping[str, str]
Source: TypeAlias = str | Callable[[Environment], str | None]
"""The name of a variable, or how to make the fact from several."""

TEXT_LIMIT: Final = 255
_URL_LIMIT: Final = 2000
_COMMIT: Final = lazy(r"[0-9a-fA-F]{7,64}")
_NUMBER: Final = lazy(r"[0-9]{1,19}")
_UNSET: Final = frozenset({"", "false", "0", "none", "null"})
_PART: Final = lazy(r"\{(\w+)\}")


class AnyCase(dict[str, str]):
    """Variables that are found when their names were made upper case, as a copy of the environment of Windows does."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a variable, under its own name first."""
        return super().get(name, super().get(name.upper(), default))

    def __missing__(self, name: str) -> str:
        return self[name.upper()] if name != name.upper() else ""


def first(env: Environment, sources: tuple[Source, ...], accept: Callable[[str], str | None]) -> str | None:
    """Return the first fact that is there and acceptable."""
    for source in sources:
        value = _read(env, source)
        if value and (accepted := accept(value)):
            return accepted
    return None


def is_set(env: Environment, name: str) -> bool:
    """Say whether a variable is there and does not say no."""
    return env.get(name, "").strip().lower() not in _UNSET


def text(value: str) -> str | None:
    """Accept any text, made one harmless line of at most 255 characters."""
    return one_line(value, TEXT_LIMIT) or None


def commit(value: str) -> str | None:
    """Accept a whole or shortened commit hash; systems also write words like HEAD."""
    return value.lower() if _COMMIT.fullmatch(value) else None


def number(value: str) -> str | None:
    """Accept a number as text."""
    return value if _NUMBER.fullmatch(value) else None


def url(value: str) -> str | None:
    """Accept an http address, without credentials in it and with every odd character encoded."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(value) > _URL_LIMIT:
        return None
    host = parts.netloc.rpartition("@")[2]
    return quote(urlunsplit(parts._replace(netloc=host)), safe="%/:=&?~#+!$,;@[]._-", errors="replace")


def path(value: str) -> str | None:
    """Accept a path as it is."""
    return value if "\0" not in value else None


def branch(name: str) -> Source:
    """Read a branch from a variable that may hold a full reference, of whatever kind."""

    def read(env: Environment) -> str | None:
        value = env.get(name, "")
        if value.startswith("refs/"):
            return value.removeprefix("refs/heads/") if value.startswith("refs/heads/") else None
        return value

    return read


def tag(name: str) -> Source:
    """Read a tag from a variable that holds a full reference."""

    def read(env: Environment) -> str | None:
        value = env.get(name, "")
        return value.removeprefix("refs/tags/") if value.startswith("refs/tags/") else None

    return read


def remote(name: str) -> Source:
    """Read a branch from a variable that names it with its remote: `origin/main`."""
    return lambda env: env.get(name, "").removeprefix("origin/")


def found(source: Source, pattern: str) -> Source:
    """Read the first group of a pattern inside of a text of ordinary length."""

    def read(env: Environment) -> str | None:
        match = re.search(pattern, _ordinary(env, source))
        return match[1] if match else None

    return read


def repository(name: str) -> Source:
    """Read `owner/name` from a variable that holds the address of a repository, perhaps with credentials."""
    return found(name, r"[/:]([^/:@]+/[^/:@]+?)(?:\.git)?/?$")


def counted_from_zero(name: str) -> Source:
    """Read a number that is 0 the first time."""

    def read(env: Environment) -> str | None:
        value = number(env.get(name, ""))
        return None if value is None else str(int(value) + 1)

    return read


def largest(*names: str) -> Source:
    """Read the largest of several numbers."""

    def read(env: Environment) -> str | None:
        values = [int(value) for name in names if (value := number(env.get(name, "")))]
        return str(max(values)) if values else None

    return read


def attempts(*names: str) -> Source:
    """Read how often something ran that several counters count from 1: each further time of any of them is one more."""

    def read(env: Environment) -> str | None:
        values = [int(value) for name in names if (value := number(env.get(name, "")))]
        return str(sum(values) - len(values) + 1) if values else None

    return read


def built(template: str) -> Source:
    """Make an address from variables: `{NAME}` as it is at the start, URL-encoded elsewhere.

    None when one is missing.
    """

    def read(env: Environment) -> str | None:
        names = _PART.findall(template)
        if not all(env.get(name) for name in names):
            return None
        return _PART.sub(
            lambda part: (
                env[part[1]].rstrip("/") if part.start() == 0 else quote(env[part[1]], safe="/", errors="replace")
            ),
            template,
        )

    return read


def only(source: Source, other: str, pattern: str) -> Source:
    """Read a fact where a variable has a pattern in it, and so says what the fact means."""
    return lambda env: _read(env, source) if re.search(pattern, _ordinary(env, other)) else None


def joined(*names: str) -> Source:
    """Read several variables as one text with strokes between them; None when one is missing."""

    def read(env: Environment) -> str | None:
        values = [env.get(name) or "" for name in names]
        return "/".join(values) if all(values) else None

    return read


def _ordinary(env: Environment, source: Source) -> str:
    """Return a fact, empty when it is so long that a pattern could take its time over it."""
    value = _read(env, source) or ""
    return value if len(value) <= _URL_LIMIT else ""


def unless(name: str, source: Source) -> Source:
    """Read a fact that means something else where a variable is set."""
    return lambda env: None if env.get(name) else _read(env, source)


def when(name: str, source: Source) -> Source:
    """Read a fact only where a variable is set that makes it mean something."""
    return lambda env: _read(env, source) if env.get(name) else None


def _read(env: Environment, source: Source) -> str | None:
    return env.get(source) if isinstance(source, str) else source(env)
