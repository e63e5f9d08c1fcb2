"""Where Tests go that an import creates, and that all others stay where they are; on both products."""

import pytest
from job_runs import AGAIN, case, keyed, suite


def folders(emulator):
    """Return the folder of each Test that is not at the top, by its summary."""
    issues = emulator.state()["issues"].values()
    return {
        each["summary"]: each["test"]["folder"] for each in issues if each["test"] and each["test"]["folder"] != "/"
    }


def test_only_tests_that_the_import_created_are_placed(around, emulator, workspace):
    """Not those that a report names by key, nor those that were found by their definition."""
    before = folders(emulator)
    found = case("adds_item", classname="shop.cart.CartTest")
    (workspace / "r.xml").write_text(suite("s", keyed("by key", "SHOP-6"), found, case("new")))

    result = around(test_folder="/Shop/New/Deep", test_sets="SHOP-13", components="Cart")

    assert result.code == 0, result.text
    assert folders(emulator) == {**before, "new": "/Shop/New/Deep"}
    (test,) = emulator.created_tests()
    assert test["fields"]["components"] == [{"name": "Cart"}]
    assert test["key"] in emulator.issue("SHOP-13")["test_set"]["tests"]


def test_a_folder_that_is_there_half_is_completed_and_kept(around, emulator, workspace):
    """A second attempt with another Test puts it beside the first, and moves nothing back."""
    (workspace / "r.xml").write_text(suite("s", case("first")))
    around(test_folder="Shop/New")
    (workspace / "r.xml").write_text(suite("s", case("first"), case("second")))

    result = around(env=AGAIN, test_folder="/Shop/New/")

    assert result.code == 0, result.text
    assert {"first": "/Shop/New", "second": "/Shop/New"}.items() <= folders(emulator).items()
    assert emulator.state()["projects"]["SHOP"]["folders"].count("/Shop/New") == 1


def test_folders_and_sets_need_no_credentials_of_jira(inside, emulator, reports):
    """Xray Cloud does it itself."""
    result = inside("import", reports="a.xml", test_folder="/New", test_sets="SHOP-13")

    assert result.code == 0, result.text
    assert [each["test"]["folder"] for each in emulator.created_tests()] == ["/New", "/New"]


@pytest.mark.parametrize(
    ("changes", "code"), [({"test_folder": " / "}, 2), ({"test_sets": "SHOP-5"}, 6), ({"test_sets": "SHOP-9999"}, 6)]
)
def test_what_is_no_place_is_told(around, changes, code):
    """No folder at the start; no Test Set after the import, which is done."""
    result = around(**changes)

    assert result.code == code, result.text


def test_tests_that_the_search_does_not_know_yet_are_waited_for(around, emulator):
    """Jira's index lags; where it lags for long the run says so, and the next attempt does it."""
    emulator.settings(index_lag_s=8)
    waited = around(test_folder="/New")
    assert waited.code == 0, waited.text
    assert len(folders(emulator)) >= 2


def test_new_tests_get_fields_once_and_keep_what_people_change(around, emulator, workspace, path):
    """By id and in Jira's own shape, the project of a part `testInfo` too; a Test that was there stays as it is."""
    (workspace / "r.xml").write_text(suite("s", keyed("by key", "SHOP-6"), case("new")))
    fields = (
        '{"fields": {"project": {"key": "SHOP"}, "priority": {"name": "High"}}, "update": {"labels": [{"add": "a"}]}}'
    )
    first = around(test_fields=fields)
    (test,) = emulator.created_tests()
    given = test["fields"]["priority"], test["labels"]
    puts = [each for each in emulator.requests() if each["method"] == "PUT" and each["path"].endswith(test["key"])]
    second = around(test_fields=fields, env=AGAIN)
    again = [each for each in emulator.requests() if each["method"] == "PUT" and each["path"].endswith(test["key"])]

    assert (first.code, second.code) == (0, 0), first.text + second.text
    assert "1 new Test given priority, labels" in first.text
    assert given == ({"name": "High"}, ["a"])
    assert len(puts) == len(again) == 1
    assert emulator.issue("SHOP-6")["fields"].get("priority") is None

    changed = around(test_fields="priority: {name: Low}", env=AGAIN)
    assert (changed.code, emulator.issue(test["key"])["fields"]["priority"]) == (0, {"name": "Low"}), changed.text


def test_a_field_that_no_test_has_stops_before_the_import(around, emulator):
    """Exit code 2 names the setting."""
    result = around(test_fields="Sqaud: Payments")

    assert result.code == 2, result.text
    assert "a Test of this project has no field 'Sqaud'" in result.text
    assert "test-fields, from XRAY_CI_TEST_FIELDS" in result.text
    assert emulator.executions() == []


def test_a_native_import_brings_the_fields_itself(inside, emulator, reports, side):
    """So it needs no credentials of Jira, and nothing follows; names it cannot know without them."""
    native = {"on": side, "reports": "a.xml", "strategy": "native", "format": "junit"}
    result = inside("import", **native, test_fields="priority: {name: High}")
    named = inside("import", **native, test_fields="Priority: high")

    assert result.code == 0, result.text
    assert [each["fields"]["priority"] for each in emulator.created_tests()] == [{"name": "High"}] * 2
    assert [each["path"] for each in emulator.requests() if each["method"] == "PUT"] == []
    assert named.code == (2 if side == "cloud" else 0), named.text
    assert ("what the field 'Priority' is only Jira knows" in named.text) is (side == "cloud")
