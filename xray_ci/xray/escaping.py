"""Text of a report on its way out: cleaned, cut, and unable to become markup or a mention.

Knows Jira's wiki markup as far as it can be broken out of. Knows nothing of cases, files or deployments.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from xray_ci.model import CUT

_UNWANTED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls but tab and line feed, halves of surrogate pairs, and non-characters; Jira stores none of them."""
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no XML report can hold, so that leaving it out changes no identity that Xray's own import of XML ever gave."""
_CONTROLS: Final = bytes((*range(9), *range(11, 32), 127))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]")
_BREAK: Final = re.compile(r"\r\n?")
_NOFORMAT: Final = re.compile(r"\{(?=noformat)", re.IGNORECASE)
_WRAPPED: Final = re.compile(r"\s*\{noformat(?::[^}]*)?\}\n?(.*?)\n?\{noformat\}\s*", re.DOTALL)
_MACRO: Final = re.compile(r"\{(?=[A-Za-z])")
_LOADED: Final = re.compile(r"!(?=\w{2,9}:|//)")
_PICTURE: Final = re.compile(r"!(?=\S)")
_ANCHOR: Final = re.compile(r"\[(?=[#^])")
_FENCE: Final = "{noformat}"
_DIGEST_CHARACTERS: Final = 8


def clean(text: str) -> str:
    """Return the text without colour codes, control characters and broken surrogates; line ends become line feeds."""
    if text.isascii():
        # Five times as fast as the pattern, for what nearly every trace is.
        if len(text.encode().translate(None, _CONTROLS)) == len(text):
            return text
    elif _UNWANTED.search(text) is None:
        return text
    text = _BREAK.sub("\n", _ANSI.sub("", text))
    return _UNWANTED.sub("", _SURROGATE.sub("\ufffd", text))


def storable(text: str) -> str:
    """Return the text with as little left out as can be: only what no XML document could have held."""
    return _ILLEGAL.sub("", _SURROGATE.sub("\ufffd", text))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters.

    A shortened text ends with the mark that says so, where there is room for it.
    """
    if len(text) <= limit:
        return text
    kept = limit - len(CUT)
    return text[:kept] + CUT if kept > 0 else text[:limit]


def one_line(text: str, limit: int, *, distinct: bool = False) -> str:
    """Return the text as one line of at most `limit` characters, which may be empty.

    `distinct` ends a shortened line with a digest of the whole, so that long names with a common start stay apart where
    the line is what finds the Test.
    """
    if len(text) <= limit and text.isprintable():
        return text
    line = " ".join(clean(text).split())
    if len(line) <= limit:
        return line
    if not distinct:
        return line[: limit - 1] + "…"
    digest = hashlib.blake2b(line.encode(), digest_size=_DIGEST_CHARACTERS // 2).hexdigest()
    return f"{line[: limit - _DIGEST_CHARACTERS - 2]}… {digest}"


def label(text: str, limit: int = 255) -> str:
    """Return the text as a Jira label, which has no white space; may be empty."""
    return "_".join(clean(text).replace("\ufeff", " ").split())[:limit]


def without_mentions(text: str) -> str:
    """Return the text in which `[~name]` notifies nobody."""
    return text.replace("[~", "[ ~")


def inline(text: str) -> str:
    """Return a text for the middle of wiki text: it notifies nobody and makes no macro, picture or link."""
    text = _PICTURE.sub("! ", _MACRO.sub("{ ", without_mentions(text)))
    return text.replace("[", "[ ") if "|" in text or ":" in text else _ANCHOR.sub("[ ", text)


def readable(text: str) -> str:
    """Return an author's own wiki text that notifies nobody, opens no macro and loads no picture; bold stays bold."""
    return _LOADED.sub("! ", _MACRO.sub("{ ", without_mentions(text)))


def verbatim(text: str, limit: int) -> str:
    """Return the text as one wiki block that shows it as it is: nothing in it ends the block, mentions or formats.

    A text that is such a block already is not wrapped twice. At most `limit` characters, the fences included.
    """
    wrapped = _WRAPPED.fullmatch(text)
    inside = wrapped[1] if wrapped else text
    inside = _NOFORMAT.sub("{ ", without_mentions(inside))
    return f"{_FENCE}\n{cut(inside, limit - 2 * len(_FENCE) - 2)}\n{_FENCE}"
