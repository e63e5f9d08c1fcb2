"""Cases as Xray JSON in both dialects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from xray_ci.deployments import CLOUD, DEPLOYMENTS, SERVER, Deployment
from xray_ci.model import Attachment, Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.xray.mapping import TestTarget
from xray_ci.xray.notices import Notices
from xray_ci.xray.render import Renderer, RenderOptions
from xray_ci.xray.validate import Checker

KEYED = TestTarget(keys=("CALC-1",))
FOUND = TestTarget(project="CALC", test_type="Generic", definition="a.b", summary="b")
MANUAL = TestTarget(project="CALC", test_type="Manual", summary="b")
BOTH = pytest.mark.parametrize("deployment", [CLOUD, SERVER], ids=lambda row: row.key)


def render(
    case: Case, target: TestTarget = KEYED, deployment: Deployment = CLOUD, **given: object
) -> tuple[dict[str, object], list[str]]:
    """Render one case; return the document, which must fit its schema, and the slugs of notices."""
    notices = Notices()
    options = RenderOptions(deployment=deployment, **given)  # type: ignore[arg-type]
    document = Renderer(options, notices, lambda _: True).test(case, target)
    flaws = Checker(deployment.key, options.custom_statuses).check_document({"tests": [document]})
    assert flaws == (), flaws[0].what
    return document, [problem.slug for problem in notices.problems()]


def case(outcome: Outcome = Outcome.PASSED, **given: object) -> Case:
    return Case(name="b", outcome=outcome, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("deployment", "words"),
    [(CLOUD, ["PASSED", "FAILED", "FAILED", "TO DO", "TO DO"]), (SERVER, ["PASS", "FAIL", "FAIL", "TODO", "TODO"])],
)
def test_outcomes_become_built_in_statuses(deployment: Deployment, words: list[str]):
    """Without `statuses` only words that every site has are sent."""
    assert words == [render(case(outcome), deployment=deployment)[0]["status"] for outcome in Outcome]


def test_statuses_override_by_outcome_word():
    """The user's word of an outcome is sent; `error` and `errors` mean the same."""
    for word in ("error", "errors"):
        assert render(case(Outcome.ERROR), statuses={word: "BROKEN"})[0]["status"] == "BROKEN"


def test_a_word_of_the_other_product_named_in_statuses_is_allowed():
    """A Cloud site may really have a status named PASS."""
    assert render(case(), statuses={"passed": "PASS"})[0]["status"] == "PASS"


@pytest.mark.parametrize(
    ("deployment", "said", "sent"),
    [
        (CLOUD, "PASS", "PASSED"),
        (CLOUD, "TODO", "TO DO"),
        (CLOUD, "ABORTED", "ABORTED"),
        (CLOUD, "MY_OWN", "MY_OWN"),
        (SERVER, "FAILED", "FAIL"),
        (SERVER, "TO DO", "TODO"),
        (SERVER, "EXECUTING", "EXECUTING"),
        (SERVER, "", "PASS"),
    ],
)
def test_statuses_of_a_report_are_translated(deployment: Deployment, said: str, sent: str):
    """Built-in words of the other dialect are translated; the site's own words stay."""
    assert sent == render(case(status=said), deployment=deployment)[0]["status"]


@BOTH
def test_a_test_found_by_identity_says_what_finds_it(deployment: Deployment):
    """Project, summary, type and definition, under the names of the dialect."""
    info = {"projectKey": "CALC", "summary": "b", deployment.dialect.test_type: "Generic", "definition": "a.b"}

    assert info == render(case(), FOUND, deployment)[0]["testInfo"]


def test_descriptions_go_where_they_are_taken():
    """Server takes a description of a Test, with mentions broken; Cloud does not and says so."""
    target = TestTarget(project="C1", test_type="Generic", definition="d", summary="s", description="hi [~bob]")

    on_server, quiet = render(case(), target, SERVER)
    on_cloud, told = render(case(), target, CLOUD)

    assert on_server["testInfo"]["description"] == "hi [ ~bob]"  # type: ignore[index]
    assert "description" not in on_cloud["testInfo"]  # type: ignore[operator]
    assert (quiet, told) == ([], ["description-left-out"])


