"""Xray JSON of both deployments, handed in as a report.

It is read into cases like any other report and rendered anew, so that both dialects go to both deployments. `read`
takes `tests` only: what else `info` says is for settings to say; a notice names it. Where the results go, `destination`
says before, for who decides whether a report is followed.

Knows members, types and statuses; knows nothing of sending it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Attachment, Case, Iteration, Mark, MarkKind, Outcome, Problem, Severity, Step
from xray_ci.reports import texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.notices import BROKEN, Fault
from xray_ci.reports.texts import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")
    from collections.abc import Iterator


_OUTCOMES: Final = {
    "PASSED": Outcome.PASSED,
    "PASS": Outcome.PASSED,
    "FAILED": Outcome.FAILED,
    "FAIL": Outcome.FAILED,
    "TODO": Outcome.SKIPPED,
    "TO DO": Outcome.SKIPPED,
    "ABORTED": Outcome.SKIPPED,
}
"""Status words of both deployments; EXECUTING and words of a site's own are `OTHER`."""
LIST_LIMIT: Final = 1_000
"""Items kept of each list of a test."""
_TEST: Final = frozenset(
    {
        "testKey",
        "testInfo",
        "status",
        "start",
        "finish",
        "comment",
        "executedBy",
        "assignee",
        "steps",
        "examples",
        "iterations",
        "defects",
        "evidence",
        "evidences",
        "customFields",
        "testVersion",
    }
)
_INFO: Final = frozenset(
    {
        "projectKey",
        "summary",
        "type",
        "testType",
        "requirementKeys",
        "labels",
        "steps",
        "scenario",
        "definition",
        "description",
    }
)
_STEP: Final = frozenset({"status", "comment", "defects", "actualResult", "evidence", "evidences"})
_DEFINED_STEP: Final = frozenset({"action", "data", "result"})
_ITERATION: Final = frozenset({"name", "parameters", "status", "steps", "log", "duration"})
_MARKS: Final = (("comment", MarkKind.COMMENT), ("executedBy", MarkKind.EXECUTED_BY), ("assignee", MarkKind.ASSIGNEE))
_INFO_MARKS: Final = (
    ("projectKey", MarkKind.PROJECT),
    ("summary", MarkKind.SUMMARY),
    ("type", MarkKind.TEST_TYPE),
    ("testType", MarkKind.TEST_TYPE),
    ("definition", MarkKind.DEFINITION),
    ("scenario", MarkKind.SCENARIO),
    ("description", MarkKind.DESCRIPTION),
)


class Left:
    """What was left out of a document, counted."""

    def __init__(self) -> None:
        self.members: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        """Items of lists that are longer than what is kept of one."""
        self.empty_evidence = 0


def to_case(value: object, index: int, left: Left) -> Case:
    """Return the case of one element; `index` is its place, from 0.

    Raises Fault with the path of the first member that is missing or of a wrong type.
    """
    return _Element(value, f"tests[{index}]", left).case(index + 1)


