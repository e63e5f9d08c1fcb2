"""`tests import`: Tests of a file on both products, each made once whatever happens on the way."""

import json

import pytest

YAML = """
- summary: Pay by card
  labels: [smoke, pay]
  description: What a card needs.
  folder: /Payments
  sets: [SHOP-13]
  steps:
    - action: Open the cart
      result: It shows one item
    - action: Pay
      data: "4111"
      result: Paid
- summary: Search finds two
  scenario: |-
    Given a catalogue
    Then two are listed
- summary: totals
  definition: shop.cart.CartTest.totals
- summary: adds_item
  definition: shop.cart.CartTest.adds_item
- key: SHOP-1
  summary: Check out as a guest
"""
XRAY = [
    {
        "testtype": "Manual",
        "fields": {
            "summary": "Pay by card",
            "project": {"key": "SHOP"},
            "labels": ["smoke", "pay"],
            "description": "What a card needs.",
        },
        "xray_test_repository_folder": "/Payments",
        "xray_test_sets": ["SHOP-13"],
        "steps": [
            {"action": "Open the cart", "result": "It shows one item"},
            {"action": "Pay", "data": "4111", "result": "Paid"},
        ],
    },
    {"testtype": "Cucumber", "summary": "Search finds two", "gherkin_def": "Given a catalogue\nThen two are listed"},
    {"xray_testtype": "Generic", "summary": "totals", "unstructured_def": "shop.cart.CartTest.totals"},
]
CSV = """summary;labels;description;folder;sets;action;data;result;scenario;definition
Pay by card;smoke, pay;What a card needs.;/Payments;SHOP-13;Open the cart;;It shows one item;;
;;;;;Pay;4111;Paid;;
Search finds two;;;;;;;;"Given a catalogue
Then two are listed";
totals;;;;;;;;;shop.cart.CartTest.totals
"""
FILES = {"tests.yaml": YAML, "tests.json": json.dumps(XRAY), "tests.csv": CSV}
POSTS = {"cloud": "/api/v2/import/test/bulk", "server": "/jira/rest/api/latest/issue"}


@pytest.fixture
def bring(inside, side, emulator, workspace):
    """Write a file and import it on one product; return the result, and how many requests would make something."""

    def run(content, name="tests.json", **changes):
        (workspace / name).write_text(content if isinstance(content, str) else json.dumps(content))
        result = inside("tests", "import", name, on=side, **changes)
        assert "Traceback" not in result.text
        return result, len([each for each in emulator.requests() if POSTS[side] == each["path"]])

    return run


def summaries(emulator):
    return [each["summary"] for each in emulator.created_tests()]


@pytest.mark.parametrize("name", FILES)
def test_the_tests_of_a_file_are_made(bring, emulator, name, side):
    """Of every type, in our words and Xray's; those that are there are not, and a second time nothing is."""
    first, posts = bring(FILES[name], name)
    again, more = bring(FILES[name], name)
    manual, cucumber, generic = emulator.created_tests()

    assert (first.code, again.code) == (0, 0), first.text + again.text
    assert "3 new" in first.text
    assert "0 new" in again.text
    assert more == posts == (1 if side == "cloud" else 3)
    assert (manual["test"]["type"], cucumber["test"]["type"], generic["test"]["type"]) == (
        "Manual",
        "Cucumber",
        "Generic",
    )
    assert [{name: step[name] for name in ("action", "data", "result")} for step in manual["test"]["steps"]] == [
        {"action": "Open the cart", "data": "", "result": "It shows one item"},
        {"action": "Pay", "data": "4111", "result": "Paid"},
    ]
    assert (manual["labels"], manual["description"]) == (["smoke", "pay"], "What a card needs.")
    assert (manual["test"]["folder"], emulator.issue("SHOP-13")["test_set"]["tests"]) == ("/Payments", [manual["key"]])
    assert cucumber["test"]["scenario"] == "Given a catalogue\nThen two are listed"
    assert generic["test"]["definition"] == "shop.cart.CartTest.totals"
    assert f"{manual['key']}: Pay by card" in first.text


