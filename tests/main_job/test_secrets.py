"""What xray-ci knows to be secret leaves by no way, however it came into a report or a setting."""

import base64
import json
from urllib.parse import quote

import pytest
from job_runs import case, suite

from xray_ci.reports.formats import FORMATS
from xray_ci.secret import Redactor

SECRET = "Zq8$kd/93+Lm-xY7"
FORMS = {
    "plain": SECRET,
    "url": quote(SECRET, safe=""),
    "base64": base64.b64encode(f"user:{SECRET}".encode()).decode(),
    "escaped": SECRET.replace("$", "\\$"),
}


def known(value, how=""):
    """Return variables that make a value a secret of the job; no page is refreshed with it."""
    return {
        f"XRAY_CI_SNAPSHOT_API_KEY{how}": value,
        "XRAY_CI_SNAPSHOT_PAGE_IDS": "1",
        "XRAY_CI_SNAPSHOTS_URL": "http://127.0.0.1:9/{page-id}",
    }


def reports(text):
    """Return small reports of several formats with a text wherever a format takes one."""
    xml = text.replace("&", "&amp;").replace("<", "&lt;")
    return {
        "r.xml": suite(
            "s", case(f"a {xml}", f"<failure message='{xml}'>{xml}</failure><system-out>{xml}</system-out>")
        ),
        "r.trx": (
            "<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'><Results><UnitTestResult "
            "testId='1' "
            f"testName='t' outcome='Failed'><Output><ErrorInfo><Message>{xml}</Message>"
            f"</ErrorInfo></Output></UnitTestResult>"
            "</Results></TestRun>"
        ),
        "r.tap": f"TAP version 13\n1..1\nnot ok 1 - leaks {text}\n# {text}\n",
        "r.json": json.dumps(
            {
                "results": {
                    "tool": {"name": "x"},
                    "summary": {},
                    "tests": [{"name": f"n {text}", "status": "failed", "duration": 1, "message": text, "trace": text}],
                }
            }
        ),
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", reports(""))
@pytest.mark.parametrize("command", ["import", "collect", "convert"])
def test_a_secret_in_a_report_reaches_nothing(cloud, workspace, emulator, form, name, command):
    """In a request, a shard, a document, the log or an output no form of the secret is left; the place is told."""
    content = reports(FORMS[form])[name]
    (workspace / name).write_text(content)
    redact = Redactor()
    redact.register(SECRET)

    options = ["--output", "out.bin"] if command != "import" else ["--result-file", "out.bin"]
    result = cloud(command, "--reports", name, *options, env=known(SECRET, ""))

    assert result.code in (0, 1), result.out + result.err
    assert "held a secret of this job" in result.out + result.err
    sent = [str(each) for each in emulator.requests() if "authenticate" not in each["path"]]
    left = (workspace / "out.bin").read_bytes().decode("utf-8", "replace")
    for text in (result.out, result.err, left, *sent):
        assert redact(text) == text


def test_a_short_password_renames_nothing(cloud, workspace, emulator):
    """A password `cart` in every CartTest is one notice, and each Test keeps its name."""
    for number in range(3):
        (workspace / f"{number}.xml").write_text(suite("s", case(f"cart{number}", classname="shop.cart.CartTest")))

    result = cloud("import", "--reports", "*.xml", env=known("cart", ""))

    assert result.code == 0, result.out
    assert result.out.count("too short to be told from a word") == 1
    names = {test["testInfo"]["definition"] for test in emulator.document()["tests"]}
    assert names == {f"shop.cart.CartTest.cart{number}" for number in range(3)}


def test_a_native_report_with_a_secret_is_left_out(cloud, workspace, emulator):
    """A file that is sent as it is would carry the secret."""
    (workspace / "r.xml").write_text(reports(SECRET)["r.xml"])

    result = cloud("import", "--reports", "r.xml", "--strategy", "native", env=known(SECRET, ""))

    assert result.code == 4, result.out
    assert emulator.imports() == []


@pytest.mark.parametrize("around", ["{}", "{}\n", " {}", "{} ", "\t{}\r\n"])
def test_the_file_of_a_secret_is_no_evidence(cloud, workspace, emulator, around):
    """However its path is written in the variable, and whatever the report calls it."""
    (workspace / "secret.txt").write_text("a-secret-in-a-file-1")
    (workspace / "r.xml").write_text(
        suite("s", case("a", "<failure>x</failure><system-out>[[ATTACHMENT|secret.txt]]</system-out>"))
    )

    result = cloud("import", "--reports", "r.xml", env=known(around.format(workspace / "secret.txt"), "_FILE"))

    assert result.code == 0, result.out
    assert "evidence" not in str(emulator.document()["tests"])


def test_the_state_folder_is_no_evidence_whatever_it_is_called(cloud, workspace, emulator):
    """What is ours is never sent."""
    (workspace / "state").mkdir()
    (workspace / "state" / "old.txt").write_text("journal")
    (workspace / "r.xml").write_text(
        suite("s", case("a", "<failure>x</failure><system-out>[[ATTACHMENT|state/old.txt]]</system-out>"))
    )

    result = cloud("import", "--reports", "r.xml", "--state-dir", "state")

    assert result.code == 0, result.out
    assert "evidence" not in str(emulator.document()["tests"])


@pytest.mark.parametrize(
    "setting",
    [
        "project",
        "test-execution",
        "test-plan",
        "format",
        "region",
        "deployment",
        "timeout",
        "batch-bytes",
        "timezone",
        "fail-on",
    ],
)
@pytest.mark.parametrize("value", [SECRET, "ghp_a1b2c3d4e5f6g7h8i9j0k1"])
def test_a_secret_in_the_wrong_setting_is_not_shown(run, inside, setting, value):
    """Its value is known before any problem of settings is told, and what looks like a token is never quoted whole."""
    variable = f"XRAY_CI_{setting.upper().replace('-', '_')}"

    result = run("import", "--reports", "r.xml", env=inside.cloud | {variable: value, "XRAY_CI_CLIENT_SECRET": SECRET})

    assert result.code == 2, result.out + result.err
    assert value not in result.out + result.err


def test_every_format_is_read_under_the_eye_that_looks_for_secrets():
    """Each medium is either plain bytes that are looked at, or counts as if it held one."""
    assert {row.medium for row in FORMATS} == {"xml", "json", "lines", "folder", "shard", "zip"}
