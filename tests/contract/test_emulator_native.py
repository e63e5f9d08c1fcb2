"""How the emulator reads native reports: identity, status, links, and what each format refuses."""

import json

import pytest
from emulator_client import form

TESTNG = b"""<testng-results><suite name="s"><test name="t"><class name="shop.CartTest">
<test-method status="PASS" name="setUp" is-config="true"/>
<test-method status="PASS" name="adds"/><test-method status="FAIL" name="adds"/>
<test-method status="SKIP" name="linked"><attributes><attribute name="test"><![CDATA[SHOP-3]]></attribute></attributes>\
</test-method>
</class></test></suite></testng-results>"""
NUNIT = b"""<test-run><test-suite type="Assembly" name="a"><test-suite type="TestFixture" name="F">
<test-case name="Adds" fullname="Shop.Cart.Adds" result="Passed"><properties><property name="Category" value="fast"/>\
</properties></test-case>
<test-case name="Linked" fullname="Shop.Cart.Linked" result="Failed"><properties><property name="Test" value="SHOP-3"/>\
</properties></test-case>
</test-suite></test-suite></test-run>"""
XUNIT = b"""<assemblies><assembly name="a"><collection name="c">
<test name="Shop.Cart.Adds(x: 1)" type="Shop.Cart" method="Adds" result="Pass"/>
<test name="Linked" type="Shop.Cart" method="Linked" result="Fail"><traits><trait name="test" value="SHOP-3"/></traits>\
</test>
</collection></assembly></assemblies>"""
ROBOT = b"""<robot><suite name="Root"><suite name="Cart"><test name="Adds"><status status="PASS"/></test>
<test name="Linked"><tag>SHOP-3</tag><tag>SHOP-5</tag><tag>smoke</tag><status status="FAIL"/></test></suite></suite>\
</robot>"""


def imported(emulator, name, body, kind="application/xml", **query):
    answer = emulator.cloud(
        f"/{name}", body, kind=kind, query={"projectKey": "SHOP", **query} if kind == "application/xml" else None
    )
    assert answer.status == 200, answer.text
    runs = emulator.runs(answer.json()["key"])
    issues = emulator.state()["issues"]
    return {(issues[key]["test"]["definition"] or key): run["status"] for key, run in runs.items()}


