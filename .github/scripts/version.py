#!/usr/bin/env python3
"""Says what a tag releases, for `GITHUB_OUTPUT`: `git tag --list | version.py v1.2.3 [CHECKOUT]`.

Knows every place that names the version, and refuses a tag that one of them contradicts. Knows nothing of registries.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLACES = {
    "xray_ci/__init__.py": r'^__version__(?:: Final)? = "([^"]+)"$',
    "Dockerfile": r'(?:^ARG VERSION=|\borg\.opencontainers\.image\.version=")(\d[^"\s]*)',
    "CHANGELOG.md": r"^## (\S+)",
}
"""The first match of each is the version there."""
_RELEASE = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def stated(checkout: Path) -> dict[str, str]:
    """Return place → the version it names; "no version" where none is found."""
    found = {}
    for place, pattern in _PLACES.items():
        match = re.search(pattern, (checkout / place).read_text(encoding="utf-8"), re.MULTILINE)
        found[place] = match[1] if match else "no version"
    return found


def released(tag: str) -> tuple[int, ...] | None:
    """Return the numbers of a release tag, None for any other tag."""
    match = _RELEASE.fullmatch(tag)
    return tuple(map(int, match.groups())) if match else None


def floating(tag: str, others: Iterable[str]) -> str:
    """Return the tag of the major version, or nothing when a newer release of that major is out.

    A repair of an old one moves nothing.
    """
    mine = released(tag)
    assert mine  # noqa: S101 - main() looked
    newer = [other for other in map(released, others) if other and other[0] == mine[0] and other > mine]
    return "" if newer else f"v{mine[0]}"


def main(arguments: list[str], tags: Iterable[str]) -> int:
    """Print `version`, `tag` and `floating`, or what disagrees; return the exit code."""
    tag, checkout = arguments[0], Path(arguments[1] if len(arguments) > 1 else ".")
    if not released(tag):
        sys.stderr.write(f"version.py: {tag!r} releases nothing: a release tag is v1.2.3\n")
        return 1
    wrong = [f"{place} says {version}" for place, version in stated(checkout).items() if f"v{version}" != tag]
    if wrong:
        sys.stderr.write(f"version.py: {tag} is not what is in the checkout: {', '.join(wrong)}\n")
        return 1
    sys.stdout.write(f"version={tag[1:]}\ntag={tag}\nfloating={floating(tag, tags)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.read().split()))
