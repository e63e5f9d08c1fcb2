"""`probe`: every fact of a site, by reading and by writing; an emulator does what its report says of the site."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import SEALED, Result
from emulator_client import CLIENT_ID, CLIENT_ID_IN_EU, CLIENT_SECRET, SERVER_TOKEN, Emulated
from msgspec import to_builtins

from xray_ci.cli import execute
from xray_ci.emulator.server import Emulator, Serving
from xray_ci.emulator.switches import Switches
from xray_ci.model import Process
from xray_ci.probe import table
from xray_ci.probe.report import FactsReport, read

OAUTH = {
    "XRAY_CI_OAUTH_CONSUMER_KEY": "emulator-consumer",
    "XRAY_CI_OAUTH_TOKEN": "emulator-oauth1-token",
    "XRAY_CI_OAUTH_PRIVATE_KEY": (Path(__file__).parents[2] / "docs/emulator-oauth.pem").read_text().partition("\n")[2],
}
PASSWORD = {"XRAY_CI_JIRA_TOKEN": None, "XRAY_CI_JIRA_USERNAME": "emu", "XRAY_CI_JIRA_PASSWORD": "emu"}
READING, WRITING = 150, 400
"""Most requests that a probe makes, of each product."""
UNPROBED = {"cloud": 27, "server": 25}
"""Most facts that a whole probe leaves out: those that are never probed, and what the seed world does not show."""


class Probed(Result):
    """How a probe ended, and the report it printed."""

    @property
    def report(self) -> FactsReport:
        """The report; what was printed before it is a table."""
        return read(self.out[self.out.index('{\n  "form"') :].encode())

    def seen(self):
        """Return what was seen of each fact that was probed."""
        return {row.fact: row.seen for row in self.report.facts if row.verdict != "not-probed"}

    def refuted(self):
        """Return the ids of the facts that this site refutes."""
        return {row.fact for row in self.report.facts if row.verdict == "refuted"}


class Prober:
    """Probes one emulator; time passes at once, and the emulator's with it."""

    def __init__(self, emulator: Emulated, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.passed = 0.0
        self.project = "SHOP"
        self.client_id = CLIENT_ID
        self.signs = False
        """Whether requests to Server are signed by OAuth 1.0a."""
        self.more = {}

    def __call__(self, on, *args, **more) -> Probed:
        out, err = io.StringIO(), io.StringIO()
        env = {**SEALED, "XRAY_CI_PROJECT": self.project, **getattr(self, f"_{on}")(), **self.more, **more}
        process = Process(
            ("probe", *args),
            {name: value for name, value in env.items() if value is not None},
            str(self.folder),
            out,
            err,
            sleep=self._sleep,
            clock=lambda: self.passed,
        )
        return Probed(code=execute(process), out=out.getvalue(), err=err.getvalue())

    def _cloud(self):
        url = self.emulator.url
        key = {"XRAY_CI_CLIENT_ID": self.client_id, "XRAY_CI_CLIENT_SECRET": CLIENT_SECRET, "XRAY_CI_XRAY_URL": url}
        jira = {"XRAY_CI_JIRA_USERNAME": "dev@example.com", "XRAY_CI_JIRA_TOKEN": "emulator-jira-token"}
        return {**key, **jira, "XRAY_CI_JIRA_URL": url, **self._snapshots()}

    def _server(self):
        login = OAUTH if self.signs else {"XRAY_CI_JIRA_TOKEN": SERVER_TOKEN}
        return {"XRAY_CI_JIRA_URL": self.emulator.jira_url, **login, **self._snapshots()}

    def _snapshots(self):
        url = self.emulator.url
        bearer = "bearer-token: emulator-confluence-pat"
        page = f'- {{page-id: "131073", api-key: emulator-global-key, {bearer}}}'
        macro = f"- {{url: {url}/macro-hooks/7f3c9a52e1d04b86, api-key: emulator-macro-key, {bearer}}}"
        return {"XRAY_CI_SNAPSHOTS": f"{page}\n{macro}", "XRAY_CI_SNAPSHOTS_URL": f"{url}/take-snapshot/{{page-id}}"}

    def _sleep(self, seconds):
        self.passed += seconds
        self.emulator.clock(advance=seconds)


@pytest.fixture
def probe(emulator, workspace):
    """Probe the emulator in its seed world, with Snapshots' page and macro named."""
    return Prober(emulator, workspace)


def world(state):
    """Return what a probe leaves as it was: issues, and projects but for the numbers that were given out."""
    projects = {key: {**each, "last_number": 0} for key, each in state["projects"].items()}
    return state["issues"], projects


@pytest.mark.parametrize("on", ["cloud", "server"])
def test_a_probe_that_reads_confirms_and_changes_nothing(probe, emulator, on):
    """At most 150 requests, none of which writes; all that was probed holds."""
    before = emulator.state()

    result = probe(on)

    assert (result.code, result.refuted()) == (0, set())
    wanted = {fact.id for fact in table.of(on) if fact.probe == "read"}
    unseen = {"graphql-jql-many", "cloud-429", "jira-429", "server-429", "server-oauth", "server-oauth-window"}
    assert wanted - result.seen().keys() <= unseen
    assert len(emulator.requests()) <= READING
    assert {"authenticate", "graphql", "read", "lookup", "other"} >= set(emulator.kinds_of_calls())
    assert (before["issues"], before["projects"], before["pages"]) == (
        emulator.state()["issues"],
        emulator.state()["projects"],
        emulator.state()["pages"],
    )


@pytest.mark.parametrize("on", ["cloud", "server"])
def test_a_probe_that_writes_confirms_and_leaves_nothing(probe, emulator, on):
    """At most 400 requests; all that was probed holds, and nothing of it is in the world."""
    before = world(emulator.state())

    result = probe(on, "--write")

    assert (result.code, result.refuted()) == (0, set())
    unprobed = [row for row in result.report.facts if row.verdict == "not-probed"]
    assert len(unprobed) <= UNPROBED[on]
    assert len(emulator.requests()) <= WRITING
    assert result.report.requests == len(emulator.requests())
    assert world(emulator.state()) == before
    assert set(result.report.stays) <= {"file", "page version"}


KILLED = [(on, n) for on in ("cloud", "server") for n in range(46, 206, 5)]
"""After how many requests a probe is killed; before them it only reads."""


@pytest.mark.parametrize(
    ("on", "n"), [pytest.param(*each, marks=[] if each == ("cloud", 146) else pytest.mark.proof) for each in KILLED]
)
def test_what_a_killed_probe_left_is_removed_by_the_next(probe, emulator, on, n):
    """From some request on no answer comes, though the work is done: not even tidying up is possible."""
    before = world(emulator.state())
    emulator.fault("*", "*", skip=n, times=10_000, drop="after")
    killed = probe(on, "--write")
    emulator.call("DELETE", "/__emulator__/faults")
    left = [each for each in emulator.state()["issues"].values() if not each["seeded"]]

    probe(on, "--write", "--only", "cloud-schema,server-schema")

    assert killed.code == 7
    assert {"xrayci-probe"} >= {label for each in left for label in each["labels"]}
    assert all(each["labels"] for each in left)
    assert world(emulator.state()) == before


@pytest.mark.proof
def test_a_process_that_is_killed_leaves_only_what_the_next_removes(probe, run, emulator):
    """SIGKILL in the midst of an import: no handler of ours runs."""
    before = world(emulator.state())
    emulator.fault("*", "*", skip=75, delay_s=20)
    env = {**probe._cloud(), "XRAY_CI_PROJECT": "SHOP"}
    with run.start("probe", "--write", env=env) as process:
        while len(emulator.requests()) < 76:
            assert process.poll() is None
        process.kill()
        process.communicate()
    left = [each for each in emulator.state()["issues"].values() if not each["seeded"]]

    probe("cloud", "--write", "--only", "cloud-schema")

    assert left
    assert world(emulator.state()) == before


@pytest.mark.proof
def test_a_probe_is_gone_on_with(probe, emulator, workspace):
    """A spent budget ends it with 0; the next one asks only for what is not known yet, and finishes the same report."""
    first = probe("cloud", "--write", "--budget", "90", "--output", "facts.json")
    unfinished = read((workspace / "facts.json").read_bytes())
    asked = len(emulator.requests())
    second = probe("cloud", "--write", "--output", "facts.json")
    whole = read((workspace / "facts.json").read_bytes())

    assert (first.code, second.code) == (0, 0)
    assert asked <= 90
    assert (unfinished.finished, whole.finished) == (False, True)
    assert "goes on with what an earlier probe found" in second.err
    assert second.refuted() == set()
    known = {row.fact for row in unfinished.facts if row.verdict == "confirmed"}
    assert len(known) > 40
    assert known <= {row.fact for row in whole.facts if row.verdict == "confirmed"}
    assert len(emulator.requests()) - asked <= WRITING - len(known)


STRANGE = [
    '{"data": [1, "a", null], "errors": "x", "issues": {"a": 1}, "testExecIssue": [], "id": {}, "key": 5}',
    '[[1], "a", {"id": "zq", "key": "../..", "versions": 3}]',
    '{"data": {"getTests": {"results": [1, {"issueId": "1) { x } d: deleteTest(issueId: \\"2", "jira": "a"}]}}}',
    '"text"',
    "<html><body>Welcome</body></html>",
    "",
]
"""Bodies of answers that no site gives; one tries to come into a document of ours."""


@pytest.mark.parametrize("on", ["cloud", "server"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, marks=pytest.mark.proof if number else [], id=str(number))
        for number, body in enumerate(STRANGE)
    ],
)
def test_answers_of_another_shape_are_no_defect(probe, emulator, on, body):
    """Whatever comes back with 200 from some request on: a report with refuted facts, or a failure of its own code."""
    emulator.fault("*", "*", skip=8, times=10_000, status=200, body=body, headers={"Content-Type": "application/json"})

    result = probe(on, "--write", "--budget", "250")

    assert result.code in (0, 5, 6, 7), result.err
    assert "zq" not in json.dumps(to_builtins(result.report), ensure_ascii=False)
    assert not [each for each in emulator.requests() if "deleteTest" in each["operations"]]


