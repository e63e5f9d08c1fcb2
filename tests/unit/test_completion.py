"""Completion: every word is of the tables, and shells really complete with it."""

import os
import shutil
import subprocess

import pytest

from xray_ci.completion import SHELLS, flags, script
from xray_ci.settings import flags as parser
from xray_ci.settings.commands import COMMANDS
from xray_ci.settings.table import BY_NAME

# What readline does: it fills COMP_WORDS, calls the function, and shows COMPREPLY.
COMPLETE = """
source ./script
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_xray_ci
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
"""


def ran(command, folder):
    done = subprocess.run(
        command, cwd=folder, env={"PATH": os.defpath, "HOME": str(folder)}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def bash(tmp_path):
    """Complete words in bash."""
    (tmp_path / "script").write_text(script("bash"))
    (tmp_path / "results").mkdir()
    (tmp_path / "a b.xml").touch()
    return lambda *words: ran(["bash", "-c", COMPLETE, "bash", "xray-ci", *words], tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_that_is_offered_is_taken(name):
    """And no secret is: it has no flag."""
    for flag in flags(COMMANDS[name]):
        values = [] if flag.takes == "nothing" else ["1"]
        assert name == parser.parse([name, flag.name, *values]).command, flag.name
    assert [
        row.name
        for row in BY_NAME.values()
        if row.secret and f"--{row.name}" in {flag.name for flag in flags(COMMANDS[name])}
    ] == []


def test_bash_completes_commands(bash):
    """At the start, of all of them or those that begin so."""
    assert [*dict.fromkeys(name.split()[0] for name in COMMANDS)] == bash("")
    assert bash("i") == ["import", "inspect", "init"]


def test_bash_completes_the_second_word_of_a_command(bash):
    """And then the flags of both words together."""
    assert bash("features", "") == ["export", "import"]
    assert bash("features", "ex") == ["export"]
    assert bash("features", "export", "--jq") == ["--jql"]
    assert bash("import", "--jq") == []
    assert bash("features", "import", "a") == ["a b.xml"]


def test_bash_completes_flags_of_the_command(bash):
    """Of the one that stands there, wherever it stands; without one of `import`."""
    assert bash("inspect", "--js") == ["--json"]
    assert bash("import", "--js") == []
    assert bash("--dry-run", "import", "--test-") == [
        "--test-execution",
        "--test-plan",
        "--test-environments",
        "--test-fields",
        "--test-folder",
        "--test-sets",
        "--test-type",
    ]
    assert bash("--ver") == ["--version"]
    assert bash("--no-dr") == ["--no-dry-run"]


def test_bash_completes_choices_in_both_spellings(bash):
    """`--format x` is two words and `--format=x` three."""
    assert ["junit"] == bash("import", "--format", "ju") == bash("import", "--format", "=", "ju")
    assert ["global", "us", "eu", "au"] == bash("import", "--region", "=") == bash("import", "--region", "")
    assert bash("import", "--execution-scope", "") == ["run", "branch", "pull-request"]


def test_bash_completes_files_and_folders(bash):
    """Where a flag, or a word, is a path; names with blanks whole."""
    assert ["a b.xml"] == bash("import", "--reports", "a") == bash("migrate", "a")
    assert bash("import", "--state-dir", "") == ["results"]


def test_bash_makes_nothing_up(bash):
    """A value that nobody can guess has no completion, nor has a word that belongs nowhere."""
    assert bash("import", "--project", "") == []
    assert bash("import", "x") == []


def test_bash_on_another_shells_version():
    """Nothing of bash 4: macOS has 3.2."""
    assert not {"mapfile", "readarray", "declare -A", "${cur,,}"} & set(script("bash").split())


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_of_its_shell(shell, tmp_path):
    """The shell itself finds no mistake in it."""
    if not shutil.which(shell, path=os.defpath + ":/usr/bin"):
        pytest.skip(f"no {shell} on this machine")
    (tmp_path / "script").write_text(script(shell))
    assert ran([shell, "-n", "script"], tmp_path) == []


@pytest.mark.skipif(not shutil.which("fish", path="/usr/bin:/bin"), reason="no fish on this machine")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("xray-ci i", ["import", "init", "inspect"]),
        ("xray-ci inspect --js", ["--json"]),
        ("xray-ci import --region e", ["eu"]),
        ("xray-ci import --format=ju", ["--format=junit"]),
        ("xray-ci import --js", []),
        ("xray-ci --dry", ["--dry-run"]),
        ("xray-ci features ", ["export", "import"]),
        ("xray-ci features export --jq", ["--jql"]),
    ],
)
def test_fish_completes(line, words, tmp_path):
    """As a person at the key would see it."""
    (tmp_path / "script").write_text(script("fish"))
    lines = ran(["fish", "--no-config", "-c", f"source ./script; complete -C '{line}'"], tmp_path)
    assert words == sorted(each.split("\t")[0] for each in lines)


@pytest.mark.skipif(not shutil.which("zsh", path="/usr/bin:/bin"), reason="no zsh on this machine")
@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("'' ", "describe command described"),
        ("inspect ''", "--json"),
        ("--dry-run import --project ''", "--project="),
        ("migrate ''", "1:file:_files"),
        ("--project ''", "--project="),
        ("features ''", "1:word:(export import)"),
        ("features export ''", "--jql="),
    ],
)
def test_zsh_asks_for_what_stands_there(words, asked, tmp_path):
    """The right specifications reach zsh's own functions; the command is taken out of the words."""
    (tmp_path / "script").write_text(script("zsh"))
    code = f"""compdef() {{ : }}; _describe() {{ print -r describe $* }}; _arguments() \
{{ print -rl -- $* ; print -r "words: $words" }}
    source ./script; words=(xray-ci {words}); CURRENT=$#words; _xray_ci"""
    lines = ran(["zsh", "-f", "-c", code], tmp_path)
    assert any(asked in line for line in lines)
    assert not any("words:" in line and ("import" in line or "inspect" in line) for line in lines)


@pytest.mark.parametrize("words", [["bash"], ["--shell", "bash"], ["--shell=bash"]])
def test_the_command_prints_the_script(words, run):
    """`xray-ci completion bash`, nothing else on either output."""
    done = run("completion", *words)
    assert (0, script("bash"), "") == (done.code, done.out, done.err)


@pytest.mark.parametrize("words", [[], ["tcsh"]])
def test_a_shell_that_is_not_known_is_wrong_usage(words, run):
    """With those that are."""
    done = run("completion", *words)
    assert done.code == 2
    assert all(shell in done.err for shell in SHELLS)


def test_bash_completes_shells(bash):
    """After its own command."""
    assert bash("completion", "b") == ["bash"]


def test_the_help_of_a_command_fits_the_terminal(run):
    """COLUMNS says how wide it is."""
    wide, usual = (run("import", "--help", env=env).out for env in ({"COLUMNS": "120"}, {}))
    assert len(wide.splitlines()) < len(usual.splitlines())
