"""One case and its Test as one test of Xray JSON, in the dialect of a deployment. Pure but for a cache of seconds.

Results of steps belong to step-based Tests, example rows to Scenario Outlines, and a result has one kind of them only.
Nearly every case is plain: it has an outcome, times, a failure's text, steps that its Test does not take, and of its
author's marks a Test key, or labels, a description and a scenario at most. Its line of JSON is put together from parts
that were checked before; what varies in it is a name, a key, a label, a moment or a text, each in the form that the
schema asks for. Every other case goes through mapping, rendering and validation. Both ways give the same bytes; a law
holds them equal.

Knows names, words and limits through the deployments table only. Inline evidence of a step is written here, because the
report held it in memory anyway; evidence of the Test Run is added while the finished text is written.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import Struct, field

from xray_ci.deployments import STATUS_MEANINGS
from xray_ci.model import Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.xray import escaping, mapping
from xray_ci.xray.evidence import file_name, media_type
from xray_ci.xray.mapping import CUCUMBER_TYPE, GENERIC_TYPE, INFO_LEFT_OUT, RUN_MARKS, SUMMARY_LIMIT, is_key
from xray_ci.xray.times import Spans, Timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xray_ci.deployments import Deployment
    from xray_ci.model import Attachment, Case, Mark
    from xray_ci.xray.mapping import MappingOptions, TestTarget
    from xray_ci.xray.notices import Notices

Json = dict[str, Any]
_STEP_TEXT: Final = 8_000


def translated(word: str, outcome: Outcome, statuses: Mapping[Outcome, str]) -> str:
    """Return a report's own Xray status in other words.

    The word of its outcome, or itself when it is the site's own.
    """
    meaning = STATUS_MEANINGS.get(word)
    if meaning is None:
        return escaping.one_line(word, 255).strip() or statuses[outcome]
    return statuses[meaning]


class Stepwise:
    """Writes what is below the level of a result."""

    def __init__(self, deployment: Deployment, admit: Callable[[Attachment], bool]) -> None:
        self._dialect = deployment.dialect
        self._limits = deployment.limits
        self._admit = admit

    def add(self, document: Json, case: Case, target: TestTarget, notices: Notices) -> bool:
        """Add the one kind that the Test takes; return whether the steps are in it.

        Iterations win over examples, which are of Cucumber Tests only, and those over steps. Steps and iterations whose
        report knows no Xray statuses are added only where the same report defines them (a step-based Test by testInfo):
        elsewhere nobody knows that the Test has them.
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
            action = escaping.clean(step.action or "")
            if self._limits.step_action is not None and len(action) > self._limits.step_action:
                notices.add("step-action-cut")
                action = escaping.cut(action, self._limits.step_action)
            entry: Json = {"action": action or "(no action)"}
            if step.data is not None:
                entry["data"] = escaping.clean(step.data)
            if step.expected is not None:
                entry["result"] = escaping.clean(step.expected)
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
            entry["name"] = escaping.one_line(row.name, self._limits.summary)
        parameters = row.parameters
        if self._limits.parameters is not None and len(parameters) > self._limits.parameters:
            notices.add("parameters-cut")
            parameters = parameters[: self._limits.parameters]
        if parameters:
            entry["parameters"] = [
                {"name": escaping.clean(name), "value": escaping.clean(value)} for name, value in parameters
            ]
        entry["status"] = self._word(row.status, row.outcome)
        if row.log is not None or row.duration is not None:
            if self._dialect.iteration_log:
                entry |= {
                    name: escaping.cut(escaping.clean(text), self._limits.comment)
                    for name, text in (("log", row.log), ("duration", row.duration))
                    if text is not None
                }
            else:
                notices.add("iteration-log-left-out")
        if row.steps:
            entry["steps"] = [self._result(step, notices) for step in row.steps]
        return entry

    def _result(self, step: Step, notices: Notices) -> Json:
        entry: Json = {"status": self._word(step.status, step.outcome or Outcome.OTHER)}
        for name, text in (("comment", step.comment), ("actualResult", step.actual)):
            if text:
                entry[name] = escaping.safe(escaping.clean(text), wiki=self._dialect.wiki_comments, limit=_STEP_TEXT)
        defects = self.keys(step.defects, notices)
        if defects:
            entry["defects"] = defects
        # In this order, as evidence of a test is written: what is too big for a request is found by it.
        items = [
            {"filename": file_name(attached), "contentType": media_type(attached), "data": attached.base64}
            for attached in step.attachments
            if attached.base64 is not None and self._admit(attached)
        ]
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
        meaning = STATUS_MEANINGS.get(word)
        if meaning is None:
            notices.add("example-status-unknown")
            meaning = Outcome.OTHER
        return self._dialect.example_words[meaning]


