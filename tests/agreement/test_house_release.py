"""What says the version, and what ships: package, image and change log agree."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

import xray_ci

CHECKOUT = Path(__file__).resolve().parents[2]
WRITTEN = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
DOCKERFILE = re.sub(r"(?m)^#.*\n", "", WRITTEN)


def test_the_image_is_labelled_with_the_version():
    """The labels of the images, the package and the change log name one version."""
    label = re.search(r"^ARG VERSION=(\S+)$", DOCKERFILE, re.MULTILINE)
    newest = re.search(r"^## (\S+)", (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert label
    assert newest
    assert xray_ci.__version__ == label[1] == newest[1]
    assert DOCKERFILE.count('org.opencontainers.image.version="${VERSION}"') == DOCKERFILE.count("\nLABEL ")


def test_version_is_printed(run):
    """`--version` prints one line and ends with 0."""
    result = run("--version")

    assert (0, f"xray-ci {xray_ci.__version__}\n", "") == (result.code, result.out, result.err)


@pytest.mark.parametrize("installed", [False, True], ids=["checkout", "installed"])
def test_a_stray_module_is_not_imported(run, workspace, tmp_path, monkeypatch, installed):
    """No module in the working directory, PYTHONPATH or the script's folder replaces a library or the package."""
    strays = tmp_path / "strays"
    strays.mkdir()
    for folder in (workspace, strays):
        for name in ("yaml", "requests", "argparse", "json", "xray_ci"):
            (folder / f"{name}.py").write_text("raise SystemExit('stray')\n", encoding="utf-8")
    arguments = run.command("--help")
    if installed:
        arguments[-2] = shutil.copy(CHECKOUT / "entrypoint.py", tmp_path / "entrypoint.py")
        (tmp_path / "yaml.py").write_text("raise SystemExit('stray')\n", encoding="utf-8")
    monkeypatch.setattr(run, "command", lambda *_: arguments)

    result = run(env={"PYTHONPATH": str(strays), "PYTHONSTARTUP": str(strays / "yaml.py")})

    assert result.code == 0
    assert "stray" not in result.text


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_a_quick_answer_imports_no_library(run, argument, monkeypatch):
    """`--version` and `--help` import none of the packages that make a start slow."""
    heavy = (
        "requests",
        "jsonschema",
        "junitparser",
        "yaml",
        "msgspec",
        "jsonschema_rs",
        "re2",
        "urllib3",
        "werkzeug",
        "jinja2",
        "tqdm",
    )
    probe = (
        f"import atexit, json, runpy, sys; sys.argv = [{run.command()[-1]!r}, {argument!r}]; "
        f"atexit.register(lambda: print(json.dumps([name for name in {heavy!r} if name in sys.modules]), "
        "file=sys.stderr)); "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    monkeypatch.setattr(run, "command", lambda *_: [sys.executable, "-I", "-B", "-c", probe])

    result = run()

    assert result.code == 0
    assert json.loads(result.err) == []


def test_the_image_is_started_isolated():
    """The entry point of either image is exec form with absolute paths and the isolated flags; no user is fixed."""
    entries = [json.loads(text) for text in re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)]

    assert len(entries) == 2
    for entry in entries:
        assert entry[1:4] == ["-I", "-u", "-B"]
        assert entry[0].startswith("/")
        assert entry[4].startswith("/")
    assert not re.search(r"^(USER|ADD|# *syntax=)|--link|<<", WRITTEN, re.MULTILINE)


def test_the_image_is_built_from_the_lock_alone():
    """Every installation into the image checks hashes and takes wheels only, or takes nothing from an index."""
    commands = re.split(r"&&|\n", DOCKERFILE.replace("\\\n", " "))
    installs = [command for command in commands if "pip" in command and " install " in command]

    assert len(installs) == 3
    assert all(
        "--require-hashes --only-binary :all:" in command or "--no-deps --no-index" in command for command in installs
    )
