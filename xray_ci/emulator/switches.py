"""How the emulator behaves where vendors differ, may be set up differently, or are not known. Knows no requests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import facts

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPORT: Final = 4_000_000
"""Bytes of the largest report of facts that is read."""
_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "region": ("global", "us", "eu", "au"),
    "language": ("en", "de", "fr"),
    "status_policy": ("silent", "refuse"),
    "graphql_cost": ("nested", "sum"),
    "max_body_answer": ("text", "json", "html"),
    "server_unknown_test": ("refuse", "error-list"),
    "snapshots_answer": ("accepted", "empty", "queued", "no-content", "text"),
    "snapshots_unknown_page": (404, 200),
}


def _switch(says: str, *, default: Any) -> Any:
    """Make a switch: its default and what it does. The facts that it is about name it in their table."""
    return field(default=default, metadata={"says": says})


@dataclass(slots=True, kw_only=True)
class Switches:
    """One attribute a switch; defaults are what the vendors are believed to do."""

    rate_limit: int = _switch(
        "Calls of one client in 60 s on Xray Cloud; 0 = no limit. Authenticate does not count.", default=0
    )
    server_rate_limit: int = _switch(
        "The same for all callers of Server with its Jira together, where an administrator set one.", default=0
    )
    jira_rate_limit: int = _switch("The same for Jira Cloud.", default=0)
    region: str = _switch("Which of Xray Cloud's hosts this is.", default="global")
    language: str = _switch("Of the error texts of Xray Server and its Jira: they are localised.", default="en")
    status_policy: str = _switch(
        "An unknown status word on Cloud: stored as TO DO without a word, or the import is refused.", default="silent"
    )
    graphql_cost: str = _switch(
        "What counts towards the 10,000 items of one GraphQL document: the largest product of nested limits (a public "
        "client sends 100 x 100 in production), or the sum over all lists, as the documentation's text reads.",
        default="nested",
    )
    graphql_v1: bool = _switch(
        "Whether `/api/v1/graphql` answers: older documentation and five public clients use it.", default=True
    )
    form_logins: bool = _switch(
        "Whether Cloud's authenticate takes a form beside JSON: two public tools send one.", default=True
    )
    multipart_updates: bool = _switch(
        "Whether an import with `info` updates the Test Execution that the report names; else it makes a new one, as "
        "older material says.",
        default=True,
    )
    empty_lists: bool = _switch(
        "Whether Cloud takes empty `examples` and `iterations` in Xray JSON: refusals were seen, and a public client "
        "always sends them.",
        default=False,
    )
    max_body: int = _switch("Largest body in bytes; 0 = no limit.", default=0)
    max_body_answer: str = _switch("Shape of the 413.", default="text")
    index_lag_s: float = _switch(
        "Issues younger than this many seconds are missing from search, and readable by key.", default=0.0
    )
    jql_refuses_many: bool = _switch(
        "GraphQL refuses JQL that finds more than 100 issues, though samples of the vendor page through more.",
        default=True,
    )
    server_unknown_test: str = _switch(
        "An unknown Test key on Server: the import is refused, or the Test is listed in `testIssues.error`.",
        default="refuse",
    )
    server_page: int = _switch(
        "Most Tests of a Test Execution that Server lists at a time; more is refused.", default=1000
    )
    execution_editable: bool = _switch(
        "Whether an existing Test Execution on Server takes a new summary; some sites refuse it.", default=True
    )
    licence_active: bool = _switch("Whether Xray's licence is valid.", default=True)
    xray_installed: bool = _switch("Whether Server has the app at all.", default=True)
    basic_logins: bool = _switch(
        "Whether Server takes user and password; Jira 11 does not unless told, and says 403.", default=True
    )
    oauth_window_s: int = _switch(
        "Seconds that the time of a request signed by OAuth 1.0a may be off the emulator's clock, which mostly stands "
        "years back; 0 = it is not looked at.",
        default=0,
    )
    sso_redirect: bool = _switch("Unauthenticated calls to Server: 302 to a login page instead of 401.", default=False)
    captcha_after: int = _switch("Failed basic logins after which Server asks for a CAPTCHA; 0 = never.", default=3)
    required_header: str = _switch("`Name: value` that an access gateway in front of everything asks for.", default="")
    snapshots_enabled: bool = _switch("The automation switch of the whole Confluence site.", default=True)
    snapshots_answer: str = _switch(
        "What an accepted trigger looks like: 202 empty, 200 empty, 200 JSON, 204, 200 text.", default="accepted"
    )
    snapshots_refusal: int = _switch("Another status for every refused trigger; 0 = the assumed one.", default=0)
    snapshots_unknown_page: int = _switch("A page without macros: 404, or 200 and nothing to do.", default=404)
    snapshots_fail: bool = _switch("Accepted, but the snapshot is never taken: no new page version.", default=False)
    snapshots_bearer: bool = _switch(
        "Confluence Data Center 9 and later: a bearer token is asked for besides the key.", default=False
    )
    snapshots_settle_s: float = _switch("Seconds from an accepted trigger to the new page version.", default=2.0)
    macro_automation: bool = _switch("Whether automation is still ticked on the automated macro.", default=True)

    def patch(self, changes: Mapping[str, Any]) -> None:
        """Change some; raises ValueError for an unknown name or a value of the wrong kind, and then changes none."""
        kinds = {each.name: type(getattr(self, each.name)) for each in fields(self)}
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

    def as_reported(self, content: bytes) -> None:
        """Set what a report of `xray-ci probe` tells of a site; raises ValueError for anything else."""
        try:
            rows = json.loads(content)["facts"] if len(content) <= _REPORT else []
            told = {name: value for row in rows for name, value in row.get("switches", {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            rows, told = [], {}
        if not rows:
            raise ValueError("this is no report of facts")
        self.patch(told)

    def as_dict(self) -> dict[str, Any]:
        """Return every switch by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One switch for people."""

    name: str
    default: str
    choices: str
    facts: str
    """Ids of the facts that it is about, each with its mark."""
    says: str


def described() -> list[Described]:
    """Return every switch with its default, its choices, its facts and what it does."""
    return [
        Described(
            name=each.name,
            default=_shown(each.default),
            choices=", ".join(map(_shown, _CHOICES.get(each.name, ()))) or type(each.default).__name__,
            facts=", ".join(
                f"{name} ({row['mark']})" for name, row in facts().items() if each.name in row.get("switch", ())
            ),
            says=each.metadata["says"],
        )
        for each in fields(Switches)
    ]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
