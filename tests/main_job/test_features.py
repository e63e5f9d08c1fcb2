"""`features export` and `features import` on both products: nothing changes on the way that should not."""

import io
import stat
import zipfile

import pytest

from xray_ci.exchange.features import named

NEW = "Feature: Basket\n\n  @slow\n  Scenario: Empty it\n    When it is emptied\n"
IMPORTS = {"cloud": "/api/v2/import/feature", "server": "/jira/rest/raven/2.0/import/feature"}


def zipped(folder, **members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    (folder / "given.zip").write_bytes(made.getvalue())


def written(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.feature"))}


def world(emulator):
    """Return all issues but the moment that each was changed: an import writes also what is the same."""
    return {key: {**each, "updated": None} for key, each in emulator.state()["issues"].items()}


@pytest.fixture
def exchange(inside, side, emulator):
    """Run a command on one product; return its result and the requests that write."""

    def run(*arguments, **changes):
        result = inside(*arguments, on=side, **changes)
        assert "Traceback" not in result.text
        return result, [each for each in emulator.requests("write") if each["method"] == "POST"]

    return run


def test_features_come_out_with_their_tags(exchange, workspace, emulator, side):
    """By key, JQL, Test Plan or Test Execution; the same files under the same names every time."""
    emulator.call("GET", "/")
    by_plan, _ = exchange("features", "export", "--test-plan", "SHOP-2", "--output", "out/plan")
    exchange("features", "export", "--keys", "SHOP-8, SHOP-4 SHOP-8", "--output", "out/keys")
    first = written(workspace / "out/keys")
    again, _ = exchange("features", "export", "--keys", "SHOP-4 SHOP-8", "--output", "out/keys")
    exchange("features", "export", "--jql", "project = SHOP ORDER BY key", "--output", "out/jql")
    exchange("features", "export", test_execution="SHOP-40")

    assert (by_plan.code, again.code) == (0, 0), by_plan.text + again.text
    assert [*written(workspace / "out/plan")] == ["SHOP-4.feature"]
    assert [*first] == ["SHOP-4.feature", "SHOP-8.feature"]
    assert first == written(workspace / "out/keys") == written(workspace / "out/jql")
    assert first["SHOP-4.feature"].startswith(
        "@REQ_SHOP-5\nFeature: Discount codes\n\n  @TEST_SHOP-4\n  Scenario Outline: Discount codes\n"
        "    Given a cart with <items> items\n"
    )
    assert (workspace / "features/SHOP-4.feature").read_text() == "@SHOP-40 " + first["SHOP-4.feature"]


def test_an_export_changes_nothing_when_it_is_imported(exchange, workspace, emulator):
    """Out, in, and the world is as before; as a folder and as a zip."""
    before = world(emulator)
    exchange("features", "export", "--keys", "SHOP-4,SHOP-8")
    folder, _ = exchange("features", "import", "features")
    zipped(workspace, **written(workspace / "features"))
    packed, writes = exchange("features", "import", "given.zip", "features/SHOP-8.feature")

    assert (folder.code, packed.code) == (0, 0), folder.text + packed.text
    assert "2 Tests made or updated: SHOP-4, SHOP-8" in folder.text
    assert len(writes) == 2
    assert world(emulator) == before


def test_a_new_scenario_is_made_once(exchange, workspace, emulator):
    """Its tags are labels; the second import finds it again."""
    (workspace / "features/sub").mkdir(parents=True)
    (workspace / "features/sub/basket.feature").write_text(NEW)
    (workspace / "features/.hidden").mkdir()
    (workspace / "features/.hidden/x.feature").write_text("not one")
    for _ in range(2):
        result, writes = exchange("features", "import", "features")
        assert result.code == 0, result.text

    assert [(each["summary"], each["labels"]) for each in emulator.created_tests()] == [("Empty it", ["slow"])]
    assert len(writes) == 2


def test_a_dry_run_sends_nothing(exchange, workspace):
    """It says what would go."""
    (workspace / "a.feature").write_text(NEW)
    result, writes = exchange("features", "import", "a.feature", "--dry-run")

    assert (result.code, writes) == (0, [])
    assert "would send 1 feature file to SHOP: a.feature" in result.text


def test_a_background_is_a_precondition_and_comes_out_again(exchange, workspace, emulator):
    """With its key, by which it is found when it goes in again."""
    (workspace / "a.feature").write_text(NEW.replace("\n\n", "\n\n  Background:\n    Given a basket\n\n", 1))
    result, _ = exchange("features", "import", "a.feature")
    made = emulator.created_tests()[0]
    exchange("features", "export", "--keys", made["key"])
    before = world(emulator)
    again, _ = exchange("features", "import", "features")

    assert "1 Precondition made or updated" in result.text
    assert f"    #@PRECOND_{made['test']['preconditions'][0]}\n    Given a basket\n" in next(
        iter(written(workspace / "features").values())
    )
    assert again.code == 0
    assert world(emulator) == before


def test_what_xray_did_not_take_is_named(exchange, workspace, emulator):
    """The other scenarios are there: partly imported."""
    (workspace / "a.feature").write_text(NEW + "\n  @TEST_SHOP-99\n  Scenario: Gone\n    Given x\n")
    some, _ = exchange("features", "import", "a.feature")
    (workspace / "a.feature").write_text("Feature: x\n\n  @TEST_SHOP-99\n  Scenario: Gone\n    Given x\n")
    none, _ = exchange("features", "import", "a.feature")

    assert (some.code, none.code) == (8, 6)
    assert "SHOP-99" in some.text
    assert [each["summary"] for each in emulator.created_tests()] == ["Empty it"]


def test_an_answer_that_is_lost_is_told_and_not_sent_again(exchange, workspace, emulator, side):
    """One request; the next run finds what the first one made."""
    (workspace / "a.feature").write_text(NEW)
    emulator.fault("POST", IMPORTS[side], drop="after", times=1)
    lost, writes = exchange("features", "import", "a.feature")
    again, _ = exchange("features", "import", "a.feature")

    assert (lost.code, again.code, len(writes)) == (7, 0, 1)
    assert "#may-have-been-done" in lost.text
    assert "results may have been imported" not in lost.text
    assert len(emulator.created_tests()) == 1


@pytest.mark.parametrize(
    ("arguments", "changes", "code", "words"),
    [
        (["export"], {}, 2, "which features"),
        (["export", "--keys", "shop 4"], {}, 2, "no issue key"),
        (["export", "--keys", "SHOP-4 SHOP-99"], {}, 6, "SHOP-99"),
        (["export", "--keys", "SHOP-3"], {}, 6, "SHOP-3"),
        (["export", "--jql", "project = SHOP AND summary ~ nothing"], {}, 3, "finds no Cucumber Test"),
        (["export", "--jql", "project ="], {}, 6, ""),
        (["import"], {}, 2, "needs a path"),
        (["import", "nowhere"], {}, 4, "No such file"),
        (["import", "empty"], {}, 3, "no feature file"),
        (["import", "empty"], {"project": None}, 2, "project"),
    ],
)
def test_what_cannot_be_done_is_told(exchange, workspace, arguments, changes, code, words):
    """With its own exit code, and nothing is written to Xray."""
    (workspace / "empty").mkdir()
    result, writes = exchange("features", *arguments, **changes)

    assert (result.code, writes) == (code, []), result.text
    assert words in result.text


def test_keys_that_can_be_exported_are(exchange, workspace):
    """Although another one cannot."""
    exchange("features", "export", "--keys", "SHOP-99 SHOP-4")

    assert [*written(workspace / "features")] == ["SHOP-4.feature"]


def linked():
    link = zipfile.ZipInfo("link.feature")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("../a.feature", NEW)], "leads out"),
        ([("/etc/a.feature", NEW)], "leads out"),
        ([("c:\\a.feature", NEW)], "leads out"),
        ([("a\nb.feature", NEW)], "leads out"),
        ([(linked(), "/etc/passwd")], "is a link"),
        ([("a.feature", b"\xff\xfe")], "not UTF-8"),
        ([("a.feature", " " * 5_000_000)], "unpacks to more"),
    ],
)
def test_a_zip_is_anybodys(exchange, workspace, members, words):
    """What is unsafe in one is named, and nothing of it is sent."""
    with zipfile.ZipFile(workspace / "given.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    result, writes = exchange("features", "import", "given.zip")

    assert (result.code, writes) == (4, []), result.text
    assert words in result.text


def test_a_link_in_the_workspace_leads_nowhere(exchange, workspace, tmp_path):
    """Neither is a file behind one sent, nor is anything written through one."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.feature").write_text(NEW)
    (workspace / "features").mkdir()
    (workspace / "features/a.feature").symlink_to(tmp_path / "outside/a.feature")
    (workspace / "away").symlink_to(tmp_path / "outside")
    (workspace / "one.feature").symlink_to(tmp_path / "outside/a.feature")
    for name in ("away", "one.feature"):
        led, writes = exchange("features", "import", name)
        assert (led.code, writes) == (4, []), led.text
    sent, writes = exchange("features", "import", "features")
    out, _ = exchange("features", "export", "--keys", "SHOP-4", "--output", "away")

    assert (sent.code, out.code, writes) == (4, 2, [])
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["a.feature"]


def test_a_zip_that_is_none_is_told(exchange, emulator):
    """Whatever answers instead."""
    for path in ("/api/v2/export/cucumber", "/jira/rest/raven/2.0/export/test"):
        emulator.fault("GET", path, status=200, body="PK\x03\x04 cut", times=1)
    result, _ = exchange("features", "export", "--keys", "SHOP-4")

    assert result.code == 4
    assert "no zip that can be read" in result.text


def test_names_do_not_depend_on_what_else_is_exported():
    """Xray's number goes; without another name the first key stands for it; one name twice is told apart."""
    text = b"Feature: x\r\n  @TEST_%s @smoke\r\n  Scenario: y\r\n"
    found = [
        ("1_SHOP-5.feature", text % b"SHOP-4"),
        ("2_SHOP-5.feature", text % b"SHOP-6"),
        ("3.feature", text % b"SHOP-8"),
        ("../4_../etc/passwd.feature", b"Feature: z\n"),
        ("5.feature", b"Feature: z\n"),
        ("9.feature", text % b"SHOP-8"),
    ]

    assert (
        [*named(found)]
        == [*named(found[::-1])]
        == ["SHOP-5_SHOP-4.feature", "SHOP-5_SHOP-6.feature", "SHOP-8.feature", "feature.feature", "passwd.feature"]
    )
    assert named(found)["SHOP-8.feature"] == b"Feature: x\n  @TEST_SHOP-8 @smoke\n  Scenario: y\n"
