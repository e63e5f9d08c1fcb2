"""The emulator's own JSON Schemas: what the vendors take, written apart from the product's. Knows no requests."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

_FOLDER: Final = Path(__file__).parent / "schemas"


@functools.cache
def _validator(name: str, without: str | None) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if without is not None:
        del schema["$defs"]["test"]["properties"][without]
    return jsonschema_rs.Draft202012Validator(schema)


def takes_execution(side: str, document: Any, *, custom_fields: bool) -> bool:
    """Say whether a product takes a document of Xray JSON; Test Run custom fields only come with Cloud's v2 (O)."""
    return _validator(f"{side}-execution", None if custom_fields else "customFields").is_valid(document)


def fault(side: str, document: Any) -> str:
    """Return where and why a document was refused, in ASCII and one line; no vendor tells it."""
    try:
        _validator(f"{side}-execution", None).validate(document)
    except jsonschema_rs.ValidationError as error:
        text = f"{'/'.join(map(str, error.instance_path))}: {error.message}"[:300]
        return json.dumps(text)[1:-1]
    return ""
