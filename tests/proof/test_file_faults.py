"""Whatever the file system answers for one path: no defect, and no other report of the run is lost."""

import errno
import json
import os
from pathlib import Path

import pytest
from job_runs import case, keyed, runs, suite

ERRORS = ("ELOOP", "ENAMETOOLONG", "ENOTDIR", "EACCES", "ESTALE", "EIO")
CALLS = ("stat", "lstat", "open", "scandir", "listdir", "readlink")
RESULT = "0f8fad5b-d9cb-469f-a165-70867728950e-result.json"
KINDS = {
    "report": "TEST-bad.xml",
    "folder": "bad",
    "link": "TEST-link.xml",
    "folder of Allure": "allure-results",
    "file of Allure": RESULT,
    "evidence": "shot.png",
}
COMMANDS = {
    "import": ["import"],
    "import, native": ["import", "--strategy", "native"],
    "plan": ["plan"],
    "inspect": ["inspect"],
    "collect": ["collect", "--output", "part.xrayci"],
    "convert": ["convert", "--output", "out.json"],
}
REPORTS = "**/TEST-*.xml"
FIRES = {
    ("report", "open"),
    ("folder", "scandir"),
    ("link", "open"),
    ("folder of Allure", "scandir"),
    ("file of Allure", "open"),
    ("evidence", "open"),
}
"""What an import meets for certain, so that this matrix cannot pass by missing everything."""


@pytest.fixture
def files(workspace):
    """Return a workspace with one of each kind, all but the good report named as in KINDS."""
    failed = case("pays", '<failure message="x"/><system-out>[[ATTACHMENT|shot.png]]</system-out>')
    (workspace / "TEST-good.xml").write_text(suite("good", keyed("buys", "SHOP-3"), failed))
    (workspace / "TEST-bad.xml").write_text(suite("bad", case("adds")))
    (workspace / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (workspace / "bad").mkdir()
    (workspace / "bad" / "TEST-inner.xml").write_text(suite("inner", case("sees")))
    (workspace / "real.xml").write_text(suite("link", case("links")))
    (workspace / "TEST-link.xml").symlink_to("real.xml")
    (workspace / "allure-results").mkdir()
    (workspace / "allure-results" / RESULT).write_text(json.dumps({"name": "a", "status": "passed", "fullName": "x.a"}))
    return workspace


@pytest.mark.proof
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_path_that_fails_costs_no_other_report(monkeypatch, inside, files, emulator, kind, command):
    """Each error of each call for one path: a documented code, and what the good report says is there."""
    fired = set()
    whole = {call: getattr(os, call) for call in CALLS}
    current = {}
    reports = ["--reports", REPORTS, *(() if "native" in command else ("--reports", "**/allure-results"))]

    def failing(call):
        def made(path=".", *args, **named):
            if current.get("call") == call and _name(path) == KINDS[kind]:
                fired.add((kind, call))
                raise OSError(current["error"], os.strerror(current["error"]), str(path))
            return whole[call](path, *args, **named)

        return made

    for call in CALLS:
        monkeypatch.setattr(os, call, failing(call))
    for call in CALLS:
        for name in ERRORS:
            emulator.reset()
            current |= {"call": call, "error": getattr(errno, name)}

            result = inside(*COMMANDS[command], *reports)

            current.clear()
            shown = f"{call} {name}: {result.code}\n{result.out}{result.err}"
            assert result.code in {0, 4}, shown
            _good_is_there(command, result, files, emulator, shown)
    if command == "import":
        assert fired & FIRES == {one for one in FIRES if one[0] == kind}


def _name(path):
    return Path(os.fsdecode(path)).name if isinstance(path, (str, bytes, os.PathLike)) else None


def _good_is_there(command, result, files, emulator, shown):
    match command:
        case "import" | "import, native":
            stored = [run["test"] for execution in emulator.executions() for run in runs(execution)]
            assert "SHOP-3" in stored, shown
        case "convert":
            assert "SHOP-3" in (files / "out.json").read_text(), shown
        case "collect":
            assert (files / "part.xrayci").stat().st_size > 0, shown
        case _:
            assert "TEST-good.xml" in result.out or "SHOP-3" in result.out, shown
