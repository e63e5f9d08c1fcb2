"""Evidence inside of tests that lie on disk: where it lies, and the same test without it.

Knows how our own writer puts evidence into Xray JSON, of a test and of its steps; knows no service, and not why a test is to be
smaller. A test that something else wrote is as it is: nothing is found in it.
"""

from __future__ import annotations

import mmap
import re
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.delivery.expected import foreign, listed
from xray_ci.services.body import Slice
from xray_ci.services.stored import EvidenceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.delivery.expected import Test
    from xray_ci.delivery.plan import PlannedImport
    from xray_ci.delivery.progress import Progress

_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Inside of a JSON text every quote is escaped, so this is always the name of a member.
_OPENING: Final = re.compile(rb',"evidences?":\[(?=\{"filename":)')
_ITEM: Final = re.compile(rb',?\{"filename":(?P<name>' + _TEXT + rb'),"contentType":(?P<type>' + _TEXT
                          + rb'),"data":"(?P<data>[A-Za-z0-9+/=]*+)"\}', re.DOTALL)


def lightened(test: Test) -> tuple[Test, tuple[EvidenceFile, ...]]:
    """Return a test without its evidence, and the files in their order; itself and () where it has none of ours."""
    start, stop = test.at.offset, test.at.offset + test.at.length
    files: list[EvidenceFile] = []
    parts: list[Slice] = []
    with test.at.path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        kept = position = start
        while found := _OPENING.search(mapped, position, stop):
            position = found.end()
            items = []
            while item := _ITEM.match(mapped, position, stop):
                items.append(item)
                position = item.end()
            if mapped[position:position + 1] != b"]":
                continue
            position += 1
            files += [_file(test, item) for item in items]
            parts.append(Slice(path=test.at.path, offset=kept, length=found.start() - kept))
            kept = position
    if not files:
        return test, ()
    parts.append(Slice(path=test.at.path, offset=kept, length=stop - kept))
    return replace(test, parts=tuple(parts)), tuple(files)


def to_send(call: PlannedImport, progress: Progress) -> Iterator[Test]:
    """Yield the tests of a converted request as they are to be sent: without those left out, and light where that was decided."""
    if call.tests_at is None:
        return
    light = progress.light.get(call.id, {})
    for test in listed(call.tests_at, progress.left_out.get(call.id, ())):
        yield lightened(test)[0] if test.index in light else test


def _file(test: Test, item: re.Match[bytes]) -> EvidenceFile:
    data = Slice(path=test.at.path, offset=item.start("data"), length=item.end("data") - item.start("data"))
    try:
        name, kind = (msgspec.json.decode(item[part], type=str) for part in ("name", "type"))
    except (msgspec.MsgspecError, ValueError) as error:  # it may come from a state folder that somebody wrote into
        raise foreign(test.at.path) from error
    return EvidenceFile(filename=name, content_type=kind, data=(data,))
