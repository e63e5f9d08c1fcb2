"""Texts of a report cut to what is kept of them, and the files that they name. Knows nothing of any format.

Files that a report holds in itself, as base64 or as plain text: their names and their content. Knows no format of
reports.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from xray_ci.model import CUT, TEXT_LIMIT, Attachment, Outcome

OUTPUT_LIMIT: Final = 4_096
"""Characters kept of the end of a case's output: what was printed last says most about a failure."""
MARKER_COUNT_LIMIT: Final = 1_000
"""Markers that are looked at in one text."""
CUT_BEFORE: Final = CUT.strip() + "\n"

# Jenkins' and GitLab's way to name a file in the output. Bounded, so that scanning is linear whatever the text.
_ATTACHMENT: Final = re.compile(r"\[\[ATTACHMENT[|:]([^\]\r\n]{1,1000})\]\]")
_PROPERTY: Final = re.compile(r"\[\[PROPERTY[|:]([^=\]\r\n]{1,100})=([^\]\r\n]{0,1000})\]\]")
_MAGIC: Final = (
    ("iVBORw0KGgo", ".png"),
    ("/9j/", ".jpg"),
    ("R0lGOD", ".gif"),
    ("JVBERi", ".pdf"),
    ("UEsDB", ".zip"),
    ("H4sI", ".gz"),
    ("PHN2Zy", ".svg"),
)


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the beginning of a text, marked where something is missing."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def last(text: str) -> str:
    """Return a little more of the end of an output than is kept, so that `tail` still sees that it was longer."""
    return text if len(text) <= OUTPUT_LIMIT else text[-OUTPUT_LIMIT - 1 :]


def tail(text: str) -> str:
    """Return the end of an output, marked where something is missing."""
    text = text.strip("\r\n")
    return text if len(text) <= OUTPUT_LIMIT else CUT_BEFORE + text[len(CUT_BEFORE) - OUTPUT_LIMIT :]


def markers(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the paths and the (name, value) properties in a text: `[[ATTACHMENT|path]]`, `[[PROPERTY|name=value]]`."""
    paths = dict.fromkeys(path.strip() for path in _ATTACHMENT.findall(text))
    return list(paths)[:MARKER_COUNT_LIMIT], _PROPERTY.findall(text)[
        :MARKER_COUNT_LIMIT
    ] if "[[PROPERTY" in text else []


def named_file(path: str) -> Attachment:
    """Return the attachment of a path as the report writes it, with either slash."""
    return Attachment(name=re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path, path=path)


def nameless(number: int, base64: str) -> str:
    """Invent a file name for evidence that has none: by its place, and its ending by its first bytes."""
    return f"evidence-{number}" + next((ending for start, ending in _MAGIC if base64.startswith(start)), "")


def without_blanks(text: str) -> str:
    """Return base64 text without white space."""
    parts = text.split()
    return parts[0] if len(parts) == 1 else "".join(parts)


ATTACHMENT_LIMIT: Final = 1_000
"""Files kept of one case."""
DEFAULT: Final = "application/octet-stream"
LOG: Final = "text/x.cucumber.log+plain"
"""Lines that a test logged: output, no file."""
_LINKS: Final = "text/uri-list"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_ENDINGS: Final = {
    "text/plain": "txt",
    "text/markdown": "md",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
    "application/octet-stream": "bin",
    "text/x.cucumber.log+plain": "log",
    "text/uri-list": "txt",
    "application/x-zip-compressed": "zip",
}
_SUBTYPE: Final = re.compile(r"[a-z0-9]{1,8}")


def ending(media_type: str | None) -> str:
    """Return the ending of file names of a media type, without a dot."""
    plain = (media_type or DEFAULT).partition(";")[0].strip().lower()
    subtype = plain.rpartition("/")[2].rpartition("+")[2]
    return _ENDINGS.get(plain) or (subtype if _SUBTYPE.fullmatch(subtype) else "bin")


def named(name: str | None, media_type: str | None, number: int, *, stem: str = "attachment") -> str:
    """Return a file name: the report's own, with an ending where it has none, else one by its number."""
    own = re.split(r"[\\/]", (name or "").strip().rstrip("\\/"))[-1][:200]
    if not own:
        return f"{stem}-{number}.{ending(media_type)}"
    return own if "." in own[1:] else f"{own}.{ending(media_type)}"


def content(data: str, media_type: str | None, *, encoded: bool | None = None) -> str:
    """Return base64 of what a report holds; `encoded` says whether it is that already, None that nobody knows."""
    if encoded is None:
        encoded = not (media_type or "").startswith(("text/", "application/json")) or _looks_encoded(data)
    return without_blanks(data) if encoded else base64.b64encode(data.encode("utf-8", "replace")).decode("ascii")


def file(path: str, media_type: str | None, name: str | None = None) -> Attachment:
    """Return the file at a path as the report writes it, under the report's name for it or that of the path."""
    found = named_file(path)
    return Attachment(name=named(name, media_type, 1) if name else found.name, media_type=media_type, path=path)


def attachment(
    data: str,
    media_type: str | None,
    name: str | None,
    number: int,
    *,
    encoded: bool | None = None,
    stem: str = "attachment",
) -> Attachment | None:
    """Return the file that a report holds, None for an empty one."""
    base64_text = content(data, media_type, encoded=encoded)
    if not base64_text:
        return None
    return Attachment(name=named(name, media_type, number, stem=stem), media_type=media_type, base64=base64_text)


def log_line(data: str, media_type: str | None, *, encoded: bool | None = None) -> str | None:
    """Return the text of what is output rather than a file (logged lines, links), None for a file."""
    if media_type not in {LOG, _LINKS}:
        return None
    if encoded is None:
        encoded = _looks_encoded(data)
    if not encoded:
        return data
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except ValueError:
        return data


def _looks_encoded(data: str) -> bool:
    packed = without_blanks(data) if data.strip() else ""
    return bool(packed) and len(packed) % 4 == 0 and _BASE64.fullmatch(packed) is not None


_BROKEN_OFF: Final = ("timeout", "timedout", "crash", "abort")


def unknown(word: str | None) -> Outcome:
    """Return the outcome of a word that a format does not have: never passed, and an error where it says so."""
    bare = "".join(filter(str.isalpha, (word or "").lower()))
    return Outcome.ERROR if any(each in bare for each in _BROKEN_OFF) else Outcome.OTHER
