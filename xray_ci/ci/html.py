"""One page for people, in one file: every test with its outcome, failures first, to search and to filter.

Made from a result and from rows of cases that were spooled while reports were read. Knows no formats and no services.
Everything a report says is data in the page: a template with autoescape writes the frame, and a script whose hash the
page's own policy names puts texts into it as texts, so that nothing of a report runs, loads or leads anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from xray_ci.ci.summary import CHANGES, CHANGES_SHOWN, headline, history
from xray_ci.model import Case, MarkKind, Outcome
from xray_ci.safefiles import WriteError, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xray_ci.ci.result import ChangedTest, RunResult
    from xray_ci.model import Place

GOOD_LIMIT: Final = 50_000
BAD_LIMIT: Final = 10_000
"""Rows of tests that passed or were skipped, and of those that failed: with more a browser is slow."""
_TEXT: Final = 4_000
_LINE: Final = 500
_STEPS: Final = 50
_IN_MEMORY: Final = 8 << 20
_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{0,80}-[1-9][0-9]{0,18}")
_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})
_HERE: Final = Path(__file__).with_name("templates")
_LOOK: Final = Path(__file__).parents[1] / "look.css"


class PageStep(NamedTuple):
    """One step of a failed case."""

    action: str
    outcome: str | None
    comment: str | None


class PageRow(NamedTuple):
    """One case on the page; an array in its data, members in this order."""

    outcome: str
    name: str
    suite: str
    report: str
    line: int | None
    seconds: float | None
    key: str | None
    requirements: tuple[str, ...]
    attempts: int
    message: str | None
    trace: str | None
    steps: tuple[PageStep, ...]
    files: tuple[str, ...]
    """Names of its evidence."""


class PageRows:
    """Spools the rows of a run, report after report; small ones in memory, else on disk."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the run
        self._from: tuple[str, tuple[str, ...]] = ("", ())
        self._left = {False: GOOD_LIMIT, True: BAD_LIMIT}
        self._at_begin = (0, dict(self._left))
        self._encode = msgspec.json.Encoder().encode
        self.cut = False
        """Whether there were more than the page holds."""
        self.named: Callable[[Case, str, tuple[str, ...]], tuple[str | None, bytes | None]] = lambda *_: (None, None)
        """Says of a case, the report it is from and the names of that format which Test it is, by key or identity."""
        self.keys: Mapping[bytes, str] = {}
        """Keys of Tests by their identities, as far as they were read back."""

    def begin(self, place: Place, names: tuple[str, ...] = (), /) -> None:
        """Start a report."""
        self._from = (place.shown, names)
        self._at_begin = (self._file.tell(), dict(self._left))

    def origin(self, shown: str, names: tuple[str, ...], /) -> None:
        """Take what comes now as of another report: the current one holds results of several."""
        self._from = (shown, names)

    def restart(self) -> None:
        """Forget what came of the current report: it comes again from its start."""
        at, left = self._at_begin
        self._file.seek(at)
        self._file.truncate()
        self._left = dict(left)

    def commit(self) -> None:
        """Keep the rows of the current report."""

    drop = restart

    def add(self, *cases: Case) -> None:
        """Take some cases in their order."""
        for case in cases:
            bad = case.outcome in _BAD
            if self._left[bad] <= 0:
                self.cut = True
                continue
            self._left[bad] -= 1
            row = row_of(case, self._from[0], told=bad or case.outcome is not Outcome.PASSED)
            key, identity = self.named(case, *self._from) if bad else (row.key, None)
            if identity is not None:
                self._file.write(self._encode(identity) + b"\t")
            self._file.write(self._encode(row._replace(key=key or row.key)) + b"\n")

    def lines(self) -> Iterator[bytes]:
        """Yield each row as JSON, then forget them."""
        with self._file:
            self._file.seek(0)
            for line in self._file:
                before, tab, row = line.rstrip(b"\n").rpartition(b"\t")
                key = self.keys.get(msgspec.json.decode(before, type=bytes)) if tab else None
                yield self._encode(msgspec.json.decode(row, type=PageRow)._replace(key=key)) if key else row

    def close(self) -> None:
        """Close the file; whose folder it is removes it."""
        self._file.close()


