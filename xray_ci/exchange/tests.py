"""Tests of a file into Xray: by a bulk job on Cloud, one issue after the other by Jira on Server/DC.

Making a Test is not repeatable and no API has a key against doing it twice. So every Test is looked for first, by
project, type and summary: one that is there is not made, and a second run goes on where the first one stopped. Each
request that makes something is sent once; when its answer is lost, that is told. What was made a moment ago may be
missing in the look-up for some seconds (O).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import (
    Failure,
    Interrupted,
    MayHaveBeenDone,
    NotAuthorised,
    PartlyImported,
    Refused,
    TooManyNewTests,
    UnknownDelivery,
    Unreachable,
    many,
)
from xray_ci.exchange import drafts
from xray_ci.services import body
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xray_ci.exchange.drafts import Draft
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.jira import DefinitionFields, Jira
    from xray_ci.settings.flags import Value

_AT_ONCE: Final = 1_000
"""Tests of one bulk job (D)."""
_SHOWN: Final = 20
_JOB: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_POLLS: Final = (2.0, 3.0, 5.0, 10.0)
"""Seconds before a job is asked again; the last goes on."""
_BULK: Final = "/import/test/bulk"
_DOUBT: Final = "Tests may have been made"
_AGAIN: Final = (
    "Wait a minute, then run this again: Tests that are there by project, type and summary are not made a second time."
)


def bring_in(job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    """Make the Tests of a file that are not there yet, and tell the key of each.

    Raises UnusableFile and TooManyNewTests before anything is made, MayHaveBeenDone when an answer is lost, Refused or
    PartlyImported when Xray or Jira did not take all of them.
    """
    name = str(options.get("file") or "")
    if not name:
        raise problems.problem(
            "`tests import` needs a file", "command line", problems.USAGE, "Write `xray-ci tests import FILE`."
        )
    wanted = drafts.read(job, folder / name, name)
    there = _there(site, [draft for draft in wanted if not draft.key])
    new = [draft for draft in wanted if not draft.key and draft.identity not in there]
    job.console.info(f"{many(len(wanted), 'Test')} in {name}: {len(wanted) - len(new)} there, {len(new)} new")
    most = job.settings.max_new_tests
    if most is not None and len(new) > most:
        raise TooManyNewTests(f"{len(new)} Tests would be made, and `max-new-tests` allows {most}", where=name)
    if job.settings.dry_run or not new:
        for draft in new[:_SHOWN]:
            job.console.info(f"would make {draft.type} Test in {draft.project}: {draft.summary}")
        return
    made = _Made(job)
    try:
        if site.deployment.key == "cloud":
            _in_bulk(job, site, new, made)
        else:
            _by_jira(site, new, made)
    finally:
        job.console.info(f"{many(len(made.keys), 'Test')} made")
    made.conclude(len(new))


class _Made:
    """What became of drafts, told as it is known."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.keys: list[str] = []
        self.errors: list[str] = []

    def add(self, draft: Draft, key: str) -> None:
        self.keys.append(key)
        say = self._job.console.info if len(self.keys) <= _SHOWN else self._job.console.debug
        say(f"{key}: {draft.summary}")

    def refuse(self, draft: Draft, cause: str) -> None:
        self.failed(f"{draft.place}, {draft.summary}: {cause}")

    def failed(self, told: str) -> None:
        self.errors.append(told)
        self._job.console.error(told)

    def conclude(self, wanted: int) -> None:
        """Raise the failure that it is when not all of them are there."""
        if self.errors:
            failure: type[Failure] = PartlyImported if self.keys else Refused
            raise failure(
                f"{len(self.keys)} of {many(wanted, 'Test')} were made; what was not done is named above",
                answer="; ".join(self.errors[:_SHOWN]),
                service="Xray",
                advice="Correct what is named above and run this again: Tests that are there are not made twice.",
            )


