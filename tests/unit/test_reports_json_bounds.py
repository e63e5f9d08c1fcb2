"""Bounds of what JSON readers keep, and the small rooms that they share."""

from __future__ import annotations

import base64
import io
import json

import pytest

from xray_ci.model import Case
from xray_ci.reports import cucumber_json, cucumber_messages, json_stream, pytest_reports, texts
from xray_ci.reports.author_marks import TAGS_LIMIT, key_in, of_tags
from xray_ci.reports.members import Members
from xray_ci.reports.notices import BROKEN, UNSAFE, Fault
from xray_ci.reports.spill import SpilledValues


def lines(*documents: object) -> io.BytesIO:
    return io.BytesIO("\n".join(map(json.dumps, documents)).encode())


def test_a_drawer_keeps_the_last_value_of_a_name():
    """Values come back as they went in; a name that nobody defined has none."""
    with SpilledValues() as spilled:
        spilled.put("a", [1, "x", None])
        spilled.put("a", [2, ["y"]])

        assert spilled.get("a") == [2, ["y"]]
        assert spilled.get("b") is None


def test_endlessly_many_open_scenarios_are_refused():
    """Scenarios that start and never end do not fill the memory."""
    with pytest.raises(Fault) as caught:
        list(
            cucumber_messages.read(
                lines(*({"testCaseStarted": {"id": str(number), "testCaseId": "c"}} for number in range(10_002)))
            )
        )

    assert caught.value.slug == UNSAFE


def test_endlessly_many_open_tests_are_refused():
    """Tests that start and never end do not fill the memory."""
    with pytest.raises(Fault) as caught:
        list(
            pytest_reports.read_reportlog(
                lines(
                    *(
                        {"$report_type": "TestReport", "nodeid": str(number), "when": "setup", "outcome": "passed"}
                        for number in range(10_002)
                    )
                )
            )
        )

    assert caught.value.slug == UNSAFE


def test_many_scenarios_with_their_feature_behind_them_keep_their_order():
    """What waits for its feature's name lies on disk when it is much, and nothing of it is lost."""
    shot = base64.b64encode(bytes(30_000)).decode()
    elements = [
        {
            "name": str(number),
            "type": "scenario",
            "steps": [
                {
                    "keyword": "Given",
                    "name": "x",
                    "result": {"status": "passed"},
                    "embeddings": [{"data": shot, "mime_type": "image/png"}],
                }
            ],
        }
        for number in range(200)
    ]
    found = [
        each
        for each in cucumber_json.read(io.BytesIO(json.dumps([{"elements": elements, "name": "F"}]).encode()))
        if isinstance(each, Case)
    ]

    assert [str(number) for number in range(200)] == [case.name for case in found]
    assert {("F",)} == {case.suite for case in found}
    assert {shot} == {case.attachments[0].base64 for case in found}
    assert {1} == {case.line for case in found}


@pytest.mark.parametrize(
    ("name", "media", "expected"),
    [
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\x\\shot.png", "image/png", "shot.png"),
        (None, "image/svg+xml", "f-7.svg"),
        ("", "application/vnd.ms-excel", "f-7.bin"),
        (" ", None, "f-7.bin"),
        ("a b", "image/jpeg; charset=x", "a b.jpg"),
        (".env", "text/plain", ".env.txt"),
    ],
)
def test_names_of_embedded_files_are_plain_names_with_an_ending(name: str | None, media: str | None, expected: str):
    """A name leads nowhere, and tells what the file is."""
    assert expected == texts.named(name, media, 7, stem="f")


@pytest.mark.parametrize(
    ("data", "media", "encoded", "content"),
    [
        ("aGk=", "image/png", None, b"hi"),
        ("aG k=\n", "image/png", None, b"hi"),
        ("hi there", "text/plain", None, b"hi there"),
        ("aGk=", "text/plain", None, b"hi"),
        ("aGk=", "text/plain", False, b"aGk="),
    ],
)
def test_plain_text_is_encoded_and_base64_is_not_encoded_twice(
    data: str, media: str, encoded: bool | None, content: bytes
):
    """Old tools attach text as it is; what is base64 already stays."""
    assert content == base64.b64decode(texts.content(data, media, encoded=encoded))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("SHOP-1", "SHOP-1"),
        ("https://j.example/browse/SHOP-1/", "SHOP-1"),
        ("see SHOP-1", None),
        ("SHOP-0", None),
        ("", None),
    ],
)
def test_a_key_is_the_whole_text_or_the_end_of_a_link(text: str, key: str | None):
    """A key somewhere in a sentence names nothing."""
    assert key == key_in(text)


def test_tags_are_bounded_and_said_once():
    """A test has not endlessly many labels, and none of endless length."""
    found = of_tags(["x", "x", " @x ", "", "@", "y" * 1_000, *map(str, range(1_000))])

    assert len(found) == TAGS_LIMIT
    assert [mark.value for mark in found[:2]] == ["x", "y" * 255]


def test_a_fault_names_the_way_to_the_member():
    """The path leads through objects and lists."""
    outer = Members({"a": [{"b": {"c": 1}}]}, "$")
    with pytest.raises(Fault) as caught:
        next(next(outer.each("a")).each("b"))

    assert (caught.value.slug, caught.value.cause) == (BROKEN, "$.a[0].b is an object, not a list")


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), ("1.5", 1.5), (True, None), ("x", None), (10**400, None), ([], None), ("1" * 100, None)],
)
def test_numbers_may_be_text_and_are_never_endless(value: object, number: float | None):
    """What is no number, or one that nobody can mean, was not said."""
    assert number == Members({"n": value}, "$").number("n")


@pytest.mark.parametrize("wrong", [b"\xff", b"\xc3"])
def test_a_wrong_byte_does_not_hide_what_is_unsafe_before_it(wrong):
    """A document that nests too deep is told as that, though a byte behind it is wrong."""
    with pytest.raises(Fault) as caught:
        json_stream.check(io.BytesIO(b"[" * 200_000 + wrong))

    assert caught.value.slug == UNSAFE


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [("", 9, None), ("", None, None), ("abc", 9, "abc"), ("abc", None, "abc"), (7, 9, "7"), (["a", 1, "b"], 9, "a\nb")],
)
def test_a_member_s_text_is_none_where_it_is_empty(value, limit, text):
    """An empty text says nothing, as a missing one; numbers and lists of lines are texts."""
    assert Members({"m": value}, "$").text("m", limit=limit) == text
