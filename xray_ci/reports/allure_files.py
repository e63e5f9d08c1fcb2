"""Names of the files in a folder of Allure 2 results. Knows names alone; what is in the files is read elsewhere."""

# ruff: noqa: PTH208 - paths are text where files are looked for
from __future__ import annotations

import os
import re
from typing import Final

FORMAT: Final = "allure2-dir"
RESULT: Final = "-result.json"
CONTAINER: Final = "-container.json"
GLOBALS: Final = "-globals.json"
_ID: Final = r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
_RESULT: Final = re.compile(rf"{_ID}-(?:result|container|globals)\.json")
_BELONGS: Final = re.compile(rf"{_ID}-(?:result|container|globals|attachment)\b.*|(?:categories|executor|history|testrun)\.json|"
                             r"environment\.(?:properties|xml)|.*-attachment\..*")


def is_result(name: str) -> bool:
    """Say whether a file is one of those that Allure writes for a result: named by a random id, so that no other tool's is."""
    return _RESULT.fullmatch(name) is not None


def belongs(name: str) -> bool:
    """Say whether a file in a folder of results is part of that report: a result, an attachment, or what describes the run."""
    return _BELONGS.fullmatch(name) is not None


def is_folder(path: str) -> bool:
    """Say whether a folder holds results of Allure, by the names in it."""
    try:
        return any(is_result(name) for name in os.listdir(path))
    except OSError:
        return False
