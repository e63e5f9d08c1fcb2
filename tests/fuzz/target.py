"""One fuzz target as a process: `target.py FAMILY [arguments of libFuzzer]`. The only module that imports the fuzzer.

Coverage is that of the rooms that read what may be a stranger's. Half of the inputs are changed as documents, half as
bytes.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from random import Random

import atheris

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_CHECKOUT), str(_CHECKOUT / "tests")]
sys.dont_write_bytecode = True

_ROOMS = ("reports", "xray", "settings", "secret", "delivery")
with atheris.instrument_imports(include=[f"xray_ci.{name}" for name in _ROOMS]):
    from fuzz import families, mutate, words
    from xray_ci.formats import FORMATS

    for _row in FORMATS:
        if _row.reader is not None:
            _row.read if _row.medium != "folder" else _row.read_folder  # noqa: B018 - imports the module


def main(key: str, arguments: list[str]) -> None:
    """Fuzz one family until libFuzzer ends the process."""
    family = families.named(key)
    known = words.words(family)

    def one_input(content: bytes) -> None:
        families.judge(family, content)

    def mutator(content: bytes, size: int, seed: int) -> bytes:
        rng = Random(seed)
        made = mutate.changed(content, known, rng) if rng.random() < 0.5 else None
        if made is None or len(made) > size or made == content:
            return atheris.Mutate(content, size)
        return made

    again = (
        f"{shlex.quote(sys.executable)} -B {shlex.quote(__file__)} {key}"  # how the fuzzer starts itself when it merges
    )
    atheris.Setup([again, *arguments], one_input, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
