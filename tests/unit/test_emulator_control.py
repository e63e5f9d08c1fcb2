"""The emulator's own machinery: faults, clock, settings, the request log, the program."""

import http.client
import io
import json
import re
import select
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from emulator_client import Emulated, form

from xray_ci.emulator.faults import Faults
from xray_ci.emulator.jql import InvalidQuery, Query
from xray_ci.emulator.server import Emulator, Serving
from xray_ci.emulator.switches import Switches
from xray_ci.emulator.world import START, Clock

DOCUMENT = {"info": {"project": "SHOP", "summary": "Run"}, "tests": [{"testKey": "SHOP-3", "status": "PASSED"}]}
LOST = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


def test_a_connection_is_kept_until_the_emulator_stops():
    """As the services keep theirs: many requests share one, and none is answered after the end."""
    with Emulator(port=0) as emulator:
        connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
        used = []
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, "/jira/rest/api/2/serverInfo")
            connection.getresponse().read()
            used.append(connection.sock)
        assert used == [used[0]] * 3
        assert used[0] is not None

    with pytest.raises(LOST):
        connection.request("GET", "/jira/rest/api/2/serverInfo")
        connection.getresponse()
    connection.close()


def test_a_connection_that_idles_is_ended(monkeypatch):
    """As services do (A); the client of the tests opens another one then."""
    monkeypatch.setattr("xray_ci.emulator.server._Connection.timeout", 0.05)
    with Emulator(port=0) as emulator:
        connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=30)
        emulated = Emulated(emulator.url, connection)
        emulated.reset()
        first = connection.sock
        select.select([first], [], [], 30)

        assert emulated.executions() == []
        assert connection.sock is not first
        connection.close()


def test_a_connection_dropped_before_the_work_leaves_nothing(emulator):
    """`drop: before` cuts the connection; no Test Execution was made."""
    emulator.fault("POST", "/api/v2/import/execution", drop="before")

    with pytest.raises(LOST):
        emulator.cloud("", DOCUMENT)

    assert emulator.executions() == []
    assert [(each["dropped"], each["status"]) for each in emulator.imports()] == [("before", None)]


def test_a_connection_dropped_after_the_work_leaves_the_work(emulator):
    """`drop: after` loses the answer only, once."""
    emulator.fault("POST", "/api/*/import/*", drop="after")

    with pytest.raises(LOST):
        emulator.cloud("", DOCUMENT)
    again = emulator.cloud("", DOCUMENT)

    assert again.status == 200
    assert len(emulator.executions()) == 2


