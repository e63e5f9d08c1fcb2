"""Small reports that show what a format can hold where no sample does.

Knows formats; knows nothing of how they are read.
"""

from __future__ import annotations

import json

PNG = "iVBORw0KGgo="
NAMES = {
    "test_key": "SHOP-1",
    "test_id": "7",
    "test_summary": "s",
    "test_description": "d",
    "testrun_comment": "c",
    "requirements": "SHOP-2",
    "tags": "a",
    "testrun_customfield:x": "y",
}
"""Every name that JUnit's properties know, each with a value."""
_NOTES = [{"type": name, "description": value} for name, value in {**NAMES, "issue": "SHOP-3"}.items()]
_LINES = "".join(f"  {name}: {value}\n" for name, value in NAMES.items() if ":" not in name)
_BDD_STEP = {
    "keyword": "Given ",
    "name": "a shop",
    "result": {"status": "passed"},
    "embeddings": [{"data": PNG, "mime_type": "image/png"}],
}
_BDD_TAGS = ["TEST_SHOP-1", "REQ_SHOP-2", "a"]
_RETRY = {
    "status": "failed",
    "attachments": [{"name": "t", "path": "t.zip"}, {"name": "b", "contentType": "image/png", "body": PNG}],
}
_ROBOT_PAGE = f'<img src="shot.png"><img src="data:image/png;base64,{PNG}">'
_ROBOT_MERGED = (
    '*HTML* <span class="merge">x</span> New message:</span> <span class="old-status"><span class="fail">Old '
    "message:</span>b"
)


def _log(*documents: dict[str, object]) -> str:
    return "".join(f"{json.dumps(document)}\n" for document in documents)


def _go(action: str, **more: str) -> dict[str, object]:
    return {
        "Action": action,
        "Package": "shop",
        **({"Test": "TestA"} if action != "end" else {"Action": "pass"}),
        **more,
    }


def _phase(when: str, outcome: str = "passed", **more: object) -> dict[str, object]:
    return {"$report_type": "TestReport", "nodeid": "a.py::b", "when": when, "outcome": outcome, **more}


