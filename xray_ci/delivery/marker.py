"""The marker: one word in every Test Execution that we make, by which a second attempt or another shard finds it again.

Pure: what surrounds a run → the word, and whether to look for it first. Knows which facts identify what; knows nothing
of requests, of where the word is written, and of how long an index lags.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from xray_ci.ci.provider import AUTO, is_shard, leg, placeholders
from xray_ci.patterns import lazy
from xray_ci.services.store import quoted
from xray_ci.settings.problems import problem
from xray_ci.settings.table import SCOPES
from xray_ci.settings.texts import fill, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xray_ci.ci.provider import Surroundings

PREFIX: Final = "xrayci"
TOKEN: Final = lazy(PREFIX + r"[a-z2-7]{24}")
"""One alphanumeric word: a valid label, and one word to the text search of both deployments."""
_LENGTH: Final = 24
_VERSION: Final = "1"
"""Of what goes into the token; another one never finds what this one marked."""
_FIRST: Final = "1"
_YOUNG: Final = 30
"""Days after which nobody runs a job again, and a number may be another run's (A)."""


class Marker(Struct, frozen=True, kw_only=True):
    """What identifies one Test Execution, and how careful its making has to be."""

    token: str
    """Matches `TOKEN`; says nothing of what it was made from."""
    look: bool
    """Whether a Test Execution with it may exist already: look before making one."""
    race: bool
    """Whether several runs may make it at the same moment; implies `look`."""
    recent: bool = False
    """Whether only a young one can be this run's: its number may come again, as of a job that is made anew (O)."""
    line: str | None = None
    """The second mark: that of all runs of this job on this branch. Matches `TOKEN`; only for `baseline: previous`."""


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
    mine = leg(around, sharding)
    split = mine is not None and mine.split
    shards = is_shard(around, sharding)
    race = scope != "run" or explicit or shards
    facts = [*_place(around, target, group), *_scope(around, scope, sharding)]
    if part:
        facts.append(("part", part))
    own_job = scope == "run" and not explicit
    if mine is not None and mine.identity and (own_job or scope in {"branch", "pull-request"}):
        facts.append(("leg", mine.identity))
    if own_job:
        # Jobs that the system splits have names with their number in them; legs of a matrix of GitHub have one name.
        own = [] if shards and not split else [("job", around.job), ("step", around.step)]
        facts += [("job group", around.job_group), *own]
    # Jobs without a name are all the same to us: what another one made has to be found.
    named = around.job is not None or around.job_group is not None
    again = around.attempt != _FIRST
    if on_rerun == "new" and again:
        # An attempt is one of a run: the second of another run is another one, whatever the scope.
        facts += [("attempt", around.tries or around.attempt), ("attempt of", around.run_id)]
    fresh = named and (not again or (on_rerun == "new" and around.attempt is not None))
    return Marker(
        token=_token(facts), look=race or around.provider.looks or not fresh, race=race, recent=_numbered(around, scope)
    )


def line(
    around: Surroundings,
    *,
    environments: Sequence[str] = (),
    group: str = "",
    part: str = "",
    sharding: Sequence[str] = AUTO,
) -> str | None:
    """Return the word of every run of this job and leg on this branch, by which the run before is found.

    None where the CI system does not say the branch, or neither repository nor job. Test Environments, `group` and
    `part` tell apart what one job makes several of.
    """
    job = around.repository or around.definition or around.workflow or around.job
    if around.branch is None or job is None:
        return None
    mine = leg(around, sharding)
    own = (
        [] if is_shard(around, sharding) and not (mine and mine.split) else [("job", around.job), ("step", around.step)]
    )
    return _token(
        [
            *_place(around, ("line", *environments), group),
            ("branch", around.branch),
            ("pull request of it", around.stranger),
            ("part", part),
            ("leg", mine.identity if mine else None),
            ("job group", around.job_group),
            *own,
        ]
    )


def _numbered(around: Surroundings, scope: str) -> bool:
    """Say whether a scope rests on a number that another run may get one day."""
    if scope in SCOPES:
        return scope == "run" and around.provider.numbered
    return "run_number" in names(scope) or ("run_id" in names(scope) and around.provider.numbered)


def jql(marked: Marker, project: str | None) -> str:
    """Return the query that finds the Test Executions with a marker on both deployments, the oldest first.

    The word stands in a label where fields were written, else in the description. Raises ValueError for what is no
    marker.
    """
    if not TOKEN.fullmatch(marked.token):
        raise ValueError(f"not a marker: {marked.token!r}")
    return _query(marked.token, project, _YOUNG if marked.recent else None, "ASC")


def line_jql(marked: Marker, project: str | None, days: int) -> str:
    """Return the query that finds the Test Executions of this job and branch of so many days, the latest first.

    Raises ValueError for what is no marker.
    """
    if not TOKEN.fullmatch(marked.line or ""):
        raise ValueError(f"not a marker: {marked.line!r}")
    return _query(marked.line or "", project, days, "DESC")


def _query(token: str, project: str | None, days: int | None, order: str) -> str:
    word = quoted(token)
    place = f"project = {quoted(project)} AND " if project else ""
    young = f"created >= -{days}d AND " if days else ""
    return (
        f'{place}issuetype = "Test Execution" AND {young}(labels = {word} OR description ~ {word}) ORDER BY id {order}'
    )


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


def _scope(around: Surroundings, scope: str, sharding: Sequence[str]) -> list[tuple[str, str | None]]:
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
            facts = placeholders(around, sharding)
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
