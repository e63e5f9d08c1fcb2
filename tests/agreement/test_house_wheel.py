"""The wheel and the sdist.

They hold everything the package is, and it runs with the locked dependencies and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path

import pytest
from job_runs import CLOUD

import xray_ci

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "xray_ci"
REPORT = '<testsuite name="a"><testcase classname="shop.Cart" name="adds"/></testsuite>'
# Started without site-packages: only what is handed in can be imported.
START = "import sys; sys.path[:0] = {path!r}; from xray_ci.__main__ import main; sys.exit(main())"


PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_IN_SDIST = {".ci", ".dockerignore", ".gitattributes"}
"""What only a checkout needs."""


def built(kind, folder, checkout=CHECKOUT):
    """Build a `wheel` or an `sdist` of a checkout; return the file."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=checkout,
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Build the wheel of this checkout."""
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel(archive):
    """Return the wheel, unpacked."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(archive.parent / "site")
    return archive.parent / "site"


@pytest.fixture(scope="module")
def clean(archive, tmp_path_factory):
    """Install the wheel and the runtime lock, by hash, into a new environment; return the folder of its commands."""
    folder = tmp_path_factory.mktemp("clean")
    env = {"PATH": os.defpath, "HOME": str(folder)}
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    for command in (
        [sys.executable, "-m", "venv", str(folder / "venv")],
        [
            *pip,
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(CHECKOUT / "requirements/runtime.txt"),
        ],
        [*pip, "--no-index", "--no-deps", str(archive)],
        [*pip[:3], "--disable-pip-version-check", "check"],
    ):
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return scripts


def called(scripts, workspace, *arguments, env=None):
    """Run the installed command and nothing of this checkout; return how it ended."""
    return subprocess.run(
        [str(scripts / "xray-ci"), *arguments],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.defpath, "HOME": str(workspace), "NO_PROXY": "127.0.0.1", **(env or {})},
    )


