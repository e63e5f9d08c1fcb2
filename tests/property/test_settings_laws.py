"""Laws of the settings.

Sizes, templates, YAML of any bytes, and that nothing but a configuration error ever comes out.
"""

import json
import string
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.errors import ConfigurationError
from xray_ci.settings import config, configfile, flags, kinds, mapping, texts, yamltext
from xray_ci.settings.problems import Raw, WrongValueError, shown
from xray_ci.settings.table import BY_NAME, ROWS

UNITS = {"": 1, "B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
SECRET = "hunter2-hunter2"
PIECES = st.sampled_from(
    [
        "reports",
        "statuses",
        "fields",
        "labels",
        "jira-url",
        "snapshots",
        ":",
        " ",
        "\n",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "a",
        "1",
        "&a ",
        "*a",
        "'",
        '"',
        "|",
        "\t",
        "#",
        "!!str ",
        "<<",
        "---\n",
        "\x00",
        "é",
        "project",
        "SHOP",
        "summary",
        "{branch}",
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@given(st.integers(0, 10**12), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]), st.booleans())
def test_a_size_is_its_number_times_its_unit(number, unit, blank, lower):
    """In any case, with or without a blank."""
    text = f"{number}{blank if unit else ''}{unit}"
    assert number * UNITS[unit] == kinds.size(text.lower() if lower else text)


@given(st.integers(0, 10**6), st.integers(0, 999), st.sampled_from(sorted(UNITS)))
def test_a_fraction_is_rounded_down_exactly(whole, thousandths, unit):
    """No binary fraction loses or wins a byte."""
    assert (whole * 1000 + thousandths) * UNITS[unit] // 1000 == kinds.size(f"{whole}.{thousandths:03}{unit}")


@given(st.text())
def test_a_template_that_is_taken_can_be_filled_and_is_one_line(text):
    """And nothing of its values is read again."""
    try:
        texts.check(text)
    except WrongValueError:
        return
    values = dict.fromkeys(texts.PLACEHOLDERS, "{commit}\n::error::{{")
    assert len(texts.expand(text, values).splitlines()) <= 1


@given(st.text())
def test_a_url_that_is_taken_is_http_without_credentials(text):
    """Whatever stands before the host."""
    for written in (text, f"https://{text}", f"http://x{text}"):
        try:
            url = texts.base(written)
        except WrongValueError:
            continue
        assert url == texts.base(url)
        assert url.startswith(("https://", "http://"))
        assert not set("@?# \\\n") & set(url.partition("://")[2].partition("/")[0])


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())))
def test_any_config_file_gives_settings_or_a_configuration_error(folder: Path, content):
    """Found or named, broken or not; every problem says where."""
    (folder / ".xray-ci.yml").write_bytes(content)
    for chosen in ({}, {"config": ".xray-ci.yml"}):
        try:
            config.load({"reports": "a", **chosen}, {}, folder, command="convert", github=False)
        except ConfigurationError as error:
            assert error.problems
            assert all(one.where and one.what.isprintable() for one in error.problems)


@given(st.sampled_from(ROWS), st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_any_text_of_any_setting_gives_a_value_or_a_problem(folder: Path, row, text):
    """And a problem of a secret never holds it."""
    raw = Raw(f"{text}{SECRET}" if row.secret else text, row.variable)
    try:
        kinds.parse(row, raw, kinds.ValueContext(folder, (), {}))
    except WrongValueError as wrong:
        assert wrong.what.isprintable()
        assert SECRET not in wrong.what + wrong.advice


RULE = st.sampled_from(
    [
        "rules",
        "tests",
        "prefixes",
        "when",
        "key",
        "labels",
        "environment",
        "definition",
        "skip",
        "format",
        "file",
        "name",
        "class",
        "tag",
        "property",
        "test",
        "SHOP-1",
        "junit",
        "yes",
        "(?P<a>.)",
        "(",
        "{a}",
        "{name}",
        "@T_",
        "\ud800",
        "\0",
        "a b",
        "",
    ]
)
VALIDATOR = jsonschema.Draft202012Validator(configfile.document())
TREES = st.recursive(
    RULE | st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(RULE, inner, max_size=4),
    max_leaves=25,
)


@given(
    st.one_of(
        st.text(),
        st.lists(PIECES | RULE, max_size=30).map("".join),
        TREES.map(json.dumps),
        TREES.map(lambda tree: json.dumps({"rules": [{"when": tree, "key": "A1-1"}, tree], "tests": tree})),
    )
)
def test_any_text_of_a_mapping_gives_rules_or_problems_with_their_places(text):
    """As a tree of our own words, or none; what is taken is whole, and editors take it too."""
    raw = Raw(text, "--mapping")
    try:
        found = mapping.rules(raw)
    except WrongValueError as wrong:
        assert 1 <= len(wrong.each) <= 20
        assert all(one.at and one.what.isprintable() and len(one.what) < 1000 for one in wrong.each)
        assert [*wrong.each] == sorted(wrong.each, key=lambda one: one.at)
        return
    assert all(rule.keys or rule.labels or rule.environments or rule.definition or rule.skip for rule in found.rules)
    assert all(test.keys for test in found.tests.values())
    assert VALIDATOR.is_valid({"mapping": yamltext.value(text) or {}})


WORDS = st.sampled_from([*(f"--{name}" for name in BY_NAME), "import", "--json", "--no-dry-run", "=", "--"])


@given(st.lists(st.text(max_size=10) | WORDS, max_size=8))
def test_any_command_line_is_read_or_refused(arguments):
    """With an error for people, never another one."""
    try:
        found = flags.parse(arguments)
    except ConfigurationError as error:
        assert error.problems
    else:
        assert set(found.flags) <= {*BY_NAME}


@given(st.text())
def test_what_is_shown_is_printable_and_short(text):
    """No terminal and no CI log acts on it."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 62 * 10 + 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(string.printable, max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(string.ascii_letters, max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_json(value):
    """JSON is a way to write YAML, also with the characters that YAML forbids escaped."""
    assert value == yamltext.value(json.dumps(value, indent=1))
