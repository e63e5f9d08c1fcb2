"""The component as GitLab runs it.

Gitlab-ci-local runs this project's own pipeline and those of the recipe in the image.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from debian_packages import machine, need
from emulator_client import Emulated
from recipe_runs import block

pytestmark = pytest.mark.container
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "gitlab"
HELPER = "xray-ci-gitlab-helper:test"
CARRIER = "FROM {}\nRUN apt-get -qq update && apt-get -qq -y --no-install-recommends install rsync\n"
"""What gitlab-ci-local carries artifacts with; on GitLab the runner has its own."""
CREDENTIALS = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}
SUITE = '<testsuite name="shop.Cart">{}</testsuite>'
CASE = '<testcase classname="shop.Cart" name="{}" time="0.1"/>'


class Project:
    """A project with a pipeline, and what its jobs said."""

    def __init__(self, folder, tool, image):
        self.folder = folder
        self._tool = tool
        self._image = image
        shutil.copytree(ROOT / "templates", folder / "templates")
        self._git("init", "--quiet", "--initial-branch", "main")
        self._git("remote", "add", "origin", "https://gitlab.example.com/shop/cart.git")

    def write(self, name, text, mode=0o644):
        """Put a file there; gitlab-ci-local hands on what is committed."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def pipeline(self, document):
        """Make a recipe the pipeline of this project: its component and the image are the ones under test."""
        for include in document["include"]:
            include.pop("component")
            include["local"] = "templates/xray-ci.yml"
            include["inputs"]["image"] = self._image
        for job in document.values():
            if isinstance(job, dict) and "image" in job:
                job["image"] = {"name": self._image, "entrypoint": [""]}
        self.write(".gitlab-ci.yml", yaml.safe_dump(document, sort_keys=False))

    def run(self, *jobs, **variables):
        """Run the pipeline, or some jobs of it; return its exit code and what it printed."""
        self._git("add", "--all")
        self._git(
            "-c",
            "user.name=kim",
            "-c",
            "user.email=kim@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "x",
        )
        given = [part for name, value in variables.items() for part in ("--variable", f"{name}={value}")]
        done = subprocess.run(
            [
                self._tool,
                "--pull-policy",
                "if-not-present",
                "--network",
                "host",
                "--helper-image",
                HELPER,
                "--no-artifacts-to-source",
                "--no-color",
                *given,
                *jobs,
            ],
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=90,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
            },
        )
        return done.returncode, done.stdout + done.stderr

    def artifacts(self, job):
        """Return the artifacts of a job."""
        return self.folder / ".gitlab-ci-local/artifacts" / job

    def _git(self, *arguments):
        subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            capture_output=True,
            check=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
        )


@pytest.fixture(scope="module")
def tool(tmp_path_factory, engine):
    """Install gitlab-ci-local as it is locked, and the image that carries artifacts from job to job."""
    need("rsync", package="rsync")
    need("node", "npm", package="npm")
    folder = tmp_path_factory.mktemp("gitlab-ci-local")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    installed = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
        env=machine(),
    )
    assert installed.returncode == 0, installed.stdout
    engine("build", "--network", "host", "--tag", HELPER, "-", stdin=CARRIER.format(engine.label("base.name")))
    return folder / "node_modules/.bin/gitlab-ci-local"


@pytest.fixture
def project(tmp_path, tool, engine):
    """Return a project that has nothing but the component."""
    return Project(tmp_path, tool, engine.image)


@pytest.fixture
def xray(services):
    """Return the control of the emulator, as it was at its beginning, now and afterwards."""
    emulated = Emulated(services)
    emulated.reset()
    yield emulated
    emulated.reset()


def suite(*names):
    """Return a report of passed tests."""
    return SUITE.format("".join(CASE.format(name) for name in names))


