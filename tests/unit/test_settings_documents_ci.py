"""What CI systems read, against the table.

Each setting is there, no secret where it would be seen, no input that becomes code.
"""

import json
import re

import pytest
import yaml

from xray_ci.settings import config, documents
from xray_ci.settings.table import LIST_KINDS, ROWS

BODY = f"""# about the body
spec:
  inputs:
    stage:
      default: .post
    result-file:
      default: r.json
    {documents.INPUTS_HERE}
---
job:
  stage: "$[[ inputs.stage ]]"
  variables:
    XRAY_CI_RESULT_FILE: "$[[ inputs.result-file ]]"
    {documents.VARIABLES_HERE}
  script: [xray-ci]
"""
UNSAFE = (
    '"',
    "'",
    "a: b",
    "# c",
    "- d",
    "{e}",
    "[f]",
    "*g",
    "&h",
    "!i",
    "%j",
    "@k",
    "`l`",
    "\\",
    "---",
    "|",
    ">",
    "\t m",
    "~",
    "$[[ n ]]",
    '", injected: "',
    "**/*.xml # { not a comment",
    "ü ✓ 😀",
)


def as_text(value):
    """Return what GitLab puts in: a text as it is, a list as JSON (D)."""
    return value if isinstance(value, str) else json.dumps(value)


def component(**inputs):
    """Return GitLab's component after the inputs were put in: as text, before it is read as YAML (D)."""
    header, _, job = documents.gitlab(BODY).partition("\n---\n")
    defaults = {name: entry["default"] for name, entry in yaml.safe_load(header)["spec"]["inputs"].items()}
    values = defaults | inputs
    assert values.keys() == defaults.keys()
    return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) ]]", lambda match: as_text(values[match[1]]), job))


def handed(job):
    """Return the variables of the job as a shell gets them."""
    return {name: entry["value"] if isinstance(entry, dict) else entry for name, entry in job["variables"].items()}


def test_the_composite_action_has_the_interface_of_the_other():
    """The same inputs and outputs, word by word."""
    plain, composite = yaml.safe_load(documents.action()), yaml.safe_load(documents.composite())

    assert plain["inputs"] == composite["inputs"]
    assert plain["outputs"] == {
        name: {"description": entry["description"]} for name, entry in composite["outputs"].items()
    }
    assert composite["runs"]["using"] == "composite"


def test_the_composite_action_maps_every_input_and_output():
    """GitHub sets no INPUT_ variables for it (O), and xray-ci reads each of them by the name it gets here."""
    composite = yaml.safe_load(documents.composite())
    (step,) = composite["runs"]["steps"]

    names = [*(row.name for row in ROWS), *config.NAMES]
    assert {documents.variable(name): f"${{{{ inputs.{name} }}}}" for name in names} == step["env"]
    assert len(names) == len(step["env"])
    for name, entry in composite["outputs"].items():
        assert f"${{{{ steps.{step['id']}.outputs.{name} }}}}" == entry["value"]


def test_no_input_is_part_of_a_script_of_the_composite_action():
    """What is put into a script is run."""
    (step,) = yaml.safe_load(documents.composite())["runs"]["steps"]

    assert "${{" not in step["run"]
    assert step["shell"] == "bash"


def test_xray_ci_knows_every_variable_that_is_handed_on(workspace):
    """An INPUT_ variable nobody reads would be an input without effect, and on GitHub an error."""
    (step,) = yaml.safe_load(documents.composite())["runs"]["steps"]
    own = {documents.variable(row.name): "1" for row in ROWS if row.name != "config"}
    assert own.keys() < step["env"].keys()

    gathered = config.gather({}, own, workspace, github=True)

    assert gathered.problems == []
    assert {row.name for row in ROWS} - {"config"} == gathered.values.keys()
    assert {name.upper() for name in config.NAMES} == {
        name.removeprefix("INPUT_") for name in step["env"].keys() - own.keys()
    } - {"CONFIG"}


