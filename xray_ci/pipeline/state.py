"""Where a run keeps what it sends until it has arrived: the state folder, and the journal in it.

Chooses the folder, says before the first request where it would not last, and makes journals of plans and plans of
journals, sealed with a key that only who has the run's credentials can make. What is in a journal is the delivery's
knowledge.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci import __version__
from xray_ci.errors import DOCS, ConfigurationError, Failure, many
from xray_ci.pipeline.job import WorkFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xray_ci.ci.provider import Surroundings
    from xray_ci.delivery.journal import Journal, KeyOf
    from xray_ci.delivery.plan import KeptPlan, Plan
    from xray_ci.delivery.progress import Entry, Progress
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.secret import Secret
    from xray_ci.settings.values import Settings

_OURS: Final = ".xray-ci"
_IGNORE: Final = ".gitignore"
_IGNORED: Final = b"*\n"
_CLEANED: Final = frozenset({"github", "azure"})
"""CI systems that empty the runner's temp folder after each job (D)."""
KEEPING: Final = f"{DOCS}/exactly-once.md says how to keep the state folder"
_CONTAINERS: Final = ("/.dockerenv", "/run/.containerenv")


def state_dir(settings: Settings, around: Surroundings) -> tuple[Path, Path]:
    """Return the state folder, and the folder around it from which no link is followed."""
    if settings.state_dir is not None:
        return settings.state_dir, settings.state_dir.parent
    temp = Path(around.temp) if around.temp else None
    root = temp if temp is not None and temp.is_dir() else settings.workspace
    return root / _OURS, root


def tidy(settings: Settings, around: Surroundings) -> None:
    """Remove what we put around the folders of runs, when nothing else is left there."""
    from xray_ci.safefiles import Folder  # noqa: PLC0415

    folder, root = state_dir(settings, around)
    with suppress(OSError):
        with Folder.enter(folder, root) as opened:
            if opened.names() == [_IGNORE]:
                opened.remove(_IGNORE)
        if settings.state_dir is None:
            folder.rmdir()


def _ignore(folder: Path, root: Path) -> None:
    """Let Git ignore all that is in a folder of ours."""
    from xray_ci.safefiles import Folder  # noqa: PLC0415

    with suppress(OSError), Folder.enter(folder, root) as opened:
        descriptor = opened.open(_IGNORE, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_IGNORED)


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

            ours = self._settings.state_dir is None or not self._where[0].exists()
            try:
                self._own = make_folder(self._where[0], root=self._where[1])
            except StateUnwritable as failure:
                self.fault = f"{failure.what} ({failure.where})"
            else:
                if ours:
                    _ignore(*self._where)
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

    @property
    def resumable(self) -> bool:
        """Whether it holds what is not delivered yet, and stays."""
        return self.kept and self.stays

    def vanishes(self) -> bool:
        """Say whether it lies in the file system of a container, which ends with it.

        A workspace in a temporary folder is meant to.
        """
        if self._own is None or not any(Path(name).exists() for name in _CONTAINERS):
            return False
        import tempfile  # noqa: PLC0415

        if self._settings.workspace.is_relative_to(tempfile.gettempdir()):
            return False
        return self._own.stat().st_dev == Path("/").stat().st_dev

    @property
    def stays(self) -> bool:
        """Whether a later job finds it: not in a container's own file system, nor where the CI system cleans up."""
        temp = self._settings.state_dir is None and self._around.temp is not None
        cleaned = temp and self._around.provider.key in _CLEANED and self._where[1] == Path(self._around.temp or "")
        return self.lasting and not cleaned and not self.vanishes()

    def close(self) -> None:
        """Remove it, unless something in it is left to deliver."""
        super().close()
        if self._own is not None and not self.kept:
            import shutil  # noqa: PLC0415

            shutil.rmtree(self._own, ignore_errors=True)
            tidy(self._settings, self._around)


