"""How the emulator reads native reports: identity, status, links, and what each format refuses."""

import json

import pytest

TESTNG = b"""<testng-results><suite name="s"><test name="t"><class name="shop.CartTest">
<test-method status="PASS" name="setUp" is-config="true"/>
<test-method status="PASS" name="adds"/><test-method status="FAIL" name="adds"/>
<test-method status="SKIP" name="linked"><attributes><attribute name="test"><![CDATA[SHOP-3]]></attribute></attributes></test-method>
</class></test></suite></testng-results>"""
NUNIT = b"""<test-run><test-suite type="Assembly" name="a"><test-suite type="TestFixture" name="F">
<test-case name="Adds" fullname="Shop.Cart.Adds" result="Passed"><properties><property name="Category" value="fast"/></properties></test-case>
<test-case name="Linked" fullname="Shop.Cart.Linked" result="Failed"><properties><property name="Test" value="SHOP-3"/></properties></test-case>
</test-suite></test-suite></test-run>"""
XUNIT = b"""<assemblies><assembly name="a"><collection name="c">
<test name="Shop.Cart.Adds(x: 1)" type="Shop.Cart" method="Adds" result="Pass"/>
<test name="Linked" type="Shop.Cart" method="Linked" result="Fail"><traits><trait name="test" value="SHOP-3"/></traits></test>
</collection></assembly></assemblies>"""
ROBOT = b"""<robot><suite name="Root"><suite name="Cart"><test name="Adds"><status status="PASS"/></test>
<test name="Linked"><tag>SHOP-3</tag><tag>SHOP-5</tag><tag>smoke</tag><status status="FAIL"/></test></suite></suite></robot>"""


def imported(emulator, name, body, kind="application/xml", **query):
    answer = emulator.cloud(f"/{name}", body, kind=kind, query={"projectKey": "SHOP", **query} if kind == "application/xml" else None)
    assert 200 == answer.status, answer.text
    runs = emulator.runs(answer.json()["key"])
    issues = emulator.state()["issues"]
    return {(issues[key]["test"]["definition"] or key): run["status"] for key, run in runs.items()}


