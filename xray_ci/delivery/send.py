"""Sends a plan, request by request, and keeps what was won when a later one fails.

Knows the order and the key that fills the holes. Waiting and repeating is of the caller inside `Xray`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from xray_ci.delivery.plan import Hole, PlannedBody, PlannedForm
from xray_ci.errors import Failure, Interrupted, PartlyImported, UnknownDelivery
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
    """Send every request of a plan in order; never raises a Failure, it returns them."""
    receipts: list[Receipt] = []
    failures: list[Failure] = []
    key: str | None = None
    for call in plan.calls:
        try:
            answer = xray.import_report(call.endpoint, query=_query(call, key), upload=upload(call, key, random))
        except Failure as failure:
            failures.append(_advised(failure, call, key))
            break
        key = key or answer.key
        receipts.append(Receipt(call=call, answer=answer))
        tell(f"{call.id}: imported into {answer.key}")
    left = plan.calls[len(receipts) + bool(failures):]
    delivered = Delivered(receipts=tuple(receipts), not_sent=left)
    if failures and receipts:
        failures.append(_partly(delivered, len(plan.calls)))
    if delivered.unstored:
        failures.append(_unstored(delivered.unstored))
    return Delivered(receipts=delivered.receipts, failures=tuple(failures), not_sent=left)


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
    target = key if call.execution is Hole.EXECUTION_KEY else call.execution
    if isinstance(failure, UnknownDelivery) and isinstance(target, str):
        failure.next = (f"Run again with `test-execution: {target}`: results that are there already are overwritten, "
                        "nothing is doubled.")
    return failure


def _partly(delivered: Delivered, total: int) -> PartlyImported:
    key, done = delivered.keys[0], len(delivered.receipts)
    return PartlyImported(
        f"{done} of {total} requests were imported into {key}, one failed and {len(delivered.not_sent)} were not sent",
        advice=f"Correct what is named above, then run again with `test-execution: {key}` (without `fields` and `labels`): "
        "results that are there already are overwritten, the rest is added.")


def _unstored(tests: tuple[Unstored, ...]) -> PartlyImported:
    listed = "\n".join(f"{each.test}: {'; '.join(each.messages) or 'no reason given'}" for each in tests)
    noun = "result was" if len(tests) == 1 else "results were"
    return PartlyImported(f"{len(tests)} {noun} not stored: {', '.join(each.test for each in tests[:20])}", answer=listed,
                          service="Xray")
