"""Runs every fuzz target for a while from what is stored, and prints what came of each.

`run.py [SECONDS] [--only FAMILY] [--seed N] [--keep]`.

Ends with 1 when an input broke a law; the input is kept in a folder that is named. With `--keep` the stored corpus
becomes the smallest one that covers what is known now. Where there is no fuzzer for the machine it says so and ends
with 0.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]
from fuzz import families, words  # noqa: E402 - found through the path above
from fuzz.families import Family  # noqa: E402

FOUND = CHECKOUT / "build" / "fuzz"
"""Where inputs are kept that broke a law."""
LONGEST = 60_000
"""Bytes of an input: more than is kept of any text."""
KEPT = 6_000
"""Bytes of an input that is stored: what is larger is a sample already, or has a smaller one that covers the same."""
SLOWEST = 20
"""Seconds for one input, which usually takes a few milliseconds."""
MEMORY = 1_024
"""MiB of one target; the fuzzer and the libraries take the most of it."""
_COVERED = re.compile(r"cov: (\d+) ft: \d+ corp: (\d+)/")
_STATED = re.compile(r"stat::(\w+):\s+(\d+)")
_RAISED = re.compile(r"Uncaught Python exception: ===\n((?:.*\n)*?)==\d+==")
_WRITTEN = re.compile(r"Test unit written to (.+)")
_ROW = "{:<16}{:>10}{:>10}{:>10}{:>10}{:>8}  {}"
_ENVIRONMENT = {"PATH": os.defpath, "HOME": "/nowhere", "TZ": "UTC", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one target came to."""

    family: Family
    code: int
    said: str

    def row(self) -> str:
        """Return its line of the table."""
        stated = dict(_STATED.findall(self.said))
        covered, inputs = (_COVERED.findall(self.said) or [("-", "-")])[-1]
        return _ROW.format(
            self.family.key,
            stated.get("number_of_executed_units", "-"),
            stated.get("average_exec_per_sec", "-"),
            covered,
            inputs,
            stated.get("peak_rss_mb", "-"),
            f"ended with {self.code}" if self.code else "ok",
        )

    def why(self) -> str:
        """Return what the target said at its end, and where its input lies."""
        raised = _RAISED.search(self.said)
        said = raised[1] if raised else "\n".join(self.said.splitlines()[-20:])
        kept = "".join(f"\nkept: {path}{_written(path)}" for path in map(Path, _WRITTEN.findall(self.said)))
        return f"\n==> {self.family.key}\n{said.strip()}{kept or ' (no input was kept)'}"


def _written(path: Path) -> str:
    """Return an input that is small when packed: of a run in CI the log may be all that is left."""
    packed = gzip.compress(path.read_bytes(), mtime=0)
    return f"\n(base64 -d | gunzip) {base64.b64encode(packed).decode()}" if len(packed) <= KEPT else ""


def fuzzed(family: Family, *, seconds: int, seed: int, keep: bool) -> Outcome:
    """Run one target from its samples and stored inputs."""
    found = FOUND / family.key
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as base:
        grown, start, listed = Path(base) / "grown", Path(base) / "start", Path(base) / "words"
        grown.mkdir()
        start.mkdir()
        for number, content in enumerate(
            (*(path.read_bytes() for path in families.stored(family)), *families.samples(family))
        ):
            (start / str(number)).write_bytes(content)
        listed.write_text(words.dictionary(family), encoding="ascii")
        done = _target(
            family,
            grown,
            start,
            f"-dict={listed}",
            f"-artifact_prefix={found}/",
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            "-print_final_stats=1",
        )
        if keep and done.returncode == 0:
            _keep(family, grown, start)
    if not any(found.iterdir()):
        found.rmdir()
    return Outcome(family=family, code=done.returncode, said=done.stdout)


def _keep(family: Family, *known: Path) -> None:
    """Put the fewest inputs that cover the same code in the place of the stored ones."""
    small, least = known[0].with_name("small"), known[0].with_name("least")
    small.mkdir()
    least.mkdir()
    for number, path in enumerate(path for folder in known for path in folder.iterdir() if path.stat().st_size <= KEPT):
        shutil.copyfile(path, small / str(number))
    _target(family, least, small, "-set_cover_merge=1", "-use_counters=0").check_returncode()
    kept = families.CORPUS / family.key
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for path in least.iterdir():
        shutil.copyfile(path, kept / path.name[:12])


def _target(family: Family, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-u",
        "-B",
        str(Path(__file__).with_name("target.py")),
        family.key,
        *map(str, arguments),
        f"-max_len={LONGEST}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY}",
    ]
    return subprocess.run(
        command,
        env=_ENVIRONMENT,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def main() -> int:
    """Run the targets that are asked for and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("seconds", nargs="?", type=int, default=10, help="for each family (10)")
    asked.add_argument(
        "--only", metavar="FAMILY", action="append", choices=[family.key for family in families.FAMILIES]
    )
    asked.add_argument("--seed", type=int, default=0, help="the same inputs in each run; 0, the default, chooses one")
    asked.add_argument("--keep", action="store_true", help="store the smallest inputs that cover what is known now")
    asked.add_argument("--jobs", type=int, default=2, help="targets at the same time (2)")
    options = asked.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("no coverage-guided fuzzer for this machine (atheris has builds for Linux on x86-64): nothing was fuzzed")
        return 0
    chosen = [family for family in families.FAMILIES if not options.only or family.key in options.only]
    print(_ROW.format("family", "runs", "runs/s", "coverage", "inputs", "MiB", "outcome"), flush=True)
    failed = []
    with ThreadPoolExecutor(options.jobs) as pool:
        run = partial(fuzzed, seconds=options.seconds, seed=options.seed, keep=options.keep)
        for outcome in pool.map(run, chosen):
            print(outcome.row(), flush=True)
            failed += [outcome] if outcome.code else []
    for outcome in failed:
        print(outcome.why())
    if failed:
        print(
            f"\n{len(failed)} of {len(chosen)} families broke a law. Put the input into "
            f"{families.REGRESSIONS.relative_to(CHECKOUT)}/FAMILY/NAME, "
            "where a test reads it, and mend the reader."
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
