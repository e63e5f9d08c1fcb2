"""Find or create: which Test Execution a run's mark means.

An empty answer counts only after the index had time to know better.

Knows marks and stored issues; sends no result. A lookup that fails raises: it is never "not found".

Native reports made ready to be sent: small JUnit files merged, JSON reports joined, what breaks Xray Cloud taken out.

Reads reports and writes into the folder it is given. The reports were read to their ends before; here only their
outside is touched. Knows nothing of endpoints' paths or of the network.
"""

from __future__ import annotations

import mmap
import os
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from xray_ci.delivery.marker import jql
from xray_ci.delivery.planners import NativeFile
from xray_ci.delivery.progress import ExecutionFound, Made, Making, Removed
from xray_ci.deployments import JSON_FORMATS, XML_FORMATS
from xray_ci.errors import Failure, Interrupted, NotAuthorised, Refused, UnknownDelivery, Unreachable, UnreadableReport
from xray_ci.safefiles import open_place, open_regular
from xray_ci.services.body import PIECE, Slice
from xray_ci.services.stored import StoredExecution

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from xray_ci.delivery.context import Means
    from xray_ci.delivery.plan import PlannedExecution
    from xray_ci.deployments import Deployment
    from xray_ci.model import Place


TRIES: Final = 3
"""How often one request is sent when it is not known whether it was done, and then found not to be."""


def located(execution: PlannedExecution, means: Means, *, ask: bool = False) -> str | None:
    """Return the key of the Test Execution that holds, or is to hold, a run's results.

    None when the first import shall make it.

    Asks only where one may exist: on a re-run, among runs that race, when a request's end is not known, and with `ask`.
    Raises Failure.
    """
    marker, progress = execution.marker, means.progress
    if marker is None:
        return None
    if marker.race:
        return _converged(execution, means)
    under_way = any(call.id in progress.begun for call in execution.calls)
    if not marker.look and not under_way and not ask:
        return None
    found = _look(execution, means, certain=under_way)
    if found is not None:
        means.tell(f"{found.key} has the mark of this run")
        means.note(ExecutionFound(execution=execution.id, key=found.key, number=found.id))
    return found.key if found else None


def _look(execution: PlannedExecution, means: Means, *, certain: bool) -> StoredExecution | None:
    """Return the oldest marked Test Execution; with `certain`, None only when the index had all the time it may need.

    Raises Unreachable when the time budget does not allow that wait.
    """
    waited = 0.0
    while not (found := _marked(execution, means)) and certain and waited < means.patience.lag:
        if not means.wait(means.patience.pause):
            raise Unreachable(
                "the time budget is spent before it is known whether a Test Execution was made",
                advice="Run `xray-ci resume`, or again with more `time-budget`.",
            )
        waited += means.patience.pause
    if len(found) > 1:
        means.tell(f"{len(found)} Test Executions have the mark of this run: the oldest, {found[0].key}, is used")
    return found[0] if found else None


def _marked(execution: PlannedExecution, means: Means) -> list[StoredExecution]:
    assert execution.marker is not None  # noqa: S101  # asked only of marked ones
    return sorted(means.store.executions(jql(execution.marker, execution.project)), key=lambda each: each.age)


def _converged(execution: PlannedExecution, means: Means) -> str:
    """Return the one Test Execution of runs that race.

    Each makes an empty one, waits for the index, and the oldest stays.
    """
    progress = means.progress
    found: StoredExecution | None = None
    if execution.id not in progress.made:
        found = _look(execution, means, certain=execution.id in progress.making) or _made(execution, means)
    if found is None:
        found = _oldest(execution, progress.made[execution.id], means)
    means.note(ExecutionFound(execution=execution.id, key=found.key, number=found.id))
    tidied(execution, means, last=False)
    return found.key


