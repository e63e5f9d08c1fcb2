"""The plan: which requests, in which order, with what in them, before anything is sent."""

from __future__ import annotations

import json
from random import Random

import pytest

from xray_ci.delivery.marker import Marker
from xray_ci.delivery.plan import Hole, ImportTarget, PlanNotice
from xray_ci.delivery.planners import BatchOnDisk, MarkerLookup, NativeFile, convert, endpoints_of, native
from xray_ci.delivery.send import upload
from xray_ci.deployments import CLOUD, DEPLOYMENTS, JSON_FORMATS, SERVER, XML_FORMATS
from xray_ci.errors import ConfigurationError

INFO = {"project": "SHOP", "summary": "nightly"}
FORM_INFO = {"fields": {"project": {"key": "SHOP"}}}


@pytest.fixture
def batches(tmp_path):
    """Return two batches in one spooled file."""
    first, second = b'{"testKey":"SHOP-1"}', b'{"testKey":"SHOP-3"},{"testKey":"SHOP-4"}'
    (tmp_path / "spool").write_bytes(first + second)
    return (
        BatchOnDisk(path=tmp_path / "spool", offset=0, length=len(first), tests=1),
        BatchOnDisk(path=tmp_path / "spool", offset=len(first), length=len(second), tests=2),
    )


def body_of(call, key=None) -> bytes:
    """Return what would be sent."""
    return b"".join(upload(call, key, Random(1)).body)


def xml(name="junit", shown="r.xml") -> NativeFile:
    """Return a native report."""
    return NativeFile(format=name, shown=(shown,), pieces=(b"<report/>",), tests=3)


def test_one_batch_is_one_request_that_creates(batches):
    """Nothing but one plain request where one will do."""
    plan = convert(ImportTarget(deployment=CLOUD, project="SHOP"), batches[:1], info=INFO)

    (call,) = plan.calls
    assert json.loads(body_of(call)) == {"info": INFO, "tests": [{"testKey": "SHOP-1"}]}
    assert call.execution is None
    assert [call.describe() for call in plan.calls] == [
        "create a Test Execution in SHOP: 1 result, 78 bytes, POST /import/execution"
    ]


def test_later_batches_go_to_the_key_that_the_first_answer_brings(batches):
    """The second request has a hole for the key and names the Test Plan for the Tests that only it brings."""
    plan = convert(ImportTarget(deployment=SERVER, project="SHOP", test_plan="SHOP-2"), batches, info=INFO)

    first, second = plan.calls
    assert Hole(call="import-1") == second.execution
    assert "testExecutionKey" not in json.loads(body_of(first))
    assert json.loads(body_of(second, "SHOP-41")) == {
        "testExecutionKey": "SHOP-41",
        "info": {"testPlanKey": "SHOP-2"},
        "tests": [{"testKey": "SHOP-3"}, {"testKey": "SHOP-4"}],
    }
    assert plan.tests == 3
    assert "add to the Test Execution that import-1 creates" in plan.calls[1].describe()
    with pytest.raises(LookupError):
        body_of(second)


def test_an_existing_test_execution_gets_every_batch(batches):
    """With a key from the settings no request creates; the multipart path is taken for what only that one writes."""
    plan = convert(ImportTarget(deployment=CLOUD, test_execution="SHOP-7"), batches, info=None, form_info=FORM_INFO)
    target = ImportTarget(deployment=CLOUD, test_execution="SHOP-7", fields={"x": 1})
    written = convert(target, batches, info=None, form_info=FORM_INFO)

    assert [call.execution for call in (*plan.calls, *written.calls)] == ["SHOP-7"] * 4
    assert [json.loads(body_of(call))["testExecutionKey"] for call in plan.calls] == ["SHOP-7", "SHOP-7"]
    assert [call.endpoint.multipart for call in written.calls] == [True, False]
    assert b'{"testExecutionKey":"SHOP-7","tests":[{"testKey":"SHOP-1"}]}' in body_of(written.calls[0])


