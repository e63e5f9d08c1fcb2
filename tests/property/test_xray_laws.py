"""Laws of the Xray side: whatever a report says, what leaves is valid, harmless, complete and in order."""

from __future__ import annotations

import copy
import json
import tempfile
from array import array
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xray_runs import both_ways

from xray_ci.deployments import CLOUD, SERVER
from xray_ci.model import Attachment, Attempt, Case, IssueKind, Iteration, Mark, MarkKind, Outcome, Place, Step
from xray_ci.xray import escaping, mapping, render
from xray_ci.xray.assembly import Assembly, AssemblyOptions
from xray_ci.xray.escaping import comment
from xray_ci.xray.evidence import EvidenceOptions, FoundFile, Workspace, file_name
from xray_ci.xray.mapping import Rejected, TestTarget
from xray_ci.xray.notices import Notices
from xray_ci.xray.times import Timestamps
from xray_ci.xray.validate import Checker, SchemaPart, flaws, schema

checker = cache(Checker)
SAMPLES = Path(__file__).parent.parent / "data" / "xray"
DEPLOYMENT = st.sampled_from([CLOUD, SERVER])
OUTCOME = st.sampled_from(Outcome)
NASTY = st.sampled_from(
    [
        "{noformat}",
        "{NoFormat:x}",
        "[~bob]",
        "[~",
        "{",
        "\x1b[31m",
        "\ud800",
        "\x00",
        "\n",
        "\r\n",
        "{no\x00format}",
        "[\x00~x]",
        "\ufeff",
        "\\",
        '"',
        "~name",
        ',"comment":',
    ]
)
WORDS = st.text(st.characters(exclude_categories=()), max_size=12)
TEXT = st.lists(st.one_of(NASTY, WORDS), max_size=6).map("".join)
MAYBE = st.none() | TEXT
MARKS = st.lists(
    st.builds(
        Mark,
        kind=st.sampled_from(MarkKind),
        value=st.one_of(TEXT, st.sampled_from(["CALC-1", "CALC-2,X", "7", "a b"])),
        name=MAYBE,
    ),
    max_size=5,
).map(tuple)
ATTACHMENTS = st.lists(
    st.builds(Attachment, name=TEXT, media_type=MAYBE, base64=st.sampled_from(["aGk=", "", "*", None])), max_size=2
).map(tuple)
STATUS = st.none() | st.sampled_from(["PASS", "PASSED", "FAIL", "TO DO", "TODO", "ABORTED", "EXECUTING", "OWN", ""])
STEPS = st.lists(
    st.builds(
        Step,
        action=MAYBE,
        data=MAYBE,
        expected=MAYBE,
        outcome=st.none() | OUTCOME,
        status=STATUS,
        comment=MAYBE,
        actual=MAYBE,
        defects=st.lists(TEXT, max_size=2).map(tuple),
        attachments=ATTACHMENTS,
    ),
    max_size=3,
).map(tuple)
ITERATIONS = st.lists(
    st.builds(
        Iteration,
        outcome=OUTCOME,
        status=STATUS,
        name=MAYBE,
        steps=STEPS,
        log=MAYBE,
        duration=MAYBE,
        parameters=st.lists(st.tuples(TEXT, TEXT), max_size=22).map(tuple),
    ),
    max_size=2,
).map(tuple)
ZONES = st.none() | st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
MOMENTS = st.none() | st.datetimes(timezones=ZONES)
CASES = st.builds(
    Case,
    name=TEXT,
    classname=MAYBE,
    suite=st.lists(TEXT, max_size=2).map(tuple),
    outcome=OUTCOME,
    status=STATUS,
    seconds=st.none() | st.floats(),
    started=MOMENTS,
    finished=MOMENTS,
    kind=MAYBE,
    message=MAYBE,
    trace=MAYBE,
    attachments=ATTACHMENTS,
    marks=MARKS,
    steps=STEPS,
    defined_steps=STEPS,
    iterations=ITERATIONS,
    examples=st.lists(st.sampled_from(["PASS", "FAILED", "X"]), max_size=2).map(tuple),
    attempts=st.lists(st.builds(Attempt, outcome=OUTCOME, message=MAYBE, trace=MAYBE), max_size=2).map(tuple),
    line=st.none() | st.integers(1, 9),
)


