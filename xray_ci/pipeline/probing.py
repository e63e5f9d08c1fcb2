"""The command `probe`: a site from settings, what is asked from the line, a report that is shown and written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TextIO

from msgspec import Struct

from xray_ci.errors import ConfigurationError, Failure, many
from xray_ci.pipeline import connecting
from xray_ci.probe import report, running, table
from xray_ci.probe.around import Triggering
from xray_ci.probe.asking import Asking, Halted, Listening, Short
from xray_ci.probe.sandbox import Sandbox
from xray_ci.safefiles import open_regular, replacing
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import CallKind
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.wire import Caller, Outcome

READING: Final = 150
"""Requests of a probe that reads, unless `--budget` says another number."""
WRITING: Final = 400
_SPARE: Final = 4
"""Requests that are kept for tidying up besides one for each thing that is made."""
_LINE: Final = "command line"


class Order(Struct, frozen=True, kw_only=True):
    """What the line asks for."""

    write: bool
    only: frozenset[str]
    """Ids of facts; none means all."""
    budget: int
    output: Path | None


def ordered(options: Mapping[str, Any], folder: Path) -> Order:
    """Read the options of the line; raises ConfigurationError."""
    write = bool(options.get("write"))
    only = frozenset(str(options.get("only") or "").replace(",", " ").split())
    for name in sorted(only - table.facts().keys()):
        raise problems.unknown(name, name, table.facts(), thing="fact", where=_LINE)
    said = str(options.get("budget") or (WRITING if write else READING))
    if not (said.isascii() and said.isdigit() and 0 < len(said) < 6):  # noqa: PLR2004  # five digits of requests are many
        raise problems.problem(
            f"`--budget` is a number of requests, not {said}", _LINE, problems.USAGE, "Give a number."
        )
    output = options.get("output")
    return Order(write=write, only=only, budget=int(said), output=folder / str(output) if output else None)


def probe(job: Job, out: TextIO, order: Order) -> int:
    """Probe the site, show the report and write it; return the exit code. Raises what ends a run."""
    if job.settings.project is None:
        raise ConfigurationError(
            "a probe needs a project of its own",
            where="project",
            slug="missing-setting",
            advice="Set `project` to a sandbox: with `--write` issues are made there, and removed again.",
        )
    site = connecting.site_of(job)
    try:
        return _Run(job, out, order, site).done()
    finally:
        site.close()


class _Run:
    """One run of the command."""

    def __init__(self, job: Job, out: TextIO, order: Order, site: Site) -> None:
        self._job, self._out, self._order = job, out, order
        heard: list[Listening] = []

        def overheard(caller: Caller) -> Caller:
            heard.append(Listening(caller, job.clock, one=site.deployment.key == "server"))
            return heard[0]

        site.overheard = overheard
        auth, jira_auth = site.authorizations
        caller = site.caller
        self._site = site
        self._asking = Asking(
            caller=caller,
            listening=heard[0],
            xray=site.base_url,
            jira=job.settings.jira_url,
            auth=auth,
            jira_auth=jira_auth,
            project=job.settings.project or "",
            deployment=site.deployment.key,
            budget=order.budget,
            sleep=job.sleep,
            random=job.random,
        )
        mine = table.of(site.deployment.key)
        self._wanted = frozenset(fact.id for fact in mine if not order.only or fact.id in order.only)
        self._probe = running.Probe(self._asking, self._wanted, self._told)
        self._version = ""
        self._finished = False
        self._box = Sandbox(self._asking)
        targets = job.settings.snapshots
        page = next((each for each in targets if each.page_id is not None), None)
        macro = next((each for each in targets if each.page_id is None), None)
        self._triggering = Triggering(self._asking, page, macro, job.settings.snapshots_url)

    def done(self) -> int:
        """Make the probe and return the exit code."""
        if (earlier := self._earlier()) is not None:
            self._probe.keep(earlier.facts)
            self._version = earlier.jira
            self._job.console.info(f"goes on with what an earlier probe found of {many(len(self._probe.rows), 'fact')}")
        try:
            self._steps()
        except Halted as halted:
            if halted.outcome is not None:
                self._probe.failure = self._lost(halted.outcome)
        finally:
            self._save()
        self._show()
        if self._probe.failure is not None:
            raise self._probe.failure
        return 0

    def _steps(self) -> None:
        settings = self._job.settings
        for fact in table.of(self._asking.deployment):
            if fact.probe == "never" or (fact.probe == "named" and fact.id not in self._order.only):
                self._probe.skip((fact.id,), fact.why)
            elif fact.probe == "write" and not self._order.write:
                self._probe.skip((fact.id,), "it is probed with --write")
        key = (settings.client_id, settings.client_secret)
        known = (key[0], key[1]) if key[0] is not None and key[1] is not None else None
        self._probe.run(running.reads(self._asking, known), self._save)
        if self._probe.failure is not None:
            self._finished = True
            return
        self._version = self._version or running.jira_version(self._asking)
        if self._order.write:
            self._write()
        self._probe.limits()
        self._probe.run(running.last(self._asking), self._save)
        self._probe.skip(self._wanted, "no step shows it")
        self._finished = True

    def _write(self) -> None:
        """Make the steps that write, and remove what they made, also when the budget was spent before their end."""
        self._asking.reserve = _SPARE
        try:
            self._box.sweep()
            self._probe.run(running.writes(self._box, self._triggering), self._save)
        except Short as short:
            self._probe.skip(self._wanted, str(short))
        finally:
            self._tidy()

    def _tidy(self) -> None:
        """Remove what was made; what is left when nobody answers any more, or the budget is spent, is counted."""
        try:
            self._box.tidy()
        except Short:
            self._box.stays["unknown"] = len(self._box.made)
        except Halted as halted:
            self._box.stays["unknown"] = len(self._box.made)
            if halted.outcome is not None and self._probe.failure is None:
                self._probe.failure = self._lost(halted.outcome)

    def _told(self, row: report.FactRow) -> None:
        seen = f" {json.dumps(row.seen, ensure_ascii=False)}" if row.verdict == "refuted" else ""
        self._job.console.info(f"{row.verdict}: {row.fact}{seen}{f': {row.why}' if row.why else ''}")

    def _report(self) -> report.FactsReport:
        names = [fact.id for fact in table.of(self._asking.deployment)]
        return report.FactsReport(
            deployment="cloud" if self._asking.cloud else "server",
            jira=self._version,
            write=self._order.write,
            finished=self._finished,
            requests=self._asking.requests,
            facts=tuple(self._probe.rows[name] for name in names if name in self._probe.rows),
            stays=self._stays(),
        )

    def _stays(self) -> dict[str, int]:
        versions = self._triggering.versions
        return {**self._box.stays, **({"page version": versions} if versions else {})}

    def _earlier(self) -> report.FactsReport | None:
        """Return what an earlier run left unfinished in the file of the report; raises ConfigurationError."""
        path = self._order.output
        if path is None or not path.exists():
            return None
        try:
            with open_regular(path, links=False) as file:
                found = report.read(file.read())
        except (OSError, ValueError) as error:
            raise problems.problem(
                f"{path.name} is there, and is no report of a probe: {error}",
                _LINE,
                problems.USAGE,
                "Name another file with `--output`.",
            ) from error
        same = found.deployment == self._asking.deployment and not found.finished
        return found if same else None

    def _save(self) -> None:
        """Keep what was found so far, each line of which was shown."""
        if self._order.output is not None:
            with replacing(self._order.output) as file:
                file.write(report.text(self._report()).encode())

    def _show(self) -> None:
        made = self._report()
        self._out.write(report.markdown(made))
        self._out.write("\nThe report, in which nothing of the site is but this:\n\n" + report.text(made))
        self._out.flush()
        self._save()

    def _lost(self, outcome: Outcome) -> Failure:
        cloud = self._asking.cloud
        return failure(
            outcome,
            Asked(
                kind=CallKind.READ,
                service="Xray Cloud" if cloud else "Xray Server/Data Center",
                setting="xray-url" if cloud else "jira-url",
                url=self._asking.xray,
            ),
        )
