"""THE table of settings: names, kinds, defaults, who may set each.

Flags, inputs, variables, schema and docs come from it.

Knows names and words; reads nothing. It is imported for `--help`, so it costs next to nothing: no dataclasses.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from xray_ci import formats

RELEASE: Final = "0.1"
"""The release that brought these rows; a later row says its own `since`."""


class Kind(enum.Enum):
    """How the text of a setting is read; the value is the word shown in help and docs."""

    CHOICE = "choice"
    CHOICES = "list of choices"
    TEXT = "text"
    KEY = "issue key"
    KEYS = "list of issue keys"
    PROJECT = "project key"
    PROJECTS = "list of project keys"
    URL = "url"
    URL_TEMPLATE = "url template"
    GLOBS = "globs"
    LIST = "list"
    NAMES = "list of names"
    LABELS = "list of labels"
    PAGES = "list of page ids"
    SIZE = "size"
    SECONDS = "seconds"
    NUMBER = "number"
    FLAG = "flag"
    PATH = "path"
    TARGET = "path to write"
    BASELINE = "path, or previous"
    FOLDER = "folder to write"
    REGEX = "regex"
    REGEXES = "list of regexes"
    TEMPLATE = "template"
    SCOPE = "run, branch, pull-request or a template"
    SHARDS = "auto, none, or a list of names"
    CONTEXT = "json"
    FIELDS = "yaml or json"
    STATUSES = "yaml"
    MAPPING = "yaml mapping"
    ZONE = "time zone"
    SECRET = "secret"  # noqa: S105  # a word, not one
    SECRETS = "secret list"
    PEM = "secret key"
    HEADERS = "secret lines"
    SNAPSHOTS = "secret yaml list"


SECRET_KINDS: Final = frozenset({Kind.SECRET, Kind.SECRETS, Kind.PEM, Kind.HEADERS, Kind.SNAPSHOTS})
LIST_KINDS: Final = frozenset(
    {
        Kind.CHOICES,
        Kind.PROJECTS,
        Kind.GLOBS,
        Kind.LIST,
        Kind.KEYS,
        Kind.NAMES,
        Kind.LABELS,
        Kind.PAGES,
        Kind.SECRETS,
        Kind.REGEXES,
        Kind.SHARDS,
    }
)
FREE: Final = frozenset({"command", "config"})
"""Read before the config file, so never in it."""


class Row(NamedTuple):
    """One setting."""

    name: str
    kind: Kind
    help: str
    default: str | None = None
    """Read as if the user had written it."""
    choices: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    """Accepted names of choices."""
    ws: bool = False
    """Whether a config file that was merely found in the workspace may set it (INTERFACE: trust)."""
    unset: str = "-"
    """What happens without it, in the words of the docs, where there is no default."""
    least: float = 0
    """Smallest number, size or time that makes sense."""
    since: str = RELEASE
    context: str | None = None
    """What both actions of GitHub fill in by themselves; it has no sense elsewhere."""
    jira: bool = False
    """Whether Jira alone does it: on Xray Cloud it needs `jira-url` and credentials of Jira besides the API key."""
    group: str = ""

    @property
    def attribute(self) -> str:
        """Name of the attribute of `Settings`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return "XRAY_CI_" + self.attribute.upper()

    @property
    def secret(self) -> bool:
        """Whether its value must not be seen: no flag, no config file, never in an error."""
        return self.kind in SECRET_KINDS


FORMATS: Final = (
    "auto",
    *dict.fromkeys(
        name for row in formats.FORMATS if row.reader or row.medium == "zip" for name in (row.family, row.key)
    ),
)
"""Keys and families of the formats table that this version can convert, or Xray takes as they are."""
OUTCOMES: Final = ("passed", "failed", "errors", "skipped", "other")
"""Words of the counts; the values of `model.Outcome`."""
API_VERSIONS: Final = {"cloud": ("v2", "v1"), "server": ("2.0", "1.0", "latest")}
"""Newest first, as in the deployments table."""
SCOPES: Final = ("run", "branch", "pull-request")
"""Words of `execution-scope`; anything else is a template."""
PREVIOUS: Final = "previous"
"""Word of `baseline`; a file of that name is `./previous`."""

