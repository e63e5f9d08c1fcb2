"""THE table of formats: what test tools write, how each is recognised, and which module reads it.

The settings' words, the page of formats, fuzz families and the lists of samples are made from it. Lowest of all: knows
no reader, no settings, and nothing of Xray; costs next to nothing, since the settings import it for `--help`. Whether
Xray has an endpoint for a format is the deployments table's knowledge: its rows name a format's `family`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xray_ci.model import Case, Origin, Place, Problem


_TAG: Final = lazy(r"<([A-Za-z_][\w.:-]*)")


class Look:
    """What can be seen in the first bytes of a file."""

    def __init__(  # each is one thing that is seen
        self,
        *,
        medium: str,
        text: str = "",
        root: str = "",
        attributes: str = "",
        begin: int = -1,
        members: frozenset[str] = frozenset(),
        values: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take what was seen.

        `medium`: `xml`, `json`, `json-lines`, `text`, `empty`, `blank`, or the name of a binary format. Of XML the
        local name of the root element, its attributes as written, and where in the text it stands; of JSON paths such
        as `tests[].status` (`` is the root object, `[]` the element of a root array), and the first text or number at
        each.
        """
        self.medium, self.text = medium, text
        self.root, self.attributes, self.begin = root, attributes, begin
        self.members, self.values = members, values

    @cached_property
    def inside(self) -> frozenset[str]:
        """XML: local names of the elements seen so far, the root among them; looked for when somebody asks."""
        names = _TAG.findall(self.text, self.begin) if self.begin >= 0 else ()
        return frozenset(name.rpartition(":")[2] for name in names)

    def has(self, *paths: str) -> bool:
        """Say whether all these JSON paths were seen."""
        return all(path in self.members for path in paths)

    @property
    def top(self) -> frozenset[str]:
        """Return the names of the root object's members."""
        return frozenset(path for path in self.members if path and "." not in path and "[" not in path)


Recogniser = Callable[[Look], bool]
Reader = Callable[[BinaryIO], Iterator["Case | Problem | Origin"]]
FolderReader = Callable[["Place"], Iterator["Case | Problem"]]
_READERS: Final = "xray_ci.reports"


class Format(NamedTuple):
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
        found: FolderReader = importlib.import_module(f"{_READERS}.{self.reader}").read_folder
        return found

    @property
    def read(self) -> Reader | None:
        """The generator of its cases; its module is imported now, since a run seldom has more than one format."""
        if self.reader is None:
            return None
        module, _, function = self.reader.partition(".")
        found: Reader = getattr(importlib.import_module(f"{_READERS}.{module}"), function or "read")
        return found


def _root(*roots: str, unless: Collection[str] = (), inside: Collection[str] = (), attributes: str = "") -> Recogniser:
    """Recognise XML by its root element.

    Without elements of `unless`, with one of `inside`, with attributes that match.
    """
    return lambda seen: (
        seen.medium == "xml"
        and seen.root in roots
        and not seen.inside & set(unless)
        and (not inside or bool(seen.inside & set(inside)))
        and bool(re.search(attributes, seen.attributes))
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
    compiled = lazy(pattern, re.MULTILINE)
    return lambda seen: seen.medium in {"text", "json", "json-lines"} and bool(compiled.search(seen.text))


_JUNIT_ROOTS: Final = ("testsuites", "testsuite", "testcase")


def defines_tests(seen: Look) -> bool:
    """Say whether elements named like JUnit's define tests instead of telling results (TestLink)."""
    return (
        seen.root in {"testsuite", "testcase", "testcases"}
        and (seen.root == "testcases" or "node_order" in seen.text or "execution_type" in seen.text)
        and not seen.inside & {"failure", "error", "skipped"}
        and bool(
            seen.inside & {"node_order", "execution_type"} or (seen.root == "testcases" and "steps" in seen.inside)
        )
    )


def _junit(seen: Look) -> bool:
    return (
        seen.medium == "xml"
        and seen.root in _JUNIT_ROOTS
        and "check.sourceforge.net" not in seen.attributes
        and not defines_tests(seen)
    )


_OF_ALLURE: Final = frozenset({"historyId", "testCaseId", "fullName", "labels", "statusDetails", "start"})


def is_allure(seen: Look) -> bool:
    """Say whether a document is a result of Allure 2, whatever its file is called."""
    return (
        seen.medium == "json"
        and bool(seen.top & {"uuid", "historyId"})
        and bool(seen.top & {"status", "stage"})
        and bool(seen.top & _OF_ALLURE)
    )


_GO: Final = r"^=== RUN |^(?:ok  |FAIL|\?   )\t\S+"
_TAP: Final = r"^(?:TAP version \d+|1\.\.\d+(?:\s|$)|(?:not )?ok(?:\s|$))"


def _tap(seen: Look) -> bool:
    return _text(_TAP)(seen) and seen.medium == "text" and not _text(_GO)(seen)


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
    medium: str | None = None,
    family: str | None = None,
    reader: str | None = "",
) -> Format:
    """Return a row; what is not said follows from the key: `tool-xml` is XML of `tool`, read by that module."""
    tool, _, ending = key.rpartition("-")
    derived = ending in {"xml", "json"}
    return Format(
        key=key,
        title=title,
        family=family or (tool if derived else key),
        medium=medium or ending,
        recognise=recognise,
        reader=(tool if derived else key).replace("-", "_") if reader == "" else reader,
    )


