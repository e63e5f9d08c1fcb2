"""InSpec's JSON (`--reporter json`). Knows its members; knows nothing of Xray, files or settings.

A case is a control of a profile: its class is the profile, its name the control's id, its title the summary. What it
describes are its steps. A generated id holds a line of the source, so that such a control is named by what it checks.
Overlay profiles repeat the controls of others without results: those are no cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts, words
from xray_ci.reports.members import Members, picked
from xray_ci.reports.texts import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

STEP_LIMIT: Final = 2_000
_STATUS: Final = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "skipped": Outcome.SKIPPED}
_WORST: Final = (Outcome.ERROR, Outcome.FAILED, Outcome.OTHER, Outcome.PASSED, Outcome.SKIPPED)
"""One check that was skipped beside others that passed leaves a control passed, as for InSpec."""
_KEYS: Final = {"jira": "test_key", "xray": "test_key"}
"""Tags that name a Test besides those named like JUnit's properties."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each control with results, then notices. Durations are seconds.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    count = without = 0
    profile = ""
    for path, value in picked(source, "profiles[].name", "profiles[].controls[]", lists=("profiles",)):
        if path == "profiles[].name":  # it stands before the controls (O)
            profile = value if isinstance(value, str) else ""
            continue
        control = Members(value, path)
        results = list(control.each("results"))
        if results:
            count += 1
            yield _case(control, results, profile)
        else:
            without += 1
    if without:
        yield notices.notice(
            "outside-case",
            f"{without} controls have no result: an overlay repeats those of the profile that it includes",
        )
    if not count:
        yield notices.no_cases()


def _case(control: Members, results: list[Members], profile: str) -> Case:
    outcome = min((words.outcome(result.text("status"), _STATUS) for result in results), key=_WORST.index)
    steps = tuple(_step(result) for result in results[:STEP_LIMIT])
    failed = [step for step in steps if step.outcome is outcome]
    name = control.text("id") or ""
    if name.startswith("(generated from "):
        name = results[0].text("code_desc") or name
    taken = [took for result in results if (took := result.seconds("run_time")) is not None]
    code = [text for result in results if (text := result.text("backtrace") or result.text("exception"))]
    return Case(
        suite=(profile,) if profile else (),
        classname=profile[: members.NAME_LIMIT] or None,
        name=name,
        outcome=outcome,
        seconds=bounded(round(sum(taken), 9)) if taken else None,
        started=results[0].time("start_time"),
        message=(failed[0].comment or failed[0].action) if failed and outcome is not Outcome.PASSED else None,
        trace=texts.cut("\n".join(code)) or None if outcome is not Outcome.PASSED else None,
        marks=tuple(dict.fromkeys(_marks(control)))[: author_marks.TAGS_LIMIT],
        steps=steps,
        properties=(("impact", impact),) if (impact := control.text("impact", limit=64)) else (),
    )


def _step(result: Members) -> Step:
    outcome = words.outcome(result.text("status"), _STATUS)
    said = (result.text("message") or result.text("skip_message") or "").strip()
    return Step(
        action=result.text("code_desc") or "(check)",
        outcome=outcome,
        comment=said or None if outcome is not Outcome.PASSED else None,
    )


def _marks(control: Members) -> Iterator[Mark]:
    if title := control.text("title"):
        yield Mark(kind=MarkKind.SUMMARY, value=title)
    if description := control.text("desc"):
        yield Mark(kind=MarkKind.DESCRIPTION, value=description)
    tags = control.raw("tags")
    for name, value in list(tags.items())[: author_marks.TAGS_LIMIT] if isinstance(tags, dict) else []:
        if value is None:  # a tag without a value; `AC-6` and its like are controls of NIST and no keys
            yield from [Mark(kind=MarkKind.TAG, value=name.strip()[: author_marks.TAG_LIMIT])] if name.strip() else []
            continue
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield from author_marks.of_annotation(_KEYS.get(name.lower()) or name, text)
