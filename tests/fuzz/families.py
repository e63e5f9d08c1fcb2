"""THE table of fuzz targets: which readers each covers, what its inputs are, and where its inputs are kept.

Knows the formats table; knows nothing of the fuzzer. An agreement test holds that every reader is in exactly one
family.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz import collected, input_laws, laws, state
from xray_ci.formats import FORMATS

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
REGRESSIONS = HERE / "regressions"
SAMPLES = HERE.parent / "data" / "reports"
GOLDEN = HERE.parent / "data" / "golden"
_EXPECTED = (".cases.json", ".cloud.json", ".server.json")
"""How the names of what the samples there come to end."""
SAMPLE_LIMIT = 20_000
"""Bytes of the largest sample that a fuzzer starts from: it is slow with more."""
_CUT = re.compile(rb"(?m)^==== ([\w.-]{1,80})\n")
_NAMELESS = b"0f8fad5b-d9cb-469f-a165-70867728950e-result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One fuzz target."""

    key: str
    medium: str
    """`xml`, `json`, `lines` or `text`: how inputs are mutated."""
    samples: tuple[str, ...]
    """Samples of the tests to start from besides the stored corpus: patterns below their folder."""
    modules: tuple[str, ...] = ()
    """Modules with a reader, as the formats table names them."""
    others: tuple[str, ...] = ()
    """Modules beside them whose words are worth trying; with a folder those of other rooms."""
    judge: Callable[[bytes, tuple[str, ...]], object] = laws.reports


def folder(content: bytes) -> dict[str, bytes]:
    """Return the files of a folder that is written as one input: `==== NAME` on a line of its own before each."""
    first, *rest = _CUT.split(content)
    files = dict(zip(rest[::2], rest[1::2], strict=True)) or {_NAMELESS: first}
    return {name.decode(): text for name, text in files.items() if name.strip(b".")}


def _folder(content: bytes, _modules: tuple[str, ...]) -> None:
    laws.folder(folder(content))


def _packed(content: bytes, _modules: tuple[str, ...]) -> None:
    """Read bytes as they are, by gzip, and as the events of a blob."""
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w") as archive:
        archive.writestr("report.jsonl", content)
    for each in (content, gzip.compress(content), blob.getvalue()):
        laws.reports(each, ("packed", "playwright_blob"))


def _collected(content: bytes, modules: tuple[str, ...]) -> None:
    laws.reports(collected.packed(content), modules)


