"""Laws of the JSON formats.

Whatever a member holds, cases or a fault come of it, and half a report is never a report.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xray_ci.model import Case, Problem
from xray_ci.reports import (
    allure,
    behave_json,
    ctrf,
    cucumber_json,
    cucumber_messages,
    json_stream,
    playwright_json,
    pytest_reports,
)
from xray_ci.reports.notices import BROKEN, TRUNCATED, Fault

DATA = Path(__file__).parents[1] / "data" / "reports"


class Reader:
    """One of the readers of a module that has several."""

    def __init__(self, read):
        self.read, self.__name__ = read, f"{read.__module__}.{read.__name__}"


READ_JSON, READ_LOG = Reader(read=pytest_reports.read_json_report), Reader(read=pytest_reports.read_reportlog)
SAMPLES = {
    cucumber_json: DATA / "cucumber-json" / "cucumber-ruby2.4-mixed.json",
    behave_json: DATA / "behave-json" / "behave-1.3.3-mixed.json",
    playwright_json: DATA / "playwright-json" / "playwright1.61-mixed.json",
    ctrf: DATA / "ctrf" / "playwright-ctrf-mixed.json",
    READ_JSON: DATA / "pytest-json" / "pytest-json-report-mixed.json",
    allure: next((DATA / "allure" / "mocha-results").glob("343a*-result.json")),
    cucumber_messages: DATA / "cucumber-messages" / "cucumber-js12-mixed-retry.ndjson",
    READ_LOG: DATA / "pytest-json" / "pytest-reportlog-mixed.jsonl",
}
STREAMS = (cucumber_messages, READ_LOG)
"""What keeps complete results when it is cut off."""
READERS = st.sampled_from(list(SAMPLES))
LINES = (cucumber_messages, READ_LOG)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.just("\ud800"),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([{}]),
    st.just([[1]]),
    st.just({"name": []}),
)


def documents(reader):
    content = SAMPLES[reader].read_text(encoding="utf-8")
    return [json.loads(line) for line in content.splitlines()] if reader in LINES else [json.loads(content)]


def spoil(data, value, junk):
    """Put junk somewhere into a value, the way down chosen by hypothesis."""
    while isinstance(value, (dict, list)) and value:
        key = data.draw(st.sampled_from(sorted(value)) if isinstance(value, dict) else st.integers(0, len(value) - 1))
        if not isinstance(value[key], (dict, list)) or not value[key] or data.draw(st.integers(0, 5)) == 0:
            value[key] = junk
            return
        value = value[key]


@given(data=st.data(), reader=READERS, junk=JUNK)
@settings(deadline=None)
def test_any_member_may_hold_anything(data, reader, junk):
    """A wrong type anywhere gives cases that can be kept and printed, or a fault, never another exception."""
    found = documents(reader)
    spoil(data, found[data.draw(st.integers(0, len(found) - 1))], junk)
    content = "\n".join(map(json.dumps, found)).encode()
    try:
        for each in reader.read(io.BytesIO(content)):
            assert isinstance(each, Case | Problem)
            str(each).encode()
            msgspec.msgpack.encode(each)
    except Fault as fault:
        assert fault.cause


@given(reader=READERS, part=st.floats(0, 1, exclude_max=True))
@settings(deadline=None)
def test_half_a_report_is_never_a_report(reader, part):
    """Wherever the file ends too early the report is refused, however many cases came before; messages tell of it.

    A cut inside of a number or an escape looks like broken JSON, everywhere else like what it is.
    """
    content = SAMPLES[reader].read_bytes().strip()
    short = io.BytesIO(content[: max(1, int(len(content) * part))])
    if reader in STREAMS:
        try:
            told = [each.slug for each in reader.read(short) if isinstance(each, Problem)]
        except Fault as fault:
            told = [fault.slug]
        assert {"broken-run", TRUNCATED} & set(told)
        return
    with pytest.raises(Fault) as caught:
        list(reader.read(short))

    assert caught.value.slug in {TRUNCATED, BROKEN}


@given(content=st.binary(max_size=200), reader=READERS)
@settings(deadline=None)
def test_any_bytes_end_with_a_fault_or_with_values(content, reader):
    """Bytes that are no report at all are refused."""
    try:
        assert all(isinstance(each, Case | Problem) for each in reader.read(io.BytesIO(content)))
    except Fault as fault:
        assert fault.slug


ELEMENTS = st.one_of(
    JUNK.map(json.dumps),
    st.sampled_from(["12", "-", "tru", '"', '"\\ud83d\\ude00"', "[1", "NaN", "", "{}", '{"a": "b\\n"}']),
)
BETWEEN = st.sampled_from([*[",\n"] * 6, ",", ", ", ",\n  ", "\n,", " ", ",,", "]"])


class Trickle(io.BytesIO):
    """Bytes that come a few at a time."""

    few = 7

    def read(self, size=-1):
        return super().read(min(size, self.few) if size >= 0 else size)


def taken(document: bytes, few: int, *, one_by_one: bool):
    """Return each element with its line, and the fault that ended it."""
    found = []
    try:
        source = Trickle(document)
        source.few = few
        window = json_stream.Window(source)
        values = (window.value() for _ in window.elements()) if one_by_one else window.values()
        for value in values:
            found.append((repr(value), window.line))  # noqa: PERF401 - what came before a fault counts, too
        window.finish()
    except Fault as fault:
        return found, (fault.slug, fault.cause, fault.line, fault.column)
    return found, None


END = st.sampled_from(["]", "\n]", "", "]]"])


@given(ELEMENTS, st.lists(st.tuples(BETWEEN, ELEMENTS), max_size=8), END, st.integers(1, 64))
def test_elements_are_the_same_whatever_stands_between_them(first, rest, end, few):
    """What is compared with what stood between the last two comes to what looking through it comes to.

    Wherever the document is cut into pieces, and to what it says.
    """
    text = f"[\n{first}{''.join(part for each in rest for part in each)}{end}"
    document = text.encode("utf-8", "surrogatepass")

    found = taken(document, few, one_by_one=False)

    assert found == taken(document, few, one_by_one=True)
    if "NaN" in text or "\\ud" in text:  # here Python is less strict
        return
    try:
        expected = [*map(repr, json.loads(document))]
    except ValueError:
        assert found[1] is not None
    else:
        assert found[1] is None
        assert expected == [value for value, _ in found[0]]
