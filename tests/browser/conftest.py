"""One Chromium for all tests of pages."""

from __future__ import annotations

import shutil

import pytest
from browsing import SIZES


@pytest.fixture(scope="session")
def browser():
    """Return the Chromium of this machine, headless."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser):
    """Return what opens a page, and returns it with what it asked for and what its console said."""
    contexts = []

    def look(address, size, scheme, **options):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        contexts.append(context)
        tab = context.new_page()
        said, asked = [], []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        return tab, said, asked

    yield look
    for context in contexts:
        context.close()
