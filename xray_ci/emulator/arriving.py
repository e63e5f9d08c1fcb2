"""What arrives with an import, as values: results, the Tests they are of, the Test Execution they are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xray_ci.emulator.world import TestDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.emulator.world import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class TestInfo:
    """How to find or make a Test; `project` empty: the project of the Test Execution."""

    project: str
    summary: str
    type: str
    definition: str = ""
    scenario: str = ""
    steps: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    description: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Return kind and identity: what is looked for inside the project."""
        details = TestDetails(type=self.type)
        generic = details.kind == "Unstructured" and self.definition
        return details.kind, self.definition if generic else self.summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result; status in the product's words, or PASS, FAIL, TODO when it comes from a native report."""

    status: str
    key: str | None = None
    """Key or numeric id of the Test."""
    info: TestInfo | None = None
    native: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    """The other members of a run by their names in Xray JSON for Cloud; `evidence` items as sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Test Execution that is asked for."""

    execution: str | None = None
    project: str | None = None
    summary: str | None = None
    description: Any = None
    plans: tuple[str, ...] = ()
    plan_takes_tests: bool = True
    """Server's multipart field links the execution only (D)."""
    environments: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    revision: str | None = None
    started: str | None = None
    finished: str | None = None
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    test_fields: Mapping[str, Any] = field(default_factory=dict)
    """For Tests that are made (part `testInfo`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an import came to."""

    execution: Issue
    stored: tuple[Issue, ...]
    errors: tuple[tuple[str, str], ...]
    """Key or identity of a Test that was not stored, and why; only Server tells."""
