"""Which format some bytes are: by what is in them, never by name."""

import json
from pathlib import Path

import pytest

from xray_ci.errors import NotAReport
from xray_ci.formats import FORMATS, named, names
from xray_ci.reports.detect import format_of

DATA = Path(__file__).parents[1] / "data" / "reports"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
SAMPLES = {
    "junit": [
        "<testsuites/>",
        "<testsuite name='a'/>",
        "<testcase/>",
        "<!-- c --><?pi?><!DOCTYPE x [<!ENTITY a 'b'>]>\n<j:testsuites xmlns:j='u'/>",
        "npm warn <b>\n<?xml version='1.0'?>\n<testsuites>",
        "\0\x01<ok>\n<testsuite errors='1'>",
        "<testsuite tests='1' name='cart<grp>'>",
    ],
    "xray-json": [
        '{"tests": [{"testKey": "A-1", "status": "PASSED"}]}',
        '{"info": {"summary": "x"}}',
        '{"testExecutionKey": "A-1", "tests": []}',
        '{"tests": [{"testInfo": {"summary": "x"',
    ],
    "nunit3": ["<test-run id='2'/>"],
    "nunit2": ["<test-results name='x'/>"],
    "xunit": ["<assemblies/>", "<assembly name='x' run-date='2024-01-01'/>"],
    "trx": ["<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'/>"],
    "testng": ["<testng-results/>"],
    "robot": ["<robot generator='x'/>"],
    "robot-json": ['{"generator": "Robot 7", "generated": "x", "suite": {}}'],
    "cucumber-json": ["[]", "[\n]\n", '[{"uri": "a.feature", "elements": []}]', '[{"elements": [{"steps": []}]}]'],
    "cucumber-messages": ['{"meta":{"protocolVersion":"32"}}\n{"source":{}}'],
    "behave-json": ['[{"keyword": "Feature", "location": "a.feature:1", "elements": []}]'],
    "playwright-json": ['{"config": {"rootDir": "/x"}, "suites": []}'],
    "ctrf": ['{"reportFormat": "CTRF", "results": {}}', '{"results": {"tool": {}, "summary": {}}}'],
    "jest-json": ['{"numTotalTests": 1, "numTotalTestSuites": 1, "numRuntimeErrorTestSuites": 0}'],
    "vitest-json": ['{"numTotalTests": 1, "numTotalTestSuites": 1}'],
    "mocha-json": ['\x1b[32mgreen\n{\n "stats": {"suites": 1, "tests": 1}, "tests": []}'],
    "mocha-json-stream": ['["start",{"total":15}]\n["pass",{}]'],
    "mochawesome": ['{"stats": {"suites": 1, "tests": 1}, "results": []}'],
    "go-json": ['FAIL x\n{"Action":"run","Package":"p"}\n{"Action":"pass","Package":"p"}'],
    "go-text": ["=== RUN   TestA\n--- PASS: TestA (0.00s)\nok\n"],
    "tap": ["TAP version 13\n", "1..4\nok 1", "noise\nnot ok 2 - x"],
    "dart-json": ['{"protocolVersion":"0.1.1","runnerVersion":"1"}'],
    "rspec-json": ['{"examples": [], "summary_line": "0"}'],
    "pytest-json-report": ['{"created": 1, "exitcode": 0, "summary": {}}'],
    "pytest-reportlog": ['{"pytest_version": "9", "$report_type": "SessionStart"}'],
    "newman-json": ['{"collection": {"item": []}, "run": {}}'],
    "rust-json": ['{"type": "suite", "event": "started"}\n{"type": "test", "event": "ok"}'],
    "gtest-json": ['{"tests": 1, "failures": 0, "testsuites": []}'],
    "criterion-json": ['{"errored": 0, "test_suites": []}'],
    "ctest-xml": ["<Site Name='x'/>"],
    "catch2-xml": ["<Catch name='x'/>", "<Catch2TestRun/>"],
    "doctest-xml": ["<doctest/>"],
    "boost-report-xml": ["<TestResult/>"],
    "cppunit-xml": ["<TestRun><FailedTests/></TestRun>"],
    "check-xml": ["<testsuites xmlns='http://check.sourceforge.net/ns'/>"],
    "qtest-xml": ["<TestCase name='T'><TestFunction/></TestCase>"],
    "testdox-xml": ["<tests><test prettifiedClassName='x'/></tests>"],
    "open-test-reporting": [
        "<e:events xmlns:e='https://schemas.opentest4j.org/reporting/events/0.2.0'/>",
        "<h:execution xmlns:h='https://schemas.opentest4j.org/reporting/hierarchy/0.1.0'/>",
    ],
    "xcresult-json": [
        '{"testNodes": [{"name": "Shop", "nodeType": "Test Plan", "children": []}]}',
        '{"devices": [], "testNodes": [{"children": [{"children": []}]}]}',
        '{"testNodes": [], "testPlanConfigurations": []}',
    ],
    "karate-json": ['{"scenarioResults": [{"failed": false}]}', '{"scenarioResults": [], "name": "a"}'],
    "ginkgo-json": ['[{"SuitePath": "/a", "SuiteDescription": "A", "SpecReports": null}]'],
    "serenity-json": [
        '{"name": "a", "testSteps": [], "userStory": {"id": "b"}}',
        '{"userStory": {"id": "b"}, "testSource": "JUnit"}',
    ],
    "apex-json": [
        '{"status": 0, "result": {"summary": {"outcome": "Passed", "testRunId": "707"}, "tests": []}}',
        '{"summary": {"testRunId": "707"}, "tests": []}',
        '{"result": {"tests": [{"ApexClass": {"Name": "A"}}]}}',
    ],
    "twister-json": [
        '{"environment": {"os": "posix", "zephyr_version": "v4"}, "testsuites": []}',
        '{"testsuites": [{"name": "a", "platform": "b"}]}',
    ],
    "allure2-dir": [
        '{"uuid": "1", "historyId": "a", "status": null}',
        '{"name": "a", "stage": "finished", "start": 1, "historyId": "b"}',
    ],
    "k6-summary": ['{"metrics": {"vus": {"value": 1}}, "root_group": {"name": ""}}'],
    "xrayci": ["\0xray-ci shard 1\n", "\0xray-ci shard 2\nR"],
}


