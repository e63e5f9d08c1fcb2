"""Facts that are probed by reading alone: one request each, and how its answer is looked at.

`check` sends some of these requests itself: what it gets is looked at here, too. Nothing in this module changes a site.
"""

from __future__ import annotations

import base64
import json
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from xray_ci.errors import NotAuthorised
from xray_ci.probe import shapes, table
from xray_ci.probe.asking import NO_TOKEN, NOBODY, Short, document, listed, member, raw
from xray_ci.secret import Secret
from xray_ci.services.auth import Basic, Bearer, OAuth1
from xray_ci.services.verdict import Asked, failure, names_other_region
from xray_ci.services.wire import Answered, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.errors import Failure
    from xray_ci.probe.asking import Asking, Reply
    from xray_ci.services.wire import Answer, Outcome

Seen = dict[str, Any]

_NOWHERE: Final = "XRAYCIPROBE"
"""A project that no site has."""
_XRAY_TYPE: Final = "com.xpandit.plugins.xray:"


class ReadOnly(NamedTuple):
    """One request that reads, and the fact that its answer shows."""

    fact: str
    on: str
    """`cloud`, `server` or `both`."""
    service: str
    """`xray` or `jira`."""
    path: str
    """`{project}` is the sandbox; a query may follow."""
    look: Callable[[Answer], Seen] = shapes.seen
    method: str = "GET"
    body: Any = None
    anonymous: bool = False


def status(outcome: Answer) -> Seen:
    """Look at nothing but the status."""
    return {"status": outcome.status}


def first(*place: str | int) -> Callable[[Answer], Seen]:
    """Look at one part of the document."""

    def look(outcome: Answer) -> Seen:
        held = member(outcome, *place)
        if place[-1] == 0 and member(outcome, *place[:-1]) == []:
            raise Short("the site has none of it")
        return {**status(outcome), "body": shapes.shape(held)}

    return look


def _server_info(outcome: Answer) -> Seen:
    said = outcome.json
    return {**shapes.seen(outcome), "version": shapes.version(member(said, "version"))}


def _sentence(outcome: Answer) -> Seen:
    """Look at the one sentence of Jira's refusal."""
    return {**status(outcome), "says": shapes.words(str(_errors(outcome)))}


def _errors(outcome: Answer) -> Any:
    return member(outcome, "errorMessages", 0)


def _fields(outcome: Answer) -> Seen:
    held = outcome.json if isinstance(outcome.json, list) else []
    own = [each for each in held if str(member(each, "schema", "custom") or "").startswith(_XRAY_TYPE)]
    named = {name: [e for e in held if member(e, "name") == name] for name in ("Begin Date", "End Date", "Revision")}
    return {
        "plan": any(str(member(e, "schema", "custom")).endswith("test-plan-custom-field") for e in own),
        "environments": any(str(member(e, "schema", "custom")).endswith("test-environments-custom-field") for e in own),
        "by_name": [name for name, found in named.items() if found],
    }


def _asked(outcome: Answer) -> Seen:
    return {"asked": outcome.status == 400}  # noqa: PLR2004  # the status is the fact


