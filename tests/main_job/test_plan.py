"""`plan`: what it announces is what `import` then does, and it asks without writing anything; on both products."""

import json
from types import SimpleNamespace

import pytest
from job_runs import AGAIN, GITHUB, case, keyed, suite

from xray_ci.site import tests as site_tests

KNOWN = case("adds_item", classname="shop.cart.CartTest")
RULES = """\
mapping:
  tests: {shop.Cart.sorts: SHOP-7}
  rules:
    - {when: {name: '^TC(?P<number>[0-9]+) '}, key: 'SHOP-{number}'}
    - {when: {name: '^old '}, skip: true}
    - {when: {name: '^moved'}, definition: 'shop.cart.CartTest.removes_item'}
    - {when: {name: '^on linux'}, environment: linux}
"""
FEATURE = [
    {
        "name": "Cart",
        "keyword": "Feature",
        "id": "cart",
        "uri": "cart.feature",
        "elements": [
            {
                "type": "scenario",
                "keyword": "Scenario",
                "id": f"cart;{key}",
                "name": key,
                "tags": [{"name": f"@{key}"}],
                "steps": [{"keyword": "Given ", "name": "a cart", "result": {"status": "passed", "duration": 1}}],
            }
            for key in ("SHOP-4", "SHOP-8")
        ],
    }
]
SHARE = {"execution_scope": "run", **GITHUB}
BOTH = {"a.xml": suite("a", case("one"), case("two")), "b.xml": suite("b", case("two"), KNOWN)}
SCENES = {
    "definitions": ({"a.xml": suite("a", case("one"), case("two"), KNOWN)}, {}),
    "keys": ({"a.xml": suite("a", keyed("x", "SHOP-3"), keyed("y", "SHOP-7"))}, {}),
    "keys and definitions": ({"a.xml": suite("a", keyed("x", "SHOP-7"), KNOWN, case("one"))}, {}),
    "two keys": ({"a.xml": suite("a", keyed("x", "SHOP-3,SHOP-7"), case("one"))}, {}),
    "mapping": (
        {
            "a.xml": suite("a", case("sorts"), case("TC3 pays"), case("old one"), case("moved"), case("on linux")),
            ".xray-ci.yml": RULES,
        },
        {},
    ),
    "key pattern": ({"a.xml": suite("a", case("SHOP-3 pays"), case("one"))}, {"key_pattern": "SHOP-[0-9]+"}),
    "repeats": ({"a.xml": suite("a", case("one"), case("one", "<failure/>"), case("two"))}, {}),
    "several reports": (BOTH, {}),
    "per report": (BOTH, {"executions": "per-report"}),
    "per environment": (
        {
            "a.json": {
                "tests": [
                    {"testInfo": {"projectKey": "SHOP", "summary": name, "type": "Generic", "definition": name}}
                    | {"status": "PASSED"}
                    for name in ("one", "two")
                ]
            },
            "b.xml": suite("a", case("on linux"), case("plain")),
            ".xray-ci.yml": RULES,
        },
        {"executions": "per-environment", "reports": "*.xml\n*.json"},
    ),
    "batches": ({"a.xml": suite("a", *(case(f"t{number}") for number in range(5)))}, {"batch_tests": "2"}),
    "test execution": ({"a.xml": suite("a", KNOWN, case("one"))}, {"test_execution": "SHOP-40"}),
    "fields written": (
        {"a.xml": suite("a", case("one"))},
        {"test_execution": "SHOP-40", "labels": "nightly", "batch_tests": "1"},
    ),
    "labels": ({"a.xml": suite("a", case("one"), case("two"))}, {"labels": "nightly", "batch_tests": "1"}),
    "test plan": (
        {"a.xml": suite("a", keyed("x", "SHOP-3"), case("one"))},
        {"test_plan": "SHOP-2", "test_environments": "chrome", "fix_version": "1.0"},
    ),
    "environments made": (
        {"a.xml": suite("a", case("one"))},
        {"create_missing": "environments", "test_environments": "chrome;opera"},
    ),
    "only what is in the plan": (
        {"a.xml": suite("a", keyed("x", "SHOP-3"), keyed("y", "SHOP-7"), case("one"))},
        {"test_plan": "SHOP-2", "only_in_plan": "true"},
    ),
    "shared by runs": ({"a.xml": suite("a", case("one"), KNOWN)}, SHARE),
    "shared by runs, labelled": ({"a.xml": suite("a", case("one"), KNOWN)}, {**SHARE, "labels": "nightly"}),
    "skipped without key": ({"a.xml": suite("a", keyed("x", "SHOP-3"), case("one"))}, {"unmapped": "skip"}),
    "as many as allowed": ({"a.xml": suite("a", case("one"), case("two"), KNOWN)}, {"max_new_tests": "2"}),
    "more than allowed": ({"a.xml": suite("a", case("one"), case("two"), KNOWN)}, {"max_new_tests": "1"}),
    "manual": ({"a.xml": suite("a", case("one"), case("Check out as a guest"))}, {"test_type": "Manual"}),
    "native": (BOTH, {"strategy": "native"}),
    "native per report": (BOTH, {"strategy": "native", "executions": "per-report"}),
    "native into an execution": (
        {"a.xml": suite("a", KNOWN, case("one"))},
        {"strategy": "native", "test_execution": "SHOP-40"},
    ),
    "native cucumber": ({"c.json": FEATURE}, {"reports": "*.json"}),
    "said by a report": (
        {"x.json": {"testExecutionKey": "SHOP-40", "tests": [{"testKey": "SHOP-3", "status": "PASS"}]}},
        {"reports": "*.json"},
    ),
    "project of the Tests": ({"a.xml": suite("a", keyed("x", "SHOP-3"))}, {"project": None}),
}
"""Reports, and settings, of one import each."""
NOT_ALONE = {
    "test execution",
    "fields written",
    "shared by runs",
    "shared by runs, labelled",
    "native into an execution",
}
"""Others may fill their Test Execution, too: nobody can tell who made a Test."""
APART = {"per report", "native per report", "per environment"}
"""A Test of two Test Executions may have been made by the import into the other one."""


