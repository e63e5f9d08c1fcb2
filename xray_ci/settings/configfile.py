"""The JSON Schema of the config file, made from the table, and the check of a file against it.

Every error, with its place.

The only user of jsonschema in this room. Its messages are not used: they hold the whole value, and a value may be a
secret that somebody put into the wrong place.

The config file: found or named, read within bounds, its keys as raw values with line and column, its trust enforced.

Knows files and the table; knows nothing of what values mean. A file that was only found may come from a stranger's pull
request: it is no link, lies in the workspace, and sets only rows marked `ws`.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Final

from xray_ci.settings import mapping, problems, yamltext
from xray_ci.settings.mapping import MOST_ITEMS
from xray_ci.settings.problems import DEFAULT, Config, Raw
from xray_ci.settings.structures import ITEM_KEYS_IN_FILE
from xray_ci.settings.table import BY_NAME, FREE, LIST_KINDS, OUTCOMES, ROWS, Kind, Row
from xray_ci.settings.texts import LONGEST_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.yamltext import YamlNode


SCHEMA_ADDRESS: Final = "https://raw.githubusercontent.com/org/xray-ci/v1/docs/xray-ci.schema.json"
"""Where editors find the schema of a config file."""
_TEXT: Final = {"type": ["string", "number", "boolean"]}
_SWITCH: Final = {"enum": [True, False, "yes", "no", "on", "off", "true", "false", "1", "0", 1, 0]}
_TEXTS: Final = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MOST_ITEMS}]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _told(what: str, rule: dict[str, Any]) -> dict[str, Any]:
    return {"description": what, **rule}


_PATTERN: Final = {**_TEXT, "maxLength": LONGEST_PATTERN}
_FORMAT: Final = {"enum": [*mapping.FORMATS]}
_WHEN: Final = _object(
    {
        "format": _told(
            "Keys or families of formats; one of them must be the report's.",
            {"anyOf": [_FORMAT, {"type": "array", "items": _FORMAT, "minItems": 1}]},
        ),
        "file": _told("Globs as in `reports`; one of them must match the report's path.", _TEXTS),
        "suite": _told("RE2 pattern, searched in the names of the suites joined by ` > `.", _PATTERN),
        "class": _told("RE2 pattern, searched in the class name.", _PATTERN),
        "name": _told("RE2 pattern, searched in the name of the test.", _PATTERN),
        "tag": _told("RE2 patterns; each must be found in some tag.", _TEXTS),
        "property": _told(
            "Names of properties of the suite or the test, each with the RE2 pattern of its value.",
            {"type": "object", "minProperties": 1, "additionalProperties": _PATTERN},
        ),
        "hostname": _told("RE2 pattern, searched in the name of the machine (`hostname` in JUnit XML).", _PATTERN),
        "outcome": _told(
            "RE2 pattern, searched in the word of the result: passed, failed, errors, skipped or other.", _PATTERN
        ),
    }
)
_RULE: Final = _object(
    {
        "when": _told("What a result must be; all of it must hold. Without it the rule is about every result.", _WHEN),
        "key": _told(
            "Keys of the Tests, or templates such as `SHOP-{number}`. The first rule that has one wins.", _TEXTS
        ),
        "labels": _told("Labels of a Test that is created; those of all rules together.", _TEXTS),
        "environment": _told("Test Environments of the result; those of all rules together.", _TEXTS),
        "environments": _told("The same as `environment`.", _TEXTS),
        "definition": _told("Identity that the Test is looked up by, in place of the result's own.", _TEXT),
        "skip": _told("Leave the result out.", _SWITCH),
    }
) | {"anyOf": [{"required": [action]} for action in mapping.ACTIONS]}
_MAPPING: Final = _object(
    {
        "prefixes": _told(
            "What else tags begin with when they name a Test or a requirement.",
            _object(dict.fromkeys(mapping.PREFIXES, _TEXTS)) | {"type": ["object", "null"]},
        ),
        "tests": _told(
            "`class.name`, or the name alone, to the keys of its Tests.",
            {"type": ["object", "null"], "maxProperties": mapping.MOST_TESTS, "additionalProperties": _TEXTS},
        ),
        "rules": _told(
            "All that match apply, top to bottom.",
            {"type": ["array", "null"], "maxItems": mapping.MOST_RULES, "items": _RULE},
        ),
    }
)
_SPECIAL: Final[dict[Kind, dict[str, Any]]] = {
    Kind.FLAG: _SWITCH,
    Kind.SECONDS: {"type": ["number", "string"]},
    Kind.NUMBER: {"type": ["integer", "string"]},
    Kind.SIZE: {"type": ["integer", "string"]},
    Kind.FIELDS: {"type": ["object", "string"]},
    Kind.STATUSES: {
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"enum": [*OUTCOMES, "error"]},
                "additionalProperties": {"type": "string"},
            },
            {"type": "string"},
        ]
    },
    Kind.MAPPING: _MAPPING,
    Kind.SNAPSHOTS: {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["api-key-env"],
            "properties": dict.fromkeys(ITEM_KEYS_IN_FILE, _TEXT),
        },
    },
}
_UNCHECKED: Final = ("snapshots", "mapping")
"""Read later with better words: a misplaced secret gets its advice, and every rule its own place."""
_TYPES: Final = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def in_file(row: Row) -> bool:
    """Say whether a config file can hold a setting.

    No secrets (Snapshots name variables), nothing read before the file.
    """
    return row.name not in FREE and (not row.secret or row.kind is Kind.SNAPSHOTS)


def document() -> dict[str, Any]:
    """Return the schema, draft 2020-12, that editors use, too."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ADDRESS,
        "title": "Config file of xray-ci",
        "description": "Settings marked (named file only) are refused in a file that was merely found in the "
        "workspace.",
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