READS: Final = (
    ReadOnly("jira-server-info", "both", "jira", "/serverInfo", _server_info, anonymous=True),
    ReadOnly("jira-myself", "both", "jira", "/myself"),
    ReadOnly("jira-fields", "both", "jira", "/field", first(0)),
    ReadOnly("jira-xray-fields", "server", "jira", "/field", _fields),
    ReadOnly("jira-project", "both", "jira", "/project/{project}"),
    ReadOnly("jira-project-unknown", "both", "jira", f"/project/{_NOWHERE}"),
    ReadOnly("jira-versions", "both", "jira", "/project/{project}/versions", first(0)),
    ReadOnly("jira-version-unknown", "both", "jira", "/version/1", status),
    ReadOnly("jira-types", "both", "jira", "/issuetype", first(0)),
    ReadOnly("jira-type-unknown", "both", "jira", "/issuetype/1999999999", status),
    ReadOnly("jira-lists", "both", "jira", "/priority", first(0)),
    ReadOnly("jira-link-types", "both", "jira", "/issueLinkType", first("issueLinkTypes", 0)),
    ReadOnly("jira-createmeta-cloud", "cloud", "jira", "/issue/createmeta/{project}/issuetypes"),
    ReadOnly("jira-createmeta-server", "server", "jira", "/issue/createmeta/{project}/issuetypes"),
    ReadOnly("jira-createmeta-old", "cloud", "jira", "/issue/createmeta?projectKeys={project}", status),
    ReadOnly("jira-permissions", "both", "jira", "/mypermissions?projectKey={project}&permissions=CREATE_ISSUES"),
    ReadOnly("jira-permissions-asked", "both", "jira", "/mypermissions?projectKey={project}", _asked),
    ReadOnly("jira-permission-unknown", "both", "jira", "/mypermissions?permissions=XRAYCI_PROBE", status),
    ReadOnly("jira-search-removed", "cloud", "jira", "/search?jql=project%3D{project}&maxResults=1", _sentence),
    ReadOnly("jira-search-unbounded", "cloud", "jira", "/search/jql?jql=order%20by%20created", status),
    ReadOnly(
        "jira-search-cloud",
        "cloud",
        "jira",
        "/rest/api/3/search/jql?jql=project%3D{project}&fields=summary&maxResults=1",
    ),
    ReadOnly(
        "jira-search-ids",
        "cloud",
        "jira",
        "/rest/api/3/search/jql?jql=project%3D{project}&maxResults=1",
        first("issues", 0),
    ),
    ReadOnly("jira-search-server", "server", "jira", "/search?jql=project%3D{project}&fields=summary&maxResults=1"),
    ReadOnly("jira-issue-unknown-cloud", "cloud", "jira", f"/issue/{_NOWHERE}-1", _sentence),
    ReadOnly("jira-issue-unknown-server", "server", "jira", f"/issue/{_NOWHERE}-1", _sentence),
    ReadOnly("jira-attachment-unknown", "both", "jira", "/attachment/1999999999", status),
    ReadOnly("jira-filters", "both", "jira", "/filter/1999999999", status),
    ReadOnly("jira-path-unknown", "both", "jira", "/rest/xrayciprobe/1.0/nothing", status),
    ReadOnly("jira-tenant", "cloud", "jira", "/_edge/tenant_info", anonymous=True),
    ReadOnly("jira-null", "cloud", "jira", "/rest/raven/2.0/api/testruns", anonymous=True),
    ReadOnly("cloud-attachments-unknown", "cloud", "xray", "/attachments/00000000-0000-4000-8000-000000000000", status),
    ReadOnly("cloud-bulk-unknown", "cloud", "xray", "/import/test/bulk/" + "0" * 32 + "/status"),
    ReadOnly("xray-export-nothing", "cloud", "xray", f"/export/cucumber?keys={_NOWHERE}-1", status),
    ReadOnly("xray-export-nothing", "server", "xray", f"/export/test?keys={_NOWHERE}-1&fz=true", status),
    ReadOnly(
        "cloud-method-unknown",
        "cloud",
        "xray",
        "/import/execution",
        lambda out: {**status(out), "body": "page" if out.is_page else "other"},
    ),
    ReadOnly("server-method-unknown", "server", "xray", "/import/execution", status),
    ReadOnly("server-api-path", "server", "xray", "/settings/teststatuses", status),
    ReadOnly("server-statuses", "server", "xray", "/rest/raven/1.0/api/settings/teststatuses", first(0)),
    ReadOnly("server-step-statuses", "server", "xray", "/rest/raven/1.0/api/settings/teststepstatuses", first(0)),
    ReadOnly("server-run-fields", "server", "xray", "/api/project/{project}/settings/customfields/testruns", status),
    ReadOnly("server-execution-unknown", "server", "xray", f"/api/testexec/{_NOWHERE}-1/test"),
    ReadOnly("server-unknown", "server", "xray", f"/api/testplan/{_NOWHERE}-1/test", status),
    ReadOnly("server-runs-wanted", "server", "xray", "/api/testruns", status),
    ReadOnly("server-jql", "server", "xray", "/api/test?jql=nothing%20here", status),
    ReadOnly("server-repository", "server", "xray", "/api/testrepository/{project}/folders"),
)


