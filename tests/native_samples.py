"""Reports that say all that Xray's own import reads in a format, each with the Tests and statuses it has to come to.

A Test is written as its key where the report names it, else as its Generic Test Definition; `CALC-7` and `CALC-8` are
requirements, all other keys Tests. Statuses are PASS, FAIL and TODO, which each deployment has its own words for.
"""

from __future__ import annotations

import json
from typing import Any

_JUNIT = b"""<testsuites name="all"><testsuite name="outer"><testsuite name=""><testcase name="bare"/></testsuite>\
</testsuite>
<testsuite name=""><testcase name="alone"/></testsuite>
<testsuite name="s">
<testcase classname="c" name="fails"><properties><property name="test_key" value="CALC-1"/></properties><failure/>\
</testcase>
<testcase classname="c" name="passes"><properties><property name="test_key">CALC-1</property></properties></testcase>
<testcase classname="c" name="linked"><properties><property name="test_key" value="CALC-2"/></properties></testcase>
<testcase classname="c" name="row"/><testcase classname="c" name="row"><skipped/></testcase>
<testcase classname="c" name="mixed"><skipped/></testcase><testcase classname="c" name="mixed"><error/></testcase>
<testcase classname="c" name="covers"><properties><property name="requirements" value="CALC-7,CALC-8"/></properties>\
</testcase>
<testcase classname="c" name="flaky"><flakyFailure/></testcase>
<testcase classname="c" name="off" status="disabled"/><testcase classname="c" name="left out" status="notrun" \
result="suppressed"/>
</testsuite></testsuites>"""
_TESTNG = b"""<testng-results><suite name="s"><test name="t"><class name="c.C">
<test-method status="FAIL" name="setUp" is-config="true"/>
<test-method status="PASS" name="rows"><params><param index="0"><value>1</value></param></params></test-method>
<test-method status="FAIL" name="rows"><params><param index="0"><value>2</value></param></params></test-method>
<test-method status="SKIP" name="retried"/><test-method status="PASS" name="retried"/>
<test-method status="PASS" name="covers"><attributes><attribute name="requirement"><![CDATA[CALC-7 CALC-8]]></attribute>
<attribute name="labels"><![CDATA[one two]]></attribute></attributes></test-method>
<test-method status="PASS" name="linked"><attributes><attribute name="test"><![CDATA[ CALC-1 ]]></attribute>\
</attributes></test-method>
</class></test><test name="other"><class name="c.C"><test-method status="PASS" name="linked"/></class></test></suite>\
</testng-results>"""
_NUNIT3 = b"""<test-run><test-suite type="Assembly" name="a"><properties><property name="Requirement" value="CALC-7"/>\
</properties>
<test-suite type="TestFixture" name="F">
<test-case name="Adds(1)" fullname="N.F.Adds(1)" classname="N.F" methodname="Adds" result="Passed"/>
<test-case name="Adds(2)" fullname="N.F.Adds(2)" classname="N.F" methodname="Adds" result="Failed" label="Error"/>
<test-case name="Stopped" fullname="N.F.Stopped" result="Failed" label="Cancelled"/>
<test-case name="Unsure" fullname="N.F.Unsure" result="Inconclusive"/><test-case name="Warns" fullname="N.F.Warns" \
result="Warning"/>
<test-case name="Off" fullname="N.F.Off" result="Skipped" label="Ignored"><reason><message>later</message></reason>\
</test-case>
<test-case name="Linked" fullname="N.F.Linked" result="Passed"><properties><property name="Test" value="CALC-1"/>\
</properties></test-case>
<test-case name="Both" fullname="N.F.Both" result="Failed"><properties><property name="TestKey" value="CALC-2"/>
<property name="TestKey" value="CALC-3"/></properties></test-case>
<test-case name="Labelled" fullname="N.F.Labelled" result="Passed"><properties><property name="Category" value="very \
fast"/></properties></test-case>
</test-suite></test-suite></test-run>"""
_NUNIT2 = b"""<test-results name="a" date="2024-01-01" time="10:00:00"><test-suite name="s"><results>
<test-case name="A.passes" executed="true" success="true"/><test-case name="A.fails" executed="True" success="False"/>
<test-case name="A.off" executed="false"/><test-case name="A.ok" executed="True" result="Success"/>
<test-case name="A.breaks" executed="True" result="Error"/><test-case name="A.ignored" executed="False" \
result="Ignored"/>
<test-case name="A.unsure" executed="True" result="Inconclusive"/><test-case name="A.broken" executed="False" \
result="NotRunnable"/>
<test-case name="A.linked" executed="True" result="Failure"><properties><property name="test_key" value="CALC-1"/>\
</properties></test-case>
</results></test-suite></test-results>"""
_XUNIT = b"""<assemblies><assembly name="a.dll" test-framework="xUnit.net 2.4" run-date="2024-01-01" \
run-time="10:00:00"><collection name="c">
<test name="N.C.Adds(x: 1)" type="N.C" method="Adds" result="Pass"/><test name="N.C.Adds(x: 2)" type="N.C" \
method="Adds" result="Fail"/>
<test name="A title" type="N.C" method="Titled" result="Pass"><traits><trait name="requirement" value="CALC-7 CALC-8"/>\
</traits></test>
<test name="N.C.Off" type="N.C" method="Off" result="Skip"><reason>later</reason></test><test name="Loose" \
result="Pass"/>
<test name="N.C.Linked" type="N.C" method="Linked" result="Fail"><traits><trait name="test" value="CALC-1"/></traits>\
</test>
<test name="N.C.Both" type="N.C" method="Both" result="Pass"><traits><trait name="Test" value="CALC-2"/><trait \
name="Test" value="CALC-3"/>
</traits></test></collection></assembly></assemblies>"""
_ROBOT = b"""<robot generator="Robot 4.1.3"><suite name="Root"><suite name="Kept"><test name="Passes"><tags><tag>\
CALC-1</tag><tag>CALC-2</tag>
<tag>smoke</tag></tags><kw name="Log"><tag>CALC-9</tag><status status="PASS"/></kw><status status="PASS"/></test>
<test name="Fails"><tag>CALC-1</tag><tag>REQ_CALC-7</tag><status status="FAIL">no</status></test>
<test name="Skips"><status status="SKIP"/></test><test name="Plain"><status status="PASS"/></test></suite>
<suite name="Fallen"><suite name="Deep"><test name="Had passed"><status status="PASS"/></test>
<test name="Had skipped"><status status="SKIP"/></test></suite>
<kw name="Fail" type="TEARDOWN"><status status="FAIL">broke</status></kw></suite>
<suite name="Left"><test name="Had passed"><status status="PASS"/></test><test name="Had failed"><status \
status="FAIL"/></test>
<kw name="Skip" type="teardown"><status status="SKIP">late</status></kw></suite></suite></robot>"""
_REBOT = b"""<robot generator="Rebot 7.3.2"><suite name="Root"><test name="Judged"><status status="PASS"/></test>
<kw name="Fail" type="TEARDOWN"><status status="FAIL">broke</status></kw></suite></robot>"""


