"""A state folder that a stranger packed, or that was damaged.

It is refused, and nothing in it is followed or changed.
"""

from __future__ import annotations

import hashlib
import os

import msgspec
import pytest
from journaled import HEADS, READER, STEPS, begun, key_of, read, written

from xray_ci.delivery.journal import LINE_LIMIT, NAME, Chain, Journal, SealedOtherwise, line_after, pending, sweep
from xray_ci.safefiles import Folder, JournalFault, StateUnwritable, is_system, make_folder


def lines(folder) -> list[bytes]:
    return (folder / NAME).read_bytes().splitlines(keepends=True)


def rewrite(folder, content) -> None:
    (folder / NAME).write_bytes(b"".join(content))


def forged(folder, *says, key=key_of) -> None:
    """Write a journal whose digests are right, as who has the key can."""
    chain, content = Chain.begin(b"s" * 16, key), []
    for payload in says:
        line, chain = line_after(chain, payload)
        content.append(line)
    rewrite(folder, content)


@pytest.mark.parametrize(
    "change",
    [
        lambda ours: [ours[0], *ours[2:]],
        lambda ours: [ours[0], ours[2], ours[1], ours[3]],
        lambda ours: [*ours[:2], ours[1], *ours[2:]],
        lambda ours: ours[1:],
        lambda ours: [*ours, b"\n"],
        lambda ours: [ours[0], ours[1].replace(b'"batch":1', b'"batch":9'), *ours[2:]],
        lambda _: [],
        lambda _: [b"<html>\n"],
        lambda ours: [ours[0][:50]],
        lambda ours: [*ours, b"x" * (LINE_LIMIT + 1)],
        lambda ours: [*ours[:3], ours[3].replace(b"2", b"\0"), ours[1]],
    ],
    ids=[
        "dropped",
        "swapped",
        "doubled",
        "headless",
        "empty line",
        "edited",
        "empty",
        "other",
        "no head",
        "long",
        "zeros inside",
    ],
)
def test_anything_not_exactly_ours_is_refused(tmp_path, change):
    """Lines cannot be dropped, swapped, doubled or edited inside, and the end has to be ours."""
    folder = written(tmp_path)
    rewrite(folder, change(lines(folder)))
    before = (folder / NAME).read_bytes()

    with pytest.raises(JournalFault) as fault:
        read(folder)
    assert fault.value.exit_code == 2
    assert fault.value.where.startswith(str(folder / NAME))
    assert before == (folder / NAME).read_bytes()


def test_the_line_that_is_not_understood_is_named(tmp_path):
    """Counted as an editor counts: the head is the first line."""
    folder = written(tmp_path)

    with pytest.raises(JournalFault) as fault:
        Journal.reopen(folder, HEADS, msgspec.json.Decoder(int), key_of)
    assert fault.value.where == f"{folder / NAME}:2"


def test_another_version_is_named(tmp_path):
    """A journal of a later release is not guessed at."""
    folder = written(tmp_path)
    first, *rest = lines(folder)
    rewrite(folder, [first.replace(b"journal 2 ", b"journal 3 "), *rest])

    with pytest.raises(JournalFault, match="of version 3, this xray-ci reads version 2"):
        read(folder)


def test_a_journal_over_its_limit_is_not_read(tmp_path):
    """Its size is looked at before its content."""
    folder = written(tmp_path)
    os.truncate(folder / NAME, 64_000_001)

    with pytest.raises(JournalFault, match="larger than 64,000,000 bytes"):
        read(folder)


