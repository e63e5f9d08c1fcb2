"""The table of runners: how one Test is written for each, and that no name of a Test is more than a name."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import time
from pathlib import Path

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.pipeline.runners import RUNNERS, Circumstances, render
from xray_ci.pipeline.selecting import NAMES
from xray_ci.services.store import ExistingTest
from xray_ci.settings.commands import COMMANDS

CHECKOUT = Path(__file__).resolve().parents[2]
NOWHERE = Circumstances(folder=Path("/dev/null"))
OF_JAVASCRIPT = ("playwright", "jest", "vitest")
TEXTS = st.text(min_size=1, max_size=60)
HOSTILE = st.lists(
    st.one_of(
        TEXTS, st.sampled_from(["$(x)", "`x`", "';x", '"', "\\", " > ", ".", "::a::", "##vso[a]b", "\n", "--x", "|"])
    ),
    min_size=1,
    max_size=6,
).map("".join)


def one(definition, key="SHOP-12", test_type="Generic"):
    return ExistingTest(key=key, test_type=test_type, definition=definition or None, summary="a summary")


def written(name, *definitions, around=NOWHERE):
    tests = [one(each, f"SHOP-{number}") for number, each in enumerate(definitions, start=1)]
    return render(RUNNERS[name], tests, around)


def found(name, pattern, text):
    """Say whether a runner's pattern finds a test by what the runner looks at."""
    return re.search(pattern, text, re.IGNORECASE if name == "jest" else 0) is not None


def test_the_words_are_those_of_the_help():
    """Help, table and documentation name the same runners, and each how it gets its filter."""
    option = next(each for each in COMMANDS["select"].options if each.name == "for")
    page = (CHECKOUT / "docs" / "select.md").read_text("utf-8")

    assert option.help == f"One of {', '.join(NAMES)}."
    assert re.findall(r"^\| `(\w+)` \|", page.partition("| `--for` |")[2], re.MULTILINE) == [*NAMES]
    assert [each.name for each in RUNNERS.values() if each.name != "names" and f"`{each.how}`" not in page] == []


@pytest.mark.parametrize(
    ("name", "definition", "expected"),
    [
        ("pytest", "tests.test_shop.test_adds", "tests/test_shop.py::test_adds"),
        ("pytest", "tests.test_shop.TestCart.test_adds[a.b::c]", "tests/test_shop.py::TestCart::test_adds[a.b::c]"),
        ("pytest", "test_shop.test_adds", "test_shop.py::test_adds"),
        ("robot", "Shop.Cart.Adds [1] *?", "--test Shop.Cart.Adds [[]1] [*][?]"),
        ("maven", "shop.cart.CartTest.adds", "shop.cart.CartTest#adds"),
        ("maven", "shop.Cart$Inner.adds", "shop.Cart?Inner#adds"),
        ("maven", "CartTest.adds 1.5, + # items", "CartTest#adds?1?5??????items"),
        ("gradle", "shop.CartTest.adds one", "--tests shop.CartTest.adds*one"),
        ("dotnet", "Shop.Tests.Outer+Inner.Adds", "FullyQualifiedName=Shop.Tests.Outer+Inner.Adds"),
        ("go", "example.com/shop.TestAdds", "^TestAdds$"),
        ("go", "example.com/shop.TestAdds/two_items#01", r"^TestAdds$/^two_items\x2301$"),
        ("go", "TestAdds", "^TestAdds$"),
        ("cypress", "adds one.Cart adds one", '{"grep":"Cart adds one"}'),
        ("cypress", 'a "$x".Cart a "$x"', r'{"grep":"Cart a \u0022\u0024x\u0022"}'),
        ("cucumber", "", "@SHOP-1 or @TEST_SHOP-1"),
        ("behave", "", "@SHOP-1,@TEST_SHOP-1"),
        ("robot", "", "--include shop-1\n--include test_shop-1"),
        ("names", "", "a summary"),
    ],
)
def test_a_test_as_a_runner_is_told(name, definition, expected):
    """By its definition, in the runner's own words; by its key where the runner has tags."""
    selection = written(name, definition)

    assert (selection.text, selection.untold, selection.wide) == (expected, (), ())


