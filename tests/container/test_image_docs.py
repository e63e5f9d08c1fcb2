"""The commands of docs/image.md, run as they stand there, on an engine that has the image by its public name."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.container
PAGE = Path(__file__).parents[2] / "docs/image.md"
RUNS = re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
NETWORK = (
    'docker() { verb=$1; shift; [ "$verb" != run ] || set -- --network host --pull never "$@"; '
    'command docker "$verb" "$@"; }\n'
)
"""The engine of the tests may have no network but the machine's own."""


@pytest.mark.parametrize(
    "block",
    [block for block in RUNS if block.startswith(("docker run", "docker image"))],
    ids=lambda block: " ".join(block.split()[:4]),
)
def test_the_page_says_what_works(engine, checkout, variables, block):
    """Each `docker run` and `docker image inspect` of the page ends with 0 and says something."""
    engine("tag", engine.image, "ghcr.io/org/xray-ci:v1")
    os.chown(checkout.workspace, os.getuid(), -1)
    del variables["XRAY_CI_REPORTS"], variables["XRAY_CI_PROJECT"]
    passed = block.replace(" -e XRAY_CI_CLIENT_ID", " -e XRAY_CI_XRAY_URL -e XRAY_CI_CLIENT_ID")

    done = subprocess.run(
        ["sh", "-euc", NETWORK + passed],
        cwd=checkout.workspace,
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"SHOP-\d+|3 results|\"org\.opencontainers\.image\.title\":\"xray-ci\"", done.stdout + done.stderr)


def test_the_page_names_every_argument_of_the_build():
    """Its list of build arguments is that of the Dockerfile, and each of its commands is a command of a POSIX shell."""
    declared = re.findall(r"(?m)^ARG (\w+)", (PAGE.parents[1] / "Dockerfile").read_text(encoding="utf-8"))
    listed = re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8").rsplit("Arguments are ", 1)[1])

    assert set(declared) == set(listed)
    for block in RUNS:
        subprocess.run(["sh", "-n"], input=block, encoding="utf-8", check=True)
