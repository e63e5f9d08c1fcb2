"""Completion scripts for shells, made from the tables of commands and settings: what `xray-ci completion SHELL` prints.

A command and no flag, as of kubectl, docker, gh and helm: whoever looks for it finds it in the list of commands, and
every other command starts as fast as before. The scripts ask nobody: all words stand in them, so a key press starts no
Python. Knows the languages of three shells; knows nothing of how settings are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.table import GROUPS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.settings.commands import Command, Option
    from xray_ci.settings.table import Row

_FILES: Final = frozenset({Kind.PATH, Kind.TARGET, Kind.BASELINE, Kind.GLOBS})
_FOLDERS: Final = frozenset({Kind.FOLDER})
_OF_OPTIONS: Final = {"FILE": "files", "FOLDER": "folders", "PATH ...": "files", "SHELL": "words"}
_SCOPES: Final = ("run", "branch", "pull-request")


class Flag(NamedTuple):
    """What completion knows of a flag."""

    name: str
    """With its dashes."""
    takes: str
    """`nothing`, `words`, `files`, `folders`, or `text` that nobody can guess."""
    words: tuple[str, ...]
    help: str


def script(shell: str) -> str:
    """Return the script for `bash`, `zsh` or `fish`; raises KeyError for another shell."""
    return SHELLS[shell]()


def run(shell: str, out: TextIO) -> int:
    """Write the script for a shell; return the exit code. Raises ConfigurationError."""
    from xray_ci.settings import problems  # noqa: PLC0415

    if shell not in SHELLS:
        known = f"one of {', '.join(SHELLS)}"
        what = f"{problems.shown(shell)} is not {known}" if shell else f"`completion` needs a shell: {known}"
        raise problems.together(
            [problems.problem(what, "command line", problems.USAGE, "Write `xray-ci completion bash`.")]
        )
    out.write(script(shell))
    return 0


_HELP: Final = (
    Flag("--help", "nothing", (), "Show the help of this command."),
    Flag("--help-all", "nothing", (), "Show all of it."),
)


def flags(command: Command) -> tuple[Flag, ...]:
    """Return every flag of a command: its own options first, then its settings; a secret has none."""
    found = [_option(option) for option in command.options]
    for group in command.groups:
        for row in GROUPS[group]:
            if not row.secret and row.name != "command":
                found += _setting(row)
    return (*found, *_HELP)


def _option(option: Option) -> Flag:
    takes = _OF_OPTIONS.get(option.metavar, "text") if option.metavar else "nothing"
    return Flag(f"--{option.name}", takes, tuple(SHELLS) if takes == "words" else (), option.help)


def _setting(row: Row) -> list[Flag]:
    if row.kind is Kind.FLAG:
        return [
            Flag(f"--{row.name}", "nothing", (), row.help),
            Flag(f"--no-{row.name}", "nothing", (), f"Not: {row.help}"),
        ]
    words = row.choices or (_SCOPES if row.kind is Kind.SCOPE else ())
    takes = "words" if words else "files" if row.kind in _FILES else "folders" if row.kind in _FOLDERS else "text"
    return [Flag(f"--{row.name}", takes, words, row.help)]


def _after(command: Command) -> Flag | None:
    """Return what a word without a flag is to a command: `migrate FILE`."""
    return next((flag for flag in flags(command) if flag.name == f"--{command.word}"), None)


def _once() -> Mapping[str, Flag]:
    """Return every flag there is by its name: one name means one thing in all commands."""
    return {flag.name: flag for command in COMMANDS.values() for flag in flags(command)}


def _pairs() -> Mapping[str, tuple[str, ...]]:
    """Return the second words of commands of two words by their first: `features export`, `features import`."""
    found: dict[str, tuple[str, ...]] = {}
    for name in COMMANDS:
        first, _, second = name.partition(" ")
        if second:
            found[first] = (*found.get(first, ()), second)
    return found


def _first() -> Mapping[str, str]:
    """Return the first words of all commands, each with what it does."""
    pairs = _pairs()
    told = {name.partition(" ")[0]: row.help for name, row in COMMANDS.items()}
    return {word: f"{' or '.join(pairs[word])}." if word in pairs else text for word, text in told.items()}


def _bash() -> str:
    by_takes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for flag in _once().values():
        if flag.takes != "nothing":
            by_takes.setdefault((flag.takes, flag.words), []).append(flag.name)
    values = [
        f"    {'|'.join(names)}) {_BASH_VALUES[takes].format(words=' '.join(words))}; return;;"
        for (takes, words), names in by_takes.items()
    ]
    commands = [
        f"    '{name}') flags='{' '.join(flag.name for flag in flags(row))}'{_bash_word(row)};;"
        for name, row in COMMANDS.items()
    ]
    commands += [f"    {first}) plain='{' '.join(seconds)}';;" for first, seconds in _pairs().items()]
    return _BASH.format(
        names=" ".join(_first()),
        choice="|".join(_first()),
        pairs=_shell_pairs(),
        values="\n".join(values),
        commands="\n".join(commands),
        default=" ".join(flag.name for flag in flags(COMMANDS["import"])),
    )


def _shell_pairs() -> str:
    """Return commands of two words as a pattern of bash and zsh."""
    return "|".join(f"'{name}'" for name in COMMANDS if " " in name)


_BASH_VALUES: Final = {
    "words": """_xray_ci_words '{words}' "$cur\"""",
    "files": '_xray_ci_names -f "$cur"',
    "folders": '_xray_ci_names -d "$cur"',
    "text": ":",
}


