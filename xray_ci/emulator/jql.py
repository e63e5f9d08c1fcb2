"""The JQL that clients send: comparisons with AND, OR, NOT and brackets, lists, dates, `is EMPTY`, some functions.

Knows the words, and the index that lags behind what is stored. Knows no HTTP. History (`was`, `changed`) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from xray_ci.emulator.emulation import Emulation
    from xray_ci.emulator.world import Issue, World

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<sign>!=|!~|>=|<=|[=~<>(),])|(?P<word>[^\s(),=~!<>\"']+))",
    re.DOTALL,
)
_RELATIVE: Final = re.compile(r"(?P<sign>[+-]?)(?P<number>\d{1,6})(?P<unit>[wdhmM])?")
_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "M": 2_592_000}
_DEEPEST: Final = 50
_EMPTY: Final = frozenset({"empty", "null"})

_TEXTS: Final[dict[str, Callable[[Issue], list[str]]]] = {
    "summary": lambda issue: [issue.summary],
    "description": lambda issue: [str(issue.description or "")],
    "text": lambda issue: [issue.summary, str(issue.description or "")],
    "comment": lambda issue: [str(each.get("body", "")) for each in issue.comments],
}
_VALUES: Final[dict[str, Callable[[Issue], list[str]]]] = {
    "key": lambda issue: [issue.key, issue.id],
    "issuekey": lambda issue: [issue.key, issue.id],
    "issue": lambda issue: [issue.key, issue.id],
    "id": lambda issue: [issue.id, issue.key],
    "project": lambda issue: [issue.project],
    "issuetype": lambda issue: [issue.type],
    "type": lambda issue: [issue.type],
    "labels": lambda issue: issue.labels,
    "fixversion": lambda issue: issue.fix_versions,
    "status": lambda issue: [issue.status],
    "statuscategory": lambda issue: [{"To Do": "To Do", "Done": "Done"}.get(issue.status, "In Progress")],
    "assignee": lambda issue: [issue.assignee] if issue.assignee else [],
    "reporter": lambda issue: [_named(issue.fields.get("reporter"))] if issue.fields.get("reporter") else [],
    "priority": lambda issue: [_named(issue.fields.get("priority")) or "Medium"],
    "resolution": lambda issue: ["Done"] if issue.status == "Done" else [],
    "component": lambda issue: [_named(each) for each in issue.fields.get("components") or ()],
}
_MOMENTS: Final[dict[str, Callable[[Issue], datetime]]] = {
    "created": lambda issue: issue.created,
    "createddate": lambda issue: issue.created,
    "updated": lambda issue: issue.updated or issue.created,
    "updateddate": lambda issue: issue.updated or issue.created,
}
_KEYS: Final = frozenset({"key", "issuekey", "issue", "id"})
_TYPES: Final = frozenset({"issuetype", "type"})
_STATUSES: Final = frozenset({"to do", "in progress", "done", "10000", "3", "10001"})
_LISTED: Final[dict[str, Callable[[Issue], list[str]]]] = {
    "testplantests": lambda issue: issue.plan.tests if issue.plan else [],
    "testexecutiontests": lambda issue: list(issue.execution.runs) if issue.execution else [],
    "testsettests": lambda issue: issue.test_set.tests if issue.test_set else [],
    "testplantestexecutions": lambda issue: issue.plan.executions if issue.plan else [],
}
"""Functions that Xray adds: what each lists of the issue it is given (D)."""
_ORDERS: Final[dict[str, Callable[[Issue], Any]]] = {
    "key": lambda issue: (issue.project, int(issue.key.rpartition("-")[2])),
    "id": lambda issue: int(issue.id),
    "created": lambda issue: (issue.created, int(issue.id)),
    "updated": lambda issue: (issue.updated or issue.created, int(issue.id)),
    "summary": lambda issue: issue.summary.lower(),
    "status": lambda issue: issue.status,
    "priority": lambda issue: str(issue.fields.get("priority") or ""),
    "project": lambda issue: issue.project,
    "rank": lambda issue: int(issue.id),
}


class InvalidQuery(ValueError):
    """The query cannot be read, or names what does not exist. Holds one message for each fault."""

    def __init__(self, *messages: str) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str
    quoted: bool = False
    start: int = 0

    @property
    def word(self) -> str:
        """Return it as a word of the language: nothing where it is quoted."""
        return "" if self.quoted else self.text.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """One comparison as it was read; what it means depends on the world and the moment."""

    field: str
    sign: str
    values: tuple[str, ...] = ()
    function: str = ""
    empty: bool = False


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Tokens on their way."""

    text: str
    tokens: list[_Token] = field(default_factory=list)
    at: int = 0

    def peek(self, ahead: int = 0) -> _Token:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else _Token(text="", start=len(self.text))

    def take(self) -> _Token:
        token = self.peek()
        self.at += 1
        return token

    def takes(self, *words: str) -> bool:
        """Take these words when they come next."""
        if all(self.peek(number).word == word for number, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def lost(self) -> InvalidQuery:
        return InvalidQuery(f"Error in the JQL Query: {self.text[self.peek().start :].strip()[:60]}")


class Query:
    """A query that was read."""

    def __init__(self, text: str, *, bounded: bool = False) -> None:
        """Read it.

        Raises InvalidQuery, also for one that nothing restricts where it has to be `bounded`, as on Cloud (O).
        """
        self.clauses: list[_Clause] = []
        """Every comparison, wherever it stands: Jira refuses what one of them names that does not exist."""
        self.places: dict[str, str] = {}
        """Key, id or name of a project in lower case → its key; whoever searches knows them."""
        self.types: dict[str, str] = {}
        """Name or id of an issue type in lower case → its name; the same. Empty: names stand for themselves."""
        self.now = datetime.now(UTC)
        self.me = ""
        self.listed: Callable[[str, str], list[str]] = lambda _function, _key: []
        self.order: list[tuple[str, bool]] = [("created", True)]
        """Fields to sort by, and whether downwards; the first one decides."""
        reading = _read(text)
        self._test: Callable[[Issue], bool] = lambda _issue: True
        if reading.peek().text and not (reading.peek().word == "order" and reading.peek(1).word == "by"):
            self._test = self._either(reading, 0)
        if reading.takes("order", "by"):
            self.order = _order(reading)
        if reading.peek().text:
            raise reading.lost()
        if bounded and not self.clauses:
            raise InvalidQuery(
                "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            )

    @property
    def keys(self) -> list[str]:
        """Return the keys that it names; Jira refuses one that does not exist."""
        return [value for each in self.clauses if each.field in _KEYS and not each.function for value in each.values]

    def finds(self, issue: Issue) -> bool:
        """Say whether an issue is meant."""
        return self._test(issue)

    def faults(self, world: World, *, sees: bool) -> list[str]:
        """Return a text for everything that it names and that does not exist."""
        found = [
            f"An issue with key '{key}' does not exist for field 'key'."
            for key in self.keys
            if not sees or world.find(key) is None
        ]
        for each in self.clauses:
            known: Collection[str] | None = None
            if each.field == "project":
                known = self.places
            elif each.field in _TYPES:
                known = self.types
            elif each.field == "status":
                known = _STATUSES
            elif each.field == "fixversion":
                known = {name.lower() for owner in world.projects.values() if sees for name in owner.versions}
            if known is not None:
                found += [
                    f"The value '{value}' does not exist for the field '{each.field}'."
                    for value in each.values
                    if value.lower() not in known
                ]
        return found

    def _either(self, reading: _Reading, depth: int) -> Callable[[Issue], bool]:
        tests = [self._both(reading, depth)]
        while reading.takes("or") or reading.takes("||"):
            tests.append(self._both(reading, depth))
        return tests[0] if len(tests) == 1 else lambda issue: any(test(issue) for test in tests)

    def _both(self, reading: _Reading, depth: int) -> Callable[[Issue], bool]:
        tests = [self._one(reading, depth)]
        while reading.takes("and") or reading.takes("&&"):
            tests.append(self._one(reading, depth))
        return tests[0] if len(tests) == 1 else lambda issue: all(test(issue) for test in tests)

    def _one(self, reading: _Reading, depth: int) -> Callable[[Issue], bool]:
        if depth > _DEEPEST:
            raise reading.lost()
        if reading.takes("not"):
            inner = self._one(reading, depth + 1)
            return lambda issue: not inner(issue)
        if reading.takes("("):
            inner = self._either(reading, depth + 1)
            if not reading.takes(")"):
                raise reading.lost()
            return inner
        clause = _clause(reading)
        self.clauses.append(clause)
        return lambda issue: self._holds(clause, issue)

    def _holds(self, clause: _Clause, issue: Issue) -> bool:
        if clause.field in _MOMENTS:
            return self._compared(clause, _MOMENTS[clause.field](issue))
        if clause.field in _TEXTS:
            held = _TEXTS[clause.field](issue)
            if clause.empty:
                return any(each.strip() for each in held) is clause.sign.endswith(("not", "!="))
            wanted = {piece for value in clause.values for piece in re.findall(r"\w+", value.lower())}
            found = wanted <= set(re.findall(r"\w+", " ".join(held).lower()))
            return found is not clause.sign.startswith("!")
        held = [each.lower() for each in _VALUES[clause.field](issue)]
        without = clause.sign in ("!=", "not in", "is not")
        if clause.empty:
            return bool(held) is without
        if without and not held:
            return False  # Jira leaves out issues whose field is empty (R)
        wanted = {each for value in self._values(clause) for each in self._meant(clause.field, value)}
        return any(each in wanted for each in held) is not without

    def _values(self, clause: _Clause) -> list[str]:
        if not clause.function:
            return list(clause.values)
        if clause.function == "currentuser":
            return [self.me]
        return [key for value in clause.values for key in self.listed(clause.function, value)]

    def _meant(self, name: str, value: str) -> list[str]:
        lower = value.lower()
        if name == "project":
            place = self.places.get(lower)
            return [place.lower()] if place else []
        if name in _TYPES:
            return [self.types.get(lower, value).lower()]
        return [lower, {"10000": "to do", "3": "in progress", "10001": "done"}.get(lower, lower)]

    def _compared(self, clause: _Clause, held: datetime) -> bool:
        if clause.empty:
            return clause.sign in ("is not", "!=")
        wanted = [_moment(clause.function or value, self.now) for value in clause.values or ("",)]
        match clause.sign:
            case ">":
                return held > wanted[0]
            case ">=":
                return held >= wanted[0]
            case "<":
                return held < wanted[0]
            case "<=":
                return held <= wanted[0]
            case _:
                return (held in wanted) is (clause.sign in ("=", "in"))


def _read(text: str) -> _Reading:
    reading, at = _Reading(text=text), 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidQuery(f"Error in the JQL Query: {text[at:].strip()[:60]}")
        quoted = found["quoted"]
        held = re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) if quoted else found["sign"] or found["word"]
        reading.tokens.append(_Token(text=held or " ", quoted=quoted is not None, start=at))
        at = found.end()
    return reading


def _clause(reading: _Reading) -> _Clause:
    """Read one comparison; raises InvalidQuery."""
    first = reading.peek()
    if not first.text or (not first.quoted and re.fullmatch(r"[=~<>(),!]+", first.text)):
        raise reading.lost()
    name = reading.take().text.lower()
    sign = _sign(reading)
    if name not in _VALUES and name not in _TEXTS and name not in _MOMENTS:
        raise InvalidQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
    clause = _operand(reading, name, sign)
    is_text, is_moment = name in _TEXTS, name in _MOMENTS
    if not clause.empty and (
        (sign in ("~", "!~")) is not is_text
        or (sign in (">", ">=", "<", "<=") and not is_moment)
        or sign.startswith("is")
    ):
        raise InvalidQuery(f"The operator '{sign}' is not supported by the '{name}' field.")
    if is_moment and not clause.empty:
        for value in clause.values or ("",):
            _moment(clause.function or value, datetime.now(UTC))
    return clause


def _sign(reading: _Reading) -> str:
    if reading.takes("not", "in"):
        return "not in"
    if reading.takes("is", "not"):
        return "is not"
    token = reading.take()
    if token.word not in ("=", "!=", "~", "!~", ">", ">=", "<", "<=", "in", "is"):
        reading.at -= 1
        raise reading.lost()
    return token.word


def _operand(reading: _Reading, name: str, sign: str) -> _Clause:
    if sign in ("in", "not in") and reading.takes("("):
        return _Clause(field=name, sign=sign, values=tuple(_list(reading)))
    token = reading.take()
    if not token.text or (not token.quoted and token.text in "=~<>(),!"):
        reading.at -= 1
        raise reading.lost()
    if not token.quoted and reading.takes("("):
        values = () if reading.takes(")") else tuple(_list(reading))
        function = token.word
        if function not in _LISTED and function not in ("currentuser", *_STARTS):
            raise InvalidQuery(f"Unable to find JQL function '{token.text}({', '.join(values)})'.")
        return _Clause(field=name, sign=sign, values=values, function=function)
    if token.word in _EMPTY:
        return _Clause(field=name, sign=sign, empty=True)
    if sign in ("in", "not in"):
        raise InvalidQuery(f"Operator '{sign}' does not support the non-list value '{token.text}'.")
    return _Clause(field=name, sign=sign, values=(token.text.strip(),))


def _list(reading: _Reading) -> Iterable[str]:
    """Read values up to the bracket that closes them; there is one at least."""
    found = []
    while True:
        token = reading.take()
        if not token.text or (not token.quoted and token.text in "=~<>(),!"):
            reading.at -= 1
            raise reading.lost()
        found.append(token.text.strip())
        if reading.takes(")"):
            return found
        if not reading.takes(","):
            raise reading.lost()


def _order(reading: _Reading) -> list[tuple[str, bool]]:
    found = []
    while True:
        name = reading.take().text.lower()
        if name not in _ORDERS:
            raise InvalidQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
        down = reading.takes("desc")
        if not down:
            reading.takes("asc")
        found.append((name, down))
        if not reading.takes(","):
            return found


_STARTS: Final[dict[str, Callable[[datetime], datetime]]] = {
    "now": lambda now: now,
    "startofday": lambda now: now.replace(hour=0, minute=0, second=0, microsecond=0),
    "startofweek": lambda now: (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0),
    "startofmonth": lambda now: now.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    "startofyear": lambda now: now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0),
    "endofday": lambda now: now.replace(hour=23, minute=59, second=59, microsecond=999_999),
}


