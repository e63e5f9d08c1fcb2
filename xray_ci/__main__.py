"""Where the process begins: `--version` answers before anything else is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from xray_ci import __version__  # noqa: PLC0415

        sys.stdout.write(f"xray-ci {__version__}\n")
        return 0
    from xray_ci.cli import process  # noqa: PLC0415

    return process()


if __name__ == "__main__":
    sys.exit(main())
