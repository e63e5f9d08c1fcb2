"""What can go wrong with an import, on both products: one failure each, nothing doubled, no secret in a message."""

from __future__ import annotations

import socket

import pytest
from emulator_client import CLIENT_ID_IN_EU, CLIENT_ID_WITHOUT_PROJECTS
from native_reports import REPORTS, side

from xray_ci import errors
from xray_ci.delivery.plan import ImportTarget
from xray_ci.delivery.planners import NativeFile, native
from xray_ci.delivery.send import send
from xray_ci.deployments import CLOUD, DEPLOYMENTS, SERVER
from xray_ci.secret import Secret
from xray_ci.services.auth import Basic
from xray_ci.services.wire import ConnectionOptions
from xray_ci.services.xray import Xray

BOTH = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
IMPORTS = "*/import/execution/*"
PAGE = "<html><head><title>Front door</title></head></html>"
LOGIN = "<html><head><title>Log in</title></head><input type='password' name='os_password'></html>"


def imported(emulator, deployment, clock, *, count=1, target=None, **given):
    """Import JUnit files one after the other and return what became of it."""
    wanted = {"deployment": deployment, "project": "SHOP"} | (target or {})
    files = [
        NativeFile(format="junit", shown=(f"{number}.xml",), pieces=(REPORTS["junit"],), tests=1)
        for number in range(count)
    ]
    with side(emulator, deployment, clock, **given) as there:
        return send(native(ImportTarget(**wanted), files), there.context)


def only(done) -> errors.Failure:
    """Return the one failure."""
    (failure,) = done.failures
    assert CLIENT_SECRET not in f"{failure.what} {failure.answer} {failure.where} {failure.next}"
    return failure


CLIENT_SECRET = "the-wrong-secret"


def test_a_wrong_client_secret(emulator, clock):
    """One authenticate, no import, and nothing is tried again."""
    failure = only(imported(emulator, CLOUD, clock, secret=CLIENT_SECRET))

    assert errors.WrongCredentials is type(failure)
    assert "client-secret" in failure.what
    assert emulator.kinds_of_calls() == ["authenticate"]


@pytest.mark.parametrize("token", ["emulator-pat-expired", "nonsense-token"])
def test_a_wrong_personal_access_token(emulator, clock, token):
    """One request only: repeated failures lead to a CAPTCHA."""
    failure = only(imported(emulator, SERVER, clock, token=token))

    assert errors.WrongCredentials is type(failure)
    assert emulator.kinds_of_calls() == ["import"]


def test_a_captcha_is_named(emulator, clock):
    """After failed logins Jira asks for a CAPTCHA, and the message says where to solve it."""
    with side(emulator, SERVER, clock) as there:
        xray = Xray(
            caller=there.caller,
            deployment=SERVER,
            base_url=emulator.jira_url,
            version="2.0",
            auth=Basic(user="emu", password=Secret(CLIENT_SECRET)),
        )
        failures = []
        for _ in range(4):
            with pytest.raises(errors.WrongCredentials) as raised:
                xray.licence()
            failures.append(raised.value)

    assert "CAPTCHA" in failures[-1].what
    assert "browser" in failures[-1].next


def test_single_sign_on_sends_to_a_login_page(emulator, clock):
    """A redirect to a login page is not followed."""
    emulator.settings(sso_redirect=True)
    failure = only(imported(emulator, SERVER, clock, token="nonsense-token"))

    assert errors.LoginPage is type(failure)
    assert len(emulator.requests()) == 1


def test_another_region(emulator, clock):
    """Authenticate succeeds, the data call names the region; a fresh token is not asked for."""
    failure = only(imported(emulator, CLOUD, clock, client_id=CLIENT_ID_IN_EU))

    assert errors.WrongRegion is type(failure)
    assert "region" in failure.next
    assert emulator.kinds_of_calls() == ["authenticate", "import"]


def test_a_revoked_token_is_renewed_once(emulator, clock):
    """A 401 in the middle of a run costs one more authenticate and nothing else."""
    emulator.fault("POST", IMPORTS, status=401, body={"error": "Invalid JWT: TokenExpiredError: jwt expired"})
    done = imported(emulator, CLOUD, clock)

    assert done.failures == []
    assert emulator.kinds_of_calls() == ["authenticate", "import", "authenticate", "import"]


