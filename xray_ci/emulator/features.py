"""Feature files in and out, on both products, and the bulk import of Tests on Cloud. Knows Gherkin's outer lines.

A scenario belongs to the Test that a tag names, else to the Cucumber Test of its name in the project, else to a new one
(D, without the vendor's matching by labels of files).
"""

from __future__ import annotations

import io
import re
import textwrap
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator.answers import answer, as_json, refusal
from xray_ci.emulator.datacenter import enter, paths
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.issuing import InvalidFields, Issuing, only
from xray_ci.emulator.logins import authorised
from xray_ci.emulator.native.gherkin import key_of
from xray_ci.emulator.native.xml import Unreadable
from xray_ci.emulator.world import PRECONDITION, TEST, TEST_SET, PreconditionDetails, TestDetails

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue

_LARGEST: Final = 20_000_000
_WORKS: Final = timedelta(seconds=3)
"""How long a bulk import takes (A)."""
_AT_ONCE: Final = 1000
"""Tests of one bulk import (D)."""
_SCENARIO: Final = re.compile(r"\s*(?:Scenario(?: Outline| Template)?|Example):\s*(?P<name>.*?)\s*$")
_BACKGROUND: Final = re.compile(r"\s*Background:\s*(?P<name>.*?)\s*$")
_CONDITION: Final = re.compile(r"\s*#@(?:PRECOND_|Precondition:)(?P<key>\S+)\s*$")
_OTHER: Final = re.compile(r"\s*(?:Feature|Rule):\s*(?P<name>.*?)\s*$")
_TAGS: Final = re.compile(r"\s*@")


@dataclass(slots=True, kw_only=True)
class _Background:
    """What goes before the scenarios of a file: a Precondition."""

    name: str
    key: str | None = None
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Scenario:
    """One scenario of a file."""

    name: str
    background: _Background | None = None
    tags: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def rules() -> list[Rule]:
    """Return the routes of both products."""
    cloud = "/api/<any(v1,v2):version>"
    found = [
        Rule(f"{cloud}/{path}", methods=[method], endpoint=Route(kind=kind, handle=handle))
        for method, path, kind, handle in (
            ("POST", "import/feature", "write", _import_cloud),
            ("GET", "export/cucumber", "read", _export_cloud),
            ("POST", "import/test/bulk", "write", _bulk),
            ("GET", "import/test/bulk/<job>/status", "read", _bulk_status),
        )
    ]
    return [*found, *paths("POST", "import/feature", _import_server), *paths("GET", "export/test", _export_server)]


