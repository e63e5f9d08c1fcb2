"""Evidence of a run: what is sent, where it stands in the text, and what costs only itself."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from xray_runs import assembly, case, finish, names, place, run, slugs

from xray_ci.deployments import CLOUD, SERVER, Deployment
from xray_ci.model import Attachment, Outcome, Step
from xray_ci.xray.assembly import Assembly

FAILED = Outcome.FAILED
PNG = b"\x89PNG" * 20_000


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Assembly]:
    """Give what begins an assembly in the test's own folder."""
    return partial(assembly, tmp_path)


@pytest.mark.parametrize("deployment", [CLOUD, SERVER], ids=lambda row: row.key)
def test_evidence_is_written_behind_its_test(begun, tmp_path: Path, deployment: Deployment):
    """Files and inline base64 arrive byte for byte, with name and type, under the dialect's property."""
    run_so_far = begun(deployment=deployment)
    (tmp_path / "ws/build/shots").mkdir(parents=True)
    (tmp_path / "ws/build/shots/a.png").write_bytes(PNG)
    text = base64.b64encode(b"log" * 50_000).decode()
    attachments = (
        Attachment(name="a.png", path="shots/a.png"),
        Attachment(name="a.png", base64=text, media_type="text/plain"),
    )
    done, tests = run(
        run_so_far,
        case("before"),
        case("a", FAILED, attachments=attachments),
        case("after", FAILED),
        batch_bytes=200_000,
    )

    evidence = tests[1][deployment.dialect.evidence]
    assert [(item["filename"], item["contentType"]) for item in evidence] == [
        ("a.png", "image/png"),
        ("a-2.png", "text/plain"),
    ]
    assert [base64.b64decode(item["data"]) for item in evidence] == [PNG, b"log" * 50_000]
    assert deployment.dialect.evidence not in tests[2]
    assert (2, len(PNG) + 150_000, 3) == (done.evidence_files, done.evidence_bytes, len(done.portions[0].batches))


def test_evidence_policies(begun, tmp_path: Path):
    """`failed` sends evidence of failures and errors only."""
    attached = (Attachment(name="a.txt", base64="aGk="),)
    _, tests = run(begun(), *(case(outcome.value, outcome, attachments=attached) for outcome in Outcome))

    assert [name for name, test in zip(names(tests), tests, strict=True) if "evidence" in test] == ["failed", "errors"]


@pytest.mark.parametrize(("policy", "expected"), [("all", True), ("none", False)])
def test_evidence_of_passed_cases(begun, policy: str, expected: bool):
    """`all` sends it, `none` sends none at all."""
    _, tests = run(begun(attachments=policy), case("a", attachments=(Attachment(name="a.txt", base64="aGk="),)))

    assert expected is ("evidence" in tests[0])


def test_evidence_of_merged_results_takes_no_room(begun):
    """Only evidence that is sent counts against the limit, in report order; the rest is counted as left out."""
    attached = (Attachment(name="a.bin", base64=base64.b64encode(b"x" * 60).decode()),)
    done, tests = run(
        begun(max_total=130, repeats="last"), *(case(name, FAILED, attachments=attached) for name in "aaaabc")
    )

    assert [name for name, test in zip(names(tests), tests, strict=True) if "evidence" in test] == ["a", "b"]
    assert slugs(done) == ["evidence-total"]
    assert done.evidence_bytes == 120


def test_evidence_that_cannot_be_sent_is_counted(begun, tmp_path: Path):
    """Each kind of reason is one notice with the place of the first; the result itself is sent."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/empty.txt").touch()
    (tmp_path / "ws/large.txt").write_bytes(b"x" * 11)
    attached = tuple(
        Attachment(name="x", path=path)
        for path in ("../../etc/passwd", "missing", "empty.txt", "large.txt", "missing2")
    )
    done, tests = run(
        begun(max_file=10), case("a", FAILED, attachments=(*attached, Attachment(name="x", base64="***")))
    )

    assert "evidence" not in tests[0]
    assert {"evidence-outside", "evidence-missing", "evidence-empty", "evidence-too-large", "evidence-base64"} == set(
        slugs(done)
    )
    assert all((notice.path, notice.line) == ("build/r.xml", 7) for notice in done.notices)


def test_a_file_that_vanishes_before_it_is_written_costs_only_itself(begun, tmp_path: Path):
    """The text stays valid when a file is gone at the last moment."""
    run_so_far = begun()
    (tmp_path / "ws/a.txt").write_bytes(b"a")
    (tmp_path / "ws/b.txt").write_bytes(b"b")
    run_so_far.begin(place("r.xml"))
    run_so_far.add(
        case("a", FAILED, attachments=tuple(Attachment(name=f"{name}.txt", path=f"{name}.txt") for name in "ab"))
    )
    run_so_far.commit()
    (tmp_path / "ws/a.txt").unlink()
    done, tests = finish(run_so_far)

    assert [item["filename"] for item in tests[0]["evidence"]] == ["b.txt"]
    assert slugs(done) == ["evidence-not-a-file"]


def test_evidence_of_steps(begun, tmp_path: Path):
    """Inline evidence stays with its step, within the limits; a file beside the report goes to the Test Run."""
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/a.txt").write_bytes(b"a")
    steps = tuple(
        Step(status="FAIL", outcome=FAILED, attachments=(attached,))
        for attached in (
            Attachment(name="i.txt", base64="aGk="),
            Attachment(name="a.txt", path="a.txt"),
            Attachment(name="x", base64="="),
            Attachment(name="z.txt", base64=base64.b64encode(b"z" * 99).decode()),
        )
    )
    done, tests = run(begun(max_total=50), case("a", FAILED, "CALC-1", steps=steps))

    assert [[item["filename"] for item in step.get("evidence", ())] for step in tests[0]["steps"]] == [
        ["i.txt"],
        [],
        [],
        [],
    ]
    assert [item["filename"] for item in tests[0]["evidence"]] == ["a.txt"]
    assert {"evidence-moved", "evidence-base64", "evidence-total"} == set(slugs(done))
