"""Feature files out of Xray and into it, on both products.

Out: one file of the vendor's for each group of scenarios, under a name that does not change with what else is exported.
In: all files in one zip under their paths in the workspace, by which Xray finds a scenario again. Knows zips and names
of files; Gherkin is Xray's business. A zip is anybody's: it is bounded, and none of its names becomes a path.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.errors import ConfigurationError, Failure, NoReports, PartlyImported, Refused, UnusableFile, many
from xray_ci.reports import packed
from xray_ci.reports.notices import UNSAFE, Fault
from xray_ci.safefiles import WriteError, open_inside, open_named, write
from xray_ci.services import body
from xray_ci.services.store import KEY
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.wire import Answered
    from xray_ci.settings.flags import Value

_LARGEST: Final = 4_000_000
"""Bytes of one feature file."""
_ALL: Final = 100_000_000
"""Bytes of all feature files of one run, which are held in memory."""
_SHOWN: Final = 20
_ALWAYS: Final = (1980, 1, 1, 0, 0, 0)
"""The date of everything in a zip: the same features are the same bytes."""
_NUMBER: Final = re.compile(r"^[0-9]+_?")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._,+()-]+")
_TAGS: Final = re.compile(r"^\s*@.*$", re.MULTILINE)
_NO_GHERKIN: Final = frozenset({"Manual", "Generic"})
"""Types that Xray brings and that no feature file holds (D)."""


# Out


def take_out(job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    """Write the features of what was asked for into a folder.

    Raises ConfigurationError, NoReports where there is none, and Refused when a key was, after the others were written.
    """
    keys = _asked(job, site, options)
    output = str(options.get("output") or "features")
    target = folder / output
    found: list[tuple[str, bytes]] = []
    refused: list[Refused] = []
    for key in keys:
        try:
            found += _exported(job, site, key, _ALL - sum(len(data) for _, data in found))
        except Refused as failure:
            refused.append(failure)
            job.console.error(f"{key}: {failure.answer or failure.what}")
    files = named(found)
    for name, data in files.items():
        _write(job, target, name, data)
    if refused:
        raise Refused(
            f"{len(refused)} of {many(len(keys), 'key')} could not be exported; "
            f"{many(len(files), 'feature file')} of the others were written",
            advice="Leave these keys out, or check that they hold Cucumber Tests that this user may see.",
        )
    if not files:
        raise NoReports("no Cucumber Test was found", advice="Check the keys or the JQL; other types have no features.")
    job.console.info(f"{many(len(files), 'feature file')} of {many(len(keys), 'key')} written to {output}")


def _asked(job: Job, site: Site, options: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the keys to export, each once: of `--keys` and `--jql`, without both of the settings."""
    keys = [each for each in re.split(r"[\s,]+", str(options.get("keys") or "")) if each]
    wrong = [each for each in keys if not KEY.fullmatch(each)]
    if wrong:
        raise problems.problem(
            f"{problems.shown(wrong[0])} is no issue key", "--keys", advice="Write keys like SHOP-4."
        )
    if jql := str(options.get("jql") or ""):
        keys += [each.key for each in site.store.found(jql) if each.test_type not in _NO_GHERKIN]
        if not keys:
            raise NoReports("the JQL finds no Cucumber Test", where="--jql", advice="Try the JQL in Jira's search.")
    settings = job.settings
    if not keys:
        keys = [settings.test_execution] if settings.test_execution is not None else [*settings.test_plan]
    if not keys:
        raise problems.problem(
            "Nothing says which features are meant",
            "--keys, --jql, --test-plan, --test-execution",
            problems.MISSING,
            "Give one of them, for example `--test-plan SHOP-2`.",
        )
    return tuple(dict.fromkeys(keys))


