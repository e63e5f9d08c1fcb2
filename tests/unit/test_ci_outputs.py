"""Files for later steps: what is in them, where they may go, who owns them, and that none of it fails a run."""

import json
import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from xray_ci import safefiles
from xray_ci.ci.outputs import DOTENV_LIMIT, document, dotenv, github, publish
from xray_ci.ci.result import ExecutionResult, ReportCounts, RunOutcome, RunResult
from xray_ci.safefiles import WriteError, append, place, write
from xray_ci.secret import Redactor

RESULT = RunResult(
    command="import",
    outcome=RunOutcome.IMPORTED,
    exit_code=0,
    counts=ReportCounts(passed=2, failed=1),
    sent=3,
    result_file="result.json",
    executions=(ExecutionResult(key="SHOP-41", url="https://jira.example.com/browse/SHOP-41"),),
)
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
DESCRIPTORS = safefiles._HERE


@pytest.fixture(
    params=[
        pytest.param(True, marks=pytest.mark.skipif(not DESCRIPTORS, reason="no folders by descriptor here")),
        False,
    ],
    ids=["by descriptor", "by name"],
)
def put(request, monkeypatch, tmp_path):
    """Write below a workspace, in both ways that platforms allow."""
    monkeypatch.setattr(safefiles, "_HERE", request.param)
    root = tmp_path / "workspace"
    root.mkdir()

    def act(path, data=b"new", *roots):
        write(Path(path), data, (root, *roots))

    act.root = root
    return act


def names(folder):
    """Return the names in a folder."""
    return [path.name for path in folder.iterdir()]


def read_github(text):
    """Read a GitHub outputs file by the runner's rules: `name<<mark`, lines, the mark alone on its line."""
    values, lines = {}, iter(text.split("\n")[:-1])
    for line in lines:
        if not line:
            continue
        at, here = line.find("="), line.find("<<")
        if at >= 0 and (here < 0 or at < here):
            values[line[:at]] = line[at + 1 :]
            continue
        name, mark = line.split("<<", 1)
        value = []
        for inner in lines:
            if inner == mark:
                break
            value.append(inner)
        else:
            raise AssertionError("no end")
        values[name] = "\n".join(value)
    return values


def test_all_outputs_reach_their_files(tmp_path):
    """One call fills the step outputs, the dotenv file and the result file with the same values."""
    given = tmp_path / "outputs"
    given.write_text("other=1")

    warnings = publish(
        RESULT,
        redact=Redactor(),
        workspace=tmp_path,
        outputs_file=str(given),
        result_file=Path("result.json"),
        dotenv_file=Path("x/out.env"),
    )

    assert warnings == ()
    assert {"other": "1", **dict(RESULT.outputs())} == read_github(given.read_text())
    assert RESULT.as_json() == json.loads((tmp_path / "result.json").read_text())
    lines = dict(line.split("=", 1) for line in (tmp_path / "x" / "out.env").read_text().splitlines())
    assert lines["XRAY_TEST_EXECUTION_KEY"] == "SHOP-41"
    assert {f"XRAY_{name.upper().replace('-', '_')}": value for name, value in RESULT.outputs()} == lines


def test_secrets_are_in_none_of_the_files(tmp_path):
    """Every file is written from the redacted result."""
    redact = Redactor()
    redact.register("SHOP-41")
    publish(
        RESULT,
        redact=redact,
        workspace=tmp_path,
        outputs_file=str(tmp_path / "o"),
        result_file=Path("r"),
        dotenv_file=Path("d"),
    )
    for name in "ord":
        assert "SHOP-41" not in (tmp_path / name).read_text()
    assert "***" in (tmp_path / "r").read_text()


def test_what_cannot_be_written_is_a_warning(tmp_path):
    """The import is over.

    A file that cannot be written is said, the others are written, nobody is sent to a file that is not there.
    """
    (tmp_path / "folder").mkdir()

    warnings = publish(
        RESULT,
        redact=Redactor(),
        workspace=tmp_path,
        outputs_file=str(tmp_path / "outputs"),
        result_file=Path("folder"),
        dotenv_file=Path("../out.env"),
    )

    assert len(warnings) == 2
    assert "result-file" in warnings[0]
    assert "dotenv-file" in warnings[1]
    assert "../out.env" in warnings[1]
    assert read_github((tmp_path / "outputs").read_text())["result-file"] == ""
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"] == []


def test_a_runners_file_that_is_not_there_is_a_warning(tmp_path):
    """A step outputs file in a folder that is not mounted does not fail the run."""
    (warning,) = publish(RESULT, redact=Redactor(), workspace=tmp_path, outputs_file=str(tmp_path / "none" / "outputs"))
    assert "step outputs" in warning


def test_the_mark_is_none_that_the_value_holds():
    """A value that guesses the mark cannot end early and add an output of its own."""
    tokens = iter(["guessed", "guessed-too", "fresh"])
    unsafe = "a\nend_guessed\nevil<<x\nend_guessed-too"
    assert {"name": unsafe} == read_github(github([("name", unsafe)], lambda: next(tokens)))


@pytest.mark.parametrize(
    "value", ["a b", "a$HOME", "`id`", "a;b", "a'b", 'a"b', "a#b", "a\\b", "grün", "a&b", "~/x", "(x)"]
)
def test_dotenv_leaves_out_what_readers_read_differently(value):
    """A value that a shell, Docker or GitLab would change is empty, and its name is told."""
    text, left_out = dotenv([("outcome", "imported"), ("result-file", value)])
    assert text == "XRAY_OUTCOME=imported\nXRAY_RESULT_FILE=\n"
    assert left_out == ("result-file",)


