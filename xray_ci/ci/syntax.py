"""How CI systems want groups, annotations and masks written into a log: closed enums, pure functions from text to lines.

Knows the spelling and its escapes; knows nothing of when something is written, or of which system it is for. Text comes
in clean and redacted.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final, assert_never


class Groups(enum.Enum):
    """How part of a log can be folded."""

    NONE = "none"
    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"
    BUILDKITE = "buildkite"
    TEAMCITY = "teamcity"


class Annotations(enum.Enum):
    """How a message gets a place outside of the log."""

    NONE = "none"
    GITHUB = "github"
    AZURE = "azure"


class Masks(enum.Enum):
    """How a system is told what it must not show."""

    NONE = "none"
    GITHUB = "github"
    AZURE = "azure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """What the log of one CI system understands."""

    groups: Groups = Groups.NONE
    annotations: Annotations = Annotations.NONE
    masks: Masks = Masks.NONE


PLAIN: Final = Syntax()
"""A log that understands nothing but lines."""


class Kind(enum.Enum):
    """Kinds of annotations, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A message with its place in a file of the repository."""

    kind: Kind
    message: str
    title: str | None = None
    file: str | None = None
    """Relative to the workspace."""
    line: int | None = None


_AZURE: Final = {"%": "%AZP25", "\r": "%0D", "\n": "%0A", "]": "%5D", ";": "%3B"}
_TEAMCITY: Final = re.compile("[|'\\[\\]\r\n\x80-\U0010ffff]")


def group_start(groups: Groups, title: str, *, number: int, now: float) -> str:
    """Return the line that opens a group; `number` tells groups of one log apart, `now` is in seconds since 1970."""
    match groups:
        case Groups.NONE:
            return title
        case Groups.GITHUB:
            return f"::group::{_data(title)}"
        case Groups.GITLAB:
            return f"\x1b[0Ksection_start:{int(now)}:xray_ci_{number}\r\x1b[0K{title}"
        case Groups.AZURE:
            return f"##[group]{title}"
        case Groups.BUILDKITE:
            return f"--- {title}"
        case Groups.TEAMCITY:
            return f"##teamcity[blockOpened name='{teamcity(title)}']"
    assert_never(groups)


def group_end(groups: Groups, title: str, *, number: int, now: float) -> str | None:
    """Return the line that closes the group, or None where the next one does it."""
    match groups:
        case Groups.NONE | Groups.BUILDKITE:
            return None
        case Groups.GITHUB:
            return "::endgroup::"
        case Groups.GITLAB:
            return f"\x1b[0Ksection_end:{int(now)}:xray_ci_{number}\r\x1b[0K"
        case Groups.AZURE:
            return "##[endgroup]"
        case Groups.TEAMCITY:
            return f"##teamcity[blockClosed name='{teamcity(title)}']"
    assert_never(groups)


def mask(masks: Masks, value: str) -> tuple[str, ...]:
    """Return the lines that make the system hide one value (a single line of text) from now on."""
    match masks:
        case Masks.NONE:
            return ()
        case Masks.GITHUB:
            return (f"::add-mask::{_data(value)}",)
        case Masks.AZURE:
            # Whether an agent decodes %AZP25 depends on its version (D): tell it both ways.
            ways = dict.fromkeys((value.replace("%", "%AZP25"), value))
            return tuple(f"##vso[task.setsecret]{way}" for way in ways)
    assert_never(masks)


def annotation(annotations: Annotations, note: Annotation) -> str | None:
    """Return the line that makes the annotation, or None where there is no such thing."""
    match annotations:
        case Annotations.NONE:
            return None
        case Annotations.GITHUB:
            facts = (("file", note.file), ("line", note.line), ("title", note.title))
            told = ",".join(f"{name}={_property(str(fact))}" for name, fact in facts if fact)
            return f"::{note.kind.value}{' ' if told else ''}{told}::{_data(note.message)}"
        case Annotations.AZURE:
            kind = "error" if note.kind is Kind.ERROR else "warning"  # there is nothing milder (D)
            about = (("type", kind), ("sourcepath", note.file), ("linenumber", note.line))
            told = ";".join(f"{name}={azure(str(fact))}" for name, fact in about if fact)
            message = f"{note.title}: {note.message}" if note.title else note.message
            return f"##vso[task.logissue {told}]{azure(message)}"
    assert_never(annotations)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def azure(text: str) -> str:
    """Return any text as the value of a logging command, as an agent decodes it (D)."""
    return "".join(_AZURE.get(char, char) for char in text)


def teamcity(text: str) -> str:
    """Return any text as the value of a service message (D)."""
    return _TEAMCITY.sub(lambda found: _bar(found[0]), text)


def _bar(char: str) -> str:
    if char.isascii():
        return {"\n": "|n", "\r": "|r"}.get(char, f"|{char}")
    raw = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"|0x{raw[at:at + 4]}" for at in range(0, len(raw), 4))