def test_naive_times_get_the_zone_and_others_keep_theirs():
    """A timestamp without offset is in `timezone`; one with an offset stays as it is."""
    start = datetime(2024, 7, 1, 12, 0, 0, 900_000)  # noqa: DTZ001
    berlin = ZoneInfo("Europe/Berlin")

    naive = render(case(started=start, seconds=0.2), timezone=berlin)[0]
    aware = render(case(started=start.replace(tzinfo=timezone(timedelta(hours=-3))), seconds=61.0), timezone=berlin)[0]

    assert (naive["start"], naive["finish"]) == ("2024-07-01T12:00:00+02:00", "2024-07-01T12:00:01+02:00")
    assert (aware["start"], aware["finish"]) == ("2024-07-01T12:00:00-03:00", "2024-07-01T12:01:01-03:00")


def test_time_passes_through_a_change_of_the_clock():
    """A finish after the clock was put back has the offset of its own moment."""
    document = render(case(started=datetime(2024, 10, 27, 2, 59, 59), seconds=2.0), timezone=ZoneInfo("Europe/Berlin"))[  # noqa: DTZ001
        0
    ]

    assert (document["start"], document["finish"]) == ("2024-10-27T02:59:59+02:00", "2024-10-27T02:00:01+01:00")


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan"), 1e300])
def test_impossible_durations_are_left_out(seconds: float):
    """A broken clock costs the finish, not the result."""
    document, notices = render(case(started=datetime(2024, 1, 1, tzinfo=UTC), seconds=seconds))

    assert "finish" not in document
    assert notices == ["time-out-of-range"]


def test_offsets_with_seconds_become_utc():
    """Zones of old have seconds in their offsets, which no schema takes."""
    assert (
        render(case(started=datetime(1890, 1, 1, 12)), timezone=ZoneInfo("Europe/Berlin"))[0]["start"]  # noqa: DTZ001
        == "1890-01-01T11:06:32+00:00"
    )


def test_custom_fields_by_name_or_id():
    """Cloud takes names and ids, Server ids only.

    Several values of one field are a list, as is one that the report lists; v1 takes none.
    """
    marks = tuple(
        Mark(kind=MarkKind.CUSTOM_FIELD, name=name, value=value, listed=name == "13")
        for name, value in (
            ("Browser", "firefox"),
            ("5ddc0e585da9670010e608dc", "x"),
            ("12", "a"),
            ("12", "b"),
            ("13", "c"),
        )
    )
    target = TestTarget(keys=("CALC-1",), run_marks=marks)

    cloud, quiet = render(case(), target, CLOUD)
    server, told = render(case(), target, SERVER)
    old, left = render(case(), target, CLOUD, api_version="v1")

    assert cloud["customFields"] == [
        {"name": "Browser", "value": "firefox"},
        {"id": "5ddc0e585da9670010e608dc", "value": "x"},
        {"name": "12", "value": ["a", "b"]},
        {"name": "13", "value": ["c"]},
    ]
    assert server["customFields"] == [{"id": "12", "value": ["a", "b"]}, {"id": "13", "value": ["c"]}]
    assert "customFields" not in old
    assert (quiet, told, left) == ([], ["custom-field-by-name"], ["custom-field-api-version"])


def test_marks_of_the_run():
    """Defects that are keys, people and the version of the Test are passed on."""
    marks = (
        Mark(kind=MarkKind.DEFECT, value="BUG-1, nonsense"),
        Mark(kind=MarkKind.EXECUTED_BY, value=" ann "),
        Mark(kind=MarkKind.ASSIGNEE, value="bob"),
        Mark(kind=MarkKind.TEST_VERSION, value="2"),
    )
    target = TestTarget(keys=("CALC-1",), run_marks=marks)

    server, told = render(case(), target, SERVER)
    _, told_cloud = render(case(), target, CLOUD)

    assert tuple(server[name] for name in ("defects", "executedBy", "assignee", "testVersion")) == (
        ["BUG-1"],
        "ann",
        "bob",
        "2",
    )
    assert told == ["bad-defect-key"]
    assert told_cloud == ["bad-defect-key", "test-version-left-out"]


STEPS = (
    Step(
        action="open",
        data="url",
        expected="page",
        status="PASS",
        outcome=Outcome.PASSED,
        comment="ok {noformat} [~bob]",
    ),
    Step(
        action="close",
        status="FAIL",
        outcome=Outcome.FAILED,
        actual="hangs",
        defects=("BUG-2", "?"),
        attachments=(Attachment(name="a.txt", base64="aGk="),),
    ),
)


