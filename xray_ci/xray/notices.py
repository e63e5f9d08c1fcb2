"""What was left out or changed on the way to Xray, and who decided which Test a result is, counted.

A notice is one sentence a kind, with the first place it happened, and never changes an exit code; what loses a result
is a Problem of severity RESULT instead. Decisions are written down for each result when somebody will read them
(`plan`). A report that turns out broken leaves nothing behind.

Knows the sentences; knows nothing of where they are shown.
"""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

import msgspec
from msgspec import Struct

from xray_ci.model import Problem, Severity
from xray_ci.xray import escaping
from xray_ci.xray.mapping import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xray_ci.model import Case
    from xray_ci.xray.mapping import TestTarget


SENTENCES: Final = MappingProxyType(
    {
        "test-info-left-out": "A Test that is named by its key is not rewritten: summary, labels, requirements or "
        "definition "
        "of the report are left out",
        "test-id-unresolved": "A test_id could not be resolved to a Test key; the test_key beside it is used",
        "bad-test-key": "One of several Test keys is no Jira issue key and is left out",
        "too-many-test-keys": "A result names more than 100 Tests; those after the hundredth are left out",
        "test-key-not-allowed": "One of several Test keys is of a project that `key-projects` does not list and "
        "is left out",
        "ruled-out": "A rule of `mapping` leaves a result out (`skip`)",
        "bad-requirement-key": "A requirement is no Jira issue key and is left out",
        "requirement-not-allowed": "A requirement is of a project that `key-projects` does not list and is left out",
        "bad-defect-key": "A defect is no Jira issue key and is left out",
        "description-left-out": "Xray Cloud takes no description of a Test; it is left out",
        "test-version-left-out": "Xray Cloud takes no version of a Test; it is left out",
        "custom-field-by-name": "Xray Server/Data Center takes Test Run custom fields by id only; a field named "
        "otherwise "
        "is left out",
        "custom-field-api-version": "Test Run custom fields need API v2; they are left out",
        "steps-left-out": "A result has only one of iterations, examples and steps; the others are left out",
        "step-results-left-out": "Results of steps are not sent: only Tests that are known to have these steps take "
        "them, and "
        "Cucumber Tests never do; the comment of a failure tells them",
        "iteration-log-left-out": "Xray Server/Data Center takes no log and no duration of an iteration; they are "
        "left out",
        "parameters-cut": "An iteration has more parameters than Xray Server/Data Center takes; the others are left "
        "out",
        "step-action-cut": "The action of a step is longer than Xray takes and is cut",
        "example-status-unknown": "The status of an example row is none that Xray knows; it is sent as not run",
        "time-out-of-range": "A time of the report is not in the calendar and is left out",
        "definition-cleaned": "The name of a test holds characters that Jira cannot store; they are left out of its "
        "definition",
        "iterations-merged": "`repeats: iterations` needs a step-based Test found by testInfo; the worst result is "
        "sent instead",
        "iterations-too-many": "A Test has too many results for one list of iterations; the worst result is sent "
        "instead",
        "evidence-address": "Evidence is an address and not a file; it is left out",
        "evidence-outside": "Evidence lies outside of the workspace and is left out",
        "evidence-link": "Evidence is, or lies behind, a symbolic link and is left out",
        "evidence-private": "Evidence is a hidden file, or one of xray-ci's own, and is left out",
        "evidence-missing": "A file of evidence does not exist and is left out",
        "evidence-not-a-file": "Evidence is no regular file, or cannot be read, and is left out",
        "evidence-not-asked": "A result that did not fail has evidence; it is left out, as `attachments` says",
        "evidence-empty": "A file of evidence is empty; Xray takes no empty files, so it is left out",
        "evidence-base64": "Evidence inside a report is no valid base64 and is left out",
        "evidence-too-large": "A file of evidence is larger than `evidence-max-file` and is left out",
        "evidence-total": "The evidence of the run is larger than `evidence-max-total`; the rest is left out",
        "evidence-moved": "Xray takes files of a step inside the report only; a file beside it is sent with the Test "
        "Run",
        "over-batch-bytes": "The result of one test alone is larger than `batch-bytes`; it is sent in a request of "
        "its own, and its evidence after it",
    }
)
"""Slug → sentence; each slug has a paragraph in docs/errors.md."""


