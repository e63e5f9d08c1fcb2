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


@pytest.mark.parametrize("when", ["imported", "always"])
def test_no_snapshot_after_a_signal(job, emulator, monkeypatch, when):
    """Stopped while it reads back: exit 143 at once, no page is asked for, and the state folder stays for `resume`."""

    def stopped(plan, means):
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
