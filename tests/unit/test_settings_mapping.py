"""The mapping: rules, the table of names and prefixes as values, and every mistake with its line and column."""

import re
from pathlib import Path

import jsonschema
import pytest

from xray_ci.errors import ConfigurationError
from xray_ci.settings import config, configfile, problems, yamltext
from xray_ci.settings.values import MappingRules, NamedTest, Rule

GUIDE = r"""
prefixes: {test: ["@TC_", "CASE-"], requirement: STORY_}
tests:
  com.shop.CartTest.adds an item: SHOP-12
  pays by card: [SHOP-13, SHOP-14, SHOP-13]
rules:
  - when:
      format: [Playwright, xray]
      file: "reports/api/**"
      suite: '^(?P<browser>chromium|firefox)'
      class: ^com
      name: '(?P<number>\d+)$'
      tag: [smoke, '^v(?P<version>.)']
      property: {browser: '(?P<engine>.+)', os: linux}
    key: "SHOP-{number}"
    labels: [api, "{browser}"]
    environment: "{engine}"
    definition: "old.Class.{name} {{x}}"
  - {when: {tag: quarantine}, skip: yes}
  - environments: [nightly, "{format}"]
"""


@pytest.fixture
def load(workspace):
    def made(text=None, flags=None, env=None):
        """Read `text` as the config file; flags and variables besides it."""
        if text is not None:
            (workspace / ".xray-ci.yml").write_text(text)
        return config.load({"reports": "a"} | (flags or {}), env or {}, workspace, command="convert", github=False)

    return made


@pytest.fixture
def refused(load):
    def made(text=None, flags=None, env=None):
        """Return every problem by its place; there must be one of each place."""
        with pytest.raises(ConfigurationError) as caught:
            load(text, flags, env)
        found = {problem.where: problem for problem in caught.value.problems}
        assert len(found) == len(caught.value.problems)
        return found

    return made


def indented(text):
    return "mapping:" + text.replace("\n", "\n  ")


def test_without_a_mapping_there_are_no_rules(load):
    """Nor with one that is empty, or whose parts are."""
    for text in ("", "mapping:", "mapping: {}", "mapping:\n  rules:\n  tests: ~\n  prefixes:\n"):
        assert MappingRules() == load(text).mapping


def test_a_rule_is_read_with_all_it_says(load):
    """Formats by their key, items of a list once, templates as they are, the place of its first character."""
    first = load(indented(GUIDE)).mapping.rules[0]

    assert (
        Rule(
            number=1,
            origin=".xray-ci.yml:7:7",
            formats=("playwright", "xray-json"),
            files=("reports/api/**",),
            suite="^(?P<browser>chromium|firefox)",
            classname="^com",
            name=r"(?P<number>\d+)$",
            tags=("smoke", "^v(?P<version>.)"),
            properties=(("browser", "(?P<engine>.+)"), ("os", "linux")),
            keys=("SHOP-{number}",),
            labels=("api", "{browser}"),
            environments=("{engine}",),
            definition="old.Class.{name} {{x}}",
        )
        == first
    )


def test_rules_keep_their_order(load):
    """What a rule does not say is empty; without `when` it is about every result."""
    _, second, third = load(indented(GUIDE)).mapping.rules

    assert Rule(number=2, origin=".xray-ci.yml:19:7", tags=("quarantine",), skip=True) == second
    assert Rule(number=3, origin=".xray-ci.yml:20:7", environments=("nightly", "{format}")) == third


def test_names_and_prefixes_are_read(load):
    """A name has one key or several; a prefix goes without the `@` of feature files."""
    found = load(indented(GUIDE)).mapping

    assert {
        "com.shop.CartTest.adds an item": NamedTest(keys=("SHOP-12",), origin=".xray-ci.yml:4:5"),
        "pays by card": NamedTest(keys=("SHOP-13", "SHOP-14"), origin=".xray-ci.yml:5:5"),
    } == found.tests
    assert (found.test_prefixes, found.requirement_prefixes) == (("TC_", "CASE-"), ("STORY_",))


