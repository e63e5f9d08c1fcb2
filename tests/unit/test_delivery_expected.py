"""What a request should leave behind, read from where its tests lie on disk."""

from __future__ import annotations

import json

import pytest

from xray_ci.delivery.reconcile import Expected, listed
from xray_ci.errors import UnreadableReport
from xray_ci.services.body import Slice


@pytest.fixture
def spool(tmp_path):
    """Return a function that writes tests between other bytes and returns the stretch that they fill."""

    def spooled(*tests, before=b"}{", after=b'{"'):
        content = b",".join(json.dumps(test, ensure_ascii=False).encode() for test in tests)
        (tmp_path / "spool").write_bytes(before + content + after)
        return Slice(path=tmp_path / "spool", offset=len(before), length=len(content))

    return spooled


def read(at: Slice) -> bytes:
    """Return the bytes of a stretch."""
    return b"".join(at.read())


def test_each_test_lies_where_it_is_said_to_lie(spool):
    """Offset and length of each are those of its object, and its place is counted from 0."""
    tests = [{"testKey": f"SHOP-{n}", "status": "PASSED", "comment": "x" * n} for n in range(5)]
    found = list(listed(spool(*tests)))

    assert tests == [json.loads(read(test.at)) for test in found]
    assert list(range(5)) == [test.index for test in found]
    assert [test["testKey"] for test in tests] == [test.head.testKey for test in found]


@pytest.mark.parametrize(
    "text",
    ["}{", '"', '\\"}', "\\", "\\\\", '\\\\"{', "},{", '"},{"status":"FAILED"}', "\n\t\u2028 ü 👍", "", "{" * 50],
)
def test_braces_and_quotes_inside_of_texts_do_not_count(spool, text):
    """However unsafe a comment is, it ends no test and begins none."""
    tests = [
        {"status": "PASSED", "comment": text, "steps": [{"actualResult": text}]},
        {"status": "FAILED", text: 1},
        {"status": "TODO"},
    ]

    assert tests == [json.loads(read(test.at)) for test in listed(spool(*tests))]


def test_tests_that_were_left_out_keep_their_places(spool):
    """What follows one that is left out has the place it had before."""
    at = spool(*({"testKey": f"SHOP-{n}", "status": "PASSED"} for n in range(4)))

    assert [(test.index, test.head.testKey) for test in listed(at, {1, 2})] == [(0, "SHOP-0"), (3, "SHOP-3")]


def test_no_bytes_hold_no_test(spool):
    """An empty stretch is no test."""
    assert list(listed(spool())) == []


@pytest.mark.parametrize(
    ("test", "name", "keys"),
    [
        ({"testKey": "SHOP-1"}, "SHOP-1", ("SHOP-1",)),
        (
            {"testInfo": {"summary": "s", "definition": "a.b", "requirementKeys": ["REQ-1", "REQ-2"]}},
            "a.b",
            ("REQ-1", "REQ-2"),
        ),
        ({"testInfo": {"summary": "s", "type": "Manual", "steps": [{"action": "x"}]}}, "s", ()),
        (
            {"testKey": "SHOP-1", "testInfo": {"summary": "s", "requirementKeys": ["REQ-1"]}},
            "SHOP-1",
            ("SHOP-1", "REQ-1"),
        ),
        ({}, "?", ()),
    ],
)
def test_a_test_is_named_by_its_key_or_its_definition_or_its_summary(spool, test, name, keys):
    """People read the name, and every key of it may be what the service refuses."""
    (found,) = listed(spool({"status": "PASSED", **test}))

    assert name == found.head.name
    assert keys == found.head.keys


def test_expectations_count_keys_once_and_the_rest_by_status(spool):
    """The last result of a key is the one that stays; without key only numbers can be compared."""
    expected = Expected()
    expected.add(
        listed(
            spool(
                {"testKey": "A-1", "status": "PASSED"},
                {"status": "PASSED"},
                {"testKey": "A-1", "status": "FAILED"},
                {"status": "TO DO"},
                {"status": "PASSED", "testInfo": {"summary": "s"}},
            )
        )
    )

    assert expected.keyed == {"A-1": "FAILED"}
    assert expected.statuses == {"PASSED": 2, "TO DO": 1, "FAILED": 1}
    assert expected.tests == 4


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"{",
        b'{"status":1}',
        b"{}",
        b'{"status":"PASSED","testKey":{}}',
        b"[" * 9000,
        b"\xff",
        b'{"status":"PASSED","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_what_is_no_test_is_a_failure_that_names_the_file(tmp_path, content):
    """A state folder may hold anything: no traceback, whatever it is."""
    (tmp_path / "spool").write_bytes(content)

    with pytest.raises(UnreadableReport, match="spool"):
        list(listed(Slice(path=tmp_path / "spool", offset=0, length=len(content))))


def test_an_empty_file_holds_no_test(tmp_path):
    """Nothing to look into is not an error."""
    (tmp_path / "spool").write_bytes(b"")

    assert list(listed(Slice(path=tmp_path / "spool", offset=0, length=0))) == []
