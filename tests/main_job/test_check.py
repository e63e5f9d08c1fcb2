"""`check`: what is known of a site before anything is written, on both products, and what is wrong of a spoilt one."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from emulator_client import CLIENT_ID_IN_EU, CLIENT_ID_WITHOUT_PROJECTS, Emulated
from msgspec.structs import replace

from xray_ci.deployments import DEPLOYMENTS
from xray_ci.emulator import worlds
from xray_ci.emulator.server import Emulator, Serving
from xray_ci.pipeline import connecting
from xray_ci.secret import Redactor
from xray_ci.services.transport import Transport
from xray_ci.services.wire import Call, CallKind, ConnectionOptions
from xray_ci.site.around import Watching, seen
from xray_ci.site.findings import Standing

WHOLE = {
    "test_plan": "SHOP-2",
    "test_execution": "SHOP-40",
    "triggered_from": "SHOP-2",
    "test_environments": "chrome;linux",
    "fix_version": "1.0",
    "statuses": "skipped: ABORTED",
    "result_file": "out/result.json",
    "snapshot_page_ids": "131073",
    "snapshot_api_key": "emulator-global-key",
}
"""Everything that a site can be asked about."""
JIRA = {"jira_username": "dev@example.com", "jira_token": "emulator-jira-token"}
ANYWHERE = ["reachability", "deployment", "credentials", "licence", "project", "test-plan", "test-execution"]
ANYWHERE += ["triggered-from"]
ANYWHERE += ["test-environments", "fix-version", "statuses", "state-dir", "result-file", "snapshots", "clock"]
OF_JIRA = ["identity", "issue-types", "permissions", "test-fields", "facts"]
SECRETS = ("emulator-secret", "emulator-pat", "emulator-jira-token", "emulator-global-key")


@pytest.fixture
def check(inside, emulator):
    """Run `check --json` with settings over a working base; return the exit code and the findings."""

    def run(on="cloud", **changes):
        given = {name: emulator.url if value == "here" else value for name, value in {**WHOLE, **changes}.items()}
        result = inside("check", "--json", on=on, **given)
        assert not [secret for secret in SECRETS if secret in result.text]
        assert "Traceback" not in result.text
        return result.code, [json.loads(line) for line in result.out.splitlines()]

    return run


def bad(found, status="problem"):
    """Return the names of findings that do not hold."""
    return [each["name"] for each in found if each["status"] == status]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("on", "more", "names"),
    [
        ("cloud", {}, [*ANYWHERE, "region", "rate-limit"]),
        ("cloud", {**JIRA, "jira_url": "here"}, [*ANYWHERE, *OF_JIRA, "region", "rate-limit"]),
        ("server", {}, [*ANYWHERE, *OF_JIRA, "custom-fields"]),
    ],
    ids=["cloud", "cloud and its Jira", "server"],
)
def test_all_is_well(check, emulator, on, more, names):
    """The seed world: everything holds, in under two seconds and fifteen requests, none of which writes."""
    before = emulator.state()
    began = time.monotonic()
    code, found = check(on, **more)
    took = time.monotonic() - began

    assert (0, set(names)) == (code, {each["name"] for each in found})
    assert {"ok"} == {each["status"] for each in found}
    assert {"name", "status", "text", "remedy"} == {name for each in found for name in each}
    assert len(emulator.requests()) <= 15
    assert {"authenticate", "graphql", "read", "lookup"} >= set(emulator.kinds_of_calls())
    assert took < 2
    after = emulator.state()
    assert (before["issues"], before["projects"], before["pages"]) == (
        after["issues"],
        after["projects"],
        after["pages"],
    )


WITHOUT_PROJECTS = {
    "client_id": CLIENT_ID_WITHOUT_PROJECTS,
    "test_plan": None,
    "test_execution": None,
    "triggered_from": None,
}
SPOILT = [
    ("cloud", {"client_secret": "wrong-secret-of-somebody"}, 5, "credentials", "client-secret"),
    ("cloud", WITHOUT_PROJECTS, 6, "project", ""),
    ("cloud", {"project": "NOPE", "fix_version": None}, 6, "project", "NOPE"),
    ("cloud", {"test_plan": "SHOP-9"}, 6, "test-plan", "SHOP-9 is no Test Plan"),
    ("cloud", {"test_plan": "SHOP-999"}, 6, "test-plan", "SHOP-999 is not there"),
    ("cloud", {"test_execution": "SHOP-2"}, 6, "test-execution", "SHOP-2 is no Test Execution"),
    ("cloud", {"triggered_from": "SHOP-9"}, 6, "triggered-from", "SHOP-9"),
    ("server", {"triggered_from": "SHOP-9"}, 6, "triggered-from", "SHOP-9"),
    ("cloud", {"test_environments": "chrome;opera"}, 6, "test-environments", "opera"),
    ("cloud", {"fix_version": "9.9"}, 6, "fix-version", "9.9"),
    ("cloud", {"statuses": "skipped: PARKED"}, 6, "statuses", "PARKED"),
    ("cloud", {**JIRA, "jira_url": "here", "jira_token": "wrong-token-of-somebody"}, 5, "jira-url", "jira-token"),
    ("cloud", {**JIRA, "jira_url": "here", "fix_version": "9.9"}, 6, "fix-version", "there are 1.0, 1.1"),
    ("server", {"jira_token": "wrong-token-of-somebody"}, 5, "credentials", "jira-token"),
    ("server", {"project": "NOPE"}, 6, "project", "NOPE"),
    ("server", {"test_plan": "SHOP-9"}, 6, "test-plan", "SHOP-9 is a Bug, and no Test Plan"),
    ("server", {"test_plan": "SHOP-999"}, 6, "test-plan", "SHOP-999 is not there"),
    ("server", {"test_execution": "SHOP-1"}, 6, "test-execution", "SHOP-1 is a Test, and no Test Execution"),
    ("server", {"fix_version": "9.9"}, 6, "fix-version", "9.9"),
    ("server", {"statuses": "skipped: PARKED"}, 6, "statuses", "PARKED"),
]


@pytest.mark.parametrize(("on", "spoilt", "code", "name", "words"), SPOILT)
def test_a_wrong_setting_is_named_alone(check, on, spoilt, code, name, words):
    """One problem by its own name, with what was asked for, a remedy and the documented exit code."""
    ended, found = check(on, **spoilt)

    assert (code, [name], []) == (ended, bad(found), bad(found, "warning"))
    [problem] = [each for each in found if each["status"] == "problem"]
    assert words in problem["text"] + problem["remedy"]
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("on", "switches", "code", "name"),
    [
        ("cloud", {"licence_active": False}, 5, "licence"),
        ("server", {"licence_active": False}, 5, "licence"),
        ("server", {"xray_installed": False}, 7, "xray"),
        ("server", {"sso_redirect": True}, 5, "credentials"),
    ],
)
def test_a_site_in_no_order_is_named_alone(check, emulator, on, switches, code, name):
    """A licence, a missing app, single sign-on in front."""
    emulator.settings(**switches)

    ended, found = check(on, **({"jira_token": "expired"} if "sso_redirect" in switches else {}))

    assert (code, [name], []) == (ended, bad(found), bad(found, "warning"))


@pytest.mark.parametrize(
    ("on", "path", "name"),
    [
        ("server", "*/mypermissions", "permissions"),
        ("server", "*/teststatuses", "statuses"),
        ("server", "*/field", "custom-fields"),
        ("server", "*/project/SHOP", "project"),
        ("cloud", "*/graphql", "reachability"),
    ],
)
def test_a_question_that_fails_costs_no_other(check, emulator, on, path, name):
    """A server error is exit 7 by the name of what was asked; what does not need it is asked all the same."""
    emulator.fault("GET" if on == "server" else "POST", path, status=500, times=-1)

    code, found = check(on)

    assert (7, [name], []) == (code, bad(found), bad(found, "warning"))
    assert (on == "server") is ("test-plan" in {each["name"] for each in found})


@pytest.mark.parametrize(("on", "name"), [("cloud", "xray_url"), ("server", "jira_url")])
def test_nobody_answers(check, on, name):
    """Exit 7, and nothing more is asked."""
    code, found = check(on, **{name: f"http://127.0.0.1:{closed_port()}"})

    assert (code, bad(found)) == (7, ["reachability"])
    assert {"state-dir", "result-file", "reachability", "snapshots"} | ({"rate-limit"} if on == "cloud" else set()) == {
        each["name"] for each in found
    }


def test_data_in_another_region_names_the_host_that_works(check, emulator, monkeypatch):
    """Exit 5: every other host of the vendor is asked, and the one that gives data is the remedy."""
    with Emulator(port=0) as serving:
        europe = Emulated(f"http://127.0.0.1:{serving._port}")
        europe.settings(region="eu")
        regions = {"global": emulator.url, "eu": europe.url}
        cloud = replace(DEPLOYMENTS["cloud"], regions=regions)
        monkeypatch.setattr(connecting, "DEPLOYMENTS", {**DEPLOYMENTS, "cloud": cloud})

        code, found = check(client_id=CLIENT_ID_IN_EU, xray_url=None)

    assert (code, bad(found)) == (5, ["region"])
    assert [f"Set `region: eu`: {europe.url} answered these credentials with data."] == [
        each["remedy"] for each in found if each["name"] == "region"
    ]


def test_the_other_product(check, emulator):
    """Exit 2: a Jira Cloud where a Server was meant, and the other way round."""
    code, found = check("server", jira_url=emulator.url)
    assert (code, bad(found)) == (2, ["deployment"])

    code, found = check(jira_url=emulator.jira_url)
    assert (code, bad(found)) == (2, ["deployment"])


def test_a_user_who_may_not(inside, workspace):
    """Missing permissions, a closed plan and a mandatory field of another site are named; exit 5 before 6."""
    (workspace / "world.yaml").write_text(
        """
