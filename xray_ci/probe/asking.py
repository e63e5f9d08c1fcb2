"""How a probe asks: within a budget of requests, at the site's pace, and what it heard by the way.

Knows addresses and who signs; what is asked and what it means is the business of the steps.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from xray_ci.probe import shapes
from xray_ci.secret import Secret
from xray_ci.services.auth import Basic, Bearer
from xray_ci.services.body import FormPart, Pieces, Upload, boundary, multipart
from xray_ci.services.wire import Answer, Answered, Call, CallKind, Lost, NotSent, Throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from xray_ci.services.wire import Authorization, Caller, Failed, Outcome, Redirected, RefusedAnswer

_WINDOW: Final = 60.0
"""Seconds over which calls are counted, as a rate limit was seen to count them (O)."""
NOBODY: Final = Basic(user="xrayci-probe-nobody", password=Secret("xrayci-probe"))  # nobody's, on purpose
NO_TOKEN: Final = Bearer(token=Secret("xrayci-probe"))


Reply: TypeAlias = "Answered | RefusedAnswer | Failed | Throttled | Redirected"
"""What came back; nothing else ever leaves `Asking`."""


class Short(Exception):
    """Ends a step: what is left of it cannot be probed, and why, in words of ours."""


class Halted(Exception):
    """Ends the probe: the budget is spent, or the site does not answer; the outcome says which."""

    def __init__(self, why: str, outcome: Outcome | None = None) -> None:
        super().__init__(why)
        self.outcome = outcome


class Limited(Struct, frozen=True, kw_only=True):
    """A 429 that was met: after how many calls of the last minute, and how it looked."""

    calls: int
    seen: dict[str, Any]


class Listening:
    """A caller between the policy of repeats and the wire: counts calls and looks at each 429."""

    def __init__(self, inner: Caller, clock: Callable[[], float], *, one: bool = False) -> None:
        """`one` says that Jira's calls and Xray's are counted together."""
        self._one = one
        self._inner = inner
        self._clock = clock
        self._moments: dict[str, list[float]] = {}
        self.count = 0
        self.limited: dict[str, Limited] = {}
        """The first 429 of each kind of service, see `service_of`."""

    def call(self, call: Call) -> Outcome:
        """Return what became of the call; raises as `inner` does."""
        self.count += 1
        name, now = "xray" if self._one else service_of(call.url), self._clock()
        held = [each for each in self._moments.get(name, ()) if now - each < _WINDOW]
        outcome = self._inner.call(call)
        if isinstance(outcome, Throttled):
            names = (
                "retry-after",
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                "ratelimit-reason",
            )
            seen = {**shapes.seen(outcome), "headers": shapes.headers(outcome, *names)}
            self.limited.setdefault(name, Limited(calls=len(held), seen=seen))
        elif _counts(call, outcome):
            held.append(now)
        self._moments[name] = held
        return outcome


_UNCOUNTED: Final = frozenset({401, 405})


def _counts(call: Call, outcome: Outcome) -> bool:
    """Say whether a site counts a call: logins, what nobody signed, and paths that are none do not count (O, A)."""
    signed = any(name == "Authorization" for name, _ in call.headers)
    lost = isinstance(outcome, Answer) and (outcome.status in _UNCOUNTED or outcome.is_page)
    return signed and not lost and call.kind is not CallKind.AUTHENTICATE


def service_of(url: str) -> str:
    """Return whose calls are counted together: `jira`, or `xray` with everything else."""
    return "jira" if "/rest/api/" in url else "xray"


class Asking:
    """One site that is asked."""

    def __init__(
        self,
        *,
        caller: Caller,
        listening: Listening,
        xray: str,
        jira: str | None,
        auth: Authorization,
        jira_auth: Authorization | None,
        project: str,
        deployment: str,
        budget: int,
        sleep: Callable[[float], None],
        random: Random,
    ) -> None:
        """`xray` and `jira` are base URLs; `jira_auth` is None where Jira is asked as nobody."""
        self.caller = caller
        self.listening = listening
        self.xray = xray.rstrip("/")
        self.jira = jira.rstrip("/") if jira else None
        self.auth = auth
        self.jira_auth = jira_auth
        self.project = project
        self.deployment = deployment
        self.sleep = sleep
        self.reserve = 0
        """Requests that are kept for tidying up."""
        self._budget = budget
        self._random = random

    @property
    def cloud(self) -> bool:
        """Whether it is Xray Cloud."""
        return self.deployment == "cloud"

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.listening.count

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        auth: Authorization | None = None,
        headers: tuple[tuple[str, str | Secret], ...] = (),
        kind: CallKind | None = None,
    ) -> Reply:
        """Send one request; an object or list travels as JSON, an Upload as it is.

        Raises Halted when the budget is spent or nobody answers; raises as signing does.
        """
        if self.requests + self.reserve >= self._budget:
            raise Halted("the budget of requests was spent")
        if kind is None:
            kind = CallKind.READ if method == "GET" else CallKind.IMPORT
        upload = body if isinstance(body, Upload) else None if body is None else as_json(body)
        outcome = self.caller.call(Call(kind=kind, method=method, url=url, headers=headers, auth=auth, upload=upload))
        if isinstance(outcome, NotSent | Lost):
            raise Halted("the site did not answer", outcome)
        return outcome

    def rest(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """Call Xray's REST interface; `path` begins behind the root of the newest version, or is `/api/v1/…`."""
        root = "/api/v2" if self.cloud else "/rest/raven/2.0"
        place = path if path.startswith(("/api/v1/", "/rest/")) else root + path
        return self.call(method, self.xray + place, body, **{"auth": self.auth, **more})

    def graphql(self, query: str, **variables: Any) -> Reply:
        """Send one document; reads and changes alike, as a change is looked for by its label."""
        kind = CallKind.IMPORT if query.lstrip().startswith("mutation") else CallKind.READ
        body = {"query": query, "variables": variables}
        return self.call("POST", f"{self.xray}/api/v2/graphql", body, auth=self.auth, kind=kind)

    def data(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """Return the data of a document; raises Short when there is none."""
        outcome = self.graphql(query, **variables)
        found = outcome.json.get("data") if isinstance(outcome.json, dict) else None
        if not isinstance(found, dict):
            raise Short("what it rests on was refused")
        return found

    def issue(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """Call Jira's REST interface, version 2 unless the path says another; raises Short without credentials."""
        if self.jira is None or (self.jira_auth is None and "auth" not in more):
            raise Short("neither address nor credentials of Jira are set")
        place = path if path.startswith("/rest/") else f"/rest/api/2{path}"
        kind = CallKind.READ if "/search" in path else None
        return self.call(method, self.jira + place, body, **{"auth": self.jira_auth, "kind": kind, **more})

    def form(self, **parts: tuple[str, str, bytes]) -> Upload:
        """Return a form of parts: file name, content type, content by part name."""
        made = tuple(
            FormPart(name=name, filename=filename, content_type=kind, pieces=(content,))
            for name, (filename, kind, content) in parts.items()
        )
        return multipart(made, boundary(self._random))


def as_json(value: Any) -> Upload:
    """Return a document as a body."""
    return raw("application/json", json.dumps(value).encode())


def raw(kind: str, content: bytes) -> Upload:
    """Return bytes as a body."""
    return Upload(content_type=kind, body=Pieces(pieces=(content,)))


def document(outcome: Answer) -> Any:
    """Return the JSON of a success; raises Short for anything else."""
    if not isinstance(outcome, Answered):
        raise Short("what it rests on was refused")
    return outcome.json


def member(value: Any, *names: str | int) -> Any:
    """Return what lies at a place of a document, or of an answer's; None where there is nothing."""
    if isinstance(value, Answer):
        value = value.json
    for name in names:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and isinstance(name, int) and -len(value) <= name < len(value):
            value = value[name]
        else:
            return None
    return value


def listed(value: Any, *names: str | int) -> list[dict[str, Any]]:
    """Return the objects of the list at a place of a document; none where there is another thing."""
    held = member(value, *names)
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []
