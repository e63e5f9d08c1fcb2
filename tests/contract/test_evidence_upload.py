"""Large evidence on Cloud: uploaded once as it is, and added by its id, whatever happens on the way."""

from __future__ import annotations

import hashlib
from random import Random

import pytest
from job_runs import case, suite

from xray_ci.services import cloud

FILES, ADD = "*/attachments", "*/graphql"
BOUND, LARGE, SMALL = 200_000, 300_001, 20_000
FIRST, SECOND = ("video.webm", "one.png"), ("two.png",)


@pytest.fixture
def ran(inside, workspace, monkeypatch):
    """Import two failed results, one with a large and a small file, one with a small one; return the result."""
    monkeypatch.setattr(cloud, "UPLOAD_FROM", BOUND)
    for name, size in (("video.webm", LARGE), ("one.png", SMALL), ("two.png", SMALL)):
        (workspace / name).write_bytes(Random(name).randbytes(size))
    first = "<failure>no</failure><system-out>[[ATTACHMENT|video.webm]]\n[[ATTACHMENT|one.png]]</system-out>"
    second = "<failure>no</failure><system-out>[[ATTACHMENT|two.png]]</system-out>"
    (workspace / "r.xml").write_text(suite("s", case("a", first), case("b", second), case("c")))

    def run(*args, on="cloud", **changes):
        result = inside(*(args or ("import",)), on=on, **({"reports": "r.xml"} | changes))
        assert "Traceback" not in result.text
        return result

    return run


def stored(emulator):
    """Return what each Test Run of the one Test Execution holds: names and digests, in order."""
    (execution,) = emulator.executions()
    return sorted(
        [(file["filename"], file["sha256"]) for file in run["evidence"]]
        for run in execution["execution"]["runs"].values()
    )


@pytest.fixture
def right(workspace, ran):
    """Return what is to be stored, sorted as `stored` is."""
    named = [(name, hashlib.sha256((workspace / name).read_bytes()).hexdigest()) for name in FIRST + SECOND]
    return [[], named[len(FIRST) :], named[: len(FIRST)]]


def sizes(emulator, path):
    """Return the bytes of the requests to a path, by its end."""
    return [each["size"] for each in emulator.requests() if each["path"].endswith(path) and each["method"] == "POST"]


def test_a_large_file_goes_once_as_it_is(ran, emulator, right):
    """The import is small, one upload has the bytes of the file and a form around it, and what is stored is it."""
    result = ran()

    assert result.code == 0, result.text
    assert stored(emulator) == right
    (uploaded,) = sizes(emulator, "/api/v2/attachments")
    assert LARGE < uploaded < LARGE + 400
    assert sum(sizes(emulator, "/import/execution")) < 2 * SMALL
    assert "3 in reports = 3 sent = 3 stored" in result.out


def test_a_plan_says_what_follows(ran, emulator):
    """Both files of the Test that has a large one."""
    result = ran("plan")

    assert result.code == 0, result.text
    assert "then add 2 files of evidence, large ones as they are" in result.out
    assert emulator.imports() == []


@pytest.mark.parametrize(
    ("method", "path", "contains", "fault", "uploads"),
    [
        ("POST", FILES, "", {"status": 502}, 2),
        ("POST", FILES, "", {"drop": "after"}, 2),
        ("POST", ADD, "attachmentId", {"drop": "after"}, 1),
        ("POST", ADD, "attachmentId", {"drop": "before"}, 1),
        ("POST", ADD, "attachmentId", {"status": 502}, 1),
    ],
)
def test_a_fault_on_the_way_leaves_each_file_there_once(
    ran, emulator, right, method, path, contains, fault, uploads, inside
):
    """An upload is repeated, since nothing names it yet; adding is looked for first and uses the id that is known."""
    emulator.fault(method, path, contains=contains, **fault)
    result = ran()

    assert result.code == 0, result.text
    assert stored(emulator) == right
    assert len(sizes(emulator, "/api/v2/attachments")) == uploads
    assert inside.left() == []


def test_what_was_uploaded_is_added_by_a_later_run(ran, emulator, right, inside):
    """The journal keeps the id: `resume` adds the file and does not send it again."""
    emulator.fault("POST", ADD, contains="attachmentId", drop="before", times=-1)
    assert ran(time_budget="200").code == 7
    assert len(inside.left()) == 1
    emulator._control("DELETE", "faults")

    assert ran("resume", reports=None).code == 0
    assert stored(emulator) == right
    assert len(sizes(emulator, "/api/v2/attachments")) == 1
    assert inside.left() == []


def test_a_site_without_uploads_gets_base64(ran, emulator, right):
    """404 is no failure: the file goes as before, and nobody asks a second time."""
    emulator.fault("POST", FILES, status=404, times=-1)
    result = ran()

    assert result.code == 0, result.text
    assert stored(emulator) == right
    assert len(sizes(emulator, "/api/v2/attachments")) == 1
    assert max(sizes(emulator, "/graphql")) > LARGE * 4 // 3


def test_an_upload_that_is_too_large_costs_no_result(ran, emulator):
    """Exit 8 names the file; every result and all other evidence is stored."""
    emulator.settings(max_body=BOUND)
    result = ran()

    assert result.code == 8, result.text
    assert "video.webm" in result.text
    assert [len(each) for each in stored(emulator)] == [0, 1, 1]


def test_server_takes_it_with_the_import(ran, emulator):
    """No such resource is known there: evidence goes as before."""
    result = ran(on="server")

    assert result.code == 0, result.text
    assert sizes(emulator, "/attachments") == []
    assert [len(each) for each in stored(emulator)] == [0, 1, 2]
