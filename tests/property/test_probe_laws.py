"""Laws of a report of facts: nothing that a site says in words of its own is in it, whatever the site is called."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import msgspec
import pytest
from conftest import SEALED
from emulator_client import Emulated
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from xray_ci.cli import execute
from xray_ci.emulator.server import Emulator, Serving
from xray_ci.model import Process
from xray_ci.probe import cloud, importing, reading, report, server, shapes, table
from xray_ci.probe.asking import Short
from xray_ci.services.wire import classify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARKS = st.integers(0, 16**6 - 1).map(lambda n: f"zq{n:06x}w")
"""Words that no vendor has."""


def marked(mark):
    """Documents full of a mark: as text, within text, as a name of a member, beside what the vendor says."""
    texts = st.sampled_from(
        [mark, mark.upper(), f"{mark}-1", f"'{mark}'", f"issue {mark} is not there", f"{mark}.example", f"a:{mark}!"]
    )
    leaves = texts | st.booleans() | st.integers() | st.none()
    names = texts | st.sampled_from(["error", "errors", "message", "errorMessages", "status", "key", "text", "warning"])
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))


@given(st.data(), st.integers(100, 599))
def test_no_word_of_an_answer_is_told(data, status):
    """Of any document, text or page, whatever its status: only shapes, numbers and words of the table."""
    mark = data.draw(MARKS)
    document = data.draw(marked(mark))
    body = data.draw(
        st.sampled_from([json.dumps(document), f"{mark} {document}", f"<html><title>{mark}</title>", f'"{mark}'])
    ).encode()
    outcome = classify(status, {mark: mark, "retry-after": mark}, body, NOW)

    for look in (shapes.seen, *(row.look for row in _looks())):
        try:
            seen = look(outcome)
        except Short:
            continue
        for fact in list(table.facts().values())[:3]:
            row = report.judged(fact, shapes.clean(seen), "cloud")
            assert mark not in json.dumps(msgspec.to_builtins(row), ensure_ascii=False).lower()


def _looks():
    return (*reading.READS, *reading.DOCUMENTS, *importing.BOTH, *cloud.REFUSED, *server.REFUSED)


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner, max_size=3)))
def test_what_is_clean_stays_as_it_is(value):
    """Cleaning twice is cleaning once."""
    once = shapes.clean(value)

    assert shapes.clean(once) == once


def world(mark, key):
    """Return a world in which everything that has a name has the mark in it."""
    test = {"type": "Generic", "definition": f"{mark}.T.a"}
    issues = {
        f"{key}-1": {"type": "Test", "summary": f"{mark} sums", "test": test},
        f"{key}-2": {"type": "Test Plan", "summary": mark, "labels": [mark]},
        f"{key}-9": {"type": "Test Execution", "summary": f"of {mark}", "execution": {"runs": {f"{key}-1": "PASSED"}}},
    }
    login = {"account-id": mark, "display": mark, "email": f"{mark}@example.com"}
    return {
        "projects": {key: {"name": mark, "environments": [mark], "versions": [mark]}},
        "custom-fields": [{"id": "customfield_19999", "name": mark}],
        "statuses": [{"name": mark.upper(), "final": True, "coverage": "NOTRUN"}],
        "accounts": [{"name": mark, "password": "p", "token": f"{mark}t", "api-token": f"{mark}a", **login}],
        "api-keys": {mark.upper() * 4: {"secret": f"{mark}s"}},
        "issues": issues,
    }


@pytest.mark.parametrize("on", ["cloud", "server"])
@settings(max_examples=2, phases=[Phase.generate])
@given(mark=MARKS)
def test_no_name_key_text_or_host_of_a_site_is_in_a_report(tmp_path_factory, on, mark):
    """A whole probe of a world full of marks: issues, people, fields, statuses, versions, addresses, secrets."""
    folder, key = tmp_path_factory.mktemp("world"), mark.upper()
    file = folder / "world.yaml"
    file.write_text(json.dumps(world(mark, key)))
    with Emulator(port=0, serving=Serving(world=str(file))) as serving:
        emulated = Emulated(serving.url)
        env = {**SEALED, "XRAY_CI_PROJECT": key, **_settings(on, serving, mark)}
        out, err = io.StringIO(), io.StringIO()
        line = ("probe", "--write", "--output", str(folder / "facts.json"))
        process = Process(
            line, env, str(folder), out, err, sleep=lambda s: emulated.clock(advance=s), clock=lambda: 0.0
        )
        assert execute(process) == 0
        port = serving.url.rpartition(":")[2]
    told = (folder / "facts.json").read_text("utf-8")

    assert out.getvalue().endswith(told)
    assert sum(row.verdict == "confirmed" for row in report.read(told.encode()).facts) > 100
    for secret in (mark, port, "127.0.0.1", "localhost"):
        assert secret not in told.lower()


def _settings(on, serving, mark):
    if on == "server":
        return {"XRAY_CI_JIRA_URL": serving.jira_url, "XRAY_CI_JIRA_TOKEN": f"{mark}t"}
    key = {"XRAY_CI_CLIENT_ID": mark.upper() * 4, "XRAY_CI_CLIENT_SECRET": f"{mark}s", "XRAY_CI_XRAY_URL": serving.url}
    jira = {"XRAY_CI_JIRA_USERNAME": f"{mark}@example.com", "XRAY_CI_JIRA_TOKEN": f"{mark}a"}
    return {**key, **jira, "XRAY_CI_JIRA_URL": serving.url}
