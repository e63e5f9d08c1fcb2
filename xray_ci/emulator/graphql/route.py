"""GraphQL as HTTP: who may ask, what a body has to be, which status an answer has. Knows nothing of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from xray_ci.emulator.answers import Basis, Refusal, as_json
from xray_ci.emulator.cloud_login import authorised
from xray_ci.emulator.emulation import Call, Route

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def rules() -> list[Rule]:
    """Return the one route: there is no GraphQL below v1 (D)."""
    return [Rule("/api/v2/graphql", methods=["POST"], endpoint=Route(kind="graphql", handle=_answer))]


def _answer(call: Call) -> Response:
    """Answer one document: 400 when it breaks the schema, else 200, also when a resolver fails (O)."""
    from xray_ci.emulator.graphql import engine  # noqa: PLC0415 - 200 ms that only the first call of GraphQL pays

    key = authorised(call)  # its refusals are those of REST, not shaped as GraphQL (A)
    query, variables, operation = _asked(call)
    done = engine.run(call, key, query, variables, operation)
    call.record.kind, call.record.operations = done.kind, done.operations
    return as_json(done.document, status=200 if done.valid else 400)


def _asked(call: Call) -> tuple[str, dict[str, Any], str | None]:
    try:
        body = call.body.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise _unreadable("Must provide query string.")
    variables, operation = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict) or not isinstance(operation, str | None):
        raise _unreadable("Variables are invalid JSON.")
    return body["query"], variables, operation


def _unreadable(text: str) -> Refusal:
    return Refusal(as_json({"errors": [{"message": text}]}, status=400, basis=Basis.ASSUMED))
