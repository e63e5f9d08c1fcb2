"""Pages for people: what there is, one issue, one Test Run, one Confluence page, what was asked. They change nothing.

Reports are unsafe and end up here: templates escape everything, and no page may run a script or load anything from
afar. So lists are searched, filtered and ordered here, by links and a form.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

from werkzeug.routing import Rule
from werkzeug.utils import secure_filename

from xray_ci.emulator.answers import Refusal, answer, as_html
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.evidence import Evidence
from xray_ci.emulator.jira import rich
from xray_ci.emulator.seed import AUTOMATED_MACRO
from xray_ci.emulator.switches import Switches, described
from xray_ci.emulator.world import Totals, shade, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from jinja2 import Environment
    from werkzeug.wrappers import Response

    from xray_ci.emulator.records import Record
    from xray_ci.emulator.world import ExecutionDetails, Issue, Run

T = TypeVar("T")
_AT_ONCE: Final = 500
"""Lines of a list on one page."""
_EXECUTIONS: Final = 50
_TOLD: Final = 20_000
"""Characters of one text on a page."""
_BEGIN: Final = 2000
"""Bytes of a body in the list of requests."""
_HERE: Final = Path(__file__).parent
_LOOK: Final = _HERE.parent / "look.css"
"""Shared with the report of a run: a file, no code of the product."""
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_WORST_FIRST: Final = {"failed": 0, "running": 1, "other": 2, "passed": 3}
_REFUSED: Final = 400
_MINUTE: Final = 60
SPACE: Final = "QA"


def rules() -> list[Rule]:
    """Return the routes; an issue is shown below both Jiras."""
    shown: dict[str, Callable[..., Response]] = {
        "/": _index,
        "/switches": _switches,
        "/requests": _requests,
        "/wiki/spaces/<space>/pages/<page>": _confluence,
    }
    for start in ("", "/jira"):
        shown[f"{start}/browse/<key>"] = _issue
        shown[f"{start}/browse/<key>/runs/<test>"] = _run
        shown[f"{start}/browse/<key>/evidence/<int:number>"] = _evidence
    return [Rule(path, methods=["GET"], endpoint=Route(kind="page", handle=handle)) for path, handle in shown.items()]


class Line(NamedTuple):
    """A Test in a list, with its run and whose run it is; Tests of a Test Plan may have none."""

    test: Issue
    run: Run | None
    owner: Issue | None

    @property
    def status(self) -> str:
        """Return the status of its run."""
        return self.run.status if self.run is not None else "TO DO"

    @property
    def said(self) -> str:
        """Return what its run says."""
        return (self.run.comment or self.run.output) if self.run is not None else ""

    @property
    def words(self) -> str:
        """Return what it is found by."""
        definition = self.test.test.definition if self.test.test is not None else ""
        return f"{self.test.key}\n{self.test.summary}\n{definition}\n{self.said}"

    @property
    def seconds(self) -> float | None:
        """Return how long its run took."""
        return seconds_of(self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a list was asked for: words to look for, one group, an order, and which page of it."""

    query: str
    group: str
    order: str
    page: int

    def address(self, **changes: Any) -> str:
        """Return the address of another choice, its first page unless told."""
        asked = {"query": self.query, "group": self.group, "order": self.order, "page": 1, **changes}
        return "?" + urlencode({name: value for name, value in asked.items() if value not in ("", 1)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The part of a list that was asked for."""

    choice: Choice
    shown: Sequence[Any]
    found: int
    total: int
    groups: Mapping[str, int]
    """Each group with its size, the worst first."""
    orders: tuple[str, ...]
    last: int
    """Number of the last page."""


def _listing(
    call: RouteCall,
    items: Sequence[T],
    *,
    groups: Callable[[T], Collection[str]],
    words: Callable[[T], str],
    orders: Mapping[str, Callable[[T], Any]],
) -> Listing:
    """Return what the query of a call asks for; the first order is the one without asking."""
    given = arguments(call)
    query, group, order = given.get("query", "").strip()[:200], given.get("group", ""), given.get("order", "")
    order = order if order in orders else next(iter(orders))
    wanted = query.casefold()
    found = [
        each
        for each in items
        if (not group or group in groups(each)) and (not wanted or wanted in words(each).casefold())
    ]
    found.sort(key=orders[order])
    last = max(1, -(-len(found) // _AT_ONCE))
    number = given.get("page", "")
    page = min(last, max(1, int(number))) if re.fullmatch("[0-9]{1,6}", number) else 1
    counted = Counter(name for each in items for name in groups(each))
    return Listing(
        choice=Choice(query=query, group=group, order=order, page=page),
        shown=found[(page - 1) * _AT_ONCE : page * _AT_ONCE],
        found=len(found),
        total=len(items),
        groups={name: counted[name] for name in sorted(counted, key=lambda name: (_WORST_FIRST[shade(name)], name))},
        orders=tuple(orders),
        last=last,
    )


def _tests(call: RouteCall, lines: Sequence[Line]) -> Listing:
    return _listing(
        call,
        lines,
        groups=lambda each: (each.status,),
        words=lambda each: each.words,
        orders={
            "failed first": lambda each: _WORST_FIRST[shade(each.status)],
            "as imported": lambda _: 0,
            "slowest first": lambda each: -(each.seconds if each.seconds is not None else -1),
        },
    )


@functools.cache
def _style() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (_LOOK, _HERE / "templates" / "emulator.css"))


@functools.cache
def _policy() -> dict[str, str]:
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{style}'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - 0.1 s that no API call needs

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(
        shade=shade, totals=totals, pictures=_PICTURES, space=SPACE, style=_style(), files=evidence_of, took=seconds_of
    )
    made.filters["shade"] = shade
    made.filters["size"] = _size
    made.filters["when"] = _when
    made.filters["time"] = _time
    made.filters["begin"] = lambda content: content[:_BEGIN].decode("utf-8", "replace") + " …" * (len(content) > _BEGIN)
    made.filters["told"] = lambda value: str(rich(value, "2") or "")[:_TOLD]
    return made


def _page(call: RouteCall, template: str, *, status: int = 200, **values: Any) -> Response:
    text = (
        _templates().get_template(template).render(now=call.now, base=call.base, world=call.emulation.world, **values)
    )
    return as_html(text, status=status, headers=_policy())


def _index(call: RouteCall) -> Response:
    world = call.emulation.world
    executions = world.executions()
    return _page(
        call,
        "index.html",
        executions=executions[: -_EXECUTIONS - 1 : -1],
        hidden=len(executions[:-_EXECUTIONS]),
        plans=[(issue, _counted(_planned(call, issue))) for issue in world.issues.values() if issue.plan is not None],
        issues=_listing(
            call,
            list(world.issues.values()),
            groups=lambda each: (each.type,),
            words=lambda each: f"{each.key}\n{each.summary}",
            orders={"newest first": lambda each: -each.created.timestamp(), "oldest first": lambda each: each.created},
        ),
        records=sum(1 for _ in _recorded(call)),
        macro=AUTOMATED_MACRO,
    )


def _switches(call: RouteCall) -> Response:
    return _page(
        call,
        "switches.html",
        switches=described(),
        now_set=call.emulation.switches.as_dict(),
        defaults=Switches().as_dict(),
    )


def _recorded(call: RouteCall) -> Iterator[Record]:
    return (each for each in call.emulation.records if each.kind != "page")


def _requests(call: RouteCall) -> Response:
    """Show what was asked, pages for people left out."""
    listing = _listing(
        call,
        list(_recorded(call)),
        groups=lambda each: (each.kind, *(["refused"] if (each.status or _REFUSED) >= _REFUSED else [])),
        words=lambda each: " ".join((each.method, each.path, str(each.status), each.digest, *each.operations)),
        orders={"newest first": lambda each: -each.n, "oldest first": lambda each: each.n},
    )
    return _page(call, "requests.html", listing=listing, refused=_REFUSED)


def _issue(call: RouteCall, key: str) -> Response:
    world = call.emulation.world
    issue = world.issues.get(key)
    if issue is None:
        return _page(call, "missing.html", status=404, name=key)
    if issue.execution is not None:
        runs = [run for run in issue.execution.runs.values() if run.test in world.issues]
        lines = [Line(world.issues[run.test], run, issue) for run in runs]
        return _page(
            call,
            "execution.html",
            issue=issue,
            execution=issue.execution,
            listing=_tests(call, lines),
            counted=totals(issue),
        )
    if issue.plan is not None:
        lines = _planned(call, issue)
        newest = issue.plan.executions[: -_EXECUTIONS - 1 : -1]
        executions = [world.issues[key] for key in newest if key in world.issues]
        return _page(
            call, "plan.html", issue=issue, listing=_tests(call, lines), counted=_counted(lines), executions=executions
        )
    return _page(call, "issue.html", issue=issue, runs=list(world.runs_of(issue.key))[: -_AT_ONCE - 1 : -1])


def _planned(call: RouteCall, plan: Issue) -> list[Line]:
    """Return each Test of a Test Plan with its newest run in one of the plan's Test Executions."""
    world = call.emulation.world
    if plan.plan is None:
        return []
    newest: dict[str, tuple[Run, Issue]] = {}
    for owner in (world.issues[key] for key in plan.plan.executions if key in world.issues):
        runs = owner.execution.runs if owner.execution is not None else {}
        newest.update({test: (run, owner) for test, run in runs.items()})
    return [Line(world.issues[key], *newest.get(key, (None, None))) for key in plan.plan.tests if key in world.issues]


def _counted(lines: Iterable[Line]) -> Totals:
    number = Counter(shade(each.status) for each in lines)
    return Totals(key="", summary="", **{name: number[name] for name in _WORST_FIRST})


def _run(call: RouteCall, key: str, test: str) -> Response:
    world = call.emulation.world
    issue = world.issues.get(key)
    if issue is None or issue.execution is None or test not in issue.execution.runs or test not in world.issues:
        return _page(call, "missing.html", status=404, name=f"{key} {test}")
    run, of = issue.execution.runs[test], world.issues[test]
    around = list(issue.execution.runs)
    place = around.index(test)
    return _page(
        call,
        "run.html",
        issue=issue,
        run=run,
        test=of,
        written=of.test.steps if of.test is not None else [],
        before=around[place - 1] if place else None,
        after=around[place + 1] if place + 1 < len(around) else None,
    )


def _confluence(call: RouteCall, space: str, page: str) -> Response:  # noqa: ARG001 - one space
    found = call.emulation.world.pages.get(page)
    if found is None:
        return _page(call, "missing.html", status=404, name=f"page {page}")
    versions = {str(each.version): each for each in (found, *reversed(found.history))}
    asked = arguments(call).get("version", str(found.version))
    if asked not in versions:
        return _page(call, "missing.html", status=404, name=f"version {asked} of page {page}")
    return _page(call, "confluence.html", page=versions[asked], newest=found, versions=versions.values())


def _evidence(call: RouteCall, key: str, number: int) -> Response:
    """Hand out a file: pictures to look at, everything else only to save."""
    issue = call.emulation.world.issues.get(key)
    for each in _all_evidence(issue):
        if each.id == number:
            picture = each.content_type in _PICTURES
            name = secure_filename(each.filename) or "evidence"
            headers = {
                **_policy(),
                "Content-Disposition": f'{"inline" if picture else "attachment"}; filename="{name}"',
            }
            kind = each.content_type if picture else "application/octet-stream"
            return answer(call.emulation.shelf.content(each), kind=kind, headers=headers)
    response = _page(call, "missing.html", status=404, name=f"evidence {number}")
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


def seconds_of(run: Run | ExecutionDetails | None) -> float | None:
    """Return how long a Test Run or a Test Execution took, when it says so."""
    begin, end = (_moment(run.started), _moment(run.finished)) if run is not None else (None, None)
    return max(0.0, (end - begin).total_seconds()) if begin is not None and end is not None else None


def _time(seconds: float | None) -> str:
    """Write a duration for people."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "under 1 s"  # most reports are stored in whole seconds
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _moment(text: str | None) -> datetime | None:
    """Read a moment, in UTC unless it says otherwise; None for text that is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _when(moment: datetime | str | None) -> str:
    """Write a moment for people, in UTC; text that is no moment is shown as it is."""
    known = _moment(moment) if isinstance(moment, str) else moment
    return known.astimezone(UTC).strftime("%d %b %Y, %H:%M:%S UTC") if known is not None else str(moment or "–")  # noqa: RUF001 - a dash for people
