"""Patterns to files."""

import os

import pytest

from xray_ci.model import Severity
from xray_ci.reports.discover import discover

TREE = [
    "a/TEST-1.xml",
    "a/TEST-2.xml",
    "a/TEST-10.xml",
    "a/deep/er/TEST-3.xml",
    "build/r.json",
    "build/x.xml",
    ".git/hidden.xml",
    ".hidden/h.xml",
    "node_modules/m/n.xml",
    "r.xml",
    "odd=name.xml",
    "[b]/y.xml",
]


@pytest.fixture
def tree(tmp_path):
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def found(root, *patterns, **given):
    return [
        (each.place.shown, each.format) if each.format else each.place.shown
        for each in discover(patterns, root, **given).files
    ]


@pytest.mark.parametrize(
    ("patterns", "files"),
    [
        (["a/*.xml"], ["a/TEST-1.xml", "a/TEST-2.xml", "a/TEST-10.xml"]),
        (["a/**/*.xml"], ["a/TEST-1.xml", "a/TEST-2.xml", "a/TEST-10.xml", "a/deep/er/TEST-3.xml"]),
        (["**/TEST-?.xml"], ["a/TEST-1.xml", "a/TEST-2.xml", "a/deep/er/TEST-3.xml"]),
        (["a/TEST-[12].xml"], ["a/TEST-1.xml", "a/TEST-2.xml"]),
        (["a\\**\\TEST-3.xml"], ["a/deep/er/TEST-3.xml"]),
        (["{a,build}/*{1,x}.xml"], ["a/TEST-1.xml", "build/x.xml"]),
        (["a/**", "!a/deep/**"], ["a/TEST-1.xml", "a/TEST-2.xml", "a/TEST-10.xml"]),
        (["!a/deep", "a/**"], ["a/TEST-1.xml", "a/TEST-2.xml", "a/TEST-10.xml"]),
        (["**/r.*", "!**/*.json"], ["r.xml"]),
        (["./a/../r.xml", "r.xml"], ["r.xml"]),
        (["**/h*.xml"], [".hidden/h.xml"]),
        ([".git/*.xml"], [".git/hidden.xml"]),
        ([".git/**"], [".git/hidden.xml"]),
        (["**/n.xml"], ["node_modules/m/n.xml"]),
        (["a/**/er/**/*.xml"], ["a/deep/er/TEST-3.xml"]),
        (["odd=name.xml"], ["odd=name.xml"]),
        (["nothing/*.xml"], []),
        (["*.XML"], []),
        (["", "  "], []),
        (["r.xml", "!r.xml"], []),
        (["[[]b]/*.xml"], ["[b]/y.xml"]),
    ],
)
def test_a_pattern_names_its_files(tree, patterns, files):
    """In the order of paths, numbers by value, without doubles."""
    assert files == found(tree, *patterns)


def test_absolute_patterns_may_lead_anywhere(tree):
    """A path inside the workspace is shown relative to it, one outside as it is."""
    assert found(tree, f"{tree}/r.xml") == ["r.xml"]
    assert [f"{tree}/r.xml".replace(os.sep, "/"), "x.xml"] == found(tree / "build", f"{tree}/r.xml", "x.xml")
    assert found(tree / "build", f"{tree}/r.xml") == found(tree / "build", "../r.xml")


def test_a_line_can_fix_the_format(tree):
    """By key or family; the first line that says one wins, and other lines take the default."""
    assert found(tree, "a/TEST-1.xml", "JUnit=a/TEST-1.*", "nunit=a/*1.xml") == [("a/TEST-1.xml", "junit")]
    assert found(tree, "r.xml", default_format="nunit") == [("r.xml", "nunit")]
    assert found(tree, "r.xml", default_format="auto") == ["r.xml"]
    assert found(tree, "nonsense=r.xml") == []