@pytest.fixture
def planned(inside, workspace, side, emulator):
    """Run `plan --json` with reports and settings; return its code, its document, and what it printed."""

    def run(files, *args, **settings):
        for name, content in files.items():
            (workspace / name).write_text(content if isinstance(content, str) else json.dumps(content))
        result = inside("plan", "--json", *args, on=side, **{"reports": "*.xml", **settings})
        document = json.loads(result.out)
        assert {"tests", "requests", "problems"} == set(document)
        return SimpleNamespace(code=result.code, text=result.text, **document)

    return run


def definitions(emulator):
    """Return what the Tests that were made are found by."""
    return sorted(each["test"]["definition"] or each["summary"] for each in emulator.created_tests())


def made(emulator, before):
    """Return what an import did: imports, and Test Executions that it added to."""
    calls = [
        (each["path"].partition("/import/")[2], each["size"] if not each["parts"] else None)
        for each in emulator.imports()
    ]
    after = emulator.state()["issues"]
    added = {
        key
        for key, issue in after.items()
        if issue["execution"] and key in before and issue["execution"]["imports"] > before[key]["execution"]["imports"]
    }
    return calls, added, [key for key in after if after[key]["execution"] and key not in before]


def compared(planned, emulator, inside, side, reports, settings):
    """Plan, import, and compare all that was announced with all that was done."""
    before, seen = emulator.state(), len(emulator.requests())
    tests = len(emulator.created_tests())
    plan = planned(reports, **settings)
    asked = emulator.requests()[seen:]
    assert {"authenticate", "read", "lookup"} >= {each["kind"] for each in asked}, asked
    assert (before["issues"], before["projects"]) == (emulator.state()["issues"], emulator.state()["projects"])

    earlier = len(emulator.imports())
    done = inside("import", on=side, **{"reports": "*.xml", "result_file": "result.json", **settings})

    assert plan.code == done.code, plan.text + done.text
    new = [each for each in plan.tests if each["new"]]
    if done.code:
        assert (emulator.imports()[earlier:], len(emulator.created_tests())) == ([], tests)
        return plan, None
    assert sorted(each["definition"] or each["name"] for each in new) == definitions(emulator)[tests:], done.text
    assert not [each for each in plan.tests if each["new"] is None]
    calls, added, created = made(emulator, before["issues"])
    announced = [each for each in plan.requests if "/import/" in each["path"]]
    assert [each["path"].partition("/import/")[2] for each in announced] == [path for path, _ in calls[earlier:]]
    assert {each["test-execution"] for each in announced} - {None} == added
    assert len([each for each in plan.requests if each["does"].startswith("create ")]) == len(created)
    for each, (_, size) in zip(announced, calls[earlier:], strict=True):
        assert size is None or abs(each["bytes"] - size) <= 10  # a key that only the answer brings
    told = json.loads((inside.folder / "result.json").read_text())["created_tests"]
    return plan, told


