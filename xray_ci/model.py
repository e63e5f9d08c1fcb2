"""What a report says, and nothing of Xray: cases, their steps, iterations, attachments, and problems of reading.

Structs of msgspec instead of frozen dataclasses: equally strict (frozen, keyword only, slots) and a case is made in
0.2 µs instead of 2.7 µs, which is what lets reports stream at the speed of their XML parser. A class is made in 11 µs
instead of 560, which is what a small report pays for: so the whole product has structs.

What a run takes from its process, as one value: nothing below `cli` looks at the process itself.
"""

from __future__ import annotations

import enum
import time
from datetime import datetime  # noqa: TC003  # msgspec reads the types of a case
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


TEXT_LIMIT: Final = 32_768
"""Characters kept of one text of a report (message, trace, output); more is cut with `CUT` at its end."""
CUT: Final = "\n… [cut by xray-ci]"


class Discreet(msgspec.Struct, frozen=True):
    """A struct whose representation leaves out some fields: bodies, headers, what is long."""

    unshown: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.unshown)
        return f"{type(self).__name__}({', '.join(shown)})"


class Outcome(enum.Enum):
    """What became of a case; the words are those of the counts in every output."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "errors"
    SKIPPED = "skipped"
    OTHER = "other"
    __hash__ = object.__hash__  # an outcome is one object, and it is looked up twice for each case


class MarkKind(enum.Enum):
    """What an author can attach to a case besides its result. Names of the mark's meaning, not of any tool."""

    __hash__ = object.__hash__  # a mark's kind is one object, and it is looked up for each mark

    TEST_KEY = "test key"
    TEST_ID = "test id"
    REQUIREMENT = "requirement"
    TAG = "tag"
    SUMMARY = "summary"
    DESCRIPTION = "description"
    COMMENT = "comment"
    CUSTOM_FIELD = "custom field"
    DEFECT = "defect"
    EXECUTED_BY = "executed by"
    ASSIGNEE = "assignee"
    PROJECT = "project"
    TEST_TYPE = "test type"
    DEFINITION = "definition"
    SCENARIO = "scenario"
    TEST_VERSION = "test version"
    ENVIRONMENT = "environment"
    """What the case ran in, where the format itself says so (a project of Playwright)."""


class IssueKind(enum.Enum):
    """What an issue is to whoever names it by its key."""

    TEST = "a Test"
    COVERABLE = "an issue that Tests cover"
    OTHER = "neither"


class Mark(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One thing the author attached, unread: nobody has checked that a test key looks like a key."""

    kind: MarkKind
    value: str
    name: str | None = None
    """Of a custom field: its name or id."""
    listed: bool = False
    """Of a custom field: whether the report writes its value as a list, so that one option stays a list."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A file that belongs to a case: a path as the report names it, or base64 text that the report holds."""

    name: str
    media_type: str | None = None
    path: str | None = None
    """As written in the report: absolute, of another system, outside of the workspace. Confined by who reads it."""
    base64: str | None = None
    """Unchecked base64 text, without white space."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One step of a case, its definition and its result as far as the report says them."""

    action: str | None = None
    data: str | None = None
    expected: str | None = None
    outcome: Outcome | None = None
    status: str | None = None
    """The report's own status word, kept where it is an Xray status already."""
    comment: str | None = None
    actual: str | None = None
    defects: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class Iteration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One data-driven run inside a case."""

    outcome: Outcome
    status: str | None = None
    name: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    log: str | None = None
    duration: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An earlier try of the same case in the same run (Surefire's flaky and rerun elements)."""

    outcome: Outcome
    message: str | None = None
    trace: str | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One result as a report states it. `None` and `()` mean that the report did not say."""

    suite: tuple[str, ...] = ()
    """Names of the suites around the case, outermost first; a nameless suite is an empty string."""
    name: str
    classname: str | None = None
    outcome: Outcome
    status: str | None = None
    """The report's own status word, kept only where it is an Xray status already (Xray JSON)."""
    seconds: float | None = None
    started: datetime | None = None
    """Aware, or naive when the report gives no offset."""
    finished: datetime | None = None
    kind: str | None = None
    """Type of the failure, for example an exception's class."""
    message: str | None = None
    trace: str | None = None
    output: str | None = None
    """Excerpt of what the case printed; kept only for a case that did not pass."""
    attachments: tuple[Attachment, ...] = ()
    marks: tuple[Mark, ...] = ()
    steps: tuple[Step, ...] = ()
    defined_steps: tuple[Step, ...] = ()
    """Definition of a step-based Test where the report brings it (Xray JSON `testInfo.steps`)."""
    iterations: tuple[Iteration, ...] = ()
    examples: tuple[str, ...] = ()
    """Status words of a Scenario Outline's rows, as the report writes them."""
    attempts: tuple[Attempt, ...] = ()
    retried: bool | None = None
    """Whether it is an earlier attempt, and another case of the report the last."""
    properties: tuple[tuple[str, str], ...] = ()
    """Names and values that a tool or an author attached and that mean nothing by themselves, of the suites around it
    first."""
    line: int | None = None
    """Line of its report, from 1, on which the element, object or event begins that holds it."""


class Severity(enum.Enum):
    """`ERROR` drops the whole report, `RESULT` one result of it, `NOTICE` nothing."""

    ERROR = "error"
    RESULT = "result"
    NOTICE = "notice"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong in what was read, as a value: one bad report never hides the others."""

    severity: Severity
    slug: str
    """Short name with a paragraph in docs/errors.md."""
    cause: str
    path: str | None = None
    """The report as it was found, relative to the workspace."""
    line: int | None = None
    column: int | None = None
    advice: str | None = None


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """Drop all that came of this report so far: it is read again from its start over repaired bytes."""

    cause: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What comes now was read from this report, elsewhere: a file of collected results holds those of several."""

    path: str
    """As it was shown there."""
    format: str
    family: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a report lies: the real path to open and the path to show (relative to the workspace, posix)."""

    path: Path
    shown: str
    root: str | None = None
    """The resolved folder that no link on the way to the report may leave; None for a path that is trusted."""
    inner: tuple[str, ...] = ()
    """Names of folders and file from the root on."""


class Process(NamedTuple):
    """What a run takes from its process."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: str
    out: TextIO
    err: TextIO
    alone: bool = False
    """Whether the process is ours: then signals are, too."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""
