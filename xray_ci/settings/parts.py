"""The parts of a setting that is written in YAML, read so that everything wrong with it is found, each at its place.

Knows mappings, lists and texts; knows nothing of what they mean.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from xray_ci.settings import yamltext
from xray_ci.settings.problems import WrongValueError, WrongValuesError, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.settings.raw import Raw
    from xray_ci.settings.yamltext import Node

MOST_ITEMS: Final = 100
"""Of one list of texts."""
_MOST_PROBLEMS: Final = 20
_T = TypeVar("_T")


class Parts:
    """One setting while it is read."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.wrong: list[WrongValueError] = []

    @contextmanager
    def place(self, node: Node, thing: str = "") -> Iterator[None]:
        """Keep what is found wrong inside, with the place of a node and the words for it."""
        try:
            yield
        except WrongValuesError:
            raise
        except WrongValueError as wrong:
            what = f"{thing}: {wrong.what}" if thing else wrong.what
            self.wrong.append(WrongValueError(what, wrong.advice, (node.line, node.column)))
            if len(self.wrong) >= _MOST_PROBLEMS:
                raise WrongValuesError(self.wrong) from None

    def origin(self, node: Node) -> str:
        """Return where a node stands, with its source."""
        return self.raw.where((node.line, node.column))

    def root(self) -> Node | None:
        """Return the value as a tree; raises WrongValueError for a text that is no YAML."""
        if not isinstance(self.raw.value, (str, tuple)):
            return self.raw.value
        try:
            return yamltext.read(self.raw.verbatim())
        except yamltext.NotYamlError as error:
            raise WrongValueError(f"It {error.what}", at=(error.line, error.column)) from None

    def entries(self, node: Node, known: tuple[str, ...], thing: str, where: str = "") -> Iterator[tuple[str, Node]]:
        """Yield the entries of a mapping that are known."""
        with self.place(node, where):
            if node.entries is None:
                raise WrongValueError("It is not a mapping", f"It takes {', '.join(known)}.")
        for key, value in (node.entries or {}).items():
            with self.place(node.keys[key], where):
                if key not in known:
                    near = nearest(key, known)
                    raise WrongValueError(f"There is no {thing} {shown(key)}",
                                          f"Did you mean `{near}`?" if near else f"There are {', '.join(known)}.")
                yield key, value

    def text(self, node: Node, thing: str, read: Callable[[str], _T]) -> _T | None:
        """Read one text, None where it is wrong."""
        found: list[_T] = []
        with self.place(node, thing):
            found.append(read(_one(node)))
        return found[0] if found else None

    def texts(self, node: Node, thing: str, read: Callable[[str], str]) -> tuple[str, ...]:
        """Read one text or a list of texts, each item once and each problem at its item."""
        found: dict[str, None] = {}
        with self.place(node, thing):
            if node.items is not None:
                bounded(len(node.items), MOST_ITEMS, "items")
                if not node.items:
                    raise WrongValueError("It is an empty list")
            for item in [node] if node.items is None else node.items:
                with self.place(item, thing):
                    found[read(_one(item))] = None
        return tuple(found)


def unset(node: Node) -> bool:
    """Say whether nothing was written there."""
    return node.plain and node.text in ("", "~", "null")


def bounded(count: int, most: int, things: str) -> None:
    """Raise WrongValueError when there are too many of something."""
    if count > most:
        raise WrongValueError(f"It has {count} {things}, more than {most}")


def _one(node: Node) -> str:
    """Return the one text of a node."""
    if node.text is None:
        raise WrongValueError("It must be one text")
    if unset(node) or not node.text.strip():
        raise WrongValueError("It is empty")
    return node.text