_N: Final = 1 << 14
"""Work of scrypt with r = 8 and p = 1: about 50 ms and 16 MB for each guess of a password (measured on a busy machine:
88 ms); a run pays it once for each folder."""


def key_of(settings: Settings, deployment: Deployment) -> KeyOf:
    """Return what makes the key of a state folder from its salt.

    `state-key`, the client secret, an access token and a private key are long and random: HKDF (RFC 5869) of one. A
    password is not, so trying one on a folder has to cost something: scrypt.
    """
    own = settings.jira_token or settings.oauth_private_key
    token = settings.client_secret if deployment.key == "cloud" else own
    strong = settings.state_key or token
    if strong is not None:
        return lambda salt: _hkdf(strong, salt)
    weak = settings.jira_password
    if weak is not None and hasattr(hashlib, "scrypt"):
        return lambda salt: hashlib.scrypt(weak.reveal().encode(), salt=salt, dklen=32, n=_N, r=8, p=1, maxmem=64 << 20)
    raise ConfigurationError(
        "there is nothing to seal the state folder with",
        where="state-key",
        slug="missing-setting",
        advice="Set `state-key`, or the credentials of the run that left the folder.",
    )


def _hkdf(secret: Secret, salt: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt, secret.reveal().encode(), "sha256"), b"xray-ci state\x01", "sha256")


@contextmanager
def journal(
    job: Job, site: Site, plan: Plan, *, failed: int, run: str = ""
) -> Iterator[tuple[Journal[Entry] | None, Plan]]:
    """Give the journal of a plan, and the plan as it is sealed in it; None where nothing can be kept, which is said.

    The journal is finished or stays, by `job.work.kept`. `failed` are cases of the reports, which a later run does not
    read; `run` as `run_of` makes it.
    """
    from xray_ci.delivery.journal import Journal  # noqa: PLC0415
    from xray_ci.delivery.plan import VERSION, KeptPlan, bound  # noqa: PLC0415
    from xray_ci.delivery.statelock import lock  # noqa: PLC0415
    from xray_ci.safefiles import StateUnwritable  # noqa: PLC0415

    work = job.work
    if not isinstance(work, StateFolder) or not work.lasting:
        why = work.fault if isinstance(work, StateFolder) and work.fault else "there is no state folder"
        job.console.notice(f"what is sent is not recorded, so nothing could be resumed: {why}")
        yield None, plan
        return
    if work.vanishes():
        job.console.notice(
            f"the state folder {work.path.parent} goes with this container: mount one and set `state-dir` to keep what "
            "is not sent"
        )
    folder, root = work.path, work.root
    kept = KeptPlan(
        version=VERSION,
        made_by=f"xray-ci {__version__}",
        deployment=plan.deployment.key,
        host=site.base_url,
        executions=plan.executions,
        covered=plan.covered,
        failed=failed,
        run=run,
    )
    with lock(folder, root=root, tell=job.console.notice):
        try:
            files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in _NOT_SEALED)
            held: Journal[Entry] = Journal.begin(
                folder, kept.written(folder), key_of(job.settings, site.deployment), files=files, root=root
            )
        except (OSError, ValueError, StateUnwritable) as fault:
            job.console.notice(f"what is sent is not recorded, so nothing could be resumed: {fault}")
            yield None, plan
            return
        with held:
            yield held, bound(plan, held.files)


class Reopened(NamedTuple):
    """What an earlier run left."""

    held: Journal[Entry]
    kept: KeptPlan
    plan: Plan
    progress: Progress
    """How far it came."""


