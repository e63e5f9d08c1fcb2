"""Slow proof: what takes long takes it in proportion. Four times the size takes at most six times as long.

It is measured over two such steps, because memory that grows by doubling makes stairs of single ones. The table is
printed at the end. Covers every family of readers (through detection to the finished file), equally named evidence, the
mapper, mapping rules and patterns.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from repeated_reports import READERS, repeated, sample
from xray_runs import assembly, case, place

from xray_ci.model import Attachment, Case, Mark, MarkKind, Outcome, Place
from xray_ci.reports import globs
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import read
from xray_ci.settings.mapping import rules
from xray_ci.settings.problems import Raw
from xray_ci.settings.values import MappingRules, Rule
from xray_ci.xray import mapping
from xray_ci.xray.rules import Rulebook

pytestmark = pytest.mark.proof
MOST = 6.0
_SHORTEST = 0.03
"""Seconds below which a measurement says little: sizes grow until the smaller one takes as long."""
_LEAST = 0.001


def growth(work: Callable[[int], Callable[[], object]], size: int, *, largest: int) -> tuple[int, float, float]:
    """Return a size, the seconds of the processor for it (the best of three), and those for sixteen times as much.

    Too much is measured again, up to three times: a neighbour on the machine slows one measurement, a wrong loop all.
    """
    gc.collect()
    gc.freeze()  # what other tests left is not looked through at the cost of this one
    try:
        while (once := _seconds(work(size))) < _SHORTEST and size * 2 * 16 <= largest:
            size *= 2
        sixteen = _seconds(work(size * 16), times=1)
        for _ in range(3):
            if _each(once, sixteen) > MOST:
                once, sixteen = max(once, _seconds(work(size))), min(sixteen, _seconds(work(size * 16)))
        return size, once, sixteen
    finally:
        gc.unfreeze()


def _each(once: float, sixteen: float) -> float:
    """Return how many times as long each of the two steps of four times the size took."""
    return (sixteen / max(once, _LEAST)) ** 0.5


def _seconds(run: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        run()
        best = min(best, time.process_time() - begun)
    return best


def _reader(suffix: str, write: Callable[[int], str], folder: Path, key: str) -> Callable[[int], Callable[[], object]]:
    def work(size: int) -> Callable[[], object]:
        path = folder / f"r{suffix}"
        path.write_text(write(size), encoding="utf-8")
        return lambda: sum(1 for _ in read(FoundReport(place=Place(path=path, shown=path.name), format=key)))

    return work


def _distinct(folder: Path) -> Callable[[int], Callable[[], object]]:
    def work(size: int) -> Callable[[], object]:
        attached = tuple(Attachment(name="a.png", base64="QUJD") for _ in range(size))

        def run() -> None:
            base = folder / f"{size}-{time.perf_counter_ns()}"
            base.mkdir()
            with assembly(base) as begun:
                begun.begin(place("r.json"))
                begun.add(case("a", Outcome.FAILED, "SHOP-1", attachments=attached))
                begun.commit()
                begun.finish()

        return run

    return work


def _mapped(size: int) -> Callable[[], object]:
    keys = ",".join(f"SHOP-{number}" for number in range(1, size + 1))
    one = Case(name="n", outcome=Outcome.PASSED, marks=(Mark(kind=MarkKind.TEST_KEY, value=keys),))
    return lambda: mapping.decide(one, mapping.MappingOptions(project="SHOP"))


def _book(count: int) -> Rulebook:
    made = Rulebook(
        MappingRules(
            rules=tuple(
                Rule(number=number, origin="x", name=f"^a{number}.*(b|c)+$", labels=("l",)) for number in range(count)
            )
        ),
        fits=globs.fits,
    )
    made.begin("r.xml", ("junit", "junit"))
    return made


def _ruled_results(size: int) -> Callable[[], object]:
    book, one = _book(50), Case(name="a1 bcbcbc", classname="c", outcome=Outcome.PASSED)
    return lambda: [book.apply(one) for _ in range(size)]


def _ruled_rules(size: int) -> Callable[[], object]:
    book, one = _book(size), Case(name="a1 bcbcbc", classname="c", outcome=Outcome.PASSED)
    return lambda: [book.apply(one) for _ in range(20)]


def _mapping_text(size: int) -> Callable[[], object]:
    raw = Raw("rules:\n" + "".join(f"- when: {{name: '^a{number}'}}\n  labels: l\n" for number in range(size)), "x")
    return lambda: rules(raw)


def _glob(size: int) -> Callable[[], object]:
    path = "/".join(["a"] * size)
    return lambda: globs.fits("**/*a*/**/*.xml", path)


def _json_tests(size: int) -> str:
    return json.dumps({"tests": [{"testKey": f"SHOP-{number + 1}", "status": "PASSED"} for number in range(size)]})


def _json_list(name: str, item: object) -> Callable[[int], str]:
    return lambda size: json.dumps({"tests": [{"testKey": "SHOP-1", "status": "FAILED", name: [item] * size}]})


WRITERS: dict[str, tuple[str, str, Callable[[int], str]]] = {
    "junit: cases": (
        "junit",
        ".xml",
        lambda size: "<testsuite>" + '<testcase classname="c" name="n"/>' * size + "</testsuite>",
    ),
    "junit: backslashes": (
        "junit",
        ".xml",
        lambda size: f'<testsuite><testcase name="n"><failure>{chr(92) * size * 50}</failure></testcase></testsuite>',
    ),
    "junit: properties": (
        "junit",
        ".xml",
        lambda size: (
            "<testsuite><properties>"
            + '<property name="a" value="b"/>' * size
            + '</properties><testcase name="n"/></testsuite>'
        ),
    ),
    "xray-json: tests": ("xray-json", ".json", _json_tests),
    "xray-json: evidence": ("xray-json", ".json", _json_list("evidence", {"filename": "a.png", "data": "QUJD"})),
    "xray-json: defects": ("xray-json", ".json", _json_list("defects", "SHOP-1")),
    "tap: points": (
        "tap",
        ".tap",
        lambda size: f"TAP version 13\n1..{size}\n" + "".join(f"ok {number + 1} - n\n" for number in range(size)),
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_reading_grows_with_the_report(tmp_path, name, record_property):
    """Shapes that were once, or could be, more than linear."""
    key, suffix, write = WRITERS[name]
    _hold(name, growth(_reader(suffix, write, tmp_path, key), 1_000, largest=160_000), record_property)


@pytest.mark.parametrize("key", READERS)
def test_every_reader_is_linear_in_its_results(tmp_path, key, record_property):
    """A sample of each format, its results over and over again, all of which are read."""
    one = sample(key)
    assert len(_read(tmp_path, key, repeated(one, 20))) > len(_read(tmp_path, key, repeated(one, 5)))
    _hold(
        f"{key}: results",
        growth(_reader(".x", lambda size: repeated(one, size), tmp_path, key), 5, largest=6_000),
        record_property,
    )


def _read(folder: Path, key: str, text: str) -> list[object]:
    (folder / "one").write_text(text, encoding="utf-8")
    return [
        item
        for item in read(FoundReport(place=Place(path=folder / "one", shown="one"), format=key))
        if isinstance(item, Case)
    ]


@pytest.mark.parametrize(
    ("name", "work", "size", "largest"),
    [
        ("mapper: keys of a result", _mapped, 1_000, 160_000),
        ("rules: results", _ruled_results, 50, 16_000),
        ("rules: rules", _ruled_rules, 50, 1_600),
        ("mapping: text", _mapping_text, 30, 1_000),
        ("patterns: path", _glob, 200, 6_400),
    ],
)
def test_what_stands_between_grows_with_its_input(name, work, size, largest, record_property):
    """Mapping, rules and patterns."""
    _hold(name, growth(work, size, largest=largest), record_property)


def test_equally_named_evidence_grows_with_its_number(tmp_path, record_property):
    """Many files of one name cost no more than as many of different names."""
    _hold("evidence: one name", growth(_distinct(tmp_path), 500, largest=16_000), record_property)


def _hold(name: str, measured: tuple[int, float, float], note: Callable[[str, object], None]) -> None:
    size, once, sixteen = measured
    each = _each(once, sixteen)
    note("growth", f"{name:<34}{size:>9,}{once:>9.3f} s{size * 16:>12,}{sixteen:>9.3f} s{each:>7.1f} x")
    assert each <= MOST, f"{name}: from {size} to {size * 16} each 4 x took {each:.1f} x as long"
