"""The workflows: what they may do, what they run, and that they agree with the project.

`make lint` checks their grammar.

Knows each file under `.github`, and the table of actions that are pinned; knows nothing of what a job does.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
GITHUB = CHECKOUT / ".github"
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in sorted((GITHUB / "workflows").glob("*.yml"))}
SAMPLE = (CHECKOUT / "tests" / "container" / "act" / "tests.yml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    "actions/attest": ("v4.2.2", "1e69f48acb82d1966a394da916b4c1698aa569d6"),
    "actions/checkout": ("v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1"),
    "actions/download-artifact": ("v8.0.1", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"),
    "actions/setup-python": ("v7.0.0", "5fda3b95a4ea91299a34e894583c3862153e4b97"),
    "actions/upload-artifact": ("v7.0.1", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"),
    "docker/build-push-action": ("v7.3.0", "53b7df96c91f9c12dcc8a07bcb9ccacbed38856a"),
    "docker/login-action": ("v4.6.0", "dbcb813823bdd20940b903addbd779551569679f"),
    "docker/setup-buildx-action": ("v4.1.0", "d7f5e7f509e45cec5c76c4d5afdd7de93d0b3df5"),
    "docker/setup-qemu-action": ("v4.2.0", "96fe6ef7f33517b61c61be40b68a1882f3264fb8"),
    "pypa/gh-action-pypi-publish": ("v1.14.2", "dc37677b2e1c63e2034f94d8a5b11f265b73ba33"),
    "re-actors/alls-green": ("v1.2.2", "05ac9388f0aebcb5727afa17fcccfecd6f8ec5fe"),
}
"""Which commit is which version, as several well-kept public projects agreed in November 2026 (O). An update changes
this table, too."""
WRITING = {
    "release.yml": {
        "image": {"packages": "write"},
        "sign": {"packages": "write", "id-token": "write", "attestations": "write"},
        "pypi": {"id-token": "write", "attestations": "write"},
        "names": {"contents": "write", "packages": "write"},
    },
    "site.yml": {"publish": {"contents": "write"}},
}
"""Every job that may write anything."""


DOCUMENTS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in WORKFLOWS.items()}
JOBS = [
    pytest.param(name, key, job, id=f"{name}: {key}")
    for name, workflow in DOCUMENTS.items()
    for key, job in workflow["jobs"].items()
]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return job.get("steps", [])


def scripts() -> Iterator[str]:
    for workflow in DOCUMENTS.values():
        for job in workflow["jobs"].values():
            yield from (step["run"] for step in steps(job) if "run" in step)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_nothing_but_what_its_jobs_say(name):
    """No permission at the top, and runs of one kind do not pile up."""
    workflow = DOCUMENTS[name]

    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_a_job_says_what_it_may_do_and_for_how_long(name, key, job):
    """Each job names its permissions and ends by itself.

    Only those that publish may write, guarded by an environment.
    """
    writing = {what: how for what, how in job["permissions"].items() if how != "read"}

    assert WRITING.get(name, {}).get(key, {}) == writing
    assert "uses" in job or 0 < job["timeout-minutes"] <= 90
    assert not writing or "environment" in job


@pytest.mark.parametrize("text", [*WORKFLOWS.values(), SAMPLE], ids=[*WORKFLOWS, "act/tests.yml"])
def test_actions_are_pinned_by_the_table(text):
    """Every action of somebody else is named by the commit of the version its comment says.

    Our own are those of this very commit.
    """
    for used in re.findall(r"^\s*(?:- )?uses: (.+)$", text, re.MULTILINE):
        if re.match(r"\$/|\./ |org/xray-ci(/composite)?@v1$", used):
            continue
        action, commit, version = re.fullmatch(r"([\w.-]+/[\w./-]+)@(\S+)  # (\S+)", used).groups()
        assert PINS[action] == (version, commit)


def test_no_pin_is_left_over():
    """An action that no workflow uses leaves the table."""
    everything = "".join(WORKFLOWS.values())

    assert not [action for action in PINS if f"{action}@" not in everything]


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_no_step_keeps_or_interpolates_what_it_should_not(name, key, job):
    """No checkout leaves the token in the workspace, and no script has an expression in it.

    Values come by the environment.
    """
    for step in steps(job):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert False is step["with"]["persist-credentials"]
        assert "${{" not in step.get("run", "")


def test_every_supported_python_is_tested():
    """The matrix holds just the versions that the package says it supports."""
    supported = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}

    assert supported == set(DOCUMENTS["ci.yml"]["jobs"]["test"]["strategy"]["matrix"]["python"])
    assert f">={min(supported, key=lambda version: int(version[2:]))}" == PROJECT["requires-python"]


@pytest.mark.parametrize("name", ["ci.yml", "self.yml"])
def test_green_means_all_green(name):
    """One job waits for every other one, so that one check is all a branch has to require."""
    all_jobs = DOCUMENTS[name]["jobs"]

    assert all_jobs.keys() - {"done"} == set(all_jobs["done"]["needs"])
    assert all_jobs["done"]["if"] == "always()"


def test_only_a_version_is_released():
    """A release begins with the tag of a version, in our own repository, and one at a time."""
    workflow = DOCUMENTS["release.yml"]

    assert workflow[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}  # YAML 1.1 reads `on` as a truth value
    assert workflow["jobs"]["check"]["if"] == "github.repository == 'org/xray-ci'"
    assert False is workflow["concurrency"]["cancel-in-progress"]


def test_nothing_is_named_before_it_is_proved():
    """What is published waits for all tests, and users' names move last."""
    release = DOCUMENTS["release.yml"]["jobs"]

    def before(key: str) -> set[str]:
        needs = release[key].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*map(before, direct))

    assert {"check", "ci"} <= before("image")
    assert {"check", "ci", "wheel", "image", "try", "sign"} <= before("pypi")
    assert release.keys() - {"names"} == before("names")


