"""Failed tests as people look for them: the Test's key, the file and line in which they failed, and annotations there.

Finds places in the workspace only, and only says where a file is: nothing of it is read. Knows which rule names a Test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.ci.console import ANNOTATION_LIMIT
from xray_ci.ci.frames import Frame, frames
from xray_ci.ci.result import FailureRow
from xray_ci.ci.syntax import AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xray_ci.ci.result import RunResult
    from xray_ci.model import Case
    from xray_ci.pipeline.job import Job

_MESSAGE: Final = 500
_PLACED: Final = 60
"""Failures whose place is looked for: more than any page shows."""
_FOREIGN: Final = frozenset(
    {"node_modules", "site-packages", "dist-packages", "vendor", ".venv", "venv", ".tox", ".nox", ".git"}
)
"""Folders of code that is not the repository's own."""
_ROOTS: Final = (
    "src/test/java",
    "src/test/kotlin",
    "src/test/groovy",
    "src/test/scala",
    "src/integrationTest/java",
    "src/it/java",
    "src/androidTest/java",
    "src/main/java",
    "src/main/kotlin",
    "test",
    "tests",
    "src",
    "",
)
"""Where packages of the JVM begin, below a module."""
_DEEP: Final = 12


class FailureRows:
    """Makes the rows of failed tests; one for a run."""

    def __init__(self, job: Job) -> None:
        self._workspace = job.settings.workspace
        self._settings = job.settings
        self._known: dict[tuple[Frame, str], str | None] = {}
        self._made = 0
        self._mapping: Any = None
        self._rulebook: Any = None

    def row(self, case: Case, shown: str, names: tuple[str, ...] = ()) -> FailureRow:
        """Return the row of a failed case of the report `shown`, whose format has these names, key first."""
        self._made += 1
        name = f"{case.classname}.{case.name}" if case.classname else case.name
        message = case.message or case.trace
        file, line = self._place(case, shown) if self._made <= _PLACED else (None, None)
        return FailureRow(
            name=name[:_MESSAGE],
            message=message[:_MESSAGE] if message else None,
            report=shown,
            line=case.line,
            outcome=case.outcome,
            key=self._key(case, shown, names),
            file=file,
            file_line=line,
        )

    def _key(self, case: Case, shown: str, names: tuple[str, ...]) -> str | None:
        """Return the key that the report, the user's rules or `key-pattern` give the case.

        None where Xray finds its Test.
        """
        from xray_ci.xray import mapping  # noqa: PLC0415

        if self._mapping is None:
            self._prepare()
        if self._rulebook is not None:
            self._rulebook.begin(shown, names)
            ruled = self._rulebook.apply(case)
            if ruled.skip is not None:
                return None
            case = ruled.case
        target = mapping.decide(case, self._mapping)
        return target.keys[0] if isinstance(target, mapping.TestTarget) and target.keys else None

    def _prepare(self) -> None:
        from xray_ci.settings.values import MappingRules  # noqa: PLC0415
        from xray_ci.xray import mapping  # noqa: PLC0415

        settings = self._settings
        pattern = None
        if settings.key_pattern is not None:
            import re2  # noqa: PLC0415  # a user's pattern must not hang on a hostile name

            pattern = re2.compile(settings.key_pattern)
        self._mapping = mapping.MappingOptions(
            key_pattern=pattern, key_projects=frozenset(settings.key_projects), unmapped="skip"
        )
        if settings.mapping != MappingRules():
            from xray_ci.reports import globs  # noqa: PLC0415
            from xray_ci.xray.rules import Rulebook  # noqa: PLC0415

            self._rulebook = Rulebook(settings.mapping, fits=globs.fits)

    def _place(self, case: Case, shown: str) -> tuple[str | None, int | None]:
        for text in (case.trace, case.message):
            for frame in frames(text) if text else ():
                if (file := self._file(frame, shown)) is not None:
                    return file, frame.line
        return None, None

    def _file(self, frame: Frame, shown: str) -> str | None:
        key = (frame._replace(line=1), shown.rpartition("/")[0])
        if key not in self._known:
            self._known[key] = next(
                (path for path in _paths(frame, shown, self._workspace) if _is_file(self._workspace, path)), None
            )
        return self._known[key]


def annotated(job: Job, result: RunResult) -> RunResult:
    """Show the first failed tests where the CI system shows annotations, those with a place first.

    Return the result.
    """
    if result.failures and job.settings.annotations:
        for one in sorted(result.failures, key=lambda row: row.file is None)[:ANNOTATION_LIMIT]:
            job.console.annotate(
                AnnotationKind.ERROR,
                (one.message or "").strip() or f"The test {one.outcome.value}.",
                title=f"{one.key}: {one.name}" if one.key else one.name,
                file=one.file,
                line=one.file_line,
            )
    return result


def _paths(frame: Frame, shown: str, workspace: Path) -> Iterator[str]:
    """Yield what a place may mean, relative to the workspace, the likeliest first."""
    parts = frame.parts
    if not _FOREIGN.isdisjoint(parts):
        return
    if frame.absolute:
        own = workspace.parts[1:]
        if parts[: len(own)] == own and len(parts) > len(own):
            yield "/".join(parts[len(own) :])
        # Made in a container or on another machine: the end is the same. A name alone would fit too much.
        for start in range(1, len(parts) - 1):
            yield "/".join(parts[start:])
        return
    module = [part for part in shown.split("/")[:-1] if part not in ("", "..")][:_DEEP]
    for depth in range(len(module), -1, -1):
        for root in _ROOTS if frame.package else ("",):
            yield "/".join([*module[:depth], *([root] if root else []), *parts])


def _is_file(workspace: Path, path: str) -> bool:
    try:
        return (workspace / path).is_file()
    except (OSError, ValueError):
        return False
