"""Allure 2 folders: one file a result, identities, links, and what failed outside of results."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Place, Problem
from xray_ci.reports import allure
from xray_ci.reports.discover import discover
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, TRUNCATED, Fault
from xray_ci.reports.reading import read


def write(folder: Path, file: str, /, **content: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / file).write_text(json.dumps(content), encoding="utf-8")


def only(**result: object) -> Case:
    found = list(allure.read(io.BytesIO(json.dumps({"name": "adds", "status": "passed", **result}).encode())))
    assert isinstance(found[0], Case)
    return found[0]


def labels(**named: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in named.items()]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("broken", Outcome.ERROR),
        ("skipped", Outcome.SKIPPED),
        ("unknown", Outcome.OTHER),
        ("new", Outcome.OTHER),
    ],
)
def test_broken_is_an_error(status: str, outcome: Outcome):
    """A failed assertion is a failure, anything else that went wrong is an error."""
    assert outcome is only(status=status).outcome


@pytest.mark.parametrize(
    ("result", "identity"),
    [
        ({"fullName": "test_cart.TestCart#test_add", "name": "test_add[1]"}, ("test_cart.TestCart", "test_add[1]")),
        ({"fullName": "shop:cart.spec.js: Cart > adds"}, ("shop:cart.spec.js: Cart", "adds")),
        (
            {
                "fullName": "com.x.CartTest.adds",
                "name": "Adds things",
                "labels": labels(testClass="com.x.CartTest", testMethod="adds"),
            },
            ("com.x.CartTest", "adds"),
        ),
        ({"fullName": "com.x.CartTest.adds", "name": "Adds things"}, ("com.x.CartTest.adds", "Adds things")),
        ({"labels": labels(parentSuite="a", suite="b", subSuite="c")}, ("a > b > c", "adds")),
        ({}, (None, "adds")),
    ],
)
def test_the_identity_is_that_of_junit_xml_where_the_result_says_it(
    result: dict[str, object], identity: tuple[str | None, str]
):
    """Class and method where they are told, else the full name, else the suites."""
    case = only(**result)

    assert identity == (case.classname, case.name)


def test_the_title_of_a_method_is_the_summary():
    """What a reader sees in Allure is what the Test is called."""
    marks = only(name="Adds things", labels=labels(testClass="C", testMethod="adds")).marks

    assert [(mark.kind, mark.value) for mark in marks] == [(MarkKind.SUMMARY, "Adds things")]


@pytest.mark.parametrize(
    ("more", "kind", "value"),
    [
        ({"links": [{"type": "tms", "name": "SHOP-1", "url": "https://j.example/x"}]}, MarkKind.TEST_KEY, "SHOP-1"),
        (
            {"links": [{"type": "tms", "name": "the test", "url": "https://j.example/browse/SHOP-1"}]},
            MarkKind.TEST_KEY,
            "SHOP-1",
        ),
        ({"links": [{"type": "issue", "name": "SHOP-9", "url": ""}]}, MarkKind.DEFECT, "SHOP-9"),
        ({"labels": labels(tag="SHOP-1")}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"labels": labels(tag="smoke")}, MarkKind.TAG, "smoke"),
        ({"labels": labels(story="SHOP-7")}, MarkKind.REQUIREMENT, "SHOP-7"),
        ({"labels": labels(test_key="SHOP-1")}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"description": "d"}, MarkKind.DESCRIPTION, "d"),
    ],
)
def test_links_and_labels_name_tests(more: dict[str, object], kind: MarkKind, value: str):
    """A `tms` link is the Test, an `issue` link a defect; labels and tags are read too."""
    mark = only(**more).marks[0]

    assert (kind, value) == (mark.kind, mark.value)


def test_a_link_elsewhere_is_no_key():
    """A link that ends in no key says nothing."""
    assert (
        only(
            links=[{"type": "tms", "name": "spec", "url": "https://wiki.example/page"}], labels=labels(story="Buying")
        ).marks
        == ()
    )


def test_depth_of_a_result():
    """Times are milliseconds; steps carry the names around them; their files belong to the result."""
    case = only(
        status="failed",
        start=1_795_293_541_556,
        stop=1_795_293_543_056,
        statusDetails={"message": "AssertionError: m", "trace": "t"},
        steps=[
            {
                "name": "open",
                "status": "failed",
                "steps": [
                    {
                        "name": "log in",
                        "status": "broken",
                        "statusDetails": {"message": "no"},
                        "attachments": [{"name": "shot", "source": "1-attachment.png", "type": "image/png"}],
                    }
                ],
            }
        ],
    )

    assert (case.seconds, case.kind, case.message, case.trace) == (1.5, "AssertionError", "AssertionError: m", "t")
    assert [(step.action, step.outcome, step.comment) for step in case.steps] == [
        ("open", Outcome.FAILED, None),
        ("open > log in", Outcome.ERROR, "no"),
    ]
    assert [(each.name, each.path) for each in case.attachments] == [("shot.png", "1-attachment.png")]


def test_parameters_are_an_iteration():
    """Hidden and excluded parameters are left out, masked ones are masked."""
    case = only(
        parameters=[
            {"name": "a", "value": "1"},
            {"name": "Retry", "value": "2", "excluded": True},
            {"name": "h", "value": "x", "mode": "hidden"},
            {"name": "p", "value": "secret", "mode": "masked"},
        ]
    )

    assert [row.parameters for row in case.iterations] == [(("a", "1"), ("p", "******"))]
    assert only(parameters=[{"name": "Retry", "value": "2", "excluded": True}]).iterations == ()


def test_a_folder_is_read_in_the_order_of_time(tmp_path: Path):
    """File names are random: attempts come in the order in which they started, each as a case."""
    folder = tmp_path / "allure-results"
    for name, start, status in (("a", 300, "passed"), ("b", 100, "failed"), ("c", 200, "broken")):
        write(
            folder,
            f"{name}-result.json",
            name="flaky",
            status=status,
            start=start,
            attachments=[{"name": "x", "source": "x.txt"}],
        )
    found = [each for each in allure.read_folder(Place(path=folder, shown=folder.name)) if isinstance(each, Case)]

    assert [case.outcome for case in found] == [Outcome.FAILED, Outcome.ERROR, Outcome.PASSED]
    assert found[0].attachments[0].path == "allure-results/x.txt"


def test_failures_outside_of_results_are_notices(tmp_path: Path):
    """A clean-up that broke, a preparation without tests, and errors of the run are told.

    Other files are ignored.
    """
    bad = {"name": "hook", "status": "broken", "statusDetails": {"message": "cleanup broke"}}
    write(tmp_path, "1-result.json", name="a", status="passed")
    write(tmp_path, "1-container.json", children=["x"], befores=[bad], afters=[bad])
    write(tmp_path, "2-container.json", children=[], befores=[bad])
    write(tmp_path, "3-globals.json", errors=[{"message": "connect failed"}])
    (tmp_path / "categories.json").write_text("not json", encoding="utf-8")
    found = [
        each for each in allure.read_folder(Place(path=tmp_path, shown=tmp_path.name)) if isinstance(each, Problem)
    ]

    assert len(found) == 3
    assert {"outside-case"} == {each.slug for each in found}


@pytest.mark.parametrize(
    ("content", "slug"),
    [(b'{"name": "a", "sta', TRUNCATED), (b"[]", BROKEN), (b'{"steps": 1}', BROKEN), (b"{x}", BROKEN)],
)
def test_one_broken_file_refuses_the_folder_and_is_named(tmp_path: Path, content: bytes, slug: str):
    """A report counts only when it is whole, and a folder is one report."""
    write(tmp_path, "1-result.json", name="a", status="passed")
    (tmp_path / "2-result.json").write_bytes(content)
    with pytest.raises(Fault) as caught:
        list(allure.read_folder(Place(path=tmp_path, shown=tmp_path.name)))

    assert slug == caught.value.slug
    assert "2-result.json" in caught.value.cause


def test_a_folder_without_results_is_no_report(tmp_path: Path):
    """A folder of other files is none of Allure's, one that holds only containers has no test."""
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Fault) as caught:
        list(allure.read_folder(Place(path=tmp_path, shown=tmp_path.name)))
    write(tmp_path, "1-container.json", children=[])

    assert caught.value.slug == NOT_A_REPORT
    assert [
        each.slug for each in allure.read_folder(Place(path=tmp_path, shown=tmp_path.name)) if isinstance(each, Problem)
    ] == ["no-cases"]


