"""What identifies a Test Execution that is made, and when it is looked for first."""

import json

import pytest
from msgspec.structs import replace

from xray_ci.ci.provider import surroundings
from xray_ci.ci.systems import LOCAL
from xray_ci.delivery.marker import TOKEN, Marker, jql, line, line_jql, marker
from xray_ci.errors import ConfigurationError

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "shop/web",
    "GITHUB_WORKFLOW": "ci",
    "GITHUB_JOB": "tests",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SERVER_URL": "https://git.example.com",
    "GITHUB_ACTION": "xray",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "shop/web",
    "CI_PIPELINE_ID": "900",
    "CI_JOB_NAME": "tests",
    "CI_NODE_TOTAL": "1",
    "CI_COMMIT_BRANCH": "main",
}


def marked(env, **given):
    return marker(
        **{
            "around": surroundings(env),
            "scope": "run",
            "explicit": False,
            "on_rerun": "reuse",
            "target": ("jira.example.com", "SHOP", ""),
            "group": "",
            "unique": "random",
            **given,
        }
    )


def test_a_plain_first_run_does_not_look():
    """It stays one request."""
    found = marked(GITHUB)

    assert TOKEN.fullmatch(found.token)
    assert (found.look, found.race) == (False, False)


def test_a_second_attempt_looks_for_what_the_first_made():
    """The word is the same, whatever changed since."""
    first, second = (
        marked(GITHUB),
        marked(GITHUB | {"GITHUB_RUN_ATTEMPT": "2", "GITHUB_ACTOR": "kim", "RUNNER_TEMP": "/elsewhere"}),
    )

    assert first.token == second.token
    assert (second.look, second.race) == (True, False)


def test_a_job_without_a_name_looks():
    """It may be another step of the same run that made one."""
    env = {"BITBUCKET_BUILD_NUMBER": "12", "BITBUCKET_PIPELINE_UUID": "{1b}", "BITBUCKET_STEP_RUN_NUMBER": "1"}

    assert (marked(env).look, marked(env).race) == (True, False)


def test_where_attempts_are_not_counted_every_run_looks():
    """It may be a retry."""
    assert (marked(GITLAB).look, marked(GITLAB).race) == (True, False)
    assert marked(GITLAB, on_rerun="new").look


@pytest.mark.parametrize(
    ("env", "jobs"),
    [
        (GITLAB | {"CI_NODE_TOTAL": "3"}, [{"CI_JOB_NAME": "tests 1/3"}, {"CI_JOB_NAME": "tests 3/3"}]),
        (
            {"CIRCLECI": "true", "CIRCLE_WORKFLOW_ID": "w", "CIRCLE_JOB": "tests", "CIRCLE_NODE_TOTAL": "2"},
            [{"CIRCLE_NODE_INDEX": "0"}, {"CIRCLE_NODE_INDEX": "1"}],
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_BUILD_ID": "b",
                "BUILDKITE_STEP_ID": "s",
                "BUILDKITE_PARALLEL_JOB_COUNT": "2",
            },
            [{"BUILDKITE_LABEL": "tests 0"}, {"BUILDKITE_LABEL": "tests 1"}],
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_BUILDID": "9",
                "SYSTEM_JOBATTEMPT": "1",
                "SYSTEM_PARALLELEXECUTIONTYPE": "MultiMachine",
                "SYSTEM_PHASENAME": "tests",
                "SYSTEM_TOTALJOBSINPHASE": "2",
            },
            [{"SYSTEM_JOBDISPLAYNAME": "tests 1"}, {"SYSTEM_JOBDISPLAYNAME": "tests 2"}],
        ),
        (GITHUB, [{"GITHUB_JOB": "tests"}, {"GITHUB_JOB": "more"}]),
    ],
    ids=["gitlab", "circleci", "buildkite", "azure", "github, set explicitly"],
)
def test_shards_share_one_and_race_for_it(env, jobs):
    """The names of their jobs may hold an index."""
    one, two = (marked(env | job, explicit="GITHUB_ACTIONS" in env) for job in jobs)

    assert one == two
    assert (one.look, one.race) == (True, True)


