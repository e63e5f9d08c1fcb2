"""Old pipelines and what `migrate` makes of them, each beside its input: what is printed, a line `---`, and the log.

`XRAY_CI_REWRITE_GOLDEN=1 pytest tests/unit/test_migrate_golden.py` writes the golden files anew instead of comparing.
"""

import io
import itertools
import json
import os
import re
import shlex
from pathlib import Path

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
SAMPLES = {
    Kind.KEY: "SHOP-7",
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


def environments(path, out):
    """Yield the environment that each printed step gives to xray-ci."""
    if path.name.startswith(("action", "workflow")):
        for step in yaml.safe_load(out):
            assert step["uses"] == "org/xray-ci@v1"
            yield {
                f"INPUT_{name.upper()}": filled(name, str(value), r"\$\{\{[^}]*\}\}")
                for name, value in step["with"].items()
            }
    elif path.suffix == ".yml":
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
