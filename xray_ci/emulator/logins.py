"""Who may ask, and how often: Xray Cloud by tokens, Jira on Cloud, and Xray Server with its Jira.

Tokens of Xray Cloud are real three-part JWTs that expire by the emulator's clock and belong to a region; Server knows
basic authentication, tokens, single sign-on and CAPTCHA, too. Knows no routes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, unquote

from xray_ci.emulator import control
from xray_ci.emulator.answers import Refusal, answer, as_html, as_json, refusal
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.world import ApiKey, Login


_LIFETIME: Final = 86400
_KEY: Final = b"emulator signing key"
TENANT: Final = "11111111-2222-3333-4444-555555555555"


def mint(client_id: str, now: datetime) -> str:
    """Make the token of an API key, valid for 24 hours (D)."""
    issued = int(now.timestamp())
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "tenant": TENANT,
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
        raise _refused("JsonWebTokenError: jwt malformed", "cloud-token-malformed")
    if not hmac.compare_digest(signature, _signature(signed)):
        raise _refused("JsonWebTokenError: invalid signature", "cloud-token-forged")
    if now.timestamp() >= claims["exp"]:
        raise _refused("TokenExpiredError: jwt expired", "cloud-token-expired")
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


def _refused(text: str, fact: str) -> Refusal:
    return refusal(f"Invalid JWT: {text}", status=401, fact=fact)


def authorised(call: RouteCall) -> ApiKey:
    """Return whose token a data call carries; raises Refusal: 401 for the token or the region, 429 for the rate."""
    client = owner(call.request.headers.get("Authorization", ""), call.now)
    early = control.count(call, client, call.emulation.switches.rate_limit)
    if early is not None:
        body = {"error": {"text": "Too many requests in this time frame.", "nextValidRequestDate": iso(early.free)}}
        raise Refusal(as_json(body, status=429, headers={"Retry-After": str(early.seconds)}, fact="cloud-429"))
    key = call.emulation.world.api_keys.get(client)
    if key is None:
        raise _refused("JsonWebTokenError: jwt malformed", "cloud-token-unknown")
    if key.region is not None and key.region != call.emulation.switches.region:
        raise refusal(
            "Xray data is in another region. Contact support to migrate Xray data to current region.",
            status=401,
            fact="cloud-region",
        )
    return key


def enter(call: RouteCall, *, cloud: bool) -> Login:
    """Let a known user through and return who it is; raises Refusal with each product's 401 or 429."""
    if not cloud:
        return need_login(call)
    known = account(call, cloud=True)
    if known is None:
        body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
        raise Refusal(as_json(body, status=401, fact="jira-refused"))
    early = control.count(call, "Jira Cloud", call.emulation.switches.jira_rate_limit)
    if early is not None:
        headers = {
            "Retry-After": str(early.seconds),
            "X-RateLimit-Reset": iso(early.free),
            "RateLimit-Reason": "jira-burst-based",
        }
        raise Refusal(
            as_json(
                {"errorMessages": ["Rate limit exceeded."], "errors": {}}, status=429, fact="jira-429", headers=headers
            )
        )
    return known


def account(call: RouteCall, *, cloud: bool) -> Login | None:
    """Return who logs in with what the call carries; an empty secret fits nobody."""
    given = call.request.authorization
    if given is None:
        return None
    if given.type == "oauth" and not cloud:
        return _signer(call, given.parameters)
    gateway = bool(call.request.root_path)
    for each in call.emulation.world.accounts:
        name, secrets = (each.email, [each.api_token]) if cloud else (each.name, [each.password])
        if gateway:
            secrets.append(each.scoped_token)
        if given.type == "basic" and given.password and given.username == name and given.password in secrets:
            return each
        token = (each.bearer if gateway else "") if cloud else each.token
        ended = not cloud and each.token_ends is not None and each.token_ends <= call.now
        if given.type == "bearer" and token and given.token == token and not ended:
            return each
    return None


