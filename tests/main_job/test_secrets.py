"""What xray-ci knows to be secret leaves by no way, however it came into a report or a setting."""

import base64
import json
from urllib.parse import quote

import pytest
from job_runs import case, suite

from xray_ci.formats import FORMATS
from xray_ci.secret import Redactor
from xray_ci.settings.table import ROWS

SECRET = "Zq8$kd/93+Lm-xY7"
VALUES = {
    "mixed": SECRET,
    "marks": "!§$%&/()=?!§$%&",
    "letters": "парольсекретдлинный",
    "words": "correct horse battery",
}
FORMS = {
    "plain": lambda value: value,
    "url": lambda value: quote(value, safe=""),
    "base64": lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
    "json": lambda value: json.dumps(value)[1:-1],
    "coloured": lambda value: value[:9] + "\x1b[1m" + value[9:],
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
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("command", ["import", "collect", "convert"])
def test_a_secret_in_a_report_reaches_nothing(cloud, workspace, emulator, form, value, command):
    """In a request, a shard, a document, the log or an output no form of the secret is left; the place is told."""
    secret = VALUES[value]
    for name, content in reports(FORMS[form](secret)).items():
        if form != "coloured" or name == "r.json":  # XML takes no such characters, and lines are cleaned when read
            (workspace / name).write_text(content)
    (workspace / "utf16.xml").write_text(
        '<?xml version="1.0" encoding="utf-16"?>' + reports(FORMS["plain"](secret))["r.xml"], encoding="utf-16"
    )
    redact = Redactor()
    redact.register(secret)

    options = ["--output", "out.bin"] if command != "import" else ["--result-file", "out.bin"]
    result = cloud(command, "--reports", "*.xml\n*.trx\n*.tap\n*.json", *options, env=known(secret))

    assert result.code in (0, 1), result.out + result.err
    told = {
        line.split(":")[0] for line in (result.out + result.err).splitlines() if "held a secret of this job" in line
    }
    assert len(told) >= len([each for each in workspace.iterdir() if each.name != "out.bin"]) - 1, (
        result.out + result.err
    )
    left = (workspace / "out.bin").read_bytes().decode("utf-8", "replace")
    for text in (result.out, result.err, left, *map(_said, emulator.imports() if command == "import" else [])):
        assert redact(text) == text


def _said(document):
    return json.dumps(document, ensure_ascii=False)


def test_a_secret_in_the_name_of_a_report_reaches_nothing(cloud, workspace, emulator):
    """Neither what Jira holds nor the log says it, and each report keeps a name of its own."""
    name = "Zq8-kd_93-Lm-xY7"
    for folder in ("a", "b"):
        (workspace / f"{folder}{name}.xml").write_text(suite("s", case(folder)))
    (workspace / "c***.xml").write_text(suite("s", case("c")))
    (workspace / f"c{name}.xml").write_text(suite("s", case("d")))

    result = cloud(
        "import",
        "--reports",
        "*.xml",
        "--executions",
        "per-report",
        "--description",
        "Report {report}",
        env=known(name),
    )

    assert result.code == 0, result.out
    assert name not in result.out + _said(emulator.state())
    assert "c*** (2).xml" in result.out or "c***.xml (2)" in result.out


def test_a_pattern_of_scrub_leaves_nothing_of_a_secret(cloud, workspace, emulator):
    """Secrets are replaced first: a pattern that takes a part of one would hide the rest."""
    (workspace / "r.xml").write_text(suite("s", case("a", f"<failure>{SECRET}</failure>")))

    cloud("import", "--reports", "r.xml", "--scrub", "93", env=known(SECRET))

    assert "Zq8" not in _said(emulator.document())


@pytest.mark.parametrize("short", ["cart!1", "cart"])
@pytest.mark.parametrize("kind", ["plain", "utf-16", "allure"])
def test_a_short_secret_that_no_report_holds_is_not_told(cloud, workspace, short, kind):
    """A word of it is not it, and where bytes are not texts, the texts are looked at."""
    text = suite("s", case("pays by cart" if short == "cart!1" else "pays"))
    text = text.replace("shop.Cart", "shop.cart" if short == "cart!1" else "shop.Pay")
    if kind == "allure":
        (workspace / "allure-results").mkdir()
        result = {"uuid": "1", "name": "pays", "fullName": "shop.pays", "status": "passed"}
        name = "0b7f6d0a-4f0e-4d6e-9d5d-3a1d7d3f2c11-result.json"
        (workspace / "allure-results" / name).write_text(json.dumps(result))
    elif kind == "utf-16":
        (workspace / "r.xml").write_text(f'<?xml version="1.0" encoding="utf-16"?>{text}', encoding="utf-16")
    else:
        (workspace / "r.xml").write_text(text)

    result = cloud("inspect", "--reports", "**/*.xml\n**/*-result.json", env=known(short))

    assert result.code == 0, result.out + result.err
    assert "too short" not in result.out + result.err


def test_a_short_password_renames_nothing(cloud, workspace, emulator):
    """A password `cart` in every CartTest is one notice, and each Test keeps its name."""
    for number in range(3):
        (workspace / f"{number}.xml").write_text(suite("s", case(f"cart{number}", classname="shop.cart.CartTest")))

    result = cloud("import", "--reports", "*.xml", env=known("cart", ""))

    assert result.code == 0, result.out
    assert result.out.count("too short to be told from a word") == 1
    names = {test["testInfo"]["definition"] for test in emulator.document()["tests"]}
    assert names == {f"shop.cart.CartTest.cart{number}" for number in range(3)}


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("place", ["text", "comment"])
def test_a_native_report_with_a_secret_is_left_out(cloud, workspace, emulator, coding, place):
    """A file that is sent as it is would carry the secret, also where no result is read from."""
    content = reports(SECRET if place == "text" else "x")["r.xml"].replace(
        "<testcase", f"<!-- {SECRET} --><testcase", 1
    )
    (workspace / "r.xml").write_text(f'<?xml version="1.0" encoding="{coding}"?>{content}', encoding=coding)

    result = cloud("import", "--reports", "r.xml", "--strategy", "native", env=known(SECRET))

    assert result.code == 4, result.out
    assert emulator.imports() == []


@pytest.mark.parametrize("value", [SECRET, VALUES["words"], "my$cart$shop$now"])
def test_a_native_report_with_words_of_a_secret_is_sent(cloud, workspace, emulator, value):
    """Only the whole secret counts."""
    (workspace / "r.xml").write_text(suite("s", case("the correct horse", classname="cart.shop.xY7 Lm")))

    result = cloud("import", "--reports", "r.xml", "--strategy", "native", env=known(value))

    assert result.code == 0, result.out
    assert len(emulator.imports()) == 1


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


@pytest.mark.parametrize("row", [row for row in ROWS if not row.secret], ids=lambda row: row.name)
@pytest.mark.parametrize("value", [SECRET, "ghp_a1b2c3d4e5f6g7h8i9j0k1", "aB3/cD4+eF5gH6iJ7kL8mN9oP0qR=="])
def test_a_secret_in_the_wrong_setting_is_not_shown(inside, row, value):
    """Its value is known before any problem of settings is told, and what looks like a token is never quoted whole."""
    chosen = {row.variable: value, "XRAY_CI_CLIENT_SECRET": SECRET}

    result = inside("import", *(() if row.name == "reports" else ("--reports", "r.xml")), **chosen)

    assert result.code in (2, 3), result.out + result.err
    assert value not in result.out + result.err


@pytest.mark.parametrize(
    "setting",
    [
        {"XRAY_CI_SNAPSHOTS": "- url: http://127.0.0.1:9/1\n  api-key: a quiet pass\n"},
        {"INPUT_SNAPSHOTS": '[{"url": "http://127.0.0.1:9/1", "bearer-token": "a quiet pass"}]'},
        {"XRAY_CI_HTTP_HEADERS": "X-Gate: a quiet pass"},
        {"INPUT_HTTP-HEADERS": "X-One: 1\nX-Gate: a quiet pass"},
    ],
)
def test_a_secret_within_a_setting_is_not_shown_in_the_wrong_one(inside, setting):
    """A key of `snapshots` and the value of a header are secrets by themselves."""
    result = inside("import", **{"XRAY_CI_TEST_PLAN": "a quiet pass", **setting})

    assert result.code == 2, result.out + result.err
    assert "a quiet pass" not in result.out + result.err


def test_migrate_prints_no_secret_of_the_job(inside, workspace):
    """Also where an old pipeline has it in the open."""
    query = f"fixVersion={quote(SECRET)}"
    (workspace / "s.sh").write_text(
        f'curl -H "Authorization: Bearer $t" --data @r.xml "https://xray.cloud.getxray.app/api/v2/import/execution/junit?{query}"'
    )

    result = inside("migrate", "s.sh", XRAY_CI_CLIENT_SECRET=SECRET)

    assert result.code == 0, result.out + result.err
    assert "FIX_VERSION" in result.out
    assert SECRET not in result.out + result.err


def test_every_format_is_read_under_the_eye_that_looks_for_secrets():
    """Each medium is either plain bytes that are looked at, or counts as if it held one."""
    assert {row.medium for row in FORMATS} == {"xml", "json", "lines", "folder", "shard", "zip"}
