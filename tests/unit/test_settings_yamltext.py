"""YAML with places: the values of YAML 1.2's core, bounded, and the same with and without PyYAML's C parser."""

import pytest
import yaml

from xray_ci.settings import yamltext


@pytest.fixture(params=["c", "python"], autouse=True)
def parser(request, monkeypatch):
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ("12", 12),
        ("-0", 0),
        ("007", "007"),
        ("1.50", 1.5),
        ("'1.50'", "1.50"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        (".", "."),
        ("e1", "e1"),
        ("1.2.3", "1.2.3"),
        ("1_000", "1_000"),
        ("!!str 12", "12"),
        ("[a, {b: }]", ["a", {"b": None}]),
        ("|\n a\n b\n", "a\nb\n"),
        ("9" * 101, "9" * 101),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ('{"a":\t1}', {"a": 1}),
    ],
)
def test_values(text, value):
    """Only the words that JSON has are anything but text."""
    assert value == yamltext.value(text)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1),
        ("a:\n  - !!binary x", 2, 5),
        ("a: &a [*a]", 1, 8),
        ("a: *b", 1, 4),
        ("<<: {a: 1}", 1, 1),
        ("{[a]: b}", 1, 2),
        ("a: 1\n---\nb: 1", 2, 1),
        ("a\tb: \x07", 1, 6),
        ("é: \x07", 1, 4),
        ("a: b: c", 1, 5),
    ],
)
def test_mistakes_have_places(text, line, column):
    """Counted from one, in characters."""
    with pytest.raises(yamltext.NotYamlError) as caught:
        yamltext.read(text)

    assert (line, column) == (caught.value.line, caught.value.column)


@pytest.mark.parametrize("text", ["", "# nothing", "---", "---\n...", "\ufeff"])
def test_nothing_is_nothing(text):
    """An empty file sets nothing."""
    assert yamltext.read(text) is None


def test_a_bomb_of_aliases_is_refused_before_it_grows():
    """Nine levels of nine are a billion values."""
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
    )

    with pytest.raises(yamltext.NotYamlError, match="values"):
        yamltext.read(text)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "{a: " * 10_000, "\n".join(" " * n + "a:" for n in range(1000))]
)
def test_depth_is_bounded(text):
    """Whatever the style, and without running out of stack."""
    with pytest.raises(yamltext.NotYamlError):
        yamltext.read(text)


def test_places_are_found_by_path():
    """Of the value, or of the deepest one on the way."""
    root = yamltext.read("a:\n  - b: 1\n    c: 2\n")

    assert [
        (node.line, node.column)
        for node in (root.at(("a", 0, "b")), root.at(("a", 0, "c")), root.at(("a", 0, "d")), root.at(("a", 7)))
    ] == [(2, 8), (3, 8), (2, 5), (2, 3)]
