"""The log: levels, groups, annotations, masks, and the one way a failure is told.

The only writer to the log. Every text is redacted and made harmless here, whoever it comes from, so nobody else has to.
Knows no settings, reports or services.
"""

from __future__ import annotations

import contextlib
import enum
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TextIO

from xray_ci.ci.syntax import Annotation, AnnotationKind, Syntax, annotation, group_end, group_start, mask
from xray_ci.ci.text import clean, cut, harmless, one_line
from xray_ci.errors import ConfigurationError, Failure, explained_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tqdm import tqdm

    from xray_ci.secret import Redactor

ANSWER_LIMIT: Final = 500
"""Characters of a service's answer that a failure shows."""
ANNOTATION_LIMIT: Final = 10
"""Annotations of a kind that GitHub keeps of one step (D)."""
_DRAWN: Final = 0.1
_WATCHED: Final = 2.0
_SPARSE: Final = 20.0
"""Seconds between two bars or lines about how far something is: where somebody looks on, on a terminal, in a log."""
_MESSAGE_LIMIT: Final = 4000
_TITLE_LIMIT: Final = 255
_WIDTH: Final = 10
"""Columns before the text of a failure's facts."""


class Level(enum.IntEnum):
    """How much is logged; each level shows itself and those above."""

    ERROR = 0
    WARNING = 1
    NOTICE = 2
    INFO = 3
    DEBUG = 4

    @classmethod
    def named(cls, word: str) -> Level:
        """Return the level with this name, in any case; raises KeyError."""
        return cls[word.upper()]


_MARK: Final = {Level.ERROR: "✗ ", Level.WARNING: "! ", Level.NOTICE: "- ", Level.INFO: "", Level.DEBUG: "debug: "}
_COLOR: Final = {Level.ERROR: "31", Level.WARNING: "33", Level.DEBUG: "2"}


def columns(out: TextIO, env: Mapping[str, str]) -> int:
    """Return how wide the terminal is, 80 where there is none; COLUMNS outvotes it."""
    import os  # noqa: PLC0415

    said = env.get("COLUMNS", "")
    if said.isascii() and said.isdigit():
        return int(said[:9])
    try:
        return os.get_terminal_size(out.fileno()).columns
    except (OSError, ValueError):  # a pipe, a file, or no file at all
        return 80


def colored(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Say whether marks of the log have colours: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return env.get("TERM") != "dumb" and stream.isatty()


_LINKING: Final = {
    "TERM_PROGRAM": ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "WarpTerminal", "rio"),
    "TERM": ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm"),
}
"""Terminals in which a text can be a link, by what they say of themselves; others may show neither link nor address."""


