"""THE table of CI systems: by which variables each is known, and where it keeps the facts of a run.

Knows names of variables; reads none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.ci import event_facts
from xray_ci.ci.environment import (
    Source,
    attempts,
    branch,
    built,
    counted_from_zero,
    found,
    joined,
    largest,
    only,
    remote,
    repository,
    tag,
    unless,
    when,
)
from xray_ci.ci.syntax import NOTHING, PLAIN, Annotations, Handover, LogGroups, Masks, Outputs, Summaries, Syntax
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    import re


class Provider(Struct, frozen=True, kw_only=True):
    """One CI system. Each fact has its sources, the first that says something wins."""

    key: str
    title: str
    detect: tuple[str, ...]
    """Variables of which one is set (`NAME`) or has a value (`NAME=value`)."""
    unset: re.Pattern[str] | None = None
    """What a variable holds that the system does not know, where it is not simply left out."""
    syntax: Syntax = PLAIN
    handover: Handover = NOTHING
    """How outputs and the summary are handed over."""
    outputs: str | None = None
    """Variable that names the file for step outputs, where a file takes them."""
    summary: str | None = None
    """Variable that names the file for the job summary, in Markdown."""
    event: str | None = None
    """Variable that names the file that says what started the run, in GitHub's format."""
    withholds: bool = True
    """Whether runs for outsiders get no secrets by rule, and not only as a rule."""
    remedy: str = event_facts.REMEDY
    """What those can do whose runs get no secrets."""
    commit: tuple[Source, ...] = ()
    branch: tuple[Source, ...] = ()
    tag: tuple[Source, ...] = ()
    pull_request: tuple[Source, ...] = ()
    repository: tuple[Source, ...] = ()
    workflow: tuple[Source, ...] = ()
    job: tuple[Source, ...] = ()
    run_id: tuple[Source, ...] = ()
    run_number: tuple[Source, ...] = ()
    attempt: tuple[Source, ...] = ()
    tries: tuple[Source, ...] = ()
    """Tells attempts apart where `attempt` is a sum of several counters."""
    actor: tuple[Source, ...] = ()
    run_url: tuple[Source, ...] = ()
    workspace: tuple[Source, ...] = ()
    temp: tuple[Source, ...] = ()
    step: tuple[Source, ...] = ()
    job_group: tuple[Source, ...] = ()
    shards: tuple[Source, ...] = ()
    server: tuple[Source, ...] = ()
    """What tells installations of one system apart where the host of a run's address does not."""
    definition: tuple[Source, ...] = ()
    """Which file or project a run is of, where the workflow is a name that several can have."""
    fork_branch: tuple[Source, ...] = ()
    """Whose branch it is, where that is not what `pull_request` says."""
    matrix: tuple[Source, ...] = ()
    """The values of this leg of a matrix: JSON, or any text."""
    looks: bool = False
    """Whether a job's first attempt looks, too: the system repeats steps that no counter tells."""
    numbered: bool = False
    """Whether `run_id` is a number that begins again when a job or repository is made anew."""
    pull_request_title: tuple[Source, ...] = ()
    outsider: tuple[Source, ...] = ()
    secrets: tuple[Source, ...] = ()