def test_only_some_facts_are_probed(probe, emulator):
    """Named facts, and the gates before them; everything else is not in the report."""
    result = probe("server", "--write", "--only", "server-skipped, jira-myself")

    assert {row.fact: row.verdict for row in result.report.facts} == {
        "server-skipped": "confirmed",
        "jira-myself": "confirmed",
    }
    assert len(emulator.requests()) < 45


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--only", "cloud-skiped"), "cloud-skipped"),
        (("--budget", "few"), "--budget"),
        (("--output", "notes.txt"), "no report of a probe"),
    ],
)
def test_a_wrong_line_is_told(probe, emulator, workspace, args, said):
    """Exit code 2, and no request."""
    (workspace / "notes.txt").write_text("notes")
    result = probe("cloud", *args)

    assert (result.code, emulator.requests()) == (2, [])
    assert said in result.err


@pytest.mark.parametrize(
    ("window", "off", "seen"),
    [
        (0, 400 * 86400, {"looked": False}),
        (45, 0, {"looked": True}),
        (60, 0, {"looked": True, "seconds": 60}),
        (400, 0, {"looked": True, "seconds": 300}),
        (400, -390, {"looked": True, "seconds": 300}),
        (86400, 0, {"looked": False}),
    ],
)
def test_the_time_of_a_signature_is_looked_at_by_reading(probe, emulator, window, off, seen):
    """Off the site's clock, not ours: known steps up to a day, a few reads, and only where requests are signed."""
    probe.signs = True
    emulator.clock(set=(datetime.now(UTC) + timedelta(seconds=off)).isoformat(), freeze=True)
    emulator.settings(oauth_window_s=window)
    result = probe("server", "--only", "server-oauth,server-oauth-window")

    assert result.code == 0, result.text
    assert result.seen() == {"server-oauth": {"taken": True, "status": 401, "named": True}, "server-oauth-window": seen}
    assert len(emulator.requests()) <= 10
    assert {each["method"] for each in emulator.requests()} == {"GET"}