_OUTCOME_NAMES: Final = MappingProxyType({"error": Outcome.ERROR} | {outcome.value: outcome for outcome in Outcome})
_PASSED: Final = Outcome.PASSED


class RenderOptions(Struct, frozen=True, kw_only=True):
    """What the user asked for about the rendering."""

    deployment: Deployment
    api_version: str = ""
    statuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Outcome word → status, over the deployment's own."""
    timezone: tzinfo = UTC
    """Of timestamps without offset."""
    comments: str = "failed"
    field_id: Callable[[str], str | None] = lambda _: None
    """Name of a Test Run custom field → its id, where the deployment takes ids only; asked for each result."""

    @property
    def custom_statuses(self) -> frozenset[str]:
        """Statuses that exist because the user says so."""
        return frozenset(self.statuses.values())


class Renderer:
    """Renders the cases of a run; the same case always gives the same document."""

    def __init__(
        self, options: RenderOptions, notices: Notices, admit: Callable[[Attachment], bool] = lambda _attached: False
    ) -> None:
        """`admit` says whether inline evidence of a step is sent."""
        dialect = options.deployment.dialect
        self.options = options
        self._dialect = dialect
        self._limits = options.deployment.limits
        self.notices = notices
        self.times = Timestamps(options.timezone)
        asked = {_OUTCOME_NAMES[word]: status for word, status in options.statuses.items()}
        self.statuses = {**dialect.statuses, **asked}
        self._passed = self.statuses[_PASSED]
        self._type_name = dialect.test_type
        self._stepwise = Stepwise(options.deployment, admit)

    def test(self, case: Case, target: TestTarget) -> Json:
        """Return the test of a case, without evidence of the Test Run; several keys get the first one here."""
        document: Json = {"testKey": target.keys[0]} if target.keys else {"testInfo": self._info(case, target)}
        outcome = case.outcome
        passed = outcome is _PASSED
        if case.status is not None:
            document["status"] = translated(case.status, outcome, self.statuses)
        else:
            document["status"] = self._passed if passed else self.statuses[outcome]
        if case.started is not None or case.finished is not None:
            self._times(document, case)
        run_marks = target.run_marks
        if run_marks:
            self._run_marks(document, run_marks)
        taken = False
        if case.steps or case.iterations or case.examples:
            taken = self._stepwise.add(document, case, target, self.notices)
        if not passed or run_marks or case.attempts or self.options.comments == "all":
            self._comment(document, case, run_marks, steps=not taken)
        for slug in target.notices:
            self.notices.add(slug)
        return document

    def _info(self, case: Case, target: TestTarget) -> Json:
        """Return what finds or creates the Test."""
        info: Json = {"projectKey": target.project, "summary": target.summary, self._type_name: target.test_type}
        if target.definition is not None:
            info["definition"] = target.definition
        elif target.scenario is not None:
            info["scenario"] = escaping.clean(target.scenario)
        elif case.defined_steps or (case.steps and mapping.step_based(target.test_type)):
            steps = self._stepwise.definition(case, self.notices)
            if steps:
                info["steps"] = steps
        if target.requirements:
            info["requirementKeys"] = list(target.requirements)
        if target.labels:
            info["labels"] = list(target.labels)
        if target.description is not None:
            if self._dialect.test_description:
                info["description"] = escaping.description(target.description, self._limits.comment)
            else:
                self.notices.add("description-left-out")
        return info

    def _times(self, document: Json, case: Case) -> None:
        times = self.times
        finish = None
        if case.started is not None:
            start = times.start(case.started)
            if start is None:
                self.notices.add("time-out-of-range")
            else:
                document["start"] = start
                if case.finished is None and case.seconds is not None:
                    finish = times.after(case.seconds)
                    if finish is None:
                        self.notices.add("time-out-of-range")
        if case.finished is not None:
            finish = times.finish(case.finished)
            if finish is None:
                self.notices.add("time-out-of-range")
        if finish is not None:
            document["finish"] = finish

    def _run_marks(self, document: Json, marks: tuple[Mark, ...]) -> None:
        """Add what the author said of the Test Run; its comment comes later."""
        fields: dict[str, str | list[str]] = {}
        defects: list[str] = []
        for mark in marks:
            match mark.kind:
                case MarkKind.CUSTOM_FIELD:
                    _add_option(fields, mark)
                case MarkKind.DEFECT:
                    defects += self._stepwise.keys(mark.value.replace(",", " ").split(), self.notices)
                case MarkKind.EXECUTED_BY | MarkKind.ASSIGNEE if mark.value.strip():
                    name = "executedBy" if mark.kind is MarkKind.EXECUTED_BY else "assignee"
                    document[name] = escaping.one_line(mark.value.strip(), self._limits.summary)
                case MarkKind.TEST_VERSION if self._dialect.test_version:
                    document["testVersion"] = escaping.one_line(mark.value, self._limits.summary)
                case MarkKind.TEST_VERSION:
                    self.notices.add("test-version-left-out")
                case _:
                    pass
        if defects:
            document["defects"] = list(dict.fromkeys(defects))
        if fields:
            rendered = self._custom_fields(fields)
            if rendered:
                document["customFields"] = rendered

    def _custom_fields(self, fields: dict[str, str | list[str]]) -> list[Json]:
        """Return Test Run custom fields."""
        if self.options.api_version in {"v1", "1.0"}:
            self.notices.add("custom-field-api-version")
            return []
        rendered: list[Json] = []
        for raw, value in fields.items():
            name = escaping.one_line(raw, self._limits.summary)
            if _field_id(name, named=self._dialect.custom_field_names):
                rendered.append({"id": name, "value": value})
            elif self._dialect.custom_field_names and name:
                rendered.append({"name": name, "value": value})
            elif (number := self.options.field_id(name)) is not None:
                rendered.append({"id": number, "value": value})
            else:
                self.notices.add("custom-field-by-name")
        return rendered

    def _comment(self, document: Json, case: Case, marks: tuple[Mark, ...], *, steps: bool) -> None:
        """Add the comment, always as the last property: `repeats` may add a line to it in the finished text."""
        policy = self.options.comments
        if policy == "none":
            return
        failed = case.outcome is Outcome.FAILED or case.outcome is Outcome.ERROR
        text = escaping.whole_comment(
            case,
            marks,
            failure=failed or policy == "all",
            steps=steps and failed,
            wiki=self._dialect.wiki_comments,
            limit=self._limits.comment,
        )
        if text is not None:
            document["comment"] = text


