"""Recipes.

Every file on these pages is one its CI system takes, every line of shell is shell, and every link leads somewhere.
"""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from around_table import ROWS, setting
from recipe_runs import CI, PAGES, block, blocks

from xray_ci.ci.provider import surroundings
from xray_ci.ci.result import RunOutcome, RunResult
from xray_ci.ci.syntax import variable
from xray_ci.settings import configfile
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.flags import parse

ELSEWHERE = {"github", "github-composite", "gitlab", "jenkins"}
"""Pages that have tests of their own."""
OURS = sorted(page.stem for page in PAGES.glob("*.md") if page.stem not in ELSEWHERE)
SCHEMAS = {
    "azure-pipelines.yml": "azure-pipelines",
    "bitbucket-pipelines.yml": "bitbucket-pipelines",
    ".circleci/config.yml": "circle-ci",
    "pipeline.yml": "buildkite",
    ".travis.yml": "travis",
}
BLOCKS = [
    (page, kind, name, language, text)
    for page in OURS
    for (kind, name), (language, text) in blocks(f"{page}.md").items()
]
FILES = [(page, name) for page, kind, name, _, _ in BLOCKS if kind == "file" and name in SCHEMAS]
SHELL = [(page, name, text) for page, kind, name, language, text in BLOCKS if language == "sh"]
OUTPUTS = {variable(name) for name, _ in RunResult(command="import", outcome=RunOutcome.FAILED, exit_code=0).outputs()}


def lines_of(page, name):
    """Return every line of shell that stands in a CI system's file."""

    def found(node, key=""):
        match node:
            case dict():
                return [line for name, inner in node.items() for line in found(inner, name)]
            case list():
                return [line for inner in node for line in found(inner, key)]
            case str() if key in ("script", "command", "commands", "run"):
                return [node.replace("$$", "$") if name == "pipeline.yml" else node]
            case _:
                return []

    return found(block(page, "file", name))


@pytest.mark.parametrize(("page", "name"), FILES)
def test_a_file_is_what_its_ci_system_takes(page, name):
    """By the system's published JSON Schema, as check-jsonschema carries it."""
    text = files("check_jsonschema").joinpath("builtin_schemas", "vendor", f"{SCHEMAS[name]}.json").read_text("utf-8")
    errors = jsonschema_rs.validator_for(json.loads(text)).iter_errors(block(f"{page}.md", "file", name))
    assert [f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors] == []


@pytest.mark.parametrize(("page", "name"), [("shards", "shards"), ("trigger", "from-xray")])
def test_the_github_workflow_is_one(tmp_path, page, name):
    """By actionlint, shell lines included."""
    (tmp_path / "shards.yml").write_text(blocks(f"{page}.md")["file", f".github/workflows/{name}.yml"][1])
    actionlint = Path(sys.executable).with_name("actionlint")
    if not actionlint.exists():
        assert "CI" not in os.environ
        pytest.skip("no actionlint in this environment")
    done = subprocess.run(
        [actionlint, "-no-color", "shards.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        *((page, text) for page, _, text in SHELL),
        *((page, line) for page, name in FILES for line in lines_of(f"{page}.md", name)),
    ],
)
def test_a_line_of_shell_is_one(page, text):
    """Without running it, and every command and flag of xray-ci in it exists."""
    assert subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False).stderr == ""
    for words in re.findall(r"xray-ci((?: +(?:'[^']*'|\"[^\"]*\"|[^\s|;&>)#'\"]+))+)", text.replace("\\\n", " ")):
        argv = [word.strip("'\"") for word in words.split()]
        if argv[0] in {name.split()[0] for name in COMMANDS}:
            assert parse(argv).command in (argv[0], " ".join(argv[:2]))


def test_every_variable_that_is_read_is_an_output():
    """XRAY_ without CI is ours alone."""
    texts = [(PAGES / f"{page}.md").read_text() for page in OURS]
    read = {name for text in texts for name in re.findall(r"\$\$?\{?(XRAY_(?!CI_)[A-Z_]+)", text)}
    assert {"XRAY_TEST_EXECUTION_KEY", "XRAY_FAILED"} <= read <= OUTPUTS
    listed = block("bitbucket.md", "file", "bitbucket-pipelines.yml")["pipelines"]["default"][1]["step"][
        "output-variables"
    ]
    assert {*listed} <= OUTPUTS


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, kind, name, _, _ in BLOCKS if kind == "config"])
def test_a_config_file_is_one(page, name):
    """By the schema that editors use."""
    assert (
        list(jsonschema_rs.validator_for(configfile.document()).iter_errors(block(f"{page}.md", "config", name))) == []
    )


def test_the_parameters_of_teamcity_bring_the_facts():
    """What TeamCity keeps for itself is known once they are there."""
    named = dict(
        line.removeprefix("env.").split("=", 1) for line in block("teamcity.md", "file", "parameters").splitlines()
    )
    (example, *_) = json.loads((CI / "teamcity.json").read_text())
    stripped = {name: value for name, value in example["env"].items() if name not in named}
    filled = {name: example["env"].get(name, "") for name in named}
    assert surroundings(stripped).run_id is None
    assert (example["facts"]["run_id"], example["facts"]["run_url"]) == (
        surroundings(stripped | filled).run_id,
        surroundings(stripped | filled).run_url,
    )


def test_every_block_is_marked():
    """One without a mark would be looked at by no test."""
    for page in OURS:
        text = (PAGES / f"{page}.md").read_text()
        unmarked = len(re.findall(r"^```\w", text, re.MULTILINE)) - len(blocks(f"{page}.md"))
        assert unmarked == 0, page


def test_links_lead_somewhere():
    """Inside of the documentation; pages of other rooms are looked at where they are made."""
    for page in OURS:
        for target in re.findall(r"\]\(([^)#:]+)\)", (PAGES / f"{page}.md").read_text()):
            assert (PAGES / target).exists(), f"{page}.md: {target}"


def test_each_setting_around_the_import_has_a_recipe():
    """A page of these names it as one writes it: in backquotes, or in a config file."""
    named = set(re.findall(r"`([a-z-]+)(?:: [^`]*)?`", "".join((PAGES / f"{page}.md").read_text() for page in OURS)))
    for _, kind, _, _, text in BLOCKS:
        named |= {*yaml.safe_load(text)} if kind == "config" else set()

    missing = [name for name in map(setting, ROWS) if name not in named]
    assert missing == [], f"say in a page of docs/recipes what {missing} does and how it is set"


def test_every_page_is_in_the_index():
    """Nobody finds a page that nothing names."""
    index = (PAGES / "README.md").read_text()
    assert [
        page.name for page in PAGES.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index
    ] == []


def test_yaml_of_the_pages_is_read_as_it_looks():
    """No block holds a key twice or a value that YAML takes for another type."""
    for page, _, name, language, text in BLOCKS:
        if language == "yaml":
            assert yaml.safe_load(text), f"{page}: {name}"
