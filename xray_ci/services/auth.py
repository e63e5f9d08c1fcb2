"""Who signs a request: explicit objects, each making one `Authorization` header.

Knows how each product is asked for access. Knows nothing of requests, netrc files or retries.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.deployments import API_KEY, BASIC, OAUTH1, PERSONAL_TOKEN, LoginWay
from xray_ci.errors import ConfigurationError
from xray_ci.patterns import lazy
from xray_ci.secret import Redactor, Secret
from xray_ci.services.body import Pieces, Upload
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Call, Caller, CallKind

if TYPE_CHECKING:
    from oauthlib.oauth1 import Client

_JWT: Final = lazy(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


class Bearer(Struct, frozen=True, kw_only=True):
    """A token that is given as it is: a personal access token of Server/DC, or an OAuth 2 token of Cloud."""

    token: Secret
    login: LoginWay = PERSONAL_TOKEN

    def header(self, call: Call) -> Secret:  # noqa: ARG002
        """Return `Bearer TOKEN`."""
        return Secret(f"Bearer {self.token.reveal()}")

    def renew(self) -> bool:
        """Return False: repeated failures lead to Jira's CAPTCHA and nowhere else."""
        return False


class Basic(Struct, frozen=True, kw_only=True):
    """User and password (Server/DC), or e-mail and API token (Jira Cloud)."""

    user: str
    password: Secret
    login: LoginWay = BASIC

    def header(self, call: Call) -> Secret:  # noqa: ARG002
        """Return `Basic …`, encoded as UTF-8."""
        pair = f"{self.user}:{self.password.reveal()}".encode()
        return Secret(f"Basic {base64.b64encode(pair).decode()}")

    def renew(self) -> bool:
        """Return False: repeated failures lead to Jira's CAPTCHA and nowhere else."""
        return False


class OAuth1:
    """OAuth 1.0a with a token that a person once allowed: every try of a request is signed with RSA-SHA1.

    Jira takes no other method from a link with a public key (O). Bodies are not signed: they are no forms of a page
    (RFC 5849, 3.4.1.3.1). Loads its packages when the first header is wanted.
    """

    login = OAUTH1

    def __init__(self, *, consumer_key: Secret, token: Secret, private_key: Secret, moment: int | None = None) -> None:
        """`moment` is the second that every request says it is signed at; None is now."""
        self._consumer_key = consumer_key
        self._token = token
        self._private_key = private_key
        self._moment = moment
        self._client: Client | None = None

    def altered(self, *, moment: int | None = None, token: Secret | None = None) -> OAuth1:
        """Return a login that signs with the same key for another moment, or another token."""
        return OAuth1(
            consumer_key=self._consumer_key, token=token or self._token, private_key=self._private_key, moment=moment
        )

    def header(self, call: Call) -> Secret:
        """Return `OAuth …` with a fresh nonce and time; raises ConfigurationError for what is no RSA key."""
        if self._client is None:
            self._client = self._made()
        _, headers, _ = self._client.sign(call.url, http_method=call.method)
        return Secret(headers["Authorization"])

    def renew(self) -> bool:
        """Return False: each header is fresh anyway."""
        return False

    def _made(self) -> Client:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # 60 ms, with oauthlib
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
        from oauthlib.oauth1 import SIGNATURE_RSA, Client  # noqa: PLC0415

        try:
            key = load_pem_private_key(self._private_key.reveal().encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise ConfigurationError(
                "`oauth-private-key` is no RSA key that can sign",
                where="oauth-private-key",
                slug="wrong-value",
                advice="Store the whole private key again whose public key the application link in Jira has.",
            )
        return Client(
            self._consumer_key.reveal(),
            resource_owner_key=self._token.reveal(),
            rsa_key=key,  # the key itself: read once a run, not once a call
            signature_method=SIGNATURE_RSA,
            timestamp=None if self._moment is None else str(self._moment),
        )


class ApiKeyLogin:
    """An API key of Xray Cloud: asks for a token when the first header is wanted, and keeps it for the run.

    Tokens live 24 hours (D), longer than any run; one that was revoked earlier shows by a 401.
    """

    login = API_KEY

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
            kind=CallKind.AUTHENTICATE, service="Xray Cloud", setting="xray-url", url=self._url, login=API_KEY
        )

    def header(self, call: Call) -> Secret:
        """Return `Bearer TOKEN`; raises NotAuthorised or Unreachable when no token is given out."""
        if self._token is None:
            self._token = self._authenticate()
        return Bearer(token=self._token).header(call)

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
