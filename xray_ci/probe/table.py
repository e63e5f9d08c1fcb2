"""The table of facts: what is believed of Xray, Jira and Snapshots, how well, what rests on it and what a probe sees.

The rows stand in `xray_ci/facts/*.toml`, which the emulator reads as well. Knows rows; knows no site and no requests.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent.parent / "facts"
MARKS: Final = {"D": "documented", "O": "observed", "R": "recalled", "A": "assumed"}
EITHER: Final = "both"


class Position(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another answer that is known of some sites, and how the emulator is set to give it."""

    seen: dict[str, Any]
    set: dict[str, Any]


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row."""

    id: str
    says: str
    """The statement, in one line."""
    on: str
    """`cloud`, `server` or `both`."""
    api: str
    mark: str
    """One of MARKS."""
    source: str
    probe: str = "never"
    """`never`, `read` (nothing is changed), `write`, or `named`: by reading, but only where `--only` names it."""
    why: str = ""
    """Why it is never probed, or not unless it is named."""
    client: tuple[str, ...] = ()
    """Modules of the product whose decisions rest on it."""
    routes: tuple[str, ...] = ()
    """Routes of the emulator that answer by it, as `METHOD path` with `*`."""
    switch: tuple[str, ...] = ()
    """Switches of the emulator that it is about."""
    expect: dict[str, Any] = {}
    """What a probe sees where it holds: all of this, and maybe more."""
    expect_server: dict[str, Any] = {}
    """The same on Server/Data Center, where it is another answer there."""
    positions: tuple[Position, ...] = ()
    number: dict[str, str] = {}
    """Switches that take a number that was seen, by its name."""

    def expected(self, deployment: str) -> dict[str, Any]:
        """Return what a probe of `cloud` or `server` sees where it holds."""
        return self.expect_server if deployment == "server" and self.expect_server else self.expect

    def holds(self, seen: Mapping[str, Any], deployment: str) -> bool:
        """Say whether what was seen confirms it."""
        return contains(self.expected(deployment), seen)

    def switches(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the emulator is set to answer so: of an answer that refutes it, and is known."""
        for position in self.positions:
            if contains(position.seen, seen):
                return position.set
        return {name: seen[place] for name, place in self.number.items() if isinstance(seen.get(place), int | float)}


def contains(expected: Any, seen: Any) -> bool:
    """Say whether what was seen has all that is expected.

    Members may be more, values are the same; a list that is empty shows nothing of what it would hold.
    """
    if isinstance(expected, dict):
        return isinstance(seen, dict) and all(
            name in seen and contains(each, seen[name]) for name, each in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(seen, list) and (not seen or all(map(contains, expected, seen)))
    return type(expected) is type(seen) and bool(expected == seen)


@cache
def facts() -> Mapping[str, Fact]:
    """Return all rows by id, in the order of their files."""
    found: dict[str, Fact] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
        defaults = rows.pop("defaults")
        for name, row in rows.items():
            if name in found:
                raise ValueError(f"{name} stands in the table twice")
            found[name] = msgspec.convert({**defaults, **row, "id": name}, Fact)
    return found


def of(deployment: str) -> tuple[Fact, ...]:
    """Return the rows that are about `cloud` or `server`."""
    return tuple(fact for fact in facts().values() if fact.on in (deployment, EITHER))
