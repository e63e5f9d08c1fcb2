"""Outputs and summaries where the log, or a file of another grammar than GitHub's, takes them.

Read back by each system's rules.
"""

import ci_readers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.ci import syntax
from xray_ci.ci.outputs import publish, status, upload
from xray_ci.ci.result import ExecutionResult, ReportCounts, RunOutcome, RunResult
from xray_ci.ci.syntax import Outputs, Summaries, variable
from xray_ci.ci.systems import LOCAL, PROVIDERS
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
LINES = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=("Cs", "Cc")), max_size=60
) | st.sampled_from(
    [
        "%AZP25",
        "%3B;%5D]",
        "a]b;c",
        "100%",
        "%env.HOME%",
        "a%b%c",
        "|'[]|n",
        "##vso[task.complete result=Failed]x",
        "##teamcity[buildStop]",
    ]
)


def expected():
    """Return the outputs under the names of variables."""
    return {variable(name): value for name, value in RESULT.outputs()}


@pytest.mark.parametrize("row", [*PROVIDERS, LOCAL], ids=lambda row: row.key)
def test_a_file_is_named_exactly_where_one_is_written(row):
    """By a variable of the CI system."""
    assert (row.handover.outputs in (Outputs.GITHUB, Outputs.DOTENV, Outputs.EXPORTS)) == (row.outputs is not None)
    assert (row.handover.summary is Summaries.GITHUB) == (row.summary is not None)


def test_a_later_step_on_azure_has_every_output():
    """As a variable of the same job and as an output of the step: one word means one thing in both."""
    log = []
    assert publish(RESULT, redact=Redactor(), workspace=None, kind=Outputs.AZURE, log=log.append) == ()
    variables, outputs, _ = ci_readers.azure("\n".join(log))
    assert expected() == variables == outputs


def test_a_later_step_on_teamcity_has_every_output():
    """As an environment variable."""
    log = []
    publish(RESULT, redact=Redactor(), workspace=None, kind=Outputs.TEAMCITY, log=log.append)
    assert {f"env.{name}": value for name, value in expected().items()} == ci_readers.teamcity("\n".join(log))[0]


@pytest.mark.parametrize(("kind", "read"), [(Outputs.DOTENV, ci_readers.dotenv), (Outputs.EXPORTS, ci_readers.sourced)])
def test_a_later_step_has_every_output_by_a_file(kind, read, tmp_path):
    """Bitbucket reads lines, CircleCI's shell sources the file; what stood there stays."""
    file = tmp_path / "given"
    file.write_text("export XRAY_THEIRS=1" if kind is Outputs.EXPORTS else "XRAY_THEIRS=1")
    log = []
    assert (
        publish(RESULT, redact=Redactor(), workspace=tmp_path, kind=kind, outputs_file=str(file), log=log.append) == ()
    )
    assert {"XRAY_THEIRS": "1", **expected()} == read(file)
    assert log == []


@pytest.mark.parametrize("kind", [Outputs.AZURE, Outputs.TEAMCITY])
def test_secrets_are_in_no_line(kind):
    """Lines for the log are made from the redacted result."""
    redact, log = Redactor(), []
    redact.register("SHOP-41")
    publish(RESULT, redact=redact, workspace=None, kind=kind, log=log.append)
    assert log
    assert "SHOP-41" not in "".join(log)


@given(LINES)
def test_any_value_reaches_an_azure_step_unchanged(value):
    """Whatever is in it: no command of its own, no second property, nothing decoded that was not encoded."""
    (line, again) = syntax.lines(Outputs.AZURE, [("result-file", value)])
    variables, outputs, pages = ci_readers.azure(f"{line}\n{again}")
    assert ({"XRAY_RESULT_FILE": value}, {"XRAY_RESULT_FILE": value}, []) == (variables, outputs, pages)


@given(LINES)
def test_any_value_reaches_a_teamcity_step_unchanged(value):
    """One message, one parameter, and no reference to another one."""
    (line,) = syntax.lines(Outputs.TEAMCITY, [("result-file", value)])
    assert line.isascii()
    assert line.count("##teamcity[") == 1 or "##teamcity" in value
    parameters, texts = ci_readers.teamcity(line)
    assert [*parameters] == ["env.XRAY_RESULT_FILE"]
    assert value == parameters["env.XRAY_RESULT_FILE"].encode("utf-16", "surrogatepass").decode("utf-16")
    assert texts == []


def test_a_summary_of_azure_is_a_file_the_agent_finds(tmp_path):
    """Whole before it is announced, by an absolute path in the agent's own folder, each step's apart."""
    log = []
    assert upload("# one", tmp_path, log.append) == ()
    assert upload("# two", tmp_path, log.append) == ()
    pages = ci_readers.azure("\n".join(log))[2]
    assert [page.read_text() for page in pages] == ["# one", "# two"]
    assert [page.name for page in pages] == ["xray-ci.md", "xray-ci.md"]
    assert all(page.is_relative_to(tmp_path) for page in pages)


@pytest.mark.parametrize("temp", [None, "none"])
def test_no_summary_of_azure_where_the_agent_could_not_see_it(temp, tmp_path):
    """A container without the agent's folder names no file: a file that is not there fails the step."""
    log = []
    assert upload("# one", temp and tmp_path / temp, log.append) == ()
    assert log == []


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    """The import is over, so it fails nothing, and no file is announced."""
    (tmp_path / "xray-ci-ab").write_text("a file where a folder should be")
    monkeypatch.setattr("xray_ci.ci.outputs.secrets.token_hex", lambda _: "ab")
    log = []
    (warning,) = upload("# one", tmp_path, log.append)
    assert "job summary" in warning
    assert log == []


def test_the_status_of_a_teamcity_build_keeps_its_own_text():
    """Ours is added, of any length and with any character; the verdict is not ours to give."""
    log = []
    status("2 of 3 failed: it's [bad] | ü ##teamcity[buildStop]" + "x" * 999, log.append)
    (text,) = ci_readers.teamcity(log[0])[1]
    assert text.startswith("Tests passed: 1; 2 of 3 failed: it's [bad] | ü ")
    assert len(text) < 300


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"TF_BUILD": "True"}, lambda text: ci_readers.azure(text)[2]),
        ({"TEAMCITY_VERSION": "2026.1"}, lambda text: ci_readers.teamcity(text)[1]),
    ],
)
def test_a_summary_is_shown_unless_it_is_switched_off(env, shown, inside, reports, tmp_path):
    """`job-summary` rules every kind of summary, and no output."""
    env |= {"AGENT_TEMPDIRECTORY": str(tmp_path)}
    with_it, without = (inside("import", reports="*.xml", job_summary=switch, **env) for switch in ("true", "false"))
    assert (with_it.code, without.code) == (0, 0)
    assert len(shown(with_it.out)) == 1
    assert shown(without.out) == []
    assert "XRAY_TEST_EXECUTION_KEY" in without.out


def test_the_file_of_a_failed_run_says_so(inside, reports, tmp_path):
    """A later step that runs all the same reads what became of the import, not what an earlier run left."""
    (tmp_path / "env").write_text("export XRAY_OUTCOME=imported\n")
    done = inside("import", reports="*.xml", client_secret="wrong", CIRCLECI="true", BASH_ENV=str(tmp_path / "env"))
    assert done.code == 5
    assert tuple(
        ci_readers.sourced(tmp_path / "env")[name] for name in ("XRAY_OUTCOME", "XRAY_TEST_EXECUTION_KEY")
    ) == ("failed", "")
