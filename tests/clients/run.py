"""Public clients that nobody here wrote, run against the emulator for real; what they store is read back.

`make clients` gives them an environment of their own from `requirements/clients.txt`, which has Node.js for those of
npm (`npm/package-lock.json`), and starts this with it. It prints
the table client x call and ends with 1 when a call came to something else than expected. A call that an assertion
stops, or that raises, is a failed one; nothing is skipped.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import node
import runners

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ROWS: list[tuple[str, str, str]] = []
KEY = {"XRAY_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CLIENT_SECRET": "emulator-secret"}


def check(client: str, call: str, work) -> object:
    """Do one call; note what became of it."""
    try:
        value = work()
    except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed call
        ROWS.append((client, call, f"FAILED: {type(error).__name__}: {error}"[:160]))
        return None
    ROWS.append((client, call, "ok" if value is not False else "FAILED: not what was stored"))
    return value


def state(url: str) -> dict:
    """Return the emulator's world."""
    with urllib.request.urlopen(f"{url}/__emulator__/state") as answer:
        return json.load(answer)


def _switch(url: str, **settings: object) -> None:
    """Change how the emulator behaves."""
    body = json.dumps(settings).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/__emulator__/settings", body, method="PATCH")).close()


def newest(url: str, before: set[str]) -> dict:
    """Return the runs of the Test Execution that was made since."""
    made = [
        each for key, each in state(url)["issues"].items() if key not in before and each["type"] == "Test Execution"
    ]
    return {key: run["status"] for key, run in made[-1]["execution"]["runs"].items()} if made else {}


def xray_of_atlassian(url: str) -> None:
    """The Xray module of atlassian-python-api, both versions of the interface."""
    from atlassian import Xray

    for version in ("1.0", "2.0"):
        name = f"atlassian-python-api Xray {version}"
        xray = Xray(url=f"{url}/jira", token="emulator-pat", api_version=version)
        run = next(iter(xray.get_tests_with_test_execution("SHOP-40")))["id"]
        step = xray.get_test_steps("SHOP-1")
        step = (step["steps"] if isinstance(step, dict) else step)[0]["id"]
        for call, arguments in (
            ("get_tests", (["SHOP-1"],)),
            ("get_test_statuses", ()),
            ("get_test_runs", ("SHOP-3",)),
            ("get_test_runs_with_environment", ("SHOP-3", "linux")),
            ("get_test_preconditions", ("SHOP-1",)),
            ("get_test_sets", ("SHOP-1",)),
            ("get_test_executions", ("SHOP-1",)),
            ("get_test_plans", ("SHOP-1",)),
            ("get_test_step_statuses", ()),
            ("get_test_steps", ("SHOP-1",)),
            ("get_test_step", ("SHOP-1", step)),
            ("create_test_step", ("SHOP-1", "Pay", "card", "Paid")),
            ("update_test_step", ("SHOP-1", step, "Open", "", "Opened")),
            ("get_tests_with_precondition", ("SHOP-12",)),
            ("update_precondition", ("SHOP-12", ["SHOP-8"])),
            ("delete_test_from_precondition", ("SHOP-12", "SHOP-8")),
            ("update_test_set", ("SHOP-13", ["SHOP-8", "SHOP-3"])),
            ("get_tests_with_test_set", ("SHOP-13",)),
            ("delete_test_from_test_set", ("SHOP-13", "SHOP-8")),
            ("update_test_plan", ("SHOP-2", ["SHOP-8"])),
            ("get_tests_with_test_plan", ("SHOP-2",)),
            ("delete_test_from_test_plan", ("SHOP-2", "SHOP-8")),
            ("update_test_plan_test_executions", ("SHOP-2", ["SHOP-40"])),
            ("get_test_executions_with_test_plan", ("SHOP-2",)),
            ("delete_test_execution_from_test_plan", ("SHOP-2", "SHOP-40")),
            ("update_test_execution", ("SHOP-40", ["SHOP-8"])),
            ("get_tests_with_test_execution", ("SHOP-40", True)),
            ("delete_test_from_test_execution", ("SHOP-40", "SHOP-8")),
            ("get_test_run", (run,)),
            ("get_test_run_assignee", (run,)),
            ("update_test_run_assignee", (run, "emu")),
            ("get_test_run_status", (run,)),
            ("update_test_run_status", (run, "FAIL")),
            ("get_test_run_defects", (run,)),
            ("update_test_run_defects", (run, ["SHOP-9"])),
            ("get_test_run_comment", (run,)),
            ("update_test_run_comment", (run, f"seen by {version}")),
            ("get_test_run_steps", (run,)),
            ("get_test_repo_folders", ("SHOP",)),
            ("create_test_repo_folder", ("SHOP", f"Folder {version}")),
            ("get_test_repo_folder", ("SHOP", 1)),
            ("update_test_repo_folder_tests", ("SHOP", 1, ["SHOP-3"])),
            ("get_test_repo_folder_tests", ("SHOP", 1)),
            ("update_test_repo_folder", ("SHOP", 1, f"Renamed {version}")),
            ("delete_test_repo_folder", ("SHOP", 1)),
        ):
            check(name, call, lambda call=call, arguments=arguments: getattr(xray, call)(*arguments))
        held = state(url)["issues"]["SHOP-40"]["execution"]["runs"]["SHOP-1"]
        check(name, "read back", lambda held=held, version=version: held["comment"] == f"seen by {version}")
        check(name, "read back status", lambda held=held: (held["status"], held["defects"]) == ("FAIL", ["SHOP-9"]))


