"""Broken XML of real tools: mended to exactly what was meant, or refused."""

import pytest
from report_reading import seen

from xray_ci.model import Outcome

GOOD = '<testsuite name="s"><testcase name="a"/><testcase name="b"><failure>x</failure></testcase></testsuite>'


def written(tmp_path, content):
    path = tmp_path / "r.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return seen(path)


@pytest.mark.parametrize(
    "content",
    [
        "> npm test\nwarn <deprecated> thing\n" + GOOD,
        GOOD + "\nDone in 3.2s & gone.\n",
        GOOD + "\0\0\0",
        "\ufeff\n log\n<?xml version='1.0'?>" + GOOD,
        GOOD.replace(">x<", ">a\x1b[31mred\x00<"),
        GOOD.replace(">x<", ">&#27;&#xFFFF;<"),
        GOOD.replace(">x<", ">&nbsp;&eacute;&bogus;<"),
        GOOD.replace(">x<", ">a & b && c &amp; d<"),
        GOOD.replace(">x<", ">1 < 2, 3 <= 4<"),
        GOOD.replace('"a"', '"map<int> & co"'),
        GOOD.replace(">x<", "><![CDATA[ a ]]> b ]]> c & d ]]><"),
        GOOD.replace(">x<", ">caf\xe9<").encode("latin-1"),
        GOOD + "<!-- end --><?pi x?>trailing",
    ],
    ids=range(13),
)
def test_it_is_mended_and_told(tmp_path, content):
    """The totals are those that were meant; a notice says what was done, and nothing of the first try is left."""
    report = written(tmp_path, content)

    assert [case.outcome for case in report.cases] == [Outcome.PASSED, Outcome.FAILED]
    assert report.slugs() == ["repaired-report"]
    assert report.restarts == 1


def test_several_documents_in_one_file_are_one_report(tmp_path):
    """A tool that appends to its file has written both."""
    report = written(tmp_path, f"<?xml version='1.0'?>{GOOD}\n<?xml version='1.0'?>{GOOD}")

    assert report.totals["tests"] == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a &eacute; b &amp; &bogus; c & d", "a é b & &bogus; c & d"),
        ("red \x1b[31m &#27;", "red \ufffd[31m \ufffd"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_texts_say_what_was_meant(tmp_path, text, expected):
    """Entities are resolved, what was not escaped stays, and what XML forbids is replaced."""
    report = written(tmp_path, GOOD.replace(">x<", f">{text} \x01<"))

    assert f"{expected} \ufffd" == report.cases[1].trace


def test_single_bytes_are_read_as_windows(tmp_path):
    """Latin-1 under a UTF-8 declaration keeps its letters; what is UTF-8 around them too."""
    report = written(tmp_path, GOOD.replace('"a"', '"caf\xe9"').encode("latin-1").replace(b">x<", ">žluť<".encode()))

    assert (report.cases[0].name, report.cases[1].trace) == ("café", "žluť")


def test_lines_stay_where_they_were(tmp_path):
    """What is left out before a case leaves its line breaks."""
    report = written(tmp_path, f"one\ntwo\n<!-- a\nb -->\n{GOOD}")

    assert {5} == {case.line for case in report.cases}


@pytest.mark.parametrize(
    "content",
    [
        GOOD[:-20],
        GOOD[:-20] + GOOD,
        GOOD[30:] + GOOD,
        GOOD.replace('"b">', '"b>'),
        '<testsuite><testcase name="a/><testcase name=" b"/></testsuite>',
        GOOD.replace(">x<", "><![CDATA[ a ]]> <b/> ]]><"),
        GOOD.replace(">x<", "><![CDATA[ a ]]></failure></testcase><testcase name='no'><failure> ]]><"),
        GOOD + "<html>other</html>",
        GOOD + "</testsuite>",
        f"<!DOCTYPE x [<!ENTITY a 'b'>]>{GOOD}&",
        GOOD.replace("</testcase>", "", 1),
        GOOD.replace('name="s"', 'name="s" name="t"'),
        GOOD.replace(">x<", "><b>\x1b</i><"),
        "<b>" * 20 + GOOD,
    ],
    ids=range(14),
)
def test_what_is_not_clear_is_refused(tmp_path, content):
    """Half reports, overlapping tags and places where a test could be hidden or invented never count."""
    report = written(tmp_path, content)

    assert report.refused
    assert report.problems[-1].advice


def test_a_refusal_tells_the_first_fault(tmp_path):
    """What stands in the message is what is wrong with the file, not with the second try."""
    report = written(tmp_path, "<testsuite>\n<testcase name='a'>\x00</testcase></b>")

    assert (report.problems[0].line, report.problems[0].column) == (2, 20)


def test_what_is_mended_is_not_unsafe_twice(tmp_path):
    """The bounds of the first try hold on the second one."""
    report = written(tmp_path, "log\n" + "<testsuite>" * 600 + "</testsuite>" * 600)

    assert report.refused


def test_endless_repairs_end(tmp_path):
    """A file of ampersands is no report that forgot a few."""
    report = written(tmp_path, GOOD.replace(">x<", f">{'&' * 600_000}<"))

    assert report.problems[0].cause.endswith("too much of it is not escaped")
