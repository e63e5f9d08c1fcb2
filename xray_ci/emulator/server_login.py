"""Who may talk to Xray Server and its Jira: tokens, basic authentication, single sign-on, CAPTCHA. Knows no routes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from xray_ci.emulator import rates
from xray_ci.emulator.answers import Basis, Refusal, answer, as_html, as_json
from xray_ci.emulator.seed import SERVER_TOKEN, SERVER_USER

if TYPE_CHECKING:
    from xray_ci.emulator.emulation import Call

LOGIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in - Jira</title></head>
<body><h1>Welcome to Jira</h1><form method="post"><label>Username <input name="os_username"></label>
<label>Password <input name="os_password" type="password"></label><button>Log in</button></form></body></html>"""


def need_login(call: Call) -> None:
    """Let the call pass or raise Refusal.

    401, a redirect to the login page, 403 with a CAPTCHA, or 429 for the rate.
    """
    _check(call)
    limit = call.emulation.switches.server_rate_limit
    early = rates.count(call, "Server", limit)
    if early is not None:
        headers = {
            "Retry-After": str(early.seconds),
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-FillRate": str(limit),
            "X-RateLimit-Interval-Seconds": str(rates.WINDOW),
        }
        raise Refusal(as_json({"message": "Rate limit exceeded."}, status=429, headers=headers))


def _check(call: Call) -> None:
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
    raise _refused(call)


def _refused(call: Call) -> Refusal:
    if call.emulation.switches.sso_redirect:
        place = f"{call.base}/jira/login.jsp?os_destination={quote(call.request.path, safe='')}"
        return Refusal(answer(status=302, headers={"Location": place}))
    body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    headers = {
        "WWW-Authenticate": 'OAuth realm="http%3A%2F%2F127.0.0.1%2Fjira"',
        "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
    }
    return Refusal(as_json(body, status=401, basis=Basis.RECALLED, headers=headers))


def need_no_browser(call: Call) -> None:
    """Refuse a form that looks as if a browser sent it, unless it says it is none (A)."""
    agent, token = call.request.headers.get("User-Agent", ""), call.request.headers.get("X-Atlassian-Token", "")
    if call.body.multipart and agent.startswith("Mozilla/") and token not in ("no-check", "nocheck"):
        raise Refusal(answer("XSRF check failed", status=403, kind="text/plain; charset=utf-8", basis=Basis.ASSUMED))
