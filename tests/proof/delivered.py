"""A delivery over a real socket in the emulator's own time.

What a run says, what it leaves, and what is stored as if it had no keys.

For proofs that compare a disturbed delivery with an undisturbed one. Knows the product's command line and the emulator,
no fault.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator_client import CLIENT_ID, CLIENT_SECRET, SERVER_TOKEN, Emulated
from job_runs import case, keyed, suite

from xray_ci.cli import execute
from xray_ci.model import Process

SNAPSHOT_KEY = "emulator-global-key"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_WORKFLOW": "tests",
    "GITHUB_JOB": "unit",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_SERVER_URL": "https://github.example",
}
GITLAB = {"GITLAB_CI": "true", "CI_PROJECT_PATH": "acme/shop", "CI_PIPELINE_ID": "815", "CI_JOB_GROUP_NAME": "tests"}
SCENES: Mapping[str, Mapping[str, str]] = {
    "first": GITHUB,
    "again": {**GITHUB, "GITHUB_RUN_ATTEMPT": "2"},
    "heavy": {**GITHUB, "XRAY_CI_BATCH_BYTES": "2600"},
    "race": {**GITLAB, "CI_JOB_NAME": "tests 1/2", "CI_NODE_TOTAL": "2"},
}
"""What surrounds a run: nothing to look for, an earlier attempt, evidence of one test that is too big for a request, a
shard beside it."""
WAYS: Mapping[str, Mapping[str, str]] = {
    "converted": {"XRAY_CI_TEST_PLAN": "SHOP-2"},
    "junit": {"XRAY_CI_STRATEGY": "native", "XRAY_CI_TEST_PLAN": "SHOP-2"},
    "cucumber": {"XRAY_CI_REPORTS": "*.json", "XRAY_CI_TEST_PLAN": "SHOP-2"},
}
"""Converted results; reports of JUnit as they are; Cucumber's as they are by default, for each scenario has a Test."""
_OWN = ("key", "id", "created")
_TOKEN = re.compile(r"eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*")


def settings(emulator: Emulated, side: str) -> dict[str, str]:
    """Return what lets a run reach one product."""
    if side == "cloud":
        return {
            "XRAY_CI_CLIENT_ID": CLIENT_ID,
            "XRAY_CI_CLIENT_SECRET": CLIENT_SECRET,
            "XRAY_CI_XRAY_URL": emulator.url,
        }
    return {"XRAY_CI_JIRA_URL": emulator.jira_url, "XRAY_CI_JIRA_TOKEN": SERVER_TOKEN}


def write_reports(folder: Path) -> None:
    """Write six tests, some of them with a key and some with evidence, that go out in three batches of two."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("log.txt", "page.html"):
        (folder / name).write_text(f"evidence of {name}\n" * 50)
    shown = "<system-out>[[ATTACHMENT|log.txt]]</system-out>"
    both = (
        "<failure message='boom'>trace</failure>"
        "<system-out>[[ATTACHMENT|log.txt]]\n[[ATTACHMENT|page.html]]</system-out>"
    )
    (folder / "a.xml").write_text(
        suite(
            "a",
            case("adds", shown),
            keyed("removes", "SHOP-3", both),
            case("sorts", "<skipped/>"),
            case("shows", classname="shop.List"),
            keyed("pays", "SHOP-1", shown),
            case("prints", shown),
        )
    )

    features = [
        {"uri": "a.feature", "name": "A", "elements": [_scenario("Search", "@SHOP-8", "passed")]},
        {
            "uri": "b.feature",
            "name": "B",
            "tags": [{"name": "@b"}],
            "elements": [_scenario("Pay", "@SHOP-4", "failed")],
        },
    ]
    (folder / "c.json").write_text(json.dumps(features))


def _scenario(name: str, tag: str, status: str) -> dict[str, Any]:
    steps = [{"keyword": "Given ", "name": "a shop", "result": {"status": status}}]
    return {"type": "scenario", "name": name, "tags": [{"name": tag}], "steps": steps}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    text: str


@dataclass(kw_only=True)
class Delivery:
    """Runs of the product in one workspace, in the emulator's time."""

    emulator: Emulated
    folder: Path
    side: str
    scene: str = "first"
    way: str = "converted"
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    more: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def env(self) -> dict[str, str]:
        """Return the environment of a run."""
        return {
            **settings(self.emulator, self.side),
            **SCENES[self.scene],
            "XRAY_CI_PROJECT": "SHOP",
            "XRAY_CI_REPORTS": "*.xml",
            **({"XRAY_CI_BATCH_TESTS": "2", "XRAY_CI_ATTACHMENTS": "all"} if self.way == "converted" else {}),
            "XRAY_CI_STATE_DIR": str(self.state),
            "XRAY_CI_SNAPSHOT_PAGE_IDS": "131073",
            "XRAY_CI_SNAPSHOT_API_KEY": SNAPSHOT_KEY,
            "XRAY_CI_SNAPSHOTS_URL": self.emulator.url + "/take-snapshot/{page-id}",
            "XRAY_CI_FAIL_ON": "snapshots",
            "XRAY_CI_LOG_LEVEL": "debug",
            **WAYS[self.way],
            **self.more,
        }

    def __call__(self, *argv: str) -> Ended:
        """Run one command to its end; asserts that it told no secret and left none on the disk."""
        out, err = io.StringIO(), io.StringIO()
        code = execute(Process(argv, self.env(), str(self.folder), out, err, sleep=self.sleep, clock=self.clock))
        left = [path.read_bytes().decode(errors="replace") for path in self.state.rglob("*") if path.is_file()]
        for text in (out.getvalue(), err.getvalue(), *left):
            tell_no_secret(text)
        return Ended(code=code, text=out.getvalue() + err.getvalue())


