"""Which Test a case is: keys, ids, patterns, identity, and what is refused."""

from __future__ import annotations

import pytest
import re2

from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.xray.mapping import (
    MappingOptions,
    NoProject,
    Rejected,
    TestTarget,
    Unmapped,
    decide,
    native_identity,
    step_based,
)


def case(
    name: str = "adds",
    *marks: tuple[MarkKind, str],
    classname: str | None = "calc.Add",
    suite: tuple[str, ...] = ("calc",),
) -> Case:
    return Case(
        name=name,
        classname=classname,
        suite=suite,
        outcome=Outcome.PASSED,
        marks=tuple(Mark(kind=kind, value=value) for kind, value in marks),
    )


def options(**given: object) -> MappingOptions:
    return MappingOptions(**{"project": "CALC", **given})  # type: ignore[arg-type]


KEY, ID = MarkKind.TEST_KEY, MarkKind.TEST_ID


def test_a_test_key_names_the_test():
    """A case with a Test key goes to that Test and nothing else."""
    assert TestTarget(keys=("SHOP-12",)) == decide(case("x", (KEY, "SHOP-12")), options(project=None))


@pytest.mark.parametrize(
    "said",
    [
        "shop-12",
        "SHOP",
        "SHOP-0",
        "SHOP-012",
        "S-1",
        "1SHOP-1",
        "SHOP-1 x",
        "not a key",
        "SHOP-1\u0661",
        "SHOP-1\n2",
        '"SHOP-1"',
        "-1",
    ],
)
def test_what_is_no_key_rejects_the_case(said: str):
    """A Test key that is no Jira key rejects the case, as Xray itself would."""
    decision = decide(case("x", (KEY, said)), options())

    assert isinstance(decision, Rejected)
    assert decision.slug == "bad-test-key"


def test_several_keys_each_get_the_result():
    """Keys in one mark or in several marks are all used, once each, in order."""
    decision = decide(case("x", (KEY, "A1-1, A1-2;A1-1"), (KEY, "A1-3")), options())

    assert isinstance(decision, TestTarget)
    assert decision.keys == ("A1-1", "A1-2", "A1-3")


def test_a_bad_key_beside_a_good_one_is_a_notice():
    """The good key gets the result and the bad one is noticed."""
    decision = decide(case("x", (KEY, "A1-1,oops")), options())

    assert isinstance(decision, TestTarget)
    assert (decision.keys, decision.notices) == (("A1-1",), ("bad-test-key",))


def test_an_issue_id_wins_over_a_key():
    """A numeric test id is resolved, and its key is used even beside a test key."""
    decision = decide(case("x", (KEY, "CALC-1"), (ID, "10055")), options(resolve={"10055": "CALC-9"}.get))

    assert isinstance(decision, TestTarget)
    assert decision.keys == ("CALC-9",)


def test_an_unresolved_id_falls_back_to_the_key_beside_it():
    """An id that nobody can resolve leaves the valid key, with a notice."""
    decision = decide(case("x", (ID, "10055"), (KEY, "CALC-1")), options())

    assert isinstance(decision, TestTarget)
    assert (decision.keys, decision.notices) == (("CALC-1",), ("test-id-unresolved",))


def test_an_unresolved_id_alone_rejects_the_case():
    """An id without a key cannot be sent."""
    decision = decide(case("x", (ID, "10055")), options())

    assert isinstance(decision, Rejected)
    assert "issue id 10055, which could not be resolved" in decision.reason


def test_a_resolver_that_answers_nonsense_is_not_believed():
    """What a resolver gives must be a key too."""
    assert isinstance(decide(case("x", (ID, "7")), options(resolve=lambda _: "../rest")), Rejected)


def test_a_key_in_place_of_an_id_is_a_key():
    """People write keys into test_id."""
    decision = decide(case("x", (ID, "CALC-7")), options())

    assert isinstance(decision, TestTarget)
    assert decision.keys == ("CALC-7",)


def test_a_key_never_carries_what_would_rewrite_the_test():
    """Labels, requirements and summary beside a key are left out with one notice."""
    decision = decide(
        case("x", (KEY, "CALC-1"), (MarkKind.TAG, "a"), (MarkKind.SUMMARY, "s"), (MarkKind.COMMENT, "c")), options()
    )

    assert isinstance(decision, TestTarget)
    assert decision.notices == ("test-info-left-out",)
    assert tuple(mark.kind for mark in decision.run_marks) == (MarkKind.COMMENT,)
    assert decision.definition is None
    assert decision.summary == ""


def test_projects_that_are_not_listed_are_not_allowed():
    """With `key-projects` a report may name Tests of those projects only."""
    allowed = options(key_projects=frozenset({"CALC"}))

    assert isinstance(decide(case("x", (KEY, "CALC-1")), allowed), TestTarget)
    assert isinstance(decide(case("x", (KEY, "HR-1")), allowed), Rejected)
    assert isinstance(decide(case("x", (MarkKind.PROJECT, "HR")), allowed), Rejected)
    mixed = decide(case("x", (KEY, "HR-1,CALC-1")), allowed)
    assert isinstance(mixed, TestTarget)
    assert (mixed.keys, mixed.notices) == (("CALC-1",), ("test-key-not-allowed",))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (r"[A-Z]+-\d+", "adds CALC-5 up"),
        (r"\[([A-Z]+-\d+)\]", "[CALC-5] adds"),
        (r"(x+)?(?P<key>CALC-\d+)", "xxCALC-5"),
    ],
)
def test_the_pattern_finds_a_key_in_the_name(pattern: str, name: str):
    """Group `key`, else group 1, else the whole match is the key."""
    decision = decide(case(name), options(key_pattern=re2.compile(pattern)))

    assert isinstance(decision, TestTarget)
    assert decision.keys == ("CALC-5",)


