"""What a fuzzer should try besides random bytes.

The words of a family's readers, the tokens of its medium, and nasty values.

Words are the texts in the readers' own source, so that they are never out of date. Knows the fuzzer's dictionary files.
"""

from __future__ import annotations

import ast
from pathlib import Path

import xray_ci.reports
from fuzz.families import Family

_ROOM = Path(xray_ci.reports.__file__).parent
_LONGEST = 40
_ENTRY = 64
"""Bytes of an entry that the fuzzer takes."""
_JSON = (
    '{"',
    '":',
    '":{',
    '":[',
    '",',
    "null",
    "true",
    "[]",
    "{}",
    "\\ud800",
    "\\u0000",
    '"\\u00e9"',
    "1e308",
    "-0.0",
    '"":',
)
_TOKENS = {
    "xml": (
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?xml version='1.0' encoding='",
        "?>",
        "<!DOCTYPE a [",
        "<!ENTITY a 'b'>",
        "&lt;",
        "&#0;",
        "&#x1F600;",
        "&nbsp;",
        "&a;",
        '="',
        "/>",
        "</",
        "<",
        ">",
        " xmlns:a='b'",
        "a:",
        "</testcase>",
        "<testsuite>",
    ),
    "json": _JSON,
    "lines": ("\n", "\r\n", "}\n{", *_JSON),
    "text": ("\n", "\r\n", "    ", "\t", " # ", "1..", "ok ", "not ok ", "---", "..."),
}
NASTY = (
    "[[ATTACHMENT|",
    "[[PROPERTY|a=b]]",
    "SHOP-1",
    "@SHOP-1",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00+14:00",
    "1971-01-01T00:00:00-23:59",
    "20991231 23:59:59.999",
    "253402300799999",
    "31622400",
    "31622401",
    "1e999",
    "-1",
    "NaN",
    "Infinity",
    "9" * 25,
    "1,5",
    "99:59:59.9",
    "P99999D",
    "data:image/png;base64,aGk=",
    "aGk=",
    "../../etc/passwd",
    "C:\\a\\b",
    "\x1b[31m",
    "\u2028",
    "\ufeff",
    "\x00",
    "{noformat}",
    "%s",
)
"""Values on the edge of what readers take, as text."""


def words(family: Family) -> list[str]:
    """Return the texts in the sources of a family's readers, each once."""
    found: dict[str, None] = {}
    for module in sorted({*(name.partition(".")[0] for name in family.modules), *family.others}):
        tree = ast.parse((_ROOM / f"{module}.py").read_text(encoding="utf-8"))
        spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
                found[node.value] = None
    return [word for word in found if 1 < len(word) <= _LONGEST and word == word.encode("utf-8", "ignore").decode()]


def dictionary(family: Family) -> str:
    """Return the dictionary of a family, in the fuzzer's format.

    One quoted entry a line, all but plain ASCII escaped.
    """
    tried = dict.fromkeys((*_TOKENS[family.medium], *words(family), *NASTY))
    return "".join(f'"{_escaped(word)}"\n' for word in tried if len(word.encode()) <= _ENTRY)


def _escaped(word: str) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}" for byte in word.encode())
