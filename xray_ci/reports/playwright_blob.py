"""Playwright's blob report (a zip with `report.jsonl`). Knows its events, of version 1 and 2, and nothing of Xray.

Events are put together to what Playwright's JSON report says of a test, and read as that one is: both give the same
Tests. A test is told when no other attempt can come; tests that never began were skipped, as for Playwright. Files of a
test are in the zip.
"""

from __future__ import annotations

import base64
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from xray_ci.reports import notices, packed, playwright_json, texts
from xray_ci.reports.lines import Documents
from xray_ci.reports.members import NESTING_LIMIT, Members
from xray_ci.reports.notices import NOT_A_REPORT, TRUNCATED, UNSAFE, Fault

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem

STEP_LIMIT: Final = playwright_json.STEP_LIMIT
FILE_LIMIT: Final = 16_777_216
"""Bytes of one file of a test that are taken out of the zip."""
FILES_LIMIT: Final = 67_108_864
"""Bytes of all files of one test."""
TEST_LIMIT: Final = 500_000
_WORDS: Final = frozenset({"passed", "failed", "timedOut", "interrupted", "skipped"})
_VERSIONS: Final = (1, 2)
_Object = dict[str, Any]


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test when its last attempt ended, then those that never began, and notices.

    Raises Fault where the zip or an event is broken or unsafe, and where the blob is of a version that is not known.
    """
    with packed.opened(source) as archive:
        found = next((info for info in archive.infolist() if info.filename == packed.BLOB), None)
        if found is None:
            raise Fault(NOT_A_REPORT, f"it is a zip without `{packed.BLOB}`: no blob of Playwright")
        run = _Run(archive)
        with closing(packed.taken(archive, found, packed.SIZE_LIMIT)) as events:
            documents = Documents(events)
            try:
                for value in documents:
                    yield from run.event(Members(value, f"line {documents.number}"))
            except Fault as fault:
                if fault.slug != TRUNCATED:
                    raise
        yield from run.rest()


_SEEN: Final = {
    "onBlobReportMetadata": "_metadata",
    "onProject": "_project",
    "onTestBegin": "_begun",
    "onStepBegin": "_step",
    "onStepEnd": "_step_ended",
    "onAttach": "_attach",
    "onStdIO": "_printed",
    "onEnd": "_end",
}
"""What sees an event, by its method."""


class _Run:
    """The tests of a blob, and their attempts that are open."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._sizes = {info.filename: info for info in archive.infolist()}
        self._tests: dict[str, _Object] = {}
        """Tests that are not told yet, by id: `spec`, `test`, the titles around it and how often it is retried."""
        self._results: dict[str, _Object] = {}
        self._steps: dict[str, _Object] = {}
        self._outside = notices.Outside()
        self._count = self._left_out = 0
        self._ended = self._known = False

    def event(self, event: Members) -> Iterator[Case | Problem]:
        """See one event; one that is not known says nothing of a test."""
        said = event.raw("params")
        params = Members(said if isinstance(said, dict) else {}, "params", event)
        method = event.text("method") or ""
        if method == "onTestEnd":
            yield from self._test_ended(params)
        elif method == "onError" and (error := params.inner("error")) is not None:
            yield from self._outside.say("the run", error.text("message") or error.text("value"))
        elif (see := _SEEN.get(method)) is not None:
            getattr(self, see)(params)

    def _metadata(self, params: Members) -> None:
        self._known = True
        if (version := params.raw("version")) not in _VERSIONS:
            raise Fault(NOT_A_REPORT, f"it is a blob of Playwright of version {str(version)[:20]}, not 1 or 2")

    def _project(self, params: Members) -> None:
        if (project := params.inner("project")) is not None:
            for suite in project.each("suites"):
                self._suite(suite, (), project, 0)

    def _step_ended(self, params: Members) -> None:
        step = params.inner("step")
        held = self._steps.get(step.text("id") or "") if step is not None else None
        if step is not None and held is not None and "error" in step:
            held["error"] = step.raw("error")

    def _attach(self, params: Members) -> None:
        self._attached(self._results.get(params.text("resultId") or ""), params)

    def _end(self, _params: Members) -> None:
        self._ended = True

    def rest(self) -> Iterator[Case | Problem]:
        """Yield what can only be said at the end."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "its events do not begin as those of a blob of Playwright")
        for ident, held in list(self._tests.items()):
            if held["test"]["results"] or self._ended:
                yield self._case(ident, held)
        yield from self._outside.rest()
        if not self._ended:
            yield notices.broken_run("the blob has no `onEnd`: tests that did not end are missing")
        if self._left_out:
            yield notices.notice(
                "details-left-out", f"{self._left_out} files of tests are too large, or missing in the zip"
            )
        if not self._count:
            yield notices.no_cases()

    def _suite(self, suite: Members, titles: tuple[str, ...], project: Members, depth: int) -> None:
        if depth > NESTING_LIMIT:
            raise suite.too_deep()
        own = (*titles, title) if (title := suite.text("title")) else titles
        for name in ("entries", "suites", "tests"):
            for entry in suite.each(name):
                if "testId" in entry:
                    self._test(entry, own, project)
                else:
                    self._suite(entry, own, project, depth + 1)

    def _test(self, entry: Members, titles: tuple[str, ...], project: Members) -> None:
        if len(self._tests) >= TEST_LIMIT:
            raise Fault(UNSAFE, f"more than {TEST_LIMIT} tests in one blob")
        self._tests[entry.text("testId") or ""] = {
            "spec": {"title": entry.text("title"), "tags": [tag.removeprefix("@") for tag in entry.texts("tags")]},
            "test": {"projectName": project.text("name"), "annotations": entry.raw("annotations") or [], "results": []},
            "titles": titles,
            "retries": entry.number("retries") or 0,
        }

    def _begun(self, params: Members) -> None:
        test, result = self._tests.get(params.text("testId") or ""), params.inner("result")
        if test is None or result is None:
            return
        held: _Object = {name: result.raw(name) for name in ("startTime", "retry")}
        self._results[result.text("id") or ""] = held | {"steps": [], "attachments": [], "stdout": [], "ids": []}

    def _step(self, params: Members) -> None:
        result, step = self._results.get(params.text("resultId") or ""), params.inner("step")
        if result is None or step is None or step.text("category") != "test.step" or len(result["ids"]) >= STEP_LIMIT:
            return
        above = self._steps.get(step.text("parentStepId") or "") if "parentStepId" in step else result
        if above is None:
            return
        held: _Object = {"title": step.text("title"), "steps": []}
        above["steps"].append(held)
        self._steps[step.text("id") or ""] = held
        result["ids"].append(step.text("id") or "")

    def _attached(self, result: _Object | None, holder: Members) -> None:
        for entry in holder.each("attachments"):
            if result is None or len(result["attachments"]) >= texts.ATTACHMENT_LIMIT:
                return
            body, path = entry.text("base64", limit=None) or entry.text("body", limit=None), entry.text("path")
            result["attachments"].append(
                {"name": entry.text("name"), "contentType": entry.text("contentType"), "body": body, "member": path}
            )

    def _printed(self, params: Members) -> None:
        result, data = self._results.get(params.text("resultId") or ""), params.text("data", limit=None)
        if result is None or not data:
            return
        if params.raw("isBase64") is True:
            try:
                data = base64.b64decode(data).decode("utf-8", "replace")
            except ValueError:
                return
        before = "".join(entry["text"] for entry in result["stdout"])
        result["stdout"] = [{"text": texts.last(before + data)}]

    def _test_ended(self, params: Members) -> Iterator[Case]:
        test, result = params.inner("test"), params.inner("result")
        if test is None or result is None:
            return
        ident = test.text("testId") or ""
        held, attempt = self._tests.get(ident), self._results.pop(result.text("id") or "", None)
        if held is None or attempt is None:
            return
        self._attached(attempt, result)  # version 1
        for step in attempt.pop("ids"):
            self._steps.pop(step, None)
        errors = result.raw("errors")
        attempt |= {name: result.raw(name) for name in ("status", "duration", "annotations") if name in result}
        attempt |= {"errors": errors or [], "error": errors[0] if isinstance(errors, list) and errors else None}
        held["test"]["results"].append(attempt)
        held["test"]["expectedStatus"] = test.text("expectedStatus") or "passed"
        if test.raw("annotations"):
            held["test"]["annotations"] = test.raw("annotations")
        retry = result.number("retry") or attempt.get("retry")
        last = not isinstance(retry, int | float) or retry >= held["retries"]
        if last or attempt.get("status") in {held["test"]["expectedStatus"], "skipped"}:
            yield self._case(ident, held)

    def _case(self, ident: str, held: _Object) -> Case:
        del self._tests[ident]
        self._count += 1
        test = held["test"]
        test["status"] = _status(test)
        room = FILES_LIMIT
        for entry in (entry for result in test["results"] for entry in result["attachments"]):
            name = entry.pop("member", None)
            if name is not None:
                entry["body"] = self._file(name, room)
                room -= len(entry["body"] or "")
        spec = Members(held["spec"], "spec")
        return playwright_json.case_of(spec, Members(test, "test"), held["titles"], self._count)

    def _file(self, name: str, room: int) -> str | None:
        info = self._sizes.get(name)
        if info is None or info.file_size > min(FILE_LIMIT, room):
            self._left_out += 1
            return None
        with closing(packed.taken(self._archive, info, FILE_LIMIT)) as file:
            return base64.b64encode(file.read()).decode("ascii")


def _status(test: _Object) -> str:
    """Return what came of the attempts of a test, in the words of Playwright's JSON report, which says it itself."""
    said = [result.get("status") for result in test["results"]]
    unknown = next((str(word) for word in said if word not in _WORDS), None)
    if unknown is not None:
        return unknown
    while said and said[0] in {"skipped", "interrupted"}:
        said.pop(0)
    if not said:
        return "skipped"
    failed = [word for word in said if word not in {"skipped", "interrupted", test["expectedStatus"]}]
    if not failed:
        return "expected"
    return "unexpected" if len(failed) == len(said) else "flaky"
