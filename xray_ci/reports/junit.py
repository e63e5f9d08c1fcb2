"""JUnit XML and its dialects. Knows elements and where they stand; knows nothing of Xray, files or settings.

Every `testcase` at every depth is one case, whatever stands around it. Prefixes and namespaces do not matter. Totals
that the file states are never trusted for counting: a notice tells where they name more failures than were read. Of a
case's output only the last 4,096 characters of `system-out` and of `system-err` are kept, and only when it did not
pass; files that the output names (`[[ATTACHMENT|path]]`) are kept always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Problem, Severity
from xray_ci.reports import author_marks, notices, texts, xml
from xray_ci.reports.junit_case import (
    BY_ATTRIBUTE,
    PASSED,
    PROPERTY_LENGTH,
    PROPERTY_LIMIT,
    SPEAKING,
    Open,
    Verdict,
    duration,
    finish,
    is_decorated,
)
from xray_ci.reports.notices import NOT_A_REPORT, UNSAFE, Fault, Stated
from xray_ci.reports.texts import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pyexpat import XMLParserType
    from typing import TypeAlias

    _Close: TypeAlias = Callable[[], None] | None
    _Opener: TypeAlias = Callable[[dict[str, str]], _Close]


ROOTS: Final = ("testsuites", "testsuite", "testcase")
EVIDENCE_LIMIT: Final = 33_554_432
"""Characters of base64 kept of one piece of evidence (24 MiB of a file); a larger one is left out with a notice."""
OUTSIDE_LIMIT: Final = 50
"""Errors outside of cases that are named one by one; more are only counted."""
NAME_LIMIT: Final = 10_000
"""Different names of elements in one document."""


def read(source: xml.XmlSource) -> Iterator[Case | Problem]:
    """Yield what `batches` has, one by one."""
    for batch in batches(source):
        yield from batch


def batches(source: xml.XmlSource) -> Iterator[list[Case | Problem]]:
    """Yield each testcase once, in the order in which they end, those of one piece of the document together.

    Times are seconds, timestamps keep their offset or are naive; a case without its own takes its suite's. Errors that
    stand outside of cases, and evidence too large to keep, are notices. Raises Fault where the document is broken,
    unsafe or has none of JUnit's elements; what was yielded before must then be dropped.
    """
    readable, encoding = xml.opened(source, source.read(xml.HEAD))
    parser = xml.guarded(encoding)
    reader = _Reader(parser)
    try:
        for _ in xml.feed(readable, parser):
            yield reader.taken()
            reader.merge()
        yield list(reader.last_words())
    finally:
        vars(reader).clear()  # it holds methods of its own: a circle that only the collector of garbage would undo


_HOST: Final = "hostname"
"""Property under which rules find the attribute of a suite."""


class _Reader:
    """The handlers of one document, and what is open at the moment.

    Each opener returns what to do at the end of its element, or None.
    """

    def __init__(self, parser: XMLParserType) -> None:
        self.done: list[Case | Problem] = []
        self._parser = parser
        self._listener = xml.TextListener(parser)
        self._stated = Stated()
        self._root: str | None = None
        """The root element when it is none of JUnit's."""
        self._named = False
        """Whether some test has a name."""
        self._unknown: dict[str, int] = {}
        """Words for an outcome that nobody knows, and how often."""
        self._closers: list[_Close] = []
        self._openers: dict[str, _Opener] = {
            "testsuites": self._open_root,
            "testsuite": self._open_suite,
            "testcase": self._open_case,
            "property": self._open_property,
            "item": self._open_item,
            "stackTrace": self._open_stack,
            "system-out": self._open_output,
            "system-err": self._open_errput,
            "failure": lambda a: self._open_verdict(Outcome.FAILED, a),
            "error": lambda a: self._open_verdict(Outcome.ERROR, a),
            "skipped": self._open_skipped,
            **dict.fromkeys(("flakyFailure", "rerunFailure"), lambda a: self._open_attempt(Outcome.FAILED, a)),
            **dict.fromkeys(("flakyError", "rerunError"), lambda a: self._open_attempt(Outcome.ERROR, a)),
        }
        self._suites: list[tuple[tuple[str, ...], datetime | None, tuple[tuple[str, str], ...]]] = []
        self._suite: tuple[str, ...] = ()
        self._properties: tuple[tuple[str, str], ...] = ()
        self._stamp: datetime | None = None
        self._empty: list[tuple[dict[str, str], int]] = []
        """Attributes and lines of testcases that held nothing, of which no cases were made yet."""
        self._case: Open | None = None
        self._outer: list[Open] = []
        self._verdict = self._attempt = Verdict(Outcome.OTHER, {}, 0)
        self._trying = False
        self._property = self._item = ""
        self._known = self._cases = self._outside = self._declared = 0
        # Bound once: binding a method costs as much as calling it.
        self._case_closer, self._property_closer = self._close_case, self._close_property
        self._output_closer, self._errput_closer = self._close_output, self._close_errput
        self._scanner = self._scan
        self._listen_to(parser)

    def _listen_to(self, parser: XMLParserType) -> None:
        # Closures over locals and not methods: these two run for every element, and this is a fifth of their time.
        openers, strange, closers = self._openers, self._strange, self._closers
        push, pop = closers.append, closers.pop
        empty, begun = self._empty.append, self._begun
        waiting: tuple[dict[str, str], int] | None = None  # a testcase that holds nothing yet: most hold nothing ever

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal waiting
            if waiting is not None:
                push(begun(*waiting))
                waiting = None
            if tag == "testcase":
                waiting = attributes, parser.CurrentLineNumber
                return
            if len(closers) > xml.DEPTH_LIMIT:
                raise xml.too_deep(parser)
            try:
                opener = openers[tag]
            except KeyError:
                opener = strange(tag)
            push(opener(attributes))

        def end(_tag: str) -> None:
            nonlocal waiting
            if waiting is not None:
                empty(waiting)
                waiting = None
                return
            close = pop()
            if close is not None:
                close()

        parser.StartElementHandler, parser.EndElementHandler = start, end

    def taken(self) -> list[Case | Problem]:
        """Return what was read since the last time."""
        self._make()
        done, self.done = self.done, []
        return done

    def merge(self) -> None:
        """Bring texts that are still open back to their bounds, after each piece of the document."""
        self._listener.merge()

    def last_words(self) -> Iterator[Problem]:
        """Yield what can only be said when the whole document was seen."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "it is XML, but has none of JUnit's elements")
        if self._root is not None and not self._named and self._known == self._cases:
            raise Fault(NOT_A_REPORT, f"its root element is {self._root[:80]!r}, and what looks like tests has no name")
        yield from notices.unknown_outcomes(self._unknown)
        if self._outside > OUTSIDE_LIMIT:
            yield _notice("outside-case", f"{self._outside - OUTSIDE_LIMIT} more errors stand outside of any test")
        yield from self._stated.rest()
        if not self._cases:
            promised = f", although its attributes promise {self._declared}" if self._declared else ""
            yield _notice(
                "no-cases",
                f"it holds no test{promised}",
                advice="Check that the tests really ran: a tool that fails before its first test writes this.",
            )

    def _strange(self, tag: str) -> _Opener:
        # Prefixes are whatever a writer likes; an element that is not JUnit's is ignored, what is inside it is not.
        opener = self._openers.get(xml.local(tag), self._pass_over)
        if not self._closers and xml.local(tag) not in ROOTS:
            self._root = tag
        if len(self._openers) > NAME_LIMIT:
            raise Fault(UNSAFE, f"more than {NAME_LIMIT} kinds of elements", line=self._parser.CurrentLineNumber)
        self._openers[tag] = opener
        return opener

    def _pass_over(self, _attributes: dict[str, str]) -> _Close:
        return None

    def _open_root(self, attributes: dict[str, str]) -> _Close:
        self._known += 1
        self._promise(attributes)
        return None

    def _promise(self, attributes: dict[str, str]) -> None:
        count = attributes.get("tests", "")
        if count.isdecimal() and len(count) < 10:  # noqa: PLR2004 - what is longer is no count
            self._declared = max(self._declared, int(count))

    def _open_suite(self, attributes: dict[str, str]) -> _Close:
        self._known += 1
        self._promise(attributes)
        if not self._suites:
            self._stated.add(attributes.get("failures"), attributes.get("errors"))
        self._make()
        self._suites.append((self._suite, self._stamp, self._properties))
        self._suite = (*self._suite, attributes.get("name", ""))
        self._stamp = timestamp(attributes.get("timestamp", "")) or self._stamp
        if host := attributes.get("hostname"):
            self._properties = (
                *(each for each in self._properties if each[0] != _HOST),
                (_HOST, host[:PROPERTY_LENGTH]),
            )
        return self._close_suite

    def _close_suite(self) -> None:
        self._make()
        self._suite, self._stamp, self._properties = self._suites.pop()

    def _open_case(self, attributes: dict[str, str]) -> _Close:
        return self._begun(attributes, self._parser.CurrentLineNumber)

    def _begun(self, attributes: dict[str, str], line: int) -> _Close:
        """Begin a testcase that holds something."""
        if self._case is not None:
            if len(self._closers) > xml.DEPTH_LIMIT:
                raise xml.too_deep(self._parser)
            self._outer.append(self._case)
        self._case = Open(attributes, line)
        return self._case_closer

    def _make(self) -> None:
        """Make cases of the testcases that held nothing, before what is around them changes or another one ends."""
        found = self._empty
        if not found:
            return
        suite, stamp, properties, add = self._suite, self._stamp, self._properties, self.done.append
        decorated = is_decorated(suite)
        for attributes, line in found:
            if decorated or not SPEAKING.isdisjoint(attributes):
                self._finish(Open(attributes, line))
                continue
            get = attributes.get
            add(
                Case(
                    suite=suite,
                    name=get("name", ""),
                    classname=get("classname") or None,
                    outcome=PASSED,
                    seconds=duration(get("time", "")),
                    started=stamp,
                    properties=properties,
                    line=line,
                )
            )
        self._cases += len(found)
        self._known += len(found)
        self._named = self._named or any("name" in attributes for attributes, _ in found)
        found.clear()

    def _say(self, problem: Problem) -> None:
        """Tell something after all cases that ended before it."""
        self._make()
        self.done.append(problem)

    def _close_case(self) -> None:
        case = self._case
        self._case = self._outer.pop() if self._outer else None
        self._cases += 1
        self._known += 1
        if case is not None:
            if self._empty:
                self._make()
            self._named = self._named or "name" in case.attributes
            self._finish(case)

    def _finish(self, case: Open) -> None:
        finished = finish(case, self._suite, self._stamp, self._properties)
        if finished.outcome is not PASSED:
            self._stated.read += max(1, len(case.verdicts or ()))
            if case.verdicts is None:
                self._note_words(case)
        self.done.append(finished)

    def _note_words(self, case: Open) -> None:
        for name in ("status", "result"):
            word = case.attributes.get(name, "").strip()
            if word and word.lower() not in BY_ATTRIBUTE and len(self._unknown) < OUTSIDE_LIMIT:
                self._unknown[word] = self._unknown.get(word, 0) + 1

    def _open_verdict(self, outcome: Outcome, attributes: dict[str, str]) -> _Close:
        if self._listener.listening or self._trying:
            return self._pass_over(attributes)
        self._verdict = Verdict(outcome, attributes, self._parser.CurrentLineNumber)
        self._listener.listen(TEXT_LIMIT)
        return self._close_verdict

    def _open_skipped(self, attributes: dict[str, str]) -> _Close:
        return self._pass_over(attributes) if self._case is None else self._open_verdict(Outcome.SKIPPED, attributes)

    def _close_verdict(self) -> None:
        verdict = self._verdict
        verdict.text = self._listener.take()
        if self._case is not None:
            self._case.add_verdict(verdict)
            return
        self._outside += 1
        self._stated.read += 1
        if self._outside <= OUTSIDE_LIMIT:
            suite = f"suite {self._suite[-1]!r}" if self._suite else "the document"
            self._say(
                _notice(
                    "outside-case",
                    f"an error stands in {suite} outside of any test: {verdict.words() or 'no text'}",
                    line=verdict.line,
                    advice="Tests may be missing from this report: look at the tool's log.",
                )
            )

    def _open_attempt(self, outcome: Outcome, attributes: dict[str, str]) -> _Close:
        if self._case is None or self._listener.listening or self._trying:
            return self._pass_over(attributes)
        self._trying = True
        self._attempt = Verdict(outcome, attributes, self._parser.CurrentLineNumber)
        self._listener.listen(TEXT_LIMIT)
        return self._close_attempt

    def _open_stack(self, attributes: dict[str, str]) -> _Close:
        if not self._trying or self._attempt.stack is not None:
            return self._pass_over(attributes)
        self._listener.listen(TEXT_LIMIT)
        return self._close_stack

    def _close_stack(self) -> None:
        self._attempt.stack = self._listener.take()

    def _close_attempt(self) -> None:
        self._trying = False
        if self._listener.listening:
            self._attempt.text = self._listener.take()
        if self._case is not None:
            self._stated.read += 1
            self._case.add_attempt(self._attempt.attempt())

    def _pass_over_output(self, attributes: dict[str, str]) -> _Close:
        # What an earlier attempt printed is neither the case's output nor the attempt's trace, which stands before it.
        if self._trying and self._listener.listening:
            self._attempt.text = self._listener.take()
        return self._pass_over(attributes)

    def _open_output(self, attributes: dict[str, str]) -> _Close:
        if self._case is None or self._listener.listening or self._trying:
            return self._pass_over_output(attributes)
        self._listener.listen(texts.OUTPUT_LIMIT, self._scanner)
        return self._output_closer

    def _open_errput(self, attributes: dict[str, str]) -> _Close:
        if self._case is None or self._listener.listening or self._trying:
            return self._pass_over_output(attributes)
        self._listener.listen(texts.OUTPUT_LIMIT, self._scanner)
        return self._errput_closer

    def _close_output(self) -> None:
        text, case = self._hear(), self._case
        if case is not None:
            case.out = texts.last(f"{case.out}\n{text}") if case.out else text

    def _close_errput(self) -> None:
        text, case = self._hear(), self._case
        if case is not None:
            case.err = texts.last(f"{case.err}\n{text}") if case.err else text

    def _hear(self) -> str:
        text = self._listener.take()
        if texts.FILE_MARK in text or texts.PROPERTY_MARK in text:
            self._scan(text)
        return texts.last(text)

    def _scan(self, text: str) -> None:
        case = self._case
        if case is None or case.full:
            return
        found, marks = author_marks.from_output(text)
        case.add_marks(marks)
        case.attach(found)

    def _open_property(self, attributes: dict[str, str]) -> _Close:
        if self._trying or self._listener.listening:
            return self._pass_over(attributes)
        case, name, value = self._case, attributes.get("name", ""), attributes.get("value", "").strip()
        if case is None:
            self._make()
            if value and len(self._properties) < PROPERTY_LIMIT:
                self._properties += ((name, value[:PROPERTY_LENGTH]),)
            return None
        if value:
            self._note(case, name, value)
            return None
        if not author_marks.is_property(name):
            return None
        self._property = name
        self._listener.listen(EVIDENCE_LIMIT)
        return self._property_closer

    def _note(self, case: Open, name: str, value: str) -> None:
        if marks := author_marks.of_property(name, value):
            case.add_marks(marks)
        elif files := author_marks.files_of(name, value, case.next_file):
            case.attach(files)
        else:
            case.add_property(name, value)

    def _close_property(self) -> None:
        name, self._property = self._property, ""
        if self._case is None or not self._listener.listening or self._overflow(name):
            return
        if value := self._listener.take().strip():
            self._note(self._case, name, value)

    def _overflow(self, name: str) -> bool:
        if not self._listener.overflowed:
            return False
        self._listener.take()
        size = EVIDENCE_LIMIT * 3 // 4 >> 20
        self._say(
            _notice(
                "evidence-left-out",
                f"{name[:80]!r} holds more than {size} MiB and was left out",
                line=self._parser.CurrentLineNumber,
            )
        )
        return True

    def _open_item(self, attributes: dict[str, str]) -> _Close:
        if self._property not in {author_marks.EVIDENCE, author_marks.CUSTOM_FIELDS}:
            return self._pass_over(attributes)
        self._item = attributes.get("name", "")
        self._listener.listen(EVIDENCE_LIMIT)
        return self._close_item

    def _close_item(self) -> None:
        case, owner = self._case, self._property
        if case is None or self._overflow(self._item or owner):
            return
        text = self._listener.take()
        if owner == author_marks.EVIDENCE:
            if found := author_marks.evidence_of(self._item, text, case.next_file):
                case.attach([found])
        elif text := text.strip():
            case.add_marks(author_marks.custom_field(self._item, texts.cut(text)))


def _notice(slug: str, cause: str, *, line: int | None = None, advice: str | None = None) -> Problem:
    return Problem(severity=Severity.NOTICE, slug=slug, cause=cause, line=line, advice=advice)
