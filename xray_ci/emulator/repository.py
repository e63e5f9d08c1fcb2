"""The Test Repository: folders of a project by path, and Server's interface to them, where they have numbers.

Knows folders; what lies in them are issues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xray_ci.emulator.answers import answer, as_json, refusal
from xray_ci.emulator.datacenter import apart, enter, given_object, issues_of, missing, paths, project_of, texts
from xray_ci.emulator.world import TEST

if TYPE_CHECKING:
    from werkzeug.routing import Rule
    from werkzeug.wrappers import Response

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.world import Issue, Project, World


def rules() -> list[Rule]:
    """Return the routes; -1 is the top (O)."""
    folder = "testrepository/<project>/folders/<number>"
    return [
        *paths("GET", "testrepository/<project>/folders", _folders),
        *paths("POST", folder, _make_folder),
        *paths("GET", folder, _folder),
        *paths("PUT", folder, _rename_folder),
        *paths("DELETE", folder, _delete_folder),
        *paths("GET", f"{folder}/tests", _folder_tests),
        *paths("PUT", f"{folder}/tests", _change_folder),
    ]


def move_folder(world: World, project: Project, before: str, after: str) -> None:
    """Give a folder of the Test Repository another path, and all that lies below it."""

    def moved(path: str) -> str:
        return after + path[len(before) :] if path == before or path.startswith(f"{before}/") else path

    project.folders = [moved(each) for each in project.folders]
    for each in world.issues.values():
        for details in (each.test, each.precondition):
            if each.project == project.key and details is not None:
                details.folder = moved(details.folder)


def delete_folder(world: World, project: Project, path: str) -> None:
    """Delete a folder of the Test Repository with those in it; what lay there lies at the top."""
    gone = {each for each in project.folders if each == path or each.startswith(f"{path}/")}
    project.folders = [each for each in project.folders if each not in gone]
    for each in world.issues.values():
        for details in (each.test, each.precondition):
            if each.project == project.key and details is not None and details.folder in gone:
                details.folder = "/"


def _path(project: Project, number: str) -> str:
    if number == "-1":
        return "/"
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:9]) <= len(project.folders):
        raise missing(f"Folder {number}")
    return project.folders[int(number) - 1]


def _shown_folder(call: RouteCall, project: Project, path: str) -> dict[str, Any]:
    inside = [each for each in project.folders if each.rpartition("/")[0] == path.rstrip("/") and each != path]
    return {
        "id": -1 if path == "/" else project.folders.index(path) + 1,
        "name": path.rpartition("/")[2] or "Test Repository",
        "rank": 0,
        "testRepositoryPath": path.rpartition("/")[0],
        "testCount": len(_lying(call, project, path)),
        "folders": [_shown_folder(call, project, each) for each in inside],
    }


def _lying(call: RouteCall, project: Project, path: str) -> list[Issue]:
    return [
        each
        for each in call.emulation.world.of_type(TEST)
        if each.project == project.key and each.test is not None and each.test.folder == path
    ]


def _folders(call: RouteCall, version: str, project: str) -> Response:  # noqa: ARG001
    enter(call)
    return as_json(_shown_folder(call, project_of(call, project), "/"))


def _folder(call: RouteCall, version: str, project: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    owner = project_of(call, project)
    return as_json(_shown_folder(call, owner, _path(owner, number)))


def _name(call: RouteCall) -> str:
    name = given_object(call).get("name")
    if not isinstance(name, str) or not name.strip() or "/" in name:
        raise refusal("name is required", fact="server-repository")
    return name


def _make_folder(call: RouteCall, version: str, project: str, number: str) -> Response:
    enter(call)
    owner = project_of(call, project)
    path = f"{_path(owner, number).rstrip('/')}/{_name(call)}"
    if path in owner.folders:
        raise refusal(f"Folder {path} already exists.", fact="server-repository")
    owner.folders.append(path)
    return as_json(_shown_folder(call, owner, path), status=apart(version, new=201))


def _rename_folder(call: RouteCall, version: str, project: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    owner = project_of(call, project)
    before = _path(owner, number)
    if before == "/":
        raise missing(f"Folder {number}")
    after = f"{before.rpartition('/')[0]}/{_name(call)}"
    move_folder(call.emulation.world, owner, before, after)
    return as_json(_shown_folder(call, owner, after))


def _delete_folder(call: RouteCall, version: str, project: str, number: str) -> Response:
    """Delete a folder with those in it; its Tests lie at the top then (A). Numbers behind it move up (A)."""
    enter(call)
    owner = project_of(call, project)
    delete_folder(call.emulation.world, owner, _path(owner, number))
    return answer(status=apart(version, new=204))


def _folder_tests(call: RouteCall, version: str, project: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    owner = project_of(call, project)
    held = _lying(call, owner, _path(owner, number))
    tests = [{"id": int(each.id), "key": each.key, "rank": rank} for rank, each in enumerate(held, start=1)]
    return as_json({"tests": tests, "total": len(tests)})


def _change_folder(call: RouteCall, version: str, project: str, number: str) -> Response:  # noqa: ARG001
    enter(call)
    owner, given = project_of(call, project), given_object(call)
    path = _path(owner, number)
    found, messages = issues_of(call, texts(given.get("add")), TEST)
    gone, more = issues_of(call, texts(given.get("remove")), TEST)
    for tests, place in ((found, path), (gone, "/")):
        for each in tests:
            if each.test is not None:
                each.test.folder = place
    return as_json([*messages, *more])
