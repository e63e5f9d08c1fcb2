"""What tests of pages in a real browser share: sizes, texts that want to run, what fits, what axe finds."""

from __future__ import annotations

import pytest

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
UNSAFE = (
    "</script><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}",
    "\u202etxet",
    "`${window.ran = 1}`",
)


def fits(tab):
    """Say whether a page needs no sideways scrolling."""
    return tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def serious(opened, address, size, scheme):
    """Return what axe finds serious or critical on a page; the page's own policy would not let axe in."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab, _, _ = opened(address, size, scheme, bypass_csp=True)
    found = axe.run(tab).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
