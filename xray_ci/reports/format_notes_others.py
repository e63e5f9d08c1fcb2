"""What is known of each format beyond how it is read, of those that are no XML; and all of it together."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xray_ci.model import MarkKind
from xray_ci.reports.format_notes import (
    KEY,
    KNOWN_XML,
    LABEL,
    NAMES,
    NOTES,
    TAGS,
    TEXTS,
    TOLD,
    DataRows,
    EvidencePlace,
    Known,
)
from xray_ci.reports.format_notes_tools import KNOWN_TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN: Final[Mapping[str, Known]] = MappingProxyType(
    {
        **KNOWN_XML,
        **KNOWN_TOOLS,
        "xray-json": Known(
            producers=("pytest-jira-xray", "pytest-xray-reporter", "xray-ci itself (`convert`)"),
            keys="`testKey`, or `testInfo` with `requirementKeys` and `labels`",
            marks=TAGS | TEXTS | {MarkKind.COMMENT, MarkKind.CUSTOM_FIELD, MarkKind.DEFECT},
            steps=True,
            rows=DataRows.BOTH,
            evidence=EvidencePlace.HELD,
            traps=(
                "statuses differ between Cloud (PASSED) and Server/Data Center (PASS): built-in ones are translated",
                "its own Test Execution, Test Plan and environments are followed only where no setting says otherwise",
                "what else `info` says is for settings to say",
            ),
        ),
        "robot-json": Known(
            producers=("Robot Framework 7 (`--output output.json`)",),
            keys="tags, as in output.xml",
            marks=TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=("the rules of output.xml; Xray has no endpoint for it",),
        ),
        "cucumber-json": Known(
            producers=("Cucumber for the JVM, JavaScript and Ruby", "Reqnroll", "pytest-bdd"),
            keys="tags of scenario, feature: `@SHOP-12`, `@TEST_SHOP-12`, `@TestName:SHOP-12`, `@REQ_SHOP-7`; others "
            "are labels",
            marks=TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            rows=DataRows.EXAMPLES,
            evidence=EvidencePlace.HELD,
            traps=(
                "undefined and pending steps, and none at all, are neither passed nor failed; an ambiguous step failed",
                "a step's word may be one of Xray's own (PASS, FAIL, TODO, ABORTED, EXECUTING), as in its import",
                "backgrounds that stand as elements of their own are steps of the scenario behind them",
                (
                    "results of steps are summarised in the comment of a failure: Xray takes none of Cucumber Tests by "
                    "JSON"
                ),
            ),
        ),
        "cucumber-messages": Known(
            producers=("cucumber-js (`message` formatter)", "Cucumber of protocol 13 and later"),
            keys="tags, as in Cucumber JSON",
            marks=TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            rows=DataRows.EXAMPLES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "of a retried scenario the last attempt counts",
                "a stream without `testRunFinished` was cut off: what is complete is kept, and that is told",
            ),
        ),
        "behave-json": Known(
            producers=("behave 1.2 and 1.3 (`-f json`)",),
            keys="tags of scenario and feature, without the at sign: `SHOP-12`, `TEST_SHOP-12`, `REQ_SHOP-7`",
            marks=TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            rows=DataRows.EXAMPLES,
            evidence=EvidencePlace.HELD,
            traps=(
                "a row of an outline is named `outline -- @1.1 …`: it is a result of the outline's Test",
                "hooks can fail without a step that did",
            ),
        ),
        "playwright-json": Known(
            producers=("Playwright (`--reporter=json`)",),
            keys="annotations named like JUnit's properties (`test_key` …), and tags; "
            "an annotation `issue` is a defect",
            marks=NAMES | {MarkKind.DEFECT, MarkKind.ENVIRONMENT},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "a test in several projects has a result of each for the same Test; the project is its environment",
                "a flaky test passed, and so did one that failed as it was expected to",
            ),
        ),
        "ctrf": Known(
            producers=(
                "jest-ctrf-json-reporter",
                "mocha-ctrf-json-reporter",
                "playwright-ctrf-json-reporter",
                "pytest-json-ctrf",
                "any reporter of CTRF",
            ),
            keys="tags, and members of `extra` and `labels` named like JUnit's properties",
            marks=NAMES | {MarkKind.DEFECT},
            steps=True,
            rows=DataRows.ITERATIONS,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "the summary may contradict the list of tests, which counts",
                "suites that failed to load are missing from Jest's",
            ),
        ),
        "jest-json": Known(
            producers=("Jest (`--json`)",),
            attempts=True,
            traps=("files that could not be loaded hold no test and are notices",),
        ),
        "vitest-json": Known(
            producers=("Vitest (`--reporter=json`)",),
            keys="tags, and members of a task's `meta` named like JUnit's properties",
            marks=NAMES,
            attempts=True,
            traps=("a retried test that passed at last carries the errors of its earlier tries",),
        ),
        "mocha-json": Known(
            producers=("Mocha (`--reporter json`)",),
            attempts=True,
            traps=(
                "tests that never ran because of a failing hook are in no list; the hook is a notice",
                "tests print into the document: what stands before it is ignored",
            ),
        ),
        "mocha-json-stream": Known(
            producers=("Mocha (`--reporter json-stream`)",),
            attempts=True,
            traps=("pending tests are not in the stream",),
        ),
        "mochawesome": Known(
            producers=("mochawesome",),
            keys="values of `addContext` titled like JUnit's properties",
            marks=NAMES,
            evidence=EvidencePlace.BOTH,
            traps=("pending and skipped tests are both skipped",),
        ),
        "go-json": Known(
            producers=("go test -json",),
            keys="attributes of `t.Attr` named like JUnit's properties",
            marks=NAMES,
            traps=(
                "a test without an end (panic, `os.Exit`) failed",
                "a package that does not build has no test and is a notice",
                "parents of subtests are results of their own",
            ),
        ),
        "go-text": Known(
            producers=("go test -v",),
            keys="attributes of `t.Attr` named like JUnit's properties",
            marks=NAMES,
            traps=(
                "a line that a test prints in the form of a result counts, as for Go itself",
                "without `-v` passing tests are missing: that is told",
            ),
        ),
        "tap": Known(
            producers=(
                "Test::More",
                "tape",
                "ava",
                "bats",
                "node:test",
                "Mocha",
                "Vitest",
                "deno",
                "pytest-tap",
                "Qt Test",
            ),
            keys="lines of a point's diagnosis named like JUnit's properties (`test_key: SHOP-12`)",
            marks=NOTES,
            steps=True,
            traps=(
                "points at the left margin are the tests, those of subtests their steps",
                "a point to do is neither passed nor failed, whatever it says",
                (
                    "a plan that is not met and `Bail out!` are a run that broke off: its results count, and a problem "
                    "says so"
                ),
            ),
        ),
        "dart-json": Known(
            producers=("dart test --reporter json", "flutter test --machine"),
            traps=(
                "hidden entries (loading a file, setUpAll) are no tests",
                "a stream without `done` was cut off: what is complete is kept, and that is told",
            ),
        ),
        "rspec-json": Known(
            producers=("RSpec (`--format json`)",),
            evidence=EvidencePlace.FILES,
            traps=(
                "descriptions repeat: such examples are results of one Test",
                "files that cannot be loaded hold no example and are notices",
            ),
        ),
        "pytest-json-report": Known(
            producers=("pytest-json-report",),
            keys="`record_property` and the report's metadata, named like JUnit's properties",
            marks=NAMES,
            evidence=EvidencePlace.BOTH,
            traps=(
                "an expected failure is skipped, an unexpected pass passed",
                "a failing set-up or tear-down is an error",
            ),
        ),
        "pytest-reportlog": Known(
            producers=("pytest-reportlog",),
            keys="`record_property`, named like JUnit's properties",
            marks=NAMES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "phases of several processes are interleaved",
                "a log without `SessionFinish` was cut off: what is complete is kept, and that is told",
            ),
        ),
        "newman-json": Known(
            producers=("Newman (`--reporters json`)",),
            traps=(
                "each assertion in each iteration is a result",
                "requests and scripts that failed outside of assertions are notices",
            ),
        ),
        "rust-json": Known(
            producers=("Rust libtest (`--format json`)", "cargo-nextest (`libtest-json`)"),
            traps=("a last suite without end was cut off: what is complete is kept, and that is told",),
        ),
        "gtest-json": Known(
            producers=("GoogleTest (`--gtest_output=json`)",),
            keys="`RecordProperty`, named like JUnit's properties",
            marks=NAMES,
            rows=DataRows.ITERATIONS,
            traps=("a disabled test is skipped",),
        ),
        "criterion-json": Known(producers=("Criterion for C and C++ (`--json`)",)),
        "allure2-dir": Known(
            producers=("allure-pytest", "allure-mocha", "any adapter of Allure 2"),
            keys="labels named like JUnit's properties, tags, links of type `tms` (key) and `issue` (defect); "
            "epic, feature or story that is a key",
            marks=NAMES | {MarkKind.DEFECT},
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            attempts=True,
            traps=("of the attempts of a test (one `historyId`) the last to start counts", "a broken test is an error"),
        ),
        "xcresult-json": Known(
            passes=r'("result"\s*:\s*")(?:Passed|Expected Failure)(")',
            producers=("Xcode 16 (`xcrun xcresulttool get test-results tests`)",),
            keys="tags of Swift Testing: `SHOP-12`, `REQ_SHOP-7`; all others are labels",
            marks=frozenset({KEY, LABEL, MarkKind.ENVIRONMENT}),
            rows=DataRows.ITERATIONS,
            attempts=True,
            traps=(
                (
                    "a test on several devices or configurations has a result of each for the same Test; the device "
                    "is its "
                    "environment"
                ),
                "an expected failure passed",
                "an `.xcresult` itself is a folder that only Xcode reads",
            ),
        ),
        "karate-json": Known(
            passes=r'("status"\s*:\s*")passed(")',
            producers=("Karate 1 (`*.karate-json.txt`)",),
            keys="tags, as in Cucumber JSON",
            marks=TAGS,
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            traps=(
                "Karate's Cucumber JSON holds the same results with the same identity: give one of the two",
                "a scenario without a step that ran is neither passed nor failed",
            ),
        ),
        "ginkgo-json": Known(
            passes=r'("State"\s*:\s*")passed(")',
            producers=("Ginkgo 2 (`--json-report`)",),
            keys="labels, and report entries named like JUnit's properties",
            marks=TAGS,
            steps=True,
            attempts=True,
            traps=(
                (
                    "Ginkgo's JUnit XML has `[It] ` before and labels behind each name; here the name is that of "
                    "containers and spec"
                ),
                "nodes of a suite (BeforeSuite …) are no tests; those that failed are notices",
            ),
        ),
        "serenity-json": Known(
            passes=r'("result"\s*:\s*")SUCCESS(")',
            producers=("Serenity BDD", "Serenity/JS"),
            keys="tags; a tag of type `issue` and `@Issue` are requirements",
            marks=TAGS,
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            traps=(
                "each test is a file of its own: `target/site/serenity/*.json`",
                "pending is neither passed nor failed, compromised is an error",
            ),
        ),
        "apex-json": Known(
            passes=r'("Outcome"\s*:\s*")Pass(")',
            producers=("Salesforce CLI (`sf apex run test --json`, `test-result-….json`)",),
        ),
        "twister-json": Known(
            passes=r'("status"\s*:\s*")passed(")',
            producers=("Zephyr's Twister (`twister.json`)",),
            marks=frozenset({MarkKind.ENVIRONMENT}),
            attempts=True,
            traps=(
                "a test on several platforms has a result of each for the same Test; the platform is its environment",
                "a suite that failed without a case that did (it did not build) is a notice",
            ),
        ),
        "k6-summary": Known(
            producers=("k6 (`--summary-export`)", "k6 (`handleSummary`)"),
            traps=(
                "each threshold and each check is a Test: a threshold that is changed is a new one",
                "in an exported summary `true` says that the threshold was crossed",
                "a check that was never made is neither passed nor failed",
            ),
        ),
        "xrayci": Known(
            producers=("xray-ci itself (`collect`)",),
            keys="in the reports that were collected",
            marks=TOLD,
            steps=True,
            rows=DataRows.BOTH,
            attempts=True,
            evidence=EvidencePlace.HELD,
            traps=(
                "results keep the names of their reports, for rules, `executions: per-report` and messages",
                "a file that was cut off is refused as a whole, as is one of another version of xray-ci",
            ),
        ),
        "bundle": Known(
            producers=("a zip that holds reports",),
            keys="in the reports inside",
            traps=("it is sent as it is and never opened: what is in it is Xray's to read",),
        ),
    }
)
"""Key of a format → what is known of it."""
