"""Worlds in files: one that somebody wrote to begin with (YAML), one that is kept between two runs (JSON).

Knows how the parts of a world are written down; nothing of what they mean to any interface.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import typing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.evidence import Evidence
from xray_ci.emulator.seed import API_KEYS, CONSUMERS, CREATED, ISSUE_TYPES, accounts
from xray_ci.emulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xray_ci.emulator.evidence import Shelf

_NOT_KEPT: Final = frozenset({"definitions", "ids", "pending", "spent"})
"""Made anew from the rest, or gone with the program."""


def load(path: Path) -> Callable[[], World]:
    """Return what makes the world that a YAML file describes; raises ValueError with the place of what is wrong."""
    import yaml  # noqa: PLC0415 - only a world from a file needs it

    try:
        text = path.read_text(encoding="utf-8")
        given = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    _described(given)  # what is wrong is told now
    return lambda: _described(yaml.safe_load(text))


def _described(given: Any) -> World:
    """Make a world from its short description: keys, ids, projects and moments that are not said follow."""
    if not isinstance(given, dict) or not isinstance(given.get("projects"), dict) or not given["projects"]:
        raise ValueError("a world has projects")
    held = {str(name).replace("-", "_"): value or {} for name, value in given.items()}
    for place, (key, project) in enumerate(held["projects"].items(), start=1):
        own = project if isinstance(project, dict) else {}
        numbers = [int(each.rpartition("-")[2]) for each in held.get("issues", {}) if each.startswith(f"{key}-")]
        defaults = {"key": key, "id": str(10_000 * place), "name": key, "environments": [], "versions": []}
        held["projects"][key] = {**defaults, "last_number": max(numbers, default=0), **_snake(own)}
    for key, issue in held.get("issues", {}).items():
        held["issues"][key] = _issue(str(key), issue, held["projects"])
    for number, page in held.get("pages", {}).items():
        held["pages"][number] = {"id": str(number), "version": 1, "changed": CREATED, **_snake(page)}
    held["issue_types"] = {**ISSUE_TYPES, **held.get("issue_types", {})}
    world = _world(held)
    world.accounts = world.accounts or accounts()
    world.api_keys = world.api_keys or dict(API_KEYS)
    world.consumers = world.consumers or dict(CONSUMERS)
    return world


def _issue(key: str, given: Any, projects: dict[str, Any]) -> dict[str, Any]:
    project, _, number = key.rpartition("-")
    if project not in projects or not number.isdigit() or not isinstance(given, dict):
        raise ValueError(f"issues/{key}: an issue has a key of one of the projects, and members")
    own = _snake(given)
    defaults: dict[str, Any] = {
        "key": key,
        "id": str(int(projects[project]["id"]) + 100 + int(number)),
        "project": project,
        "created": CREATED + timedelta(minutes=int(number)),
        "seeded": True,
    }
    kind = own.get("type")
    parts = {
        "Test": ("test", {"type": "Manual"}),
        "Test Execution": ("execution", {"side": "cloud"}),
        "Test Plan": ("plan", {}),
        "Test Set": ("test_set", {}),
        "Precondition": ("precondition", {}),
    }
    if kind in parts:
        name, begun = parts[kind]
        own[name] = {**begun, **_snake(own.get(name) or {})}
    for test, run in (own.get("execution") or {}).get("runs", {}).items():
        said = _snake(run if isinstance(run, dict) else {"status": run})
        own["execution"]["runs"][test] = {"id": "", "test": test, "stated": said.get("status", ""), **said}
    return {**defaults, **own}


def _snake(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"members are wanted, not {given!r}")  # noqa: TRY004 - what a file says is a value
    return {str(name).replace("-", "_"): value for name, value in given.items()}


def _world(held: dict[str, Any]) -> World:
    world: World = _made(World, {**held, "issues": {}}, "world")
    hints = typing.get_type_hints(World)
    for issue in _made(hints["issues"], held.get("issues", {}), "issues").values():
        for run in issue.execution.runs.values() if issue.execution is not None else ():
            run.id = run.id or world.next_run_id(issue.execution.side)
        world.add(issue)
    return world


def _made(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911 - a kind a line
    """Return a value as a type of the world has it; raises ValueError with its place."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return _revived(value)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _made(next(each for each in inner if each is not type(None)), value, where)
    if origin is list and isinstance(value, list):
        return [_made(inner[0], each, f"{where}/{place}") for place, each in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {str(name): _made(inner[1], each, f"{where}/{name}") for name, each in value.items()}
    if kind is datetime:
        return _moment(value, where)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _whole(kind, _snake(value), where)
    if kind is str and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if kind in (int, bool) and type(value) is kind:
        return value
    raise ValueError(f"{where}: {value!r} is not what belongs there")


def _whole(kind: Any, value: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = {each.name for each in dataclasses.fields(kind)} - _NOT_KEPT
    if unknown := sorted(set(value) - names):
        raise ValueError(f"{where}: no such member: {', '.join(unknown)}; there are {', '.join(sorted(names))}")
    try:
        return kind(**{name: _made(hints[name], each, f"{where}/{name}") for name, each in value.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _moment(value: Any, where: str) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=CREATED.tzinfo)


def _revived(value: Any) -> Any:
    """Return a value whose files are files again."""
    if isinstance(value, list):
        return [_revived(each) for each in value]
    if isinstance(value, dict):
        if {"sha256", "readable", "filename"} <= set(value):
            return Evidence(**value)
        return {name: _revived(each) for name, each in value.items()}
    return value


def keep(world: World, shelf: Shelf, path: Path) -> None:
    """Write a world with its files into one JSON file, whole or not at all."""
    files = [{**_plain(each), "data": base64.b64encode(shelf.content(each)).decode()} for each in shelf.all()]
    text = json.dumps({"world": _plain(world), "files": files}, ensure_ascii=False, indent=1)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def restore(path: Path, shelf: Shelf) -> World:
    """Return a world that was kept, its files on the shelf; raises ValueError."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        for each in held["files"]:
            data = base64.b64decode(each["data"])
            shelf.put(data, each["filename"], each["content_type"], readable=each["readable"])
        return _world(held["world"])
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} holds no world: {error}") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value) if each.name not in _NOT_KEPT]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
