"""YAML text → a tree whose every value knows its line and column. The only user of PyYAML.

Built from PyYAML's events: no tag makes an object, nesting, size and aliases are bounded before anything grows, a key
stands once. Scalars keep their text, so `api-version: 2.0` stays `2.0`; as a JSON value only the words of YAML 1.2's
core are anything but text (`yes`, `12:30` and dates are text). Knows no setting.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 4_000_000
"""Bytes of a config file, and characters of one YAML value."""
_DEEPEST: Final = 40
_MOST_VALUES: Final = 100_000
_STR: Final = "tag:yaml.org,2002:str"
_INTEGER: Final = lazy(r"[-+]?(0|[1-9][0-9]{0,99})")
_FORBIDDEN: Final = lazy("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML forbids; looked for here because PyYAML's two readers count its place differently."""
_ZEROS: Final = lazy(r"[-+]?0[0-9]")
_NUMBER: Final = lazy(r"[-+]?(?=[0-9.]+[.eE]|\.)(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class NotYamlError(Exception):
    """The text is not YAML, or more than a configuration needs."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what = what
        """May quote the text where it is broken: not to be shown for a secret."""
        self.line = line
        self.column = column


class YamlNode(Struct, kw_only=True):
    """One value and where it begins, both counted from 1."""

    line: int
    column: int
    text: str | None = None
    """Of a scalar."""
    plain: bool = False
    """Whether the scalar is written without quotes."""
    items: list[YamlNode] | None = None
    entries: dict[str, YamlNode] | None = None
    keys: dict[str, YamlNode] = field(default_factory=dict)
    """Of a mapping: where its keys stand."""
    weight: int = 1
    """Values in it, those that aliases repeat counted again."""

    def json(self) -> Any:
        """Return it as a JSON value; not to be called for a number that JSON cannot hold, see `bad_number`."""
        if self.items is not None:
            return [item.json() for item in self.items]
        if self.entries is not None:
            return {key: value.json() for key, value in self.entries.items()}
        return _scalar(self.text or "") if self.plain else self.text

    def at(self, path: tuple[str | int, ...]) -> YamlNode:
        """Return the node at a path of keys and indices, or the deepest one there is on the way."""
        node = self
        for step in path:
            if isinstance(step, int) and node.items is not None and step < len(node.items):
                node = node.items[step]
            elif isinstance(step, str) and node.entries is not None and step in node.entries:
                node = node.entries[step]
        return node


def read(text: str) -> YamlNode | None:
    """Return the one document of a text, None when there is nothing in it; raises NotYamlError."""
    if len(text) > LARGEST:
        raise NotYamlError(f"is larger than {LARGEST} characters", 1, 1)
    if (bad := _FORBIDDEN.search(text)) is not None:
        before = text[: bad.start()]
        raise NotYamlError(
            "holds a character that YAML forbids", before.count("\n") + 1, len(before) - before.rfind("\n")
        )
    import yaml  # noqa: PLC0415  # 15 ms that only a run with YAML pays

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Building(yaml).document(yaml.parse(text, loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotYamlError(f"is not YAML: {error.problem}", line, column) from None
    except yaml.YAMLError:
        raise NotYamlError("is not YAML", 1, 1) from None


class _Building:
    """The tree while its events come."""

    def __init__(self, yaml: Any) -> None:
        self.yaml = yaml
        self.open: list[YamlNode] = []
        self.pending: list[YamlNode | None] = []
        """For each open mapping the key that waits for its value."""
        self.names: list[str | None] = []
        self.anchors: dict[str, YamlNode] = {}
        self.root: YamlNode | None = None
        self.documents = 0

    def document(self, events: Iterator[Any]) -> YamlNode | None:
        kinds = self.yaml.events
        for event in events:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if isinstance(event, kinds.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise NotYamlError("holds more than one document", line, column)
            elif isinstance(event, kinds.AliasEvent):
                self.alias(event.anchor, line, column)
            elif isinstance(event, kinds.ScalarEvent):
                self.tag(event, line, column)
                node = YamlNode(line=line, column=column, text=event.value, plain=not event.style and event.tag is None)
                self.remember(event.anchor, node)
                self.add(node)
            elif isinstance(event, kinds.CollectionStartEvent):
                self.tag(event, line, column)
                self.begin(event, line, column)
            elif isinstance(event, kinds.CollectionEndEvent):
                self.end()
        root = self.root
        return None if root is None or (root.plain and root.text == "") else root

    def begin(self, event: Any, line: int, column: int) -> None:
        if len(self.open) >= _DEEPEST:
            raise NotYamlError(f"is nested deeper than {_DEEPEST} levels", line, column)
        node = YamlNode(line=line, column=column)
        if isinstance(event, self.yaml.events.SequenceStartEvent):
            node.items = []
        else:
            node.entries = {}
        self.open.append(node)
        self.pending.append(None)
        self.names.append(event.anchor)

    def end(self) -> None:
        node = self.open.pop()
        self.pending.pop()
        self.remember(self.names.pop(), node)
        self.add(node)

    def alias(self, name: str, line: int, column: int) -> None:
        if name not in self.anchors:
            raise NotYamlError("uses an alias before its anchor is complete", line, column)
        self.add(self.anchors[name], line, column)

    def remember(self, anchor: str | None, node: YamlNode) -> None:
        if anchor is not None:
            self.anchors[anchor] = node

    def add(self, node: YamlNode, line: int | None = None, column: int | None = None) -> None:
        """Put a complete value into the collection around it."""
        if not self.open:
            self.root = node
            return
        around = self.open[-1]
        around.weight += node.weight
        if around.weight > _MOST_VALUES:
            raise NotYamlError(f"holds more than {_MOST_VALUES} values", line or node.line, column or node.column)
        if around.items is not None:
            around.items.append(node)
        elif (key := self.pending[-1]) is not None:
            assert around.entries is not None and key.text is not None  # noqa: S101, PT018  # made so by `key`
            around.entries[key.text] = node
            self.pending[-1] = None
        else:
            self.key(around, node)

    def key(self, around: YamlNode, node: YamlNode) -> None:
        if node.text is None:
            raise NotYamlError("has a key that is no text", node.line, node.column)
        if node.text == "<<" and node.plain:
            raise NotYamlError("uses a merge key, which is not supported", node.line, node.column)
        if node.text in around.keys:
            first = around.keys[node.text].line
            raise NotYamlError(f"has a key twice, first on line {first}", node.line, node.column)
        around.keys[node.text] = node
        self.pending[-1] = node

    @staticmethod
    def tag(event: Any, line: int, column: int) -> None:
        if event.tag not in (None, _STR):
            raise NotYamlError("uses a tag, and none is allowed", line, column)


def _scalar(text: str) -> str | int | float | bool | None:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    # `007` is an identifier that somebody wrote, not seven.
    if _NUMBER.fullmatch(text) and not _ZEROS.match(text) and math.isfinite(number := float(text)):
        return number
    return text


def value(text: str) -> Any:
    """Return the JSON value of a text in YAML or JSON; raises NotYamlError.

    JSON is tried first where it looks like it: YAML refuses tabs, which JSON written by people has.
    """
    if text.lstrip()[:1] in ("{", "[") and len(text) <= LARGEST:
        try:
            return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass  # Flow YAML begins the same way; if it is neither, YAML's message says where.
    node = read(text)
    return None if node is None else node.json()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _refuse(word: str) -> None:
    raise ValueError(word)
