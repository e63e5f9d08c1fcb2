"""What later steps can read: the CI system's own outputs, a dotenv file, the result file.

And the summary's way to people.

The import is over when this runs, so nothing here fails a run: what cannot be written is a warning. Knows the files'
grammars; knows nothing of where the values come from.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from xray_ci.ci import syntax
from xray_ci.ci.syntax import Outputs, variable
from xray_ci.ci.text import harmless, one_line
from xray_ci.patterns import lazy
from xray_ci.safefiles import WriteError, append, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from xray_ci.ci.result import RunResult

DOTENV_LIMIT: Final = 5_000
"""Bytes that GitLab takes as a dotenv report (D: 5 KB, 20 variables)."""
_VALUE_LIMIT: Final = 4_000
_SAFE: Final = lazy(r"[0-9A-Za-z_.,:/@%+=-]*")
"""What a shell that sources the file, Docker and GitLab read alike without quotes, which they read differently."""


def publish(
    result: RunResult,
    *,
    redact: Callable[[str], str],
    workspace: Path,
    temp: Path | None = None,
    kind: Outputs = Outputs.GITHUB,
    outputs_file: str | None = None,
    log: Callable[[str], object] | None = None,
    result_file: Path | None = None,
    dotenv_file: Path | None = None,
    history: Iterable[bytes] | None = None,
) -> tuple[str, ...]:
    """Write all outputs that have a place; return warnings, each naming what was not written and why.

    `kind` says what the CI system takes; it goes to `outputs_file` when it is a file, else line by line to `log`.
    """
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
    if result_file and not attempt("result-file", lambda: write(result_file, document(result, history), roots)):
        values["result-file"] = ""  # nobody is sent to a file that is not there
    if outputs_file and (lines := _for_file(kind, values)):
        attempt("The file of step outputs", lambda: append(Path(outputs_file), lines.encode("utf-8", "replace")))
    if log:
        for line in syntax.lines(kind, values.items()):
            log(line)
    if dotenv_file:
        text, left_out = dotenv(values.items())
        warnings += [
            f"dotenv-file goes without {name}: not every reader takes the characters of its value." for name in left_out
        ]
        attempt("dotenv-file", lambda: write(dotenv_file, text.encode(), roots))
    return tuple(warnings)


def _for_file(kind: Outputs, values: dict[str, str]) -> str:
    """Return what goes into the file that the CI system named; a value that it would read otherwise is empty there."""
    match kind:
        case Outputs.GITHUB:
            return github(values.items())
        case Outputs.DOTENV:
            return dotenv(values.items())[0]
        case Outputs.EXPORTS:
            return "".join(f"export {line}\n" for line in dotenv(values.items())[0].splitlines())
        case Outputs.NONE | Outputs.AZURE | Outputs.TEAMCITY:
            return ""
    assert_never(kind)


def upload(markdown: str, temp: Path | None, log: Callable[[str], object]) -> tuple[str, ...]:
    """Put a summary where an Azure agent finds it, and tell the agent so; return warnings.

    Only in the agent's own temporary folder: in a container that does not see it, the agent could not see the file
    either, and would fail the step.
    """
    if temp is None or not temp.is_dir():
        return ()
    below = Path(f"xray-ci-{secrets.token_hex(8)}", "xray-ci.md")  # the name is the title, the folder tells steps apart
    try:
        write(below, markdown.encode("utf-8", "replace"), (temp,))
    except WriteError as error:
        return (f"The job summary could not be written. {error}",)
    log(syntax.page(str(temp.absolute() / below)))
    return ()


def status(text: str, log: Callable[[str], object]) -> None:
    """Add one line about the run to the status of a TeamCity build."""
    log(syntax.status(harmless(one_line(text, syntax.STATUS_LIMIT))))


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
        label = variable(name)
        room = DOTENV_LIMIT // 2
        if len(value) > room:
            value = value[:room].rpartition(",")[0]  # noqa: PLW2901
        size += len(label) + len(value) + 2
        lines.append(f"{label}={value}\n" if size <= DOTENV_LIMIT else f"{label}=\n")
    return "".join(lines), tuple(left_out)


def document(result: RunResult, history: Iterable[bytes] | None = None) -> Iterator[bytes]:
    """Yield the result file, JSON in UTF-8, piece by piece; `history`: entries of that list, which may be long."""
    text = json.dumps(result.as_json(), ensure_ascii=False, indent=2).removesuffix("null\n}")
    yield text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes its JSON escape
    if history is None:
        yield b"null"
    else:
        yield b"["
        for number, entry in enumerate(history):
            yield (b",\n    " if number else b"\n    ") + entry
        yield b"\n  ]"
    yield b"\n}\n"
