"""The Jenkins examples and the shared library, run by Groovy with a Jenkins that really executes `sh` in the image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from debian_packages import need
from emulator_client import CLIENT_ID, CLIENT_SECRET, SERVER_TOKEN, Emulated
from recipe_runs import block, blocks

pytestmark = pytest.mark.container
ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "templates/jenkins"
STAND_IN = Path(__file__).parent / "jenkins/jenkins.groovy"
IMAGE = "ghcr.io/org/xray-ci:v1"
RUN_TESTS = """#!/bin/sh
mkdir -p reports
cat > reports/TEST-cart.xml <<END
<testsuite name="shop.Cart">
  <testcase classname="shop.Cart" name="adds$2" time="0.1"/>
  <testcase classname="shop.Cart" name="removes$2" time="0.1"><failure message="still there"/></testcase>
</testsuite>
END
exit 1
"""
CREDENTIALS = {
    "xray-cloud": {"username": CLIENT_ID, "password": CLIENT_SECRET},
    "jira-token": {"text": SERVER_TOKEN},
    "xray-client-secret": {"text": CLIENT_SECRET},
    "xray-client-id": {"text": CLIENT_ID},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What became of a build."""

    log: str
    events: list[dict]

    @property
    def result(self):
        return self.events[-1]["result"]

    def all(self, kind):
        return [event for event in self.events if event["kind"] == kind]

    def command_lines(self, *words):
        """Return the command lines that begin with these words."""
        return [" ".join(event["argv"]) for event in self.all("process") if event["argv"][: len(words)] == list(words)]

    def shows(self, secret):
        """Say whether a process printed a secret, before Jenkins masks it."""
        return any(secret in event["output"] for event in self.all("process")) or secret in self.log


