"""Laws of files of collected results: any cases survive, and any bytes become cases or a refusal."""

from __future__ import annotations

import base64
import io
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from shard_bytes import frames, written

from xray_ci.model import Attachment, Case, Mark, MarkKind, Origin, Outcome, Problem, Step
from xray_ci.reports import shard
from xray_ci.reports.notices import Fault

WORDS = [
    "passed",
    "errors",
    "tag",
    "notice",
    "result",
    "error",
    "a",
    "0+1",
    "1+2",
    "2026-01-01T00:00:00Z",
    "x" * 40_000,
]
MEMBERS = [
    "name",
    "outcome",
    "suite",
    "marks",
    "kind",
    "value",
    "steps",
    "attachments",
    "base64",
    "path",
    "iterations",
    "seconds",
    "started",
    "line",
    "severity",
    "slug",
    "cause",
    "format",
    "family",
    "reports",
    "cases",
    "digest",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=6),
    max_leaves=8,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FRAMES = st.tuples(
    st.sampled_from([b"R", b"E", b"C", b"C", b"P", b"Z"]),
    st.binary(max_size=30)
    | VALUES
    | st.fixed_dictionaries(
        {"name": st.just("n"), "outcome": st.just("passed")},
        optional=dict.fromkeys(("steps", "attachments", "marks", "seconds", "line", "suite"), VALUES),
    ),
)
EARLIEST = datetime(1971, 1, 1)  # noqa: DTZ001  # times of a report may have no zone
CASES = st.builds(
    Case,
    name=TEXT,
    suite=st.tuples(TEXT),
    outcome=st.sampled_from(Outcome),
    message=st.none() | TEXT,
    seconds=st.none() | st.floats(0, 1e6),
    started=st.none() | st.datetimes(min_value=EARLIEST),
    marks=st.lists(st.builds(Mark, kind=st.sampled_from(MarkKind), value=TEXT), max_size=3).map(tuple),
    steps=st.lists(st.builds(Step, action=TEXT), max_size=2).map(tuple),
    line=st.none() | st.integers(1, 2**40),
)


def told(content):
    """Read bytes to their end or refusal, and check what every reader owes."""
    try:
        items = list(shard.read(io.BytesIO(content)))
    except Fault as fault:
        assert fault.cause
        assert fault.slug
        return []
    for item in items:
        assert isinstance(item, Case | Problem | Origin)
        repr(item).encode()
        assert not isinstance(item, Case) or (item.seconds or 0) >= 0
        assert not isinstance(item, Case) or all(
            one.path is None and base64.b64decode(one.base64 or "", validate=True) for one in item.attachments
        )
    return items


@given(content=st.binary(max_size=300) | st.binary(max_size=300).map(shard.head().__add__))
def test_any_bytes_become_cases_or_a_refusal(content):
    """Other and broken files never end in another exception."""
    told(content)


@given(parts=st.lists(FRAMES, max_size=6), lead=st.booleans())
def test_any_frames_become_cases_or_a_refusal(parts, lead):
    """A file that is whole may still hold anything: values of other types at every depth, frames in any order."""
    first = [(b"R", {"path": "a", "format": "b", "family": "c"}), (b"E", b"abc")] if lead else []

    told(frames(*first, *parts))


@given(cases=st.lists(CASES, max_size=5), evidence=st.binary(min_size=1, max_size=50))
def test_cases_survive(cases, evidence):
    """What a report says is what its shard says, in the same order, with all of its evidence."""
    placed = [
        Case(
            name="with",
            outcome=Outcome.FAILED,
            attachments=(Attachment(name="a", base64=shard.place(0, len(evidence))),),
        )
    ]
    *found, last = [item for item in told(written(*cases, *placed, evidence=evidence)) if isinstance(item, Case)]

    assert cases == found
    assert evidence == base64.b64decode(last.attachments[0].base64)
