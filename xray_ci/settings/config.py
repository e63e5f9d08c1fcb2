"""Raw values → one frozen `Settings`, or one error with every problem of the configuration, each with its source.

Knows the order of the steps; each step has its own module. Reads the environment only as it is handed in.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.settings import combinations, kinds, problems, sources
from xray_ci.settings.raw import Raw
from xray_ci.settings.table import BY_NAME, ROWS
from xray_ci.settings.values import Settings, SnapshotTarget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.flags import Value
    from xray_ci.settings.sources import Gathered

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

    `flags` by setting name as `flags.parse` returns them, `command` already chosen (`sources.command`), `github`
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
    gathered = sources.gather(flags, env, workspace, github=github)
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
