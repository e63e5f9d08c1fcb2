"""Files of collected results made by hand in tests: any frames, with an end that fits them."""

from __future__ import annotations

import hashlib
import io
import json

from xray_ci.model import Case, Origin
from xray_ci.reports import shard
from xray_ci.reports.shard import ShardWriter

ORIGIN = Origin(path="build/a.xml", format="junit", family="junit")
CASE = {"name": "n", "outcome": "passed"}


def frames(*parts: tuple[bytes, object], **end: object) -> bytes:
    """Return a file of frames; what is no bytes is written as JSON, lists of cases and problems a line each."""
    body = shard.head()
    counts = {"reports": 0, "cases": 0, "problems": 0, "evidence": 0}
    for kind, content in parts:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        body += shard.packed(kind, raw)
        match kind:
            case shard.REPORT:
                counts["reports"] += 1
            case shard.CASES:
                counts["cases"] += len(raw.splitlines())
            case shard.PROBLEMS:
                counts["problems"] += 1
            case shard.EVIDENCE:
                counts["evidence"] += len(raw)
    told = {**counts, "digest": hashlib.blake2b(body, digest_size=shard.DIGEST_SIZE).hexdigest(), **end}
    return body + shard.packed(shard.END, json.dumps(told).encode())


def report(**members: object) -> tuple[bytes, object]:
    """Return the frame of an origin with these members changed."""
    return shard.REPORT, {"path": "build/a.xml", "format": "junit", "family": "junit", **members}


def case(**members: object) -> tuple[bytes, object]:
    """Return the frame of one case with these members."""
    return shard.CASES, {**CASE, **members}


def written(*cases: Case, evidence: bytes = b"") -> bytes:
    """Return what the writer makes of cases of one report."""
    file = io.BytesIO()
    writer = ShardWriter(file)
    writer.origin(ORIGIN)
    writer.evidence(evidence)
    for one in cases:
        assert writer.add(one)
    writer.finish(())
    return file.getvalue()