def row_of(case: Case, shown: str, *, told: bool) -> PageRow:
    """Return the row of a case; with its texts where `told`."""
    keys = [mark.value for mark in case.marks if mark.kind is MarkKind.TEST_KEY and _KEY.fullmatch(mark.value)]
    needs = [mark.value for mark in case.marks if mark.kind is MarkKind.REQUIREMENT]
    steps = case.steps[:_STEPS] if told else ()
    named = [one.name for one in case.attachments] + [one.name for step in case.steps for one in step.attachments]
    return PageRow(
        outcome=case.outcome.value,
        name=case.name[:_LINE],
        suite=(case.classname or " / ".join(filter(None, case.suite)))[:_LINE],
        report=shown,
        line=case.line,
        seconds=case.seconds,
        key=keys[0] if keys else None,
        requirements=tuple(need[:_LINE] for need in needs[:10]),
        attempts=len(case.attempts),
        message=case.message[:_TEXT] if told and case.message else None,
        trace=case.trace[:_TEXT] if told and case.trace else None,
        steps=tuple(
            PageStep(
                (step.action or "")[:_LINE],
                step.outcome.value if step.outcome else None,
                (step.actual or step.comment or "")[:_LINE] or None,
            )
            for step in steps
        ),
        files=tuple(name[:_LINE] for name in named[:_STEPS]),
    )


def page(result: RunResult, rows: PageRows, *, redact: Callable[[str], str], now: datetime) -> bytes:
    """Return the page. `result` is redacted already; rows are here."""
    import jinja2  # noqa: PLC0415  # only a run that wants the page pays

    frame = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style = _LOOK.read_text(encoding="utf-8") + (_HERE / "report.css").read_text(encoding="utf-8")
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    sign, sentence = headline(result)
    around = result.surroundings
    text = frame.from_string((_HERE / "report.html").read_text(encoding="utf-8")).render(
        sign=sign,
        sentence=sentence,
        result=result,
        counts=[(outcome.value, result.counts.of(outcome)) for outcome in Outcome],
        base=result.issues_at or "",
        run=" ".join(filter(None, (around.workflow, f"#{around.run_number}" if around.run_number else None)))
        if around
        else "",
        run_url=around.run_url if around and (around.run_url or "").startswith(("https://", "http://")) else None,
        branch=(around.branch or around.tag) if around else None,
        commit=around.commit[:8] if around and around.commit else None,
        now=now.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cut=rows.cut,
        changes=_changes(result),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    head, _, tail = text.encode("utf-8", "replace").partition(b"@ROWS@")
    data = b",\n".join(_inert(redact(line.decode("utf-8", "replace"))) for line in rows.lines())
    return head + b"[" + data + b"]" + tail


def _changes(result: RunResult) -> list[tuple[str, ChangedTest, str]]:
    """Return word, test and last runs of what an earlier run had otherwise."""
    found = result.comparison
    if found is None:
        return []
    return [
        (word, one, history(one)) for change, (word, _) in CHANGES.items() for one in found.of(change)[:CHANGES_SHOWN]
    ]


def _inert(line: str) -> bytes:
    """Return JSON in which no HTML can begin or end."""
    for sign in "<>&\u2028\u2029":
        line = line.replace(sign, f"\\u{ord(sign):04x}")
    return line.encode("utf-8", "replace")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def publish(
    result: RunResult, rows: PageRows, path: Path, roots: tuple[Path, ...], *, redact: Callable[[str], str]
) -> tuple[str, ...]:
    """Write the page below one of the folders; return warnings."""
    try:
        write(path, page(result.redacted(redact), rows, redact=redact, now=datetime.now(UTC)), roots)
    except WriteError as error:
        return (f"html-report could not be written. {error}",)
    finally:
        rows.close()
    return ()
