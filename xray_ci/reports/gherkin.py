"""One run of a Gherkin scenario becomes a case, and the JSON of features that Cucumber and Behave share.

The worst step or hook decides; what has no result, and undefined and pending steps, are neither passed nor failed. A
row of a Scenario Outline is one case with one example, under the name that the outline has: rows are results of one
Test. Without the key of a Test among its tags a case brings what creates a Cucumber Test (name and scenario text):
Xray's own import creates none.

A background that stands before a scenario as an element of its own is handed over with it. Some tools write a feature's
name behind its scenarios: those wait, on disk when they are many.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Attachment, Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.patterns import remembered
from xray_ci.reports import author_marks, notices, texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.members import Members, kind_of
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, Fault
from xray_ci.reports.spill import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from xray_ci.model import Problem

    Scenario: TypeAlias = Callable[[Members, list[Members], int], Case]


STEP_LIMIT: Final = 2_000
"""Steps kept of one scenario."""
WORDS: Final = {
    **dict.fromkeys(("passed", "xpassed"), Outcome.PASSED),
    **dict.fromkeys(("failed", "ambiguous"), Outcome.FAILED),
    **dict.fromkeys(("error", "hook_error", "cleanup_error"), Outcome.ERROR),
    **dict.fromkeys(("skipped", "xfailed"), Outcome.SKIPPED),
}
"""Results of steps and scenarios in lower case; every other word (undefined, pending, untested …) is `OTHER`."""
XRAY_WORDS: Final = {
    "PASS": Outcome.PASSED,
    "FAIL": Outcome.FAILED,
    "TODO": Outcome.SKIPPED,
    "TO DO": Outcome.SKIPPED,
    "ABORTED": Outcome.SKIPPED,
    "EXECUTING": Outcome.OTHER,
}
"""Names of Xray's own statuses as Xray writes them: its import takes them for the result of a step (O)."""
_KEPT: Final = frozenset({"ABORTED", "EXECUTING"})
"""Those that no outcome stands for: they become the status of the Test Run."""
_RANK: Final = (Outcome.ERROR, Outcome.FAILED, Outcome.OTHER, Outcome.SKIPPED, Outcome.PASSED)
_EXAMPLE: Final = {
    Outcome.PASSED: "PASSED",
    Outcome.FAILED: "FAILED",
    Outcome.ERROR: "FAILED",
    Outcome.SKIPPED: "TODO",
    Outcome.OTHER: "TODO",
}


def outcome_of(word: str | None) -> Outcome | None:
    """Return what a result's word means, None where there is none."""
    return _meaning(word) if word else None


@remembered
def _meaning(word: str) -> Outcome:
    return WORDS.get(word.strip().lower()) or XRAY_WORDS.get(word, Outcome.OTHER)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst, `OTHER` when there is no result at all."""
    found = frozenset(outcomes)
    return next((outcome for outcome in _RANK if outcome in found), Outcome.OTHER)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a data table as Gherkin writes it."""
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


def headline(message: str) -> str:
    """Return the line of an error's text that says what happened.

    Of a Python traceback its last, of pytest's its first `E` line.
    """
    lines = [line for line in message.strip().splitlines() if line.strip()]
    marked = next((line[1:].strip() for line in lines if line.startswith("E   ")), None)
    if marked or not lines:
        return marked or ""
    return (lines[-1] if lines[0].startswith("Traceback (most recent call last)") else lines[0]).strip()


