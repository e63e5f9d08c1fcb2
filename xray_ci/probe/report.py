"""What a probe found, as a report that can be sent: JSON for the emulator, a table in Markdown for people.

Nothing of the site is in it: shapes, numbers, versions, and words that the table of facts has itself (`shapes`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from xray_ci import __version__
from xray_ci.probe import table

if TYPE_CHECKING:
    from collections.abc import Iterable

FORM: Final = "xray-ci/facts-report/1"
_LARGEST: Final = 4_000_000
"""Bytes of a report that is read again."""

Verdict = Literal["confirmed", "refuted", "not-probed"]


class FactRow(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What became of one fact."""

    fact: str
    """Its id."""
    verdict: Verdict
    seen: dict[str, Any] = {}
    """What was seen: status, shape, words of the vendor, numbers."""
    why: str = ""
    """Why it was not probed."""
    switches: dict[str, bool | int | float | str] = {}
    """How the emulator is set to do what this site does."""


class FactsReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is told of a site."""

    form: Literal["xray-ci/facts-report/1"] = FORM
    tool: str = __version__
    """Version of xray-ci, and so of its table of facts."""
    deployment: Literal["cloud", "server"]
    jira: str = ""
    """Version of Jira, as it says itself; empty where it was not asked."""
    write: bool
    """Whether things were made, and removed again."""
    finished: bool
    requests: int
    facts: tuple[FactRow, ...]
    stays: dict[str, int] = {}
    """What could not be removed, by kind."""


def judged(fact: table.Fact, seen: dict[str, Any], deployment: str) -> FactRow:
    """Compare what was seen with what is believed."""
    if fact.holds(seen, deployment):
        return FactRow(fact=fact.id, verdict="confirmed", seen=seen)
    return FactRow(fact=fact.id, verdict="refuted", seen=seen, switches=fact.switches(seen))


def text(report: FactsReport) -> str:
    """Return the report as JSON, one fact a line."""
    held = msgspec.to_builtins(report)
    rows = ",\n".join("    " + json.dumps(each, ensure_ascii=False) for each in held.pop("facts"))
    head = json.dumps(held, ensure_ascii=False, indent=2)
    return f'{head[:-2]},\n  "facts": [\n{rows}\n  ]\n}}\n'


def read(content: bytes) -> FactsReport:
    """Read a report; raises ValueError for anything else."""
    if len(content) > _LARGEST:
        raise ValueError("the report is too large")
    return msgspec.json.decode(content, type=FactsReport)


def markdown(report: FactsReport) -> str:
    """Return a table of what is not as it is believed, and the counts of the rest."""
    known = table.facts()
    counts = ", ".join(
        f"{sum(row.verdict == each for row in report.facts)} {each}" for each in ("confirmed", "refuted", "not-probed")
    )
    lines = [f"{counts}; {report.requests} requests", ""]
    lines += _table(
        ("fact", "what is believed", "what was seen instead"),
        (
            (
                f"`{row.fact}`",
                known[row.fact].says if row.fact in known else "",
                f"`{_cell(json.dumps(row.seen, ensure_ascii=False))}`",
            )
            for row in report.facts
            if row.verdict == "refuted"
        ),
    )
    lines += _table(
        ("fact", "why it was not probed"),
        ((f"`{row.fact}`", row.why) for row in report.facts if row.verdict == "not-probed"),
    )
    if report.stays:
        lines += _table(("what stays", "how many"), ((kind, str(count)) for kind, count in report.stays.items()))
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    listed = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *listed, ""] if listed else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")
