"""What of docs/formats.md is made from tables: formats, deployments, and what is known of each format.

`python tests/agreement/formats_table.py --write` writes it.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from xray_ci.deployments import DEPLOYMENTS, Deployment, Endpoint
from xray_ci.formats import FORMATS, Format
from xray_ci.model import MarkKind
from xray_ci.reports.format_notes import EvidencePlace, Known
from xray_ci.reports.format_notes_others import KNOWN

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
WORDS = {
    MarkKind.TEST_KEY: "key",
    MarkKind.TEST_ID: "issue id",
    MarkKind.REQUIREMENT: "requirements",
    MarkKind.TAG: "labels",
    MarkKind.SUMMARY: "summary",
    MarkKind.DESCRIPTION: "description",
    MarkKind.COMMENT: "comment",
    MarkKind.CUSTOM_FIELD: "custom fields",
    MarkKind.DEFECT: "defects",
    MarkKind.ENVIRONMENT: "environment",
}
"""Kinds of marks in the order in which they are shown."""


def endpoints(row: Format) -> list[tuple[Deployment, Endpoint]]:
    """Return where a file of a format may be sent as it is."""
    if row.medium == "lines" or row.key == "xray-json":
        return []
    found = [(deployment, deployment.endpoint(row.family, multipart=False)) for deployment in DEPLOYMENTS.values()]
    return [(deployment, endpoint) for deployment, endpoint in found if endpoint is not None]


def table() -> str:
    """Return the Markdown of all formats, a row each."""
    lines = [
        "| format | name | family | convert | native | keys | steps | evidence |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in FORMATS:
        known = KNOWN[row.key]
        taken = [deployment.title for deployment, _ in endpoints(row)]
        native_to = "both" if len(taken) == len(DEPLOYMENTS) else ", ".join(taken) or "–"
        holds = (bool(known.marks & {MarkKind.TEST_KEY}), known.steps, known.evidence is not EvidencePlace.NONE)
        said = ["yes" if each else "–" for each in (row.read, *holds)]
        cells = [
            f"[{row.title}](#{anchor(row.title)})",
            f"`{row.key}`",
            f"`{row.family}`",
            said[0],
            native_to,
            *said[1:],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def anchor(title: str) -> str:
    """Return how a heading is linked to."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def sections() -> str:
    """Return the Markdown of what is known of each format."""
    return "\n".join("\n".join([f"### {row.title}", "", *section(row, KNOWN[row.key]), ""]) for row in FORMATS)


def section(row: Format, known: Known) -> Iterator[str]:
    """Yield the lines of one format, below its heading."""
    carried = ", ".join(word for kind, word in WORDS.items() if kind in known.marks)
    yield f"Written by {listed(known.producers)}."
    yield ""
    yield f"- name: `{row.key}`" + (f", of the family `{row.family}`" if row.family != row.key else "")
    yield f"- keys: {known.keys}" + (f" ({carried})" if carried else "")
    if row.read:
        yield f"- steps: {'yes' if known.steps else 'no'}"
        yield f"- rows of data: {known.rows.value}"
        yield f"- earlier attempts of a test: {'yes' if known.attempts else 'no'}"
        yield f"- evidence: {known.evidence.value}"
    yield f"- native: {native(row)}"
    if known.traps:
        yield "- traps:"
        yield from (f"  - {trap}" for trap in known.traps)


def native(row: Format) -> str:
    """Return where Xray takes a file of a format as it is."""
    if row.key == "xray-json":
        return "it is what all other formats are converted to"
    titles: dict[str, list[str]] = {}
    for deployment, endpoint in endpoints(row):
        titles.setdefault(endpoint.path, []).append(deployment.title)
    told = [f"`{path}` of {listed(tuple(found))}" for path, found in titles.items()]
    return "; ".join(told) or "Xray has no endpoint for it"


def listed(names: tuple[str, ...]) -> str:
    """Return names as they stand in a sentence."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


MADE = {"formats": table, "known": sections}


def page() -> str:
    """Return the page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, make in MADE.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
        before, _, rest = text.partition(begin)
        text = before + begin + make() + end + rest.partition(end)[2]
    return text


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(page(), encoding="utf-8")