def test_a_dropped_connection_is_reset(emulator):
    """The client sees a reset, not an orderly end."""
    emulator.fault("GET", "/", drop="before")
    place = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((place[0], int(place[1])), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_faults_answer_skip_and_count(emulator):
    """A fault waits for its turn, answers as told, and is used up."""
    emulator.fault(
        "GET", "/rest/api/*", status=503, headers={"Retry-After": "7"}, body="<html>away</html>", times=2, skip=1
    )

    answers = [emulator.call("GET", "/rest/api/2/serverInfo") for _ in range(4)]

    assert [each.status for each in answers] == [200, 503, 503, 200]
    assert (answers[1].headers["retry-after"], answers[1].headers["content-type"]) == ("7", "text/html; charset=utf-8")
    assert answers[1].headers["x-emulator-basis"] == "ordered"


def test_a_gateway_can_give_up_while_the_work_goes_on(emulator):
    """`work` with a status: 504 is answered and the Test Execution exists."""
    emulator.fault("POST", "/api", skip=1, status=504, work=True)

    assert emulator.cloud("", DOCUMENT).status == 504
    assert len(emulator.executions()) == 1


def test_the_first_fault_that_meets_wins_and_others_wait():
    """Method and path decide; a skipping fault lets the next one act."""
    faults = Faults()
    faults.add({"match": {"method": "post", "path": "/a"}, "status": 500, "skip": 1})
    faults.add({"match": {"path": "/a"}, "status": 502, "times": -1})

    taken = [faults.take("POST", "/a/b") for _ in range(3)]

    assert [each.status for each in taken if each is not None] == [502, 500, 502]
    assert faults.take("GET", "/b") is None


@pytest.mark.parametrize(
    "order", [[], {"drop": "never"}, {"match": {"host": "x"}, "status": 1}, {"times": 1}, {"stats": 1}]
)
def test_an_order_that_makes_no_sense_is_refused(order):
    """Misspelt members do not pass silently."""
    with pytest.raises(ValueError, match=r"fault|match|drop"):
        Faults().add(order)


def test_a_delayed_answer_comes_later_and_the_work_is_done_first(emulator):
    """A client that gives up waiting finds the Test Execution."""
    emulator.fault("GET", "/rest/api", delay_s=0.05)
    begin = time.monotonic()

    assert emulator.call("GET", "/rest/api/2/serverInfo").status == 200
    assert time.monotonic() - begin >= 0.05


def test_the_log_holds_what_was_sent_and_no_secret(emulator):
    """Credentials are cut from headers, and the body of authenticate is not kept."""
    emulator.cloud("/junit", b"<testsuite/>", kind="application/xml", query={"projectKey": "SHOP", "odd": "1"})
    emulator.call("POST", "/take-snapshot/131073", jira_snapshots_api_key="emulator-global-key")

    log = emulator.requests()
    assert [each["kind"] for each in log] == ["authenticate", "import", "snapshot"]
    assert "emulator-secret" not in str(log)
    assert "emulator-global-key" not in str(log)
    assert log[1]["headers"]["Authorization"] == "Bearer ***"
    assert (log[1]["query"], log[1]["size"], log[1]["content_type"]) == (
        {"projectKey": "SHOP", "odd": "1"},
        12,
        "application/xml",
    )
    assert emulator.body(log[1]["n"]) == b"<testsuite/>"
    assert emulator.call("GET", f"/__emulator__/requests/{log[0]['n']}/body").status == 404


def test_the_log_names_the_parts(emulator):
    """Name, file name, type and size of each part are there, and the part itself."""
    body, kind = form(
        results=("r.xml", b"<testsuite/>", "application/xml"), info=("info.json", b"{}", "application/json")
    )
    emulator.cloud("/junit/multipart", body, kind=kind)

    record = emulator.imports()[0]

    assert {("results", "r.xml", "application/xml", 12), ("info", "info.json", "application/json", 2)} == {
        (each["name"], each["filename"], each["content_type"], each["size"]) for each in record["parts"]
    }
    assert (record["status"], emulator.part(record["n"], "info")) == (400, b"{}")


@pytest.mark.parametrize("path", ["/", "/browse/SHOP-1", "/api/v2/authenticate", "/jira/rest/api/2/field", "/x"])
@pytest.mark.parametrize("host", ["evil.example", "[::1", "127.0.0.1.evil.example:80", ""])
def test_no_page_answers_under_a_strange_name(emulator, path, host):
    """A web page opened beside the emulator cannot reach it by a name of its own."""
    answer = emulator.call("GET", path, Host=host)

    assert (answer.status, "--allow-host" in answer.text) == (403, True)
    assert emulator.requests() == []


def test_other_names_and_addresses_are_answered_when_told():
    """As a service of a CI system the emulator has a name, and an address others reach."""
    with Emulator(serving=Serving(bind="0.0.0.0", allow_hosts=("Xray.internal",))) as serving:
        here = Emulated(serving.url)
        port = serving.url.rpartition(":")[2]
        named = here.call("GET", "/rest/api/2/serverInfo", Host=f"xray.internal:{port}")
        refused = here.call("GET", "/rest/api/2/serverInfo", Host="other")

    assert (named.json()["baseUrl"], refused.status) == (f"http://xray.internal:{port}", 403)


def test_a_world_from_a_file_is_the_world_after_a_reset(tmp_path):
    """Projects, fields, statuses, accounts and issues come from YAML; what is not said follows."""
    file = tmp_path / "world.yaml"
    file.write_text(
        """
projects: {CART: {name: Carts, environments: [web], versions: ['2']}, PAY: {}}
issue-types: {Epic: '10000'}
custom-fields: [{id: customfield_12000, name: Team, required-for: [Test Execution]}]
statuses: [{name: SKIPPED, coverage: NOTRUN}]
accounts: [{name: ann, account-id: a1, display: Ann, password: p, token: t, may-not: [CREATE_ISSUES]}]
api-keys: {ID: {secret: s}}
issues:
  CART-7: {type: Test, summary: pays, test: {type: Generic, definition: pay.Test.pays}}
  CART-9: {type: Test Execution, summary: Nightly, execution: {runs: {CART-7: PASSED}}}
  PAY-1: {type: Epic, summary: Pay}
""",
        encoding="utf-8",
    )
    with Emulator(serving=Serving(world=str(file))) as serving:
        here = Emulated(serving.url)
        here.reset()
        state = here.state()
        token = here.call("POST", "/api/v2/authenticate", b'{"client_id": "ID", "client_secret": "s"}').json()
        body = b'{"info": {"project": "CART", "summary": "x"}, "tests": [{"testKey": "CART-7", "status": "SKIPPED"}]}'
        sent = {"Authorization": f"Bearer {token}", "Content_Type": "application/json"}
        made = here.call("POST", "/api/v2/import/execution", body, **sent).json()
        fields = b'{"fields": {"project": {"key": "PAY"}, "summary": "x", "issuetype": {"name": "Test Execution"}}}'
        refused = here.call("POST", "/jira/rest/api/2/issue", fields, Authorization="Bearer t")
        run = here.runs(made["key"])["CART-7"]

    assert (state["issues"]["CART-7"]["id"], state["issues"]["PAY-1"]["id"]) == ("10107", "20101")
    assert state["issues"]["CART-9"]["execution"]["runs"]["CART-7"]["status"] == "PASSED"
    assert (made["key"], run["status"]) == ("CART-10", "SKIPPED")
    assert (refused.status, list(refused.json()["errors"])) == (400, ["project"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "projects"),
        ("projects: {A: {}}\nissues: {B-1: {type: Test}}", "B-1"),
        ("projects: {A: {colour: red}}", "colour"),
        ("projects: {A: {name: [1]}}", "projects/A/name"),
        ("projects: {A: {}}\nissues: {A-1: {type: Test}}", "issues/A-1"),
        ("a: [", "world.yaml"),
    ],
)
def test_what_a_file_gets_wrong_is_named(tmp_path, text, said):
    """A world that cannot be read is no world: its place is told."""
    file = tmp_path / "world.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=said), Emulator(serving=Serving(world=str(file))):
        pass