def _bash_word(command: Command) -> str:
    after = _after(command)
    return "" if after is None else "; plain=files" if after.takes == "files" else f"; plain='{' '.join(after.words)}'"


_BASH: Final = """\
# Completion of xray-ci for bash. Load it: source <(xray-ci completion bash)
_xray_ci_words() {{
  local word
  for word in $1; do [[ $word == "$2"* ]] && COMPREPLY+=("$word"); done
}}
_xray_ci_names() {{
  local name
  compopt -o filenames 2>/dev/null  # bash 4; without it a blank is not quoted
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "$1" -- "$2")
}}
_xray_ci() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command='' plain='' flags='' at
  COMPREPLY=()
  # Bash takes `--name=value` as three words.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case ${{COMP_WORDS[at]}} in {choice}) command=${{COMP_WORDS[at]}}; break;; esac
  done
  if ((at + 1 < COMP_CWORD)); then
    case "$command ${{COMP_WORDS[at + 1]}}" in {pairs}) command+=" ${{COMP_WORDS[at + 1]}}";; esac
  fi
  case $prev in
{values}
  esac
  case $command in
{commands}
    *) flags='{default} --version'; plain='{names}';;
  esac
  if [[ $cur == -* ]]; then
    _xray_ci_words "$flags" "$cur"
  elif [[ $plain == files ]]; then
    _xray_ci_names -f "$cur"
  else
    _xray_ci_words "$plain${{plain:+ }}$([[ -z $cur && -n $command ]] && echo "$flags")" "$cur"
  fi
}}
complete -F _xray_ci xray-ci
"""


def _zsh() -> str:
    cases = []
    for name, row in COMMANDS.items():
        after = _after(row)
        place = "1" if after and after.name != "--path" else "*"
        specs = [*(_zsh_flag(flag) for flag in flags(row)), *([f"'{place}:{_zsh_action(after)}'"] if after else [])]
        cases.append(f"    '{name}')\n      _arguments \\\n" + " \\\n".join(f"        {spec}" for spec in specs) + ";;")
    cases += [f"    {first}) _arguments '1:word:({' '.join(seconds)})';;" for first, seconds in _pairs().items()]
    described = "\n".join(f"    '{word}:{_zsh_text(text)}'" for word, text in _first().items())
    return _ZSH.format(described=described, choice="|".join(_first()), pairs=_shell_pairs(), cases="\n".join(cases))


