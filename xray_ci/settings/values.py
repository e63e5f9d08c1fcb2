"""What a mapping file says, as values: rules, the table of names, prefixes. Reads nothing and decides nothing.

The frozen result: what the user asked for, as types. Knows how to show itself without its secrets; reads nothing.
"""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from xray_ci.patterns import lazy
from xray_ci.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


OF_THE_CASE: Final = ("name", "class", "suite", "file", "format")
"""Placeholders that every rule has; the others are the named groups of its own patterns. `template.fill` fills them."""


class Rule(Struct, frozen=True, kw_only=True):
    """One rule: what a case must be for it to apply, and what it then says. All conditions must hold."""

    number: int
    """Counted from 1, for messages."""
    origin: str
    """Where it begins: `.xray-ci.yml:14:5`, `--mapping:3:1`."""
    formats: tuple[str, ...] = ()
    """Keys and families of the formats table; one of them must be the report's. Empty, here and below: any."""
    files: tuple[str, ...] = ()
    """Globs as in `reports`, without `!` and `FORMAT=`; one of them must match."""
    suite: str | None = None
    """RE2, searched in the suites joined by ` > `."""
    classname: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    """RE2; each must be found in some tag."""
    properties: tuple[tuple[str, str], ...] = ()
    """Name of a property and the RE2 that must be found in a value of it."""
    hostname: str | None = None
    outcome: str | None = None
    """RE2, searched in the word of the result: passed, failed, errors, skipped or other."""

    keys: tuple[str, ...] = ()
    """Templates, here and below: `{name}`, `{class}`, `{suite}`, `{file}`, `{format}` and named groups; `{{` is a
    brace."""
    labels: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    definition: str | None = None
    """Identity to look the Test up by, in place of the case's own."""
    skip: bool = False


class NamedTest(Struct, frozen=True, kw_only=True):
    """An entry of the table `tests`: the keys of the Tests that a name stands for."""

    keys: tuple[str, ...]
    origin: str


def _no_tests() -> Mapping[str, NamedTest]:
    return MappingProxyType({})


class MappingRules(Struct, frozen=True, kw_only=True):
    """A whole mapping; empty when none is set."""

    rules: tuple[Rule, ...] = ()
    """Top to bottom."""
    tests: Mapping[str, NamedTest] = field(default_factory=_no_tests)
    """By `class.name` (the identity) or by the name alone."""
    test_prefixes: tuple[str, ...] = ()
    """Of tags that name a Test, besides the built-in ones; without `@`."""
    requirement_prefixes: tuple[str, ...] = ()


