"""Files of Xray Cloud beside imports: attachments that evidence names, and the backup of a site."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator.answers import answer, as_json, refusal
from xray_ci.emulator.emulation import Route, RouteCall
from xray_ci.emulator.issuing import only
from xray_ci.emulator.logins import authorised
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

_BACKUP: Final = "backup"
_PAUSE: Final = timedelta(hours=6)
"""Between two backups (D)."""
_WORKS: Final = timedelta(seconds=5)
"""How long one takes (A)."""


def rules() -> list[Rule]:
    """Return the routes; v1 and v2 take the same (O)."""
    start = "/api/<any(v1,v2):version>"
    return [
        Rule(f"{start}/{path}", methods=[method], endpoint=Route(kind=kind, handle=handle))
        for method, path, kind, handle in (
            ("POST", "attachments", "write", _keep),
            ("GET", "attachments/<number>", "read", _content),
            ("POST", "backup", "write", _backup),
            ("GET", "backup/<job>/status", "read", _status),
            ("GET", "backup/file", "read", _file),
        )
    ]


def _keep(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike, here and below
    """Keep the part `attachment`; its id stands in for data in evidence and steps (O)."""
    authorised(call)
    part = only(call.parts, "attachment")
    if part is None or part.filename is None:
        raise refusal("The part attachment is missing.", fact="cloud-attachments-empty")
    part.stream.seek(0)
    kept = call.emulation.shelf.put(part.stream.read(), part.filename, part.content_type)
    kept.created = iso(call.now)
    return as_json({"id": kept.uuid, "filename": kept.filename, "size": kept.size, "created": kept.created})


def _content(call: RouteCall, version: str, number: str) -> Response:  # noqa: ARG001
    """Hand out a file, of evidence too (O)."""
    key = authorised(call)
    found = call.emulation.shelf.find(number) if key.sees_projects else None
    if found is None:
        raise refusal(f"Attachment with id {number} was not found.", status=404, fact="cloud-attachments-unknown")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return answer(call.emulation.shelf.content(found), kind="application/octet-stream", headers=headers)


def _backup(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Make a backup; a second one within six hours is refused (D)."""
    authorised(call)
    last = call.emulation.world.jobs.get(_BACKUP)
    if last is not None and call.now - datetime.fromisoformat(last["made"]) < _PAUSE:
        raise refusal("A backup can be created once every 6 hours, please try again later.", fact="cloud-backup-again")
    job = call.emulation.world.next_id()
    call.emulation.world.jobs[_BACKUP] = {"made": call.now.isoformat(), "job": job}
    return as_json({"jobId": job})


def _made(call: RouteCall) -> dict[str, Any]:
    last = call.emulation.world.jobs.get(_BACKUP)
    if last is None:
        raise refusal("job not found.", status=404, fact="cloud-backup")
    return last


def _status(call: RouteCall, version: str, job: str) -> Response:
    authorised(call)
    if _made(call)["job"] != job:
        raise refusal("job not found.", status=404, fact="cloud-backup")
    if call.now < datetime.fromisoformat(_made(call)["made"]) + _WORKS:
        return as_json({"status": "working", "progressValue": "10%"})
    place = f"{call.base}/api/{version}/backup/file"
    return as_json({"status": "successful", "fileUrl": place, "attachmentUrl": None})


def _file(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Hand out the backup: a zip with the Tests as JSON; the vendor's inner format is not known (A)."""
    authorised(call)
    _made(call)
    tests = [
        {"key": each.key, "summary": each.summary, "type": each.test.type}
        for each in call.emulation.world.issues.values()
        if each.test is not None
    ]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("tests.json"), json.dumps(tests))
    return answer(made.getvalue(), kind="application/zip")
