"""What a document may ask for: `limit` from 1 to 100, 10,000 items, 25 resolvers. Knows syntax trees, no schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
)
from graphql.utilities import value_from_ast_untyped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, SelectionSetNode

PAGE: Final = 100
"""Items of one list (D)."""
_ITEMS: Final = 10_000
"""Items of one call, nested limits multiplied (D)."""
_RESOLVERS: Final = 25
"""Queries, mutations and fields with arguments of one call (A: the number)."""


def faults(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> list[GraphQLError]:
    """Return what is too much; the document is valid."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    found: list[GraphQLError] = []
    items = resolvers = 0
    waiting = [(field, 1, True) for field in _fields(operation.selection_set, fragments)]
    while waiting:
        field, factor, top = waiting.pop()
        limit = _limit(field, variables)
        if limit is not None and not 1 <= limit <= PAGE:
            found.append(GraphQLError(f"{field.name.value}: limit must be between 1 and {PAGE}!", field))
        if limit is not None:
            factor *= max(1, min(limit, PAGE))
            items += factor
        resolvers += top or bool(field.arguments)
        waiting += [(each, factor, False) for each in _fields(field.selection_set, fragments)]
    if items > _ITEMS:
        found.append(GraphQLError(f"The query exceeds the maximum cost of {_ITEMS}. Actual cost is {items}"))
    if resolvers > _RESOLVERS:
        found.append(GraphQLError(f"The query exceeds the maximum of {_RESOLVERS} resolvers. It has {resolvers}"))
    return found


def _fields(selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """Yield the fields of one level, fragments unfolded."""
    for each in selection.selections if selection is not None else ():
        match each:
            case FieldNode():
                yield each
            case InlineFragmentNode():
                yield from _fields(each.selection_set, fragments)
            case FragmentSpreadNode():
                yield from _fields(fragments[each.name.value].selection_set, fragments)
            case _:
                raise AssertionError(each)


def _limit(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    for argument in field.arguments or ():
        if argument.name.value == "limit":
            value = value_from_ast_untyped(argument.value, dict(variables))
            return value if isinstance(value, int) else None
    return None
