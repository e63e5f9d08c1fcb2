"""The main job against the emulator: fixtures `cloud`, `server` and `reports`, and small JUnit reports to run it on."""

import pytest

CLOUD = {"XRAY_CI_CLIENT_ID": "EMULATORCLIENTID0000000000000001", "XRAY_CI_CLIENT_SECRET": "emulator-secret"}


def runs(execution):
    return list(execution["execution"]["runs"].values())


def results(execution):
    return {(run["test"], run["status"]) for run in runs(execution)}


def suite(name, *cases):
    return f'<testsuite name="{name}">' + "".join(cases) + "</testsuite>"


def case(name, inner="", classname="shop.Cart"):
    return f'<testcase classname="{classname}" name="{name}" time="0.5">{inner}</testcase>'


def keyed(name, key, inner=""):
    return case(name, f'<properties><property name="test_key" value="{key}"/></properties>{inner}')


@pytest.fixture
def cloud(emulator, run):
    """Run a command against the emulated Cloud."""
    return lambda *args, env=None: run(*args, env={**CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_PROJECT": "SHOP", **(env or {})})


@pytest.fixture
def server(emulator, run):
    """Run a command against the emulated Server/Data Center."""
    base = {"XRAY_CI_JIRA_URL": emulator.url + "/jira", "XRAY_CI_JIRA_TOKEN": "emulator-pat", "XRAY_CI_PROJECT": "SHOP"}
    return lambda *args, env=None: run(*args, env={**base, **(env or {})})


@pytest.fixture
def reports(workspace):
    """Three reports: one failure, one skipped, five results."""
    (workspace / "a.xml").write_text(suite("a", case("adds"), case("removes", '<failure message="boom">trace</failure>')))
    (workspace / "b.xml").write_text(suite("b", case("sorts", "<skipped/>"), case("shows", classname="shop.List")))
    (workspace / "c.xml").write_text(suite("c", case("pays", classname="shop.Pay")))
    return workspace