@pytest.mark.parametrize(("deployment", "part"), [(CLOUD, "results"), (SERVER, "result")])
def test_fields_make_the_first_request_a_form_and_the_later_ones_plain(batches, deployment, part):
    """Only the multipart path takes fields; what follows goes to the key that it brings."""
    plan = convert(
        ImportTarget(deployment=deployment, project="SHOP", labels=("nightly",)),
        batches,
        info=INFO,
        form_info=FORM_INFO,
    )

    first, second = plan.calls
    assert first.endpoint.multipart
    assert not second.endpoint.multipart
    assert [("info", "info.json"), (part, "results.json")] == [(each.name, each.filename) for each in first.body.parts]
    assert b'name="info"; filename="info.json"' in body_of(first)
    assert b'{"tests":[{"testKey":"SHOP-1"}]}' in body_of(first)


def test_a_plan_knows_whether_the_info_part_counts(batches):
    """What the `info` part could not carry is only told when it is sent."""
    wanted = {"deployment": CLOUD, "project": "SHOP"}

    assert convert(ImportTarget(**wanted, fields={"x": 1}), batches, info=INFO, form_info=FORM_INFO).by_form
    assert not convert(ImportTarget(**wanted), batches, info=INFO, form_info=FORM_INFO).by_form


def test_no_batch_is_no_request():
    """Nothing to import is an empty plan."""
    assert convert(ImportTarget(deployment=CLOUD, project="SHOP"), (), info=INFO).calls == ()


def test_a_plan_is_the_same_every_time(batches):
    """Same input, same objects."""
    target = ImportTarget(deployment=CLOUD, project="SHOP")

    assert convert(target, batches, info=INFO) == convert(target, batches, info=INFO)


def test_what_creates_can_add_where_a_test_execution_turns_out_to_be_there(batches):
    """The same results with a hole for the key and without what only a new one takes.

    What adds anyway stays as it is.
    """
    mark = MarkerLookup(
        marker=Marker(token=f"xrayci{'a' * 24}", look=True, race=False),
        blank={"summary": "nightly"},
        adding={"testPlanKey": "SHOP-2"},
    )
    plan = convert(
        ImportTarget(deployment=CLOUD, project="SHOP", labels=("x",)),
        batches,
        info=INFO,
        form_info=FORM_INFO,
        mark=mark,
    )

    (execution,) = plan.executions
    creating, adding = execution.calls
    assert creating.endpoint.multipart
    assert json.loads(body_of(creating.adding, "SHOP-41")) == {
        "testExecutionKey": "SHOP-41",
        "info": {"testPlanKey": "SHOP-2"},
        "tests": [{"testKey": "SHOP-1"}],
    }
    assert (creating.id, creating.tests, creating.tests_at) == (
        creating.adding.id,
        creating.adding.tests,
        creating.adding.tests_at,
    )
    assert adding.adding is None
    assert (mark.marker, {"summary": "nightly"}, "import-1", None) == (
        execution.marker,
        execution.blank,
        execution.id,
        execution.key,
    )


def test_requests_are_grouped_by_the_test_execution_that_they_fill():
    """What can only create makes one each; what can be added follows the first."""
    files = [
        xml(),
        NativeFile(format="cucumber", shown=("c",), pieces=(b"[]",)),
        NativeFile(format="behave", shown=("b",), pieces=(b"[]",)),
    ]
    plan = native(ImportTarget(deployment=CLOUD, project="SHOP"), files, form_info=FORM_INFO)

    assert [(each.id, [call.endpoint.format for call in each.calls]) for each in plan.executions] == [
        ("import-1", ["cucumber", "junit"]),
        ("import-2", ["behave"]),
    ]
    assert {call.id for call in plan.calls} == {call.id for each in plan.executions for call in each.calls}