def _exported(job: Job, site: Site, key: str, left: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the features of one key.

    One call a key: which sign separates several is documented nowhere that both products keep to.
    """
    cloud = site.deployment.key == "cloud"
    path = "/export/cucumber" if cloud else "/export/test"
    query = (("keys", key),) if cloud else (("keys", key), ("fz", "true"))
    with (job.work.path / "export.zip").open("w+b") as file:
        site.xray.send("GET", path, query=query, into=file)
        try:
            yield from _members(file, left)
        except Fault as fault:
            raise UnusableFile(
                f"what {site.deployment.title} exported of {key} is no zip that can be read: {fault.cause}",
                advice="Run again; if it stays, export these Tests in Xray itself and report this.",
            ) from None


def _members(source: BinaryIO, left: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the features in a zip; raises Fault for one that is broken, unsafe or too big."""
    with packed.opened(source) as archive:
        for info in archive.infolist():
            if info.is_dir() or not info.filename.endswith(".feature"):
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Fault(UNSAFE, f"{packed.printable(info.filename)} in it is a link")
            with closing(packed.taken(archive, info, min(left, _LARGEST))) as member:
                data = member.read()
            left -= len(data)
            yield info.filename, data


def named(found: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Return features by names that are safe and stay the same from one export to the next.

    Xray numbers files in the order of an export (D): the number goes, and where nothing else is in the name the first
    key in the tags stands for it. Two files of one name have the first key behind it. Lines end as git keeps them.
    """
    plain = {(_stem(name), data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")) for name, data in found}
    rows = sorted((stem or _key(data) or "feature", _key(data), data) for stem, data in plain)
    shared = Counter(stem.lower() for stem, _, _ in rows)
    files: dict[str, bytes] = {}
    taken: set[str] = set()
    for stem, key, data in rows:
        name = f"{stem}_{key}" if key and key != stem and shared[stem.lower()] > 1 else stem
        number, whole = 1, name
        while whole.lower() in taken:
            number += 1
            whole = f"{name}-{number}"
        taken.add(whole.lower())
        files[f"{whole}.feature"] = data
    return files


def _stem(name: str) -> str:
    last = PurePosixPath(name.replace("\\", "/")).name.removesuffix(".feature")
    return _UNSAFE.sub("_", _NUMBER.sub("", last))[:100].strip("._")


def _key(data: bytes) -> str:
    """Return the first key in the tags of a feature, empty without one."""
    text = data.decode(errors="replace")
    found = next((key for line in _TAGS.findall(text) for key in KEY.findall(_split(line))), "")
    return str(found)


def _split(tags: str) -> str:
    """Return tags with prefixes apart from their keys: `@TEST_SHOP-4`, `@TestName:SHOP-4` (D)."""
    return re.sub(r"@(?:[A-Za-z]+[_:])?", " ", tags)


def _write(job: Job, target: Path, name: str, data: bytes) -> None:
    workspace = job.settings.workspace
    inside = Path(os.path.normpath(target.absolute())).is_relative_to(workspace.absolute())
    try:
        if not inside:
            target.mkdir(parents=True, exist_ok=True)  # trusted: a flag named it
        write(target.absolute() / name, data, (workspace,) if inside else (target,))
    except OSError as error:
        cause = str(error) if isinstance(error, WriteError) else _told(error)
        raise ConfigurationError(
            f"a feature cannot be written: {cause}",
            where="--output",
            advice="Choose a folder that can be written to and that no link in the workspace leads to.",
        ) from error


# In


def bring_in(job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    """Send the feature files of paths in one zip, and tell what became of them.

    Raises ConfigurationError, NoReports, UnusableFile before anything is sent, MayHaveBeenDone when the answer is lost,
    PartlyImported or Refused when Xray names scenarios that it did not take.
    """
    given = options.get("path")
    paths = given if isinstance(given, list) else []
    if not paths:
        raise problems.problem(
            "`features import` needs a path", "command line", problems.USAGE, "Write `xray-ci features import PATH`."
        )
    project = job.settings.project
    if project is None:
        raise problems.problem("`project` is not set", "project", problems.MISSING, "Set the project of the Tests.")
    files = _collected(job, paths, folder)
    if job.settings.dry_run:
        job.console.info(f"would send {many(len(files), 'feature file')} to {project}: {', '.join(sorted(files))}")
        return
    place = job.work.path / "features.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), files[name], zipfile.ZIP_DEFLATED)
    whole = body.Slice(path=place, offset=0, length=place.stat().st_size)
    part = body.FormPart(name="file", filename="features.zip", content_type="application/zip", pieces=(whole,))
    job.console.info(f"sending {many(len(files), 'feature file')} to {project}")
    doubt = "Tests may have been made or updated"
    answer = site.xray.send(
        "POST",
        "/import/feature",
        body.multipart((part,), body.boundary(job.random)),
        query=(("projectKey", project),),
        doubt=doubt,
    )
    said = _said(answer)
    if said is None:
        raise site.xray.unlike(answer, "/import/feature", doubt)
    _tell(job, *said)


def _tell(job: Job, tests: tuple[str, ...], conditions: tuple[str, ...], errors: tuple[str, ...]) -> None:
    for keys, noun in ((tests, "Test"), (conditions, "Precondition")):
        if keys:
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            job.console.info(f"{many(len(keys), noun)} made or updated: {', '.join(keys[:_SHOWN])}{more}")
    for error in errors:
        job.console.error(error)
    if errors:
        failure: type[Failure] = PartlyImported if tests or conditions else Refused
        raise failure(
            f"{many(len(errors), 'error')} of Xray, named above; {many(len(tests), 'Test')} made or updated",
            answer="; ".join(errors),
            service="Xray",
            advice="Correct what is named above and run this again: scenarios that are there are updated.",
        )


def _said(answer: Answered) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """Return keys of Tests and Preconditions and what was wrong; None for an answer of another shape.

    Cloud always says it in an object (D); Server in a list, and in an object where something was wrong (O).
    """
    match answer.json:
        case {"updatedOrCreatedTests": list(tests), **rest}:
            return _keys(tests), _keys(rest.get("updatedOrCreatedPreconditions")), _texts(rest.get("errors"))
        case {"message": message, **rest}:
            return _keys(rest.get("testIssues")), _keys(rest.get("preconditionIssues")), _texts([message])
        case list(issues):
            types = [str((each.get("issueType") or {}).get("name")) for each in issues if isinstance(each, dict)]
            pairs = list(zip(_keys(issues), types, strict=False))
            return tuple(key for key, kind in pairs if kind == "Test"), tuple(k for k, n in pairs if n != "Test"), ()
        case _:
            return None


def _keys(issues: object) -> tuple[str, ...]:
    listed = issues if isinstance(issues, list) else []
    return tuple(str(each.get("key")) for each in listed if isinstance(each, dict))


def _texts(errors: object) -> tuple[str, ...]:
    return tuple(str(each) for each in errors if each) if isinstance(errors, list) else ()


def _collected(job: Job, paths: Sequence[str], folder: Path) -> dict[str, bytes]:
    """Return the feature files of paths by their names in the zip; tells every file that cannot be used."""
    files: dict[str, bytes] = {}
    wrong = left = 0
    left = _ALL
    for text in paths:
        for name, data in _found(job, folder / text):
            cause = data if isinstance(data, str) else _wrong(name, data, files.get(name), left)
            if cause:
                job.console.error(f"{name}: {cause}")
                wrong += 1
            elif isinstance(data, bytes):
                files[name], left = data, left - len(data)
    if wrong:
        raise UnusableFile(f"{many(wrong, 'file')} cannot be used, named above; nothing was sent")
    if not files:
        raise NoReports("there is no feature file", advice="Name folders, `.feature` files or zips that hold some.")
    return files


def _wrong(name: str, data: bytes, other: bytes | None, left: int) -> str | None:
    """Return why a feature cannot be sent, None where it can."""
    parts = PurePosixPath(name).parts
    if "\\" in name or ":" in name or not name.isprintable() or name.startswith("/") or ".." in parts:
        return "this name leads out of its folder, or has signs that no file should have"
    if len(data) > min(_LARGEST, left):
        return f"more than {min(_LARGEST, left):,} bytes"
    if other not in (None, data):
        return "another file has this name, and other lines"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return None


def _found(job: Job, path: Path) -> Iterator[tuple[str, bytes | str]]:
    """Yield names and contents of the features that a path means; instead of a content why it cannot be read."""
    workspace, real = job.settings.workspace, Path(os.path.realpath(path))
    root = Path(os.path.realpath(workspace))
    base = root if real.is_relative_to(root) else real.parent
    shown = real.relative_to(base).as_posix()
    if Path(os.path.normpath(path)).is_relative_to(workspace) and base != root:
        yield path.name, "a link leads out of the workspace"
    elif real.is_dir():
        for around, folders, names in os.walk(real):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(names):
                if name.endswith(".feature"):
                    file = Path(around, name)
                    yield file.relative_to(base).as_posix(), _content(real, file)
    else:
        try:
            with open_named(path, workspace) as source:
                packed_files = zipfile.is_zipfile(source)
                source.seek(0)
                if packed_files:
                    yield from _members(source, _ALL)
                else:
                    yield shown, source.read(_LARGEST + 1)
        except (Fault, OSError) as error:
            yield shown, error.cause if isinstance(error, Fault) else _told(error)


def _content(root: Path, file: Path) -> bytes | str:
    """Return what is in a file below a folder, through no link that leaves it, or why it cannot be read."""
    try:
        with open_inside(str(root), file.relative_to(root).parts, links=True) as opened:
            return opened.read(_LARGEST + 1)
    except OSError as error:
        return _told(error)


def _told(error: OSError) -> str:
    return error.strerror or str(error)
