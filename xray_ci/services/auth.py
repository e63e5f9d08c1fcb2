"""Who signs a request: explicit objects, each making one `Authorization` header.

Knows how each product is asked for access. Knows nothing of requests, netrc files or retries.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Final

from xray_ci.secret import Redactor, Secret
from xray_ci.services.body import Pieces, Upload
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Call, Caller, CallKind

_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A token that is given as it is: a personal access token of Server/DC, or an OAuth 2 token of Cloud."""

    token: Secret

    def header(self) -> Secret:
        """Return `Bearer TOKEN`."""
        return Secret(f"Bearer {self.token.reveal()}")

    def renew(self) -> bool:
        """Return False: repeated failures lead to Jira's CAPTCHA and nowhere else."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """User and password (Server/DC), or e-mail and API token (Jira Cloud)."""

    user: str
    password: Secret

    def header(self) -> Secret:
        """Return `Basic …`, encoded as UTF-8."""
        pair = f"{self.user}:{self.password.reveal()}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")

    def renew(self) -> bool:
        """Return False: repeated failures lead to Jira's CAPTCHA and nowhere else."""
        return False


class ApiKeyLogin:
    """An API key of Xray Cloud: asks for a token when the first header is wanted, and keeps it for the run.

    Tokens live 24 hours (D), longer than any run; one that was revoked earlier shows by a 401.
    """

    def __init__(
        self,
        *,
        caller: Caller,
        base_url: str,
        version: str,
        client_id: Secret,
        client_secret: Secret,
        redactor: Redactor,
    ) -> None:
        self._caller = caller
        self._url = f"{base_url.rstrip('/')}/api/{version}/authenticate"
        self._client_id = client_id
        self._client_secret = client_secret
        self._redactor = redactor
        self._token: Secret | None = None
        self._asked = Asked(
            kind=CallKind.AUTHENTICATE,
            service="Xray Cloud",
            setting="xray-url",
            url=self._url,
            credentials="client-id, client-secret",
        )

    def header(self) -> Secret:
        """Return `Bearer TOKEN`; raises NotAuthorised or Unreachable when no token is given out."""
        if self._token is None:
            self._token = self._authenticate()
        return Bearer(token=self._token).header()

    def renew(self) -> bool:
        """Forget the token; the next header asks for another."""
        self._token = None
        return True

    def _authenticate(self) -> Secret:
        document = {"client_id": self._client_id.reveal(), "client_secret": self._client_secret.reveal()}
        upload = Upload(content_type="application/json", body=Pieces(pieces=(json.dumps(document).encode(),)))
        outcome = self._caller.call(Call(kind=CallKind.AUTHENTICATE, method="POST", url=self._url, upload=upload))
        if isinstance(outcome, Answered) and (token := self._taken(outcome)):
            return token
        raise failure(outcome, self._asked)

    def _taken(self, outcome: Answered) -> Secret | None:
        """Return the token of an answer: one JSON string (D), its quotes cut off; bare text is taken as well."""
        text = outcome.json if isinstance(outcome.json, str) else outcome.text.strip().strip('"')
        if not _JWT.fullmatch(text):
            return None
        # Before anything else can look at the answer: what logs from here on cannot show it.
        self._redactor.register(text)
        return Secret(text)
