"""Where the process begins: `--version` and `--help` answer before anything else is imported."""

from __future__ import annotations

import sys

HELP = f"{__file__.removesuffix('__main__.py')}settings/help.txt"
"""Text of `--help`, made from the tables by `make generate`: reading it takes a tenth of the time that importing them
does."""


def main() -> int:
    """Run the command line of this process; return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from xray_ci import __version__  # noqa: PLC0415

        sys.stdout.write(f"xray-ci {__version__}\n")
        return 0
    if sys.argv[1:] in (["--help"], ["-h"]):
        with open(HELP, encoding="utf-8") as text:  # noqa: PTH123  # pathlib costs more than all of this
            sys.stdout.write(text.read())
        return 0
    from xray_ci.cli import process  # noqa: PLC0415

    return process()


if __name__ == "__main__":
    sys.exit(main())
