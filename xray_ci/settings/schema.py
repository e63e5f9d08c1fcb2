"""The JSON Schema of the config file, made from the table, and the check of a file against it: every error, with its place.

The only user of jsonschema in this room. Its messages are not used: they hold the whole value, and a value may be a secret
that somebody put into the wrong place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.settings import mappingtext, problems
from xray_ci.settings.parts import MOST_ITEMS
from xray_ci.settings.structures import ITEM_KEYS_IN_FILE
from xray_ci.settings.table import FREE, LIST_KINDS, OUTCOMES, ROWS, Kind, Row
from xray_ci.settings.texts import LONGEST_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.yamltext import Node

_TEXT: Final = {"type": ["string", "number", "boolean"]}
_SWITCH: Final = {"enum": [True, False, "yes", "no", "on", "off", "true", "false", "1", "0", 1, 0]}
_TEXTS: Final = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MOST_ITEMS}]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _told(what: str, rule: dict[str, Any]) -> dict[str, Any]:
    return {"description": what, **rule}


_PATTERN: Final = {**_TEXT, "maxLength": LONGEST_PATTERN}
_FORMAT: Final = {"enum": [*mappingtext.FORMATS]}
_WHEN: Final = _object({
    "format": _told("Keys or families of formats; one of them must be the report's.",
                    {"anyOf": [_FORMAT, {"type": "array", "items": _FORMAT, "minItems": 1}]}),
    "file": _told("Globs as in `reports`; one of them must match the report's path.", _TEXTS),
    "suite": _told("RE2 pattern, searched in the names of the suites joined by ` > `.", _PATTERN),
    "class": _told("RE2 pattern, searched in the class name.", _PATTERN),
    "name": _told("RE2 pattern, searched in the name of the test.", _PATTERN),
    "tag": _told("RE2 patterns; each must be found in some tag.", _TEXTS),
    "property": _told("Names of properties of the suite or the test, each with the RE2 pattern of its value.",
                      {"type": "object", "minProperties": 1, "additionalProperties": _PATTERN}),
})
_RULE: Final = _object({
    "when": _told("What a result must be; all of it must hold. Without it the rule is about every result.", _WHEN),
    "key": _told("Keys of the Tests, or templates such as `SHOP-{number}`. The first rule that has one wins.", _TEXTS),
    "labels": _told("Labels of a Test that is created; those of all rules together.", _TEXTS),
    "environment": _told("Test Environments of the result; those of all rules together.", _TEXTS),
    "environments": _told("The same as `environment`.", _TEXTS),
    "definition": _told("Identity that the Test is looked up by, in place of the result's own.", _TEXT),
    "skip": _told("Leave the result out.", _SWITCH),
}) | {"anyOf": [{"required": [action]} for action in mappingtext.ACTIONS]}
_MAPPING: Final = _object({
    "prefixes": _told("What else tags begin with when they name a Test or a requirement.",
                      _object(dict.fromkeys(mappingtext.PREFIXES, _TEXTS)) | {"type": ["object", "null"]}),
    "tests": _told("`class.name`, or the name alone, to the keys of its Tests.",
                   {"type": ["object", "null"], "maxProperties": mappingtext.MOST_TESTS, "additionalProperties": _TEXTS}),
    "rules": _told("All that match apply, top to bottom.",
                   {"type": ["array", "null"], "maxItems": mappingtext.MOST_RULES, "items": _RULE}),
})
_SPECIAL: Final[dict[Kind, dict[str, Any]]] = {
    Kind.FLAG: _SWITCH,
    Kind.SECONDS: {"type": ["number", "string"]},
    Kind.NUMBER: {"type": ["integer", "string"]},
    Kind.SIZE: {"type": ["integer", "string"]},
    Kind.FIELDS: {"type": ["object", "string"]},
    Kind.STATUSES: {"anyOf": [
        {"type": "object", "propertyNames": {"enum": [*OUTCOMES, "error"]}, "additionalProperties": {"type": "string"}},
        {"type": "string"}]},
    Kind.MAPPING: _MAPPING,
    Kind.SNAPSHOTS: {"type": "array", "items": {
        "type": "object", "additionalProperties": False, "required": ["api-key-env"],
        "properties": dict.fromkeys(ITEM_KEYS_IN_FILE, _TEXT)}},
}
_UNCHECKED: Final = ("snapshots", "mapping")
"""Read later with better words: a misplaced secret gets its advice, and every rule its own place."""
_TYPES: Final = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
                 "array": "a list", "object": "a mapping", "null": "nothing"}


def in_file(row: Row) -> bool:
    """Say whether a config file can hold a setting: no secrets (Snapshots name variables), nothing read before the file."""
    return row.name not in FREE and (not row.secret or row.kind is Kind.SNAPSHOTS)


def document() -> dict[str, Any]:
    """Return the schema, draft 2020-12, that editors use, too."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "xray-ci.schema.json",
        "title": "Config file of xray-ci",
        "description": "Settings marked (named file only) are refused in a file that was merely found in the workspace.",
        "type": "object",
        "additionalProperties": False,
        "properties": {row.name: _property(row) for row in ROWS if in_file(row)},
    }


def _property(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"description": row.help if row.ws else f"{row.help} (named file only)"}
    if row.kind is Kind.CHOICE:
        found |= {"enum": [*row.choices, *dict(row.also)]}
        if any(word[0].isdigit() for word in row.choices):  # `2.0` without quotes is a number.
            found["enum"] += [float(word) for word in row.choices if word[0].isdigit()]
    elif row.kind in LIST_KINDS:
        found |= {"anyOf": [{"type": "array", "items": _TEXT}, _TEXT]}
    else:
        found |= _SPECIAL.get(row.kind, _TEXT)
    if row.default is not None:
        found["default"] = {"true": True, "false": False}.get(row.default, row.default)
    return found


def check(root: Node, name: str) -> Iterator[tuple[str, ConfigurationError]]:
    """Yield every error of a file's values with the setting it is about.

    Unknown names were looked at before; what is in Snapshots and in the mapping is looked at later.
    """
    import jsonschema  # noqa: PLC0415  # 60 ms that only a run with a config file pays

    schema = document() | {"additionalProperties": True}
    for name_of_later in _UNCHECKED:
        del schema["properties"][name_of_later]
    for broad in jsonschema.Draft202012Validator(schema).iter_errors(root.json()):
        error = _deepest(broad)
        path = tuple(error.absolute_path)
        node = root.at(path)
        yield str(path[0]), problems.problem(f"`{_spelt(path)}` {_explained(error)}", f"{name}:{node.line}:{node.column}",
                                             problems.CONFIG_FILE)


def _deepest(error: Any) -> Any:
    """Return the cause inside alternatives: of the alternative that got furthest, the first."""
    while error.context:
        error = max(error.context, key=lambda inner: (len(inner.absolute_path), -inner.schema_path[0]))
    return error


def _spelt(path: tuple[str | int, ...]) -> str:
    """Return a path as people write it: `snapshots[1].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _explained(error: Any) -> str:
    """Return what is wrong in our own words, without the value."""
    expected = error.validator_value
    match error.validator:
        case "type":
            kinds = [expected] if isinstance(expected, str) else expected
            return "must be " + " or ".join(_TYPES[kind] for kind in kinds)
        case "enum":
            return "must be one of " + ", ".join(dict.fromkeys(str(word).lower() for word in expected))
        case other:
            return f"breaks the rule `{other}` of the schema"
