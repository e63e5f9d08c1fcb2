"""The whole configuration.

All problems together, what a command needs, combinations that cannot work, secrets unseen.
"""

import pytest

from xray_ci.errors import ConfigurationError
from xray_ci.settings import config, problems

ID, SECRET, TOKEN, PASSWORD = "an-id-of-cloud", "a-secret-of-cloud", "a-token-of-jira", "a-password-of-jira"
CLOUD = {"XRAY_CI_CLIENT_ID": ID, "XRAY_CI_CLIENT_SECRET": SECRET}
SERVER = {"XRAY_CI_JIRA_URL": "https://jira.example/jira", "XRAY_CI_JIRA_TOKEN": TOKEN}
BASIC = {
    "XRAY_CI_JIRA_URL": "https://jira.example/jira",
    "XRAY_CI_JIRA_USERNAME": "me",
    "XRAY_CI_JIRA_PASSWORD": PASSWORD,
}


@pytest.fixture
def load(workspace):
    return lambda flags=None, env=None, command="import": config.load(
        {"reports": "a.xml"} | (flags or {}), CLOUD if env is None else env, workspace, command=command, github=False
    )


@pytest.fixture
def refused(load):
    def made(flags=None, env=None, command="import"):
        with pytest.raises(ConfigurationError) as caught:
            load(flags, env, command)
        return caught.value

    return made


def test_all_problems_come_together_each_with_its_source(refused):
    """Nobody has to run a pipeline once for each mistake."""
    error = refused(
        {"project": "shop", "timeout": "soon", "test-fields": "a: 1", "test-execution": "SHOP-1"},
        {"XRAY_CI_CLIENT_ID": ID, "XRAY_CI_REGOIN": "eu"},
    )

    assert error.exit_code == 2
    assert {
        "--project",
        "--timeout",
        "XRAY_CI_REGOIN",
        "test-fields from --test-fields",
        "client-secret (INPUT_CLIENT-SECRET, XRAY_CI_CLIENT_SECRET)",
    } == {one.where for one in error.problems}
    assert {one.slug for one in error.problems} <= {*problems.SLUGS}
    assert "5 problems" in error.what


def test_one_problem_is_told_as_itself(refused):
    """A single mistake needs no heading."""
    error = refused({"project": "shop"})

    assert (error.where, error.next) == ("--project", "Did you mean `SHOP`?")


@pytest.mark.parametrize(
    ("flags", "env", "deployment"),
    [
        ({}, CLOUD, "cloud"),
        ({}, SERVER, "server"),
        ({}, BASIC, "server"),
        ({"deployment": "dc"}, SERVER, "server"),
        ({}, CLOUD | SERVER, "cloud"),
        ({"deployment": "server"}, CLOUD | SERVER, "server"),
        ({"deployment": "cloud"}, CLOUD | BASIC, "cloud"),
    ],
)
def test_the_deployment_is_named_or_the_credentials_say_it(load, flags, env, deployment):
    """An API key means Cloud, also beside a Jira token: Jira Cloud has tokens too."""
    assert deployment == load(flags, env).resolved_deployment()


