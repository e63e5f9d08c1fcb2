"""What is written on the pages of docs/recipes.

Its blocks by their marks, and a machine that runs the shell lines of them.

On the machine `xray-ci` is the checkout's; what installs or wraps it (pip, pipx, uvx, Buildkite's agent) is replaced
that refuses whatever the real one would not take that way.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import CHECKOUT, ENTRYPOINT, SEALED
from job_runs import CLOUD, case, suite

PAGES = CHECKOUT / "docs" / "recipes"
CI = CHECKOUT / "tests" / "data" / "ci"
_BLOCK = re.compile(r"^<!-- (\w+): (\S+) -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_STAND_INS = {
    "xray-ci": f'exec {sys.executable} -I -u -B {ENTRYPOINT} "$@"',
    "pip": '[ "$*" = "install --quiet xray-ci" ]',
    "python": '[ "$*" = "-m pip install xray-ci" ]',
    "pipx": '[ "$1 $2" = "run xray-ci" ] && shift && exec "$@"',
    "pytest": '[ "$*" = "@tests.txt --junit-xml results/pytest.xml" ] && [ -s tests.txt ] && ./run-tests',
    "uvx": '[ "$1" = xray-ci ] && exec "$@"',
    "buildkite-agent": """case "$1 $2" in
"artifact download") [ "$4" = . ] ;;
"meta-data set") printf %s "$4" > "$AGENT/$3" ;;
"meta-data get") cat "$AGENT/$3" ;;
"annotate --context") cat > "$AGENT/annotation-$3" ;;
*) exit 64 ;;
esac""",
}
REPORT = suite("a", case("adds"), case("removes", '<failure message="boom">trace</failure>'))


def blocks(page):
    """Return the marked blocks of a page: (kind, name) → (language, text)."""
    return {(kind, name): (language, text) for kind, name, language, text in _BLOCK.findall((PAGES / page).read_text())}


def block(page, kind, name):
    """Return the text of one block; YAML comes parsed."""
    language, text = blocks(page)[kind, name]
    return yaml.safe_load(text) if language == "yaml" else text


class Machine:
    """A CI system's machine: a workspace where tests fail when they run, and an environment to which steps add."""

    def __init__(self, folder, provider, **env):
        self.workspace, self.temp, self.agent, home = (folder / name for name in ("workspace", "temp", "agent", "home"))
        for made in (self.workspace, self.temp, self.agent, home / ".config" / "xray", folder / "bin"):
            made.mkdir(parents=True)
        for name, text in (
            ("id", CLOUD["XRAY_CI_CLIENT_ID"]),
            ("secret", CLOUD["XRAY_CI_CLIENT_SECRET"]),
            ("token", "emulator-pat"),
        ):
            (home / ".config" / "xray" / name).write_text(f"{text}\n")
        for name, code in _STAND_INS.items():
            _script(folder / "bin" / name, code)
        (folder / "report.xml").write_text(REPORT)
        _script(self.workspace / "run-tests", f"mkdir -p results && cp {folder}/report.xml results/TEST-a.xml; exit 1")
        (example, *_) = json.loads((CI / f"{provider}.json").read_text())
        self.env = {
            **SEALED,
            **example["env"],
            "PATH": f"{folder / 'bin'}:{SEALED['PATH']}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "AGENT": str(self.agent),
            **env,
        }

    def sh(self, script, shell=("bash", "-eo", "pipefail", "-c"), **env):
        """Run the lines of a step; return its exit code and everything it printed."""
        done = subprocess.run(
            [*shell, script],
            cwd=self.workspace,
            env={**self.env, **env},
            text=True,
            check=False,
            timeout=60,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout


def _script(path: Path, code: str) -> None:
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
