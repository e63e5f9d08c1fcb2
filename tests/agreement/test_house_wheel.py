"""The wheel: it holds everything the package is, and runs with the locked dependencies and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "xray_ci"
REPORT = '<testsuite name="a"><testcase classname="shop.Cart" name="adds"/></testsuite>'
# Started without site-packages: only what is handed in can be imported.
START = "import sys; sys.path[:0] = {path!r}; from xray_ci.__main__ import main; sys.exit(main())"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel of this checkout and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=CHECKOUT, check=True,
                   capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def locked(name: str, folder: Path) -> Path:
    """Link the packages of a lock, and no others, into a folder."""
    pins = re.findall(r"^([\w.-]+)==\S+(?: ; (.*?))? *\\?$", (CHECKOUT / f"requirements/{name}.txt").read_text(encoding="utf-8"),
                      re.MULTILINE)
    for package in [package for package, marker in pins if "win32" not in marker and "python" not in marker]:
        files = distribution(package).files or ()
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(distribution(package).locate_file(top))
    return folder


def test_the_wheel_holds_the_whole_package(wheel):
    """Schemas, templates and samples are in it, tests and tools are not."""
    wanted = {path.relative_to(CHECKOUT) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    there = {path.relative_to(wheel) for path in wheel.rglob("*") if path.is_file()}

    assert wanted == {path for path in there if not path.parts[0].endswith(".dist-info")}


@pytest.mark.parametrize(("lock", "arguments"), [
    ("runtime", ["convert", "--deployment", "cloud", "--project", "SHOP", "--reports", "*.xml"]),
    ("emulator", ["demo"]),
])
def test_it_runs_with_the_locked_packages_alone(wheel, workspace, tmp_path, run, lock, arguments):
    """What a pipeline needs is in the runtime lock; what the demo needs more is in the emulator's."""
    (workspace / "a.xml").write_text(REPORT, encoding="utf-8")
    site = tmp_path / "site"
    site.mkdir()
    path = [str(wheel), str(locked(lock, site))]

    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", START.format(path=path), *arguments], cwd=workspace,
                          env={name: value for name, value in run.env.items() if not name.startswith("COVERAGE_")},
                          capture_output=True, encoding="utf-8", timeout=60, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "convert" != arguments[0] or 1 == len(json.loads(done.stdout)["tests"])


def test_the_command_is_installed(wheel):
    """`xray-ci` is a console script of the package."""
    (entry,) = wheel.glob("*.dist-info/entry_points.txt")

    assert "xray-ci = xray_ci.__main__:main" in entry.read_text(encoding="utf-8")
    assert os.access(CHECKOUT / "entrypoint.py", os.X_OK)
