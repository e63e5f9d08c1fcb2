"""Every kind of setting: what is read, and what is refused with which words."""

import pytest

from xray_ci.settings import kinds
from xray_ci.settings.problems import Raw, WrongValueError
from xray_ci.settings.table import BY_NAME, ROWS, Kind
from xray_ci.settings.values import MappingRules


@pytest.fixture
def read(workspace, tmp_path):
    def made(name, text, **env):
        around = kinds.ValueContext(workspace, (tmp_path / "runner",), env)
        return kinds.parse(BY_NAME[name], Raw(text, "here"), around)

    return made


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("deployment", "Cloud", "cloud"),
        ("deployment", "dc", "server"),
        ("deployment", "DataCenter", "server"),
        ("format", "xray", "xray-json"),
        ("job-summary", "Yes", True),
        ("job-summary", "off", False),
        ("job-summary", "1", True),
        ("timeout", "300", 300.0),
        ("snapshots-delay", "0.5", 0.5),
        ("snapshots-delay", "0", 0.0),
        ("batch-tests", "12", 12),
        ("evidence-max-file", "10 MB", 10_000_000),
        ("evidence-max-file", "10MiB", 10_485_760),
        ("evidence-max-file", "1.5kb", 1500),
        ("evidence-max-file", "12", 12),
        ("evidence-max-file", "0", 0),
        ("evidence-max-file", "0.3 KiB", 307),
        ("evidence-max-file", "7 B", 7),
        ("project", " SHOP ", "SHOP"),
        ("test-plan", "SHOP_2-12", ("SHOP_2-12",)),
        ("key-projects", "A1\n\nB_2\nA1", ("A1", "B_2")),
        ("test-environments", "chrome; linux\nedge;", ("chrome", "linux", "edge")),
        ("labels", "a\nb\na", ("a", "b")),
        ("reports", "**/*.xml\n!old/**\njunit=x/*", ("**/*.xml", "!old/**", "junit=x/*")),
        ("fail-on", "test-failures\nunmapped", frozenset({"test-failures", "unmapped"})),
        ("fail-on", "none", frozenset()),
        ("jira-url", "https://Jira.Example.ORG/Jira//", "https://jira.example.org/Jira"),
        ("jira-url", "http://[::1]:8080", "http://[::1]:8080"),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("timezone", "utc", "UTC"),
        ("key-pattern", r"\b([A-Z]+-\d+)\b", r"\b([A-Z]+-\d+)\b"),
        ("summary", "{workflow} #{run_number}", "{workflow} #{run_number}"),
        ("snapshot-page-ids", "1\n22", ("1", "22")),
        ("fields", '{"a":\t[1, null]}', {"a": [1, None]}),
        ("fields", "a: yes\nb: 2026-01-01\nc: true\n", {"a": "yes", "b": "2026-01-01", "c": True}),
        ("statuses", "error: ABORTED\nskipped: TO DO", {"errors": "ABORTED", "skipped": "TO DO"}),
        ("executions", "Per-Environment", "per-environment"),
        ("max-new-tests", "0", 0),
        ("scrub", "Bearer \\S+\n\n(?i)password=.+\nBearer \\S+", ("Bearer \\S+", "(?i)password=.+")),
        ("summary", "{report} on {environment}", "{report} on {environment}"),
        ("snapshots-url", "https://x.example/{page-id}/go", "https://x.example/{page-id}/go"),
        ("api-version", "2.0", "2.0"),
        ("execution-scope", "Run", "run"),
        ("execution-scope", "branch", "branch"),
        ("execution-scope", "pull_request", "pull-request"),
        ("execution-scope", "{branch} {short_commit}", "{branch} {short_commit}"),
        ("execution-scope", "Nightly {{{tag}}}", "Nightly {{{tag}}}"),
        ("on-rerun", "NEW", "new"),
        ("reconcile", "no", False),
    ],
)
def test_a_value_is_read(read, name, text, value):
    """Words in any case, blanks around dropped, lists a line each and each item once."""
    assert value == read(name, text)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("deployment", "clud", "auto, cloud, server"),
        ("job-summary", "maybe", "neither true nor false"),
        ("timeout", "0", "from 0.1"),
        ("timeout", "nan", "seconds"),
        ("timeout", "1e3", "seconds"),
        ("timeout", "-1", "seconds"),
        ("timeout", "999999", "86400"),
        ("batch-tests", "0", "from 1"),
        ("batch-tests", "1.5", "whole"),
        ("batch-tests", "\u0663", "whole"),
        ("evidence-max-file", "10 TB", "size"),
        ("evidence-max-file", "MB", "size"),
        ("evidence-max-file", "-1", "size"),
        ("project", "shop", "project key"),
        ("project", "S", "project key"),
        ("test-plan", "SHOP-0", "issue key"),
        ("test-plan", "SHOP-1\nX", "issue key"),
        ("test-plan", "SHOP-1/../2", "issue key"),
        ("labels", "two words", "label"),
        ("reports", "!a\n!b", "excludes"),
        ("fail-on", "test-failures, unmapped", "none of"),
        ("jira-url", "jira.example.org", "https://"),
        ("jira-url", "ftp://x", "https://"),
        ("jira-url", "https://u:hunter2@x", "credentials"),
        ("jira-url", "https://x?a=hunter2", "query"),
        ("jira-url", "https://x/#", "fragment"),
        ("jira-url", "https://", "host"),
        ("jira-url", "https://x:99999", "URL"),
        ("jira-url", "https://x:0", "host"),
        ("jira-url", "https://a b", "blank"),
        ("jira-url", "https://x\\@y", "character"),
        ("timezone", "Europe/Berln", "time zone"),
        ("timezone", "../etc", "time zone"),
        ("key-pattern", "(?=x)", "RE2"),
        ("key-pattern", r"(a)\1", "RE2"),
        ("key-pattern", "(", "RE2"),
        ("key-pattern", "a" * 1001, "longer"),
        ("summary", "{brnch}", "placeholder"),
        ("summary", "{", "brace"),
        ("snapshot-page-ids", "12x", "page id"),
        ("fields", "- a", "mapping"),
        ("fields", "a: [", "YAML"),
        ("fields", "a: 1\na: 2", "twice"),
        ("statuses", "pased: X", "outcome"),
        ("statuses", "passed: 1", "one text"),
        ("statuses", "error: A\nerrors: B", "twice"),
        ("statuses", "passed", "mapping"),
        ("snapshots-url", "https://x/", "page-id"),
        ("snapshots-url", "https://x/{pageid}", "placeholder"),
        ("snapshots-url", "https://x/?p={page-id}", "path"),
        ("scrub", "a\n(hunter2", "Pattern 2 is not a pattern of RE2: missing )"),
        ("scrub", "(?=hunter2)", "Pattern 1 is not"),
        ("scrub", "(hunter2)*", "empty text"),
        ("scrub", "hunter2|", "empty text"),
        ("scrub", "hunter2" * 200, "Pattern 1 is longer"),
        ("max-new-tests", "-1", "whole"),
        ("executions", "per-env", "none of single"),
        ("revision", "a\nb", "line break"),
        ("execution-scope", "brnach", "names no placeholder"),
        ("execution-scope", "nightly {{branch}}", "names no placeholder"),
        ("execution-scope", "{tests}", "placeholder"),
        ("execution-scope", "{date}", "placeholder"),
        ("execution-scope", "{", "brace"),
        ("execution-scope", "{branch}\n{job}", "line break"),
        ("on-rerun", "both", "none of reuse"),
        ("http-headers", "X-A", "Name: value"),
        ("http-headers", "X A: b", "Name: value"),
        ("http-headers", "X-A: b\nx-a: c", "twice"),
        ("http-headers", "Authorization: Bearer hunter2", "made by xray-ci"),
        ("http-headers", "X-A: \u00fc", "Name: value"),
        ("client-secret", "a\nb", "line break"),
        ("client-secret", " a", "blank"),
        ("snapshot-urls", "https://u@x", "credentials"),
        ("summary", "\udcff", "UTF-8"),
        ("ca-bundle", "no.pem", "no file"),
        ("ca-bundle", ".", "no file"),
        ("ca-bundle", "a\0b", "line break"),
    ],
)
def test_a_wrong_value_is_refused(read, name, text, words):
    """The words say what is wrong; what may be secret is not among them."""
    with pytest.raises(WrongValueError) as caught:
        read(name, text)

    assert words in caught.value.what
    assert "hunter2" not in caught.value.what + caught.value.advice


