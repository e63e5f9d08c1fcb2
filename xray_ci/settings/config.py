"""Where settings come from, and the frozen `Settings` that they become: flag > INPUT_* > XRAY_CI_* > file > default.

Names of the inputs of the most used Xray action are accepted, so that moving over is one changed line; facts about that
action are (O): its public action.yml. All problems of a configuration are one error, each with its source, and with the
nearest name where one is unknown. Knows spellings, precedence and the order of steps; what a value means is known by
`kinds` and `combinations`. Reads the environment only as it is handed in.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xray_ci.patterns import lazy
from xray_ci.safefiles import open_regular
from xray_ci.settings import combinations, kinds, problems
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.problems import DEFAULT, NOTHING, Config, Raw
from xray_ci.settings.table import BY_NAME, ROWS
from xray_ci.settings.values import Settings, SnapshotTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.flags import Value
    from xray_ci.settings.table import Row

SAME: Final = {
    "testPaths": "reports",
    "testFormat": "format",
    "testExecKey": "test-execution",
    "projectKey": "project",
    "testPlanKey": "test-plan",
    "testEnvironments": "test-environments",
    "fixVersion": "fix-version",
    "xrayToken": "jira-token",
}
IGNORED: Final = {
    "failOnImportError": "a failed import always fails the step",
    "continueOnImportError": "readable reports are imported, and a failed import always fails the step",
    "importParallelism": "reports become one Test Execution in one request where one will do",
    "importRetryLimit": "what is repeated depends on what is safe; see `time-budget`",
    "testMerge": "reports are merged into one Test Execution unless `executions` says otherwise",
}
NAMES: Final = {
    "xrayCloud": "`deployment`",
    "xrayBaseUrl": "`jira-url` (Server) or `xray-url` (Cloud)",
    "username": "`jira-username` (Server) or `client-id` (Cloud)",
    "password": "`jira-password` (Server) or `client-secret` (Cloud)",
    **{alias: f"`{name}`" for alias, name in SAME.items()},
    "combineInSingleTestExec": "`executions` (false is `per-report`)",
    "responseTimeout": "`timeout` (there in milliseconds)",
    "testExecutionJson": "`fields` (there a file)",
    "testJson": "`test-fields` (there a file)",
    **IGNORED,
}
"""Every accepted name with what stands for it here."""
_LARGEST: Final = 1_000_000


class Translation:
    """The aliases of one run while they become settings; `own` holds what flags and inputs set by our own names."""

    def __init__(
        self, inputs: Mapping[str, Raw], own: Mapping[str, Raw], deployment: Raw | None, workspace: Path
    ) -> None:
        self.inputs = inputs
        """By the names of NAMES."""
        self.own = own
        self.deployment = deployment
        """As set by a source that is weaker than inputs."""
        self.workspace = workspace
        self.values: dict[str, Raw] = {}
        self.notices: list[str] = []
        self.problems: list[ConfigurationError] = []

    def run(self) -> None:
        """Translate every alias that is set."""
        for alias, raw in self.inputs.items():
            if alias in SAME:
                self._put(SAME[alias], raw)
            elif alias in IGNORED:
                self.notices.append(f"{raw.origin} is ignored: {IGNORED[alias]}.")
            else:
                _SPECIAL[alias](self, raw)

    def _put(self, name: str, raw: Raw, text: str | None = None) -> None:
        if name in self.own:
            self.notices.append(f"{raw.origin} is ignored, because `{name}` is set by {self.own[name].origin}.")
            return
        self.values[name] = raw if text is None else Raw(text, raw.origin)
        self.notices.append(f"{raw.origin} is read as `{name}`.")

    def _cloud(self) -> bool:
        """Say which product the run means: ours first, then the alias; that action's default is Cloud (O)."""
        ours = self.own.get("deployment")
        theirs = self.inputs.get("xrayCloud")
        if theirs is not None and ours is None:
            return theirs.text().lower() != "false"
        chosen = ours or self.deployment
        return chosen is None or chosen.text().lower() in ("auto", "cloud")

    def xray_cloud(self, raw: Raw) -> None:
        """Read true or false as `deployment`."""
        word = raw.text().lower()
        if word not in ("true", "false"):
            self.problems.append(
                problems.problem(f"{problems.shown(raw.text())} is neither true nor false", raw.origin)
            )
        else:
            self._put("deployment", raw, "cloud" if word == "true" else "server")

    def base_url(self, raw: Raw) -> None:
        """Read the address, there of Xray on Cloud and of Jira on Server."""
        self._put("xray-url" if self._cloud() else "jira-url", raw)

    def username(self, raw: Raw) -> None:
        """Read half of an API key on Cloud, a Jira user on Server."""
        self._credential("client-id" if self._cloud() else "jira-username", raw)

    def password(self, raw: Raw) -> None:
        """Read the other half."""
        self._credential("client-secret" if self._cloud() else "jira-password", raw)

    def _credential(self, name: str, raw: Raw) -> None:
        if "xrayToken" in self.inputs and not self._cloud():
            self.notices.append(f"{raw.origin} is ignored, because `xrayToken` is set.")
        else:
            self._put(name, raw)

    def combine(self, raw: Raw) -> None:
        """Read false as one Test Execution for each report; true is how it is, and so is an existing Test Execution."""
        if raw.text().lower() == "false" and not {"testExecKey", "test-execution"} & {*self.inputs, *self.own}:
            self._put("executions", raw, "per-report")
        else:
            self.notices.append(f"{raw.origin} is ignored: all reports become one Test Execution.")

    def timeout(self, raw: Raw) -> None:
        """Read milliseconds as seconds."""
        text = raw.text()
        if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004  # 11 days
            self.problems.append(
                problems.problem(f"{problems.shown(text)} is not a number of milliseconds", raw.origin)
            )
        else:
            self._put("timeout", raw, f"{int(text) / 1000:g}" if int(text) < 10**6 else str(int(text) // 1000))

    def execution_json(self, raw: Raw) -> None:
        """Read a file with `fields` and `xrayFields` of the Test Execution, as the multipart import takes it."""
        info = self._info(raw)
        if info.get("fields"):
            self._put("fields", raw, _json(info["fields"]))
        extra = info.get("xrayFields")
        for key, name in (("testPlanKey", "test-plan"), ("environments", "test-environments")):
            value = extra.get(key) if isinstance(extra, dict) else None
            if value and SAME_BY_NAME[name] not in self.inputs:
                self._put(name, raw, "\n".join(map(str, value)) if isinstance(value, list) else str(value))

    def test_json(self, raw: Raw) -> None:
        """Read a file with `fields` of new Tests."""
        info = self._info(raw)
        if info.get("fields"):
            self._put("test-fields", raw, _json(info["fields"]))
            if "strategy" not in self.own:
                self._put("strategy", raw, "native")  # The only way in which fields of Tests travel.

    def _info(self, raw: Raw) -> dict[str, Any]:
        """Read the JSON file an input names.

        It lies in the workspace, because a pull request may have put a link there.
        """
        import json  # noqa: PLC0415  # only a run with this alias pays

        try:
            path = Path(os.path.realpath(self.workspace / raw.text()))
            if (
                path.is_relative_to(os.path.realpath(self.workspace))
                and path.is_file()
                and path.stat().st_size <= _LARGEST
            ):
                info = json.loads(path.read_bytes())
                if isinstance(info, dict) and isinstance(info.get("fields", {}), dict):
                    return info
        except (OSError, ValueError, RecursionError):
            pass
        self.problems.append(
            problems.problem(
                f"{problems.shown(raw.text())} is not a JSON file with `fields`, below 1 MB, in the workspace",
                raw.origin,
                advice="Write the Jira fields into `fields` (or `test-fields`) itself.",
            )
        )
        return {}


SAME_BY_NAME: Final = {name: alias for alias, name in SAME.items()}
_SPECIAL: Final[Mapping[str, Callable[[Translation, Raw], None]]] = {
    "xrayCloud": Translation.xray_cloud,
    "xrayBaseUrl": Translation.base_url,
    "username": Translation.username,
    "password": Translation.password,
    "combineInSingleTestExec": Translation.combine,
    "responseTimeout": Translation.timeout,
    "testExecutionJson": Translation.execution_json,
    "testJson": Translation.test_json,
}


def _json(value: Any) -> str:
    import json  # noqa: PLC0415  # as above

    return json.dumps(value)


INPUT: Final = "INPUT_"
VARIABLE: Final = "XRAY_CI_"
_FILE: Final = "_FILE"
_LARGEST_SECRET: Final = 100_000
_NOTHING: Final = frozenset({"", "[]"})
"""An input nobody set: GitLab hands on a list without items as it is written."""
_RUNNERS_OWN: Final = frozenset({"ARGS", "ENTRYPOINT"})
"""Inputs GitHub's runner reads itself for a docker action: they are in the environment without being settings."""

_BY_VARIABLE: Final = {row.variable: row for row in ROWS}
_ALIASES: Final = {name.upper(): name for name in NAMES}


class Gathered(NamedTuple):
    """Raw values by setting; a setting that nobody set is absent."""

    values: dict[str, Raw]
    config: Path | None
    touched: dict[str, str]
    """Origins of settings whose value was wrong already in the config file: set, though without a value."""
    broken: bool
    """Whether there is a config file that could not be read: what is missing may stand in it."""
    found: frozenset[str]
    """Settings whose value comes from a config file that nobody named: a pull request may have written it."""
    problems: list[ConfigurationError]
    notices: list[str]


def _config(chosen: Raw | None, workspace: Path) -> Config:
    """Read the config file that is named, else the default one, if there is one."""
    if chosen is None and not os.path.lexists(workspace / DEFAULT):
        return NOTHING
    from xray_ci.settings import configfile  # noqa: PLC0415

    if chosen is None:
        return configfile.found(workspace)
    return configfile.named(workspace / chosen.text(), chosen.text(), chosen.origin)


def gather(flags: Mapping[str, Value | None], env: Mapping[str, str], workspace: Path, *, github: bool) -> Gathered:
    """Collect what is set, strongest source first; reads the config file and files of secrets."""
    issues: list[ConfigurationError] = []
    variables = _variables(env, issues)
    inputs, theirs = _inputs(env, issues, github=github)
    flagged = {name: _flag(name, value) for name, value in flags.items() if value is not None and name in BY_NAME}
    strong = inputs | flagged
    chosen = strong.get("config") or variables.get("config")
    config = _config(chosen, workspace)
    weak = config.values | variables
    translated = Translation(theirs, strong, weak.get("deployment"), workspace)
    translated.run()
    values = weak | translated.values | strong
    values.pop("config", None)
    return Gathered(
        values,
        config.path,
        config.touched,
        config.broken,
        frozenset(name for name, raw in values.items() if chosen is None and raw is config.values.get(name)),
        issues + config.problems + translated.problems,
        translated.notices,
    )


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
        raise problems.together([problems.unknown(raw.text(), word, COMMANDS, thing="command", where=raw.origin)])
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
            issues.append(
                problems.unknown(
                    variable,
                    word,
                    BY_NAME,
                    thing="variable",
                    spelt=lambda name: f"`{name}` (`{BY_NAME[name].variable}`)",
                )
            )
        elif row.name in found:
            issues.append(
                problems.problem(
                    f"Both {row.variable} and {variable} are set", variable, problems.CONFLICT, "Keep one of them."
                )
            )
        else:
            _secret_file(row, variable, text, found, issues)
    return found


def secret_file(text: str) -> Path:
    """Return the path that an `XRAY_CI_<NAME>_FILE` names; blanks and line breaks around it do not count."""
    return Path(text.strip())


def secret_files(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files that hold secrets of this run."""
    return tuple(
        secret_file(text)
        for variable, text in env.items()
        if text.strip() and variable.startswith(VARIABLE) and variable.endswith(_FILE) and variable not in _BY_VARIABLE
    )


def is_secret(variable: str) -> bool:
    """Say whether a variable is one that holds a secret setting, or names the file of one."""
    plain = variable.replace("-", "_").removeprefix("INPUT_").removeprefix(VARIABLE)
    row = _BY_VARIABLE.get(VARIABLE + plain) or _BY_VARIABLE.get(VARIABLE + plain.removesuffix(_FILE))
    return (row is not None and row.secret) or plain in _SECRET_ALIASES


def secrets_of(env: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of all secret settings as they stand in the environment, before anything is known to be right.

    For the redactor, so that no problem of settings shows one.
    """
    for variable, text in env.items():
        plain = variable.replace("-", "_").removeprefix("INPUT_").removeprefix(VARIABLE)
        row = _BY_VARIABLE.get(VARIABLE + plain)
        if (row is not None and row.secret) or plain in _SECRET_ALIASES:
            yield text
            yield from _INNER[row.name].findall(text) if row is not None and row.name in _INNER else ()
    for path in secret_files(env):
        with contextlib.suppress(OSError, ValueError), open_regular(path, links=True) as file:
            yield file.read(_LARGEST_SECRET).decode("utf-8")


_INNER: Final = {
    "http-headers": lazy(r"^[^:\n]+:(.+)$", re.MULTILINE),
    "snapshots": lazy(r"""(?:api-key|bearer-token)["']?\s*:\s*["']?([^"'\n,}]+)"""),
}
"""What is secret within a setting of several words."""
_SECRET_ALIASES: Final = frozenset({"PASSWORD", "XRAYTOKEN"})
"""Inputs of the most used action that are secrets."""


def _secret_file(row: Row, variable: str, path: str, found: dict[str, Raw], issues: list[ConfigurationError]) -> None:
    """Read a secret from the file a variable names; neither path nor content is ever shown."""
    try:
        with open_regular(secret_file(path), links=True) as file:
            text = file.read(_LARGEST_SECRET + 1).decode("utf-8")
    except (OSError, ValueError):
        text = ""
    if not text.strip() or len(text) > _LARGEST_SECRET:
        issues.append(
            problems.problem(
                f"The file that {variable} names cannot be read, or holds no secret",
                variable,
                advice="Set it to the path of a readable text file that holds the secret alone.",
            )
        )
    else:
        found[row.name] = Raw(text.removesuffix("\n").removesuffix("\r"), variable)


def _inputs(
    env: Mapping[str, str], issues: list[ConfigurationError], *, github: bool
) -> tuple[dict[str, Raw], dict[str, Raw]]:
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
            issues.append(problems.unknown(variable, name, BY_NAME, thing="input"))
    return ours, theirs


__all__ = ["Settings", "SnapshotTarget", "load"]

_TEMP: Final = ("RUNNER_TEMP", "RUNNER_TEMP_PROJECT_DIR", "WORKSPACE_TMP", "AGENT_TEMPDIRECTORY")
"""Where GitHub, GitLab, Jenkins and Azure keep the temp folder of a job."""


def load(
    flags: Mapping[str, Value | None],
    env: Mapping[str, str],
    workspace: Path,
    *,
    command: str,
    github: bool,
    withheld: bool = False,
    cause: str | None = None,
) -> Settings:
    """Return what the user asked for; raises ConfigurationError whose `problems` are all there are.

    `flags` by setting name as `flags.parse` returns them, `command` already chosen (`command`), `github`
    whether unknown inputs are mistakes. `withheld`: the CI system keeps secrets from this run; when it has no
    credentials, then none of its secrets is missed. `cause` is the CI system's most likely one of a missing secret, in
    words. Reads the config file, files of secrets and whether named files exist.
    """
    if not os.access(workspace, os.X_OK):
        raise problems.problem(
            "this user may not enter the workspace",
            str(workspace),
            problems.CLOSED,
            'Run as its owner: `docker run --user "$(id -u):$(id -g)"`.',
        )
    gathered = gather(flags, env, workspace, github=github)
    around = kinds.ValueContext(workspace, tuple(workspace / env[name] for name in _TEMP if env.get(name)), env)
    values, wrong = _parsed(gathered, around)
    values["command"] = command
    origins = {name: raw.origin for name, raw in gathered.values.items()}
    chosen = combinations.Chosen(values, gathered.touched | origins, command, withheld, cause or "")
    if "project" in gathered.found and values["key-projects"] and values["project"] not in values["key-projects"]:
        gathered.problems.append(
            problems.problem(
                f"`project` may not leave `key-projects` ({', '.join(values['key-projects'])}) in a file that was only "
                "found in the workspace",
                origins["project"],
                problems.UNTRUSTED,
                "A pull request could change it. Add the project to `key-projects`, or set `project` by a variable.",
            )
        )
    conflicts = [
        found for found in combinations.check(chosen) if not (gathered.broken and found.slug == problems.MISSING)
    ]
    # A secret that is not given can leave a hole in the text around it: an item of `snapshots` without its key.
    issues = [
        *gathered.problems,
        *(one for name, one in wrong if not (chosen.excused and BY_NAME[name].secret)),
        *conflicts,
    ]
    if issues:
        raise problems.together(issues)
    notices = (*gathered.notices, *combinations.notices(chosen))
    values["snapshots"] = (*values["snapshots"], *_plain_targets(values))
    attributes = {row.attribute: values[row.name] for row in ROWS}
    attributes["config"] = gathered.config
    return Settings(
        **attributes, workspace=workspace, origins=MappingProxyType(origins), found=gathered.found, notices=notices
    )


def _parsed(
    gathered: Gathered, around: kinds.ValueContext
) -> tuple[dict[str, Any], list[tuple[str, ConfigurationError]]]:
    """Read every value; one that is wrong is replaced by its default, so that the rest can be checked too."""
    values: dict[str, Any] = {}
    issues: list[tuple[str, ConfigurationError]] = []
    for row in ROWS:
        default = Raw(row.default, "default") if row.default is not None else None
        raw = gathered.values.get(row.name, default)
        try:
            values[row.name] = kinds.empty(row) if raw is None else kinds.parse(row, raw, around)
        except problems.WrongValueError as wrong:
            assert raw is not None  # noqa: S101  # nothing cannot be wrong
            issues += [
                (row.name, problems.problem(f"`{row.name}`: {one.what}", raw.where(one.at), advice=one.advice))
                for one in wrong.each
            ]
            values[row.name] = kinds.empty(row) if default is None else kinds.parse(row, default, around)
    return values, issues


def _plain_targets(values: Mapping[str, Any]) -> list[SnapshotTarget]:
    """Return the targets that the plain inputs name; their key was checked to be there."""
    key, token = values["snapshot-api-key"], values["snapshot-bearer-token"]
    return [
        *(SnapshotTarget(url=url, api_key=key, bearer_token=token) for url in values["snapshot-urls"]),
        *(SnapshotTarget(page_id=page, api_key=key, bearer_token=token) for page in values["snapshot-page-ids"]),
    ]