FORMATS: Final[tuple[Format, ...]] = (
    _row("junit", "JUnit XML", _junit, medium="xml"),
    _row("xray-json", "Xray JSON", _xray_json, family="xray-json", reader="xray_json"),
    _row("nunit3", "NUnit 3 XML", _root("test-run"), medium="xml", family="nunit", reader="nunit"),
    _row("nunit2", "NUnit 2 XML", _root("test-results"), medium="xml", family="nunit", reader="nunit"),
    _row(
        "xunit",
        "xUnit.net XML",
        _any(_root("assemblies"), _root("assembly", attributes=r"test-framework|run-date|total=")),
        medium="xml",
    ),
    _row("trx", "Visual Studio TRX", _root("TestRun", unless={"FailedTests", "SuccessfulTests"}), medium="xml"),
    _row("testng", "TestNG results", _root("testng-results"), medium="xml"),
    _row("robot", "Robot Framework output.xml", _root("robot"), medium="xml"),
    _row(
        "robot-json",
        "Robot Framework output.json",
        _members("generator", "generated", "suite"),
        family="robot-json",
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
        reader="cucumber_json",
    ),
    _row(
        "cucumber-messages",
        "Cucumber messages",
        _any(_members("meta.protocolVersion"), _members("gherkinDocument"), _members("envelope")),
        medium="lines",
        family="cucumber",
    ),
    _row(
        "behave-json",
        "Behave JSON",
        _members("[].location", "[].keyword", unless={"[].uri"}, lines=False),
        reader="behave_json",
    ),
    _row(
        "playwright-json",
        "Playwright JSON",
        _any(_members("config.rootDir"), _members("suites[].specs")),
        reader="playwright_json",
    ),
    _row(
        "ctrf",
        "CTRF",
        _any(lambda seen: seen.values.get("reportFormat") == "CTRF", _members("results.tool", "results.summary")),
        medium="json",
    ),
    _row("jest-json", "Jest JSON", _members("numTotalTests", "numTotalTestSuites", "numRuntimeErrorTestSuites")),
    _row(
        "vitest-json",
        "Vitest JSON",
        _members("numTotalTests", "numTotalTestSuites", unless={"numRuntimeErrorTestSuites"}),
        family="jest",
        reader="jest",
    ),
    _row("mocha-json", "Mocha JSON", _members("stats.suites", "stats.tests", "tests", unless={"results"})),
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
    ),
    _row(
        "go-json",
        "go test -json",
        _any(_members("Action", "Package"), _members("Action", "ImportPath")),
        medium="lines",
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
    _row("tap", "TAP", _tap, medium="lines"),
    _row("dart-json", "Dart and Flutter test JSON", _members("protocolVersion", "runnerVersion"), medium="lines"),
    _row(
        "rspec-json", "RSpec JSON", _any(_members("examples", "summary_line"), _members("examples[].full_description"))
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
    _row("newman-json", "Newman JSON", _members("collection.item")),
    _row("rust-json", "Rust libtest JSON", _members("type", "event", lines=True), medium="lines"),
    _row("gtest-json", "GoogleTest JSON", _members("testsuites", "tests", "failures"), reader="gtest_json"),
    _row("criterion-json", "Criterion JSON", _members("test_suites", "errored")),
    _row("ctest-xml", "CTest XML", _root("Site")),
    _row("catch2-xml", "Catch2 XML", _root("Catch", "Catch2TestRun")),
    _row("doctest-xml", "doctest XML", _root("doctest"), reader="catch2"),
    _row("boost-report-xml", "Boost.Test XML", _root("TestResult", "TestLog"), family="boost", reader="boost"),
    _row("cppunit-xml", "CppUnit XML", _root("TestRun", inside={"FailedTests", "SuccessfulTests"})),
    _row("check-xml", "Check XML", _root("testsuites", attributes=r"check\.sourceforge\.net")),
    _row("qtest-xml", "Qt Test XML", _root("TestCase", inside={"TestFunction"})),
    _row(
        "testdox-xml",
        "PHPUnit TestDox XML",
        lambda seen: seen.root == "tests" and "prettifiedClassName" in seen.text,
        family="phpunit",
        reader=None,
    ),
    _row("allure2-dir", "Allure 2 results", is_allure, medium="folder", family="allure", reader="allure"),
    _row(
        "open-test-reporting",
        "Open Test Reporting",
        _root("events", "execution", attributes=r"schemas\.opentest4j\.org/reporting/"),
        medium="xml",
    ),
    _row(
        "xcresult-json",
        "Xcode test results JSON",
        _any(
            _members("testNodes[].nodeType"),
            _members("testNodes[].children"),
            _members("testNodes", "testPlanConfigurations"),
        ),
    ),
    _row("karate-json", "Karate JSON", _members("scenarioResults")),
    _row(
        "ginkgo-json",
        "Ginkgo JSON",
        _any(_members("[].SuitePath", "[].SuiteDescription", lines=False), _members("[].SpecReports", lines=False)),
    ),
    _row(
        "serenity-json",
        "Serenity JSON",
        _any(
            _members("userStory", "testSource"), _members("testSteps", "userStory"), _members("userStory", "featureTag")
        ),
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
    ),
    _row(
        "twister-json",
        "Zephyr Twister JSON",
        _any(_members("testsuites[].platform"), _members("environment.zephyr_version", "testsuites")),
    ),
    _row(
        "k6-summary",
        "k6 summary",
        _any(_members("metrics", "root_group"), _members("metrics.checks.passes")),
        medium="json",
        family="k6",
        reader="k6",
    ),
    _row("parasoft-xml", "Parasoft report", _root("ResultsSession")),
    _row(
        "teststand-xml",
        "TestStand XML",
        _any(_root("Reports", inside={"Report"}), _root("Report", attributes=r"\bType=['\"]UUT['\"]")),
    ),
    _row(
        "atml-xml", "ATML test results", _root("TestResultsCollection", "TestResults", attributes=r"IEEE-1636\.1|ATML")
    ),
    _row("canoe-xml", "Vector CANoe XML", _root("testmodule", "testunit")),
    _row("ranorex-xml", "Ranorex log data", _root("report", inside={"activity"})),
    _row("squish-xml", "Squish xml3", _root("SquishReport")),
    _row("uft-xml", "UFT One run results", _root("Results", inside={"ReportNode"})),
    _row("cunit-xml", "CUnit XML", _root("CUNIT_TEST_RUN_REPORT")),
    _row("unittestpp-xml", "UnitTest++ XML", _root("unittest-results")),
    _row("abap-xml", "ABAP Unit results", _root("runResult")),
    _row(
        "inspec-json",
        "InSpec JSON",
        _any(_members("profiles[].controls"), _members("profiles", "statistics", "platform")),
    ),
    _row(
        "jmeter-jtl",
        "JMeter JTL",
        _any(
            _root("testResults", inside={"sample", "httpSample"}),
            _root("testResults", attributes=r"\bversion="),
            _text(r"\AtimeStamp[,;|\t]elapsed[,;|\t]"),
        ),
        medium="lines",
        family="jmeter",
        reader="jmeter",
    ),
    _row("meson-json", "Meson testlog.json", _members("name", "result", "returncode", "command"), medium="lines"),
    _row("allure1-xml", "Allure 1 XML", _root("test-suite", attributes=r"allure")),
    _row("testcafe-json", "TestCafe JSON", _members("fixtures", "userAgents")),
    _row("android-cts-xml", "Android CTS results", _root("Result", inside={"Module", "Summary", "Build"})),
    _row("sonar-xml", "SonarQube test executions", _root("testExecutions", "unitTest")),
    _row("xrayci", "results collected by xray-ci", lambda seen: seen.medium == "shard", medium="shard", reader="shard"),
    _row("playwright-blob", "Playwright blob", None, medium="zip", family="playwright", reader="playwright_blob"),
    _row("packed", "gzip or zip around reports", None, medium="zip"),
    _row("bundle", "zip of reports, unread", None, medium="zip", reader=None),
)


def names() -> tuple[str, ...]:
    """Return every name that `format` and `FORMAT=glob` take: keys and families, sorted."""
    return tuple(sorted({name for row in FORMATS for name in (row.key, row.family)}))


@cache
def named(name: str) -> tuple[Format, ...]:
    """Return the formats of a key or a family, none for a name that is not known."""
    return tuple(row for row in FORMATS if row.key == name) or tuple(row for row in FORMATS if row.family == name)


TAGGED: Final = frozenset({"robot", "cucumber", "behave", "karate", "serenity"})
"""Families in which bare tags name Tests; Xray's own export of features writes keys of other issues beside them (D)."""