class _Element:
    """One object of the document, its path, and typed access to its members."""

    def __init__(self, value: object, path: str, left: Left) -> None:
        if not isinstance(value, dict):
            raise Fault(BROKEN, f"{path} is {_kind(value)}, not an object")
        self._members: Mapping[str, Any] = value
        self._path = path
        self._left = left

    def case(self, number: int) -> Case:
        self._only(_TEST, "tests[]")
        key, info = self.text("testKey"), self._members.get("testInfo")
        if key is None and info is None:
            near = [name for name in self._members if name.lower() in {"testkey", "testinfo"}]
            raise Fault(
                BROKEN, f"{self._path} has neither `testKey` nor `testInfo`" + (f", but `{near[0]}`" if near else "")
            )
        marks = self._marks(key)
        defined: tuple[Step, ...] = ()
        name = key
        if info is not None:
            about = self._inner("testInfo", info)
            marks += about.info_marks()
            defined = about.each("steps", lambda item, path: _Element(item, path, self._left).defined_step())
            name = key or about.text("summary")
        status = self._status()
        return Case(
            name=name or "",
            outcome=outcome_of(status),
            status=status,
            started=self._time("start"),
            finished=self._time("finish"),
            attachments=self._evidence(),
            marks=tuple(marks),
            steps=self._steps(),
            defined_steps=defined,
            iterations=self.each("iterations", lambda item, path: _Element(item, path, self._left).iteration()),
            examples=self._texts("examples"),
            line=number,
        )

    def _marks(self, key: str | None) -> list[Mark]:
        marks = [Mark(kind=MarkKind.TEST_KEY, value=key)] if key is not None else []
        for name, kind in _MARKS:
            if text := self.text(name):
                marks.append(Mark(kind=kind, value=text))
        version = self._members.get("testVersion")
        if version is not None:
            text = str(version) if isinstance(version, int) else self.text("testVersion")
            marks.append(Mark(kind=MarkKind.TEST_VERSION, value=text or ""))
        marks += [Mark(kind=MarkKind.DEFECT, value=defect) for defect in self._texts("defects")]
        for found in self.each("customFields", lambda item, path: _Element(item, path, self._left).custom_field()):
            marks += found
        return marks

    def info_marks(self) -> list[Mark]:
        self._only(_INFO, "testInfo")
        marks = [Mark(kind=kind, value=text) for name, kind in _INFO_MARKS if (text := self.text(name)) is not None]
        marks += [Mark(kind=MarkKind.REQUIREMENT, value=text) for text in self._texts("requirementKeys")]
        return marks + [Mark(kind=MarkKind.TAG, value=text) for text in self._texts("labels")]

    def custom_field(self) -> list[Mark]:
        name = self.text("id") or self.text("name")
        if not name or "value" not in self._members:
            raise Fault(BROKEN, f"{self._path} needs `id` or `name`, and `value`")
        value = self._members["value"]
        # The options of a field are one mark each; a value of another type has no other form than its JSON.
        values = (
            value[:LIST_LIMIT]
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value)
            else [value]
        )
        said = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in values]
        return [
            Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=texts.cut(text), listed=values != [value])
            for text in said
        ]

    def _steps(self) -> tuple[Step, ...]:
        return self.each("steps", lambda item, path: _Element(item, path, self._left).step())

    def step(self) -> Step:
        self._only(_STEP, "steps[]")
        status = self._status()
        return Step(
            outcome=outcome_of(status),
            status=status,
            comment=self.text("comment"),
            actual=self.text("actualResult"),
            defects=self._texts("defects"),
            attachments=self._evidence(),
        )

    def defined_step(self) -> Step:
        self._only(_DEFINED_STEP, "testInfo.steps[]")
        return Step(action=self.text("action"), data=self.text("data"), expected=self.text("result"))

    def iteration(self) -> Iteration:
        self._only(_ITERATION, "iterations[]")
        status = self._status()
        return Iteration(
            outcome=outcome_of(status),
            status=status,
            name=self.text("name"),
            steps=self._steps(),
            log=self.text("log"),
            parameters=self.each("parameters", lambda item, path: _Element(item, path, self._left).parameter()),
            duration=self.text("duration"),
        )

    def parameter(self) -> tuple[str, str]:
        return (self.text("name") or "", self.text("value") or "")

    def _evidence(self) -> tuple[Attachment, ...]:
        found = self.each("evidence", self._attachment) + self.each("evidences", self._attachment)
        kept = tuple(attachment for attachment in found[:LIST_LIMIT] if attachment.base64)
        self._left.empty_evidence += len(found) - len(kept)
        return kept

    def _attachment(self, item: object, path: str) -> Attachment:
        element = _Element(item, path, self._left)
        data, name = element.text("data", limit=None), element.text("filename")
        if data is None or not name:
            raise Fault(BROKEN, f"{path} needs `data` and `filename`")
        return Attachment(name=name, media_type=element.text("contentType"), base64=texts.without_blanks(data))

    def _status(self) -> str:
        status = self.text("status")
        if not status:
            raise Fault(BROKEN, f"{self._path} has no `status`")
        return status

    def _time(self, name: str) -> datetime | None:
        text = self.text(name)
        found = timestamp(text) if text else None
        if text and found is None:
            self._left.members[f"tests[].{name} that is no timestamp"] += 1
        return found

    def text(self, name: str, *, limit: int | None = TEXT_LIMIT) -> str | None:
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise Fault(BROKEN, f"{self._path}.{name} is {_kind(value)}, not text")
        return value if limit is None or len(value) <= limit else texts.cut(value, limit)

    def _texts(self, name: str) -> tuple[str, ...]:
        return tuple(map(texts.cut, self.each(name, _text_of)))

    def each(self, name: str, make: Callable[[object, str], T]) -> tuple[T, ...]:
        value = self._members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise Fault(BROKEN, f"{self._path}.{name} is {_kind(value)}, not a list")
        if len(value) > LIST_LIMIT:
            self._left.beyond[name] += len(value) - LIST_LIMIT
        return tuple(make(item, f"{self._path}.{name}[{index}]") for index, item in enumerate(value[:LIST_LIMIT]))

    def _inner(self, name: str, value: object) -> _Element:
        return _Element(value, f"{self._path}.{name}", self._left)

    def _only(self, known: frozenset[str], where: str) -> None:
        for name in self._members.keys() - known:
            self._left.members[f"{where}.{name[:80]}" if len(self._left.members) < 1_000 else "others"] += 1  # noqa: PLR2004


