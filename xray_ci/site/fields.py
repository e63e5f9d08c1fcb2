"""Jira fields that the user names as people do: which they are at this site, and the shape in which each takes a value.

Asks what a Test Execution, or a Test, of the project can be given; writes nothing. A field that is given by its id, and
a value that has a shape already, are left as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from xray_ci.errors import ConfigurationError
from xray_ci.services.jira_issue import creatable, person
from xray_ci.settings.problems import nearest, shown
from xray_ci.settings.values import by_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.services.jira import Jira
    from xray_ci.settings.values import Settings

_KINDS: Final = {"fields": "Test Execution", "test-fields": "Test"}
"""Whose fields a setting holds."""
_NAMED: Final = frozenset({"version", "component", "priority", "resolution", "group", "securitylevel"})
"""Types whose values are objects with a name (D)."""
_CHILD: Final = ">"
_LISTED: Final = 20


class SiteField(Struct, frozen=True, kw_only=True):
    """A field that an issue of one type can be given."""

    id: str
    name: str
    type: str
    items: str
    """Of a list: what is in it."""
    values: tuple[Mapping[str, Any], ...]
    """Those that are allowed; empty where any is, or nobody says."""


class Shaper(Struct, frozen=True, kw_only=True):
    """Gives values the shape that Jira wants."""

    jira: Jira
    cloud: bool
    where: str

    def shaped(self, field: SiteField, value: object) -> object:
        """Return a value as the field takes it; raises ConfigurationError for one that it does not have."""
        if value is None or isinstance(value, dict) or (isinstance(value, list) and any(map(_is_object, value))):
            return value
        if field.type != "array":
            return self._one(field, field.type, value)
        return [self._one(field, field.items, each) for each in (value if isinstance(value, list) else [value])]

    def _one(self, field: SiteField, kind: str, value: object) -> object:  # noqa: PLR0911 - a kind a line
        text = value if isinstance(value, str) else "" if value is None else str(value)
        match kind:
            case "option":
                return {"value": self._allowed(field, field.values, text)}
            case "option-with-child":
                parent, sign, child = (part.strip() for part in text.partition(_CHILD))
                chosen = {"value": self._allowed(field, field.values, parent)}
                if not sign:
                    return chosen
                held = next((each for each in field.values if each.get("value") == chosen["value"]), {})
                return {**chosen, "child": {"value": self._allowed(field, _objects(held.get("children")), child)}}
            case "user":
                who = person(self.jira, text, cloud=self.cloud)
                if who is None:
                    raise self._wrong(f"{shown(text)} is not exactly one user for the field {field.name}", "")
                return {"accountId" if self.cloud else "name": who.id}
            case _ if kind in _NAMED:
                return {"name": self._allowed(field, field.values, text)}
            case "number" if isinstance(value, str):
                return self._number(field, value)
            case "number":
                return value
            case _:
                return text

    def _number(self, field: SiteField, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise self._wrong(f"{shown(text)} is no number, as the field {field.name} wants", "") from None

    def _allowed(self, field: SiteField, values: tuple[Mapping[str, Any], ...], text: str) -> str:
        names = [str(each.get("value") or each.get("name") or "") for each in values]
        found = next((name for name in names if name.lower() == text.lower()), None)
        if found is None and names:
            raise self._wrong(f"the field {field.name} has no value {shown(text)}", _there(names))
        return found or text

    def _wrong(self, what: str, there: str) -> ConfigurationError:
        advice = f"Correct the value{there}. Nothing was sent."
        return ConfigurationError(what, where=self.where, slug="unknown-field", advice=advice)


def resolved(jira: Jira, settings: Settings, setting: str = "fields", *, cloud: bool) -> Mapping[str, object] | None:
    """Return `fields`, or `test-fields`, by their ids and in the shapes that Jira takes.

    Raises ConfigurationError, or what Jira is.
    """
    given = settings.fields if setting == "fields" else settings.test_fields
    names = by_name(given)
    if given is None or not names:
        return given
    where = f"{setting}, from {settings.origin(setting)}"
    project = settings.project or (settings.test_execution or "").rpartition("-")[0]
    if not project:
        raise ConfigurationError(
            f"`project` is needed to find out what the field {shown(names[0])} is",
            where=where,
            slug="project-required",
            advice="Set `project`, or give the fields by their ids. Nothing was sent.",
        )
    known = tuple(map(_field, creatable(jira, project, _KINDS[setting])))
    shaper = Shaper(jira=jira, cloud=cloud, where=where)
    found: dict[str, object] = {}
    for name, value in given.items():
        field = _known(known, name, kind=_KINDS[setting], where=where) if name in names else None
        found[name if field is None else field.id] = value if field is None else shaper.shaped(field, value)
    return found


def _known(known: tuple[SiteField, ...], name: str, *, kind: str, where: str) -> SiteField:
    fields = [each for each in known if each.name == name] or [
        each for each in known if each.name.lower() == name.lower()
    ]
    if len(fields) == 1:
        return fields[0]
    if fields:
        ids = ", ".join(each.id for each in fields)
        what, advice = f"several fields are called {shown(name)}: {ids}", "Give the one that is meant by its id."
    else:
        near = nearest(name, [each.name for each in known])
        what = f"a {kind} of this project has no field {shown(name)}"
        advice = f"Did you mean `{near}`?" if near else f"Correct it{_there([each.name for each in known])}."
    raise ConfigurationError(what, where=where, slug="unknown-field", advice=f"{advice} Nothing was sent.")


def _there(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f": there are {', '.join(names[:_LISTED])}{more}" if names else ""


def _field(entry: Mapping[str, Any]) -> SiteField:
    held = entry.get("schema")
    schema: dict[str, Any] = held if isinstance(held, dict) else {}
    return SiteField(
        id=str(entry.get("fieldId") or entry.get("key") or ""),
        name=str(entry.get("name") or ""),
        type=str(schema.get("type") or ""),
        items=str(schema.get("items") or ""),
        values=_objects(entry.get("allowedValues")),
    )


def _objects(found: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(filter(_is_object, found)) if isinstance(found, list) else ()


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
