"""The documentation as a site in a real browser: it renders at both sizes, is searched, and loads nothing from afar."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browsing import SIZES, fits, serious

pytestmark = pytest.mark.browser
BUILT = Path(__file__).resolve().parents[2] / "build" / "site"


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def site():
    """Serve what `make site` built; return its address."""
    if not (BUILT / "main").exists():
        pytest.skip("make site first")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=BUILT))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


PAGES = ("", "docs/settings.html", "docs/errors.html", "docs/recipes/github.html", "docs/emulator.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_render_and_load_nothing_from_afar(opened, site, size, scheme):
    """No error, no request to others; wide tables scroll by themselves and not the page."""
    found = {}
    for page in PAGES:
        tab, said, asked = opened(f"{site}/main/{page}", size, scheme)
        found[page] = (said, [url for url in asked if not url.startswith((f"{site}/", "data:"))], fits(tab))

    assert found == dict.fromkeys(PAGES, ([], [], True))


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])
def test_nothing_serious_for_those_who_read_it_otherwise(opened, site, size, scheme):
    """The checks of axe find nothing serious or critical."""
    found = {page: serious(opened, f"{site}/main/{page}", size, scheme) for page in PAGES}

    assert [page for page in found if found[page]] == [], found


def test_it_is_entered_and_searched(opened, site):
    """The address of the site leads to the newest version, and a search finds a setting."""
    tab, said, _ = opened(site, "desktop", "light")
    tab.wait_for_url("**/main/")
    tab.get_by_role("textbox", name="Search").fill("max-new-tests")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="Settings", exact=True).last.wait_for()

    assert said == []


@pytest.mark.parametrize("size", SIZES)
def test_other_versions_are_one_click_away(opened, site, size):
    """From the navigation, which opens on a phone."""
    tab, _, _ = opened(f"{site}/main/docs/recipes/github.html", size, "light")
    if size == "phone":
        tab.locator("label.mobile-header, label.nav-overlay-icon").first.click()
    tab.get_by_role("link", name="Other versions").click()

    assert tab.get_by_role("link", name="main").get_attribute("href") == "main/"
