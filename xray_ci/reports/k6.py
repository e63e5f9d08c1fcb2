"""Summary of k6 at the end of its run, of both kinds: `--summary-export`, and what `handleSummary` is given.

Knows their members alone.

Each threshold and each check is a case. In an exported summary `true` says that a threshold was crossed (D), in the
other `ok` says that it was not. A check passed where it never failed; one that was never made is neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import members, notices
from xray_ci.reports.members import NESTING_LIMIT, Members, picked, said
from xray_ci.reports.notices import BROKEN, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

VALUE_LIMIT: Final = 20
"""Values of a metric that are shown beside a threshold."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each threshold and each check.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    count = 0
    seen = set()
    for path, value in picked(source, "metrics", "root_group"):
        seen.add(path)
        for case in _thresholds(Members(value, path)) if path == "metrics" else _checks(Members(value, path), (), 0):
            count += 1
            yield case
    if "metrics" not in seen:
        raise Fault(BROKEN, "it has no `metrics`")
    if not count:
        yield notices.no_cases()


def _thresholds(metrics: Members) -> Iterator[Case]:
    for name in metrics:
        metric = Members(metrics.raw(name), name[:200], metrics)
        if not isinstance(metric.raw("thresholds"), dict):
            continue
        thresholds = Members(metric.raw("thresholds"), "thresholds", metric)
        values = (
            metric.raw("values") if isinstance(metric.raw("values"), dict) else {key: metric.raw(key) for key in metric}
        )
        shown = ", ".join(
            f"{key[:100]}={said(value)[:100]}" for key, value in list(values.items())[:VALUE_LIMIT] if said(value)
        )
        for rule in thresholds:
            outcome = _crossed(thresholds.raw(rule))
            yield Case(
                suite=("thresholds",),
                classname="thresholds",
                name=f"{name}: {rule}",
                outcome=outcome,
                message=f"the threshold was crossed: {shown}" if outcome is Outcome.FAILED else None,
            )


def _crossed(told: object) -> Outcome:
    if isinstance(told, bool):
        return Outcome.FAILED if told else Outcome.PASSED
    ok = told.get("ok") if isinstance(told, dict) else None
    return Outcome.OTHER if not isinstance(ok, bool) else Outcome.PASSED if ok else Outcome.FAILED


def _checks(group: Members, above: tuple[str, ...], depth: int) -> Iterator[Case]:
    if depth > NESTING_LIMIT:
        raise group.too_deep()
    for check in _each(group, "checks"):
        passes, fails = check.number("passes"), check.number("fails")
        outcome = Outcome.FAILED if fails else Outcome.PASSED if passes and fails is not None else Outcome.OTHER
        yield Case(
            suite=above or ("checks",),
            classname=members.joined(*above) or "checks",
            name=check.text("name") or "",
            outcome=outcome,
            message=f"{fails:.0f} of {fails + (passes or 0):.0f} checks failed" if fails else None,
        )
    for inner in _each(group, "groups"):
        yield from _checks(inner, (*above, inner.text("name") or ""), depth + 1)


def _each(group: Members, name: str) -> Iterator[Members]:
    """Yield the members of an object (export), or the elements of a list."""
    held = group.raw(name)
    if isinstance(held, dict):
        yield from (Members(held[key], f"{name}.{key[:200]}", group) for key in held)
    else:
        yield from group.each(name)
