"""Checks documents against the schemas of a deployment, and says why one fails.

Two validators on purpose: jsonschema-rs says yes or no in a microsecond, jsonschema is asked only about what failed and
says why. Both are imported late. Knows schemas and JSON; knows nothing of cases or reports but the place it is told.

Why a document does not fit its schema, in words for people: the JSON path, and a cause that never shows a document.

The only user of jsonschema in this room. What it says of a value is cut, and of evidence never more than its length:
jsonschema's own messages hold the whole instance.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from xray_ci.errors import InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jsonschema.exceptions import ValidationError


_SCHEMAS: Final = Path(__file__).parent / "schemas"
_PARTS: Final = {"info": "{deployment}-multipart-info", "testInfo": "multipart-test-info"}


@cache
def _text(name: str) -> str:
    return (_SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")


def schema(name: str) -> dict[str, Any]:
    """Return a fresh copy of a shipped schema, by the name of its file."""
    loaded: dict[str, Any] = json.loads(_text(name))
    return loaded


class SchemaPart:
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
    """The schemas of one deployment, with the site's own statuses allowed; each is made ready when it is asked."""

    def __init__(self, deployment: str, custom_statuses: frozenset[str] = frozenset()) -> None:
        self._deployment = deployment
        self._custom = custom_statuses

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
        if all(_simple(name, value) for name, value in info.items()):
            return ()
        return tuple(InvalidPayload(f"info: {flaw}", where=flaw.path) for flaw in self._info.flaws(info))

    def part(self, name: str, *, existing: bool = False) -> SchemaPart:
        """Return the schema of a part of the multipart path: `info` or `testInfo`.

        `existing`: of a Test Execution that is there, which has a summary and a type already (O).
        """
        found = schema(_PARTS[name].format(deployment=self._deployment))
        if existing:
            found["properties"]["fields"]["required"] = ["project"]
        return SchemaPart(found)

    @cached_property
    def _schema(self) -> dict[str, Any]:
        loaded = schema(f"{self._deployment}-execution")
        _allow(loaded["$defs"]["status"], self._custom)
        return loaded

    @cached_property
    def _tests(self) -> SchemaPart:
        definitions = self._schema["$defs"]
        return SchemaPart({"type": "array", "items": {"$ref": "#/$defs/test"}, "$defs": definitions})

    @cached_property
    def _test(self) -> SchemaPart:
        return SchemaPart({"$ref": "#/$defs/test", "$defs": self._schema["$defs"]})

    @cached_property
    def _document(self) -> SchemaPart:
        return SchemaPart(self._schema)

    @cached_property
    def _info(self) -> SchemaPart:
        return SchemaPart({"$ref": "#/$defs/info", "$defs": self._schema["$defs"]})


_TEXTS: Final = frozenset({"project", "summary", "description", "version", "revision", "user", "testPlanKey"})
"""Members of `info` that are a text in the schemas of both deployments."""


def _simple(name: str, value: object) -> bool:
    """Say whether a member of `info` plainly fits, so that nobody imports a validator (21 ms) to hear it."""
    if name == "testEnvironments":
        return isinstance(value, list) and all(map(_said, value))
    return name in _TEXTS and _said(value)


def _said(value: object) -> bool:
    """Say whether a value is a text, not empty, that can be written."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _allow(status: dict[str, Any], custom: frozenset[str]) -> None:
    """Take the site's own statuses out of those refused as words of the other deployment."""
    refused = [word for word in status["not"]["enum"] if word not in custom]
    if refused:
        status["not"] = {"enum": refused}
    else:
        del status["not"]


_SHOWN: Final = 60
_MOST: Final = 20
_TYPES: Final = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}
_WORDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "null": "null",
}
_BLANK: Final = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


class Flaw(Struct, frozen=True, kw_only=True):
    """One cause, and where in the document it is."""

    path: str
    """JSON path from `$`."""
    cause: str
    depth: int = 0
    telling: bool = False
    """Whether it names what somebody wrote, and not only what is missing."""

    def __str__(self) -> str:
        return f"{self.path} {self.cause}" if self.path != "$" else self.cause

    def about(self, name: str) -> str:
        """Return the sentence about a test of that name."""
        return f"test {shown(name)} would be refused by Xray: {self}"


def flaws(schema: dict[str, Any], document: object) -> tuple[Flaw, ...]:
    """Return the flaws of a document that a schema refuses: at least one, at most 20, in the order of the document."""
    found: dict[tuple[str, str], Flaw] = {}
    for error in _validator(schema).iter_errors(document):
        for leaf in _leaves(error):
            flaw = Flaw(
                path=leaf.json_path,
                cause=_cause(leaf),
                depth=len(leaf.absolute_path),
                telling=leaf.validator == "additionalProperties",
            )
            found.setdefault((flaw.path, flaw.cause), flaw)
            if len(found) >= _MOST:
                return tuple(found.values())
    return tuple(found.values()) or (Flaw(path="$", cause="holds something that JSON or its schema cannot take"),)


