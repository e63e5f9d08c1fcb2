"""What users struggle with (part E of the notes on related APIs, a test a row), as they see it with xray-ci."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path

import pytest
from job_runs import case, keyed, suite
from wire_server import WireServer, answer, says

from xray_ci.emulator.server import Emulator, Serving

PEM = Path(__file__).resolve().parents[1] / "data" / "services"
IMPORT = "*/import/execution"
PAGE = "<html><head><title>Welcome to the proxy</title></head></html>"


@pytest.fixture
def ran(inside, workspace):
    """Run a command on one failed result; return how it ended. No traceback and no secret is in what it prints."""
    failed = '<failure message="boom">at shop.Cart(Cart.java:3)</failure>'
    (workspace / "r.xml").write_text(suite("s", case("adds", failed)))

    def run(*args, on="cloud", **changes):
        result = inside(*(args or ("import",)), on=on, **({"reports": "r.xml"} | changes))
        assert "Traceback" not in result.text
        assert not [secret for secret in ("emulator-secret", "emulator-pat") if secret in result.text]
        return result

    return run


def told(result, code, *words):
    """Check the exit code and that the words are printed."""
    assert code == result.code, result.text
    assert [word for word in words if word not in result.text] == [], result.text


def refusing(emulator, text, *, status=400, times=-1):
    """Let every import be refused with a sentence of the vendor."""
    emulator.fault("POST", "*/import/execution*", status=status, body=json.dumps({"error": text}), times=times)


def test_e01_the_vendors_text_is_shown_and_kept_as_it_came(ran, emulator, workspace):
    """Status and sentence in the log; the whole body in the result file, cut, and without what is secret."""
    said = {"error": "No such thing in this project", "detail": "emulator-secret " + "x" * 9_000}
    emulator.fault("POST", IMPORT, status=400, body=json.dumps(said), times=-1)
    result = ran(result_file="out.json")

    told(result, 6, "400: No such thing in this project")
    [problem] = json.loads((workspace / "out.json").read_text())["problems"]
    assert problem["raw"].startswith('{"error": "No such thing in this project", "detail": "*** xxx')
    assert len(problem["raw"]) == 4_000
    assert "emulator-secret" not in (workspace / "out.json").read_text()


def test_e02_a_refusal_in_a_200_is_no_success(ran, emulator):
    """Without the key of a Test Execution nothing was imported for sure: exit 7, with what was answered."""
    emulator.fault("POST", IMPORT, status=200, body='{"error":"Not today"}', times=-1)

    told(ran(), 7, "Not today")
    assert emulator.executions() == []


def test_e03_results_that_a_200_did_not_store_are_named(ran, emulator, workspace):
    """Exit 8 with the Test and Xray's sentence."""
    emulator.settings(server_unknown_test="error-list")
    (workspace / "r.xml").write_text(suite("s", case("a"), keyed("b", "SHOP-9999")))

    told(ran(on="server"), 8, "SHOP-9999", "not found")


def test_e04_environments_that_do_not_exist_are_named_with_those_that_do(ran):
    """The import says what to do; `check` lists what there is."""
    told(ran(test_environments="opera"), 6, "'opera'", "Create the Test Environments in the project first")
    told(ran("check", test_environments="opera", reports=None), 6, "there are chrome, firefox, linux")


def test_e05_environments_go_together_with_fields(ran, emulator):
    """Both reach the Test Execution, under the names that Xray takes."""
    told(ran(test_environments="chrome", fields="labels: [nightly]"), 0)
    [execution] = emulator.executions()
    assert (execution["execution"]["environments"], "nightly" in execution["labels"]) == (["chrome"], True)


def test_e06_a_gateway_that_does_not_wait_is_told(ran, emulator):
    """Exit 7 with the status and the page's title, and how to go on."""
    body = "<html><title>504 Gateway Time-out</title></html>"
    emulator.fault("POST", IMPORT, status=504, headers={"Content-Type": "text/html"}, body=body, times=-1)

    told(ran(), 7, "504", "Gateway Time-out", "xray-ci resume")


