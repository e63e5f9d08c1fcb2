"""What holds for any bytes.

What reading may end in, what a case and a problem may hold, and that both deployments take it.

Knows the reports and xray rooms; knows neither the fuzzer nor where inputs come from. Plain `assert`s: a fuzzer takes
any exception for a finding, and so does a test.
"""

from __future__ import annotations

import io
import math
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from xray_ci.deployments import CLOUD, SERVER, Deployment
from xray_ci.formats import FORMATS, Format
from xray_ci.model import TEXT_LIMIT, Case, Origin, Outcome, Place, Problem, Restart, Severity
from xray_ci.reports import detect, json_stream, junit, lines
from xray_ci.reports.detect import HEAD, look
from xray_ci.reports.discover import FORMAT as ALLURE
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.mend import Mender
from xray_ci.reports.notices import Fault
from xray_ci.reports.reading import check, identify, read
from xray_ci.reports.texts import ATTACHMENT_LIMIT, LONGEST
from xray_ci.xray import evidence, mapping, render
from xray_ci.xray.notices import Notices
from xray_ci.xray.validate import Checker

CAUSE_LIMIT = 4_000
"""Characters of a problem's cause: it is a line of a log, not a report."""
_SHOWN = "build/report"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WHOLE = {"case.name", "case.classname", "case.suite"}
"""What is the identity of a Test is not cut: two tests would become one."""
_PIECES = 100
"""Into which a source is cut at most."""
_BEGIN = 64
_DECLARED = 1_024
"""Bytes among which an encoding can be declared."""


def reports(content: bytes, modules: tuple[str, ...]) -> None:
    """Read bytes as what they are where that belongs to the family, else as each format of the family.

    As a user can ask for.
    """
    with _file(content) as path:
        row = identify(_found(path))
        ours = (
            [row]
            if isinstance(row, Format) and row.reader in modules
            else [one for one in FORMATS if one.reader in modules]
        )
        for one in ours:
            hold(_found(path, one.key))


def folder(files: dict[str, bytes]) -> None:
    """Read a folder of results as one report."""
    with tempfile.TemporaryDirectory() as base:
        for name, content in files.items():
            (Path(base) / name).write_bytes(content)
        row = identify(_found(Path(base)))
        assert isinstance(row, Problem) or row.key == ALLURE
        if isinstance(row, Format):
            hold(_found(Path(base)))


def detection(content: bytes, _modules: tuple[str, ...]) -> None:
    """Look at bytes, say what they are, and check them to their end as a native import does."""
    seen = look(content)
    assert detect.guess(seen)
    assert detect.what(seen) != ""
    assert all(name in seen.members for name in seen.top)
    with _file(content) as path:
        row = identify(_found(path))
        _problem(row) if isinstance(row, Problem) else None
        if (problem := check(_found(path))) is not None:
            _problem(problem)
            assert Severity.ERROR is problem.severity


def media(content: bytes, _modules: tuple[str, ...]) -> None:
    """Whatever pieces a source gives its bytes in, XML, JSON, lines and mended bytes are the same."""
    for readings in (_elements, _values, _documents, _mended):
        whole, pieces = _outcome(readings, io.BytesIO(content)), _outcome(readings, _Pieces(content))
        assert whole == pieces, (readings.__name__, whole, pieces)


def hold(found: FoundReport) -> None:
    """Read a report as the product does, and hold each thing that comes against its law."""
    cases: list[Case] = []
    problems: list[Problem] = []
    restarts = 0
    for item in read(found):
        match item:
            case Case():
                cases.append(item)
            case Problem():
                _problem(item)
                problems.append(item)
            case Restart():
                restarts += 1
                cases.clear()
                problems.clear()
            case Origin():
                f"{item.path} {item.format} {item.family}".encode()
            case _:
                raise AssertionError(item)
    refused = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert restarts <= 1
    assert refused in ([], problems[-1:]), "after an error nothing comes any more"
    assert cases or problems, "a report without a test says so"
    if not refused:
        for case in cases:
            _case(case)
            for deployment in (CLOUD, SERVER):
                _rendered(case, deployment)


