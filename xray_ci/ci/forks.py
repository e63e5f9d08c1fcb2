"""Runs that get no secrets, by what the CI system says of them, and why a secret may be missing in all others.

Pure: sources of facts for the table of CI systems. A missing secret never makes a run one of these: only the event does.
Knows which runs each system keeps secrets from (D, marked where not); knows nothing of settings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.ci import event
from xray_ci.ci.environment import is_set, repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.ci.environment import Environment, Source

_NAME: Final = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}")
_DEPENDABOT: Final = "dependabot[bot]"
_OF_PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Events of GitHub that run what a pull request brings, and so without secrets where it comes from a fork."""
_OF_DEPENDABOT: Final = _OF_PULL_REQUESTS | {"push", "create", "deployment", "deployment_status", "pull_request_target"}

REMEDY: Final = ("Nothing has to be done: the import happens when the change is in the repository itself. Where the CI system can give "
                 "such runs secrets, think twice: their code can send them anywhere.")
GITHUB_REMEDY: Final = ("To import such runs too, let a second workflow do it: `on: workflow_run`, with the reports as an artifact "
                        "(docs/recipes/github.md). Dependabot's runs can also have secrets of their own: Settings, Secrets, Dependabot.")


def github(env: Environment) -> str | None:
    """Name who a run of GitHub Actions is for when that gets it no secrets.

    `pull_request_target`, `workflow_run` and all other events run the repository's own workflows with its secrets.
    """
    started_by, fork = env.get("GITHUB_EVENT_NAME", ""), env.get(event.FORK)
    if fork and started_by in _OF_PULL_REQUESTS:
        return f"the fork {fork}"
    # The first actor counts, also when somebody else runs it again; a person's commit to the bot's branch gets secrets.
    bot = env.get("GITHUB_ACTOR") == _DEPENDABOT and env.get(event.AUTHOR) == _DEPENDABOT
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


MERGE_REQUEST: Final = ("This is a merge request pipeline on a ref that is not protected, and protected variables are not given to it: "
                        "import on the protected branch, or take `Protected` off the variables.")
UNPROTECTED: Final = ("This branch or tag is not protected, and protected variables are only given to those that are: protect it, or take "
                      "`Protected` off the variables.")
ON_GITHUB: Final = ("GitHub gives an empty text, without a word, for a secret whose name it does not know: one of another repository, one "
                    "of an `environment` that the job does not name, or one that the caller of a reusable workflow does not pass on "
                    "(`secrets: inherit`).")
ON_GITLAB: Final = "Check the variable's name, and that its environment scope takes this job."
ON_AZURE: Final = ("Azure Pipelines gives secret variables to no step by itself: map each under `env:`, and name their variable group in the "
                   "pipeline.")
ON_JENKINS: Final = "Bind it in this stage: `environment { NAME = credentials('id') }`, or `withCredentials`."
ON_BITBUCKET: Final = "A deployment's variables are only given to steps that name that `deployment`."
ON_CIRCLECI: Final = "Variables of a context are only given to jobs that name it under `context:` in the workflow."
ON_BUILDKITE: Final = "Buildkite gives no secrets by itself: name them under `secrets:` of the step, or export them in an agent hook."
ON_TRAVIS: Final = "Travis CI gives this build no encrypted variables (TRAVIS_SECURE_ENV_VARS is false)."
ON_WOODPECKER: Final = "Name it under `environment:` of the step with `from_secret:`, and allow the secret for this event."
ON_DRONE: Final = "Name it under `environment:` of the step with `from_secret:`; pull requests get a secret only where it allows them."
ON_TEAMCITY: Final = "TeamCity gives a step only parameters whose names begin with `env.`, for example `env.XRAY_CI_CLIENT_SECRET`."