def test_the_same_results_in_another_format_are_read_once(tmp_path):
    """JUnit's open report beside the build tool's is left out with a notice.

    Alone, or with its format fixed, it is read.
    """
    for name in ("a/TEST-c.xml", "a/open-test-report.xml", "b/open-test-report.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (notice,) = discover(["**/*.xml"], tmp_path).problems

    assert found(tmp_path, "**/*.xml") == ["a/TEST-c.xml", "b/open-test-report.xml"]
    assert (notice.slug, notice.path, notice.severity) == (
        "companion-report",
        "a/open-test-report.xml",
        Severity.NOTICE,
    )
    assert found(tmp_path, "a/open*.xml") == ["a/open-test-report.xml"]
    assert found(tmp_path, "open-test-reporting=a/open*.xml") == [("a/open-test-report.xml", "open-test-reporting")]


def test_the_report_for_sonarqube_is_read_where_it_stands_alone(tmp_path):
    """Beside, or one folder below, another report it is left out with a notice; other reports of its name are read."""
    executions, junit = "<testExecutions version='1'/>", "<testsuite/>"
    for name, text in {
        "a/junit.xml": junit,
        "a/coverage/sonar.xml": executions,
        "b/sonar.xml": executions,
        "c/sonar-junit.xml": junit,
        "c/junit.xml": junit,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (notice,) = discover(["**/*.xml"], tmp_path).problems

    assert found(tmp_path, "**/*.xml") == ["a/junit.xml", "b/sonar.xml", "c/junit.xml", "c/sonar-junit.xml"]
    assert (notice.slug, notice.path) == ("companion-report", "a/coverage/sonar.xml")
    assert found(tmp_path, "sonar-xml=a/**/sonar.xml", "a/*.xml") == [
        ("a/coverage/sonar.xml", "sonar-xml"),
        "a/junit.xml",
    ]


def test_links_to_folders_are_not_followed_by_wildcards(tree):
    """A loop of links is no trap; a pattern that names the link gets in."""
    (tree / "a" / "loop").symlink_to(tree)
    before = found(tree, "**/*.xml")
    (tree / "link").symlink_to(tree / "build")

    assert before == found(tree, "**/*.xml")
    assert found(tree, "link/*.xml") == ["link/x.xml"]


def test_one_file_under_two_names_counts_once(tree):
    """Its results would count twice otherwise."""
    (tree / "a" / "latest.xml").symlink_to(tree / "a" / "TEST-1.xml")
    os.link(tree / "r.xml", tree / "same.xml")

    assert found(tree, "a/TEST-1.xml", "a/latest.xml", "*.xml", "!odd*") == ["a/TEST-1.xml", "r.xml"]


def test_nothing_found_says_where_was_looked(tree):
    """Each pattern with its folder, how far that exists, and how many files were seen."""
    searched = discover(["a/*.json", "nope/deep/*.xml", "a/none/*.xml"], tree).searched

    assert searched == (
        "`a/*.json`: 3 files looked at in `a`",
        "`nope/deep/*.xml`: the workspace has no folder `nope`",
        "`a/none/*.xml`: `a` has no folder `none`",
    )


def test_a_misspelt_folder_is_told_with_the_one_that_is_there(tree):
    """`resluts` for `results`, whichever level it is on."""
    (tree / "a" / "results").mkdir()

    assert discover(["a/resluts/*.xml"], tree).searched == (
        "`a/resluts/*.xml`: `a` has no folder `resluts` (it has `a/results`)",
    )


def test_a_folder_is_no_report(tree):
    """A pattern that names a folder is told so, with the pattern that was meant."""
    (problem,) = discover(["a"], tree).problems

    assert (problem.slug, problem.path, problem.advice) == (
        "report-is-a-folder",
        "a",
        "Say which files in it: `a/**/*.xml`.",
    )
    assert [problem.path for problem in discover(["."], tree).problems] == ["."]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_can_be_shown(tree):
    """What is shown is printable; what is opened is the file."""
    path = os.fsencode(tree) + b"/z\xff.xml"
    with open(path, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(b"<testsuite/>")

    (each,) = discover(["z*.xml"], tree).files

    assert each.place.shown == "z\ufffd.xml"
    assert each.place.path.read_bytes() == b"<testsuite/>"


def test_folders_that_cannot_match_are_not_entered(tree, monkeypatch):
    """The walk lists only what some pattern can still match."""
    listed = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(os.path.relpath(folder, tree)) or scan(folder))

    found(tree, "a/deep/*/TEST-*.xml", "build/x.xml", "!node_modules", "!**/skip/**")

    assert sorted(name.replace(os.sep, "/") for name in listed) == ["a/deep", "a/deep/er"]


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, monkeypatch):
    """Reports in it may be missing: said once, with the folder, and everything else is found.

    An excluded one is not asked for.
    """
    for name in ("open", "closed", "left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.xml").write_text("<a/>")
    real = os.scandir

    def scandir(folder):
        if str(folder).endswith(("closed", "left")):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = discover(["**/*.xml", "*/a.xml", "!left"], tmp_path)

    assert [each.place.shown for each in found.files] == ["open/a.xml"]
    assert [(each.slug, each.path, each.severity) for each in found.problems] == [
        ("closed-folder", "closed", Severity.NOTICE)
    ]


@pytest.mark.parametrize("patterns", [["**/allure-results"], ["**/r.xml", "sub/allure-results"], ["**", "!**/*.xml"]])
def test_a_folder_of_results_is_found_at_any_depth(tmp_path, patterns):
    """Patterns that still look below a folder take the folder itself, too, where it holds results of Allure."""
    folder = tmp_path / "sub" / "allure-results"
    folder.mkdir(parents=True)
    (folder / "0f8fad5b-d9cb-469f-a165-70867728950e-result.json").write_text("{}", encoding="utf-8")

    assert found(tmp_path, *patterns) == [("sub/allure-results", "allure2-dir")]
