"""How connections are made, as one value. Knows no requests, so that it can be made without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.secret import Secret

USER_AGENT: Final = f"xray-ci/{__version__}"
_MORE: Final = 10
"""Seconds of patience that each whole MB of a body adds (A): the service works an import off before it answers, and one file took
35 s on one network and more than 60 s on another (O). 50 MB, the largest request by default, get 500 s more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How connections are made; all of it comes from settings."""

    connect_timeout: float = 10.0
    timeout: float = 300.0
    ca_bundle: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    headers: tuple[tuple[str, Secret], ...] = field(default=(), repr=False)
    """Gateway headers."""
    user_agent: str = USER_AGENT

    def patience(self, size: int) -> float:
        """Return the seconds that sending a request of so many bytes may take in all, and then its answer, head and body."""
        return self.timeout + _MORE * (size // 1_000_000)
