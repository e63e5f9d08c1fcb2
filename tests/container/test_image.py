"""The image as process 1 and as a thing: what it is called, what it answers, how it ends."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from datetime import UTC, datetime

import pytest
from github_runner import HOST, on_github

import xray_ci

pytestmark = pytest.mark.container
ALONE = ("run", "--rm", "--network", "none", "--pull", "never")


def labels(engine, image):
    """Return all labels of an image that OCI names."""
    found = json.loads(engine("image", "inspect", "--format", "{{json .Config.Labels}}", image).stdout)
    return {
        name.rsplit("image.", 1)[1]: value
        for name, value in found.items()
        if name.startswith("org.opencontainers.image.")
    }


def test_it_says_the_version_of_its_label(engine):
    """`--version`, the label and the package name one version."""
    printed = engine(*ALONE, engine.image, "--version").stdout

    assert f"xray-ci {engine.label('version')}\n" == f"xray-ci {xray_ci.__version__}\n" == printed


def test_its_labels_say_what_it_was_built_of(engine):
    """Commit, date and base of the labels are those of the build, the date in UTC.

    Both variants have the same labels.
    """
    given = dict(line.split("=", 1) for line in os.environ["DOCKER_BUILD_ARGUMENTS"].splitlines())
    found = labels(engine, engine.image)

    assert (given["REVISION"], given["PYTHON_IMAGE"]) == (found["revision"], found["base.name"])
    assert given["BASE_DIGEST"] == found["base.digest"]
    assert datetime.fromtimestamp(int(given["SOURCE_DATE_EPOCH"]), UTC) == datetime.fromisoformat(found["created"])
    assert found == labels(engine, os.environ["DOCKER_TRIMMED"])


def test_it_can_install_nothing(engine):
    """No pip is in the image, neither for its own Python nor for the base's."""
    script = "for python in python3 /opt/xray-ci/bin/python; do $python -m pip --version && exit 1; done; exit 0"

    engine(*ALONE, "--entrypoint", "sh", engine.image, "-c", script)


def test_a_misspelt_input_stops_it(engine, checkout, settings):
    """A wrong input name ends the step with code 2 and names the right one."""
    done = on_github(engine, checkout, {**settings, "test-plam": "SHOP-2"})

    assert done.returncode == 2
    assert "test-plan" in done.stdout + done.stderr


def test_a_read_only_system_needs_no_temporary_folder_to_inspect(engine, checkout):
    """Reading reports writes nothing anywhere."""
    done = engine(
        *ALONE,
        "--read-only",
        "-u",
        "54321:54321",
        "-e",
        "HOME=",
        "-v",
        f"{checkout.workspace}:/workspace:ro",
        "-w",
        "/workspace",
        engine.image,
        "inspect",
        "--json",
        "--reports",
        "reports/*.xml",
    )

    assert tuple(json.loads(done.stdout)[name] for name in ("tests", "passed", "failed", "skipped")) == (3, 1, 1, 1)


def test_termination_is_answered_as_the_first_process(engine, checkout, variables):
    """SIGTERM during an import ends process 1 with 143, says what was sent, and shows no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables["XRAY_CI_XRAY_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        container = engine(
            "run",
            "-d",
            *HOST,
            *engine.passed(variables),
            "-v",
            f"{checkout.workspace}:/workspace",
            "-w",
            "/workspace",
            engine.image,
            env=variables,
        ).stdout.strip()
        asked, _ = silent.accept()
        engine("kill", "--signal", "TERM", container)
        code = engine("wait", container).stdout.strip()
        asked.close()
    said = engine("logs", container)
    engine("rm", container)

    assert code == "143"
    assert "Traceback" not in said.stdout + said.stderr
    assert "emulator-secret" not in said.stdout + said.stderr


def test_the_emulator_ends_when_told(engine):
    """The emulator says its address first and ends on SIGTERM as process 1."""
    container = engine(
        "run", "-d", "--network", "none", "--pull", "never", engine.image, "emulator", "--port", "0"
    ).stdout.strip()
    with subprocess.Popen(
        ["docker", "logs", "--follow", container], stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
    ) as log:
        assert log.stdout
        address = log.stdout.readline().strip()
        engine("stop", "--time", "20", container)
    code = engine("wait", container).stdout.strip()
    engine("rm", container)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert code in {"0", "143"}