def test_a_pipe_in_the_folder_is_refused(tmp_path: Path):
    """Opening a pipe would wait forever."""
    import os

    os.mkfifo(tmp_path / "1-result.json")
    with pytest.raises(Fault):
        list(allure.read_folder(Place(path=tmp_path, shown=tmp_path.name)))


ONE, TWO = "814a0427-61c8-4cab-bc93-1afb90dba0d2", "e6370f8be9004bc7bc4ecd1ce2d02758"


def found_in(folder: Path, *patterns: str) -> list[tuple[str, str | None]]:
    return [(each.place.shown, each.format) for each in discover(patterns, folder).files]


@pytest.mark.parametrize("pattern", ["**/*.json", "**/*-result.json", "build/allure-results", "build/allure-*"])
def test_a_folder_of_results_is_one_report_however_it_is_named(tmp_path: Path, pattern: str):
    """Whether a pattern names the folder or the files in it: one report, and what belongs to it is none of its own."""
    folder = tmp_path / "build" / "allure-results"
    folder.mkdir(parents=True)
    for name in (f"{ONE}-result.json", f"{TWO}-container.json", f"{TWO}-attachment.json", "categories.json"):
        (folder / name).write_text("{}", encoding="utf-8")

    assert found_in(tmp_path, pattern) == [("build/allure-results", "allure2-dir")]


