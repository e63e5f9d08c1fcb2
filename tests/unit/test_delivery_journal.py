"""The journal: what was recorded is found again after any end, and nothing else is."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from journaled import HEAD, HEADS, READER, STEPS, WORDS, Answered, Asked, begun, key_of, read, written

from xray_ci import safefiles as module
from xray_ci.delivery.journal import NAME, Journal, JournalFinished, pending, sweep
from xray_ci.safefiles import JournalFault, StateUnwritable, make_folder

CHECKOUT = Path(__file__).resolve().parents[2]


@contextmanager
def room_for(size):
    """Let no file grow beyond a size, as on a full disk: what fits is written, the rest is not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def lines(folder) -> list[bytes]:
    return (folder / NAME).read_bytes().splitlines(keepends=True)


def rewrite(folder, content) -> None:
    (folder / NAME).write_bytes(b"".join(content))


def test_what_was_recorded_is_found_again_and_goes_on(tmp_path):
    """An unfinished journal comes back with its types and files, and takes more entries."""
    folder = written(tmp_path)
    journal, head, steps = Journal.reopen(folder, HEADS, READER, key_of)
    with journal:
        journal.record(Answered(batch=2, key="SHOP-7"))
        assert {name: b"".join(sealed.read()) for name, sealed in journal.files.items()} == {"batch-1.json": b"results"}

    assert (head, steps) == (HEAD, STEPS)
    assert (*STEPS, Answered(batch=2, key="SHOP-7")) == read(folder)


def test_a_line_that_was_being_written_is_dropped_and_written_over(tmp_path):
    """Half a line counts as not recorded, and the next entry follows the last whole one."""
    folder = written(tmp_path)
    whole = lines(folder)
    rewrite(folder, [*whole, whole[-1][:40]])

    journal, _, steps = Journal.reopen(folder, HEADS, READER, key_of)
    assert whole == lines(folder)
    with journal:
        journal.record(STEPS[0])
    assert (*STEPS, STEPS[0]) == (*steps, STEPS[0]) == read(folder)


