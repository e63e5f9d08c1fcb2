"""Defects of failed tests: one for a failure in every run, linked or made, on both products."""

import json

import pytest
from job_runs import AGAIN, GITHUB, case, defects, failure, keyed, suite


def bugs(emulator):
    """Return the issues that were made as defects."""
    return [each for each in emulator.state()["issues"].values() if each["type"] == "Bug" and not each["seeded"]]


SIGNED = {"Authorization": "Bearer emulator-pat"}


def known(emulator, label):
    """Make an issue with the label of a failure; return its key."""
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "Known", "labels": [label]}
    body = json.dumps({"fields": fields}).encode()
    return emulator.call("POST", "/jira/rest/api/2/issue", body, **SIGNED).json()["key"]


def test_the_same_failure_is_one_defect_in_every_run(around, emulator, workspace):
    """Numbers that change do not matter; another message is another failure; one that was closed is made anew."""
    around(defects="create")
    (workspace / "r.xml").write_text(suite("s", case("pays", failure("not paid after 4711 ms"))))
    around(env={**GITHUB, "GITHUB_RUN_ID": "4712"}, defects="create")
    (workspace / "r.xml").write_text(suite("s", case("pays", failure("paid twice"))))
    around(env={**GITHUB, "GITHUB_RUN_ID": "4713"}, defects="create")

    first, second = bugs(emulator)
    assert (first["summary"], second["summary"]) == (
        "shop.Cart.pays: not paid after 31 ms",
        "shop.Cart.pays: paid twice",
    )
    assert [defects(issue) for issue in emulator.executions()] == [[0, 1], [1], [1]]
    assert "at shop.py" in first["description"]


def test_link_makes_nothing_and_says_the_label_that_links(around, emulator, path):
    """A person gives an issue the label, and from the next run on it is linked, until it is closed."""
    first = around(defects="link")
    label = first.text[first.text.index("xray-ci-failure-") :].split()[0]
    key = known(emulator, label)
    second = around(env=AGAIN, defects="link")
    done = json.dumps({"transition": {"id": "31"}}).encode()
    emulator.call("POST", f"/jira/rest/api/2/issue/{key}/transitions", done, **SIGNED)
    third = around(env={**GITHUB, "GITHUB_RUN_ID": "4712"}, defects="link")

    assert (first.code, second.code, third.code) == (0, 0, 0), first.text + second.text + third.text
    assert [each["key"] for each in bugs(emulator)] == [key]
    assert [defects(issue) for issue in emulator.executions()] == [[0, 1], [0, 0]]
    assert label in third.text


@pytest.mark.parametrize("allowed", [True, False])
def test_a_defect_that_another_run_makes_at_the_same_time_is_one(around, emulator, path, allowed):
    """Jira's search does not know it yet: the older one is linked, and ours is deleted, or told."""
    first = around(defects="link")
    label = first.text[first.text.index("xray-ci-failure-") :].split()[0]
    emulator.clock(advance=60)
    emulator.settings(index_lag_s=8)
    older = known(emulator, label)
    if not allowed:
        emulator.fault("DELETE", path("/rest/api/*/issue/*"), status=403, times=9)

    result = around(env=AGAIN, defects="create")

    assert result.code == 0, result.text
    assert f"is the same as {older}, which another run made at the same time" in result.text
    assert (bugs(emulator)[0]["key"], len(bugs(emulator))) == (older, 1 if allowed else 2)
    (issue,) = emulator.executions()
    (linked,) = [run["defects"] for run in issue["execution"]["runs"].values() if run["defects"]]
    assert linked in ([older], [emulator.issue(older)["id"]])


def test_no_more_defects_are_made_than_a_run_may(around, emulator, workspace):
    """The others are told with their labels."""
    cases = [case(f"t{number}", failure("boom")) for number in range(5)]
    (workspace / "r.xml").write_text(suite("s", *cases))

    result = around(defects="create", max_new_defects="2")

    assert result.code == 0, result.text
    assert len(bugs(emulator)) == 2
    assert "3 failures without an open defect" in result.text


def test_a_result_that_names_its_test_is_linked_by_key(around, emulator, workspace):
    """Also where comments are left out: then one Test is one failure."""
    (workspace / "r.xml").write_text(suite("s", keyed("adds", "SHOP-3", failure("boom"))))

    result = around(defects="create", comments="none")

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert (defects(issue), bugs(emulator)[0]["summary"]) == ([1], "SHOP-3")


def test_what_a_failure_says_is_no_markup_in_its_defect(around, emulator, workspace):
    """It notifies nobody, and does not end the block in which it stands."""
    (workspace / "r.xml").write_text(suite("s", case("a", failure("[~admin] {noformat} {color:red}x"))))

    around(defects="create")

    (bug,) = bugs(emulator)
    assert bug["description"].count("{noformat}") == 2
    assert "[~" not in bug["description"] + bug["summary"]
