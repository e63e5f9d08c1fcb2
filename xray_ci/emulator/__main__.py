"""`python -m xray_ci.emulator`: the emulator as a program of its own. Knows its flags and nothing else."""

from __future__ import annotations

import argparse
import sys

from xray_ci.emulator.server import Serving, run


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
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: %(default)s)")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="answer under this name too")
    parser.add_argument("--world", default="", metavar="FILE", help="YAML with the world to begin with")
    parser.add_argument("--state", default="", metavar="FILE", help="keep the world there from one run to the next")
    parser.add_argument("--record", default="", metavar="FILE", help="append a line for every request")
    parser.add_argument("--facts", default="", metavar="REPORT", help="do what xray-ci probe saw of a site")
    flags = parser.parse_args()
    serving = Serving(
        bind=flags.bind,
        allow_hosts=tuple(flags.allow_host),
        world=flags.world,
        state=flags.state,
        record=flags.record,
        facts=flags.facts,
    )
    return run(flags.port, sys.stdout, serving, real_clock=flags.clock == "real")


if __name__ == "__main__":
    sys.exit(main())
