"""The text of `mapping` → `Rules`, or everything that is wrong with it, each with its line and column.

Knows what a rule may say; knows nothing of cases. A pull request may have written it: its size is bounded and patterns are RE2.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.settings import template, texts
from xray_ci.settings.mappings import OF_THE_CASE, NamedTest, Rule, Rules
from xray_ci.settings.parts import MOST_ITEMS, Parts, bounded, unset
from xray_ci.settings.problems import WrongValueError, WrongValuesError, nearest, shown
from xray_ci.settings.table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.settings.raw import Raw
    from xray_ci.settings.yamltext import Node

PARTS: Final = ("prefixes", "tests", "rules")
PREFIXES: Final = ("test", "requirement")
WHEN: Final = ("format", "file", "suite", "class", "name", "tag", "property")
ACTIONS: Final = ("key", "labels", "environment", "environments", "definition", "skip")
FORMATS: Final = tuple(word for word in (*BY_NAME["format"].choices, *dict(BY_NAME["format"].also))
                       if word not in ("auto", "bundle"))
"""Words of `format`; `auto` is none, and a bundle is sent as it is."""
MOST_RULES: Final = 1_000
MOST_TESTS: Final = 20_000
LONGEST: Final = 2_000
"""Characters of a name, a glob or a definition; patterns and labels have bounds of their own."""
_SAYS: Final = ("keys", "labels", "environments", "definition", "skip")
_LONGEST_PREFIX: Final = 100
_KEY_LITERALS: Final = re.compile(r"[A-Z0-9_-]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def rules(raw: Raw) -> Rules:
    """Return the mapping that was written; raises WrongValuesError with the first 20 problems of it."""
    reading = _Reading(raw)
    made = reading.whole()
    if reading.wrong:
        raise WrongValuesError(reading.wrong)
    return made


class _Reading(Parts):
    """One mapping while it is read."""

    def whole(self) -> Rules:
        """Read all parts; one that is left empty is not there."""
        root = self.root()
        parts = {name: node for name, node in self.entries(root, PARTS, "part of a mapping") if not unset(node)} if root else {}
        prefixes = self.prefixes(parts["prefixes"]) if "prefixes" in parts else {}
        return Rules(rules=self.rules(parts["rules"]) if "rules" in parts else (),
                     tests=MappingProxyType(self.tests(parts["tests"]) if "tests" in parts else {}),
                     test_prefixes=prefixes.get("test", ()), requirement_prefixes=prefixes.get("requirement", ()))

    def tests(self, node: Node) -> dict[str, NamedTest]:
        """Read the table of names."""
        found: dict[str, NamedTest] = {}
        with self.place(node, "`tests`"):
            if node.entries is None:
                raise WrongValueError("It is not a mapping of names to keys", "Write `com.shop.CartTest.adds an item: SHOP-12`.")
            bounded(len(node.entries), MOST_TESTS, "entries")
        for name, value in list((node.entries or {}).items())[:MOST_TESTS]:
            at = node.keys[name]
            with self.place(at, "The name in `tests`"):
                _text(name)
            thing = f"The key of {shown(name)}"
            keys = self.texts(value, thing, lambda text: texts.issue_key(text.strip()))
            found[name] = NamedTest(keys=keys, origin=self.origin(at))
        return found

    def prefixes(self, node: Node) -> dict[str, tuple[str, ...]]:
        """Read what else tags begin with when they name an issue."""
        found: dict[str, tuple[str, ...]] = {}
        for kind, value in self.entries(node, PREFIXES, "kind of prefix", "`prefixes`"):
            found[kind] = self.texts(value, f"The prefix `{kind}`", _prefix)
            with self.place(value, "`prefixes`"):
                both = set(found.get("test", ())) & set(found.get("requirement", ()))
                if both:
                    raise WrongValueError(f"{shown(min(both))} stands for Tests and for requirements", "Keep one of them.")
        return found

    def rules(self, node: Node) -> tuple[Rule, ...]:
        """Read the list of rules."""
        with self.place(node, "`rules`"):
            if node.items is None:
                raise WrongValueError("It is not a list", "Write items `- when: {…}` with what they say below.")
            bounded(len(node.items), MOST_RULES, "rules")
        return tuple(self.rule(number, item) for number, item in enumerate((node.items or [])[:MOST_RULES], 1))

    def rule(self, number: int, node: Node) -> Rule:
        """Read one rule; where something is wrong the rule lacks it, because nothing comes of a mapping that has a problem."""
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

    def conditions(self, node: Node, rule: str, groups: list[str]) -> dict[str, Any]:
        """Read what a case must be; the named groups of the patterns are added to `groups`."""
        found: dict[str, Any] = {}

        def pattern(text: str) -> str:
            for group in texts.pattern(text).groupindex:
                if group in OF_THE_CASE or group in groups:
                    raise WrongValueError(f"The name of its group {shown(group)} is taken",
                                          "Each placeholder has one source: call the group otherwise.")
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

    def properties(self, node: Node, where: str, pattern: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
        """Read names of properties and the patterns of their values."""
        found = []
        with self.place(node, where):
            if not node.entries:
                raise WrongValueError("It is not a mapping of names to patterns", "Write `property: {browser: '^chrome'}`.")
            bounded(len(node.entries), MOST_ITEMS, "properties")
            for name, value in node.entries.items():
                with self.place(node.keys[name], where):
                    found.append((_text(name), self.text(value, where, pattern) or ""))
        return tuple(found)

    def action(self, action: str, node: Node, where: str, known: tuple[str, ...]) -> dict[str, Any]:
        """Read one thing that a rule says, as an attribute of `Rule`."""
        match action:
            case "key":
                return {"keys": self.texts(node, where, lambda text: _key(text.strip(), known))}
            case "labels":
                return {"labels": self.texts(node, where, lambda text: texts.label(template.check(text.strip(), known)))}
            case "definition":
                return {"definition": self.text(node, where, lambda text: template.check(_text(text), known))}
            case "skip":
                return {"skip": bool(self.text(node, where, texts.flag))}
            case _:
                return {"environments": self.texts(
                    node, where, lambda text: _environment(template.check(text.strip(), known)))}


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
        raise WrongValueError(f"{shown(text)} is not a prefix", f"Write up to {_LONGEST_PREFIX} characters such as `TC_`, "
                              "without blanks around.")
    return prefix


def _format(text: str) -> str:
    """Return a key or family of the formats table."""
    word = text.strip().lower()
    if word in FORMATS:
        return dict(BY_NAME["format"].also).get(word, word)
    near = nearest(text, FORMATS)
    raise WrongValueError(f"{shown(text)} is not a format", f"Did you mean `{near}`?" if near else
                          "docs/formats.md lists them all; without `format` a rule is about every one.")


def _glob(text: str) -> str:
    if text.startswith("!"):
        raise WrongValueError(f"{shown(text)} excludes, and a rule only says where it applies", "Write patterns without `!`.")
    return _text(text)


def _key(text: str, known: tuple[str, ...]) -> str:
    """Return a key, or a template of one."""
    if "{" not in template.check(text, known):
        return texts.issue_key(text)
    if not _KEY_LITERALS.fullmatch(template.fill(text, {})):
        raise WrongValueError(f"{shown(text)} can never become an issue key", "A key looks like `SHOP-{number}`, upper case.")
    return text


def _environment(text: str) -> str:
    if len(text) > texts.LONGEST_LABEL or ";" in text:
        raise WrongValueError(f"{shown(text)} is not a Test Environment: they have no `;` and at most {texts.LONGEST_LABEL} characters",
                              "Write several as a list.")
    return texts.one_line(text)
