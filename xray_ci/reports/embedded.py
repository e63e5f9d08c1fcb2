"""Files that a report holds in itself, as base64 or as plain text: their names and their content. Knows no format of reports."""

from __future__ import annotations

import base64
import re
from typing import Final

from xray_ci.model import Attachment
from xray_ci.reports import texts

ATTACHMENT_LIMIT: Final = 1_000
"""Files kept of one case."""
DEFAULT: Final = "application/octet-stream"
LOG: Final = "text/x.cucumber.log+plain"
"""Lines that a test logged: output, no file."""
_LINKS: Final = "text/uri-list"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_ENDINGS: Final = {"text/plain": "txt", "text/markdown": "md", "image/jpeg": "jpg", "image/svg+xml": "svg",
                   "application/octet-stream": "bin", "text/x.cucumber.log+plain": "log", "text/uri-list": "txt", "application/x-zip-compressed": "zip"}
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
    return texts.packed(data) if encoded else base64.b64encode(data.encode("utf-8", "replace")).decode("ascii")


def file(path: str, media_type: str | None, name: str | None = None) -> Attachment:
    """Return the file at a path as the report writes it, under the report's name for it or that of the path."""
    found = texts.named_file(path)
    return Attachment(name=named(name, media_type, 1) if name else found.name, media_type=media_type, path=path)


def attachment(data: str, media_type: str | None, name: str | None, number: int, *, encoded: bool | None = None,
               stem: str = "attachment") -> Attachment | None:
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
    packed = texts.packed(data) if data.strip() else ""
    return bool(packed) and len(packed) % 4 == 0 and _BASE64.fullmatch(packed) is not None