def _case(case: Case) -> None:
    assert isinstance(case.outcome, Outcome)
    assert case.seconds is None or (math.isfinite(case.seconds) and 0 <= case.seconds <= LONGEST), case.seconds
    assert all(moment is None or moment.year > 1970 for moment in (case.started, case.finished))
    assert case.line is None or case.line > 0
    for path, text in _texts(msgspec.to_builtins(case), "case"):
        assert len(text) <= TEXT_LIMIT or path in _WHOLE or path.endswith(".base64"), (path, len(text))
        text.encode()
    attachments = [*case.attachments, *(one for step in case.steps for one in step.attachments)]
    assert len(attachments) <= ATTACHMENT_LIMIT * (1 + len(case.steps))
    for one in attachments:
        assert (one.path is None) != (one.base64 is None), one
        assert evidence.file_name(one).isprintable()
        assert evidence.media_type(one).isascii()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(case), type=Case) == case, "it can be spilt to disk"


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, f"{path}.{name}")
        case list() | tuple():
            for inner in value:
                yield from _texts(inner, path)


def _problem(problem: Problem) -> None:
    assert isinstance(problem.severity, Severity)
    assert _SLUG.fullmatch(problem.slug)
    assert problem.path is not None
    assert 0 < len(problem.cause) <= CAUSE_LIMIT, len(problem.cause)
    assert problem.line is None or problem.line > 0
    assert problem.column is None or problem.column > 0
    f"{problem.cause} {problem.advice}".encode()


def _rendered(case: Case, deployment: Deployment) -> None:
    """Render a case: what comes fits the schema of its deployment, or it is said why the case is left out."""
    target = mapping.decide(case, mapping.MappingOptions(project="SHOP"))
    if isinstance(target, mapping.Rejected):
        f"{target.slug} {target.reason}".encode()
        return
    assert isinstance(target, mapping.TestTarget)
    options = render.RenderOptions(deployment=deployment, comments="all")
    document = render.Renderer(
        options, Notices(), lambda one: one.base64 is not None and bool(evidence.valid_base64(one.base64))
    ).test(case, target)
    assert document == msgspec.json.decode(msgspec.json.encode(document))
    checker = _checker(deployment.key)
    assert checker.valid(document), checker.flaw(document)


_checker = cache(Checker)


class _Pieces:
    """A source that gives little at a time; only the first piece is larger, since the encoding is seen by it."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)
        self._piece = max(7, len(content) // _PIECES)
        self._size = _DECLARED if b"encoding" in content[:_DECLARED] else _BEGIN

    def read(self, size: int, /) -> bytes:
        piece = self._rest.read(min(size, self._size))
        self._size = self._piece
        return piece


def _outcome(readings: Callable[[Any], Any], source: Any) -> Any:
    try:
        return readings(source)
    except Fault as fault:
        assert fault.cause
        return fault.slug


def _elements(source: Any) -> Any:
    return repr(list(junit.read(source)))


def _values(source: Any) -> Any:
    window = json_stream.Window(source)
    value = window.value()
    window.finish()
    return repr(value)


def _documents(source: Any) -> Any:
    return repr(list(lines.Documents(source)))


def _mended(source: Any) -> Any:
    mender = Mender(source)
    return b"".join(iter(lambda: mender.read(HEAD), b"")), set(mender.repairs)


def _found(path: Path, key: str | None = None) -> FoundReport:
    return FoundReport(place=Place(path=path, shown=_SHOWN), format=key)


class _file:  # noqa: N801 - used like a function
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> Path:
        self._held = tempfile.NamedTemporaryFile()
        self._held.write(self._content)
        self._held.flush()
        return Path(self._held.name)

    def __exit__(self, *_: object) -> None:
        self._held.close()
