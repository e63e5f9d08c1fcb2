#!/usr/bin/env python3
"""Writes the entry of a site and its list of versions: `versions.py FOLDER`, which holds one folder a version.

Knows names of folders; knows nothing of what is in them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
{head}<title>xray-ci: {title}</title>
</head>
<body style="font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem">
<main>
<h1>{title}</h1>
<ul>
{items}
</ul>
</main>
</body>
</html>
"""


def newest_first(names: list[str]) -> list[str]:
    """Return releases, the newest first, and then what is none."""
    releases = {
        name: tuple(map(int, match.groups()))
        for name in names
        if (match := re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", name))
    }
    return sorted(releases, key=lambda name: releases[name], reverse=True) + sorted(set(names) - set(releases))


def main(folder: str) -> int:
    """Write `index.html`, which leads to the newest release, and `versions.html`."""
    root = Path(folder)
    names = newest_first([path.parent.name for path in root.glob("*/README.html")])
    if not names:
        sys.stderr.write(f"versions.py: no version in {root}\n")
        return 1
    items = "\n".join(f'<li><a href="{name}/">{name}</a></li>' for name in names)
    (root / "versions.html").write_text(_PAGE.format(head="", title="Versions", items=items), encoding="utf-8")
    leads = f'<meta http-equiv="refresh" content="0; url={names[0]}/">\n'
    entry = _PAGE.format(head=leads, title="Documentation", items=items)
    (root / "index.html").write_text(entry, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