@pytest.mark.parametrize(
    ("flags", "env", "source"),
    [
        ({"mapping": GUIDE}, {}, "--mapping"),
        ({}, {"INPUT_MAPPING": GUIDE}, "INPUT_MAPPING"),
        ({}, {"XRAY_CI_MAPPING": GUIDE}, "XRAY_CI_MAPPING"),
    ],
)
def test_flags_and_variables_hold_the_same(load, flags, env, source):
    """Places are those inside of their text."""
    found = load(None, flags, env).mapping

    assert [f"{source}:7:5", f"{source}:19:5", f"{source}:20:5"] == [rule.origin for rule in found.rules]
    assert f"{source}:4:3" == found.tests["com.shop.CartTest.adds an item"].origin


def test_json_is_a_mapping_too(load):
    """As a script would make it for a variable."""
    found = load(env={"XRAY_CI_MAPPING": '{"tests": {"a.b": ["SHOP-1"]},\n "rules": [{"skip": true}]}'}).mapping

    assert (found.rules[0].skip, found.tests["a.b"].keys) == (True, ("SHOP-1",))


@pytest.fixture
def described():
    """Return whether the published schema takes a mapping."""
    validator = jsonschema.Draft202012Validator(configfile.document())
    return lambda text: validator.is_valid({"mapping": yamltext.value(text)})


def test_editors_take_what_is_taken(described):
    """All of the guide, in lower case as the schema spells formats."""
    assert described(GUIDE.replace("Playwright", "playwright"))
    assert described("rules:\ntests: ~\nprefixes: {}")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ruls: []",
        "rules: {a: 1}",
        "tests: [a]",
        "tests: {a: []}",
        "tests: {a: {b: c}}",
        "prefixes: {tests: x}",
        "rules: [{}]",
        "rules: [{when: {name: a}}]",
        "rules: [{kei: a}]",
        "rules: [{skip: yes, when: {nme: a}}]",
        "rules: [{skip: maybe}]",
        "rules: [{skip: yes, when: {name: [a]}}]",
        "rules: [{skip: yes, when: {format: auto}}]",
        "rules: [{skip: yes, when: {property: {}}}]",
        "rules: [{skip: yes, when: {property: {a: [b]}}}]",
        "rules: [{definition: [a]}]",
    ],
)
def test_editors_see_mistakes_of_form(described, text):
    """What is left for the run: patterns, keys, placeholders."""
    assert not described(text)


def test_all_mistakes_come_together_each_with_its_line(refused):
    """Those of other settings, too."""
    found = refused(
        "project: shop\nmapping:\n  tests:\n    a.b: shop-1\n  rules:\n    - when:\n        name: '('\n      labels: a "
        "b\n"
    )

    assert sorted(found) == [".xray-ci.yml:1:1", ".xray-ci.yml:4:10", ".xray-ci.yml:7:15", ".xray-ci.yml:8:15"]
    assert {problems.WRONG} == {problem.slug for problem in found.values()}
    assert found[".xray-ci.yml:4:10"].what == "`mapping`: The key of 'a.b': 'shop-1' is not an issue key"
    assert found[".xray-ci.yml:4:10"].next == "Did you mean `SHOP-1`?"


def test_mistakes_of_a_flag_and_a_variable_have_places(refused):
    """Line and column of the text, after the name of its source."""
    assert [*refused(flags={"mapping": "rules:\n  - key: shop-1"})] == ["--mapping:2:10"]
    assert [*refused(env={"INPUT_MAPPING": "  role: 1"})] == ["INPUT_MAPPING:1:3"]
    assert [*refused(env={"XRAY_CI_MAPPING": "rules: []\n]"})] == ["XRAY_CI_MAPPING:2:1"]