@pytest.mark.parametrize(
    ("env", "job"),
    [
        (GITHUB, {"GITHUB_JOB": "more"}),
        (GITHUB, {"GITHUB_ACTION": "xray_2"}),
        (GITHUB, {"GITHUB_RUN_ID": "78"}),
        (GITHUB, {"GITHUB_REPOSITORY": "shop/app"}),
        (GITHUB, {"GITHUB_WORKFLOW": "nightly"}),
        (GITHUB, {"GITHUB_SERVER_URL": "https://other.example.com"}),
        (GITLAB | {"CI_JOB_NAME": "tests: [chrome]", "CI_NODE_TOTAL": "2"}, {"CI_JOB_NAME": "tests: [firefox]"}),
        (GITLAB | {"CI_JOB_NAME": "tests 1/2", "CI_NODE_TOTAL": "2"}, {"CI_JOB_NAME": "lint 1/2"}),
        (GITLAB | {"CI_JOB_NAME": "tests 1/2"}, {"CI_JOB_NAME": "tests 2/2"}),
    ],
)
def test_what_is_not_the_same_work_shares_nothing(env, job):
    """Other jobs, steps, runs, repositories, workflows and servers, legs of a matrix.

    Jobs that are only named like shards.
    """
    assert marked(env).token != marked(env | job).token


def test_other_targets_and_groups_have_other_words():
    """One run can make several Test Executions."""
    every = [
        marked(GITHUB),
        marked(GITHUB, group="chrome"),
        marked(GITHUB, group="firefox"),
        marked(GITHUB, target=("jira.example.com", "SHOP", "SHOP-1")),
        marked(GITHUB, target=("jira.example.com", "APP", "")),
        marked(GITHUB, target=("other.example.com", "SHOP", "")),
    ]

    assert len(every) == len({found.token for found in every})


@pytest.mark.parametrize("scope", ["branch", "{branch}", "{workflow} of {branch}"])
def test_a_wider_scope_is_shared_by_runs(scope):
    """Whoever comes first makes it, so everybody looks and races, in whatever job."""
    one = marked(GITHUB, scope=scope, explicit=True)
    two = marked(
        GITHUB | {"GITHUB_RUN_ID": "78", "GITHUB_JOB": "more", "GITHUB_RUN_ATTEMPT": "3"}, scope=scope, explicit=True
    )

    assert one == two
    assert (one.look, one.race) == (True, True)
    assert one.token != marked(GITHUB | {"GITHUB_REF": "refs/heads/next"}, scope=scope, explicit=True).token


@pytest.mark.parametrize("scope", ["branch", "{branch}"])
def test_a_branch_of_a_pull_request_does_not_lead_into_our_own(scope):
    """Whoever opens it chooses the name."""
    theirs = GITHUB | {"GITHUB_REF": "refs/pull/31/merge", "GITHUB_HEAD_REF": "main"}
    others = theirs | {"GITHUB_REF": "refs/pull/32/merge"}

    assert len({marked(env, scope=scope).token for env in (GITHUB, theirs, others)}) == 3


def test_a_pull_request_is_found_again_by_its_next_run():
    """From whatever branch it comes."""
    env = GITHUB | {"GITHUB_REF": "refs/pull/31/merge", "GITHUB_HEAD_REF": "fix"}

    assert marked(env, scope="pull-request") == marked(
        env | {"GITHUB_RUN_ID": "78", "GITHUB_HEAD_REF": "renamed"}, scope="pull-request"
    )
    assert (
        marked(env, scope="pull-request").token
        != marked(env | {"GITHUB_REF": "refs/pull/3/merge"}, scope="pull-request").token
    )


