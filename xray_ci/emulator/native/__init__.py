"""How the vendor reads reports of test tools: small readers, one a format. Nothing here is the product's parser.

THE table of native formats. A reader gets the report and what is known around it, and returns results whose Test is
named by key or found by identity, with PASS, FAIL or TODO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.emulator.native import gherkin, xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.emulator.native.xml import Reader

XML: Final[Mapping[str, Reader]] = {
    "junit": xml.read_junit,
    "testng": xml.read_testng,
    "nunit": xml.read_nunit,
    "xunit": xml.read_xunit,
    "robot": xml.read_robot,
}
JSON: Final[Mapping[str, Reader]] = {"cucumber": gherkin.read_cucumber, "behave": gherkin.read_behave}
READERS: Final[Mapping[str, Reader]] = {**XML, **JSON, "bundle": gherkin.read_bundle}