_WHAT: Final = (
    Row(
        "command",
        Kind.CHOICE,
        "What to do; for the action, where no command line is.",
        "import",
        choices=(
            "import",
            "plan",
            "inspect",
            "convert",
            "check",
            "probe",
            "snapshots",
            "collect",
            "resume",
            "features export",
            "features import",
            "results export",
            "tests import",
            "backup",
            "run",
            "select",
            "init",
            "migrate",
            "explain",
            "completion",
            "emulator",
            "demo",
        ),
    ),
    Row(
        "config",
        Kind.PATH,
        "Path of the config file. A `.xray-ci.yml` that was found by itself may only set what is marked (ws); "
        "`--config FILE` may set everything but secrets.",
        unset="`.xray-ci.yml` when it exists",
    ),
    Row(
        "reports",
        Kind.GLOBS,
        "Reports to import: `**` works, `!glob` excludes, `FORMAT=glob` fixes the format of that line.",
        unset="required",
        ws=True,
    ),
    Row(
        "format",
        Kind.CHOICE,
        "Format of the reports; `auto` looks into each file.",
        "auto",
        choices=FORMATS,
        ws=True,
        also=(("xray", "xray-json"),),
    ),
    Row(
        "if-no-reports",
        Kind.CHOICE,
        "When no file matches, or the files hold no result.",
        "fail",
        choices=("fail", "warn", "ignore"),
    ),
)
_WHERE: Final = (
    Row(
        "deployment",
        Kind.CHOICE,
        "Xray Cloud or Xray Server/Data Center; with `auto` the credentials decide.",
        "auto",
        choices=("auto", "cloud", "server"),
        also=(("datacenter", "server"), ("dc", "server")),
    ),
    Row(
        "region",
        Kind.CHOICE,
        "Host of Xray Cloud that holds your data.",
        "global",
        choices=("global", "us", "eu", "au"),
    ),
    Row(
        "xray-url",
        Kind.URL,
        "Another base URL of Xray Cloud, for example of a proxy or the emulator.",
        unset="by `region`",
    ),
    Row("jira-url", Kind.URL, "Jira's base URL with its context path; required for server, used for links on Cloud."),
    Row(
        "api-version",
        Kind.CHOICE,
        "Version of Xray's API: Cloud `v1`, `v2`; Server `1.0`, `2.0`, `latest`.",
        choices=API_VERSIONS["cloud"] + API_VERSIONS["server"],
        unset="newest",
    ),
    Row("allow-http", Kind.FLAG, "Allow http:// for Jira Server/DC (localhost needs no permission).", "false"),
)
_SECRETS: Final = (
    Row("client-id", Kind.SECRET, "Xray Cloud: client id of the API key."),
    Row("client-secret", Kind.SECRET, "Xray Cloud: client secret of the API key."),
    Row(
        "jira-token",
        Kind.SECRET,
        "Server: personal access token. Cloud: API token with `jira-username`, or a bearer token.",
    ),
    Row("jira-username", Kind.TEXT, "User name that belongs to `jira-password` or, on Cloud, to `jira-token`."),
    Row("jira-password", Kind.SECRET, "Server: password for basic authentication."),
    Row("oauth-consumer-key", Kind.SECRET, "Server: consumer key of the application link, for OAuth 1.0a."),
    Row("oauth-token", Kind.SECRET, "Server: access token of OAuth 1.0a."),
    Row("oauth-private-key", Kind.PEM, "Server: RSA private key (PEM, or base64 of it) of the application link."),
    Row("http-headers", Kind.HEADERS, "Extra `Name: value` lines for access gateways in front of Jira or Xray."),
)
_EXECUTION: Final = (
    Row("project", Kind.PROJECT, "Jira project of new issues.", unset="from the Tests", ws=True),
    Row("test-execution", Kind.KEY, "Import into this Test Execution; overwrites its Test Runs.", unset="a new one"),
    Row("test-plan", Kind.KEYS, "Link to this Test Plan; of several the first is imported to, the others are linked."),
    Row(
        "triggered-from",
        Kind.KEY,
        "The issue from which Xray started the job (`${ISSUE_KEY}`): outvotes `test-plan` or `test-execution`, "
        "whichever it is.",
    ),
    Row("test-environments", Kind.LIST, "Test Environments; `;` also separates.", ws=True),
    Row("fix-version", Kind.NAMES, "Fix versions of the Test Execution."),
    Row("revision", Kind.TEXT, "Revision of the Test Execution.", unset="the commit"),
    Row(
        "summary",
        Kind.TEMPLATE,
        "Summary of the Test Execution, for example `{workflow} #{run_number} on {branch}`.",
        unset="from the CI system",
        ws=True,
    ),
    Row(
        "description",
        Kind.TEMPLATE,
        "Description of the Test Execution, with the same placeholders; the ID of the run is added.",
        unset="-",
        ws=True,
    ),
    Row("labels", Kind.LABELS, "Labels of the Test Execution, added to those it has.", ws=True),
    Row("fields", Kind.FIELDS, "Any Jira fields of the Test Execution."),
    Row("test-fields", Kind.FIELDS, "Any Jira fields of Tests that are created.", jira=True),
    Row(
        "executions",
        Kind.CHOICE,
        "How many Test Executions: one for all, one per report, or one per Test Environment.",
        "single",
        choices=("single", "per-report", "per-environment"),
    ),
    Row(
        "execution-scope",
        Kind.SCOPE,
        "What shares one Test Execution and finds it again: the `run`, its `branch`, its "
        "`pull-request`, or a template such as `{branch} {commit}` (see docs/exactly-once.md).",
        "run",
    ),
    Row(
        "execution-part",
        Kind.TEXT,
        "Joins what identifies the Test Execution, where the CI system cannot tell two jobs apart.",
    ),
    Row(
        "shards",
        Kind.SHARDS,
        "Legs of a matrix that differ only in these keys share one Test Execution; `auto` knows `shard`, "
        "`shard_index`, `partition`, `chunk`, `split`, `slice` and `node_index` with a number.",
        "auto",
    ),
    Row(
        "github-matrix",
        Kind.CONTEXT,
        "The matrix of this job, which the action fills in; a `run:` step sets `XRAY_CI_GITHUB_MATRIX` to the "
        "expression `toJSON(matrix)`.",
        unset="the job's, in both actions",
        context="${{ toJSON(matrix) }}",
    ),
    Row(
        "github-strategy",
        Kind.CONTEXT,
        "How many jobs the matrix has, which the action fills in.",
        unset="the job's, in both actions",
        context="${{ toJSON(strategy) }}",
    ),
    Row(
        "on-rerun",
        Kind.CHOICE,
        "A second attempt adds to the Test Execution of the first, overwriting its Test Runs, or makes a `new` one.",
        "reuse",
        choices=("reuse", "new"),
    ),
)
_AROUND: Final = (
    Row("test-folder", Kind.TEXT, "Folder of the Test Repository for Tests that are created, such as `/Shop/Cart`."),
    Row("test-sets", Kind.KEYS, "Test Sets that Tests which are created are put into."),
    Row("components", Kind.NAMES, "Components of Tests that are created.", jira=True),
    Row(
        "attach",
        Kind.GLOBS,
        "Files of the workspace that are attached to the Test Execution; `reports` means the raw reports.",
        jira=True,
    ),
    Row("assignee", Kind.TEXT, "Assignee of the Test Execution, by e-mail address or name.", jira=True),
    Row(
        "transition",
        Kind.TEXT,
        "Transition of the Test Execution, by its name, after an import that ended with 0 or 1.",
        jira=True,
    ),
    Row(
        "defects",
        Kind.CHOICE,
        "Known open defects of the same failure are linked to the Test Runs, or those that miss are made as well.",
        "none",
        choices=("none", "link", "create"),
        jira=True,
    ),
    Row(
        "create-missing",
        Kind.CHOICES,
        "What is made before the import, where it is not there, instead of being refused.",
        unset="none",
        choices=("fix-version", "environments"),
        jira=True,
    ),
    Row("only-in-plan", Kind.FLAG, "Leave out results of Tests that are not in `test-plan`.", "false"),
    Row("max-new-defects", Kind.NUMBER, "Most defects that a run makes; further failures are told.", "10"),
    Row(
        "ci-link",
        Kind.FLAG,
        "Say in the description which CI run it was, and link it in Jira where that can be asked.",
        "true",
    ),
)
_MAPPING: Final = (
    Row(
        "strategy",
        Kind.CHOICE,
        "Convert to Xray JSON, or send the file to its own endpoint.",
        "auto",
        choices=("auto", "convert", "native"),
    ),
    Row(
        "test-type",
        Kind.TEXT,
        "Type of Tests that are created and looked up; unless set, scenarios become Cucumber Tests.",
        "Generic",
        ws=True,
    ),
    Row("key-pattern", Kind.REGEX, "Finds a Test key in the test's name (RE2 syntax).", ws=True),
    Row("key-projects", Kind.PROJECTS, "Projects whose Test keys a report may name.", unset="all"),
    Row(
        "requirements",
        Kind.CHOICE,
        "Requirements that reports name: of `new` Tests, of those that are there, too (`link`, needs Jira), or none.",
        "new",
        choices=("new", "link", "none"),
    ),
    Row(
        "unmapped",
        Kind.CHOICE,
        "Results that have no Test key; `fail` stops before the import.",
        "create",
        choices=("create", "skip", "fail"),
        ws=True,
    ),
    Row(
        "max-new-tests",
        Kind.NUMBER,
        "Stop before the import when it would create more Tests than this.",
        unset="no bound",
    ),
    Row(
        "repeats",
        Kind.CHOICE,
        "Several results for one Test, over all reports.",
        "worst",
        choices=("worst", "last", "best", "iterations"),
        ws=True,
    ),
    Row(
        "statuses",
        Kind.STATUSES,
        "Outcome to Xray status, for example `skipped: ABORTED`.",
        unset="by deployment",
        ws=True,
    ),
    Row("timezone", Kind.ZONE, "Time zone of timestamps without offset.", "UTC", ws=True),
    Row("attachments", Kind.CHOICE, "Results whose evidence is sent.", "failed", choices=("failed", "all", "none")),
    Row("evidence-max-file", Kind.SIZE, "A larger file of evidence is left out with a notice.", "10 MB"),
    Row("evidence-max-total", Kind.SIZE, "Evidence beyond this total is left out with a notice.", "100 MB"),
    Row(
        "comments",
        Kind.CHOICE,
        "Results whose failure text becomes the Test Run's comment.",
        "failed",
        choices=("failed", "all", "none"),
        ws=True,
    ),
    Row(
        "scrub", Kind.REGEXES, "What these find (RE2 syntax) becomes `***` in every text of a report before it leaves."
    ),
    Row(
        "mapping",
        Kind.MAPPING,
        "Which Test a result belongs to: `rules`, `tests`, `prefixes` (see docs/mapping.md).",
        ws=True,
    ),
)
_DELIVERY: Final = (
    Row("dry-run", Kind.FLAG, "As `plan`: everything up to the first write.", "false"),
    Row("batch-tests", Kind.NUMBER, "Maximum number of Tests per request.", unset="by deployment", least=1),
    Row("batch-bytes", Kind.SIZE, "Maximum number of bytes per request.", unset="by deployment", least=1),
    Row("connect-timeout", Kind.SECONDS, "Longest wait for a connection.", "10", least=0.1),
    Row("timeout", Kind.SECONDS, "Longest wait for one answer; 10 s more for each MB that is sent.", "300", least=0.1),
    Row("time-budget", Kind.SECONDS, "All requests and their retries together.", "1800", least=0.1),
    Row("reconcile", Kind.FLAG, "After the import read back what Xray stores, and compare.", "true"),
    Row(
        "state-dir",
        Kind.FOLDER,
        "Journal of what was sent, and what `resume` reads; in the workspace or the runner's temp folder.",
        unset="the runner's temp folder, else `.xray-ci/` in the workspace",
    ),
    Row(
        "state-key",
        Kind.SECRET,
        "Seals the state folder; a lasting one opens folders that were left before a token was renewed.",
        unset="derived from the credentials",
    ),
    Row("ca-bundle", Kind.PATH, "Certificates (PEM) that are trusted besides the system's."),
    Row("client-certificate", Kind.PATH, "Client certificate (PEM), with or without its key."),
    Row("client-key", Kind.PATH, "Key (PEM) of the client certificate."),
)
_SNAPSHOTS: Final = (
    Row(
        "snapshots",
        Kind.SNAPSHOTS,
        "Items `{url, api-key}` (one macro) or `{page-id, api-key}` (whole page, global key).",
    ),
    Row("snapshot-urls", Kind.SECRETS, "Web request URLs of macros; masked."),
    Row("snapshot-page-ids", Kind.PAGES, "Ids of Confluence pages whose snapshots are all taken."),
    Row("snapshot-api-key", Kind.SECRET, "API key of `snapshot-urls` and `snapshot-page-ids`."),
    Row(
        "snapshot-bearer-token",
        Kind.SECRET,
        "Confluence Data Center 9 and later: personal access token besides the API key.",
    ),
    Row(
        "snapshots-url",
        Kind.URL_TEMPLATE,
        "Where the global key goes.",
        "https://snapshots.radbeeapps.com/take-snapshot/{page-id}",
    ),
    Row(
        "snapshots-when",
        Kind.CHOICE,
        "After an import that stored something, always, or when all tests passed.",
        "imported",
        choices=("imported", "always", "passed"),
    ),
    Row("snapshots-delay", Kind.SECONDS, "Settle time after the last import.", "5"),
)
_POLICY: Final = (
    Row(
        "fail-on",
        Kind.CHOICES,
        "What else fails the step. An import error always fails it.",
        unset="none",
        choices=("test-failures", "unmapped", "snapshots"),
    ),
)
_OUTPUT: Final = (
    Row(
        "baseline",
        Kind.BASELINE,
        "Compare with the result file of an earlier run, or with the `previous` Test Execution of the same job and "
        "branch.",
    ),
    Row("result-file", Kind.TARGET, "Machine-readable result, in the workspace or the runner's temp folder."),
    Row("comment-file", Kind.TARGET, "Markdown for a comment on the pull request, at most 60,000 characters."),
    Row("html-report", Kind.TARGET, "One-file page for people with every test, to search and to filter."),
    Row("dotenv-file", Kind.TARGET, "Outputs as `XRAY_<NAME>=` lines, for CI systems without step outputs."),
    Row("job-summary", Kind.FLAG, "Summary of the job, where the CI system has one.", "true"),
    Row("annotations", Kind.FLAG, "Annotations, where the CI system has them.", "true"),
    Row(
        "log-level", Kind.CHOICE, "How much is logged.", "info", choices=("error", "warning", "notice", "info", "debug")
    ),
)

GROUPS: Final = {
    "what": _WHAT,
    "where": _WHERE,
    "secrets": _SECRETS,
    "Test Execution": _EXECUTION,
    "around the import": _AROUND,
    "mapping": _MAPPING,
    "delivery": _DELIVERY,
    "Snapshots": _SNAPSHOTS,
    "policy": _POLICY,
    "output": _OUTPUT,
}
"""Groups in the order of the docs."""
ROWS: Final = tuple(row._replace(group=group) for group, rows in GROUPS.items() for row in rows)
BY_NAME: Final = {row.name: row for row in ROWS}

OFTEN: Final = (
    "reports",
    "project",
    "client-id",
    "client-secret",
    "jira-url",
    "jira-token",
    "test-plan",
    "test-environments",
    "fail-on",
    "html-report",
)
"""The settings that most pipelines need: the README's table, and the short help."""
