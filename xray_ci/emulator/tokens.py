"""Tokens of Xray Cloud: real three-part JWTs that expire by the emulator's clock. Knows no routes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import Basis, refusal

if TYPE_CHECKING:
    from datetime import datetime

    from xray_ci.emulator.answers import Refusal

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
