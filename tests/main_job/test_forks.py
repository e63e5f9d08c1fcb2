"""Runs of strangers' pull requests: no secrets, no failure, nothing sent; and what follows them with the secrets."""

import json
from pathlib import Path

import pytest
from job_runs import case, keyed, suite

EXAMPLES = {
    each["case"]: each
    for each in json.loads((Path(__file__).resolve().parents[1] / "data" / "ci" / "github.json").read_text("utf-8"))
}
FORK, OURS, BOT = (
    "pull request of a fork",
    "pull request of the repository itself, which is a fork of another one",
    "pull request of Dependabot",
)
AFTER = "after a run of a fork, whose branch is called like ours"
NOTHING = dict.fromkeys(("client_id", "client_secret"))


@pytest.fixture
def github(inside, tmp_path):
    """Run inside of an example of GitHub: `github(FORK, "import")`, with changes as `inside` takes them."""
    files = {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }

    def start(example, *args, **changes):
        for name in ("output", "summary"):
            (tmp_path / name).write_text("")
        (tmp_path / "event.json").write_text(json.dumps(EXAMPLES[example]["event"]))
        return inside(*args, **{"reports": "*.xml", **EXAMPLES[example]["env"], **files, **changes})

    return start


@pytest.fixture
def told(tmp_path):
    """Return the outputs of the step as a later one reads them."""

    def read():
        lines = iter((tmp_path / "output").read_text().splitlines())
        return {line.partition("<<")[0]: next(lines) for line in lines if "<<" in line}

    return read


@pytest.mark.parametrize("example", [FORK, BOT, "push of Dependabot", "pull request of a fork that is gone"])
def test_a_run_without_secrets_is_green_and_says_why(example, github, told, reports, emulator, tmp_path):
    """Reports are counted, the outputs are written, nothing is asked of Xray, and the page says what to do."""
    result = github(example, "import", **NOTHING)

    assert result.code == 0, result.text
    assert emulator.requests() == []
    outputs = told()
    assert tuple(outputs[name] for name in ("outcome", "tests", "failed", "test-execution-key")) == (
        "skipped",
        "5",
        "1",
        "",
    )
    who = EXAMPLES[example]["facts"]["outsider"]
    assert f"This run is for {who}, and GitHub Actions gives such runs no secrets: nothing was sent." in result.out
    assert "::notice title=Not imported into Xray::" in result.out
    assert "docs/recipes/github.md" in result.out
    page = (tmp_path / "summary").read_text()
    assert "## ⏭️ Not imported&#58; " in page
    assert "workflow&#95;run" in page
    assert "missing-setting" not in result.text


def test_a_missing_secret_makes_no_fork(github, reports):
    """The same run of the repository itself fails, and so does one whose event nobody can read."""
    ours = github(OURS, "import", **NOTHING)
    unknown = github(FORK, "import", GITHUB_EVENT_PATH="/nowhere", **NOTHING)
    target = github("pull request of a fork, with the rights of the repository", "import", **NOTHING)

    assert [ours.code, unknown.code, target.code] == [2, 2, 2]
    assert "There are no credentials" in ours.text
    assert "reusable workflow" in ours.text


def test_a_fork_with_secrets_is_imported(github, reports, emulator):
    """Where somebody gives a fork secrets, for example in a private repository, it is a run like any other."""
    result = github(FORK, "import")

    assert result.code == 0, result.text
    (execution,) = emulator.executions()
    assert EXAMPLES[FORK]["facts"]["commit"] == execution["execution"]["revision"]


@pytest.mark.parametrize("example", [FORK, AFTER, "pull request of a fork, with the rights of the repository"])
def test_a_report_of_a_fork_does_not_say_where_it_goes(example, github, workspace, emulator):
    """Also with secrets: what a stranger's pull request writes leads into no Test Execution of ours."""
    own = {"testExecutionKey": "SHOP-40", "tests": [{"testKey": "SHOP-3", "status": "PASSED"}]}
    (workspace / "x.json").write_text(json.dumps(own))
    before = emulator.state()["issues"]["SHOP-40"]

    result = github(example, "import", reports="x.json")

    assert result.code == 0, result.text
    assert "so settings decide that alone" in result.text
    assert len(emulator.executions()) == 1
    assert before == emulator.state()["issues"]["SHOP-40"]


