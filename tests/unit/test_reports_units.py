"""XML as streams of small trees: what is kept, what is dropped, what is refused."""

from io import BytesIO

import pytest
from format_reading import cases_of, problems_of, slug_of

from xray_ci.model import CUT, Case, Outcome
from xray_ci.reports import boost, catch2, check, cppunit, ctest, elements, nunit, qtest, robot, testng, trx, xunit
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, TRUNCATED, UNSAFE

ALL = pytest.mark.parametrize(
    "module",
    [nunit, xunit, testng, trx, robot, ctest, catch2, boost, qtest, cppunit, check],
    ids=lambda module: module.__name__,
)
SHAPE = elements.Shape(
    roots=("r",),
    units=frozenset({"t"}),
    scopes=frozenset({"s"}),
    dropped=frozenset({"x"}),
    inside={"t": frozenset({"a", "k"}), "k": frozenset({"k", "a"})},
    limits={"a": 64, "k/a": -8},
    deep={"p": lambda attributes: "yes" in attributes.values()},
)


class Seen(elements.TreeReader):
    def __init__(self):
        super().__init__()
        self.trees = []

    def unit(self, unit, /):
        self.trees.append(([scope.get("n") for scope in self.scopes], tree(unit)))


def tree(node):
    return (node.tag, node.text, [tree(child) for child in node.children])


def trees(document):
    reader = Seen()
    list(elements.read(BytesIO(document.encode()), SHAPE, reader))
    return reader.trees


def test_only_what_a_shape_wants_is_kept():
    """Scopes stand around units; other elements are ignored outside of units and dropped inside of them."""
    assert trees(
        "<r><s n='1'><any><s n='2'><x><t/></x><t><a>text</a><other><a>no</a></other></t></s></any></s></r>"
    ) == [(["1", "2"], ("t", "", [("a", "text", [])]))]


def test_prefixes_do_not_matter():
    """A namespace is whatever a writer likes."""
    assert trees("<p:r xmlns:p='u'><p:t><q:a xmlns:q='v'>1</q:a></p:t></p:r>") == [([], ("t", "", [("a", "1", [])]))]


def test_the_text_of_an_element_has_that_of_elements_in_it():
    """A message with mark-up is one text."""
    assert trees("<r><t><a>one <b>two</b> three</a></t></r>") == [([], ("t", "", [("a", "one two three", [])]))]


def test_long_texts_keep_their_beginning_and_outputs_their_end():
    """What is missing is marked; a limit may hold below one parent only."""
    ((_, (_, _, (first, second))),) = trees(f"<r><t><a>{'b' * 100_000}</a><k><a>{'o' * 100_000}end</a></k></t></r>")

    assert len(first[1]) == 64
    assert first[1].endswith(CUT)
    assert second[2][0][1].endswith("end")
    assert len(second[2][0][1]) < 5_000


def test_what_is_wanted_from_everywhere_hangs_below_what_is_kept():
    """A page that a dropped element holds is found."""
    assert trees("<r><t><k><other><p>no</p><other><p is='yes'>page</p></other></other></k></t></r>") == [
        ([], ("t", "", [("k", "", [("p", "page", [])])]))
    ]


def test_a_unit_with_very_many_details_keeps_some_and_says_so(monkeypatch):
    """Memory is bounded, and nothing is lost silently."""
    monkeypatch.setattr(elements, "NODE_LIMIT", 3)
    reader = Seen()
    said = list(elements.read(BytesIO(f"<r><t>{'<a/>' * 5}</t></r>".encode()), SHAPE, reader))

    assert len(reader.trees[0][1][2]) == 2
    assert "3 details" in said[0].cause