def test_what_was_refused_is_named_and_the_rest_is_made(bring, emulator):
    """A corrected file makes only what was missing."""
    tests = [{"summary": name, "definition": name} for name in ("a", "b", "c")]
    tests[1]["fields"] = {"fixVersions": [{"name": "9.9"}]}
    some, _ = bring(tests)
    left = summaries(emulator)
    del tests[1]["fields"]
    rest, _ = bring(tests)
    none, _ = bring([{"summary": "d", "definition": "d", "fields": {"fixVersions": [{"name": "9.9"}]}}])

    assert (some.code, rest.code, none.code) == (8, 0, 6)
    assert "tests[1], b: " in some.text
    assert "9.9" in some.text
    assert (left, summaries(emulator)) == (["a", "c"], ["a", "c", "b"])


def test_an_answer_that_is_lost_doubles_nothing(bring, emulator, side):
    """It is told, nothing is sent again, and the next run goes on where this one stopped."""
    tests = [{"summary": name, "definition": name} for name in ("a", "b", "c")]
    emulator.fault("POST", POSTS[side], drop="after", skip=0 if side == "cloud" else 1, times=1)
    lost, posts = bring(tests)
    made = summaries(emulator)
    emulator.clock(advance=60)
    again, _ = bring(tests)

    assert (lost.code, again.code) == (7, 0), lost.text + again.text
    assert "#may-have-been-done" in lost.text
    assert "results may have been imported" not in lost.text
    assert (posts, made) == ((1, ["a", "b", "c"]) if side == "cloud" else (2, ["a", "b"]))
    assert summaries(emulator) == ["a", "b", "c"]


@pytest.mark.parametrize("side", ["cloud"])
def test_a_job_whose_end_is_not_known_is_told(bring, emulator, side):
    """With its number."""
    emulator.fault("GET", "/api/v2/import/test/bulk/", status=502, times=9)
    result, posts = bring([{"summary": "a", "definition": "a"}])

    assert (result.code, posts) == (7, 1)
    assert "what became of the bulk job" in result.text


@pytest.mark.parametrize("side", ["cloud"])
def test_a_job_that_never_ends_costs_the_time_budget(bring, emulator, clock, side):
    """And no more."""
    emulator.fault(
        "GET", "/api/v2/import/test/bulk/", status=200, body='{"status": "working", "progress": []}', times=1000
    )
    result, posts = bring([{"summary": "a", "definition": "a"}], time_budget="60")

    assert (result.code, posts) == (7, 1)
    assert clock.passed <= 61


@pytest.mark.parametrize("side", ["cloud"])
def test_a_thousand_go_at_once(bring, emulator, side):
    """Which is the most that Xray takes; the next job begins when the first one ended."""
    result, posts = bring([{"summary": f"t{number}", "definition": f"t{number}"} for number in range(1_001)])

    assert (result.code, posts) == (0, 2), result.text[-2000:]
    assert "1,001 Tests made" in result.text
    assert len(emulator.created_tests()) == 1_001


@pytest.mark.parametrize("side", ["server"])
@pytest.mark.parametrize("status", [400, 401, 503])
def test_steps_that_are_missing_are_told(bring, emulator, side, status):
    """The Test is named, with how many of them it has; those after it wait for the next run."""
    emulator.fault("POST", "/jira/rest/raven/2.0/api/test/SHOP-41/steps", skip=1, status=status, body='{"error": "no"}')
    steps = [{"action": "one"}, {"action": "two"}]
    result, _ = bring([{"summary": "a", "steps": steps}, {"summary": "b", "steps": steps}])

    assert result.code == 8
    assert "SHOP-41 (tests[0]) was made with 1 of 2 steps" in result.text
    assert summaries(emulator) == ["a"]


