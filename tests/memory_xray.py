"""Xray in memory, for laws that need thousands of deliveries.

Importer and store in one, with an index that lags and answers that get lost.

No HTTP is pretended here: it stands where `services` ends. What goes over the wire is for the contract tests.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from xray_ci.delivery.marker import PREFIX, Marker
from xray_ci.delivery.plan import ImportTarget, Plan
from xray_ci.delivery.planners import BatchOnDisk, MarkerLookup, convert
from xray_ci.delivery.progress import Context
from xray_ci.deployments import CLOUD
from xray_ci.errors import Refused, TooLarge, UnknownDelivery, Unreachable
from xray_ci.services import body
from xray_ci.services.store import ExistingTest, RunTotals, StoredExecution, StoredRun, empty_execution
from xray_ci.services.xray import ImportAnswer

TOKEN = PREFIX + "a" * 24
_WORD = re.compile(PREFIX + r"[a-z2-7]{24}")


@dataclass(kw_only=True)
class Issue:
    """A Test Execution."""

    id: int
    key: str
    token: str | None
    made: float
    runs: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Name and base64 of each file, by Test key."""

    @property
    def stored(self) -> StoredExecution:
        """It as a store shows it."""
        return StoredExecution(id=str(self.id), key=self.key)


class Died(BaseException):
    """The process was killed."""


