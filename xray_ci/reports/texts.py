"""Texts of a report cut to what is kept of them, and the files that they name. Knows nothing of any format."""

from __future__ import annotations

import re
from typing import Final

from xray_ci.model import CUT, TEXT_LIMIT, Attachment

OUTPUT_LIMIT: Final = 4_096
"""Characters kept of the end of a case's output: what was printed last says most about a failure."""
MARKER_COUNT_LIMIT: Final = 1_000
"""Markers that are looked at in one text."""
CUT_BEFORE: Final = CUT.strip() + "\n"

# Jenkins' and GitLab's way to name a file in the output. Bounded, so that scanning is linear whatever the text.
_ATTACHMENT: Final = re.compile(r"\[\[ATTACHMENT[|:]([^\]\r\n]{1,1000})\]\]")
_PROPERTY: Final = re.compile(r"\[\[PROPERTY[|:]([^=\]\r\n]{1,100})=([^\]\r\n]{0,1000})\]\]")
_MAGIC: Final = (("iVBORw0KGgo", ".png"), ("/9j/", ".jpg"), ("R0lGOD", ".gif"), ("JVBERi", ".pdf"), ("UEsDB", ".zip"),
                 ("H4sI", ".gz"), ("PHN2Zy", ".svg"))


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the beginning of a text, marked where something is missing."""
    return text if len(text) <= limit else text[:limit - len(CUT)] + CUT


def last(text: str) -> str:
    """Return a little more of the end of an output than is kept, so that `tail` still sees that it was longer."""
    return text if len(text) <= OUTPUT_LIMIT else text[-OUTPUT_LIMIT - 1:]


def tail(text: str) -> str:
    """Return the end of an output, marked where something is missing."""
    text = text.strip("\r\n")
    return text if len(text) <= OUTPUT_LIMIT else CUT_BEFORE + text[len(CUT_BEFORE) - OUTPUT_LIMIT:]


def markers(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the paths and the (name, value) properties that a text names as `[[ATTACHMENT|path]]`, `[[PROPERTY|name=value]]`."""
    paths = dict.fromkeys(path.strip() for path in _ATTACHMENT.findall(text))
    return list(paths)[:MARKER_COUNT_LIMIT], _PROPERTY.findall(text)[:MARKER_COUNT_LIMIT] if "[[PROPERTY" in text else []


def named_file(path: str) -> Attachment:
    """Return the attachment of a path as the report writes it, with either slash."""
    return Attachment(name=re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path, path=path)


def nameless(number: int, base64: str) -> str:
    """Invent a file name for evidence that has none: by its place, and its ending by its first bytes."""
    return f"evidence-{number}" + next((ending for start, ending in _MAGIC if base64.startswith(start)), "")


def packed(text: str) -> str:
    """Return base64 text without white space."""
    parts = text.split()
    return parts[0] if len(parts) == 1 else "".join(parts)
