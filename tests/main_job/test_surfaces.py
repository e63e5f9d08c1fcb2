"""What a run leaves behind for people and machines: outputs, summary, result file, documents."""

import io
import json
import os
import re
import sys
import urllib.request

import pytest

from xray_ci.cli import execute
from xray_ci.model import Process

ENV = {
    "INPUT_CLIENT-ID": "EMULATORCLIENTID0000000000000001",
    "INPUT_CLIENT-SECRET": "emulator-secret",
    "INPUT_PROJECT": "SHOP",
    "INPUT_REPORTS": "r.xml",
    "GITHUB_ACTIONS": "true",
    "CI": "true",
    "GITHUB_WORKFLOW": "nightly",
    "GITHUB_RUN_NUMBER": "7",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
}


@pytest.fixture
def github(emulator, run, workspace, tmp_path):
    """Run as GitHub's runner would, with its command files."""
    (workspace / "r.xml").write_text(
        '<testsuite name="s"><testcase classname="a" name="b"/><testcase classname="a" name="::error::c|d">'
        '<failure message="::set-output name=x::y">&lt;img src=x&gt;</failure></testcase></testsuite>'
    )
    for name in ("output", "summary"):
        (tmp_path / name).touch()
    files = {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNNER_TEMP": str(tmp_path),
    }
    return lambda *args, **changes: run(*args, env=ENV | files | {"INPUT_XRAY-URL": emulator.url} | changes)


def test_outputs_summary_and_result_file_of_a_github_step(github, emulator, workspace, tmp_path):
    """The key is in the step outputs, the job summary and the result file."""
    result = github("import", **{"INPUT_RESULT-FILE": "result.json"})

    assert result.code == 0, result.out + result.err
    (execution,) = emulator.executions()
    assert execution["key"] in (tmp_path / "output").read_text()
    summary = (tmp_path / "summary").read_text()
    assert execution["key"] in summary
    assert "<img" not in summary
    document = json.loads((workspace / "result.json").read_text())
    assert [execution["key"]] == [item["key"] for item in document["test_executions"]]
    assert tuple(document["counts"][name] for name in ("tests", "passed", "failed")) == (2, 1, 1)
    assert tuple(document["balance"][name] for name in ("in_reports", "sent", "stored", "holds")) == (2, 2, 2, True)
    assert execution["summary"] == "nightly #7 on main"
    assert ENV["GITHUB_SHA"] == execution["execution"]["revision"]


def test_report_content_is_no_workflow_command(github):
    """No line of the log that came from a report starts a workflow command."""
    result = github("import")

    assert result.code == 0, result.out + result.err
    for line in (result.out + result.err).splitlines():
        assert "::set-output" not in line
        if line.lstrip().startswith("::"):
            assert line.startswith(
                (
                    "::add-mask::",
                    "::group::",
                    "::endgroup::",
                    "::notice",
                    "::warning",
                    "::error file=",
                    "::error title=",
                )
            ), line


def test_inspect_prints_one_object_a_line(run, workspace):
    """`inspect --json` has exactly the documented names; a refused file has null totals."""
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase name="b"/></testsuite>')
    (workspace / "b.xml").write_text("<html><body>Sign in</body></html>")

    result = run("inspect", "--json", "--reports", "*.xml")

    assert result.code == 4, result.out + result.err
    good, bad = map(json.loads, result.out.splitlines())
    assert (
        {"path", "format", "tests", "passed", "failed", "errors", "skipped", "other", "problems"}
        == set(good)
        == set(bad)
    )
    assert (good["tests"], good["passed"], good["path"], good["format"]) == (1, 1, "a.xml", "junit")
    assert bad["tests"] is None
    assert bad["problems"]


@pytest.mark.parametrize(("deployment", "word"), [("cloud", "PASSED"), ("server", "PASS")])
def test_convert_writes_xray_json_without_network(deployment, word, run, workspace):
    """`convert` speaks the dialect of the deployment."""
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')

    result = run("convert", "--reports", "a.xml", "--project", "SHOP", "--deployment", deployment)

    assert result.code == 0, result.err
    document = json.loads(result.out)
    assert [word] == [test["status"] for test in document["tests"]]
    assert document["info"]["project"] == "SHOP"


def test_convert_into_a_file(run, workspace):
    """`--output` writes the document there and nothing of it to standard output."""
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')

    result = run("convert", "--reports", "a.xml", "--project", "SHOP", "--output", "out.json")

    assert result.code == 0, result.err
    assert len(json.loads((workspace / "out.json").read_text())["tests"]) == 1


def test_version_and_help(run):
    """Both answer without any configuration."""
    assert run("--version").out.startswith("xray-ci 0.")
    text = run("--help")
    assert text.code == 0
    for command in ("import", "plan", "inspect", "convert", "snapshots", "emulator", "demo"):
        assert command in text.out


