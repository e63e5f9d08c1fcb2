"""Files that are often caught by a pattern and are no test report, so that a message can say what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.reports.look import Look

_BINARY: Final = {
    "empty": "an empty file", "blank": "a file of white space", "gzip": "a gzip archive; unpack it first",
    "zip": "a zip archive; unpack it first, or name it `bundle=path` to send it as it is (Server/DC)",
    "bzip2": "a bzip2 archive; unpack it first", "xz": "an xz archive; unpack it first",
    "zstd": "a zstd archive; unpack it first",
    "7z": "a 7z archive; unpack it first", "png": "an image (PNG)", "jpeg": "an image (JPEG)", "gif": "an image (GIF)",
    "pdf": "a PDF document", "program": "a program", "sqlite": "a database (SQLite)",
    "shard": "a file of results collected by xray-ci"}

_ROOTS: Final = {
    "html": "an HTML page", "coverage": "a coverage report (Cobertura or Clover)", "checkstyle": "a lint report (Checkstyle)",
    "project": "a build file", "svg": "an image (SVG)", "urlset": "a sitemap", "sitemapindex": "a sitemap",
    "RunSettings": "settings of a .NET test run", "TestSettings": "settings of a .NET test run", "rss": "a news feed",
    "feed": "a news feed", "plist": "a property list", "BugCollection": "a lint report (SpotBugs)",
    "pmd": "a lint report (PMD)", "pmd-cpd": "a lint report (CPD)", "issues": "a lint report", "configuration": "a configuration file",
    "CoverageSession": "a coverage report (OpenCover)", "testplans": "a test plan, not results",
    "dependency-check": "a scan report"}

_JSON: Final[tuple[tuple[str, Callable[[Look], bool]], ...]] = (
    ("a SARIF report of static analysis", lambda seen: seen.has("runs[].tool") or "sarif" in seen.values.get("$schema", "")),
    ("the `info` of an Xray import, which goes with a report", lambda seen: "xrayFields" in seen.top
     or seen.has("fields.project") or seen.has("fields.issuetype")),
    ("a coverage summary (Istanbul)", lambda seen: seen.has("total.lines.pct") or any(
        path.endswith((".statementMap", ".lines.pct")) for path in seen.members)),
    ("a coverage report", lambda seen: seen.has("meta", "files", "totals")),
    ("a package file", lambda seen: seen.has("name", "version") and bool(
        seen.top & {"scripts", "dependencies", "devDependencies", "lockfileVersion", "main"})),
    ("a Postman collection, not its results", lambda seen: seen.has("info._postman_id", "item")),
    ("an OpenAPI description", lambda seen: bool(seen.top & {"openapi", "swagger"})),
    ("a lint report (ESLint)", lambda seen: seen.has("[].filePath", "[].messages")),
    ("one file of an Allure results folder, which this version does not read", lambda seen: seen.has("uuid") and bool(
        seen.top & {"historyId", "children", "befores", "testCaseId"})),
    ("an error message of a service", lambda seen: bool(seen.top & {"message", "error", "errorMessages", "errors"})
     and len(seen.top) <= 8),  # noqa: PLR2004 - a report has more to say
)


def what(seen: Look) -> str | None:
    """Return in words what a file is that is known not to be a report, or None."""
    if name := _BINARY.get(seen.medium):
        return name
    match seen.medium:
        case "xml":
            return _xml(seen)
        case "json" | "json-lines":
            return next((name for name, matches in _JSON if matches(seen)), None)
        case _:
            return None


def guess(seen: Look) -> str:
    """Return in words what little is known of a file that nobody recognises."""
    match seen.medium:
        case "xml":
            return f"XML with the root element <{seen.root[:60]}>"
        case "json" | "json-lines":
            names = ", ".join(sorted(seen.top)[:6])[:120]
            return f"JSON with {names}" if names else "JSON of another kind"
        case _:
            return "text"


def _xml(seen: Look) -> str | None:
    if seen.root == "report" and (seen.inside & {"sessioninfo", "counter"} or "JACOCO" in seen.text[:500]):
        return "a coverage report (JaCoCo)"
    if seen.root == "project" and "maven.apache.org" in seen.attributes:
        return "a Maven build file (POM)"
    if seen.root == "suite" and seen.inside & {"classes", "packages", "test"}:
        return "a TestNG suite definition, not its results"
    if defines_tests(seen):
        return "a definition of tests (TestLink), not results"
    if seen.root == "assembly" and "urn:schemas-microsoft-com:asm" in seen.attributes:
        return "an application manifest"
    return _ROOTS.get(seen.root)


def defines_tests(seen: Look) -> bool:
    """Say whether elements named like JUnit's define tests instead of telling results (TestLink)."""
    return (seen.root in {"testsuite", "testcase", "testcases"} and not seen.inside & {"failure", "error", "skipped"}
            and bool(seen.inside & {"node_order", "execution_type"} or (seen.root == "testcases" and "steps" in seen.inside)))
