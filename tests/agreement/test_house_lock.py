"""The lock: it holds what pyproject.toml asks for, with hashes, and says nothing of where it was made."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
EMULATOR = RUNTIME + PROJECT["project"]["optional-dependencies"]["emulator"]
BUILD = PROJECT["build-system"]["requires"]
DEV = EMULATOR + BUILD + [item for item in PROJECT["dependency-groups"]["dev"] if isinstance(item, str)]
CONTAINER = PROJECT["dependency-groups"]["container"]
LOCKS = {"runtime": RUNTIME, "emulator": EMULATOR, "build": BUILD, "dev": DEV, "container": CONTAINER}


def entries(name: str) -> dict[str, Requirement]:
    """Return package → its locked requirement; every entry has at least one hash."""
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    locked = {}
    for line in text.splitlines():
        stated, *hashes = line.split(" --hash=")
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes)
        requirement = Requirement(stated.strip())
        locked[canonicalize_name(requirement.name)] = requirement
    return locked


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_every_dependency(name):
    """Each requirement of pyproject.toml is locked to one version that it allows."""
    locked = entries(name)

    for wanted in map(Requirement, LOCKS[name]):
        (pin,) = locked[canonicalize_name(wanted.name)].specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version)


@pytest.mark.parametrize("name", ["runtime", "emulator", "build"])
def test_locks_agree(name):
    """What the image holds is what the tests ran with."""
    dev = entries("dev")

    assert {package: str(dev[package].specifier) for package in entries(name)} == {
        package: str(pin.specifier) for package, pin in entries(name).items()
    }


@pytest.mark.parametrize("name", ["runtime", "emulator", "build", "dev"])
def test_the_lock_holds_what_its_packages_ask_for(name):
    """With their extras, too.

    Nothing is resolved when a lock is installed, and an older pip looks for what lacks an extra elsewhere.
    """
    locked = entries(name)
    here = [pin for pin in locked.values() if pin.marker is None or pin.marker.evaluate()]
    asked = [
        (pin.name, Requirement(text), pin.extras | {""})
        for pin in here
        for text in distribution(pin.name).requires or ()
    ]
    due = [
        (package, wanted)
        for package, wanted, extras in asked
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras)
    ]

    assert due
    assert [
        f"{package} asks for {wanted}"
        for package, wanted in due
        if not (pin := locked.get(canonicalize_name(wanted.name))) or not wanted.extras <= pin.extras
    ] == []


def test_a_lock_is_installed_as_it_is():
    """Wherever one is: by hash, wheels only, and without resolving anything anew."""
    places = [
        "Makefile",
        "Dockerfile",
        "composite/install.py",
        "docs/recipes/plain.md",
        "requirements/README.md",
        "tests/container/act/tests.yml",
        *(f".github/workflows/{path.name}" for path in (CHECKOUT / ".github/workflows").iterdir()),
    ]
    texts = [(CHECKOUT / place).read_text(encoding="utf-8") for place in places]
    installs = [
        match[0]
        for text in texts
        for match in re.finditer(r"install\b(?:(?!install\b)[\s\S]){0,80}--require-hashes", text)
    ]

    assert installs
    assert [install for install in installs if "--no-deps" not in install and "--dry-run" not in install] == []


@pytest.mark.parametrize("name", ["runtime", "emulator"])
def test_no_tool_is_shipped(name):
    """The product's environments hold no test tool."""
    assert not {"pytest", "mypy", "ruff", "hatchling", "coverage"} & entries(name).keys()


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_place(name):
    """Neither an index nor a path of the machine that made it is in a lock."""
    text = (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")

    assert not re.search(r"://|^\s*-[^-]|--(index|extra|find|trusted)|^#|/", text, re.MULTILINE)
