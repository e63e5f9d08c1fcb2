"""Who may ask Xray Cloud for data: tokens, the region, and how often. Knows no routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.emulator import rates, tokens
from xray_ci.emulator.answers import Refusal, as_json, refusal
from xray_ci.emulator.clock import iso
from xray_ci.emulator.seed import API_KEYS

if TYPE_CHECKING:
    from xray_ci.emulator.emulation import Call
    from xray_ci.emulator.seed import ApiKey


def authorised(call: Call) -> ApiKey:
    """Return whose token a data call carries; raises Refusal: 401 for the token or the region, 429 for the rate."""
    client = tokens.owner(call.request.headers.get("Authorization", ""), call.now)
    early = rates.count(call, client, call.emulation.switches.rate_limit)
    if early is not None:
        body = {"error": {"text": "Too many requests in this time frame.", "nextValidRequestDate": iso(early.free)}}
        raise Refusal(as_json(body, status=429, headers={"Retry-After": str(early.seconds)}))
    key = API_KEYS[client]
    if key.region is not None and key.region != call.emulation.switches.region:
        raise refusal(
            "Xray data is in another region. Contact support to migrate Xray data to current region.", status=401
        )
    return key
