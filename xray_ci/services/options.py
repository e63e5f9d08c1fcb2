"""How connections are made, as one value. Knows no requests, so that it can be made without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.secret import Secret

USER_AGENT: Final = f"xray-ci/{__version__}"


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
