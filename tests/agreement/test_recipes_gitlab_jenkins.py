"""The GitLab component, its pipeline, the Jenkins library and both recipes agree with the tables and the schemas."""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from recipe_runs import PAGES, blocks

from xray_ci.settings.table import BY_NAME, ROWS

ROOT = Path(__file__).parents[2]
STEP = (ROOT / "templates/jenkins/vars/xrayImport.groovy").read_text(encoding="utf-8")
HELP = (ROOT / "templates/jenkins/vars/xrayImport.txt").read_text(encoding="utf-8")
OWN_PIPELINE = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
TRIGGERED = {name: text for (_, name), (_, text) in blocks("trigger.md").items()}
PIPELINES = {name: text for (_, name), (_, text) in blocks("gitlab.md").items()} | {
    ".gitlab-ci.yml": OWN_PIPELINE,
    "triggered": TRIGGERED["gitlab"],
}
JENKINSFILES = {name: text for (_, name), (_, text) in blocks("jenkins.md").items()} | {
    "triggered": TRIGGERED["jenkins"],
    **{path.name: path.read_text(encoding="utf-8") for path in (ROOT / "templates/jenkins").glob("Jenkinsfile*")},
}
VARIABLES = {row.variable for row in ROWS} | {f"{row.variable}_FILE" for row in ROWS if row.secret}
OWN = set(re.findall(r"'(\w+)'", re.search(r"OWN = \[(.*?)\]", STEP)[1]))
"""Arguments that the step of Jenkins takes itself."""


@cache
def inputs():
    """Return the inputs of the component."""
    header, _, _ = (ROOT / "templates/xray-ci.yml").read_text(encoding="utf-8").partition("\n---\n")
    return yaml.load(header, yaml.CSafeLoader)["spec"]["inputs"]


def component(**given):
    """Return the component's jobs as GitLab reads them with these inputs.

    They are put into the text before it is YAML.
    """
    _, _, job = (ROOT / "templates/xray-ci.yml").read_text(encoding="utf-8").partition("\n---\n")
    values = {name: str(row["default"]) for name, row in inputs().items()} | {
        name.replace("_", "-"): value for name, value in given.items()
    }
    return yaml.load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: values[found[1]], job), yaml.CSafeLoader)


def named(pattern, texts):
    """Return what a pattern finds in texts."""
    return {name for text in texts for name in re.findall(pattern, text)}


def arguments(text):
    """Return the names of the arguments of every call of the step, without those of calls within it."""
    found = set()
    for call in text.split("xrayImport(")[1:]:
        depth, flat = 0, ""
        for letter in re.sub(r"'[^']*'", "''", call):
            depth += (letter in "([") - (letter in ")]")
            if depth < 0:
                break
            flat += letter if depth == 0 else ""
        found |= set(re.findall(r"(\w+):", flat))
    return found


def setting(argument):
    """Return the setting that an argument of the step is."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: f"-{found[0].lower()}", argument)


def test_gitlab_accepts_them():
    """The job of the component and every pipeline keep to GitLab's published JSON Schema.

    As check-jsonschema carries it.
    """
    schema = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "gitlab-ci.json").read_text("utf-8")
    validator = jsonschema_rs.validator_for(json.loads(schema))
    documents = {name: yaml.load(text, yaml.CSafeLoader) for name, text in PIPELINES.items()} | {
        "component": component(reports='["a.xml"]')
    }

    assert [
        (name, error.message[:300]) for name, document in documents.items() for error in validator.iter_errors(document)
    ] == []


@pytest.mark.parametrize("value", ['a"b', "a'b", "a: b # c", "a\\n", "- x", "$HOME", "{a: b}"])
def test_an_input_cannot_leave_its_place(value):
    """What an input holds is a value, whatever characters it has; it is no part of a script."""
    (job,) = component(reports=json.dumps([value]), command=value).values()

    assert value == job["variables"]["INPUT_COMMAND"]
    assert [value] == json.loads(job["variables"]["INPUT_REPORTS"])
    assert job["script"] == ["xray-ci"]


def test_the_job_runs_after_failed_tests():
    """It always runs, its artifacts are always kept, and nothing hides that it failed."""
    job = component(job_name="import", stage="report")["import"]

    assert (job["stage"], job["when"], job["artifacts"]["when"]) == ("report", "always", "always")
    assert job["image"] == {"name": "ghcr.io/org/xray-ci:v1", "entrypoint": [""]}
    assert "allow_failure" not in job
    assert job["variables"]["INPUT_DOTENV_FILE"] == job["artifacts"]["reports"]["dotenv"]
    assert {job["variables"]["INPUT_RESULT_FILE"], f"{job['variables']['INPUT_STATE_DIR']}/"} <= set(
        job["artifacts"]["paths"]
    )


def test_pipelines_use_inputs_that_are_there():
    """No recipe has an input the component does not know, nor a variable xray-ci would refuse."""
    documents = [yaml.load(text, yaml.CSafeLoader) for text in PIPELINES.values()]
    used = {name for document in documents for include in document.get("include", ()) for name in include["inputs"]}

    assert {"reports", "project", "command", "stage", "job-name"} <= used <= set(inputs())
    assert (
        named(r"XRAY_CI_[A-Z_]+", [(PAGES / "gitlab.md").read_text(encoding="utf-8"), OWN_PIPELINE]) - {"XRAY_CI_"}
        <= VARIABLES
    )


def test_the_step_of_jenkins_knows_every_secret():
    """Each secret of the table is refused as an argument of the step."""
    listed = re.search(r"SECRETS = \[(.*?)\]", STEP, re.DOTALL)

    assert {row.attribute.upper() for row in ROWS if row.secret} == set(re.findall(r"'(\w+)'", listed[1]))


def test_the_step_of_jenkins_is_described():
    """Its own arguments are in its help and in the recipe, and none of them has the name of a setting."""
    page = (PAGES / "jenkins.md").read_text(encoding="utf-8")

    assert OWN == set(re.findall(r"(?m)^    (\w+) {2,}\S", HELP)) == set(re.findall(r"(?m)^\| `(\w+)` \|", page))
    assert not {setting(name) for name in OWN} & set(BY_NAME)


def test_jenkinsfiles_use_settings_that_are_there():
    """Every argument of the step in examples, recipe and help is its own or a setting; so is every variable."""
    texts = [*JENKINSFILES.values(), HELP]
    used = {name for text in texts for name in arguments(text)}

    assert {"reports", "project", "credentialsId", "failOn", "jiraUrl", "command"} <= used
    assert {setting(name) for name in used - OWN} <= set(BY_NAME)
    assert named(r"XRAY_CI_[A-Z_]+", [*texts, STEP]) - {"XRAY_CI_"} <= VARIABLES


@pytest.mark.parametrize("folder", ["tests/container/gitlab", "tests/clients/npm"])
def test_what_npm_has_is_locked(folder):
    """What tests run of npm is pinned by hash, and by no registry's address."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = [package for path, package in lock["packages"].items() if path]

    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not [package["resolved"] for package in packages if "resolved" in package]
