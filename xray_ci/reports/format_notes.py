"""What is known of each format beyond how it is read: writers, keys, what it can hold, traps.

Data for the page of formats and for the tests that hold it against real reports; a run of the product imports none of
it. Knows nothing of Xray's endpoints. Producers are those whose reports were read (O), or that the format's pages name
(D).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xray_ci.model import MarkKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class DataRows(enum.Enum):
    """How the rows of a data-driven test are told apart."""

    NONE = "no"
    ITERATIONS = "iterations, with their parameters"
    EXAMPLES = "examples of a Scenario Outline"
    BOTH = "iterations and examples"


class EvidencePlace(enum.Enum):
    """Where files that belong to a test are."""

    NONE = "none"
    FILES = "files that the report names"
    HELD = "inside of the report"
    BOTH = "inside of the report, and files that it names"


KEY, LABEL, _REQUIREMENT = MarkKind.TEST_KEY, MarkKind.TAG, MarkKind.REQUIREMENT
TAGS: Final = frozenset({KEY, _REQUIREMENT, LABEL})
TEXTS: Final = frozenset({MarkKind.SUMMARY, MarkKind.DESCRIPTION})
NOTES: Final = TAGS | TEXTS | {MarkKind.TEST_ID, MarkKind.COMMENT}
NAMES: Final = NOTES | {MarkKind.CUSTOM_FIELD}
"""What the names of JUnit's properties can say, wherever they stand."""
TOLD: Final = NAMES | {MarkKind.DEFECT, MarkKind.ENVIRONMENT}
"""Kinds of marks that are an author's to attach; all others are how a Test is found or made."""
_NOWHERE: Final = "the format has no place for them: `key-pattern: '[A-Z]+-\\d+'` finds a key in the name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one format."""

    producers: tuple[str, ...]
    keys: str = _NOWHERE
    """Where keys, requirements and labels stand."""
    marks: frozenset[MarkKind] = frozenset()
    """Which of `TOLD` its tools can say."""
    steps: bool = False
    rows: DataRows = DataRows.NONE
    attempts: bool = False
    """Whether earlier tries of a test are told with it."""
    evidence: EvidencePlace = EvidencePlace.NONE
    traps: tuple[str, ...] = ()
    passes: str = ""
    """Pattern of what says that a test passed, around the word (two groups). "": the structure says it."""
    stated: str | None = None
    """A small report whose totals state two failures that it does not hold; "" where the format has none. None: its
    test has it."""