def pycontribs(url: str) -> None:
    """The library jira, against Server and Cloud."""
    from jira import JIRA

    for name, jira in (
        ("jira Server", JIRA(f"{url}/jira", token_auth="emulator-pat")),
        ("jira Cloud", JIRA(url, basic_auth=("dev@example.com", "emulator-jira-token"))),
    ):
        fields = {"project": "SHOP", "summary": f"by {name}", "issuetype": {"name": "Bug"}}
        issue = check(name, "create_issue", lambda jira=jira, fields=fields: jira.create_issue(fields=fields))
        if issue is None:
            continue
        key = issue.key
        for call, work in (
            ("myself", jira.myself),
            ("server_info", jira.server_info),
            ("projects", jira.projects),
            ("project", lambda: jira.project("SHOP")),
            ("project_versions", lambda: jira.project_versions("SHOP")),
            ("fields", jira.fields),
            ("issue_types", jira.issue_types),
            ("priorities", jira.priorities),
            ("statuses", jira.statuses),
            ("issue_link_types", jira.issue_link_types),
            (
                "createmeta",  # the library asks each product its own way
                (lambda: jira.createmeta("SHOP", expand="projects.issuetypes.fields"))
                if name == "jira Cloud"
                else lambda: (jira.project_issue_types("SHOP"), jira.project_issue_fields("SHOP", "10008")),
            ),
            ("search_issues", lambda: [each.key for each in jira.search_issues(f"key = {key}")] == [key]),
            ("update", lambda: issue.update(fields={"labels": ["seen"]})),
            ("add_comment", lambda: jira.add_comment(key, "hello")),
            ("comments", lambda: [each.body for each in jira.comments(key)] == ["hello"]),
            ("transitions", lambda: jira.transitions(key)),
            ("transition_issue", lambda: jira.transition_issue(key, "Done")),
            ("create_issue_link", lambda: jira.create_issue_link("Blocks", key, "SHOP-5")),
            ("add_attachment", lambda: jira.add_attachment(key, str(CHECKOUT / "LICENSE"))),
            ("read back", lambda: jira.issue(key).fields.status.name == "Done"),
            ("read back link", lambda: jira.issue(key).fields.issuelinks[0].outwardIssue.key == "SHOP-5"),
            ("delete", issue.delete),
        ):
            check(name, call, work)


def pytest_jira_xray(url: str, folder: pathlib.Path) -> None:
    """The pytest plugin, to both products."""
    (folder / "test_shop.py").write_text(
        "import pytest\n\n@pytest.mark.xray('SHOP-3')\ndef test_adds():\n    pass\n\n"
        "@pytest.mark.xray('SHOP-6')\ndef test_removes():\n    assert not 1\n",
        encoding="utf-8",
    )
    server = {"XRAY_API_BASE_URL": f"{url}/jira", "XRAY_API_USER": "emu", "XRAY_API_PASSWORD": "emu"}
    cloud = {"XRAY_API_BASE_URL": url, **KEY}
    for name, flags, env, words in (
        ("pytest-jira-xray Server", [], server, {"SHOP-3": "PASS", "SHOP-6": "FAIL"}),
        (
            "pytest-jira-xray Cloud",
            ["--cloud", "--client-secret-auth"],
            cloud,
            {"SHOP-3": "PASSED", "SHOP-6": "FAILED"},
        ),
    ):
        before = set(state(url)["issues"])
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--jira-xray",
            *flags,
            "test_shop.py",
        ]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        check(name, "import, read back", lambda before=before, words=words: newest(url, before) == words)
        if ROWS[-1][2] != "ok":
            sys.stdout.write(done.stdout + done.stderr)


