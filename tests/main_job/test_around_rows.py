"""What is done around an import, over real sockets: every row of its table, on both products, twice, and refused."""

import json

import pytest
from around_table import CLOUD, ELSEWHERE, ROWS, Request, report, setting
from job_runs import AGAIN

from xray_ci.pipeline.afterwards import STEPS
from xray_ci.settings.table import GROUPS
from xray_ci.settings.table import ROWS as SETTINGS

AROUND = [row.name for row in GROUPS["around the import"]]
BY_JIRA = {row.name for row in SETTINGS if row.jira}
REFUSED = [
    pytest.param(side, name, id=f"{side}-{name}")
    for name, row in ROWS.items()
    for side in ("cloud", "server")
    if isinstance(row.request(side), Request)
]


@pytest.fixture
def ran(around, emulator, workspace):
    """Run a command with the settings of a row, and with its report."""
    ready = set()

    def run(name, *args, **more):
        row = ROWS[name]
        if name not in ready:
            ready.add(name)
            row.prepare(emulator)
            if row.cases:
                (workspace / "r.xml").write_text(report(row))
        return around(*args, **{**row.changes, **more})

    return run


@pytest.fixture
def breaks(emulator, side):
    """Let the request of a row fail."""

    def fault(name, **order):
        request = ROWS[name].request(side)
        emulator.fault(request.method, request.path, contains=request.contains, **order)

    return fault


def test_each_setting_around_the_import_has_a_row():
    """None can come without a test; each step that follows an import is one of these settings."""
    missing = [name for name in (*AROUND, *ELSEWHERE) if name not in map(setting, ROWS)]
    assert missing == [], f"add to ROWS of tests/around_table.py a row for each of {missing}"
    assert {setting(name) for name in ROWS} == {*AROUND, *ELSEWHERE}
    assert {step.setting for step in STEPS} <= {*AROUND, *ELSEWHERE}
    told = [each for row in ROWS.values() for each in (row.cloud, row.server) if isinstance(each, str)]
    assert [each for each in told if not (each.endswith(".") and len(each.split()) > 3)] == [], "say why, in a sentence"
    alone = {step.setting for step in STEPS if step.by_jira and step.setting != "ci-link"} | {"create-missing"}
    assert alone == {row.name for row in SETTINGS if row.jira}


@pytest.mark.parametrize("name", ROWS)
def test_a_setting_does_its_work_once_however_often_it_runs(ran, emulator, name):
    """The second attempt of the run finds the same Test Execution, and changes nothing of what is there."""
    row = ROWS[name]
    first = ran(name)
    made = row.seen(emulator.state())
    second = ran(name, env=AGAIN)

    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert made == row.seen(emulator.state()) == row.expected
    assert len(emulator.executions()) == 1


@pytest.mark.parametrize(("side", "name"), REFUSED)
def test_a_refusal_says_what_to_do(ran, emulator, breaks, name):
    """With the setting, the answer and the next step; before an import nothing is sent, after it no result is lost."""
    row = ROWS[name]
    breaks(name, status=403, body=json.dumps({"errorMessages": ["Not you."], "errors": {}}))

    refused = ran(name)

    assert refused.code == row.code, refused.text
    assert (row.told or f"`{setting(name)}` was not done to SHOP-41") in refused.text
    assert "Not you." in refused.text
    assert ("import is done." in refused.text or "are imported" in refused.text) is not row.before
    assert (
        [len(each["execution"]["runs"]) for each in emulator.executions()] == []
        if row.before
        else [2 - bool(row.cases)]
    )
    mended = ran(name, row.mend, env=AGAIN)
    assert mended.code == 0, mended.text
    assert (row.seen(emulator.state()), len(emulator.executions())) == (row.expected, 1)
    assert len(emulator.imports()) == 1 + (row.mend == "import" and not row.before)


@pytest.mark.parametrize(("side", "name"), REFUSED)
def test_a_site_that_fails_leaves_it_to_be_done(ran, emulator, breaks, name):
    """Whatever was lost: nothing is imported twice, and it is done once."""
    row = ROWS[name]
    breaks(name, status=500, times=20)

    lost = ran(name)
    emulator.call("DELETE", "/__emulator__/faults")
    mended = ran(name, row.mend, env=AGAIN)

    assert (lost.code, mended.code) == (row.lost, 0), lost.text + mended.text
    assert row.again in lost.text
    assert (row.seen(emulator.state()), len(emulator.executions())) == (row.expected, 1)


@pytest.mark.parametrize(("side", "name"), REFUSED)
def test_an_answer_that_is_lost_doubles_nothing(ran, emulator, breaks, name):
    """Where it was done and nobody said so, the site is asked; the run is green."""
    breaks(name, drop="after")

    result = ran(name)

    assert result.code == 0, result.text
    assert ROWS[name].seen(emulator.state()) == ROWS[name].expected


@pytest.mark.parametrize("name", [name for name in ROWS if setting(name) in BY_JIRA and ROWS[name].cloud.path != CLOUD])
def test_cloud_without_credentials_of_jira_is_told_before_anything_is_sent(inside, emulator, reports, name):
    """Exit code 2 names the setting; no request was made."""
    result = inside("import", reports="*.xml", **ROWS[name].changes)

    assert result.code == 2, result.text
    assert f"`{setting(name)}` is done by Jira" in result.text
    assert emulator.requests() == []


@pytest.mark.parametrize("name", ROWS)
def test_plan_says_what_would_follow(ran, emulator, side, name):
    """And does nothing of it; a link to the CI run needs one."""
    result = ran(name, "plan")

    assert result.code == 0, result.text
    assert ROWS[name].plan in result.text or isinstance(ROWS[name].request(side), str), result.text
    assert emulator.executions() == []
