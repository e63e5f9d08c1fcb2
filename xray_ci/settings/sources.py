"""Where settings come from: flag > INPUT_* > XRAY_CI_* > config file > default, each raw value with its origin.

Knows spellings and precedence; knows nothing of what values mean. Unknown names are problems, with the nearest known one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.settings import aliases, configfile, problems
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.commands import LATER as LATER_COMMANDS
from xray_ci.settings.raw import Raw
from xray_ci.settings.table import BY_NAME, LATER, ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.flags import Value
    from xray_ci.settings.table import Row

INPUT: Final = "INPUT_"
VARIABLE: Final = "XRAY_CI_"
_FILE: Final = "_FILE"
_LARGEST_SECRET: Final = 100_000
_NOTHING: Final = frozenset({"", "[]"})
"""An input nobody set: GitLab hands on a list without items as it is written."""
_RUNNERS_OWN: Final = frozenset({"ARGS", "ENTRYPOINT"})
"""Inputs GitHub's runner reads itself for a docker action: they are in the environment without being settings."""

_BY_VARIABLE: Final = {row.variable: row for row in ROWS}
_ALIASES: Final = {name.upper(): name for name in aliases.NAMES}


class Gathered(NamedTuple):
    """Raw values by setting; a setting that nobody set is absent."""

    values: dict[str, Raw]
    config: Path | None
    touched: dict[str, str]
    """Origins of settings whose value was wrong already in the config file: set, though without a value."""
    broken: bool
    """Whether there is a config file that could not be read: what is missing may stand in it."""
    problems: list[ConfigurationError]
    notices: list[str]


def gather(flags: Mapping[str, Value | None], env: Mapping[str, str], workspace: Path, *,
           github: bool) -> Gathered:
    """Collect what is set, strongest source first; reads the config file and files of secrets."""
    issues: list[ConfigurationError] = []
    variables = _variables(env, issues)
    inputs, theirs = _inputs(env, issues, github=github)
    flagged = {name: _flag(name, value) for name, value in flags.items() if value is not None and name in BY_NAME}
    strong = inputs | flagged
    chosen = strong.get("config") or variables.get("config")
    config = configfile.found(workspace) if chosen is None else \
        configfile.named(workspace / chosen.text(), chosen.text(), chosen.origin)
    weak = config.values | variables
    translated = aliases.Translation(theirs, strong, weak.get("deployment"), workspace)
    translated.run()
    values = weak | translated.values | strong
    values.pop("config", None)
    return Gathered(values, config.path, config.touched, config.broken,
                    issues + config.problems + translated.problems, translated.notices)


def command(parsed: str | None, env: Mapping[str, str]) -> str:
    """Return the command to run: of the command line, else of `command` in the environment, else import.

    Raises ConfigurationError for a name nobody knows.
    """
    if parsed is not None:
        return parsed
    inputs, _ = _inputs(env, [], github=False)
    raw = inputs.get("command") or _variables({"XRAY_CI_COMMAND": env.get("XRAY_CI_COMMAND", "")}, []).get("command")
    if raw is None:
        return "import"
    word = raw.text().lower()
    if word not in COMMANDS:
        raise problems.together([problems.unknown(raw.text(), word, COMMANDS, LATER_COMMANDS, thing="command",
                                                  where=raw.origin)])
    return word


def _flag(name: str, value: Value) -> Raw:
    if isinstance(value, list):
        return Raw(tuple(value), f"--{name}")
    if isinstance(value, bool):
        return Raw("true" if value else "false", f"--{name}" if value else f"--no-{name}")
    return Raw(value, f"--{name}")


def _variables(env: Mapping[str, str], issues: list[ConfigurationError]) -> dict[str, Raw]:
    """Read `XRAY_CI_<NAME>`, and `XRAY_CI_<NAME>_FILE` of secrets."""
    found: dict[str, Raw] = {}
    for variable, text in env.items():
        if not variable.startswith(VARIABLE) or not text.strip():
            continue
        row = _BY_VARIABLE.get(variable)
        if row is not None:
            found[row.name] = Raw(text, variable)
    for variable, text in env.items():
        if not variable.startswith(VARIABLE) or not text.strip() or variable in _BY_VARIABLE:
            continue
        row = _BY_VARIABLE.get(variable.removesuffix(_FILE))
        if row is None or not row.secret or not variable.endswith(_FILE):
            word = variable.removeprefix(VARIABLE).lower().replace("_", "-")
            issues.append(problems.unknown(variable, word, BY_NAME, LATER, thing="variable",
                                           spelt=lambda name: f"`{name}` (`{BY_NAME[name].variable}`)"))
        elif row.name in found:
            issues.append(problems.problem(f"Both {row.variable} and {variable} are set", variable, problems.CONFLICT,
                                           "Keep one of them."))
        else:
            _secret_file(row, variable, text, found, issues)
    return found


def _secret_file(row: Row, variable: str, path: str, found: dict[str, Raw], issues: list[ConfigurationError]) -> None:
    """Read a secret from the file a variable names; neither path nor content is ever shown."""
    try:
        with open(path.strip(), "rb") as file:  # noqa: PTH123  # pathlib raises on NUL bytes, too, and costs more
            text = file.read(_LARGEST_SECRET + 1).decode("utf-8")
    except (OSError, ValueError):
        text = ""
    if not text.strip() or len(text) > _LARGEST_SECRET:
        issues.append(problems.problem(f"The file that {variable} names cannot be read, or holds no secret", variable,
                                       advice="Set it to the path of a readable text file that holds the secret alone."))
    else:
        found[row.name] = Raw(text.removesuffix("\n").removesuffix("\r"), variable)


def _inputs(env: Mapping[str, str], issues: list[ConfigurationError], *,
            github: bool) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """Read `INPUT_<NAME>` by our names and by those of the most used action; hyphens as GitHub keeps them win."""
    ours: dict[str, Raw] = {}
    theirs: dict[str, Raw] = {}
    present = [name for name in env if name.startswith(INPUT) and env[name].strip() not in _NOTHING]
    for variable in sorted(present, key=lambda name: "-" in name):
        word = variable.removeprefix(INPUT)
        name = word.lower().replace("_", "-").replace(" ", "-")
        if word == word.upper() and name in BY_NAME:
            ours[name] = Raw(env[variable], variable)
        elif word in _ALIASES:
            theirs[_ALIASES[word]] = Raw(env[variable], variable)
        elif github and word not in _RUNNERS_OWN:
            issues.append(problems.unknown(variable, name, BY_NAME, LATER, thing="input"))
    return ours, theirs
