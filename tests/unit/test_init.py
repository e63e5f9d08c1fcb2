"""`init`: a config file that is taken as it stands, a step for each CI system, and nothing that is overwritten."""

import io
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import SEALED

from xray_ci import init
from xray_ci.ci.systems import PROVIDERS
from xray_ci.cli import execute
from xray_ci.errors import ConfigurationError
from xray_ci.model import Process
from xray_ci.settings import config, configfile, example
from xray_ci.settings.table import ROWS

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/xray-ci.schema.json").read_text())
CLOUD = {"XRAY_CI_CLIENT_ID": "a quiet id", "XRAY_CI_CLIENT_SECRET": "a quiet secret"}


@pytest.fixture
def start(workspace):
    """Run `init` with options; `answers` are given one after the other. Return standard output and standard error."""

    def started(*answers, env=SEALED, **options):
        left = list(answers)
        out, err = io.StringIO(), io.StringIO()
        asked = init.run(Process((), env, str(workspace), out, err), options, (lambda _: left.pop(0)) if left else None)
        assert (asked, left) == (0, [])
        return out.getvalue(), err.getvalue()

    return started


def written(workspace):
    return (workspace / ".xray-ci.yml").read_text()


def test_the_file_is_taken_as_it_stands(start, workspace):
    """Found in the workspace it sets what it may; its first line names the schema for editors."""
    start("", "SHOP", "", ci="github")

    settings = config.load({}, CLOUD, workspace, command="plan", github=False)

    assert written(workspace).startswith(f"# yaml-language-server: $schema={SCHEMA['$id']}\n")
    assert (settings.reports, settings.project) == (("**/TEST-*.xml",), "SHOP")


def test_without_a_terminal_nothing_is_asked(workspace):
    """The file has what everybody needs, and what nobody said stands in a comment."""
    out, err = io.StringIO(), io.StringIO()

    code = execute(Process(["init", "--ci", "gitlab"], SEALED, str(workspace), out, err))

    assert code == 0, err.getvalue()
    assert "#project: SHOP" in written(workspace)
    assert 'XRAY_CI_CLIENT_ID: "${XRAY_CLIENT_ID}"' in out.getvalue()


def test_a_file_that_is_there_stays(start, workspace):
    """Only `--force` writes anew, and a link in its place is replaced, not followed."""
    (workspace / "mine.yml").write_text("mine")
    (workspace / ".xray-ci.yml").symlink_to("mine.yml")

    _, said = start(ci="github")
    kept = written(workspace)
    start(ci="github", force=True)

    assert "--force writes a new one" in said
    assert kept == "mine" == (workspace / "mine.yml").read_text()
    assert "reports:" in written(workspace)


def test_answers_that_no_setting_takes_are_asked_for_again(start, workspace):
    """With what is wrong; an empty answer is none."""
    step, said = start("no-such-system", "jenkins", "!x", "r/*.xml", "shop key", "SHOP", "no url", "https://j.example")

    assert "'no-such-system' is none of them" in said
    assert all(word in said for word in ("Every line excludes", "is not a project key"))
    assert yaml.safe_load(written(workspace)) == {"reports": ["r/*.xml"], "project": "SHOP"}
    assert "XRAY_CI_JIRA_URL = 'https://j.example'" in step
    assert "JIRA_TOKEN" in step


@pytest.mark.parametrize(
    ("name", "env", "step"),
    [
        (".github/workflows/a.yml", {}, "uses: org/xray-ci@v1"),
        (".gitlab-ci.yml", {}, "script: xray-ci import"),
        ("Jenkinsfile", {}, "stage('Xray')"),
        ("azure-pipelines.yml", {}, "condition: "),
        (".circleci/config.yml", {}, "- run:"),
        ("bitbucket-pipelines.yml", {}, "- step:"),
        (".travis.yml", {}, "docker run"),
        ("Jenkinsfile", {"GITHUB_ACTIONS": "true"}, "uses: org/xray-ci@v1"),
        ("README", {}, "docker run"),
    ],
)
def test_the_ci_system_is_known_by_its_file(start, workspace, name, env, step):
    """What runs around this process outvotes files."""
    (workspace / name).parent.mkdir(parents=True, exist_ok=True)
    (workspace / name).touch()

    assert step in start(env={**SEALED, **env})[0]


@pytest.mark.parametrize("system", [row.key for row in PROVIDERS])
def test_every_ci_system_has_a_step(start, system):
    """Which holds no secret, only names of some."""
    step, said = start(ci=system)

    assert "xray-ci" in step
    assert "XRAY_CLIENT_SECRET" in step
    assert "XRAY_CLIENT_ID and XRAY_CLIENT_SECRET" in said


def test_an_unknown_ci_system_is_told_with_the_nearest(start):
    """And nothing is written."""
    with pytest.raises(ConfigurationError, match="gitlb"):
        start(ci="gitlb")


def test_a_folder_that_cannot_be_written_is_told(workspace):
    """As what it is, with what to do."""
    out, err = io.StringIO(), io.StringIO()

    assert execute(Process(["init"], SEALED, str(workspace / "gone"), out, err)) == 2
    assert "the file cannot be written: No such file or directory" in err.getvalue()


def test_the_whole_file_has_every_setting_and_each_line_is_taken():
    """The lines of settings are YAML that the schema takes; there is one for each that a file can hold."""
    lines = [line[1:] for line in example.whole().splitlines() if line[:2].strip() not in ("#", "")]

    documents = [yaml.safe_load(line) for line in lines]

    assert [name for each in documents for name in each] == [row.name for row in ROWS if configfile.in_file(row)]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [(each, error.message) for each in documents for error in validator.iter_errors(each)] == []
    assert max(map(len, example.whole().splitlines())) <= 120
