"""The table of commands: what each does, needs, and which settings and options it takes.

As cheap to import as the table of settings.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Option(NamedTuple):
    """Something only one command takes, on the command line alone: not a setting."""

    name: str
    metavar: str
    """Empty for a switch without value."""
    help: str


class Command(NamedTuple):
    """One command."""

    name: str
    help: str
    groups: tuple[str, ...] = ()
    """Groups of settings that mean something to it; shown by its help."""
    needs: frozenset[str] = frozenset()
    """Of `reports`, `credentials`, `snapshots`: what must be configured."""
    options: tuple[Option, ...] = ()


_IMPORT: Final = ("what", "where", "secrets", "Test Execution", "mapping", "delivery", "Snapshots", "policy", "output")
_SEND: Final = frozenset({"reports", "credentials"})

COMMANDS: Final = {row.name: row for row in (
    Command("import", "Import the reports as one Test Execution, then trigger the Snapshots.", _IMPORT, _SEND),
    Command("plan", "Show what import would send and create, up to the first write.", _IMPORT, _SEND),
    Command("inspect", "Show what is in the reports: format, totals, problems. No network.", ("what", "output"),
            frozenset({"reports"}), (Option("json", "", "One JSON object a line for each file."),)),
    Command("convert", "Write the reports as Xray JSON. No network.",
            ("what", "where", "Test Execution", "mapping", "output"),
            frozenset({"reports"}), (Option("output", "FILE", "Write to FILE instead of standard output."),)),
    Command("snapshots", "Only trigger the configured Snapshots.", ("what", "delivery", "Snapshots", "policy", "output"),
            frozenset({"snapshots"})),
    Command("collect", "Store the results of one shard in a small file, for a later import to merge. No network.",
            ("what", "mapping", "output"),
            frozenset({"reports"}), (Option("output", "FILE", "Write to FILE, for example `shards/1.xrayci`."),)),
    Command("resume", "Deliver what an earlier run left in its state folder.",
            ("what", "where", "secrets", "Test Execution", "delivery", "Snapshots", "policy", "output"),
            frozenset({"credentials"})),
    Command("migrate", "Print the step of xray-ci that replaces another action, a Jenkins stage or a curl script. No network.",
            options=(Option("file", "FILE", "Workflow, GitLab CI file, Jenkinsfile or shell script; also `migrate FILE`."),)),
    Command("emulator", "Run the stand-in for Xray, Jira and Snapshots on loopback.",
            options=(Option("port", "N", "Port to listen on: 8765; 0 takes any free one."),)),
    Command("demo", "Run the whole job with sample reports against the emulator.",
            options=(Option("keep", "", "Keep the emulator running, to look at the result."),)),
)}

LATER: Final = frozenset({"check", "features"})
"""Commands of the published interface that a later version brings."""
