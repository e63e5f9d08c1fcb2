"""Reports in gzip or zip. Knows archives and the table of formats; knows nothing of Xray or settings.

Each report in an archive is recognised by its content and told as one that was read elsewhere; what else lies there is
ignored. Whoever could write the archive is not trusted: what it unpacks to is bounded, in size and in proportion, and
so are its names. The results count only when the whole archive was read.
"""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from contextlib import closing
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast

from xray_ci.errors import UnreadableReport, spooling
from xray_ci.model import Case, Origin, Problem, Severity
from xray_ci.reports import discover, notices
from xray_ci.reports.detect import HEAD, format_of, unreadable
from xray_ci.reports.mend import Mender
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, TRUNCATED, UNSAFE, Fault
from xray_ci.reports.spill import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.formats import Format, Reader

BLOB: Final = "report.jsonl"
"""The member that makes a zip a blob of Playwright."""
SIZE_LIMIT: Final = 2_147_483_648
"""Bytes that one archive unpacks to."""
RATIO_LIMIT: Final = 250
"""How many times its own size a member unpacks to, beyond `RATIO_FREE`."""
RATIO_FREE: Final = 16_777_216
"""Bytes that a member may have whatever its proportion: reports repeat themselves."""
MEMBER_LIMIT: Final = 10_000
_INDEX_LIMIT: Final = 4_194_304
"""Bytes of a zip's index, which is held in memory."""
_END: Final = b"PK\x05\x06"
_END_LENGTH: Final = 22
_REACH: Final = 65_535 + _END_LENGTH
_IN_MEMORY: Final = 4_194_304
_PIECE: Final = 262_144
_IGNORED: Final = "ignored-members"


def read(source: BinaryIO) -> Iterator[Case | Problem | Origin]:
    """Yield the results of each report in an archive, and notices.

    Raises Fault where the archive is broken, unsafe or holds no report, and for the first report in it that is broken.
    """
    ignored: list[str] = []
    count = 0
    for name, member in _members(source):
        head = member.read(HEAD)
        member.seek(0)
        if discover.is_result(name.rpartition("/")[2]):
            raise Fault(NOT_A_REPORT, "it holds results of Allure, a folder of files: unpack it, and name that folder")
        row = _row(head)
        reader = row.read if row is not None else None
        if row is None or reader is None:
            ignored.append(name)
            continue
        count += 1
        yield Origin(path=name, format=row.key, family=row.family)
        yield from _results(row, reader, member, name)
    if not count:
        shown = f" ({', '.join(ignored[:3])[:200]})" if ignored and ignored[0] else ""
        raise Fault(NOT_A_REPORT, f"there is no test report in this archive{shown}")
    if ignored:
        yield notices.notice(
            _IGNORED, f"{len(ignored)} files in the archive are no test report ({', '.join(ignored[:3])[:200]})"
        )


def _row(head: bytes) -> Format | None:
    try:
        return format_of(head)
    except UnreadableReport:
        return None


def _results(row: Format, reader: Reader, member: BinaryIO, name: str) -> Iterator[Case | Problem]:
    """Yield what is in a member once all of it was read: a second try over mended bytes begins from nothing."""
    first = None
    with closing(Waiting()) as waiting:
        try:
            problems = _held(reader(member), waiting, name)
        except Fault as fault:
            if row.medium != "xml" or not fault.mendable:
                raise Fault(fault.slug, f"{name}: {fault.cause}"[:2_000], line=fault.line) from None
            first = fault
        else:
            yield from (case for _, case in waiting.all())
            yield from problems
    if first is not None:
        member.seek(0)
        with closing(Waiting()) as waiting:
            problems = _held(reader(cast("BinaryIO", Mender(member))), waiting, name)
            yield from (case for _, case in waiting.all())
            yield from problems
        said = f"{first.cause}; it was repaired"
        yield Problem(severity=Severity.NOTICE, slug="repaired-report", path=name, cause=said, line=first.line)


