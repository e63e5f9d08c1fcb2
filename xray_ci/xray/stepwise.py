"""Steps, iterations and example rows of a case in the dialect of a deployment.

Knows which of them a Test takes: results of steps belong to step-based Tests, example rows to Scenario Outlines, and a
result has one kind of them only. Inline evidence of a step is written here, because the report held it in memory anyway.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Case, Iteration, Outcome, Step
from xray_ci.xray import comments, hostile, mapping
from xray_ci.xray.evidence import file_name, media_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xray_ci.deployments import Deployment
    from xray_ci.model import Attachment
    from xray_ci.xray.mapping import Target
    from xray_ci.xray.notices import Notices

Json = dict[str, Any]
MEANINGS: Final = MappingProxyType({"PASS": Outcome.PASSED, "PASSED": Outcome.PASSED, "FAIL": Outcome.FAILED,
                                    "FAILED": Outcome.FAILED, "TODO": Outcome.SKIPPED, "TO DO": Outcome.SKIPPED})
"""Built-in words of both dialects that mean an outcome; the others (EXECUTING, ABORTED) are the same in both."""
_STEP_TEXT: Final = 8_000


def translated(word: str, outcome: Outcome, statuses: Mapping[Outcome, str]) -> str:
    """Return a report's own Xray status in other words: the word of its outcome, or itself when it is the site's own."""
    meaning = MEANINGS.get(word)
    if meaning is None:
        return hostile.one_line(word, 255).strip() or statuses[outcome]
    return statuses[meaning]


class Stepwise:
    """Writes what is below the level of a result."""

    def __init__(self, deployment: Deployment, admit: Callable[[Attachment], bool]) -> None:
        self._dialect = deployment.dialect
        self._limits = deployment.limits
        self._admit = admit

    def add(self, document: Json, case: Case, target: Target, notices: Notices) -> bool:
        """Add the one kind that the Test takes; return whether the steps are in it.

        Iterations win over examples, which are of Cucumber Tests only, and those over steps. Steps and iterations whose report knows no Xray statuses are added
        only where the same report defines them (a step-based Test by testInfo): elsewhere nobody knows that the Test has them.
        """
        defined = not target.keys and target.definition is None and mapping.step_based(target.test_type)
        iterated = bool(case.iterations) and (defined or all(row.status is not None for row in case.iterations))
        examples = () if defined or target.definition is not None else case.examples
        taken = bool(case.steps) and (defined or all(step.status is not None for step in case.steps))
        if sum(map(bool, (iterated, examples, taken))) > 1:
            notices.add("steps-left-out")
        if case.steps and not taken and not iterated:
            notices.add("step-results-left-out")
        if iterated:
            document["iterations"] = [self._iteration(row, notices) for row in case.iterations]
            return True
        if examples:
            document["examples"] = [self._example(word, notices) for word in examples]
            return False
        if taken:
            document["steps"] = [self._result(step, notices) for step in case.steps]
        return taken

    def definition(self, case: Case, notices: Notices) -> list[Json]:
        """Return the steps of a Test: as the report defines them, else as it ran them."""
        written: list[Json] = []
        for step in case.defined_steps or case.steps:
            action = hostile.clean(step.action or "")
            if self._limits.step_action is not None and len(action) > self._limits.step_action:
                notices.add("step-action-cut")
                action = hostile.cut(action, self._limits.step_action)
            entry: Json = {"action": action or "(no action)"}
            if step.data is not None:
                entry["data"] = hostile.clean(step.data)
            if step.expected is not None:
                entry["result"] = hostile.clean(step.expected)
            written.append(entry)
        return written

    def keys(self, found: Sequence[str], notices: Notices) -> list[str]:
        """Return those of a report's defects that are issue keys."""
        kept = [key for key in found if mapping.is_key(key)]
        if len(kept) < len(found):
            notices.add("bad-defect-key", len(found) - len(kept))
        return kept

    def _iteration(self, row: Iteration, notices: Notices) -> Json:
        entry: Json = {}
        if row.name:
            entry["name"] = hostile.one_line(row.name, self._limits.summary)
        parameters = row.parameters
        if self._limits.parameters is not None and len(parameters) > self._limits.parameters:
            notices.add("parameters-cut")
            parameters = parameters[: self._limits.parameters]
        if parameters:
            entry["parameters"] = [{"name": hostile.clean(name), "value": hostile.clean(value)}
                                   for name, value in parameters]
        entry["status"] = self._word(row.status, row.outcome)
        if row.log is not None or row.duration is not None:
            if self._dialect.iteration_log:
                entry |= {name: hostile.cut(hostile.clean(text), self._limits.comment)
                          for name, text in (("log", row.log), ("duration", row.duration)) if text is not None}
            else:
                notices.add("iteration-log-left-out")
        if row.steps:
            entry["steps"] = [self._result(step, notices) for step in row.steps]
        return entry

    def _result(self, step: Step, notices: Notices) -> Json:
        entry: Json = {"status": self._word(step.status, step.outcome or Outcome.OTHER)}
        for name, text in (("comment", step.comment), ("actualResult", step.actual)):
            if text:
                entry[name] = comments.safe(hostile.clean(text), wiki=self._dialect.wiki_comments, limit=_STEP_TEXT)
        defects = self.keys(step.defects, notices)
        if defects:
            entry["defects"] = defects
        # In this order, as evidence of a test is written: what is too big for a request is found by it.
        items = [{"filename": file_name(attached), "contentType": media_type(attached), "data": attached.base64}
                 for attached in step.attachments if attached.base64 is not None and self._admit(attached)]
        if items:
            entry[self._dialect.step_evidence] = items
        return entry

    def _word(self, status: str | None, outcome: Outcome) -> str:
        """Return a status of a step or iteration: built-in words only, for theirs are lists of their own (A)."""
        statuses = self._dialect.statuses
        return translated(status, outcome, statuses) if status is not None else statuses[outcome]

    def _example(self, word: str, notices: Notices) -> str:
        if word == "EXECUTING":
            return word
        meaning = MEANINGS.get(word)
        if meaning is None:
            notices.add("example-status-unknown")
            meaning = Outcome.OTHER
        return self._dialect.example_words[meaning]
