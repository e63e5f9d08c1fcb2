"""The state folder: what `resume` takes from it, what it refuses, and when nothing of it stays."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest
from job_runs import case, keyed, suite

from xray_ci.delivery.journal import NAME, Chain, line_after

IMPORT = "*/import/execution*"
PLANS = {"test_execution": "SHOP-10"}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "tests",
    "GITHUB_JOB": "unit",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_SERVER_URL": "https://github.example",
}


@pytest.fixture
def job(inside, workspace):
    """Run a command on one report of two results."""
    (workspace / "r.xml").write_text(suite("a", keyed("adds", "SHOP-1"), case("sorts")))
    return lambda *args, **more: inside(*(args or ("import",)), **({"reports": "*.xml"} | more))


@pytest.fixture
def outage(emulator):
    """Let nobody in until the returned function is called."""
    emulator.fault("POST", "*/authenticate", status=502, times=-1)
    emulator.fault("POST", "/jira/rest/raven/*", status=502, times=-1)
    return emulator.reset


def left_by(job, inside, outage, **more):
    """Return the only folder of an import that an outage cut short."""
    assert job("import", **more).code == 7
    outage()
    (folder,) = inside.left()
    return folder


def reforged(folder, old, new):
    """Put one text in the place of another everywhere, and make every digest new that can be without the key."""
    (folder / "tests").write_bytes((folder / "tests").read_bytes().replace(old, new))
    first, *rest = (folder / NAME).read_bytes().splitlines()
    front, _, payload = first.partition(b" {")
    salt = bytes.fromhex(front.split()[2].decode())
    head = json.loads(b"{" + payload.replace(old, new))
    for sealed in head["files"]:
        content = (folder / sealed["name"]).read_bytes()
        sealed |= {"length": len(content), "digest": hashlib.sha256(content).hexdigest()}
    chain, content = Chain.begin(salt, lambda salt: salt), b""
    for said in (json.dumps(head, separators=(",", ":")).encode(), *(line.partition(b" ")[2] for line in rest)):
        line, chain = line_after(chain, said.replace(old, new))
        content += line
    (folder / NAME).write_bytes(content)


def test_a_folder_edited_from_one_key_to_another_is_not_sent(job, inside, outage, emulator):
    """Every digest is right that can be made without the key: exit 2, no request, and both ways on are named."""
    folder = left_by(job, inside, outage, **PLANS)
    reforged(folder, b"SHOP-10", b"SHOP-11")
    before = len(emulator.requests())

    result = job("resume", reports=None)

    assert result.code == 2, result.text
    assert "state-foreign" in result.text
    assert "`state-key`" in result.text
    assert "xray-ci import --test-execution KEY" in result.text
    assert before == len(emulator.requests())
    assert (folder,) == tuple(inside.left())


def test_a_folder_is_sealed_with_the_token_of_its_run(job, inside, outage, emulator):
    """After the token was renewed nothing is sent; with the old one as `state-key` it is."""
    left_by(job, inside, outage, on="server")
    renewed = {"on": "server", "reports": None, "jira_token": None, "jira_username": "emu", "jira_password": "emu"}

    refused = job("resume", **renewed)
    assert (refused.code, len(emulator.imports())) == (2, 0), refused.text
    assert "state-foreign" in refused.text

    resumed = job("resume", **renewed, state_key="emulator-pat")
    assert resumed.code == 0, resumed.text
    assert len(emulator.executions()) == 1
    assert inside.left() == []


def test_a_state_key_outlives_the_credentials(job, inside, outage, emulator):
    """What it sealed is opened with it, whoever signs the requests, and with nothing else."""
    left_by(job, inside, outage, on="server", state_key="a lasting key of the pipeline")

    assert job("resume", on="server", reports=None).code == 2
    other = {"jira_token": None, "jira_username": "emu", "jira_password": "emu"}
    resumed = job("resume", on="server", reports=None, state_key="a lasting key of the pipeline", **other)
    assert resumed.code == 0, resumed.text
    assert len(emulator.executions()) == 1


def test_a_password_seals_too(job, inside, outage, emulator):
    """Basic authentication alone is enough to resume with, and another password is not."""
    basic = {"on": "server", "jira_token": None, "jira_username": "emu"}
    left_by(job, inside, outage, jira_password="emu", **basic)

    assert job("resume", reports=None, jira_password="other", **basic).code == 2
    assert job("resume", reports=None, jira_password="emu", **basic).code == 0
    assert len(emulator.executions()) == 1


@pytest.mark.parametrize(
    ("left", "now", "said"),
    [
        ({"test_execution": "SHOP-7"}, {"test_execution": "SHOP-11"}, "`test-execution: SHOP-11`"),
        ({}, {"test_execution": "SHOP-11"}, "the folder says none"),
        ({"test_plan": "SHOP-2"}, {"test_plan": "SHOP-3"}, "`test-plan: SHOP-3`"),
        ({}, {"project": "OTHER"}, "`project: OTHER`"),
        ({}, {"key_projects": "OTHER"}, "a result in the folder is of SHOP-1"),
    ],
    ids=["execution", "an execution", "plan", "project", "key projects"],
)
def test_the_settings_hold_against_what_the_folder_says(job, inside, outage, emulator, left, now, said):
    """Another job with the same secret cannot lead this one elsewhere: exit 2, nothing is sent, the folder stays."""
    left_by(job, inside, outage, **left)

    result = job("resume", reports=None, **now)

    assert result.code == 2, result.text
    assert "state-for-other-settings" in result.text
    assert said in result.text
    assert emulator.imports() == []
    own = job("resume", reports=None, **(now | dict.fromkeys(now)) | {"project": "SHOP"} | left)
    assert "state-for-other-settings" not in own.text
    assert "import" in {each["kind"] for each in emulator.requests()}


@pytest.mark.parametrize("put", ["link", "file"])
def test_what_is_put_in_place_of_the_tests_while_the_login_is_answered_is_not_sent(
    job, inside, emulator, tmp_path_factory, put
):
    """The sealed file is open by then: it is what is sent, whatever its name leads to."""
    other = tmp_path_factory.mktemp("other") / "secret"
    other.write_text('{"testKey":"SHOP-4","status":"FAILED","comment":"SECRET of another job"}' * 9)
    emulator.fault("POST", "*/authenticate", status=429, headers={"Retry-After": "3"}, times=1)
    swapped, sleep = [], inside._sleep

    def swapping(seconds):
        if not swapped:
            (folder,) = inside.left()
            (folder / "tests").unlink()
            (folder / "tests").symlink_to(other) if put == "link" else os.link(other, folder / "tests")
            swapped.append(folder)
        sleep(seconds)

    inside._sleep = swapping
    result = job()

    assert result.code == 0, result.text
    assert len(swapped) == 1
    assert "SECRET" not in str(emulator.requests())
    (execution,) = emulator.executions()
    assert {"SHOP-1"} <= set(execution["execution"]["runs"])
    assert "SHOP-4" not in execution["execution"]["runs"]


def test_one_id_stands_once(job, inside, outage, emulator):
    """Also what verifies is not sent where one request is in it twice."""
    folder = left_by(job, inside, outage)
    first, *_ = (folder / NAME).read_bytes().splitlines()
    front, _, payload = first.partition(b" {")
    salt = bytes.fromhex(front.split()[2].decode())
    head = json.loads(b"{" + payload)
    head["header"]["executions"] *= 3
    from xray_ci.pipeline.state import _hkdf
    from xray_ci.secret import Secret

    chain = Chain.begin(salt, lambda salt: _hkdf(Secret(inside.cloud["XRAY_CI_CLIENT_SECRET"]), salt))
    (folder / NAME).write_bytes(line_after(chain, json.dumps(head, separators=(",", ":")).encode())[0])

    result = job("resume", reports=None)
    assert (result.code, emulator.imports()) == (2, []), result.text
    assert "one id twice" in result.text


def test_on_a_laptop_wrong_secret_right_secret_resume(job, inside, emulator, workspace):
    """One Test Execution, nothing twice, and the state folder is empty: what was refused at once is not kept."""
    wrong = job(client_secret="not the secret of this key")
    assert wrong.code == 5, wrong.text
    assert "resume" not in wrong.text
    assert job().code == 0
    resumed = job("resume", reports=None)

    assert resumed.code == 0, resumed.text
    assert 1 == len(emulator.executions()) == len(emulator.imports())
    assert not (workspace / ".xray-ci").exists()


def test_a_later_import_of_the_same_run_drops_what_it_made_needless(job, inside, outage, emulator, workspace):
    """An outage leaves a folder; the import that succeeds afterwards removes it, and `resume` doubles nothing."""
    left_by(job, inside, outage)
    result = job()

    assert result.code == 0, result.text
    assert "of an earlier attempt is removed" in result.text
    assert job("resume", reports=None).code == 0
    assert 1 == len(emulator.executions()) == len(emulator.imports())
    assert not (workspace / ".xray-ci").exists()


def test_an_import_of_other_reports_drops_nothing(job, inside, outage, workspace):
    """Another step of the job has its own results, and what an outage left of this one is still to be sent."""
    folder = left_by(job, inside, outage)
    (workspace / "other.xml").write_text(suite("b", case("pays")))

    assert job("import", reports="other.xml").code == 0
    assert inside.left() == [folder]


def test_it_does_so_too_where_the_first_may_have_arrived(job, inside, emulator):
    """On a laptop nothing tells two attempts apart from two runs; going on would fill one more Test Execution."""
    emulator.settings(index_lag_s=20)
    emulator.fault("POST", IMPORT, drop="after")
    assert job("import", time_budget="1").code == 7
    assert len(inside.left()) == 1
    assert job().code == 0
    made = len(emulator.imports())

    assert inside.left() == []
    assert job("resume", reports=None).code == 0
    assert made == len(emulator.imports())


def test_a_shard_does_not_drop_what_another_left(job, inside, emulator, workspace):
    """Shards have one mark, and their reports may have the same names: each resumes its own."""
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_PATH": "a/b", "CI_PIPELINE_ID": "815", "CI_JOB_GROUP_NAME": "tests"}
    first, second = ({**gitlab, "CI_JOB_NAME": f"tests {n}/2", "CI_NODE_TOTAL": "2"} for n in (1, 2))
    emulator.fault("POST", "*/authenticate", status=502, times=-1)
    assert job("import", **first).code == 7
    emulator.reset()
    (folder,) = inside.left()
    (workspace / "r.xml").write_text(suite("a", keyed("pays", "SHOP-3")))

    assert job("import", **second).code == 0
    assert inside.left() == [folder]
    assert job("resume", reports=None, **first).code == 0
    (execution,) = emulator.executions()
    assert {"SHOP-1", "SHOP-3"} <= set(execution["execution"]["runs"])


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")
def test_git_ignores_the_state_folder(job, inside, outage, workspace):
    """What waits in a workspace is not committed."""
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    left_by(job, inside, outage)
    status = subprocess.run(
        ["git", "-C", str(workspace), "status", "--porcelain"], check=True, capture_output=True, text=True
    )

    assert status.stdout == "?? r.xml\n"


def test_what_is_left_is_listed_and_dropped(job, inside, outage, emulator):
    """`--list` and `--drop` make no request; without a name only that goes of which nothing was sent."""
    untouched = left_by(job, inside, outage)
    emulator.fault("POST", IMPORT, drop="after")
    emulator.settings(index_lag_s=20)
    assert job("import", time_budget="1", project="SHOP", summary="other", reports="r.xml").code == 7
    (touched,) = [folder for folder in inside.left() if folder != untouched]
    emulator.settings(index_lag_s=0)
    before = len(emulator.requests())

    listed = job("resume", "--list", reports=None)
    assert listed.code == 0, listed.text
    for folder in (untouched, touched):
        assert re.search(
            rf"{folder.name}: \d{{4}}-\d\d-\d\d \d\d:\d\d UTC, 0 of 1 requests sent, 2 results", listed.out
        )

    dropped = job("resume", "--drop", reports=None)
    assert dropped.code == 0, dropped.text
    assert f"xray-ci resume --drop {touched.name}" in dropped.out
    assert inside.left() == [touched]
    assert job("resume", "--drop", "run-0", reports=None).code == 2
    assert job("resume", "--drop", touched.name, reports=None).code == 0
    assert inside.left() == []
    assert before == len(emulator.requests())
    assert "nothing is left" in job("resume", "--list", reports=None).out


def test_a_folder_that_does_not_verify_can_be_dropped_by_name(job, inside, outage):
    """It is listed with its slug, stays without its name, and goes with it."""
    folder = left_by(job, inside, outage)
    (folder / NAME).write_bytes((folder / NAME).read_bytes().replace(b"SHOP", b"SHIP"))

    assert "state-foreign" in job("resume", "--list", reports=None).out
    assert job("resume", "--drop", reports=None).code == 0
    assert inside.left() == [folder]
    assert job("resume", "--drop", folder.name, reports=None).code == 0
    assert inside.left() == []


def test_where_the_folder_goes_with_the_job_the_advice_is_what_keeps_it(job, emulator, tmp_path_factory):
    """GitHub empties the runner's temp folder after a job (D): another job could not `resume`."""
    emulator.fault("POST", IMPORT, status=502, times=-1)
    temp = tmp_path_factory.mktemp("temp")
    result = job("import", RUNNER_TEMP=str(temp), **GITHUB)

    assert result.code == 7, result.text
    assert "xray-ci resume" not in result.text
    assert "which goes with this job: https://" in result.text
    assert "/docs/exactly-once.md says how to keep the state folder" in result.text

    kept = job("import", RUNNER_TEMP=str(temp), state_dir="kept", **GITHUB)
    assert "`xray-ci resume` sends it" in kept.text


