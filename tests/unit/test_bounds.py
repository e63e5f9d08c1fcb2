"""What one result, and all of a run, may cost: bounds for what a report or a mapping repeats."""

from __future__ import annotations

import json

import pytest
from xray_runs import assembly, case, run, slugs

from xray_ci.errors import ConfigurationError
from xray_ci.model import Case, Mark, MarkKind, Outcome, Place
from xray_ci.reports import globs
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import read
from xray_ci.reports.xray_json import LIST_LIMIT
from xray_ci.settings import texts
from xray_ci.settings.mapping import rules
from xray_ci.settings.problems import Raw, WrongValueError, WrongValuesError
from xray_ci.settings.values import MappingRules, Rule
from xray_ci.xray.mapping import KEY_LIMIT, is_key
from xray_ci.xray.rules import SAID_LIMIT, Rulebook

ONE = Case(name="adds", classname="c", outcome=Outcome.PASSED)


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("SHOP-1", True),
        ("A" * 253 + "-1", True),
        ("A" * 254 + "-1", False),
        ("SHOP-" + "1" * 18, True),
        ("SHOP-" + "1" * 19, False),
        ("SHOP-" + "1" * 400, False),
        ("S" * 300 + "-1", False),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_key_has_255_characters_at_most(key, right):
    """In a report and in a setting."""
    assert right is bool(is_key(key))
    if right:
        assert key == texts.issue_key(key)
    else:
        with pytest.raises(WrongValueError):
            texts.issue_key(key)


def test_one_result_is_given_to_a_hundred_tests_at_most(tmp_path):
    """Each Test gets all of it, so that a list of keys would multiply a report."""
    keys = ",".join(f"SHOP-{number}" for number in range(1, 5_000))

    done, tests = run(assembly(tmp_path), case("a", Outcome.FAILED, keys, message="x" * 20_000))

    assert (len(tests), slugs(done)) == (KEY_LIMIT, ["too-many-test-keys"])


@pytest.mark.parametrize("name", ["evidence", "defects", "steps", "iterations"])
def test_lists_of_xray_json_are_bounded_for_each_test(tmp_path, name):
    """What is more is left out and told."""
    item = {"evidence": {"filename": "a.png", "data": "QUJD"}, "defects": "SHOP-1"}.get(name, {"status": "PASSED"})
    (tmp_path / "r.json").write_text(
        json.dumps({"tests": [{"testKey": "SHOP-1", "status": "FAILED", name: [item] * (LIST_LIMIT + 5)}]})
    )

    one, told = read(FoundReport(place=Place(path=tmp_path / "r.json", shown="r.json"), format="xray-json"))

    kept = {"evidence": one.attachments, "steps": one.steps, "iterations": one.iterations}.get(name)
    assert len(kept if kept is not None else [mark for mark in one.marks if mark.kind is MarkKind.DEFECT]) == LIST_LIMIT
    assert f"left out were 5 of `{name}`" in told.cause


def test_rules_have_a_budget_for_all_results():
    """It is spent by patterns and texts, never by the clock: the same run always ends the same."""
    book = Rulebook(
        MappingRules(rules=(Rule(number=1, origin="x", name="(.*a.{20}){10}", labels=("l",)),)),
        fits=globs.fits,
        budget=10_000_000,
    )
    book.begin("r.xml", ("junit",))
    book.apply(ONE)

    with pytest.raises(ConfigurationError) as failed:
        for _ in range(1_000):
            book.apply(Case(name="a" * 10_000, outcome=Outcome.PASSED))

    assert failed.value.slug == "mapping-too-costly"


def test_patterns_of_a_mapping_have_a_size_together():
    """Each alone would be taken; a found config file may hold a thousand of them."""
    one = r"- when: {name: '(\pL|\d){50}x'}" + "\n  labels: l\n"
    assert len(rules(Raw("rules:\n" + one * 5, "x")).rules) == 5

    with pytest.raises(WrongValuesError) as failed:
        rules(Raw("rules:\n" + one * 1_000, "x"))

    assert "too large together" in failed.value.each[0].what


def test_labels_of_rules_are_bounded_for_each_result():
    """A thousand rules with a hundred labels each do not make 100,000 labels of every result."""
    said = tuple(
        Rule(number=number, origin="x", name="adds", labels=tuple(f"{number}-{count}-{{name}}" for count in range(100)))
        for number in range(100)
    )
    book = Rulebook(MappingRules(rules=said), fits=globs.fits)
    book.begin("r.xml", ("junit",))

    marks = book.apply(ONE).case.marks

    assert len(marks) == SAID_LIMIT
    assert Mark(kind=MarkKind.TAG, value="0-0-adds") == marks[0]