PROVIDERS: Final = (
    Provider(
        key="github",
        title="GitHub Actions",
        detect=("GITHUB_ACTIONS",),
        syntax=Syntax(groups=LogGroups.GITHUB, annotations=Annotations.GITHUB, masks=Masks.GITHUB),
        handover=Handover(outputs=Outputs.GITHUB, summary=Summaries.GITHUB),
        outputs="GITHUB_OUTPUT",
        summary="GITHUB_STEP_SUMMARY",
        event="GITHUB_EVENT_PATH",
        remedy=event_facts.GITHUB_REMEDY,
        # GITHUB_SHA of a pull request is a merge that nobody has. On `workflow_run` all facts but the job's are those
        # of the run that made the reports: so a re-run of either finds the same Test Execution.
        commit=(event_facts.COMMIT, "GITHUB_SHA"),
        branch=(
            event_facts.BRANCH,
            # Of `pull_request_target` GITHUB_REF is our own branch; without the number theirs would pass for it.
            when(event_facts.PULL_REQUEST, unless(event_facts.RUN_ID, "GITHUB_HEAD_REF")),
            unless(event_facts.RUN_ID, only("GITHUB_HEAD_REF", "GITHUB_REF", r"^(refs/pull/\d+/.*)?$")),
            unless("GITHUB_HEAD_REF", unless(event_facts.RUN_ID, branch("GITHUB_REF"))),
            unless("GITHUB_REF", "GITHUB_REF_NAME"),
        ),
        tag=(tag("GITHUB_REF"),),
        pull_request=(event_facts.PULL_REQUEST, found("GITHUB_REF", r"^refs/pull/(\d+)/")),
        repository=("GITHUB_REPOSITORY",),
        workflow=(event_facts.WORKFLOW, "GITHUB_WORKFLOW"),
        job=("GITHUB_JOB",),
        definition=(event_facts.PATH, found("GITHUB_WORKFLOW_REF", r"^([^@]+)@")),
        # nektos/act numbers every run 1 unless told otherwise (O).
        run_id=(unless("ACT", event_facts.RUN_ID), unless("ACT", "GITHUB_RUN_ID")),
        run_number=(event_facts.RUN_NUMBER, "GITHUB_RUN_NUMBER"),
        attempt=(attempts("GITHUB_RUN_ATTEMPT", event_facts.ATTEMPT),),
        tries=(joined(event_facts.ATTEMPT, "GITHUB_RUN_ATTEMPT"),),
        actor=(event_facts.ACTOR, "GITHUB_ACTOR"),
        run_url=(
            built(f"{{GITHUB_SERVER_URL}}/{{GITHUB_REPOSITORY}}/actions/runs/{{{event_facts.RUN_ID}}}"),
            built("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"),
        ),
        workspace=("GITHUB_WORKSPACE",),
        temp=("RUNNER_TEMP",),
        # Several workflows can follow one run.
        step=(when(event_facts.RUN_ID, built("{GITHUB_WORKFLOW}/{GITHUB_ACTION}")), "GITHUB_ACTION"),
        pull_request_title=(event_facts.TITLE,),
        outsider=(event_facts.github,),
        secrets=(event_facts.said(event_facts.ON_GITHUB),),
    ),
    Provider(
        key="gitlab",
        title="GitLab CI",
        withholds=False,  # a fork's merge request runs in the fork, or here by a member's hand
        detect=("GITLAB_CI",),
        syntax=Syntax(groups=LogGroups.GITLAB),
        commit=("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"),
        branch=("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"),
        tag=("CI_COMMIT_TAG",),
        pull_request=("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"),
        fork_branch=("CI_MERGE_REQUEST_IID",),
        repository=("CI_PROJECT_PATH",),
        definition=(built("{CI_PROJECT_PATH}/{CI_CONFIG_PATH}"), "CI_PROJECT_PATH"),
        attempt=(counted_from_zero("CI_JOB_RETRY_COUNT"),),
        looks=True,
        workflow=("CI_PIPELINE_NAME", "CI_PROJECT_PATH"),
        job=("CI_JOB_NAME",),
        run_id=("CI_PIPELINE_ID",),
        run_number=("CI_PIPELINE_IID",),
        actor=("GITLAB_USER_LOGIN",),
        run_url=("CI_PIPELINE_URL",),
        workspace=("CI_PROJECT_DIR",),
        temp=("RUNNER_TEMP_PROJECT_DIR",),
        job_group=("CI_JOB_GROUP_NAME", found("CI_JOB_NAME", r"^(.*?)[\s:/\\]*\d+[\s:/\\]+\d+\s*$"), "CI_JOB_NAME"),
        # `parallel: 3` makes `tests 1/3`, a matrix makes `tests: [chrome]`: only the former shares its work.
        matrix=(found("CI_JOB_NAME", r": \[(.+)\]$"),),
        shards=(only("CI_NODE_TOTAL", "CI_JOB_NAME", r"\d/\d+$"),),
        pull_request_title=("CI_MERGE_REQUEST_TITLE",),
        outsider=(event_facts.gitlab,),
        secrets=(
            event_facts.said(
                event_facts.MERGE_REQUEST,
                ("CI_COMMIT_REF_PROTECTED", "false"),
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ),
            event_facts.said(event_facts.UNPROTECTED, ("CI_COMMIT_REF_PROTECTED", "false")),
            event_facts.said(event_facts.ON_GITLAB),
        ),
    ),
    Provider(
        key="azure",
        title="Azure Pipelines",
        detect=("TF_BUILD",),
        unset=lazy(r"\$\([^)]*\)"),  # `$(NAME)` as it stands in the pipeline (D)
        syntax=Syntax(groups=LogGroups.AZURE, annotations=Annotations.AZURE, masks=Masks.AZURE),
        handover=Handover(outputs=Outputs.AZURE, summary=Summaries.AZURE),
        commit=("SYSTEM_PULLREQUEST_SOURCECOMMITID", "BUILD_SOURCEVERSION"),
        branch=(branch("SYSTEM_PULLREQUEST_SOURCEBRANCH"), branch("BUILD_SOURCEBRANCH")),
        tag=(tag("BUILD_SOURCEBRANCH"),),
        pull_request=("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        repository=("BUILD_REPOSITORY_NAME",),
        workflow=("BUILD_DEFINITIONNAME",),
        job=("SYSTEM_JOBDISPLAYNAME",),
        server=(built("{SYSTEM_COLLECTIONID}/{SYSTEM_TEAMPROJECTID}"),),
        # A classic release has the build of its artifact, which other releases have as well.
        run_id=(
            only(
                built("{RELEASE_RELEASEID}/{RELEASE_ENVIRONMENTID}"), "SYSTEM_HOSTTYPE", r"(?i)^(release|deployment)$"
            ),
            "BUILD_BUILDID",
        ),
        run_number=("BUILD_BUILDNUMBER",),
        # A stage that is run again counts its own attempts.
        attempt=(largest("SYSTEM_JOBATTEMPT", "SYSTEM_STAGEATTEMPT", "RELEASE_ATTEMPTNUMBER"),),
        looks=True,
        actor=("BUILD_REQUESTEDFOR",),
        run_url=(built("{SYSTEM_COLLECTIONURI}/{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}"),),
        workspace=("BUILD_SOURCESDIRECTORY",),
        temp=("AGENT_TEMPDIRECTORY",),
        job_group=(built("{SYSTEM_STAGENAME}/{SYSTEM_PHASENAME}"), "SYSTEM_PHASENAME"),
        step=("SYSTEM_TASKINSTANCENAME",),
        matrix=(only("SYSTEM_JOBNAME", "SYSTEM_PARALLELEXECUTIONTYPE", r"(?i)^multiconfiguration$"),),
        # A matrix counts its jobs, too, and is MultiConfiguration (O).
        shards=(only("SYSTEM_TOTALJOBSINPHASE", "SYSTEM_PARALLELEXECUTIONTYPE", r"(?i)^multimachine$"),),
        outsider=(event_facts.flagged("SYSTEM_PULLREQUEST_ISFORK"),),
        secrets=(event_facts.said(event_facts.ON_AZURE),),
    ),
    Provider(
        key="bitbucket",
        title="Bitbucket Pipelines",
        detect=("BITBUCKET_BUILD_NUMBER",),
        handover=Handover(outputs=Outputs.DOTENV),
        outputs="BITBUCKET_PIPELINES_VARIABLES_PATH",
        commit=("BITBUCKET_COMMIT",),
        branch=("BITBUCKET_BRANCH",),
        tag=("BITBUCKET_TAG",),
        pull_request=("BITBUCKET_PR_ID",),
        repository=("BITBUCKET_REPO_FULL_NAME",),
        workflow=("BITBUCKET_REPO_FULL_NAME",),
        run_id=("BITBUCKET_PIPELINE_UUID",),
        run_number=("BITBUCKET_BUILD_NUMBER",),
        attempt=("BITBUCKET_STEP_RUN_NUMBER",),
        run_url=(built("{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}"),),
        workspace=("BITBUCKET_CLONE_DIR",),
        step=("BITBUCKET_STEP_UUID",),  # parallel steps are different ones
        secrets=(event_facts.said(event_facts.ON_BITBUCKET),),
    ),
    Provider(
        key="circleci",
        title="CircleCI",
        detect=("CIRCLECI",),
        handover=Handover(outputs=Outputs.EXPORTS),
        outputs="BASH_ENV",
        commit=("CIRCLE_SHA1",),
        branch=("CIRCLE_BRANCH",),
        tag=("CIRCLE_TAG",),
        # Of several pull requests of one branch CIRCLE_PULL_REQUEST is any.
        pull_request=(
            "CIRCLE_PR_NUMBER",
            only(found("CIRCLE_PULL_REQUEST", r"/(\d+)$"), "CIRCLE_PULL_REQUESTS", r"^[^,]*$"),
        ),
        fork_branch=("CIRCLE_PR_NUMBER",),
        repository=(built("{CIRCLE_PROJECT_USERNAME}/{CIRCLE_PROJECT_REPONAME}"),),
        workflow=("CIRCLE_PROJECT_REPONAME",),
        job=("CIRCLE_JOB",),
        # A rerun from failed jobs is another workflow in the workspace of the first (O).
        run_id=("CIRCLE_WORKFLOW_WORKSPACE_ID", "CIRCLE_WORKFLOW_ID"),
        run_number=("CIRCLE_BUILD_NUM",),
        actor=("CIRCLE_USERNAME",),
        run_url=("CIRCLE_BUILD_URL",),
        job_group=("CIRCLE_JOB",),
        shards=("CIRCLE_NODE_TOTAL",),
        outsider=(event_facts.named("CIRCLE_PR_USERNAME", "CIRCLE_PR_REPONAME"),),
        secrets=(event_facts.said(event_facts.ON_CIRCLECI),),
    ),
    Provider(
        key="buildkite",
        title="Buildkite",
        detect=("BUILDKITE",),
        syntax=Syntax(groups=LogGroups.BUILDKITE),
        commit=("BUILDKITE_COMMIT",),
        branch=(unless("BUILDKITE_TAG", "BUILDKITE_BRANCH"),),
        tag=("BUILDKITE_TAG",),
        pull_request=("BUILDKITE_PULL_REQUEST",),
        repository=(repository("BUILDKITE_REPO"),),
        workflow=("BUILDKITE_PIPELINE_NAME", "BUILDKITE_PIPELINE_SLUG"),
        job=("BUILDKITE_LABEL",),
        run_id=("BUILDKITE_BUILD_ID",),
        run_number=("BUILDKITE_BUILD_NUMBER",),
        attempt=(counted_from_zero("BUILDKITE_RETRY_COUNT"),),
        actor=("BUILDKITE_BUILD_CREATOR",),
        run_url=("BUILDKITE_BUILD_URL",),
        workspace=("BUILDKITE_BUILD_CHECKOUT_PATH",),
        job_group=("BUILDKITE_STEP_KEY", "BUILDKITE_STEP_ID"),
        shards=("BUILDKITE_PARALLEL_JOB_COUNT",),
        outsider=(event_facts.other("BUILDKITE_PULL_REQUEST_REPO", "BUILDKITE_REPO"),),
        secrets=(event_facts.said(event_facts.ON_BUILDKITE),),
    ),
    Provider(
        key="travis",
        title="Travis CI",
        detect=("TRAVIS",),
        commit=("TRAVIS_PULL_REQUEST_SHA", "TRAVIS_COMMIT"),
        # Of a tag build TRAVIS_BRANCH is the tag again.
        branch=("TRAVIS_PULL_REQUEST_BRANCH", unless("TRAVIS_TAG", "TRAVIS_BRANCH")),
        tag=("TRAVIS_TAG",),
        pull_request=("TRAVIS_PULL_REQUEST",),
        repository=("TRAVIS_REPO_SLUG",),
        workflow=("TRAVIS_REPO_SLUG",),
        job=("TRAVIS_JOB_NAME",),
        run_id=("TRAVIS_BUILD_ID",),
        step=("TRAVIS_JOB_NUMBER",),
        run_number=("TRAVIS_BUILD_NUMBER",),
        run_url=("TRAVIS_BUILD_WEB_URL",),
        workspace=("TRAVIS_BUILD_DIR",),
        outsider=(event_facts.other("TRAVIS_PULL_REQUEST_SLUG", "TRAVIS_REPO_SLUG"),),
        secrets=(event_facts.said(event_facts.ON_TRAVIS, ("TRAVIS_SECURE_ENV_VARS", "false")),),
    ),
    Provider(
        key="woodpecker",
        title="Woodpecker CI",
        detect=("CI=woodpecker",),
        commit=("CI_COMMIT_SHA",),
        tag=("CI_COMMIT_TAG",),
        branch=("CI_COMMIT_SOURCE_BRANCH", unless("CI_COMMIT_TAG", "CI_COMMIT_BRANCH")),
        step=("CI_WORKFLOW_NUMBER",),
        pull_request=("CI_COMMIT_PULL_REQUEST",),
        repository=("CI_REPO",),
        workflow=("CI_WORKFLOW_NAME", "CI_REPO"),
        job=("CI_STEP_NAME",),
        run_id=("CI_PIPELINE_NUMBER",),
        numbered=True,
        run_number=("CI_PIPELINE_NUMBER",),
        actor=("CI_COMMIT_AUTHOR",),
        run_url=("CI_PIPELINE_URL",),
        workspace=("CI_WORKSPACE",),
        secrets=(event_facts.said(event_facts.ON_WOODPECKER),),
    ),
    Provider(
        key="drone",
        title="Drone",
        detect=("DRONE",),
        commit=("DRONE_COMMIT_SHA",),
        branch=("DRONE_SOURCE_BRANCH", "DRONE_BRANCH"),
        tag=("DRONE_TAG",),
        pull_request=("DRONE_PULL_REQUEST",),
        repository=("DRONE_REPO",),
        workflow=("DRONE_REPO",),
        job=(joined("DRONE_STAGE_NAME", "DRONE_STEP_NAME"), "DRONE_STEP_NAME"),
        step=("DRONE_STAGE_NUMBER",),
        run_id=("DRONE_BUILD_NUMBER",),
        numbered=True,
        run_number=("DRONE_BUILD_NUMBER",),
        actor=("DRONE_COMMIT_AUTHOR",),
        run_url=("DRONE_BUILD_LINK",),
        workspace=("DRONE_WORKSPACE",),
        pull_request_title=("DRONE_PULL_REQUEST_TITLE",),
        secrets=(event_facts.said(event_facts.ON_DRONE),),
    ),
    Provider(
        key="teamcity",
        title="TeamCity",
        detect=("TEAMCITY_VERSION",),
        syntax=Syntax(groups=LogGroups.TEAMCITY),
        handover=Handover(outputs=Outputs.TEAMCITY, summary=Summaries.TEAMCITY),
        commit=("BUILD_VCS_NUMBER",),
        branch=(branch("BUILD_VCS_BRANCH"), branch("TEAMCITY_BUILD_BRANCH")),  # (O) where the build passes them on
        workflow=("TEAMCITY_BUILDCONF_NAME", "TEAMCITY_PROJECT_NAME"),
        repository=("TEAMCITY_PROJECT_NAME",),
        # The id of a build is in its address alone, unless the build passes it on.
        run_id=("TEAMCITY_BUILD_ID", found("BUILD_URL", r"(?:[?&]buildId=|/)(\d+)/?(?:[?&#]|$)")),
        run_number=("BUILD_NUMBER",),
        run_url=("BUILD_URL",),
        secrets=(event_facts.said(event_facts.ON_TEAMCITY),),
    ),
    Provider(
        key="bamboo",
        title="Bamboo",
        detect=("bamboo_planKey", "bamboo_buildResultKey"),
        commit=("bamboo_planRepository_revision", "bamboo_repository_revision_number"),
        branch=(
            "bamboo_repository_pr_sourceBranch",
            "bamboo_planRepository_branchName",
            "bamboo_planRepository_branch",
        ),
        pull_request=("bamboo_repository_pr_key",),
        repository=(repository("bamboo_planRepository_repositoryUrl"),),
        workflow=("bamboo_planKey",),
        job=("bamboo_shortJobKey", "bamboo_shortJobName"),
        # Failed jobs run again under the same number.
        run_id=(built("{bamboo_planKey}-{bamboo_buildNumber}"),),
        numbered=True,
        run_number=("bamboo_buildNumber",),
        run_url=("bamboo_resultsUrl", "bamboo_buildResultsUrl"),
        workspace=("bamboo_build_working_directory",),
        secrets=(event_facts.said(event_facts.ON_BAMBOO),),
    ),
    Provider(
        key="semaphore",
        title="Semaphore",
        detect=("SEMAPHORE",),
        commit=("SEMAPHORE_GIT_PR_SHA", "SEMAPHORE_GIT_SHA"),
        branch=("SEMAPHORE_GIT_PR_BRANCH", unless("SEMAPHORE_GIT_TAG_NAME", "SEMAPHORE_GIT_WORKING_BRANCH")),
        tag=("SEMAPHORE_GIT_TAG_NAME",),
        pull_request=("SEMAPHORE_GIT_PR_NUMBER",),
        pull_request_title=("SEMAPHORE_GIT_PR_NAME",),
        repository=("SEMAPHORE_GIT_REPO_SLUG",),
        workflow=("SEMAPHORE_PROJECT_NAME",),
        job=(joined("SEMAPHORE_BLOCK_NAME", "SEMAPHORE_JOB_NAME"), "SEMAPHORE_JOB_NAME"),
        job_group=(found(joined("SEMAPHORE_BLOCK_NAME", "SEMAPHORE_JOB_NAME"), r"^(.*?)(?: - \d+/\d+)?$"),),
        shards=("SEMAPHORE_JOB_COUNT",),
        run_id=("SEMAPHORE_WORKFLOW_ID",),
        run_number=("SEMAPHORE_WORKFLOW_NUMBER",),
        actor=("SEMAPHORE_WORKFLOW_TRIGGERED_BY",),
        run_url=(built("{SEMAPHORE_ORGANIZATION_URL}/workflows/{SEMAPHORE_WORKFLOW_ID}"),),
        outsider=(event_facts.other("SEMAPHORE_GIT_PR_SLUG", "SEMAPHORE_GIT_REPO_SLUG"),),
        secrets=(event_facts.said(event_facts.ON_SEMAPHORE),),
    ),
    Provider(
        key="gocd",
        title="GoCD",
        detect=("GO_PIPELINE_COUNTER", "GO_PIPELINE_LABEL"),
        commit=("GO_REVISION",),
        workflow=("GO_PIPELINE_NAME",),
        job=(joined("GO_STAGE_NAME", "GO_JOB_NAME"),),
        # Instances of one job are tests-runInstance-1, -2 and so on; jobs of other stages may have the same name.
        job_group=(found(joined("GO_STAGE_NAME", "GO_JOB_NAME"), r"^(.*?)(?:-runInstance-\d+)?$"),),
        shards=("GO_JOB_RUN_COUNT",),
        run_id=(joined("GO_PIPELINE_NAME", "GO_PIPELINE_COUNTER"),),
        numbered=True,
        run_number=("GO_PIPELINE_COUNTER",),
        attempt=("GO_STAGE_COUNTER",),
        actor=("GO_TRIGGER_USER",),
        secrets=(event_facts.said(event_facts.ON_GOCD),),
        run_url=(
            built(
                "{GO_SERVER_URL}/tab/build/detail/{GO_PIPELINE_NAME}/{GO_PIPELINE_COUNTER}/{GO_STAGE_NAME}/"
                "{GO_STAGE_COUNTER}/{GO_JOB_NAME}"
            ),
        ),
    ),
    # Late, because agents of other systems inherit these where they run beside Jenkins.
    Provider(
        key="jenkins",
        title="Jenkins",
        withholds=False,
        detect=("JENKINS_URL", "JENKINS_HOME"),
        commit=("GIT_COMMIT",),
        # In a multibranch job BRANCH_NAME of a pull request is PR-12, and of a tag the tag.
        branch=("CHANGE_BRANCH", unless("TAG_NAME", "BRANCH_NAME"), remote("GIT_BRANCH")),
        tag=("TAG_NAME",),
        pull_request=("CHANGE_ID",),
        repository=(repository("GIT_URL"),),
        workflow=("JOB_NAME",),
        job=("STAGE_NAME",),
        server=("HUDSON_SERVER_COOKIE",),  # there without an address of Jenkins, too
        run_id=("BUILD_TAG", "BUILD_ID"),
        numbered=True,
        run_number=("BUILD_NUMBER",),
        actor=("BUILD_USER_ID", "CHANGE_AUTHOR"),
        run_url=("BUILD_URL",),
        workspace=("WORKSPACE",),
        temp=("WORKSPACE_TMP",),
        pull_request_title=("CHANGE_TITLE",),
        outsider=(event_facts.named("CHANGE_FORK"),),
        secrets=(event_facts.said(event_facts.ON_JENKINS),),
    ),
    # Late, because it hosts the runners of others.
    Provider(
        key="codebuild",
        title="AWS CodeBuild",
        detect=("CODEBUILD_BUILD_ID",),
        commit=("CODEBUILD_RESOLVED_SOURCE_VERSION",),
        branch=(branch("CODEBUILD_WEBHOOK_HEAD_REF"), found("CODEBUILD_WEBHOOK_TRIGGER", r"^branch/(.+)$")),
        tag=(found("CODEBUILD_WEBHOOK_TRIGGER", r"^tag/(.+)$"),),
        pull_request=(
            found("CODEBUILD_WEBHOOK_TRIGGER", r"^pr/(\d+)$"),
            found("CODEBUILD_SOURCE_VERSION", r"^pr/(\d+)$"),
        ),
        repository=(repository("CODEBUILD_SOURCE_REPO_URL"),),
        workflow=(found("CODEBUILD_BUILD_ID", r"^([^:]+):"),),
        job=("CODEBUILD_BATCH_BUILD_IDENTIFIER",),
        run_id=("CODEBUILD_BUILD_ARN", "CODEBUILD_BUILD_ID"),
        run_number=("CODEBUILD_BUILD_NUMBER",),
        actor=("CODEBUILD_INITIATOR",),
        run_url=("CODEBUILD_PUBLIC_BUILD_URL", "CODEBUILD_BUILD_URL"),
        workspace=("CODEBUILD_SRC_DIR",),
        secrets=(event_facts.said(event_facts.ON_CODEBUILD),),
    ),
    Provider(
        key="other",
        title="another CI system",
        detect=("CI", "BUILD_NUMBER"),
        commit=("GIT_COMMIT", "COMMIT_SHA"),
        branch=(remote("GIT_BRANCH"), "BRANCH_NAME"),
        workflow=("JOB_NAME",),
        # A number alone may be another pipeline's.
        run_id=("BUILD_URL",),
        numbered=True,
        run_number=("BUILD_NUMBER",),
        run_url=("BUILD_URL",),
    ),
)
LOCAL: Final = Provider(key="local", title="no CI system", detect=())