class MemoryXray:
    """One project SHOP; Tests SHOP-1 up to SHOP-9999 exist, but for `bad` ones."""

    def __init__(
        self,
        clock,
        *,
        lag: float = 0.0,
        bad: tuple[str, ...] = (),
        names: bool = True,
        most: int = 10**9,
        tell: str = "no Test",
    ) -> None:
        self.clock = clock
        self.lag = lag
        self.bad = set(bad)
        self.names = names
        """Whether a refusal names the first key that is bad."""
        self.most = most
        """Bytes of an import."""
        self.most_evidence = 10**9
        """Bytes of a file of evidence."""
        self.upload_from: int | None = None
        """Bytes of a file that is uploaded by itself."""
        self.uploads: list[tuple[str, str]] = []
        """Name and base64 of each file that was."""
        self.tell = tell
        self.issues: dict[str, Issue] = {}
        self.created: dict[str, str] = {}
        """Keys of the Tests that imports made, by definition."""
        self.calls: list[tuple[str, Any]] = []
        self.faults: dict[int, str] = {}
        """By number of the call from 0: `lost` (done), `dropped` (not done), `died` (done), `killed` (not done)."""
        self.clears = False
        """Whether a result that is imported again without files loses those it had; nobody has looked (A)."""
        self.counts = True
        """Whether it counts runs, as Cloud does."""
        self._made = 0
        self.lookups = True
        """Whether the store can look for keys of Tests."""

    def _arrive(self, kind: str, what: Any) -> str | None:
        fault = self.faults.get(len(self.calls))
        self.calls.append((kind, what))
        if fault == "killed":
            raise Died
        return fault

    def _leave(self, fault: str | None) -> None:
        if fault == "died":
            raise Died
        if fault is not None:
            raise UnknownDelivery("the answer was lost")

    def count(self, kind: str) -> int:
        """Return how often something was asked for."""
        return sum(each == kind for each, _ in self.calls)

    # Importer

    def import_report(self, endpoint, *, query=(), upload) -> ImportAnswer:  # noqa: ARG002  # the protocol has them
        """Import Xray JSON as a whole, or refuse it as a whole."""
        body = b"".join(upload.body)
        document = json.loads(body)
        fault = self._arrive(
            "import", [test.get("testKey") or test["testInfo"]["definition"] for test in document["tests"]]
        )
        if fault == "dropped":
            raise UnknownDelivery("the connection was reset")
        if len(body) > self.most:
            raise TooLarge("too large", answer="413: too large")
        for test in document["tests"]:
            if test.get("testKey") in self.bad:
                raise Refused(
                    "refused", answer=f"400: {test['testKey']}: {self.tell}" if self.names else f"400: {self.tell}"
                )
        issue = self._issue(document.get("testExecutionKey"), json.dumps(document.get("info", {})))
        for test in document["tests"]:
            key = test.get("testKey") or self.created.setdefault(
                test["testInfo"]["definition"], f"SHOP-{10_000 + len(self.created)}"
            )
            issue.runs[key] = test["status"]
            files = [
                (file["filename"], file["data"])
                for holder in (*test.get("steps", ()), test)
                for file in holder.get("evidence", ())
            ]
            issue.evidence |= {key: files} if files or self.clears else {}
        self._leave(fault)
        return ImportAnswer(key=issue.key, id=str(issue.id), url=None, tests_ok=None)

    def _issue(self, key: str | None, text: str) -> Issue:
        if key is not None:
            return self.issues[key]
        number = 100_000 + self._made
        self._made += 1
        found = _WORD.search(text)
        issue = Issue(id=number, key=f"SHOP-{number}", token=found[0] if found else None, made=self.clock.monotonic())
        self.issues[issue.key] = issue
        return issue

    # Store

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return those with the mark that the index knows."""
        self._arrive("lookup", jql)
        found = _WORD.search(jql)
        assert found
        known = [
            each
            for each in self.issues.values()
            if each.token == found[0] and each.made + self.lag <= self.clock.monotonic()
        ]
        return tuple(each.stored for each in known)

    def execution(self, key: str) -> StoredExecution | None:
        """Return one by its key."""
        self._arrive("read", key)
        return self.issues[key].stored if key in self.issues else None

    def runs(self, execution: StoredExecution):
        """Yield its runs."""
        self._arrive("read", execution.key)
        if execution.key not in self.issues:
            raise Refused(f"there is no {execution.key}", answer="404")
        yield from [StoredRun(test=test, status=status) for test, status in self.issues[execution.key].runs.items()]

    def totals(self, execution: StoredExecution, statuses, **_) -> RunTotals | None:
        """Count its runs, unless it is a product that cannot."""
        if not self.counts:
            return None
        self._arrive("read", execution.key)
        runs = list(self.issues[execution.key].runs.values()) if execution.key in self.issues else []
        return RunTotals(runs=len(runs), by_status={status: runs.count(status) for status in statuses})

    def ages(self, *_, **__):
        """Say nothing of how old its Tests are."""
        yield from ()

    def some_runs(self, execution: StoredExecution, *, status=None, keys=()):
        """Yield the runs of a status, or of keys."""
        assert len(keys) <= 100
        self._arrive("read", execution.key)
        yield from [
            StoredRun(test=test, status=word)
            for test, word in self.issues[execution.key].runs.items()
            if (status is None or word == status) and (not keys or test in keys)
        ]

    def tests_named(self, keys) -> tuple[ExistingTest, ...]:
        """Return those that are Tests."""
        assert len(keys) <= 100
        self._arrive("tests", tuple(keys))
        shown = keys if not self.lookups else [key for key in keys if key not in self.bad]
        made = {key: definition for definition, key in self.created.items()}
        return tuple(ExistingTest(key=key, test_type="Generic", definition=made.get(key), summary="") for key in shown)

    def evidence(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the names of what a run has."""
        self._arrive("evidence", run.test)
        return tuple(name for name, _ in self.issues[execution.key].evidence.get(run.test, ()))

    def upload(self, evidence) -> str | None:
        """Store a file by itself, from a size on."""
        if self.upload_from is None or evidence.size < self.upload_from:
            return None
        data = b"".join(body.decoded(evidence.data).read())
        fault = self._arrive("upload", evidence.filename)
        if fault == "dropped":
            raise Unreachable("the connection was reset")
        self.uploads.append((evidence.filename, base64.b64encode(data).decode()))
        if fault == "died":
            raise Died
        if fault is not None:
            raise Unreachable("the answer was lost")
        return f"upload-{len(self.uploads):04}"

    def add_evidence(self, execution: StoredExecution, run: StoredRun, evidence, uploaded=None) -> None:
        """Add a file, or one that was uploaded."""
        if uploaded is None:
            data = b"".join(piece if isinstance(piece, bytes) else b"".join(piece.read()) for piece in evidence.data)
        else:
            data = self.uploads[int(uploaded[-4:]) - 1][1].encode()
        fault = self._arrive("attach", (run.test, evidence.filename))
        if fault == "dropped":
            raise UnknownDelivery("the connection was reset")
        if len(data) > self.most_evidence:
            raise TooLarge("too large", answer="413: too large")
        if evidence.filename in self.bad:
            raise Refused("refused", answer=f"400: {evidence.filename} is no evidence")
        self.issues[execution.key].evidence.setdefault(run.test, []).append((evidence.filename, data.decode()))
        self._leave(fault)

    def create_execution(self, fields) -> StoredExecution:
        """Make an empty one."""
        fault = self._arrive("create", fields)
        if fault == "dropped":
            raise UnknownDelivery("the connection was reset")
        issue = self._issue(None, json.dumps(fields))
        self._leave(fault)
        return issue.stored

    def delete_execution(self, execution: StoredExecution) -> bool:
        """Remove one."""
        self._arrive("delete", execution.key)
        return self.issues.pop(execution.key, None) is not None