def _moment(text: str, now: datetime) -> datetime:
    """Return a moment: a day, a minute, so long before or after now, or a function; raises InvalidQuery."""
    if text in _STARTS:
        return _STARTS[text](now)
    if relative := _RELATIVE.fullmatch(text):
        seconds = int(relative["number"]) * _UNITS[relative["unit"] or "m"]
        try:
            return now + timedelta(seconds=-seconds if relative["sign"] == "-" else seconds)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC) if relative["sign"] == "-" else datetime.max.replace(tzinfo=UTC)
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise InvalidQuery(
        f"Date value '{text}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', "
        "'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _named(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or value.get("accountId") or value.get("id") or "")
    return str(value or "")


def search(
    emulation: Emulation, query: Query, now: datetime, *, fresh: Collection[str] = (), sees: bool = True, me: str = ""
) -> list[Issue]:
    """Return the issues that are found, in the order asked for, newest first unless told; raises InvalidQuery.

    Issues younger than the lag of the index are left out, save those whose ids are in `fresh` (O). Who does not see any
    project finds nothing, and its keys do not exist for him (R).
    """
    world, lag = emulation.world, timedelta(seconds=emulation.switches.index_lag_s)
    query.now, query.me = now, me
    query.places = {
        name.lower(): each.key for each in world.projects.values() if sees for name in (each.key, each.id, each.name)
    }
    query.types = {word.lower(): name for name, number in world.issue_types.items() for word in (name, number)}

    def listed(function: str, key: str) -> list[str]:
        issue = world.find(key)
        return _LISTED[function](issue) if issue is not None and function in _LISTED else []

    query.listed = listed
    if faults := query.faults(world, sees=sees):
        raise InvalidQuery(*faults)
    found = [
        issue
        for issue in world.issues.values()
        if sees and query.finds(issue) and (not lag or issue.created + lag <= now or issue.id in fresh)
    ]
    for name, downwards in reversed(query.order):
        found.sort(key=_ORDERS[name], reverse=downwards)
    return found
