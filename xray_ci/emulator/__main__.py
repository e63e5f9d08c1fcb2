"""`python -m xray_ci.emulator`: the stand-in as a program of its own. Knows its two flags and nothing else."""

from __future__ import annotations

import argparse
import sys

from xray_ci.emulator.server import run


def main() -> int:
    """Read the flags, serve until a signal, return the exit code."""
    parser = argparse.ArgumentParser(prog="xray-ci emulator", description="Xray, Jira and Snapshots on loopback.")
    parser.add_argument("--port", type=int, default=8765, help="0 takes any free one (default: %(default)s)")
    parser.add_argument(
        "--clock",
        choices=("fixed", "real"),
        default="fixed",
        help="where time starts: always the same moment, or now (default: %(default)s)",
    )
    flags = parser.parse_args()
    return run(flags.port, sys.stdout, real_clock=flags.clock == "real")


if __name__ == "__main__":
    sys.exit(main())
