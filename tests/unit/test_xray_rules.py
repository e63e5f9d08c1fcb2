"""The user's rules over cases: what they look at, what they say, and what wins."""

from __future__ import annotations

import pytest

from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.reports import globs
from xray_ci.settings.values import MappingRules, NamedTest, Rule
from xray_ci.xray.rules import Rulebook, Ruled

KEY, TAG, DEFINITION = MarkKind.TEST_KEY, MarkKind.TAG, MarkKind.DEFINITION
EVERYTHING = {"keys": ("SHOP-1",)}


def rule(number: int = 1, **said: object) -> Rule:
    return Rule(number=number, origin=f".xray-ci.yml:{number}:5", **said)  # type: ignore[arg-type]


def apply(
    case: Case, *rules: Rule, path: str = "build/r.xml", names: tuple[str, ...] = ("junit", "junit"), **more: object
) -> Ruled:
    book = Rulebook(MappingRules(rules=rules, **more), fits=globs.fits)  # type: ignore[arg-type]
    book.begin(path, names)
    return book.apply(case)


def case(name: str = "adds", *marks: tuple[MarkKind, str], **given: object) -> Case:
    return Case(
        **{
            "name": name,
            "classname": "shop.Cart",
            "suite": ("shop", "chromium"),
            "outcome": Outcome.PASSED,
            "marks": tuple(Mark(kind=kind, value=value) for kind, value in marks),
            **given,
        }
    )  # type: ignore[arg-type]


def said(ruled: Ruled, kind: MarkKind) -> list[str]:
    return [mark.value for mark in ruled.case.marks if mark.kind is kind]


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ({"formats": ("junit",)}, {"formats": ("nunit3",)}),
        ({"files": ("build/*.xml",)}, {"files": ("api/**",)}),
        ({"suite": "^shop > chrom"}, {"suite": "firefox"}),
        ({"classname": r"\.Cart$"}, {"classname": "List"}),
        ({"name": "^adds$"}, {"name": "removes"}),
        ({"tags": ("^slow$", "^api")}, {"tags": ("^slow$", "^ui")}),
        ({"properties": (("browser", "^chrome"),)}, {"properties": (("browser", "safari"),)}),
        ({"hostname": "^agent-"}, {"hostname": "^laptop"}),
        ({"outcome": "passed"}, {"outcome": "skipped|other"}),
    ],
)
def test_a_rule_applies_where_its_condition_holds(condition: dict[str, object], other: dict[str, object]):
    """Each condition can hold and can fail; nothing is said where one fails."""
    held = case(
        "adds",
        (TAG, "slow"),
        (TAG, "api-v2"),
        properties=(("os", "linux"), ("browser", "chrome"), ("hostname", "agent-7")),
    )

    assert said(apply(held, rule(**condition, **EVERYTHING)), KEY) == ["SHOP-1"]
    missed = apply(held, rule(**other, **EVERYTHING))
    assert ([], None, held) == (said(missed, KEY), missed.by, missed.case)


def test_every_condition_of_a_rule_must_hold():
    """A rule is an and, not an or."""
    assert apply(case(), rule(name="adds", classname="List", **EVERYTHING)).by is None


def test_named_groups_and_facts_fill_what_a_rule_says():
    """Placeholders are groups of the rule's own patterns and facts of the case."""
    ruled = apply(
        case("TC-7 adds"),
        rule(
            name="TC-(?P<number>[0-9]+)",
            suite="> (?P<browser>.+)$",
            keys=("SHOP-{number}",),
            labels=("{browser}", "{format} {file}"),
            environments=("{browser};x",),
        ),
    )

    assert (said(ruled, KEY), said(ruled, TAG), ruled.environments) == (
        ["SHOP-7"],
        ["chromium", "junit_build/r.xml"],
        ("chromium,x",),
    )
    assert ruled.by == "rule 1 (.xray-ci.yml:1:5)"


def test_labels_and_environments_add_up_and_the_first_key_wins():
    """All rules that apply are heard, top to bottom."""
    ruled = apply(
        case(),
        rule(1, labels=("a",), environments=("x",)),
        rule(2, labels=("b",), keys=("SHOP-2",), environments=("y",)),
        rule(3, keys=("SHOP-3",), environments=("x",)),
    )

    assert (said(ruled, KEY), said(ruled, TAG), ruled.environments) == (["SHOP-2"], ["a", "b"], ("x", "y"))
    assert ruled.by == "rule 2 (.xray-ci.yml:2:5)"


def test_a_key_of_the_report_comes_before_a_key_of_a_rule():
    """Rules are for what the report does not say."""
    ruled = apply(case("adds", (KEY, "SHOP-9")), rule(**EVERYTHING))

    assert (said(ruled, KEY), ruled.by) == (["SHOP-9"], None)


@pytest.mark.parametrize("name", ["shop.Cart.adds", "adds"])
def test_the_table_of_tests_comes_before_everything(name: str):
    """An entry names one test exactly, so it wins over the report and over rules; identity or name alone find it."""
    entry = NamedTest(keys=("SHOP-5", "SHOP-6"), origin=".xray-ci.yml:3:7")
    ruled = apply(case("adds", (KEY, "SHOP-9"), (MarkKind.TEST_ID, "10001")), rule(**EVERYTHING), tests={name: entry})

    assert (said(ruled, KEY), said(ruled, MarkKind.TEST_ID)) == (["SHOP-5", "SHOP-6"], [])
    assert ruled.by == "tests (.xray-ci.yml:3:7)"


def test_an_alias_replaces_the_identity():
    """A renamed test keeps the Test of its old name."""
    ruled = apply(case("adds", (DEFINITION, "new")), rule(classname="Cart", definition="shop.OldCart.{name}"))

    assert said(ruled, DEFINITION) == ["shop.OldCart.adds"]


def test_a_skipped_case_says_which_rule_did_it():
    """Whatever other rules say, `skip` leaves the case out."""
    assert apply(case(), rule(1, **EVERYTHING), rule(2, skip=True)).skip == "rule 2 (.xray-ci.yml:2:5)"


def test_prefixes_of_the_users_give_tags_their_meaning():
    """A tag that goes on as a key names a Test or a requirement; the others stay labels."""
    ruled = apply(
        case(
            "adds", (TAG, "TC_SHOP-3"), (TAG, "US_SHOP-8"), (TAG, "TC_nothing"), (MarkKind.SCENARIO, "Scenario: adds")
        ),
        test_prefixes=("TC_",),
        requirement_prefixes=("US_",),
    )

    assert (said(ruled, KEY), said(ruled, MarkKind.REQUIREMENT), said(ruled, TAG)) == (
        ["SHOP-3"],
        ["SHOP-8"],
        ["TC_nothing"],
    )
    assert said(ruled, MarkKind.SCENARIO) == [], "a Test with a key is not defined anew"


def test_tags_that_name_a_test_can_be_asked_for():
    """Rules see tags of every meaning."""
    assert apply(case("adds", (KEY, "SHOP-9")), rule(tags=("SHOP-9",), labels=("x",))).case.marks[-1].value == "x"


def test_control_characters_hide_nothing_from_a_pattern():
    """A colour code inside a name does not make a pattern miss, and a lone surrogate breaks nothing."""
    assert apply(case("ad\x1b[31mds\ud800"), rule(name="^adds", **EVERYTHING)).by
