"""Which files a report can make us send, and how they are written."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import pytest

from xray_ci.model import Attachment
from xray_ci.xray.evidence import (
    PIECE,
    EvidenceRefusal,
    FoundFile,
    Workspace,
    file_name,
    media_type,
    valid_base64,
    write_base64,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a workspace with a file, and a secret outside of it."""
    root = tmp_path / "ws"
    (root / "build/reports/shots").mkdir(parents=True)
    (root / "build/reports/shots/a.png").write_bytes(b"png")
    (root / "top.txt").write_bytes(b"top")
    (root / ".env").write_bytes(b"TOKEN=1")
    (root / ".git").mkdir()
    (root / ".git/config").write_bytes(b"x")
    (tmp_path / "outside.txt").write_bytes(b"secret")
    return root


def slug(found: FoundFile | EvidenceRefusal) -> str:
    return found.slug if isinstance(found, EvidenceRefusal) else "found:" + "/".join(found.parts)


@pytest.mark.parametrize(
    "path",
    [
        "build/reports/shots/a.png",
        "shots/a.png",
        "./shots//a.png",
        r"shots\a.png",
        "shots/../shots/a.png",
        "../../build/reports/shots/a.png",
    ],
)
def test_paths_are_looked_for_below_the_workspace_and_beside_the_report(root: Path, path: str):
    """Relative paths, also with Windows separators, mean the workspace or the report's folder."""
    assert slug(Workspace(root).find(path, "build/reports")) == "found:build/reports/shots/a.png"


def test_absolute_paths_must_lie_in_the_workspace(root: Path):
    """An absolute path is taken only below the workspace, whatever dots are in it."""
    workspace = Workspace(root)

    assert slug(workspace.find(f"{root}/top.txt")) == "found:top.txt"
    assert slug(workspace.find(f"{root}/build/../top.txt")) == "found:top.txt"
    for path in (
        f"{root}/../outside.txt",
        "/etc/passwd",
        f"{root}x/top.txt",
        str(root),
        r"C:\ws\top.txt",
        r"\\server\share\x",
    ):
        assert slug(workspace.find(path)) == "evidence-outside", path


@pytest.mark.parametrize(
    "path",
    [
        "/home/runner/work/shop/shop/build/reports/shots/a.png",
        "/workspace/reports/shots/a.png",
        "/elsewhere/shots/a.png",
        r"C:\agent\_work\1\s\build\reports\shots\a.png",
        r"C:\\agent\\shots\\a.png",
        r"\\server\share\reports\shots\a.png",
    ],
)
def test_a_path_of_another_machine_is_found_by_its_end(root: Path, path: str):
    """The longest end of two names or more counts, below the workspace or a folder around the report."""
    assert slug(Workspace(root).find(path, "build/reports")) == "found:build/reports/shots/a.png"


@pytest.mark.parametrize(
    "path", ["/other/a.png", "/x/../shots/a.png", "/x/.git/config", "/home/me/ws/.env", "/x/build/reports", "C:a.png"]
)
def test_the_end_of_a_path_opens_nothing_else(root: Path, path: str):
    """One name alone, dots, hidden files and folders are left out as they were."""
    assert slug(Workspace(root).find(path, "build/reports")) == "evidence-outside"


def test_the_longest_end_of_a_path_wins(root: Path):
    """Of two files with the same name the one in more of the named folders is meant."""
    (root / "shots").mkdir()
    (root / "shots/a.png").write_bytes(b"other")
    assert slug(Workspace(root).find("/x/reports/shots/a.png", "build")) == "found:build/reports/shots/a.png"
    assert slug(Workspace(root).find("/x/shots/a.png")) == "found:shots/a.png"


def test_a_workspace_behind_a_link_is_the_workspace(root: Path, tmp_path: Path):
    """Reports may name files by the link that leads to the workspace, or by its real path."""
    (tmp_path / "link").symlink_to(root)
    workspace = Workspace(tmp_path / "link")

    assert [slug(workspace.find(f"{base}/top.txt")) for base in (tmp_path / "link", root)] == ["found:top.txt"] * 2


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../outside.txt", "evidence-outside"),
        ("build/../../outside.txt", "evidence-outside"),
        (".env", "evidence-private"),
        (".git/config", "evidence-private"),
        ("build/.hidden/x", "evidence-private"),
        ("missing.png", "evidence-missing"),
        ("build", "evidence-not-a-file"),
        ("file:///etc/passwd", "evidence-address"),
        ("https://x/y.png", "evidence-address"),
        ("data:text/plain,x", "evidence-address"),
        ("a\0b", "evidence-missing"),
        ("", "evidence-missing"),
        ("x" * 5000, "evidence-missing"),
        ("\udcff", "evidence-missing"),
        ("top.txt/x", "evidence-missing"),
    ],
)
def test_everything_else_is_left_out(root: Path, path: str, reason: str):
    """What leads out, is hidden, missing, no file or an address is named by its reason."""
    assert reason == slug(Workspace(root).find(path))


