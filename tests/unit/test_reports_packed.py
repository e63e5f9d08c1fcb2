"""Reports in gzip and zip, and Playwright's blob, which is a zip: what is read of them, and what they may cost."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from report_reading import seen

from xray_ci.model import Case, Outcome
from xray_ci.reports import packed

DATA = Path(__file__).parents[1] / "data" / "reports"
GOOD = b'<testsuite name="s"><testcase name="a"/></testsuite>'
BLOB = DATA / "playwright-blob" / "report.zip"


def archive(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return held.getvalue()


def read(tmp_path, content, format=None):  # noqa: A002 - as the product calls it
    path = tmp_path / "r.bin"
    path.write_bytes(content)
    return seen(path, format)


@pytest.mark.parametrize("format_", [None, "junit"])
@pytest.mark.parametrize("pack", [gzip.compress, lambda content: archive(r=content)], ids=["gzip", "zip"])
def test_a_packed_report_holds_what_it_holds_unpacked(tmp_path, pack, format_):
    """Whatever the file is called, and with its format fixed, too."""
    assert [case.name for case in read(tmp_path, pack(GOOD), format_).cases] == ["a"]


def test_each_report_in_a_zip_is_read_and_the_rest_is_named(tmp_path):
    """Pages and images beside the reports are ignored with a notice."""
    found = read(tmp_path, archive(a=GOOD, b=b"<assemblies><assembly/></assemblies>", c=b"<!doctype html><p>"))

    assert [case.name for case in found.cases] == ["a"]
    assert sorted(found.slugs()) == ["ignored-members", "no-cases"]


def test_a_broken_report_in_a_zip_is_mended_without_losing_the_others(tmp_path):
    """A second try over mended bytes begins the one report anew, not the archive."""
    found = read(tmp_path, archive(a=GOOD, b=b'<testsuite><testcase name="x & y"/></testsuite>'))

    assert [case.name for case in found.cases] == ["a", "x & y"]
    assert found.slugs() == ["repaired-report"]


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (gzip.compress(GOOD)[:-12], "truncated-report"),
        (gzip.compress(GOOD)[:20] + b"xx" + gzip.compress(GOOD)[22:], "unreadable-report"),
        (archive(a=GOOD)[:-10], "truncated-report"),
        (archive(a=GOOD[:-5]), "truncated-report"),
        (archive(a=b"\x89PNG"), "not-a-test-report"),
        (gzip.compress(gzip.compress(GOOD)), "not-a-test-report"),
        (archive(**{"0f8fad5b-d9cb-469f-a165-70867728950e-result.json": b"{}"}), "not-a-test-report"),
        (gzip.compress(b" " * 40_000_000), "unsafe-report"),
        (archive(a=b" " * 40_000_000), "unsafe-report"),
    ],
    ids=["cut gzip", "broken gzip", "cut zip", "cut report", "image", "twice", "allure", "gzip bomb", "zip bomb"],
)
def test_an_archive_counts_whole_or_not_at_all(tmp_path, content, slug):
    """Cut, broken, without a report, or unpacking to far more than it is."""
    found = read(tmp_path, content)

    assert found.refused
    assert found.slugs()[-1] == slug


def test_an_index_that_is_too_large_is_never_read(tmp_path, monkeypatch):
    """The number of members stands at the end, and is looked at first."""
    monkeypatch.setattr(packed, "MEMBER_LIMIT", 1)

    assert read(tmp_path, archive(a=GOOD, b=GOOD)).slugs() == ["unsafe-report"]


def test_names_of_members_are_no_commands():
    """What cannot be printed is no part of a name that is shown."""
    assert packed.printable("a\n::error::b\x1b") == "a?::error::b?"


def test_a_blob_names_the_tests_of_the_json_report_of_the_same_run():
    """Both were written by Playwright in one run: only the rendered source of an error differs."""
    blob, report = seen(BLOB), seen(DATA / "playwright-blob" / "same-run.json")

    def told(case: Case) -> object:
        return (case.suite, case.classname, case.name, case.outcome.value, case.output, case.steps, case.started)

    assert sorted(map(told, blob.cases), key=str) == sorted(map(told, report.cases), key=str)
    assert {(case.name, len(case.attempts), case.marks) for case in blob.cases} == {
        (case.name, len(case.attempts), case.marks) for case in report.cases
    }


def events(tmp_path, *lines: object):
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    return read(tmp_path, archive(**{"report.jsonl": text.encode()}))


META = {"method": "onBlobReportMetadata", "params": {"version": 2}}
TEST = {"testId": "1", "title": "t", "retries": 1}
PROJECT = {
    "method": "onProject",
    "params": {"project": {"name": "p", "suites": [{"title": "a.ts", "entries": [TEST]}]}},
}


def attempt(number: int, status: object, expected: object = "passed") -> list[object]:
    return [
        {"method": "onTestBegin", "params": {"testId": "1", "result": {"id": f"{number}", "retry": number}}},
        {
            "method": "onTestEnd",
            "params": {
                "test": {"testId": "1", "expectedStatus": expected},
                "result": {"id": f"{number}", "status": status},
            },
        },
    ]


END = {"method": "onEnd", "params": {}}


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["passed"], Outcome.PASSED),
        (["failed", "passed"], Outcome.PASSED),
        (["failed", "timedOut"], Outcome.FAILED),
        (["skipped"], Outcome.SKIPPED),
        ([], Outcome.SKIPPED),
        (["weird"], Outcome.OTHER),
        ([None], Outcome.OTHER),
    ],
    ids=str,
)
def test_attempts_of_a_blob_are_one_result(tmp_path, statuses, outcome):
    """The last of them counts, as for Playwright; a word that it does not have never passes, even if it is expected."""
    lines = [line for number, status in enumerate(statuses) for line in attempt(number, status)]
    found = events(tmp_path, META, PROJECT, *lines, END)

    assert [(case.outcome, len(case.attempts)) for case in found.cases] == [(outcome, max(len(statuses) - 1, 0))]
    assert events(tmp_path, META, PROJECT, *attempt(0, "weird", "weird"), END).cases[0].outcome is Outcome.OTHER


def test_a_blob_that_broke_off_keeps_what_ended(tmp_path):
    """Without its last event tests may be missing, which is told."""
    found = events(tmp_path, META, PROJECT, *attempt(0, "passed"))

    assert [case.outcome for case in found.cases] == [Outcome.PASSED]
    assert found.slugs() == ["broken-run"]


def test_a_blob_of_another_version_is_refused(tmp_path):
    """Its events may mean something else."""
    found = events(tmp_path, {"method": "onBlobReportMetadata", "params": {"version": 3}}, PROJECT, END)

    assert found.refused
    assert "version 3" in found.problems[0].cause