@pytest.mark.parametrize("side", ["server"])
def test_a_test_set_that_is_not_joined_is_told(bring, emulator, side):
    """With the keys of the Tests, which are there."""
    result, _ = bring([{"summary": "a", "definition": "a", "sets": ["SHOP-99"]}])

    assert result.code == 8
    assert "add by hand SHOP-41" in result.text


def test_nothing_is_made_beyond_what_is_allowed(bring, emulator):
    """`max-new-tests`, and a dry run."""
    tests = [{"summary": name, "definition": name} for name in ("a", "b")]
    many, _ = bring(tests, max_new_tests="1")
    dry, posts = bring(tests, dry_run="true")

    assert (many.code, dry.code, posts) == (4, 0, 0)
    assert "would make Generic Test in SHOP: a" in dry.text


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("tests.json", "[", 4, "no JSON"),
        ("tests.json", "[NaN]", 4, "no JSON"),
        ("tests.json", "[" * 100_000, 4, "no JSON"),
        ("tests.json", '"text"', 4, "no list"),
        ("tests.json", "[]", 3, "no Test in the file"),
        ("tests.json", "[1]", 4, "tests[0]: it is no object"),
        ("tests.json", [{"definition": "a"}], 4, "`summary` is missing"),
        ("tests.json", [{"summary": "a\nb"}], 4, "one line"),
        ("tests.json", [{"summary": 1}], 4, "is no text"),
        ("tests.json", [{"summery": "a"}], 4, "is it `summary`?"),
        ("tests.json", [{"summary": "a", "labels": ["x y"]}], 4, "label has no blanks"),
        ("tests.json", [{"summary": "a", "labels": "x"}], 4, "`labels` is no list"),
        ("tests.json", [{"summary": "a", "sets": ["../x"]}], 4, "keys of Test Sets"),
        ("tests.json", [{"summary": "a", "steps": [{"data": "x"}]}], 4, "needs an `action`"),
        ("tests.json", [{"summary": "a", "steps": [{"action": "x"}], "scenario": "y"}], 4, "has one of"),
        ("tests.json", [{"summary": "a"}, {"summary": "a"}], 4, "same project, type and summary"),
        ("tests.yaml", "- &a [x, x]\n- *a", 4, "it is no object"),
        ("tests.yaml", "a: [1", 4, "is not YAML"),
        ("tests.yaml", "a: 1", 4, "no list"),
        ("tests.yaml", "- !!python/object/apply:os.system [x]", 4, "tests.yaml"),
        ("tests.yaml", "- summary: 12", 4, "put it into quotes"),
        ("tests.csv", "summary,colour\na,red\n", 4, "no column 'colour'"),
        ("tests.csv", "summary\na,b\n", 4, "more cells"),
        ("tests.csv", "action\nfirst\n", 4, "`summary` is missing"),
        ("tests.csv", "summary\n", 3, "no Test in the file"),
        ("tests.txt", "x", 4, "ends in"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(bring, name, content, code, words):
    """All that is wrong of it, and nothing is made."""
    result, posts = bring(content, name)

    assert (result.code, posts) == (code, 0), result.text
    assert words in result.text


def test_a_link_in_the_workspace_leads_nowhere(inside, side, workspace, tmp_path):
    """Nothing of a file outside is sent, or shown."""
    (tmp_path / "secret").write_text("hunter2,x\n")
    (workspace / "tests.csv").symlink_to(tmp_path / "secret")
    result = inside("tests", "import", "tests.csv", on=side)

    assert result.code == 4
    assert "hunter2" not in result.text


def test_a_project_is_needed(bring):
    """Of the file, or of the settings."""
    result, _ = bring([{"summary": "a"}], project=None)
    named, _ = bring([{"summary": "a", "project": "SHOP"}], project=None)

    assert (result.code, named.code) == (4, 0)
    assert "`project` is missing" in result.text
