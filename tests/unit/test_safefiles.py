"""Files that are opened below a folder: links inside of it are followed where that is allowed, none leads out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xray_ci import safefiles
from xray_ci.safefiles import OutsideError, open_inside, open_named


@pytest.fixture
def root(tmp_path):
    """Return a resolved folder with a file `b/f`, and links in `a`."""
    root = Path(os.path.realpath(tmp_path)) / "root"
    (root / "a").mkdir(parents=True)
    (root / "b").mkdir()
    (root / "b" / "f").write_bytes(b"x")
    (root.parent / "secret").write_bytes(b"not yours")
    (root / "a" / "up").symlink_to("../b/f")
    (root / "a" / "whole").symlink_to(root / "b" / "f")
    (root / "a" / "out").symlink_to("../../secret")
    (root / "a" / "elsewhere").symlink_to("/etc/hostname")
    return root


@pytest.fixture(params=["descriptors", "paths"])
def way(request, monkeypatch):
    """Open name by name, and as a system does it that cannot."""
    monkeypatch.setattr(safefiles, "_BY_DESCRIPTOR", request.param == "descriptors" and safefiles._BY_DESCRIPTOR)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["up", "whole"])
def test_a_link_that_stays_inside_is_followed(root, name):
    """Up and down again, or from the top: where it ends is what counts."""
    with open_inside(str(root), ("a", name), links=True) as file:
        assert file.read() == b"x"
    with pytest.raises(OSError, match="link"):
        open_inside(str(root), ("a", name), links=False)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["out", "elsewhere"])
def test_a_link_that_leads_out_is_told_as_one(root, name):
    """Not as a file that is missing: who put it there should know why it is not read."""
    with pytest.raises(OutsideError) as told:
        open_inside(str(root), ("a", name), links=True)

    assert told.value.target in {"..", str(root.parent / "secret"), "/etc/hostname"}


def test_a_plain_file_needs_no_links(root):
    """It is opened whether links are followed or not."""
    for links in (True, False):
        with open_inside(str(root), ("b", "f"), links=links) as file:
            assert file.read() == b"x"


def test_a_file_of_the_command_line_may_be_a_link_inside(root):
    """Below the workspace it may lead anywhere in it, and nowhere else."""
    with open_named(root / "a" / "up", root) as file:
        assert file.read() == b"x"
    with pytest.raises(OutsideError):
        open_named(root / "a" / "out", root)
