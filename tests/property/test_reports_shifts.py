"""What changes from run to run changes neither which Test a result is nor what became of it, in every format.

Lines of sources, times, mounts, names of files, versions of browsers, addresses of objects, random ids and the attempts
that tools write into names are shifted in the samples of the whole table. Where the identity that Xray's own import
takes holds one, it changes with it, and a notice has said so, with the rule that cuts it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from xray_runs import assembly, run

from xray_ci.formats import FORMATS
from xray_ci.model import Case, Place, Problem, Severity
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import read

DATA = Path(__file__).parents[1] / "data"
KNOWN = json.loads((DATA / "reports" / "expected.json").read_text(encoding="utf-8"))
MADE = (".cases.", ".cloud.", ".server.", ".manual.", ".iterations.")
FIELD = {
    "allure-pw-1/allure-results": "allure2-dir",
    "allure-cucumber-jvm/allure-results": "allure2-dir",
    "allure-retry/allure-results": "allure2-dir",
    "pw-real/allure-results": "allure2-dir",
    "pw-real/pw.json": "playwright-json",
    "pw-real/pw.xml": "junit",
    "nextest-libtest-retry.jsonl": "rust-json",
    "testcafe-xunit.xml": "junit",
    "ansible-junit-1.xml": "junit",
    "uft-build-412.xml": "junit",
    "karma-browser-version.xml": "junit",
    "pester-junit.xml": "junit",
    "junit5-hash-names.xml": "junit",
    "go-bench-pass.jsonl": "go-json",
}
NATIVE = frozenset({"junit", "nunit", "xunit", "testng", "robot"})
"""Families whose names Xray's own import takes as they are."""
_SOURCE = r"\.(?:feature|ya?ml|[cm]?[jt]sx?|py|java|kt|go|rs|rb|php|cs|cc|cpp|hpp|[chmt]|swift|dart|exs?|robot|ps1)"
_ENDED = re.compile(r"\"event\": ?\"(?:ok|failed)\"")
_MOMENT = re.compile(r"\b(20[0-9]{2}-[0-9]{2}-[0-9]{2})(?=[T ][0-9]{2}:)")


def _lines(text: str) -> str:
    text = re.sub(rf"({_SOURCE}:)([0-9]+)\b", lambda found: f"{found[1]}{int(found[2]) + 2}", text)
    return re.sub(
        r"(\b(?:line|lineno|lineNumber|LineNumber|linenumber|file_line)\"?[=:]\s*\"?)([0-9]+)\b",
        lambda found: f"{found[1]}{int(found[2]) + 2}",
        text,
    )


def _day(found: re.Match[str]) -> str:
    return (datetime.fromisoformat(found[1]) + timedelta(days=1)).date().isoformat()


def _times(text: str) -> str:
    text = re.sub(r"\b1[67][0-9]{11}\b", lambda found: str(int(found[0]) + 86_400_000), _MOMENT.sub(_day, text))
    return re.sub(
        r"(\b(?:time|duration|elapsed|Elapsed|exec_time|duration_ms)\"?[=:]\s*\"?)([0-9]{1,6})(?=[.\", }])",
        lambda found: f"{found[1]}{int(found[2]) + 3}",
        text,
    )


def _mounts(text: str) -> str:
    text = re.sub(r"(?<![\w.])/(?:home|Users|tmp|work|builds|runner|src|app|w)/[^/\s\"'<>]+(?=/)", "/mnt/other", text)
    return re.sub(r"\b[A-Z]:(\\+)[^\\\"<>]+(?=\\)", r"D:\1other", text)


def _browsers(text: str) -> str:
    pattern = r"((?:Chrome|Firefox|Safari|Edge|Headless)[A-Za-z_ ]*[ _/])[0-9]+((?:[._][0-9]+)+)"
    return re.sub(pattern, r"\g<1>199\g<2>", text)


def _addresses(text: str) -> str:
    return re.sub(r"(?<=[\w$])@[0-9a-f]{6,8}\b", "@0badcafe", text)


def _ids(text: str) -> str:
    swapped = str.maketrans("0123456789abcdef", "123456789abcdef0")
    pattern = r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    return re.sub(pattern, lambda found: found[0].translate(swapped), text)


def _attempts(text: str) -> str:
    if "TestCafe" in text:
        bare = re.compile(r"(<testcase [^>]*?\bname=\")([^\"(]+?)( \([^\"]*)?(?=\")")
        return bare.sub(r"\1\2 (unstable) (screenshots: /w/shots/2026-01-05_10-00-00/test-2)", text)
    named = re.compile(r"(\"name\": ?\"[^\"#]+)(?=\")")
    return "\n".join(
        named.sub(r"\1#2", line, count=1) if '"test"' in line and _ENDED.search(line) else line
        for line in text.split("\n")
    )


