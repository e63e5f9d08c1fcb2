"""One case and its Test as one test of Xray JSON, in the dialect of a deployment. Pure but for a cache of formatted seconds.

Knows names, words and limits through the deployments table only. Knows nothing of files: evidence of the Test Run is added
while the finished text is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Case, Mark, MarkKind, Outcome
from xray_ci.xray import comments, hostile, mapping
from xray_ci.xray.stepwise import Stepwise, translated
from xray_ci.xray.times import Timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.deployments import Deployment
    from xray_ci.model import Attachment
    from xray_ci.xray.mapping import Target
    from xray_ci.xray.notices import Notices

Json = dict[str, Any]

_OUTCOME_NAMES: Final = MappingProxyType({"error": Outcome.ERROR} | {outcome.value: outcome for outcome in Outcome})
_PASSED: Final = Outcome.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for about the rendering."""

    deployment: Deployment
    api_version: str = ""
    statuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Outcome word → status, over the deployment's own."""
    timezone: tzinfo = UTC
    """Of timestamps without offset."""
    comments: str = "failed"

    @property
    def custom_statuses(self) -> frozenset[str]:
        """Statuses that exist because the user says so."""
        return frozenset(self.statuses.values())


class Renderer:
    """Renders the cases of a run; the same case always gives the same document."""

    def __init__(self, options: Options, notices: Notices,
                 admit: Callable[[Attachment], bool] = lambda _attached: False) -> None:
        """`admit` says whether inline evidence of a step is sent."""
        dialect = options.deployment.dialect
        self._options = options
        self._dialect = dialect
        self._limits = options.deployment.limits
        self.notices = notices
        self.times = Timestamps(options.timezone)
        asked = {_OUTCOME_NAMES[word]: status for word, status in options.statuses.items()}
        self._statuses = {**dialect.statuses, **asked}
        self._passed = self._statuses[_PASSED]
        self._type_name = dialect.test_type
        self._stepwise = Stepwise(options.deployment, admit)

    def test(self, case: Case, target: Target) -> Json:
        """Return the test of a case, without evidence of the Test Run; several keys get the first one here."""
        document: Json = {"testKey": target.keys[0]} if target.keys else {"testInfo": self._info(case, target)}
        outcome = case.outcome
        passed = outcome is _PASSED
        if case.status is not None:
            document["status"] = translated(case.status, outcome, self._statuses)
        else:
            document["status"] = self._passed if passed else self._statuses[outcome]
        if case.started is not None or case.finished is not None:
            self._times(document, case)
        run_marks = target.run_marks
        if run_marks:
            self._run_marks(document, run_marks)
        taken = False
        if case.steps or case.iterations or case.examples:
            taken = self._stepwise.add(document, case, target, self.notices)
        if not passed or run_marks or case.attempts or self._options.comments == "all":
            self._comment(document, case, run_marks, steps=not taken)
        for slug in target.notices:
            self.notices.add(slug)
        return document

    def _info(self, case: Case, target: Target) -> Json:
        """Return what finds or creates the Test."""
        info: Json = {"projectKey": target.project, "summary": target.summary, self._type_name: target.test_type}
        if target.definition is not None:
            info["definition"] = target.definition
        elif target.scenario is not None:
            info["scenario"] = hostile.clean(target.scenario)
        elif case.defined_steps or (case.steps and mapping.step_based(target.test_type)):
            steps = self._stepwise.definition(case, self.notices)
            if steps:
                info["steps"] = steps
        if target.requirements:
            info["requirementKeys"] = list(target.requirements)
        if target.labels:
            info["labels"] = list(target.labels)
        if target.description is not None:
            if self._dialect.test_description:
                info["description"] = hostile.cut(hostile.without_mentions(hostile.clean(target.description)),
                                                  self._limits.comment)
            else:
                self.notices.add("description-left-out")
        return info

    def _times(self, document: Json, case: Case) -> None:
        times = self.times
        finish = None
        if case.started is not None:
            start = times.start(case.started)
            if start is None:
                self.notices.add("time-out-of-range")
            else:
                document["start"] = start
                if case.finished is None and case.seconds is not None:
                    finish = times.after(case.seconds)
                    if finish is None:
                        self.notices.add("time-out-of-range")
        if case.finished is not None:
            finish = times.finish(case.finished)
            if finish is None:
                self.notices.add("time-out-of-range")
        if finish is not None:
            document["finish"] = finish

    def _run_marks(self, document: Json, marks: tuple[Mark, ...]) -> None:
        """Add what the author said of the Test Run; its comment comes later."""
        fields: dict[str, str | list[str]] = {}
        defects: list[str] = []
        for mark in marks:
            match mark.kind:
                case MarkKind.CUSTOM_FIELD:
                    _add_option(fields, mark)
                case MarkKind.DEFECT:
                    defects += self._stepwise.keys(mark.value.replace(",", " ").split(), self.notices)
                case MarkKind.EXECUTED_BY | MarkKind.ASSIGNEE if mark.value.strip():
                    name = "executedBy" if mark.kind is MarkKind.EXECUTED_BY else "assignee"
                    document[name] = hostile.one_line(mark.value.strip(), self._limits.summary)
                case MarkKind.TEST_VERSION if self._dialect.test_version:
                    document["testVersion"] = hostile.one_line(mark.value, self._limits.summary)
                case MarkKind.TEST_VERSION:
                    self.notices.add("test-version-left-out")
                case _:
                    pass
        if defects:
            document["defects"] = list(dict.fromkeys(defects))
        if fields:
            rendered = self._custom_fields(fields)
            if rendered:
                document["customFields"] = rendered

    def _custom_fields(self, fields: dict[str, str | list[str]]) -> list[Json]:
        """Return Test Run custom fields."""
        if self._options.api_version in {"v1", "1.0"}:
            self.notices.add("custom-field-api-version")
            return []
        rendered: list[Json] = []
        for raw, value in fields.items():
            name = hostile.one_line(raw, self._limits.summary)
            if _field_id(name, named=self._dialect.custom_field_names):
                rendered.append({"id": name, "value": value})
            elif self._dialect.custom_field_names and name:
                rendered.append({"name": name, "value": value})
            else:
                self.notices.add("custom-field-by-name")
        return rendered

    def _comment(self, document: Json, case: Case, marks: tuple[Mark, ...], *, steps: bool) -> None:
        """Add the comment, always as the last property: `repeats` may add a line to it in the finished text."""
        policy = self._options.comments
        if policy == "none":
            return
        failed = case.outcome is Outcome.FAILED or case.outcome is Outcome.ERROR
        text = comments.whole(case, marks, failure=failed or policy == "all", steps=steps and failed,
                              wiki=self._dialect.wiki_comments, limit=self._limits.comment)
        if text is not None:
            document["comment"] = text


def _add_option(fields: dict[str, str | list[str]], mark: Mark) -> None:
    """Add a custom field's value: several of one name are the options of one field, and what the report lists stays a list."""
    name, value = mark.name or "", hostile.clean(mark.value)
    held = fields.get(name)
    match held:
        case None:
            fields[name] = [value] if mark.listed else value
        case str():
            fields[name] = [held, value]
        case _:
            held.append(value)


def _field_id(name: str, *, named: bool) -> bool:
    """Say whether a field is addressed by id: digits on Server/Data Center, 24 hexadecimal digits on Cloud (O)."""
    if named:
        return len(name) == 24 and all(character in "0123456789abcdef" for character in name)  # noqa: PLR2004
    return name.isascii() and name.isdigit()