@given(
    CASES, DEPLOYMENT, st.sampled_from(["Generic", "Manual", "Cucumber"]), st.sampled_from(["failed", "all", "none"])
)
def test_what_is_rendered_is_valid(case: Case, deployment, test_type: str, comments: str):
    """Whatever a case holds, its document fits the schema of its deployment and is text that can be sent."""
    target = mapping.decide(
        case, mapping.MappingOptions(project="CALC", test_type=test_type, resolve={"7": "CALC-7"}.get)
    )
    if isinstance(target, Rejected):
        assert target.reason == target.reason.encode().decode()
        return
    assert isinstance(target, TestTarget)
    document = render.Renderer(
        render.RenderOptions(deployment=deployment, comments=comments), Notices(), lambda _: True
    ).test(case, target)
    for item in _steps(document):
        item[deployment.dialect.step_evidence] = [
            one for one in item.get(deployment.dialect.step_evidence, []) if one["data"]
        ]

    found = checker(deployment.key).check_document({"tests": [document]})

    assert found == (), found[0].what
    assert document == msgspec.json.decode(msgspec.json.encode(document))
    if target.keys:
        assert "testInfo" not in document


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *document.get("steps", ()),
        *(step for row in document.get("iterations", ()) for step in row.get("steps", ())),
    ]


PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12) | TEXT
PLAIN = st.builds(
    Case,
    name=PLAIN_TEXT | st.sampled_from(["a", "b", " ", 'q"', "\\"]),
    classname=st.none() | PLAIN_TEXT | st.just("c"),
    outcome=OUTCOME,
    seconds=st.none() | st.floats() | st.floats(0, 9),
    started=MOMENTS | st.just(datetime(2024, 10, 27, 2, 30)),  # noqa: DTZ001  # reports have no offset
    kind=MAYBE,
    message=MAYBE,
    trace=MAYBE,
    output=MAYBE,
    suite=st.lists(TEXT, max_size=1).map(tuple),
    marks=st.lists(
        st.builds(
            Mark,
            kind=st.sampled_from(
                [
                    MarkKind.TEST_KEY,
                    MarkKind.TEST_KEY,
                    MarkKind.TAG,
                    MarkKind.DESCRIPTION,
                    MarkKind.ENVIRONMENT,
                    MarkKind.REQUIREMENT,
                    MarkKind.SCENARIO,
                    MarkKind.COMMENT,
                ]
            ),
            value=st.sampled_from(["CALC-1", "SHOP-2", "x", "a, b c,", '"\\{macro}[~name]']),
        ),
        max_size=3,
    ).map(tuple),
    steps=st.lists(
        st.builds(Step, action=MAYBE, outcome=st.none() | OUTCOME, status=st.sampled_from([None, None, None, "PASS"])),
        max_size=2,
    ).map(tuple),
    attempts=st.lists(st.builds(Attempt, outcome=OUTCOME, message=MAYBE), max_size=1).map(tuple),
    line=st.none() | st.integers(1, 9),
)


@given(st.lists(st.datetimes(timezones=ZONES | st.just(UTC)), max_size=6), st.data())
def test_a_moment_is_written_as_the_calendar_writes_it(moments: list[datetime], data: st.DataObject):
    """Whatever was written before, start and finish are the moment's own second, in its own offset of whole minutes."""
    times = Timestamps(UTC)
    for moment in moments:
        write = data.draw(st.sampled_from([times.start, times.finish]))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        odd = (aware.utcoffset() or timedelta()) % timedelta(minutes=1)
        try:
            expected = (aware.astimezone(UTC) if odd else aware).isoformat(timespec="seconds")
        except OverflowError:
            expected = None

        assert write(moment) == expected


@given(
    st.lists(PLAIN | CASES, max_size=8),
    DEPLOYMENT,
    st.sampled_from(["failed", "all", "none"]),
    st.sampled_from(["worst", "last", "iterations"]),
    st.sampled_from(
        [
            {},
            {"test_type": "Generic"},
            {"test_type": "Manual"},
            {"unmapped": "skip"},
            {"covers": True},
            {"requirements": False},
            *({"kinds": {"CALC-1": kind}} for kind in IssueKind),
        ]
    ),
    st.sampled_from([{}, {"passed": "OWN"}, {"failed": "PASSED"}, {"passed": ""}]),
    st.sampled_from([frozenset(), frozenset({"CALC"})]),
)
def test_plain_cases_are_the_same_both_ways(
    cases: list[Case], deployment, comments: str, repeats: str, mapped, statuses, projects
):
    """The short way of plain cases and the long way of all write the same bytes and say the same of them."""
    with tempfile.TemporaryDirectory() as folder:
        short, long, _ = both_ways(
            Path(folder),
            lambda run: run.add(*cases),
            deployment=deployment,
            comments=comments,
            repeats=repeats,
            statuses=statuses,
            key_projects=projects,
            **mapped,
        )

    assert short == long


