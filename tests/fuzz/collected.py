"""Files of collected results as one readable input: `==== KIND` on a line of its own before what each frame holds.

Counts and digest are made here, so that what a fuzzer changes is what the reader looks at behind them. Bytes that begin
like such a file are one already.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from xray_ci.reports import shard

_FRAME = re.compile(rb"(?m)^==== ([RECP])\n")


def packed(content: bytes) -> bytes:
    """Return the file that an input stands for."""
    if content.startswith(shard.MAGIC):
        return content
    _, *rest = _FRAME.split(content)
    frames = [(kind, raw.removesuffix(b"\n")) for kind, raw in zip(rest[::2], rest[1::2], strict=True)]
    written = shard.head() + b"".join(shard.packed(kind, raw) for kind, raw in frames)
    end = shard.End(
        reports=sum(kind == shard.REPORT for kind, _ in frames),
        cases=sum(raw.count(b"\n") + (not raw.endswith(b"\n")) for kind, raw in frames if kind == shard.CASES and raw),
        problems=sum(kind == shard.PROBLEMS for kind, _ in frames),
        evidence=sum(len(raw) for kind, raw in frames if kind == shard.EVIDENCE),
        digest=hashlib.blake2b(written, digest_size=shard.DIGEST_SIZE).hexdigest(),
    )
    return written + shard.packed(shard.END, msgspec.json.encode(end))