@pytest.mark.parametrize(
    ("content", "changes", "code", "outcome"),
    [
        ("<testsuite><testcase", {}, 4, "failed"),
        (None, {"reports": "none/*.xml"}, 3, "failed"),
        (None, {"reports": "none/*.xml", "if_no_reports": "ignore"}, 0, "skipped"),
        (None, {"fail_on": "test-failures"}, 1, "skipped"),
        (None, {"strategy": "native", "format": "junit"}, 0, "skipped"),
    ],
)
def test_reports_of_a_fork_are_checked_like_any(content, changes, code, outcome, github, told, reports):
    """A report that is missing or broken is an error of a fork, too, and tests fail the job where that is asked for."""
    if content is not None:
        (reports / "d.xml").write_text(content)
    result = github(FORK, "import", **changes, **NOTHING)
    assert (code, outcome) == (result.code, told()["outcome"]), result.text


@pytest.mark.parametrize("command", ["plan", "resume", "snapshots"])
def test_no_command_wants_secrets_of_a_fork(command, github, told, reports, emulator):
    """Every command that would need one is green and does nothing."""
    changes = {"reports": None} if command != "plan" else {}
    result = github(FORK, command, snapshot_page_ids="131073", **changes, **NOTHING)

    assert (result.code, told()["outcome"]) == (0, "skipped"), result.text
    assert emulator.requests() == []


def test_the_document_of_a_plan_is_there_for_a_fork_too(github, reports):
    """Whole, with nothing in it."""
    result = github(FORK, "plan", "--json", **NOTHING)
    assert (result.code, json.loads(result.out)) == (0, {"tests": [], "requests": [], "problems": []}), result.text


def test_a_merge_request_of_a_fork(inside, reports, emulator):
    """On GitLab, which has neither annotations nor a page, the log says it."""
    env = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9",
        "CI_MERGE_REQUEST_PROJECT_ID": "5",
        "CI_COMMIT_REF_PROTECTED": "false",
    }
    result = inside("import", reports="*.xml", **env, **NOTHING)

    assert result.code == 0, result.text
    assert "This run is for the fork 9, and GitLab CI gave it no secrets" in result.out
    assert emulator.requests() == []


def test_a_pull_request_is_imported_with_the_commit_of_its_branch(github, reports, emulator):
    """The revision is the commit that people know, not the merge that GitHub made for the run."""
    result = github(OURS, "import", summary="#{pull_request} {short_commit}")

    assert result.code == 0, result.text
    (execution,) = emulator.executions()
    assert EXAMPLES[OURS]["facts"]["commit"] == execution["execution"]["revision"]
    assert execution["summary"] == "#31 89abcdef"


def test_the_run_after_a_fork_imports_as_the_first_one(github, reports, emulator, tmp_path):
    """Commit, branch, name and number are those of the run that made the reports, and so is the page's link."""
    result = github(AFTER, "import")

    assert result.code == 0, result.text
    (execution,) = emulator.executions()
    assert execution["summary"] == "tests #3 on octocat:main"
    assert EXAMPLES[AFTER]["facts"]["commit"] == execution["execution"]["revision"]
    assert "[tests &#35;3](<https://git.example.com/shop/web/actions/runs/77>)" in (tmp_path / "summary").read_text()


def test_either_run_again_finds_the_same_test_execution(github, reports, emulator):
    """The import run again, and the tests run again, update what the first import made; tests of another run do not."""
    first = github(AFTER, "import")
    again = github(AFTER, "import", GITHUB_RUN_ATTEMPT="2")
    EXAMPLES[AFTER]["event"]["workflow_run"]["run_attempt"] = 2
    tests_again = github(AFTER, "import", GITHUB_RUN_ID="104")
    EXAMPLES[AFTER]["event"]["workflow_run"]["run_attempt"] = 1
    EXAMPLES[AFTER]["event"]["workflow_run"]["id"] = 78
    other = github(AFTER, "import")
    EXAMPLES[AFTER]["event"]["workflow_run"]["id"] = 77

    assert [first.code, again.code, tests_again.code, other.code] == [0, 0, 0, 0], tests_again.text
    assert len(emulator.executions()) == 2


