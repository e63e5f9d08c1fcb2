"""A call of curl to Xray → what it says: where, which report, which issues, who. Both deployments, plain and multipart.

The endpoints, query names and part names are those of the vendor's reference (D). Knows no shell and no file format.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote_plus

from xray_ci.migrate.step import quoted
from xray_ci.settings.config import SAME
from xray_ci.settings.table import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.migrate.step import MigratedStep

_VALUED: Final = frozenset(
    {
        "header",
        "data",
        "data-binary",
        "data-raw",
        "data-ascii",
        "data-urlencode",
        "json",
        "form",
        "form-string",
        "user",
        "upload-file",
        "request",
        "url",
        "output",
        "max-time",
        "connect-timeout",
        "write-out",
        "proxy",
        "cacert",
        "cert",
        "key",
        "retry",
        "retry-delay",
        "retry-max-time",
        "user-agent",
        "referer",
        "cookie",
        "cookie-jar",
        "config",
        "resolve",
        "oauth2-bearer",
        "noproxy",
        "capath",
        "connect-to",
        "interface",
        "limit-rate",
        "stderr",
        "trace",
        "trace-ascii",
        "proxy-user",
        "netrc-file",
        "dump-header",
    }
)
_SHORT: Final = {
    "H": "header",
    "d": "data",
    "F": "form",
    "u": "user",
    "T": "upload-file",
    "X": "request",
    "o": "output",
    "m": "max-time",
    "w": "write-out",
    "x": "proxy",
    "E": "cert",
    "A": "user-agent",
    "e": "referer",
    "b": "cookie",
    "c": "cookie-jar",
    "K": "config",
    "U": "proxy-user",
    "D": "dump-header",
    "k": "insecure",
}
_IMPORT: Final = re.compile(
    r"^(?P<base>.*?)(?P<root>/api/v[12]|/rest/raven/[^/]{1,10}(?:/api)?)?/import/execution(?:/(?P<format>[a-z0-9]{1,20}))?"
    r"(?P<multipart>/multipart)?/?(?:\?(?P<query>.*))?$",
    re.DOTALL,
)
_LOGIN: Final = re.compile(r"/authenticate/?$")
_KEY: Final = {
    name: re.compile(rf"{name}[\"']?\s*[:=]\s*[\"']?([^\"',&}}\s]+)") for name in ("client_id", "client_secret")
}
_ISSUES: Final = {
    **{name: SAME[name] for name in ("testExecKey", "projectKey", "testPlanKey", "testEnvironments", "fixVersion")},
    "revision": "revision",
}
_REPORT_PARTS: Final = ("file", "results", "result")
_TAKEN: Final = {
    "cacert": "ca-bundle",
    "key": "client-key",
    "max-time": "timeout",
    "connect-timeout": "connect-timeout",
}
_WHY_LEFT: Final = {
    "insecure": "certificates are always checked; a private authority goes into `ca-bundle`",
    "retry": "what is repeated depends on what is safe; see `time-budget`",
    "proxy": "set the usual variable HTTPS_PROXY",
    "output": "what the run made is in its outputs and in `result-file`",
    "write-out": "what the run made is in its outputs and in `result-file`",
    "config": "the file is not read; what it sets must be set here",
}
_OURS: Final = frozenset(
    {"authorization", "content-type", "accept", "expect", "x-atlassian-token", "user-agent", "content-length"}
)
_BODIES: Final = ("data", "data-binary", "data-raw", "data-ascii", "data-urlencode", "json")


class CurlCall(NamedTuple):
    """One call: its options by long name, in order, and its address."""

    url: str
    options: tuple[tuple[str, str], ...]

    def all(self, *names: str) -> list[str]:
        """Return the values of these options."""
        return [value for name, value in self.options if name in names]


def call(words: tuple[str, ...]) -> CurlCall | None:
    """Return the call a command makes, None when it is not one of curl."""
    start = next((at for at, word in enumerate(words) if re.fullmatch(r"(.*/)?curl(\.exe)?", word)), None)
    if start is None:
        return None
    urls: list[str] = []
    options: list[tuple[str, str]] = []
    rest = list(reversed(words[start + 1 :]))
    while rest:
        word = rest.pop()
        if word.startswith("--") and len(word) > 2:  # noqa: PLR2004  # the two dashes
            name, sign, value = word[2:].partition("=")
            options.append((name, value if sign else rest.pop() if name in _VALUED and rest else ""))
        elif word.startswith("-") and len(word) > 1:
            options += _cluster(word[1:], rest)
        else:
            urls.append(word)
    urls += [value for name, value in options if name == "url"]
    return CurlCall(next((url for url in urls if "/" in url), ""), tuple(options))


def _cluster(letters: str, rest: list[str]) -> list[tuple[str, str]]:
    """Read short options: switches, and at the end one with a value, which may be joined to it."""
    found: list[tuple[str, str]] = []
    for at, letter in enumerate(letters):
        name = _SHORT.get(letter, letter)
        if name in _VALUED:
            return [*found, (name, letters[at + 1 :] or (rest.pop() if rest else ""))]
        found.append((name, ""))
    return found


def login(made: CurlCall) -> dict[str, str] | None:
    """Return the halves of an API key with which a call logs in to Xray Cloud, None for another call.

    Empty: not to be seen.
    """
    if not _LOGIN.search(made.url.partition("?")[0]):
        return None
    body = "&".join(made.all(*_BODIES))
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, dict):
        return {name: str(read.get(name, "")) for name in _KEY}
    return {name: found[1] if (found := pattern.search(body[:10_000])) else "" for name, pattern in _KEY.items()}


def imports(made: CurlCall) -> re.Match[str] | None:
    """Return the parts of an import's address, None for another call."""
    return _IMPORT.match(made.url)


