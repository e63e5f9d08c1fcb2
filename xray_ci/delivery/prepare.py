"""What is done before the first request: the Test Execution is found or created, native reports are made ready.

Which Test Execution a run's mark means: an empty answer counts only after the index had time to know better, and a
lookup that fails raises, it is never "not found". Of native reports, which were read to their ends before, small JUnit
files are merged, JSON reports joined, and what breaks Xray Cloud is taken out.

Knows marks, stored issues and the outside of reports; sends no result and knows no endpoint's path.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from xray_ci.delivery.marker import jql
from xray_ci.delivery.planners import NativeFile
from xray_ci.delivery.progress import ExecutionFound, Made, Making, Removed
from xray_ci.deployments import JSON_FORMATS, XML_FORMATS
from xray_ci.errors import Failure, Interrupted, NotAuthorised, Refused, UnknownDelivery, Unreachable, UnreadableReport
from xray_ci.patterns import lazy
from xray_ci.safefiles import open_place, open_regular
from xray_ci.services.body import PIECE, Slice
from xray_ci.services.store import StoredExecution

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from xray_ci.delivery.plan import PlannedExecution
    from xray_ci.delivery.progress import Context
    from xray_ci.deployments import Deployment
    from xray_ci.model import Place


_SEARCH: Final = "waiting for Jira's search"
TRIES: Final = 3
"""How often one request is sent when it is not known whether it was done, and then found not to be."""


def located(execution: PlannedExecution, context: Context, *, ask: bool = False) -> str | None:
    """Return the key of the Test Execution that holds, or is to hold, a run's results.

    None when the first import shall make it.

    Asks only where one may exist: on a re-run, among runs that race, when a request's end is not known, and with `ask`.
    Raises Failure.
    """
    marker, progress = execution.marker, context.progress
    if marker is None:
        return None
    if marker.race:
        return _converged(execution, context)
    under_way = any(call.id in progress.begun for call in execution.calls)
    if not marker.look and not under_way and not ask:
        return None
    found = _look(execution, context, certain=under_way)
    if found is not None:
        context.tell(f"{found.key} has the mark of this run")
        context.note(ExecutionFound(execution=execution.id, key=found.key, number=found.id))
    return found.key if found else None


def _look(execution: PlannedExecution, context: Context, *, certain: bool) -> StoredExecution | None:
    """Return the oldest marked Test Execution; with `certain`, None only when the index had all the time it may need.

    Raises Unreachable when the time budget does not allow that wait.
    """
    waited, begun = 0.0, context.left()
    while not (found := _marked(execution, context)) and certain:
        waited = max(waited, begun - context.left())  # to ask may have taken long, too
        if waited >= context.lag:
            break
        if not context.wait(context.patience.pause, _SEARCH, waited=waited, most=context.lag):
            raise Unreachable(
                "the time budget is spent before it is known whether a Test Execution was made",
                advice="Run `xray-ci resume`, or again with more `time-budget`.",
            )
        waited += context.patience.pause
    if len(found) > 1:
        context.say(
            f"{len(found)} Test Executions have the mark of this run: the oldest, {found[0].key}, is used. Where "
            "the CI system cannot tell jobs apart, `execution-part` does."
        )
    return found[0] if found else None


def _marked(execution: PlannedExecution, context: Context) -> list[StoredExecution]:
    assert execution.marker is not None  # noqa: S101  # asked only of marked ones
    return sorted(context.store.executions(jql(execution.marker, execution.project)), key=lambda each: each.age)


def _converged(execution: PlannedExecution, context: Context) -> str:
    """Return the one Test Execution of runs that race.

    Each makes an empty one, waits for the index, and the oldest stays.
    """
    progress = context.progress
    found: StoredExecution | None = None
    if execution.id not in progress.made:
        found = _look(execution, context, certain=execution.id in progress.making) or _made(execution, context)
    if found is None:
        found = _oldest(execution, progress.made[execution.id], context)
    context.note(ExecutionFound(execution=execution.id, key=found.key, number=found.id))
    tidied(execution, context, last=False)
    return found.key


def _made(execution: PlannedExecution, context: Context) -> StoredExecution | None:
    """Make an empty one and note it; return one that was found meanwhile, because what became of ours was not known."""
    lost: UnknownDelivery | None = None
    for _ in range(TRIES):
        context.note(Making(execution=execution.id))
        try:
            own = context.store.create_execution(execution.blank or {})
        except UnknownDelivery as failure:
            context.busy = failure.busy
            context.say(f"{failure.what}: looking for the empty Test Execution, up to {context.lag:g} s")
            lost = failure
        else:
            context.note(Made(execution=execution.id, key=own.key, number=own.id))
            return None
        if (found := _look(execution, context, certain=True)) is not None:
            return found
    assert lost is not None  # noqa: S101  # only a lost answer leads to another try
    raise lost


def _oldest(execution: PlannedExecution, own: Made, context: Context) -> StoredExecution:
    """Return the oldest marked one once the index knows ours: what was made before ours it then knows, too (A)."""
    waited = 0.0
    while True:
        found = _marked(execution, context)
        if any(each.id == own.number for each in found):
            return found[0]
        most = context.patience.lag
        if waited >= most or not context.wait(context.patience.pause, _SEARCH, waited=waited, most=most):
            raise Unreachable(
                "the index of Jira does not show the empty Test Execution that was made",
                where=own.key,
                advice="Run `xray-ci resume` later: it goes on from here.",
            )
        waited += context.patience.pause


def tidied(execution: PlannedExecution, context: Context, *, last: bool) -> None:
    """Remove the empty one that we made where another one is used.

    Many users may not delete issues, and that is no reason to lose results: then it stays. What may work later is left
    to be done, and raises Failure when this was the `last` time.
    """
    own = context.progress.surplus.get(execution.id)
    if own is None:
        return
    issue = StoredExecution(id=own.number, key=own.key)
    try:
        context.store.delete_execution(issue)
        _gone(issue, context)
    except Failure as failure:
        if not _is_no(failure):
            if last or isinstance(failure, Interrupted):
                raise
            return
        context.tell(f"the empty {own.key}, which is not needed, could not be removed: {failure.what}")
    else:
        context.tell(f"the empty {own.key}, which is not needed, was removed")
    context.note(Removed(execution=execution.id))


def _gone(issue: StoredExecution, context: Context) -> None:
    """Believe only of two different requests that one is gone: something else than the service may have answered.

    Raises Failure.
    """
    try:
        tuple(context.store.runs(issue))
    except Refused:
        return
    raise Unreachable(f"{issue.key} was said to be gone, and it is there", where=issue.key)


def _is_no(failure: Failure) -> bool:
    """Say whether it is an answer about this request, and not one about credentials or the way there."""
    return isinstance(failure, Refused) or type(failure) is NotAuthorised


MERGE_LIMIT: Final = 5_000_000
"""Bytes of JUnit files that are merged: a tree of that size takes about 60 MB while it is written."""
_EMPTY: Final = lazy(rb"<properties\s*(?:/>|>\s*</properties\s*>)")
_OPEN_END: Final = lazy(rb"<properties\s*(?:/|>\s*(?:<(?:/(?:p[a-z]*\s*)?)?)?)?\Z")
_MARKS: Final = lazy(rb"<!\[CDATA\[|<!--|<properties(?=[\s/>])")
_ENDS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_LONGEST_MARK: Final = len(b"<properties ")
_LONGEST_EMPTY: Final = 65_536


class NativeReport(Struct, frozen=True, kw_only=True):
    """One report as it was found."""

    format: str
    """Name of its endpoint."""
    place: Place
    tests: int | None = None


def grouped(reports: Sequence[NativeReport]) -> tuple[tuple[NativeReport, ...], ...]:
    """Return the reports that go into one body together: JSON ones of a format, and JUnit files that are small."""
    groups: list[tuple[NativeReport, ...]] = []
    for name in dict.fromkeys(report.format for report in reports):
        group = tuple(report for report in reports if report.format == name)
        small = name == "junit" and sum(map(_length, group)) <= MERGE_LIMIT
        groups += [group] if small or name in JSON_FORMATS else [(report,) for report in group]
    return tuple(groups)


def prepare(
    group: Sequence[NativeReport], deployment: Deployment, folder: Path, name: str = "report"
) -> tuple[NativeFile, ...]:
    """Return what is to be sent of reports that go together; raises UnreadableReport.

    It is written into `folder`, beside the journal, in files with that `name`: what is sent, and sent again by a later
    run, is what was read. One file, but for JUnit files that are not plain enough to merge.
    """
    kind = group[0].format
    if kind in JSON_FORMATS:
        return (joined(kind, group, folder / f"{name}.json"),)
    merged = folder / f"{name}.merged.xml"
    if len(group) > 1 and _merge(group, merged):
        return (_written(group, open_regular(merged, links=False), deployment, folder / f"{name}.xml"),)
    suffix = "zip" if kind == "bundle" else "xml"
    return tuple(
        _written((report,), open_place(report.place), deployment, folder / f"{name}.{number}.{suffix}")
        for number, report in enumerate(group, 1)
    )


def _written(
    group: Sequence[NativeReport], source: AbstractContextManager[BinaryIO], deployment: Deployment, into: Path
) -> NativeFile:
    """Write a report as it is sent: without empty `<properties/>`, which break Xray Cloud's parser (O)."""
    clean = deployment.key == "cloud" and group[0].format in XML_FORMATS
    with source as report, into.open("wb") as out:
        for piece in without_empty_properties(report) if clean else iter(lambda: report.read(PIECE), b""):
            out.write(piece)
    return NativeFile(format=group[0].format, shown=_shown(group), pieces=(_whole(into),), tests=_tests(group))


