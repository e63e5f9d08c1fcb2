"""Checks documents against the schemas of a deployment, and says why one fails.

Two validators on purpose: jsonschema-rs says yes or no in a microsecond, jsonschema is asked only about what failed and says
why. Both are imported late. Knows schemas and JSON; knows nothing of cases or reports but the place it is told.
"""

from __future__ import annotations

import json
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import InvalidPayload
from xray_ci.xray.flaws import Flaw, deepest, flaws

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMAS: Final = Path(__file__).parent / "schemas"
_PARTS: Final = {"info": "{deployment}-multipart-info", "testInfo": "multipart-test-info"}


@cache
def _text(name: str) -> str:
    return (_SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")


def schema(name: str) -> dict[str, Any]:
    """Return a fresh copy of a shipped schema, by the name of its file."""
    loaded: dict[str, Any] = json.loads(_text(name))
    return loaded


class Part:
    """One schema, ready to be asked."""

    def __init__(self, document_schema: dict[str, Any]) -> None:
        import jsonschema_rs  # noqa: PLC0415  # late: 21 ms

        self.schema = document_schema
        self._accepts = jsonschema_rs.validator_for(document_schema).is_valid

    def valid(self, document: object) -> bool:
        """Say whether a document fits; text that is no Unicode fits nothing."""
        try:
            return bool(self._accepts(document))
        except ValueError:
            return False

    def flaws(self, document: object) -> tuple[Flaw, ...]:
        """Return every flaw of a document, in its order; nothing for one that fits."""
        if self.valid(document):
            return ()
        return flaws(self.schema, document)


class Checker:
    """The schemas of one deployment, with the site's own statuses allowed."""

    def __init__(self, deployment: str, custom_statuses: frozenset[str] = frozenset()) -> None:
        self._deployment = deployment
        self._schema = schema(f"{deployment}-execution")
        _allow(self._schema["$defs"]["status"], custom_statuses)
        definitions = self._schema["$defs"]
        self._tests = Part({"type": "array", "items": {"$ref": "#/$defs/test"}, "$defs": definitions})
        self._test = Part({"$ref": "#/$defs/test", "$defs": definitions})

    def valid_all(self, tests: Sequence[dict[str, Any]]) -> bool:
        """Say whether all of some tests fit: a third faster than one by one."""
        return self._tests.valid(tests)

    def valid(self, test: dict[str, Any]) -> bool:
        """Say whether one test fits."""
        return self._test.valid(test)

    def flaw(self, test: dict[str, Any]) -> Flaw:
        """Return the deepest useful cause why a test does not fit."""
        return deepest(self._test.flaws(test))

    def explain(self, test: dict[str, Any], *, report: str, line: int | None, name: str) -> InvalidPayload:
        """Return the failure of a test that does not fit, with its place in the report."""
        return InvalidPayload(self.flaw(test).about(name), where=report if line is None else f"{report}:{line}")

    def check_document(self, document: object) -> tuple[InvalidPayload, ...]:
        """Return why a whole body of an import would be refused: nothing, or each flaw with its JSON path."""
        return tuple(InvalidPayload(str(flaw), where=flaw.path) for flaw in self._document.flaws(document))

    def check_info(self, info: dict[str, Any]) -> tuple[InvalidPayload, ...]:
        """Return why the property `info` of a body would be refused."""
        return tuple(InvalidPayload(f"info: {flaw}", where=flaw.path) for flaw in self._info.flaws(info))

    def part(self, name: str) -> Part:
        """Return the schema of a part of the multipart path: `info` or `testInfo`."""
        return Part(schema(_PARTS[name].format(deployment=self._deployment)))

    @cached_property
    def _document(self) -> Part:
        return Part(self._schema)

    @cached_property
    def _info(self) -> Part:
        return Part({"$ref": "#/$defs/info", "$defs": self._schema["$defs"]})


def _allow(status: dict[str, Any], custom: frozenset[str]) -> None:
    """Take the site's own statuses out of those refused as words of the other deployment."""
    refused = [word for word in status["not"]["enum"] if word not in custom]
    if refused:
        status["not"] = {"enum": refused}
    else:
        del status["not"]
