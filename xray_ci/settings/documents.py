"""Files made from the tables: what CI systems read, the README's settings table, docs/settings.md, the config file's schema, help.txt.

Pure functions from the tables to text, and `python -m xray_ci.settings.documents --write|--check ROOT`. Knows what these
files look like; knows nothing of reading settings.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from xray_ci.settings import aliases, schema
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.documents_ci import GENERATED, action, composite, gitlab
from xray_ci.settings.table import GROUPS, Kind, Row
from xray_ci.settings.usage import usage

BEGIN: Final = "<!-- settings:begin -->"
END: Final = "<!-- settings:end -->"


def _kind(row: Row) -> str:
    return ", ".join(row.choices) if row.kind in (Kind.CHOICE, Kind.CHOICES) else row.kind.value


def table() -> str:
    """Return the settings table of the README, between its markers and without them."""
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    for group, rows in GROUPS.items():
        lines.append(f"| **{group}** | | | |")
        lines += [_row(row) for row in rows]
    return "\n".join(lines) + "\n\n*(ws)*: a config file that was only found in the workspace may set it, too.\n"


def _row(row: Row) -> str:
    default = f"`{row.default}`" if row.default is not None else row.unset
    mark = " *(ws)*" if row.ws else ""
    return f"| `{row.name}`{mark} | {_kind(row)} | {default} | {row.help} |".replace("\n", " ")


def readme(text: str) -> str:
    """Return a README with its settings table made anew; raises ValueError when the markers are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = f"README.md lacks {BEGIN} … {END}"
        raise ValueError(msg)
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def page() -> str:
    """Return docs/settings.md."""
    lines = ["# Settings", "", f"<!-- {GENERATED} -->", "", _SOURCES, ""]
    for group, rows in GROUPS.items():
        lines += [f"## {group[0].upper()}{group[1:]}", "",
                  "| setting | flag | input | variable | kind | default | meaning |", "|---|---|---|---|---|---|---|"]
        lines += [_long_row(row) for row in rows]
        lines.append("")
    lines += ["## Options of single commands", "", "Only on the command line.", "",
              "| command | option | meaning |", "|---|---|---|"]
    lines += [f"| `{command.name}` | `--{option.name}{f' {option.metavar}' if option.metavar else ''}` | {option.help} |"
              for command in COMMANDS.values() for option in command.options]
    lines += ["", "## Inputs of another action", "", _ALIASES, "", "| input there | here |", "|---|---|"]
    lines += [f"| `{name}` | {f'passed over: {ours}' if name in aliases.PASSED_OVER else ours} |"
              for name, ours in aliases.NAMES.items()]
    return "\n".join(lines) + "\n"


def _long_row(row: Row) -> str:
    flag = "-" if row.secret or row.name == "command" else f"`--{row.name}`"
    if row.kind is Kind.FLAG:
        flag += f", `--no-{row.name}`"
    trust = " A file that was only found may set it." if row.ws else ""
    names = f" Also accepted: {', '.join(f'`{name}`' for name, _ in row.also)}." if row.also else ""
    default = f"`{row.default}`" if row.default is not None else row.unset
    return (f"| `{row.name}` | {flag} | `{row.name}` | `{row.variable}` | {_kind(row)} | {default} "
            f"| {row.help}{names}{trust} |")


def schema_text() -> str:
    """Return docs/xray-ci.schema.json."""
    return json.dumps(schema.document(), indent=2, ensure_ascii=False) + "\n"


_SOURCES: Final = """\
A setting comes from the first of these that has it:

1. its flag, `--name VALUE` (switches: `--name`, `--no-name`; lists: repeat the flag);
2. its input, `INPUT_<NAME>` in the environment, as GitHub sets it for `with:` (hyphens or underscores) and our GitLab component
   for `inputs:`;
3. its variable, `XRAY_CI_<NAME>`;
4. its key in the config file;
5. its default.

Empty is not set. Unknown flags, `XRAY_CI_` variables and config keys are errors that name the nearest known one; unknown
inputs are errors on GitHub.

**Secrets** have no flag and no place in a config file. They come from an input, a variable, or a file that
`XRAY_CI_<NAME>_FILE` names (one trailing line break is dropped).

**Lists** have one item a line, in a config file they are YAML lists. **Sizes** are bytes, or a number with kB, MB, GB (1000) or
KiB, MiB, GiB (1024). **Switches** take true, yes, on, 1 and false, no, off, 0.

**Trust.** The config file is `config`, else `.xray-ci.yml` when there is one. A pull request can change what lies in the
workspace, so a file that was only found may set no more than what is read and how it maps: rows that say so below. A file that
`config` names may set everything but secrets. [`xray-ci.schema.json`](xray-ci.schema.json) is its JSON Schema.

**Templates** know `{workflow}`, `{run_number}`, `{run_id}`, `{attempt}`, `{branch}`, `{commit}`, `{short_commit}`, `{job}`,
`{repository}`, `{actor}`, `{tag}`, `{pull_request}`, `{date}`, `{time}`, `{reports}`, `{tests}`; `{{` is a brace. `{environment}` and `{report}`
are the Test Environment and the report of a Test Execution, where `executions` makes several, and empty elsewhere."""
_ALIASES: Final = """\
The inputs of the most used Xray action are accepted as they are, each with a notice in the log. Our own names win."""


def files(root: Path) -> dict[Path, str]:
    """Return every generated file below a root with its text; README and GitLab's component only where there is what they are made of."""
    made = {root / "action.yml": action(), root / "composite/action.yml": composite(), root / "docs/settings.md": page(),
            root / "docs/xray-ci.schema.json": schema_text(), root / "xray_ci/settings/help.txt": usage(None)}
    home, body = root / "README.md", root / "templates/xray-ci.body.yml"
    if home.exists():
        made[home] = readme(home.read_text("utf-8"))
    if body.exists():
        made[root / "templates/xray-ci.yml"] = gitlab(body.read_text("utf-8"))
    return made


def main(arguments: list[str]) -> int:
    """Write the files, or say which of them are out of date; returns the exit code."""
    match arguments:
        case ["--write", root]:
            for path, text in files(Path(root)).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            return 0
        case ["--check", root]:
            old = [path for path, text in files(Path(root)).items() if not path.exists() or path.read_text("utf-8") != text]
            for path in old:
                sys.stderr.write(f"{path} is not what the tables say: run `python -m xray_ci.settings.documents --write .`\n")
            return 1 if old else 0
        case _:
            sys.stderr.write("usage: python -m xray_ci.settings.documents --write|--check ROOT\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