def test_the_characters_of_a_unit_are_bounded_and_what_is_dropped_of_it_is_none_of_them(monkeypatch):
    """A unit is counted anew after each piece of the document; its last element comes through where the rest is not."""
    monkeypatch.setattr(elements, "TREE_LIMIT", 100_000)
    full, slim = Seen(), Seen()
    many = "<a b='{}'/>".format("c" * 1_000) * 1_000
    said = list(elements.read(BytesIO(f"<r><t>{many}<k/></t></r>".encode()), SHAPE, full))
    list(elements.read(BytesIO(f"<r><t>{many.replace('<a', '<other')}<k/></t></r>".encode()), SHAPE, slim))

    assert 200 < len(full.trees[0][1][2]) < 700
    assert "details" in said[0].cause
    assert [tree[0] for tree in slim.trees[0][1][2]] == ["k"]


def test_elements_with_prefixes_are_the_same_elements():
    """What is wanted, what is wanted from everywhere, and what is dropped."""
    assert trees(
        "<n:r xmlns:n='x'><n:t><n:a>one</n:a><n:k><n:p is='yes'>page</n:p><n:o><n:p>no</n:p></n:o></n:k></n:t></n:r>"
    ) == trees("<r><t><a>one</a><k><p is='yes'>page</p><o><p>no</p></o></k></t></r>")


@ALL
def test_another_root_is_refused(module):
    """Nothing is guessed from elements inside."""
    assert slug_of(module.read, "<html><test-run/></html>") == NOT_A_REPORT


@ALL
def test_a_report_without_its_end_is_refused(module):
    """Half a report is never a whole one."""
    root = {
        "nunit": "test-run",
        "xunit": "assemblies",
        "testng": "testng-results",
        "trx": "TestRun",
        "robot": "robot",
        "ctest": "Site",
        "catch2": "Catch",
        "boost": "TestResult",
        "qtest": "TestCase",
        "cppunit": "TestRun",
        "check": "testsuites",
    }[module.__name__.rpartition(".")[2]]

    assert slug_of(module.read, f"<{root}><any>") == TRUNCATED
    assert slug_of(module.read, f"<{root}></any>") == BROKEN
    assert [problem.slug for problem in problems_of(module.read, f"<{root}/>")] == ["no-cases"]


@pytest.mark.parametrize(
    "document",
    [
        "<test-run>" + "<test-suite>" * 600,
        "<test-run>" + "<any>" * 600,
        "<test-run><test-case>" + "<any>" * 600,
        "<test-run><test-case><failure><message>" + "<b>" * 600,
    ],
)
def test_deep_nesting_is_refused(document):
    """Wherever elements nest, depth is bounded."""
    assert slug_of(nunit.read, document) == UNSAFE


def test_deep_sections_are_refused():
    """Also where elements that are kept hold themselves."""
    assert slug_of(catch2.read, "<Catch><TestCase>" + "<Section>" * 600) == UNSAFE
    assert [
        case.outcome
        for case in cases_of(
            catch2.read, f"<Catch><TestCase>{'<Section>' * 450}{'</Section>' * 450}</TestCase></Catch>"
        )
    ] == [Outcome.ERROR]


def test_an_entity_is_never_fetched():
    """All of these formats are read by the one hardened reader."""
    assert (
        slug_of(nunit.read, "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><test-run>&e;</test-run>") == UNSAFE
    )


def test_cases_stream():
    """A case is handed on long before the document ends."""

    def endless():
        yield b"<test-run>"
        while True:
            yield b"<test-case name='a' fullname='b.a' result='Passed'/>" * 10_000

    class Source:
        def __init__(self):
            self.pieces = endless()

        def read(self, _size):
            return next(self.pieces)

    assert isinstance(next(nunit.read(Source())), Case)


def test_other_encodings_are_read():
    """What the declaration says holds."""
    case = "<test-case name='ž' fullname='c.ž' result='Passed'/>"
    document = f"<?xml version='1.0' encoding='utf-16'?><test-run>{case}</test-run>".encode("utf-16")

    assert [(case.name, case.outcome) for case in cases_of(nunit.read, document)] == [("ž", Outcome.PASSED)]