_NAMED = (
    Family(
        key="xml-junit",
        medium="xml",
        samples=("junit/*.xml",),
        modules=("junit",),
        others=("junit_case", "author_marks", "texts"),
    ),
    Family(
        key="xml-dotnet",
        medium="xml",
        samples=("nunit/*", "xunit/*", "trx/*"),
        modules=("nunit", "xunit", "trx"),
        others=("elements",),
    ),
    Family(key="xml-jvm", medium="xml", samples=("testng/*",), modules=("testng",), others=("elements",)),
    Family(key="robot", medium="xml", samples=("robot/*",), modules=("robot", "robot_json"), others=("robot",)),
    Family(
        key="native-xml",
        medium="xml",
        samples=("native/*.xml",),
        modules=("ctest", "catch2", "boost", "cppunit", "check", "qtest"),
        others=("elements",),
    ),
    Family(
        key="native-json",
        medium="json",
        samples=("native/*.json",),
        modules=("gtest_json", "criterion"),
        others=("lines",),
    ),
    Family(
        key="json-cucumber",
        medium="json",
        samples=("cucumber-json/*", "behave-json/*"),
        modules=("cucumber_json", "behave_json"),
        others=("gherkin", "texts", "author_marks"),
    ),
    Family(
        key="json-js",
        medium="json",
        samples=("jest-json/*", "vitest-json/*", "mocha-json/*.json", "playwright-json/*", "newman-json/*"),
        modules=("jest", "mocha", "mochawesome", "playwright_json", "newman"),
        others=("author_marks", "mocha", "members"),
    ),
    Family(
        key="json-other",
        medium="json",
        samples=("ctrf/*", "rspec-json/*", "pytest-json/*.json", "xray-json/*"),
        modules=("ctrf", "rspec", "pytest_reports.read_json_report", "xray_json"),
        others=("pytest_reports", "xray_json", "members"),
    ),
    Family(
        key="json-lines",
        medium="lines",
        samples=(
            "go-json/*.jsonl",
            "mocha-json/*.jsonl",
            "native/*.jsonl",
            "pytest-json/*.jsonl",
            "cucumber-messages/*",
        ),
        modules=(
            "go.read_json",
            "dart",
            "rust",
            "mocha.read_stream",
            "pytest_reports.read_reportlog",
            "cucumber_messages",
        ),
        others=("go", "cucumber_messages", "pytest_reports", "texts"),
    ),
    Family(
        key="text",
        medium="text",
        samples=("tap/*", "go-json/*.txt"),
        modules=("tap", "go.read_text"),
        others=("tap", "go"),
    ),
    Family(
        key="allure",
        medium="lines",
        samples=("allure/*",),
        modules=("allure",),
        others=("allure", "discover"),
        judge=_folder,
    ),
    Family(
        key="packed",
        medium="lines",
        samples=(),
        modules=("packed", "playwright_blob"),
        others=("playwright_json",),
        judge=_packed,
    ),
    Family(key="collected", medium="lines", samples=(), modules=("shard",), others=("shard",), judge=_collected),
    Family(
        key="detection", medium="text", samples=("*/*",), others=("__init__", "detect", "xml"), judge=laws.detection
    ),
    Family(
        key="media",
        medium="xml",
        samples=("negative/*", "junit/*"),
        others=("mend", "xml", "lines", "json_stream"),
        judge=laws.media,
    ),
    Family(
        key="state",
        medium="lines",
        samples=(),
        others=("../delivery/plan", "../delivery/journal", "../delivery/progress", "../delivery/marker"),
        judge=lambda content, _: state.folder(content),
    ),
    Family(key="patterns", medium="text", samples=(), others=("globs", "discover"), judge=input_laws.patterns),
    Family(
        key="mapping-file",
        medium="text",
        samples=(),
        others=("../settings/mapping", "../xray/rules"),
        judge=input_laws.mapping_file,
    ),
    Family(key="redaction", medium="text", samples=(), others=("../secret",), judge=input_laws.redaction),
)


def _rest(medium: str, *others: str) -> Family:
    """Return the family of the readers of a medium that have none of their own."""
    taken = {module for family in _NAMED for module in family.modules}
    rows = [row for row in FORMATS if row.medium == medium and row.reader and row.reader not in taken]
    return Family(
        key=f"{medium}-tools",
        medium=medium,
        samples=tuple(f"{row.key}/*" for row in rows),
        modules=tuple(dict.fromkeys(row.reader for row in rows if row.reader)),
        others=("words", *others),
    )


FAMILIES = (
    *_NAMED,
    _rest("json", "members", "author_marks"),
    _rest("xml", "elements"),
    _rest("lines", "lines", "members"),
)


def named(key: str) -> Family:
    """Return a family by its key."""
    (found,) = (family for family in FAMILIES if family.key == key)
    return found


def samples(family: Family) -> list[bytes]:
    """Return the small samples of the tests that a family starts from."""
    keys = [row.key for row in FORMATS if row.reader in family.modules]
    paths = [path for key in keys for path in sorted((GOLDEN / key).glob("*")) if not path.name.endswith(_EXPECTED)]
    paths += [path for pattern in family.samples for path in sorted(SAMPLES.glob(pattern))]
    contents = [_packed(path) if path.is_dir() else path.read_bytes() for path in paths]
    return [content for content in contents if len(content) <= SAMPLE_LIMIT]


def _packed(path: Path) -> bytes:
    """Write the texts of a folder as one input."""
    return b"".join(b"==== %s\n%s\n" % (each.name.encode(), each.read_bytes()) for each in sorted(path.glob("*.json")))


def stored(family: Family) -> list[Path]:
    """Return what is kept for good: the minimised corpus, and what once was a defect."""
    return [path for root in (CORPUS, REGRESSIONS) for path in sorted((root / family.key).glob("*")) if path.is_file()]


def judge(family: Family, content: bytes) -> None:
    """Read an input and hold what comes of it against the laws; raises whatever is wrong with it."""
    family.judge(content, family.modules)