projects: {SHOP: {versions: ["1.0"]}}
issues:
  SHOP-2: {type: Test Plan, summary: Old, status: Done}
accounts:
  - {name: emu, account-id: "1", display: Emu, token: emulator-pat, may-not: [CREATE_ISSUES]}
custom-fields:
  - {id: customfield_20000, name: Team, required-for: [Test Execution]}
"""
    )
    assert worlds.load(workspace / "world.yaml")
    with Emulator(port=0, serving=Serving(world=str(workspace / "world.yaml"))) as serving:
        jira = f"http://127.0.0.1:{serving._port}/jira"
        result = inside("check", "--json", on="server", jira_url=jira, test_plan="SHOP-2")
    found = [json.loads(line) for line in result.out.splitlines()]

    assert (result.code, bad(found), bad(found, "warning")) == (5, ["permissions", "fields"], ["test-plan"])
    assert [each["text"] for each in found if each["name"] == "fields"] == [
        "a Test Execution must have Team (customfield_20000), and nothing gives it"
    ]


@pytest.mark.parametrize(("hours", "told"), [(-1, "behind"), (1, "ahead of")])
def test_a_clock_that_goes_wrong(emulator, hours, told):
    """More than two minutes beside the date of the last answer is a warning."""
    call = Call(kind=CallKind.READ, method="GET", url=f"{emulator.jira_url}/rest/api/2/serverInfo")
    with Transport(ConnectionOptions(connect_timeout=5, timeout=5), Redactor()) as transport:
        watching = Watching(transport, lambda: datetime.now(UTC) + timedelta(hours=hours))
        watching.call(call)

    [clock] = seen(watching, DEPLOYMENTS["server"])

    assert (clock.name, clock.standing) == ("clock", Standing.WARNING)
    assert f"{told} the site's" in clock.text


def test_places_that_cannot_be_written(check, workspace):
    """An import goes on without them: warnings by the settings' names, and nothing is made."""
    (workspace / ".xray-ci").write_text("")

    code, found = check(result_file=".xray-ci/r.json")

    assert (code, bad(found, "warning")) == (0, ["state-dir", "result-file"])
    assert [each.name for each in workspace.iterdir()] == [".xray-ci"]


