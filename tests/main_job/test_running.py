"""`run -- COMMAND`: the tests run untouched, what they left is imported, and the exit code is theirs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENTRY = Path(__file__).parents[2] / "entrypoint.py"
CASES = '<testcase classname="a" name="b"/><testcase classname="a" name="c"><failure/></testcase>'
REPORT = f'<testsuite name="s">{CASES}</testsuite>'
WRITES = f"open('r.xml', 'w').write({REPORT!r})"


def begun(workspace, env, *command, **more):
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(ENTRY), "run", "--reports", "r.xml", "--", *command],
        cwd=workspace,
        env={"PATH": os.environ["PATH"], **env, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def python(text):
    return (sys.executable, "-I", "-c", text)


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_exit_code_is_the_commands(inside, workspace, emulator, code):
    """Output comes through untouched, the report is imported whatever the command returned."""
    with begun(workspace, inside.cloud, *python(f"{WRITES}; print('::notice::mine'); raise SystemExit({code})")) as run:
        out, err = run.communicate()

    assert run.returncode == code, out + err
    assert out.startswith("::notice::mine\n")
    assert len(emulator.imports()) == 1


def test_an_import_that_fails_outvotes_the_command(inside, workspace, emulator):
    """A command that wrote no report ends with 3, and that is said; one that is not there is 127 within it."""
    with begun(workspace, inside.cloud, *python("raise SystemExit(1)")) as run:
        _, err = run.communicate()

    assert run.returncode == 3
    assert "the command ended with 1; this ends with 3" in err
    with begun(workspace, inside.cloud, "no-such-command-here") as run:
        _, err = run.communicate()
    assert "the command ended with 127" in err
    assert emulator.imports() == []


def test_wrong_settings_are_told_before_the_tests(inside, workspace):
    """Nobody waits an hour to read that a setting is misspelt."""
    with begun(workspace, inside.cloud, *python("open('ran', 'w')"), XRAY_CI_REPEATS="newest") as run:
        run.communicate()

    assert run.returncode == 2
    assert not (workspace / "ran").exists()


def test_the_command_sees_no_secret(inside, workspace, emulator):
    """Neither its own environment nor its parent's, which Linux shows to every process of the same user."""
    look = f"""
import os
seen = "".join(f"{{n}}={{v}}" for n, v in os.environ.items())
for name in ("environ", "cmdline"):
    try:
        seen += open(f"/proc/{{os.getppid()}}/{{name}}", "rb").read().decode("utf-8", "replace")
    except OSError:  # closed even to root in a container, or no /proc
        pass
open("seen", "w").write(seen)
{WRITES}
"""
    secret = inside.cloud["XRAY_CI_CLIENT_SECRET"]
    with begun(workspace, inside.cloud, *python(look), OTHER=f"user:{secret}", MINE="kept") as run:
        out, err = run.communicate()

    seen = (workspace / "seen").read_text()
    assert run.returncode == 0, out + err
    assert "MINE=kept" in seen
    assert "XRAY_CI_PROJECT" in seen
    assert secret not in seen
    assert len(emulator.imports()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_cancelled_command_is_still_imported(inside, workspace, emulator, number):
    """The signal goes to the command; what it wrote by then is delivered, and the code says which signal it was."""
    wait = f"import signal; {WRITES}; print('ready', flush=True); signal.pause()"
    with begun(workspace, inside.cloud, sys.executable, "-I", "-c", wait) as run:
        assert run.stdout.readline() == "ready\n"
        run.send_signal(number)
        out, err = run.communicate(timeout=60)

    assert run.returncode in (128 + number, 1 if number is signal.SIGINT else 128 + number), out + err
    assert len(emulator.imports()) == 1
