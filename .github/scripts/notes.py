#!/usr/bin/env python3
"""Prints what the change log says of one version, as notes of its release.

`notes.py 1.2.3 [REFERENCE...] < CHANGELOG.md`.

Each reference names an image by its digest and is listed below the notes. Knows the change log's headings and nothing
else.
"""

from __future__ import annotations

import re
import sys


def section(changes: str, version: str) -> str:
    """Return the text between the heading of a version and the next one; empty where there is none."""
    match = re.search(rf"^## {re.escape(version)}(?!\S).*\n((?:(?!## ).*\n?)*)", changes, re.MULTILINE)
    return match[1].strip() if match else ""


def main(arguments: list[str], changes: str) -> int:
    """Print the notes; return the exit code."""
    version, *references = arguments
    notes = section(changes, version)
    if not notes:
        sys.stderr.write(f"notes.py: the change log says nothing of {version}\n")
        return 1
    images = "".join(f"- `{reference}`\n" for reference in references)
    sys.stdout.write(f"{notes}\n" + (f"\n### Images\n\n{images}" if images else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.read()))