def behave_xray(url: str, folder: pathlib.Path) -> None:
    """The formatter of behave, to both products."""
    (folder / "features" / "steps").mkdir(parents=True)
    (folder / "features" / "shop.feature").write_text(
        "Feature: Shop\n  @jira.testcase('SHOP-8')\n  Scenario: finds\n    Given a lamp\n", encoding="utf-8"
    )
    (folder / "features" / "steps" / "shop.py").write_text(
        "from behave import given\n\n@given('a lamp')\ndef lamp(context):\n    pass\n", encoding="utf-8"
    )
    server = {"XRAY_API_BASE_URL": f"{url}/jira", "XRAY_API_USER": "emu", "XRAY_API_PASSWORD": "emu"}
    for name, formatter, env, word in (
        ("behave-xray Server", "XrayFormatter", server, "PASS"),
        ("behave-xray Cloud", "XrayCloudFormatter", {"XRAY_API_BASE_URL": url, **KEY}, "PASSED"),
    ):
        _switch(
            url, empty_lists=True
        )  # this client always sends `examples`; sources conflict on whether Cloud takes it
        before = set(state(url)["issues"])
        command = [sys.executable, "-m", "behave", "-f", f"behave_xray:{formatter}"]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        check(name, "import, read back", lambda before=before, word=word: newest(url, before) == {"SHOP-8": word})
        if ROWS[-1][2] != "ok":
            sys.stdout.write(done.stdout + done.stderr)


def xray_cli(url: str, folder: pathlib.Path) -> None:
    """The command line for Xray Cloud."""
    name, start = "xray-cli Cloud", f"{url}/api/v2"
    env = {
        **os.environ,
        **KEY,
        "XRAY_AUTH_URL": f"{start}/authenticate",
        "XRAY_GRAPHQL_URL": f"{start}/graphql",
        "XRAY_IMPORT_BASE_URL": f"{start}/import/execution",
    }
    (folder / "r.xml").write_text(
        '<testsuite name="s"><testcase classname="shop.Cart" name="adds" time="1"/>'
        '<testcase classname="shop.Cart" name="removes" time="1"><failure message="no"/></testcase></testsuite>',
        encoding="utf-8",
    )
    (folder / "seen.txt").write_text("seen", encoding="utf-8")

    def run(*words: str) -> dict:
        command = [sys.executable, "-c", "from xray_cli.cli import cli; cli()", "--json", *words]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def refused(why: str, *words: str) -> bool:
        """Say whether the published schema is against a document of this client."""
        try:
            run("--verbose", *words)
        except AssertionError as error:
            return why in str(error)
        return False

    def listed(*words: str) -> list:
        return run(*words, "list")["results"]

    run_id = check(name, "run list", lambda: listed("run")[0]["run_id"])
    before = set(state(url)["issues"])
    made = check(name, "results import junit", lambda: run("results", "import", "junit", "r.xml", "--project", "SHOP"))
    key = (made or {}).get("raw_response", {}).get("key", "")  # it looks for the key where Server/DC has it
    for call, work in (
        ("read back", lambda: sorted(newest(url, before).values()) == ["FAILED", "PASSED"]),
        (
            "results import junit --execution",
            lambda: run("results", "import", "junit", "r.xml", "--execution", key)["raw_response"]["key"] == key,
        ),
        ("execution list", lambda: key in [each["issue_key"] for each in listed("execution")]),
        ("execution list --jql", lambda: len(run("execution", "list", "--jql", f"key = {key}")["results"]) == 1),
        ("test get, refused: no limit", lambda: refused("limit", "test", "get", "SHOP-1")),
        ("test list", lambda: listed("test")),
        (
            "run list --execution",
            lambda: len(run("run", "list", "--execution", made["raw_response"]["id"])["results"]) == 2,
        ),
        ("run list --failed-only", lambda: run("run", "list", "--failed-only")["results"]),
        ("run update-status", lambda: run("run", "update-status", run_id, "FAILED")["success"]),
        (
            "run add-evidence, refused: EvidenceInput",
            lambda: refused("EvidenceInput", "run", "add-evidence", run_id, "seen.txt"),
        ),
        ("precondition list", lambda: listed("precondition")),
        ("test-set list", lambda: listed("test-set")),
        ("test-plan list", lambda: listed("test-plan")),
        ("folder list", lambda: run("folder", "list", "--project", "SHOP")["total"] >= 0),
    ):
        check(name, call, work)


def of_npm(url: str) -> None:
    """The clients of npm, at the versions of their lock: client classes by a script, a reporter by its own runner."""
    if not check("npm", "ci", node.installed):
        return
    done = subprocess.run([node.NODE, "clients.mjs", url], cwd=node.FOLDER, capture_output=True, text=True, check=False)
    calls = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    ROWS.extend((client, call, became) for client, call, became in calls)
    check("npm", "the script came to its end", lambda: done.returncode == 0 and len(calls) > 60)
    if ROWS[-1][2] != "ok":
        sys.stdout.write(done.stdout + done.stderr)
    for side, words in (("server", ("PASS", "FAIL")), ("cloud", ("PASSED", "FAILED"))):
        before = set(state(url)["issues"])
        done = subprocess.run(
            node.PLAYWRIGHT,
            cwd=node.FOLDER,
            env={**os.environ, "URL": url, "XRAY": side},
            capture_output=True,
            text=True,
            check=False,
        )
        wanted = dict(zip(("SHOP-3", "SHOP-6"), words, strict=True))
        check(
            f"playwright-xray {side}",
            "import, read back",
            lambda before=before, wanted=wanted: newest(url, before) == wanted,
        )
        if ROWS[-1][2] != "ok":
            sys.stdout.write(done.stdout + done.stderr)


