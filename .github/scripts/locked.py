#!/usr/bin/env python3
"""Prints the entries of some packages out of a lock, hashes and all: `locked.py pytest pluggy < requirements/dev.txt`.

For a job that needs one tool and not the whole environment. Fails when the lock lacks one.
"""

from __future__ import annotations

import re
import sys


def main(names: list[str], lock: str) -> int:
    """Print the entries in the order of the names; return the exit code."""
    entries = {
        match[1]: match[0] for match in re.finditer(r"^([\w.-]+)(?:\[[\w,.-]+\])?==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    }
    missing = [name for name in names if name not in entries]
    if missing:
        sys.stderr.write(f"locked.py: not in the lock: {', '.join(missing)}\n")
        return 1
    sys.stdout.write("".join(entries[name] for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.read()))
