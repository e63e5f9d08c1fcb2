# ruff: noqa: INP001  # a script of its own, in no package
"""Makes the private environment that the composite action runs in, once a job, and prints the path of its interpreter.

Knows pip and the lock; knows nothing of settings. Started by run.sh with the runner's own Python, isolated. Nothing of
this repository is built or installed: the packages it needs are wheels that the lock names by hash, and it is run from
its checkout.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK: Final = Path(__file__).resolve().parent.parent / "requirements" / "runtime.txt"
FROM_WHERE: Final = frozenset(
    {
        "PIP_CACHE_DIR",
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_CONFIG_FILE",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_KEYRING_PROVIDER",
        "PIP_NO_CACHE_DIR",
        "PIP_NO_INDEX",
        "PIP_PROXY",
        "PIP_RETRIES",
        "PIP_TIMEOUT",
        "PIP_TRUSTED_HOST",
    }
)
"""Variables that say where packages come from and how to get there: a company's mirror has to work, and the hashes hold
for it, too.

All others are a job's wishes for its own packages. PIP_TARGET would put ours there, PIP_CONSTRAINT forbid them,
PIP_REQUIREMENT and PIP_EDITABLE add strangers."""
ADVICE: Final = (
    "Look at the lines above. The package index has to be reachable (PIP_INDEX_URL names another one), and there are "
    "wheels for "
    "CPython 3.11 to 3.14 on Windows, macOS and Linux with glibc: actions/setup-python brings such a Python. "
    "On Alpine use the container image."
)


class Failed(Exception):
    """What keeps the environment from being made, in one line."""


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip.

    Nothing that leads Python elsewhere, and of pip's own variables only FROM_WHERE.
    """
    kept = {
        name: value
        for name, value in env.items()
        if not name.upper().startswith(("PIP_", "PYTHON", "INPUT_", "XRAY_CI_")) or name.upper() in FROM_WHERE
    }
    return kept | {"PIP_USER": "0"}  # a config file may say otherwise for all that its user installs


def interpreter(folder: Path) -> Path:
    """Return where an environment has its interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(folder: Path, env: Mapping[str, str]) -> None:
    """Make an environment with everything the lock names; raises Failed."""
    # In a process of its own, because making one starts the new interpreter with this environment.
    _run([sys.executable, "-I", "-m", "venv", "--clear", str(folder)], env, "The virtual environment could not be made")
    _run(
        [
            str(interpreter(folder)),
            "-I",
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
            str(LOCK),
        ],
        env,
        "The packages could not be installed",
    )


def compiled(folder: Path, package: Path) -> None:
    """Compile the package where it lies, for an interpreter: steps run it with -B, and would each compile it again.

    What cannot be written stays as it is, and every step is slower by that.
    """
    subprocess.run(  # noqa: S603
        [str(interpreter(folder)), "-I", "-m", "compileall", "-qq", "-x", "emulator", str(package)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _run(command: list[str], env: Mapping[str, str], failure: str) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        env=env,
        cwd=LOCK.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        for line in done.stdout.splitlines():
            sys.stderr.write(
                f"| {line}\n"
            )  # whoever answers for the index must not write commands of the runner into the log
        raise Failed(f"{failure} ({Path(command[0]).name} ended with {done.returncode}). {ADVICE}")


def main(env: Mapping[str, str]) -> int:
    """Make the environment unless this job has it already, and print its interpreter; return the exit code.

    7 as of a service that cannot be reached, 2 without a place to make it in.
    """
    temp = env.get("RUNNER_TEMP", "")
    if not temp:
        return _told("RUNNER_TEMP is not set. This action runs on GitHub's runner and those that stand in for it.", 2)
    # The runner empties this folder before and after each job (D).
    made_of = repr((sys.version, sys.executable, temp)).encode() + LOCK.read_bytes()
    folder = Path(os.path.realpath(temp)) / f"xray-ci-{hashlib.sha256(made_of).hexdigest()[:16]}"
    ready = folder / "ready"
    if not ready.exists():
        sys.stderr.write("Installing what xray-ci needs, once for this job\n")
        try:
            make(folder, environment(env))
            compiled(folder, LOCK.parent.parent / "xray_ci")
            ready.touch()
        except (OSError, Failed) as error:
            return _told(str(error), 7)
    sys.stdout.buffer.write(
        bytes(interpreter(folder))
    )  # without a line break, which Windows would write in two characters
    return 0


def _told(message: str, code: int) -> int:
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    sys.stderr.write(f"::error title=xray-ci::{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
