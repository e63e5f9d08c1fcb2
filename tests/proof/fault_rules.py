"""Every fault and every step that a delivery can meet it at.

The rules that say which pairs exist and how a run ends by them.

Faults are those of the vendors' documents and of what users reported; exit codes are those that the manual promises.
Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

GATEWAY = "<html><head><title>Bad gateway</title></head><body>upstream</body></html>"
LOGIN = "<html><head><title>Log in</title></head><body><input type='password' name='os_password'></body></html>"
LATER = 20.0
"""Seconds by which work outlives its lost answer."""
SIDES = ("cloud", "server")


class Context(Enum):
    """What an answer, or none, means to whoever waits for it."""

    EXPIRED = "the signature is not taken any more"
    DENIED = "not allowed, and asking again does not help"
    ABSENT = "something else than the service answers"
    REFUSED = "the service says no to this request"
    BUSY = "later, please"
    UNKNOWN = "it may have been done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail."""

    name: str
    context: Context
    order: Mapping[str, Any]
    side: str | None = None
    """The only product that it can be met at."""
    done: bool = False
    """Whether what was asked for is done all the same, at once or later."""
    passing: bool = True
    """Of an unknown end: whether a harmless call is repeated; an error of the service itself is not expected to go
    away."""
    graphql: bool = False
    """Whether only GraphQL has such an answer."""
    accepted: bool = False
    """Whether it is a success to a service that publishes nothing about its answers: Snapshots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One kind of request of a delivery."""

    name: str
    scene: str
    at: Mapping[str, tuple[str, ...]]
    """By product: method, path, and for GraphQL the operation. A product without it has no such step."""
    skip: int = 0
    rival: bool = False
    """Whether another run has made a Test Execution at the same moment."""


def _page(status: int, **headers: str) -> dict[str, Any]:
    return {"status": status, "body": GATEWAY, "headers": headers}


