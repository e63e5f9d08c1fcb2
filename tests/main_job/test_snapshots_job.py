"""Snapshots after the import, as a user meets them."""

import pytest

from xray_ci.delivery import reconcile
from xray_ci.errors import Interrupted


@pytest.fixture
def job(emulator, inside, workspace):
    """Run a command that refreshes pages of the emulated Confluence."""
    (workspace / "r.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')
    base = {"reports": "r.xml", "snapshots_delay": "0", "snapshots_url": emulator.url + "/take-snapshot/{page-id}"}
    return lambda *args, **changes: inside(*args, **(base | changes))


def test_page_version_rises_after_the_import(job, emulator):
    """The page is asked for once, after the import, and gets a new version."""
    before = emulator.page_version("131073")

    result = job("import", snapshot_page_ids="131073", snapshot_api_key="emulator-global-key")

    emulator.clock(advance=10)
    assert result.code == 0, result.out + result.err
    assert before + 1 == emulator.page_version("131073")
    assert emulator.kinds_of_calls() == ["authenticate", "import", "read", "snapshot"]


def test_one_failing_snapshot_does_not_stop_the_others(job, emulator):
    """The page without macros is refused, the other is refreshed; the run is done, with a warning."""
    before = emulator.page_version("131073")

    result = job("import", snapshot_page_ids="999\n131073", snapshot_api_key="emulator-global-key")

    emulator.clock(advance=10)
    assert result.code == 0, result.out + result.err
    assert before + 1 == emulator.page_version("131073")
    assert "999" in result.out


def test_fail_on_snapshots_is_exit_code_9(job, emulator):
    """A wrong key with `fail-on: snapshots` fails, says the causes and never shows the key."""
    result = job("import", snapshot_page_ids="131073", snapshot_api_key="emulator-wrong-key", fail_on="snapshots")

    assert result.code == 9, result.out + result.err
    assert "regenerated" in result.out + result.err
    assert "emulator-wrong-key" not in result.out + result.err
    assert len(emulator.executions()) == 1


def test_a_snapshot_that_failed_is_triggered_by_resume(job, emulator):
    """Exit 9 leaves the state folder; `resume` imports nothing again, refreshes the page, and leaves nothing."""
    before = emulator.page_version("131073")
    emulator.fault("POST", "/take-snapshot/131073", status=500)
    settings = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-global-key", "fail_on": "snapshots"}
    lost = job("import", **settings)
    assert lost.code == 9, lost.out + lost.err
    assert "xray-ci resume" in lost.out + lost.err

    resumed = job("resume", reports="", **settings)

    emulator.clock(advance=10)
    assert resumed.code == 0, resumed.out + resumed.err
    assert before + 1 == emulator.page_version("131073")
    assert 1 == len(emulator.imports()) == len(emulator.executions())
    assert "nothing is left" in job("resume", reports="", **settings).out


def test_snapshots_command_only_triggers(job, emulator):
    """`snapshots` needs neither reports nor Xray."""
    result = job(
        "snapshots", snapshot_urls=emulator.url + "/macro-hooks/7f3c9a52e1d04b86", snapshot_api_key="emulator-macro-key"
    )

    assert result.code == 0, result.out + result.err
    assert emulator.kinds_of_calls() == ["snapshot"]


def test_a_page_that_was_refused_is_not_triggered(job, tmp_path):
    """The command failed, and says so in the last line and on the page."""
    page = tmp_path / "page"
    page.touch()
    result = job(
        "snapshots",
        snapshot_page_ids="131073",
        snapshot_api_key="emulator-wrong-key",
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(page),
    )

    assert (result.code, result.out.splitlines()[-1].split(",")[0]) == (9, "failed")
    assert "No snapshot was triggered" in page.read_text().splitlines()[0]


def test_whoever_sets_fail_on_decides_what_makes_snapshots_red(job):
    """A list without `snapshots` lets the command end green."""
    wrong = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-wrong-key"}
    assert job("snapshots", fail_on="test-failures", **wrong).code == 0


def test_a_snapshot_that_nothing_is_kept_of_is_triggered_by_its_own_command(job):
    """`snapshots` leaves no folder, so `resume` would find nothing: the command itself is the way on."""
    result = job("snapshots", snapshot_page_ids="131073", snapshot_api_key="emulator-wrong-key", fail_on="snapshots")

    assert result.code == 9, result.text
    assert "resume" not in result.text
    assert "`xray-ci snapshots` triggers it again" in result.text


@pytest.mark.parametrize("when", ["imported", "always"])
def test_no_snapshot_after_a_signal(job, emulator, monkeypatch, when):
    """Stopped while it reads back: exit 143 at once, no page is asked for, and the state folder stays for `resume`."""

    def stopped(*_):
        raise Interrupted("stopped by SIGTERM", signal=15)

    settings = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-global-key", "snapshots_when": when}
    with monkeypatch.context() as patch:
        patch.setattr(reconcile, "reconcile", stopped)
        result = job("import", **settings)
    assert result.code == 143, result.text
    assert "snapshot" not in emulator.kinds_of_calls()

    assert job("resume", reports="", **settings).code == 0
    assert emulator.kinds_of_calls().count("snapshot") == 1
    assert len(emulator.imports()) == 1


def test_no_snapshot_after_a_failed_import(job, emulator):
    """Pages are refreshed after a successful import only."""
    result = job("import", snapshot_page_ids="131073", snapshot_api_key="emulator-global-key", project="NOPE")

    assert result.code == 6, result.out + result.err
    assert "snapshot" not in emulator.kinds_of_calls()


SHARD = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7", "GITHUB_JOB": "test"}
PAGES = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-global-key"}


def test_shards_leave_the_page_to_a_job_after_them(job, emulator):
    """Partial results refresh nothing; once all are in, `snapshots` does it once."""
    before = emulator.page_version("131073")
    for shard in (1, 2, 3):
        result = job("import", **PAGES, **SHARD, **{"INPUT_GITHUB-MATRIX": f'{{"shard": {shard}}}'})
        assert result.code == 0, result.out + result.err
        assert "`command: snapshots`" in result.out
    emulator.clock(advance=10)
    assert before == emulator.page_version("131073")

    assert job("snapshots", reports=None, **PAGES, **SHARD).code == 0

    emulator.clock(advance=10)
    assert before + 1 == emulator.page_version("131073")


@pytest.mark.parametrize(
    "more",
    [
        {"snapshots_when": "always", "INPUT_GITHUB-MATRIX": '{"shard": 1}'},
        {"shards": "none", "INPUT_GITHUB-MATRIX": '{"shard": 1}'},
        {"INPUT_GITHUB-MATRIX": '{"shard": 1}', "INPUT_GITHUB-STRATEGY": '{"job-total": 1}'},
        {"INPUT_GITHUB-MATRIX": '{"browser": "chrome"}'},
    ],
)
def test_who_is_no_shard_or_wants_it_refreshes_the_page(more, job, emulator):
    """A leg has results of its own, and somebody may want each shard's."""
    before = emulator.page_version("131073")

    assert job("import", **PAGES, **SHARD, **more).code == 0

    emulator.clock(advance=10)
    assert before + 1 == emulator.page_version("131073")


def test_resume_triggers_what_was_owed(job, emulator):
    """An import that failed owes its pages; whoever completes it refreshes them."""
    before = emulator.page_version("131073")
    emulator.fault("POST", "/api/v2/import/execution", status=500, times=3)
    assert job("import", **PAGES).code == 7
    assert before == emulator.page_version("131073")

    assert job("resume", reports=None, **PAGES).code == 0

    emulator.clock(advance=10)
    assert before + 1 == emulator.page_version("131073")