@pytest.mark.parametrize(
    ("env", "scope", "words"),
    [
        (GITHUB, "pull-request", "needs the pull request"),
        (GITHUB | {"GITHUB_REF": "refs/tags/v1"}, "branch", "needs the branch"),
        (GITLAB, "{branch} {run_number}", "needs the run number"),
        ({}, "branch", "needs the branch"),
    ],
)
def test_a_scope_without_its_fact_is_refused(env, scope, words):
    """Instead of one Test Execution for everybody who lacks it."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        marked(env, scope=scope, explicit=True)

    assert (caught.value.where, caught.value.slug) == ("execution-scope", "wrong-value")
    assert "run" in caught.value.next


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("env", [{}, {"CI": "true", "JOB_NAME": "nightly"}])
def test_a_run_that_nothing_identifies_shares_nothing(env, explicit):
    """On a laptop, or where the CI system has no id of the run."""
    one, two = marked(env, explicit=explicit), marked(env, explicit=explicit, unique="other")

    assert one.token != two.token
    assert (one.look, one.race, two.look, two.race) == (False, False, False, False)


def test_a_new_one_for_each_attempt():
    """The first has the word it would have had anyway; a later one is told from those of other runs in every scope."""
    first, second = marked(GITHUB, on_rerun="new"), marked(GITHUB | {"GITHUB_RUN_ATTEMPT": "2"}, on_rerun="new")
    assert marked(GITHUB) == first
    assert first.token != second.token
    assert (second.look, second.race) == (False, False)

    runs = [
        marked(GITHUB | {"GITHUB_RUN_ATTEMPT": attempt, "GITHUB_RUN_ID": run}, on_rerun="new", scope="branch")
        for attempt, run in (("1", "77"), ("1", "78"), ("2", "77"), ("2", "78"))
    ]
    assert len({found.token for found in runs}) == 3
    assert all(found.race for found in runs)


def test_attempts_of_two_workflows_are_told_apart(tmp_path):
    """The tests ran again, or their import: both are the second attempt, and of another thing."""

    def attempt(tests, imported):
        event = {"workflow_run": {"id": 5, "run_attempt": tests}}
        (tmp_path / "event.json").write_text(json.dumps(event))
        env = GITHUB | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_RUN_ATTEMPT": imported}
        return marked(env, on_rerun="new").token

    assert len({attempt(1, "1"), attempt(2, "1"), attempt(1, "2")}) == 3


def test_a_stranger_s_branch_without_a_number_is_no_branch():
    """Of `pull_request_target` the reference is ours; where the event cannot be read, nothing says whose it is."""
    target = GITHUB | {"GITHUB_HEAD_REF": "main", "GITHUB_EVENT_NAME": "pull_request_target"}

    with pytest.raises(ConfigurationError):
        marked(target, scope="branch")


def test_a_literal_brace_is_no_placeholder():
    """It belongs to the text that tells two templates apart."""
    assert len({marked(GITHUB, scope=scope).token for scope in ("{{x}} {branch}", "{{y}} {branch}", "{branch}")}) == 3


def test_the_query_finds_labels_and_descriptions_of_test_executions():
    """One for both deployments, the oldest first."""
    found = Marker(token="xrayci" + "a2" * 12, look=True, race=False)

    either = '(labels = "xraycia2a2a2a2a2a2a2a2a2a2a2a2" OR description ~ "xraycia2a2a2a2a2a2a2a2a2a2a2a2")'
    assert f'project = "SHOP" AND issuetype = "Test Execution" AND {either} ORDER BY id ASC' == jql(found, "SHOP")
    assert f'issuetype = "Test Execution" AND {either} ORDER BY id ASC' == jql(found, None)


def test_a_query_for_a_number_finds_young_ones_only():
    """A job that was made anew counts from 1 again, and last year's first run is not its own."""
    found = Marker(token="xrayci" + "a2" * 12, look=True, race=False, recent=True)

    assert jql(found, "SHOP").startswith(
        'project = "SHOP" AND issuetype = "Test Execution" AND created >= -30d AND (labels = '
    )


@pytest.mark.parametrize(
    ("env", "scope", "recent"),
    [
        ({"JENKINS_URL": "https://ci", "BUILD_TAG": "jenkins-shop-1"}, "run", True),
        ({"JENKINS_URL": "https://ci", "BUILD_TAG": "jenkins-shop-1", "BRANCH_NAME": "main"}, "branch", False),
        ({"JENKINS_URL": "https://ci", "BUILD_TAG": "jenkins-shop-1"}, "{run_id}", True),
        ({"DRONE": "true", "DRONE_BUILD_NUMBER": "7"}, "run", True),
        (GITHUB, "run", False),
        (GITHUB, "{run_id}", False),
        (GITHUB | {"GITHUB_RUN_NUMBER": "7"}, "{run_number}", True),
    ],
)
def test_what_rests_on_a_number_is_looked_for_among_young_ones(env, scope, recent):
    """An id of a run is never given again, and a branch lives on."""
    assert recent == marked(env, scope=scope).recent


@pytest.mark.parametrize(
    "token",
    ["", "xrayci", "xrayci" + "a" * 25, "xrayci" + "A" * 24, 'xrayci" OR project = X', "xrayci" + "a" * 24 + "\n"],
)
def test_only_a_marker_is_asked_for(token):
    """A journal that was tampered with brings nothing into a query."""
    with pytest.raises(ValueError, match="not a marker"):
        jql(Marker(token=token, look=True, race=False), "SHOP")


