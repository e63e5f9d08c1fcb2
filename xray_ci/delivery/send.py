"""Sends a plan so that each result is in exactly one Test Execution, and keeps what was won when something fails.

Knows the order: find or create, then request after request into the same key. What began and did not end is looked for
before it is sent again; what is refused is made smaller. Waiting for what is certainly harmless to repeat is of the
caller inside `Xray`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xray_ci.delivery.context import Delivered, Receipt, summed
from xray_ci.delivery.evidence import attach
from xray_ci.delivery.plan import Hole, PlannedBody, PlannedForm
from xray_ci.delivery.prepare import TRIES, located, tidied
from xray_ci.delivery.progress import Begun, Ended, ExecutionFound, Lightened, Withdrawn
from xray_ci.delivery.reconcile import difference, expected_of, issue_of, listed, stable
from xray_ci.delivery.splitting import isolate, lightened, restricted, to_send
from xray_ci.errors import ConfigurationError, Failure, Interrupted, Refused, UnknownDelivery
from xray_ci.services.body import FormPart, Pieces, Upload, boundary, multipart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from xray_ci.delivery.context import Means
    from xray_ci.delivery.plan import Plan, PlannedExecution, PlannedImport, PlannedPiece
    from xray_ci.delivery.reconcile import ExpectedTest
    from xray_ci.services.body import Slice
    from xray_ci.services.xray import ImportAnswer


def send(plan: Plan, means: Means) -> Delivered:
    """Send every request of a plan in order that is not done yet; never raises a Failure, it returns them.

    A request that fails takes those for the same Test Execution with it. Other Test Executions are still filled when it
    was refused: then the service is there, and has said no to this one alone.
    """
    courier = _Courier(means)
    over = False
    for execution in plan.executions:
        if over:
            courier.delivered.not_sent += [call for call in execution.calls if call.id not in means.progress.ended]
            continue
        try:
            courier.fill(execution)
        except Failure as failure:
            courier.delivered.failures.append(failure)
            over = not isinstance(failure, Refused)
    return summed(courier.delivered, plan, means.progress)


class _Courier:
    """One run of a delivery."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.delivered = Delivered()

    def fill(self, execution: PlannedExecution) -> None:
        """Bring every request of a Test Execution to its end; raises Failure."""
        means, progress = self._means, self._means.progress
        known = progress.found.get(execution.id)
        key = execution.key or (known.key if known else None)
        waiting = [call for call in execution.calls if call.id not in progress.ended]
        try:
            if (
                key is None and waiting and waiting[0].id not in progress.begun
            ):  # what was under way is looked for with more patience
                key = located(execution, means)
            while waiting:
                key = self._import(execution, waiting[0], key)
                waiting.pop(0)
            if key is not None and (refused := attach(execution, key, means)) is not None:
                self.delivered.failures.append(refused)
            tidied(execution, means, last=True)
        except Failure as failure:
            self.delivered.not_sent += waiting[1:]
            raise _advised(failure, waiting[0] if waiting else None, key) from failure.__cause__
        finally:
            if key is not None and any(call.id in progress.ended for call in execution.calls):
                self.delivered.keys[execution.id] = key

    def _import(self, execution: PlannedExecution, call: PlannedImport, key: str | None) -> str:
        """Bring one request to its end and return the key that its results went to; raises Failure."""
        means = self._means
        lost: UnknownDelivery | None = None
        parts = 1
        for _ in range(TRIES):
            if key is None and (known := means.progress.found.get(execution.id)) is not None:
                key = known.key
            if call.id in means.progress.begun:
                key, there = self._sought(execution, call, key, lost)
                if there:
                    return self._end(execution, call, key, None)
            try:
                return self._send(execution, call, key, parts)
            except UnknownDelivery as failure:
                means.tell(f"{call.id}: {failure.what}; looking for what became of it")
                lost = failure
                parts *= 2 if failure.slow else 1  # a gateway that does not wait for all of it may wait for half of it
        assert lost is not None  # noqa: S101  # only a lost answer leads to another try
        raise lost

    def _sought(
        self, execution: PlannedExecution, call: PlannedImport, key: str | None, lost: UnknownDelivery | None
    ) -> tuple[str | None, bool]:
        """Return where the results of a request that may have been done belong, and whether they are there.

        Raises Failure.

        When it cannot be found out, it is said as well that they may be.
        """
        doubt = lost or UnknownDelivery(
            f"{call.id} was under way when an earlier run ended; the results may have been imported"
        )
        try:
            key = key or located(execution, self._means)
            if key is None and execution.marker is None:  # nothing tells what it made from others
                raise doubt
            return key, key is not None and self._is_there(execution, call, key)
        except (UnknownDelivery, Interrupted):
            raise
        except Failure:
            self.delivered.failures.append(_advised(doubt, call, key))
            raise

    def _send(self, execution: PlannedExecution, call: PlannedImport, key: str | None, parts: int) -> str:
        """Send a request, in so many parts where it can be divided; raises Failure."""
        means = self._means
        self._lighten(call)
        whole, tests = _into(call, key), None
        if call.tests_at is not None and (
            parts > 1 or means.progress.left_out.get(call.id) or means.progress.light.get(call.id)
        ):
            tests = list(to_send(call, means.progress))
            whole = restricted(whole, tests)
            if not tests and key is not None:
                return self._end(execution, call, key, None)
        try:
            if tests is None or parts == 1:
                return self._end(execution, call, key, self._begin(whole, key))
            size = max(1, -(-len(tests) // parts))
            for start in range(0, len(tests), size):
                key = self._part(execution, call, key, tests[start : start + size])
            return self._end(execution, call, key, None)
        except Refused as refusal:
            key = key or self._made_all_the_same(execution)
            return self._isolated(execution, call, key, refusal)

    def _lighten(self, call: PlannedImport) -> None:
        """Let the evidence of a test that is larger than a request may be follow the results."""
        means = self._means
        if (
            call.tests != 1
            or call.tests_at is None
            or means.most is None
            or call.size <= means.most
            or call.id in means.progress.light
        ):
            return
        for test in listed(call.tests_at, means.progress.left_out.get(call.id, ())):
            if files := lightened(test)[1]:
                means.note(Lightened(call=call.id, index=test.index, files=len(files)))

    def _part(
        self, execution: PlannedExecution, call: PlannedImport, key: str | None, tests: Sequence[ExpectedTest]
    ) -> str:
        """Send some tests of a request and return the key that they went to; raises Failure."""
        answer = self._begin(restricted(_into(call, key), tests), key)
        if key is None:
            self._means.note(ExecutionFound(execution=execution.id, key=answer.key, number=answer.id))
        return key or answer.key

    def _isolated(self, execution: PlannedExecution, call: PlannedImport, key: str | None, refusal: Refused) -> str:
        """Send a refused request without the tests that are to blame.

        Raises the refusal when nothing of it can be sent.
        """

        def part(tests: Sequence[ExpectedTest]) -> None:
            nonlocal key
            key = self._part(execution, call, key, tests)

        isolate(call, refusal, part, self._means, may_end=key is not None)
        assert key is not None  # noqa: S101  # known before, or brought by the first part that was sent
        return self._end(execution, call, key, None)

    def _begin(self, call: PlannedImport, key: str | None) -> ImportAnswer:
        """Send a request between its entries.

        What fails otherwise than by a lost answer or a signal was certainly not done.
        """
        self._means.note(Begun(call=call.id))
        try:
            return self._post(call, key)
        except (UnknownDelivery, Interrupted):
            raise
        except Failure:
            self._means.note(Withdrawn(call=call.id))
            raise

    def _post(self, call: PlannedImport, key: str | None) -> ImportAnswer:
        means = self._means
        answer = means.xray.import_report(
            call.endpoint, query=_query(call, key), upload=upload(call, key, means.random)
        )
        self.delivered.receipts.append(Receipt(call=call, answer=answer))
        means.tell(f"{call.id}: imported into {answer.key}")
        return answer

    def _end(
        self, execution: PlannedExecution, call: PlannedImport, key: str | None, answer: ImportAnswer | None
    ) -> str:
        """Record that the results of a request are where they belong."""
        means = self._means
        key = key or (answer.key if answer else None)
        assert key is not None  # noqa: S101  # an answer holds one
        if execution.id not in means.progress.found:
            means.note(ExecutionFound(execution=execution.id, key=key, number=answer.id if answer else None))
        tests = (call.tests or 0) - len(means.progress.left_out.get(call.id, ()))
        means.note(
            Ended(
                call=call.id,
                key=key,
                tests=max(0, tests),
                stored=len(answer.tests_ok) if answer and answer.tests_ok is not None else None,
            )
        )
        return key

    def _made_all_the_same(self, execution: PlannedExecution) -> str | None:
        """Return the Test Execution that a refused request made nevertheless.

        Asked once, before anything else is sent.
        """
        if execution.marker is None or execution.key is not None:
            return None
        return located(execution, self._means, ask=True)

    def _is_there(self, execution: PlannedExecution, call: PlannedImport, key: str) -> bool:
        """Say whether the results of a request that may have been done are stored, once reads of it agree.

        Where they are not, or where they cannot be told from others, the request goes again into the same Test
        Execution: results are overwritten there, none is doubled.
        """
        means = self._means
        stored = issue_of(execution, key, means)
        expected = expected_of([call], means)
        if stored is None:
            return False
        before = expected_of([each for each in execution.calls if each.id in means.progress.ended], means)
        if expected is not None and before is not None:
            expected.others.update(before.others)
            expected.keyed |= before.keyed
        # In a Test Execution that others fill, or filled before, the same numbers may be there without this request.
        ours = execution.marker is not None and not execution.marker.look
        runs = stable(stored, means, enough=expected if ours else None, quiet=means.patience.unseen)
        if (
            runs is None
        ):  # Xray may still be at work on it: the same results at the same time could make each new Test twice
            raise UnknownDelivery(f"what Xray stores of {call.id} in {key} was not seen to come to rest in time")
        return ours and expected is not None and not difference(expected, runs, alone=False)


def upload(call: PlannedImport, key: str | None, random: Random) -> Upload:
    """Return the body of a request, its holes filled; raises LookupError when a hole is left."""
    match call.body:
        case PlannedBody(content_type=content_type, pieces=pieces):
            return Upload(content_type=content_type, body=Pieces(pieces=_filled(pieces, key)))
        case PlannedForm(parts=parts):
            filled = tuple(
                FormPart(
                    name=part.name,
                    filename=part.filename,
                    content_type=part.content_type,
                    pieces=_filled(part.pieces, key),
                )
                for part in parts
            )
            return multipart(filled, boundary(random))


def _into(call: PlannedImport, key: str | None) -> PlannedImport:
    """Return the request as it goes to a key, or as it makes a Test Execution.

    Raises ConfigurationError where it cannot be added.
    """
    if key is None or call.execution is not None:
        return call
    if call.adding is None:
        raise ConfigurationError(
            f"an earlier attempt of this run made {key}, and these reports cannot be added to an existing one",
            where="on-rerun",
            slug="cannot-be-added",
            advice="Set `strategy: convert`, or `on-rerun: new` for a Test Execution of each attempt.",
        )
    return call.adding


def _query(call: PlannedImport, key: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, _known(key) if isinstance(value, Hole) else value) for name, value in call.query)


def _filled(pieces: tuple[PlannedPiece, ...], key: str | None) -> tuple[bytes | Slice, ...]:
    return tuple(json.dumps(_known(key)).encode() if isinstance(piece, Hole) else piece for piece in pieces)


def _known(key: str | None) -> str:
    if key is None:
        raise LookupError("a request was to be sent before the one that it follows")
    return key


def _advised(failure: Failure, call: PlannedImport | None, key: str | None) -> Failure:
    """Return the failure with what is known of the request it met."""
    if isinstance(failure, Interrupted) and call is not None:
        failure.where = f"{call.id} was under way and may have been imported: {call.describe()}"
    if isinstance(failure, UnknownDelivery) and key is not None:
        failure.next = (
            f"Run `xray-ci resume`, or again with `test-execution: {key}`: results that are there already are "
            "overwritten, nothing is doubled."
        )
    return failure
