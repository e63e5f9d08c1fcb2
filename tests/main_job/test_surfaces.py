"""What a run leaves behind for people and machines: outputs, summary, result file, documents."""

import io
import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest
from job_runs import CLOUD

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


@pytest.mark.parametrize(
    "words",
    [
        ("convert", "--project", "SHOP", "--deployment", "cloud"),
        ("select", "--jql", "project = SHOP", "--for", "names"),
    ],
)
def test_a_reader_that_went_away_is_no_defect(run, emulator, workspace, words):
    """`convert | head` ends as other programs do, without a message of its own; a full disk is told."""
    cases = "".join(f'<testcase classname="a" name="{number}"/>' for number in range(5000))
    (workspace / "a.xml").write_text(f'<testsuite name="s">{cases}</testsuite>')
    env = {**run.env, **CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_REPORTS": "a.xml"}
    with subprocess.Popen(
        run.command(*words), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as printing:
        printing.stdout.close()
        said = printing.stderr.read()

    assert (printing.returncode, "✗" in said) == (141, False), said


def test_inspect_says_each_thing_once(run, workspace):
    """A line for each report is on standard output alone, what is wrong in the log; no file is one message."""
    (workspace / "a.xml").write_text(GOOD)
    (workspace / "b.xml").write_text("")

    both = run("inspect", "--reports", "*.xml")
    none = run("inspect", "--reports", "resluts/*.xml")

    assert both.out == "a.xml  junit  1 result: 1 passed\nb.xml  ?  refused\n"
    assert (both.text.count("a.xml"), both.err.count("✗ the report is an empty file")) == (1, 1)
    assert "The test tool was stopped before it wrote a result, or crashed" in both.err
    assert (none.code, none.text.count("✗"), "reading 0" in none.text) == (3, 1, False)


def test_a_file_is_named_as_it_can_be_found(run, workspace):
    """From the workspace, not by its last name alone."""
    (workspace / "a.xml").write_text(GOOD)
    (workspace / "out").mkdir()

    shard = run("collect", "--reports", "a.xml", "--output", "out/1.xrayci")
    document = run("convert", "--reports", "a.xml", "--project", "SHOP", "--output", "out/1.json")

    assert "1 result written to out/1.xrayci (" in shard.text
    assert "written to out/1.json" in document.err


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


@pytest.mark.parametrize(
    "arguments", [("--help",), ("-h",), ("import", "--help"), ("import", "--help-all"), ("--help-all",)]
)
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


@pytest.mark.proof
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
@pytest.mark.parametrize("key", [b"\n", pytest.param(b"\x03", marks=pytest.mark.proof)])
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


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_on_a_terminal_init_asks(run, workspace):
    """One question after the other; an answer goes into the file, Ctrl-D is none."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(workspace)
        os.execve(sys.executable, run.command("init"), run.env)
    said = b""
    for answer in (b"gitlab\n", b"r/*.xml\n", b"\x04", b"\n"):  # system, reports, project, address of Jira
        question = b""
        while not question.endswith(b"] "):
            question += os.read(terminal, 4096)
        os.write(terminal, answer)
    while b"as secrets" not in said:
        said += os.read(terminal, 4096)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert '  - "r/*.xml"' in (workspace / ".xray-ci.yml").read_text()
    assert b"script: xray-ci import" in said


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


def test_a_red_step_says_why(github, tmp_path):
    """With `fail-on` the reason is an error of the log, the last line, an annotation and on the page."""
    result = github("import", **{"INPUT_FAIL-ON": "test-failures"})

    assert result.code == 1
    assert "✗ 1 test failed, and `fail-on` has `test-failures`" in result.out
    assert result.out.splitlines()[-1].startswith("imported, exit code 1, ")
    assert result.out.splitlines()[-1].endswith(": 1 test failed, and `fail-on` has `test-failures`")
    assert "::error title=1 test failed%2C and `fail-on` has `test-failures`" in result.out
    assert "1 test failed, and" in (tmp_path / "summary").read_text()


def test_a_wrong_setting_is_on_the_page_too(github, tmp_path):
    """What stops a run before it begins is told where people look, unless they want no page."""
    assert github("import", "--repeats", "newest").code == 2
    said = (tmp_path / "summary").read_text()
    (tmp_path / "summary").write_text("")

    assert "## ❌ Nothing was imported" in said
    assert "repeats" in said
    assert github("import", "--repeats", "newest", **{"INPUT_JOB-SUMMARY": "false"}).code == 2
    assert (tmp_path / "summary").read_text() == ""


def test_failed_tests_are_named_in_a_log_without_a_page(cloud, workspace):
    """Ten of them with the first line of what they say, then how many more there are."""
    cases = "".join(
        f"<testcase classname='a' name='t{number}'><failure message='boom {number}'/></testcase>"
        for number in range(12)
    )
    (workspace / "r.xml").write_text(f"<testsuite name='s'>{cases}</testsuite>")

    result = cloud("import", "--reports", "r.xml")

    assert re.search(r"^  failed: (SHOP-42) a\.t0: boom 0  http://[\w.:]+/browse/\1$", result.out, re.MULTILINE)
    assert result.out.count("  failed: ") == 10
    assert "  and 2 more\n" in result.out


def test_notices_of_settings_are_in_the_log(cloud, workspace):
    """What was ignored although somebody set it is said where it is seen."""
    (workspace / "r.xml").write_text("<testsuite><testcase name='a'/></testsuite>")

    result = cloud("import", "--reports", "r.xml", "--region", "eu")

    assert "is ignored, because `xray-url` is set." in result.out


@pytest.mark.parametrize(("env", "colored"), [({"FORCE_COLOR": "1"}, True), ({}, False), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals(run, inside, env, colored):
    """A log that is no terminal has none, unless FORCE_COLOR asks for them."""
    result = run("import", env={**inside.cloud, **env})

    assert ("\x1b[31m" in result.err) == colored


def test_a_word_without_a_flag_is_explained(run, inside, workspace, monkeypatch):
    """A file that the shell made of a pattern is named with the cure; another word may be a secret and is not shown."""
    (workspace / "b.xml").touch()
    monkeypatch.chdir(workspace)

    file = run("import", "b.xml", env=inside.cloud)
    word = run("import", "hunter2-Secret", env=inside.cloud)

    assert "Unexpected argument 'b.xml'" in file.err
    assert "--reports '**/*.xml'" in file.err
    assert "hunter2" not in word.err
    assert run("help").code == 0
    assert run("version").out.startswith("xray-ci ")
    assert "Did you mean `--version`?" in run("--verison").err


def test_a_page_of_all_tests_is_written(github, workspace):
    """With `html-report` one file has every test of the run, and is no evidence of it."""
    result = github("import", **{"INPUT_HTML-REPORT": "out/report.html"})

    text = (workspace / "out" / "report.html").read_text()
    assert result.code == 0
    assert "1 of 2 tests failed, imported" in text
    assert '["passed","b","a","r.xml"' in text
    assert "<img" not in text


COVERAGE = "<coverage line-rate='1'/>"
GOOD = '<testsuite name="s"><testcase classname="c" name="adds"/></testsuite>'


@pytest.mark.parametrize(
    ("pattern", "files", "code"),
    [
        ("**/*.xml", {"a.xml": GOOD, "cov/b.xml": COVERAGE}, 0),
        ("**/*.xml", {"a.xml": GOOD, "b.xml": "<html>Sign in</html>"}, 4),
        ("**/*.xml", {"a.xml": GOOD, "b.xml": "<unknown/>"}, 4),
        ("**/*.xml", {"b.xml": COVERAGE}, 4),
        ("b.xml", {"b.xml": COVERAGE}, 4),
        ("junit=*.xml", {"a.xml": GOOD, "b.xml": COVERAGE}, 4),
    ],
)
def test_what_lies_beside_reports_is_a_notice_where_only_a_wildcard_found_it(run, workspace, pattern, files, code):
    """Coverage and the like are no results; a page to log in, an unknown file, and what somebody named, are errors."""
    for name, text in files.items():
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(text)

    result = run("convert", "--project", "SHOP", "--deployment", "cloud", "--reports", pattern)

    assert (result.code, "it is not read" in result.err) == (code, code == 0), result.err


def test_a_comment_for_the_pull_request_is_written(github, workspace, tmp_path):
    """The same words as on the page, behind a mark by which the next run finds the comment."""
    result = github("import", **{"INPUT_COMMENT-FILE": "comment.md"})

    text = (workspace / "comment.md").read_text()
    assert result.code == 0
    assert text.startswith("<!-- xray-ci -->\n## ❌ 1 of 2 tests failed, imported into ")
    assert text.removeprefix("<!-- xray-ci -->\n") == (tmp_path / "summary").read_text()