def single(asking: Asking, wanted: frozenset[str]) -> Iterator[tuple[str, Seen]]:
    """Send the requests of READS whose facts are wanted, and yield what each showed."""
    for row in READS:
        if row.fact in wanted and row.on in (asking.deployment, "both"):
            yield row.fact, row.look(_sent(asking, row))


def _sent(asking: Asking, row: ReadOnly) -> Answer:
    more: dict[str, Any] = {"auth": None} if row.anonymous else {}
    path = row.path.format(project=quote(asking.project))
    if row.service == "jira":
        if path.startswith(("/rest/raven", "/_edge")) and asking.jira is not None:
            return asking.call(row.method, asking.jira + path)
        return asking.issue(row.method, path, row.body, **more)
    return asking.rest(row.method, path, row.body, **more)


def compared(method: str, url: str, outcome: Answered, deployment: str) -> dict[str, bool]:
    """Return by id whether the facts hold that an answer shows which somebody else asked for, as `check` does."""
    known = table.facts()
    try:
        return {
            name: known[name].holds(shapes.clean(seen), deployment)
            for name, seen in _recognised(method, url, outcome, deployment)
        }
    except Short:
        return {}


def _recognised(method: str, url: str, outcome: Answered, deployment: str) -> Iterator[tuple[str, Seen]]:
    place = urlsplit(url).path
    for row in READS:
        path = row.path.partition("?")[0]
        if "?" in row.path or row.method != method or row.on not in (deployment, "both"):
            continue
        pattern = re.escape(path).replace(re.escape("{project}"), "[^/]+")
        root = r"/rest/(?:api|raven)/[\w.]+|/api/v\d" if not path.startswith("/rest/") else ""
        if re.search(f"(?:{root}){pattern}$", place):
            yield row.fact, row.look(outcome)


# Xray Cloud: who may ask


def logins(asking: Asking, client_id: Secret, client_secret: Secret) -> Iterator[tuple[str, Seen]]:
    """Ask for tokens with what is right and what is wrong."""
    place = f"{asking.xray}/api/v2/authenticate"

    def sent(body: Any) -> Answer:
        return asking.call("POST", place, body, kind=CallKind.AUTHENTICATE)

    right = {"client_id": client_id.reveal(), "client_secret": client_secret.reveal()}
    yield "cloud-authenticate", shapes.seen(sent(right))
    wrong = {"client_id": "0" * 32, "client_secret": "xrayci-probe"}
    yield "cloud-authenticate-wrong", shapes.seen(sent(wrong))
    outcome = sent({})
    plain = outcome.json is None and not outcome.is_page
    yield "cloud-authenticate-incomplete", {**status(outcome), "plain": plain}
    form = "&".join(f"{name}={quote(text, safe='')}" for name, text in right.items())
    yield "cloud-authenticate-form", status(sent(raw("application/x-www-form-urlencoded", form.encode())))