def test_many_problems_of_a_kind_are_counted_and_not_all_printed(run, workspace):
    """Twenty are shown, the rest is one line, and `inspect --json` has every one."""
    for number in range(30):
        (workspace / f"{number:02}.xml").write_text("<html><body>Sign in</body></html>")

    result = run("inspect", "--json", "--reports", "*.xml")

    assert result.code == 4, result.err
    assert len(result.out.splitlines()) == 30
    assert result.err.count("docs/errors.md#not-a-test-report") == 20
    assert "10 more of not-a-test-report" in result.err


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("import", "--help")])
def test_help_needs_no_settings_and_shows_no_secret_flag(run, arguments):
    """Every way to ask for help answers, whatever the environment holds."""
    result = run(*arguments, env={"XRAY_CI_NONSENSE": "x"})

    assert result.code == 0, result.err
    assert result.out.startswith("usage: xray-ci")
    assert "--client-secret" not in result.out


def test_a_working_directory_that_is_gone_is_told(run, tmp_path, monkeypatch):
    """Exit 2 with what to do, and no traceback."""
    command = run.command("inspect", "--reports", "*.xml")
    monkeypatch.setattr(
        run, "command", lambda *_: ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *command]
    )
    result = run(cwd=tmp_path)

    assert result.code == 2, result.text
    assert "no working directory" in result.err
    assert "Traceback" not in result.text


def test_the_demo_leaves_no_dead_address(run):
    """Without a terminal the emulator is gone when the end is read.

    It names the Test Execution and the way to keep both open.
    """
    result = run("demo")

    ending = result.out[result.out.rindex("Confluence page") :]
    assert result.code == 0, result.err
    assert "Test Execution SHOP-" in ending
    assert "make demo ARGS=--keep" in ending
    assert "://" not in ending


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("key", [b"\n", b"\x03"])
def test_on_a_terminal_the_demo_waits_for_enter(run, key):
    """Both pages can be looked at until Enter or Ctrl-C."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, run.command("demo"), run.env)
    said = b""
    while b"press Enter" not in said:
        said += os.read(terminal, 4096)
    (address,) = re.findall(rb"Test Execution SHOP-[0-9]+: (http\S+)", said)
    with urllib.request.urlopen(address.decode(), timeout=10) as page:
        assert page.status == 200
    os.write(terminal, key)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)


@pytest.mark.parametrize("output", ["/", ".", "", "a\0b", "missing/x.json", "folder"])
@pytest.mark.parametrize("command", ["convert", "collect"])
def test_what_is_no_file_to_write_is_told(workspace, capsys, command, output):
    """Each is a mistake of the command line, and no defect of ours."""
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase name="a"/></testsuite>')
    (workspace / "folder").mkdir()
    arguments = [command, "--reports", "a.xml", f"--output={output}"]
    able = output == "" or (output, command) == (
        "missing/x.json",
        "collect",
    )  # empty is as unsaid, and collect makes folders

    code = execute(Process(arguments, {"XRAY_CI_PROJECT": "SHOP"}, str(workspace), sys.stdout, sys.stderr))

    assert (0 if able else 2) == code, capsys.readouterr().err


@pytest.mark.parametrize("command", ["convert", "collect"])
def test_a_file_is_written_beside_any_other(workspace, command):
    """As PID 1 of a container each run has the same process id.

    What another one left is neither in the way nor removed.
    """
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase name="a"/></testsuite>')
    left = workspace / f".out.{os.getpid()}"
    left.write_text("left")

    code = execute(
        Process(
            [command, "--reports", "a.xml", "--output", "out"],
            {"XRAY_CI_PROJECT": "SHOP"},
            str(workspace),
            io.StringIO(),
            io.StringIO(),
        )
    )

    assert code == 0
    assert left.read_text() == "left"
    assert {"a.xml", "out", left.name} == {path.name for path in workspace.iterdir()}


LOOPED = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": "{}/loop", "XRAY_CI_REPORTS": "a.xml", "XRAY_CI_PROJECT": "SHOP"}


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({}, 0),
        ({"XRAY_CI_STATE_DIR": "{}/loop"}, 2),
        ({"XRAY_CI_STATE_DIR": "{}/loop/state"}, 2),
        ({"XRAY_CI_RESULT_FILE": "{}/loop/result.json"}, 2),
        ({"XRAY_CI_RESULT_FILE": "loop"}, 2),
        ({"INPUT_TESTEXECUTIONJSON": "loop"}, 2),
        ({"INPUT_TESTJSON": "loop/x"}, 2),
    ],
)
def test_a_link_to_itself_is_no_defect(run, workspace, env, code):
    """As the runner's temp folder, or as what a setting names: told where it is needed, on every Python."""
    (workspace / "a.xml").write_text('<testsuite name="s"><testcase name="a"/></testsuite>')
    (workspace / "loop").symlink_to("loop")

    result = run("convert", env={name: value.format(workspace) for name, value in (LOOPED | env).items()})

    assert code == result.code, result.err