SHIFTS: dict[str, Callable[[str], str]] = {
    "names of files": lambda text: text,
    "lines": _lines,
    "times": _times,
    "mounts": _mounts,
    "browsers": _browsers,
    "addresses": _addresses,
    "ids": _ids,
    "attempts": _attempts,
}


SAMPLES = [
    (row.key, row.family, path)
    for row in FORMATS
    for path in [
        *sorted((DATA / "golden").glob(f"{row.key}/*")),
        *[
            DATA / "reports" / name
            for name, said in KNOWN.items()
            if (said["format"], said["expect"]) == (row.key, "ok")
        ][:4],
        *(DATA / "field" / name for name, key in FIELD.items() if key == row.key),
    ]
    if row.reader
    and not any(word in path.name for word in MADE)
    and (path.is_dir() == (row.medium == "folder"))
    and path.exists()
]


def shifted(path: Path, into: Path, shift: Callable[[str], str]) -> tuple[Path, bool]:
    """Write a sample anew under another name; return it, and whether anything in it changed."""
    if path.is_dir():
        made = into / "elsewhere" / "allure-results"
        made.mkdir(parents=True)
        changed = False
        for file in sorted(path.iterdir()):
            if file.suffix == ".json":
                text = file.read_text(encoding="utf-8")
                (made / _ids(file.name)).write_text(shift(text), encoding="utf-8")
                changed = changed or shift(text) != text
            else:
                shutil.copy(file, made / file.name)
        return made, changed
    made = into / "elsewhere" / f"a-{path.name[::-1].replace('.', '-')}{path.suffix}"
    made.parent.mkdir(parents=True)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    made.write_bytes(shift(text).encode("utf-8", "surrogateescape"))
    return made, shift(text) != text


def made_of(path: Path, key: str, base: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return what finds each Test of a report and what became of it, and the kinds of notices."""
    items = list(read(FoundReport(place=Place(path=path, shown=path.name), format=None if path.is_dir() else key)))
    errors = [item for item in items if isinstance(item, Problem) and item.severity is Severity.ERROR]
    base.mkdir()
    done, made = run(assembly(base), *(() if errors else (item for item in items if isinstance(item, Case))))
    found = [
        (test.get("testKey") or test["testInfo"].get("definition") or test["testInfo"]["summary"], test["status"])
        for test in made
    ]
    return sorted(found), [notice.slug for notice in done.notices]


def test_every_format_is_shifted():
    """A format that comes later has samples here, too; only files of collected results are never written anew."""
    assert {row.key for row in FORMATS if row.reader} - {key for key, _, _ in SAMPLES} == set()


@pytest.mark.parametrize(("key", "family", "path"), SAMPLES, ids=[f"{key}-{path.name}" for key, _, path in SAMPLES])
def test_what_changes_by_itself_changes_no_test(tmp_path, key, family, path):
    """The Tests and their statuses are the same, or Xray's own identity holds what changed and a notice has said so."""
    before, said = made_of(path, key, tmp_path / "before")
    for number, (shift, change) in enumerate(SHIFTS.items()):
        made, changed = shifted(path, tmp_path / str(number), change if key != "xrayci" else str)
        if not changed and number:
            continue  # nothing of the kind is in this sample
        after, _ = made_of(made, key, tmp_path / f"after{number}")
        if before != after:
            assert sorted(status for _, status in before) == sorted(status for _, status in after), shift
            assert family in NATIVE, shift
            assert "changing-name" in said, shift


@pytest.mark.parametrize(
    ("shift", "formats"),
    [
        ("lines", {"allure2-dir", "cucumber-json", "junit", "playwright-json"}),
        ("times", {"allure2-dir", "go-json", "junit", "trx", "nunit3"}),
        ("mounts", {"junit", "playwright-json", "allure2-dir"}),
        ("browsers", {"junit"}),
        ("addresses", {"junit"}),
        ("ids", {"allure2-dir", "trx", "cucumber-messages"}),
        ("attempts", {"junit", "rust-json"}),
    ],
)
def test_a_shift_finds_what_it_shifts(tmp_path, shift, formats):
    """A law over samples that hold nothing of the kind would say nothing."""
    found = {
        key
        for number, (key, _, path) in enumerate(SAMPLES)
        if key in formats and shifted(path, tmp_path / str(number), SHIFTS[shift])[1]
    }

    assert found == formats
