"""What all native readers share: what they get, what they give, how XML and JSON are opened. Knows no format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from xray_ci.emulator.arriving import Result, TestInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY: Final = re.compile(r"[A-Z][A-Z0-9_]+-[1-9][0-9]*")


class Unreadable(ValueError):
    """The report is not what the path is for, or is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a reader has to know besides the report."""

    kind_of: Callable[[str], str | None]
    """Issue type of a key; None: there is no such issue."""
    cloud: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a report says."""

    results: list[Result]
    execution: str | None = None
    """Test Execution that a feature's tag names."""


Reader = Callable[[IO[bytes], Surroundings], Read]


def xml_root(source: IO[bytes], *roots: str) -> ET.Element:
    """Return the root element when it is one of the wanted; raises Unreadable."""
    try:
        root = ET.parse(source).getroot()  # noqa: S314 - on loopback, what the emulator's own user sends
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"XML document is not well-formed: {error}") from error
    if local(root) not in roots:
        raise Unreadable(f"unexpected element {local(root)}")
    return root


def json_list(source: IO[bytes]) -> list[dict[str, Any]]:
    """Return a JSON list of objects; raises Unreadable."""
    try:
        value = json.load(source)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"JSON document cannot be read: {error}") from error
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Unreadable("a list of features is wanted")
    return value


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield direct children by name, whatever their namespace."""
    return (each for each in element if local(each) == name)


def text(element: ET.Element | None) -> str:
    """Return an element's own text without blanks around it."""
    return (element.text or "").strip() if element is not None else ""


def words(value: str | None, separator: str | None = None) -> tuple[str, ...]:
    """Split a list in a text: at commas, or at blanks when no separator is given."""
    return tuple(each.strip() for each in (value or "").split(separator) if each.strip())


def generic(
    identity: str,
    summary: str,
    *,
    key: str | None,
    status: str,
    requirements: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    description: str = "",
    **details: Any,
) -> Result:
    """Make the result of a Generic Test; with a key the Test's own definition stays what it is.

    A label's blanks become underscores, as Jira takes none (A).
    """
    info = TestInfo(
        project="",
        summary=summary or identity,
        type="Generic",
        definition=identity,
        labels=tuple("_".join(label.split()) for label in labels),
        requirements=requirements,
        description=description,
    )
    kept = {name: value for name, value in details.items() if value}
    return Result(status=status, key=key or None, info=None if key else info, native=True, details=kept)


def generics(identity: str, summary: str, *, keys: Iterable[str], **rest: Any) -> Iterator[Result]:
    """Make the result of each Test that is named, or of the Generic Test of an identity when none is."""
    for key in dict.fromkeys(keys) or (None,):
        yield generic(identity, summary, key=key, **rest)