FAILURES = st.builds(
    Case,
    name=st.just("x"),
    outcome=OUTCOME,
    kind=MAYBE,
    message=MAYBE,
    trace=MAYBE,
    marks=MARKS,
    steps=st.lists(st.builds(Step, action=MAYBE, outcome=st.none() | OUTCOME), max_size=2).map(tuple),
    attempts=st.lists(st.builds(Attempt, outcome=OUTCOME, message=MAYBE), max_size=2).map(tuple),
)


@given(FAILURES, st.integers(300, 2_000))
def test_comments_cannot_break_out(case: Case, limit: int):
    """On Server a comment is one block: fences only at its ends; nowhere is there a mention; it is never too long."""
    for wiki in (True, False):
        text = comment(case, case.marks, failure=True, steps=True, wiki=wiki, limit=limit)
        if text is None:
            continue
        assert "[~" not in text
        assert len(text) <= limit
        if wiki:
            assert text.startswith("{noformat}\n")
            assert text.endswith("\n{noformat}")
            assert "{noformat" not in text[11:-11].lower()


@given(TEXT, st.integers(1, 60))
def test_cleaned_text_is_clean(text: str, limit: int):
    """Cleaning is final, keeps what was clean, and one line is one line."""
    cleaned = escaping.clean(text)
    line = escaping.one_line(text, limit)

    assert cleaned == escaping.clean(cleaned)
    assert cleaned == cleaned.encode().decode()
    assert not any(ord(character) < 32 and character not in "\t\n" for character in cleaned)
    assert len(line) <= max(limit, 1)
    assert len(line.splitlines()) <= 1


RANK = {Outcome.PASSED: 0, Outcome.SKIPPED: 1, Outcome.OTHER: 2, Outcome.FAILED: 3, Outcome.ERROR: 3}


def oracle(results: list[tuple[int, Outcome]], policy: str) -> list[int]:
    """Return the positions that are sent, as the simplest program would choose them."""
    chosen: dict[int, int] = {}
    for position, (test, outcome) in enumerate(results):
        held = chosen.get(test)
        if (
            held is None
            or policy == "last"
            or (policy == "worst" and RANK[outcome] > RANK[results[held][1]])
            or (policy == "best" and RANK[outcome] < RANK[results[held][1]])
        ):
            chosen[test] = position
    return sorted(chosen.values())


REPORTS = st.lists(
    st.tuples(
        st.sampled_from(["commit", "drop", "restart"]), st.lists(st.tuples(st.integers(0, 6), OUTCOME), max_size=25)
    ),
    max_size=5,
)


@given(
    REPORTS,
    st.sampled_from(["worst", "last", "best"]),
    st.integers(1, 9),
    st.integers(1, 3_000),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example([("commit", [(0, Outcome.FAILED), (0, Outcome.ERROR)])], "worst", 1, 1, True, False, False)
def test_merging_and_batching_lose_nothing(
    reports, policy: str, batch_tests: int, batch_bytes: int, by_key: bool, meeting: bool, files: bool
):
    """For any reports, the tests sent are those of the oracle, in order, each once, in batches within their limits.

    Also where different Tests meet by chance, and where those that failed have files.
    """
    with tempfile.TemporaryDirectory() as folder:
        assembly = Assembly(
            Path(folder),
            AssemblyOptions(
                mapping=mapping.MappingOptions(project="C"),
                rendering=render.RenderOptions(deployment=SERVER),
                repeats=policy,
                evidence=EvidenceOptions(workspace=Path(folder)),
            ),
        )
        results: list[tuple[int, Outcome]] = []
        for number, (end, cases) in enumerate(reports):
            assembly.begin(Place(path=Path("r"), shown=f"{number}.xml"))
            for test, outcome in cases:
                assembly.add(_result(test, outcome, -1, by_key=by_key, files=files))
            if end == "restart":
                assembly.restart()
            if end != "commit":
                assembly.drop() if end == "drop" else assembly.commit()
                continue
            assembly.restart()
            for test, outcome in cases:
                assembly.add(_result(test, outcome, len(results), by_key=by_key, files=files))
                results.append((test, outcome))
            assembly.commit()
        if meeting:
            found = assembly._results
            found.hashes = array("q", (value & 3 for value in found.hashes))
        done = assembly.finish(batch_tests=batch_tests, batch_bytes=batch_bytes)
        content = b"".join(portion.path.read_bytes() for portion in done.portions)
    sent = []
    for batch in (batch for portion in done.portions for batch in portion.batches):
        tests = json.loads(b"[" + content[batch.offset : batch.offset + batch.length] + b"]")
        assert batch.tests == len(tests) <= batch_tests
        assert batch.length <= batch_bytes or batch.tests == 1
        sent += [int(test["executedBy"]) for test in tests]
        assert all(("evidences" in test) == (files and test["status"] == "FAIL") for test in tests)

    assert oracle(results, policy) == sent
    assert len(results) - len(sent) == done.counts.merged
    assert len(sent) == done.counts.sent == (done.counts.tests_by_key if by_key else done.counts.tests_by_identity)


def _result(test: int, outcome: Outcome, position: int, *, by_key: bool, files: bool) -> Case:
    said = (Mark(kind=MarkKind.EXECUTED_BY, value=str(position)),)
    key = (Mark(kind=MarkKind.TEST_KEY, value=f"C1-{test + 1}"),) if by_key else ()
    files_of = (Attachment(name="a.txt", base64="aGk="),) if files else ()
    return Case(name=f"t{test}", classname="c", outcome=outcome, marks=said + key, attachments=files_of)


VALID = [
    (path.parent.parent.name, json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(SAMPLES.glob("*/execution/*.json"))
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.sampled_from(["PASS", "PASSED", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z\n", "a\x1cb"]),
)


@st.composite
def mutated(draw) -> tuple[str, Any]:
    """Draw a sample with one value replaced, removed, added or doubled."""
    deployment, document = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 2))):
        spots = list(_spots(document))
        if not spots:
            break
        holder, name = draw(st.sampled_from(spots))
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[name] = draw(VALUES)
            case "remove":
                del holder[name]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["evidence", "evidences", "steps", "status", "iterations", "extra"]))] = (
                    draw(VALUES)
                )
            case _:
                holder.append(copy.deepcopy(holder[name]))
    return deployment, document