def groovy(*arguments):
    """Run the emulation of Jenkins; return its standard output."""
    need("groovy", "java", package="groovy")
    java = Path(shutil.which("java")).resolve().parents[1]
    done = subprocess.run(
        ["groovy", str(STAND_IN), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
        env={**os.environ, "JAVA_HOME": str(java), "JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Jenkins:
    """An agent with a workspace that belongs to a user of its own, who is in no passwd."""

    def __init__(self, folder, engine, xray):
        self.workspace = folder / "shop_main"
        self.temp = folder / "shop_main@tmp"
        self.xray = xray
        self._folder = folder
        self._image = engine.image
        self._owner = 1001 if os.getuid() == 0 else os.getuid()
        for path in (self.workspace, self.temp, folder / "repository"):
            path.mkdir()
        for path in (self.workspace, folder / "repository"):
            (path / "run-tests").write_text(RUN_TESTS, encoding="utf-8")
            (path / "run-tests").chmod(0o755)

    def build(self, jenkinsfile, **environment):
        """Run a Jenkinsfile; variables are what Jenkins sets for all its builds."""
        for path in (self.workspace, self.temp, *self.workspace.rglob("*")):
            os.chown(path, self._owner, self._owner)
        source, order, events = (self._folder / name for name in ("Jenkinsfile", "order.json", "events.jsonl"))
        source.write_text(jenkinsfile, encoding="utf-8")
        events.write_text("")
        order.write_text(
            json.dumps(
                {
                    "workspace": str(self.workspace),
                    "repository": str(self._folder / "repository"),
                    "jenkinsfile": str(source),
                    "library": str(LIBRARY),
                    "events": str(events),
                    "user": f"{self._owner}:{self._owner}",
                    "engine": ["--network", "host", "--pull", "never"],
                    "images": {IMAGE: self._image},
                    "credentials": CREDENTIALS,
                    "agent": {
                        "HOME": str(self._folder),
                        **{name: os.environ[name] for name in ("PATH", "DOCKER_HOST") if name in os.environ},
                    },
                    "environment": {
                        "JENKINS_URL": "https://jenkins.example.com/",
                        "JOB_NAME": "shop/main",
                        "BUILD_NUMBER": "7",
                        "BUILD_TAG": "jenkins-shop-main-7",
                        "BRANCH_NAME": "main",
                        "XRAY_CI_XRAY_URL": self.xray.url,
                        **environment,
                    },
                }
            ),
            encoding="utf-8",
        )
        log = groovy(order)
        return Built(log=log, events=[json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()])


@pytest.fixture
def jenkins(tmp_path, engine, services):
    """Return an agent whose builds import into the emulator of Xray.

    Which knows none before and forgets them afterwards.
    """
    xray = Emulated(services)
    xray.reset()
    yield Jenkins(tmp_path, engine, xray)
    xray.reset()


def example(name):
    """Return one of the examples."""
    return (LIBRARY / name).read_text(encoding="utf-8")


def step(arguments):
    """Return a Jenkinsfile that imports and prints outputs."""
    return f"""@Library('xray-ci') _
node {{
    sh(returnStatus: true, script: './run-tests')
    def xray = xrayImport({arguments})
    echo "outputs: ${{xray.testExecutionKey}} ${{xray.tests}} ${{xray.failed}} ${{xray.exitCode}}"
}}
"""


def test_the_example_with_the_library(jenkins):
    """The tests fail, the results are imported all the same, the key is there.

    The build is what the tests made it.
    """
    built = jenkins.build(example("Jenkinsfile"))

    (made,) = jenkins.xray.executions()
    assert f"Results are in {made['key']}" in built.log, built.log
    assert {"chrome", "linux"} == set(made["execution"]["environments"])
    assert built.result == "FAILURE"
    assert [event["message"].partition(":")[0] for event in built.all("unstable")] == ["xray-ci ended with exit code 1"]
    assert [event["files"] for event in built.all("archive")] == [["xray-result.json"]]
    assert not built.shows(CLIENT_SECRET)
    assert not any(CLIENT_SECRET in line for line in built.command_lines("docker", "run"))


def test_the_example_without_the_library(jenkins):
    """The same with Jenkins' own steps."""
    built = jenkins.build(example("Jenkinsfile.without-library"))

    (made,) = jenkins.xray.executions()
    assert len(made["execution"]["runs"]) == 2
    assert built.result == "FAILURE"
    assert made["key"] in built.log
    assert [event["files"] for event in built.all("archive")] == [["xray-result.json"]]
    assert not built.shows(CLIENT_SECRET)


def test_settings_arrive_as_they_are_written(jenkins):
    """Lists, mappings, dollar signs and quotes are no part of a shell line, and nothing on the way expands them."""
    built = jenkins.build(
        step(
            """reports: ['reports/*.xml', '!**/draft-*'], project: 'SHOP', 'test-environments': ['chrome', 'linux'],
        summary: 'it\\'s $HOME $(id) "$$', credentialsId: 'xray-cloud', keyPattern: '(SHOP-\\\\d+)$',
        fields: [priority: [name: 'High']], snapshotsDelay: 0, reconcile: false"""
        )
    )

    assert built.result == "SUCCESS", built.log
    (made,) = jenkins.xray.executions()
    assert made["summary"] == """it's $HOME $(id) "$$"""
    assert {"chrome", "linux"} == set(made["execution"]["environments"])
    assert f"outputs: {made['key']} 2 1 0" in built.log
    (script,) = {event["script"] for event in built.all("sh") if event["container"]}
    assert script.endswith("; xray-ci")
    assert "$(" not in script


def test_what_cannot_be_imported_fails_the_build(jenkins):
    """Exit codes but 0 and 1 are errors, after xray-ci said what is wrong.

    Outputs of an earlier build are not taken for this one's.
    """
    (jenkins.workspace / "xray-ci.env").write_text("XRAY_TEST_EXECUTION_KEY=SHOP-1\n")

    built = jenkins.build("""@Library('xray-ci') _
        node {
            catchError { xrayImport(reports: '*.xml', project: 'SHOP', credentialsId: 'xray-cloud', testPlam: \
'SHOP-2') }
            echo "left over: ${fileExists('xray-ci.env')}"
            catchError { xrayImport(reports: 'nothing/*.xml', project: 'SHOP', credentialsId: 'xray-cloud') }
            xrayImport(reports: '*.xml', clientSecret: 'in-the-open')
        }""")

    assert built.result == "FAILURE"
    assert [event["message"].partition(":")[0] for event in built.all("failure")] == [
        "xray-ci ended with exit code 2",
        "xray-ci ended with exit code 3",
        "xrayImport",
    ]
    for words in ("XRAY_CI_TEST_PLAN", "nothing/*.xml", "client-secret is a secret", "left over: false"):
        assert words in built.log
    assert len(built.command_lines("docker", "run")) == 2
    assert jenkins.xray.executions() == []


def test_server_by_token_with_what_is_installed(jenkins):
    """Without an image the step runs the xray-ci of where it is, here a container of the pipeline.

    A token is all Server needs.
    """
    own = block("jenkins.md", "pipeline", "server").replace(
        "jiraUrl: 'https://jira.example.com'", f"image: '', jiraUrl: '{jenkins.xray.url}/jira'"
    )
    built = jenkins.build(
        own.replace("node {", f"node {{ docker.image('{IMAGE}').inside(\"--entrypoint=''\") {{") + "}\n",
        XRAY_CI_XRAY_URL="",
    )

    (made,) = jenkins.xray.executions()
    assert len(made["execution"]["runs"]) == 2
    assert len(built.command_lines("docker", "run")) == 1
    assert not built.shows(SERVER_TOKEN)


def test_secrets_as_files_are_on_no_command_line(jenkins):
    """The Docker Pipeline plugin hands variables on as arguments.

    Credentials that are files keep the secret off them.
    """
    built = jenkins.build(block("jenkins.md", "pipeline", "files"))

    (made,) = jenkins.xray.executions()
    assert len(made["execution"]["runs"]) == 2
    assert built.command_lines("docker", "exec")
    assert not any(CLIENT_SECRET in line for line in built.command_lines())
    assert not built.shows(CLIENT_SECRET)


def test_the_recipe_for_shards(jenkins):
    """Branches collect, the import at the end makes one Test Execution of all."""
    built = jenkins.build(block("jenkins.md", "pipeline", "shards"))

    (made,) = jenkins.xray.executions()
    assert len(made["execution"]["runs"]) == 4, built.log
    assert built.result == "FAILURE"


def test_every_recipe_is_groovy(tmp_path):
    """Nothing in the page is a typing error."""
    files = []
    for (_, name), (_, text) in blocks("jenkins.md").items():
        files.append(tmp_path / f"{name}.groovy")
        files[-1].write_text(text, encoding="utf-8")

    assert len(files) == 7
    groovy("--parse", *files, LIBRARY / "vars/xrayImport.groovy")


def test_a_stage_that_migrate_prints(jenkins):
    """In place of the plugin's step it finds the reports of the stage before it, and imports them."""
    golden = (ROOT / "tests/data/migrate/plugin.Jenkinsfile.golden").read_text("utf-8").split("\n---\n")[0]
    stage = "stage('Xray')" + golden.split("stage('Xray')")[2]
    old = "stage('Test') { steps { sh './run-tests || mv reports out' } }"
    built = jenkins.build(
        f"pipeline {{\nagent any\nstages {{\n{old}\n{stage}}}\n}}\n".replace("xray-key", "xray-cloud")
    )

    (made,) = jenkins.xray.executions()
    assert built.result == "SUCCESS", built.log
    assert made["summary"] == "Automated tests 7 {all}"
    assert len(made["execution"]["runs"]) == 2
    assert not built.shows(CLIENT_SECRET)