def test_a_token_that_is_refused_twice_stops(emulator, clock):
    """Two 401 and no third try."""
    emulator.fault("POST", IMPORTS, status=401, times=-1, body={"error": "Invalid JWT"})
    failure = only(imported(emulator, CLOUD, clock))

    assert errors.WrongCredentials is type(failure)
    assert emulator.kinds_of_calls() == ["authenticate", "import"] * 2


@BOTH
def test_an_unknown_project(emulator, clock, deployment):
    """A refusal of the service with the setting that cures it."""
    failure = only(imported(emulator, deployment, clock, target={"project": "NOPE"}))

    assert errors.Refused is type(failure)
    assert failure.answer.startswith("400: ")
    assert emulator.executions() == []


def test_a_key_that_sees_no_project(emulator, clock):
    """The user of the API key lacks the permission: the vendor's sentence leads to `project`."""
    failure = only(imported(emulator, CLOUD, clock, client_id=CLIENT_ID_WITHOUT_PROJECTS))

    assert errors.Refused is type(failure)
    assert "`project`" in failure.next


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ({"test_plan": "SHOP-5"}, "test-plan"),
        ({"environments": ("dev",)}, "test-environments"),
        ({"test_execution": "SHOP-5"}, "test-execution"),
        ({"fix_version": "9.9"}, "fix-version"),
    ],
)
def test_what_cloud_refuses_leads_to_its_setting(emulator, clock, target, word):
    """A wrong plan, environment, execution or version is refused, and its setting is named."""
    failure = only(imported(emulator, CLOUD, clock, target=target))

    assert errors.Refused is type(failure)
    assert f"`{word}`" in failure.next


@BOTH
@pytest.mark.parametrize(("body", "kind"), [(PAGE, errors.NotTheService), (LOGIN, errors.LoginPage)])
def test_a_page_instead_of_an_answer(emulator, clock, deployment, body, kind):
    """HTML with status 200 is no success, and nothing was imported."""
    emulator.fault("POST", IMPORTS, status=200, body=body)

    assert kind is type(only(imported(emulator, deployment, clock)))
    assert emulator.executions() == []


@BOTH
def test_a_success_without_key(emulator, clock, deployment):
    """Status 200 and no key: it may have been imported, and the answer is shown."""
    emulator.fault("POST", IMPORTS, status=200, body={"error": "odd"}, work=True)
    failure = only(imported(emulator, deployment, clock))

    assert errors.UnknownDelivery is type(failure)
    assert "odd" in failure.answer


@BOTH
@pytest.mark.parametrize("where", ["/elsewhere", "https://other.example/api", "/login.jsp?os_destination=x"])
def test_a_redirect_is_never_followed(emulator, clock, deployment, where):
    """An import is sent once and to one place."""
    emulator.fault("POST", IMPORTS, status=302, headers={"Location": where})
    failure = only(imported(emulator, deployment, clock))

    assert isinstance(failure, errors.LoginPage if "login" in where else errors.NotTheService)
    assert 1 == len(emulator.imports()) == len([each for each in emulator.requests() if each["kind"] != "authenticate"])


@BOTH
def test_nobody_there(emulator, clock, deployment):
    """A few tries with growing waits, then the setting of the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    class Away:
        url = jira_url = f"http://127.0.0.1:{port}"

    failure = only(imported(Away(), deployment, clock))

    assert errors.Unreachable is type(failure)
    assert failure.where.startswith("xray-url" if deployment is CLOUD else "jira-url")
    assert len(clock.slept) == 3


@BOTH
def test_a_lost_answer_is_not_repeated(emulator, clock, deployment):
    """The work was done and its answer lost: exactly one Test Execution, and the user is warned."""
    emulator.fault("POST", IMPORTS, drop="after")
    failure = only(imported(emulator, deployment, clock))

    assert errors.UnknownDelivery is type(failure)
    assert 1 == len(emulator.executions()) == len(emulator.imports())
    assert clock.slept == []


@BOTH
def test_an_answer_that_takes_too_long_is_not_repeated(emulator, clock, deployment):
    """A read timeout leaves it unknown."""
    emulator.fault("POST", IMPORTS, delay_s=1.5)
    failure = only(imported(emulator, deployment, clock, options=ConnectionOptions(connect_timeout=5, timeout=0.3)))

    assert errors.UnknownDelivery is type(failure)
    assert len(emulator.imports()) == 1


@BOTH
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_gateway_is_not_repeated(emulator, clock, deployment, status):
    """5xx leaves it unknown, whether the work was done or not."""
    emulator.fault("POST", IMPORTS, status=status, body=PAGE, work=True)
    failure = only(imported(emulator, deployment, clock))

    assert errors.UnknownDelivery is type(failure)
    assert f"{status}: a web page: Front door" == failure.answer
    assert len(emulator.imports()) == 1


@BOTH
def test_too_many_requests_are_waited_out(emulator, clock, deployment):
    """429 with its wait, then the import; nothing is doubled."""
    emulator.fault(
        "POST", IMPORTS, status=429, times=2, headers={"Retry-After": "11"}, body={"error": {"text": "Too many"}}
    )
    done = imported(emulator, deployment, clock)

    assert done.failures == []
    assert [int(seconds) for seconds in clock.slept] == [11, 11]
    assert len(emulator.executions()) == 1


def test_clouds_own_rate_limit_is_obeyed(emulator, clock):
    """The emulator's own limit answers with a wait, and no wait beyond the budget is begun."""
    emulator.settings(rate_limit=1)
    done = imported(emulator, CLOUD, clock, count=2)

    assert done.keys == {"import-1": "SHOP-41"}
    assert isinstance(done.failures[0], errors.Unreachable)
    assert sum(clock.slept) <= 1800
    assert 55 < clock.slept[0] < 62


