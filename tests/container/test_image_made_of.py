"""What both variants of the image are made of: files, packages, layers that a second build makes again."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xray_ci

pytestmark = pytest.mark.container
HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
VARIANTS = ["DOCKER_IMAGE", "DOCKER_TRIMMED"]
ALONE = ("run", "--rm", "--network", "none", "--pull", "never")
SYFT = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "SYFT_FILE_METADATA_SELECTION": "none"}
PINNED = re.compile(
    r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+) (?!; (?:python_full_version < '3\.13'|sys_platform == 'win32'))",
    re.MULTILINE,
)
"""A line of the lock that holds for the image's Python and system."""


@pytest.fixture(scope="module", autouse=True)
def again():
    """Build the trimmed variant a second time without any cache, while the other tests of this file run."""
    arguments = [f"--build-arg={line}" for line in os.environ["DOCKER_BUILD_ARGUMENTS"].splitlines()]
    with subprocess.Popen(
        [
            "docker",
            "build",
            "--quiet",
            "--no-cache",
            "--network",
            "host",
            *arguments,
            "--target",
            "trimmed",
            "--tag",
            "xray-ci:again",
            str(CHECKOUT),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as build:
        yield build


def tool(name):
    """Return the path of a tool of the container lock; CI has it, elsewhere the test is skipped without it."""
    found = shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if not found and not os.environ.get("CI"):
        pytest.skip(f"{name} is not installed here")
    assert found, name
    return found


def layers(engine, image):
    """Return the digests of an image's layers, unpacked."""
    return json.loads(engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", image).stdout)


@pytest.mark.parametrize(
    ("variant", "files"),
    [(VARIANTS[0], ["structure.yaml"]), (VARIANTS[1], ["structure.yaml", "structure-trimmed.yaml"])],
)
def test_it_has_the_structure(variant, files):
    """container-structure-test finds every file, label and command that it must find.

    None that may not be there.
    """
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

    done = subprocess.run(
        [
            tool("container-structure-test"),
            "test",
            "--no-color",
            "--platform",
            f"linux/{machine}",
            "--image",
            os.environ[variant],
            *(f"--config={HERE / name}" for name in files),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_its_python_packages_are_those_of_the_lock(engine, tmp_path, variant):
    """The bill of materials names each locked package in its version, xray-ci itself, and no other one.

    And Debian's packages.
    """
    syft = tool("syft")
    engine("save", "--output", str(tmp_path / "image.tar"), os.environ[variant])
    lock = (CHECKOUT / "requirements/emulator.txt").read_text(encoding="utf-8")
    locked = dict(PINNED.findall(lock))

    bill = json.loads(
        subprocess.run(
            [
                syft,
                "scan",
                f"docker-archive:{tmp_path / 'image.tar'}",
                "--quiet",
                "--select-catalogers",
                "python,dpkg",
                "--output",
                "json",
            ],
            capture_output=True,
            check=True,
            env={**os.environ, **SYFT},
        ).stdout
    )

    found = {
        kind: {item["name"]: item["version"] for item in bill["artifacts"] if item["type"] == kind}
        for kind in ("python", "deb")
    }
    assert {**locked, "xray-ci": xray_ci.__version__} == found["python"]
    assert {"libc6", "libssl3t64", "dash", "coreutils", "ca-certificates", "tzdata"} <= set(found["deb"])


def test_a_second_build_makes_the_same_layers(engine, again):
    """Built again without a cache, every layer of the trimmed variant has the same digest.

    The default shares xray-ci's.
    """
    said, _ = again.communicate(timeout=240)

    assert again.returncode == 0, said
    assert layers(engine, os.environ["DOCKER_TRIMMED"]) == layers(engine, "xray-ci:again")
    assert layers(engine, os.environ["DOCKER_IMAGE"])[-1] == layers(engine, "xray-ci:again")[-1]


def test_no_file_of_it_has_the_date_of_its_build(engine):
    """What the default variant adds to its base is as old as the commit it was built of."""
    made = dict(line.split("=", 1) for line in os.environ["DOCKER_BUILD_ARGUMENTS"].splitlines())["SOURCE_DATE_EPOCH"]

    younger = engine(
        *ALONE, "--entrypoint", "find", engine.image, "/usr", "/opt", "/var", "/tmp", "/root", "-newermt", f"@{made}"
    )

    assert younger.stdout == ""
