"""The tests themselves: nothing of the machine gets in, and nothing but loopback gets out."""

from __future__ import annotations

import ast
import os
import socket
import time
import warnings
from functools import cache
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError
from source_trees import nodes

TESTS = Path(__file__).resolve().parent.parent


@cache
def modules() -> tuple[Path, ...]:
    """Return every module of tests."""
    return tuple(sorted(TESTS.rglob("test_*.py")))


def test_a_connection_beyond_loopback_is_refused():
    """A test that reaches for another host fails at once, whatever it is testing."""
    # its refusal warns first, and a warning is an error here
    with (
        pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"),
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as reaching,
    ):
        reaching.connect(("192.0.2.1", 80))


def test_nothing_of_the_machine_is_in_the_environment(run):
    """Neither our own process nor the product's has a home, a CI's variables or a credential."""
    known = {"HOME", "TZ", "NO_PROXY", "LANG", "LC_ALL", "PATH", "TMPDIR", "XRAY_CI_CORPUS"}

    assert not {name for name in os.environ if not name.startswith(("PYTEST_", "COVERAGE_", "DOCKER_"))} - known
    assert not {name for name in run.env if not name.startswith("COVERAGE_")} - known - {"HTTP_PROXY", "HTTPS_PROXY"}
    assert not Path(os.environ["HOME"]).exists()


def test_local_time_is_not_utc():
    """Local time differs from UTC by an odd amount, so that a mix-up shows."""
    assert time.localtime(0)[3:5] == (5, 45)


def test_a_warning_is_an_error():
    """A deprecation that a library announces fails the test that meets it."""
    with pytest.raises(DeprecationWarning):
        warnings.warn("going away", DeprecationWarning, stacklevel=1)


def test_the_clock_passes_time_without_waiting(clock):
    """A clock that is handed in moves only by the sleeps asked of it."""
    begun = clock.now()

    clock.sleep(90)

    assert 90 == (clock.now() - begun).total_seconds() == clock.monotonic()
    assert clock.slept == [90]


def test_no_test_sleeps_or_mocks():
    """A test waits for nothing and replaces no HTTP: time is handed in, services are the emulator."""
    for path in modules():
        imported = {
            name.name.split(".")[0] for node in nodes(path) if isinstance(node, ast.Import) for name in node.names
        }
        imported |= {(node.module or "") for node in nodes(path) if isinstance(node, ast.ImportFrom)}
        sleeps = [
            node.lineno for node in nodes(path) if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
        ]

        assert not imported & {"unittest", "unittest.mock", "responses", "requests_mock"}, path
        assert not sleeps, path


def test_every_test_states_a_behaviour():
    """Each test's docstring says what holds."""
    silent = {
        str(path): node.name
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    }

    assert silent == {}