FAULTS = (
    Fault(
        name="401 expired",
        context=Context.EXPIRED,
        order={"status": 401, "body": {"error": "Invalid JWT: TokenExpiredError: jwt expired"}},
    ),
    Fault(
        name="401 region",
        context=Context.DENIED,
        side="cloud",
        order={
            "status": 401,
            "body": {
                "error": "Xray data is in another region. Contact support to migrate Xray data to current region."
            },
        },
    ),
    Fault(name="403", context=Context.DENIED, order={"status": 403, "body": {"error": "You have no permission"}}),
    Fault(name="200 login page", context=Context.DENIED, order={"status": 200, "body": LOGIN}, accepted=True),
    Fault(
        name="302 to login",
        context=Context.DENIED,
        order={"status": 302, "headers": {"Location": "https://sso.example/login?x=1"}},
    ),
    Fault(
        name="302 elsewhere",
        context=Context.ABSENT,
        order={"status": 302, "headers": {"Location": "https://other.example/"}},
    ),
    Fault(name="404 page", context=Context.ABSENT, order=_page(404)),
    Fault(name="200 page", context=Context.ABSENT, order=_page(200), accepted=True),
    Fault(
        name="400",
        context=Context.REFUSED,
        order={"status": 400, "body": {"error": "Error importing results: not like this"}},
    ),
    Fault(name="413 page", context=Context.REFUSED, order=_page(413)),
    Fault(
        name="errors in 200",
        context=Context.REFUSED,
        graphql=True,
        order={"status": 200, "body": {"errors": [{"message": "it failed", "path": ["x"]}], "data": None}},
    ),
    Fault(
        name="429 told",
        context=Context.BUSY,
        order={"status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {"text": "Too many"}}},
    ),
    Fault(name="429 not told", context=Context.BUSY, order={"status": 429}),
    Fault(name="500", context=Context.UNKNOWN, passing=False, order={"status": 500, "body": {"error": "internal"}}),
    Fault(name="500 done", context=Context.UNKNOWN, passing=False, done=True, order={"status": 500, "work": True}),
    *(Fault(name=str(status), context=Context.UNKNOWN, order=_page(status)) for status in (502, 504)),
    Fault(name="503 told", context=Context.UNKNOWN, order=_page(503, **{"Retry-After": "3"})),
    Fault(name="504 done", context=Context.UNKNOWN, done=True, order=_page(504) | {"work": True}),
    Fault(name="504 done later", context=Context.UNKNOWN, done=True, order=_page(504) | {"later_s": LATER}),
    Fault(name="cut before", context=Context.UNKNOWN, order={"drop": "before"}),
    Fault(name="cut after", context=Context.UNKNOWN, done=True, order={"drop": "after"}),
    Fault(name="cut, done later", context=Context.UNKNOWN, done=True, order={"drop": "before", "later_s": LATER}),
    Fault(name="timeout, done", context=Context.UNKNOWN, done=True, order={"delay_s": 0.45}),
    Fault(
        name="200 keyless",
        context=Context.UNKNOWN,
        passing=False,
        accepted=True,
        order={"status": 200, "body": {"ok": True}},
    ),
    Fault(
        name="200 keyless, done",
        context=Context.UNKNOWN,
        passing=False,
        accepted=True,
        done=True,
        order={"status": 200, "body": {"ok": True}, "work": True},
    ),
)


def _graphql(operation: str) -> tuple[str, ...]:
    return ("POST", "/api/v2/graphql", operation)


_IMPORTS = {"cloud": ("POST", "/api/v2/import/execution"), "server": ("POST", "/jira/rest/raven/2.0/import/execution")}
_SEARCH = {"cloud": _graphql("getTestExecutions("), "server": ("POST", "/jira/rest/api/latest/search")}
_RUN = "/jira/rest/raven/2.0/api/testrun/"
_EVIDENCE = {"cloud": _graphql("addEvidenceToTestRun"), "server": ("POST", f"{_RUN}*/attachment")}
STEPS = (
    Step(name="login", scene="first", at={"cloud": ("POST", "/api/v2/authenticate")}),
    Step(name="look", scene="again", at=_SEARCH),
    Step(
        name="create",
        scene="race",
        at={"cloud": _graphql("createTestExecution"), "server": ("POST", "/jira/rest/api/latest/issue")},
    ),
    Step(name="converge", scene="race", at=_SEARCH, skip=1),
    Step(
        name="remove",
        scene="race",
        at={"cloud": _graphql("deleteTestExecution"), "server": ("DELETE", "/jira/rest/api/latest/issue/")},
        rival=True,
    ),
    Step(name="import 1", scene="first", at=_IMPORTS),
    Step(name="import 1 of 2 shards", scene="race", at=_IMPORTS),
    Step(name="import 1 of a re-run", scene="again", at=_IMPORTS),
    Step(name="import 2", scene="first", at=_IMPORTS, skip=1),
    Step(name="import 3 of a re-run", scene="again", at=_IMPORTS, skip=2),
    Step(
        name="look at evidence",
        scene="heavy",
        at={"cloud": _graphql("getTestRunById"), "server": ("GET", f"{_RUN}*/attachment")},
    ),
    Step(name="evidence 1", scene="heavy", at=_EVIDENCE),
    Step(name="evidence 2", scene="heavy", at=_EVIDENCE, skip=1),
    Step(
        name="reconcile",
        scene="first",
        at={"cloud": _graphql("estRuns"), "server": ("GET", "/jira/rest/raven/2.0/api/testexec/")},
    ),
    Step(name="snapshot", scene="first", at=dict.fromkeys(SIDES, ("POST", "/take-snapshot/131073"))),
)


NATIVE = (
    "look",
    "create",
    "converge",
    "remove",
    "import 1",
    "import 1 of 2 shards",
    "import 1 of a re-run",
    "reconcile",
)
"""Steps of a native delivery, which is one request and leaves its evidence to Xray."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault at one step of one product, once or until it is repaired."""

    side: str
    way: str
    step: Step
    fault: Fault
    lasting: bool
    order: Mapping[str, Any] = field(repr=False)

    @property
    def code(self) -> int:
        """The exit code that the manual promises."""
        match self.step.name:
            case "snapshot":
                # What may have been taken is not triggered again by itself.
                return 9 if self.lasting or self.fault.context is not Context.BUSY else 0
            case "remove":
                return self._removal()
            case "reconcile" if self.fault.context in (Context.EXPIRED, Context.DENIED, Context.REFUSED):
                return 0  # the import is done: a clear no to reading it back is a warning
            case "login" if self.fault.name == "400":
                return 5  # it is about the credentials
            case "evidence 1" | "evidence 2" if self.fault.context is Context.REFUSED:
                return 8  # all results are stored, and `resume` tries the file again
            case _:
                return self._code()

    @property
    def left(self) -> bool:
        """Whether an empty Test Execution stays for good: a clear no was said to removing it, which costs no result."""
        return self.step.name == "remove" and (self.fault.context is Context.REFUSED or self.fault.name == "403")

    def _removal(self) -> int:
        if self.left or not self.lasting:
            return 0  # it is tried at once and again at the end
        if self.side == "server" and self.fault.accepted:
            return 0 if self.fault.done else 7  # Jira's yes holds nothing: believed when the Test Execution is gone
        return self._code()

    def _code(self) -> int:
        match self.fault.context:
            case Context.EXPIRED:
                return 0 if self.side == "cloud" and not self.lasting and self.step.name != "login" else 5
            case Context.DENIED:
                return 5
            case Context.ABSENT:
                return 7
            case Context.REFUSED:
                parts = self.way == "converted"  # a report that is sent as it is is not made smaller
                return 0 if self._import and not self.lasting and parts else 6
            case Context.BUSY:
                return 7 if self.lasting else 0
            case Context.UNKNOWN:
                return 0 if self._found_out else 7

    @property
    def _found_out(self) -> bool:
        """Whether a run finds out what became of a request, or does it after all."""
        if self.step.name in ("create", "evidence 1", "evidence 2"):
            return self.fault.done or not self.lasting
        if self._import:  # among results of others nobody can tell that ours are there: they go again
            return (self.fault.done and self.step.scene == "first") or not self.lasting
        return self.fault.passing and not self.lasting

    @property
    def _import(self) -> bool:
        return self.step.name.startswith("import")

    def __str__(self) -> str:
        when = "until repaired" if self.lasting else "once"
        return f"{self.way}, {self.step.name}, {self.side}: {self.fault.name}, {when}"


def cells(step: Step, side: str, way: str) -> Iterator[Cell]:
    """Yield each fault that can be met at a step of a product on one way, once and lasting."""
    if side not in step.at:
        return  # Server/DC has no login: each request is signed with what the user gave
    method, path, *operation = step.at[side]
    # What the tags of scenarios name is looked up before, which costs nothing when it fails.
    skip = step.skip + (way == "cucumber" and step.at is _SEARCH and side == "server")
    for fault in FAULTS:
        if _exists(fault, step, side, bool(operation)):
            match = {"method": method, "path": path, "contains": "".join(operation)}
            for lasting in (False, True):
                yield Cell(
                    side=side,
                    way=way,
                    step=step,
                    fault=fault,
                    lasting=lasting,
                    order={"match": match, "skip": skip, "times": -1 if lasting else 1, **fault.order},
                )


def _exists(fault: Fault, step: Step, side: str, graphql: bool) -> bool:
    """Say whether a service can answer so at a step."""
    if fault.side not in (None, side) or (fault.graphql and not graphql):
        return False
    if step.name == "login":
        return fault.name not in (
            "401 region",
            "413 page",
        )  # a login is taken by every region (O), and has a hundred bytes
    if step.name == "snapshot":
        return not fault.accepted and fault.name != "401 region"  # any 2xx is a yes; Xray's regions are not known there
    return True