@pytest.mark.parametrize(("name", "report", "expected"), [
    ("testng", TESTNG, {"shop.CartTest.adds": "FAILED", "shop.cart.CartTest.adds_item": "TO DO"}),
    ("nunit", NUNIT, {"Shop.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
    ("xunit", XUNIT, {"Shop.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
    ("robot", ROBOT, {"Root.Cart.Adds": "PASSED", "shop.cart.CartTest.adds_item": "FAILED"}),
])
def test_each_xml_format_has_its_identity_status_and_link(emulator, name, report, expected):
    """A link leads to an existing Test, everything else to a Generic Test by its definition."""
    assert expected == imported(emulator, name, report)


def test_nunit_2_has_no_full_names_and_older_files_no_result(emulator):
    """`executed` and `success` decide where there is no result."""
    report = b"""<test-results><test-suite name="s"><results><test-case name="A.b" executed="True" success="True"/>
    <test-case name="A.c" executed="True" success="False"/><test-case name="A.d" executed="False"/></results></test-suite></test-results>"""

    assert {"A.b": "PASSED", "A.c": "FAILED", "A.d": "TO DO"} == imported(emulator, "nunit", report)


def test_junit_falls_back_to_the_suite_and_folds_results(emulator):
    """Without a class name the suite's name stands in; results of one definition become one run."""
    report = b"""<testsuites><testsuite name="outer"><testsuite name="inner"><testcase name="a"/></testsuite></testsuite>
    <testsuite name="x"><testcase classname="c" name="p"/><testcase classname="c" name="p"/>
    <testcase classname="c" name="f"/><testcase classname="c" name="f"><failure/></testcase>
    <testcase classname="c" name="s"/><testcase classname="c" name="s"><skipped/></testcase></testsuite></testsuites>"""

    assert {"inner.a": "PASSED", "c.p": "PASSED", "c.f": "FAILED", "c.s": "TO DO"} == imported(emulator, "junit", report)
    run = next(run for run in emulator.runs("SHOP-41").values() if run["status"] == "TO DO")
    assert ["PASS", "TODO"] == run["results"]
    assert 0 == emulator.state()["duplicates"]


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
    assert ("long text", "a.txt", 3) == (run["comment"], run["evidence"][0]["filename"], run["evidence"][0]["size"])
    assert [{"name": "City", "value": "Porto"}] == run["custom_fields"]
    made = emulator.issue("SHOP-42")
    assert ("A summary", "said", ["one", "two"]) == (made["summary"], made["description"], made["labels"])
    assert ["SHOP-5", "SHOP-11"] == made["test"]["requirements"]


@pytest.mark.parametrize("report", [
    b'<testsuite name="s"><testcase name="a"><properties/></testcase></testsuite>',
    b"<testsuite><testcase",
    b"<html/>",
    b'<testsuite><testcase name="a"><properties><property name="test_key" value="SHOP-99"/></properties></testcase></testsuite>',
])
def test_junit_that_cloud_cannot_take_is_400(emulator, report):
    """Empty properties, broken XML, another document, and an unknown key refuse the import."""
    assert 400 == emulator.cloud("/junit", report, kind="application/xml", query={"projectKey": "SHOP"}).status
    assert [] == emulator.executions()


def test_robot_tags_are_tests_requirements_or_labels(emulator):
    """A tag is what the issue of its key is; without an issue it is a label."""
    imported(emulator, "robot", ROBOT.replace(b"<tag>SHOP-3</tag>", b""))

    made = next(each for each in emulator.created_tests() if each["summary"] == "Linked")
    assert (["SHOP-5"], ["smoke"]) == (made["test"]["requirements"], made["labels"])


def feature(*tags, words=("passed",), above=(), **more):
    steps = [{"result": {"status": word}} for word in words]
    return {"tags": [{"name": tag} for tag in above], "elements": [
        {"type": "background", "steps": [{"result": {"status": "passed"}}]},
        {"type": "scenario", "tags": [{"name": tag} for tag in tags], "steps": steps, **more}]}


@pytest.mark.parametrize(("words", "status"), [
    (("passed", "passed"), "PASSED"), (("passed", "failed", "skipped"), "FAILED"), (("passed", "undefined"), "TO DO"),
])
@pytest.mark.parametrize("tag", ["@SHOP-4", "@TEST_SHOP-4", "@TestName:SHOP-4"])
def test_cucumber_attaches_to_the_tagged_test(emulator, tag, words, status):
    """Every tag form names the Test; the steps decide."""
    assert {"SHOP-4": status} == imported(emulator, "cucumber", [feature(tag, words=words)], kind="application/json")


def test_cucumber_rows_fold_and_embeddings_are_evidence(emulator):
    """Rows of an outline are one run; a step's embedding is kept."""
    row = feature("@SHOP-4")
    row["elements"][1]["steps"][0]["embeddings"] = [{"data": "YQ==", "mime_type": "image/png"}]

    assert {"SHOP-4": "FAILED"} == imported(emulator, "cucumber", [row, feature("@SHOP-4", words=("failed",))], kind="application/json")
    assert ["embedding-1.png"] == [each["filename"] for each in emulator.runs("SHOP-41")["SHOP-4"]["evidence"]]


def test_a_feature_tag_leads_to_the_test_execution(emulator):
    """A feature exported from a Test Execution sends its results back there."""
    answer = emulator.cloud("/cucumber", [feature("@SHOP-4", above=["@SHOP-40"])])

    assert "SHOP-40" == answer.json()["key"]
    assert "PASSED" == emulator.runs("SHOP-40")["SHOP-4"]["status"]


@pytest.mark.parametrize("tags", [["@SHOP-99"], ["@TEST_nothing"], ["@smoke"], []])
def test_cucumber_creates_nothing(emulator, tags):
    """An unknown key, a tag off the scheme, and no key at all refuse the file."""
    answer = emulator.cloud("/cucumber", [feature(*tags)])

    assert 400 == answer.status
    assert [] == emulator.executions() + emulator.created_tests()


def test_behave_has_plain_tags_and_a_status_per_scenario(emulator):
    """Behave's tags have no `@`; the scenario's own status counts."""
    report = [{"tags": [], "elements": [{"type": "scenario", "tags": ["SHOP-4"], "status": "failed", "steps": []},
                                        {"type": "scenario", "tags": ["SHOP-8"], "status": "skipped", "steps": []}]}]

    assert {"SHOP-4": "FAILED", "SHOP-8": "TO DO"} == imported(emulator, "behave", report, kind="application/json")


def test_json_that_is_no_list_of_features_is_400(emulator):
    """Broken JSON and other documents are refused."""
    for body in (b"[", b"{}", b"[1]", json.dumps([]).encode()):
        assert 400 == emulator.cloud("/cucumber", body).status