def _there(site: Site, wanted: Sequence[Draft]) -> set[tuple[str, str, str]]:
    """Return the identities of drafts that are Tests already; goes through every Test of their projects."""
    identities = {draft.identity for draft in wanted}
    found = set()
    for project in sorted({draft.project for draft in wanted}):
        for test in site.store.existing_tests(project):
            identity = (project, test.test_type.lower(), test.summary)
            if identity in identities:
                found.add(identity)
    return found


# Cloud


def _in_bulk(job: Job, site: Site, new: Sequence[Draft], made: _Made) -> None:
    for start in range(0, len(new), _AT_ONCE):
        part = new[start : start + _AT_ONCE]
        number = started(site, _BULK, [_item(draft) for draft in part], _DOUBT)
        try:
            found = ended(job, site, _BULK, number)
        except Unreachable as failure:
            raise MayHaveBeenDone(
                f"what became of the bulk job {number} is not known: {failure.what}", where=failure.where, advice=_AGAIN
            ) from failure
        _became(found, part, made)


def _item(draft: Draft) -> dict[str, object]:
    fields: dict[str, object] = {**draft.fields, "project": {"key": draft.project}, "summary": draft.summary}
    fields |= {"description": draft.description} if draft.description else {}
    fields |= {"labels": list(draft.labels)} if draft.labels else {}
    item: dict[str, object] = {"testtype": draft.type, "fields": fields}
    item |= {"steps": list(draft.steps)} if draft.steps else {}
    item |= {"gherkin_def": draft.scenario} if draft.scenario else {}
    item |= {"unstructured_def": draft.definition} if draft.definition else {}
    item |= {"xray_test_repository_folder": draft.folder} if draft.folder else {}
    return item | ({"xray_test_sets": list(draft.sets)} if draft.sets else {})


def started(site: Site, path: str, document: object, doubt: str) -> str:
    """Start a job and return its number; raises what the outcome is, MayHaveBeenDone when the answer is lost."""
    answer = site.xray.send("POST", path, body.upload(document), doubt=doubt)
    number = answer.json.get("jobId") if isinstance(answer.json, dict) else None
    if not isinstance(number, str) or not _JOB.fullmatch(number):
        raise site.xray.unlike(answer, path, doubt)
    return number


def ended(job: Job, site: Site, path: str, number: str) -> dict[str, Any]:
    """Return how a job ended; raises Unreachable when the time budget is spent before."""
    end, tries, whole = job.clock() + job.settings.time_budget, 0, f"{path}/{number}/status"
    while True:
        answer = site.xray.send("GET", whole)
        if not isinstance(answer.json, dict) or not isinstance(answer.json.get("status"), str):
            raise site.xray.unlike(answer, whole)
        if answer.json["status"] not in ("pending", "working"):
            return answer.json
        pause = _POLLS[min(tries, len(_POLLS) - 1)]
        if job.clock() + pause > end:
            raise Unreachable(
                f"job {number} did not end within {job.settings.time_budget:g} s",
                advice="Raise `time-budget`, or look later.",
            )
        job.sleep(pause)
        tries += 1


def _became(found: Mapping[str, Any], part: Sequence[Draft], made: _Made) -> None:
    """Tell what a job made and what not: each entry of its result names the place of a draft (D)."""
    result = found.get("result")
    held = result if isinstance(result, dict) else {}
    left = dict(enumerate(part))
    for name in ("issues", "errors"):
        for entry in held.get(name) or ():
            number = entry.get("elementNumber") if isinstance(entry, dict) else None
            draft = left.pop(number, None) if isinstance(number, int) else None
            if draft is not None and name == "issues":
                made.add(draft, str(entry.get("key")))
            elif draft is not None:
                errors = entry.get("errors")
                pairs = errors.items() if isinstance(errors, dict) else (("error", errors),)
                made.refuse(draft, "; ".join(f"{field}: {text}" for field, text in pairs))
    for draft in left.values():
        made.refuse(draft, f"the job ended ({found['status']}) and says nothing of it")


# Server and Data Center


