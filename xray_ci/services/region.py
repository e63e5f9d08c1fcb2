"""Which host of Xray Cloud holds a site's data: each is asked to authenticate and for one piece of data.

A token alone proves nothing: every host gives one out, and only the first call for data is refused elsewhere (O). Knows hosts by
region; knows nothing of settings or of what was to be sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.errors import NotAuthorised, NotTheService, Unreachable
from xray_ci.services import documents
from xray_ci.services.auth import ApiKey
from xray_ci.services.call import Call, CallKind
from xray_ci.services.outcome import Answered
from xray_ci.services.verdict import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.errors import WrongRegion
    from xray_ci.secret import Redactor, Secret
    from xray_ci.services.call import Caller

_SMALL: Final = "{ getStatuses { name } }"
"""Needs no project and no permission in one."""


def locate(failure: WrongRegion, hosts: Mapping[str, str], *, asked: str, caller: Caller, version: str, client_id: Secret,
           client_secret: Secret, redactor: Redactor) -> None:
    """Let the advice of a failure name the region that works, or say that none of them does.

    `hosts` are base URLs by region, `asked` the base URL that refused; two calls for each other host. The credentials go to every
    one of them: give the vendor's own hosts only.
    """
    others = {region: base for region, base in hosts.items() if origin(base) != origin(asked)}
    for region, base in others.items():
        key = ApiKey(caller=caller, base_url=base, version=version, client_id=client_id, client_secret=client_secret, redactor=redactor)
        if _gives_data(caller, base, key):
            failure.next = f"Set `region: {region}`: {origin(base)} answered these credentials with data."
            return
    if others:
        failure.next = (f"Ask Xray's support to repair the region of this site: {', '.join(others)} were tried with these credentials, "
                        "and none of them gave data either.")


def _gives_data(caller: Caller, base: str, key: ApiKey) -> bool:
    """Return whether a host answers as GraphQL does; what is wrong with it beyond that is no matter of the region."""
    call = Call(kind=CallKind.READ, method="POST", url=base.rstrip("/") + "/api/v2/graphql", auth=key,
                upload=documents.upload({"query": _SMALL}))
    try:
        outcome = caller.call(call)
    except (NotAuthorised, NotTheService, Unreachable):  # no token from this host
        return False
    return isinstance(outcome, Answered) and isinstance(outcome.json, dict) and "data" in outcome.json
