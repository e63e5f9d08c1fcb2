#!/usr/bin/env python3
"""Writes into action.yml which image it runs, by digest: `pin_image.py ghcr.io/org/xray-ci@sha256:... [action.yml]`.

On main the action builds its Dockerfile; a release names what was built, tested and signed. Knows that one line of
action.yml.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_BUILT = re.compile(r"^( +image: )(?:Dockerfile|docker://\S+)$", re.MULTILINE)
_REFERENCE = re.compile(r"[a-z0-9][a-z0-9.-]*(?::\d+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}")


def main(arguments: list[str]) -> int:
    """Rewrite the line in place; return the exit code."""
    reference, path = arguments[0], Path(arguments[1] if len(arguments) > 1 else "action.yml")
    if not _REFERENCE.fullmatch(reference):
        sys.stderr.write(f"pin_image.py: {reference!r} names no image by its digest\n")
        return 1
    text, found = _BUILT.subn(rf"\g<1>docker://{reference}", path.read_bytes().decode())
    if found != 1:
        sys.stderr.write(f"pin_image.py: {path} has {found} lines that say which image to run, not one\n")
        return 1
    path.write_bytes(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
