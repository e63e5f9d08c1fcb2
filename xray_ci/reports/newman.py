"""Newman's JSON (Postman collections). Knows executions and assertions, and the folders of the collection.

One case per assertion and iteration. Identity: the collection, the folders and the request, joined with " > ", are the
class name; the assertion is the name. Requests and scripts that failed outside of any assertion are notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.lines import AfterLog
from xray_ci.reports.notices import BROKEN, UNSAFE, Fault, Outside, Stated, broken_run, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

DEPTH_LIMIT: Final = 100
KNOWN_LIMIT: Final = 67_108_864
"""Characters of the paths of all requests together."""
_ASSERTION: Final = "assertion:"


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each assertion in the order of execution, then notices.

    An assertion has no duration and no time of its own. Raises Fault where the document is broken or cut off, or an
    assertion has no name.
    """
    clean = AfterLog(source)
    run = _Run(Window(clean))
    window = run.window
    if window.peek() != "{":
        raise Fault(BROKEN, "Newman's JSON is one object with `collection` and `run`")
    for name in window.members():
        if name == "collection" and window.peek() == "{":
            run.collection()
        elif name == "run" and window.peek() == "{":
            for item in run.run():
                run.stated.see(item)
                yield item
        else:
            members.scalar(window)
    window.finish()
    yield from clean.notices()
    yield from run.outside.rest()
    yield from run.stated.rest()
    if not run.seen:
        raise Fault(BROKEN, "it has no `run`")
    if run.error:
        yield broken_run(run.error)
    if not run.count:
        yield no_cases()


class _Run:
    """The document as far as it was read."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.outside = Outside()
        self.stated = Stated()
        self.count = 0
        self.seen = False
        self.error: str | None = None
        self._title = ""
        self._paths: dict[str, tuple[str, ...]] = {}
        self._size = 0

    def collection(self) -> None:
        """Learn in which folders the requests are."""
        for name in self.window.members():
            if name == "item" and self.window.peek() == "[":
                for item in self.window.values():
                    self._item(item, (), 0)
            elif name == "info" and self.window.peek() == "{":
                self._title = members.text(self.window.value(), "name", members.NAME_LIMIT) or ""
            else:
                members.scalar(self.window)

    def _item(self, item: object, folders: tuple[str, ...], depth: int) -> None:
        if not isinstance(item, dict):
            return
        here = (*folders, members.text(item, "name", members.NAME_LIMIT) or "")
        number = members.text(item, "id", members.NAME_LIMIT)
        if number is not None and "request" in item:
            self._paths[number] = here
            self._size += sum(map(len, here)) + 64
        if depth > DEPTH_LIMIT or self._size > KNOWN_LIMIT:
            raise Fault(UNSAFE, f"its collection nests deeper than {DEPTH_LIMIT}, or has names without bounds")
        for below in members.objects(item, "item"):
            self._item(below, here, depth + 1)

    def run(self) -> Iterator[Case | Problem]:
        """Read what was executed, and what failed outside of assertions."""
        self.seen = True
        for name in self.window.members():
            if name == "executions" and self.window.peek() == "[":
                for index, executed in enumerate(self.window.values()):
                    path = f"run.executions[{index}]"
                    yield from self._execution(members.fields(executed, path), path)
            elif name == "failures" and self.window.peek() == "[":
                for failure in self.window.values():
                    yield from self._failure(failure)
            elif name == "stats" and self.window.peek() == "{":
                totals = members.fields(self.window.value(), "run.stats").get("assertions")
                self.stated.add(totals.get("failed") if isinstance(totals, dict) else None)
            elif name == "error" and self.window.peek() == "{":
                self.error = members.text(self.window.value(), "message") or "Newman stopped with an error"
            else:
                members.scalar(self.window)

    def _execution(self, execution: dict[str, Any], path: str) -> Iterator[Case]:
        item = members.inner(execution, "item")
        number = members.text(item, "id", members.NAME_LIMIT) or ""
        names = self._paths.get(number) or (members.text(item, "name", members.NAME_LIMIT) or "",)
        suite = tuple(part for part in (self._title, *names) if part)
        for index, assertion in enumerate(members.objects(execution, "assertions")):
            self.count += 1
            yield _case(assertion, suite, f"{path}.assertions[{index}]", self.window.line)

    def _failure(self, failure: object) -> Iterator[Problem]:
        if not isinstance(failure, dict) or (members.text(failure, "at") or "").startswith(_ASSERTION):
            return
        request = members.text(members.inner(failure, "source"), "name") or "?"
        yield from self.outside.say(f"request {request}", members.text(members.inner(failure, "error"), "message"))


def _case(assertion: dict[str, Any], suite: tuple[str, ...], path: str, number: int) -> Case:
    name = members.demanded(assertion, "assertion", path)
    error = assertion.get("error")
    kind = message = trace = None
    outcome = Outcome.PASSED
    if isinstance(error, dict):
        outcome = Outcome.FAILED
        kind, message = members.text(error, "name", members.NAME_LIMIT), members.text(error, "message")
        trace = members.text(error, "stack")
    elif error:
        outcome, message = Outcome.FAILED, texts.cut(str(error)) if isinstance(error, str) else None
    elif assertion.get("skipped") is True:
        outcome = Outcome.SKIPPED
    return Case(
        suite=suite,
        classname=members.joined(*suite),
        name=name,
        outcome=outcome,
        kind=kind,
        message=message,
        trace=trace,
        line=number,
    )
