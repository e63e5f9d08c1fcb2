"""XML reports as streams of small trees: one a test, with what stands around it. Knows expat; knows no format.

A format says by a `Shape` which elements it wants; all others are ignored or dropped with everything in them, so
that a tree stays small whatever the report holds. Prefixes and namespaces do not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Problem
from xray_ci.reports import notices, texts, xml
from xray_ci.reports.notices import NOT_A_REPORT, UNSAFE, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pyexpat import XMLParserType


NODE_LIMIT: Final = 20_000
"""Elements kept of one tree."""
TREE_LIMIT: Final = 50_331_648
"""Characters kept of one tree, besides the attributes of the unit itself, which `xml.TAG_LIMIT` bounds."""
NAME_LIMIT: Final = 10_000
"""Different names of elements in one document."""
TAIL: Final = -texts.OUTPUT_LIMIT
"""As the limit of a text: keep its end."""


PASSED: Final = Outcome.PASSED  # a member of an enum costs 40 ns more than a name
_NONE: Final[Iterator[XmlNode]] = iter(())


class XmlNode(Struct, gc=False, eq=False):  # made for every element, and no circle: a node knows its children alone
    """One element that was kept."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[XmlNode] = field(default_factory=list)

    def get(self, name: str) -> str:
        """Return an attribute, "" for none."""
        return self.attributes.get(name, "")

    def all(self, *tags: str) -> Iterator[XmlNode]:
        """Yield the children with one of these tags."""
        return (child for child in self.children if child.tag in tags) if self.children else _NONE

    def first(self, *path: str) -> XmlNode | None:
        """Return the first element at a path of tags."""
        found = self
        for tag in path:
            for child in found.children:
                if child.tag == tag:
                    found = child
                    break
            else:
                return None
        return found

    def said(self, *path: str) -> str:
        """Return the text of the first element at a path, without blanks around it, "" for none."""
        found = self.first(*path)
        return found.text.strip() if found is not None else ""


