"""Recipes run for real.

The shell lines of the pages, with each CI system's variables, against the emulator, up to the next step.
"""

import re
import zipfile

import ci_readers
import pytest
from job_runs import CLOUD, runs
from recipe_runs import Machine, block, blocks

pytestmark = pytest.mark.proof
FOUND = re.compile(r"Results are in (SHOP-\d+)")
AZURE_MACRO = re.compile(r"\$\((\w+)\)")


@pytest.fixture
def machine(tmp_path, emulator):
    """Return how a machine of a CI system is made, which reaches the emulator and nothing else."""
    return lambda provider, **env: Machine(tmp_path, provider, XRAY_CI_XRAY_URL=emulator.url, **env)


def imported(emulator, count=2):
    """Return the key of the one Test Execution there is now."""
    (execution,) = emulator.executions()
    assert count == len(runs(execution))
    return execution["key"]


def announced(text):
    """Return the key that the next step printed."""
    return FOUND.search(text)[1]


def test_azure_pipelines(machine, emulator):
    """Secrets by macro, outputs by the log, a summary, a later step and another job that read the key."""
    here = machine("azure")
    here.env |= {"AGENT_TEMPDIRECTORY": str(here.temp), "BUILD_SOURCESDIRECTORY": str(here.workspace)}
    known = {"XRAY_CLIENT_ID": CLOUD["XRAY_CI_CLIENT_ID"], "XRAY_CLIENT_SECRET": CLOUD["XRAY_CI_CLIENT_SECRET"]}
    (tests, announce) = block("azure.md", "file", "azure-pipelines.yml")["jobs"]
    logs, outputs, pages = [], {}, []
    for step in tests["steps"]:
        env = {
            name: AZURE_MACRO.sub(lambda found: known[found[1]], value) for name, value in step.get("env", {}).items()
        }
        code, log = here.sh(step["script"], **env)
        variables, own, more = ci_readers.azure(log)
        here.env |= variables
        outputs |= {f"{step.get('name')}.{name}": value for name, value in own.items()}
        pages += more
        logs.append((code, log))
    key = imported(emulator)
    assert [code for code, _ in logs] == [1, 0, 0]
    assert key == announced(logs[2][1])
    assert CLOUD["XRAY_CI_CLIENT_SECRET"] not in re.sub(r"##vso\[task.setsecret\].*", "", logs[1][1])
    (page,) = pages
    assert key in page.read_text()
    named = re.search(r"outputs\['([\w.]+)'\]", announce["variables"]["key"])[1]
    assert key == announced(here.sh(announce["steps"][0]["script"], KEY=outputs[named])[1])


def test_azure_pipelines_for_a_fork(machine, emulator):
    """Azure leaves the text `$(NAME)` where a secret should be.

    That is no secret, so the run is green and sends nothing.
    """
    here = machine("azure", SYSTEM_PULLREQUEST_ISFORK="True")
    here.env |= {"AGENT_TEMPDIRECTORY": str(here.temp), "BUILD_SOURCESDIRECTORY": str(here.workspace)}
    here.sh("./run-tests || true")
    step = block("azure.md", "file", "azure-pipelines.yml")["jobs"][0]["steps"][1]
    code, log = here.sh(step["script"], **step["env"])
    assert code == 0, log
    assert ci_readers.azure(log)[0]["XRAY_OUTCOME"] == "skipped"
    assert emulator.requests() == []


def test_exchange(machine, emulator):
    """Features out and in, Tests, results, a backup: every line of the page, one after the other."""
    here = machine("travis")
    here.env |= CLOUD
    for name, content in (("more.zip", None), ("tests.yaml", blocks("exchange.md")["data", "tests.yaml"][1])):
        if content is None:
            with zipfile.ZipFile(here.workspace / name, "w") as archive:
                archive.writestr("more/a.feature", "Feature: More\n\n  Scenario: One more\n    Given more\n")
        else:
            (here.workspace / name).write_text(content)
    for name in ("features-export", "features-import", "results-export", "tests-import", "backup"):
        code, log = here.sh(block("exchange.md", "run", name))
        assert code == 0, log

    assert [each["summary"] for each in emulator.created_tests()] == [
        "One more",
        "Pay by card",
        "Search finds two products",
        "totals",
    ]
    assert sorted(path.name for path in here.workspace.iterdir() if path.is_file()) == [
        "more.zip",
        "plan.csv",
        "plan.xml",
        "results.json",
        "run-tests",
        "tests.yaml",
        "xray-backup.zip",
    ]


