"""How a CI system is handed outputs and a summary: closed enums, pure functions from values to lines of the log.

Knows spellings, escapes and limits; knows nothing of results, of files, or of where a line goes. Values come in redacted
and are one line each.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from xray_ci.ci.syntax import azure, teamcity

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outputs(enum.Enum):
    """How a later step gets a value."""

    NONE = "none"
    """Only by `dotenv-file`: the system reads it (GitLab), or a recipe does."""
    GITHUB = "github"
    """A file that the system names, each value between two marks (D)."""
    DOTENV = "dotenv"
    """`NAME=value` lines in a file that the system names: Bitbucket's shared variables (D). A step must list the names."""
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
    """A command in the log names a Markdown file, absolute and readable for the agent (D), which fails the step else (O)."""
    TEAMCITY = "teamcity"
    """One line of text, added to the status of the build (D)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
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
            return tuple(f"##vso[task.setvariable variable={variable(name)}{kind}]{azure(value)}"
                         for name, value in values for kind in ("", ";isOutput=true"))
        case Outputs.TEAMCITY:
            return tuple(f"##teamcity[setParameter name='env.{variable(name)}' value='{teamcity(_without_references(value))}']"
                         for name, value in values)
    assert_never(outputs)


def page(path: str) -> str:
    """Return the line that puts a Markdown file beside an Azure build; the file keeps its name there."""
    return f"##vso[task.uploadsummary]{azure(path)}"


def status(text: str) -> str:
    """Return the line that adds a text to the status of a TeamCity build and leaves its verdict alone."""
    cut = text if len(text) <= STATUS_LIMIT else f"{text[:STATUS_LIMIT - 1]}…"
    return f"##teamcity[buildStatus text='{{build.status.text}}; {teamcity(cut)}']"


def _without_references(value: str) -> str:
    """Return a parameter's value in which `%name%` is text: a percent sign counts as one when it is doubled (D)."""
    return value.replace("%", "%%")
