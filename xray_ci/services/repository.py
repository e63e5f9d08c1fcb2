"""Where Tests lie in Xray: folders of the Test Repository, and Test Sets; and when issues were made.

One class for each product, asked in the same words. Knows GraphQL and REST; knows nothing of imports or settings.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from msgspec import Struct

from xray_ci.errors import NotTheService, Refused
from xray_ci.services import body, store, wire
from xray_ci.services.jira import checked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xray_ci.services.graphql import GraphQL
    from xray_ci.services.jira import Jira
    from xray_ci.services.wire import Outcome

_MADE: Final = """query($jql: String) {
  tests: getTests(jql: $jql, limit: 100) { results { issueId jira(fields: ["key", "created"]) } }
  executions: getTestExecutions(jql: $jql, limit: 100) { results { issueId jira(fields: ["key", "created"]) } } }"""
_PROJECT: Final = "query($project: String) { getProjectSettings(projectIdOrKey: $project) { projectId } }"
_FOLDER: Final = "query($project: String, $path: String!) { getFolder(projectId: $project, path: $path) { path } }"
_MAKE_FOLDER: Final = """mutation($project: String, $path: String!) {
  createFolder(projectId: $project, path: $path) { warnings } }"""
_LAY: Final = """mutation($project: String, $path: String!, $tests: [String]!) {
  addTestsToFolder(projectId: $project, path: $path, testIssueIds: $tests) { warnings } }"""
_SET: Final = "query($jql: String) { getTestSets(jql: $jql, limit: 1) { results { issueId } } }"
_COLLECT: Final = """mutation($set: String!, $tests: [String]!) {
  addTestsToTestSet(issueId: $set, testIssueIds: $tests) { addedTests warning } }"""
_TOP: Final = "-1"
"""Number of the top folder on Server/DC (O)."""


class MadeIssue(Struct, frozen=True, kw_only=True):
    """An issue, and when it was made, by the site's own clock."""

    id: str
    key: str
    created: datetime


class Repository(Protocol):
    """Either product. Every method raises the failure that an outcome is; what is done already changes nothing."""

    def made(self, keys: Sequence[str]) -> tuple[MadeIssue, ...]:
        """Return those of these Tests and Test Executions (100 at most) that the index knows."""

    def lay(self, project: str, path: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests (100 at most) into a folder of a project, made with those above it where it is not there."""

    def collect(self, test_set: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests (100 at most) into a Test Set by its key."""


class CloudRepository:
    """Xray Cloud's, which takes ids of issues."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    def made(self, keys: Sequence[str]) -> tuple[MadeIssue, ...]:
        """Return the issues of these keys that the index knows."""
        data = self._graphql.call(_MADE, {"jql": store.keyed(keys)})
        each = [*_results(data.get("tests")), *_results(data.get("executions"))]
        return tuple(_made(str(one.get("issueId")), _object(one.get("jira")), _object(one.get("jira"))) for one in each)

    def lay(self, project: str, path: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests into a folder; its parents have to be there before it (A)."""
        settings = _object(self._graphql.call(_PROJECT, {"project": project}).get("getProjectSettings"))
        number = str(settings.get("projectId") or project)
        for place in _levels(path):
            try:
                self._graphql.call(_FOLDER, {"project": number, "path": place})
            except Refused:  # it is not there, or may not be seen: then it cannot be made either
                self._graphql.call(_MAKE_FOLDER, {"project": number, "path": place})
        ids = [test.id for test in tests]
        self._graphql.call(_LAY, {"project": number, "path": _levels(path)[-1], "tests": ids})

    def collect(self, test_set: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests into a Test Set; a warning says that they were in it before."""
        asked = lambda jql: tuple(_results(self._graphql.call(_SET, {"jql": jql}).get("getTestSets")))  # noqa: E731
        if not (found := store.known((test_set,), asked)):
            raise store.unknown(test_set, store.TEST_SET)
        ids = [test.id for test in tests]
        self._graphql.call(_COLLECT, {"set": str(found[0].get("issueId")), "tests": ids})


class ServerRepository:
    """Xray Server/DC's, which takes keys of issues and numbers of folders."""

    def __init__(self, jira: Jira, *, version: str = "2.0") -> None:
        self._jira = jira
        self._api = f"/rest/raven/{version}/api"

    def made(self, keys: Sequence[str]) -> tuple[MadeIssue, ...]:
        """Return the issues of these keys that the index knows."""
        found = self._jira.search(store.keyed(keys), ["created"])
        return tuple(_made(str(each.get("id")), each, _object(each.get("fields"))) for each in found)

    def lay(self, project: str, path: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests into a folder, from the top down."""
        place = f"{self._api}/testrepository/{quote(project, safe='')}/folders"
        inside, number = self._object(self._jira.send("GET", place)).get("folders"), _TOP
        for name in _names(path):
            listed = inside if isinstance(inside, list) else []
            folder = next((each for each in listed if isinstance(each, dict) and each.get("name") == name), None)
            if folder is None:
                folder = self._object(self._jira.send("POST", f"{place}/{number}", body.upload({"name": name})))
            inside, number = folder.get("folders"), str(folder.get("id"))
            if not store.NUMBER.fullmatch(number):
                raise NotTheService("Xray's answer lacks the id of a folder", where="jira-url", service="Xray")
        self._add("PUT", f"{place}/{number}/tests", tests, f"Tests were not put into the folder {path}")

    def collect(self, test_set: str, tests: Sequence[MadeIssue]) -> None:
        """Put Tests into a Test Set."""
        place = f"{self._api}/testset/{checked(test_set)}/test"
        self._add("POST", place, tests, f"Tests were not put into the Test Set {test_set}")

    def _add(self, method: str, place: str, tests: Sequence[MadeIssue], refused: str) -> None:
        """Add Tests to something; an empty list is success, else it holds messages (O)."""
        outcome = self._jira.send(method, place, body.upload({"add": [test.key for test in tests]}))
        if isinstance(outcome, wire.Answered) and isinstance(outcome.json, list) and outcome.json:
            raise Refused(refused, service="Xray", answer="200: " + "; ".join(map(str, outcome.json)))
        if not isinstance(outcome, wire.Answered) or outcome.is_page:
            raise self._jira.failure(outcome, service="Xray Server/Data Center")

    def _object(self, outcome: Outcome) -> dict[str, Any]:
        if isinstance(outcome, wire.Answered) and isinstance(outcome.json, dict):
            return outcome.json
        raise self._jira.failure(outcome, service="Xray Server/Data Center")


def _names(path: str) -> list[str]:
    """Return the names of the folders on a path, from the top down."""
    return [name for part in path.split("/") if (name := part.strip())]


def _levels(path: str) -> list[str]:
    """Return the path of each folder on a path, from the top down: `/a`, `/a/b`."""
    names = _names(path)
    return ["/" + "/".join(names[: length + 1]) for length in range(len(names))]


def _made(number: str, named: Mapping[str, Any], dated: Mapping[str, Any]) -> MadeIssue:
    try:
        created = datetime.fromisoformat(str(dated.get("created")))
        if store.KEY.fullmatch(str(named.get("key"))) and created.tzinfo is not None:
            return MadeIssue(id=number, key=str(named["key"]), created=created)
    except ValueError:
        pass
    raise NotTheService("the answer lacks key and date of an issue", where="jira-url", service="Jira")


def _object(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _results(found: object) -> list[dict[str, Any]]:
    listed = _object(found).get("results")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