def test_pages_show_what_is_there_of_a_world(tmp_path):
    """A Test that is named and is not there is left out; without Confluence nothing leads to it."""
    file = tmp_path / "world.yaml"
    file.write_text(
        """
projects: {A: {}}
issues:
  A-1: {type: Test, summary: pays}
  A-2: {type: Test Execution, summary: Nightly, execution: {runs: {A-1: PASSED, A-8: FAILED}}}
  A-3: {type: Test Plan, summary: Release, plan: {tests: [A-1, A-9], executions: [A-2, A-7]}}
""",
        encoding="utf-8",
    )
    with Emulator(serving=Serving(world=str(file))) as serving:
        here = Emulated(serving.url)
        shown = [here.call("GET", path) for path in ("/", "/browse/A-1", "/browse/A-2", "/browse/A-3")]
        missing = here.call("GET", "/browse/A-2/runs/A-8")

    assert [page.status for page in shown] == [200] * 4
    assert missing.status == 404
    assert ["/wiki/" in page.text for page in shown] == [False] * 4


def test_the_world_is_kept_from_one_run_to_the_next(tmp_path):
    """Issues, runs, versions of pages and the bytes of evidence; every request leaves a line without a secret."""
    serving = Serving(state=str(tmp_path / "state.json"), record=str(tmp_path / "requests.jsonl"))
    step = {"status": "FAILED", "evidence": [{"data": "YWJj", "filename": "a.txt"}]}
    with Emulator(serving=serving) as first:
        here = Emulated(first.url)
        here.cloud("", {**DOCUMENT, "tests": [{"testKey": "SHOP-1", "status": "FAILED", "steps": [step]}]})
        here.call("POST", "/take-snapshot/131073", Jira_Snapshots_API_Key="emulator-global-key")
        here.clock(advance=3)
        before = [here.state()[part] for part in ("issues", "pages")]
    with Emulator(serving=serving) as second:
        again = Emulated(second.url)
        after = [again.state()[part] for part in ("issues", "pages")]
        file = again.call("GET", "/browse/SHOP-41/evidence/1")
        again.cloud("", DOCUMENT)
        newest = list(again.state()["issues"])[-1]
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines()]

    assert before == after
    assert [each["version"] for each in after[1]["131073"]["history"]] == [6]
    assert (file.body, newest) == (b"abc", "SHOP-42")
    assert [each["path"] for each in lines if each["kind"] == "import"] == ["/api/v2/import/execution"] * 2
    assert {each["status"] for each in lines} == {200, 202}
    assert "emulator-secret" not in (tmp_path / "requests.jsonl").read_text(encoding="utf-8")


