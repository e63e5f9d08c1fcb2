"""Text of `--help`, made from the tables. Knows how to lay out lines; decides nothing."""

from __future__ import annotations

from typing import Final

from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.table import GROUPS, LIST_KINDS, Kind, Row

_COLUMN: Final = 30
_WIDTH: Final = 110
_METAVAR: Final = {
    Kind.CHOICES: "WORD", Kind.KEY: "KEY", Kind.PROJECT: "KEY", Kind.PROJECTS: "KEY", Kind.URL: "URL",
    Kind.URL_TEMPLATE: "URL", Kind.GLOBS: "GLOB", Kind.PAGES: "ID", Kind.SIZE: "SIZE", Kind.SECONDS: "SECONDS",
    Kind.NUMBER: "N", Kind.PATH: "FILE", Kind.TARGET: "FILE", Kind.FOLDER: "FOLDER", Kind.REGEX: "REGEX", Kind.FIELDS: "YAML",
    Kind.STATUSES: "YAML", Kind.REGEXES: "REGEX", Kind.MAPPING: "YAML", Kind.ZONE: "NAME", Kind.CHOICE: "WORD",
}
_SOURCES: Final = """\
Settings come from --name, INPUT_<NAME>, XRAY_CI_<NAME>, the config file (.xray-ci.yml), in this order.
Secrets only from variables, or from a file named by XRAY_CI_<NAME>_FILE. Lists: repeat the flag."""


def usage(command: str | None) -> str:
    """Return the help of one command, or of the program; ends with a newline."""
    return _program() if command is None else _command(command)


def _program() -> str:
    lines = ["usage: xray-ci [COMMAND] [--name VALUE ...]", "",
             "Import the reports of any test tool into Xray (Jira) as one Test Execution.", "", "commands (default: import)"]
    lines += [_line(row.name, row.help) for row in COMMANDS.values()]
    lines += ["", _SOURCES, "", "settings"]
    for group, rows in GROUPS.items():
        lines += _wrapped(group, ", ".join(row.name for row in rows))
    lines += ["", "xray-ci COMMAND --help   says what each setting of a command means.",
              "xray-ci --version        prints the version."]
    return "\n".join(lines) + "\n"


def _command(name: str) -> str:
    command = COMMANDS[name]
    lines = [f"usage: xray-ci {name} [--name VALUE ...]", "", command.help]
    if command.options:
        lines += ["", "options"]
        lines += [_line(f"--{option.name} {option.metavar}".strip(), option.help) for option in command.options]
    for group in command.groups:
        lines += ["", group]
        lines += [line for row in GROUPS[group] if row.name != "command" for line in _row(row)]
    if command.groups:
        lines += ["", _SOURCES]
    return "\n".join(lines) + "\n"


def _row(row: Row) -> list[str]:
    text = row.help
    if row.choices:
        text += f" One of {', '.join(row.choices)}."
    if row.default is not None:
        text += f" [{row.default}]"
    if row.secret:
        return _wrapped(row.variable, text)
    if row.kind is Kind.FLAG:
        return _wrapped(f"--[no-]{row.name}", text)
    more = " ..." if row.kind in LIST_KINDS else ""
    return _wrapped(f"--{row.name} {_METAVAR.get(row.kind, 'TEXT')}{more}", text)


def _wrapped(left: str, text: str) -> list[str]:
    """Return the text in a column of its own beside `left`, or below it where that is long."""
    lines = [f"  {left}"] if len(left) >= _COLUMN else []
    line = "" if lines else left
    column = ""
    for word in text.split():
        if column and len(column) + 1 + len(word) > _WIDTH - _COLUMN - 2:
            lines.append(_line(line, column))
            line, column = "", ""
        column = f"{column} {word}" if column else word
    return [*lines, _line(line, column)]


def _line(left: str, text: str) -> str:
    return f"  {left:<{_COLUMN}}{text}"
