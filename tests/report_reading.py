"""Reading reports in tests: a file to its cases, problems and totals, with the reports room alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from xray_ci.formats import Format
from xray_ci.model import Case, Outcome, Place, Problem, Restart, Severity
from xray_ci.reports import junit
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import identify, read

NUMBERS = ("tests", *(outcome.value for outcome in Outcome))


@dataclass
class Seen:
    """What came of one report."""

    format: str | None = None
    cases: list[Case] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    restarts: int = 0

    @property
    def refused(self) -> bool:
        """Say whether the report does not count."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    @property
    def totals(self) -> dict[str, int | None]:
        """The numbers under their public names, None for each of a report that is refused."""
        if self.refused:
            return dict.fromkeys(NUMBERS)
        counted = Counter(case.outcome for case in self.cases)
        return {"tests": len(self.cases), **{outcome.value: counted[outcome] for outcome in Outcome}}

    def slugs(self) -> list[str]:
        """Return the problems by name."""
        return [problem.slug for problem in self.problems]


def seen(path: Path, format: str | None = None) -> Seen:  # noqa: A002 - as the product calls it
    """Read a file as the product does."""
    found = FoundReport(place=Place(path=path, shown=path.name), format=format)
    row = identify(found)
    result = Seen(format=row.key if isinstance(row, Format) else None)
    for item in read(found):
        match item:
            case Case():
                result.cases.append(item)
            case Restart():
                result.cases.clear()
                result.problems.clear()
                result.restarts += 1
            case Problem():
                result.problems.append(item)
    return result


def cases(document: str | bytes) -> list[Case]:
    """Read JUnit XML that is well-formed, without a file."""
    return [
        item
        for item in junit.read(BytesIO(document.encode() if isinstance(document, str) else document))
        if isinstance(item, Case)
    ]


def case(inner: str = "", attributes: str = 'classname="c" name="n"') -> Case:
    """Read one testcase with these elements inside."""
    (only,) = cases(f"<testsuite name='s'><testcase {attributes}>{inner}</testcase></testsuite>")
    return only
