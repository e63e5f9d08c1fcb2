"""Text of `--help`, made from the tables. Knows how to lay out lines; decides nothing."""

from __future__ import annotations

from typing import Final

from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.table import GROUPS, LIST_KINDS, Kind, Row

WIDTH: Final = 80
"""Columns of the short help, which is made once for every terminal; no help is narrower."""
_WIDEST: Final = 120
_SHORT_COLUMN: Final = 17
_COLUMN: Final = 30
_CHOICES_SHOWN: Final = 20
_METAVAR: Final = {
    Kind.CHOICES: "WORD", Kind.KEY: "KEY", Kind.PROJECT: "KEY", Kind.PROJECTS: "KEY", Kind.URL: "URL",
    Kind.URL_TEMPLATE: "URL", Kind.GLOBS: "GLOB", Kind.PAGES: "ID", Kind.SIZE: "SIZE", Kind.SECONDS: "SECONDS",
    Kind.NUMBER: "N", Kind.PATH: "FILE", Kind.TARGET: "FILE", Kind.FOLDER: "FOLDER", Kind.REGEX: "REGEX", Kind.FIELDS: "YAML",
    Kind.STATUSES: "YAML", Kind.REGEXES: "REGEX", Kind.MAPPING: "YAML", Kind.ZONE: "NAME", Kind.CHOICE: "WORD",
}
MEANINGS: Final = {
    "what": "what is read",
    "where": "which Xray and Jira it goes to",
    "secrets": "who xray-ci is there; what is secret has no flag",
    "Test Execution": "what the results become in Jira",
    "mapping": "which Test a result belongs to, and what of it is sent",
    "delivery": "how it is sent: sizes, times, TLS, what is kept for `resume`",
    "Snapshots": "Confluence pages to refresh after the import",
    "policy": "what else fails the step",
    "output": "what is left for later steps and for people",
}
"""By group of the settings table."""
EXIT_CODES: Final = (
    ("0", "done"), ("1", "done, and a condition of `fail-on` holds"), ("2", "wrong usage or configuration"),
    ("3", "no report found, or no result in them"), ("4", "a report is unreadable or a result invalid"),
    ("5", "not authorised"), ("6", "refused by Xray or Jira"), ("7", "unreachable, or not known whether it was imported"),
    ("8", "partly imported"), ("9", "a snapshot could not be triggered"), ("70", "a defect of xray-ci"),
    ("130, 143", "stopped by a signal"),
)
_NEEDS: Final = {
    "reports": "`reports`",
    "credentials": "`client-id` and `client-secret` (Cloud), or `jira-url` and `jira-token` (Server, Data Center)",
    "snapshots": "`snapshots`, `snapshot-urls` or `snapshot-page-ids`",
}
_EXAMPLES: Final = (
    ("import --reports '**/*.xml' --project SHOP", "the main job"),
    ("plan --reports '**/*.xml' --project SHOP", "what it would send"),
    ("inspect --reports '**/*.xml'", "what is in the reports"),
    ("demo", "without an account"),
)
_SOURCES: Final = """\
Each setting comes from the first that has it: its flag (--test-plan SHOP-2), its input (INPUT_TEST-PLAN, as GitHub sets it), its \
variable (XRAY_CI_TEST_PLAN), its key in the config file (test-plan: SHOP-2 in .xray-ci.yml).
Secrets come from variables only, or from a file that XRAY_CI_<NAME>_FILE names. Lists: repeat the flag, or one item a line."""


def usage(command: str | None, columns: int = WIDTH) -> str:
    """Return the help of one command for a terminal so wide, or of the program for any; ends with a newline."""
    width = min(max(columns, WIDTH), _WIDEST)
    return "\n".join(_program() if command is None else _command(command, width)) + "\n"


def _program() -> list[str]:
    lines = ["usage: xray-ci [COMMAND] [--name VALUE ...]", "",
             "Import the reports of any test tool into Xray (Jira) as one Test Execution.", "", "examples"]
    lines += [f"  xray-ci {arguments:<43} {what}" for arguments, what in _EXAMPLES]
    lines += ["", "commands (default: import)"]
    lines += [line for row in COMMANDS.values() for line in _short(row.name, row.help)]
    lines += ["", "settings, by group (`xray-ci COMMAND --help` explains each one)"]
    for group, rows in GROUPS.items():
        lines += _short(group, f"{MEANINGS[group]}:")
        lines += _short("", ", ".join(row.name for row in rows))
    lines += ["", *_paragraphs(_SOURCES, WIDTH), "", "exit codes"]
    lines += [line for code, meaning in EXIT_CODES for line in _short(code, meaning)]
    return [*lines, "", *_short("COMMAND --help", "what each setting of a command means"), *_short("--version", "print the version")]


def _command(name: str, width: int) -> list[str]:
    command = COMMANDS[name]
    plain = f" {command.word.upper()}" if command.word else ""
    lines = [f"usage: xray-ci {name}{plain} [--name VALUE ...]", "", *_paragraphs(command.help, width)]
    if command.examples:
        lines += ["", "examples", *(f"  xray-ci {arguments}" for arguments in command.examples)]
    if command.needs:
        lines += ["", "needs"]
        lines += [line for need, words in _NEEDS.items() if need in command.needs for line in _wrapped(need, words, width)]
    if command.options:
        lines += ["", "options"]
        lines += [line for option in command.options for line in _wrapped(f"--{option.name} {option.metavar}".strip(), option.help, width)]
    for group in command.groups:
        lines += ["", f"{group}: {MEANINGS[group]}"]
        lines += [line for row in GROUPS[group] if row.name != "command" for line in _row(row, width)]
    if command.groups:
        lines += ["", *_paragraphs(_SOURCES, width), "", "exit codes"]
        lines += [line for code, meaning in EXIT_CODES for line in _short(code, meaning)]
    return lines


def _row(row: Row, width: int) -> list[str]:
    text = row.help
    if row.choices:
        few = len(row.choices) <= _CHOICES_SHOWN
        text += f" One of {', '.join(row.choices)}." if few else f" One of {len(row.choices)} words, see docs/settings.md."
    if row.default is not None:
        text += f" [{row.default}]"
    if row.secret:
        return _wrapped(row.variable, text, width)
    if row.kind is Kind.FLAG:
        return _wrapped(f"--[no-]{row.name}", text, width)
    more = " ..." if row.kind in LIST_KINDS else ""
    return _wrapped(f"--{row.name} {_METAVAR.get(row.kind, 'TEXT')}{more}", text, width)


def _short(left: str, text: str) -> list[str]:
    return _wrapped(left, text, WIDTH, _SHORT_COLUMN)


def _wrapped(left: str, text: str, width: int, column: int = _COLUMN) -> list[str]:
    """Return the text in a column of its own beside `left`, or below it where that is long."""
    above = [f"  {left}"] if len(left) >= column else []
    beside = "" if above else left
    first, *rest = _filled(text, width - column - 2) or [""]
    return [*above, f"  {beside:<{column}}{first}", *(f"  {'':<{column}}{line}" for line in rest)]


def _paragraphs(text: str, width: int) -> list[str]:
    return [line for paragraph in text.split("\n") for line in _filled(paragraph, width)]


def _filled(text: str, width: int) -> list[str]:
    """Return the words of a text in lines of at most `width` characters; a longer word has a line alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