def test_the_surroundings_of_a_laptop_are_known_to_be_none():
    """A job's number without a CI system is not believed."""
    around = replace(surroundings({}), attempt="1")

    assert LOCAL is around.provider
    assert not marker(
        around=around, scope="run", explicit=False, on_rerun="reuse", target=(), group="", unique="u"
    ).look


def lined(env, **given):
    return line(surroundings({**GITHUB, **env}), **given)


def test_every_run_of_a_job_on_a_branch_has_the_same_second_mark():
    """Whichever run, attempt, commit or host of Xray; it is none of the first marks."""
    found = lined({})

    assert TOKEN.fullmatch(found)
    assert found == lined({"GITHUB_RUN_ID": "78", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_SHA": "0" * 40})
    assert found != marked(GITHUB).token


@pytest.mark.parametrize(
    ("env", "given"),
    [
        ({"GITHUB_REF": "refs/heads/next"}, {}),
        ({"GITHUB_REPOSITORY": "shop/app"}, {}),
        ({"GITHUB_WORKFLOW": "nightly"}, {}),
        ({"GITHUB_JOB": "e2e"}, {}),
        ({"GITHUB_ACTION": "xray_2"}, {}),
        ({"GITHUB_SERVER_URL": "https://other.example.com"}, {}),
        ({}, {"group": "firefox"}),
        ({}, {"part": "windows"}),
        ({}, {"environments": ("chrome",)}),
    ],
)
def test_what_is_no_earlier_run_of_it_has_another_second_mark(env, given):
    """Branch, repository, workflow, job, step, and what one job makes several of."""
    assert lined({}) != lined(env, **given)


def test_a_strangers_branch_of_the_same_name_is_another_one():
    """Whoever opens a pull request chooses its branch's name, `main` too."""
    around = surroundings(GITHUB)

    assert line(around) != line(replace(around, pull_request="7"))


def test_without_a_branch_there_is_no_second_mark():
    """Runs that nothing ties together are no series; on a laptop not even with a branch."""
    assert line(surroundings({**GITHUB, "GITHUB_REF": "refs/tags/v1"})) is None
    assert line(replace(surroundings({}), branch="main")) is None


def test_the_query_for_the_run_before_is_bounded_and_takes_only_marks():
    """The latest first, of some days: more than 100 hits may be refused (D)."""
    found = replace(marked(GITHUB), line=lined({}))

    assert line_jql(found, "SHOP", 3) == (
        f'project = "SHOP" AND issuetype = "Test Execution" AND created >= -3d AND (labels = "{found.line}" OR '
        f'description ~ "{found.line}") ORDER BY id DESC'
    )
    for wrong in (None, 'x" OR project = "HR'):
        with pytest.raises(ValueError, match="not a marker"):
            line_jql(replace(found, line=wrong), "SHOP", 3)


@pytest.mark.parametrize(
    ("env", "given", "token"),
    [
        (GITHUB, {}, "xraycikyinxlv5ecduqbsqyvjr3tgj"),
        (GITHUB, {"part": "2"}, "xrayciop63gykdktjwxqqqtzpkyd3y"),
        (GITHUB, {"group": "chrome"}, "xrayciuq4j7akzwsp7dgjvtlispqak"),
        (GITHUB, {"scope": "branch", "explicit": True}, "xraycis6penmwcyamvjxwlryln27pp"),
        (
            GITHUB | {"GITHUB_REF": "refs/pull/5/merge"},
            {"scope": "pull-request", "explicit": True},
            "xrayciq5ezp5nzqdrhn24d7mg632uu",
        ),
        (GITHUB, {"scope": "{branch} of {workflow}", "explicit": True}, "xraycic4iickmfyl2j4qg7hr5p7uvk"),
        (GITLAB, {}, "xrayciehsk7lobfzijbk7sribpewyn"),
    ],
)
def test_a_marker_is_the_same_in_each_release(env, given, token):
    """A rerun after an upgrade finds what the run before it made: whoever changes this changes `_VERSION`, too."""
    assert marked(env, **given).token == token


def test_a_second_mark_is_the_same_in_each_release():
    """So the run before an upgrade is the previous one of the first after it."""
    assert lined({}) == "xrayciou3avi3bdrja5lp6vepbsxef"
