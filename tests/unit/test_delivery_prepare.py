"""Native reports made ready: merged, joined and cleaned without a change to any result."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import pytest

from xray_ci.delivery import prepare as module
from xray_ci.delivery.plan import ImportTarget, PlannedBody
from xray_ci.delivery.planners import native
from xray_ci.delivery.prepare import NativeReport, grouped, without_empty_properties
from xray_ci.delivery.prepare import prepare as prepared
from xray_ci.deployments import CLOUD, SERVER
from xray_ci.errors import UnreadableReport
from xray_ci.model import Place
from xray_ci.services.body import Pieces

SUITE = '<testsuite name="{0}"><testcase classname="c.{0}" name="t"><properties>{1}</properties></testcase></testsuite>'
KEY = '<property name="test_key" value="SHOP-1"/>'


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a report and returns it as found."""

    def written(name: str, text: str | bytes, format: str = "junit", tests: int | None = 1) -> NativeReport:  # noqa: A002
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return NativeReport(format=format, place=Place(path=path, shown=name), tests=tests)

    return written


def prepare(reports, deployment, folder):
    """Return what is to be sent of all reports, group by group."""
    return tuple(
        file
        for number, group in enumerate(grouped(reports))
        for file in prepared(group, deployment, folder, f"sent-{number}")
    )


def content(file) -> bytes:
    """Return what would be sent of a file."""
    return b"".join(Pieces(pieces=file.pieces))


def test_many_small_junit_files_become_one(write, tmp_path):
    """All suites of all files are in one document, with their properties."""
    reports = [write(f"{number}.xml", SUITE.format(number, KEY)) for number in range(100)]

    (file,) = prepare(reports, SERVER, tmp_path)

    root = ET.fromstring(content(file))
    assert [str(number) for number in range(100)] == [suite.get("name") for suite in root]
    assert len(root.findall("testsuite/testcase/properties/property[@value='SHOP-1']")) == 100
    assert 100 == len(file.shown) == file.tests


def test_a_merged_suite_keeps_its_own_suites_and_names(write, tmp_path):
    """Nested suites and suites of the same name stay as they are."""
    nested = (
        "<testsuites><testsuite name='a'><testsuite name='b'><testcase name='t'/></testsuite></testsuite></testsuites>"
    )

    (file,) = prepare([write("1.xml", nested), write("2.xml", nested)], SERVER, tmp_path)

    assert len(ET.fromstring(content(file)).findall("testsuite[@name='a']/testsuite[@name='b']/testcase")) == 2


@pytest.mark.parametrize(
    "other", ["<testsuites><testcase name='bare'/></testsuites>", "<testsuite><unclosed>", "<testcase name='bare'/>"]
)
def test_what_cannot_be_merged_without_loss_is_sent_as_it_is(write, tmp_path, other):
    """One odd file leaves all files as they are, one after the other."""
    reports = [write("1.xml", SUITE.format(1, KEY)), write("2.xml", other)]

    files = prepare(reports, SERVER, tmp_path)

    assert [report.place.path.read_bytes() for report in reports] == [content(file) for file in files]


def test_large_junit_files_are_not_merged(write, tmp_path, monkeypatch):
    """Above the bound no tree is built."""
    monkeypatch.setattr(module, "MERGE_LIMIT", 200)

    assert (
        len(prepare([write(f"{number}.xml", SUITE.format(number, KEY)) for number in range(3)], SERVER, tmp_path)) == 3
    )


def test_unknown_counts_stay_unknown(write, tmp_path):
    """A sum with an unknown number in it is unknown."""
    (file,) = prepare(
        [write("1.xml", SUITE.format(1, KEY)), write("2.xml", SUITE.format(1, KEY), tests=None)], SERVER, tmp_path
    )

    assert file.tests is None


