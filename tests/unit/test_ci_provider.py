"""Every row of the table of CI systems, and what strangers can put into its variables."""

import json
import string
import subprocess
import sys
from pathlib import Path

import pytest

from xray_ci.ci.provider import FACTS, SUMMARIES, default_summary, placeholders, surroundings
from xray_ci.ci.systems import LOCAL, PROVIDERS
from xray_ci.settings.texts import PLACEHOLDERS, expand

DATA = Path(__file__).resolve().parent.parent / "data" / "ci"
CASES = [(path.stem, case) for path in sorted(DATA.glob("*.json")) for case in json.loads(path.read_text())]


def told(case, folder):
    """Return the variable that names the event of an example, written to a file."""
    if "event" not in case:
        return {}
    (folder / "event.json").write_text(json.dumps(case["event"]))
    return {"GITHUB_EVENT_PATH": str(folder / "event.json")}


def test_every_row_has_an_example():
    """A CI system without an example of its variables cannot be in the table, nor an example without a row."""
    assert {row.key for row in (*PROVIDERS, LOCAL)} == {key for key, _ in CASES}


@pytest.mark.parametrize(("key", "case"), CASES, ids=[f"{key}: {case['case']}" for key, case in CASES])
def test_facts_of_a_ci_system(key, case, tmp_path):
    """Exactly the documented facts are read, of the environment and the event.

    Nothing is made up for the others.
    """
    around = surroundings(case["env"] | told(case, tmp_path))

    assert key == around.provider.key
    facts = {
        name: value for name in (*FACTS, "outputs_file", "summary_file", "debug") if (value := getattr(around, name))
    }
    assert case["facts"] == facts


@pytest.mark.parametrize(("key", "case"), CASES, ids=[f"{key}: {case['case']}" for key, case in CASES])
def test_default_summary_names_only_what_is_known(key, case, tmp_path):
    """The summary of a new Test Execution has no holes, whatever the system leaves out."""
    around = surroundings(case["env"] | told(case, tmp_path))

    template = default_summary(around)

    assert case["summary"] == template
    used = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    assert used <= set(placeholders(around))
    assert expand(template, placeholders(around))


def test_placeholders_are_those_of_the_settings():
    """Templates and the facts that fill them know the same names."""
    github = next(case for key, case in CASES if key == "github")
    assert set(placeholders(surroundings(github["env"]))) - {"run_url"} <= set(PLACEHOLDERS)
    for template in SUMMARIES:
        assert {name for _, name, _, _ in string.Formatter().parse(template) if name} <= set(PLACEHOLDERS)


@pytest.mark.parametrize(
    "variable", ["GITHUB_HEAD_REF", "GITHUB_WORKFLOW", "GITHUB_JOB", "GITHUB_REPOSITORY", "GITHUB_ACTOR"]
)
def test_unsafe_names_are_one_line_without_tricks(variable):
    """A branch or job name brings neither line breaks nor control characters nor endless text."""
    around = surroundings({"GITHUB_ACTIONS": "true", variable: "a\r\n::error::b\x1b[2K\u202ec" + "x" * 999})

    (value,) = (value for name in FACTS if (value := getattr(around, name)))
    assert value.startswith("a ::error::b\\u202ecxxx")
    assert len(value) == 255


@pytest.mark.parametrize("sha", ["HEAD", "", "main; rm -rf", "0123456", "0" * 65, "0123456789\n"])
def test_a_commit_is_a_hash_or_nothing(sha):
    """What is no hash never becomes the revision."""
    assert ("0123456" if sha == "0123456" else None) == surroundings({"GITLAB_CI": "1", "CI_COMMIT_SHA": sha}).commit


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ci.example.com/job/1/", "https://ci.example.com/job/1/"),
        ("https://user:pass@ci.example.com/job/1/", "https://ci.example.com/job/1/"),
        ("https://ci.example.com/<script>)", "https://ci.example.com/%3Cscript%3E%29"),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://[", None),
        ("/job/1", None),
    ],
)
def test_an_address_is_of_the_web_and_without_credentials(url, expected):
    """The address of a run can be put into a link and shown to everyone."""
    assert expected == surroundings({"JENKINS_URL": "x", "BUILD_URL": url}).run_url


def test_a_forged_repository_does_not_leave_the_address():
    """A value goes into the address of the run encoded."""
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://git.example.com/",
        "GITHUB_REPOSITORY": "a/b?x=1#y",
        "GITHUB_RUN_ID": "7",
    }
    assert surroundings(env).run_url == "https://git.example.com/a/b%3Fx%3D1%23y/actions/runs/7"


def test_folders_of_the_machine_are_not_told():
    """What may be told outside holds no path of the runner."""
    github = next(case for key, case in CASES if key == "github")
    assert "/github" not in json.dumps(surroundings(github["env"]).facts())


def test_reading_the_surroundings_imports_nothing_heavy():
    """The first look at the environment costs no third-party import but that of structs."""
    code = (
        "import sys; before = set(sys.modules); import xray_ci.ci.provider; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(DATA.parents[2])},
    )
    assert not set(out.stdout.split()) & {"requests", "jsonschema", "junitparser", "yaml", "dataclasses", "werkzeug"}
