"""Every setting that does something around an import, a row each: how it is set, what is there then, who may refuse it.

tests/main_job/test_afterwards.py goes through the rows on both products: once, twice, refused, failed, and lost.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from job_runs import case, defects, keyed, suite

RUN = "https://github.example/acme/shop/actions/runs/4711"
DEV = ("dev", "5b10a0000000000000000001")
"""Name and account id of one user."""
CLOUD = "/api/v2/graphql"
XRAY = "/jira/rest/raven/2.0/api"


class Request(NamedTuple):
    """What the work of a setting is asked with, and where it can be refused."""

    method: str
    path: str
    contains: str = ""


class Row(NamedTuple):
    """One setting, or one word of it behind a colon."""

    changes: dict[str, str]
    seen: Callable[[dict[str, Any]], object]
    expected: object
    """What is seen after it was done, once or however often."""
    cloud: Request | str
    """Its request to Cloud, or one sentence that says why there is none to refuse."""
    server: Request | str
    told: str = ""
    """What the user reads where it is refused, unless it is one of the steps that follow an import."""
    code: int = 6
    """Exit code of a refusal."""
    lost: int = 8
    """Exit code where the site fails."""
    again: str = "xray-ci resume"
    """What the user reads there."""
    before: bool = False
    """Whether it comes before the import, so that nothing is sent where it is refused."""
    mend: str = "resume"
    """The command that does what is left, once it may."""
    plan: str = "  then "
    """What `plan` says of it, where there is a request."""
    cases: str = ""
    """The report, where it is not that of `around`."""
    prepare: Callable[[Any], object] = lambda _: None
    """What has to be there."""

    def request(self, side):
        """Return the request to a product, or why there is none."""
        return getattr(self, side)


def files(issue):
    """Return name and size of what is attached."""
    return sorted((each["filename"], each["size"]) for each in issue["attachments"])


def one(state):
    """Return the Test Execution that was made first."""
    return next(each for each in state["issues"].values() if each["type"] == "Test Execution" and not each["seeded"])


def new(state):
    """Return the Tests that were made."""
    return [each for each in state["issues"].values() if each["type"] == "Test" and not each["seeded"]]


def jira(method, path, contains=""):
    """Return a request to Jira, to both products."""
    return {
        side: Request(method, f"{start}/rest/api/*/{path}", contains)
        for side, start in (("cloud", ""), ("server", "/jira"))
    }


def second_plan(emulator):
    """Make a Test Plan, which is SHOP-41."""
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Test Plan"}, "summary": "Second"}
    body, signed = json.dumps({"fields": fields}).encode(), {"Authorization": "Bearer emulator-pat"}
    emulator.call("POST", "/jira/rest/api/latest/issue", body, **signed, content_type="application/json")


ROWS = {
    "test-folder": Row(
        {"test_folder": "/Shop/New"},
        lambda state: [each["test"]["folder"] for each in new(state)],
        ["/Shop/New", "/Shop/New"],
        cloud=Request("POST", CLOUD, "addTestsToFolder"),
        server=Request("PUT", f"{XRAY}/testrepository/SHOP/folders/*"),
    ),
    "test-sets": Row(
        {"test_sets": "SHOP-13"},
        lambda state: [each["key"] in state["issues"]["SHOP-13"]["test_set"]["tests"] for each in new(state)],
        [True, True],
        cloud=Request("POST", CLOUD, "addTestsToTestSet"),
        server=Request("POST", f"{XRAY}/testset/SHOP-13/test"),
    ),
    "components": Row(
        {"components": "Cart"},
        lambda state: [each["fields"].get("components") for each in new(state)],
        [[{"name": "Cart"}], [{"name": "Cart"}]],
        **jira("PUT", "issue/*", "components"),
    ),
    "test-fields": Row(
        {"test_fields": "Priority: high\nlabels: [auto]"},
        lambda state: [(each["fields"].get("priority"), each["labels"]) for each in new(state)],
        [({"name": "High"}, ["auto"])] * 2,
        **jira("PUT", "issue/*", "priority"),
        plan="then give new Tests the fields Priority, labels",
    ),
    "attach": Row(
        {"attach": "reports\nlogs/*.log"},
        lambda state: [name for name, _ in files(one(state))],
        ["a.log", "r.xml"],
        **jira("POST", "issue/SHOP-41/attachments"),
    ),
    "ci-link": Row(
        {"ci_link": "true"},
        lambda state: [each["object"]["url"] for each in one(state)["remote_links"]],
        [RUN],
        **jira("POST", "issue/SHOP-41/remotelink"),
    ),
    "defects": Row({"defects": "create"}, lambda state: defects(one(state)), [0, 1], **jira("POST", "issue", '"Bug"')),
    "max-new-defects": Row(
        {"defects": "create", "max_new_defects": "0"},
        lambda state: defects(one(state)),
        [0, 0],
        cloud="It bounds what `defects` makes, and asks nobody.",
        server="It bounds what `defects` makes, and asks nobody.",
    ),
    "assignee": Row(
        {"assignee": "dev@example.com"},
        lambda state: one(state)["assignee"] in DEV,
        True,
        **jira("PUT", "issue/SHOP-41/assignee"),
    ),
    "transition": Row(
        {"transition": "Done"},
        lambda state: one(state)["status"],
        "Done",
        **jira("POST", "issue/SHOP-41/transitions", "transition"),
    ),
    "create-missing: fix-version": Row(
        {"fix_version": "9.9", "create_missing": "fix-version"},
        lambda state: (one(state)["fix_versions"], state["projects"]["SHOP"]["versions"].count("9.9")),
        (["9.9"], 1),
        **jira("POST", "version"),
        told="version 9.9 was not made in SHOP",
        lost=7,
        again="create-missing, from XRAY_CI_CREATE_MISSING",
        before=True,
        mend="import",
        plan="first make versions that are not there: 9.9",
    ),
    "create-missing: environments": Row(
        {"test_environments": "chrome;safari", "create_missing": "environments"},
        lambda state: sorted(one(state)["execution"]["environments"]),
        ["chrome", "safari"],
        cloud=Request("POST", CLOUD, "addTestEnvironments"),
        server="The import itself makes them there.",
        plan="then link it to the Test Environments chrome, safari",
    ),
    "only-in-plan": Row(
        {"test_plan": "SHOP-2", "only_in_plan": "true"},
        lambda state: sorted(one(state)["execution"]["runs"]),
        ["SHOP-3"],
        cloud=Request("POST", CLOUD, "getTestPlan"),
        server=Request("GET", f"{XRAY}/testplan/SHOP-2/test"),
        told="only-in-plan, from XRAY_CI_ONLY_IN_PLAN",
        code=5,
        lost=7,
        again="only-in-plan, from XRAY_CI_ONLY_IN_PLAN",
        before=True,
        mend="import",
        plan="1 result left out, of Tests that are not in SHOP-2",
        cases=keyed("one", "SHOP-3") + case("stranger"),
    ),
    "fields": Row(
        {"fields": "Priority: high"},
        lambda state: one(state)["fields"].get("priority"),
        {"name": "High"},
        **jira("GET", "issue/createmeta/SHOP/issuetypes/*"),
        told="fields, from XRAY_CI_FIELDS",
        code=5,
        lost=7,
        again="fields, from XRAY_CI_FIELDS",
        before=True,
        mend="import",
        plan="",
    ),
    "requirements": Row(
        {"requirements": "link"},
        lambda state: state["issues"]["SHOP-3"]["test"]["requirements"].count("SHOP-11"),
        1,
        **jira("POST", "issueLink"),
        told="all results of SHOP-3 are imported, and it is not linked to all that it covers",
        code=8,
        plan="then link Tests to the 1 issue that they cover",
        cases=case(
            "one",
            '<properties><property name="test_key" value="SHOP-3"/><property name="requirements" value="SHOP-11"/>'
            "</properties>",
        ),
    ),
    "test-plan": Row(
        {"test_plan": "SHOP-2\nSHOP-41"},
        lambda state: [len(state["issues"][key]["plan"]["executions"]) for key in ("SHOP-2", "SHOP-41")],
        [2, 1],
        cloud=Request("POST", CLOUD, "addTestExecutionsToTestPlan"),
        server=Request("POST", f"{XRAY}/testplan/SHOP-41/testexecution"),
        told="`test-plan` was not done to SHOP-42",
        plan="then link it to SHOP-41",
        prepare=second_plan,
    ),
}
ELSEWHERE = ("fields", "requirements", "test-fields", "test-plan")
"""Settings of other groups that have a row all the same."""


def setting(name):
    """Return the setting of a row."""
    return name.partition(":")[0]


def report(row):
    """Return the report of a row, empty for that of `around`."""
    return suite("s", row.cases) if row.cases else ""