def test_empty_properties_are_taken_out_for_cloud_alone(write, tmp_path):
    """They break Cloud's parser; Server/DC and clean files get the very bytes of the report."""
    dirty, clean = write("1.xml", SUITE.format(1, "")), write("2.xml", SUITE.format(1, KEY), format="robot")

    on_cloud, untouched = prepare([dirty, clean], CLOUD, tmp_path)

    assert b"properties" not in content(on_cloud)
    assert len(ET.fromstring(content(on_cloud))) == 1
    assert clean.place.path.read_bytes() == content(untouched)
    assert b"<properties></properties>" in content(prepare([dirty], SERVER, tmp_path)[0])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (b"<a><properties/></a>", b"<a></a>"),
        (b"<a><properties  \n/></a>", b"<a></a>"),
        (b"<a><properties>\n </properties ></a>", b"<a></a>"),
        (b"<a><![CDATA[<properties/>]]></a>", None),
        (b"<a><!--<properties/>--></a>", None),
        (b"<a><propertiesX/></a>", None),
        (b'<a><properties><property name="x"/></properties></a>', None),
        (b"<a><properties><!-- x --></properties></a>", None),
        (b"<a><properties", None),
        (b"<a><![CDATA[", None),
        (b"<a><![CDATA[x]]><properties/></a>", b"<a><![CDATA[x]]></a>"),
        (b"<a><!--x--><properties/></a>", b"<a><!--x--></a>"),
        (b"", None),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 11, 1000])
def test_only_empty_properties_are_taken_out(text, clean, piece, monkeypatch):
    """Texts, comments and filled properties stay to the byte, however the bytes are cut into pieces."""
    monkeypatch.setattr(module, "PIECE", piece)

    assert (text if clean is None else clean) == b"".join(without_empty_properties(io.BytesIO(text)))


@pytest.mark.parametrize("name", ["cucumber", "behave"])
def test_json_reports_become_one_array(write, tmp_path, name):
    """Features of all files are in one array, empty files and marks of encoding left out."""
    reports = [
        write("1.json", '[{"a": "]["}]', name),
        write("2.json", "[]", name),
        write("3.json", b"\xef\xbb\xbf [ {},\n{} ] \n", name),
        write("4.json", '\n[{"b": [], "tags": [{"name": "@x"}, {"name": "@y"}]}]', name),
    ]

    (file,) = prepare(reports, CLOUD, tmp_path)

    own = {"tags": []} if name == "cucumber" else {}
    assert json.loads(content(file)) == [
        {"a": "]["} | own,
        own,
        own,
        {"b": [], "tags": [{"name": "@x"}, {"name": "@y"}]},
    ]
    assert len(file.shown) == 4


def test_each_feature_can_get_the_key_of_a_test_execution_as_its_first_tag(write, tmp_path):
    """Where its tags begin is known, whether it has any or not; everything else stays."""
    report = write("1.json", '[{"name": "a"}, {"tags": [{"name": "@x"}], "name": "b"}, {"tags": null}]', "cucumber")
    (file,) = prepare([report], CLOUD, tmp_path)

    target = ImportTarget(deployment=CLOUD, test_execution="SHOP-40")
    (call,) = native(target, [file]).calls

    assert isinstance(call.body, PlannedBody)
    mine = {"name": "@SHOP-40", "line": 1}
    assert json.loads(b"".join(Pieces(pieces=call.body.pieces))) == [
        {"tags": [mine], "name": "a"},
        {"tags": [mine, {"name": "@x"}], "name": "b"},
        {"tags": [mine]},
    ]


@pytest.mark.parametrize("text", ["", "{}", "[{},]", "[{}", "[{}] [{}]", "null", "[1]"])
def test_what_is_no_array_is_unreadable(write, tmp_path, text):
    """A JSON report that is no array is named and never sent."""
    with pytest.raises(UnreadableReport) as raised:
        prepare([write("1.json", "[{}]", "cucumber"), write("2.json", text, "cucumber")], CLOUD, tmp_path)

    assert raised.value.where == "2.json"


def test_only_empty_arrays_are_no_report(write, tmp_path):
    """No feature at all is nothing to send."""
    with pytest.raises(UnreadableReport, match="no feature"):
        prepare([write("1.json", "[ ]", "cucumber")], CLOUD, tmp_path)