def _spots(document: Any):
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in list(pairs):
        yield document, name
        yield from _spots(value)


@given(mutated())
def test_both_validators_agree(drawn: tuple[str, Any]):
    """What jsonschema-rs refuses jsonschema can explain, and what it accepts jsonschema accepts."""
    deployment, document = drawn
    said = flaws(schema(f"{deployment}-execution"), document)

    unexplained = ["cannot take" in flaw.cause for flaw in said]
    assert (checker(deployment).check_document(document) == ()) is any(unexplained)
    assert all(len(str(flaw)) < 700 for flaw in said)


PATHS = st.lists(
    st.sampled_from(["..", ".", "a", "b.txt", ".hidden", "link", "/", "\\", "C:", "", "ws", "\0", "é"]), max_size=6
).map("/".join)


@given(PATHS, st.sampled_from(["", "a", "a/b"]))
def test_no_path_leads_out_of_the_workspace(path: str, folder: str):
    """Whatever a report names, what is found is a regular file below the workspace, without links and dot names."""
    with tempfile.TemporaryDirectory() as base:
        root = Path(base) / "ws"
        (root / "a" / "a").mkdir(parents=True)
        for name in ("b.txt", "a/b.txt", "a/a/b.txt", ".hidden", "é"):
            (root / name).write_bytes(b"x")
        (Path(base) / "b.txt").write_bytes(b"secret")
        (root / "link").symlink_to(base)
        found = Workspace(root).find(path, folder)
        if isinstance(found, FoundFile):
            real = root.joinpath(*found.parts)
            assert real == real.resolve()
            assert real.is_file()
            assert not any(part.startswith(".") for part in found.parts)


@given(TEXT, MAYBE)
def test_file_names_are_always_plain(name: str, path: str | None):
    """Whatever the report calls a file, its name is short printable ASCII without separators."""
    plain = file_name(Attachment(name=name, path=path))

    assert 0 < len(plain) <= 111
    assert plain.isascii()
    assert plain.isprintable()
    assert not set(plain) & set('/\\:*?"<>|')


@given(
    info=st.dictionaries(
        st.sampled_from(["project", "summary", "version", "testPlanKey", "testEnvironments", "startDate", "odd"]),
        st.one_of(st.text(max_size=3), st.just("\ud800"), st.none(), st.integers(), st.lists(st.text(max_size=2))),
    )
)
@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_what_plainly_fits_fits_the_schema(deployment, info):
    """`info` is refused exactly when its schema refuses it, although the schema is not asked about plain texts."""
    found = schema(f"{deployment}-execution")
    part = SchemaPart({"$ref": "#/$defs/info", "$defs": found["$defs"]})

    assert (not Checker(deployment).check_info(info)) is part.valid(info)