def _import_cloud(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike, here and below
    key = authorised(call)
    query = arguments(call)
    project = _project(call, query.get("projectKey") or query.get("projectId") or "", sees=key.sees_projects)
    tests, conditions, errors = _stored(call, project, cloud=True)
    found = {
        "errors": errors,
        "updatedOrCreatedTests": [_shown(call, each, cloud=True) for each in tests],
        "updatedOrCreatedPreconditions": [_shown(call, each, cloud=True) for each in conditions],
    }
    return as_json(found)


def _import_server(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Answer with a list, or with an object where something was wrong (O)."""
    enter(call)
    project = _project(call, arguments(call).get("projectKey") or "", sees=True)
    tests, conditions, errors = _stored(call, project, cloud=False)
    shown, more = ([_shown(call, each, cloud=False) for each in issues] for issues in (tests, conditions))
    if errors:
        return as_json({"message": "; ".join(errors), "testIssues": shown, "preconditionIssues": more})
    return as_json([*shown, *more])


def _shown(call: RouteCall, issue: Issue, *, cloud: bool) -> dict[str, Any]:
    root = call.base if cloud else f"{call.base}/jira"
    found: dict[str, Any] = {"id": issue.id, "key": issue.key, "self": f"{root}/rest/api/2/issue/{issue.id}"}
    kinds = call.emulation.world.issue_types
    return found if cloud else {**found, "issueType": {"id": kinds[issue.type], "name": issue.type}}


def _project(call: RouteCall, name: str, *, sees: bool) -> str:
    for each in call.emulation.world.projects.values() if sees else ():
        if name in (each.key, each.id):
            return each.key
    raise refusal(f"No project could be found with key '{name}'.", fact="xray-feature-empty")


def _stored(call: RouteCall, project: str, *, cloud: bool) -> tuple[list[Issue], list[Issue], list[str]]:
    """Update or make a Test for each scenario, a Precondition for each background; return both and what was wrong."""
    part, errors = only(call.parts, "file"), []
    tests: list[Issue] = []
    backgrounds: list[tuple[_Background, Issue]] = []
    if part is None:
        raise refusal("The part file is missing.", fact="xray-feature-empty")
    part.stream.seek(0)
    given = _test_info(call)
    for name, text in _files(part.stream.read(), part.filename or ""):
        for scenario in _scenarios(text):
            try:
                tests.append(_put(call, project, scenario, given, cloud=cloud))
                if scenario.background is not None:
                    backgrounds.append((scenario.background, tests[-1]))
            except (InvalidFields, Unreadable) as wrong:
                errors.append(f"{name}: {scenario.name}: {wrong}")
    if not tests and not errors:
        raise refusal("No scenario was found in the file.", fact="xray-feature-empty")
    conditions = [_condition(call, project, each, test, cloud=cloud) for each, test in backgrounds]
    return _once(tests), _once(conditions), errors


def _once(issues: list[Issue]) -> list[Issue]:
    return list({each.key: each for each in issues}.values())


def _condition(call: RouteCall, project: str, given: _Background, test: Issue, *, cloud: bool) -> Issue:
    """Return the Precondition that a background is, by its key or its name in the project (D); the Test needs it."""
    world = call.emulation.world
    known = (each for each in world.of_type(PRECONDITION) if each.project == project and each.summary == given.name)
    issue = (world.find(given.key, PRECONDITION) if given.key else None) or next(known, None)
    if issue is None:
        issue = Issuing(world, call.now, cloud=cloud).create(
            {"project": {"key": project}, "summary": given.name}, PRECONDITION
        )
    issue.precondition = issue.precondition or PreconditionDetails()
    issue.precondition.type, issue.precondition.definition = "Cucumber", _text(given.lines)
    if test.test is not None and issue.key not in test.test.preconditions:
        test.test.preconditions.append(issue.key)
    return issue


def _test_info(call: RouteCall) -> dict[str, Any]:
    part = only(call.parts, "testInfo")
    try:
        given = part.json() if part is not None else {}
    except (ValueError, RecursionError) as error:
        raise refusal("Error parsing info file!", fact="xray-feature-info") from error
    fields = given.get("fields", {}) if isinstance(given, dict) else None
    if not isinstance(fields, dict):
        raise refusal("Error parsing info file!", fact="xray-feature-info")
    return {name: value for name, value in fields.items() if name not in ("project", "issuetype", "summary")}


def _files(data: bytes, name: str) -> list[tuple[str, str]]:
    """Return the feature files: the one that was sent, or those in a zip; nothing is unpacked to disk."""
    if not data.startswith(b"PK\x03\x04"):
        return [(name, data.decode("utf-8-sig", errors="replace"))]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [each for each in archive.infolist() if each.filename.endswith(".feature")]
            if sum(each.file_size for each in members) > _LARGEST:
                raise refusal("The archive is too large.", fact="xray-feature-empty")
            return [(each.filename, archive.read(each).decode("utf-8-sig", errors="replace")) for each in members]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise refusal("The archive cannot be read.", fact="xray-feature-empty") from error


def _scenarios(text: str) -> list[_Scenario]:
    found: list[_Scenario] = []
    tags: list[str] = []
    inside: _Scenario | _Background | None = None
    background, feature = None, ""
    for line in text.splitlines():
        if _TAGS.match(line) and '"' not in line and "|" not in line:
            tags.extend(each for each in line.split("#")[0].split() if each.startswith("@"))
        elif named := _SCENARIO.match(line):
            inside = _Scenario(name=named["name"], tags=tags, background=background)
            found.append(inside)
            tags = []
        elif named := _BACKGROUND.match(line):
            inside = background = _Background(name=named["name"] or feature)
        elif named := _OTHER.match(line):
            inside, tags, feature = None, [], named["name"]
        elif isinstance(inside, _Background) and (held := _CONDITION.match(line)):
            inside.key = held["key"]
        elif inside is not None and (line.strip() or inside.lines):
            inside.lines.append(line.rstrip())
    return found


def _text(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip()


def _put(call: RouteCall, project: str, scenario: _Scenario, given: dict[str, Any], *, cloud: bool) -> Issue:
    world = call.emulation.world
    keys = [key for key in map(key_of, scenario.tags) if key is not None]
    named = next((issue for key in keys if (issue := world.find(key, TEST)) is not None), None)
    labels = [each.removeprefix("@") for each in scenario.tags if key_of(each) is None]
    if keys and named is None and not any(world.find(key) for key in keys):
        raise Unreadable(f"Test with key {keys[0]} was not found")
    known = world.definitions.get((project, "Gherkin", scenario.name))
    issue = named or (world.issues[known] if known else None)
    issuing = Issuing(world, call.now, cloud=cloud)
    if issue is None:
        fields = {
            **given,
            "project": {"key": project},
            "summary": scenario.name,
            "labels": [*(given.get("labels") or ()), *labels],
        }
        issue = issuing.create(fields, TEST)
    else:
        issuing.edit(issue, {**given, "summary": scenario.name or issue.summary}, {"add": labels})
    world.unindex(issue)
    details = issue.test or TestDetails(type="Cucumber")
    details.type, details.scenario = "Cucumber", _text(scenario.lines)
    issue.test = details
    world.index(issue)
    return issue


# Out


def _export_cloud(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    key = authorised(call)
    return _archive(call, arguments(call).get("keys", "") if key.sees_projects else "")


def _export_server(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Answer with a zip, or one feature where there is only one and `fz` does not ask for a zip (O)."""
    enter(call)
    return _archive(call, arguments(call).get("keys", ""), whole=arguments(call).get("fz") != "true")


def _archive(call: RouteCall, keys: str, *, whole: bool = False) -> Response:
    tests = _meant(call, [each.strip() for each in re.split("[;,]", keys) if each.strip()])
    if not tests:
        raise refusal("No Cucumber Tests were found.", fact="xray-export-nothing")
    files = {
        f"{place}_{each.key}.feature": _written(call, each, execution)
        for place, (each, execution) in enumerate(tests, start=1)
    }
    if whole and len(files) == 1:
        name, text = next(iter(files.items()))
        return answer(
            text, kind="text/plain; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    named = {"Content-Disposition": 'attachment; filename="features.zip"'}
    return answer(made.getvalue(), kind="application/zip", headers=named)


def _meant(call: RouteCall, keys: list[str]) -> list[tuple[Issue, str]]:
    """Return the Cucumber Tests that keys mean: Tests, or what holds or needs them (D).

    Beside each the key of the Test Execution that it was found in, if any.
    """
    world = call.emulation.world
    found: dict[str, tuple[Issue, str]] = {}
    for key in keys:
        issue = world.find(key)
        if issue is None:
            raise refusal(f"Issue with key {key} was not found.", fact="xray-export-nothing")
        held = list(issue.execution.runs) if issue.execution else []
        held += issue.plan.tests if issue.plan else issue.test_set.tests if issue.test_set else [issue.key]
        held += [each.key for each in world.of_type(TEST) if each.test and issue.key in each.test.requirements]
        for each in held:
            if (test := world.issues[each]).test is not None and test.test.kind == "Gherkin":
                found.setdefault(each, (test, key if issue.execution else ""))
    return list(found.values())


def _written(call: RouteCall, issue: Issue, execution: str) -> str:
    """Write a Test as a feature: execution and requirements above, its key, sets and labels at the scenario (D)."""
    details, world = issue.test, call.emulation.world
    if details is None:
        raise AssertionError(issue)
    word = "Scenario Outline" if "Examples:" in details.scenario else "Scenario"
    above = " ".join([*([f"@{execution}"] if execution else []), *(f"@REQ_{key}" for key in details.requirements)])
    sets = [each.key for each in world.of_type(TEST_SET) if each.test_set and issue.key in each.test_set.tests]
    tags = " ".join([f"@TEST_{issue.key}", *(f"@{each}" for each in (*sets, *issue.labels))])
    background = ""
    for each in (world.issues[key] for key in details.preconditions):
        if each.precondition is not None and each.precondition.type == "Cucumber":
            lines = _inset(each.precondition.definition)
            background += f"  Background: {each.summary}\n    #@PRECOND_{each.key}\n{lines}\n\n"
    head = f"{above}\nFeature: {issue.summary}\n\n".lstrip()
    return f"{head}{background}  {tags}\n  {word}: {issue.summary}\n{_inset(details.scenario)}\n"


def _inset(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


# Tests in bulk, Cloud only (D)


def _bulk(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    """Take a list of Tests and Test Sets and make them at once; the job can be asked (D)."""
    key = authorised(call)
    try:
        given = call.body.json()
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise refusal("The body is no list of Tests.", fact="cloud-bulk-shape")
    if len(given) > _AT_ONCE:
        raise refusal(f"At most {_AT_ONCE} Tests can be imported at once.", fact="cloud-bulk-limit")
    if any(_works(call, each) for each in call.emulation.world.jobs.values() if "result" in each):
        raise refusal("A bulk import of Tests is already running for this user.", fact="cloud-bulk-limit")
    project = arguments(call).get("project", "")
    issues, errors = [], []
    for place, each in enumerate(given):
        try:
            made = _bulk_one(call, each, project if key.sees_projects else "")
            issues.append({"elementNumber": place, **_shown(call, made, cloud=True)})
        except InvalidFields as wrong:
            errors.append({"elementNumber": place, "errors": wrong.errors})
    job = call.emulation.world.next_id()
    status = "successful" if not errors else "partially_successful" if issues else "unsuccessful"
    call.emulation.world.jobs[job] = {
        "status": status,
        "progress": [f"[{call.now:%d-%m-%Y %H:%M:%S}] {len(issues)} Tests were made"],
        "result": {"issues": issues, "errors": errors, "warnings": []},
        "until": (call.now + _WORKS).isoformat(),
    }
    return as_json({"jobId": job})


def _works(call: RouteCall, job: dict[str, Any]) -> bool:
    return bool(call.now < datetime.fromisoformat(job.get("until", "1970-01-01T00:00:00+00:00")))


def _bulk_one(call: RouteCall, given: dict[str, Any], project: str) -> Issue:
    inner = given.get("fields") if isinstance(given.get("fields"), dict) else {}
    own = {name.removeprefix("xray_"): value for name, value in given.items()}
    known = {
        "testtype",
        "steps",
        "gherkin_def",
        "unstructured_def",
        "test_repository_folder",
        "test_sets",
        "issue_type",
    }
    known |= {"id", "preconditions", "fields", "update"}
    fields = {
        **{name: value for name, value in given.items() if name.removeprefix("xray_") not in known},
        **(inner or {}),
    }
    place = "id" if project.isdigit() else "key"
    fields.setdefault("project", {place: project})
    is_set = str(own.get("issue_type", "test")).lower().replace("_", "").replace(" ", "") == "testset"
    kind = own.get("testtype")
    if not is_set and not isinstance(kind, str):
        raise InvalidFields({"testtype": "The type of the Test is required."})  # (A)
    fields.pop("issuetype", None)
    issue = Issuing(call.emulation.world, call.now, cloud=True).create(fields, TEST_SET if is_set else TEST)
    if (details := issue.test) is not None:
        world = call.emulation.world
        world.unindex(issue)
        details.type = str(kind)
        details.scenario = str(own.get("gherkin_def") or "")
        details.definition = str(own.get("unstructured_def") or "")
        details.folder = str(own.get("test_repository_folder") or details.folder)
        sets = own.get("test_sets")
        for each in sets if isinstance(sets, list) else ():
            held = world.find(str(each), TEST_SET)
            if held is not None and held.test_set is not None:
                held.test_set.tests.append(issue.key)
        steps = own.get("steps") if isinstance(own.get("steps"), list) else []
        names = ("action", "data", "result")
        details.steps = [
            {name: str(step.get(name) or "") for name in names} for step in steps or () if isinstance(step, dict)
        ]
        world.index(issue)
    return issue


def _bulk_status(call: RouteCall, version: str, job: str) -> Response:  # noqa: ARG001
    authorised(call)
    found = call.emulation.world.jobs.get(job)
    if found is None or "result" not in found:
        raise refusal("job not found.", status=404, fact="cloud-bulk-unknown")
    if _works(call, found):
        return as_json({"status": "working", "progress": ["Tests are being made"]})
    return as_json({name: held for name, held in found.items() if name != "until"})
