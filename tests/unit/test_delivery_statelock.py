"""One process at a time on a state folder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from journaled import begun

from xray_ci.delivery.statelock import STALE, StateInUse, lock
from xray_ci.safefiles import Folder, JournalFault, make_folder

CHECKOUT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from xray_ci.delivery.statelock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def without_locks(monkeypatch):
    """Be on a file system that has no locks, as some of the network."""

    def flock(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)


def held_by(folder, words) -> None:
    (folder / "lock.held").write_text(words, encoding="ascii")


def test_a_second_process_is_told_and_a_killed_one_holds_nothing(tmp_path):
    """The lock is another process's while that lives, and is named; it ends with it, without cleaning up."""
    folder = make_folder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StateInUse, match=f"process {process.pid} on ") as refused, lock(folder):
            pass
        process.send_signal(signal.SIGKILL)

    assert refused.value.exit_code == 2
    assert (folder / "lock").exists()
    with lock(folder):
        pass


@pytest.mark.usefixtures("without_locks")
def test_without_locks_of_the_system_a_file_does_it(tmp_path):
    """Held once, free again after; within one process too."""
    folder = make_folder(tmp_path)
    with lock(folder):
        with pytest.raises(StateInUse, match=f"process {os.getpid()} on "), lock(folder):
            pass
        assert [path.name for path in folder.iterdir()] == ["lock.held"]
    assert not folder.exists()


def test_a_finished_delivery_takes_its_folder_along(tmp_path):
    """Finished under the lock, neither the lock nor the folder stays, and a late second one is told."""
    folder, journal = begun(tmp_path)
    with lock(folder):
        journal.finish()

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(JournalFault), lock(folder):
        pass


@pytest.mark.usefixtures("without_locks")
def test_a_file_of_a_process_that_is_gone_is_taken_over(tmp_path):
    """On this host a dead holder is known at once, and that is said."""
    folder = make_folder(tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    said = []
    with lock(folder):
        mine = (folder / "lock.held").read_text(encoding="ascii")
    folder.mkdir()
    held_by(folder, mine.replace(f" {os.getpid()} ", f" {process.pid} "))
    with lock(folder, tell=said.append):
        assert mine.split()[:2] == (folder / "lock.held").read_text(encoding="ascii").split()[:2]

    (text,) = said
    assert text.startswith(f"The lock of process {process.pid} on ")


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize(("age", "free"), [(STALE - 1, False), (STALE + 1, True), (-9e6, False)])
def test_a_file_of_another_host_is_stale_after_a_bound(tmp_path, age, free):
    """A process elsewhere cannot be asked: only time tells."""
    folder = make_folder(tmp_path)
    held_by(folder, "elsewhere/pid:[1] 4711 100000000\n")
    said = []

    if free:
        with lock(folder, clock=lambda: 1e8 + age, tell=said.append):
            assert not list(folder.glob("lock.?????????*"))
    else:
        with pytest.raises(StateInUse, match="process 4711 on elsewhere"), lock(folder, clock=lambda: 1e8 + age):
            pass
        assert (folder / "lock.held").read_text(encoding="ascii") == "elsewhere/pid:[1] 4711 100000000\n"
    assert ["The lock of process 4711 on elsewhere is stale and was taken over."] * free == said


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("words", ["", "no words", "\x1b[31m 1 1\n", "h 1 1\n::error::\n"])
def test_words_that_are_not_ours_are_not_repeated(tmp_path, words):
    """A file that somebody else made holds too, for its age, and nothing of it is printed as it is."""
    folder = make_folder(tmp_path)
    held_by(folder, words)
    with pytest.raises(StateInUse) as refused, lock(folder, clock=lambda: 0.0):
        pass

    assert refused.value.what.endswith(("by another process", "by process 1 on __31m"))


@pytest.mark.usefixtures("without_locks")
def test_a_stale_file_that_became_another_ones_is_given_back(tmp_path, monkeypatch):
    """Two that take over the same stale lock: the second finds the first one's words in what it moved away."""
    folder = make_folder(tmp_path)
    held_by(folder, "elsewhere/pid:[1] 4711 100000000\n")
    rename = Folder.rename

    def late(self, name, other):
        held_by(folder, "first/pid:[1] 12 100099999\n")
        monkeypatch.setattr(Folder, "rename", rename)
        rename(self, name, other)

    monkeypatch.setattr(Folder, "rename", late)
    with pytest.raises(StateInUse, match="process 12 on first"), lock(folder, clock=lambda: 1e8 + 1e5):
        pass
    assert [path.name for path in folder.iterdir()] == ["lock.held"]


@pytest.mark.usefixtures("without_locks")
def test_a_stale_file_that_comes_back_each_time_is_no_lock_of_ours(tmp_path, monkeypatch):
    """Somebody else keeps making it: after some tries it is in use, and never held without a file."""
    folder = make_folder(tmp_path)
    held_by(folder, "elsewhere/pid:[1] 4711 100000000\n")
    rename = Folder.rename

    def back(self, name, other):
        rename(self, name, other)
        held_by(folder, "elsewhere/pid:[1] 4711 100000000\n")

    monkeypatch.setattr(Folder, "rename", back)
    with pytest.raises(StateInUse), lock(folder, clock=lambda: 1e8 + STALE + 1):
        pytest.fail("it was held")


def test_a_lock_that_was_removed_while_it_was_opened_is_none(tmp_path, monkeypatch):
    """Its holder removes the file when it ends: who waited with it open locks the new one."""
    folder, real = make_folder(tmp_path), fcntl.flock

    def flock(descriptor, how):
        (folder / "lock").unlink()
        monkeypatch.setattr(fcntl, "flock", real)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock(folder):
        assert (folder / "lock").exists()
        with pytest.raises(StateInUse), lock(folder):
            pass


@pytest.mark.parametrize("name", ["lock", "folder"])
def test_no_link_is_followed(tmp_path, name):
    """A link in place of the lock or the folder is refused, and what it leads to is not touched."""
    folder = make_folder(tmp_path / "state")
    target = tmp_path / "target"
    if name == "lock":
        target.write_bytes(b"precious")
        (folder / "lock").symlink_to(target)
    else:
        folder.rename(target)
        folder.symlink_to(target)

    with pytest.raises(Exception, match="cannot be") as refused, lock(folder):
        pass
    assert refused.value.exit_code in (2, 7)
    assert target.is_dir() or target.read_bytes() == b"precious"