class ScenarioRun:
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
        self._status: dict[Outcome, str] = {}
        self._troubles: list[tuple[Outcome, str, str | None]] = []

    def step(
        self,
        action: str,
        word: str | None,
        *,
        message: str | None = None,
        seconds: float | None = None,
        rows: str | None = None,
        doc: str | None = None,
    ) -> None:
        """Tell of a step: its keyword and text, its result's word, and its table or its text block."""
        outcome = outcome_of(word)
        if word in _KEPT and outcome is not None:
            self._status.setdefault(outcome, word)
        action = action.strip()
        if len(self.steps) < STEP_LIMIT:
            self.steps.append(Step(action=action, data=rows or doc, outcome=outcome, comment=message))
            self.text.append(action)
            if rows:
                self.text += [f"  {line}" for line in rows.splitlines()]
            if doc is not None:
                self.text += ['  """', *(f"  {line}" for line in doc.splitlines()), '  """']
        self._tell(outcome or Outcome.OTHER, word, action, message, seconds)

    def hook(self, name: str, word: str | None, *, message: str | None = None, seconds: float | None = None) -> None:
        """Tell of a hook; it is a step only where something went wrong in it."""
        outcome = outcome_of(word)
        if outcome is None:
            return
        if outcome not in {Outcome.PASSED, Outcome.SKIPPED} and len(self.steps) < STEP_LIMIT:
            self.steps.append(Step(action=name, outcome=outcome, comment=message))
        self._tell(outcome, word, name, message, seconds)

    def _tell(self, outcome: Outcome, word: str | None, what: str, message: str | None, seconds: float | None) -> None:
        self.outcomes.append(outcome)
        if seconds is not None:
            self.seconds = (self.seconds or 0.0) + seconds
        if (
            outcome is not Outcome.PASSED
            and (message or outcome is not Outcome.SKIPPED)
            and len(self._troubles) < STEP_LIMIT
        ):
            self._troubles.append((outcome, f"{word.lower() if word else 'no result'}: {what}", message))

    def attach(
        self, data: str, media_type: str | None, name: str | None = None, *, encoded: bool | None = None
    ) -> None:
        """Keep a file that a step or hook brought, or the line that it logged."""
        line = texts.log_line(data, media_type, encoded=encoded)
        if line is not None:
            self.log(line)
        elif len(self.attachments) < texts.ATTACHMENT_LIMIT:
            found = texts.attachment(
                data, media_type, name, len(self.attachments) + 1, encoded=encoded, stem="embedding"
            )
            if found is not None:
                self.attachments.append(found)

    def log(self, line: str) -> None:
        """Keep a line that was printed."""
        self.logs.append(texts.last(line))
        if len(self.logs) > STEP_LIMIT:
            self.logs = ["\n".join(self.logs)[-texts.OUTPUT_LIMIT - 1 :]]

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

    def case(
        self,
        *,
        feature: str,
        rule: str | None = None,
        name: str,
        named: Iterable[str],
        keyword: str | None = None,
        outline: bool = False,
        description: str | None = None,
        text: str | None = None,
        outcome: Outcome | None = None,
        started: datetime | None = None,
        finished: datetime | None = None,
        attempts: tuple[Attempt, ...] = (),
        line: int | None = None,
    ) -> Case:
        """Return the case.

        `named` are its tags, `text` the scenario's text where the report has it, `outcome` the report's own.
        """
        result = outcome or self.outcome()
        message, trace = self.words(result)
        marks = author_marks.of_tags(named)
        if not author_marks.has_key(marks):
            head = f"{(keyword or 'Scenario').strip()}: {name}"
            scenario = text if text is not None else "\n".join([head, *(f"  {part}" for part in self.text)])
            marks += (Mark(kind=MarkKind.SCENARIO, value=texts.cut(scenario)),)
            if description and description.strip():
                marks += (Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(description.strip())),)
        output = None
        if result is not Outcome.PASSED and self.logs:
            output = texts.tail("\n".join(part.rstrip("\n") for part in self.logs)) or None
        return Case(
            suite=(feature, rule) if rule else (feature,) if feature else (),
            classname=feature or None,
            name=name,
            outcome=result,
            status=self._status.get(result),
            seconds=self.seconds,
            started=started,
            finished=finished,
            kind=self.kind or kind_of(message),
            message=message,
            trace=trace,
            output=output,
            attachments=tuple(self.attachments),
            marks=marks,
            steps=tuple(self.steps),
            examples=(_EXAMPLE[result],) if outline else (),
            attempts=attempts,
            line=line,
        )


