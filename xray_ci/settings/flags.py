"""The command line: arguments → command, flags and options, from the tables alone.

A parser of our own because of three things argparse does not do: all mistakes together, each with the nearest name; a
secret given on the command line never shown again; and no time spent on flags nobody asked help for. Reads no settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xray_ci.settings import problems
from xray_ci.settings.commands import COMMANDS, LATER, Option
from xray_ci.settings.table import BY_NAME, LIST_KINDS, ROWS, Kind, Row
from xray_ci.settings.table import LATER as LATER_SETTINGS

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
    options: Mapping[str, str | bool]
    help: bool
    version: bool


def parse(argv: Sequence[str]) -> Parsed:
    """Read the arguments after the program's name; raises ConfigurationError with every mistake."""
    reading = _Reading(list(argv))
    reading.all()
    if reading.command is not None:
        reading.problems += foreign(reading.command, reading.options)
    if reading.problems and not (reading.help or reading.version):
        raise problems.together(reading.problems)
    return Parsed(reading.command, reading.flags, reading.options, reading.help, reading.version)


def foreign(command: str, options: Mapping[str, str | bool]) -> list[ConfigurationError]:
    """Return a problem for each option that belongs to another command; ask again once the environment chose the command."""
    own = {option.name for option in COMMANDS[command].options}
    owners = {name: " and ".join(f"`{row.name}`" for row in COMMANDS.values() if any(name == option.name for option in row.options))
              for name in options}
    return [problems.problem(f"`--{name}` belongs to {owners[name]}, not to `{command}`", f"--{name}", problems.USAGE,
                             "Leave it out, or choose the other command.")
            for name in options if name not in own]


class _Reading:
    """The arguments while they are read from left to right."""

    def __init__(self, rest: list[str]) -> None:
        self.rest = rest
        self.command: str | None = None
        self.flags: dict[str, Value] = {}
        self.options: dict[str, str | bool] = {}
        self.help = False
        self.version = False
        self.problems: list[ConfigurationError] = []

    def all(self) -> None:
        while self.rest:
            word = self.rest.pop(0)
            if word in ("-h", "--help"):
                self.help = True
            elif word in ("-V", "--version"):
                self.version = True
            elif word.startswith("-") and word != "-":
                self.flag(word)
            else:
                self.positional(word)

    def positional(self, word: str) -> None:
        if self.command is None and word in COMMANDS:
            self.command = word
        elif self.command is None and word.isascii() and word.replace("-", "").islower() and word.replace("-", "").isalpha():
            self.problems.append(problems.unknown(word, word, COMMANDS, LATER, thing="command", where="command line"))
        else:
            # Never shown: it may be the value of a secret whose flag was misspelt.
            self.problems.append(problems.problem(
                "There is an argument that belongs to no flag", "command line", problems.USAGE,
                "A command stands once, values follow their flags: `xray-ci COMMAND --name VALUE`."))

    def flag(self, word: str) -> None:
        dashed, _, _ = word.partition("=")
        value = word[len(dashed) + 1:] if "=" in word else None
        name = dashed[2:] if dashed.startswith("--") else ""
        if name in _OPTIONS:
            self.option(_OPTIONS[name], dashed, value)
        elif name in BY_NAME and name != "command":
            self.setting(BY_NAME[name], dashed, value)
        elif name.startswith("no-") and name[3:] in BY_NAME and BY_NAME[name[3:]].kind is Kind.FLAG:
            self.switch(BY_NAME[name[3:]], dashed, value, on=False)
        else:
            self.skip(value)
            known = [row.name for row in ROWS if not row.secret and row.name != "command"] + list(_OPTIONS)
            self.problems.append(problems.unknown(dashed, name or dashed.lstrip("-"), known, LATER_SETTINGS,
                                                  spelt="`--{}`".format, thing="flag"))

    def skip(self, value: str | None) -> None:
        """Pass over what is probably the value of a flag that is not taken."""
        if value is None and self.rest and not self.rest[0].startswith("-") and self.rest[0] not in COMMANDS:
            self.rest.pop(0)

    def setting(self, row: Row, dashed: str, value: str | None) -> None:
        if row.secret:
            self.skip(value)
            self.problems.append(problems.problem(
                f"`{row.name}` is secret and has no flag: a command line can be read by others", dashed,
                problems.OPEN_SECRET, f"Set the variable `{row.variable}`, or `{row.variable}_FILE` to a file that holds it."))
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
        if option.name in self.options:
            self.problems.append(_twice(dashed))
        if not option.metavar:
            self.options[option.name] = True
            if value is not None:
                self.problems.append(problems.problem(f"`{dashed}` takes no value", dashed, problems.USAGE))
        elif (text := self.value(dashed, value)) is not None:
            self.options[option.name] = text
            if option.name == "port" and not (text.isascii() and text.isdigit() and int(text[:9]) <= _LARGEST_PORT):
                self.problems.append(problems.problem(f"{problems.shown(text)} is not a port: a number up to {_LARGEST_PORT}",
                                                      dashed))

    def value(self, dashed: str, value: str | None) -> str | None:
        if value is None and self.rest and not self.rest[0].startswith("--"):
            value = self.rest.pop(0)
        if value is None:
            self.problems.append(problems.problem(f"`{dashed}` needs a value", dashed, problems.USAGE,
                                                  f"Write `{dashed} VALUE`, or `{dashed}=VALUE` for one that begins with `--`."))
        return value

    def once(self, name: str, dashed: str) -> None:
        if name in self.flags:
            self.problems.append(_twice(dashed))


def _twice(dashed: str) -> ConfigurationError:
    return problems.problem(f"`{dashed}` is given twice", dashed, problems.USAGE, "Keep one of them.")