def _scenario(tags: list[Any], steps: list[dict[str, Any]], kind: str = "scenario", **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "keyword": kind.capitalize(),
        "name": f"of {tags}",
        "id": f"f;{tags}",
        "location": "f.feature:2",
        "tags": tags,
        "steps": steps,
        **more,
    }


def _step(word: str | None = "passed", **more: Any) -> dict[str, Any]:
    return {
        "keyword": "Given ",
        "name": "a step",
        "step_type": "given",
        **({"result": {"status": word}} if word else {}),
        **more,
    }


def _hook(word: str) -> dict[str, Any]:
    return {"result": {"status": word}, "match": {"location": "hooks.js:1"}}


def _cucumber() -> bytes:
    def scenario(key: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
        return _scenario([{"name": f"@TEST_CALC-{key}"}, {"name": "@REQ_CALC-7"}], list(steps), **more)

    elements = [
        scenario("1", _step(), after=[_hook("failed")]),
        scenario("2", _step("ambiguous")),
        scenario("3", _step(), _step("undefined")),
        scenario("4", _step("PASSED"), before=[_hook("passed")]),
        scenario("5", _step("passed"), _step("skipped")),
        scenario("6", _step(), _step("pending"), _step("failed")),
        scenario("10", _step(None)),
        scenario("11", _step(before=[_hook("passed")], after=[_hook("failed")])),
        scenario("12"),
        scenario("13", {"keyword": "After", "hidden": True, "result": {"status": "failed"}}, _step()),
        scenario("14", _step(), {"keyword": "After", "hidden": True}),
        scenario("15", _step()),
        scenario("15", _step("failed")),
        scenario("16", _step()),
        scenario("16", _step("skipped")),
        _scenario([], [_step()], name="without a key"),
        _scenario([], [_step("failed")], kind="background"),
        scenario("17", _step()),
    ]
    features = [
        {"keyword": "Feature", "name": "F", "id": "f", "uri": "f.feature", "tags": [], "elements": elements},
        {
            "keyword": "Feature",
            "name": "G",
            "id": "g",
            "uri": "g.feature",
            "tags": [{"name": "@CALC-18"}],
            "elements": [_scenario([{"name": "@TestName:CALC-19"}, {"name": "@smoke"}], [_step()])],
        },
    ]
    return json.dumps(features).encode()


def _behave() -> bytes:
    def scenario(key: str, status: str | None, *steps: dict[str, Any]) -> dict[str, Any]:
        said = {"status": status} if status else {}
        return _scenario([f"TEST_CALC-{key}", "REQ_CALC-7"], [*steps] or [_step()], **said)

    words = (
        "passed",
        "failed",
        "error",
        "hook_error",
        "cleanup_error",
        "skipped",
        "undefined",
        "untested",
        "PASSED",
        "Hook_Error",
    )
    elements = [
        _scenario([], [_step("failed")], kind="background"),
        *(scenario(str(number), word) for number, word in enumerate(words, start=10)),
        scenario("1", None, _step(), _step("failed")),
        scenario("2", None, _step()),
        scenario("3", None, _step(None)),
        scenario("4", "passed"),
        scenario("4", "failed"),
        _scenario([], [_step()], name="without a key", status="passed"),
    ]
    features = [
        {
            "keyword": "Feature",
            "name": "F",
            "location": "f.feature:1",
            "status": "failed",
            "tags": [],
            "elements": elements,
        },
        {
            "keyword": "Feature",
            "name": "G",
            "location": "g.feature:1",
            "status": "passed",
            "tags": ["CALC-5"],
            "elements": [_scenario(["TestName:CALC-6"], [_step()], status="passed")],
        },
    ]
    return json.dumps(features).encode()


SAYING: dict[str, tuple[tuple[bytes, dict[str, str]], ...]] = {
    "junit": (
        (
            _JUNIT,
            {
                "outer.bare": "PASS",
                "alone": "PASS",
                "CALC-1": "FAIL",
                "CALC-2": "PASS",
                "c.row": "TODO",
                "c.mixed": "FAIL",
                "c.covers": "PASS",
                "c.flaky": "PASS",
                "c.off": "TODO",
                "c.left out": "TODO",
            },
        ),
    ),
    "testng": (
        (
            _TESTNG,
            {"c.C.rows": "FAIL", "c.C.retried": "TODO", "c.C.covers": "PASS", "CALC-1": "PASS", "c.C.linked": "PASS"},
        ),
    ),
    "nunit": (
        (
            _NUNIT3,
            {
                "N.F.Adds(1)": "PASS",
                "N.F.Adds(2)": "FAIL",
                "N.F.Stopped": "FAIL",
                "N.F.Unsure": "TODO",
                "N.F.Warns": "TODO",
                "N.F.Off": "TODO",
                "CALC-1": "PASS",
                "CALC-2": "FAIL",
                "CALC-3": "FAIL",
                "N.F.Labelled": "PASS",
            },
        ),
        (
            _NUNIT2,
            {
                "A.passes": "PASS",
                "A.fails": "FAIL",
                "A.off": "TODO",
                "A.ok": "PASS",
                "A.breaks": "FAIL",
                "A.ignored": "TODO",
                "A.unsure": "TODO",
                "A.broken": "TODO",
                "CALC-1": "FAIL",
            },
        ),
    ),
    "xunit": (
        (
            _XUNIT,
            {
                "N.C.Adds": "FAIL",
                "N.C.Titled": "PASS",
                "N.C.Off": "TODO",
                "Loose": "PASS",
                "CALC-1": "FAIL",
                "CALC-2": "PASS",
                "CALC-3": "PASS",
            },
        ),
    ),
    "robot": (
        (
            _ROBOT,
            {
                "CALC-1": "FAIL",
                "CALC-2": "PASS",
                "Root.Kept.Skips": "TODO",
                "Root.Kept.Plain": "PASS",
                "Root.Fallen.Deep.Had passed": "FAIL",
                "Root.Fallen.Deep.Had skipped": "TODO",
                "Root.Left.Had passed": "TODO",
                "Root.Left.Had failed": "TODO",
            },
        ),
        (_REBOT, {"Root.Judged": "PASS"}),
    ),
    "cucumber": (
        (
            _cucumber(),
            {
                "CALC-1": "FAIL",
                "CALC-2": "FAIL",
                "CALC-3": "TODO",
                "CALC-4": "PASS",
                "CALC-5": "TODO",
                "CALC-6": "FAIL",
                "CALC-10": "TODO",
                "CALC-11": "FAIL",
                "CALC-12": "TODO",
                "CALC-13": "FAIL",
                "CALC-14": "PASS",
                "CALC-15": "FAIL",
                "CALC-16": "TODO",
                "CALC-17": "FAIL",
                "CALC-18": "PASS",
                "CALC-19": "PASS",
            },
        ),
    ),
    "behave": (
        (
            _behave(),
            {
                "CALC-10": "PASS",
                "CALC-11": "FAIL",
                "CALC-12": "FAIL",
                "CALC-13": "FAIL",
                "CALC-14": "FAIL",
                "CALC-15": "TODO",
                "CALC-16": "TODO",
                "CALC-17": "TODO",
                "CALC-18": "PASS",
                "CALC-19": "FAIL",
                "CALC-1": "FAIL",
                "CALC-2": "PASS",
                "CALC-3": "TODO",
                "CALC-4": "FAIL",
                "CALC-5": "PASS",
                "CALC-6": "PASS",
            },
        ),
    ),
}
"""Reports of each endpoint with what is stored of them."""
