"""What an import costs before it reads: counts of what is made and imported, which are the same on every machine."""

from __future__ import annotations

import json
import subprocess
import sys

from conftest import CHECKOUT, SEALED
from job_runs import CLOUD, case, suite

from xray_ci import patterns

COUNTING = """
import json, re, sys
made = {"patterns": 0}
build = re._compiler.compile
def counted(*args):
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == "re":
        frame = frame.f_back
    made["patterns"] += frame.f_globals["__name__"].startswith("xray_ci")
    return build(*args)
re._compiler.compile = counted
from xray_ci.__main__ import main
sys.argv = ["xray-ci", *sys.argv[1:]]
code = main()
made["modules"] = sum(name.partition(".")[0] == "xray_ci" for name in sys.modules)
late = {"oauthlib", "cryptography"}
late |= {"requests", "yaml", "jsonschema", "re2", "inspect", "dataclasses", "xray_ci.services.transport"}
made["late"] = sorted(late & {*sys.modules})
sys.stderr.write(json.dumps(made))
sys.exit(code)
"""
PATTERNS, MODULES = 50, 85
"""The most of our own."""


def ran(workspace, emulator, report):
    """Import one report in a process of its own; return its exit code and what it made."""
    (workspace / "r.xml").write_text(report)
    env = {**SEALED, **CLOUD, "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_XRAY_URL": emulator.url}
    done = subprocess.run(
        [sys.executable, "-B", "-c", COUNTING, "import", "--reports", "r.xml"],
        cwd=workspace,
        env={**env, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(done.stderr.splitlines()[-1])


def test_an_import_makes_few_classes_patterns_and_modules(workspace, emulator):
    """One report of 20 cases, two of which fail, sent and read back: no dataclass is made, nor what only they need."""
    failed = '<failure message="boom">at shop.Cart(Cart.java:3)</failure>'
    cases = [case(f"adds {number}", failed if number < 2 else "") for number in range(20)]

    code, made = ran(workspace, emulator, suite("s", *cases))

    assert code == 0
    assert made["patterns"] <= PATTERNS
    assert made["modules"] <= MODULES
    # From Python 3.13 on, a library that sends imports `inspect`.
    assert {*made["late"]} - {"inspect"} == {"requests", "xray_ci.services.transport"}


def test_a_broken_report_costs_no_client(workspace, emulator):
    """What sends is imported when there is something to send."""
    code, made = ran(workspace, emulator, "<testsuite><testcase name='a'></testsuite>")

    assert code != 0
    assert made["late"] == []


def test_every_late_pattern_compiles():
    """One that nobody has used yet is right all the same."""
    import importlib
    import pkgutil

    import xray_ci

    names = [
        found.name
        for found in pkgutil.walk_packages(xray_ci.__path__, "xray_ci.")
        if not found.name.startswith(("xray_ci.emulator", "xray_ci.__main__"))
    ]
    found = [value for name in names for value in vars(importlib.import_module(name)).values()]
    late = [value for value in found if isinstance(value, patterns.Lazy)]

    assert len(late) > 50
    assert all(one.groups >= 0 and one.fullmatch.__self__ is one.match.__self__ for one in late)


def test_answers_about_long_texts_are_not_kept():
    """A report of huge texts does not fill the memory with answers about them."""
    asked = []
    measure = patterns.remembered(lambda text: asked.append(text) or len(text))
    short, long = "x" * patterns.SHORT, "x" * (patterns.SHORT + 1)

    assert [measure(text) for text in (short, short, long, long)] == [256, 256, 257, 257]
    assert asked == [short, long, long]