def test_an_entry_of_another_type_is_refused(tmp_path):
    """Whole lines that do not say what this release records are not guessed at either."""

    class Other(msgspec.Struct, tag="other"):
        pass

    folder, journal = begun(tmp_path)
    with journal:
        journal.record(Other())

    with pytest.raises(JournalFault, match="never writes"):
        read(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_bytes(b"resultz"),
        lambda file: file.write_bytes(b"results, and more"),
        lambda file: file.unlink(),
        lambda file: (file.rename(file.with_name("moved")), file.symlink_to("moved")),
        lambda file: (file.unlink(), os.mkfifo(file)),
    ],
    ids=["edited", "longer", "gone", "a link", "a pipe"],
)
def test_sealed_files_are_as_they_were(tmp_path, change):
    """What would be sent is what was planned, or nothing."""
    folder = written(tmp_path)
    change(folder / "batch-1.json")

    with pytest.raises(JournalFault) as fault:
        read(folder)
    assert str(folder / "batch-1.json") == fault.value.where


def test_the_first_line_needs_the_key(tmp_path):
    """A journal that somebody without the key wrote, or that a key sealed which is gone, is told from a damaged one."""
    folder = written(tmp_path)
    ours = lines(folder)
    with pytest.raises(SealedOtherwise) as fault:
        Journal.reopen(folder, HEADS, READER, lambda salt: b"theirs" + salt)
    assert (fault.value.slug, fault.value.exit_code) == ("state-foreign", 2)
    assert "`state-key`" in fault.value.next
    assert "`xray-ci import --test-execution KEY`" in fault.value.next

    forged(folder, b'{"begun":1,"files":[],"header":{"host":"h","batches":1}}', key=lambda salt: salt)
    with pytest.raises(SealedOtherwise):
        read(folder)
    rewrite(folder, [ours[0].replace(b"https://xray.example", b"https://evil.example"), *ours[1:]])
    with pytest.raises(SealedOtherwise):
        read(folder)
    rewrite(folder, [*ours[:1], ours[1].replace(ours[1][:64], b"0" * 64), *ours[2:]])
    with pytest.raises(JournalFault, match="was changed") as fault:
        read(folder)
    assert fault.value.slug == "state-unusable"


def test_two_journals_of_one_key_do_not_fit_together(tmp_path):
    """Lines of another folder, sealed with the same key, are no continuation."""
    one, other = written(tmp_path), written(tmp_path)
    rewrite(one, [*lines(one)[:2], lines(other)[2]])

    with pytest.raises(JournalFault, match="was changed"):
        read(one)


def test_what_was_sealed_is_read_whatever_takes_its_name(tmp_path):
    """A link, or another file, that is put in its place afterwards is not what is sent; nor when it is gone."""
    folder = written(tmp_path)
    journal, _, _ = Journal.reopen(folder, HEADS, READER, key_of)
    (tmp_path / "secret").write_bytes(b"SECRET!")
    with journal:
        sealed = journal.files["batch-1.json"]
        for put in (
            lambda file: (file.unlink(), file.symlink_to(tmp_path / "secret")),
            lambda file: (file.unlink(), os.link(tmp_path / "secret", file)),
            lambda file: file.unlink(),
        ):
            put(folder / "batch-1.json")
            assert b"".join(sealed.part(1, 5).read()) == b"esult"
            with sealed.mapped() as mapped:
                assert mapped[:] == b"results"


@pytest.mark.parametrize("name", ["journal", "folder", "state"])
def test_no_link_is_followed(tmp_path, name):
    """Neither the journal, nor its folder, nor the state folder may be a link."""
    state = tmp_path / "state"
    folder = written(state)
    linked = {"journal": folder / NAME, "folder": folder, "state": state}[name]
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(JournalFault):
        read(folder)
    if name == "state":
        with pytest.raises(JournalFault):
            pending(state)
        with pytest.raises(StateUnwritable):
            make_folder(state)
    else:
        assert pending(state) == ()