def test_the_seed_world_is_the_example_of_a_file():
    """The file describes what is there after a reset."""
    from pathlib import Path

    from xray_ci.emulator import worlds
    from xray_ci.emulator.seed import seed

    example = worlds.load(Path(__file__).resolve().parents[2] / "docs" / "emulator-world.yaml")()

    assert example == seed()


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_control_answers_loopback_only(emulator, headers):
    """A page from elsewhere cannot reach the control interface."""
    assert emulator.call("POST", "/__emulator__/reset", **headers).status == 403


def test_reset_forgets_everything(emulator):
    """World, log, faults, settings and time go back."""
    fresh = emulator.state()
    emulator.cloud("", DOCUMENT)
    emulator.settings(region="eu")
    emulator.fault("GET", "/", status=500)
    emulator.clock(advance=99999)

    emulator.reset()

    later = emulator.state()
    assert {**fresh, "now": ""} == {**later, "now": ""}
    assert fresh["now"][:10] == later["now"][:10]
    assert emulator.requests() == []


@pytest.mark.parametrize("order", [{"set": "2024-01-01T00:00:00"}, {"set": "x"}, {"step": 1}])
def test_the_clock_takes_moments_with_offset_only(emulator, order):
    """A wrong order is 400 and moves nothing."""
    with pytest.raises(AssertionError, match="error"):
        emulator.clock(**order)
    assert emulator.state()["now"][:15] == "2024-01-02T03:0"


def test_the_clock_ticks_jumps_and_stands_still():
    """Time follows the given counter, from a fixed start."""
    ticks = iter(range(100))
    clock = Clock(monotonic=lambda: next(ticks))
    assert timedelta(seconds=1) == clock.now() - START

    clock.freeze(frozen=True)
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(60)

    assert datetime(2030, 1, 1, 0, 1, tzinfo=UTC) == clock.now() == clock.now()


@pytest.mark.parametrize(
    "changes", [{"regoin": "eu"}, {"region": "mars"}, {"max_body": "1"}, {"sso_redirect": 1}, {"rate_limit": True}]
)
def test_a_wrong_setting_changes_nothing(changes):
    """Names, choices and types are checked before anything is set."""
    switches = Switches()

    with pytest.raises(ValueError, match=r"setting|one of|takes"):
        switches.patch({"language": "de", **changes})

    assert Switches() == switches


