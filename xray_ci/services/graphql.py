"""Xray Cloud's GraphQL: one document in, its data out, everything else a failure.

Knows the frame: bodies, `errors` beside or without `data`, whatever the status. Knows no query; values travel as variables
only, so that nothing of a report can become part of a document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.errors import Refused, UnknownDelivery
from xray_ci.services import documents, hints
from xray_ci.services import outcome as wire
from xray_ci.services.call import Authorization, Call, Caller, CallKind
from xray_ci.services.verdict import Asked, failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from xray_ci.errors import Failure
    from xray_ci.services.body import Slice

_PATH: Final = "/api/v2/graphql"
"""There is none below v1; a token of v1 is taken here too (D)."""
_SHOWN: Final = 20_000
"""Characters of an answer; sinks cut further after they redacted."""


class GraphQL:
    """GraphQL at one base URL."""

    def __init__(self, *, caller: Caller, base_url: str, auth: Authorization) -> None:
        self._caller = caller
        self._url = base_url.rstrip("/") + _PATH
        self._auth = auth

    def call(self, query: str, variables: Mapping[str, object], *, repeatable: bool = True,
             pieces: tuple[bytes | Slice, ...] = ()) -> Mapping[str, Any]:
        """Return the `data` of one document; raises the failure that the outcome is.

        `repeatable` says that doing it twice does no harm: then a lost answer may be asked for again. `pieces` fill the
        variable that is documents.HOLE. A resolver that failed is Refused with the service's words, also inside a 200 (O);
        where it failed after a change that is not repeatable, UnknownDelivery.
        """
        upload = documents.upload({"query": query, "variables": dict(variables)}, pieces)
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        outcome = self._caller.call(Call(kind=kind, method="POST", url=self._url, auth=self._auth, upload=upload))
        asked = Asked(kind=kind, service="Xray Cloud", setting="xray-url", url=self._url, credentials="the token",
                      size=len(upload.body))
        if not isinstance(outcome, (wire.Answered, wire.Refused)):
            raise failure(outcome, asked)
        data = outcome.json.get("data") if isinstance(outcome.json, dict) else None
        if said := _errors(outcome.json):
            raise _refused(outcome, said, asked, done=not repeatable and _holds(data))
        if isinstance(outcome, wire.Answered) and isinstance(data, dict):
            return data
        raise _shapeless(outcome, asked)


def _refused(outcome: wire.Answer, said: str, asked: Asked, *, done: bool) -> Failure:
    answer = f"{outcome.status}: {said[:_SHOWN]}"
    if done:
        return UnknownDelivery("Xray Cloud failed in the middle; the change may have been made", where=asked.where,
                               answer=answer, service="Xray")
    return Refused("Xray Cloud refused the request", where=asked.where, answer=answer, advice=hints.advice(said), service="Xray")


def _shapeless(outcome: wire.Outcome, asked: Asked) -> Failure:
    if isinstance(outcome, wire.Answered) and asked.kind is CallKind.IMPORT and not outcome.is_page:
        return UnknownDelivery("Xray Cloud did not answer in its own form; the change may have been made", where=asked.where,
                               answer=f"{outcome.status}: {outcome.text[:_SHOWN]}", service="Xray")
    return failure(outcome, asked)


def _errors(document: object) -> str:
    """Return what the `errors` of a GraphQL answer say, empty when there are none."""
    listed = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        return ""
    return "; ".join(str(each.get("message") or "no message") if isinstance(each, dict) else str(each) for each in listed)


def _holds(data: object) -> bool:
    return isinstance(data, dict) and any(value is not None for value in data.values())
