"""Where settings come from: precedence, spelling, unknown names, files of secrets, config files and their trust."""

import pytest

from xray_ci.errors import ConfigurationError
from xray_ci.settings import config, problems

CLOUD = {"XRAY_CI_CLIENT_ID": "an-id-of-cloud", "XRAY_CI_CLIENT_SECRET": "a-secret-of-cloud"}


@pytest.fixture
def load(workspace):
    def made(flags=None, env=None, *, command="import", github=False, file=None):
        if file is not None:
            (workspace / ".xray-ci.yml").write_text(file)
        return config.load(flags or {}, {**CLOUD, **(env or {})}, workspace, command=command, github=github)

    return made


@pytest.fixture
def refused(load):
    def made(*args, **kwargs):
        with pytest.raises(ConfigurationError) as caught:
            load(*args, **kwargs)
        return {problem.where: problem for problem in caught.value.problems}

    return made


def test_each_source_outvotes_the_next(load):
    """A flag wins over an input, that over a variable, that over the config file, that over the default."""
    file = "reports: [file.xml]\nproject: FILE\ntest-type: File\ncomments: all\nunmapped: skip\n"
    variables = {
        f"XRAY_CI_{name}": value for name, value in (("PROJECT", "VAR"), ("TEST_TYPE", "Var"), ("COMMENTS", "none"))
    }
    inputs = {"INPUT_PROJECT": "INP", "INPUT_TEST-TYPE": "Input"}

    found = load({"project": "FLAG"}, variables | inputs, file=file)

    assert (found.project, found.test_type, found.comments, found.unmapped, found.repeats) == (
        "FLAG",
        "Input",
        "none",
        "skip",
        "worst",
    )


def test_every_value_knows_its_origin(load):
    """Origins are named as the user knows them: flag, variable, file with line and column, or default."""
    found = load(
        {"project": "SHOP"}, {"INPUT_TEST-PLAN": "SHOP-2", "XRAY_CI_REVISION": "abc"}, file="\nreports: a.xml\n"
    )

    origins = [found.origin(name) for name in ("project", "test-plan", "revision", "reports", "repeats", "test_plan")]

    assert origins == [
        "--project",
        "INPUT_TEST-PLAN",
        "XRAY_CI_REVISION",
        ".xray-ci.yml:2:1",
        "default",
        "INPUT_TEST-PLAN",
    ]


@pytest.mark.parametrize("name", ["INPUT_TEST-PLAN", "INPUT_TEST_PLAN"])
def test_inputs_are_read_with_hyphens_and_with_underscores(load, name):
    """GitHub keeps hyphens in the names of inputs, other runners do not."""
    assert load({"reports": "a"}, {name: "SHOP-2"}).test_plan == ("SHOP-2",)


def test_empty_is_not_set(load):
    """An empty input or variable leaves the word to the next source."""
    found = load(
        {"reports": "a"},
        {"INPUT_PROJECT": "", "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_NO_SUCH_THING": "", "XRAY_CI_FIX_VERSION": " "},
    )

    assert (found.project, found.fix_version) == ("SHOP", ())


def test_unknown_names_are_named_with_the_nearest(refused):
    """A misspelt variable, input or key is an error that says what was probably meant."""
    found = refused({}, {"XRAY_CI_TSET_PLAN": "A-1", "INPUT_REPROTS": "x"}, github=True, file="summry: x\n")

    assert "`test-plan`" in found["XRAY_CI_TSET_PLAN"].next
    assert "`reports`" in found["INPUT_REPROTS"].next
    assert "`summary`" in found[".xray-ci.yml:1:1"].next
    assert {problems.UNKNOWN, problems.MISSING} == {problem.slug for problem in found.values()}


