"""The key of every failed Test, also of those that the import found by name or made: read back, or not told at all."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from job_runs import case, keyed, runs, suite

BOOM = '<failure message="boom">at shop.Cart(Cart.java:3)</failure>'
ERROR = '<error message="late"/>'
TWIN = """mutation($id: String!) {
  updateUnstructuredTestDefinition(issueId: $id, unstructured: "shop.Cart.pays") { issueId } }"""
KNOWN = case("adds_item", BOOM, classname="shop.cart.CartTest")
"""A result of SHOP-3, which the site has."""


@pytest.fixture
def failed(job, workspace, report):
    """Import cases; return the failures of the result file by name, and what was printed."""

    def run(*cases, code=0, **more):
        report("r.xml", suite("s", *cases))
        result = job("import", reports="r.xml", result_file="result.json", **more)
        assert result.code in (code, 0), result.text
        document = json.loads((workspace / "result.json").read_text())
        return {each["name"]: each for each in document["failures"]}, result.out

    return run


def stored(emulator):
    """Return the keys of Tests with a failed run by their definitions, over all Test Executions."""
    found, issues = {}, emulator.state()["issues"]
    for execution in issues.values():
        for run in runs(execution) if execution["execution"] else ():
            if run["status"].startswith("FAIL"):
                test = issues[run["test"]]["test"]
                found.setdefault(test["definition"], set()).add(run["test"])
    return found


def test_found_made_and_named(failed, emulator, workspace, tmp_path):
    """Each has its key and the address of its Test in the result file, on the pages and in the log."""
    page = tmp_path / "summary.md"
    rows, out = failed(
        KNOWN,
        case("pays", BOOM),
        keyed("logs in", "SHOP-7", BOOM),
        case("works"),
        GITHUB_STEP_SUMMARY=str(page),
        html_report="page.html",
        comment_file="comment.md",
    )
    (key,) = stored(emulator)["shop.Cart.pays"]

    assert {name: row["key"] for name, row in rows.items()} == {
        "shop.cart.CartTest.adds_item": "SHOP-3",
        "shop.Cart.pays": key,
        "shop.Cart.logs in": "SHOP-7",
    }
    assert rows["shop.Cart.pays"]["url"].endswith(f"/browse/{key}")
    for text in (page.read_text(), (workspace / "comment.md").read_text()):
        assert f"[{key}](<{rows['shop.Cart.pays']['url']}>) <code>shop.Cart.pays</code>" in text
    html = (workspace / "page.html").read_text()
    assert f'["failed","pays","shop.Cart","r.xml",1,0.5,"{key}"' in html
    assert '["passed","works","shop.Cart","r.xml",1,0.5,null' in html
    assert f"title={key}%3A shop.Cart.pays::boom" in out


def test_it_costs_a_request_where_a_key_is_missing_and_none_elsewhere(failed, emulator, side):
    """One on Cloud, where a run says its Test; on Server/DC the fields and a search; all are counted."""
    counts = []
    for rows in ([case("pays")], [case("pays", BOOM)], [keyed("pays", "SHOP-7", BOOM)], [keyed("pays", "SHOP-7")]):
        emulator.reset()
        _, out = failed(*rows)
        counts.append(len(emulator.requests()))
        assert f"{counts[-1]} requests" in out

    assert counts[1] - counts[0] == {"cloud": 1, "server": 2}[side]
    assert counts[2] == counts[3]


def test_two_tests_of_one_name_have_no_key(failed, emulator):
    """Nobody knows which of them the import took, where both have a failed run in the Test Execution."""
    failed(case("pays", BOOM))
    (key,) = stored(emulator)["shop.Cart.pays"]
    emulator.graphql(TWIN, id=emulator.issue("SHOP-7")["id"])
    failed(keyed("x", key, BOOM), keyed("y", "SHOP-7", BOOM), test_execution="SHOP-40")
    rows, _ = failed(case("pays", BOOM), test_execution="SHOP-40")

    assert stored(emulator)["shop.Cart.pays"] == {key, "SHOP-7"}
    assert rows["shop.Cart.pays"]["key"] is None


@pytest.mark.parametrize("more", [{"reconcile": "false"}, {"unmapped": "skip"}], ids=str)
def test_without_reading_back_there_is_no_key(failed, more):
    """And none of a result that was left out."""
    rows, _ = failed(case("pays", BOOM), keyed("x", "SHOP-7"), **more)

    assert rows["shop.Cart.pays"]["key"] is None


@pytest.mark.parametrize(
    ("format_", "more"), [("junit", {"strategy": "native"}), ("convert", {"executions": "per-report"})]
)
def test_native_reports_and_several_executions(failed, emulator, format_, more):
    """What goes as it is is found by what Xray makes of it; an error is a failure, too."""
    rows, _ = failed(KNOWN, case("pays", BOOM), case("sorts", ERROR), **more)

    assert {name: {row["key"]} for name, row in rows.items()}.items() <= stored(emulator).items()


def scenario(name, tags, status):
    """Return a scenario of Cucumber JSON."""
    step = {"keyword": "Given ", "name": "it", "result": {"status": status, "error_message": "boom"}}
    return {"type": "scenario", "name": name, "tags": [{"name": f"@{tag}"} for tag in tags], "steps": [step]}


@pytest.mark.parametrize("tag", ["SHOP-2", "SHOP-5"])
@pytest.mark.parametrize("more", [{}, {"strategy": "native"}, {"strategy": "convert"}], ids=str)
def test_a_tag_that_is_no_test_is_no_key(job, report, workspace, emulator, more, tag):
    """A Test Plan, and what Tests cover: a failure has the key of the Test with the run, wherever it is shown."""
    report("r.json", [{"uri": "a", "name": "A", "elements": [scenario("pays", [tag, "SHOP-4"], "failed")]}])
    result = job("import", reports="r.json", result_file="result.json", html_report="page.html", **more)
    rows = json.loads((workspace / "result.json").read_text())["failures"]

    assert [row["key"] for row in rows] == ["SHOP-4"]
    assert "title=SHOP-4%3A" in result.out
    assert f"title={tag}" not in result.out
    assert f'"{tag}"' not in (workspace / "page.html").read_text()


@pytest.mark.parametrize("tag", ["SHOP-2", "SHOP-5"])
def test_a_result_whose_only_tag_is_no_test_has_the_key_of_the_one_it_made(job, report, workspace, emulator, tag):
    """As the import found or made it; the other issue is never taken for it."""
    report("r.json", [{"uri": "a", "name": "A", "elements": [scenario("pays", [tag], "failed")]}])
    job("import", reports="r.json", result_file="result.json", strategy="convert")
    (row,) = json.loads((workspace / "result.json").read_text())["failures"]

    assert row["key"] in {issue["key"] for issue in emulator.created_tests()}


def test_rules_do_not_count_for_native_reports(failed, emulator):
    """Xray maps them itself: a key that only a rule would give is none."""
    rows, _ = failed(case("SHOP-7 pays", BOOM), strategy="native", key_pattern=r"SHOP-\d+")

    assert {name: {row["key"]} for name, row in rows.items()}.items() <= stored(emulator).items()


def test_what_cannot_be_asked_fails_nothing(failed, emulator, side):
    """The results are in: the exit code stays, and only the log of debugging says why there is no key."""
    if side == "cloud":
        refusal = {"errors": [{"message": "no such field"}]}
        emulator.fault("POST", "/api/v2/graphql", contains="$statuses", status=400, times=9, body=refusal)
    else:
        emulator.fault("POST", "/jira/rest/api/latest/search", contains="summary", status=403, times=9, body={})
    rows, out = failed(case("pays", BOOM), log_level="debug")

    assert rows["shop.Cart.pays"]["key"] is None
    assert "debug: the keys of failed Tests cannot be asked: " in out


def test_many_failures_are_named_as_far_as_a_page_shows_them(failed, emulator, side):
    """A few hundred Tests are read, 100 a request, of however many that failed."""
    cases = [case(f"t{number}", BOOM) for number in range(330)]
    rows, _ = failed(*cases, env={})
    failing = stored(emulator)

    assert len(rows) == 200
    assert all({row["key"]} == failing[name] for name, row in rows.items())
    assert len(emulator.requests()) <= {"cloud": 9, "server": 16}[side]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.lists(
        st.tuples(
            st.sampled_from(["pays", "sorts", "adds_item", "a.b", "ünï \U0001f6d2", "x" * 260]),
            st.sampled_from(["shop.Cart", "shop.cart.CartTest", "shop.Cart.a"]),
            st.sampled_from([BOOM, ERROR, "", "<skipped/>"]),
            st.sampled_from([None, None, "SHOP-7", "SHOP-3"]),
        ),
        min_size=1,
        max_size=8,
    ),
    more=st.sampled_from([{}, {"strategy": "native"}, {"test_execution": "SHOP-40"}, {"repeats": "last"}]),
)
def test_a_key_is_that_of_the_test_whose_stored_run_failed(wanted, more, failed, emulator):
    """Whatever was imported, by key or by name, repeated or not: the Test of a key has a failed run."""
    emulator.reset()
    cases = []
    for name, classname, inner, key in wanted:
        mark = f'<properties><property name="test_key" value="{key}"/></properties>' if key else ""
        cases.append(case(name, mark + inner, classname=classname))
    rows, _ = failed(*cases, code=8, **more)  # by key and by name it may be one Test, whose last result counts
    failing = stored(emulator)
    by_key = {each[3] for each in wanted if each[3]}

    for row in rows.values():
        if row["key"] is not None and row["key"] not in by_key:
            assert failing[row["name"]] == {row["key"]}
