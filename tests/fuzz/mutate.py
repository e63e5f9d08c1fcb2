"""Changes that keep an input a document.

Elements, attributes, members, values and lines are moved, doubled, dropped, replaced.

Knows the three media and some words; knows no format. What cannot be taken apart is left alone: then bytes are changed.
"""

from __future__ import annotations

import copy
import json
import re
from random import Random
from typing import Any

from fuzz.words import NASTY

_TOKENS = re.compile(rb"<!\[CDATA\[.*?\]\]>|<[^<>]*>|[^<>]+|[<>]", re.DOTALL)
_ATTRIBUTE = re.compile(rb"""([\w:.-]+)=("[^"]*"|'[^']*')""")
_CHANGES = 4
_DEEPEST = 60
_NESTS = (40, 300, 900, 1_500)
"""Around the bounds of our own, and those of Python's stack."""
_LARGEST = 20_000
"""Bytes of a document that is taken apart: a few changes can make it many times as large."""
_HOLE = "@@nest@@"
_SELDOM = 0.1
_LONG = ("a" * 300, "b " * 3_000, "\u00e9" * 17_000, "SHOP-1," * 5_000)
"""Around and beyond what is kept of names, outputs and texts."""
_NUMBERS = (0, -1, 1, 0.5, 1e18, -1e300, 31_622_400, 10**25, 253_402_300_800, True, False, None)


def changed(content: bytes, words: list[str], rng: Random) -> bytes | None:
    """Return a changed document; None for bytes that are none, or too many."""
    if len(content) > _LARGEST:
        return None
    try:
        return _changed(content, words, rng)
    except RecursionError:  # nested too deep to be taken apart
        return None


def _changed(content: bytes, words: list[str], rng: Random) -> bytes:
    start = content[:200].lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start == b"<":
        return _xml(content, words, rng)
    if start and start in b"{[":
        try:
            value = json.loads(content)
        except ValueError:
            pass
        else:
            return _dumped(_json(value, words, rng), words, rng)
    return _lines(content, words, rng)


def _xml(content: bytes, words: list[str], rng: Random) -> bytes:
    tokens = _TOKENS.findall(content)
    for _ in range(rng.randint(1, _CHANGES)):
        if not tokens:
            break
        at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(10):
            case 0:
                del tokens[at : at + rng.choice((1, 1, 2, 5))]
            case 1:
                tokens[at:at] = tokens[other : other + rng.choice((1, 3, 8))]
            case 2:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                word = _word(words, rng).encode()
                tokens[at:at] = [b"<" + word + b">", rng.choice(tokens), b"</" + word + b">"]
            case 4:
                tokens.insert(at, _word(words, rng).encode())
            case 5 if rng.random() < _SELDOM:
                word, times = (re.match(rb"<([\w:.-]+)", tokens[other]) or (b"", b"a"))[1], rng.choice(_NESTS)
                tokens[at:at] = [(b"<%s>" % word) * times, tokens[other], (b"</%s>" % word) * times]
            case _:
                tokens[at] = _tag(tokens[at], words, rng)
    return b"".join(tokens)


def _tag(token: bytes, words: list[str], rng: Random) -> bytes:
    """Change the attributes of a tag, or put another text in the place of a text."""
    word = _word(words, rng).encode()
    attributes = list(_ATTRIBUTE.finditer(token))
    if not token.startswith(b"<"):
        return word
    if attributes and rng.random() < 0.7:
        one = rng.choice(attributes)
        name, value = (one[1], b'"' + word + b'"') if rng.random() < 0.7 else (word, one[2])
        return token[: one.start()] + name + b"=" + value + token[one.end() :]
    return re.sub(rb"\s*/?>$", lambda end: b" " + word + b'="' + _word(words, rng).encode() + b'"' + end[0], token)


def _json(document: Any, words: list[str], rng: Random) -> Any:
    holder = [document]
    for _ in range(rng.randint(1, _CHANGES)):
        spots = list(_spots(holder, 0))
        inside, name = rng.choice(spots)
        other, another = rng.choice(spots)
        match rng.randrange(9):
            case 0 if inside is not holder:
                del inside[name]
            case 1:
                inside[name] = copy.deepcopy(other[another])
            case 2 if isinstance(inside, list) and inside is not holder:
                inside.insert(rng.randrange(len(inside) + 1), copy.deepcopy(inside[name]))
            case 3 if isinstance(inside[name], dict):
                inside[name][_word(words, rng)] = copy.deepcopy(other[another])
            case 4 if isinstance(inside, dict):
                inside[_word(words, rng)] = inside.pop(name)
            case 5:
                inside[name] = rng.choice(({}, [], [inside[name]], {_word(words, rng): inside[name]}))
            case 6:
                inside[name] = rng.choice(_NUMBERS)
            case 7 if rng.random() < _SELDOM:
                inside[name] = _HOLE
            case _:
                inside[name] = _word(words, rng)
    return holder[0]


def _spots(holder: Any, depth: int) -> Any:
    pairs = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
    for name, value in pairs:
        yield holder, name
        if isinstance(value, dict | list) and depth < _DEEPEST:
            yield from _spots(value, depth + 1)


def _lines(content: bytes, words: list[str], rng: Random) -> bytes:
    rows = content.split(b"\n")
    for _ in range(rng.randint(1, _CHANGES)):
        at, other = rng.randrange(len(rows)), rng.randrange(len(rows))
        match rng.randrange(7):
            case 0 if len(rows) > 1:
                del rows[at]
            case 1:
                rows.insert(at, rows[other])
            case 2:
                rows[at], rows[other] = rows[other], rows[at]
            case 3:
                rows[at] = rng.choice((b"  ", b"    ", b"# ", _word(words, rng).encode())) + rows[at]
            case _:
                rows[at] = _line(rows[at], words, rng)
    return b"\n".join(rows)


def _line(row: bytes, words: list[str], rng: Random) -> bytes:
    if row.lstrip()[:1] in {b"{", b"["}:
        try:
            return _dumped(_json(json.loads(row), words, rng), words, rng)
        except ValueError:
            return row
    parts = re.split(rb"(\s+)", row)
    parts[rng.randrange(len(parts))] = _word(words, rng).encode()
    return b"".join(parts)


def _dumped(value: Any, words: list[str], rng: Random) -> bytes:
    text = json.dumps(value, ensure_ascii=rng.random() < _SELDOM)
    if f'"{_HOLE}"' in text:
        begin, end = rng.choice((("[", "]"), (f"{{{json.dumps(_word(words, rng))}: ", "}")))
        times = rng.choice(_NESTS)
        text = text.replace(f'"{_HOLE}"', begin * times + rng.choice(("1", '"\\ud800"')) + end * times)
    return text.encode("utf-8", "replace")


def _word(words: list[str], rng: Random) -> str:
    if rng.random() < _SELDOM / 10:
        return rng.choice(_LONG)
    return rng.choice(words if words and rng.random() < 0.5 else NASTY)
