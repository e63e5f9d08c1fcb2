"""Runs one thing as a fresh process and writes down what it cost: processor seconds, highest memory, modules imported.

measured.py NOTE raw FILE          expat without callbacks over the file: the fastest anything can read it
measured.py NOTE calls FILE        the same with callbacks that do nothing: what the interpreter adds to it at least
measured.py NOTE decode FILE       one `raw_decode` over the whole document, or over each line of it
measured.py NOTE imports MODULES   import the modules named in a JSON file, and nothing more
measured.py NOTE product ARGUMENTS xray-ci itself, through entrypoint.py
"""

from __future__ import annotations

import gc
import importlib
import json
import runpy
import sys
import time
import xml.parsers.expat
from pathlib import Path

ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"
PIECE = 1 << 20


def peak() -> int:
    """Return the most memory this process ever had, in bytes (Linux)."""
    (line,) = [
        line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")
    ]
    return int(line.split()[1]) * 1024


def raw(path: str) -> None:
    parse(path, xml.parsers.expat.ParserCreate())


def calls(path: str) -> None:
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = lambda _tag, _attributes: None, lambda _tag: None
    parse(path, parser)


def parse(path: str, parser: xml.parsers.expat.XMLParserType) -> None:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        while piece := file.read(PIECE):
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def decode(path: str) -> None:
    gc.disable()
    text, decoder, at = Path(path).read_text(encoding="utf-8"), json.JSONDecoder(), 0
    while at < len(text):
        _, at = decoder.raw_decode(text, at)
        at += len(text[at : at + 64]) - len(text[at : at + 64].lstrip())


def imports(listed: str) -> None:
    for name in json.loads(Path(listed).read_text(encoding="utf-8")):
        importlib.import_module(name)


def product(*arguments: str) -> object:
    sys.argv = [str(ENTRYPOINT), *arguments]
    try:
        runpy.run_path(str(ENTRYPOINT), run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    return 0


def main(note: str, kind: str, *arguments: str) -> None:
    begun = time.process_time()
    code = {"raw": raw, "calls": calls, "decode": decode, "imports": imports, "product": product}[kind](*arguments)
    seconds = time.process_time() - begun
    modules = sorted(
        name for name, module in sys.modules.items() if getattr(module, "__spec__", None) and name != "__main__"
    )
    Path(note).write_text(
        json.dumps({"code": code, "seconds": seconds, "peak": peak(), "modules": modules}), encoding="utf-8"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
