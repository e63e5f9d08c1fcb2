"""The config file: found or named, read within bounds, its keys as raw values with line and column, its trust enforced.

Knows files and the table; knows nothing of what values mean. A file that was only found may come from a stranger's pull
request: it is no link, lies in the workspace, and sets only rows marked `ws`.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.settings import problems, yamltext
from xray_ci.settings.raw import Raw
from xray_ci.settings.table import BY_NAME, FREE, LATER, ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.errors import ConfigurationError
    from xray_ci.settings.yamltext import Node

DEFAULT: Final = ".xray-ci.yml"


class Config(NamedTuple):
    """What a config file says."""

    path: Path | None
    values: dict[str, Raw]
    touched: dict[str, str]
    """Origins of settings whose value is wrong."""
    problems: list[ConfigurationError]
    broken: bool = False
    """Whether nothing of it could be read."""


NOTHING: Final = Config(None, {}, {}, [])


def found(workspace: Path) -> Config:
    """Read the default file when there is one; what it may set is limited."""
    path = workspace / DEFAULT
    try:
        mode = path.lstat().st_mode
    except OSError:
        return NOTHING
    if not stat.S_ISREG(mode):
        return Config(None, {}, {}, [problems.problem(f"{DEFAULT} is not a regular file", DEFAULT, problems.CONFIG_FILE,
                                                  "A link or a folder is not followed; name the file by `config`.")], broken=True)
    return _read(path, DEFAULT, trusted=False)


def named(path: Path, written: str, origin: str) -> Config:
    """Read the file that `config` names; it may set everything but secrets."""
    if not os.path.isfile(path):  # noqa: PTH113  # pathlib raises where it may not look
        return Config(None, {}, {}, [problems.problem(f"There is no config file {problems.shown(written)}", origin,
                                                  problems.CONFIG_FILE, "Relative paths start at the workspace.")], broken=True)
    return _read(path, written, trusted=True)


def _read(path: Path, name: str, *, trusted: bool) -> Config:
    try:
        root = _root(path)
    except OSError as error:
        return _broken(path, name, f"cannot be read ({error.strerror})")
    except yamltext.NotYamlError as error:
        return _broken(path, f"{name}:{error.line}:{error.column}", error.what)
    return _entries(path, name, root, trusted=trusted) if root else Config(path, {}, {}, [])


def _root(path: Path) -> Node | None:
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


def _entries(path: Path, name: str, root: Node, *, trusted: bool) -> Config:
    from xray_ci.settings import schema  # noqa: PLC0415  # only a run with a config file pays

    config = Config(path, {}, {}, [])
    allowed: dict[str, Node] = {}
    for key, node in (root.entries or {}).items():
        at = root.keys[key]
        refused = _refusal(key, f"{name}:{at.line}:{at.column}", trusted=trusted)
        if refused is not None:
            config.problems.append(refused)
        elif not (node.plain and node.text in ("", "~", "null")) and node.text != "":
            allowed[key] = node
    checked = yamltext.Node(line=root.line, column=root.column, entries=allowed)
    origins = {key: f"{name}:{root.keys[key].line}:{root.keys[key].column}" for key in allowed}
    for setting, error in schema.check(checked, name):
        config.touched[setting] = origins[setting]
        config.problems.append(error)
    config.values.update({key: Raw(node, origins[key]) for key, node in allowed.items() if key not in config.touched})
    return config


def _refusal(key: str, where: str, *, trusted: bool) -> ConfigurationError | None:
    from xray_ci.settings.schema import in_file  # noqa: PLC0415  # as above

    row = BY_NAME.get(key)
    if row is None:
        names = [row.name for row in ROWS if in_file(row) and (trusted or row.ws)]
        return problems.unknown(key, key, names, LATER, thing="setting", where=where)
    if row.name in FREE:
        return problems.problem(f"`{key}` is decided before the config file is read", where, problems.USAGE,
                                f"Set it by a flag, or by `{row.variable}`.")
    if not in_file(row):
        return problems.problem(f"`{key}` is secret, and a config file must not hold secrets", where, problems.OPEN_SECRET,
                                f"Take it out, replace the secret, and set the variable `{row.variable}` from your CI's store.")
    if not trusted and not row.ws:
        return problems.problem(
            f"`{key}` may not be set by a file that was only found in the workspace", where, problems.UNTRUSTED,
            f"A pull request could change it. Set it by a flag or a variable, or name the file: `config: {DEFAULT}`.")
    return None