@pytest.mark.parametrize(
    ("text", "place", "words", "advice"),
    [
        ("x", "1:1", "not a mapping", "prefixes, tests, rules"),
        ("[x]", "1:1", "not a mapping", "rules"),
        ("ruls: []", "1:1", "no part of a mapping 'ruls'", "`rules`"),
        ("rules: {a: 1}", "1:8", "not a list", "when"),
        ("tests: [a]", "1:8", "not a mapping of names", "SHOP-12"),
        ("prefixes: x", "1:11", "not a mapping", "test, requirement"),
        ("prefixes: {tests: x}", "1:12", "kind of prefix 'tests'", "`test`"),
        ("prefixes: {test: '@'}", "1:18", "not a prefix", "TC_"),
        ("prefixes: {test: 'TC '}", "1:18", "not a prefix", "blanks"),
        ("prefixes: {test: [A_, B_], requirement: [C_, B_]}", "1:41", "for Tests and for requirements", "one of them"),
        ("tests: {a: SHOP-0}", "1:12", "not an issue key", "SHOP-12"),
        ("tests: {a: }", "1:12", "empty", "Correct"),
        ("tests: {a: [SHOP-1, b]}", "1:21", "not an issue key", "looks like"),
        ("tests: {a: {b: c}}", "1:12", "one text", "Correct"),
        ("tests: {a: []}", "1:12", "empty list", "Correct"),
        ("tests: {'': A1-1}", "1:9", "empty", "Correct"),
        ('tests: {"a\\nb": A1-1}', "1:9", "line break", "one line"),
        ("rules: [x]", "1:9", "Rule 1: It is not a mapping", "when, key"),
        ("rules: [{}]", "1:9", "says nothing", "skip"),
        ("rules: [{skip: no}]", "1:9", "says nothing", "key"),
        ("rules: [{skip: maybe}]", "1:16", "neither true nor false", "Correct"),
        ("rules: [{when: {name: a}}]", "1:9", "says nothing", "labels"),
        ("rules: [{skip: yes}, {kei: A1-1}]", "1:23", "Rule 2: There is no part of a rule 'kei'", "`key`"),
        ("rules: [{skip: yes, when: }]", "1:27", "not a mapping", "format, file"),
        ("rules: [{skip: yes, when: {nme: a}}]", "1:28", "no condition 'nme'", "`name`"),
        ("rules: [{skip: yes, when: {name: }}]", "1:34", "empty", "Correct"),
        ("rules: [{skip: yes, when: {name: [a]}}]", "1:34", "one text", "Correct"),
        ("rules: [{skip: yes, when: {name: '(?=a)'}}]", "1:34", "RE2", "Lookaround"),
        ("rules: [{skip: yes, when: {tag: [a, 'b(']}}]", "1:37", "RE2", "Lookaround"),
        ("rules: [{skip: yes, when: {format: auto}}]", "1:36", "not a format", "formats.md"),
        ("rules: [{skip: yes, when: {format: [junit, playwrite]}}]", "1:44", "not a format", "`playwright`"),
        ("rules: [{skip: yes, when: {file: '!a'}}]", "1:34", "excludes", "without `!`"),
        ("rules: [{skip: yes, when: {property: a}}]", "1:38", "names to patterns", "chrome"),
        ("rules: [{skip: yes, when: {property: {a: '('}}}]", "1:42", "RE2", "Lookaround"),
        ("rules: [{skip: yes, when: {property: {a: [b]}}}]", "1:42", "one text", "Correct"),
        ("rules: [{skip: yes, when: {name: '(?P<class>a)'}}]", "1:34", "group 'class' is taken", "otherwise"),
        ("rules: [{skip: yes, when: {name: '(?P<a>a)', tag: '(?P<a>a)'}}]", "1:51", "group 'a' is taken", "otherwise"),
        ("rules: [{key: '{number}'}]", "1:15", "no placeholder '{number}'", "{name}"),
        ("rules: [{key: 'shop-{name}'}]", "1:15", "never become an issue key", "upper case"),
        ("rules: [{key: 'SHOP-{{1'}]", "1:15", "never become an issue key", "upper case"),
        ("rules: [{key: [B1-1, a1-1]}]", "1:22", "not an issue key", "`A1-1`"),
        ("rules: [{key: }]", "1:15", "empty", "Correct"),
        ("rules: [{labels: [a b]}]", "1:19", "not a label", "item"),
        ("rules: [{labels: '{x'}]", "1:18", "brace", "{{"),
        ("rules: [{environment: a;b}]", "1:23", "not a Test Environment", "list"),
        ("rules: [{environment: a, environments: b}]", "1:9", "both `environment` and", "keep one"),
        ("rules: [{definition: [a]}]", "1:22", "one text", "Correct"),
        ("rules: [{definition: '{clas}'}]", "1:22", "no placeholder", "{class}"),
    ],
)
def test_a_mistake_is_named_with_its_place(refused, text, place, words, advice):
    """The nearest known name, the reason, and what to do."""
    [(where, problem)] = refused(env={"XRAY_CI_MAPPING": text}).items()

    assert f"XRAY_CI_MAPPING:{place}" == where
    assert words in problem.what
    assert advice in problem.next


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [" + "{skip: true}," * 1001 + "]", "1001 rules"),
        pytest.param(
            "tests: {" + ",".join(f"a{number}: A1-1" for number in range(20_001)) + "}",
            "20001 entries",
            marks=pytest.mark.proof,
        ),
        ("tests: {a: [" + ",".join(f"A1-{number}" for number in range(1, 102)) + "]}", "101 items"),
        ("tests: {? " + "a" * 2001 + " : A1-1}", "longer than 2000"),
        ("rules: [{skip: true, when: {name: " + "a" * 1001 + "}}]", "longer than 1000"),
        ("rules: [{labels: " + "a" * 256 + "}]", "not a label"),
        ("rules: [{environment: " + "a" * 256 + "}]", "at most 255"),
        ("prefixes: {test: " + "a" * 101 + "}", "not a prefix"),
        (
            "rules: [{skip: true, when: {property: {" + ",".join(f"a{number}: b" for number in range(101)) + "}}}]",
            "101 properties",
        ),
    ],
)
def test_a_mapping_is_bounded(refused, text, words):
    """A pull request may write it."""
    [problem] = refused(env={"XRAY_CI_MAPPING": text}).values()

    assert words in problem.what
    assert len(problem.what) < 300