@pytest.mark.parametrize("name", SCENES)
def test_an_import_does_what_was_announced(name, planned, emulator, inside, side):
    """Tests that are created, Test Executions that are created or added to, requests and their sizes are the same."""
    plan, told = compared(planned, emulator, inside, side, *SCENES[name])
    assert bool(plan.code) == (name == "more than allowed")
    apart = name in APART and (side == "server" or name != "per environment")
    known = not plan.code and name not in NOT_ALONE and not apart
    assert told == (sum(bool(each["new"]) for each in plan.tests) if known else None)


@pytest.mark.parametrize("rerun", ["reuse", "new"])
@pytest.mark.parametrize("name", ["definitions", "labels", "shared by runs", "native"])
def test_so_does_another_attempt(name, rerun, planned, emulator, inside, side):
    """What an earlier attempt made is found and added to, its Tests are not new any more; or there is a new one."""
    reports, settings = SCENES[name]
    planned(reports)
    first = inside("import", on=side, **{"reports": "*.xml", **settings, **GITHUB})
    assert first.code == 0, first.text

    emulator.clock(advance=120)
    plan, told = compared(planned, emulator, inside, side, reports, {**settings, **AGAIN, "on_rerun": rerun})
    assert told == (0 if rerun == "new" and name != "shared by runs" else None)
    assert [each for each in plan.tests if each["new"]] == []
    assert any(each["test-execution"] for each in plan.requests) == (rerun == "reuse")


def test_so_does_a_step_that_is_repeated(planned, emulator, inside, side, tmp_path):
    """The mark of the first try in the runner's folder is looked at, and none is made."""
    temp = tmp_path / "temp"
    temp.mkdir()
    reports, settings = SCENES["definitions"][0], {**GITHUB, "RUNNER_TEMP": str(temp)}
    planned(reports, **settings)
    assert list(temp.iterdir()) == []
    assert inside("import", on=side, **{"reports": "*.xml", **settings}).code == 0

    plan, _ = compared(planned, emulator, inside, side, reports, settings)
    assert [each["test-execution"] for each in plan.requests] == [emulator.executions()[0]["key"]]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"project": "NOPE"}, 6, "NOPE"),
        ({"test_plan": "SHOP-999"}, 6, "SHOP-999 is not there"),
        ({"test_plan": "SHOP-9"}, 6, "SHOP-9 is"),
        ({"test_execution": "SHOP-999"}, 6, "SHOP-999 is not there"),
        ({"fix_version": "9.9"}, 6, "9.9"),
        ({"statuses": "skipped: PARKED"}, 6, "PARKED"),
        ({"client_secret": "wrong-secret-of-somebody", "jira_token": "wrong-token-of-somebody"}, 5, ""),
        ({"xray_url": "http://127.0.0.1:9", "jira_url": "http://127.0.0.1:9", "time_budget": "5"}, 7, ""),
    ],
)
def test_what_the_site_does_not_know_is_a_problem(changes, code, words, planned, emulator, side):
    """Each is named with its exit code; what is in the reports is said all the same."""
    foreign = {"cloud": ("jira_token", "jira_url"), "server": ("client_secret", "xray_url")}[side]
    own = {name: value for name, value in changes.items() if name not in foreign}

    plan = planned({"a.xml": suite("a", case("one"))}, **own)

    assert plan.code == code, plan.text
    assert [each for each in plan.problems if each["exit_code"] == code and words in each["what"]], plan.problems
    assert "wrong-" not in plan.text
    if code in (5, 6):
        assert [each["name"] for each in plan.tests] == ["one"]
    assert emulator.created_tests() + emulator.executions() == []


