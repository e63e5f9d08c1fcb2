"""Who may ask Jira, Cloud or Server, and how often. Knows no routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.emulator import rates
from xray_ci.emulator.answers import Basis, Refusal, as_json
from xray_ci.emulator.clock import iso
from xray_ci.emulator.seed import JIRA_CLOUD_BEARER, JIRA_CLOUD_USER
from xray_ci.emulator.server_login import need_login

if TYPE_CHECKING:
    from xray_ci.emulator.emulation import Call


def enter(call: Call, *, cloud: bool) -> None:
    """Let a known user through; raises Refusal with each product's 401 or 429."""
    if not cloud:
        need_login(call)
        return
    given = call.request.authorization
    known = given is not None and (
        (given.type == "basic" and (given.username, given.password) == JIRA_CLOUD_USER)
        or (given.type == "bearer" and given.token == JIRA_CLOUD_BEARER)
    )
    if not known:
        body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
        raise Refusal(as_json(body, status=401, basis=Basis.RECALLED))
    early = rates.count(call, "Jira Cloud", call.emulation.switches.jira_rate_limit)
    if early is not None:
        headers = {
            "Retry-After": str(early.seconds),
            "X-RateLimit-Reset": iso(early.free),
            "RateLimit-Reason": "jira-burst-based",
        }
        raise Refusal(
            as_json(
                {"errorMessages": ["Rate limit exceeded."], "errors": {}},
                status=429,
                basis=Basis.DOCUMENTED,
                headers=headers,
            )
        )
