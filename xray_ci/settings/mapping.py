"""The text of `mapping` becomes rules, or everything that is wrong with it, each with its line and column.

So do the parts of any setting that is written in YAML. A pull request may have written it: its size is bounded and
patterns are RE2.

Knows what a rule may say; knows nothing of cases.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from xray_ci.errors import DOCS
from xray_ci.patterns import lazy
from xray_ci.settings import texts, yamltext
from xray_ci.settings.problems import WrongValueError, WrongValuesError, nearest, shown
from xray_ci.settings.table import BY_NAME
from xray_ci.settings.values import OF_THE_CASE, MappingRules, NamedTest, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.settings.problems import Raw
    from xray_ci.settings.yamltext import YamlNode


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
    def place(self, node: YamlNode, thing: str = "") -> Iterator[None]:
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

    def origin(self, node: YamlNode) -> str:
        """Return where a node stands, with its source."""
        return self.raw.where((node.line, node.column))

    def root(self) -> YamlNode | None:
        """Return the value as a tree; raises WrongValueError for a text that is no YAML."""
        if not isinstance(self.raw.value, (str, tuple)):
            return self.raw.value
        try:
            return yamltext.read(self.raw.verbatim())
        except yamltext.NotYamlError as error:
            raise WrongValueError(f"It {error.what}", at=(error.line, error.column)) from None

    def entries(
        self, node: YamlNode, known: tuple[str, ...], thing: str, where: str = ""
    ) -> Iterator[tuple[str, YamlNode]]:
        """Yield the entries of a mapping that are known."""
        with self.place(node, where):
            if node.entries is None:
                raise WrongValueError("It is not a mapping", f"It takes {', '.join(known)}.")
        for key, value in (node.entries or {}).items():
            with self.place(node.keys[key], where):
                if key not in known:
                    near = nearest(key, known)
                    raise WrongValueError(
                        f"There is no {thing} {shown(key)}",
                        f"Did you mean `{near}`?" if near else f"There are {', '.join(known)}.",
                    )
                yield key, value

    def text(self, node: YamlNode, thing: str, read: Callable[[str], _T]) -> _T | None:
        """Read one text, None where it is wrong."""
        found: list[_T] = []
        with self.place(node, thing):
            found.append(read(_one(node)))
        return found[0] if found else None

    def texts(self, node: YamlNode, thing: str, read: Callable[[str], str]) -> tuple[str, ...]:
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


def unset(node: YamlNode) -> bool:
    """Say whether nothing was written there."""
    return node.plain and node.text in ("", "~", "null")


def bounded(count: int, most: int, things: str) -> None:
    """Raise WrongValueError when there are too many of something."""
    if count > most:
        raise WrongValueError(f"It has {count} {things}, more than {most}")


def _one(node: YamlNode) -> str:
    """Return the one text of a node."""
    if node.text is None:
        raise WrongValueError("It must be one text")
    if unset(node) or not node.text.strip():
        raise WrongValueError("It is empty")
    return node.text


PARTS: Final = ("prefixes", "tests", "rules")
PREFIXES: Final = ("test", "requirement")
WHEN: Final = ("format", "file", "suite", "class", "name", "tag", "property", "hostname", "outcome")
ACTIONS: Final = ("key", "labels", "environment", "environments", "definition", "skip")
FORMATS: Final = tuple(
    word for word in (*BY_NAME["format"].choices, *dict(BY_NAME["format"].also)) if word not in ("auto", "bundle")
)
"""Words of `format`; `auto` is none, and a bundle is sent as it is."""
MOST_RULES: Final = 1_000
MOST_TESTS: Final = 20_000
MOST_INSTRUCTIONS: Final = 500_000
"""Of all patterns together, as RE2 counts them: a usual pattern has fewer than 100, one that repeats classes of Unicode
many thousands."""
LONGEST: Final = 2_000
"""Characters of a name, a glob or a definition; patterns and labels have bounds of their own."""
_SAYS: Final = ("keys", "labels", "environments", "definition", "skip")
_LONGEST_PREFIX: Final = 100
_KEY_LITERALS: Final = lazy(r"[A-Z0-9_-]*")
_SURROGATE: Final = lazy("[\ud800-\udfff]")


def rules(raw: Raw) -> MappingRules:
    """Return the mapping that was written; raises WrongValuesError with the first 20 problems of it."""
    reading = _Reading(raw)
    made = reading.whole()
    if reading.wrong:
        raise WrongValuesError(reading.wrong)
    return made


class _Reading(Parts):
    """One mapping while it is read."""

    def __init__(self, raw: Raw) -> None:
        super().__init__(raw)
        self._instructions = 0

    def whole(self) -> MappingRules:
        """Read all parts; one that is left empty is not there."""
        root = self.root()
        parts = (
            {name: node for name, node in self.entries(root, PARTS, "part of a mapping") if not unset(node)}
            if root
            else {}
        )
        prefixes = self.prefixes(parts["prefixes"]) if "prefixes" in parts else {}
        return MappingRules(
            rules=self.rules(parts["rules"]) if "rules" in parts else (),
            tests=MappingProxyType(self.tests(parts["tests"]) if "tests" in parts else {}),
            test_prefixes=prefixes.get("test", ()),
            requirement_prefixes=prefixes.get("requirement", ()),
        )

    def tests(self, node: YamlNode) -> dict[str, NamedTest]:
        """Read the table of names."""
        found: dict[str, NamedTest] = {}
        with self.place(node, "`tests`"):
            if node.entries is None:
                raise WrongValueError(
                    "It is not a mapping of names to keys", "Write `com.shop.CartTest.adds an item: SHOP-12`."
                )
            bounded(len(node.entries), MOST_TESTS, "entries")
        for name, value in list((node.entries or {}).items())[:MOST_TESTS]:
            at = node.keys[name]
            with self.place(at, "The name in `tests`"):
                _text(name)
            thing = f"The key of {shown(name)}"
            keys = self.texts(value, thing, lambda text: texts.issue_key(text.strip()))
            found[name] = NamedTest(keys=keys, origin=self.origin(at))
        return found

    def prefixes(self, node: YamlNode) -> dict[str, tuple[str, ...]]:
        """Read what else tags begin with when they name an issue."""
        found: dict[str, tuple[str, ...]] = {}
        for kind, value in self.entries(node, PREFIXES, "kind of prefix", "`prefixes`"):
            found[kind] = self.texts(value, f"The prefix `{kind}`", _prefix)
            with self.place(value, "`prefixes`"):
                both = set(found.get("test", ())) & set(found.get("requirement", ()))
                if both:
                    raise WrongValueError(
                        f"{shown(min(both))} stands for Tests and for requirements", "Keep one of them."
                    )
        return found

    def rules(self, node: YamlNode) -> tuple[Rule, ...]:
        """Read the list of rules."""
        with self.place(node, "`rules`"):
            if node.items is None:
                raise WrongValueError("It is not a list", "Write items `- when: {…}` with what they say below.")
            bounded(len(node.items), MOST_RULES, "rules")
        return tuple(self.rule(number, item) for number, item in enumerate((node.items or [])[:MOST_RULES], 1))

    def rule(self, number: int, node: YamlNode) -> Rule:
        """Read one rule.

        Where something is wrong the rule lacks it, because nothing comes of a mapping that has a problem.
        """
        where = f"Rule {number}"
        before = len(self.wrong)
        said = dict(self.entries(node, ("when", *ACTIONS), "part of a rule", where))
        groups: list[str] = []
        values: dict[str, Any] = {}
        if "when" in said:
            values = self.conditions(said.pop("when"), where, groups)
        with self.place(node, where):
            if "environment" in said and "environments" in said:
                raise WrongValueError("It has both `environment` and `environments`", "They are the same: keep one.")
        for action, value in said.items():
            values |= self.action(action, value, f"{where}, `{action}`", (*OF_THE_CASE, *groups))
        with self.place(node, where):
            if len(self.wrong) == before and not any(values.get(attribute) for attribute in _SAYS):
                raise WrongValueError("It says nothing", f"Add one of {', '.join(ACTIONS)}.")
        return Rule(number=number, origin=self.origin(node), **values)

    def conditions(self, node: YamlNode, rule: str, groups: list[str]) -> dict[str, Any]:
        """Read what a case must be; the named groups of the patterns are added to `groups`."""
        found: dict[str, Any] = {}

        def pattern(text: str) -> str:
            ready = texts.pattern(text)
            self._instructions += ready.programsize
            if self._instructions > MOST_INSTRUCTIONS:
                raise WrongValueError(
                    "The patterns up to here are too large together",
                    r"Write fewer repetitions such as `{50}`, and `[a-z]` in place of `\pL`.",
                )
            for group in ready.groupindex:
                if group in OF_THE_CASE or group in groups:
                    raise WrongValueError(
                        f"The name of its group {shown(group)} is taken",
                        "Each placeholder has one source: call the group otherwise.",
                    )
                groups.append(group)
            return text

        for key, value in self.entries(node, WHEN, "condition", f"{rule}, `when`"):
            where = f"{rule}, `{key}`"
            match key:
                case "format":
                    found["formats"] = self.texts(value, where, _format)
                case "file":
                    found["files"] = self.texts(value, where, _glob)
                case "tag":
                    found["tags"] = self.texts(value, where, pattern)
                case "property":
                    found["properties"] = self.properties(value, where, pattern)
                case _:
                    found["classname" if key == "class" else key] = self.text(value, where, pattern)
        return found

    def properties(self, node: YamlNode, where: str, pattern: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
        """Read names of properties and the patterns of their values."""
        found = []
        with self.place(node, where):
            if not node.entries:
                raise WrongValueError(
                    "It is not a mapping of names to patterns", "Write `property: {browser: '^chrome'}`."
                )
            bounded(len(node.entries), MOST_ITEMS, "properties")
            for name, value in node.entries.items():
                with self.place(node.keys[name], where):
                    found.append((_text(name), self.text(value, where, pattern) or ""))
        return tuple(found)

    def action(self, action: str, node: YamlNode, where: str, known: tuple[str, ...]) -> dict[str, Any]:
        """Read one thing that a rule says, as an attribute of `Rule`."""
        match action:
            case "key":
                return {"keys": self.texts(node, where, lambda text: _key(text.strip(), known))}
            case "labels":
                return {"labels": self.texts(node, where, lambda text: texts.label(texts.check(text.strip(), known)))}
            case "definition":
                return {"definition": self.text(node, where, lambda text: texts.check(_text(text), known))}
            case "skip":
                return {"skip": bool(self.text(node, where, texts.flag))}
            case _:
                return {
                    "environments": self.texts(node, where, lambda text: _environment(texts.check(text.strip(), known)))
                }


def _text(text: str) -> str:
    """Return a name, glob or definition that is one line of bounded length."""
    if len(text) > LONGEST:
        raise WrongValueError(f"It is longer than {LONGEST} characters")
    if not text.strip() or _SURROGATE.search(text):
        raise WrongValueError("It is empty, or no Unicode")
    return texts.one_line(text)


def _prefix(text: str) -> str:
    """Return a prefix as tags are compared with it: without the `@` that feature files write."""
    prefix = _text(text).removeprefix("@")
    if not prefix or len(prefix) > _LONGEST_PREFIX or prefix != prefix.strip():
        raise WrongValueError(
            f"{shown(text)} is not a prefix",
            f"Write up to {_LONGEST_PREFIX} characters such as `TC_`, without blanks around.",
        )
    return prefix


def _format(text: str) -> str:
    """Return a key or family of the formats table."""
    word = text.strip().lower()
    if word in FORMATS:
        return dict(BY_NAME["format"].also).get(word, word)
    near = nearest(text, FORMATS)
    raise WrongValueError(
        f"{shown(text)} is not a format",
        f"Did you mean `{near}`?"
        if near
        else f"{DOCS}/formats.md lists them all; without `format` a rule is about every one.",
    )


def _glob(text: str) -> str:
    if text.startswith("!"):
        raise WrongValueError(
            f"{shown(text)} excludes, and a rule only says where it applies", "Write patterns without `!`."
        )
    return _text(text)


def _key(text: str, known: tuple[str, ...]) -> str:
    """Return a key, or a template of one."""
    if "{" not in texts.check(text, known):
        return texts.issue_key(text)
    if not _KEY_LITERALS.fullmatch(texts.fill(text, {})):
        raise WrongValueError(
            f"{shown(text)} can never become an issue key", "A key looks like `SHOP-{number}`, upper case."
        )
    return text


def _environment(text: str) -> str:
    if len(text) > texts.LONGEST_LABEL or ";" in text:
        raise WrongValueError(
            f"{shown(text)} is not a Test Environment: they have no `;` and at most {texts.LONGEST_LABEL} characters",
            "Write several as a list.",
        )
    return texts.one_line(text)
