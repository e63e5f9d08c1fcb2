"""The law of the journal: whatever is cut or changed, what is read is a beginning of what was recorded, or refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from journaled import STEPS, Answered, Asked, read, written

from xray_ci.delivery.journal import NAME
from xray_ci.safefiles import JournalFault

NOTES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
STEP_LISTS = st.lists(
    st.builds(Asked, batch=st.integers(-(2**63), 2**63 - 1), note=NOTES)
    | st.builds(Answered, batch=st.integers(0, 9), key=NOTES),
    max_size=6,
).map(tuple)


def after(folder, content):
    """Return what a journal of these bytes holds, None when it is refused."""
    (folder / NAME).write_bytes(content)
    try:
        return read(folder)
    except JournalFault:
        return None


def is_beginning(found, steps) -> bool:
    return found is None or found == steps[: len(found)]


@given(STEP_LISTS)
def test_any_entries_are_found_as_they_were(tmp_path_factory, steps):
    """No text of an entry ends its line or becomes another."""
    assert steps == read(written(tmp_path_factory.mktemp("state"), steps, spool=None))


def test_cut_at_every_byte_it_is_a_beginning(tmp_path):
    """Each cut gives the entries whose lines are whole; within the first line nothing can be told. Then it goes on."""
    folder = written(tmp_path, spool=None)
    content = (folder / NAME).read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == 10]

    for cut in range(len(content) + 1):
        whole = sum(end <= cut for end in ends)
        assert (STEPS[: whole - 1] if whole else None) == after(folder, content[:cut])


def test_flipped_at_every_byte_it_is_a_beginning_or_refused(tmp_path):
    """No single changed byte makes an entry that was not recorded, and none but in the last line goes unseen."""
    folder = written(tmp_path)
    content = (folder / NAME).read_bytes()
    last = content.rindex(b"\n", 0, -1)

    for place, byte in enumerate(content):
        found = after(folder, content[:place] + bytes([byte ^ (1, 32, 255, byte)[place % 4]]) + content[place + 1 :])
        assert is_beginning(found, STEPS)
        assert found is None or place > last


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 60), st.binary(max_size=20)), min_size=1, max_size=4))
def test_any_damage_gives_a_beginning_or_is_refused(tmp_path_factory, damages):
    """Bytes taken out and put in anywhere."""
    folder = written(tmp_path_factory.mktemp("state"), spool=None)
    content = (folder / NAME).read_bytes()
    for place, taken, put in damages:
        content = content[:place] + put + content[place + taken :]

    assert is_beginning(after(folder, content), STEPS)
