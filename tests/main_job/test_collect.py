"""Shards: `collect` stores what a later import merges, and the merge is what an import of the same reports is."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
from job_runs import CLOUD, case, keyed, results, runs, suite

from xray_ci.cli import execute
from xray_ci.model import Process

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SETS = {
    "junit and playwright": (
        "junit/surefire.xml",
        "junit/screenshots",
        "playwright-json/rich.json",
        "playwright-json/test-results",
    ),
    "robot and cucumber": ("robot/rich.xml", "robot/screenshots", "cucumber-json/jvm.json"),
    "steps with files": ("ctrf/rich.json", "ctrf/screenshots", "allure2-dir/allure-results"),
    "xunit and tap": ("xunit/rich.xml", "tap/rich.tap", "nunit3/rich.xml"),
}
"""Reports, and folders of their evidence."""
BROKEN = '<testsuite name="b"><testcase classname="c" name="lost"/><testcase'


class Ended:
    """How a command ended."""

    def __init__(self, code, out, text):
        self.code, self.out, self.text = code, out, text


@pytest.fixture
def xray(workspace):
    """Run a command in this process, by default in the workspace."""

    def command(*arguments, env=None, folder=workspace):
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        code = execute(Process(list(arguments), env or {}, str(folder), out, err))
        out.flush()
        text = out.buffer.getvalue().decode()
        return Ended(code, text, text + err.getvalue())

    return command


@pytest.fixture
def import_cloud(emulator, xray):
    """Import into the emulated Cloud."""
    env = {**CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_SNAPSHOTS_DELAY": "0"}
    return lambda *arguments: xray("import", *arguments, env=env)


def patterns(*names):
    return [word for name in names for word in ("--reports", name)]


def told(ended):
    """Return what a run says of reports and evidence, apart from the names of the files that it read."""
    return sorted(
        {
            line
            for line in ended.text.splitlines()
            if line.startswith("- ") and "deployment" not in line and "Evidence" not in line and "evidence" not in line
        }
    )


@pytest.mark.parametrize(("name", "deployment"), [*zip(SETS, ("cloud", "server", "cloud", "server"), strict=True)])
def test_merged_shards_are_the_reports_themselves(name, deployment, xray, workspace):
    """Tests, statuses, comments, evidence and totals are the same, though reports and evidence are gone."""
    for path in SETS[name]:
        copy = shutil.copytree if (GOLDEN / path).is_dir() else shutil.copy
        copy(
            GOLDEN / path,
            workspace / f"{Path(path).parent.name}-{Path(path).name}"
            if (GOLDEN / path).suffix or "allure" in path
            else workspace / Path(path).name,
        )
    reports = sorted(path.name for path in workspace.iterdir() if path.suffix or "allure" in path.name)
    options = ("--project", "SHOP", "--deployment", deployment, "--attachments", "all", "--repeats", "worst")
    direct = xray("convert", *patterns(*reports), *options)
    counted = xray("inspect", "--json", *patterns(*reports))

    for number, report in enumerate(reports):
        assert (
            xray("collect", "--reports", report, "--attachments", "all", "--output", f"shards/{number}.xrayci").code
            == 0
        )
    for path in list(workspace.iterdir()):
        if path.name != "shards":
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    merged = xray("convert", *patterns("shards/*.xrayci"), *options)
    recounted = xray("inspect", "--json", *patterns("shards/*.xrayci"))

    assert (direct.code, merged.code) == (0, 0), direct.text + merged.text
    assert json.loads(direct.out) == json.loads(merged.out)
    assert '"data":' in merged.out
    assert told(direct) == told(merged)
    totals = [
        [
            sum(json.loads(line)[word] for line in ended.out.splitlines())
            for word in ("tests", "passed", "failed", "errors", "skipped", "other")
        ]
        for ended in (counted, recounted)
    ]
    assert totals[0] == totals[1]


def test_shards_become_one_test_execution(import_cloud, emulator, xray, workspace):
    """The union of all shards; a test that one of them ran again is one Test Run, as `repeats` says."""
    (workspace / "a.xml").write_text(suite("a", keyed("x", "SHOP-6", '<failure message="boom"/>'), case("adds")))
    (workspace / "b.xml").write_text(suite("b", keyed("x", "SHOP-6"), case("sorts")))
    for name in "ab":
        assert xray("collect", "--reports", f"{name}.xml", "--output", f"{name}.xrayci").code == 0
        (workspace / f"{name}.xml").unlink()

    done = import_cloud("--reports", "*.xrayci", "--repeats", "last", "--result-file", "result.json")

    assert done.code == 0, done.text
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 3
    assert ("SHOP-6", "PASSED") in results(execution)
    result = json.loads((workspace / "result.json").read_text())
    assert (result["counts"]["tests"], result["failures"][0]["report"]) == (4, "a.xml")


def test_rules_and_executions_see_the_original_reports(import_cloud, emulator, xray, workspace):
    """A rule on file or format applies, and `executions: per-report` makes one of each original report.

    With its own environment.
    """
    (workspace / "ui.xml").write_text(suite("a", case("adds")))
    (workspace / "api.tap").write_text("1..1\nok 1 - sorts\n")
    assert xray("collect", *patterns("ui.xml", "api.tap"), "--output", "all.xrayci").code == 0
    (workspace / ".xray-ci.yml").write_text(
        "mapping:\n  rules:\n    - when: {file: '*.xml'}\n      environment: chrome\n    - when: {format: tap}\n      "
        "key: SHOP-7\n      environment: linux\n"
    )

    done = import_cloud("--reports", "all.xrayci", "--executions", "per-report", "--summary", "Run of {report}")

    assert done.code == 0, done.text
    found = {execution["summary"]: execution for execution in emulator.executions()}
    assert {name: one["execution"]["environments"] for name, one in found.items()} == {
        "Run of ui.xml": ["chrome"],
        "Run of api.tap": ["linux"],
    }
    assert {("SHOP-7", "PASSED")} == results(found["Run of api.tap"])


def test_a_broken_report_is_missing_and_said_twice(import_cloud, emulator, xray, workspace):
    """Where it is collected and where it is merged.

    Exit code 4 both times, the good results arrive, none of the broken one do.
    """
    (workspace / "a.xml").write_text(suite("a", case("adds")))
    (workspace / "b.xml").write_text(BROKEN)

    collected = xray("collect", "--reports", "*.xml", "--output", "1.xrayci")
    for name in "ab":
        (workspace / f"{name}.xml").unlink()
    done = import_cloud("--reports", "1.xrayci")

    assert (collected.code, done.code) == (4, 4), collected.text + done.text
    assert "b.xml" in done.text
    assert "#truncated-report" in done.text
    (execution,) = emulator.executions()
    assert len(runs(execution)) == 1


@pytest.mark.parametrize(("choice", "code", "files"), [("fail", 3, 0), ("ignore", 0, 1)])
def test_a_shard_without_reports_is_what_the_user_says(choice, code, files, xray, workspace):
    """A failure leaves no file.

    Where it is allowed an empty one says that this shard had nothing, and does no harm beside others.
    """
    ended = xray("collect", "--reports", "none/*.xml", "--if-no-reports", choice, "--output", "1.xrayci")

    assert (code, files) == (ended.code, len(list(workspace.glob("*.xrayci")))), ended.text
    if files:
        assert '"tests": 0' in xray("inspect", "--json", "--reports", "1.xrayci").out


def test_evidence_is_in_the_file_once_and_only_what_may_be_sent(xray, workspace):
    """The same rules as for an import.

    No link, nothing hidden or outside, nothing too large or of tests that passed.
    """
    (workspace / "shot.png").write_bytes(b"S" * 1_000)
    (workspace / "huge.png").write_bytes(b"H" * 9_000)
    (workspace / ".env").write_text("SECRET")
    (workspace / "link.png").symlink_to("shot.png")
    (workspace.parent / "outside.png").write_text("OUTSIDE")
    named = "".join(
        f"[[ATTACHMENT|{path}]]" for path in ("shot.png", "huge.png", ".env", "link.png", "../outside.png", "gone.png")
    )
    failing = f'<failure message="m">t</failure><system-out>{named}</system-out>'
    (workspace / "a.xml").write_text(
        suite("a", case("x", failing), case("y", failing), case("z", f"<system-out>{named}</system-out>"))
    )

    ended = xray("collect", "--reports", "a.xml", "--output", "1.xrayci", "--evidence-max-file", "5 kB")
    (workspace / "shot.png").unlink()
    tests = json.loads(xray("convert", "--project", "SHOP", "--reports", "1.xrayci").out)["tests"]

    assert ended.code == 0, ended.text
    for part in (
        "larger than `evidence-max-file`",
        "hidden file",
        "symbolic link",
        "outside of the workspace",
        "does not exist",
    ):
        assert part in ended.text
    assert [[one["filename"] for one in test.get("evidence", [])] for test in tests] == [["shot.png"], ["shot.png"], []]
    limited = xray("collect", "--reports", "a.xml", "--output", "2.xrayci", "--attachments", "none")
    assert "evidence" not in limited.text.lower()


def test_the_total_of_evidence_is_that_of_all_uses(xray, workspace):
    """A file that many results name costs its size each time, as it does when it is sent."""
    (workspace / "log.txt").write_bytes(b"L" * 1_000)
    cases = [case(f"t{number}", '<failure message="m">[[ATTACHMENT|log.txt]]</failure>') for number in range(5)]
    (workspace / "a.xml").write_text(
        suite("a", *cases).replace("</failure>", "</failure><system-out>[[ATTACHMENT|log.txt]]</system-out>")
    )

    ended = xray("collect", "--reports", "a.xml", "--output", "1.xrayci", "--evidence-max-total", "3500")
    tests = json.loads(xray("convert", "--project", "SHOP", "--reports", "1.xrayci").out)["tests"]

    assert "larger than `evidence-max-total`" in ended.text
    assert sum("evidence" in test for test in tests) == 3


def test_scrubbed_texts_are_not_stored(xray, workspace):
    """What nobody may see is not in the file, however it is packed."""
    (workspace / "a.xml").write_text(suite("a", case("adds", '<failure message="token=abc123">at abc123</failure>')))

    assert xray("collect", "--reports", "a.xml", "--scrub", "abc[0-9]+", "--output", "1.xrayci").code == 0
    document = xray("convert", "--project", "SHOP", "--reports", "1.xrayci").out

    assert "token=***" in document
    assert "abc123" not in document


def test_a_repaired_report_is_stored_once(xray, workspace):
    """What was read before the fault is taken back, with its evidence; the repair is told again where it is merged."""
    (workspace / "a.xml").write_text(
        "log before\n" + suite("a", case("adds"), case("sorts", "<failure>a \x0b b</failure>"))
    )

    collected = xray("collect", "--reports", "a.xml", "--output", "1.xrayci")
    merged = xray("inspect", "--reports", "1.xrayci")

    assert (collected.code, merged.code) == (0, 0), collected.text
    assert "2 results: 1 passed, 1 failed" in merged.out
    assert "a.xml:" in merged.text
    assert "repaired" in merged.text


def test_names_that_are_no_text_are_shown_as_well_as_can_be(xray, workspace):
    """A file name may hold any bytes.

    A run that broke off is told where it is merged, with exit code 4 as in the shard.
    """
    (workspace / os.fsdecode(b"\xff.tap")).write_text("1..3\nok 1 - adds\n")

    collected = xray("collect", "--reports", "*.tap", "--output", "1.xrayci")
    merged = xray("inspect", "--reports", "1.xrayci")

    assert (collected.code, merged.code) == (4, 4), collected.text + merged.text
    assert "\ufffd.tap" in merged.text
    assert "the run broke off" in merged.text
    assert "1 passed" in merged.out


def test_shards_can_be_collected_again(xray, workspace):
    """A merge of merges: origins, evidence and problems are still those of the first reports."""
    (workspace / "shot.png").write_bytes(b"S" * 100)
    (workspace / "a.xml").write_text(
        suite("a", case("x", '<failure message="m">t</failure><system-out>[[ATTACHMENT|shot.png]]</system-out>'))
    )
    for source, target in (("a.xml", "1.xrayci"), ("1.xrayci", "2.xrayci")):
        assert xray("collect", "--reports", source, "--output", target).code == 0

    first, second = (xray("convert", "--project", "SHOP", "--reports", f"{number}.xrayci").out for number in (1, 2))
    assert first == second
    assert "shot.png" in first


def test_shards_without_a_name_never_meet(xray, workspace):
    """The job's name and chance name the file, whatever characters the job has."""
    (workspace / "a.xml").write_text(suite("a", case("adds")))
    for _ in range(2):
        assert (
            xray("collect", "--reports", "a.xml", env={"GITLAB_CI": "1", "CI_JOB_NAME": "../unit tests 1/3"}).code == 0
        )
    assert xray("collect", "--reports", "a.xml").code == 0

    assert [
        len(list(workspace.glob(pattern))) for pattern in ("unit-tests-1-3-????????.xrayci", "shard-????????.xrayci")
    ] == [2, 1]


def test_a_folder_that_cannot_be_written_is_a_mistake(xray, workspace):
    """Missing folders are made; what stands in the way is named, and nothing is left behind."""
    (workspace / "a.xml").write_text(suite("a", case("adds")))
    (workspace / "file").write_text("")

    assert xray("collect", "--reports", "a.xml", "--output", "file/1.xrayci").code == 2
    assert xray("collect", "--reports", "a.xml", "--output", "new/folder/1.xrayci").code == 0
    assert sorted(path.name for path in workspace.iterdir()) == ["a.xml", "file", "new"]


def test_a_shard_has_no_native_endpoint(xray, workspace, emulator):
    """Asked to send it as it is, xray-ci refuses before the first request: nothing is lost silently."""
    (workspace / "a.xml").write_text(suite("a", case("adds")))
    assert xray("collect", "--reports", "a.xml", "--output", "1.xrayci").code == 0

    ended = xray(
        "import",
        "--reports",
        "1.xrayci",
        "--strategy",
        "native",
        env={**CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_PROJECT": "SHOP"},
    )

    assert ended.code == 2, ended.text
    assert "takes no native xrayci reports" in ended.text
    assert emulator.requests() == []