def _merge(group: Sequence[NativeReport], into: Path) -> bool:
    """Write the files of a group as one with all their suites; False when they are not plain enough to merge."""
    # The default flavour of junitparser has no properties of a testcase.
    from junitparser import xunit2  # noqa: PLC0415  # 34 ms that only native JUnit runs pay

    merged: Any = xunit2.JUnitXml()
    for report in group:
        try:
            suites, bare = _suites(report, xunit2)
        except Exception:  # noqa: BLE001  # whatever it cannot read is sent as it is, one after the other
            return False
        if bare or not suites:
            return False  # testcases outside of a suite would be lost
        for suite in suites:
            merged.append(suite)
    merged.write(str(into))
    return True


def _suites(report: NativeReport, xunit2: Any) -> tuple[list[Any], bool]:
    """Return the suites of a JUnit file, and whether testcases stand outside of them."""
    with open_place(report.place) as source:
        found = xunit2.JUnitXml.fromfile(source)
    return list(found), next(iter(found.iterchildren(xunit2.TestCase)), None) is not None


def joined(name: str, group: Sequence[NativeReport], into: Path) -> NativeFile:
    """Return JSON reports as one array in one body, and where a tag more can be written into each Cucumber feature."""
    tags: list[tuple[int, bool]] = []
    with into.open("wb") as out:
        for report in group:
            for feature in _features(report):
                out.write(b"," if out.tell() else b"[")
                if name == "cucumber":
                    tags.append(_tagged(feature, report.place.shown, out))
                else:
                    out.write(feature)
        if not out.tell():
            raise UnreadableReport(f"no feature is in the {name} reports", where=group[0].place.shown)
        out.write(b"]")
    return NativeFile(format=name, shown=_shown(group), pieces=(_whole(into),), tests=_tests(group), tags=tuple(tags))


