"""What started a run of GitHub Actions, read from the file in which the runner says so: a closed list of facts, as text.

The file is the runner's, yet titles, branches and repositories in it are strangers'. Whatever it is (missing, huge, deep, no
JSON, odd types) is the same as a file that says nothing. Knows webhook payloads (D); knows no variable but its own names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

COMMIT: Final = "EVENT_COMMIT"
"""Head of the pull request's branch, or what the run that started this one was about."""
BRANCH: Final = "EVENT_BRANCH"
"""Of the run that started this one; of a fork with its owner before it (`octocat:main`), which no branch of ours is called."""
PULL_REQUEST: Final = "EVENT_PULL_REQUEST"
TITLE: Final = "EVENT_TITLE"
RUN_ID: Final = "EVENT_RUN_ID"
"""Of the run that started this one, as are the next ones."""
RUN_NUMBER: Final = "EVENT_RUN_NUMBER"
ATTEMPT: Final = "EVENT_ATTEMPT"
WORKFLOW: Final = "EVENT_WORKFLOW"
ACTOR: Final = "EVENT_ACTOR"
FORK: Final = "EVENT_FORK"
"""Repository that a pull request comes from when that is not the one it goes to."""
AUTHOR: Final = "EVENT_AUTHOR"
"""Who opened the pull request, else who did what started the run."""
NAMES: Final = (COMMIT, BRANCH, PULL_REQUEST, TITLE, RUN_ID, RUN_NUMBER, ATTEMPT, WORKFLOW, ACTOR, FORK, AUTHOR)

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
    return found


def _pull_request(payload: dict[str, Any]) -> dict[str, str]:
    source, target = _text(payload, "head", "repo", "full_name"), _text(payload, "base", "repo", "full_name")
    # `head.repo.fork` says that the repository is a fork of something, which ours may be, too. A deleted one is null (D).
    gone = isinstance(payload.get("head"), dict) and "repo" in payload["head"] and payload["head"]["repo"] is None
    return {COMMIT: _text(payload, "head", "sha"), PULL_REQUEST: _text(payload, "number"), TITLE: _text(payload, "title"),
            AUTHOR: _text(payload, "user", "login"),
            FORK: _GONE if gone else source if source and target and source.lower() != target.lower() else ""}


def _workflow_run(payload: dict[str, Any]) -> dict[str, str]:
    ours, source = _text(payload, "repository", "full_name"), _text(payload, "head_repository", "full_name")
    branch = _text(payload, "head_branch")
    if branch and (not source or source.lower() != ours.lower()):
        branch = f"{source.partition('/')[0] or 'fork'}:{branch}"
    return {COMMIT: _text(payload, "head_sha"), BRANCH: branch, PULL_REQUEST: _number_of_ours(payload),
            RUN_ID: _text(payload, "id"), RUN_NUMBER: _text(payload, "run_number"), ATTEMPT: _text(payload, "run_attempt"),
            WORKFLOW: _text(payload, "name"), ACTOR: _text(payload, "actor", "login")}


def _number_of_ours(payload: dict[str, Any]) -> str:
    """Return the number of the run's pull request; it is listed for branches of the repository, never for forks (O)."""
    listed = payload.get("pull_requests")
    ours = _text(payload, "repository", "id")
    # The same commit can be in pull requests of other repositories, which are listed with theirs.
    numbers = [_text(each, "number") for each in (listed if isinstance(listed, list) else ())
               if ours and _text(each, "base", "repo", "id") == ours]
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