def resumed_by(result):
    """Return the lines that send somebody to `resume`."""
    return [line for line in result.text.splitlines() if "resume" in line]


@pytest.mark.parametrize("on", ["cloud", "server"])
@pytest.mark.parametrize("code", [8, 6])
def test_nothing_invites_to_resume_where_nothing_is_left_to_send(job, inside, emulator, workspace, on, code):
    """Results that were refused one by one, or all of them, are as refused in every later try: nothing is kept."""
    (workspace / "r.xml").write_text(suite("a", *[keyed("adds", "SHOP-3")] * (code == 8), keyed("pays", "SHOP-999")))

    result = job("import", on=on)

    assert result.code == code, result.text
    assert "SHOP-999" in result.text
    assert inside.left() == []
    assert resumed_by(result) == []


def test_what_is_stored_otherwise_is_not_left_to_resume(job, inside, emulator, workspace):
    """All requests are done, so `resume` would find nothing: the way on is an import into that Test Execution."""
    (workspace / "r.xml").write_text(suite("a", keyed("adds", "SHOP-3", "<skipped/>")))
    result = job("import", statuses="skipped: OMITTED")

    assert result.code == 8, result.text
    assert inside.left() == []
    assert resumed_by(result) == []
    (execution,) = emulator.executions()
    assert f"again with `test-execution: {execution['key']}`" in result.text


def test_resume_that_fails_again_can_be_resumed_again(job, inside, emulator):
    """The folder stays where it was, so nobody is told that nothing stays."""
    emulator.settings(index_lag_s=20)
    emulator.fault("POST", IMPORT, drop="after")
    assert job("import", time_budget="1").code == 7
    (folder,) = inside.left()

    again = job("resume", reports=None, time_budget="1")

    assert again.code == 7, again.text
    assert "Run `xray-ci resume`, or again with more `time-budget`." in again.text
    assert "Nothing of this run stays" not in again.text
    assert inside.left() == [folder]
