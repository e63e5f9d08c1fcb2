"""How each CI system wants groups, annotations, masks, outputs and summaries written into its log.

Closed enums, pure functions from text to lines. Text comes in clean and redacted; values are one line each.

Knows spellings, escapes and limits; knows nothing of results, of files, or of when and where a line is written.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable


class LogGroups(enum.Enum):
    """How part of a log can be merged."""

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


class Syntax(Struct, frozen=True, kw_only=True):
    """What the log of one CI system understands."""

    groups: LogGroups = LogGroups.NONE
    annotations: Annotations = Annotations.NONE
    masks: Masks = Masks.NONE


PLAIN: Final = Syntax()
"""A log that understands nothing but lines."""


class AnnotationKind(enum.Enum):
    """Kinds of annotations, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(Struct, frozen=True, kw_only=True):
    """A message with its place in a file of the repository."""

    kind: AnnotationKind
    message: str
    title: str | None = None
    file: str | None = None
    """Relative to the workspace."""
    line: int | None = None


_AZURE: Final = {"%": "%AZP25", "\r": "%0D", "\n": "%0A", "]": "%5D", ";": "%3B"}
_TEAMCITY: Final = lazy("[|'\\[\\]\r\n\x80-\U0010ffff]")


def group_start(groups: LogGroups, title: str, *, number: int, now: float) -> str:
    """Return the line that opens a group; `number` tells groups of one log apart, `now` is in seconds since 1970."""
    match groups:
        case LogGroups.NONE:
            return title
        case LogGroups.GITHUB:
            return f"::group::{_data(title)}"
        case LogGroups.GITLAB:
            return f"\x1b[0Ksection_start:{int(now)}:xray_ci_{number}\r\x1b[0K{title}"
        case LogGroups.AZURE:
            return f"##[group]{title}"
        case LogGroups.BUILDKITE:
            return f"--- {title}"
        case LogGroups.TEAMCITY:
            return f"##teamcity[blockOpened name='{teamcity(title)}']"
    assert_never(groups)


def group_end(groups: LogGroups, title: str, *, number: int, now: float) -> str | None:
    """Return the line that closes the group, or None where the next one does it."""
    match groups:
        case LogGroups.NONE | LogGroups.BUILDKITE:
            return None
        case LogGroups.GITHUB:
            return "::endgroup::"
        case LogGroups.GITLAB:
            return f"\x1b[0Ksection_end:{int(now)}:xray_ci_{number}\r\x1b[0K"
        case LogGroups.AZURE:
            return "##[endgroup]"
        case LogGroups.TEAMCITY:
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
            kind = "error" if note.kind is AnnotationKind.ERROR else "warning"  # there is nothing milder (D)
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
    return "".join(f"|0x{raw[at : at + 4]}" for at in range(0, len(raw), 4))


class Outputs(enum.Enum):
    """How a later step gets a value."""

    NONE = "none"
    """Only by `dotenv-file`: the system reads it (GitLab), or a recipe does."""
    GITHUB = "github"
    """A file that the system names, each value between two marks (D)."""
    DOTENV = "dotenv"
    """`NAME=value` lines in a file that the system names: Bitbucket's shared variables (D), which a step must list."""
    EXPORTS = "exports"
    """A shell file that the system names and every later step of the job sources: CircleCI's BASH_ENV (D)."""
    AZURE = "azure"
    """A command in the log for each value: a variable of later steps, and an output of later jobs and stages (D)."""
    TEAMCITY = "teamcity"
    """A service message for each value: an environment variable of later steps and dependent builds (D)."""


class Summaries(enum.Enum):
    """How a page, or a line, gets to where people look at the job."""

    NONE = "none"
    GITHUB = "github"
    """A file that the system names takes Markdown, at most 1 MiB of one step (D)."""
    AZURE = "azure"
    """A command in the log names a Markdown file, absolute and readable for the agent (D), which fails the step else
    (O)."""
    TEAMCITY = "teamcity"
    """One line of text, added to the status of the build (D)."""


class Handover(Struct, frozen=True, kw_only=True):
    """What one CI system takes besides its log."""

    outputs: Outputs = Outputs.NONE
    summary: Summaries = Summaries.NONE


NOTHING: Final = Handover()
STATUS_LIMIT: Final = 250
"""Characters of a line in TeamCity's build status; it shows few more (A)."""


def variable(name: str) -> str:
    """Return the name of the variable that holds an output: `XRAY_` and the name in capitals, everywhere."""
    return f"XRAY_{name.upper().replace('-', '_')}"


def lines(outputs: Outputs, values: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the lines for the log that make values known to later steps; none where a file does it."""
    match outputs:
        case Outputs.NONE | Outputs.GITHUB | Outputs.DOTENV | Outputs.EXPORTS:
            return ()
        case Outputs.AZURE:
            # One that is an output is no variable of the later steps of its own job unless it is set as one, too (D).
            return tuple(
                f"##vso[task.setvariable variable={variable(name)}{kind}]{azure(value)}"
                for name, value in values
                for kind in ("", ";isOutput=true")
            )
        case Outputs.TEAMCITY:
            return tuple(
                f"##teamcity[setParameter name='env.{variable(name)}' value='{teamcity(_without_references(value))}']"
                for name, value in values
            )
    assert_never(outputs)


def page(path: str) -> str:
    """Return the line that puts a Markdown file beside an Azure build; the file keeps its name there."""
    return f"##vso[task.uploadsummary]{azure(path)}"


def status(text: str) -> str:
    """Return the line that adds a text to the status of a TeamCity build and leaves its verdict alone."""
    cut = text if len(text) <= STATUS_LIMIT else f"{text[: STATUS_LIMIT - 1]}…"
    return f"##teamcity[buildStatus text='{{build.status.text}}; {teamcity(cut)}']"


def _without_references(value: str) -> str:
    """Return a parameter's value in which `%name%` is text: a percent sign counts as one when it is doubled (D)."""
    return value.replace("%", "%%")
