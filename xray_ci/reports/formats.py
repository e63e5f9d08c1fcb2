"""What is known of each format beyond how it is read.

Who writes it, where authors put keys, what it can hold, its traps.

Data for the page of formats and for the tests that hold it against real reports; a run of the product imports none of
it. Knows nothing of Xray's endpoints. Producers are those whose reports were read (O), or that the format's pages name
(D).

The reports that test tools write: THE table of formats, and which of them some bytes are.

Left of everything that knows Xray. Whether Xray has an endpoint for a format is the deployments table's knowledge: its
rows name a format's `family`.
"""

from __future__ import annotations

import enum
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.errors import AmbiguousFormat, NotAReport
from xray_ci.model import Case, MarkKind, Origin, Problem
from xray_ci.reports import detect as foreign
from xray_ci.reports.detect import Look, look

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


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


_KEY, _LABEL, _REQUIREMENT = MarkKind.TEST_KEY, MarkKind.TAG, MarkKind.REQUIREMENT
_TAGS: Final = frozenset({_KEY, _REQUIREMENT, _LABEL})
_TEXTS: Final = frozenset({MarkKind.SUMMARY, MarkKind.DESCRIPTION})
_NOTES: Final = _TAGS | _TEXTS | {MarkKind.TEST_ID, MarkKind.COMMENT}
_NAMES: Final = _NOTES | {MarkKind.CUSTOM_FIELD}
"""What the names of JUnit's properties can say, wherever they stand."""
TOLD: Final = _NAMES | {MarkKind.DEFECT, MarkKind.ENVIRONMENT}
"""Kinds of marks that are an author's to attach; all others are how a Test is found or made."""
_NOWHERE: Final = "the format has no place for them: `key-pattern` finds a key in the name"


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


