"""Where a run keeps what it sends until it has arrived: the state folder, and the journal in it.

Chooses the folder, says before the first request where it would not last, and makes journals of plans and plans of
journals. What is in a journal is the delivery's knowledge.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from xray_ci import __version__
from xray_ci.errors import ConfigurationError
from xray_ci.pipeline.job import WorkFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.ci.provider import Surroundings
    from xray_ci.delivery.journal import Journal
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Progress
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.settings.values import Settings

_OURS: Final = ".xray-ci"
_CONTAINERS: Final = ("/.dockerenv", "/run/.containerenv")


def state_dir(settings: Settings, around: Surroundings) -> tuple[Path, Path]:
    """Return the state folder, and the folder around it from which no link is followed."""
    if settings.state_dir is not None:
        return settings.state_dir, settings.state_dir.parent
    temp = Path(around.temp) if around.temp else None
    root = temp if temp is not None and temp.is_dir() else settings.workspace
    return root / _OURS, root


def tidy(settings: Settings, around: Surroundings) -> None:
    """Remove the state folder that was made because none is set, when nothing is left in it."""
    if settings.state_dir is None:
        with suppress(OSError):
            state_dir(settings, around)[0].rmdir()


class StateFolder(WorkFolder):
    """A work folder that a later run can find; where none can be made, one that goes with this run."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        super().__init__(around.temp if around.temp and Path(around.temp).is_dir() else None)
        self._settings, self._around = settings, around
        self._where = state_dir(settings, around)
        self._own: Path | None = None
        self.kept = False
        """Whether it holds what is not delivered yet: then it stays."""
        self.fault: str | None = None
        """Why nothing can be kept."""

    @property
    def path(self) -> Path:
        """Where it is; raises ConfigurationError when not even a temporary one can be made."""
        if self._own is not None:
            return self._own
        if self.fault is None:
            from xray_ci.safefiles import StateUnwritable, make_folder  # noqa: PLC0415  # msgspec: with the first report

            try:
                self._own = make_folder(self._where[0], root=self._where[1])
            except StateUnwritable as failure:
                self.fault = f"{failure.what} ({failure.where})"
            else:
                return self._own
        return super().path

    @property
    def root(self) -> Path:
        """The folder around it that is trusted: no link below it is followed."""
        return self._where[1]

    @property
    def lasting(self) -> bool:
        """Whether a later run finds what is in it."""
        return self._own is not None

    def vanishes(self) -> bool:
        """Say whether it lies in the file system of a container, which ends with it.

        A workspace in a temporary folder is meant to.
        """
        if self._own is None or not any(Path(name).exists() for name in _CONTAINERS):
            return False
        if self._settings.workspace.is_relative_to(tempfile.gettempdir()):
            return False
        return self._own.stat().st_dev == Path("/").stat().st_dev

    def close(self) -> None:
        """Remove it, unless something in it is left to deliver."""
        super().close()
        if self._own is not None and not self.kept:
            import shutil  # noqa: PLC0415

            shutil.rmtree(self._own, ignore_errors=True)
            tidy(self._settings, self._around)


@contextmanager
def journal(job: Job, site: Site, plan: Plan, *, failed: int) -> Iterator[Journal[Any] | None]:
    """Give the journal of a plan, None where nothing can be kept (said); it is finished or stays by `job.work.kept`.

    `failed` are cases of its reports, which a later run does not read.
    """
    from xray_ci.delivery import plan as record  # noqa: PLC0415
    from xray_ci.delivery.journal import Journal  # noqa: PLC0415
    from xray_ci.delivery.progress import Entry  # noqa: PLC0415
    from xray_ci.delivery.statelock import lock  # noqa: PLC0415
    from xray_ci.safefiles import StateUnwritable  # noqa: PLC0415

    work = job.work
    if not isinstance(work, StateFolder) or not work.lasting:
        why = work.fault if isinstance(work, StateFolder) and work.fault else "there is no state folder"
        job.console.notice(f"what is sent is not recorded, so nothing could be resumed: {why}")
        yield None
        return
    if work.vanishes():
        job.console.notice(
            f"the state folder {work.path.parent} goes with this container: mount one and set `state-dir` to resume "
            "later"
        )
    folder, root = work.path, work.root
    with lock(folder, root=root):
        try:
            run = record.recorded(plan, folder, host=site.base_url, made_by=f"xray-ci {__version__}", failed=failed)
            files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in _NOT_SEALED)
            held: Journal[Any] = Journal.begin(folder, run, Entry, files=files, root=root)
        except (OSError, ValueError, StateUnwritable) as fault:
            job.console.notice(f"what is sent is not recorded, so nothing could be resumed: {fault}")
            yield None
            return
        with held:
            yield held


@contextmanager
def reopened(folder: Path, site: Site, root: Path) -> Iterator[tuple[Journal[Any], Plan, Progress, int]]:
    """Give what an earlier run left: its journal, its plan, how far it came, and how many cases failed in its reports.

    Raises Failure for what is not ours or not for here.
    """
    from xray_ci.delivery import plan as record  # noqa: PLC0415
    from xray_ci.delivery.journal import Journal  # noqa: PLC0415
    from xray_ci.delivery.progress import Entry, Progress  # noqa: PLC0415
    from xray_ci.delivery.statelock import lock  # noqa: PLC0415

    with lock(folder, root=root):
        held: Journal[Any]
        held, run, entries = Journal.reopen(folder, record.RecordedRun, Entry, root=root)
        with held:
            _check_target(run, site.deployment, site.base_url, folder)
            sizes = {each.name: each.length for each in held.files}
            yield held, record.restored(run, site.deployment, folder, sizes), Progress(entries), run.failed


def _check_target(run: Any, deployment: Deployment, host: str, folder: Path) -> None:
    """Refuse to send somewhere else than where it was meant to go.

    Hosts come from the present settings, never from a file.
    """
    if (run.deployment, run.host) != (deployment.key, host):
        raise ConfigurationError(
            f"what is kept there was meant for {run.deployment} at {run.host[:200]!r}, and the settings say "
            f"{deployment.key} at {host}",
            where=str(folder),
            slug="state-for-another-host",
            advice="Run `resume` with the settings of the run that left it, or remove the folder.",
        )


_NOT_SEALED: Final = frozenset({"lock", "lock.held", "decisions"})
