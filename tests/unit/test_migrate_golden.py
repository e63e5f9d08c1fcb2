"""Old pipelines and what `migrate` makes of them, each beside its input: what is printed, a line `---`, and the log.

`XRAY_CI_REWRITE_GOLDEN=1 pytest tests/unit/test_migrate_golden.py` writes the golden files anew instead of comparing.
"""

import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from xray_ci.cli import execute
from xray_ci.errors import ConfigurationError
from xray_ci.model import Process
from xray_ci.settings import config
from xray_ci.settings.table import BY_NAME, Kind

FOLDER = Path(__file__).parent.parent / "data" / "migrate"
INPUTS = sorted(path for path in FOLDER.iterdir() if path.suffix != ".golden")
LITERAL_SECRETS = ("hunter2-hunter2", "0123456789")
"""What stands in the open in the inputs."""
ADDRESSES = frozenset({"xrayCloud", "xrayBaseUrl", "serverInstance", "class"})
"""What says where Xray is: printed as `deployment`, `region` or `jira-url`."""
WORKFLOW = """\
on:
  workflow_dispatch:
    inputs:
      plan: {type: string}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
"""
SAMPLES = {
    Kind.KEY: "SHOP-7",
    Kind.KEYS: "SHOP-7",
    Kind.PROJECT: "SHOP",
    Kind.URL: "https://jira.example.net",
    Kind.SECRET: "a-sample-secret",
}
"""What a reference may stand for when the step runs."""


