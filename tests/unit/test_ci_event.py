"""The file that says what started a run: what is read out of it, and what strangers can put into it."""

import json
import os

import pytest

from xray_ci.ci import event_facts
from xray_ci.ci.provider import surroundings

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
}
HEAD = "89abcdef0123456789abcdef0123456789abcdef"


def pull(**changes):
    """Return the payload of a pull request of a fork."""
    return {
        "pull_request": {
            "number": 31,
            "title": "Fix",
            "user": {"login": "octocat"},
            "head": {"sha": HEAD, "repo": {"full_name": "octocat/web"}},
            "base": {"repo": {"full_name": "shop/web"}},
        }
        | changes
    }


@pytest.fixture
def around(tmp_path):
    """Say where a run runs whose event file holds these bytes, or this document."""

    def look(content):
        (tmp_path / "event.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return surroundings(GITHUB | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})

    return look


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"pull_request":' * 100_000,
        b"null",
        b"[]",
        b"7",
        b'"pull_request"',
        b'{"pull_request": []}',
        b'{"pull_request": {"head": [], "base": 7, "user": "x", "number": {}, "title": null}}',
        b'{"workflow_run": {"pull_requests": 7, "id": true}}',
        b'{"pull_request": {"number": ' + b"9" * 10_000 + b"}}",
        b" " * (event_facts.LIMIT + 1),
        b'{"pull_request": {"head": {"sha": NaN}}}',
        b'{"workflow_run": {"pull_requests": [null, 7, {"number": 1}]}}',
    ],
    ids=range(16),
)
def test_a_file_that_makes_no_sense_says_nothing(content, around):
    """Whatever the file is, the run goes on with what the variables say, and is nobody's fork."""
    here = around(content)
    assert GITHUB["GITHUB_SHA"] == here.commit
    assert (here.outsider, here.pull_request) == (None, None)


@pytest.mark.parametrize("path", ["", "/nowhere/event.json", "/", "a\0b"])
def test_a_file_that_is_not_there_says_nothing(path):
    """A path that leads nowhere, to a folder or cannot be a path is not known."""
    assert dict.fromkeys(event_facts.NAMES, "") == event_facts.read(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    """Something else than a file is not opened: nobody may ever write into it."""
    os.mkfifo(tmp_path / "event.json")
    assert dict.fromkeys(event_facts.NAMES, "") == event_facts.read(str(tmp_path / "event.json"))


def test_variables_cannot_speak_for_the_event():
    """A variable that is called like a fact of the event is none, so no job makes a fork of itself by chance."""
    assert surroundings(
        GITHUB | {"EVENT_FORK": "octocat/web", "EVENT_COMMIT": HEAD, "EVENT_RUN_ID": "7"}
    ) == surroundings(GITHUB)


def test_texts_of_strangers_are_one_clean_line(around):
    """A title or a repository's name brings neither line breaks nor control characters nor endless text."""
    payload = pull(title="a\r\n::error::b\x1b[2K\u202e" + "x" * 999)
    payload["pull_request"]["head"]["repo"]["full_name"] = "octo\ncat/\x1b[31mweb"
    here = around(payload)
    assert here.pull_request_title.startswith("a ::error::b\\u202exxx")
    assert len(here.pull_request_title) == 255
    assert here.outsider == "the fork octo cat/web"


@pytest.mark.parametrize("sha", ["HEAD", "; rm", "", 7, None, {"sha": HEAD}])
def test_a_commit_that_is_none_leaves_that_of_the_variable(sha, around):
    """What is no hash never becomes the revision."""
    assert GITHUB["GITHUB_SHA"] == around(pull(head={"sha": sha, "repo": {"full_name": "shop/web"}})).commit


@pytest.mark.parametrize("number", ["31/../..", "-1", 3.5, True, "x", [31]])
def test_a_number_is_a_number(number, around):
    """A pull request has a number or none."""
    assert around(pull(number=number)).pull_request is None


@pytest.mark.parametrize(
    ("source", "target", "fork"),
    [
        ("octocat/web", "shop/web", True),
        ("shop/web", "shop/web", False),
        ("Shop/Web", "shop/web", False),
        ("octocat/web", None, False),
        (7, "shop/web", True),
        (True, "shop/web", False),
    ],
)
def test_a_fork_is_another_repository(source, target, fork, around):
    """Only two known, different names make a fork; GitHub takes names in any case."""
    payload = pull(head={"sha": HEAD, "repo": {"full_name": source}}, base={"repo": {"full_name": target}})
    assert fork == (around(payload).outsider is not None)


@pytest.mark.parametrize("head", [None, {"sha": HEAD}, {"sha": HEAD, "repo": {}}, "x"])
def test_a_repository_that_is_not_named_is_no_fork(head, around):
    """Only a repository that the event says is null is gone; one that is left out is not known."""
    assert around(pull(head=head)).outsider is None


def test_a_branch_of_a_fork_is_never_ours(around):
    """What follows a run of a fork has another branch than ours of the same name, also when its owner is not told."""
    run = {"id": 7, "head_branch": "main", "head_sha": HEAD, "repository": {"id": 1, "full_name": "shop/web"}}
    assert around({"workflow_run": run | {"head_repository": {"full_name": "octocat/web"}}}).branch == "octocat:main"
    assert around({"workflow_run": run | {"head_repository": None}}).branch == "fork:main"
    assert around({"workflow_run": run | {"head_repository": {"full_name": "shop/web"}}}).branch == "main"


def test_every_name_is_said():
    """Each fact has its name in what is read, so that no variable of the same name is taken for one."""
    assert (
        set(event_facts.NAMES)
        == set(event_facts.facts(pull()))
        == set(event_facts.facts(None))
        == set(event_facts.facts({"workflow_run": {}}))
    )
