"""Sends a plan so that each result is in exactly one Test Execution, and keeps what was won when something fails.

Knows the order: find or create, then request after request into the same key. What began and did not end is looked for
before it is sent again; what is refused is made smaller. Waiting for what is certainly harmless to repeat is of the
caller inside `Xray`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xray_ci.delivery.plan import Hole, PlannedBody, PlannedForm
from xray_ci.delivery.prepare import TRIES, located, tidied
from xray_ci.delivery.progress import (
    Begun,
    Delivered,
    Ended,
    ExecutionFound,
    Lightened,
    Receipt,
    Withdrawn,
    again,
    summed,
)
from xray_ci.delivery.reconcile import difference, expected_of, issue_of, listed, stable
from xray_ci.errors import ConfigurationError, Failure, Interrupted, PartlyImported, Refused, UnknownDelivery
from xray_ci.services.body import FormPart, Pieces, Upload, boundary, multipart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from xray_ci.delivery.plan import Plan, PlannedExecution, PlannedImport, PlannedPiece
    from xray_ci.delivery.progress import Context
    from xray_ci.delivery.reconcile import ExpectedTest
    from xray_ci.services.body import Slice
    from xray_ci.services.xray import ImportAnswer


def send(plan: Plan, context: Context) -> Delivered:
    """Send every request of a plan in order that is not done yet; never raises a Failure, it returns them.

    A request that fails takes those for the same Test Execution with it. Other Test Executions are still filled when it
    was refused: then the service is there, and has said no to this one alone.
    """
    courier = _Courier(context, plan)
    over = False
    for execution in plan.executions:
        if over:
            courier.delivered.not_sent += [call for call in execution.calls if call.id not in context.progress.ended]
            continue
        try:
            courier.fill(execution)
        except Failure as failure:
            courier.delivered.failures.append(failure)
            over = not isinstance(failure, Refused)
    return summed(courier.delivered, plan, context.progress)


class _Courier:
    """One run of a delivery."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self._means = context
        self._plan = plan
        self.delivered = Delivered()

    def fill(self, execution: PlannedExecution) -> None:
        """Bring every request of a Test Execution to its end; raises Failure."""
        context, progress = self._means, self._means.progress
        context.busy = False
        known = progress.found.get(execution.id)
        key = execution.key or (known.key if known else None)
        waiting = [call for call in execution.calls if call.id not in progress.ended]
        try:
            if (
                key is None and waiting and waiting[0].id not in progress.begun
            ):  # what was under way is looked for with more patience
                key = located(execution, context)
            while waiting:
                key = self._import(execution, waiting[0], key)
                waiting.pop(0)
                context.pace(len(progress.ended), len(self._plan.calls))
            if key is not None and any(call.id in context.progress.light for call in execution.calls):
                from xray_ci.delivery.evidence import attach  # noqa: PLC0415

                if (refused := attach(execution, key, context)) is not None:
                    self.delivered.failures.append(refused)
            self._plan_tests(execution, key)
            tidied(execution, context, last=True)
        except Failure as failure:
            self.delivered.not_sent += waiting[1:]
            raise _advised(failure, waiting[0] if waiting else None, key, self._plan) from failure.__cause__
        finally:
            if key is not None and any(call.id in progress.ended for call in execution.calls):
                self.delivered.keys[execution.id] = key

    def _plan_tests(self, execution: PlannedExecution, key: str | None) -> None:
        """Add the Tests to the Test Plan where a form made the Test Execution on Server/DC: it links only that (D)."""
        plan, context = execution.test_plan, self._means
        forms = any(call.endpoint.multipart for call in execution.calls)
        if plan is None or key is None or not forms or self._plan.deployment.key != "server":
            return
        answers = {receipt.call.id: receipt.answer.tests_ok for receipt in self.delivered.receipts}
        stored = [answers.get(call.id) for call in execution.calls]
        issue = issue_of(execution, key, context)
        try:
            if None not in stored:
                tests = [test for each in stored for test in each or ()]
            else:
                tests = [run.test for run in context.store.runs(issue)] if issue is not None else []
            context.store.plan_tests(plan, list(dict.fromkeys(tests)))
        except Interrupted:
            raise
        except Failure as failure:
            self.delivered.failures.append(
                PartlyImported(
                    f"all results are in {key}, and its Tests are not all in {plan}: {failure.what}",
                    where=plan,
                    answer=failure.answer,
                    service=failure.service,
                    advice="Add the Tests to the Test Plan in Xray.",
                )
            )

    def _import(self, execution: PlannedExecution, call: PlannedImport, key: str | None) -> str:
        """Bring one request to its end and return the key that its results went to; raises Failure."""
        context = self._means
        lost: UnknownDelivery | None = None
        parts = 1
        for _ in range(TRIES):
            if key is None and (known := context.progress.found.get(execution.id)) is not None:
                key = known.key
            if call.id in context.progress.begun:
                key, there = self._sought(execution, call, key, lost)
                if there:
                    return self._end(execution, call, key, None)
            try:
                return self._send(execution, call, key, parts)
            except UnknownDelivery as failure:
                context.busy = failure.busy
                context.say(f"{call.id}: {failure.what}: looking whether it arrived, up to {context.lag:g} s")
                lost = failure
                context.lost = True
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
            self.delivered.failures.append(_advised(doubt, call, key, self._plan))
            raise

    def _send(self, execution: PlannedExecution, call: PlannedImport, key: str | None, parts: int) -> str:
        """Send a request, in so many parts where it can be divided; raises Failure."""
        context = self._means
        self._lighten(call)
        whole, tests = into(call, key), None
        if call.tests_at is not None and (
            parts > 1 or context.progress.left_out.get(call.id) or context.progress.light.get(call.id)
        ):
            from xray_ci.delivery import splitting  # noqa: PLC0415 - for what goes in parts

            tests = list(splitting.to_send(call, context.progress))
            whole = splitting.restricted(whole, tests)
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
            try:
                key = key or self._made_all_the_same(execution)
            except Interrupted:
                raise
            except Failure as failure:  # what was said first is what is told
                context.tell(f"{call.id} was refused, and it cannot be looked for what it made: {failure.what}")
                raise refusal from None
            return self._isolated(execution, call, key, refusal)

    def _lighten(self, call: PlannedImport) -> None:
        """Let evidence follow the results: of a test that is larger than a request may be, and what is uploaded.

        Not where something of the request may be stored with its evidence already.
        """
        context, least = self._means, self._means.store.upload_from
        if call.tests_at is None or call.id in context.progress.begun:
            return
        whole = call.tests == 1 and context.most is not None and call.size > context.most
        if not whole and (least is None or call.size < least):
            return
        from xray_ci.delivery import splitting  # noqa: PLC0415 - for what goes in parts

        light = context.progress.light.get(call.id, {})
        if not whole and least is not None:
            for test, files in splitting.heavy(call, least, context.progress):
                if test.index not in light:
                    context.note(Lightened(call=call.id, index=test.index, files=files))
            return
        for test in listed(call.tests_at, context.progress.left_out.get(call.id, ())):
            if test.index not in light and (found := splitting.lightened(test)[1]):
                context.note(Lightened(call=call.id, index=test.index, files=len(found)))

    def _part(
        self, execution: PlannedExecution, call: PlannedImport, key: str | None, tests: Sequence[ExpectedTest]
    ) -> str:
        """Send some tests of a request and return the key that they went to; raises Failure."""
        from xray_ci.delivery import splitting  # noqa: PLC0415 - for what goes in parts

        answer = self._begin(splitting.restricted(into(call, key), tests), key)
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

        from xray_ci.delivery import splitting  # noqa: PLC0415 - for what goes in parts

        splitting.isolate(call, refusal, part, self._means, may_end=key is not None)
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
        context, left = self._means, self._means.left()
        answer = context.xray.import_report(
            call.endpoint, query=_query(call, key), upload=upload(call, key, context.random)
        )
        context.answered.setdefault(call.id, left - context.left())
        self.delivered.receipts.append(Receipt(call=call, answer=answer))
        context.tell(f"{call.id}: imported into {answer.key}")
        return answer

    def _end(
        self, execution: PlannedExecution, call: PlannedImport, key: str | None, answer: ImportAnswer | None
    ) -> str:
        """Record that the results of a request are where they belong."""
        context = self._means
        key = key or (answer.key if answer else None)
        assert key is not None  # noqa: S101  # an answer holds one
        if execution.id not in context.progress.found:
            context.note(ExecutionFound(execution=execution.id, key=key, number=answer.id if answer else None))
        tests = (call.tests or 0) - len(context.progress.left_out.get(call.id, ()))
        context.note(
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
        context = self._means
        stored = issue_of(execution, key, context)
        expected = expected_of([call], context)
        if stored is None:
            return False
        before = expected_of([each for each in execution.calls if each.id in context.progress.ended], context)
        if expected is not None and before is not None:
            expected.others.update(before.others)
            expected.keyed |= before.keyed
        # In a Test Execution that others fill, or filled before, the same numbers may be there without this request.
        ours = execution.marker is not None and not execution.marker.look
        runs = stable(stored, context, enough=expected if ours else None, quiet=context.unseen)
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


def into(call: PlannedImport, key: str | None) -> PlannedImport:
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
    return tuple(
        json.dumps(piece.sign + _known(key)).encode() if isinstance(piece, Hole) else piece for piece in pieces
    )


def _known(key: str | None) -> str:
    if key is None:
        raise LookupError("a request was to be sent before the one that it follows")
    return key


def _advised(failure: Failure, call: PlannedImport | None, key: str | None, plan: Plan) -> Failure:
    """Return the failure with what is known of the request it met."""
    if isinstance(failure, Interrupted) and call is not None:
        failure.where = f"{call.id} was under way and may have been imported: {call.describe()}"
    if isinstance(failure, UnknownDelivery) and key is not None:
        advice = again([key], plan)
        failure.next = advice[0].upper() + advice[1:]
    return failure