def test_people_read_one_line_each(inside):
    """The standing, the name, the text; below a problem what to do. The log is not in between."""
    result = inside("check", test_plan="SHOP-9")

    assert result.code == 6
    lines = result.out.splitlines()
    place = lines.index("problem  test-plan         SHOP-9 is no Test Plan")
    assert lines[place + 1] == "         next: Set `test-plan` to the key of a Test Plan."
    assert all(line.startswith(("ok       ", "problem  ", "         next: ")) for line in lines)
    assert "1 problem" in result.err


def test_a_run_that_gets_no_secrets(inside, tmp_path):
    """A pull request from a fork asks nobody, and is no failure."""
    examples = Path(__file__).resolve().parents[1] / "data" / "ci" / "github.json"
    fork = next(each for each in json.loads(examples.read_text("utf-8")) if each["case"] == "pull request of a fork")
    (tmp_path / "event.json").write_text(json.dumps(fork["event"]))
    env = {**fork["env"], "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}

    result = inside("check", "--json", client_id=None, client_secret=None, **env)

    assert result.code == 0, result.text
    assert [(each["name"], each["status"]) for each in map(json.loads, result.out.splitlines())] == [
        ("credentials", "warning")
    ]


def test_no_credentials(inside):
    """Exit 2, as for an import."""
    assert inside("check", client_id=None, client_secret=None).code == 2
