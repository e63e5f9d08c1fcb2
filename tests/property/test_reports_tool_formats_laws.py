"""Laws of the readers of lines and of JSON that test tools write: whatever the bytes, cases or a refusal, soon."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.model import Case, Problem
from xray_ci.reports import criterion, dart, go, gtest_json, jest, mocha, mochawesome, newman, rspec, rust, tap
from xray_ci.reports.notices import Fault

DATA = Path(__file__).parents[1] / "data" / "reports"
SAMPLES = sorted(
    path.read_bytes()
    for folder in ("go-json", "jest-json", "vitest-json", "mocha-json", "tap", "rspec-json", "newman-json")
    if (DATA / folder).is_dir()
    for path in (DATA / folder).iterdir()
    if path.stat().st_size < 30_000
)


class Reader:
    """One of the readers of a module that has several."""

    def __init__(self, read):
        self.read, self.__name__ = read, f"{read.__module__}.{read.__name__}"


GO_JSON, GO_TEXT, MOCHA_STREAM = Reader(go.read_json), Reader(go.read_text), Reader(mocha.read_stream)
MODULES = [
    criterion,
    dart,
    GO_JSON,
    GO_TEXT,
    gtest_json,
    jest,
    mocha,
    MOCHA_STREAM,
    mochawesome,
    newman,
    rspec,
    rust,
    tap,
]
LINES = [GO_JSON, dart, rust, MOCHA_STREAM]
NAMES = {
    GO_JSON: (
        ["Action", "Package", "Test", "Output", "Elapsed", "Time", "Key", "Value"],
        ["run", "pass", "fail", "output", "attr", "p", "T"],
    ),
    dart: (
        [
            "type",
            "test",
            "testID",
            "id",
            "name",
            "suiteID",
            "groupIDs",
            "result",
            "hidden",
            "time",
            "error",
            "group",
            "suite",
            "message",
        ],
        ["start", "done", "testStart", "testDone", "error", "print", "success"],
    ),
    rust: (
        ["type", "event", "name", "stdout", "message", "exec_time"],
        ["suite", "test", "started", "ok", "failed", "a::b"],
    ),
    MOCHA_STREAM: (
        ["title", "fullTitle", "err", "stack", "duration", "currentRetry", "file"],
        ["start", "pass", "fail", "end"],
    ),
    jest: (
        [
            "testResults",
            "assertionResults",
            "title",
            "status",
            "ancestorTitles",
            "failureMessages",
            "retryReasons",
            "invocations",
            "meta",
            "tags",
            "name",
        ],
        ["passed"],
    ),
    mocha: (
        ["passes", "failures", "pending", "tests", "title", "fullTitle", "err", "message", "stack", "currentRetry"],
        ["a b", "b"],
    ),
    mochawesome: (
        ["results", "suites", "tests", "beforeHooks", "title", "context", "state", "err", "fail", "value"],
        ["failed", "[1]", "a.png"],
    ),
    newman: (
        [
            "collection",
            "run",
            "item",
            "info",
            "name",
            "id",
            "executions",
            "assertions",
            "assertion",
            "error",
            "failures",
            "source",
            "at",
        ],
        ["a"],
    ),
    rspec: (
        [
            "examples",
            "description",
            "full_description",
            "status",
            "exception",
            "backtrace",
            "messages",
            "summary",
            "run_time",
        ],
        ["failed"],
    ),
    gtest_json: (
        ["testsuites", "testsuite", "name", "status", "result", "failures", "failure", "skipped", "time", "test_key"],
        ["RUN", "1s"],
    ),
    criterion: (["test_suites", "tests", "name", "status", "messages"], ["FAILED"]),
}
TAP = [
    "ok",
    "not ok 1 - a",
    "ok 2 # TODO",
    "1..2",
    "1..0 # SKIP x",
    "    ok 1 - sub {",
    "    }",
    "}",
    "not ok 3 - b {",
    "  ---",
    "  ...",
    "    ---",
    "  message: |",
    "    text",
    "# Subtest: a",
    "# note",
    "Bail out!",
    "TAP version 14",
    "pragma +strict",
    "noise",
    "        not ok",
    "  test_key: A-1",
]


def told(module, content):
    """Read bytes to their end or refusal, and check what every reader owes."""
    begun = time.process_time()
    try:
        items = list(module.read(BytesIO(content)))
    except Fault as fault:
        assert fault.cause
        items = []
    assert time.process_time() - begun < 30  # a guard against hanging, not a measurement
    for item in items:
        assert isinstance(item, Case | Problem)
        repr(item).encode()
        assert not isinstance(item, Case) or (item.seconds or 0) >= 0
    return items


def values(module):
    """Return JSON of any shape made of a reader's own members and words."""
    members, words = NAMES[module]
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.sampled_from(words)
        | st.text(max_size=5)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(members), inner, max_size=6),
        max_leaves=30,
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from(SAMPLES), st.integers(0, 30_000), st.integers(0, 200), st.binary(max_size=20)).map(
            lambda chosen: chosen[0][: chosen[1]] + chosen[3] + chosen[0][chosen[1] + chosen[2] :]
        ),
    )
)
def test_any_bytes_become_cases_or_a_refusal(module, content):
    """Other, broken and cut reports never end in another exception."""
    told(module, content)


@pytest.mark.parametrize(
    "module", [module for module in NAMES if module not in LINES], ids=lambda module: module.__name__.rpartition(".")[2]
)
@given(data=st.data())
def test_members_of_any_type_are_read_or_refused(module, data):
    """Values where objects belong, and the reverse, at every depth."""
    members, _ = NAMES[module]
    document = data.draw(st.dictionaries(st.sampled_from(members), values(module), max_size=6))

    told(module, json.dumps(document).encode())


@pytest.mark.parametrize("module", LINES, ids=lambda module: module.__name__.rpartition(".")[2])
@given(data=st.data())
def test_events_of_any_type_and_order_are_read_or_refused(module, data):
    """Ends before begins, members that are missing or of another type."""
    members, words = NAMES[module]
    event = st.dictionaries(st.sampled_from(members), st.sampled_from(words) | values(module), max_size=8)
    rows = data.draw(
        st.lists(st.lists(st.sampled_from(words) | event, max_size=3) if module is mocha else event, max_size=12)
    )

    told(module, "\n".join(map(json.dumps, rows)).encode())


@given(chosen=st.lists(st.sampled_from(TAP), max_size=40))
def test_lines_of_tap_in_any_order_are_read_or_refused(chosen):
    """One case for each point at the margin that stands outside of a diagnosis."""
    items = told(tap, "".join(f"{line}\n" for line in chosen).encode())

    if not {"  ---", "    ---", "Bail out!"} & set(chosen) and any(line in {"ok", "not ok 1 - a"} for line in chosen):
        assert sum(line.startswith(("ok", "not ok")) for line in chosen) == sum(
            isinstance(item, Case) for item in items
        )
