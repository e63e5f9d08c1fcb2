"""The mutations of Xray Cloud's GraphQL that change Test Runs: status, comment, evidence, defects, steps, iterations.

First all is looked up, then all is done. Knows what each changes and how it refuses.
"""

# ruff: noqa: N803 - arguments have the vendor's names

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from xray_ci.emulator.graphql.objects import UNSET, run_steps
from xray_ci.emulator.graphql.writing import SUCCESS, Looking
from xray_ci.emulator.sides import Cloud
from xray_ci.emulator.world import FAILED_WORDS, PASSED_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import ApiKey, Run


def fields(call: RouteCall, key: ApiKey) -> dict[str, Callable[..., Any]]:
    """Return the fields of `Mutation` that are of runs, for one call."""
    runner = _Runner(call, key)
    return {
        "addDefectsToTestRun": runner.add_defects,
        "removeDefectsFromTestRun": runner.remove_defects,
        "addEvidenceToTestRun": runner.add_evidence,
        "removeEvidenceFromTestRun": runner.remove_evidence,
        "resetTestRun": runner.reset,
        "updateTestRun": runner.update,
        "updateTestRunComment": runner.comment,
        "updateTestRunStatus": runner.set_status,
        "updateTestRunExampleStatus": runner.set_example,
        "updateIterationStatus": runner.set_iteration,
        "updateTestRunStep": runner.update_step,
        "updateTestRunStepComment": runner.comment_step,
        "updateTestRunStepStatus": runner.set_step_status,
        "addEvidenceToTestRunStep": runner.add_step_evidence,
        "removeEvidenceFromTestRunStep": runner.remove_step_evidence,
        "addDefectsToTestRunStep": runner.add_step_defects,
        "removeDefectsFromTestRunStep": runner.remove_step_defects,
    }


