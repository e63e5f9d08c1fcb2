"""Reports are read from where the pipeline looks for them, and from nowhere else, whatever a branch puts there."""

import errno
import os

import pytest
from job_runs import case, suite

import xray_ci.safefiles  # noqa: F401  # before a test changes what `os.open` is

SECRET = "other-secret-of-the-job-0123456789"
MESSAGE = "Fix\nTAP version 13\n1..1\nnot ok 1 - leak\n# "
GOOD = suite("a", case("adds"))


@pytest.fixture
def environ(workspace):
    """Return variables that hold TAP by a commit message, and link to the environment of whoever reads it."""
    link = workspace / "TEST-x.xml"
    link.symlink_to("/proc/self/environ")
    return {"A_MESSAGE": MESSAGE, "B_PASSWORD": SECRET}


def everything(workspace, result, emulator):
    """Return all that a run left anywhere."""
    files = [path for path in workspace.rglob("*") if path.is_file() and not path.is_symlink()]
    return "".join(
        (result.out, result.err, str(emulator.requests()), *(path.read_text(errors="replace") for path in files))
    )


@pytest.mark.parametrize(
    "command", [["import"], ["convert"], ["collect", "--output", "part.xrayci"], ["inspect"], ["plan"]]
)
def test_the_environment_is_no_report(environ, inside, run, emulator, workspace, command):
    """A link to /proc/self/environ beside a report is told and read by no command; the report is."""
    (workspace / "TEST-good.xml").write_text(GOOD)

    result = run(*command, "--reports", "**/TEST-*.xml", env=inside.cloud | environ)

    assert result.code == 0, result.out + result.err
    assert "nothing in /proc, /sys or /dev is a report" in result.out + result.err or command == ["inspect"]
    assert SECRET not in everything(workspace, result, emulator)
    assert inside.cloud["XRAY_CI_CLIENT_SECRET"] not in everything(workspace, result, emulator).replace(
        str(emulator.requests()), ""
    )


@pytest.mark.parametrize("pattern", ["/proc/self/environ", "/proc/self/env*", "tap=/proc/self/environ"])
def test_nothing_of_the_system_is_a_report_whoever_names_it(cloud, emulator, pattern):
    """/proc, /sys and /dev hold no reports, even when the pipeline says so."""
    result = cloud("import", "--reports", pattern)

    assert result.code == 3, result.out + result.err
    assert emulator.imports() == []


def test_a_link_that_leads_out_is_told_with_the_line_that_reads_it(cloud, emulator, workspace, tmp_path_factory):
    """A link in a relative pattern is left out, with the ready pattern; as an absolute one it is followed."""
    outside = tmp_path_factory.mktemp("bazel")
    (outside / "cart").mkdir()
    (outside / "cart" / "test.xml").write_text(GOOD)
    (workspace / "bazel-testlogs").symlink_to(outside)

    relative = cloud("import", "--reports", "bazel-testlogs/**/test.xml")
    absolute = cloud("import", "--reports", f"{workspace}/bazel-testlogs/**/test.xml")

    assert relative.code == 3
    assert "$(readlink -f bazel-testlogs)/**/test.xml" in relative.out
    assert absolute.code == 0, absolute.out
    assert len(emulator.imports()) == 1


def test_a_link_that_stays_inside_is_followed(cloud, emulator, workspace):
    """What a build links to within the workspace is a report like any other."""
    (workspace / "real").mkdir()
    (workspace / "real" / "TEST-a.xml").write_text(GOOD)
    (workspace / "TEST-link.xml").symlink_to("real/TEST-a.xml")
    (workspace / "TEST-whole.xml").symlink_to(workspace / "real" / "TEST-a.xml")

    result = cloud("import", "--reports", "TEST-*.xml")

    assert result.code == 0, result.out
    assert "1 result:" in result.out


def test_a_native_import_sends_no_file_behind_a_link(cloud, emulator, workspace, tmp_path_factory):
    """The file is opened again when it is sent, the same way."""
    outside = tmp_path_factory.mktemp("other") / "TEST-a.xml"
    outside.write_text(GOOD)
    (workspace / "TEST-a.xml").symlink_to(outside)

    assert cloud("import", "--strategy", "native", "--reports", "TEST-*.xml").code == 3
    assert emulator.imports() == []