def test_gitlab_has_an_input_for_every_setting_that_is_no_secret():
    """GitLab shows inputs to whoever may see the pipeline."""
    inputs = yaml.safe_load(documents.gitlab(BODY).partition("\n---\n")[0])["spec"]["inputs"]

    assert {row.name for row in ROWS if not row.secret and not row.context} | {"stage"} == inputs.keys()
    assert all(
        entry["default"] in ("", []) and len(entry["description"]) > 10
        for name, entry in inputs.items()
        if name not in ("stage", "result-file")
    )


def test_gitlab_hands_every_input_on():
    """As an input: stronger than a variable of the project when it is set, and no hindrance to one when it is not."""
    variables = handed(component()["job"])

    names = {row.name for row in ROWS if not row.secret and not row.context} - {"result-file"}
    assert {documents.variable(name) for name in names} | {"XRAY_CI_RESULT_FILE"} == variables.keys()
    assert {"r.json", "", "[]\n"} == set(variables.values())


def test_an_empty_input_of_gitlab_hides_no_variable(workspace):
    """The component sets all variables in every job; what the project set stays."""
    env = handed(component()["job"]) | {"XRAY_CI_PROJECT": "SHOP", "XRAY_CI_REPORTS": "*.xml"}

    gathered = config.gather({}, env, workspace, github=False)

    assert tuple(gathered.values[name].origin for name in ("project", "reports")) == (
        "XRAY_CI_PROJECT",
        "XRAY_CI_REPORTS",
    )
    assert (
        config.gather({}, env | {"INPUT_PROJECT": "CART"}, workspace, github=False).values["project"].origin
        == "INPUT_PROJECT"
    )


@pytest.mark.parametrize("first", range(3))
def test_no_line_of_an_input_breaks_out_of_the_component(first):
    """Whatever one line holds, it is the value of its own variable and of nothing else."""
    ours = [row for row in ROWS if not (row.secret or row.context or row.kind in LIST_KINDS)]
    rows = [row for row in ours if row.name != "result-file"]
    inputs = {row.name: UNSAFE[(first * 7 + n) % len(UNSAFE)] for n, row in enumerate(rows)}

    document = component(**inputs)

    assert {"job"} == document.keys()
    assert document["job"]["script"] == ["xray-ci"]
    assert inputs == {row.name: handed(document["job"])[documents.variable(row.name)] for row in rows}


def test_a_list_of_gitlab_is_a_list(workspace):
    """Its items are those of the setting, whatever they hold, and a list without items is not set."""
    globs = ["**/*.xml", '!it\'s "quoted"', "[ab]*.xml", "# {c}", "two\nlines"]
    env = handed(component(reports=globs)["job"])

    values = config.gather({}, env | {"XRAY_CI_LABELS": "nightly"}, workspace, github=False).values

    assert (*globs[:-1], "two", "lines") == values["reports"].lines()
    assert values["labels"].lines() == ("nightly",)


def test_gitlab_expands_no_variables_in_patterns():
    """`$` is the end of a text there; elsewhere `$CI_COMMIT_SHA` is what GitLab's users expect to write."""
    variables = component()["job"]["variables"]

    unexpanded = {name for name, entry in variables.items() if isinstance(entry, dict) and entry["expand"] is False}
    assert {"INPUT_KEY_PATTERN", "INPUT_SCRUB", "INPUT_MAPPING"} == unexpanded


@pytest.mark.parametrize("marker", [documents.INPUTS_HERE, documents.VARIABLES_HERE, "\n---\n"])
def test_a_component_without_its_markers_is_not_written(marker):
    """Silence would leave out every setting."""
    with pytest.raises(ValueError, match=r"xray-ci\.body\.yml"):
        documents.gitlab(BODY.replace(marker, "\n"))


def test_what_the_body_says_itself_is_not_generated():
    """The job has to know where its artifacts are, so those inputs are written by hand."""
    made = documents.gitlab(BODY)

    assert made.count("\n    result-file:") == 1
    assert "about the body" not in made
    assert "INPUT_RESULT_FILE" not in made