_HEAD: Final = frozenset({"name", "tags", "uri", "id", "location", "metadata"})
_CREATING: Final = frozenset({MarkKind.SCENARIO, MarkKind.DESCRIPTION})


def read(source: Source, title: str, scenario: Scenario) -> Iterator[Case | Problem]:
    """Yield the case that `scenario` makes of each element, the steps of the background before it and its line.

    Then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    window = Window(source)
    if window.peek() not in {"[", ""}:
        raise Fault(NOT_A_REPORT if window.peek() == "{" else BROKEN, f"{title} is a list of features")
    count = 0
    for number, _ in enumerate(window.elements()):
        for case in _Feature(window, number, scenario).cases():
            count += 1
            yield case
    window.finish()
    if not count:
        yield notices.no_cases()


def tag_names(holder: Members) -> list[str]:
    """Return the tags of a feature or scenario: objects with a name, or plain texts."""
    found = holder.raw("tags")
    if not isinstance(found, list):
        return []
    names = [each.get("name") if isinstance(each, dict) else each for each in found]
    return [name for name in names if isinstance(name, str)]


class _Feature:
    """One feature while it streams by."""

    def __init__(self, window: Window, number: int, scenario: Scenario) -> None:
        self._window = window
        self._path = f"[{number}]"
        self._scenario = scenario
        self._head: dict[str, object] = {}
        self._background: list[Members] = []
        self._title = ""
        self._above: tuple[Mark, ...] | None = None
        """What its tags say, once its head is complete."""

    def cases(self) -> Iterator[Case]:
        window = self._window
        if window.peek() not in {"{", ""}:
            raise Fault(BROKEN, f"{self._path} is no object, but a feature should be there")
        with closing(Waiting()) as waiting:
            for name in window.members():
                if name != "elements":
                    value = window.value()
                    if name in _HEAD:
                        self._head[name] = value
                elif window.peek() != "[":
                    if window.value() is not None:
                        raise Fault(BROKEN, f"{self._path}.elements is no list")
                elif {"name", "tags"} <= self._head.keys():
                    yield from map(self._completed, self._elements())
                else:
                    for case in self._elements():
                        waiting.add("", case)
            for _, case in waiting.all():
                yield self._completed(case)

    def _elements(self) -> Iterator[Case]:
        for index, value in enumerate(self._window.values()):
            element = Members(value, f"{self._path}.elements", None, index)
            if _is_background(element):
                self._background = [*element.each("before"), *element.each("steps"), *element.each("after")]
                continue
            yield self._scenario(element, self._background, self._window.line)
            self._background = []

    def _completed(self, case: Case) -> Case:
        """Return a case with what its feature says.

        Its name, and tags that some tools do not repeat on the scenario.
        """
        if self._above is None:
            head = Members(self._head, self._path)
            self._title = head.text("name") or head.text("uri") or head.text("id") or head.text("location") or ""
            self._above = author_marks.of_tags(tag_names(head))
            about = head.raw("metadata")
            if isinstance(about, dict) and isinstance(project := about.get("Project"), str) and project:
                self._above += (Mark(kind=MarkKind.ENVIRONMENT, value=project[:1_000]),)  # playwright-bdd
        feature, above = self._title, self._above
        marks = tuple(dict.fromkeys((*above, *case.marks)))
        if author_marks.has_key(above):
            marks = tuple(mark for mark in marks if mark.kind not in _CREATING)
        return msgspec.structs.replace(
            case, suite=(feature,) if feature else (), classname=feature or None, marks=marks
        )


def _is_background(element: Members) -> bool:
    return element.raw("type") == "background" or (element.text("keyword") or "").strip().lower() == "background"
