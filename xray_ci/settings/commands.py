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
    examples: tuple[str, ...] = ()
    """Arguments as they are typed after `xray-ci`, shown by its help."""
    word: str = ""
    """The option that a word without a flag means: `migrate FILE` is `migrate --file FILE`."""


_IMPORT: Final = ("what", "where", "secrets", "Test Execution", "mapping", "delivery", "Snapshots", "policy", "output")
_SEND: Final = frozenset({"reports", "credentials"})

COMMANDS: Final = {
    row.name: row
    for row in (
        Command(
            "import",
            "Import the reports as one Test Execution, then trigger the Snapshots.",
            _IMPORT,
            _SEND,
            examples=(
                "import --reports '**/TEST-*.xml' --project SHOP",
                "import --reports 'results/*.json' --test-plan SHOP-2 --fail-on test-failures",
                "import --reports '**/*.xml' --reports '!**/flaky/**' --test-execution SHOP-41",
            ),
        ),
        Command(
            "plan",
            "Show what import would send and create, up to the first write.",
            _IMPORT,
            _SEND,
            examples=("plan --reports '**/TEST-*.xml' --project SHOP",),
        ),
        Command(
            "inspect",
            "Show what is in the reports: format, totals, problems. No network.",
            ("what", "output"),
            frozenset({"reports"}),
            (Option("json", "", "One JSON object a line for each file."),),
            ("inspect --reports '**/*.xml'", "inspect --reports '**/*.xml' --json"),
        ),
        Command(
            "convert",
            "Write the reports as Xray JSON. No network.",
            ("what", "where", "Test Execution", "mapping", "output"),
            frozenset({"reports"}),
            (Option("output", "FILE", "Write to FILE instead of standard output."),),
            ("convert --reports '**/*.xml' --project SHOP --output xray.json",),
        ),
        Command(
            "snapshots",
            "Only trigger the configured Snapshots.",
            ("what", "delivery", "Snapshots", "policy", "output"),
            frozenset({"snapshots"}),
            examples=("snapshots --snapshot-page-ids 131073",),
        ),
        Command(
            "collect",
            "Store one shard's results in a small file for a later import. No network.",
            ("what", "mapping", "output"),
            frozenset({"reports"}),
            (Option("output", "FILE", "Write to FILE, for example `shards/1.xrayci`."),),
            ("collect --reports 'results/*.xml' --output shards/1.xrayci", "import --reports 'shards/*.xrayci'"),
        ),
        Command(
            "resume",
            "Deliver what an earlier run left in its state folder.",
            ("what", "where", "secrets", "Test Execution", "delivery", "Snapshots", "policy", "output"),
            frozenset({"credentials"}),
            examples=("resume", "resume --state-dir .xray-ci"),
        ),
        Command(
            "migrate",
            "Print the step that replaces another action or a script. No network.",
            options=(
                Option("file", "FILE", "Workflow, GitLab CI file, Jenkinsfile or shell script; also `migrate FILE`."),
            ),
            examples=("migrate .github/workflows/test.yml", "migrate Jenkinsfile"),
            word="file",
        ),
        Command(
            "completion",
            "Print the completion script of a shell. No network.",
            options=(Option("shell", "SHELL", "`bash`, `zsh` or `fish`; also `completion SHELL`."),),
            examples=(
                "completion bash > ~/.local/share/bash-completion/completions/xray-ci",
                "completion zsh > ~/.zfunc/_xray-ci",
                "completion fish > ~/.config/fish/completions/xray-ci.fish",
            ),
            word="shell",
        ),
        Command(
            "emulator",
            "Run the stand-in for Xray, Jira and Snapshots on loopback.",
            options=(Option("port", "N", "Port to listen on: 8765; 0 takes any free one."),),
            examples=("emulator", "emulator --port 0"),
        ),
        Command(
            "demo",
            "Run the whole job with sample reports against the emulator.",
            options=(Option("keep", "", "Keep the emulator running, to look at the result."),),
            examples=("demo", "demo --keep"),
        ),
    )
}

LATER_COMMANDS: Final = frozenset({"check", "features"})
"""Commands of the published interface that a later version brings."""
