"""After the import: what Xray stores against what was sent, Test Execution by Test Execution.

Xray Cloud stores a status that it does not know as TO DO without a word (O); this is where that is seen. Reads, never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xray_ci.delivery.progress import Checked
from xray_ci.delivery.settling import difference, expected_of, issue_of, read, stable
from xray_ci.errors import PartlyImported

if TYPE_CHECKING:
    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import Plan, PlannedExecution
    from xray_ci.errors import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What reading back said of one Test Execution."""

    key: str
    sent: int
    stored: int
    """Test Runs that it holds, whoever put them there."""
    failure: Failure | None = None


def reconcile(plan: Plan, means: Means) -> tuple[Reconciled, ...]:
    """Compare every Test Execution whose requests are all done; raises Failure when Xray cannot be read."""
    found = []
    for execution in plan.executions:
        ended = [means.progress.ended.get(call.id) for call in execution.calls]
        first = ended[0] if ended else None
        if first is not None and all(each is not None for each in ended) and (row := _compared(execution, first.key, means)):
            found.append(row)
    return tuple(found)


def _compared(execution: PlannedExecution, key: str, means: Means) -> Reconciled | None:
    """Return what is stored; None for reports that were not converted by us, where nobody knows what to expect."""
    expected = expected_of(execution.calls, means)
    issue = issue_of(execution, key, means)
    if expected is None:
        return None
    if issue is None:
        return Reconciled(key=key, sent=expected.tests, stored=0, failure=_lost(key))
    alone = execution.marker is not None and not execution.marker.look
    stored = read(issue, means)
    if difference(expected, stored, alone=alone):
        stored = stable(issue, means, enough=expected) or stored
    found = difference(expected, stored, alone=alone)
    means.note(Checked(execution=execution.id, right=not found))
    failure = None
    if found:
        failure = PartlyImported(f"what Xray stores in {key} is not what was sent", where=key, answer="\n".join(found.lines()),
                                 service="Xray", advice="A status may not exist on this site (`statuses`), or results are missing: correct "
                                 f"what is named above, then run again with `test-execution: {key}`.")
    return Reconciled(key=key, sent=expected.tests, stored=len(stored.statuses), failure=failure)


def _lost(key: str) -> Failure:
    return PartlyImported(f"{key} cannot be read back", where=key, service="Xray",
                          advice="Look whether it is there, and whether the user of the API key may see it.")