@pytest.mark.parametrize(
    ("name", "definition", "expected"),
    [
        ("maven", "shop.CartTest.adds(int)[1]", "shop.CartTest#adds"),
        ("gradle", "shop.CartTest.adds[2]", "--tests shop.CartTest.adds"),
        (
            "dotnet",
            "Shop.CartTests.Adds(1,2)",
            r"FullyQualifiedName=Shop.CartTests.Adds|FullyQualifiedName~Shop.CartTests.Adds\(",
        ),
    ],
)
def test_rows_that_no_filter_tells_apart(name, definition, expected):
    """All of them run, and that is said."""
    selection = written(name, definition)

    assert (selection.text, [each.key for each in selection.wide]) == (expected, ["SHOP-1"])


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("pytest", ""),
        ("pytest", "test_adds"),
        ("pytest", "../../etc.test_adds"),
        ("pytest", "-p evil.test_adds"),
        ("pytest", "a..test_adds"),
        ("pytest", "a.test_adds[1"),
        ("pytest", "a.test_adds[1\n2]"),
        ("pytest", "a.test_adds[##vso[task.setvariable]]"),
        ("robot", "Shop.Adds\n--listener evil"),
        ("maven", "shop.CartTest.[1] 2, 3"),
        ("maven", "adds"),
        ("gradle", ""),
        ("dotnet", "Shop.Tests.Adds one"),
        ("go", "example.com/shop.adds"),
        ("cypress", "a; b"),
        ("cypress", "-a"),
    ],
)
def test_what_a_runner_cannot_be_told(name, definition):
    """It is named, and nothing is printed for it; of others all the same."""
    selection = render(RUNNERS[name], [one(definition)], NOWHERE)
    beside = written(name, definition, "shop.CartTest.test_adds")

    if name != "robot":
        assert (selection.text, [each.key for each in selection.untold]) == ("", ["SHOP-12"])
    assert "evil" not in beside.text
    assert name in ("dotnet", "go") or (beside.text and [each.key for each in beside.untold] == ["SHOP-1"])


def test_robot_is_told_names_or_tags():
    """Both in one run would select only tests that have both: a Test without definition is named instead."""
    selection = render(RUNNERS["robot"], [one("", "STORE-1", "Manual"), one("Shop.Adds", "STORE-2")], NOWHERE)

    assert (selection.text, [each.key for each in selection.untold]) == ("--test Shop.Adds", ["STORE-1"])


def test_files_of_python_are_looked_for(tmp_path):
    """A class and a module look alike in a definition: the folder says which is which."""
    (tmp_path / "Tests").mkdir()
    (tmp_path / "Tests" / "CartTest.py").touch()

    assert (
        written("pytest", "Tests.CartTest.Inner.test_adds", around=Circumstances(folder=tmp_path)).text
        == "Tests/CartTest.py::Inner::test_adds"
    )


def test_prefixes_of_the_mapping_are_tags():
    """Besides `TEST_`, which Xray writes."""
    around = Circumstances(folder=Path("/dev/null"), prefixes=("TEST_", "TC_"))

    assert written("behave", "", around=around).text == "@SHOP-1,@TEST_SHOP-1,@TC_SHOP-1"


