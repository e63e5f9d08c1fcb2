"""Pages for people: what there is, one issue, one Confluence page. They read the world and change nothing.

Reports are hostile and end up here: templates escape everything, and no page may run a script or load anything from
afar.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule
from werkzeug.utils import secure_filename

from xray_ci.emulator.answers import BASIS, Basis, Refusal, answer, as_html
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.evidence import Evidence
from xray_ci.emulator.seed import AUTOMATED_MACRO
from xray_ci.emulator.world import shade, totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue, Run

_AT_ONCE: Final = 500
"""Runs on one page."""
_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
SPACE: Final = "QA"


def rules() -> list[Rule]:
    """Return the routes; an issue is shown below both Jiras."""
    found = [
        Rule("/", methods=["GET"], endpoint=Route(kind="page", handle=_index)),
        Rule("/wiki/spaces/<space>/pages/<page>", methods=["GET"], endpoint=Route(kind="page", handle=_confluence)),
    ]
    for start in ("", "/jira"):
        found.append(Rule(f"{start}/browse/<key>", methods=["GET"], endpoint=Route(kind="page", handle=_issue)))
        evidence = Route(kind="page", handle=_evidence)
        found.append(Rule(f"{start}/browse/<key>/evidence/<int:number>", methods=["GET"], endpoint=evidence))
    return found


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - 0.1 s that no API call needs

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(shade=shade, totals=totals, pictures=_PICTURES, space=SPACE)
    made.filters["size"] = _size
    made.filters["when"] = _when
    made.filters["share"] = lambda part, whole: f"{100 * part / whole:.3f}" if whole else "0"
    return made


def _page(call: RouteCall, template: str, *, status: int = 200, **values: Any) -> Response:
    text = (
        _templates().get_template(template).render(now=call.now, base=call.base, world=call.emulation.world, **values)
    )
    return as_html(text, status=status, headers=_POLICY)


def _index(call: RouteCall) -> Response:
    executions = list(reversed(call.emulation.world.executions()))
    return _page(
        call, "index.html", executions=executions[:50], records=len(call.emulation.records), macro=AUTOMATED_MACRO
    )


def _issue(call: RouteCall, key: str) -> Response:
    issue = call.emulation.world.issues.get(key)
    if issue is None:
        return _page(call, "missing.html", status=404, name=key)
    if issue.execution is None:
        return _page(call, "issue.html", issue=issue, runs=list(call.emulation.world.runs_of(issue.key)))
    runs = list(issue.execution.runs.values())
    asked = arguments(call).get("page", "1")
    page = max(1, int(asked)) if re.fullmatch("[0-9]{1,6}", asked) else 1
    last = max(1, -(-len(runs) // _AT_ONCE))
    shown = runs[(page - 1) * _AT_ONCE : page * _AT_ONCE]
    return _page(
        call,
        "execution.html",
        issue=issue,
        execution=issue.execution,
        runs=shown,
        page=page,
        last=last,
        counted=totals(issue),
        evidence=evidence_of,
    )


def _confluence(call: RouteCall, space: str, page: str) -> Response:  # noqa: ARG001 - one space
    found = call.emulation.world.pages.get(page)
    if found is None:
        return _page(call, "missing.html", status=404, name=f"page {page}")
    return _page(call, "confluence.html", page=found)


def _evidence(call: RouteCall, key: str, number: int) -> Response:
    """Hand out a file: pictures to look at, everything else only to save."""
    issue = call.emulation.world.issues.get(key)
    for each in _all_evidence(issue):
        if each.id == number:
            picture = each.content_type in _PICTURES
            name = secure_filename(each.filename) or "evidence"
            headers = {**_POLICY, "Content-Disposition": f'{"inline" if picture else "attachment"}; filename="{name}"'}
            kind = each.content_type if picture else "application/octet-stream"
            return answer(call.emulation.shelf.content(each), kind=kind, basis=Basis.ASSUMED, headers=headers)
    response = _page(call, "missing.html", status=404, name=f"evidence {number}")
    response.headers[BASIS] = Basis.ASSUMED.value
    raise Refusal(response)


def _all_evidence(issue: Issue | None) -> Iterator[Evidence]:
    if issue is not None and issue.execution is not None:
        for run in issue.execution.runs.values():
            yield from evidence_of(run)


def evidence_of(run: Run) -> list[Evidence]:
    """Return a run's evidence, that of its steps and of its iterations' steps included."""
    found = list(run.evidence)
    for steps in (run.steps, *(each.get("steps", ()) for each in run.iterations)):
        for step in steps:
            found.extend(each for each in step.get("evidence", ()) if isinstance(each, Evidence))
    return found


def _size(number: int) -> str:
    for unit, word in ((1_000_000, "MB"), (1000, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {word}"
    return f"{number} bytes"


def _when(moment: datetime | str | None) -> str:
    """Write a moment for people, in UTC; text that is no moment is shown as it is."""
    if moment is None:
        return "–"  # noqa: RUF001 - a dash for people
    if isinstance(moment, str):
        text = moment
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
    return moment.astimezone(UTC).strftime("%d %b %Y, %H:%M:%S UTC")