def test_lookaround_is_explained(read):
    """A pattern that Python takes and RE2 does not gets its reason."""
    with pytest.raises(WrongValueError) as caught:
        read("key-pattern", "(?<=x)y")

    assert "bounded time" in caught.value.advice


def test_headers_hide_their_values(read):
    """Names are shown, values are secrets."""
    headers = read("http-headers", "CF-Access-Client-Id: abcdef\n\n X-Gate:open sesame ")

    assert [(name, value.reveal()) for name, value in headers] == [
        ("CF-Access-Client-Id", "abcdef"),
        ("X-Gate", "open sesame"),
    ]
    assert "sesame" not in repr(headers)


@pytest.mark.parametrize("path", ["result.json", "out/result.json", "../runner/result.json"])
def test_files_are_written_in_the_workspace_or_the_runners_temp_folder(read, workspace, tmp_path, path):
    """Both are where a pipeline looks for them."""
    (tmp_path / "runner").mkdir()

    assert workspace / path == read("result-file", path)


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".", "link", "linked/x", "folder"])
def test_files_are_written_nowhere_else(read, workspace, path):
    """Not above, not through a link that a pull request brought, not over a folder."""
    (workspace / "link").symlink_to("/etc/xray-ci-result")
    (workspace / "linked").symlink_to("/etc")
    (workspace / "folder").mkdir()

    with pytest.raises(WrongValueError):
        read("result-file", path)