@pytest.mark.parametrize(
    ("name", "definition", "title"),
    [
        ("playwright", "cart.spec.js.Cart \u203a adds 1.5 items", "chromium cart.spec.js Cart adds 1.5 items @smoke"),
        ("playwright", "cart.spec.js > Cart > inner.js.adds", "cart.spec.js Cart inner.js adds"),
        ("jest", "Cart adds.Cart adds", "Cart adds"),
        ("jest", "cart.test.js > Cart > inner.adds 1.5", "Cart inner adds 1.5"),
        ("vitest", "src/cart.test.ts.Cart > adds", "Cart adds"),
        ("vitest", "src/cart.test.ts.top", "top"),
        ("jest", "Renamed.Renamed", "SHOP-1 another name"),
        ("playwright", "renamed", "cart.spec.js another name @TEST_SHOP-1"),
    ],
)
def test_a_title_that_a_pattern_finds(name, definition, title):
    """As the runner sees it, by its definition or by its key; longer titles and longer keys are others."""
    pattern = written(name, definition).text

    assert found(name, pattern, title)
    assert not found(name, pattern, title.replace("SHOP-1", "SHOP-17").replace(" @smoke", "") + " two")


@given(HOSTILE)
def test_law_a_pattern_of_javascript_finds_its_own_title_and_holds_no_sign_of_it(definition):
    """Each runner's pattern finds the titles it was made from; of a name it holds letters and digits alone."""
    for name in OF_JAVASCRIPT:
        pattern = written(name, definition).text
        units = definition.strip().encode("utf-16-be", "surrogatepass")
        title = "".join(chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))

        assert re.fullmatch(r"[A-Za-z0-9\\()?:|^$\[\].>@*+_-]*", pattern)
        assert not title or found(name, pattern, title)


@given(HOSTILE)
def test_law_go_finds_its_own_name(name):
    """Go's pattern of a level finds that level and nothing longer."""
    text = written("go", f"example.com/shop.TestAdds/{name}").text
    if "\n" in name:
        return
    levels = text.split("/")

    assert len(levels) == 1 + len(f"/{name}".split("/")) - 1
    assert re.fullmatch(r"[A-Za-z0-9_\\{}^$/]*", text)
    assert all(
        re2.fullmatch(level.strip("^$"), each)
        for level, each in zip(levels[1:], name.split("/"), strict=True)
        if each.isascii()
    )


@given(HOSTILE, HOSTILE)
def test_law_what_is_printed_is_no_command(first, second):
    """Whatever two Tests are called: words of a shell stay the words of our own, lines stay one for each."""
    tests = [one(f"shop.CartTest.{first}", "SHOP-1"), one(f"{second}.test_it[{first}]", "SHOP-2")]
    for name in ("maven", "gradle", "dotnet", "cucumber", "behave"):
        text = render(RUNNERS[name], tests, NOWHERE).text
        assert not set(text) & set("$`'\";&<>\n\t{}"), name
        assert name in ("cucumber", "dotnet") or all(
            word == "--tests" or not word.startswith("-") for word in shlex.split(text.replace("\\", ""))
        )
    for line in render(RUNNERS["pytest"], tests, NOWHERE).text.splitlines():
        assert re.match(r"\w[\w/-]*\.py::", line)
    for line in render(RUNNERS["robot"], tests, NOWHERE).text.splitlines():
        assert line.startswith(("--test ", "--include "))
    cypress = render(RUNNERS["cypress"], tests, NOWHERE).text
    assert not cypress or [*json.loads(cypress)] == ["grep"]
    assert not set(cypress) & set("$`'&|<>\n")
    assert len(render(RUNNERS["names"], tests, NOWHERE).text.splitlines()) <= 2


@given(TEXTS)
def test_law_robot_finds_its_own_name(name):
    """Signs of its patterns stand for themselves."""
    text = written("robot", name).text

    if text.startswith("--test "):
        assert fnmatch.fnmatchcase(name, text.removeprefix("--test "))


@pytest.mark.parametrize("definition", ["A." * 2_000 + "\n", "." * 1_000_000, "a.a " * 900, "[" * 100_000])
def test_a_definition_takes_no_time(definition):
    """Whatever its length or structure."""
    began = time.process_time()
    for runner in RUNNERS.values():
        render(runner, [one(definition)], NOWHERE)

    assert time.process_time() - began < 2