def _features(report: NativeReport) -> Iterator[msgspec.Raw]:
    """Yield each feature of a JSON report as it is written there, over the mapped file; raises UnreadableReport."""
    shown = report.place.shown
    if not _length(report):
        raise UnreadableReport("the file is empty", where=shown)
    with open_place(report.place) as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # goes with the last feature that is shown of it
    try:
        features = msgspec.json.decode(
            memoryview(content)[3 if content[:3] == b"\xef\xbb\xbf" else 0 :], type=list[msgspec.Raw]
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise UnreadableReport(f"this is no JSON array of features: {fault}", where=shown) from fault
    yield from features


def _tagged(feature: msgspec.Raw, shown: str, out: BinaryIO) -> tuple[int, bool]:
    """Write a feature with its tags in front; return where they begin, and whether there are any."""
    try:
        members = msgspec.json.decode(feature, type=dict[str, msgspec.Raw])
        tags = msgspec.json.decode(members.pop("tags", b"[]"), type=list[msgspec.Raw] | None) or []
    except msgspec.MsgspecError as fault:
        raise UnreadableReport(f"this is no JSON array of features: {fault}", where=shown) from fault
    out.write(b'{"tags":[')
    place = out.tell()
    out.write(b",".join(bytes(tag) for tag in tags) + b"]")
    for name, value in members.items():
        out.write(b"," + msgspec.json.encode(name) + b":")
        out.write(value)
    out.write(b"}")
    return place, bool(tags)


def without_empty_properties(report: BinaryIO) -> Iterator[bytes]:
    """Yield an XML document without its empty `properties` elements; texts in CDATA and comments stay as they are.

    Works on bytes of any ASCII-compatible encoding; others pass unchanged.
    """
    held, end = b"", b""
    while True:
        read = report.read(PIECE)
        held += read
        final = not read
        done, held, end = _step(held, end, final=final)
        yield done
        if final:
            return


def _step(held: bytes, end: bytes, *, final: bool) -> tuple[bytes, bytes, bytes]:
    """Return what is decided of a window, what is not, and the mark that ends the CDATA or comment it stops in."""
    kept: list[bytes] = []
    place = 0
    while True:
        if end:
            stop = held.find(end, place)
            if stop < 0:
                # A part of the mark may be at the very end.
                cut = len(held) if final else max(place, len(held) - len(end) + 1)
                return b"".join([*kept, held[place:cut]]), held[cut:], end
            kept.append(held[place : stop + len(end)])
            place, end = stop + len(end), b""
        found = _MARKS.search(held, place)
        if found is None:
            cut = len(held) if final else max(place, len(held) - _LONGEST_MARK + 1)
            return b"".join([*kept, held[place:cut]]), held[cut:], b""
        kept.append(held[place : found.start()])
        place = found.start()
        if mark := _ENDS.get(found.group()):
            end = mark
            kept.append(found.group())
            place = found.end()
        elif empty := _EMPTY.match(held, place):
            place = empty.end()
        elif not final and len(held) - place < _LONGEST_EMPTY and _OPEN_END.match(held, place):
            return b"".join(kept), held[place:], b""
        else:
            kept.append(found.group())
            place = found.end()


def _whole(path: Path) -> Slice:
    return Slice(path=path, offset=0, length=path.stat().st_size)


def _length(report: NativeReport) -> int:
    with open_place(report.place) as source:
        return os.fstat(source.fileno()).st_size


def _shown(group: Sequence[NativeReport]) -> tuple[str, ...]:
    return tuple(report.place.shown for report in group)


def _tests(group: Sequence[NativeReport]) -> int | None:
    counts = [report.tests for report in group if report.tests is not None]
    return sum(counts) if len(counts) == len(group) else None
