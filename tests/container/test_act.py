"""A user's workflow on a real engine, run by act: tests fail, `if: always()` imports, a later step uses the outputs.

So does one of another action, once `migrate` has translated its step.

The actions are those of this checkout; of the container action only the image is another, as in a release: there it is
named instead of built. (act builds a Dockerfile with the engine's old builder and on a bridge, which an engine of our
own does not have.)
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from emulator_client import CLIENT_ID, CLIENT_SECRET, Emulated

from xray_ci.cli import execute
from xray_ci.model import Process

pytestmark = pytest.mark.container
CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).resolve().parent / "act"
JOB_IMAGE = "python:3.13-slim-trixie"
"""Stands in for GitHub's runner: it has Python and pip, and is the base of our own image, so it is there."""


@pytest.fixture
def actions(engine, tmp_path):
    """Return the actions as a release has them, running the image under test."""
    folder = tmp_path / "actions"
    for name in ("composite", "requirements", "xray_ci"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "entrypoint.py", folder)
    text = (CHECKOUT / "action.yml").read_text(encoding="utf-8")
    assert text.endswith("  image: Dockerfile\n")
    (folder / "action.yml").write_text(
        text.replace("  image: Dockerfile\n", f"  image: docker://{engine.image}\n"), encoding="utf-8"
    )
    return folder


@pytest.fixture
def repository(tmp_path):
    """Return a user's repository: a workflow, a suite of which one test fails, and the lock of its test tool."""
    folder = tmp_path / "repository"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    lock = (CHECKOUT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    taken = subprocess.run(
        [
            sys.executable,
            CHECKOUT / ".github/scripts/locked.py",
            "pytest",
            "pluggy",
            "iniconfig",
            "packaging",
            "pygments",
        ],
        input=lock,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    (folder / "pytest.txt").write_text(taken.stdout, encoding="utf-8")
    if shutil.which("git"):  # without a commit act goes on, and says so three times a step
        who = ("-c", "user.name=Tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false")
        for command in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "Add a suite")):
            subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder


