"""The little JQL that a client needs to find an issue.

`=`, `!=`, `in`, `not in`, `~` joined by AND or, in brackets, OR; an order.

Knows the words, and the index that lags behind what is stored. Knows no HTTP.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.seed import ISSUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from xray_ci.emulator.emulation import Emulation
    from xray_ci.emulator.world import Issue

_ORDER: Final = re.compile(
    r"\s*order\s+by\s+(?P<fields>\w+(?:\s+(?:asc|desc))?(?:\s*,\s*\w+(?:\s+(?:asc|desc))?)*)\s*$", re.IGNORECASE
)
_VALUE: Final = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s(),=~!\"']+"
_CLAUSE: Final = re.compile(
    rf"\s*(?P<field>{_VALUE})\s*(?P<sign>!=|=|~|\bnot\s+in\b|\bin\b)\s*"
    rf"(?P<value>\((?:\s*(?:{_VALUE})\s*,?)+\)|{_VALUE})",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"\s+and\b", re.IGNORECASE)
_OPEN: Final = re.compile(r"\s*\(")
_OR: Final = re.compile(r"\s+or\b", re.IGNORECASE)
_CLOSE: Final = re.compile(r"\s*\)")

_FIELDS: Final[dict[str, Callable[[Issue], list[str]]]] = {
    "key": lambda issue: [issue.key, issue.id],
    "issuekey": lambda issue: [issue.key, issue.id],
    "id": lambda issue: [issue.id, issue.key],
    "project": lambda issue: [issue.project],
    "issuetype": lambda issue: [issue.type, ISSUE_TYPES[issue.type]],
    "type": lambda issue: [issue.type, ISSUE_TYPES[issue.type]],
    "labels": lambda issue: issue.labels,
    "fixversion": lambda issue: issue.fix_versions,
    "summary": lambda issue: [issue.summary],
    "description": lambda issue: [str(issue.description)],
    "text": lambda issue: [issue.summary, str(issue.description)],
}
_KEY_FIELDS: Final = frozenset({"key", "issuekey", "id"})
_TYPE_FIELDS: Final = frozenset({"issuetype", "type"})
_TEXT_FIELDS: Final = frozenset({"summary", "description", "text"})
_ORDERS: Final[dict[str, Callable[[Issue], Any]]] = {
    "key": lambda issue: (issue.project, int(issue.key.rpartition("-")[2])),
    "id": lambda issue: int(issue.id),
    "created": lambda issue: (issue.created, int(issue.id)),
}


class InvalidQuery(ValueError):
    """The query cannot be read, or names what does not exist. Holds one message for each fault."""

    def __init__(self, *messages: str) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


class Query:
    """A query that was read."""

    def __init__(self, text: str, *, bounded: bool = False) -> None:
        """Read it.

        Raises Invalid, also for one that nothing restricts where it has to be `bounded`, as on Cloud (O).
        """
        rest = text
        self.keys: list[str] = []
        """Keys that the query names; Jira refuses one that does not exist."""
        self.projects: list[str] = []
        """Projects that it names; the same."""
        self.places: dict[str, str] = {}
        """Key, id or name of a project in lower case → its key; whoever searches knows them."""
        self.order: list[tuple[str, bool]] = [("created", True)]
        """Fields to sort by, and whether downwards; the first one decides."""
        self._tests: list[Callable[[Issue], bool]] = []
        while rest.strip():
            if ordered := _ORDER.match(rest):
                self.order = _order(ordered["fields"])
                break
            rest = self._either(rest[opened.end() :]) if (opened := _OPEN.match(rest)) else self._clause(rest)
            joined = _AND.match(rest)
            if rest.strip() and joined is None and not _ORDER.match(rest):
                raise InvalidQuery(f"Error in the JQL Query: {rest.strip()[:60]}")
            rest = rest[joined.end() :] if joined is not None else rest
        if bounded and not self._tests:
            raise InvalidQuery(
                "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            )

    def _clause(self, rest: str) -> str:
        """Read one clause; return what is left."""
        clause = _CLAUSE.match(rest)
        if clause is None:
            raise InvalidQuery(f"Error in the JQL Query: {rest.strip()[:60]}")
        self._add(_bare(clause["field"]).lower(), " ".join(clause["sign"].lower().split()), _values(clause["value"]))
        return rest[clause.end() :]

    def _either(self, rest: str) -> str:
        """Read clauses joined by OR up to the bracket that closes them; return what is left."""
        before, self._tests = self._tests, []
        rest = self._clause(rest)
        while joined := _OR.match(rest):
            rest = self._clause(rest[joined.end() :])
        closed = _CLOSE.match(rest)
        if closed is None:
            raise InvalidQuery(f"Error in the JQL Query: {rest.strip()[:60]}")
        tests = self._tests
        self._tests = [*before, lambda issue: any(test(issue) for test in tests)]
        return rest[closed.end() :]

    def _add(self, name: str, sign: str, values: list[str]) -> None:
        if name not in _FIELDS:
            raise InvalidQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
        if (sign == "~") is not (name in _TEXT_FIELDS):
            raise InvalidQuery(f"The operator '{sign}' is not supported by the '{name}' field.")
        if name in _KEY_FIELDS:
            self.keys.extend(values)
        if name == "project":
            self.projects.extend(values)
        unknown = [value for value in values if name in _TYPE_FIELDS and not _is_type(value)]
        if unknown:
            raise InvalidQuery(*(f"The value '{value}' does not exist for the field '{name}'." for value in unknown))
        read, wanted = _FIELDS[name], [value.lower() for value in values]
        if sign == "~":
            pieces = {piece for value in wanted for piece in re.findall(r"\w+", value)}
            self._tests.append(lambda issue: pieces <= set(re.findall(r"\w+", " ".join(read(issue)).lower())))
            return
        without = sign in ("!=", "not in")
        if name == "project":
            self._tests.append(
                lambda issue: (issue.project in {self.places.get(each) for each in wanted}) is not without
            )
        else:
            self._tests.append(lambda issue: any(each.lower() in wanted for each in read(issue)) is not without)

    def finds(self, issue: Issue) -> bool:
        """Say whether an issue is meant."""
        return all(test(issue) for test in self._tests)


def search(
    emulation: Emulation, query: Query, now: datetime, *, fresh: Collection[str] = (), sees: bool = True
) -> list[Issue]:
    """Return the issues that are found, in the order asked for, newest first unless told; raises Invalid.

    Issues younger than the lag of the index are left out, save those whose ids are in `fresh` (O). Who does not see any
    project finds nothing, and its keys do not exist for him (R).
    """
    world, lag = emulation.world, timedelta(seconds=emulation.switches.index_lag_s)
    query.places = {
        name.lower(): each.key for each in world.projects.values() if sees for name in (each.key, each.id, each.name)
    }
    faults = [
        f"An issue with key '{key}' does not exist for field 'key'."
        for key in query.keys
        if not sees or world.find(key) is None
    ]
    faults += [
        f"The value '{name}' does not exist for the field 'project'."
        for name in query.projects
        if name.lower() not in query.places
    ]
    if faults:
        raise InvalidQuery(*faults)
    found = [
        issue
        for issue in world.issues.values()
        if sees and query.finds(issue) and (issue.created + lag <= now or not lag or issue.id in fresh)
    ]
    for name, downwards in reversed(query.order):
        found.sort(key=_ORDERS[name], reverse=downwards)
    return found


def _order(text: str) -> list[tuple[str, bool]]:
    found = []
    for each in text.split(","):
        name, _, way = each.strip().lower().partition(" ")
        if name not in _ORDERS:
            raise InvalidQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
        found.append((name, way.strip() == "desc"))
    return found


def _is_type(value: str) -> bool:
    return any(value.lower() in (name.lower(), number) for name, number in ISSUE_TYPES.items())


def _values(text: str) -> list[str]:
    inside = text[1:-1] if text.startswith("(") else text
    return [_bare(each) for each in re.findall(_VALUE, inside)]


def _bare(text: str) -> str:
    if text[:1] in ("'", '"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
