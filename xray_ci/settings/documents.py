"""Files made from the tables, by `python -m xray_ci.settings.documents --write|--check ROOT`.

They are both actions of GitHub, the component of GitLab, the README's settings table, docs/settings.md, the config
file's schema and help.txt. Pure functions from the tables to text.

Knows what these files look like and how they hand settings on to xray-ci; knows nothing of reading settings.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xray_ci.settings import config, configfile, example
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.flags import usage
from xray_ci.settings.table import BY_NAME, GROUPS, LIST_KINDS, OFTEN, ROWS, Kind, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


GENERATED: Final = "made by `python -m xray_ci.settings.documents --write .` from xray_ci/settings/table.py"
OUTPUTS: Final = (
    ("outcome", "What became of the run, in one word."),
    ("test-execution-key", "Key of the Test Execution."),
    ("test-execution-keys", "Keys of all Test Executions, separated by commas."),
    ("test-execution-url", "Address of the Test Execution in Jira, where `jira-url` is known."),
    ("tests", "Cases in the reports."),
    ("passed", "Cases that passed."),
    ("failed", "Cases that failed, errors included."),
    ("skipped", "Cases that were skipped."),
    ("imported", "Test Runs stored."),
    ("created-tests", "Tests that were created."),
    ("new-failures", "Tests that fail and did not in the run that `baseline` names."),
    ("fixed", "Tests that pass and failed in the run that `baseline` names."),
    ("snapshots-triggered", "Snapshots that were triggered."),
    ("result-file", "Path of the machine-readable result."),
)
INPUTS_HERE: Final = "# inputs: generated"
VARIABLES_HERE: Final = "# variables: generated"
_UNEXPANDED: Final = frozenset({Kind.REGEX, Kind.REGEXES, Kind.MAPPING})
"""What may hold a pattern, where `$` is the end of a text and begins no variable."""


def action() -> str:
    """Return action.yml.

    Inputs have no defaults there: GitHub would set them and so outvote variables and config file. Only what the job's
    own contexts say is filled in (D: the runner's schema, `input-default-context`).
    """
    lines = [
        *_head(
            "Import the reports of any test tool into Xray (Jira) as one Test Execution, and refresh Confluence "
            "snapshots."
        ),
        "outputs:",
    ]
    for name, meaning in OUTPUTS:
        lines += [f"  {name}:", *_description(meaning, 4)]
    lines += ["runs:", "  using: docker", "  image: Dockerfile"]
    return "\n".join(lines) + "\n"


def composite() -> str:
    """Return composite/action.yml: the same inputs and outputs, for runners and jobs that cannot start a container.

    GitHub sets no INPUT_ variables for composite actions (O), so each input is mapped. It is never part of a script.
    """
    lines = [
        *_head(
            "The same as the action of this repository without a container, for Windows, macOS and jobs that run in a "
            "container."
        ),
        "outputs:",
    ]
    for name, meaning in OUTPUTS:
        lines += [f"  {name}:", *_description(meaning, 4), f"    value: ${{{{ steps.xray.outputs.{name} }}}}"]
    lines += [
        "runs:",
        "  using: composite",
        "  steps:",
        "    - name: Run xray-ci",
        "      id: xray",
        "      shell: bash",
        '      run: . "$GITHUB_ACTION_PATH/run.sh"',
        "      env:",
    ]
    lines += [
        f"        {variable(name)}: ${{{{ inputs.{name} }}}}" for name in (*(row.name for row in ROWS), *config.NAMES)
    ]
    return "\n".join(lines) + "\n"


def gitlab(body: str) -> str:
    """Return the component of GitLab: its hand-written body with inputs and variables in place of two marker lines.

    Inputs travel as INPUT_ variables. A job's own variables are weaker than a project's (D): as XRAY_CI_ ones they
    would give way to what the project sets for all its jobs, and an empty one would hide what a pipeline sets for all
    its jobs. As inputs they are stronger than both, and an empty one is not set. Raises ValueError when a marker is
    missing.
    """
    body = f"# {GENERATED} and templates/xray-ci.body.yml\n" + re.sub(r"\A(#.*\n)+", "", body)
    header, end, job = body.partition("\n---\n")
    if not end or INPUTS_HERE not in header or VARIABLES_HERE not in job:
        msg = f"templates/xray-ci.body.yml lacks {INPUTS_HERE} … --- … {VARIABLES_HERE}"
        raise ValueError(msg)
    rows = [
        row
        for row in ROWS
        if not (row.secret or row.context or re.search(rf"^ +{re.escape(row.name)}:$", header, re.MULTILINE))
    ]
    filled = _put(
        header,
        INPUTS_HERE,
        lambda depth: [*_indented(_NO_SECRETS, depth), *(line for row in rows for line in _gitlab_input(row, depth))],
    )
    return (
        filled
        + end
        + _put(job, VARIABLES_HERE, lambda depth: [line for row in rows for line in _gitlab_variable(row, depth)])
    )


def variable(name: str) -> str:
    """Return the variable that an input arrives in; hyphens are no part of a name that every shell hands on."""
    return "INPUT_" + name.upper().replace("-", "_")


def _head(about: str) -> list[str]:
    lines = [
        f"# {GENERATED}",
        "name: xray-ci",
        f"description: {about}",
        "author: xray-ci",
        "branding:",
        "  icon: check-circle",
        "  color: green",
        "inputs:",
    ]
    for row in ROWS:
        lines += _input(row.name, f"{row.help} {_default_words(row)}".rstrip(), row.context)
    for name, ours in config.NAMES.items():
        meaning = f"Accepted and ignored: {ours}." if name in config.IGNORED else f"Accepted for {ours}."
        lines += _input(name, meaning)
    return lines


def _input(name: str, meaning: str, context: str | None = None) -> list[str]:
    default = [f"    default: {context}"] if context else []
    return [f"  {name}:", *_description(meaning, 4), "    required: false", *default]


def _description(text: str, depth: int) -> list[str]:
    """Return a text as a merged block: no character of it needs quoting, and no line gets long."""
    return [" " * depth + "description: >-", *_indented(textwrap.wrap(text, 110, break_on_hyphens=False), depth + 2)]


def _default_words(row: Row) -> str:
    if row.default is not None:
        return f"Default: {row.default}."
    return "Required." if row.unset == "required" else f"Default: {row.unset}." if row.unset != "-" else ""


_NO_SECRETS: Final = (
    (
        "# Secrets are no inputs: GitLab shows those. Set XRAY_CI_CLIENT_ID, XRAY_CI_CLIENT_SECRET, "
        "XRAY_CI_JIRA_TOKEN and "
        "so on as"
    ),
    (
        "# masked CI/CD variables. A text is one line; longer ones are XRAY_CI_ variables, too, or stand in the config "
        "file."
    ),
)


def _put(text: str, marker: str, lines: Callable[[int], list[str]]) -> str:
    """Return a text with lines in place of the one that holds a marker, as far to the right as it."""
    before, _, after = text.partition(marker)
    depth = len(before) - before.rfind("\n") - 1
    return before[: len(before) - depth] + "\n".join(lines(depth)) + after


def _indented(lines: Iterable[str], depth: int) -> list[str]:
    return [" " * depth + line for line in lines]


def _gitlab_input(row: Row, depth: int) -> list[str]:
    kind, nothing = ("array", "[]") if row.kind in LIST_KINDS else ("string", '""')
    words = f"{row.help} {_default_words(row)}".rstrip()
    return [
        *_indented((f"{row.name}:", f"  type: {kind}", f"  default: {nothing}"), depth),
        *_description(words, depth + 2),
    ]


def _gitlab_variable(row: Row, depth: int) -> list[str]:
    """Return a variable that holds an input.

    GitLab puts the text of an input into the file before it reads it as YAML (D, since 16.9). In a literal block no
    character means anything but a line break, and that makes a file GitLab refuses; between quotes a quote would end
    the value. A list becomes one line of JSON. It keeps its line break, for without it gitlab-ci-local would put a list
    there (O).
    """
    name, value = variable(row.name), f"$[[ inputs.{row.name} ]]"
    block = "|" if row.kind in LIST_KINDS else "|-"
    if row.kind in _UNEXPANDED:
        return _indented((f"{name}:", "  expand: false", f"  value: {block}", f"    {value}"), depth)
    return _indented((f"{name}: {block}", f"  {value}"), depth)


BEGIN: Final = "<!-- settings:begin -->"
END: Final = "<!-- settings:end -->"


def _kind(row: Row) -> str:
    return ", ".join(row.choices) if row.kind in (Kind.CHOICE, Kind.CHOICES) else row.kind.value


def table() -> str:
    """Return the settings table of the README, between its markers and without them."""
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_row(BY_NAME[name]) for name in OFTEN)]) + "\n"


def _row(row: Row) -> str:
    default = f"`{row.default}`" if row.default is not None else row.unset
    return f"| `{row.name}` | {_kind(row)} | {default} | {row.help} |".replace("\n", " ")


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
        lines += [
            f"## {group[0].upper()}{group[1:]}",
            "",
            "| setting | flag | input | variable | kind | default | meaning |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_long_row(row) for row in rows]
        lines.append("")
    lines += [
        "## Options of single commands",
        "",
        "Only on the command line.",
        "",
        "| command | option | meaning |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{command.name}` | `--{option.name}{f' {option.metavar}' if option.metavar else ''}` | {option.help} |"
        for command in COMMANDS.values()
        for option in command.options
    ]
    lines += ["", "## Inputs of another action", "", _ALIASES, "", "| input there | here |", "|---|---|"]
    lines += [
        f"| `{name}` | {f'ignored: {ours}' if name in config.IGNORED else ours} |"
        for name, ours in config.NAMES.items()
    ]
    return "\n".join(lines) + "\n"


def _long_row(row: Row) -> str:
    flag = "-" if row.secret or row.name == "command" else f"`--{row.name}`"
    if row.kind is Kind.FLAG:
        flag += f", `--no-{row.name}`"
    trust = " A file that was only found may set it." if row.ws else ""
    names = f" Also accepted: {', '.join(f'`{name}`' for name, _ in row.also)}." if row.also else ""
    default = f"`{row.default}`" if row.default is not None else row.unset
    return (
        f"| `{row.name}` | {flag} | `{row.name}` | `{row.variable}` | {_kind(row)} | {default} "
        f"| {row.help}{names}{trust} |"
    )


def schema_text() -> str:
    """Return docs/xray-ci.schema.json."""
    return json.dumps(configfile.document(), indent=2, ensure_ascii=False) + "\n"


_SOURCES: Final = """\
A setting comes from the first of these that has it:

1. its flag, `--name VALUE` (switches: `--name`, `--no-name`; lists: repeat the flag);
2. its input, `INPUT_<NAME>` in the environment, as GitHub sets it for `with:` (hyphens or underscores) and our GitLab \
component
   for `inputs:`;
3. its variable, `XRAY_CI_<NAME>`;
4. its key in the config file;
5. its default.

Empty is not set. Unknown flags, `XRAY_CI_` variables and config keys are errors that name the nearest known one; \
unknown
inputs are errors on GitHub.

**Secrets** have no flag and no place in a config file. They come from an input, a variable, or a file that
`XRAY_CI_<NAME>_FILE` names (one trailing line break is dropped).

**Lists** have one item per line, in a config file they are YAML lists. **Sizes** are bytes, or a number with kB, MB, GB
(1000) or KiB, MiB, GiB (1024). **Switches** take true, yes, on, 1 and false, no, off, 0.

**Trust.** The config file is `config`, else `.xray-ci.yml` when there is one. A pull request can change what lies in \
the
workspace, so a file that was only found may set no more than what is read and how it maps: rows that say so below. A \
file that
`config` names may set everything but secrets: `--config .xray-ci.yml`. [`xray-ci.schema.json`](xray-ci.schema.json) is
its JSON Schema, [`xray-ci.example.yml`](xray-ci.example.yml) has every setting, and `xray-ci init` writes a file to \
begin with.

**Templates** know `{workflow}`, `{run_number}`, `{run_id}`, `{attempt}`, `{branch}`, `{commit}`, `{short_commit}`, \
`{job}`,
`{repository}`, `{actor}`, `{tag}`, `{pull_request}`, `{date}`, `{time}`, `{reports}`, `{tests}`; `{{` is a brace. \
`{environment}` and `{report}`
are the Test Environment and the report of a Test Execution, where `executions` makes several, and empty elsewhere."""
_ALIASES: Final = """\
The inputs of the most used Xray action are accepted as they are, each with a notice in the log. Our own names win."""


def files(root: Path) -> dict[Path, str]:
    """Return every generated file below a root with its text.

    README and GitLab's component only where there is what they are made of.
    """
    made = {
        root / "action.yml": action(),
        root / "composite/action.yml": composite(),
        root / "docs/settings.md": page(),
        root / "docs/xray-ci.schema.json": schema_text(),
        root / "docs/xray-ci.example.yml": example.whole(),
        root / "xray_ci/settings/help.txt": usage(None),
    }
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
            old = [
                path for path, text in files(Path(root)).items() if not path.exists() or path.read_text("utf-8") != text
            ]
            for path in old:
                sys.stderr.write(
                    f"{path} is not what the tables say: run `python -m xray_ci.settings.documents --write .`\n"
                )
            return 1 if old else 0
        case _:
            sys.stderr.write("usage: python -m xray_ci.settings.documents --write|--check ROOT\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
