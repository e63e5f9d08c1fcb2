"""`xray-ci migrate FILE` on the command line.

What it says when there is nothing to do, and that it never reaches out.
"""

import io

import pytest

from xray_ci.cli import execute
from xray_ci.model import Process

CURL = (
    "curl -H 'Authorization: Bearer $T' -F file=@a.xml https://jira.example.com/rest/raven/2.0/import/execution/junit\n"
)


@pytest.fixture
def migrate(workspace):
    def run(content, *arguments, env=None):
        (workspace / "old").write_bytes(content if isinstance(content, bytes) else content.encode())
        out, err = io.StringIO(), io.StringIO()
        code = execute(Process(["migrate", *(arguments or ("old",))], env or {}, str(workspace), out, err))
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.mark.parametrize(
    "content",
    [
        "",
        "echo hello\n",
        "curl https://example.com/other\n",
        "pipeline { agent any }\n",
        b"\xff\xfe\x00",
        "jobs: [\n",
        "jobs: !x {}\n",
        "jobs: {a: {steps: [{run: make test}]}}\n",
        "# curl https://x/api/v2/import/execution\n",
        "x" * 1_000_001,
    ],
    ids=str,
)
def test_nothing_to_migrate_is_wrong_usage_that_says_what_was_looked_for(migrate, content):
    """Whatever the file is instead."""
    code, out, err = migrate(content)

    assert (code, out) == (2, "")
    assert "old" in err
    assert "migrate" in err or "Name a workflow" in err


def test_an_action_that_is_not_known_is_named(migrate):
    """So that nobody believes that it was understood."""
    _, _, err = migrate("- uses: someone/xray-thing@v1\n  with: {other: 1}\n")
    assert "someone/xray-thing@v1 on line 1" in err


@pytest.mark.parametrize(
    ("content", "page"),
    [
        ("steps:\n- task: Npm@1\n- script: npm test\n", "docs/recipes/azure.md"),
        ("version: 2.1\njobs: {a: {steps: [checkout]}}\n", "docs/recipes/circleci.md"),
        ("pipelines: {default: [{step: {script: [npm test]}}]}\n", "docs/recipes/bitbucket.md"),
        ("language: python\nscript: [pytest]\n", "docs/recipes/README.md"),
    ],
)
def test_where_nothing_is_found_the_page_with_the_step_is_named(migrate, content, page):
    """That of the CI system, told by what only its files have."""
    code, _, err = migrate(content)

    assert code == 2
    assert page in err


def test_a_line_that_yaml_takes_for_a_mapping_is_named(migrate):
    """A call of curl with a colon and a blank, without quotes, is a mapping there: GitLab would refuse it, too."""
    _, _, err = migrate('job:\n  script:\n    - curl -H "Authorization: Bearer $T" https://x/api/v2/import/execution\n')

    assert "line 3 of `script`, which YAML reads as a mapping" in err


def test_a_file_is_needed_and_only_one(migrate):
    """A missing one and a second one are wrong usage."""
    out, err = io.StringIO(), io.StringIO()
    assert execute(Process(["migrate"], {}, ".", out, err)) == 2
    assert "migrate FILE" in err.getvalue()
    assert migrate(CURL, "old", "other")[0] == 2
    assert migrate(CURL, "missing")[0] == 2


def test_the_file_may_be_given_as_an_option_too(migrate):
    """`--file FILE`, for names that begin with a dash."""
    assert migrate(CURL) == migrate(CURL, "--file", "old") == migrate(CURL, "--file=old")


def test_neither_credentials_nor_settings_are_looked_at(migrate):
    """A broken environment does not matter: nothing is loaded."""
    assert migrate(CURL, env={"XRAY_CI_PROJECT": "not a key", "XRAY_CI_NONSENSE": "1"})[0] == 0


def test_help_shows_the_file(run):
    """As it is written."""
    assert "migrate FILE" in run("migrate", "--help").out


def test_line_ends_of_windows_are_line_ends(migrate):
    """The same script says the same."""
    script = (
        "URL=https://jira.example.com\ncurl -u a:$P \\\n  -F file=@a.xml $URL/rest/raven/2.0/import/execution/junit\n"
    )
    assert migrate(script) == migrate(script.replace("\n", "\r\n"))
