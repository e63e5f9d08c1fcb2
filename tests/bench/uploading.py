"""When a file of evidence is better uploaded by itself than sent as base64 within the import: `uploading.py`.

One result with one file, imported through a line of so many Mbit/s on which every answer takes so long, once each way;
prints seconds by size, of both, without read-back. Where the last column is the smaller one,
`services.cloud.UPLOAD_FROM` may begin.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from importing import CREDENTIALS, emulator
from rows import MB, ran

LINES = ((10, 0.2), (20, 0.2), (100, 0.2))
"""Mbit/s up, and seconds of every answer."""
SIZES = (1, 2, 4, 6, 9)
"""MB."""
PIECE = 16_384
NEVER = 10**12
PROGRAM = """
import sys
from xray_ci.services import cloud
cloud.UPLOAD_FROM = int(sys.argv.pop(1))
from xray_ci.__main__ import main
sys.exit(main())
"""


@contextmanager
def line(url: str, mbit: float, answer: float) -> Iterator[str]:
    """Serve what is at a URL through a slow line; yields its address there."""
    target, listener = urlsplit(url), socket.create_server(("127.0.0.1", 0))

    def up(inner: socket.socket, outer: socket.socket) -> None:
        due = time.perf_counter()
        while piece := inner.recv(PIECE):
            due = max(due, time.perf_counter()) + len(piece) * 8 / mbit / MB
            time.sleep(max(0.0, due - time.perf_counter()))
            outer.sendall(piece)
        outer.close()

    def down(outer: socket.socket, inner: socket.socket) -> None:
        try:
            while piece := outer.recv(1 << 20):
                time.sleep(answer)
                inner.sendall(piece)
        except OSError:
            return

    def serve() -> None:
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            outer = socket.create_connection((target.hostname or "", target.port or 0))
            threading.Thread(target=up, args=(inner, outer), daemon=True).start()
            threading.Thread(target=down, args=(outer, inner), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def main() -> None:
    """Print one line for each size and line."""
    print("| line | file | as base64 | by itself |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name, emulator(Path(name)) as url:
        folder = Path(name)
        for mbit, answer in LINES:
            with line(url, mbit, answer) as place:
                named = {**CREDENTIALS, "XRAY_CI_XRAY_URL": place, "XRAY_CI_RECONCILE": "false"}
                for size in SIZES:
                    (folder / "f.bin").write_bytes(os.urandom(size * MB))
                    (folder / "r.xml").write_text(
                        f'<testsuite name="s"><testcase classname="a" name="b{size}"><failure/>'
                        "<system-out>[[ATTACHMENT|f.bin]]</system-out></testcase></testsuite>"
                    )
                    took = [
                        ran(
                            [sys.executable, "-c", PROGRAM, str(bound), "import", "--reports", "r.xml"], folder, named
                        ).wall
                        for bound in (NEVER, 1)
                    ]
                    print(f"| {mbit} Mbit/s, {answer} s | {size} MB | {took[0]:.1f} s | {took[1]:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
