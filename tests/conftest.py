"""Seals every test, and gives it a workspace, a clock and the product as a process.

Sealed: sockets reach loopback only, no proxy, no home, no credential and no CI variable of the machine gets in,
warnings are errors, the order is random. What a test wants in its environment it says itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler.loadscope import LoadScopeScheduling

CHECKOUT = Path(__file__).resolve().parent.parent
pytest_plugins = ["corpus_table", "emulator_client", "job_runs", "proof.fault_table"]
ENTRYPOINT = CHECKOUT / "entrypoint.py"
SEALED: Mapping[str, str] = {
    "HOME": "/dev/null/nowhere",  # where no tool can make one, whoever it runs as
    "PATH": os.defpath,
    "TZ": "HOUSE-05:45",  # no place has it by chance: a local time that is taken for UTC is seen
    # pytest-socket cannot watch other processes: there all but loopback goes to a proxy that is not there
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost,::1",
}
MEASURED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START", "COVERAGE_CORE")
"""How a child process learns that its coverage is wanted too."""
KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "XRAY_CI_CORPUS",
    "XRAY_CI_FACTS",
    "XRAY_CI_REWRITE_GOLDEN",
    *MEASURED,
)
"""What our own process keeps; the product's process gets `SEALED` and `MEASURED` alone."""

settings.register_profile(
    "house",
    max_examples=20,
    deadline=None,
    database=None,
    print_blob=True,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)  # a busy machine is no defect
settings.register_profile("deep", settings.get_profile("house"), max_examples=200)
settings.register_profile("search", settings.get_profile("house"), max_examples=1_000, derandomize=False)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Empty the environment before the first test module is imported."""
    for name in tuple(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "DOCKER_")):
            del os.environ[name]
    os.environ.update(
        {name: value for name, value in SEALED.items() if name not in ("PATH", "HTTP_PROXY", "HTTPS_PROXY")}
    )
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Give what looks at all sources to one process, which reads them once; pytest 9.2 does not hear `xdist_group`."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "sources" if nodeid.startswith("tests/agreement/") else nodeid

    return Together(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of what grows with what, which the tests that measured it left in their reports."""
    rows = [
        text
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        for name, text in report.user_properties
        if name == "growth"
    ]
    if rows:
        terminalreporter.section("growth: size, seconds; 16 x the size, seconds; growth for each 4 x, at most 6")
        for row in sorted(rows):
            terminalreporter.write_line(str(row))


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Undo what a test changes in the environment or the working directory."""
    before, folder = dict(os.environ), Path.cwd()
    yield
    os.chdir(folder)
    # pytest notes the running test in the environment, so the two differ always
    kept = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    os.environ.clear()
    os.environ.update(before | kept)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the working directory, as a pipeline's checkout is."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@dataclass
class Clock:
    """A clock that stands still until someone sleeps."""

    moment: datetime = datetime(2026, 3, 10, 2, 30, tzinfo=UTC)
    passed: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return self.moment + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Return seconds since the test began."""
        return self.passed

    def sleep(self, seconds: float) -> None:
        """Let time pass at once, and remember it."""
        self.slept.append(seconds)
        self.passed += seconds


def least_peak(work: Callable[[], object], enough: float) -> int:
    """Return how many bytes of Python's memory some work needs at most, measured again where that is over `enough`.

    The least of three: a thread that another test left, such as its emulator's, may need memory meanwhile.
    """
    peaks: list[int] = []
    while len(peaks) < 3 and (not peaks or min(peaks) > enough):
        tracemalloc.start()
        try:
            work()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)


@pytest.fixture
def clock() -> Clock:
    """Return a clock to hand in where the product would use the machine's."""
    return Clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run of the product ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err


class Run:
    """Runs the product as a process, isolated as in the image, with an environment that holds nothing by chance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**SEALED, **{name: os.environ[name] for name in MEASURED if name in os.environ}}

    def command(self, *arguments: str) -> list[str]:
        """Return what is started."""
        return [sys.executable, "-I", "-u", "-B", str(ENTRYPOINT), *arguments]

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        timeout: float = 60,
    ) -> Result:
        """Run to the end; `env` comes on top of `run.env`."""
        done = subprocess.run(
            self.command(*arguments),
            env={**self.env, **(env or {})},
            cwd=cwd or self.folder,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return Result(code=done.returncode, out=done.stdout, err=done.stderr)

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start and leave running, with both outputs as pipes; for signals and long runs.

        Use it as a context manager.
        """
        return subprocess.Popen(
            self.command(*arguments),
            env={**self.env, **(env or {})},
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


@pytest.fixture
def run(workspace: Path) -> Run:
    """Return the product as a callable: `run("inspect", env={"INPUT_REPORTS": "*.xml"})`."""
    return Run(workspace)
