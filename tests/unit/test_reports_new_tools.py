"""Reports of tools that have one reader each.

What their words mean, what identifies a test, and what is never passed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of

from xray_ci.formats import FORMATS, named
from xray_ci.model import Outcome
from xray_ci.reports import apex, ginkgo, k6, karate, open_test_reporting, serenity, twister, words, xcresult
from xray_ci.reports.notices import BROKEN, TRUNCATED

DATA = Path(__file__).parents[1] / "data" / "reports"
_KEYS = [row.key for row in FORMATS]
SAMPLES = {
    path: row.key
    for row in FORMATS[_KEYS.index("open-test-reporting") : _KEYS.index("xrayci")]
    if row.medium in {"xml", "json"}
    for path in sorted((DATA / row.key).iterdir())
}
"""Documents of the newer formats, each in a folder called like its format."""
_NUMBER = re.compile(
    r"""(?i)((?:"(?:line|linenumber|starttime|endtime|runtime|duration|durationms|run_time)"\s*:\s*|<line_number> """
    r"""|<lineNo>|\b(?:time|ln|t|ts|durationms|duration|executionTime|runtime|timestamp)=\""""
    r"""|<Prop Name='TotalTime'[^>]*><Value>|\.(?:swift|java|go|c|ts|rb|cpp|js):)0*)(\d+)"""
)
"""Lines, times and durations, as these formats write them."""
_ANY_NUMBER = re.compile(r"""("\s*:\s*|\b[\w.:-]+=["'])(\d+)(?=(?:\.\d+)?\s*[,}\]"'])""")
"""Every number of a format that writes them under other names."""


def reader(path):
    return named(SAMPLES[path])[0].read


def ids(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_a_document_that_is_cut_is_dropped(path):
    """Wherever the end is missing, the report does not count."""
    content = path.read_bytes().rstrip()

    assert {TRUNCATED} == {slug_of(reader(path), content[: len(content) * part // 10]) for part in (3, 6, 9)}


@pytest.mark.parametrize("path", SAMPLES, ids=ids)
def test_lines_and_times_of_the_run_change_no_identity(path):
    """Source lines, line numbers and times are no part of a name."""
    text = path.read_text(encoding="iso-8859-1" if SAMPLES[path] == "teststand-xml" else "utf-8")
    numbers = _NUMBER if _NUMBER.search(text) else _ANY_NUMBER
    declared = text[: text.find("?>") + 1]  # the version of XML is no number of the run
    shifted = declared + numbers.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", text.removeprefix(declared))
    shifted = shifted.replace("2026-03-01", "2026-03-02").replace("17723556", "17723557")
    names = [
        [(case.classname, case.name) for case in cases_of(reader(path), each.encode())] for each in (text, shifted)
    ]

    assert text != shifted
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("ok", Outcome.PASSED),
        (" OK ", Outcome.PASSED),
        ("okay", Outcome.OTHER),
        (None, Outcome.OTHER),
        ("", Outcome.OTHER),
        ("timed out", Outcome.ERROR),
        ("Timeout", Outcome.ERROR),
        ("CRASHED", Outcome.ERROR),
        ("aborted", Outcome.ERROR),
    ],
)
def test_a_word_means_what_its_format_says(word, outcome):
    """Words that no table has are `other`; those of a time-out, a crash or an abort an error."""
    assert outcome is words.outcome(word, {"ok": Outcome.PASSED})


def test_more_stated_failures_than_read_are_told():
    """Both numbers are named."""
    report = {
        "summary": {"failing": 3, "testRunId": "7"},
        "tests": [{"MethodName": "a", "Outcome": "Fail", "ApexClass": {"Name": "T"}}],
    }
    (notice,) = problems_of(apex.read, json.dumps(report))

    assert (notice.slug, notice.cause) == ("stated-failures", "it states 3 failed tests, and 1 were read in it")


def test_a_list_in_another_shape_is_refused():
    """Where the list of tests is none, results would be lost."""
    assert {BROKEN} == {
        slug_of(read, json.dumps(document))
        for read, document in (
            (xcresult.read, {"testNodes": {}}),
            (karate.read, {"scenarioResults": 1}),
            (twister.read, {"testsuites": {}}),
            (ginkgo.read, {}),
            (k6.read, {"root_group": {}}),
            (apex.read, {"summary": {}}),
        )
    }


def test_an_element_that_never_ended_is_an_error():
    """A stream of events without the end of a test is a run that broke off."""
    report = "<events><started id='1' name='a'/><started id='2' parentId='1' name='b'/></events>"
    (problem,) = problems_of(open_test_reporting.read, report)

    assert ((case := case_of(open_test_reporting.read, report)).name, case.outcome) == ("b", Outcome.ERROR)
    assert problem.slug == "broken-run"


def test_a_scenario_passed_only_where_its_steps_did():
    """`failed: false` alone, with a step that failed, is no pass."""

    def only(*statuses: str) -> Outcome:
        steps = [{"step": {}, "result": {"status": status}} for status in statuses]
        return case_of(
            karate.read, json.dumps({"scenarioResults": [{"name": "a", "failed": False, "stepResults": steps}]})
        ).outcome

    assert [only("passed"), only("passed", "failed"), only("skipped"), only()] == [
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.SKIPPED,
        Outcome.OTHER,
    ]


def test_the_two_summaries_of_k6_say_the_opposite():
    """In an exported summary true is a threshold that was crossed; in the other `ok` is one that was not."""

    def only(told: object) -> Outcome:
        return case_of(k6.read, json.dumps({"metrics": {"m": {"thresholds": {"a<1": told}}}})).outcome

    assert [only(True), only(False), only({"ok": False}), only({"ok": True}), only("yes")] == [
        Outcome.FAILED,
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.PASSED,
        Outcome.OTHER,
    ]


def test_a_document_of_another_test_holds_none():
    """A file of Serenity without a title is told, not counted."""
    assert [problem.slug for problem in problems_of(serenity.read, '{"userStory": {}}')] == ["no-cases"]