BEHAVE = {
    "steps/any.py": "from behave import step, use_step_matcher\n\nuse_step_matcher('re')\n\n@step('(?P<said>.*)')\n"
    "def any_step(context, said):\n    assert 'SUMMER' not in said\n"
}
CUCUMBER = {
    "steps/any.js": "const { defineStep } = require('@cucumber/cucumber');\n"
    "defineStep(/^(?:(?!SUMMER).)*$/, () => {});\n"
    "defineStep(/SUMMER/, () => { throw new Error('not in summer'); });\n"
}


def features_round_trip(python: str, url: str, runner: str, steps: dict[str, str], command: list[str]) -> None:
    """Features out of the emulator, run for real, their results imported; then the features go in again."""
    for side, env, words in (
        ("Cloud", {"XRAY_CI_XRAY_URL": url}, ("PASSED", "FAILED")),
        ("Server", {"XRAY_CI_JIRA_URL": f"{url}/jira", "XRAY_CI_JIRA_TOKEN": "emulator-pat"}, ("PASS", "FAIL")),
    ):
        name = f"features, {runner} {side}"
        key = {f"XRAY_CI_{each[5:]}": value for each, value in KEY.items()} if side == "Cloud" else {}
        with tempfile.TemporaryDirectory(dir=node.FOLDER) as home:  # where scripts find the packages of npm
            folder = pathlib.Path(home)
            for path, text in steps.items():
                (folder / "features" / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / "features" / path).write_text(text, encoding="utf-8")

            def ours(*words: str, env: dict = env, key: dict = key, folder: pathlib.Path = folder) -> str:
                command = [python, "-I", "-B", str(CHECKOUT / "entrypoint.py"), *words, "--project", "SHOP"]
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env={"PATH": os.environ["PATH"], **env, **key},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout + done.stderr
                return done.stdout

            check(name, "features export", lambda ours=ours: ours("features", "export", "--keys", "SHOP-4,SHOP-8"))
            subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, check=False)
            before = set(state(url)["issues"])
            check(name, "import of the results", lambda ours=ours: ours("import", "--reports", "r.json"))
            stored = {"SHOP-8": words[0], "SHOP-4": words[1]}
            check(name, "read back", lambda before=before, stored=stored: newest(url, before) == stored)
            held = {each: issue["test"] for each, issue in state(url)["issues"].items()}
            check(name, "features import", lambda ours=ours: "2 Tests" in ours("features", "import", "features"))
            check(
                name,
                "nothing has changed",
                lambda held=held: held == {each: issue["test"] for each, issue in state(url)["issues"].items()},
            )


def main() -> int:
    """Start the emulator with the interpreter that is named, run every client, print the table."""
    product = [str(pathlib.Path(sys.argv[1]).absolute()), "-I", "-u", str(CHECKOUT / "entrypoint.py")]
    command = [*product, "emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as serving:
        try:
            assert serving.stdout is not None
            url = serving.stdout.readline().strip()
            xray_of_atlassian(url)
            pycontribs(url)
            with tempfile.TemporaryDirectory() as folder:
                pytest_jira_xray(url, pathlib.Path(folder))
            with tempfile.TemporaryDirectory() as folder:
                behave_xray(url, pathlib.Path(folder))
            with tempfile.TemporaryDirectory() as folder:
                xray_cli(url, pathlib.Path(folder))
            of_npm(url)
            runners.take(url, product, check)
            python = str(pathlib.Path.cwd() / sys.argv[1])
            behave = [sys.executable, "-m", "behave", "-f", "json", "-o", "r.json", "features"]
            features_round_trip(python, url, "behave", BEHAVE, behave)
            cucumber = [*node.CUCUMBER, "--format", "json:r.json"]
            features_round_trip(python, url, "cucumber-js", CUCUMBER, cucumber)
        finally:
            serving.terminate()
    for client, call, became in ROWS:
        sys.stdout.write(f"{client:32} {call:40} {became}\n")
    failed = sum(became != "ok" for _, _, became in ROWS)
    sys.stdout.write(f"{len(ROWS) - failed} of {len(ROWS)} calls came to what was expected\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