def _made(execution: PlannedExecution, means: Means) -> StoredExecution | None:
    """Make an empty one and note it; return one that was found meanwhile, because what became of ours was not known."""
    lost: UnknownDelivery | None = None
    for _ in range(TRIES):
        means.note(Making(execution=execution.id))
        try:
            own = means.store.create_execution(execution.blank or {})
        except UnknownDelivery as failure:
            means.tell("the answer to making an empty Test Execution was lost: looking for it")
            lost = failure
        else:
            means.note(Made(execution=execution.id, key=own.key, number=own.id))
            return None
        if (found := _look(execution, means, certain=True)) is not None:
            return found
    assert lost is not None  # noqa: S101  # only a lost answer leads to another try
    raise lost


def _oldest(execution: PlannedExecution, own: Made, means: Means) -> StoredExecution:
    """Return the oldest marked one once the index knows ours: what was made before ours it then knows, too (A)."""
    waited = 0.0
    while True:
        found = _marked(execution, means)
        if any(each.id == own.number for each in found):
            return found[0]
        if waited >= means.patience.lag or not means.wait(means.patience.pause):
            raise Unreachable(
                "the index of Jira does not show the empty Test Execution that was made",
                where=own.key,
                advice="Run `xray-ci resume` later: it goes on from here.",
            )
        waited += means.patience.pause


def tidied(execution: PlannedExecution, means: Means, *, last: bool) -> None:
    """Remove the empty one that we made where another one is used.

    Many users may not delete issues, and that is no reason to lose results: then it stays. What may work later is left
    to be done, and raises Failure when this was the `last` time.
    """
    own = means.progress.surplus.get(execution.id)
    if own is None:
        return
    issue = StoredExecution(id=own.number, key=own.key)
    try:
        means.store.delete_execution(issue)
        _gone(issue, means)
    except Failure as failure:
        if not _is_no(failure):
            if last or isinstance(failure, Interrupted):
                raise
            return
        means.tell(f"the empty {own.key}, which is not needed, could not be removed: {failure.what}")
    else:
        means.tell(f"the empty {own.key}, which is not needed, was removed")
    means.note(Removed(execution=execution.id))


def _gone(issue: StoredExecution, means: Means) -> None:
    """Believe only of two different requests that one is gone: something else than the service may have answered.

    Raises Failure.
    """
    try:
        tuple(means.store.runs(issue))
    except Refused:
        return
    raise Unreachable(f"{issue.key} was said to be gone, and it is there", where=issue.key)


def _is_no(failure: Failure) -> bool:
    """Say whether it is an answer about this request, and not one about credentials or the way there."""
    return isinstance(failure, Refused) or type(failure) is NotAuthorised


MERGE_LIMIT: Final = 5_000_000
"""Bytes of JUnit files that are merged: a tree of that size takes about 60 MB while it is written."""
_EMPTY: Final = re.compile(rb"<properties\s*(?:/>|>\s*</properties\s*>)")
_OPEN_END: Final = re.compile(rb"<properties\s*(?:/|>\s*(?:<(?:/(?:p[a-z]*\s*)?)?)?)?\Z")
_MARKS: Final = re.compile(rb"<!\[CDATA\[|<!--|<properties(?=[\s/>])")
_ENDS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}
_LONGEST_MARK: Final = len(b"<properties ")
_LONGEST_EMPTY: Final = 65_536
_WHITE: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeReport:
    """One report as it was found."""

    format: str
    """Name of its endpoint."""
    place: Place
    tests: int | None = None


def prepare(reports: Sequence[NativeReport], deployment: Deployment, folder: Path) -> tuple[NativeFile, ...]:
    """Return what is to be sent, in the order of the reports' formats; raises UnreadableReport.

    What has to be written goes into `folder`, which must outlive the sending.
    """
    files: list[NativeFile] = []
    for name in dict.fromkeys(report.format for report in reports):
        group = [report for report in reports if report.format == name]
        if name in JSON_FORMATS:
            files.append(joined(name, group))
            continue
        merged = merge_junit(group, folder / "junit-merged.xml") if name == "junit" and len(group) > 1 else None
        singles = [merged] if merged else [_single(report) for report in group]
        if deployment.key == "cloud" and name in XML_FORMATS:
            singles = [_cleaned(file, folder / f"{name}-{number}.xml") for number, file in enumerate(singles, 1)]
        files += singles
    return tuple(files)