def test_bitbucket_pipelines(machine, emulator):
    """A step in the image after tests that failed, outputs that are listed, a verdict at the end."""
    given = {"XRAY_CI_CLIENT_ID": CLOUD["XRAY_CI_CLIENT_ID"], "XRAY_CI_CLIENT_SECRET": CLOUD["XRAY_CI_CLIENT_SECRET"]}
    here = machine("bitbucket", **given)
    here.env |= {
        "BITBUCKET_CLONE_DIR": str(here.workspace),
        "BITBUCKET_PIPELINES_VARIABLES_PATH": str(here.temp / "variables"),
    }
    ends, text = [], ""
    for each in block("bitbucket.md", "file", "bitbucket-pipelines.yml")["pipelines"]["default"]:
        code, text = here.sh("\n".join(each["step"]["script"]), shell=("sh", "-e", "-c"))
        ends.append(code)
        if listed := each["step"].get("output-variables"):
            shared = ci_readers.dotenv(here.temp / "variables")
            here.env |= {name: shared[name] for name in listed}
    assert ends == [0, 0, 1]  # one test of the suite failed
    assert imported(emulator) == announced(text)


def test_circleci(machine, emulator):
    """Steps of one job, each in a shell of its own that reads BASH_ENV."""
    here = machine("circleci", **CLOUD)
    here.env["BASH_ENV"] = str(here.temp / "bash_env")
    ends, text = [], ""
    for step in block("circleci.md", "file", ".circleci/config.yml")["jobs"]["tests"]["steps"]:
        if step != "checkout":
            order = step["run"] if isinstance(step["run"], dict) else {"command": step["run"]}
            code, text = here.sh(order["command"], **order.get("environment", {}))
            ends.append(code)
            assert order.get("when") == "always" or len(ends) == 1
    assert ends == [1, 0, 0, 0]
    assert imported(emulator) == announced(text)


def test_teamcity(machine, emulator):
    """Parameters by service messages, and the status of the build."""
    here = machine("teamcity", **CLOUD)
    here.sh("./run-tests || true")
    code, log = here.sh(block("teamcity.md", "run", "import"))
    parameters, status = ci_readers.teamcity(log)
    here.env |= {name.removeprefix("env."): value for name, value in parameters.items()}
    key = imported(emulator)
    assert code == 0
    assert key == announced(here.sh(block("teamcity.md", "run", "next"))[1])
    assert [f"Tests passed: 1; Xray: 1 of 2 tests failed, imported into {key}"] == status


def test_buildkite(machine, emulator):
    """Artifacts, meta-data and the annotation by the agent; one script a step, uploaded with its dollars doubled."""
    here = machine("buildkite", **CLOUD)
    here.env["BUILDKITE_BUILD_CHECKOUT_PATH"] = str(here.workspace)
    ends, text = [], ""
    for step in block("buildkite.md", "file", "pipeline.yml")["steps"]:
        if "command" in step:
            code, text = here.sh(step["command"].replace("$$", "$"), shell=("bash", "-e", "-c"), **step.get("env", {}))
            ends.append(code)
    key = imported(emulator)
    assert ends == [1, 0, 0]
    assert key == announced(text)
    assert "imported: 2 tests, 1 failed." in (here.agent / "annotation-xray").read_text()


def test_buildkite_where_the_import_fails(machine, emulator):
    """The step ends as xray-ci did, and the annotation says so all the same."""
    here = machine("buildkite", **CLOUD | {"XRAY_CI_CLIENT_SECRET": "wrong"})
    here.env["BUILDKITE_BUILD_CHECKOUT_PATH"] = str(here.workspace)
    here.sh("./run-tests || true")
    step = block("buildkite.md", "file", "pipeline.yml")["steps"][2]
    code, _ = here.sh(step["command"].replace("$$", "$"), shell=("bash", "-e", "-c"), **step["env"])
    assert code == 5
    assert (here.agent / "annotation-xray").read_text().startswith("failed: ")
    assert (here.agent / "xray-test-execution-key").read_text() == "none"


