"""What every reader of an old pipeline shares.

The steps found so far, the last login seen, and scripts with calls of curl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.migrate import curl, shell
from xray_ci.migrate.step import MigratedStep

if TYPE_CHECKING:
    from xray_ci.migrate.step import Host, Refs
    from xray_ci.secret import Redactor

MOST_STEPS = 100
"""A file with more import steps is no pipeline that a person moves over."""


class FoundSteps:
    """The steps of one file, in its order."""

    def __init__(self, refs: Refs, redactor: Redactor) -> None:
        self.refs = refs
        self.redactor = redactor
        self.steps: list[MigratedStep] = []
        self.key: dict[str, str] | None = None
        """Halves of the API key that the last login sent."""
        self.logins = 0
        self.unknown: list[str] = []
        """Of Xray by their names, yet not understood."""

    def step(self, host: Host, line: int, what: str) -> MigratedStep:
        """Begin one more step; beyond the bound it is read and not kept."""
        step = MigratedStep(host, line, what, self.refs, self.redactor)
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)
        return step

    def script(self, text: str, line: int, known: dict[str, str], host: Host) -> list[MigratedStep]:
        """Read a script; `known` has the values of variables. Returns the steps it made."""
        made = []
        for command in shell.commands(text, line, known, self.refs):
            call = curl.call(command.words)
            if call is None:
                continue
            if (key := curl.login(call)) is not None:
                self.key = key
                self.logins += 1
            elif parts := curl.imports(call):
                step = self.step(host, command.line, "a call of curl")
                curl.translate(call, parts, step, cloud=curl.is_cloud(parts, logged_in=self.logins > 0), key=self.key)
                made.append(step)
        return made
