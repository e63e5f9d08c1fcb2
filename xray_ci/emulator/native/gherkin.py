"""Cucumber's and Behave's results: only for Tests that exist and are named by a tag (D, O).

Knows tags and their prefixes, and what the words of results come to; the readers know the two JSON shapes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.arriving import Result
from xray_ci.emulator.native.report import KEY, Read, Surroundings, Unreadable
from xray_ci.emulator.sides import FAIL, PASS, TODO

if TYPE_CHECKING:
    from collections.abc import Iterable

_REQUIREMENT: Final = re.compile(rf"(?:REQ_|Requirement:){KEY.pattern}")
_PREFIXED: Final = re.compile(r"(?:TEST_|TestName:)(?P<rest>.*)")
_BDD_PREFIX: Final = re.compile(r"(?:TEST_|TestName:)?")
_FAILED: Final = frozenset({"failed", "ambiguous", "error", "hook_error", "cleanup_error"})
_PASSED: Final = frozenset({"passed", "xpassed"})


def key_of(tag: str) -> str | None:
    """Return the key in `@KEY`, `@TEST_KEY` or `@TestName:KEY`; raises Unreadable when the form promises one and lies.

    `@REQ_KEY` and `@Requirement:KEY` name what is covered (A).
    """
    bare = tag.removeprefix("@")
    if _REQUIREMENT.fullmatch(bare):
        return None
    promised = _PREFIXED.fullmatch(bare)
    if promised is not None and not KEY.fullmatch(promised["rest"]):
        raise Unreadable(f"tag {tag} does not fit the scheme")  # the whole file is refused (O)
    bare = _BDD_PREFIX.sub("", bare, count=1)
    return bare if KEY.fullmatch(bare) else None


def verdict(words: Iterable[str]) -> str:
    """Return what results come to, by their words in any case.

    One failed is FAIL, all passed PASS, everything else TODO (A).
    """
    seen = {str(word or "").strip().lower() for word in words}
    if seen & _FAILED:
        return FAIL
    return PASS if seen and seen <= _PASSED else TODO


def results_of(tags: Iterable[str], status: str, around: Surroundings, **details: Any) -> list[Result]:
    """Make a result for each Test among the tags; an unknown key is left for the import to refuse."""
    keys = [key for key in map(key_of, tags) if key is not None]
    tests = [key for key in dict.fromkeys(keys) if around.kind_of(key) in ("Test", None)]
    kept = {name: value for name, value in details.items() if value}
    return [Result(status=status, key=key, native=True, details=kept) for key in tests]


def reading(results: list[Result], feature_tags: Iterable[str], around: Surroundings) -> Read:
    """Finish a report: it has to name a Test, and a feature may name the Test Execution."""
    if not results:
        raise Unreadable("no scenario carries the key of a Test")
    keys = [key for key in map(key_of, feature_tags) if key is not None]
    return Read(results=results, execution=next((key for key in keys if around.kind_of(key) == "Test Execution"), None))
