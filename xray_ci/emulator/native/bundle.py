"""The zip bundle of Server: JSON results of Cucumber kind, several in one archive (D). Nothing is unpacked to disk."""

from __future__ import annotations

import io
import zipfile
from typing import IO

from xray_ci.emulator.native import cucumber
from xray_ci.emulator.native.report import Read, Surroundings, Unreadable

_LARGEST = 100_000_000


def read(source: IO[bytes], around: Surroundings) -> Read:
    """Read every JSON file of the archive, in its order."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = [each for each in archive.infolist() if each.filename.lower().endswith(".json")]
            if not members or sum(each.file_size for each in members) > _LARGEST:
                raise Unreadable("the archive holds no JSON results, or too large ones")
            parts = [cucumber.read(io.BytesIO(archive.read(each)), around) for each in members]
    except zipfile.BadZipFile as error:
        raise Unreadable("not a zip archive") from error
    return Read(
        results=[result for part in parts for result in part.results],
        execution=next((part.execution for part in parts if part.execution), None),
    )
