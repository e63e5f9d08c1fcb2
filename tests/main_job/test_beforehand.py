"""What is done before an import: versions that are made, results that are left out as nobody planned them."""

import pytest
from around_table import ROWS
from job_runs import case, keyed, suite

VERSION = ROWS["create-missing: fix-version"].changes


def test_a_version_that_misses_is_refused_unless_it_is_asked_for(around, emulator):
    """And `plan` makes none."""
    planned, without = around("plan", **VERSION), around(fix_version="9.9")

    assert (planned.code, without.code) == (0, 6), planned.text + without.text
    assert "9.9" not in emulator.state()["projects"]["SHOP"]["versions"]
    assert emulator.executions() == []


def test_a_check_says_that_the_version_will_be_made(around):
    """And is no problem."""
    result = around("check", **VERSION)

    assert result.code == 0, result.text
    assert "version 9.9 is not there, and an import makes it" in result.text


def test_cloud_makes_test_environments_without_credentials_of_jira(inside, emulator, reports):
    """Xray itself does it, and `check` says so."""
    changes = {"test_environments": "safari", "create_missing": "environments"}
    checked, made = inside("check", **changes), inside("import", reports="*.xml", **changes)

    assert (made.code, checked.code) == (0, 0), made.text + checked.text
    assert [each["execution"]["environments"] for each in emulator.executions()] == [["safari"]]


def test_only_results_of_tests_in_the_plan_are_sent(around, emulator, workspace):
    """By key, by identity, and of several keys those that are in it; what is left out is counted and said."""
    (workspace / "r.xml").write_text(
        suite(
            "s",
            keyed("one", "SHOP-1"),
            keyed("two", "SHOP-6"),
            keyed("both", "SHOP-4,SHOP-7"),
            case("adds_item", classname="shop.cart.CartTest"),
            case("stranger"),
        )
    )

    result = around(test_plan="SHOP-2", only_in_plan="true")

    assert result.code == 0, result.text
    (issue,) = emulator.executions()
    assert sorted(issue["execution"]["runs"]) == ["SHOP-1", "SHOP-3", "SHOP-4"]
    assert "2 results left out, of Tests that are not in SHOP-2" in result.text
    assert "5 in reports - 2 left out = 3 sent = 3 stored" in result.text
    assert len(emulator.created_tests()) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"only_in_plan": "true"}, 2),
        ({"only_in_plan": "true", "test_plan": "SHOP-2", "strategy": "native"}, 2),
        ({"only_in_plan": "true", "test_plan": "SHOP-5"}, 6),
        ({"only_in_plan": "true", "test_plan": "SHOP-9999"}, 6),
    ],
)
def test_a_plan_that_cannot_be_asked_stops_before_the_import(around, emulator, changes, code):
    """Without one, natively, and where it is no Test Plan."""
    result = around(**changes)

    assert result.code == code, result.text
    assert emulator.executions() == []