@pytest.mark.parametrize(
    ("flags", "env", "words"),
    [
        ({}, {}, "no credentials"),
        ({}, {"XRAY_CI_CLIENT_SECRET": SECRET}, "`client-id` is not set"),
        ({}, {"XRAY_CI_JIRA_TOKEN": TOKEN}, "`jira-url` is not set"),
        ({"deployment": "server"}, {"XRAY_CI_JIRA_TOKEN": TOKEN}, "`jira-url` is not set"),
        ({"deployment": "server"}, {"XRAY_CI_JIRA_URL": "https://x"}, "`jira-token` is not set"),
        ({}, CLOUD | BASIC, "of Xray Cloud and of Jira"),
        ({}, SERVER | BASIC, "Both `jira-token`"),
        ({"jira-username": "me"}, CLOUD, "neither `jira-password`"),
        ({}, {"XRAY_CI_JIRA_URL": "https://x", "XRAY_CI_JIRA_PASSWORD": PASSWORD}, "no `jira-username`"),
        (
            {"test-fields": "a: 1", "test-execution": "A1-1", "strategy": "native", "format": "junit"},
            CLOUD,
            "`test-fields` cannot",
        ),
        ({"test-fields": "a: 1"}, CLOUD, "`test-fields` is done by Jira"),
        ({"test-fields": "a: 1", "strategy": "native", "format": "behave"}, CLOUD, "takes no `test-fields`"),
        ({"strategy": "native", "format": "behave", "test-execution": "A1-1"}, CLOUD, "existing Test Execution"),
        ({"executions": "per-report", "test-execution": "A1-1"}, CLOUD, "`executions: per-report` cannot"),
        ({"executions": "per-environment", "strategy": "native"}, CLOUD, "goes into one Test Execution"),
        ({"scrub": "a+", "strategy": "native"}, CLOUD, "keeps its texts"),
        ({"format": "bundle"}, CLOUD, "Server/Data Center alone"),
        ({"api-version": "2.0"}, CLOUD, "deployment `cloud`"),
        ({"api-version": "v2"}, SERVER, "deployment `server`"),
        ({"jira-url": "http://jira.example"}, SERVER, "plain http"),
        ({"xray-url": "http://xray.example", "allow-http": True}, CLOUD, "never"),
        ({"jira-url": "http://me.atlassian.net", "allow-http": True}, SERVER, "never"),
        ({"snapshots-url": "http://x/{page-id}"}, CLOUD, "plain http"),
        ({"jira-url": "http://127.0.0.1.example"}, SERVER, "plain http"),
        ({"jira-url": "http://localhost.example"}, SERVER, "plain http"),
        ({"snapshot-page-ids": "1"}, CLOUD, "no `snapshot-api-key`"),
        ({}, CLOUD | {"XRAY_CI_SNAPSHOT_API_KEY": "key-of-page"}, "neither `snapshot-urls`"),
        ({}, CLOUD | {"XRAY_CI_SNAPSHOT_URLS": "http://x/y", "XRAY_CI_SNAPSHOT_API_KEY": "key-of-macro"}, "plain http"),
    ],
)
def test_what_cannot_work_is_refused(refused, flags, env, words):
    """One problem, which says why."""
    found = refused(flags, env).problems

    assert len(found) == 1
    assert words in found[0].what


@pytest.mark.parametrize(
    ("flags", "env"),
    [
        ({"jira-url": "http://jira.example", "allow-http": True}, SERVER),
        ({"jira-url": "http://localhost:8765/jira"}, SERVER),
        ({"xray-url": "http://127.0.0.1:8765", "jira-url": "http://[::1]:8765/jira"}, CLOUD),
        ({"labels": "a", "fields": "a: 1"}, CLOUD),
        ({"test-fields": "a: 1", "strategy": "native", "format": "junit"}, CLOUD),
        ({"format": "bundle"}, SERVER),
        ({"api-version": "latest"}, SERVER),
        ({"executions": "per-report", "strategy": "native"}, CLOUD),
        ({"scrub": "a+", "executions": "per-environment", "test-plan": "A1-2"}, CLOUD),
        ({"max-new-tests": "0"}, CLOUD),
        ({"executions": "single", "test-execution": "A1-1"}, CLOUD),
        ({"jira-username": "me", "jira-url": "https://me.atlassian.net"}, CLOUD | {"XRAY_CI_JIRA_TOKEN": TOKEN}),
    ],
)
def test_what_can_work_is_not(load, flags, env):
    """The refusals go no further than their reasons."""
    assert load(flags, env).reports == ("a.xml",)


@pytest.mark.parametrize("several", ["per-report", "per-environment"])
def test_one_document_is_one_test_execution(refused, several):
    """So `convert` cannot make several."""
    found = refused({"executions": several}, {}, "convert")

    assert (found.where, found.problems[0].slug) == ("executions from --executions", problems.CONFLICT)
    assert "one document" in found.what


def test_a_key_may_stand_in_its_certificate(load, refused, workspace):
    """A certificate alone is fine, a key alone is not."""
    (workspace / "both.pem").write_text("x")

    assert workspace / "both.pem" == load({"client-certificate": "both.pem"}).client_certificate
    assert "client-certificate" in refused({"client-key": "both.pem"}).what


@pytest.mark.parametrize(
    ("command", "flags", "env", "missing"),
    [
        ("import", {}, {}, ["reports", "client-id"]),
        ("plan", {}, {}, ["reports"]),
        ("plan", {"reports": "a"}, {"XRAY_CI_JIRA_TOKEN": "x"}, ["jira-url"]),
        ("import", {"reports": "a", "dry-run": True}, {}, []),
        ("inspect", {}, {}, ["reports"]),
        ("convert", {}, {}, ["reports"]),
        ("collect", {}, {}, ["reports"]),
        ("resume", {}, {}, ["client-id"]),
        ("snapshots", {}, {}, ["snapshots"]),
        ("emulator", {}, {}, []),
        ("demo", {}, {}, []),
        ("convert", {"deployment": "server", "reports": "a"}, {}, []),
    ],
)
def test_a_command_asks_only_for_what_it_needs(workspace, command, flags, env, missing):
    """Reports where they are read, credentials where something is sent."""
    try:
        config.load(flags, env, workspace, command=command, github=False)
        found = []
    except ConfigurationError as error:
        found = [(one.where or "").split()[0].rstrip(",") for one in error.problems]
    assert missing == found