def _add_option(fields: dict[str, str | list[str]], mark: Mark) -> None:
    """Add a custom field's value.

    Several of one name are the options of one field, and what the report lists stays a list.
    """
    name, value = mark.name or "", escaping.clean(mark.value)
    held = fields.get(name)
    match held:
        case None:
            fields[name] = [value] if mark.listed else value
        case str():
            fields[name] = [held, value]
        case _:
            held.append(value)


def _field_id(name: str, *, named: bool) -> bool:
    """Say whether a field is addressed by id: digits on Server/Data Center, 24 hexadecimal digits on Cloud (O)."""
    if named:
        return len(name) == 24 and all(character in "0123456789abcdef" for character in name)  # noqa: PLR2004
    return name.isascii() and name.isdigit()


_FAILED: Final = (Outcome.FAILED, Outcome.ERROR)
_TEST_KEY: Final = MarkKind.TEST_KEY
_TAG, _DESCRIPTION = MarkKind.TAG, MarkKind.DESCRIPTION
_REQUIREMENT, _ENVIRONMENT, _SCENARIO = MarkKind.REQUIREMENT, MarkKind.ENVIRONMENT, MarkKind.SCENARIO
_Said: TypeAlias = tuple[str, str | None, tuple[str, ...]]
"""What marks add to the test info, the scenario that is the Test, and slugs of what is left out."""
BY_KEY, BY_DEFINITION, BY_SUMMARY = range(3)
"""What a plain case's Test is found by."""


