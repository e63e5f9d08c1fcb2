"""`init`: a config file to begin with, and the step of the CI system that is there. Asks only on a terminal.

Writes one file, and none that is there already unless told. The step is printed: where it belongs in somebody's
pipeline nobody else knows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xray_ci.ci.provider import surroundings
from xray_ci.ci.systems import PROVIDERS
from xray_ci.errors import DOCS, ConfigurationError
from xray_ci.migrate.printing import lines_of
from xray_ci.migrate.step import Host, MigratedStep, Refs
from xray_ci.safefiles import WriteError, write
from xray_ci.secret import Redactor
from xray_ci.settings import kinds, problems
from xray_ci.settings.example import beginning
from xray_ci.settings.problems import Raw, WrongValueError
from xray_ci.settings.table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.model import Process
    from xray_ci.settings.flags import Value

FILE: Final = ".xray-ci.yml"
HOSTS: Final = {
    "github": Host.GITHUB,
    "gitlab": Host.GITLAB,
    "jenkins": Host.JENKINS,
    "azure": Host.AZURE,
    "circleci": Host.CIRCLECI,
    "bitbucket": Host.BITBUCKET,
}
"""CI systems with a step of their own; every other one starts a container from a shell."""
_SIGNS: Final = (
    ("github", ".github/workflows"),
    ("gitlab", ".gitlab-ci.yml"),
    ("jenkins", "Jenkinsfile"),
    ("azure", "azure-pipelines.yml"),
    ("circleci", ".circleci/config.yml"),
    ("bitbucket", "bitbucket-pipelines.yml"),
    ("buildkite", ".buildkite/pipeline.yml"),
    ("travis", ".travis.yml"),
    ("woodpecker", ".woodpecker.yml"),
    ("drone", ".drone.yml"),
    ("codebuild", "buildspec.yml"),
    ("semaphore", ".semaphore/semaphore.yml"),
)
_REPORTS: Final = "**/TEST-*.xml"


def run(process: Process, options: Mapping[str, Value], ask: Callable[[str], str] | None) -> int:
    """Write the file, print the step, return the exit code; `ask` puts a question, None where nobody answers.

    Raises ConfigurationError for an unknown CI system, and where the file cannot be written.
    """
    folder, known = Path(process.folder), {row.key: row.title for row in PROVIDERS}
    named = str(options.get("ci") or "").lower()
    if named and named not in known:
        raise problems.unknown(named, named, known, thing="CI system", where="--ci")
    system = named or _found(process, folder) or _asked(ask, known, process)
    chosen = {
        "reports": _value(ask, "reports", f"Which files do your tests write? [{_REPORTS}] ", process) or _REPORTS,
        "project": _value(ask, "project", "Which Jira project gets new issues, for example SHOP? [none yet] ", process),
    }
    server = _value(ask, "jira-url", "Address of Jira Server or Data Center? [none: Xray Cloud] ", process)
    _written(folder, beginning({name: value for name, value in chosen.items() if value}), process, options)
    host = HOSTS.get(system, Host.SHELL)
    process.err.write(f"Put this after the tests: {host.value}\n\n")
    process.out.write("\n".join(lines_of(_step(host, server))) + "\n")
    secrets = "JIRA_TOKEN" if server else "XRAY_CLIENT_ID and XRAY_CLIENT_SECRET"
    process.err.write(
        f"\nStore {secrets} as secrets of the CI system ({DOCS}/recipes/keys.md). "
        f"More for {known[system]}: {DOCS}/recipes/README.md\n"
    )
    return 0


def asking(process: Process) -> Callable[[str], str] | None:
    """Return what puts a question to somebody at a terminal, None where nobody is there."""
    if not process.alone or "CI" in process.env or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> str:
        process.err.write(question)
        process.err.flush()
        return sys.stdin.readline()

    return ask


def _found(process: Process, folder: Path) -> str | None:
    """Return the CI system around this process, else that whose file lies here."""
    around = surroundings(process.env).provider
    if around in PROVIDERS and around.key != "other":
        return around.key
    return next((key for key, name in _SIGNS if (folder / name).exists()), None)


def _asked(ask: Callable[[str], str] | None, known: Mapping[str, str], process: Process) -> str:
    while ask is not None:
        word = ask(f"Which CI system runs your tests? One of {', '.join(known)} [other] ").strip().lower()
        if not word or word in known:
            return word or "other"
        process.err.write(f"{problems.shown(word)} is none of them\n")
    return "other"


def _value(ask: Callable[[str], str] | None, name: str, question: str, process: Process) -> str:
    """Return an answer that the setting takes; empty for none."""
    while ask is not None and (text := ask(question).strip()):
        try:
            kinds.parse(BY_NAME[name], Raw(text, name), kinds.ValueContext(Path(process.folder), (), {}))
        except WrongValueError as wrong:
            process.err.write(f"{wrong.what}. {wrong.advice}\n")
        else:
            return text
    return ""


def _written(folder: Path, text: str, process: Process, options: Mapping[str, Value]) -> None:
    path = folder / FILE
    try:
        if options.get("force"):
            write(path, text.encode(), (folder,))  # a link in its place is replaced, not followed
        else:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError:
        process.err.write(f"{FILE} is there already and stays as it is; --force writes a new one\n")
    except (OSError, WriteError) as error:
        raise ConfigurationError(
            f"the file cannot be written: {getattr(error, 'strerror', None) or error}",
            where=FILE,
            slug="configuration",
            advice="Start in a folder that this user may write to.",
        ) from error
    else:
        process.err.write(f"{FILE} was written: look into it, and keep it in the repository\n")


def _step(host: Host, server: str) -> MigratedStep:
    """Return the step: what only the pipeline may set, the rest is in the file."""
    step = MigratedStep(host, 0, "", Refs(), Redactor())
    step.frame = {"name": "Import into Xray", "if": "always()"} if host is Host.GITHUB else {}
    if server:
        step.settings["jira-url"] = server
    step.secrets = dict.fromkeys(("jira-token",) if server else ("client-id", "client-secret"), "")
    return step