@pytest.mark.parametrize("wrong", ["login", "project"])
def test_where_nobody_answers_the_problem_is_what_is_read(wrong, inside, reports, tmp_path, side):
    """Neither log nor page lists Tests and requests that nobody could look up; the sources of the settings stay."""
    page = tmp_path / "summary.md"
    page.touch()
    login = {"cloud": "client_secret", "server": "jira_token"}[side]
    own = {login: "no"} if wrong == "login" else {"project": "NOPE"}

    result = inside("plan", on=side, reports="*.xml", **own, GITHUB_STEP_SUMMARY=str(page), GITHUB_ACTIONS="true")

    assert result.code in (5, 6), result.text
    before, _, after = result.out.partition("where each setting came from")
    assert "✗ " in before
    assert "Tests and requests are not listed" in after
    assert [word for word in ("found or created:", "would send", "  -  shop") if word in result.out] == []
    assert "What an import would do" not in page.read_text()


def test_a_missing_environment_is_a_problem_where_the_product_lists_them(planned, side):
    """Also one that only a rule gives; Server/Data Center makes what is missing."""
    rules = RULES.replace("environment: linux", "environment: opera")
    plan = planned({"a.xml": suite("a", case("on linux")), ".xray-ci.yml": rules})

    told = [each["what"] for each in plan.problems]
    expected = ["the project has no Test Environment opera; there are chrome, firefox, linux"]
    assert told == (expected if side == "cloud" else [])


def test_keys_of_no_test_are_named(planned, emulator):
    """Of a Story, and of nothing; the import would leave these results out."""
    plan = planned({"a.xml": suite("a", keyed("x", "SHOP-3"), keyed("y", "SHOP-5"), keyed("z", "SHOP-99"))})

    (problem,) = plan.problems
    assert (plan.code, problem["where"]) == (6, "SHOP-5\nSHOP-99")
    assert problem["what"].startswith("2 keys of reports or `mapping` are of no Test")


@pytest.mark.parametrize("executions", ["single", "per-report"])
def test_a_test_that_is_named_in_two_ways(executions, planned, inside, side):
    """By its key and by its definition: one of its results would be lost, but not in Test Executions of their own."""
    reports = {"a.xml": suite("a", keyed("x", "SHOP-3"), case("one")), "b.xml": suite("b", KNOWN)}
    plan = planned(reports, executions=executions)
    done = inside("import", on=side, reports="*.xml", executions=executions)

    assert (plan.code, done.code) == ((8, 8) if executions == "single" else (0, 0)), plan.text + done.text
    told = [each["what"] for each in plan.problems]
    assert told == (["1 Test gets results by its key and by its definition"] if plan.code else [])


NOTHING = dict.fromkeys(("client_id", "client_secret", "jira_token"))


@pytest.mark.parametrize("args", [("plan",), ("import", "--dry-run")])
def test_without_credentials_it_is_planned_offline(args, inside, reports, emulator, side):
    """It says that nobody was asked, claims nothing of what is new, makes no request, and is 0."""
    changes = {"create_missing": "environments", "test_environments": "opera", "max_new_tests": "1"}
    changes |= {"test_plan": "SHOP-2", "only_in_plan": "true"}
    result = inside(*args, on=side, reports="*.xml", **changes, **NOTHING)

    assert result.code == 0, result.text
    assert "no credentials were given, so nobody was asked" in result.out
    assert "Tests: 5 by definition, found or created" in result.out
    assert "create a Test Execution in SHOP" in result.out
    assert emulator.requests() == []