def migrated(path):
    out, err = io.StringIO(), io.StringIO()
    code = execute(Process(["migrate", path.name], {}, str(path.parent), out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_an_old_pipeline_becomes_its_golden_step(path):
    """Printed on standard output, with the reasons on the log, exit 0."""
    code, out, err = migrated(path)
    golden = path.with_name(path.name + ".golden")
    if os.environ.get("XRAY_CI_REWRITE_GOLDEN"):
        golden.write_text(f"{out}---\n{err}", "utf-8")

    assert code == 0
    assert golden.read_text("utf-8") == f"{out}---\n{err}"


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_no_literal_secret_is_printed_and_each_is_told(path):
    """Neither in the step nor in a reason; its owner learns that it must be replaced."""
    _, out, err = migrated(path)
    open_ones = [secret for secret in LITERAL_SECRETS if secret in path.read_text("utf-8")]

    assert not [secret for secret in LITERAL_SECRETS if secret in out + err]
    assert not open_ones or "Revoke it" in err or "http-headers" in err


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_the_settings_of_every_printed_step_are_taken(path, workspace):
    """With whatever its references stand for.

    No unknown name, no wrong value, no combination that cannot work, nothing missing.
    """
    (workspace / "ca.pem").write_text("x")
    (workspace / "execution.json").write_text(json.dumps({"fields": {"priority": {"name": "High"}}}))
    _, out, _ = migrated(path)
    found = list(environments(path, out))

    assert len(found) == out.count("In place of ") > 0
    for env in found:
        settings = config.load(
            {}, env, workspace, command="import", github=path.name.startswith(("action", "workflow"))
        )
        assert settings.reports
        assert (settings.client_id is not None) == (settings.deployment == "cloud")


def test_a_step_with_an_unknown_setting_would_be_seen(workspace):
    """The reading of printed steps above is not blind."""
    out = "# In place of x.\n- uses: org/xray-ci@v1\n  with:\n    reprots: a.xml\n"
    with pytest.raises(ConfigurationError):
        config.load({}, next(environments(Path("action.yml"), out)), workspace, command="import", github=True)


@pytest.mark.parametrize("path", [path for path in INPUTS if "action" in path.name or "plugin" in path.name])
def test_every_input_of_an_old_step_is_named(path):
    """In the log or in what is printed: taken, not needed, or not translated and why. None is dropped in silence."""
    text = re.sub(r"^\s*(?://|#).*", "", path.read_text("utf-8"), flags=re.MULTILINE)
    names = {*re.findall(r"\b(\w+):(?!//)", text)} if path.suffix == ".Jenkinsfile" else inputs_of(yaml.safe_load(text))
    _, out, err = migrated(path)
    said = (out + err).lower()

    assert len(names) > 5
    assert {name for name in names if name.lower() not in said} <= ADDRESSES


@pytest.mark.parametrize("path", [path for path in INPUTS if path.name.startswith(("action", "workflow"))])
def test_a_printed_step_of_github_is_one(path, tmp_path):
    """By actionlint, in a job that checks the code out."""
    actionlint = Path(sys.executable).with_name("actionlint")
    if not actionlint.exists():
        assert "CI" not in os.environ
        pytest.skip("no actionlint in this environment")
    steps = "".join(f"      {line}\n" for line in migrated(path)[1].splitlines())
    (tmp_path / "x.yml").write_text(f"{WORKFLOW}{steps.replace('id: xray', 'id: imported', 1)}", "utf-8")
    done = subprocess.run([actionlint, "-no-color", "x.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def inputs_of(node):
    """Return the names of all inputs below `with` of a workflow or action."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = {*node["with"]} if isinstance(node, dict) and "with" in node and "xray" in node["uses"] else set()
    return own.union(*map(inputs_of, inner))


def environments(path, out):
    """Yield the environment that each printed step gives to xray-ci."""
    if path.name.startswith(("action", "workflow")):
        for step in yaml.safe_load(out):
            assert step["uses"] == "org/xray-ci@v1"
            yield {
                f"INPUT_{name.upper()}": filled(name, str(value), r"\$\{\{[^}]*\}\}")
                for name, value in step["with"].items()
            }
    elif path.name.startswith(("azure", "circleci", "bitbucket")):
        yield from (exported(step) for step in yaml.safe_load(out))
    elif path.suffix == ".ps1":
        yield from (assigned(text) for text in out.split("# In place of ")[1:])
    elif path.name.startswith("gitlab"):
        for job in yaml.safe_load(out).values():
            assert job["script"] == "xray-ci import"
            yield {
                name: filled(setting(name), str(value), r"(?<!\$)\$\{\w+\}").replace("$$", "$")
                for name, value in job["variables"].items()
            }
    elif path.suffix == ".Jenkinsfile":
        yield from (stage(text) for text in out.split("stage('Xray')")[1:])
    else:
        yield from (container(text) for text in out.split("# In place of ")[1:])


def setting(variable):
    return variable.removeprefix("XRAY_CI_").lower().replace("_", "-")


def filled(name, value, reference):
    """Put what a reference may stand for in its place."""
    kind = BY_NAME[name].kind if name in BY_NAME else Kind.TEXT
    return re.sub(reference, SAMPLES.get(kind, "sample"), value)


def stage(text):
    env = {}
    for name, mark, value in re.findall(r"^    (XRAY_CI_\w+) = (['\"])(.*)\2$", text, re.MULTILINE):
        plain = filled(setting(name), value, r"(?<!\\)\$\{[\w.]+\}") if mark == '"' else value
        env[name] = plain.replace("\\n", "\n").replace("\\'", "'").replace("\\\\", "\\")
    bound = re.findall(r"ariable: '(XRAY_CI_\w+)'|(XRAY_CI_\w+)=\"\$\w+\"|(XRAY_CI_\w+) = credentials\('", text)
    return env | {name: "a-sample-secret" for names in bound for name in names if name}


def exported(step):
    """Return what a step of Azure, CircleCI or Bitbucket sets: its block of variables, and what bash exports."""
    inner = step.get("run") or step.get("step") or step
    script = inner.get("bash") or inner.get("command") or "\n".join(inner["script"])
    names = [*inner.get("env", {}), *re.findall(r'(XRAY_CI_\w+)="\$\w+" ', script)]
    shell = "".join(f"{line}\n" for line in script.splitlines() if line.startswith("export "))
    shown = subprocess.run(
        ["bash", "-uc", f"{shell}export -p"],
        env=dict.fromkeys(re.findall(r"\$\{(\w+)\}", shell), "SHOP-7"),
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"^declare -x (XRAY_CI_\w+)=(.*(?:\n(?!declare).*)*)$", shown.stdout, re.MULTILINE)
    return {name: bash_value(value) for name, value in found} | dict.fromkeys(
        names or ("XRAY_CI_CLIENT_ID", "XRAY_CI_CLIENT_SECRET"), "a-sample-secret"
    )


def bash_value(value):
    done = subprocess.run(["bash", "-c", f"printf %s {value}"], capture_output=True, text=True, check=True)
    return done.stdout


def assigned(text):
    values = re.findall(r'^\$env:(XRAY_CI_\w+) = "(.*)"$', text, re.MULTILINE)
    secrets = re.findall(r"^\$env:(XRAY_CI_\w+) = \$env:\w+$", text, re.MULTILINE)
    return {name: filled(setting(name), value, r"(?<!`)\$\{env:\w+\}") for name, value in values} | dict.fromkeys(
        secrets, "a-sample-secret"
    )


SYSTEMS = {
    "azure-curl.yml": ("azure-pipelines", lambda steps: {"steps": steps}),
    "circleci-curl.yml": (
        "circle-ci",
        lambda steps: {
            "version": 2.1,
            "jobs": {"test": {"docker": [{"image": "cimg/python:3.13"}], "steps": steps}},
            "workflows": {"all": {"jobs": ["test"]}},
        },
    ),
    "gitlab-curl.yml": ("gitlab-ci", lambda jobs: {"stages": ["test", "publish"], **jobs}),
    "bitbucket-curl.yml": ("bitbucket-pipelines", lambda steps: {"pipelines": {"default": steps}}),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_printed_step_is_what_its_ci_system_takes(name):
    """By the system's published JSON Schema, as check-jsonschema carries it, around nothing but the step."""
    schema, around = SYSTEMS[name]

    assert mistakes(schema, around(yaml.safe_load(migrated(FOLDER / name)[1]))) == []


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        *((name, schema) for name, (schema, _) in SYSTEMS.items()),
        ("travis-curl.yml", "travis"),
        ("bamboo-curl.yml", "bamboo-spec"),
        *((path.name, "github-workflows") for path in INPUTS if path.name in ("action-cloud.yml", "workflow-curl.yml")),
    ],
)
def test_an_old_pipeline_is_one(name, schema):
    """What is moved over here could run: its own CI system takes it."""
    document = yaml.load((FOLDER / name).read_text("utf-8"), yaml.CSafeLoader)

    assert mistakes(schema, {"on" if key is True else key: value for key, value in document.items()}) == []


def mistakes(schema, document):
    """Return what a vendor's schema finds wrong."""
    text = files("check_jsonschema").joinpath("builtin_schemas", "vendor", f"{schema}.json").read_text("utf-8")
    return [error.message for error in jsonschema_rs.validator_for(json.loads(text)).iter_errors(document)]


_SHELL = ("travis", "bamboo", "drone")
"""Systems whose steps are lines of a shell."""


@pytest.mark.parametrize("path", [path for path in INPUTS if path.suffix == ".sh" or path.name.startswith(_SHELL)])
def test_a_printed_line_of_shell_is_one(path):
    """Without running it."""
    out = migrated(path)[1]

    assert subprocess.run(["bash", "-n", "-c", out], capture_output=True, text=True, check=False).stderr == ""


def container(text):
    script = "\n".join(line for line in text.splitlines()[1:] if not line.startswith("#"))
    words = shlex.split(script.replace("\\\n", " "))
    env = {word.partition("=")[0]: "a-sample-secret" for word in words[: words.index("docker")] if word.strip()}
    given = [word for before, word in itertools.pairwise(words) if before == "-e"]
    assert words[-1] == "ghcr.io/org/xray-ci:v1"
    return {
        name: "a-sample-secret" if not sign else filled(setting(name), value, r"\$\{\w+\}")
        for name, sign, value in (word.partition("=") for word in given)
    } | env