def test_failed_tests_are_annotated_where_they_failed(github, workspace):
    """Key, name, message, file and line of the repository stand at the code.

    Ten of them at most, those with a place first.
    """
    (workspace / "tests").mkdir()
    (workspace / "tests" / "test_cart.py").write_text("")
    trace = '<failure message="assert 1 == 2">x\n\ntests/test_cart.py:12: AssertionError</failure>'
    nowhere = '<failure message="a%0A::error::b">at x(/usr/lib/x.py:1:1)</failure>'
    (workspace / "a.xml").write_text(
        suite("a", *(case(f"n{number}", nowhere) for number in range(12)), keyed("removes: all,", "SHOP-3", trace))
    )

    result = github(OURS, "import")

    notes = [line for line in result.out.splitlines() if line.startswith("::error")]
    assert len(notes) == 10, result.text
    assert (
        notes[0] == "::error file=tests/test_cart.py,line=12,title=SHOP-3%3A shop.Cart.removes%3A all%2C::assert 1 == 2"
    )
    assert notes[1] == "::error title=SHOP-42%3A shop.Cart.n0::a%250A::error::b"
    assert result.code == 0, result.text


def test_keys_of_rules_and_patterns_are_told(github, workspace, tmp_path):
    """What names the Test, a rule or the pattern, is what the annotation and the page name; else what was made."""
    (workspace / "a.xml").write_text(
        suite(
            "a",
            case("SHOP_3 removes", "<failure/>"),
            case("shop pays SHOP-4", "<failure/>"),
            case("else", "<failure/>"),
        )
    )
    rules = "rules:\n- when: {name: '^SHOP_3 '}\n  key: SHOP-3\n"
    result = github(OURS, "import", key_pattern=r"SHOP-\d+", mapping=rules)

    assert result.code == 0, result.text
    titles = [
        line.partition("title=")[2].partition("::")[0] for line in result.out.splitlines() if line.startswith("::error")
    ]
    assert titles == [
        "SHOP-3%3A shop.Cart.SHOP_3 removes",
        "SHOP-4%3A shop.Cart.shop pays SHOP-4",
        "SHOP-42%3A shop.Cart.else",
    ]
    assert "[SHOP-3](<" in (tmp_path / "summary").read_text() or "SHOP-3 <code>" in (tmp_path / "summary").read_text()


def test_no_annotations_where_nobody_wants_them(github, reports):
    """`annotations: false` keeps failed tests out of the annotations, too."""
    assert "::error" not in github(OURS, "import", annotations="false").out


def test_places_of_all_languages_in_a_workspace(github, workspace):
    """A file of a package, of a module, of another machine's checkout is found below the workspace.

    Another one is not.
    """
    places = (
        "web/src/test/java/com/shop/CartTest.java",
        "web/pkg/cart_test.go",
        "src/cart.ts",
        "web/node_modules/x/y.js",
    )
    for place in places:
        (workspace / place).parent.mkdir(parents=True, exist_ok=True)
        (workspace / place).write_text("")
    traces = (
        "at com.shop.CartTest.removes(CartTest.java:42)",
        "pkg/cart_test.go:7: boom",
        "at f (/builds/other/shop/src/cart.ts:3:1)",
        "at g (node_modules/x/y.js:1:1)",
        "at h (/etc/cart.ts:1:1)",
    )
    (workspace / "web" / "build").mkdir()
    (workspace / "web" / "build" / "a.xml").write_text(
        suite("a", *(case(f"c{number}", f"<failure>{trace}</failure>") for number, trace in enumerate(traces)))
    )

    result = github(OURS, "import", reports="**/*.xml")

    found = [
        line.partition("::error ")[2].partition(",title")[0]
        for line in result.out.splitlines()
        if line.startswith("::error file")
    ]
    assert found == [
        "file=web/src/test/java/com/shop/CartTest.java,line=42",
        "file=web/pkg/cart_test.go,line=7",
        "file=src/cart.ts,line=3",
    ], result.text


@pytest.mark.parametrize("words", ["features import a", "tests import a.json", "results export", "backup --output b"])
def test_what_is_no_import_does_nothing_either(words, github, emulator):
    """It says why, and is green: there are no secrets to ask with."""
    result = github(FORK, *words.split(), **NOTHING)

    assert (result.code, emulator.requests()) == (0, []), result.text
    assert "was given no secrets: nothing is asked" in result.out