@pytest.mark.parametrize("on", ["cloud", "server"])
@pytest.mark.parametrize(
    ("lacks", "seen"),
    [
        pytest.param("CREATE_ISSUES", {"jira-may-not-create": {"status": 400, "told": True}}, marks=pytest.mark.proof),
        pytest.param("EDIT_ISSUES", {"jira-may-not": {"status": 403, "told": True}}, marks=pytest.mark.proof),
        pytest.param("CREATE_ATTACHMENTS", {"jira-may-not": {"status": 403, "told": True}}, marks=pytest.mark.proof),
    ],
)
def test_what_a_login_may_not_do_is_tried_on_an_issue_of_the_probe(workspace, on, lacks, seen):
    """What Jira says that this login lacks is refused as the facts say, refutes no other, and leaves nothing."""
    large = workspace / "world.yaml"
    lacking = f"may-not: [{lacks}]"
    large.write_text(
        "projects: {SHOP: {name: Shop, environments: [web], versions: ['1.0']}}\n"
        + KEYS.replace("token: emulator-jira-token", f"token: emulator-jira-token, {lacking}").replace(
            "}]", "}, {name: emu, account-id: a2, display: Emu, token: " + f"{SERVER_TOKEN}, {lacking}" + "}]"
        )
    )
    with Emulator(port=0, serving=Serving(world=str(large))) as serving:
        probe = Prober(Emulated(serving.url), workspace)
        before = world(probe.emulator.state())
        result = probe(on, "--write", XRAY_CI_SNAPSHOTS=None)
        after = world(probe.emulator.state())

    told = {name: each for name, each in result.seen().items() if name.startswith("jira-may-not")}
    assert (result.code, result.refuted(), told, after) == (0, set(), seen, before)
    whys = {row.fact: row.why for row in result.report.facts}
    assert whys["jira-edit"] == "this login may not do all of it"
    assert (whys["jira-create"] == "this login may make no issue in the project") is (lacks == "CREATE_ISSUES")


