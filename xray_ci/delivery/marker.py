"""The marker: one word in every Test Execution that we make, by which a second attempt or another shard finds it again.

Pure: what surrounds a run → the word, and whether to look for it first. Knows which facts identify what; knows nothing
of requests, of where the word is written, and of how long an index lags.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from xray_ci.ci.provider import placeholders
from xray_ci.services.stored import quoted
from xray_ci.settings.problems import problem
from xray_ci.settings.texts import fill, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xray_ci.ci.provider import Surroundings

PREFIX: Final = "xrayci"
TOKEN: Final = re.compile(PREFIX + r"[a-z2-7]{24}")
"""One alphanumeric word: a valid label, and one word to the text search of both deployments."""
_LENGTH: Final = 24
_VERSION: Final = "1"
"""Of what goes into the token; another one never finds what this one marked."""
_FIRST: Final = "1"
AUTO: Final = ("auto",)
NONE: Final = ("none",)
_SHARD: Final = re.compile(r"(?i)shards?|shard[_-]?index|partition|chunk|split|slice|(?:ci[_-]?)?node[_-]?index")
"""Keys of a matrix whose values are numbers of shards; `node` alone is a version of Node.js."""
_INDEX: Final = re.compile(r"\d+(?:/\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What identifies one Test Execution, and how careful its making has to be."""

    token: str
    """Matches `TOKEN`; says nothing of what it was made from."""
    look: bool
    """Whether a Test Execution with it may exist already: look before making one."""
    race: bool
    """Whether several runs may make it at the same moment; implies `look`."""


def marker(
    *,
    around: Surroundings,
    scope: str,
    explicit: bool,
    on_rerun: str,
    target: Sequence[str],
    group: str,
    unique: str,
    part: str = "",
    sharding: Sequence[str] = AUTO,
) -> Marker:
    """Return the marker of one Test Execution of this run.

    Raises ConfigurationError where `scope` names an unknown fact.

    `scope` and `on_rerun` as in the settings, `explicit` when somebody set `execution-scope`. `target` is where it goes
    (host, project, Test Plan …, always in one order and number), `group` tells it from others of the run, empty for the
    only one. `unique` is random text: it stands in for a run that the surroundings do not identify, and such a run can
    neither find nor share anything.

    Scope `run`: a first attempt of a job that has a name neither looks nor shares. Jobs share when the CI system says
    how many there are, or when `execution-scope: run` was set explicitly. The latter is what a matrix of GitHub needs:
    its jobs all have one job id, no count, and so one token without knowing it. Every other scope is shared by whoever
    has the same facts.
    """
    if scope == "run" and around.run_id is None:
        return Marker(token=_token([*_place(around, target, group), ("unique", unique)]), look=False, race=False)
    leg, split = _leg(around.matrix, sharding)
    shards = (around.shards is not None and int(around.shards) > 1 and tuple(sharding) != NONE) or split
    race = scope != "run" or explicit or shards
    facts = [*_place(around, target, group), *_scope(around, scope)]
    if part:
        facts.append(("part", part))
    if leg is not None and (scope in {"branch", "pull-request"} or (scope == "run" and not explicit)):
        facts.append(("leg", leg))
    if scope == "run" and not explicit:
        # Jobs that the system splits have names with their number in them; legs of a matrix of GitHub have one name.
        own = [] if shards and not split else [("job", around.job), ("step", around.step)]
        facts += [("job group", around.job_group), *own]
    # Jobs without a name are all the same to us: what another one made has to be found.
    named = around.job is not None or around.job_group is not None
    again = around.attempt != _FIRST
    if on_rerun == "new" and again:
        # An attempt is one of a run: the second of another run is another one, whatever the scope.
        facts += [("attempt", around.attempt), ("attempt of", around.run_id)]
    fresh = named and (not again or (on_rerun == "new" and around.attempt is not None))
    return Marker(token=_token(facts), look=race or around.provider.looks or not fresh, race=race)


