"""What `migrate` prints, run for real: its lines of shell, on a machine of the CI system, against the emulator."""

import io
import re
from pathlib import Path

import pytest
import yaml
from job_runs import CLOUD, runs
from recipe_runs import REPORT, Machine

from xray_ci.cli import execute
from xray_ci.model import Process

pytestmark = pytest.mark.proof
FOLDER = Path(__file__).parents[1] / "data" / "migrate"
DOCKER = """#!/bin/sh
[ "$1 $2" = "run --rm" ] && shift 2 || exit 64
while [ $# -gt 1 ]; do
  case "$1 $2" in -e\\ *=*) export "$2" ;; -e\\ *|-v\\ *|-w\\ *) ;; *) exit 64 ;; esac
  shift 2
done
[ "$1" = ghcr.io/org/xray-ci:v1 ] && exec xray-ci
"""
KEY = {"XRAY_ID": CLOUD["XRAY_CI_CLIENT_ID"], "XRAY_SECRET": CLOUD["XRAY_CI_CLIENT_SECRET"]}


def azure(text):
    """Return the script of the first step, with its secrets as Azure fills them in."""
    step = yaml.safe_load(text)[0]
    env = {name: KEY[macro.strip("$()")] for name, macro in step["env"].items()}
    return "".join(f"export {name}='{value}'\n" for name, value in env.items()) + step["bash"]


@pytest.mark.parametrize(
    ("name", "report", "script"),
    [
        ("azure", "results/junit.xml", azure),
        ("circleci", "out/a.xml", lambda text: yaml.safe_load(text)[0]["run"]["command"]),
        ("bitbucket", "results.xml", lambda text: "\n".join(yaml.safe_load(text)[0]["step"]["script"])),
        ("travis", "out/a.xml", str),
        ("drone", "out/junit.xml", str),
        ("bamboo", "target/surefire-reports/TEST-a.xml", str),
    ],
)
def test_a_printed_step_imports(name, report, script, tmp_path, emulator):
    """With the variables that the old one had, into one Test Execution, with what its Test Plan was."""
    out = io.StringIO()
    assert execute(Process(["migrate", f"{name}-curl.yml"], {}, str(FOLDER), out, io.StringIO())) == 0
    here = Machine(tmp_path, name)
    here.env |= {"XRAY_CI_XRAY_URL": emulator.url, "JIRA_TOKEN": "emulator-pat", **CLOUD, **KEY}
    here.env |= {"bamboo_jira_token_password": "emulator-pat", "bamboo_jira_url": emulator.jira_url}
    here.env |= {"PLAN": "SHOP-2", "TESTPLAN": "SHOP-2", "BUILD_SOURCESDIRECTORY": str(here.workspace)}
    here.env |= {"bamboo_planRepository_revision": "0123456789abcdef", "BITBUCKET_BUILD_NUMBER": "12"}
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (here.workspace / report).parent.mkdir(parents=True, exist_ok=True)
    (here.workspace / report).write_text(REPORT)

    code, log = here.sh(re.sub(r"https://jira\.example\.com(/jira)?", emulator.jira_url, script(out.getvalue())))

    assert code == 0, log
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 2
    assert execution["execution"]["plans"] == (["SHOP-2"] if "TEST_PLAN" in out.getvalue() else [])
