"""Writes what is made from the table of facts: rows of docs/facts.md, a report's schema, switches in docs/emulator.md.

`python tests/agreement/facts_table.py --write`, which `make generate` runs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))

from xray_ci.emulator.switches import described  # noqa: E402
from xray_ci.probe import table  # noqa: E402

_TITLES = {
    "cloud": "Xray Cloud",
    "graphql": "Xray Cloud's GraphQL",
    "jira": "Jira",
    "server": "Xray Server/Data Center",
    "snapshots": "Snapshots",
    "xray": "Xray, both products",
}
_BELOW = "<!-- made from xray_ci/facts/*.toml by `make generate` -->"


def page() -> str:
    """Return docs/facts.md."""
    written, _, _ = (CHECKOUT / "docs/facts.md").read_text(encoding="utf-8").partition(_BELOW)
    lines = [written + _BELOW, ""]
    for name, rows in _files():
        lines += [
            f"## {_TITLES[name]}",
            "",
            "| id | what is believed | api | mark | source | probed | what rests on it |",
        ]
        lines += ["|---|---|---|---|---|---|---|", *map(_row, rows), ""]
    return "\n".join(lines)


def _files() -> Iterator[tuple[str, list[table.Fact]]]:
    held: dict[str, list[table.Fact]] = {}
    for fact in table.facts().values():
        held.setdefault(fact.id.partition("-")[0], []).append(fact)
    yield from sorted(held.items())


def _row(fact: table.Fact) -> str:
    probed = f"{fact.probe}: {fact.why}" if fact.why else fact.probe
    rests = [*(f"`{each}`" for each in fact.client), *(f"switch `{each}`" for each in fact.switch)]
    rests += [f"`{each}`" for each in fact.routes]
    where = (
        {"both": "", "cloud": "Cloud ", "server": "Server "}[fact.on] if fact.id.startswith(("jira", "snap")) else ""
    )
    cells = (f"`{fact.id}`", fact.says, f"{where}{fact.api}".strip(), fact.mark, fact.source, probed, "; ".join(rests))
    return f"| {' | '.join(each.replace('|', '/') for each in cells)} |"


def switches() -> str:
    """Return the table of switches."""
    rows = [f"| `{e.name}` | {e.default} | {e.choices} | {e.facts} | {e.says} |" for e in described()]
    return "\n".join(["| switch | default | choices | facts | what it does |", "|---|---|---|---|---|", *rows])


def schema() -> str:
    """Return the schema of a report of facts."""
    from xray_ci.probe.report import FactsReport

    made: Mapping[str, Any] = msgspec.json.schema(FactsReport)
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A report of xray-ci probe"}
    return json.dumps({**about, **made}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """Return what is made, by path."""
    emulator = CHECKOUT / "docs/emulator.md"
    held = emulator.read_text(encoding="utf-8")
    text = re.sub(r"\| switch \| default .*?\n\n", lambda _: switches() + "\n\n", held, flags=re.DOTALL)
    return {CHECKOUT / "docs/facts.md": page(), CHECKOUT / "docs/facts-report.schema.json": schema(), emulator: text}


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
