"""How the stand-in behaves where vendors differ, may be set up differently, or are not known. Knows no requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "region": ("global", "us", "eu", "au"),
    "language": ("en", "de", "fr"),
    "status_policy": ("silent", "refuse"),
    "max_body_answer": ("text", "json", "html"),
    "server_unknown_test": ("refuse", "error-list"),
    "snapshots_answer": ("accepted", "empty", "queued", "no-content", "text"),
    "snapshots_unknown_page": (404, 200),
}


@dataclass(slots=True, kw_only=True)
class Switches:
    """One attribute a switch; defaults are what the vendors are believed to do."""

    rate_limit: int = 0
    """Calls of one client in 60 s on Xray Cloud; 0 = no limit. Authenticate does not count (O)."""
    server_rate_limit: int = 0
    """The same for all callers of Server with its Jira together, where an administrator set one (O)."""
    jira_rate_limit: int = 0
    """The same for Jira Cloud."""
    region: str = "global"
    """Which of Xray Cloud's hosts this is."""
    language: str = "en"
    """Of the error texts of Xray Server and its Jira: they are localised (O)."""
    status_policy: str = "silent"
    """An unknown status word on Cloud: stored as TO DO without a word, or refused. Both were observed."""
    max_body: int = 0
    """Bytes; 0 = no limit."""
    max_body_answer: str = "text"
    """Shape of the 413."""
    index_lag_s: float = 0.0
    """Issues younger than this are missing from search, and readable by key (O)."""
    jql_refuses_many: bool = True
    """GraphQL on Cloud refuses JQL that finds more than 100 issues (D), though samples of the vendor page through more
    (O)."""
    server_unknown_test: str = "refuse"
    """An unknown Test key on Server: the import is refused (O), or the Test is listed in `testIssues.error` (O)."""
    server_page: int = 1000
    """Most Tests of a Test Execution that Server lists at a time (D: there is a maximum; O: the number). More is
    refused (O)."""
    execution_editable: bool = True
    """Whether an existing Test Execution on Server takes a new summary; some sites refuse it (O)."""
    licence_active: bool = True
    xray_installed: bool = True
    """Whether Server has the app at all."""
    sso_redirect: bool = False
    """Unauthenticated calls to Server: 302 to a login page instead of 401 (O)."""
    captcha_after: int = 3
    """Failed basic logins after which Server asks for a CAPTCHA; 0 = never."""
    required_header: str = ""
    """`Name: value` that an access gateway in front of everything asks for."""
    snapshots_enabled: bool = True
    """The automation switch of the whole Confluence site."""
    snapshots_answer: str = "accepted"
    """What an accepted trigger looks like: 202 empty, 200 empty, 200 JSON, 204, 200 text. All assumed."""
    snapshots_refusal: int = 0
    """Another status for every refused trigger; 0 = the assumed one."""
    snapshots_unknown_page: int = 404
    """A page without macros: 404, or 200 and nothing to do."""
    snapshots_fail: bool = False
    """Accepted, but the snapshot is never taken: no new page version (D)."""
    snapshots_bearer: bool = False
    """Confluence Data Center 9 and later: a bearer token is asked for besides the key (D)."""
    snapshots_settle_s: float = 2.0
    """Seconds from an accepted trigger to the new page version."""
    macro_automation: bool = True
    """Whether automation is still ticked on the automated macro."""

    def patch(self, changes: Mapping[str, Any]) -> None:
        """Change some; raises ValueError for an unknown name or a value of the wrong kind, and then changes none."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"no such setting: {name}; there are {', '.join(kinds)}")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(map(str, _CHOICES[name]))}")
            wanted = (int, float) if kinds[name] is float else (kinds[name],)
            if isinstance(value, bool) is not (kinds[name] is bool) or not isinstance(value, wanted):
                raise ValueError(f"{name} takes {kinds[name].__name__}")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return every switch by name."""
        return asdict(self)
