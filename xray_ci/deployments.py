"""THE table of deployments: everything in which Xray Cloud and Xray Server/Data Center differ on the wire.

Sources are marked as in the reference: (D) documented by the vendor, (O) observed in public clients, (A) assumed.
Knows nothing of settings, reports or HTTP.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from xray_ci.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping


STATUS_MEANINGS: Final = MappingProxyType(
    {
        "PASS": Outcome.PASSED,
        "PASSED": Outcome.PASSED,
        "FAIL": Outcome.FAILED,
        "FAILED": Outcome.FAILED,
        "TODO": Outcome.SKIPPED,
        "TO DO": Outcome.SKIPPED,
    }
)
"""Built-in words of both dialects that mean an outcome; the others (EXECUTING, ABORTED) are the same in both."""


class BodyKind(enum.Enum):
    """How a report travels."""

    JSON = "application/json"
    XML = "application/xml"
    FORM = "multipart/form-data"


class Endpoint(Struct, frozen=True, kw_only=True):
    """One import endpoint: a format, plain or multipart."""

    format: str
    """Key of a row in the formats table, or `xray-json`."""
    multipart: bool
    """The path that takes `info` and always creates a new Test Execution (O)."""
    path: str
    """Below the import root."""
    body: BodyKind
    report_part: str | None = None
    """Name of the part that holds the report, when `body` is FORM (O)."""
    test_info: bool = False
    """Whether a part `testInfo` is taken: multipart of XML formats only (O)."""
    query: bool = False
    """Whether projectKey, testExecKey, testPlanKey, testEnvironments, revision, fixVersion are read from the query."""
    report_name: str = "results.json"
    """File name of the report part."""


class Dialect(Struct, frozen=True, kw_only=True):
    """Words and property names of Xray JSON."""

    statuses: Mapping[Outcome, str]
    """Default status word of each outcome: built-in ones only (INTERFACE)."""
    builtin: frozenset[str]
    other_words: frozenset[str]
    """Built-in words of the other deployment, refused unless `statuses` names them."""
    example_words: Mapping[Outcome, str]
    test_type: str
    """Property of testInfo that holds the type."""
    evidence: str
    step_evidence: str
    custom_field_names: bool
    """Whether a Test Run custom field can be named instead of numbered (O)."""
    iteration_log: bool
    """Whether iterations take `log` and `duration` (O)."""
    test_version: bool
    test_description: bool
    """Whether testInfo takes a description (D); elsewhere one schema revision alone lists it."""
    wiki_comments: bool
    """Comments are Jira wiki text (O); elsewhere only mentions are dangerous (A)."""


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of one import. Undocumented on both products (A): chosen below what was seen refused."""

    batch_tests: int = 10_000
    batch_bytes: int = 50_000_000
    parameters: int | None = None
    """Parameters of one iteration (O)."""
    step_action: int | None = None
    """Characters of a step's action (O)."""
    comment: int = 32_000
    """Characters of a comment; Jira's text fields end at 32,767 by default (D)."""
    summary: int = 255
    """Characters of a summary (D, Jira)."""


class Rate(Struct, frozen=True, kw_only=True):
    """So many calls in so many seconds: where the pace starts, before the service itself says more."""

    calls: int
    seconds: float


class Api(Struct, frozen=True, kw_only=True):
    """One API of Xray or of the Jira below it, as the vendor's pages on its APIs tell them apart (D)."""

    title: str
    root: str
    """What its paths begin with, below the base URL."""


class LoginWay(Struct, frozen=True, kw_only=True):
    """One way to be let in: a row for each authentication that the vendors name (D)."""

    title: str
    settings: tuple[str, ...]
    """Names of the settings that hold it."""
    apis: tuple[Api, ...]
    refused: str = ""
    """What a 401 most likely asks for, beyond looking at the credentials."""


class Deployment(Struct, frozen=True, kw_only=True):
    """One product: where it is, how it is asked, what it calls things."""

    key: str
    title: str
    api_versions: tuple[str, ...]
    """Newest first; the first is the default."""
    import_root: str
    """Path template below the base URL; `{version}`."""
    jira_root: str
    """Where the Jira below it has its REST API; `serverInfo` alone is asked at version 2, which both have."""
    key_path: tuple[str, ...]
    """Where the answer of an import holds the key of the Test Execution; without it no import succeeded."""
    dialect: Dialect
    limits: Limits
    endpoints: tuple[Endpoint, ...]
    regions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rate: Rate | None = None
    """Calls that the smallest published plan allows; logins do not count (O). None where no limit is published."""

    def endpoint(self, format_key: str, *, multipart: bool) -> Endpoint | None:
        """Return the row of a format, or None where the deployment has no such endpoint."""
        return next((row for row in self.endpoints if row.format == format_key and row.multipart is multipart), None)