def test_e07_what_cannot_be_looked_up_is_not_made_again(ran, emulator):
    """The import happened and its answer was lost; while no look-up is answered nothing is sent again."""
    emulator.fault("POST", IMPORT, drop="after")
    emulator.fault("POST", "*/graphql", status=502, times=-1)

    told(ran(time_budget="60"), 7, "may have been imported")
    assert len(emulator.imports()) == 1


def test_e08_a_repeat_makes_no_second_execution(ran, emulator):
    """An answer that is lost is looked up: one Test Execution, exit 0."""
    emulator.fault("POST", IMPORT, drop="after")

    told(ran(), 0)
    assert len(emulator.executions()) == 1


def test_e09_a_rate_limit_is_waited_for_as_it_says(ran, emulator, clock):
    """The wait is said and is as long as `Retry-After`; the two reads after it keep a second's distance."""
    emulator.fault("POST", IMPORT, status=429, headers={"Retry-After": "30"}, body="{}")

    told(ran(), 0, "rate limit")
    assert 30 <= clock.passed < 33


def test_e10_many_reports_are_one_execution(ran, emulator, workspace):
    """Three files, one Test Execution, one request."""
    for name in "abc":
        (workspace / f"{name}.xml").write_text(suite(name, case(name)))

    told(ran(reports="[abc].xml"), 0)
    assert (len(emulator.executions()), len(emulator.imports())) == (1, 1)


def test_e11_a_pattern_without_files_is_an_error(ran):
    """Exit 3 names the pattern; `!` excludes."""
    told(ran(reports="build/**/TEST-*.xml"), 3, "build/**/TEST-*.xml")
    told(ran(reports="*.xml\n!r.xml"), 3, "*.xml")


@pytest.mark.parametrize(("on", "word"), [("cloud", "FAILED"), ("server", "FAIL")])
def test_e12_each_product_gets_its_own_words(ran, emulator, on, word):
    """A failure is stored as one, and read back."""
    told(ran(on=on), 0, "1 in reports = 1 sent = 1 stored")
    assert [run["status"] for each in emulator.executions() for run in each["execution"]["runs"].values()] == [word]


def test_e13_plain_http_to_a_cloud_is_refused(ran):
    """Exit 2 before anything is sent, also where `allow-http` is set."""
    for place in ("http://xray.cloud.getxray.app", "http://us.xray.cloud.getxray.app"):
        told(ran(xray_url=place, allow_http="true"), 2, "plain http", "Write https://.")


def test_e14_a_page_instead_of_json_is_told_by_its_title(ran, emulator):
    """Exit 7 with the page's title and the address to check."""
    emulator.fault("POST", IMPORT, status=200, headers={"Content-Type": "text/html"}, body=PAGE, times=-1)

    told(ran(), 7, "Welcome to the proxy", "xray-url")


def _tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM / "localhost.pem", PEM / "localhost.key")
    return context


def test_e15_a_certificate_nobody_vouches_for_is_told_with_issuer_and_dates(ran):
    """The import names `ca-bundle`; `check` says for whom, by whom and how long the server's certificate is."""
    with WireServer(says(answer(body=b"{}")), tls=_tls()) as server:
        told(ran(on="server", jira_url=server.url), 7, "certificate", "ca-bundle")
        looked = ran("check", "--json", on="server", jira_url=server.url, reports=None)

    found = {each["name"]: each for each in map(json.loads, looked.out.splitlines())}
    assert looked.code == 7
    assert re.search(r"issued by CN=.*, from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", found["certificate"]["text"])
    assert "ca-bundle" in found["certificate"]["remedy"]
    assert server.requests == []