def test_a_match_that_is_no_key_is_no_key():
    """`UTF-8` of a project that is not allowed, or a lower-case match, leaves the case to its identity."""
    pattern = re2.compile(r"[A-Za-z]+-\d+")

    for name, projects in (("decodes UTF-8", frozenset({"CALC"})), ("calc-5", frozenset())):
        decision = decide(case(name), options(key_pattern=pattern, key_projects=projects))
        assert isinstance(decision, TestTarget)
        assert f"calc.Add.{name}" == decision.definition


def test_a_pattern_reads_names_that_are_no_unicode():
    """A broken surrogate in a name does not break the pattern's engine."""
    decision = decide(case("\ud800 CALC-5"), options(key_pattern=re2.compile(r"CALC-\d+")))

    assert isinstance(decision, TestTarget)
    assert decision.keys == ("CALC-5",)


@pytest.mark.parametrize(
    ("classname", "suite", "definition"),
    [
        ("calc.Add", ("s",), "calc.Add.adds"),
        (None, ("outer", "inner"), "inner.adds"),
        (None, ("outer", ""), "outer.adds"),
        (None, ("", ""), "adds"),
        (None, (), "adds"),
    ],
)
def test_identity_is_the_one_of_xrays_own_import(classname: str | None, suite: tuple[str, ...], definition: str):
    """Class name, else the innermost named suite, else nothing stands before the name: no duplicate Tests."""
    sample = case("adds", classname=classname, suite=suite)
    decision = decide(sample, options())

    assert isinstance(decision, TestTarget)
    assert definition == decision.definition == native_identity(sample)
    assert decision.summary == "adds"


def test_an_empty_name_keeps_xrays_identity_and_gets_a_summary():
    """A nameless case of a class keeps `classname.` as its identity; Jira needs a summary, so the class name is it."""
    decision = decide(case("", classname="a.B"), options())

    assert isinstance(decision, TestTarget)
    assert (decision.definition, decision.summary) == ("a.B.", "a.B")


def test_identity_keeps_every_character_that_xml_can_hold():
    """Only what no XML report can say is left out of a definition, with a notice; odd characters of XML stay."""
    odd, broken = (decide(case(name), options()) for name in ("a\x7f\x85\u200b\ufeffb", "a\x00\x1b\ud800b"))

    assert isinstance(odd, TestTarget)
    assert isinstance(broken, TestTarget)
    assert (odd.definition, odd.notices) == ("calc.Add.a\x7f\x85\u200b\ufeffb", ())
    assert (broken.definition, broken.notices) == ("calc.Add.a\ufffdb", ("definition-cleaned",))


def test_a_case_without_any_name_is_rejected():
    """Nothing finds a Test for a case without name, class and suite."""
    assert isinstance(decide(case("", classname=None, suite=()), options()), Rejected)


def test_summaries_are_one_line_and_fit_jira():
    """A summary has no line ends and at most 255 characters; the definition keeps the whole name."""
    decision = decide(case("a\nb " + "x" * 300), options())

    assert isinstance(decision, TestTarget)
    assert decision.summary.startswith("a b x")
    assert len(decision.summary) == 255
    assert decision.definition is not None
    assert decision.definition.endswith("a\nb " + "x" * 300)


def test_long_names_stay_apart_where_the_summary_finds_the_test():
    """Tests found by summary do not fall together because their names are cut."""
    one, two = (decide(case("x" * 300 + end), options(test_type="Manual")) for end in "ab")

    assert isinstance(one, TestTarget)
    assert isinstance(two, TestTarget)
    assert one.summary != two.summary
    assert len(one.summary) == 255
    assert one.definition is None


def test_marks_fill_the_test():
    """Requirements, labels, summary and description go into a Test found by identity; what is no key is noticed."""
    decision = decide(
        case(
            "x",
            (MarkKind.REQUIREMENT, "CALC-1,CALC-2"),
            (MarkKind.REQUIREMENT, "later"),
            (MarkKind.TAG, "two words,b"),
            (MarkKind.TAG, "b"),
            (MarkKind.SUMMARY, "S"),
            (MarkKind.DESCRIPTION, "D"),
            (MarkKind.DEFINITION, "def"),
            (MarkKind.PROJECT, "P2"),
        ),
        options(),
    )

    assert isinstance(decision, TestTarget)
    assert (
        decision.requirements,
        decision.labels,
        decision.summary,
        decision.description,
        decision.definition,
        decision.project,
        decision.notices,
    ) == (("CALC-1", "CALC-2"), ("two_words", "b"), "S", "D", "def", "P2", ("bad-requirement-key",))


@pytest.mark.parametrize("unmapped", ["skip", "fail"])
def test_without_key_nothing_is_created_unless_wanted(unmapped: str):
    """`unmapped: skip` and `fail` leave a case without key unmapped, even without a project."""
    assert isinstance(decide(case(), options(unmapped=unmapped, project=None)), Unmapped)
    assert isinstance(decide(case("x", (KEY, "A1-1")), options(unmapped=unmapped)), TestTarget)


def test_creating_needs_a_project():
    """Nobody said in which project the Test lies."""
    assert isinstance(decide(case(), options(project=None)), NoProject)
    assert isinstance(decide(case("x", (MarkKind.TAG, "t")), options(project=None)), NoProject)


def test_only_generic_and_cucumber_have_no_steps():
    """Test types but two are taken for step-based."""
    assert [step_based(name) for name in ("Generic", "cucumber", "Manual", "Exploratory")] == [False, False, True, True]
