"""The user's rules over cases: which Test, labels, environments, or none of it.

Knows patterns; knows no report and no Xray JSON.

A rule never changes what a case is, only what is said about its Test. What it says is hostile like the rest: a captured
text is checked where every key and label is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

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
"""Characters of a text that patterns look at."""
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
    suite: Any
    classname: Any
    name: Any
    tags: tuple[Any, ...]
    properties: tuple[tuple[str, Any], ...]


class Rulebook:
    """All rules of a run; the same case always gets the same answer."""

    def __init__(self, said: MappingRules, *, fits: Callable[[str, str], bool]) -> None:
        """`fits` says whether a path fits a glob, as patterns of `reports` do."""
        import re2  # noqa: PLC0415  # a user's pattern must not hang on a hostile name: RE2 runs in linear time

        def ready(pattern: str | None) -> Any:
            return None if pattern is None else re2.compile(pattern)

        self._said = said
        self._fits = fits
        self._all = tuple(
            _Compiled(
                rule=rule,
                shown=f"rule {rule.number} ({rule.origin})",
                suite=ready(rule.suite),
                classname=ready(rule.classname),
                name=ready(rule.name),
                tags=tuple(map(ready, rule.tags)),
                properties=tuple((name, ready(pattern)) for name, pattern in rule.properties),
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
        """Return what the rules say; without an applying rule the case comes back as it is."""
        marks = self._prefixed(case.marks)
        listed = self._listed(case)
        saying = _Saying()
        for one in self._here:
            captured = _match(one, case, marks)
            if captured is None:
                continue
            if one.rule.skip:
                return Ruled(case=case, skip=one.shown)
            saying.add(one, self._values(case) | captured)
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
        self.labels += [label for text in rule.labels if (label := escaping.label(fill(text, values)))]
        self.environments += [name for text in rule.environments if (name := writing.environment(fill(text, values)))]


def _match(one: _Compiled, case: Case, marks: Sequence[Mark]) -> dict[str, str] | None:
    """Return the named groups of a rule's patterns, None when one of them does not match."""
    captured: dict[str, str] = {}
    subjects: list[tuple[Any, Iterable[str]]] = []
    if one.suite is not None:
        subjects.append((one.suite, (SUITE_SPLIT.join(case.suite),)))
    if one.classname is not None:
        subjects.append((one.classname, (case.classname or "",)))
    if one.name is not None:
        subjects.append((one.name, (case.name,)))
    subjects += [(pattern, _tags(marks)) for pattern in one.tags]
    subjects += [
        (pattern, [value for held, value in case.properties if held == name]) for name, pattern in one.properties
    ]
    for pattern, texts in subjects:
        found = next((match for text in texts if (match := pattern.search(_subject(text))) is not None), None)
        if found is None:
            return None
        captured |= {name: text for name, text in found.groupdict().items() if text is not None}
    return captured


def _tags(marks: Sequence[Mark]) -> list[str]:
    """Return what an author tagged a test with; a tag that named a Test or a requirement is the key alone."""
    return [mark.value for mark in marks if mark.kind in {MarkKind.TAG, MarkKind.TEST_KEY, MarkKind.REQUIREMENT}]


def _subject(text: str) -> str:
    return escaping.clean(text[:SUBJECT_LIMIT])


def _meaning(mark: Mark, prefixes: tuple[tuple[MarkKind, tuple[str, ...]], ...]) -> Mark:
    for kind, chosen in prefixes:
        for prefix in chosen:
            if mark.value.startswith(prefix) and is_key(mark.value[len(prefix) :]):
                return Mark(kind=kind, value=mark.value[len(prefix) :])
    return mark


def _without(marks: tuple[Mark, ...], kinds: Iterable[MarkKind]) -> tuple[Mark, ...]:
    left_out = frozenset(kinds)
    return tuple(mark for mark in marks if mark.kind not in left_out)