def _by_jira(site: Site, new: Sequence[Draft], made: _Made) -> None:
    jira = site.jira
    assert jira is not None  # noqa: S101  # the settings want `jira-url` for Server/DC
    from xray_ci.services.jira import definition_fields  # noqa: PLC0415

    ids = definition_fields(jira.fields())
    issues = [_issue(draft, ids) for draft in new]
    sets: dict[str, list[str]] = {}
    for draft, fields in zip(new, issues, strict=True):
        key = _one(jira, draft, fields, made)
        if key is None:
            continue
        made.add(draft, key)
        _steps(site, draft, key)
        for each in draft.sets:
            sets.setdefault(each, []).append(key)
    for test_set, keys in sets.items():
        _joined(site, test_set, keys, made)


def _issue(draft: Draft, ids: DefinitionFields) -> dict[str, object]:
    """Return the fields of a new issue; raises Refused where the site lacks a field that the Test needs."""
    fields: dict[str, object] = {**draft.fields, "project": {"key": draft.project}, "summary": draft.summary}
    fields["issuetype"] = {"name": "Test"}
    fields |= {"description": draft.description} if draft.description else {}
    fields |= {"labels": list(draft.labels)} if draft.labels else {}
    outline = re.search(r"^\s*(Examples|Scenarios):", draft.scenario, re.MULTILINE) is not None
    kind = {"value": "Scenario Outline" if outline else "Scenario"} if draft.scenario else None
    for number, name, value in (
        (ids.test_type, "Test Type", {"value": draft.type}),
        (ids.definition, "Generic Test Definition", draft.definition),
        (ids.scenario, "Cucumber Scenario", draft.scenario),
        (ids.scenario_kind, "Cucumber Test Type", kind),
        (ids.folder, "Test Repository Path", draft.folder),
    ):
        if value and number is None:
            raise Refused(
                f"this Jira has no field of Xray's for `{name}`, which {draft.place} needs",
                where="jira-url",
                advice="Check that Xray is installed there and that this user may see its fields. Nothing was made.",
            )
        fields |= {str(number): value} if value else {}
    return fields


def _one(jira: Jira, draft: Draft, fields: dict[str, object], made: _Made) -> str | None:
    """Make one Test and return its key, None where Jira refuses it; raises MayHaveBeenDone."""
    try:
        return jira.create_issue(fields).key
    except Refused as failure:
        made.refuse(draft, failure.answer or failure.what)
        return None
    except UnknownDelivery as failure:
        raise MayHaveBeenDone(
            f"the answer to {draft.place} ({draft.summary}) was lost; this Test may have been made, "
            f"{many(len(made.keys), 'other')} were",
            where=failure.where,
            answer=failure.answer,
            advice=_AGAIN,
        ) from failure


def _steps(site: Site, draft: Draft, key: str) -> None:
    """Add the steps of a Test one by one; raises PartlyImported when one of them is not there for sure."""
    for number, step in enumerate(draft.steps, start=1):
        fields = {"Action": step["action"], "Data": step["data"], "Expected Result": step["result"]}
        try:
            site.xray.send(
                "POST", f"/api/test/{key}/steps", body.upload({"fields": fields}), doubt=f"step {number} may be there"
            )
        except Failure as failure:
            if isinstance(failure, Interrupted):
                raise
            raise PartlyImported(
                f"{key} ({draft.place}) was made with {number - 1} of {many(len(draft.steps), 'step')}: {failure.what}",
                where=failure.where,
                answer=failure.answer,
                advice="Add the missing steps by hand, or delete this Test; then run this again for those after it.",
            ) from failure


def _joined(site: Site, test_set: str, keys: Sequence[str], made: _Made) -> None:
    from xray_ci.services.server import ServerStore  # noqa: PLC0415

    assert isinstance(site.store, ServerStore)  # noqa: S101  # asked on Server/DC alone
    try:
        site.store.set_tests(test_set, keys)
    except (Refused, NotAuthorised, Unreachable) as failure:
        told = f"{test_set}: {failure.answer or failure.what}; add by hand {', '.join(keys)}"
        made.failed(told)
