#!/usr/bin/env -S python3 -IuB
"""Starts xray-ci from a checkout and in the image. Knows where the package lies; knows nothing of commands.

Run it isolated (`python -I -u -B entrypoint.py`): then neither PYTHONPATH nor a stray module in the working directory
is imported next to the secrets.
"""

import os
import sys


def find_package() -> None:
    """Import the package that lies beside this file, else the installed one.

    The folder leaves the search path again at once: the package finds its own modules without it, and nothing else that
    lies here can stand in for a library.
    """
    here = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 - pathlib costs half of what --version may cost
    beside = os.path.isdir(os.path.join(here, "xray_ci"))  # noqa: PTH112, PTH118
    if beside:
        sys.path.insert(0, here)
    import xray_ci  # noqa: F401, PLC0415

    if beside:
        sys.path.remove(here)


if __name__ == "__main__":
    find_package()
    if sys.argv[1:] == ["--version"]:
        from xray_ci import __version__

        sys.stdout.write(f"xray-ci {__version__}\n")
        sys.exit(0)
    from xray_ci.__main__ import main

    sys.exit(main())
