"""What the first bytes of a file show: its medium, the root element and names in it, or the paths of its JSON members.

Knows XML, JSON and lines; knows no format of reports: those ask a `Look`. Whatever the bytes, looking never fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.reports.encoding import head_text

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD: Final = 65_536
"""Bytes that are looked at."""
_MAGIC: Final = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"BZh", "bzip2"),
                 (b"\xfd7zXZ\0", "xz"), (b"\0xray-ci shard ", "shard"),
                 (b"\x28\xb5\x2f\xfd", "zstd"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"),
                 (b"GIF8", "gif"), (b"%PDF", "pdf"), (b"\x7fELF", "program"), (b"SQLite format 3", "sqlite"))
_PROLOGUE: Final = re.compile(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_NAME: Final = r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*"
_ROOT: Final = re.compile(rf"<(?P<name>{_NAME})(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)")
_JUNK_ROOT: Final = re.compile(
    r"<(?:[A-Za-z_][\w.-]{0,40}:)?(?P<name>testsuites|testsuite|testcase)(?P<attributes>[^<>]{0,2000})[\s/>]")
_TAG: Final = re.compile(rf"<({_NAME})")
_TAP_HEAD: Final = re.compile(r"TAP version \d+|1\.\.\d+(?:\s|$)|(?:not )?ok(?: |$)")
_DECLARED: Final = re.compile(r"<\?xml\s")
_JSON_START: Final = re.compile(r"^[\[{](?=\s*[\[\]{}\"\d-])", re.MULTILINE)
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]++', re.DOTALL)
_TOKENS: Final = 6_000
_CANDIDATES: Final = 20
"""Places after log lines where JSON may begin."""
_DEEP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What can be seen in the first bytes of a file."""

    medium: str
    """`xml`, `json`, `json-lines`, `text`, `empty`, `blank`, or the name of a binary format."""
    text: str = ""
    root: str = ""
    """XML: local name of the root element."""
    attributes: str = ""
    """XML: attributes of the root as written."""
    inside: frozenset[str] = frozenset()
    """XML: local names of the elements seen so far, the root among them."""
    members: frozenset[str] = frozenset()
    """JSON: paths such as `tests[].status`; `` is the root object, `[]` the element of a root array."""
    values: Mapping[str, str] = field(default_factory=dict)
    """JSON: the first text or number at each path."""

    def has(self, *paths: str) -> bool:
        """Say whether all these JSON paths were seen."""
        return all(path in self.members for path in paths)

    @property
    def top(self) -> frozenset[str]:
        """Return the names of the root object's members."""
        return frozenset(path for path in self.members if path and "." not in path and "[" not in path)


def unreadable(head: bytes) -> str | None:
    """Return the medium of a file that holds no text at all, or None."""
    if not head.strip(b"\xef\xbb\xbf\0 \t\r\n"):
        return "blank" if head else "empty"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def look(head: bytes) -> Look:
    """Look at the first bytes of a file (at most 64 KiB are used)."""
    head = head[:HEAD]
    if name := unreadable(head):
        return Look(medium=name)
    text = head_text(head)
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[0] == "<" and (seen := _xml(stripped)):
        return seen
    if stripped[0] in "{[" and (seen := _json(stripped)).members:
        return seen
    if _TAP_HEAD.match(stripped):
        return Look(medium="text", text=text)  # what its diagnoses quote is no report
    return _behind_junk(text)


def _behind_junk(text: str) -> Look:
    """Look for a report after log lines, which tools write into the same stream."""
    if found := _DECLARED.search(text):
        seen = _xml(text[found.start():])
        if seen is not None:
            return seen
    if found := _JUNK_ROOT.search(text):
        return Look(medium="xml", text=text, root=found["name"], attributes=found["attributes"],
                    inside=_names(text[found.start():]))
    for _, found in zip(range(_CANDIDATES), _JSON_START.finditer(text), strict=False):
        seen = _json(text[found.start():])
        if seen.members - {"", "[]"}:
            return seen
    return Look(medium="text", text=text)


def _xml(text: str) -> Look | None:
    start = _PROLOGUE.match(text)
    at = start.end() if start else 0
    if text[:9].lower() == "<!doctype" and "html" in text[9:40].lower():
        return Look(medium="xml", text=text, root="html", inside=_names(text))
    found = _ROOT.match(text, at)
    if found is None:
        return None
    return Look(medium="xml", text=text, root=found["name"].rpartition(":")[2], attributes=found["attributes"],
                inside=_names(text[at:]))


def _names(text: str) -> frozenset[str]:
    return frozenset(name.rpartition(":")[2] for name in _TAG.findall(text))


def _json(text: str) -> Look:
    """Collect member paths from JSON that is cut off, or broken further on."""
    members: set[str] = set()
    values: dict[str, str] = {}
    stack: list[tuple[str, str]] = []  # bracket, path
    path = key = ""
    expects_key = False
    documents = 0
    for count, token in enumerate(_TOKEN.finditer(text)):
        word = token[0]
        if count > _TOKENS or (not stack and documents and word not in "{["):
            break
        if word in "{[":
            documents += not stack
            path = _join(stack, key)
            members.add(path)
            stack.append((word, path))
            expects_key = word == "{"
        elif word in "}]":
            if stack:
                stack.pop()
            expects_key = False
        elif word == ",":
            expects_key = bool(stack) and stack[-1][0] == "{"
        elif word == ":":
            expects_key = False
        elif expects_key:
            key = word.strip('"')
        elif stack and len(stack) < _DEEP:
            path = _join(stack, key)
            members.add(path)
            values.setdefault(path, word.strip('"')[:200])
        if documents > 1:
            break
    return Look(medium="json-lines" if documents > 1 else "json", text=text, members=frozenset(members), values=values)


def _join(stack: list[tuple[str, str]], key: str) -> str:
    if not stack:
        return ""
    bracket, path = stack[-1]
    if bracket == "[":
        return f"{path}[]"
    return f"{path}.{key}" if path else key