XML_FORMATS: Final = ("junit", "testng", "nunit", "xunit", "robot")
"""Endpoint names of the XML formats; a format of the formats table maps to one by its `endpoint`."""
JSON_FORMATS: Final = ("cucumber", "behave")


def _endpoints(*, xml_plain: BodyKind, xml_part: str, json_part: str) -> tuple[Endpoint, ...]:
    """Return the rows that both deployments have: the same paths, other bodies and part names (D, O)."""
    rows = [
        Endpoint(format="xray-json", multipart=False, path="/import/execution", body=BodyKind.JSON),
        Endpoint(
            format="xray-json",
            multipart=True,
            path="/import/execution/multipart",
            body=BodyKind.FORM,
            report_part=json_part,
        ),
    ]
    for name in XML_FORMATS:
        path = f"/import/execution/{name}"
        rows.append(
            Endpoint(
                format=name,
                multipart=False,
                path=path,
                body=xml_plain,
                query=True,
                report_name="report.xml",
                report_part=xml_part if xml_plain is BodyKind.FORM else None,
            )
        )
        rows.append(
            Endpoint(
                format=name,
                multipart=True,
                path=f"{path}/multipart",
                body=BodyKind.FORM,
                report_part=xml_part,
                test_info=True,
                report_name="report.xml",
            )
        )
    for name in JSON_FORMATS:
        path = f"/import/execution/{name}"
        rows.append(Endpoint(format=name, multipart=False, path=path, body=BodyKind.JSON))
        rows.append(
            Endpoint(format=name, multipart=True, path=f"{path}/multipart", body=BodyKind.FORM, report_part=json_part)
        )
    return tuple(rows)


_BUNDLE: Final = Endpoint(
    format="bundle",
    multipart=False,
    path="/import/execution/bundle",
    body=BodyKind.FORM,
    report_part="file",
    report_name="results.zip",
)

CLOUD: Final = Deployment(
    key="cloud",
    title="Xray Cloud",
    api_versions=("v2", "v1"),
    import_root="/api/{version}",
    jira_root="/rest/api/3",
    key_path=("key",),
    dialect=Dialect(
        statuses=MappingProxyType(
            {
                Outcome.PASSED: "PASSED",
                Outcome.FAILED: "FAILED",
                Outcome.ERROR: "FAILED",
                Outcome.SKIPPED: "TO DO",
                Outcome.OTHER: "TO DO",
            }
        ),
        builtin=frozenset({"PASSED", "FAILED", "TO DO", "TODO", "EXECUTING", "ABORTED"}),
        other_words=frozenset({"PASS", "FAIL"}),
        example_words=MappingProxyType(
            {
                Outcome.PASSED: "PASSED",
                Outcome.FAILED: "FAILED",
                Outcome.ERROR: "FAILED",
                Outcome.SKIPPED: "TODO",
                Outcome.OTHER: "TODO",
            }
        ),
        test_type="type",
        evidence="evidence",
        step_evidence="evidence",
        custom_field_names=True,
        iteration_log=True,
        test_version=False,
        test_description=False,
        wiki_comments=False,
    ),
    limits=Limits(step_action=8192),
    endpoints=_endpoints(xml_plain=BodyKind.XML, xml_part="results", json_part="results"),
    regions=MappingProxyType(
        {
            "global": "https://xray.cloud.getxray.app",
            "us": "https://us.xray.cloud.getxray.app",
            "eu": "https://eu.xray.cloud.getxray.app",
            "au": "https://au.xray.cloud.getxray.app",
        }
    ),
    rate=Rate(
        calls=300, seconds=300.0
    ),  # (D), Standard; Enterprise 1,000 (D). Once seen kept as 60 in 60 s (O): that is learned
)

