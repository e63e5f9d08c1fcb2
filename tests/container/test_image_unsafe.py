"""The image where nothing is as expected: stray modules, no PATH, no home, no user, no rights.

It works, or says why it cannot.
"""

from __future__ import annotations

import pytest
from emulator_client import Emulated
from github_runner import HOST, on_github

pytestmark = pytest.mark.container
STRAY = "import os\nos.write(2, b'STRAY')\nraise SystemExit(99)\n"
"""A module that shows that it ran."""


def run(engine, checkout, variables, *options, command=(), code=0, mode="rw"):
    """Run the image in a workspace as `docker run` does on a laptop, and return what it said."""
    done = engine(
        "run",
        "--rm",
        *HOST,
        *engine.passed(variables),
        "-v",
        f"{checkout.workspace}:/workspace:{mode}",
        "-w",
        "/workspace",
        *options,
        engine.image,
        *command,
        env=variables,
        code=None,
    )
    said = done.stdout + done.stderr
    assert code == done.returncode, said
    assert "Traceback" not in said
    assert "defect" not in said
    return said


def scatter(checkout, folder):
    """Put modules into a folder that are named like those the product and its libraries import."""
    for name in (
        "json",
        "yaml",
        "requests",
        "encodings",
        "site",
        "sitecustomize",
        "usercustomize",
        "xray_ci",
        "entrypoint",
    ):
        checkout.write(f"{folder}/{name}.py", STRAY)


def test_modules_of_the_workspace_are_not_imported(engine, checkout, settings):
    """A yaml.py in the checkout.

    With PYTHONPATH and more of Python's variables pointing at it, never runs next to the secrets.
    """
    scatter(checkout, "workspace")

    done = on_github(
        engine,
        checkout,
        settings,
        PYTHONPATH="/github/workspace",
        PYTHONSTARTUP="/github/workspace/yaml.py",
        PYTHONHOME="/github/workspace",
        PYTHONUSERBASE="/github/workspace",
        PYTHONINSPECT="1",
        PYTHONWARNINGS="error",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "STRAY" not in done.stdout + done.stderr


def test_modules_beside_a_script_that_calls_it_are_not_imported(engine, checkout, variables):
    """A json.py in the working directory, beside the script and on its PATH stays unread by `xray-ci`."""
    scatter(checkout, "workspace/ci")
    checkout.write(
        "workspace/ci/run.sh",
        "cd /workspace/ci && PYTHONPATH=/workspace/ci PATH=/workspace/ci:$PATH && export PYTHONPATH PATH\n"
        "xray-ci inspect --reports '../reports/*.xml' && cd .. && exec xray-ci import\n",
    )
    checkout.hand_over()

    said = run(engine, checkout, variables, "--entrypoint", "sh", command=("ci/run.sh",))

    assert "SHOP-" in said
    assert "STRAY" not in said


def test_neither_path_nor_home_nor_a_user_is_needed(engine, checkout, variables):
    """A PATH that names nothing, HOME=/ and an owner without passwd entry: the reports are imported all the same."""
    said = run(
        engine,
        checkout,
        variables,
        "-u",
        f"{checkout.owner}:{checkout.owner}",
        "-e",
        "PATH=/nonsense:relative",
        "-e",
        "HOME=/",
        "-e",
        "LANG=xx_XX.broken",
        "-e",
        "TZ=No/Where",
    )

    assert "SHOP-" in said
    assert checkout.owner == (checkout.workspace / "xray-result.json").stat().st_uid


def test_nothing_but_the_workspace_must_be_writable(engine, checkout, variables):
    """A read-only root without any temporary folder.

    What is needed for a moment is written into the workspace and removed.
    """
    run(engine, checkout, variables, "--read-only")

    assert {"reports", "TEST-cart.xml", "xray-result.json"} == {path.name for path in checkout.workspace.rglob("*")}


def test_a_system_without_any_writable_folder_is_told_what_to_mount(engine, checkout, variables):
    """With a workspace that is read-only as well it ends with code 2, and names the option that helps."""
    del variables["XRAY_CI_RESULT_FILE"]

    said = run(engine, checkout, variables, "--read-only", code=2, mode="ro")

    assert "--tmpfs /tmp" in said


def test_no_capability_is_needed(engine, checkout, variables):
    """Root without capabilities may not write into another's workspace: it imports, and says what was not written."""
    said = run(engine, checkout, variables, "--cap-drop", "ALL", "--security-opt", "no-new-privileges")

    assert "SHOP-" in said
    assert "result-file could not be written" in said
    assert not (checkout.workspace / "xray-result.json").exists()


def test_a_closed_workspace_is_open_to_root(engine, checkout, variables):
    """A workspace that only its owner may enter is read and written by the container's root.

    The result is the owner's.
    """
    checkout.workspace.chmod(0o700)

    said = run(engine, checkout, variables)

    assert "SHOP-" in said
    assert checkout.owner == (checkout.workspace / "xray-result.json").stat().st_uid


def test_a_closed_report_is_named(engine, checkout, variables):
    """A report that this user may not read is refused by name with code 4.

    The remedy is the user's right to read it.
    """
    (checkout.workspace / "reports/TEST-cart.xml").chmod(0o600)

    said = run(engine, checkout, variables, "-u", "54321:54321", code=4)

    assert "reports/TEST-cart.xml" in said
    assert "may be read by the user of this process" in said


@pytest.mark.parametrize(
    "rights", [("-u", "54321:54321"), ("--cap-drop", "ALL")], ids=["another user", "root without capabilities"]
)
def test_a_closed_workspace_names_the_option_that_opens_it(engine, checkout, variables, rights):
    """A workspace that this user may not enter ends it with code 2, and the remedy is to run as its owner."""
    checkout.workspace.chmod(0o700)

    said = run(engine, checkout, variables, *rights, code=2)

    assert "this user may not enter the workspace" in said
    assert "docker run --user" in said


def test_a_closed_folder_is_told_from_an_empty_one(engine, checkout, variables):
    """Where reports lie in a folder that this user may not read, code 3 comes with that reason."""
    (checkout.workspace / "reports").chmod(0o700)

    said = run(engine, checkout, variables, "-u", "54321:54321", code=3)

    assert "this user may not read `reports`" in said


def test_the_environment_is_no_report(engine, checkout, variables, services):
    """A link to the environment in the workspace, with TAP in a commit message, sends nothing of it anywhere."""
    other = "other-secret-of-the-job-0123456789"
    variables |= {
        "A_MESSAGE": "Fix\nTAP version 13\n1..1\nnot ok 1 - leak\n# ",
        "B_PASSWORD": other,
        "XRAY_CI_REPORTS": "**/*.xml",
    }
    (checkout.workspace / "reports" / "TEST-x.xml").symlink_to("/proc/self/environ")
    emulator = Emulated(services)
    emulator.reset()

    said = run(engine, checkout, variables)

    bodies = [emulator.body(each["n"]).decode() for each in emulator.imports()]
    left = [path.read_text() for path in checkout.workspace.rglob("*") if path.is_file() and not path.is_symlink()]
    assert "nothing in /proc, /sys or /dev is a report" in said
    assert len(bodies) == 1
    for secret in (other, variables["XRAY_CI_CLIENT_SECRET"]):
        assert not [text for text in (said, str(emulator.requests()), *bodies, *left) if secret in text]
