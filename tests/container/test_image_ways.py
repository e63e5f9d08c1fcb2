"""Both variants of the image, run as each CI system runs a container.

As an action, by a piped script, by exec, by hand.
"""

from __future__ import annotations

import json
import os
import re
from urllib.request import urlopen

import pytest
from github_runner import HOST, on_github

pytestmark = pytest.mark.container


@pytest.fixture(scope="session", params=["DOCKER_IMAGE", "DOCKER_TRIMMED"])
def engine(engine, request):
    """Return the engine with each variant."""
    return type(engine)(os.environ[request.param])


def executions(services: str) -> int:
    """Count the imports the emulator answered."""
    with urlopen(f"{services}/__emulator__/requests") as answer:
        log = json.load(answer)
    entries = log if isinstance(log, list) else log["requests"]
    return sum("/import/execution" in entry["path"] for entry in entries)


def test_github_runs_it(engine, checkout, settings, services):
    """As a container action.

    A Test Execution, outputs, a job summary, and files that belong to the workspace's owner.
    """
    before = executions(services)

    done = on_github(engine, checkout, settings)

    assert done.returncode == 0, done.stdout + done.stderr
    assert executions(services) - before == 1
    outputs = (checkout.folder / "file_commands/set_output_5b1d").read_text(encoding="utf-8")
    assert re.search(r"^test-execution-key(=|<<.*\n)SHOP-\d+$", outputs, re.MULTILINE)
    assert "SHOP-" in (checkout.folder / "file_commands/step_summary_5b1d").read_text(encoding="utf-8")
    made = {path.name: path.stat().st_uid for path in checkout.workspace.rglob("*")}
    assert {checkout.owner} == set(made.values())
    assert "xray-result.json" in made
    shown = re.sub(r"^::add-mask::.*$", "", done.stdout + done.stderr, flags=re.MULTILINE)
    assert "emulator-secret" not in shown
    assert not re.search(r"^\s*::error::refused", done.stdout, re.MULTILINE)


def test_gitlab_runs_it(engine, checkout, variables):
    """As a GitLab job: the script is piped into a shell, and the outputs are in the dotenv file."""
    variables |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": "/builds/shop/cart", "XRAY_CI_DOTENV_FILE": "xray.env"}

    engine(
        "run",
        "-i",
        "--rm",
        *HOST,
        "--entrypoint",
        "",
        *engine.passed(variables),
        "-v",
        f"{checkout.workspace}:/builds/shop/cart",
        engine.image,
        "sh",
        stdin="cd /builds/shop/cart && xray-ci import && . ./xray.env && echo $XRAY_TEST_EXECUTION_KEY\n",
        env=variables,
    )

    assert "XRAY_TEST_EXECUTION_KEY=SHOP-" in (checkout.workspace / "xray.env").read_text(encoding="utf-8")


def test_jenkins_runs_it(engine, checkout, variables):
    """As a Jenkins stage: a container that idles as the agent's user, who is in no passwd, and the command by exec."""
    variables |= {"JENKINS_URL": "https://jenkins.example/", "BUILD_NUMBER": "7", "WORKSPACE": str(checkout.workspace)}
    place = str(checkout.workspace)
    container = engine(
        "run",
        "-t",
        "-d",
        "-u",
        f"{checkout.owner}:{checkout.owner}",
        "--entrypoint=",
        *HOST,
        "-w",
        place,
        "-v",
        f"{place}:{place}:rw,z",
        *engine.passed(variables),
        engine.image,
        "cat",
        env=variables,
    ).stdout.strip()
    try:
        done = engine("exec", *engine.passed(variables), container, "sh", "-c", "xray-ci import", env=variables)
    finally:
        engine("rm", "--force", container)

    assert "SHOP-" in done.stdout
    assert checkout.owner == (checkout.workspace / "xray-result.json").stat().st_uid


def test_any_user_can_run_it_on_a_read_only_system(engine, checkout, variables):
    """A random user without home, on a read-only root with a temporary folder, imports."""
    del variables["XRAY_CI_RESULT_FILE"]  # this user may not write into the workspace

    engine(
        "run",
        "--rm",
        *HOST,
        "--read-only",
        "--tmpfs",
        "/tmp",
        "-u",
        "54321:54321",
        "-e",
        "HOME=/nowhere",
        *engine.passed(variables),
        "-v",
        f"{checkout.workspace}:/workspace",
        "-w",
        "/workspace",
        engine.image,
        env=variables,
    )


def test_the_demo_runs_without_any_network(engine):
    """`docker run IMAGE demo` shows the whole job with no account, no configuration and no network."""
    done = engine("run", "--rm", "--network", "none", "--pull", "never", engine.image, "demo")

    assert re.search(r"SHOP-\d+", done.stdout)
