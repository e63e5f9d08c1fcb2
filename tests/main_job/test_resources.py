"""What a stranger's report may cost is bounded, and a machine that has no more of something is told as that."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from job_runs import case, suite

ENTRY = Path(__file__).parents[2] / "entrypoint.py"
DATA = "QUJD"


def started(workspace, env, *args, stdout=subprocess.PIPE, before=None):
    """Run a process of the entry point with limits or streams of its own."""
    return subprocess.run(
        [sys.executable, "-I", "-B", str(ENTRY), *args],
        cwd=workspace,
        env={"PATH": os.environ["PATH"], **env},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=before,
        timeout=60,
        check=False,
        text=True,
    )


def equal_names(count):
    """Return a result with files of one name."""
    files = [{"filename": "a.png", "data": DATA, "contentType": "image/png"}] * count
    return {"tests": [{"testKey": "SHOP-3", "status": "FAILED", "evidence": files}]}


def many_keys(count):
    """Return a result of many Tests."""
    tags = [{"name": f"@TEST_SHOP-{number + 1}"} for number in range(count)]
    steps = [{"keyword": "Given ", "name": "x", "result": {"status": "passed", "duration": 1}}]
    element = {"name": "s", "type": "scenario", "keyword": "Scenario", "tags": tags, "steps": steps}
    return [{"uri": "a.feature", "name": "f", "keyword": "Feature", "elements": [element]}]


def backslashes(count):
    """Return a failed test whose message is a run of what the redactor looks at closely."""
    test = {"name": "t", "status": "failed", "duration": 1, "message": "\\" * 20 * count}
    return {"results": {"tool": {"name": "x"}, "summary": {}, "tests": [test]}}


GROWING = {"equal evidence names": equal_names, "keys of one result": many_keys, "backslashes": backslashes}


@pytest.mark.parametrize("what", GROWING)
def test_four_times_the_size_takes_at_most_six_times_the_time(cloud, workspace, what):
    """Nothing that a report repeats costs more than its size."""
    took = []
    for size in (1_500, 6_000):
        (workspace / "r.json").write_text(json.dumps(GROWING[what](size)))
        times = []
        for _ in range(3):
            begun = time.process_time()
            alone = {"XRAY_CI_CLIENT_ID": None, "XRAY_CI_CLIENT_SECRET": None}
            result = cloud(
                "plan", "--reports", "r.json", env={"XRAY_CI_HTTP_HEADERS": "X-Gate: $ecret-value-0123"} | alone
            )
            times.append(time.process_time() - begun)
            assert result.code == 0, result.out
        took.append(min(times))

    assert took[1] < max(6 * took[0], 1.0)


@pytest.mark.parametrize("flood", [f"{{{','.join(f'x{n}' for n in range(8_000))}}}{{a,b}}{{c,d}}.xml", "{a,b}" * 40])
def test_a_flood_of_braces_is_refused_while_it_expands(cloud, workspace, flood):
    """A found config cannot make millions of patterns of one."""
    (workspace / ".xray-ci.yml").write_text(json.dumps({"reports": [flood]}))
    begun = time.process_time()

    result = cloud("import")

    assert result.code == 2, result.out
    assert "braces" in result.out + result.err
    assert time.process_time() - begun < 10


def test_loopback_goes_through_no_proxy(inside, workspace, emulator):
    """What is allowed to be plain http because it stays on this machine stays on it."""
    (workspace / "r.xml").write_text(suite("s", case("a")))
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}

    result = started(workspace, inside.cloud | proxies, "import", "--reports", "r.xml")

    assert result.returncode == 0, result.stdout
    assert len(emulator.imports()) == 1


def test_names_of_files_are_inert_in_a_description(server, emulator, workspace):
    """A file that is called like a mention, a picture or a macro notifies nobody and shows nothing."""
    (workspace / "[~admin] !x.png! {html}.xml").write_text(suite("s", case("a")))

    result = server(
        "import", "--reports", "*.xml", "--executions", "per-report", env={"description": "Report {report}"}
    )

    assert result.code == 0, result.out
    said = emulator.executions()[0]["description"]
    assert "[~admin]" not in said
    assert "!x.png!" not in said
    assert "{html}" not in said


@pytest.mark.parametrize("key", ["SHOP-" + "9" * 400, "S" * 300 + "-1"])
def test_a_key_that_no_jira_has_is_none(cloud, workspace, key):
    """An overlong key is told like any other that is wrong, and sent nowhere."""
    (workspace / "r.xml").write_text(
        suite("s", case("a", f'<properties><property name="test_key" value="{key}"/></properties>'))
    )

    result = cloud("plan", "--reports", "r.xml")

    assert key not in result.out
