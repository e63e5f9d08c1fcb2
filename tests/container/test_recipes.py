"""The docker line of docs/recipes/plain.md, copied and run."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from recipe_runs import block

pytestmark = pytest.mark.container


def test_the_docker_line_imports(engine, checkout, settings):
    """In a shell, with secrets passed on by name alone; only the network and the image are this test's."""
    line = block("plain.md", "run", "docker").replace(
        "docker run --rm", "docker run --rm --network host --pull never -e XRAY_CI_XRAY_URL"
    )
    line = line.replace("ghcr.io/org/xray-ci:v1", shlex.quote(engine.image))
    secrets = {"XRAY_CI_CLIENT_ID": settings["client-id"], "XRAY_CI_CLIENT_SECRET": settings["client-secret"]}

    done = subprocess.run(
        ["sh", "-c", line],
        cwd=checkout.workspace,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env={**os.environ, **secrets, "XRAY_CI_XRAY_URL": settings["xray-url"]},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert engine.image in line
    assert "imported, exit code 0" in done.stdout
    assert settings["client-secret"] not in line + done.stdout + done.stderr
