"""The block of YAML below a TAP point, as far as it says why the point failed. Knows the members that producers write; no TAP.

Producers write many dialects, some of which no YAML reader takes (raw line breaks in quotes, two documents in one block). So it
is read line by line: names with their scalars and their indented texts, the first of each name, at any depth.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT
from xray_ci.reports import texts
from xray_ci.reports.members import NAME_LIMIT, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEMBER: Final = re.compile(r"(\s*)[\"']?([A-Za-z_][\w.-]{0,60})[\"']?:(?:\s+(.*))?$")
_BLOCKS: Final = frozenset({"|", "|-", "|+", ">", ">-", ">+"})
_NOTHING: Final = frozenset({"", "~", "null", "{}", "[]"})
_LINES: Final = 5_000


def values(block: Sequence[str]) -> dict[str, str]:
    """Return the first value of each name in a block."""
    stripped = "\n".join(block).strip()
    if stripped.startswith("{"):
        return _json(stripped)
    found: dict[str, str] = {}
    at = 0
    while at < min(len(block), _LINES):
        member = _MEMBER.match(block[at])
        at += 1
        if member is None:
            continue
        value = (member[3] or "").strip()
        if value in _BLOCKS:
            begin = at
            while at < len(block) and (not block[at].strip() or _depth(block[at]) > len(member[1])):
                at += 1
            value = textwrap.dedent("\n".join(block[begin:at])).strip("\n")
        else:
            value = _unquoted(value)
        if value not in _NOTHING:
            found.setdefault(member[2], value)
    return found


def failure(block: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace: the stack where there is one, else the whole block."""
    found = values(block)
    message, trace = found.get("message") or found.get("error"), found.get("stack")
    kind = found.get("name") or found.get("failureType") or found.get("type") or kind_of(trace)
    whole = textwrap.dedent("\n".join(block)).strip("\n")
    if trace is None and whole and whole != message:
        trace = whole
    elif trace is not None and (place := found.get("at") or found.get("location")) and place not in trace:
        trace = f"{trace}\nat {place}"
    return kind[:NAME_LIMIT] if kind else None, texts.cut(message) if message else None, texts.cut(trace) if trace else None


def _json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {name: texts.cut(item, TEXT_LIMIT).encode("utf-8", "replace").decode() for name, item in value.items()
            if isinstance(item, str)} if isinstance(value, dict) else {}


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value)).encode("utf-8", "replace").decode()
        except ValueError:
            return value[1:-1]
    return value[1:-1].replace("''", "'") if len(value) > 1 and value[0] == value[-1] == "'" else value