@BOTH
def test_too_large(emulator, clock, deployment):
    """413 names the size and the settings that make it smaller."""
    emulator.settings(max_body=50)
    failure = only(imported(emulator, deployment, clock))

    assert errors.TooLarge is type(failure)
    assert "batch-bytes" in failure.next


@BOTH
def test_a_later_failure_keeps_what_was_won(emulator, clock, deployment):
    """The second of three is refused: the first is kept, and its key leads on."""
    emulator.fault("POST", IMPORTS, status=400, skip=1, body={"error": "no"})
    done = imported(emulator, deployment, clock, count=3)

    assert 1 == len(done.keys) == len(done.receipts) == len(done.not_sent)
    assert [errors.Refused, errors.PartlyImported] == [type(failure) for failure in done.failures]
    assert done.keys["import-1"] in done.failures[1].next


def test_tests_that_server_did_not_store(emulator, clock, tmp_path):
    """`testIssues.error` inside a 200 is a partial failure that names each Test."""
    from xray_ci.delivery.planners import BatchOnDisk, convert

    emulator.settings(server_unknown_test="error-list")
    (tmp_path / "spool").write_bytes(b'{"testKey":"SHOP-3","status":"PASS"},{"testKey":"SHOP-99","status":"PASS"}')
    batch = BatchOnDisk(path=tmp_path / "spool", offset=0, length=(tmp_path / "spool").stat().st_size, tests=2)
    with side(emulator, SERVER, clock) as there:
        done = send(
            convert(ImportTarget(deployment=SERVER, project="SHOP"), [batch], info={"project": "SHOP", "summary": "s"}),
            there.context,
        )

    failure = only(done)
    assert errors.PartlyImported is type(failure)
    assert "SHOP-99" in failure.what
    assert (done.sent, done.stored) == (2, 1)


def test_server_without_xray(emulator, clock):
    """A Jira without the app, or a wrong address, is told apart from a refusal."""
    emulator.settings(xray_installed=False)

    assert errors.NotTheService is type(only(imported(emulator, SERVER, clock)))


def test_a_server_address_that_is_a_cloud_site(emulator, clock):
    """Asking a Jira Cloud site for Xray Server says which deployment to set."""
    emulator.fault(
        "POST",
        IMPORTS,
        status=404,
        body={"message": "null for uri: http://x/rest/raven/2.0/import", "status-code": 404},
    )
    failure = only(imported(emulator, SERVER, clock))

    assert errors.NotTheService is type(failure)
    assert "deployment: cloud" in failure.next


@BOTH
def test_an_access_gateway_is_passed_with_its_headers(emulator, clock, deployment):
    """With the gateway's header the import passes, without it the gateway's answer is no success."""
    emulator.settings(required_header="X-Gate: open-sesame")
    options = ConnectionOptions(connect_timeout=5, timeout=5, headers=(("X-Gate", Secret("open-sesame")),))
    without = imported(emulator, deployment, clock)
    with_it = imported(emulator, deployment, clock, options=options)

    assert len(without.failures) == 1
    assert without.failures[0].exit_code == 5 or without.failures[0].exit_code == 7
    assert with_it.failures == []