@contextmanager
def reopened(folder: Path, job: Job, site: Site, root: Path) -> Iterator[Reopened]:
    """Give what an earlier run left; raises Failure for what is not ours or not for here."""
    import msgspec  # noqa: PLC0415

    from xray_ci.delivery.journal import Journal  # noqa: PLC0415
    from xray_ci.delivery.plan import kept_plan  # noqa: PLC0415
    from xray_ci.delivery.progress import Entry, Progress  # noqa: PLC0415
    from xray_ci.delivery.statelock import lock  # noqa: PLC0415

    with lock(folder, root=root, tell=job.console.notice):
        reader: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
        held, kept, entries = Journal.reopen(
            folder, kept_plan(folder), reader, key_of(job.settings, site.deployment), root=root
        )
        with held:
            _check_host(kept, site.deployment, site.base_url, folder)
            yield Reopened(held, kept, kept.plan(site.deployment, held.files), Progress(entries))


def _check_host(kept: KeptPlan, deployment: Deployment, host: str, folder: Path) -> None:
    """Refuse to send somewhere else than where it was meant to go.

    Hosts come from the present settings, never from a file.
    """
    if (kept.deployment, kept.host) != (deployment.key, host):
        raise ConfigurationError(
            f"what is kept there was meant for {kept.deployment} at {kept.host[:200]!r}, and the settings say "
            f"{deployment.key} at {host}",
            where=str(folder),
            slug="state-for-another-host",
            advice="Run `resume` with the settings of the run that left it, or remove the folder.",
        )


def hold(settings: Settings, plan: Plan, folder: Path) -> None:
    """Refuse what the settings of this run do not allow: they hold against what a folder says.

    Any job with the same credentials can leave a folder that verifies; what is set here is meant to bound this one.
    """
    conflicts = [
        f"`{name}: {wanted}`, and the folder says {said or 'none'}"
        for execution in plan.executions
        for name, wanted, said in (
            ("test-execution", settings.test_execution, execution.key),
            ("test-plan", next(iter(settings.test_plan), None), execution.test_plan),
            ("project", settings.project, execution.project or settings.project),
        )
        if wanted is not None and wanted != said
    ]
    if settings.key_projects and (key := _key_elsewhere(plan, frozenset(settings.key_projects))) is not None:
        conflicts.append(f"`key-projects: {', '.join(settings.key_projects)}`, and a result in the folder is of {key}")
    if conflicts:
        raise ConfigurationError(
            f"what is kept there is not for these settings: {conflicts[0]}",
            where=str(folder),
            slug="state-for-other-settings",
            advice=f"Run `resume` with the settings of the run that left it, or `xray-ci resume --drop {folder.name}`.",
        )


def _key_elsewhere(plan: Plan, projects: frozenset[str]) -> str | None:
    """Return the first Test key that is of none of the projects."""
    from xray_ci.delivery.reconcile import listed  # noqa: PLC0415

    for call in plan.calls:
        for test in listed(call.tests_at) if call.tests_at is not None else ():
            key = test.head.testKey
            if key is not None and key.rpartition("-")[0] not in projects:
                return key
    return None


def run_of(job: Job, site: Site, plan: Plan, reports: Iterable[str]) -> str:
    """Return what tells this run from others: its reports by name, where they go, and the CI system's own id of it."""
    known = job.surroundings.run_id is not None
    said = [
        site.base_url,
        sorted(reports),
        [
            (each.key, each.project, each.test_plan, each.marker.token if known and each.marker else None)
            for each in plan.executions
        ],
    ]
    return hashlib.sha256(json.dumps(said).encode("utf-8", "surrogatepass")).hexdigest()


def drop_needless(job: Job, site: Site, run: str) -> None:
    """Remove what earlier attempts of a run left, now that all of it has arrived: `resume` would send it again.

    Also where something of it may have arrived: going on would fill a second Test Execution with the same results. Of
    shards nothing is removed: their reports may have the same names.
    """
    from xray_ci.delivery.journal import pending  # noqa: PLC0415

    where, root = state_dir(job.settings, job.surroundings)
    with suppress(Failure):
        for folder in pending(where, root=root):
            if folder == job.work.path:
                continue
            with suppress(Failure), reopened(folder, job, site, root) as left:
                racing = any(each.marker is not None and each.marker.race for each in left.plan.executions)
                if left.kept.run == run and not racing:
                    left.held.finish()
                    job.console.info(f"{folder.name} of an earlier attempt is removed: all of it is delivered now")


