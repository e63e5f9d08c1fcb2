"""What holds for any bytes in what is no report but may be a stranger's: patterns, a mapping, a text with a secret.

Knows the rooms that read them; knows neither the fuzzer nor where inputs come from. Plain `assert`s, as in `laws`.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import quote

from xray_ci.errors import ConfigurationError
from xray_ci.model import Case, Outcome
from xray_ci.reports import discover, globs
from xray_ci.secret import MASK, SHORTEST, Redactor, Spotter
from xray_ci.settings import mapping, texts
from xray_ci.settings.problems import Raw, WrongValueError, WrongValuesError
from xray_ci.xray.rules import Rulebook

LONGEST, SECRET = 4_000, 300
"""Characters of all patterns, and of a secret with its text: what is longer says nothing new and takes time."""
_PROBLEMS = 30
_CASE = Case(name="adds to cart", outcome=Outcome.FAILED, classname="shop.Cart", suite=("shop", "cart"))
_INSIDE = ("TEST-a.xml", "a/TEST-b.xml", "a/b/report.json", "x,y/z.xml")


def patterns(content: bytes, _modules: tuple[str, ...]) -> None:
    """Look for reports by patterns of a config file that was only found: nothing outside of the workspace is named."""
    text = content.decode("utf-8", "surrogateescape")[:LONGEST]
    pattern, _, path = text.partition("\n")
    try:  # as settings do before anything looks for files
        lines = [texts.one_line(line.strip()) for line in text.splitlines() if line.strip()]
    except WrongValueError:
        return
    try:
        wanted = globs.expanded(pattern)
    except ValueError:
        wanted = ()
    assert len(wanted) <= globs.CHOICES_LIMIT
    assert isinstance(globs.fits(pattern, path), bool)
    workspace = _workspace()
    try:
        found = discover.discover(lines, workspace, confined=True)
    except ConfigurationError as error:
        assert str(error)
        return
    for one in found.files:
        assert os.path.realpath(one.place.path).startswith(f"{workspace}/"), one
    for problem in found.problems:
        assert problem.cause.encode("utf-8", "surrogateescape")


@cache
def _workspace() -> Path:
    """Return a workspace with a link out of it; it is as it was after each look."""
    base = Path(tempfile.mkdtemp()).resolve()
    outside, inside = base / "outside", base / "workspace"
    for path in (*(inside / name for name in _INSIDE), outside / "TEST-c.xml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"<testsuite/>")
    (inside / "link").symlink_to(outside)
    (inside / "itself").symlink_to("itself")
    return inside


def mapping_file(content: bytes, _modules: tuple[str, ...]) -> None:
    """Read a mapping file: rules that apply to a case, or what is wrong with it, each with its place."""
    try:
        said = mapping.rules(Raw(value=content.decode("utf-8", "replace"), origin="--mapping"))
    except WrongValuesError as wrong:
        assert 0 < len(wrong.each) <= _PROBLEMS
        return
    except WrongValueError as wrong:
        assert wrong.what
        return
    book = Rulebook(said, fits=globs.fits)
    book.begin("a/TEST-b.xml", ("junit", "xml"))
    try:
        first, again = book.apply(_CASE), book.apply(_CASE)
    except ConfigurationError as error:
        assert error.slug == "mapping-too-costly"
        return
    assert first == again
    assert first.case.name == _CASE.name


def redaction(content: bytes, _modules: tuple[str, ...]) -> None:
    """Cut a secret (the first line) out of the rest: no form of it is left, and bytes that hold it are seen."""
    secret, _, text = content.decode("utf-8", "surrogateescape")[:SECRET].partition("\n")
    redact = Redactor()
    if not redact.register(secret):
        assert len(secret.strip()) < SHORTEST
        return
    value = secret.strip()
    shown = text + value + text + quote(value.encode("utf-8", "surrogateescape")) + text
    cut = redact(shown)
    assert value not in cut
    assert redact(cut) == cut
    assert MASK in cut
    spotter = Spotter(redact)
    raw = shown.encode("utf-8", "surrogateescape")
    for at in range(0, len(raw), 7):
        spotter.look(raw[at : at + 7])
    assert spotter.seen
