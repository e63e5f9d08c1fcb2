"""What a person should know of the identities of a run: names that change by themselves, and results that meet.

Knows texts of cases and where they are from; decides nothing. Each kind is told once, with an example and the rule of
`mapping` that helps, and never changes which Test a result is: Xray's own import would take the same names.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from xray_ci.model import MarkKind, Problem, Severity
from xray_ci.patterns import lazy
from xray_ci.xray import escaping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from xray_ci.model import Case

LOOKED_AT: Final = 50
"""Results of one report whose names are looked at: what a tool writes into names, it writes into many."""
LOOKED_AT_MOST: Final = 2_000
"""Results of a run."""
SUITES: Final = 4_096
"""Suites of a run that are told apart; all others count as one."""
_KEYS: Final = "a key"
_MOMENT: Final = "a point in time"
_DAY: Final = lazy(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEVER: Final = float("-inf")
_SHOWN: Final = 120
_LONG: Final = 1_000
_ROOTS: Final = (
    "(?:home|Users|root|tmp|var|private|builds?|runner|workspaces?|github|__w|opt|mnt|srv|agent|jenkins|usr|azp|data)"
)
_SOURCES: Final = (
    r"(?:ya?ml|feature|story|robot|[cm]?[jt]sx?|py|rb|go|rs|java|kt|scala|php|cc?|cpp|hp?p?|cs|swift|ps1|sh|bats|dart|"
    r"exs?|lua|pl|t)"
)
_PATH: Final = rf"(?:(?:^|\W)[A-Za-z]:[\\/]|^\\\\|^/{_ROOTS}/|^/.*\.[A-Za-z0-9]{{1,6}}(?::[0-9]+)*$)"


class _Kind(NamedTuple):
    """Something in names that changes by itself."""

    what: str
    source: str
    """Pattern that finds it in a class name or a name."""
    rule: str
    """Pattern of the ready rule, as RE2 has it; `%s` makes the names of its groups its own."""
    kept: str
    """What the rule keeps of the text."""


def _cut(what: str, pattern: str) -> _Kind:
    return _Kind(
        what, pattern, f"^(?P<%s_before>.*?){pattern}(?:.*{pattern})?(?P<%s_after>.*)$", "{%s_before}{%s_after}"
    )


_BROWSER: Final = r"[A-Za-z _]*(?i:chrom|firefox|safari|edge|opera|webkit|electron)[A-Za-z _]*?"
_VERSION: Final = r"[ _./-]*[0-9]+(?:[._-][0-9]+)+(?:[ _]?\([^)]*\))?"
KINDS: Final = (
    _Kind(
        "the version of a browser",
        f"^{_BROWSER}{_VERSION}",
        f"^(?P<%s_browser>{_BROWSER}){_VERSION}(?P<%s_after>.*)$",
        "{%s_browser}{%s_after}",
    ),
    _cut(
        "a temporary folder", r"(?:(?:/private)?/(?:tmp|var/tmp|var/folders)/|[A-Za-z]:\\[^\s,;]*\\Temp\\)[^\s,;)\]]+"
    ),
    _Kind(
        "an absolute path",
        _PATH,
        r"(?:^[\\/]|(?:^|\W)[A-Za-z]:[\\/])(?:.*[\\/])?(?P<%s_file>[^\\/]+?)(?::[0-9]+)*$",
        "{%s_file}",
    ),
    _Kind(
        "the line of a source file",
        rf"\.{_SOURCES}:[0-9]+(?::[0-9]+)?$",
        rf"^(?P<%s_file>.*\.{_SOURCES}):[0-9]+(?::[0-9]+)?$",
        "{%s_file}",
    ),
    _cut("the address of an object", r"@[0-9a-f]{4,16}\b"),
    _cut("a random id", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    _cut(
        _MOMENT,
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T _][0-9]{2}[:._-][0-9]{2}(?:[:._-][0-9]{2})?(?:[.,][0-9]+)?Z?"
        r"|\b1[6-9][0-9]{11}\b",
    ),
    _cut("a port", r"(?:localhost|127\.0\.0\.1):[0-9]{4,5}\b"),
)
"""In the order in which they are asked; of one text the first that is found is told."""


_SIGNS: Final = lazy(r"[-/\\@:0-9]")
"""One of these stands in every text that one of them finds; most names hold none, and this costs a twentieth."""
_ANY: Final = lazy(r"[/\\@:]|[0-9](?:[._-][0-9]|[0-9]{12})|-[0-9a-fA-F]{4}-")
"""What stands there when one of them finds something: nearly every name holds none."""


class Identities:
    """Looks at the results of a run as they are kept."""

    def __init__(self, epoch: Callable[[datetime], float] | None = None) -> None:
        """`epoch` gives seconds of a moment, minus infinity for one that is none; None: nobody asks for times."""
        self._epoch = epoch
        self._times = array("d")
        self._of = array("H")
        """The suite of each result, by number."""
        self._suites: dict[tuple[str, ...], int] = {}
        self._suite: tuple[str, ...] | None = None
        """That of the last result, and its number."""
        self._number = 0
        self._origins: list[tuple[int, str, str]] = [(0, "", "")]
        """First result, path and format of each report."""
        self._left = LOOKED_AT_MOST
        self._owner = ""
        """Class, or suite, of the result that was looked at before."""
        self.here = 0
        """Results of this report that may still be looked at."""
        self._changing: dict[str, Problem] = {}
        self._pending: dict[str, Problem] = {}
        self._met: dict[str, list[int]] = {}
        """Of each way in which results that meet differ: how many, and the numbers of the first two."""
        self._sent: dict[int, int] = {}
        """First result of each example, and the one that is sent of its Test."""
        self.examples: dict[int, str] = {}
        """Numbers of results whose Test is named in a notice, and its name."""

    def begin(self, shown: str, name: str) -> None:
        """Look at another report, of this format; forget what was not committed."""
        if self._origins[-1][0] == len(self._of):
            self._origins.pop()
        self._origins.append((len(self._of), shown, name))
        self.here = min(LOOKED_AT, self._left)
        self._pending.clear()

    @property
    def _hinted(self) -> bool:
        return _KEYS in self._changing or _KEYS in self._pending

    def commit(self) -> None:
        """Count the current report in."""
        self._changing = self._pending | self._changing
        self._pending.clear()

    def keep(self, case: Case) -> None:
        """Give the next result its number, and remember its suite and when it began, or else ended."""
        if case.suite is not self._suite:
            self._suite, self._number = case.suite, self._numbered(case.suite)
        self._of.append(self._number)
        if self._epoch is not None:
            moment = case.started or case.finished
            self._times.append(_NEVER if moment is None else self._epoch(moment))

    def _numbered(self, suite: tuple[str, ...]) -> int:
        """Return the number of a suite, 0 where there are too many to be told apart."""
        number = self._suites.get(suite)
        if number is None:
            if len(self._suites) >= SUITES or sum(map(len, suite)) > _LONG:
                return 0
            number = self._suites[suite] = len(self._suites) + 1
        return number

    def earlier(self, number: int, other: int) -> bool:
        """Say whether a result began before another one; False where one of them does not say when."""
        return bool(self._times) and _NEVER < self._times[number] < self._times[other]

    def look(self, case: Case, project: str | None) -> None:
        """Look at the names of a case that finds its Test by them; `project`: keys of it in names are told, too."""
        if self.here <= 0 or any(mark.kind is MarkKind.DEFINITION for mark in case.marks):
            return
        self.here -= 1
        self._left -= 1
        if project and not self._hinted and (key := re.search(rf"\b{re.escape(project)}-[1-9][0-9]*\b", case.name)):
            self._pending[_KEYS] = _keyed(case, key[0], project, self._origins[-1][1])
        owner = case.classname or next((name for name in reversed(case.suite) if name), "")
        known, self._owner = owner == self._owner, owner
        if not _may_change(case.name) and (known or not _may_change(owner)):
            return
        texts = {"class" if case.classname else "suite": owner, "name": case.name}
        texts = {held: text for held, text in texts.items() if len(text) <= _LONG}
        for kind in KINDS:
            found = [held for held, text in texts.items() if re.search(kind.source, text)]
            if not found or (kind.what == _MOMENT and not _now(case, texts)):
                continue
            if kind.what not in self._changing and kind.what not in self._pending:
                self._pending[kind.what] = _changing(kind, case, texts, found, self._origins[-1][1])
            return

    def meet(self, first: int, other: int) -> None:
        """Note two results of one Test, the first of them and another; those of one place say nothing."""
        one, two = self._origin(first), self._origin(other)
        if one[1] != two[1]:
            way = "reports" if one[2] == two[2] else "formats"
        elif self._of[first] != self._of[other]:
            way = "suites"
        else:
            return
        held = self._met.setdefault(way, [0, first, other])
        held[0] += 1
        if first <= held[1] and first not in self._sent:  # the order in which Tests are met is none
            held[1:] = first, other
            self._sent[first] = -1

    def won(self, first: int, number: int) -> None:
        """Note which result stands for the others of the Test whose first one this is."""
        if first in self._sent:
            self._sent[first] = number
            self.examples[number] = ""

    def named(self, number: int, text: bytes) -> None:
        """Take the text of a result that is an example."""
        info = msgspec.json.decode(text).get("testInfo", {})
        self.examples[number] = str(info.get("definition") or info.get("summary") or "")

    def problems(self) -> Iterator[Problem]:
        """Yield one notice of each kind."""
        yield from self._changing.values()
        suites = {number: " > ".join(name for name in suite if name) for suite, number in self._suites.items()}
        for way, (results, first, other) in self._met.items():
            test = escaping.one_line(self.examples.get(self._sent[first]) or "a Test", _SHOWN)
            origins = self._origin(first), self._origin(other)
            named = suites.get(self._of[first], ""), suites.get(self._of[other], "")
            yield _met(way, test, results, origins, named)

    def _origin(self, number: int) -> tuple[int, str, str]:
        return self._origins[bisect_right(self._origins, number, key=lambda origin: origin[0]) - 1]


def _may_change(text: str) -> bool:
    return _SIGNS.search(text) is not None and _ANY.search(text) is not None


def _keyed(case: Case, key: str, project: str, shown: str) -> Problem:
    """Return the notice of a name that holds a key which nobody takes for one."""
    return Problem(
        severity=Severity.NOTICE,
        slug="key-in-name",
        path=shown,
        line=case.line,
        cause=f"the name `{escaping.one_line(case.name, _SHOWN)}` holds what looks like the key {key}, and nothing "
        f"takes it for the key of its Test: `key-pattern: '\\b({project}-[0-9]+)\\b'` would",
    )


def _now(case: Case, texts: dict[str, str]) -> bool:
    """Say whether a moment in a name may be that of the run: one of another day is data of the test."""
    moment = case.started or case.finished
    days = {day for text in texts.values() for day in _DAY.findall(text)}
    near = {(moment + timedelta(days=shift)).strftime("%Y-%m-%d") for shift in (-1, 0, 1)} if moment else days
    return not days or bool(days & near)


def _changing(kind: _Kind, case: Case, texts: dict[str, str], found: list[str], shown: str) -> Problem:
    """Return the notice of a name that changes by itself."""
    conditions = ", ".join(f"{held}: '{kind.rule.replace('%s', held)}'" for held in found)
    owner = "suite" if "suite" in texts else "class"
    parts = [kind.kept.replace("%s", held) if held in found else f"{{{held}}}" for held in texts if texts[held]]
    example = escaping.one_line(texts[found[0]], _SHOWN)
    return Problem(
        severity=Severity.NOTICE,
        slug="changing-name",
        path=shown,
        line=case.line,
        cause=f"the {'name' if found == ['name'] else owner} `{example}` holds {kind.what}: where that changes, every "
        "run makes new Tests, as Xray's own import would. This rule of `mapping` cuts it: "
        f"- {{when: {{{conditions}}}, definition: '{'.'.join(parts)}'}}",
    )


def _met(
    way: str,
    test: str,
    results: int,
    origins: tuple[tuple[int, str, str], tuple[int, str, str]],
    suites: tuple[str, str],
) -> Problem:
    """Return the notice of results from different places that are one Test."""
    (_, one, first), (_, two, second) = origins
    many = (
        f"{results:,} {'result was' if results == 1 else 'results were'} merged with one of the same Test, of different"
    )
    if way == "formats":
        return Problem(
            severity=Severity.NOTICE,
            slug="merged-formats",
            path=two,
            cause=f"{many} formats: for example `{test}` in {one} ({first}) and in {two} ({second}); if they are the "
            "same run, leave one of them out of `reports` with `!`",
        )
    if way == "reports":
        folder = _folder(one, two)
        files, part = f"{folder}**", folder.rstrip("/")
        if not folder.endswith("/"):  # reports beside each other
            files, part = one, one.rpartition("/")[2].partition(".")[0]
        return Problem(
            severity=Severity.NOTICE,
            slug="merged-reports",
            path=two,
            cause=f"{many} reports: for example `{test}` in {one} and in {two}; if they are different tests, "
            "`executions: per-report` keeps each, or a rule of `mapping` for each part: - "
            f"{{when: {{file: '{files}'}}, definition: '{part or 'part'}.{{class}}.{{name}}'}}",
        )
    return Problem(
        severity=Severity.NOTICE,
        slug="merged-suites",
        path=two,
        cause=f"{many} suites of a report: for example `{test}` in {one}, in {suites[0][:_SHOWN] or 'one suite'!r} and "
        f"in {suites[1][:_SHOWN] or 'another'!r}; if they are different tests, a rule of `mapping` tells them apart: "
        "- {when: {suite: '^(?P<part>.+)$'}, definition: '{part}.{class}.{name}'}",
    )


def _folder(one: str, two: str) -> str:
    """Return the folder of the first path up to where the second differs."""
    names = one.split("/")[:-1]
    others = two.split("/")
    for number, name in enumerate(names):
        if others[number : number + 1] != [name]:
            return "/".join(names[: number + 1]) + "/"
    return one
