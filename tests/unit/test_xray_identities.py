"""What is said of names that change by themselves, and of results from different places that are one Test."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from xray_runs import assembly, case, finish, names, place, run

from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.reports import globs
from xray_ci.settings import mapping
from xray_ci.settings.problems import Raw
from xray_ci.xray import identities
from xray_ci.xray.identities import KINDS
from xray_ci.xray.mapping import native_identity
from xray_ci.xray.rules import Rulebook

CHANGING = {
    "the version of a browser": [
        ("Chrome_Headless_131_0_6778_85_(Linux_x86_64).Cart", "adds"),
        ("Chrome_Headless_132_0_1_(Windows_11).Cart", "adds"),
        ("Chrome_Headless_132.1.Cart", "adds"),
    ],
    "an absolute path": [
        (r"All-Tests.C:\jenkins\workspace\shop-412\uft", r"C:\jenkins\workspace\shop-412\uft\AddsItem"),
        (r"All-Tests.D:\a\b\uft", r"D:\a\b\uft\AddsItem"),
    ],
    "the line of a source file": [("cart/verify.yml:12", "adds"), ("cart/verify.yml:14:3", "adds")],
    "the address of an object": [
        ("shop.Price", "[2] price=shop.Money@6e576b5a, rate=shop.Rate$3@1b2c6ec2 kept"),
        ("shop.Price", "[2] price=shop.Money@3f99bd52, rate=shop.Rate$3@77aa00ff kept"),
    ],
    "a random id": [
        ("shop.Cart", "adds 814a0427-61c8-4cab-bc93-1afb90dba0d2 twice"),
        ("shop.Cart", "adds e6370f8b-e900-4bc7-bc4e-cd1ce2d02758 twice"),
    ],
    "a point in time": [
        ("shop.Cart", "adds at 2026-01-05T10:00:00Z"),
        ("shop.Cart", "adds at 2026-02-06T23:59:01.123Z"),
    ],
    "a temporary folder": [
        ("shop.Cart", "reads /tmp/pytest-of-me/pytest-0/cart.db"),
        ("shop.Cart", "reads /private/var/folders/x1/T/cart.db"),
    ],
    "a port": [("shop.Cart", "asks localhost:51234 again"), ("shop.Cart", "asks 127.0.0.1:60001 again")],
}
"""Of each kind the same test in several runs."""


def told(tmp_path: Path, *cases: Case) -> list[tuple[str, str]]:
    """Return slug and cause of what is said of the identities of a run."""
    done, _ = run(assembly(tmp_path), *cases)
    return [(notice.slug, notice.cause) for notice in done.notices]


def of(classname: str, name: str, **given: object) -> Case:
    return Case(classname=classname, name=name, outcome=Outcome.PASSED, line=3, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CHANGING)
def test_the_rule_of_the_notice_makes_one_test_of_all_runs(tmp_path: Path, kind: str):
    """The notice has the name and a rule that a person can copy, and under it every run has one identity."""
    cases = [of(*each) for each in CHANGING[kind]]
    assert len({native_identity(each) for each in cases}) == len(cases)
    ((slug, cause),) = told(tmp_path, cases[0])
    assert slug == "changing-name"
    assert f" holds {kind}: " in cause
    ready = re.search(r"cuts it: (- \{.*\})$", cause)
    assert ready is not None
    book = Rulebook(mapping.rules(Raw("rules:\n" + ready[1], "mapping")), fits=globs.fits)
    book.begin("r.xml", ("junit",))
    ruled = [book.apply(each).case for each in cases]

    said = {mark.value for each in ruled for mark in each.marks if mark.kind is MarkKind.DEFINITION}
    assert len(said) == 1, said
    assert all(len(each.marks) == 1 for each in ruled)


@pytest.mark.parametrize(
    ("classname", "name"),
    [
        ("com.shop.CartTest", "adds()"),
        ("tests/cart.spec.ts", "Cart > adds 2 items for 5.00"),
        ("Cart", "GET /users/12 answers 200"),
        ("Cart", "mails me@shop.example"),
        ("Cart", "accepts 2024-02-29"),
        ("https://shop.example/cart", "opens"),
        ("ratio 16:9", "is kept"),
        ("Edge cases", "version 1.2.3 is read"),
    ],
)
def test_usual_names_say_nothing(tmp_path: Path, classname: str, name: str):
    """What stays from run to run is not told."""
    assert told(tmp_path, of(classname, name)) == []


def test_a_moment_of_another_day_is_data(tmp_path: Path):
    """A time in a name is that of the run only where the run was then."""
    then = datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert told(tmp_path, of("c", "adds at 2024-02-29T10:00:00Z", started=then)) == []


def test_who_says_a_definition_or_key_is_not_told(tmp_path: Path):
    """A Test that is found by something else may have any name."""
    marked = [
        of("c", "shop.Money@6e576b5a", marks=(Mark(kind=kind, value="SHOP-1"),))
        for kind in (MarkKind.DEFINITION, MarkKind.TEST_KEY)
    ]
    assert told(tmp_path, *marked) == []


def over(
    tmp_path: Path, *reports: tuple[str, str, list[Case]], repeats: str = "worst"
) -> tuple[list[tuple[str, str]], list[str]]:
    """Assemble reports, each a path, a format and cases; return what is said, and the statuses."""
    held = assembly(tmp_path, repeats=repeats)
    for path, family, cases in reports:
        held.begin(place(path), (family, family))
        for each in cases:
            held.add(each)
        held.commit()
    done, tests = finish(held)
    return [(notice.slug, notice.cause) for notice in done.notices], [test["status"] for test in tests]


def test_results_of_different_reports_that_are_one_test_are_told(tmp_path: Path):
    """Modules of a monorepo with equal class names: how many, which, and how to tell them apart."""
    reports = [(f"mod-{name}/build/r.xml", "junit", [case("adds"), case("pays")]) for name in "abc"]
    (said,), _ = over(tmp_path, *reports)

    assert said[0] == "merged-reports"
    assert said[1] == (
        "4 results were merged with one of the same Test, of different reports: for example `c.adds` in "
        "mod-a/build/r.xml and in mod-b/build/r.xml; if they are different tests, `executions: per-report` keeps each, "
        "or a rule of `mapping` for each part: - {when: {file: 'mod-a/**'}, definition: 'mod-a.{class}.{name}'}"
    )


def test_reports_beside_each_other_are_told_apart_by_their_names(tmp_path: Path):
    """The rule that is offered is about one file, and its part has no ending."""
    (said,), _ = over(tmp_path, ("out/a.xml", "junit", [case("adds")]), ("out/b.xml", "junit", [case("adds")]))

    assert said[1].endswith("- {when: {file: 'out/a.xml'}, definition: 'a.{class}.{name}'}")


def test_one_run_in_two_formats_is_told(tmp_path: Path):
    """Surefire and TestNG write the same results beside each other."""
    (said,), _ = over(tmp_path, ("a.xml", "junit", [case("adds")]), ("b.xml", "testng", [case("adds")]))

    assert said[0] == "merged-formats"
    assert "`c.adds` in a.xml (junit) and in b.xml (testng)" in said[1]


def test_different_suites_of_a_report_are_told(tmp_path: Path):
    """A project of Playwright, or an environment of VectorCAST, is a suite around the same names."""
    (said,) = told(tmp_path, case("adds", suite=("chromium",)), case("adds", suite=("firefox",)))

    assert said[0] == "merged-suites"
    assert "`c.adds` in build/r.xml, in 'chromium' and in 'firefox'" in said[1]


def test_rows_of_one_place_and_results_of_a_key_are_not_told(tmp_path: Path):
    """Data of one test, and what an author gave one key, are meant to meet."""
    rows = [case("adds", suite=("s",))] * 3
    keyed = [case(name, key="SHOP-1", suite=(name,)) for name in "ab"]
    assert told(tmp_path, *rows, *keyed) == []


AT = [datetime(2026, 1, 5, 10, minute, tzinfo=UTC) for minute in range(3)]
FAILED, PASSED = Outcome.FAILED, Outcome.PASSED


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ({"started": AT[2]}, {"started": AT[1]}, "PASSED"),
        ({"started": AT[1]}, {"started": AT[2]}, "FAILED"),
        ({"started": AT[1]}, {"started": AT[1]}, "FAILED"),
        ({"started": AT[2]}, {}, "FAILED"),
        ({}, {"started": AT[2]}, "FAILED"),
        ({"finished": AT[2]}, {"finished": AT[1]}, "PASSED"),
        ({"started": AT[2].replace(tzinfo=None)}, {"started": AT[1]}, "PASSED"),
    ],
)
def test_the_last_result_is_the_last_in_time(tmp_path: Path, first: dict, second: dict, status: str):
    """Whatever its file is called; without times, or with one, it is the last that was read."""
    reports = [("a.xml", "junit", [case("x", PASSED, **first)]), ("b.xml", "junit", [case("x", FAILED, **second)])]
    assert over(tmp_path, *reports, repeats="last")[1] == [status]


@pytest.mark.parametrize("policy", ["worst", "best", "last", "iterations"])
@pytest.mark.parametrize("order", [1, -1])
def test_an_earlier_attempt_never_stands_for_the_last(tmp_path: Path, policy: str, order: int):
    """A report may hold attempts as results of their own."""
    cases = [case("x", FAILED, retried=True), case("x", PASSED)][::order]
    _, tests = run(assembly(tmp_path, repeats=policy), *cases)
    assert (names(tests), tests[0]["status"]) == (["x"], "PASSED")


@pytest.mark.parametrize(("name", "said"), [("SHOP-12 adds", ["key-in-name"]), ("reads UTF-8", []), ("XSHOP-1", [])])
def test_a_plan_tells_of_keys_in_names(tmp_path: Path, name: str, said: list[str]):
    """Only those of the project, where nothing takes them for keys, and once."""
    held = assembly(tmp_path, project="SHOP")
    held._hints = "SHOP"
    done, _ = run(held, of("c", name), of("c", f"{name} twice"))
    assert [notice.slug for notice in done.notices] == said


def test_the_rules_of_the_guide_do_what_they_say():
    """Each cuts what its sentence says, of the shapes that people met."""
    guide = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    block = re.search(r"changing-name.*?```yaml\n(.*?)```", guide, re.DOTALL)
    assert block is not None
    book = Rulebook(mapping.rules(Raw("rules:\n" + block[1], "mapping")), fits=globs.fits)
    book.begin("r.xml", ("junit",))
    for first, second, made in (
        (
            "Chrome_Headless_131_0_6778_85_(Linux_x86_64).Cart",
            "Chrome_Headless_9_1_(Linux).Cart",
            "Chrome_Headless.Cart.n",
        ),
        (r"C:\agent\_work\1\s\Cart.Tests.ps1", "/w/s/Cart.Tests.ps1", "Cart.Tests.ps1.n"),
        ("/home/runner/work/verify.yml:12", "/mnt/verify.yml:14", "verify.yml.n"),
    ):
        for classname in (first, second):
            (mark,) = book.apply(of(classname, "n")).case.marks
            assert mark.value == made
    (mark,) = book.apply(of("shop.Price", "[2] price=shop.Money@6e576b5a")).case.marks
    assert mark.value == "shop.Price.[2]"
    assert book.apply(of("s", "[BeforeSuite]")).skip
    assert not book.apply(of("com.shop.CartTest", "adds")).case.marks


def test_what_a_kind_finds_holds_a_sign_of_it():
    """The quick look misses nothing that the long one would find."""
    texts = [text for pairs in CHANGING.values() for pair in pairs for text in pair]

    for text in texts:
        if any(re.search(kind.source, text) for kind in KINDS):
            assert identities._SIGNS.search(text) and identities._ANY.search(text), text