def test_e15_a_proxy_that_asks_for_a_login_is_asked_once(ran, monkeypatch):
    """407 is exit 7 with the variable to set, and no second knock that could lock the user out."""
    with WireServer(says(answer("407 Proxy Authentication Required"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:wrong-password@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        result = ran(xray_url="https://xray.example")

    told(result, 7, "407", "http://USER:PASSWORD@HOST:PORT")
    assert "wrong-password" not in result.text
    assert len(proxy.requests) == 1


def test_e16_later_steps_get_the_key(ran, workspace):
    """As an output in a dotenv file, and in the result file."""
    told(ran(result_file="out.json", dotenv_file="out.env"), 0)
    assert "XRAY_TEST_EXECUTION_KEY=SHOP-41" in (workspace / "out.env").read_text()
    assert json.loads((workspace / "out.json").read_text())["test_executions"][0]["key"] == "SHOP-41"


SAID = [
    ("Field 'customfield_1' cannot be set. It is not on the appropriate screen, or unknown.", "create screen"),
    ("issue with key SHOP-9 does not exist or is not of issue type Test Plan!", "`test-plan` to the key"),
    ("Issues with keys SHOP-1,SHOP-2 are not of type Test.", "A report names a Test key that is no Test"),
    ('Property "testInfo" is required to create a new Test version for Test SHOP-3', "not step based"),
    ("No execution results were provided.", "xray-ci inspect"),
    ("Result is not valid Xray Format", "xray-ci plan"),
    ("Error assembling issue data: project is required", "Set `project`"),
    ("SHOP-5 is not a requirement issue or is not a valid issue key.", "requirement"),
    ("No project could be found with key 'NOPE'", "Set `project`"),
    ("version name '9' is not valid", "fix-version"),
    ("issuetype: Specify a valid issue type", "`issuetype` in `fields`"),
    ("xrayFields in info file contains the following invalid fields: testEnvironments!", "settings of their own"),
    ("Summary must be less than 255 characters.", "shorten it"),
    ("The maximum number of parameters is 20", "20 parameters"),
    ("The status OMITTED does not exist", "`statuses`"),
    ("Missing data in the robot results import request", "The report is empty"),
]


@pytest.mark.parametrize(("said", "remedy"), SAID, ids=lambda text: text[:30])
def test_e17_known_sentences_of_the_vendor_are_explained(ran, emulator, said, remedy):
    """The sentence, and what to do about that one."""
    refusing(emulator, said)

    told(ran(on="server"), 6, said[:40], remedy)


def test_e18_a_mandatory_field_is_named(ran, emulator):
    """Jira's own name of the field, and where it is given."""
    refusing(emulator, "Error creating Test Execution - Issue create failed! - customfield_10: Team is required.")

    told(ran(), 6, "Team is required", "Give the mandatory field in `fields`")


def test_e19_evidence_that_is_too_large_costs_no_result(ran, emulator, workspace):
    """A 413 leaves the results whole; the picture follows them."""
    (workspace / "one.png").write_bytes(b"png" * 1_000)
    shown = "<failure>no</failure><system-out>[[ATTACHMENT|one.png]]</system-out>"
    (workspace / "r.xml").write_text(suite("s", case("a"), case("b", shown)))
    emulator.settings(max_body=5_000)

    told(ran(), 0, "2 in reports = 2 sent = 2 stored")


def test_e20_a_plan_lists_the_tests_that_would_be_made(ran):
    """What a test is found by, and that it is made where it is not found, stands in the plan."""
    told(ran("plan"), 0, "new: 1 Test", "-  shop.Cart.adds  r.xml:1  by definition")


def test_e21_several_results_of_one_test_are_the_worst(ran, emulator, workspace):
    """One Test Run, failed, and the log says how many were merged."""
    (workspace / "r.xml").write_text(suite("s", keyed("a", "SHOP-3"), keyed("a", "SHOP-3", "<failure>no</failure>")))

    told(ran(), 0, "merged")
    assert [run["status"] for each in emulator.executions() for run in each["execution"]["runs"].values()] == ["FAILED"]


def test_e23_the_wrong_product_is_named(ran, emulator):
    """Credentials of Server against a Jira Cloud: exit 2, and what to set; named as Server it is exit 7."""
    told(ran(on="server", jira_url=emulator.url), 2, "Xray Cloud")
    told(ran(on="server", jira_url=emulator.url, deployment="server"), 7, "this is a Jira Cloud site")


@pytest.mark.parametrize(
    ("name", "deep", "base"),
    [
        ("jira_url", "https://jira.example/rest/api/2", "https://jira.example"),
        ("jira_url", "https://example/jira/rest/raven/2.0/import/execution", "https://example/jira"),
        ("jira_url", "https://jira.example/browse/SHOP-1", "https://jira.example"),
        ("jira_url", "https://jira.example/projects/SHOP/issues", "https://jira.example"),
        ("jira_url", "https://jira.example/secure/Dashboard.jspa", "https://jira.example"),
        ("jira_url", "https://x.atlassian.net/jira/software/projects/SHOP", "https://x.atlassian.net"),
        ("jira_url", "https://x.atlassian.net/jira", "https://x.atlassian.net"),
        ("xray_url", "https://xray.cloud.getxray.app/api/v2", "https://xray.cloud.getxray.app"),
    ],
)
def test_e23_an_address_that_goes_too_deep_is_named(ran, name, deep, base):
    """Exit 2 with the place that is too much, and the base URL to write."""
    told(ran(**{name: deep}), 2, "goes deeper than the base URL", f"Write {base}.")


@pytest.mark.parametrize("place", ["https://example/issues", "https://example/projects/jira", "https://example/jira"])
def test_e23_a_context_path_is_no_such_place(ran, place):
    """A site may be at any path: it is asked."""
    assert "goes deeper" not in ran("plan", on="server", jira_url=place, time_budget="0.1").text


def test_e24_the_failure_is_in_the_run(ran, emulator):
    """As the comment of the Test Run."""
    told(ran(), 0)
    [execution] = emulator.executions()
    assert "boom" in next(iter(execution["execution"]["runs"].values()))["comment"]


def test_e25_another_region_is_told(ran, emulator):
    """Exit 5 with the setting."""
    refusing(emulator, "Xray data is in another region. Contact support.", status=401)

    told(ran(), 5, "another region", "region")


@pytest.mark.parametrize("language", ["de", "fr"])
def test_e26_a_sentence_in_another_language_decides_nothing(ran, emulator, language):
    """Status and shape decide: the same exit code, and Jira's sentence as it is."""
    emulator.settings(language=language)

    told(
        ran(on="server", project="NOPE"),
        6,
        {"de": "Das Projekt ist erforderlich", "fr": "le projet est requis"}[language],
    )


def test_e27_the_search_that_jira_cloud_removed_is_not_used(ran, emulator):
    """A whole import and a check with Jira's login ask for nothing that answers 410."""
    jira = {"jira_url": emulator.url, "jira_username": "dev@example.com", "jira_token": "emulator-jira-token"}
    told(ran(**jira), 0)
    told(ran("check", reports=None, **jira), 0)
    assert not [each for each in emulator.requests() if each["status"] == 410 or each["path"].endswith("/search")]


def test_e28_times_are_sent_as_xray_reads_them(ran, emulator, workspace):
    """ISO 8601 with an offset, whatever the report has."""
    (workspace / "r.xml").write_text(
        '<testsuite name="s" timestamp="2026-03-01T10:00:00"><testcase classname="a" name="b" time="2"/></testsuite>'
    )

    told(ran(timezone="Europe/Berlin"), 0)
    [test] = emulator.document()["tests"]
    assert [test["start"], test["finish"]] == ["2026-03-01T10:00:00+01:00", "2026-03-01T10:00:02+01:00"]


def test_e29_a_token_that_is_refused_and_one_that_will_end(ran, workspace):
    """A refused token says that tokens expire; `check` says when the next one of this user does."""
    told(ran(on="server", jira_token="a-token-that-ended"), 5, "Personal access tokens expire")
    (workspace / "world.yaml").write_text(
        "projects: {SHOP: {}}\n"
        "accounts: [{name: emu, account-id: '1', display: Emu, token: emulator-pat, token-ends: 2999-01-31}]\n"
    )
    with Emulator(port=0, serving=Serving(world=str(workspace / "world.yaml"))) as serving:
        result = ran("check", on="server", jira_url=f"http://127.0.0.1:{serving._port}/jira", reports=None)

    told(result, 0, "the personal access token 'pipeline' ends on 2999-01-31")


def test_e29_a_token_that_ends_soon_is_a_warning(ran, workspace):
    """Thirty days before, with where to make a new one."""
    from datetime import UTC, datetime, timedelta

    soon = datetime.now(UTC) + timedelta(days=5)
    (workspace / "world.yaml").write_text(
        "projects: {SHOP: {}}\naccounts: [{name: emu, account-id: '1', display: Emu, token: emulator-pat, "
        f"token-ends: {soon:%Y-%m-%d}}}]\n"
    )
    with Emulator(port=0, serving=Serving(world=str(workspace / "world.yaml"))) as serving:
        result = ran("check", on="server", jira_url=f"http://127.0.0.1:{serving._port}/jira", reports=None)

    told(result, 0, "warning  jira-token", f"{soon:%Y-%m-%d}", "under your profile")


def test_e30_a_page_that_was_not_refreshed_is_seen(ran, emulator):
    """Triggered after the last import; a refusal is told with its status."""
    page = {"snapshot_page_ids": "131073", "snapshot_api_key": "emulator-global-key"}
    page["snapshots_url"] = f"{emulator.url}/take-snapshot/{{page-id}}"
    told(ran(**page), 0, "131073")
    assert [each["kind"] for each in emulator.requests()][-1] == "snapshot"

    emulator.fault("POST", "/take-snapshot/*", status=429, times=-1)
    told(ran(fail_on="snapshots", time_budget="30", **page), 9, "429")


def test_e31_a_step_that_is_too_long_is_cut_and_told(ran, emulator, workspace):
    """8,192 characters of an action on Cloud, with a notice."""
    (workspace / "r.json").write_text(
        json.dumps(
            {
                "info": {"summary": "s"},
                "tests": [
                    {
                        "status": "PASSED",
                        "testInfo": {
                            "projectKey": "SHOP",
                            "summary": "t",
                            "type": "Manual",
                            "steps": [{"action": "x" * 9_000, "result": "y"}],
                        },
                        "steps": [{"status": "PASSED"}],
                    }
                ],
            }
        )
    )
    result = ran(reports="xray-json=r.json")

    told(result, 0, "The action of a step is longer than Xray takes and is cut")
    [test] = emulator.document()["tests"]
    assert len(test["testInfo"]["steps"][0]["action"]) <= 8_192


def test_e22_an_issue_that_stays_to_do_is_moved_by_transition(ran, emulator):
    """The Test Execution is moved once its results are in; a name that is none tells those that are."""
    jira = {"XRAY_CI_JIRA_TOKEN": "emulator-pat"}
    told(ran(on="server", transition="Done", **jira), 0, "SHOP-41")
    assert emulator.state()["issues"]["SHOP-41"]["status"] == "Done"

    told(ran(on="server", transition="Dnoe", execution_part="2", **jira), 6, "In Progress")


def test_each_row_has_its_test():
    """E.1 to E.31."""
    tested = {int(name[6:8]) for name in globals() if re.match(r"test_e\d\d_", name)}

    assert tested == {*range(1, 32)}