def _signer(call: RouteCall, given: Mapping[str, str | None]) -> Login:
    """Return who signed a request of OAuth 1.0a (RFC 5849); raises Refusal with the problem in header and body (O)."""
    said = {name: unquote(value or "") for name, value in given.items()}
    world, window = call.emulation.world, call.emulation.switches.oauth_window_s
    key = world.consumers.get(said.get("oauth_consumer_key", ""))
    if key is None:
        raise _problem(call, "consumer_key_unknown")
    if said.get("oauth_signature_method") != "RSA-SHA1":
        raise _problem(call, "signature_method_rejected", status=400)
    moment = said.get("oauth_timestamp", "")
    if not moment.isdecimal() or (window and abs(int(moment) - call.now.timestamp()) > window):
        raise _problem(call, "timestamp_refused")
    if not _is_signed(call, said, key):
        raise _problem(call, "signature_invalid")
    nonce = f"{moment} {said.get('oauth_nonce', '')}"
    if world.spent.setdefault(nonce, call.record.n) != call.record.n:
        raise _problem(call, "nonce_used")
    token = said.get("oauth_token")
    known = next((each for each in world.accounts if token and each.oauth_token == token), None)
    if known is None:
        raise _problem(call, "token_rejected")
    return known


def _is_signed(call: RouteCall, said: Mapping[str, str], key: str) -> bool:
    """Say whether the signature fits method, address, query and parameters (RFC 5849, 3.4.1); no body counts here."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only for who signs
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    public = load_pem_public_key(key.encode())
    pairs = [(name, value) for name, value in said.items() if name not in ("realm", "oauth_signature")]
    pairs += parse_qsl(call.request.query_string.decode(), keep_blank_values=True)
    normal = "&".join(f"{name}={value}" for name, value in sorted((_escaped(one), _escaped(two)) for one, two in pairs))
    address = f"{call.base.lower()}{call.request.root_path}{quote(call.request.path, safe='/')}"
    base = "&".join((call.request.method, _escaped(address), _escaped(normal)))
    try:
        signature = base64.b64decode(said.get("oauth_signature", ""), validate=True)
        if not isinstance(public, RSAPublicKey):
            return False
        public.verify(signature, base.encode(), PKCS1v15(), SHA1())  # noqa: S303 - the method is the vendor's
    except (ValueError, InvalidSignature):
        return False
    return True


def _escaped(text: str) -> str:
    return quote(text, safe="~")


def _problem(call: RouteCall, name: str, *, status: int = 401) -> Refusal:
    realm = quote(f"{call.base}/jira", safe="")
    headers = {"WWW-Authenticate": f'OAuth realm="{realm}", oauth_problem="{name}"'}
    kind = "text/plain; charset=utf-8"
    return Refusal(answer(f"oauth_problem={name}", status=status, kind=kind, headers=headers, fact="server-oauth"))


LOGIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in - Jira</title></head>
<body><h1>Welcome to Jira</h1><form method="post"><label>Username <input name="os_username"></label>
<label>Password <input name="os_password" type="password"></label><button>Log in</button></form></body></html>"""


def need_login(call: RouteCall) -> Login:
    """Let the call of a known user pass or raise Refusal.

    401, a redirect to the login page, 403 with a CAPTCHA, or 429 for the rate.
    """
    known = _check(call)
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
        raise Refusal(as_json({"message": "Rate limit exceeded."}, status=429, headers=headers, fact="server-429"))
    return known


def _check(call: RouteCall) -> Login:
    emulation, given, known = call.emulation, call.request.authorization, account(call, cloud=False)
    if known is not None and given is not None and given.type in ("bearer", "oauth"):
        return known
    if given is not None and given.type == "basic" and not emulation.switches.basic_logins:
        message = "Basic Authentication has been disabled on this instance."  # also for who may ask anonymously (O)
        raise Refusal(as_json({"message": message}, status=403, fact="server-basic"))
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
                    fact="server-captcha",
                    headers=headers,
                )
            )
        if known is not None:
            emulation.failed_logins = 0
            return known
        emulation.failed_logins += 1
    raise _refused_login(call)


def _refused_login(call: RouteCall) -> Refusal:
    if call.emulation.switches.sso_redirect:
        place = f"{call.base}/jira/login.jsp?os_destination={quote(call.request.path, safe='')}"
        return Refusal(answer(status=302, headers={"Location": place}, fact="server-anonymous"))
    body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    headers = {
        "WWW-Authenticate": 'OAuth realm="http%3A%2F%2F127.0.0.1%2Fjira"',
        "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
    }
    return Refusal(as_json(body, status=401, fact="jira-refused", headers=headers))


def need_no_browser(call: RouteCall) -> None:
    """Refuse a form that looks as if a browser sent it, unless it says it is none (A)."""
    agent, token = call.request.headers.get("User-Agent", ""), call.request.headers.get("X-Atlassian-Token", "")
    if call.body.multipart and agent.startswith("Mozilla/") and token not in ("no-check", "nocheck"):
        raise Refusal(answer("XSRF check failed", status=403, kind="text/plain; charset=utf-8", fact="server-xsrf"))
