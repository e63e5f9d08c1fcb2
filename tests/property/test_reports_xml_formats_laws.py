"""Laws of the readers of test tools' own formats: whatever the bytes, cases or a refusal, soon."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.model import Case, Problem
from xray_ci.reports import boost, catch2, check, cppunit, ctest, nunit, qtest, robot, robot_json, testng, trx, xunit
from xray_ci.reports.notices import Fault

DATA = Path(__file__).parents[1] / "data" / "reports"
MODULES = {
    "nunit": (
        nunit,
        "test-run",
        [
            "test-suite",
            "test-case",
            "properties",
            "failure",
            "message",
            "property",
            "results",
            "test-results",
            "attachments",
        ],
    ),
    "xunit": (
        xunit,
        "assemblies",
        ["assembly", "collection", "test", "failure", "message", "traits", "trait", "reason", "error"],
    ),
    "testng": (
        testng,
        "testng-results",
        [
            "suite",
            "class",
            "test-method",
            "params",
            "param",
            "value",
            "attributes",
            "attribute",
            "exception",
            "message",
        ],
    ),
    "trx": (
        trx,
        "TestRun",
        [
            "Results",
            "UnitTestResult",
            "InnerResults",
            "Output",
            "ErrorInfo",
            "Message",
            "TestDefinitions",
            "UnitTest",
            "TestMethod",
            "RunInfo",
        ],
    ),
    "robot": (
        robot,
        "robot",
        ["suite", "test", "kw", "status", "msg", "for", "var", "if", "branch", "tag", "arg", "doc"],
    ),
    "ctest": (
        ctest,
        "Site",
        ["Testing", "Test", "Name", "Results", "NamedMeasurement", "Measurement", "Value", "Labels", "Label"],
    ),
    "catch2": (
        catch2,
        "Catch2TestRun",
        ["TestCase", "Section", "Expression", "Original", "OverallResult", "OverallResults", "Message", "Text"],
    ),
    "boost": (boost, "TestLog", ["TestSuite", "TestCase", "Error", "Exception", "TestingTime"]),
    "qtest": (qtest, "TestCase", ["TestFunction", "Incident", "Message", "DataTag", "Description", "Duration"]),
    "cppunit": (cppunit, "TestRun", ["FailedTest", "Test", "Name", "Location", "File", "Line", "Message"]),
    "check": (check, "testsuites", ["suite", "title", "test", "id", "duration", "description", "message"]),
}
ATTRIBUTES = [
    "",
    " name='a' result='Failed' site='TearDown'",
    " status='FAIL' type='teardown' html='true'",
    " outcome='Passed' testId='1' id='1'",
    " success='false' line='1' filename='f'",
    " is-config='true' duration-ms='-1e999' time='NaN' start='20261121 99:99:99'",
]
SAMPLES = sorted(
    path.read_bytes()
    for folder in ("native", "nunit", "robot", "testng")
    for path in (DATA / folder).iterdir()
    if path.stat().st_size < 60_000
)


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


@st.composite
def documents(draw):
    """Return a reader and well-formed XML of its elements, in any order."""
    name = draw(st.sampled_from(sorted(MODULES)))
    module, root, tags = MODULES[name]
    body, stack = [], []
    for tag, attributes, move in draw(
        st.lists(
            st.tuples(st.sampled_from([*tags, "other"]), st.sampled_from(ATTRIBUTES), st.integers(0, 3)), max_size=60
        )
    ):
        body.append(f"<{tag}{attributes}>text 1 <![CDATA[<b>]]>")
        stack.append(tag)
        body.extend(f"</{stack.pop()}>" for _ in range(min(move, len(stack))))
    body += [f"</{tag}>" for tag in reversed(stack)]
    return module, f"<{root} name='r'>{''.join(body)}</{root}>".encode()


@given(chosen=documents())
def test_elements_in_any_order_are_read(chosen):
    """Well-formed XML with the right root is never refused for what is in it."""
    module, content = chosen
    assert list(module.read(BytesIO(content))) == told(module, content)


@pytest.mark.parametrize(
    "module", [*(row[0] for row in MODULES.values()), robot_json], ids=lambda module: module.__name__.rpartition(".")[2]
)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from(SAMPLES), st.integers(0, 60_000), st.integers(0, 200), st.binary(max_size=20)).map(
            lambda chosen: chosen[0][: chosen[1]] + chosen[3] + chosen[0][chosen[1] + chosen[2] :]
        ),
    )
)
def test_any_bytes_become_cases_or_a_refusal(module, content):
    """Other, broken and cut reports never end in another exception."""
    told(module, content)


@given(
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "suite",
                        "suites",
                        "tests",
                        "name",
                        "status",
                        "body",
                        "setup",
                        "teardown",
                        "type",
                        "message",
                        "html",
                        "tags",
                        "args",
                        "elapsed_time",
                        "start_time",
                        "generator",
                        "assign",
                        "values",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=40,
    )
)
def test_members_of_any_type_are_read_or_refused(document):
    """Robot's JSON with values where objects belong, and the reverse."""
    told(robot_json, msgspec.json.encode({"suite": document}))
    told(
        robot_json,
        msgspec.json.encode(
            {
                "suite": {
                    "name": "s",
                    "tests": [{"status": "FAIL", "body": document, "setup": document, "tags": document}],
                }
            }
        ),
    )