def _leg(matrix: str | None, sharding: Sequence[str]) -> tuple[str | None, bool]:
    """Return what tells a leg of a matrix from those it does not share with, and whether it shares with others.

    `sharding` is `auto`, `none`, or the keys by which the work is split. A leg that is called by a text is split by
    nothing.
    """
    if matrix is None or not matrix.startswith("{"):
        return matrix, False
    values: dict[str, Any] = json.loads(matrix)
    auto = tuple(sharding) == AUTO
    named = frozenset() if tuple(sharding) in {AUTO, NONE} else frozenset(sharding)
    split = {
        key
        for key, value in values.items()
        if key in named
        or (auto and _SHARD.fullmatch(key) and not isinstance(value, bool) and _INDEX.fullmatch(str(value)))
    }
    rest = {key: value for key, value in values.items() if key not in split}
    return (json.dumps(rest, sort_keys=True, separators=(",", ":")) if rest else None), bool(split)


def jql(marked: Marker, project: str | None) -> str:
    """Return the query that finds the Test Executions with a marker on both deployments, the oldest first.

    The word stands in a label where fields were written, else in the description. Raises ValueError for what is no
    marker.
    """
    if not TOKEN.fullmatch(marked.token):
        raise ValueError(f"not a marker: {marked.token!r}")
    word = quoted(marked.token)
    place = f"project = {quoted(project)} AND " if project else ""
    return f'{place}issuetype = "Test Execution" AND (labels = {word} OR description ~ {word}) ORDER BY id ASC'


def _place(around: Surroundings, target: Sequence[str], group: str) -> list[tuple[str, str | None]]:
    """Return what identifies a marker in every scope."""
    server = around.server or (urlsplit(around.run_url).netloc if around.run_url else None)
    return [
        ("version", _VERSION),
        *(("target", part) for part in target),
        ("group", group),
        ("provider", around.provider.key),
        ("server", server),
        ("repository", around.repository),
        ("workflow", around.definition or around.workflow),
    ]


def _scope(around: Surroundings, scope: str) -> list[tuple[str, str | None]]:
    """Return the facts of the scope; raises ConfigurationError for one that is unknown here."""
    match scope:
        case "run":
            return [("run", around.run_id)]
        case "branch":
            # Whoever opens a pull request chooses its branch's name, `main` too: it must not lead into the results of
            # ours.
            return [("branch", _known(around.branch, "branch", scope)), ("pull request of it", around.stranger)]
        case "pull-request":
            return [("pull request", _known(around.pull_request, "pull request", scope))]
        case _:
            facts = placeholders(around)
            for name in names(scope):
                _known(facts.get(name), name, scope)
            # Filled for `{{`, and once more fact by fact: `{branch}{job}` must not mix up `a`, `bc` with `ab`, `c`.
            mixed = [("pull request of it", around.stranger)] if "branch" in names(scope) else []
            return [("template", fill(scope, facts)), *((name, facts[name]) for name in names(scope)), *mixed]


def _known(fact: str | None, name: str, scope: str) -> str:
    if fact is not None:
        return fact
    raise problem(
        f"`execution-scope: {scope}` needs the {name.replace('_', ' ')}, and the CI system does not say it here",
        "execution-scope",
        advice="Set `execution-scope` only in jobs that have one, name another fact, or leave it at `run`.",
    )


def _token(facts: Iterable[tuple[str, str | None]]) -> str:
    """Return the token of some facts: the same for the same ones, and for no others."""
    digest = hashlib.sha256()
    for name, value in facts:
        for text in (name, value):
            # The length before each text: no two lists of texts read the same when put together.
            data = b"" if text is None else text.encode("utf-8", "surrogatepass")
            digest.update(b"-" if text is None else b"%d:" % len(data))
            digest.update(data)
    return PREFIX + base64.b32encode(digest.digest()).decode("ascii").lower()[:_LENGTH]