KNOWN: Final[Mapping[str, Known]] = MappingProxyType(
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
            marks=_NAMES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "totals in attributes are often wrong and never used: every `testcase` at any depth counts once",
                "Surefire's `flakyFailure` and `flakyError` alone are a pass, with its earlier attempts",
                (
                    "pytest-rerunfailures lists each attempt as a case of its own, and those that were run again look like "
                    "passes"
                ),
                "`test_key` may list several Tests, which Xray's own import refuses",
                (
                    "Swift's `--xunit-output` and Jest's todo tests look like passes: nothing in them says that they were "
                    "skipped"
                ),
                "errors that stand directly in a suite are notices, no tests",
                (
                    "what bats, behave 1.2, Boost, cmocka and node:test write may not be well-formed: it is repaired, or "
                    "refused"
                ),
            ),
        ),
        "xray-json": Known(
            producers=("pytest-jira-xray", "pytest-xray-reporter", "xray-ci itself (`convert`)"),
            keys="`testKey`, or `testInfo` with `requirementKeys` and `labels`",
            marks=_TAGS | _TEXTS | {MarkKind.COMMENT, MarkKind.CUSTOM_FIELD, MarkKind.DEFECT},
            steps=True,
            rows=DataRows.BOTH,
            evidence=EvidencePlace.HELD,
            traps=(
                "statuses differ between Cloud (PASSED) and Server/Data Center (PASS): built-in ones are translated",
                "`info` and `testExecutionKey` are not taken from a report, for they say where results go",
            ),
        ),
        "nunit3": Known(
            producers=("NUnit 3 console", "SpecFlow on NUnit", "Unity Test Runner"),
            keys="properties `Test`, `TestKey` or `test_key` of the test; `Requirement`, `Category` also of a suite around it",
            marks=_TAGS | {MarkKind.DESCRIPTION},
            evidence=EvidencePlace.FILES,
            traps=(
                "a failure labelled Error, Invalid or Cancelled is an error; Inconclusive and Warning are other",
                "failures of a fixture's set-up and tear-down are notices beside the tests that they took along",
            ),
        ),
        "nunit2": Known(
            producers=("NUnit 2", "SpecFlow on NUnit 2", "jasmine-reporters"),
            keys="properties `Test`, `TestKey` or `test_key` of the test; `Requirement`, categories also of a suite around it",
            marks=_TAGS | {MarkKind.DESCRIPTION},
            traps=(
                "there is one time for the whole run",
                "before 2.5 there is no `result`: `executed` and `success` decide",
            ),
        ),
        "xunit": Known(
            producers=("xUnit.net 1, 2 and 3",),
            keys="traits `test`, `requirement`, `labels` and `category`",
            marks=_TAGS | {MarkKind.SUMMARY},
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
            marks=_TAGS | {MarkKind.DESCRIPTION},
            evidence=EvidencePlace.FILES,
            traps=(
                "definitions stand behind the results, so the report is held on disk while it is read",
                "a result with inner results does not count, its rows do; an outcome that is missing means Error",
            ),
        ),
        "testng": Known(
            producers=("TestNG (`testng-results.xml`)",),
            keys="attributes `test`, `requirement`, `labels`, `summary` of the test method",
            marks=_TAGS | _TEXTS,
            rows=DataRows.ITERATIONS,
            attempts=True,
            traps=(
                (
                    "each invocation is a result; an attempt before a retry is a SKIP, which only version 7 tells from a "
                    "skipped test (`retried`)"
                ),
                "configuration methods are no tests; those that failed are notices",
            ),
        ),
        "robot": Known(
            producers=("Robot Framework 3 to 7", "rebot"),
            keys="tags: `SHOP-12`, `TEST_SHOP-12`, `TestName:SHOP-12`; `REQ_SHOP-7` is a requirement, all others are labels",
            marks=_TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "a failing suite teardown fails every test below it, whatever their own status says",
                "screenshots are found in messages logged as HTML",
                "Xray's own import reads the bare key alone: `TEST_` and `TestName:` name a Test only here",
                (
                    "a tag that looks like a key names a Test: list your projects in `key-projects`, or tag `REQ_SHOP-7` "
                    "for a requirement"
                ),
                "`rebot --merge` keeps the earlier try in the message, which is read as an attempt",
            ),
        ),
        "robot-json": Known(
            producers=("Robot Framework 7 (`--output output.json`)",),
            keys="tags, as in output.xml",
            marks=_TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=("the rules of output.xml; Xray has no endpoint for it",),
        ),
        "cucumber-json": Known(
            producers=("Cucumber for the JVM, JavaScript and Ruby", "Reqnroll", "pytest-bdd"),
            keys="tags of scenario, feature: `@SHOP-12`, `@TEST_SHOP-12`, `@TestName:SHOP-12`, `@REQ_SHOP-7`; others are labels",
            marks=_TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            rows=DataRows.EXAMPLES,
            evidence=EvidencePlace.HELD,
            traps=(
                "undefined and pending steps, and none at all, are neither passed nor failed; an ambiguous step failed",
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
            marks=_TAGS | {MarkKind.DESCRIPTION},
            steps=True,
            rows=DataRows.EXAMPLES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "of a retried scenario the last attempt counts",
                "a stream without `testRunFinished` was cut off and is refused",
            ),
        ),
        "behave-json": Known(
            producers=("behave 1.2 and 1.3 (`-f json`)",),
            keys="tags of scenario and feature, without the at sign: `SHOP-12`, `TEST_SHOP-12`, `REQ_SHOP-7`",
            marks=_TAGS | {MarkKind.DESCRIPTION},
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
            keys="annotations named like JUnit's properties (`test_key` …), and tags; an annotation `issue` is a defect",
            marks=_NAMES | {MarkKind.DEFECT, MarkKind.ENVIRONMENT},
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
            marks=_NAMES | {MarkKind.DEFECT},
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
            marks=_NAMES,
            attempts=True,
            traps=("a retried test that passed at last carries the errors of its earlier tries",),
        ),
        "mocha-json": Known(
            producers=("Mocha (`--reporter json`)",),
            attempts=True,
            traps=(
                "tests that never ran because of a failing hook are in no list; the hook is a notice",
                "tests print into the document: what stands before it is passed over",
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
            marks=_NAMES,
            evidence=EvidencePlace.BOTH,
            traps=("pending and skipped tests are both skipped",),
        ),
        "go-json": Known(
            producers=("go test -json",),
            keys="attributes of `t.Attr` named like JUnit's properties",
            marks=_NAMES,
            traps=(
                "a test without an end (panic, `os.Exit`) failed",
                "a package that does not build has no test and is a notice",
                "parents of subtests are results of their own",
            ),
        ),
        "go-text": Known(
            producers=("go test -v",),
            keys="attributes of `t.Attr` named like JUnit's properties",
            marks=_NAMES,
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
            marks=_NOTES,
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
                "a stream without `done` was cut off and is refused",
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
            marks=_NAMES,
            evidence=EvidencePlace.BOTH,
            traps=(
                "an expected failure is skipped, an unexpected pass passed",
                "a failing set-up or tear-down is an error",
            ),
        ),
        "pytest-reportlog": Known(
            producers=("pytest-reportlog",),
            keys="`record_property`, named like JUnit's properties",
            marks=_NAMES,
            attempts=True,
            evidence=EvidencePlace.BOTH,
            traps=(
                "phases of several processes are interleaved",
                "a log without `SessionFinish` was cut off and is refused",
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
            traps=("a last suite without end was cut off and is refused",),
        ),
        "gtest-json": Known(
            producers=("GoogleTest (`--gtest_output=json`)",),
            keys="`RecordProperty`, named like JUnit's properties",
            marks=_NAMES,
            rows=DataRows.ITERATIONS,
            traps=("a disabled test is skipped",),
        ),
        "criterion-json": Known(producers=("Criterion for C and C++ (`--json`)",)),
        "ctest-xml": Known(
            producers=("CTest (`-T Test`, Test.xml)",),
            keys="labels: `SHOP-12`, `TEST_SHOP-12`, `REQ_SHOP-7`; all others are labels of the Test",
            marks=_TAGS,
            traps=("each entry is a whole program: results of the tests in it are in its own report",),
        ),
        "catch2-xml": Known(
            producers=("Catch2 2 and 3 (`-r xml`)",),
            keys="tags in brackets: `[SHOP-12]`, `[REQ_SHOP-7]`; all others are labels",
            marks=_TAGS,
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
        "allure2-dir": Known(
            producers=("allure-pytest", "allure-mocha", "any adapter of Allure 2"),
            keys="labels named like JUnit's properties, tags, links of type `tms` (key) and `issue` (defect); "
            "epic, feature or story that is a key",
            marks=_NAMES | {MarkKind.DEFECT},
            steps=True,
            rows=DataRows.ITERATIONS,
            evidence=EvidencePlace.FILES,
            attempts=True,
            traps=("of the attempts of a test (one `historyId`) the last to start counts", "a broken test is an error"),
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


Recogniser = Callable[[Look], bool]
Reader = Callable[[BinaryIO], Iterator[Case | Problem | Origin]]
FolderReader = Callable[[Path], Iterator[Case | Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of reports."""

    key: str
    title: str
    family: str
    """What several formats of one tool share: a name that `format` takes too, and the name of Xray's endpoint."""
    medium: str
    """`xml`, `json`, `lines`, `folder`, `shard` or `zip`."""
    recognise: Recogniser | None
    """None: never recognised, only by name."""
    reader: str | None = None
    """The module here that reads it, with its function where that is not `read`. None: recognised and, where Xray has
    an endpoint, sent as it is; there is no converter."""

    @property
    def read_folder(self) -> FolderReader:
        """The generator of the cases of a folder, for medium `folder`."""
        found: FolderReader = importlib.import_module(f"{__package__}.{self.reader}").read_folder
        return found

    @property
    def read(self) -> Reader | None:
        """The generator of its cases; its module is imported now, since a run seldom has more than one format."""
        if self.reader is None:
            return None
        module, _, function = self.reader.partition(".")
        found: Reader = getattr(importlib.import_module(f"{__package__}.{module}"), function or "read")
        return found


def _root(*roots: str, unless: Collection[str] = (), inside: Collection[str] = (), attributes: str = "") -> Recogniser:
    """Recognise XML by its root element.

    Without elements of `unless`, with one of `inside`, with attributes that match.
    """
    pattern = re.compile(attributes)
    return lambda seen: (
        seen.medium == "xml"
        and seen.root in roots
        and not seen.inside & set(unless)
        and (not inside or bool(seen.inside & set(inside)))
        and bool(pattern.search(seen.attributes))
    )


def _members(*paths: str, unless: Collection[str] = (), lines: bool | None = None) -> Recogniser:
    """Recognise JSON by paths that all must be there, and some that must not; `lines`: one document a line, or not."""
    return lambda seen: (
        seen.medium in {"json", "json-lines"}
        and seen.has(*paths)
        and not seen.members & set(unless)
        and (lines is None or lines is (seen.medium == "json-lines"))
    )


def _any(*recognisers: Recogniser) -> Recogniser:
    return lambda seen: any(recognise(seen) for recognise in recognisers)


def _text(pattern: str) -> Recogniser:
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda seen: seen.medium in {"text", "json", "json-lines"} and bool(compiled.search(seen.text))


_JUNIT_ROOTS: Final = ("testsuites", "testsuite", "testcase")


def _junit(seen: Look) -> bool:
    return (
        seen.medium == "xml"
        and seen.root in _JUNIT_ROOTS
        and "check.sourceforge.net" not in seen.attributes
        and not foreign.defines_tests(seen)
    )


_GO: Final = re.compile(r"^=== RUN |^(?:ok  |FAIL|\?   )\t\S+", re.MULTILINE)
_TAP: Final = re.compile(r"^(?:TAP version \d+|1\.\.\d+(?:\s|$)|(?:not )?ok(?:\s|$))", re.MULTILINE)


def _tap(seen: Look) -> bool:
    return seen.medium == "text" and not _GO.search(seen.text) and bool(_TAP.search(seen.text))


_INFO: Final = {
    f"info.{name}"
    for name in (
        "summary",
        "description",
        "version",
        "revision",
        "user",
        "startDate",
        "finishDate",
        "testPlanKey",
        "testEnvironments",
        "project",
    )
}


def _xray_json(seen: Look) -> bool:
    if seen.medium != "json" or not seen.top or "[]" in seen.members:
        return False
    if seen.members & {"tests[].testKey", "tests[].testkey", "tests[].testInfo"}:
        return True
    return seen.top <= {"info", "tests", "testExecutionKey"} and bool(
        seen.members & _INFO
        or "testExecutionKey" in seen.top
        or ("tests" in seen.top and "tests[]" not in seen.members)
    )


def _row(
    key: str,
    title: str,
    recognise: Recogniser | None,
    *,
    medium: str,
    family: str | None = None,
    reader: str | None = None,
) -> Format:
    return Format(key=key, title=title, family=family or key, medium=medium, recognise=recognise, reader=reader)


FORMATS: Final[tuple[Format, ...]] = (
    _row("junit", "JUnit XML", _junit, medium="xml", reader="junit"),
    _row("xray-json", "Xray JSON", _xray_json, medium="json", reader="xray_json"),
    _row("nunit3", "NUnit 3 XML", _root("test-run"), medium="xml", family="nunit", reader="nunit"),
    _row("nunit2", "NUnit 2 XML", _root("test-results"), medium="xml", family="nunit", reader="nunit"),
    _row(
        "xunit",
        "xUnit.net XML",
        _any(_root("assemblies"), _root("assembly", attributes=r"test-framework|run-date|total=")),
        medium="xml",
        reader="xunit",
    ),
    _row(
        "trx",
        "Visual Studio TRX",
        _root("TestRun", unless={"FailedTests", "SuccessfulTests"}),
        medium="xml",
        reader="trx",
    ),
    _row("testng", "TestNG results", _root("testng-results"), medium="xml", reader="testng"),
    _row("robot", "Robot Framework output.xml", _root("robot"), medium="xml", reader="robot"),
    _row(
        "robot-json",
        "Robot Framework output.json",
        _members("generator", "generated", "suite"),
        medium="json",
        reader="robot_json",
    ),
    _row(
        "cucumber-json",
        "Cucumber JSON",
        _any(
            _members("[].uri", lines=False),
            _members("[].elements", unless={"[].location"}, lines=False),
            lambda seen: seen.medium == "json" and seen.text.split() in (["[]"], ["[", "]"]),
        ),
        medium="json",
        family="cucumber",
        reader="cucumber_json",
    ),
    _row(
        "cucumber-messages",
        "Cucumber messages",
        _any(_members("meta.protocolVersion"), _members("gherkinDocument"), _members("envelope")),
        medium="lines",
        family="cucumber",
        reader="cucumber_messages",
    ),
    _row(
        "behave-json",
        "Behave JSON",
        _members("[].location", "[].keyword", unless={"[].uri"}, lines=False),
        medium="json",
        family="behave",
        reader="behave_json",
    ),
    _row(
        "playwright-json",
        "Playwright JSON",
        _any(_members("config.rootDir"), _members("suites[].specs")),
        medium="json",
        family="playwright",
        reader="playwright_json",
    ),
    _row(
        "ctrf",
        "CTRF",
        _any(lambda seen: seen.values.get("reportFormat") == "CTRF", _members("results.tool", "results.summary")),
        medium="json",
        reader="ctrf",
    ),
    _row(
        "jest-json",
        "Jest JSON",
        _members("numTotalTests", "numTotalTestSuites", "numRuntimeErrorTestSuites"),
        medium="json",
        family="jest",
        reader="jest",
    ),
    _row(
        "vitest-json",
        "Vitest JSON",
        _members("numTotalTests", "numTotalTestSuites", unless={"numRuntimeErrorTestSuites"}),
        medium="json",
        family="jest",
        reader="jest",
    ),
    _row(
        "mocha-json",
        "Mocha JSON",
        _members("stats.suites", "stats.tests", "tests", unless={"results"}),
        medium="json",
        family="mocha",
        reader="mocha",
    ),
    _row(
        "mocha-json-stream",
        "Mocha JSON stream",
        _text(r'^\["start",\{"total"'),
        medium="lines",
        family="mocha",
        reader="mocha.read_stream",
    ),
    _row(
        "mochawesome",
        "Mochawesome JSON",
        _members("stats.suites", "stats.tests", "results"),
        medium="json",
        family="mocha",
        reader="mochawesome",
    ),
    _row(
        "go-json",
        "go test -json",
        _any(_members("Action", "Package"), _members("Action", "ImportPath")),
        medium="lines",
        family="go",
        reader="go.read_json",
    ),
    _row(
        "go-text",
        "go test -v",
        _text(r"^\s*--- (?:PASS|FAIL|SKIP): .+ \([0-9.]+s\)$|^=== RUN |^(?:ok  |FAIL|\?   )\t\S+\t"),
        medium="lines",
        family="go",
        reader="go.read_text",
    ),
    _row("tap", "TAP", _tap, medium="lines", reader="tap"),
    _row(
        "dart-json",
        "Dart and Flutter test JSON",
        _members("protocolVersion", "runnerVersion"),
        medium="lines",
        family="dart",
        reader="dart",
    ),
    _row(
        "rspec-json",
        "RSpec JSON",
        _any(_members("examples", "summary_line"), _members("examples[].full_description")),
        medium="json",
        family="rspec",
        reader="rspec",
    ),
    _row(
        "pytest-json-report",
        "pytest-json-report",
        _members("exitcode", "summary", "created"),
        medium="json",
        family="pytest",
        reader="pytest_reports.read_json_report",
    ),
    _row(
        "pytest-reportlog",
        "pytest-reportlog",
        _members("$report_type"),
        medium="lines",
        family="pytest",
        reader="pytest_reports.read_reportlog",
    ),
    _row("newman-json", "Newman JSON", _members("collection.item"), medium="json", family="newman", reader="newman"),
    _row(
        "rust-json",
        "Rust libtest JSON",
        _members("type", "event", lines=True),
        medium="lines",
        family="rust",
        reader="rust",
    ),
    _row(
        "gtest-json",
        "GoogleTest JSON",
        _members("testsuites", "tests", "failures"),
        medium="json",
        family="gtest",
        reader="gtest_json",
    ),
    _row(
        "criterion-json",
        "Criterion JSON",
        _members("test_suites", "errored"),
        medium="json",
        family="criterion",
        reader="criterion",
    ),
    _row("ctest-xml", "CTest XML", _root("Site"), medium="xml", family="ctest", reader="ctest"),
    _row("catch2-xml", "Catch2 XML", _root("Catch", "Catch2TestRun"), medium="xml", family="catch2", reader="catch2"),
    _row("doctest-xml", "doctest XML", _root("doctest"), medium="xml", family="doctest", reader="catch2"),
    _row(
        "boost-report-xml",
        "Boost.Test XML",
        _root("TestResult", "TestLog"),
        medium="xml",
        family="boost",
        reader="boost",
    ),
    _row(
        "cppunit-xml",
        "CppUnit XML",
        _root("TestRun", inside={"FailedTests", "SuccessfulTests"}),
        medium="xml",
        family="cppunit",
        reader="cppunit",
    ),
    _row(
        "check-xml",
        "Check XML",
        _root("testsuites", attributes=r"check\.sourceforge\.net"),
        medium="xml",
        family="check",
        reader="check",
    ),
    _row(
        "qtest-xml",
        "Qt Test XML",
        _root("TestCase", inside={"TestFunction"}),
        medium="xml",
        family="qtest",
        reader="qtest",
    ),
    _row(
        "testdox-xml",
        "PHPUnit TestDox XML",
        lambda seen: seen.root == "tests" and "prettifiedClassName" in seen.text,
        medium="xml",
        family="phpunit",
    ),
    _row("allure2-dir", "Allure 2 results", None, medium="folder", family="allure", reader="allure"),
    _row("xrayci", "results collected by xray-ci", lambda seen: seen.medium == "shard", medium="shard", reader="shard"),
    _row("bundle", "zip of reports, unread", None, medium="zip"),
)


def names() -> tuple[str, ...]:
    """Return every name that `format` and `FORMAT=glob` take: keys and families, sorted."""
    return tuple(sorted({name for row in FORMATS for name in (row.key, row.family)}))


def named(name: str) -> tuple[Format, ...]:
    """Return the formats of a key or a family, none for a name that is not known."""
    return tuple(row for row in FORMATS if row.key == name) or tuple(row for row in FORMATS if row.family == name)


def format_of(head: bytes, among: tuple[Format, ...] = FORMATS) -> Format:
    """Say which format the first bytes of a file are, whatever its name; at most `HEAD` of them are used.

    Raises NotAReport, which says what the file is instead, and AmbiguousFormat.
    """
    seen = look(head)
    fits = [row for row in among if row.recognise is not None and row.recognise(seen)]
    if len(fits) > 1:
        raise AmbiguousFormat(f"it fits {' and '.join(row.key for row in fits)}")
    if fits:
        return fits[0]
    if known := foreign.what(seen):
        raise NotAReport(f"it is {known}")
    raise NotAReport(f"it is no test report that xray-ci knows, but {foreign.guess(seen)}")
