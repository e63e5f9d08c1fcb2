"""Which settings a command needs, and which cannot work together; each rule is one function over all values.

Knows what INTERFACE refuses and why. Sees values after parsing; a value that could not be read takes part as given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xray_ci.errors import DOCS
from xray_ci.patterns import lazy
from xray_ci.settings import texts
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.problems import CONFLICT, MISSING, problem, shown
from xray_ci.settings.table import API_VERSIONS, BY_NAME, PREVIOUS, ROWS
from xray_ci.settings.values import by_name, is_on, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xray_ci.errors import ConfigurationError

_JSON_FORMATS: Final = frozenset({"cucumber", "cucumber-json", "behave", "behave-json"})
_OAUTH: Final = ("oauth-consumer-key", "oauth-token", "oauth-private-key")
_SIGNING: Final = ("client-secret", "jira-token", "jira-password", "oauth-private-key", "snapshot-api-key")


class Chosen(NamedTuple):
    """All values by setting name, and where those that somebody set come from."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    command: str
    withheld: bool = False
    """Whether the CI system keeps secrets from this run."""
    cause: str = ""
    """Why, most likely, a secret is missing on this CI system."""

    def given(self, *names: str) -> bool:
        """Say whether all of these were set by somebody."""
        return all(name in self.origins for name in names)

    def where(self, *names: str) -> str:
        """Return the sources of these settings, for an error."""
        return ", ".join(f"{name} from {self.origins[name]}" for name in names if name in self.origins)

    @property
    def excused(self) -> bool:
        """Whether no secret is missed: there is none to sign a request with, and the run gets none, or only plans."""
        return (self.withheld or self.planning) and not any(map(self.given, _SIGNING))

    @property
    def planning(self) -> bool:
        """Whether the command writes nothing, so that it can do a part of its work without credentials."""
        return self.command == "plan" or (self.command == "import" and bool(self.values["dry-run"]))

    @property
    def talks(self) -> bool:
        """Whether a service is asked, as far as the configuration lets it."""
        return (self.planning or "credentials" in COMMANDS[self.command].needs) and not self.excused

    @property
    def deployment(self) -> str | None:
        """The product, as far as the configuration says."""
        return resolve(
            self.values["deployment"],
            has_cloud=self.given("client-id") or self.given("client-secret"),
            has_jira=any(map(self.given, ("jira-token", "jira-username", "jira-password", "oauth-token"))),
            has_jira_url=self.given("jira-url"),
        )


def check(chosen: Chosen) -> Iterator[ConfigurationError]:
    """Yield every missing setting and every combination that cannot work."""
    for rule in _RULES:
        yield from rule(chosen)


def notices(chosen: Chosen) -> Iterator[str]:
    """Yield what is ignored although it was set."""
    deployment = chosen.values["deployment"]
    if deployment == "server":
        for name in ("client-id", "client-secret", "region", "xray-url"):
            if chosen.given(name):
                yield f"{chosen.origins[name]} is ignored: Xray Server/Data Center has no `{name}`."
    if deployment == "cloud" and chosen.given("jira-password"):
        yield f"{chosen.origins['jira-password']} is ignored: Jira Cloud takes no password, only `jira-token`."
    if deployment == "cloud" and chosen.given("oauth-token"):
        yield f"{chosen.origins['oauth-token']} is ignored: OAuth 1.0a is of Jira Server/Data Center."
    if chosen.deployment == "cloud" and chosen.given("region", "xray-url"):
        yield f"{chosen.origins['region']} is ignored, because `xray-url` is set."
    yield from _matrix(chosen)
    for name in ("execution-scope", "execution-part", "shards", "on-rerun"):
        if chosen.given(name, "test-execution"):
            yield f"{chosen.origins[name]} is ignored: `test-execution` names the one that results go into."