def test_snapshots_from_all_settings_become_one_list(load):
    """The item list first, then macros, then pages; the plain inputs share their key and token."""
    found = load(
        {"snapshot-page-ids": ["7", "8"]},
        CLOUD
        | {
            "XRAY_CI_SNAPSHOTS": "[{page-id: 1, api-key: key-of-first}]",
            "XRAY_CI_SNAPSHOT_URLS": "https://x.example/a",
            "XRAY_CI_SNAPSHOT_API_KEY": "key-of-plain",
            "XRAY_CI_SNAPSHOT_BEARER_TOKEN": "token-of-plain",
        },
    )

    assert [target.page_id for target in found.snapshots] == ["1", None, "7", "8"]
    assert ["key-of-first", *["key-of-plain"] * 3] == [target.api_key.reveal() for target in found.snapshots]
    assert [target.bearer_token is not None for target in found.snapshots] == [False, True, True, True]


def test_the_redactor_is_told_every_secret(load):
    """Credentials, header values, keys, tokens and the URLs of macros; user names are none."""
    found = load(
        {"jira-username": "the-user", "jira-url": "https://x"},
        CLOUD
        | {
            "XRAY_CI_JIRA_TOKEN": TOKEN,
            "XRAY_CI_HTTP_HEADERS": "X-A: value-of-header",
            "XRAY_CI_SNAPSHOTS": "[{url: 'https://x.example/a', api-key: key-of-macro, bearer-token: token-of-dc}]",
        },
    )

    assert {ID, SECRET, TOKEN, "value-of-header", "https://x.example/a", "key-of-macro", "token-of-dc"} == {
        secret.reveal() for secret in found.secrets()
    }
    assert not any(secret.reveal() in repr(found) for secret in found.secrets())


@pytest.mark.parametrize(
    "variable",
    [
        "CLIENT_ID",
        "CLIENT_SECRET",
        "JIRA_TOKEN",
        "JIRA_PASSWORD",
        "HTTP_HEADERS",
        "SNAPSHOTS",
        "SNAPSHOT_URLS",
        "SNAPSHOT_API_KEY",
        "SNAPSHOT_BEARER_TOKEN",
        "OAUTH_TOKEN",
        "CLIENT_SECRT",
    ],
)
@pytest.mark.parametrize(
    "shape", ["{}", " {}\nb", "https://u:{}@x\0", "- {}: [", "[{{page-id: {}, api-key: {}}}]", "Authorization: {}\nx"]
)
def test_no_error_shows_a_secret(workspace, variable, shape):
    """Whatever is wrong with it, and also when the variable's name is misspelt."""
    with pytest.raises(ConfigurationError) as caught:
        config.load(
            {},
            {f"XRAY_CI_{variable}": shape.format("hunter2hunter2", "hunter2hunter2")},
            workspace,
            command="import",
            github=True,
        )

    assert "hunter2" not in repr(
        [(one.what, one.where, one.next, one.args) for one in (caught.value, *caught.value.problems)]
    )


def test_what_is_ignored_is_said(load):
    """Settings of the other deployment are no mistake, an organisation may set them for all its repositories."""
    notices = load({"deployment": "server", "region": "eu"}, CLOUD | SERVER).notices

    assert [notice.split()[0] for notice in notices] == ["XRAY_CI_CLIENT_ID", "XRAY_CI_CLIENT_SECRET", "--region"]


def test_a_named_test_execution_needs_no_scope(load):
    """It is found by its key; defaults are no wish."""
    flags = {"test-execution": "SHOP-1", "execution-scope": "branch", "on-rerun": "new"}

    assert [notice.split()[0] for notice in load(flags, CLOUD).notices] == ["--execution-scope", "--on-rerun"]
    assert load({"test-execution": "SHOP-1"}, CLOUD).notices == ()


def test_nobody_asks_for_exactly_once(load):
    """It is what one gets; that a scope was set by somebody is told from its origin."""
    found = load({}, CLOUD)
    assert (found.execution_scope, found.on_rerun, found.reconcile, found.state_dir) == ("run", "reuse", True, None)
    assert found.origin("execution-scope") == "default"
    assert load({"execution-scope": "run"}, CLOUD).origin("execution-scope") == "--execution-scope"


def test_settings_are_frozen(load):
    """Nothing changes what was asked for."""
    with pytest.raises(AttributeError):
        load().project = "OTHER"