def test_below_a_root_no_link_is_followed_however_deep(tmp_path):
    """In a workspace a stranger's link may lead anywhere, on any step of the way."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "a").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StateUnwritable):
        make_folder(tmp_path / "workspace" / "a" / "b" / "state", root=tmp_path / "workspace")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    folder = make_folder(tmp_path / "workspace" / "b" / "state", root=tmp_path / "workspace")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "says",
    [
        b"[" * 400_000,
        b'{"begun":1,"files":[],"header":' + b"[" * 400_000 + b"}",
        b'{"begun":1,"files":[],"header":{},"more":1}',
        b'{"begun":1,"files":[{"name":"../../secret","length":1,"digest":""}],"header":{"host":"h","batches":1}}',
        b'{"begun":1,"files":[{"name":"/dev/zero","length":1,"digest":""}],"header":{"host":"h","batches":1}}',
        b'{"begun":1,"files":[{"name":"xray-ci.journal","length":1,"digest":""}],"header":{"host":"h","batches":1}}',
        b'{"begun":1,"files":[],"header":{"host":"h","batches":"\xff"}}',
        b'"finished"',
        b"null",
    ],
    ids=["deep", "deep inside", "more", "above", "device", "itself", "no text", "finished at once", "null"],
)
def test_right_digests_do_not_make_it_ours(tmp_path, says):
    """What the lines say is checked like any stranger's word: types, names, depth."""
    folder = make_folder(tmp_path)
    forged(folder, says)

    with pytest.raises(JournalFault):
        Journal.reopen(folder, HEADS, READER, key_of)
    assert pending(tmp_path) in ((folder,), ())


@pytest.mark.parametrize("name", ["../beside", "{whole}", "xray-ci.journal", "batch-1.json,batch-1.json"])
def test_only_names_that_we_write_are_opened(tmp_path, name):
    """A file that is there and is what the journal says of it is refused all the same, for its name or a second one."""
    (tmp_path / "beside").write_bytes(b"x")
    folder = make_folder(tmp_path / "state")
    (folder / "batch-1.json").write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    files = [
        {"name": each.format(whole=tmp_path / "beside"), "length": 1, "digest": digest} for each in name.split(",")
    ]
    forged(folder, msgspec.json.encode({"begun": 1, "files": files, "header": {"host": "h", "batches": 1}}))

    with pytest.raises(JournalFault, match="names a file that xray-ci never writes"):
        Journal.reopen(folder, HEADS, READER, key_of)


def test_a_journal_does_not_grow_over_its_limit(tmp_path, monkeypatch):
    """What could not be read again is not written, and what was written before can be read."""
    folder, journal = begun(tmp_path)
    with journal:
        journal.record(STEPS[0])
        monkeypatch.setattr("xray_ci.delivery.journal.JOURNAL_LIMIT", (folder / NAME).stat().st_size + 10)
        with pytest.raises(StateUnwritable, match="would be larger than"):
            journal.record(STEPS[1])

    assert read(folder) == STEPS[:1]


def test_sweeping_removes_nothing_outside(tmp_path):
    """A forged finished journal cannot have other files removed than those beside it."""
    (tmp_path / "precious").touch()
    folder = make_folder(tmp_path / "state")
    (folder / "more").touch()
    name = b'{"begun":1,"files":[{"name":"../../precious","length":0,"digest":""}],"header":{}}'
    forged(folder, name, b'"finished"')
    sweep(tmp_path / "state")

    assert (tmp_path / "precious").exists()
    assert [path.name for path in folder.iterdir()] == ["more"]


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    """A pipe of that name would keep a run waiting, or hand it a stranger's words."""
    os.mkfifo(tmp_path / "pipe")

    with Folder.enter(tmp_path) as folder, pytest.raises(OSError, match="not a regular file"):
        folder.open("pipe", os.O_RDWR)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/proc", True), ("/proc/self/environ", True), ("/sys/x", True), ("/process/report.xml", False), ("/", False)],
)
def test_what_lies_in_a_folder_of_the_system_is_the_machines(path, expected):
    """The folder itself and everything below it, and nothing that is only called alike."""
    assert is_system(path) is expected
