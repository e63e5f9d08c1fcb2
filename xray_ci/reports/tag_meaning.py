"""What a tag on a test means: the key of a Test, a requirement, or a label. Knows spellings, no format of reports.

`@SHOP-12`, `@TEST_SHOP-12` and `@TestName:SHOP-12` name a Test (O), `@REQ_SHOP-7` and `@Requirement:SHOP-7` a requirement (A); the at
sign may be missing. A tag that begins like one of these and goes on otherwise is a label.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from xray_ci.model import Mark, MarkKind

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,40}-[1-9][0-9]{0,9}")
"""What looks like the key of a Jira issue."""
TAG_LIMIT: Final = 255
"""Characters of a label (D, Jira); a longer tag is cut."""
COUNT_LIMIT: Final = 500
"""Tags kept of one test."""
_TAG: Final = re.compile(rf"(?:(?P<test>TEST_|TestName:)|(?P<requirement>REQ_|Requirement:))?(?P<key>{KEY.pattern})")


@lru_cache(maxsize=4_096)
def mark(tag: str) -> Mark | None:
    """Return what one tag says, None for an empty one."""
    bare = tag.strip().removeprefix("@")
    if not bare:
        return None
    found = _TAG.fullmatch(bare) if len(bare) <= TAG_LIMIT else None
    if found is None:
        return Mark(kind=MarkKind.TAG, value=bare[:TAG_LIMIT])
    return Mark(kind=MarkKind.REQUIREMENT if found["requirement"] else MarkKind.TEST_KEY, value=found["key"])


def marks(names: Iterable[str]) -> tuple[Mark, ...]:
    """Return what the tags of a test say, each once, in order."""
    found = dict.fromkeys(said for name in names if (said := mark(name)) is not None)
    return tuple(found)[:COUNT_LIMIT]


def key_in(text: str) -> str | None:
    """Return the key that a text is, or that a link ends in (`https://jira.example.org/browse/SHOP-12`)."""
    last = text.strip().rstrip("/").rpartition("/")[2]
    return last if KEY.fullmatch(last) else None


def has_key(found: Iterable[Mark]) -> bool:
    """Say whether a Test is named by its key or its id."""
    return any(each.kind in {MarkKind.TEST_KEY, MarkKind.TEST_ID} for each in found)
