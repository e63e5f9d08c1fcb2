"""What the first bytes of a file show: its medium, the root element and names in it, or the paths of its JSON members.

Knows XML, JSON and lines; knows no format of reports: those ask a `Look`. Whatever the bytes, looking never fails.

Files that are often caught by a pattern and are no test report, so that a message can say what they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.errors import AmbiguousFormat, NotAReport
from xray_ci.formats import FORMATS, Format, Look, defines_tests
from xray_ci.patterns import lazy
from xray_ci.reports.xml import head_text

if TYPE_CHECKING:
    from collections.abc import Callable


HEAD: Final = 65_536
"""Bytes that are looked at."""
_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\0xray-ci shard ", "shard"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"%PDF", "pdf"),
    (b"\x7fELF", "program"),
    (b"SQLite format 3", "sqlite"),
)
_MAGICS: Final = tuple(magic for magic, _ in _MAGIC)
_PROLOGUE: Final = lazy(r"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_NAME: Final = r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*"
_ROOT: Final = lazy(rf"<(?P<name>{_NAME})(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)")
_JUNK_ROOT: Final = lazy(
    r"<(?:[A-Za-z_][\w.-]{0,40}:)?(?P<name>testsuites|testsuite|testcase)(?P<attributes>[^<>]{0,2000})[\s/>]"
)
_TAP_HEAD: Final = lazy(r"TAP version \d+|1\.\.\d+(?:\s|$)|(?:not )?ok(?: |$)")
_DECLARED: Final = lazy(r"<\?xml\s")
_JSON_START: Final = lazy(r"^[\[{](?=\s*[\[\]{}\"\d-])", re.MULTILINE)
_TOKEN: Final = lazy(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]++', re.DOTALL)
_TOKENS: Final = 6_000
_CANDIDATES: Final = 20
"""Places after log lines where JSON may begin."""
_DEEP: Final = 5


def unreadable(head: bytes) -> str | None:
    """Return the medium of a file that holds no text at all, or None."""
    if not head.strip(b"\xef\xbb\xbf\0 \t\r\n"):
        return "blank" if head else "empty"
    if not head.startswith(_MAGICS):
        return None
    return next(name for magic, name in _MAGIC if head.startswith(magic))


def look(head: bytes) -> Look:
    """Look at the first bytes of a file (at most 64 KiB are used)."""
    head = head[:HEAD]
    if name := unreadable(head):
        return Look(medium=name)
    text = head_text(head)
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[0] == "<" and (seen := _xml(stripped)):
        return seen
    if stripped[0] in "{[" and (seen := _json(stripped)).members:
        return seen
    if _TAP_HEAD.match(stripped):
        return Look(medium="text", text=text)  # what its diagnoses quote is no report
    return _behind_junk(text)


def _behind_junk(text: str) -> Look:
    """Look for a report after log lines, which tools write into the same stream."""
    if found := _DECLARED.search(text):
        seen = _xml(text[found.start() :])
        if seen is not None:
            return seen
    if found := _JUNK_ROOT.search(text):
        return Look(medium="xml", text=text, root=found["name"], attributes=found["attributes"], begin=found.start())
    for _, found in zip(range(_CANDIDATES), _JSON_START.finditer(text), strict=False):
        seen = _json(text[found.start() :])
        if seen.members - {"", "[]"}:
            return seen
    return Look(medium="text", text=text)


def _xml(text: str) -> Look | None:
    start = _PROLOGUE.match(text)
    at = start.end() if start else 0
    if text[:9].lower() == "<!doctype" and "html" in text[9:40].lower():
        return Look(medium="xml", text=text, root="html", begin=0)
    found = _ROOT.match(text, at)
    if found is None:
        return None
    return Look(
        medium="xml", text=text, root=found["name"].rpartition(":")[2], attributes=found["attributes"], begin=at
    )


def _json(text: str) -> Look:
    """Collect member paths from JSON that is cut off, or broken further on."""
    members: set[str] = set()
    values: dict[str, str] = {}
    stack: list[tuple[str, str]] = []  # bracket, path
    path = key = ""
    expects_key = False
    documents = 0
    for count, token in enumerate(_TOKEN.finditer(text)):
        word = token[0]
        if count > _TOKENS or (not stack and documents and word not in "{["):
            break
        if word in "{[":
            documents += not stack
            path = _join(stack, key)
            members.add(path)
            stack.append((word, path))
            expects_key = word == "{"
        elif word in "}]":
            if stack:
                stack.pop()
            expects_key = False
        elif word == ",":
            expects_key = bool(stack) and stack[-1][0] == "{"
        elif word == ":":
            expects_key = False
        elif expects_key:
            key = word.strip('"')
        elif stack and len(stack) < _DEEP:
            path = _join(stack, key)
            members.add(path)
            values.setdefault(path, word.strip('"')[:200])
        if documents > 1:
            break
    return Look(medium="json-lines" if documents > 1 else "json", text=text, members=frozenset(members), values=values)


def _join(stack: list[tuple[str, str]], key: str) -> str:
    if not stack:
        return ""
    bracket, path = stack[-1]
    if bracket == "[":
        return f"{path}[]"
    return f"{path}.{key}" if path else key


_EMPTY: Final = "The test tool was stopped before it wrote a result, or crashed: look at its own log, and run it again."
_BINARY: Final = {
    "empty": "an empty file",
    "blank": "a file of white space",
    "gzip": "a gzip archive; unpack it first",
    "zip": "a zip archive; unpack it first, or name it `bundle=path` to send it as it is (Server/DC)",
    "bzip2": "a bzip2 archive; unpack it first",
    "xz": "an xz archive; unpack it first",
    "zstd": "a zstd archive; unpack it first",
    "7z": "a 7z archive; unpack it first",
    "png": "an image (PNG)",
    "jpeg": "an image (JPEG)",
    "gif": "an image (GIF)",
    "pdf": "a PDF document",
    "program": "a program",
    "sqlite": "a database (SQLite)",
    "shard": "a file of results collected by xray-ci",
}

_ROOTS: Final = {
    "html": "an HTML page",
    "coverage": "a coverage report (Cobertura or Clover)",
    "checkstyle": "a lint report (Checkstyle)",
    "project": "a build file",
    "svg": "an image (SVG)",
    "urlset": "a sitemap",
    "sitemapindex": "a sitemap",
    "RunSettings": "settings of a .NET test run",
    "TestSettings": "settings of a .NET test run",
    "rss": "a news feed",
    "feed": "a news feed",
    "plist": "a property list",
    "BugCollection": "a lint report (SpotBugs)",
    "pmd": "a lint report (PMD)",
    "pmd-cpd": "a lint report (CPD)",
    "issues": "a lint report",
    "configuration": "a configuration file",
    "CoverageSession": "a coverage report (OpenCover)",
    "testplans": "a test plan, not results",
    "dependency-check": "a scan report",
    "RunnerResult": "a report of zUnit, which is not read: let the tool write JUnit XML",
    "gtester": "a report of GLib's gtester, which is not read: let the tests write TAP",
    "testResults": "a report of FitNesse, which is not read: let it write JUnit XML",
    "Benchmark": "results of OpenSCAP, which are not read",
    "mutations": "a mutation report (PIT)",
    "failsafe-summary": "a summary of Maven's Failsafe, not its reports",
}

_JSON: Final[tuple[tuple[str, Callable[[Look], bool]], ...]] = (
    (
        "a SARIF report of static analysis",
        lambda seen: seen.has("runs[].tool") or "sarif" in seen.values.get("$schema", ""),
    ),
    (
        "the `info` of an Xray import, which goes with a report",
        lambda seen: "xrayFields" in seen.top or seen.has("fields.project") or seen.has("fields.issuetype"),
    ),
    (
        "a coverage summary (Istanbul)",
        lambda seen: (
            seen.has("total.lines.pct") or any(path.endswith((".statementMap", ".lines.pct")) for path in seen.members)
        ),
    ),
    ("a coverage report", lambda seen: seen.has("meta", "files", "totals")),
    (
        "a package file",
        lambda seen: (
            seen.has("name", "version")
            and bool(seen.top & {"scripts", "dependencies", "devDependencies", "lockfileVersion", "main"})
        ),
    ),
    ("a Postman collection, not its results", lambda seen: seen.has("info._postman_id", "item")),
    ("an OpenAPI description", lambda seen: bool(seen.top & {"openapi", "swagger"})),
    ("a lint report (ESLint)", lambda seen: seen.has("[].filePath", "[].messages")),
    ("a report of Goss, which is not read: let it write JUnit XML", lambda seen: seen.has("results[].resource-id")),
    (
        "results of SpecFlow, which are not read: let it write TRX or Cucumber messages",
        lambda seen: seen.has("ExecutionResults[].ScenarioTitle"),
    ),
    (
        "a file of Allure about fixtures, which belongs to the results beside it",
        lambda seen: seen.has("uuid") and bool(seen.top & {"children", "befores", "afters"}),
    ),
    (
        "an error message of a service",
        lambda seen: bool(seen.top & {"message", "error", "errorMessages", "errors"}) and len(seen.top) <= 8,  # noqa: PLR2004
    ),
)


def what(seen: Look) -> str | None:
    """Return in words what a file is that is known not to be a report, or None."""
    if name := _BINARY.get(seen.medium):
        return name
    match seen.medium:
        case "xml":
            return _known_xml(seen)
        case "json" | "json-lines":
            return next((name for name, matches in _JSON if matches(seen)), None)
        case _:
            return None


_OF_XML: Final = frozenset({"xml", "lines"})
"""Media of formats that may be XML: JMeter writes either that or lines."""
_XML_ROWS: Final = tuple(row for row in FORMATS if row.medium in _OF_XML)
_BESIDE: Final = lazy(
    r"it is (?:a coverage |a lint |a scan |a mutation report|a copy of test results for |a summary of Maven's Failsafe|"
    r"a TestNG suite definition|a SARIF |a package file|a build file|a Maven build file)"
)


def beside(cause: str) -> bool:
    """Say whether a refused file is one that build tools write beside reports, so that nothing is lost with it."""
    return _BESIDE.match(cause) is not None


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


def _known_xml(seen: Look) -> str | None:
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


def format_of(head: bytes, among: tuple[Format, ...] = FORMATS) -> Format:
    """Say which format the first bytes of a file are, whatever its name; at most `HEAD` of them are used.

    Raises NotAReport, which says what the file is instead, and AmbiguousFormat.
    """
    seen = look(head)
    if seen.medium == "xml":
        among = _XML_ROWS if among is FORMATS else tuple(row for row in among if row.medium in _OF_XML)
    fits = [row for row in among if row.recognise is not None and row.recognise(seen)]
    if len(fits) > 1:
        raise AmbiguousFormat(f"it fits {' and '.join(row.key for row in fits)}")
    if fits:
        return fits[0]
    if known := what(seen):
        raise NotAReport(f"it is {known}", advice=_EMPTY if seen.medium in ("empty", "blank") else None)
    raise NotAReport(f"it is no test report that xray-ci knows, but {guess(seen)}")
