"""What a run knows of the CI system around it, read by the table of systems.

`surroundings` reads a mapping, never the process, and the one file in which GitHub says what started the run. Names of
variables are as documented by each system (D), the few marked (O) as read by other tools. Knows nothing of settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xray_ci.ci import event_facts
from xray_ci.ci.environment import AnyCase, Environment, commit, first, is_set, number, path, text, url

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.ci.syntax import Syntax
from xray_ci.ci.systems import LOCAL, PROVIDERS, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run knows of where it runs; None where the system does not say.

    Text is one clean line, yet a stranger's.
    """

    provider: Provider
    commit: str | None = None
    """Of a pull request the commit of its branch where the system tells it, else that of the merge."""
    branch: str | None = None
    """Of a pull request its own branch, not the one it goes to."""
    tag: str | None = None
    pull_request: str | None = None
    repository: str | None = None
    workflow: str | None = None
    job: str | None = None
    run_id: str | None = None
    run_number: str | None = None
    attempt: str | None = None
    """Counted from 1."""
    actor: str | None = None
    run_url: str | None = None
    workspace: str | None = None
    temp: str | None = None
    """Folder that the system empties after the job."""
    step: str | None = None
    """What tells steps of one job apart, the same in every attempt."""
    job_group: str | None = None
    """What parallel jobs made from one definition have in common, where a job's own name may hold its index."""
    shards: str | None = None
    """How many parallel jobs share the work of one definition, where the system says that they share it; matrices do
    not."""
    server: str | None = None
    definition: str | None = None
    foreign_branch: str | None = None
    """As in the row; see `stranger`."""
    matrix: str | None = None
    """The values of this leg: a JSON object in one spelling, or the text by which the system calls the leg."""
    pull_request_title: str | None = None
    outsider: str | None = None
    """Who a run is for that the system keeps secrets from: `the fork octocat/web`, by the event's own facts."""
    secrets: str | None = None
    """Why a secret that somebody set may not have come here: the most likely cause, a sentence or two."""
    outputs_file: str | None = None
    summary_file: str | None = None
    debug: bool = False
    """Whether whoever runs the job asked the CI system for debug logs."""

    @property
    def syntax(self) -> Syntax:
        """What the log understands."""
        return self.provider.syntax

    @property
    def stranger(self) -> str | None:
        """Return what tells the branch from one of ours that is called the same."""
        return self.foreign_branch if self.provider.foreign_branch else self.pull_request

    def facts(self) -> dict[str, str | None]:
        """Return what may be told outside: no folders of this machine, and nothing that only tells runs apart."""
        return {name: getattr(self, name) for name in FACTS if name not in _UNTOLD}


_ACCEPT: Final[dict[str, Callable[[str], str | None]]] = {
    "commit": commit,
    "branch": text,
    "tag": text,
    "pull_request": number,
    "repository": text,
    "workflow": text,
    "job": text,
    "run_id": text,
    "run_number": text,
    "attempt": number,
    "actor": text,
    "run_url": url,
    "workspace": path,
    "temp": path,
    "step": text,
    "job_group": text,
    "shards": number,
    "server": text,
    "definition": text,
    "foreign_branch": text,
    "matrix": path,
    "pull_request_title": text,
    "outsider": text,
}
FACTS: Final = tuple(_ACCEPT)
_UNTOLD: Final = frozenset(
    {
        "workspace",
        "temp",
        "step",
        "job_group",
        "shards",
        "server",
        "definition",
        "foreign_branch",
        "matrix",
        "pull_request_title",
        "outsider",
    }
)
_DEBUG: Final = ("RUNNER_DEBUG", "CI_DEBUG_TRACE", "SYSTEM_DEBUG")

SUMMARIES: Final = (
    "{workflow} #{run_number} on {branch}",
    "{workflow} #{run_number} for {tag}",
    "{workflow} #{run_number}",
    "{workflow} on {branch}",
    "{repository} on {branch}",
    "{repository}",
    "{workflow}",
)


def surroundings(env: Environment) -> Surroundings:
    """Say where this run runs, from its environment variables and the event that they name."""
    provider = next((row for row in PROVIDERS if any(_is_here(AnyCase(env), clue) for clue in row.detect)), LOCAL)
    known = {**env, **event_facts.read(env.get(provider.event))} if provider.event else env
    known = AnyCase(known)
    facts = {name: first(known, getattr(provider, name), accept) for name, accept in _ACCEPT.items()}
    return Surroundings(
        provider=provider,
        **facts,
        secrets=first(known, provider.secrets, str),
        outputs_file=env.get(provider.outputs) or None if provider.outputs else None,
        summary_file=env.get(provider.summary) or None if provider.summary else None,
        debug=provider is not LOCAL and any(is_set(env, name) for name in _DEBUG),
    )


def placeholders(around: Surroundings) -> dict[str, str]:
    """Return what the templates of `summary` and `description` can name, as far as it is known."""
    facts = {name: value for name, value in around.facts().items() if value}
    return facts | ({"short_commit": around.commit[:8]} if around.commit else {})


def default_summary(around: Surroundings) -> str:
    """Return the template of a new Test Execution's summary that fits what is known here."""
    known = placeholders(around)
    for template in SUMMARIES:
        names = (part.partition("}")[0] for part in template.split("{")[1:])
        if all(name in known for name in names):
            return template
    return "xray-ci import"


def _is_here(env: Environment, clue: str) -> bool:
    name, sign, value = clue.partition("=")
    return env.get(name) == value if sign else is_set(env, name)
