"""The user's rules over cases: which Test, labels, environments, or none of it.

Knows patterns; knows no report and no Xray JSON.

A rule never changes what a case is, only what is said about its Test. What it says is unsafe like the rest: a captured
text is checked where every key and label is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.errors import ConfigurationError
from xray_ci.model import Case, Mark, MarkKind
from xray_ci.settings.texts import fill
from xray_ci.xray import escaping, writing
from xray_ci.xray.mapping import is_key, native_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xray_ci.settings.values import MappingRules, Rule

SUITE_SPLIT: Final = " > "
"""Between the names of nested suites, where a pattern sees them as one text."""
SUBJECT_LIMIT: Final = 10_000
"""Characters that a pattern looks at: of a name, or of all tags or values together."""
SAID_LIMIT: Final = 1_000
"""Labels, and Test Environments, that rules give one result; characters of a text of the report in one of them."""
BUDGET: Final = 200_000_000_000
"""Characters times instructions of patterns that all results of a run may cost, about two minutes of the slowest
patterns there are; 1,000 rules of the usual kind come to 100,000 results within it."""
_SHORT: Final = 32
"""Characters that the search of a shorter text counts for, too."""
_MEMORY: Final = 1 << 26
"""Bytes that all patterns together may take to be faster; each may have what it needs to run at all."""
_NEEDED: Final = 1 << 17
_NAMING: Final = frozenset({MarkKind.TEST_KEY, MarkKind.TEST_ID})
_CREATING: Final = frozenset({MarkKind.SCENARIO, MarkKind.DESCRIPTION})


class Ruled(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules made of a case."""

    case: Case
    """With what the rules say of its Test among its marks."""
    skip: str | None = None
    """The rule that leaves it out."""
    environments: tuple[str, ...] = ()
    by: str | None = None
    """What decided which Test it is; None when no rule did."""


class _Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its patterns ready."""

    rule: Any
    shown: str
    patterns: tuple[tuple[object, Any], ...]
    """What each looks at: `suite`, `class`, `name`, `tag`, `hostname`, `outcome`, or a property's name in a tuple."""


