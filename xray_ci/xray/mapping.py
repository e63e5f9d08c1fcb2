"""Which Test in Xray a case is: by key, else by the identity that Xray's own import uses. Pure.

Knows keys, identities and the marks of an author. Knows nothing of Xray JSON, statuses or files; what it cannot know
(the key of an issue id) is asked through `MappingOptions.resolve`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct, field

from xray_ci.model import Case, IssueKind, Mark, MarkKind, Step
from xray_ci.patterns import lazy, remembered
from xray_ci.xray import escaping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUMMARY_LIMIT: Final = 255
"""Characters of a summary (D, Jira)."""
GENERIC: Final = "generic"
CUCUMBER: Final = "cucumber"
"""Test types that have no steps (D); every other type counts as step-based (A)."""

GENERIC_TYPE: Final = "Generic"
CUCUMBER_TYPE: Final = "Cucumber"
"""As Xray writes them."""

ANYWHERE: Final = "ANY"
"""In the place of the project of native reports, where only their request says it."""
BY_REPORT: Final = "the report"
BY_PATTERN: Final = "key-pattern"
BY_IDENTITY: Final = "definition"
"""What decides which Test a case is, where no rule of the user's does."""

_KEY: Final = lazy(r"(?=.{4,255}\Z)[A-Z][A-Z0-9_]+-[1-9][0-9]{0,17}")
is_key: Final = _KEY.fullmatch
"""Match of a Jira issue key: the one strict pattern that everything from a report must fit before it is a key."""
KEY_LIMIT: Final = 100
"""Tests that one result is given to: each gets all of it."""
_SEVERAL: Final = lazy(r"\s*[,;]\s*")

_TEST_KEY: Final = MarkKind.TEST_KEY
_TEST_ID: Final = MarkKind.TEST_ID
_TAG: Final = MarkKind.TAG
_REQUIREMENT: Final = MarkKind.REQUIREMENT
RUN_MARKS: Final = (
    MarkKind.COMMENT,
    MarkKind.CUSTOM_FIELD,
    MarkKind.DEFECT,
    MarkKind.EXECUTED_BY,
    MarkKind.ASSIGNEE,
    MarkKind.TEST_VERSION,
)
TESTS: Final = (IssueKind.TEST, None)
_ENVIRONMENT: Final = MarkKind.ENVIRONMENT
_TEST_TYPE: Final = MarkKind.TEST_TYPE.value
_PROJECT: Final = MarkKind.PROJECT.value
_SCENARIO: Final = MarkKind.SCENARIO.value
_DEFINITION: Final = MarkKind.DEFINITION.value
_SUMMARY: Final = MarkKind.SUMMARY.value
_DESCRIPTION: Final = MarkKind.DESCRIPTION.value
INFO_LEFT_OUT: Final = ("test-info-left-out",)


@remembered
def labels(tags: str) -> tuple[str, ...]:
    """Return the labels that tags with commas between them are."""
    return tuple(label for part in tags.split(",") if (label := escaping.label(part)))


def _unresolved(_issue_id: str) -> str | None:
    return None


class MappingOptions(Struct, frozen=True, kw_only=True):
    """What the user asked for about mapping."""

    project: str | None = None
    """Project of Tests that are looked up or created."""
    test_type: str | None = None
    """Type that the user asked for; None: Generic, and Cucumber for what has a scenario. A report's own word wins."""
    key_pattern: Any = None
    """Compiled pattern with `.search`, of an engine that runs in bounded time."""
    key_projects: frozenset[str] = frozenset()
    """Projects whose keys a report may name; empty means all."""
    unmapped: str = "create"
    resolve: Callable[[str], str | None] = field(default=_unresolved)
    """Issue id → Test key, or None; asked once a case, so whoever gives it remembers the answers."""
    covers: bool = False
    """Whether a Test that is named by key can be linked to what it covers, beside the import."""
    requirements: bool = True
    """Whether what reports say of requirements counts; only those of `key_projects` do."""
    only: Callable[[TestTarget], Decision] | None = None
    """Says of a Test whether it takes part, and with which of its keys; None where all do."""
    kinds: Mapping[str, IssueKind] = field(default_factory=lambda: MappingProxyType({}))
    """What issues are that reports name by their keys, as far as Jira was asked."""


class TestTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The Test of a case: its keys, or what finds or creates it."""

    keys: tuple[str, ...] = ()
    """Usually one; each of several gets the result. Without keys the rest is the identity."""
    project: str = ""
    test_type: str = ""
    definition: str | None = None
    summary: str = ""
    description: str | None = None
    scenario: str | None = None
    requirements: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    run_marks: tuple[Mark, ...] = ()
    """Marks about the Test Run, for rendering."""
    notices: tuple[str, ...] = ()
    """Slugs of what was left out."""
    by: str = BY_REPORT
    """What decided that it is this Test."""


class Unmapped(msgspec.Struct, frozen=True):
    """The case names no Test, and `unmapped` does not let one be created."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The result cannot be sent: what it says of its Test is wrong."""

    slug: str
    reason: str
    """One sentence part, to follow the name of the test."""


class NoProject(msgspec.Struct, frozen=True):
    """The Test has to be found or created, and nobody said in which project."""


class NotPlanned(msgspec.Struct, frozen=True):
    """The Test is in no Test Plan of the run, and only those take part."""


Decision = TestTarget | Unmapped | Rejected | NoProject | NotPlanned
UNMAPPED: Final = Unmapped()
NO_PROJECT: Final = NoProject()


def decide(case: Case, options: MappingOptions) -> Decision:
    """Say which Test a case is.

    Order: test id, test keys, `key-pattern` in the name, else identity. A mark that names a Test wrongly rejects the
    case, as Xray itself would; a match of the pattern that is no key, or whose project is not allowed, is no key.
    """
    marks = case.marks
    if marks and options.kinds:
        marks = meant(marks, options.kinds)
        case = case if marks is case.marks else msgspec.structs.replace(case, marks=marks)
    for mark in marks:
        if mark.kind is _TEST_KEY or mark.kind is _TEST_ID:
            return _named(marks, options)
    if options.key_pattern is not None:
        key = _key_in_name(case.name, options)
        if key is not None:
            return TestTarget(
                keys=(key,),
                by=BY_PATTERN,
                run_marks=tuple(mark for mark in marks if mark.kind in RUN_MARKS),
                notices=() if all(mark.kind in RUN_MARKS for mark in marks) else INFO_LEFT_OUT,
            )
    if options.unmapped != "create":
        return UNMAPPED
    return _identified(case, options) if marks else _plain(case, options)


def decide_planned(case: Case, options: MappingOptions) -> Decision:
    """Say which Test a case is, where not all take part."""
    target = decide(case, options)
    return options.only(target) if type(target) is TestTarget and options.only is not None else target


def meant(marks: tuple[Mark, ...], kinds: Mapping[str, IssueKind]) -> tuple[Mark, ...]:
    """Return the marks with each key for what it is: of an issue that Tests cover it names a requirement.

    Of another one that is no Test it says nothing of the Test. Keys that nobody knows are those of Tests.
    """
    if all(mark.kind is not _TEST_KEY or kinds.get(mark.value) in TESTS for mark in marks):
        return marks
    return tuple(
        mark
        if mark.kind is not _TEST_KEY or kinds.get(mark.value) in TESTS
        else msgspec.structs.replace(mark, kind=_REQUIREMENT)
        for mark in marks
        if mark.kind is not _TEST_KEY or kinds.get(mark.value) is not IssueKind.OTHER
    )


def identity_of(test_type: str, project: str, text: str) -> bytes:
    """Return what finds a Test.

    Its type, its project, and its definition or, without one, its summary; a service may say what no report does.
    """
    return f"{test_type}\0{project}\0{text}".encode("utf-8", "surrogatepass")


def step_based(test_type: str) -> bool:
    """Say whether Tests of a type have steps, so that iterations and step results belong to them."""
    return test_type.lower() not in (GENERIC, CUCUMBER)


