"""Runs the image as GitHub's runner runs a container action.

Knows its mounts and variables; knows nothing of what is printed.
"""

from __future__ import annotations

HOST = ("--network", "host", "--pull", "never")


def on_github(engine, checkout, settings, *options, hand_over=True, **more):
    """Run the image on a checkout; `options` are docker's, `more` is the job's environment."""
    for name in ("home", "workflow", "runner_temp"):
        (checkout.folder / name).mkdir(exist_ok=True)
    for name in ("set_output", "step_summary", "set_env"):
        checkout.write(f"file_commands/{name}_5b1d", "")
    if hand_over:
        checkout.hand_over()
    env = {f"INPUT_{name.upper()}": value for name, value in settings.items()}
    env |= {
        "HOME": "/github/home",
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_WORKSPACE": "/github/workspace",
        "GITHUB_REPOSITORY": "shop/cart",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_NUMBER": "7",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_WORKFLOW": "Tests",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_SERVER_URL": "https://github.com",
        "RUNNER_TEMP": "/github/runner_temp",
        "RUNNER_OS": "Linux",
        "GITHUB_OUTPUT": "/github/file_commands/set_output_5b1d",
        "GITHUB_STEP_SUMMARY": "/github/file_commands/step_summary_5b1d",
        **more,
    }
    mounts = [
        part
        for name in ("workspace", "home", "workflow", "file_commands", "runner_temp")
        for part in ("-v", f"{checkout.folder / name}:/github/{name}")
    ]
    return engine(
        "run",
        "--name",
        "action_5b1d",
        "--workdir",
        "/github/workspace",
        "--rm",
        *engine.passed(env),
        *HOST,
        *options,
        *mounts,
        engine.image,
        env=env,
        code=None,
    )
