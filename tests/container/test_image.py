"""The image on a real engine: what it is, and that it runs as each CI system runs it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from urllib.request import urlopen

import pytest

import xray_ci

pytestmark = pytest.mark.container
HOST = ("--network", "host", "--pull", "never")
ALONE = ("run", "--rm", "--network", "none", "--pull", "never")


def executions(services: str) -> int:
    """Count the imports the stand-in answered."""
    with urlopen(f"{services}/__emulator__/requests") as answer:
        log = json.load(answer)
    entries = log if isinstance(log, list) else log["requests"]
    return sum("/import/execution" in entry["path"] for entry in entries)


def on_github(engine, checkout, settings, **more):
    """Run the image exactly as GitHub's runner runs a container action."""
    for name in ("home", "workflow", "runner_temp"):
        (checkout.folder / name).mkdir(exist_ok=True)
    for name in ("set_output", "step_summary", "set_env"):
        checkout.write(f"file_commands/{name}_5b1d", "")
    checkout.hand_over()
    env = {f"INPUT_{name.upper()}": value for name, value in settings.items()}
    env |= {"HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_REPOSITORY": "shop/cart", "GITHUB_RUN_ID": "77", "GITHUB_RUN_NUMBER": "7", "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW": "Tests", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": "a" * 40,
            "GITHUB_SERVER_URL": "https://github.com", "RUNNER_TEMP": "/github/runner_temp", "RUNNER_OS": "Linux",
            "GITHUB_OUTPUT": "/github/file_commands/set_output_5b1d",
            "GITHUB_STEP_SUMMARY": "/github/file_commands/step_summary_5b1d", **more}
    mounts = [part for name in ("workspace", "home", "workflow", "file_commands", "runner_temp")
              for part in ("-v", f"{checkout.folder / name}:/github/{name}")]
    return engine("run", "--name", "action_5b1d", "--workdir", "/github/workspace", "--rm", *engine.passed(env), *HOST, *mounts,
                  engine.image, env=env, code=None)


def test_it_says_the_version_of_its_label(engine):
    """`--version`, the label and the package name one version."""
    printed = engine(*ALONE, engine.image, "--version").stdout

    assert f"xray-ci {engine.label('version')}\n" == f"xray-ci {xray_ci.__version__}\n" == printed
    assert "MIT" == engine.label("licenses")


def test_it_is_small(engine, capsys):
    """The image adds less than 100 MB to its base."""
    size, base = (int(engine("image", "inspect", "--format", "{{.Size}}", name).stdout)
                  for name in (engine.image, engine.label("base.name")))

    with capsys.disabled():
        print(f"\nimage: {size / 1e6:.0f} MB, of it {(size - base) / 1e6:.0f} MB above its base")  # noqa: T201
    assert size - base < 100_000_000


def test_it_can_install_nothing(engine):
    """No pip is in the image, neither for its own Python nor for the base's."""
    script = "for python in python3 /opt/xray-ci/bin/python; do $python -m pip --version && exit 1; done; exit 0"

    engine(*ALONE, "--entrypoint", "sh", engine.image, "-c", script)


def test_github_runs_it(engine, checkout, settings, services):
    """As a container action: a Test Execution, outputs, a job summary, and files that belong to the workspace's owner."""
    before = executions(services)

    done = on_github(engine, checkout, settings)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert 1 == executions(services) - before
    outputs = (checkout.folder / "file_commands/set_output_5b1d").read_text(encoding="utf-8")
    assert re.search(r"^test-execution-key(=|<<.*\n)SHOP-\d+$", outputs, re.MULTILINE)
    assert "SHOP-" in (checkout.folder / "file_commands/step_summary_5b1d").read_text(encoding="utf-8")
    made = {path.name: path.stat().st_uid for path in checkout.workspace.rglob("*")}
    assert {checkout.owner} == set(made.values())
    assert "xray-result.json" in made
    shown = re.sub(r"^::add-mask::.*$", "", done.stdout + done.stderr, flags=re.MULTILINE)
    assert "emulator-secret" not in shown
    assert not re.search(r"^\s*::error::refused", done.stdout, re.MULTILINE)


def test_modules_of_the_workspace_are_not_imported(engine, checkout, settings):
    """A yaml.py in the checkout, with PYTHONPATH pointing at it, never runs next to the secrets."""
    for name in ("yaml", "requests", "json", "sitecustomize", "xray_ci"):
        checkout.write(f"workspace/{name}.py", "import os\nos.write(2, b'STRAY')\nraise SystemExit(99)\n")

    done = on_github(engine, checkout, settings, PYTHONPATH="/github/workspace", PYTHONSTARTUP="/github/workspace/yaml.py")

    assert 0 == done.returncode
    assert "STRAY" not in done.stdout + done.stderr


