"""How the repository's Markdown becomes a site: `make site`.

Files are read where they lie, so that a link between them holds on GitHub and here; one to a file that is no page leads
to GitHub. Every page is named below, and what is not found is an error.
"""  # noqa: INP001 - Sphinx reads it, nobody imports it

import os
import posixpath
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README": {
        "Use": [
            "docs/recipes/README",
            "docs/settings",
            "docs/authentication",
            "docs/mapping",
            "docs/formats",
            "docs/select",
            "docs/compare",
            "docs/exactly-once",
        ],
        "Before the first import": ["docs/check", "docs/plan", "docs/migrate", "docs/emulator"],
        "When something is wrong": ["docs/errors", "docs/performance"],
        "Behind it": ["docs/facts", "docs/image", "docs/release", "CHANGELOG"],
    },
    "docs/recipes/README": {"": [f"docs/recipes/{each.stem}" for each in sorted(ROOT.glob("docs/recipes/[a-z]*.md"))]},
}
"""What stands below a page in the navigation, by heading."""

project = "xray-ci"
release = os.environ.get("SITE_VERSION", "main")
root_doc = "README"
extensions = ["myst_parser"]
include_patterns = ["README.md", "CHANGELOG.md", "docs/*.md", "docs/recipes/*.md"]
exclude_patterns = [".*", "build", "dist", "tests", "xray_ci"]
myst_heading_anchors = 4
html_title = f"xray-ci {release}"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_copyright = False
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "navigation.html",
        "sidebar/scroll-end.html",
    ]
}
_SOURCE = f"https://github.com/org/xray-ci/blob/{release}"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
_LOGGER = logging.getLogger(__name__)


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead links out of the site to GitHub, and add what stands below a page."""

    def led(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
        if path.removesuffix(".md") in app.env.found_docs or path.endswith(".png"):
            return link[0]
        if not (ROOT / path).exists():
            _LOGGER.warning("no such file: %s", path, location=page)
        return f"]({_SOURCE}/{path}{link[2] or ''})"

    trees = [
        ":hidden:\n" + f":caption: {heading}\n" * bool(heading) + "\n" + "\n".join(f"/{each}" for each in pages)
        for heading, pages in PAGES.get(page, {}).items()
    ]
    source[0] = _LINK.sub(led, source[0]) + "".join(f"\n\n```{{toctree}}\n{each}\n```" for each in trees)


def _reach(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Let the keyboard reach what scrolls sideways: code and wide tables."""
    body = context.get("body", "").replace("<pre>", '<pre tabindex="0">')
    context["body"] = body.replace('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper')


def _begin(app: Sphinx, failure: Exception | None) -> None:
    """Begin with the README: a site is entered by `index.html`."""
    if failure is None:
        shutil.copy(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    """Say what is done when."""
    app.connect("source-read", _read)
    app.connect("html-page-context", _reach)
    app.connect("build-finished", _begin)
