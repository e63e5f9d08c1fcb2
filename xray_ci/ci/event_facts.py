"""What the CI system says of a run's trigger: the runner's event file, and runs that get no secrets.

The file is the runner's, yet titles, branches and repositories in it are strangers'. Whatever it is (missing, huge,
deep, no JSON, odd types) is the same as a file that says nothing; facts of it are a closed list, as text. A missing
secret never makes a run one without secrets: only the event does.

Knows webhook payloads and which runs each system keeps secrets from (D, marked where not); knows nothing of settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from xray_ci.ci.environment import is_set, repository
from xray_ci.errors import DOCS
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.ci.environment import Environment, Source


COMMIT: Final = "EVENT_COMMIT"
"""Head of the pull request's branch, or what the run that started this one was about."""
BRANCH: Final = "EVENT_BRANCH"
"""Of the run that started this one; of a fork with its owner before it (`octocat:main`), which no branch of ours is
called."""
PULL_REQUEST: Final = "EVENT_PULL_REQUEST"
TITLE: Final = "EVENT_TITLE"
RUN_ID: Final = "EVENT_RUN_ID"
"""Of the run that started this one, as are the next ones."""
RUN_NUMBER: Final = "EVENT_RUN_NUMBER"
ATTEMPT: Final = "EVENT_ATTEMPT"
WORKFLOW: Final = "EVENT_WORKFLOW"
PATH: Final = "EVENT_PATH"
"""File of the workflow that ran; several can have one name."""
ACTOR: Final = "EVENT_ACTOR"
FORK: Final = "EVENT_FORK"
"""Repository that a pull request comes from when that is not the one it goes to."""
AUTHOR: Final = "EVENT_AUTHOR"
"""Who opened the pull request, else who did what started the run."""
NAMES: Final = (COMMIT, BRANCH, PULL_REQUEST, TITLE, RUN_ID, RUN_NUMBER, ATTEMPT, WORKFLOW, PATH, ACTOR, FORK, AUTHOR)

LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a file that is read; payloads of pull requests have some ten thousand."""
_GONE: Final = "whose repository is gone"
_NOTHING: Final = dict.fromkeys(NAMES, "")


def read(path: str | None) -> dict[str, str]:
    """Return every fact under its name, empty where the file does not say it. Never raises."""
    return facts(_document(path)) if path else dict(_NOTHING)


def facts(document: Any) -> dict[str, str]:
    """Return the facts of a payload, whatever it is."""
    found = dict(_NOTHING)
    found[AUTHOR] = _text(document, "sender", "login")
    if isinstance(_at(document, "pull_request"), dict):
        found |= _pull_request(document["pull_request"])
    elif isinstance(_at(document, "workflow_run"), dict):
        found |= _workflow_run(document["workflow_run"])
        path = _text(document, "workflow", "path")
        found[PATH] = f"{_text(document, 'workflow_run', 'repository', 'full_name')}/{path}" if path else ""
    return found


def _pull_request(payload: dict[str, Any]) -> dict[str, str]:
    source, target = _text(payload, "head", "repo", "full_name"), _text(payload, "base", "repo", "full_name")
    # `head.repo.fork` says that the repository is a fork of something, which ours may be, too. A deleted one is null
    # (D).
    gone = isinstance(payload.get("head"), dict) and "repo" in payload["head"] and payload["head"]["repo"] is None
    return {
        COMMIT: _text(payload, "head", "sha"),
        PULL_REQUEST: _text(payload, "number"),
        TITLE: _text(payload, "title"),
        AUTHOR: _text(payload, "user", "login"),
        FORK: _GONE if gone else source if source and target and source.lower() != target.lower() else "",
    }


def _workflow_run(payload: dict[str, Any]) -> dict[str, str]:
    ours, source = _text(payload, "repository", "full_name"), _text(payload, "head_repository", "full_name")
    branch = _text(payload, "head_branch")
    if branch and (not source or source.lower() != ours.lower()):
        branch = f"{source.partition('/')[0] or 'fork'}:{branch}"
    return {
        COMMIT: _text(payload, "head_sha"),
        BRANCH: branch,
        PULL_REQUEST: _number_of_ours(payload),
        RUN_ID: _text(payload, "id"),
        RUN_NUMBER: _text(payload, "run_number"),
        ATTEMPT: _text(payload, "run_attempt"),
        WORKFLOW: _text(payload, "name"),
        ACTOR: _text(payload, "actor", "login"),
    }


def _number_of_ours(payload: dict[str, Any]) -> str:
    """Return the number of the run's pull request; it is listed for branches of the repository, never for forks (O)."""
    listed = payload.get("pull_requests")
    ours = _text(payload, "repository", "id")
    # The same commit can be in pull requests of other repositories, which are listed with theirs.
    numbers = [
        _text(each, "number")
        for each in (listed if isinstance(listed, list) else ())
        if ours and _text(each, "base", "repo", "id") == ours
    ]
    return numbers[0] if numbers else ""


