"""The command line: the only place that reads the environment and arguments, handles signals and decides how to exit.

`execute` does everything with what it is handed; `process` hands it this process. Both import late: `--help` needs the tables.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from xray_ci.process import Process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xray_ci.settings.flags import Parsed

_BROKEN_PIPE: Final = 141
"""What a shell reports for a program whose reader went away."""


def process() -> int:
    """Run this process's command line; return the exit code."""
    import os  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        folder = os.getcwd()  # noqa: PTH109  # a name and no Path: help is answered without pathlib
    except OSError as error:
        from xray_ci.errors import ConfigurationError  # noqa: PLC0415

        gone = ConfigurationError(f"there is no working directory: {error.strerror}", where="the current folder", slug="closed-workspace",
                                  advice="Start in a folder that is there and that this user may enter.")
        return _told(gone, Process((), os.environ, "/", sys.stdout, sys.stderr))
    return execute(Process(sys.argv[1:], os.environ, folder, sys.stdout, sys.stderr, alone=True))


def execute(process: Process) -> int:
    """Run one command; return its exit code. Help is answered before anything but the tables is imported."""
    from xray_ci.errors import Failure  # noqa: PLC0415
    from xray_ci.settings import flags  # noqa: PLC0415

    try:
        parsed = flags.parse(_spelt_out(process.argv))
        return _answer(parsed, process) if parsed.help or parsed.version else _command(parsed, process)
    except BrokenPipeError:
        return _BROKEN_PIPE
    except Failure as failure:
        return _told(failure, process)
    except Exception as error:  # noqa: BLE001  # the last line of defence: a defect is told, never a traceback
        return _told(error, process)


def _spelt_out(argv: Sequence[str]) -> list[str]:
    """Return the arguments with `migrate FILE` as `migrate --file FILE`, for each command that takes a word without a flag."""
    from xray_ci.settings.commands import COMMANDS  # noqa: PLC0415

    words = list(argv)
    row = COMMANDS.get(words[0]) if len(words) > 1 and not words[1].startswith("-") else None
    return [row.name, f"--{row.word}", *words[1:]] if row and row.word else words


def _answer(parsed: Parsed, process: Process) -> int:
    if parsed.version:
        from xray_ci import __version__  # noqa: PLC0415

        process.out.write(f"xray-ci {__version__}\n")
        return 0
    from xray_ci.settings.usage import usage  # noqa: PLC0415

    process.out.write(usage(parsed.command, _columns(process)))
    return 0


def _columns(process: Process) -> int:
    """Return how wide the terminal is, 80 where there is none; COLUMNS outvotes it."""
    import os  # noqa: PLC0415

    said = process.env.get("COLUMNS", "")
    if said.isascii() and said.isdigit():
        return int(said[:9])
    try:
        return os.get_terminal_size(process.out.fileno()).columns
    except (OSError, ValueError):  # a pipe, a file, or no file at all
        return 80


def _told(error: Exception, process: Process) -> int:
    """Tell what went wrong before there were settings, so with a log of its own; return the exit code."""
    from xray_ci.ci.console import Console, Level  # noqa: PLC0415
    from xray_ci.ci.provider import surroundings  # noqa: PLC0415
    from xray_ci.errors import Failure  # noqa: PLC0415
    from xray_ci.secret import Redactor  # noqa: PLC0415

    console = Console(process.err, level=Level.INFO, surroundings=surroundings(process.env), redactor=Redactor())
    if isinstance(error, Failure):
        console.failure(error)
        return error.exit_code
    console.defect(error)
    return 70


def _command(parsed: Parsed, process: Process) -> int:
    from xray_ci.settings import flags, problems, sources  # noqa: PLC0415

    if process.alone:
        _on_signals()
    command = sources.command(parsed.command, process.env)
    if foreign := flags.foreign(command, parsed.options):
        raise problems.together(foreign)
    match command:
        case "emulator":
            return _emulator(parsed, process)
        case "migrate":
            return _migrate(parsed, process)
        case "completion":
            from xray_ci import completion  # noqa: PLC0415

            return completion.run(str(parsed.options.get("shell") or ""), process.out)
        case "demo":
            from xray_ci import demo  # noqa: PLC0415

            watched = process.alone and "CI" not in process.env and sys.stdin.isatty() and sys.stdout.isatty()
            return demo.run(process, execute, keep=bool(parsed.options.get("keep")), watched=watched)
        case _:
            from xray_ci import commands  # noqa: PLC0415

            return commands.run(command, parsed, process)


def _emulator(parsed: Parsed, process: Process) -> int:
    from xray_ci.settings import problems  # noqa: PLC0415

    try:
        from xray_ci.emulator import app  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise problems.problem(f"the emulator needs the package {missing.name}", "command line", problems.USAGE,
                               "Install it: pip install 'xray-ci[emulator]'.") from None
    return app.run(int(str(parsed.options.get("port") or 8765)), process.out)


def _migrate(parsed: Parsed, process: Process) -> int:
    from pathlib import Path  # noqa: PLC0415

    from xray_ci import migrate  # noqa: PLC0415
    from xray_ci.ci.console import Console, Level  # noqa: PLC0415
    from xray_ci.ci.provider import surroundings  # noqa: PLC0415
    from xray_ci.secret import Redactor  # noqa: PLC0415
    from xray_ci.settings import problems  # noqa: PLC0415

    name = str(parsed.options.get("file") or "")
    if not name:
        raise problems.problem("`migrate` needs a file", "command line", problems.USAGE, "Write `xray-ci migrate FILE`.")
    console = Console(process.err, level=Level.INFO, surroundings=surroundings(process.env), redactor=Redactor(), annotations=False)
    return migrate.run(Path(process.folder) / name, name, console, process.out)


def _on_signals() -> None:
    """Turn the signals that end a job into a failure: as PID 1 of a container nothing else would end the process."""
    import signal  # noqa: PLC0415
    from types import FrameType  # noqa: PLC0415, TC003

    def stop(number: int, _: FrameType | None) -> None:
        from xray_ci.errors import Interrupted  # noqa: PLC0415

        signal.signal(number, signal.SIG_IGN)  # the second one must not break what the first began
        raise Interrupted(f"stopped by {signal.Signals(number).name}", signal=number)

    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), stop)
