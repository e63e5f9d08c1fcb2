"""The table of facts: whole, the one source of the emulator's marks, and behind every assumption of the client."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from agreement import facts_table
from source_trees import nodes

from xray_ci.emulator import answers
from xray_ci.emulator.switches import Switches
from xray_ci.emulator.wire import TABLES
from xray_ci.probe import report, shapes, table

CHECKOUT = Path(__file__).resolve().parents[2]
EMULATOR = sorted((CHECKOUT / "xray_ci" / "emulator").rglob("*.py"))
ROUTES = sorted({(method, rule.rule) for module in TABLES for rule in module.rules() for method in rule.methods or ()})
OURS = {"delivery/marker.py"}
"""Modules whose (A) is of no site of Xray or Jira: how long a CI system runs a job again."""


def test_there_are_enough_facts():
    """At least 120, of which at least 70 are probed."""
    rows = table.facts().values()

    assert len(rows) >= 120
    assert sum(fact.probe != "never" for fact in rows) >= 70


def test_every_row_is_whole():
    """A statement in one line, a known mark, a source, and what a probe sees or why there is none."""
    for fact in table.facts().values():
        assert fact.says.endswith((".", "!")) and "\n" not in fact.says, fact.id
        assert fact.mark in table.MARKS and fact.source and fact.on in ("cloud", "server", "both"), fact.id
        assert fact.probe in ("never", "read", "write", "named"), fact.id
        assert (fact.probe != "never") is bool(fact.expect), fact.id
        assert (fact.probe in ("never", "named")) is bool(fact.why), fact.id
        assert bool(fact.positions or fact.number) <= bool(fact.switch), fact.id


def test_every_module_that_rests_on_a_fact_is_there():
    """A row names modules of the product as they are."""
    named = {name for fact in table.facts().values() for name in fact.client}

    assert sorted(name for name in named if not (CHECKOUT / "xray_ci" / name).is_file()) == []


def test_every_assumption_of_the_client_has_a_row():
    """Each module that says (A) of a vendor is named by a row that is assumed, or by one that took its place."""
    assuming = {
        str(path.relative_to(CHECKOUT / "xray_ci"))
        for room in ("settings", "xray", "services", "delivery", "site", "pipeline")
        for path in (CHECKOUT / "xray_ci" / room).rglob("*.py")
        if "(A)" in path.read_text(encoding="utf-8")
    } | {"deployments.py"}
    known = {name for fact in table.facts().values() for name in fact.client}

    assert sorted(assuming - known - OURS) == []


def test_every_route_rests_on_a_fact():
    """The closest pattern of the table decides; a route without one is no rule of any vendor."""
    assert [route for route in ROUTES if answers.fact_of(*route) not in table.facts()] == []


def test_every_pattern_of_a_route_is_met():
    """A row names no route that the emulator has not."""
    used = {answers.fact_of(method, rule) for method, rule in ROUTES}

    assert sorted(fact.id for fact in table.facts().values() if fact.routes and fact.id not in used) == []


def test_every_refusal_of_the_emulator_names_its_fact():
    """Whoever refuses says by which row: literally, or by one of a few that differ by side."""
    bare = [
        f"{path.name}:{call.lineno}"
        for path in EMULATOR
        if path.name not in ("answers.py", "control.py")
        for call in nodes(path)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and (call.func.id in ("refusal", "jira_refusal") or (call.func.id == "Refusal" and _made(call)))
        and not any(word.arg == "fact" for word in (*call.keywords, *_inner(call)))
    ]

    assert bare == []


def _made(call: ast.Call) -> bool:
    return isinstance(call.args[0], ast.Call)


def _inner(call: ast.Call) -> list[ast.keyword]:
    return [word for each in call.args if isinstance(each, ast.Call) for word in each.keywords]


def test_every_fact_that_a_refusal_names_is_there():
    """What stands in the emulator as an id is one."""
    text = "".join(path.read_text(encoding="utf-8") for path in EMULATOR)
    named = set(re.findall(r'fact="([\w-]+)"', text)) - {"defect"}
    named |= {side + rest for rest in re.findall(r'fact=f"\{[\w.]+\}([\w-]+)"', text) for side in ("cloud", "server")}

    assert sorted(named - table.facts().keys()) == []


def test_every_switch_is_of_a_fact_and_can_be_set_by_a_report():
    """Each switch of the emulator has a row that names it; each that is probed has one that says how it stands."""
    named = {name for fact in table.facts().values() for name in fact.switch}
    probed = {name for fact in table.facts().values() if fact.probe != "never" for name in fact.switch}
    decided = {
        name
        for fact in table.facts().values()
        for name in (*fact.number, *(switch for position in fact.positions for switch in position.set))
    }

    assert named == set(Switches().as_dict())
    assert probed == decided


def test_the_emulator_takes_every_position():
    """What a row sets is a value of that switch."""
    for fact in table.facts().values():
        for position in fact.positions:
            Switches().patch(position.set)


def test_the_documents_are_up_to_date():
    """`make generate` changes nothing."""
    assert [str(path) for path, text in facts_table.files().items() if path.read_text("utf-8") != text] == []


def test_contributed_reports_can_be_played():
    """Each is a report of facts that are in the table, and sets an emulator; its shapes hold no word of a site."""
    reports = sorted((CHECKOUT / "tests/data/facts").glob("*.json"))
    for path in reports:
        content = path.read_bytes()
        held = report.read(content)
        Switches().as_reported(content)
        assert {row.fact for row in held.facts} <= table.facts().keys()
        assert all(shapes.clean(row.seen) == row.seen for row in held.facts)
        assert held.finished

    assert {path.name for path in reports} >= {"cloud-0.json", "server-0.json"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"facts": {}}',
        b'{"facts": [1]}',
        b'{"facts": [{"switches": []}]}',
        b"[" * 100_000,
        b'{"facts": [{"switches": {"no_such": 1}}]}',
        b'{"facts": [{"switches": {"max_body": "much"}}]}',
    ],
)
def test_what_is_no_report_sets_nothing(content):
    """A file that is another thing, or names what is no switch, is refused whole."""
    switches = Switches()
    with pytest.raises(ValueError, match=r"no report|no such setting|max_body takes"):
        switches.as_reported(content)

    assert switches == Switches()