def _held(items: Iterator[Case | Problem | Origin], waiting: Waiting, name: str) -> list[Problem]:
    problems: list[Problem] = []
    for item in items:
        if isinstance(item, Case):
            waiting.add("", item)
        elif isinstance(item, Problem):
            problems.append(_placed(item, name))
    return problems


def _placed(problem: Problem, name: str) -> Problem:
    return Problem(
        severity=problem.severity,
        slug=problem.slug,
        cause=problem.cause,
        path=name,
        line=problem.line,
        column=problem.column,
        advice=problem.advice,
    )


def _members(source: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Yield each file in an archive, unpacked into a file of its own, with its name; gzip has one."""
    medium = unreadable(source.read(HEAD))
    source.seek(0)
    if medium == "gzip":
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        with gzip.GzipFile(fileobj=source) as packed, closing(_unpacked(packed, size, SIZE_LIMIT)) as member:
            yield "(gzip)", member
        return
    left = SIZE_LIMIT
    with opened(source) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            with closing(taken(archive, info, left)) as member:
                left -= member.seek(0, os.SEEK_END)
                member.seek(0)
                yield printable(info.filename), member


def opened(source: BinaryIO) -> zipfile.ZipFile:
    """Return a zip whose index is small; raises Fault for one that is cut, broken or not small."""
    length = source.seek(0, os.SEEK_END)
    source.seek(max(length - _REACH, 0))
    tail = source.read(_REACH)
    source.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_LENGTH:
        raise Fault(TRUNCATED, "it is no complete zip archive")
    many, index = int.from_bytes(tail[at + 10 : at + 12], "little"), int.from_bytes(tail[at + 12 : at + 16], "little")
    if many > MEMBER_LIMIT or index > _INDEX_LIMIT:
        raise Fault(UNSAFE, f"a zip archive of more than {MEMBER_LIMIT} files, or with an index of more than 4 MiB")
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, UnicodeError) as error:
        raise Fault(BROKEN, f"its index of files is broken ({str(error)[:200]})") from None
    if len(archive.infolist()) > MEMBER_LIMIT:
        raise Fault(UNSAFE, f"a zip archive of more than {MEMBER_LIMIT} files")
    return archive


def taken(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> BinaryIO:
    """Return a member of a zip, unpacked; raises Fault for one that is broken, encrypted or unpacks to too much."""
    try:
        with archive.open(info) as packed:
            return _unpacked(packed, info.compress_size, most)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, UnicodeError) as error:
        raise Fault(BROKEN, f"{printable(info.filename)} in it cannot be unpacked ({str(error)[:200]})") from None


def is_blob(source: BinaryIO) -> bool:
    """Say whether a zip is a blob of Playwright, by its names; leaves it at its start."""
    try:
        with opened(source) as archive:
            return BLOB in archive.namelist()
    except Fault:
        return False
    finally:
        source.seek(0)


def printable(name: str) -> str:
    """Return the name of a member as it is shown; names of archives are anybody's."""
    return "".join(each if each.isprintable() else "?" for each in name[:300]).encode("utf-8", "replace").decode()


def _unpacked(packed: IO[bytes] | gzip.GzipFile, size: int, most: int) -> BinaryIO:
    """Return what a stream unpacks to, in memory or on disk, at its start; raises Fault for too much of it."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by who asked for it
    limit = min(most, max(RATIO_FREE, size * RATIO_LIMIT))
    try:
        while piece := packed.read(_PIECE):
            with spooling(gettempdir):
                file.write(piece)
            _bound(file.tell(), limit)
    except EOFError:
        file.close()
        raise Fault(TRUNCATED, "it ends in the middle of what is packed") from None
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        file.close()
        raise Fault(BROKEN, f"what is packed in it is broken ({str(error)[:200]})") from None
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return cast("BinaryIO", file)


def _bound(found: int, limit: int) -> None:
    if found > limit:
        raise Fault(UNSAFE, f"it unpacks to more than {limit >> 20} MiB")
