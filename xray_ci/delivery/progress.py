"""What happened so far, as entries that a journal keeps; what a delivery works with; and what became of it.

An entry is written before a request leaves and again when its answer is understood; what began and did not end may have
been done. A later run knows from them what must not be lost or doubled. The context holds services, the log of entries
and everything that is not pure, so that the same plan and the same answers always do the same. Values and sentences
only: sends nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import msgspec
from msgspec import Struct, field

from xray_ci.errors import PartlyImported, many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from random import Random

    from xray_ci.delivery.plan import Plan, PlannedImport
    from xray_ci.deployments import Endpoint
    from xray_ci.errors import Failure
    from xray_ci.services.body import Upload
    from xray_ci.services.store import Store, StoredExecution
    from xray_ci.services.xray import ImportAnswer, Unstored

Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}\Z")]
"""Of an issue; what is read from a journal goes into paths and queries."""
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}\Z")]
"""Id of an issue."""


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun"):
    """A request is about to leave."""

    call: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """Its results are in a Test Execution: it was answered, or found there afterwards."""

    call: str
    key: Key
    tests: int
    stored: int | None = None
    """Test Runs that the answer counts; None where the deployment does not say."""


class ExecutionFound(msgspec.Struct, frozen=True, kw_only=True, tag="found"):
    """The Test Execution of that id is this issue: made, found by its mark, or brought by an answer."""

    execution: str
    key: Key
    number: Number | None = None


class Making(msgspec.Struct, frozen=True, kw_only=True, tag="making"):
    """An empty Test Execution is about to be made."""

    execution: str


class Made(msgspec.Struct, frozen=True, kw_only=True, tag="made"):
    """An empty Test Execution was made by us; one that is older may be found yet."""

    execution: str
    key: Key
    number: Number


class Removed(msgspec.Struct, frozen=True, kw_only=True, tag="removed"):
    """The empty Test Execution that we made and do not need is gone, or stays for good."""

    execution: str


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, tag="left out"):
    """One test of a request is refused for a reason of its own; the others go without it."""

    call: str
    index: int
    """Place of the test among those of its request, from 0."""
    test: str
    reason: str


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """What left last of a request was refused as a whole, or never arrived."""

    call: str


class Lightened(msgspec.Struct, frozen=True, kw_only=True, tag="lightened"):
    """The evidence of one test goes after the results: with it the request is too big."""

    call: str
    index: int
    """Place of the test among those of its request, from 0."""
    files: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Uploaded(msgspec.Struct, frozen=True, kw_only=True, tag="uploaded"):
    """A large file of evidence is with Xray, and no Test Run names it yet."""

    call: str
    index: int
    file: int
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{8,64}\Z")]


class Attaching(msgspec.Struct, frozen=True, kw_only=True, tag="attaching"):
    """One file of evidence is about to leave for its Test Run."""

    call: str
    index: int
    file: int
    """Place of the file among those of its test, from 0."""
    there: int
    """Files of that name that the Test Run had before."""


class Unattached(msgspec.Struct, frozen=True, kw_only=True, tag="unattached"):
    """A file of evidence was refused, or never arrived: it is not under way any more, nor what was uploaded of it."""

    call: str
    index: int
    file: int


class EvidenceAdded(msgspec.Struct, frozen=True, kw_only=True, tag="attached"):
    """A file of evidence is in its Test Run."""

    call: str
    index: int
    file: int


class Checked(msgspec.Struct, frozen=True, kw_only=True, tag="checked"):
    """What Xray stores of a Test Execution was compared with what was sent."""

    execution: str
    right: bool


Entry = (
    Begun
    | Ended
    | ExecutionFound
    | Making
    | Made
    | Removed
    | LeftOut
    | Withdrawn
    | Lightened
    | Uploaded
    | Attaching
    | Unattached
    | EvidenceAdded
    | Checked
)


class Progress:
    """All entries so far, by what they are about."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.begun: Counter[str] = Counter()
        """Requests, and how often something of them left that was not refused: it is stored, or its end is unknown."""
        self.ended: dict[str, Ended] = {}
        self.found: dict[str, ExecutionFound] = {}
        self.making: set[str] = set()
        self.made: dict[str, Made] = {}
        """Empty ones of ours that are still there."""
        self.left_out: dict[str, dict[int, LeftOut]] = {}
        self.light: dict[str, dict[int, int]] = {}
        """How many files of evidence go after the results, by request and place of the test."""
        self.attaching: dict[tuple[str, int, int], int] = {}
        self.uploaded: dict[tuple[str, int, int], str] = {}
        """Ids of files that are with Xray, by place."""
        self.attached: set[tuple[str, int, int]] = set()
        self.checked: set[str] = set()
        for entry in entries:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Take one more entry in."""
        match entry:
            case Begun(call=call):
                self.begun[call] += 1
            case Ended(call=call):
                del self.begun[call]
                self.ended[call] = entry
            case Withdrawn(call=call):  # what left last; other parts of it may have been stored before
                self.begun[call] -= 1
                if self.begun[call] <= 0:
                    del self.begun[call]
            case ExecutionFound(execution=execution):
                self.making.discard(execution)
                self.found[execution] = entry
            case Making(execution=execution):
                self.making.add(execution)
            case Made(execution=execution):
                self.made[execution] = entry
            case Removed(execution=execution):
                self.made.pop(execution, None)
            case LeftOut(call=call, index=index):
                self.left_out.setdefault(call, {})[index] = entry
            case Checked(execution=execution):
                self.checked.add(execution)
            case Lightened() | Uploaded() | Attaching() | Unattached() | EvidenceAdded():
                self._note_evidence(entry)

    def _note_evidence(self, entry: Lightened | Uploaded | Attaching | Unattached | EvidenceAdded) -> None:
        match entry:
            case Lightened(call=call, index=index, files=files):
                self.light.setdefault(call, {})[index] = files
            case Attaching(call=call, index=index, file=file, there=there):
                self.attaching[call, index, file] = there
            case Uploaded(call=call, index=index, file=file, id=number):
                self.uploaded[call, index, file] = number
            case Unattached(call=call, index=index, file=file):
                self.attaching.pop((call, index, file), None)
                self.uploaded.pop((call, index, file), None)
            case EvidenceAdded(call=call, index=index, file=file):
                self.attached.add((call, index, file))

    @property
    def touched(self) -> bool:
        """Whether anything was sent, or may have been: where not, nothing in Jira knows of the delivery."""
        return bool(self.begun or self.ended or self.making or self.made or self.attaching or self.attached)

    def owed(self, call: str, index: int) -> bool:
        """Say whether evidence of a test is still to be added."""
        return any((call, index, file) not in self.attached for file in range(self.light.get(call, {}).get(index, 0)))

    @property
    def owes(self) -> bool:
        """Whether evidence of any test that was sent is still to be added."""
        return any(
            self.owed(call, index)
            for call, tests in self.light.items()
            for index in tests
            if index not in self.left_out.get(call, ())
        )

    @property
    def surplus(self) -> dict[str, Made]:
        """Our empty Test Executions in whose place another one is used, by the id of theirs in the plan."""
        return {
            name: made for name, made in self.made.items() if name in self.found and self.found[name].key != made.key
        }


FAILED_LIMIT: Final = 500
"""Tests whose runs failed that are asked for in a run: five calls."""
_TOLD: Final = 20.0
"""Seconds between two lines about one wait."""
_NAMED: Final = 50
"""Results left out that one message lists."""


class FailedRuns(Struct, frozen=True, kw_only=True):
    """Test Runs of a Test Execution that failed, so that their Tests can be asked for."""

    issue: StoredExecution
    keys: tuple[str, ...] = ()
    """Of their Tests, as far as they were read: no more than anybody asks for."""
    sure: bool
    """Whether each of its Tests was found or made by its identity, so that no two of them have one."""

    def asked(self, count: int) -> FailedRuns | None:
        """Return it where asking for the Tests of so many runs tells anything: some of them only where it is sure."""
        return self if count > 0 and (self.sure or count <= FAILED_LIMIT) else None


class Receipt(Struct, frozen=True, kw_only=True):
    """A request and what was answered to it."""

    call: PlannedImport
    answer: ImportAnswer


class Delivered(Struct, kw_only=True):
    """What became of a plan."""

    keys: dict[str, str] = field(default_factory=dict)
    """By the id of the Test Execution in the plan: those that hold results now."""
    receipts: list[Receipt] = field(default_factory=list)
    """Answers of this run; what an earlier one brought is in the journal only."""
    failures: list[Failure] = field(default_factory=list)
    """In the order in which they came; the exit code is the worst of them."""
    not_sent: list[PlannedImport] = field(default_factory=list)
    """Requests after one that failed."""
    sent: int = 0
    """Results in requests that are known to be done, of earlier runs too."""
    stored: int | None = 0
    """Test Runs that the answers count; None where the deployment does not say."""
    left_out: PartlyImported | None = None
    """That of `failures` which names results that were refused one by one."""

    @property
    def unstored(self) -> tuple[Unstored, ...]:
        """Tests that Server/DC did not store."""
        return tuple(each for receipt in self.receipts for each in receipt.answer.tests_failed)


def summed(done: Delivered, plan: Plan, progress: Progress) -> Delivered:
    """Return what became of a plan, its numbers filled in and what is to be said of it as a whole added."""
    ended = [progress.ended[call.id] for call in plan.calls if call.id in progress.ended]
    done.sent = sum(each.tests for each in ended)
    counts = [each.stored for each in ended]
    done.stored = sum(count or 0 for count in counts) if counts and None not in counts else None
    left_out = [
        each for call in plan.calls for each in progress.left_out.get(call.id, {}).values() if call.id in progress.ended
    ]
    if left_out:
        done.left_out = _left_out(left_out, sum(call.tests or 0 for call in plan.calls), [*done.keys.values()])
        done.failures.append(done.left_out)
    if done.failures and ended and len(ended) < len(plan.calls):
        done.failures.append(_partly(done, len(ended), plan))
    if done.unstored:
        done.failures.append(_unstored(done.unstored))
    return done


def _left_out(entries: list[LeftOut], total: int, keys: list[str]) -> PartlyImported:
    was = f"{many(total, 'result')} {'was' if len(entries) == 1 else 'were'}"
    return PartlyImported(
        f"{len(entries):,} of {was} refused and left out: {', '.join(each.test for each in entries[:20])}",
        answer=_reasons(entries),
        service="Xray",
        advice=f"Correct what is named above, then import again with `--test-execution {keys[0]}`: results that are "
        "there already are overwritten, the rest is added."
        if len(keys) == 1
        else None,
    )


def _reasons(entries: list[LeftOut]) -> str:
    listed = "\n".join(f"{each.test}: {each.reason}" for each in entries[:_NAMED])
    return listed + (f"\n… and {len(entries) - _NAMED:,} more" if len(entries) > _NAMED else "")


def _partly(done: Delivered, ended: int, plan: Plan) -> PartlyImported:
    keys, left, total = list(done.keys.values()), len(done.not_sent), len(plan.calls)
    what = (
        f"{ended} of {total} requests were imported into {', '.join(keys[:20])}, {total - ended - left} failed and "
        f"{left} were not sent"
    )
    return PartlyImported(
        what, advice=f"Correct what is named above, then {again(keys if len(plan.executions) == 1 else (), plan)}"
    )


def again(keys: Sequence[str], plan: Plan) -> str:
    """Return how to bring in what is missing of Test Executions: one sentence, to follow `then`.

    `test-execution` names the only one that a run fills, and does not go with `executions`.
    """
    if len(keys) != 1:
        return "run `xray-ci resume`, or import the missing reports again: what is there stays there."
    only = (
        f"import what belongs into {keys[0]} again with `test-execution: {keys[0]}` and without `executions`"
        if len(plan.executions) > 1
        else f"again with `test-execution: {keys[0]}`"
    )
    return f"run `xray-ci resume`, or {only}: results that are there already are overwritten, the rest is added."


def _unstored(tests: tuple[Unstored, ...]) -> PartlyImported:
    listed = "\n".join(f"{each.test}: {'; '.join(each.messages) or 'no reason given'}" for each in tests)
    noun = "result was" if len(tests) == 1 else "results were"
    return PartlyImported(
        f"{len(tests):,} {noun} not stored: {', '.join(each.test for each in tests[:20])}",
        answer=listed,
        service="Xray",
    )


class Importer(Protocol):
    """What `services.xray.Xray` does."""

    def import_report(
        self, endpoint: Endpoint, *, query: Sequence[tuple[str, str]] = (), upload: Upload
    ) -> ImportAnswer:
        """Import one body; raises Failure."""


class Log(Protocol):
    """Where entries go; what was recorded survives the process."""

    def record(self, entry: Entry) -> None:
        """Keep one entry; raises Failure when it cannot be kept."""


class Patience(Struct, frozen=True, kw_only=True):
    """Seconds; what is not documented by anybody, chosen from what was observed (O) and assumed (A)."""

    lag: float = 60.0
    """Longest wait for JQL to find an issue that was made (O: seconds; A: never more than a minute)."""
    pause: float = 5.0
    """Between two looks at something that may still change: Xray goes on working after a timeout (O)."""
    unseen: float = 60.0
    """How long Xray may be at work on a request before anything of it shows (A: as long as gateways wait)."""
    busy: float = 30.0
    """In place of `lag` and `unseen` after a 503 that says when to come again: such an answer comes from what stands in
    front of the service and took nothing (D: RFC 9110), and both would have to be as slow as was never seen."""
    settle: float = 300.0
    """Longest wait until two reads of the same Test Execution agree."""


class Context(Struct, kw_only=True, dict=True):
    """Everything a delivery needs besides its plan."""

    xray: Importer
    store: Store
    random: Random
    sleep: Callable[[float], None]
    left: Callable[[], float]
    """Seconds of the time budget that are left."""
    work: Path
    """A folder of ours for parts of requests."""
    most: int | None = None
    """Bytes of one request: a test that is larger alone goes without its evidence, which follows; None: as the service
    answers."""
    tell: Callable[[str], None] = lambda _: None
    log: Log | None = None
    progress: Progress = field(default_factory=Progress)
    patience: Patience = Patience()
    say: Callable[[str], None] = lambda _: None
    """For what people wait for, and why."""
    pace: Callable[[int, int], None] = lambda *_: None
    """For how many requests are done, and of how many."""
    _told: tuple[str, float] = ("", 0.0)
    """The last line about a wait: its reason, and how long it had lasted."""
    answered: dict[str, float] = field(default_factory=dict)
    """Requests that were answered in this run, and how many seconds that took, the first of its parts."""
    lost: bool = False
    """Whether an answer was lost, so that nobody knows when what it told was done."""
    busy: bool = False
    """Whether the last answer that left something unknown said to come again."""

    @property
    def lag(self) -> float:
        """Longest wait for the index, in seconds."""
        return min(self.patience.lag, self.patience.busy) if self.busy else self.patience.lag

    @property
    def unseen(self) -> float:
        """How long a request may be at work unseen, in seconds."""
        return min(self.patience.unseen, self.patience.busy) if self.busy else self.patience.unseen

    def note(self, entry: Entry) -> None:
        """Record what happens, then count with it."""
        if self.log is not None:
            self.log.record(entry)
        self.progress.note(entry)

    def wait(self, seconds: float, reason: str, *, waited: float, most: float) -> bool:
        """Wait, unless the time budget does not allow it; say whether it was waited.

        People are told what for, at first and now and then: so long of at `most` so many seconds was `waited` already.
        """
        if seconds > self.left():
            return False
        before, told = self._told
        if before != reason or waited <= told:  # within one wait it only grows
            self.say(f"{reason}, up to {most:g} s")
            self._told = (reason, waited)
        elif waited - told >= _TOLD:
            self.say(f"{reason}, {waited:.0f} of {most:g} s")
            self._told = (reason, waited)
        self.sleep(seconds)
        return True