def locked(name: str, folder: Path) -> Path:
    """Link the packages of a lock, and no others, into a folder."""
    pins = re.findall(
        r"^([\w.-]+)==\S+(?: ; (.*?))? *\\?$",
        (CHECKOUT / f"requirements/{name}.txt").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    for package in [package for package, marker in pins if "win32" not in marker and "python" not in marker]:
        files = distribution(package).files or ()
        for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(distribution(package).locate_file(top))
    return folder


def test_the_wheel_holds_the_whole_package(wheel):
    """Schemas, templates and samples are in it, tests and tools are not."""
    wanted = {
        path.relative_to(CHECKOUT) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {Path("xray_ci/errors.md")}  # of docs, for `explain`
    there = {path.relative_to(wheel) for path in wheel.rglob("*") if path.is_file()}

    assert wanted == {path for path in there if not path.parts[0].endswith(".dist-info")}


@pytest.mark.parametrize(
    ("lock", "arguments"),
    [
        ("runtime", ["convert", "--deployment", "cloud", "--project", "SHOP", "--reports", "*.xml"]),
        pytest.param("emulator", ["demo"], marks=pytest.mark.proof),
    ],
)
def test_it_runs_with_the_locked_packages_alone(wheel, workspace, tmp_path, run, lock, arguments):
    """What a pipeline needs is in the runtime lock; what the demo needs more is in the emulator's."""
    (workspace / "a.xml").write_text(REPORT, encoding="utf-8")
    site = tmp_path / "site"
    site.mkdir()
    path = [str(wheel), str(locked(lock, site))]

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", START.format(path=path), *arguments],
        cwd=workspace,
        env={name: value for name, value in run.env.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert arguments[0] != "convert" or len(json.loads(done.stdout)["tests"]) == 1


def test_the_command_is_installed(wheel):
    """`xray-ci` is a console script of the package."""
    (entry,) = wheel.glob("*.dist-info/entry_points.txt")

    assert entry.read_text(encoding="utf-8") == "[console_scripts]\nxray-ci = xray_ci.__main__:main\n"
    assert os.access(CHECKOUT / "entrypoint.py", os.X_OK)


def test_the_wheel_says_what_it_is(wheel):
    """For every platform.

    Version, licence, Python and dependencies as they are decided, types for whoever imports it.
    """
    (info,) = wheel.glob("*.dist-info")
    told = message_from_bytes((info / "METADATA").read_bytes())

    assert f"xray_ci-{xray_ci.__version__}.dist-info" == info.name
    assert (xray_ci.__version__, PROJECT["license"], PROJECT["requires-python"]) == (
        told["Version"],
        told["License-Expression"],
        told["Requires-Python"],
    )
    assert {"Root-Is-Purelib: true", "Tag: py3-none-any"} <= {*(info / "WHEEL").read_text().splitlines()}
    assert (CHECKOUT / "LICENSE").read_text() == (info / "licenses/LICENSE").read_text()
    needed = [need for need in told.get_all("Requires-Dist") if "extra" not in need]
    assert sorted(PROJECT["dependencies"]) == sorted(needed)
    assert [*PROJECT["optional-dependencies"]] == told.get_all("Provides-Extra")
    assert (wheel / "xray_ci/py.typed").exists() == ("Typing :: Typed" in PROJECT["classifiers"])
    assert told.get_payload().startswith("# xray-ci")


@pytest.mark.proof
def test_import_runs_in_a_clean_environment(clean, workspace, emulator):
    """`pip install xray-ci` without extras is all that a pipeline needs."""
    (workspace / "a.xml").write_text(REPORT, encoding="utf-8")
    assert f"xray-ci {xray_ci.__version__}\n" == called(clean, workspace, "--version").stdout

    done = called(
        clean,
        workspace,
        "import",
        "--reports",
        "a.xml",
        "--project",
        "SHOP",
        env={**CLOUD, "XRAY_CI_XRAY_URL": emulator.url},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(emulator.executions()) == 1


@pytest.mark.proof
@pytest.mark.parametrize("command", ["emulator", "demo"])
def test_what_an_extra_brings_names_it(command, clean, workspace):
    """Wrong usage, and the line that helps."""
    done = called(clean, workspace, command)

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'xray-ci[emulator]'" in done.stderr


@pytest.mark.proof
def test_uvx_runs_the_wheel(archive, workspace):
    """`uvx` makes an environment of its own for one run."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("no uv in this environment")
    env = {"PATH": os.defpath, "HOME": str(workspace), "UV_CACHE_DIR": str(workspace / "cache")}
    done = subprocess.run(
        [
            uv,
            "tool",
            "run",
            "--no-config",
            "--system-certs",
            "--python",
            sys.executable,
            "--from",
            str(archive),
            "xray-ci",
            "--version",
        ],
        env=env,
        cwd=workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0 and "error sending request" in done.stderr and "CI" not in os.environ:
        pytest.skip("no package index for uv here")

    assert (0, f"xray-ci {xray_ci.__version__}\n") == (done.returncode, done.stdout), done.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return the sdist of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", folder)) as packed:
        packed.extractall(folder, filter="data")
    return folder / f"xray_ci-{xray_ci.__version__}"


@pytest.mark.proof
def test_the_sdist_builds_the_same_wheel(source, archive, tmp_path):
    """Byte by byte, so that whoever packages it from source ships what was tested."""
    assert archive.read_bytes() == built("wheel", tmp_path, source).read_bytes()


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_the_sdist_holds_what_its_tests_need(source):
    """Those that look at all the files around the package pass where nothing else of the project is."""
    there = {path.name for path in CHECKOUT.iterdir()} - {".git", "build", "dist"} - NOT_IN_SDIST
    assert {name for name in there if not name.startswith((".venv", ".coverage", ".hypothesis", "."))} <= {
        path.name for path in source.iterdir()
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-cov", "tests/agreement", "-k", "not seal and not wheel"],
        cwd=source,
        env={"PATH": os.defpath, "HOME": str(source.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
