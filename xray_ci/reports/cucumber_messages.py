"""Cucumber messages, one a line, of protocol 13 and later.

Definitions (features, pickles, test cases) come long before results and are kept outside of memory. Of a retried
scenario the last attempt counts, the earlier ones are its attempts. A stream without `testRunFinished` was cut off.

Knows which message says what, and the tree of Gherkin that scenarios stand in; how a run of one becomes a case is in
`gherkin`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import TEXT_LIMIT, Attempt, Case, Outcome
from xray_ci.reports import gherkin, notices, texts
from xray_ci.reports.lines import Documents
from xray_ci.reports.members import Members
from xray_ci.reports.notices import NOT_A_REPORT, UNSAFE, Fault
from xray_ci.reports.spill import SpilledValues
from xray_ci.reports.texts import LONGEST, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source


Kept = tuple[str, object]
"""A name, and what is kept under it."""


def kept(document: Members) -> Iterator[Kept]:
    """Yield for each step its keyword (`step:<id>`), for each scenario what is known of it (`node:<id>`).

    A scenario is a list: feature, rule or "", keyword, description, whole text.
    """
    feature = document.inner("feature")
    if feature is None:
        return
    title = feature.text("name") or document.text("uri") or ""
    before: list[str] = []
    for child in feature.each("children"):
        rule = child.inner("rule")
        if rule is None:
            yield from _child(child, title, "", before)
            continue
        inside = list(before)
        for grandchild in rule.each("children"):
            yield from _child(grandchild, title, rule.text("name") or "", inside)


def _child(child: Members, feature: str, rule: str, before: list[str]) -> Iterator[Kept]:
    background = child.inner("background")
    if background is not None:
        yield from _keywords(background)
        before += _lines(background)
    scenario = child.inner("scenario")
    if scenario is None:
        return
    yield from _keywords(scenario)
    keyword = scenario.text("keyword") or "Scenario"
    text = "\n".join([f"{keyword}: {scenario.text('name') or ''}", *before, *_lines(scenario), *_examples(scenario)])
    yield (
        f"node:{scenario.text('id') or ''}",
        [feature, rule, keyword, texts.cut(scenario.text("description") or ""), texts.cut(text)],
    )


def _keywords(holder: Members) -> Iterator[Kept]:
    for step in holder.each("steps"):
        yield f"step:{step.text('id') or ''}", step.text("keyword") or ""


def _lines(holder: Members) -> list[str]:
    found: list[str] = []
    for step in holder.each("steps"):
        found.append(f"  {(step.text('keyword') or '').strip()} {step.text('text') or ''}".rstrip())
        rows, doc = step_argument(step)
        found += [f"    {line}" for line in (rows or "").splitlines()]
        if doc is not None:
            found += ['    """', *(f"    {line}" for line in doc.splitlines()), '    """']
    return found


def step_argument(step: Members) -> tuple[str | None, str | None]:
    """Return the table and the text block of a step, of the tree or of a pickle's `argument`."""
    table, block = step.inner("dataTable"), step.inner("docString")
    rows = gherkin.table([_cells(row) for row in table.each("rows")]) if table is not None else None
    return texts.cut(rows, TEXT_LIMIT) if rows else None, block.text("content") or "" if block is not None else None


def _cells(row: Members) -> list[str]:
    return [cell.text("value") or "" for cell in row.each("cells")]


def _examples(scenario: Members) -> list[str]:
    found: list[str] = []
    for examples in scenario.each("examples"):
        header = examples.inner("tableHeader")
        rows = [_cells(row) for row in ([header] if header is not None else []) + list(examples.each("tableBody"))]
        found += [
            "",
            f"  {examples.text('keyword') or 'Examples'}: {examples.text('name') or ''}".rstrip(),
            *(f"    {line}" for line in gherkin.table(rows).splitlines()),
        ]
    return found


