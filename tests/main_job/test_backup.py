"""`backup`: one request that starts it, however it ends, and a file that is whole or not there."""

import zipfile

import pytest


@pytest.fixture
def backup(inside, workspace, emulator):
    """Make a backup of Cloud; return the result, how many were started, and whether the file is there."""

    def run(*arguments, on="cloud", **changes):
        result = inside("backup", *(arguments or ("--output", "out/xray.zip")), on=on, **changes)
        assert "Traceback" not in result.text
        posts = [each for each in emulator.requests() if each["path"] == "/api/v2/backup"]
        return result, len(posts), (workspace / "out/xray.zip").exists()

    return run


def test_a_backup_is_started_waited_for_and_downloaded(backup, workspace, clock):
    """Whole, and beside nothing else."""
    result, started, there = backup()

    assert (result.code, started, there) == (0, 1, True), result.text
    assert zipfile.ZipFile(workspace / "out/xray.zip").namelist() == ["tests.json"]
    assert [path.name for path in (workspace / "out").iterdir()] == ["xray.zip"]
    assert "one backup in six hours" in result.text
    assert clock.passed >= 5


def test_a_second_one_is_refused_for_six_hours(backup, emulator):
    """With the service's words; the old file stays."""
    backup()
    early, started, there = backup()
    emulator.clock(advance=6 * 3600)
    later, _, _ = backup()

    assert (early.code, started, there, later.code) == (6, 2, True, 0)
    assert "once every 6 hours" in early.text
    assert "one backup in six hours" in early.text


def test_an_answer_that_is_lost_is_told(backup, emulator):
    """Nothing is started twice."""
    emulator.fault("POST", "/api/v2/backup", drop="after", times=1)
    result, started, there = backup()

    assert (result.code, started, there) == (7, 1, False)
    assert "#may-have-been-done" in result.text
    assert "six hours" in result.text


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 502}, 7),
        ({"drop": "after"}, 7),
        ({"status": 404, "body": '{"error": "no file"}'}, 6),
        ({"status": 200, "body": "<!doctype html><title>Log in</title><input type=password>"}, 5),
    ],
)
def test_a_download_that_fails_leaves_no_file(backup, emulator, workspace, fault, code):
    """And says that the backup is there."""
    emulator.fault("GET", "/api/v2/backup/file", times=9, **fault)
    result, started, there = backup()

    assert (result.code, started, there) == (code, 1, False), result.text
    assert list((workspace / "out").iterdir()) == []
    assert "download it in Xray's settings" in result.text


def test_a_download_that_breaks_begins_anew(backup, emulator, workspace):
    """What came before it broke is not in the file."""
    emulator.fault("GET", "/api/v2/backup/file", drop="after", times=2)
    result, started, _ = backup()

    assert (result.code, started) == (0, 1), result.text
    assert zipfile.ZipFile(workspace / "out/xray.zip").testzip() is None


def test_a_job_that_does_not_end_costs_the_time_budget(backup, emulator, clock):
    """The file is not there, the backup is."""
    emulator.fault("GET", "/api/v2/backup/", status=200, body='{"status": "working"}', times=1000)
    result, _, there = backup(time_budget="60")

    assert (result.code, there) == (7, False)
    assert clock.passed <= 61


@pytest.mark.parametrize(
    ("arguments", "on", "changes", "code", "words"),
    [
        (("--log-level", "info"), "cloud", {}, 2, "needs a file"),
        ((), "server", {}, 2, "no backup of its own"),
        ((), "cloud", {"dry_run": "true"}, 0, "would start"),
        (("--output", "a.xml/xray.zip"), "cloud", {}, 2, "cannot be written"),
        ((), "cloud", {"client_secret": "wrong"}, 5, ""),
    ],
)
def test_nothing_is_started_that_cannot_end_well(backup, workspace, arguments, on, changes, code, words):
    """The six hours are not spent on a mistake."""
    (workspace / "a.xml").touch()
    result, started, there = backup(*arguments, on=on, **changes)

    assert (result.code, started, there) == (code, 0, False), result.text
    assert words in result.text