def test_unknown_inputs_are_mistakes_only_on_github(load):
    """Elsewhere variables that begin with INPUT_ belong to others; on GitHub the runner's own two are not settings."""
    assert load({}, {"INPUT_FOO": "x", "INPUT_REPORTS": "a"}).reports == ("a",)
    assert load({}, {"INPUT_ARGS": "x", "INPUT_ENTRYPOINT": "y", "INPUT_REPORTS": "a"}, github=True).reports == ("a",)


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"from-a-file\n", "from-a-file"), (b"from-a-file\r\n", "from-a-file"), (b"from-a-file", "from-a-file")],
)
def test_a_secret_may_come_from_a_file(load, tmp_path, content, secret):
    """`XRAY_CI_<NAME>_FILE` names a file whose one trailing line break is dropped."""
    (tmp_path / "token").write_bytes(content)

    found = load(
        {"reports": "a"},
        {
            "XRAY_CI_HTTP_HEADERS": "X-A: b",
            "XRAY_CI_SNAPSHOT_API_KEY_FILE": str(tmp_path / "token"),
            "XRAY_CI_SNAPSHOT_PAGE_IDS": "12",
        },
    )

    assert secret == found.snapshots[0].api_key.reveal()
    assert found.origin("snapshot-api-key") == "XRAY_CI_SNAPSHOT_API_KEY_FILE"


@pytest.mark.parametrize("path", ["/no/such/file-of-a-secret", "secret\0path", "."])
def test_an_unreadable_file_of_a_secret_names_the_variable_alone(refused, path):
    """Neither path nor content is shown: the secret itself is sometimes put where the path belongs."""
    found = refused({"reports": "a"}, {"XRAY_CI_JIRA_TOKEN_FILE": path})

    assert {"XRAY_CI_JIRA_TOKEN_FILE"} == {*found}
    assert path not in found["XRAY_CI_JIRA_TOKEN_FILE"].what.replace("file that", "")


def test_a_secret_and_its_file_together_are_refused(refused, tmp_path):
    """Which of both would count is not guessed."""
    (tmp_path / "id").write_text("other")

    found = refused({"reports": "a"}, {"XRAY_CI_CLIENT_ID_FILE": str(tmp_path / "id")})

    assert found["XRAY_CI_CLIENT_ID_FILE"].slug == problems.CONFLICT


def test_only_secrets_come_from_files(refused):
    """`XRAY_CI_PROJECT_FILE` is an unknown variable, and says which one is near."""
    assert "`project`" in refused({"reports": "a"}, {"XRAY_CI_PROJECT_FILE": "x"})["XRAY_CI_PROJECT_FILE"].next


def test_a_found_file_sets_only_what_is_read_and_how_it_maps(refused):
    """A pull request can change a file in the workspace: it may not send secrets elsewhere or change the verdict."""
    found = refused(
        {"reports": "a"},
        file="project: SHOP\nxray-url: https://evil.example\nfail-on: []\nattachments: all\n"
        "result-file: x\nsnapshots: [{page-id: 1, api-key-env: CLIENT_SECRET}]\n",
    )

    assert {f".xray-ci.yml:{line}:1" for line in (2, 3, 4, 5, 6)} == {*found}
    assert {problems.UNTRUSTED} == {problem.slug for problem in found.values()}
    assert "config: .xray-ci.yml" in found[".xray-ci.yml:2:1"].next


def test_a_named_file_sets_everything_but_secrets(load, workspace):
    """The same file, named by `config`, may say where things go."""
    (workspace / "ci.yml").write_text(
        "reports: [a, b]\nxray-url: https://xray.example/base/\njob-summary: no\n"
        "fail-on: [unmapped]\nbatch-tests: 5\nfields: {customfield_1: [x, {id: 007}]}\n"
    )

    found = load({"config": "ci.yml"})

    assert (found.xray_url, found.job_summary, found.batch_tests) == ("https://xray.example/base", False, 5)
    assert frozenset({"unmapped"}) == found.fail_on
    assert found.fields == {"customfield_1": ["x", {"id": "007"}]}
    assert workspace / "ci.yml" == found.config


@pytest.mark.parametrize("named", [True, False])
def test_a_secret_in_any_config_file_is_refused_without_being_shown(refused, named):
    """The error names the variable to use and tells to replace the secret."""
    found = refused(
        {"reports": "a", "config": ".xray-ci.yml" if named else None}, file="client-secret: pasted-by-mistake\n"
    )

    assert found[".xray-ci.yml:1:1"].slug == problems.OPEN_SECRET
    assert "pasted" not in repr([(one.what, one.next) for one in found.values()])


