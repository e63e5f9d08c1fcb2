"""From a file to values: what is opened, believed, refused and checked."""

import os
import zipfile

import pytest
from report_reading import seen

from xray_ci.model import Place, Problem, Severity
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import check, identify

GOOD = b'<testsuite name="s"><testcase name="a"/></testsuite>'


def found(path, format=None):  # noqa: A002 - as the product calls it
    return FoundReport(place=Place(path=path, shown="shown.xml"), format=format)


@pytest.fixture
def written(tmp_path):
    def write(content: bytes):
        path = tmp_path / "r.bin"
        path.write_bytes(content)
        return path

    return write


def test_a_fixed_format_is_believed(written):
    """With a format named, content is not asked: a report in an unknown root is read."""
    path = written(b"<wrapper><testsuite><testcase/></testsuite></wrapper>")

    assert seen(path).slugs() == ["not-a-test-report"]
    assert seen(path, "junit").totals["tests"] == 1


@pytest.mark.parametrize(
    ("content", "name", "slug"),
    [
        (b"", "junit", "not-a-test-report"),
        (b"\x1f\x8b", "junit", "truncated-report"),
        (b"<html/>", "junit", "not-a-test-report"),
        (GOOD, "nunit", "not-a-test-report"),
        (GOOD, "xray-json", "unreadable-report"),
        (b"<tests><test prettifiedClassName='x'/></tests>", None, "no-converter"),
        (GOOD, "bundle", "no-converter"),
    ],
)
def test_what_cannot_be_read_is_one_error(written, content, name, slug):
    """With cause, path and advice."""
    report = seen(written(content), name)
    (problem,) = report.problems

    assert report.refused
    assert problem.advice
    assert slug == problem.slug


def test_a_missing_file_is_a_value(tmp_path):
    """A file that is gone, or a folder, is a problem of that report alone."""
    for path in (tmp_path / "gone.xml", tmp_path):
        assert seen(path).slugs() == ["unreadable-file"]
        assert check(found(path)).slug == "unreadable-file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path):
    """Only regular files are read."""
    os.mkfifo(tmp_path / "pipe.xml")

    assert seen(tmp_path / "pipe.xml").slugs() == ["unreadable-file"]


def test_problems_carry_the_path_that_is_shown(written):
    """A message names the file as the user knows it."""
    problem = identify(found(written(b"{")))

    assert isinstance(problem, Problem)
    assert (problem.path, problem.severity) == ("shown.xml", Severity.ERROR)


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (GOOD, True),
        (GOOD[:-3], False),
        (b"<test-run><x/></test-run>", True),
        (b"<test-run><x>", False),
        (b"<robot>" + b"<kw>" * 600 + b"</kw>" * 600 + b"</robot>", False),
        (b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///x'>]><test-run/>", False),
        (b'[{"uri": "a", "elements": []}]', True),
        (b'[{"uri": "a", "elements": []}', False),
        (b'[{"uri": "a", "elements": [NaN]}]', False),
        (b"junk\n<testsuite/>", False),
        (b'{"config": {"rootDir": "x"}, "suites": [1, 2]}', True),
        (b'{"config": {"rootDir": "x"}} more', False),
        (b"TAP version 13\n", True),
    ],
)
def test_only_whole_documents_are_sent_as_they_are(written, content, good):
    """`check` reads to the end: what is cut off, broken or unsafe is not sent natively, and nothing is mended."""
    assert good is (check(found(written(content))) is None)


def test_a_bundle_must_be_a_whole_zip(tmp_path, written):
    """A bundle is not looked into, but half an archive is none."""
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("r.xml", GOOD)
    whole = (tmp_path / "b.zip").read_bytes()

    assert None is check(found(tmp_path / "b.zip", "bundle"))
    assert check(found(written(whole[:-10]), "bundle")).slug == "unreadable-report"