@pytest.mark.parametrize(
    "pattern",
    ["/etc/*.xml", "../other/*.xml", "a/../../*.xml", "{.,x}{.,y}/*.xml", "{/etc,x}/*.xml", "junit=/etc/*.xml"],
)
def test_a_found_config_names_nothing_outside(cloud, workspace, pattern):
    """A pull request can change `.xray-ci.yml`, so its patterns stay in the workspace; a named file may do more."""
    (workspace / ".xray-ci.yml").write_text(f"reports: ['{pattern}']\n")

    found = cloud("import")
    named = cloud("import", "--config", ".xray-ci.yml")

    assert (found.code, named.code) == (2, 3), found.out + named.out
    assert "leads out of the workspace" in found.out + found.err


def test_a_found_config_moves_no_project_out_of_key_projects(run, inside, workspace):
    """With `key-projects` set by the pipeline, `project` of a file that was only found is one of them."""
    (workspace / "r.xml").write_text(GOOD)
    (workspace / ".xray-ci.yml").write_text("project: OTHER\n")

    env = {name: value for name, value in inside.cloud.items() if name != "XRAY_CI_PROJECT"}

    result = run("plan", "--reports", "r.xml", "--key-projects", "SHOP", env=env)

    assert result.code == 2
    assert "key-projects" in result.out + result.err


BAD = {
    "itself": lambda at: at.symlink_to(at.name),
    "ring": lambda at: (at.symlink_to("TEST-ring"), (at.parent / "TEST-ring").symlink_to(at.name)),
    "too long": lambda at: at.symlink_to("x" * 300),
    "below a file": lambda at: at.symlink_to("TEST-good.xml/inner"),
    "nowhere": lambda at: at.symlink_to("nothing"),
    "pipe": os.mkfifo,
    "folder": lambda at: at.mkdir(),
}


@pytest.mark.parametrize("command", [["import"], ["inspect"], ["collect", "--output", "part.xrayci"], ["convert"]])
@pytest.mark.parametrize("bad", BAD)
def test_one_bad_path_costs_no_other_report(run, inside, workspace, bad, command):
    """Whatever a name that matches is, the reports beside it are read."""
    (workspace / "TEST-good.xml").write_text(GOOD)
    BAD[bad](workspace / "TEST-bad.xml")

    result = run(*command, "--reports", "**/TEST-*", env=inside.cloud)

    assert result.code == 0, result.out + result.err
    assert ("TEST-bad.xml" in result.out + result.err) == (bad in {"itself", "ring", "too long", "below a file"})


ERRORS = ["ELOOP", "ENAMETOOLONG", "ENOTDIR", "EACCES", "ESTALE", "EIO"]


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("place", ["listing", "looking", "opening"])
def test_any_error_of_the_file_system_is_a_told_problem(monkeypatch, cloud, workspace, emulator, name, place):
    """Each error at each place where a path is met: no defect, and the other report is imported."""
    (workspace / "a").mkdir()
    (workspace / "a" / "TEST-bad.xml").write_text(GOOD)
    (workspace / "TEST-good.xml").write_text(suite("b", case("buys")))
    error = OSError(getattr(errno, name), os.strerror(getattr(errno, name)))
    scandir, opened = os.scandir, os.open

    class Entry:
        def __init__(self, entry):
            self.name, self.path, self.is_symlink = entry.name, entry.path, entry.is_symlink
            self._entry = entry

        def is_dir(self, *, follow_symlinks=True):
            if self.name == "TEST-bad.xml":
                raise error
            return self._entry.is_dir(follow_symlinks=follow_symlinks)

        def is_file(self):
            return self._entry.is_file()

    class Entries(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def listed(path="."):
        if place == "listing" and str(path).endswith("/a"):
            raise error
        with scandir(path) as entries:
            return Entries(Entry(entry) if place == "looking" else entry for entry in entries)

    def open_one(path, *args, **named):
        if place == "opening" and path == "TEST-bad.xml":
            raise error
        return opened(path, *args, **named)

    monkeypatch.setattr(os, "scandir", listed)
    monkeypatch.setattr(os, "open", open_one)

    result = cloud("import", "--reports", "**/TEST-*.xml")

    assert result.code == (4 if place == "opening" else 0), result.out + result.err
    assert len(emulator.imports()) == 1
    shown = "- a: " if place == "listing" else "a/TEST-bad.xml"
    assert shown in result.out or (place, name) == ("listing", "ENOTDIR")