def test_a_probe_needs_a_project(probe, emulator):
    """Nothing is probed in a project by chance."""
    result = probe("cloud", XRAY_CI_PROJECT=None)

    assert (result.code, emulator.requests()) == (2, [])
    assert "sandbox" in result.err


def test_wrong_credentials_end_a_probe(probe):
    """Exit code 5, and a report that says where it ended."""
    result = probe("cloud", XRAY_CI_CLIENT_SECRET="wrong-secret-of-somebody")

    assert result.code == 5
    assert {row.why for row in result.report.facts if row.verdict == "not-probed"} >= {"no token is given out"}
    assert "wrong-secret-of-somebody" not in result.text


def test_the_report_has_its_schema(probe):
    """What is printed and written fits docs/facts-report.schema.json."""
    import jsonschema

    schema = json.loads((Path(__file__).resolve().parents[2] / "docs/facts-report.schema.json").read_text("utf-8"))
    printed = probe("server").out
    jsonschema.validate(json.loads(printed[printed.index('{\n  "form"') :]), schema)


FLIPS = [
    ("cloud", "rate_limit", {"rate_limit": 20}),
    ("server", "server_rate_limit", {"server_rate_limit": 20}),
    ("cloud", "jira_rate_limit", {"jira_rate_limit": 9}),
    ("cloud", "region", {"region": "au"}),
    ("server", "language", {"language": "fr"}),
    ("cloud", "status_policy", {"status_policy": "refuse"}),
    ("cloud", "graphql_cost", {"graphql_cost": "sum"}),
    ("cloud", "graphql_v1", {"graphql_v1": False}),
    ("cloud", "form_logins", {"form_logins": False}),
    ("cloud", "multipart_updates", {"multipart_updates": False}),
    ("server", "multipart_updates", {"multipart_updates": False}),
    ("cloud", "empty_lists", {"empty_lists": True}),
    ("cloud", "max_body", {"max_body": 300_000}),
    ("server", "max_body", {"max_body": 300_000}),
    ("cloud", "max_body_answer", {"max_body_answer": "json", "max_body": 300_000}),
    ("server", "max_body_answer", {"max_body_answer": "html", "max_body": 300_000}),
    ("cloud", "index_lag_s", {"index_lag_s": 7.0}),
    ("server", "index_lag_s", {"index_lag_s": 5.0}),
    ("cloud", "jql_refuses_many", {"jql_refuses_many": False}),
    ("server", "server_unknown_test", {"server_unknown_test": "error-list"}),
    ("server", "server_page", {"server_page": 250}),
    ("server", "execution_editable", {"execution_editable": False}),
    ("cloud", "licence_active", {"licence_active": False}),
    ("server", "licence_active", {"licence_active": False}),
    ("server", "xray_installed", {"xray_installed": False}),
    ("server", "basic_logins", {"basic_logins": False}),
    ("server", "oauth_window_s", {"oauth_window_s": 3600}),
    ("server", "captcha_after", {"captcha_after": 5}),
    ("server", "sso_redirect", {"sso_redirect": True}),
    ("cloud", "required_header", {"required_header": "X-Door: open"}),
    ("server", "required_header", {"required_header": "X-Door: open"}),
    ("cloud", "snapshots_enabled", {"snapshots_enabled": False}),
    ("cloud", "snapshots_answer", {"snapshots_answer": "queued"}),
    ("server", "snapshots_answer", {"snapshots_answer": "text"}),
    ("cloud", "snapshots_refusal", {"snapshots_refusal": 403}),
    ("cloud", "snapshots_unknown_page", {"snapshots_unknown_page": 200}),
    ("cloud", "snapshots_fail", {"snapshots_fail": True}),
    ("cloud", "snapshots_bearer", {"snapshots_bearer": True}),
    ("cloud", "snapshots_settle_s", {"snapshots_settle_s": 9.0}),
    ("cloud", "macro_automation", {"macro_automation": False}),
]
CLOSED = {"licence_active": {5}, "region": {5}, "xray_installed": {7}, "required_header": {5, 7}}
"""Switches that let nobody in, and how the probe ends then."""


