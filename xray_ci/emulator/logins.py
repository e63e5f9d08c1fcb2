"""Tokens of Xray Cloud: real three-part JWTs that expire by the emulator's clock. Knows no routes.

Who may ask Xray Cloud for data: tokens, the region, and how often. Knows no routes.

Who may ask Jira, Cloud or Server, and how often. Knows no routes.

Who may talk to Xray Server and its Jira: tokens, basic authentication, single sign-on, CAPTCHA. Knows no routes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from xray_ci.emulator import control
from xray_ci.emulator.answers import Basis, Refusal, answer, as_html, as_json, refusal
from xray_ci.emulator.seed import API_KEYS, JIRA_CLOUD_BEARER, JIRA_CLOUD_USER, SERVER_TOKEN, SERVER_USER
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from datetime import datetime

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.seed import ApiKey


_LIFETIME: Final = 86400
_KEY: Final = b"emulator signing key"
_TENANT: Final = "11111111-2222-3333-4444-555555555555"


def mint(client_id: str, now: datetime) -> str:
    """Make the token of an API key, valid for 24 hours (D)."""
    issued = int(now.timestamp())
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "tenant": _TENANT,
        "accountId": "5b10a0000000000000000001",
        "isXea": False,
        "iat": issued,
        "exp": issued + _LIFETIME,
        "aud": client_id,
        "iss": "com.xpandit.plugins.xray",
        "sub": client_id,
    }
    signed = f"{_text(head)}.{_text(claims)}"
    return f"{signed}.{_signature(signed)}"


def owner(header: str, now: datetime) -> str:
    """Return the client id of an `Authorization` header; raises Refusal with the 401 of Xray Cloud."""
    scheme, _, token = header.partition(" ")
    signed, _, signature = token.rpartition(".")
    claims = _claims(signed)
    if scheme.lower() != "bearer" or claims is None:
        raise _refused("JsonWebTokenError: jwt malformed", Basis.OBSERVED)
    if not hmac.compare_digest(signature, _signature(signed)):
        raise _refused("JsonWebTokenError: invalid signature", Basis.ASSUMED)
    if now.timestamp() >= claims["exp"]:
        raise _refused("TokenExpiredError: jwt expired", Basis.ASSUMED)
    return str(claims["aud"])


def _claims(signed: str) -> dict[str, Any] | None:
    parts = signed.split(".")
    if len(parts) != 2:  # noqa: PLR2004 - head and claims
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) and "exp" in claims and "aud" in claims else None


def _text(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _signature(signed: str) -> str:
    return _encoded(hmac.new(_KEY, signed.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _refused(text: str, basis: Basis) -> Refusal:
    return refusal(f"Invalid JWT: {text}", status=401, basis=basis)


def authorised(call: RouteCall) -> ApiKey:
    """Return whose token a data call carries; raises Refusal: 401 for the token or the region, 429 for the rate."""
    client = owner(call.request.headers.get("Authorization", ""), call.now)
    early = control.count(call, client, call.emulation.switches.rate_limit)
    if early is not None:
        body = {"error": {"text": "Too many requests in this time frame.", "nextValidRequestDate": iso(early.free)}}
        raise Refusal(as_json(body, status=429, headers={"Retry-After": str(early.seconds)}))
    key = API_KEYS[client]
    if key.region is not None and key.region != call.emulation.switches.region:
        raise refusal(
            "Xray data is in another region. Contact support to migrate Xray data to current region.", status=401
        )
    return key


def enter(call: RouteCall, *, cloud: bool) -> None:
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
    early = control.count(call, "Jira Cloud", call.emulation.switches.jira_rate_limit)
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


LOGIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in - Jira</title></head>
<body><h1>Welcome to Jira</h1><form method="post"><label>Username <input name="os_username"></label>
<label>Password <input name="os_password" type="password"></label><button>Log in</button></form></body></html>"""


def need_login(call: RouteCall) -> None:
    """Let the call pass or raise Refusal.

    401, a redirect to the login page, 403 with a CAPTCHA, or 429 for the rate.
    """
    _check(call)
    limit = call.emulation.switches.server_rate_limit
    early = control.count(call, "Server", limit)
    if early is not None:
        headers = {
            "Retry-After": str(early.seconds),
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-FillRate": str(limit),
            "X-RateLimit-Interval-Seconds": str(control.WINDOW),
        }
        raise Refusal(as_json({"message": "Rate limit exceeded."}, status=429, headers=headers))


def _check(call: RouteCall) -> None:
    emulation, given = call.emulation, call.request.authorization
    if given is not None and given.type == "bearer" and given.token == SERVER_TOKEN:
        return
    if given is not None and given.type == "basic":
        limit = emulation.switches.captcha_after
        if limit and emulation.failed_logins >= limit:
            headers = {
                "X-Authentication-Denied-Reason": f"CAPTCHA_CHALLENGE; login-url={call.base}/jira/login.jsp",
                "X-Seraph-LoginReason": "AUTHENTICATION_DENIED",
            }
            raise Refusal(
                as_html(
                    "<html><body>Basic Authentication Failure - Reason : AUTHENTICATION_DENIED</body></html>",
                    status=403,
                    basis=Basis.OBSERVED,
                    headers=headers,
                )
            )
        if (given.username, given.password) == SERVER_USER:
            emulation.failed_logins = 0
            return
        emulation.failed_logins += 1
    raise _refused_login(call)


def _refused_login(call: RouteCall) -> Refusal:
    if call.emulation.switches.sso_redirect:
        place = f"{call.base}/jira/login.jsp?os_destination={quote(call.request.path, safe='')}"
        return Refusal(answer(status=302, headers={"Location": place}))
    body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    headers = {
        "WWW-Authenticate": 'OAuth realm="http%3A%2F%2F127.0.0.1%2Fjira"',
        "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
    }
    return Refusal(as_json(body, status=401, basis=Basis.RECALLED, headers=headers))


def need_no_browser(call: RouteCall) -> None:
    """Refuse a form that looks as if a browser sent it, unless it says it is none (A)."""
    agent, token = call.request.headers.get("User-Agent", ""), call.request.headers.get("X-Atlassian-Token", "")
    if call.body.multipart and agent.startswith("Mozilla/") and token not in ("no-check", "nocheck"):
        raise Refusal(answer("XSRF check failed", status=403, kind="text/plain; charset=utf-8", basis=Basis.ASSUMED))
