"""One report from its file to its cases: open, detect, parse, and read broken XML a second time over mended bytes.

Knows the table of formats and files; knows nothing of Xray or settings. Whatever is in a file, the outcome is values:
cases and problems, never an exception.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from xray_ci.errors import NotAReport, UnreadableReport, exhausted
from xray_ci.formats import FORMATS, Format, Look, Reader, named
from xray_ci.model import Case, Origin, Problem, Restart, Severity
from xray_ci.reports import detect, discover, xml
from xray_ci.reports.detect import HEAD, format_of, unreadable
from xray_ci.reports.notices import BROKEN, Fault
from xray_ci.safefiles import open_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.reports.discover import FoundReport

_UNOPENED: Final = "unreadable-file"
_NO_CONVERTER: Final = "no-converter"
_FEW: Final = 32
"""Cases that are handed on together: their texts are bounded each, and memory is to be that of a few."""
_STEPS: Final = 128
"""Steps of them, which have texts of their own."""


class _Watched:
    """A report whose bytes are looked at as they are read."""

    def __init__(self, source: BinaryIO, look: Callable[[bytes], None]) -> None:
        self._source, self._look = source, look
        self.seek, self.tell, self.fileno = source.seek, source.tell, source.fileno

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._look(piece)
        return piece


_WHOLE: Final = frozenset({"folder", "shard", "zip"})
"""Media whose bytes are not the texts in them, or that are read elsewhere."""


Item = Case | Problem | Origin | Restart


def read(found: FoundReport, look: Callable[[bytes], None] | None = None) -> Iterator[Item]:
    """Yield what `batches` has, one by one."""
    for batch in batches(found, look):
        yield from batch


def batches(
    found: FoundReport, look: Callable[[bytes], None] | None = None, said: Callable[[Format], None] | None = None
) -> Iterator[list[Item]]:
    """Yield the cases of one report, and problems, in lists as they come: some readers have many at a time.

    The report counts only when the iterator ended without a problem of severity `ERROR`: what was yielded before one
    must be dropped, as must everything before a `Restart`, after which the report comes anew from its start. A
    `Restart` or an `Origin` is a list of its own. `look` is shown every piece before anything of it is yielded; a zero
    byte where its texts are not its plain bytes. `said` is told its format once that is known.
    """
    shown = found.place.shown
    try:
        if (row := _folder(found)) is not None:
            if said:
                said(row)
            if look:
                look(b"\0")
            yield from _placed(_together(row.read_folder(found.place)), shown)
            return
        with open_place(found.place) as source:
            row = _format(source, found.format)
            if said:
                said(row)
            if look and row.medium in _WHOLE:
                look(b"\0")
            watched = _Watched(source, look) if look and row.medium not in _WHOLE else source
            yield from _parsed(row, watched, shown)  # type: ignore[arg-type]  # reads like a file
    except Fault as fault:
        yield [fault.problem(shown)]
    except UnreadableReport as error:
        yield [_refusal(error, shown)]
    except OSError as error:
        yield [_unopened(error, shown)]


def show(found: FoundReport, row: Format, look: Callable[[bytes], None]) -> None:
    """Show the bytes of a report as `batches` does, without reading what they mean."""
    if row.medium in _WHOLE:
        look(b"\0")
        return
    try:
        with open_place(found.place) as source:
            while piece := source.read(xml.PIECE):
                look(piece)
    except OSError:  # it could be read before; what cannot be looked at may hold anything
        look(b"\0")


def identify(found: FoundReport) -> Format | Problem:
    """Say which format a file is, by its first bytes; a folder by the names in it."""
    try:
        if (row := _folder(found)) is not None:
            return row
        with open_place(found.place) as source:
            return _format(source, found.format)
    except UnreadableReport as error:
        return _refusal(error, found.place.shown)
    except OSError as error:
        return _unopened(error, found.place.shown)


def check(found: FoundReport, look: Callable[[bytes], None] | None = None) -> Problem | None:
    """Read a report to its end and throw it away.

    None when it is complete and well-formed, so that it may be sent as it is.

    For formats without converter, and for files that are sent natively: nothing is mended. Line formats are only
    opened. `look` is shown what of it is read.
    """
    shown = found.place.shown
    try:
        with open_place(found.place) as opened:
            row = _format(opened, found.format)
            source: BinaryIO = _Watched(opened, look) if look and row.medium not in _WHOLE else opened  # type: ignore[assignment]  # reads like a file
            match row.medium:
                case "xml":
                    xml.check(source)
                case "json":
                    from xray_ci.reports import json_stream  # noqa: PLC0415

                    json_stream.check(source)
                case "zip":
                    _check_zip(source)
                case _:
                    pass
    except Fault as fault:
        return fault.problem(shown)
    except UnreadableReport as error:
        return _refusal(error, shown)
    except OSError as error:
        return _unopened(error, shown)
    return None


def _folder(found: FoundReport) -> Format | None:
    """Return the format of a folder that is one report."""
    path = found.place.path
    return named(discover.FORMAT)[0] if path.is_dir() and discover.is_folder(str(path)) else None


def _parsed(row: Format, source: BinaryIO, shown: str) -> Iterator[list[Item]]:
    if row.read is None:
        raise Fault(
            _NO_CONVERTER,
            f"it is {row.title}, which this version cannot convert",
            advice="Set `strategy: native` where Xray has an endpoint for it, or let the tool write JUnit XML.",
        )
    try:
        yield from _placed(_batches(row.read, source), shown)
    except Fault as fault:
        if row.medium != "xml" or not fault.mendable:
            raise
        yield from _again(row.read, source, shown, fault)


def _batches(reader: Reader, source: BinaryIO) -> Iterator[list[Any]]:
    """Yield what a reader has, as many at a time as it says itself."""
    own = getattr(sys.modules[reader.__module__], "batches", None)
    if own is None:
        return _together(reader(source))
    found: Iterator[list[Any]] = own(source)
    return found


def _together(items: Iterator[Any]) -> Iterator[list[Any]]:
    """Yield cases a few at a time, since each list costs as much as a case; what may be large ends one.

    What is no case is a list of its own.
    """
    batch: list[Any] = []
    steps = 0
    for item in items:
        if type(item) is not Case:
            if batch:
                yield batch
                batch = []
            yield [item]
            continue
        batch.append(item)
        steps += len(item.steps)
        if len(batch) == _FEW or steps >= _STEPS or item.attachments:
            yield batch
            batch, steps = [], 0
    if batch:
        yield batch


def _again(reader: Reader, source: BinaryIO, shown: str, first: Fault) -> Iterator[list[Item]]:
    """Read over mended bytes; what cannot be mended is refused for what was wrong with it at first."""
    from xray_ci.reports.mend import Mender  # noqa: PLC0415 - only what is broken is mended

    yield [Restart(cause=first.cause)]
    source.seek(0)
    try:
        mender = Mender(source)
        yield from _placed(_batches(reader, mender), shown)  # type: ignore[arg-type]  # reads like a file, which is all that is needed
    except Fault as second:
        reason = "" if second.cause == first.cause else f"; it cannot be repaired: {second.cause}"
        raise Fault(first.slug, first.cause + reason, line=first.line, column=first.column) from None
    repairs = ", ".join(
        f"{what} ({times} times)" if times > 1 else what for what, times in sorted((+mender.repairs).items())
    )
    yield [
        Problem(
            severity=Severity.NOTICE,
            slug="repaired-report",
            path=shown,
            line=first.line,
            column=first.column,
            cause=f"{first.cause}; it was repaired: {repairs or 'nothing was lost'}",
            advice="The results are complete. Report the broken output to the makers of the test tool.",
        )
    ]


def _placed(batches: Iterator[list[Any]], shown: str) -> Iterator[list[Item]]:
    """Say of each problem which report has it; what was collected elsewhere says so itself."""
    for batch in batches:
        if Problem in map(type, batch):
            yield [
                msgspec.structs.replace(item, path=item.path or shown) if type(item) is Problem else item
                for item in batch
            ]
        else:
            yield batch


def _format(source: BinaryIO, name: str | None) -> Format:
    """Return the format by name, else by content, and leave the source at its start.

    A report in an archive is recognised by what is in it, whatever its name says.
    """
    head = source.read(HEAD)
    source.seek(0)
    medium = unreadable(head)
    if medium in {"gzip", "zip"} and name not in {"bundle", "playwright-blob"}:
        from xray_ci.reports import packed  # noqa: PLC0415 - only an archive is unpacked

        return named("playwright-blob" if medium == "zip" and packed.is_blob(source) else "packed")[0]
    rows = named(name) if name else FORMATS
    if name and len(rows) == 1:
        # What the user says is believed, but for what cannot hold anything at all.
        if medium is not None and medium != rows[0].medium:
            raise NotAReport(f"it is {detect.what(Look(medium=medium))}")
        return rows[0]
    return format_of(head, rows)


def _check_zip(source: BinaryIO) -> None:
    import zipfile  # noqa: PLC0415

    if not zipfile.is_zipfile(source):
        raise Fault(BROKEN, "it is no complete zip archive")


def _refusal(error: UnreadableReport, shown: str) -> Problem:
    return Problem(severity=Severity.ERROR, slug=error.slug, cause=error.what, path=shown, advice=error.next)


def _unopened(error: OSError, shown: str) -> Problem:
    """Return what is wrong with one report; raises Failure where this process may open no more files at all."""
    if (failure := exhausted(error, shown)) is not None:
        raise failure from error
    return Problem(
        severity=Severity.ERROR,
        slug=_UNOPENED,
        cause=f"it cannot be read ({error.strerror or error})",
        path=shown,
        advice="Check that the file is there, is a regular file, and may be read by the user of this process.",
    )
