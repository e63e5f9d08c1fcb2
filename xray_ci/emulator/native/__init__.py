"""How the vendor reads reports of test tools: small readers, one a format. Nothing here is the product's parser.

THE table of native formats. A reader gets the report and what is known around it, and returns results whose Test is
named by key or found by identity, with PASS, FAIL or TODO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.emulator.native import behave, bundle, cucumber, junit, nunit, robot, testng, xunit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.emulator.native.report import Reader

XML: Final[Mapping[str, Reader]] = {
    "junit": junit.read,
    "testng": testng.read,
    "nunit": nunit.read,
    "xunit": xunit.read,
    "robot": robot.read,
}
JSON: Final[Mapping[str, Reader]] = {"cucumber": cucumber.read, "behave": behave.read}
READERS: Final[Mapping[str, Reader]] = {**XML, **JSON, "bundle": bundle.read}
