"""Files that are attached to a Test Execution: raw reports, and what globs name below the workspace.

Trusts no name: what may be no evidence is not attached either, and a file that holds a secret of the job stays here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from xray_ci.errors import AroundRefused, AroundUndone, TooLarge, many
from xray_ci.pipeline.around import AttachedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Place
    from xray_ci.pipeline.around import Around
    from xray_ci.services.body import Slice
    from xray_ci.services.jira_issue import JiraIssue
    from xray_ci.settings.values import Settings

_FILES: Final = 1_000
"""Files that a run attaches."""
_REPORTS: Final = "reports"


def _files(around: Around) -> tuple[AttachedFile, ...]:
    """Return the files that `attach` names, each once and under a name of its own; tell what is left out."""
    found: dict[str, tuple[Place, bool]] = {}
    for place, report in (*((each, True) for each in _reports(around)), *((each, False) for each in _named(around))):
        found.setdefault(os.path.realpath(place.path), (place, report))
    if not found:
        around.tally.note("`attach` names no file that is there")
    if len(found) > _FILES:
        around.tally.note(f"{len(found) - _FILES:,} files of `attach` are not attached: {_FILES:,} are in a run")
    kept = sorted(found.values(), key=lambda each: each[0].shown)[:_FILES]
    plain = [each.shown.rpartition("/")[2] for each, _ in kept]
    made: dict[str, AttachedFile] = {}
    for (place, report), name in zip(kept, plain, strict=True):
        wanted = clean = _safe(around, name if plain.count(name) == 1 else place.shown.replace("/", "-"))
        number = 1
        while wanted in made:
            number += 1
            stem, dot, suffix = clean.rpartition(".")
            wanted = f"{stem} ({number}).{suffix}" if dot else f"{clean} ({number})"
        made[wanted] = AttachedFile(name=wanted, shown=place.shown, place=place, report=report)
    return tuple(made.values())


def _safe(around: Around, name: str) -> str:
    """Return a name that every site takes, without secrets."""
    from xray_ci.model import Attachment  # noqa: PLC0415
    from xray_ci.xray.evidence import file_name  # noqa: PLC0415

    return file_name(Attachment(name=around.job.redactor(name)))


def _excluded(settings: Settings) -> tuple[str, ...]:
    return tuple(line for line in settings.attach if line.startswith("!"))


def _reports(around: Around) -> Iterator[Place]:
    """Yield the raw reports, where `attach` has the word: those that were read; in `resume`, those of a known format.

    What no reader knows may be anything, and stays here.
    """
    from xray_ci.model import Problem  # noqa: PLC0415
    from xray_ci.reports.discover import discover  # noqa: PLC0415
    from xray_ci.reports.reading import identify  # noqa: PLC0415

    settings, clean = around.job.settings, around.job.redactor.split()[0]
    read = {report.path: report.counts is not None for report in around.tally.reports}
    if _REPORTS not in settings.attach or not settings.reports:
        return
    temp, confined = around.job.surroundings.temp, _REPORTS in settings.found
    patterns = (*settings.reports, *_excluded(settings))
    for found in discover(patterns, settings.workspace, temp=temp, confined=confined).files:
        known = read.get(clean(found.place.shown), False) if read else not isinstance(identify(found), Problem)
        if not known:
            continue
        if found.place.path.is_dir():
            around.tally.note(f"{found.place.shown} is a folder and not attached: name its files in `attach`")
        else:
            yield found.place


def _named(around: Around) -> Iterator[Place]:
    """Yield the files of the workspace that globs name: what may be no evidence is not attached either."""
    from xray_ci.reports.discover import named  # noqa: PLC0415
    from xray_ci.xray.evidence import FoundFile, Workspace  # noqa: PLC0415

    settings = around.job.settings
    globs = [line for line in settings.attach if line != _REPORTS]
    if all(line.startswith("!") for line in globs):
        return
    places, problems = named(globs, settings.workspace, setting="attach")
    for problem in problems:
        around.tally.problem(problem)
    inside = Workspace(settings.workspace, around.job.private)
    private = 0
    for place in places:
        below = place.root == str(inside.root)
        if below and isinstance(inside.find("/".join(place.inner)), FoundFile):
            yield place
        else:
            private += 1
    if private:
        around.tally.note(
            f"{many(private, 'file')} of `attach` not attached: outside of the workspace, behind a link, hidden "
            "(a dot begins a name on the way), or of xray-ci itself"
        )


def attach(around: Around, key: str) -> str:
    """Attach the files to a Test Execution, and a report to that of its results; return what was done."""
    if around.files is None:
        around.files = _files(around)
    issue, own = around.issue(key), around.report_of(key)
    wanted = [each for each in around.files if not (each.report and own) or each.shown == own]
    there = issue.files() if wanted else frozenset()
    count = size = 0
    for each in wanted:
        try:
            sent = _attach_one(around, issue, each, there)
        except TooLarge as failure:  # of this file: others may be smaller
            sent = None
            around.left = True
            around.tally.fail(
                AroundRefused(
                    f"{each.shown} was not attached to {key}: Jira, or a proxy in front of it, takes no such size",
                    where=f"attach, from {around.job.settings.origin('attach')}",
                    answer=failure.answer,
                    advice="The import is done. Attach a smaller or packed file, leave it out with `!`, or let an "
                    "administrator raise the limit of attachments.",
                )
            )
        count, size = count + (sent is not None), size + (sent or 0)
    if not wanted:
        return ""
    return f"{many(count, 'file')} of {len(wanted):,} attached ({size:,} bytes), the others are there or told above"


def _attach_one(
    around: Around, issue: JiraIssue, wanted: AttachedFile, there: frozenset[tuple[str, int]]
) -> int | None:
    """Attach a file unless it is there or holds a secret; return its bytes, None where it was not sent."""
    from xray_ci.services.body import FormPart, Slice, boundary, multipart  # noqa: PLC0415

    try:
        file = _opened(wanted)
    except OSError as error:
        raise AroundUndone(
            f"{wanted.shown} was not attached to {issue.key}: it cannot be read ({error.strerror or error})",
            where="attach",
        ) from error
    with file:
        size = os.fstat(file.fileno()).st_size
        if (wanted.name, size) in there:
            return None
        whole = Slice(path=wanted.place.path, offset=0, length=size, descriptor=file.fileno())
        if _holds_secret(around, whole):
            around.tally.note(f"{wanted.shown} is not attached: it holds a secret of this job")
            return None
        part = FormPart(
            name="file", filename=wanted.name, content_type="application/octet-stream", pieces=(whole,) if size else ()
        )
        issue.attach(wanted.name, size, multipart((part,), boundary(around.job.random)))
        return size


def _opened(wanted: AttachedFile) -> BinaryIO:
    """Open it without following a link out of the folder in which it was found; no link at all to what is no report."""
    from xray_ci.safefiles import open_inside, open_place  # noqa: PLC0415

    place = wanted.place
    if wanted.report or place.root is None:
        return open_place(place)
    return open_inside(place.root, place.inner, links=False)


def _holds_secret(around: Around, whole: Slice) -> bool:
    from xray_ci.secret import Spotter  # noqa: PLC0415

    spotter = Spotter(around.job.redactor.split()[0], exact=True)
    for piece in whole.read():
        spotter.look(piece)
    return spotter.found
