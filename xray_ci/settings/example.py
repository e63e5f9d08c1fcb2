"""A config file to begin with, and one with every setting, made from the table. Reads and writes nothing.

A line that begins with `#` and no blank is a setting to be taken by removing the sign.
"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Final

from xray_ci.errors import DOCS
from xray_ci.settings.configfile import SCHEMA_ADDRESS, in_file
from xray_ci.settings.flags import MEANINGS
from xray_ci.settings.table import BY_NAME, GROUPS, LIST_KINDS, Kind, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VALUES: Final = {
    "reports": '["**/TEST-*.xml", "playwright-json=e2e/results.json", "!**/flaky/**"]',
    "xray-url": "https://xray-proxy.example.com",
    "api-version": "v2",
    "jira-username": "ci@example.com",
    "revision": '"2.4.1"',
    "summary": '"{workflow} #{run_number} on {branch}"',
    "test-fields": "{components: [{name: Cart}]}",
    "attach": '[reports, "logs/**/*.zip"]',
    "assignee": "dev@example.com",
    "transition": "Done",
    "test-folder": "/web/cart",
    "test-sets": "[SHOP-13]",
    "components": "[Cart]",
    "create-missing": "[fix-version]",
    "github-matrix": '\'{"browser": "chrome"}\'',
    "github-strategy": "'{\"job-total\": 2}'",
    "mapping": '{rules: [{when: {file: "e2e/**"}, labels: [e2e]}], tests: {"com.shop.CartTest.adds": SHOP-12}}',
    "batch-tests": "500",
    "ca-bundle": "certificates/company.pem",
    "client-certificate": "certificates/client.pem",
    "client-key": "certificates/client.key",
    "snapshots": '[{page-id: "131073", api-key-env: SNAPSHOTS_KEY}]',
    "fail-on": "[test-failures]",
    "result-file": "xray-result.json",
    "comment-file": "xray-comment.md",
    "html-report": "xray-report.html",
    "dotenv-file": "xray.env",
}
"""What is written for settings without a default that the example of their kind does not suit; as YAML on one line."""
KINDS: Final = {
    Kind.TEXT: "windows",
    Kind.KEY: "SHOP-41",
    Kind.KEYS: "[SHOP-2]",
    Kind.PROJECT: "SHOP",
    Kind.PROJECTS: "[SHOP]",
    Kind.URL: "https://jira.example.com/jira",
    Kind.GLOBS: '["reports/**/*.xml"]',
    Kind.LIST: "[chrome, linux]",
    Kind.NAMES: '["2.4"]',
    Kind.LABELS: "[nightly]",
    Kind.PAGES: '["131073"]',
    Kind.SIZE: "5 MB",
    Kind.SECONDS: "30",
    Kind.NUMBER: "50",
    Kind.PATH: "xray-ci.txt",
    Kind.TARGET: "xray-ci.txt",
    Kind.BASELINE: "previous",
    Kind.FOLDER: ".xray-ci",
    Kind.REGEX: "'[A-Z]+-[0-9]+'",
    Kind.REGEXES: "['[0-9]{16}']",
    Kind.TEMPLATE: '"{run_url}"',
    Kind.FIELDS: "{priority: {name: High}}",
    Kind.STATUSES: "{skipped: TODO}",
}
"""The same by kind, for those that need no example of their own."""
_FIRST: Final = ("reports", "project", "test-environments", "summary", "key-pattern", "mapping")
"""Settings of a file to begin with that it may set where it is only found (ws)."""
_NAMED: Final = ("test-plan", "fail-on", "html-report", "result-file", "baseline")
_WIDTH: Final = 110
_HEAD: Final = f"# yaml-language-server: $schema={SCHEMA_ADDRESS}"
_TRUST: Final = (
    "From here on: only where the pipeline names the file (`config: .xray-ci.yml`), since a pull request can change it."
)


def beginning(chosen: Mapping[str, str]) -> str:
    """Return a config file to begin with: settings that were chosen, by name, and the most used others in comments."""
    lines = [
        _HEAD,
        *_comment(f"What every setting means: {DOCS}/settings.md"),
        *_comment(f"A file with all of them: {DOCS}/xray-ci.example.yml"),
    ]
    for name in _FIRST:
        lines += ["", *_comment(BY_NAME[name].help), *_set(BY_NAME[name], chosen.get(name))]
    lines += ["", *_comment(_TRUST)]
    for name in _NAMED:
        lines += ["", *_comment(BY_NAME[name].help), *_set(BY_NAME[name], chosen.get(name))]
    return "\n".join(lines) + "\n"


def whole() -> str:
    """Return a config file with every setting that one can hold, in comments, each with its default or an example."""
    lines = [
        _HEAD,
        *_comment(
            "Every setting of a config file, with its default or an example. To take one, remove the `#` before its "
            "name. (named file only): not where `.xray-ci.yml` was only found, since a pull request can change it; "
            "`config: .xray-ci.yml` in the pipeline names it. Secrets are in no file."
        ),
    ]
    for group, rows in GROUPS.items():
        listed = [row for row in rows if in_file(row)]
        lines += ["", f"# --- {group}: {MEANINGS[group]}"] if listed else []
        for row in listed:
            one_of = f" One of {', '.join(row.choices)}." if row.choices and row.name != "format" else ""
            lines += ["", *_comment(f"{row.help}{one_of}{'' if row.ws else ' (named file only)'}"), *_set(row, None)]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _set(row: Row, value: str | None) -> Iterator[str]:
    """Yield the line of a setting: with the value that was chosen, else in a comment."""
    if value is None:
        yield f"#{row.name}: {_example(row)}"
    elif row.kind in LIST_KINDS:
        yield f"{row.name}:"
        yield from (f"  - {json.dumps(item, ensure_ascii=False)}" for item in value.splitlines())
    else:
        yield f"{row.name}: {json.dumps(value, ensure_ascii=False)}"


def _example(row: Row) -> str:
    """Return an example of its own, else the default, else one of its kind."""
    if row.name in VALUES:
        return VALUES[row.name]
    if row.default or row.choices:
        return _default(row)
    return KINDS[row.kind]


def _default(row: Row) -> str:
    text = row.default or row.choices[0]
    if row.kind in LIST_KINDS:
        return f"[{text}]"
    plain = row.kind in (Kind.FLAG, Kind.NUMBER, Kind.SECONDS, Kind.SIZE) or text.replace("-", "").isalpha()
    return text if plain else json.dumps(text)
