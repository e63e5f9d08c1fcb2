"""Measures the image against its base: sizes, and what a container's start costs above `true` in the same image.

Run it under `tests/container/with-image.sh`. Prints every number, and ends with 1 when a bound is broken. Rounds are
interleaved, so that whatever else the machine does falls on both sides of a ratio; medians are compared, and a broken
bound is measured twice.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rows import MB, Measure

DEFAULT, TRIMMED = os.environ["DOCKER_IMAGE"], os.environ["DOCKER_TRIMMED"]
BASE = dict(line.split("=", 1) for line in os.environ["DOCKER_BUILD_ARGUMENTS"].splitlines())["PYTHON_IMAGE"]
MOST = {DEFAULT: 65, TRIMMED: 40}
"""MB that a registry may have to send for each variant."""
ROUNDS = 10
PIECE = 1 << 20
GZIP = b"\x1f\x8b"


def compressed(archive: Path, layer: str) -> tuple[int, int]:
    """Return the unpacked and the gzip size of one layer of a saved image, in bytes."""
    with tarfile.open(archive) as saved, saved.extractfile(layer) as file:
        begin = file.read(2)
        file.seek(0)
        engine = zlib.compressobj(6, zlib.DEFLATED, 31)
        unpack = zlib.decompressobj(31)
        sizes = [0, 0]
        while piece := file.read(PIECE):
            sizes[0] += len(unpack.decompress(piece)) if begin == GZIP else len(piece)
            sizes[1] += len(piece) if begin == GZIP else len(engine.compress(piece))
        return sizes[0], sizes[1] + (0 if begin == GZIP else len(engine.flush()))


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the unpacked and the gzip size of each image, in bytes.

    The sums of its layers, as a registry keeps them.
    """
    archive = folder / "images.tar"
    subprocess.run(["docker", "save", "--output", str(archive), BASE, DEFAULT, TRIMMED], check=True)
    with tarfile.open(archive) as saved, saved.extractfile("manifest.json") as file:
        listed = {tag: image["Layers"] for image in json.load(file) for tag in image["RepoTags"]}
    layers = sorted({layer for found in listed.values() for layer in found})
    with ThreadPoolExecutor(2) as pool:
        known = dict(zip(layers, pool.map(lambda layer: compressed(archive, layer), layers), strict=True))
    return {
        name: tuple(map(sum, zip(*(known[layer] for layer in listed[name]), strict=True)))
        for name in (BASE, DEFAULT, TRIMMED)
    }


def seconds(command: list[str]) -> float:
    """Run a command to its end and return how long it took."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def starts() -> dict[tuple[str, str], float]:
    """Return the median time of `docker run` to its end, by image and command."""
    run = ["docker", "run", "--rm", "--network", "none", "--pull", "never"]
    commands = {(BASE, "python3 -c pass"): [*run, "--entrypoint", "/usr/local/bin/python3", BASE, "-c", "pass"]}
    for image in (DEFAULT, TRIMMED):
        commands[image, "true"] = [*run, "--entrypoint", "/bin/true", image]
        commands[image, "--version"] = [*run, image, "--version"]
        commands[image, "--help"] = [*run, image, "--help"]
    taken: dict[tuple[str, str], list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    return {name: statistics.median(times) for name, times in taken.items()}


def small() -> Iterator[Measure]:
    """What a registry keeps and sends of each image."""
    with tempfile.TemporaryDirectory() as folder:
        found = sizes(Path(folder))
    for name, (unpacked, packed) in found.items():
        print(
            f"       {name:28} {unpacked / MB:6.1f} MB unpacked {packed / MB:6.1f} MB gzip "
            f"{packed / found[BASE][1]:5.2f} x base"
        )
    for name, most in MOST.items():
        yield Measure(what=f"{name}, gzip", value=found[name][1] / MB, bound=most, unit="MB")


def quick() -> Iterator[Measure]:
    """What a start costs: at most 1.3 times `true` in the same image, and 60 ms."""
    found = starts()
    for (image, command), taken in found.items():
        print(f"       {image:28} {command:16} {taken * 1000:6.0f} ms {taken / found[DEFAULT, 'true']:5.2f} x true")
    for image in (DEFAULT, TRIMMED):
        for command in ("--version", "--help"):
            above = (found[image, command] - 1.3 * found[image, "true"]) * 1000
            yield Measure(what=f"{image} {command}, above 1.3 x true", value=above, bound=60, unit="ms")


def main() -> int:
    """Measure everything; what is broken at first is measured once more."""
    broken = 0
    for bench in (small, quick):
        measures = list(bench())
        if bench is quick and not all(measure.holds for measure in measures):
            print("       a bound is broken: once more")
            measures = list(bench())
        broken += sum(not measure.holds for measure in measures)
        print(*measures, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