def test_half_of_the_credentials_are_a_mistake(inside, reports):
    """A secret without its id is no plan without credentials."""
    result = inside("plan", reports="*.xml", client_id=None)
    assert (result.code, "`client-id` is not set" in result.err) == (2, True), result.text


def test_a_test_id_that_nobody_was_asked_for(inside, workspace, side):
    """Offline it is told and is no fault of the report: the import can ask."""
    (workspace / "r.xml").write_text(
        suite("a", case("adds", '<properties><property name="test_id" value="10103"/></properties>'), case("b"))
    )
    result = inside("plan", on=side, reports="r.xml", **NOTHING)
    assert (result.code, "could not be resolved" in result.out) == (0, True), result.text


def test_groups_are_aligned_and_cut(inside, workspace, side):
    """Ten of each group, the rest counted; `--all` lists them, and so does the one document."""
    cases = [case(f"pays {number:02}") for number in range(13)]
    text = suite("a", KNOWN, keyed("x", "SHOP-7"), case("removes_items", classname="shop.cart.CartTest"), *cases)
    (workspace / "a.xml").write_text(text)

    some, every = (inside("plan", *more, on=side, reports="a.xml") for more in ((), ("--all",)))

    assert "Tests: 14 new, 1 by key, 1 by definition" in some.out
    like = "  -  shop.cart.CartTest.removes_items  a.xml:1  by definition; looks like SHOP-6, renamed"
    assert like in some.out.splitlines()
    assert "  -  shop.Cart.pays 00                 a.xml:1  by definition" in some.out.splitlines()
    assert "  … and 4 more: `xray-ci plan --all` lists them" in some.out
    assert "pays 12" not in some.out
    assert "pays 12" in every.out
    assert "  SHOP-7  x  a.xml:1  by the report" in some.out.splitlines()
    lines = [line.split() for line in some.out.splitlines()]
    assert ["reports", "a.xml", "XRAY_CI_REPORTS"] in lines
    secret = {"cloud": "client-secret", "server": "jira-token"}[side]
    assert [secret, "***", f"XRAY_CI_{secret.upper().replace('-', '_')}"] in lines
    assert "would send 1 request to" in some.out


def test_the_page_of_a_pull_request_tells_it(inside, reports, tmp_path, side):
    """What is new, the requests and the settings, for a reader who does not open the log."""
    page = tmp_path / "summary.md"
    page.touch()
    env = {**GITHUB, "GITHUB_STEP_SUMMARY": str(page)}
    result = inside("plan", on=side, reports="*.xml", **env)

    assert result.code == 0, result.text
    told = page.read_text()
    assert "Planned only: 5 results would be sent, 5 new Tests" in told.splitlines()[0].replace("&#58;", ":")
    assert "### What an import would do" in told
    assert "| new | 5 |" in told
    assert "create a Test Execution in SHOP 5 results" in told
    assert "<code>XRAY&#95;CI&#95;PROJECT</code>" in told


def test_a_run_that_broke_off_has_its_document(inside, workspace, side):
    """The one object is whole whatever went wrong."""
    result = inside("plan", "--json", on=side, reports="none/*.xml")

    document = json.loads(result.out)
    assert (document["tests"], document["requests"]) == ([], [])
    assert (result.code, [each["slug"] for each in document["problems"]]) == (3, ["no-reports"])


def test_more_tests_than_are_read(planned, monkeypatch, emulator, side):
    """Nobody claims that a Test is new while some were not looked at."""
    monkeypatch.setattr(site_tests.defined, "__kwdefaults__", {"most": 2})
    monkeypatch.setattr(site_tests, "READ", 2)
    plan = planned({"a.xml": suite("a", case("one"), KNOWN)})

    assert {each["name"]: each["new"] for each in plan.tests} == {"one": None, "adds_item": False}
    assert "SHOP holds more Tests than the 2 that were read" in plan.text