class SnapshotTarget(Struct, frozen=True, kw_only=True):
    """One macro (`url`) or one whole page (`page_id`, global key) whose snapshots are taken; one of both is set."""

    url: Secret | None = None
    page_id: str | None = None
    api_key: Secret
    bearer_token: Secret | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting by its name with `_` for `-`; sizes in bytes, times in seconds, lists as tuples."""

    command: str
    config: Path | None
    """The config file that was read."""
    reports: tuple[str, ...]
    format: str
    if_no_reports: str

    deployment: str
    """`auto`, `cloud` or `server` as configured; see `resolved_deployment`."""
    region: str
    xray_url: str | None
    jira_url: str | None
    api_version: str | None
    allow_http: bool

    client_id: Secret | None
    client_secret: Secret | None
    jira_token: Secret | None
    jira_username: str | None
    jira_password: Secret | None
    oauth_consumer_key: Secret | None
    oauth_token: Secret | None
    oauth_private_key: Secret | None
    """PEM of an RSA key."""
    http_headers: tuple[tuple[str, Secret], ...]

    project: str | None
    test_execution: str | None
    test_plan: tuple[str, ...]
    """The first is imported to, the others are linked."""
    triggered_from: str | None
    test_environments: tuple[str, ...]
    fix_version: tuple[str, ...]
    revision: str | None
    """None: the commit, which the CI system knows."""
    summary: str | None
    description: str | None
    labels: tuple[str, ...]
    fields: Mapping[str, object] | None
    test_fields: Mapping[str, object] | None
    executions: str
    """`single`, `per-report` or `per-environment`."""
    execution_scope: str
    """`run`, `branch`, `pull-request`, or a template with placeholders of `template.SCOPE_PLACEHOLDERS`."""
    execution_part: str | None
    shards: tuple[str, ...]
    """`auto`, `none`, or names of matrix keys."""
    github_matrix: str | None
    """A JSON object in one spelling; None for none, and empty for what is no JSON object and says not that there is
    none."""
    github_strategy: str | None
    """The same."""
    on_rerun: str
    """`reuse` or `new`."""
    test_folder: str | None
    test_sets: tuple[str, ...]
    components: tuple[str, ...]
    attach: tuple[str, ...]
    """Globs, `!` excludes; the word `reports` stands for the raw reports."""
    assignee: str | None
    transition: str | None
    defects: str
    """`none`, `link` or `create`."""
    max_new_defects: int
    create_missing: frozenset[str]
    only_in_plan: bool
    ci_link: bool

    strategy: str
    test_type: str
    key_pattern: str | None
    key_projects: tuple[str, ...]
    requirements: str
    """`new`, `link` or `none`."""
    unmapped: str
    max_new_tests: int | None
    repeats: str
    statuses: Mapping[str, str]
    """Outcome word (`model.Outcome` value) → status word; only those the user named."""
    timezone: str
    attachments: str
    evidence_max_file: int
    evidence_max_total: int
    comments: str
    scrub: tuple[str, ...]
    """Patterns of RE2; none of them finds the empty text."""
    mapping: MappingRules

    dry_run: bool
    batch_tests: int | None
    batch_bytes: int | None
    connect_timeout: float
    timeout: float
    time_budget: float
    reconcile: bool
    state_dir: Path | None
    """None: the runner's temp folder, which the CI system knows, else `.xray-ci/` in the workspace."""
    state_key: Secret | None
    ca_bundle: Path | None
    client_certificate: Path | None
    client_key: Path | None

    snapshots: tuple[SnapshotTarget, ...]
    """All targets: items of `snapshots`, then `snapshot-urls`, then `snapshot-page-ids`."""
    snapshot_urls: tuple[Secret, ...]
    snapshot_page_ids: tuple[str, ...]
    snapshot_api_key: Secret | None
    snapshot_bearer_token: Secret | None
    snapshots_url: str
    """Template with `{page-id}`."""
    snapshots_when: str
    snapshots_delay: float

    fail_on: frozenset[str]
    baseline: Path | str | None
    """A result file, or the word `previous`."""
    result_file: Path | None
    html_report: Path | None
    comment_file: Path | None
    dotenv_file: Path | None
    job_summary: bool
    annotations: bool
    log_level: str

    workspace: Path
    origins: Mapping[str, str]
    found: frozenset[str]
    """Settings whose value comes from a config file that was only found in the workspace."""
    notices: tuple[str, ...]
    """What the user should know although it is no mistake, one line each."""

    def origin(self, name: str) -> str:
        """Return where a setting came from: `--x`, `INPUT_X`, `XRAY_CI_X`, `.xray-ci.yml:12:3`, or `default`."""
        return self.origins.get(name.replace("_", "-"), "default")

    def resolved_deployment(self) -> str | None:
        """Return `cloud` or `server` as configured or as the credentials say; None where they say nothing."""
        return resolve(
            self.deployment,
            has_cloud=(self.client_id or self.client_secret) is not None,
            has_jira=(self.jira_token or self.jira_username or self.jira_password or self.oauth_token) is not None,
            has_jira_url=self.jira_url is not None,
        )

    def execution_fields(self) -> Mapping[str, object] | None:
        """Return the Jira fields of a new Test Execution; Xray's own words take one version, so several are fields."""
        if len(self.fix_version) <= 1:
            return self.fields
        return {"fixVersions": [{"name": name} for name in self.fix_version]} | dict(self.fields or {})

    def secrets(self) -> tuple[Secret, ...]:
        """Return every secret there is, for the redactor; a private key also as `base64` prints it, line by line."""
        found = [secret for name in self.__struct_fields__ for secret in _secrets(getattr(self, name))]
        if self.oauth_private_key is not None:
            found.append(Secret(base64.encodebytes(self.oauth_private_key.reveal().encode()).decode()))
        return tuple(dict.fromkeys(found))


_ID: Final = lazy(r"customfield_[0-9]{1,10}|[a-z][A-Za-z]*")
"""Ids of fields as Jira makes them: its own are one word that begins small."""


def by_name(fields: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return those of the fields that are given as people call them, and not by their ids."""
    return tuple(name for name in fields or () if not _ID.fullmatch(name))


def is_on(value: object) -> bool:
    """Say whether a setting that is off by default was set to something."""
    return bool(value) and value != "none"


def resolve(deployment: str, *, has_cloud: bool, has_jira: bool, has_jira_url: bool) -> str | None:
    """Say which product the configuration means: named, else by its credentials (INTERFACE: deployment)."""
    if deployment != "auto":
        return deployment
    if has_cloud:
        return "cloud"
    return "server" if has_jira and has_jira_url else None


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, SnapshotTarget):
        for part in (value.url, value.api_key, value.bearer_token):
            yield from _secrets(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _secrets(part)
