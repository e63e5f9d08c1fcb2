"""Which runs share a Test Execution and which must not, for every system and scene of tests/data/ci_identity.

`scenes.json` holds the variables of each system's first run, and of every other scene what differs from it (null: not
set).
"""

import json
from pathlib import Path

import pytest

from xray_ci.ci.provider import default_summary, in_matrix, placeholders, surroundings
from xray_ci.ci.systems import PROVIDERS
from xray_ci.delivery.marker import marker
from xray_ci.errors import ConfigurationError
from xray_ci.settings import kinds
from xray_ci.settings.problems import Raw
from xray_ci.settings.table import BY_NAME

DATA = Path(__file__).parents[1] / "data" / "ci_identity"
SCENES = json.loads((DATA / "scenes.json").read_text(encoding="utf-8"))
PAIRS = [tuple(pair) for pair in json.loads((DATA / "pairs.json").read_text(encoding="utf-8"))]
NOT_ITSELF = {"act": "github", "gitea": "github"}
"""Systems that pass for another one."""


def variables(system, scene):
    return {
        name: value
        for name, value in {**SCENES[system]["first-run"], **SCENES[system][scene]}.items()
        if value is not None
    }


def context(env, name):
    text = env.get(f"INPUT_{name.upper()}") or env.get(BY_NAME[name].variable) or "null"
    return kinds.parse(BY_NAME[name], Raw(text, name), None)


def around(env):
    return in_matrix(surroundings(env), context(env, "github-matrix"), context(env, "github-strategy"))


def marked(env, **given):
    return marker(
        **{
            "around": around(env),
            "scope": "run",
            "explicit": False,
            "on_rerun": "reuse",
            "target": ("jira", "SHOP"),
            "group": "",
            "unique": repr(sorted(env.items())) + str(given),
            **given,
        }
    )


@pytest.mark.parametrize(
    ("system", "first", "second", "scope", "want"), [pair for pair in PAIRS if pair[4] != "error"], ids="-".join
)
def test_runs_share_a_test_execution_or_do_not(system, first, second, scope, want):
    """A re-run and a shard find what was made before; strangers, other steps and legs of a matrix never do."""
    one = marked(variables(system, first), scope=scope, unique="one")
    other = marked(variables(system, second), scope=scope, unique="other")

    assert want == ("same" if one.token == other.token else "differ")
    assert want == "differ" or other.look


@pytest.mark.parametrize(
    ("system", "scene", "scope"), [(system, first, scope) for system, first, _, scope, want in PAIRS if want == "error"]
)
def test_a_tag_is_no_branch(system, scene, scope):
    """Its results stay out of the branch's Test Execution."""
    with pytest.raises(ConfigurationError):
        marked(variables(system, scene), scope=scope)


@pytest.mark.parametrize(
    ("system", "scene"), [(system, scene) for system, scenes in SCENES.items() for scene in scenes]
)
def test_every_scene_is_taken_for_its_system(system, scene):
    """Each is told from all others, and gets one mark however often it is read."""
    env = variables(system, scene)

    assert NOT_ITSELF.get(system, system) == surroundings(env).provider.key
    assert marked(env) == marked(env)


def test_no_system_is_without_scenes():
    """A row that nobody has seen at work does not stay unnoticed."""
    assert {provider.key for provider in PROVIDERS} == {NOT_ITSELF.get(system, system) for system in SCENES}


def test_variables_of_bamboo_are_read_in_upper_case_too():
    """A copy of the environment of Windows has them so."""
    env = {name.upper(): value for name, value in variables("bamboo", "first-run").items()}

    assert marked(variables("bamboo", "first-run"), unique="") == marked(env, unique="")


def leg(**values):
    return variables("github", "first-run") | {"INPUT_GITHUB-MATRIX": json.dumps(values)}


