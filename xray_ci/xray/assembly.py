"""The run on disk: cases in, one file of tests in report order out, each Test once, cut into batches.

What becomes of every case is counted, and results that are left out are named. A report counts from its `commit` on;
one that turns out broken is forgotten. Memory is constant but for one byte a result.

Knows the order of the steps: map, render, validate, spool; then merge and write.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xray_ci.errors import ConfigurationError, UnmappedResults
from xray_ci.model import Problem, Severity
from xray_ci.xray import escaping, mapping, render, validate
from xray_ci.xray.evidence import CaseEvidence, EvidenceOptions, of_steps
from xray_ci.xray.identities import Identities
from xray_ci.xray.mapping import NoProject, NotPlanned, Rejected, TestTarget, Unmapped, identity_of
from xray_ci.xray.notices import CaseCounts, Decisions, Notices
from xray_ci.xray.render import BY_DEFINITION, BY_KEY, PlainCases
from xray_ci.xray.repeats import (
    BETWEEN,
    HAS_EXAMPLES,
    IDENTITY,
    LEFT_OUT,
    LINES,
    NAME,
    OUTCOMES,
    RETRIED,
    STEPPED,
    Results,
)
from xray_ci.xray.validate import Checker
from xray_ci.xray.writing import Assembled, ExecutionGroups, Spooled, write

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.model import Case, Place
    from xray_ci.xray.mapping import Decision
    from xray_ci.xray.rules import Rulebook, Ruled


_NAMED: Final = 20
_PROBLEMS: Final = 1_000


class Account:
    """Of one report."""

    def __init__(self, shown: str, first: int) -> None:
        self.shown = shown
        self.first = first
        """Number of its first result in the run."""
        self.cases = [0] * len(OUTCOMES)
        """By the code of their outcome."""
        self.counts = CaseCounts()
        self.problems: list[Problem] = []
        self.unmapped: list[str] = []
        self.projectless: list[str] = []
        self.identities: set[bytes] = set()
        self.covered: dict[tuple[str, str], None] = {}

    def where(self, line: int | None) -> str:
        """Return a place in it."""
        return self.shown if line is None else f"{self.shown}:{line}"

    def leave_out(self, slug: str, cause: str, line: int | None) -> None:
        """Note a result that is left out."""
        if len(self.problems) < _PROBLEMS:
            self.problems.append(Problem(severity=Severity.RESULT, slug=slug, cause=cause, path=self.shown, line=line))

    def refuse(self, case: Case, decision: Decision, by: str | None) -> None:
        """Count a case that is not sent; `by` is the rule that named its Test."""
        match decision:
            case Unmapped():
                self.counts.unmapped += 1
                if len(self.unmapped) < _NAMED:
                    self.unmapped.append(self.where(case.line) + " " + validate.shown(case.name))
            case Rejected(slug=slug, reason=reason):
                self.counts.rejected += 1
                named = f" (by {by})" if by else ""
                self.leave_out(slug, f"test {validate.shown(case.name)} {reason}{named}; it was left out", case.line)
            case NotPlanned():
                self.counts.not_in_plan += 1
            case NoProject():
                self.projectless.append(self.where(case.line) + " " + validate.shown(case.name))
                del self.projectless[1:]
            case TestTarget():
                raise AssertionError


class Accounts:
    """Of all reports that count."""

    def __init__(self) -> None:
        self.total = CaseCounts()
        self.problems: list[Problem] = []
        self.identities: set[bytes] = set()
        """`mapping.identity_of` Tests that may be created, where somebody wants to know."""
        self.covered: dict[tuple[str, str], None] = {}
        """Tests that reports name by key, each with an issue that it covers."""
        self._unmapped: list[str] = []
        self._projectless: list[str] = []

    def commit(self, account: Account) -> CaseCounts:
        """Count a report in; return its counts."""
        counts = account.counts
        counts.passed, counts.skipped, counts.other, counts.failed, counts.errors = account.cases
        counts.tests = sum(account.cases)
        self.total += counts
        self.problems += account.problems[: max(0, _PROBLEMS - len(self.problems))]
        self._unmapped += account.unmapped[: max(0, _NAMED - len(self._unmapped))]
        self._projectless += account.projectless[:1]
        self.identities |= account.identities
        self.covered |= account.covered
        return counts

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The first results without Test key: place and name."""
        return tuple(self._unmapped)

    def check(self, *, unmapped_fail: bool) -> None:
        """Raise ConfigurationError when a project is missing, UnmappedResults with `unmapped_fail`."""
        if self._projectless:
            raise ConfigurationError(
                "`project` is needed: Tests of results without a Test key are found or created in it",
                where=self._projectless[0],
                slug="project-required",
                advice="Set `project`, give the tests a Test key, or set `unmapped: skip`.",
            )
        if self._unmapped and unmapped_fail:
            count = self.total.unmapped
            more = f"\n… and {count - len(self._unmapped)} more" if count > len(self._unmapped) else ""
            raise UnmappedResults(
                f"{count} result{'s have' if count > 1 else ' has'} no Test key", where="\n".join(self._unmapped) + more
            )