def test_every_switch_is_flipped():
    """All switches of the emulator."""
    assert sorted({name for _, name, _ in FLIPS}) == sorted(Switches().as_dict())


@pytest.mark.proof
def test_a_login_is_locked_only_by_name(probe, emulator):
    """A login by user name and password: a whole probe leaves it as it is; named, the fact is seen after all others."""
    whole = probe("server", "--write", **PASSWORD)
    why = next(row.why for row in whole.report.facts if row.fact == "server-captcha")
    assert (whole.code, whole.refuted()) == (0, set())
    assert why == "it locks this login until somebody logs in with a browser"
    assert probe("server", "--only", "jira-myself", **PASSWORD).code == 0

    named = probe("server", "--only", "server-captcha,jira-myself", **PASSWORD)
    assert named.seen().keys() == {"server-captcha", "jira-myself"}
    assert (named.code, named.refuted()) == (0, set())
    assert probe("server", "--only", "jira-myself", **PASSWORD).code == 5
    assert (
        probe("server", "--only", "server-captcha").report.facts[0].why == "this login is no user name with a password"
    )


QUICK = {"region", "captcha_after"}
"""Switches that are flipped by `make test`; all others by `make proof`."""


@pytest.mark.parametrize(
    ("on", "switch", "flipped"),
    [
        pytest.param(on, name, to, id=f"{on} {name}", marks=[] if name in QUICK else pytest.mark.proof)
        for on, name, to in FLIPS
    ],
)
def test_a_switch_refutes_its_facts_and_a_report_sets_it(emulator, workspace, on, switch, flipped):
    """Exactly the facts that name it are refuted; an emulator with the report of that shows the same."""
    large = workspace / "world.yaml"
    if switch == "jql_refuses_many":
        tests = "".join(f"  SHOP-{n}: {{type: Test, summary: t{n}}}\n" for n in range(1, 112))
        large.write_text(
            "projects: {SHOP: {name: Shop, environments: [web], versions: ['1.0']}}\nissues:\n" + tests + KEYS
        )
    given = str(large) if large.exists() else ""
    only = ("--only", ALONE[switch]) if switch in ALONE else ()
    with Emulator(port=0, serving=Serving(world=given)) as serving:
        probe = _prober(Emulated(serving.url), workspace, switch)
        probe.emulator.settings(**flipped)
        first = probe(on, "--write", "--output", "report.json", *only)
    named = {fact.id for fact in table.of(on) if set(flipped) & set(fact.switch)}

    assert first.refuted() == (named if switch != "max_body" else named - {"xray-413"}) - _unseen(first)
    assert first.refuted()
    assert first.code in CLOSED.get(switch, {0})

    with Emulator(port=0, serving=Serving(world=given, facts=str(workspace / "report.json"))) as serving:
        refuted = () if switch in PACE else ("--only", ",".join(sorted(first.refuted())))
        again = _prober(Emulated(serving.url), workspace, switch)(on, "--write", *refuted)
    assert again.seen() == {name: seen for name, seen in first.seen().items() if name in first.refuted() or not refuted}


ALONE = {"jql_refuses_many": "graphql-jql-many", "captcha_after": "server-captcha"}
"""Switches whose fact is probed by itself: one needs a world of its own, one is probed only by name."""
PACE = {"rate_limit", "server_rate_limit", "jira_rate_limit"}
"""Switches whose fact only a whole probe meets."""
KEYS = f"""api-keys: {{{CLIENT_ID}: {{secret: {CLIENT_SECRET}}}}}
accounts: [{{name: dev, account-id: a1, display: Dev, email: dev@example.com, api-token: emulator-jira-token}}]
"""


def _prober(emulated, workspace, switch):
    probe = Prober(emulated, workspace)
    if switch == "region":
        probe.client_id = CLIENT_ID_IN_EU
    if switch == "captcha_after":
        probe.more = PASSWORD
    if switch == "oauth_window_s":
        probe.signs = True
        emulated.clock(set=datetime.now(UTC).isoformat())
    return probe


def _unseen(result):
    """Return the facts that were not reached: what is closed before them."""
    return {row.fact for row in result.report.facts if row.verdict == "not-probed"}