PROOFS: dict[str, str] = {
    "xray-json": json.dumps({"tests": [{"status": "PASS", "testInfo": {"summary": "s", "description": "d"}}]}),
    "nunit3": "<test-run><test-case fullname='a.b' name='b' result='Passed'><properties><property name='TestKey' "
    "value='SHOP-1'/>"
    "<property name='Requirement' value='SHOP-2'/><property name='Category' value='a'/><property name='Description' "
    "value='d'/>"
    "</properties><attachments><attachment><filePath>shot.png</filePath></"
    "attachment></attachments></test-case></test-run>",
    "nunit2": "<test-results><test-case name='a.b' success='True'><properties><property name='TestKey' value='SHOP-1'/>"
    "<property name='Requirement' value='SHOP-2'/><property name='Category' value='a'/><property name='Description' "
    "value='d'/>"
    "</properties></test-case></test-results>",
    "xunit": "<assemblies><assembly><collection><test name='title(n: 1)' type='a' method='b' result='Pass'><traits>"
    "<trait name='test' value='SHOP-1'/><trait name='requirement' value='SHOP-2'/><trait name='category' "
    "value='a'/></traits>"
    f"<attachments><attachment name='s.png' media-type='image/png'>{PNG}</attachment></attachments>"
    "</test></collection></assembly></assemblies>",
    "trx": "<TestRun><Results><UnitTestResult testId='1' testName='b' outcome='Passed'><ResultFiles><ResultFile "
    "path='shot.png'/></ResultFiles>"
    "</UnitTestResult></Results><TestDefinitions><UnitTest id='1'><Description>d</Description><TestCategory>"
    "<TestCategoryItem TestCategory='a'/></TestCategory><Properties><Property><Key>test_key</Key><Value>SHOP-1</"
    "Value></Property>"
    "<Property><Key>requirements</Key><Value>SHOP-2</Value></Property></Properties>"
    "</UnitTest></TestDefinitions></TestRun>",
    "testng": "<testng-results><suite><test><class name='a'><test-method status='SKIP' retried='true' name='c'/>"
    "<test-method status='PASS' name='c'/><test-method status='PASS' "
    "name='b'><params><param><value>1</value></param></params>"
    "<attributes><attribute name='test'>SHOP-1</attribute><attribute name='requirement'>SHOP-2</attribute>"
    "<attribute name='labels'>a</attribute><attribute name='summary'>s</attribute></attributes>"
    "</test-method></class></test></suite></testng-results>",
    "robot": "<robot><suite name='a'><test name='b'><tag>REQ_SHOP-2</tag><kw name='k'><msg level='INFO' html='true'>"
    + _ROBOT_PAGE.replace("<", "&lt;")
    + "</msg><status status='PASS'/></kw><status status='PASS'/></test></suite></robot>",
    "robot-json": json.dumps(
        {
            "generator": "Robot",
            "generated": "",
            "suite": {
                "name": "a",
                "tests": [
                    {
                        "name": "b",
                        "status": "FAIL",
                        "message": _ROBOT_MERGED,
                        "tags": ["REQ_SHOP-2"],
                        "body": [
                            {
                                "name": "k",
                                "status": "PASS",
                                "body": [{"type": "MESSAGE", "level": "INFO", "html": True, "message": _ROBOT_PAGE}],
                            }
                        ],
                    }
                ],
            },
        }
    ),
    "cucumber-json": json.dumps(
        [
            {
                "uri": "a",
                "name": "a",
                "elements": [
                    {
                        "type": "scenario",
                        "name": "b",
                        "tags": [{"name": f"@{tag}"} for tag in _BDD_TAGS],
                        "steps": [_BDD_STEP],
                    },
                    {"type": "scenario", "name": "b", "description": "d", "steps": [_BDD_STEP]},
                ],
            }
        ]
    ),
    "cucumber-messages": _log(
        {"meta": {"protocolVersion": "32"}},
        {
            "gherkinDocument": {
                "uri": "a",
                "feature": {
                    "name": "a",
                    "children": [
                        {"scenario": {"id": "s", "keyword": "Scenario", "name": "b", "description": "d", "steps": []}}
                    ],
                },
            }
        },
        {"pickle": {"id": "p", "uri": "a", "name": "b", "astNodeIds": ["s"], "steps": []}},
        {"testCase": {"id": "c", "pickleId": "p", "testSteps": []}},
        {"testCaseStarted": {"id": "r", "testCaseId": "c", "attempt": 0}},
        {"attachment": {"testCaseStartedId": "r", "mediaType": "image/png", "body": PNG, "contentEncoding": "BASE64"}},
        {"attachment": {"testCaseStartedId": "r", "mediaType": "image/png", "url": "shot.png"}},
        {"testCaseFinished": {"testCaseStartedId": "r"}},
        {"testRunFinished": {"success": True}},
    ),
    "behave-json": json.dumps(
        [
            {
                "keyword": "Feature",
                "name": "a",
                "location": "a:1",
                "elements": [
                    {"type": "scenario", "name": "b", "status": "passed", "description": "d", "steps": [_BDD_STEP]},
                    {"type": "scenario", "name": "b", "status": "passed", "tags": _BDD_TAGS, "steps": [_BDD_STEP]},
                ],
            }
        ]
    ),
    "playwright-json": json.dumps(
        {
            "config": {"rootDir": "/"},
            "suites": [
                {
                    "title": "a",
                    "specs": [
                        {
                            "title": "b",
                            "tags": ["a"],
                            "tests": [
                                {
                                    "projectName": "firefox",
                                    "status": "flaky",
                                    "annotations": _NOTES,
                                    "results": [_RETRY, {"status": "passed", "steps": [{"title": "k"}]}],
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    ),
    "ctrf": json.dumps(
        {
            "reportFormat": "CTRF",
            "results": {
                "tests": [
                    {
                        "name": "b",
                        "status": "passed",
                        "extra": {"annotations": _NOTES},
                        "attachments": [{"name": "s", "path": "shot.png"}],
                        "screenshot": PNG,
                    }
                ]
            },
        }
    ),
    "dart-json": _log(
        {"type": "start", "protocolVersion": "0.1.1", "runnerVersion": "1"},
        {"type": "testStart", "test": {"id": 1, "name": "b"}},
        {"type": "testDone", "testID": 1, "result": "success"},
        {"type": "done", "success": True},
    ),
    "vitest-json": json.dumps(
        {
            "numTotalTests": 1,
            "numTotalTestSuites": 1,
            "testResults": [
                {
                    "name": "a",
                    "assertionResults": [
                        {"title": "b", "status": "passed", "meta": NAMES, "tags": ["a"], "failureMessages": ["once"]}
                    ],
                }
            ],
        }
    ),
    "mochawesome": json.dumps(
        {
            "stats": {"suites": 1, "tests": 1},
            "results": [
                {
                    "tests": [
                        {
                            "title": "b",
                            "pass": True,
                            "context": json.dumps(
                                [
                                    *({"title": name, "value": value} for name, value in NAMES.items()),
                                    "shot.png",
                                    f"data:image/png;base64,{PNG}",
                                ]
                            ),
                        }
                    ]
                }
            ],
        }
    ),
    "go-json": _log(
        _go("run"), *(_go("attr", Key=name, Value=value) for name, value in NAMES.items()), _go("pass"), _go("end")
    ),
    "go-text": "=== RUN   TestA\n"
    + "".join(f"=== ATTR  TestA {name} {value}\n" for name, value in NAMES.items())
    + "--- PASS: TestA (0.00s)\nPASS\nok  \tshop\t0.1s\n",
    "tap": f"TAP version 14\n1..1\nok 1 - b\n  ---\n{_LINES}  ...\n",
    "rspec-json": json.dumps(
        {
            "examples": [{"description": "b", "status": "failed", "screenshot": {"image": "shot.png"}}],
            "summary_line": "",
        }
    ),
    "pytest-json-report": json.dumps(
        {
            "created": 1,
            "exitcode": 0,
            "summary": {},
            "tests": [
                {
                    "nodeid": "a.py::b",
                    "outcome": "passed",
                    "user_properties": [
                        *({name: value} for name, value in NAMES.items()),
                        {"testrun_evidence": PNG},
                        {"attachment": "shot.png"},
                    ],
                }
            ],
        }
    ),
    "pytest-reportlog": _log(
        {"$report_type": "SessionStart"},
        _phase("setup"),
        _phase("call", "rerun"),
        _phase("teardown"),
        _phase("setup"),
        _phase("call"),
        _phase("teardown", user_properties=[*NAMES.items(), ["testrun_evidence", PNG], ["attachment", "shot.png"]]),
        {"$report_type": "SessionFinish", "exitstatus": 0},
    ),
    "gtest-json": json.dumps(
        {
            "tests": 1,
            "failures": 0,
            "testsuites": [
                {
                    "name": "a",
                    "testsuite": [{"name": "b", "classname": "a", "status": "RUN", "result": "COMPLETED", **NAMES}],
                }
            ],
        }
    ),
    "ctest-xml": "<Site><Testing><Test Status='passed'><Name>b</Name><Labels><Label>"
    "REQ_SHOP-2</Label></Labels></Test></Testing></Site>",
    "catch2-xml": "<Catch name='a'><TestCase name='b' tags='[REQ_SHOP-2]'><OverallResult "
    "success='true'/></TestCase></Catch>",
    "allure2-dir": json.dumps(
        {
            "name": "b",
            "status": "passed",
            "labels": [{"name": name, "value": value} for name, value in NAMES.items()],
            "links": [{"type": "issue", "name": "SHOP-3"}],
            "parameters": [{"name": "n", "value": "1"}],
            "steps": [{"name": "k", "status": "passed"}],
            "attachments": [{"source": "shot.png", "type": "image/png"}],
        }
    ),
}
"""Format → a report with what no sample of it shows."""
