"""The command line: arguments → command, flags and options, from the tables alone.

A parser of our own because of three things argparse does not do: all mistakes together, each with the nearest name; a
secret given on the command line never shown again; and no time spent on flags nobody asked help for. Reads no settings.

Text of `--help`, made from the tables. Knows how to lay out lines; decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from xray_ci.errors import DOCS
from xray_ci.settings import problems
from xray_ci.settings.commands import COMMANDS, Option
from xray_ci.settings.table import BY_NAME, GROUPS, LIST_KINDS, OFTEN, ROWS, Kind, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xray_ci.errors import ConfigurationError


_OPTIONS = {option.name: option for command in COMMANDS.values() for option in command.options}
_LARGEST_PORT = 65_535


Value: TypeAlias = str | bool | list[str]
"""Of a flag: its text, whether a switch is on, or the texts of one that was repeated."""


class Parsed(NamedTuple):
    """What stands on the command line."""

    command: str | None
    """None: `command` of the environment decides, else import."""
    flags: Mapping[str, Value]
    """Settings by name; a list for those that may be repeated."""
    options: Mapping[str, Value]
    """Of the command alone; a list for one that takes many."""
    help: bool
    version: bool
    whole: bool = False
    """Whether the help is to tell all."""


def parse(argv: Sequence[str]) -> Parsed:
    """Read the arguments after the program's name; raises ConfigurationError with every mistake."""
    reading = _Reading(list(argv))
    reading.all()
    if reading.command is not None:
        reading.problems += misplaced(reading.command, reading.options)
    if reading.problems and not (reading.help or reading.version):
        raise problems.together(reading.problems)
    return Parsed(reading.command, reading.flags, reading.options, reading.help, reading.version, reading.whole)


def misplaced(command: str, options: Mapping[str, Value]) -> list[ConfigurationError]:
    """Return a problem for each option that belongs to another command.

    Ask again once the environment chose the command.
    """
    own = {option.name for option in COMMANDS[command].options}
    owners = {
        name: " and ".join(
            f"`{row.name}`" for row in COMMANDS.values() if any(name == option.name for option in row.options)
        )
        for name in options
    }
    return [
        problems.problem(
            f"`--{name}` belongs to {owners[name]}, not to `{command}`",
            f"--{name}",
            problems.USAGE,
            "Leave it out, or choose the other command.",
        )
        for name in options
        if name not in own
    ]


def _unexpected(word: str) -> ConfigurationError:
    """Return the problem of a word without a flag; shown only where it names a file: else it may be a secret."""
    import os.path  # noqa: PLC0415  # only a mistake pays

    if not os.path.exists(word):  # noqa: PTH110  # help is answered without pathlib
        return problems.problem(
            "There is an unexpected argument",
            "command line",
            problems.USAGE,
            "A command stands once, values follow their flags: `xray-ci COMMAND --name VALUE`.",
        )
    return problems.problem(
        f"Unexpected argument {problems.shown(word)}",
        "command line",
        problems.USAGE,
        "Reports follow their flag, and patterns are quoted so that the shell does not expand them: "
        "`--reports '**/*.xml'`.",
    )


def _spelt(name: str) -> str:
    """Show a flag, and a secret as the variable that it is set by."""
    row = BY_NAME.get(name)
    if row is not None and row.secret:
        return f"`{row.variable}` (a variable: secrets have no flag)"
    return f"`--{name}`"


