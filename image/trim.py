"""Copies what the trimmed image is made of into one folder: `trim.py FOLDER PROGRAM...`, run in the stage of the rest.

Knows ldd, dpkg and where Python keeps its parts; knows nothing of xray-ci. No list of libraries: what the linker finds
is right on every architecture and for every later base.
"""  # noqa: INP001  # a script of the image, not a package

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from importlib.util import source_from_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STDLIB = Path(os.__file__).parent
DEPENDENCIES = Path("/opt/xray-ci/lib")
NOT_NEEDED = re.compile(r"_?(test|xx|curses|dbm|gdbm|readline|tkinter)|_ctypes_test")
"""Extensions of the standard library that no module uses which is kept: a terminal's, and CPython's own tests."""
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SYSTEM = (
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/debian_version",
    "/etc/ssl/openssl.cnf",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/usr/lib/ssl",
    "/usr/share/zoneinfo",
)
LOADED = re.compile(r"^[^/\n]*(/\S+) \(0x", re.MULTILINE)
MISSING = re.compile(r"^.* => not found", re.MULTILINE)


def output(*command: str) -> str:
    """Return what a command prints; what it could not answer for one of its arguments is no failure."""
    return subprocess.run(command, check=False, capture_output=True, encoding="utf-8").stdout  # noqa: S603


def programs(names: Iterable[str]) -> list[Path]:
    """Return where the named programs are; raises SystemExit when one is not in this base."""
    found = {name: shutil.which(name, path="/usr/bin:/bin") for name in names}
    if absent := [name for name, path in found.items() if path is None]:
        sys.exit(f"trim.py: not in this base: {', '.join(absent)}")
    return [Path(path) for path in found.values() if path]


def interpreter() -> list[Path]:
    """Return Python's links and program, every module that has bytecode, and the extensions these use."""
    compiled = [path for path in STDLIB.rglob("*.pyc") if "site-packages" not in path.parts]
    extensions = [path for path in (STDLIB / "lib-dynload").glob("*.so") if not NOT_NEEDED.match(path.name)]
    links = [path for path in Path("/usr/local/bin").iterdir() if re.fullmatch(r"python[\d.]*|xray-ci", path.name)]
    return [*links, *compiled, *(Path(source_from_cache(str(path))) for path in compiled), *extensions]


def libraries(files: Iterable[Path]) -> list[Path]:
    """Return the shared libraries that files load, theirs included; raises SystemExit when one is not there."""
    told = output(
        "ldd", *(str(path) for path in files if path.suffix == ".so" or (os.access(path, os.X_OK) and path.is_file()))
    )
    if absent := MISSING.findall(told):
        sys.exit(f"trim.py: {', '.join(sorted(set(absent)))}")
    return [Path(path) for path in sorted(set(LOADED.findall(told))) if not path.startswith(str(DEPENDENCIES))]


def copy(path: Path, root: Path) -> None:
    """Copy a file or folder to its real place below `root`; a link stays one, and what it names comes along."""
    source = path.parent.resolve() / path.name
    target = root / source.relative_to("/")
    if target.is_symlink() or (target.exists() and not source.is_dir()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        named = source.parent / source.readlink()
        if named.exists() and not named.is_dir() and not named.is_relative_to(DEPENDENCIES.parent):
            copy(named, root)
    elif source.is_dir():
        target.mkdir(exist_ok=True)
        for inner in sorted(source.iterdir()):
            copy(inner, root)
    else:
        shutil.copy2(source, target)


def describe(files: Iterable[Path], root: Path) -> None:
    """Leave Debian's record and licence of each package that gave a file, where scanners look for them."""
    owners = output("dpkg-query", "--search", *sorted({str(path.resolve()) for path in files}))
    records = root / "var/lib/dpkg/status.d"
    records.mkdir(parents=True)
    for package in sorted(set(re.findall(r"^([^:, \n]+)[:,]", owners, re.MULTILINE))):
        (records / package).write_text(output("dpkg-query", "--status", package), encoding="utf-8")
        copy(Path("/usr/share/doc", package, "copyright"), root)


def main(folder: str, *names: str) -> None:
    """Fill the folder; `names` are the programs of the base that stay."""
    root = Path(folder)
    for place in Path("/").iterdir():  # /bin, /lib and /lib64 are links into /usr
        if place.is_symlink() and place.is_dir():
            copy(place, root)
            (root / place.resolve().relative_to("/")).mkdir(parents=True, exist_ok=True)
    for place in ("dev", "proc", "root", "run", "sys"):
        (root / place).mkdir()
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    started = [*programs(names), *interpreter()]
    files = [*started, *libraries([*started, *DEPENDENCIES.rglob("*.so")])]
    described = [
        *files,
        Path("/usr/share/zoneinfo/UTC"),
        Path("/etc/debian_version"),
        Path("/usr/sbin/update-ca-certificates"),
    ]
    for path in (*files, BUNDLE, *map(Path, SYSTEM)):
        copy(path, root)
    trusted = root / ssl.get_default_verify_paths().openssl_cafile.lstrip("/")
    if not trusted.is_symlink():
        trusted.symlink_to(BUNDLE)
    describe(described, root)


if __name__ == "__main__":
    main(*sys.argv[1:])
