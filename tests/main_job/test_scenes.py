"""What people see of a run: log and job summary of ten scenes, in the dialect of each kind of CI system.

`XRAY_CI_REWRITE_GOLDEN=1 pytest tests/main_job/test_scenes.py` writes the files in `data/scenes` anew: read the
difference before it is committed.
"""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from job_runs import CLOUD, case, keyed, suite

from xray_ci import __version__
from xray_ci.ci.systems import PROVIDERS

DATA = Path(__file__).parents[1] / "data"
FAILED = '<failure message="expected 3, got 4">Traceback: cart.py line 7</failure>'
SCENES = {
    "all passed": ({"r.xml": suite("s", case("adds"), case("pays"))}, ()),
    "failures": ({"r.xml": suite("s", case("adds"), case("pays", FAILED), keyed("logs in", "SHOP-3", FAILED))}, ()),
    "partial": ({"r.xml": suite("s", case("adds"), keyed("pays", "SHOP-12"))}, ()),
    "several executions": (
        {"a.xml": suite("a", case("adds")), "b.xml": suite("b", case("pays", FAILED))},
        ("--executions", "per-report"),
    ),
    "plan": ({"r.xml": suite("s", case("adds"), keyed("pays", "SHOP-3"))}, ("--dry-run",)),
    "refused": ({"r.xml": suite("s", case("adds"))}, ("--project", "NOPE")),
    "wrong setting": ({"r.xml": suite("s", case("adds"))}, ("--test-pln", "SHOP-2", "--region", "mars")),
    "5,000 failures": (
        {
            "r.xml": suite(
                "s",
                *(
                    case(f"t{number}", f'<failure message="{("no server", "no disk")[number % 3 == 0]}"/>')
                    for number in range(5_000)
                ),
            )
        },
        (),
    ),
    "flaky": (
        {
            "r.xml": suite(
                "s", case("adds"), case("pays", '<flakyFailure message="timeout" type="x">late</flakyFailure>')
            )
        },
        (),
    ),
    "skipped only": ({"r.xml": suite("s", case("adds", "<skipped/>"), case("pays", "<skipped/>"))}, ()),
}
"""Reports by name, and arguments."""
USUAL = {"github", "gitlab"}
"""Systems that `make test` looks at; all others `make proof`."""
HIDDEN = (
    (re.compile(r"127\.0\.0\.1(?::|&#58;)\d+"), "xray.example"),
    (re.compile(r"\beyJ[\w.-]+"), "TOKEN"),
    (re.compile(r"\b(run|xray-ci)-[0-9a-f]{16}\b"), r"\1-RANDOM"),
    (re.compile(r"(section_(?:start|end)):\d+"), r"\1:TIME"),
    (re.compile(re.escape(f"v{__version__}/")), "vVERSION/"),
)
"""What differs from run to run."""
OUTPUT = re.compile(r"##vso\[task\.setvariable |##teamcity\[setParameter ")
"""Lines that hand outputs on, which tests of their own look at."""


def dialects():
    """Return one CI system of each kind, by what its log and summary understand."""
    kinds = {}
    for row in PROVIDERS:
        kinds.setdefault((row.syntax, row.handover.summary), row.key)
    return sorted(kinds.values())


def surrounding(system, workspace, temp):
    """Return the variables that a system sets in a run of a branch, its folders being ours."""
    (first, *_) = json.loads((DATA / "ci" / f"{system}.json").read_text())
    ours = {first["facts"].get("workspace"): str(workspace), first["facts"].get("temp"): str(temp)}
    env = {name: ours.get(value, value) for name, value in first["env"].items() if "DEBUG" not in name}
    files = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT") if system == "github" else ()
    return env | {name: str(temp / name) for name in files}


def shown(text, *folders):
    """Return a text without what is of this run, one machine and one version, and without outputs."""
    text = "".join(line for line in text.splitlines(keepends=True) if not OUTPUT.match(line))
    for folder, name in zip(folders, ("WORKSPACE", "TEMP"), strict=True):
        text = text.replace(str(folder), name)
    for pattern, instead in HIDDEN:
        text = pattern.sub(instead, text)
    return text.replace("\r", "<CR>").replace("\x1b", "<ESC>")


@pytest.mark.parametrize(
    "system", [pytest.param(key, marks=[] if key in USUAL else pytest.mark.proof) for key in dialects()]
)
def test_log_and_summary_are_what_people_were_shown_before(system, inside, emulator, workspace, tmp_path):
    """Every scene, as its CI system shows it."""
    temp = tmp_path / "temp"
    told = []
    for name, (reports, arguments) in SCENES.items():
        emulator.reset()
        for folder in (workspace, temp):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        for path, content in reports.items():
            (workspace / path).write_text(content)
        env = {**CLOUD, **surrounding(system, workspace, temp)}
        result = inside("import", "--reports", "*.xml", *arguments, **env)
        pages = [path.read_text() for path in (*temp.glob("GITHUB_STEP_SUMMARY"), *temp.rglob("xray-ci.md"))]
        parts = [
            f"##### {name}: exit code {result.code}",
            result.out + result.err,
            *(f"##### page\n{page}" for page in pages),
        ]
        told += [shown(part, workspace, temp).rstrip() + "\n" for part in parts]
    text = "\n".join(told)
    golden = DATA / "scenes" / f"{system}.txt"
    if os.environ.get("XRAY_CI_REWRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert text.splitlines() == golden.read_text().splitlines()


def test_every_golden_file_is_of_a_dialect():
    """None is left behind, and none is missing."""
    assert dialects() == sorted(path.stem for path in (DATA / "scenes").iterdir())
