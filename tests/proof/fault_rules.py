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


class Means(Enum):
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
    means: Means
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
        means=Means.EXPIRED,
        order={"status": 401, "body": {"error": "Invalid JWT: TokenExpiredError: jwt expired"}},
    ),
    Fault(
        name="401 region",
        means=Means.DENIED,
        side="cloud",
        order={
            "status": 401,
            "body": {
                "error": "Xray data is in another region. Contact support to migrate Xray data to current region."
            },
        },
    ),
    Fault(name="403", means=Means.DENIED, order={"status": 403, "body": {"error": "You have no permission"}}),
    Fault(name="200 login page", means=Means.DENIED, order={"status": 200, "body": LOGIN}, accepted=True),
    Fault(
        name="302 to login",
        means=Means.DENIED,
        order={"status": 302, "headers": {"Location": "https://sso.example/login?x=1"}},
    ),
    Fault(
        name="302 elsewhere",
        means=Means.ABSENT,
        order={"status": 302, "headers": {"Location": "https://other.example/"}},
    ),
    Fault(name="404 page", means=Means.ABSENT, order=_page(404)),
    Fault(name="200 page", means=Means.ABSENT, order=_page(200), accepted=True),
    Fault(
        name="400",
        means=Means.REFUSED,
        order={"status": 400, "body": {"error": "Error importing results: not like this"}},
    ),
    Fault(name="413 page", means=Means.REFUSED, order=_page(413)),
    Fault(
        name="errors in 200",
        means=Means.REFUSED,
        graphql=True,
        order={"status": 200, "body": {"errors": [{"message": "it failed", "path": ["x"]}], "data": None}},
    ),
    Fault(
        name="429 told",
        means=Means.BUSY,
        order={"status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {"text": "Too many"}}},
    ),
    Fault(name="429 not told", means=Means.BUSY, order={"status": 429}),
    Fault(name="500", means=Means.UNKNOWN, passing=False, order={"status": 500, "body": {"error": "internal"}}),
    Fault(name="500 done", means=Means.UNKNOWN, passing=False, done=True, order={"status": 500, "work": True}),
    *(Fault(name=str(status), means=Means.UNKNOWN, order=_page(status)) for status in (502, 504)),
    Fault(name="503 told", means=Means.UNKNOWN, order=_page(503, **{"Retry-After": "3"})),
    Fault(name="504 done", means=Means.UNKNOWN, done=True, order=_page(504) | {"work": True}),
    Fault(name="504 done later", means=Means.UNKNOWN, done=True, order=_page(504) | {"later_s": LATER}),
    Fault(name="cut before", means=Means.UNKNOWN, order={"drop": "before"}),
    Fault(name="cut after", means=Means.UNKNOWN, done=True, order={"drop": "after"}),
    Fault(name="cut, done later", means=Means.UNKNOWN, done=True, order={"drop": "before", "later_s": LATER}),
    Fault(name="timeout, done", means=Means.UNKNOWN, done=True, order={"delay_s": 0.45}),
    Fault(
        name="200 keyless",
        means=Means.UNKNOWN,
        passing=False,
        accepted=True,
        order={"status": 200, "body": {"ok": True}},
    ),
    Fault(
        name="200 keyless, done",
        means=Means.UNKNOWN,
        passing=False,
        accepted=True,
        done=True,
        order={"status": 200, "body": {"ok": True}, "work": True},
    ),
)


def _graphql(operation: str) -> tuple[str, ...]:
    return ("POST", "/api/v2/graphql", operation)


