"""Sends a plan, request by request, and keeps what was won when a later one fails.

Knows the order and the key that fills the holes. Waiting and repeating is of the caller inside `Xray`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from xray_ci.delivery.plan import Hole, PlannedBody, PlannedForm
from xray_ci.errors import Failure, Interrupted, PartlyImported, Refused, UnknownDelivery
from xray_ci.services.body import Part, Pieces, Upload, boundary, multipart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from xray_ci.delivery.plan import Plan, PlannedImport, PlannedPiece
    from xray_ci.deployments import Endpoint
    from xray_ci.services.body import Slice
    from xray_ci.services.xray import ImportAnswer, Unstored


class Importer(Protocol):
    """What `services.xray.Xray` does."""

    def import_report(self, endpoint: Endpoint, *, query: Sequence[tuple[str, str]] = (), upload: Upload) -> ImportAnswer:
        """Import one body; raises Failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A request and what was answered to it."""

    call: PlannedImport
    answer: ImportAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a plan."""

    receipts: tuple[Receipt, ...] = ()
    failures: tuple[Failure, ...] = ()
    """In the order in which they came; the exit code is the worst of them."""
    not_sent: tuple[PlannedImport, ...] = ()
    """Requests after one that failed."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Test Executions that hold results now, each once."""
        return tuple(dict.fromkeys(receipt.answer.key for receipt in self.receipts))

    @property
    def unstored(self) -> tuple[Unstored, ...]:
        """Tests that Server/DC did not store."""
        return tuple(each for receipt in self.receipts for each in receipt.answer.tests_failed)

    @property
    def tests(self) -> int:
        """Results that were sent and taken, those not stored left out."""
        return max(0, sum(receipt.call.tests or 0 for receipt in self.receipts) - len(self.unstored))


def send(plan: Plan, xray: Importer, *, random: Random, tell: Callable[[str], None] = lambda _: None) -> Delivered:
    """Send every request of a plan in order; never raises a Failure, it returns them.

    A request that fails takes those for the same Test Execution with it. Others are still sent when it was refused: then the
    service is there, and has said no to this one alone.
    """
    receipts: list[Receipt] = []
    failures: list[Failure] = []
    left: list[PlannedImport] = []
    keys: dict[str, str] = {}
    failed: set[str] = set()
    over = False
    for call in plan.calls:
        execution = _execution(call)
        if over or execution in failed:
            left.append(call)
            continue
        key = keys.get(execution)
        try:
            answer = xray.import_report(call.endpoint, query=_query(call, key), upload=upload(call, key, random))
        except Failure as failure:
            failures.append(_advised(failure, call, key))
            failed.add(execution)
            over = not isinstance(failure, Refused)
            continue
        keys.setdefault(execution, answer.key)
        receipts.append(Receipt(call=call, answer=answer))
        tell(f"{call.id}: imported into {answer.key}")
    delivered = Delivered(receipts=tuple(receipts), not_sent=tuple(left))
    if failures and receipts:
        failures.append(_partly(delivered, len(plan.calls)))
    if delivered.unstored:
        failures.append(_unstored(delivered.unstored))
    return Delivered(receipts=delivered.receipts, failures=tuple(failures), not_sent=delivered.not_sent)


def _execution(call: PlannedImport) -> str:
    """Return what stands for the Test Execution of a request: the request that creates it, or its key."""
    match call.execution:
        case Hole(call=creator):
            return creator
        case None:
            return call.id
        case key:
            return key


def upload(call: PlannedImport, key: str | None, random: Random) -> Upload:
    """Return the body of a request, its holes filled; raises LookupError when a hole is left."""
    match call.body:
        case PlannedBody(content_type=content_type, pieces=pieces):
            return Upload(content_type=content_type, body=Pieces(pieces=_filled(pieces, key)))
        case PlannedForm(parts=parts):
            filled = tuple(Part(name=part.name, filename=part.filename, content_type=part.content_type,
                                pieces=_filled(part.pieces, key)) for part in parts)
            return multipart(filled, boundary(random))


def _query(call: PlannedImport, key: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, _known(key) if isinstance(value, Hole) else value) for name, value in call.query)


def _filled(pieces: tuple[PlannedPiece, ...], key: str | None) -> tuple[bytes | Slice, ...]:
    return tuple(json.dumps(_known(key)).encode() if isinstance(piece, Hole) else piece for piece in pieces)


def _known(key: str | None) -> str:
    if key is None:
        raise LookupError("a request was to be sent before the one that it follows")
    return key


def _advised(failure: Failure, call: PlannedImport, key: str | None) -> Failure:
    """Return the failure; where the Test Execution is known a repeat only overwrites, so that can be advised."""
    if isinstance(failure, Interrupted):
        failure.where = f"{call.id} was under way and may have been imported: {call.describe()}"
    target = key if isinstance(call.execution, Hole) else call.execution
    if isinstance(failure, UnknownDelivery) and isinstance(target, str):
        failure.next = (f"Run again with `test-execution: {target}`: results that are there already are overwritten, "
                        "nothing is doubled.")
    return failure


def _partly(delivered: Delivered, total: int) -> PartlyImported:
    keys, done, left = delivered.keys, len(delivered.receipts), len(delivered.not_sent)
    failed = total - done - left
    what = f"{done} of {total} requests were imported into {', '.join(keys[:20])}, {failed} failed and {left} were not sent"
    if len({_execution(receipt.call) for receipt in delivered.receipts}) > 1 or len(keys) > 1:
        return PartlyImported(what, advice="Correct what is named above, then import only the missing reports again: what is there "
                              "stays there. Or delete these Test Executions and run again.")
    return PartlyImported(what, advice=f"Correct what is named above, then run again with `test-execution: {keys[0]}` (without "
                          "`fields` and `labels`): results that are there already are overwritten, the rest is added.")


def _unstored(tests: tuple[Unstored, ...]) -> PartlyImported:
    listed = "\n".join(f"{each.test}: {'; '.join(each.messages) or 'no reason given'}" for each in tests)
    noun = "result was" if len(tests) == 1 else "results were"
    return PartlyImported(f"{len(tests)} {noun} not stored: {', '.join(each.test for each in tests[:20])}", answer=listed,
                          service="Xray")
