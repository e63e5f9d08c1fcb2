"""What a mapping file says, as values: rules, the table of names, prefixes. Reads nothing and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_THE_CASE: Final = ("name", "class", "suite", "file", "format")
"""Placeholders that every rule has; the others are the named groups of its own patterns. Filled with `template.fill`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what a case must be for it to apply, and what it then says. All conditions must hold."""

    number: int
    """Counted from 1, for messages."""
    origin: str
    """Where it begins: `.xray-ci.yml:14:5`, `--mapping:3:1`."""
    formats: tuple[str, ...] = ()
    """Keys and families of the formats table; one of them must be the report's. Empty, here and below: any."""
    files: tuple[str, ...] = ()
    """Globs as in `reports`, without `!` and `FORMAT=`; one of them must match."""
    suite: str | None = None
    """RE2, searched in the suites joined by ` > `."""
    classname: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    """RE2; each must be found in some tag."""
    properties: tuple[tuple[str, str], ...] = ()
    """Name of a property and the RE2 that must be found in a value of it."""

    keys: tuple[str, ...] = ()
    """Templates, here and below: `{name}`, `{class}`, `{suite}`, `{file}`, `{format}` and named groups; `{{` is a brace."""
    labels: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    definition: str | None = None
    """Identity to look the Test up by, in place of the case's own."""
    skip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTest:
    """An entry of the table `tests`: the keys of the Tests that a name stands for."""

    keys: tuple[str, ...]
    origin: str


def _no_tests() -> Mapping[str, NamedTest]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A whole mapping; empty when none is set."""

    rules: tuple[Rule, ...] = ()
    """Top to bottom."""
    tests: Mapping[str, NamedTest] = field(default_factory=_no_tests)
    """By `class.name` (the identity) or by the name alone."""
    test_prefixes: tuple[str, ...] = ()
    """Of tags that name a Test, besides the built-in ones; without `@`."""
    requirement_prefixes: tuple[str, ...] = ()
