"""Everything that fuzzing has ever kept is read again, without a fuzzer.

The stored corpus, and what once broke a law.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import families, mutate, words
from fuzz.families import CORPUS, FAMILIES, REGRESSIONS, Family
from xray_ci.formats import FORMATS
from xray_ci.model import Case, Outcome
from xray_ci.reports import junit

CHECKOUT = Path(__file__).resolve().parents[2]
KEPT = [path for root in (CORPUS, REGRESSIONS) for path in sorted(root.rglob("*")) if path.is_file()]


def named(family: Family) -> str:
    return family.key


@pytest.mark.parametrize("family", FAMILIES, ids=named)
def test_every_kept_input_holds_the_laws(family):
    """Whatever was found before is read or refused today, and says the same to both deployments."""
    for path in families.stored(family):
        try:
            families.judge(family, path.read_bytes())
        except Exception as error:
            error.add_note(f"input: {path.relative_to(CHECKOUT)}")
            raise


def test_every_reader_is_in_one_family():
    """A new format is fuzzed from its first day."""
    covered = sorted(module for family in FAMILIES for module in family.modules)

    assert sorted({row.reader for row in FORMATS if row.reader is not None}) == covered


@pytest.mark.parametrize("family", FAMILIES, ids=named)
def test_every_family_starts_from_something(family):
    """A fuzzer that starts from nothing finds nothing in the seconds it has."""
    assert list((CORPUS / family.key).iterdir())


def test_kept_inputs_stay_small():
    """The whole corpus is small, and so is each input; every folder belongs to a family."""
    sizes = {path: path.stat().st_size for path in KEPT}

    assert sum(sizes.values()) < 1_500_000
    assert max(sizes.values()) <= 20_000
    assert {path.parent.name for path in KEPT} <= {family.key for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES, ids=named)
def test_dictionaries_are_what_the_fuzzer_reads(family):
    """One quoted entry of plain ASCII a line, with the readers' own words among them."""
    lines = words.dictionary(family).splitlines()

    assert not [line for line in lines if not re.fullmatch(r'"(?:[ -!#-\[\]-~]|\\x[0-9A-F]{2})+"', line)]
    assert len(lines) > 60


@pytest.mark.parametrize(
    "flaw",
    [
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"name": "\ud800"},
        {"message": "x" * 40_000},
        {"line": 0},
        {"outcome": Outcome.ERROR, "trace": "x" * 40_000},
    ],
    ids=repr,
)
def test_a_broken_law_is_found(monkeypatch, flaw):
    """A reader that yields what no report may hold does not pass."""
    monkeypatch.setattr(junit, "read", lambda _: iter([Case(**{"name": "n", "outcome": Outcome.PASSED, **flaw})]))

    with pytest.raises((AssertionError, UnicodeError)):
        families.judge(families.named("xml-junit"), b"<testsuite/>")


def test_another_exception_is_found(monkeypatch):
    """A reader that fails with an exception of Python does not pass, whatever its input was."""
    monkeypatch.setattr(junit, "read", lambda _: iter([1 // 0]))

    for content in (b"<testsuite/>", b"<other/>", b"{}"):
        with pytest.raises(ZeroDivisionError):
            families.judge(families.named("xml-junit"), content)


def test_a_reader_that_sees_its_pieces_is_found(monkeypatch):
    """A reader whose result depends on how its bytes arrive does not pass."""
    monkeypatch.setattr(junit, "read", lambda source: iter([source.read(10_000)]))

    with pytest.raises(AssertionError, match="_elements"):
        families.judge(families.named("media"), b"<testsuite/>" * 100)


@given(
    content=st.sampled_from([path.read_bytes() for path in KEPT[::9]]) | st.binary(max_size=60),
    rng=st.randoms(use_true_random=False),
)
def test_any_input_can_be_changed(content, rng):
    """Changing an input never fails, and the changed one holds the laws of detection as every other."""
    made = mutate.changed(content, ["name", "status"], rng)

    families.judge(families.named("detection"), content if made is None else made)


LONG = "x" * 33_000
"""More than is kept of any text: too large an input to be stored."""
LONG_ONES = {
    "member": ("json-other", {"tests": [{"testKey": "SHOP-1", "status": "PASSED", LONG: 1}], LONG: 1}),
    "example": ("json-other", {"tests": [{"testKey": "SHOP-1", "status": "PASSED", "examples": [LONG]}]}),
    "message": (
        "robot",
        {
            "generator": "Robot",
            "generated": "",
            "suite": {"name": "s", "tests": [{"name": "t", "status": "FAIL", "message": LONG}]},
        },
    ),
    "step": (
        "json-cucumber",
        [
            {
                "uri": "a.feature",
                "name": "f",
                "elements": [
                    {
                        "type": "scenario",
                        "name": "s",
                        "steps": [{"keyword": "Given ", "name": LONG, "result": {"status": "passed"}}],
                    }
                ],
            }
        ],
    ),
}


@pytest.mark.parametrize("name", LONG_ONES)
def test_long_texts_are_cut(name):
    """No text that is put together.

    No message that names what is in a report, is longer than what is kept of one.
    """
    family, document = LONG_ONES[name]

    families.judge(families.named(family), json.dumps(document).encode())


def test_a_folder_is_written_as_one_input():
    """Names are those of files in the folder, and bytes without a name are a result."""
    assert families.folder(b"==== a-result.json\n{}\n==== b.json\n[]") == {"a-result.json": b"{}\n", "b.json": b"[]"}
    assert list(families.folder(b"{}").values()) == [b"{}"]
    assert [name for name in families.folder(b"==== ..\nx==== ../a\ny") if "/" in name or not name.strip(".")] == []


def test_the_lock_agrees_with_that_of_the_tests():
    """What is fuzzed is what is tested and shipped: the same versions, and only the fuzzer beside them."""
    pins = {
        name: dict(
            re.findall(
                r"^([\w.-]+)==(\S+)",
                (CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        )
        for name in ("fuzz", "runtime")
    }

    assert {"atheris"} == pins["fuzz"].keys() - pins["runtime"].keys()
    assert pins["runtime"].items() <= pins["fuzz"].items()


def test_a_machine_without_the_fuzzer_is_no_failure():
    """Where no fuzzer is installed, as in the environment of the tests, `make fuzz` says so and passes."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(CHECKOUT / "tests" / "fuzz" / "run.py"), "1"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was fuzzed" in done.stdout