def watched(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Say whether somebody looks on: a terminal with colours, and no log of a CI system."""
    return stream.isatty() and not env.get("CI") and colored(stream, env)


def linking(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Say whether a text of the log can be a link: where somebody looks on, on a terminal that is known for it."""
    if not watched(stream, env) or env.get("TMUX") or env.get("STY"):  # what shows it later may know no links
        return False
    vte = env.get("VTE_VERSION", "")[:9]
    newer = vte.isascii() and vte.isdigit() and int(vte) > 5000  # noqa: PLR2004 - 0.50.0 crashed at a link
    said = any(env.get(name) in words for name, words in _LINKING.items())
    return said or newer or bool(env.get("WT_SESSION") or env.get("KONSOLE_VERSION"))


class ConsoleContext(Protocol):
    """What the console wants to know of its surroundings."""

    @property
    def syntax(self) -> Syntax:
        """What the log understands."""


def _plain(url: str) -> bool:
    """Say whether an address holds nothing that could end the sequence which makes it a link."""
    return url.startswith(("https://", "http://")) and url.isascii() and url.isprintable() and " " not in url


class Pace:
    """Lets a count through now and then, while something takes long: after `every` s, from then on after `then` s."""

    def __init__(
        self, say: Callable[[int, int], None], clock: Callable[[], float], every: float, then: float | None = None
    ) -> None:
        self._say, self._clock, self._every, self._then = say, clock, every, then
        self._told = clock()

    def __call__(self, done: int, total: int) -> None:
        """Take how much is done; the end is told by who comes next."""
        if done < total and self._clock() - self._told >= self._every:
            self._told = self._clock()
            self._every = self._every if self._then is None else self._then
            self._say(done, total)


class Console:
    """Writes lines; one for a process. Text may be anything: unsafe, long, of several lines, with secrets in it."""

    def __init__(
        self,
        stream: TextIO,
        *,
        level: Level,
        surroundings: ConsoleContext,
        redactor: Redactor,
        color: bool = False,
        links: bool = False,
        bars: bool = False,
        annotations: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream
        self._level = level
        self._syntax = surroundings.syntax
        self._redactor = redactor
        self._color = color
        self._links = links
        self._bars = bars
        self._bar: tqdm[NoReturn] | None = None
        """Below the last line, until the next one is written."""
        self._annotations = annotations
        self._clock = clock
        self._told = 0
        self.lost = False
        """Whether the log took no line any more; nothing is written then, and nothing else changes."""
        self._groups = 0
        self._open: tuple[str, int] | None = None
        self._annotated = dict.fromkeys(AnnotationKind, 0)

    def command(self, line: str) -> None:
        """Write a finished line that is for the CI system."""
        self._put(line)

    def error(self, text: str) -> None:
        """Write an error that is no `Failure`."""
        self._say(Level.ERROR, text)

    def warning(self, text: str) -> None:
        """Write what the user should look at though the run goes on."""
        self._say(Level.WARNING, text)

    def notice(self, text: str) -> None:
        """Write a decision of xray-ci that the user may want to know."""
        self._say(Level.NOTICE, text)

    def info(self, text: str = "") -> None:
        """Write an ordinary line."""
        self._say(Level.INFO, text)

    def linked(self, text: str, label: str, url: str | None) -> None:
        """Write an ordinary line of which `label` leads to an address, which follows where no text can be a link."""
        if url is None or not (self._links and _plain(url) and self._redacted(url) == url):
            self._say(Level.INFO, f"{text}  {url}" if url else text)
        else:
            self._say(Level.INFO, text, (label, f"\x1b]8;;{url}\x1b\\{label}\x1b]8;;\x1b\\"))

    def debug(self, text: str) -> None:
        """Write what helps to find out why."""
        self._say(Level.DEBUG, text)

    def pace(self, what: str, clock: Callable[[], float]) -> Pace:
        """Return what says how far something is.

        After 2 s a bar where somebody looks on; a line every 2 s on another terminal, every 20 s elsewhere.
        """
        if self._bars and self._level >= Level.INFO:
            return Pace(lambda done, total: self._draw(what, done, total), clock, _WATCHED, _DRAWN)
        every = _WATCHED if self._stream.isatty() else _SPARSE
        return Pace(lambda done, total: self.info(f"  {done:,} of {total:,} {what}"), clock, every)

    def _draw(self, what: str, done: int, total: int) -> None:
        """Draw a bar, which the next line takes away again: so none is left behind, however the work ends."""
        from tqdm import tqdm  # noqa: PLC0415 - only what takes long on a terminal pays

        if self._bar is None:
            tqdm.monitor_interval = 0  # no thread beside ours
            beneath = SimpleNamespace(write=self._drawn, flush=self._stream.flush, encoding=self._stream.encoding)
            wide = max(40, columns(self._stream, {})) - 1  # a terminal may say that it is 0 wide
            look = f"  {{n_fmt}} of {{total_fmt}} {what} |{{bar}}|"
            self._bar = tqdm(total=total, initial=done, bar_format=look, leave=False, ncols=wide, file=beneath)
        self._bar.n, self._bar.total = done, total
        self._bar.refresh()

    def _drawn(self, text: str) -> None:
        """Write a part of a bar, as every text of the log."""
        with contextlib.suppress(OSError, ValueError):  # full or closed: the next line says so
            self._write_out(self._redactor(text))

    @contextlib.contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold the lines inside; a group in a group is a heading only, since not every system nests them."""
        title = one_line(self._redacted(title), _TITLE_LIMIT)
        mine = None
        if self._level < Level.INFO or self._open is not None:
            self._say(Level.INFO, title)
        else:
            self._groups += 1
            mine = self._open = (title, self._groups)
            self._put(group_start(self._syntax.groups, harmless(title), number=self._groups, now=self._clock()))
        try:
            yield
        finally:
            if mine is not None and self._open == mine:
                self.end_group()

    def end_group(self) -> None:
        """Close the group that is open, if one is, so that what follows is seen at once."""
        if self._open is not None:
            title, number = self._open
            self._open = None
            line = group_end(self._syntax.groups, harmless(title), number=number, now=self._clock())
            if line is not None:
                self._put(line)

    def annotate(
        self,
        kind: AnnotationKind,
        message: str,
        *,
        title: str = "xray-ci",
        file: str | None = None,
        line: int | None = None,
    ) -> bool:
        """Show a message outside of the log, at a file's line; False where that is not possible or was done ten times.

        The log itself gets no second line: the caller writes one as well, since annotations are few and not everywhere.
        """
        note = Annotation(
            kind=kind,
            message=harmless(cut(self._redacted(message), _MESSAGE_LIMIT)),
            line=line,
            title=harmless(one_line(self._redacted(title), _TITLE_LIMIT)),
            file=one_line(self._redacted(file), _MESSAGE_LIMIT) if file else None,
        )
        written = annotation(self._syntax.annotations, note) if self._annotations else None
        if written is None:
            return False
        self._annotated[kind] += 1
        if self._annotated[kind] > ANNOTATION_LIMIT:
            return False
        self._put(written)
        return True

    def failure(self, failure: Failure, *, level: Level = Level.ERROR) -> None:
        """Tell a failure: what, where, what the service answered, what to do next. All problems of a configuration.

        As a warning it is one that does not decide the verdict.
        """
        if level > self._level:
            return
        kind = AnnotationKind.ERROR if level is Level.ERROR else AnnotationKind.WARNING
        self.end_group()
        problems = failure.problems if isinstance(failure, ConfigurationError) else ()
        for each in problems or (failure,):
            self._write(self._block(each, level, link=True))
            where = f"{each.where}: " if each.where else ""
            self.annotate(kind, f"{where}{each.next}", title=each.what)
        if len(problems) > 1:  # the sum only says how many there are and what that means
            self._write(self._block(failure, level, link=False))

    def defect(self, error: BaseException) -> None:
        """Tell an exception nobody foresaw: its type and place in one line; at debug level its traceback too."""
        import traceback  # noqa: PLC0415 - only a defect pays for it

        self.end_group()
        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        self.failure(Failure(f"A defect of xray-ci: {type(error).__name__}{place}"))
        if self._level >= Level.DEBUG:
            self._say(Level.DEBUG, "".join(traceback.format_exception(error)).rstrip())

    def close(self) -> None:
        """Close what is open and say how many annotations the system would not have taken."""
        self.end_group()
        if self._bar is not None:
            self._bar.close()
        for kind, count in self._annotated.items():
            if count > ANNOTATION_LIMIT:
                self.notice(f"{count - ANNOTATION_LIMIT} more annotations of kind {kind.value} are in the log only.")
        self._annotated = dict.fromkeys(AnnotationKind, 0)

    def _block(self, failure: Failure, level: Level, *, link: bool) -> str:
        head, *rest = self._redacted(failure.what).split("\n")
        lines = [self._marked(level, head), *(f"  {line}" for line in rest)]
        answer = cut(self._redacted(failure.answer or "").strip(), ANSWER_LIMIT)
        facts = [
            ("where", self._redacted(failure.where or "")),
            (
                service if len(service := self._redacted(failure.service or "")) in range(1, _WIDTH - 2) else "answer",
                answer,
            ),
            ("next", self._redacted(failure.next)),
        ]
        facts += [("", explained_at(failure.slug))] if link else []
        for label, text in facts:
            for number, line in enumerate(text.split("\n") if text else ()):
                lines.append(f"  {label if number == 0 else '':{_WIDTH - 2}}{line}".rstrip())
        return "\n".join(lines)

    def _say(self, level: Level, text: str, link: tuple[str, str] | None = None) -> None:
        """Write lines; `link` is a part of them and what to write for it, once they have no other sequence."""
        if level > self._level:
            return
        head, *rest = self._redacted(text).split("\n")
        blanks = " " * len(_MARK[level])
        lines = harmless("\n".join([self._marked(level, head), *(f"{blanks}{line}".rstrip() for line in rest)]))
        self._put(lines.replace(*link, 1) if link else lines)

    def _marked(self, level: Level, text: str) -> str:
        sign, color = _MARK[level], _COLOR.get(level)
        return f"\x1b[{color}m{sign}\x1b[0m{text}" if self._color and color else f"{sign}{text}"

    def _redacted(self, text: str) -> str:
        # Cleaning can join what a control character kept apart, so it is looked at twice.
        return self._redactor(clean(self._redactor(text)))

    def _write(self, text: str) -> None:
        self._put(harmless(text))

    def _put(self, text: str) -> None:
        """Write finished lines, after the masks of all secrets that came up since the last ones."""
        fresh, self._told = self._redactor.masked[self._told :], len(self._redactor.masked)
        masks = "".join(f"{line}\n" for value in fresh for line in mask(self._syntax.masks, value))
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self.lost:
            return
        try:
            self._write_out(f"{masks}{text}\n")
        except (OSError, ValueError):  # full, closed, or nobody reads it: no reason to leave results undelivered
            self.lost = True

    def _write_out(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # a log in another encoding than UTF-8
            coding = self._stream.encoding or "ascii"
            self._stream.write(text.encode(coding, "backslashreplace").decode(coding))
        self._stream.flush()