def tokens(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Send tokens that are none."""
    query = {"query": "{ getStatuses { name } }"}
    place = f"{asking.xray}/api/v2/graphql"
    yield "cloud-token-malformed", shapes.seen(asking.call("POST", place, query, auth=NO_TOKEN, kind=CallKind.READ))
    parts = ({"alg": "HS256", "typ": "JWT"}, {"aud": "0", "exp": 4_000_000_000, "iat": 1, "sub": "0", "tenant": "0"})
    head = ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts)
    forged = Bearer(token=Secret(f"{head}.{'A' * 43}"))
    yield "cloud-token-forged", shapes.seen(asking.call("POST", place, query, auth=forged, kind=CallKind.READ))


# GraphQL


class Document(NamedTuple):
    """One document that reads, and the fact that its answer shows."""

    fact: str
    query: str
    look: Callable[[Answer], Seen] = shapes.seen


def _errored(outcome: Answer) -> Seen:
    """Look at how a document was refused: the status, whether there is data or a path, and the words."""
    held = outcome.json
    said = member(held, "errors", 0)
    return {
        **status(outcome),
        "data": isinstance(held, dict) and "data" in held,
        "path": member(said, "path") is not None,
        "says": shapes.words(str(member(said, "message") or "")),
    }


def _refused(outcome: Answer) -> Seen:
    """Look whether a document was refused, and with which status."""
    return {**status(outcome), "refused": bool(member(outcome, "errors"))}


def _data(*place: str | int) -> Callable[[Answer], Seen]:
    return first("data", *place)


def _coverage(outcome: Answer) -> Seen:
    held = {str(member(e, "name")): member(e, "coverageStatus") for e in listed(outcome, "data", "getStatuses")}
    return {word: shapes.words(str(held.get(word))) for word in ("PASSED", "FAILED", "TO DO")}


_OLD: Final = 'project = <project> and created < \\"2000-01-01\\"'
"""JQL that finds nothing: what a document may ask for is weighed before."""
DOCUMENTS: Final = (
    Document(
        "graphql-answer",
        '{ getTests(limit: 1) { total results { issueId jira(fields: ["key"]) } } }',
        _data("getTests"),
    ),
    Document("graphql-invalid", "{ getNothing }", _errored),
    Document("graphql-resolver", f'{{ getProjectSettings(projectIdOrKey: "{_NOWHERE}") {{ projectId }} }}', _errored),
    Document("graphql-limit-needed", "{ getTests { total } }", _refused),
    Document("graphql-limit", "{ getTests(limit: 101) { total } }", _refused),
    Document(
        "graphql-cost",
        f'{{ getTestExecutions(jql: "{_OLD}", limit: 100) {{ results {{ testRuns(limit: 100) {{ total }} }} }} }}',
        _refused,
    ),
    Document(
        "graphql-cost-refused",
        f'{{ getTestPlans(jql: "{_OLD}", limit: 100) {{ results {{ testExecutions(limit: 100) {{ results {{ '
        "testRuns(limit: 100) { total } } } } } }",
        _refused,
    ),
    Document(
        "graphql-resolvers", "{ " + " ".join(f"s{n}: getIssueLinkTypes {{ id }}" for n in range(26)) + " }", _refused
    ),
    Document("graphql-jql-unknown", f'{{ getTests(jql: "key = {_NOWHERE}-1", limit: 1) {{ total }} }}', _errored),
    Document("graphql-introspection", "{ __schema { queryType { name } } }"),
    Document(
        "graphql-statuses", "{ getStatuses { name description final color coverageStatus } }", _data("getStatuses", 0)
    ),
    Document("graphql-status-unknown", '{ getStatus(name: "XRAYCI PROBE") { name } }', _data("getStatus")),
    Document(
        "graphql-step-statuses", "{ getStepStatuses { name color testStatus { name } } }", _data("getStepStatuses", 0)
    ),
    Document("graphql-coverage", "{ getStatuses { name coverageStatus } }", _coverage),
    Document(
        "graphql-settings",
        '{ getProjectSettings(projectIdOrKey: "<project>") { projectId testEnvironments '
        "testTypeSettings { testTypes { id name kind } } } }",
        _data("getProjectSettings"),
    ),
    Document("graphql-link-types", "{ getIssueLinkTypes { id name } }", _data("getIssueLinkTypes", 0)),
    Document("graphql-issue-unknown", '{ getTestExecution(issueId: "1") { issueId } }', _data("getTestExecution")),
    Document(
        "graphql-other-type",
        '{ getTestPlans(jql: "project = <project> and issuetype = Test", limit: 1) { total } }',
        lambda out: {**status(out), "total": member(out, "data", "getTestPlans", "total")},
    ),
)
BROKEN: Final = (
    Document("graphql-scalar", 'mutation { updateTestRunStatus(id: "0", status: "PASSED") { warnings } }', _errored),
    Document(
        "graphql-warning", 'mutation { addTestsToTestPlan(issueId: "0", testIssueIds: []) { warnings } }', _errored
    ),
)
"""Mutations that break the schema: nothing of them can be done, and only `--write` tries."""


def documents(asking: Asking, wanted: frozenset[str]) -> Iterator[tuple[str, Seen]]:
    """Send the documents whose facts are wanted, and yield what each showed."""
    for row in (*DOCUMENTS, *BROKEN):
        if row.fact in wanted:
            yield row.fact, row.look(asking.graphql(row.query.replace("<project>", asking.project)))


def older(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Send a document to the older path, and a body without one."""
    place, query = f"{asking.xray}/api/v1/graphql", {"query": "{ getStatuses { name } }"}
    yield "graphql-v1", status(asking.call("POST", place, query, auth=asking.auth, kind=CallKind.READ))
    place = f"{asking.xray}/api/v2/graphql"
    yield "graphql-empty", status(asking.call("POST", place, {"nothing": 1}, auth=asking.auth, kind=CallKind.READ))


def many(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Ask for the Tests of the project by JQL, where there are more than 100."""
    settings = asking.data(
        "query($p: String) { getProjectSettings(projectIdOrKey: $p) { projectId } }", p=asking.project
    )
    number = member(settings, "getProjectSettings", "projectId")
    held = asking.data("query($p: String) { getTests(projectId: $p, limit: 1) { total } }", p=number)
    total = member(held, "getTests", "total")
    if not isinstance(total, int) or total <= 100:  # noqa: PLR2004  # the number is the fact
        raise Short("the project has no more than 100 Tests")
    query = f'{{ getTests(jql: "project = {asking.project} and issuetype = Test", limit: 100) {{ total }} }}'
    yield "graphql-jql-many", _refused(asking.graphql(query))


# Jira, and who may ask Server


def jira_more(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Ask what takes more than one look."""
    info = asking.issue("GET", "/serverInfo", auth=None)
    word = {"cloud": "Cloud", "server": "Server"}[asking.deployment]
    yield "jira-deployment", {"fits": member(info, "deploymentType") == word}
    search = "/search/jql" if asking.cloud else "/search"
    unknown = asking.issue("GET", f"{search}?jql=project%3D{_NOWHERE}&fields=summary")
    yield "jira-search-unknown", _sentence(unknown)
    number = asking.issue("GET", f"{search}?jql=project%3D{asking.project}&maxResults=few")
    yield "jira-search-number", status(number)
    listed = asking.issue("GET", f"{search}?jql=project%3D{asking.project}&fields=summary&maxResults=1")
    key = member(document(listed), "issues", 0, "key")
    if isinstance(key, str):
        yield "jira-issue", shapes.seen(asking.issue("GET", f"/issue/{quote(key, safe='')}?fields=summary"))


def jira_refusal(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Ask as somebody who is not there."""
    yield "jira-refused", shapes.seen(asking.issue("GET", "/myself", auth=NO_TOKEN))


def server_logins(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Ask as nobody, and with a user's name that is nobody's: one failed login, which locks no person's."""
    outcome = asking.rest("GET", "/api/xraylicense", auth=None)
    yield "server-anonymous", status(outcome)
    named = asking.issue("GET", "/myself", auth=NOBODY)
    off = named.status == 403 and "disabled" in str(member(named, "message"))  # noqa: PLR2004
    yield "server-basic", {"switched_off": off}


_LOGINS: Final = 10
"""Failed logins after which nobody waits for a CAPTCHA any more; Jira asks after three by default (D)."""


def captcha(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Fail to log in as this user until Jira asks for a CAPTCHA, which only a browser can answer; raises Short."""
    login = asking.auth
    if not isinstance(login, Basic):
        raise Short("this login is no user name with a password")
    wrong = Basic(user=login.user, password=Secret("xrayci-probe"))
    for count in range(_LOGINS + 1):
        outcome = asking.issue("GET", "/myself", auth=wrong)
        if "captcha" in outcome.headers.get("x-authentication-denied-reason", "").lower():
            yield "server-captcha", {"asked": True, **status(outcome), "after": count}
            return
    yield "server-captcha", {"asked": False}


_TIMES: Final = (60, 120, 300, 600, 1800, 3600, 86400)
"""Seconds that a signed request is off the site's clock, from little to much."""
_TRAVEL: Final = 10
"""Seconds by which it is less off than that: a request may be on its way so long."""
_DATE: Final = len("Tue, 10 Mar 2026 02:30:10 GMT")
"""Characters of one date: what stands in front of a site may have sent its own before."""


def signed(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Sign with a token that is none, and with times that are off the site's own clock; raises Short elsewhere."""
    login = asking.auth
    if not isinstance(login, OAuth1):
        raise Short("this login is not OAuth 1.0a")
    taken = asking.issue("GET", "/myself")
    wrong = asking.issue("GET", "/myself", auth=login.altered(token=Secret("xrayci-probe")))
    said = wrong.headers.get("www-authenticate", "") + wrong.text
    yield ("server-oauth", {"taken": isinstance(taken, Answered), **status(wrong), "named": "oauth_problem" in said})
    moment = _moment(taken)
    if not isinstance(taken, Answered) or moment is None:
        raise Short("the site does not say what time it is")

    def is_taken(off: int) -> bool:
        late = login.altered(moment=moment - off + _TRAVEL)
        return isinstance(asking.issue("GET", "/myself", auth=late), Answered)

    borders = [0, *_TIMES]
    low, high = 0, len(_TIMES)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_taken(borders[middle]) else (low, middle - 1)
    looked = low < len(_TIMES)
    yield "server-oauth-window", {"looked": looked, **({"seconds": borders[low]} if looked and low else {})}


def _moment(outcome: Answer) -> int | None:
    """Return the second at which a site answered, by its own clock; None where it does not say."""
    try:
        return int(parsedate_to_datetime(outcome.headers.get("date", "")[-_DATE:]).timestamp())
    except (ValueError, OverflowError):
        return None


def language(asking: Asking) -> Iterator[tuple[str, Seen]]:
    """Look in which language Jira says that an issue is not there."""
    yield "server-language", _sentence(asking.issue("GET", f"/issue/{_NOWHERE}-2"))


# What has to hold before anything can be asked: each is a fact, and where one does not hold no other is probed

_FORBIDDEN = 403
_UNAUTHORISED = 401
_NOT_FOUND = 404


class Closed(Exception):
    """Ends the probe: a gate is closed. `why` is in words of ours; `failure` is what the command ends with."""

    def __init__(self, why: str, failure: Failure) -> None:
        super().__init__(why)
        self.failure = failure


def of_cloud(asking: Asking, client_id: Secret, client_secret: Secret) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the gates of Xray Cloud; raises Closed."""
    url = f"{asking.xray}/api/v2/authenticate"
    body = {"client_id": client_id.reveal(), "client_secret": client_secret.reveal()}
    outcome = asking.call("POST", url, body, kind=CallKind.AUTHENTICATE)
    yield from _gateway(outcome, asking, url)
    licensed = not (outcome.status == _UNAUTHORISED and outcome.json is None)
    yield "cloud-licence", {"valid": licensed}
    if not isinstance(outcome, Answered):
        why = "no token is given out" if licensed else "the licence is not valid"
        raise Closed(why, _failed(outcome, asking, url))
    url = f"{asking.xray}/api/v2/graphql"
    outcome = asking.graphql("{ getStatuses { name } }")
    elsewhere = outcome.status == _UNAUTHORISED and names_other_region(outcome)
    yield "cloud-region", {"elsewhere": elsewhere}
    if not isinstance(outcome, Answered):
        why = "the data of the site is in another region" if elsewhere else "the token is refused"
        raise Closed(why, _failed(outcome, asking, url))


def of_server(asking: Asking) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the gates of Xray Server/Data Center; raises Closed."""
    url = f"{asking.xray}/rest/raven/latest/api/xraylicense"
    outcome = asking.call("GET", url, auth=asking.auth)
    yield from _gateway(outcome, asking, url)
    there = outcome.status != _NOT_FOUND
    yield "server-installed", {"there": there}
    if not isinstance(outcome, Answered):
        raise Closed("the credentials are refused" if there else "Xray is not there", _failed(outcome, asking, url))
    active = member(outcome, "active") is True
    kind = "text" if isinstance(member(outcome, "licenseType"), str) else "other"
    yield "server-licence", {"active": active, "kind": kind}
    if not active:
        raise Closed("the licence is not valid", NotAuthorised("the licence of Xray is not valid", where="jira-url"))


def _gateway(outcome: Reply, asking: Asking, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    refused = outcome.status == _FORBIDDEN and outcome.is_page
    yield "xray-gateway", {"refused": refused}
    if refused:
        raise Closed("something in front of the site refuses", _failed(outcome, asking, url))


def _failed(outcome: Outcome, asking: Asking, url: str) -> Failure:
    service, setting = ("Xray Cloud", "xray-url") if asking.cloud else ("Xray Server/Data Center", "jira-url")
    return failure(outcome, Asked(kind=CallKind.READ, service=service, setting=setting, url=url))
