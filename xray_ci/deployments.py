"""THE table of deployments: everything in which Xray Cloud and Xray Server/Data Center differ on the wire.

Sources are marked as in the reference: (D) documented by the vendor, (O) observed in public clients, (A) assumed.
Knows nothing of settings, reports or HTTP.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xray_ci.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping


class BodyKind(enum.Enum):
    """How a report travels."""

    JSON = "application/json"
    XML = "application/xml"
    FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Words and property names of Xray JSON."""

    statuses: Mapping[Outcome, str]
    """Default status word of each outcome: built-in ones only (INTERFACE)."""
    builtin: frozenset[str]
    foreign: frozenset[str]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls in so many seconds: where the pace starts, before the service itself says more."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One product: where it is, how it is asked, what it calls things."""

    key: str
    title: str
    api_versions: tuple[str, ...]
    """Newest first; the first is the default."""
    import_root: str
    """Path template below the base URL; `{version}`."""
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
        foreign=frozenset({"PASS", "FAIL"}),
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
        foreign=frozenset({"PASSED", "FAILED", "TO DO"}),
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