class Shape(Struct, frozen=True, kw_only=True):
    """Which elements of a document a format wants."""

    roots: tuple[str, ...]
    units: frozenset[str]
    """Elements that are handed over as a whole when they end."""
    scopes: frozenset[str] = frozenset()
    """Elements around units whose begin and end are told."""
    dropped: frozenset[str] = frozenset()
    """Elements outside of units that are dropped with all that is in them."""
    outputs: frozenset[str] = frozenset()
    """Elements within units that are dropped with all that is in them where the reader calls the unit `quiet`."""
    inside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Element in a unit → those of its children that are kept."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Elements (`tag`, or `parent/tag`) whose text is wanted, that of all elements in them with it → characters kept of
    its beginning, negative: of its end."""
    lines: frozenset[str] = frozenset()
    """Elements within such a text that begin on a line of their own."""
    deep: Mapping[str, Callable[[dict[str, str]], bool]] = field(default_factory=dict)
    """Elements that are wanted whole from everywhere in a unit, as children of the nearest element that is kept → by
    their attributes."""
    deep_limit: int = TEXT_LIMIT
    """Characters kept of the text of these."""


class TreeReader:
    """What a format does with its trees; a format overrides `unit`, and `begin` and `end` where it has scopes."""

    def __init__(self) -> None:
        self.done: list[Case | Problem] = []
        self.scopes: list[XmlNode] = []
        """The scopes that are open, outermost first."""
        self.cases = 0
        self.left_out = 0
        self._outside = notices.Outside()
        self.stated = notices.Stated()

    def begin(self, scope: XmlNode, /) -> None:
        """See a scope begin; it is the last of `scopes`."""

    def quiet(self, _unit: XmlNode, /) -> bool:
        """Say of a unit that begins whether nobody wants what it printed, which is most of many reports."""
        return False

    def unit(self, unit: XmlNode, /) -> None:
        """See a whole unit."""

    def end(self, scope: XmlNode, /) -> None:
        """See a scope end; it is no longer among `scopes`."""

    def add(self, case: Case) -> None:
        """Hand on a case."""
        self.cases += 1
        if case.outcome is not PASSED or case.attempts:
            self.stated.see(case)
        self.done.append(case)

    def outside(self, where: str, what: str, line: int | None) -> None:
        """Tell of an error that stands outside of any test: no test, but never lost silently."""
        self.stated.read += 1
        self.done += self._outside.say(where, what[:2_000], line=line)

    def last_words(self) -> Iterator[Case | Problem]:
        """Yield what can only be said when the whole document was seen."""
        yield from self._outside.rest()
        yield from self.stated.rest()
        if self.left_out:
            yield notices.notice(
                "details-left-out", f"{self.left_out} details of tests that hold very many of them were left out"
            )
        if not self.cases:
            yield notices.no_cases()


def read(source: xml.XmlSource, shape: Shape, reader: TreeReader) -> Iterator[Case | Problem]:
    """Yield what a reader makes of a document while it streams by.

    Raises Fault where the document is broken, unsafe or has another root; what was yielded before must then be
    dropped.
    """
    readable, encoding = xml.opened(source, source.read(xml.HEAD))
    parser = xml.guarded(encoding)
    walker = _Walker(parser, shape, reader)
    for _ in xml.feed(readable, parser):
        yield from reader.done
        reader.done.clear()
        walker.merge()
    yield from reader.last_words()


class _Walker:
    """The handlers of one document, and what is open at the moment."""

    def __init__(self, parser: XMLParserType, shape: Shape, reader: TreeReader) -> None:
        self._parser = parser
        self._shape = shape
        self._reader = reader
        self._listener = xml.TextListener(parser)
        self._open: list[XmlNode | None] = []
        """Elements that are not dropped: scopes and nodes, None for what is ignored."""
        self._base = -1
        """Elements open around the unit, -1 outside of one."""
        self._dropped = 0
        """Elements open from the outermost dropped one inwards."""
        self._deep: tuple[XmlNode, int] | None = None
        """An element wanted from within dropped ones, and how many of those are open with it."""
        self._nodes = self._spent = self._limit = self._counted = 0
        self._names: dict[str, str] = {}
        self._all = {
            parent: {tag: shape.limits.get(f"{parent}/{tag}") or shape.limits.get(tag) or 0 for tag in tags}
            for parent, tags in shape.inside.items()
        }
        """Element in a unit → those in it that are kept → characters kept of their text."""
        self._without_outputs = {
            parent: {tag: limit for tag, limit in tags.items() if tag not in shape.outputs}
            for parent, tags in self._all.items()
        }
        self._wanted = self._all
        """One of these two, as the unit says."""
        self._here: dict[str, int] = {}
        """What of it is for elements that begin now; empty outside of units, and where they are dropped or heard."""
        self._around: list[dict[str, int]] = []
        """What it was when the elements that are open in the unit began."""
        parser.StartElementHandler, parser.EndElementHandler = self._starter(parser), self._ender()

    def merge(self) -> None:
        """Bring back to its bounds what is open, after each piece of the document."""
        self._listener.merge()
        if self._base >= 0 and self._parser.CurrentByteIndex - self._counted > TREE_LIMIT // 4:
            unit = self._open[self._base]
            self._spent = 0 if unit is None else _characters(unit)
            self._counted = self._parser.CurrentByteIndex

    # Handlers are closures over locals and not methods, as in `junit`: they run for every element.

    def _starter(self, parser: XMLParserType) -> Callable[[str, dict[str, str]], None]:
        opened, deep, push, surround = self._open, self._shape.deep, self._open.append, self._around.append
        nothing, listen = dict[str, int](), self._listener.listen

        def start(tag: str, attributes: dict[str, str]) -> None:
            limit = self._here.get(tag)
            if limit is None or (tag in deep and deep[tag](attributes)):
                tag = self._start_other(tag, attributes)
                if not tag:
                    return
                limit = self._here[tag]
            if self._nodes >= NODE_LIMIT or self._spent > TREE_LIMIT:
                self._reader.left_out += 1
                self._drop()
            else:
                parent = opened[-1]
                if parent is None or len(opened) > xml.DEPTH_LIMIT:
                    raise xml.too_deep(parser)
                node = XmlNode(tag, attributes, parser.CurrentLineNumber)
                parent.children.append(node)
                push(node)
                surround(self._here)
                self._nodes += 1
                if not limit:
                    self._here = self._wanted.get(tag, nothing)
                    return
                self._here = nothing
                self._limit = limit
                listen(abs(limit), _nothing if limit < 0 else None)

        return start

    def _ender(self) -> Callable[[str], None]:
        listener, opened, release, nothing = self._listener, self._open, self._around.pop, dict[str, int]()

        def end(_tag: str) -> None:
            if self._dropped:
                self._end_dropped()
                return
            node = opened.pop()
            if node is None:
                return
            if self._base < 0:
                self._reader.scopes.pop()
                self._reader.end(node)
                return
            if listener.listening:
                self._hear(node)
            if len(opened) == self._base:
                self._base = -1
                self._here = nothing
                self._reader.unit(node)
            else:
                self._here = release()

        return end

    def _within(self) -> dict[str, int]:
        """Return what is wanted of the element that is open."""
        node = self._open[-1]
        return {} if node is None else self._wanted.get(node.tag, {})

    def _drop(self) -> None:
        """Drop the element that begins, with all that is in it."""
        self._dropped += 1
        self._here = {}

    def _start_other(self, tag: str, attributes: dict[str, str]) -> str:
        """See an element that is not kept as it stands; return the name under which it is, "" where it is not."""
        if self._dropped:
            self._start_dropped(tag, attributes)
            return ""
        if self._listener.listening:
            self._drop()  # its text is heard as part of the text around it
            self._line(tag)
            return ""
        name = self._names.get(tag) or self._name(tag)
        if self._base < 0:
            self._start_outside(name, attributes)
        elif tag == name or name not in self._here or (name in (deep := self._shape.deep) and deep[name](attributes)):
            self._start_dropped(name, attributes)
        else:
            return name
        return ""

    def _start_outside(self, tag: str, attributes: dict[str, str]) -> None:
        shape = self._shape
        if not self._open and tag not in shape.roots:
            raise Fault(NOT_A_REPORT, f"its root element is {tag[:80]!r} and not {' or '.join(shape.roots)}")
        if len(self._open) > xml.DEPTH_LIMIT:
            raise xml.too_deep(self._parser)
        if tag in shape.units:
            self._base = len(self._open)
            self._nodes, self._spent, self._counted = 1, 0, self._parser.CurrentByteIndex
            unit = XmlNode(tag, attributes, self._parser.CurrentLineNumber)
            self._open.append(unit)
            if shape.outputs:
                self._wanted = self._without_outputs if self._reader.quiet(unit) else self._all
            if limit := shape.limits.get(tag):
                self._listen(limit)
            else:
                self._here = self._within()
        elif tag in shape.scopes:
            scope = XmlNode(tag, attributes, self._parser.CurrentLineNumber)
            self._open.append(scope)
            self._reader.scopes.append(scope)
            self._reader.begin(scope)
        elif tag in shape.dropped:
            self._drop()
        else:
            self._open.append(None)

    def _start_dropped(self, tag: str, attributes: dict[str, str]) -> None:
        self._drop()
        if self._dropped + len(self._open) > xml.DEPTH_LIMIT:
            raise xml.too_deep(self._parser)
        if self._listener.listening:
            self._line(tag)
            return
        if self._base < 0 or not self._shape.deep:
            return
        name = self._names.get(tag) or self._name(tag)
        wanted = self._shape.deep.get(name)
        if wanted is not None and wanted(attributes) and not self._full():
            self._deep = XmlNode(name, attributes, self._parser.CurrentLineNumber), self._dropped
            self._listen(self._shape.deep_limit)

    def _line(self, tag: str) -> None:
        if self._shape.lines and xml.local(tag) in self._shape.lines:
            self._listener.line()

    def _listen(self, limit: int) -> None:
        self._limit = limit
        self._listener.listen(abs(limit), _nothing if limit < 0 else None)

    def _full(self) -> bool:
        full = self._nodes >= NODE_LIMIT or self._spent > TREE_LIMIT
        self._reader.left_out += full
        return full

    def _hear(self, node: XmlNode) -> None:
        text, limit = self._listener.take(), self._limit
        if limit < 0:
            text = texts.last(text)
        elif len(text) > limit:
            text = texts.cut(text, limit)
        node.text = text
        self._spent += len(text)

    def _end_dropped(self) -> None:
        if self._deep is not None and self._deep[1] == self._dropped:
            self._end_deep(self._deep[0])
        self._dropped -= 1
        if not self._dropped and self._base >= 0 and not self._listener.listening:
            self._here = self._within()

    def _end_deep(self, node: XmlNode) -> None:
        self._hear(node)
        self._nodes += 1
        self._deep = None
        parent = self._open[-1]
        if parent is not None:
            parent.children.append(node)

    def _name(self, tag: str) -> str:
        if len(self._names) > NAME_LIMIT:
            raise Fault(UNSAFE, f"more than {NAME_LIMIT} kinds of elements", line=self._parser.CurrentLineNumber)
        self._names[tag] = name = xml.local(tag)
        return name


def _characters(unit: XmlNode) -> int:
    """Return the characters of what is in a unit."""
    count, waiting = 0, [*unit.children]
    while waiting:
        node = waiting.pop()
        count += len(node.text) + sum(map(len, node.attributes.values()))
        waiting += node.children
    return count


def _nothing(_text: str) -> None:
    """Want nothing of the beginning of an output."""
