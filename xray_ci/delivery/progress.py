"""What happened so far, as entries that a journal keeps.

What a later run has to know so that nothing is lost or doubled.

Values only: no network, no files. An entry is written before a request leaves and again when its answer is understood;
what began and did not end may have been done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}\Z")]
"""Of an issue; what is read from a journal goes into paths and queries."""
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}\Z")]
"""Id of an issue."""


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun"):
    """A request is about to leave."""

    call: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """Its results are in a Test Execution: it was answered, or found there afterwards."""

    call: str
    key: Key
    tests: int
    stored: int | None = None
    """Test Runs that the answer counts; None where the deployment does not say."""


class ExecutionFound(msgspec.Struct, frozen=True, kw_only=True, tag="found"):
    """The Test Execution of that id is this issue: made, found by its mark, or brought by an answer."""

    execution: str
    key: Key
    number: Number | None = None


class Making(msgspec.Struct, frozen=True, kw_only=True, tag="making"):
    """An empty Test Execution is about to be made."""

    execution: str


class Made(msgspec.Struct, frozen=True, kw_only=True, tag="made"):
    """An empty Test Execution was made by us; one that is older may be found yet."""

    execution: str
    key: Key
    number: Number


class Removed(msgspec.Struct, frozen=True, kw_only=True, tag="removed"):
    """The empty Test Execution that we made and do not need is gone, or stays for good."""

    execution: str


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, tag="left out"):
    """One test of a request is refused for a reason of its own; the others go without it."""

    call: str
    index: int
    """Place of the test among those of its request, from 0."""
    test: str
    reason: str


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """A request was refused as a whole, or never arrived: nothing of it is under way any more."""

    call: str


class Lightened(msgspec.Struct, frozen=True, kw_only=True, tag="lightened"):
    """The evidence of one test goes after the results: with it the request is too big."""

    call: str
    index: int
    """Place of the test among those of its request, from 0."""
    files: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Attaching(msgspec.Struct, frozen=True, kw_only=True, tag="attaching"):
    """One file of evidence is about to leave for its Test Run."""

    call: str
    index: int
    file: int
    """Place of the file among those of its test, from 0."""
    there: int
    """Files of that name that the Test Run had before."""


class Unattached(msgspec.Struct, frozen=True, kw_only=True, tag="unattached"):
    """A file of evidence was refused, or never arrived: it is not under way any more."""

    call: str
    index: int
    file: int


class EvidenceAdded(msgspec.Struct, frozen=True, kw_only=True, tag="attached"):
    """A file of evidence is in its Test Run."""

    call: str
    index: int
    file: int


class Checked(msgspec.Struct, frozen=True, kw_only=True, tag="checked"):
    """What Xray stores of a Test Execution was compared with what was sent."""

    execution: str
    right: bool


Entry = (
    Begun
    | Ended
    | ExecutionFound
    | Making
    | Made
    | Removed
    | LeftOut
    | Withdrawn
    | Lightened
    | Attaching
    | Unattached
    | EvidenceAdded
    | Checked
)


class Progress:
    """All entries so far, by what they are about."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.begun: set[str] = set()
        """Requests that left, and whose end is not known."""
        self.ended: dict[str, Ended] = {}
        self.found: dict[str, ExecutionFound] = {}
        self.making: set[str] = set()
        self.made: dict[str, Made] = {}
        """Empty ones of ours that are still there."""
        self.left_out: dict[str, dict[int, LeftOut]] = {}
        self.light: dict[str, dict[int, int]] = {}
        """How many files of evidence go after the results, by request and place of the test."""
        self.attaching: dict[tuple[str, int, int], int] = {}
        self.attached: set[tuple[str, int, int]] = set()
        self.checked: set[str] = set()
        for entry in entries:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Take one more entry in."""
        match entry:
            case Begun(call=call):
                self.begun.add(call)
            case Ended(call=call):
                self.begun.discard(call)
                self.ended[call] = entry
            case Withdrawn(call=call):
                self.begun.discard(call)
            case ExecutionFound(execution=execution):
                self.making.discard(execution)
                self.found[execution] = entry
            case Making(execution=execution):
                self.making.add(execution)
            case Made(execution=execution):
                self.made[execution] = entry
            case Removed(execution=execution):
                self.made.pop(execution, None)
            case LeftOut(call=call, index=index):
                self.left_out.setdefault(call, {})[index] = entry
            case Checked(execution=execution):
                self.checked.add(execution)
            case Lightened() | Attaching() | Unattached() | EvidenceAdded():
                self._note_evidence(entry)

    def _note_evidence(self, entry: Lightened | Attaching | Unattached | EvidenceAdded) -> None:
        match entry:
            case Lightened(call=call, index=index, files=files):
                self.light.setdefault(call, {})[index] = files
            case Attaching(call=call, index=index, file=file, there=there):
                self.attaching[call, index, file] = there
            case Unattached(call=call, index=index, file=file):
                self.attaching.pop((call, index, file), None)
            case EvidenceAdded(call=call, index=index, file=file):
                self.attached.add((call, index, file))

    def owed(self, call: str, index: int) -> bool:
        """Say whether evidence of a test is still to be added."""
        return any((call, index, file) not in self.attached for file in range(self.light.get(call, {}).get(index, 0)))

    @property
    def owes(self) -> bool:
        """Whether evidence of any test that was sent is still to be added."""
        return any(
            self.owed(call, index)
            for call, tests in self.light.items()
            for index in tests
            if index not in self.left_out.get(call, ())
        )

    @property
    def surplus(self) -> dict[str, Made]:
        """Our empty Test Executions in whose place another one is used, by the id of theirs in the plan."""
        return {
            name: made for name, made in self.made.items() if name in self.found and self.found[name].key != made.key
        }
