"""The table of docs/formats.md, made from the formats and deployments tables. `python tests/agreement/formats_table.py --write`."""

import sys
from pathlib import Path

from xray_ci.deployments import DEPLOYMENTS
from xray_ci.reports import FORMATS

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- formats:begin -->\n", "<!-- formats:end -->\n"


def table() -> str:
    """Return the Markdown of all formats."""
    lines = ["| format | name | family | convert | native |", "|---|---|---|---|---|"]
    for row in FORMATS:
        taken = [deployment.title for deployment in DEPLOYMENTS.values()
                 if row.medium != "lines" and row.key != "xray-json" and deployment.endpoint(row.family, multipart=False)]
        native = "both" if len(taken) == len(DEPLOYMENTS) else ", ".join(taken) or "–"
        lines.append(f"| {row.title} | `{row.key}` | `{row.family}` | {'yes' if row.read else '–'} | {native} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(page(), encoding="utf-8")
