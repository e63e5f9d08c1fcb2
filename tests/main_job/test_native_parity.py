"""Converted or sent natively, a report ends up as the same Tests with the same statuses.

Whole jobs, compared by what is stored.

The world holds what a report names before it arrives: a Test for each key, a Story for each requirement. Our own
samples and those of the folder that XRAY_CI_CORPUS names are all compared in `make proof`, a choice of them always.
"""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from conftest import Clock
from emulator_client import SERVER_TOKEN
from job_runs import CLOUD as CLOUD_KEY
from native_samples import SAYING

from xray_ci.cli import execute
from xray_ci.delivery.planners import endpoints_of
from xray_ci.deployments import CLOUD, DEPLOYMENTS, JSON_FORMATS, Deployment
from xray_ci.emulator import world as worlds
from xray_ci.formats import FORMATS
from xray_ci.model import Outcome, Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.emulator.server import Emulator

HERE: Final = Path(__file__).parents[1] / "data" / "reports"
FOLDERS: Final = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
ENDPOINTS: Final = {row.key: row.family for row in FORMATS if row.read is not None and row.medium in {"xml", "json"}}
"""Endpoint of each format that can go both ways, were there one for it."""
BOTH_WAYS: Final = [
    (deployment, name)
    for deployment in DEPLOYMENTS.values()
    for name in endpoints_of(deployment)
    if name in ENDPOINTS.values()
]
USUAL: Final = frozenset(
    {
        "behave-json/behave-1.3.3-mixed.json",
        "cucumber-json/cucumber-ruby2.4-mixed.json",
        "junit/pytest9-xray-properties.xml",
        "junit/synthetic-empty-testsuites.xml",
        "junit/synthetic-minimal-no-attributes.xml",
        "junit/synthetic-xray-extended.xml",
        "nunit/jasmine-reporters-nunit2.xml",
        "robot/robot-7.3.2-output.xml",
        "testng/testng6.9-mixed-retry-config-dataprovider.xml",
    }
)
"""Samples that are compared in the usual run."""

_KEY: Final = r"[A-Z][A-Z0-9_]+-[1-9][0-9]*"
_NAMED: Final = re.compile(rf"(?<![\w-])(?:TEST_|TestName:)?(?P<key>(?!REQ_|TEST_){_KEY})\b")
_COVERED: Final = re.compile(
    rf"""(?:REQ_|(?i:requirements?)["']?(?:[>=:"'\s]|value|<!\[CDATA\[)*)((?:{_KEY}[,\s]*)+)"""
)
_PROMISES: Final = {
    "junit": re.compile(r'name="test_(?:id|key)"\s*(?:value="|>)([^"<]*)'),
    **dict.fromkeys(JSON_FORMATS, re.compile(r'"@?(?:TEST_|TestName:)([^"]*)"')),
}
"""Values that promise to be the key of a Test."""

Stored = dict[str, str]
"""Status by Test: its key when the report named it, else project, type and what identifies it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended and what it left behind."""

    code: int
    said: str
    executions: int
    stored: Stored


def populate(world: worlds.World, report: str) -> None:
    """Make the issues that a report names: covered ones Stories, all others Tests."""
    world.projects["SHOP"].last_number = 900_000  # what is made later has none of the keys that are named
    stories = {key for listed in _COVERED.findall(report) for key in re.findall(_KEY, listed)}
    for number, key in enumerate(
        sorted((stories | {found["key"] for found in _NAMED.finditer(report)}) - world.issues.keys())
    ):
        owner = key.rpartition("-")[0]
        world.projects.setdefault(
            owner,
            worlds.Project(
                key=owner,
                id=f"2{len(world.projects):04}",
                name=owner,
                environments=[],
                versions=[],
                last_number=900_000,
            ),
        )
        story = key in stories
        world.add(
            worlds.Issue(
                key=key,
                id=str(50_000 + number),
                project=owner,
                type="Story" if story else "Test",
                summary=f"issue {key}",
                created=world.issues["SHOP-1"].created,
                seeded=True,
                test=None if story else worlds.TestDetails(type="Generic", definition=f"definition of {key}"),
            )
        )


def identity(issue: worlds.Issue) -> str:
    """Return what a Test of the world is compared by."""
    if issue.seeded or issue.test is None:
        return issue.key
    return f"{issue.project} {issue.test.type} {issue.test.definition or issue.summary}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The main job on one report, each time in a fresh world."""

    server: Emulator
    deployment: Deployment
    report: Path
    clock: Clock

    def __call__(self, strategy: str) -> Ended:
        """Run it one way."""
        emulation = self.server.emulation
        emulation.reset()
        populate(emulation.world, self.report.read_bytes().decode("utf-8", "replace"))
        site = (
            {**CLOUD_KEY, "XRAY_CI_XRAY_URL": self.server.url}
            if self.deployment is CLOUD
            else {"XRAY_CI_JIRA_URL": self.server.jira_url, "XRAY_CI_JIRA_TOKEN": SERVER_TOKEN}
        )
        said = io.StringIO()
        code = execute(
            Process(
                ["import", "--strategy", strategy, "--reports", self.report.name],
                {"XRAY_CI_PROJECT": "SHOP", **site},
                str(self.report.parent),
                said,
                said,
                sleep=self._sleep,
                clock=self.clock.monotonic,
            )
        )
        executions = [
            issue.execution.runs for issue in emulation.world.executions() if not issue.seeded and issue.execution
        ]
        stored = {identity(emulation.world.issues[key]): run.status for runs in executions for key, run in runs.items()}
        assert len(stored) == sum(map(len, executions)), "a Test is stored twice"
        return Ended(code=code, said=said.getvalue(), executions=len(executions), stored=stored)

    def _sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.server.emulation.clock.advance(seconds)