@pytest.mark.parametrize(
    "text",
    [
        "project",
        "project = ",
        "project = SHOP OR",
        "unknown = 1",
        "project = SHOP key = A-1",
        "status was open",
        "(" * 60 + "key = A-1" + ")" * 60,
        "created > yesterday",
        "key > A-1",
        "summary in (a)",
        "key in (A-1",
        "key in ()",
        "key in A-1",
        "labels = nothing()",
        "project = SHOP order by",
        'project = "SHOP',
    ],
)
def test_jql_that_cannot_be_read_is_said(text):
    """The little JQL refuses what it does not know instead of finding everything."""
    with pytest.raises(InvalidQuery):
        Query(text)


def test_an_access_gateway_asks_for_its_header(emulator):
    """Without the header nothing behind the gateway answers."""
    emulator.settings(required_header="X-Gateway: open")

    assert emulator.call("GET", "/rest/api/2/serverInfo").status == 403
    assert emulator.call("GET", "/rest/api/2/serverInfo", X_Gateway="open").status == 200


def test_a_malformed_form_is_400(emulator):
    """A multipart body without its boundary is refused."""
    assert emulator.cloud("/junit/multipart", b"nothing", kind="multipart/form-data").status == 400


def test_large_and_chunked_bodies_are_read_to_their_end(emulator):
    """A body of unknown length arrives whole; its evidence is stored."""
    head = b'{"tests":[{"testKey":"SHOP-3","status":"PASSED","evidence":[{"filename":"a","data":"'
    pieces = [head, *[b"QUFB" * 65536] * 12, b'"}]}]}']
    place = emulator.url.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {emulator.token()}"}
    connection.request("POST", "/api/v2/import/execution", iter(pieces), headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()

    assert emulator.runs("SHOP-41")["SHOP-3"]["evidence"][0]["size"] == 3 * 65536 * 12
    assert sum(map(len, pieces)) == emulator.imports()[0]["size"]


def test_two_emulators_do_not_share_a_world():
    """Each server has its own port and world; a taken port is an OSError."""
    with Emulator() as first, Emulator() as second:
        Emulated(first.url).cloud("", DOCUMENT)
        assert Emulated(second.url).executions() == []
        with pytest.raises(OSError, match="in use"):
            Emulator(int(first.url.rpartition(":")[2])).__enter__()


def test_the_program_prints_its_address_first_and_ends_on_sigterm():
    """First line of standard output is the base URL alone; SIGTERM ends it with code 0."""
    with subprocess.Popen(
        [sys.executable, "-m", "xray_ci.emulator", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        url = program.stdout.readline().rstrip("\n")
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", url)
            assert Emulated(url).call("GET", "/").status == 200
        finally:
            program.send_signal(signal.SIGTERM)
        rest, guide = program.communicate(timeout=20)
    assert (program.returncode, rest) == (0, "")
    assert f"XRAY_CI_JIRA_URL={url}/jira" in guide


def test_a_taken_port_is_said():
    """The program names the port and the way out, with its own exit code."""
    from xray_ci.emulator import server

    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Emulator() as serving:
            assert server.run(int(serving.url.rpartition(":")[2]), io.StringIO()) == 2
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def test_the_page_of_switches_and_the_documentation_name_every_switch(emulator):
    """Each with its default, its choices and its facts, as they are."""
    from pathlib import Path

    from xray_ci.emulator.switches import described

    page = emulator.call("GET", "/switches").text
    documented = (Path(__file__).resolve().parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")

    assert [each.name for each in described() if each.name not in page] == []
    rows = [f"| `{each.name}` | {each.default} | {each.choices} | {each.facts} | {each.says} |" for each in described()]
    assert [row for row in rows if row not in documented] == []
