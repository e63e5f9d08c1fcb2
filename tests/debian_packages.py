"""Programs a container test needs and Debian has.

There already, installed on the spot, or the test is skipped with the reason.

Where CI is set nothing is skipped: a machine that tests every change has to have them. Knows apt; knows nothing of the
tests.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def machine():
    """Return the environment the tests were started with.

    Who installs needs the proxies and registries that tests are sealed from, and a worker was started sealed.
    """
    started = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    pairs = Path(f"/proc/{started}/environ").read_bytes().decode("utf-8", "surrogateescape").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def need(*programs, package):
    """Make sure that programs are there, from one Debian package when they are not."""
    # One at a time: apt takes no second one, and a program is there before all that it needs.
    with Path(tempfile.gettempdir(), f"xray-ci-packages-{os.getuid()}").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        missing = [name for name in programs if shutil.which(name) is None]
        if not missing:
            return
        if os.getuid() == 0 and shutil.which("apt-get"):
            _apt("update")
            _apt("install", "--yes", "--no-install-recommends", package)
    if any(shutil.which(name) is None for name in programs):
        reason = f"no {', '.join(missing)} here, and Debian's {package} cannot be installed"
        (pytest.fail if machine().get("CI") else pytest.skip)(reason)


def _apt(*arguments):
    """Run apt-get without questions; what goes wrong shows in what is missing afterwards."""
    subprocess.run(
        ["apt-get", "--quiet", "--quiet", *arguments],
        env={**machine(), "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        timeout=280,
        check=False,
    )