@pytest.mark.parametrize("path", ["state", "deep/state", "there", "../runner", "../runner/state"])
def test_the_state_folder_is_in_the_workspace_or_the_runners_temp_folder(read, workspace, tmp_path, path):
    """It may exist, and be the temp folder itself, which a job has for itself."""
    (tmp_path / "runner").mkdir()
    (workspace / "there").mkdir()

    assert workspace / path == read("state-dir", path)


@pytest.mark.parametrize("path", ["..", "/etc", ".", "link", "link/x", "loop", "file", "file/x"])
def test_the_state_folder_is_nowhere_else(read, workspace, path):
    """Not the workspace itself, where everything is a report's to name; not behind a link that leads out.

    Not a file.
    """
    (workspace / "link").symlink_to("/etc")
    (workspace / "loop").symlink_to("loop")
    (workspace / "file").write_text("x")

    with pytest.raises(WrongValueError):
        read("state-dir", path)


def test_a_misspelt_scope_is_told_what_it_nearly_was(read):
    """It would be the one Test Execution of every run there will ever be."""
    with pytest.raises(WrongValueError) as caught:
        read("execution-scope", "brnach")

    assert caught.value.advice == "Did you mean `branch`?"


def test_files_to_read_are_found_from_the_workspace(read, workspace):
    """A relative path starts there, whatever the working directory is."""
    (workspace / "ca.pem").write_text("x")

    assert workspace / "ca.pem" == read("ca-bundle", "ca.pem")


def test_snapshots_are_macros_and_pages_with_their_keys(read):
    """Keys are text in a variable, or the name of a variable; nothing of it shows itself."""
    targets = read(
        "snapshots",
        "- {url: 'https://x.example/a?b=c', api-key: first-key}\n"
        "- {page-id: 12, api-key-env: KEY, bearer-token: token-of-dc}",
        KEY="second-key",
    )

    assert [target.api_key.reveal() for target in targets] == ["first-key", "second-key"]
    assert [target.page_id for target in targets] == [None, "12"]
    assert targets[0].url.reveal() == "https://x.example/a?b=c"
    assert "key" not in repr(targets).replace("api_key", "")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[x]",
        "- {url: 'https://x', page-id: 1, api-key: hunter2}",
        "- {api-key: hunter2}",
        "- {url: 'https://x'}",
        "- {page-id: hunter2, api-key: a}",
        "- {page-id: 1, apikey: hunter2}",
        "- {page-id: 1, api-key-env: NOWHERE}",
        "- {page-id: 1, api-key-env: $X}",
        "- {page-id: 1, api-key: [hunter2]}",
        '- {page-id: 1, api-key: "hunter2\\nx"}',
        "- *hunter2",
        "- !hunter2 x",
        "- {page-id: 1, api-key: a, api-key-env: B}",
        "hunter2: [",
        "- {url: 'ftp://hunter2', api-key: a}",
    ],
)
def test_a_wrong_snapshot_is_refused_without_its_text(read, text):
    """The item's number is enough to find it."""
    with pytest.raises(WrongValueError) as caught:
        read("snapshots", text)

    assert "hunter2" not in caught.value.what + caught.value.advice


def test_every_kind_reads_its_default(workspace):
    """A default is read as if the user had written it, so none can be of the wrong kind."""
    around = kinds.ValueContext(workspace, (), {})
    for row in ROWS:
        assert row.default is None or kinds.parse(row, Raw(row.default, "default"), around) is not None, row.name
        assert kinds.empty(row) in (None, (), frozenset(), {}, MappingRules())
    assert {row.kind for row in ROWS} == {*Kind}