def test_the_mark_is_on_the_first_native_test_execution_alone():
    """Two of one mark could not be told apart, and a request without a form carries none."""
    files = [xml(), NativeFile(format="behave", shown=("b",), pieces=(b"[]",))]
    marker = Marker(token=f"xrayci{'a' * 24}", look=True, race=False)
    mark = MarkerLookup(marker=marker, blank={"summary": "nightly"}, adding={})
    target = ImportTarget(deployment=CLOUD, project="SHOP")
    formed = native(target, [files[1], files[1]], form_info=FORM_INFO, mark=mark)
    plain = native(target, files[:1], mark=mark)

    assert [(each.marker, each.blank) for each in formed.executions] == [(marker, {"summary": "nightly"}), (None, None)]
    assert [(each.marker, each.blank) for each in plain.executions] == [(None, None)]


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=lambda row: row.key)
@pytest.mark.parametrize("name", XML_FORMATS)
def test_native_xml_files_share_one_test_execution(deployment, name):
    """The first file creates with everything in its query, the next ones name its key."""
    target = ImportTarget(
        deployment=deployment,
        project="SHOP",
        test_plan="SHOP-2",
        environments=("chrome", "linux"),
        revision="abc",
        fix_version="1.0",
    )
    plan = native(target, [xml(name, "a.xml"), xml(name, "b.xml")])

    first, second = plan.calls
    assert first.query == (
        ("projectKey", "SHOP"),
        ("testPlanKey", "SHOP-2"),
        ("testEnvironments", "chrome;linux"),
        ("revision", "abc"),
        ("fixVersion", "1.0"),
    )
    assert (("testExecKey", Hole(call="import-1")), ("testPlanKey", "SHOP-2")) == second.query
    assert [notice.count for notice in plan.notices if f"2 {name} reports go one after the other" in notice.text] == [1]
    assert len(plan.notices) == 1
    if deployment is SERVER:
        assert b'name="file"; filename="report.xml"\r\nContent-Type: application/xml\r\n\r\n<report/>\r\n' in body_of(
            first
        )
    else:
        assert body_of(first) == b"<report/>"


def test_native_xml_into_an_existing_test_execution():
    """The key of the settings is in every request."""
    plan = native(ImportTarget(deployment=CLOUD, project="SHOP", test_execution="SHOP-7"), [xml(), xml("robot")])

    assert [call.query for call in plan.calls] == [(("testExecKey", "SHOP-7"),)] * 2


@pytest.mark.parametrize(("deployment", "part"), [(CLOUD, "results"), (SERVER, "file")])
def test_native_fields_take_the_multipart_path_once(deployment, part):
    """Fields of the Test Execution and of Tests go with the first file; what later files lose is counted."""
    target = ImportTarget(deployment=deployment, project="SHOP", fields={"x": 1}, test_fields={"labels": ["auto"]})
    plan = native(target, [xml(shown="a"), xml(shown="b"), xml(shown="c")], form_info=FORM_INFO)

    assert ["info", part, "testInfo"] == [each.name for each in plan.calls[0].body.parts]
    assert b'{"fields":{"labels":["auto"],"project":{"key":"SHOP"}}}' in body_of(plan.calls[0])
    assert plan.calls[0].query == ()
    assert [call.endpoint.multipart for call in plan.calls[1:]] == [False, False]
    assert (
        PlanNotice(text="`test-fields` is left out: a request to an existing Test Execution cannot carry it", count=2),
    ) == plan.notices[:1]


def test_test_fields_may_come_in_jiras_own_shape():
    """`fields` and `update` as in Jira's create call are kept as they are."""
    target = ImportTarget(
        deployment=CLOUD, project="SHOP", test_fields={"fields": {"labels": ["a"]}, "update": {"x": []}}
    )
    plan = native(target, [xml()], form_info=FORM_INFO)

    assert b'{"fields":{"labels":["a"],"project":{"key":"SHOP"}},"update":{"x":[]}}' in body_of(plan.calls[0])