def deepest(found: tuple[Flaw, ...]) -> Flaw:
    """Return the flaw that lies deepest in the document, of equals the most telling.

    The nearest to what somebody wrote.
    """
    return max(found, key=lambda flaw: (flaw.depth, flaw.telling))


def shown(value: object) -> str:
    """Return a value as an error may show it: short text quoted, what is long or has parts by its kind only."""
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
        return repr(text)
    if isinstance(value, (dict, list)):
        return _TYPES[type(value)]
    return repr(value)[:_SHOWN]


def _validator(schema: dict[str, Any]) -> Any:
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415  # late: 62 ms

    return validators.extend(Draft202012Validator, {"pattern": _pattern})(schema)  # type: ignore[no-untyped-call]


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    """Check a pattern with JSON Schema's meaning of it, which Python's own differs from.

    Digits, blanks, ends of lines.
    """
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415

    if isinstance(instance, str) and not re.search(_translated(pattern), instance):
        yield ValidationError("has another form")


def _translated(pattern: str) -> str:
    """Return an ECMA 262 pattern, of the few our schemas use, as Python's."""
    return (
        pattern.replace(r"\d", "[0-9]").replace(r"\S", f"[^{_BLANK}]").replace(r"\s", f"[{_BLANK}]").replace("$", r"\Z")
    )


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the causes below an error: those of the branches, unless the branches only say which property is needed."""
    if error.context and not all(inner.validator == "required" and not inner.relative_path for inner in error.context):
        best = max(len(inner.relative_path) for inner in error.context)
        for inner in error.context:
            if len(inner.relative_path) == best:
                yield from _leaves(inner)
        return
    yield error


def _cause(error: ValidationError) -> str:  # noqa: PLR0911  # one keyword a line
    """Return what is wrong, by the keyword that failed."""
    instance: Any = error.instance
    wanted: Any = error.validator_value
    kind = _TYPES.get(type(instance), "something else")
    match str(error.validator):
        case "required":
            return "lacks " + ", ".join(name for name in wanted if name not in instance)
        case "additionalProperties":
            return _unknown(instance, error.schema)
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return f"is {kind}, not " + " or ".join(_WORDS[name] for name in names)
        case "enum":
            return f"is {shown(instance)}, not one of " + ", ".join(map(shown, wanted))
        case "pattern":
            return f"is {_value(error)}, which is not the form of: {_purpose(error)}"
        case "minLength" | "minItems" | "minProperties":
            return "is empty"
        case "maxLength" | "maxItems":
            unit = "characters" if isinstance(instance, str) else "items"
            return f"has {len(instance)} {unit}, at most {wanted} are taken"
        case "anyOf" | "oneOf":
            names = dict.fromkeys(name for branch in wanted for name in branch.get("required", ()))
            needs = "one" if error.validator == "anyOf" else "exactly one"
            return f"needs {needs} of " + ", ".join(names)
        case "not":
            return _excluded(error)
        case _:
            return "does not fit the schema"


def _value(error: ValidationError) -> str:
    """Return the value of an error, or only its length where it is evidence."""
    path = error.absolute_path
    if path and path[-1] == "data" and isinstance(error.instance, str):
        return f"{len(error.instance)} characters long"
    return shown(error.instance)


def _purpose(error: ValidationError) -> str:
    schema: Any = error.schema
    return str(schema.get("description", "labels without blanks"))[:120]


def _unknown(instance: dict[str, Any], schema: Any) -> str:
    """Name properties that do not exist, and the one that was probably meant."""
    import difflib  # noqa: PLC0415 - only a refused document needs it

    known = list(schema.get("properties", ()))
    merged = {name.lower(): name for name in known}
    said = []
    for name in [name for name in instance if name not in known][:3]:
        meant = [merged[near] for near in difflib.get_close_matches(str(name).lower(), merged, n=1, cutoff=0.75)]
        said.append(shown(name) + (f" (did you mean {meant[0]!r}?)" if meant else ""))
    return "has a property that does not exist there: " + ", ".join(said)


def _excluded(error: ValidationError) -> str:
    """Say what excludes what: two properties, a status of the other product, or a name in the wrong place."""
    steps = list(error.absolute_schema_path)
    if "dependentSchemas" in steps:
        name = str(steps[steps.index("dependentSchemas") + 1])
        branches: Any = error.validator_value
        present: Any = error.instance
        others = [other for branch in branches["anyOf"] for other in branch["required"] if other in present]
        return f"has both {' and '.join(sorted([name, *others]))}, which exclude each other"
    if "propertyNames" in steps:
        return f"has the property {shown(error.instance)}, which is no Jira field"
    return (
        f"is {shown(error.instance)}, a status of the other Xray product; if this site really has it, name it "
        "in `statuses`"
    )