def _matrix(chosen: Chosen) -> Iterator[str]:
    for name, context in (("github-matrix", "matrix"), ("github-strategy", "strategy")):
        if chosen.values[name] == "":
            yield f"{chosen.origins[name]} is ignored: it is no JSON object. Pass `${{{{ toJSON({context}) }}}}`."
    if chosen.values["shards"] in {("auto",), ("none",)}:
        return
    import json  # noqa: PLC0415  # only a run with names of keys pays

    known = json.loads(chosen.values["github-matrix"] or "{}")
    for key in chosen.values["shards"]:
        if key not in known:
            yield f"{chosen.origins['shards']} names {shown(key)}, which the matrix of this job does not have."


def _needs(chosen: Chosen) -> Iterator[ConfigurationError]:
    needs = COMMANDS[chosen.command].needs
    if "reports" in needs and not chosen.given("reports"):
        yield _missing("reports", _REPORTS)
    if chosen.excused:
        return
    if chosen.talks:
        yield from _credentials(chosen)
    targets = ("snapshots", "snapshot-urls", "snapshot-page-ids")
    if "snapshots" in needs and not any(map(chosen.given, targets)):
        yield problem(
            "There is no Snapshots target",
            "snapshots",
            MISSING,
            "Set `snapshot-page-ids` or `snapshot-urls` with `snapshot-api-key`, or `snapshots`.",
        )


_REPORTS: Final = (
    "Set `reports` to the files your tests write, for example `--reports '**/TEST-*.xml'`. `xray-ci --help` lists the "
    "commands; `xray-ci demo` shows the whole job without an account."
)


def _missing(name: str, advice: str) -> ConfigurationError:
    flag = "" if BY_NAME[name].secret else f"--{name}, "
    return problem(
        f"`{name}` is not set", f"{name} ({flag}INPUT_{name.upper()}, {BY_NAME[name].variable})", MISSING, advice
    )


def _credentials(chosen: Chosen) -> Iterator[ConfigurationError]:
    likely = f"\n{chosen.cause}" if chosen.cause else ""
    if chosen.deployment == "cloud":
        for name in ("client-id", "client-secret"):
            if not chosen.given(name):
                yield _missing(
                    name, f"Create an API key in Xray's settings, and store both halves as secrets of your CI.{likely}"
                )
    elif chosen.deployment == "server":
        if not any(map(chosen.given, ("jira-token", "jira-password", *_OAUTH))):
            yield _missing(
                "jira-token",
                "Set a personal access token, or `jira-username` with `jira-password`, or the three of `oauth-…`."
                f"{likely}",
            )
    elif not any(map(chosen.given, ("jira-token", "jira-username", "jira-password", "oauth-token"))):
        yield problem(
            "There are no credentials",
            ", ".join(f"{name} ({BY_NAME[name].variable})" for name in ("client-id", "client-secret", "jira-token")),
            MISSING,
            "Xray Cloud: set `client-id` and `client-secret`. Server/Data Center: set `jira-url` and "
            f"`jira-token`.{likely}",
        )
    elif not chosen.given("jira-url"):
        yield _missing(
            "jira-url",
            "With these credentials xray-ci needs Jira's base URL (Server/Data Center); "
            "for Xray Cloud set `client-id` and `client-secret`.",
        )