@pytest.mark.parametrize("blocks", [(0, 1, 2), (0,), (1,), (2,), (0, 2)], ids=str)
def test_blocks_that_were_never_written_are_a_torn_line(tmp_path, blocks):
    """After a power loss stretches of the last line may read as zeros: it was not recorded."""
    folder = written(tmp_path)
    size = (folder / NAME).stat().st_size
    journal, _, _ = Journal.reopen(folder, HEADS, READER, key_of)
    with journal:
        journal.record(Asked(batch=2, note="x" * 1000))
    content = bytearray((folder / NAME).read_bytes())
    for block in blocks:
        place = size if block == 0 else (size // 512 + block) * 512
        end = min((place // 512 + 1) * 512, len(content))
        content[place:end] = bytes(end - place)
    rewrite(folder, [content])

    assert read(folder) == STEPS
    assert size == (folder / NAME).stat().st_size


@pytest.mark.parametrize("names", [["../batch"], ["inner/batch"], [".batch"], [NAME], ["lock"], ["a", "A"], ["a b"]])
def test_files_lie_beside_the_journal_under_plain_names(tmp_path, names):
    """A name that could mean something else somewhere is a mistake of the caller."""
    folder = make_folder(tmp_path)

    with pytest.raises(ValueError, match="a journal"):
        Journal.begin(folder, WORDS, key_of, files=[folder / name for name in names])
    assert list(folder.iterdir()) == []


def test_a_folder_is_begun_once(tmp_path):
    """The journal of another delivery is never written over."""
    folder = written(tmp_path)

    with pytest.raises(JournalFault, match="begun in this folder before"):
        Journal.begin(folder, WORDS, key_of)
    assert read(folder) == STEPS


def test_a_full_disk_is_said_and_costs_only_the_entry_that_did_not_fit(tmp_path):
    """The half line that fitted is cut off; with room again the journal goes on."""
    folder, journal = begun(tmp_path)
    journal.record(STEPS[0])
    size = (folder / NAME).stat().st_size
    with room_for(size + 50), pytest.raises(StateUnwritable, match="could not be written") as trouble:
        journal.record(Asked(batch=2, note="y" * 100))

    assert trouble.value.exit_code == 7
    assert size == (folder / NAME).stat().st_size
    journal.record(STEPS[1])
    journal.close()
    assert STEPS[:2] == read(folder)


def test_a_journal_that_cannot_be_begun_leaves_none(tmp_path):
    """A full disk at the beginning is said before anything was sent, and can be tried again."""
    folder = make_folder(tmp_path)
    with room_for(20), pytest.raises(StateUnwritable):
        Journal.begin(folder, WORDS, key_of)

    assert list(folder.iterdir()) == []
    Journal.begin(folder, WORDS, key_of).close()


def test_an_entry_interrupted_by_a_signal_does_not_break_the_chain(tmp_path, monkeypatch):
    """A signal's exception between writing and knowing it leaves a journal that can be read and gone on with."""
    folder, journal = begun(tmp_path)

    def interrupted(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.record(STEPS[0])
    journal.record(STEPS[1])
    journal.close()
    assert STEPS[1:2] == read(folder)


def test_all_is_on_the_disk_before_anything_goes_on(tmp_path, monkeypatch):
    """The files first, then the journal, then their names, then the folder's; later each entry, in one write."""
    order, sync, write = [], os.fsync, os.write

    def noted(what, descriptor):
        order.append((what, Path(f"/proc/self/fd/{descriptor}").readlink().name))

    def fsync(descriptor):
        noted("sync", descriptor)
        sync(descriptor)

    def written_at_once(descriptor, data):
        noted("write", descriptor)
        return write(descriptor, data)

    folder = make_folder(tmp_path)
    (folder / "batch").touch()
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "write", written_at_once)
    with Journal.begin(folder, WORDS, key_of, files=[folder / "batch"]) as journal:
        assert [
            ("sync", "batch"),
            ("write", NAME),
            ("sync", NAME),
            ("sync", folder.name),
            ("sync", tmp_path.name),
        ] == order
        journal.record(STEPS[0])
    assert order[5:] == [("write", NAME), ("sync", NAME)]


def test_where_folders_have_no_descriptors_names_do(tmp_path, monkeypatch):
    """As on Windows: all works the same, and a link is refused by looking first."""
    monkeypatch.setattr(module, "_BY_DESCRIPTOR", False)
    folder = written(tmp_path)
    assert read(folder) == STEPS
    assert (folder,) == pending(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    assert (folder,) == pending(tmp_path)
    with pytest.raises(JournalFault):
        read(tmp_path / "link")
    journal, _, _ = Journal.reopen(folder, HEADS, READER, key_of)
    journal.finish()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_folder_around(tmp_path):
    """A container run as root leaves nothing in a workspace that its owner cannot remove."""
    os.chown(tmp_path, 4711, 4712)
    folder = make_folder(tmp_path / "state", root=tmp_path)
    Journal.begin(folder, WORDS, key_of).close()

    assert {(4711, 4712)} == {
        (path.stat().st_uid, path.stat().st_gid) for path in (folder.parent, folder, folder / NAME)
    }


def test_a_file_system_that_cannot_sync_folders_will_do(tmp_path, monkeypatch):
    """Network file systems answer EINVAL for a folder; its files are written through all the same."""
    real = os.fsync

    def fsync(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(22, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert read(written(tmp_path)) == STEPS


def test_a_finished_journal_leaves_nothing(tmp_path):
    """Journal, files and folder go."""
    folder, journal = begun(tmp_path)
    journal.record(STEPS[0])
    assert (folder,) == pending(tmp_path)
    journal.finish()

    assert pending(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("removals", range(3))
def test_a_crash_while_removing_leaves_nothing_to_do(tmp_path, monkeypatch, removals):
    """After the mark is written the journal is done, whatever of it is still there; `sweep` takes the rest away."""
    folder, journal = begun(tmp_path)
    journal.record(STEPS[0])
    real, done = os.unlink, []

    def unlink(*given, **more):
        if len(done) == removals:
            raise KeyboardInterrupt
        done.append(given)
        real(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            journal.finish()
    assert folder.exists()
    assert pending(tmp_path) == ()
    if (folder / NAME).exists():
        with pytest.raises(JournalFinished):
            read(folder)
        sweep(tmp_path)
        assert not folder.exists()


def test_pending_journals_come_in_the_order_they_were_begun(tmp_path):
    """The oldest first; what is not ours, not begun, or a file is ignored; a damaged one is not."""
    folders = [written(tmp_path, at=float(moment)) for moment in (30, 10, 20)]
    torn = make_folder(tmp_path)
    (torn / NAME).write_bytes((folders[0] / NAME).read_bytes()[:60])
    damaged = make_folder(tmp_path)
    (damaged / NAME).write_bytes(b"x" + (folders[0] / NAME).read_bytes())
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    (make_folder(tmp_path) / NAME).mkdir()
    os.mkfifo(make_folder(tmp_path) / NAME)
    sweep(tmp_path)

    assert (damaged, folders[1], folders[2], folders[0]) == pending(tmp_path)
    assert pending(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("recorded", [0, 40])
def test_a_killed_process_loses_nothing_that_was_recorded(tmp_path, recorded):
    """SIGKILL while entries are written: all that `record` returned for are there, and at most one more."""
    folder = make_folder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "journaled", "write", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'tests'}"},
    ) as process:
        said = [process.stdout.readline() for _ in range(recorded + 1)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()

    assert process.returncode == -signal.SIGKILL
    found = read(folder)
    whole = [line for line in said if line.endswith("\n")]
    assert list(range(len(found))) == [step.batch for step in found]
    assert len(whole) <= len(found) <= len(whole) + 1
