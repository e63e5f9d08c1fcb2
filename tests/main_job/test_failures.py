"""Each failure its documented exit code and a message with the remedy; no traceback, no secret, at any log level."""

import json
import signal
import socket

import pytest
from job_runs import case, keyed, suite

IMPORT = "*/import/execution"
HTML = {"Content-Type": "text/html"}
ID, SECRET, TOKEN = "EMULATORCLIENTID0000000000000001", "emulator-secret", "emulator-pat"


@pytest.fixture
def job(inside, workspace):
    """Run the main job with settings as environment variables over a working base."""
    (workspace / "r.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')

    def start(*args, on="cloud", **changes):
        result = inside(*(args or ("import",)), on=on, **({"reports": "r.xml", "log_level": "debug"} | changes))
        assert "Traceback" not in result.text
        for secret in (changes.get("client_secret", SECRET), changes.get("jira_token", TOKEN)):
            assert secret is None or secret not in result.text
        return result

    return start


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(result, code, *words):
    text = result.out + result.err
    assert code == result.code, text
    for word in words:
        assert word in text, text
    assert "next" in text
    assert "docs/errors.md#" in text


def test_wrong_client_secret(job, emulator):
    """Exit 5; the vendor's words are shown; nothing is imported."""
    check(job(client_secret="not-the-secret-at-all"), 5, "Invalid client credentials", "client-secret")
    assert emulator.executions() == []


def test_unknown_project(job, emulator):
    """Exit 6 with the vendor's text and the setting to change."""
    check(job(project="NOPE"), 6, "NOPE", "project")
    assert emulator.executions() == []


def test_unreadable_report(job, workspace, emulator):
    """Exit 4, named with its line."""
    (workspace / "r.xml").write_text("<testsuite><testcase name='a'></testsuite>")
    check(job(), 4, "r.xml")
    assert emulator.imports() == []


def test_no_report(job):
    """Exit 3; what was searched is said."""
    check(job(reports="build/**/TEST-*.xml"), 3, "build/**/TEST-*.xml")


def test_a_report_without_results(job, workspace):
    """Exit 3: an empty report is no success."""
    (workspace / "r.xml").write_text("<testsuites/>")
    check(job(), 3)


def test_misspelt_setting(job):
    """Exit 2; the nearest setting is named."""
    check(job(tset_plan="SHOP-2"), 2, "XRAY_CI_TSET_PLAN", "test-plan")


def test_misspelt_input_under_github(run, workspace):
    """Exit 2 under GitHub, where unknown inputs are errors."""
    result = run("import", env={"GITHUB_ACTIONS": "true", "INPUT_REPROTS": "r.xml"})
    check(result, 2, "INPUT_REPROTS", "reports")


def test_misspelt_flag(job):
    """Exit 2; the nearest flag is named."""
    check(job("import", "--test-plam", "SHOP-2"), 2, "--test-plam", "--test-plan")


def test_all_problems_of_a_configuration_at_once(job):
    """Two mistakes are two messages in one run."""
    check(job(deployment="cluod", region="mars"), 2, "cluod", "mars")


def test_html_instead_of_json_when_authenticating(job, emulator):
    """Exit 7: something else answered than the service."""
    emulator.fault(
        "POST",
        "/api/v2/authenticate",
        status=200,
        headers={"Content-Type": "text/html"},
        body="<html><title>Welcome</title></html>",
    )
    check(job(), 7, "xray-url")


def test_html_instead_of_json_on_import(job, emulator):
    """No key in the answer is no success, whatever the status says."""
    emulator.fault(
        "POST",
        "/api/v2/import/execution",
        status=200,
        headers={"Content-Type": "text/html"},
        body="<html><title>Welcome</title></html>",
    )
    check(job(), 7)


def test_server_away(job):
    """Exit 7 and the address that was tried."""
    address = f"http://127.0.0.1:{closed_port()}"
    check(job(xray_url=address, time_budget="1"), 7, address)


BOTH = pytest.mark.parametrize("on", ["cloud", "server"])


@BOTH
def test_an_answer_that_is_lost_is_looked_up(job, inside, emulator, on):
    """The import happened: it is found by its mark, nothing is sent twice, and nothing is left to do."""
    emulator.settings(index_lag_s=20)
    emulator.fault("POST", IMPORT, drop="after")
    result = job(on=on)

    assert result.code == 0, result.text
    assert 1 == len(emulator.executions()) == len(emulator.imports())
    assert "1 in reports = 1 sent = 1 stored" in result.out
    assert inside.left() == []


@BOTH
@pytest.mark.parametrize(
    "fault",
    [{"drop": "before"}, {"status": 502, "headers": HTML, "body": "<h1>Bad gateway</h1>"}],
    ids=["dropped", "502"],
)
def test_an_import_that_did_not_happen_is_sent_again_once_the_index_had_its_time(job, emulator, clock, on, fault):
    """A lost connection or a gateway's page says nothing of the import behind it.

    A minute of looks does, and only then it goes again.
    """
    emulator.fault("POST", IMPORT, **fault)
    result = job(on=on)

    assert result.code == 0, result.text
    assert len(emulator.executions()) == 1
    assert len(emulator.imports()) == 2
    assert 60 <= clock.passed < 70
    assert ["import", *["lookup"] * 13, "import"] == [
        kind for kind in emulator.kinds_of_calls() if kind in ("import", "lookup")
    ]


def test_a_budget_too_short_to_know_ends_the_run_and_keeps_what_is_known(job, inside, emulator):
    """Exit 7, nothing is sent again, and the journal stays; `resume` finds what was done and removes it."""
    emulator.settings(index_lag_s=20)
    emulator.fault("POST", IMPORT, drop="after")
    check(job(time_budget="1"), 7, "time budget", "xray-ci resume")
    assert 1 == len(emulator.imports()) == len(inside.left())

    resumed = job("resume", reports=None)

    assert resumed.code == 0, resumed.text
    assert 1 == len(emulator.executions()) == len(emulator.imports())
    assert inside.left() == []


def test_a_service_that_fails_for_good_is_given_up(job, inside, emulator):
    """502 again and again is exit 7 with the gateway's words.

    What was to be sent is kept, and `resume` delivers it later.
    """
    emulator.fault("POST", IMPORT, status=502, times=-1, headers=HTML, body="<title>Bad gateway</title>")
    check(job(), 7, "502", "Bad gateway")
    assert emulator.executions() == []
    assert len(inside.left()) == 1

    emulator.reset()
    resumed = job("resume", reports=None)

    assert resumed.code == 0, resumed.text
    assert len(emulator.executions()) == 1
    assert inside.left() == []


def test_without_read_back_nothing_is_read(job, emulator):
    """`reconcile: false` leaves it at the import."""
    assert job(reconcile="false").code == 0
    assert emulator.kinds_of_calls() == ["authenticate", "import"]


def test_a_status_that_is_silently_stored_as_another_is_found(job, emulator, workspace):
    """Exit 8 names the Test, what was sent and what is stored."""
    (workspace / "r.xml").write_text(
        '<testsuite name="s"><testcase classname="a" name="b"><skipped/><properties>'
        '<property name="test_key" value="SHOP-3"/></properties></testcase></testsuite>'
    )
    check(job(statuses="skipped: OMITTED"), 8, "SHOP-3: sent as OMITTED, stored as TO DO")


@pytest.mark.proof
@BOTH
def test_three_wrong_keys_cost_three_results_of_two_thousand(job, emulator, workspace, on):
    """Exit 8 names the three with the service's words.

    1,997 are stored in one Test Execution, and few requests were needed.
    """
    wrong = {17: "SHOP-9001", 1200: "SHOP-9002", 1201: "SHOP-9003"}
    (workspace / "r.xml").write_text(
        suite("s", *(keyed(f"t{n}", wrong[n]) if n in wrong else case(f"t{n}") for n in range(2000)))
    )
    result = job(on=on, log_level="info")

    check(
        result,
        8,
        *wrong.values(),
        "3 of 2,000 results were refused and left out",
        "SHOP-9001: r.xml:1\n",
        f"import again with `--test-execution {emulator.executions()[0]['key']}`",
        "2,000 in reports - 3 not sent = 1,997 sent = 1,997 stored",
    )
    (execution,) = emulator.executions()
    assert len(execution["execution"]["runs"]) == 1997
    assert len(emulator.requests()) <= 40


@BOTH
def test_evidence_that_makes_a_request_too_large_follows_the_results(job, emulator, workspace, inside, on):
    """The proxy's 413 costs no result and no file: both pictures are added to the Test Run afterwards."""
    for name in ("one.png", "two.png"):
        (workspace / name).write_bytes(name.encode() * 300)
    shown = "<failure>no</failure><system-out>[[ATTACHMENT|one.png]]\n[[ATTACHMENT|two.png]]</system-out>"
    (workspace / "r.xml").write_text(suite("s", case("a"), case("b", shown), keyed("c", "SHOP-3", shown)))
    emulator.settings(max_body=5_000)
    result = job(on=on)

    assert result.code == 0, result.text
    assert "3 in reports = 3 sent = 3 stored" in result.out
    (execution,) = emulator.executions()
    files = [[file["filename"] for file in run["evidence"]] for run in execution["execution"]["runs"].values()]
    assert sorted(files) == [[], ["one.png", "two.png"], ["one.png", "two.png"]]
    assert inside.left() == []


def test_a_gateway_that_does_not_wait_gets_half_of_it(job, emulator, workspace):
    """After a 504 and a lookup the import goes in two parts, into one Test Execution."""
    (workspace / "r.xml").write_text(suite("s", *(case(f"t{n}") for n in range(7))))
    emulator.fault("POST", IMPORT, status=504, headers=HTML, body="<title>Gateway timeout</title>")
    result = job()

    assert result.code == 0, result.text
    assert len(emulator.imports()) == 3
    assert [len(execution["execution"]["runs"]) for execution in emulator.executions()] == [7]


def test_wrong_test_plan(job, emulator):
    """Exit 6, and the setting with its source."""
    check(job(test_plan="SHOP-5"), 6, "SHOP-5", "Test Plan")
    assert emulator.executions() == []


def test_too_large(job, emulator):
    """413 is exit 6 with the settings that make requests smaller."""
    emulator.settings(max_body=50)
    check(job(), 6, "batch-bytes")


def test_wrong_region(job, emulator):
    """A token is no proof: the data call says another region, and the hosts are named."""
    emulator.fault(
        "POST",
        "/api/v2/import/execution",
        status=401,
        headers={"Content-Type": "application/json"},
        body=json.dumps(
            {"error": "Xray data is in another region. Contact support to migrate Xray data to current region."}
        ),
    )
    check(job(), 5, "region")
    assert emulator.kinds_of_calls() == ["authenticate", "import"]


def test_server_redirect_to_login(job, emulator):
    """An import is never followed to a login page."""
    emulator.settings(sso_redirect=True)
    check(job(on="server", jira_token="emulator-pat-wrong"), 5)


def test_server_partial_failure_names_each_test(job, emulator, workspace):
    """A 200 with `testIssues.error` is exit 8."""
    emulator.settings(server_unknown_test="error-list")
    (workspace / "r.xml").write_text(
        '<testsuite name="s"><testcase classname="a" name="b"/><testcase classname="a" name="c"><properties>'
        '<property name="test_key" value="SHOP-9999"/></properties></testcase></testsuite>'
    )
    check(job(on="server"), 8, "SHOP-9999")


def test_throttling_is_waited_out(job, emulator):
    """429 is certain not to have imported: it is repeated after its wait."""
    emulator.fault("POST", "/api/v2/import/execution", status=429, headers={"Retry-After": "0"}, body="{}")
    result = job()
    assert result.code == 0, result.out + result.err
    assert len(emulator.executions()) == 1
    assert len(emulator.imports()) == 2


def test_unmapped_fail_stops_before_anything_is_sent(job, emulator):
    """`unmapped: fail` is exit 4 and names the results."""
    check(job(unmapped="fail"), 4, "r.xml:1", "Test key")
    assert emulator.imports() == []


def test_found_config_file_may_not_say_where_secrets_go(job, workspace):
    """A pull request can change the file: it may only say what is read and how it maps."""
    (workspace / ".xray-ci.yml").write_text("reports: r.xml\nxray-url: https://example.com\n")
    check(job(xray_url=None), 2, ".xray-ci.yml:2", "xray-url")


def test_credentials_of_both_deployments_are_a_conflict(job, emulator):
    """`auto` does not guess."""
    check(job(jira_url=emulator.url + "/jira", jira_token="emulator-pat"), 2, "deployment")


def test_a_signal_says_what_was_under_way(emulator, run, workspace):
    """SIGTERM during the import ends with 143 and says that this request may have been imported."""
    (workspace / "r.xml").write_text('<testsuite name="s"><testcase classname="a" name="b"/></testsuite>')
    emulator.fault("POST", "/api/v2/import/execution", delay_s=20)
    env = {
        "XRAY_CI_CLIENT_ID": ID,
        "XRAY_CI_CLIENT_SECRET": SECRET,
        "XRAY_CI_XRAY_URL": emulator.url,
        "XRAY_CI_PROJECT": "SHOP",
        "XRAY_CI_REPORTS": "r.xml",
    }
    with run.start("import", env=env) as process:
        while "sending" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        while not emulator.imports():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 143, out + err
    assert "may have been imported" in out + err
    assert "Traceback" not in out + err