def _server(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.talks and chosen.values["deployment"] == "server" and not chosen.given("jira-url"):
        yield _missing("jira-url", "Xray Server/Data Center lives in Jira: set Jira's base URL with its context path.")


def _jira_credentials(chosen: Chosen) -> Iterator[ConfigurationError]:
    if (
        chosen.values["deployment"] == "auto"
        and chosen.given("jira-password")
        and (chosen.given("client-id") or chosen.given("client-secret"))
    ):
        yield problem(
            "There are credentials of Xray Cloud and of Jira Server/Data Center",
            chosen.where("client-id", "client-secret", "jira-password"),
            CONFLICT,
            "Set `deployment` to the one you mean, or remove the other credentials.",
        )
    if chosen.given("jira-token", "jira-password"):
        yield problem(
            "Both `jira-token` and `jira-password` are set",
            chosen.where("jira-token", "jira-password"),
            CONFLICT,
            "Keep one; a token is the better one.",
        )
    if chosen.given("jira-password") and not chosen.given("jira-username"):
        yield problem(
            "`jira-password` has no `jira-username`", chosen.where("jira-password"), MISSING, "Set `jira-username`."
        )
    if (
        chosen.given("jira-username")
        and not any(map(chosen.given, ("jira-password", "jira-token")))
        and not chosen.excused
    ):
        yield problem(
            "`jira-username` has neither `jira-password` nor `jira-token`",
            chosen.where("jira-username"),
            MISSING,
            "Set one of them.",
        )


def _oauth(chosen: Chosen) -> Iterator[ConfigurationError]:
    given = [name for name in _OAUTH if chosen.given(name)]
    missing = [name for name in _OAUTH if name not in given]
    if given and missing and not chosen.excused:
        yield problem(
            f"OAuth 1.0a needs {' and '.join(f'`{name}`' for name in missing)} too",
            chosen.where(*given),
            MISSING,
            "Set all three of oauth-consumer-key, oauth-token and oauth-private-key, or none.",
        )
    others = [name for name in ("jira-token", "jira-password") if chosen.given(name)]
    if chosen.values["deployment"] == "auto":
        others += [name for name in ("client-id", "client-secret") if chosen.given(name)]
    if given and others and chosen.values["deployment"] != "cloud":
        yield problem(
            f"Both OAuth 1.0a and `{others[0]}` are set",
            chosen.where(*given, *others),
            CONFLICT,
            "Keep one way of logging in, or set `deployment` where they are of two products.",
        )


def _plain_http(chosen: Chosen) -> Iterator[ConfigurationError]:
    for name in ("xray-url", "jira-url", "snapshots-url"):
        url = chosen.values[name]
        if url:
            yield from _one_plain(
                chosen, name, url, cloud=name == "xray-url" or (name == "jira-url" and chosen.deployment == "cloud")
            )
    for target in chosen.values["snapshots"]:
        if target.url is not None:
            yield from _one_plain(chosen, "snapshots", target.url.reveal(), cloud=False)
    for url in chosen.values["snapshot-urls"]:
        yield from _one_plain(chosen, "snapshot-urls", url.reveal(), cloud=False)


def _one_plain(chosen: Chosen, name: str, url: str, *, cloud: bool) -> Iterator[ConfigurationError]:
    if not texts.plain_abroad(url):
        return
    if cloud or texts.of_cloud(url):
        yield problem(
            f"`{name}` is plain http, and a cloud is never reached that way",
            chosen.origins.get(name, name),
            advice="Write https://.",
        )
    elif not chosen.values["allow-http"]:
        yield problem(
            f"`{name}` is plain http: everybody on the way can read the credentials",
            chosen.origins.get(name, name),
            advice="Write https://, or set `allow-http` if you accept that.",
        )


def _too_deep(chosen: Chosen) -> Iterator[ConfigurationError]:
    for name, deep in (("jira-url", _BELOW_JIRA), ("xray-url", _BELOW_XRAY)):
        url = chosen.values[name]
        found = deep.search(url) if url else None
        if found is not None:
            yield problem(
                f"`{name}` goes deeper than the base URL: {shown(found[0])} is a place below it",
                chosen.origins.get(name, name),
                advice=f"Write {url[: found.start()]}.",
            )


_BELOW_JIRA: Final = lazy(
    r"/(rest(/.*)?|(browse|projects)/[A-Z][A-Z0-9_]+(-[0-9]+)?(/.*)?|secure/.*\.jspa.*|plugins/servlet/.*|login\.jsp"
    r"|jira/(software|core|dashboards|for-you)(/.*)?)$|(?<=\.atlassian\.net)/(jira|wiki)(/.*)?$"
)
"""Places of Jira and of its API that people copy from a browser or a script, and the context path that Cloud has not.

Each is certain: a site may be at `/projects` or `/issues`.
"""
_BELOW_XRAY: Final = lazy(r"/api(/.*)?$")


def _api_version(chosen: Chosen) -> Iterator[ConfigurationError]:
    version, deployment = chosen.values["api-version"], chosen.deployment
    if version and deployment and version not in API_VERSIONS[deployment]:
        yield problem(
            f"`api-version` {version} is not one of the deployment `{deployment}`",
            chosen.where("api-version"),
            CONFLICT,
            f"It has {', '.join(API_VERSIONS[deployment])}.",
        )


def _only_new(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.given("test-fields", "test-execution") and chosen.values["strategy"] == "native":
        yield problem(
            "`test-fields` cannot be used with `strategy: native` and `test-execution`",
            chosen.where("test-fields", "strategy", "test-execution"),
            CONFLICT,
            "Native reports take them by the multipart import alone, which makes a new Test Execution of XML reports: "
            "leave `strategy` out, and Jira gives them afterwards.",
        )


def _several_versions(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.given("fix-version", "test-execution") and len(chosen.values["fix-version"]) > 1:
        yield problem(
            "Several of `fix-version` cannot be used with `test-execution`",
            chosen.where("fix-version", "test-execution"),
            CONFLICT,
            "Only what makes a Test Execution takes several: name one, and set the others in Jira.",
        )


def _native(chosen: Chosen) -> Iterator[ConfigurationError]:
    strategy, form = chosen.values["strategy"], chosen.values["format"]
    if chosen.given("test-fields") and strategy == "native" and form in _JSON_FORMATS | {"xray-json", "bundle"}:
        yield problem(
            f"A native import of {form} reports takes no `test-fields`",
            chosen.where("test-fields", "strategy", "format"),
            CONFLICT,
            "Set `strategy: convert`, and Jira gives them afterwards, or leave `test-fields` out.",
        )
    if strategy == "native" and form in {"behave", "behave-json"} and chosen.given("test-execution"):
        yield problem(
            f"A native import of {form} reports cannot go into an existing Test Execution",
            chosen.where("strategy", "format", "test-execution"),
            CONFLICT,
            "Set `strategy: convert`, or leave `test-execution` out.",
        )
    if form == "bundle" and (strategy == "convert" or chosen.deployment == "cloud"):
        yield problem(
            "`format: bundle` is an import of Xray Server/Data Center alone, sent as it is",
            chosen.where("format", "strategy", "deployment"),
            CONFLICT,
            "Name the format of the reports themselves, or leave it to `auto`.",
        )


def _sent_as_it_is(chosen: Chosen) -> Iterator[ConfigurationError]:
    """Refuse what a native import cannot do, because it sends the report itself."""
    if chosen.values["strategy"] != "native":
        return
    if chosen.values["scrub"]:
        yield problem(
            "`scrub` cannot be used with `strategy: native`: a report that is sent as it is keeps its texts",
            chosen.where("scrub", "strategy"),
            CONFLICT,
            "Set `strategy: convert`, or leave `scrub` out.",
        )
    if chosen.values["executions"] == "per-environment":
        yield problem(
            "`executions: per-environment` cannot be used with `strategy: native`: a report that is sent as it is goes "
            "into one Test Execution",
            chosen.where("executions", "strategy"),
            CONFLICT,
            "Set `strategy: convert`, or `executions` to `single` or `per-report`.",
        )


def _executions(chosen: Chosen) -> Iterator[ConfigurationError]:
    several = chosen.values["executions"]
    if several == "single":
        return
    if chosen.given("test-execution"):
        yield problem(
            f"`executions: {several}` cannot be used with `test-execution`: it names the one that all results go into",
            chosen.where("executions", "test-execution"),
            CONFLICT,
            "Leave one of them out.",
        )
    if chosen.command == "convert":
        yield problem(
            f"`executions: {several}` cannot be used with `convert`: it writes one document, which is one Test "
            "Execution",
            chosen.where("executions"),
            CONFLICT,
            "Leave `executions` out, or convert the reports one by one.",
        )


def _baseline(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.values["baseline"] == PREVIOUS and chosen.given("test-execution"):
        yield problem(
            "`baseline: previous` cannot be used with `test-execution`: it finds what xray-ci made for each run",
            chosen.where("baseline", "test-execution"),
            CONFLICT,
            "Name the `result-file` of an earlier run in `baseline`, or leave one of them out.",
        )


def _certificate(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.given("client-key") and not chosen.given("client-certificate"):
        yield problem(
            "`client-key` has no `client-certificate`",
            chosen.where("client-key"),
            MISSING,
            "Set `client-certificate`; one file may hold both.",
        )


def _snapshots(chosen: Chosen) -> Iterator[ConfigurationError]:
    plain = [name for name in ("snapshot-urls", "snapshot-page-ids") if chosen.given(name)]
    if plain and not chosen.given("snapshot-api-key") and not chosen.excused:
        yield problem(
            f"`{plain[0]}` has no `snapshot-api-key`",
            chosen.where(*plain),
            MISSING,
            "Set the API key that belongs to it; keys that differ go into `snapshots`.",
        )
    for name in ("snapshot-api-key", "snapshot-bearer-token"):
        if chosen.given(name) and not plain:
            yield problem(
                f"`{name}` has neither `snapshot-urls` nor `snapshot-page-ids`",
                chosen.where(name),
                MISSING,
                "Set what it belongs to.",
            )


def _jira(chosen: Chosen) -> Iterator[ConfigurationError]:
    """Refuse what only Jira does where nobody may ask it: on Xray Cloud the API key of Xray is none of Jira's."""
    if chosen.deployment != "cloud" or chosen.excused or "credentials" not in COMMANDS[chosen.command].needs:
        return
    without = " and ".join(f"`{name}`" for name in ("jira-url", "jira-token") if not chosen.given(name))
    if not without:
        return
    more = f"Set `jira-url`, and `jira-username` with an API token as `jira-token` ({DOCS}/recipes/around.md), or"
    for row in ROWS:
        value = chosen.values[row.name]
        xrays = value == {"environments"} or (row.name == "test-fields" and chosen.values["strategy"] == "native")
        if row.jira and is_on(value) and not xrays:
            yield problem(
                f"`{row.name}` is done by Jira, and without {without} it cannot be asked",
                chosen.where(row.name),
                MISSING,
                f"{more} leave `{row.name}` out.",
            )
    for name in ("fields", "test-fields") if chosen.values["strategy"] == "native" else ("fields",):
        if named := by_name(chosen.values[name]):
            yield problem(
                f"what the field {shown(named[0])} is only Jira knows, and without {without} it cannot be asked",
                chosen.where(name),
                MISSING,
                f"{more} give `{name}` by their ids.",
            )


def _folder(chosen: Chosen) -> Iterator[ConfigurationError]:
    path = chosen.values["test-folder"]
    if path is not None and not path.replace("/", "").strip():
        yield problem(
            "`test-folder` names no folder", chosen.where("test-folder"), CONFLICT, "Write a path such as `/Shop/Cart`."
        )


def _only_in_plan(chosen: Chosen) -> Iterator[ConfigurationError]:
    if not chosen.values["only-in-plan"]:
        return
    if not chosen.given("test-plan"):
        yield problem(
            "`only-in-plan` has no `test-plan`", chosen.where("only-in-plan"), MISSING, "Set the one that is meant."
        )
    if chosen.values["strategy"] == "native" or chosen.command == "convert":
        yield problem(
            "`only-in-plan` cannot be used with `convert` or `strategy: native`: what is in the plan has to be asked, "
            "and a report that is sent as it is keeps all its results",
            chosen.where("only-in-plan", "strategy"),
            CONFLICT,
            "Leave one of them out.",
        )


def _attached(chosen: Chosen) -> Iterator[ConfigurationError]:
    if chosen.values["scrub"] and "reports" in chosen.values["attach"]:
        yield problem(
            "`scrub` cannot be used with `attach: reports`: a report that is attached as it is keeps its texts",
            chosen.where("scrub", "attach"),
            CONFLICT,
            "Leave one of them out.",
        )


_RULES: Final[tuple[Callable[[Chosen], Iterator[ConfigurationError]], ...]] = (
    _needs,
    _server,
    _jira_credentials,
    _oauth,
    _plain_http,
    _too_deep,
    _api_version,
    _only_new,
    _several_versions,
    _native,
    _sent_as_it_is,
    _executions,
    _baseline,
    _certificate,
    _snapshots,
    _jira,
    _attached,
    _only_in_plan,
    _folder,
)
