"""The little JQL that a client needs to find an issue: `=`, `in`, `~` joined by AND. Knows no HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.emulator.world import Issue

_ORDER: Final = re.compile(r"\s*\border\s+by\b.*$", re.IGNORECASE | re.DOTALL)
_VALUE: Final = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s(),=~\"']+"
_CLAUSE: Final = re.compile(rf"\s*(?P<field>{_VALUE})\s*(?P<sign>=|~|\bin\b)\s*(?P<value>\((?:\s*(?:{_VALUE})\s*,?)+\)|{_VALUE})",
                            re.IGNORECASE)
_AND: Final = re.compile(r"\s+and\b", re.IGNORECASE)

_FIELDS: Final[dict[str, Callable[[Issue], list[str]]]] = {
    "key": lambda issue: [issue.key, issue.id],
    "issuekey": lambda issue: [issue.key, issue.id],
    "id": lambda issue: [issue.id, issue.key],
    "project": lambda issue: [issue.project],
    "issuetype": lambda issue: [issue.type],
    "type": lambda issue: [issue.type],
    "labels": lambda issue: issue.labels,
    "fixversion": lambda issue: issue.fix_versions,
    "summary": lambda issue: [issue.summary],
    "description": lambda issue: [str(issue.description)],
    "text": lambda issue: [issue.summary, str(issue.description)],
}
_KEY_FIELDS: Final = frozenset({"key", "issuekey", "id"})


class Invalid(ValueError):
    """The query cannot be read."""


class Query:
    """A query that was read."""

    def __init__(self, text: str) -> None:
        """Read it; raises Invalid."""
        rest = _ORDER.sub("", text)
        self.keys: list[str] = []
        """Keys that the query names; Jira refuses one that does not exist."""
        self._tests: list[Callable[[Issue], bool]] = []
        while rest.strip():
            clause = _CLAUSE.match(rest)
            if clause is None:
                raise Invalid(f"Error in the JQL Query: {rest.strip()[:60]}")
            self._add(_bare(clause["field"]).lower(), clause["sign"], _values(clause["value"]))
            rest = rest[clause.end():]
            joined = _AND.match(rest)
            if rest.strip() and joined is None:
                raise Invalid(f"Error in the JQL Query: {rest.strip()[:60]}")
            rest = rest[joined.end():] if joined is not None else rest

    @property
    def bounded(self) -> bool:
        """Say whether anything restricts the search; Cloud refuses it otherwise (O)."""
        return bool(self._tests)

    def _add(self, name: str, sign: str, values: list[str]) -> None:
        if name not in _FIELDS:
            raise Invalid(f"Field '{name}' does not exist or you do not have permission to view it.")
        if name in _KEY_FIELDS:
            self.keys.extend(values)
        read, wanted = _FIELDS[name], [value.lower() for value in values]
        if sign == "~":
            pieces = [piece for value in wanted for piece in re.findall(r"\w+", value)]
            self._tests.append(lambda issue: all(piece in " ".join(read(issue)).lower() for piece in pieces))
        else:
            self._tests.append(lambda issue: any(each.lower() in wanted for each in read(issue)))

    def finds(self, issue: Issue) -> bool:
        """Say whether an issue is meant."""
        return all(test(issue) for test in self._tests)


def _values(text: str) -> list[str]:
    inside = text[1:-1] if text.startswith("(") else text
    return [_bare(each) for each in re.findall(_VALUE, inside)]


def _bare(text: str) -> str:
    if text[:1] in ("'", '"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