SERVER: Final = Deployment(
    key="server",
    title="Xray Server/Data Center",
    api_versions=("2.0", "1.0", "latest"),
    import_root="/rest/raven/{version}",
    jira_root="/rest/api/latest",
    key_path=("testExecIssue", "key"),
    dialect=Dialect(
        statuses=MappingProxyType(
            {
                Outcome.PASSED: "PASS",
                Outcome.FAILED: "FAIL",
                Outcome.ERROR: "FAIL",
                Outcome.SKIPPED: "TODO",
                Outcome.OTHER: "TODO",
            }
        ),
        builtin=frozenset({"PASS", "FAIL", "TODO", "EXECUTING", "ABORTED"}),
        other_words=frozenset({"PASSED", "FAILED", "TO DO"}),
        example_words=MappingProxyType(
            {
                Outcome.PASSED: "PASS",
                Outcome.FAILED: "FAIL",
                Outcome.ERROR: "FAIL",
                Outcome.SKIPPED: "TODO",
                Outcome.OTHER: "TODO",
            }
        ),
        test_type="testType",
        evidence="evidences",
        step_evidence="evidences",
        custom_field_names=False,
        iteration_log=False,
        test_version=True,
        test_description=True,
        wiki_comments=True,
    ),
    limits=Limits(parameters=20),
    endpoints=(*_endpoints(xml_plain=BodyKind.FORM, xml_part="file", json_part="result"), _BUNDLE),
    rate=None,  # an administrator may set one, and then its answers say it (O)
)

DEPLOYMENTS: Final = MappingProxyType({row.key: row for row in (CLOUD, SERVER)})

_XRAY_CLOUD: Final = (
    Api(title="Xray Cloud REST v1", root="/api/v1/"),
    Api(title="Xray Cloud REST v2", root="/api/v2/"),
    Api(title="Xray Cloud GraphQL", root="/api/v2/graphql"),
)
_JIRA_CLOUD: Final = (Api(title="Jira Cloud REST v3", root=f"{CLOUD.jira_root}/"),)
_ANY_SERVER: Final = (
    *(
        Api(title=f"Xray Server/DC REST {version}", root=f"{SERVER.import_root.format(version=version)}/")
        for version in ("1.0", "2.0", "latest")
    ),
    Api(title="Jira Server/DC REST latest", root=f"{SERVER.jira_root}/"),
)
API_KEY: Final = LoginWay(
    title="Xray API key",
    settings=("client-id", "client-secret"),
    apis=_XRAY_CLOUD,
    refused="An API key belongs to one site: Xray's settings list those that are valid.",
)
GATEWAY: Final = "https://api.atlassian.com/ex/jira"
"""Where Jira Cloud takes API tokens with scopes and tokens of OAuth 2, and takes them nowhere else (D, O)."""


def is_gateway(jira_url: str) -> bool:
    """Say whether an address is a site behind Atlassian's gateway, real or emulated."""
    return "/ex/jira/" in jira_url


_GATEWAY_REMEDY: Final = (
    f"is taken by Atlassian's gateway alone: set `jira-url` to {GATEWAY}/CLOUDID; "
    "https://SITE.atlassian.net/_edge/tenant_info shows the CLOUDID of a site."
)
API_TOKEN: Final = LoginWay(
    title="Jira API token, with the e-mail address",
    settings=("jira-username", "jira-token"),
    apis=_JIRA_CLOUD,
    refused=f"API tokens end after a year at most (D). A token with scopes {_GATEWAY_REMEDY}",
)
SCOPED_TOKEN: Final = LoginWay(
    title="Jira API token with scopes, through the gateway",
    settings=("jira-username", "jira-token"),
    apis=_JIRA_CLOUD,
    refused="API tokens end after a year at most (D); the scopes read:jira-work, write:jira-work and read:jira-user "
    "are needed, and the CLOUDID in `jira-url` must be that of the site.",
)
OAUTH2: Final = LoginWay(
    title="OAuth 2 bearer token, through the gateway",
    settings=("jira-token",),
    apis=_JIRA_CLOUD,
    refused=f"Without `jira-username` it is a token of OAuth 2, ends after an hour, and {_GATEWAY_REMEDY}",
)
PERSONAL_TOKEN: Final = LoginWay(
    title="personal access token",
    settings=("jira-token",),
    apis=_ANY_SERVER,
    refused="Personal access tokens expire and can be revoked: Jira lists yours under your profile. Before 8.14 "
    "it has none.",
)
BASIC: Final = LoginWay(
    title="basic authentication",
    settings=("jira-username", "jira-password"),
    apis=_ANY_SERVER,
    refused="After some wrong passwords Jira asks for a CAPTCHA; a personal access token in `jira-token` is better.",
)
OAUTH1: Final = LoginWay(
    title="OAuth 1.0a, RSA-SHA1",
    settings=("oauth-consumer-key", "oauth-token", "oauth-private-key"),
    apis=_ANY_SERVER,
    refused="The application link in Jira must have this consumer key and the public key of `oauth-private-key`, and "
    "`oauth-token` must come from it.",
)
LOGINS: Final = MappingProxyType(
    {"cloud": (API_KEY, API_TOKEN, SCOPED_TOKEN, OAUTH2), "server": (PERSONAL_TOKEN, BASIC, OAUTH1)}
)
"""By deployment."""
