"""What is made from the tables agrees with them.

Action.yml, README, docs, schema, and the rooms that share their words.
"""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from xray_ci import formats
from xray_ci.deployments import DEPLOYMENTS
from xray_ci.model import Outcome
from xray_ci.settings import commands, config, configfile, documents, problems, values
from xray_ci.settings.table import API_VERSIONS, BY_NAME, FREE, GROUPS, OUTCOMES, ROWS, Kind

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load(documents.action())


def test_generated_files_are_up_to_date():
    """`python -m xray_ci.settings.documents --write .` changes nothing."""
    assert [str(path) for path, text in documents.files(ROOT).items() if path.read_text("utf-8") != text] == []


def test_every_setting_is_an_input_and_none_but_contexts_has_a_default():
    """A default there would outvote variables and the config file; required is what the command needs, said by us."""
    assert [*(row.name for row in ROWS), *config.NAMES] == [*ACTION["inputs"]]
    filled = {row.name: row.context for row in ROWS if row.context}
    assert filled == {name: entry["default"] for name, entry in ACTION["inputs"].items() if "default" in entry}
    assert {"description", "required"} == {key for entry in ACTION["inputs"].values() for key in entry} - {"default"}
    # GitHub refuses an action with an expression where none is allowed.
    assert not [name for name, entry in ACTION["inputs"].items() if "${{" in entry["description"]]
    assert all(entry["required"] is False and len(entry["description"]) > 10 for entry in ACTION["inputs"].values())


def test_the_action_runs_the_image_without_arguments():
    """Arguments are printed, inputs are not."""
    assert ACTION["runs"] == {"using": "docker", "image": "Dockerfile"}
    assert {"name", "description", "author", "branding", "inputs", "outputs", "runs"} == {*ACTION}
    assert all([*entry] == ["description"] for entry in ACTION["outputs"].values())


def test_names_are_well_formed_and_unique():
    """Input names are compared in upper case, and ours must not be those of the other action with another meaning."""
    names = [row.name for row in ROWS]
    assert len({*names}) == len(names) == len({row.variable for row in ROWS})
    assert all(name == name.lower() and name.replace("-", "").isalnum() for name in names)
    assert not {name.upper() for name in config.NAMES} & {name.upper() for name in names}
    assert not [row.name for row in ROWS if row.secret and f"{row.variable}_FILE" in {other.variable for other in ROWS}]


def test_every_row_is_an_attribute_of_settings():
    """And every attribute that is no row is one of the three that say how they came."""
    attributes = set(values.Settings.__struct_fields__)
    assert attributes - {"workspace", "origins", "found", "notices"} == {row.attribute for row in ROWS}


def test_commands_agree():
    """The choices of `command` are the commands, and their groups exist."""
    assert [*commands.COMMANDS] == [*BY_NAME["command"].choices]
    assert all({*command.groups} <= {*GROUPS} for command in commands.COMMANDS.values())
    assert not {option.name for command in commands.COMMANDS.values() for option in command.options} & {*BY_NAME}


def test_words_agree_with_the_deployments_and_the_model():
    """Regions, versions and outcomes are named once more here, because settings import neither."""
    assert {key: row.api_versions for key, row in DEPLOYMENTS.items()} == API_VERSIONS
    assert [*DEPLOYMENTS["cloud"].regions] == [*BY_NAME["region"].choices]
    assert ["auto", *DEPLOYMENTS] == [*BY_NAME["deployment"].choices]
    assert [outcome.value for outcome in Outcome] == [*OUTCOMES]


def test_the_trust_column_is_the_published_one():
    """What a pull request can change: what is read and how it maps, nothing else."""
    assert {
        "reports",
        "format",
        "project",
        "test-environments",
        "summary",
        "description",
        "labels",
        "test-type",
        "key-pattern",
        "unmapped",
        "repeats",
        "statuses",
        "timezone",
        "comments",
        "mapping",
    } == {row.name for row in ROWS if row.ws}
    assert not [row.name for row in ROWS if row.ws and row.secret]


def test_the_schema_is_one_and_holds_every_setting_of_a_file():
    """No secret, nothing that is decided before the file is read."""
    document = configfile.document()
    jsonschema.Draft202012Validator.check_schema(document)
    assert {row.name for row in ROWS if row.name not in FREE and (not row.secret or row.kind is Kind.SNAPSHOTS)} == {
        *document["properties"]
    }
    assert document == json.loads(documents.schema_text())


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.default is not None and configfile.in_file(row)], ids=lambda row: row.name
)
def test_the_schema_takes_every_default(row):
    """As a user would write it in the file."""
    rule = configfile.document()["properties"][row.name]
    jsonschema.Draft202012Validator(rule).validate(rule["default"])


def test_docs_name_every_setting_command_option_and_alias():
    """The page and the table of the README."""
    page, table = documents.page(), documents.table()
    assert all(f"`{row.variable}`" in page for row in ROWS)
    assert [line.split("`")[1] for line in table.splitlines()[2:]] == [*documents.OFTEN]
    assert all(f"`{name}`" in page for name in config.NAMES)
    assert all(f"`--{option.name}" in page for command in commands.COMMANDS.values() for option in command.options)


def test_a_readme_keeps_what_is_around_the_table():
    """And without its markers nothing is written."""
    made = documents.readme(f"a\n{documents.BEGIN}old{documents.END}\nb")
    assert made.startswith(f"a\n{documents.BEGIN}\n| setting")
    assert made.endswith(f"{documents.END}\nb")
    assert made == documents.readme(made)
    with pytest.raises(ValueError, match="README"):
        documents.readme("nothing")


def test_the_command_writes_and_checks(tmp_path, capsys):
    """`--check` fails until `--write` was run."""
    (tmp_path / "README.md").write_text(f"{documents.BEGIN}\n{documents.END}\n")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/xray-ci.body.yml").write_text((ROOT / "templates/xray-ci.body.yml").read_text("utf-8"))

    assert [
        documents.main(arguments)
        for arguments in (["--check", str(tmp_path)], ["--write", str(tmp_path)], ["--check", str(tmp_path)], [])
    ] == [1, 0, 0, 2]
    assert capsys.readouterr().err.count("is not what the tables say") == 8


def test_every_slug_has_its_paragraph():
    """docs/errors.md explains each kind of problem."""
    page = ROOT / "docs" / "errors.md"
    if not page.exists():
        pytest.skip("docs/errors.md is not written yet")
    assert [slug for slug in problems.SLUGS if slug not in page.read_text("utf-8")] == []


def test_formats_agree_with_the_formats_table():
    """`format` takes the keys and families that have a converter, or an endpoint of Xray that takes one document."""
    endpoints = {endpoint.format for row in DEPLOYMENTS.values() for endpoint in row.endpoints}
    usable = [row for row in formats.FORMATS if row.read or (row.family in endpoints and row.medium != "lines")]

    assert {"auto", *(name for row in usable for name in (row.key, row.family))} == {*BY_NAME["format"].choices}
