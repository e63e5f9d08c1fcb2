"""`go test -json`: one event a line, packages interleaved. Knows actions and members; what they mean for tests is in `go_runs`.

Lines that are no event stand between them where builds fail (before Go 1.24) and are passed over with a notice. A stream in which
a package has no end is cut off and refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.reports import members
from xray_ci.reports.fault import NOT_A_REPORT, Fault
from xray_ci.reports.go_runs import OUTCOMES, Runs
from xray_ci.reports.lines import Documents
from xray_ci.reports.remarks import noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem
    from xray_ci.reports.json_stream import Source

_NO_BUILD: Final = re.compile(r"FAIL\t\S+ \[(?:build|setup) failed\]")
_BUILDS: Final = 100
"""Failed builds whose output is kept until their package ends."""
_BUILD_TEXT: Final = 1_000


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each run of each test when it ends, then notices.

    Durations are seconds, times those of the `run` and end events. Raises Fault for a broken line, and where a package has no end.
    """
    events, runs = Documents(source, telling=_NO_BUILD), Runs()
    builds: dict[str, str] = {}
    seen = False
    for event in events:
        action = event.get("Action")
        if not isinstance(action, str):
            continue
        seen = True
        package = members.text(event, "Package", members.NAME_LIMIT)
        if action == "build-output":
            target = members.text(event, "ImportPath", members.NAME_LIMIT) or ""
            if target in builds or len(builds) < _BUILDS:
                builds[target] = (builds.get(target, "") + (members.text(event, "Output") or ""))[:_BUILD_TEXT]
        elif package is not None:
            yield from _event(runs, event, action, package, builds)
    if not seen:
        raise Fault(NOT_A_REPORT, "it has no event of `go test -json`")
    for line in events.told:
        yield from runs.outside.say(f"package {line.split()[1]}", "the build failed")
    yield from runs.last_words()
    yield from noise(events)


def _event(runs: Runs, event: dict[str, Any], action: str, package: str, builds: dict[str, str]) -> Iterator[Case | Problem]:
    test = members.text(event, "Test", members.NAME_LIMIT)
    match action:
        case "output":
            line = event.get("Output")
            if isinstance(line, str):
                runs.output(package, test, line)
        case "run" if test is not None:
            yield from runs.run(package, test, members.moment(event, "Time"))
        case "attr" if test is not None:
            runs.attribute(package, test, members.text(event, "Key") or "", members.text(event, "Value") or "")
        case "start":
            runs.touch(package)
        case _ if action not in OUTCOMES:
            pass
        case _ if test is not None:
            yield from runs.end(package, test, action, members.seconds(event, "Elapsed"), members.moment(event, "Time"))
        case _:
            failed = members.text(event, "FailedBuild")
            yield from runs.package_end(package, action, builds.pop(failed, "the build failed") if failed else None)