def is_told_only(step: Step) -> bool:
    """Say whether a step is no result for Xray: its report knows no Xray statuses, and it has no files."""
    return step.status is None and not step.attachments


def _named(marks: tuple[Mark, ...], options: MappingOptions) -> Decision:
    """Decide a case whose author named its Test: never with test info, which would rewrite the Test (D, A)."""
    key: str | None = None
    rest: list[Mark] | None = None
    run_marks: tuple[Mark, ...] = ()
    notices: tuple[str, ...] = ()
    for mark in marks:
        kind = mark.kind
        if key is None and kind is _TEST_KEY:
            key = mark.value
        elif kind is _TEST_KEY or kind is _TEST_ID:
            rest = [mark] if rest is None else [*rest, mark]
        elif kind is not _TAG and kind is not _REQUIREMENT and kind in RUN_MARKS:
            run_marks += (mark,)
        elif kind is _ENVIRONMENT or (kind is _REQUIREMENT and options.covers):
            pass
        else:
            notices = INFO_LEFT_OUT
    keys: tuple[str, ...]
    if rest is None and key is not None and is_key(key):
        keys = (key,)
    else:
        found = _keys(key, rest or [], options)
        if isinstance(found, Rejected):
            return found
        keys, more = found
        notices += more
    if options.key_projects:
        own = tuple(name for name in keys if name.rpartition("-")[0] in options.key_projects)
        if not own:
            return Rejected(
                slug="test-key-not-allowed",
                reason=f"names the Test {keys[0][:60]}, whose project `key-projects` does not list",
            )
        if len(own) < len(keys):
            notices += ("test-key-not-allowed",)
        keys = own
    said = [mark.value for mark in marks if mark.kind is _REQUIREMENT] if options.covers else []
    named = [part for value in said for part in _SEVERAL.split(value.strip()) if part]
    requirements, wrong = _requirements(named, options.key_projects)
    return TestTarget(keys=keys, run_marks=run_marks, notices=notices + wrong, requirements=requirements)