def test_a_thousand_mistakes_are_told_as_twenty(refused):
    """Nobody reads more at once."""
    assert (
        len(refused(env={"XRAY_CI_MAPPING": "tests: {" + ",".join(f"a{number}: b" for number in range(1000)) + "}"}))
        == 20
    )


def test_a_mapping_of_full_size_is_read(load):
    """Twenty thousand names of usual length fit into the file."""
    found = load(
        "mapping:\n  tests:\n"
        + "".join(
            f"    com.example.shop.checkout.CartServiceIntegrationTest.adds item {number} to the cart of a customer: "
            f"SHOP-{number}\n"
            for number in range(1, 20_001)
        )
    )

    assert [*found.mapping.tests.values()][-1].origin == ".xray-ci.yml:20002:5"


def test_the_guide_shows_what_works(load):
    """Every mapping in docs/mapping.md is read as it stands there, alone or as rules."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "mapping.md").read_text("utf-8")
    blocks = [
        block
        for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        if block.lstrip().startswith(("mapping:", "- when"))
    ]

    found = [load(block if block.startswith("mapping") else f"mapping:\n  rules:\n{block}").mapping for block in blocks]

    assert len(found) == 11
    assert MappingRules() not in found


def test_a_pull_request_may_change_the_mapping_and_no_bound(refused):
    """How results map is part of the code under test; how many Tests may be made, and what is hidden, is not."""
    found = refused("mapping: {rules: [{skip: true}]}\nmax-new-tests: 9\nscrub: x\nexecutions: per-report\n")

    assert {".xray-ci.yml:2:1", ".xray-ci.yml:3:1", ".xray-ci.yml:4:1"} == {*found}
    assert {problems.UNTRUSTED} == {problem.slug for problem in found.values()}
