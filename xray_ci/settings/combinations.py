"""Which settings a command needs, and which cannot work together; each rule is one function over all values.

Knows what INTERFACE refuses and why. Sees values after parsing; a value that could not be read takes part as given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xray_ci.settings import texts
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.problems import CONFLICT, MISSING, problem
from xray_ci.settings.table import API_VERSIONS, BY_NAME
from xray_ci.settings.values import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xray_ci.errors import ConfigurationError

_JSON_FORMATS: Final = frozenset({"cucumber", "cucumber-json", "behave", "behave-json"})
_SIGNING: Final = ("client-secret", "jira-token", "jira-password", "snapshot-api-key")
_ONLY_CREATES: Final = "Only the creation of a Test Execution takes it: the multipart import always makes a new one."


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
        """Whether no secret is missed: none is given to this run, and there is none to sign a request with."""
        return self.withheld and not any(map(self.given, _SIGNING))

    @property
    def deployment(self) -> str | None:
        """The product, as far as the configuration says."""
        return resolve(
            self.values["deployment"],
            has_cloud=self.given("client-id") or self.given("client-secret"),
            has_jira=any(map(self.given, ("jira-token", "jira-username", "jira-password"))),
            has_jira_url=self.given("jira-url"),
        )


def check(chosen: Chosen) -> Iterator[ConfigurationError]:
    """Yield every missing setting and every combination that cannot work."""
    for rule in _RULES:
        yield from rule(chosen)


def notices(chosen: Chosen) -> Iterator[str]:
    """Yield what is passed over although it was set."""
    deployment = chosen.values["deployment"]
    if deployment == "server":
        for name in ("client-id", "client-secret", "region", "xray-url"):
            if chosen.given(name):
                yield f"{chosen.origins[name]} is passed over: Xray Server/Data Center has no `{name}`."
    if deployment == "cloud" and chosen.given("jira-password"):
        yield f"{chosen.origins['jira-password']} is passed over: Jira Cloud takes no password, only `jira-token`."
    if chosen.deployment == "cloud" and chosen.given("region", "xray-url"):
        yield f"{chosen.origins['region']} is passed over, because `xray-url` is set."
    for name in ("execution-scope", "on-rerun"):
        if chosen.given(name, "test-execution"):
            yield f"{chosen.origins[name]} is passed over: `test-execution` names the one that results go into."


def _needs(chosen: Chosen) -> Iterator[ConfigurationError]:
    needs = COMMANDS[chosen.command].needs
    if "reports" in needs and not chosen.given("reports"):
        yield _missing("reports", "Set `reports` to the files your tests write, for example `**/TEST-*.xml`.")
    if chosen.excused:
        return
    if "credentials" in needs:
        yield from _credentials(chosen)
    targets = ("snapshots", "snapshot-urls", "snapshot-page-ids")
    if "snapshots" in needs and not any(map(chosen.given, targets)):
        yield problem(
            "There is no Snapshots target",
            "snapshots",
            MISSING,
            "Set `snapshot-page-ids` or `snapshot-urls` with `snapshot-api-key`, or `snapshots`.",
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
        if not chosen.given("jira-token") and not chosen.given("jira-password"):
            yield _missing(
                "jira-token", f"Set a personal access token, or `jira-username` with `jira-password`.{likely}"
            )
    elif not any(map(chosen.given, ("jira-token", "jira-username", "jira-password"))):
        yield problem(
            "There are no credentials",
            "client-id, client-secret, jira-token",
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
    talks = "credentials" in COMMANDS[chosen.command].needs and not chosen.excused
    if talks and chosen.values["deployment"] == "server" and not chosen.given("jira-url"):
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
    for name in ("fields", "labels", "test-fields"):
        if chosen.given(name, "test-execution"):
            yield problem(
                f"`{name}` cannot be used with `test-execution`",
                chosen.where(name, "test-execution"),
                CONFLICT,
                _ONLY_CREATES,
            )


def _native(chosen: Chosen) -> Iterator[ConfigurationError]:
    strategy, form = chosen.values["strategy"], chosen.values["format"]
    if chosen.given("test-fields") and (strategy != "native" or form in _JSON_FORMATS | {"xray-json", "bundle"}):
        yield problem(
            "`test-fields` is only taken with `strategy: native` and an XML format",
            chosen.where("test-fields", "strategy", "format"),
            CONFLICT,
            "Set `strategy: native` for JUnit, TestNG, NUnit, xUnit or Robot reports, or leave `test-fields` out.",
        )
    if strategy == "native" and form in _JSON_FORMATS and chosen.given("test-execution"):
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


_RULES: Final[tuple[Callable[[Chosen], Iterator[ConfigurationError]], ...]] = (
    _needs,
    _server,
    _jira_credentials,
    _plain_http,
    _api_version,
    _only_new,
    _native,
    _sent_as_it_is,
    _executions,
    _certificate,
    _snapshots,
)
