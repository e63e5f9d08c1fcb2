"""Results out of Xray as a file: Xray JSON, JUnit or CSV, as they are stored now.

Test Runs come in pages and leave for the file as they come: memory does not grow with a Test Execution. Knows the three
formats; steps, iterations and what is in evidence stay in Xray.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from xray_ci.errors import NoResults, Refused, many
from xray_ci.model import Outcome
from xray_ci.safefiles import replacing
from xray_ci.services.store import KEY
from xray_ci.settings import problems
from xray_ci.xray.escaping import storable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.store import RunDetails
    from xray_ci.settings.flags import Value

_PIECE: Final = 262_144
_COLUMNS: Final = (
    "execution",
    "test",
    "summary",
    "type",
    "status",
    "started",
    "finished",
    "executed-by",
    "defects",
    "evidence",
    "comment",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Begins of cells that spreadsheets compute, in their wide forms, too."""


def take_out(job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    """Write the results of a Test Execution, or of all of a Test Plan, to a file.

    Raises ConfigurationError, NoResults where there is no Test Run, and what a service's outcome is.
    """
    words = str(options.get("to") or "xray-json")
    if words not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise problems.problem(f"{problems.shown(words)} is no format of results", "--to", advice=f"One of {known}.")
    output = str(options.get("output") or "")
    if not output:
        raise problems.problem(
            "`results export` needs a file", "--output", problems.MISSING, "Write `--output results.json`."
        )
    runs = _runs(job, site)
    first = next(runs, None)
    if first is None:
        raise NoResults("there is no Test Run", advice="Check the key: a Test Execution without Tests has no results.")
    counted = _Counted(chain([first], runs), site)
    with replacing(folder / output, folders=True) as file:
        _FORMATS[words](job, site, counted, file)
    job.console.info(f"{many(counted.count, 'result')} written to {output}")
    if counted.unnamed:
        job.console.warning(
            f"{many(counted.unnamed, 'defect')} left out: Xray Cloud says ids of issues only; with `jira-url`, "
            "`jira-username` and `jira-token` their keys are asked for"
        )


class _Counted:
    """Runs on their way to the file, with keys of their defects, counted."""

    def __init__(self, runs: Iterable[RunDetails], site: Site) -> None:
        self._runs = runs
        self._site = site
        self.count = 0
        self.unnamed = 0
        """Defects whose key nobody says."""

    def __iter__(self) -> Iterator[tuple[RunDetails, tuple[str, ...]]]:
        for run in self._runs:
            self.count += 1
            keys = [each if KEY.fullmatch(each) else self._site.key_of_issue(each) for each in run.defects]
            self.unnamed += keys.count(None)
            yield run, tuple(key for key in keys if key is not None)


def _runs(job: Job, site: Site) -> Iterator[RunDetails]:
    """Yield the runs that are meant: of `test-execution`, else of all Test Executions of `test-plan`, oldest first."""
    settings, store = job.settings, site.store
    if settings.test_execution is None and not settings.test_plan:
        raise problems.problem(
            "Nothing says which results are meant",
            "--test-execution, --test-plan",
            problems.MISSING,
            "Give the key of a Test Execution or of a Test Plan.",
        )
    if settings.test_execution is not None:
        execution = store.execution(settings.test_execution)
        if execution is None:
            raise Refused(
                f"{settings.test_execution} is no Test Execution that this user can see",
                service="Xray",
                advice="Set `test-execution` to the key of a Test Execution.",
            )
        yield from store.details(execution)
        return
    seen = {each.key: each for plan in settings.test_plan for each in store.executions_of(plan)}
    for execution in sorted(seen.values(), key=lambda each: each.age):
        yield from store.details(execution)


def _xray_json(job: Job, site: Site, rows: _Counted, file: BinaryIO) -> None:  # noqa: ARG001 - all formats are asked alike
    """Write one document with `tests`; without a Test Execution, so that nothing is overwritten by mistake."""
    between = b'{"tests": [\n'
    for run, defects in rows:
        test: dict[str, Any] = {"testKey": run.test, "status": run.status}
        test |= {name: text for name, text in (("start", run.started), ("finish", run.finished)) if _moment(text)}
        test |= {"comment": run.comment} if run.comment else {}
        test |= {"executedBy": run.executed_by} if run.executed_by else {}
        test |= {"defects": list(defects)} if defects else {}
        file.write(between + json.dumps(test, ensure_ascii=False).encode("utf-8", "replace"))
        between = b",\n"
    file.write(b"\n]}\n")


def _moment(text: str | None) -> datetime | None:
    """Return a moment with its offset, None for a text that is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _csv(job: Job, site: Site, rows: _Counted, file: BinaryIO) -> None:  # noqa: ARG001
    """Write a table with a head; lists are separated by blanks, names of files by lines."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for run, defects in rows:
        cells = (run.execution, run.test, run.summary, run.type, run.status, run.started or "", run.finished or "")
        more = (run.executed_by or "", " ".join(defects), "\n".join(run.evidence), run.comment)
        table.writerow([cell(each) for each in (*cells, *more)])
    text.detach()


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that looks like it gets an apostrophe in front."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _junit(job: Job, site: Site, rows: _Counted, file: BinaryIO) -> None:
    """Write a suite for each Test Execution; its counts stand in front, so its tests wait on disk."""
    from junitparser import xunit2  # noqa: PLC0415  # 34 ms that only this format pays

    file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="xray">\n')
    for key, group in groupby(rows, key=lambda row: row[0].execution):
        counts = dict.fromkeys(("tests", "failures", "skipped"), 0)
        with (job.work.path / "suite.xml").open("w+b") as body:
            for run, defects in group:
                became = _case(xunit2, run, defects, site)
                counts["tests"] += 1
                counts["failures"] += became.is_failure
                counts["skipped"] += became.is_skipped
                body.write(b"  " + became.tostring() + b"\n")
            suite = _suite(xunit2, key)
            for name, count in counts.items():
                setattr(suite, name, count)
            head = suite.tostring().removesuffix(b"/>").rstrip() + b">\n"
            file.write(head)
            body.seek(0)
            while piece := body.read(_PIECE):
                file.write(piece)
        file.write(b"</testsuite>\n")
    file.write(b"</testsuites>\n")


def _suite(xunit2: Any, name: str) -> Any:
    return xunit2.TestSuite(name)


def _case(xunit2: Any, run: RunDetails, defects: tuple[str, ...], site: Site) -> Any:
    """Return one test: passed and failed by the product's own words, every other status is skipped and says it."""
    from junitparser import Failure, Skipped  # noqa: PLC0415

    began, ended = _moment(run.started), _moment(run.finished)
    seconds = max(0.0, (ended - began).total_seconds()) if began and ended else None
    case = xunit2.TestCase(storable(run.summary) or run.test, classname=run.execution, time=seconds)
    case.add_property("test_key", run.test)
    for defect in defects:
        case.add_property("defect", defect)
    words, comment = site.deployment.dialect.statuses, storable(run.comment)
    if run.status == words[Outcome.FAILED]:
        failure = Failure(comment.partition("\n")[0][:200] or run.status, run.status)
        failure.text = comment
        case.result = [failure]
    elif run.status != words[Outcome.PASSED]:
        case.result = [Skipped(storable(run.status))]
    return case


_FORMATS: Final[Mapping[str, Callable[[Job, Site, _Counted, BinaryIO], None]]] = {
    "xray-json": _xray_json,
    "junit": _junit,
    "csv": _csv,
}