def test_what_a_workflow_runs_is_there():
    """Every script under .github/scripts is run by a workflow or by another script, can be executed.

    No other one is named.
    """
    there = {path.name: path for path in (GITHUB / "scripts").iterdir() if path.is_file()}
    text = "\n".join(scripts())
    named = set(re.findall(r"\.github/scripts/([\w.]+)", text))
    called = {
        name for path in there.values() for name in re.findall(r"\$here/([\w.]+)", path.read_text(encoding="utf-8"))
    }

    assert there.keys() == named | called
    assert all(os.access(path, os.X_OK) for path in there.values()) or os.name == "nt"


def test_targets_of_make_are_there():
    """A workflow calls no target that the Makefile lacks."""
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert {match for text in scripts() for match in re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)} <= targets


def test_build_arguments_are_those_of_the_dockerfile():
    """The release passes every argument of the Dockerfile, and no other; it pins the base that the Dockerfile names."""
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    arguments = DOCUMENTS["release.yml"]["jobs"]["image"]["env"]["ARGUMENTS"]

    assert set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE)) == set(
        re.findall(r"^(\w+)=", arguments, re.MULTILINE)
    )
    assert f"ARG PYTHON_IMAGE={DOCUMENTS['release.yml']['env']['BASE']}\n" in dockerfile


def test_the_release_is_described_job_by_job():
    """docs/release.md has a row for each job, in the order of the workflow, and its commands are shell."""
    text = (CHECKOUT / "docs" / "release.md").read_text(encoding="utf-8")

    assert list(DOCUMENTS["release.yml"]["jobs"]) == re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        assert subprocess.run(["sh", "-n"], input=block, encoding="utf-8", check=False).returncode == 0


def test_updates_wait_and_come_together():
    """Each kind of update is grouped, and waits a week for what others find in it."""
    for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["updates"]:
        assert update["cooldown"]["default-days"] >= 7
        assert update["groups"]


def test_what_ships_has_an_owner():
    """Every place the code owners name exists, and workflows, image, actions and locks are among them."""
    lines = [
        line.split()
        for line in (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
        if line and line[0] != "#"
    ]
    places = {place for place, *_ in lines}

    assert {"*", "/.github/", "/Dockerfile", "/action.yml", "/composite/", "/requirements/"} <= places
    assert all((CHECKOUT / place.strip("/")).exists() for place in places - {"*"})
    assert all(re.fullmatch(r"@[\w-]+/[\w-]+", owner) for _, *owners in lines for owner in owners)