def test_a_link_in_the_workspace_is_no_config_file(refused, workspace, tmp_path):
    """A pull request could link to a file whose content would show up in errors."""
    (tmp_path / "outside").write_text("root: x\n")
    (workspace / ".xray-ci.yml").symlink_to(tmp_path / "outside")

    assert "not a regular file" in refused({"reports": "a"})[".xray-ci.yml"].what


@pytest.mark.parametrize(
    ("file", "where", "words"),
    [
        ("reports: a\nreports: b\n", "2:1", "twice"),
        ("- a\n", "1:1", "mapping"),
        ("a: [\n", "2:1", "YAML"),
        ("fields: !!python/object:os.system x\n", "1:9", "tag"),
        ("a: &x 1\n---\nb: 2\n", "2:1", "one document"),
        ("reports: " + "[" * 60, "1:49", "nested"),
        ("x: \x01", "1:4", "character"),
        ("reports: *a\n", "1:10", "alias"),
    ],
)
def test_a_broken_file_says_where(refused, file, where, words):
    """Line and column, the cause, and nothing about settings that may stand in the part nobody could read."""
    found = refused({}, file=file)

    assert [f".xray-ci.yml:{where}"] == [*found]
    assert words in found[f".xray-ci.yml:{where}"].what


def test_every_wrong_value_of_a_file_is_named_with_its_place(refused):
    """Errors of the schema come all at once, at the value that breaks it, and a wrong value is not called missing."""
    found = refused({}, file="reports: {a: 1}\nstatuses: {passed: [x]}\ncomments: some\nlabels:\n  - [x]\n")

    assert {".xray-ci.yml:1:10", ".xray-ci.yml:2:20", ".xray-ci.yml:3:11", ".xray-ci.yml:5:5"} == {*found}
    assert "failed, all, none" in found[".xray-ci.yml:3:11"].what


def test_numbers_in_a_file_keep_their_text(load):
    """A revision 1.10 is not 1.1, and a version 2.0 is not 2."""
    assert load(file="reports: a\ntest-type: 1.10\n").test_type == "1.10"


@pytest.mark.parametrize("size", [4_000_001, 9_000_000])
def test_a_huge_file_is_refused(refused, workspace, size):
    """More than a configuration needs is not read to its end."""
    (workspace / ".xray-ci.yml").write_bytes(b"# " + b"x" * size)

    assert "larger" in refused({"reports": "a"})[".xray-ci.yml:1:1"].what


def test_a_named_file_that_is_missing_is_an_error(refused):
    """Unlike the default file, whose absence says nothing."""
    assert "no config file" in refused({"reports": "a", "config": "no.yml"})["--config"].what


@pytest.mark.parametrize("name", ["command", "config"])
def test_what_is_decided_before_cannot_stand_in_the_file(refused, name):
    """`command` and `config` are read before the file."""
    assert refused({"reports": "a"}, file=f"{name}: plan\n")[".xray-ci.yml:1:1"].slug == problems.USAGE


@pytest.mark.parametrize(
    ("parsed", "env", "command"),
    [
        ("plan", {"INPUT_COMMAND": "convert"}, "plan"),
        (None, {"INPUT_COMMAND": "convert", "XRAY_CI_COMMAND": "plan"}, "convert"),
        (None, {"XRAY_CI_COMMAND": "inspect"}, "inspect"),
        (None, {"INPUT_COMMAND": ""}, "import"),
    ],
)
def test_the_command_comes_from_the_command_line_else_the_environment(parsed, env, command):
    """Without both it is import."""
    assert command == config.command(parsed, env)


@pytest.mark.parametrize(("word", "slug"), [("imprt", problems.UNKNOWN), ("features", problems.UNKNOWN)])
def test_an_unknown_command_in_the_environment_is_named(word, slug):
    """With its variable."""
    with pytest.raises(ConfigurationError) as caught:
        config.command(None, {"INPUT_COMMAND": word})

    assert ("INPUT_COMMAND", slug) == (caught.value.where, caught.value.slug)
