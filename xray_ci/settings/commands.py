"""The table of commands: what each does, needs, and which settings and options it takes.

As cheap to import as the table of settings.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Option(NamedTuple):
    """Something only one command takes, on the command line alone: not a setting."""

    name: str
    metavar: str
    """Empty for a switch without value; in brackets where it can be left out, with `...` where many are taken."""
    help: str

    @property
    def many(self) -> bool:
        """Whether it may be given more than once."""
        return self.metavar.endswith("...")


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


_EXECUTION: Final = ("Test Execution", "around the import")
_IMPORT: Final = ("what", "where", "secrets", *_EXECUTION, "mapping", "delivery", "Snapshots", "policy", "output")
_SEND: Final = frozenset({"reports", "credentials"})
_SITE: Final = ("what", "where", "secrets", *_EXECUTION, "delivery", "output")
"""Of commands that take or give what Xray holds, and read no report."""

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
            "Show what import would create and send. Reads only; without credentials offline.",
            _IMPORT,
            frozenset({"reports"}),
            (
                Option("json", "", "One JSON object: tests, requests, problems."),
                Option("all", "", "List every Test, and not ten of each kind."),
            ),
            ("plan --reports '**/TEST-*.xml' --project SHOP", "plan --reports '**/*.xml' --json"),
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
            ("what", "where", *_EXECUTION, "mapping", "output"),
            frozenset({"reports"}),
            (Option("output", "FILE", "Write to FILE instead of standard output."),),
            ("convert --reports '**/*.xml' --project SHOP --output xray.json",),
        ),
        Command(
            "check",
            "Look at the site of an import, and say what it will refuse.",
            _IMPORT,
            frozenset({"credentials"}),
            (Option("json", "", "One JSON object a line: name, status, text, remedy."),),
            ("check --project SHOP --test-plan SHOP-2", "check --json"),
        ),
        Command(
            "probe",
            "Find out what this site really does, fact by fact.",
            ("what", "where", "secrets", *_EXECUTION, "delivery", "Snapshots", "output"),
            frozenset({"credentials"}),
            (
                Option("write", "", "Also make issues in `project`, a sandbox, and remove them again."),
                Option("only", "IDS", "Only these facts of docs/facts.md, separated by commas."),
                Option("budget", "REQUESTS", "Most requests to make: 150; 400 with `--write`."),
                Option("output", "FILE", "Write the anonymised report to FILE, or go on with one that is unfinished."),
            ),
            ("probe --project SANDBOX", "probe --project SANDBOX --write --output facts.json"),
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
            ("what", "where", "secrets", *_EXECUTION, "delivery", "Snapshots", "policy", "output"),
            frozenset({"credentials"}),
            (
                Option("list", "", "Only list what is left, without a request."),
                Option("drop", "[RUN]", "Remove RUN; without it, all from which nothing was sent. No request."),
            ),
            ("resume", "resume --list", "resume --drop run-0123456789abcdef"),
        ),
        Command(
            "features export",
            "Write the Cucumber Tests of Xray as feature files.",
            _SITE,
            frozenset({"credentials"}),
            (
                Option("keys", "KEYS", "Tests, or what holds or needs them; separated by commas or blanks."),
                Option("jql", "JQL", "The Cucumber Tests that JQL finds."),
                Option("output", "FOLDER", "Write into FOLDER: `features`."),
            ),
            (
                "features export --test-plan SHOP-2 --output features",
                "features export --keys 'SHOP-4, SHOP-8'",
                "features export --jql 'project = SHOP AND labels = smoke'",
            ),
        ),
        Command(
            "features import",
            "Make or update the Tests of feature files.",
            _SITE,
            frozenset({"credentials"}),
            (Option("path", "PATH ...", "Folders, feature files or zips; also `features import PATH ...`."),),
            ("features import features --project SHOP", "features import a.feature more.zip --project SHOP"),
            word="path",
        ),
        Command(
            "results export",
            "Write the results of a Test Execution or Test Plan to a file.",
            _SITE,
            frozenset({"credentials"}),
            (
                Option("to", "FORMAT", "One of xray-json, junit, csv: `xray-json`."),
                Option("output", "FILE", "Write to FILE."),
            ),
            (
                "results export --test-execution SHOP-40 --output results.json",
                "results export --test-plan SHOP-2 --to csv --output plan.csv",
            ),
        ),
        Command(
            "tests import",
            "Make the Tests of a file that are not there yet.",
            _SITE,
            frozenset({"credentials"}),
            (Option("file", "FILE", "YAML, JSON or CSV; also `tests import FILE`."),),
            ("tests import tests.yaml --project SHOP", "tests import tests.csv"),
            word="file",
        ),
        Command(
            "backup",
            "Make a backup of Xray Cloud and download it.",
            _SITE,
            frozenset({"credentials"}),
            (Option("output", "FILE", "Write to FILE."),),
            ("backup --output xray-backup.zip",),
        ),
        Command(
            "run",
            "Run the test command after `--`, then import whatever it returned.",
            _IMPORT,
            _SEND,
            examples=("run --reports 'results/*.xml' --project SHOP -- pytest --junit-xml results/pytest.xml",),
        ),
        Command(
            "select",
            "Print what makes a test runner run just the Tests chosen in Xray.",
            ("where", "secrets", *_EXECUTION, "delivery"),
            frozenset({"credentials"}),
            (
                Option(
                    "for",
                    "RUNNER",
                    "One of pytest, maven, gradle, playwright, cypress, jest, vitest, robot, cucumber, behave, dotnet, "
                    "go, names, json.",
                ),
                Option("test-set", "KEY", "Tests of a Test Set."),
                Option("jql", "JQL", "Tests among what JQL finds."),
                Option("keys", "LIST", "Tests by their keys, with commas between: `${TESTS_KEY}` of Xray's trigger."),
            ),
            (
                "select --test-plan SHOP-2 --for pytest > tests.txt && pytest @tests.txt",
                'select --keys "$TESTS_KEY" --for cucumber',
            ),
        ),
        Command(
            "init",
            "Write a config file, and print the step of this CI system. No network.",
            options=(
                Option("ci", "SYSTEM", "The CI system whose step is printed: `github`, `gitlab`, `jenkins`, `azure` …"),
                Option("force", "", "Write the config file anew where one is there."),
            ),
            examples=("init", "init --ci gitlab"),
        ),
        Command(
            "migrate",
            "Print the step that replaces another action or a script. No network.",
            options=(
                Option(
                    "file",
                    "FILE",
                    "Workflow, Jenkinsfile, pipeline in YAML, shell or PowerShell script; also `migrate FILE`.",
                ),
            ),
            examples=("migrate .github/workflows/test.yml", "migrate Jenkinsfile"),
            word="file",
        ),
        Command(
            "explain",
            "Print what a message means and what to do. No network.",
            options=(Option("slug", "SLUG", "The last part of a message's address; also `explain SLUG`."),),
            examples=("explain no-reports",),
            word="slug",
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
            "Run the emulator of Xray, Jira and Snapshots on loopback.",
            options=(
                Option("port", "N", "Port to listen on: 8765; 0 takes any free one."),
                Option("bind", "ADDRESS", "Address to listen on: 127.0.0.1; anything else lets others in."),
                Option("allow-host", "NAME", "Host name to answer besides those of loopback; several with commas."),
                Option("world", "FILE", "YAML file with the world to begin with."),
                Option("state", "FILE", "File that keeps the world from one run to the next."),
                Option("record", "FILE", "File that gets a line of JSON for every request."),
                Option("facts", "REPORT", "Report of `probe`: the switches stand as that site does."),
            ),
            examples=("emulator", "emulator --port 0", "emulator --bind 0.0.0.0 --allow-host xray"),
        ),
        Command(
            "demo",
            "Run the whole job with sample reports against the emulator.",
            options=(Option("keep", "", "Keep the emulator running, to look at the result."),),
            examples=("demo", "demo --keep"),
        ),
    )
}