def merge_junit(group: Sequence[NativeReport], into: Path) -> NativeFile | None:
    """Return the files of a group as one with all their suites.

    None when they are large, or not plain enough to merge.
    """
    if sum(_length(report) for report in group) > MERGE_LIMIT:
        return None
    # The default flavour of junitparser has no properties of a testcase.
    from junitparser import xunit2  # noqa: PLC0415  # 34 ms that only native JUnit runs pay

    merged: Any = xunit2.JUnitXml()
    for report in group:
        try:
            with open_place(report.place) as source:
                found: Any = xunit2.JUnitXml.fromfile(source)
            suites = list(found)
            bare = next(iter(found.iterchildren(xunit2.TestCase)), None)
        except Exception:  # noqa: BLE001  # whatever it cannot read is sent as it is, one after the other
            return None
        if bare is not None or not suites:
            return None  # testcases outside of a suite would be lost
        for suite in suites:
            merged.append(suite)
    merged.write(str(into))
    return NativeFile(format="junit", shown=_shown(group), pieces=(_whole(into),), tests=_tests(group))


def joined(name: str, group: Sequence[NativeReport]) -> NativeFile:
    """Return JSON reports as one array in one body; only their outer brackets are replaced, nothing is copied."""
    pieces: list[bytes | Slice] = []
    for report in group:
        if inside := _inside(report):
            pieces += [b"," if pieces else b"[", inside]
    if not pieces:
        raise UnreadableReport(f"no feature is in the {name} reports", where=group[0].place.shown)
    return NativeFile(format=name, shown=_shown(group), pieces=(*pieces, b"]"), tests=_tests(group))


def _inside(report: NativeReport) -> Slice | None:
    """Return the stretch between the brackets of a JSON array, None when it is empty.

    The syntax is checked over the mapped file without building its objects.
    """
    import msgspec  # noqa: PLC0415  # on the start path of nothing but this

    shown = report.place.shown
    if not _length(report):
        raise UnreadableReport("the file is empty", where=shown)
    with open_place(report.place) as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
        start = 3 if content[:3] == b"\xef\xbb\xbf" else 0
        with memoryview(content) as whole, whole[start:] as text:
            try:
                count = len(msgspec.json.decode(text, type=list[msgspec.Raw]))
            except (msgspec.DecodeError, UnicodeDecodeError) as fault:
                raise UnreadableReport(f"this is no JSON array of features: {fault}", where=shown) from fault
        if not count:
            return None
        first, last = content.find(b"[", start), content.rfind(b"]")
    return Slice(path=report.place.path, offset=first + 1, length=last - first - 1, place=report.place)


def _cleaned(file: NativeFile, into: Path) -> NativeFile:
    """Return the file without empty `<properties/>`, which break Xray Cloud's parser (O); itself when it has none."""
    source = file.pieces[0]
    if not isinstance(source, Slice) or len(file.pieces) != 1:
        return file
    into = into.with_suffix(".clean.xml")
    with (
        open_regular(source.path, links=False) if source.place is None else open_place(source.place) as report,
        into.open("wb") as clean,
    ):
        for piece in without_empty_properties(report):
            clean.write(piece)
    size = into.stat().st_size
    if size == source.length:
        into.unlink()
        return file
    return NativeFile(format=file.format, shown=file.shown, pieces=(_whole(into),), tests=file.tests)


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


def _single(report: NativeReport) -> NativeFile:
    return NativeFile(
        format=report.format,
        shown=(report.place.shown,),
        pieces=(Slice(path=report.place.path, offset=0, length=_length(report), place=report.place),),
        tests=report.tests,
    )


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