@BOTH
def test_steps_of_xray_json_are_passed_on(deployment: Deployment):
    """Step results keep their order, in the words and property names of the dialect."""
    document, notices = render(case(Outcome.FAILED, steps=STEPS), deployment=deployment)
    first, second = document["steps"]  # type: ignore[misc]
    words = deployment.dialect.statuses

    assert (words[Outcome.PASSED], words[Outcome.FAILED]) == (first["status"], second["status"])
    assert "hangs" in second["actualResult"]
    assert second["defects"] == ["BUG-2"]
    assert second[deployment.dialect.step_evidence] == [
        {"data": "aGk=", "filename": "a.txt", "contentType": "text/plain"}
    ]
    assert "[~" not in first["comment"]
    assert notices == ["bad-defect-key"]


def test_steps_without_xray_statuses_go_into_the_comment_of_a_named_test():
    """Nobody knows that a Test named by key has the same steps, so a failure lists them in words."""
    steps = (Step(action="open", outcome=Outcome.PASSED), Step(action="close", outcome=Outcome.FAILED))
    document, _ = render(case(Outcome.FAILED, steps=steps))

    assert "steps" not in document
    assert document["comment"] == "step 1: passed: open\nstep 2: failed: close"


@BOTH
def test_a_step_based_test_is_created_with_the_steps_it_ran(deployment: Deployment):
    """A Manual Test found by summary gets its definition from the report, and results for each step."""
    document, _ = render(case(steps=(Step(action="x" * 9000, outcome=Outcome.PASSED),)), MANUAL, deployment)

    (step,) = document["testInfo"]["steps"]  # type: ignore[index]
    assert (8192 if deployment is CLOUD else 9000) == len(step["action"])
    assert len(document["steps"]) == 1  # type: ignore[arg-type]


@BOTH
def test_iterations_keep_what_the_dialect_takes(deployment: Deployment):
    """Server takes 20 parameters and no log; Cloud takes both; what is left out is noticed."""
    row = Iteration(
        outcome=Outcome.FAILED,
        name="1",
        parameters=tuple((f"p{n}", "v") for n in range(21)),
        log="l",
        duration="3",
        steps=(Step(status="PASS", outcome=Outcome.PASSED),),
    )
    document, notices = render(case(Outcome.FAILED, iterations=(row,), steps=STEPS[:1]), MANUAL, deployment)
    (entry,) = document["iterations"]  # type: ignore[misc]

    assert "steps" not in document
    assert (21 if deployment is CLOUD else 20) == len(entry["parameters"])
    assert (deployment is CLOUD) is ("log" in entry)
    assert (
        ["steps-left-out"] if deployment is CLOUD else ["iteration-log-left-out", "parameters-cut", "steps-left-out"]
    ) == sorted(notices)


@BOTH
def test_example_rows_use_the_words_for_examples(deployment: Deployment):
    """Example statuses are an own list; a word that is not in it is sent as not run."""
    document, notices = render(case(examples=("PASS", "FAILED", "EXECUTING", "BLOCKED")), deployment=deployment)
    words = deployment.dialect.example_words

    assert [words[Outcome.PASSED], words[Outcome.FAILED], "EXECUTING", "TODO"] == document["examples"]
    assert notices == ["example-status-unknown"]


def test_comments_by_policy():
    """Failures say why, in full, and so does what was skipped, in a line; an author's own comment stays.

    `none` sends no text.
    """
    said = TestTarget(keys=("A1-1",), run_marks=(Mark(kind=MarkKind.COMMENT, value="mine"),))
    failed = case(Outcome.FAILED, message="why")

    assert [
        render(failed, target, comments=policy)[0].get("comment")
        for target, policy in ((KEYED, "failed"), (said, "failed"), (said, "none"))
    ] == ["why", "mine\n\nwhy", None]
    skipped = case(Outcome.SKIPPED, message="not here\nmore")
    assert [
        render(skipped, target, comments=policy)[0].get("comment")
        for target, policy in ((KEYED, "failed"), (KEYED, "all"), (said, "failed"), (said, "none"))
    ] == ["not here", "not here\nmore", "mine\n\nnot here", None]


def test_every_deployment_has_a_schema():
    """A row of the deployments table cannot be without schemas."""
    for key in DEPLOYMENTS:
        assert Checker(key).valid({"testKey": "A1-1", "status": "ABORTED"})