def _requirements(said: list[str], projects: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys among what is said of requirements that may be named, each once, and a notice for each other."""
    each = dict.fromkeys(said)
    keys = tuple(key for key in each if is_key(key))
    kept = tuple(key for key in keys if key.rpartition("-")[0] in projects) if projects else keys
    return kept, ("bad-requirement-key",) * (len(each) - len(keys)) + ("requirement-not-allowed",) * (
        len(keys) - len(kept)
    )


def _keys(
    key: str | None, rest: list[Mark], options: MappingOptions
) -> tuple[tuple[str, ...], tuple[str, ...]] | Rejected:
    """Return the keys of a case and notices; an issue id wins over keys (D), a key in its place is one more key."""
    said = [] if key is None else [key]
    unresolved = None
    for mark in rest:
        value = mark.value.strip()
        if mark.kind is _TEST_KEY or not (value.isascii() and value.isdigit()):
            said.append(value)
            continue
        resolved = options.resolve(value)
        if resolved is not None and is_key(resolved):
            return (resolved,), ()
        unresolved = value[:40]
    keys = [part for value in said for part in (_SEVERAL.split(value.strip()) if value.strip() else [value])]
    good = tuple(key for key in dict.fromkeys(keys) if is_key(key))
    wrong = next((key for key in keys if key and not is_key(key)), None)
    if good:
        return good[:KEY_LIMIT], (("too-many-test-keys",) if len(good) > KEY_LIMIT else ()) + (
            ("bad-test-key",) if wrong is not None else ()
        ) + (("test-id-unresolved",) if unresolved else ())
    if unresolved is not None:
        return Rejected(
            slug="test-id-unresolved",
            reason=f"names the issue id {unresolved}, which could not be resolved to a Test key",
        )
    return Rejected(
        slug="bad-test-key",
        reason=f"names the Test {escaping.one_line(' '.join(said), 60)!r}, which is no Jira "
        "issue key (like SHOP-12, upper case)",
    )


def _key_in_name(name: str, options: MappingOptions) -> str | None:
    """Return the key that the user's pattern finds: group `key`, else group 1, else the whole match."""
    match = options.key_pattern.search(escaping.clean(name))
    if match is None:
        return None
    named = match.groupdict().get("key")
    found: str | None = named if named is not None else match.group(1) if match.re.groups else match.group(0)
    if found is None or not is_key(found):
        return None
    projects = options.key_projects
    return found if not projects or found.rpartition("-")[0] in projects else None


def _plain(case: Case, options: MappingOptions) -> Decision:
    """Decide a case without marks: what nearly every case is."""
    project = options.project
    if not project:
        return NO_PROJECT
    name = case.name
    test_type = options.test_type or GENERIC_TYPE
    if (
        test_type == GENERIC_TYPE
        and case.classname
        and len(name) <= SUMMARY_LIMIT
        and name.isprintable()
        and not name.isspace()
        and name
        and case.classname.isprintable()
    ):
        return TestTarget(
            project=project, test_type=test_type, definition=f"{case.classname}.{name}", summary=name, by=BY_IDENTITY
        )
    return _identified(case, options)


def _identified(case: Case, options: MappingOptions) -> Decision:
    """Decide a case by the identity of Xray's own import, with everything its marks say of the Test."""
    said: dict[str, str] = {}
    requirements: list[str] = []
    labels_said: list[str] = []
    run_marks: list[Mark] = []
    notices: list[str] = []
    for mark in case.marks:
        if mark.kind is _TAG:
            labels_said += labels(mark.value)
        elif mark.kind is _REQUIREMENT and not options.requirements:
            pass
        elif mark.kind is _REQUIREMENT:
            requirements += [part for part in _SEVERAL.split(mark.value.strip()) if part]
        elif mark.kind in RUN_MARKS:
            run_marks.append(mark)
        else:
            said.setdefault(mark.kind.value, mark.value)
    project = _word(said.get(_PROJECT)) or options.project
    if not project:
        return NO_PROJECT
    if options.key_projects and project != options.project and project not in options.key_projects:
        return Rejected(
            slug="test-key-not-allowed",
            reason=f"wants its Test in the project {project[:60]!r}, which `key-projects` does not list",
        )
    scenario = said.get(_SCENARIO)
    test_type = _word(said.get(_TEST_TYPE)) or options.test_type or (CUCUMBER_TYPE if scenario else GENERIC_TYPE)
    by_definition = test_type.lower() == GENERIC or _DEFINITION in said
    exact = (said.get(_DEFINITION) or native_identity(case)) if by_definition else None
    definition = escaping.storable(exact) if exact is not None else None
    if definition != exact:
        notices.append("definition-cleaned")
    summary = _summary(case, said.get(_SUMMARY), distinct=not by_definition)
    if not summary or definition == "":
        return Rejected(
            slug="nameless-test", reason="has neither a name nor a class name, so no Test can be found for it"
        )
    kept, wrong = _requirements(requirements, options.key_projects)
    notices += wrong
    return TestTarget(
        project=project,
        test_type=test_type,
        definition=definition,
        summary=summary,
        description=said.get(_DESCRIPTION),
        scenario=scenario if definition is None and (test_type.lower() == CUCUMBER or _TEST_TYPE in said) else None,
        requirements=kept,
        labels=tuple(dict.fromkeys(labels_said)),
        run_marks=tuple(run_marks),
        notices=tuple(notices),
        by=BY_IDENTITY,
    )


def native_identity(case: Case) -> str:
    """Return the Generic Test Definition that Xray's own JUnit import gives a case (D).

    `classname.name`; the innermost suite that has a name in place of a missing class name; the name alone without both.
    """
    group = case.classname or next((name for name in reversed(case.suite) if name), "")
    return f"{group}.{case.name}" if group else case.name


def _summary(case: Case, said: str | None, *, distinct: bool) -> str:
    for text in (said, case.name, case.classname, *reversed(case.suite)):
        line = escaping.one_line(text, SUMMARY_LIMIT, distinct=distinct) if text else ""
        if line.strip():
            return line
    return ""


def _word(text: str | None) -> str:
    return escaping.one_line(text, SUMMARY_LIMIT).strip() if text else ""