def _zsh_flag(flag: Flag) -> str:
    about = f"[{_zsh_text(flag.help)}]"
    return f"'{flag.name}{about}'" if flag.takes == "nothing" else f"'*{flag.name}={about}:{_zsh_action(flag)}'"


def _zsh_action(flag: Flag) -> str:
    match flag.takes:
        case "words":
            return f"word:({' '.join(flag.words)})"
        case "files":
            return "file:_files"
        case "folders":
            return "folder:_files -/"
        case _:
            return "value: "


def _zsh_text(text: str) -> str:
    """Return a text as the explanation in a specification that stands in single quotes."""
    return "".join({"'": "'\\''", "[": "\\[", "]": "\\]", ":": "\\:", "\\": "\\\\"}.get(char, char) for char in text)


_ZSH: Final = """\
#compdef xray-ci
# Completion of xray-ci for zsh. Load it: source <(xray-ci completion zsh), or store it as _xray-ci in a folder of
# $fpath.
_xray_ci() {{
  local -a described=(
{described}
  )
  local command='' at context state line
  typeset -A opt_args
  for ((at = 2; at < CURRENT; at++)); do
    case $words[at] in ({choice}) command=$words[at]; words[at]=(); (( CURRENT-- )); break;; esac
  done
  if [[ -n $command ]] && (( at < CURRENT )); then
    case "$command $words[at]" in ({pairs}) command+=" $words[at]"; words[at]=(); (( CURRENT-- ));; esac
  fi
  if [[ -z $command && $words[CURRENT] != -* && $words[CURRENT-1] != --* ]]; then
    _describe command described
    return
  fi
  : ${{command:=import}}
  case $command in
{cases}
  esac
}}
if [[ $funcstack[1] == _xray-ci ]]; then _xray_ci "$@"; else compdef _xray_ci xray-ci; fi
"""


def _fish() -> str:
    lines = ["# Completion of xray-ci for fish. Load it: xray-ci completion fish | source", "complete -c xray-ci -f"]
    seen = f"__fish_seen_subcommand_from {' '.join(_first())}"
    pairs = _pairs()
    for word, text in _first().items():
        lines.append(f"complete -c xray-ci -n {_fish_text(f'not {seen}')} -a {word} -d {_fish_text(text)}")
    for name, row in COMMANDS.items():
        first, _, second = name.partition(" ")
        own = f"__fish_seen_subcommand_from {first}"
        if second:
            choice = _fish_text(f"{own}; and not __fish_seen_subcommand_from {' '.join(pairs[first])}")
            lines.append(f"complete -c xray-ci -n {choice} -a {second} -d {_fish_text(row.help)}")
            own += f"; and __fish_seen_subcommand_from {second}"
        elif any(name in seconds for seconds in pairs.values()):
            own += f"; and not __fish_seen_subcommand_from {' '.join(pairs)}"
        own = _fish_text(own)
        lines += [f"complete -c xray-ci -n {own} {_fish_flag(flag)}" for flag in flags(row)]
        if after := _after(row):
            lines.append(f"complete -c xray-ci -n {own} {_fish_takes(after, plain=True)}")
    lines += [
        f"complete -c xray-ci -n {_fish_text(f'not {seen}')} {_fish_flag(flag)}" for flag in flags(COMMANDS["import"])
    ]
    return "\n".join(lines) + "\n"


def _fish_flag(flag: Flag) -> str:
    return f"-l {flag.name[2:]} {_fish_takes(flag)} -d {_fish_text(flag.help)}".replace("  ", " ")


def _fish_takes(flag: Flag, *, plain: bool = False) -> str:
    match flag.takes:
        case "nothing":
            return ""
        case "words":
            return f"{'' if plain else '-x '}-a {_fish_text(' '.join(flag.words))}"
        case "files":
            return "-F" if plain else "-r -F"
        case "folders":
            return "-x -a '(__fish_complete_directories)'"
        case _:
            return "-x"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[Mapping[str, Callable[[], str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