class _Runner(Looking):
    """Changes runs for one call."""

    # A run

    def add_evidence(self, _: Any, id: str, evidence: list[Any]) -> dict[str, Any]:  # noqa: A002 - the vendor's names
        """Add files to a run; answers with their names (O)."""
        run, kept = self._run(id), self._kept(evidence)
        run.evidence.extend(kept)
        return {"addedEvidence": [each.filename for each in kept], "warnings": []}

    def remove_evidence(self, _: Any, id: str, **asked: Any) -> dict[str, Any]:  # noqa: A002
        """Remove files from a run, by id or by name."""
        run = self._run(id)
        return {"removedEvidence": _removed(run.evidence, asked), "warnings": []}

    def add_defects(self, _: Any, id: str, issues: list[str | None]) -> dict[str, Any]:  # noqa: A002
        """Link defects to a run, by key or id; answers with ids (O)."""
        added, warnings = self._linked(self._run(id).defects, issues)
        return {"addedDefects": added, "warnings": warnings}

    def remove_defects(self, _: Any, id: str, issues: list[str | None]) -> str:  # noqa: A002
        """Take defects from a run, by key or id."""
        self._unlinked(self._run(id).defects, issues)
        return SUCCESS

    def set_status(self, _: Any, id: str, status: str) -> str:  # noqa: A002
        """Set the status; an unknown one is refused here (A: the text)."""
        run = self._run(id)
        word = self._word(status, "Test Run")
        run.status = run.stated = word
        moment = self._call.now.replace(microsecond=0).isoformat()
        if word != UNSET:
            run.started = run.started or moment
        if word in PASSED_WORDS | FAILED_WORDS:
            run.finished = moment
        return SUCCESS

    def comment(self, _: Any, id: str, comment: str) -> str:  # noqa: A002
        """Set the comment."""
        self._run(id).comment = comment
        return SUCCESS

    def update(self, _: Any, id: str, **asked: Any) -> dict[str, Any]:  # noqa: A002
        """Set what is given."""
        run = self._run(id)
        run.comment = asked.get("comment", run.comment) or ""
        run.started, run.finished = asked.get("startedOn", run.started), asked.get("finishedOn", run.finished)
        run.assignee = asked.get("assigneeId", run.assignee)
        run.executed_by = asked.get("executedById", run.executed_by)
        for each in asked.get("customFields") or ():
            if each is not None:
                run.custom_fields = [held for held in run.custom_fields if held.get("id") != each.get("id")]
                run.custom_fields.append(dict(each))
        return {"warnings": []}

    def reset(self, _: Any, id: str) -> str:  # noqa: A002
        """Make a run as if it had not been run."""
        run = self._run(id)
        run.status = run.stated = UNSET
        run.comment, run.output, run.started, run.finished = "", "", None, None
        run.steps, run.examples, run.iterations, run.results = [], [], [], []
        return SUCCESS

    def set_example(self, _: Any, exampleId: str, status: str) -> dict[str, Any]:
        """Set the status of an example of an outline."""
        number, _dash, place = exampleId.rpartition("-")
        run = self._run(number)
        if not place.isdigit() or int(place) >= len(run.examples):
            raise GraphQLError(f"Example with id {exampleId} not found.")  # (A)
        run.examples[int(place)] = self._word(status, "example")
        return {"warnings": []}

    def set_iteration(self, _: Any, testRunId: str, iterationRank: str, status: str) -> dict[str, Any]:
        """Set the status of an iteration."""
        self._iteration(self._run(testRunId), iterationRank)["status"] = self._word(status, "iteration")
        return {"warnings": []}

    # A step of a run

    def update_step(
        self, _: Any, testRunId: str, stepId: str, updateData: Mapping[str, Any], **at: Any
    ) -> dict[str, Any]:
        """Change what is given of a step's result."""
        step = self._step(testRunId, stepId, at)
        word = self._word(updateData["status"], "step") if updateData.get("status") else None
        files, defects = updateData.get("evidence") or {}, updateData.get("defects") or {}
        kept = self._kept(files.get("add") or ())
        if word is not None:
            step["status"] = word
        for name in ("comment", "actualResult"):
            if updateData.get(name) is not None:
                step[name] = updateData[name]
        held: list[Evidence] = step.setdefault("evidence", [])
        gone = _removed(
            held, {"evidenceIds": files.get("removeIds"), "evidenceFilenames": files.get("removeFilenames")}
        )
        held.extend(kept)
        links: list[str] = step.setdefault("defects", [])
        added, warnings = self._linked(links, defects.get("add") or ())
        removed = self._unlinked(links, defects.get("remove") or ())
        return {
            "addedDefects": added,
            "removedDefects": removed,
            "addedEvidence": [each.filename for each in kept],
            "removedEvidence": gone,
            "warnings": warnings,
        }

    def comment_step(self, _: Any, testRunId: str, stepId: str, comment: str, **at: Any) -> str:
        """Set the comment of a step."""
        self._step(testRunId, stepId, at)["comment"] = comment
        return SUCCESS

    def set_step_status(self, _: Any, testRunId: str, stepId: str, status: str, **at: Any) -> dict[str, Any]:
        """Set the status of a step."""
        step = self._step(testRunId, stepId, at)
        step["status"] = self._word(status, "step")
        return {"warnings": []}

    def add_step_evidence(self, _: Any, testRunId: str, stepId: str, evidence: Any = None, **at: Any) -> dict[str, Any]:
        """Add files to a step."""
        step, kept = self._step(testRunId, stepId, at), self._kept(evidence or ())
        step.setdefault("evidence", []).extend(kept)
        return {"addedEvidence": [each.filename for each in kept], "warnings": []}

    def remove_step_evidence(self, _: Any, testRunId: str, stepId: str, **asked: Any) -> dict[str, Any]:
        """Remove files from a step, by id or by name."""
        step = self._step(testRunId, stepId, asked)
        return {"removedEvidence": _removed(step.setdefault("evidence", []), asked), "warnings": []}

    def add_step_defects(self, _: Any, testRunId: str, stepId: str, issues: Any = None, **at: Any) -> dict[str, Any]:
        """Link defects to a step."""
        added, warnings = self._linked(self._step(testRunId, stepId, at).setdefault("defects", []), issues or ())
        return {"addedDefects": added, "warnings": warnings}

    def remove_step_defects(self, _: Any, testRunId: str, stepId: str, issues: Any, **at: Any) -> dict[str, Any]:
        """Take defects from a step."""
        removed = self._unlinked(self._step(testRunId, stepId, at).setdefault("defects", []), issues)
        return {"removedDefects": removed, "warnings": []}

    # Looking up

    def _run(self, number: str) -> Run:
        found = self._world.find_run(number)
        if found is None or not self._sees:
            raise GraphQLError(f"Test Run with id {number} not found.")  # (A)
        return found[1]

    @staticmethod
    def _iteration(run: Run, rank: str) -> dict[str, Any]:
        if not rank.isascii() or not rank.isdigit() or not 1 <= int(rank[:9]) <= len(run.iterations):
            raise GraphQLError(f"Iteration with rank {rank} not found.")  # (A)
        return run.iterations[int(rank) - 1]

    def _step(self, number: str, step: str, at: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a step; one of a run that was not run yet gets its results now."""
        run = self._run(number)
        if at.get("iterationRank"):
            held = self._iteration(run, at["iterationRank"]).setdefault("steps", [])
            if step.isascii() and step.isdigit() and int(step[:9]) < len(held):
                found: dict[str, Any] = held[int(step)]
                return found
            raise GraphQLError(f"Step with id {step} not found.")  # (A)
        shown = run_steps(self._world, run)
        for place, (own, made_of, _result) in enumerate(shown):
            if step in (own, made_of.get("id")):
                run.steps = run.steps or [dict(each) for _own, _made_of, each in shown]
                return run.steps[place]
        raise GraphQLError(f"Step with id {step} not found.")  # (A)

    def _word(self, status: str, what: str) -> str:
        if not Cloud(self._call.emulation.switches, self._world.statuses).knows(status):
            raise GraphQLError(f"Error updating {what} status: the status {status} does not exist!")
        return status

    def _kept(self, given: Iterable[Mapping[str, Any] | None]) -> list[Evidence]:
        """Keep files, or find those that were sent before; half an item refuses the call (O)."""
        shelf, items = self._call.emulation.shelf, [each or {} for each in given]
        for each in items:
            sent = all(isinstance(each.get(name), str) for name in ("data", "filename", "mimeType"))
            if not sent and not each.get("attachmentId"):
                raise GraphQLError(
                    "Error adding evidence: either attachmentId, or data, filename and mimeType are required!"
                )
            if each.get("attachmentId") and shelf.find(each["attachmentId"]) is None:
                raise GraphQLError(f"Attachment with id {each['attachmentId']} not found.")  # (A)
        found = []
        for each in items:
            earlier = shelf.find(each["attachmentId"]) if each.get("attachmentId") else None
            found.append(earlier or shelf.keep(each["data"], each["filename"], each["mimeType"]))
        return found

    def _linked(self, held: list[str], issues: Iterable[str | None]) -> tuple[list[str], list[str]]:
        """Link issues; return the ids of the added and a warning for each that is not there."""
        added, warnings = [], []
        for each in issues:
            issue = self._world.find(each or "")
            if issue is None:
                warnings.append(f"Issue {each} was not found.")
            elif issue.key not in held:
                held.append(issue.key)
                added.append(issue.id)
        return added, warnings

    def _unlinked(self, held: list[str], issues: Iterable[str | None]) -> list[str]:
        gone = [issue for each in issues if (issue := self._world.find(each or "")) is not None and issue.key in held]
        for each in gone:
            held.remove(each.key)
        return [each.id for each in gone]


def _removed(held: list[Evidence], asked: Mapping[str, Any]) -> list[str]:
    """Remove files by id or name; return a text for each: its name."""
    ids, names = asked.get("evidenceIds") or (), asked.get("evidenceFilenames") or ()
    gone = [each for each in held if each.uuid in ids or each.filename in names]
    held[:] = [each for each in held if each not in gone]
    return [each.filename for each in gone]
