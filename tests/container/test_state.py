"""What a container leaves behind when a service is away: a state folder that another container goes on with."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.container
HOST = ("--network", "host", "--pull", "never")


def control(services: str, method: str, what: str, value: Any = None) -> Any:
    """Ask something of the emulator itself."""
    asked = urllib.request.Request(
        f"{services}/__emulator__/{what}",
        method=method,
        data=json.dumps(value).encode() if value else None,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def run(engine, checkout, variables, command, code=0):
    """Run one command in a container of its own over the same workspace."""
    done = engine(
        "run",
        "--rm",
        *HOST,
        *engine.passed(variables),
        "-v",
        f"{checkout.workspace}:/workspace",
        "-w",
        "/workspace",
        engine.image,
        command,
        env=variables,
        code=code,
    )
    return done.stdout + done.stderr


def test_what_one_container_could_not_deliver_another_delivers(engine, checkout, variables, services):
    """The login fails while the gateway does (7), the state folder stays, and `resume` imports once (0)."""
    fault = {
        "match": {"method": "POST", "path": "*/authenticate"},
        "times": -1,
        "status": 502,
        "body": "<html>Bad gateway</html>",
    }
    before = len(control(services, "GET", "state")["issues"])
    control(services, "POST", "faults", fault)
    try:
        text = run(engine, checkout, {**variables, "XRAY_CI_TIME_BUDGET": "2"}, "import", code=7)
    finally:
        control(services, "DELETE", "faults")
    assert "xray-ci resume" in text
    assert "goes with this container" not in text
    assert list((checkout.workspace / ".xray-ci").iterdir())

    text = run(engine, checkout, variables, "resume")

    issues = control(services, "GET", "state")["issues"].values()
    assert "3 sent = 3 stored" in text
    assert len([issue for issue in list(issues)[before:] if issue["type"] == "Test Execution"]) == 1
    assert not (checkout.workspace / ".xray-ci").exists()


def test_a_state_folder_that_goes_with_the_container_is_said_first(engine, checkout, variables):
    """A folder inside the image's file system cannot be resumed from: said before the first request."""
    temp = {"JENKINS_URL": "https://jenkins.example/", "WORKSPACE_TMP": "/srv", "XRAY_CI_LOG_LEVEL": "debug"}
    text = run(engine, checkout, variables | temp, "import")

    assert "goes with this container" in text
    assert text.index("goes with this container") < text.index("POST http")