@pytest.mark.parametrize(
    ("name", "report", "expected"),
    [
        ("testng", TESTNG, {"shop.CartTest.adds": "FAILED", "shop.cart.CartTest.adds_item": "TO DO"}),
        ("nunit", NUNIT, {"Shop.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
        ("xunit", XUNIT, {"Shop.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
        ("robot", ROBOT, {"Root.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
    ],
)
def test_each_xml_format_has_its_identity_status_and_link(emulator, name, report, expected):
    """A link leads to an existing Test, everything else to a Generic Test by its definition."""
    assert expected == imported(emulator, name, report)


def test_nunit_2_has_no_full_names_and_older_files_no_result(emulator):
    """`executed` and `success` decide where there is no result."""
    report = b"""<test-results><test-suite name="s"><results><test-case name="A.b" executed="True" success="True"/>
    <test-case name="A.c" executed="True" success="False"/><test-case name="A.d" executed="False"/></results>\
</test-suite></test-results>"""

    assert imported(emulator, "nunit", report) == {"A.b": "PASSED", "A.c": "FAILED", "A.d": "TO DO"}
    emulator.reset()
    assert imported(emulator, "nunit", report.lower().replace(b'"a.', b'"A.')) == {
        "A.b": "PASSED",
        "A.c": "FAILED",
        "A.d": "TO DO",
    }


def test_junit_falls_back_to_the_suite_and_merges_results(emulator):
    """Without a class name the suite's name stands in; results of one definition become one run."""
    report = b"""<testsuites><testsuite name="outer"><testsuite name="inner"><testcase name="a"/></testsuite>\
</testsuite>
    <testsuite name="x"><testcase classname="c" name="p"/><testcase classname="c" name="p"/>
    <testcase classname="c" name="f"/><testcase classname="c" name="f"><failure/></testcase>
    <testcase classname="c" name="s"/><testcase classname="c" name="s"><skipped/></testcase></testsuite></testsuites>"""

    assert imported(emulator, "junit", report) == {
        "inner.a": "PASSED",
        "c.p": "PASSED",
        "c.f": "FAILED",
        "c.s": "TO DO",
    }
    run = next(run for run in emulator.runs("SHOP-41").values() if run["status"] == "TO DO")
    assert run["results"] == ["PASS", "TODO"]
    assert emulator.state()["duplicates"] == 0


def test_junit_properties_link_describe_and_attach(emulator):
    """`test_id` wins over `test_key`; tags, texts, comment, fields and evidence are taken, other properties dropped."""
    report = b"""<testsuite name="s"><testcase classname="c" name="n"><properties>
    <property name="test_key" value="SHOP-1"/><property name="test_id" value="10103"/>
    <property name="testrun_comment"><![CDATA[long text]]></property><property name="unknown" value="x"/>
    <property name="testrun_evidence"><item name="a.txt">YWJj</item></property>
    <property name="testrun_customfields"><item name="City">Porto</item></property></properties></testcase>
    <testcase classname="c" name="m"><properties><property name="test_summary" value="A summary"/>
    <property name="tags" value="one, two"/><property name="requirements" value="SHOP-5,SHOP-11"/>
    <property name="test_description">said</property></properties></testcase></testsuite>"""

    imported(emulator, "junit", report)

    run = emulator.runs("SHOP-41")["SHOP-3"]
    assert (run["comment"], run["evidence"][0]["filename"], run["evidence"][0]["size"]) == ("long text", "a.txt", 3)
    assert run["custom_fields"] == [{"name": "City", "value": "Porto"}]
    made = emulator.issue("SHOP-42")
    assert (made["summary"], made["description"], made["labels"]) == ("A summary", "said", ["one", "two"])
    assert made["test"]["requirements"] == ["SHOP-5", "SHOP-11"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (b'status="run" result="completed"', "PASSED"),
        (b'status="disabled"', "TO DO"),
        (b'status="run" result="Suppressed"', "TO DO"),
        (b'status="failed"', "FAILED"),
    ],
)
def test_junit_attributes_decide_without_an_outcome_element(emulator, case, status):
    """Some tools tell in `status` and `result` alone that a test did not run."""
    report = b'<testsuite name="s"><testcase classname="c" name="n" ' + case + b"/></testsuite>"

    assert {"c.n": status} == imported(emulator, "junit", report)
    assert imported(emulator, "junit", report.replace(b"/></testsuite>", b"><error/></testcase></testsuite>")) == {
        "c.n": "FAILED"
    }


@pytest.mark.parametrize(
    ("report", "identity"),
    [
        (b'<testsuite name="o"><testsuite name=""><testcase name="n"/></testsuite></testsuite>', "o.n"),
        (b'<testsuites name="all"><testsuite><testcase name="n"/></testsuite></testsuites>', "n"),
        (b'<testcase classname="c" name="n"/>', "c.n"),
    ],
)
def test_junit_identity_without_names_around(emulator, report, identity):
    """A suite without a name stands in for nothing; without any group the name is the identity."""
    assert {identity: "PASSED"} == imported(emulator, "junit", report)


def test_a_result_without_any_name_is_not_stored(emulator):
    """Jira wants a summary: Server lists the result as an error, Cloud has no list; the others are stored."""
    report = b'<testsuites><testsuite><testcase/><testcase name="  "/><testcase name="n"/></testsuite></testsuites>'

    assert imported(emulator, "junit", report) == {"n": "PASSED"}
    emulator.reset()
    body, kind = form(file=("report.xml", report, "application/xml"))
    answer = emulator.server("/junit", body, kind=kind, query={"projectKey": "SHOP"}).json()["testIssues"]
    assert (len(answer["success"]), len(answer["error"])) == (1, 2)


@pytest.mark.parametrize(
    ("name", "report"),
    [
        (
            "nunit",
            b"""<test-run><test-suite><test-case name="A" fullname="N.A" result="Passed"><properties>
     <property name="TestKey" value="SHOP-3"/><property name="TestKey" value="SHOP-6"/></properties></test-case>\
</test-suite></test-run>""",
        ),
        (
            "xunit",
            b"""<assembly><collection><test name="A" type="N" method="A" result="Pass"><traits>
     <trait name="test" value="SHOP-3"/><trait name="test" value="SHOP-6"/></traits></test></collection></assembly>""",
        ),
        (
            "robot",
            b"""<robot><suite name="R"><test name="A"><tags><tag>SHOP-3</tag><tag>SHOP-6</tag></tags>
     <kw><tag>SHOP-7</tag></kw><status status="PASS"/></test></suite></robot>""",
        ),
    ],
)
def test_each_of_several_links_gets_the_result(emulator, name, report):
    """A test case that names two Tests is a result of both, and makes none."""
    assert imported(emulator, name, report) == {
        "shop.cart.CartTest.adds_item": "PASSED",
        "shop.cart.CartTest.removes_item": "PASSED",
    }
    assert emulator.created_tests() == []


@pytest.mark.parametrize(
    ("end", "generator", "statuses"),
    [
        (b"FAIL", b"Robot 7", {"R.S.p": "FAILED", "R.S.f": "FAILED", "R.S.s": "TO DO", "R.t": "PASSED"}),
        (b"SKIP", b"Robot 7", {"R.S.p": "TO DO", "R.S.f": "TO DO", "R.S.s": "TO DO", "R.t": "PASSED"}),
        (b"FAIL", b"Rebot 7", {"R.S.p": "PASSED", "R.S.f": "FAILED", "R.S.s": "TO DO", "R.t": "PASSED"}),
    ],
)
def test_robot_suite_teardown_decides_for_the_tests_below_it(emulator, end, generator, statuses):
    """As Robot judges, unless rebot has done so before."""
    report = b"""<robot generator="GEN"><suite name="R"><suite name="S"><test name="p"><status status="PASS"/></test>
    <test name="f"><status status="FAIL"/></test><test name="s"><status status="SKIP"/></test>
    <kw type="TEARDOWN"><status status="END"/></kw></suite><test name="t"><status status="PASS"/></test></suite>\
</robot>"""

    assert statuses == imported(emulator, "robot", report.replace(b"END", end).replace(b"GEN", generator))


@pytest.mark.parametrize(
    "report",
    [
        b'<testsuite name="s"><testcase name="a"><properties/></testcase></testsuite>',
        b"<testsuite><testcase",
        b"<html/>",
        (
            b'<testsuite><testcase name="a"><properties><property name="test_key" '
            b'value="SHOP-99"/></properties></testcase></testsuite>'
        ),
    ],
)
def test_junit_that_cloud_cannot_take_is_400(emulator, report):
    """Empty properties, broken XML, another document, and an unknown key refuse the import."""
    assert emulator.cloud("/junit", report, kind="application/xml", query={"projectKey": "SHOP"}).status == 400
    assert emulator.executions() == []


def test_robot_tags_are_tests_requirements_or_labels(emulator):
    """A tag is what the issue of its key is; without an issue it is a label."""
    imported(emulator, "robot", ROBOT.replace(b"<tag>SHOP-3</tag>", b""))

    made = next(each for each in emulator.created_tests() if each["summary"] == "Linked")
    assert (made["test"]["requirements"], made["labels"]) == (["SHOP-5"], ["smoke"])


def feature(*tags, words=("passed",), above=(), **more):
    steps = [{"result": {"status": word}} for word in words]
    return {
        "tags": [{"name": tag} for tag in above],
        "elements": [
            {"type": "background", "steps": [{"result": {"status": "passed"}}]},
            {"type": "scenario", "tags": [{"name": tag} for tag in tags], "steps": steps, **more},
        ],
    }


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("passed", "passed"), "PASSED"),
        (("passed", "failed", "skipped"), "FAILED"),
        (("passed", "undefined"), "TO DO"),
        (("Passed", "AMBIGUOUS"), "FAILED"),
        (("passed", "skipped"), "TO DO"),
        (("PASS", "passed"), "PASSED"),
        (("passed", "ABORTED", "skipped"), "ABORTED"),
        (("ABORTED", "failed"), "FAILED"),
        (("passed", "NO STATUS"), "TO DO"),
    ],
)
@pytest.mark.parametrize("tag", ["@SHOP-4", "@TEST_SHOP-4", "@TestName:SHOP-4"])
def test_cucumber_attaches_to_the_tagged_test(emulator, tag, words, status):
    """Every tag form names the Test; the steps decide."""
    assert {"SHOP-4": status} == imported(emulator, "cucumber", [feature(tag, words=words)], kind="application/json")


def test_cucumber_rows_merge_and_embeddings_are_evidence(emulator):
    """Rows of an outline are one run; a step's embedding is kept."""
    row = feature("@SHOP-4")
    row["elements"][1]["steps"][0]["embeddings"] = [{"data": "YQ==", "mime_type": "image/png"}]

    assert imported(emulator, "cucumber", [row, feature("@SHOP-4", words=("failed",))], kind="application/json") == {
        "SHOP-4": "FAILED"
    }
    assert [each["filename"] for each in emulator.runs("SHOP-41")["SHOP-4"]["evidence"]] == ["embedding-1.png"]


def test_a_feature_tag_leads_to_the_test_execution(emulator):
    """A feature exported from a Test Execution sends its results back there."""
    answer = emulator.cloud("/cucumber", [feature("@SHOP-4", above=["@SHOP-40"])])

    assert answer.json()["key"] == "SHOP-40"
    assert emulator.runs("SHOP-40")["SHOP-4"]["status"] == "PASSED"


@pytest.mark.parametrize("tags", [["@SHOP-99"], ["@TEST_nothing"], ["@smoke"], []])
def test_cucumber_creates_nothing(emulator, tags):
    """An unknown key, a tag off the scheme, and no key at all refuse the file."""
    answer = emulator.cloud("/cucumber", [feature(*tags)])

    assert answer.status == 400
    assert emulator.executions() + emulator.created_tests() == []


def test_behave_has_plain_tags_and_a_status_per_scenario(emulator):
    """Behave's tags have no `@`; the scenario's own status counts."""
    report = [
        {
            "tags": [],
            "elements": [
                {"type": "scenario", "tags": ["SHOP-4"], "status": "failed", "steps": []},
                {"type": "scenario", "tags": ["SHOP-8"], "status": "skipped", "steps": []},
            ],
        }
    ]

    assert imported(emulator, "behave", report, kind="application/json") == {"SHOP-4": "FAILED", "SHOP-8": "TO DO"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("passed", "PASSED"),
        ("PASSED", "PASSED"),
        ("error", "FAILED"),
        ("hook_error", "FAILED"),
        ("cleanup_error", "FAILED"),
        ("undefined", "TO DO"),
        ("untested", "TO DO"),
        (None, "FAILED"),
    ],
)
def test_behave_words_come_to_three_statuses(emulator, word, status):
    """The scenario's word decides in any case of letters; without one its steps do."""
    report = [
        {
            "tags": ["SHOP-4"],
            "elements": [
                {
                    "type": "scenario",
                    "tags": [],
                    "status": word,
                    "steps": [{"result": {"status": "passed"}}, {"result": {"status": "failed"}}],
                }
            ],
        }
    ]

    assert {"SHOP-4": status} == imported(emulator, "behave", report, kind="application/json")


@pytest.mark.parametrize("tag", ["@REQ_SHOP-5", "@Requirement:SHOP-5", "@REQ_NOWHERE-7"])
def test_cucumber_tags_of_requirements_are_no_links(emulator, tag):
    """What a scenario covers is written beside its key, whether the issue exists or not."""
    assert imported(emulator, "cucumber", [feature(tag, "@SHOP-4")], kind="application/json") == {"SHOP-4": "PASSED"}


@pytest.mark.parametrize(
    ("hook", "status"),
    [({"result": {"status": "failed"}}, "FAILED"), ({"result": {"status": "passed"}}, "PASSED"), ({}, "PASSED")],
)
def test_cucumber_hooks_decide_as_steps_do(emulator, hook, status):
    """A hook that failed fails the scenario, wherever it stands; one that did not run says nothing."""
    passed = {"result": {"status": "passed"}}
    for report in (
        feature("@SHOP-4", after=[hook]),
        feature("@SHOP-4", before=[hook]),
        feature("@SHOP-4", steps=[passed | {"name": "s", "after": [hook]}]),
        feature("@SHOP-4", steps=[passed, hook | {"keyword": "After", "hidden": True, "name": "x"}]),
    ):
        emulator.reset()
        assert {"SHOP-4": status} == imported(emulator, "cucumber", [report], kind="application/json")


def test_json_that_is_no_list_of_features_is_400(emulator):
    """Broken JSON and other documents are refused."""
    for body in (b"[", b"{}", b"[1]", json.dumps([]).encode()):
        assert emulator.cloud("/cucumber", body).status == 400
