"""What is asked of the wire: one call, who signs it, and who carries it.

Knows nothing of requests, so that services can be imported without it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from xray_ci.secret import Secret
    from xray_ci.services.body import Upload
    from xray_ci.services.outcome import Outcome


class CallKind(enum.Enum):
    """What a repeat would do, which is all that decides about repeating."""

    AUTHENTICATE = "authenticate"
    """Harmless."""
    READ = "read"
    """Harmless."""
    IMPORT = "import"
    """May double a Test Execution."""
    TRIGGER = "trigger"
    """Costs one more page version."""


class Authorization(Protocol):
    """Makes the `Authorization` header, and nothing else of a request."""

    def header(self) -> Secret:
        """Return the header's value; raises NotAuthorised or Unreachable when it must be asked for and is not given."""

    def renew(self) -> bool:
        """Forget what was refused; True when another try with a fresh header can make a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    kind: CallKind
    method: str
    url: str
    shown: str | None = None
    """What may be printed instead of the URL, where that is a secret."""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    auth: Authorization | None = None
    upload: Upload | None = None
    gateway: bool = True
    """Whether the gateway headers go along: they are for Jira and Xray, not for other hosts."""


class Caller(Protocol):
    """Carries calls: the transport, or a policy around it."""

    def call(self, call: Call) -> Outcome:
        """Return what became of the call; raises only what its authorization raises and UnreadableReport."""
