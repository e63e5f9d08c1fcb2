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
    # msgspec takes the same names of `typing` where these extensions are not installed, and that spares `inspect`.
    hidden = "typing_extensions" not in sys.modules
    if hidden:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # what Python takes for "not installed"
    from xray_ci.cli import process  # noqa: PLC0415

    if hidden:
        del sys.modules["typing_extensions"]
    return process()


if __name__ == "__main__":
    sys.exit(main())
