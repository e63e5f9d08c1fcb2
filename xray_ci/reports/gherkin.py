"""One run of a Gherkin scenario: from its steps and hooks to a case. Knows Gherkin; knows no JSON and no tool.

The worst step or hook decides; what has no result, and undefined and pending steps, are neither passed nor failed. A row of a
Scenario Outline is one case with one example, under the name that the outline has: rows are results of one Test. Without the key
of a Test among its tags a case brings what creates a Cucumber Test (name and scenario text): Xray's own import creates none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Attachment, Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import embedded, tag_meaning, texts
from xray_ci.reports.members import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

STEP_LIMIT: Final = 2_000
"""Steps kept of one scenario."""
WORDS: Final = {
    **dict.fromkeys(("passed", "xpassed"), Outcome.PASSED),
    **dict.fromkeys(("failed", "ambiguous"), Outcome.FAILED),
    **dict.fromkeys(("error", "hook_error", "cleanup_error"), Outcome.ERROR),
    **dict.fromkeys(("skipped", "xfailed"), Outcome.SKIPPED),
}
"""Results of steps and scenarios in lower case; every other word (undefined, pending, untested …) is `OTHER`."""
_RANK: Final = (Outcome.ERROR, Outcome.FAILED, Outcome.OTHER, Outcome.SKIPPED, Outcome.PASSED)
_EXAMPLE: Final = {Outcome.PASSED: "PASSED", Outcome.FAILED: "FAILED", Outcome.ERROR: "FAILED", Outcome.SKIPPED: "TODO",
                   Outcome.OTHER: "TODO"}


def outcome_of(word: str | None) -> Outcome | None:
    """Return what a result's word means, None where there is none."""
    return WORDS.get(word.strip().lower(), Outcome.OTHER) if word else None


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst, `OTHER` when there is no result at all."""
    return min(outcomes, key=_RANK.index, default=Outcome.OTHER)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a data table as Gherkin writes it."""
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def headline(message: str) -> str:
    """Return the line of an error's text that says what happened: of a Python traceback its last, of pytest's its first `E` line."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    marked = next((line[1:].strip() for line in lines if line.startswith("E   ")), None)
    if marked or not lines:
        return marked or ""
    return (lines[-1] if lines[0].startswith("Traceback (most recent call last)") else lines[0]).strip()


class Run:
    """What was told of one run of a scenario so far."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.steps: list[Step] = []
        self.text: list[str] = []
        """Lines of the scenario, without its first."""
        self.attachments: list[Attachment] = []
        self.logs: list[str] = []
        self.seconds: float | None = None
        self.kind: str | None = None
        self._troubles: list[tuple[Outcome, str, str | None]] = []

    def step(self, action: str, word: str | None, *, message: str | None = None, seconds: float | None = None,
             rows: str | None = None, doc: str | None = None) -> None:
        """Tell of a step: its keyword and text, its result's word, and its table or its text block."""
        outcome = outcome_of(word)
        action = action.strip()
        if len(self.steps) < STEP_LIMIT:
            self.steps.append(Step(action=action, data=rows or doc, outcome=outcome, comment=message))
            self.text.append(action)
            if rows:
                self.text += [f"  {line}" for line in rows.splitlines()]
            if doc is not None:
                self.text += ['  """', *(f"  {line}" for line in doc.splitlines()), '  """']
        self._tell(outcome or Outcome.OTHER, f"{word.lower() if word else 'no result'}: {action}", message, seconds)

    def hook(self, name: str, word: str | None, *, message: str | None = None, seconds: float | None = None) -> None:
        """Tell of a hook; it is a step only where something went wrong in it."""
        outcome = outcome_of(word)
        if outcome is None:
            return
        if outcome not in {Outcome.PASSED, Outcome.SKIPPED} and len(self.steps) < STEP_LIMIT:
            self.steps.append(Step(action=name, outcome=outcome, comment=message))
        self._tell(outcome, f"{(word or '').lower()}: {name}", message, seconds)

    def _tell(self, outcome: Outcome, what: str, message: str | None, seconds: float | None) -> None:
        self.outcomes.append(outcome)
        if seconds is not None:
            self.seconds = (self.seconds or 0.0) + seconds
        if outcome is not Outcome.PASSED and (message or outcome is not Outcome.SKIPPED) and len(self._troubles) < STEP_LIMIT:
            self._troubles.append((outcome, what, message))

    def attach(self, data: str, media_type: str | None, name: str | None = None, *, encoded: bool | None = None) -> None:
        """Keep a file that a step or hook brought, or the line that it logged."""
        line = embedded.log_line(data, media_type, encoded=encoded)
        if line is not None:
            self.log(line)
        elif len(self.attachments) < embedded.ATTACHMENT_LIMIT:
            found = embedded.attachment(data, media_type, name, len(self.attachments) + 1, encoded=encoded, stem="embedding")
            if found is not None:
                self.attachments.append(found)

    def log(self, line: str) -> None:
        """Keep a line that was printed."""
        self.logs.append(texts.last(line))
        if len(self.logs) > STEP_LIMIT:
            self.logs = ["\n".join(self.logs)[-texts.OUTPUT_LIMIT - 1:]]

    def outcome(self) -> Outcome:
        """Return what became of the scenario."""
        return worst(self.outcomes)

    def words(self, outcome: Outcome) -> tuple[str | None, str | None]:
        """Return message and trace of what made the scenario come out like that."""
        troubles = [(what, message) for found, what, message in self._troubles if found is outcome]
        if not troubles and outcome is not Outcome.SKIPPED:
            troubles = [(what, message) for _, what, message in self._troubles]
        if outcome is Outcome.PASSED or not troubles:
            return None, None
        trace = texts.cut("\n\n".join(message.strip() for _, message in troubles if message)) or None
        what, message = troubles[0]
        return texts.cut(headline(message or "") or what), trace

    def attempt(self) -> Attempt:
        """Return it as an earlier try, which was followed by another."""
        message, trace = self.words(self.outcome())
        return Attempt(outcome=self.outcome(), message=message, trace=trace)

    def case(self, *, feature: str, rule: str | None = None, name: str, named: Iterable[str], keyword: str | None = None,
             outline: bool = False, description: str | None = None, text: str | None = None, outcome: Outcome | None = None,
             started: datetime | None = None, finished: datetime | None = None, attempts: tuple[Attempt, ...] = (),
             line: int | None = None) -> Case:
        """Return the case; `named` are its tags, `text` the scenario's text where the report has it, `outcome` the report's own."""
        result = outcome or self.outcome()
        message, trace = self.words(result)
        marks = tag_meaning.marks(named)
        if not tag_meaning.has_key(marks):
            head = f"{(keyword or 'Scenario').strip()}: {name}"
            scenario = text if text is not None else "\n".join([head, *(f"  {part}" for part in self.text)])
            marks += (Mark(kind=MarkKind.SCENARIO, value=texts.cut(scenario)),)
            if description and description.strip():
                marks += (Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(description.strip())),)
        output = None
        if result is not Outcome.PASSED and self.logs:
            output = texts.tail("\n".join(part.rstrip("\n") for part in self.logs)) or None
        return Case(suite=(feature, rule) if rule else (feature,) if feature else (), classname=feature or None, name=name, outcome=result,
                    seconds=self.seconds, started=started, finished=finished, kind=self.kind or kind_of(message), message=message,
                    trace=trace, output=output, attachments=tuple(self.attachments), marks=marks, steps=tuple(self.steps),
                    examples=(_EXAMPLE[result],) if outline else (), attempts=attempts, line=line)

