"""What a machine has too little of, and what is no file: told as what it is, at once, and never a defect."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from xray_runs import assembly, case, place

from xray_ci.ci.console import Console, Level
from xray_ci.ci.syntax import PLAIN
from xray_ci.errors import DiskFull, Failure, TooFewFiles, spooling
from xray_ci.model import Attachment, Case, Outcome
from xray_ci.reports.spill import Waiting
from xray_ci.safefiles import open_regular
from xray_ci.secret import Redactor
from xray_ci.services.body import Slice


@pytest.mark.parametrize(
    ("number", "kind", "slug"),
    [
        (errno.ENOSPC, DiskFull, "disk-full"),
        (errno.EDQUOT, DiskFull, "disk-full"),
        (errno.EFBIG, DiskFull, "disk-full"),
        (errno.EMFILE, TooFewFiles, "too-few-open-files"),
        (errno.ENFILE, TooFewFiles, "too-few-open-files"),
    ],
)
def test_what_a_machine_has_no_more_of_is_a_failure_with_exit_code_7(number, kind, slug):
    """It names the folder that is written to, or the limit."""
    with pytest.raises(kind) as failed, spooling(lambda: "/the/folder"):
        raise OSError(number, os.strerror(number))

    assert (7, slug) == (failed.value.exit_code, failed.value.slug)
    assert ("/the/folder" if kind is DiskFull else "ulimit -n") in failed.value.where


def test_another_error_of_the_system_stays_what_it_is():
    """A defect is not told as a full disk."""
    with pytest.raises(PermissionError), spooling(lambda: "x"):
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("name", ["lines"])
def test_a_disk_that_is_full_while_spooling(tmp_path, name):
    """Whichever file of the spool does not fit, the rest of them is closed and it is told."""
    attached = (Attachment(name="a.txt", base64="aGlo" * 5_000),)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).symlink_to("/dev/full")
    (tmp_path / "work").rename(tmp_path / "full")
    with pytest.raises(DiskFull), spooling(lambda: tmp_path), _in(tmp_path) as run:
        run.begin(place("r.xml"))
        for number in range(300):
            run.add(case(f"{name} {number}", Outcome.FAILED, attachments=attached if number < 50 else ()))
        run.commit()
        run.finish()


def _in(base):
    made = assembly(base)
    made.close()
    (base / "work").rename(base / "unused")
    (base / "full").rename(base / "work")
    return type(made)(base / "work", made._rules)


def test_a_full_folder_for_temporary_files_is_no_fault_of_the_report(monkeypatch):
    """Cases that wait for the end of their report need that folder; the report is not refused for it."""

    def full(_: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    waiting = Waiting()
    waiting.close()
    monkeypatch.setattr(waiting, "_file", SimpleNamespace(write=full))

    with pytest.raises(DiskFull) as failed:
        for _ in range(17):  # a few are put together
            waiting.add("a", Case(name="n" * 70_000, outcome=Outcome.PASSED))

    assert tempfile.gettempdir() == failed.value.where


def test_too_few_files_while_sending_is_not_the_reports_fault(tmp_path):
    """The limit of the process is named, not a broken report."""
    (tmp_path / "tests").write_bytes(b"{}")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(Failure) as failed:
            b"".join(Slice(path=tmp_path / "tests", offset=0, length=2).read())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert TooFewFiles is type(failed.value)


class Sink:
    """A log that takes some lines and then none."""

    encoding = "utf-8"

    def __init__(self, takes, error):
        self.left, self.error, self.lines = takes, error, []

    def write(self, text):
        if self.left <= 0:
            raise self.error
        self.left -= 1
        self.lines.append(text)

    def flush(self):
        pass


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), BrokenPipeError(), ValueError("I/O operation on closed file")], ids=repr
)
def test_a_log_that_takes_no_more_is_left_alone(error):
    """Who writes to it never notices."""
    sink = Sink(1, error)
    console = Console(sink, level=Level.INFO, surroundings=SimpleNamespace(syntax=PLAIN), redactor=Redactor())

    for word in ("one", "two", "three"):
        console.info(word)
    console.close()

    assert sink.lines == ["one\n"]
    assert console.lost


@pytest.mark.parametrize("lost", ["full", "closed", "reader gone"])
def test_a_lost_log_changes_nothing_of_what_is_delivered(emulator, run, workspace, lost):
    """All results arrive, and the exit code is that of the import."""
    (workspace / "r.xml").write_text('<testsuite name="s"><testcase classname="c" name="n"/></testsuite>')
    env = {
        **run.env,
        "XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001",
        "XRAY_CI_CLIENT_SECRET": "emulator-secret",
        "XRAY_CI_PROJECT": "SHOP",
        "XRAY_CI_XRAY_URL": emulator.url,
    }
    command = run.command("import", "--reports", "r.xml")
    if lost == "closed":
        command = ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command]
    reading, writing = os.pipe()
    os.close(reading)
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            command,
            env=env,
            cwd=workspace,
            check=False,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            stdout={"full": full, "closed": None, "reader gone": writing}[lost],
        )
    os.close(writing)

    assert done.returncode == 0
    assert len(emulator.executions()) == 1


def test_a_pipe_or_a_device_is_no_file(tmp_path):
    """It is refused at once, where reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null", tmp_path):
        with pytest.raises(OSError):
            open_regular(Path(path), links=True)


@pytest.mark.parametrize("arguments", [("migrate", "pipe"), ("plan",)])
def test_a_pipe_in_place_of_a_file_ends_with_2(run, workspace, arguments):
    """As the file to migrate, and as the file of a secret."""
    os.mkfifo(workspace / "pipe")

    assert run(*arguments, env={"XRAY_CI_CLIENT_SECRET_FILE": "pipe"}, timeout=20).code == 2


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_a_limit_of_file_size_ends_with_7(emulator, run, workspace):
    """Nothing is sent, and the folder is named."""
    (workspace / "r.xml").write_text(
        '<testsuite name="s">'
        + "".join(
            f'<testcase classname="c" name="n{number}"><failure message="boom">{"x" * 500}</failure></testcase>'
            for number in range(3_000)
        )
        + "</testsuite>"
    )
    env = {
        **run.env,
        "XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001",
        "XRAY_CI_CLIENT_SECRET": "emulator-secret",
        "XRAY_CI_PROJECT": "SHOP",
        "XRAY_CI_XRAY_URL": emulator.url,
    }
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -f 200; exec "$@"', "sh", *run.command("import", "--reports", "r.xml")],
        env=env,
        cwd=workspace,
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert (done.returncode, emulator.executions()) == (7, []), done.stdout
    assert "docs/errors.md#disk-full" in done.stdout
    assert ".xray-ci" in done.stdout


@pytest.mark.parametrize("place", ["listing", "opening"])
def test_too_few_files_while_reading_is_no_fault_of_a_report(monkeypatch, run, inside, workspace, place):
    """Where no more files can be opened the run ends with 7 and names the limit, and no report is called broken."""
    (workspace / "a").mkdir()
    (workspace / "a" / "TEST-a.xml").write_text("<testsuite><testcase name='a'/></testsuite>")
    opened, scandir = os.open, os.scandir

    def limited(path, *args, **named):
        if str(path).endswith("TEST-a.xml"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return opened(path, *args, **named)

    def listed(path="."):
        if str(path).endswith("/a"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return scandir(path)

    monkeypatch.setattr(os, "open" if place == "opening" else "scandir", limited if place == "opening" else listed)

    result = inside("import", "--reports", "**/TEST-*.xml")

    assert result.code == 7, result.out + result.err
    assert "ulimit -n" in result.out
