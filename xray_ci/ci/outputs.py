"""What later steps can read: GitHub's outputs file, a dotenv file, the result file.

The import is over when this runs, so nothing here fails a run: what cannot be written is a warning. Knows the files'
grammars; knows nothing of where the values come from.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xray_ci.ci.files import WriteError, append, write
from xray_ci.ci.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xray_ci.ci.result import RunResult

DOTENV_LIMIT: Final = 5_000
"""Bytes that GitLab takes as a dotenv report (D: 5 KB, 20 variables)."""
_VALUE_LIMIT: Final = 4_000
_SAFE: Final = re.compile(r"[0-9A-Za-z_.,:/@%+=-]*")
"""What a shell that sources the file, Docker and GitLab read alike without quotes, which they read differently."""


def publish(result: RunResult, *, redact: Callable[[str], str], workspace: Path, temp: Path | None = None,
            outputs_file: str | None = None, result_file: Path | None = None,
            dotenv_file: Path | None = None) -> tuple[str, ...]:
    """Write all outputs that have a place; return warnings, each naming what was not written and why."""
    roots = (workspace, temp) if temp else (workspace,)
    result = result.redacted(redact)
    warnings: list[str] = []

    def attempt(name: str, action: Callable[[], object]) -> bool:
        try:
            action()
        except WriteError as error:
            warnings.append(f"{name} could not be written. {error}")
            return False
        return True

    values = {name: one_line(value, _VALUE_LIMIT) for name, value in result.outputs()}
    if result_file and not attempt("result-file", lambda: write(result_file, document(result), roots)):
        values["result-file"] = ""  # nobody is sent to a file that is not there
    if outputs_file:
        lines = github(values.items()).encode("utf-8", "replace")
        attempt("The file of step outputs", lambda: append(Path(outputs_file), lines))
    if dotenv_file:
        text, left_out = dotenv(values.items())
        warnings += [f"dotenv-file goes without {name}: not every reader takes the characters of its value."
                     for name in left_out]
        attempt("dotenv-file", lambda: write(dotenv_file, text.encode(), roots))
    return tuple(warnings)


def github(values: Iterable[tuple[str, str]], token: Callable[[], str] = lambda: secrets.token_hex(16)) -> str:
    """Return values as GitHub's outputs file takes them, each between two lines that its value does not hold."""
    parts = []
    for name, value in values:
        mark = f"end_{token()}"
        while mark in value:
            mark = f"end_{token()}"
        parts.append(f"{name}<<{mark}\n{value}\n{mark}\n")
    return "".join(parts)


def dotenv(values: Iterable[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """Return `XRAY_NAME=value` lines without quotes, and the names of values that do not fit such a line.

    A list that is too long for GitLab loses its last items.
    """
    lines, left_out, size = [], [], 0
    for name, value in values:
        if _SAFE.fullmatch(value) is None:
            left_out.append(name)
            value = ""  # noqa: PLW2901 - a variable that is sometimes not there is worse than an empty one
        label = f"XRAY_{name.upper().replace('-', '_')}"
        room = DOTENV_LIMIT // 2
        if len(value) > room:
            value = value[:room].rpartition(",")[0]  # noqa: PLW2901
        size += len(label) + len(value) + 2
        lines.append(f"{label}={value}\n" if size <= DOTENV_LIMIT else f"{label}=\n")
    return "".join(lines), tuple(left_out)


def document(result: RunResult) -> bytes:
    """Return the result file: JSON in UTF-8."""
    text = json.dumps(result.as_json(), ensure_ascii=False, indent=2)
    return (text + "\n").encode("utf-8", "backslashreplace")  # a lone surrogate becomes its JSON escape
