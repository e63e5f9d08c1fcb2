"""Files of collected results: what was written is what is read, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from conftest import least_peak
from format_reading import slug_of
from report_reading import seen
from shard_bytes import ORIGIN, case, frames, report, written

from xray_ci import model
from xray_ci.model import Attachment, Case, Iteration, Mark, MarkKind, Origin, Outcome, Problem, Severity, Step
from xray_ci.reports import shard
from xray_ci.reports.detect import format_of
from xray_ci.reports.shard import ShardWriter

CONTENT = bytes(range(256)) * 3
PLACED = Attachment(name="shot.png", media_type="image/png", base64=shard.place(256, 300))
STEP = Step(action="press", outcome=Outcome.PASSED, attachments=(PLACED,))
RICH = Case(
    suite=("a", ""),
    name="é\u2028",
    classname="c",
    outcome=Outcome.ERROR,
    status="PASS",
    seconds=0.1,
    started=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    finished=datetime(2026, 1, 2, 3, 4, 6),  # noqa: DTZ001
    kind="E",
    message="m\n\x00",
    trace="x" * model.TEXT_LIMIT,
    attachments=(PLACED,),
    marks=tuple(Mark(kind=kind, value="v", name="n") for kind in MarkKind),
    steps=(STEP,),
    defined_steps=(STEP,),
    iterations=(Iteration(outcome=Outcome.FAILED, parameters=(("n", "1"),), steps=(STEP,)),),
    examples=("PASS",),
    properties=(("k", "v"),),
    line=3,
)


def read(content):
    return list(shard.read(io.BytesIO(content)))


def test_a_case_is_read_as_it_was_written():
    """Every member of a case survives, naive times and control characters too; evidence is in it again as base64."""
    origin, found = read(written(RICH, evidence=CONTENT))

    assert origin == ORIGIN
    assert msgspec.json.encode(RICH).replace(
        PLACED.base64.encode(), base64.b64encode(CONTENT[256:556])
    ) == msgspec.json.encode(found)
    assert (RICH.outcome, RICH.started, RICH.finished) == (found.outcome, found.started, found.finished)


def test_it_is_recognised_by_its_first_bytes():
    """Whatever its name: the first line says what it is."""
    assert format_of(written()).key == "xrayci"


def test_a_sample_of_the_first_layout_is_still_read():
    """What an earlier build of this version wrote is read; a change that breaks this is a new `VERSION`."""
    assert len(seen(Path(__file__).parents[1] / "data" / "reports" / "xrayci" / "collected.xrayci").cases) == 13


def test_a_change_of_what_is_stored_is_a_new_version():
    """A reader of the same version must understand every member.

    Who adds one here raises `shard_file.VERSION`, and pins it.
    """
    structs = (
        model.Case,
        model.Step,
        model.Iteration,
        model.Attempt,
        model.Attachment,
        model.Mark,
        model.Problem,
        model.Origin,
        shard.End,
    )
    words = [name for each in structs for name in each.__struct_fields__] + [
        word.value for each in (Outcome, MarkKind, Severity) for word in each
    ]

    assert (shard.VERSION, hashlib.blake2b(" ".join(sorted(words)).encode(), digest_size=4).hexdigest()) == (
        2,
        "71734ae1",
    )


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_file_that_was_cut_off_is_refused(cut):
    """Wherever it ends, half a file is no file."""
    content = written(
        Case(name="n", outcome=Outcome.PASSED), Case(name="m", outcome=Outcome.FAILED, message="b"), evidence=b"abc"
    )

    assert slug_of(shard.read, content[: -min(cut, len(content) - 1)]) == "truncated-report"


@pytest.mark.parametrize("step", range(5))
def test_a_changed_byte_is_seen(step):
    """Never other results than were written: the digest, the packing or the types show it."""
    content = written(Case(name="n", outcome=Outcome.PASSED), Case(name="m", outcome=Outcome.FAILED))
    told = read(content)
    for at in range(step, len(content), 5):
        changed = bytearray(content)
        changed[at] ^= 0x11
        try:
            items = read(bytes(changed))
        except shard.Fault:
            continue
        assert told == items, at


def test_another_version_is_named():
    """A file of a later layout is refused with the remedy, not misread."""
    with pytest.raises(shard.Fault) as refused:
        read(written().replace(b"shard %d\n" % shard.VERSION, b"shard %d\n" % (shard.VERSION + 1)))

    assert (refused.value.slug, "same version" in str(refused.value.advice)) == ("shard-version", True)


@pytest.mark.parametrize(
    ("parts", "slug"),
    [
        ([case()], "unreadable-report"),
        ([report(), (b"X", b"")], "unreadable-report"),
        ([report(), case(outcome="PASSED")], "unreadable-report"),
        ([report(), case(name=1)], "unreadable-report"),
        ([report(), (b"C", b"\xff\n")], "unreadable-report"),
        ([report(), (b"C", b"[" * 100_000)], "unreadable-report"),
        ([report(), (b"C", b'{"name": "\\ud800", "outcome": "passed"}')], "unreadable-report"),
        ([report(), case(seconds=-1)], "unsafe-report"),
        ([report(), case(seconds=1e300)], "unsafe-report"),
        ([report(), case(started="0001-01-01T00:00:00")], "unsafe-report"),
        ([report(), case(line=0)], "unsafe-report"),
        ([report(), case(line=2**64)], "unsafe-report"),
        ([report(), case(marks=[{"kind": "tag", "value": "x" * 32_769}])], "unsafe-report"),
        ([report(), case(steps=[{"attachments": [{"name": "n", "path": "/etc/passwd"}]}])], "unreadable-report"),
        (
            [report(), (b"E", b"abc"), case(attachments=[{"name": "n", "path": "a", "base64": "0+1"}])],
            "unreadable-report",
        ),
        ([report(), (b"E", b"abc"), case(attachments=[{"name": "n", "base64": "0+4"}])], "unreadable-report"),
        ([report(), (b"E", b"abc"), case(attachments=[{"name": "n", "base64": "1+0"}])], "unreadable-report"),
        ([report(), (b"E", b"abc"), case(attachments=[{"name": "n", "base64": "YWJj"}])], "unreadable-report"),
        ([report(path="")], "unsafe-report"),
        ([report(path="a\0")], "unsafe-report"),
        ([report(path="a" * 5_000)], "unsafe-report"),
        ([report(format="Ä")], "unsafe-report"),
        ([report(family=1)], "unreadable-report"),
        ([(b"P", {"severity": "error", "slug": "a", "cause": "b"})], "unsafe-report"),
        ([(b"P", {"severity": "notice", "slug": "A b", "cause": "b"})], "unsafe-report"),
        ([(b"P", {"severity": "notice", "slug": "a", "cause": "b" * 5_000})], "unsafe-report"),
        ([(b"P", {"severity": "notice", "slug": "a", "cause": "b", "line": 0})], "unsafe-report"),
        ([(b"P", {"severity": "notice", "slug": "a", "cause": "b", "column": 2**64})], "unsafe-report"),
    ],
)
def test_what_nobody_collects_is_refused(parts, slug):
    """Wrong types, texts and numbers beyond the bounds of every report, and evidence that is not in the file."""
    assert slug == slug_of(shard.read, frames(*parts))


@pytest.mark.parametrize(
    "end",
    [{"cases": 2}, {"reports": 0}, {"evidence": 1}, {"problems": 1}, {"digest": "00"}, {"digest": 1}, {"more": 1}],
)
def test_an_end_of_another_file_is_refused(end):
    """Counts and digest are those of what stands before."""
    assert [Origin, Case] == [type(item) for item in read(frames(report(), case()))]
    assert slug_of(shard.read, frames(report(), case(), **end)) == "unreadable-report"


def test_what_follows_the_end_is_refused():
    """Two files in one are not the first of them."""
    assert slug_of(shard.read, written() + written()) == "unreadable-report"


def test_a_bomb_is_not_unpacked():
    """A part that is larger than it says, or says that it is huge, takes next to no memory.

    So does one that lies about its length.
    """
    packed = shard.packed(b"C", b" " * 30_000_000)
    lie = shard.head() + struct.pack("<cII", b"C", 100, len(packed) - 9) + packed[9:]
    contents = {
        lie: "unsafe-report",
        shard.head() + packed: "unsafe-report",
        shard.head() + struct.pack("<cII", b"C", 5, 16_000_000): "truncated-report",
        shard.head() + struct.pack("<cII", b"C", 5, 2**31): "unsafe-report",
    }

    def refused():
        assert [slug_of(shard.read, content) for content in contents] == [*contents.values()]

    assert least_peak(refused, 40_000_000) < 40_000_000


def test_everything_together_has_a_bound(monkeypatch):
    """Many small parts are no way around the bounds: of bytes in all, and of evidence that is used again and again."""
    used = case(attachments=[{"name": "n", "base64": "0+1000"}] * 3)
    content = frames(report(), (b"E", bytes(1000)), used, used)
    assert len(read(content)) == 3

    for name, bound in (
        ("CASE_EVIDENCE_LIMIT", 2_999),
        ("CASE_FILES_LIMIT", 2),
        ("EVIDENCE_LIMIT", 5_999),
        ("TOTAL_LIMIT", 1_100),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(shard, name, bound)
            assert slug_of(shard.read, content) == "unsafe-report", name


def test_what_was_told_is_told_again():
    """A problem keeps its place in the report that had it; a file without any result says so."""
    problem = {
        "severity": "result",
        "slug": "broken-run",
        "cause": "c",
        "path": "build/a.xml",
        "line": 4,
        "advice": "do",
    }

    assert [
        Problem(severity=Severity.RESULT, slug="broken-run", cause="c", path="build/a.xml", line=4, advice="do")
    ] == read(frames((b"P", problem)))
    assert [item.slug for item in read(written()) if isinstance(item, Problem)] == ["no-cases"]


def test_a_broken_report_is_taken_back():
    """Cases and evidence since the mark leave no trace, however many frames they filled."""
    file, kept = (
        io.BytesIO(),
        Case(name="kept", outcome=Outcome.PASSED, attachments=(Attachment(name="a", base64=shard.place(0, 3)),)),
    )
    writer = ShardWriter(file)
    writer.mark()
    writer.origin(ORIGIN)
    writer.evidence(b"abc")
    writer.add(kept)
    writer.mark()
    writer.origin(Origin(path="b", format="tap", family="tap"))
    writer.evidence(bytes(600_000))
    for number in range(3_000):
        writer.add(Case(name=f"lost {number}", outcome=Outcome.PASSED, trace="x" * 200))
    writer.back()
    writer.finish(())

    assert written(kept, evidence=b"abc") == file.getvalue()
    assert [item if isinstance(item, Origin) else item.attachments[0].base64 for item in read(file.getvalue())] == [
        ORIGIN,
        "YWJj",
    ]


def test_a_case_that_no_reader_would_take_is_not_written(monkeypatch):
    """The bounds of the reader are those of the writer: it refuses what is too large, and a file that would be."""
    monkeypatch.setattr(shard, "FRAME_LIMIT", 10_000)
    writer = ShardWriter(io.BytesIO())
    writer.origin(ORIGIN)
    assert [writer.add(Case(name="n" * size, outcome=Outcome.PASSED)) for size in (9_000, 10_000)] == [True, False]

    monkeypatch.setattr(shard, "TOTAL_LIMIT", 9_000)
    with pytest.raises(shard.ConfigurationError) as refused:
        writer.finish(())
    assert refused.value.slug == "shard-too-large"


def test_cases_are_read_one_by_one():
    """A file of many results is never in memory as a whole."""
    content = written(
        *(Case(name=f"n{number}", outcome=Outcome.PASSED, message="m" * 2_000) for number in range(1_500))
    )

    assert sum(1 for _ in shard.read(io.BytesIO(content))) == 1_501
    assert least_peak(lambda: sum(1 for _ in shard.read(io.BytesIO(content))), 1_500_000) < 1_500_000


def test_members_are_plain_json():
    """A frame of cases is JSON lines, so that another tool can look into a file."""
    content = written(Case(name="n", outcome=Outcome.PASSED))
    found = shard.Frames(io.BytesIO(content), hashlib.blake2b(digest_size=32))

    assert [found.next()[0], (last := found.next())[0]] == [b"R", b"C"]
    assert tuple(json.loads(last[1])[name] for name in ("name", "outcome")) == ("n", "passed")