def natively(endpoint: str, report: str, converted: Stored) -> Stored | None:
    """Return what Xray's own import stores of a report that was stored like this by conversion.

    None when it refuses the file.

    It does as conversion does, but: a value that promises the key of a Test and is none refuses the file (D for JUnit's
    properties, O for tags; conversion leaves out that one result), and Cucumber's and Behave's results only go to Tests
    that exist (D, O; conversion makes the others), without any the file is refused (A).
    """
    promised = _PROMISES[endpoint].findall(report) if endpoint in _PROMISES else []
    if not all(re.fullmatch(_KEY, value.strip()) for value in promised):
        return None
    if endpoint not in JSON_FORMATS:
        return converted
    return {name: status for name, status in converted.items() if re.fullmatch(_KEY, name)} or None


@pytest.fixture
def job(emulator_server, workspace, clock):
    """Return the job of a deployment on a report with this content."""

    def make(deployment: Deployment, name: str, content: bytes) -> Job:
        report = workspace / name
        report.write_bytes(content)
        return Job(server=emulator_server, deployment=deployment, report=report, clock=clock)

    return make


def samples() -> Iterator[object]:
    """Yield each `ok` sample of a format that has an endpoint, for each deployment that has it.

    A sample of two folders once.
    """
    found: dict[str, tuple[str, Path]] = {}
    for folder in FOLDERS:
        for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
            if expected["format"] in ENDPOINTS and expected["expect"] == "ok":
                found.setdefault(name, (ENDPOINTS[expected["format"]], folder / name))
    for name, (endpoint, path) in found.items():
        marks = () if name in USUAL else (pytest.mark.proof,)
        for deployment, known in BOTH_WAYS:
            if known == endpoint:
                yield pytest.param(deployment, endpoint, path, id=f"{deployment.key}-{name}", marks=marks)


@pytest.mark.parametrize(("deployment", "endpoint", "path"), list(samples()))
def test_both_ways_store_the_same(deployment, endpoint, path, job):
    """The Test Runs of a native import are those of a conversion.

    For what Xray's own import is documented to refuse.
    """
    content = path.read_bytes()
    run = job(deployment, path.name, content)

    converted, native = run("convert"), run("native")

    expected = natively(endpoint, content.decode("utf-8", "replace"), converted.stored)
    if not converted.executions:
        assert (converted.code, native.code, native.executions) == (3, 3, 0), (
            "only a report without a result is not sent"
        )
    elif expected is None:
        assert (native.code, native.executions) == (6, 0), native.said
    else:
        assert converted.code in (0, 4), converted.said
        assert expected == native.stored, native.said
        assert native.code == 0 or converted.code == 4, native.said


@pytest.mark.parametrize(
    ("deployment", "endpoint", "report", "stored"),
    [
        pytest.param(deployment, endpoint, report, stored, id=f"{deployment.key}-{endpoint}-{number}")
        for deployment, endpoint in BOTH_WAYS
        for number, (report, stored) in enumerate(SAYING[endpoint], start=1)
    ],
)
@pytest.mark.parametrize("strategy", ["convert", "native"])
def test_all_that_a_format_can_say_is_stored_as_expected(strategy, deployment, endpoint, report, stored, job):
    """Links, requirements, rows, retries, hooks and teardowns come to the Tests and statuses that are expected."""
    words = deployment.dialect.statuses
    said = {"PASS": words[Outcome.PASSED], "FAIL": words[Outcome.FAILED], "TODO": words[Outcome.SKIPPED]}

    ended = job(deployment, "report.json" if endpoint in JSON_FORMATS else "report.xml", report)(strategy)

    assert ended.code == 0, ended.said
    named = {
        name.removeprefix("SHOP Generic "): status
        for name, status in ended.stored.items()
        if not name.startswith("SHOP Cucumber ")
    }
    assert {name: said[word] for name, word in stored.items()} == named
    assert len(named) == len(ended.stored) or (strategy == "convert" and endpoint in JSON_FORMATS)


def test_every_endpoint_is_compared():
    """A row of the deployments table is compared, or its format has no converter."""
    rows = {name for deployment in DEPLOYMENTS.values() for name in endpoints_of(deployment)}
    unread = {row.family for row in FORMATS if row.read is None}

    assert rows - unread == set(SAYING) == {name for _, name in BOTH_WAYS}
    assert {name for name in USUAL if (HERE / name).is_file()} == USUAL
