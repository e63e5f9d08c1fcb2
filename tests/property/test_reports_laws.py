"""Laws of reading: whatever the bytes, the outcome is values, soon, and never half a report."""

from __future__ import annotations

import re
import time
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_reading import cases, seen

from xray_ci.errors import UnreadableReport
from xray_ci.formats import FORMATS
from xray_ci.model import Case, Outcome
from xray_ci.reports import junit, xray_json
from xray_ci.reports.detect import format_of
from xray_ci.reports.globs import expanded, parts
from xray_ci.reports.mend import Mender
from xray_ci.reports.notices import Fault
from xray_ci.reports.texts import LONGEST, cut, markers, seconds, tail, timestamp

DATA = Path(__file__).parents[1] / "data" / "reports"
SAMPLES = sorted(
    path.read_bytes()
    for folder in ("junit", "xray-json", "negative")
    for path in (DATA / folder).iterdir()
    if path.stat().st_size < 20_000
)
PIECES = [
    b"<testsuite>",
    b"<testcase name='a'>",
    b"</testcase>",
    b"</testsuite>",
    b"<failure>",
    b"</failure>",
    b"<![CDATA[",
    b"]]>",
    b"&",
    b"&lt;",
    b"&#27;",
    b"<",
    b">",
    b'"',
    b"'",
    b"\0",
    b"\x1b",
    b"\xff",
    "ž".encode(),
    b"<!--",
    b"-->",
    b"<!DOCTYPE x [",
    b"]>",
    b"<?xml version='1.0'?>",
    b"[[ATTACHMENT|a]]",
    b'{"tests": [',
    b'{"testKey": "A-1", "status": "PASS"}',
    b",",
    b"]}",
    b" ",
    b"\n",
    b"text",
    b"<property name='test_key' value='A-1'/>",
    b"<testcase/>",
]

# Text that XML can hold.
xml_text = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, blacklist_categories=["Cs"]), max_size=40)
unsafe_bytes = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.tuples(st.sampled_from(SAMPLES), st.integers(0, 20_000), st.integers(0, 200), st.binary(max_size=20)).map(
        lambda chosen: chosen[0][: chosen[1]] + chosen[3] + chosen[0][chosen[1] + chosen[2] :]
    ),
)


@st.composite
def documents(draw):
    """Return well-formed JUnit XML, and names with outcomes of its cases."""
    expected, body = [], []
    for name, kind in draw(
        st.lists(st.tuples(xml_text, st.sampled_from(["", "failure", "error", "skipped"])), max_size=8)
    ):
        inside = f"<{kind}>{escape(draw(xml_text))}</{kind}>" if kind else ""
        body.append(
            f"<testcase name={quoteattr(name)}>{inside}<system-out>{escape(draw(xml_text))}</system-out></testcase>"
        )
        expected.append(
            (
                re.sub(r"[\t\n\r]", " ", name),
                {"": Outcome.PASSED, "failure": Outcome.FAILED, "error": Outcome.ERROR, "skipped": Outcome.SKIPPED}[
                    kind
                ],
            )
        )
    return f"<testsuite>{''.join(body)}</testsuite>".encode(), expected


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("laws") / "r.bin"


@given(content=unsafe_bytes, name=st.sampled_from([None, "junit", "xray-json"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_become_values(place, content, name):
    """Cases and problems with a cause and a path, never an exception, and never long."""
    place.write_bytes(content)
    begun = time.process_time()

    report = seen(place, name)

    assert time.process_time() - begun < 30  # a guard against hanging, not a measurement
    assert all(problem.cause and problem.path == "r.bin" for problem in report.problems)
    assert sum(report.totals[outcome.value] or 0 for outcome in Outcome) == (report.totals["tests"] or 0)
    for case in report.cases:
        repr(case).encode()


@given(content=unsafe_bytes)
def test_looking_never_fails(content):
    """Every head is a format or a refusal that says something."""
    try:
        assert format_of(content) in FORMATS
    except UnreadableReport as error:
        assert error.what


@given(document=documents())
def test_a_well_formed_report_is_read_as_it_is(document):
    """Each case in order, with its name and outcome."""
    content, expected = document

    assert expected == [(case.name, case.outcome) for case in cases(content)]


@given(document=documents())
def test_mending_what_is_whole_changes_nothing(document):
    """The second try over good bytes is the first."""
    content, expected = document
    mender = Mender(BytesIO(content))

    read = [item for item in junit.read(mender) if isinstance(item, Case)]

    assert expected == [(case.name, case.outcome) for case in read]
    assert +mender.repairs == {}


@given(document=documents(), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_never_passes_for_the_whole(place, document, data):
    """A document that is cut anywhere before its end is refused, mended or not."""
    content, _ = document
    place.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])

    assert seen(place).refused


@given(document=documents(), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_control_bytes_in_texts_change_no_total(place, document, data):
    """Raw escape characters wherever text may stand are mended to the same outcomes."""
    content, expected = document
    spots = [found.end() for found in re.finditer(rb"<(?:system-out|failure|error)>", content)]
    for spot in sorted(data.draw(st.sets(st.sampled_from(spots))) if spots else (), reverse=True):
        content = content[:spot] + b"\x1b[31m\0" + content[spot:]
    place.write_bytes(content)

    report = seen(place)

    assert [outcome for _, outcome in expected] == [case.outcome for case in report.cases]
    assert not report.refused


@given(sizes=st.lists(st.integers(1, 50), min_size=1), document=documents())
def test_pieces_do_not_matter(sizes, document):
    """However a stream hands its bytes out, the same cases come."""
    content, expected = document

    class Slow:
        def __init__(self):
            self.rest, self.count = content, 0

        def read(self, _size, /):
            self.count += 1
            size = sizes[self.count % len(sizes)]
            piece, self.rest = self.rest[:size], self.rest[size:]
            return piece

    assert expected == [(case.name, case.outcome) for case in junit.read(Slow()) if isinstance(case, Case)]
    assert expected == [(case.name, case.outcome) for case in junit.read(Mender(Slow())) if isinstance(case, Case)]


@given(content=unsafe_bytes)
def test_readers_only_raise_faults(content):
    """A reader ends, or says why not; the rest is for who called it."""
    for read in (junit.read, xray_json.read):
        try:
            list(read(BytesIO(content)))
        except Fault as fault:
            assert fault.cause


@given(text=st.text(max_size=80))
def test_times_are_read_or_not(text):
    """Any text is a duration within bounds or none, a moment or none."""
    duration = seconds(text)

    assert duration is None or 0 <= duration <= LONGEST
    assert (moment := timestamp(text)) is None or moment.year > 1970


@given(text=st.text("[]|ATTACHMENTPROPERTY=:\n x", max_size=400))
def test_texts_keep_their_bounds(text):
    """Cutting and scanning take any text."""
    assert len(cut(text, 50)) <= 50
    assert len(tail(text)) <= 4096
    assert all("\n" not in path for path in markers(text)[0])


@given(text=st.text("ab*?[]{},/.!\\", max_size=60))
def test_any_pattern_can_be_split(text):
    """A pattern of a user never fails, whatever it looks like, and braces do not explode."""
    patterns = expanded(text)

    assert 1 <= len(patterns) <= 1000
    for pattern in patterns:
        for part in parts(pattern):
            part.fits("abab")