class Rulebook:
    """All rules of a run; the same case always gets the same answer."""

    def __init__(self, said: MappingRules, *, fits: Callable[[str, str], bool], budget: int = BUDGET) -> None:
        """`fits` says whether a path fits a glob, as patterns of `reports` do.

        `budget` is what all results may cost.
        """
        import re2  # noqa: PLC0415  # a user's pattern must not hang on an unsafe name: RE2 runs in linear time

        share = _MEMORY // max(1, sum(len(_conditions(rule)) for rule in said.rules))

        def ready(pattern: str) -> Any:
            options = re2.Options()
            options.log_errors = False
            options.max_mem = max(share, _NEEDED + 100 * re2.compile(pattern).programsize)
            return re2.compile(pattern, options)

        self._left = budget
        self._said = said
        self._fits = fits
        self._all = tuple(
            _Compiled(
                rule=rule,
                shown=f"rule {rule.number} ({rule.origin})",
                patterns=tuple((key, ready(pattern)) for key, pattern in _conditions(rule)),
            )
            for rule in said.rules
        )
        self._here: tuple[_Compiled, ...] = ()
        self._place = ("", "")

    def begin(self, path: str, names: tuple[str, ...]) -> None:
        """Look at another report: its path as it is shown, and the names of its format, key first."""
        self._place = (path, names[0] if names else "")
        self._here = tuple(
            one
            for one in self._all
            if (not one.rule.formats or set(one.rule.formats) & set(names))
            and (not one.rule.files or any(self._fits(glob, path) for glob in one.rule.files))
        )

    def apply(self, case: Case) -> Ruled:
        """Return what the rules say; without an applying rule the case comes back as it is.

        Raises ConfigurationError when all results together cost more than the budget.
        """
        marks = self._prefixed(case.marks)
        listed = self._listed(case)
        saying = _Saying()
        seen, skip = _Seen(case, marks), None
        for one in self._here:
            captured = seen.match(one)
            if captured is None:
                continue
            if one.rule.skip:
                skip = one.shown
                break
            saying.add(one, self._values(case) | captured)
        self._left -= seen.cost
        if self._left < 0:
            raise ConfigurationError(
                "the patterns of `mapping` cost too much for these results: too many rules, or too large ones, look at "
                "too long texts",
                where="mapping",
                slug="mapping-too-costly",
                advice="Merge rules, give them `format` or `file`, or write simpler patterns. Nothing was sent.",
            )
        if skip is not None:
            return Ruled(case=case, skip=skip)
        by: str | None = None
        keyed = any(mark.kind in _NAMING for mark in marks)
        if listed is not None:
            marks = (*(Mark(kind=MarkKind.TEST_KEY, value=key) for key in listed.keys), *_without(marks, _NAMING))
            by, keyed = f"tests ({listed.origin})", True
        elif saying.keys and not keyed:
            marks = (*(Mark(kind=MarkKind.TEST_KEY, value=key) for key in saying.keys), *marks)
            by, keyed = saying.key_by, True
        elif saying.definition is not None and not keyed:
            marks = (Mark(kind=MarkKind.DEFINITION, value=saying.definition), *_without(marks, {MarkKind.DEFINITION}))
            by = saying.definition_by
        if keyed and marks is not case.marks:
            marks = _without(marks, _CREATING)
        marks += tuple(Mark(kind=MarkKind.TAG, value=label) for label in saying.labels)
        if marks != case.marks:
            case = msgspec.structs.replace(case, marks=marks)
        return Ruled(case=case, environments=tuple(dict.fromkeys(saying.environments)), by=by)

    def _listed(self, case: Case) -> Any:
        """Return the entry of `tests` for a case: by its identity, else by its name."""
        tests = self._said.tests
        if not tests:
            return None
        definition = next((mark.value for mark in case.marks if mark.kind is MarkKind.DEFINITION), None)
        return tests.get(definition or native_identity(case)) or tests.get(case.name)

    def _prefixed(self, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
        """Return the marks with tags that begin with a prefix of the user's as what they mean."""
        prefixes = (
            (MarkKind.TEST_KEY, self._said.test_prefixes),
            (MarkKind.REQUIREMENT, self._said.requirement_prefixes),
        )
        if not any(chosen for _, chosen in prefixes):
            return marks
        return tuple(_meaning(mark, prefixes) if mark.kind is MarkKind.TAG else mark for mark in marks)

    def _values(self, case: Case) -> dict[str, str]:
        path, name = self._place
        return {
            "name": case.name,
            "class": case.classname or "",
            "suite": SUITE_SPLIT.join(case.suite),
            "file": path,
            "format": name,
        }


class _Saying:
    """What the rules that apply to one case say, top to bottom: lists add up, of the rest the first wins."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.key_by: str | None = None
        self.definition: str | None = None
        self.definition_by: str | None = None
        self.labels: list[str] = []
        self.environments: list[str] = []

    def add(self, one: _Compiled, values: dict[str, str]) -> None:
        rule: Rule = one.rule
        if rule.keys and not self.keys:
            self.keys = [fill(key, values) for key in rule.keys]
            self.key_by = one.shown
        if rule.definition is not None and self.definition is None:
            self.definition, self.definition_by = fill(rule.definition, values), one.shown
        if rule.labels or rule.environments:
            values = {name: text[:SAID_LIMIT] for name, text in values.items()}
        if len(self.labels) < SAID_LIMIT:
            self.labels += [label for text in rule.labels if (label := escaping.label(fill(text, values)))]
        if len(self.environments) < SAID_LIMIT:
            self.environments += [
                name for text in rule.environments if (name := writing.environment(fill(text, values)))
            ]


class _Seen:
    """The texts of one case that patterns look at, each made ready once, and what looking cost."""

    def __init__(self, case: Case, marks: Sequence[Mark]) -> None:
        self._case = case
        self._marks = marks
        self._ready: dict[object, tuple[tuple[str, ...], int]] = {}
        self.cost = 0

    def match(self, one: _Compiled) -> dict[str, str] | None:
        """Return the named groups of a rule's patterns, None when one of them does not match."""
        captured: dict[str, str] = {}
        for key, pattern in one.patterns:
            texts, characters = self._ready.get(key) or self._texts(key)
            self.cost += pattern.programsize * characters
            found = next((match for text in texts if (match := pattern.search(text)) is not None), None)
            if found is None:
                return None
            captured |= {name: text for name, text in found.groupdict().items() if text is not None}
        return captured

    def _texts(self, key: object) -> tuple[tuple[str, ...], int]:
        """Return the texts that a condition is about, and how many characters they count for."""
        left, texts = SUBJECT_LIMIT, []
        for text in self._of(key):
            texts.append(escaping.clean(text[:left]))
            left -= max(len(texts[-1]), 1)
            if left <= 0:
                break
        held = self._ready[key] = tuple(texts), max(SUBJECT_LIMIT - left, _SHORT)
        return held

    def _of(self, key: object) -> Iterable[str]:
        case = self._case
        match key:
            case "suite" | "class" | "name" | "outcome":
                return (_text(case, key),)
            case "tag":
                return _tags(self._marks)
            case "hostname":
                return (value for held, value in case.properties if held == key)
            case _:
                return (value for held, value in case.properties if (held,) == key)


def _text(case: Case, key: object) -> str:
    match key:
        case "suite":
            return SUITE_SPLIT.join(case.suite)
        case "class":
            return case.classname or ""
        case "name":
            return case.name
        case _:
            return case.outcome.value


def _tags(marks: Sequence[Mark]) -> list[str]:
    """Return what an author tagged a test with; a tag that named a Test or a requirement is the key alone."""
    return [mark.value for mark in marks if mark.kind in {MarkKind.TAG, MarkKind.TEST_KEY, MarkKind.REQUIREMENT}]


def _conditions(rule: Rule) -> list[tuple[object, str]]:
    """Return the patterns of a rule in the order they are tried, each with what it looks at."""
    single = (
        ("suite", rule.suite),
        ("class", rule.classname),
        ("name", rule.name),
        ("hostname", rule.hostname),
        ("outcome", rule.outcome),
    )
    return [
        *((key, pattern) for key, pattern in single if pattern is not None),
        *(("tag", pattern) for pattern in rule.tags),
        *(((name,), pattern) for name, pattern in rule.properties),
    ]


def _meaning(mark: Mark, prefixes: tuple[tuple[MarkKind, tuple[str, ...]], ...]) -> Mark:
    for kind, chosen in prefixes:
        for prefix in chosen:
            if mark.value.startswith(prefix) and is_key(mark.value[len(prefix) :]):
                return Mark(kind=kind, value=mark.value[len(prefix) :])
    return mark


def _without(marks: tuple[Mark, ...], kinds: Iterable[MarkKind]) -> tuple[Mark, ...]:
    left_out = frozenset(kinds)
    return tuple(mark for mark in marks if mark.kind not in left_out)