def check(root: YamlNode, name: str) -> Iterator[tuple[str, ConfigurationError]]:
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
        yield (
            str(path[0]),
            problems.problem(
                f"`{_spelt(path)}` {_explained(error)}", f"{name}:{node.line}:{node.column}", problems.CONFIG_FILE
            ),
        )


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


def found(workspace: Path) -> Config:
    """Read the default file, which is there; what it may set is limited."""
    path = workspace / DEFAULT
    if not stat.S_ISREG(path.lstat().st_mode):
        return Config(
            None,
            {},
            {},
            [
                problems.problem(
                    f"{DEFAULT} is not a regular file",
                    DEFAULT,
                    problems.CONFIG_FILE,
                    "A link or a folder is not followed; name the file by `config`.",
                )
            ],
            broken=True,
        )
    return _read(path, DEFAULT, trusted=False)


def named(path: Path, written: str, origin: str) -> Config:
    """Read the file that `config` names; it may set everything but secrets."""
    if not os.path.isfile(path):  # noqa: PTH113  # pathlib raises where it may not look
        return Config(
            None,
            {},
            {},
            [
                problems.problem(
                    f"There is no config file {problems.shown(written)}",
                    origin,
                    problems.CONFIG_FILE,
                    "Relative paths start at the workspace.",
                )
            ],
            broken=True,
        )
    return _read(path, written, trusted=True)


def _read(path: Path, name: str, *, trusted: bool) -> Config:
    try:
        root = _root(path)
    except OSError as error:
        return _broken(path, name, f"cannot be read ({error.strerror})")
    except yamltext.NotYamlError as error:
        return _broken(path, f"{name}:{error.line}:{error.column}", error.what)
    return _entries(path, name, root, trusted=trusted) if root else Config(path, {}, {}, [])


def _root(path: Path) -> YamlNode | None:
    """Return the mapping a file holds, None when it holds nothing; raises OSError, NotYamlError."""
    with path.open("rb") as file:
        content = file.read(yamltext.LARGEST + 1)
    if len(content) > yamltext.LARGEST:
        raise yamltext.NotYamlError(f"is larger than {yamltext.LARGEST} bytes", 1, 1)
    try:
        root = yamltext.read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise yamltext.NotYamlError("is not UTF-8", content.count(b"\n", 0, error.start) + 1, 1) from None
    if root is not None and root.entries is None:
        raise yamltext.NotYamlError("is not a mapping of settings", root.line, root.column)
    return root


def _broken(path: Path, where: str, what: str) -> Config:
    return Config(path, {}, {}, [problems.problem(f"The config file {what}", where, problems.CONFIG_FILE)], broken=True)


def _entries(path: Path, name: str, root: YamlNode, *, trusted: bool) -> Config:

    config = Config(path, {}, {}, [])
    allowed: dict[str, YamlNode] = {}
    for key, node in (root.entries or {}).items():
        at = root.keys[key]
        refused = _refusal(key, f"{name}:{at.line}:{at.column}", trusted=trusted)
        if refused is not None:
            config.problems.append(refused)
        elif not (node.plain and node.text in ("", "~", "null")) and node.text != "":
            allowed[key] = node
    checked = yamltext.YamlNode(line=root.line, column=root.column, entries=allowed)
    origins = {key: f"{name}:{root.keys[key].line}:{root.keys[key].column}" for key in allowed}
    for setting, error in check(checked, name):
        config.touched[setting] = origins[setting]
        config.problems.append(error)
    config.values.update({key: Raw(node, origins[key]) for key, node in allowed.items() if key not in config.touched})
    return config


def _refusal(key: str, where: str, *, trusted: bool) -> ConfigurationError | None:

    row = BY_NAME.get(key)
    if row is None:
        names = [row.name for row in ROWS if in_file(row)]
        return problems.unknown(key, key, names, thing="setting", where=where)
    if row.name in FREE:
        return problems.problem(
            f"`{key}` is decided before the config file is read",
            where,
            problems.USAGE,
            f"Set it by a flag, or by `{row.variable}`.",
        )
    if not in_file(row):
        return problems.problem(
            f"`{key}` is secret, and a config file must not hold secrets",
            where,
            problems.OPEN_SECRET,
            f"Take it out, replace the secret, and set the variable `{row.variable}` from your CI's store.",
        )
    if not trusted and not row.ws:
        return problems.problem(
            f"`{key}` may not be set by a file that was only found in the workspace",
            where,
            problems.UNTRUSTED,
            f"A pull request could change it. Set it by a flag or a variable, or name the file: `config: {DEFAULT}`.",
        )
    return None
