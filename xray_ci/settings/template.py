"""Templates of summary and description: a closed list of placeholders, checked when configured, filled when known.

What fills them comes from branches, commits and job names, which strangers choose: it is never read as a template again, and
cannot bring line breaks or control characters into a summary.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.settings.problems import WrongValueError, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDERS: Final = ("workflow", "run_number", "run_id", "attempt", "branch", "commit", "short_commit", "job", "repository",
                       "actor", "tag", "pull_request", "date", "time", "reports", "tests", "environment", "report")
"""Of summary and description. `environment` and `report` are empty unless `executions` makes several Test Executions."""
SCOPE_PLACEHOLDERS: Final = ("workflow", "run_number", "run_id", "attempt", "branch", "commit", "short_commit", "job",
                             "repository", "actor", "tag", "pull_request")
"""Of `execution-scope`: facts of the CI system alone, so that another job can know them before it reads a report."""
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BLANKS: Final = re.compile(r"[ \t\n\u00a0]+")


def check(template: str, placeholders: tuple[str, ...] = PLACEHOLDERS) -> str:
    """Return the template as it is; raises WrongValueError for a placeholder that does not exist. `{{` is a brace."""
    for match in _BRACES.finditer(template):
        name = match[1]
        if match[0] in ("{", "}"):
            raise WrongValueError("A brace stands alone", "Write `{{` or `}}` for a brace that is no placeholder.")
        if name is not None and name not in placeholders:
            near = nearest(name, placeholders)
            raise WrongValueError(f"There is no placeholder {shown('{' + name + '}')}",
                             (f"Did you mean {{{near}}}? " if near else "")
                             + "There are: " + ", ".join(f"{{{known}}}" for known in placeholders) + ".")
    return template


def names(template: str) -> tuple[str, ...]:
    """Return the placeholders a template names, in order."""
    return tuple(match[1] for match in _BRACES.finditer(template) if match[1] is not None)


def expand(template: str, values: Mapping[str, str]) -> str:
    """Return one line: placeholders filled, unknown values left out, blanks collapsed, no control characters."""
    filled = fill(template, {name: _CONTROLS.sub("", text) for name, text in values.items()})
    return _BLANKS.sub(" ", _CONTROLS.sub("", filled)).strip()


def expand_lines(template: str, values: Mapping[str, str]) -> str:
    """Return the same with the line breaks of the template kept; those of a value become blanks."""
    lines = template.replace("\r\n", "\n").split("\n")
    return "\n".join(expand(line, values) for line in lines).strip("\n")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its placeholders replaced and nothing else done: values must be safe where the text goes."""

    def replacement(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else values.get(match[1], "")

    return _BRACES.sub(replacement, template)
