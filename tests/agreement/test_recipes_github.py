"""The recipes for GitHub: workflows that GitHub takes and that are safe, and steps that do what the page says."""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
from recipe_runs import CI, PAGES, block, blocks

WORKFLOWS = tuple(name for kind, name in blocks("github.md") if kind == "file")
TESTS, UNTRUSTED, AFTER = (f".github/workflows/{name}.yml" for name in ("tests", "untrusted", "xray"))
EXAMPLES = {each["case"]: each for each in json.loads((CI / "github.json").read_text())}
SECRETS = {
    "secrets.XRAY_CLIENT_ID": "EMULATORCLIENTID0000000000000001",
    "secrets.XRAY_CLIENT_SECRET": "emulator-secret",
}


def tool(name):
    """Return a linter of the development environment."""
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        assert "CI" not in os.environ
        pytest.skip(f"no {name} in this environment")
    return str(found)


@pytest.fixture
def repository(tmp_path):
    """Write all workflows of the page where GitHub looks for them."""
    for name in WORKFLOWS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(blocks("github.md")["file", name][1])
    return tmp_path


def test_the_page_has_its_workflows():
    """The three files that the text speaks of."""
    assert (TESTS, UNTRUSTED, AFTER) == WORKFLOWS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_github_takes_the_workflow(name):
    """By GitHub's published JSON Schema, as check-jsonschema carries it."""
    text = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "github-workflows.json").read_text("utf-8")
    workflow = {
        ("on" if key is True else key): value for key, value in block("github.md", "file", name).items()
    }  # YAML 1.1 reads on as true
    assert [error.message[:300] for error in jsonschema_rs.validator_for(json.loads(text)).iter_errors(workflow)] == []


def test_actionlint_finds_nothing(repository):
    """Expressions, contexts, shell lines."""
    done = subprocess.run(
        [tool("actionlint"), "-no-color", *WORKFLOWS], cwd=repository, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_finds_nothing(repository):
    """Also pedantically; only our own action is named by its tag, as its releases document it."""
    (repository / "zizmor.yml").write_text(
        "rules:\n  unpinned-uses:\n    config:\n      policies: {'org/xray-ci': ref-pin, '*': hash-pin}\n"
    )
    done = subprocess.run(
        [
            tool("zizmor"),
            "--offline",
            "--persona",
            "pedantic",
            "--config",
            "zizmor.yml",
            "--format",
            "plain",
            "--color",
            "never",
            *WORKFLOWS,
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_second_workflow_runs_nothing_of_the_first():
    """With secrets around, no code is checked out, no line of shell runs.

    The first workflow has no secrets at all.
    """
    import_steps = block("github.md", "file", AFTER)["jobs"]["import"]["steps"]
    assert [step["uses"].partition("@")[0] for step in import_steps] == ["actions/download-artifact", "org/xray-ci"]
    assert "secrets" not in blocks("github.md")["file", UNTRUSTED][1]
    assert [block("github.md", "file", UNTRUSTED)["name"]] == block("github.md", "file", AFTER)[True]["workflow_run"][
        "workflows"
    ]
    upload = block("github.md", "file", UNTRUSTED)["jobs"]["tests"]["steps"][-1]["with"]
    assert upload["name"] == import_steps[0]["with"]["name"]


@pytest.fixture
def step(inside, tmp_path):
    """Run the page's own step as the runner would: its `with` as inputs, in the surroundings of an example."""

    def start(workflow, job, example, secrets=SECRETS, **changes):
        (found,) = (
            each
            for each in block("github.md", "file", workflow)["jobs"][job]["steps"]
            if each.get("uses", "").startswith("org/xray-ci@")
        )
        inputs = {
            f"INPUT_{name.upper()}": re.sub(r"\$\{\{ *(\S+) *\}\}", lambda part: secrets.get(part[1], ""), str(value))
            for name, value in found["with"].items()
        }
        (tmp_path / "event.json").write_text(json.dumps(EXAMPLES[example]["event"]))
        for name in ("output", "summary"):
            (tmp_path / name).write_text("")
        files = {
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        }
        return inside(
            **{
                **EXAMPLES[example]["env"],
                **files,
                **inputs,
                "client_id": None,
                "client_secret": None,
                "project": None,
                **changes,
            }
        )

    return start


REPORT = (
    '<testsuite name="s"><testcase classname="a" name="b"><properties><property name="test_key" '
    'value="SHOP-3"/></properties></testcase>'
    '<testcase classname="a" name="stranger"/><testcase classname="a" name="c"><properties><property name="test_key" '
    'value="OPS-1"/></properties></testcase></testsuite>'
)


def test_what_follows_a_fork_is_imported_under_its_run(step, emulator, workspace):
    """Commit and name are those of the tests; run again it goes into the same Test Execution.

    A stranger makes no Test and names none of others.
    """
    (workspace / "untrusted").mkdir()
    (workspace / "untrusted" / "TEST-a.xml").write_text(REPORT)
    example = "after a run of a fork, whose branch is called like ours"

    first = step(AFTER, "import", example)
    again = step(AFTER, "import", example, GITHUB_RUN_ATTEMPT="2")

    assert (first.code, again.code) == (4, 4), first.text  # the other key is named
    (execution,) = emulator.executions()
    assert execution["summary"] == "tests #3 on octocat:main"
    assert EXAMPLES[example]["facts"]["commit"] == execution["execution"]["revision"]
    assert [found["test"] for found in execution["execution"]["runs"].values()] == ["SHOP-3"]
    assert emulator.created_tests() == []


def test_the_first_step_is_green_for_a_fork(step, emulator, workspace, tmp_path):
    """Without secrets and with a passing report nothing is sent and nothing fails."""
    (workspace / "results").mkdir()
    (workspace / "results" / "TEST-a.xml").write_text(REPORT)

    result = step(TESTS, "tests", "pull request of a fork", secrets={})

    assert result.code == 0, result.text
    assert emulator.requests() == []
    assert "\nskipped\n" in (tmp_path / "output").read_text()


def test_every_block_is_marked():
    """One without a mark would be looked at by no test."""
    assert len(re.findall(r"^```\w", (PAGES / "github.md").read_text(), re.MULTILINE)) == len(blocks("github.md"))
