"""What a bench prints: rows, each with its bound and its limit; processes in interleaved rounds, of which minima count.

Knows processes, files and tables; knows nothing of what is measured. Linux only: it reads /proc.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000
SLACK = 1.25
"""How far above its bound a held row may come before a run fails: machines differ, and this much is noise."""
ISOLATED = (sys.executable, "-I", "-u", "-B")
ENVIRONMENT = {"PATH": os.defpath, "HOME": "/nowhere", "TZ": "UTC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number and the most it may be."""

    what: str
    value: float
    bound: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        return (
            f"{'ok    ' if self.holds else 'BROKEN'} {self.what}: {self.value:.2f} {self.unit} (at most {self.bound:g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    case: str
    value: float
    unit: str
    bound: float | None = None
    """What the value may be, of the issue that asked for it; None: nobody asked."""
    limit: str = ""
    """What nothing can be faster than, as it was measured in the same run."""
    told: str = ""
    """The figures behind the value."""
    slower: float = 1.0
    """How much slower the interpreter is beside expat than where the bounds were taken, measured in the same rounds."""

    @property
    def broken(self) -> bool:
        """Whether it is so far above its bound that a run fails, on a processor like this one."""
        return self.bound is not None and self.value > self.bound * SLACK * self.slower

    @property
    def holds(self) -> bool:
        return self.bound is None or self.value <= self.bound

    @property
    def verdict(self) -> str:
        return "" if self.bound is None else "met" if self.holds else "not met"

    def __str__(self) -> str:
        most = "" if self.bound is None else f" (at most {self.bound:g}: {self.verdict})"
        beside = "".join(f"; {each}" for each in (self.limit, self.told) if each)
        return f"  {self.case}: {self.value:.3g} {self.unit}{most}{beside}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a process took."""

    cpu: float
    """Seconds, user and system, start-up included."""
    wall: float
    peak: int
    """Most bytes it ever had."""
    said: str


def ran(command: Iterable[str], cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end; ends the bench where it fails.

    What it says goes through files: this process does nothing meanwhile.
    """
    begun = time.perf_counter()
    with (cwd / "said.txt").open("w+b") as out:
        child = subprocess.Popen(
            list(command), env={**ENVIRONMENT, **(env or {})}, cwd=cwd, stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode(errors="replace")
    if child.returncode:
        sys.exit(f"{command} ended with {child.returncode}: {said[-2000:]}")
    return Sample(cpu=used.ru_utime + used.ru_stime, wall=wall, peak=used.ru_maxrss * 1024, said=said)


def minima(rounds: int, things: Mapping[str, Callable[[], Sample]]) -> dict[str, Sample]:
    """Return the least that each took in rounds in which each runs once; of memory the most."""
    taken: dict[str, list[Sample]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            taken[name].append(thing())
    return {
        name: Sample(
            cpu=min(each.cpu for each in samples),
            wall=min(each.wall for each in samples),
            peak=max(each.peak for each in samples),
            said=samples[-1].said,
        )
        for name, samples in taken.items()
    }


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def markdown(rows: Mapping[str, list[Row]], rounds: int) -> str:
    """Return the table as Markdown, a part for each group, without the bars that a cell cannot hold."""
    named = re.search(r"^model name\s*: (.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
        f"{f' of {named[1]}' if named else ''}"
    )
    lines = [f"{machine}; minima of {rounds} interleaved rounds."]
    for group, held in rows.items():
        lines += ["", f"### {group}", "", "| case | value | bound | | limit in the same run | figures |"]
        lines += ["|---|---:|---:|---|---|---|"]
        lines += [
            f"| {row.case} | {row.value:,.3g} {row.unit} | {'' if row.bound is None else f'{row.bound:g}'} "
            f"| {row.verdict} | {row.limit} | {row.told} |"
            for row in held
        ]
    return "\n".join(lines)


def as_json(rows: Mapping[str, list[Row]]) -> str:
    """Return the rows as JSON, one a line."""
    return "\n".join(
        json.dumps(
            {
                "group": group,
                "case": row.case,
                "value": round(row.value, 4),
                "unit": row.unit,
                "bound": row.bound,
                "met": row.holds,
                "limit": row.limit,
                "figures": row.told,
            },
            ensure_ascii=False,
        )
        for group, held in rows.items()
        for row in held
    )