def test_a_browser_by_shards_makes_one_for_each_browser():
    """Shards of one browser share, and race; browsers stay apart."""
    marks = {
        (browser, shard): marked(leg(browser=browser, shard=shard))
        for browser in ("chrome", "firefox")
        for shard in (1, 2)
    }

    assert marks["chrome", 1] == marks["chrome", 2]
    assert marks["firefox", 1] == marks["firefox", 2]
    assert marks["chrome", 1].token != marks["firefox", 1].token
    assert {True} == {mark.race for mark in marks.values()}


@pytest.mark.parametrize(
    ("key", "value", "shares"),
    [
        ("shard", 1, True),
        ("shardIndex", "1/4", True),
        ("ci_node_index", 1, True),
        ("node-index", 1, True),
        ("chunk", "1", True),
        ("CI_NODE_INDEX", "0", True),
        ("node", 20, False),
        ("shard", "api", False),
        ("shard", True, False),
        ("version", 1, False),
        ("resharding", 1, False),
    ],
)
def test_a_key_is_a_shard_only_without_doubt(key, value, shares):
    """`node` is a version of Node.js, and a shard with a name is another suite."""
    assert shares == marked(leg(**{key: value})).race


@pytest.mark.parametrize(
    ("sharding", "key", "shares"), [(("none",), "shard", False), (("part",), "part", True), (("part",), "shard", False)]
)
def test_the_setting_says_which_keys_are_shards(sharding, key, shares):
    """Its names replace the usual ones; `none` has no shards."""
    assert shares == marked(leg(**{key: 1}), sharding=sharding).race


@pytest.mark.parametrize("text", ["null", "{}", "", "[1]", '"x"', "{", "[" * 60_000])
def test_what_is_no_matrix_changes_nothing(text):
    """Every job without one says null."""
    env = variables("github", "first-run")

    assert marked(env, unique="") == marked(env | {"INPUT_GITHUB-MATRIX": text}, unique="")


def test_a_total_beside_an_index_says_nothing():
    """How many shards there are tells no leg from another, and names none."""
    one, two = leg(shardIndex=1, shardTotal=2), leg(shardIndex=2, shardTotal=2)

    assert marked(one) == marked(two)
    assert "matrix" not in placeholders(around(one))
    assert marked(leg(shardTotal=2)).token != marked(leg(shardTotal=3)).token


def test_the_only_leg_shares_with_nobody():
    """A matrix of one job has no other shard to race with."""
    env = leg(shard=1)

    assert not marked(env | {"INPUT_GITHUB-STRATEGY": '{"job-index": 0, "job-total": 1}'}).race
    assert marked(env | {"INPUT_GITHUB-STRATEGY": '{"job-index": 0, "job-total": 2}'}).race
    assert marked(env | {"INPUT_GITHUB-STRATEGY": '{"job-total": "many"}'}).race


def test_the_default_summary_names_the_leg_and_no_shard():
    """All shards of the leg share it."""
    env = leg(os="linux", shard="1/2", browser="chrome")

    assert default_summary(around(env)).endswith(" ({matrix})")
    assert placeholders(around(env))["matrix"] == "chrome, linux"
    assert placeholders(around(env))["matrix.shard"] == "1/2"
    assert "{matrix}" not in default_summary(around(leg(shard=1)))
    assert "{matrix}" in default_summary(around(leg(shard=1)), ("none",))


def test_legs_stay_apart_in_a_branch_too():
    """A template decides alone."""
    one, other = leg(browser="chrome"), leg(browser="firefox")

    assert marked(one, scope="branch").token != marked(other, scope="branch").token
    assert marked(one, scope="{commit}").token == marked(other, scope="{commit}").token
    assert marked(one, scope="{matrix.browser}").token != marked(other, scope="{matrix.browser}").token


def test_a_part_joins_the_identity():
    """It tells legs apart where the system cannot."""
    env = variables("jenkins", "first-run")

    assert marked(env, part="linux").token != marked(env, part="windows").token
