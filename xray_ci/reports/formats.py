"""The reports that test tools write: THE table of formats, and which of them some bytes are.

Left of everything that knows Xray. Whether Xray has an endpoint for a format is the deployments table's knowledge: its
rows name a format's `family`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.errors import AmbiguousFormat, NotAReport
from xray_ci.model import Case, Origin, Place, Problem
from xray_ci.reports import detect as foreign
from xray_ci.reports.detect import Look, look

if TYPE_CHECKING:
    from collections.abc import Collection


Recogniser = Callable[[Look], bool]
Reader = Callable[[BinaryIO], Iterator[Case | Problem | Origin]]
FolderReader = Callable[[Place], Iterator[Case | Problem]]


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
    _row(
        "open-test-reporting",
        "Open Test Reporting",
        _root("events", "execution", attributes=r"schemas\.opentest4j\.org/reporting/"),
        medium="xml",
        reader="open_test_reporting",
    ),
    _row(
        "xcresult-json",
        "Xcode test results JSON",
        _any(
            _members("testNodes[].nodeType"),
            _members("testNodes[].children"),
            _members("testNodes", "testPlanConfigurations"),
        ),
        medium="json",
        family="xcresult",
        reader="xcresult",
    ),
    _row("karate-json", "Karate JSON", _members("scenarioResults"), medium="json", family="karate", reader="karate"),
    _row(
        "ginkgo-json",
        "Ginkgo JSON",
        _any(_members("[].SuitePath", "[].SuiteDescription", lines=False), _members("[].SpecReports", lines=False)),
        medium="json",
        family="ginkgo",
        reader="ginkgo",
    ),
    _row(
        "serenity-json",
        "Serenity JSON",
        _any(
            _members("userStory", "testSource"), _members("testSteps", "userStory"), _members("userStory", "featureTag")
        ),
        medium="json",
        family="serenity",
        reader="serenity",
    ),
    _row(
        "apex-json",
        "Salesforce Apex test JSON",
        _any(
            _members("result.summary.testRunId"),
            _members("summary.testRunId"),
            _members("result.tests[].ApexClass"),
            _members("tests[].ApexClass"),
            _members("result.summary.testsRan"),
            _members("summary.testsRan"),
        ),
        medium="json",
        family="apex",
        reader="apex",
    ),
    _row(
        "twister-json",
        "Zephyr Twister JSON",
        _any(_members("testsuites[].platform"), _members("environment.zephyr_version", "testsuites")),
        medium="json",
        family="twister",
        reader="twister",
    ),
    _row(
        "k6-summary",
        "k6 summary",
        _any(_members("metrics", "root_group"), _members("metrics.checks.passes")),
        medium="json",
        family="k6",
        reader="k6",
    ),
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