class PlainCases:
    """Writes plain cases of a run in which nothing but the report says which Test a case is."""

    def __init__(self, mapping: MappingOptions, renderer: Renderer, valid: Callable[[dict[str, Any]], bool]) -> None:
        """Ask `valid` about a status that is not the deployment's own."""
        options, dialect = renderer.options, renderer.options.deployment.dialect
        self._spans = Spans(renderer.times)
        self._identified = (
            mapping.unmapped == "create" and bool(mapping.project) and mapping.test_type in {None, GENERIC_TYPE}
        )
        self._keyed, self._kinds = not mapping.key_projects, mapping.kinds
        self._encode = msgspec.json.Encoder().encode
        self._head = f'{{"testInfo":{{"projectKey":{self._encode(mapping.project).decode()},"summary":"'
        self._middle = f'","{dialect.test_type}":"{GENERIC_TYPE}","definition":"'
        self._scenario = f'","{dialect.test_type}":"{CUCUMBER_TYPE}","scenario":"'
        self._scenarios = mapping.test_type is None  # else what has one is Generic all the same
        self._cucumber = f"{CUCUMBER_TYPE}\0{mapping.project}\0"
        self._telling = {*RUN_MARKS, MarkKind.TEST_ID, *([_REQUIREMENT] if mapping.covers else [])}
        """Marks beside a key that take a longer look."""
        self._requirements = mapping.requirements
        self._described = dialect.test_description
        self._notices = renderer.notices
        self._policy = options.comments
        self._wiki, self._limit = dialect.wiki_comments, options.deployment.limits.comment
        self._statuses = {
            outcome: f',"status":{self._encode(status).decode()}'
            for outcome, status in renderer.statuses.items()
            if status == dialect.statuses[outcome] or valid({"testKey": "A-1", "status": status})
        }

    def begin(self) -> None:
        """Look at another report, whose span of time is its own."""
        self._spans.begin()

    def line(self, case: Case) -> tuple[str, int, str] | None:
        """Return what a case's Test is found by, which of the three that is, and the case's line.

        None where that takes a longer look.
        """
        if case.attachments or case.iterations or case.examples or case.status is not None or case.retried:
            return None
        status = self._statuses.get(case.outcome)
        if status is None or (case.steps and not all(map(mapping.is_told_only, case.steps))):
            return None
        if case.marks or case.steps:
            return self._marked(case, status)
        whose = self._definition(case)
        if whose is None or (end := self._end(case, status)) is None:
            return None
        name, definition = case.name, whose
        if '"' in whose or "\\" in whose:
            name, definition = escaping.quoted(name), escaping.quoted(whose)
        return whose, BY_DEFINITION, f'{self._head}{name}{self._middle}{definition}"}}{end}'

    def _marked(self, case: Case, status: str) -> tuple[str, int, str] | None:
        """Return the same of a case whose author said something, or that has steps."""
        key, left_out, more = None, False, False
        for mark in case.marks:
            kind = mark.kind
            if kind is _TEST_KEY:
                more = more or key is not None
                key = mark.value
            elif kind is not _ENVIRONMENT:
                left_out = True
                more = more or kind in self._telling
        if key is None:
            return self._unkeyed(case, status)
        if more or not self._is_test(key) or (end := self._end(case, status)) is None:
            return None
        if left_out or case.steps:
            self._say(case, (), INFO_LEFT_OUT if left_out else ())
        return key, BY_KEY, f'{{"testKey":"{key}"{end}'

    def _is_test(self, key: str) -> bool:
        """Say whether a result may be sent for a key as it stands."""
        return self._keyed and bool(is_key(key)) and (not self._kinds or self._kinds.get(key) in mapping.TESTS)

    def _say(self, case: Case, first: tuple[str, ...], last: tuple[str, ...]) -> None:
        """Tell what of a case is left out."""
        self._notices.line = case.line
        for slug in first:
            self._notices.add(slug)
        if case.steps:
            self._notices.add("step-results-left-out")
        for slug in last:
            self._notices.add(slug)

    def _unkeyed(self, case: Case, status: str) -> tuple[str, int, str] | None:
        """Return the same where no mark names a Test."""
        said = self._info(case.marks)
        whose = self._identity(case, said) if said else None
        if said is None or whose is None or (end := self._end(case, status)) is None:
            return None
        info, scenario, left_out = said
        if left_out or case.steps:
            self._say(case, left_out, ())
        name = escaping.quoted(case.name)
        if scenario is not None:
            text = self._encode(escaping.clean(scenario)).decode()[1:-1]
            return whose, BY_SUMMARY, f'{self._head}{name}{self._scenario}{text}"{info}}}{end}'
        return whose, BY_DEFINITION, f'{self._head}{name}{self._middle}{escaping.quoted(whose)}"{info}}}{end}'

    def _end(self, case: Case, status: str) -> str | None:
        """Return what follows the Test: status, times and comment; None where the calendar does not hold a time."""
        span = "" if case.started is None and case.finished is None else self._spans.of(case)
        if span is None:
            return None
        if case.outcome is _PASSED and self._policy != "all" and not case.attempts:
            return f"{status}{span}}}"
        return f"{status}{span}{self._comment(case, case.outcome)}}}"

    def _definition(self, case: Case) -> str | None:
        """Return the definition that identifies the Test of a case without a key."""
        name = case.name
        if not self._identified or not name or len(name) > SUMMARY_LIMIT or name.isspace():
            return None
        definition = f"{case.classname}.{name}" if case.classname else mapping.native_identity(case)
        return definition if definition.isprintable() else None

    def _identity(self, case: Case, said: _Said) -> str | None:
        """Return what identifies the Test of a case without a key: its name where it is a scenario."""
        definition = self._definition(case)
        if said[1] is None or definition is None:
            return definition
        return self._cucumber + case.name

    def _info(self, marks: tuple[Mark, ...]) -> _Said | None:
        """Return what marks without a key say of the Test; None where that is more than a few of them know."""
        labels: list[str] = []
        description: str | None = None
        scenario: str | None = None
        for mark in marks:
            kind = mark.kind
            if kind is _TAG:
                labels += mapping.labels(mark.value)
            elif kind is _DESCRIPTION:
                description = mark.value if description is None else description
            elif kind is _SCENARIO:
                scenario = mark.value if scenario is None else scenario
            elif kind is not _ENVIRONMENT and (kind is not _REQUIREMENT or self._requirements):
                return None
        info: Json = {"labels": list(dict.fromkeys(labels))} if labels else {}
        if description is not None and self._described:
            info["description"] = escaping.description(description, self._limit)
        left_out = ("description-left-out",) if description is not None and not self._described else ()
        more = f",{self._encode(info).decode()[1:-1]}" if info else ""
        return more, (scenario or None) if self._scenarios else None, left_out

    def _comment(self, case: Case, outcome: Outcome) -> str:
        if self._policy == "none":
            return ""
        failed = outcome in _FAILED
        text = escaping.comment(
            case, (), failure=failed or self._policy == "all", steps=failed, wiki=self._wiki, limit=self._limit
        )
        return "" if text is None else f',"comment":{self._encode(text).decode()}'
