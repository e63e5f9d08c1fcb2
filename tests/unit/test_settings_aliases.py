"""Inputs of the most used Xray action: accepted as they are, each with a notice."""

import json

import pytest

from xray_ci.errors import ConfigurationError
from xray_ci.settings import config


@pytest.fixture
def load(workspace):
    return lambda **inputs: config.load(
        {}, {f"INPUT_{name}": value for name, value in inputs.items()}, workspace, command="import", github=True
    )


KEY = {"USERNAME": "an-id-of-cloud", "PASSWORD": "a-secret-of-cloud", "TESTPATHS": "a/*.xml"}


def test_a_step_for_cloud_moves_over_unchanged(load):
    """With the defaults of that action written out, as its users have them."""
    found = load(
        **KEY,
        XRAYCLOUD="true",
        TESTFORMAT="junit",
        PROJECTKEY="SHOP",
        TESTPLANKEY="SHOP-2",
        TESTENVIRONMENTS="a;b",
        REVISION="abc",
        FIXVERSION="1.0",
        COMBINEINSINGLETESTEXEC="true",
        RESPONSETIMEOUT="60000",
        FAILONIMPORTERROR="false",
        CONTINUEONIMPORTERROR="true",
        IMPORTPARALLELISM="2",
        TESTMERGE="true",
        IMPORTRETRYLIMIT="2",
    )

    assert (found.deployment, found.format, found.project, found.test_plan) == ("cloud", "junit", "SHOP", ("SHOP-2",))
    assert (found.test_environments, found.fix_version, found.timeout, found.reports) == (
        ("a", "b"),
        ("1.0",),
        60.0,
        ("a/*.xml",),
    )
    assert (found.client_id.reveal(), found.client_secret.reveal()) == ("an-id-of-cloud", "a-secret-of-cloud")
    assert found.origin("client-secret") == "INPUT_PASSWORD"
    assert len(found.notices) == 16
    assert not any("an-id" in notice or "a-secret" in notice for notice in found.notices)


def test_a_step_for_server_moves_over_unchanged(load):
    """The same names mean Jira's address and user there."""
    found = load(
        **KEY,
        XRAYCLOUD="false",
        XRAYBASEURL="https://jira.example/jira",
        TESTEXECKEY="SHOP-9",
        COMBINEINSINGLETESTEXEC="false",
    )

    assert (found.deployment, found.jira_url) == ("server", "https://jira.example/jira")
    assert (found.jira_username, found.test_execution) == ("an-id-of-cloud", "SHOP-9")
    assert found.jira_password.reveal() == "a-secret-of-cloud"


def test_a_token_outvotes_user_and_password(load):
    """As it does in that action."""
    found = load(**KEY, XRAYCLOUD="false", XRAYBASEURL="https://jira.example", XRAYTOKEN="a-token-of-jira")

    assert (found.jira_token.reveal(), found.jira_password) == ("a-token-of-jira", None)


@pytest.mark.parametrize(
    ("deployment", "attribute"), [("cloud", "xray_url"), ("dc", "jira_url"), ("server", "jira_url")]
)
def test_our_deployment_says_what_their_names_mean(workspace, deployment, attribute):
    """Our names win over theirs, from every source."""
    env = {f"INPUT_{name}": value for name, value in KEY.items()}
    env |= {"XRAY_CI_DEPLOYMENT": deployment, "INPUT_XRAYBASEURL": "https://x.example"}

    assert getattr(config.load({}, env, workspace, command="import", github=True), attribute) == "https://x.example"


def test_our_own_name_wins(load):
    """The other one is ignored, and said so."""
    found = load(**KEY, PROJECTKEY="THEIRS", PROJECT="OURS")

    assert found.project == "OURS"
    assert "INPUT_PROJECTKEY is ignored, because `project` is set by INPUT_PROJECT." in found.notices


@pytest.mark.parametrize(
    ("word", "more", "several"),
    [
        ("false", {}, "per-report"),
        ("true", {}, "single"),
        ("false", {"TESTEXECKEY": "SHOP-9"}, "single"),
        ("false", {"EXECUTIONS": "per-environment"}, "per-environment"),
    ],
)
def test_one_execution_a_report_has_its_setting(load, word, more, several):
    """An existing Test Execution takes all results, there as here; our own name wins."""
    found = load(**KEY, COMBINEINSINGLETESTEXEC=word, **more)

    assert several == found.executions
    assert any("INPUT_COMBINEINSINGLETESTEXEC" in notice for notice in found.notices)


def test_json_files_of_fields_are_read(load, workspace):
    """Fields, Test Plan and environments of the execution file; fields of the test file, sent natively."""
    info = {"fields": {"summary": "x"}, "xrayFields": {"testPlanKey": "SHOP-3", "environments": ["a", "b"]}}
    (workspace / "exec.json").write_text(json.dumps(info))
    (workspace / "test.json").write_text(json.dumps({"fields": {"priority": {"id": "1"}}}))

    found = load(**KEY, TESTEXECUTIONJSON="exec.json", TESTJSON="test.json")

    assert (found.fields, found.test_fields, found.strategy) == ({"summary": "x"}, {"priority": {"id": "1"}}, "native")
    assert (found.test_plan, found.test_environments) == (("SHOP-3",), ("a", "b"))


@pytest.mark.parametrize("content", [None, "[1]", '{"fields": 1}', "{", "link"])
def test_json_files_that_are_none_are_refused(load, workspace, tmp_path, content):
    """Also a link out of the workspace."""
    if content == "link":
        (tmp_path / "out.json").write_text('{"fields": {"a": 1}}')
        (workspace / "exec.json").symlink_to(tmp_path / "out.json")
    elif content is not None:
        (workspace / "exec.json").write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        load(**KEY, TESTEXECUTIONJSON="exec.json")

    assert caught.value.where == "INPUT_TESTEXECUTIONJSON"


@pytest.mark.parametrize(
    ("name", "value"),
    [("RESPONSETIMEOUT", "1m"), ("XRAYCLOUD", "maybe"), ("TESTFORMAT", "ansible"), ("TESTEXECKEY", "x")],
)
def test_their_values_are_checked_like_ours(load, name, value):
    """And the error names the input that was written."""
    with pytest.raises(ConfigurationError) as caught:
        load(**KEY, **{name: value})

    assert f"INPUT_{name}" == caught.value.where