class Notices:
    """Counts notices by slug and remembers where each was first seen."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, tuple[str | None, int | None]] = {}
        """Where each kind was seen first."""
        self.path: str | None = None
        self.line: int | None = None
        """The place of what is being looked at; set by who walks the cases."""

    def add(self, slug: str, count: int = 1) -> None:
        """Count one more of a kind at the current place."""
        try:
            self._counts[slug] += count
        except KeyError:
            self._counts[slug], self._places[slug] = count, (self.path, self.line)

    def clear(self) -> None:
        """Forget everything: another report begins."""
        self._counts.clear()
        self._places.clear()
        self.path = self.line = None

    def merge(self, other: Notices) -> None:
        """Add what another collector saw, after what this one saw."""
        for slug, count in other._counts.items():
            self._counts[slug] = self._counts.get(slug, 0) + count
        self._places = other._places | self._places

    def problems(self) -> tuple[Problem, ...]:
        """Return one Problem a kind, in the order of the first sight."""
        return tuple(
            Problem(
                severity=Severity.NOTICE,
                slug=slug,
                path=self._places[slug][0],
                line=self._places[slug][1],
                cause=SENTENCES[slug] + ("" if count == 1 else f" ({count} times; this is the first)"),
            )
            for slug, count in self._counts.items()
        )


FILE: Final = "decisions"
_SHOWN: Final = 200


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """One result: its place and name, its Test, and what decided that."""

    place: str
    name: str
    by: str
    keys: tuple[str, ...] = ()
    identity: str = ""
    """`mapping.identity_of` a Test without keys, as text."""
    definition: str | None = None


class Decisions:
    """Collects over a run."""

    def __init__(self, work: Path, *, written: bool) -> None:
        """`written`: each result is kept on disk, in the file `FILE` of the folder `work`."""
        self._path = work / FILE
        self._out = self._path.open("w+b") if written else None
        self._encoder = msgspec.json.Encoder()
        self._begin = 0
        self.here: Counter[str] = Counter()
        """What decided the results of the current report; counted by who reads it, once a case."""
        self.counts: Counter[str] = Counter()

    def begin(self) -> None:
        """Start a report; forget what was not committed."""
        self.here.clear()
        if self._out is not None:
            self._out.seek(self._begin)
            self._out.truncate()

    def add(self, case: Case, target: TestTarget, by: str, shown: str) -> None:
        """Write down one result of the report that is shown like this."""
        if self._out is not None:
            where = shown if case.line is None else f"{shown}:{case.line}"
            text = target.definition or target.summary
            identity = "" if target.keys else identity_of(target.test_type, target.project, text).decode()
            name = escaping.one_line(case.name, _SHOWN)
            line = Decided(where, name, by, target.keys, identity, target.definition)
            self._out.write(self._encoder.encode(line) + b"\n")

    def commit(self) -> None:
        """Count the current report in."""
        self.counts += self.here
        self.here.clear()
        if self._out is not None:
            self._begin = self._out.tell()

    def close(self) -> None:
        """Let go of the file."""
        if self._out is not None:
            self.begin()
            self._out.close()
            self._out = None


def read(work: Path) -> Iterator[Decided]:
    """Yield what was written down, in report order; nothing when nothing was."""
    path = work / FILE
    if path.exists():
        decoder = msgspec.json.Decoder(Decided)
        with path.open("rb") as lines:
            yield from map(decoder.decode, lines)


class CaseCounts(Struct, kw_only=True):
    """The first six count cases of reports; the others what they became on the way to Xray."""

    tests: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    other: int = 0
    by_key: int = 0
    """Results whose Test is named by key; a case with two keys gives two."""
    by_identity: int = 0
    """Results whose Test is found or created."""
    unmapped: int = 0
    """Cases left out because of `unmapped: skip`."""
    ruled_out: int = 0
    """Cases that a rule of the user's leaves out."""
    not_in_plan: int = 0
    """Cases of Tests that `only-in-plan` leaves out."""
    rejected: int = 0
    """Cases left out because they name a Test wrongly."""
    invalid: int = 0
    """Results left out because Xray would refuse them."""
    merged: int = 0
    """Results that another result of the same Test stands for."""
    tests_by_key: int = 0
    """Distinct Tests named by key."""
    tests_by_identity: int = 0
    """Distinct Tests that Xray finds, or creates where it does not: the most that can be created."""
    sent: int = 0
    """Test Runs in the finished file."""

    def __iadd__(self, other: CaseCounts) -> Self:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self
