"""A finding: one thing that an import relies on, whether it holds, and what to do when it does not.

Knows failures, no site and no settings.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.errors import Failure, NotAuthorised, Unreachable, WrongRegion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CODES: Final = (2, 5, 6, 7)
"""Exit codes of problems, the first that holds wins: a setting, credentials, refused by or unknown to the site,
unreachable (INTERFACE)."""


REACHABILITY: Final = "reachability"


class Standing(enum.Enum):
    """Whether it holds."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Struct, frozen=True, kw_only=True):
    """One line of `check`."""

    name: str
    """The setting it is about, else a word of docs/check.md."""
    standing: Standing
    text: str
    """Not yet cut or redacted: it may hold what a service answered."""
    remedy: str = ""
    code: int = 0
    """Exit code of a problem, one of CODES."""


def holds(name: str, text: str) -> Finding:
    """Make a finding that holds."""
    return Finding(name=name, standing=Standing.OK, text=text)


def doubtful(name: str, text: str, remedy: str) -> Finding:
    """Make a finding that may spoil an import."""
    return Finding(name=name, standing=Standing.WARNING, text=text, remedy=remedy)


def wrong(name: str, text: str, remedy: str, code: int = 6) -> Finding:
    """Make a finding that spoils an import, for the site does not know it unless `code` says otherwise."""
    return Finding(name=name, standing=Standing.PROBLEM, text=text, remedy=remedy, code=code)


def failed(name: str, failure: Failure) -> Finding:
    """Make the finding that a failure is; licence, region, credentials and connection are named for what they are."""
    text = f"{failure.what} ({failure.answer})" if failure.answer else failure.what
    match failure:
        case WrongRegion():
            name = "region"
        case NotAuthorised() if "licen" in (failure.answer or "").lower():
            name = "licence"
        case NotAuthorised() if name == REACHABILITY:
            name = "credentials"
        case Unreachable() if failure.answer is None:
            name = REACHABILITY
        case _:
            pass
    return wrong(name, text, failure.next, failure.exit_code if failure.exit_code in CODES else CODES[-1])


def first_code(findings: Iterable[Finding]) -> int:
    """Return the exit code of all findings: the first of CODES that one of them has, else 0."""
    held = {each.code for each in findings if each.standing is Standing.PROBLEM}
    return next((code for code in CODES if code in held), 0)


def steps(*each: tuple[str, Callable[[], Iterable[Finding]]]) -> Iterator[Finding]:
    """Yield the findings of steps that do not need one another; a step that fails is one finding by its name.

    Ends where nobody can be reached any more.
    """
    for name, ask in each:
        try:
            for found in ask():
                yield found
                if _is_end(found):
                    return
        except Failure as failure:
            found = failed(name, failure)
            yield found
            if _is_end(found):
                return


def _is_end(found: Finding) -> bool:
    return found.name == REACHABILITY and found.code == CODES[-1]
