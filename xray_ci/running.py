"""`run -- COMMAND`: the test command as a child of ours, and what it may see of us.

The child gets no secret of ours: not by its own environment, and not by ours, which on Linux it could read in /proc.
Knows processes and signals; knows nothing of reports.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from xray_ci.errors import ConfigurationError
from xray_ci.secret import SHORTEST
from xray_ci.settings import config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

HANDED: Final = "_XRAY_CI_ENVIRONMENT"
"""Names the descriptor from which a process that was begun again reads the environment it had before."""
_DUMPABLE: Final = 4
"""`PR_SET_DUMPABLE`: without it no other process of the same user reads our memory or environment."""
NOT_FOUND, NOT_STARTED = 127, 126
"""What a shell ends with for a command that is not there, or that cannot be started."""


def split(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """Return our own arguments, and the command after `--` of `run`; None for another command."""
    words = list(argv)
    if words[:1] != ["run"]:
        return words, None
    if {"-h", "--help", "--help-all"} & {*words[: words.index("--") if "--" in words else None]}:
        return words, None
    if "--" not in words or words[-1] == "--":
        raise ConfigurationError(
            "`run` has no command",
            where="command line",
            slug="usage",
            advice="Write it after two dashes: `xray-ci run --reports 'r/*.xml' -- pytest --junit-xml r/a.xml`.",
        )
    at = words.index("--")
    return words[:at], tuple(words[at + 1 :])


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return what the command may see: nothing that is a secret of ours, under whatever name it stands."""
    values = {text for text in config.secrets_of(env) if len(text) >= SHORTEST}
    return {
        name: text
        for name, text in env.items()
        if name != HANDED and not config.is_secret(name) and not any(value in text for value in values)
    }


def begin_again(env: Mapping[str, str]) -> Mapping[str, str]:  # noqa: RET503  # the last line never returns
    """Return the whole environment, after this process was begun anew without the secrets in it (Linux).

    What a process was started with stays readable in /proc as long as it lives, so the secrets go through a file in
    memory to the same process under a new image. Elsewhere nothing like it is known, and the environment comes back.
    """
    handed = os.environ.pop(HANDED, "")
    if handed.isdigit():
        with os.fdopen(int(handed), "rb") as file:
            file.seek(0)
            return dict(json.load(file))
    if not hasattr(os, "memfd_create"):
        return env
    descriptor = os.memfd_create("environment", 0)
    os.write(descriptor, json.dumps(dict(env)).encode())
    os.set_inheritable(descriptor, True)  # noqa: FBT003  # the one argument it has
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(  # noqa: S606  # this very program
        sys.executable, [sys.executable, *sys.orig_argv[1:]], environment(env) | {HANDED: str(descriptor)}
    )


def hide() -> None:
    """Let no other process of this user look into this one (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)


def run(command: Sequence[str], env: Mapping[str, str], folder: str) -> int:
    """Run the command with our streams, hand signals on to it, and return its exit code: 128 + n for a signal.

    Raises nothing for a command that is not there: 127, as a shell; 126 where it cannot be started.
    """
    with _handing_on() as children:
        try:
            child = subprocess.Popen(list(command), env=environment(env), cwd=folder)  # noqa: S603  # the user's own
        except FileNotFoundError:
            return NOT_FOUND
        except OSError:
            return NOT_STARTED
        children.append(child)
        while True:
            with contextlib.suppress(InterruptedError):
                code = child.wait()
                return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _handing_on() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Give signals that are to end us to the command; what it leaves is imported after its end."""
    children: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)

    names = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__]
    before = {number: signal.signal(number, hand_on) for number in names}
    try:
        yield children
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
