"""Failed tests as people look for them: the Test's key, the file and line in which they failed, and annotations there.

Places are read out of messages and stack traces of any language, in linear time, for the text is a stranger's; then
looked for in the workspace: only whether a file is there, nothing of it is read. Knows which rule names a Test; where
none does, the Test that the import found or made is read back, and told only where no other can be meant.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from xray_ci.ci.console import ANNOTATION_LIMIT
from xray_ci.ci.result import FailureRow
from xray_ci.ci.syntax import AnnotationKind, Summaries
from xray_ci.deployments import JSON_FORMATS
from xray_ci.errors import Failure, Interrupted
from xray_ci.model import Outcome
from xray_ci.patterns import lazy
from xray_ci.pipeline.job import mapping_of, rulebook_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from xray_ci.ci.result import RunResult
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Context
    from xray_ci.delivery.reconcile import Reconciled
    from xray_ci.model import Case
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.services.store import ExistingTest
    from xray_ci.xray.mapping import MappingOptions

_MESSAGE: Final = 500
_PLACED: Final = 60
_LISTED: Final = 10
_TRACE: Final = 2_000
_MESSAGE_SHOWN: Final = 120
"""Failures whose place is looked for: more than any page shows."""
_LIBRARIES: Final = frozenset(
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
    """Makes the rows of failed tests; one for a run. What is sent as it is Xray maps itself: then no rule counts."""

    def __init__(self, job: Job, *, as_it_is: bool = False, mapped: MappingOptions | None = None) -> None:
        """Take by what the run itself decides which Test a case is, where it has asked a site."""
        self._as_it_is = as_it_is
        self._workspace = job.settings.workspace
        self._settings = job.settings
        self._known: dict[tuple[Frame, str], str | None] = {}
        self._folders: dict[str, bool] = {}
        self._made = 0
        self._mapping = mapped
        self._rulebook = None if as_it_is else rulebook_of(job.settings)

    def help(self, job: Job) -> None:
        """Let those who take the cases of the run know which Test each is."""
        if job.history is not None:
            job.history.key = self.key
        if job.page is not None:
            job.page.named = self.named

    def row(self, case: Case, shown: str, names: tuple[str, ...] = ()) -> FailureRow:
        """Return the row of a failed case of the report `shown`, whose format has these names, key first."""
        self._made += 1
        name = f"{case.classname}.{case.name}" if case.classname else case.name
        message = case.message or case.trace
        file, line = self._place(case, shown) if self._made <= _PLACED else (None, None)
        key, identity = self.named(case, shown, names)
        return FailureRow(
            name=name[:_MESSAGE],
            message=message[:_MESSAGE] if message else None,
            report=shown,
            line=case.line,
            outcome=case.outcome,
            key=key,
            identity=identity,
            file=file,
            file_line=line,
            trace=case.trace[:_TRACE] if case.trace else None,
        )

    def key(self, case: Case, shown: str, names: tuple[str, ...]) -> str | None:
        """Return the key that the report, the user's rules or `key-pattern` give the case; None without."""
        return self.named(case, shown, names)[0]

    def named(self, case: Case, shown: str, names: tuple[str, ...]) -> tuple[str | None, bytes | None]:
        """Return that key, or what Xray finds or makes the Test of the case by; neither where it gets no Test."""
        from xray_ci.xray import mapping  # noqa: PLC0415

        if self._mapping is None:
            self._mapping = self._prepared()
        if self._rulebook is not None:
            self._rulebook.begin(shown, names)
            ruled = self._rulebook.apply(case)
            if ruled.skip is not None:
                return None, None
            case = ruled.case
        target = mapping.decide(case, self._mapping)
        if not isinstance(target, mapping.TestTarget):
            return None, None
        if target.keys:
            return target.keys[0], None
        if self._as_it_is and any(name in JSON_FORMATS for name in names):  # Xray makes no Tests of such reports (D)
            return None, None
        return None, mapping.identity_of(target.test_type, target.project, target.definition or target.summary)

    def places(self, cases: Iterable[tuple[Case, str, tuple[str, ...]]], keys: set[str]) -> str:
        """Return where cases name Tests, a line each; takes no more cases than that needs. Each as `key` takes it."""
        found: dict[str, str] = {}
        for case, shown, names in cases:
            key = self.key(case, shown, names)
            if key in keys and key not in found:
                found[key] = f"{key}: {shown}" + (f":{case.line}" if case.line else "")
                if len(found) == len(keys):
                    break
        return "\n".join(found.values())

    def _prepared(self) -> MappingOptions:
        """Return what says which Test a case is where no site was asked."""
        settings = self._settings
        if not self._as_it_is:
            return mapping_of(settings)
        from xray_ci.xray import mapping  # noqa: PLC0415

        own = (settings.test_execution or "").rpartition("-")[0]
        return mapping.MappingOptions(project=settings.project or own or mapping.ANYWHERE)

    def _place(self, case: Case, shown: str) -> tuple[str | None, int | None]:
        for text in (case.trace, case.message):
            if not text:
                continue
            for frame in frames(text):
                if (file := self._file(frame, shown)) is not None:
                    return file, frame.line
        return None, None

    def _file(self, frame: Frame, shown: str) -> str | None:
        key = (frame._replace(line=1), shown.rpartition("/")[0])
        if key not in self._known:
            self._known[key] = next(
                (path for path in _paths(frame, shown, self._workspace) if self._is_file(path)), None
            )
        return self._known[key]

    def _is_file(self, path: str) -> bool:
        """Say whether the workspace has a file; most of what is asked ends at a folder that is not there."""
        end = path.find("/")
        while end > 0:
            folder = path[:end]
            if folder not in self._folders:
                self._folders[folder] = os.path.isdir(f"{self._workspace}/{folder}")  # noqa: PTH112  # no error, whatever it is
            if not self._folders[folder]:
                return False
            end = path.find("/", end + 1)
        return os.path.isfile(f"{self._workspace}/{path}")  # noqa: PTH113  # the same


