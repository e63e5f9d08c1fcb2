"""Pictures of what people see of one demo run: `screenshots.py FOLDER [--readme]`, in a Chromium.

The log, the job summary as a CI system renders it, the HTML report and the emulator's pages, on a desktop in light and
on a phone in dark. With `--readme` the two pictures of the README are taken anew, too.
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from xray_ci.demo import SAMPLES, environment
from xray_ci.emulator.server import Emulator
from xray_ci.emulator.world import Clock

CHECKOUT = Path(__file__).resolve().parents[2]
LOOK = (CHECKOUT / "xray_ci" / "look.css").read_text(encoding="utf-8")
FRAME = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style} body {{ max-width: 60rem; margin: 0 auto; padding: 1rem; }} table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid var(--line); padding: .3rem .7rem; }} h2:first-child {{ margin: 0; }}</style>{body}"""
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "org/shop",
    "GITHUB_WORKFLOW": "Tests",
    "GITHUB_RUN_ID": "1",
    "GITHUB_RUN_NUMBER": "41",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": "4f2a91c" * 5 + "4f2a9",
    "GITHUB_REF_NAME": "main",
}
VIEWS = {"desktop": (1280, 900, "light"), "phone": (390, 844, "dark")}
PICTURES = {"summary": "body", "execution": ".list > li:nth-child(2)"}
"""Pictures of the README, and the element that each ends with."""


def imported(workspace, url, **more):
    """Run one import in a workspace; return its log."""
    env = {**environment(url), "PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), **more}
    command = [sys.executable, "-B", "-m", "xray_ci", "import"]
    return subprocess.run(command, cwd=workspace, env=env, check=True, capture_output=True, encoding="utf-8").stdout


def made(folder, url):
    """Run the demo's import as GitHub and as a terminal do; return what to look at, by name."""
    workspace = folder / "workspace"
    shutil.copytree(SAMPLES, workspace)
    summary = folder / "summary.md"
    summary.touch()
    imported(workspace, url, XRAY_CI_HTML_REPORT="report.html", GITHUB_STEP_SUMMARY=str(summary), **GITHUB)
    log = imported(workspace, url)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(summary.read_text(encoding="utf-8"))
    for name, body in (("log", f"<pre>{html.escape(log)}</pre>"), ("summary", rendered)):
        (folder / f"{name}.html").write_text(FRAME.format(style=LOOK, body=body), encoding="utf-8")
    return {
        "log": (folder / "log.html").as_uri(),
        "summary": (folder / "summary.html").as_uri(),
        "report": (workspace / "report.html").as_uri(),
        "start": f"{url}/",
        "execution": f"{url}/browse/SHOP-41",
        "run": f"{url}/browse/SHOP-40/runs/SHOP-1",
        "plan": f"{url}/browse/SHOP-2",
        "confluence": f"{url}/wiki/spaces/QA/pages/131073",
        "requests": f"{url}/requests",
    }


def main(target, *options):
    """Take the pictures."""
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="xray-ci-") as folder,
        Emulator(0, clock=Clock(datetime.now(UTC))) as emulator,
        sync_playwright() as started,
    ):
        pages = made(Path(folder), emulator.url)
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])

        def take(name, path, width, height, scheme, end="html"):
            tab = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            tab.goto(pages[name])
            last = tab.locator(end).bounding_box()
            bottom = last["y"] + last["height"]
            tab.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": bottom})
            tab.close()

        for name in pages:
            for view, (width, height, scheme) in VIEWS.items():
                take(name, target / f"{name}-{view}.png", width, height, scheme)
        for name, end in PICTURES.items() if "--readme" in options else ():
            take(name, CHECKOUT / "docs" / "pictures" / f"{name}.png", 860, 600, "light", end)
        chromium.close()
    print(f"{len(list(target.glob('*.png')))} pictures in {target}")  # noqa: T201 - for who called make


if __name__ == "__main__":
    main(*sys.argv[1:])