def _at(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(document: Any, *names: str) -> str:
    value = _at(document, *names)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _document(path: str) -> Any:
    import json  # noqa: PLC0415  # only GitHub's runs pay for it

    try:
        file = Path(path)
        if not file.is_file():  # a pipe would be waited for
            return None
        with file.open("rb") as stream:
            data = stream.read(LIMIT + 1)
        return None if len(data) > LIMIT else json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None


_NAME: Final = lazy(r"[\w.-]{1,100}/[\w.-]{1,100}")
_DEPENDABOT: Final = "dependabot[bot]"
_OF_PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Events of GitHub that run what a pull request brings, and so without secrets where it comes from a fork."""
_OF_DEPENDABOT: Final = _OF_PULL_REQUESTS | {"push", "create", "deployment", "deployment_status", "pull_request_target"}

REMEDY: Final = (
    "Nothing has to be done: the import happens when the change is in the repository itself. Where the CI system can "
    "give "
    "such runs secrets, think twice: their code can send them anywhere."
)
GITHUB_REMEDY: Final = (
    "To import such runs too, let a second workflow do it: `on: workflow_run`, with the reports as an artifact "
    f"({DOCS}/recipes/github.md). Dependabot's runs can also have secrets of their own: Settings, Secrets, Dependabot."
)


def github(env: Environment) -> str | None:
    """Name who a run of GitHub Actions is for when that gets it no secrets.

    `pull_request_target`, `workflow_run` and all other events run the repository's own workflows with its secrets.
    """
    started_by, fork = env.get("GITHUB_EVENT_NAME", ""), env.get(FORK)
    if fork and started_by in _OF_PULL_REQUESTS:
        return f"the fork {fork}"
    # The first actor counts, also when somebody else runs it again; a person's commit to the bot's branch gets secrets.
    bot = env.get("GITHUB_ACTOR") == _DEPENDABOT and env.get(AUTHOR) == _DEPENDABOT
    return "Dependabot" if bot and started_by in _OF_DEPENDABOT else None


def gitlab(env: Environment) -> str | None:
    """Name the project that a merge request comes from when it is another than it goes to."""
    source, target = env.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), env.get("CI_MERGE_REQUEST_PROJECT_ID")
    if not source or not target or source == target:
        return None
    return f"the fork {env.get('CI_MERGE_REQUEST_SOURCE_PROJECT_PATH') or source}"


def flagged(name: str) -> Source:
    """Read a variable that only says whether a run is of a fork."""
    return lambda env: "a fork" if is_set(env, name) else None


def named(*names: str) -> Source:
    """Read a fork's name out of variables that are set for forks alone; all of them are needed."""

    def read(env: Environment) -> str | None:
        parts = [env.get(name) for name in names]
        return f"the fork {'/'.join(part for part in parts if part)}" if all(parts) else None

    return read


def other(source: str, target: str) -> Source:
    """Compare where a pull request comes from with where it goes, both addresses or names of a repository."""

    def read(env: Environment) -> str | None:
        theirs, ours = (_named(env, name) for name in (source, target))
        return f"the fork {theirs}" if theirs and ours and theirs.lower() != ours.lower() else None

    return read


def _named(env: Environment, name: str) -> str:
    read, value = repository(name), env.get(name, "")
    # An address that holds no such name is not shown: there may be credentials in it.
    return (read(env) if callable(read) else None) or (value if _NAME.fullmatch(value) else "")


def said(cause: str, *conditions: tuple[str, str]) -> Source:
    """Say a cause where all of these variables have these values."""
    return lambda env: cause if _all(env, conditions) else None


def _all(env: Mapping[str, str], conditions: tuple[tuple[str, str], ...]) -> bool:
    return all(env.get(name) == value for name, value in conditions)


MERGE_REQUEST: Final = (
    "This is a merge request pipeline on a ref that is not protected, and protected variables are not given to it: "
    "import on the protected branch, or take `Protected` off the variables."
)
UNPROTECTED: Final = (
    "This branch or tag is not protected, and protected variables are only given to those that are: protect it, or "
    "take "
    "`Protected` off the variables."
)
ON_GITHUB: Final = (
    "GitHub gives an empty text, without a word, for a secret whose name it does not know: one of another repository, "
    "one "
    "of an `environment` that the job does not name, or one that the caller of a reusable workflow does not pass on "
    "(`secrets: inherit`)."
)
ON_GITLAB: Final = "Check the variable's name, and that its environment scope takes this job."
ON_AZURE: Final = (
    "Azure Pipelines gives secret variables to no step by itself: map each under `env:`, and name their variable group "
    "in the "
    "pipeline."
)
ON_JENKINS: Final = "Bind it in this stage: `environment { NAME = credentials('id') }`, or `withCredentials`."
ON_BITBUCKET: Final = "A deployment's variables are only given to steps that name that `deployment`."
ON_CIRCLECI: Final = "Variables of a context are only given to jobs that name it under `context:` in the workflow."
ON_BUILDKITE: Final = (
    "Buildkite gives no secrets by itself: name them under `secrets:` of the step, or export them in an agent hook."
)
ON_TRAVIS: Final = "Travis CI gives this build no encrypted variables (TRAVIS_SECURE_ENV_VARS is false)."
ON_WOODPECKER: Final = (
    "Name it under `environment:` of the step with `from_secret:`, and allow the secret for this event."
)
ON_DRONE: Final = (
    "Name it under `environment:` of the step with `from_secret:`; pull requests get a secret only where it allows "
    "them."
)
ON_TEAMCITY: Final = (
    "TeamCity gives a step only parameters whose names begin with `env.`, for example `env.XRAY_CI_CLIENT_SECRET`."
)
ON_BAMBOO: Final = (
    "Define it as a variable of the plan or the deployment, and map it to the task's environment: "
    "`NAME=${bamboo.NAME}`."
)
ON_CODEBUILD: Final = (
    "Name it under `env:` of the buildspec, `secrets-manager:` or `parameter-store:`, and allow the project's role to "
    "read it."
)
ON_SEMAPHORE: Final = (
    "Name the secret under `secrets:` of the block or the job; a fork's pull request gets only the secrets that its "
    "project allows."
)
ON_GOCD: Final = "Define it as a secure variable of the pipeline, the stage, the job or the environment."
