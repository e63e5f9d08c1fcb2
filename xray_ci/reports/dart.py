"""The JSON protocol of `dart test` and `flutter test --machine`: one event a line. Knows its events.

Identity: the name of the test file and that of the innermost group (which begins with those of the groups around it),
joined with " > ", are the class name; the test's name without the group's is the name. Hidden entries (loading files,
setUpAll) are no tests, and notices where they fail. A stream without its `done` event is cut off and refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.lines import Documents
from xray_ci.reports.notices import (
    BROKEN,
    NOT_A_REPORT,
    UNSAFE,
    Fault,
    Outside,
    Stated,
    broken_run,
    cut_off,
    no_cases,
    noise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_OUTCOMES: Final = {"success": Outcome.PASSED, "failure": Outcome.FAILED, "error": Outcome.ERROR}
KNOWN_LIMIT: Final = 67_108_864
"""Characters of the names of suites, groups and open tests together."""
_FLUTTER: Final = re.compile(r"\[\{\"event\":.*")
"""What Flutter says of its processes and pictures in between."""
_ERRORS: Final = 20
_MILLISECOND: Final = 1e-3


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test when it is done, then notices.

    Durations are differences of milliseconds since the start; there are no times of day. Raises Fault where a line is
    broken; a run without its end was cut off, and is told.
    """
    events = Documents(source, telling=_FLUTTER)
    run = _Run()
    for event in events:
        for item in run.event(event, events.number):
            run.stated.see(item)
            yield item
    yield from run.finish(events)
    yield from run.stated.rest()
    yield from noise(events)


class _Test:
    """A test that has begun."""

    __slots__ = ("began", "errors", "group", "name", "printed", "suite")

    def __init__(self, name: str, suite: object, group: object, began: float | None) -> None:
        self.name = name
        self.suite = suite
        self.group = group
        self.began = began
        self.printed = ""
        self.errors: list[tuple[str | None, str | None]] = []


class _Run:
    """Suites, groups and open tests by their numbers."""

    def __init__(self) -> None:
        self._suites: dict[object, str] = {}
        self._groups: dict[object, str] = {}
        self._tests: dict[object, _Test] = {}
        self._size = self._count = 0
        self._begun = self._done = self._cancelled = False
        self._outside = Outside()
        self.stated = Stated()
        self.line = 0

    def event(self, event: dict[str, Any], line: int) -> Iterator[Case | Problem]:
        """See one event."""
        self.line = line
        match event.get("type"):
            case "start":
                self._begun = True
            case "suite":
                about = members.inner(event, "suite")
                self._suites[members.number(about, "id")] = self._held(
                    members.text(about, "path", members.NAME_LIMIT) or ""
                )
            case "group":
                about = members.inner(event, "group")
                self._groups[members.number(about, "id")] = self._held(
                    members.text(about, "name", members.NAME_LIMIT) or ""
                )
            case "testStart":
                self._start(event, line)
            case "print" if test := self._tests.get(members.number(event, "testID")):
                test.printed = texts.last(f"{test.printed}{members.text(event, 'message') or ''}\n")
            case "error":
                yield from self._error(event)
            case "testDone":
                yield from self._end(event, line)
            case "done":
                self._done = True
                self._cancelled = event.get("success") is None
                self.stated.add(1 if event.get("success") is False else 0)
            case _:
                pass

    def finish(self, events: Documents) -> Iterator[Problem]:
        """See the end of the lines."""
        if not self._begun:
            raise Fault(NOT_A_REPORT, "it has no `start` event of a Dart test run")
        yield from cut_off(events, None if self._done else "its `done` event is missing")
        yield from self._outside.rest()
        if self._cancelled:
            yield broken_run("it was stopped before it was complete")
        if not self._count:
            yield no_cases()

    def _held(self, name: str) -> str:
        self._size += len(name) + 64  # an entry costs something without a name too
        if self._size > KNOWN_LIMIT:
            raise Fault(UNSAFE, "its suites, groups and tests have more names than any run")
        return name

    def _start(self, event: dict[str, Any], line: int) -> None:
        about = members.inner(event, "test")
        number, groups = members.number(about, "id"), about.get("groupIDs")
        if number is None:
            raise Fault(BROKEN, "`testStart` without `test.id`", line=line)
        name = self._held(members.demanded(about, "name", f"line {line}: test"))
        group = groups[-1] if isinstance(groups, list) and groups and isinstance(groups[-1], int) else None
        self._tests[number] = _Test(name, members.number(about, "suiteID"), group, members.number(event, "time"))

    def _error(self, event: dict[str, Any]) -> Iterator[Problem]:
        said = (members.text(event, "error"), members.text(event, "stackTrace"))
        test = self._tests.get(members.number(event, "testID"))
        if test is None:
            yield from self._outside.say("a test that was done already", said[0])
        elif len(test.errors) < _ERRORS:
            test.errors.append(said)

    def _end(self, event: dict[str, Any], line: int) -> Iterator[Case | Problem]:
        test = self._tests.pop(members.number(event, "testID"), None)
        if test is None:
            raise Fault(BROKEN, "`testDone` of a test that did not begin", line=line)
        self._size -= len(test.name) + 64
        outcome = _OUTCOMES.get(result := members.demanded(event, "result", f"line {line}")) or texts.unknown(result)
        if event.get("hidden") is True:
            if outcome is not Outcome.PASSED:
                yield from self._outside.say(test.name, test.errors[0][0] if test.errors else None)
            return
        self._count += 1
        yield self._case(
            test, Outcome.SKIPPED if event.get("skipped") is True else outcome, members.number(event, "time")
        )

    def _case(self, test: _Test, outcome: Outcome, ended: float | None) -> Case:
        file, group = self._suites.get(test.suite, ""), self._groups.get(test.group, "")
        name = test.name[len(group) :].strip() if group and test.name.startswith(group) else test.name
        kind = message = trace = output = None
        if outcome is not Outcome.PASSED:
            output = texts.tail(test.printed) or None
            if outcome is Outcome.SKIPPED and not test.errors:
                message, output = test.printed.strip().removeprefix("Skip: ") or None, None
            if test.errors:
                message, first = test.errors[0]
                kind = members.kind_of(message)
                trace = (
                    texts.cut(
                        "\n\n".join(
                            [
                                (first or "").strip("\n"),
                                *(f"{error or ''}\n{stack or ''}" for error, stack in test.errors[1:]),
                            ]
                        ).strip(),
                        TEXT_LIMIT,
                    )
                    or None
                )
        took = ended - test.began if ended is not None and test.began is not None else None
        return Case(
            suite=tuple(part for part in (file.replace("\\", "/"), group) if part),
            classname=members.joined(members.file_label(file), group),
            name=name or test.name,
            outcome=outcome,
            seconds=texts.bounded(took * _MILLISECOND) if took is not None else None,
            kind=kind,
            message=message.strip("\n") if message else None,
            trace=trace,
            output=output,
            line=self.line,
        )
