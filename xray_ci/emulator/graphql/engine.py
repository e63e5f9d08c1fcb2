"""One GraphQL document: parsed, checked against the schema file, weighed, executed.

Knows the library, not the world.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from xray_ci.emulator.graphql import reading, running, writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import DocumentNode, GraphQLResolveInfo, GraphQLSchema

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.world import ApiKey

_TOKENS: Final = 20_000
_FILE: Final = Path(__file__).parent.parent / "schemas" / "cloud.graphql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What became of a document."""

    document: dict[str, Any]
    valid: bool = True
    kind: str = "read"
    """For the log of requests: `write` for a mutation, `lookup` where JQL is asked, else `read`."""
    operations: tuple[str, ...] = ()
    """Its fields at the top."""


@functools.cache
def schema() -> GraphQLSchema:
    """Return what Xray Cloud understands."""
    return build_schema(_FILE.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True, no_location=True)


@functools.lru_cache(maxsize=256)
def _read(query: str) -> tuple[DocumentNode, tuple[GraphQLError, ...]]:
    """Return a document and what the schema says against it; a client asks the same few again and again."""
    document = parse(query, max_tokens=_TOKENS)
    return document, tuple(validate(schema(), document))


def run(call: RouteCall, key: ApiKey, query: str, variables: dict[str, Any], name: str | None) -> Executed:
    """Do what a document asks; never raises for what is wrong with it."""
    seen: dict[str, Any] = {}
    try:
        document, invalid = _read(query)
        operation = get_operation_ast(document, name)
        if operation is None:
            return _invalid([GraphQLError("Unknown operation." if name else "Must provide an operation.")])
        seen = {"kind": _kind(operation), "operations": _operations(operation)}
        cost = call.emulation.switches.graphql_cost
        if found := invalid or reading.faults(document, operation, variables, cost):
            return _invalid(found, **seen)
        return _executed(call, key, document, variables, name, **seen)
    except GraphQLError as error:
        return _invalid([error], **seen)
    except RecursionError:
        return _invalid([GraphQLError("The document is nested too deeply.")], **seen)


def _executed(
    call: RouteCall, key: ApiKey, document: DocumentNode, variables: dict[str, Any], name: str | None, **seen: Any
) -> Executed:
    result = execute_sync(
        schema(),
        document,
        root_value={**reading.fields(call, key), **writing.fields(call, key), **running.fields(call, key)},
        variable_values=variables,
        operation_name=name,
        field_resolver=_resolve,
    )
    errors = result.errors or []
    for defect in (each.original_error for each in errors):
        if defect is not None and not isinstance(defect, GraphQLError):
            raise defect
    if result.data is None and not any(each.path for each in errors):
        return _invalid(errors, **seen)  # variables of the wrong type
    shown = {"errors": [_shown(each) for each in errors]} if errors else {}
    return Executed(document={**shown, "data": result.data}, **seen)


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Return a member of what is shown, or refuse what the emulator has no resolver for."""
    if info.field_name not in source:
        raise GraphQLError(
            f"The emulator does not build {info.parent_type.name}.{info.field_name}; the field stands in the published "
            "schema (D).",
            extensions={"basis": "not built"},
        )
    value = source[info.field_name]
    return value(info, **arguments) if callable(value) else value


def _invalid(errors: Iterable[GraphQLError], **seen: Any) -> Executed:
    """Answer a document that cannot be done: neither data nor paths (O)."""
    return Executed(document={"errors": [_shown(error) for error in errors]}, valid=False, **seen)


def _shown(error: GraphQLError) -> dict[str, Any]:
    shown = error.formatted
    return {name: shown[name] for name in ("message", "locations", "path", "extensions") if name in shown}


def _operations(operation: OperationDefinitionNode) -> tuple[str, ...]:
    return tuple(each.name.value for each in operation.selection_set.selections if isinstance(each, FieldNode))


def _kind(operation: OperationDefinitionNode) -> str:
    if operation.operation is OperationType.MUTATION:
        return "write"
    top = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    asks = any(argument.name.value == "jql" for each in top for argument in each.arguments or ())
    return "lookup" if asks else "read"
