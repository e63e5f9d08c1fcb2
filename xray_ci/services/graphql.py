"""Xray Cloud's GraphQL: one document in, its data out, everything else a failure; and which host has a site's data.

`errors` may stand beside or without `data`, whatever the status. Values travel as variables only, so that nothing of a
report can become part of a document. Each host is asked to authenticate and for one piece of data: a token alone proves
nothing, since every host gives one out, and only the first call for data is refused elsewhere (O).

Knows the frame, and hosts by region; knows no query and no settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import NotAuthorised, NotTheService, Refused, UnknownDelivery, Unreachable
from xray_ci.patterns import lazy
from xray_ci.services import body, verdict, wire
from xray_ci.services.auth import ApiKeyLogin
from xray_ci.services.verdict import Asked, failure, origin
from xray_ci.services.wire import Answered, Authorization, Call, Caller, CallKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.errors import Failure, WrongRegion
    from xray_ci.secret import Redactor, Secret
    from xray_ci.services.body import Slice, Upload


_PATH: Final = "/api/v2/graphql"
"""There is none below v1; a token of v1 is taken here too (D)."""
STATUSES: Final = "{ getStatuses { name } }"
"""The smallest piece of data: what a site gives to anybody whom it knows."""
_FILES: Final = "/api/v2/attachments"
_FILE_ID: Final = lazy(r"[0-9A-Za-z-]{8,64}")
"""A UUID (O)."""
_SHOWN: Final = 20_000
"""Characters of an answer; sinks cut further after they redacted."""


class GraphQL:
    """GraphQL at one base URL."""

    def __init__(self, *, caller: Caller, base_url: str, auth: Authorization) -> None:
        self._caller = caller
        self._url = base_url.rstrip("/") + _PATH
        self._files = base_url.rstrip("/") + _FILES
        self._auth = auth

    def call(
        self,
        query: str,
        variables: Mapping[str, object],
        *,
        repeatable: bool = True,
        pieces: tuple[bytes | Slice, ...] = (),
    ) -> Mapping[str, Any]:
        """Return the `data` of one document; raises the failure that the outcome is.

        `repeatable` says that doing it twice does no harm: then a lost answer may be asked for again. `pieces` fill the
        variable that is documents.HOLE. A resolver that failed is Refused with the service's words, also inside a 200
        (O); where it failed after a change that is not repeatable, UnknownDelivery.
        """
        upload = body.upload({"query": query, "variables": dict(variables)}, pieces)
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        outcome = self._caller.call(Call(kind=kind, method="POST", url=self._url, auth=self._auth, upload=upload))
        asked = Asked(
            kind=kind,
            service="Xray Cloud",
            setting="xray-url",
            url=self._url,
            login=self._auth.login,
            size=len(upload.body),
        )
        if not isinstance(outcome, (wire.Answered, wire.RefusedAnswer)):
            raise failure(outcome, asked)
        data = outcome.json.get("data") if isinstance(outcome.json, dict) else None
        if said := _errors(outcome.json):
            raise _refused(outcome, said, asked, done=not repeatable and _holds(data))
        if isinstance(outcome, wire.Answered) and isinstance(data, dict):
            return data
        raise _shapeless(outcome, asked)

    def file(self, upload: Upload) -> str | None:
        """Store a file beside GraphQL and return the id that GraphQL takes for it; None where nothing is there.

        A file that nothing names harms nobody, so a lost answer is asked for again (A). Raises what the outcome is.
        """
        url = self._files
        outcome = self._caller.call(Call(kind=CallKind.READ, method="POST", url=url, auth=self._auth, upload=upload))
        match outcome:
            case wire.Answered(json={"id": str(number)}) if _FILE_ID.fullmatch(number):
                return number
            case wire.RefusedAnswer(status=404 | 405):
                return None
            case _:
                asked = Asked(
                    kind=CallKind.READ,
                    service="Xray Cloud",
                    setting="xray-url",
                    url=url,
                    login=self._auth.login,
                    size=len(upload.body),
                )
                raise failure(outcome, asked)


def _refused(outcome: wire.Answer, said: str, asked: Asked, *, done: bool) -> Failure:
    answer = f"{outcome.status}: {said[:_SHOWN]}"
    found: Failure
    if done:
        found = UnknownDelivery(
            "Xray Cloud failed in the middle; the change may have been made",
            where=asked.where,
            answer=answer,
            service="Xray",
        )
    else:
        told = "Xray Cloud refused the request"
        found = Refused(told, where=asked.where, answer=answer, advice=verdict.advice(said), service="Xray")
    found.raw = outcome.text[:_SHOWN]
    return found


def _shapeless(outcome: wire.Outcome, asked: Asked) -> Failure:
    if isinstance(outcome, wire.Answered) and asked.kind is CallKind.IMPORT and not outcome.is_page:
        return UnknownDelivery(
            "Xray Cloud did not answer in its own form; the change may have been made",
            where=asked.where,
            answer=f"{outcome.status}: {outcome.text[:_SHOWN]}",
            service="Xray",
        )
    return failure(outcome, asked)


def _errors(document: object) -> str:
    """Return what the `errors` of a GraphQL answer say, empty when there are none."""
    listed = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        return ""
    return "; ".join(
        str(each.get("message") or "no message") if isinstance(each, dict) else str(each) for each in listed
    )


def _holds(data: object) -> bool:
    return isinstance(data, dict) and any(value is not None for value in data.values())


def locate(
    failure: WrongRegion,
    hosts: Mapping[str, str],
    *,
    asked: str,
    caller: Caller,
    version: str,
    client_id: Secret,
    client_secret: Secret,
    redactor: Redactor,
) -> None:
    """Let the advice of a failure name the region that works, or say that none of them does.

    `hosts` are base URLs by region, `asked` the base URL that refused; two calls for each other host. The credentials
    go to every one of them: give the vendor's own hosts only.
    """
    others = {region: base for region, base in hosts.items() if origin(base) != origin(asked)}
    for region, base in others.items():
        key = ApiKeyLogin(
            caller=caller,
            base_url=base,
            version=version,
            client_id=client_id,
            client_secret=client_secret,
            redactor=redactor,
        )
        if _gives_data(caller, base, key):
            failure.next = f"Set `region: {region}`: {origin(base)} answered these credentials with data."
            return
    if others:
        failure.next = (
            f"Ask Xray's support to repair the region of this site: {', '.join(others)} were tried with these "
            "credentials, "
            "and none of them gave data either."
        )


def _gives_data(caller: Caller, base: str, key: ApiKeyLogin) -> bool:
    """Return whether a host answers as GraphQL does; what is wrong with it beyond that is no matter of the region."""
    call = Call(
        kind=CallKind.READ,
        method="POST",
        url=base.rstrip("/") + "/api/v2/graphql",
        auth=key,
        upload=body.upload({"query": STATUSES}),
    )
    try:
        outcome = caller.call(call)
    except (NotAuthorised, NotTheService, Unreachable):  # no token from this host
        return False
    return isinstance(outcome, Answered) and isinstance(outcome.json, dict) and "data" in outcome.json