def outcome_of(status: str) -> Outcome:
    """Return what a status word of either deployment counts as."""
    return _OUTCOMES.get(status, Outcome.OTHER)


def _text_of(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise Fault(BROKEN, f"{path} is {_kind(value)}, not text")
    return value


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


_SETTINGS: Final = {
    "summary": "summary",
    "description": "description",
    "project": "project",
    "version": "fix-version",
    "revision": "revision",
    "startDate": None,
    "finishDate": None,
    "user": None,
}
_DESTINATION: Final = {
    "testExecutionKey": "test-execution",
    "testPlanKey": "test-plan",
    "testEnvironments": "test-environments",
}
_NAMES: Final = 20
_NAME_LIMIT: Final = 100
"""Names of members that a notice names, and characters of each."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of the document as a case, in order, then notices.

    Raises Fault with the JSON path where a member is missing or of a wrong type, and where the document is broken; what
    was yielded before must then be dropped.
    """
    window = Window(source)
    left = Left()
    count = 0
    aside: list[str] = []
    if window.peek() != "{":
        raise Fault(BROKEN, "Xray JSON is one object with `tests`")
    for name in window.members():
        if name == "tests":
            if window.peek() != "[":
                raise Fault(BROKEN, "`tests` is no list")
            for test in window.values():
                yield msgspec.structs.replace(to_case(test, count, left), line=window.line)
                count += 1
        else:
            aside += _aside(name, window.value(), left)
    window.finish()
    yield from _notices(aside, left, count)


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document says that its results go, unchecked."""

    execution: str | None = None
    plan: str | None = None
    environments: tuple[str, ...] = ()


class _Info(msgspec.Struct):
    testPlanKey: str | None = None  # noqa: N815  # Xray's own name
    testEnvironments: tuple[str, ...] | None = None  # noqa: N815


class _Outside(msgspec.Struct):
    testExecutionKey: str | None = None  # noqa: N815
    info: _Info | None = None


def destination(document: bytes) -> Destination:
    """Return where a whole document says that its results go: nothing where it is broken, or of another encoding.

    Its tests are skipped, not read.
    """
    try:
        outside = msgspec.json.decode(document, type=_Outside)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Destination()
    info = outside.info or _Info()
    return Destination(
        execution=outside.testExecutionKey or None,
        plan=info.testPlanKey or None,
        environments=tuple(info.testEnvironments or ()),
    )


def _aside(name: str, value: object, left: Left) -> list[str]:
    if name == "testExecutionKey":
        return [name] if value is not None else []
    if name != "info":
        left.members[f"$.{name}"] += 1
        return []
    if not isinstance(value, dict):
        raise Fault(BROKEN, "`info` is no object")
    return [member for member, content in value.items() if content not in (None, "", [])]


def _short(name: str) -> str:
    """Return a name for a message: it is the report's, and may be as long as it likes."""
    return name if len(name) <= _NAME_LIMIT else f"{name[:_NAME_LIMIT]}…"


def _told(members: list[str], settings: Mapping[str, str | None]) -> tuple[str, str | None]:
    """Return members for a message, and which settings say the same."""
    by_setting = [f"`{settings[name]}`" for name in members if settings.get(name)]
    advice = f"Set {', '.join(by_setting)} to have them." if by_setting else None
    return ", ".join(map(_short, members[:_NAMES])), advice


def _notices(aside: list[str], left: Left, count: int) -> Iterator[Problem]:
    goal = [name for name in aside if name in _DESTINATION]
    if goal:
        told = _told(goal, _DESTINATION)
        yield _notice(
            "destination-in-report", f"where its results go is not taken from a report here: {told[0]}", told[1]
        )
    rest = [name for name in aside if name not in _DESTINATION]
    if rest:
        told = _told(rest, _SETTINGS)
        yield _notice("settings-in-report", f"these of `info` are not taken from a report: {told[0]}", told[1])
    if left.members:
        names = ", ".join(
            _short(name) + (f" ({times} times)" if times > 1 else "")
            for name, times in left.members.most_common(_NAMES)
        )
        yield _notice("members-left-out", f"these are no members of Xray JSON and were left out: {names}", None)
    if left.beyond:
        lost = ", ".join(f"{times:,} of `{name}`" for name, times in left.beyond.most_common(_NAMES))
        yield _notice(
            "members-left-out",
            f"of each list of a test the first {LIST_LIMIT:,} items are kept; left out were {lost}",
            None,
        )
    if left.empty_evidence:
        yield _notice(
            "evidence-left-out", f"{left.empty_evidence} pieces of evidence without content were left out", None
        )
    if not count:
        yield _notice("no-cases", "it holds no test", "Check that the tests really ran.")


def _notice(slug: str, cause: str, advice: str | None) -> Problem:
    return Problem(severity=Severity.NOTICE, slug=slug, cause=cause, advice=advice)