@pytest.mark.parametrize("name", ["pip", "pipx", "uvx"])
def test_every_way_to_run_it(name, machine, emulator):
    """From a package registry's substitute: the lines are those people copy."""
    here = machine("local", **CLOUD)
    here.sh("./run-tests || true")
    code, text = here.sh(block("plain.md", "run", name))
    assert code == 0, text
    imported(emulator)


def test_reports_behind_a_link(machine, emulator, tmp_path):
    """An absolute pattern reads what Bazel's link leads to."""
    here = machine("local", **CLOUD)
    here.sh("./run-tests || true")
    (tmp_path / "outside").mkdir()
    outside = tmp_path / "outside"
    here.sh(f"cp $(find . -name 'TEST-*.xml' | head -1) {outside}/test.xml; ln -s {outside} bazel-testlogs")
    code, text = here.sh(block("plain.md", "run", "bazel"))
    assert code == 0, text
    assert len(emulator.imports()) == 1


def test_secrets_in_files(machine, emulator):
    """As a laptop keeps them."""
    here = machine("local")
    here.sh("./run-tests || true")
    code, text = here.sh(block("plain.md", "run", "secrets"))
    assert code == 0, text
    imported(emulator)


def test_looking_sends_nothing(machine, emulator):
    """Reports, document and requests are shown; nothing is stored."""
    here = machine("local", **CLOUD)
    here.sh("./run-tests || true")
    code, text = here.sh(block("plain.md", "run", "look"))
    assert code == 0, text
    assert emulator.executions() == []


def test_server(machine, emulator):
    """With a personal access token in a file."""
    here = machine("local")
    del here.env["XRAY_CI_XRAY_URL"]
    here.sh("./run-tests || true")
    code, text = here.sh(block("server.md", "run", "server").replace("https://jira.example.com", emulator.jira_url))
    assert code == 0, text
    imported(emulator)


def test_shards_of_any_ci_system(machine, emulator):
    """Two jobs collect, the last one imports both as one."""
    here = machine("local", **CLOUD)
    here.sh("./run-tests || mv results/TEST-a.xml results/TEST-1.xml")
    first, _ = here.sh(block("shards.md", "run", "shard"), SHARD="1")
    here.sh("mv results/TEST-1.xml results/TEST-2.xml; sed -i s/adds/sorts/ results/TEST-2.xml")
    second, _ = here.sh(block("shards.md", "run", "shard"), SHARD="2")
    code, text = here.sh(block("shards.md", "run", "merge"))
    assert [first, second, code] == [0, 0, 0], text
    imported(emulator, count=3)


def test_completion_as_the_page_loads_it(machine):
    """The line for bash, in a shell that then knows the function."""
    here = machine("local")
    (line, *_) = block("plain.md", "completion", "shells").splitlines()
    code, text = here.sh(f"{line}\ncomplete -p xray-ci")
    assert (code, text.strip()) == (0, "complete -F _xray_ci xray-ci")


@pytest.mark.parametrize(("issue", "made"), [("SHOP-40", 0), ("SHOP-2", 1)])
def test_bamboo_started_from_xray(machine, emulator, issue, made):
    """What was chosen is run, and lands in the Test Execution it was started from, or in one of the Test Plan."""
    here = machine("bamboo", bamboo_issue=issue)
    here.env |= {"bamboo_xray_client_id": CLOUD["XRAY_CI_CLIENT_ID"], "bamboo_xray_secret": "emulator-secret"}

    code, log = here.sh(block("trigger.md", "run", "bamboo"))
    assert (code, (here.workspace / "tests.txt").read_text().splitlines()[0]) == (
        1,
        "shop/cart.py::CartTest::adds_item",
    )
    code, log = here.sh(block("trigger.md", "run", "bamboo-final"))

    assert code == 0, log
    assert len(emulator.executions()) == made


def test_gitlab_started_from_xray(machine, emulator):
    """The lines of the job, and those after it, whatever became of the tests."""
    here = machine("gitlab", XRAY_CI_TRIGGERED_FROM="SHOP-40", **CLOUD)
    job = block("trigger.md", "pipeline", "gitlab")["planned"]

    assert here.sh("\n".join(job["before_script"] + job["script"]))[0] == 1
    code, log = here.sh("\n".join(job["after_script"]))

    assert (code, emulator.executions()) == (0, []), log
    assert len(emulator.runs("SHOP-40")) == 7