def test_its_own_pipeline(project, engine):
    """The tests fail, the import runs all the same, and the job after it has the key."""
    own = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
    project.write(".gitlab-ci.yml", own.replace("  allow_failure: true\n", ""))

    code, said = project.run(IMAGE=engine.image)

    assert code == 1, said  # that of the tests
    assert re.search(r"^use +> SHOP-\d+ holds 2 results of 2 tests, 1 failed$", said, re.MULTILINE), said
    assert re.search(r"FAIL +tests", said)
    assert {"xray-ci", "use"} == set(re.findall(r"^ PASS +(\S+)", said, re.MULTILINE))
    assert (project.artifacts("xray-ci") / "xray-result.json").is_file()


def test_without_a_key_the_next_job_fails(project, engine):
    """An import that is refused leaves no key: the job that needs one says so, and no secret is shown."""
    own = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
    project.write(".gitlab-ci.yml", own.replace("emulator-secret", "not-the-secret"))

    code, said = project.run(IMAGE=engine.image)

    assert code == 1
    assert {("xray-ci", "5"), ("use", "1")} <= set(
        re.findall(r"^(\S+) +finished in .* FAIL (\d+)", said, re.MULTILINE)
    ), said
    assert "not-the-secret" not in said


def test_the_recipe_for_shards(project, xray):
    """Parallel jobs each collect, one import makes one Test Execution of all."""
    project.pipeline(block("gitlab.md", "pipeline", "shards"))
    project.write(
        "run-tests",
        f"#!/bin/sh\nmkdir -p reports\necho '{suite('NAME')}' | sed \"s,NAME,part ${{2%/*}},\" > reports/TEST-a.xml\n",
        0o755,
    )

    code, said = project.run(**CREDENTIALS, XRAY_CI_XRAY_URL=xray.url)

    assert code == 0, said
    (made,) = xray.executions()
    assert len(made["execution"]["runs"]) == 2
    assert "emulator-secret" not in said


def test_the_recipe_for_what_is_left(project, xray):
    """An import that stops half way leaves its state as artifact; `resume` in a later job delivers what is missing."""
    project.pipeline(block("gitlab.md", "pipeline", "resume"))
    project.write("reports/TEST-a.xml", suite("adds", "removes"))
    settings = {**CREDENTIALS, "XRAY_CI_XRAY_URL": xray.url, "XRAY_CI_BATCH_TESTS": "1"}
    xray.fault("POST", "/api/v2/import/execution", contains="removes", status=429, times=1000)

    code, said = project.run("xray-ci", **settings, XRAY_CI_TIME_BUDGET="2")

    assert code == 1
    assert re.search(r"^xray-ci +finished in .* FAIL 7", said, re.MULTILINE), said
    (made,) = xray.executions()
    assert len(made["execution"]["runs"]) == 1

    xray.call("DELETE", "/__emulator__/faults")
    shutil.rmtree(project.folder / "reports")
    code, said = project.run("xray-resume", **settings)

    assert code == 0, said
    (made,) = xray.executions()
    assert len(made["execution"]["runs"]) == 2


def test_a_job_that_migrate_prints(project, xray, engine):
    """It imports what the old job's tests wrote, with the variables that the old one had."""
    golden = (ROOT / "tests/data/migrate/gitlab-curl.yml.golden").read_text("utf-8").split("\n---\n")[0]
    job = yaml.safe_load(golden)["publish 3"]
    job["image"]["name"] = engine.image
    job["variables"] |= {"XRAY_CI_JIRA_URL": f"{xray.url}/jira", "XRAY_CI_JIRA_USERNAME": "emu"}
    written = {
        "stage": "test",
        "script": [f"echo '{suite('adds', 'sorts')}' > c.xml"],
        "artifacts": {"paths": ["c.xml"]},
    }
    written["image"] = job["image"]
    project.write(".gitlab-ci.yml", yaml.safe_dump({"stages": ["test", "publish"], "tests": written, "publish 3": job}))

    code, said = project.run(JIRA_PASSWORD="emu")

    assert code == 0, said
    (made,) = xray.executions()
    assert (made["summary"], len(made["execution"]["runs"])) == ("Nightly", 2)