KEYED: Final = "\0"
"""In front of a key, where results of one Test are looked for: no definition holds it."""
_BUFFER: Final = 1 << 18
_BETWEEN: Final = BETWEEN.decode()
_TOGETHER: Final = 32
"""Documents validated and encoded at once."""


class AssemblyOptions(Struct, frozen=True, kw_only=True):
    """Everything the user asked for that this room needs."""

    mapping: mapping.MappingOptions
    rendering: render.RenderOptions
    evidence: EvidenceOptions
    repeats: str = "worst"
    rulebook: Rulebook | None = None
    """None where the user has no rules, so that nobody pays for them."""
    executions: str = "single"
    explained: bool = False
    """Whether it is written down for each result what decided its Test."""
    identified: bool = False
    """Whether every Test that may be created is remembered."""


class Assembly:
    """Takes the cases of a run, report after report."""

    def __init__(self, work: Path, rules: AssemblyOptions) -> None:
        """`work` is an empty folder of ours; the finished file stays in it."""
        self._work = work
        self._rules = rules
        self._mapping = rules.mapping
        self._decide = mapping.decide if rules.mapping.only is None else mapping.decide_planned
        self._run_notices = Notices()
        self._notices = Notices()
        self._attached = CaseEvidence(work / "inline", rules.evidence, self._notices)
        self._renderer = render.Renderer(rules.rendering, self._notices, self._attached.admit)
        self._checker = Checker(rules.rendering.deployment.key, rules.rendering.custom_statuses)
        self._encoder = msgspec.json.Encoder()
        self._lines = (work / LINES).open("wb", buffering=_BUFFER)
        self._side = (work / "side").open("wb")
        self._results = Results()
        self._codes = {id(outcome): code for code, outcome in enumerate(OUTCOMES)}
        self._pending: list[str | dict[str, Any]] = []
        """Lines and documents held back."""
        self._cases: dict[int, Case] = {}
        """Place among them → case of a document, to name those that turn out invalid."""
        self._between = ""
        """What stands in front of the next line."""
        self._accounts = Accounts()
        self._groups = ExecutionGroups(rules.executions)
        self._many = self._groups.many
        self._decisions = Decisions(work, written=rules.explained)
        self._decided = self._decisions.here
        self._names: tuple[str, ...] = ()
        self._identities = Identities(self._renderer.times.since_1970 if rules.repeats == "last" else None)
        self._hints = rules.mapping.project if rules.explained and rules.mapping.key_pattern is None else None
        """Whose keys in names a plan tells of."""
        self._report = Account("", 0)
        self._plain = self._plain_cases()

    def _plain_cases(self) -> PlainCases | None:
        """Return what writes plain cases, None in a run in which more than the report has a say."""
        rules = self._rules
        if rules.rulebook is not None or rules.mapping.key_pattern is not None or self._many:
            return None
        if rules.explained or rules.identified or rules.mapping.only is not None:
            return None
        return PlainCases(rules.mapping, self._renderer, self._checker.valid)

    def begin(self, place: Place, names: tuple[str, ...] = ()) -> None:
        """Start a report; what comes now counts once `commit` is called. `names` are those of its format, key first."""
        self.drop()
        self._names = names
        self._start(place.shown)

    def restart(self) -> None:
        """Forget what came of the current report: it comes again from its start."""
        shown = self._report.shown
        self.drop()
        self._start(shown)

    def origin(self, shown: str, names: tuple[str, ...]) -> None:
        """Take what comes now as of another report: the current one holds results of several."""
        self._report.shown = self._notices.path = self._groups.shown = shown
        self._identities.begin(shown, names[1] if names[1:] else "")
        if self._rules.rulebook is not None:
            self._rules.rulebook.begin(shown, names)

    def add(self, *cases: Case) -> None:
        """Take cases in their order: a plain one becomes its line at once, the others go the long way."""
        plain = self._plain
        if plain is None:
            for case in cases:
                self._add(case)
            return
        pending, made = self._pending, bytearray()
        kept, hashed, coded = pending.append, self._results.hashes.append, self._results.codes.append
        identities = self._identities
        remember = identities.keep
        for case in cases:
            found = plain.line(case)
            if found is None:
                self._add(case)
                continue
            whose, by, line = found
            code = self._codes[id(case.outcome)]
            if by == BY_KEY:
                whose = KEYED + whose
            else:
                code |= IDENTITY
                if by == BY_DEFINITION and identities.here > 0:
                    identities.look(case, self._hints)
            kept(line)
            remember(case)
            hashed(hash(whose))
            coded(code)
            made.append(code)
            if len(pending) >= _TOGETHER:
                self._flush()
        self._count(made)

    def _count(self, made: bytearray) -> None:
        """Count plain cases by their codes."""
        for code in set(made):
            count = made.count(code)
            self._report.cases[code & ~IDENTITY] += count
            if code & IDENTITY:
                self._report.counts.by_identity += count
                self._decided[mapping.BY_IDENTITY] += count
            else:
                self._report.counts.by_key += count
                self._decided[mapping.BY_REPORT] += count

    def _add(self, case: Case) -> None:
        """Map, render and keep one case."""
        code = self._codes[id(case.outcome)]
        report = self._report
        report.cases[code] += 1
        self._notices.line = case.line
        ruled = None
        if self._rules.rulebook is not None:
            ruled = self._ruled(case)
            if ruled.skip is not None:
                return
            case = ruled.case
        target = self._decide(case, self._mapping)
        if type(target) is not TestTarget:
            report.refuse(case, target, ruled.by if ruled is not None else None)
            return
        if case.steps or case.iterations:
            self._attached.outcome = case.outcome
        if self._many:
            self._renderer.times.begin()
        document = self._renderer.test(case, target)
        group = None if ruled is None and not self._many else self._group(case, ruled)
        by = target.by if ruled is None else decided_by(target, ruled)
        self._decided[by] += 1
        if self._rules.explained:
            self._decisions.add(case, target, by, report.shown)
        keys = target.keys
        if "examples" in document:
            code |= HAS_EXAMPLES
        if keys:
            report.covered |= dict.fromkeys((key, issue) for issue in target.requirements for key in keys)
            report.counts.by_key += len(keys)
            for key in keys:
                self._keep(document if key is keys[0] else {**document, "testKey": key}, KEYED + key, code, case, group)
        else:
            self._keep_found(document, target, code, case, group)
        if case.attachments or any(of_steps(case)):
            self._evidence(case, len(keys) or 1)
        elif len(self._pending) >= _TOGETHER:
            self._flush()

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The first results without Test key that are left out: place and name."""
        return self._accounts.unmapped

    def commit(self) -> CaseCounts:
        """Count the current report in; return its counts."""
        self._flush()
        counts = self._accounts.commit(self._report)
        self._run_notices.merge(self._notices)
        self._attached.commit()
        self._groups.commit(self._renderer.times)
        self._decisions.commit()
        self._identities.commit()
        self._start("")
        return counts

    def drop(self) -> None:
        """Leave the current report out: it turned out broken."""
        self._flush()
        first, states = self._report.first, self._results.states
        states[first:] = bytes([LEFT_OUT]) * (len(states) - first)
        self._start("")

    def finish(self, *, batch_tests: int | None = None, batch_bytes: int | None = None) -> Assembled:
        """Fold the results and write the tests; the limits are those of one request, the deployment's where None.

        Raises UnmappedResults under `unmapped: fail`, ConfigurationError when Tests have to be found or created and
        nobody said in which project.
        """
        self.drop()  # a report without commit never counts
        self.close()
        self._accounts.check(unmapped_fail=self._mapping.unmapped == "fail")
        limits = self._rules.rendering.deployment.limits
        spooled = Spooled(
            work=self._work,
            results=self._results,
            attached=self._attached,
            evidence=self._rules.evidence,
            rendering=self._rules.rendering,
            repeats=self._rules.repeats,
            checker=self._checker,
            notices=self._run_notices,
            groups=self._groups,
            text_of=self._renderer.times.text,
            identities=self._identities,
        )
        done = write(
            spooled,
            self._accounts.total,
            tuple(self._accounts.problems),
            dict(self._decisions.counts),
            frozenset(self._accounts.identities),
            batch_tests=batch_tests or limits.batch_tests,
            batch_bytes=batch_bytes or limits.batch_bytes,
        )
        return replace(done, covered=tuple(self._accounts.covered))

    def close(self) -> None:
        """Let go of open files; what is on disk belongs to whoever gave the folder."""
        with (
            contextlib.ExitStack() as each
        ):  # on a full disk every one of them may fail, and each is closed all the same
            for one in (self._lines, self._side, self._attached, self._decisions):
                each.callback(one.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, shown: str) -> None:
        self._report = Account(shown, len(self._results.codes))
        self._notices.clear()
        self._attached.begin(shown)
        self._renderer.times.begin()
        if self._plain is not None:
            self._plain.begin()
        self._groups.begin(shown)
        self._decisions.begin()
        self.origin(shown, self._names)

    def _ruled(self, case: Case) -> Ruled:
        """Return what the user's rules say of a case; one that they leave out is counted here."""
        assert self._rules.rulebook is not None  # noqa: S101  # asked by the caller
        ruled = self._rules.rulebook.apply(case)
        if ruled.skip is not None:
            self._report.counts.ruled_out += 1
            self._notices.add("ruled-out")
        return ruled

    def _group(self, case: Case, ruled: Ruled | None) -> int | None:
        """Return the Test Execution of a case, None where there is only one and nothing to say of it."""
        said = ruled.environments if ruled is not None else ()
        return self._groups.of(case, said, self._renderer.times) if self._many or said else None

    def _keep_found(
        self, document: dict[str, Any], target: TestTarget, code: int, case: Case, group: int | None
    ) -> None:
        """Keep a result whose Test Xray finds or creates."""
        self._report.counts.by_identity += 1
        code |= IDENTITY
        if target.definition is not None:
            self._identities.look(case, self._hints)
        if target.definition is None and mapping.step_based(target.test_type):
            code |= STEPPED
            if self._rules.repeats == "iterations":
                document[NAME] = escaping.one_line(case.name, mapping.SUMMARY_LIMIT)
        text = target.definition or target.summary
        if self._rules.identified:
            self._report.identities.add(identity_of(target.test_type, target.project, text))
        if target.project != self._mapping.project or target.test_type != mapping.GENERIC_TYPE:
            text = f"{target.test_type}\0{target.project}\0{text}"
        self._keep(document, text, code, case, group)

    def _keep(self, document: dict[str, Any], whose: str, code: int, case: Case, group: int | None) -> None:
        """Give a result its number, and remember whose it is: a Test has one Test Run in each Test Execution."""
        if group is not None and self._many:
            whose = f"{whose}\0\0{group}"
            self._groups.numbers.append(group)
        if case.retried:
            code |= RETRIED
        self._results.hashes.append(hash(whose))
        self._results.codes.append(code)
        self._identities.keep(case)
        self._cases[len(self._pending)] = case
        self._pending.append(document)

    def _flush(self) -> None:
        """Write what is held back; an invalid document is left out, named, and blocks no other."""
        pending = self._pending
        if not pending:
            return
        self._results.states += bytes(len(pending))
        if self._cases:
            self._check([pending[position] for position in self._cases])  # type: ignore[misc]  # those are documents
        self._lines.write((self._between + _BETWEEN.join(pending)).encode())  # type: ignore[arg-type]  # all are text now
        self._between = _BETWEEN
        pending.clear()
        self._cases.clear()

    def _check(self, documents: list[dict[str, Any]]) -> None:
        """Validate the documents held back, and put their text in their place."""
        names = [document.pop(NAME, None) for document in documents] if self._rules.repeats == "iterations" else None
        if not self._checker.valid_all(documents):
            for position, document in zip(self._cases, documents, strict=True):
                if not self._checker.valid(document):
                    self._invalid(position, document)
                    document.clear()
        for document, name in zip(documents, names or (), strict=False):
            if name is not None and document:
                document[NAME] = name
        encode = self._encoder.encode
        for position, document in zip(self._cases, documents, strict=True):
            self._pending[position] = encode(document).decode()

    def _invalid(self, position: int, document: dict[str, Any]) -> None:
        self._results.states[position - len(self._pending)] = LEFT_OUT
        self._report.counts.invalid += 1
        case = self._cases[position]
        self._report.leave_out(
            "invalid-payload", self._checker.flaw(document).about(case.name) + "; it was left out", case.line
        )

    def _evidence(self, case: Case, results: int) -> None:
        """Write what evidence the results just kept have; documents with evidence in their steps are not held back."""
        items = self._attached.collect(case)
        if items:
            count = len(self._results.codes)
            for number in range(count - results, count):
                self._side.write(self._encoder.encode((number, items)) + b"\n")
        self._flush()


def decided_by(target: TestTarget, ruled: Ruled) -> str:
    """Return what decided which Test it is; a key in the name comes before what a rule says of the definition."""
    return target.by if ruled.by is None or target.by == mapping.BY_PATTERN else ruled.by