class _Reading:
    """The arguments while they are read from left to right."""

    def __init__(self, rest: list[str]) -> None:
        self.rest = rest
        self.command: str | None = None
        self.flags: dict[str, Value] = {}
        self.options: dict[str, Value] = {}
        self.help = self.whole = False
        self.version = False
        self.problems: list[ConfigurationError] = []

    def all(self) -> None:
        while self.rest:
            word = self.rest.pop(0)
            if word in ("-h", "--help") or (word == "help" and self.command is None):
                self.help = True
            elif word == "--help-all":
                self.help = self.whole = True
            elif word in ("-V", "--version") or (word == "version" and self.command is None):
                self.version = True
            elif word.startswith("-") and word != "-":
                self.flag(word)
            else:
                self.positional(word)

    def positional(self, word: str) -> None:
        pair = f"{word} {self.rest[0]}" if self.rest else ""
        if self.command is not None and (option := self.plain(self.command)) is not None:
            self.option(option, f"--{option.name}", word)
        elif self.command is None and pair in COMMANDS:
            self.command = pair
            self.rest.pop(0)
        elif self.command is None and word in COMMANDS:
            self.command = word
        elif self.command is None and (pairs := [name for name in COMMANDS if name.startswith(f"{word} ")]):
            self.problems.append(
                problems.problem(
                    f"`{word}` needs a second word",
                    "command line",
                    problems.USAGE,
                    f"Write {' or '.join(f'`{name}`' for name in pairs)}.",
                )
            )
        elif (
            self.command is None
            and word.isascii()
            and word.replace("-", "").islower()
            and word.replace("-", "").isalpha()
        ):
            self.problems.append(problems.unknown(word, word, COMMANDS, thing="command", where="command line"))
        else:
            self.problems.append(_unexpected(word))

    def plain(self, command: str) -> Option | None:
        """Return what a word without a flag means to a command, as often as that can be given."""
        for option in COMMANDS[command].options:
            if option.name == COMMANDS[command].word and (option.many or option.name not in self.options):
                return option
        return None

    def flag(self, word: str) -> None:
        dashed, _, _ = word.partition("=")
        value = word[len(dashed) + 1 :] if "=" in word else None
        name = dashed[2:] if dashed.startswith("--") else ""
        if name in _OPTIONS:
            self.option(_OPTIONS[name], dashed, value)
        elif name in BY_NAME and name != "command":
            self.setting(BY_NAME[name], dashed, value)
        elif name.startswith("no-") and name[3:] in BY_NAME and BY_NAME[name[3:]].kind is Kind.FLAG:
            self.switch(BY_NAME[name[3:]], dashed, value, on=False)
        else:
            self.skip(value)
            known = [row.name for row in ROWS if row.name != "command"]
            known += [*_OPTIONS, "help", "help-all", "version"]
            word = name or dashed.lstrip("-")
            self.problems.append(problems.unknown(dashed, word, known, spelt=_spelt, thing="flag"))

    def skip(self, value: str | None) -> None:
        """Skip what is probably the value of a flag that is not taken."""
        if value is None and self.rest and not self.rest[0].startswith("-") and self.rest[0] not in COMMANDS:
            self.rest.pop(0)

    def setting(self, row: Row, dashed: str, value: str | None) -> None:
        if row.secret:
            self.skip(value)
            self.problems.append(
                problems.problem(
                    f"`{row.name}` is secret and has no flag: a command line can be read by others",
                    dashed,
                    problems.OPEN_SECRET,
                    f"Set the variable `{row.variable}`, or `{row.variable}_FILE` to a file that holds it.",
                )
            )
        elif row.kind is Kind.FLAG:
            self.switch(row, dashed, value, on=True)
        elif (text := self.value(dashed, value)) is not None:
            if row.kind in LIST_KINDS:
                many = self.flags.setdefault(row.name, [])
                assert isinstance(many, list)  # noqa: S101  # only this line makes values of list kinds
                many.append(text)
            else:
                self.once(row.name, dashed)
                self.flags[row.name] = text

    def switch(self, row: Row, dashed: str, value: str | None, *, on: bool) -> None:
        self.once(row.name, dashed)
        if value is not None and not on:
            self.problems.append(problems.problem(f"`{dashed}` takes no value", dashed, problems.USAGE))
        else:
            self.flags[row.name] = on if value is None else value

    def option(self, option: Option, dashed: str, value: str | None) -> None:
        if option.name in self.options and not option.many:
            self.problems.append(_twice(dashed))
        if not option.metavar:
            self.options[option.name] = True
            if value is not None:
                self.problems.append(problems.problem(f"`{dashed}` takes no value", dashed, problems.USAGE))
        elif option.metavar.startswith("["):
            if value is None and self.rest and not self.rest[0].startswith("-") and self.rest[0] not in COMMANDS:
                value = self.rest.pop(0)
            self.options[option.name] = value or True
        elif (text := self.value(dashed, value)) is not None:
            if option.many:
                many = self.options.setdefault(option.name, [])
                assert isinstance(many, list)  # noqa: S101  # only this line makes values of such options
                many.append(text)
                return
            self.options[option.name] = text
            if option.name == "port" and not (text.isascii() and text.isdigit() and int(text[:9]) <= _LARGEST_PORT):
                self.problems.append(
                    problems.problem(f"{problems.shown(text)} is not a port: a number up to {_LARGEST_PORT}", dashed)
                )

    def value(self, dashed: str, value: str | None) -> str | None:
        if value is None and self.rest and not self.rest[0].startswith("--"):
            value = self.rest.pop(0)
        if value is None:
            self.problems.append(
                problems.problem(
                    f"`{dashed}` needs a value",
                    dashed,
                    problems.USAGE,
                    f"Write `{dashed} VALUE`, or `{dashed}=VALUE` for one that begins with `--`.",
                )
            )
        return value

    def once(self, name: str, dashed: str) -> None:
        if name in self.flags:
            self.problems.append(_twice(dashed))