def test_links_are_not_followed(root: Path):
    """A link to a file, or a folder that is one, is refused even when it stays inside."""
    (root / "link.txt").symlink_to("/etc/passwd")
    (root / "inner").symlink_to(root / "build")
    workspace = Workspace(root)

    assert slug(workspace.find("link.txt")) == "evidence-link"
    assert slug(workspace.find("inner/reports/shots/a.png")) == "evidence-link"


def test_a_link_made_after_the_look_is_not_followed(root: Path):
    """Between finding and sending a file may become a link; it is not opened."""
    workspace = Workspace(root)
    assert slug(workspace.find("top.txt")) == "found:top.txt"
    (root / "top.txt").unlink()
    (root / "top.txt").symlink_to("/etc/passwd")

    assert slug(workspace.open(("top.txt",))) == "evidence-not-a-file"  # type: ignore[arg-type]


def test_our_own_files_are_never_evidence(root: Path):
    """Configuration, state and secrets are refused by what they are, also under another name."""
    os.link(root / "top.txt", root / "other-name.txt")
    workspace = Workspace(root, refused=[root / "top.txt", root / "gone"])

    assert [slug(workspace.find(name)) for name in ("top.txt", "other-name.txt")] == ["evidence-private"] * 2


def test_a_pipe_does_not_hang(root: Path):
    """A named pipe is no file and is not waited for."""
    os.mkfifo(root / "pipe")
    workspace = Workspace(root)

    assert slug(workspace.find("pipe")) == "evidence-not-a-file"
    assert isinstance(workspace.open(("pipe",)), EvidenceRefusal)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 2])
def test_base64_in_pieces_is_base64(size: int):
    """Pieces join to the very text, and are measured and checked the same way."""
    content = bytes(n % 251 for n in range(size))
    out = io.BytesIO()

    assert size == write_base64(io.BytesIO(content), size, out)
    assert base64.b64encode(content) == out.getvalue()
    assert size == valid_base64(out.getvalue().decode())


def test_a_file_that_grew_is_sent_as_it_was_measured():
    """Not more than the planned bytes are read."""
    out = io.BytesIO()

    assert write_base64(io.BytesIO(b"abcdef"), 3, out) == 3
    assert out.getvalue() == b"YWJj"


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "YQ=",
        "YQ==YQ==",
        "Y Q=",
        "this is *** not",
        "Ä===",
        "====",
        "A" * PIECE + "YQ==" + "A" * PIECE + "YQ=="[:3],
        "A" * (PIECE - 4) + "YQ==" + "AAAA",
    ],
)
def test_base64_is_checked_strictly(text: str):
    """What a strict reader would refuse is refused."""
    assert valid_base64(text) is None


@pytest.mark.parametrize(
    ("name", "path", "sent"),
    [
        ("shot.png", None, "shot.png"),
        ("žurnál.log", None, "zurnal.log"),
        ("日本語.png", None, "evidence.png"),
        ("screenshot", "a/b/c.png", "screenshot.png"),
        ("", r"x\y\z.txt", "z.txt"),
        ("../../etc/passwd", None, "passwd"),
        ("a\nb\x1b[1m.txt", None, "a_b_1m.txt"),
        ("x" * 300 + ".zip", None, "x" * 100 + ".zip"),
        ("..", None, "evidence"),
        ("step 1: open.png", None, "step 1_ open.png"),
    ],
)
def test_file_names_are_plain(name: str, path: str | None, sent: str):
    """Names are ASCII, short, without folders, and keep their extension."""
    assert sent == file_name(Attachment(name=name, path=path))


def test_media_types():
    """The report's word when it is one, else by the name, else bytes."""
    assert media_type(Attachment(name="a", media_type="image/webp")) == "image/webp"
    assert media_type(Attachment(name="a.png", media_type="nonsense\r\nX: y")) == "image/png"
    assert media_type(Attachment(name="a.strange-thing")) == "application/octet-stream"
