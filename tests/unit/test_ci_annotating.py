"""Rows of failed tests: the file and line in which one failed, and the key of its Test."""

from types import SimpleNamespace

import pytest

from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.pipeline.failures import FailureRows
from xray_ci.settings import config


@pytest.fixture
def rows(workspace):
    """Return what makes the rows of a run with these settings."""

    def make(**settings):
        env = {"XRAY_CI_REPORTS": "*.xml", "XRAY_CI_PROJECT": "SHOP"} | {
            f"XRAY_CI_{name.upper()}": value for name, value in settings.items()
        }
        return FailureRows(SimpleNamespace(settings=config.load({}, env, workspace, command="convert", github=False)))

    return make


def failed(trace=None, name="removes", **facts):
    """Return a failed case."""
    return Case(name=name, classname="shop.Cart", outcome=Outcome.FAILED, message="boom", trace=trace, line=3, **facts)


@pytest.mark.parametrize(
    ("file", "trace", "report"),
    [
        ("tests/test_cart.py", "tests/test_cart.py:12: AssertionError", "a.xml"),
        ("tests/test_cart.py", 'File "{workspace}/tests/test_cart.py", line 12, in x', "a.xml"),
        ("tests/test_cart.py", 'File "/builds/shop/web/tests/test_cart.py", line 12, in x', "a.xml"),
        ("web/tests/cart.ts", "at f (tests/cart.ts:12:5)", "web/build/reports/a.xml"),
        (
            "web/src/test/java/com/shop/CartTest.java",
            "at com.shop.CartTest.removes(CartTest.java:12)",
            "web/build/test-results/a.xml",
        ),
        ("src/test/kotlin/com/shop/CartTest.kt", "at com.shop.CartTest.removes(CartTest.kt:12)", "a.xml"),
    ],
)
def test_a_file_of_the_workspace_is_found(file, trace, report, rows, workspace):
    """As the trace says it, below another machine's checkout, below the report's module, below a source root."""
    (workspace / file).parent.mkdir(parents=True)
    (workspace / file).write_text("")
    row = rows().row(failed(trace.format(workspace=workspace)), report)
    assert (file, 12) == (row.file, row.file_line)


@pytest.mark.parametrize(
    "trace",
    [
        "at x (node_modules/x/y.js:1:1)",
        'File "/usr/lib/python3/site-packages/x.py", line 1, in x',
        'File "/elsewhere/y.js", line 1, in x',
        "../secret.py:1",
        "missing.py:7",
        "tests:1",
        None,
        "x" * 5000 + ".py:1",
        "a\0b.py:1",
    ],
)
def test_no_other_file_is_named(trace, rows, workspace):
    """Code of others, files that are not there, folders, and what lies outside have no place."""
    (workspace / "node_modules" / "x").mkdir(parents=True)
    for file in ("node_modules/x/y.js", "y.js"):
        (workspace / file).write_text("")
    (workspace / "tests").mkdir()
    (workspace.parent / "secret.py").write_text("")
    row = rows().row(failed(trace), "a.xml")
    assert (row.file, row.file_line, row.report, row.line) == (None, None, "a.xml", 3)


def test_the_last_call_of_python_and_the_first_of_others(rows, workspace):
    """Where it failed is the end of Python's trace and the beginning of all others."""
    for name in ("a.py", "b.py", "a.js", "b.js"):
        (workspace / name).write_text("")
    assert rows().row(failed('File "a.py", line 1, in x\nFile "b.py", line 2, in y'), "r.xml").file == "b.py"
    assert rows().row(failed("at x (a.js:1:1)\nat y (b.js:2:1)"), "r.xml").file == "a.js"


def test_only_so_many_places_are_looked_for(rows, workspace):
    """Beyond what any page shows, a failure costs no look at the disk."""
    (workspace / "a.py").write_text("")
    made = rows()
    files = [made.row(failed("a.py:1: x"), "r.xml").file for _ in range(100)]
    assert files.count("a.py") == 60
    assert files[60:] == [None] * 40


@pytest.mark.parametrize(
    ("settings", "case", "key"),
    [
        ({}, failed(), None),
        ({}, failed(marks=(Mark(kind=MarkKind.TEST_KEY, value="SHOP-3"),)), "SHOP-3"),
        ({}, failed(marks=(Mark(kind=MarkKind.TEST_KEY, value="SHOP-3; SHOP-4"),)), "SHOP-3"),
        ({}, failed(marks=(Mark(kind=MarkKind.TEST_KEY, value="../../x"),)), None),
        ({"key_projects": "SHOP"}, failed(marks=(Mark(kind=MarkKind.TEST_KEY, value="OPS-1"),)), None),
        ({"key_pattern": r"SHOP-\d+"}, failed(name="removes SHOP-7"), "SHOP-7"),
        ({"mapping": "rules:\n- when: {name: '^rem'}\n  key: SHOP-9\n"}, failed(), "SHOP-9"),
        ({"mapping": "rules:\n- when: {name: '^rem'}\n  skip: true\n"}, failed(), None),
        ({"mapping": "rules:\n- when: {name: '^add'}\n  key: SHOP-9\n"}, failed(), None),
    ],
)
def test_the_key_is_the_one_that_is_sent(settings, case, key, rows):
    """Of the report, a rule or the pattern; what is no key, or not believed, is none."""
    assert key == rows(**settings).row(case, "a.xml", ("junit",)).key


def test_a_rule_of_a_format_looks_at_each_report(rows):
    """A rule that is for one format or file alone names no Test of another."""
    made = rows(mapping="rules:\n- when: {format: junit, file: a.xml}\n  key: SHOP-9\n")
    assert [
        made.row(failed(), shown, names).key
        for shown, names in (("a.xml", ("junit",)), ("b.xml", ("junit",)), ("a.xml", ("nunit",)))
    ] == ["SHOP-9", None, None]


def test_a_message_of_many_words_is_cut(rows):
    """A row holds the beginning of names and messages alone."""
    row = rows().row(Case(name="n" * 999, outcome=Outcome.ERROR, trace="t" * 999), "a.xml")
    assert (len(row.name), len(row.message), row.outcome) == (500, 500, Outcome.ERROR)