def test_a_misspelt_input_stops_it(engine, checkout, settings):
    """A wrong input name ends the step with code 2 and names the right one."""
    done = on_github(engine, checkout, {**settings, "test-plam": "SHOP-2"})

    assert 2 == done.returncode
    assert "test-plan" in done.stdout + done.stderr


def test_gitlab_runs_it(engine, checkout, variables):
    """As a GitLab job: the script is piped into a shell, and the outputs are in the dotenv file."""
    variables |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": "/builds/shop/cart", "XRAY_CI_DOTENV_FILE": "xray.env"}

    engine("run", "-i", "--rm", *HOST, "--entrypoint", "", *engine.passed(variables), "-v", f"{checkout.workspace}:/builds/shop/cart",
           engine.image, "sh", stdin="cd /builds/shop/cart && xray-ci import && . ./xray.env && echo $XRAY_TEST_EXECUTION_KEY\n",
           env=variables)

    assert "XRAY_TEST_EXECUTION_KEY=SHOP-" in (checkout.workspace / "xray.env").read_text(encoding="utf-8")


def test_jenkins_runs_it(engine, checkout, variables):
    """As a Jenkins stage: a container that idles as the agent's user, who is in no passwd, and the command by exec."""
    variables |= {"JENKINS_URL": "https://jenkins.example/", "BUILD_NUMBER": "7", "WORKSPACE": str(checkout.workspace)}
    place = str(checkout.workspace)
    container = engine("run", "-t", "-d", "-u", f"{checkout.owner}:{checkout.owner}", "--entrypoint=", *HOST, "-w", place, "-v",
                       f"{place}:{place}:rw,z", *engine.passed(variables), engine.image, "cat", env=variables).stdout.strip()
    try:
        done = engine("exec", *engine.passed(variables), container, "sh", "-c", "xray-ci import", env=variables)
    finally:
        engine("rm", "--force", container)

    assert "SHOP-" in done.stdout
    assert checkout.owner == (checkout.workspace / "xray-result.json").stat().st_uid


def test_any_user_can_run_it_on_a_read_only_system(engine, checkout, variables):
    """A random user without home, on a read-only root with a temporary folder, imports."""
    del variables["XRAY_CI_RESULT_FILE"]  # this user may not write into the workspace

    engine("run", "--rm", *HOST, "--read-only", "--tmpfs", "/tmp", "-u", "54321:54321", "-e", "HOME=/nowhere", *engine.passed(variables),
           "-v", f"{checkout.workspace}:/workspace", "-w", "/workspace", engine.image, env=variables)


def test_a_read_only_system_needs_no_temporary_folder_to_inspect(engine, checkout):
    """Reading reports writes nothing anywhere."""
    done = engine(*ALONE, "--read-only", "-u", "54321:54321", "-e", "HOME=", "-v", f"{checkout.workspace}:/workspace:ro",
                  "-w", "/workspace", engine.image, "inspect", "--json", "--reports", "reports/*.xml")

    assert (3, 1, 1, 1) == tuple(json.loads(done.stdout)[name] for name in ("tests", "passed", "failed", "skipped"))


def test_termination_is_answered_as_the_first_process(engine, checkout, variables):
    """SIGTERM during an import ends process 1 with 143, says what was sent, and shows no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables["XRAY_CI_XRAY_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        container = engine("run", "-d", *HOST, *engine.passed(variables), "-v", f"{checkout.workspace}:/workspace", "-w", "/workspace",
                           engine.image, env=variables).stdout.strip()
        asked, _ = silent.accept()
        engine("kill", "--signal", "TERM", container)
        code = engine("wait", container).stdout.strip()
        asked.close()
    said = engine("logs", container)
    engine("rm", container)

    assert "143" == code
    assert "Traceback" not in said.stdout + said.stderr
    assert "emulator-secret" not in said.stdout + said.stderr


def test_the_demo_runs_without_any_network(engine):
    """`docker run IMAGE demo` shows the whole job with no account, no configuration and no network."""
    done = engine(*ALONE, engine.image, "demo")

    assert re.search(r"SHOP-\d+", done.stdout)


def test_the_emulator_ends_when_told(engine):
    """The stand-in says its address first and ends on SIGTERM as process 1."""
    container = engine("run", "-d", "--network", "none", "--pull", "never", engine.image, "emulator", "--port", "0").stdout.strip()
    with subprocess.Popen(["docker", "logs", "--follow", container], stdout=subprocess.PIPE, encoding="utf-8",
                          env=dict(os.environ)) as log:
        assert log.stdout
        address = log.stdout.readline().strip()
        engine("stop", "--time", "20", container)
    code = engine("wait", container).stdout.strip()
    engine("rm", container)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert code in {"0", "143"}
