"""The image under test and the engine that runs it.

Knows docker's command line; knows nothing of what the product prints.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

JUNIT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="shop.cart.CartTest" tests="3" failures="1" skipped="1">
  <testcase classname="shop.cart.CartTest" name="adds_item" time="0.1"/>
  <testcase classname="shop.cart.CartTest" name="refuses_coupon" time="0.2"><failure message="::error::refused"/>\
</testcase>
  <testcase classname="shop.cart.CartTest" name="keeps_basket"><skipped/></testcase>
</testsuite>
"""


class Engine:
    """A container engine that has the image."""

    def __init__(self, image: str) -> None:
        self.image = image

    def __call__(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None, code: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run docker to its end; `env` reaches a container through `-e NAME`, as the runner does it."""
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=180,
            check=False,
        )
        assert code is None or code == done.returncode, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    @staticmethod
    def passed(env: Mapping[str, str]) -> list[str]:
        """Return the options that hand an environment to a container by name."""
        return [part for name in env for part in ("-e", name)]

    def label(self, name: str) -> str:
        """Return one label of the image."""
        labels = json.loads(self("image", "inspect", "--format", "{{json .Config.Labels}}", self.image).stdout)
        return str(labels[f"org.opencontainers.image.{name}"])


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the engine; `make container-test` starts it, builds the image and names it."""
    return Engine(os.environ["DOCKER_IMAGE"])


@pytest.fixture(scope="session")
def services(engine: Engine) -> Iterator[str]:
    """Return the address of the emulator of Xray, run from the image itself."""
    running = engine(
        "run", "--detach", "--rm", "--network", "host", "--pull", "never", engine.image, "emulator", "--port", "0"
    )
    container = running.stdout.strip()
    with subprocess.Popen(["docker", "logs", "--follow", container], stdout=subprocess.PIPE, encoding="utf-8") as log:
        assert log.stdout
        yield log.stdout.readline().strip()
        engine("kill", "--signal", "KILL", container)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A workspace as a runner hands it to a container, and the folders beside it."""

    folder: Path
    owner: int = 1001 if os.getuid() == 0 else os.getuid()
    """Who owns a workspace on GitHub's runner. The container's user is another: root."""

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def hand_over(self) -> None:
        """Give everything to the runner's user, readable by others and writable by none."""
        for path in [self.folder, *self.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.chown(path, self.owner, -1)

    def write(self, name: str, text: str) -> Path:
        """Put a file there, before it is handed over."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a workspace with one report of three tests, one of them failed."""
    made = Checkout(folder=tmp_path / "runner")
    made.write("workspace/reports/TEST-cart.xml", JUNIT)
    made.hand_over()
    return made


@pytest.fixture
def settings(services: str) -> dict[str, str]:
    """Return what a job sets to import into the emulator, by setting."""
    return {
        "reports": "reports/*.xml",
        "xray-url": services,
        "client-id": "EMULATORCLIENTID0000000000000001",
        "client-secret": "emulator-secret",
        "project": "SHOP",
        "result-file": "xray-result.json",
    }


@pytest.fixture
def variables(settings: dict[str, str]) -> dict[str, str]:
    """Return the same for every CI but GitHub: as XRAY_CI_ variables."""
    return {"CI": "true", **{f"XRAY_CI_{name.upper().replace('-', '_')}": value for name, value in settings.items()}}