@pytest.mark.parametrize("name", JSON_FORMATS)
@pytest.mark.parametrize(("deployment", "part"), [(CLOUD, "results"), (SERVER, "result")])
def test_native_json_takes_the_multipart_path_to_name_its_project(deployment, part, name):
    """The plain path of Cucumber and Behave knows no project, so it is only taken when none is known."""
    report = NativeFile(format=name, shown=("c.json",), pieces=(b"[]",))
    with_info = native(ImportTarget(deployment=deployment, project="SHOP"), [report], form_info=FORM_INFO)
    without = native(ImportTarget(deployment=deployment, test_plan="SHOP-2"), [report])

    assert ["info", part] == [each.name for each in with_info.calls[0].body.parts]
    assert body_of(without.calls[0]) == b"[]"
    assert (
        PlanNotice(text=f"`test-plan` is left out: the path for {name} reports cannot carry it"),
    ) == without.notices


def test_json_goes_first_so_that_xml_can_follow_to_its_key():
    """What can only create creates; what can be added is added."""
    plan = native(
        ImportTarget(deployment=CLOUD, project="SHOP"),
        [xml(), NativeFile(format="cucumber", shown=("c",), pieces=(b"[]",))],
        form_info=FORM_INFO,
    )

    assert [call.endpoint.format for call in plan.calls] == ["cucumber", "junit"]
    assert [None, Hole(call="import-1")] == [call.execution for call in plan.calls]
    assert plan.notices == ()


def test_formats_that_only_create_make_several_test_executions_and_say_so():
    """Cucumber and Behave together cannot share one."""
    files = [NativeFile(format=name, shown=("c",), pieces=(b"[]",)) for name in JSON_FORMATS]
    plan = native(ImportTarget(deployment=CLOUD, project="SHOP"), files, form_info=FORM_INFO)

    assert [each.text for each in plan.notices] == [
        "2 Test Executions are created: these formats cannot be added to an existing one"
    ]


def test_a_bundle_is_a_form_on_server():
    """A zip goes as the part `file`; what its path cannot carry is told."""
    plan = native(
        ImportTarget(deployment=SERVER, project="SHOP", revision="abc"),
        [NativeFile(format="bundle", shown=("b.zip",), pieces=(b"PK",))],
    )

    assert b'name="file"; filename="results.zip"\r\nContent-Type: application/zip\r\n\r\nPK' in body_of(plan.calls[0])
    assert {"`project`", "`revision`"} == {each.text.split()[0] for each in plan.notices}


@pytest.mark.parametrize(
    ("deployment", "name", "more", "where"),
    [
        (CLOUD, "bundle", {"project": "SHOP"}, "strategy"),
        (CLOUD, "trx", {"project": "SHOP"}, "strategy"),
        (SERVER, "cucumber", {"test_execution": "SHOP-7"}, "test-execution"),
        (SERVER, "bundle", {"test_execution": "SHOP-7"}, "test-execution"),
        (CLOUD, "junit", {}, "project"),
    ],
)
def test_what_cannot_work_is_configuration(deployment, name, more, where):
    """A format without endpoint, a target it cannot have and a project it lacks are refused before anything is sent."""
    with pytest.raises(ConfigurationError) as raised:
        native(ImportTarget(deployment=deployment, **more), [NativeFile(format=name, shown=("x",), pieces=(b"",))])

    assert where == raised.value.where


@pytest.mark.parametrize(("deployment", "bundle"), [(CLOUD, False), (SERVER, True)])
def test_the_native_formats_come_from_the_table(deployment, bundle):
    """A format is native where it has an endpoint."""
    names = endpoints_of(deployment)

    assert {*XML_FORMATS, *JSON_FORMATS} <= set(names)
    assert bundle == ("bundle" in names)
    assert "xray-json" not in names