KNOWN_XML: Final[Mapping[str, Known]] = MappingProxyType(
    {
        "junit": Known(
            producers=(
                "Maven Surefire",
                "Gradle",
                "Ant",
                "JUnit 4, Jupiter and Vintage",
                "TestNG",
                "pytest",
                "unittest-xml-reporting",
                "nose2",
                "green",
                "behave",
                "Robot Framework (`-x`)",
                "Playwright",
                "jest-junit",
                "vitest",
                "mocha-junit-reporter",
                "jasmine-reporters",
                "cucumber-js",
                "cucumber-ruby",
                "node:test",
                "bun",
                "deno",
                "newman",
                "web-test-runner",
                "PHPUnit",
                "Nette Tester",
                "rspec_junit_formatter",
                "gotestsum",
                "cargo-nextest",
                "Rust libtest",
                "swift test",
                "GoogleTest",
                "Catch2",
                "doctest",
                "Boost.Test",
                "CTest",
                "Criterion",
                "cmocka",
                "Qt Test",
                "bats",
                "kyua",
                "avocado",
                "busted",
                "EUnit",
                "Common Test",
                "TAP::Formatter::JUnit",
                "container-structure-test",
            ),
            keys="properties of the `testcase`: `test_key`, `test_id`, `requirements`, `tags` and more; "
            "`[[PROPERTY|name=value]]` in its output",
            marks=NAMES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "totals in attributes are often wrong and never used: every `testcase` at any depth counts once",
                "Surefire's `flakyFailure` and `flakyError` alone are a pass, with its earlier attempts",
                (
                    "pytest-rerunfailures lists each attempt as a case of its own, and those that were run again look "
                    "like "
                    "passes"
                ),
                "`test_key` may list several Tests, which Xray's own import refuses",
                (
                    "Swift's `--xunit-output` and Jest's todo tests look like passes: nothing in them says that they "
                    "were "
                    "skipped"
                ),
                "errors that stand directly in a suite are notices, no tests",
                (
                    "what bats, behave 1.2, Boost, cmocka and node:test write may not be well-formed: it is repaired, "
                    "or "
                    "refused"
                ),
            ),
        ),
        "nunit3": Known(
            producers=("NUnit 3 console", "SpecFlow on NUnit", "Unity Test Runner"),
            keys="properties `Test`, `TestKey` or `test_key` of the test; `Requirement`, `Category` also of a suite "
            "around it",
            marks=TAGS | {MarkKind.DESCRIPTION},
            evidence=EvidencePlace.FILES,
            traps=(
                "a failure labelled Error, Invalid or Cancelled is an error; Inconclusive and Warning are other",
                "failures of a fixture's set-up and tear-down are notices beside the tests that they took along",
            ),
        ),
        "nunit2": Known(
            producers=("NUnit 2", "SpecFlow on NUnit 2", "jasmine-reporters"),
            keys="properties `Test`, `TestKey` or `test_key` of the test; `Requirement`, categories also of a suite "
            "around it",
            marks=TAGS | {MarkKind.DESCRIPTION},
            traps=(
                "there is one time for the whole run",
                "before 2.5 there is no `result`: `executed` and `success` decide",
            ),
        ),
        "xunit": Known(
            producers=("xUnit.net 1, 2 and 3",),
            keys="traits `test`, `requirement`, `labels` and `category`",
            marks=TAGS | {MarkKind.SUMMARY},
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.HELD,
            traps=(
                "rows of a theory are results of one Test, as in Xray's own import",
                "errors of an assembly (fixtures, clean-up) are notices",
            ),
        ),
        "trx": Known(
            producers=(
                "Visual Studio Test (`dotnet test --logger trx`)",
                "MSTest",
                "Microsoft.Testing.Platform",
                "xUnit.net 3",
                "SpecFlow",
            ),
            keys="`[TestProperty]` `test_key` and `requirements`, and categories, in the test's definition",
            marks=TAGS | {MarkKind.DESCRIPTION},
            evidence=EvidencePlace.FILES,
            traps=(
                "definitions stand behind the results, so the report is held on disk while it is read",
                "a result with inner results does not count, its rows do; an outcome that is missing means Error",
            ),
        ),
        "testng": Known(
            producers=("TestNG (`testng-results.xml`)",),
            keys="attributes `test`, `requirement`, `labels`, `summary` of the test method",
            marks=TAGS | TEXTS,
            rows=DataRows.ITERATIONS,
            attempts=True,
            traps=(
                (
                    "each invocation is a result; an attempt before a retry is a SKIP, which only version 7 tells "
                    "from a "
                    "skipped test (`retried`)"
                ),
                "configuration methods are no tests; those that failed are notices",
            ),
        ),
        "robot": Known(
            producers=("Robot Framework 3 to 7", "rebot"),
            keys="tags: `SHOP-12`, `TEST_SHOP-12`, `TestName:SHOP-12`; `REQ_SHOP-7` is a requirement, all others are "
            "labels",
            marks=TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "a failing suite teardown fails every test below it, whatever their own status says",
                "screenshots are found in messages logged as HTML",
                "Xray's own import reads the bare key alone: `TEST_` and `TestName:` name a Test only here",
                (
                    "a tag that looks like a key names a Test: list your projects in `key-projects`, or tag "
                    "`REQ_SHOP-7` "
                    "for a requirement"
                ),
                "`rebot --merge` keeps the earlier try in the message, which is read as an attempt",
            ),
        ),
        "ctest-xml": Known(
            producers=("CTest (`-T Test`, Test.xml)",),
            keys="labels: `SHOP-12`, `TEST_SHOP-12`, `REQ_SHOP-7`; all others are labels of the Test",
            marks=TAGS,
            traps=("each entry is a whole program: results of the tests in it are in its own report",),
        ),
        "catch2-xml": Known(
            producers=("Catch2 2 and 3 (`-r xml`)",),
            keys="tags in brackets: `[SHOP-12]`, `[REQ_SHOP-7]`; all others are labels",
            marks=TAGS,
            steps=True,
            traps=("sections are steps of their test case",),
        ),
        "doctest-xml": Known(
            producers=("doctest (`-r=xml`)",), steps=True, traps=("subcases are steps of their test case",)
        ),
        "boost-report-xml": Known(
            producers=("Boost.Test (report and log as XML)",),
            traps=("the report holds no messages and no times, the log has both",),
        ),
        "cppunit-xml": Known(producers=("CppUnit (`XmlOutputter`)",)),
        "check-xml": Known(
            producers=("Check (`srunner_set_xml`)",), traps=("runs of a loop test are results of one Test",)
        ),
        "qtest-xml": Known(
            producers=("Qt Test (`-xml`)",),
            rows=DataRows.ITERATIONS,
            traps=(
                "`initTestCase` and `cleanupTestCase` are results too",
                "an expected failure passed, an unexpected pass failed",
            ),
        ),
        "testdox-xml": Known(
            producers=("PHPUnit (`--testdox-xml`)",),
            traps=("it is named and refused: let PHPUnit write JUnit XML (`--log-junit`)",),
        ),
        "open-test-reporting": Known(
            passes=r'(status="|<core:result status=")SUCCESSFUL(")',
            producers=(
                "JUnit 5 and 6 (`junit.platform.reporting.open.xml.enabled`)",
                "any tool that writes Open Test Reporting",
            ),
            keys="entries that a test reports (`TestReporter.publishEntry`) named like JUnit's properties, and tags",
            marks=TAGS,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            traps=(
                (
                    "its identity is class and method, as in Surefire's report; Gradle's JUnit XML has display names "
                    "instead"
                ),
                "a class that is skipped as a whole holds no test and is a notice",
                (
                    "beside `TEST-….xml` files that are read too it is left out with a notice: its results would count "
                    "twice"
                ),
            ),
        ),
    }
)
"""Key of a format in XML → what is known of it."""
