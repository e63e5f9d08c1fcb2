"""Which runs get no secrets, by the CI system's own facts, and what a missing secret is told to be due to."""

import pytest

from xray_ci.ci.environment import built, first, text
from xray_ci.ci.event_facts import other
from xray_ci.ci.provider import surroundings
from xray_ci.ci.systems import LOCAL, PROVIDERS
from xray_ci.errors import ConfigurationError
from xray_ci.settings import config

SAID = {"TRAVIS_SECURE_ENV_VARS": "false"}


@pytest.mark.parametrize("row", [row for row in PROVIDERS if row.key != "other"], ids=lambda row: row.key)
def test_every_ci_system_has_a_likely_cause(row):
    """Each row says in whole sentences why a secret that somebody set may not have come."""
    name, _, value = row.detect[0].partition("=")
    cause = surroundings({name: value or "true"} | SAID).secrets
    assert cause
    assert cause.endswith(".")
    assert cause == text(cause) or len(cause) > 255


def test_nobody_blames_a_ci_system_that_is_not_there():
    """On a laptop no cause is made up, and nobody is a fork."""
    around = surroundings({})
    assert LOCAL is around.provider
    assert (around.secrets, around.outsider) == (None, None)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"GITHUB_ACTIONS": "true"}, "reusable workflow"),
        (
            {"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "false", "CI_PIPELINE_SOURCE": "push"},
            "not protected, and protected variables are only given",
        ),
        (
            {"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "false", "CI_PIPELINE_SOURCE": "merge_request_event"},
            "merge request pipeline",
        ),
        ({"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "true"}, "environment scope"),
        ({"TF_BUILD": "True"}, "under `env:`"),
        ({"JENKINS_URL": "https://x/"}, "withCredentials"),
        ({"BITBUCKET_BUILD_NUMBER": "1"}, "deployment"),
        ({"CIRCLECI": "true"}, "`context:`"),
        ({"BUILDKITE": "true"}, "agent hook"),
        ({"TEAMCITY_VERSION": "2025"}, "`env.`"),
    ],
)
def test_a_missing_secret_is_told_with_its_likely_cause(env, words, tmp_path):
    """The error is the same everywhere, and says what to look at on this CI system."""
    around = surroundings(env)
    (tmp_path / "r.xml").write_text("<testsuite/>")
    with pytest.raises(ConfigurationError) as failure:
        config.load(
            {"reports": ["r.xml"]},
            env,
            tmp_path,
            command="import",
            github=False,
            withheld=around.outsider is not None,
            cause=around.secrets,
        )
    assert words in failure.value.next
    assert failure.value.exit_code == 2


@pytest.mark.parametrize("address", ["https://bot:token@git.example.com/web", "token", "/", "a b/c", "https://x"])
def test_an_address_without_a_name_is_not_told(address):
    """What could hold credentials never becomes the name of a fork."""
    assert other("A", "B")({"A": address, "B": "https://git.example.com/shop/web.git"}) is None


LOAD = {"XRAY_CI_REPORTS": "r.xml"}


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"XRAY_CI_CLIENT_ID": "not-secret"},
        {"XRAY_CI_JIRA_URL": "https://jira.example.com", "XRAY_CI_JIRA_USERNAME": "bot"},
        {"XRAY_CI_DEPLOYMENT": "server"},
        {"XRAY_CI_SNAPSHOT_PAGE_IDS": "7"},
        {"XRAY_CI_SNAPSHOTS": "- page-id: 7\n  api-key: \n"},
        {"XRAY_CI_CLIENT_SECRET": ""},
    ],
)
def test_no_secret_is_missed_where_none_is_given(env, tmp_path):
    """A configuration of which all secrets are missing is whole for a run that gets none, and only for that."""
    settings = config.load({}, LOAD | env, tmp_path, command="import", github=False, withheld=True)
    assert (settings.client_secret, settings.jira_token) == (None, None)
    with pytest.raises(ConfigurationError):
        config.load({}, LOAD | env, tmp_path, command="import", github=False, withheld=False)


@pytest.mark.parametrize(
    "env",
    [
        {"XRAY_CI_CLIENT_SECRET": "there"},
        {"XRAY_CI_JIRA_TOKEN": "there"},
        {"XRAY_CI_JIRA_PASSWORD": "there"},
        {"XRAY_CI_REPEATS": "best of all"},
        {"XRAY_CI_TIMEOUT": "soon"},
    ],
)
def test_other_mistakes_of_such_a_run_stay_mistakes(env, tmp_path):
    """Half a credential, or a wrong value, is an error of a fork's run, too."""
    with pytest.raises(ConfigurationError):
        config.load({}, LOAD | env, tmp_path, command="import", github=False, withheld=True)


def test_reports_are_missed_by_everyone(tmp_path):
    """What is no secret is needed in every run."""
    with pytest.raises(ConfigurationError) as failure:
        config.load({}, {}, tmp_path, command="import", github=False, withheld=True)
    assert failure.value.what == "`reports` is not set"


def test_a_template_takes_no_empty_part():
    """An address is made of variables that all say something."""
    assert first({"A": "https://x", "B": ""}, (built("{A}/{B}"),), text) is None
