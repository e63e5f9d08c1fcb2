"""JSON bodies of small calls, in which one text may be a file's worth of pieces. Knows JSON and bodies, no service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from xray_ci.services.body import Pieces, Upload

if TYPE_CHECKING:
    from xray_ci.services.body import Slice

HOLE: Final = "\x00"
"""Stands in a document for the pieces that come with it; where more than one does, the first."""


def upload(document: object, pieces: tuple[bytes | Slice, ...] = ()) -> Upload:
    """Return a document as a body; `pieces` are sent as they are and so must hold nothing that JSON escapes."""
    text = json.dumps(document, separators=(",", ":"))
    if not pieces:
        return Upload(content_type="application/json", body=Pieces(pieces=(text.encode(),)))
    before, _, after = text.partition(json.dumps(HOLE)[1:-1])
    return Upload(content_type="application/json", body=Pieces(pieces=(before.encode(), *pieces, after.encode())))