def read_back(job: Job, tally: Tally, plan: Plan, context: Context, rows: Sequence[Reconciled]) -> None:
    """Give each failure that nothing names the key of its Test; what cannot be asked changes nothing."""
    wanted = {one.identity for one in tally.failures if one.identity is not None}
    if not wanted or not any(row.failed for row in rows):
        return
    try:
        found = _keys(wanted, bad_words(job, plan), context, rows)
    except Interrupted as failure:
        tally.fail(failure)
    except Failure as failure:
        job.console.debug(f"the keys of failed Tests cannot be asked: {failure.what}")
    else:
        tally.failures = [replace(one, key=found.get(one.identity or b"", one.key)) for one in tally.failures]
        if job.page is not None:
            job.page.keys = found


def bad_words(job: Job, plan: Plan) -> frozenset[str]:
    """Return the statuses that failures are stored with; `statuses` counts for what is converted alone."""
    own = job.settings.statuses if all(call.tests_at is not None for call in plan.calls) else {}
    words = plan.deployment.dialect.statuses
    return frozenset(own.get(each.value, words[each]) for each in (Outcome.FAILED, Outcome.ERROR))


def _keys(wanted: set[bytes], words: Collection[str], context: Context, rows: Sequence[Reconciled]) -> dict[bytes, str]:
    """Return keys of Tests whose runs failed, by their identities; raises Failure.

    Two of one identity are none: nobody knows which of them the import took. So a list that is not read to its end
    counts only where that cannot be, and is read no further than to the last that is wanted.
    """
    from xray_ci.delivery.progress import FAILED_LIMIT  # noqa: PLC0415
    from xray_ci.services.store import PAGE  # noqa: PLC0415

    found: dict[bytes, set[str]] = {}
    left = FAILED_LIMIT
    for failed in (row.failed for row in rows if row.failed is not None):
        if left <= 0:
            break
        count, cut, mine = 0, False, dict[bytes, set[str]]()
        for test in context.store.failed_tests(failed.issue, sorted(words), failed.keys[:left]):
            count += 1
            for identity in _identities(test):
                mine.setdefault(identity, set()).add(test.key)
            if cut := count >= left or (failed.sure and wanted <= mine.keys() | found.keys()):
                break
        left -= max(1, -(-count // PAGE)) * PAGE
        if failed.sure or not (cut or len(failed.keys) > count):
            for identity, keys in mine.items():
                found.setdefault(identity, set()).update(keys)
    return {identity: min(keys) for identity, keys in found.items() if len(keys) == 1}


def _identities(test: ExistingTest) -> Iterator[bytes]:
    """Yield what a Test is found by, the second where nobody said in which project."""
    from xray_ci.xray.mapping import ANYWHERE, identity_of  # noqa: PLC0415

    for project in (test.key.rpartition("-")[0], ANYWHERE):
        yield identity_of(test.test_type, project, test.definition or test.summary)


def annotated(job: Job, result: RunResult) -> RunResult:
    """Show the first failed tests where the CI system shows annotations, those with a place first, else in the log.

    Return the result.
    """
    if job.surroundings.provider.handover.summary not in (Summaries.GITHUB, Summaries.AZURE):
        _listed(job, result)
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


def _listed(job: Job, result: RunResult) -> None:
    """Name the first failed tests in the log, where there is no page that does."""
    shown = result.failures[:_LISTED]
    for one in shown:
        first = next((line.strip() for line in (one.message or "").splitlines() if line.strip()), "")
        place = f" ({one.file}{f':{one.file_line}' if one.file_line else ''})" if one.file else ""
        key = f"{one.key} " if one.key else ""
        said = f"  failed: {key}{one.name}{place}{f': {first[:_MESSAGE_SHOWN]}' if first else ''}"
        url = f"{result.issues_at}{one.key}" if one.key and result.issues_at else None
        job.console.linked(said, one.key or "", url)
    if shown and (left := max(result.bad, len(result.failures)) - len(shown)) > 0:
        job.console.info(f"  and {left:,} more")


def _paths(frame: Frame, shown: str, workspace: Path) -> Iterator[str]:
    """Yield what a place may mean, relative to the workspace, the likeliest first."""
    parts = frame.parts
    if not _LIBRARIES.isdisjoint(parts):
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


_LINES: Final = 400
_WIDTH: Final = 500
FRAMES_LIMIT: Final = 40
_PYTHON: Final = lazy(r'File "([^"]+)", line (\d{1,7})')
_DOTNET: Final = lazy(r" in (\S[^:]*(?::[\\/][^:]*)?):line (\d{1,7})$")
_WORD: Final = lazy(r"[^\s\"'`()<>|*?\[\],;]+")
_SUFFIX: Final = lazy(r"\.[A-Za-z]\w{0,9}$")
_SCHEME: Final = lazy(r"^(?:file://|webpack(?:-internal)?://[^/]*/)(?:\./)?")
_DRIVE: Final = lazy(r"^[A-Za-z]:[\\/]")
_OF_JVM: Final = (".java", ".kt", ".groovy", ".scala")
_PARTS: Final = 40


class Frame(NamedTuple):
    """One place: parts of a path and a line, counted from 1."""

    parts: tuple[str, ...]
    line: int
    absolute: bool
    package: bool = False
    """Whether the folders are those of a package, below a source root that nobody names."""


def frames(text: str) -> list[Frame]:
    """Return the places that a text names, the one where it failed first; at most `FRAMES_LIMIT`."""
    found: list[Frame] = []
    for line in text.split("\n", _LINES)[:_LINES]:
        found += _of_line(line[:_WIDTH].rstrip())
    # Python tells its calls oldest first, everybody else newest first.
    if any(frame.parts[-1].endswith(".py") for frame in found):
        found.reverse()
    return list(dict.fromkeys(found))[:FRAMES_LIMIT]


def _of_line(line: str) -> Iterator[Frame]:
    if "line " in line and (match := _PYTHON.search(line) or _DOTNET.search(line)):
        yield from _frame(match[1], match[2])
        return
    if ":" not in line:
        return
    before = ""
    for word in _WORD.findall(line):
        if ":" in word:
            path, number = _placed(_SCHEME.sub("", word) if "//" in word else word)
            if path:
                yield from _frame(path, number, before)
        before = word


def _placed(word: str) -> tuple[str, str]:
    """Return path and line of `path:12`, `path:12:5` and `path:12:in`; empty texts for any other word."""
    start = 2 if _DRIVE.match(word) else 0
    at = word.find(":", start)
    number = word[at + 1 :].partition(":")[0] if at > 0 else ""
    return (word[:at], number) if number.isascii() and number.isdigit() and _SUFFIX.search(word[:at]) else ("", "")


def _frame(path: str, number: str, before: str = "") -> Iterator[Frame]:
    """Give the place of a path; `before` is what stands before it, in traces of the JVM the method with its package."""
    absolute = path.startswith(("/", "\\")) or _DRIVE.match(path) is not None
    parts = tuple(part for part in _DRIVE.sub("", path).replace("\\", "/").split("/") if part not in ("", "."))
    line = int(number[:7])
    if not parts or ".." in parts or len(parts) > _PARTS or line < 1:
        return
    package = len(parts) == 1 and parts[0].endswith(_OF_JVM)
    if package:
        folders = before.rpartition("/")[2].split(".")[:-2]
        parts = (*folders, *parts) if all(folders) and len(folders) < _PARTS else parts
    yield Frame(parts, line, absolute, package)