def is_cloud(parts: re.Match[str], *, logged_in: bool) -> bool:
    """Say which product an address belongs to; where it does not show, a login before it decides."""
    return not parts["root"].startswith("/rest/") if parts["root"] else logged_in


def translate(
    made: CurlCall,
    parts: re.Match[str],
    step: MigratedStep,
    *,
    cloud: bool,
    key: dict[str, str] | None,
    written: Mapping[str, str],
) -> None:
    """Fill a step with what an import call says.

    `key` is what an earlier login sent, `written` the texts of files that the script itself writes.
    """
    step.address(parts["base"], "the address", cloud=cloud)
    _report(made, parts, step, written)
    for pair in (parts["query"] or "").split("&"):
        name, _, value = pair.partition("=")
        if name in _ISSUES:
            step.put(_ISSUES[name], unquote_plus(value), f"`{name}` of the query")
        elif name:
            step.leave(f"{quoted(name)} of the query", "Xray does not know it")
    if cloud:
        for half, name in (("client_id", "client-id"), ("client_secret", "client-secret")):
            step.secret(name, (key or {}).get(half, ""), f"`{half}` of the login")
    else:
        _credentials(made, step)
    _transfer(made, step)
    step.finish(cloud=cloud)


def _report(made: CurlCall, parts: re.Match[str], step: MigratedStep, written: Mapping[str, str]) -> None:
    format_ = parts["format"]
    if format_ in ("multipart", None):
        step.put("format", "xray-json", "the endpoint")
    elif format_ in FORMATS:
        step.put("format", format_, "the endpoint")
    else:
        step.leave("the endpoint", "no such format is known; the content of the files decides")
    files = [value[1:] for value in made.all(*_BODIES) if value.startswith("@")] + made.all("upload-file")
    for form in made.all("form", "form-string"):
        name, _, value = form.partition("=")
        path = value[1:].partition(";")[0].strip('"') if value[:1] in ("@", "<") else None
        if name in _REPORT_PARTS and path:
            files.append(path)
        elif name == "info":
            info(written.get(path.removeprefix("./"), "") if path else value, step, "the part `info`")
        elif name == "testInfo":
            step.leave("the part `testInfo`", "put what its `fields` hold into `test-fields`")
        else:
            step.leave(
                f"the part {quoted(name)} of the form", "Xray does not read it there; issues are named in the query"
            )
    if files:
        step.put("reports", "\n".join(files), "the file that is sent")


def info(text: str, step: MigratedStep, was: str) -> None:
    """Read the JSON of a multipart import: fields of the Test Execution."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    fields = read.get("fields") if isinstance(read, dict) else None
    if not isinstance(read, dict) or not isinstance(fields, dict):
        step.leave(
            was,
            "what it holds is not known here. The project is in it: set `project`, without which nothing can be "
            "created; put other `fields` into `fields`; summary, Test Plan and Test Environments have settings of "
            "their own",
        )
        return
    if fields.pop("issuetype", None):
        step.notes.append(f"{was}, `issuetype`, is not needed: a Test Execution is what is made.")
    project = fields.pop("project", None)
    if isinstance(project, dict) and isinstance(project.get("key"), str):
        step.put("project", project["key"], f"{was}, the project,")
    elif project is not None:
        step.leave(f"{was}, the project", "it is no key; set `project`")
    for name in ("summary", "description"):
        if isinstance(value := fields.pop(name, None), str):
            step.put(name, value.replace("{", "{{").replace("}", "}}"), f"{was}, the {name},")
    labels = fields.pop("labels", None)
    if isinstance(labels, list):
        step.put("labels", "\n".join(map(str, labels)), f"{was}, the labels,")
    if fields:
        step.put("fields", json.dumps(fields, ensure_ascii=False), f"{was}, other fields,")
    extra: Any = read.get("xrayFields")
    for key, name in (("testPlanKey", "test-plan"), ("environments", "test-environments")):
        value = extra.get(key) if isinstance(extra, dict) else None
        if value:
            step.put(name, "\n".join(map(str, value)) if isinstance(value, list) else str(value), f"{was}, `{key}`,")


def _credentials(made: CurlCall, step: MigratedStep) -> None:
    for value in made.all("user"):
        name, sign, password = value.partition(":")
        if sign:
            step.user(name, "the user")
            step.secret("jira-password", password, "the password")
        else:
            step.secret("jira-password", step.refs.computed(), "the user with the password")
    for header in made.all("header"):
        name, _, value = header.partition(":")
        scheme, _, token = value.strip().partition(" ")
        if name.strip().lower() != "authorization":
            continue
        if scheme.lower() == "bearer":
            step.secret("jira-token", token, "the token")
        elif scheme.lower() == "basic":
            step.redactor.register(token)
            step.secret("jira-password", step.refs.computed(), "the encoded user and password")
        else:
            step.secret("jira-token", step.refs.computed(), "the header of the login")
    for token in made.all("oauth2-bearer"):
        step.secret("jira-token", token, "the token")


def _transfer(made: CurlCall, step: MigratedStep) -> None:
    for header in made.all("header"):
        if (name := header.partition(":")[0].strip()).lower() not in _OURS:
            step.leave(f"the header {quoted(name)}", "store its line `Name: value` as a secret and set `http-headers`")
    for name, value in made.options:
        if name in _TAKEN:
            step.put(_TAKEN[name], value, f"`{name}` of curl")
        elif name == "cert":
            path, sign, password = value.partition(":")
            step.put("client-certificate", path, "`cert` of curl")
            if sign:
                step.redactor.register(password)
                step.leave("the password of the certificate", "give the key without one in `client-key`")
        elif name in _WHY_LEFT:
            step.leave(f"`{name}` of curl", _WHY_LEFT[name])