def manage(job: Job, drop: str | None) -> int:
    """List what is left in the state folder, or remove it: the named run, or with "" what nothing was sent of.

    Return the exit code. Makes no request.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from xray_ci.delivery.journal import entered, head_of, pending, sweep  # noqa: PLC0415
    from xray_ci.pipeline.connecting import site_of  # noqa: PLC0415

    where, root = state_dir(job.settings, job.surroundings)
    sweep(where, root=root)
    folders = pending(where, root=root)
    if drop:
        folders = tuple(folder for folder in folders if folder.name == drop)
        if not folders:
            raise ConfigurationError(
                "no folder of that name is left in the state folder",
                where=str(where),
                slug="usage",
                advice="`xray-ci resume --list` says what is left.",
            )
    site = site_of(job)
    for folder in folders:
        touched, said = _told(folder, job, site, root)
        if drop or (drop is not None and not touched):
            _discard(folder, root)
            said = "removed"
        with suppress(Failure, OSError), entered(folder, root) as opened:
            said = f"{datetime.fromtimestamp(head_of(opened).begun, UTC):%Y-%m-%d %H:%M} UTC, {said}"
        job.console.info(f"{folder.name}: {said}")
        if drop == "" and touched:
            job.console.info(f"  something of it may have been sent: `xray-ci resume --drop {folder.name}` removes it")
    if not folders:
        job.console.info("nothing is left to deliver")
    tidy(job.settings, job.surroundings)
    return 0


def _discard(folder: Path, root: Path) -> None:
    """Remove the folder of a delivery with all files in it, whatever they say; raises Failure."""
    from xray_ci.delivery.journal import LOCKS, NAME, entered  # noqa: PLC0415
    from xray_ci.delivery.statelock import lock  # noqa: PLC0415

    with lock(folder, root=root), entered(folder, root) as opened:
        # The journal first: what could not be removed after that is no delivery any more.
        for name in (NAME, *opened.names()):
            if name not in LOCKS:
                opened.remove(name)


def _told(folder: Path, job: Job, site: Site, root: Path) -> tuple[bool, str]:
    """Return whether anything of a folder may have been sent, and what is in it, in words."""
    try:
        with reopened(folder, job, site, root) as left:
            keys = sorted({found.key for found in left.progress.found.values()})
            where = f" to {', '.join(keys)}" if keys else ""
            return left.progress.touched, (
                f"{len(left.progress.ended)} of {len(left.plan.calls)} requests sent{where}, "
                f"{many(left.plan.tests, 'result')}"
            )
    except Failure as failure:
        return True, f"{failure.slug}: {failure.what}"


def advised(job: Job, failure: Failure, *, left: bool) -> Failure:
    """Return a failure without `resume` in its advice where that does nothing.

    Nothing is `left` to deliver, or no later run would find the state folder. What `resume` goes on with stays for it.
    """
    stays = job.settings.command == "resume" or (isinstance(job.work, StateFolder) and job.work.stays)
    if "xray-ci resume" in failure.next and not (left and stays):
        for said, instead in _INSTEAD:
            failure.next = failure.next.replace(said, instead)
        if left:
            failure.next += f" Nothing of this run stays for `resume`: {KEEPING}."
    return failure


_INSTEAD: Final = (
    ("un `xray-ci resume`, or again", "un it again"),
    ("run `xray-ci resume`, or import", "import"),
    ("Run `xray-ci resume` later: it goes on from here.", "Run it again later."),
    (", or correct what is named above and run `xray-ci resume`, which adds the rest", ""),
)
_NOT_SEALED: Final = frozenset({"lock", "lock.held", "decisions"})
