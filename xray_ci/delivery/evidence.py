"""Evidence that is too big for a request: added to the Test Run once the results are stored, file by file.

Results go first, so that a video never costs one. On Cloud a large file is uploaded by itself, and added by its id.
Adding is not repeatable: before the first file of a Test Run goes, what is there is counted, and a file whose answer
was lost goes again only when it is certain that it did not arrive. Knows nothing of sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.delivery.prepare import TRIES
from xray_ci.delivery.progress import Attaching, EvidenceAdded, Unattached, Uploaded
from xray_ci.delivery.reconcile import issue_of, listed
from xray_ci.delivery.splitting import lightened
from xray_ci.errors import EvidenceRefused, Failure, Interrupted, Refused, TooLarge, UnknownDelivery
from xray_ci.services.store import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xray_ci.delivery.plan import PlannedExecution
    from xray_ci.delivery.progress import Context
    from xray_ci.delivery.reconcile import ExpectedTest
    from xray_ci.services.store import EvidenceFile, StoredExecution, StoredRun

_NAMED: Final = 20


def attach(execution: PlannedExecution, key: str, context: Context) -> EvidenceRefused | None:
    """Add the evidence that was left out of requests that are done.

    Return what the service would not have of it, None when nothing.

    Raises Failure; what was added before is recorded, and is not added again.
    """
    waiting = [
        (call.id, test)
        for call in execution.calls
        if call.id in context.progress.ended and call.tests_at is not None and call.id in context.progress.light
        for test in listed(call.tests_at, context.progress.left_out.get(call.id, ()))
        if context.progress.owed(call.id, test.index)
    ]
    if not waiting:
        return None
    issue = issue_of(execution, key, context)
    if issue is None:
        return _refused(["all of it: the Test Execution cannot be read back"], key)
    round_ = _Round(issue, {run.test: run for run in context.store.runs(issue)}, context)
    runs = round_.runs_of([test for _, test in waiting])
    for (call, test), run in zip(waiting, runs, strict=True):
        round_.add(call, test, run)
    return _refused(round_.refused, key) if round_.refused else None


class _Round:
    """One go at everything that waits for one Test Execution."""

    def __init__(self, issue: StoredExecution, runs: dict[str, StoredRun], context: Context) -> None:
        self._issue = issue
        self._runs = runs
        self._means = context
        self._most: int | None = None
        """Bytes of the smallest file that was refused for its size."""
        self.refused: list[str] = []

    def runs_of(self, tests: Sequence[ExpectedTest]) -> list[StoredRun | None]:
        """Return the Test Run of each test.

        By its key, else by what identifies the Test that Xray found or made for it.
        """
        nameless = [test for test in tests if test.head.testKey is None]
        found = self._identified(nameless) if nameless else {}
        return [self._runs.get(test.head.testKey or found.get(_identity(test), "")) for test in tests]

    def _identified(self, tests: Sequence[ExpectedTest]) -> dict[str, str]:
        """Return Test keys by identity, of this Test Execution alone.

        The index of Jira gets the time that it may need.
        """
        wanted = {_identity(test) for test in tests}
        keys = list(self._runs)
        waited = 0.0
        while True:
            named = [
                each
                for start in range(0, len(keys), PAGE)
                for each in self._means.store.tests_named(keys[start : start + PAGE])
            ]
            found = {each.summary: each.key for each in named} | {
                each.definition: each.key for each in named if each.definition
            }
            most = self._means.patience.lag
            if wanted <= found.keys() or waited >= most:
                return found
            reason = "waiting for Jira's search to know the new Tests"
            if not self._means.wait(self._means.patience.pause, reason, waited=waited, most=most):
                return found
            waited += self._means.patience.pause

    def add(self, call: str, test: ExpectedTest, run: StoredRun | None) -> None:
        """Add the files of one test that are not there yet; a refusal is kept, every other Failure raised."""
        names: list[str] | None = None
        for number, file in enumerate(lightened(test)[1]):
            if (call, test.index, number) in self._means.progress.attached:
                continue
            what = f"{file.filename} of {test.head.name[:200]}"
            if run is None:
                self.refused.append(f"{what}: there is no Test Run for it")
                continue
            size = sum(piece.length for piece in file.data if not isinstance(piece, bytes))
            if self._most is not None and size >= self._most:
                self.refused.append(f"{what}: too large as well")
                continue
            names = list(self._means.store.evidence(self._issue, run)) if names is None else names
            try:
                plainly = self._certainly(EvidenceAdded(call=call, index=test.index, file=number), run, file, names)
            except Refused as refusal:
                self.refused.append(f"{what}: {refusal.answer or refusal.what}"[:500])
                self._most = size if isinstance(refusal, TooLarge) else self._most
            else:
                # After a doubt they are asked for anew: this file may be among them already, and count for the next.
                names = [*names, file.filename] if plainly else None
                self._means.tell(f"{what} was added")

    def _certainly(self, entry: EvidenceAdded, run: StoredRun, file: EvidenceFile, names: Sequence[str]) -> bool:
        """Add one file between its entries; say whether the first try of this run was answered.

        What may have arrived, now or in an earlier run, is looked for before it goes again.
        """
        context, place = self._means, (entry.call, entry.index, entry.file)
        lost: UnknownDelivery | None = None
        doubted = place in context.progress.attaching
        for _ in range(TRIES):
            before = context.progress.attaching.get(place)
            if before is not None and self._arrived(run, file, before):
                context.note(entry)
                return False
            try:
                uploaded = self._uploaded(entry, file)
                if before is None:
                    context.note(
                        Attaching(call=entry.call, index=entry.index, file=entry.file, there=names.count(file.filename))
                    )
                context.store.add_evidence(self._issue, run, file, uploaded)
            except UnknownDelivery as failure:
                context.busy = failure.busy
                context.say(f"{file.filename}: {failure.what}: looking whether it arrived, up to {context.unseen:g} s")
                lost = failure
            except Interrupted:
                raise
            except Failure:
                context.note(Unattached(call=entry.call, index=entry.index, file=entry.file))
                raise
            else:
                context.note(entry)
                return not doubted and lost is None
        assert lost is not None  # noqa: S101  # only a lost answer leads to another try
        raise lost

    def _uploaded(self, entry: EvidenceAdded, file: EvidenceFile) -> str | None:
        """Return the id of a file that goes by itself, uploaded by now or by an earlier run; None for all others."""
        known = self._means.progress.uploaded.get((entry.call, entry.index, entry.file))
        if known is None and (known := self._means.store.upload(file)) is not None:
            self._means.note(Uploaded(call=entry.call, index=entry.index, file=entry.file, id=known))
        return known

    def _arrived(self, run: StoredRun, file: EvidenceFile, before: int) -> bool:
        """Say whether there is one more of that name than before; no only once Xray had the time that it may need."""
        waited = 0.0
        while self._means.store.evidence(self._issue, run).count(file.filename) <= before:
            most = self._means.unseen
            if waited >= most:
                return False
            reason = f"looking whether {file.filename} arrived"
            if not self._means.wait(self._means.patience.pause, reason, waited=waited, most=most):
                raise UnknownDelivery(
                    f"the time budget is spent before it is known whether {file.filename} was added to {run.test}"
                )
            waited += self._means.patience.pause
        return True


def _identity(test: ExpectedTest) -> str:
    info = test.head.testInfo
    return (info.definition or info.summary) if info is not None else ""


def _refused(files: Sequence[str], key: str) -> EvidenceRefused:
    more = f"\n… and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
    noun = "file of evidence is" if len(files) == 1 else "files of evidence are"
    return EvidenceRefused(
        f"all results are in {key}, and {len(files):,} {noun} not",
        where=key,
        service="Xray",
        answer="\n".join(files[:_NAMED]) + more,
    )