def spooled(path: Path, tests: list[dict[str, Any]], size: int) -> list[BatchOnDisk]:
    """Write tests to a file and return its batches of so many tests."""
    batches: list[BatchOnDisk] = []
    with path.open("wb") as file:
        for start in range(0, len(tests), size):
            # As the product writes it: without blanks.
            content = b",".join(
                json.dumps(test, ensure_ascii=False, separators=(",", ":")).encode()
                for test in tests[start : start + size]
            )
            batches.append(
                BatchOnDisk(path=path, offset=file.tell(), length=len(content), tests=len(tests[start : start + size]))
            )
            file.write(content)
    return batches


def keyed(count: int, status: str = "PASSED") -> list[dict[str, Any]]:
    """Return results of the Tests SHOP-1 and so on."""
    return [{"testKey": f"SHOP-{number}", "status": status} for number in range(1, count + 1)]


def defined(count: int, status: str = "PASSED") -> list[dict[str, Any]]:
    """Return results without key."""
    return [
        {"status": status, "testInfo": {"summary": f"t{number}", "projectKey": "SHOP", "definition": f"a.t{number}"}}
        for number in range(count)
    ]


def planned(
    folder: Path,
    tests: list[dict[str, Any]],
    *,
    size: int = 10**6,
    look: bool = False,
    race: bool = False,
    token: str | None = TOKEN,
    **target: Any,
) -> Plan:
    """Return the plan of converted results, their spool in a folder.

    Marked, unless they go to an existing Test Execution.
    """
    wanted = ImportTarget(**({"deployment": CLOUD, "project": "SHOP"} | target))
    info = {"project": "SHOP", "summary": "nightly"} | ({"description": token} if token else {})
    mark = None
    if token is not None and wanted.test_execution is None:
        blank = empty_execution(project="SHOP", summary="nightly", labels=(token,))
        mark = MarkerLookup(
            marker=Marker(token=token, look=look or race, race=race), blank=blank, adding={"summary": "nightly"}
        )
    return convert(wanted, spooled(folder / "spool", tests, size), info=info, mark=mark)


def context(xray: MemoryXray, *, budget: float = 1800.0, **given: Any) -> Context:
    """Return what a delivery to it works with."""
    clock = xray.clock
    return Context(
        **(
            {
                "xray": xray,
                "store": xray,
                "random": Random(1),
                "sleep": clock.sleep,
                "work": Path("/nowhere"),
                "left": lambda: budget - clock.monotonic(),
            }
            | given
        )
    )


class Kept(list):  # type: ignore[type-arg]
    """A log in memory: what was recorded survives."""

    def record(self, entry) -> None:
        """Keep an entry."""
        self.append(entry)


def runs_of(xray: MemoryXray) -> list[dict[str, str]]:
    """Return the runs of every Test Execution, the oldest first."""
    return [issue.runs for issue in sorted(xray.issues.values(), key=lambda each: each.id)]