OPEN_LIMIT: Final = 10_000
"""Scenarios that run at the same time, or wait for another attempt."""
ATTEMPT_LIMIT: Final = 100
"""Attempts kept of one scenario."""
_FAILED: Final = frozenset({Outcome.FAILED, Outcome.ERROR})


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each scenario and example row when its last attempt ends, then notices.

    Errors outside of scenarios are notices.

    A stream that ends before the run did keeps the scenarios that ended, and is told. Raises Fault with the line where
    a message is broken or of another shape; what was yielded before must then be dropped.
    """
    documents = Documents(source)
    with SpilledValues() as spilled, ExitStack() as after:
        stream = _Stream(spilled)
        after.callback(vars(stream).clear)  # it holds methods of its own
        for message in documents:
            try:
                for item in stream.take(message, documents.number):
                    stream.see(item)
                    yield item
            except Fault as fault:
                fault.line = fault.line or documents.number
                raise
        yield from stream.last_words(documents)
    yield from notices.noise(documents)


class _Attempt:
    """One attempt at a scenario while it runs."""

    __slots__ = ("attached", "case", "line", "results", "retried", "started")

    def __init__(self, case: str, started: datetime | None, line: int) -> None:
        self.case = case
        self.started = started
        self.line = line
        self.results: dict[str, Members] = {}
        self.attached = gherkin.ScenarioRun()
        self.retried = False


class _Stream:
    """What the messages so far said."""

    def __init__(self, spilled: SpilledValues) -> None:
        self._spilled = spilled
        self._open: dict[str, _Attempt] = {}
        self._earlier: dict[str, list[Attempt]] = {}
        self._outside = notices.Outside()
        self._stated = notices.Stated()
        self._known = self._cases = 0
        self._ended = False
        self._line = 0
        self._takers: dict[str, Callable[[Members], Iterator[Case | Problem] | None]] = {
            "gherkinDocument": self._document,
            "pickle": self._pickle,
            "hook": self._hook,
            "testCase": self._case,
            "testRunStarted": self._run_started,
            "testCaseStarted": self._started,
            "testStepFinished": self._step_finished,
            "attachment": self._attachment,
            "testCaseFinished": self._finished,
            "testRunFinished": self._run_finished,
            "testRunHookFinished": self._run_hook,
            "parseError": self._parse_error,
        }

    def take(self, message: Any, line: int) -> Iterator[Case | Problem]:
        """Yield what came of one message."""
        self._line = line
        for name, value in message.items():
            taker = self._takers.get(name)
            self._known += taker is not None or name in {"meta", "source"}
            if taker is not None:
                yield from taker(Members(value, name)) or ()

    def see(self, item: Case | Problem) -> None:
        """Count what explains a run without success: undefined and pending steps do, too."""
        self._stated.see(item)
        self._stated.read += isinstance(item, Case) and item.outcome is Outcome.OTHER

    def last_words(self, documents: Documents) -> Iterator[Problem]:
        """Yield what can only be said at the end."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "none of its lines is a message of Cucumber")
        yield from notices.cut_off(documents, None if self._ended else "it ends without `testRunFinished`")
        yield from self._outside.rest()
        yield from self._stated.rest()
        if not self._cases:
            yield notices.no_cases()

    def _document(self, document: Members) -> None:
        for name, value in kept(document):
            self._spilled.put(name, value)

    def _pickle(self, pickle: Members) -> None:
        steps = []
        for step in pickle.each("steps"):
            argument = step.inner("argument")
            steps.append(
                [
                    step.text("id") or "",
                    step.text("text") or "",
                    step.texts("astNodeIds"),
                    list(step_argument(argument)) if argument is not None else [None, None],
                ]
            )
        tags = [name for tag in pickle.each("tags") if (name := tag.text("name"))]
        self._spilled.put(
            f"pickle:{pickle.text('id') or ''}",
            [pickle.text("name") or "", pickle.text("uri") or "", tags, pickle.texts("astNodeIds"), steps],
        )

    def _hook(self, hook: Members) -> None:
        kind = (
            (hook.text("type") or "hook")
            .lower()
            .replace("_test_case", "")
            .replace("_test_step", " step")
            .replace("_", " ")
            .strip()
        )
        self._spilled.put(f"hook:{hook.text('id') or ''}", f"{kind.capitalize()} {hook.text('name') or 'hook'}")

    def _case(self, case: Members) -> None:
        steps = [
            [step.text("id") or "", step.text("pickleStepId"), step.text("hookId")] for step in case.each("testSteps")
        ]
        self._spilled.put(f"case:{case.text('id') or ''}", [case.text("pickleId") or "", steps])

    def _run_started(self, _run: Members) -> None:
        self._ended = False

    def _started(self, started: Members) -> None:
        if len(self._open) >= OPEN_LIMIT or len(self._earlier) > OPEN_LIMIT:
            raise Fault(UNSAFE, f"more than {OPEN_LIMIT} scenarios run at the same time")
        self._open[started.text("id") or ""] = _Attempt(started.text("testCaseId") or "", _time(started), self._line)

    def _step_finished(self, finished: Members) -> None:
        attempt = self._open.get(finished.text("testCaseStartedId") or "")
        result = finished.inner("testStepResult")
        if attempt is not None and result is not None:
            attempt.results[finished.text("testStepId") or ""] = result
            attempt.retried = attempt.retried or result.raw("willBeRetried") is True

    def _attachment(self, attachment: Members) -> None:
        attempt = self._open.get(attachment.text("testCaseStartedId") or "")
        if attempt is None:
            return
        media, name, body = (
            attachment.text("mediaType"),
            attachment.text("fileName"),
            attachment.text("body", limit=None),
        )
        if body:
            attempt.attached.attach(body, media, name, encoded=attachment.raw("contentEncoding") == "BASE64")
        elif (
            (url := attachment.text("url"))
            and "://" not in url
            and len(attempt.attached.attachments) < texts.ATTACHMENT_LIMIT
        ):
            attempt.attached.attachments.append(texts.file(url, media, name))

    def _finished(self, finished: Members) -> Iterator[Case]:
        attempt = self._open.pop(finished.text("testCaseStartedId") or "", None)
        if attempt is None:
            return
        if attempt.retried or finished.raw("willBeRetried") is True:
            earlier = self._earlier.setdefault(attempt.case, [])
            if len(earlier) < ATTEMPT_LIMIT:
                earlier.append(self._told(attempt)[0].attempt())
            return
        yield self._made(attempt, _time(finished))

    def _run_finished(self, run: Members) -> Iterator[Case | Problem]:
        self._ended = True
        self._stated.add(int(run.raw("success") is False))
        for attempt in self._open.values():
            attempt.attached.hook("the scenario never ended", "error")
            yield self._made(attempt, None)
        self._open.clear()
        exception = run.inner("exception")
        message = run.text("message") or (exception.text("message") if exception is not None else None)
        if message:
            yield from self._outside.say("the run", message, line=self._line)

    def _run_hook(self, hook: Members) -> Iterator[Problem]:
        result = hook.inner("result")
        if result is not None and gherkin.outcome_of(result.text("status")) in _FAILED:
            yield from self._outside.say("a hook around all scenarios", result.text("message"), line=self._line)

    def _parse_error(self, error: Members) -> Iterator[Problem]:
        source = error.inner("source")
        yield from self._outside.say(
            (source.text("uri") if source is not None else None) or "a feature file",
            error.text("message"),
            line=self._line,
        )

    def _told(self, attempt: _Attempt) -> tuple[gherkin.ScenarioRun, list[Any]]:
        """Return the run of an attempt with all its steps, and the pickle."""
        run = attempt.attached
        pickle_id, steps = self._spilled.get(f"case:{attempt.case}") or ("", [])
        pickle = self._spilled.get(f"pickle:{pickle_id}") or [f"(unknown scenario {attempt.case[:80]})", "", [], [], []]
        by_id = {step[0]: step for step in pickle[4]}
        for step_id, pickle_step, hook in steps:
            word, message, seconds, kind = _result(attempt.results.get(step_id))
            run.kind = run.kind or kind
            if pickle_step is None:
                run.hook(self._spilled.get(f"hook:{hook}") or "Hook", word, message=message, seconds=seconds)
                continue
            _, text, nodes, (rows, doc) = by_id.get(pickle_step) or ("", "(unknown step)", [], (None, None))
            keyword = (self._spilled.get(f"step:{nodes[0]}") if nodes else None) or ""
            run.step(texts.cut(f"{keyword.strip()} {text}"), word, message=message, seconds=seconds, rows=rows, doc=doc)
        return run, pickle

    def _made(self, attempt: _Attempt, finished: datetime | None) -> Case:
        run, (name, uri, tags, nodes, _) = self._told(attempt)
        self._cases += 1
        feature, rule, keyword, description, text = (self._spilled.get(f"node:{nodes[0]}") if nodes else None) or (
            uri,
            "",
            None,
            None,
            None,
        )
        return run.case(
            feature=feature,
            rule=rule,
            name=name,
            named=tags,
            keyword=keyword,
            outline=len(nodes) > 1,
            description=description,
            text=text,
            started=attempt.started,
            finished=finished,
            line=attempt.line,
            attempts=tuple(self._earlier.pop(attempt.case, ())),
        )


def _result(result: Members | None) -> tuple[str | None, str | None, float | None, str | None]:
    """Return word, message, seconds and exception class of a step's result."""
    if result is None:
        return None, None, None, None
    exception = result.inner("exception")
    message = result.text("message")
    if exception is not None and not message:
        message = exception.text("stackTrace") or exception.text("message")
    duration = result.inner("duration")
    seconds = None
    if duration is not None:
        span = (duration.number("seconds") or 0.0) + (duration.number("nanos") or 0.0) * 1e-9
        seconds = span if 0.0 <= span <= LONGEST else None
    return result.text("status"), message, seconds, exception.text("type") if exception is not None else None


def _time(holder: Members) -> datetime | None:
    stamp = holder.inner("timestamp")
    seconds = stamp.number("seconds") if stamp is not None else None
    if stamp is None or seconds is None:
        return None
    return timestamp(f"{seconds + (stamp.number('nanos') or 0.0) * 1e-9:.6f}")
