"""What each thing that follows an import works with: the run, what was filled, and the Jira that is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from xray_ci.errors import AroundUndone
from xray_ci.model import Place  # noqa: TC001  # msgspec reads the types of a struct
from xray_ci.services.jira_issue import JiraIssue

if TYPE_CHECKING:
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.services.jira import Jira
    from xray_ci.services.repository import MadeIssue, Repository
    from xray_ci.services.store import Store, StoredExecution


class Defect(Struct, frozen=True, kw_only=True):
    """An open issue with the label of a failure."""

    id: str
    key: str

    @property
    def age(self) -> int:
        """What puts the oldest first."""
        return int(self.id) if self.id.isdecimal() else 0


class AttachedFile(Struct, frozen=True, kw_only=True):
    """A file that is to be attached."""

    name: str
    """As Jira shows it."""
    shown: str
    place: Place
    report: bool
    """Whether it is a report, and so belongs to the Test Execution of its results alone."""


class Around(Struct, kw_only=True):
    """What a step works with."""

    job: Job
    tally: Tally
    site: Site
    deployment: Deployment
    new: dict[str, tuple[MadeIssue, ...]] = field(default_factory=dict)
    """Tests that were made for a Test Execution, by its key."""
    made: dict[str, Defect] = field(default_factory=dict)
    """Defects that this run has made, by the label of their failure."""
    files: tuple[AttachedFile, ...] | None = None
    """What `attach` names; None until somebody looked."""
    left: bool = False
    """Whether a part of a step failed, and the rest of it went on."""

    @property
    def jira(self) -> Jira:
        """The Jira that is asked as somebody; only for what needs it."""
        assert self.site.jira is not None  # noqa: S101  # looked at before a step that needs it
        return self.site.jira

    @property
    def repository(self) -> Repository:
        """Where Tests lie."""
        return self.site.repository

    def issue(self, key: str) -> JiraIssue:
        """Return an issue, mostly a Test Execution."""
        return JiraIssue(self.jira, key)

    def stored(self, key: str) -> tuple[Store, StoredExecution]:
        """Return a Test Execution and the store that has it; raises AroundUndone where it cannot be read back."""
        from xray_ci.delivery.reconcile import issue_of  # noqa: PLC0415

        filled = next(each for each in self.tally.filled if any(each.of(key)))
        execution = issue_of(next(filled.of(key)), key, filled.context)
        if execution is None:
            raise AroundUndone(f"{key} cannot be read back, so nothing more was done to it", where=key)
        return filled.context.store, execution

    def report_of(self, key: str) -> str | None:
        """Return the report that a Test Execution was made for, None where it holds results of all."""
        if self.job.settings.executions != "per-report":
            return None
        calls = (each.calls[0] for filled in self.tally.filled for each in filled.of(key))
        return next((call.label for call in calls), None)