def test_dotenv_stays_below_gitlabs_limit():
    """A very long list of keys loses its last ones, never half a key."""
    keys = [f"SHOP-{number}" for number in range(2000)]
    text, _ = dotenv([("test-execution-keys", ",".join(keys)), ("tests", "5")])
    assert len(text) <= DOTENV_LIMIT
    kept = text.splitlines()[0].partition("=")[2].split(",")
    assert keys[: len(kept)] == kept
    assert text.splitlines()[1] == "XRAY_TESTS=5"


def test_a_result_with_odd_characters_is_json():
    """Lone surrogates, which file names on Linux can hold, do not break the result file."""
    result = replace(RESULT, result_file="odd-\udcff-\u2028-grün")
    assert json.loads(b"".join(document(result)))["outputs"]["result-file"] == "odd-\udcff-\u2028-grün"
    assert "grün".encode() in b"".join(document(result))


def test_a_file_is_written_whole(put):
    """Folders are made, old content is replaced, nothing else is left."""
    put("a/b/c.json", b"old" * 100)
    put("a/b/c.json")
    assert (put.root / "a/b/c.json").read_bytes() == b"new"
    assert names(put.root / "a/b") == ["c.json"]
    assert stat.S_IMODE((put.root / "a/b/c.json").stat().st_mode) & 0o111 == 0


def test_a_link_as_the_file_is_replaced_not_followed(put, tmp_path):
    """A link that a checkout brings does not make us write where it points."""
    target = tmp_path / "precious"
    target.write_text("old")
    (put.root / "out.json").symlink_to(target)
    put("out.json")
    assert target.read_text() == "old"
    assert not (put.root / "out.json").is_symlink()


def test_a_link_as_a_folder_is_refused(put, tmp_path):
    """A linked folder on the way is refused, inside of the workspace or out of it."""
    (tmp_path / "elsewhere").mkdir()
    (put.root / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WriteError):
        put("out/x.json")
    assert names(tmp_path / "elsewhere") == []


def test_a_write_that_fails_leaves_nothing(put):
    """When the file cannot take its place, no draft stays and the old one does."""
    (put.root / "taken").mkdir()
    with pytest.raises(WriteError):
        put("taken")
    assert names(put.root) == ["taken"]


def test_what_breaks_off_replaces_nothing_and_leaves_no_draft(tmp_path):
    """The old file stays until the new one is whole; an end by whatever means removes what was written."""
    target = tmp_path / "report.json"
    target.write_text("old")

    def broken():
        with safefiles.replacing(target) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert (names(tmp_path), target.read_text()) == (["report.json"], "old")


@pytest.mark.parametrize("path", ["../x", "a/../../x", ".", "", "/etc/x", "a/.."])
def test_places_outside_are_refused(path, tmp_path):
    """Only files below the workspace or the runner's temporary folder."""
    with pytest.raises(WriteError):
        place(Path(path), (tmp_path,))


def test_the_temporary_folder_of_the_runner_is_allowed(put, tmp_path):
    """An absolute path below the second root goes there; a relative one is below the workspace."""
    temp = tmp_path / "temp"
    temp.mkdir()
    put(temp / "x" / "y.json", b"new", temp)
    put("x.json", b"new", temp)
    assert (temp / "x" / "y.json").exists()
    assert (put.root / "x.json").exists()


def test_a_workspace_behind_a_link(put, tmp_path):
    """The workspace itself may be reached by a link, and named by either name."""
    (tmp_path / "link").symlink_to(put.root)
    write(tmp_path / "link" / "a.json", b"new", (tmp_path / "link",))
    write(put.root / "b.json", b"new", (tmp_path / "link",))
    assert {"a.json", "b.json"} == set(names(put.root))


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
@pytest.mark.skipif(not DESCRIPTORS, reason="no owners here")
def test_what_root_makes_belongs_to_the_owner_of_the_workspace(tmp_path):
    """In a container of root, files and folders are the workspace owner's, who can remove them."""
    os.chown(tmp_path, 1234, 4321)
    write(Path("new/deep/x.json"), b"x", (tmp_path,))
    for name in ("new", "new/deep", "new/deep/x.json"):
        found = (tmp_path / name).stat()
        assert (found.st_uid, found.st_gid) == (1234, 4321), name


def test_who_is_not_root_gives_nothing_away(tmp_path, monkeypatch):
    """Only root may change owners; anybody else's files are their own."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *_, **__: pytest.fail("it is given to somebody"))
    write(Path("a/r.txt"), b"new", (tmp_path,))

    assert (tmp_path / "a/r.txt").read_bytes() == b"new"


def test_appending_starts_on_its_own_line_and_keeps_to_the_limit(tmp_path):
    """What others wrote stays, and a file that would grow too large is left as it is."""
    file = tmp_path / "summary"
    file.write_text("theirs")
    append(file, b"ours\n", limit=100)
    assert file.read_text() == "theirs\nours\n"
    with pytest.raises(WriteError, match="100 bytes"):
        append(file, b"x" * 100, limit=100)
    assert file.read_text() == "theirs\nours\n"


def test_appending_through_a_link_is_refused(tmp_path):
    """A command file that was swapped for a link is not followed."""
    (tmp_path / "target").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(WriteError):
        append(tmp_path / "link", b"x")
    assert (tmp_path / "target").read_text() == ""
