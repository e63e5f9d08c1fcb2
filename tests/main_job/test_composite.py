"""The composite action: its step is run with bash, as GitHub's runner runs it. What installs for real is a proof."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import CHECKOUT, SEALED, Result

FOLDER = CHECKOUT / "composite"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text("utf-8"))
BASH = shutil.which("bash")
RECIPE = CHECKOUT / "docs/recipes/github-composite.md"
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", RECIPE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(BASH is None and "CI" not in os.environ, reason="needs bash")


def of_the_machine():
    """Return what pip needs to reach its index here.

    This process has cleaned its own environment, so as it or its parent was started.
    """
    found = {"HTTP_PROXY": "", "HTTPS_PROXY": "", "NO_PROXY": ""}
    for process in (os.getppid(), "self"):
        path = Path(f"/proc/{process}/environ")
        texts = path.read_text("utf-8", "replace").split("\0") if path.exists() else []
        found |= {
            name.upper(): value
            for name, _, value in (text.partition("=") for text in texts)
            if name.startswith("PIP_") or name.upper() in found or name == "SSL_CERT_FILE"
        }
    return found | {"NO_PROXY": f"{SEALED['NO_PROXY']},{found['NO_PROXY']}"}


class Runner:
    """A job of GitHub's runner, as far as the action sees it."""

    def __init__(self, folder, workspace):
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.workspace = workspace
        self.output, self.summary = folder / "output", folder / "summary"
        self.path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def __call__(self, env=None, **inputs):
        """Run the action's one step; inputs by their names with underscores."""
        (step,) = ACTION["runs"]["steps"]
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= ACTION["inputs"].keys()
        mapped = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) }}", lambda match: given.get(match[1], ""), text)
            for name, text in step["env"].items()
        }
        self.output.write_text("")
        self.summary.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        runner = {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_ACTION_PATH": str(FOLDER),
            "RUNNER_TEMP": str(self.temp),
            "PATH": self.path,
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env={**SEALED, **runner, **mapped, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        return Result(code=done.returncode, out=done.stdout, err=done.stderr)

    def outputs(self):
        """Return the outputs of the action, by way of those of its step."""
        step = dict(re.findall(r"^([\w-]+)<<(?:end_\w+)\n(.*)\nend_\w+$", self.output.read_text("utf-8"), re.MULTILINE))
        return {
            name: re.sub(r"\$\{\{ steps\.xray\.outputs\.([\w-]+) }}", lambda match: step[match[1]], entry["value"])
            for name, entry in ACTION["outputs"].items()
        }

    def program(self, name, text):
        """Put a program alone on the search path."""
        folder = self.temp / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        self.path = str(folder)


@pytest.fixture
def runner(tmp_path, workspace):
    (workspace / "r.xml").write_text(
        '<testsuite name="s"><testcase classname="a" name="b"/><testcase classname="a" '
        'name="c"><failure/></testcase></testsuite>'
    )
    return Runner(tmp_path, workspace)


@pytest.fixture
def install():
    """Return composite/install.py as a module."""
    spec = importlib.util.spec_from_file_location("composite_install", FOLDER / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_python_that_is_too_old_is_ignored_and_codes_go_through(runner):
    """`python3` may be the system's old one, or the stub of a shop; the next name is tried, isolated.

    The exit code is the step's, and so is the process: signals of the runner reach it.
    """
    runner.program("python3", "exit 1")
    runner.program("made", 'echo "$@" >&2; echo $PPID; exit 4')
    runner.program("python", 'case "$2" in -c) exit 0;; *) echo "$@" >&2; printf %s "${0%python}made";; esac')

    result = runner()

    assert (4, f"{os.getpid()}\n") == (result.code, result.out)
    assert [f"-I -u -B -X utf8 {FOLDER}/install.py", f"-I -u -B {FOLDER}/../entrypoint.py"] == result.err.splitlines()


def test_a_runner_without_python_is_told_what_to_do(runner):
    """A configuration error, and the step that mends it."""
    runner.program("python3", "exit 1")

    result = runner()

    assert result.code == 2
    assert result.out.startswith("::error title=xray-ci::")
    assert "actions/setup-python" in result.out


def test_a_failed_installation_ends_the_step_with_its_code(runner):
    """xray-ci does not start with half of its packages."""
    runner.program("python3", 'case "$2" in -c) exit 0;; *) printf /bin/true; exit 7;; esac')

    assert runner().code == 7


def test_pip_is_told_where_packages_come_from_and_nothing_else(install):
    """A company's index and its way there stay.

    A job's wishes for its own packages, its Python and our secrets do not reach pip.
    """
    stays = {
        "PIP_INDEX_URL": "https://pypi.example.com/simple",
        "PIP_CERT": "ca.pem",
        "HTTPS_PROXY": "http://proxy",
        "PATH": "/bin",
        "HOME": "/home/a",
    }
    goes = dict.fromkeys(
        (
            "PIP_TARGET",
            "PIP_REQUIREMENT",
            "PIP_EDITABLE",
            "PIP_CONSTRAINT",
            "PIP_NO_BINARY",
            "PIP_USER",
            "pip_prefix",
            "PYTHONPATH",
            "PYTHONHOME",
            "INPUT_CLIENT_SECRET",
            "XRAY_CI_JIRA_TOKEN",
        ),
        "x",
    )

    assert stays | {"PIP_USER": "0"} == install.environment(stays | goes)


def test_without_the_folder_of_a_job_nothing_is_installed(install, capsysbinary):
    """Elsewhere nobody would empty it."""
    assert install.main({}) == 2
    assert b"::error title=xray-ci::RUNNER_TEMP is not set" in capsysbinary.readouterr().err


def test_the_checkout_is_compiled_once_a_job(install, tmp_path, monkeypatch):
    """For the interpreter that runs it; a folder that takes nothing is no failure."""
    package = tmp_path / "xray_ci"
    (package / "emulator").mkdir(parents=True)
    for name in ("cli.py", "emulator/server.py"):
        (package / name).write_text("VALUE = 1\n")
    monkeypatch.setattr(install, "interpreter", lambda _: sys.executable)

    install.compiled(tmp_path, package)
    install.compiled(tmp_path, tmp_path / "gone")

    made = [path.relative_to(package).as_posix() for path in package.rglob("*.pyc")]
    assert made == [f"__pycache__/cli.{sys.implementation.cache_tag}.pyc"]


def test_what_an_index_answers_is_no_command_of_the_runner(install, capsys):
    """Its lines are shown, none as it is."""
    with pytest.raises(install.Failed, match="ended with 3"):
        install._run(
            [sys.executable, "-I", "-c", "print('::error::owned'); print('##[error]owned'); raise SystemExit(3)"],
            dict(os.environ),
            "It failed",
        )

    assert capsys.readouterr().err == "| ::error::owned\n| ##[error]owned\n"


@pytest.mark.proof
def test_it_imports_in_unsafe_surroundings_and_keeps_its_environment(runner, emulator):
    """Nothing of the workspace or of a job's own pip and Python gets in; outputs come out.

    A second step of the job is quick and has its own exit code.
    """
    for name in ("yaml", "pip", "ensurepip", "venv", "sitecustomize", "json", "requests"):
        (runner.workspace / f"{name}.py").write_text("import os\nos.write(2, b'STRAY')\nraise SystemExit(99)\n")
    (runner.workspace / "constraints.txt").write_text("requests==1.0\n")
    env = of_the_machine() | {
        "PYTHONPATH": str(runner.workspace),
        "PYTHONHOME": "/nowhere",
        "PIP_TARGET": str(runner.workspace / "target"),
        "PIP_CONSTRAINT": "constraints.txt",
        "PIP_REQUIREMENT": "missing.txt",
        "PIP_NO_BINARY": ":all:",
        "PIP_USER": "1",
    }
    settings = {
        "xray_url": emulator.url,
        "client_id": "EMULATORCLIENTID0000000000000001",
        "client_secret": "emulator-secret",
        "project": "SHOP",
    }

    first = runner(env, reports="r.xml", **settings)

    assert first.code == 0, first.text
    (execution,) = emulator.executions()
    outputs = runner.outputs()
    assert (execution["key"], "2", "1") == tuple(outputs[name] for name in ("test-execution-key", "tests", "failed"))
    assert execution["key"] in runner.summary.read_text("utf-8")
    assert "STRAY" not in first.text
    assert "emulator-secret" not in re.sub(r"^::add-mask::.*$", "", first.text, flags=re.MULTILINE)
    assert not (runner.workspace / "target").exists()
    (made,) = runner.temp.glob("xray-ci-*/ready")
    moment = made.stat().st_mtime_ns

    second = runner(env | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"}, reports="none-*.xml", **settings)

    assert second.code == 3, second.text
    assert moment == made.stat().st_mtime_ns


@pytest.mark.proof
def test_an_index_out_of_reach_is_told(runner):
    """With the code for what cannot be reached, pip's own words and what to do; nothing half made is used."""
    result = runner({"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}, reports="r.xml")

    assert result.code == 7, result.text
    assert "| ERROR: No matching distribution found" in result.err
    assert "::error title=xray-ci::The packages could not be installed" in result.err
    assert [*runner.temp.glob("xray-ci-*/ready")] == []


def test_the_recipe_uses_what_there_is():
    """Its snippets are workflows or steps, and set inputs the action has."""
    assert SNIPPETS
    for snippet in SNIPPETS:
        document = yaml.safe_load(snippet)
        steps = (
            document
            if isinstance(document, list)
            else [step for job in document["jobs"].values() for step in job["steps"]]
        )
        ours = [step for step in steps if step.get("uses", "").startswith("org/xray-ci")]
        assert ours
        assert all(
            step["uses"] == "org/xray-ci/composite@v1" and step["with"].keys() <= ACTION["inputs"].keys()
            for step in ours
        )


def test_the_recipe_is_a_workflow_actionlint_takes(tmp_path):
    """Whole workflows of the recipe, as GitHub would read them."""
    program = Path(sys.executable).parent / "actionlint"
    if not program.exists() and "CI" not in os.environ:
        pytest.skip("actionlint is not installed")
    whole = [snippet for snippet in SNIPPETS if "\njobs:" in snippet]
    assert whole
    for number, snippet in enumerate(whole):
        (tmp_path / f"{number}.yml").write_text(snippet)

    done = subprocess.run(
        [str(program), "-no-color", *map(str, tmp_path.glob("*.yml"))],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