def tell_no_secret(text: str) -> None:
    """Assert that no credential and no token is in a text; masking commands of a CI system are not shown by it."""
    shown = "\n".join(line for line in text.splitlines() if not line.startswith("::add-mask::"))
    for secret in (CLIENT_SECRET, SERVER_TOKEN, SNAPSHOT_KEY):
        assert secret not in shown
    assert not _TOKEN.search(shown)


def stored(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a world holds besides its seed, by names instead of keys.

    Equal for equal deliveries, whatever way they went.
    """
    issues = state["issues"]
    named = {
        key: f"{issue['test']['definition'] or issue['summary']}"
        for key, issue in issues.items()
        if issue["type"] == "Test"
    }
    made = [issue for issue in issues.values() if not issue["seeded"]]
    executions = [issue for issue in made if issue["type"] == "Test Execution"]
    numbers = {issue["key"]: f"execution {number}" for number, issue in enumerate(executions)}
    plans = {
        key: [
            sorted(named[test] for test in issue["plan"]["tests"]),
            sorted(numbers.get(each, each) for each in issue["plan"]["executions"]),
        ]
        for key, issue in issues.items()
        if issue["plan"] is not None
    }
    return {
        "executions": [_execution(issue, named) for issue in executions],
        "plans": plans,
        "duplicates": state["duplicates"],
        "tests": sorted(named[issue["key"]] for issue in made if issue["type"] == "Test"),
        "definitions": {named[key]: issue["test"] for key, issue in issues.items() if issue["type"] == "Test"},
    }


def _bare(value: Any) -> Any:
    """Return a value without the numbers that the emulator gives."""
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if name not in ("id", "test")}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _execution(issue: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    details = {name: value for name, value in issue["execution"].items() if name not in ("imports", "runs")}
    runs = {named[key]: _sorted(_bare(run)) for key, run in issue["execution"]["runs"].items()}
    return {name: value for name, value in issue.items() if name not in (*_OWN, "execution")} | {
        "runs": runs,
        "execution": details,
    }


def _sorted(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run with its evidence by name: what was refused once comes after the rest."""
    return {**run, "evidence": sorted(run["evidence"], key=lambda file: str(file["filename"]))}


def runs_of(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the runs of every Test Execution of what is stored, together."""
    return {name: run for execution in found["executions"] for name, run in execution["runs"].items()}


def harm(left: Mapping[str, Any], whole: Mapping[str, Any], *, rivals: int = 0, follows: bool = False) -> list[str]:
    """Return what must not be, also while a delivery is not complete, given what a complete one leaves.

    `rivals` make a Test Execution besides; evidence `follows` the results, and may not all be there yet.
    """
    full = [execution for execution in left["executions"] if execution["runs"]]
    wrong = [f"{len(full)} Test Executions hold results"] if len(full) > 1 else []
    if len(left["executions"]) > 1 + rivals:
        wrong.append(f"{len(left['executions'])} Test Executions have one mark")
    right = runs_of(whole)
    wrong += [
        f"{name} is stored as it was never sent"
        for name, run in runs_of(left).items()
        if run != right.get(name) and not (follows and name in right and _lacks_evidence(run, right[name]))
    ]
    if len(set(left["tests"])) != len(left["tests"]) or left["duplicates"]:
        wrong.append("a Test or a result is doubled")
    return wrong


def _lacks_evidence(run: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Say whether a run is right but for files of evidence that are not there yet, each at most once."""
    have, want = list(run["evidence"]), list(right["evidence"])
    return {**run, "evidence": want} == right and all(have.count(file) <= want.count(file) for file in have)