def run_workflow(repository, actions, services, *options, workflow="tests.yml"):
    """Run the workflow and return act's exit code and log."""
    command = [
        Path(sys.executable).parent / "act",
        "push",
        "--workflows",
        repository / workflow,
        "--directory",
        repository,
        "--pull=false",
        "--network",
        "host",
        "--no-cache-server",
        "--container-daemon-socket",
        "-",
        "--rm",
        "--platform",
        f"ubuntu-latest={JOB_IMAGE}",
        "--local-repository",
        f"org/xray-ci@v1={actions}",
        "--var",
        f"XRAY_URL={services}",
        "--secret",
        f"XRAY_CLIENT_ID={CLIENT_ID}",
        "--secret",
        "XRAY_CLIENT_SECRET",
        *options,
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "HOME": str(repository.parent), "XRAY_CLIENT_SECRET": CLIENT_SECRET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_workflow_imports_although_its_tests_failed(actions, repository, services):
    """The job is red because of its tests.

    Both actions import, later steps use their outputs, and Xray has each result once.
    """
    before = len(Emulated(services).imports())

    code, log = run_workflow(repository, actions, services)

    assert code == 1, log
    ended = {name: how for how, name in re.findall(r"(Success|Failure) - Main ([^\[\n]*?) \[", log)}
    assert {"python3 -m pytest --junitxml reports/junit.xml shop.py"} == {
        name for name, how in ended.items() if how == "Failure"
    }, log
    assert {
        "org/xray-ci@v1",
        "org/xray-ci/composite@v1",
        "Use the outputs",
        "Use the outputs of the composite action",
    } <= ended.keys(), log
    first, second = re.findall(r"\| delivered (SHOP-\d+)$", log, re.MULTILINE)
    assert first == second
    assert len(Emulated(services).imports()) - before == 2
    assert sorted(run["status"] for run in Emulated(services).runs(first).values()) == ["FAILED", "PASSED"]
    assert CLIENT_SECRET not in log


def test_browsers_by_shards_make_one_for_each_browser(actions, repository, services):
    """With no setting: the action's own default hands on the matrix; a leg that runs again finds its own."""
    emulated = Emulated(services)
    before = {each["key"] for each in emulated.executions()}

    code, log = run_workflow(repository, actions, services, workflow="matrix.yml")

    assert code == 0, log
    made = [each for each in emulated.executions() if each["key"] not in before]
    assert [sorted(name for name in ("chrome", "firefox") if name in each["summary"]) for each in made] in (
        [["chrome"], ["firefox"]],
        [["firefox"], ["chrome"]],
    ), log
    assert [len(each["execution"]["runs"]) for each in made] == [2, 2]

    again = ("--matrix", "browser:firefox", "--matrix", "shard:2", "--env", "GITHUB_RUN_ATTEMPT=2")
    code, log = run_workflow(repository, actions, services, *again, workflow="matrix.yml")

    assert code == 0, log
    assert len(emulated.executions()) - len(before) == 2
    (firefox,) = (each["key"] for each in made if "firefox" in each["summary"])
    assert f"✓ {firefox}" in log


OLD = """\
"on": push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: >-
          mkdir reports; echo '<testsuite name="s"><testcase classname="shop.Cart" name="adds"/><testcase
          classname="shop.Cart" name="pays"><failure message="boom"/></testcase></testsuite>' > reports/a.xml; exit 1
      - name: Import
        id: xray
        if: always()
        uses: mikepenz/xray-action@v3
        with:
          xrayCloud: "false"
          xrayBaseUrl: ${{ vars.XRAY_URL }}/jira
          username: emu
          password: ${{ secrets.JIRA_PASSWORD }}
          testFormat: junit
          testPaths: reports/*.xml
          projectKey: SHOP
          testPlanKey: SHOP-2
"""
"""The tests fail, and then another action imports them into Xray Server/Data Center."""


def test_a_workflow_that_migrate_translated(actions, repository, services):
    """Its step as it is printed, in the place of the old one: one Test Execution with both results in the Test Plan."""
    (repository / "old.yml").write_text(OLD, encoding="utf-8")
    out, log = io.StringIO(), io.StringIO()
    assert execute(Process(["migrate", "old.yml"], {}, str(repository), out, log)) == 0, log.getvalue()
    workflow = yaml.safe_load(OLD)
    (workflow["jobs"]["test"]["steps"][-1],) = yaml.safe_load(out.getvalue())
    (repository / "migrated.yml").write_text(yaml.safe_dump(workflow, sort_keys=False), encoding="utf-8")
    emulated = Emulated(services)
    before = {each["key"] for each in emulated.executions()}

    code, said = run_workflow(repository, actions, services, "--secret", "JIRA_PASSWORD=emu", workflow="migrated.yml")

    assert code == 1, said  # that of the tests
    assert re.search(r"Success - Main Import \[", said), said
    (made,) = (each for each in emulated.executions() if each["key"] not in before)
    assert sorted(run["status"] for run in made["execution"]["runs"].values()) == ["FAIL", "PASS"]
    assert made["execution"]["plans"] == ["SHOP-2"]


@pytest.mark.parametrize(
    "outputs",
    ["{}", '{"outcome": "imported", "tests": "2", "passed": "1", "failed": "1", "skipped": "0", "imported": "2"}'],
    ids=["none", "no key"],
)
def test_the_later_step_fails_without_the_key(outputs, tmp_path):
    """The step that proves the outputs ends with an error when the Test Execution is not among them."""
    done = subprocess.run(
        [sys.executable, "-I", SAMPLE / "expect.py"],
        env={**os.environ, "OUTPUTS": outputs},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert done.returncode == 1
    assert "not what was expected" in done.stderr


class Runner:
    """GitHub's runner as far as the workflow `self.yml` needs it.

    Scripts in bash, and files for variables and outputs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.groups = folder, []
        self.files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        own = {
            name: value for name, value in os.environ.items() if not name.startswith("XRAY_CI_")
        }  # as the corpus of the tests
        self.env = {
            **own,
            "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(folder),
            "GITHUB_REPOSITORY": "org/xray-ci",
            "GITHUB_RUN_ID": "7",
            "RUNNER_TEMP": str(folder),
            **{name: str(path) for name, path in self.files.items()},
        }
        for path in self.files.values():
            path.touch()

    def set(self, name: str) -> dict[str, str]:
        """Return what was written into one of the files."""
        text = self.files[name].read_text(encoding="utf-8")
        return {
            match[1]: (match[3] or match[4] or "").removesuffix("\n")
            for match in re.finditer(r"^([\w-]+)(?:<<(.*)\n((?:.*\n)*?)\2|=(.*))$", text, re.MULTILINE)
        }

    def __call__(self, *command: str, **more: str) -> tuple[int, str]:
        """Run a command in the checkout; what it leaves in the background goes on."""
        with (self.folder / "log").open("w+", encoding="utf-8") as log:
            running = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.env, **self.set("GITHUB_ENV"), **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.groups.append(running.pid)
            code = running.wait(120)
            log.seek(0)
            return code, log.read()


@pytest.fixture
def runner(tmp_path):
    """Return a runner with a checkout, and an engine whose bridge is loopback.

    At the end what it started is stopped.
    """
    for name in (".github", "tests/container/act", "xray_ci"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "entrypoint.py", tmp_path)
    (tmp_path / "docker").write_text("#!/bin/sh\necho 127.0.0.1\n", encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)
    running = Runner(tmp_path)
    yield running
    for group in running.groups:
        try:
            os.killpg(group, signal.SIGTERM)
        except ProcessLookupError:
            continue


@pytest.mark.parametrize("action", ["container", "composite"])
def test_the_workflow_that_github_runs_does_the_same(action, runner):
    """The steps of `self.yml` do what they say.

    Tests fail, the import goes to the emulator they started, the outputs are used.
    """
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/self.yml").read_text(encoding="utf-8"))
    other = {"container": "composite", "composite": "container"}[action]
    ended = {}
    for step in workflow["jobs"]["action"]["steps"][3:]:  # the environment is there: ours
        name = step.get("id") or step["name"]
        if f"'{other}'" in step.get("if", ""):
            continue
        if "uses" in step:
            given = {
                f"INPUT_{key.upper()}": str(value).lower() if isinstance(value, bool) else value
                for key, value in step["with"].items()
            }
            given["INPUT_JIRA-URL"] = runner.set("GITHUB_ENV")["JIRA_URL"]
            ended[name] = runner(sys.executable, "-I", "-u", "-B", str(runner.folder / "entrypoint.py"), **given)
        else:
            outputs = json.dumps(runner.set("GITHUB_OUTPUT"))
            ended[name] = runner(
                "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"], OUTPUTS=outputs, TESTED="failure"
            )

    assert dict.fromkeys(ended, 0) | {"test": 1} == {name: code for name, (code, _) in ended.items()}, ended
    assert "1 failed, 1 passed" in ended["test"][1]
    assert re.search(r"^delivered SHOP-\d+$", ended["Use the outputs"][1], re.MULTILINE)
