"""What may be told of an answer: its status, its shape, numbers, and words that the table of facts has itself.

This is what makes a report anonymous: nothing that a site says is kept but what is known already. Every other word, and
every other member's name, is `…`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from xray_ci.patterns import lazy
from xray_ci.probe import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.services.wire import Answer

HIDDEN: Final = "…"
_DEPTH: Final = 5
_TOKENS: Final = 60
_SAID: Final = frozenset({"error", "errors", "errorMessages", "message", "messages", "warning", "warnings", "text"})
"""Members that hold sentences; below `errors` of Jira every member does."""
_CORE: Final = lazy(r"""([("'\[]{0,2})([^\s"'()\[\],.:;!?]+(?:'[^\s"'()\[\],.:;!?]+)?)(["')\],.:;!?]{0,3})""")
_VERSION: Final = lazy(r"\d{1,5}(?:\.\d{1,4}){0,3}(?:-SNAPSHOT)?", re.ASCII)


@cache
def vocabulary() -> frozenset[str]:
    """Return the words and the names of members that the table has: all that a report can say in letters."""
    return frozenset(word for fact in table.facts().values() for word in _words_of(fact))


def _words_of(fact: table.Fact) -> Iterator[str]:
    yield from _split(fact.says)
    yield from fact.number.values()
    for held in (fact.expect, fact.expect_server, *(each.seen for each in fact.positions)):
        yield from _held(held)


def _held(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _held(each)
    elif isinstance(value, list):
        for each in value:
            yield from _held(each)
    elif isinstance(value, str):
        yield from _split(value)


def _split(text: str) -> Iterator[str]:
    for chunk in text.split():
        found = _CORE.fullmatch(chunk)
        if found and found[2] != HIDDEN and re.search("[A-Za-z]", found[2]):
            yield found[2]


def words(text: str) -> str:
    """Return a sentence with what the table does not know as `…`: names, keys, hosts, numbers."""
    known, told = vocabulary(), []
    for chunk in text.split()[:_TOKENS]:
        found = _CORE.fullmatch(chunk)
        told.append(chunk if chunk == "-" or (found and found[2] in known) else HIDDEN)
    return re.sub(rf"{HIDDEN}(?: {HIDDEN})+", HIDDEN, " ".join(told))


def version(text: Any) -> str:
    """Return a version of a product; anything else is `…`."""
    return text if isinstance(text, str) and _VERSION.fullmatch(text) else HIDDEN


def clean(value: Any) -> Any:
    """Return what was looked at as it may be told, whoever looked: numbers, yes and no, and what the table knows."""
    match value:
        case bool() | int() | float():
            return value
        case str():
            return words(value)
        case list():
            return [clean(each) for each in value[:1]]
        case dict():
            return {_named(name): clean(each) for name, each in value.items()}
        case _:
            return "null"


def _named(name: Any) -> str:
    return name if isinstance(name, str) and name in vocabulary() else HIDDEN


def shape(value: Any, *, said: bool = False, depth: int = _DEPTH) -> Any:
    """Return what a JSON document is made of: kinds instead of values, the first of each list."""
    kinds = {bool: "flag", int: "number", float: "number", type(None): "null"}
    match value:
        case str():
            return words(value) if said else "text"
        case list():
            return [shape(value[0], said=said, depth=depth - 1)] if value and depth else []
        case dict():
            held = value.items() if depth else ()
            return {_named(name): shape(each, said=said or name in _SAID, depth=depth - 1) for name, each in held}
        case _:
            pass
    return kinds.get(type(value), HIDDEN)


def seen(outcome: Answer) -> dict[str, Any]:
    """Return what may be told of an answer; raises nothing."""
    return {"status": outcome.status, "body": _body(outcome)}


def _body(answer: Answer) -> Any:
    if not answer.body:
        return "empty"
    if answer.body.startswith(b"PK\x03\x04"):
        return "zip"
    if answer.is_page:
        return "page"
    if answer.json is None:
        return words(answer.text)
    return shape(answer.json)


def headers(outcome: Answer, *names: str) -> dict[str, bool]:
    """Return which of the headers, given in lower case, an answer has."""
    return {name: True for name in names if name in outcome.headers}