def _twice(dashed: str) -> ConfigurationError:
    return problems.problem(f"`{dashed}` is given twice", dashed, problems.USAGE, "Keep one of them.")


WIDTH: Final = 80
"""Columns of the short help, which is made once for every terminal; no help is narrower."""
_WIDEST: Final = 120
_SHORT_COLUMN: Final = 17
_COLUMN: Final = 30
_CHOICES_SHOWN: Final = 20
_METAVAR: Final = {
    Kind.CHOICES: "WORD",
    Kind.KEY: "KEY",
    Kind.KEYS: "KEY",
    Kind.NAMES: "NAME",
    Kind.PROJECT: "KEY",
    Kind.PROJECTS: "KEY",
    Kind.URL: "URL",
    Kind.URL_TEMPLATE: "URL",
    Kind.GLOBS: "GLOB",
    Kind.PAGES: "ID",
    Kind.SIZE: "SIZE",
    Kind.SECONDS: "SECONDS",
    Kind.NUMBER: "N",
    Kind.PATH: "FILE",
    Kind.TARGET: "FILE",
    Kind.BASELINE: "FILE",
    Kind.FOLDER: "FOLDER",
    Kind.REGEX: "REGEX",
    Kind.FIELDS: "YAML",
    Kind.STATUSES: "YAML",
    Kind.REGEXES: "REGEX",
    Kind.MAPPING: "YAML",
    Kind.ZONE: "NAME",
    Kind.CHOICE: "WORD",
    Kind.SHARDS: "NAME",
    Kind.CONTEXT: "JSON",
}
MEANINGS: Final = {
    "what": "what is read",
    "where": "which Xray and Jira it goes to",
    "secrets": "credentials: environment variables only, never flags",
    "Test Execution": "what the results become in Jira",
    "around the import": "what is done before it or follows it, in Jira and Xray",
    "mapping": "which Test a result belongs to, and what of it is sent",
    "delivery": "how it is sent: sizes, times, TLS, what is kept for `resume`",
    "Snapshots": "Confluence pages to refresh after the import",
    "policy": "what else fails the step",
    "output": "what is left for later steps and for people",
}
"""By group of the settings table."""
EXIT_CODES: Final = (
    ("0", "done"),
    ("1", "done, and a condition of `fail-on` holds"),
    ("2", "wrong usage or configuration"),
    ("3", "no report found, or no result in them"),
    ("4", "a report is unreadable or a result invalid"),
    ("5", "not authorised"),
    ("6", "refused by Xray or Jira"),
    ("7", "unreachable, or not known whether it was imported"),
    ("8", "partly imported"),
    ("9", "a snapshot could not be triggered"),
    ("70", "a defect of xray-ci"),
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
Each setting comes from the first that has it: its flag (--test-plan SHOP-2), its input (INPUT_TEST-PLAN, as GitHub \
sets it), its \
variable (XRAY_CI_TEST_PLAN), its key in the config file (test-plan: SHOP-2 in .xray-ci.yml).
Secrets come from variables only, or from a file that XRAY_CI_<NAME>_FILE names. Lists: repeat the flag, or one item \
per line."""


def usage(command: str | None, columns: int = WIDTH, *, whole: bool = False) -> str:
    """Return the help of one command for a terminal so wide, or of the program for any; ends with a newline.

    `whole`: with every setting, where they come from, and the exit codes; else the most used.
    """
    width = min(max(columns, WIDTH), _WIDEST)
    return "\n".join(_program(whole=whole) if command is None else _command(command, width, whole=whole)) + "\n"


def _program(*, whole: bool) -> list[str]:
    lines = [
        "usage: xray-ci [COMMAND] [--name VALUE ...]",
        "",
        "Import the reports of any test tool into Xray (Jira) as one Test Execution.",
        "",
        "examples",
    ]
    lines += [f"  xray-ci {arguments:<43} {what}" for arguments, what in _EXAMPLES]
    lines += ["", "commands (default: import)"]
    lines += [line for row in COMMANDS.values() for line in _short(row.name, row.help)]
    if whole:
        lines += ["", "settings, by group (`xray-ci COMMAND --help-all` explains each one)"]
        for group, rows in GROUPS.items():
            lines += _short(group, f"{MEANINGS[group]}:")
            lines += _short("", ", ".join(row.name for row in rows))
        lines += ["", *_paragraphs(_SOURCES, WIDTH), "", "exit codes"]
        lines += [line for code, meaning in EXIT_CODES for line in _short(code, meaning)]
    return [
        *lines,
        "",
        *_short("COMMAND --help", "what the command needs, and its most used settings"),
        *_short("--help-all", "all settings, where they come from, exit codes; also of a COMMAND"),
        *_short("--version", "print the version"),
    ]


def _command(name: str, width: int, *, whole: bool) -> list[str]:
    command = COMMANDS[name]
    plain = next((f" {each.metavar}" for each in command.options if each.name == command.word), "")
    lines = [f"usage: xray-ci {name}{plain} [--name VALUE ...]", "", *_paragraphs(command.help, width)]
    if command.examples:
        lines += ["", "examples", *(f"  xray-ci {arguments}" for arguments in command.examples)]
    if command.needs:
        lines += ["", "needs"]
        lines += [
            line for need, words in _NEEDS.items() if need in command.needs for line in _wrapped(need, words, width)
        ]
    if command.options:
        lines += ["", "options"]
        lines += [
            line
            for option in command.options
            for line in _wrapped(f"--{option.name} {option.metavar}".strip(), option.help, width)
        ]
    rows = [row for group in command.groups for row in GROUPS[group] if row.name != "command"]
    if rows and not whole:
        lines += ["", "most used settings"]
        often = OFTEN if "reports" in command.needs else [name for name in OFTEN if name != "reports"]
        lines += [line for row in rows if row.name in often for line in _row(row, width)]
        all_of = (
            f"`xray-ci {name} --help-all` tells all {len(rows)} settings, where they come from, and the exit codes."
        )
        return [*lines, "", *_paragraphs(all_of, width)]
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
        text += f" One of {', '.join(row.choices)}." if few else f" One of {len(row.choices)} words: {DOCS}/settings.md"
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