def test_a_file_that_only_ends_like_a_result_is_no_folder_of_allure(tmp_path: Path):
    """Other tools name their files so, too; beside real results they stay reports of their own."""
    (tmp_path / "jest-result.json").write_text("{}", encoding="utf-8")
    assert found_in(tmp_path, "**/*.json") == [("jest-result.json", None)]
    (tmp_path / f"{ONE}-result.json").write_text("{}", encoding="utf-8")

    assert found_in(tmp_path, "**/*.json") == [(".", "allure2-dir"), ("jest-result.json", None)]


def made(folder: Path, **files: dict[str, object]) -> Path:
    """Write results under names of somebody's own."""
    folder.mkdir(parents=True)
    for name, said in files.items():
        (folder / f"{name.replace('__', '-')}.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


RESULT = {"uuid": "1", "name": "adds", "fullName": "shop.Cart.adds", "status": "passed", "start": 1_767_600_000_000}
PAYS = {**RESULT, "name": "pays", "fullName": "shop.Cart.pays", "historyId": "p"}


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("build/allure-results", ("t1__result", "t2__result")),
        ("**/allure-results", ("t1__result", "t2__result")),
        ("**/allure-*", ("one", "two")),
        ("**/*.json", ("one", "two")),
        ("**/*-result.json", ("t1__result", "t2__result")),
    ],
)
def test_results_under_any_name_are_read(tmp_path: Path, pattern: str, named: tuple[str, str]):
    """What a file is decides, not the random name that Allure gives it; other files there stay what they are."""
    made(tmp_path / "build" / "allure-results", **dict.fromkeys(named, RESULT))
    (found,) = discover([pattern], tmp_path).files
    cases = [each for each in read(found) if isinstance(each, Case)]

    assert (found.place.shown, found.format, len(cases)) == ("build/allure-results", "allure2-dir", 2)


@pytest.mark.parametrize("status", ["passed", None])
def test_one_result_alone_is_a_report(tmp_path: Path, status: str | None):
    """A single file that somebody took out of its folder; a status of null is none that passed."""
    made(tmp_path / "x", picked={**RESULT, "status": status}, package={"name": "a", "version": "1"})
    (found,) = discover(["x/picked.json"], tmp_path).files
    (case,) = (each for each in read(found) if isinstance(each, Case))

    assert found.format is None
    assert (case.classname, case.name, case.outcome.value) == ("shop.Cart", "adds", "passed" if status else "other")


def test_attempts_under_other_names_are_results_that_the_last_stands_for(tmp_path: Path):
    """They are counted one by one, and the last to start is the one that counts."""
    folder = made(
        tmp_path / "allure-results",
        a__result={**PAYS, "start": PAYS["start"] + 9},  # type: ignore[operator]
        b__result={**PAYS, "status": "failed"},
        c__result=RESULT,
    )
    cases = [each for each in allure.read_folder(Place(path=folder, shown="a")) if isinstance(each, Case)]

    assert [(each.name, each.outcome.value, bool(each.retried), len(each.attempts)) for each in cases] == [
        ("adds", "passed", False, 0),
        ("pays", "failed", True, 0),
        ("pays", "passed", False, 1),
    ]


def test_a_pipe_under_another_name_is_not_looked_into(tmp_path: Path):
    """Opening one would wait forever."""
    import os

    made(tmp_path / "allure-results", one=RESULT)
    os.mkfifo(tmp_path / "allure-results" / "a.json")
    (found,) = discover(["allure-results"], tmp_path).files

    assert len([each for each in read(found) if isinstance(each, Case)]) == 1