_IMPORTS = {"cloud": ("POST", "/api/v2/import/execution"), "server": ("POST", "/jira/rest/raven/2.0/import/execution")}
_SEARCH = {"cloud": _graphql("getTestExecutions("), "server": ("POST", "/jira/rest/api/2/search")}
_RUN = "/jira/rest/raven/2.0/api/testrun/"
_EVIDENCE = {"cloud": _graphql("addEvidenceToTestRun"), "server": ("POST", f"{_RUN}*/attachment")}
STEPS = (
    Step(name="login", scene="first", at={"cloud": ("POST", "/api/v2/authenticate")}),
    Step(name="look", scene="again", at=_SEARCH),
    Step(
        name="create",
        scene="race",
        at={"cloud": _graphql("createTestExecution"), "server": ("POST", "/jira/rest/api/2/issue")},
    ),
    Step(name="converge", scene="race", at=_SEARCH, skip=1),
    Step(
        name="remove",
        scene="race",
        at={"cloud": _graphql("deleteTestExecution"), "server": ("DELETE", "/jira/rest/api/2/issue/")},
        rival=True,
    ),
    Step(name="import 1", scene="first", at=_IMPORTS),
    Step(name="import 1 of 2 shards", scene="race", at=_IMPORTS),
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
        at={"cloud": _graphql("testRuns"), "server": ("GET", "/jira/rest/raven/2.0/api/testexec/")},
    ),
    Step(name="snapshot", scene="first", at=dict.fromkeys(SIDES, ("POST", "/take-snapshot/131073"))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault at one step of one product, once or until it is repaired."""

    side: str
    step: Step
    fault: Fault
    lasting: bool
    order: Mapping[str, Any] = field(repr=False)

    @property
    def code(self) -> int:
        """The exit code that the manual promises."""
        match self.step.name:
            case "snapshot":
                return 9 if self.lasting or not (self.fault.means is Means.BUSY or self._passes) else 0
            case "remove":
                return self._removal()
            case "reconcile" if self.side == "server" and self.fault.name == "400" and not self.lasting:
                return 0  # Server/DC refuses pages that are too large for it, and smaller ones are asked for
            case "login" if self.fault.name == "400":
                return 5  # it is about the credentials
            case "evidence 1" | "evidence 2" if self.fault.means is Means.REFUSED:
                return 8  # all results are stored, and `resume` tries the file again
            case _:
                return self._code()

    @property
    def left(self) -> bool:
        """Whether an empty Test Execution stays for good: a clear no was said to removing it, which costs no result."""
        return self.step.name == "remove" and (self.fault.means is Means.REFUSED or self.fault.name == "403")

    def _removal(self) -> int:
        if self.left or not self.lasting:
            return 0  # it is tried at once and again at the end
        if self.side == "server" and self.fault.accepted:
            return 0 if self.fault.done else 7  # Jira's yes holds nothing: believed when the Test Execution is gone
        return self._code()

    def _code(self) -> int:
        match self.fault.means:
            case Means.EXPIRED:
                return 0 if self.side == "cloud" and not self.lasting and self.step.name != "login" else 5
            case Means.DENIED:
                return 5
            case Means.ABSENT:
                return 7
            case Means.REFUSED:
                return 0 if self._import and not self.lasting else 6
            case Means.BUSY:
                return 7 if self.lasting else 0
            case Means.UNKNOWN:
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

    @property
    def _passes(self) -> bool:
        return self.fault.means is Means.UNKNOWN and self.fault.passing

    def __str__(self) -> str:
        return f"{self.step.name}, {self.side}: {self.fault.name}, {'until repaired' if self.lasting else 'once'}"


def cells(step: Step, side: str) -> Iterator[Cell]:
    """Yield each fault that can be met at a step of a product, once and lasting."""
    if side not in step.at:
        return  # Server/DC has no login: each request is signed with what the user gave
    method, path, *operation = step.at[side]
    for fault in FAULTS:
        if _exists(fault, step, side, bool(operation)):
            match = {"method": method, "path": path, "contains": "".join(operation)}
            for lasting in (False, True):
                yield Cell(
                    side=side,
                    step=step,
                    fault=fault,
                    lasting=lasting,
                    order={"match": match, "skip": step.skip, "times": -1 if lasting else 1, **fault.order},
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