@pytest.mark.parametrize("row", [row for row in FORMATS if row.recognise], ids=lambda row: row.key)
def test_each_row_is_recognised(row):
    """A row of the table has samples, each fits it and no other row."""
    texts = [text.encode() for text in SAMPLES.get(row.key, ())] + _reports(row.key)

    assert texts, f"there is no sample of {row.key}: add one to tests/data/reports/expected.json"
    assert [row.key] * len(texts) == [format_of(text).key for text in texts]


def _reports(key):
    """Return the reports of a format that lie among the samples."""
    return [
        (DATA / name).read_bytes()
        for name, held in EXPECTED.items()
        if held["format"] == key and held["expect"] == "ok" and (DATA / name).is_file()
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
@pytest.mark.parametrize("key", ["junit", "xray-json", "nunit3", "cucumber-json"])
def test_the_encoding_does_not_matter(key, encoding):
    """Recognising looks at text, not at bytes."""
    assert key == format_of(SAMPLES[key][0].encode(encoding)).key


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b" \n\t", "white space"),
        (b"\xef\xbb\xbf\n", "white space"),
        (b"\0" * 100, "white space"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"\x89PNG\r\n", "image"),
        (b"<!doctype html><title>Log in</title>", "HTML"),
        (b"<html><testsuite/></html>", "HTML"),
        (b"<coverage line-rate='1'/>", "coverage"),
        (b"<report><counter/></report>", "JaCoCo"),
        (b"<checkstyle/>", "lint"),
        (b"<project xmlns='http://maven.apache.org/POM/4.0.0'/>", "Maven"),
        (b"<suite><test><classes/></test></suite>", "TestNG suite definition"),
        (b"<testsuite name='x'><node_order>1</node_order><testcase internalid='1'/></testsuite>", "TestLink"),
        (b"<RunSettings/>", "settings"),
        (b'{"$schema": "sarif", "runs": [{"tool": {}}]}', "SARIF"),
        (b'{"fields": {"project": {"key": "A"}}}', "`info`"),
        (b'{"name": "a", "version": "1", "scripts": {}}', "package"),
        (b'{"info": {"_postman_id": "1", "name": "x"}, "item": []}', "Postman"),
        (b'{"openapi": "3", "info": {"title": "x", "version": "1"}}', "OpenAPI"),
        (b'{"message": "Not Found", "status": 404}', "error message"),
        (b"[1, 2]", "JSON of another kind"),
        (b"<RunnerResult/>", "zUnit"),
        (b"<gtester/>", "gtester"),
        (b"<testResults><FitNesseVersion/></testResults>", "FitNesse"),
        (b'{"results": [{"resource-id": "/tmp"}]}', "Goss"),
        (b'{"ExecutionResults": [{"ScenarioTitle": "a"}]}', "SpecFlow"),
        (b"make: *** Stop.", "text"),
        (b"<foo/>", "root element <foo>"),
        (b'{"a": 1}', "JSON with a"),
    ],
)
def test_what_is_no_report_is_named(content, what):
    """The message says what the file is instead."""
    with pytest.raises(NotAReport, match=what):
        format_of(content)


def test_names_are_keys_and_families():
    """`format` takes both; a family stands for all its rows."""
    assert {"nunit", "nunit2", "nunit3", "cucumber", "bundle"} <= set(names())
    assert [row.key for row in named("nunit")] == ["nunit3", "nunit2"]
    assert [row.key for row in named("junit")] == ["junit"]
    assert named("nonsense") == ()


def test_a_family_is_told_apart_by_content():
    """Within the rows of a family only these are asked."""
    assert format_of(b"<test-results/>", named("nunit")).key == "nunit2"
    with pytest.raises(NotAReport):
        format_of(b"<testsuites/>", named("nunit"))


def test_a_bundle_is_never_recognised():
    """A zip is sent unread only where somebody says so."""
    assert [row.recognise for row in FORMATS if row.key == "bundle"] == [None]
