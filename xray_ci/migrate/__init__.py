"""`migrate FILE`: an old pipeline's import into Xray → the same step for xray-ci, with the reasons.

Recognised by content: a GitHub workflow, a job of GitLab CI, pipelines of Azure, CircleCI and Bitbucket, a Jenkinsfile,
a script of a shell or of PowerShell, and scripts in any other YAML. Nothing is executed, fetched or written. Knows
settings; nothing of reports, services or delivery.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.errors import DOCS, ConfigurationError
from xray_ci.migrate import jenkins, printing, workflow
from xray_ci.migrate.reading import FoundSteps
from xray_ci.migrate.step import Host, Refs
from xray_ci.safefiles import open_regular
from xray_ci.secret import Redactor
from xray_ci.settings import yamltext

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from xray_ci.ci.console import Console
    from xray_ci.migrate.step import MigratedStep

LARGEST: Final = 1_000_000
"""Bytes of a file; a pipeline that people wrote is far smaller."""
NOTHING: Final = "nothing-to-migrate"
_GROOVY: Final = re.compile(
    r"^[ \t]*(?:@Library|pipeline[ \t]*\{|node[ \t]*[({]|stage[ \t]*\(|step[ \t]*\()|XrayImportBuilder", re.MULTILINE
)
_YAML: Final = re.compile(
    r"^[ \t-]*(?:uses|run|script|before_script|after_script|steps|jobs|stages|pipelines|commands?|bash|pwsh|powershell)"
    r"[ \t]*:",
    re.MULTILINE,
)
_LOOKED_FOR: Final = (
    "Looked for: steps of a GitHub action for Xray, `step([$class: 'XrayImportBuilder', …])` of Jenkins, and calls of "
    "curl or `Invoke-RestMethod` to …/import/execution in `run`, `script`, `command`, `bash`, `pwsh`, `sh` or the "
    "script itself. Files that it includes and variables that hold a whole command are not read. The step to write by "
    f"hand: {DOCS}/recipes/"
)


class Migrated(NamedTuple):
    """What an old pipeline becomes; no secret is in it."""

    text: str
    steps: tuple[MigratedStep, ...]
    unknown: tuple[str, ...]
    """What has Xray in its name and was not understood."""
    redactor: Redactor


def run(path: Path, shown: str, write: Console, out: TextIO, redactor: Redactor) -> int:
    """Print the new steps of one file on `out` and the reasons on the log; raises ConfigurationError."""
    migrated = migrate(_content(path, shown), shown)
    for step in migrated.steps:
        write.info(migrated.redactor(f"Line {step.line}: {step.what} becomes {step.host.value}."))
        for note in step.notes:
            write.notice(migrated.redactor(note))
        for reason in step.left:
            write.warning(migrated.redactor(f"Not translated: {reason}"))
        if step.host is Host.GITHUB and "if" not in step.frame:
            write.warning(
                "The step has no `if: always()`: it is skipped when the tests fail, which is when results matter most."
            )
    for what in migrated.unknown:
        write.warning(migrated.redactor(f"Not translated: {what}, which is not known."))
    out.write(redactor(migrated.text))
    return 0


def migrate(text: str, shown: str) -> Migrated:
    """Return what the text of a pipeline becomes.

    Raises ConfigurationError when it is unreadable or holds nothing of Xray.
    """
    refs, redactor = Refs(), Redactor()
    found = FoundSteps(refs, redactor)
    text = text.replace("\r\n", "\n")
    if _GROOVY.search(text):
        jenkins.read(text, found)
    elif _YAML.search(text):
        root = _yaml(text, shown)
        if root is not None:
            workflow.read(root, found)
    else:
        found.script(refs.clean(text), 1, {}, Host.SHELL)
    if not found.steps:
        unknown = f" Not known: {'; '.join(found.unknown[:5])}." if found.unknown else ""
        page = "README" if found.system is None else found.system.name.lower()
        advice = f"{_LOOKED_FOR}{page}.md.{unknown}"
        raise ConfigurationError("There is nothing to migrate", where=shown, slug=NOTHING, advice=advice)
    return Migrated(redactor(printing.text(found.steps)), tuple(found.steps), tuple(found.unknown), redactor)


def _yaml(text: str, shown: str) -> yamltext.YamlNode | None:
    try:
        return yamltext.read(text)
    except yamltext.NotYamlError as wrong:
        what = wrong.what if "tag" in wrong.what or "merge" in wrong.what else "is no YAML that can be read"
        raise ConfigurationError(
            f"The file {what}",
            where=f"{shown}:{wrong.line}:{wrong.column}",
            slug=NOTHING,
            advice="Put the job that imports into a file of its own, without it, and migrate that.",
        ) from None


def _content(path: Path, shown: str) -> str:
    """Return the text of a file; raises ConfigurationError for one that is no text, too large or not there."""
    try:
        with open_regular(path, links=True) as file:
            content = file.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError):
        raise ConfigurationError(
            "The file cannot be read, or is no text",
            where=shown,
            slug=NOTHING,
            advice="Name a workflow, a Jenkinsfile, a pipeline in YAML, a script of a shell or of PowerShell.",
        ) from None
    if len(content) > LARGEST:
        raise ConfigurationError(
            f"The file is larger than {LARGEST} bytes",
            where=shown,
            slug=NOTHING,
            advice="Put the step that imports into a file of its own, and migrate that.",
        )
    return text
