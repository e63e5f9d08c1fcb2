"""What a run knows of the CI system around it, read by the table of systems.

`surroundings` reads a mapping, never the process, and the one file in which GitHub says what started the run. Names of
variables are as documented by each system (D), the few marked (O) as read by other tools. Knows nothing of settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from xray_ci.ci import event_facts
from xray_ci.ci.environment import AnyCase, Environment, commit, first, is_set, number, path, text, url
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xray_ci.ci.syntax import Syntax
from xray_ci.ci.systems import LOCAL, PROVIDERS, Provider


class Surroundings(Struct, frozen=True, kw_only=True):
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
    tries: str | None = None
    """What tells attempts apart where that is a sum."""
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
    fork_branch: str | None = None
    """As in the row; see `stranger`."""
    legs: str | None = None
    """How many jobs the matrix has."""
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
        return self.fork_branch if self.provider.fork_branch else self.pull_request

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
    "tries": text,
    "actor": text,
    "run_url": url,
    "workspace": path,
    "temp": path,
    "step": text,
    "job_group": text,
    "shards": number,
    "server": text,
    "definition": text,
    "fork_branch": text,
    "matrix": path,
    "pull_request_title": text,
    "outsider": text,
}
FACTS: Final = tuple(_ACCEPT)
_UNTOLD: Final = frozenset(
    {
        "workspace",
        "temp",
        "tries",
        "step",
        "job_group",
        "shards",
        "server",
        "definition",
        "fork_branch",
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


AUTO: Final = ("auto",)
NONE: Final = ("none",)
_SHARD: Final = lazy(r"(?i)shards?|shard[_-]?index|partition|chunk|split|slice|(?:ci[_-]?)?node[_-]?index")
"""Keys of a matrix whose values are numbers of shards; `node` alone is a version of Node.js."""
_TOTAL: Final = lazy(
    r"(?i)(?:shard|partition|chunk|split|slice|(?:ci[_-]?)?node)s?[_-]?(?:total|count)"
    r"|total[_-]?(?:shards|partitions|chunks|splits|slices|nodes)"
)
"""How many they are; says nothing of a leg where there is an index."""
_INDEX: Final = lazy(r"\d+(?:/\d+)?")


def in_matrix(around: Surroundings, matrix: str | None, strategy: str | None) -> Surroundings:
    """Return the surroundings with what GitHub's contexts say of a job's matrix: JSON objects, None and empty for none.

    Each runner's own words for a leg stay where there are none.
    """
    if not matrix:
        return around
    total = json.loads(strategy).get("job-total") if strategy else None
    return replace(around, matrix=matrix, legs=number(str(total)) if isinstance(total, (int, str)) else None)


class Leg(Struct, frozen=True, kw_only=True):
    """One leg of a matrix: what tells it from those it does not share work with, and what tells its shards."""

    values: dict[str, Any] | str
    """By key, without those of shards; or the text by which the system calls the leg."""
    split: bool
    """Whether it shares its work with others."""

    @property
    def identity(self) -> str | None:
        """Return the same text for legs that share; None where there is nothing to tell."""
        if isinstance(self.values, str):
            return self.values
        return json.dumps(self.values, sort_keys=True, separators=(",", ":")) if self.values else None

    @property
    def name(self) -> str:
        """Return how people call it: `chrome, 20`, as GitHub names jobs; empty where there is nothing to tell."""
        return self.values if isinstance(self.values, str) else ", ".join(map(_word, self.values.values()))


def leg(around: Surroundings, sharding: Sequence[str] = AUTO) -> Leg | None:
    """Return the leg that this job is, None outside of a matrix.

    `sharding` is `auto`, `none`, or the keys by which the work is split. A leg that is called by a text is split by
    nothing, and so is the only one.
    """
    if around.matrix is None or not around.matrix.startswith("{"):
        return Leg(values=around.matrix, split=False) if around.matrix else None
    values: dict[str, Any] = json.loads(around.matrix)
    auto = tuple(sharding) == AUTO
    named = frozenset() if tuple(sharding) in {AUTO, NONE} else frozenset(sharding)
    split = {
        key
        for key, value in values.items()
        if key in named
        or (auto and _SHARD.fullmatch(key) and not isinstance(value, bool) and _INDEX.fullmatch(str(value)))
    }
    if split and auto:
        split |= {key for key in values if _TOTAL.fullmatch(key)}
    return Leg(
        values={key: value for key, value in values.items() if key not in split},
        split=bool(split) and around.legs != "1",
    )


def is_shard(around: Surroundings, sharding: Sequence[str] = AUTO) -> bool:
    """Say whether other jobs do a part of the same work: as the system counts them, or as the matrix splits it."""
    mine = leg(around, sharding)
    counted = around.shards is not None and int(around.shards) > 1 and tuple(sharding) != NONE
    return counted or (mine is not None and mine.split)


def placeholders(around: Surroundings, sharding: Sequence[str] = AUTO) -> dict[str, str]:
    """Return what the templates of `summary` and `description` can name, as far as it is known.

    `matrix` names the leg without its shards, as they share one Test Execution; each value has a name of its own.
    """
    facts = {name: value for name, value in around.facts().items() if value}
    if around.commit:
        facts["short_commit"] = around.commit[:8]
    if (mine := leg(around, sharding)) is not None:
        facts |= {"matrix": text(mine.name) or ""}
        if around.matrix is not None and not isinstance(mine.values, str):
            facts |= {f"matrix.{key}": text(_word(value)) or "" for key, value in json.loads(around.matrix).items()}
    return {name: value for name, value in facts.items() if value}


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def default_summary(around: Surroundings, sharding: Sequence[str] = AUTO) -> str:
    """Return the template of a new Test Execution's summary that fits what is known here; it names a matrix's leg."""
    known = placeholders(around, sharding)
    for template in SUMMARIES:
        names = (part.partition("}")[0] for part in template.split("{")[1:])
        if all(name in known for name in names):
            return f"{template} ({{matrix}})" if "matrix" in known else template
    return "xray-ci import"


def _is_here(env: Environment, clue: str) -> bool:
    name, sign, value = clue.partition("=")
    return env.get(name) == value if sign else is_set(env, name)
